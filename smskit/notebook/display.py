"""
How plain cells show things: tables and pictures that need no widget, for papermill and reports.

Each is shown in both languages at once, the one that is not spoken hidden. So the
switch reaches what was shown before, and a saved notebook, in which nothing
lives, shows the language of its run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any, NamedTuple

import pandas as pd

from smskit.i18n import LANGUAGES, Language, mark
from smskit.models import CheckResult
from smskit.notebook.host import Host, host_of

__all__ = [
    "SUMMARY_TYPE",
    "books_table",
    "findings_table",
    "say",
    "show_data",
    "show_frame",
    "show_svg",
    "show_switch",
    "show_widget",
]

SUMMARY_TYPE = "application/vnd.smskit.summary+json"

_LARGE = 100_000  # characters of HTML that are not doubled: a picture of hundreds of bars
_HIDDEN = ' hidden="hidden"'  # with a value, or JupyterLab takes it out of notebooks it does not trust
# Jupyter sets tables to the right, which suits numbers and nothing else here.
_LEFT = "<style scoped>td, th {text-align: left !important; vertical-align: top}</style>"
# Chinese breaks between any two characters: beside a long text a word would stand one below the other.
_WORDS = "<style>.smskit-shown th {white-space: nowrap} .smskit-shown td {min-width: 4.5em}</style>"
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
        (t.render(f.what), "✓" if f.ok else "✗", f.code, t.said(f.told), t.render(f.next_step))
        for f in result.findings
    ]
    return pd.DataFrame(rows, columns=[t(heading) for heading in FINDINGS])


class Shown(NamedTuple):
    """One thing in one language."""

    html: str
    text: str  # for terminals, and for whoever compares notebooks


class Both:
    """
    One thing in both languages, as an output of a cell.

    Args:
        now: The language that is not hidden while no switch says otherwise.
        data: Other representations, by their MIME type.
    """

    def __init__(
        self, now: Language, make: Callable[[Language], Shown], data: Mapping[str, Any] | None = None
    ) -> None:
        made = {code: make(Language(code)) for code in LANGUAGES}
        self._text, self._data = made[now.code].text, dict(data or {})
        if len({shown.html for shown in made.values()}) == 1 or len(made[now.code].html) > _LARGE:
            self.html = made[now.code].html
        else:
            self.html = "".join(
                f'<div class="smskit-{code}"{"" if code == now.code else _HIDDEN}>{shown.html}</div>'
                for code, shown in made.items()
            )

    def __repr__(self) -> str:
        return self._text

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {**self._data, "text/html": self.html, "text/plain": self._text}


def show_frame(now: Language, table: Callable[[Language], pd.DataFrame]) -> None:
    """A table of at most 60 rows."""

    def shown(t: Language) -> Shown:
        frame = table(t)
        # escape=True: names and texts come from the segment and may hold HTML.
        html = frame.to_html(index=False, escape=True, border=0, max_rows=60, justify="left")
        wide = f'<div class="smskit-shown" style="max-width:75em;overflow-x:auto">{_LEFT}{_WORDS}{html}</div>'
        return Shown(wide, frame.to_string(index=False, max_rows=60))

    _show(Both(now, shown))


def say(now: Language, words: Callable[[Language], str]) -> None:
    """One sentence."""
    _show(Both(now, lambda t: Shown(f"<p>{escape(words(t))}</p>", words(t))))


def show_svg(now: Language, picture: Callable[[Language], str]) -> None:
    """A picture, as part of the page: an image of its own would not take the theme's colours."""
    _show(Both(now, lambda t: Shown(picture(t), t("(picture)"))))


def show_data(now: Language, status: Mapping[str, Any]) -> None:
    """The books for people, and as data for programs that read the executed notebook."""

    def shown(t: Language) -> Shown:
        table = books_table(status, t)
        return Shown(table.to_html(index=False, border=0), table.to_string(index=False))

    _show(Both(now, shown, {SUMMARY_TYPE: dict(status)}))


def show_switch(now: Language, switch: Any) -> None:
    """
    What hides the other language on the whole of a notebook.

    Args:
        switch: The widget a person clicks; None where nobody can.
    """
    from IPython.display import HTML, display

    from smskit.notebook.panels.style import one_language

    display(HTML(one_language(now.code)))
    if switch is not None:
        display(switch)


def show_widget(widget: Any) -> None:
    """A widget."""
    from IPython.display import display

    display(widget)


def _show(both: Both) -> None:
    from IPython.display import display

    if not _is_app():
        display(both)


def _is_app() -> bool:
    """Whether people see panels and no code: Voilà, where what plain steps show would only be in the way."""
    return host_of() is Host.VOILA
