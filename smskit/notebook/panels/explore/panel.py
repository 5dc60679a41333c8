"""
The panel of notebook 02: load a segment, look at it, filter it, see its people, compare it, keep it.

Puts the parts together and tells each what the others did; what a segment and
a rule are, and every count, is for `explore`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets as w

from smskit.audience.explore import Counts
from smskit.audience.rules.typed import Mask
from smskit.i18n import mark
from smskit.notebook.panels.explore.compare import ComparePanel
from smskit.notebook.panels.explore.load import LoadPanel
from smskit.notebook.panels.explore.people import PeoplePanel
from smskit.notebook.panels.explore.profile import ProfilePanel
from smskit.notebook.panels.explore.reach import ReachPanel
from smskit.notebook.panels.explore.rules import RulesPanel
from smskit.notebook.panels.explore.save import SavePanel
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import card, html, notice, soft, stale, title
from smskit.notebook.segment_model import SegmentModel

__all__ = ["ExplorePanel"]

_FILTER = 1  # the tab people come for


class ExplorePanel(Panel):
    """
    A model to click on.

    Args:
        model: What plain cells use as well; both see the same.
        cells: Called in the background when segment or rules are others than the cells last told.
    """

    def __init__(self, page: Page, model: SegmentModel, *, cells: Callable[[], None] = lambda: None) -> None:
        super().__init__(page)
        self.model, self._cells = model, cells
        self.counts: Counts | None = None
        self.load = LoadPanel(page, model, self._loaded)
        self.profile = ProfilePanel(page, model)
        self.rules = RulesPanel(page, model, self._counted)
        self.table = PeoplePanel(page, model, choose=self.rules.toggle, unread=self._show_unread)
        self.compare = ComparePanel(page, model)
        self.save = SavePanel(page, model)
        self._tab = _FILTER
        self.reach = ReachPanel(page, model, self._show_rows)
        self._counting, self._whose = html(""), html("")
        self.load.on_work = self.rules.on_work = self._mark
        page.follow(self._draft_changed)
        if model.loaded is None and (page.draft.frame is not None or page.draft["segment"]):
            self.reload()
        elif model.loaded is not None:
            self.rules.recount()

    def build(self) -> Sequence[w.Widget]:
        parts = {
            self.t("Overview"): self.profile,
            self.t("Filter"): self.rules,
            self.t("Compare"): self.compare,
            self.t("Save"): self.save,
        }
        for panel in (self.load, self.reach, self.table, *parts.values()):
            panel.draw()
        tabs = w.Tab([panel.widget for panel in parts.values()], titles=list(parts), selected_index=self._tab)
        tabs.observe(lambda change: setattr(self, "_tab", change["new"]), "selected_index")
        self._counting, self._whose = html(""), html("")
        self._mark()
        self._tell_whose()
        people = card(title(self.t("People")), self._whose, self.table.widget)
        return [self.load.widget, self._counting, card(self.reach.widget), tabs, people]

    def _mark(self) -> None:
        """Dim figures that are not yet those of what is chosen; until they are, nothing is saved."""
        reading, unread = self.load.is_at("load", "roles"), self.load.is_unread
        counting = reading or unread or self.rules.is_at("count")
        self._counting.value = soft(self.t("Counting …")) if counting and not unread else ""
        stale(counting, self.reach.widget)
        stale(
            reading or unread,
            *(panel.widget for panel in (self.profile, self.rules, self.table, self.compare)),
        )
        self.save.wait(counting)

    # -- one part tells the others ---------------------------------------------------------

    def reload(self) -> None:
        """Read the segment the draft names; the rule stays."""
        self.load.load()

    def _loaded(self) -> None:
        self.counts = None
        self.reach.count(None)
        self.profile.draw()
        self.compare.draw()
        self.save.draw()
        self.rules.draw()
        self.rules.recount()

    def _counted(self, counts: Counts) -> None:
        self.counts = counts
        self.table.kept(counts.mask)
        self.reach.count(counts)
        if not self.reach.shows_part:
            self._show_rows(None)
        self.profile.kept(counts.mask)
        self.save.kept(counts.kept)
        self.start("cells", self._cells, lambda _: None)

    def _tell_whose(self) -> None:
        self._whose.value = soft(self.reach.shown)

    def _show_unread(self, column: str) -> None:
        """Show the rows whose cell in *column* cannot be read as the others are."""
        words = mark("Column `{name}`: these cells cannot be read; rules never keep them for their value.")
        self._show_rows(self.model.unread(column))
        self._whose.value = notice(self.t(words, name=column), "warn")

    def _show_rows(self, rows: Mask | None) -> None:
        """Show the people of one part of the bar, or those that the rules keep."""
        loaded, counts = self.model.loaded, self.counts
        if loaded is None or counts is None or counts.rows != loaded.profile.rows:
            return
        self._tell_whose()
        self.table.show(loaded.rows.keeping(counts.mask if rows is None else rows))

    def _draft_changed(self, names: frozenset[str]) -> None:
        """Somebody changed the parameters: a part of this panel, another one, or an opened file."""
        if names & {"segment", "segment_query", "sheet", "heading_row"} and not self.load.choosing:
            self.reload()
        elif names & {"segment", "sheet", "heading_row"}:
            self.load.show_named()
        if "rules" in names:
            self.rules.follow()
        if names - {"rules", "segment", "segment_query", "sheet", "heading_row"}:
            self.reach.again()
