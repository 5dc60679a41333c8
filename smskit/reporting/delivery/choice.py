"""
Which campaign to look at, and what can settle the unknown ones of its provider.
"""

from __future__ import annotations

import logging
from typing import NamedTuple

from smskit.errors import LedgerDamaged, LedgerError, SpecError, suggest
from smskit.i18n import Message
from smskit.ledger import CampaignRow, Ledger
from smskit.models import Kind, Mode
from smskit.providers import Feature, provider_class

__all__ = ["Ways", "choose", "is_test", "settled_by"]

_log = logging.getLogger("smskit")


def is_test(row: CampaignRow) -> bool:
    """Whether it is a test send, which is a campaign of its own; see ``Campaign.test_send``."""
    return row.kind is Kind.TEST


def newest_first(ledger: Ledger) -> list[CampaignRow]:
    """All campaigns of all modes, but those that are damaged, which are logged."""
    damaged: list[LedgerDamaged] = []
    found = ledger.campaigns.find(damaged=damaged)[::-1]
    for error in damaged:
        _log.warning("smskit: %s", error)
    return found


def choose(ledger: Ledger, campaign: str = "", mode: Mode | None = None) -> CampaignRow | None:
    """
    The campaign of that name, else the newest live one; None when there is none at all.

    Of several modes under one name the one that went furthest is meant: live, rehearse, plan.
    Without a name a rehearsal, then a plan, then a test send, then an archived one counts only where
    there is nothing else.

    Raises:
        LedgerError: no campaign has that name; names the nearest one.
    """
    # By its name a campaign is asked for, and the ledger says where it is damaged.
    asked = ledger.campaigns.find(name=campaign)[::-1] if campaign else newest_first(ledger)
    rows = [r for r in asked if mode is None or r.mode is mode]
    order = [Mode.LIVE, Mode.REHEARSE, Mode.PLAN]
    if not campaign:
        # Stable: newest first within each.
        rows.sort(key=lambda r: (r.archived_at is not None, is_test(r), order.index(r.mode)))
        return rows[0] if rows else None
    named = sorted(rows, key=lambda r: order.index(r.mode))
    if named:
        return named[0]
    known = ledger.campaigns.names()
    missing = (
        Message("there is no campaign {campaign} in mode {mode}", campaign=campaign, mode=mode)
        if mode
        else Message("there is no campaign {campaign}", campaign=campaign)
    )
    raise LedgerError(suggest(missing, campaign, known))


class Ways(NamedTuple):
    """What can settle an unknown of this provider, besides a person."""

    records: bool  # it can be asked what it remembers of a submission
    absence: bool  # and "no record" proves that nothing was sent
    receipts: bool  # a receipt names the message
    maybe: bool  # it depends on how the provider is configured


def settled_by(provider: str) -> Ways:
    """What *provider* declares about that; nothing where it is not installed."""
    try:
        cls = provider_class(provider)
    except SpecError:
        return Ways(False, False, False, False)
    has = cls.features
    return Ways(
        records=Feature.RECORDS in has,
        absence=Feature.RECORDS in has and cls.records_prove_absence,
        receipts=bool({Feature.RECEIPTS, Feature.RECEIPTS_BY_QUERY} & has),
        maybe=bool(cls.configurable),
    )
