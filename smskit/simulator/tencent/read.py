"""
Tencent's reading actions, and its callbacks: receipts, replies, figures, templates, signatures.

Source: dossier section 4. ``PullSmsSendStatus`` and ``PullSmsReplyStatus`` take
from a queue, and what they took is gone; asking by number takes nothing. Of
callbacks nothing is signed, and how often they are tried again is not
documented: three times, a minute apart.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from smskit.simulator.accounts import Account
from smskit.simulator.book import ReceiptDue, ReplyDue
from smskit.simulator.dialect import DAY, Call, Refusal, read_time, receipt_words, refuse, show_time
from smskit.simulator.push import Way
from smskit.simulator.tencent.dialect import (
    JSON,
    PROVIDER,
    answer,
    check_app,
    fields_of,
    serial_no,
    split_phone,
    within,
)
from smskit.simulator.tencent.send import fee_of, status_of
from smskit.simulator.wire import Answer, json_object

PULL = fields_of(whole="Limit", text="SmsSdkAppId")
BY_NUMBER = fields_of(whole="BeginTime EndTime Offset Limit", text="PhoneNumber SmsSdkAppId")
STATISTICS = fields_of(whole="Limit Offset", text="BeginTime EndTime SmsSdkAppId")
TEMPLATES = fields_of(whole="International Limit Offset", wholes="TemplateIdSet")
SIGNATURES = fields_of(whole="International Limit Offset", wholes="SignIdSet")

_PAGE = 100
_MEMORY = 7 * DAY
_SIGN = re.compile(r"【([^】]*)】")
_REGIONS = {"domestic": 0, "abroad": 1, "global": 3}


# -- receipts and replies -----------------------------------------------------------------------------


def pull_status(call: Call) -> Answer:
    """Answer receipts that wait, and forget them."""
    taken = call.receipts(_pull_limit(call))
    rows = [status_row(call.account, due) for due in taken]
    return answer(PullSmsSendStatusSet=rows)._replace(popped=len(taken))


def pull_replies(call: Call) -> Answer:
    """Answer replies that wait, and forget them."""
    taken = call.replies(_pull_limit(call))
    rows = [reply_row(call.account, reply) for reply in taken]
    return answer(PullSmsReplyStatusSet=rows)._replace(popped=len(taken))


def status_by_number(call: Call) -> Answer:
    """Answer the receipts of one number that came between two times; they are not taken."""
    check_app(call)
    phone = call.phone(call.need("PhoneNumber"), "PhoneNumber")
    within(call, "Offset", 0, 0)
    limit, now = within(call, "Limit", 1, _PAGE), call.world.clock()
    start, end = call.need("BeginTime", int), call.fields.get("EndTime") or now
    refuse(
        (start < now - _MEMORY, "InvalidParameterValue.BeginTimeVerifyFail"),
        # An end still to come is not documented; a refusal is the louder choice.
        (end > now, "InvalidParameterValue.EndTimeVerifyFail"),
        (start > end, "InvalidParameterValue.InvalidStartTime"),
    )
    with call.world.lock:
        messages = call.account.book.to(phone)
    rows = []
    for message in messages:
        by = min(end, now - call.account.settings.record_lag_s)
        outcome = message.outcome(by=by) if message.note.wants_receipt else None
        # Whether times of sending or of receiving are meant is not documented; a row has the latter.
        if outcome is not None and start <= outcome.at:
            due = ReceiptDue(outcome.at, message, outcome.delivered, outcome.code, -1)
            rows.append(status_row(call.account, due))
    return answer(PullSmsSendStatusSet=rows[:limit])


def status_row(account: Account, due: ReceiptDue) -> dict[str, object]:
    """Return one receipt as pulled; SessionContext only where it is switched on (``echo_uid``)."""
    message = due.message
    country, rest = split_phone(message.phone)
    return {
        "UserReceiveTime": int(due.at),
        "CountryCode": country,
        "SubscriberNumber": rest,
        "PhoneNumber": f"+{message.phone}",
        "SerialNo": serial_no(message.sid),
        "ReportStatus": "SUCCESS" if due.delivered else "FAIL",
        "Description": due.code,
        "SessionContext": message.note.uid if account.settings.echo_uid else "",
    }


def reply_row(account: Account, reply: ReplyDue) -> dict[str, object]:
    sign = _SIGN.match(reply.message.text)
    country, rest = split_phone(reply.message.phone)
    return {
        "ExtendCode": reply.message.note.extend,
        "CountryCode": country,
        "PhoneNumber": f"+{reply.message.phone}",
        "SignName": sign[1] if sign else "",
        "ReplyContent": reply.text,
        "ReplyTime": int(reply.at),
        "SubscriberNumber": rest,
    }


def _pull_limit(call: Call) -> int:
    check_app(call)
    refuse((not call.account.settings.pull, "UnauthorizedOperation.RequestPermissionDeny"))
    return within(call, "Limit", 1, _PAGE)


def pushed_receipt(_: Account, due: ReceiptDue) -> dict[str, object]:
    """Return one receipt as pushed: the carrier's code is ``errmsg``, and the number lacks its country."""
    country, rest = split_phone(due.message.phone)
    return {
        "user_receive_time": show_time(due.at),
        "nationcode": country,
        "mobile": rest,
        "report_status": "SUCCESS" if due.delivered else "FAIL",
        "errmsg": due.code,
        "description": receipt_words(PROVIDER, due.code, "短信发送失败"),
        "sid": serial_no(due.message.sid),
    }


