"""
SendSms and SendBatchSms: one code and one BizId for a whole call.

Order of checks: dossier section 18: parameters, account, signature, template,
variables, numbers, limits. What one bad number among many does is not
documented; it refuses the call, which a client can tell and put right.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from smskit.simulator.accounts import Account, Template, approved
from smskit.simulator.aliyun.dialect import PROVIDER, answer
from smskit.simulator.book import Message, parts_of_all
from smskit.simulator.dialect import DAY, Call, Refusal, refuse
from smskit.simulator.wire import Answer

MOST_SAME = 1000
MOST_DIFFERENT = 100
MOST_TEXT = 500
MOST_VALUE = 35
MOST_OUT_ID = 255

VARIABLE = re.compile(r"\$\{\s*([^${}\s]+)\s*\}")

_CODES_A_DAY_FROM_ALL = 40

_BIZ_ID_BASE = 900_000_000_000_000_000  # real ones have 18 digits, ours count up from there

_SEPARATOR = "\x1f"  # stands between texts while they are looked at as one

_URL = re.compile(r"https?://|www\.", re.IGNORECASE)
_UNSUPPORTED = re.compile(r"[【】★※→•①-⑳\u2600-\u27bf\U0001f000-\U0001faff]")

# Dossier section 12: kinds of variables a template may declare, as far as they are documented.
_KINDS = {
    "numberCaptcha": re.compile(r"[0-9]{4,6}"),
    "characterWithNumber2": re.compile(r"[0-9A-Za-z]{4,6}"),
    "phone_number2": re.compile(r"(?=.{5,15}$)[0-9]+(?:-[0-9]+)*"),
    "user_nick": re.compile(r".{1,20}"),
    "unit_name": re.compile(r".{1,20}"),
    "address": re.compile(r".{1,30}"),
    "license_plate_number": re.compile(r".{1,10}"),
    "tracking_number": re.compile(r".{8,16}"),
    "pick_up_code": re.compile(r".{4,8}"),
    "link_param": re.compile(r".{1,8}"),
    "email_address": re.compile(r".{7,30}"),
}


class _Order(NamedTuple):
    """What a call asks for, as read from its fields; columns correspond."""

    numbers: list[str]
    signs: list[str]  # one for all, or one a number
    params: list[dict[str, Any]]  # likewise
    template_code: str
    extends: list[str]  # likewise, or none


def send_sms(call: Call) -> Answer:
    """Send one signature, template and set of values to up to a thousand numbers."""
    numbers, sign, code = call.need("PhoneNumbers"), call.need("SignName"), call.need("TemplateCode")
    param = _json(call.optional("TemplateParam") or "{}", dict)
    extend = call.optional("SmsUpExtendCode")
    order = _Order(numbers.split(","), [sign], [param], code, [extend] if extend else [])
    return _send(call, order, most=MOST_SAME)


def send_batch_sms(call: Call) -> Answer:
    """Send one template to up to a hundred numbers, each with a signature and values of its own."""
    numbers = _json(call.need("PhoneNumberJson"), list, of=str)
    signs = _json(call.need("SignNameJson"), list, of=str)
    code = call.need("TemplateCode")
    # An array of JSON strings is the usual mistake.
    params = _json(call.optional("TemplateParamJson") or "[]", list, of=dict) or [{}] * len(numbers)
    extends = _json(call.optional("SmsUpExtendCodeJson") or "[]", list, of=str)
    alike = numbers and all(len(column) in (len(numbers), 0) for column in (signs, params, extends))
    refuse((not alike, Refusal("isv.INVALID_PARAMETERS", "数组长度不一致")))
    return _send(call, _Order(numbers, signs, params, code, extends), most=MOST_DIFFERENT)


def _json(text: str, kind: type[Any], *, of: type[Any] = object) -> Any:
    """A JSON value of that *kind*, and its members of another."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Refusal("isv.INVALID_JSON_PARAM") from None
    fits = isinstance(value, kind) and all(isinstance(member, of) for member in value)
    refuse((not fits, "isv.INVALID_JSON_PARAM"))
    return value


def biz_id(first_sid: int) -> str:
    """Return the id of the call whose first message has that number."""
    return f"{_BIZ_ID_BASE + first_sid}^0"


def _send(call: Call, order: _Order, *, most: int) -> Answer:
    """Take a call over, all of it or nothing."""
    account, out_id = call.account, call.optional("OutId")
    template = approved(account.templates, order.template_code)
    refuse(
        (len(order.numbers) > most, "isv.MOBILE_COUNT_OVER_LIMIT"),
        (len(out_id) > MOST_OUT_ID, Refusal("isv.INVALID_PARAMETERS", "参数 OutId 过长")),
        (account.balance < 0, "isv.OUT_OF_SERVICE"),
        (template is None and account.templates is not None, "isv.SMS_TEMPLATE_ILLEGAL"),
    )
    for sign in set(order.signs):
        _check_sign(account, sign, template)
    texts = _texts_of(order, template, _values(order.params, template))
    refuse(
        (account.black_word_in(texts), "isv.SMS_CONTENT_ILLEGAL"),
        (max(map(len, texts)) > MOST_TEXT, Refusal("isv.PARAM_LENGTH_LIMIT", "短信内容超过500字")),
    )
    phones = _phones(call, order, template)
    _check_extends(account, order)
    sent = texts[0] if len(texts) == 1 else texts
    parts = parts_of_all(sent, len(phones))
    refuse((call.costs_too_much(parts), "isv.AMOUNT_NOT_ENOUGH"))
    accepted = call.world.accept(
        account,
        phones,
        sent,
        parts=parts,
        uid=out_id,
        template_id=order.template_code,
        extend=order.extends[0] if order.extends else "",
    )
    done = answer({"BizId": biz_id(accepted.first_sid)})
    return done._replace(accepted=len(phones), durable=accepted.durable)


