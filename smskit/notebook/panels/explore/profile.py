"""What a segment holds: its columns, whom its phones reach, how a column's values are spread."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as w

from smskit.audience.explore import Profile
from smskit.audience.explore.profile import Distribution, distribution
from smskit.audience.explore.tables import profile_table
from smskit.audience.rules.typed import Mask
from smskit.i18n import Language
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import frame_table, html, soft, soft_line, tiles, title
from smskit.notebook.segment_model import SegmentModel
from smskit.reporting.charts import explore as charts

__all__ = ["ProfilePanel"]


class ProfilePanel(Panel):
    """A segment at a glance, and one column drawn."""

    def __init__(self, page: Page, model: SegmentModel) -> None:
        super().__init__(page)
        self.model = model
        self.column = ""
        self._mask: Mask | None = None
        self._picture = html("")

    def build(self) -> Sequence[w.Widget]:
        loaded = self.model.loaded
        if loaded is None:
            return [soft_line(self.t("Load a segment first."))]
        profile = loaded.profile
        return [
            title(self.t("Columns of the segment"), self.t("All rows, read the way a rule reads them.")),
            html(frame_table(profile_table(profile, self.t), label=self.t("Columns of the segment"))),
            *self._phones(profile),
            *self._spread(profile),
        ]

    def _phones(self, profile: Profile) -> list[w.Widget]:
        if not profile.coverage or not profile.rows:
            return []
        kinds = {"valid": "ok", "duplicate_phone": "", "no_phone": "warn", "bad_phone": "bad"}
        figures = [
            (self.t(charts.PHONES[kind][0]), n, kinds.get(kind, "")) for kind, n in profile.coverage.items()
        ]
        picture = charts.coverage(profile.coverage, self.t)
        return [title(self.t("Phones")), html(tiles(figures)), html(picture)]

    def _spread(self, profile: Profile) -> list[w.Widget]:
        names = [c.name for c in profile.columns.values() if not c.is_phone and c.reading is not None]
        if not names or not profile.rows:
            return []
        if self.column not in names:
            few = [n for n in names if 1 < profile.columns[n].distinct <= 12]
            self.column = (few or names)[0]
        chosen = self.field(w.Dropdown, self.t("Column"), self._draw_column, options=names, value=self.column)
        self._picture = html("")
        self._draw_column(self.column)
        return [title(self.t("Distribution")), chosen, self._picture]

    def kept(self, mask: Mask) -> None:
        """Show which rows the rules keep, too."""
        self._mask = mask
        if self.column:
            self._draw_column(self.column)

    def _draw_column(self, column: str) -> None:
        self.column = column
        loaded, mask, t = self.model.loaded, self._mask, self.t
        if loaded is None or column not in loaded.profile.columns:
            return
        keep = mask if mask is not None and len(mask) == loaded.profile.rows else None
        profile = loaded.profile.columns[column]
        self.start(
            "picture",
            lambda: drawn(distribution(loaded.frame, loaded.cache, profile, keep), t),
            lambda picture: setattr(self._picture, "value", picture),
        )


def drawn(found: Distribution | None, t: Language) -> str:
    """A distribution as a picture and a line about what has no bar."""
    if found is None or not len(found.bars):
        return soft(t("This column has no values to draw."))
    picture = charts.distribution(found, t)
    rest = t("{others:,} rows with other values, {empty:,} empty", others=found.others, empty=found.empty)
    return f'{picture}<p class="smskit-soft">{rest}</p>'
