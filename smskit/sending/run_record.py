"""
The record of one run, from its start to its end, and a run as data.

Says how a run ended and with which exit code. Leaves to others where it is kept
(``ledger``), how it is shown (``page``) and who is told (``hook``).
"""

from __future__ import annotations

import importlib.metadata
import logging
import platform
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from smskit.audience.phones import redact
from smskit.errors import (
    CampaignPaused,
    GuardRefused,
    LedgerLocked,
    LedgerUnavailable,
    NotUsable,
    PlanMismatch,
    SettingsError,
    SmskitError,
)
from smskit.i18n import Message
from smskit.ledger import CampaignRow, Ledger, RunRow
from smskit.ledger.processes import host_name
from smskit.models import Mode
from smskit.planning.occurrence import series_in
from smskit.planning.spec import CampaignSpec
from smskit.reporting.report import status
from smskit.sending.origin import Origin
from smskit.settings import PACKAGE

__all__ = ["KEYS", "Finisher", "RunRecord", "Verdict", "as_data", "record_failure", "verdict_on", "versions"]

_log = logging.getLogger("smskit")
_REFUSED = (GuardRefused, NotUsable, PlanMismatch, LedgerLocked, SettingsError)
_BOOKS = (
    *("segment", "excluded", "planned", "waiting", "submitting", "accepted", "refused", "unknown"),
    *("delivered", "undelivered", "awaiting", "stopped", "parts", "cost"),
)
KEYS = (
    *("run", "campaign", "series", "mode", "provider", "state", "exit_code", "message"),
    *("started_at", "ended_at", "user", "host", "file", "notebook", "executed", "report"),
    *("plan_hash", "books", "versions", "told"),
)


class Verdict(NamedTuple):
    """How a run ended."""

    state: str
    exit_code: int
    message: str


def verdict_on(error: BaseException | None) -> Verdict:
    """
    How a run ended that raised *error*, or did not.

    A message of smskit's own is repeated, redacted; of any other error only its
    type and where in smskit it came up, since its text may hold anything.
    """
    if error is None:
        return Verdict("finished", 0, "")
    if isinstance(error, KeyboardInterrupt):
        return Verdict("paused", CampaignPaused.exit_code, Message("stopped by hand"))
    if not isinstance(error, SmskitError):
        return Verdict("failed", 1, _place(error))
    state = "refused" if isinstance(error, _REFUSED) else "failed"
    if isinstance(error, CampaignPaused | LedgerUnavailable):
        state = "paused"
    return Verdict(state, error.exit_code, redact(error.message))


@cache
def versions(provider: str) -> dict[str, str]:
    """Versions of what a result may depend on: python, smskit, its libraries, the provider's package."""
    found = {"python": platform.python_version()}
    for name in ("smskit", "pandas", "pyarrow", "numpy", "sqlalchemy", "aiohttp", "phonenumbers"):
        found[name] = importlib.metadata.version(name)
    for point in importlib.metadata.entry_points(group="smskit.providers", name=provider):
        if point.dist is not None:
            found[f"provider {point.module}"] = f"{point.dist.name} {point.dist.version}"
    return found


def as_data(row: RunRow) -> dict[str, Any]:
    """A run for programs, with ``KEYS``; times are ISO, UTC."""
    books = row.books and {name: row.books[name] for name in _BOOKS}
    return {
        "run": row.id,
        "campaign": row.campaign,
        "series": row.series,
        "mode": row.mode,
        "provider": row.provider,
        "state": row.state,
        "exit_code": row.exit_code,
        "message": row.message,
        "started_at": _iso(row.started_at),
        "ended_at": _iso(row.ended_at),
        "user": row.user,
        "host": host_name(row.host),
        "file": row.file,
        "notebook": row.notebook,
        "executed": row.executed,
        "report": row.report,
        "plan_hash": row.plan_hash,
        "books": books,
        "versions": row.versions,
        "told": row.told,
    }


