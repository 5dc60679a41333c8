"""The card “Send” as data: what it shows and offers follows from the run and the parameters."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from smskit.errors import GuardRefused, LedgerLocked
from smskit.i18n import Language, Message
from smskit.ledger import CampaignRow, CanaryRow, Owner, Tally
from smskit.models import Kind, Mode
from smskit.notebook.confirming import Confirmation
from smskit.notebook.panels.send.run_card import Situation, view
from smskit.notebook.panels.send.sending import SendingPanel
from smskit.notebook.planner import Planning
from smskit.planning.draft import Draft
from smskit.sending.background import Phase, Snapshot

T = Language("en")
ROW = CampaignRow(
    id=1,
    name="c-1",
    series="c-1",
    kind=Kind.CAMPAIGN,
    parent="",
    mode=Mode.REHEARSE,
    provider="yunpian",
    plan_hash="p1",
    spec={},
    summary={},
    state="paused",
    created_at=0.0,
    started_at=0.0,
    finished_at=None,
    stop_requested=False,
    note="",
)
TALLY = Tally(10, 4, 0, 5, 1, 0, 5, 0, 0)
ASKED = Confirmation(Mode.LIVE, "c-1", 10, 12, Decimal("0.60"), "p1", resumes=False, first=2)
CANARY = CanaryRow(size=20, begun_at=0.0, sent_at=1.0, passed_at=None, told="")


def situation(seen: Snapshot, *, asked: Confirmation | None = None, **more: Any) -> Situation:
    draft = Draft({"campaign": "c-1", "mode": "rehearse", **more})
    return Situation(draft, Planning(draft, lambda spec: pytest.fail("nothing is planned here")), seen, asked)


def begun(phase: Phase, **more: Any) -> Snapshot:
    return Snapshot(phase, ROW, TALLY, **more)


OFFERED = {
    Phase.NEW: ["rehearse", "refresh"],
    Phase.STARTING: ["hold", "stop"],
    Phase.SENDING: ["hold", "stop"],
    Phase.WAITING: ["stop"],
    Phase.HELD: ["go_on", "stop"],
    Phase.STOPPING: ["stop"],
    Phase.ELSEWHERE: ["stop"],
    Phase.INTERRUPTED: ["rehearse", "refresh"],
    Phase.STOPPED: ["rehearse", "refresh"],
    Phase.FINISHED: ["renew", "refresh"],
}


def test_what_each_phase_offers() -> None:
    """Of every phase: its buttons, each a method of the panel; a stopping run is not stopped twice."""
    cards = {phase: view(situation(begun(phase)), T) for phase in Phase}
    methods = {button.method for made in cards.values() for button in made.buttons}

    assert {phase: [b.method for b in made.buttons] for phase, made in cards.items()} == OFFERED
    assert [name for name in methods if not callable(getattr(SendingPanel, name, None))] == []
    assert [phase for phase, made in cards.items() for b in made.buttons if not b.enabled] == [Phase.STOPPING]


def test_nothing_is_offered_of_a_plan() -> None:
    """Mode plan sends nothing, whatever the ledger has."""
    made = view(situation(begun(Phase.STOPPED), mode="plan"), T)

    assert (made.buttons, made.question) == ((), None)
    assert "Mode plan" in made.notes[0]


def test_without_a_plan_nothing_can_be_sent() -> None:
    """The first act needs a plan; to go on with a campaign needs none, and says with how many."""
    new, started = (view(situation(s), T) for s in (Snapshot(Phase.NEW), begun(Phase.STOPPED)))
    live = view(situation(begun(Phase.STOPPED), mode="live"), T)

    assert [(b.label, b.enabled) for b in new.buttons[:1]] == [("Rehearse", False)]
    assert [(b.label, b.enabled) for b in started.buttons[:1]] == [("Go on rehearsing 4 people", True)]
    assert (live.buttons[0].label, live.buttons[0].style) == ("Go on with 4 people, live…", "danger")
    assert (new.done, started.done) == (None, 0.6)


@pytest.mark.parametrize(
    ("mode", "shown", "hidden"),
    [("rehearse", "Nobody got a message.", "Receipts"), ("live", "Receipts tell who got it.", "Nobody")],
)
def test_what_was_finished(mode: str, shown: str, hidden: str) -> None:
    """A finished rehearsal never reads like a finished send; what is unknown is settled here by a button."""
    note = Message("1 outcomes are unknown; `smskit receipts c-1` settles them")
    seen = Snapshot(Phase.FINISHED, ROW, replace(TALLY, waiting=0, unknown=1), note=note)
    made = view(situation(seen, mode=mode), T)

    assert shown in made.state
    assert hidden not in made.state
    assert "smskit receipts" not in made.state
    assert made.buttons[0].label == "Settle 1 unknown"


@pytest.mark.parametrize(
    ("seen", "shown", "hidden"),
    [
        (begun(Phase.SENDING, rate=2.0, left_s=125.0), ["2.0 a second", "about 2 min 5 s left"], []),
        (begun(Phase.ELSEWHERE, owner=Owner("ship", 7, False)), ["process 7 on ship"], []),
        (
            begun(Phase.STOPPED, note=Message("stopped by hand")),
            ["stopped by hand", "plan hash p1", "warn"],
            [],
        ),
        (
            begun(
                Phase.STOPPED, note=Message("no money"), error=GuardRefused(Message("c-1: no money. Run it"))
            ),
            ["no money"],
            ["Run it"],  # what stands around the reason there
        ),
        (Snapshot(Phase.NEW, error=GuardRefused(Message("too many"))), ["too many", "error"], []),
        (Snapshot(Phase.NEW, error=LedgerLocked(Message("another run"))), [], ["another run"]),
        (begun(Phase.WAITING, canary=CANARY, note=Message("waits")), ["waits"], ["canary: 0"]),
    ],
    ids=["speed", "elsewhere", "stopped", "once", "refused", "locked", "waits"],
)
def test_where_it_is(seen: Snapshot, shown: list[str], hidden: list[str]) -> None:
    """How far a run is, and why it stands still, once."""
    made = view(situation(seen), T)
    text = made.state + made.figures

    assert [words for words in shown if words not in text] == []
    assert [words for words in hidden if words in text] == []
    assert "c-1" in made.state


def test_an_error_is_shown_until_something_is_changed() -> None:
    """What a person has reacted to is not shown any more."""
    error = GuardRefused(Message("too many"))
    before = situation(Snapshot(Phase.NEW, error=error))

    assert "too many" in view(before, T).state
    assert "too many" not in view(replace(before, answered=error), T).state


@pytest.mark.parametrize(
    ("canary", "offered"), [(0.1, ["rehearse", "override", "refresh"]), (0.0, ["rehearse", "refresh"])]
)
def test_an_open_canary_can_be_left_out(canary: float, offered: list[str]) -> None:
    """Where it is the canary that keeps the others waiting, a click sets it to 0."""
    made = view(situation(begun(Phase.STOPPED, canary=CANARY), canary=canary), T)

    assert [b.method for b in made.buttons] == offered
    assert [b.arguments for b in made.buttons if b.method == "override"] == [("canary", 0.0)] * (canary > 0)


def test_the_question_in_live_mode() -> None:
    """A live campaign is confirmed by its number of people; what happens first, and when, stands with it."""
    asking = situation(Snapshot(Phase.NEW), asked=ASKED, mode="live", outside_window="wait")
    asking = replace(asking, opens=datetime(2026, 12, 1, 8, 30))
    made = view(asking, T)
    assert made.question is not None

    assert (made.question.yes.style, made.question.yes.enabled) == ("danger", False)
    assert [b.method for b in made.buttons] == ["back"]
    for words in ("10 real messages", "¥0.60", "p1", "First to 2 of them", "wait until 12-01 08:30"):
        assert words in made.question.text
