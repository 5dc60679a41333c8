"""
The only changes of state there are, each an allowed transition, with its event.

A claim, its intent and the proof that its run may make it are one transaction, with the look
at opt-outs and frequency caps in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
import orjson
import sqlalchemy as sa
from numpy.typing import NDArray

from smskit.audience.phones import hide, words
from smskit.errors import LedgerError, LedgerLocked
from smskit.i18n import Message, dumps
from smskit.ledger.caps import catch_up
from smskit.ledger.database import LedgerPart
from smskit.ledger.hot import Hot
from smskit.ledger.recent import Recent
from smskit.ledger.records import Change, Facts
from smskit.ledger.schema import EVENT, PROGRESS
from smskit.ledger.seals import sealed, states_of, sum_of, unsealed, with_sums
from smskit.models import State

Answer = TypeVar("Answer")
LEASE_TTL_S: Final = 60.0  # of a run on another machine: how long it may be silent
ALONE: Final = "alone"  # a role, see ``senders``: the run has all of its campaign
_SIGN_AFTER_S: Final = 10.0
_TAKEN_OVER: Final = Message("another run has taken this campaign over; this one stops")
# What may become what. Anything else is a bug, and is refused by the transaction.
TRANSITIONS: dict[str, tuple[State, frozenset[State]]] = {
    "claim": (State.WAITING, frozenset({State.SUBMITTING})),
    "opt_out": (State.WAITING, frozenset({State.REFUSED})),
    "frequency_cap": (State.WAITING, frozenset({State.REFUSED})),
    "outcome": (
        State.SUBMITTING,
        frozenset({State.ACCEPTED, State.REFUSED, State.UNKNOWN, State.WAITING}),
    ),
    "interrupted": (State.SUBMITTING, frozenset({State.UNKNOWN})),
    "settled": (State.UNKNOWN, frozenset({State.ACCEPTED, State.REFUSED, State.WAITING})),
    "receipt": (State.ACCEPTED, frozenset({State.DELIVERED, State.UNDELIVERED})),
}


class Proof(NamedTuple):
    """What holds of a run within a transaction of its own."""

    role: str
    opt_outs: int  # the version of the opt-outs


class Changes(LedgerPart):
    """What runs, receipts and people do to the states."""

    def apply(self, campaign_id: int, changes: Sequence[Change], *, token: str | None) -> None:
        """
        Commit *changes* together, durably, or none of them.

        Args:
            token: Of the run, for everything a run does; None for
                what touches only finished submissions; see the two below.

        Raises:
            LedgerLocked: it was taken for dead.
            LedgerError: somebody is not in the state the change starts from.
        """
        with self._database.write() as conn:
            now = self._database.clock()
            shared = token and prove(conn, self._database.hot, campaign_id, token, now).role != ALONE
            apply_all(conn, self._database.hot, campaign_id, changes, now, sharer=token if shared else None)

    def last_event(self) -> int:
        """The number of the latest event; what is read after asking is at least as new."""
        with self._database.read() as conn:
            return int(self._database.hot.last(conn, {}).scalar() or 0)

    def apply_untouched(self, campaign_id: int, changes: Sequence[Change], *, since: int) -> list[Change]:
        """
        Commit *changes* as far as nothing else happened to their people after event *since*.

        For what a provider was asked about, without a lease and for some time, beside a run that settles
        and sends too. What it says of one submission must not be recorded of the next one, even where
        the person is in the same state again.

        Returns:
            What was committed.
        """
        query = sa.select(*with_sums(EVENT.c.positions))
        query = query.where(EVENT.c.campaign_id == campaign_id, EVENT.c.id > since)
        with self._database.write() as conn:
            touched: dict[int, list[NDArray[np.uint16]]] = {}
            for row in conn.execute(query):
                positions = np.frombuffer(unsealed(conn, row, EVENT.c.positions), np.uint16)
                touched.setdefault(row.chunk, []).append(positions)
            left = [_without(change, touched.get(change.chunk, [])) for change in changes]
            made = [change for change in left if len(change.positions)]
            apply_all(conn, self._database.hot, campaign_id, made, self._database.clock())
        return made

    def apply_to_present(
        self, campaign_id: int, changes: Callable[[Mapping[int, NDArray[np.uint8]]], Sequence[Change]]
    ) -> None:
        """
        `apply` what *changes* makes of the states (chunk -> one byte a person) within the same transaction.

        For receipts and a person's word, which need no lease: nobody else can move anybody in between.
        """
        query = sa.select(*with_sums(PROGRESS.c.states)).where(PROGRESS.c.campaign_id == campaign_id)
        with self._database.write() as conn:
            rows = conn.execute(query.order_by(PROGRESS.c.chunk)).all()
            present = {row.chunk: states_of(conn, row) for row in rows}
            apply_all(conn, self._database.hot, campaign_id, changes(present), self._database.clock())

    def apply_unless_opted_out(
        self,
        campaign_id: int,
        changes: Callable[[float], tuple[Sequence[Change], Answer]],
        *,
        token: str,
        version: int,
        recent: Recent | None = None,
    ) -> Answer | None:
        """
        `apply`, if the opt-outs are still those of *version*; else change nothing.

        One transaction for all of it, so no claim can slip past an opt-out that was recorded
        before it, nor two runs take the same person past a frequency cap: of two claims one
        is first, and the other sees it. (SQLite has one writer at a time; elsewhere writers
        have to be kept apart for this to hold.)

        Args:
            changes: Makes them, and what is to be returned once they are committed, given the time of
                the transaction, when *recent* is up to date.
            recent: Brought up to date with everything other campaigns did; None = there is no cap.

        Returns:
            What *changes* gave, None when nothing was changed.
        """
        with self._database.write() as conn:
            # Taken under the lock: a claim is never older than one that was committed before it.
            now = self._database.clock()
            found = prove(conn, self._database.hot, campaign_id, token, now)
            if found.opt_outs != version:
                return None
            last = 0 if recent is None else catch_up(conn, self._database.hot, campaign_id, recent, now)
            made, answer = changes(now)
            sharer = None if found.role == ALONE else token
            apply_all(conn, self._database.hot, campaign_id, made, now, sharer=sharer)
        if recent is not None:
            # Only now: a number that was rolled back, or that a forgotten rehearsal had, is given anew.
            # After it lies an event of ours, which stays.
            recent.seen = last
        return answer


def interruptions(states: Mapping[int, NDArray[np.uint8]]) -> list[Change]:
    """Everybody of *states* (chunk -> one byte a person) who is being submitted becomes unknown."""
    made = []
    for chunk, present in states.items():
        left = np.flatnonzero(present == State.SUBMITTING).astype(np.uint16)
        if len(left):
            to = np.full(len(left), State.UNKNOWN, np.uint8)
            made.append(Change("interrupted", chunk, left, to, Facts(reason="interrupted")))
    return made


def prove(
    conn: sa.Connection, hot: Hot, campaign_id: int, token: str, now: float, *, renew: bool = False
) -> Proof:
    """
    What holds of the run of *token*, which gives a sign of life where its last one is old, or with *renew*.

    So for 50 s after a claim nobody takes its run for dead; its request takes less to leave.

    Raises:
        LedgerLocked: it was taken for dead, or never was one of this campaign.
    """
    asked = {"campaign": campaign_id, "token": token, "counter": "opt_out"}
    row = hot.sender(conn, asked).one_or_none()
    if row is None:
        raise LedgerLocked(_TAKEN_OVER)
    if renew or row.until < now + LEASE_TTL_S - _SIGN_AFTER_S:
        hot.renew(conn, {"token": token, "until": now + LEASE_TTL_S})
    return Proof(str(row.role), row.opt_outs or 0)


def count_unsent(states: NDArray[np.uint8]) -> int:
    """How many wait or are being submitted."""
    return int(np.count_nonzero(states <= State.SUBMITTING))


def _without(change: Change, touched: Sequence[NDArray[np.uint16]]) -> Change:
    keep = ~np.isin(change.positions, np.concatenate(touched)) if touched else None
    if keep is None or keep.all():
        return change
    rows = np.flatnonzero(keep).tolist()

    def kept(value: Any) -> Any:
        return value if value is None or isinstance(value, str | float) else [value[row] for row in rows]

    facts = Facts(**{name: kept(value) for name, value in vars(change.facts).items()})
    return Change(change.kind, change.chunk, change.positions[rows], change.states[rows], facts)


def apply_all(
    conn: sa.Connection,
    hot: Hot,
    campaign_id: int,
    changes: Sequence[Change],
    now: float,
    *,
    sharer: str | None = None,
) -> None:
    """
    Move people along, and write down why.

    Args:
        sharer: The token of a run that shares the campaign, which has to have the chunks it changes.
    """
    present: dict[int, NDArray[np.uint8]] = {}
    for change in changes:
        here = {"campaign": campaign_id, "at": change.chunk}
        if change.chunk not in present:
            row = hot.states(conn, here).one()
            if sharer is not None and row.sender != sharer:
                raise LedgerLocked(_TAKEN_OVER)
            present[change.chunk] = states_of(conn, row).copy()
        states = present[change.chunk]
        _demand_transition(change, states)
        states[change.positions] = change.states
        blobs = {
            "positions": change.positions.tobytes(),
            "states": change.states.tobytes(),
            "facts": orjson.dumps(recorded(change.facts)),
        }
        event = sealed(EVENT, campaign_id, change.chunk, blobs) | {"kind": change.kind, "at": now}
        hot.event(conn, {f"e_{name}": value for name, value in event.items()})
    for chunk, states in present.items():
        blob = states.tobytes()
        moved = {
            "now": blob,
            "sum": sum_of(PROGRESS.c.states, campaign_id, chunk, blob),
            "unsent": count_unsent(states),
        }
        hot.move(conn, {"campaign": campaign_id, "at": chunk} | moved)


def _demand_transition(change: Change, states: NDArray[np.uint8]) -> None:
    """Refuse a change that nobody can make from where the people of its chunk are."""
    start, allowed = TRANSITIONS[change.kind]
    if (states[change.positions] != start).any():
        raise LedgerError(
            "{kind}: somebody is not {state}; nothing was recorded", kind=change.kind, state=start.label
        )
    if len(set(change.positions.tolist())) < len(change.positions):
        raise LedgerError("{kind}: somebody is named twice; nothing was recorded", kind=change.kind)
    if not allowed.issuperset(set(change.states.tolist())):
        raise LedgerError("{kind} cannot lead there; nothing was recorded", kind=change.kind)


def recorded(facts: Facts) -> dict[str, Any]:
    """What is kept of *facts*: what there is, without full phones in a provider's codes and words."""
    kept = vars(facts) | {
        "codes": _each(hide, facts.codes),
        "details": _each(lambda detail: dumps(words(detail)), facts.details),
    }
    return {name: value for name, value in kept.items() if value not in ("", None)}


def _each(change: Callable[[str], str], texts: str | Sequence[str]) -> str | list[str]:
    return change(texts) if isinstance(texts, str) else [change(text) for text in texts]
