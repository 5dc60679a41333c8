"""``SendingPanel``: confirmation, progress, pause, stop, resume; the ledger says how far a run is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import ipywidgets as w

from smskit.errors import GuardRefused
from smskit.i18n import Message, mark
from smskit.ledger import CampaignRow
from smskit.models import Mode
from smskit.notebook.confirming import Approval, Confirmation
from smskit.notebook.handover import TRACK, Wanted
from smskit.notebook.host import Host
from smskit.notebook.panels.doorway import doorway
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.parameters import ParametersPanel
from smskit.notebook.panels.parts import button, card, chip, field, html, notice, row, soft_line, title
from smskit.notebook.panels.send.base import SendPart
from smskit.notebook.panels.send.run_card import PHASES, Button, Card, Question, Situation, view
from smskit.notebook.send_model import SendModel
from smskit.reporting.delivery import MODES
from smskit.sending.background import Phase, Run, Snapshot
from smskit.sending.receipts import Fetched
from smskit.workspace import Workspace

__all__ = ["RunWatcher", "SendingPanel"]

_TICK_S = 0.25  # Jupyter drops updates that come too fast
_WAIT_S = 1.0  # an hour long nothing changes


class RunWatcher:
    """
    Looks at a run again and again until its figures stand still.

    Args:
        start: Does the work in the background.
        show: Called from there with what was seen.
    """

    def __init__(self, start: Callable[[Callable[[], None]], None], show: Callable[[Snapshot], None]) -> None:
        self._start, self._show = start, show
        self._run: Run | None = None

    def watch(self, run: Run) -> None:
        """Watch *run*, and no other any more; nothing where that is so already."""
        if self._run is not run:
            self._run = run
            self._start(partial(self._follow, run))

    def _follow(self, run: Run) -> None:
        phase = Phase.STARTING
        try:
            while self._run is run and phase.is_active:
                time.sleep(_WAIT_S if phase is Phase.WAITING else _TICK_S)
                seen = run.look()
                phase = seen.phase
                self._show(seen)
        finally:
            if self._run is run:
                self._run = None


class SendingPanel(SendPart):
    """
    Sends on two deliberate acts, rehearses on one, and shows a run wherever it is.

    Args:
        parameters: Where what is sent can be saved, too.
    """

    def __init__(self, page: Page, model: SendModel, parameters: ParametersPanel) -> None:
        super().__init__(page, model)
        self._parameters = parameters
        self.asked: Confirmation | None = None  # what is being confirmed
        self.seen = Snapshot(Phase.NEW)
        self._opens: datetime | None = None  # when the send window of that one opens
        self._answered: BaseException | None = None  # the error a person has changed something after
        self._offered: tuple[object, ...] = ()  # what the buttons were made from
        self._sent: CampaignRow | None = None  # the last that was finished here
        self._state, self._figures = html(""), html("")
        self._bar = w.FloatProgress(min=0, max=1, value=0, layout=w.Layout(width="100%"))
        self._others, self._act = w.VBox(), w.VBox()
        self._watcher = RunWatcher(lambda work: self.start("watch", work, lambda _: None), self._watched)
        page.follow(self._changed)

    def build(self) -> Sequence[w.Widget]:
        self.refresh()
        return [card(title(self.t("Send")), self._others, self._state, self._bar, self._figures, self._act)]

    # -- showing ---------------------------------------------------------------------------

    def show_plan(self) -> None:
        """Show where the campaign is; a confirmation of an older plan is void."""
        plan, asked = self.model.planning.plan, self.asked
        if asked and not asked.resumes and (plan is None or plan.hash != asked.plan_hash):
            self.asked = None
        self.refresh()

    def refresh(self) -> None:
        """Look into the ledger, and go on looking while somebody sends."""
        run = self.model.run
        self.seen = Snapshot(Phase.NEW) if run is None else run.look()
        self._show()
        if run is not None and self.seen.phase.is_active:
            self._watcher.watch(run)

    def _watched(self, seen: Snapshot) -> None:
        with self.page.turn:
            before, self.seen = self.seen, seen
            if seen.phase is before.phase:
                self._show_figures(self._view())
            else:
                self._show()
        if not seen.phase.is_active and isinstance(seen.error, GuardRefused) and seen.row is None:
            self.model.plan_again()  # it found another plan, or another past, than is shown

    def _view(self) -> Card:
        draft, planning = self.page.draft, self.model.planning
        situation = Situation(
            draft,
            planning,
            self.seen,
            self.asked,
            self._opens,
            self._answered,
            self.model.approval,
            served=self.page.host is Host.VOILA,
            joinable=self.page.host is not Host.VOILA and self.model.may_join(self.seen),
        )
        return view(situation, self.t)

    def _show(self) -> None:
        made = self._view()
        self._show_others()
        self._show_figures(made)
        offered = (self.t.code, self.seen.phase, self.asked, self.page.draft["mode"])
        # Made anew only when there is something else to do: a person may be typing the number.
        if self.asked is None or self._offered != offered:
            self._act.children = self._actions(made)
        self._offered = offered

    def _show_figures(self, made: Card) -> None:
        self._state.value, self._figures.value = made.state, made.figures
        self._bar.layout.display = "none" if made.done is None else "flex"
        self._bar.value = made.done or 0.0
        self._bar.bar_style = "success" if self.seen.phase is Phase.FINISHED else "info"

    def _show_others(self) -> None:
        rows = []
        for seen in self.model.unfinished():
            if seen.row is not None:
                mode = self.t(MODES[seen.row.mode])
                words = self.t("Open {name} ({mode})", name=seen.row.name, mode=mode)
                open_ = self._button(Button("take_over", words, arguments=(seen.row,)))
                phase, kind = PHASES[seen.phase]
                rows.append(row(open_, html(chip(self.t(phase), kind))))
        head = [soft_line(self.t("Not finished yet:"))] if rows else []
        self._others.children = (*head, *rows)

    # -- acting ------------------------------------------------------------------------------

    def _button(self, about: Button) -> w.Button:
        made = self._named(about)
        made.on_click(self.attempt(partial(getattr(self, about.method), *about.arguments)))
        return made

    def _named(self, about: Button) -> w.Button:
        made = button(about.label, style=about.style, enabled=about.enabled, tip=about.tip)
        self.only_for(about.may, made)
        made.add_class(f"smskit-do-{about.method}")  # its words change with the number of people
        return made

    def _actions(self, made: Card) -> Sequence[w.Widget]:
        buttons = [self._button(about) for about in made.buttons]
        if made.question is not None and self.asked is not None:
            # Below the question, so that a double click on what opened it hits neither.
            *asking, yes = self._asking(made.question, self.asked)
            return [*asking, row(yes, *buttons)]
        here = Workspace.here()
        notes = [*made.notes]
        if here.limit is not None and not all(here.may.includes(about.may) for about in made.buttons):
            notes.append(notice(self.t.render(here.limit)))
        return [*(row(*each) for each in (buttons, self._ways()) if each), *map(html, notes)]

    def _ways(self) -> list[w.Widget]:
        """To notebook 04, of what was sent here, also once the next campaign is being planned."""
        if self.seen.phase is Phase.FINISHED and self.seen.row is not None:
            self._sent = self.seen.row
            return [doorway(self, TRACK, Wanted.of(self._sent), self.t("See delivery →"), style="primary")]
        if self._sent is None or self._sent.name == self.page.draft["campaign"]:
            return []
        text = self.t("See delivery of {campaign} →", campaign=self._sent.name)
        return [doorway(self, TRACK, Wanted.of(self._sent), text)]

    def _asking(self, question: Question, asked: Confirmation) -> list[w.Widget]:
        """The question, what has to be typed or ticked, and the button that can be clicked then."""
        yes = self._named(question.yes)
        number = field(w.Text, self.t("Number of people"), placeholder=self.t("type it to confirm"))
        saving = [self._also_save()] if self._parameters.is_unsaved else []
        more = [w.Checkbox(description=question.also, value=False, indent=False)] if question.also else []

        def look() -> None:
            yes.disabled = not (number.value.strip() and all(tick.value for tick in more))

        for each in (number, *more):
            each.observe(self.attempt(look), "value")

        def go() -> None:
            self.send(asked, number.value, save=any(tick.value for tick in saving))

        yes.on_click(self.attempt(go))
        return [html(question.text), *more, *saving, number, yes]

    def _also_save(self) -> w.Checkbox:
        words = self.t("Save the parameters to {path}, too", path=self._parameters.path)
        # What is sent live is what a scheduler should send tomorrow.
        made = w.Checkbox(True, description=words, indent=False)
        made.layout.width = "auto"
        return made

    def rehearse(self) -> None:
        """Send to the simulator at once: nobody gets a message. Clicked twice it is rehearsed once."""
        if self.seen.phase in (Phase.NEW, Phase.INTERRUPTED, Phase.STOPPED):
            self.model.send(self.model.confirmation())
            self.tell("")
            self.refresh()

    def settle(self) -> None:
        """Ask the provider what became of those that are unknown."""
        self.tell(lambda t: t("Asking the provider…"))
        self.start("settle", self.model.settle, self._settled)

    def _settled(self, fetched: Fetched) -> None:
        self.refresh()
        told = [*fetched.settled.problems]
        if fetched.unknown:
            told.append(Message("{n} are still unknown; 04 tells what else settles them", n=fetched.unknown))
        self.tell(lambda t: "\n".join(map(t.render, told)), "warn")

    def ask(self) -> None:
        """First act: say what would be sent; a second click on it changes nothing."""
        if self.asked is None:
            self._ask(self.model.confirmation())

    def back(self) -> None:
        """Not now."""
        self._ask(None)

    def _ask(self, confirmation: Confirmation | None) -> None:
        self.asked = confirmation
        self._opens = self.model.open(self.page.draft.spec()).run.opens_at() if confirmation else None
        self.tell("")
        self._show()

    def send(self, asked: Confirmation, typed: str = "", *, save: bool = False) -> None:
        """Second act: send it, with *save* after the parameters were saved. Called twice, it is sent once."""
        if self.asked is not asked:
            return  # the second click of two
        asked.demand(typed)
        if save:
            self._parameters.save()
        self.model.send(asked, typed=typed)
        self.asked = None
        self.tell("")
        self.refresh()

    def ask_approval(self, wanted: Approval) -> None:
        """Keep what it is about, and let somebody else say yes to it; nothing is sent by that."""
        if self._parameters.is_unsaved:
            self._parameters.save()
        self.model.ask_approval(wanted)
        if self.page.host is Host.VOILA:  # whose visitors have no command line
            words = mark("Somebody else finds it on the first page now, looks at it and approves it.")
        else:
            words = mark("Somebody else finds it in 00 now and approves it in 03, or by {command}")
        command = f"`smskit approve {wanted.campaign} {wanted.plan_hash}`"
        self.tell(lambda t: t(words, command=command), "ok")
        self._show()

    def approve(self, wanted: Approval) -> None:
        """Say yes to the plan that is shown; nothing is sent by that."""
        self.model.approve(wanted)
        self.tell(
            lambda t: t("Plan {hash} is approved. Nothing was sent by that.", hash=wanted.plan_hash), "ok"
        )
        self._show()

    def override(self, parameter: str, value: Any) -> None:
        """Set the parameter that lets go on what is refused or stopped; nothing is sent by that."""
        self.page.draft.set(**{parameter: value})
        way = f"{parameter}: {value:g}" if isinstance(value, float) else f"{parameter}: {value}"
        self.tell(
            lambda t: t("`{way}` is set, in the parameters too. Nothing was sent by that.", way=way), "ok"
        )
        self._show()

    def _changed(self, names: frozenset[str]) -> None:
        self._answered = self.seen.error
        if self.asked is not None and names - {"test_phones"}:
            # What was asked about may be another thing now, a canary for everybody at once.
            self.back()

    def join(self) -> None:
        """Send, too, what another run is sending."""
        self.model.join()
        self.tell("")
        self.refresh()

    def hold(self) -> None:
        """Send nothing until ``go_on``."""
        self._do(Run.pause)

    def go_on(self) -> None:
        """End a hold."""
        self._do(Run.unpause)

    def stop(self) -> None:
        """End the run, here or elsewhere; the others stay waiting."""
        self._do(Run.stop)

    def _do(self, act: Callable[[Run], None]) -> None:
        if self.model.run is not None:
            Workspace.here().demand_mode(Mode(self.page.draft["mode"]))
            act(self.model.run)
            self.refresh()

    def renew(self) -> None:
        """The same campaign again, under an id of its own."""
        name = self.model.rename()
        self.tell(lambda t: t("The next one is called {name}.", name=name))

    def take_over(self, started: CampaignRow) -> None:
        """Show another campaign that is not finished."""
        self.asked = None
        self.model.take_over(started)
        self.refresh()
