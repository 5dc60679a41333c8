"""
Unknown outcomes: settled by asking the provider, or by a person's word.

An unknown becomes accepted when the provider shows a record of exactly that message, and goes back to
waiting only when the provider can be asked, was given time, and has no record of it. What a record or its
absence proves is `judge`, which is pure; `candidates` and `apply` read and write the ledger around it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from smskit.audience.phones import normalise_one, to_e164
from smskit.errors import InputError, ProviderError
from smskit.i18n import Message
from smskit.ledger import Action, CampaignRow, Change, Facts, Ledger
from smskit.models import Mode, Receipt, Record, State
from smskit.providers.base import Feature, Provider
from smskit.providers.calls import Job
from smskit.sending.reconcile import CLOCK_SKEW, Settled, apply_receipts

__all__ = [
    "Unknown",
    "Verdict",
    "apply",
    "candidates",
    "judge",
    "note_settled",
    "settle_by_asking",
    "settle_by_hand",
]


class Unknown(NamedTuple):
    """One message whose outcome is unknown, and what would prove it."""

    chunk: int  # of the ledger
    position: int  # within the chunk
    phone: int  # E.164 digits
    text: str  # the whole text as sent
    submitted_at: float  # epoch seconds, of our clock
    reference: str = ""  # our own of its campaign, which some providers echo
    silent_until: float = math.inf  # "no record" of an earlier moment proves nothing; inf = of none does


class Verdict(NamedTuple):
    """What is known now of a message that was unknown."""

    state: State  # ACCEPTED, REFUSED, or WAITING: it was never taken
    facts: Facts
    receipt: Receipt | None = None  # of an accepted one, where its record has one


async def settle_by_asking(
    ledger: Ledger,
    row: CampaignRow,
    provider: Provider,
    job: Job,
    *,
    wait: bool = False,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Settled:
    """
    Ask the provider about every unknown of a campaign and record what it says.

    Args:
        wait: Sleep until "no record" may be believed, instead of leaving the
            youngest unknown for another time.
        sleep: How that passes the time; seconds of the ledger's clock.
    """
    since = ledger.changes.last_event()
    unknowns = candidates(ledger, row, provider, job)
    if not unknowns or Feature.RECORDS not in provider.features:
        return Settled()
    left = max(unknown.silent_until for unknown in unknowns) - ledger.clock()
    if wait and 0 < left < math.inf:
        await sleep(left + 0.05)
    # An answer is as old as its question, however long it takes to ask about everybody.
    at, result = ledger.clock(), Settled()
    answers = await _ask(provider, unknowns, at, result)
    own = _without_others(ledger, provider.name, row.mode, answers)
    verdicts = {unknown: judge(unknown, records, at) for unknown, records in own.items()}
    result.add(apply(ledger, row, verdicts, since=since))
    return result


def candidates(ledger: Ledger, row: CampaignRow, provider: Provider, job: Job) -> list[Unknown]:
    """Every message of a campaign whose outcome is unknown."""
    lag_s = provider.record_lag_s if provider.records_prove_absence else math.inf
    found = []
    for chunk, states in ledger.audience.states(row.id).items():
        positions = np.flatnonzero(states == State.UNKNOWN).astype(np.uint16)
        if len(positions):
            people = ledger.audience.people(row.id, chunk, positions)
            texts = job.template.render_column(people.variables, len(positions)).to_pylist()
            times = ledger.audience.history(row.id, chunk).submitted_at[positions]
            found += [
                Unknown(chunk, int(at), int(phone), text, float(time), job.reference, float(time) + lag_s)
                for at, phone, text, time in zip(positions, people.phones, texts, times, strict=True)
            ]
    return found


def judge(unknown: Unknown, records: Sequence[Record], at: float) -> Verdict | None:
    """
    What *records* prove of one unknown message; None = nothing yet, so it stays unknown.

    A record of this message decides: accepted, or refused. Any other record proves nothing, since it may be
    this message in a form nobody recognises; it even keeps silence from counting. Silence proves that the
    message was never taken, but only from `Unknown.silent_until` on.

    Args:
        records: Of the same phone, without those of other messages of ours.
        at: When they were asked for; epoch seconds.
    """
    match = next((record for record in records if _is_of(record, unknown)), None)
    if match is None:
        silent = not records and at >= unknown.silent_until
        return Verdict(State.WAITING, Facts(reason="no_record")) if silent else None
    if not match.accepted:
        return Verdict(State.REFUSED, Facts(reason="refused", codes=match.code))
    return Verdict(State.ACCEPTED, Facts(ids=match.message_id, codes=match.code), match.receipt)


def _is_of(record: Record, unknown: Unknown) -> bool:
    try:
        if normalise_one(record.phone) != unknown.phone:
            return False
    except InputError:
        return False
    # Our own reference names the campaign; the same text may have gone out in another one.
    if record.reference and unknown.reference:
        return record.reference.startswith(unknown.reference)
    return bool(record.text) and record.text == unknown.text


def apply(
    ledger: Ledger, row: CampaignRow, verdicts: Mapping[Unknown, Verdict | None], *, since: int
) -> Settled:
    """
    Record the verdicts, and the receipts that came with them.

    Args:
        since: The ledger's last event before it was asked: what changed after it is left as it is, since
            receipts that were fetched meanwhile may have settled some already.
    """
    known = {unknown: verdict for unknown, verdict in verdicts.items() if verdict is not None}
    if not known:
        return Settled()
    changes = [
        Change("settled", u.chunk, np.array([u.position], np.uint16), np.array([v.state], np.uint8), v.facts)
        for u, v in known.items()
    ]
    receipts = [(u.chunk, u.position, v.receipt) for u, v in known.items() if v.receipt is not None]
    states = [
        int(change.states[0]) for change in ledger.changes.apply_untouched(row.id, changes, since=since)
    ]
    result = Settled(
        found=states.count(State.ACCEPTED),
        refused=states.count(State.REFUSED),
        never_taken=states.count(State.WAITING),
    )
    result.add(apply_receipts(ledger, row, receipts))
    return result


async def _ask(
    provider: Provider, unknowns: Sequence[Unknown], at: float, result: Settled
) -> dict[Unknown, Sequence[Record]]:
    """Each unknown with the records of its phone; who could not be asked about is left out."""
    answers: dict[Unknown, Sequence[Record]] = {}
    places = asyncio.Semaphore(provider.settings.concurrency)
    until = datetime.fromtimestamp(at, UTC) + CLOCK_SKEW

    async def one(unknown: Unknown) -> None:
        since = datetime.fromtimestamp(unknown.submitted_at, UTC) - CLOCK_SKEW
        async with places:
            try:
                answers[unknown] = await provider.records(to_e164(unknown.phone), since, until)
            except ProviderError as error:
                if error.message not in result.problems:
                    result.problems.append(error.message)

    await asyncio.gather(*(one(unknown) for unknown in unknowns))
    return answers


def _without_others(
    ledger: Ledger, provider: str, mode: Mode, answers: Mapping[Unknown, Sequence[Record]]
) -> dict[Unknown, list[Record]]:
    """*answers* without records of other messages of ours, such as a test sent a minute before."""
    if not answers:
        return {}
    # Twice: records were searched that much earlier, by a clock that may be that much ahead of ours.
    earliest = min(unknown.submitted_at for unknown in answers) - 2 * CLOCK_SKEW.total_seconds()
    shown = {(r.message_id, u.phone) for u, records in answers.items() for r in records if r.message_id}
    others = ledger.audience.known_messages(provider, mode, earliest, shown)
    return {
        unknown: [record for record in records if (record.message_id, unknown.phone) not in others]
        for unknown, records in answers.items()
    }


def settle_by_hand(ledger: Ledger, row: CampaignRow, *, resend: bool) -> int:
    """
    A person's word on everybody who stayed unknown: give up, or send again when the campaign goes on.

    Returns:
        How many that were.
    """
    state, facts = (
        (State.WAITING, Facts(reason="resend_ordered"))
        if resend
        else (State.REFUSED, Facts(reason="given_up"))
    )
    word = "resend" if resend else "give up"
    note_settled(ledger, row, word, ledger.audience.counts(row.id).unknown)
    count = 0

    def changes(present: Mapping[int, NDArray[np.uint8]]) -> list[Change]:
        nonlocal count
        made = []
        for chunk, states in present.items():
            positions = np.flatnonzero(states == State.UNKNOWN).astype(np.uint16)
            if len(positions):
                to = np.full(len(positions), state, np.uint8)
                made.append(Change("settled", chunk, positions, to, facts))
        count = sum(len(change.positions) for change in made)
        return made

    ledger.changes.apply_to_present(row.id, changes)
    if resend and count:
        note = Message("people who stayed unknown are to be sent again")
        ledger.campaigns.mark(row.id, "paused", note=note)
    return count


def note_settled(ledger: Ledger, row: CampaignRow, word: str, people: int) -> None:
    """Put a person's *word* on so many people into the audit trail; nothing where there are none."""
    if people:
        about = {"campaign": row.name, "mode": row.mode, "plan_hash": row.plan_hash}
        ledger.audit.note(Action.SETTLE, word=word, people=people, **about)
