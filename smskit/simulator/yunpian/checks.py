"""
What Yunpian looks at before it takes a message: text, template, number, frequency.

Order of checks: dossier section 17, steps 5 to 9; templates: sections 4.5, 6.1 and 6.2; limits: section 12.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote_plus

from smskit.simulator.accounts import Account, Review, Template, approved
from smskit.simulator.dialect import DAY, Call, Refusal, Rule, first_reached, refuse, template_of

MAX_TEXT = 500  # support says 400, the English page 500

# Templates everybody has; the first is the one the official SDK's documentation uses.
DEFAULT_TEMPLATES = {
    "1": Template(id="1", content="【#company#】您的验证码是#code#", kind="verification"),
    "2": Template(id="2", content="【#company#】您的验证码是#code#，请忽略他人索要", kind="verification"),
}

_VARIABLE = re.compile(r"#([^#\s]+)#")
_CODE_WORD = "验证码"


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
    pairs = [
        [unquote_plus(half, errors="replace") for half in pair.partition("=")] for pair in inner.split("&")
    ]
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
