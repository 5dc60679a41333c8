"""
The two languages people read: 简体中文 and English.

Text stands in the code in English and is translated where it is shown. The translations are in
``smskit/locale/zh_CN/LC_MESSAGES/smskit.po``; ``make messages`` writes the sentences found in the code
into it, and says which still need their Chinese. How a sentence is written:

* What a panel or a page shows by itself: ``t("{n:,} people", n=n)``, with ``t`` a `Language`.
* Words in a table, shown later by ``t(words)``: ``mark("people")``.
* What lower packages say, errors, findings, notes, reasons: ``Message("{n} are waiting", n=n)``. Whoever
  shows it asks ``t.render(message)``; whatever prints or logs it gets English. Several in a row are
  ``Joined(messages)``, the words of a provider or a driver ``Quoted(text)``.
* Facts about providers, the meaning of a code or a step in a console, stand in both languages in the data files
  of `smskit.providers`, and in no catalogue (`facts`).
* In the ledger they stand as id and values: `dumps` and `loads`, or `dumps_data` and `loads_data` where
  they are part of other data.

Parameters, states and codes are names, and are the same everywhere.
"""

from __future__ import annotations

import gettext
import os
import re
import string
from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Literal, get_args

from smskit.i18n.facts import facts
from smskit.i18n.message import (
    Joined,
    Message,
    Quoted,
    dumps,
    dumps_data,
    is_chinese,
    loads,
    loads_data,
    mark,
)

__all__ = [
    "LANGUAGES",
    "UNSENT",
    "Joined",
    "Language",
    "Message",
    "Quoted",
    "dumps",
    "dumps_data",
    "loads",
    "loads_data",
    "mark",
    "os_words",
    "quote",
]

Code = Literal["zh", "en"]
LANGUAGES: Final[tuple[str, ...]] = get_args(Code)
NAMES: Final = {"zh": "中文", "en": "English"}
LOCALE: Final = Path(__file__).parents[1] / "locale"
_UNEXPECTED: Final = mark("Something went wrong that smskit did not expect ({kind}).")
UNSENT: Final = mark("nothing was sent: {why}")  # of errors whose headline says so already
_BETWEEN: Final = {"; ": "；", ". ": "。", ", ": "、", " ": "", ": ": "：", " and ": " 和 ", " or ": " 或 "}


@cache
def _translations(code: str) -> gettext.NullTranslations:
    if code == "en":
        return gettext.NullTranslations()
    _compile(LOCALE / "zh_CN" / "LC_MESSAGES" / "smskit.po")
    return gettext.translation("smskit", LOCALE, ["zh_CN"])


def _compile(po: Path) -> None:
    """For now: the ``.mo`` is not in the repository while many people add sentences at once."""
    mo = po.with_suffix(".mo")
    if mo.exists() and mo.stat().st_mtime >= po.stat().st_mtime:
        return
    try:
        from babel.messages.mofile import write_mo
        from babel.messages.pofile import read_po
    except ModuleNotFoundError:  # an installed copy: compiled when it was built
        return

    made = mo.with_suffix(f".{os.getpid()}")
    with po.open("rb") as source, made.open("wb") as file:
        write_mo(file, read_po(source, locale="zh_CN"))
    made.replace(mo)


def quote(text: str) -> str:
    """What a provider answered, as `Quoted`; a message of ours that stands in its place, as it is."""
    if isinstance(text, Message | Quoted):
        return text
    return Message(text) if told(text) != text else Quoted(text)


def os_words(error: OSError) -> Message:
    """What the operating system says of *error*; the usual reasons can be read in either language."""
    return Message(error.strerror or type(error).__name__)


_SYSTEM: Final = (
    *(mark("Permission denied"), mark("No such file or directory"), mark("Is a directory")),
    *(mark("Not a directory"), mark("File exists"), mark("File name too long")),
    *(mark("No space left on device"), mark("Read-only file system")),
)


