"""
What may be asked of a column: how it reads, the operators that suit it, and the value as somebody types it.

Nothing is decided here that `rules` decides: an operator is offered when
`rules` takes it for that column.
"""

from __future__ import annotations

import re
from typing import Any, Final

from smskit.audience.rules.comparison import DATES, LISTS, NULLS, OPS, ORDERS, PARTS
from smskit.audience.rules.fit import Kind, Reading, fit
from smskit.audience.rules.parsing import parse
from smskit.audience.rules.tree import Leaf
from smskit.audience.rules.values import SEPARATORS, Scalar, read_flag, read_number
from smskit.errors import RuleError

__all__ = ["carried", "list_of", "offered_ops", "typed", "written"]

_PARTS: Final = re.compile(rf'\s*"([^"\n]+)"\s*(?={SEPARATORS.pattern}|$)|([^{SEPARATORS.pattern[1:]}+)')
_SAMPLES: Final[dict[Reading, Scalar]] = {
    Reading.TEXT: "x",
    Reading.NUMBER: 1,
    Reading.FLAG: True,
    Reading.MOMENT: "2026-01-31",
}


def offered_ops(kind: Kind, reading: Reading | None) -> tuple[str, ...]:
    """The operators that make sense for such a column, in the order people look for them."""
    return tuple(op for op in OPS if op in NULLS or (reading and _suits(op, kind, reading)))


def _suits(op: str, kind: Kind, reading: Reading) -> bool:
    for sample in (_SAMPLES[reading], "x"):
        found = _read_as(op, kind, sample)
        # Text is compared letter by letter: that orders neither dates nor numbers.
        if found is reading or (found is Reading.TEXT and op not in (*ORDERS, "between")):
            return True
    return False


def _read_as(op: str, kind: Kind, sample: Scalar) -> Reading | None:
    value: Any = {"within_days": 1, "between": [sample, sample]}.get(op, sample)
    value = [sample] if op in LISTS else value
    try:
        question = parse({"column": "x", "op": op, "value": value})
        assert isinstance(question, Leaf)
        return fit(question, kind, "", "")[0]
    except RuleError:
        return None


# --- values as people type them


def typed(op: str, reading: Reading | None, text: str) -> Any:
    """
    The value that *text* means for such a column; None for an empty field.

    Lists and ``between`` take several, parted by commas, Chinese ones too, ``、``,
    ``;``, ``|`` or lines. What is no number stays text, which the rule then refuses.
    """
    if op in NULLS:
        return None
    if op in LISTS or op == "between":
        return [_one(op, reading, part) for part in list_of(text)] or None
    return _one(op, reading, text.strip()) if text.strip() else None


def carried(value: Any, op: str) -> Any:
    """What stays of a value when its operator becomes *op*: one value of several, or several of one."""
    if op in NULLS or value is None:
        return None
    several = op in LISTS or op == "between"
    if isinstance(value, list):
        return value if several else (value[0] if value else None)
    return [value] if several else value


def list_of(text: str) -> list[str]:
    """The parts of a typed list, without blanks around them and empty ones; one in quotes is not cut."""
    parts = (quoted or plain for quoted, plain in _PARTS.findall(text))
    return [part.strip() for part in parts if part.strip()]


def _one(op: str, reading: Reading | None, text: str) -> Scalar:
    if op in PARTS or op in DATES:
        return text
    if op == "within_days" or reading is Reading.NUMBER:
        number = read_number(text)
        return text if number is None else number
    if reading is Reading.FLAG:
        flag = read_flag(text)
        return text if flag is None else flag
    return text


def written(value: Any) -> str:
    """A value as somebody would type it; ``typed`` reads it back."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        texts = [written(one) for one in value]
        return ", ".join(
            f'"{text}"' if SEPARATORS.search(text) and '"' not in text else text for text in texts
        )
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
