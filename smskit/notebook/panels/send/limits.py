"""``LimitsPanel``: how much may be sent, and the folded rest of the rules for sending."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as w

from smskit.notebook.panels.fold import Fold
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.parts import card, title
from smskit.notebook.panels.send.base import SendPart
from smskit.notebook.panels.send.fields import Fields
from smskit.notebook.panels.send.form import LIMITS, RULES, Kind
from smskit.notebook.send_model import SendModel

__all__ = ["LimitsPanel"]


class LimitsPanel(SendPart):
    """What stops a plan or a run, and whom, when and in which order it serves."""

    def __init__(self, page: Page, model: SendModel) -> None:
        super().__init__(page, model)
        self.fields = Fields(self, changed=self._show_title)
        self.fold = Fold("", w.VBox())

    def build(self) -> Sequence[w.Widget]:
        t = self.t
        groups = [w.VBox([title(t(words)), *self.fields.make(abouts)]) for words, abouts in RULES.items()]
        rules = w.VBox(groups, layout=w.Layout(grid_gap="12px"))
        self.fold = Fold("", rules, is_open=self.fold.is_open)
        limits = w.VBox(self.fields.make(LIMITS))
        self._show_title()
        self.show_columns()
        return [
            card(
                title(t("Limits"), t("A larger plan stops before the first message.")),
                limits,
                self.fold.widget,
            )
        ]

    def show_columns(self) -> None:
        """Offer the segment's columns, as far as they have been read."""
        for field in self.fields.made.values():
            if field.about.kind is Kind.COLUMN:
                field.input.options = tuple(self.model.known_columns.lacking)

    def _show_title(self) -> None:
        folded = [about.name for abouts in RULES.values() for about in abouts]
        fields = [self.fields.made[name] for name in folded]
        # Columns are recognised by themselves: nobody has changed anything there.
        n = sum(field.is_set for field in fields if field.about.kind is not Kind.COLUMN)
        self.fold.head.description = (
            self.t("Rules for sending ({n} changed)", n=n) if n else self.t("Rules for sending")
        )
