"""
Tencent's callbacks: receipts as an array, replies as one object each.

Source: dossier section 4.3. Nothing is signed. How often they are tried again
is not documented: three times, a minute apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from smskit.simulator.accounts import Account
from smskit.simulator.book import ReceiptDue, ReplyDue
from smskit.simulator.dialect import receipt_words, show_time
from smskit.simulator.push import Push, Way
from smskit.simulator.tencent.dialect import JSON, PROVIDER, serial_no, split_phone
from smskit.simulator.tencent.read import reply_row
from smskit.simulator.wire import json_object


def receipt_pushes(account: Account, url: str, receipts: Sequence[ReceiptDue]) -> list[Push]:
    """Return one callback holding all *receipts*."""
    rows = [receipt_row(due) for due in receipts]
    return [Push(url, orjson.dumps(rows), _CALLBACK, len(rows))]


def reply_pushes(account: Account, url: str, replies: Sequence[ReplyDue]) -> list[Push]:
    """Return one callback for each reply."""
    pushes = []
    for reply in replies:
        row = reply_row(account, reply)
        body = {
            "extend": row["ExtendCode"],
            "mobile": row["SubscriberNumber"],
            "nationcode": row["CountryCode"],
            "sign": row["SignName"],
            "text": reply.text,
            "time": int(reply.at),
        }
        pushes.append(Push(url, orjson.dumps(body), _CALLBACK))
    return pushes


def receipt_row(due: ReceiptDue) -> dict[str, object]:
    """Return one receipt as pushed: the carrier's code is ``errmsg``, and the number lacks its country."""
    country, rest = split_phone(due.phone)
    return {
        "user_receive_time": show_time(due.at),
        "nationcode": country,
        "mobile": rest,
        "report_status": "SUCCESS" if due.delivered else "FAIL",
        "errmsg": due.code,
        "description": receipt_words(PROVIDER, due.code, "短信发送失败"),
        "sid": serial_no(due.sid),
    }


def taken(status: int, body: bytes) -> bool:
    """Whether the receiver's answer acknowledges a callback: ``{"result":0,"errmsg":"OK"}``."""
    return status == 200 and json_object(body).get("result") == 0


_CALLBACK = Way(JSON, taken, waits_s=(60.0,) * 3)
