"""
Named points at which a run dies, and what is then found in the ledger and at the provider.

A run kills itself by SIGKILL at exactly one moment of one request. The points are found
from outside of the package, by the statements of the ledger's transactions and at the
provider's `submit`: no code of smskit knows of them.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import event

from smskit.providers import Provider

__all__ = ["POINTS", "Point", "arm"]


class Point(NamedTuple):
    """
    What a run of four requests, one at a time, leaves behind when it dies here; counts of requests.

    Args:
        request: Of the four, the one at which it dies.
        accepted: What the ledger knows to be accepted.
        under_way: What the ledger has as submitting.
        taken: What the provider has accepted.
    """

    request: int
    accepted: int
    under_way: int
    taken: int


# An outcome is committed with the next claim or just before it, so only the last one's commit is alone.
POINTS = {
    "before-claim": Point(1, accepted=0, under_way=0, taken=0),
    "in-claim": Point(1, accepted=0, under_way=0, taken=0),  # written, not committed
    "after-claim": Point(2, accepted=1, under_way=1, taken=1),
    "after-submit": Point(2, accepted=1, under_way=1, taken=2),  # accepted, not answered
    "after-answer": Point(2, accepted=1, under_way=1, taken=2),
    "in-outcome": Point(2, accepted=1, under_way=1, taken=2),
    "after-outcome": Point(4, accepted=4, under_way=0, taken=4),
}


def arm(provider: type[Provider], point: str, request: int) -> None:
    """
    Have this process die at *point* of its *request*-th request, or claim, or outcome.

    Not for ``after-submit``: only the provider knows that moment.
    """
    passed = 0

    def pass_by(here: str) -> None:
        nonlocal passed
        passed += here == point
        if here == point and passed == request:
            os.kill(os.getpid(), signal.SIGKILL)

    _watch_ledger(pass_by)
    _watch_provider(provider, pass_by)


def _watch_ledger(pass_by: Callable[[str], None]) -> None:
    """Pass by ``before-``, ``in-`` and ``after-`` the transaction that holds a claim or an outcome."""

    @event.listens_for(sa.Engine, "before_cursor_execute")
    def written(conn: sa.Connection, cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if "INSERT INTO event" in statement:
            given = values.values() if isinstance(values, dict) else values
            kinds = [kind for kind in ("claim", "outcome") if kind in given or f"'{kind}'" in statement]
            for kind in kinds:
                pass_by(f"before-{kind}")
            conn.info["kinds"] = [*conn.info.get("kinds", ()), *kinds]
            if statement.endswith("COMMIT"):  # a server gets all of it as one message
                written_down(conn)

    @event.listens_for(sa.Engine, "commit")
    def committed(conn: sa.Connection) -> None:
        if conn.dialect.name == "sqlite":
            written_down(conn)

    def written_down(conn: sa.Connection) -> None:
        for kind in conn.info.get("kinds", ()):
            pass_by(f"in-{kind}")

    @event.listens_for(sa.Pool, "checkin")
    def left(connection: Any, record: Any) -> None:
        for kind in record.info.pop("kinds", ()):
            if kind == "outcome":
                pass_by("after-outcome")


def _watch_provider(provider: type[Provider], pass_by: Callable[[str], None]) -> None:
    """Pass by before a request leaves and after it was answered."""
    submit = provider.submit

    async def watched(self: Provider, call: Any) -> Any:
        pass_by("after-claim")
        answer = await submit(self, call)
        pass_by("after-answer")
        return answer

    provider.submit = watched  # type: ignore[method-assign]
