"""
Environment, ``.env`` and OS keyring -> frozen settings. The only reader of them.

Looked up in this order: the process environment, the nearest ``.env`` at or
above the working folder, and for credentials and addresses the OS keyring (service
``smskit``). What ``allowed`` guards counts from a ``.env`` that this person has
allowed, and from no other. What a provider can be set to is in ``provider``, which takes pydantic:
`ProviderSettings` is loaded when it is first used, as most commands read no more than where the ledger is.
"""

from __future__ import annotations

import copy
import enum
import getpass
import ipaddress
import os
import platform
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar
from urllib.parse import unquote, urlsplit

from smskit.allowed import is_place
from smskit.errors import SettingsError
from smskit.i18n import Joined, Message
from smskit.i18n.validation import what_is_wrong
from smskit.settings.dotenv import Dotenv, read_dotenv
from smskit.settings.places import APP_WORKSPACE, LedgerPlace, ledger_place, start_folder

if TYPE_CHECKING:
    from smskit.settings.provider import ProviderSettings as ProviderSettings

DEFAULT_DATABASE_URL = "sqlite:///smskit.db"
KEYRING_SERVICE = "smskit"
PACKAGE = Path(__file__).parent.parent  # the package's own folder
APP_SENDER = "SMSKIT_APP_SENDER"  # set by ``smskit app`` for its kernels: who sends for them
OPEN_WITH = "SMSKIT_OPEN_WITH"  # set by ``smskit app`` for a page whose address names a campaign
APP_MAY = "SMSKIT_APP_MAY"  # what visitors may do, see `workspace.May`; set anew for a visitor who has a name
BLANK: Final = re.compile("[\\s\u200b-\u200d\u2060\ufeff]")
# What comes along with a key that is copied from a page, a table or a chat.
_AROUND_KEYS: Final = re.compile(rf"""^(?:{BLANK.pattern}|["'“”‘’`])+|(?:{BLANK.pattern}|["'“”‘’`])+$""")


class Source(enum.StrEnum):
    """Where a setting is found; an earlier one hides the later ones."""

    PROCESS = "environment"
    DOTENV = "dotenv"
    KEYRING = "keyring"
    NOWHERE = ""


S = TypeVar("S", bound="ProviderSettings")


class LargeSettings(NamedTuple):
    """Of segments larger than memory."""

    frame_rows: int = 5_000_000  # of parquet; a segment of more is planned in parts
    scheduler: str = ""  # address of a Dask scheduler; "" = workers of this machine
    workers: int = 0  # of this machine; 0 = as many as it has cores
    memory: str = "1GiB"  # of one worker

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> LargeSettings:
        """
        As the variables have it: ``SMSKIT_FRAME_ROWS`` and ``SMSKIT_DASK…``.

        Raises:
            SettingsError: one is no number.
        """
        default, found = cls(), dict[str, int]()
        for variable, least in (("SMSKIT_FRAME_ROWS", 1), ("SMSKIT_DASK_WORKERS", 0)):
            given = environ.get(variable, "").strip()
            if given and not (given.isdecimal() and int(given) >= least):
                raise SettingsError(
                    "{variable} has to be a whole number of at least {n}", variable=variable, n=least
                )
            if given:
                found[variable] = int(given)
        memory = environ.get("SMSKIT_DASK_MEMORY", "").strip()
        if memory and not _MEMORY.fullmatch(memory):
            raise SettingsError("SMSKIT_DASK_MEMORY has to be a size such as 2GiB")
        return cls(
            found.get("SMSKIT_FRAME_ROWS", default.frame_rows),
            environ.get("SMSKIT_DASK", "").strip(),
            found.get("SMSKIT_DASK_WORKERS", 0),
            memory or default.memory,
        )


_MEMORY: Final = re.compile(r"[0-9]+(\.[0-9]+)? ?[kMGT]i?B", re.IGNORECASE)


