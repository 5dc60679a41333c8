"""
Tencent's sending action, ``SendSms``.

What is wrong with a request is said at the top of the answer; what is wrong
with a number, template, signature or value is said in rows (dossier 3, 6.2).

A fault plan may give an item, instead of a code, what no code says:
``taken:CODE`` takes the message and lets its row say CODE, ``taken:missing``
takes it and leaves its row out, ``taken:null`` takes it and answers null
instead of all rows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from smskit.simulator.accounts import Account, Review, Template
from smskit.simulator.book import is_mainland, parts_in
from smskit.simulator.dialect import Call, Refusal, china_time, first_reached, refuse, words
from smskit.simulator.tencent.dialect import PROVIDER, answer, check_app, fields_of, serial_no
from smskit.simulator.wire import Answer

OK = "Ok"
MAX_NUMBERS = 200
MAX_TEXT = 500
MAX_CONTEXT = 511  # bytes; "less than 512"

SEND_SMS = fields_of(
    texts="PhoneNumberSet TemplateParamSet",
    text="SmsSdkAppId TemplateId SignName ExtendCode SessionContext SenderId",
)

_VARIABLE = re.compile(r"\{\s*([0-9]+)\s*\}")
_URL = re.compile(r"https?://|(?<![0-9a-z])www\.", re.IGNORECASE)
_DIGITS = re.compile(r"[0-9]{0,6}")
_TAKEN = "taken:"

# The GSM alphabet as far as messages abroad use it; the second group counts twice.
_GSM = re.compile(r"[\n\r !\"#$%&'()*+,\-./0-9:;<=>?@A-Z_a-z£¥èéùìòÇØøÅåÆæßÉÄÖÑÜäöñüà¡¿§¤|^€{}\[\]~\\]*")
_TWICE = re.compile(r"[|^€{}\[\]~\\]")


class _Text(NamedTuple):
    """What some numbers are to get."""

    text: str
    template: Template | None
    refused: str = ""  # code that every one of them is refused with


class _Row(NamedTuple):
    """One number of a call and its fate."""

    number: str  # as it goes into the answer
    phone: int  # 0 when it is none
    code: str
    fee: int = 0

    @property
    def taken(self) -> bool:
        return self.code == OK or self.code.startswith(_TAKEN)


def send_sms(call: Call) -> Answer:
    """Send one text to up to 200 numbers, all at home or all abroad."""
    numbers = call.fields.get("PhoneNumberSet") or []
    refuse(
        (not numbers, "MissingParameter.EmptyPhoneNumberSet"),
        (len(numbers) > MAX_NUMBERS, "LimitExceeded.PhoneNumberCountLimit"),
    )
    check_app(call)
    template_id, context = call.need("TemplateId"), call.optional("SessionContext")
    long = Refusal("InvalidParameter", "SessionContext has to be shorter than 512 bytes")
    refuse((len(context.encode()) > MAX_CONTEXT, long))
    call.digits("ExtendCode")
    phones = [call.dialect.phone_in(number) or 0 for number in numbers]
    at_home = {is_mainland(phone) for phone in phones if phone}
    refuse((len(at_home) > 1, "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber"))
    sign = call.optional("SignName") if at_home == {False} else call.need("SignName")
    text = _compose(call, template_id, sign, call.fields.get("TemplateParamSet") or [])
    return _take(call, _judge(call, numbers, phones, text), text, context)


def _compose(call: Call, template_id: str, sign: str, values: Sequence[str]) -> _Text:
    """Return the text, or the code it is refused with; the template is looked at first."""
    account = call.account
    head = f"【{sign}】" if sign else ""
    template = (account.templates or {}).get(template_id)
    if account.templates is None:
        # Nobody said what this template says; the judge at least shows what was to go into it.
        body, refused = f"模板{template_id}：{'，'.join(values)}", _check_values(account, "", values)
    elif template is None:
        return _Text(head, None, "FailedOperation.TemplateUnapprovedOrNotExist")
    elif status_of(template) != 0:
        return _Text(head, template, "FailedOperation.TemplateIncorrectOrUnapproved")
    else:
        places = {int(number) for number in _VARIABLE.findall(template.content)}
        if len(places) != len(values) or places - set(range(1, len(values) + 1)):
            return _Text(head, template, "FailedOperation.TemplateParamSetNotMatchApprovedTemplate")
        body = _VARIABLE.sub(lambda place: values[int(place[1]) - 1], template.content)
        refused = _check_values(account, template.kind, values)
    text = head + body
    return _Text(text, template, refused or _check_text(call, sign, text, template))


def status_of(entry: Any) -> int:
    """Return the StatusCode of a template or signature; 2, "not yet in force", is in its ``extra``."""
    states = {Review.APPROVED: 0, Review.PENDING: 1, Review.REJECTED: -1, Review.EXPIRED: -1}
    return int(entry.extra.get("StatusCode", states[entry.state]))


def _check_values(account: Account, kind: str, values: Sequence[str]) -> str:
    longest = account.profile.get("parameter_length")
    for value in values:
        if _URL.search(value):
            return "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter"
        if kind == "verification" and _DIGITS.fullmatch(value) is None:
            return "InvalidParameterValue.TemplateParameterFormatError"
        if longest and len(value) > longest:
            return "InvalidParameterValue.TemplateParameterLengthLimit"
    return ""


def _check_text(call: Call, sign: str, text: str, template: Template | None) -> str:
    account = call.account
    if sign and account.signatures is not None:
        signature = account.signatures.get(sign)
        if signature is None or status_of(signature) != 0:
            return "FailedOperation.SignatureIncorrectOrUnapproved"
    if len(text) > MAX_TEXT:
        return "InvalidParameterValue.ContentLengthLimit"
    if account.black_word_in([text]):
        return "FailedOperation.ContainSensitiveWord"
    # (8, 22) at the real one. Off unless the account says so: a rehearsal may run at night.
    marketing = template is not None and template.kind == "marketing"
    if marketing and not call.is_open(account.settings.send_hours):
        return "FailedOperation.MarketingSendTimeConstraint"
    return ""


def fee_of(text: str, phone: int) -> int:
    """Return the billed parts of *text*: 70 or 67 each, for Latin texts abroad 160 or 153."""
    if is_mainland(phone) or _GSM.fullmatch(text) is None:
        return parts_in(text)
    units = len(text) + len(_TWICE.findall(text))
    return 1 if units <= 160 else -(-units // 153)


def _judge(call: Call, numbers: Sequence[str], phones: Sequence[int], text: _Text) -> list[_Row]:
    """Decide about each number in turn; one that is met twice counts as having got the first."""
    rows: list[_Row] = []
    met: dict[int, list[str]] = {}
    cost = 0
    today = _left_today(call)
    for number, phone in zip(numbers, phones, strict=True):
        fee = fee_of(text.text, phone)
        code = _check_number(call, phone, text, met.get(phone, ()))
        if not code and today is not None and today <= 0:
            code = "LimitExceeded.AppDailyLimit"
        if not code and call.costs_too_much(cost + fee):
            code = "FailedOperation.InsufficientBalanceInSmsPackage"
        row = _Row(f"+{phone}" if phone else number, phone, code or OK)
        if row.taken:
            row = row._replace(fee=fee)
            met.setdefault(phone, []).append(text.text)
            cost += fee
            today = None if today is None else today - 1
        rows.append(row)
    return rows


def _left_today(call: Call) -> int | None:
    """How many more messages the application may send today; None is any number."""
    most = call.account.profile.get("app_day")
    if not most:
        return None
    book, now = call.account.book, call.world.clock()
    with call.world.lock:
        first = book.calls_between(_day_start(now), now).start
        return int(most) - (len(book) - book.start(first))


def _check_number(call: Call, phone: int, text: _Text, met: Sequence[str]) -> str:
    """Return the code a number is refused with, or "" when it may have the text."""
    if not phone:
        return "InvalidParameterValue.IncorrectPhoneNumber"
    return text.refused or call.refused(phone, text.template) or _check_limits(call, phone, text.text, met)


def _check_limits(call: Call, phone: int, text: str, met: Sequence[str]) -> str:
    """Frequency rules; a day is Beijing's, the other windows roll."""
    now, limits = call.world.clock(), call.limits()
    with call.world.lock:
        past = [(message.at, message.text) for message in call.account.book.to(phone)]
    past += [(now, other) for other in met]
    if not past:
        return ""
    today, every = _day_start(now), [at for at, _ in past]
    same = [at for at, other in past if other == text]
    return first_reached(
        ("LimitExceeded.PhoneNumberThirtySecondLimit", limits.same_30s, same, now - 30),
        ("LimitExceeded.DeliveryFrequencyLimit", limits.any_minute, every, now - 60),
        ("LimitExceeded.PhoneNumberOneHourLimit", limits.any_hour, every, now - 3600),
        ("LimitExceeded.PhoneNumberSameContentDailyLimit", limits.same_day, same, today),
        ("LimitExceeded.PhoneNumberDailyLimit", limits.any_day, every, today),
    )


