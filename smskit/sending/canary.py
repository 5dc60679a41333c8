"""
The canary: a share of a campaign that is sent to first, looked at after a wait, and then decides.

Owns whom it consists of, the wait, and the judgement. What it has come to is kept
in the ledger, so that a run that was killed while it waited goes on waiting.
Leaves sending to ``engine``, and the order of things to ``campaign``.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from smskit.audience.persons import keys
from smskit.i18n import Joined, Message
from smskit.ledger import WAITS_FOR_CANARY, CampaignRow, Ledger
from smskit.models import Mode, State
from smskit.planning.policy import LEAST_CANARY
from smskit.planning.spec import CampaignSpec
from smskit.providers.base import Feature, Provider
from smskit.providers.calls import Job
from smskit.sending.clock import Clock
from smskit.sending.engine import Ended
from smskit.sending.reconcile import fetch_receipts, fetch_replies
from smskit.sending.unknowns import settle_by_asking

__all__ = ["Counts", "Limits", "Wait", "choose", "count", "judge", "size_of", "try_first"]

Send = Callable[[Mapping[int, NDArray[np.bool_]]], Awaitable[Ended]]

_REHEARSED = timedelta(seconds=3)  # a rehearsal's receipts come at once
_KNOWN = 0.5  # share of the canary of which something must be known


def size_of(planned: int, share: float) -> int:
    """How many people are the canary of *planned*; as many as planned = there is none to speak of."""
    return min(max(math.ceil(planned * share), LEAST_CANARY), planned)


def choose(ledger: Ledger, campaign_id: int, name: str, size: int) -> dict[int, NDArray[np.bool_]]:
    """
    Chunk -> who of it belongs to the canary: *size* people in all, the same ones each time.

    By a hash of campaign and person, so neither the first rows of a segment nor the
    same people every week.
    """
    hashes = {
        chunk: keys(ledger.audience.keys(campaign_id, chunk).persons, salt=f"canary {name}")
        for chunk in ledger.audience.states(campaign_id)
    }
    if not hashes:
        return {}
    everybody = np.concatenate(list(hashes.values()))
    last = np.partition(everybody, size - 1)[size - 1] if size < len(everybody) else everybody.max()
    return {chunk: own <= last for chunk, own in hashes.items()}


class Counts(NamedTuple):
    """What became of a canary."""

    size: int
    stopped: int  # by us, as they were claimed: opted out, or over the frequency cap
    delivered: int
    undelivered: int
    refused: int  # by the provider, for good or for now
    unknown: int
    awaiting: int  # no receipt yet
    opted_out: int  # since it began


def count(
    ledger: Ledger, campaign_id: int, chosen: Mapping[int, NDArray[np.bool_]], *, since: float
) -> Counts:
    """Count a canary from the ledger; *since* is when it began, epoch seconds."""
    states = ledger.audience.states(campaign_id)
    own = {chunk: states[chunk][mask] for chunk, mask in chosen.items()}
    n = np.bincount(np.concatenate([np.empty(0, np.uint8), *own.values()]), minlength=len(State))
    stopped = 0
    for chunk, mask in chosen.items():
        for event in ledger.audience.events(campaign_id, chunk):
            if event.kind in ("opt_out", "frequency_cap"):
                stopped += int(mask[event.positions].sum())
    lately = np.array([phone for phone, at, *_ in ledger.opt_outs.rows() if at >= since], np.int64)
    phones = [
        ledger.audience.keys(campaign_id, c).phones[m & (states[c] != State.REFUSED)]
        for c, m in chosen.items()
    ]
    return Counts(
        size=int(sum(m.sum() for m in chosen.values())),
        stopped=stopped,
        delivered=int(n[State.DELIVERED]),
        undelivered=int(n[State.UNDELIVERED]),
        refused=int(n[State.REFUSED] + n[State.WAITING]) - stopped,
        unknown=int(n[State.UNKNOWN]),
        awaiting=int(n[State.ACCEPTED]),
        opted_out=int(sum(np.isin(p, lately).sum() for p in phones)),
    )


class Limits(NamedTuple):
    """What is still good, as shares from 0 to 1."""

    failure: float
    opt_out: float


def judge(counts: Counts, limits: Limits) -> tuple[bool, Message]:
    """
    Whether to go on, and the figures in words.

    Failed is what was refused, undelivered or has no clear outcome, among those of
    whom something is known. What has no receipt is neither good nor bad; with
    receipts for less than half of the canary nothing can be said, and that is no yes.
    Opt-outs are counted among those who were sent to.
    """
    figures, problems = _figures(counts), list(_problems(counts, limits))
    if not problems:
        return True, figures
    return False, Message("{why} ({figures})", why=Joined(problems), figures=figures)


def _problems(counts: Counts, limits: Limits) -> Iterator[Message]:
    asked = counts.size - counts.stopped
    failed = counts.refused + counts.undelivered + counts.unknown
    known = failed + counts.delivered
    sent = asked - counts.refused
    too_many_failed = known > 0 and failed / known > limits.failure
    too_many_opted_out = sent > 0 and counts.opted_out / sent > limits.opt_out
    if too_many_failed:
        yield Message(
            "{n} of {m} failed ({share:.1%}), more than `canary_max_failure` ({most:.1%})",
            n=failed,
            m=known,
            share=failed / known,
            most=limits.failure,
        )
    if too_many_opted_out:
        yield Message(
            "{n} of {m} opted out ({share:.1%}), more than `canary_max_opt_out` ({most:.1%})",
            n=counts.opted_out,
            m=sent,
            share=counts.opted_out / sent,
            most=limits.opt_out,
        )
    if not (too_many_failed or too_many_opted_out) and known < asked * _KNOWN:
        yield Message(
            "receipts are there for less than half of it ({n} of {m}), which is too few to judge",
            n=known,
            m=asked,
        )


def _figures(counts: Counts) -> Message:
    if counts.stopped:
        return Message(
            "of {size} people {delivered} delivered, {undelivered} undelivered, {refused} refused, "
            "{unknown} unknown, {awaiting} without a receipt, {opted_out} opted out, {stopped} not sent to",
            **counts._asdict(),
        )
    return Message(
        "of {size} people {delivered} delivered, {undelivered} undelivered, {refused} refused, "
        "{unknown} unknown, {awaiting} without a receipt, {opted_out} opted out",
        **counts._asdict(),
    )


@dataclass
class Wait:
    """
    The wait between a canary and its judgement: a second at a time, and it can be stopped.

    Args:
        clock: The time, and how it is passed.
        deadline: A wait that would go past it is not begun; aware, None = none.
    """

    ledger: Ledger
    campaign_id: int
    token: str
    clock: Clock
    deadline: datetime | None = None
    stopped: str = ""

    def stop(self, why: str) -> None:
        """Give up waiting."""
        self.stopped = self.stopped or why

    async def until(self, due: datetime, note: str) -> str:
        """Wait until *due* with *note* in the ledger; returns why it was given up, "" when it was not."""
        due = due.astimezone(UTC)
        if self.deadline and due > self.deadline.astimezone(UTC):
            self.stop(Message("its wait would end later than `not_after`"))
        if self.stopped or self.clock.now() >= due:
            return self.stopped
        await asyncio.to_thread(self.ledger.campaigns.note, self.campaign_id, note)
        renewed = self.clock.now()
        while not self.stopped and (left := (due - self.clock.now().astimezone(UTC)).total_seconds()) > 0:
            await self.clock.sleep(min(left, 1.0))
            if await asyncio.to_thread(self.ledger.campaigns.stop_requested, self.campaign_id):
                self.stop(Message("a stop was requested"))
            if self.clock.now() - renewed > timedelta(seconds=10):
                renewed = self.clock.now()
                await asyncio.to_thread(self.ledger.senders.renew, self.campaign_id, self.token)
        return self.stopped


async def try_first(
    ledger: Ledger,
    row: CampaignRow,
    spec: CampaignSpec,
    provider: Provider,
    job: Job,
    *,
    send: Send,
    wait: Wait,
) -> str:
    """
    Send to the canary, wait, look; returns why the campaign must not go on, "" when it may.

    Goes on wherever an earlier run was: sending, waiting or judging. A campaign of
    which somebody was sent to before there was a canary, or that is hardly larger
    than one, has none.

    Args:
        send: Sends to those people only.
    """
    known = ledger.canaries.get(row.id)
    if not spec.canary or (known and known.passed_at is not None):
        return ""
    if known is None:
        books = ledger.audience.counts(row.id)
        size = size_of(books.planned, spec.canary)
        if size >= books.planned or books.waiting < books.planned:
            return ""
        ledger.canaries.begin(row.id, size=size, at=wait.clock.now().timestamp())
        known = ledger.canaries.get(row.id)
        assert known is not None
    chosen = choose(ledger, row.id, row.name, known.size)
    most = int(known.size * spec.canary_max_failure)
    if stopped := await _send_all(ledger, row, provider, job, chosen, send, wait.clock.sleep, most=most):
        return stopped
    if known.sent_at is None:
        ledger.canaries.change(row.id, sent_at=wait.clock.now().timestamp())
        known = ledger.canaries.get(row.id)
        assert known is not None
    assert known.sent_at is not None
    pause = spec.canary_pause if row.mode is Mode.LIVE else min(spec.canary_pause, _REHEARSED)
    due = datetime.fromtimestamp(known.sent_at, UTC) + pause
    due = due.astimezone(spec.zone)
    note = Message(WAITS_FOR_CANARY, at=f"{due:%Y-%m-%d %H:%M:%S %Z}", n=known.size)
    if given_up := await wait.until(due, note):
        return Message("while the canary of {n} people was waited for: {why}", n=known.size, why=given_up)
    return await _look(ledger, row, spec, provider, chosen, since=known.begun_at, now=wait.clock.now)


async def _send_all(
    ledger: Ledger,
    row: CampaignRow,
    provider: Provider,
    job: Job,
    chosen: Mapping[int, NDArray[np.bool_]],
    send: Send,
    sleep: Callable[[float], Awaitable[None]],
    *,
    most: int,
) -> str:
    """Send to all of it; not to go on when more than *most* were not taken, too many for it to pass."""
    # Those an earlier run left in the dark are asked about first: they may have to be sent to, too.
    if ledger.audience.counts(row.id).unknown and Feature.RECORDS in provider.features:
        await settle_by_asking(ledger, row, provider, job, wait=True, sleep=sleep)
    if not _waiting(ledger, row, chosen):
        return ""
    ended = await send(chosen)
    if ended.stopped:
        return ended.stopped
    if _waiting(ledger, row, chosen) <= most:
        return ""
    return ended.not_taken or Message("some of the canary were not taken for now")


def _waiting(ledger: Ledger, row: CampaignRow, chosen: Mapping[int, NDArray[np.bool_]]) -> int:
    states = ledger.audience.states(row.id)
    return sum(int((states[chunk][mask] == State.WAITING).sum()) for chunk, mask in chosen.items())


async def _look(
    ledger: Ledger,
    row: CampaignRow,
    spec: CampaignSpec,
    provider: Provider,
    chosen: Mapping[int, NDArray[np.bool_]],
    *,
    since: float,
    now: Callable[[], datetime],
) -> str:
    await fetch_receipts(ledger, provider, row.mode)
    await fetch_replies(ledger, provider, row.mode)
    counts = count(ledger, row.id, chosen, since=since)
    good, told = judge(counts, Limits(spec.canary_max_failure, spec.canary_max_opt_out))
    if good:
        told = Message("canary passed: {why}", why=told)
        ledger.canaries.change(row.id, passed_at=now().timestamp(), told=told)
        await asyncio.to_thread(ledger.campaigns.note, row.id, told)
        return ""
    told = Message(
        "the canary did not pass: {why}. A run looks at its receipts again; with `canary: 0` it goes on "
        "anyway; left as it is, nobody else is sent to",
        why=told,
    )
    ledger.canaries.change(row.id, told=told)
    return told
