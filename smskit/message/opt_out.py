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
from smskit.models import Answer, MessageClass

__all__ = [
    "OPT_OUT_REPLIES",
    "OptOutRule",
    "Place",
    "answer_of",
    "lack_of",
    "notice_of",
    "with_wording",
]

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
    "TUIDING": "退订 as it is typed; so is TUI DING",
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
_REPLY = re.compile(r"(?:我要|我|请|要)?(?:回复?|发送?)?(.+?)(?:谢谢|吧|了)?")
_REPEATED = re.compile(r"(TD|[TRN])\1{1,4}")
_SIMPLIFIED = str.maketrans(
    "訂閱閲關關絕發給擾別請絡還麼們騷廣訊單貨將傳簡號碼刪電話這個謝",
    "订阅阅关关绝发给扰别请络还么们骚广讯单货将传简号码删电话这个谢",
)

# The word itself; 退订单 and 退定金 are about an order.
_ASK = (
    r"(?:退[订定](?!单|金)|退{2,}|拒收(?!快递|包裹|外卖)|拒绝(?:再)?(?:接收|接受|收)|不再(?:订阅|关注)"
    r"|(?:撤[回销]|收回)(?:我的?|此前的?|对你们的?)*(?:同意|授权|许可)"
    r"|取消(?:我的|所有|全部|这个|此)*(?:订阅|关注|接收|短信|信息|消息|推送|广告)|移除我"
    r"|(?:删除?|删掉|移除)(?:我|我的)(?:手机|电话)?号码?|我的?(?:手机|电话)?号码?(?:删|移除|去掉)"
    r"|[把将]我(?:的(?:手机|电话|号码))?(?:从[^，]{1,8}?)?(?:删|移除|移出|去掉|剔除|拉黑))"
)
# 不退订 said of somebody else, or as a condition, presses for it: 再不退订, 你们不退订, 不退订就…
_PRESSED = re.compile(
    rf"(?:再|怎么|为什么|为何|为啥|凭什么|一直|总是|老是|多次|回复|你们?|(?<!我)还|如果|要是|若)[^我]{{0,3}}不(?:给我?|帮我?)?{_ASK}"
    rf"|不(?:给我?|帮我?)?{_ASK}(?:的话)?(?:我?就|我?便|我?要(?:投诉|举报|报警)|投诉|举报|报警)"
    r"|再[发打][^，]{0,4}(?:投诉|举报|报警|拉黑)"
)
# Whoever says that they do not want to opt out is not to be taken for somebody who does. 不能退订, on the
# other hand, is said by people who tried to, and 不给我退订 of those who would not let them.
_WISH = "要|想|用|是|必|需要|打算|愿意|准备|申请"
_NOT_WANTED = re.compile(
    rf"(?:(?:不是?|不再|别|勿|甭)(?:{_WISH})*|(?:别|勿|甭|不要|不用|不必)(?:再|给我?|帮我?|把我)*"
    rf"|(?:没有?|没说|谁说我?)(?:{_WISH})+|误)(?:{_ASK}|停止?发?)"
)
_A_NOT_A = re.compile(r"([要是想会能])不\1")  # 要不要 asks; the 不要 in it denies nothing
# A clause with the word that asks about it, sets a condition, considers it or says it of others ...
_OPEN = re.compile(
    r"吗|是否|没有?退|又怕|再订回|重新订|的是|(?<!为)什么|区别|影响|如果|要是|假如|万一|除非|考虑|犹豫|可能|也许|或许|下次|暂时"
    r"|老婆|老公|爸|妈|朋友|同事|别人|[他她谁听]说|不是说"
)
# ... unless it asks how, or to be let: 怎么退订, 不能退订吗, 可以帮我退订吗.
_HOW = re.compile(rf"(?:能|能否|可以|可否|无法|怎么|怎样|如何|哪里|帮|给)[^，]{{0,4}}{_ASK}")
# A wish without the word is a clause of nothing else: 不要再给我发短信了, but not 不要发货.
_REFUSES = (
    "(?:不同意|谢绝|没有?必要|不(?=接收)"
    "|不要|不想|不愿意?|不希望|不需要|无需|不用|不必|不再|不许|不准|别|勿|甭|停止?|拒绝|禁止)"
)
_ABOUT = "短信|信息|消息|简讯|广告|推销|营销|推送|垃圾|推广"
_THING = f"{_ABOUT}|通知|这些|这种|这个|此类|任何|你们|的|了|啦|给|我|吧|过来|谢谢"
_PLAIN = re.compile(
    rf"(?:请|麻烦|求|我|你们?|以后|今后|都|也|真的|(?:这个|本)号码?)*{_REFUSES}"
    r"(?:再|继续|老是?|总是?|一直|天天|[给向往](?:我|这个|本|该)的?(?:号码?|手机|电话)?|给|要|想|看到)*"
    rf"(?:(?:发送?|传|推送|收到|接收|收|打扰|骚扰|联系)(?:{_THING})*|要?(?:{_THING})*(?:{_ABOUT}))"
    rf"|怎[么样]才?能?不再?(?:收到?|接收)(?:{_THING})*|请?停止|拒绝|谢绝"
)
_ENGLISH = re.compile(
    r"(?:PLEASE |PLS )?(?:STOP ?ALL|STOP(?: IT| NOW| PLEASE|(?: STOP)+)?|OPT ?OUT|QUIT|END"
    r"|UN ?SU?B?S?CR?IBE(?: ME| (?:THIS|MY) NUMBER)?(?: PLEASE| NOW)?|CANCEL (?:MY|THE) SUBSCRIPTION"
    r"|(?:I (?:WANT|WISH|(?:WOULD|D) LIKE) TO |LET ME )(?:OPT OUT|UNSUBSCRIBE)"
    r"|(?:OPT|TAKE) ME (?:OUT|OFF)(?: (?:THE|YOUR) LIST)?"
    r"|(?:REMOVE|DELETE) (?:ME|MY (?:PHONE )?(?:NUMBER|PHONE))(?: FROM (?:THE|YOUR) LIST)?"
    r"|STOP (?:TEXTING|MESSAGING|SENDING|SPAMMING)(?: ME\b.*| MESSAGES| TEXTS)?"
    r"|(?:DO NOT|DON ?T) (?:TEXT|MESSAGE|CONTACT|SEND)(?: ME\b.*| MESSAGES)?"
    r"|I (?:DO NOT|DON ?T|NO LONGER) (?:WANT|NEED)(?: TO (?:GET|RECEIVE))?(?: \w+){0,2}"
    r" (?:TEXTS|MESSAGES|SMS)(?: ANY ?MORE)?"
    r"|NO MORE (?:TEXTS|MESSAGES|SMS))(?: PLEASE| THANKS| THANK YOU)?"
)
_ENGLISH_NOT_WANTED = re.compile(
    r"\b(?:(?:NOT|DON ?T|NEVER)(?: (?:WANT|WISH|GOING|PLAN|MEAN|SAID|ASK(?:ED)?)(?: TO)?)?"
    r" (?:UNSUBSCRIBE|OPT OUT|STOP)|DID YOU STOP|STOP(?:PED)? (?:BY|AT|IN|OVER|FOR)\b)"
)
# Neither plainly one nor the other: a person decides, and until then it counts as a no. Short replies ...
_DOUBTFUL = re.compile(
    r"(?:回复?)?[退拒](?:吧|了)?|退掉|退[钉丁汀顶]|取关|不订(?:阅)?了|谢绝|推[订定]|腿订|取消(?:掉|了|我的?|所有|全部|通知|授权)?|滚"
    rf"|(?:{_ABOUT}|这个)取消|停|拒接|注销|不要了?|不收了?|不发了?|我?不同意"
    r"|(?:不要|别)再?来?烦(?:我|了)*|不感兴趣|没兴趣|屏蔽|(?:你们)?有完没完|我?没有?订阅过?|不需要(?:了|谢谢)?|不用了"
    r"|CANCEL(?:ALL)?|UNSUB"
)
# ... and whatever else speaks of it in words that no rule above has read.
_MENTIONED = re.compile(
    rf"{_ASK}|投诉|举报|黑名单|12321|12300|骚扰|垃圾短信|烦死|烦不烦|拉黑|退掉|{_REFUSES}[^，]{{0,8}}(?:{_ABOUT}|骚扰|打扰)"
    r"|(?:不要|不用|别(?!忘)|勿|停止?)[^，]{0,6}[发传](?![货票错到出往]|快递|顺丰)|(?:不要|别|勿)[^，]{0,3}再[^，]{0,4}[来收]"
    r"|[还又老]在?(?:给我?)?发(?![货票错到出往]|快递|顺丰)|天天发|回复?(?:TD|[TRN])[^，]{0,2}(?:没用|无效|不管用)|取消[^，]{0,4}(?:短信|推送|服务)|(?<![A-Z])TD(?![A-Z]|银行|是什么)"
)
_ENGLISH_MENTIONED = re.compile(
    r"SPAM|LEAVE ME ALONE|NOT INTERESTED|UN ?SU?B?SCR?I|OPT(?:ED|ING)? ?OUT|\bSTOP\b"
    r"|\b(?:NOT|DON ?T|NO|NEVER|STOPPED|REMOVE|DELETE)\b.{0,25}\b(?:TEXTS?|MESSAGES?|SMS|MY NUMBER)\b"
)