def _day_start(at: float) -> float:
    """When the day of *at* began in Beijing, as epoch seconds."""
    return china_time(at).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def _take(call: Call, rows: Sequence[_Row], text: _Text, context: str) -> Answer:
    """Accept what may pass, and answer a row for each number."""
    taken = [row for row in rows if row.taken]
    sid, durable = 0, None
    if taken:
        sid, durable = call.world.accept(
            call.account,
            [row.phone for row in taken],
            text.text,
            parts=sum(row.fee for row in taken),
            uid=context,
            template_id=text.template.id if text.template else "",
            extend=call.optional("ExtendCode"),
        )
    shown: list[dict[str, Any]] = []
    for row in rows:
        code = row.code.removeprefix(_TAKEN)
        good = code == OK
        if code != "missing":
            shown.append(
                {
                    "SerialNo": serial_no(sid) if good else "",
                    "PhoneNumber": row.number,
                    "Fee": row.fee if good else 0,
                    "SessionContext": context,
                    "Code": code,
                    "Message": words(PROVIDER, code),
                    "IsoCode": ("CN" if is_mainland(row.phone) else "DEF") if row.phone else "",
                }
            )
        sid += row.taken
    nothing = any(row.code == f"{_TAKEN}null" for row in rows)
    return answer(SendStatusSet=None if nothing else shown)._replace(accepted=len(taken), durable=durable)
