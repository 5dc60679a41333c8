"""The effect panel as a whole: what is asked above, what was measured below, a section each."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

import ipywidgets as w

from smskit.i18n import mark
from smskit.measuring.result import Measured
from smskit.measuring.sections import Section, Sections, arms_section
from smskit.notebook.host import Host
from smskit.notebook.measurer import ASKED, Measurer
from smskit.notebook.panels.effect.asking import AskingPanel
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import (
    button,
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


class EffectPanel(Panel):
    """
    A campaign measured.

    Args:
        measurer: The same object serves plain cells.
    """

    def __init__(self, page: Page, measurer: Measurer) -> None:
        super().__init__(page)
        self.measurer = measurer
        self.asking = AskingPanel(page, measurer, self.measure, self._another)
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
        self.measurer.seen = None
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

    def complain(self, error: BaseException) -> None:
        stale(False, self._result)
        self.asking.tell("")
        super().complain(error)

    def _measured(self, _: Measured) -> None:
        self.asking.tell("")
        self.tell("")
        stale(False, self._result)
        self._show()

    # -- showing --------------------------------------------------------------------------

    def _show(self) -> None:
        found = self.measurer.seen
        if found is None or self.measurer.row is None or found.campaign != self.measurer.row.name:
            self._result.children = self._before()
            return
        banner = html(f'<div class="smskit-mode {found.mode}">{escape(self.t(_BANNER[found.mode]))}</div>')
        shown = [self._section(section) for section in Sections(found)]
        self._result.children = [banner, *self._refused(found), *shown, *self._below(found)]

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

    def _refused(self, found: Measured) -> list[w.Widget]:
        return [html(notice(self.t.render(found.refused.text), "error"))] if found.refused else []

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
        report = button(self.t("Download the report"))
        report.on_click(self.attempt(self._report))
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
