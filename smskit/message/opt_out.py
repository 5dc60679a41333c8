"""
Opting out 退订: the wording in a marketing text, and the replies that ask for it.

Pure. What a provider says about the wording is dated data it declares
(`OptOutRule`); what counts as a reply is one table with a reason for each word.
Leaves to others who has opted out (``ledger``) and whether a template passes a
provider's review (``doctor``).
"""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from smskit.i18n import Joined, Message, mark
from smskit.message.template import Template
from smskit.models import MessageClass

__all__ = ["OPT_OUT_REPLIES", "OptOutRule", "Place", "is_opt_out", "lack_of", "notice_of", "with_wording"]

_LAW = mark(
    "《通信短信息服务管理规定》, in force since 2015-06-30: commercial messages say how to refuse them, "
    "in whatever words (Xinhua, 2015-05-29)"
)


# -- the wording in a text ---------------------------------------------------------------


class Place(enum.StrEnum):
    """Where the wording comes from."""

    TEXT = "text"  # it is part of the text we hand over; with a template id, of that template
    TEMPLATE = "template"  # it is part of the template the provider has approved, whatever we hand over
    PROVIDER = "provider"  # the provider appends it to every marketing message itself


@dataclass(frozen=True, slots=True, kw_only=True)
class OptOutRule:
    """
    What a provider says about the opt-out wording of marketing messages, and when that was read.

    Args:
        wording: The one to append; for `Place.PROVIDER` the one it appends.
        taken: Endings it takes, letter for letter; none = any wording anywhere in the text will do.
        numbers: How it writes a mainland number in lists of numbers.
    """

    place: Place = Place.TEXT
    wording: str = "拒收请回复R"
    taken: tuple[str, ...] = ()
    source: str = _LAW
    read_on: date = date(2026, 11, 23)
    numbers: Literal["national", "e164"] = "national"

    @property
    def appended(self) -> str:
        """What the provider puts behind a marketing message itself; billed like the rest."""
        return self.wording if self.place is Place.PROVIDER else ""


_VARIABLE = "\ufffc"  # stands for a variable where a body is searched
_CODE = r"[“\"'「]?\s*[A-Za-z0-9]{1,5}\s*[”\"'」]?"
_ANY_WORDING = re.compile(
    rf"(?:退订|拒收|不再接收|取消)[^，。,.!！?？;；]{{0,4}}?(?:回复?|发送?)\s*{_CODE}"
    rf"|(?:回复?|发送?)\s*{_CODE}\s*(?:即可|可)?(?:退订|拒收|取消|不再接收)"
    rf"|(?:退订|拒收)\s*{_CODE}|\b{_CODE}\s*退订"
    r"|\b(?:reply|text)\s+\S+\s+to\s+(?:stop|unsubscribe|opt.?out)|\bto\s+(?:unsubscribe|opt.?out)\b",
    re.IGNORECASE,
)


# A link that the body ends with, or may end with: phones take every letter up to a blank for a part of it.
_LINK_LAST = re.compile(
    r"(?:https?://|\bwww\.|\b[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}/)[^\s，。；！？、）】]*$"
    r"|\b[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.(?:cn|com|net|org|top|vip|ltd|me|io)$",
    re.IGNORECASE,
)
_LINK_NAME = re.compile(r"link|url|href|链接|短链|网址", re.IGNORECASE)


def with_wording(
    template: Template, parameter: str, rule: OptOutRule, *, message_class: MessageClass, template_id: str
) -> Template:
    """
    The template as it is sent, given parameter ``opt_out_wording``.

    ``add`` appends the provider's own wording where the text is ours to change and
    has none; any text but ``add`` and ``demand`` is appended as it stands, once. A
    blank parts it from a link before it.
    """
    if message_class is not MessageClass.MARKETING or parameter in ("", "demand"):
        return template
    body = _body(template)
    if parameter != "add":
        return template if body.endswith(parameter) else _ending_with(template, parameter)
    ours = rule.place is Place.TEXT and not template_id
    return template if not ours or _has_any(body) else _ending_with(template, rule.wording)


def _ending_with(template: Template, wording: str) -> Template:
    last = template.pieces[-1]
    names_link = not isinstance(last, str) and _LINK_NAME.search(last.name)
    sticks = names_link or _LINK_LAST.search(_body(template))
    apart = " " if sticks and not wording[0].isspace() else ""
    return template.ending_with(apart + wording)


