"""Two segments side by side: who is in which, and where they differ."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from zoneinfo import ZoneInfo

import ipywidgets as w
import numpy as np
import pandas as pd

from smskit.audience.explore import Comparison, keep_upload, offered
from smskit.audience.explore.tables import compare_table, shares_table
from smskit.audience.paging import FrameRows
from smskit.notebook.panels.fold import Fold
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import field, frame_table, html, row, soft_line, title
from smskit.notebook.panels.table import TablePanel
from smskit.notebook.panels.upload import upload_button
from smskit.notebook.segment_model import SegmentModel
from smskit.reporting.charts import explore as charts
from smskit.workspace import Workspace

__all__ = ["ComparePanel"]


class ComparePanel(Panel):
    """The kept rows against another segment."""

    def __init__(self, page: Page, model: SegmentModel) -> None:
        super().__init__(page)
        self.model = model
        self.source, self.query, self.side, self.by = "", "", "only_a", "phone"
        self.found: tuple[Comparison, pd.DataFrame, pd.DataFrame] | None = None
        self.table = TablePanel(page)

    def build(self) -> Sequence[w.Widget]:
        if self.model.loaded is None:
            return [soft_line(self.t("Load a segment first."))]
        may_query = Workspace.here().may_query
        files = [(self.t("choose a file"), ""), *((o.path, o.path) for o in offered(self.model.project))]
        known = self.source if any(self.source == value for _, value in files) else ""
        offer = field(w.Dropdown, self.t("Files here"), options=files, value=known)
        place = field(w.Text, self.t("Other segment"), value=self.source)
        place.placeholder = self.t("people.csv, sqlite:///crm.db, or env:CRM_URL")
        query = field(w.Text, self.t("SQL query"), value=self.query)
        offer.observe(self.attempt(lambda: setattr(place, "value", offer.value or place.value)), "value")
        typed = Fold(
            self.t("Path, URL or query") if may_query else self.t("By its name"),
            w.VBox([place, *([query] if may_query else [])]),
            is_open=bool(self.source and not known),
        )
        upload = upload_button(self, self._uploaded)
        go = self.button(self.t("Compare"), lambda: self.compare(place.value, query.value), style="primary")
        hint = self.t("The rows kept by the rules, here, against another segment, there.")
        return [title(self.t("Compare"), hint), row(offer, upload, go), typed.widget, *self._result()]

    def compare(self, source: str, query: str = "") -> None:
        """Read the other segment and compare, in the background."""
        self.source, self.query = source.strip(), query.strip()
        self.tell(lambda t: t("Loading…"))

        def work() -> tuple[Comparison, pd.DataFrame, pd.DataFrame]:
            here, there = self.model.frame(), self.model.read_other(self.source, self.query)
            return self.model.compare(there), here, there

        self.start("compare", work, self._compared)

    def _uploaded(self, name: str, content: bytes) -> None:
        """Keep the file in the background, and compare with it."""
        self.tell(lambda t: t("Loading…"))
        keep = partial(keep_upload, name, content, self.model.project)
        self.start("upload", keep, self.compare)

    def _compared(self, found: tuple[Comparison, pd.DataFrame, pd.DataFrame]) -> None:
        self.found = found
        self.tell("")
        self.draw()

    def _result(self) -> list[w.Widget]:
        if self.found is None:
            return []
        found = self.found[0]
        self.by = self.by if getattr(found, f"{self.by}s") else "person" if found.persons else "phone"
        sides = [
            (self.t("only here"), "only_a"),
            (self.t("in both"), "both"),
            (self.t("only there"), "only_b"),
        ]
        keys = [(self.t("person"), "person")] * bool(found.persons) + [(self.t("phone"), "phone")] * bool(
            found.phones
        )
        side = field(w.Dropdown, self.t("Show rows"), options=sides, value=self.side)
        key = field(w.Dropdown, self.t("by"), options=keys, value=self.by)
        side.observe(self.attempt(lambda: self._show(side.value, key.value)), "value")
        key.observe(self.attempt(lambda: self._show(side.value, key.value)), "value")
        self._show(self.side, self.by)
        made = [html(frame_table(compare_table(found, self.t), label=self.t("Compare")))]
        if len(found.shares):
            made.append(title(self.t("Where they differ"), self.t("Share of rows by value, in percent.")))
            made.append(html(charts.differences(found.shares, self.t)))
            made.append(html(frame_table(shares_table(found, self.t), label=self.t("Where they differ"))))
        return [*made, row(side, key), self.table.widget]

    def _show(self, side: str, by: str) -> None:
        self.side, self.by = side, by
        assert self.found is not None
        found, here, there = self.found
        sides = found.persons if by == "person" else found.phones
        assert sides is not None
        frame = there if side == "only_b" else here
        keep = {"only_a": ~sides.in_b, "both": sides.in_b, "only_b": ~sides.in_a}[side]
        phone, zone = [self.model.draft["phone"]], ZoneInfo(self.model.draft["timezone"])
        self.table.show(FrameRows(frame, np.asarray(keep), phone=phone, zone=zone))
