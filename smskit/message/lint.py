"""
Template lint (``smskit doctor``): what a provider would not pass, with its rule and where that is written.

Pure. A provider declares its rules as data (`TemplateRule`); here is what each
kind of rule looks for. Only what can be seen in a template is looked at: values
are the plan's (``bad_variable``, ``text_too_long``), approval is the check's.
"""

from __future__ import annotations

import enum
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from smskit.audience.cells import UNSEEN, escaped
from smskit.errors import TemplateError
from smskit.i18n import Joined, Language, Message
from smskit.message.parts import units_of
from smskit.message.template import Form, Template, Var
from smskit.models import MessageClass

__all__ = [
    "HAN",
    "VERIFICATION",
    "Kind",
    "LintIssue",
    "LintReport",
    "TemplateRule",
    "find_issues",
    "lint",
    "lookalikes",
    "notices_of_text",
]

HAN = "\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese characters, for a pattern's [...]
VERIFICATION = "验证码|注册码|校验码|动态码"  # a text with one of these is taken for a verification code's


class Kind(enum.StrEnum):
    """What a rule looks for."""

    SIGNATURE_MISSING = "signature_missing"
    SIGNATURE_LENGTH = "signature_length"  # `least` to `most` characters
    SIGNATURE_CHARSET = "signature_charset"  # `pattern` is found in it
    DOUBLED_SIGNATURE = "doubled_signature"  # the 【signature】 itself stands in the body
    BRACKETS_IN_BODY = "brackets_in_body"  # any other 【 or 】 does
    LONGEST_TEXT = "longest_text"  # `most` characters of a whole message, at its shortest
    LONGEST_TEMPLATE = "longest_template"  # `most` characters of the body, as the provider writes it
    MOST_VARIABLES = "most_variables"  # `most` places
    ALL_VARIABLES = "all_variables"  # no word of its own
    ADJACENT_VARIABLES = "adjacent_variables"
    REPEATED_VARIABLE = "repeated_variable"
    LINK_IN_TEXT = "link_in_text"
    MUST_END_WITH = "must_end_with"  # one of `texts`
    MUST_NOT_HOLD = "must_not_hold"  # any of `texts`, or `pattern`
    SYMBOLS_REFUSED = "symbols_refused"  # `pattern`
    TRADITIONAL_CHINESE = "traditional_chinese"
    VERIFICATION_VALUES = "verification_values"  # what may be filled in, for whoever binds the variables


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateRule:
    """
    One rule of a provider about its templates, as data.

    Args:
        en, zh: The rule in words, for people.
        source: The provider's document it stands in.
        least, most, pattern, texts: What its kind needs; a pattern is Python's.
        message_class: Only for these messages; None = for all.
        when: Only for a body in which this pattern is found.
        severe: Whether the provider refuses what breaks it. False: it may pass,
            and somebody should know.
    """

    kind: Kind
    en: str
    zh: str
    source: str
    least: int = 0
    most: int = 0
    pattern: str = ""
    texts: tuple[str, ...] = ()
    message_class: MessageClass | None = None
    when: str = ""
    severe: bool = True

    @property
    def words(self) -> str:
        """The rule in both languages."""
        return f"{self.en} {self.zh}"


class LintIssue(NamedTuple):
    """One thing a provider would not pass."""

    what: str  # found in this template
    en: str  # the provider's rule
    zh: str  # the same
    source: str
    severe: bool

    @property
    def rule(self) -> str:
        """The provider's rule in both languages."""
        return f"{self.en} {self.zh}"

    def render(self, t: Language) -> str:
        """What was found, and the rule, in one line of one language."""
        return f"{t.render(self.what)}。{self.zh}" if t.code == "zh" else f"{self.what}. {self.en}"


class Declares(Protocol):
    """What the doctor reads of a provider; `smskit.providers.Provider` classes have it."""

    name: str
    title: str
    form: Form
    signature_in_template: bool
    template_rules: tuple[TemplateRule, ...]


@dataclass(frozen=True, slots=True)
class LintReport:
    """
    A template as one provider sees it.

    Args:
        text: In the provider's own form, as its console holds it; "" when it cannot be written so.
    """

    provider: str
    title: str
    text: str
    issues: tuple[LintIssue, ...]

    @property
    def passes(self) -> bool:
        """Is there nothing severe?"""
        return not any(issue.severe for issue in self.issues)

    def __str__(self) -> str:
        return self.render(Language("en"))

    def render(self, t: Language) -> str:
        """The verdict, the text, and each issue with the provider's rule and where that is written."""
        lines = [f"{t.render(self.title)}: {t('passes') if self.passes else t('would not pass')}"]
        lines += [f"  {self.text}"] if self.text else []
        for issue in self.issues:
            lines.append(f"  {t('NOT') if issue.severe else t('note')} {t.render(issue.what)}")
            lines.append(f"       {t('rule:')} {issue.zh if t.code == 'zh' else issue.rule}")
            lines.append(f"       {t('from:')} {t.render(issue.source)}")
        return "\n".join(lines)

    def to_data(self) -> dict[str, object]:
        """The same as plain data."""
        return {
            "provider": self.provider,
            "title": self.title,
            "passes": self.passes,
            "text": self.text,
            "complaints": [
                {"what": c.what, "rule": c.rule, "source": c.source, "severe": c.severe} for c in self.issues
            ],
        }


