"""Tabs that show counts: over time, failures, carriers, requests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import ipywidgets as w
import pandas as pd

from smskit.audience.carriers import AS_OF, PORTABILITY
from smskit.audience.paging import FrameRows
from smskit.i18n import Language, mark
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.parts import details, field, frame_table, html, row, soft, soft_line
from smskit.notebook.panels.table import TablePanel
from smskit.notebook.panels.track.base import Tab
from smskit.notebook.tracker import CampaignSnapshot, Tracker
from smskit.reporting import charts
from smskit.reporting.delivery import HEADINGS, STAGES, UNITS

__all__ = ["BatchesTab", "CarriersTab", "FailuresTab", "TimeTab", "headings", "stage_name"]

_UNITS = {"second": mark("second"), "minute": mark("minute"), "hour": mark("hour"), "day": mark("day")}


def headings(t: Language) -> dict[str, str]:
    """Column -> heading."""
    return {name: t(words) for name, words in HEADINGS.items()}


def stage_name(name: str, t: Language) -> str:
    """A group in words."""
    return t(STAGES.get(name, name))


def percent(share: Any) -> str:
    """A share for people; "" where there is none."""
    return "" if pd.isna(share) else f"{share:.1%}"


class TimeTab(Tab):
    """Receipts over time."""

    heading = mark("Over time")
    unit = ""

    def build(self) -> Sequence[w.Widget]:
        if self.seen is None:
            return [soft_line(self.t("Counting …"))]
        survey = self.seen.survey
        table, unit = survey.over_time(self.unit), self.unit or survey.unit
        choices = [(self.t("fitting"), ""), *((self.t(_UNITS[u]), u) for u in UNITS)]
        which = field(w.Dropdown, self.t("Unit of time"), options=choices, value=self.unit)
        which.observe(self.attempt(lambda: self.choose(which.value)), "value")
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
    """Failures by reason, in words, with the provider's raw code."""

    heading = mark("Failures")

    def build(self) -> Sequence[w.Widget]:
        if self.seen is None:
            return [soft_line(self.t("Counting …"))]
        found = self.seen.survey.failures
        if not len(found):
            return [soft_line(self.t("No failure so far."))]
        meaning, said = ([self.t.said(text) for text in found[name]] for name in ("meaning", "said"))
        shown = found.assign(
            stage=[stage_name(s, self.t) for s in found["stage"]],
            meaning=meaning,
            next_step=[self.t.render(s) for s in found["next_step"]],
            share=[percent(s) for s in found["share"]],
            said=["" if s == m else s for s, m in zip(said, meaning, strict=True)],
        )
        order = ["stage", "code", "meaning", "said", "next_step", "people", "share"]
        table = frame_table(shown[order].head(100), headings=headings(self.t), label=self.t("Failures"))
        hint = self.t(
            "Share is of all people planned. Codes are the provider's or the carrier's, as they came."
        )
        return [html(table), soft_line(hint)]


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
            carrier=[self.t(c) for c in found["carrier"]], rate=[percent(r) for r in found["rate"]]
        )
        return frame_table(shown, headings=headings(self.t), label=self.t("Carriers"))


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
        only = w.Checkbox(self.only_trouble, description=self.t("Only these"), indent=False)
        only.observe(self.attempt(lambda: self.choose(only.value)), "value")
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
