"""
Aliyun's pushes: reports (SmsReport) and replies (SmsUp), as JSON arrays.

Source: dossier section 7. A receiver has 700 ms; a push that is not
acknowledged comes again after 1, 5 and 10 minutes, and then never.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from smskit.simulator.accounts import Account
from smskit.simulator.aliyun.dialect import show_phone
from smskit.simulator.aliyun.read import report_of
from smskit.simulator.book import ReceiptDue, ReplyDue
from smskit.simulator.dialect import show_time
from smskit.simulator.push import Push, Way
from smskit.simulator.wire import json_object

_DEST_CODE = "1069000000001"


def receipt_pushes(account: Account, url: str, receipts: Sequence[ReceiptDue]) -> list[Push]:
    """Return one push holding all *receipts*; how many fit is not documented."""
    return [_push(url, [report_of(account, due) for due in receipts])]


def reply_pushes(account: Account, url: str, replies: Sequence[ReplyDue]) -> list[Push]:
    """Return one push holding all *replies*."""
    return [_push(url, [reply_of(account, reply) for reply in replies])] if replies else []


def reply_of(account: Account, reply: ReplyDue) -> dict[str, object]:
    """Return one reply (SmsUp)."""
    message = account.book.answered(reply)
    extend = message.note.extend if message else ""
    return {
        "phone_number": show_phone(reply.phone),
        "content": reply.text,
        "send_time": show_time(reply.at),
        "dest_code": _DEST_CODE + extend,
        "sequence_id": str(reply.sid),
    }


def taken(status: int, body: bytes) -> bool:
    """Whether the receiver's answer acknowledges a push: status 200, and a ``code`` that is a number."""
    code = json_object(body).get("code")
    return status == 200 and isinstance(code, int) and not isinstance(code, bool)


_ARRAY = Way("application/json;charset=utf-8", taken, waits_s=(60.0, 300.0, 600.0), timeout_s=0.7)


def _push(url: str, items: list[dict[str, object]]) -> Push:
    return Push(url, orjson.dumps(items), _ARRAY, len(items))
