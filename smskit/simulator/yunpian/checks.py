"""
What Yunpian looks at before it takes a message: text, template, money, number, frequency.

Order of checks: dossier section 17, steps 5 to 9; limits: section 12.
"""

from __future__ import annotations

from collections.abc import Sequence

from smskit.simulator.accounts import Account, Limits, Template, approved
from smskit.simulator.book import Message, is_mainland
from smskit.simulator.dialect import DAY, Refusal, first_broken, first_reached
from smskit.simulator.yunpian import templates
from smskit.simulator.yunpian.dialect import Call

MAX_TEXT = 500  # support says 400, the English page 500

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

_CODE_WORD = "验证码"


def check_text(account: Account, text: str, template: Template | None) -> Template | None:
    """Return the template the text was made from, or matches; None where templates are not checked."""
    if not text.startswith("【") or "】" not in text:
        raise Refusal(2, "参数 text 格式不正确，text短信内容头部需要加签名,如【云片网】")
    if len(text) > MAX_TEXT:
        raise Refusal(48, "参数 text 长度超过限制")
    end = text.index("】")
    if end < 2 or text.count("【") != 1 or text.count("】") != 1:
        raise Refusal(16)
    if account.signatures == {}:
        raise Refusal(-57)
    if account.signatures and not approved(account.signatures, text[1:end]):
        raise Refusal(15, f"签名 {text[: end + 1]} 与设置的签名不匹配")
    if template is None and account.templates is not None:
        template = templates.matching(account, text)
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
    account = call.account
    abroad = not is_mainland(phone)
    region = template.region if template else "global"
    refused = first_broken(
        (abroad and not account.settings.abroad, "20"),
        (region != "global" and (region == "abroad") != abroad, "23"),
        (phone in account.black_numbers, "10"),
    )
    if refused := refused or call.forced(phone):
        raise Refusal(refused)

    earlier = account.book.to(phone)
    if earlier or met:
        _check_limits(call, earlier, text, template, met)


def _check_limits(
    call: Call, earlier: list[Message], text: str, template: Template | None, met: Sequence[str]
) -> None:
    limits = call.limits(DEFAULT_LIMITS)
    now = call.world.clock()
    past = [(m.at, m.text, m.note.template_id) for m in earlier if m.at > now - DAY]
    past += [(now, other, template.id if template else "") for other in met]
    is_code = _is_code(text, template)

    same = [at for at, other, _ in past if other == text]
    _limit(8, limits.same_30s, same, now - 30)
    _limit(9, limits.same_5min, same, now - 300)
    codes = [at for at, other, _ in past if _CODE_WORD in other]
    if is_code:
        if template:
            _limit(33, limits.code_30s, [at for at, _, tpl in past if tpl == template.id], now - 30)
        _limit(22, limits.code_hour, codes, now - 3600)
        _limit(17, limits.code_day, codes, now - DAY)
    else:
        _limit(17, limits.same_day, same, now - DAY)
        _limit(17, limits.any_day, [at for at, other, _ in past if _CODE_WORD not in other], now - DAY)
    times = [at for at, _, _ in past]
    _limit(53, limits.any_minute, times, now - 60)
    _limit(53, limits.any_hour, times, now - 3600)


def _limit(code: int, most: int | None, times: list[float], since: float) -> None:
    if first_reached((str(code), most, times, since)):
        raise Refusal(code)


def _is_code(text: str, template: Template | None) -> bool:
    # Without a template the class of a text shows only in its words; the real matching is not documented.
    return template.kind == "verification" if template else _CODE_WORD in text
