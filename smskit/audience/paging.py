"""
Rows to page through: sorted, searched and shown a few at a time, however many there are.

Owns which rows a page holds and what people may see of them: phones are masked
wherever they stand, unless they were asked for. Drawing a page is for others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import tzinfo
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from smskit.audience import phones
from smskit.audience.cells import as_texts
from smskit.errors import InputError, suggest
from smskit.i18n import Message

__all__ = ["FrameRows", "RowPage", "arrow_of", "text_of"]

Mask: TypeAlias = npt.NDArray[np.bool_]
Order: TypeAlias = npt.NDArray[np.int64]

_SORTS_KEPT = 6  # 8 bytes a row each
_PLAIN_BELOW = 10_000_000  # whole numbers from here on may be a phone or an id, and are shown as text


class RowPage(NamedTuple):
    """Some rows as people may see them; the index is the row's number in its source, from 0."""

    frame: pd.DataFrame
    total: int  # rows that the search found, on all pages together


class FrameRows:
    """
    A frame's rows, or some of them.

    A sort is worked out once and kept; a page costs what its own rows do.

    Args:
        frame: Not changed, and not to be changed while it is shown.
        keep: Which of its rows; None is all.
        phone: Columns of phone numbers. Elsewhere whatever looks like one is masked too.
        zone: On whose clock moments of columns that name a zone are shown; None = on their own.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        keep: Mask | None = None,
        *,
        phone: Collection[str] = (),
        zone: tzinfo | None = None,
    ) -> None:
        self._frame, self._keep, self._phone, self._zone = frame, keep, frozenset(phone), zone
        self._order = lru_cache(maxsize=_SORTS_KEPT)(self._sorted)
        self._search = lru_cache(maxsize=2)(self._found)

    def __len__(self) -> int:
        return len(self._frame) if self._keep is None else int(np.count_nonzero(self._keep))

    def __repr__(self) -> str:
        return f"FrameRows({len(self)} of {len(self._frame)} rows)"

    @property
    def columns(self) -> Sequence[str]:
        """The columns there are, in their order."""
        return list(map(str, self._frame.columns))

    def cell(self, row: int, column: str) -> str:
        """A cell as it stands in its source, as text; unmasked, so it is to be used and not to be shown."""
        return _written(self._on_clock(self._frame[column].iloc[[row]]).iloc[0])

    def keeping(self, keep: Mask | None) -> FrameRows:
        """Other rows of the same frame; sorts that were worked out stay."""
        other = FrameRows(self._frame, keep, phone=self._phone, zone=self._zone)
        other._order = self._order
        return other

    def page(
        self,
        first: int,
        count: int,
        *,
        columns: Sequence[str] | None = None,
        sort: str = "",
        descending: bool = False,
        search: str = "",
        reveal: bool = False,
    ) -> RowPage:
        """
        *count* rows from the *first* on (counted from 0).

        Args:
            columns: To show and to search; None is all.
            sort: A column, shown or not; "" is the source's own order. Ties keep it, and rows without
                a value come last either way.
            search: Text that occurs in a shown column, whatever its case; a whole phone finds its
                rows however they write it.
            reveal: Show full phones.

        Raises:
            InputError: there is no such column.
        """
        shown = self.columns if columns is None else list(columns)
        for name in [*shown, *([sort] if sort else [])]:
            if name not in self._frame.columns:
                lacking = Message("there is no column `{name}`", name=name)
                raise InputError(suggest(lacking, name, self.columns))
        rows = self._rows(tuple(shown), sort, descending, search.strip())
        picked = rows[first : first + count]
        frame = self._frame[shown].iloc[picked]
        frame.index = pd.Index(picked)
        return RowPage(self._visible(frame, reveal), len(rows))

    def _rows(self, shown: tuple[str, ...], sort: str, descending: bool, search: str) -> Order:
        wanted = self._search(search, shown) if search else None
        if self._keep is not None:
            wanted = self._keep if wanted is None else wanted & self._keep
        if not sort:
            return np.arange(len(self._frame)) if wanted is None else np.flatnonzero(wanted)
        order = self._order(sort, descending)
        return order if wanted is None else order[wanted[order]]

    def _sorted(self, column: str, descending: bool) -> Order:
        encoded = _as_numbers(arrow_of(self._frame[column])).dictionary_encode()
        rank = pc.rank(encoded.dictionary, tiebreaker="dense").to_numpy().astype(np.int64)
        codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
        rank = np.append(-rank if descending else rank, len(self._frame) + 1)  # -1 picks the last
        return np.argsort(rank[codes], kind="stable")

    def _found(self, search: str, shown: tuple[str, ...]) -> Mask:
        hit = np.zeros(len(self._frame), np.bool_)
        for name in shown:
            hit |= _holds(text_of(arrow_of(self._on_clock(self._frame[name]))), search)
        whole = _phone(search)
        for name in self._phone & set(shown) if whole else ():
            hit |= phones.normalise(self._frame[name]).e164 == whole
        return hit

    def _on_clock(self, cells: pd.Series[Any]) -> pd.Series[Any]:
        """Moments of one column as the clock of ``zone`` shows them; anything else as it is."""
        if self._zone is None or _zone_of(cells.dtype) is None:
            return cells
        shown: pd.Series[Any] = cells.dt.tz_convert(self._zone).dt.tz_localize(None)
        return shown

    def _visible(self, frame: pd.DataFrame, reveal: bool) -> pd.DataFrame:
        made = {name: _cells(self._on_clock(frame[name]), self._hide(name, reveal)) for name in frame.columns}
        return pd.DataFrame(made, index=frame.index, columns=frame.columns)

    def _hide(self, name: str, reveal: bool) -> Callable[[str], str]:
        if reveal:
            return str
        return phones.mask if name in self._phone else phones.redact


def _cells(cells: pd.Series[Any], hide: Callable[[str], str]) -> pd.Series[Any]:
    """A page's cells of one column: small numbers as they are, everything else as text."""
    kind = cells.dtype.kind
    if kind == "f" and not isinstance(cells.dtype, pd.ArrowDtype):
        return cells
    if kind in "iu" and cells.notna().all() and cells.abs().lt(_PLAIN_BELOW).all():
        return cells
    text = [None if pd.isna(cell) else hide(_written(cell)) for cell in cells]
    return pd.Series(text, index=cells.index, dtype="str")