def lint(
    text: str, provider: Declares | type[Declares], *, signature: str, message_class: MessageClass
) -> LintReport:
    """
    Check a template by one provider's rules; what cannot even be read is an issue, too.

    Args:
        text: In any form `Template.parse` understands.
    """
    try:
        template = Template.parse(text, signature=signature)
    except TemplateError as error:
        source = Message("smskit: docs/reference.md, parameter `template`")
        issue = LintIssue(error.message, *_ONE_TEXT, source, True)
        return LintReport(provider.name, provider.title, "", (issue,))
    found = find_issues(template, message_class, provider.template_rules, form=provider.form)
    source = Message("smskit: docs/reference.md, parameter `template`")
    found[:0] = [LintIssue(notice, *_NO_VARIABLE, source, False) for notice in notices_of_text(template)]
    shown = _written(template, provider.form, with_signature=provider.signature_in_template)
    return LintReport(provider.name, provider.title, shown or "", tuple(found))


def find_issues(
    template: Template,
    message_class: MessageClass,
    rules: Iterable[TemplateRule],
    *,
    form: Form = Form.BRACES,
) -> list[LintIssue]:
    """
    What breaks *rules*, in their order; empty when nothing does.

    Args:
        form: The provider's; a text that cannot be written in it is complained about first.
    """
    issues = list(_unwritable(template, form))
    body = _body(template)
    for rule in rules:
        if rule.message_class not in (None, message_class) or not re.search(rule.when, body):
            continue
        found = _LOOKS_FOR[rule.kind](_Case(template, body, form), rule)
        issues += [LintIssue(what, rule.en, rule.zh, rule.source, rule.severe) for what in found]
    return issues


def notices_of_text(template: Template) -> list[Message]:
    """What a person should know of *template*: placeholders of other tools in it, and signs nobody sees."""
    said = []
    if found := lookalikes(template):
        # Braces that go out are written twice, and so they are found in the parameter file.
        written = (text.replace("{", "{{").replace("}", "}}") for text in found)
        texts = Joined((f"`{text}`" for text in written), ", ")
        said.append(
            Message(
                "{texts} in the text looks like a variable and goes out as plain text; a variable is written "
                "`{form}` and bound by `variables`",
                texts=texts,
                form="{name}",
            )
        )
    if unseen := re.search(f".{{0,4}}(?:{UNSEEN}).{{0,4}}", _body(template)):
        said.append(
            Message(
                "the text holds signs that nobody sees, such as {examples}; they go out so, and each counts "
                "as a character",
                examples=f'"{escaped(unseen[0]).replace(_PLACE, "{…}")}"',
            )
        )
    return said


def lookalikes(template: Template) -> tuple[str, ...]:
    """
    What in the plain text of *template* another tool would fill in, each once: as it would go out.

    ``{name}`` (written ``{{name}}``), ``｛name｝``, ``＃name＃``, ``#name#``, ``%name%``, ``%s``, ``$name``,
    ``[name]``, ``<name>`` and the like. A hashtag, a price, a percentage, an escape in a link and a word in
    capitals (``[VIP]``) are none.
    """
    return tuple(dict.fromkeys(mark[0] for mark in _LOOKALIKE.finditer(_body(template)) if _is_name(mark)))


def _is_name(mark: re.Match[str]) -> bool:
    name = str(mark[str(mark.lastgroup)])
    if mark.lastgroup == "certain" or not name.isascii():
        return True
    return name.casefold() in _USUAL or (not name.isupper() and len(name) > 1)