class Language:
    """
    One language; call it with English words to get its own.

    Args:
        code: ``zh`` or ``en``.

    >>> Language("zh")("parameter"), Language("en")("parameter")
    ('参数', 'parameter')
    >>> Language("en")("{n:,} people", n=1200)
    '1,200 people'
    """

    def __init__(self, code: str = "zh") -> None:
        if code not in LANGUAGES:
            raise ValueError(f"no language {code!r}; there are {', '.join(LANGUAGES)}")
        self.code = code
        self._translations = _translations(code)

    def __repr__(self) -> str:
        return f"Language({self.code})"

    def __call__(self, text: str, /, **values: Any) -> str:
        """*text* in this language, its ``{names}`` filled in; untranslated words stay English."""
        if isinstance(text, Message | Quoted):
            return self.render(text)
        here = self._translations.gettext(text) if text else ""
        if here == text and self.code == "zh":
            here = facts().get(text) or _words().get(text, text)
        return here.format(**{n: self._value(v) for n, v in values.items()}) if values else here

    def _value(self, value: Any) -> Any:
        return self.render(value) if isinstance(value, Message | Quoted) else value

    def render(self, text: str) -> str:
        """
        A message in this language; a plain string, such as a name, as it is.

        >>> Language("zh").render(Message("Saved to {path}", path="a.yaml"))
        '已保存到 a.yaml'
        """
        match text:
            case Joined():
                between = text.msgid if self.code == "en" else _BETWEEN.get(text.msgid, text.msgid)
                parts = [self.render(part) for part in text.parts]
                if between.strip():  # which stands in place of a full stop
                    parts[:-1] = [part.removesuffix("。") for part in parts[:-1]]
                return between.join(parts)
            case Message():
                if self.code == "zh" and not text.values and self(text.msgid) == text.msgid:
                    return told(text)
                return self(text.msgid, **{n: self._told(n, v) for n, v in text.values.items()})
            case Quoted():
                return text.words if self.code == "zh" and is_chinese(text.words) else str(text)
        return text if self.code == "en" else told(text)

    def _told(self, name: str, value: str | float) -> str | float:
        known = self.code == "zh" and type(value) is str and name in _ARE_TOLD
        return told(str(value)) if known else value

    words = render  # until every sentence is a message

    def said(self, text: str) -> str:
        """
        What a provider answered, or our own message in its place.

        A provider's own words stand in quotes; Chinese ones need none in 中文.

        >>> Language("en").said("账户余额不足"), Language("en").said("no answer in time")
        ('“账户余额不足”', 'no answer in time')
        >>> Language("zh").said("账户余额不足"), Language("zh").said("no answer in time")
        ('账户余额不足', '未在限时内应答')
        """
        if isinstance(text, Message | Quoted):
            return self.render(text)
        ours = told(text)
        if ours != text:
            return ours if self.code == "zh" else text
        return self.render(Quoted(text))

    def error(self, error: BaseException) -> str:
        """
        An error in words for a person. Only smskit's own say more than their kind.

        Other exceptions may carry phones or keys in their text, which is not shown.
        """
        message = getattr(error, "message", None)
        if not isinstance(message, Message):
            return self(_UNEXPECTED, kind=type(error).__name__)
        if self.code == "en":
            return str(message)
        if message.msgid == UNSENT:
            why = message.values["why"]
            words = self.render(why) if isinstance(why, str) else ""
        else:
            words = self.render(message) if message.values else self.render(message.removeprefix(_UNSENT))
        return f"{self(getattr(error, 'headline', ''))}：{words}"


# -- what is not a message yet, recognised by its English; goes when all are -------------------------------

