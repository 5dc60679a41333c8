"""Where a segment comes from: a file, an upload, a path or a query; and what its columns are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import ipywidgets as w

from smskit.audience.explore import offered
from smskit.i18n import Joined, mark
from smskit.notebook.panels.fold import Fold
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import card, choose, field, html, notice, row, soft, soft_line, stale, title
from smskit.notebook.panels.upload import upload_button
from smskit.notebook.segment_model import Loaded, SegmentModel
from smskit.workspace import Workspace

__all__ = ["LoadPanel"]


class LoadPanel(Panel):
    """
    Choosing and loading.

    Args:
        loaded: Called after a segment was taken.
    """

    def __init__(self, page: Page, model: SegmentModel, loaded: Callable[[], None]) -> None:
        super().__init__(page)
        self.model, self._loaded = model, loaded
        self._failed = False  # whether the last reading did
        self.choosing = False  # while this panel itself changes the draft
        self._offers, self._source, self._query = w.Dropdown(), w.Text(), w.Textarea()
        self._sheet, self._heading, self._about_heading = w.Dropdown(), w.Dropdown(), html("")
        self._sheets: tuple[str, list[str]] = "", []  # of a workbook, and which one
        # The first rows of a file, and of which file and sheet they are.
        # Of which file, sheet and version of the file the first rows are, and they.
        self._first: tuple[tuple[str, str, tuple[int, int]], list[tuple[int, str]]] = ("", "", (0, 0)), []
        self._loaded_box = w.VBox()
        self._typing = Fold("", w.VBox())  # where a path or a query is typed
        # Segment, query and sheet of the draft that the fields were last set to.
        self._shown = ("", "", "")

    @property
    def _may_query(self) -> bool:
        return Workspace.here().may_query

    def build(self) -> Sequence[w.Widget]:
        if not self.widget.children:
            self._shown = ("", "", "")
        typed = self._source.value, self._query.value
        self._offers = self._offered_field()
        self._source, self._query = self._source_field(typed[0]), self._query_field(typed[1])
        self._sheet, self._heading = self._sheet_field(), self._heading_field()
        self._about_heading = html("")
        self._loaded_box = w.VBox()
        kept = soft_line(self.t(_KEPT_BY_THE_APP if Workspace.here().locked else _KEPT))
        load = self.button(self.t("Load"), self._typed, style="primary")
        typed_in = [row(self._source, load), *([self._query] if self._may_query else []), kept]
        name = self.t("Path, URL or query") if self._may_query else self.t("By its name")
        self._typing = Fold(name, w.VBox(typed_in), is_open=self._typing.is_open)
        box = card(
            title(self.t("Segment"), self.t(_ABOUT if self._may_query else _ABOUT_FILES)),
            row(self._offers, self._again(), self._upload()),
            self._saved_field(),
            self._typing.widget,
            row(self._sheet, self._heading, self._about_heading),
            self._loaded_box,
        )
        self._show()
        return [box]

    def _show(self) -> None:
        """Show what is loaded and named now; a field in which somebody types something else is left alone."""
        draft = self.model.draft
        named = (draft["segment"], draft["segment_query"], draft["sheet"])
        there = offered(self.model.project)
        options = [(self.t("choose a file"), "")]
        for offer in there:
            name = offer.path.split("/", 1)[1]
            options.append((f"{self.t('sample: ') if offer.sample else ''}{name}", offer.path))
        with self.showing:
            is_offered = any(named[0] == path for _, path in options)
            choose(self._offers, options, named[0] if is_offered else "")
            if named != self._shown:
                if named[1] or (named[0] and not is_offered and not self.model.only_in_memory()):
                    self._typing.turn(is_open=True)
                self._source.value = "" if self.model.only_in_memory() else named[0]
                self._query.value = named[1]
                self._shown = named
            self._show_sheets(named[2])
            self._show_rows(draft["heading_row"])
        self._loaded_box.children = tuple(self._roles())
        stale(self.is_unread, self._loaded_box)

    def show_named(self) -> None:
        """Show what the draft names now, also while it cannot be read."""
        self._show()

    # -- where from ------------------------------------------------------------------------

    def _offered_field(self) -> w.Widget:
        made = field(w.Dropdown, self.t("Files here"), options=[(self.t("choose a file"), "")])

        def chosen(change: dict[str, Any]) -> None:
            # What was chosen, not what the field has by the time it is our turn: it may have been set back.
            take = partial(self._take, change["new"])
            self.unless_shown(take)(None)

        made.observe(chosen, "value")
        return made

    def _again(self) -> w.Widget:
        return self.button(
            self.t("Refresh"), self._show, tip=self.t("Lists files that were copied here meanwhile")
        )

    def _saved_field(self) -> w.Widget:
        names = self.model.saved()
        made = self.field(
            w.Dropdown,
            self.t("Saved segments"),
            self._take_saved,
            options=[(self.t("choose a segment"), ""), *((n, n) for n in names)],
        )
        made.layout.display = "" if names else "none"
        return made

    def _take_saved(self, name: str) -> None:
        """Take a saved segment with its columns and rules, and read it; nothing of ""."""
        if name:
            with self._by_me():
                self.model.take_saved(name)
            self.load()

    def _upload(self) -> w.Widget:
        tip = self.t(_KEPT_BY_THE_APP if Workspace.here().locked else _KEPT)
        return upload_button(self, self._uploaded, tip=tip)

    def _uploaded(self, name: str, content: bytes) -> None:
        self.tell(lambda t: t("Loading…"))
        self.start("load", partial(self._keep, name, content), self._take_over)

    def _keep(self, name: str, content: bytes) -> Loaded:
        with self._by_me():
            self.model.upload(name, content)
        return self.model.read()

    def _source_field(self, typed: str) -> w.Widget:
        made = field(w.Text, self.t("Path or URL") if self._may_query else self.t("File"), value=typed)
        made.placeholder = (
            self.t("people.csv, sqlite:///crm.db, or env:CRM_URL") if self._may_query else "people.csv"
        )
        made.layout.width = "640px"
        return made

    def _query_field(self, typed: str) -> w.Widget:
        made = field(w.Textarea, self.t("SQL query"), value=typed)
        made.placeholder = self.t("only for a database: one SELECT")
        made.rows = 2
        made.layout.width = "640px"
        return made

    def _sheet_field(self) -> w.Widget:
        return self.field(w.Dropdown, self.t("Sheet"), self._turn_to, options=[("", "")], value="")

    def _show_sheets(self, chosen: str) -> None:
        """Offer the sheets of the workbook that is named, where there is a choice."""
        source = self.model.draft["segment"]
        if source != self._sheets[0]:
            self._sheets = source, []
            if source.lower().endswith(".xlsx"):
                self.start("sheets", lambda: self.model.sheets(source), partial(self._offer_sheets, source))
        there = self._sheets[1]
        names = [(self.t("the one that has the columns"), ""), *((name, name) for name in there)]
        if chosen and chosen not in there:
            names.append((chosen, chosen))
        choose(self._sheet, names, chosen)
        self._sheet.layout.display = "" if len(there) > 1 or chosen else "none"

    def _offer_sheets(self, source: str, there: list[str]) -> None:
        self._sheets = source, there
        self._show()

    def _turn_to(self, sheet: str) -> None:
        """Read another sheet of the same workbook."""
        self._take(self.model.draft["segment"], sheet=sheet)

    def _heading_field(self) -> w.Widget:
        made = self.field(w.Dropdown, self.t("Heading row"), self._head_by, options=[("", 0)], value=0)
        made.layout.width = "480px"
        return made

    def _show_rows(self, chosen: int) -> None:
        """Offer the first rows of the file that is named: one of them names the columns."""
        draft = self.model.draft
        source, sheet = draft["segment"], draft["sheet"]
        is_file = self.model.draft.frame is None and source and not draft["segment_query"]
        wanted = source, sheet, self.model.version(source) if is_file else (0, 0)
        if wanted != self._first[0]:
            self._first = wanted, []
            if is_file:
                self.start(
                    "rows", lambda: self.model.first_rows(source, sheet), partial(self._offer_rows, wanted)
                )
        there = self._first[1]
        names = [(self.t("found by itself"), 0)]
        names += [(self.t("row {n}: {text}", n=n, text=text), n) for n, text in there]
        if chosen and chosen not in [n for n, _ in there]:
            names.append((self.t("row {n}", n=chosen), chosen))
        choose(self._heading, names, chosen)
        self._heading.layout.display = "" if there or chosen else "none"
        unread = self.model.loaded is None or not self.model.is_current
        self._about_heading.value = soft(self.t(_ABOUT_HEADING)) if there and unread else ""

    def _offer_rows(self, wanted: tuple[str, str, tuple[int, int]], there: list[tuple[int, str]]) -> None:
        self._first = wanted, there
        self._show()

    def _head_by(self, heading_row: int) -> None:
        """Read the same file anew, its columns named by another row."""
        draft = self.model.draft
        self._take(draft["segment"], sheet=draft["sheet"], heading_row=heading_row)

    # -- which columns ---------------------------------------------------------------------

    def _roles(self) -> list[w.Widget]:
        loaded = self.model.loaded
        if loaded is None:
            return []
        names, made = list(map(str, loaded.frame.columns)), {}
        roles = {
            "user_id": (self.t("Person column"), self.t("none: the phone is the person")),
            "phone": (self.t("Phone column"), ""),
            "consent": (self.t("Consent column"), self.t("none: all have consented")),
        }
        for role, (label, none) in roles.items():
            value = self.model.draft[role]
            options = [(none, "")] if none else []
            if value and value not in names:
                options.append((self.t("{name} (not in this segment)", name=value), value))
            made[role] = field(w.Dropdown, label, options=options + [(n, n) for n in names], value=value)
            made[role].layout.width, made[role].style.description_width = "340px", "120px"
        values = {role: (lambda role=role: made[role].value) for role in made}
        for each in made.values():
            each.observe(self.attempt(lambda: self._set_roles({r: v() for r, v in values.items()})), "value")
        about = mark("{name}: {rows:,} rows, {columns:,} columns")
        facts = self.t(about, name=loaded.name, rows=loaded.profile.rows, columns=len(names))
        found = [f"{roles[role][0]} `{name}`" for role, name in loaded.recognised.items()]
        chosen = self.t("Recognised, can be changed: {columns}", columns=Joined(found, ", "))
        told = [html(notice(chosen, "info"))] if found else []
        read = [html(notice(self.t.render(text), "warn")) for text in loaded.notices]
        return [html(notice(facts, "ok")), *read, row(*made.values()), *told, *self._missing()]

    def _missing(self) -> list[w.Widget]:
        unasked = self.model.unasked_consent()
        said = [html(notice(self.t.render(unasked), "warn"))] if unasked else []
        for role, like in self.model.missing_roles().items():
            name = self.model.draft[role]
            lacks = mark("The segment has no column `{name}`; choose the {role} column above.")
            text = self.t(lacks, name=name, role=role)
            if like:
                text += " " + self.t("`{like}` looks like phones.", like=like)
            said.append(html(notice(text, "warn")))
        if self.model.loaded is not None and not self.model.loaded.profile.rows:
            said.append(html(notice(self.t("The segment has no rows; load another one."), "warn")))
        return said

    def _set_roles(self, roles: dict[str, str]) -> None:
        def look() -> Loaded | None:
            with self._by_me():
                return self.model.roles(**roles)

        self.start("roles", look, lambda _: self._after())

    # -- loading ---------------------------------------------------------------------------

    def _typed(self) -> None:
        same = self._source.value == self.model.draft["segment"]
        rows = (self._sheet.value, self._heading.value) if same else ("", 0)
        self._take(self._source.value, self._query.value, *rows)

    def _take(self, source: str, query: str = "", sheet: str = "", heading_row: int = 0) -> None:
        if not source.strip():
            return
        with self._by_me():
            self.model.choose(source, query, sheet, heading_row)
        self.load()

    def load(self) -> None:
        """Read what the draft names, in the background; what was loaded stays until it is there."""
        self._show()
        self.tell(lambda t: t("Loading…"))
        self.start("load", self.model.read, self._take_over)

    @property
    def is_unread(self) -> bool:
        """Whether what the draft names could not be read, so that what is shown is of another."""
        return self._failed and self.model.loaded is not None and not self.model.is_current

    def complain(self, error: BaseException) -> None:
        super().complain(error)
        self._failed = True
        self._show()  # what was named, also where it cannot be read: another of its rows may name the columns

    def _take_over(self, loaded: Loaded) -> None:
        self._failed = False
        with self._by_me():
            self.model.take(loaded)
        self._after()

    def _after(self) -> None:
        self.tell("")
        self._show()
        self._loaded()

    @contextmanager
    def _by_me(self) -> Iterator[None]:
        self.choosing = True
        try:
            yield
        finally:
            self.choosing = False


_ABOUT_HEADING = mark("If another row names the columns, choose it here.")
_ABOUT = mark("The people to look at: a file, a database query, or a frame.")
_ABOUT_FILES = mark("The people to look at.")
_KEPT_BY_THE_APP = mark(
    "An uploaded file holds full phones and stays on the server. Above 10 MB: ask whoever runs the app."
)
_KEPT = mark(
    "An uploaded file holds full phones: it is kept in this project's folder segments/, "
    "readable by its owner alone and ignored by git. Copy files above 10 MB there yourself."
)
