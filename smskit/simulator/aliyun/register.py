"""
Signatures and templates: the newer and the older queries, lists, and templates handed in for review.

Source: dossier sections 6.5, 6.6 and 12. What an unknown signature or template
is answered with is not documented; the code of a send that names it is used.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from smskit.simulator.accounts import Account, Review, Signature, Template
from smskit.simulator.aliyun.codes import Refusal
from smskit.simulator.aliyun.dialect import Call, answer, show_time
from smskit.simulator.aliyun.send import VARIABLE
from smskit.simulator.wire import Answer

_PAGE = 50
_MOST_TEXT = 500
_FIRST_TEMPLATE = 480_000_001
_OPT_OUT = "拒收请回复R"

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


# -- queries -----------------------------------------------------------------------------


def get_sms_template(call: Call) -> Answer:
    """Answer one template; status and type are text here."""
    template = _known_template(call)
    variables = template.extra.get("TemplateRule") or {}
    return answer(
        {
            "TemplateCode": template.id,
            "TemplateName": _name(template),
            "TemplateContent": template.content,
            "TemplateStatus": str(_STATUS[template.state]),
            "TemplateType": str(_kind(template)),
            "TemplateTag": 2,
            "VariableAttribute": orjson.dumps(variables).decode(),
            "CreateDate": show_time(template.at),
            "AuditInfo": _audit_info(template),
        }
    )


def query_sms_template(call: Call) -> Answer:
    """Answer one template the older way; status and type are numbers here."""
    template = _known_template(call)
    return answer(
        {
            "TemplateCode": template.id,
            "TemplateName": _name(template),
            "TemplateContent": template.content,
            "TemplateStatus": _STATUS[template.state],
            "TemplateType": _kind(template),
            "Reason": template.remark or "无审批备注",
            "CreateDate": show_time(template.at),
        }
    )


def query_sms_template_list(call: Call) -> Answer:
    """Answer a page of templates."""
    templates = list((call.account.templates or {}).values())
    page, size = _page(call)
    rows = [
        {
            "TemplateCode": t.id,
            "TemplateName": _name(t),
            "TemplateContent": t.content,
            "AuditStatus": _AUDIT.get(t.state, _CANCELLED_TEMPLATE),
            "TemplateType": _ABROAD_IN_LIST if t.region == "abroad" else _KINDS_IN_LIST[t.kind],
            "OuterTemplateType": _kind(t),
            "CreateDate": show_time(t.at),
            "Reason": _reason(t),
        }
        for t in templates[(page - 1) * size : page * size]
    ]
    return answer(
        {"TotalCount": len(templates), "CurrentPage": page, "PageSize": size, "SmsTemplateList": rows}
    )


def get_sms_template_list(call: Call) -> Answer:
    """Answer a page of templates the newest way."""
    templates = list((call.account.templates or {}).values())
    for field, value in (
        ("TemplateCode", lambda t: t.id),
        ("TemplateName", _name),
        ("AuditStatus", lambda t: _AUDIT.get(t.state, _CANCELLED_TEMPLATE)),
    ):
        if wanted := call.optional(field):
            templates = [t for t in templates if value(t) == wanted]
    page, size = _page(call)
    rows = [
        {
            "TemplateCode": t.id,
            "TemplateName": _name(t),
            "TemplateContent": t.content,
            "TemplateType": _kind(t),
            "AuditStatus": _AUDIT.get(t.state, _CANCELLED_TEMPLATE),
            "UsableStateList": ["AVAILABLE" if t.state is Review.APPROVED else "UNAVAILABLE"],
        }
        for t in templates[(page - 1) * size : page * size]
    ]
    data = {"Total": len(templates), "PageNo": page, "PageSize": size, "List": rows}
    return answer({"Success": True, "Data": data})


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
            "Reason": sign.remark or "无审批备注",
            "CreateDate": show_time(sign.at),
        }
    )


def query_sms_sign_list(call: Call) -> Answer:
    """Answer a page of signatures."""
    signs = list((call.account.signatures or {}).values())
    page, size = _page(call)
    rows = [
        {
            "SignName": s.name,
            "AuditStatus": _AUDIT.get(s.state, _CANCELLED_SIGN),
            "BusinessType": "验证码类型" if s.extra.get("code_only") else "通用类型",
            "CreateDate": show_time(s.at),
            "Reason": _reason(s),
            "authorizationLetterAuditPass": True,
        }
        for s in signs[(page - 1) * size : page * size]
    ]
    return answer({"TotalCount": len(signs), "CurrentPage": page, "PageSize": size, "SmsSignList": rows})


# -- handing in --------------------------------------------------------------------------


def create_sms_template(call: Call) -> Answer:
    """Hand a template in for review; registering one makes the account strict about templates."""
    template = _submitted(call, "")
    if call.account.templates is None:
        call.account.templates = {}
    call.account.templates[template.id] = template
    return answer({"TemplateCode": template.id, "TemplateName": _name(template), "OrderId": template.id[4:]})


def update_sms_template(call: Call) -> Answer:
    """Hand a rejected template in again."""
    known = _known_template(call)
    if known.state is not Review.REJECTED:
        raise Refusal("isv.ERROR_TEMPLATE_NOT_MODIFY")
    template = _submitted(call, known.id)
    assert call.account.templates is not None
    call.account.templates[known.id] = template
    return answer({"TemplateCode": template.id, "TemplateName": _name(template), "OrderId": template.id[4:]})


def delete_sms_template(call: Call) -> Answer:
    """Delete a template for good, unless it is in review."""
    template = _known_template(call)
    if template.state is Review.PENDING:
        raise Refusal("isv.ERROR_TEMPLATE_NOT_DELETE")
    assert call.account.templates is not None
    del call.account.templates[template.id]
    return answer({"TemplateCode": template.id})


def offline(_: Call) -> Answer:
    """Refuse an action that Aliyun has taken off."""
    raise Refusal("isv.INTERFACE_OFFLINE")


def _submitted(call: Call, code: str) -> Template:
    name, content = call.need("TemplateName"), call.need("TemplateContent")
    number = call.number("TemplateType", low=0, high=3)
    abroad = number == _ABROAD
    kind = next((k for k, n in _KINDS.items() if n == number), "notification")
    names = VARIABLE.findall(content)
    rule = call.optional("TemplateRule")
    if len(content) > _MOST_TEXT:
        raise Refusal("isv.TEMPLATE_OVER_LIMIT")
    if kind == "verification" and not abroad and len(names) > 1:
        raise Refusal("template_parameter_count_illegal")
    wrong = (
        re.search("[【】]", content) is not None
        or len(set(names)) != len(names)
        or "}${" in content
        or not VARIABLE.sub("", content).strip()
        or (names and not rule)
        or (kind == "marketing" and not abroad and not content.endswith(_OPT_OUT))
        or (kind == "notification" and not abroad and _OPT_OUT in content)
    )
    if wrong:
        raise Refusal("isv.INVALID_PARAMETERS", "模板内容不符合规范")
    if not abroad and call.need("RelatedSignName") not in (
        call.account.signatures or {call.need("RelatedSignName")}
    ):
        raise Refusal("isv.SMS_SIGNATURE_ILLEGAL")
    try:
        kinds = orjson.loads(rule) if rule else {}
    except orjson.JSONDecodeError:
        raise Refusal("isv.INVALID_JSON_PARAM") from None
    return Template(
        id=code or _next_code(call.account),
        content=content,
        state=Review.PENDING,
        kind=kind,
        region="abroad" if abroad else "domestic",
        at=call.world.clock(),
        extra={"TemplateName": name, "TemplateRule": kinds},
    )


def _next_code(account: Account) -> str:
    number = _FIRST_TEMPLATE
    while f"SMS_{number}" in (account.templates or {}):
        number += 1
    return f"SMS_{number}"


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


def _page(call: Call) -> tuple[int, int]:
    page = call.number("PageIndex", low=1, high=10**6, default=1)
    return page, call.number("PageSize", low=1, high=_PAGE, default=10)


def _kind(template: Template) -> int:
    return _ABROAD if template.region == "abroad" else _KINDS[template.kind]


def _name(template: Template) -> str:
    return str(template.extra.get("TemplateName", template.id))


def _audit_info(entry: Signature | Template) -> dict[str, Any]:
    if entry.state is Review.PENDING:
        return {}
    rejected = {"RejectInfo": entry.remark} if entry.state is Review.REJECTED else {}
    return {"AuditDate": show_time(entry.at), **rejected}


def _reason(entry: Signature | Template) -> dict[str, str]:
    if entry.state is not Review.REJECTED:
        return {}
    return {"RejectDate": show_time(entry.at), "RejectInfo": entry.remark, "RejectSubInfo": ""}
