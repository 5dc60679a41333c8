"""
The two languages people read: 简体中文 and English.

Text stands in the code in English and is looked up here, so that code reads
without a catalogue beside it. Each subject has a file with one mapping ``ZH``.
What the floors below say with names and values filled in, errors, findings,
notes in the ledger, stands in a mapping ``TOLD``: the sentence as the code has
it, with holes. Parameters, states, reasons and codes are names, and are the
same everywhere; so are a provider's own words, which stand in quotes.
"""

from __future__ import annotations

import re
import string
from functools import cache, lru_cache
from importlib import import_module
from typing import Any, Final, Literal, get_args

from smskit.errors import SmskitError

__all__ = ["LANGUAGES", "SUBJECTS", "Language", "catalogue", "mark", "sentences"]

Code = Literal["zh", "en"]
LANGUAGES: Final[tuple[str, ...]] = get_args(Code)
NAMES: Final = {"zh": "中文", "en": "English"}
SUBJECTS: Final = (
    *("common", "connect", "explore", "send", "track"),
    *("errors", "inputs", "settings", "guards", "notes", "codes", "system", "pages"),
)


def mark(text: str) -> str:
    """*text* as it is: says that a table's words are looked up when they are shown."""
    return text


@cache
def catalogue() -> dict[str, str]:
    """
    English -> 中文, of all subjects.

    Raises:
        ValueError: two subjects translate the same words in different ways.
    """
    joined: dict[str, str] = {}
    for subject in SUBJECTS:
        for english, chinese in import_module(f"smskit.language.{subject}").ZH.items():
            if joined.setdefault(english, chinese) != chinese:
                raise ValueError(f"two translations of {english!r}")
    return joined


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
        self._words = catalogue() if code == "zh" else {}

    def __repr__(self) -> str:
        return f"Language({self.code})"

    def __call__(self, text: str, /, **values: Any) -> str:
        """*text* in this language, its ``{names}`` filled in; untranslated words stay English."""
        here = self._words.get(text, text)
        return here.format(**values) if values else here

    def words(self, text: str) -> str:
        """What a floor below said, in this language; what is not known, a provider's own words, as it is."""
        return text if self.code == "en" else told(text)

    def said(self, text: str) -> str:
        """
        What a provider answered, or what we noted in its place.

        A provider's own words stand in quotes; Chinese ones need none in 中文.

        >>> Language("en").said("账户余额不足"), Language("en").said("no answer in time")
        ('“账户余额不足”', 'no answer in time')
        >>> Language("zh").said("账户余额不足"), Language("zh").said("no answer in time")
        ('账户余额不足', '未在限时内应答')
        """
        ours = told(text)
        if ours != text:
            return ours if self.code == "zh" else text
        bare = re.sub("【[^】]*】|“[^”]*”", "", text)  # names, and what stands in quotes already
        chinese = re.search("[\u4e00-\u9fff]", bare) is not None
        phrase = chinese or re.search(r"[A-Za-z]{2,},? [A-Za-z]{2,}", bare) is not None
        return f"“{text}”" if phrase and not (chinese and self.code == "zh") else text

    def error(self, error: BaseException) -> str:
        """
        An error in words for a person. Only smskit's own say more than their kind.

        Other exceptions may carry phones or keys in their text, which is not shown.
        """
        if not isinstance(error, SmskitError):
            return self(
                "Something went wrong that smskit did not expect ({kind}).", kind=type(error).__name__
            )
        if self.code == "en":
            return str(error)
        from smskit.language.errors import headline

        return f"{headline(error)}：{told(str(error).removeprefix(_UNSENT))}"


# -- sentences of the floors below -------------------------------------------------------

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
        for english, chinese in getattr(import_module(f"smskit.language.{subject}"), "TOLD", {}).items()
    }


@cache
def _words() -> dict[str, str]:
    """What is said without any hole."""
    return catalogue() | {english: chinese for english, chinese in sentences().items() if "{" not in english}


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
        if text in words:
            return words[text]
    for pattern, chinese in _patterns():
        if match := pattern.fullmatch(english):
            holes = match.groupdict()
            values = {n: told(v) if n in _ARE_TOLD else v for n, v in holes.items()}
            if values != holes or re.search("[\u4e00-\u9fff]", chinese):
                return chinese.format(**values)
            # Nothing but marks around what is not known either.
    return None
