"""After sending: unknowns settled by asking, receipts and replies sorted in, a person's word."""

from __future__ import annotations

import asyncio
import math
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import orjson
import pyarrow as pa
import pytest

from smskit.errors import OutcomeUnknown, Unreachable
from smskit.ledger import UNMATCHED_DAYS, CampaignRow, Change, Facts, Frozen, Ledger
from smskit.message.opt_out import Answer, answer_of
from smskit.models import MessageClass, Mode, Receipt, Record, Reply, State, Submission
from smskit.providers.base import Feature, Provider
from smskit.providers.calls import Call, Limits
from smskit.providers.reading import Rows
from smskit.sending.likely import accept_likely, likely, settle_exclusive
from smskit.sending.receipts import fetch
from smskit.sending.reconcile import CLOCK_SKEW, Settled, fetch_receipts, fetch_replies, job_of, reference_of
from smskit.sending.unknowns import Unknown, judge, settle_by_asking, settle_by_hand
from smskit.settings import Environment, ProviderSettings
from smskit.simulator import FaultPlan, Simulator
from tests import live
from tests.clock import Clock

FIRST = 8613800000000
NOON = datetime(2026, 1, 5, 4, tzinfo=UTC).timestamp()
LAG_S = 60.0

# -- a clock, a provider that tells what it is given, and campaigns --------------------------------------


class Teller(Provider):
    """Hands out the records and pages it was given, each page once."""

    name: ClassVar[str] = "teller"
    title: ClassVar[str] = "Teller"
    features: ClassVar[frozenset[Feature]] = frozenset({Feature.RECEIPTS, Feature.REPLIES, Feature.RECORDS})
    pulls_at_once: ClassVar[int] = 1  # tests say in which order pages come

    def __init__(self, *, lag_s: float = LAG_S) -> None:
        super().__init__(ProviderSettings(concurrency=4))
        self.record_lag_s = lag_s
        self.memory: dict[int, list[Record] | Exception] = {}
        self.asked: list[tuple[str, datetime, datetime]] = []
        self.while_asked: Callable[[], None] = lambda: None
        self.receipt_pages: list[bytes | Exception] = []
        self.reply_pages: list[bytes | Exception] = []

    @property
    def limits(self) -> Limits:
        return Limits(same=1, different=1)

    async def submit(self, call: Call) -> list[Submission]:
        raise AssertionError("nothing here submits")

    async def records(self, phone: str, since: datetime, until: datetime) -> Sequence[Record]:
        self.asked.append((phone, since, until))
        self.while_asked()
        told = self.memory.get(int(phone), [])
        if isinstance(told, Exception):
            raise told
        return told

    async def pull_receipts(self) -> bytes | None:
        return _next(self.receipt_pages)

    async def pull_replies(self) -> bytes | None:
        return _next(self.reply_pages)

    def parse_receipts(self, body: bytes) -> list[Receipt]:
        return [
            Receipt(
                r["id"], _phone(r["to"]), r["ok"], r.get("code", "x"), at=_time(r), reference=r.get("ref", "")
            )
            for r in orjson.loads(body)
        ]

    def parse_replies(self, body: bytes) -> list[Reply]:
        return [Reply(r["id"], r["from"], r["text"], _time(r)) for r in orjson.loads(body)]


class Silent(Teller):
    """Shows a message only when the carrier has answered."""

    records_prove_absence: ClassVar[bool] = False


def _phone(position: int) -> str:
    return f"+{FIRST + position}"


def _time(row: dict[str, Any]) -> datetime | None:
    return datetime.fromtimestamp(row["at"], UTC) if "at" in row else None


def _next(pages: list[bytes | Exception]) -> bytes | None:
    page = pages.pop(0) if pages else None
    if isinstance(page, Exception):
        raise page
    return page


def report(message_id: str, to: int = 0, ok: bool | None = True, **more: Any) -> dict[str, Any]:
    return {"id": message_id, "to": to, "ok": ok, **more}


def page(*rows: dict[str, Any]) -> bytes:
    return orjson.dumps(rows)


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    made = Ledger(f"sqlite:///{tmp_path / 'reconcile.db'}", clock=clock)
    yield made
    # Whatever a test did, everybody is in exactly one state.
    for row in made.campaigns.find():
        assert live.balanced(made.audience.counts(row.id))
    made.close()


@pytest.fixture
def teller() -> Teller:
    return Teller()


def freeze(
    ledger: Ledger, people: int = 1, *, name: str = "c", mode: Mode = Mode.LIVE, first: int = FIRST
) -> CampaignRow:
    """A campaign in which the person at position n is called Nn; everybody waits."""
    row = ledger.campaigns.freeze(
        name=name,
        mode=mode,
        provider="teller",
        plan_hash="p",
        spec={},
        summary={"template": "你好{name}", "signature": "示例"},
        frozen=Frozen(
            phones=np.arange(first, first + people, dtype=np.int64),
            persons=pa.array([f"u{i}" for i in range(people)], pa.large_string()),
            variables={"name": pa.array([f"N{i}" for i in range(people)], pa.large_string())},
            parts=np.ones(people, np.int16),
            excluded=pa.table({"person": pa.array([], pa.large_string())}),
            order=np.arange(people),
        ),
    )
    return row


def text(position: int) -> str:
    return f"【示例】你好N{position}"


def submitted(
    ledger: Ledger, row: CampaignRow, state: State, positions: Sequence[int] = (0,), ids: Sequence[str] = ()
) -> None:
    """Claim people and record an outcome, as a run would have."""
    at = np.array(positions, np.uint16)
    with ledger.senders.hold(row.id) as token:
        for kind, to, facts in (
            ("claim", State.SUBMITTING, Facts()),
            ("outcome", state, Facts(ids=list(ids) or "")),
        ):
            change = Change(kind, 0, at, np.full(len(at), to, np.uint8), facts)  # type: ignore[arg-type]
            ledger.changes.apply(row.id, [change], token=token)


def sent(
    ledger: Ledger, state: State, people: int = 1, *, ids: Sequence[str] = (), **more: Any
) -> CampaignRow:
    """A campaign of which everybody was submitted, just now."""
    row = freeze(ledger, people, **more)
    submitted(ledger, row, state, range(people), ids)
    return row


def settle(ledger: Ledger, row: CampaignRow, provider: Provider, *, wait: bool = False) -> Settled:
    return asyncio.run(settle_by_asking(ledger, row, provider, job_of(row), wait=wait))