def _zone_of(dtype: Any) -> Any:
    """What zone the moments of a column name; None = they name none, or are none."""
    arrow = getattr(dtype, "pyarrow_dtype", None)
    return getattr(dtype if arrow is None else arrow, "tz", None)


def _written(cell: object) -> str:
    return str(cell).removesuffix(" 00:00:00")


def _phone(text: str) -> int:
    try:
        return phones.normalise_one(text)
    except InputError:
        return 0


def arrow_of(column: pd.Series[Any]) -> pa.Array:
    """A column of any kind as one Arrow array, without dictionaries."""
    try:
        array = pa.array(column, from_pandas=True)
    except pa.ArrowException:  # cells of several kinds
        array = pa.array(as_texts(column), from_pandas=True)
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    if pa.types.is_nested(array.type) or isinstance(array.type, pa.BaseExtensionType):  # lists, periods
        array = pa.array(
            [None if cell is None else str(cell) for cell in array.to_pylist()], pa.large_string()
        )
    if pa.types.is_float16(array.type):
        array = array.cast(pa.float32())
    array = array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
    return array.cast(pa.large_string()) if pa.types.is_null(array.type) else array


def _as_numbers(array: pa.Array) -> pa.Array:
    """Text that is all numbers, as csv files hold them, sorts as numbers."""
    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
        return array
    longest = pc.max(pc.binary_length(array)).as_py()
    if not longest or longest > 15:  # longer ones would lose digits
        return array
    try:
        return array.cast(pa.float64())
    except pa.ArrowInvalid:
        return array


_ZEROS: Final = r"(?:\.0+|(\.\d*[1-9])0+)(Z|[+-]\d{4}|)$"  # of a second's fraction


def text_of(array: pa.Array) -> pa.Array:
    """The cells as text; null stays null. Times are alike, in whatever unit a source has them."""
    try:
        text = array.cast(pa.large_string())
        whole = pa.types.is_timestamp(array.type)
        return pc.replace_substring_regex(text, _ZEROS, r"\1\2") if whole else text
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return pa.array([None if c is None else str(c) for c in array.to_pylist()], pa.large_string())


def _holds(text: pa.Array, search: str) -> Mask:
    # Without cased letters the quick way gives the same answer.
    ignore = search.lower() != search.upper()
    found = pc.match_substring(text, search, ignore_case=ignore)
    hit: Mask = pc.fill_null(found, False).to_numpy(zero_copy_only=False)
    return hit
