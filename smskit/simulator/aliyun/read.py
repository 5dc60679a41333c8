"""
Aliyun's queries: details of what was sent, signatures, templates; and its pushes (SmsReport, SmsUp).

Source: dossier sections 6.3, 6.5, 6.6, 7 and 12. Details are of one number and
one China day; asking deletes nothing. What an unknown signature or template is
answered with is not documented; the code of a send that names it is used. A
receiver of pushes has 700 ms; one that is not acknowledged comes again after 1,
5 and 10 minutes, and then never.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import orjson

from smskit.simulator.accounts import Account, Review, Signature, Template
from smskit.simulator.aliyun.dialect import PROVIDER, answer
from smskit.simulator.aliyun.send import biz_id
from smskit.simulator.book import Message, ReceiptDue, ReplyDue, parts_in
from smskit.simulator.dialect import DAY, Call, Refusal, national, read_time, receipt_words, refuse, show_time
from smskit.simulator.push import Way
from smskit.simulator.wire import Answer, json_object

# A fault plan's words are the carriers' own; where Aliyun has a word for one, it uses that.
_CARRIERS_WORDS = {
    "DELIVRD": "DELIVERED",
    "UNDELIV": "MOBILE_NOT_ON_SERVICE",
    "REJECTD": "USER_REJECT",
    "YP:54": "INVALID_NUMBER",
}
_KEPT_DAYS = 30
_PAGE = 50
_DEST_CODE = "1069000000001"

_STATUS = {Review.PENDING: 0, Review.APPROVED: 1, Review.REJECTED: 2, Review.EXPIRED: 10}
_AUDIT = {
    Review.PENDING: "AUDIT_STATE_INIT",
    Review.APPROVED: "AUDIT_STATE_PASS",
    Review.REJECTED: "AUDIT_STATE_NOT_PASS",
}
_CANCELLED_TEMPLATE = "AUDIT_SATE_CANCEL"  # sic, for templates only
_CANCELLED_SIGN = "AUDIT_STATE_CANCEL"

# Two numberings: what is handed in and queried singly, and what the list calls ``TemplateType``.
_KINDS = {"verification": 0, "notification": 1, "marketing": 2}
_KINDS_IN_LIST = {"verification": 2, "notification": 0, "marketing": 1}
_ABROAD, _ABROAD_IN_LIST = 3, 6
_FILED = 3
_NO_REMARK = "无审批备注"


# -- what was sent, asked for and pushed -------------------------------------------------


def query_send_details(call: Call) -> Answer:
    """Answer what was sent to one number on one day, newest first."""
    number, day = call.need("PhoneNumber"), call.need("SendDate")
    size = call.number("PageSize", low=1, high=_PAGE)
    page = call.number("CurrentPage", low=1, high=10**6)
    phone = call.phone(number, "PhoneNumber")
    start = read_time(day, "%Y%m%d") if len(day) == 8 else None
    if start is None:
        raise Refusal("isv.INVALID_PARAMETERS", "日期格式为 yyyyMMdd")
    now, book = call.world.clock(), call.account.book
    old = Refusal("isv.INVALID_PARAMETERS", "只能查询最近30天")
    refuse((start < now - (_KEPT_DAYS + 1) * DAY, old))
    shown, wanted = now - call.account.settings.record_lag_s, call.optional("BizId")
    with call.world.lock:
        found = [m for m in book.to(phone) if start <= m.at < start + DAY and m.at <= shown]
        found = [m for m in found if wanted in ("", biz_id(book.first_of_call(m.sid)))]
    found.sort(key=lambda m: -m.sid)
    rows = [_detail(m, now) for m in found[(page - 1) * size : page * size]]
    return answer({"TotalCount": str(len(found)), "SmsSendDetailDTOs": {"SmsSendDetailDTO": rows}})


def _detail(message: Message, now: float) -> dict[str, object]:
    outcome = message.outcome(by=now)
    row: dict[str, object] = {
        "PhoneNum": national(message.phone),
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


def _report(account: Account, due: ReceiptDue) -> dict[str, object]:
    """One SmsReport."""
    message, code = due.message, _CARRIERS_WORDS.get(due.code, due.code)
    return {
        "phone_number": national(message.phone),
        "send_time": show_time(message.at),
        "report_time": show_time(due.at),
        "success": due.delivered,
        "err_code": code,
        "err_msg": receipt_words(PROVIDER, code, code),
        "sms_size": str(parts_in(message.text)),
        "biz_id": biz_id(account.book.first_of_call(message.sid)),
        **({"out_id": message.note.uid} if message.note.uid else {}),
    }


def _reply(account: Account, reply: ReplyDue) -> dict[str, object]:
    """One SmsUp."""
    return {
        "phone_number": national(reply.message.phone),
        "content": reply.text,
        "send_time": show_time(reply.at),
        "dest_code": _DEST_CODE + reply.message.note.extend,
        "sequence_id": str(reply.sid),
    }


def is_taken(status: int, body: bytes) -> bool:
    """Whether the receiver's answer acknowledges a push: status 200, and a ``code`` that is a number."""
    code = json_object(body).get("code")
    return status == 200 and isinstance(code, int) and not isinstance(code, bool)


