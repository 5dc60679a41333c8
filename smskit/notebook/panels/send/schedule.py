"""``SchedulePanel``: when the campaign is to run by itself, its next runs, and the text a scheduler takes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date, datetime, time
from functools import partial
from html import escape
from pathlib import Path

import ipywidgets as w
import pandas as pd

from smskit.errors import SmskitError
from smskit.i18n import mark
from smskit.models import Mode
from smskit.notebook.host import Host
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.parameters import ParametersPanel
from smskit.notebook.panels.parts import card, details, field, frame_table, html, notice, row, title
from smskit.notebook.panels.send.base import SendPart
from smskit.notebook.send_model import SendModel
from smskit.planning.occurrence import FORMS
from smskit.planning.schedule import SCHEDULERS, Command, Schedule, text_for
from smskit.settings.places import project_root

__all__ = ["SchedulePanel"]

_DAYS = (mark("Mon"), mark("Tue"), mark("Wed"), mark("Thu"), mark("Fri"), mark("Sat"), mark("Sun"))


class SchedulePanel(SendPart):
    """
    Date or days of the week; smskit starts nothing by itself, a scheduler runs the saved parameters.

    Args:
        parameters: Where they are saved.
    """

    def __init__(self, page: Page, model: SendModel, parameters: ParametersPanel) -> None:
        super().__init__(page, model)
        self._parameters = parameters
        self.weekly, self.at = True, time(10, 0)
        self.on: date | None = None
        self.days: frozenset[int] = frozenset({1})
        self.scheduler = SCHEDULERS[0]
        self._when, self._occurrence, self._told = w.HBox(), w.HBox(), html("")
        page.follow(lambda _: self.show_plan())

    def build(self) -> Sequence[w.Widget]:
        t = self.t
        kind = w.ToggleButtons(options=[(t("every week"), True), (t("once"), False)], value=self.weekly)
        kind.style.button_width = "104px"
        kind.observe(self.attempt(lambda: self.choose(weekly=kind.value)), "value")
        at = w.TimePicker(value=self.at, description=t("Start"), layout=w.Layout(width="220px"))
        at.observe(self.attempt(lambda: self.choose(at=at.value)), "value")
        which = field(w.Dropdown, t("Text for"), options=list(SCHEDULERS), value=self.scheduler)
        which.observe(self.attempt(lambda: self.choose(scheduler=which.value)), "value")
        self._when, self._occurrence = row(), row()
        self._show_when()
        self.show_plan()
        is_code = [which] if self.page.host is not Host.VOILA else []
        hint = t("smskit starts nothing by itself: a scheduler runs the saved parameters.")
        return [
            card(
                title(t("Schedule"), hint), row(kind, at), self._when, self._occurrence, *is_code, self._told
            )
        ]

    # -- choosing --------------------------------------------------------------------------

    def choose(
        self,
        *,
        weekly: bool | None = None,
        at: time | None = None,
        on: date | None = None,
        days: frozenset[int] | None = None,
        scheduler: str | None = None,
    ) -> None:
        """Take what was chosen, and show what it comes to."""
        self.weekly = self.weekly if weekly is None else weekly
        self.at, self.on = at or self.at, on or self.on
        self.days = self.days if days is None else days
        self.scheduler = scheduler or self.scheduler
        if weekly is not None:
            self._show_when()
        self.show_plan()

    def repeat(self, form: str) -> None:
        """Give every run an id of its own."""
        self.page.draft.set(campaign=f"{self.page.draft['campaign']}-{{{form}}}")

    @property
    def schedule(self) -> Schedule | None:
        """What is chosen; None while a date or a day is missing."""
        zone = self.page.draft["timezone"]
        if self.weekly:
            return Schedule(self.at, zone, self.days) if self.days else None
        return Schedule(self.at, zone, on=self.on) if self.on else None

    # -- showing ---------------------------------------------------------------------------

    def _show_when(self) -> None:
        if self.weekly:
            self._when.children = [self._day(number, words) for number, words in enumerate(_DAYS, start=1)]
            return
        day = w.DatePicker(value=self.on, description=self.t("Date"), layout=w.Layout(width="260px"))
        day.observe(self.attempt(lambda: self.choose(on=day.value)), "value")
        self._when.children = [day]

    def _day(self, number: int, words: str) -> w.ToggleButton:
        made = w.ToggleButton(number in self.days, description=self.t(words), layout=w.Layout(width="56px"))
        made.observe(self.attempt(lambda: self.choose(days=self.days ^ {number})), "value")
        return made

    def show_plan(self) -> None:
        """Show the next runs and the text, of the parameters as they are now."""
        draft, schedule = self.page.draft, self.schedule
        repeats = any(f"{{{form}}}" in draft["campaign"] for form in FORMS)
        self._occurrence.children = (
            () if repeats or not self.weekly or not draft["campaign"] else self._forms()
        )
        if schedule is None:
            self._told.value = notice(self.t("Choose a date, or days of the week."))
            return
        try:
            runs = self._runs(schedule)
        except SmskitError as error:
            self._told.value = notice(self.t.error(error), "warn")
            return
        self._told.value = runs + self._text(schedule)

    def _forms(self) -> list[w.Widget]:
        t = self.t
        words = mark("Each run needs an id of its own; add what tells them apart:")
        made: list[w.Widget] = [html(f'<span class="smskit-soft">{escape(t(words))}</span>')]
        for form in FORMS:
            each = self.button(f"-{{{form}}}", partial(self.repeat, form))
            made.append(each)
        return made

    def _runs(self, schedule: Schedule) -> str:
        t, runs = self.t, self.model.coming(schedule)
        if not runs:
            return notice(t("That date is over."), "warn")
        heads = {
            "at": t("next runs ({zone})", zone=schedule.zone),
            "campaign": t("campaign"),
            "stopped": t("what would stop it"),
        }
        rows = [(self._at(r.at), r.campaign, t.render(r.stopped)) for r in runs]
        frame = pd.DataFrame(rows, columns=list(heads))
        told = frame_table(frame, headings=heads, label=t("Schedule"))
        if Mode(self.page.draft["mode"]) is not Mode.LIVE:
            told += notice(t("The mode is not live: these runs would send nobody a message."), "warn")
        return told

    def _at(self, at: datetime) -> str:
        return f"{at:%Y-%m-%d} {self.t(_DAYS[at.weekday()])} {at:%H:%M}"

    def _text(self, schedule: Schedule) -> str:
        t = self.t
        if self.page.host is Host.VOILA:
            return notice(t("Whoever keeps the server enters it there."))
        file = Path(self._parameters.path)
        folder = project_root(Path.cwd()) or Path.cwd()
        command = Command(str(Path(sys.executable).with_name("smskit")), str(folder), str(file))
        text = text_for(self.scheduler, schedule, command, name=self.page.draft["campaign"], t=t)
        unsaved = t("Save the parameters first: the scheduler runs {file}.", file=f"`{file}`")
        told = notice(unsaved, "warn") if self._parameters.is_unsaved else ""
        shown = f'<pre class="smskit-copy">{escape(text)}</pre>'
        return told + details(t("Text to copy"), shown, is_open=True)
