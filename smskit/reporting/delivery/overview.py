"""
All campaigns side by side: state, rates and cost, from counts that are read at once.

The one source of the list in notebook 00, of the app's first page and of ``smskit status``. Rates are of the
accepted: what a provider refused was never on its way, and what still waits for its receipt lowers them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Final

import pandas as pd

from smskit.i18n import mark
from smskit.ledger import CampaignRow, CampaignTotals, Damaged, Ledger, Tally
from smskit.models import Kind, Mode

__all__ = ["COMPARED", "STATES", "Figures", "Overview", "overview"]

STATES: Final = {
    "planned": mark("not sent"),
    "running": mark("running"),
    "interrupted": mark("interrupted"),
    "paused": mark("paused"),
    "finished": mark("finished"),
}
_ORDER: Final = [Mode.LIVE, Mode.REHEARSE, Mode.PLAN]
_GOES_ON: Final = ("running", "interrupted", "paused")
# What two campaigns are compared by, in the order of the table.
COMPARED: Final = (
    *("planned", "accepted", "delivered", "delivery_rate", "opted_out", "opt_out_rate", "refused"),
    *("unknown", "cost", "cost_per_delivered"),
)


@dataclass(frozen=True)
class Figures:
    """
    One campaign in a list.

    Args:
        state: As it is: ``interrupted`` where whoever sent is dead; see `STATES`.
        cost: Yuan, of the parts that were accepted; of a plan, of all.
        opted_out: People who replied so after this message, and after no later one.
    """

    row: CampaignRow
    state: str
    tally: Tally
    cost: Decimal
    opted_out: int

    @classmethod
    def of(cls, found: CampaignTotals) -> Figures:
        """From what was counted."""
        row, summary = found.row, found.row.summary
        cost, parts = Decimal(summary["cost"]), int(summary["parts"])
        if row.mode is not Mode.PLAN and parts:
            cost = cost * found.parts / parts
        return cls(row, found.state, found.tally, cost, found.opted_out)

    @property
    def is_test(self) -> bool:
        """Whether it is a test send, which is a campaign of its own."""
        return self.row.kind is Kind.TEST

    @property
    def is_archived(self) -> bool:
        """Whether lists leave it out."""
        return self.row.archived_at is not None

    @property
    def is_unfinished(self) -> bool:
        """Whether people wait for it to go on, or a run is at it."""
        return self.row.mode is not Mode.PLAN and self.state in _GOES_ON and not self.is_test

    @property
    def is_measurable(self) -> bool:
        """Whether it has ended and kept people back, so that notebook 05 can say what it brought."""
        kept = self.row.summary.get("excluded", {}).get("holdout")
        return bool(kept) and self.state == "finished" and not self.is_test

    @property
    def started(self) -> datetime:
        """When it began, or was planned; on the campaign's clock."""
        return datetime.fromtimestamp(self.row.started_at or self.row.created_at, self.row.zone)

    @property
    def delivery_rate(self) -> float | None:
        """Of the accepted, the share that was delivered; None before the first report about any of them."""
        reported = self.tally.delivered + self.tally.undelivered
        return self._of_accepted(self.tally.delivered) if reported else None

    @property
    def opt_out_rate(self) -> float | None:
        """Of the accepted, the share that opted out; None before any was accepted."""
        return self._of_accepted(self.opted_out)

    @property
    def cost_per_delivered(self) -> Decimal | None:
        """Yuan for each message that was delivered; None where none was."""
        return self.cost / self.tally.delivered if self.tally.delivered else None

    def _of_accepted(self, people: int) -> float | None:
        return people / self.tally.accepted if self.tally.accepted else None


