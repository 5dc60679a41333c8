"""The engine against providers made for the purpose: what is recorded for every kind of answer."""

from __future__ import annotations

import asyncio
import itertools
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pytest
import sqlalchemy

from smskit.errors import (
    AccountProblem,
    BatchNotAllowed,
    LedgerLocked,
    NotAccepted,
    OutcomeUnknown,
    RateLimited,
    Refused,
    Unreachable,
)
from smskit.ledger import CHUNK, Change, Frozen, Ledger
from smskit.message.template import Template
from smskit.message.windows import FrequencyCap, SendWindow
from smskit.models import About, Code, CodeClass, Mode, Slice, State, Submission
from smskit.providers.base import Provider
from smskit.providers.calls import Call, Job, Limits
from smskit.sending.clock import Clock
from smskit.sending.engine import Ended, Engine
from smskit.sending.guards import Guards
from smskit.sending.patience import Patience
from smskit.settings import ProviderSettings

OK = Submission(CodeClass.ACCEPTED, "id", "0")
Answer = Callable[[Call], list[Submission]]


class Scripted(Provider):
    """Answers what it is told, and counts what it is asked."""

    name: ClassVar[str] = "scripted"
    title: ClassVar[str] = "Scripted"
    codes: ClassVar[dict[str, Code]] = {
        "0": Code(CodeClass.ACCEPTED, "ok"),
        "num": Code(CodeClass.REFUSED, "bad number"),
        "text": Code(CodeClass.REFUSED, "bad text", about=About.TEXT),
        "later": Code(CodeClass.LATER, "later", retry_after_s=0.01),
        "tomorrow": Code(CodeClass.LATER, "tomorrow", retry_after_s=86400.0),
        "broke": Code(CodeClass.ACCOUNT, "no money"),
    }

    def __init__(self, answer: Answer, *, batch: int = 1, concurrency: int = 2) -> None:
        super().__init__(
            ProviderSettings(base_url="http://x", concurrency=concurrency, requests_per_second=0)
        )
        self.answer, self.batch = answer, batch
        self.asked: list[list[str]] = []

    @property
    def limits(self) -> Limits:
        return Limits(same=1, different=self.batch)

    async def submit(self, call: Call) -> list[Submission]:
        self.asked.append(call.phones)
        await asyncio.sleep(0)
        return self.answer(call)


def freeze(ledger: Ledger, people: int, *, same: bool = False, name: str = "c") -> int:
    """A live campaign of *people*, each with a text of their own unless *same*."""
    names = pa.array(["x" if same else f"n{i}" for i in range(people)], pa.large_string())
    row = ledger.campaigns.freeze(
        name=name,
        mode=Mode.LIVE,
        provider="scripted",
        plan_hash="p",
        spec={},
        summary={},
        frozen=Frozen(
            phones=np.arange(8613800000000, 8613800000000 + people, dtype=np.int64),
            persons=pa.array([f"u{i}" for i in range(people)], pa.large_string()),
            variables={"name": names},
            parts=np.ones(people, np.int16),
            excluded=pa.table({"person": pa.array([], pa.large_string())}),
            order=np.arange(people),
        ),
    )
    return row.id


def run(ledger: Ledger, campaign: int, provider: Provider, **more: Any) -> Ended:
    """Run the engine over the campaign."""
    with ledger.senders.hold(campaign) as token:
        engine = Engine(
            ledger,
            campaign,
            provider,
            Job(Template.parse("你好{name}", signature="S")),
            token=token,
            **{"guards": Guards(), "clock": Clock(lambda: datetime.now(UTC))} | more,
        )
        return asyncio.run(engine.run())


def everybody(state: CodeClass, code: str = "") -> Answer:
    return lambda call: [Submission(state, "id" if state is CodeClass.ACCEPTED else "", code)] * len(call)


def failing(error: Exception) -> Answer:
    def answer(call: Call) -> list[Submission]:
        raise error

    return answer


