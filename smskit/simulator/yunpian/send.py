"""
Yunpian's five sending methods, and what is looked at before a message is taken.

Order of checks: dossier section 17, steps 4 to 10; templates: sections 4.5, 6.1
and 6.2; limits: section 12. In ``multi_send`` every number has its own text, so
what is wrong with a text is said about its number; in the other batch methods a
bad text refuses the whole call.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from smskit.simulator.accounts import Account, Review, Template, approved
from smskit.simulator.book import is_mainland, parts_in
from smskit.simulator.dialect import (
    DAY,
    Call,
    Refusal,
    Rule,
    first_reached,
    national,
    refuse,
    template_of,
    words,
)
from smskit.simulator.wire import Answer, json_answer, unquoted
from smskit.simulator.yunpian.dialect import PROVIDER, entry

MAX_NUMBERS = 1000
MAX_UID = 256
MAX_TEXT = 500  # support says 400, the English page 500

# Templates everybody has; the first is the one the official SDK's documentation uses.
DEFAULT_TEMPLATES = {
    "1": Template(id="1", content="【#company#】您的验证码是#code#", kind="verification"),
    "2": Template(id="2", content="【#company#】您的验证码是#code#，请忽略他人索要", kind="verification"),
}

_VARIABLE = re.compile(r"#([^#\s]+)#")
_CODE_WORD = "验证码"


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
    texts = list(map(unquoted, call.need("text").split(",")))
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
    if len(uid) > MAX_UID:
        raise Refusal(48, "参数 uid 长度超过限制")
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


# -- texts, templates and limits ---------------------------------------------------------------


def find_template(account: Account, tpl_id: str) -> Template:
    """Return the template to send with; refused when unknown (5), expired (60) or not approved (7)."""
    template = (DEFAULT_TEMPLATES | (account.templates or {})).get(tpl_id)
    if template is None:
        raise Refusal(5, f"未找到对应id的模板，tpl_id:{tpl_id}")
    if template.state is not Review.APPROVED:
        raise Refusal(60 if template.state is Review.EXPIRED else 7)
    return template


def values_in(inner: str) -> dict[str, str]:
    """
    Return the variables in a ``tpl_value``, whose field was decoded once already.

    Names keep their hashes on the way here and lose them now. The form encoded
    only once (``#code#=1234``), which the official SDK's own test sends, is
    understood as well.
    """
    pairs = [list(map(unquoted, pair.partition("="))) for pair in inner.split("&")]
    return {name.strip("#"): value for name, _, value in pairs if name.strip("#")}


def fill(template: Template, inner: str) -> str:
    """Return the text; a variable that is missing or empty is refused (58), one too many is not."""
    values = values_in(inner)

    def value_of(match: re.Match[str]) -> str:
        value = values.get(match[1], "")
        if not value:
            raise Refusal(58, f"变量 #{match[1]}# 缺失或为空")
        return value

    return _VARIABLE.sub(value_of, template.content)


def _pattern(content: str) -> str:
    return "(?:.+?)".join(map(re.escape, _VARIABLE.split(content)[::2]))


def check_text(account: Account, text: str, template: Template | None) -> Template | None:
    """
    Return the template the text was made from, or matches (智能匹配); None where templates are not checked.

    Args:
        template: What it was made from, where that is known.
    """
    if not text.startswith("【") or "】" not in text:
        raise Refusal(2, "参数 text 格式不正确，text短信内容头部需要加签名,如【云片网】")
    if len(text) > MAX_TEXT:
        raise Refusal(48, "参数 text 长度超过限制")
    end = text.index("】")
    refuse((end < 2 or text.count("【") != 1 or text.count("】") != 1, 16), (account.signatures == {}, -57))
    if account.signatures and not approved(account.signatures, text[1:end]):
        raise Refusal(15, f"签名 {text[: end + 1]} 与设置的签名不匹配")
    if template is None and account.templates is not None:
        template = template_of(account, text, Review.APPROVED, _pattern)
        if template is None:
            raise Refusal(5)
    if word := account.black_word_in([text]):
        raise Refusal(4, f"关键词 {word} 为屏蔽词，不允许发送")
    return template


def check_number(call: Call, phone: int, text: str, template: Template | None, met: Sequence[str]) -> None:
    """
    Refuse a number for what it is or for how much it got already.

    Args:
        met: Texts this call already takes to the same number.
    """
    refused = call.refused(phone, template) or _limit_reached(call, phone, text, template, met)
    refuse((refused, refused))


def _limit_reached(call: Call, phone: int, text: str, template: Template | None, met: Sequence[str]) -> str:
    earlier = call.account.book.to(phone)
    if not earlier and not met:
        return ""
    limits, now = call.limits(), call.world.clock()
    past = [(m.at, m.text, m.note.template_id) for m in earlier if m.at > now - DAY]
    past += [(now, other, template.id if template else "") for other in met]
    times = [at for at, _, _ in past]
    same = [at for at, other, _ in past if other == text]
    codes = [at for at, other, _ in past if _CODE_WORD in other]
    # Without a template the class of a text shows only in its words; the real matching is not documented.
    if template.kind == "verification" if template else _CODE_WORD in text:
        by_template = [at for at, _, other in past if template and other == template.id]
        of_kind: tuple[Rule, ...] = (
            ("33", limits.code_30s, by_template, now - 30),
            ("22", limits.code_hour, codes, now - 3600),
            ("17", limits.code_day, codes, now - DAY),
        )
    else:
        others = [at for at, other, _ in past if _CODE_WORD not in other]
        of_kind = (("17", limits.same_day, same, now - DAY), ("17", limits.any_day, others, now - DAY))
    return first_reached(
        ("8", limits.same_30s, same, now - 30),
        ("9", limits.same_5min, same, now - 300),
        *of_kind,
        ("53", limits.any_minute, times, now - 60),
        ("53", limits.any_hour, times, now - 3600),
    )
