"""
Yunpian's reading methods, and its pushes: receipts, replies, records, the account, signatures and templates.

Source: dossier sections 5 to 8. ``pull_status`` and ``pull_reply`` delete what
they answer; ``get_record`` does not. Pushed receipts are tried again three
times, five minutes apart; replies, which are signed, five times, one minute apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote_plus

import orjson

from smskit.simulator.accounts import Account, Review, Signature, Template
from smskit.simulator.book import Message, ReceiptDue, ReplyDue, is_mainland, parts_in
from smskit.simulator.dialect import Call, Refusal, national, read_time, refuse, show_time
from smskit.simulator.push import Way
from smskit.simulator.wire import FORM, Answer, json_answer

# A sub-number given to every account; what callers append to it comes back beside it.
BASE_EXTEND = "500001"

# Times come in whole seconds; a message within the last second named belongs to the window.
_LAST_SECOND = 0.999999

_STATUS = {Review.PENDING: "CHECKING", Review.APPROVED: "SUCCESS"}  # all else has failed

_DETAILS = {
    "DELIVRD": "接收成功",
    "YP:54": "错误号码,不扣费",
    "UNDELIV": "未送达",
    "EXPIRED": "短信超过有效期",
    "REJECTD": "短信被拒绝",
}


# -- receipts and replies, pulled and pushed --------------------------------------------------------


def pull_status(call: Call) -> Answer:
    return _pulled(call, call.receipts, status_report)


def pull_reply(call: Call) -> Answer:
    return _pulled(call, call.replies, reply_report)


def _pulled(call: Call, take: Callable[[int], list[Any]], report: Callable[[Account, Any], Any]) -> Answer:
    refuse((not call.account.settings.pull, -11))
    taken = take(call.number("page_size", default=20, low=1, high=100))
    return json_answer([report(call.account, due) for due in taken], popped=len(taken))


def status_report(account: Account, due: ReceiptDue) -> dict[str, object]:
    """Return one receipt, as pulled and as pushed."""
    return {
        "error_detail": _DETAILS.get(due.code, "发送失败"),
        "sid": due.message.sid,
        "uid": _uid(account, due.message),
        "user_receive_time": show_time(due.at),
        "error_msg": due.code,
        "mobile": national(due.message.phone, abroad="+"),
        "report_status": "SUCCESS" if due.delivered else "FAIL",
    }


def reply_report(account: Account, reply: ReplyDue) -> dict[str, object]:
    """Return one reply, as pulled."""
    return {
        "id": f"{reply.sid:024x}",
        "mobile": national(reply.message.phone, abroad="+"),
        "text": reply.text,
        "reply_time": show_time(reply.at),
        "extend": reply.message.note.extend,
        "base_extend": BASE_EXTEND,
        "_sign": None,
    }


def sign(report: Mapping[str, object], apikey: str) -> str:
    """
    Return the ``_sign`` of a reply: MD5 over its values by key name, and the key.

    How a null is rendered is not documented; an empty string is used.
    """
    values = ["" if v is None else str(v) for k, v in sorted(report.items()) if k != "_sign"]
    return hashlib.md5(",".join([*values, apikey]).encode(), usedforsecurity=False).hexdigest()


def _signed_reply(account: Account, reply: ReplyDue) -> dict[str, object]:
    report = reply_report(account, reply)
    return report | {"_sign": sign(report, account.credential)}


def _field(name: str, account: Account, value: object) -> bytes:
    encoded = quote_plus(orjson.dumps(value))
    if account.settings.push_encoded_twice:
        encoded = quote_plus(encoded)
    return f"{name}={encoded}".encode()


def _is_taken(status: int, body: bytes) -> bool:
    return status == 200 and body.strip() in (b"SUCCESS", b"0")


_PUSHED = partial(Way, taken=_is_taken, content_type=f"{FORM};charset=utf-8")
PUSHES = {
    "receipts": _PUSHED(
        status_report, encode=partial(_field, "sms_status"), waits_s=(300.0,) * 3, together=True
    ),
    "replies": _PUSHED(_signed_reply, encode=partial(_field, "sms_reply"), waits_s=(60.0,) * 5),
}


# -- records ------------------------------------------------------------------------------------------


def get_record(call: Call) -> Answer:
    """Answer what was accepted between two times, newest first."""
    now = call.world.clock()
    start, end = _time(call, "start_time"), _time(call, "end_time")
    end = min(end + _LAST_SECOND, now - call.account.settings.record_lag_s)
    page = call.number("page_num", default=1, low=1, high=10**9)
    size = call.number("page_size", default=20, low=1, high=100)
    kind, mobile, book = call.optional("type"), call.optional("mobile"), call.account.book
    refuse((kind not in ("", "all", "global"), call.dialect.malformed.refusal("type", kind)))
    skip = (page - 1) * size
    with call.world.lock:
        if not mobile and (kind == "all" or (kind == "" and not book.abroad)):
            # Without a filter a page is found directly, however long the book is.
            found = book.newest(start, end, skip, size)
        else:
            every = book.to(call.phone(mobile, "mobile")) if mobile else book.between(start, end)
            wanted = [m for m in every if start <= m.at <= end and _is_of(m, kind)]
            found = sorted(wanted, key=lambda m: -m.sid)[skip : skip + size]
    return json_answer([_record(call.account, message, now) for message in found])


def _time(call: Call, name: str) -> float:
    """A time field, which must be there, as epoch seconds."""
    value = call.need(name)
    at = read_time(value, "%Y-%m-%d %H:%M:%S")
    if at is None:
        raise call.dialect.malformed.refusal(name, value)
    return at


def _is_of(message: Message, kind: str) -> bool:
    return kind == "all" or is_mainland(message.phone) == (kind == "")


def _uid(account: Account, message: Message) -> str | None:
    """The caller's own id, where the account has it shown."""
    return (message.note.uid if account.settings.echo_uid else "") or None


