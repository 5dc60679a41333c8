"""How plain cells show things: tables and pictures that need no widget, for papermill and reports."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import pandas as pd

from smskit.host import Host, host_of
from smskit.language import Language, mark
from smskit.models import CheckResult

__all__ = [
    "SUMMARY_TYPE",
    "books_table",
    "findings_table",
    "say",
    "show_data",
    "show_frame",
    "show_svg",
    "show_widget",
]

SUMMARY_TYPE = "application/vnd.smskit.summary+json"

# Jupyter sets tables to the right, which suits numbers and nothing else here.
_LEFT = "<style scoped>td, th {text-align: left !important; vertical-align: top}</style>"
FINDINGS = (mark("check"), mark("ok"), mark("code"), mark("meaning"), mark("next step"))
BOOKS = {
    "segment": mark("segment"),
    "planned": mark("planned"),
    "waiting": mark("waiting"),
    "submitting": mark("submitting"),
    "accepted": mark("accepted"),
    "refused": mark("refused"),
    "unknown": mark("unknown"),
    "delivered": mark("delivered"),
    "undelivered": mark("undelivered"),
    "awaiting": mark("awaiting receipt"),
    "parts": mark("parts"),
    "cost": mark("cost, yuan"),
}


def books_table(status: Mapping[str, Any], t: Language) -> pd.DataFrame:
    """The books as a table: what is counted and how many."""
    rows = [(t(label), status[name]) for name, label in BOOKS.items() if name in status]
    rows[1:1] = [(f"— {reason}", n) for reason, n in status["excluded"].items()]
    return pd.DataFrame(rows, columns=[t("books"), "n"])


def findings_table(result: CheckResult, t: Language) -> pd.DataFrame:
    """What a check found, one row a finding, smskit's own words in the reader's language."""
    rows = [
        (t.words(f.what), "✓" if f.ok else "✗", f.code, t.said(f.told), t.words(f.next_step))
        for f in result.findings
    ]
    return pd.DataFrame(rows, columns=[t(heading) for heading in FINDINGS])


def show_frame(frame: pd.DataFrame) -> None:
    """A table of at most 60 rows."""
    # escape=True: names and texts come from the segment and may hold HTML.
    html = frame.to_html(index=False, escape=True, border=0, max_rows=60, justify="left")
    _show_html(f'<div style="max-width:75em;overflow-x:auto">{_LEFT}{html}</div>')


def say(text: str) -> None:
    """One sentence."""
    _show_html(f"<p>{escape(text)}</p>")


def show_svg(svg: str) -> None:
    """A picture, as part of the page: an image of its own would not take the theme's colours."""
    _show_html(svg)


def show_data(status: Mapping[str, Any], t: Language) -> None:
    """The books for people, and as data for programs that read the executed notebook."""
    from IPython.display import display

    html = books_table(status, t).to_html(index=False, border=0)
    if not _is_app():
        display({SUMMARY_TYPE: dict(status), "text/html": html}, raw=True)


def show_widget(widget: Any) -> None:
    """A widget."""
    from IPython.display import display

    display(widget)


def _show_html(html: str) -> None:
    from IPython.display import HTML, display

    if not _is_app():
        display(HTML(html))


def _is_app() -> bool:
    """Whether people see panels and no code: Voilà, where what plain steps show would only be in the way."""
    return host_of() is Host.VOILA
