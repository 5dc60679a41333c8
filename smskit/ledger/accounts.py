"""
What providers said when they were last asked whether an account is usable, and what people typed in about it.

Holds no credential: a fingerprint tells only whether the credentials are still the ones that were asked with.
"""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from smskit.i18n import dumps_data, loads_data
from smskit.ledger.database import LedgerPart
from smskit.ledger.schema import ACCOUNT_CHECK, ACCOUNT_OFFER
from smskit.models import CheckResult, Finding, Mode, Offer


class Checked(NamedTuple):
    """One provider's last answer."""

    result: CheckResult
    fingerprint: str
    at: float


class Accounts(LedgerPart):
    """The accounts a ledger has heard of."""

    def keep_check(self, result: CheckResult, mode: Mode, fingerprint: str) -> None:
        """Keep a provider's answer instead of its last one; the template's text is left out."""
        said = {"findings": [list(f) for f in result.findings], "balance": result.balance}
        row = {
            "provider": result.provider,
            "mode": str(mode),
            "usable": int(result.usable),
            "fingerprint": fingerprint,
            "said": dumps_data(said),
            "at": self._database.clock(),
        }
        with self._database.write() as conn:
            self._drop_check(conn, result.provider, mode)
            conn.execute(ACCOUNT_CHECK.insert().values(row))

    def last_check(self, provider: str, mode: Mode) -> Checked | None:
        """The last answer; None when it was never asked, or what was kept cannot be read."""
        here = (ACCOUNT_CHECK.c.provider == provider) & (ACCOUNT_CHECK.c.mode == str(mode))
        with self._database.read() as conn:
            row = conn.execute(sa.select(ACCOUNT_CHECK).where(here)).first()
        if row is None:
            return None
        try:
            said = loads_data(row.said)
            findings = tuple(Finding(*f) for f in said["findings"])
            result = CheckResult(row.provider, bool(row.usable), findings, balance=said["balance"])
            return Checked(result, row.fingerprint, float(row.at))
        except (ValueError, TypeError, LookupError):
            return None  # damaged; asking again costs nothing

    def forget_check(self, provider: str, mode: Mode) -> None:
        """Drop the last answer."""
        with self._database.write() as conn:
            self._drop_check(conn, provider, mode)

    def _drop_check(self, conn: sa.Connection, provider: str, mode: Mode) -> None:
        here = (ACCOUNT_CHECK.c.provider == provider) & (ACCOUNT_CHECK.c.mode == str(mode))
        conn.execute(ACCOUNT_CHECK.delete().where(here))

    def typed_offers(self, provider: str, kind: str) -> list[Offer]:
        """What somebody typed in, oldest first; *kind* is ``signature`` or ``template``."""
        here = (ACCOUNT_OFFER.c.provider == provider) & (ACCOUNT_OFFER.c.kind == kind)
        with self._database.read() as conn:
            rows = conn.execute(sa.select(ACCOUNT_OFFER).where(here).order_by(ACCOUNT_OFFER.c.at)).all()
        return [Offer(row.offer, row.text, True, "") for row in rows]

    def keep_offer(self, provider: str, kind: str, offer: Offer) -> None:
        """Remember one; typed in again, its text is the new one."""
        row = {
            "provider": provider,
            "kind": kind,
            "offer": offer.id,
            "text": offer.text,
            "at": self._database.clock(),
        }
        with self._database.write() as conn:
            conn.execute(ACCOUNT_OFFER.delete().where(*_same(provider, kind, offer.id)))
            conn.execute(ACCOUNT_OFFER.insert().values(row))


def _same(provider: str, kind: str, offer_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    there = ACCOUNT_OFFER.c
    return there.provider == provider, there.kind == kind, there.offer == offer_id