class Environment:
    """
    One look-up over environment, ``.env`` and keyring.

    Args:
        environ: Stands for ``os.environ``; handed in by tests.
        folder: Where the search for ``.env`` starts, upwards to the project's root.
        keyring: Ask the OS keyring for credentials that are nowhere else.
        parameter_file: Whose project's ledger is meant; None = the one ``SMSKIT_RUN_FILE`` tells of, which
            whoever starts a notebook for a parameter file sets.
    """

    def __init__(
        self,
        environ: Mapping[str, str] | None = None,
        *,
        folder: Path | None = None,
        keyring: bool = True,
        parameter_file: Path | None = None,
    ) -> None:
        self._environ = dict(os.environ if environ is None else environ)
        self._dotenv = read_dotenv(folder or start_folder()) if environ is None or folder else Dotenv()
        self._file = self._dotenv.values
        self._reads_files = environ is None or folder is not None
        self._keyring = keyring and self._environ.get("SMSKIT_KEYRING", "1") != "0"
        self._folder = folder or start_folder()
        told = self._environ.get("SMSKIT_RUN_FILE", "")
        self._parameter_file = parameter_file or (Path(told) if told else None)

    def __repr__(self) -> str:
        return "Environment()"

    def source(self, name: str) -> Source:
        """Where *name* would be taken from."""
        if self._environ.get(name):
            return Source.PROCESS
        if self._file.get(name):
            return Source.DOTENV
        return Source.KEYRING if self._keyring and _from_keyring(name) else Source.NOWHERE

    def get(self, name: str, default: str = "") -> str:
        """The plain setting *name*, or *default*; an empty value counts as absent."""
        found = self._environ.get(name) or self._file.get(name)
        if not found and self._keyring and is_place(name):
            found = trimmed(_from_keyring(name))
        return found or default

    def secret(self, name: str) -> str:
        """The credential *name* as `trimmed` has it, "" when it is nowhere."""
        return trimmed(self.get(name)) or (trimmed(_from_keyring(name)) if self._keyring else "")

    @property
    def variables(self) -> Mapping[str, str]:
        """Everything in the environment and ``.env``, for ``env:NAME``; holds credentials."""
        return {**self._file, **self._environ}

    # -- a file that nobody has allowed yet ----------------------------------------------

    def held(self, names: Iterable[str]) -> list[str]:
        """Those of *names* that are set in a ``.env`` nobody has allowed, and nowhere that comes first."""
        return [name for name in names if name in self._dotenv.held and not self._environ.get(name)]

    def why_held(self, names: Sequence[str]) -> Message:
        """Why *names*, which are `held`, do not count, and what to do."""
        return Message(
            "{file} sets {names}, which says where keys go or what is run, and counts only once you have "
            "looked at it and allowed it: smskit allow {file}",
            file=self._dotenv.file,
            names=", ".join(names),
        )

    @property
    def not_of_the_app(self) -> Message | None:
        """That the ``.env`` sets what counts from the app's process alone; None = it does not."""
        if not self._dotenv.misplaced:
            return None
        return Message(
            "{file} sets {names}, which counts only in the environment that `smskit app` is started with",
            file=self._dotenv.file,
            names=", ".join(self._dotenv.misplaced),
        )

    @property
    def remarks(self) -> list[Message]:
        """What to know of the ``.env``: that it does not count as a whole, that others can read it."""
        found, file = [], self._dotenv.file
        if held := self.held(self._dotenv.held):
            found.append(self.why_held(held))
        if why := self.not_of_the_app:
            found.append(why)
        if file is not None and os.name != "nt" and file.stat().st_mode & 0o077:
            found.append(
                Message(
                    "other users of this machine can read {file}; close it to them (chmod 600)", file=file
                )
            )
        return found

    def misplaced(
        self, provider: str, model: type[ProviderSettings], given: Collection[str] = ()
    ) -> Message | None:
        """
        Why *provider* must not be asked: a folder's file says where keys go that it does not hold, or nobody
        has allowed it to; None where all is well.

        Args:
            given: Fields that are set otherwise, and not looked at.
        """
        places, loose, keys = (
            [variable_of(provider, field) for field in fields if field not in given]
            for fields in (model.place_fields(), ("plain_http",), model.secret_fields())
        )
        if not places:
            return None
        if held := self.held([*places, *loose]):
            return self.why_held(held)
        of_folder = [name for name in places if self._in_dotenv(name)]
        if not of_folder:
            return None
        elsewhere = [name for name in keys if self.secret(name) and not self._in_dotenv(name)]
        if not elsewhere:
            return None
        return Message(
            "{place} comes from {file}, and {keys} from the environment or the keyring: a folder's file does "
            "not say where other keys go. Put both into the same place",
            place=of_folder[0],
            file=self._dotenv.file,
            keys=", ".join(elsewhere),
        )

    def _in_dotenv(self, name: str) -> bool:
        return not self._environ.get(name) and bool(self._file.get(name))

    # -- what is set -------------------------------------------------------------------

    def of_file(self, parameter_file: Path) -> Environment:
        """The same settings, with the ledger of the project that *parameter_file* belongs to."""
        made = copy.copy(self)
        made._parameter_file = parameter_file
        return made

    @property
    def parameter_file(self) -> Path | None:
        """The parameter file this is about; None = none is known."""
        return self._parameter_file

    @property
    def ledger_place(self) -> LedgerPlace:
        """The ledger: ``SMSKIT_DATABASE_URL``, else ``smskit.db`` in the project of the parameter file."""
        starts = [self._folder.absolute()]
        named = self._environ.get("SMSKIT_DATABASE_URL", "")
        if self._parameter_file is not None:
            # As it is reached: a parameter file that is a link belongs to the folder it stands in.
            starts.insert(0, self._parameter_file.expanduser().absolute().parent)
            if not named and self._reads_files:
                named = read_dotenv(starts[0]).values.get("SMSKIT_DATABASE_URL", "")
        named = named or self._file.get("SMSKIT_DATABASE_URL", "")
        return ledger_place(named or DEFAULT_DATABASE_URL, starts)

    @property
    def ledger_passed_over(self) -> Path | None:
        """
        A ledger in the working folder's project that is not the one of `ledger_place`; None = none is there.

        Until 0.2 it was the one that a command started here wrote into, whatever its parameter file.
        """
        place = self.ledger_place
        named = self.get("SMSKIT_DATABASE_URL") or DEFAULT_DATABASE_URL
        other = ledger_place(named, [self._folder.absolute()])
        if place.file is None or other.file is None or other.missing or place.file == other.file:
            return None
        return other.file

    @property
    def database_url(self) -> str:
        """Where the ledger lives, absolute; may hold a password, so do not print it."""
        return self.ledger_place.url

    @property
    def ledger_patience_s(self) -> float:
        """
        How long a ledger's server may be away before what waits for it fails (``SMSKIT_LEDGER_PATIENCE_S``).

        Raises:
            SettingsError: it is no number of seconds.
        """
        given = self.get("SMSKIT_LEDGER_PATIENCE_S", "300")
        try:
            seconds = float(given)
        except ValueError:
            seconds = -1.0
        if not 0 <= seconds < float("inf"):
            raise SettingsError("SMSKIT_LEDGER_PATIENCE_S has to be a number of seconds")
        return seconds

    @property
    def large(self) -> LargeSettings:
        """
        Of segments larger than memory.

        Raises:
            SettingsError: a setting is no number.
        """
        return LargeSettings.of(self.variables)

    @property
    def user(self) -> str:
        """
        Who this is: ``SMSKIT_USER``, else the role of a PostgreSQL ledger, else the user of the system.

        A visitor of the app who has a name is its kernel's ``SMSKIT_USER``. "" where nobody knows.
        """
        return self.get("SMSKIT_USER").strip() or self._role or _system_user()

    @property
    def place(self) -> str:
        """From where: the user of the operating system and the machine, whatever ``SMSKIT_USER`` says."""
        through = " (app)" if self.get(APP_WORKSPACE) else ""
        return f"{_system_user()}@{platform.node()}{through}"

    @property
    def requires_approval(self) -> bool:
        """
        Whether a live run needs a second person's word (``SMSKIT_REQUIRE_APPROVAL=live``).

        Raises:
            SettingsError: it is something else, and no reason to send without.
        """
        wanted = self.get("SMSKIT_REQUIRE_APPROVAL").strip().lower()
        if wanted not in ("", "live"):
            raise SettingsError("SMSKIT_REQUIRE_APPROVAL has to be `live`, or not set")
        return bool(wanted)

    @property
    def _role(self) -> str:
        with suppress(ValueError):  # an address that does not read: whoever opens it says so
            parts = urlsplit(self.database_url)
            return unquote(parts.username or "") if parts.scheme.startswith("postgres") else ""
        return ""

    @property
    def language(self) -> str:
        """``zh`` or ``en``: the language of labels (``SMSKIT_LANG``)."""
        return "en" if self.get("SMSKIT_LANG", "zh").lower().startswith("en") else "zh"

    def provider(self, name: str, model: type[S], **override: Any) -> S:
        """
        Settings of provider *name*.

        Raises:
            SettingsError: a credential is missing or a value is out of range;
                names the variable, never the value. Or a folder's file says where its keys go, see `allowed`.
        """
        from pydantic import ValidationError

        if why := self.misplaced(name, model, override):
            raise SettingsError(why)
        values: dict[str, Any] = {}
        secrets = model.secret_fields()
        for field in model.model_fields:
            variable = variable_of(name, field)
            text = self.secret(variable) if field in secrets else self.get(variable).strip()
            if text:
                values[field] = text
        values.update(override)
        addresses = {variable_of(name, field): str(values.get(field, "")) for field in model.address_fields()}
        demand_https(name, addresses, allowed=values.get("plain_http") == "allow")
        try:
            return model(**values)
        except ValidationError as error:
            problems = Joined(_problem(name, e) for e in error.errors(include_input=False, include_url=False))
            raise SettingsError(
                "provider `{name}` is not set up: {why}. Set it in the environment, in a .env file beside "
                "the notebook, or in the OS keyring.",
                name=name,
                why=problems,
            ) from None


