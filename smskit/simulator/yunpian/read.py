"""
Yunpian's reading methods: receipts, replies, records, the account, its signatures and templates.

Source: dossier sections 5, 6 and 7. ``pull_status`` and ``pull_reply`` delete
what they answer; ``get_record`` does not.
"""

from __future__ import annotations

from smskit.simulator.accounts import Account, Review, Signature, Template
from smskit.simulator.book import Message, ReceiptDue, ReplyDue, is_mainland, parts_in
from smskit.simulator.dialect import Refusal, show_time
from smskit.simulator.wire import Answer
from smskit.simulator.yunpian.dialect import Call, answer, malformed, phone_in, show_phone

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


def pull_status(call: Call) -> Answer:
    """Answer receipts that wait, and delete them."""
    receipts = call.world.take_receipts(call.account, _pull_size(call))
    return answer([status_report(call.account, due) for due in receipts])._replace(popped=len(receipts))


def pull_reply(call: Call) -> Answer:
    """Answer replies that wait, and delete them."""
    replies = call.replies(_pull_size(call))
    return answer([reply_report(call.account, reply) for reply in replies])._replace(popped=len(replies))


def get_record(call: Call) -> Answer:
    """Answer what was accepted between two times, newest first."""
    start, end = _window(call)
    page, size = _page(call)
    kind = call.optional("type")
    if kind not in ("", "all", "global"):
        raise malformed("type", kind)
    messages = _messages(call, start, end, kind)
    if messages is None:
        # Without a filter a page is found directly, however long the book is.
        with call.world.lock:
            found = call.account.book.newest(start, end, (page - 1) * size, size)
    else:
        found = sorted(messages, key=lambda m: -m.sid)[(page - 1) * size : page * size]
    now = call.world.clock()
    return answer([_record(call.account, message, now) for message in found])


def status_report(account: Account, due: ReceiptDue) -> dict[str, object]:
    """Return one receipt, as pulled and as pushed."""
    message = account.book.find(due.sid)
    uid = message.note.uid if message else ""
    return {
        "error_detail": _DETAILS.get(due.code, "发送失败"),
        "sid": due.sid,
        "uid": uid if uid and account.settings.echo_uid else None,
        "user_receive_time": show_time(due.at),
        "error_msg": due.code,
        "mobile": show_phone(due.phone),
        "report_status": "SUCCESS" if due.delivered else "FAIL",
    }


def reply_report(account: Account, reply: ReplyDue) -> dict[str, object]:
    """Return one reply, as pulled; a push adds its ``_sign``."""
    message = account.book.answered(reply)
    return {
        "id": f"{reply.sid:024x}",
        "mobile": show_phone(reply.phone),
        "text": reply.text,
        "reply_time": show_time(reply.at),
        "extend": message.note.extend if message else "",
        "base_extend": BASE_EXTEND,
        "_sign": None,
    }


def _pull_size(call: Call) -> int:
    if not call.account.settings.pull:
        raise Refusal(-11)
    return call.number("page_size", default=20, low=1, high=100)


def _page(call: Call) -> tuple[int, int]:
    number = call.number("page_num", default=1, low=1, high=10**9)
    return number, call.number("page_size", default=20, low=1, high=100)


def _window(call: Call) -> tuple[float, float]:
    """Return the times asked for, cut to what records show by now."""
    start, end = call.time("start_time"), call.time("end_time")
    shown = call.world.clock() - call.account.settings.record_lag_s
    return start, min(end + _LAST_SECOND, shown)


def _messages(call: Call, start: float, end: float, kind: str) -> list[Message] | None:
    """Return the messages a filter leaves, or None when there is nothing to filter by."""
    mobile = call.optional("mobile")
    account = call.account
    with call.world.lock:
        if mobile:
            phone = phone_in(mobile)
            if phone is None:
                raise malformed("mobile", mobile)
            found = [m for m in account.book.to(phone) if start <= m.at <= end]
        elif kind == "all" or (kind == "" and not account.book.abroad):
            return None
        elif not account.book.abroad:
            return []
        else:
            found = list(account.book.between(start, end))
    if kind == "all":
        return found
    return [m for m in found if is_mainland(m.phone) == (kind == "")]


def _record(account: Account, message: Message, now: float) -> dict[str, object]:
    outcome = message.outcome(by=now)
    uid = message.note.uid
    return {
        "sid": str(message.sid),
        "mobile": show_phone(message.phone),
        "send_time": show_time(message.at),
        "text": message.text,
        "send_status": "SUCCESS",
        "report_status": ("SUCCESS" if outcome.delivered else "FAIL") if outcome else "UNKNOWN",
        "fee": parts_in(message.text),
        "user_receive_time": show_time(outcome.at) if outcome else None,
        "error_msg": outcome.code if outcome else None,
        "uid": uid if uid and account.settings.echo_uid else None,
    }


# -- the account, its signatures and templates --------------------------------------------------------


def user_get(call: Call) -> Answer:
    """Answer who the account is and what it has left."""
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
    return answer(profile | call.account.profile)


def sign_get(call: Call) -> Answer:
    """Answer the account's signatures; ``sign`` filters, exactly when it is in brackets."""
    wanted = call.optional("sign")
    exact = wanted.startswith("【") and wanted.endswith("】")
    bare = wanted.strip("【】")
    found = [
        s for s in (call.account.signatures or {}).values() if (s.name == bare if exact else bare in s.name)
    ]
    if call.account.signatures is None and exact:
        # An open account: every signature counts as approved, so asking for one shows it.
        found = [Signature(name=bare)]
    page, size = call.optional("page_num"), call.optional("page_size")
    shown = found
    # Paging that is absent or malformed answers everything (5.3).
    if page.isdigit() and size.isdigit() and int(page) and int(size):
        shown = found[(int(page) - 1) * int(size) : int(page) * int(size)]
    return answer({"code": 0, "total": len(found), "sign": [_signature(s) for s in shown]})


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
        return answer([_template(t) for t in templates.values()])
    if not tpl_id.isdigit():
        raise malformed("tpl_id", tpl_id)
    if tpl_id not in templates:
        raise Refusal(5, f"未找到对应id的模板，tpl_id:{tpl_id}")
    return answer(_template(templates[tpl_id]))


def _template(template: Template) -> dict[str, object]:
    return {
        "tpl_id": int(template.id) if template.id.isdigit() else template.id,
        "tpl_content": template.content,
        "check_status": _STATUS.get(template.state, "FAIL"),
        "reason": template.remark or None,
        "lang": template.extra.get("lang"),
        "country_code": None,
    }
