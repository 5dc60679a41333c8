"""
After sending: settle unknowns, then fetch receipts and replies, for the accounts behind campaigns.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from smskit.errors import LedgerDamaged, LedgerError, SettingsError
from smskit.i18n import Message
from smskit.ledger import CampaignRow, Ledger
from smskit.models import Mode
from smskit.providers.base import Provider
from smskit.sending.access import ask
from smskit.sending.likely import likely, settle_exclusive
from smskit.sending.publishing import renew_reports
from smskit.sending.reconcile import Settled, fetch_receipts, fetch_replies, fold_pushed, job_of, notice_dead
from smskit.sending.rehearsal import provider_for
from smskit.sending.unknowns import settle_by_asking
from smskit.settings import Environment


@dataclass
class Fetched:
    """What ``fetch`` did, by campaign or provider, and what is still open."""

    settled: Settled = field(default_factory=Settled)
    unknown: int = 0
    awaiting: int = 0
    undecided: int = 0  # doubtful replies, of all live campaigns
    unread: int = 0  # pages of live accounts that could not be read
    likely: int = 0  # of the unknown: a report without our reference is likely about them


def fetch(
    ledger: Ledger, rows: list[CampaignRow], *, environment: Environment | None = None, wait: bool = False
) -> Fetched:
    """
    Settle unknowns, those of dead runs too, then fetch receipts and replies, for the accounts behind *rows*.

    Reports are fetched per account, so other live campaigns of the same
    provider profit too. A provider that cannot be reached becomes a problem in
    the result; the others are still asked.

    Args:
        wait: Wait until "no record" may be believed for every unknown.
    """
    known = environment or Environment()

    def connect(row: CampaignRow) -> AbstractContextManager[Provider]:
        return provider_for(
            row.provider, row.mode, known, campaign=row.name, job=job_of(row), clock=ledger.clock
        )

    result = fetch_from(ledger, rows, connect, wait=wait)
    if result.settled.any:
        renew_reports(ledger, rows, known)
    return result


def fetch_from(
    ledger: Ledger,
    rows: list[CampaignRow],
    connect: Callable[[CampaignRow], AbstractContextManager[Provider]],
    *,
    wait: bool = False,
) -> Fetched:
    """`fetch`, from the providers that *connect* gives for a campaign."""
    result = Fetched()
    whole = []
    for row in rows:
        try:
            notice_dead(ledger, row)
            unknown = ledger.audience.counts(row.id).unknown
        except LedgerDamaged as error:
            result.settled.add(Settled(problems=[error.message]))
            continue
        whole.append(row)
        if unknown:
            _ask(row, connect, result, lambda p, r=row: _settle(ledger, r, p, result, wait))
    # One live account a provider; a rehearsal has an account of its own.
    accounts = {(r.provider, r.mode, r.name if r.mode is Mode.REHEARSE else ""): r for r in whole}
    for row in accounts.values():
        _ask(row, connect, result, lambda p, r=row: _collect(ledger, r, p, result))
    for row in whole:
        books = ledger.audience.counts(row.id)
        result.unknown += books.unknown
        result.awaiting += books.awaiting
        if books.unknown:
            try:
                found = likely(ledger, row.provider, row.mode)
            except LedgerDamaged as error:  # in whose campaigns there may be a message to the same number
                result.settled.add(Settled(problems=[error.message]))
                continue
            result.likely += sum(one.row.id == row.id for one in found)
        if books.waiting and row.state == "finished":
            note = Message("some were never taken by the provider and wait to be sent")
            ledger.campaigns.mark(row.id, "paused", note=note)
    result.undecided = ledger.replies.count_undecided()
    result.unread = ledger.raw_reports.count_unread()
    return result


def fetch_while_open(
    ledger: Ledger,
    rows: list[CampaignRow],
    *,
    environment: Environment | None = None,
    every_s: float = 2.0,
    stop: threading.Event | None = None,
    told: Callable[[Fetched], None] = lambda _: None,
) -> Fetched:
    """
    ``fetch`` again and again while a message waits for its receipt or is unknown.

    Args:
        every_s: Seconds between two fetches.
        stop: Set by somebody else to end it; looked at between two fetches.
        told: Called after each fetch.

    Returns:
        What the last fetch did.
    """
    stop = stop or threading.Event()
    while True:
        fetched = fetch(ledger, rows, environment=environment)
        told(fetched)
        if not (fetched.awaiting or fetched.unknown) or stop.wait(every_s):
            return fetched


def _ask(
    row: CampaignRow,
    connect: Callable[[CampaignRow], AbstractContextManager[Provider]],
    result: Fetched,
    work: Any,
) -> None:
    try:
        with connect(row) as provider:
            ask(provider, work)
    except (SettingsError, LedgerError) as error:
        result.settled.add(Settled(problems=[error.message]))


async def _settle(ledger: Ledger, row: CampaignRow, provider: Provider, result: Fetched, wait: bool) -> None:
    result.settled.add(await settle_by_asking(ledger, row, provider, job_of(row), wait=wait))


async def _collect(ledger: Ledger, row: CampaignRow, provider: Provider, result: Fetched) -> None:
    if row.mode is Mode.LIVE:
        result.settled.add(fold_pushed(ledger, provider, row.mode))
    result.settled.add(await fetch_receipts(ledger, provider, row.mode))
    try:
        result.settled.add(settle_exclusive(ledger, provider, row.mode))
    except LedgerDamaged as error:  # there may be another message to the same number in it
        result.settled.add(Settled(problems=[error.message]))
    result.settled.add(await fetch_replies(ledger, provider, row.mode))