def receipts(ledger: Ledger, provider: Provider, mode: Mode = Mode.LIVE) -> Settled:
    return asyncio.run(fetch_receipts(ledger, provider, mode))


def replies(ledger: Ledger, provider: Provider, mode: Mode = Mode.LIVE) -> Settled:
    return asyncio.run(fetch_replies(ledger, provider, mode))


def states(ledger: Ledger, row: CampaignRow) -> list[State]:
    return [State(s) for s in ledger.audience.states(row.id)[0].tolist()]


def record(
    position: int = 0, message_id: str = "m1", *, to: int | None = None, said: str | None = None, **more: Any
) -> Record:
    """What the provider remembers of a message to the person at a position."""
    phone, words = _phone(position if to is None else to), text(position) if said is None else said
    return Record(message_id, phone, words, **more)


# -- unknowns ---------------------------------------------------------------------------------------

REFERENCE = reference_of("c", Mode.LIVE)


@pytest.mark.parametrize(
    ("told", "age_s", "kind", "expected"),
    [
        pytest.param([record()], 1, Teller, State.ACCEPTED, id="record"),
        pytest.param([record(accepted=False, code="7")], 1, Teller, State.REFUSED, id="refused"),
        pytest.param([], LAG_S, Teller, State.WAITING, id="no-record"),
        pytest.param([], LAG_S - 1, Teller, State.UNKNOWN, id="no-record-yet"),
        pytest.param([], 9999, Silent, State.UNKNOWN, id="silence-proves-nothing"),
        pytest.param([record()], 1, Silent, State.ACCEPTED, id="record-of-a-silent-one"),
        pytest.param([record(said="", reference=REFERENCE)], 1, Teller, State.ACCEPTED, id="by-reference"),
        pytest.param([record(said="")], LAG_S, Teller, State.UNKNOWN, id="nothing-to-know-it-by"),
        pytest.param([record(position=1, to=0)], LAG_S, Teller, State.UNKNOWN, id="another-text"),
        pytest.param([record(0, to=1)], 1, Teller, State.UNKNOWN, id="another-phone"),
        pytest.param(
            [record()._replace(phone="+85291234567")], LAG_S, Teller, State.UNKNOWN, id="phone-abroad"
        ),
        pytest.param([record(1, "m0", to=0), record()], 1, Teller, State.ACCEPTED, id="one-of-two"),
    ],
)
def test_what_a_record_settles(
    ledger: Ledger,
    clock: Clock,
    told: list[Record],
    age_s: float,
    kind: type[Teller],
    expected: State,
) -> None:
    """An unknown follows the provider's record of exactly that message; silence counts only in time."""
    row = sent(ledger, State.UNKNOWN)
    clock.go(age_s)
    provider = kind()
    provider.memory[FIRST] = told
    result = settle(ledger, row, provider)

    assert states(ledger, row) == [expected]
    counted = (result.found, result.refused, result.never_taken)
    assert counted == tuple(expected is s for s in (State.ACCEPTED, State.REFUSED, State.WAITING))
    assert result.problems == []


def test_what_is_known_of_a_settled_message(ledger: Ledger, teller: Teller) -> None:
    """The provider's id is kept, and a final report that came with the record is worked in."""
    row = sent(ledger, State.UNKNOWN, 3)
    for position, delivered in enumerate((True, False, None)):
        receipt = Receipt(f"m{position}", _phone(position), delivered, "MK:1")
        teller.memory[FIRST + position] = [record(position, f"m{position}", receipt=receipt)]
    result = settle(ledger, row, teller)
    history = ledger.audience.history(row.id, 0)

    assert states(ledger, row) == [State.DELIVERED, State.UNDELIVERED, State.ACCEPTED]
    assert history.message_id.tolist() == ["m0", "m1", "m2"]
    assert history.receipt_code.tolist() == ["MK:1", "MK:1", ""]
    assert (result.found, result.delivered, result.undelivered) == (3, 1, 1)


def test_only_unknowns_are_asked_about(ledger: Ledger, clock: Clock, teller: Teller) -> None:
    """Nobody else is asked about, and the time searched allows for clocks that differ."""
    row = freeze(ledger, 5)
    for position, state in enumerate((State.ACCEPTED, State.UNKNOWN, State.REFUSED, State.UNKNOWN)):
        submitted(ledger, row, state, [position], [f"m{position}"])
    clock.go(3600)
    settle(ledger, row, teller)

    assert sorted(phone for phone, _, _ in teller.asked) == [_phone(1), _phone(3)]
    assert {since for _, since, _ in teller.asked} == {datetime.fromtimestamp(NOON, UTC) - CLOCK_SKEW}
    assert all(until > datetime.fromtimestamp(NOON, UTC) for _, _, until in teller.asked)


def test_a_provider_without_records_is_not_asked(ledger: Ledger, clock: Clock, teller: Teller) -> None:
    """Where nothing can be asked an unknown stays one, however old."""

    class Mute(Teller):
        features = frozenset()

    row = sent(ledger, State.UNKNOWN)
    clock.go(9999)
    mute = Mute()

    assert settle(ledger, row, mute) == Settled()
    assert mute.asked == []
    assert states(ledger, row) == [State.UNKNOWN]


def test_an_answer_is_as_old_as_its_question(ledger: Ledger, clock: Clock, teller: Teller) -> None:
    """Asked too early, "no record" does not become proof because asking about everybody took long."""
    row = sent(ledger, State.UNKNOWN)
    clock.go(LAG_S - 1)
    teller.while_asked = lambda: clock.go(LAG_S)
    settle(ledger, row, teller)

    assert states(ledger, row) == [State.UNKNOWN]


MESSAGE = Unknown(0, 7, FIRST + 7, "【S】你好", NOON, reference="s0123", silent_until=NOON + LAG_S)
MINE = Record("m1", _phone(7), "【S】你好")
LATER = NOON + LAG_S
DONE = Receipt("m1", _phone(7), True, "DELIVRD")


YES, NO = (State.ACCEPTED, "m1", None), (State.REFUSED, "8", None)
REFUSED = MINE._replace(accepted=False, code="8")


