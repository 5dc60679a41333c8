"""A table of any length, a page at a time: search, sort by its heads, phones masked until asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

import ipywidgets as w
import pandas as pd

from smskit.audience.paging import FrameRows, RowPage
from smskit.i18n import mark
from smskit.notebook.panels.fold import Fold
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.pager import Pager, reveal_button
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import field, row, soft_line
from smskit.notebook.panels.pressable import Pressable, press_table

__all__ = ["TablePanel"]

_COUNTS = (10, 25, 50, 100)
_AT_FIRST = 10  # columns shown of a wide source until a person adds more


class TablePanel(Panel):
    """
    Rows to look through.

    Args:
        rows: What to show; None until ``show`` brings something.
        label: What the table is called, for people who do not see it.
        can_reveal: Whether full phones may be asked for.
    """

    def __init__(
        self, page: Page, rows: FrameRows | None = None, *, label: str = "", can_reveal: bool = True
    ) -> None:
        super().__init__(page)
        self.label, self.can_reveal = label, can_reveal
        self.pager = Pager(self, self.fetch, size=_COUNTS[1])
        self.columns: tuple[str, ...] = ()
        self.sort, self.descending, self.search, self.reveal = "", False, "", False
        self.rows: FrameRows | None = None
        self.page_shown: RowPage | None = None
        self._table = Pressable()
        if rows is not None:
            self._take(rows)

    def show(self, rows: FrameRows | None) -> None:
        """Show other rows; what was chosen stays where their columns are the same."""
        same = self.rows is not None and rows is not None and self.rows.columns == rows.columns
        self._take(rows)
        if same and self.widget.children:
            self.fetch()
        else:
            self.draw()

    def _take(self, rows: FrameRows | None) -> None:
        self.rows, self.pager.first = rows, 0
        names = [] if rows is None else list(rows.columns)
        self.columns = tuple(n for n in self.columns if n in names) or tuple(names[:_AT_FIRST])
        self.sort = self.sort if self.sort in names else ""

    # -- drawing -----------------------------------------------------------------------

    def build(self) -> Sequence[w.Widget]:
        self._table = Pressable(lambda what: self.attempt(lambda: self.pressed(what))(None))
        if self.rows is None:
            return [soft_line(self.t("Nothing to show yet."))]
        made = [self._finding(), self._table, self._paging(), self._choosing()]
        self.fetch()
        return made

    def _finding(self) -> w.Widget:
        search = field(w.Text, self.t("Search"), value=self.search, continuous_update=False)
        search.placeholder = self.t("a name, an id, a whole phone")
        search.observe(self.attempt(lambda: self._change(search=search.value)), "value")
        search.style.description_width, search.layout.width = "72px", "320px"
        return row(search)

    def _paging(self) -> w.Widget:
        count = w.Dropdown(value=self.pager.size, options=_COUNTS, description=self.t("Rows"))
        count.style.description_width, count.layout.width = "auto", "112px"
        count.observe(self.attempt(lambda: self._resize(count.value)), "value")
        return row(*self.pager.build(), count, self.pager.where)

    def _choosing(self) -> w.Widget:
        assert self.rows is not None
        names = list(self.rows.columns)
        chosen = field(w.SelectMultiple, self.t("Columns"), value=self.columns, options=names)
        chosen.rows = min(max(len(names), 2), 8)
        chosen.observe(self.attempt(lambda: self._change(columns=chosen.value or self.columns)), "value")
        parts: list[w.Widget] = [chosen]
        if self.can_reveal:
            parts.append(reveal_button(self, self.reveal, lambda on: self._change(reveal=on)))
        return Fold(self.t("Columns and phones"), row(*parts)).widget

    # -- a page ------------------------------------------------------------------------

    def pressed(self, what: str) -> None:
        """A head sorts: upwards, downwards, then as in the source again."""
        kind, _, name = what.partition(":")
        if kind != "sort":
            return
        if name != self.sort:
            self._change(sort=name, descending=False)
        elif not self.descending:
            self._change(descending=True)
        else:
            self._change(sort="", descending=False)

    def under(self) -> Mapping[str, str]:
        """Column -> HTML below its name, in each head."""
        return {}

    def right(self) -> Collection[str]:
        """Columns of text that hold numbers."""
        return ()

    def written(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The cells of a page as they are to be read."""
        return frame

    def presses(self, page: RowPage) -> Callable[[int, str], str]:
        """What a cell of *page* says when it is pressed."""
        return lambda row, name: ""

    def _change(self, **wanted: object) -> None:
        for name, value in wanted.items():
            setattr(self, name, value)
        self.pager.go(0)

    def _resize(self, size: int) -> None:
        self.pager.size = size
        self.pager.go(0)

    def fetch(self) -> None:
        """Fetch the page as it is asked for now, and show it when it is there."""
        rows, first, size = self.rows, self.pager.first, self.pager.size
        if rows is None:
            return
        asked = partial(
            rows.page,
            columns=self.columns,
            sort=self.sort,
            descending=self.descending,
            search=self.search,
            reveal=self.reveal,
        )
        self.start("page", lambda: asked(first, size), self._shown)

    def _shown(self, page: RowPage) -> None:
        self.page_shown = page
        self.show_table()
        rows, none = mark("{first:,} to {last:,} of {total:,} rows"), mark("No row found.")
        self.pager.show(len(page.frame), page.total, rows=rows, none=none)
        self.tell("")

    def show_table(self) -> None:
        """Show the page there is, with what stands in the heads now."""
        page = self.page_shown
        if page is None:
            return
        numbered = self.written(page.frame).copy(deep=False)
        numbered.insert(0, "#", (page.frame.index + 1).astype(str), allow_duplicates=True)
        self._table.value = press_table(
            numbered,
            headings={},
            label=self.label or self.t("rows"),
            sorts=list(page.frame.columns),
            sort=self.sort,
            descending=self.descending,
            under=self.under(),
            presses=self.presses(page),
            right=self.right(),
        )
