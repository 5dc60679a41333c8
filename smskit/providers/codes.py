"""
What the codes of a provider mean: read from ``codes.csv`` beside its client, once, and checked.

A row says what a code means for the message it was about, in both languages, what to do next, and how the
provider words it in its answers (for the simulator). Column ``table`` is ``receipt`` for codes of delivery
reports; for all others ``answer``, or the family of an API that numbers for itself. The carriers' own codes,
which have no official list, are told by their families in ``carriers.csv``.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from smskit.i18n import Message
from smskit.models import About, Code, CodeClass

__all__ = ["ANSWER", "RECEIPT", "CodeRow", "carriers_code", "code_rows", "code_tables", "read_rows"]

ANSWER, RECEIPT = "answer", "receipt"
_FOLDER = Path(__file__).parent


class CodeRow(NamedTuple):
    """One row of a ``codes.csv``, as it stands there."""

    table: str
    code: str
    kind: str  # a `CodeClass`; of a receipt accepted: arrived, refused: will not, unknown: nothing final
    about: str  # an `About`
    retry_after_s: str  # seconds, for kinds later and retry; "" = not documented
    meaning_en: str
    meaning_zh: str  # the provider's own words
    next_step_en: str
    next_step_zh: str
    answer: str  # what the provider writes beside the code, where that is not its meaning
    answer_detail: str
    http_status: str  # that it comes with, where that is not the usual one
    source: str
    read_on: str  # year and month
    note: str  # why it was read like this, where that is not plain

    def as_code(self) -> Code:
        """The record that travels on submissions and errors."""
        after = float(self.retry_after_s) if self.retry_after_s else None
        kind, about = CodeClass(self.kind), About(self.about)
        return Code(kind, self.meaning_zh, Message(self.next_step_en), after, about, Message(self.meaning_en))

    def faults(self) -> Iterator[str]:
        """What is wrong with this row."""
        if self.kind not in list(CodeClass):
            yield f"kind {self.kind!r}"
        if self.about not in list(About):
            yield f"about {self.about!r}"
        if self.retry_after_s and self.kind not in (CodeClass.LATER, CodeClass.RETRY):
            yield "a wait, though it is not to be tried again"
        if self.retry_after_s and not re.fullmatch(r"[1-9][0-9]*(\.[0-9]+)?", self.retry_after_s):
            yield f"retry_after_s {self.retry_after_s!r}"
        for name in ("table", "code", "meaning_en", "meaning_zh", "source", "read_on"):
            if not getattr(self, name).strip():
                yield f"no {name}"
        if bool(self.next_step_en) != bool(self.next_step_zh):
            yield "a next step in one language"


def read_rows(path: Path) -> list[CodeRow]:
    """
    The rows of a ``codes.csv``.

    Raises:
        ValueError: the file is not in order; names file, line and reason.
    """
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        if (head := tuple(next(reader, ()))) != CodeRow._fields:
            raise ValueError(f"{path.name}:1: columns are {head}, not {CodeRow._fields}")
        rows: dict[tuple[str, str], CodeRow] = {}
        for cells in reader:
            if len(cells) != len(head):
                raise ValueError(f"{path.name}:{reader.line_num}: {len(cells)} cells, not {len(head)}")
            row = CodeRow(*cells)
            faults = [*row.faults(), *(["twice"] if (row.table, row.code) in rows else [])]
            if faults:
                raise ValueError(f"{path.name}:{reader.line_num}: {row.code}: {'; '.join(faults)}")
            rows[row.table, row.code] = row
    return list(rows.values())


@cache
def code_rows(provider: str) -> tuple[CodeRow, ...]:
    """All rows of a built-in provider, in the order of its file."""
    return tuple(read_rows(_FOLDER / provider / "codes.csv"))


@cache
def code_tables(provider: str) -> Mapping[str, Mapping[str, Code]]:
    """Table -> code -> what it means, of a built-in provider."""
    tables: dict[str, dict[str, Code]] = {}
    for row in code_rows(provider):
        tables.setdefault(row.table, {})[row.code] = row.as_code()
    return tables


@cache
def _families() -> tuple[tuple[re.Pattern[str], Code], ...]:
    with (_FOLDER / "carriers.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            (
                re.compile(row["pattern"], re.IGNORECASE),
                Code(
                    CodeClass.UNKNOWN,
                    row["meaning_zh"],
                    Message(row["next_step_en"]),
                    about=About(row["about"]),
                    meaning_en=Message(row["meaning_en"]),
                ),
            )
            for row in csv.DictReader(file)
        )


def carriers_code(code: str) -> Code | None:
    """What a carrier's own code in a receipt means, by its family; the first that fits the whole code."""
    return next((known for pattern, known in _families() if pattern.fullmatch(code)), None)