def lack_of(
    template: Template, rule: OptOutRule, *, provider: str, message_class: MessageClass, template_id: str
) -> str:
    """What is missing in a marketing text for people to opt out, and what to do; "" = nothing."""
    body = _body(template)
    if message_class is not MessageClass.MARKETING or rule.place is Place.PROVIDER:
        return ""
    if rule.taken and body.endswith(rule.taken):
        return ""
    if not rule.taken and _has_any(body):
        return ""
    if _has_any(body):
        problem = mark(
            "the text says how to opt out, but {name} takes only {texts} as its last words: {why}. Source: "
            "{why2}"
        )
    elif rule.taken:
        problem = mark(
            "the text does not say how to opt out; {name} takes {texts} as its last words: {why}. Source: "
            "{why2}"
        )
    else:
        problem = mark("the text does not say how to opt out, as with {texts}: {why}. Source: {why2}")
    if rule.place is Place.TEMPLATE or template_id:
        step = Message("put it into the template at the provider, and into parameter `template`")
    elif _has_any(body):
        step = Message("write it into the text")
    else:
        step = Message("write it into the text, or set `opt_out_wording: add`")
    fits = Joined((f"`{text}`" for text in rule.taken or (rule.wording,)), " or ")
    return Message(problem, name=provider, texts=fits, why=step, why2=Message(rule.source))


def notice_of(
    template: Template, rule: OptOutRule, *, provider: str, message_class: MessageClass, template_id: str
) -> str:
    """What a plan's reader should know about its opt-out wording; "" = nothing."""
    if message_class is MessageClass.MARKETING and rule.appended:
        return Message(
            "{provider} appends `{text}` to every marketing message; it is counted in the parts",
            provider=provider,
            text=rule.appended,
        )
    return lack_of(template, rule, provider=provider, message_class=message_class, template_id=template_id)


def _body(template: Template) -> str:
    return "".join(piece if isinstance(piece, str) else _VARIABLE for piece in template.pieces)


def _has_any(body: str) -> bool:
    return _ANY_WORDING.search(unicodedata.normalize("NFKC", body)) is not None


# -- replies --------------------------------------------------------------------------------

# Whole replies that ask to be left alone, and why each is taken for that.
OPT_OUT_REPLIES: Final[Mapping[str, str]] = {
    "R": "answer to 拒收请回复R: Aliyun, Chuanglan, Tencent; Huawei Cloud's sms_faq_0110 blacklists it too",
    "T": "answer to 回T退订; taken for a refusal by Yunpian's support desk, and by Aliyun in practice",
    "TD": "answer to 回TD退订; initials of 退订; as T",
    "N": "answer to 回N退订, an older wording of Chuanglan's clients",
    "QX": "initials of 取消",
    "0000": "the carriers' code to look up and cancel services; nobody sends it for anything else",
    "00000": "the carriers' code to cancel all services",
    "退订": "says so; Yunpian's support desk",
    "拒收": "says so; the word of 拒收请回复R",
    "取消": "Yunpian's support desk; only alone, since 取消订单 is about an order",
    "取消订阅": "says so",
    "取消短信": "says so",
    "取消接收": "says so",
    "不再接收": "says so",
    "不要再发": "says so; a wish in any words withdraws consent",
    "不要再发了": "says so",
    "别再发": "says so",
    "别再发了": "says so",
    "别发了": "says so",
    "不要发了": "says so",
    "请勿打扰": "says so",
    "勿扰": "says so",
    "STOP": "the word on handsets set to English",
    "UNSUBSCRIBE": "as STOP",
}
# What people type around a code: "回复TD", "我要R", a code again and again.
_REPLY = re.compile(r"(?:我要|我|请|要)?(?:回复?|发送?)?(.+?)(?:谢谢|吧)?")
_REPEATED = re.compile(r"(TD|[TRN])\1{1,4}")
# Whoever says that they do not want to opt out is not to be taken for somebody who does. 不能退订, on the
# other hand, is said by people who tried to.
_WISH = "要|想|用|是|必|需要|打算|愿意|准备|申请"
_NOT_WANTED = re.compile(rf"(?:(?:不是?|别|勿|甭)(?:{_WISH})*|没有?(?:{_WISH})+)(?:退订|拒收)")


def is_opt_out(text: str) -> bool:
    """
    Whether a reply asks to be left alone: TD, T, R, 退订 …, however it is typed.

    Full-width letters, blanks, case and punctuation do not matter. A word of
    ``OPT_OUT_REPLIES`` counts as a whole reply; 退订 and 拒收 wherever they stand,
    unless they are negated.

    >>> [is_opt_out(text) for text in (" ｔｄ ", "T D", "退 订。", "我要退订", "取消")]
    [True, True, True, True, True]
    >>> [is_opt_out(text) for text in ("谢谢", "T恤多少钱", "不要退订", "I want the TD bank card")]
    [False, False, False, False]
    """
    read = unicodedata.normalize("NFKC", text).upper().replace("訂", "订")
    plain = "".join(c for c in read if c.isalnum())
    if _is_word(plain) or ((match := _REPLY.fullmatch(plain)) and _is_word(match[1])):
        return True
    # Punctuation parts what belongs together: "不要，退订" is no negation.
    pieces = re.split(r"[^\w\s]+", read)
    wanted = [_NOT_WANTED.sub("", re.sub(r"[\s_]+", "", piece)) for piece in pieces]
    return any(word in piece for piece in wanted for word in ("退订", "拒收"))


def _is_word(plain: str) -> bool:
    return plain in OPT_OUT_REPLIES or _REPEATED.fullmatch(plain) is not None
