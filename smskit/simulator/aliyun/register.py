"""
Signatures and templates: the newer and the older queries, and the lists.

Source: dossier sections 6.5, 6.6 and 12. What an unknown signature or template
is answered with is not documented; the code of a send that names it is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import orjson

from smskit.simulator.accounts import Review, Signature, Template
from smskit.simulator.aliyun.dialect import Call, answer
from smskit.simulator.dialect import Refusal, show_time
from smskit.simulator.wire import Answer

_PAGE = 50

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


# -- queries -----------------------------------------------------------------------------


def get_sms_template(call: Call) -> Answer:
    """Answer one template; status and type are text here."""
    template = _known_template(call)
    variables = template.extra.get("TemplateRule") or {}
    return answer(
        _named(template)
        | {
            "TemplateStatus": str(_STATUS[template.state]),
            "TemplateType": str(_kind(template)),
            "TemplateTag": 2,
            "VariableAttribute": orjson.dumps(variables).decode(),
            "AuditInfo": _audit_info(template),
        }
    )


def query_sms_template(call: Call) -> Answer:
    """Answer one template the older way; status and type are numbers here."""
    template = _known_template(call)
    reviewed = {"TemplateStatus": _STATUS[template.state], "TemplateType": _kind(template)}
    return answer(_named(template) | reviewed | {"Reason": template.remark or _NO_REMARK})


def query_sms_template_list(call: Call) -> Answer:
    """Answer a page of templates."""
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
    """Answer one signature with the carriers' filing; the profile's ``RegisterStatus`` is by carrier."""
    sign = _known_sign(call)
    filing: Mapping[str, int] = sign.extra.get("RegisterStatus", {})
    return answer(
        {
            "SignName": sign.name,
            "SignStatus": _STATUS[sign.state],
            "SignTag": "2",
            "CreateDate": show_time(sign.at),
            "AuditInfo": _audit_info(sign),
            "SignIspRegisterDetailList": [
                {
                    "OperatorCode": carrier,
                    "RegisterStatus": filing.get(carrier, _FILED),
                    "RegisterStatusReasons": [],
                }
                for carrier in ("mobile", "unicom", "telecom")
            ],
        }
    )


def query_sms_sign(call: Call) -> Answer:
    """Answer one signature the older way."""
    sign = _known_sign(call)
    return answer(
        {
            "SignName": sign.name,
            "SignStatus": _STATUS[sign.state],
            "Reason": sign.remark or _NO_REMARK,
            "CreateDate": show_time(sign.at),
        }
    )


def query_sms_sign_list(call: Call) -> Answer:
    """Answer a page of signatures."""
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


# -- small -------------------------------------------------------------------------------


def _known_template(call: Call) -> Template:
    template = (call.account.templates or {}).get(call.need("TemplateCode"))
    if template is None:
        raise Refusal("isv.SMS_TEMPLATE_ILLEGAL")
    return template


def _known_sign(call: Call) -> Signature:
    sign = (call.account.signatures or {}).get(call.need("SignName"))
    if sign is None:
        raise Refusal("isv.SMS_SIGNATURE_ILLEGAL")
    return sign


_E = TypeVar("_E")


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
