"""
Keeping credentials and settings for a person: written into ``.env`` or the OS keyring, and taken out again.

The only writer of them; ``settings`` reads. A value is kept in one place: what
is saved in the keyring leaves ``.env`` and the other way round. Nothing here
shows, logs or raises a value.
"""

from __future__ import annotations

import contextlib
import enum
import io
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smskit.allowed import allow, guarded, is_allowed
from smskit.errors import SettingsError
from smskit.i18n import Message, os_words
from smskit.settings import KEYRING_SERVICE, Environment, Source, trimmed
from smskit.settings.dotenv import dotenv_file, dotenv_text, dotenv_values
from smskit.settings.places import project_root, start_folder

__all__ = ["Store", "Written", "forget", "is_exposed", "keyring_problem", "save", "target_file"]


class Store(enum.StrEnum):
    """Where a person may keep credentials."""

    DOTENV = "dotenv"  # a file beside the notebooks, readable by its owner only
    KEYRING = "keyring"  # of the operating system


@dataclass(frozen=True, slots=True)
class Written:
    """
    What was saved, by name; never a value.

    Args:
        file: The ``.env`` that holds some of it; None = all of it is in the keyring.
        exposed: Git would take that file into a commit.
        hidden: Names whose new value has no effect, since the process's own environment has another.
    """

    file: Path | None
    exposed: bool = False
    hidden: tuple[str, ...] = ()


def save(
    values: Mapping[str, str],
    store: Store,
    *,
    secrets: Iterable[str] = (),
    folder: Path | None = None,
    environment: Environment | None = None,
) -> Written:
    """
    Keep *values*, each by the name of its environment variable; "" takes one out.

    Args:
        store: Where the *secrets* go; everything else goes into ``.env``.
        secrets: Keys, and the addresses they go to, which stay beside them: see ``settings``.
        folder: Where the notebook is; ``.env`` is looked for upwards from here.
        environment: The process's, to say which values it hides.

    Raises:
        SettingsError: the place cannot be written, or cannot hold a value; nothing was changed there.
    """
    folder = folder or start_folder()
    environment = environment or Environment(folder=folder)
    secret = {n: trimmed(v) for n, v in values.items() if n in set(secrets)}
    values = {n: v.strip() for n, v in values.items()} | secret
    into_keyring = {n: v for n, v in secret.items() if v} if store is Store.KEYRING else {}
    if into_keyring:
        _into_keyring(into_keyring)
    # What moved to the keyring leaves the file: it would be found there first.
    into_file = dict(values) | dict.fromkeys(into_keyring, "")
    file = target_file(folder)
    if any(into_file.values()) or file.exists():
        rewrite(file, into_file)
    for name in secret.keys() - into_keyring.keys():
        _out_of_keyring(name)
    kept_in_file = any(into_file.values())
    hidden = tuple(n for n in values if environment.source(n) is Source.PROCESS)
    return Written(file if kept_in_file else None, kept_in_file and is_exposed(file), hidden)


def forget(names: Iterable[str], *, folder: Path | None = None) -> tuple[str, ...]:
    """
    Take *names* out of ``.env`` and keyring.

    Returns:
        Those the process's own environment still holds, which only whoever started it can change.

    Raises:
        SettingsError: the file cannot be written.
    """
    folder = folder or start_folder()
    names = list(names)
    file = dotenv_file(folder)
    if file:
        rewrite(file, dict.fromkeys(names, ""))
    for name in names:
        _out_of_keyring(name)
    return tuple(name for name in names if os.environ.get(name))


# -- the file ------------------------------------------------------------------------


def target_file(folder: Path | None = None) -> Path:
    """The ``.env`` settings are written to: the one that is read, else one in the project's root."""
    folder = folder or start_folder()
    return dotenv_file(folder) or (project_root(folder) or folder) / ".env"


def rewrite(file: Path, values: Mapping[str, str]) -> None:
    """
    Set these names in a ``.env`` and take out those that are ""; every other line stays as it is.

    At any instant the file is the old or the new one, and nobody but its owner
    may read it. What this person writes is allowed at once, beside what was allowed before.

    Raises:
        SettingsError: it cannot be written, or a value cannot stand in such a file.
    """
    before = dotenv_text(file) if file.exists() else ""
    after = _edited(before, values)
    _demand_readable(after, values)
    ours = set(guarded(dotenv_values(after))) <= values.keys()
    trusted = ours or not guarded(dotenv_values(before)) or is_allowed(file)
    if after != before or not _is_private(file):
        try:
            _replace(file.resolve(), after)
        except OSError as error:
            raise SettingsError("{file} cannot be written: {why}", file=file, why=os_words(error)) from None
    if trusted and guarded(dotenv_values(after)):
        allow(file)


