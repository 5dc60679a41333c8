"""
What a provider's raw code means, in words, and what to do next.

A provider's own tables come first. Receipts often carry the carriers' codes
instead, for which there is no official list: their families are kept here, as
public gateway lists agree on them, and always shown beside the raw code.

Sources, read 2026-11: SMPP 3.4, section 5.2.28 (message states);
tencentcloud.com/document/product/382/35462; mysubmail.com/documents/1XQAE4;
feige.cn/dev/dev8.html; cnblogs.com/da-guang/p/5880631.html.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from smskit.audience.phones import redact
from smskit.errors import SpecError
from smskit.i18n import mark
from smskit.models import About, Code, CodeClass
from smskit.providers import provider_class

__all__ = ["Explained", "explain_code"]

AGAIN: Final = mark("Out of reach just now: another message, at another hour, may arrive.")
DROP: Final = mark("The number is dead: take it out of the segment.")
NEVER: Final = mark("This person does not want it, or a blacklist says so: do not send again.")
TOMORROW: Final = mark("A limit per number: send again tomorrow or later, with fewer messages a day.")
REWORD: Final = mark("The carrier stopped the text: change the wording, or have the provider approve it.")
REGISTER: Final = mark(
    "The signature is missing, barred or unregistered: see to it in the provider's console."
)
ONE: Final = mark("About this number alone: the others are not touched by it.")
ROUTE: Final = mark("A fault on the way, not of the number: send again; if it lasts, ask the provider.")
ASK: Final = mark("No table explains this code: ask the provider, with the message id.")


class Explained(NamedTuple):
    """A code in words."""

    meaning: str  # from a table of the provider's, or of the carriers' families; else what was said; or ""
    next_step: str


# In this order; the first that matches the whole code.
_FAMILIES: Final = [
    (re.compile(pattern, re.IGNORECASE), Explained(meaning, step))
    for pattern, meaning, step in (
        ("MK:0001", mark("empty number"), DROP),
        ("MK:00(05|13)", mark("number suspended"), AGAIN),
        ("MK:00(10|23)", mark("handset switched off"), AGAIN),
        ("(MBBLACK|DBBLACK|BLACK.*|DB:0144|HD:0001|USER_REJECT)", mark("on a blacklist"), NEVER),
        ("(DB:0142|MK:1041|BEYOND.*|.*LIMIT)", mark("too many messages to this number"), TOMORROW),
        ("(ID:0076|KEYWORD|MK:0014|MK:0115|-106|REJECT)", mark("text stopped"), REWORD),
        ("(SIGFAIL|SIGNBLOCKED|NOSEND)", mark("signature missing or barred"), REGISTER),
        ("(IB:|CA:|DA:|NOROUTE|TIMEOUT|COMFAIL|WTNFAIL|SUBFAIL).*", mark("fault at a gateway"), ROUTE),
        ("(SM11|SM12|YP:54)", mark("the number's form is wrong"), DROP),
        ("EXPIRED", mark("not reached before the message expired"), AGAIN),
        ("(UNDELIV|MK:.*|MI:.*|DELETED|002)", mark("off, out of reach, suspended or empty"), AGAIN),
        ("REJECTD", mark("refused by the carrier: words, text or sender"), REWORD),
        ("(UNKNOWN|ACCEPTD)", mark("the carrier does not know"), ASK),
    )
]


def explain_code(provider: str, code: str, *, receipt: bool, detail: str = "") -> Explained:
    """
    What *code* of that provider means.

    Args:
        receipt: Whether it came in a receipt, or in the answer to a submission.
        detail: What the provider said beside it; stands in where no table has a meaning.
    """
    said = redact(detail)
    if not code:
        return Explained(said, "")
    try:
        cls = provider_class(provider)
    except SpecError:  # a plug-in that is not installed here
        return Explained(said, ASK)
    family = next((told for pattern, told in _FAMILIES if pattern.fullmatch(code)), None) if receipt else None
    if receipt and code in cls.delivery:
        told = cls.delivery[code]
        return Explained(told, _step_like(told) or (family.next_step if family else ""))
    # A submission's numbers and a carrier's are other numbers; only names are the same in both.
    for table in (cls.codes, *cls.code_tables().values()):
        if code in table and not (receipt and code.lstrip("-").isdigit()):
            known = table[code]
            return Explained(known.meaning or said, known.next_step or _step_of(known))
    if family:
        return family
    return Explained(said if said != code else "", ASK)


# Providers say in Chinese what a receipt means, and not what to do.
_STEPS: Final = [  # in this order: 签名在黑名单中 is about the signature, 缺少退订方式 about the text
    ("签名|报备|实名", REGISTER),
    ("关键字|内容|退订方式|敏感|审核", REWORD),
    ("黑名单|拒收|退订", NEVER),
    ("频率|次数|上限|重复过滤", TOMORROW),
    ("格式|号码错误", DROP),
    ("通道|路由|网络|连接", ROUTE),
    ("停机|空号|关机|不在服务区|终端|有效期|过期|账户异常", AGAIN),
]


def _step_of(code: Code) -> str:
    """What to do about a code of which the provider's table says only what it is."""
    if code.kind is CodeClass.LATER:
        return TOMORROW
    if code.kind is CodeClass.REFUSED:
        return {About.NUMBER: ONE, About.TEXT: REWORD, About.REQUEST: ASK}[code.about]
    return ROUTE if code.kind is CodeClass.RETRY else ""


def _step_like(meaning: str) -> str:
    return next((step for pattern, step in _STEPS if re.search(pattern, meaning)), "")
