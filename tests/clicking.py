"""Finding what a person would click in a panel without a browser, and what the panel tells them."""

from __future__ import annotations

import re
from typing import Any

import ipywidgets as w

from smskit.notebook.panels.pressable import Pressable

__all__ = ["named", "names", "parts", "told"]


def parts(box: w.Widget) -> list[Any]:
    """Everything in a box, however deep."""
    return [box, *(deep for child in getattr(box, "children", ()) for deep in parts(child))]


def named(box: w.Widget, name: str) -> Any:
    """The one input or button called that, by its label or, without one, by its tooltip."""
    found = [p for p in parts(box) if name in names(p)]
    assert len(found) == 1, f"{len(found)} called {name!r}"
    return found[0]


def names(part: Any) -> set[str]:
    """What a person would call it."""
    tip = part.tooltip if isinstance(part, w.Button) and not part.description else None
    return {getattr(part, "description", None), tip} - {None, ""}


def told(box: w.Widget) -> str:
    """All text and HTML it shows; a name that looks like code stands between backticks."""
    shown = " ".join(p.value for p in parts(box) if isinstance(p, w.HTML | w.Label | Pressable))
    return re.sub("<code>([^<]*)</code>", r"`\1`", shown)