def test_everybody_is_asked_once(ledger: Ledger) -> None:
    """A good run asks for each person exactly once, in batches, and records all as accepted."""
    campaign = freeze(ledger, 25_000)
    provider = Scripted(everybody(CodeClass.ACCEPTED, "0"), batch=700, concurrency=4)
    ended = run(ledger, campaign, provider)
    asked = [phone for call in provider.asked for phone in call]

    assert ended == Ended()
    assert ledger.audience.counts(campaign).accepted == 25_000
    assert len(asked) == len(set(asked)) == 25_000
    assert max(map(len, provider.asked)) == 700


class TwoChunks(Scripted):
    """Answers nothing of the first chunk before the requests of the second are prepared."""

    def __init__(self, answer: Answer, *, batch: int) -> None:
        super().__init__(answer, batch=batch)
        self.prepared = threading.Event()

    def calls(self, job: Job, people: Slice) -> Iterator[Call]:
        if people.chunk == 1:
            self.prepared.set()
        yield from super().calls(job, people)

    async def submit(self, call: Call) -> list[Submission]:
        assert await asyncio.to_thread(self.prepared.wait, 120)
        return await super().submit(call)


def test_a_chunk_is_prepared_while_the_one_before_is_sent(ledger: Ledger) -> None:
    campaign = freeze(ledger, CHUNK + 5)
    provider = TwoChunks(everybody(CodeClass.ACCEPTED), batch=2_500)
    assert run(ledger, campaign, provider) == Ended()
    asked = [phone for call in provider.asked for phone in call]
    assert len(asked) == len(set(asked)) == CHUNK + 5
    assert ledger.audience.counts(campaign).accepted == CHUNK + 5


def test_who_is_prepared_when_a_run_stops_keeps_waiting(ledger: Ledger) -> None:
    campaign = freeze(ledger, CHUNK + 5)
    broke = everybody(CodeClass.ACCOUNT, "broke")
    ended = run(ledger, campaign, TwoChunks(broke, batch=2_500))
    assert "broke" in ended.stopped
    assert ledger.audience.counts(campaign).waiting == CHUNK + 5


