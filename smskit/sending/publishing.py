"""
How the end of a run is published in this environment: the report that is left, the hook that is called.

What an end is, and how it is written down, is ``run_record``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from smskit.errors import SettingsError
from smskit.files import made_folder, write_private
from smskit.i18n import Language
from smskit.ledger import CampaignRow, Ledger, RunRow
from smskit.reporting import run_page as page
from smskit.sending import run_record as runs
from smskit.sending.notify import Hook, hook_of
from smskit.sending.origin import Origin
from smskit.settings import Environment
from smskit.settings.places import project_root, start_folder

__all__ = [
    "finisher_of",
    "leave_report",
    "mark_interrupted",
    "record_refusal",
    "renew_reports",
    "runs_folder",
]


def runs_folder(environment: Environment) -> Path | None:
    """Where reports go that no executed notebook lies beside; None = reports are off."""
    named = environment.get("SMSKIT_RUNS_FOLDER", "runs")
    return None if named == "off" else (project_root(start_folder()) or start_folder()) / named


def demand_folder(run: RunRow, environment: Environment) -> None:
    """
    See that the report of a run that begins can be left where it belongs, while nothing has been sent.

    Raises:
        InputError: its folder cannot be made or written to.
    """
    folder = runs_folder(environment)
    if folder is not None:
        made_folder(page.place_of(run, folder).parent)


def leave_report(ledger: Ledger, run: RunRow, environment: Environment) -> str:
    """Write the report of *run*; returns its path, "" when reports are off."""
    folder = runs_folder(environment)
    if folder is None:
        return ""
    text = page.page(ledger, run, Language(environment.language))
    return str(write_private(page.place_of(run, folder, page.zone_of(ledger, run)), text))


def renew_reports(ledger: Ledger, rows: Iterable[CampaignRow], environment: Environment) -> None:
    """Bring the report of each campaign's last run up to date, where there is one; tells nobody."""
    finisher = finisher_of(ledger, environment, Hook())
    for row in rows:
        finisher.renew_last(row)


def record_refusal(
    ledger: Ledger,
    error: BaseException,
    parameters: Mapping[str, Any],
    environment: Environment,
    origin: Origin,
) -> None:
    """Write down, and tell of, a run whose parameters were refused before there was a campaign."""
    finisher = finisher_of(ledger, environment, _hook_or_none(environment))
    runs.record_failure(finisher, error, parameters, origin)


def mark_interrupted(ledger: Ledger, run: RunRow, environment: Environment, *, told: str = "") -> RunRow:
    """``Finisher.mark_interrupted`` with the report and the hook of this environment."""
    finisher = finisher_of(ledger, environment, _hook_or_none(environment))
    return finisher.mark_interrupted(run, told=told)


def finisher_of(ledger: Ledger, environment: Environment, hook: Hook) -> runs.Finisher:
    """What ends runs: leaves the report where this environment has them, and tells of it by *hook*."""
    return runs.Finisher(
        ledger,
        lambda ledger, run: leave_report(ledger, run, environment),
        hook.tell,
        demand=lambda run: demand_folder(run, environment),
    )


def _hook_or_none(environment: Environment) -> Hook:
    try:
        return hook_of(environment)
    except SettingsError:
        return Hook()  # the settings may be what was refused
