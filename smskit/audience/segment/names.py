"""
The names of a segment's columns: which are proper, and which of them to read.

Every reader asks here before it reads a row. No name is ever changed beyond
the blanks around it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from typing import TypeAlias

from smskit.errors import SegmentError, suggest
from smskit.i18n import Joined, Message

# The columns to read: their names, or what chooses them when the names of all are known; None = all.
Wanted: TypeAlias = Collection[str] | Callable[[Sequence[str]], Collection[str]] | None


def check_names(names: Sequence[str]) -> None:
    """Refuse names that are empty, there twice, or look like a person's number."""
    if not names:
        raise SegmentError(Message("has no columns"))
    for place, name in enumerate(names, start=1):
        if not name.strip():
            raise SegmentError(Message("column {n} has no name", n=place))
        # Without this, a file that lacks its header would show somebody's phone in every error about columns.
        if re.fullmatch(r"\+?\d{10,}", re.sub(r"[\s().'-]", "", unicodedata.normalize("NFKC", name))):
            raise SegmentError(
                Message("column {n} is named by a number; the first row must name the columns", n=place)
            )
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        what = Message("{n} columns are named `{name}`; rename all but one", n=names.count(twice), name=twice)
        raise SegmentError(what)


def pick(names: Sequence[str], wanted: Wanted) -> list[str]:
    """Return the names to read, in the order of the source."""
    check_names(names)
    if wanted is None:
        return list(names)
    if callable(wanted):
        wanted = wanted(names)
    if not wanted:
        raise SegmentError(Message("no columns were asked for"))
    if unknown := sorted(set(wanted) - set(names)):
        lacking = Message("no column `{name}`", name=unknown[0])
        hinted = suggest(lacking, unknown[0], names)
        known = Message("Its columns are {columns}", columns=", ".join(f"`{name}`" for name in names))
        raise SegmentError(Joined([hinted, known], ". " if hinted is lacking else " "))
    return [name for name in names if name in wanted]


def tidy(name: str) -> str:
    """Return a name without the blanks nobody sees, which copying between programs leaves around it."""
    return name.strip(" \t\r\n\xa0\u3000\u200b\ufeff")