@dataclass(frozen=True)
class Finisher:
    """
    Ends runs: writes down how, leaves the report, tells of it.

    Args:
        report: Leaves the report of a run; returns its path.
        tell: Tells whoever is to hear of a run's end; returns how that went.
        demand: Raises `InputError` where the report of a run that begins could not be left.
    """

    ledger: Ledger
    report: Callable[[Ledger, RunRow], str] = lambda _ledger, _row: ""
    tell: Callable[[Mapping[str, Any]], str] = lambda _: ""
    demand: Callable[[RunRow], None] = lambda _: None

    def finish(self, row: RunRow, verdict: Verdict, **known: Any) -> RunRow:
        """
        Write down how *row* ended, and all that follows from it.

        Args:
            known: Other fields of ``RunRow``, such as ``ended_at``.
        """
        return self.publish(self.ledger.runs.change(row.id, **verdict._asdict() | known))

    def publish(self, row: RunRow) -> RunRow:
        """Leave the report of a run whose end is written down, and tell of it."""
        report = self.ledger.patiently(lambda: self.reported(row))
        row = self.ledger.patiently(lambda: self.ledger.runs.change(row.id, report=report))
        told = self.tell(as_data(row))
        return self.ledger.patiently(lambda: self.ledger.runs.change(row.id, told=told))

    def renew(self, row: RunRow) -> RunRow:
        """Bring the counts and the report of an ended run up to date, after receipts."""
        found = self.ledger.campaigns.get(row.campaign, Mode(row.mode))
        row = self.ledger.runs.change(row.id, **({} if found is None else _counts_of(self.ledger, found)))
        return self.ledger.runs.change(row.id, report=self.reported(row) or row.report)

    def renew_last(self, campaign: CampaignRow) -> None:
        """`renew` the campaign's last run, where that has ended and left a report."""
        for row in self.ledger.runs.find(campaign=campaign.name, mode=campaign.mode, last=1):
            if row.report and row.state != "running":
                self.renew(row)

    def reported(self, row: RunRow) -> str:
        """The path of the report of *row*, just written; "" where it cannot be."""
        try:
            return self.report(self.ledger, row)
        except OSError as error:
            _log.warning("smskit: the report could not be written (%s)", type(error).__name__)
            return ""

    def mark_interrupted(self, row: RunRow, *, told: str = "") -> RunRow:
        """
        End the run of a process that ended without a word.

        Its exit code is that of an incomplete run where people are left to be sent to.

        Args:
            told: Why it was ended, where somebody did so on purpose; it is paused then.
        """
        found = self.ledger.campaigns.get(row.campaign, Mode(row.mode))
        known = {} if found is None else _counts_of(self.ledger, found)
        if told:
            known["ended_at"] = self.ledger.clock()
            return self.finish(row, verdict_on(CampaignPaused(told)), **known)
        left = known and (known["books"]["waiting"] or known["books"]["submitting"])
        code = CampaignPaused.exit_code if left else 1
        return self.finish(row, Verdict("died", code, Message("its process ended without a word")), **known)


