"""
Yunpian's pushes: receipts as ``sms_status``, replies as a signed ``sms_reply``.

Source: dossier section 8. Receipts are tried again three times, five minutes
apart; replies five times, one minute apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from urllib.parse import quote_plus

import orjson

from smskit.simulator.accounts import Account
from smskit.simulator.book import ReceiptDue, ReplyDue
from smskit.simulator.push import Push, Way
from smskit.simulator.yunpian.read import reply_report, status_report


def receipt_pushes(account: Account, url: str, receipts: Sequence[ReceiptDue]) -> list[Push]:
    """Return one push holding all *receipts*, at most a hundred."""
    reports = [status_report(account, due) for due in receipts]
    body = _field("sms_status", orjson.dumps(reports), account)
    return [Push(url, body, _RECEIPTS, len(reports))]


def reply_pushes(account: Account, url: str, replies: Sequence[ReplyDue]) -> list[Push]:
    """Return one push for each reply, signed with the account's key."""
    pushes = []
    for reply in replies:
        report = reply_report(account, reply)
        report["_sign"] = sign(report, account.credential)
        body = _field("sms_reply", orjson.dumps(report), account)
        pushes.append(Push(url, body, _REPLIES))
    return pushes


def sign(report: Mapping[str, object], apikey: str) -> str:
    """
    Return the ``_sign`` of a reply: MD5 over its values by key name, and the key.

    How a null is rendered is not documented; an empty string is used.
    """
    values = ["" if v is None else str(v) for k, v in sorted(report.items()) if k != "_sign"]
    return hashlib.md5(",".join([*values, apikey]).encode(), usedforsecurity=False).hexdigest()


def taken(status: int, body: bytes) -> bool:
    """Whether the receiver's answer acknowledges a push."""
    return status == 200 and body.strip() in (b"SUCCESS", b"0")


_FORM = "application/x-www-form-urlencoded;charset=utf-8"
_RECEIPTS = Way(_FORM, taken, waits_s=(300.0,) * 3)
_REPLIES = Way(_FORM, taken, waits_s=(60.0,) * 5)


def _field(name: str, value: bytes, account: Account) -> bytes:
    encoded = quote_plus(value)
    if account.settings.push_encoded_twice:
        encoded = quote_plus(encoded)
    return f"{name}={encoded}".encode()