# Names that messages are filled in with, also where they stand in capitals.
_USUAL = frozenset(
    {"name", "firstname", "first_name", "nickname", "user", "username", "phone", "mobile", "code", "coupon"}
    | {"url", "link", "date", "time", "amount", "money", "price", "order", "order_no", "id"}
)
_LATIN = "[A-Za-z_][A-Za-z0-9_.-]{0,30}"
_CHINESE = (
    r"[\w]{0,4}(?:姓名|名字|昵称|称呼|用户名|手机号?|验证码|券码|优惠码|兑换码|金额|日期|单号|链接|网址)\d*"
)
_NAMED = f"(?:{_LATIN}|{_CHINESE})"
_LOOKALIKE = re.compile(
    # Braces of any width mean nothing else, nor do the marks of some other tools.
    r"(?P<certain>[{｛]+\s*[#^/%$]?\s*[\w.$|:-]{1,40}\s*%?[}｝]+|＃[\w-]{1,30}＃|\*\|[\w:-]{1,30}\|\*|<%=?[^%<>]{1,40}%>"
    r"|(?<![0-9０-９%])%[sd](?![A-Za-z0-9%]))"
    rf"|#(?P<hash>{_LATIN})#"
    rf"|(?<![0-9０-９])%{{1,2}}(?![0-9A-Fa-f]{{2}}%)(?P<percent>{_NAMED})%{{1,2}}"
    r"|\$(?P<dollar>[A-Za-z_][A-Za-z0-9_]{0,30}|姓名|名字|昵称|称呼|手机号?|验证码|券码|金额|日期|时间|订单号|链接)"
    rf"|[\[［]{{1,2}}(?P<square>{_NAMED})[\]］]{{1,2}}"
    rf"|[<＜](?P<angle>{_NAMED})[>＞]"
)

# Rules of ours, in both languages.
_NO_VARIABLE = (
    "A variable has one form; everything else goes out as it stands.",
    "变量只有一种写法，其余内容一律按原样发送",
)
_ONE_TEXT = ("A template is one text with variables in one form.", "模板须为一段文本，变量写法须一致")
_NO_ESCAPE = ("No way is documented to write this as plain text.", "没有公开的转义写法，无法作为普通文字")


# -- what each kind looks for --------------------------------------------------------


class _Case(NamedTuple):
    template: Template
    body: str
    form: Form


_PLACE = "\ufffc"  # stands for a variable where a body is searched
_EXCERPT = 10  # characters of an ending that are shown
# Latin only, so that a link is also seen right behind a Chinese character.
_LINK = re.compile(
    r"https?://[!-~]*|(?<![A-Za-z0-9.@-])(?:www\.[!-~]+"
    r"|(?:[A-Za-z0-9-]+\.)+(?:com|cn|net|org|top|cc|vip|io|me|link|ltd|shop|xyz)(?![A-Za-z0-9])(?:/[!-~]*)?)",
    re.IGNORECASE,
)


def _body(template: Template) -> str:
    """The body with a mark that is in no pattern in place of each variable."""
    return "".join(_PLACE if isinstance(piece, Var) else piece for piece in template.pieces)


def _written(template: Template, form: Form, *, with_signature: bool) -> str | None:
    try:
        return template.write(form, with_signature=with_signature)
    except TemplateError:
        return None


def _unwritable(template: Template, form: Form) -> Iterator[LintIssue]:
    try:
        template.write(form, with_signature=True)
    except TemplateError as error:
        source = Message("the variables of the {form} form", form=form.value)
        yield LintIssue(error.message, *_NO_ESCAPE, source, True)


def _signature_missing(case: _Case, rule: TemplateRule) -> Iterator[Message]:
    if not case.template.signature:
        yield Message("there is no signature; give parameter `signature`")


def _signature_length(case: _Case, rule: TemplateRule) -> Iterator[Message]:
    length, name = len(case.template.signature), case.template.signature
    if rule.least <= length <= rule.most:
        return
    if length == 1:
        yield Message("the signature 【{name}】 has 1 character", name=name)
    elif length:
        yield Message("the signature 【{name}】 has {n} characters", name=name, n=length)


def _signature_charset(case: _Case, rule: TemplateRule) -> Iterator[Message]:
    if found := _found(rule.pattern, case.template.signature):
        name = case.template.signature
        yield Message("the signature 【{name}】 holds {texts}", name=name, texts=found)


def _doubled_signature(case: _Case, rule: TemplateRule) -> Iterator[Message]:
    name = case.template.signature
    if name and f"【{name}】" in case.body:
        yield Message("【{name}】 stands in the text once more; take it out there", name=name)


def _brackets_in_body(case: _Case, rule: TemplateRule) -> Iterator[Message]:
    rest = case.body.replace(f"【{case.template.signature}】", "") if case.template.signature else case.body
    yield from _holds(_found("【[^【】]*】?|】", rest))


def _longest_text(case: _Case, rule: TemplateRule) -> Iterator[Message]:
    head = f"【{case.template.signature}】" if case.template.signature else ""
    length = units_of(head + case.body)  # a variable counts as one character
    if length <= rule.most:
        return
    if case.template.names:
        yield Message("a message has at least {n} characters, with one character for each variable", n=length)
    else:
        yield Message("a message has at least {n} characters", n=length)


def _longest_template(case: _Case, rule: TemplateRule) -> Iterator[Message]:
    length = units_of(_written(case.template, case.form, with_signature=False) or "")
    if length > rule.most:
        yield Message("the template has {n} characters", n=length)