def answer_of(text: str) -> Answer:
    """
    What a reply asks for, however it is typed.

    Full-width letters, blanks, case, punctuation and traditional letters do not matter. A clear wish is
    a word of ``OPT_OUT_REPLIES`` or an English phrase alone, or a clause that asks in plain words, presses
    for it (再不退订…), or says 退订 and its like undenied. Doubtful is whatever else speaks of it: a question
    about it, a condition, hearsay, anger, words no rule reads. So only what denies it, or is about something
    else, is none.

    >>> [answer_of(text).value for text in ("Ｔ D", "再不退订就投诉", "我不想退订", "烦死了")]
    ['opt-out', 'opt-out', 'not', 'doubtful']
    >>> [answer_of(text).value for text in ("谢谢", "T恤多少钱", "不要退订", "I want the TD bank card")]
    ['not', 'not', 'not', 'not']
    """
    read = unicodedata.normalize("NFKC", text).upper().translate(_SIMPLIFIED)
    # Punctuation parts what belongs together: "不要，退订" is no negation. English has some within words.
    clauses = [re.sub(r"[\s_]+", "", piece) for piece in re.split(r"[^\w\s]+", read)]
    phrases = [" ".join(re.findall(r"\w+", piece)) for piece in (read, *re.split("[.,!?;:。、…]+", read))]
    whole = "".join(clauses)
    if _is_code(whole) or any(map(_ENGLISH.fullmatch, phrases)) or any(map(_asks, clauses)):
        return Answer.OPT_OUT
    doubtful = (
        any(map(_DOUBTFUL.fullmatch, (whole, *clauses)))
        or any(_MENTIONED.search(_without_denials(clause)) for clause in clauses)
        or _ENGLISH_MENTIONED.search(_ENGLISH_NOT_WANTED.sub("", phrases[0]))
    )
    return Answer.DOUBTFUL if doubtful else Answer.NOT


def _asks(clause: str) -> bool:
    """Whether a clause asks for it in words that leave nothing open."""
    if _PLAIN.fullmatch(clause) or _PRESSED.search(clause) or _is_code(clause):
        return True
    left = _without_denials(clause)
    return bool(re.search(_ASK, left) and (_HOW.search(left) or not _OPEN.search(left)))


def _without_denials(clause: str) -> str:
    return _NOT_WANTED.sub("", _A_NOT_A.sub("是否", clause))


def _is_code(plain: str) -> bool:
    return _is_word(plain) or bool((match := _REPLY.fullmatch(plain)) and _is_word(match[1]))


def _is_word(plain: str) -> bool:
    return plain in OPT_OUT_REPLIES or _REPEATED.fullmatch(plain) is not None
