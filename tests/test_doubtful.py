"""Doubtful replies: a no until a person decides, and what the decision lifts, keeps and tells."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from smskit.errors import InputError
from smskit.ledger import Ledger
from smskit.models import Answer, Mode, Reply
from smskit.reporting import opt_outs

PHONE = 8613800000021
AT = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
DOUBT, STOP = Answer.DOUBTFUL, Answer.OPT_OUT


def replied(ledger: Ledger, *answers: Answer, mode: Mode = Mode.LIVE, text: str = "烦死了") -> None:
    """Replies as fetching them leaves them."""
    there = len(ledger.replies.of_phone(PHONE))
    rows = [(Reply(f"r{there + n}", f"+{PHONE}", text, AT), PHONE, a) for n, a in enumerate(answers)]
    ledger.replies.keep("acme", mode, rows)
    if STOP in answers:
        ledger.opt_outs.add([PHONE], source="reply:acme")


def listed(source: str, note: str = "", phone: int = PHONE) -> Callable[[Ledger], object]:
    return lambda ledger: ledger.opt_outs.add([phone], source=source, note=note)


def decide(ledger: Ledger, *, opted_out: bool, which: int = 0) -> int:
    waiting = opt_outs.doubtful(ledger)["id"].tolist()
    return opt_outs.decide(ledger, waiting[which], opted_out=opted_out, by="li")


@pytest.mark.parametrize(
    ("before", "after", "stays_out"),
    [
        pytest.param((), (), False, id="nothing-else"),
        pytest.param((lambda x: replied(x, STOP),), (), True, id="a-clear-one-before"),
        pytest.param((), (lambda x: replied(x, STOP),), True, id="a-clear-one-after"),
        pytest.param((), (listed("import:a.csv"),), True, id="a-list-after"),
        pytest.param((listed("by hand"),), (), True, id="by-hand-before"),
        pytest.param((), (lambda x: replied(x, DOUBT),), True, id="another-doubtful-one"),
        pytest.param((), (lambda x: replied(x, Answer.NOT),), False, id="thanks"),
    ],
)
def test_a_decision_lifts_what_the_reply_did(
    ledger: Ledger,
    before: tuple[Callable[[Ledger], object], ...],
    after: tuple[Callable[[Ledger], object], ...],
    stays_out: bool,
) -> None:
    """Not an opt-out takes away this reply's no, and no other reason; running campaigns are told."""
    for act in before:
        act(ledger)
    replied(ledger, DOUBT)
    out, version = ledger.opt_outs.phones().tolist(), ledger.opt_outs.version()
    for act in after:
        act(ledger)

    assert out == [PHONE]
    assert decide(ledger, opted_out=False, which=-1) == 1
    assert ledger.opt_outs.phones().tolist() == ([PHONE] if stays_out else [])
    assert bool(ledger.opt_outs.rows()) is stays_out
    assert ledger.opt_outs.version() > version


def test_decided_to_be_an_opt_out(ledger: Ledger) -> None:
    """It is on the list since it came, once, and who decided is kept; it cannot be decided again."""
    replied(ledger, DOUBT)
    since = ledger.opt_outs.rows()[0].since
    which = opt_outs.doubtful(ledger)["id"].item()
    decide(ledger, opted_out=True)
    (reply,) = ledger.replies.of_phone(PHONE)

    assert [(r.phone, r.since, r.source) for r in ledger.opt_outs.rows()] == [(PHONE, since, "reply:acme")]
    assert (reply.decided, reply.decided_by, reply.undecided) == ("opt-out", "li", False)
    assert reply.decided_at is not None
    with pytest.raises(InputError, match="no doubtful reply waits"):
        opt_outs.decide(ledger, which, opted_out=False, by="wang")
    assert ledger.opt_outs.phones().tolist() == [PHONE]


def test_a_phone_decides_all_of_its_replies(ledger: Ledger) -> None:
    """By phone, however written; an id means one reply."""
    replied(ledger, DOUBT, DOUBT)

    assert opt_outs.decide(ledger, "138 0000 0021", opted_out=False, by="li") == 2
    assert ledger.opt_outs.phones().tolist() == []


def test_taken_off_by_hand(ledger: Ledger) -> None:
    """`opt-out remove` is a person's word about doubtful replies, too."""
    replied(ledger, DOUBT, STOP)

    assert ledger.opt_outs.remove(PHONE, by="li")
    assert ledger.opt_outs.phones().tolist() == []
    assert {r.decided_by for r in ledger.replies.of_phone(PHONE) if r.answer is DOUBT} == {"li"}
    assert not ledger.opt_outs.remove(PHONE)


def test_rehearsed_replies_stop_nobody(ledger: Ledger) -> None:
    """They are listed and decided like live ones, and put nobody on the list."""
    replied(ledger, DOUBT, mode=Mode.REHEARSE)
    (which,) = opt_outs.doubtful(ledger, Mode.REHEARSE)["id"]
    out = ledger.opt_outs.phones().tolist()
    opt_outs.decide(ledger, which, opted_out=True, by="li", mode=Mode.REHEARSE)

    assert out == ledger.opt_outs.phones().tolist() == []
    assert len(opt_outs.doubtful(ledger, Mode.REHEARSE)) == 0


def test_the_same_reply_again_changes_nothing(ledger: Ledger) -> None:
    """A page that is fetched twice does not undo a decision."""
    replied(ledger, DOUBT)
    decide(ledger, opted_out=False)
    ledger.replies.keep("acme", Mode.LIVE, [(Reply("r0", f"+{PHONE}", "烦死了", AT), PHONE, DOUBT)])

    assert ledger.opt_outs.phones().tolist() == []


CAUSES: dict[str, tuple[Callable[[Ledger], object], str]] = {
    "clear": (lambda x: replied(x, STOP, text="退订 13800000021"), "replied `退订 138****0021` on 2026"),
    "open": (lambda x: replied(x, DOUBT), "replied `烦死了` on 2026-11-28 09:30:00: doubtful, a no until"),
    "decided": (lambda x: (replied(x, DOUBT), decide(x, opted_out=True)), "to be an opt-out by li on 2"),
    "list": (listed("import:a.csv"), "on the list a.csv, imported 2"),
    "hand": (listed("by hand"), "added by hand 2"),
    "note": (listed("by hand", "tel 13800000022"), ": tel 138****0022"),
    "another": (listed("crm"), "source crm"),
    "same-person": (listed("by hand", phone=PHONE + 1), "138****0022 of the same person: added"),
    "gone": (lambda x: None, "not on the opt-out list any more"),
}


@pytest.mark.parametrize(("act", "why"), CAUSES.values(), ids=CAUSES)
def test_evidence(ledger: Ledger, act: Callable[[Ledger], object], why: str) -> None:
    """Which reply, list or hand it was and when, with words masked."""
    act(ledger)

    assert why in opt_outs.evidence(ledger, [PHONE, PHONE + 1], UTC)
