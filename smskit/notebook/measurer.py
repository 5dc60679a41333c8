"""
``Measurer``: which campaign is measured by which table, for a panel and for plain cells alike.

Keeps the last measurement, since a table of ten million rows is not read once for each cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from functools import cached_property
from typing import Any, Final

from smskit.audience import segment
from smskit.audience.explore import keep_upload
from smskit.errors import InputError
from smskit.i18n import Language
from smskit.ledger import CampaignRow, Ledger
from smskit.ledger.opening import ledger_there
from smskit.measuring.arms import earlier_occurrences, read_arms
from smskit.measuring.asking import Asked
from smskit.measuring.compare import arms_beside, compare
from smskit.measuring.compared import Compared
from smskit.measuring.effects import arms_of
from smskit.measuring.measure import measure_row
from smskit.measuring.outcomes import source_name
from smskit.measuring.page import page
from smskit.measuring.refusing import srm_of
from smskit.measuring.result import Arm, Measured, Srm
from smskit.measuring.several import measure_series
from smskit.models import Kind, Mode
from smskit.reporting import delivery
from smskit.settings import Environment
from smskit.settings.places import project_root, start_folder

__all__ = ["ASKED", "Measurer"]

# What is asked of a table, as the parameters cell names it; the rest is not for parameters.
ASKED: Final = {
    "outcomes": "",
    "outcomes_query": "",
    **{
        each.name: each.default
        for each in fields(Asked)
        if each.name not in ("outcomes", "query", "environ", "file")
    },
}
_MEASURABLE: Final = (Mode.LIVE, Mode.REHEARSE)


class Measurer:
    """
    Args:
        asked: Parameters, by the names of `ASKED`.
    """

    def __init__(self, asked: Mapping[str, Any] | None = None) -> None:
        self.folder = project_root(start_folder()) or start_folder()  # where uploads go
        self.asked: dict[str, Any] = dict(ASKED)
        self.row: CampaignRow | None = None
        self.seen: Measured | None = None
        self._seen_of: object = None
        self.set(**(asked or {}))

    def __repr__(self) -> str:
        return f"Measurer({self.row.name if self.row else 'nothing chosen'})"

    # -- which ----------------------------------------------------------------------------

    @cached_property
    def ledger(self) -> Ledger | None:
        """The project's ledger; None where there is none yet."""
        return ledger_there(Environment())

    def campaigns(self) -> list[CampaignRow]:
        """What can be measured: those with a holdout first, then newest live ones; archived ones last."""
        if self.ledger is None:
            return []
        found = [
            row
            for row in self.ledger.campaigns.find(damaged=[])[::-1]
            if row.mode in _MEASURABLE and row.kind in (Kind.CAMPAIGN, Kind.COPY)
        ]
        return sorted(found, key=_rank)

    def choose(self, campaign: str = "", mode: str = "") -> CampaignRow | None:
        """
        Measure another campaign; without a name the first of `campaigns`.

        Raises:
            LedgerError: no campaign has that name.
        """
        if self.ledger is None:
            self.row = None
        elif campaign:
            self.row = delivery.choose(self.ledger, campaign, Mode(mode) if mode else None)
        else:
            found = [row for row in self.campaigns() if mode in ("", str(row.mode))]
            self.row = found[0] if found else None
        return self.row

    def set(self, **asked: Any) -> None:
        """Ask something else of the table; by the names of `ASKED`, numbers as text."""
        self.asked |= {
            name: value if isinstance(value, bool) else str(value if value is not None else "").strip()
            for name, value in asked.items()
        }
        if not self.asked["user_id"]:  # a campaign whose persons are phones names no column
            self.asked["user_id"] = ASKED["user_id"]

    @property
    def is_ready(self) -> bool:
        """Whether enough is said to measure."""
        asked = self.asked
        return bool(self.row and asked["outcomes"] and (asked["time"] or asked["converted"]))

    def question(self) -> Asked:
        """
        What is asked.

        Raises:
            InputError: it cannot be.
        """
        environment = Environment()
        given = {name: value for name, value in self.asked.items() if name != "outcomes_query"}
        return Asked(
            **given,
            query=self.asked["outcomes_query"],
            environ=environment.variables,
            file=environment.parameter_file,
        )

    # -- looking --------------------------------------------------------------------------

    def measure(self) -> Measured:
        """
        What the campaign brought; measured once for the same question.

        Raises:
            InputError: nothing is chosen yet, or the table or an option cannot be used.
        """
        if self.ledger is None or self.row is None:
            raise InputError("there is no campaign to measure; send or rehearse one first")
        of = self.row.id, tuple(self.asked.items())
        if self.seen is None or of != self._seen_of:
            row = self.ledger.campaigns.get(self.row.name, self.row.mode) or self.row
            self.seen, self._seen_of = measure_row(self.ledger, row, self.question()), of
        return self.seen

    def again(self) -> Measured:
        """The same measured anew: the table may hold more by now."""
        self.seen = None
        return self.measure()

    def arms(self) -> tuple[dict[str, Arm], Srm | None]:
        """Who is in which arm, by the ledger alone, and whether the split is as drawn."""
        assert self.ledger is not None
        assert self.row is not None
        found = read_arms(self.ledger, self.row)
        return arms_of(found), srm_of(found, _held_back(self.row)) if found.n_holdout else None

    def earlier(self) -> list[CampaignRow]:
        """The occurrences of its series before it, oldest first."""
        if self.ledger is None or self.row is None:
            return []
        return earlier_occurrences(self.ledger, self.row)

    def pooled(self) -> Measured:
        """
        Its series as a whole, each person once, from the occurrence in which they entered.

        Raises:
            InputError: as `measure`.
        """
        assert self.ledger is not None
        assert self.row is not None
        asked = replace(self.question(), entrants=False, by="", before="", segments="")
        return measure_series(self.ledger, self.row.series, self.row.mode, asked)

    def compare(self, campaigns: Sequence[str]) -> Compared:
        """
        Arms of an experiment side by side, by delivery; with a table by what their people did, too.

        Args:
            campaigns: The arms; none = those of `beside`.

        Raises:
            InputError: fewer than two, an unknown one, or the table or an option cannot be used.
        """
        if self.ledger is None:
            raise InputError("there is no campaign to measure; send or rehearse one first")
        mode = self.row.mode if self.row and not campaigns else None
        named = campaigns or [row.name for row in self.beside()]
        ready = self.asked["outcomes"] and (self.asked["time"] or self.asked["converted"])
        return compare(self.ledger, named, mode, self.question() if ready else None)

    def beside(self) -> list[CampaignRow]:
        """The arms of the chosen campaign's experiment, itself among them; empty where it is none."""
        if self.ledger is None or self.row is None:
            return []
        return arms_beside(self.ledger, self.row)

    def columns(self) -> list[str]:
        """
        Names of the table's columns.

        Raises:
            SegmentError: it cannot be read.
        """
        environment = Environment()
        frame = segment.load(
            self.asked["outcomes"],
            query=self.asked["outcomes_query"],
            text_columns={self.asked["user_id"]},
            environ=environment.variables,
            parameter_file=environment.parameter_file,
        )
        return [str(name) for name in frame.columns]

    @property
    def source_name(self) -> str:
        """What the table is called in sentences: its file's name, never an address."""
        return source_name(self.asked["outcomes"])

    def upload(self, name: str, content: bytes) -> str:
        """Keep an uploaded table beside the segments, readable by its owner alone; its path from the root."""
        kept = keep_upload(name, content, self.folder)
        self.set(outcomes=kept)
        return kept

    def report(self, t: Language) -> tuple[str, str]:
        """The name of the report and its text, an HTML file."""
        found = self.measure()
        return f"{found.campaign}-{found.mode}-effect.html", page(found, t)


def _held_back(row: CampaignRow) -> float:
    return float(row.spec.get("holdout", 0) or 0)


def _rank(row: CampaignRow) -> tuple[bool, bool, int]:
    return row.archived_at is not None, not _held_back(row), _MEASURABLE.index(row.mode)
