"""
Opening a campaign: parameters, environment, ledger and provider, or a rehearsal, put together.

The one place that puts them together, so that notebooks and the command line
start in the same way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from smskit.audience.segment import IN_MEMORY
from smskit.errors import NoLedger, SpecError
from smskit.ledger import CampaignRow, Ledger, file_has_campaign
from smskit.ledger.opening import open_ledger
from smskit.models import Mode
from smskit.planning.occurrence import with_occurrence
from smskit.planning.parameter_file import read_file
from smskit.planning.spec import CampaignSpec
from smskit.providers.base import Provider
from smskit.providers.calls import Job
from smskit.sending import run_record as runs
from smskit.sending.access import ProviderAccess, ProviderFacts
from smskit.sending.campaign import Campaign
from smskit.sending.clock import clock_of
from smskit.sending.notify import hook_of
from smskit.sending.origin import Origin, origin_of
from smskit.sending.patience import Patience
from smskit.sending.publishing import finisher_of
from smskit.sending.rehearsal import as_set_up, others_of, provider_for
from smskit.settings import Environment


def ledger_of(spec: CampaignSpec, environment: Environment) -> Ledger:
    """
    The ledger that *spec* is sent by; a live run makes none, and goes on in none other than where it began.

    Raises:
        NoLedger: there is none yet, or the campaign has begun in another one, which the working folder has.
    """
    ledger = open_ledger(environment, create=spec.mode is not Mode.LIVE)
    other = environment.ledger_passed_over
    if (
        spec.mode is Mode.LIVE
        and other is not None
        and file_has_campaign(other, spec.campaign, spec.mode)
        and ledger.campaigns.get(spec.campaign, spec.mode) is None
    ):
        raise NoLedger(
            "campaign {campaign} has begun in {other}, and this run would go by {file}, which does not "
            "know of it. Name the one that is right in SMSKIT_DATABASE_URL, or use a new campaign id",
            campaign=spec.campaign,
            other=other,
            file=environment.ledger_place.file,
        )
    return ledger


def open_campaign(
    spec: CampaignSpec | Mapping[str, Any] | str | Path | None = None,
    *,
    frame: pd.DataFrame | None = None,
    environment: Environment | None = None,
    origin: Origin | None = None,
    ledger: Ledger | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    patience: Patience = Patience(),  # noqa: B008 - frozen
    **parameters: Any,
) -> Campaign:
    """
    A campaign ready to be planned, checked and sent.

    >>> import pandas as pd, smskit
    >>> people = pd.DataFrame({"user_id": ["u1", "u2"], "phone": ["13800138000", "12345"]})
    >>> spec = {"campaign": "hello", "signature": "GrowingIO", "template": "大家好，拒收请回复R"}
    >>> campaign = smskit.open_campaign(spec, frame=people, mode="plan")
    >>> campaign.plan().excluded
    {'bad_phone': 1}

    Args:
        spec: The parameters: a `CampaignSpec`, a mapping, or the path of a parameter file. A placeholder in
            the campaign's id (``weekly-{week}``) is filled in for this moment.
        frame: A segment in memory, one row per person; `segment` is then not needed. Otherwise what
            `segment` names is loaded.
        environment: Where settings come from; the process's own by default.
        origin: Who runs it, from where; found out by default.
        ledger: None = the one of the parameter file's project, see `open_ledger`. The campaign goes by its
            clock.
        sleep: How the campaign's waits pass that clock's seconds.
        patience: When a run gives up for now.
        parameters: Single parameters by name, which replace those of *spec* or are all there are.

    Raises:
        SpecError: a parameter is unknown, missing or out of range, the file cannot be read, or the provider
            is not known.
        NoLedger: the mode is `live`, and there is no ledger yet that knows who was messaged before.
        LedgerError: the ledger cannot be opened.
    """
    made = _spec_of(spec, parameters, in_memory=frame is not None)
    environment = environment or Environment()
    if isinstance(spec, str | Path):
        environment = environment.of_file(Path(spec))
    opened = ledger or ledger_of(made, environment)

    @contextmanager
    def connect(mode: Mode, job: Job | None) -> Iterator[Provider]:
        with provider_for(
            made.provider, mode, environment, campaign=made.campaign, job=job, clock=opened.clock
        ) as provider:
            yield provider

    return Campaign(
        made,
        opened,
        ProviderAccess(
            ProviderFacts.of(as_set_up(made.provider, environment)),
            connect,
            partial(others_of, made, environment),
        ),
        clock=clock_of(opened, zone=made.zone, sleep=sleep),
        frame=frame,
        variables=environment.variables,
        parameter_file=environment.parameter_file,
        holdout_salt=environment.get("SMSKIT_HOLDOUT_KEY"),
        record=runs.RunRecord(
            opened,
            made,
            origin=origin or origin_of(environment),
            finisher=finisher_of(opened, environment, hook_of(environment, live=made.mode is Mode.LIVE)),
        ),
        patience=patience,
        needs_approval=environment.requires_approval,
    )


def _spec_of(
    given: CampaignSpec | Mapping[str, Any] | str | Path | None,
    parameters: Mapping[str, Any],
    *,
    in_memory: bool,
) -> CampaignSpec:
    match given:
        case CampaignSpec():
            if not parameters:
                return given
            data = given.to_data()
        case Mapping():
            data = dict(given)
        case str() | Path():
            data = read_file(given)
        case None:
            data = {}
        case _:
            raise SpecError(
                "a campaign is opened from a CampaignSpec, a mapping of parameters, the path of a "
                "parameter file, or parameters by name; not from {kind}",
                kind=type(given).__name__,
            )
    data |= parameters
    if in_memory and not data.get("segment"):
        data["segment"] = IN_MEMORY
    file = given if isinstance(given, str | Path) and not parameters else None
    return CampaignSpec.from_data(with_occurrence(data, now=datetime.now(UTC)), file=file)


def reopen_campaign(
    row: CampaignRow, *, environment: Environment | None = None, ledger: Ledger | None = None
) -> Campaign:
    """A campaign from the ledger, with the parameters it was started with."""
    return open_campaign(CampaignSpec.as_started(row.spec), environment=environment, ledger=ledger)