def __getattr__(name: str) -> Any:
    if name != "ProviderSettings":
        raise AttributeError(f"module 'smskit.settings' has no attribute {name!r}")
    from smskit.settings.provider import ProviderSettings

    return ProviderSettings


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return ""


def trimmed(key: str) -> str:
    """*key* without blanks, line ends, marks without width and quotes at its ends: no key has any there."""
    return _AROUND_KEYS.sub("", key)


def variable_of(provider: str, field: str) -> str:
    """Name of the environment variable for one field: ``SMSKIT_YUNPIAN_API_KEY``."""
    return f"SMSKIT_{provider}_{field}".upper().replace("-", "_")


def demand_https(provider: str, addresses: Mapping[str, str], *, allowed: bool) -> None:
    """
    See that no key and no phone goes over the network for everybody on the way to read.

    Args:
        addresses: What says so, a variable for one -> the address.
        allowed: ``plain_http`` is ``allow``.

    Raises:
        SettingsError: one of them is plain HTTP to another machine.
    """
    for name, url in addresses.items():
        if is_in_clear(url) and not allowed:
            raise SettingsError(
                "{name} is http:// to another machine: keys and phones could be read on the way. Use "
                "https://, or set {variable}=allow for a gateway inside the house",
                name=name,
                variable=variable_of(provider, "plain_http"),
            )


def is_in_clear(url: str) -> bool:
    """Whether *url* is plain HTTP to another machine."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and not is_loopback(parts.hostname or "")
    except ValueError:
        return False  # leads nowhere


@cache
def is_loopback(host: str) -> bool:
    """Whether *host* is this machine and nothing else."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _problem(provider: str, error: Mapping[str, Any]) -> Message:
    variable = variable_of(provider, str(error["loc"][0])) if error["loc"] else provider
    if error["type"] == "missing":
        return Message("{variable} is missing", variable=variable)
    return Message("{variable}: {why}", variable=variable, why=what_is_wrong(error))


def _from_keyring(name: str) -> str:
    try:
        import keyring

        return keyring.get_password(KEYRING_SERVICE, name) or ""
    except Exception:
        # A machine without a keyring service (servers, containers) is normal: the
        # caller then reports the credential as missing, naming the variable.
        return ""
