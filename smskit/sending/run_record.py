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
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from smskit.audience.phones import redact
from smskit.errors import (
    CampaignPaused,
    GuardRefused,
    LedgerLocked,
    NotUsable,
    PlanMismatch,
    SettingsError,
    SmskitError,
)
from smskit.i18n import Message
from smskit.ledger import CampaignRow, Ledger, RunRow
from smskit.models import Mode
from smskit.planning.occurrence import series_in
from smskit.planning.spec import CampaignSpec
from smskit.reporting.report import status
from smskit.sending.origin import Origin
from smskit.settings import PACKAGE

__all__ = ["KEYS", "RunRecord", "Verdict", "as_data", "end_dead", "record_failure", "verdict_on", "versions"]

_log = logging.getLogger("smskit")
_REFUSED = (GuardRefused, NotUsable, PlanMismatch, LedgerLocked, SettingsError)
_BOOKS = ("segment", "excluded", "planned", "waiting", "submitting", "accepted", "refused", "unknown")
_BOOKS += ("delivered", "undelivered", "awaiting", "stopped", "parts", "cost")  # type: ignore[assignment]
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
    if isinstance(error, CampaignPaused):
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
        "host": row.host,
        "file": row.file,
        "notebook": row.notebook,
        "executed": row.executed,
        "report": row.report,
        "plan_hash": row.plan_hash,
        "books": books,
        "versions": row.versions,
        "told": row.told,
    }


class RunRecord:
    """
    Writes down the runs of one campaign.

    Args:
        report: Leaves the report of a run; returns its path.
        tell: Tells whoever is to hear of a run's end; returns how that went.
    """

    def __init__(
        self,
        ledger: Ledger,
        spec: CampaignSpec,
        *,
        origin: Origin = Origin(),  # noqa: B008 - frozen
        report: Callable[[Ledger, RunRow], str] = lambda _ledger, _row: "",
        tell: Callable[[Mapping[str, Any]], str] = lambda _: "",
    ) -> None:
        self._ledger, self._spec, self._origin = ledger, spec, origin
        self._report, self._tell = report, tell
        self._row: RunRow | None = None
        self._whole = False

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
        spec, self._whole = self._spec, whole
        self._row = self._ledger.runs.begin(
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
        self._report_the_dead()

    @contextmanager
    def sending(self, plan: Callable[[], dict[str, Any] | None]) -> Iterator[None]:
        """
        A run that sends: begins here if it has not, and ends with the block.

        Args:
            plan: What was planned, if it was: ``Plan.summary`` and ``plan_hash``.
        """
        self.begin()
        error: BaseException | None = None
        try:
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
            self._end(self._row, verdict_on(error), plan)
        except Exception as failed:
            _log.warning("smskit: the end of the run could not be written down (%s)", type(failed).__name__)

    def end_unsent(self, message: str = "", *, plan: dict[str, Any] | None = None) -> None:
        """End a whole notebook's run that was to send nothing, or may not without a person."""
        if self._whole and self._is_on():
            self.end(GuardRefused(message) if message else None, plan)

    def refresh(self) -> None:
        """Bring the books and report of a whole notebook's run up to date, after receipts."""
        if self._whole and self._row is not None and not self._is_on():
            row = self._ledger.runs.change(self._row.id, **self._books())
            self._row = self._ledger.runs.change(row.id, report=self._left(row))

    def _is_on(self) -> bool:
        return self._row is not None and self._row.state == "running"

    def _is_news(self, error: BaseException) -> bool:
        return self._row is not None and verdict_on(error) != (
            self._row.state,
            self._row.exit_code,
            self._row.message,
        )

    def _books(self) -> dict[str, Any]:
        found = self._ledger.campaigns.get(self._spec.campaign, self._spec.mode)
        return {} if found is None else _books_of(self._ledger, found)

    def _end(self, row: RunRow, verdict: Verdict, plan: dict[str, Any] | None) -> None:
        values: dict[str, Any] = verdict._asdict() | {"ended_at": self._ledger.clock()}
        if plan:
            values |= {"plan": plan, "plan_hash": plan["plan_hash"]}
        row = self._ledger.runs.change(row.id, **values | self._books())
        self._row = row
        row = self._ledger.runs.change(row.id, report=self._left(row))
        self._row = self._ledger.runs.change(row.id, told=self._tell(as_data(row)))

    def _left(self, row: RunRow) -> str:
        try:
            return self._report(self._ledger, row)
        except OSError as error:
            _log.warning("smskit: the report could not be written (%s)", type(error).__name__)
            return ""

    def _report_the_dead(self) -> None:
        """Tell of earlier runs of this series that died, which could not tell themselves."""
        assert self._row is not None
        for dead in self._ledger.runs.reap(
            series=self._row.series, mode=Mode(self._row.mode), but_not=[self._row.id]
        ):
            end_dead(self._ledger, dead, report=self._report, tell=self._tell)


def end_dead(
    ledger: Ledger,
    row: RunRow,
    *,
    report: Callable[[Ledger, RunRow], str],
    tell: Callable[[Mapping[str, Any]], str],
    told: str = "",
) -> RunRow:
    """
    Write down that the process of *row* ended without a word, leave its report and tell of it.

    Its exit code is that of an incomplete run where people are left to be sent to.

    Args:
        told: Why it was ended, where somebody did so on purpose; it is paused then.
    """
    found = ledger.campaigns.get(row.campaign, Mode(row.mode))
    values: dict[str, Any] = {
        "state": "died",
        "message": Message("its process ended without a word"),
        "exit_code": 1,
    }
    if found is not None:
        values |= _books_of(ledger, found)
        if values["books"]["waiting"] or values["books"]["submitting"]:
            values["exit_code"] = CampaignPaused.exit_code
    if told:
        values |= verdict_on(CampaignPaused(told))._asdict() | {"ended_at": ledger.clock()}
    row = ledger.runs.change(row.id, **values)
    row = ledger.runs.change(row.id, report=report(ledger, row))
    return ledger.runs.change(row.id, told=tell(as_data(row)))


def _books_of(ledger: Ledger, row: CampaignRow) -> dict[str, Any]:
    return {"books": status(ledger, row), "plan_hash": row.plan_hash, "plan": row.summary}


def record_failure(
    ledger: Ledger,
    error: BaseException,
    *,
    campaign: object,
    series: object,
    mode: object,
    provider: object,
    origin: Origin,
    report: Callable[[Ledger, RunRow], str],
    tell: Callable[[Mapping[str, Any]], str],
) -> None:
    """Write down a run that did not come as far as having valid parameters; its report, and telling of it."""
    name = redact(str(campaign or ""))[:120]
    row = ledger.runs.begin(
        campaign=name,
        mode=str(mode) if mode in list(Mode) else str(Mode.REHEARSE),
        series=redact(str(series or ""))[:120] or series_in(name),
        provider=str(provider or "")[:64],
        user=origin.user,
        file=origin.file,
        notebook=origin.notebook,
        executed=origin.executed,
        token=origin.token,
    )
    row = ledger.runs.change(row.id, **verdict_on(error)._asdict() | {"ended_at": ledger.clock()})
    row = ledger.runs.change(row.id, report=report(ledger, row))
    ledger.runs.change(row.id, told=tell(as_data(row)))


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
