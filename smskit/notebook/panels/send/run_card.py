"""
``view``: what the card “Send” shows and offers, from a run and the parameters as they are. Pure, no widget.

`SendingPanel` makes widgets of it; what a button does is the name of one of that panel's methods.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any, NamedTuple

from smskit.errors import LedgerLocked
from smskit.i18n import Language, mark
from smskit.i18n.figures import money
from smskit.ledger import Tally
from smskit.models import Mode
from smskit.notebook.confirming import Approval, Confirmation
from smskit.notebook.panels.marks import badge
from smskit.notebook.panels.parts import chip, notice, soft, tiles
from smskit.notebook.panels.send.base import plan_state
from smskit.notebook.planner import Planning
from smskit.planning.draft import Draft
from smskit.planning.policy import UNASKED
from smskit.reporting.audit import approval_in_words
from smskit.sending.background import Phase, Snapshot
from smskit.workspace import May, may_send_in

__all__ = ["PHASES", "Button", "Card", "Question", "Situation", "view"]

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
# What lets a run go on that is refused or stopped, by the parameter that a click sets.
_OVERRIDES = {
    "drift": mark("Send it all the same: set drift: allow"),
    "canary": mark("Go on without the canary: set canary: 0"),
}
_SUMMARY = mark("{n:,} people, {parts:,} parts, about {cost}. Plan hash: {hash}")


@dataclass(frozen=True)
class Situation:
    """
    Everything the card depends on.

    Args:
        asked: What is being confirmed.
        opens: When the send window of the campaign that is confirmed opens; None where it is open.
        approval: What stands of a second person's yes; None where none is needed.
        answered: An error after which a person has changed something, so that it is not shown any more.
        served: The app sends in a process of its own, which is no matter of its visitors.
        joinable: This notebook may send, too, beside the other run.
    """

    draft: Draft
    planning: Planning
    seen: Snapshot
    asked: Confirmation | None = None
    opens: datetime | None = None
    answered: BaseException | None = None
    approval: Approval | None = None
    served: bool = False
    joinable: bool = False

    @property
    def mode(self) -> Mode:
        """The mode that is chosen now."""
        return Mode(self.draft["mode"])

    @property
    def canary_is_open(self) -> bool:
        """Whether it is the canary that keeps the others from being sent to."""
        canary = self.seen.canary
        return canary is not None and canary.passed_at is None and bool(self.draft["canary"])

    @property
    def can_send(self) -> bool:
        """Whether there is somebody to send to, and no guard against it."""
        if self.approval is not None and self.approval.lacks:
            return False
        if self.seen.row is not None:
            return True
        now, plan = self.planning.now, self.planning.plan
        return plan is not None and bool(plan.planned) and now is not None and not now.guards


class Button(NamedTuple):
    """A button: the method it calls, with what arguments, and how it looks."""

    method: str
    label: str
    style: str = ""
    enabled: bool = True
    tip: str = ""
    arguments: tuple[Any, ...] = ()
    may: May = May.LOOK  # what it takes to press it


class Question(NamedTuple):
    """What a person is asked before anything is really sent; the number of people is typed as the answer."""

    text: str  # HTML
    yes: Button
    also: str = ""  # label of a second box to be ticked, where something has to be agreed to by itself


class Card(NamedTuple):
    """What is shown; *state*, *figures* and *notes* are HTML."""

    state: str
    figures: str
    done: float | None = None  # a share, None where nothing has begun
    question: Question | None = None
    buttons: tuple[Button, ...] = ()
    notes: tuple[str, ...] = ()


def view(s: Situation, t: Language) -> Card:
    """What to show of *s*."""
    tally = s.seen.books
    done = None if tally is None else s.seen.done / max(tally.planned, 1)
    return Card(_state(s, t), _figures(s, t), done, *_actions(s, t))


# -- where it is ---------------------------------------------------------------------------


def _state(s: Situation, t: Language) -> str:
    elsewhere = s.seen.phase is Phase.ELSEWHERE
    words, kind = PHASES[Phase.SENDING if elsewhere and s.served else s.seen.phase]
    line = " ".join([badge(s.mode, t), chip(t(words), kind), escape(s.draft.campaign)])
    owner = s.seen.owner
    if elsewhere and not s.served and owner is not None:
        line += soft(t("process {pid} on {host}", pid=owner.pid, host=owner.host))
    return f"<p>{line}</p>{_reason(s, t)}"


def _reason(s: Situation, t: Language) -> str:
    """What a run ended with, or what it waits for."""
    seen = s.seen
    if seen.phase is Phase.FINISHED and seen.books is not None:
        return _result(s, seen.books, t)
    error = None if seen.error is s.answered or isinstance(seen.error, LedgerLocked) else seen.error
    # The note of a run that stopped is the reason alone; its error also says what stands around it here.
    if error is not None and not (seen.note and seen.note in str(error)):
        return notice(t.error(error), "error")
    return notice(t.render(seen.note), "warn" if seen.phase.can_resume else "info")


def _result(s: Situation, tally: Tally, t: Language) -> str:
    """What a finished run came to, in one sentence for a rehearsal and another one for real messages."""
    words = (
        mark("Rehearsed: {n:,} of {planned:,} accepted by the simulator. Nobody got a message.")
        if s.mode is Mode.REHEARSE
        else mark("Sent: {n:,} of {planned:,} accepted by the provider. Receipts tell who got it.")
    )
    told = notice(t(words, n=tally.accepted, planned=tally.planned), "ok")
    if tally.unknown:
        words = mark("{n:,} are unknown: they may have arrived, and are not sent again by themselves.")
        told += notice(t(words, n=tally.unknown), "warn")
    return told if tally.unknown else told + notice(t.render(s.seen.note))


def _figures(s: Situation, t: Language) -> str:
    tally = s.seen.books
    if tally is None:
        return _cost_and_guards(s, t) or plan_state(s.planning, t)
    figures = tiles(
        [
            (t("planned"), tally.planned, ""),
            (t("accepted"), tally.accepted, "ok"),
            (t("waiting"), tally.waiting + tally.submitting, "warn" if tally.waiting else ""),
            (t("refused"), tally.refused, "bad" if tally.refused else ""),
            (t("unknown"), tally.unknown, "bad" if tally.unknown else ""),
        ]
    )
    return figures + soft(_speed(s, t))


def _speed(s: Situation, t: Language) -> str:
    seen = s.seen
    if seen.phase is Phase.WAITING:
        words = mark("Nobody else is sent to meanwhile. To go on at once: stop it, then set `canary: 0`.")
        return t(words) if s.canary_is_open else ""
    if seen.row is not None and not seen.phase.is_active:
        return t("plan hash {hash}", hash=seen.row.plan_hash)
    speed = t("{rate:.1f} a second", rate=seen.rate)
    if seen.left_s is None:
        return speed
    minutes, seconds = divmod(round(seen.left_s), 60)
    return f"{speed} · {t('about {m} min {s} s left', m=minutes, s=seconds)}"


def _cost_and_guards(s: Situation, t: Language) -> str:
    """Of the plan as it is now; "" while there is none."""
    plan, now = s.planning.plan, s.planning.now
    if plan is None or now is None:
        return ""
    summary = t(_SUMMARY, n=plan.planned, parts=plan.total_parts, cost=money(plan.cost), hash=plan.hash)
    refused = [f"{t('A run would be refused')}: {t.render(guard.text)}" for guard in now.guards]
    return soft(summary) + "".join(notice(text, "error") for text in refused)


# -- what can be done ----------------------------------------------------------------------

Actions = tuple[Question | None, tuple[Button, ...], tuple[str, ...]]


def _actions(s: Situation, t: Language) -> Actions:
    phase = s.seen.phase
    if s.mode is Mode.PLAN:
        return None, (), (soft(t("Mode plan: nothing is sent.")),)
    if phase.is_active:
        return None, _while_sending(s, t), ()
    if s.asked is not None:
        return _question(s, s.asked, t), (Button("back", t("Back")),), ()
    again = Button("refresh", t("Refresh"))
    if phase is Phase.FINISHED:
        # Who was never taken waits once that is settled, and can be sent to.
        unknown = s.seen.books.unknown if s.seen.books else 0
        settle = [Button("settle", t("Settle {n:,} unknown", n=unknown), "primary")] if unknown else []
        buttons = (*settle, Button("renew", t("Plan another campaign"), may=May.PLAN), again)
        return None, buttons, _about_approval(s, t)
    buttons = (_sending(s, t), *_approving(s, t), *_overrides(s, t), again)
    return None, buttons, (*_about_approval(s, t), *_about_canary(s, t))


def _sending(s: Situation, t: Language) -> Button:
    """The button that sends or rehearses, or goes on with it, and says with how many people."""
    tally, plan, live = s.seen.books, s.planning.plan, s.mode is Mode.LIVE
    if tally is not None:
        n = tally.waiting + tally.submitting
        words = mark("Go on with {n:,} people, live…") if live else mark("Go on rehearsing {n:,} people")
    elif plan is not None:
        n = plan.planned
        words = mark("Send to {n:,} people, live…") if live else mark("Rehearse {n:,} people")
    else:
        n, words = 0, mark("Send live…") if live else mark("Rehearse")
    method, may = ("ask" if live else "rehearse"), may_send_in(s.mode)
    return Button(method, t(words, n=n), _style(s), enabled=s.can_send, may=may)


def _while_sending(s: Situation, t: Language) -> tuple[Button, ...]:
    phase, may = s.seen.phase, may_send_in(s.mode)
    stop = Button("stop", t("Stop"), "warning", enabled=phase is not Phase.STOPPING, may=may)
    if phase is Phase.HELD:
        return Button("go_on", t("Go on"), "primary", may=may), stop
    if phase.is_here and phase is not Phase.WAITING:
        return Button("hold", t("Pause"), tip=t("Sends nothing until you go on"), may=may), stop
    if s.joinable:
        tip = t("Both share the people who still wait")
        return Button("join", t("Send it here, too"), tip=tip, may=may), stop
    return (stop,)


def _style(s: Situation) -> str:
    return "danger" if s.mode is Mode.LIVE else "primary"


def _overrides(s: Situation, t: Language) -> list[Button]:
    """A button for each parameter that would let go on what is refused or stopped."""
    found: list[tuple[str, Any]] = [("canary", 0.0)] if s.seen.phase.can_resume and s.canary_is_open else []
    if s.seen.row is None and s.planning.plan is not None and s.planning.now:
        found += [guard.unless for guard in s.planning.now.guards if guard.unless]
    return [Button("override", t(_OVERRIDES[name]), arguments=(name, value)) for name, value in found]


def _approving(s: Situation, t: Language) -> list[Button]:
    """What brings the yes of a second person, where that is for whoever sits here to do."""
    wanted = s.approval
    if wanted is None or not wanted.lacks:
        return []
    if wanted.is_mine:
        yes = t("Approve this plan")
        return [Button("approve", yes, "success", arguments=(wanted,), may=May.SEND)]
    if wanted.found is None:
        tip = t("Somebody else then approves it in 03 or 04")
        return [Button("ask_approval", t("Ask for approval"), "primary", True, tip, (wanted,), May.PLAN)]
    return []


def _about_approval(s: Situation, t: Language) -> tuple[str, ...]:
    wanted = s.approval
    if wanted is None:
        return ()
    if wanted.found is None:
        return (notice(t("A live run needs a second person's approval of its plan."), "warn"),)
    told = t.render(approval_in_words(wanted.found.to_data(), with_places=not s.served))
    return (notice(told, "warn" if wanted.lacks else "info"),)


def _about_canary(s: Situation, t: Language) -> tuple[str, ...]:
    if not (s.seen.phase.can_resume and s.canary_is_open):
        return ()
    words = mark("Going on looks at its receipts again; “{one}” and “{other}” can be raised before.")
    return (soft(t(words, one=t("Most failures"), other=t("Most opt-outs"))),)


def _question(s: Situation, asked: Confirmation, t: Language) -> Question:
    plan = s.planning.plan
    words = mark("Send {n:,} real messages? About {cost}. Plan hash: {hash}")
    lines = [
        t(words, n=asked.people, cost=money(asked.cost), hash=asked.plan_hash),
        _canary_first(s, asked, t),
        _window(s, t),
        _approved(s, t),
        *(t.render(text) for text in (plan.notices if plan else ())),
    ]
    unasked = plan is not None and any(getattr(text, "msgid", "") == UNASKED for text in plan.notices)
    agrees = t("Yes, everybody here may get marketing, whatever that column says") if unasked else ""
    text = notice("\n".join(filter(None, lines)), "error")
    return Question(text, Button("send", _yes(s, asked, t), "danger", enabled=False), agrees)


def _yes(s: Situation, asked: Confirmation, t: Language) -> str:
    if s.opens is not None and s.draft["outside_window"] == "wait":
        return t("Send to {n:,} people at {at}", n=asked.people, at=f"{s.opens:%m-%d %H:%M}")
    return t("Send to {n:,} people now", n=asked.people)


def _canary_first(s: Situation, asked: Confirmation, t: Language) -> str:
    canary = s.seen.canary
    if asked.first:
        wait = s.draft["canary_wait"]
        return t("First to {n:,} of them. After {wait} their receipts decide.", n=asked.first, wait=wait)
    if s.canary_is_open:
        return t("First the receipts of the canary are looked at; they decide.")
    if canary is not None and canary.passed_at is None:
        return t("`canary: 0`: whatever became of the first {n:,}, the others are sent to.", n=canary.size)
    return ""


def _approved(s: Situation, t: Language) -> str:
    found = s.approval and s.approval.found
    return t.render(approval_in_words(found.to_data(), with_places=not s.served)) if found else ""


def _window(s: Situation, t: Language) -> str:
    if s.opens is None:
        return ""
    words = (
        mark("The send window is closed: the run would wait until {at}.")
        if s.draft["outside_window"] == "wait"
        else mark("The send window is closed until {at}: the run would be refused.")
    )
    return t(words, at=f"{s.opens:%m-%d %H:%M}")
