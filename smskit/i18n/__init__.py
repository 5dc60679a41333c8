"""
The two languages people read: 简体中文 and English.

Text stands in the code in English and is translated where it is shown. The translations are in
``smskit/locale/zh_CN/LC_MESSAGES/smskit.po``; ``make messages`` writes the sentences found in the code
into it, and says which still need their Chinese. How a sentence is written:

* What a panel or a page shows by itself: ``t("{n:,} people", n=n)``, with ``t`` a `Language`.
* Words in a table, shown later by ``t(words)``: ``mark("people")``.
* What lower packages say, errors, findings, notes, reasons: ``Message("{n} are waiting", n=n)``. Whoever
  shows it asks ``t.render(message)``; whatever prints or logs it gets English. Several in a row are
  ``Joined(messages)``, the words of a provider or a driver ``Quoted(text)``. An error of ours makes its own
  from a sentence and values: ``InputError("{file} is there already", file=path)``.
* Facts about providers, the meaning of a code or a step in a console, stand in both languages in the data files
  of `smskit.providers`, and in no catalogue (`facts`).
* In the ledger they stand as id and values: `dumps` and `loads`, or `dumps_data` and `loads_data` where
  they are part of other data.

Parameters, states and codes are names, and are the same everywhere.
"""

from __future__ import annotations

import gettext
from functools import cache
from pathlib import Path
from typing import IO, Any, Final, Literal, get_args

from smskit.i18n.facts import facts
from smskit.i18n.message import (
    Joined,
    Message,
    Quoted,
    as_message,
    dumps,
    dumps_data,
    is_chinese,
    loads,
    loads_data,
    mark,
)
from smskit.i18n.plural import in_english

__all__ = [
    "LANGUAGES",
    "UNSENT",
    "Joined",
    "Language",
    "Message",
    "Quoted",
    "as_message",
    "dumps",
    "dumps_data",
    "loads",
    "loads_data",
    "mark",
    "os_words",
    "quote",
    "shows_any_letter",
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
    return gettext.translation("smskit", LOCALE, ["zh_CN"])


def quote(text: str) -> str:
    """What a provider answered, as `Quoted`; a message of ours that stands in its place, as it is."""
    return text if isinstance(text, Message | Quoted) else Quoted(text)


def os_words(error: OSError) -> Message:
    """What the operating system says of *error*; the usual reasons can be read in either language."""
    return Message(error.strerror or type(error).__name__)


def shows_any_letter(stream: IO[str]) -> bool:
    """Whether text written there needs no escapes; where it does, JSON has escapes that programs read."""
    return (getattr(stream, "encoding", None) or "utf-8").lower().startswith("utf")


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
            here = facts().get(text, text)
        if not values:
            return here
        said = {n: self._value(v) for n, v in values.items()}
        return in_english(here, said) if self.code == "en" else here.format(**said).replace("。。", "。")

    def _value(self, value: Any) -> Any:
        return self.render(value) if isinstance(value, Message | Quoted) else value

    def render(self, text: str) -> str:
        """
        A message in this language, or a sentence without values, such as `mark` has in a table.

        >>> Language("zh").render(Message("Saved to {path}", path="a.yaml"))
        '已保存到 a.yaml'
        """
        match text:
            case Joined():
                between = text.msgid if self.code == "en" else _BETWEEN.get(text.msgid, text.msgid)
                parts = [self._value(part) for part in text.parts]
                if between.strip():  # which stands in place of a full stop
                    parts[:-1] = [part.removesuffix("。") for part in parts[:-1]]
                return between.join(parts)
            case Message():
                return self(text.msgid, **text.values)
            case Quoted():
                return text.words if self.code == "zh" and is_chinese(text.words) else str(text)
        return self(text)

    def said(self, text: str) -> str:
        """
        What a provider answered, or our own message in its place.

        A provider's own words stand in quotes; Chinese ones need none in 中文.

        >>> Language("en").said("账户余额不足"), Language("zh").said("账户余额不足")
        ('“账户余额不足”', '账户余额不足')
        """
        return self.render(quote(text))

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
            words = self.render(message)
        return f"{self(getattr(error, 'headline', ''))}：{words}"
