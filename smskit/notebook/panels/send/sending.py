"""``SendingPanel``: guards, confirmation, progress, hold, stop, resume; the ledger says how far it is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from html import escape
from typing import Any

import ipywidgets as w

from smskit.errors import GuardRefused, LedgerLocked
from smskit.i18n import mark
from smskit.ledger import CampaignRow
from smskit.models import Mode
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.parts import button, chip, field, html, notice, row, tiles, title
from smskit.notebook.panels.send.base import SendPart, card, soft
from smskit.notebook.send_model import Confirmation, SendDesk
from smskit.sending.background import Phase, Run, Snapshot

__all__ = ["SendingPanel"]

_TICK_S = 0.25  # Jupyter drops updates that come too fast
_WAIT_S = 1.0  # an hour long nothing changes
# What a click sets so that a run goes on that is refused or stopped, by parameter.
WAYS_ON = {
    "drift": mark("Send it all the same: set drift: allow"),
    "canary": mark("Go on without the canary: set canary: 0"),
}
PHASES = {
    Phase.NEW: (mark("not started"), ""),
    Phase.STARTING: (mark("being prepared"), "warn"),
    Phase.SENDING: (mark("sending"), "ok"),
    Phase.WAITING: (mark("waits"), "warn"),
    Phase.HELD: (mark("on hold"), "warn"),
    Phase.STOPPING: (mark("stopping"), "warn"),
    Phase.ELSEWHERE: (mark("another run is sending it"), "warn"),
    Phase.INTERRUPTED: (mark("interrupted"), "bad"),
    Phase.STOPPED: (mark("stopped, people still waiting"), "warn"),
    Phase.FINISHED: (mark("finished"), "ok"),
}


class SendingPanel(SendPart):
    """Sends on two deliberate acts, and shows a run wherever it is."""

    def __init__(self, page: Page, desk: SendDesk) -> None:
        super().__init__(page, desk)
        self.asked: Confirmation | None = None  # what is being confirmed
        self.seen = Snapshot(Phase.NEW)
        self._watching: Run | None = None
        self._offered: tuple[object, ...] | None = None  # what the buttons are for
        self._answered: BaseException | None = None  # the error a person has changed something after
        self._state, self._figures = html(""), html("")
        self._bar = w.FloatProgress(min=0, max=1, value=0, layout=w.Layout(width="100%"))
        self._others, self._act = w.VBox(), w.VBox()
        page.follow(self._changed)

    def build(self) -> Sequence[w.Widget]:
        self.refresh()
        return [card(title(self.t("Send")), self._others, self._state, self._bar, self._figures, self._act)]

    # -- showing ---------------------------------------------------------------------------

    def show_plan(self) -> None:
        """Show where the campaign is; a confirmation of an older plan is void."""
        plan = self.desk.planning.plan
        if (
            self.asked is not None
            and not self.asked.resumes
            and (plan is None or plan.hash != self.asked.plan_hash)
        ):
            self.asked = None
        self.refresh()

    def refresh(self) -> None:
        """Look into the ledger, and go on looking while somebody sends."""
        run = self.desk.run
        self.seen = Snapshot(Phase.NEW) if run is None else run.look()
        self._show()
        if run is not None and self.seen.phase.is_active and self._watching is not run:
            self._watching = run
            self.start("watch", lambda: self._watch(run), lambda _: None)

    def _watch(self, run: Run) -> None:
        """Follow *run* until its figures stand still."""
        try:
            while self._watching is run:
                time.sleep(_WAIT_S if self.seen.phase is Phase.WAITING else _TICK_S)
                seen = run.look()
                with self.page.turn:
                    before, self.seen = self.seen.phase, seen
                    if seen.phase is before:
                        self._show_figures()
                    else:
                        self._show()
                if not seen.phase.is_active:
                    if isinstance(seen.error, GuardRefused) and seen.row is None:
                        self.desk.plan_again()  # it found another plan, or another past, than is shown
                    return
        finally:
            if self._watching is run:
                self._watching = None
        # Another campaign was chosen meanwhile.

    def _show(self) -> None:
        self._show_others()
        self._show_figures()
        # Made anew only when there is something else to do: a person may be typing the number.
        offered = (self.t.code, self.seen.phase, self.asked, self.page.draft["mode"])
        if self.asked is None or self._offered != offered:
            self._act.children = tuple(self._actions())
        self._offered = offered

    def _show_figures(self) -> None:
        t, seen = self.t, self.seen
        words, kind = PHASES[seen.phase]
        plan = self.desk.planning.plan
        told = chip(t(words), kind) + " " + escape(self.page.draft.campaign)
        if seen.phase is Phase.ELSEWHERE and seen.owner is not None:
            told += soft(t("process {pid} on {host}", pid=seen.owner.pid, host=seen.owner.host))
        self._state.value = f"<p>{told}</p>{self._reason()}"
        books = seen.books
        self._bar.layout.display = "flex" if books else "none"
        if books is None:
            self._figures.value = self._cost_and_guards() if plan else self.plan_state()
            return
        self._bar.value = seen.done / max(books.planned, 1)
        self._bar.bar_style = "success" if seen.phase is Phase.FINISHED else "info"
        shown = tiles(
            [
                (t("planned"), books.planned, ""),
                (t("accepted"), books.accepted, "ok"),
                (t("waiting"), books.waiting + books.submitting, "warn" if books.waiting else ""),
                (t("refused"), books.refused, "bad" if books.refused else ""),
                (t("unknown"), books.unknown, "bad" if books.unknown else ""),
            ]
        )
        self._figures.value = shown + soft(self._speed(seen))

    def _reason(self) -> str:
        """What a run ended with, or what it waits for."""
        t, seen = self.t, self.seen
        error = None if seen.error is self._answered or isinstance(seen.error, LedgerLocked) else seen.error
        # The note of a run that stopped is the reason alone; its error also says what stands around it here.
        if error is not None and not (seen.note and seen.note in str(error)):
            return notice(t.error(error), "error")
        return notice(t.render(seen.note), "warn" if seen.phase.can_resume else "info")

    @property
    def _canary_is_open(self) -> bool:
        """Whether it is the canary that keeps the others from being sent to."""
        canary = self.seen.canary
        return canary is not None and canary.passed_at is None and bool(self.page.draft["canary"])

    def _speed(self, seen: Snapshot) -> str:
        t = self.t
        if seen.phase is Phase.WAITING:
            words = mark("Nobody else is sent to meanwhile. To go on at once: stop it, then set `canary: 0`.")
            return t(words) if self._canary_is_open else ""
        if seen.row is not None and not seen.phase.is_active:
            return t("plan hash {hash}", hash=seen.row.plan_hash)
        told = t("{rate:.1f} a second", rate=seen.rate)
        if seen.left_s is not None:
            minutes, seconds = divmod(round(seen.left_s), 60)
            told += " · " + t("about {m} min {s} s left", m=minutes, s=seconds)
        return told

    def _cost_and_guards(self) -> str:
        t, plan, now = self.t, self.desk.planning.plan, self.desk.planning.now
        assert plan is not None
        assert now is not None
        words = mark("{n:,} people, {parts:,} parts, about {cost} yuan. Plan hash: {hash}")
        told = soft(t(words, n=plan.planned, parts=plan.total_parts, cost=plan.cost, hash=plan.hash))
        refused = [f"{t('A run would be refused')}: {t.render(guard.text)}" for guard in now.guards]
        return told + "".join(notice(text, "error") for text in refused)

    def _show_others(self) -> None:
        made = []
        for seen in self.desk.unfinished():
            if seen.row is None:
                continue
            words = self.t("Open {name} ({mode})", name=seen.row.name, mode=str(seen.row.mode))
            open_ = button(words)
            open_.on_click(self.attempt(partial(self.take_over, seen.row)))
            told, kind = PHASES[seen.phase]
            made.append(row(open_, html(chip(self.t(told), kind))))
        head = [html(soft(self.t("Not finished yet:")))] if made else []
        self._others.children = (*head, *made)

    # -- acting ------------------------------------------------------------------------------

    def _actions(self) -> Sequence[w.Widget]:
        t, phase = self.t, self.seen.phase
        if Mode(self.page.draft["mode"]) is Mode.PLAN:
            return [html(soft(t("Mode plan: nothing is sent.")))]
        if phase.is_active:
            return [row(*self._while_sending(phase))]
        if self.asked is not None:
            return self._confirming(self.asked)
        again = button(t("Look again"))
        again.on_click(self.attempt(self.refresh))
        if phase is Phase.FINISHED:
            # What is unknown is settled in notebook 04; who was never taken then waits, and can be sent to.
            renew = button(t("Plan another campaign"))
            renew.on_click(self.attempt(self.renew))
            return [row(renew, again), html(soft(t("Receipts and failures are followed in notebook 04.")))]
        words = t("Go on…") if self.seen.row is not None else t("Send…")
        ask = button(words, style=self._style(), enabled=self._ready())
        ask.on_click(self.attempt(self.ask))
        return [row(ask, *self._ways_on(), again), *self._about_canary()]

    def _ways_on(self) -> list[w.Widget]:
        """A button for each parameter that would let go on what is refused or stopped."""
        ways = [("canary", 0.0)] if self.seen.phase.can_resume and self._canary_is_open else []
        if self.seen.row is None and self.desk.planning.plan is not None and self.desk.planning.now:
            ways += [guard.unless for guard in self.desk.planning.now.guards if guard.unless]
        made = []
        for name, value in ways:
            made.append(button(self.t(WAYS_ON[name])))
            made[-1].on_click(self.attempt(partial(self.let_go, name, value)))
        return made

    def _about_canary(self) -> list[w.Widget]:
        if not (self.seen.phase.can_resume and self._canary_is_open):
            return []
        t = self.t
        words = mark("“Go on…” looks at its receipts again; “{one}” and “{other}” can be raised before.")
        return [html(soft(t(words, one=t("Most failures"), other=t("Most opt-outs"))))]

    def _style(self) -> str:
        return "danger" if Mode(self.page.draft["mode"]) is Mode.LIVE else "primary"

    def _ready(self) -> bool:
        if self.seen.row is not None:
            return True
        now, plan = self.desk.planning.now, self.desk.planning.plan
        return plan is not None and bool(plan.planned) and now is not None and not now.guards

    def _while_sending(self, phase: Phase) -> Sequence[w.Widget]:
        t, made = self.t, []
        if phase is Phase.HELD:
            made.append(button(t("Go on"), style="primary"))
            made[-1].on_click(self.attempt(self.go_on))
        elif phase.is_here and phase is not Phase.WAITING:
            made.append(button(t("Pause"), tip=t("Sends nothing until you go on")))
            made[-1].on_click(self.attempt(self.hold))
        stop = button(t("Stop"), style="warning", enabled=phase is not Phase.STOPPING)
        stop.on_click(self.attempt(self.stop))
        return [*made, stop]

    def _confirming(self, asked: Confirmation) -> Sequence[w.Widget]:
        t, live = self.t, asked.mode is Mode.LIVE
        words = (
            t(
                "Send {n:,} real messages? About {cost} yuan. Plan hash: {hash}",
                n=asked.people,
                cost=asked.cost,
                hash=asked.plan_hash,
            )
            if live
            else t(
                "Rehearse with {n:,} people? Nobody gets a message. Plan hash: {hash}",
                n=asked.people,
                hash=asked.plan_hash,
            )
        )
        yes = button(t("Send now"), style=self._style(), enabled=False)
        no = button(t("Back"))
        if live:
            agreed = field(w.Text, t("Number of people"), value="", placeholder=t("type it to confirm"))
            agreed.observe(self.attempt(lambda: setattr(yes, "disabled", not agreed.value.strip())), "value")
        else:
            agreed = w.Checkbox(
                description=t("Yes, I have looked at the messages"), value=False, indent=False
            )
            agreed.observe(self.attempt(lambda: setattr(yes, "disabled", not agreed.value)), "value")
        yes.on_click(self.attempt(lambda: self.send(asked, str(agreed.value) if live else "")))
        no.on_click(self.attempt(self.back))
        words += self._canary(asked) + self._window(self.desk.open(self.page.draft.spec()).opens_at())
        # Below the question, so that a double click on what opened it hits neither.
        return [html(notice(words, "error" if live else "warn")), agreed, row(yes, no)]

    def _canary(self, asked: Confirmation) -> str:
        t, draft, canary = self.t, self.page.draft, self.seen.canary
        words = ""
        if asked.first:
            wait = draft["canary_wait"] if asked.mode is Mode.LIVE else "3s"
            words = t("First to {n:,} of them. After {wait} their receipts decide.", n=asked.first, wait=wait)
        elif self._canary_is_open:
            words = t("First the receipts of the canary are looked at; they decide.")
        elif canary is not None and canary.passed_at is None:
            words = t(
                "`canary: 0`: whatever became of the first {n:,}, the others are sent to.", n=canary.size
            )
        return f"\n{words}" if words else ""

    def _window(self, opens: datetime | None) -> str:
        if opens is None:
            return ""
        waits = self.page.draft["outside_window"] == "wait"
        words = (
            self.t("The send window is closed: the run would wait until {at}.", at=f"{opens:%m-%d %H:%M}")
            if waits
            else self.t(
                "The send window is closed until {at}: the run would be refused.", at=f"{opens:%m-%d %H:%M}"
            )
        )
        return "\n" + words

    def ask(self) -> None:
        """First act: say what would be sent; a second click on it changes nothing."""
        if self.asked is not None:
            return
        self.asked = self.desk.confirmation()
        self.tell("")
        self._show()

    def back(self) -> None:
        """Not now."""
        self.asked = None
        self.tell("")
        self._show()

    def send(self, asked: Confirmation, typed: str = "") -> None:
        """Second act: send it. Called twice, it is sent once."""
        if self.asked is not asked:
            return  # the second click of two
        self.desk.send(asked, typed=typed)
        self.asked = None
        self.tell("")
        self.refresh()

    def let_go(self, parameter: str, value: Any) -> None:
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

    def hold(self) -> None:
        """Send nothing until ``go_on``."""
        if self.desk.run is not None:
            self.desk.run.hold()
            self.refresh()

    def go_on(self) -> None:
        """End a hold."""
        if self.desk.run is not None:
            self.desk.run.go_on()
            self.refresh()

    def stop(self) -> None:
        """End the run, here or elsewhere; the others stay waiting."""
        if self.desk.run is not None:
            self.desk.run.stop()
            self.refresh()

    def renew(self) -> None:
        """The same campaign again, under an id of its own."""
        name = self.desk.rename()
        self.tell(lambda t: t("The next one is called {name}.", name=name))

    def take_over(self, started: CampaignRow) -> None:
        """Show another campaign that is not finished."""
        self.asked = None
        self.desk.take_over(started)
        self.refresh()
