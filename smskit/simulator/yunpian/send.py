"""
Yunpian's five sending methods.

Order of checks: dossier section 17, steps 4 to 10. In ``multi_send`` every
number has its own text, so what is wrong with a text is said about its number;
in the other batch methods a bad text refuses the whole call.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote_plus

from smskit.simulator.accounts import Account, Template
from smskit.simulator.book import is_mainland, parts_in
from smskit.simulator.dialect import Call, Refusal, national, refuse, words
from smskit.simulator.wire import Answer, json_answer
from smskit.simulator.yunpian.checks import check_number, check_text, fill, find_template
from smskit.simulator.yunpian.dialect import PROVIDER, entry

MAX_NUMBERS = 1000
MAX_UID = 256


def single_send(call: Call) -> Answer:
    return _send_one(call, call.need("mobile"), call.need("text"), None)


def tpl_single_send(call: Call) -> Answer:
    return _send_one(call, *_filled(call))


def batch_send(call: Call) -> Answer:
    return _send_same(call, call.need("mobile"), call.need("text"), None)


def tpl_batch_send(call: Call) -> Answer:
    return _send_same(call, *_filled(call))


def multi_send(call: Call) -> Answer:
    """Send to many numbers a text each. Legacy, and closed on some accounts (code -6)."""
    refuse((not call.account.settings.multi_send, -6))
    mobile = call.need("mobile")
    # Decoded once as a field. They were encoded singly before they were joined with commas.
    texts = [unquote_plus(piece, errors="replace") for piece in call.need("text").split(",")]
    extras = _extras(call)
    mobiles = _split(mobile)
    refuse((len(mobiles) != len(texts), 25))
    _check_hours(call)
    return _send_many(call, mobiles, texts, None, extras)


def _filled(call: Call) -> tuple[str, str, Template]:
    mobile, tpl_id = call.need("mobile"), call.need("tpl_id")
    refuse(
        ("tpl_value" not in call.fields, call.dialect.missing.refusal("tpl_value")),  # it may be empty
        (not tpl_id.isdigit(), call.dialect.malformed.refusal("tpl_id", tpl_id)),
    )
    template = find_template(call.account, tpl_id)
    return mobile, fill(template, call.optional("tpl_value")), template


def _extras(call: Call) -> dict[str, Any]:
    """The optional fields all sends share, as the world calls them."""
    uid = call.optional("uid")
    refuse((len(uid) > MAX_UID, Refusal(48, "参数 uid 长度超过限制")))
    return {"uid": uid, "extend": call.digits("extend"), "receipt_url": call.optional("callback_url")}


def _split(mobile: str) -> list[str]:
    mobiles = mobile.split(",")
    many = Refusal(2, f"参数 mobile 格式不正确，一次不能超过{MAX_NUMBERS}个")
    refuse((len(mobiles) > MAX_NUMBERS, many))
    return mobiles


def _check_hours(call: Call) -> None:
    refuse((not call.is_open(call.account.settings.send_hours), 13))


def _send_one(call: Call, mobile: str, text: str, template: Template | None) -> Answer:
    phone = call.phone(mobile, "mobile")
    extras = _extras(call)
    _check_hours(call)
    template = check_text(call.account, text, template)
    refuse((call.costs_too_much(parts_in(text)), 3))
    check_number(call, phone, text, template, ())
    template_id = template.id if template else ""
    accepted = call.world.accept(
        call.account, [phone], text, parts=parts_in(text), template_id=template_id, **extras
    )
    sent = _sent(call.account, phone, text, accepted.first_sid)
    return json_answer(sent, accepted=1, durable=accepted.durable)


def _send_same(call: Call, mobile: str, text: str, template: Template | None) -> Answer:
    mobiles = _split(mobile)
    extras = _extras(call)
    _check_hours(call)
    template = check_text(call.account, text, template)
    refuse((call.costs_too_much(parts_in(text) * len(mobiles)), 3))
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
    entries: list[dict[str, object] | None] = []  # None: taken, and entered once it has an id
    taken: list[tuple[int, str]] = []  # phone and text
    met: dict[int, list[str]] = {}  # phone -> texts taken earlier in this very call
    for position, mobile in enumerate(mobiles):
        text = same if same is not None else texts[position]
        try:
            phone = call.phone(mobile, "mobile")
            refuse((not is_mainland(phone), 20))  # numbers abroad go one a call
            matched = template if same is not None else check_text(account, text, None)
            check_number(call, phone, text, matched, met.get(phone, ()))
        except Refusal as refusal:
            if same is None and refusal.code == "-57":
                raise  # about the account, not about this text
            entries.append({"mobile": mobile, **entry(refusal)})
            continue
        met.setdefault(phone, []).append(text)
        taken.append((phone, text))
        entries.append(None)
    parts = sum(parts_in(text) for _, text in taken)
    refuse((call.costs_too_much(parts), 3))
    head = {"total_count": parts, "total_fee": f"{account.settings.price * parts:.4f}", "unit": "RMB"}
    if not taken:
        return json_answer(head | {"data": entries})
    accepted = call.world.accept(
        account,
        [phone for phone, _ in taken],
        same if same is not None else [text for _, text in taken],
        parts=parts,
        template_id=template.id if template else "",
        **extras,
    )
    sent = (_sent(account, *each, sid) for sid, each in enumerate(taken, accepted.first_sid))
    data = [each or next(sent) for each in entries]
    return json_answer(head | {"data": data}, accepted=len(taken), durable=accepted.durable)


def _sent(account: Account, phone: int, text: str, sid: int) -> dict[str, object]:
    """The entry of a message that was taken."""
    parts = parts_in(text)
    return {
        "code": 0,
        "count": parts,
        "fee": float(account.settings.price * parts),
        "mobile": national(phone, abroad="+"),
        "msg": words(PROVIDER, "0"),
        "sid": sid,
        "unit": "RMB",
    }
