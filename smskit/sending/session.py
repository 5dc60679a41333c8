"""
Opening a campaign: environment, ledger and provider, or a rehearsal, put together.

The one place that knows both the engine's side and the simulator, so that
notebooks and the command line start in the same way.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from smskit.errors import LedgerError, SettingsError, UnsupportedFeature
from smskit.i18n import Language
from smskit.ledger import CampaignRow, Ledger, RunRow
from smskit.models import Mode, Offer
from smskit.planning.spec import CampaignSpec
from smskit.providers import get_provider, provider_class, provider_names
from smskit.providers.base import Feature, Job, Limits, Provider
from smskit.reporting import run_page as page
from smskit.sending import run_record as runs
from smskit.sending.campaign import Campaign
from smskit.sending.engine import Patience
from smskit.sending.notify import Hook, hook_of
from smskit.sending.origin import Origin, origin_of
from smskit.sending.reconcile import (
    Settled,
    fetch_receipts,
    fetch_replies,
    job_of,
    notice_dead,
    settle_by_asking,
)
from smskit.sending.threads import run_in_thread
from smskit.settings import Environment, project_root, variable_of


def open_ledger(environment: Environment | None = None) -> Ledger:
    """The ledger the environment names (``SMSKIT_DATABASE_URL``)."""
    return _ledger((environment or Environment()).database_url)


@cache
def _ledger(url: str) -> Ledger:
    return Ledger(url)


def open_campaign(
    spec: CampaignSpec,
    *,
    frame: pd.DataFrame | None = None,
    environment: Environment | None = None,
    origin: Origin | None = None,
    ledger: Ledger | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    patience: Patience = Patience(),  # noqa: B008 - frozen
) -> Campaign:
    """
    A campaign ready to be planned, checked and sent.

    Args:
        frame: A segment in memory; otherwise ``spec.segment`` is loaded.
        environment: Where settings come from; the process's own by default.
        origin: Who runs it, from where; found out by default.
        ledger: None = the one the environment names. The campaign goes by its clock.
        sleep: How the campaign's waits pass that clock's seconds.
        patience: When a run gives up for now.

    Raises:
        SpecError: the provider is not known.
        LedgerError: the ledger cannot be opened.
    """
    environment = environment or Environment()
    opened, hook = ledger or open_ledger(environment), hook_of(environment)

    @contextmanager
    def connect(mode: Mode, job: Job | None) -> Iterator[Provider]:
        with provider_for(
            spec.provider, mode, environment, campaign=spec.campaign, job=job, clock=opened.clock
        ) as provider:
            yield provider

    known = _as_set_up(spec.provider, environment)
    return Campaign(
        spec,
        ledger=opened,
        connect=connect,
        limits=known.limits,
        opt_out=known.opt_out,
        terms=known.terms,
        reports=bool(known.features & {Feature.RECEIPTS, Feature.RECEIPTS_BY_QUERY}),
        frame=frame,
        variables=environment.variables,
        holdout_salt=environment.get("SMSKIT_HOLDOUT_KEY"),
        record=runs.RunRecord(
            opened,
            spec,
            origin=origin or origin_of(environment),
            report=lambda ledger, run: leave_report(ledger, run, environment),
            tell=hook.tell,
        ),
        sleep=sleep,
        patience=patience,
    )


def runs_folder(environment: Environment) -> Path | None:
    """Where reports go that no executed notebook lies beside; None = reports are off."""
    named = environment.get("SMSKIT_RUNS_FOLDER", "runs")
    return None if named == "off" else (project_root(Path.cwd()) or Path.cwd()) / named


def leave_report(ledger: Ledger, run: RunRow, environment: Environment) -> str:
    """Write the report of *run*; returns its path, "" when reports are off."""
    folder = runs_folder(environment)
    if folder is None:
        return ""
    place = page.place_of(run, folder)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(page.page(ledger, run, Language(environment.language)), encoding="utf-8")
    return str(place)


def record_refusal(
    error: BaseException, parameters: Mapping[str, Any], environment: Environment, origin: Origin
) -> None:
    """Write down, and tell of, a run whose parameters were refused before there was a campaign."""
    runs.record_failure(
        open_ledger(environment),
        error,
        campaign=parameters.get("campaign"),
        mode=parameters.get("mode"),
        provider=parameters.get("provider"),
        origin=origin,
        report=lambda ledger, run: leave_report(ledger, run, environment),
        tell=_hook_or_none(environment).tell,
    )


def end_dead_run(ledger: Ledger, run: RunRow, environment: Environment, *, told: str = "") -> RunRow:
    """``runs.end_dead`` with the report and the hook of this environment."""
    return runs.end_dead(
        ledger,
        run,
        report=lambda ledger, run: leave_report(ledger, run, environment),
        tell=_hook_or_none(environment).tell,
        told=told,
    )


def _hook_or_none(environment: Environment) -> Hook:
    try:
        return hook_of(environment)
    except SettingsError:
        return Hook()  # the settings may be what was refused


def reopen_campaign(row: CampaignRow, *, environment: Environment | None = None) -> Campaign:
    """A campaign from the ledger, with the parameters it was started with."""
    return open_campaign(CampaignSpec.from_data(row.spec), environment=environment)


def limits_of(name: str, environment: Environment) -> Limits:
    """What a provider can carry under these settings, whether or not there is an account yet."""
    return _as_set_up(name, environment).limits


def _as_set_up(name: str, environment: Environment) -> Provider:
    cls = provider_class(name)
    # What is not set yet is made up; what is set decides, since limits may depend on it.
    made_up: dict[str, Any] = {n: "0" for n, f in cls.Settings.model_fields.items() if f.is_required()}
    made_up |= dict.fromkeys(cls.Settings.secret_fields(), "not-set-up") | dict(cls.rehearsal)
    unset = {n: v for n, v in made_up.items() if not environment.get(variable_of(name, n))}
    return cls(environment.provider(name, cls.Settings, **unset))


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
        raise UnsupportedFeature(f"the simulator does not speak {cls.title}; use mode `plan`, then `live`")
    from smskit.simulator import Simulator

    simulator = _simulator(environment.database_url)
    assert isinstance(simulator, Simulator)
    credentials = _rehearsal_account(cls, campaign)
    settings: dict[str, Any] = {"base_url": simulator.url, **credentials}
    if "record_lag_s" in cls.Settings.model_fields:
        settings["record_lag_s"] = 0.0  # the simulator remembers at once
    provider = get_provider(name, environment, **settings)
    if job is not None:
        _approve(simulator, provider, credentials, job)
    yield provider


@cache
def _simulator(database_url: str) -> Any:
    # One a process, ended with it. What it accepted is kept in the ledger's database, since a
    # rehearsal that is killed must find it again, and phones go into no other file.
    from smskit.ledger import resolve_url
    from smskit.simulator import Simulator, World

    return Simulator(world=World(store_url=resolve_url(database_url))).start()


def _rehearsal_account(cls: type[Provider], campaign: str) -> dict[str, str]:
    digest = hashlib.sha256(campaign.encode()).hexdigest()
    return {name: digest[: len(str(value))] for name, value in cls.rehearsal.items()}


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


# -- what an account has --------------------------------------------------------------


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

    async def ask(provider: Provider) -> Offers:
        async with provider:
            has = provider.features
            signatures = await provider.offered_signatures() if Feature.SIGNATURES in has else None
            templates = await provider.offered_templates() if Feature.TEMPLATES in has else None
            return Offers(
                None if signatures is None else tuple(signatures),
                None if templates is None else tuple(templates),
            )

    with provider_for(name, mode, environment or Environment(), job=job) as provider:
        offers: Offers = run_in_thread(lambda: ask(provider))
    return offers


# -- after sending ------------------------------------------------------------------


@dataclass
class Fetched:
    """What ``fetch`` did, by campaign or provider, and what is still open."""

    settled: Settled = field(default_factory=Settled)
    unknown: int = 0
    awaiting: int = 0


def fetch(
    ledger: Ledger, rows: list[CampaignRow], *, environment: Environment | None = None, wait: bool = False
) -> Fetched:
    """
    Settle unknowns, those of dead runs too, then fetch receipts and replies, for the accounts behind *rows*.

    Reports are fetched per account, so other live campaigns of the same
    provider profit too. A provider that cannot be reached becomes a problem in
    the result; the others are still asked.

    Args:
        wait: Wait until "no record" may be believed for every unknown.
    """
    environment = environment or Environment()
    result = Fetched()
    for row in rows:
        notice_dead(ledger, row)
        if ledger.books(row.id).unknown:
            _with_provider(
                ledger, row, environment, result, lambda p, r=row: _settle(ledger, r, p, result, wait)
            )
    # One live account a provider; a rehearsal has an account of its own.
    accounts = {(r.provider, r.mode, r.name if r.mode is Mode.REHEARSE else ""): r for r in rows}
    for row in accounts.values():
        _with_provider(ledger, row, environment, result, lambda p, r=row: _collect(ledger, r, p, result))
    for row in rows:
        books = ledger.books(row.id)
        result.unknown += books.unknown
        result.awaiting += books.awaiting
        if books.waiting and row.state == "finished":
            ledger.mark(row.id, "paused", note="some were never taken by the provider and wait to be sent")
    return result


def fetch_while_open(
    ledger: Ledger,
    rows: list[CampaignRow],
    *,
    environment: Environment | None = None,
    every_s: float = 2.0,
    stop: threading.Event | None = None,
    told: Callable[[Fetched], None] = lambda _: None,
) -> Fetched:
    """
    ``fetch`` again and again while a message waits for its receipt or is unknown.

    Args:
        every_s: Seconds between two fetches.
        stop: Set by somebody else to end it; looked at between two fetches.
        told: Called after each fetch.

    Returns:
        What the last fetch did.
    """
    stop = stop or threading.Event()
    while True:
        fetched = fetch(ledger, rows, environment=environment)
        told(fetched)
        if not (fetched.awaiting or fetched.unknown) or stop.wait(every_s):
            return fetched


def _with_provider(
    ledger: Ledger, row: CampaignRow, environment: Environment, result: Fetched, work: Any
) -> None:
    async def run(provider: Provider) -> None:
        async with provider:
            await work(provider)

    try:
        with provider_for(
            row.provider, row.mode, environment, campaign=row.name, job=job_of(row), clock=ledger.clock
        ) as provider:
            run_in_thread(lambda: run(provider))
    except (SettingsError, LedgerError) as error:
        result.settled.problems.append(str(error))


async def _settle(ledger: Ledger, row: CampaignRow, provider: Provider, result: Fetched, wait: bool) -> None:
    result.settled.add(await settle_by_asking(ledger, row, provider, job_of(row), wait=wait))


async def _collect(ledger: Ledger, row: CampaignRow, provider: Provider, result: Fetched) -> None:
    result.settled.add(await fetch_receipts(ledger, provider, row.mode))
    result.settled.add(await fetch_replies(ledger, provider, row.mode))
