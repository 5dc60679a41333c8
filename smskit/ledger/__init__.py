"""
The database: schema, the only state changes there are, and reading back.

Shape. A campaign's audience is frozen once, in send order, and stored by column
in chunks of at most ``CHUNK`` people. Next to each chunk lies one byte a person, the
``State``. Every change is one transaction that moves those bytes along an
allowed transition and appends an ``event`` row saying who, when and with what
answer; so the bytes are the present, the events are the evidence, and both always agree.

Why nobody can be submitted twice: (mode, name) is unique, the audience of a
campaign is written once with every phone and person in it at most once (checked
while writing), and a claim succeeds only from WAITING, in the same transaction
that records the intent and proves that its run may send. SQLite runs with
``synchronous=FULL``: what was claimed stays claimed through a power cut.

Modules: ``schema``, ``version`` and ``database`` are the ground, ``records`` and ``blobs`` the
shapes; each of the others is one part of ``Ledger``, over the one ``Database`` they share.

Times are epoch seconds (UTC). Leaves to others: what to send and when.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from smskit.errors import LedgerAway
from smskit.ledger.accounts import Accounts, Checked
from smskit.ledger.approvals import ApprovalRow, Approvals
from smskit.ledger.audience import Audience
from smskit.ledger.audit import Action, Audit, Chain, Entry
from smskit.ledger.campaigns import Campaigns
from smskit.ledger.canaries import Canaries, CanaryRow
from smskit.ledger.caps import Caps
from smskit.ledger.changes import Changes
from smskit.ledger.database import SERVER_PATIENCE_S, Database, file_has_campaign, resolve_url
from smskit.ledger.erasing import Erased, Erasing
from smskit.ledger.opt_outs import OptOutRow, OptOuts
from smskit.ledger.pace import Pace
from smskit.ledger.raw_reports import UNMATCHED_DAYS, RawReports, Unmatched
from smskit.ledger.records import (
    WAITS_FOR_CANARY,
    WAITS_FOR_WINDOW,
    CampaignRow,
    Change,
    Event,
    EventKind,
    Facts,
    Frozen,
    History,
    Keys,
    ReplyRow,
    Tally,
    Times,
    times_of,
)
from smskit.ledger.replies import Replies
from smskit.ledger.runs import RunRow, Runs
from smskit.ledger.schema import CHUNK
from smskit.ledger.seals import as_written, damage
from smskit.ledger.senders import LEASE_TTL_S, Owner, Role, Sender, Senders
from smskit.ledger.staging import Staging
from smskit.ledger.totals import CLOCKS_DIFFER_S, CampaignTotals, Damaged, count_all
from smskit.ledger.witness import Witness
from smskit.models import Mode

__all__ = [
    "CHUNK",
    "CLOCKS_DIFFER_S",
    "LEASE_TTL_S",
    "UNMATCHED_DAYS",
    "WAITS_FOR_CANARY",
    "WAITS_FOR_WINDOW",
    "Action",
    "ApprovalRow",
    "CampaignRow",
    "CampaignTotals",
    "CanaryRow",
    "Chain",
    "Change",
    "Checked",
    "Damaged",
    "Entry",
    "Erased",
    "Event",
    "EventKind",
    "Facts",
    "Frozen",
    "History",
    "Keys",
    "Ledger",
    "OptOutRow",
    "Owner",
    "ReplyRow",
    "Role",
    "RunRow",
    "Sender",
    "Tally",
    "Times",
    "as_written",
    "damage",
    "file_has_campaign",
    "resolve_url",
    "times_of",
]

T = TypeVar("T")


class Ledger:
    """
    The ledger at *url* (a SQLAlchemy URL of SQLite or PostgreSQL). Safe to share between threads.

    A relative SQLite path is taken from the project's root, so that a notebook,
    papermill and the command line meet in the same file wherever they start.

    >>> import smskit
    >>> ledger = smskit.Ledger("sqlite://")  # in memory; `open_ledger` opens the project's own
    >>> ledger.opt_outs.add([8613800138000], source="by hand")
    1
    >>> ledger.close()

    Args:
        clock: Epoch seconds; None = this machine's, or the server's own.
        patience_s: How long its server may be away before what waits for it fails.

    Attributes:
        database: The connections, which the parts below share.
        campaigns: How one begins, what state it is in, what its id was made from.
        audience: Who a campaign is about, and what happened to each of them.
        changes: The only changes of state there are.
        senders: Which runs send a campaign.
        pace: When the next request may go out through an account.
        witness: How far it is, to know later whether it has forgotten something.
        caps: Who was messaged lately.
        canaries: The share of a campaign that was sent to first.
        raw_reports: Pages of receipts and replies as they came.
        unmatched: Receipts whose message is not known yet.
        replies: What people wrote back.
        opt_outs: Who asked not to be messaged.
        runs: Every run, also one that was refused or died.
        approvals: Which plans of live campaigns somebody else has said yes to.
        audit: Who did what.
        erasing: Erases a person, and tells who was.
        accounts: What providers answered when they were last asked, and what people typed in.

    Raises:
        LedgerError: the database cannot be opened (the URL is not repeated), or a newer smskit wrote it.
    """

    def __init__(
        self, url: str, *, clock: Callable[[], float] | None = None, patience_s: float = SERVER_PATIENCE_S
    ) -> None:
        self.database = database = Database(url, clock=clock, patience_s=patience_s)
        self.patience_s = patience_s
        self.campaigns = Campaigns(database)
        self.audience = Audience(database, self.campaigns)
        self.changes = Changes(database)
        self.senders = Senders(database)
        self.staging = Staging(database, self.senders)
        self.pace = Pace(database)
        self.witness = Witness(database)
        self.caps = Caps(database)
        self.canaries = Canaries(database)
        self.raw_reports = RawReports(database)
        self.unmatched = Unmatched(database)
        self.replies = Replies(database)
        self.opt_outs = OptOuts(database)
        self.runs = Runs(database)
        self.approvals = Approvals(database)
        self.audit = Audit(database)
        self.accounts = Accounts(database)
        self.erasing = Erasing(database, self.audience)

    def clock(self) -> float:
        """What time it is for everything the ledger writes down; epoch seconds."""
        return self.database.clock()

    def patiently(self, attempt: Callable[[], T]) -> T:
        """
        What *attempt* answers, made again while its server breaks off: then nothing was written.

        Raises:
            LedgerAway: it stayed away for longer than its patience.
        """
        end = time.monotonic() + self.patience_s
        while True:
            try:
                return attempt()
            except LedgerAway:
                if time.monotonic() > end or self.database.given_up:
                    raise
                time.sleep(0.001)  # opening a connection again is what waits

    def count_all(self, *, mode: Mode | None = None) -> tuple[list[CampaignTotals], list[Damaged]]:
        """Every campaign counted, oldest first, and those whose record is damaged; see ``totals``."""
        return count_all(self.database, mode=mode)

    def close(self) -> None:
        """Give all connections back."""
        self.database.close()
