"""
The panel of notebook 02: load a segment, look at it, filter it, see its people, compare it, keep it.

Puts the parts together and tells each what the others did; what a segment and
a rule are, and every count, is for `explore`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets as w

from smskit.audience.explore import Counts
from smskit.notebook.panels.explore.compare import ComparePanel
from smskit.notebook.panels.explore.load import LoadPanel
from smskit.notebook.panels.explore.profile import ProfilePanel
from smskit.notebook.panels.explore.rules import RulesPanel
from smskit.notebook.panels.explore.save import SavePanel
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import html, soft, stale, tiles
from smskit.notebook.panels.table import TablePanel
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
        self.table = TablePanel(page, label="people")
        self.compare = ComparePanel(page, model)
        self.save = SavePanel(page, model)
        self._tab = _FILTER
        self._tiles, self._counting = html(""), html("")
        self.load.on_work = self.rules.on_work = self._mark
        page.follow(self._draft_changed)
        if model.loaded is None and (page.draft.frame is not None or page.draft["segment"]):
            self.reload()
        elif model.loaded is not None:
            self.rules.recount()

    def build(self) -> Sequence[w.Widget]:
        parts = {
            self.t("Look"): self.profile,
            self.t("Filter"): self.rules,
            self.t("People"): self.table,
            self.t("Compare"): self.compare,
            self.t("Save"): self.save,
        }
        for panel in (self.load, *parts.values()):
            panel.draw()
        tabs = w.Tab([panel.widget for panel in parts.values()], titles=list(parts), selected_index=self._tab)
        tabs.observe(lambda change: setattr(self, "_tab", change["new"]), "selected_index")
        self._tiles, self._counting = html(""), html("")
        self._show_tiles()
        self._mark()
        return [self.load.widget, self._counting, self._tiles, tabs]

    def _mark(self) -> None:
        """Dim figures that are not yet those of what is chosen; until they are, nothing is saved."""
        reading = self.load.is_at("load", "roles")
        counting = reading or self.rules.is_at("count")
        self._counting.value = soft(self.t("Counting …")) if counting else ""
        stale(counting, self._tiles)
        stale(reading, *(panel.widget for panel in (self.profile, self.rules, self.table, self.compare)))
        self.save.wait(counting)

    # -- one part tells the others ---------------------------------------------------------

    def reload(self) -> None:
        """Read the segment the draft names; the rule stays."""
        self.load.load()

    def _loaded(self) -> None:
        self.counts = None
        self.profile.draw()
        self.compare.draw()
        self.save.draw()
        self.rules.draw()
        self.rules.recount()

    def _counted(self, counts: Counts) -> None:
        self.counts = counts
        if self.model.loaded is not None:
            self.table.show(self.model.loaded.rows.keeping(counts.mask))
        self._show_tiles()
        self.profile.kept(counts.mask)
        self.save.kept(counts.kept)
        self.start("cells", self._cells, lambda _: None)

    def _show_tiles(self) -> None:
        loaded, counts = self.model.loaded, self.counts
        if loaded is None or counts is None or counts.rows != loaded.profile.rows:
            self._tiles.value = ""
            return
        figures = [
            (self.t("rows in the segment"), counts.rows, ""),
            (self.t("kept by the rules"), counts.kept, "ok" if counts.kept else "warn"),
        ]
        if loaded.profile.coverage:
            figures.append((self.t("valid phones among them"), loaded.profile.reached(counts.mask), "ok"))
        self._tiles.value = tiles(figures)

    def _draft_changed(self, names: frozenset[str]) -> None:
        """Somebody changed the parameters: a part of this panel, another one, or an opened file."""
        if names & {"segment", "segment_query", "sheet"} and not self.load.choosing:
            self.reload()
        if "rules" in names:
            self.rules.follow()
