"""
The provider a campaign talks to: the real one, or one that talks to the built-in simulator.

Owns the simulator of this process and the accounts rehearsals have there.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from smskit.errors import InputError, SettingsError, SpecError, UnsupportedFeature
from smskit.i18n import Message
from smskit.ledger import CampaignRow, Erased, Ledger
from smskit.models import Mode, Offer
from smskit.planning.spec import CampaignSpec
from smskit.providers import get_provider, provider_class, provider_names
from smskit.providers.base import Feature, Provider
from smskit.providers.calls import Job, Limits
from smskit.reporting.report import as_phone
from smskit.sending.access import ProviderFacts, ask
from smskit.sending.guards import hash_of
from smskit.settings import Environment, variable_of

if TYPE_CHECKING:
    from smskit.simulator import Simulator


def limits_of(name: str, environment: Environment) -> Limits:
    """What a provider can carry under these settings, whether or not there is an account yet."""
    return as_set_up(name, environment).limits


def as_set_up(name: str, environment: Environment) -> Provider:
    """Provider *name* with its settings, made up where none are set: only to ask what it can carry."""
    cls = provider_class(name)
    # What is not set yet is made up; what is set decides, since limits may depend on it.
    made_up: dict[str, Any] = {n: "0" for n, f in cls.Settings.model_fields.items() if f.is_required()}
    made_up |= dict.fromkeys(cls.Settings.secret_fields(), "not-set-up") | dict(cls.rehearsal)
    unset = {
        field: value
        for field, value in made_up.items()
        if not environment.get(variable := variable_of(name, field)) and not environment.held([variable])
    }
    if environment.misplaced(name, cls.Settings, unset):
        # Nobody is asked, so an address that must not be is nothing to stop at.
        given = (*cls.Settings.address_fields(), "plain_http")
        unset |= {field: cls.Settings.model_fields[field].default for field in given}
    return cls(environment.provider(name, cls.Settings, **unset))


def others_of(spec: CampaignSpec, environment: Environment) -> tuple[ProviderFacts, ...]:
    """
    What the other providers declare whose rules count as well (parameter `fits`).

    Raises:
        SpecError: one is unknown.
        SettingsError: one has settings that cannot be read.
    """
    names = dict.fromkeys(name for name in spec.fits if name != spec.provider)
    try:
        return tuple(ProviderFacts.of(as_set_up(name, environment)) for name in names)
    except (SpecError, SettingsError) as error:
        raise type(error)(Message("`{name}`: {why}", name="fits", why=error.message)) from None


@contextmanager
def provider_for(
    name: str,
    mode: Mode,
    environment: Environment,
    *,
    campaign: str = "",
    job: Job | None = None,
    clock: Callable[[], float] = time.time,
) -> Iterator[Provider]:
    """
    The provider itself for live work, or one that talks to the built-in simulator for a rehearsal.

    Args:
        campaign: Whose rehearsal; each has a simulated account of its own.
        job: What the simulated account has approved.
        clock: Of the ledger it works for, epoch seconds; the built-in simulator has its own.
    """
    if mode is Mode.LIVE:
        yield get_provider(name, environment, clock=clock)
        return
    cls = provider_class(name)
    if not cls.rehearsal:
        raise UnsupportedFeature(
            "the simulator does not speak {who}; use mode `plan`, then `live`", who=cls.title
        )
    with _stage(environment.database_url).open() as simulator:
        credentials = _rehearsal_account(cls, campaign)
        addresses = dict.fromkeys(cls.Settings.address_fields(), simulator.url)
        settings: dict[str, Any] = {**addresses, **credentials}
        if "record_lag_s" in cls.Settings.model_fields:
            settings["record_lag_s"] = 0.0  # the simulator remembers at once
        provider = get_provider(name, environment, **settings)
        provider.door.more_headers = simulator.headers
        if job is not None:
            _approve(simulator, provider, credentials, job)
        yield provider


class _Stage:
    """
    The simulator of this process's rehearsals with one ledger: private, and open while somebody rehearses.

    Its world stays. What it accepted is kept in the ledger's database, since a rehearsal that is killed must
    find it again, and phones go into no other file.
    """

    def __init__(self, database_url: str) -> None:
        from smskit.ledger import resolve_url
        from smskit.simulator import World

        self._world = World(store_url=resolve_url(database_url))
        self._lock = threading.Lock()
        self._guests = 0
        self._simulator: Simulator | None = None

    @contextmanager
    def open(self) -> Iterator[Simulator]:
        """The running simulator; the last who leaves closes its port."""
        from smskit.simulator import Simulator

        with self._lock:
            if self._simulator is None:
                self._simulator = Simulator(world=self._world, private=True).start()
            self._guests += 1
            simulator = self._simulator
        try:
            yield simulator
        finally:
            with self._lock:
                self._guests -= 1
                if not self._guests:
                    simulator.stop()
                    self._simulator = None


@cache
def _stage(database_url: str) -> _Stage:
    return _Stage(database_url)


def _rehearsal_account(cls: type[Provider], campaign: str) -> dict[str, str]:
    digest = hashlib.sha256(campaign.encode()).hexdigest()
    return {name: digest[: len(str(value))] for name, value in cls.rehearsal.items()}


def forget(ledger: Ledger, row: CampaignRow) -> None:
    """Delete a rehearsal or a plan with its test sends, and what the built-in simulator accepted for them."""
    from smskit.simulator.accounts import reference
    from smskit.simulator.store import forget_account

    def of_simulator(conn: Any, each: CampaignRow) -> None:
        if each.mode is Mode.REHEARSE:
            account = _rehearsal_account(provider_class(each.provider), each.name)
            for credential in list(account.values())[:1]:
                forget_account(conn, each.provider, reference(credential))

    ledger.campaigns.forget(row.id, also=of_simulator)


def erase(ledger: Ledger, person: str) -> Erased:
    """
    Erase a person, by user id or phone, from all campaigns; see ``ledger.erasing``.

    Raises:
        InputError: the ledger has nobody like that.
        LedgerLocked: a run of a campaign they are in is going.
    """
    from smskit.simulator.store import erase_phones

    person = person.strip()
    done = ledger.erasing.erase(person, as_phone(person), hash_of=hash_of, also=erase_phones)
    if not (done.rows or done.opted_out or done.approvals):
        raise InputError("the ledger has nobody like that")
    return done


def simulate(*, port: int = 0, environment: Environment | None = None) -> Simulator:
    """
    Start a simulator that speaks all providers' wire protocols on 127.0.0.1; nobody is messaged by it.

    Rehearsals start one by themselves. This one is for a client of one's own, or to rehearse ``mode: live``:

    >>> import pandas as pd, smskit
    >>> people = pd.DataFrame({"phone": ["13800138000"]})
    >>> with smskit.simulate() as simulator:
    ...     account = {"SMSKIT_YUNPIAN_BASE_URL": simulator.url, "SMSKIT_YUNPIAN_API_KEY": "0" * 32}
    ...     campaign = smskit.open_campaign(campaign="hello", mode="live", frame=people, user_id="",
    ...         signature="GrowingIO", template="大家好，拒收请回复R", send_window="",
    ...         environment=smskit.Environment(account), ledger=smskit.open_ledger())
    ...     campaign.send().books.accepted, [line.text for line in simulator.world.messages()]
    (1, ['【GrowingIO】大家好，拒收请回复R'])

    Args:
        port: 0 = any free one.
        environment: Whose credentials become its accounts, as with ``smskit simulator``; None = those of
            this process. A provider without credentials is open to any plausible ones.

    Returns:
        The running simulator: ``url``; ``world.messages()``, what it accepted; ``stop()``. Leaving a ``with``
        stops it.

    Raises:
        SettingsError: the port is taken.
    """
    from smskit.simulator import Simulator, World

    world = World()
    for provider, credential, settings in simulated_accounts(environment or Environment()):
        world.register(provider, credential, **settings)
    return Simulator(port=port, world=world).start()


def simulated_accounts(environment: Environment) -> list[tuple[str, str, dict[str, str]]]:
    """The accounts whose credentials *environment* holds, for a simulator that is to know them."""
    accounts: list[tuple[str, str, dict[str, str]]] = []
    for name in provider_names():
        fields = list(provider_class(name).rehearsal)
        credentials = {n: environment.get(variable_of(name, n)) for n in fields}
        if fields and credentials[fields[0]]:
            accounts.append((name, credentials[fields[0]], _account_facts(credentials)))
    return accounts


def _account_facts(credentials: dict[str, str]) -> dict[str, str]:
    """The second credential is the secret; an application id comes under its own name."""
    secrets = [value for name, value in list(credentials.items())[1:] if value and name != "app_id"]
    facts = {"secret": secrets[0]} if secrets else {}
    return facts | ({"app_id": credentials["app_id"]} if credentials.get("app_id") else {})


def _approve(simulator: Any, provider: Provider, credentials: dict[str, str], job: Job) -> None:
    """Register the account as the provider's console would show it: this signature and template, approved."""
    template = provider.approved_form(job)
    simulator.world.register(
        provider.name,
        next(iter(credentials.values())),
        signatures=[job.template.signature] if job.template.signature else [],
        templates=[template],
        send_hours=(0, 24),  # a rehearsal messages nobody, so it may run at night
        echo_uid=True,
        **_account_facts(credentials),
    )


class Offers(NamedTuple):
    """The signatures and templates of an account; None where its provider cannot list them."""

    signatures: tuple[Offer, ...] | None
    templates: tuple[Offer, ...] | None


def offers_of(
    name: str, environment: Environment | None = None, *, mode: Mode = Mode.LIVE, job: Job | None = None
) -> Offers:
    """
    What the account of provider *name* has, approved or not.

    Args:
        mode: ``rehearse`` asks the built-in simulator, whose account has what *job* needs.

    Raises:
        SettingsError: the account is not set up.
        ProviderError: it could not be asked.
    """

    async def offers(provider: Provider) -> Offers:
        has = provider.features
        return Offers(
            tuple(await provider.offered_signatures()) if Feature.SIGNATURES in has else None,
            tuple(await provider.offered_templates()) if Feature.TEMPLATES in has else None,
        )

    with provider_for(name, mode, environment or Environment(), job=job) as provider:
        return ask(provider, offers)
