"""Whether what a person reads in 中文 holds a sentence in English, and what they read of a panel."""

from __future__ import annotations

import re

import ipywidgets as w

from smskit.notebook.panels.pressable import Pressable
from tests.clicking import parts

__all__ = ["english", "read", "shown"]

# Names, codes, what somebody else said, and what is shown as it is typed.
_APART = re.compile(r"`[^`]*`|“[^”]*”|【[^】]*】|\"[^\"]*\"|(?<![A-Za-z])'[^']*'")
_SENTENCE = re.compile(r"(?:\b[A-Za-z][a-z']*\b ){2,}\b[A-Za-z]+\b")
_AS_TYPED = re.compile(r"<(pre|code|style)[^>]*>.*?</\1>", re.DOTALL)


def english(*texts: str) -> list[str]:
    """Those that hold three English words in a row outside of names and quotes."""
    return [text for text in texts if _SENTENCE.search(_APART.sub("·", text))]


def read(html: str) -> str:
    """What a person reads of HTML: its text, and what is said of its parts to assistive technology."""
    labels = re.findall(r'(?:aria-label|title|placeholder)="([^"]*)"', html)
    return "\n".join([re.sub(r"<[^>]*>", "·", _AS_TYPED.sub("·", html)), *labels])


def shown(box: w.Widget) -> list[str]:
    """Everything a panel shows or says of itself, piece by piece."""
    said: list[str] = []
    for part in parts(box):
        said += [str(getattr(part, name, None) or "") for name in ("description", "tooltip", "placeholder")]
        said += [str(label) for label in getattr(part, "_options_labels", ())]
        said += list(getattr(part, "titles", ()))
        if isinstance(part, w.HTML | w.Label | Pressable):
            said.append(read(part.value))
    return said
