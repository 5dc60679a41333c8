"""
The runs that send a campaign: one alone, or on a server several that share it.

Who shares a campaign *takes* a chunk of it at a time. Each of its claims shows, in the claim's own
transaction, that it is still there and still has that chunk; what was taken from it, it cannot claim.
One of them *leads*: it sends the canary and settles what earlier runs left, and the others take chunks
once it has opened the campaign. Whoever finds that nobody leads does it from then on.

A sender is dead when its process is gone, or on another machine after ``LEASE_TTL_S`` without a sign of
life; a claim is one. What it had under way becomes unknown, and its chunks are free.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from smskit.errors import LedgerLocked, LedgerUnavailable
from smskit.ledger.changes import ALONE, LEASE_TTL_S, apply_all, count_unsent, interruptions, prove
from smskit.ledger.database import LedgerPart
from smskit.ledger.processes import WORKING, host_name, this_process, works
from smskit.ledger.schema import CAMPAIGN, EVENT, PROGRESS, SENDER
from smskit.ledger.seals import states_of, with_sums

__all__ = ["LEASE_TTL_S", "Owner", "Role", "Senders", "Sent"]


class Role(StrEnum):
    """What a run may do with its campaign."""

    ALONE = ALONE  # it has all of it
    LEAD = "lead"  # it decides, and the others wait until it has opened the campaign
    OPEN = "open"  # it leads, and has opened it
    SHARE = "share"  # it takes chunks

    @property
    def leads(self) -> bool:
        """Whether it settles and finishes the campaign."""
        return self is not Role.SHARE


class Owner(NamedTuple):
    """A process that sends a campaign."""

    host: str
    pid: int
    here: bool  # it is this one


class Sender(NamedTuple):
    """A run that is at work on a campaign."""

    host: str
    pid: int
    since: float  # epoch seconds
    chunks: int  # that it has, and that are not sent to the end


class Sent(NamedTuple):
    """How far a campaign is that several send."""

    stop_requested: bool
    unsent: int  # people who wait or are being submitted
    over: bool  # nobody does, but for those in the chunks that were left out


class Senders(LedgerPart):
    """Who sends which campaign."""

    @property
    def may_share(self) -> bool:
        """Whether several may send one campaign: a file is for one at a time."""
        return self._database.is_server

    # -- coming and going ------------------------------------------------------------------

    @contextmanager
    def hold(self, campaign_id: int) -> Iterator[str]:
        """
        Own the campaign for the length of the block; yields the token that proves it.

        Raises:
            LedgerLocked: another run is alive.
        """
        with self._come(campaign_id, Role.ALONE, begin=False) as token:
            yield token

    @contextmanager
    def join(self, campaign_id: int, *, share: bool) -> Iterator[str]:
        """
        Send the campaign for the length of the block; yields the token that proves it.

        The campaign is marked as running. What dead runs had under way becomes unknown. A stop that was
        asked for holds for whoever is at work, and for who comes while they are.

        Args:
            share: Beside others that share it too.

        Raises:
            LedgerLocked: another run has it alone, or one that shares it is alive and this one would not.
        """
        with self._come(campaign_id, Role.SHARE if share else Role.ALONE, begin=True) as token:
            yield token

    @contextmanager
    def _come(self, campaign_id: int, role: Role, *, begin: bool) -> Iterator[str]:
        token = uuid.uuid4().hex
        self._enter(campaign_id, token, role, begin=begin)
        WORKING.add(token)
        try:
            yield token
        finally:
            WORKING.discard(token)
            # A ledger that cannot be written says so already; whoever comes next sees that nobody works.
            with suppress(LedgerUnavailable):
                self._go(campaign_id, token)

    def _enter(self, campaign_id: int, token: str, role: Role, *, begin: bool) -> None:
        host, pid, started = this_process()
        with self._database.write() as conn:
            now = self._database.clock()
            others = self._living(conn, campaign_id, now)
            if others and (role is Role.ALONE or others[0].role == Role.ALONE):
                raise LedgerLocked(
                    "another run (process {n} on {host}) is working on this campaign; "
                    "wait for it or stop it, then run again",
                    n=others[0].pid,
                    host=host_name(others[0].host),
                )
            if begin:
                self._reap(conn, campaign_id, now, others, free=not others)
                first = {} if others else {"stop_requested": 0, "note": ""}
                values = first | {"state": "running", "finished_at": None, "archived_at": None}
                values["started_at"] = sa.func.coalesce(CAMPAIGN.c.started_at, now)
                conn.execute(CAMPAIGN.update().where(CAMPAIGN.c.id == campaign_id).values(**values))
            elif not others:
                conn.execute(SENDER.delete().where(SENDER.c.campaign_id == campaign_id))
            conn.execute(
                SENDER.insert().values(
                    token=token,
                    campaign_id=campaign_id,
                    role=str(role),
                    host=host,
                    pid=pid,
                    process_started=started,
                    since=now,
                    until=now + LEASE_TTL_S,
                )
            )

    def _go(self, campaign_id: int, token: str) -> None:
        with self._database.write() as conn:
            own = conn.execute(sa.select(SENDER.c.role).where(SENDER.c.token == token)).scalar()
            conn.execute(SENDER.delete().where(SENDER.c.token == token))
            if own not in (None, Role.ALONE):
                now = self._database.clock()
                self._reap(conn, campaign_id, now, self._living(conn, campaign_id, now))

    def close(self, campaign_id: int, token: str, state: str, *, note: str = "") -> bool:
        """
        Leave the campaign, and say what state it is in unless others are still at it; returns whether.

        That it is finished may also be said by who leads. Who was taken for dead has no say any more.
        """
        with self._database.write() as conn:
            now = self._database.clock()
            own = conn.execute(sa.select(SENDER).where(SENDER.c.token == token)).one_or_none()
            if own is None:
                return False
            conn.execute(SENDER.delete().where(SENDER.c.token == token))
            others = self._living(conn, campaign_id, now)
            if own.role != Role.ALONE:
                self._reap(conn, campaign_id, now, others)
            if others and not (Role(own.role).leads and state == "finished"):
                return False
            values: dict[str, Any] = {"state": state, "note": note}
            if state == "finished":
                values["finished_at"] = now
            conn.execute(CAMPAIGN.update().where(CAMPAIGN.c.id == campaign_id).values(**values))
            return True

    # -- sharing -----------------------------------------------------------------------------

    def take(
        self, campaign_id: int, token: str, *, but_not: Collection[int] = ()
    ) -> tuple[int, NDArray[np.uint8]] | None:
        """
        The next free chunk in which somebody waits, with its states; None = there is none for now.

        Args:
            but_not: Chunks that are left to others.
        """
        free = (PROGRESS.c.campaign_id == campaign_id) & (PROGRESS.c.sender == "") & (PROGRESS.c.unsent != 0)
        query = sa.select(*with_sums(PROGRESS.c.states)).where(free).order_by(PROGRESS.c.chunk).limit(1)
        skip = set(but_not)
        with self._database.write() as conn:
            prove(conn, self._database.hot, campaign_id, token, self._database.clock())
            if not self._is_open(conn, campaign_id):
                return None
            while row := conn.execute(query.where(PROGRESS.c.chunk.not_in(skip))).one_or_none():
                states = states_of(conn, row)
                here = (PROGRESS.c.campaign_id == campaign_id) & (PROGRESS.c.chunk == row.chunk)
                if unsent := count_unsent(states):
                    conn.execute(PROGRESS.update().where(here).values(sender=token, unsent=unsent))
                    return row.chunk, states
                conn.execute(PROGRESS.update().where(here).values(unsent=0))
        return None

    def take_all(self, campaign_id: int, token: str) -> None:
        """Take every chunk that is free; only who leads does, before the others may."""
        free = (PROGRESS.c.campaign_id == campaign_id) & (PROGRESS.c.sender == "")
        with self._database.write() as conn:
            prove(conn, self._database.hot, campaign_id, token, self._database.clock())
            conn.execute(PROGRESS.update().where(free).values(sender=token))

    def let_go(self, campaign_id: int, token: str) -> list[int]:
        """Leave all chunks to others; returns those in which somebody still waits."""
        own = (PROGRESS.c.campaign_id == campaign_id) & (PROGRESS.c.sender == token)
        with self._database.write() as conn:
            query = sa.select(PROGRESS.c.chunk).where(own, PROGRESS.c.unsent != 0)
            left = list(conn.execute(query).scalars())
            conn.execute(PROGRESS.update().where(own).values(sender=""))
        return left

    def open(self, campaign_id: int, token: str) -> None:
        """Let the others take chunks, and keep none oneself."""
        with self._database.write() as conn:
            prove(conn, self._database.hot, campaign_id, token, self._database.clock())
            own = (PROGRESS.c.campaign_id == campaign_id) & (PROGRESS.c.sender == token)
            conn.execute(PROGRESS.update().where(own).values(sender=""))
            conn.execute(SENDER.update().where(SENDER.c.token == token).values(role=str(Role.OPEN)))

    def renew(self, campaign_id: int, token: str, *, sending: bool = False) -> tuple[Role, bool]:
        """
        Give a sign of life, look after the dead, and lead where nobody does.

        Args:
            sending: It has taken chunks, so the campaign was opened and stays open.

        Returns:
            The role it has now, and whether the campaign is open.

        Raises:
            LedgerLocked: it was taken for dead.
        """
        with self._database.write() as conn:
            now = self._database.clock()
            role = prove(conn, self._database.hot, campaign_id, token, now, renew=True).role
            if role == Role.ALONE:
                return Role.ALONE, True
            living = self._living(conn, campaign_id, now)
            self._reap(conn, campaign_id, now, living)
            if not any(Role(each.role).leads for each in living):
                role = Role.OPEN if sending else Role.LEAD
                conn.execute(SENDER.update().where(SENDER.c.token == token).values(role=str(role)))
            return Role(role), self._is_open(conn, campaign_id)

    def reap(self, campaign_id: int) -> int:
        """
        Turn what dead runs left as submitting into unknown, and free their chunks; returns how many people.

        A run that is alive is left alone.
        """
        with self._database.write() as conn:
            now = self._database.clock()
            return self._reap(conn, campaign_id, now, self._living(conn, campaign_id, now), free=True)

    # -- looking -----------------------------------------------------------------------------

    def sent(self, campaign_id: int, *, but_not: Collection[int] = ()) -> Sent:
        """
        How far the campaign is.

        Args:
            but_not: Free chunks of which nothing more is expected.
        """
        own = PROGRESS.c.campaign_id == campaign_id
        given_up = (PROGRESS.c.sender == "") & PROGRESS.c.chunk.in_(set(but_not))
        open_ = own & (PROGRESS.c.unsent != 0)
        stop = sa.select(CAMPAIGN.c.stop_requested).where(CAMPAIGN.c.id == campaign_id)
        unsent = sa.select(sa.func.sum(PROGRESS.c.unsent)).where(own, PROGRESS.c.unsent > 0)
        left = sa.select(PROGRESS.c.chunk).where(open_, sa.not_(given_up)).limit(1)
        asked = [query.scalar_subquery() for query in (stop, unsent, left)]
        with self._database.read() as conn:
            row = conn.execute(sa.select(*(each.label(f"a{n}") for n, each in enumerate(asked)))).one()
        return Sent(bool(row.a0), int(row.a1 or 0), row.a2 is None)

    def has_lost(self, campaign_id: int, token: str) -> bool:
        """Whether a sender has died since the one of *token* came, and left somebody unknown."""
        since = sa.select(SENDER.c.since).where(SENDER.c.token == token).scalar_subquery()
        own = (EVENT.c.campaign_id == campaign_id) & (EVENT.c.kind == "interrupted") & (EVENT.c.at >= since)
        with self._database.read() as conn:
            return conn.execute(sa.select(EVENT.c.id).where(own).limit(1)).first() is not None

    def owner(self, campaign_id: int) -> Owner | None:
        """Who sends the campaign right now: this process where it does, else who leads. None = nobody."""
        with self._database.read() as conn:
            living = self._living(conn, campaign_id, self._database.clock())
        if not living:
            return None
        here = this_process()[:2]
        owners = [Owner(host_name(each.host), each.pid, (each.host, each.pid) == here) for each in living]
        return next((owner for owner in owners if owner.here), owners[0])

    def find(self, campaign_id: int) -> list[Sender]:
        """Everybody who sends the campaign right now, who leads first."""
        held = (PROGRESS.c.campaign_id == campaign_id) & (PROGRESS.c.unsent != 0)
        query = sa.select(PROGRESS.c.sender, sa.func.count()).where(held).group_by(PROGRESS.c.sender)
        with self._database.read() as conn:
            living = self._living(conn, campaign_id, self._database.clock())
            chunks = {row[0]: row[1] for row in conn.execute(query)} if living else {}
        alone = sum(chunks.values())
        return [
            Sender(
                host_name(s.host), s.pid, s.since, alone if s.role == Role.ALONE else chunks.get(s.token, 0)
            )
            for s in living
        ]

    # -- within a transaction ----------------------------------------------------------------

    def _living(self, conn: sa.Connection, campaign_id: int, now: float) -> list[Any]:
        found = conn.execute(
            sa.select(SENDER).where(SENDER.c.campaign_id == campaign_id).order_by(SENDER.c.since)
        )
        living = [each for each in found if works(each, now)]
        return sorted(living, key=lambda each: not Role(each.role).leads)

    def _is_open(self, conn: sa.Connection, campaign_id: int) -> bool:
        opened = (SENDER.c.campaign_id == campaign_id) & (SENDER.c.role == Role.OPEN)
        return conn.execute(sa.select(SENDER.c.token).where(opened)).first() is not None

    def _reap(
        self,
        conn: sa.Connection,
        campaign_id: int,
        now: float,
        living: Collection[Any],
        *,
        free: bool = False,
    ) -> int:
        """See `reap`; chunks that nobody has are looked at too where *free*."""
        if any(each.role == Role.ALONE for each in living):
            return 0
        tokens = [each.token for each in living]
        dead = (SENDER.c.campaign_id == campaign_id) & SENDER.c.token.not_in(tokens)
        conn.execute(SENDER.delete().where(dead))
        left = (PROGRESS.c.campaign_id == campaign_id) & PROGRESS.c.sender.not_in(
            tokens if free else [*tokens, ""]
        )
        query = sa.select(*with_sums(PROGRESS.c.states)).where(left, PROGRESS.c.unsent != 0)
        states = {row.chunk: states_of(conn, row) for row in conn.execute(query.order_by(PROGRESS.c.chunk))}
        changes = interruptions(states)
        apply_all(conn, self._database.hot, campaign_id, changes, now)
        conn.execute(PROGRESS.update().where(left, PROGRESS.c.sender != "").values(sender=""))
        return sum(len(change.positions) for change in changes)
