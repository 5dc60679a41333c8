"""
QuerySendDetails and QuerySendStatistics, and a report as it is pushed.

Source: dossier sections 6.3, 6.4 and 7.2. Details are of one number and one
China day; asking deletes nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime

from smskit.simulator.accounts import Account
from smskit.simulator.aliyun.codes import DELIVERY, Refusal, delivery_code
from smskit.simulator.aliyun.dialect import BEIJING, Call, answer, phone_in, show_phone, show_time
from smskit.simulator.aliyun.send import biz_id, sid_in
from smskit.simulator.book import Book, Message, ReceiptDue, is_mainland, parts_in
from smskit.simulator.wire import Answer

_KEPT_DAYS = 30
_PAGE = 50
_DAY = 86_400.0


def query_send_details(call: Call) -> Answer:
    """Answer what was sent to one number on one day, newest first."""
    number, day = call.need("PhoneNumber"), call.need("SendDate")
    size = call.number("PageSize", low=1, high=_PAGE)
    page = call.number("CurrentPage", low=1, high=10**6)
    phone = phone_in(number)
    if phone is None:
        raise Refusal("isv.MOBILE_NUMBER_ILLEGAL")
    start = _day(day)
    now = call.world.clock()
    if start < now - (_KEPT_DAYS + 1) * _DAY:
        raise Refusal("isv.INVALID_PARAMETERS", "只能查询最近30天")
    shown = now - call.account.settings.record_lag_s
    wanted = call.optional("BizId")
    with call.world.lock:
        book = call.account.book
        found = [m for m in book.to(phone) if start <= m.at < start + _DAY and m.at <= shown]
        if wanted:
            found = [m for m in found if first_of_call(book, m.sid) == sid_in(wanted)]
    found.sort(key=lambda m: -m.sid)
    rows = [_detail(m, now) for m in found[(page - 1) * size : page * size]]
    return answer({"TotalCount": str(len(found)), "SmsSendDetailDTOs": {"SmsSendDetailDTO": rows}})


def query_send_statistics(call: Call) -> Answer:
    """Answer, by day, how many parts were billed and what became of them."""
    abroad = call.number("IsGlobe", low=1, high=2) == 2
    start, end = _day(call.need("StartDate")), _day(call.need("EndDate"))
    page = call.number("PageIndex", low=1, high=10**6)
    size = call.number("PageSize", low=1, high=_PAGE)
    sign = call.optional("SignName")
    now = call.world.clock()
    days: list[dict[str, object]] = []
    with call.world.lock:
        at = start
        while at <= end and len(days) < 366:
            counts = _counts(call.account.book, at, now, abroad=abroad, sign=sign)
            if counts["TotalCount"]:
                days.append({"SendDate": show_time(at)[:10].replace("-", ""), **counts})
            at += _DAY
    listed = days[(page - 1) * size : page * size]
    return answer({"Data": {"TotalSize": len(days), "TargetList": listed}})


def report_of(account: Account, due: ReceiptDue) -> dict[str, object]:
    """Return one report (SmsReport) as it is pushed."""
    message = account.book.find(due.sid)
    code = delivery_code(due.code)
    return {
        "phone_number": show_phone(due.phone),
        "send_time": show_time(message.at if message else due.at),
        "report_time": show_time(due.at),
        "success": due.delivered,
        "err_code": code,
        "err_msg": DELIVERY.get(code, code),
        "sms_size": str(parts_in(message.text)) if message else "1",
        "biz_id": biz_id(account.book.first_sid[due.call]),
        **({"out_id": message.note.uid} if message and message.note.uid else {}),
    }


def first_of_call(book: Book, sid: int) -> int:
    """Return the number of the first message of the call that a message belongs to."""
    return book.first_sid[bisect_right(book.first_sid, sid) - 1]


def _day(text: str) -> float:
    """Return the start of a China day written ``yyyyMMdd``, as epoch seconds."""
    try:
        if len(text) != 8:
            raise ValueError
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=BEIJING).timestamp()
    except ValueError:
        raise Refusal("isv.INVALID_PARAMETERS", "日期格式为 yyyyMMdd") from None


def _detail(message: Message, now: float) -> dict[str, object]:
    outcome = message.note.receipts.outcome(message.phone, message.at)
    row: dict[str, object] = {
        "PhoneNum": show_phone(message.phone),
        "SendStatus": 1,
        "TemplateCode": message.note.template_id,
        "Content": message.text,
        "SendDate": show_time(message.at),
    }
    if message.note.uid:
        row["OutId"] = message.note.uid
    if outcome is not None and outcome.at <= now:
        row["SendStatus"] = 3 if outcome.delivered else 2
        row["ErrCode"] = delivery_code(outcome.code)
        row["ReceiveDate"] = show_time(outcome.at)
    return row


def _counts(book: Book, start: float, now: float, *, abroad: bool, sign: str) -> dict[str, int]:
    total = delivered = failed = 0
    for number in book.calls_between(start, start + _DAY - 1e-6):
        for message in book.messages(number):
            if is_mainland(message.phone) is abroad or not message.text.startswith(
                f"【{sign}" if sign else ""
            ):
                continue
            size = parts_in(message.text)
            total += size
            outcome = message.note.receipts.outcome(message.phone, message.at)
            if outcome is not None and outcome.at <= now:
                delivered += size * outcome.delivered
                failed += size * (not outcome.delivered)
    return {
        "TotalCount": total,
        "RespondedSuccessCount": delivered,
        "RespondedFailCount": failed,
        "NoRespondedCount": total - delivered - failed,
    }
