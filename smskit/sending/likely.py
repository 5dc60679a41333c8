"""
Unknown messages that a report is likely about, though it carries no reference of ours.

Some providers name our reference in reports only where that is switched on. A report for a number, with an id
that is no message's of ours, is then about the one unknown message to that number, if nothing else sends
through the account: the setting ``exclusive`` says so, and else a person may. `fits` is the pure part.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from smskit.audience.phones import normalise_one
from smskit.errors import InputError
from smskit.ledger import CampaignRow, Event, Facts, Ledger
from smskit.models import Mode, Receipt, State
from smskit.providers.base import Provider
from smskit.sending.reconcile import Settled
from smskit.sending.unknowns import Unknown, Verdict, apply, note_settled

__all__ = ["Likely", "accept_likely", "fits", "likely", "settle_exclusive"]

_LATEST_S = 3 * 86400.0  # after which a carrier gives a message up

# A person's word on an unknown leaves open whether it was sent.
_BY_HAND = ("given_up", "resend_ordered")


class Likely(NamedTuple):
    """One unknown message and the reports that are likely about it."""

    row: CampaignRow
    unknown: Unknown
    reports: Mapping[int, Receipt]  # by their numbers in the ledger; of one message id

    @property
    def receipt(self) -> Receipt:
        """The final report, where there is one."""
        reports = list(self.reports.values())
        return next((report for report in reports if report.delivered is not None), reports[0])


def fits(receipt: Receipt, submitted_at: float) -> bool:
    """
    Whether a report can be about a message that left at *submitted_at*; epoch seconds.

    Not without an id and a time, not with somebody's reference, and not of a time before the message left;
    times come in whole seconds, some in whole minutes.
    """
    if receipt.reference or not receipt.message_id or receipt.at is None:
        return False
    at, exact_s = receipt.at.timestamp(), 1 if receipt.at.second else 60
    return submitted_at < at + exact_s and at <= submitted_at + _LATEST_S


def likely(ledger: Ledger, provider: str, mode: Mode) -> list[Likely]:
    """
    The unknown messages of an account that exactly one report without our reference fits.

    There is none where another message to the number went out whose id is not known: one that is on its
    way or unknown too, in whichever campaign, or that a person gave up or ordered to be sent again.
    """
    rows = ledger.campaigns.find(provider=provider, mode=mode)
    unknowns = _unknown_phones(ledger, rows)
    reports: dict[int, dict[int, Receipt]] = {}
    for number, receipt in ledger.unmatched.find(provider, mode) if unknowns else ():
        if (phone := _phone(receipt)) in unknowns:
            reports.setdefault(phone, {})[number] = receipt
    attempts = _attempts(ledger, rows, sorted(reports)) if reports else {}
    found = []
    for phone, about in reports.items():
        if len(attempts.get(phone, ())) != 1:
            continue
        row, unknown = attempts[phone][0]
        fitting = {n: r for n, r in about.items() if fits(r, unknown.submitted_at)}
        if len({r.message_id for r in fitting.values()}) == 1 and _is_unknown(ledger, row, unknown):
            found.append(Likely(row, unknown, fitting))
    return found


def settle_exclusive(ledger: Ledger, provider: Provider, mode: Mode) -> Settled:
    """Settle what is likely, where nothing else sends through the account (``exclusive``)."""
    if not provider.settings.exclusive:
        return Settled()
    return _settle(ledger, provider.name, mode, None, "exclusive")


def accept_likely(ledger: Ledger, row: CampaignRow) -> Settled:
    """A person's word that the reports which are likely about a campaign's unknown messages are."""
    note_settled(
        ledger, row, "accept", sum(one.row.id == row.id for one in likely(ledger, row.provider, row.mode))
    )
    return _settle(ledger, row.provider, row.mode, row.id, "report_accepted")


def _settle(ledger: Ledger, provider: str, mode: Mode, campaign_id: int | None, reason: str) -> Settled:
    since, result = ledger.changes.last_event(), Settled()
    by_campaign: dict[int, list[Likely]] = {}
    for one in likely(ledger, provider, mode):
        if campaign_id in (None, one.row.id):
            by_campaign.setdefault(one.row.id, []).append(one)
    for found in by_campaign.values():
        verdicts = {
            one.unknown: Verdict(
                State.ACCEPTED, Facts(ids=one.receipt.message_id, reason=reason), one.receipt
            )
            for one in found
        }
        settled = apply(ledger, found[0].row, verdicts, since=since)
        result.add(settled)
        if settled.found == len(found):
            ledger.unmatched.drop([number for one in found for number in one.reports])
    return result


def _phone(receipt: Receipt) -> int:
    try:
        return normalise_one(receipt.phone)
    except InputError:
        return 0


def _unknown_phones(ledger: Ledger, rows: Sequence[CampaignRow]) -> set[int]:
    found: set[int] = set()
    for row in rows:
        for chunk, states in ledger.audience.states(row.id).items():
            if (unknown := states == State.UNKNOWN).any():
                found.update(ledger.audience.keys(row.id, chunk).phones[unknown].tolist())
    return found


def _attempts(
    ledger: Ledger, rows: Sequence[CampaignRow], phones: Sequence[int]
) -> dict[int, list[tuple[CampaignRow, Unknown]]]:
    """Phone -> every message of ours to it that may have gone out under an id that nobody knows."""
    found: dict[int, list[tuple[CampaignRow, Unknown]]] = {}
    for row in rows:
        for phone, (chunk, position) in ledger.audience.locate(row.id, np.array(phones, np.int64)).items():
            for at in _unanswered(ledger.audience.events(row.id, chunk), position):
                found.setdefault(phone, []).append((row, Unknown(chunk, position, phone, "", at)))
    return found


def _unanswered(events: Sequence[Event], position: int) -> list[float]:
    """When each message to one person left that may have an id nobody knows."""
    left: list[float] = []
    for event in events:
        for place in np.flatnonzero(event.positions == position).tolist():
            facts = event.facts_of(place)
            open_ = facts["reason"] in _BY_HAND or (
                event.states[place] in (State.UNKNOWN, State.ACCEPTED) and not facts["ids"]
            )
            if event.kind == "claim":
                left.append(event.at)
            elif event.kind in ("outcome", "interrupted", "settled") and not open_ and left:
                left[-1] = math.nan
    return [at for at in left if not math.isnan(at)]


def _is_unknown(ledger: Ledger, row: CampaignRow, unknown: Unknown) -> bool:
    return bool(ledger.audience.states(row.id)[unknown.chunk][unknown.position] == State.UNKNOWN)