def _check_sign(account: Account, name: str, template: Template | None) -> None:
    sign = approved(account.signatures, name)
    code_only = sign is not None and sign.extra.get("code_only")
    refuse(
        ("【" in name or "】" in name, "isv.SMS_SIGNATURE_ILLEGAL"),
        (sign is None and account.signatures is not None, "isv.SMS_SIGNATURE_ILLEGAL"),
        (code_only and template and template.kind != "verification", "isv.SMS_SIGNATURE_SCENE_ILLEGAL"),
    )


def _check_extends(account: Account, order: _Order) -> None:
    """One extension code serves one signature, for good."""
    owners: dict[str, str] = account.memo.setdefault("extends", {})
    for position, extend in enumerate(order.extends):
        sign = order.signs[position if len(order.signs) > 1 else 0]
        refuse((not extend.isdigit(), "isv.EXTEND_CODE_ERROR"))
        refuse((owners.setdefault(extend, sign) != sign, "isv.ONE_CODE_MULTIPLE_SIGN"))


def _values(params: Sequence[Mapping[str, Any]], template: Template | None) -> dict[str, list[str]]:
    """
    Return the values by variable, one a number, each checked; members no variable uses are ignored.

    Looks at columns, since a batch has a hundred rows and few variables.
    """
    names = dict.fromkeys(VARIABLE.findall(template.content) if template else params[0])
    try:
        columns = {name: [param[name] for param in params] for name in names}
    except KeyError:
        raise Refusal("isv.TEMPLATE_MISSING_PARAMETERS") from None
    code = template is not None and template.kind == "verification"
    kinds: Mapping[str, str] = template.extra.get("TemplateRule", {}) if template else {}
    shortest, longest = (4, 6) if code else (1, MOST_VALUE)
    for name, column in columns.items():
        # Programs that send bare numbers exist; whether they work is not documented.
        refuse((set(map(type, column)) != {str}, "isv.INVALID_JSON_PARAM"))
        kind, together = _KINDS.get(kinds.get(name, "")), _SEPARATOR.join(column)
        long = min(map(len, column)) < shortest or max(map(len, column)) > longest
        refuse(
            (long, "isv.PARAM_LENGTH_LIMIT"),
            (kind and not all(map(kind.fullmatch, column)), "isv.TEMPLATE_PARAMS_ILLEGAL"),
            (_URL.search(together), "isv.PARAM_NOT_SUPPORT_URL"),
            (_UNSUPPORTED.search(together), "isv.UNSUPPORTED_CONTENT"),
        )
    return columns


def _texts_of(order: _Order, template: Template | None, values: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the text of each number, or the one text of all."""
    signs, params = order.signs, order.params
    if template is None:
        # Nobody said what the template's text is; id and values stand for it.
        shown = [f"{order.template_code}{orjson.dumps(param).decode()}" for param in params]
        return [f"【{sign}】{text}" for sign, text in zip(signs, shown, strict=True)]
    pieces = VARIABLE.split(template.content)
    columns: list[Sequence[str]] = [["【"] * len(params), signs, [f"】{pieces[0]}"] * len(params)]
    for name, literal in zip(pieces[1::2], pieces[2::2], strict=True):
        columns += [values[name], [literal] * len(params)]
    return ["".join(row) for row in zip(*columns, strict=True)]


def _phones(call: Call, order: _Order, template: Template | None) -> list[int]:
    phones = []
    for position, number in enumerate(order.numbers):
        phone = call.phone(number, "PhoneNumbers")
        refused = call.refused(phone, template)
        refuse((refused, refused))
        sign = order.signs[position if len(order.signs) > 1 else 0]
        _check_limits(call, phone, sign, order.template_code, template)
        phones.append(phone)
    return phones


def _check_limits(call: Call, phone: int, sign: str, code: str, template: Template | None) -> None:
    """
    Count what a number got: minutes and hours by the clock, a day back from now.

    China's clock is a whole number of hours from UTC, so its hours begin when
    those of epoch seconds do.
    """
    account, now, limits = call.account, call.world.clock(), call.limits()
    past = [m for m in account.book.to(phone) if m.at > now - DAY and m.text.startswith(f"【{sign}】")]
    is_code = template is not None and template.kind == "verification"
    if is_code:
        most = limits.code_30s, limits.code_hour, limits.code_day
        counted = [m.at for m in past if _is_code(account, m)]
    else:
        most = limits.any_minute, limits.any_hour, limits.any_day
        counted = [m.at for m in past if m.note.template_id == code]
    for grade, allowed, window in zip(("分钟", "小时", "天"), most, (60.0, 3600.0, 0.0), strict=True):
        _limit(grade, allowed, [at for at in counted if not window or at // window == now // window])
    if is_code:
        from_all = [
            m.at
            for other in call.world.accounts(PROVIDER)
            for m in other.book.to(phone)
            if m.at > now - DAY and _is_code(other, m)
        ]
        _limit("天", _CODES_A_DAY_FROM_ALL, from_all)


def _is_code(account: Account, message: Message) -> bool:
    template = (account.templates or {}).get(message.note.template_id)
    return template is not None and template.kind == "verification"


def _limit(grade: str, most: int | None, times: Sequence[float]) -> None:
    if most and len(times) >= most:
        raise Refusal("isv.BUSINESS_LIMIT_CONTROL", f"触发{grade}级流控Permits:{most}")
