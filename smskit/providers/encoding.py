"""
Percent-encoding by column: constants once, distinct values once, the rest is joining.

Percent-encoding works byte by byte, so quote(a + b) == quote(a) + quote(b);
the result equals ``urllib.parse.quote_plus`` byte for byte (a property test).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol
from urllib.parse import quote_plus

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from smskit.message.template import Template, Var
from smskit.models import Slice

JSON_UNSAFE = r'["\\\x00-\x1f]'  # found in exactly the texts that `json_escaped` changes

_MEMO_LIMIT = 200_000


def twice(text: str) -> str:
    """``quote_plus`` applied two times: a value inside a form field that is itself encoded."""
    return quote_plus(quote_plus(text))


def json_escaped(text: str) -> str:
    """*text* as it stands between the quotes of a JSON string."""
    return orjson.dumps(text).decode()[1:-1]


class ColumnEncoder:
    """
    Encodes text columns with *quote*, remembering values across columns.

    Args:
        quote: Encodes one value; must work piecewise (see module).
        unsafe: RE2 pattern found in exactly the values that *quote* changes.
    """

    def __init__(self, quote: Callable[[str], str], unsafe: str = r"[^A-Za-z0-9_.~-]") -> None:
        self._quote = quote
        self._unsafe = unsafe
        self._memo: dict[str, str] = {}

    def __call__(self, column: pa.Array) -> pa.Array:
        """*column* (text, no nulls) encoded, as large_string."""
        column = column.cast(pa.large_string())
        if not pc.any(pc.match_substring_regex(column, self._unsafe)).as_py():
            return column
        coded = column.dictionary_encode()
        if len(self._memo) > _MEMO_LIMIT:
            self._memo.clear()
        memo, quote = self._memo, self._quote
        encoded = []
        for value in coded.dictionary.to_pylist():
            done = memo.get(value)
            if done is None:
                done = memo[value] = quote(value)
            encoded.append(done)
        return pa.array(encoded, pa.large_string()).take(coded.indices)

    def text(self, template: Template, people: Slice) -> list[str | pa.Array]:
        """The whole text of each of *people*, signature in front, as pieces for `Joined`."""
        values = {name: self(column) for name, column in people.variables.items()}
        head = f"【{template.signature}】" if template.signature else ""
        return [
            values[piece.name] if isinstance(piece, Var) else self._quote(piece)
            for piece in (head, *template.pieces)
        ]


def _text(value: str) -> pa.Scalar:
    return pa.scalar(value, pa.large_string())


class Joined:
    """
    The rows of *pieces*, written one after the other with *separator* behind each.

    Slicing ``[first:last]`` gives those rows joined by the separator, without
    touching single rows: they already lie next to each other in memory.
    """

    def __init__(self, pieces: Sequence[str | pa.Array], separator: str, length: int) -> None:
        columns = [_text(p) if isinstance(p, str) else p for p in pieces]
        if not any(isinstance(c, pa.Array) for c in columns):
            columns.append(pa.repeat(_text(""), length))
        joined = pc.binary_join_element_wise(*columns, _text(separator), _text(""))
        _, offsets, data = joined.buffers()
        self._offsets: NDArray[np.int64] = np.frombuffer(offsets, np.int64)[joined.offset :]
        self._data = memoryview(data) if data is not None else memoryview(b"")
        self._separator = len(separator.encode())

    def __getitem__(self, rows: slice) -> bytes:
        start, end = int(self._offsets[rows.start]), int(self._offsets[rows.stop]) - self._separator
        return bytes(self._data[start:end])


class First:
    """Of *column*, only the first of the rows that are asked for."""

    def __init__(self, column: Joined) -> None:
        self._column = column

    def __getitem__(self, rows: slice) -> bytes:
        return self._column[rows.start : rows.start + 1]


class Rows(Protocol):
    """A part of a body that depends on the rows it is for."""

    def __getitem__(self, rows: slice, /) -> bytes: ...


class Bodies:
    """
    Bodies of requests for rows of a slice, prepared by column.

    Args:
        pieces: What a body is made of, in order: fixed bytes, or what its rows say, such as a column of
            which it has all of them (`Joined`) or the first (`First`).
    """

    def __init__(self, *pieces: bytes | Rows) -> None:
        self._pieces = pieces

    def __call__(self, first: int, last: int) -> bytes:
        """The body for those rows."""
        rows = slice(first, last)
        return b"".join([p if isinstance(p, bytes) else p[rows] for p in self._pieces])
