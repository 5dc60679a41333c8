"""
What frequency caps look at: other live campaigns' messages, by phone and time.

The arithmetic is ``smskit.ledger.recent``; here is where it gets its history from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from smskit.ledger.database import LedgerPart
from smskit.ledger.hot import Hot
from smskit.ledger.recent import Recent, counted
from smskit.ledger.schema import AUDIENCE, CAMPAIGN, EVENT, PROGRESS
from smskit.ledger.seals import read_row, states_of, unsealed, with_sums
from smskit.message.windows import FrequencyCap
from smskit.models import Kind, Mode


class Caps(LedgerPart):
    """Who was messaged lately."""

    def accepted_since(self, since: float, *, but_not: str) -> NDArray[np.int64]:
        """
        Phones of live messages that were submitted after *since* and accepted, once for each message.

        A message that may have been accepted counts; see ``caps.counted``.

        Args:
            but_not: The campaign that asks; its own messages, test sends included, are left out.
        """
        phones: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
        with self._database.read() as conn:
            for campaign_id in _others(conn, but_not):
                for chunk in chunks_since(conn, campaign_id, since):
                    lately = _lately(conn, campaign_id, chunk, since)
                    phones.append(lately.phones[counted(lately.states) & (lately.claimed_at > since)])
        return np.concatenate(phones)

    def recent(self, campaign_id: int, cap: FrequencyCap) -> Recent:
        """
        What a cap of this campaign looks at when people are claimed, as of now.

        Campaigns of the same name (its rehearsal or live twin) and its test sends do not count.
        """
        query = sa.select(*with_sums(AUDIENCE.c.phones)).where(AUDIENCE.c.campaign_id == campaign_id)
        with self._database.read() as conn:
            rows = conn.execute(query.order_by(AUDIENCE.c.chunk)).all()
            phones = [np.frombuffer(unsealed(conn, row, AUDIENCE.c.phones), np.int64) for row in rows]
            recent = Recent(np.concatenate([np.empty(0, np.int64), *phones]), cap)
            others = _others(conn, _name(conn, campaign_id))
            # Of live campaigns, whose events stay: the number of a forgotten rehearsal's is given anew.
            live = sa.select(EVENT.c.id).where(EVENT.c.campaign_id.in_([*others, campaign_id]))
            recent.seen = conn.execute(live.order_by(EVENT.c.id.desc()).limit(1)).scalar() or 0
            since = self._database.clock() - recent.reach_s
            for other in others:
                for chunk in chunks_since(conn, other, since):
                    _add(recent, conn, other, chunk, since)
        return recent


def _name(conn: sa.Connection, campaign_id: int) -> str:
    return str(conn.execute(sa.select(CAMPAIGN.c.name).where(CAMPAIGN.c.id == campaign_id)).scalar_one())


def _others(conn: sa.Connection, but_not: str, among: Sequence[int] | None = None) -> list[int]:
    """Live campaigns that count for a cap of the campaign of that name."""
    its_test = (CAMPAIGN.c.kind == str(Kind.TEST)) & (CAMPAIGN.c.parent == but_not)
    query = sa.select(CAMPAIGN.c.id).where(
        CAMPAIGN.c.mode == str(Mode.LIVE), CAMPAIGN.c.name != but_not, sa.not_(its_test)
    )
    if among is not None:
        query = query.where(CAMPAIGN.c.id.in_(among))
    return list(conn.execute(query).scalars())


def chunks_since(conn: sa.Connection, campaign_id: int, since: float) -> list[int]:
    query = sa.select(EVENT.c.chunk).where(EVENT.c.campaign_id == campaign_id, EVENT.c.at >= since)
    return sorted(set(conn.execute(query.distinct()).scalars()))


class _Lately(NamedTuple):
    """A chunk as a cap sees it; NaN = not claimed since then."""

    phones: NDArray[np.int64]
    states: NDArray[np.uint8]
    claimed_at: NDArray[np.float64]


def _lately(conn: sa.Connection, campaign_id: int, chunk: int, since: float) -> _Lately:
    held = read_row(conn, campaign_id, chunk, AUDIENCE.c.phones)
    phones = np.frombuffer(unsealed(conn, held, AUDIENCE.c.phones), np.int64)
    states = states_of(conn, read_row(conn, campaign_id, chunk, PROGRESS.c.states))
    claims = conn.execute(
        sa.select(EVENT.c.at, *with_sums(EVENT.c.positions))
        .where(
            EVENT.c.campaign_id == campaign_id,
            EVENT.c.chunk == chunk,
            EVENT.c.kind == "claim",
            EVENT.c.at > since,
        )
        .order_by(EVENT.c.id)
    ).all()
    claimed_at = np.full(len(phones), np.nan)
    blobs = [unsealed(conn, claim, EVENT.c.positions) for claim in claims]
    times = np.repeat([claim.at for claim in claims], [len(blob) // 2 for blob in blobs])
    claimed_at[np.frombuffer(b"".join(blobs), np.uint16)] = times  # the last one stays
    return _Lately(phones, states, claimed_at)


def _add(recent: Recent, conn: sa.Connection, campaign_id: int, chunk: int, since: float) -> None:
    lately = _lately(conn, campaign_id, chunk, since)
    recent.add(campaign_id, chunk, lately.phones, claimed_at=lately.claimed_at, states=lately.states)


def catch_up(conn: sa.Connection, hot: Hot, campaign_id: int, recent: Recent, now: float) -> int:
    """Tell *recent* what happened since it was told last; returns the number of the last event."""
    last = int(hot.last(conn, {}).scalar() or 0)
    moves = hot.others(conn, {"seen": recent.seen, "own": campaign_id}).all() if last > recent.seen else []
    strange = {m.campaign_id for m in moves if not recent.knows(m.campaign_id, m.chunk)}
    # Asked anew each time: the number of a forgotten rehearsal may be a live campaign's by now.
    count = set(_others(conn, _name(conn, campaign_id), sorted(strange))) if strange else set()
    for move in moves:
        if not recent.knows(move.campaign_id, move.chunk):
            if move.campaign_id not in count:
                continue
            _add(recent, conn, move.campaign_id, move.chunk, now - recent.reach_s)
        recent.tell(
            move.campaign_id,
            move.chunk,
            claimed_at=move.at if move.kind == "claim" else None,
            positions=np.frombuffer(unsealed(conn, move, EVENT.c.positions), np.uint16),
            states=states_of(conn, move, EVENT.c.states),
        )
    return last
