"""
QuerySendDetails, and a report as it is pushed.

Source: dossier sections 6.3 and 7.2. Details are of one number and one
China day; asking deletes nothing.
"""

from __future__ import annotations

from bisect import bisect_right

from smskit.simulator.accounts import Account
from smskit.simulator.aliyun.dialect import PROVIDER, Call, answer, phone_in, show_phone
from smskit.simulator.aliyun.send import biz_id, sid_in
from smskit.simulator.book import Book, Message, ReceiptDue, parts_in
from smskit.simulator.dialect import DAY, Refusal, read_time, receipt_words, show_time
from smskit.simulator.wire import Answer

# A fault plan's words are the carriers' own; where Aliyun has a word for one, it uses that.
_CARRIERS_WORDS = {
    "DELIVRD": "DELIVERED",
    "UNDELIV": "MOBILE_NOT_ON_SERVICE",
    "REJECTD": "USER_REJECT",
    "YP:54": "INVALID_NUMBER",
}
_KEPT_DAYS = 30
_PAGE = 50


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
    if start < now - (_KEPT_DAYS + 1) * DAY:
        raise Refusal("isv.INVALID_PARAMETERS", "只能查询最近30天")
    shown = now - call.account.settings.record_lag_s
    wanted = call.optional("BizId")
    with call.world.lock:
        book = call.account.book
        found = [m for m in book.to(phone) if start <= m.at < start + DAY and m.at <= shown]
        if wanted:
            found = [m for m in found if first_of_call(book, m.sid) == sid_in(wanted)]
    found.sort(key=lambda m: -m.sid)
    rows = [_detail(m, now) for m in found[(page - 1) * size : page * size]]
    return answer({"TotalCount": str(len(found)), "SmsSendDetailDTOs": {"SmsSendDetailDTO": rows}})


def report_of(account: Account, due: ReceiptDue) -> dict[str, object]:
    """Return one report (SmsReport) as it is pushed."""
    message = account.book.find(due.sid)
    code = _CARRIERS_WORDS.get(due.code, due.code)
    return {
        "phone_number": show_phone(due.phone),
        "send_time": show_time(message.at if message else due.at),
        "report_time": show_time(due.at),
        "success": due.delivered,
        "err_code": code,
        "err_msg": receipt_words(PROVIDER, code, code),
        "sms_size": str(parts_in(message.text)) if message else "1",
        "biz_id": biz_id(account.book.first_sid[due.call]),
        **({"out_id": message.note.uid} if message and message.note.uid else {}),
    }


def first_of_call(book: Book, sid: int) -> int:
    """Return the number of the first message of the call that a message belongs to."""
    return book.first_sid[bisect_right(book.first_sid, sid) - 1]


def _day(text: str) -> float:
    """Return the start of a China day written ``yyyyMMdd``, as epoch seconds."""
    at = read_time(text, "%Y%m%d") if len(text) == 8 else None
    if at is None:
        raise Refusal("isv.INVALID_PARAMETERS", "日期格式为 yyyyMMdd")
    return at


def _detail(message: Message, now: float) -> dict[str, object]:
    outcome = message.outcome(by=now)
    row: dict[str, object] = {
        "PhoneNum": show_phone(message.phone),
        "SendStatus": 1,
        "TemplateCode": message.note.template_id,
        "Content": message.text,
        "SendDate": show_time(message.at),
    }
    if message.note.uid:
        row["OutId"] = message.note.uid
    if outcome is not None:
        row["SendStatus"] = 3 if outcome.delivered else 2
        row["ErrCode"] = _CARRIERS_WORDS.get(outcome.code, outcome.code)
        row["ReceiveDate"] = show_time(outcome.at)
    return row