@pytest.mark.parametrize(
    ("records", "at", "verdict"),
    [
        pytest.param([MINE], NOON, YES, id="its-text"),
        pytest.param([MINE._replace(text="", reference="s0123-7")], NOON, YES, id="our-reference"),
        pytest.param([MINE._replace(receipt=DONE)], NOON, (*YES[:2], DONE), id="with-its-receipt"),
        pytest.param([MINE._replace(text="别的"), MINE], NOON, YES, id="among-others"),
        pytest.param([REFUSED], NOON, NO, id="refused"),
        pytest.param([REFUSED._replace(receipt=DONE)], NOON, NO, id="a-receipt-of-what-was-refused"),
        pytest.param([MINE._replace(reference="s9999-1")], LATER, None, id="same-text-of-another-campaign"),
        pytest.param([MINE._replace(text="别的")], LATER, None, id="another-text"),
        pytest.param([MINE._replace(text="")], LATER, None, id="no-text-no-reference"),
        pytest.param([MINE._replace(phone=_phone(8))], LATER, None, id="another-phone"),
        pytest.param([MINE._replace(phone="unreadable")], LATER, None, id="no-phone"),
        pytest.param([], LATER - 0.001, None, id="silence-too-early"),
        pytest.param([], LATER, (State.WAITING, "", None), id="silence"),
    ],
)
def test_what_records_prove(
    records: list[Record], at: float, verdict: tuple[State, str, Receipt | None] | None
) -> None:
    """A record of exactly this message decides, silence only in due time, anything else nothing."""
    found = judge(MESSAGE, records, at)

    assert verdict == (found and (found.state, found.facts.ids or found.facts.codes, found.receipt))


def test_silence_of_some_providers_never_counts() -> None:
    """Where no record may only mean that the carrier has not answered, nothing follows from it."""
    assert judge(MESSAGE._replace(silent_until=math.inf), [], LATER * 2) is None


@pytest.mark.parametrize(("resend", "expected"), [(False, State.REFUSED), (True, State.UNKNOWN)])
def test_somebody_else_is_faster(
    ledger: Ledger, clock: Clock, teller: Teller, resend: bool, expected: State
) -> None:
    """Settled, or even sent anew, while the provider was asked: its old answer says nothing about that."""
    row = sent(ledger, State.UNKNOWN)
    clock.go(LAG_S)

    def meanwhile() -> None:
        settle_by_hand(ledger, row, resend=resend)
        if resend:
            submitted(ledger, row, State.UNKNOWN)

    teller.while_asked = meanwhile
    result = settle(ledger, row, teller)

    assert states(ledger, row) == [expected]
    assert result.never_taken == 0


