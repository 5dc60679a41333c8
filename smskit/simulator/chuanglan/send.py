"""
Chuanglan's sending methods: full text to many, values by number, and by template.

Order of checks: dossier section 10, from 108 on. No answer ever names a single
number: what does not fit is counted in ``failNum``, or refuses the whole call.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import orjson

from smskit.simulator.accounts import Account
from smskit.simulator.book import parts_of_all
from smskit.simulator.chuanglan.dialect import UNDOCUMENTED, Call, call_id, said
from smskit.simulator.chuanglan.texts import (
    MARK,
    approved_signature,
    check_review,
    fill,
    fill_template,
    find_template,
    percent_decoded,
    signature_of,
    units,
)
from smskit.simulator.dialect import MOBILE, Refusal
from smskit.simulator.wire import Answer

MAX_NUMBERS = 1000
MAX_VARIABLES = 20
MAX_UNITS = 536

_SENDTIME = re.compile(r"[0-9]{8}([01][0-9]|2[0-3])[0-5][0-9]")


class _Taken(NamedTuple):
    """Whom a call may go to, as E.164 digits, with a text each or one for all; and how many fell out."""

    phones: list[int]
    texts: str | list[str]
    failed: int


# -- the methods ----------------------------------------------------------------------------------


def send(call: Call) -> Answer:
    """Send one text to many numbers (``/msg/v1/send/json``)."""
    return _accept(call, *_same_text(call))


def variable(call: Call) -> Answer:
    """Fill ``{$var}`` with each number's own values; groups that do not fit fall out without a word."""
    msg, params = _msg(call, decode=bool(call.switch("decode_variable", False))), call.need("params")
    marks = msg.count(MARK)
    groups = params.removesuffix(";").split(";")  # the vendor's own demo sends one at the end
    if len(groups) > MAX_NUMBERS or marks > MAX_VARIABLES:
        raise Refusal("114")
    rows = [group.split(",") for group in groups]
    fitting = [row for row in rows if len(row) == marks + 1 and MOBILE.fullmatch(row[0])]
    numbers = [row[0] for row in fitting]
    _check_text(call.account, msg)
    texts = fill(msg, [row[1:] for row in fitting])
    _check_words(call.account, texts)
    kept = [
        (phone, text)
        for phone, text in zip(_passing(call, numbers), texts, strict=True)
        if phone and units(text) <= MAX_UNITS
    ]
    for text in texts:
        check_review(call.account, text)
    _check_rest(call)
    failed = len(groups) - len(kept)
    return _accept(call, _Taken([p for p, _ in kept], [t for _, t in kept], failed), "0")


def tpl_send(call: Call) -> Answer:
    """Fill an approved template (``/msg/sms/v2/tpl/send``)."""
    numbers = call.need("phoneNumbers").split(",")
    template_id = call.need("templateId")
    values = _template_values(call, len(numbers))
    template = find_template(call.account, template_id)
    signature = approved_signature(call.account, call.optional("signature"), template)
    texts = [signature + fill_template(template, template_id, row) for row in values]
    if len(numbers) > MAX_NUMBERS or max(map(units, texts)) > MAX_UNITS:
        raise Refusal(UNDOCUMENTED)
    if call.account.black_word_in(texts):
        raise Refusal("101206")
    each = texts * len(numbers) if len(texts) == 1 else texts
    fitting = [n if MOBILE.fullmatch(n) else "" for n in numbers]
    kept = [(phone, text) for phone, text in zip(_passing(call, fitting), each, strict=True) if phone]
    taken = _Taken([p for p, _ in kept], [t for _, t in kept], len(numbers) - len(kept))
    return _accept(call, taken, "000000", template_id=template_id)


# -- what a full-text call must pass ---------------------------------------------------------------