class RunRecord:
    """Writes down the runs of one campaign; *finisher* ends them."""

    def __init__(
        self,
        ledger: Ledger,
        spec: CampaignSpec,
        *,
        origin: Origin = Origin(),  # noqa: B008 - frozen
        finisher: Finisher | None = None,
    ) -> None:
        self._ledger, self._spec, self._origin = ledger, spec, origin
        self._finisher = finisher or Finisher(ledger)
        self._row: RunRow | None = None
        self._whole = False
        self._note = ""

    @property
    def user(self) -> str:
        """Who runs it; "" = nobody said so."""
        return self._origin.user

    @property
    def row(self) -> RunRow | None:
        """The last run, as it was written down."""
        return self._row

    def begin(self, *, whole: bool = False) -> None:
        """
        Write down that a run begins, unless one is on.

        Args:
            whole: The run is all of a notebook: what fails after sending counts too.
        """
        if self._is_on():
            return
        self._whole, self._note = whole, ""
        self._row = self._ledger.patiently(self._begun)
        self._ledger.patiently(self._report_the_dead)

    def _begun(self) -> RunRow:
        spec = self._spec
        return self._ledger.runs.begin(
            campaign=spec.campaign,
            mode=str(spec.mode),
            series=spec.series_name,
            provider=spec.provider,
            user=self._origin.user,
            file=self._origin.file,
            notebook=self._origin.notebook,
            executed=self._origin.executed,
            token=self._origin.token,
            versions=versions(spec.provider),
        )

    def note(self, words: str) -> None:
        """What is to be said of this run if it ends well, such as that there was nothing left to do."""
        self._note = words

    @contextmanager
    def sending(self, plan: Callable[[], dict[str, Any] | None]) -> Iterator[None]:
        """
        A run that sends: begins here if it has not, and ends with the block.

        Args:
            plan: What was planned, if it was: ``Plan.summary`` and ``plan_hash``.
        """
        self.begin()
        assert self._row is not None
        error: BaseException | None = None
        try:
            self._finisher.demand(self._row)
            yield
        except BaseException as found:
            error = found
            raise
        finally:
            self.end(error, plan())

    @contextmanager
    def step(self) -> Iterator[None]:
        """A step of a whole notebook: an error in it is how the run ended, also after it had sent."""
        try:
            yield
        except BaseException as error:
            # What `sending` has seen already is not told a second time.
            if self._whole and (self._is_on() or self._is_news(error)):
                self.end(error)
            raise

    def end(self, error: BaseException | None = None, plan: dict[str, Any] | None = None) -> None:
        """Write down how the run ended, leave its report, tell of it. Raises nothing: the result stands."""
        assert self._row is not None
        try:
            verdict = verdict_on(error)
            self._end(self._row, verdict if error else verdict._replace(message=self._note), plan)
        except Exception as failed:
            _log.warning("smskit: the end of the run could not be written down (%s)", type(failed).__name__)

    def end_unsent(self, message: str = "", *, plan: dict[str, Any] | None = None) -> None:
        """End a whole notebook's run that was to send nothing, or may not without a person."""
        if self._whole and self._is_on():
            self.end(GuardRefused(message) if message else None, plan)

    def refresh(self) -> None:
        """Bring the books and report of a whole notebook's run up to date, after receipts."""
        if self._whole and self._row is not None and not self._is_on():
            self._row = self._finisher.renew(self._row)

    def renew_report(self) -> None:
        """Bring the report of the campaign's last run up to date, whoever ran it."""
        if found := self._ledger.campaigns.get(self._spec.campaign, self._spec.mode):
            self._finisher.renew_last(found)

    def _is_on(self) -> bool:
        return self._row is not None and self._row.state == "running"

    def _is_news(self, error: BaseException) -> bool:
        return self._row is not None and verdict_on(error) != (
            self._row.state,
            self._row.exit_code,
            self._row.message,
        )

    def _counts(self) -> dict[str, Any]:
        found = self._ledger.campaigns.get(self._spec.campaign, self._spec.mode)
        return {} if found is None else _counts_of(self._ledger, found)

    def _end(self, row: RunRow, verdict: Verdict, plan: dict[str, Any] | None) -> None:
        values: dict[str, Any] = verdict._asdict() | {"ended_at": self._ledger.clock()}
        if plan:
            values |= {"plan": plan, "plan_hash": plan["plan_hash"]}
        # Over from here on, whatever becomes of the report.
        self._row = self._ledger.patiently(
            lambda: self._ledger.runs.change(row.id, **values | self._counts())
        )
        self._row = self._finisher.publish(self._row)

    def _report_the_dead(self) -> None:
        """Tell of earlier runs of this series that died, which could not tell themselves."""
        assert self._row is not None
        runs, row = self._ledger.runs, self._row
        for dead in runs.reap(series=row.series, mode=Mode(row.mode), but_not=[row.id]):
            self._finisher.mark_interrupted(dead)


def _counts_of(ledger: Ledger, row: CampaignRow) -> dict[str, Any]:
    return {"books": status(ledger, row), "plan_hash": row.plan_hash, "plan": row.summary}


def record_failure(
    finisher: Finisher, error: BaseException, parameters: Mapping[str, Any], origin: Origin
) -> None:
    """Write down a run that did not come as far as having valid parameters; its report, and telling of it."""
    name = redact(str(parameters.get("campaign") or ""))[:120]
    mode = parameters.get("mode")
    row = finisher.ledger.runs.begin(
        campaign=name,
        mode=str(mode) if mode in list(Mode) else str(Mode.REHEARSE),
        series=redact(str(parameters.get("series") or ""))[:120] or series_in(name),
        provider=str(parameters.get("provider") or "")[:64],
        user=origin.user,
        file=origin.file,
        notebook=origin.notebook,
        executed=origin.executed,
        token=origin.token,
    )
    finisher.finish(row, verdict_on(error), ended_at=finisher.ledger.clock())


def _place(error: BaseException) -> Message:
    """The kind of *error*, and where in smskit it came up."""
    kind = type(error).__name__
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if PACKAGE in Path(frame.filename).parents:
            file = Path(frame.filename).relative_to(PACKAGE).as_posix()
            return Message("{kind} in smskit/{file}, line {n}", kind=kind, file=file, n=frame.lineno)
    return Message(kind)


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
