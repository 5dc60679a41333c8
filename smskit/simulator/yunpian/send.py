"""
Yunpian's five sending methods.

Order of checks: dossier section 17, steps 4 to 10. In ``multi_send`` every
number has its own text, so what is wrong with a text is said about its number;
in the other batch methods a bad text refuses the whole call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from smskit.simulator.accounts import Account, Template
from smskit.simulator.book import is_mainland, parts_in
from smskit.simulator.dialect import Refusal, words
from smskit.simulator.wire import Answer
from smskit.simulator.yunpian import templates
from smskit.simulator.yunpian.checks import check_number, check_text
from smskit.simulator.yunpian.dialect import PROVIDER, Call, answer, entry, malformed, phone_in, show_phone

MAX_NUMBERS = 1000
MAX_UID = 256

_SENT = words(PROVIDER, "0")


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
    # Decoded once as a field. They were encoded singly before they were joined with commas.
    texts = [unquote_plus(piece, errors="replace") for piece in call.need("text").split(",")]
    extras = _extras(call)
    mobiles = _split(mobile)
    if len(mobiles) != len(texts):
        raise Refusal(25)
    _in_hours(call)
    return _send_many(call, mobiles, texts, None, extras)


# -- reading the fields ---------------------------------------------------------------------------


def _filled(call: Call) -> tuple[str, str, Template]:
    mobile, tpl_id = call.need("mobile"), call.need("tpl_id")
    inner = call.fields.get("tpl_value")
    if inner is None:  # it may be empty, but not absent
        raise call.missing("tpl_value")
    if not tpl_id.isdigit():
        raise malformed("tpl_id", tpl_id)
    template = templates.find(call.account, tpl_id)
    return mobile, templates.fill(template, inner), template


def _extras(call: Call) -> dict[str, Any]:
    """The optional fields all sends share, as the world calls them."""
    uid = call.optional("uid")
    if len(uid) > MAX_UID:
        raise Refusal(48, "参数 uid 长度超过限制")
    extend = call.digits("extend", call.malformed("extend", call.optional("extend")))
    return {"uid": uid, "extend": extend, "receipt_url": call.optional("callback_url")}


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
    _in_hours(call)
    template = check_text(call.account, text, template)
    parts = parts_in(text)
    _afford(call, parts)
    check_number(call, phone, text, template, ())

    template_id = template.id if template else ""
    accepted = call.world.accept(call.account, [phone], text, parts=parts, template_id=template_id, **extras)
    sent = _sent(call.account, _Item(show_phone(phone), phone, text, parts), accepted.first_sid)
    return answer(sent)._replace(accepted=1, durable=accepted.durable)


def _send_same(call: Call, mobile: str, text: str, template: Template | None) -> Answer:
    mobiles = _split(mobile)
    extras = _extras(call)
    _in_hours(call)
    template = check_text(call.account, text, template)
    _afford(call, parts_in(text) * len(mobiles))
    return _send_many(call, mobiles, text, template, extras)


def _send_many(
    call: Call,
    mobiles: Sequence[str],
    texts: str | Sequence[str],
    template: Template | None,
    extras: dict[str, Any],
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
            if same is None and refusal.code == "-57":
                raise  # about the account, not about this text
            refused[position] = {"mobile": mobile, **entry(refusal)}
            continue
        met.setdefault(phone, []).append(text)
        items.append(_Item(show_phone(phone), phone, text, parts_in(text)))
        cost += items[-1].parts
    _afford(call, cost)
    if not items:
        return _batch_answer(account, list(refused.values()), 0)

    accepted = call.world.accept(
        account,
        [item.phone for item in items],
        same if same is not None else [item.text for item in items],
        parts=cost,
        template_id=template.id if template else "",
        **extras,
    )
    sids = iter(range(accepted.first_sid, accepted.first_sid + len(items)))
    taken = iter(items)
    entries = [
        refused.get(position) or _sent(account, next(taken), next(sids)) for position in range(len(mobiles))
    ]
    return _batch_answer(account, entries, cost)._replace(accepted=len(items), durable=accepted.durable)


def _sent(account: Account, item: _Item, sid: int) -> dict[str, object]:
    """The entry of a message that was taken."""
    return {
        "code": 0,
        "count": item.parts,
        "fee": float(account.settings.price * item.parts),
        "mobile": item.mobile,
        "msg": _SENT,
        "sid": sid,
        "unit": "RMB",
    }


def _batch_answer(account: Account, entries: list[dict[str, object]], parts: int) -> Answer:
    head = {"total_count": parts, "total_fee": f"{account.settings.price * parts:.4f}", "unit": "RMB"}
    return answer(head | {"data": entries})


def _in_hours(call: Call) -> None:
    if not call.is_open(call.account.settings.send_hours):
        raise Refusal(13)


def _afford(call: Call, parts: int) -> None:
    if call.costs_too_much(parts):
        raise Refusal(3)
