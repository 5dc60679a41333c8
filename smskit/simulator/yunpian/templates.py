"""
Yunpian's templates: finding them, filling them, recognising a text made from one.

Source: dossier sections 4.5, 6.1 and 6.2.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

from smskit.simulator.accounts import Account, Review, Template
from smskit.simulator.dialect import Refusal

# Templates everybody has; the first is the one the official SDK's documentation uses.
DEFAULT_TEMPLATES = (
    Template(id="1", content="【#company#】您的验证码是#code#", kind="verification"),
    Template(id="2", content="【#company#】您的验证码是#code#，请忽略他人索要", kind="verification"),
)

_VARIABLE = re.compile(r"#([^#\s]+)#")


def find(account: Account, tpl_id: str) -> Template:
    """Return the template to send with; refused when unknown (5), expired (60) or not approved (7)."""
    template = (account.templates or {}).get(tpl_id)
    if template is None:
        template = next((t for t in DEFAULT_TEMPLATES if t.id == tpl_id), None)
    if template is None:
        raise Refusal(5, f"未找到对应id的模板，tpl_id:{tpl_id}")
    if template.state is Review.EXPIRED:
        raise Refusal(60)
    if template.state is not Review.APPROVED:
        raise Refusal(7)
    return template


def values_in(inner: str) -> dict[str, str]:
    """
    Return the variables in a ``tpl_value``, whose field was decoded once already.

    Names keep their hashes on the way here and lose them now. The form encoded
    only once (``#code#=1234``), which the official SDK's own test sends, is
    understood as well.
    """
    values = {}
    for pair in inner.split("&"):
        name, _, value = pair.partition("=")
        name = unquote_plus(name, errors="replace").strip("#")
        if name:
            values[name] = unquote_plus(value, errors="replace")
    return values


def fill(template: Template, inner: str) -> str:
    """Return the text; a variable that is missing or empty is refused (58), one too many is not."""
    values = values_in(inner)

    def value_of(match: re.Match[str]) -> str:
        value = values.get(match[1], "")
        if not value:
            raise Refusal(58, f"变量 #{match[1]}# 缺失或为空")
        return value

    return _VARIABLE.sub(value_of, template.content)


def matching(account: Account, text: str) -> Template | None:
    """Return the approved template that *text* can be made from (智能匹配), or None."""
    patterns: list[tuple[re.Pattern[str], Template]] | None = account.memo.get("patterns")
    if patterns is None:
        patterns = account.memo["patterns"] = [
            (_pattern(t.content), t) for t in (account.templates or {}).values() if t.state is Review.APPROVED
        ]
    return next((template for pattern, template in patterns if pattern.fullmatch(text)), None)


def _pattern(content: str) -> re.Pattern[str]:
    literals = _VARIABLE.split(content)[::2]
    return re.compile("(?:.+?)".join(map(re.escape, literals)), re.DOTALL)
