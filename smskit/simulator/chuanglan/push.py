"""
Chuanglan's pushes: a GET for each report and each reply, taken on a ``clcode`` of 000000.

Source: dossier section 2.6. Three tries in all, a minute apart, then given up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from smskit.simulator.accounts import Account
from smskit.simulator.book import ReceiptDue, ReplyDue, parts_in
from smskit.simulator.chuanglan.read import reply_row, report
from smskit.simulator.dialect import show_time
from smskit.simulator.push import Push, Way
from smskit.simulator.wire import json_object


def receipt_pushes(account: Account, url: str, receipts: Sequence[ReceiptDue]) -> list[Push]:
    """Return one push for each report."""
    pushes = []
    for due in receipts:
        row = report(account, due)
        if not row:
            continue
        message = account.book.find(due.sid)
        asked = {
            **_who(account),
            "msgid": row["msgId"],  # lower-case here, msgId everywhere else
            "reportTime": row["reportTime"],
            "mobile": row["mobile"],
            "status": row["status"],
            "notifyTime": row["notifyTime"],
            "statusDesc": row["statusDesc"],
            "length": str(parts_in(message.text)) if message else "",
            "uid": row.get("uid", ""),  # empty parameters keep their names
        }
        pushes.append(_get(url, asked))
    return pushes


def reply_pushes(account: Account, url: str, replies: Sequence[ReplyDue]) -> list[Push]:
    """Return one push for each reply."""
    pushes = []
    for due in replies:
        row = reply_row(account, due)
        asked = {
            **_who(account),
            "moTime": row["moTime"],
            "mobile": row["mobile"],
            "msg": row["messageContent"],
            "destcode": row["destCode"],
            "spCode": row["spCode"],
            "notifyTime": show_time(due.at, "%y%m%d%H%M%S"),
        }
        pushes.append(_get(url, asked))
    return pushes


def taken(status: int, body: bytes) -> bool:
    """Whether the receiver's answer acknowledges a push."""
    return status == 200 and json_object(body).get("clcode") == "000000"


_GET = Way("", taken, waits_s=(60.0, 60.0), method="GET")


def _who(account: Account) -> dict[str, str]:
    """The name and password agreed for pushes, empty until somebody sets them."""
    return {name: str(account.profile.get(name, "")) for name in ("receiver", "pswd")}


def _get(url: str, asked: Mapping[str, str]) -> Push:
    joined = f"{url}{'&' if '?' in url else '?'}{urlencode(asked)}"
    return Push(joined, b"", _GET)
