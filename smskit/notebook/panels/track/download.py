"""The page about files: one row per person, to be saved by the browser or written in the project."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import ipywidgets as w

from smskit.i18n import mark
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.parts import choose, field, html, row, soft, soft_line
from smskit.notebook.panels.pressable import Pressable
from smskit.notebook.panels.track.base import Tab
from smskit.notebook.tracker import CampaignSnapshot, Download, Tracker
from smskit.reporting.export import FORMATS
from smskit.settings.places import from_project
from smskit.workspace import May

__all__ = ["DownloadTab"]


class DownloadTab(Tab):
    """Which columns, whether with full phones, and where the file goes."""

    heading = mark("Download")
    kind, path, reveal = FORMATS[0], "", False
    columns: tuple[str, ...] = ()

    def __init__(self, page: Page, tracker: Tracker) -> None:
        self.saving = Pressable()  # shows nothing; the browser saves what it is given
        self._columns, self._known = w.SelectMultiple(), 0
        super().__init__(page, tracker)

    def show(self, seen: CampaignSnapshot) -> None:
        first, self.seen = self.seen is None, seen
        if first or self._known != seen.row.id:
            self._look()

    def build(self) -> Sequence[w.Widget]:
        t = self.t
        kind = field(w.Dropdown, t("Format"), options=FORMATS, value=self.kind)
        kind.observe(self.attempt(lambda: setattr(self, "kind", kind.value)), "value")
        options = sorted({*self.columns, *self._columns.options})
        take = partial(setattr, self, "columns")
        self._columns = self.field(
            w.SelectMultiple, t("Segment columns"), take, options=options, value=self.columns
        )
        self._columns.rows = 6
        reveal = self.tick(t("Full phones in the file"), self.reveal, partial(setattr, self, "reveal"))
        save = self.button(t("Download"), self.download, style="primary")
        path = self.field(w.Text, t("File"), partial(setattr, self, "path"), value=self.path)
        path.placeholder = "runs/…-messages.csv"
        write = self.button(t("Write the file"), self.write)
        self.only_for(May.PLAN, reveal, write)
        hint = t("One row per person of the segment. Phones are masked unless you ask for them.")
        more = t("Columns of the segment are those it has now, of whoever is still in it.")
        elsewhere = t("Or as a file of the project, for programs and where it is large:")
        return [
            soft_line(hint),
            row(kind, reveal),
            self._columns,
            html(soft(more)),
            row(save),
            soft_line(elsewhere),
            row(path, write),
        ]

    def _look(self) -> None:
        """Which columns the segment has, in the background."""
        assert self.seen is not None
        self._known = self.seen.row.id
        self.start("columns", self.tracker.columns, self._offer)

    def _offer(self, columns: list[str]) -> None:
        self.columns = tuple(name for name in self.columns if name in columns)
        with self.showing:
            choose(self._columns, [(name, name) for name in columns], self.columns)

    def download(self, kind: str = "") -> None:
        """Make the file in the background, and let the browser save it; "" = the format that is chosen."""
        wanted, reveal, columns = kind or self.kind, self.reveal and not kind, self.columns
        self._make(lambda: self.tracker.download(wanted, reveal=reveal, columns=columns))

    def report(self) -> None:
        """The report of the campaign, in the language of the page."""
        t = self.t
        self._make(lambda: self.tracker.report(t))

    def people(self, place: str, code: str) -> None:
        """Those of one failure."""
        t = self.t
        self._make(lambda: self.tracker.people_of(place, code, t))

    def _make(self, work: Callable[[], Download]) -> None:
        self.tell(lambda t: t("Writing …"))
        self.start("download", work, self._made)

    def _made(self, made: Download) -> None:
        self.saving.save(made.name, made.data, "application/octet-stream")
        self.tell(lambda t: t("{name} is saved by your browser", name=made.name), "ok")

    def write(self) -> None:
        """Write the file in the background."""
        self.tell(lambda t: t("Writing …"))
        kind, path, reveal, columns = self.kind, self.path, self.reveal, self.columns
        self.start(
            "export",
            lambda: self.tracker.export(kind, path, reveal=reveal, columns=columns),
            lambda place: self.tell(lambda t: t("Saved to {path}", path=from_project(place)), "ok"),
        )
