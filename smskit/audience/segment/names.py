"""
The names of a segment's columns: which are proper, and which of them to read.

Every reader asks here before it reads a row. No name is ever changed beyond
the blanks around it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from smskit.errors import SegmentError, suggest
from smskit.i18n import Joined, Message

TITLES: Final = 3  # rows below a title among which the names may be
_FIGURES: Final = re.compile(r"[\d\s.,:/+%¥年月日-]*")
_MOBILE: Final = re.compile(r"(?<!\d)(?:(?:00)?86)?1[3-9]\d{9}(?!\d)")
# The columns to read: their names, or what chooses them when the names of all are known; None = all.
Wanted: TypeAlias = Collection[str] | Callable[[Sequence[str]], Collection[str]] | None


def check_names(names: Sequence[str]) -> None:
    """Refuse names that are empty, there twice, or look like a person's number."""
    if not names:
        raise SegmentError("has no columns")
    for place, name in enumerate(names, start=1):
        if not name.strip():
            raise SegmentError("column {n} has no name", n=place)
        # Without this, a file that lacks its header would show somebody's phone in every error about columns.
        if _is_number(name):
            raise SegmentError(
                "column {n} is named by a number; the first row must name the columns", n=place
            )
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise SegmentError(
            "{n} columns are named `{name}`; rename all but one", n=names.count(twice), name=twice
        )


def are_names(cells: Iterable[str]) -> bool:
    """Whether cells are several different words and nothing else, as names of columns are."""
    names = [name for cell in cells if (name := tidy(cell))]
    return 1 < len(names) == len(set(names)) and not any(
        _FIGURES.fullmatch(name) or _is_number(name) for name in names
    )


def demand_names(row: int, cells: Mapping[int, str]) -> None:
    """
    Refuse a *row* that a person chose to name the columns, and that does not.

    Args:
        cells: By their number in the row, from 1.

    Raises:
        SegmentError: it is empty, or has a number among its cells as a row of people has.
    """
    if not any(map(tidy, cells.values())):
        raise SegmentError("row {n}, which is to name the columns, is empty", n=row)
    for place, cell in cells.items():
        if _is_number(cell):
            raise SegmentError(
                "row {n}, which is to name the columns, has a number in its cell {m}, as a row of people has",
                n=row,
                m=place,
            )


def _is_number(name: str) -> bool:
    """Whether it is a number of ten digits or more, or has a mobile one within."""
    plain = re.sub(r"[\s().'-]", "", unicodedata.normalize("NFKC", name))
    return bool(re.fullmatch(r"\+?\d{10,}", plain) or _MOBILE.search(plain))


def pick(names: Sequence[str], wanted: Wanted) -> list[str]:
    """Return the names to read, in the order of the source."""
    check_names(names)
    if wanted is None:
        return list(names)
    if callable(wanted):
        wanted = wanted(names)
    if not wanted:
        raise SegmentError("no columns were asked for")
    found = matched(names, wanted)
    if unknown := sorted(set(wanted) - set(found)):
        lacking = Message("no column `{name}`", name=unknown[0])
        hinted = suggest(lacking, unknown[0], names)
        known = Message("Its columns are {columns}", columns=", ".join(f"`{name}`" for name in names))
        raise SegmentError(Joined([hinted, known], ". " if hinted is lacking else " "))
    taken = set(found.values())
    return [name for name in names if name in taken]


def matched(names: Sequence[str], wanted: Iterable[str]) -> dict[str, str]:
    """
    Return each *wanted* name that is there, with how the source spells it.

    Two spellings are one name where only the kind or number of blanks differs, or
    how an accented letter is composed. An exact name comes first; a name that
    two columns could be is not there.
    """
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(_seen(name), []).append(name)
    found = {}
    for name in wanted:
        candidates = [name] if name in names else alike.get(_seen(name), [])
        if len(candidates) == 1:
            found[name] = candidates[0]
    return found


def spelt(names: Sequence[str], wanted: Wanted) -> dict[str, str]:
    """What to call those of *names* that are spelt otherwise than they are *wanted*."""
    asked = (wanted(names) if callable(wanted) else wanted) or ()
    return {name: each for each, name in matched(names, asked).items() if each != name}


def _seen(name: str) -> str:
    """A name as a person sees it: composed, without what has no width, blanks of any kind as one."""
    composed = unicodedata.normalize("NFC", re.sub("[\u200b\u200c\u2060\ufeff\xad]", "", name))
    return " ".join(composed.split())


class Alike(Collection[str]):
    """Names of which `in` takes every spelling that a person cannot tell from them; see `matched`."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(map(_seen, names))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and _seen(name) in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def tidy(name: str) -> str:
    """Return a name without the blanks nobody sees, which copying between programs leaves around it."""
    return name.strip(" \t\r\n\xa0\u3000\u200b\ufeff")