@dataclass(frozen=True)
class Overview:
    """
    All campaigns of a ledger.

    Args:
        campaigns: Newest live one first, then rehearsals, then plans.
        damaged: Whose record is not as it was written; nothing of it is counted.
        tests: How many test sends were left out.
        archived: Those that are archived, in the same order.
    """

    campaigns: Sequence[Figures] = ()
    damaged: Sequence[Damaged] = ()
    tests: int = 0
    archived: Sequence[Figures] = ()

    def __repr__(self) -> str:
        return f"Overview({len(self.campaigns)} campaigns)"

    @cached_property
    def everything(self) -> list[Figures]:
        """All of them in their order, also archived ones."""
        return sorted([*self.campaigns, *self.archived], key=_order)

    @property
    def with_archived(self) -> Overview:
        """The same, archived ones among the others."""
        return replace(self, campaigns=self.everything, archived=())

    @cached_property
    def unfinished(self) -> list[Figures]:
        """Those that people wait for, or a run is at."""
        return [each for each in self.campaigns if each.is_unfinished]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """
        The campaigns as a table, one row each, in their order.

        Returns:
            ``campaign``, ``mode``, ``test`` (bool), ``state``, ``provider``; people: ``planned``,
            ``waiting``, ``accepted``, ``delivered``, ``undelivered``, ``awaiting``, ``refused``, ``unknown``,
            ``opted_out``; ``delivery_rate`` and ``opt_out_rate`` (of the accepted; NaN before any was, the
            former before the first report); ``cost`` and ``cost_per_delivered`` (yuan, Decimal or None);
            ``started`` (aware, in the campaign's zone); ``series``; ``archived`` (bool).
        """
        columns = {name: [_cell(each, name) for each in self.campaigns] for name in _FRAME}
        return pd.DataFrame(
            {name: pd.Series(values, dtype=_DTYPES.get(name, "int64")) for name, values in columns.items()}
        )

    def series(self, name: str, mode: Mode = Mode.LIVE) -> pd.DataFrame:
        """The rows of `frame` of one series and mode, oldest first; also archived ones."""
        rows = self.with_archived.frame
        mine = (rows["series"] == name) & (rows["mode"] == str(mode)) & ~rows["test"]
        return rows[mine].iloc[::-1].reset_index(drop=True)

    @cached_property
    def repeating(self) -> list[tuple[str, Mode]]:
        """Series that were sent more than once, with their mode, newest first; archived ones count."""
        sent = [each for each in self.everything if each.row.mode is not Mode.PLAN and not each.is_test]
        keys = [(each.row.series, each.row.mode) for each in sent]
        return list(dict.fromkeys(key for key in keys if keys.count(key) > 1))


def overview(ledger: Ledger, *, mode: Mode | None = None, tests: bool = False) -> Overview:
    """
    Count all campaigns of *ledger*.

    Args:
        mode: Those of one mode alone.
        tests: Also test sends.
    """
    found, damaged = ledger.count_all(mode=mode)
    all_of_them = sorted(map(Figures.of, found), key=_order)
    shown = [each for each in all_of_them if tests or not each.is_test]
    away = [each for each in shown if each.is_archived]
    current = [each for each in shown if not each.is_archived]
    return Overview(current, damaged, len(all_of_them) - len(shown), away)


def _order(each: Figures) -> tuple[int, int]:
    """Live ones first, then rehearsals, then plans, each newest first."""
    return _ORDER.index(each.row.mode), -each.row.id


_COUNTS: Final = (
    *("planned", "waiting", "accepted", "delivered", "undelivered", "awaiting", "refused", "unknown"),
)
_FRAME: Final = (
    *("campaign", "mode", "test", "state", "provider", *_COUNTS, "opted_out", "delivery_rate"),
    *("opt_out_rate", "cost", "cost_per_delivered", "started", "series"),
    "archived",
)
_DTYPES: Final = {
    **dict.fromkeys(("campaign", "mode", "state", "provider", "series"), "str"),
    **dict.fromkeys(("delivery_rate", "opt_out_rate"), "float64"),
    **dict.fromkeys(("cost", "cost_per_delivered", "started"), "object"),
    **dict.fromkeys(("test", "archived"), "bool"),
}


def _cell(each: Figures, name: str) -> object:
    row = each.row
    own = {"campaign": row.name, "mode": str(row.mode), "test": each.is_test}
    own |= {"provider": row.provider, "series": row.series, "archived": each.is_archived}
    if name in own:
        return own[name]
    return getattr(each.tally if name in _COUNTS else each, name)