@pytest.mark.parametrize(("wait", "expected"), [(True, State.WAITING), (False, State.UNKNOWN)])
def test_waiting_until_silence_counts(tmp_path: Path, wait: bool, expected: State) -> None:
    """Asked to wait, settling sleeps until "no record" may be believed of the youngest."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'own.db'}")
    row = sent(ledger, State.UNKNOWN)
    settle(ledger, row, Teller(lag_s=0.3), wait=wait)

    assert states(ledger, row) == [expected]
    ledger.close()


@pytest.mark.parametrize("minutes", [1, 6, 9], ids="{}-minutes-before".format)
def test_a_record_of_another_message_of_ours_does_not_count(
    ledger: Ledger, clock: Clock, teller: Teller, minutes: float
) -> None:
    """A test of the same text, sent before, is known by its id and does not stand for another message."""
    test = sent(ledger, State.ACCEPTED, name="c.test", ids=["of-the-test"])
    clock.go(minutes * 60)
    row = sent(ledger, State.UNKNOWN)
    teller.memory[FIRST] = [record(message_id="of-the-test")]
    clock.go(LAG_S)
    settle(ledger, row, teller)

    assert states(ledger, test) == [State.ACCEPTED]
    assert states(ledger, row) == [State.WAITING]


def test_an_id_shared_by_a_call_is_known_by_phone(ledger: Ledger, teller: Teller) -> None:
    """Where all people of a call have one id, an accepted neighbour does not hide that this one was taken."""
    row = freeze(ledger, 2)
    submitted(ledger, row, State.ACCEPTED, [0], ["shared"])
    submitted(ledger, row, State.UNKNOWN, [1])
    teller.memory[FIRST + 1] = [record(1, "shared")]
    settle(ledger, row, teller)

    assert states(ledger, row) == [State.ACCEPTED, State.ACCEPTED]


def test_two_unknowns_and_one_record(ledger: Ledger, clock: Clock, teller: Teller) -> None:
    """Of two unknown messages of one text to one phone, a single record settles a single one."""
    rows = [sent(ledger, State.UNKNOWN, name=name) for name in ("a", "b")]
    teller.memory[FIRST] = [record()]
    clock.go(LAG_S)
    for row in rows:
        settle(ledger, row, teller)

    assert [states(ledger, row) for row in rows] == [[State.ACCEPTED], [State.WAITING]]


def test_two_unknowns_and_two_records(ledger: Ledger, clock: Clock, teller: Teller) -> None:
    """Of two records each settles one of two unknown messages of the same text to the same phone."""
    rows = [sent(ledger, State.UNKNOWN, name=name) for name in ("a", "b")]
    teller.memory[FIRST] = [record(message_id="m1"), record(message_id="m2")]
    clock.go(LAG_S)
    for row in rows:
        settle(ledger, row, teller)

    assert [states(ledger, row) for row in rows] == [[State.ACCEPTED], [State.ACCEPTED]]
    assert [ledger.audience.history(row.id, 0).message_id[0] for row in rows] == ["m1", "m2"]


def test_one_text_to_two_people(ledger: Ledger, clock: Clock, teller: Teller) -> None:
    """A provider that tells of everybody, whoever was asked about, settles each by its own phone."""
    row = sent(ledger, State.UNKNOWN, 2)
    both = [record(0, "m0"), record(1, "m1")]
    teller.memory = {FIRST: both, FIRST + 1: both[::-1]}
    settle(ledger, row, teller)

    assert ledger.audience.history(row.id, 0).message_id.tolist() == ["m0", "m1"]


@pytest.mark.parametrize("error", [Unreachable("no way"), OutcomeUnknown("no answer")])
def test_a_provider_that_fails_while_asked(
    ledger: Ledger, clock: Clock, teller: Teller, error: Exception
) -> None:
    """Those it could not be asked about stay unknown and are named once as a problem; others are settled."""
    row = sent(ledger, State.UNKNOWN, 3)
    teller.memory = {FIRST: error, FIRST + 1: error, FIRST + 2: [record(2)]}
    clock.go(LAG_S)
    result = settle(ledger, row, teller)

    assert states(ledger, row) == [State.UNKNOWN, State.UNKNOWN, State.ACCEPTED]
    assert result.problems == [str(error)]


def test_nobody_unknown_asks_nothing(ledger: Ledger, teller: Teller) -> None:
    """A campaign without unknowns costs no question."""
    row = sent(ledger, State.ACCEPTED, ids=["m"])

    assert settle(ledger, row, teller) == Settled()
    assert teller.asked == []


def test_a_settled_campaign_is_not_changed_by_asking_again(
    ledger: Ledger, clock: Clock, teller: Teller
) -> None:
    """Asking twice settles once."""
    row = sent(ledger, State.UNKNOWN)
    teller.memory[FIRST] = [record()]
    first, second = settle(ledger, row, teller), settle(ledger, row, teller)

    assert (first.found, second) == (1, Settled())


@pytest.mark.parametrize(
    ("resend", "state", "reason"),
    [(True, State.WAITING, "resend_ordered"), (False, State.REFUSED, "given_up")],
    ids=["resend", "give-up"],
)
def test_a_persons_word(ledger: Ledger, resend: bool, state: State, reason: str) -> None:
    """What stayed unknown is sent again or given up when a person says so; nobody else is touched."""
    row = freeze(ledger, 4)
    submitted(ledger, row, State.ACCEPTED, [1], ["m"])
    submitted(ledger, row, State.UNKNOWN, [0, 3])

    assert settle_by_hand(ledger, row, resend=resend) == 2
    assert states(ledger, row) == [state, State.ACCEPTED, State.WAITING, state]
    assert ledger.audience.history(row.id, 0).reason.tolist() == [reason, "", "", reason]
    assert settle_by_hand(ledger, row, resend=resend) == 0


# -- receipts ---------------------------------------------------------------------------------------


def test_receipts_are_sorted_in(ledger: Ledger, clock: Clock, teller: Teller) -> None:
    """Delivered and not delivered come from reports alone; whoever has none goes on awaiting."""
    row = sent(ledger, State.ACCEPTED, 5, ids=["a", "b", "c", "d", "e"])
    teller.receipt_pages = [
        page(report("c", 2), report("a", 0, code="DELIVRD")),
        page(report("b", 1, ok=False, code="MK:0001"), report("d", 3, ok=None)),
    ]
    result = receipts(ledger, teller)
    history = ledger.audience.history(row.id, 0)

    accepted, delivered = State.ACCEPTED, State.DELIVERED
    assert states(ledger, row) == [delivered, State.UNDELIVERED, delivered, accepted, accepted]
    assert history.receipt_code.tolist() == ["DELIVRD", "MK:0001", "x", "", ""]
    assert (result.delivered, result.undelivered, result.repeated, result.stray) == (2, 1, 0, 0)
    assert ledger.audience.counts(row.id).awaiting == 2


@pytest.mark.parametrize("pages", [1, 2], ids=["one-page", "two-pages"])
@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param(True, True, State.DELIVERED, id="same"),
        pytest.param(True, False, State.DELIVERED, id="delivered-first"),
        pytest.param(False, True, State.UNDELIVERED, id="undelivered-first"),
    ],
)
def test_the_first_final_report_stands(
    ledger: Ledger, teller: Teller, first: bool, second: bool, expected: State, pages: int
) -> None:
    """A report that comes twice, or is contradicted later, changes nothing any more."""
    row = sent(ledger, State.ACCEPTED, ids=["a"])
    both = [report("a", ok=first), report("a", ok=second)]
    apart = [
        page(one | {"row": n}) for n, one in enumerate(both)
    ]  # the very same page again would be the last
    teller.receipt_pages = [page(*both)] if pages == 1 else apart
    result = receipts(ledger, teller)

    assert states(ledger, row) == [expected]
    assert (result.delivered + result.undelivered, result.repeated) == (1, 1)


def test_a_report_that_says_nothing_yet_is_followed_by_one_that_does(ledger: Ledger, teller: Teller) -> None:
    """Without a verdict nothing changes, and the verdict that comes later counts."""
    row = sent(ledger, State.ACCEPTED, ids=["a"])
    teller.receipt_pages = [page(report("a", ok=None), report("a", ok=None))]
    quiet = receipts(ledger, teller)
    before = states(ledger, row)
    teller.receipt_pages = [page(report("a", ok=None), report("a", ok=False))]
    receipts(ledger, teller)

    assert quiet == Settled(campaigns=quiet.campaigns)
    assert before == [State.ACCEPTED]
    assert states(ledger, row) == [State.UNDELIVERED]


def test_reports_of_several_campaigns(ledger: Ledger, teller: Teller) -> None:
    """One account's page tells of all its campaigns: each report finds its own by phone and id."""
    rows = [sent(ledger, State.ACCEPTED, 2, name=n, ids=[f"{n}0", f"{n}1"]) for n in ("old", "new")]
    other = sent(ledger, State.ACCEPTED, mode=Mode.REHEARSE, name="try", ids=["old1"], first=FIRST + 1)
    teller.receipt_pages = [page(report("new0", 0), report("old1", 1, ok=False), report("new1", 1))]
    receipts(ledger, teller)

    assert states(ledger, rows[0]) == [State.ACCEPTED, State.UNDELIVERED]
    assert states(ledger, rows[1]) == [State.DELIVERED, State.DELIVERED]
    assert states(ledger, other) == [State.ACCEPTED]


def test_one_id_for_many_phones(ledger: Ledger, teller: Teller) -> None:
    """Where a provider gives a call one id, the phone tells the people apart."""
    row = sent(ledger, State.ACCEPTED, 3, ids=["shared"] * 3)
    teller.receipt_pages = [page(report("shared", 2), report("shared", 0, ok=False))]
    receipts(ledger, teller)

    assert states(ledger, row) == [State.UNDELIVERED, State.ACCEPTED, State.DELIVERED]


@pytest.mark.parametrize(
    "stray",
    [
        pytest.param(report("b", 0), id="another-id"),
        pytest.param(report("a", 7), id="another-phone"),
        pytest.param(report("", 0), id="no-id"),
    ],
)
def test_a_report_of_nobody_changes_nobody(ledger: Ledger, teller: Teller, stray: dict[str, Any]) -> None:
    """A report that names no message of ours is kept aside and settles nothing."""
    row = sent(ledger, State.ACCEPTED, ids=["a"])
    teller.receipt_pages = [page(stray)]
    result = receipts(ledger, teller)

    assert states(ledger, row) == [State.ACCEPTED]
    assert (result.stray, result.delivered) == (1, 0)
    assert len(ledger.unmatched.find("teller", Mode.LIVE)) == 1


