"""The effect panel as a whole: what is asked above, what was measured below, a section each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

import ipywidgets as w

from smskit.i18n import mark
from smskit.measuring.compared import Compared
from smskit.measuring.result import Coded, Measured
from smskit.measuring.sections import Section, Sections, arms_section
from smskit.measuring.side_by_side import sections_of
from smskit.notebook.host import Host
from smskit.notebook.measurer import ASKED, Measurer
from smskit.notebook.panels.effect.asking import AskingPanel
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import (
    card,
    details,
    frame_table,
    html,
    names,
    notice,
    row,
    soft,
    stale,
    title,
)
from smskit.notebook.panels.pressable import Pressable

__all__ = ["EffectPanel"]

_LONG: Final = 12  # lines of a table that is folded away
_BANNER: Final = {
    "live": mark("Live: what the campaign brought"),
    "rehearse": mark("Rehearsal: an A/A test on your own data; nobody was messaged, so the effect is none"),
}
_ARMS: Final = {
    "live": mark("Live: the arms of an experiment"),
    "rehearse": mark("Rehearsal: nobody was messaged, so the arms differ by chance alone"),
}


class EffectPanel(Panel):
    """
    A campaign measured.

    Args:
        measurer: The same object serves plain cells.
    """

    def __init__(self, page: Page, measurer: Measurer) -> None:
        super().__init__(page)
        self.measurer = measurer
        self.compared: Compared | None = None  # shown in place of one campaign's effect
        self.asking = AskingPanel(
            page, measurer, measure=self.measure, chosen=self._another, compare=self.compare
        )
        self._result = w.VBox()
        self.saving = Pressable()  # shows nothing; the browser saves what it is given
        if measurer.is_ready:
            self.measure()

    def build(self) -> Sequence[w.Widget]:
        self._result = w.VBox()
        if self.measurer.ledger is None or not self.measurer.campaigns():
            nothing = "There is no campaign yet. Rehearse one in notebook 03; nobody is messaged by that."
            return [card(title(self.t("Measure the effect")), html(soft(self.t(nothing))))]
        self.asking.draw()
        self._show()
        return [self.asking.widget, self._result]

    # -- measuring ------------------------------------------------------------------------

    def _another(self) -> None:
        self.measurer.seen = self.compared = None
        self.tell("")
        self._show()

    def measure(self) -> None:
        """Measure anew, in the background."""
        if not self.measurer.is_ready:
            self.asking.tell(lambda t: t("Choose a table, and what its columns are, first."), "warn")
            return
        self.asking.tell(lambda t: t("Measuring …"))
        stale(True, self._result)
        self.start("measure", self.measurer.again, self._measured)

    def compare(self) -> None:
        """Put the arms of the campaign's experiment side by side, in the background."""
        self.asking.tell(lambda t: t("Measuring …"))
        stale(True, self._result)
        self.start("measure", lambda: self.measurer.compare(()), self._compared)

    def complain(self, error: BaseException) -> None:
        stale(False, self._result)
        self.asking.tell("")
        super().complain(error)

    def _measured(self, _: Measured) -> None:
        self.compared = None
        self._done()

    def _compared(self, found: Compared) -> None:
        self.compared = found
        self._done()

    def _done(self) -> None:
        self.asking.tell("")
        self.tell("")
        stale(False, self._result)
        self._show()

    # -- showing --------------------------------------------------------------------------

    def _show(self) -> None:
        if self.compared is not None:
            self._result.children = self._side_by_side(self.compared)
            return
        found = self.measurer.seen
        if found is None or self.measurer.row is None or found.campaign != self.measurer.row.name:
            self._result.children = self._before()
            return
        shown = [self._section(section) for section in Sections(found)]
        self._result.children = [
            self._banner(found.mode, _BANNER),
            *self._refused(found.refused),
            *shown,
            *self._below(found),
        ]

    def _side_by_side(self, found: Compared) -> list[w.Widget]:
        shown = [self._section(section) for section in sections_of(found)]
        return [self._banner(found.mode, _ARMS), *self._refused(found.refused), *shown]

    def _banner(self, mode: str, words: Mapping[str, str]) -> w.Widget:
        return html(f'<div class="smskit-mode {mode}">{escape(self.t(words[mode]))}</div>')

    def _before(self) -> list[w.Widget]:
        """What is known without a table: the arms."""
        if self.measurer.row is None:
            return []
        arms, srm = self.measurer.arms()
        if not arms["holdout"].people:
            words = self.t(
                "This campaign kept nobody back, so nothing can be compared; `holdout` in 03 does."
            )
            return [html(notice(words, "warn"))]
        return [self._section(arms_section(arms, srm))]

    def _refused(self, refused: Coded | None) -> list[w.Widget]:
        return [html(notice(self.t.render(refused.text), "error"))] if refused else []

    def _section(self, section: Section) -> w.Widget:
        t = self.t
        said = [f"<h3>{escape(t(section.title))}</h3>"]
        said += [f"<p>{names(t.render(sentence))}</p>" for sentence in section.sentences]
        said += [f"<div>{draw(t)}</div>" for draw in section.pictures]
        if section.table is not None:
            table = section.table(t)
            made = frame_table(table, label=t(section.title), figures=table.columns[1:])
            said.append(details(t("As a table"), made) if len(table) > _LONG else made)
        return card(html("".join(said), css="smskit-section"))

    def _below(self, found: Measured) -> list[w.Widget]:
        report = self.button(self.t("Download the report"), self._report)
        made: list[w.Widget] = [row(report, self.saving)]
        if self.page.host is not Host.VOILA:
            given = {name: value for name, value in self.measurer.asked.items() if value != ASKED[name]}
            told = {"campaign": found.campaign, "mode": found.mode, **given}
            text = "\n".join(f"{name} = {value!r}" for name, value in told.items())
            pasted = f"<pre>{escape(text)}</pre>"
            made.append(html(details(self.t("These choices as parameters of this notebook"), pasted)))
        return made

    def _report(self) -> None:
        t = self.t
        self.start("report", lambda: self.measurer.report(t), self._made)

    def _made(self, made: tuple[str, str]) -> None:
        name, text = made
        self.saving.save(name, text.encode(), "application/octet-stream")
        self.tell(lambda t: t("{name} is saved by your browser", name=name), "ok")