def _record(account: Account, message: Message, now: float) -> dict[str, object]:
    outcome = message.outcome(by=now)
    return {
        "sid": str(message.sid),
        "mobile": national(message.phone, abroad="+"),
        "send_time": show_time(message.at),
        "text": message.text,
        "send_status": "SUCCESS",
        "report_status": ("SUCCESS" if outcome.delivered else "FAIL") if outcome else "UNKNOWN",
        "fee": parts_in(message.text),
        "user_receive_time": show_time(outcome.at) if outcome else None,
        "error_msg": outcome.code if outcome else None,
        "uid": _uid(account, message),
    }


# -- the account, its signatures and templates --------------------------------------------------------


def user_get(call: Call) -> Answer:
    profile = {
        "nick": "模拟账户",
        "gmt_created": "2025-03-01 09:00:00",
        "mobile": "13800000000",
        "email": "simulator@example.com",
        "ip_whitelist": ",".join(call.account.settings.allowed_ips) or None,
        "api_version": "v2",
        "balance": float(call.account.balance),
        "alarm_balance": 50,
        "emergency_contact": "张三",
        "emergency_mobile": "13800000000",
    }
    return json_answer(profile | call.account.profile)


def sign_get(call: Call) -> Answer:
    """Answer the account's signatures; ``sign`` filters, exactly when it is in brackets."""
    wanted = call.optional("sign")
    exact = wanted.startswith("【") and wanted.endswith("】")
    bare = wanted.strip("【】")
    known = (call.account.signatures or {}).values()
    found = [s for s in known if (s.name == bare if exact else bare in s.name)]
    if call.account.signatures is None and exact:
        # An open account: every signature counts as approved, so asking for one shows it.
        found = [Signature(name=bare)]
    page, size = call.optional("page_num"), call.optional("page_size")
    shown = found
    # Paging that is absent or malformed answers everything (5.3).
    if page.isdigit() and size.isdigit() and int(page) and int(size):
        shown = found[(int(page) - 1) * int(size) : int(page) * int(size)]
    return json_answer({"code": 0, "total": len(found), "sign": [_signature(s) for s in shown]})


def _signature(signature: Signature) -> dict[str, object]:
    approved = signature.state is Review.APPROVED
    return {
        "chan": "NORMAL" if approved else "NONE",
        "check_status": _STATUS.get(signature.state, "FAIL"),
        "enabled": approved,
        "extend": "1001",
        "industry_type": "其它",
        "only_global": False,
        "remark": signature.remark,
        "sign": f"【{signature.name}】",
        "vip": False,
    }


def tpl_get(call: Call) -> Answer:
    """Answer one template when its id is given, else the list of all."""
    templates = call.account.templates or {}
    tpl_id = call.optional("tpl_id")
    if not tpl_id:
        return json_answer([_template(t) for t in templates.values()])
    refuse(
        (not tpl_id.isdigit(), call.dialect.malformed.refusal("tpl_id", tpl_id)),
        (tpl_id not in templates, Refusal(5, f"未找到对应id的模板，tpl_id:{tpl_id}")),
    )
    return json_answer(_template(templates[tpl_id]))


def _template(template: Template) -> dict[str, object]:
    return {
        "tpl_id": int(template.id) if template.id.isdigit() else template.id,
        "tpl_content": template.content,
        "check_status": _STATUS.get(template.state, "FAIL"),
        "reason": template.remark or None,
        "lang": template.extra.get("lang"),
        "country_code": None,
    }
