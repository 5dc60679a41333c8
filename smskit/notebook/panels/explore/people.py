"""The people of a segment: a picture of each column in its head, whose bars filter, as its cells do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from html import escape
from typing import Any

import pandas as pd

from smskit.audience.cells import plain_text
from smskit.audience.explore import ColumnProfile
from smskit.audience.explore.operators import typed
from smskit.audience.explore.pictures import Bar, Picture
from smskit.audience.explore.tables import missing_of, shown_value
from smskit.audience.paging import FrameRows, RowPage
from smskit.audience.rules.fit import Reading
from smskit.audience.rules.typed import Mask
from smskit.i18n import mark
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.table import TablePanel
from smskit.notebook.segment_model import SegmentModel

__all__ = ["PeoplePanel"]


class PeoplePanel(TablePanel):
    """
    Rows to look through and to filter by.

    Args:
        choose: Called with the comparisons of a bar or a cell that is pressed.
        unread: Called with the column whose unreadable cells are asked for.
    """

    def __init__(
        self,
        page: Page,
        model: SegmentModel,
        *,
        choose: Callable[[Sequence[Mapping[str, Any]]], None],
        unread: Callable[[str], None],
    ) -> None:
        super().__init__(page, label="people")
        self.model, self._choose, self._unread = model, choose, unread
        self._keep: Mask | None = None
        self._pictures: dict[str, tuple[Picture, list[int]]] = {}  # with how many of each bar are kept

    def kept(self, keep: Mask | None) -> None:
        """Draw the heads for the rows that the rules keep now."""
        self._keep = keep
        self._look()

    def show(self, rows: FrameRows | None) -> None:
        if rows is None or self.rows is None or self.rows.columns != rows.columns:
            self._pictures = {}
        super().show(rows)

    def fetch(self) -> None:
        super().fetch()
        if any(name not in self._pictures for name in self.columns):
            self._look()

    def _look(self) -> None:
        """Count the bars of the columns that are shown, in the background."""
        keep, names = self._keep, list(self.columns)
        if keep is not None and self.rows is not None:
            self.start("pictures", lambda: self.model.pictures(names, keep), self._drawn)

    def _drawn(self, pictures: dict[str, tuple[Picture, list[int]]]) -> None:
        self._pictures = pictures
        self.show_table()

    # -- heads -------------------------------------------------------------------------------

    def under(self) -> Mapping[str, str]:
        return {name: self._under(name) for name in self.columns}

    def right(self) -> Collection[str]:
        return [c.name for c in self._columns.values() if c.reading is Reading.NUMBER]

    def written(self, frame: pd.DataFrame) -> pd.DataFrame:
        shown = frame.copy(deep=False)
        for name, column in self._columns.items():
            if name in frame and column.reading in (Reading.NUMBER, Reading.FLAG):
                shown[name] = [
                    None if pd.isna(cell) else shown_value(str(cell), column, self.t) for cell in frame[name]
                ]
        return shown

    def _under(self, name: str) -> str:
        column = self._columns.get(name)
        if column is None:
            return ""
        made, at = "", self._place(name)
        if name in self._pictures:
            picture, kept = self._pictures[name]
            draw = self._scale if picture.is_range else self._list
            made = draw(name, at, picture, kept)
        elif not column.is_phone:
            made = f"<small>{escape(self.t('{n:,} different', n=column.distinct))}</small>"
        if column.nulls:
            made += f"<small>{escape(self.t('{n:,} empty', n=column.nulls))}</small>"
        if missing := missing_of(column, self.t):
            made += f"<small>{escape(missing)}</small>"
        if column.unread:
            words = escape(self.t("{n:,} unreadable", n=column.unread))
            made += f'<button class="smskit-odd" data-press="unread:{at}">{words}</button>'
        return f'<div class="smskit-picture">{made}</div>'

    @property
    def _columns(self) -> Mapping[str, ColumnProfile]:
        return self.model.loaded.profile.columns if self.model.loaded is not None else {}

    def _place(self, name: str) -> int:
        return list(self._columns).index(name)

    def _bar(self, name: str, at: int, n: int, bar: Bar, kept: int) -> str:
        """What every bar's button says and does."""
        words = mark("{column} {value}: {n:,} rows, {kept:,} kept")
        said = escape(self.t(words, column=name, value=self._label(bar), n=bar.rows, kept=kept))
        chosen = "true" if self.model.editor.holds(bar.rule) else "false"
        return f'data-press="bar:{at}:{n}" aria-pressed="{chosen}" aria-label="{said}" title="{said}"'

    def _label(self, bar: Bar) -> str:
        if bar.rule[0]["op"] != "==":
            return bar.label
        return self.t("Yes") if bar.rule[0]["value"] else self.t("No")

    def _scale(self, name: str, at: int, picture: Picture, kept: list[int]) -> str:
        most = max(max(bar.rows for bar in picture.bars), 1)
        made = [
            f'<button {self._bar(name, at, n, bar, k)}><i style="height:{_share(bar.rows, most)}%">'
            f'<b style="height:{_share(k, bar.rows)}%"></b></i></button>'
            for n, (bar, k) in enumerate(zip(picture.bars, kept, strict=True))
        ]
        column = self._columns[name]
        ends = "".join(
            f"<span>{escape(shown_value(end, column, self.t))}</span>" for end in (column.low, column.high)
        )
        return f'<div class="smskit-scale">{"".join(made)}</div><div class="smskit-ends">{ends}</div>'

    def _list(self, name: str, at: int, picture: Picture, kept: list[int]) -> str:
        most = max(max(bar.rows for bar in picture.bars), 1)
        made = [
            f'<button {self._bar(name, at, n, bar, k)}><i style="width:{_share(bar.rows, most)}%">'
            f'<b style="width:{_share(k, bar.rows)}%"></b></i><span>{escape(self._label(bar))}</span>'
            f"<em>{bar.rows:,}</em></button>"
            for n, (bar, k) in enumerate(zip(picture.bars, kept, strict=True))
        ]
        more = self.t("{n:,} others", n=picture.others) if picture.others else ""
        return f'<div class="smskit-list">{"".join(made)}</div>' + (
            f"<small>{escape(more)}</small>" if more else ""
        )

    # -- what is pressed ---------------------------------------------------------------------

    def presses(self, page: RowPage) -> Callable[[int, str], str]:
        places = {name: n for n, name in enumerate(self._columns)}

        def what(row: int, name: str) -> str:
            column = self._columns.get(name)
            if (
                column is None
                or column.is_phone
                or column.reading is None
                or not _shows(page.frame[name].iloc[row])
            ):
                return ""
            return f"cell:{places[name]}:{row}"

        return what

    def pressed(self, what: str) -> None:
        """A bar or a cell chooses its rows, a note shows the cells it is about, a head sorts."""
        kind, _, rest = what.partition(":")
        if kind not in ("bar", "cell", "unread"):
            super().pressed(what)
            return
        at, _, number = rest.partition(":")
        name = list(self._columns)[int(at)]
        if kind == "unread":
            self._unread(name)
        elif kind == "bar":
            self._choose(self._pictures[name][0].bars[int(number)].rule)
        elif rule := self._rule_of_cell(name, int(number)):
            self._choose([rule])

    def _rule_of_cell(self, name: str, row: int) -> dict[str, Any] | None:
        """The comparison that a cell of the page makes; None for one that cannot be read."""
        if self.page_shown is None or self.rows is None:
            return None
        cell, reading = (
            self.rows.cell(int(self.page_shown.frame.index[row]), name),
            self._columns[name].reading,
        )
        value = typed("==", reading, cell)
        if reading in (Reading.FLAG, Reading.MOMENT):
            return {"column": name, "op": "==", "value": value}
        if reading is Reading.NUMBER and isinstance(value, str):
            return None
        return {"column": name, "op": "in", "value": [value]}


def _shows(cell: Any) -> bool:
    return bool(plain_text(cell)) if isinstance(cell, str) else not pd.isna(cell)


def _share(some: int, of: int) -> int:
    """In percent; what is there at all can be seen."""
    return 0 if not some else max(round(100 * some / of), 3)