def is_exposed(file: Path) -> bool:
    """Whether git would take *file* into a commit; False outside of a repository, or without git."""
    try:
        done = subprocess.run(
            ["git", "check-ignore", "-q", file.name], cwd=file.parent, capture_output=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 1  # 0 = ignored, 128 = no repository


def _edited(text: str, values: Mapping[str, str]) -> str:
    from dotenv.parser import parse_stream

    open_ = {name: value for name, value in values.items() if value}
    kept: list[str] = []
    for binding in parse_stream(io.StringIO(text)):
        line = binding.original.string
        if binding.key not in values:
            kept.append(line)
        elif binding.key in open_:
            above = line[: len(line) - len(line.lstrip())]  # empty lines in front of it
            kept.append(above + _line(binding.key, open_.pop(binding.key)))
    if open_ and kept and not kept[-1].endswith("\n"):
        kept.append("\n")
    return "".join([*kept, *(_line(name, value) for name, value in open_.items())])


def _line(name: str, value: str) -> str:
    if re.fullmatch(r"[\w./:@+-]+", value, re.ASCII):
        return f"{name}={value}\n"
    quoted = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"{name}='{quoted}'\n"


def _demand_readable(text: str, values: Mapping[str, str]) -> None:
    """A value that would be read back as another one, such as with ``${…}`` in it, is not written."""
    found = dotenv_values(text)
    for name, value in values.items():
        if found.get(name, "") != value:
            raise SettingsError(
                "the value of {variable} cannot stand in a .env file; keep it in the keyring or the "
                "environment",
                variable=name,
            )


def _is_private(file: Path) -> bool:
    return file.exists() and not file.stat().st_mode & 0o077


def _replace(file: Path, text: str) -> None:
    number, name = tempfile.mkstemp(dir=file.parent, prefix=".env-")  # made with mode 600
    try:
        with os.fdopen(number, "w", encoding="utf-8", newline="") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        os.replace(name, file)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


# -- the keyring ---------------------------------------------------------------------


def keyring_problem(environment: Environment | None = None) -> str:
    """Why the OS keyring cannot be used here, in words; "" when it can."""
    if (environment or Environment()).get("SMSKIT_KEYRING", "1") == "0":
        return Message("the keyring is switched off (SMSKIT_KEYRING=0)")
    try:
        import keyring
        from keyring.backends import fail, null

        backend = keyring.get_keyring()
    except Exception as error:
        return Message("the keyring cannot be opened ({kind})", kind=type(error).__name__)
    if isinstance(backend, fail.Keyring | null.Keyring):
        return Message("this machine has no keyring service")
    if _keeps_plain_text(backend):
        return Message(
            "the keyring of this machine ({name}) is a file in plain text", name=type(backend).__name__
        )
    return ""


def _keeps_plain_text(backend: Any) -> bool:
    """Whether *backend* is one of keyrings.alt that encrypts nothing, or asks such a one first."""
    first = next(iter(getattr(backend, "backends", ())), backend)  # of a chain
    return type(first).__module__.startswith("keyrings.alt") and "plaintext" in type(first).__name__.lower()


def _into_keyring(values: Mapping[str, str]) -> None:
    problem = keyring_problem()
    if problem:
        raise SettingsError("{why}; choose the .env file instead", why=problem)
    import keyring

    try:
        for name, value in values.items():
            keyring.set_password(KEYRING_SERVICE, name, value)
        held = all(keyring.get_password(KEYRING_SERVICE, n) == v for n, v in values.items())
    except Exception as error:
        # Its text may repeat what it was given.
        problem = Message("the keyring refused ({kind})", kind=type(error).__name__)
        raise SettingsError("{why}; choose the .env file instead", why=problem) from None
    if not held:
        problem = Message("the keyring did not keep what it was given")
        raise SettingsError("{why}; choose the .env file instead", why=problem)


def _out_of_keyring(name: str) -> None:
    if Environment().get("SMSKIT_KEYRING", "1") == "0":
        return
    # Not being there is what was wanted; a locked keyring hides it from settings, too.
    with contextlib.suppress(Exception):
        import keyring

        keyring.delete_password(KEYRING_SERVICE, name)
