"""
Yunpian's five sending methods.

Order of checks: dossier section 17, steps 4 to 10. In ``multi_send`` every
number has its own text, so what is wrong with a text is said about its number;
in the other batch methods a bad text refuses the whole call.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import orjson

from smskit.simulator.accounts import Account, Limits, Review, Template
from smskit.simulator.book import Message, is_mainland, parts_in
from smskit.simulator.core import Accepted
from smskit.simulator.wire import Answer, as_text, unquote_form
from smskit.simulator.yunpian.codes import CODES, Refusal
from smskit.simulator.yunpian.dialect import BEIJING, Call, malformed, missing, phone_in, show_phone

MAX_NUMBERS = 1000
MAX_TEXT = 500  # support says 400, the English page 500
MAX_UID = 256

# Dossier section 12. The window of code 53 is not documented, so it is off.
DEFAULT_LIMITS = Limits(
    same_30s=1,
    same_5min=3,
    same_day=5,
    code_30s=1,
    code_hour=3,
    code_day=10,
    any_minute=0,
    any_hour=0,
    any_day=30,
)

_DAY = 86_400.0

# Templates everybody has; the first is the one the official SDK's documentation uses.
DEFAULT_TEMPLATES = (
    Template(id="1", content="【#company#】您的验证码是#code#", kind="verification"),
    Template(id="2", content="【#company#】您的验证码是#code#，请忽略他人索要", kind="verification"),
)

_SEPARATOR = "\x1f"  # stands between texts while they are decoded as one
_MAINLAND_LIST = re.compile(r"1[3-9][0-9]{9}(?:,1[3-9][0-9]{9})*")
_VARIABLE = re.compile(r"#([^#\s]+)#")

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
    _in_hours(call)
    fast = _all_plain(call, mobile, mobiles, texts)
    if fast is not None:
        phones, parts = fast
        _afford(call.account, sum(parts))
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


def template_values(inner: str) -> dict[str, str]:
    """
    Return the variables in a ``tpl_value``, whose field was decoded once already.

    Names keep their hashes on the way here and lose them now. The form encoded
    only once (``#code#=1234``), which the official SDK's own test sends, is
    understood as well.
    """
    values = {}
    for pair in inner.split("&"):
        name, _, value = pair.partition("=")
        name = as_text(unquote_form(name.encode())).strip("#")
        if name:
            values[name] = as_text(unquote_form(value.encode()))
    return values


def _filled(call: Call) -> tuple[str, str, Template]:
    mobile, tpl_id = call.need("mobile"), call.need("tpl_id")
    inner = call.form.text("tpl_value")
    if inner is None:
        raise missing("tpl_value")
    if not tpl_id.isdigit():
        raise malformed("tpl_id", tpl_id)
    template = (call.account.templates or {}).get(tpl_id) or next(
        (t for t in DEFAULT_TEMPLATES if t.id == tpl_id), None
    )
    if template is None:
        raise Refusal(5, f"未找到对应id的模板，tpl_id:{tpl_id}")
    if template.state is Review.EXPIRED:
        raise Refusal(60)
    if template.state is not Review.APPROVED:
        raise Refusal(7)
    values = template_values(inner)

    def value_of(match: re.Match[str]) -> str:
        value = values.get(match[1], "")
        if not value:
            raise Refusal(58, f"变量 #{match[1]}# 缺失或为空")
        return value

    return mobile, _VARIABLE.sub(value_of, template.content), template


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
    _in_hours(call)
    template = _check_text(call.account, text, template)
    parts = parts_in(text)
    _afford(call.account, parts)
    _check_number(call, phone, text, template, ())

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
    _in_hours(call)
    template = _check_text(call.account, text, template)
    account = call.account
    each = parts_in(text)
    _afford(account, each * len(mobiles))
    if _plain_numbers(call, mobile):
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
            matched = template if same is not None else _check_text(account, text, None)
            _check_number(call, phone, text, matched, met.get(phone, ()))
        except Refusal as refusal:
            if same is None and refusal.code == -57:
                raise  # about the account, not about this text
            refused[position] = refusal.item(mobile)
            continue
        met.setdefault(phone, []).append(text)
        items.append(_Item(show_phone(phone), phone, text, parts_in(text)))
        cost += items[-1].parts
    _afford(account, cost)
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
    if account.signatures is not None and not _is_approved(account, head[1:-1]):
        return None
    phones = _mainland(mobile)
    if not account.book.knows_none(phones):
        return None
    return phones, list(map(parts_in, texts))


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


# -- checks ---------------------------------------------------------------------------------------


def _in_hours(call: Call) -> None:
    hours = call.account.settings.send_hours
    if hours and not hours[0] <= datetime.fromtimestamp(call.world.clock(), BEIJING).hour < hours[1]:
        raise Refusal(13)


def _check_text(account: Account, text: str, template: Template | None) -> Template | None:
    """Return the template the text was made from, or matches; None where templates are not checked."""
    if not text.startswith("【") or "】" not in text:
        raise Refusal(2, "参数 text 格式不正确，text短信内容头部需要加签名,如【云片网】")
    if len(text) > MAX_TEXT:
        raise Refusal(48, "参数 text 长度超过限制")
    end = text.index("】")
    if end < 2 or text.count("【") != 1 or text.count("】") != 1:
        raise Refusal(16)
    if account.signatures is not None and not _is_approved(account, text[1:end]):
        raise Refusal(15, f"签名 {text[: end + 1]} 与设置的签名不匹配")
    if template is None and account.templates is not None:
        template = _matching(account, text)
        if template is None:
            raise Refusal(5)
    for word in account.settings.black_words:
        if word in text:
            raise Refusal(4, f"关键词 {word} 为屏蔽词，不允许发送")
    return template


def _is_approved(account: Account, name: str) -> bool:
    if not account.signatures:
        raise Refusal(-57)
    signature = account.signatures.get(name)
    return signature is not None and signature.state is Review.APPROVED


def _matching(account: Account, text: str) -> Template | None:
    """Return the approved template that *text* can be made from (智能匹配)."""
    patterns: list[tuple[re.Pattern[str], Template]] | None = account.memo.get("patterns")
    if patterns is None:
        patterns = account.memo["patterns"] = [
            (_pattern(t.content), t) for t in (account.templates or {}).values() if t.state is Review.APPROVED
        ]
    return next((template for pattern, template in patterns if pattern.fullmatch(text)), None)


def _pattern(content: str) -> re.Pattern[str]:
    literals = _VARIABLE.split(content)[::2]
    return re.compile("(?:.+?)".join(map(re.escape, literals)), re.DOTALL)


def _afford(account: Account, parts: int) -> None:
    if account.settings.price * parts > account.balance:
        raise Refusal(3)


def _check_number(call: Call, phone: int, text: str, template: Template | None, met: Sequence[str]) -> None:
    """
    Refuse a number for what it is or for how much it got already.

    Args:
        met: Texts this call already takes to the same number.
    """
    account = call.account
    abroad = not is_mainland(phone)
    if abroad and not account.settings.abroad:
        raise Refusal(20)
    if template is not None and template.region != "global" and (template.region == "abroad") != abroad:
        raise Refusal(23)
    if phone in account.black_numbers:
        raise Refusal(10)
    if account.settings.number_codes:
        digits = str(phone)
        for suffix, code in account.settings.number_codes.items():
            if digits.endswith(suffix):
                raise Refusal(int(code))
    if call.request.item_code is not None and (forced := call.request.item_code(phone)) is not None:
        raise Refusal(int(forced))

    earlier = account.book.to(phone)
    if earlier or met:
        _check_limits(call, earlier, text, template, met)


def _check_limits(
    call: Call, earlier: list[Message], text: str, template: Template | None, met: Sequence[str]
) -> None:
    account = call.account
    limits: Limits | None = account.memo.get("limits")
    if limits is None:
        limits = account.memo["limits"] = account.settings.limits.over(DEFAULT_LIMITS)
    now = call.world.clock()
    past = [(m.at, m.text, m.note.template_id) for m in earlier if m.at > now - _DAY]
    past += [(now, other, template.id if template else "") for other in met]
    is_code = _is_code(text, template)

    same = [at for at, other, _ in past if other == text]
    _limit(8, limits.same_30s, same, now - 30)
    _limit(9, limits.same_5min, same, now - 300)
    codes = [at for at, other, _ in past if "验证码" in other]
    if is_code:
        if template:
            _limit(33, limits.code_30s, [at for at, _, tpl in past if tpl == template.id], now - 30)
        _limit(22, limits.code_hour, codes, now - 3600)
        _limit(17, limits.code_day, codes, now - _DAY)
    else:
        _limit(17, limits.same_day, same, now - _DAY)
        _limit(17, limits.any_day, [at for at, other, _ in past if "验证码" not in other], now - _DAY)
    times = [at for at, _, _ in past]
    _limit(53, limits.any_minute, times, now - 60)
    _limit(53, limits.any_hour, times, now - 3600)


def _limit(code: int, most: int | None, times: list[float], since: float) -> None:
    if most and sum(at > since for at in times) >= most:
        raise Refusal(code)


def _is_code(text: str, template: Template | None) -> bool:
    # Without a template the class of a text shows only in its words; the real matching is not documented.
    return template.kind == "verification" if template else "验证码" in text
