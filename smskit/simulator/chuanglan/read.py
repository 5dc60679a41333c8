"""
Chuanglan's reading methods: balance, status reports and replies by pull.

Source: dossier sections 2.3 to 2.5. What is pulled is deleted; there is no way
to acknowledge, and none to ask about a single message.
"""

from __future__ import annotations

import orjson

from smskit.simulator.accounts import Account
from smskit.simulator.book import Message, ReceiptDue, ReplyDue
from smskit.simulator.chuanglan.dialect import PROVIDER, Call, call_id, said
from smskit.simulator.chuanglan.texts import is_rejected
from smskit.simulator.dialect import Refusal, receipt_words, show_time
from smskit.simulator.wire import Answer

SP_CODE = "106900001"  # a sub-number given to every account; what callers append stands behind it


def balance(call: Call) -> Answer:
    """Answer the billed parts left. The code is a number here, as nowhere else."""
    account = call.account
    price = account.settings.price
    left = int(account.balance // price) if price else int(account.balance)
    data = orjson.loads(said(0, call.world.clock(), balance=str(left)).body)
    del data["msgId"]
    return Answer(orjson.dumps(data))


def pull_report(call: Call) -> Answer:
    """Answer status reports that wait, and delete them."""
    receipts = call.world.take_receipts(call.account, _count(call))
    return _page([row for due in receipts if (row := report(call.account, due))])._replace(
        popped=len(receipts)
    )


def pull_mo(call: Call) -> Answer:
    """Answer replies that wait, and delete them."""
    replies = call.replies(_count(call))
    return _page([reply_row(call.account, due) for due in replies])._replace(popped=len(replies))


def report(account: Account, due: ReceiptDue) -> dict[str, str]:
    """Return one status report as pulled; empty for a number that never gets one."""
    message = account.book.find(due.sid)
    status = _status(account, due, message)
    if not status:
        return {}
    row = {
        "uid": message.note.uid if message else "",
        "msgId": call_id(account.book.first_sid[due.call]),
        "mobile": str(due.phone).removeprefix("86"),
        "status": status,
        "statusDesc": receipt_words(PROVIDER, status, "网关内部状态"),
        "reportTime": show_time(due.at, "%y%m%d%H%M"),
        "notifyTime": show_time(due.at, "%y%m%d%H%M%S"),
    }
    if not row["uid"]:
        del row["uid"]  # absent in a pull where the caller sent none
    return row


def _status(account: Account, due: ReceiptDue, message: Message | None) -> str:
    if due.phone in account.black_numbers:
        return "MBBLACK"
    for suffix, code in account.settings.number_codes.items():
        if not code.isdigit() and str(due.phone).endswith(suffix):
            return code
    if message is not None and is_rejected(account, message.text, message.note.template_id):
        return "REJECT"
    return due.code


def reply_row(account: Account, due: ReplyDue) -> dict[str, str]:
    """Return one reply as pulled."""
    message = account.book.answered(due)
    extend = message.note.extend if message else ""
    return {
        "spCode": SP_CODE,
        "destCode": SP_CODE + extend,
        "moTime": show_time(due.at, "%y%m%d%H%M"),
        "mobile": str(due.phone).removeprefix("86"),
        "messageContent": due.text,
    }


def _page(rows: list[dict[str, str]]) -> Answer:
    return Answer(orjson.dumps({"ret": 0, "result": rows}))


def _count(call: Call) -> int:
    if not call.account.settings.pull:
        raise Refusal("130", "账号未开通拉取")
    count = str(call.fields.get("count", 20))
    if not count.isascii() or not count.isdigit() or not 1 <= int(count) <= 100:
        raise Refusal("130", "count 须为1到100")
    return int(count)
