"""
How plain cells show things: tables and pictures that need no widget, for papermill and reports.

Each is shown in one language, that of the notebook at the moment, and keeps it, as outputs do: after a
switch the cell is run again. Panels follow the switch at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from html import escape
from typing import Any, Generic, TypeVar

import pandas as pd

from smskit.i18n import Language, mark
from smskit.models import CheckResult
from smskit.notebook.host import Host, host_of

__all__ = [
    "SUMMARY_TYPE",
    "Output",
    "Shown",
    "books_table",
    "collected",
    "complain",
    "findings_table",
    "say",
    "show_data",
    "show_frame",
    "show_live",
    "show_svg",
    "show_widget",
]

T = TypeVar("T")

SUMMARY_TYPE = "application/vnd.smskit.summary+json"

# Jupyter sets tables to the right, which suits numbers and nothing else here.
_LEFT = "<style scoped>td, th {text-align: left !important; vertical-align: top}</style>"
# Chinese breaks between any two characters: beside a long text a word would stand one below the other.
_WORDS = "<style>.smskit-shown th {white-space: nowrap} .smskit-shown td {min-width: 4.5em}</style>"
FINDINGS = (mark("check"), mark("ok"), mark("code"), mark("meaning"), mark("next step"))
BOOKS = {
    "read": mark("rows read"),
    "ruled_out": mark("ruled out"),
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
    "cost": mark("cost (¥)"),
}


_COLLECTED: ContextVar[list[Output] | None] = ContextVar("collected", default=None)


def books_table(status: Mapping[str, Any], t: Language) -> pd.DataFrame:
    """The books as a table: what is counted and how many."""
    rows: list[tuple[str, Any]] = []
    for name, label in BOOKS.items():
        if status.get(name) is not None:  # older ledgers have not kept all of them
            rows.append((t(label), status[name]))
        if name == "segment":
            rows += [(f"— {reason}", n) for reason, n in status["excluded"].items()]
    return pd.DataFrame(rows, columns=[t("books"), "n"])


def findings_table(result: CheckResult, t: Language) -> pd.DataFrame:
    """What a check found, one row a finding, smskit's own words in the reader's language."""
    rows = [
        (t.render(f.what), "✓" if f.ok else "✗", f.code, f.told(t), t.render(f.next_step))
        for f in result.findings
    ]
    return pd.DataFrame(rows, columns=[t(heading) for heading in FINDINGS])


class Output:
    """
    What a plain cell shows, in the language of that moment.

    Args:
        text: For terminals, and for whoever compares notebooks.
        data: Other representations, by their MIME type.
        frame: The table, where it is one.
    """

    def __init__(
        self,
        html: str,
        text: str,
        data: Mapping[str, Any] | None = None,
        *,
        frame: pd.DataFrame | None = None,
    ) -> None:
        self.html, self._text, self._data, self.frame = html, text, dict(data or {}), frame

    @classmethod
    def joined(cls, parts: list[Output]) -> Output:
        """Several below each other, as one; its frame is the first there is."""
        data = {kind: value for part in parts for kind, value in part._data.items()}
        frame = next((part.frame for part in parts if part.frame is not None), None)
        return cls("".join(part.html for part in parts), "\n".join(map(repr, parts)), data, frame=frame)

    def __repr__(self) -> str:
        return self._text

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {**self._data, "text/html": self.html, "text/plain": self._text}


@contextmanager
def collected(made: list[Output]) -> Iterator[None]:
    """Keep what is shown inside in *made* instead of showing it."""
    before = _COLLECTED.set(made)
    try:
        yield
    finally:
        _COLLECTED.reset(before)


class Shown(Generic[T]):
    """
    What a step shows. As the last thing of a cell it is displayed; ``.frame`` is its table.

    Args:
        work: Does the step, showing by the functions below; called once, when it is asked for.
        place: Puts it on the page, when it ends a cell.
    """

    def __init__(self, work: Callable[[], T], place: Callable[[Shown[T]], None]) -> None:
        self._work, self._place = work, place
        self._done: tuple[T, Output] | None = None

    def do(self) -> tuple[T, Output]:
        """
        Do the step, if that was not yet done; what it answered and what it showed.

        Raises:
            SmskitError: the step's own; what it showed until then is displayed first.
        """
        if self._done is None:
            parts: list[Output] = []
            try:
                with collected(parts):
                    value = self._work()
            except BaseException:
                for part in parts:
                    _show(part)
                raise
            self._done = value, Output.joined(parts)
        return self._done

    def anew(self) -> Output:
        """The same step done again; what it shows now."""
        return Shown(self._work, self._place).do()[1]

    @property
    def value(self) -> T:
        """What the step answered, for programs: a plan, a check's result."""
        return self.do()[0]

    @property
    def frame(self) -> pd.DataFrame:
        """The table that is shown, its columns named alike in both languages; empty where there is none."""
        found = self.do()[1].frame
        return pd.DataFrame() if found is None else found

    def __repr__(self) -> str:
        return repr(self.do()[1])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return self.do()[1]._repr_mimebundle_()

    def _ipython_display_(self) -> None:
        self._place(self)


def show_live(output: Output) -> Callable[[Output], None]:
    """Show *output*; returns a call that shows another in its place."""
    from IPython.display import display

    handle = display(output, display_id=True)
    return lambda new: handle.update(new) if handle is not None else None


def show_frame(table: pd.DataFrame, frame: pd.DataFrame) -> None:
    """A table, of more than 60 rows the first and last ones; *frame* is the same for programs."""
    # escape=True: names and texts come from the segment and may hold HTML.
    html = table.to_html(index=False, escape=True, border=0, max_rows=60, justify="left")
    wide = f'<div class="smskit-shown" style="max-width:75em;overflow-x:auto">{_LEFT}{_WORDS}{html}</div>'
    _show(Output(wide, table.to_string(index=False, max_rows=60), frame=frame))


def say(words: str) -> None:
    """One sentence."""
    _show(Output(f"<p>{escape(words)}</p>", words))


def complain(words: str, *, in_app: bool = False) -> None:
    """What went wrong, in one sentence; *in_app* also where the panel is the whole of the page."""
    style = "border-left:4px solid #c0392b;padding:8px 12px;background:var(--jp-layout-color2,#f3f4f6)"
    _show(Output(f'<p role="alert" style="{style}">{escape(words)}</p>', words), in_app=in_app)


def show_svg(picture: str, text: str) -> None:
    """A picture, as part of the page: an image of its own would not take the theme's colours."""
    _show(Output(picture, text))


def show_data(t: Language, status: Mapping[str, Any]) -> None:
    """The books for people, and as data for programs that read the executed notebook."""
    table = books_table(status, t)
    html, text = table.to_html(index=False, border=0), table.to_string(index=False)
    _show(Output(html, text, {SUMMARY_TYPE: dict(status)}, frame=books_table(status, Language("en"))))


def show_widget(widget: Any) -> None:
    """A widget."""
    from IPython.display import display

    display(widget)


def _show(output: Output, *, in_app: bool = False) -> None:
    from IPython.display import display

    if (collecting := _COLLECTED.get()) is not None:
        collecting.append(output)
    elif in_app or not _is_app():
        display(output)


def _is_app() -> bool:
    """Whether people see panels and no code: Voilà, where what plain steps show would only be in the way."""
    return host_of() is Host.VOILA