def _way(row: Any) -> Way:
    waits_s = (60.0, 300.0, 600.0)
    return Way(row, taken=is_taken, waits_s=waits_s, together=True, timeout_s=0.7)


# How many fit into one array is not documented.
PUSHES = {"receipts": _way(_report), "replies": _way(_reply)}


# -- templates and signatures: the newer and the older queries, and the lists --------------


def get_sms_template(call: Call) -> Answer:
    """Answer one template; status and type are text here."""
    template = _template(call)
    return answer(
        _named(template)
        | {
            "TemplateStatus": str(_STATUS[template.state]),
            "TemplateType": str(_kind(template)),
            "TemplateTag": 2,
            "VariableAttribute": orjson.dumps(template.extra.get("TemplateRule") or {}).decode(),
            "AuditInfo": _audit_info(template),
        }
    )


def query_sms_template(call: Call) -> Answer:
    """Answer one template the older way; status and type are numbers here."""
    template = _template(call)
    reviewed = {"TemplateStatus": _STATUS[template.state], "TemplateType": _kind(template)}
    return answer(_named(template) | reviewed | {"Reason": template.remark or _NO_REMARK})


def query_sms_template_list(call: Call) -> Answer:
    templates, page = _page(call, list((call.account.templates or {}).values()))
    rows = [
        _named(t)
        | {
            "AuditStatus": _AUDIT.get(t.state, _CANCELLED_TEMPLATE),
            "TemplateType": _ABROAD_IN_LIST if t.region == "abroad" else _KINDS_IN_LIST[t.kind],
            "OuterTemplateType": _kind(t),
            "Reason": _reason(t),
        }
        for t in templates
    ]
    return answer({**page, "SmsTemplateList": rows})


def get_sms_sign(call: Call) -> Answer:
    sign = _sign(call)
    carriers = ("mobile", "unicom", "telecom")
    filed = {"RegisterStatus": _FILED, "RegisterStatusReasons": []}
    return answer(
        {
            "SignName": sign.name,
            "SignStatus": _STATUS[sign.state],
            "SignTag": "2",
            "CreateDate": show_time(sign.at),
            "AuditInfo": _audit_info(sign),
            "SignIspRegisterDetailList": [{"OperatorCode": name, **filed} for name in carriers],
        }
    )


def query_sms_sign(call: Call) -> Answer:
    sign = _sign(call)
    reviewed = {"SignStatus": _STATUS[sign.state], "Reason": sign.remark or _NO_REMARK}
    return answer({"SignName": sign.name, **reviewed, "CreateDate": show_time(sign.at)})


def query_sms_sign_list(call: Call) -> Answer:
    signs, page = _page(call, list((call.account.signatures or {}).values()))
    rows = [
        {
            "SignName": s.name,
            "AuditStatus": _AUDIT.get(s.state, _CANCELLED_SIGN),
            "BusinessType": "验证码类型" if s.extra.get("code_only") else "通用类型",
            "CreateDate": show_time(s.at),
            "Reason": _reason(s),
            "authorizationLetterAuditPass": True,
        }
        for s in signs
    ]
    return answer({**page, "SmsSignList": rows})


_E = TypeVar("_E", Signature, Template)


def _known(entries: Mapping[str, _E] | None, name: str, unknown: str) -> _E:
    entry = (entries or {}).get(name)
    if entry is None:
        raise Refusal(unknown)
    return entry


def _template(call: Call) -> Template:
    return _known(call.account.templates, call.need("TemplateCode"), "isv.SMS_TEMPLATE_ILLEGAL")


def _sign(call: Call) -> Signature:
    return _known(call.account.signatures, call.need("SignName"), "isv.SMS_SIGNATURE_ILLEGAL")


def _page(call: Call, entries: Sequence[_E]) -> tuple[Sequence[_E], dict[str, object]]:
    """The entries of the page that is asked for, and what its answer says of it."""
    page = call.number("PageIndex", low=1, high=10**6, default=1)
    size = call.number("PageSize", low=1, high=_PAGE, default=10)
    head: dict[str, object] = {"TotalCount": len(entries), "CurrentPage": page, "PageSize": size}
    return entries[(page - 1) * size : page * size], head


def _kind(template: Template) -> int:
    return _ABROAD if template.region == "abroad" else _KINDS[template.kind]


def _named(template: Template) -> dict[str, object]:
    """What every answer says of a template."""
    return {
        "TemplateCode": template.id,
        "TemplateName": str(template.extra.get("TemplateName", template.id)),
        "TemplateContent": template.content,
        "CreateDate": show_time(template.at),
    }


def _audit_info(entry: Signature | Template) -> dict[str, Any]:
    if entry.state is Review.PENDING:
        return {}
    rejected = {"RejectInfo": entry.remark} if entry.state is Review.REJECTED else {}
    return {"AuditDate": show_time(entry.at), **rejected}


def _reason(entry: Signature | Template) -> dict[str, str]:
    if entry.state is not Review.REJECTED:
        return {}
    return {"RejectDate": show_time(entry.at), "RejectInfo": entry.remark, "RejectSubInfo": ""}
