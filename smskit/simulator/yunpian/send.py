"""
Yunpian's five sending methods.

Order of checks: dossier section 17, steps 4 to 10. In ``multi_send`` every
number has its own text, so what is wrong with a text is said about its number;
in the other batch methods a bad text refuses the whole call.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import orjson

from smskit.simulator.accounts import Account, Template
from smskit.simulator.book import is_mainland, parts_in, parts_in_each
from smskit.simulator.core import Accepted
from smskit.simulator.wire import Answer, as_text, unquote_form
from smskit.simulator.yunpian import templates
from smskit.simulator.yunpian.checks import MAX_TEXT, afford, check_number, check_text, in_hours, is_approved
from smskit.simulator.yunpian.codes import CODES, Refusal
from smskit.simulator.yunpian.dialect import Call, malformed, missing, phone_in, show_phone

MAX_NUMBERS = 1000
MAX_UID = 256

_SEPARATOR = "\x1f"  # stands between texts while they are decoded as one
_MAINLAND_LIST = re.compile(r"1[3-9][0-9]{9}(?:,1[3-9][0-9]{9})*")
_SENT = CODES[0].msg


class _Extras(NamedTuple):
    """The optional fields all sends share."""

    uid: str
    extend: str
    callback_url: str


class _Item(NamedTuple):
    """One message that passed every check."""

    mobile: str
    phone: int
    text: str
    parts: int


# -- the methods ----------------------------------------------------------------------------------


def single_send(call: Call) -> Answer:
    """Send one text to one number."""
    mobile, text = call.need("mobile"), call.need("text")
    return _send_one(call, mobile, text, None)


def tpl_single_send(call: Call) -> Answer:
    """Fill a template and send it to one number."""
    mobile, text, template = _filled(call)
    return _send_one(call, mobile, text, template)


def batch_send(call: Call) -> Answer:
    """Send one text to many numbers."""
    mobile, text = call.need("mobile"), call.need("text")
    return _send_same(call, mobile, text, None)


def tpl_batch_send(call: Call) -> Answer:
    """Fill a template once and send it to many numbers."""
    mobile, text, template = _filled(call)
    return _send_same(call, mobile, text, template)


def multi_send(call: Call) -> Answer:
    """Send to many numbers a text each. Legacy, and closed on some accounts (code -6)."""
    if not call.account.settings.multi_send:
        raise Refusal(-6)
    mobile = call.need("mobile")
    joined = call.form.data("text")
    if not joined:
        raise missing("text")
    extras = _extras(call)
    mobiles = _split(mobile)
    texts = split_texts(joined)
    if len(mobiles) != len(texts):
        raise Refusal(25)
    in_hours(call)
    fast = _all_plain(call, mobile, mobiles, texts)
    if fast is not None:
        phones, parts = fast
        afford(call.account, sum(parts))
        return _accept_all(call, mobiles, phones, texts, parts, extras)
    return _send_many(call, mobiles, texts, None, extras)


# -- reading the fields ---------------------------------------------------------------------------


def split_texts(joined: bytes) -> list[str]:
    """
    Return the texts of ``multi_send``, whose field was decoded once already.

    They were url-encoded singly and joined with commas, so every comma left
    stands between two of them.
    """
    pieces = joined.count(b",") + 1
    # Decoded in one go, with a mark that no text holds where the commas were.
    texts = as_text(unquote_form(joined.replace(b",", _SEPARATOR.encode()))).split(_SEPARATOR)
    if len(texts) == pieces:
        return texts
    return [as_text(unquote_form(piece)) for piece in joined.split(b",")]


def _filled(call: Call) -> tuple[str, str, Template]:
    mobile, tpl_id = call.need("mobile"), call.need("tpl_id")
    inner = call.form.text("tpl_value")
    if inner is None:  # it may be empty, but not absent
        raise missing("tpl_value")
    if not tpl_id.isdigit():
        raise malformed("tpl_id", tpl_id)
    template = templates.find(call.account, tpl_id)
    return mobile, templates.fill(template, inner), template


def _extras(call: Call) -> _Extras:
    uid, extend = call.optional("uid"), call.optional("extend")
    if len(uid) > MAX_UID:
        raise Refusal(48, "参数 uid 长度超过限制")
    if extend and not (extend.isascii() and extend.isdigit()):
        raise malformed("extend", extend)
    return _Extras(uid, extend, call.optional("callback_url") or call.account.settings.receipt_url)


def _split(mobile: str) -> list[str]:
    mobiles = mobile.split(",")
    if len(mobiles) > MAX_NUMBERS:
        raise Refusal(2, f"参数 mobile 格式不正确，一次不能超过{MAX_NUMBERS}个")
    return mobiles


# -- one text to one or many numbers --------------------------------------------------------------


def _send_one(call: Call, mobile: str, text: str, template: Template | None) -> Answer:
    phone = phone_in(mobile)
    if phone is None:
        raise malformed("mobile", mobile)
    extras = _extras(call)
    in_hours(call)
    template = check_text(call.account, text, template)
    parts = parts_in(text)
    afford(call.account, parts)
    check_number(call, phone, text, template, ())

    accepted = _accept(call, [phone], text, parts, extras, template)
    entry = {
        "code": 0,
        "msg": _SENT,
        "count": parts,
        "fee": float(call.account.settings.price * parts),
        "unit": "RMB",
        "mobile": show_phone(phone),
        "sid": accepted.first_sid,
    }
    return Answer(orjson.dumps(entry), accepted=1, durable=accepted.durable)


def _send_same(call: Call, mobile: str, text: str, template: Template | None) -> Answer:
    mobiles = _split(mobile)
    extras = _extras(call)
    in_hours(call)
    template = check_text(call.account, text, template)
    account = call.account
    each = parts_in(text)
    afford(account, each * len(mobiles))
    if _plain_numbers(call, mobile) and (template is None or template.region != "abroad"):
        phones = _mainland(mobile)
        if account.book.knows_none(phones):
            return _accept_all(call, mobiles, phones, text, [each] * len(phones), extras, template)
    return _send_many(call, mobiles, text, template, extras)


def _send_many(
    call: Call,
    mobiles: Sequence[str],
    texts: str | Sequence[str],
    template: Template | None,
    extras: _Extras,
) -> Answer:
    """Check number after number; some may be refused while others are accepted."""
    account = call.account
    same = texts if isinstance(texts, str) else None
    refused: dict[int, dict[str, object]] = {}  # position -> entry
    items: list[_Item] = []
    met: dict[int, list[str]] = {}  # phone -> texts taken earlier in this very call
    cost = 0
    for position, mobile in enumerate(mobiles):
        text = same if same is not None else texts[position]
        try:
            phone = phone_in(mobile)
            if phone is None:
                raise malformed("mobile", mobile)
            if not is_mainland(phone):
                raise Refusal(20)  # numbers abroad go one a call
            matched = template if same is not None else check_text(account, text, None)
            check_number(call, phone, text, matched, met.get(phone, ()))
        except Refusal as refusal:
            if same is None and refusal.code == -57:
                raise  # about the account, not about this text
            refused[position] = refusal.item(mobile)
            continue
        met.setdefault(phone, []).append(text)
        items.append(_Item(show_phone(phone), phone, text, parts_in(text)))
        cost += items[-1].parts
    afford(account, cost)
    if not items:
        return _batch_answer(account, list(refused.values()), 0)

    accepted = _accept(
        call,
        [item.phone for item in items],
        same if same is not None else [item.text for item in items],
        cost,
        extras,
        template,
    )
    price = account.settings.price
    entries: list[dict[str, object]] = []
    taken = iter(enumerate(items))
    for position in range(len(mobiles)):
        if position in refused:
            entries.append(refused[position])
            continue
        number, item = next(taken)
        entries.append(
            {
                "code": 0,
                "count": item.parts,
                "fee": float(price * item.parts),
                "mobile": item.mobile,
                "msg": _SENT,
                "sid": accepted.first_sid + number,
                "unit": "RMB",
            }
        )
    return _batch_answer(account, entries, cost)._replace(accepted=len(items), durable=accepted.durable)


def _batch_answer(account: Account, entries: list[dict[str, object]], parts: int) -> Answer:
    head = {"total_count": parts, "total_fee": f"{account.settings.price * parts:.4f}", "unit": "RMB"}
    return Answer(orjson.dumps(head | {"data": entries}))


# -- the short way for a whole batch --------------------------------------------------------------


def _plain_numbers(call: Call, mobile: str) -> bool:
    """Whether nothing can refuse single numbers of a list, judged without looking at each."""
    account = call.account
    return (
        call.request.item_code is None
        and not account.black_numbers
        and not account.settings.number_codes
        and _MAINLAND_LIST.fullmatch(mobile) is not None
    )


def _mainland(mobile: str) -> list[int]:
    return list(map(int, ("86" + mobile.replace(",", ",86")).split(",")))


def _all_plain(
    call: Call, mobile: str, mobiles: list[str], texts: list[str]
) -> tuple[list[int], list[int]] | None:
    """
    Return phones and parts when a whole ``multi_send`` can be seen to pass, else None.

    Looks at the batch as a whole, which is ten times faster than at every
    message. It never decides otherwise than `_send_many`, only sometimes not at all.
    """
    account = call.account
    if account.templates is not None or account.settings.black_words or not _plain_numbers(call, mobile):
        return None
    if max(map(len, texts)) > MAX_TEXT:
        return None
    # One signature in front of every text, and no other bracket anywhere.
    first = texts[0]
    end = first.find("】")
    if end < 2 or not first.startswith("【"):
        return None
    head = first[: end + 1]
    together = _SEPARATOR.join(texts)
    n = len(texts)
    if together.count(_SEPARATOR + head) != n - 1 or together.count("【") != n or together.count("】") != n:
        return None
    if account.signatures is not None and not is_approved(account, head[1:-1]):
        return None
    phones = _mainland(mobile)
    if not account.book.knows_none(phones):
        return None
    return phones, parts_in_each(texts, together)


def _accept_all(
    call: Call,
    mobiles: list[str],
    phones: list[int],
    texts: str | list[str],
    parts: list[int],
    extras: _Extras,
    template: Template | None = None,
) -> Answer:
    """Accept every message of a batch of mainland numbers and word the answer piece by piece."""
    total = sum(parts)
    accepted = _accept(call, phones, texts, total, extras, template)
    price = call.account.settings.price
    # The numbers were matched as digits, so nothing in an entry needs escaping; putting the entries
    # together as text takes a third of the time that a thousand dictionaries do.
    heads = {p: f'{{"code":0,"count":{p},"fee":{float(price * p)},"mobile":"' for p in set(parts)}
    middle, tail = f'","msg":"{_SENT}","sid":', ',"unit":"RMB"}'
    sids = range(accepted.first_sid, accepted.first_sid + len(phones))
    rows = zip(parts, mobiles, sids, strict=True)
    entries = ",".join([f"{heads[p]}{mobile}{middle}{sid}{tail}" for p, mobile, sid in rows])
    body = f'{{"total_count":{total},"total_fee":"{price * total:.4f}","unit":"RMB","data":[{entries}]}}'
    return Answer(body.encode(), accepted=len(phones), durable=accepted.durable)


def _accept(
    call: Call,
    phones: list[int],
    texts: str | list[str],
    parts: int,
    extras: _Extras,
    template: Template | None,
) -> Accepted:
    return call.world.accept(
        call.account,
        phones,
        texts,
        parts=parts,
        uid=extras.uid,
        extend=extras.extend,
        template_id=template.id if template else "",
        receipt_url=extras.callback_url,
    )