def _most_variables(case: _Case, rule: TemplateRule) -> Iterator[Message]:
    count = len(case.template.positions())
    if count > rule.most:
        one, several = (
            Message("the template has 1 variable"),
            Message("the template has {n} variables", n=count),
        )
        yield one if count == 1 else several


def _all_variables(case: _Case, rule: TemplateRule) -> Iterator[Message]:
    if case.template.names and not re.search(r"\w", case.body):
        yield Message("the template has no words of its own")


def _adjacent_variables(case: _Case, rule: TemplateRule) -> Iterator[Message]:
    pieces = case.template.pieces
    for left, right in itertools.pairwise(pieces):
        if isinstance(left, Var) and isinstance(right, Var):
            yield Message("nothing is between {one} and {two}", one=_braced(left), two=_braced(right))


def _repeated_variable(case: _Case, rule: TemplateRule) -> Iterator[Message]:
    places = case.template.positions()
    for name in case.template.names:
        if places.count(name) > 1:
            yield Message("{place} occurs {n} times", place=_braced(Var(name)), n=places.count(name))


def _link_in_text(case: _Case, rule: TemplateRule) -> Iterator[Message]:
    for link in _LINK.finditer(case.body):
        yield Message("the text holds the link {link}", link=f"`{link[0]}`")


def _must_end_with(case: _Case, rule: TemplateRule) -> Iterator[Message]:
    if not case.body.endswith(rule.texts):
        ending = ("…" if len(case.body) > _EXCERPT else "") + case.body[-_EXCERPT:].replace(_PLACE, "{…}")
        yield Message(
            "the text ends with {ending}, not with {texts}",
            ending=f"`{ending}`",
            texts=Joined(rule.texts, " or "),
        )


def _must_not_hold(case: _Case, rule: TemplateRule) -> Iterator[Message]:
    patterns = [re.escape(text) for text in rule.texts] + ([rule.pattern] if rule.pattern else [])
    yield from _holds(_found("|".join(patterns), case.body))


def _symbols_refused(case: _Case, rule: TemplateRule) -> Iterator[Message]:
    yield from _holds(_found(rule.pattern, case.body))


def _traditional_chinese(case: _Case, rule: TemplateRule) -> Iterator[Message]:
    found = dict.fromkeys(c for c in case.body if "\u4e00" <= c <= "\u9fff" and _only_traditional(c))
    yield from _holds(f"`{''.join(found)}`" if found else "")


def _holds(texts: str) -> Iterator[Message]:
    if texts:
        yield Message("the text holds {texts}", texts=texts)


def _only_traditional(character: str) -> bool:
    # The mainland's character set without Taiwan's is simplified Chinese; Taiwan's without the
    # mainland's is traditional, but for a few rare characters both ways of writing share.
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return bool(character.encode("big5", "ignore"))
    return False


def _verification_values(case: _Case, rule: TemplateRule) -> Iterator[Message]:
    if case.template.names:
        places = ", ".join(_braced(Var(name)) for name in case.template.names)
        yield Message("this reads like a verification code with {places}", places=places)


def _found(pattern: str, text: str) -> str:
    """What of *pattern* is in *text*, each once and quoted; "" when nothing is."""
    seen = dict.fromkeys(match[0].replace(_PLACE, "{…}") for match in re.finditer(pattern, text))
    return " ".join(f"`{part}`" for part in seen)


def _braced(variable: Var) -> str:
    return f"{{{variable.name}}}"


_LOOKS_FOR: Mapping[Kind, Callable[[_Case, TemplateRule], Iterator[Message]]] = {
    Kind.SIGNATURE_MISSING: _signature_missing,
    Kind.SIGNATURE_LENGTH: _signature_length,
    Kind.SIGNATURE_CHARSET: _signature_charset,
    Kind.DOUBLED_SIGNATURE: _doubled_signature,
    Kind.BRACKETS_IN_BODY: _brackets_in_body,
    Kind.LONGEST_TEXT: _longest_text,
    Kind.LONGEST_TEMPLATE: _longest_template,
    Kind.MOST_VARIABLES: _most_variables,
    Kind.ALL_VARIABLES: _all_variables,
    Kind.ADJACENT_VARIABLES: _adjacent_variables,
    Kind.REPEATED_VARIABLE: _repeated_variable,
    Kind.LINK_IN_TEXT: _link_in_text,
    Kind.MUST_END_WITH: _must_end_with,
    Kind.MUST_NOT_HOLD: _must_not_hold,
    Kind.SYMBOLS_REFUSED: _symbols_refused,
    Kind.TRADITIONAL_CHINESE: _traditional_chinese,
    Kind.VERIFICATION_VALUES: _verification_values,
}
