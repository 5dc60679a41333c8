"""Tabs that show counts: over time, failures, carriers, requests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import ipywidgets as w
import pandas as pd

from smskit.audience.carriers import AS_OF, PORTABILITY
from smskit.audience.paging import FrameRows
from smskit.i18n import Language, mark
from smskit.i18n.figures import share
from smskit.models import REASONS
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.parts import details, frame_table, html, row, soft, soft_line
from smskit.notebook.panels.pressable import Action, Coded, Pressable, press_table
from smskit.notebook.panels.table import TablePanel
from smskit.notebook.panels.track.base import Tab
from smskit.notebook.tracker import CampaignSnapshot, Tracker
from smskit.reporting import charts
from smskit.reporting.delivery import HEADINGS, NEVER_AGAIN, STAGES, UNITS

__all__ = [
    "BatchesTab",
    "CarriersTab",
    "Failure",
    "FailuresTab",
    "TimeTab",
    "clock",
    "headings",
    "stage_name",
]

_MOST = 100  # failures that are shown
# What can be done about the people of a failure; the last one about dead numbers alone.
ACTIONS = {
    "people": mark("show"),
    "export": mark("export"),
    "follow_up": mark("follow up"),
    "take_out": mark("take out of the segment"),
}


class Failure(NamedTuple):
    """One row of the failures; see ``Survey.failures``."""

    stage: str
    reason: str
    code: str
    people: int
    dead: bool


_UNITS = {"second": mark("second"), "minute": mark("minute"), "hour": mark("hour"), "day": mark("day")}


def headings(t: Language) -> dict[str, str]:
    """Column -> heading."""
    return {name: t(words) for name, words in HEADINGS.items()}


def stage_name(name: str, t: Language) -> str:
    """A group in words."""
    return t(STAGES.get(name, name))


class TimeTab(Tab):
    """Receipts over time."""

    heading = mark("Trend")
    unit = ""

    def build(self) -> Sequence[w.Widget]:
        if self.seen is None:
            return [soft_line(self.t("Counting …"))]
        survey = self.seen.survey
        table, unit = survey.over_time.table(self.unit), self.unit or survey.over_time.unit
        choices = [(self.t("automatic"), ""), *((self.t(_UNITS[u]), u) for u in UNITS)]
        which = self.field(w.Dropdown, self.t("Unit of time"), self.choose, options=choices, value=self.unit)
        if not len(table):
            return [which, soft_line(self.t("Nothing was accepted yet."))]
        zone = str(survey.zone)
        shown = table.tail(200).assign(at=lambda f: f["at"].dt.strftime("%Y-%m-%d %H:%M:%S"))
        told = frame_table(shown, headings=headings(self.t), label=self.t("Over time"))
        picture = charts.over_time(table, self.t, unit=_UNITS[unit], zone=zone)
        return [which, html(picture), html(details(self.t("As a table"), told))]

    def choose(self, unit: str) -> None:
        """Another unit of time; "" = what fits."""
        self.unit = unit
        self.draw()


class FailuresTab(Tab):
    """
    Failures by reason, in words, with the provider's raw code, and what can be done about each.

    Args:
        act: Called with what is to be done, one of `ACTIONS`, and the failure it is to be done about.
    """

    heading = mark("Failures")

    def __init__(self, page: Page, tracker: Tracker, act: Callable[[str, Failure], None]) -> None:
        self._act = act
        self._table, self._hint = Pressable(), html("")
        super().__init__(page, tracker)

    def build(self) -> Sequence[w.Widget]:
        self._table, self._hint = Pressable(self.press), html("")
        self._fill()
        return [self._table, self._hint]

    def show(self, seen: CampaignSnapshot) -> None:
        self.seen = seen
        self._fill()

    @property
    def failures(self) -> list[Failure]:
        """Those that are shown, in their order."""
        if self.seen is None:
            return []
        found = self.seen.survey.failures.head(_MOST)
        return [Failure(*line) for line in found[list(Failure._fields)].itertuples(index=False, name=None)]

    def press(self, what: str) -> None:
        """A button of a row was pressed."""
        action, _, number = what.partition(":")
        self.attempt(lambda: self._act(action, self.failures[int(number)]))(None)

    def _fill(self) -> None:
        t = self.t
        if self.seen is None or not len(found := self.seen.survey.failures.head(_MOST)):
            self._hint.value = ""
            self._table.value = soft(t("No failure so far.") if self.seen else t("Counting …"))
            return
        meaning, said = ([t.said(text) for text in found[name]] for name in ("meaning", "said"))
        words = [m or t(REASONS.get(r, r)) for m, r in zip(meaning, found["reason"], strict=True)]
        shown = pd.DataFrame(
            {
                "stage": [stage_name(s, t) for s in found["stage"]],
                "why": [Coded(m, code) for m, code in zip(words, found["code"], strict=True)],
                "said": ["" if s == m else s for s, m in zip(said, meaning, strict=True)],
                "next_step": [t.render(s) for s in found["next_step"]],
                "people": found["people"].to_numpy(),
                "share": [share(s) for s in found["share"]],
            }
        )
        actions = [
            [
                Action(t(label), f"{name}:{n}")
                for name, label in ACTIONS.items()
                if name not in _without(failure)
            ]
            for n, failure in enumerate(self.failures)
        ]
        self._table.value = press_table(
            shown, headings=headings(t), label=t("Failures"), actions=actions, right=["share"]
        )
        hint = t("Share is of all people planned. Codes are the provider's or the carrier's, as they came.")
        self._hint.value = soft(hint)


def _without(failure: Failure) -> set[str]:
    """What makes no sense for them."""
    asked_not_to = {"follow_up"} if failure.stage in NEVER_AGAIN else set()
    return asked_not_to | (set() if failure.dead else {"take_out"})


class CarriersTab(Tab):
    """By carrier and by number segment."""

    heading = mark("Carriers")

    def build(self) -> Sequence[w.Widget]:
        if self.seen is None:
            return [soft_line(self.t("Counting …"))]
        found = self.seen.survey.carriers
        if not len(found):
            return [soft_line(self.t("Nobody is planned."))]
        parts = [soft_line(self.t(PORTABILITY, date=AS_OF)), html(charts.carriers(found, self.t))]
        prefixes = self._table(self.seen.survey.prefixes)
        return [
            *parts,
            html(self._table(found)),
            html(details(self.t("By the first three digits"), prefixes)),
        ]

    def _table(self, found: pd.DataFrame) -> str:
        shown = found.assign(
            carrier=[self.t(c) for c in found["carrier"]], rate=[share(r) for r in found["rate"]]
        )
        return press_table(shown, headings=headings(self.t), label=self.t("Carriers"), right=["rate"])


class BatchesTab(Tab):
    """By request."""

    heading = mark("Requests")
    only_trouble = False

    def __init__(self, page: Page, tracker: Tracker) -> None:
        super().__init__(page, tracker)
        self.table = TablePanel(page, label="requests", can_reveal=False)

    def build(self) -> Sequence[w.Widget]:
        self._told = soft_line(self.t("Counting …"))
        if self.seen is None:
            return [self._told]
        only = self.tick(self.t("Only these"), self.only_trouble, self.choose)
        hint = self.t("One row is one request to the provider: how many people, and where they are now.")
        self._fill()
        return [row(self._told, only), soft_line(hint), self.table.widget]

    def show(self, seen: CampaignSnapshot) -> None:
        first, self.seen = self.seen is None, seen
        self.draw() if first else self._fill()

    def _fill(self) -> None:
        assert self.seen is not None
        batches = self.seen.survey.batches
        bad = batches[(batches["refused"] > 0) | (batches["unknown"] > 0) | (batches["later"] > 0)]
        told = self.t(
            "{n:,} requests, {bad:,} of them with somebody refused, unknown or tried again.",
            n=len(batches),
            bad=len(bad),
        )
        self._told.value = soft(told)
        self.table.show(FrameRows(self._words(bad if self.only_trouble else batches)))

    def _words(self, batches: pd.DataFrame) -> pd.DataFrame:
        assert self.seen is not None
        at = pd.to_datetime(batches["at"], unit="s", utc=True).dt.tz_convert(self.seen.survey.zone)
        shown = batches.assign(at=at.dt.strftime("%Y-%m-%d %H:%M:%S"))
        return shown.rename(columns=headings(self.t)).reset_index(drop=True)

    def choose(self, only_trouble: bool) -> None:
        """Only requests in which somebody was refused, unknown or tried again, or all."""
        self.only_trouble = only_trouble
        self._fill()


def clock(seconds: float, zone: Any) -> str:
    """A moment on the campaign's clock."""
    return datetime.fromtimestamp(seconds, zone).strftime("%Y-%m-%d %H:%M:%S")