def test_a_report_that_comes_before_its_id_is_known(ledger: Ledger, teller: Teller) -> None:
    """A report of a message whose outcome is unknown waits aside until the message has its id."""
    row = sent(ledger, State.UNKNOWN)
    teller.receipt_pages = [page(report("m1", ok=False))]
    early = receipts(ledger, teller)
    teller.memory[FIRST] = [record()]
    settle(ledger, row, teller)
    late = receipts(ledger, teller)

    assert (early.stray, early.undelivered) == (1, 0)
    assert late.undelivered == 1
    assert states(ledger, row) == [State.UNDELIVERED]
    assert ledger.unmatched.find("teller", Mode.LIVE) == []


def test_strays_are_kept_for_a_while(ledger: Ledger, clock: Clock, teller: Teller) -> None:
    """A report that nobody claimed for days was never ours, and goes."""
    teller.receipt_pages = [page(report("x"))]
    receipts(ledger, teller)
    clock.go((UNMATCHED_DAYS - 1) * 86400)
    receipts(ledger, teller)
    kept = len(ledger.unmatched.find("teller", Mode.LIVE))
    clock.go(2 * 86400)
    receipts(ledger, teller)

    assert kept == 1
    assert ledger.unmatched.find("teller", Mode.LIVE) == []


@pytest.mark.parametrize(
    ("reports", "expected", "found"),
    [
        pytest.param([report("m", ref=REFERENCE)], State.DELIVERED, 1, id="final"),
        pytest.param([report("m", ok=None, ref=REFERENCE)], State.ACCEPTED, 1, id="no-verdict"),
        pytest.param([report("m", ref=REFERENCE + "-7")], State.DELIVERED, 1, id="reference-goes-on"),
        pytest.param(
            [report("m", ok=None, ref=REFERENCE), report("m", ok=False, ref=REFERENCE)],
            State.UNDELIVERED,
            1,
            id="no-verdict-then-final",
        ),
        pytest.param(
            [report("m", ref=REFERENCE), report("m", ok=False, ref=REFERENCE)], State.DELIVERED, 1, id="twice"
        ),
        pytest.param([report("m", ref="s" + "0" * 15)], State.UNKNOWN, 0, id="of-another-campaign"),
        pytest.param([report("m", ref=REFERENCE[:8])], State.UNKNOWN, 0, id="half-a-reference"),
        pytest.param([report("m", 1, ref=REFERENCE)], State.UNKNOWN, 0, id="of-another-phone"),
    ],
)
@pytest.mark.parametrize("pages", [1, 2], ids=["one-page", "pages"])
def test_a_report_by_reference_settles_an_unknown(
    ledger: Ledger, teller: Teller, reports: list[dict[str, Any]], expected: State, found: int, pages: int
) -> None:
    """There is no report of what was not taken, so one that carries our reference settles its unknown."""
    row = sent(ledger, State.UNKNOWN)
    teller.receipt_pages = [page(*reports)] if pages == 1 else [page(one) for one in reports]
    result = receipts(ledger, teller)

    assert states(ledger, row) == [expected]
    assert result.found == found
    assert ledger.audience.history(row.id, 0).message_id[0] == ("m" if found else "")


def test_a_message_without_an_id_is_found_by_reference(ledger: Ledger, teller: Teller) -> None:
    """Where the provider gave no id when it took a message, our reference in the report names it."""
    row = sent(ledger, State.ACCEPTED, ids=[""])
    teller.receipt_pages = [page(report("m", ref=REFERENCE))]
    result = receipts(ledger, teller)

    assert states(ledger, row) == [State.DELIVERED]
    assert (result.found, result.delivered) == (0, 1)