SUBJECTS: Final = ("codes", "settings", "errors", "inputs", "guards", "notes", "system")
_UNSENT = "nothing was sent: "  # headlines of errors say so already
# What fits into a hole of that name. Into others fits what does not go on to another sentence.
_HOLES = {
    **dict.fromkeys("nm", "[0-9]+"),
    **dict.fromkeys(("name", "near"), r"[^`\n]+"),
    **dict.fromkeys(("then", "now"), "[^`]+"),
    **dict.fromkeys(("said", "text", "why", "why2"), ".+?"),
    "code": r"\S+",
    "file": "(?:(?!: ).)+",
    "own": "[0-9]+:[0-9]+-[0-9]+:[0-9]+",
    "most": "[0-9.]+%?",
    "place": r"\{[^}]*\}",
    "provider": r"[a-z]\w*",
    "share": "[0-9.]+%",
    "title": r"[A-Z]\w*",
    "where": r"rules\S*",
    "who": "[^:;]+",
}
_OTHER = r"(?:(?!; |\n).)+?"
_ARE_TOLD = ("why", "why2", "what", "file")  # these holes hold sentences, or words, of ours
_LONGEST = 9  # pieces of a sentence of ours, unless it is the whole text; odd: marks part them
_ENDS = {"\n": "\n", "; ": "；", ". ": "。"}


@cache
def sentences() -> dict[str, str]:
    """``TOLD`` of all subjects: English with holes -> 中文 with the same ones, or fewer."""
    return {
        english: chinese
        for subject in SUBJECTS
        for name in ("ZH", "TOLD")
        for english, chinese in getattr(import_module(f"smskit.i18n.{subject}"), name, {}).items()
    }


@cache
def _words() -> dict[str, str]:
    """What is said without any hole."""
    return {english: chinese for english, chinese in sentences().items() if "{" not in english}


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """What is said with holes; of two that fit, the one that says more by itself comes first."""
    found = {english: list(string.Formatter().parse(english)) for english in sentences() if "{" in english}
    longest = sorted(found, key=lambda english: -sum(len(literal) for literal, *_ in found[english]))
    return [(re.compile(_pattern(found[english]), re.DOTALL), sentences()[english]) for english in longest]


def _pattern(parts: list[tuple[str, str | None, str | None, str | None]]) -> str:
    made, seen = "", set()
    for literal, hole, _, _ in parts:
        made += re.escape(literal)
        if hole is not None:
            made += f"(?P={hole})" if hole in seen else f"(?P<{hole}>{_HOLES.get(hole, _OTHER)})"
            seen.add(hole)
    return made


@lru_cache(maxsize=4096)
def told(english: str) -> str:
    """
    What a floor below said, in 中文; sentence by sentence, as it is where one is not known.

    >>> told("a stop was requested; something nobody has translated")
    '有人要求停止；something nobody has translated'
    """
    pieces = re.split(r"(\n|; |\. )", english)
    made, any_known = "", False
    while pieces:
        # The longest beginning that is known: a sentence may have a full stop or a semicolon within.
        for n in (len(pieces), *range(min(len(pieces) - 2, _LONGEST), 0, -2)):
            known = _known("".join(pieces[:n]))
            if known is not None:
                break
        else:
            n, known = 1, None
        any_known = any_known or known is not None
        made += pieces[0] if known is None else known
        if n < len(pieces):
            made = made.removesuffix("。") + _ENDS[pieces[n]]
        del pieces[: n + 1]
    return made if any_known else english


def _known(english: str) -> str | None:
    """One sentence of ours, None when it is none."""
    words = _words()
    for text in (english, f"{english}.", english.removesuffix(".")):
        if text in facts():
            return facts()[text]
        if text in words:
            return words[text]
        if text and (chinese := _translations("zh").gettext(text)) != text:
            return chinese
    for pattern, chinese in _patterns():
        if match := pattern.fullmatch(english):
            holes = match.groupdict()
            values = {n: told(v) if n in _ARE_TOLD else v for n, v in holes.items()}
            if values != holes or re.search("[\u4e00-\u9fff]", chinese):
                return chinese.format(**values)
            # Nothing but marks around what is not known either.
    return None
