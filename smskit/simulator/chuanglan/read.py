"""
Chuanglan's reading methods and its pushes: balance, status reports and replies.

Source: dossier sections 2.3 to 2.6. What is pulled is deleted; there is no way
to acknowledge, and none to ask about a single message. A push is a GET for each
report and each reply, taken on a ``clcode`` of 000000: three tries in all, a
minute apart, then given up.
"""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlencode

from smskit.simulator.accounts import Account
from smskit.simulator.book import ReceiptDue, ReplyDue, parts_in
from smskit.simulator.chuanglan.dialect import PROVIDER, call_id
from smskit.simulator.chuanglan.send import is_rejected
from smskit.simulator.dialect import Call, Refusal, national, receipt_words, refuse, show_time
from smskit.simulator.push import Way
from smskit.simulator.wire import Answer, json_answer, json_object

SP_CODE = "106900001"  # a sub-number given to every account; what callers append stands behind it

_MINUTE, _SECOND = "%y%m%d%H%M", "%y%m%d%H%M%S"


def balance(call: Call) -> Answer:
    """Answer the billed parts left. The code is a number here, as nowhere else."""
    price, left = call.account.settings.price, call.account.balance
    now = show_time(call.world.clock(), "%Y%m%d%H%M%S")
    return json_answer({"code": 0, "time": now, "errorMsg": "", "balance": str(int(left // (price or 1)))})


def pull_report(call: Call) -> Answer:
    taken = call.receipts(_count(call))
    return _page([row for due in taken if (row := report(call.account, due))], len(taken))


def pull_mo(call: Call) -> Answer:
    taken = call.replies(_count(call))
    return _page([reply_row(call.account, due) for due in taken], len(taken))


def _count(call: Call) -> int:
    count = str(call.fields.get("count", 20))
    fits = count.isascii() and count.isdigit() and 1 <= int(count) <= 100
    refuse(
        (not call.account.settings.pull, Refusal("130", "账号未开通拉取")),
        (not fits, Refusal("130", "count 须为1到100")),
    )
    return int(count)


def _page(rows: list[dict[str, str]], popped: int) -> Answer:
    return json_answer({"ret": 0, "result": rows}, popped=popped)


def report(account: Account, due: ReceiptDue) -> dict[str, str]:
    """Return one status report as pulled; empty for a number that never gets one."""
    status, uid = _status(account, due), due.message.note.uid
    if not status:
        return {}
    return {
        **({"uid": uid} if uid else {}),  # absent in a pull where the caller sent none
        "msgId": call_id(account.book.first_of_call(due.message.sid)),
        "mobile": national(due.message.phone),
        "status": status,
        "statusDesc": receipt_words(PROVIDER, status, "网关内部状态"),
        "reportTime": show_time(due.at, _MINUTE),
        "notifyTime": show_time(due.at, _SECOND),
    }


def _status(account: Account, due: ReceiptDue) -> str:
    message = due.message
    if message.phone in account.black_numbers:
        return "MBBLACK"
    for suffix, code in account.settings.number_codes.items():
        if not code.isdigit() and str(message.phone).endswith(suffix):
            return code
    return "REJECT" if is_rejected(account, message.text, message.note.template_id) else due.code


def reply_row(account: Account, due: ReplyDue) -> dict[str, str]:
    return {
        "spCode": SP_CODE,
        "destCode": SP_CODE + due.message.note.extend,
        "moTime": show_time(due.at, _MINUTE),
        "mobile": national(due.message.phone),
        "messageContent": due.text,
    }


# -- pushes: other names, and the name and password agreed for them ---------------------------------------


def _pushed_report(account: Account, due: ReceiptDue) -> dict[str, str]:
    row = report(account, due)
    if not row:
        return {}
    alike = ("reportTime", "mobile", "status", "notifyTime", "statusDesc")
    return {
        **_who(account),
        "msgid": row["msgId"],  # lower-case here, msgId everywhere else
        **{name: row[name] for name in alike},
        "length": str(parts_in(due.message.text)),
        "uid": row.get("uid", ""),  # empty parameters keep their names
    }


def _pushed_reply(account: Account, due: ReplyDue) -> dict[str, str]:
    row = reply_row(account, due)
    names = {"messageContent": "msg", "destCode": "destcode"}
    renamed = {names.get(name, name): value for name, value in row.items()}
    return _who(account) | renamed | {"notifyTime": show_time(due.at, _SECOND)}


def _who(account: Account) -> dict[str, str]:
    """Empty until somebody sets them."""
    return {name: str(account.profile.get(name, "")) for name in ("receiver", "pswd")}


def _encode(_: Account, row: Any) -> bytes:
    return urlencode(row).encode()


def _is_taken(status: int, body: bytes) -> bool:
    return status == 200 and json_object(body).get("clcode") == "000000"


_PUSHED = partial(Way, encode=_encode, taken=_is_taken, waits_s=(60.0, 60.0), method="GET")
PUSHES = {"receipts": _PUSHED(_pushed_report), "replies": _PUSHED(_pushed_reply)}