def test_a_page_that_is_read_in_part(
    ledger: Ledger, teller: Teller, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What can be read counts; the rest is told once, and the page stays as it came for whoever looks."""
    row = sent(ledger, State.ACCEPTED, ids=["m"])

    def parse(body: bytes) -> Rows[Receipt]:
        rows = Rows(Teller.parse_receipts(teller, body))
        rows.unread = 2
        return rows

    monkeypatch.setattr(teller, "parse_receipts", parse)
    teller.receipt_pages = [page(report("m"))]
    first, again = receipts(ledger, teller), receipts(ledger, teller)
    with sqlite3.connect(tmp_path / "reconcile.db") as conn:
        bodies = [body for (body,) in conn.execute("SELECT body FROM inbox")]

    assert states(ledger, row) == [State.DELIVERED]
    assert ([str(p) for p in first.problems], again.problems) == (
        ["2 rows of page 1 of reports cannot be read; the page is kept as it came"],
        [],
    )
    assert bodies == [page(report("m"))]


def test_a_page_is_stored_before_it_is_read(ledger: Ledger, teller: Teller) -> None:
    """A page that cannot be read is kept as it came, holds up no other, and is read when somebody can."""
    row = sent(ledger, State.ACCEPTED, 2, ids=["a", "b"])
    odd = b'[{"id":"a","to":0}]'
    teller.receipt_pages = [odd, page(report("b", 1))]
    first = receipts(ledger, teller)
    held = ledger.raw_reports.open("teller", Mode.LIVE, "receipts")
    between = states(ledger, row)

    class Wiser(Teller):
        def parse_receipts(self, body: bytes) -> list[Receipt]:
            return super().parse_receipts(body.replace(b"}", b',"ok":false}'))

    second = receipts(ledger, Wiser())

    assert [body for _, body in held] == [odd]
    assert len(first.problems) == 1
    assert between == [State.ACCEPTED, State.DELIVERED]
    assert (second.undelivered, second.problems) == (1, [])
    assert states(ledger, row) == [State.UNDELIVERED, State.DELIVERED]
    assert ledger.raw_reports.open("teller", Mode.LIVE, "receipts") == []


def test_pages_left_by_a_dead_run_are_worked_through(ledger: Ledger, teller: Teller) -> None:
    """What a killed process stored and did not read counts with the next fetch, even if nothing new comes."""
    row = sent(ledger, State.ACCEPTED, ids=["a"])
    ledger.raw_reports.keep("teller", Mode.LIVE, "receipts", page(report("a")))
    ledger.raw_reports.keep("other", Mode.LIVE, "receipts", page(report("a", ok=False)))
    result = receipts(ledger, teller)

    assert states(ledger, row) == [State.DELIVERED]
    assert result.delivered == 1


def test_a_provider_that_fails_while_fetched(ledger: Ledger, teller: Teller) -> None:
    """Pages before the failure count, the failure is named, the rest comes another time."""
    row = sent(ledger, State.ACCEPTED, 2, ids=["a", "b"])
    teller.receipt_pages = [page(report("a", 0)), Unreachable("no way"), page(report("b", 1))]
    first = receipts(ledger, teller)
    between = states(ledger, row)
    second = receipts(ledger, teller)

    assert first.problems == ["no way"]
    assert between == [State.DELIVERED, State.ACCEPTED]
    assert second.problems == []
    assert states(ledger, row) == [State.DELIVERED, State.DELIVERED]


# -- a fetch beside somebody who goes on sending ---------------------------------------------------------

OLD = NOON - CLOCK_SKEW.total_seconds() - 1
YOUNG = NOON - CLOCK_SKEW.total_seconds() + 1


class Paged(Teller):
    """Says that it hands out three at a time."""

    page_size: ClassVar[int] = 3


def reports(count: int, **more: Any) -> bytes:
    """A page of reports about messages of somebody else."""
    return page(*(report("x", n + 100, **more) for n in range(count)))


@pytest.mark.parametrize(
    ("kind", "pages", "left"),
    [
        pytest.param(Paged, [reports(1, at=YOUNG), reports(1, at=YOUNG)], 1, id="not-full-and-young"),
        pytest.param(Paged, [reports(1), reports(1)], 1, id="not-full-and-without-a-time"),
        pytest.param(Paged, [reports(1, at=OLD), reports(1, at=OLD)], 0, id="not-full-but-old"),
        pytest.param(Paged, [page(report("x", 7, at=YOUNG), report("x", 8, at=OLD))] * 2, 0, id="one-is-old"),
        pytest.param(Paged, [reports(3, at=YOUNG), reports(3, at=YOUNG)], 0, id="full"),
        pytest.param(Paged, [reports(3, at=OLD), reports(2, at=YOUNG), b"[]"], 1, id="old-then-young"),
        pytest.param(Paged, [b"?", reports(1, at=YOUNG), b"[]"], 1, id="unreadable-then-young"),
        pytest.param(Teller, [reports(1, at=YOUNG), reports(1)], 0, id="how-many-a-page-holds-is-not-known"),
        pytest.param(Teller, [reports(1004, at=YOUNG), reports(1)], 0, id="as-many-as-could-wait"),
        pytest.param(Teller, [reports(1005, at=YOUNG), reports(1)], 1, id="more-than-could-wait"),
        pytest.param(Teller, [reports(2000, at=OLD), reports(1)], 0, id="more-but-old"),
        pytest.param(Teller, [reports(1004), b"?", reports(1)], 1, id="an-unreadable-page-counts"),
    ],
)
def test_where_a_fetch_ends(ledger: Ledger, kind: type[Teller], pages: list[bytes], left: int) -> None:
    """It ends where all that waited has come, and the next one goes on with what came since."""
    sent(ledger, State.ACCEPTED, ids=["a"])
    sent(ledger, State.UNKNOWN, name="d", first=FIRST + 50)  # two messages wait for a report
    teller = kind()
    teller.receipt_pages = [body + b" " * n for n, body in enumerate(pages)]  # none is another once more
    receipts(ledger, teller)
    after = len(teller.receipt_pages)
    for _ in range(left):
        receipts(ledger, teller)
    readable = [body for body in pages if body != b"?"]

    assert after == left
    assert teller.receipt_pages == []
    assert len(ledger.unmatched.find("teller", Mode.LIVE)) == sum(
        len(orjson.loads(body)) for body in readable
    )


def test_replies_that_keep_coming(ledger: Ledger) -> None:
    """A fetch of replies ends likewise, and none is lost."""
    teller = Paged()
    teller.reply_pages = [
        page({"id": f"r{n}", "from": _phone(n), "text": "TD", "at": at})
        for n, at in enumerate([OLD, OLD, YOUNG, YOUNG])
    ]
    counts = [replies(ledger, teller).opt_outs for _ in range(3)]

    assert counts == [3, 1, 0]


@pytest.mark.long
@pytest.mark.parametrize("name", ["yunpian-singles", "chuanglan", "tencent"])
def test_fetched_while_another_process_sends(
    simulator: Simulator, tmp_path: Path, name: str, database_url: str
) -> None:
    """A fetch ends long before a sender whose reports keep coming, and the books are whole in the end."""
    way, people = live.WAYS[name], 600
    simulator.world.set_faults(
        FaultPlan.model_validate(
            {
                "latency_s": 0.2,
                "receipts": {"delay_s": [0.0, 0.5], "double_rate": 0.1},
                "replies": {"rate": 0.3, "delay_s": [0.0, 0.5], "texts": ["收到"]},
            }
        )
    )
    live.approve(simulator, way)
    environ = way.environ(simulator.url, tmp_path) | {"SMSKIT_DATABASE_URL": database_url}
    prefix = f"SMSKIT_{way.provider.upper()}_"
    settings = {"REQUESTS_PER_SECOND": "40", "BATCH_SIZE": "1", "CONCURRENCY": "20"}
    environ |= {prefix + setting: value for setting, value in settings.items()}
    run = live.start(live.data(way, live.segment(tmp_path / "segment.csv", people)), environ)
    give_up = time.monotonic() + 60
    while simulator.world.accepted() < 40 and time.monotonic() < give_up:
        time.sleep(0.05)
    ledger = Ledger(environ["SMSKIT_DATABASE_URL"])
    row = ledger.campaigns.get("live-1", Mode.LIVE)
    assert row is not None
    counts = []
    for _ in range(2):
        fetched = fetch(ledger, [row], environment=Environment(environ)).settled
        counts.append((fetched.delivered, fetched.problems, ledger.senders.owner(row.id) is not None))
    run.join(120)
    time.sleep(0.6)  # the last reports are due
    simulator.world.set_faults(FaultPlan())
    for _ in range(3):
        fetch(ledger, [row], environment=Environment(environ))
    books, strays = ledger.audience.counts(row.id), ledger.unmatched.find(way.provider, Mode.LIVE)
    ledger.close()

    assert counts[0][0] > 0
    assert [(problems, sends) for _, problems, sends in counts] == [([], True)] * 2
    assert run.exitcode == 0
    assert books.delivered == books.accepted == simulator.world.accepted() == people
    assert strays == []


def test_a_provider_without_receipts_is_not_asked(ledger: Ledger) -> None:
    """Where nothing can be fetched nothing is."""

    class Mute(Teller):
        features = frozenset()

    mute = Mute()
    mute.receipt_pages = [Unreachable("asked")]
    mute.reply_pages = [Unreachable("asked")]

    assert receipts(ledger, mute) == replies(ledger, mute) == Settled()


# -- receipts asked for one by one --------------------------------------------------------------------


class Answerer(Teller):
    """Tells of a message when asked for it, as providers do that have no pages."""

    features: ClassVar[frozenset[Feature]] = frozenset({Feature.RECEIPTS_BY_QUERY})

    def __init__(self, known: list[Receipt] | Exception) -> None:
        super().__init__()
        self.known = known
        self.wanted: list[tuple[str, str, datetime]] = []

    async def receipts_for(self, messages: Sequence[tuple[str, str, datetime]]) -> list[Receipt]:
        self.wanted += messages
        if isinstance(self.known, Exception):
            raise self.known
        return self.known


def test_receipts_by_query(ledger: Ledger) -> None:
    """Only messages that await a report are asked for; answers to other questions change nobody."""
    row = sent(ledger, State.ACCEPTED, 3, ids=["a", "b", "c"])
    answers = [Receipt("a", _phone(0), True, ""), Receipt("a", _phone(1), False, "")]
    answerer = Answerer(answers)
    first, second = receipts(ledger, answerer), receipts(ledger, answerer)

    at = datetime.fromtimestamp(NOON, UTC)
    assert answerer.wanted[:3] == [(i, _phone(n), at) for n, i in enumerate("abc")]
    assert [message_id for message_id, _, _ in answerer.wanted[3:]] == ["b", "c"]
    assert (first.delivered, second) == (1, Settled())
    assert states(ledger, row) == [State.DELIVERED, State.ACCEPTED, State.ACCEPTED]


def test_receipts_by_query_that_fail(ledger: Ledger) -> None:
    """A provider that cannot be asked is named as a problem, and everybody goes on awaiting."""
    row = sent(ledger, State.ACCEPTED, ids=["a"])
    result = receipts(ledger, Answerer(Unreachable("no way")))

    assert result.problems == ["no way"]
    assert states(ledger, row) == [State.ACCEPTED]


# -- replies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        *[
            (word, True)
            for word in (
                "TD",
                "td",
                "Td",
                "T",
                "t",
                "R",
                "r",
                "N",
                "退订",
                "取消",
                "取消订阅",
                "拒收",
                "TD退订",
                "退订T",
                "ＴＤ",
                "ｔｄ",
                " T D ",
                "退 订",
                "退\u3000订",
                "TD。",
                "【TD】",
                "退订！",
                "“T”",
                "\ufefftd\u200b",
                "stop",
                "Unsubscribe",
            )
        ],
        *[
            (word, False)
            for word in ("", " ", "。", "谢谢", "T恤多少钱", "收到", "1", "TDD", "RT", "好的，不取消", "Tom")
        ],
    ],
)
def test_opt_out_words(said: str, expected: bool) -> None:
    """A reply that is nothing but an opt-out word is one, however it is typed; others are not."""
    assert (answer_of(said) is not Answer.NOT) is expected


def answer(reply_id: str, said: str, to: str = "+8613800000000") -> dict[str, Any]:
    return {"id": reply_id, "from": to, "text": said}


REPLIES = page(
    answer("1", "TD"), answer("2", "谢谢", "+8613800000001"), answer("3", " 退 订 ", "13800000002")
)


def test_replies_become_opt_outs(ledger: Ledger, teller: Teller) -> None:
    """Who asks to be left alone is, from then on; everybody's reply is kept."""
    teller.reply_pages = [REPLIES, page(answer("4", "T", "+8613800000003"))]
    result = replies(ledger, teller)

    assert (result.replies, result.opt_outs) == (4, 3)
    assert ledger.opt_outs.phones().tolist() == [FIRST, FIRST + 2, FIRST + 3]
    assert {source for _, _, source, _ in ledger.opt_outs.rows()} == {"reply:teller"}


def test_replies_in_a_rehearsal_are_counted_only(ledger: Ledger, teller: Teller) -> None:
    """Invented replies never take a real person off the list."""
    teller.reply_pages = [REPLIES]
    result = replies(ledger, teller, Mode.REHEARSE)

    assert (result.replies, result.opt_outs) == (3, 2)
    assert ledger.opt_outs.phones().tolist() == []


def test_a_reply_is_stored_once(ledger: Ledger, teller: Teller) -> None:
    """The same serial again is the same reply, in one page or the next; a rehearsal's is another."""
    teller.reply_pages = [page(answer("1", "TD"), answer("1", "TD")), page(answer("1", "TD"))]
    first = replies(ledger, teller)
    teller.reply_pages = [REPLIES]
    again = replies(ledger, teller, Mode.REHEARSE)

    assert (first.replies, first.opt_outs) == (1, 1)
    assert again.replies == 3


def test_a_reply_from_abroad_is_left_out(ledger: Ledger, teller: Teller) -> None:
    """A number that could not have been messaged is named as a problem, masked; the others count."""
    teller.reply_pages = [page(answer("1", "TD", "+85291234567"), answer("2", "TD"))]
    result = replies(ledger, teller)

    assert (result.replies, result.opt_outs, len(result.problems)) == (1, 1, 1)
    assert "91234567" not in result.problems[0]


def test_a_page_of_replies_is_stored_before_it_is_read(ledger: Ledger, teller: Teller) -> None:
    """A page that cannot be read is kept, and does not keep anybody else's opt-out waiting."""
    odd = b'[{"id":"9","from":"+8613800000009","said":"TD"}]'
    teller.reply_pages = [odd, REPLIES]
    first = replies(ledger, teller)
    held = ledger.raw_reports.open("teller", Mode.LIVE, "replies")

    class Wiser(Teller):
        def parse_replies(self, body: bytes) -> list[Reply]:
            return [Reply(r["id"], r["from"], r.get("said") or r["text"]) for r in orjson.loads(body)]

    second = replies(ledger, Wiser())

    assert [body for _, body in held] == [odd]
    assert (first.opt_outs, len(first.problems)) == (2, 1)
    assert (second.opt_outs, second.problems) == (1, [])
    assert FIRST + 9 in ledger.opt_outs.phones()


def test_a_failure_while_replies_are_fetched(ledger: Ledger, teller: Teller) -> None:
    """Replies before the failure count, and so do pages that an earlier run left."""
    ledger.raw_reports.keep("teller", Mode.LIVE, "replies", page(answer("0", "T", "+8613800000005")))
    teller.reply_pages = [Unreachable("no way"), REPLIES]
    result = replies(ledger, teller)

    assert result.problems == ["no way"]
    assert ledger.opt_outs.phones().tolist() == [FIRST + 5]


# -- what stands for a campaign -----------------------------------------------------------------------


def test_references_tell_campaigns_apart() -> None:
    """The same campaign has one reference, another one or another mode has another, none tells the name."""
    names = [f"weekly-vip-2026-W{n}" for n in range(50)]
    made = {reference_of(name, mode) for name in names for mode in Mode}

    assert len(made) == 150
    assert reference_of("weekly", Mode.LIVE) == reference_of("weekly", Mode.LIVE)
    assert all(len(r) == 16 and r.isalnum() and r.isascii() and "weekly" not in r for r in made)


def test_the_frozen_text_is_what_counts(ledger: Ledger) -> None:
    """A campaign goes on with what was frozen, template id and class included."""
    row = freeze(ledger)._replace(spec={"template_id": "7", "message_class": "notification"})
    job = job_of(row)

    assert job.template.render({"name": "N0"}) == text(0)
    assert (job.template_id, job.message_class) == ("7", MessageClass.NOTIFICATION)
    assert job.reference == reference_of("c", Mode.LIVE)
    assert timedelta(0) < CLOCK_SKEW


# -- reports without our reference --------------------------------------------------------------


def foreign(message_id: str = "f1", at: float = 5, **more: Any) -> dict[str, Any]:
    """A report for the first number, *at* seconds after noon, with an id that is no message's of ours."""
    return report(message_id, at=NOON + at, **more)


def earlier(ledger: Ledger, clock: Clock, state: State, *, given_up: bool = False) -> None:
    """Another campaign's message to the same number, of a minute before noon."""
    clock.go(-60)
    row = freeze(ledger, name="earlier")
    if state is State.SUBMITTING:
        with ledger.senders.hold(row.id) as token:
            claim = Change("claim", 0, np.array([0], np.uint16), np.array([state], np.uint8))
            ledger.changes.apply(row.id, [claim], token=token)
    else:
        submitted(ledger, row, state, ids=["e1"] if state is State.ACCEPTED else ())
    if given_up:
        settle_by_hand(ledger, row, resend=False)
    clock.go(60)


@pytest.mark.parametrize("exclusive", [True, False], ids=["exclusive", "shared"])
@pytest.mark.parametrize(
    ("reports", "before", "expected"),
    [
        pytest.param([foreign()], None, State.DELIVERED, id="the-one"),
        pytest.param([foreign(ok=False)], None, State.UNDELIVERED, id="failed"),
        pytest.param([foreign(ok=None)], None, State.ACCEPTED, id="not-final"),
        pytest.param([foreign(ok=None), foreign(at=9)], None, State.DELIVERED, id="two-of-one-id"),
        pytest.param([foreign(at=-0.5)], None, State.DELIVERED, id="whole-seconds"),
        pytest.param([foreign()], (State.ACCEPTED, False), State.DELIVERED, id="another-of-a-known-id"),
        pytest.param([foreign()], (State.REFUSED, False), State.DELIVERED, id="another-refused"),
        pytest.param([foreign(at=-61)], None, State.UNKNOWN, id="of-a-message-before-ours"),
        pytest.param([foreign(at=-2)], None, State.UNKNOWN, id="just-before-ours"),
        pytest.param([foreign(at=4 * 86400)], None, State.UNKNOWN, id="too-late"),
        pytest.param([foreign(), foreign("f2")], None, State.UNKNOWN, id="two-ids"),
        pytest.param([foreign(ref="theirs")], None, State.UNKNOWN, id="somebodys-reference"),
        pytest.param([report("f1")], None, State.UNKNOWN, id="no-time"),
        pytest.param([foreign(message_id="")], None, State.UNKNOWN, id="no-id"),
        pytest.param([foreign(to=1)], None, State.UNKNOWN, id="another-number"),
        pytest.param([foreign()], (State.UNKNOWN, False), State.UNKNOWN, id="two-unknowns"),
        pytest.param([foreign()], (State.UNKNOWN, True), State.UNKNOWN, id="another-given-up"),
        pytest.param([foreign()], (State.SUBMITTING, False), State.UNKNOWN, id="another-on-its-way"),
    ],
)
def test_a_report_without_our_reference(
    ledger: Ledger,
    clock: Clock,
    teller: Teller,
    reports: list[dict[str, Any]],
    before: tuple[State, bool] | None,
    expected: State,
    exclusive: bool,
) -> None:
    """It settles the one unknown message it can be about: by itself, or by a person's word; no other ever."""
    if before is not None:
        earlier(ledger, clock, before[0], given_up=before[1])
    row = sent(ledger, State.UNKNOWN)
    teller.settings = teller.settings.model_copy(update={"exclusive": exclusive})
    teller.receipt_pages = [page(one) for one in reports]
    receipts(ledger, teller)
    by_itself = settle_exclusive(ledger, teller, Mode.LIVE)
    alone = states(ledger, row)
    offered = likely(ledger, "teller", Mode.LIVE)
    accepted = accept_likely(ledger, row)
    settled = expected is not State.UNKNOWN

    assert alone == [expected if exclusive else State.UNKNOWN]
    assert states(ledger, row) == [expected]
    assert (by_itself.found, len(offered), accepted.found) == (
        int(settled and exclusive),
        int(settled and not exclusive),
        int(settled and not exclusive),
    )
    history = ledger.audience.history(row.id, 0)
    if settled:
        assert history.message_id[0] == "f1"
        assert history.reason[0] == ("exclusive" if exclusive else "report_accepted")
        assert ledger.unmatched.find("teller", Mode.LIVE) == []


def test_a_report_of_an_attempt_that_was_sent_again_settles_nothing(
    ledger: Ledger, clock: Clock, teller: Teller
) -> None:
    """Of two attempts without an answer a report does not tell which it is about; of a proven one it does."""
    rows = [
        sent(ledger, State.UNKNOWN, name=name, first=FIRST + n) for n, name in enumerate(("word", "proof"))
    ]
    settle_by_hand(ledger, rows[0], resend=True)
    clock.go(LAG_S)
    settle(ledger, rows[1], teller)
    for row in rows:
        submitted(ledger, row, State.UNKNOWN)
    teller.settings = teller.settings.model_copy(update={"exclusive": True})
    teller.receipt_pages = [page(*(foreign(f"f{n}", LAG_S + 5, to=n) for n in range(2)))]
    receipts(ledger, teller)
    settle_exclusive(ledger, teller, Mode.LIVE)

    assert [states(ledger, row) for row in rows] == [[State.UNKNOWN], [State.DELIVERED]]