def _same_text(call: Call) -> tuple[_Taken, str]:
    numbers = call.need("phone").split(",")
    text = _msg(call, decode=bool(call.switch("decode_msg", True)))
    if len(numbers) > MAX_NUMBERS:
        raise Refusal("108")
    fitting = [number if MOBILE.fullmatch(number) else "" for number in numbers]
    if not all(fitting) and call.switch("bad_numbers", "refuse") != "drop":
        raise Refusal("107")
    phones = [phone for phone in _passing(call, fitting) if phone]
    _check_text(call.account, text)
    _check_words(call.account, [text])
    check_review(call.account, text)
    _check_rest(call)
    return _Taken(phones, text, len(numbers) - len(phones)), "0"


def _msg(call: Call, *, decode: bool) -> str:
    if call.fields.get("msg") == "":
        raise Refusal("106")
    msg = call.need("msg")
    return percent_decoded(msg) if decode else msg


def _passing(call: Call, numbers: Sequence[str]) -> list[int]:
    """
    Return each number as E.164 digits, 0 for one that falls out of the call.

    A number with a submit code of its own refuses the whole call, or with
    ``bad_numbers: drop`` falls out; one that a fault picks always falls out.
    """
    codes = {s: c for s, c in call.account.settings.number_codes.items() if c.isdigit()}
    forced = call.request.item_code
    drop = call.switch("bad_numbers", "refuse") == "drop"
    phones = [int("86" + number) if number else 0 for number in numbers]
    if not codes and forced is None:
        return phones
    for position, number in enumerate(numbers):
        code = next((c for suffix, c in codes.items() if number.endswith(suffix)), "")
        if code and not drop:
            raise Refusal(code)
        if code or (number and forced is not None and forced(phones[position]) is not None):
            phones[position] = 0
    return phones


def _check_text(account: Account, text: str) -> None:
    if not 0 < units(text) <= MAX_UNITS:
        raise Refusal("106")
    name = signature_of(text)
    if not name:
        raise Refusal("116")
    approved_signature(account, name, None, "116")


def _check_words(account: Account, texts: Sequence[str]) -> None:
    if account.black_word_in(texts):
        raise Refusal("105")


def _check_rest(call: Call) -> None:
    call.digits("extend", Refusal("113"))
    sendtime = call.optional("sendtime")
    if sendtime and not _SENDTIME.fullmatch(sendtime):
        raise Refusal("127")
    hours = call.account.settings.send_hours
    if hours is None and call.account.credential.startswith("M"):
        hours = (8, 21)  # the real hours of marketing accounts are not known
    if not call.is_open(hours):
        raise Refusal("110")


# -- by template -----------------------------------------------------------------------------------


def _template_values(call: Call, numbers: int) -> list[dict[str, str]]:
    """Return the values of one text for all, or of one a number: the natural reading of several objects."""
    given = call.optional("templateParamJson")
    if not given:
        return [{}]
    try:
        values = orjson.loads(given)
    except orjson.JSONDecodeError:
        raise Refusal(UNDOCUMENTED, "templateParamJson 不是JSON") from None
    fits = isinstance(values, list) and len(values) in (1, numbers)
    if not fits or not all(
        isinstance(v, dict) and all(isinstance(x, str) for x in v.values()) for v in values
    ):
        raise Refusal(UNDOCUMENTED, "templateParamJson 须为对象数组")
    return list(values)


# -- taking over -----------------------------------------------------------------------------------


def _accept(call: Call, taken: _Taken, code: str, template_id: str = "") -> Answer:
    account, now = call.account, call.world.clock()
    phones, texts = taken.phones, taken.texts
    parts = parts_of_all(texts, len(phones))
    if call.costs_too_much(parts):
        raise Refusal("101207" if template_id else "109")
    counts = {"failNum": str(taken.failed), "successNum": str(len(phones))}
    if not phones:
        return said(code, now, msgId=call_id(int(now * 1_000_000)), **counts)
    accepted = call.world.accept(
        account,
        phones,
        texts,
        parts=parts,
        uid=call.optional("uid"),
        template_id=template_id,
        extend=call.optional("extend"),
        receipt_url=call.optional("callbackUrl"),
        wants_receipt=call.wants_report(),
    )
    answer = said(code, now, msgId=call_id(accepted.first_sid), **counts)
    return answer._replace(accepted=len(phones), durable=accepted.durable)
