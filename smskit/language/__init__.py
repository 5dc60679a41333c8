"""
The two languages people read: 简体中文 and English.

Text stands in the code in English and is looked up here, so that code reads
without a catalogue beside it. Each subject has a file with one mapping ``ZH``.
A test reads every call and says what is not translated yet, or no longer said.
Parameters, states, reasons and codes are names, and are the same everywhere.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final, Literal, get_args

from smskit.errors import SmskitError

__all__ = ["LANGUAGES", "SUBJECTS", "Language", "catalogue", "mark"]

Code = Literal["zh", "en"]
LANGUAGES: Final[tuple[str, ...]] = get_args(Code)
NAMES: Final = {"zh": "中文", "en": "English"}
SUBJECTS: Final = ("common", "connect", "explore", "send", "track", "errors", "codes", "pages")


def mark(text: str) -> str:
    """*text* as it is: says that a table's words are looked up when they are shown."""
    return text


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
        told = self._words.get(text, text)
        return told.format(**values) if values else told

    def words(self, text: str) -> str:
        """
        What a provider's declarations, a check, a guard or a notice say, in this language; also with values filled in.

        A provider's own words stay as they are.
        """
        if self.code == "en" or text in self._words:
            return self._words.get(text, text)
        from smskit.language.codes import TOLD
        from smskit.language.errors import sentence, told

        found = told(text, TOLD)
        return sentence(text) if found == text else found

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
        from smskit.language.errors import in_chinese

        return in_chinese(error)

    def problem(self, text: str) -> str:
        """The text of one of smskit's errors, without its headline."""
        if self.code == "en":
            return text
        from smskit.language.errors import TOLD, told

        return told(text, TOLD)
