"""
``Pressable``: HTML whose parts can be pressed, and files that the browser saves.

For what no ipywidget can do: heads of a table that sort it, buttons in its rows, parts of a bar.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from html import escape
from importlib.resources import files
from types import MappingProxyType
from typing import Any, NamedTuple

import anywidget
import pandas as pd
import traitlets

from smskit.notebook.panels.parts import cell, is_number, names

__all__ = ["Action", "Coded", "Pressable", "press_table"]


@cache
def _module() -> str:
    return files("smskit.notebook.panels").joinpath("pressable.js").read_text(encoding="utf-8")


class Pressable(anywidget.AnyWidget):
    """
    A piece of HTML; whoever sets ``value`` has escaped what is not ours.

    Args:
        press: Called with the ``data-press`` of what was pressed.
    """

    value = traitlets.Unicode().tag(sync=True)

    def __init__(self, press: Callable[[str], Any] = lambda _: None) -> None:
        self._esm = _module()
        super().__init__()
        self._press = press
        self.on_msg(self._told)

    def __repr__(self) -> str:
        return "Pressable()"

    def _told(self, _: Any, content: Any, __: Any) -> None:
        if isinstance(content, dict) and isinstance(content.get("press"), str):
            self.press(content["press"])

    def press(self, what: str) -> None:
        """Press what is called so, as a person does; not what the page does not show."""
        if f'data-press="{escape(what)}"' in self.value:
            self._press(what)

    def show(self, notebook: str) -> None:
        """Open *notebook*, a file's name, beside this one in JupyterLab; elsewhere nothing happens."""
        self.send({"notebook": notebook})

    def save(self, name: str, data: bytes, kind: str) -> None:
        """Let the browser save *data* as a file called *name* of that MIME type."""
        self.send({"save": name, "type": kind}, [data])

    def copy(self, text: str) -> None:
        """Let the browser put *text* onto the clipboard, where it may."""
        self.send({"copy": text})


class Coded(NamedTuple):
    """Words for people, names between backticks; behind them in grey the name or code that programs have."""

    words: str
    code: str

    def __html__(self) -> str:
        code = f' <span class="code">{escape(self.code)}</span>' if self.code else ""
        return names(self.words) + code


class Action(NamedTuple):
    """A button in a row of a table."""

    label: str
    press: str


def press_table(
    frame: pd.DataFrame,
    *,
    headings: dict[str, str],
    label: str,
    sorts: Collection[str] = (),
    sort: str = "",
    descending: bool = False,
    actions: Sequence[Sequence[Action]] = (),
    under: Mapping[str, str] = MappingProxyType({}),
    presses: Callable[[int, str], str] = lambda row, name: "",
    right: Collection[str] = (),
) -> str:
    """
    A frame as a table, cells escaped, whose heads sort it and whose rows have buttons.

    Args:
        sorts: Columns whose head can be pressed, as ``sort:NAME``.
        sort: The one it is sorted by.
        actions: For each row its buttons; none: no column for them.
        under: Column -> HTML below its name.
        right: Columns of text that hold numbers, which stand to the right as numbers do.
        presses: What a cell (row of the page from 0, column) says when it is pressed; "" = it cannot be.
    """
    numeric = [is_number(dtype) or name in right for name, dtype in frame.dtypes.items()]
    heads = [
        _head(
            str(name),
            headings.get(str(name), str(name)),
            number,
            name in sorts,
            sort,
            descending,
            under.get(str(name), ""),
        )
        for name, number in zip(frame.columns, numeric, strict=True)
    ]
    rows = []
    for at, row in enumerate(frame.itertuples(index=False, name=None)):
        cells = [
            f"<td{_n(n)}{_presses(presses(at, str(name)))}>{cell(value)}</td>"
            for name, value, n in zip(frame.columns, row, numeric, strict=True)
        ]
        if actions:
            made = (f'<button data-press="{escape(a.press)}">{escape(a.label)}</button>' for a in actions[at])
            cells.append(f'<td class="smskit-actions">{"".join(made)}</td>')
        rows.append(f"<tr>{''.join(cells)}</tr>")
    top = "".join([*heads, "<td></td>" if actions else ""])
    inner = f"<thead><tr>{top}</tr></thead><tbody>{''.join(rows)}</tbody>"
    return f'<div class="smskit-table"><table aria-label="{escape(label)}">{inner}</table></div>'


def _presses(what: str) -> str:
    return f' data-press="{escape(what)}"' if what else ""


def _head(
    name: str, words: str, number: bool, can: bool, sort: str, descending: bool, under: str = ""
) -> str:
    if not can:
        return f'<th scope="col"{_n(number)}>{escape(words)}{under}</th>'
    mine = name == sort
    order = ("descending" if descending else "ascending") if mine else "none"
    arrow = ("▼" if descending else "▲") if mine else "↕"
    button = (
        f'<button data-press="sort:{escape(name)}">{escape(words)} <i aria-hidden="true">{arrow}</i></button>'
    )
    return f'<th scope="col" aria-sort="{order}"{_n(number)}>{button}{under}</th>'


def _n(number: bool) -> str:
    return ' class="n"' if number else ""