def _pushed_reply(account: Account, reply: ReplyDue) -> dict[str, object]:
    row = reply_row(account, reply)
    return {
        "extend": row["ExtendCode"],
        "mobile": row["SubscriberNumber"],
        "nationcode": row["CountryCode"],
        "sign": row["SignName"],
        "text": reply.text,
        "time": row["ReplyTime"],
    }


def _is_taken(status: int, body: bytes) -> bool:
    """Whether the receiver answers ``{"result":0,"errmsg":"OK"}``."""
    return status == 200 and json_object(body).get("result") == 0


_PUSHED = partial(Way, taken=_is_taken, waits_s=(60.0,) * 3, content_type=JSON)
PUSHES = {"receipts": _PUSHED(pushed_receipt, together=True), "replies": _PUSHED(_pushed_reply)}


# -- figures --------------------------------------------------------------------------------------------


def send_statistics(call: Call) -> Answer:
    """Answer how many messages were asked for and billed in some hours; refused ones are not kept here."""
    check_app(call)
    within(call, "Limit", 0, 0)
    within(call, "Offset", 0, 0)
    start, end = _hour(call, "BeginTime"), _hour(call, "EndTime")
    refuse((end < start, "InvalidParameterValue.EndTimeVerifyFail"))
    with call.world.lock:
        found = list(call.account.book.between(start, end + 3599.999))
    fees = sum(fee_of(message.text, message.phone) for message in found)
    figures = {"FeeCount": fees, "RequestCount": len(found), "RequestSuccessCount": len(found)}
    return answer(SendStatusStatistics=figures)


def package_statistics(call: Call) -> Answer:
    """Answer the account's one package, as many messages as its balance buys."""
    check_app(call)
    within(call, "Limit", 0, 500)
    offset = within(call, "Offset", 0, 1 << 31)
    start, end = _hour(call, "BeginTime"), _hour(call, "EndTime")
    now = call.world.clock()
    refuse((not start < end < now, "InvalidParameterValue.EndTimeVerifyFail"))
    settings = call.account.settings
    if not settings.price or offset:
        return answer(SmsPackagesStatisticsSet=[])
    bought = now - 30 * DAY
    package = {
        "PackageCreateTime": int(bought),
        "PackageEffectiveTime": int(bought),
        "PackageExpiredTime": int(bought + 730 * DAY),
        "PackageAmount": int(settings.balance / settings.price),
        "PackageType": 1,
        "PackageId": 1,
        "CurrentUsage": int((settings.balance - call.account.balance) / settings.price),
    }
    return answer(SmsPackagesStatisticsSet=[package] if start <= bought <= end else [])


def _hour(call: Call, name: str) -> float:
    at = read_time(call.need(name), "%Y%m%d%H")
    if at is None:
        raise Refusal(f"InvalidParameterValue.{name}VerifyFail")
    return at


# -- templates, signatures, numbers ------------------------------------------------------------------------


def templates(call: Call) -> Answer:
    """Answer the templates asked for by id, or a page of all; without a Limit that page is empty."""
    international = _international(call)
    every = [
        {
            "TemplateId": int(template.id),
            "International": _REGIONS[template.region],
            "StatusCode": status_of(template),
            "ReviewReply": template.remark,
            "TemplateName": f"模板{template.id}",
            "CreateTime": int(template.at),
            "TemplateContent": template.content,
        }
        for template in (call.account.templates or {}).values()
        if template.id.isdigit() and _REGIONS[template.region] in (international, 3)
    ]
    wanted = call.fields.get("TemplateIdSet")
    return answer(DescribeTemplateStatusSet=_chosen(call, every, "TemplateId", wanted, default=0))


def signatures(call: Call) -> Answer:
    """Answer the signatures asked for by id, or a page of all, ten unless told."""
    international = _international(call)
    every = [
        {
            "SignId": number,
            "International": international,
            "StatusCode": status_of(signature),
            "ReviewReply": signature.remark,
            "SignName": signature.name,
            "CreateTime": int(signature.at),
            "QualificationId": 1,
            "QualificationName": "模拟公司",
            "QualificationStatusCode": 1,
        }
        for number, signature in enumerate((call.account.signatures or {}).values(), start=1)
    ]
    wanted = call.fields.get("SignIdSet")
    return answer(DescribeSignListStatusSet=_chosen(call, every, "SignId", wanted, default=10))


def _international(call: Call) -> int:
    value = int(call.need("International", int))
    refuse((value not in (0, 1), "InvalidParameterValue.InvalidInternational"))
    return value


def _chosen(
    call: Call, rows: list[dict[str, Any]], key: str, wanted: list[int] | None, *, default: int
) -> list[dict[str, Any]]:
    if wanted:
        refuse((len(wanted) > _PAGE, "InvalidParameterValue.LimitVerifyFail"))
        return [row for row in rows if row[key] in wanted]
    limit, offset = call.fields.get("Limit"), call.fields.get("Offset") or 0
    limit = default if limit is None else limit
    refuse(
        (not 0 <= limit <= _PAGE, "InvalidParameterValue.LimitVerifyFail"),
        (offset < 0, "InvalidParameterValue.OffsetVerifyFail"),
    )
    return rows[offset : offset + limit]
