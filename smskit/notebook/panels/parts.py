"""
Small pieces of HTML that panels are made of.

Everything from a segment or a provider is escaped here: an ``HTML`` widget
runs the scripts it is given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from html import escape
from typing import Any

import ipywidgets as w
import pandas as pd
from ipywidgets.widgets.widget_string import HTMLStyle

from smskit.i18n import Language, mark

__all__ = [
    "bubble",
    "button",
    "card",
    "cell",
    "chip",
    "choose",
    "details",
    "door",
    "field",
    "frame_table",
    "html",
    "in_words",
    "is_number",
    "names",
    "notice",
    "pair",
    "plain_table",
    "row",
    "soft",
    "soft_line",
    "stale",
    "tiles",
    "title",
]


# What the fields of panels are called, for sentences that name the parameter.
FIELDS = {
    "campaign": mark("Campaign id"),
    "segment": mark("Segment"),
    "sheet": mark("Sheet"),
    "heading_row": mark("Heading row"),
    "signature": mark("Signature"),
}


def in_words(text: str, t: Language) -> str:
    """A sentence with the names of fields where it names their parameters."""

    def named(found: re.Match[str]) -> str:
        return f"“{t(FIELDS[found[1]])}”"

    return re.sub(rf"(?:(?:parameter|参数) )?`({'|'.join(FIELDS)})`", named, text)


def stale(is_stale: bool, *widgets: w.Widget) -> None:
    """Dim figures that are not the ones of what is chosen now, or end that."""
    for widget in widgets:
        (widget.add_class if is_stale else widget.remove_class)("smskit-stale")


@cache
def _plain() -> tuple[w.Layout, HTMLStyle]:
    """
    The layout and style of all pieces of HTML that have none of their own; nobody may change them.

    A browser makes a model of each, a message each: without sharing they are a third of what a panel sends.
    """
    made = w.Layout()
    made.observe(_refuse, [name for name in made.keys if not name.startswith("_")])
    return made, HTMLStyle()


def _refuse(change: Any) -> None:
    raise TypeError(f"{change['name']} of a layout that many widgets share was changed")


def html(text: str, *, css: str = "", layout: w.Layout | None = None) -> w.HTML:
    """
    A piece of HTML; whoever calls has escaped what is not ours.

    Args:
        layout: Its own, where it is to change; None = the one of all others.
    """
    plain, style = _plain()
    made = w.HTML(text, layout=layout or plain, style=style)
    for name in css.split():
        made.add_class(name)
    return made


def title(text: str, hint: str = "") -> w.HTML:
    """A heading with one soft line below."""
    return html(f"<h3>{escape(text)}</h3>{soft(hint) if hint else ''}")


def soft(text: str) -> str:
    """A soft line, with names between backticks."""
    return f'<p class="smskit-soft">{names(text)}</p>'


def soft_line(text: str) -> w.HTML:
    """The same as a widget."""
    return html(soft(text))


def card(*children: w.Widget) -> w.VBox:
    """A framed box."""
    box = w.VBox(children, layout=w.Layout(width="auto"))
    box.add_class("smskit-card")
    return box


def notice(text: str, kind: str = "info") -> str:
    """A boxed sentence, with names between backticks; *kind* is info, ok, warn or error."""
    role = "alert" if kind == "error" else "status"
    return f'<div class="smskit-notice {kind}" role="{role}">{names(text)}</div>' if text else ""


def names(text: str) -> str:
    """Escaped words in which what stands between backticks looks like a name."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))


def chip(text: str, kind: str = "") -> str:
    """A word in a rounded frame; *kind* is "", ok, warn or bad."""
    return f'<span class="smskit-chip {kind}">{escape(text)}</span>'


def tiles(counts: Iterable[tuple[str, Any, str]]) -> str:
    """
    Figures side by side, each (label, value, kind); whole numbers get thousands separators.

    What warns, and what is bad, has no colour where there is none of it.
    A value of kind "hash" shows its first 12 characters; it is whole in its title, and when it is copied.

    >>> "bad" in tiles([("refused", 0, "bad")]), "bad" in tiles([("refused", 3, "bad")])
    (False, True)
    """
    made = [
        f'<div class="smskit-tile {"" if value == 0 and kind in {"warn", "bad"} else kind}">'
        f"<b{_title(value, kind)}>{_figure(value)}</b><span>{escape(label)}</span></div>"
        for label, value, kind in counts
    ]
    return f'<div class="smskit-tiles">{"".join(made)}</div>'


