"""``upload_button``: a file of a person's own computer, of a kind that segments and tables have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib.resources import files
from math import ceil
from typing import Any, Final

import anywidget
import traitlets

from smskit.errors import InputError
from smskit.i18n import mark
from smskit.notebook.panels.panel import Panel
from smskit.workspace import May

__all__ = ["Upload", "upload_button"]

_ACCEPTED: Final = ".csv,.tsv,.txt,.parquet,.xlsx"
# Jupyter's server takes no message above 10 MiB: it would cut the page off from its kernel without a word.
_MOST_BYTES: Final = (10 << 20) - (1 << 16)
_TOO_LARGE: Final = mark("{file} has {n:,} MB; a browser hands over 10 MB at most")


@cache
def _module() -> str:
    return files("smskit.notebook.panels").joinpath("upload.js").read_text(encoding="utf-8")


class Upload(anywidget.AnyWidget):
    """
    A button that asks for one file.

    Args:
        chosen: Called with its name, how many bytes it has, and these; None = they are too many.
    """

    description = traitlets.Unicode().tag(sync=True)
    tooltip = traitlets.Unicode().tag(sync=True)
    accept = traitlets.Unicode(_ACCEPTED).tag(sync=True)
    most = traitlets.Int(_MOST_BYTES).tag(sync=True)
    disabled = traitlets.Bool(False).tag(sync=True)

    def __init__(self, chosen: Callable[[str, int, bytes | None], Any], **looks: Any) -> None:
        self._esm = _module()
        super().__init__(**looks)
        self._chosen = chosen
        self.on_msg(self._told)

    def __repr__(self) -> str:
        return f"Upload({self.description})"

    def _told(self, _: Any, content: Any, buffers: Sequence[Any]) -> None:
        if isinstance(content, dict) and isinstance(content.get("name"), str) and not self.disabled:
            data = bytes(buffers[0]) if buffers else None
            size = content.get("size") if data is None else len(data)
            self._chosen(content["name"], size if isinstance(size, int) else 0, data)


def upload_button(panel: Panel, take: Callable[[str, bytes], None], *, tip: str = "") -> Upload:
    """
    A button that asks for one file; what is wrong with it is said in *panel*.

    Args:
        take: Called with its name and what is in it.
        tip: What is said where one points at it; "" = what stands on it.
    """

    def chosen(name: str, size: int, content: bytes | None) -> None:
        if content is None:
            raise InputError(_TOO_LARGE, file=name, n=ceil(size / 1e6))
        take(name, content)

    words = panel.t("Upload a file")
    made = Upload(
        lambda *file: panel.attempt(partial(chosen, *file))(None), description=words, tooltip=tip or words
    )
    panel.only_for(May.PLAN, made)
    return made
