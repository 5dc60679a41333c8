"""
The database: schema, the only state changes there are, and reading back.

Shape. A campaign's audience is frozen once, in send order, and stored by column
in chunks of ``CHUNK`` people. Beside each chunk lies one byte a person, the
``State``. Every change is one transaction that moves those bytes along an
allowed arrow and appends an ``event`` row saying who, when and with what answer;
so the bytes are the present, the events are the evidence, and both always agree.

Why nobody can be submitted twice: (mode, name) is unique, the audience of a
campaign is written once with every phone and person in it at most once (checked
while writing), and a claim succeeds only from WAITING, in the same transaction
that records the intent and proves the lease. SQLite runs with
``synchronous=FULL``: what was claimed stays claimed through a power cut.

Rooms: ``schema`` and ``database`` are the ground, ``records`` and ``blobs`` the shapes;
``campaigns``, ``lease``, ``changes``, ``reading``, ``caps``, ``canaries``, ``inbox``, ``opt_outs``
``runs`` and ``accounts`` each add to ``Ledger`` what they are about.

Times are epoch seconds (UTC). Leaves to others: what to send and when.
"""

from __future__ import annotations

from smskit.ledger.accounts import Accounts, Checked
from smskit.ledger.canaries import Canaries, CanaryRow
from smskit.ledger.caps import Caps
from smskit.ledger.changes import Changes
from smskit.ledger.database import resolve_url
from smskit.ledger.inbox import STRAY_DAYS, Inbox
from smskit.ledger.lease import LEASE_TTL_S, Leases, Owner
from smskit.ledger.opt_outs import OptOuts
from smskit.ledger.records import (
    WAITS_FOR_CANARY,
    WAITS_FOR_WINDOW,
    Books,
    CampaignRow,
    Change,
    Event,
    EventKind,
    Facts,
    Frozen,
    History,
    Keys,
    ReplyRow,
)
from smskit.ledger.runs import RunRow, Runs
from smskit.ledger.schema import CHUNK

__all__ = [
    "CHUNK",
    "LEASE_TTL_S",
    "STRAY_DAYS",
    "WAITS_FOR_CANARY",
    "WAITS_FOR_WINDOW",
    "Books",
    "CampaignRow",
    "CanaryRow",
    "Change",
    "Checked",
    "Event",
    "EventKind",
    "Facts",
    "Frozen",
    "History",
    "Keys",
    "Ledger",
    "Owner",
    "ReplyRow",
    "RunRow",
    "resolve_url",
]


class Ledger(Changes, Leases, Caps, Canaries, Inbox, OptOuts, Runs, Accounts):
    """
    The ledger at *url* (a SQLAlchemy URL; SQLite or PostgreSQL). Safe to share between threads.

    A relative SQLite path is taken from the project's root, so that a notebook,
    papermill and the command line meet in the same file wherever they start.

    Raises:
        LedgerError: the database cannot be opened; the URL is not repeated.
    """