def frame_table(
    frame: pd.DataFrame,
    *,
    headings: Mapping[str, str] | None = None,
    label: str = "",
    figures: Iterable[Any] = (),
) -> str:
    """
    A frame as a table, cells escaped, numbers to the right; show a page of it, never a million rows.

    Args:
        figures: Columns of texts that are numbers.
    """
    heads = [(headings or {}).get(str(name), str(name)) for name in frame.columns]
    as_figures = set(figures)
    numeric = [is_number(dtype) or name in as_figures for name, dtype in frame.dtypes.items()]
    top = "".join(f'<th scope="col"{_n(n)}>{escape(h)}</th>' for h, n in zip(heads, numeric, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{_n(n)}>{cell(v)}</td>" for v, n in zip(row, numeric, strict=True)) + "</tr>"
        for row in frame.itertuples(index=False, name=None)
    )
    name = f' aria-label="{escape(label)}"' if label else ""
    table = f"<table{name}><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="smskit-table">{table}</div>'


def plain_table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table of cells that are HTML already; the headings are escaped here."""
    top = "".join(f'<th scope="col">{escape(head)}</th>' for head in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>" for cells in rows)
    table = f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="smskit-table">{table}</div>'


def bubble(who: str, text: str, foot: str) -> str:
    """One message as it looks on a phone."""
    return (
        f'<div class="smskit-phone"><div class="who">{escape(who)}</div>'
        f'<div class="text">{escape(text)}</div><div class="foot">{escape(foot)}</div></div>'
    )


def details(summary: str, inner: str, *, is_open: bool = False) -> str:
    """HTML that is folded away until asked for, or can be."""
    return f"<details{' open' if is_open else ''}><summary>{escape(summary)}</summary>{inner}</details>"


def door(notebook: str, text: str) -> str:
    """A link to another notebook of the same folder, in a tab of its own: what is sent here goes on."""
    return f'<a class="smskit-door" href="{escape(notebook)}" target="_blank">{escape(text)}</a>'


def button(text: str, *, style: str = "", tip: str = "", enabled: bool = True) -> w.Button:
    """
    A button as wide as its words; *style* is "", primary, warning or danger.

    No icons: their font is fetched from elsewhere under Voilà, and they stand in the button's name.
    """
    return w.Button(
        description=text,
        button_style=style,
        tooltip=tip or text,
        disabled=not enabled,
        layout=w.Layout(width="auto"),
    )


def field(kind: type[Any], label: str, **options: Any) -> Any:
    """An input with its label in front, wide enough to read both."""
    style = {"description_width": "140px"}
    return kind(description=label, style=style, layout=w.Layout(width="420px"), **options)


def choose(made: Any, options: Sequence[tuple[str, Any]], value: Any) -> None:
    """Let a list offer *options* and show *value*; not touched where it does already: it may be open."""
    if tuple(made.options) != tuple(options):
        made.options = tuple(options)
    if made.value != value:
        made.value = value


def pair(*children: w.Widget) -> w.HBox:
    """Fields side by side in columns as wide as there is room for."""
    made = w.HBox(children)
    made.add_class("smskit-pair")
    return made


def row(*children: w.Widget) -> w.HBox:
    """Widgets side by side, which wrap on a narrow page."""
    return w.HBox(children, layout=w.Layout(flex_flow="row wrap", align_items="center", grid_gap="8px"))


def is_number(dtype: Any) -> bool:
    """Whether a column of that type stands at the right."""
    return bool(pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype))


def _n(numeric: bool) -> str:
    return ' class="n"' if numeric else ""


def _title(value: Any, kind: str) -> str:
    return f' title="{escape(str(value))}"' if kind == "hash" else ""


def _figure(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else escape(str(value))


def cell(value: Any) -> str:
    """A value as it stands in a table; one that is HTML by its ``__html__`` as that."""
    if hasattr(value, "__html__"):
        return str(value.__html__())
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return escape(", ".join(map(str, value)))
    return _figure(value)
