"""What commands are about: the ledger of where they are called, and a campaign in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smskit.errors import InputError, suggest
from smskit.i18n import Message
from smskit.models import Mode

if TYPE_CHECKING:
    from smskit.ledger import CampaignRow, Ledger

__all__ = ["campaign_row", "ledger_here"]


def ledger_here(*, create: bool = False) -> Ledger:
    """`open_ledger` of the working folder's project; makes none unless asked to."""
    from smskit.ledger.opening import open_ledger

    return open_ledger(create=create)


def campaign_row(campaign: str, mode: Mode | None, ledger: Ledger | None = None) -> CampaignRow:
    """
    The campaign of that id; without a mode the live one, else its rehearsal, else its plan.

    Raises:
        InputError: there is none.
    """
    ledger = ledger or ledger_here()
    for wanted in [mode] if mode else [Mode.LIVE, Mode.REHEARSE, Mode.PLAN]:
        row = ledger.campaigns.get(campaign, wanted)
        if row is not None:
            return row
    names = {row.name for row in ledger.campaigns.find()}  # the one that is meant may be damaged
    missing = (
        Message("no campaign `{campaign}` in mode {mode}", campaign=campaign, mode=mode)
        if mode
        else Message("no campaign `{campaign}`", campaign=campaign)
    )
    raise InputError(suggest(missing, campaign, names))