@pytest.mark.parametrize(
    ("answer", "state", "stops"),
    [
        pytest.param(everybody(CodeClass.ACCEPTED, "0"), State.ACCEPTED, False, id="accepted"),
        pytest.param(everybody(CodeClass.REFUSED, "num"), State.REFUSED, False, id="refused-number"),
        pytest.param(everybody(CodeClass.UNKNOWN, "?"), State.UNKNOWN, False, id="unknown-code"),
        pytest.param(everybody(CodeClass.ACCOUNT, "broke"), State.WAITING, True, id="account-item"),
        pytest.param(everybody(CodeClass.LATER, "tomorrow"), State.WAITING, True, id="limited-for-long"),
        pytest.param(lambda call: [], State.UNKNOWN, False, id="too-few-answers"),
        pytest.param(failing(Refused("no", code="num")), State.REFUSED, False, id="refused-call"),
        pytest.param(failing(AccountProblem("broke")), State.WAITING, True, id="account-call"),
        pytest.param(failing(OutcomeUnknown("?")), State.UNKNOWN, False, id="no-answer"),
        pytest.param(failing(Unreachable("!")), State.WAITING, True, id="unreachable"),
        pytest.param(failing(RateLimited("slow", retry_after_s=0.0)), State.WAITING, True, id="throttled"),
        pytest.param(failing(NotAccepted("!")), State.WAITING, True, id="not-accepted"),
        pytest.param(failing(KeyError("bug")), State.UNKNOWN, True, id="bug-in-provider"),
    ],
)
def test_what_an_answer_becomes(
    ledger: Ledger, answer: Answer, state: State, stops: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each kind of answer ends in the state its class says, and stops the run where it must."""
    monkeypatch.setattr("smskit.sending.patience.backoff", lambda failures: 0.0)
    campaign = freeze(ledger, 1)
    ended = run(ledger, campaign, Scripted(answer))

    assert ledger.audience.states(campaign)[0].tolist() == [state]
    assert bool(ended.stopped or ended.not_taken) == stops


def test_mixed_answers_are_data(ledger: Ledger) -> None:
    """One request with different answers records each person's own, with the provider's code."""
    campaign = freeze(ledger, 3)
    mixed = [OK, Submission(CodeClass.REFUSED, "", "num", "why"), Submission(CodeClass.UNKNOWN, "", "?")]
    run(ledger, campaign, Scripted(lambda call: mixed, batch=3))
    history = ledger.audience.history(campaign, 0)

    assert ledger.audience.states(campaign)[0].tolist() == [State.ACCEPTED, State.REFUSED, State.UNKNOWN]
    assert history.code.tolist() == ["0", "num", "?"]
    assert history.detail.tolist() == ["", "why", ""]
    assert history.message_id.tolist() == ["id", "", ""]


def test_a_short_limit_is_waited_for(ledger: Ledger) -> None:
    """Somebody limited for a moment is asked again after it, not at once, and not for ever."""
    campaign = freeze(ledger, 1)
    answers = iter([[Submission(CodeClass.LATER, "", "later")], [OK]])
    provider = Scripted(lambda call: next(answers))
    run(ledger, campaign, provider)
    other = Ledger(str(ledger.database.engine.url))
    hammered = Scripted(everybody(CodeClass.LATER, "later"))
    second = other.campaigns.freeze(
        name="d", mode=Mode.LIVE, provider="s", plan_hash="p", spec={}, summary={}, frozen=_one_person()
    ).id
    run(other, second, hammered)
    left = other.audience.counts(second).waiting
    other.close()

    assert len(provider.asked) == 2
    assert ledger.audience.counts(campaign).accepted == 1
    assert len(hammered.asked) == Patience().attempts
    assert left == 1


def _one_person() -> Frozen:
    return Frozen(
        phones=np.array([8613900000000]),
        persons=pa.array(["u"], pa.large_string()),
        variables={"name": pa.array(["n"], pa.large_string())},
        parts=np.ones(1, np.int16),
        excluded=pa.table({"person": pa.array([], pa.large_string())}),
        order=np.arange(1),
    )


def test_one_bad_number_does_not_take_the_others_along(ledger: Ledger) -> None:
    """A call refused as a whole for one number is halved until only that number is refused."""
    campaign = freeze(ledger, 40)
    bad = "+8613800000013"

    def answer(call: Call) -> list[Submission]:
        if bad in call.phones:
            raise Refused("spoilt", code="num")
        return [OK] * len(call)

    run(ledger, campaign, Scripted(answer, batch=40))

    assert ledger.audience.counts(campaign).refused == 1
    assert ledger.audience.counts(campaign).accepted == 39
    assert ledger.audience.states(campaign)[0][13] == State.REFUSED


def test_a_bad_text_stops_before_everybody_is_refused(ledger: Ledger) -> None:
    """When every message is refused for what it says, the run stops with most people still waiting."""
    campaign = freeze(ledger, 500)
    ended = run(ledger, campaign, Scripted(everybody(CodeClass.REFUSED, "text")))

    assert "refused for what they say" in ended.stopped
    assert ledger.audience.counts(campaign).refused <= Patience().refused_in_a_row + 2
    assert ledger.audience.counts(campaign).waiting >= 470


def test_silence_stops_the_run(ledger: Ledger) -> None:
    """A provider that stops answering leaves few unknown, not all."""
    campaign = freeze(ledger, 500)
    ended = run(ledger, campaign, Scripted(failing(OutcomeUnknown("?"))))

    assert "no clear answer" in ended.stopped
    assert ledger.audience.counts(campaign).unknown <= Patience().unknown_in_a_row + 2


def test_batches_that_are_not_allowed_are_cut_smaller(ledger: Ledger) -> None:
    """When batches are definitely refused, the same people go one by one and nobody is asked for twice."""
    campaign = freeze(ledger, 30)

    def answer(call: Call) -> list[Submission]:
        if len(call) > 1:
            provider.batch = 1
            raise BatchNotAllowed("one by one, please")
        return [OK]

    provider = Scripted(answer, batch=10)
    run(ledger, campaign, provider)
    singles = [call[0] for call in provider.asked if len(call) == 1]

    assert ledger.audience.counts(campaign).accepted == 30
    assert len(singles) == len(set(singles)) == 30


def test_an_account_problem_leaves_the_rest_waiting(ledger: Ledger) -> None:
    """Money running out stops at once; the next run finishes the others."""
    campaign = freeze(ledger, 100)
    left = iter(range(10))

    def answer(call: Call) -> list[Submission]:
        if next(left, None) is None:
            raise AccountProblem("账户余额不足")
        return [OK]

    ended = run(ledger, campaign, Scripted(answer))
    between = ledger.audience.counts(campaign)
    run(ledger, campaign, Scripted(everybody(CodeClass.ACCEPTED, "0")))

    assert ended.stopped == "账户余额不足"
    assert (between.accepted, between.waiting) == (10, 90)
    assert ledger.audience.counts(campaign).accepted == 100


def test_a_message_of_another_campaign_during_the_run_counts_for_the_cap(ledger: Ledger) -> None:
    """Whom another campaign claims meanwhile is stopped; the others of the same request are messaged."""
    campaign, other = freeze(ledger, 200), freeze(ledger, 200, name="other")
    late = 8613800000150

    def answer(call: Call) -> list[Submission]:
        if call.phones[0] == "+8613800000003":
            claim = Change("claim", 0, np.array([150], np.uint16), np.array([State.SUBMITTING], np.uint8))
            ledger.changes.apply(other, [claim], token=None)
        return [OK] * len(call)

    provider = Scripted(answer, batch=3, concurrency=1)
    run(ledger, campaign, provider, guards=Guards(cap=FrequencyCap(1, timedelta(days=7))))

    assert ledger.audience.history(campaign, 0).reason[150] == "frequency_cap"
    assert ledger.audience.stopped(campaign) == {"frequency_cap": 1}
    assert ledger.audience.counts(campaign).accepted == 199
    assert f"+{late}" not in [phone for call in provider.asked for phone in call]
    assert ["+8613800000151", "+8613800000152"] in provider.asked


def test_without_a_cap_nothing_is_looked_up(ledger: Ledger) -> None:
    """A campaign without a cap never asks what other campaigns did."""
    campaign, other = freeze(ledger, 3), freeze(ledger, 3, name="other")
    asked: list[str] = []

    def watched(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    sqlalchemy.event.listen(ledger.database.engine, "before_cursor_execute", watched)
    run(ledger, campaign, Scripted(everybody(CodeClass.ACCEPTED, "0")))
    plain, asked = asked, []
    week = Guards(cap=FrequencyCap(1, timedelta(days=7)))
    run(ledger, other, Scripted(everybody(CodeClass.ACCEPTED, "0")), guards=week)

    def elsewhere(statements: list[str]) -> list[str]:
        return [s for s in statements if "FROM event" in s and not re.search(r"event.campaign_id = [?%]", s)]

    assert not elsewhere(plain)
    assert elsewhere(asked)
    assert ledger.audience.counts(other).refused == 3


def test_an_opt_out_during_the_run_is_honoured(ledger: Ledger) -> None:
    """Somebody who opts out while the campaign runs is refused with that reason, not messaged."""
    campaign = freeze(ledger, 200)
    late = 8613800000150

    def answer(call: Call) -> list[Submission]:
        if call.phones[0] == "+8613800000003":
            ledger.opt_outs.add([late], source="reply")
        return [OK] * len(call)

    provider = Scripted(answer, batch=3, concurrency=1)
    run(ledger, campaign, provider)

    assert ledger.audience.states(campaign)[0][150] == State.REFUSED
    assert ledger.audience.history(campaign, 0).reason[150] == "opted_out"
    assert ledger.audience.counts(campaign).accepted == 199
    assert f"+{late}" not in [phone for call in provider.asked for phone in call]


def test_the_window_closes_during_a_run(ledger: Ledger) -> None:
    """When the send window closes, requests on the way are finished and the rest waits."""
    campaign = freeze(ledger, 50)
    clock = iter([datetime(2026, 1, 1, 19, 59)] * 20 + [datetime(2026, 1, 1, 20, 0)] * 1000)
    window = SendWindow(datetime(2026, 1, 1, 8).time(), datetime(2026, 1, 1, 20).time())
    provider = Scripted(everybody(CodeClass.ACCEPTED, "0"))
    ended = run(ledger, campaign, provider, guards=Guards(window), clock=Clock(lambda: next(clock)))

    assert "send window" in ended.stopped
    assert ledger.audience.counts(campaign).accepted == 20
    assert ledger.audience.counts(campaign).waiting == 30


def test_a_stop_request_from_elsewhere_ends_it_cleanly(ledger: Ledger) -> None:
    """A stop asked for by another process leaves nothing between the states."""
    campaign = freeze(ledger, 2000)

    asked = itertools.count(1)

    async def slow(call: Call) -> list[Submission]:
        if next(asked) == 10:
            await asyncio.to_thread(ledger.campaigns.request_stop, campaign)
        await asyncio.sleep(0.01)
        return [OK]

    provider = Scripted(everybody(CodeClass.ACCEPTED))
    provider.submit = slow  # type: ignore[method-assign]
    ended = run(ledger, campaign, provider)
    books = ledger.audience.counts(campaign)

    assert ended.stopped == "a stop was requested"
    assert books.submitting == books.unknown == 0
    assert 9 <= books.accepted < 2000


def test_a_lost_lease_stops_the_run(ledger: Ledger) -> None:
    """A run whose lease another one took sends nothing more and says so."""
    campaign = freeze(ledger, 50)

    def answer(call: Call) -> list[Submission]:
        with ledger.database.write() as conn:
            conn.exec_driver_sql("update sender set token = 'somebody else'")
        return [OK]

    provider = Scripted(answer, concurrency=1)
    with pytest.raises(LedgerLocked):
        run(ledger, campaign, provider)

    assert len(provider.asked) == 1


def test_pacing_holds(ledger: Ledger) -> None:
    """No second ever holds more requests than the limit."""
    from smskit.providers.pacing import Pacer

    pacer = Pacer(200)
    at = [pacer.reserve(0.0) for _ in range(1000)]
    gaps: Sequence[float] = np.diff(at)  # type: ignore[assignment]

    assert min(gaps) == pytest.approx(1 / 200)
    assert max(np.searchsorted(at, np.array(at) + 0.999) - np.arange(1000)) <= 200


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        pytest.param(CodeClass.UNKNOWN, "", id="no-clear-answer"),
        pytest.param(CodeClass.REFUSED, "text", id="refused-for-its-text"),
    ],
)
def test_only_what_goes_wrong_in_a_row_stops_a_run(ledger: Ledger, kind: CodeClass, code: str) -> None:
    """Each message that is accepted begins the count anew."""
    answers = [Submission(kind, "", code), Submission(kind, "", code), OK] * 4
    patience = Patience(unknown_in_a_row=3, refused_in_a_row=3)
    scripted = Scripted(lambda call: [answers.pop()], concurrency=1)
    ended = run(ledger, freeze(ledger, 12), scripted, patience=patience)

    assert (ended.stopped, answers) == ("", [])
