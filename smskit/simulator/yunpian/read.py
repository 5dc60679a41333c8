"""
Yunpian's reading methods: receipts, replies, records, totals.

Source: dossier sections 7.1 to 7.7. ``pull_status`` and ``pull_reply`` delete
what they answer; ``get_record`` and ``get_reply`` do not.
"""

from __future__ import annotations

from collections.abc import Iterator

from smskit.simulator.accounts import Account
from smskit.simulator.book import Message, ReceiptDue, ReplyDue, is_mainland, parts_in
from smskit.simulator.wire import Answer
from smskit.simulator.yunpian.codes import Refusal
from smskit.simulator.yunpian.dialect import (
    Call,
    answer,
    malformed,
    parse_time,
    phone_in,
    show_phone,
    show_time,
)

# A sub-number given to every account; what callers append to it comes back beside it.
BASE_EXTEND = "500001"

# Times come in whole seconds; a message within the last second named belongs to the window.
_LAST_SECOND = 0.999999

_DAY = 86_400.0

_DETAILS = {
    "DELIVRD": "接收成功",
    "YP:54": "错误号码,不扣费",
    "UNDELIV": "未送达",
    "EXPIRED": "短信超过有效期",
    "REJECTD": "短信被拒绝",
}


def pull_status(call: Call) -> Answer:
    """Answer receipts that wait, and delete them."""
    size = _pull_size(call)
    receipts = call.world.take_receipts(call.account, size)
    return answer([status_report(call.account, due) for due in receipts])._replace(popped=len(receipts))


def pull_reply(call: Call) -> Answer:
    """Answer replies that wait, and delete them."""
    size = _pull_size(call)
    replies = [] if call.account.settings.reply_url else call.world.take_replies(call.account, size)
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


def get_reply(call: Call) -> Answer:
    """Answer the replies between two times, newest first."""
    start, end = call.time("start_time"), call.time("end_time") + _LAST_SECOND
    for name in ("page_num", "page_size"):
        call.need(name)  # the SDKs insist on both
    page, size = _page(call)
    mobile = call.optional("mobile")
    phone = phone_in(mobile) if mobile else None
    replies = [
        reply
        for reply in call.world.replies_between(call.account, start, end)
        if not mobile or reply.phone == phone
    ]
    return answer([reply_report(call.account, r) for r in replies[(page - 1) * size : page * size]])


def get_black_word(call: Call) -> Answer:
    """Answer the blocked words a text holds."""
    text = call.need("text")
    return answer([word for word in call.account.settings.black_words if word in text])


def get_total_fee(call: Call) -> Answer:
    """Answer what one past day's messages cost and what became of them."""
    day = call.need("date")
    start = parse_time("date", day, "%Y-%m-%d")
    now = call.world.clock()
    if start + _DAY > now:
        raise Refusal(2, "参数 date 格式不正确，不能查询当天")
    total = delivered = failed = parts = 0
    with call.world.lock:
        for message in _in_window(call.account, start, start + _DAY - 1e-6):
            if not is_mainland(message.phone):
                continue  # the method is domestic by its title
            total += 1
            parts += parts_in(message.text)
            outcome = message.note.receipts.outcome(message.phone, message.at)
            if outcome is not None and outcome.at <= now:
                delivered += outcome.delivered
                failed += not outcome.delivered
    return answer(
        {
            "totalCount": total,
            "totalFee": f"{call.account.settings.price * parts:.3f}",
            "totalSuccessCount": delivered,
            "totalFailedCount": failed,
            "totalUnknownCount": total - delivered - failed,
        }
    )


def count(call: Call) -> Answer:
    """
    Answer how many messages were accepted between two times, as a bare number.

    The official SDK expects an object here and its own test says that v2 does
    not answer one; a bare number is the likely reading (dossier 7.6).
    """
    start, end = _window(call)
    messages = _messages(call, start, end, "all")
    if messages is None:
        with call.world.lock:
            book = call.account.book
            return answer(sum(map(book.size, book.calls_between(start, end))))
    return answer(len(messages))


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
    message = account.book.message(reply.call, 0) if reply.call >= 0 else None
    if message is None:
        known = account.book.to(reply.phone)
        message = known[-1] if known else None
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


def _in_window(account: Account, start: float, end: float) -> Iterator[Message]:
    for number in account.book.calls_between(start, end):
        yield from account.book.messages(number)


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
            found = list(_in_window(account, start, end))
    if kind == "all":
        return found
    return [m for m in found if is_mainland(m.phone) == (kind == "")]


def _record(account: Account, message: Message, now: float) -> dict[str, object]:
    outcome = message.note.receipts.outcome(message.phone, message.at)
    known = outcome is not None and outcome.at <= now
    uid = message.note.uid
    return {
        "sid": str(message.sid),
        "mobile": show_phone(message.phone),
        "send_time": show_time(message.at),
        "text": message.text,
        "send_status": "SUCCESS",
        "report_status": ("SUCCESS" if outcome.delivered else "FAIL") if known and outcome else "UNKNOWN",
        "fee": parts_in(message.text),
        "user_receive_time": show_time(outcome.at) if known and outcome else None,
        "error_msg": outcome.code if known and outcome else None,
        "uid": uid if uid and account.settings.echo_uid else None,
    }
