"""
How visitors of ``smskit app`` are spoken to: no variable of the operator's, no path of the server's.

Whoever runs the app reads the same sentences in full, by the command line and in its log.
"""

from __future__ import annotations

import re
from typing import Any

from smskit.i18n import Language, mark
from smskit.notebook.host import Host
from smskit.workspace import Workspace

__all__ = ["language_for"]

_BETWEEN_BRACKETS = re.compile(r"\s*[（(]`?SMSKIT_[A-Z0-9_]+(?:=\w+)?`?[)）]")
_ASK = mark("This is for whoever runs the app to look at.")


class _ForVisitors(Language):
    """
    A language that leaves out what a visitor can do nothing with.

    Who may change settings in the app does read their names.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        here = Workspace.here()
        self._folder, self._may_set_up = f"{here.folder}/", here.may_set_up

    def __call__(self, text: str, /, **values: Any) -> str:
        return self._clean(super().__call__(text, **values))

    def render(self, text: str) -> str:
        return self._clean(super().render(text))

    def error(self, error: BaseException) -> str:
        """In words; where they name a setting of the operator's, what kind of error it is and whom to ask."""
        told = super().error(error)
        if self._is_operators(told) or self._is_operators(_BETWEEN_BRACKETS.sub("", str(error))):
            colon = "：" if self.code == "zh" else ": "
            return f"{self(getattr(error, 'headline', ''))}{colon}{self(_ASK)}"
        return self._clean(told)

    def _clean(self, text: str) -> str:
        if "/" in text:
            text = text.replace(self._folder, "")
        if self._is_operators(text):
            text = _BETWEEN_BRACKETS.sub("", text)
            return super().__call__(_ASK) if self._is_operators(text) else text
        return text

    def _is_operators(self, text: str) -> bool:
        return "SMSKIT_" in text and not self._may_set_up


def language_for(host: Host, code: str) -> Language:
    """The language *code* as it is spoken where *host* runs the notebook."""
    return _ForVisitors(code) if host is Host.VOILA and Workspace.here().locked else Language(code)
