"""
A comparison as the condition of a SQL ``WHERE``, in SQLite's dialect.

SQLite keeps the same rows as the mask. Joining conditions is for `tree`; what
a comparison means, and so whether it can be asked at all, is for `fit`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from smskit.audience.rules.columns import Column, Source
from smskit.audience.rules.comparison import LISTS, NULLS, Comparison
from smskit.audience.rules.fit import Kind, Reading, fit
from smskit.audience.rules.moments import first_day
from smskit.audience.rules.values import Bound, iso, show
from smskit.errors import InputError

_OPS = {"==": "=", "!=": "<>", "before": "<", "after": ">", "in": "IN", "not_in": "NOT IN"}


_SPELT = 50  # cells written in other ways than SQLite reads, which are listed one by one


class SqlContext(NamedTuple):
    """What SQL text may know of: the clock, and a frame's columns."""

    now: datetime | None
    source: Source | None


def condition(question: Comparison, context: SqlContext, where: str) -> str:
    """
    Return *question* as SQL; without a frame its column is taken to have the type of its value.

    Raises:
        RuleError: The frame's column is missing or cannot be asked that.
        InputError: The clock is needed and missing.
    """
    name = _quote(question.column, '"')
    column = context.source.column(question.column, where) if context.source else None
    if question.op in NULLS:
        shown = _shown(name, column) if column is not None and column.blanks else name
        return f"{shown} IS {'NOT ' if question.op == 'not_null' else ''}NULL"
    if column is None:
        reading, bounds = fit(question, _supposed_kind(question), None, where)
    else:
        reading, bounds = column.fit(question, where)
    operand = _operand(name, reading, column, context.now)
    if question.op == "within_days":
        return _within_days(operand, int(question.values[0]), context.now)
    if reading is Reading.MOMENT:
        return _moments(question.op, operand, bounds, context.now)
    if question.op == "contains":
        return f"instr({operand}, {_literal(bounds[0])}) > 0"
    if question.op == "starts_with":
        return f"substr({operand}, 1, {len(str(bounds[0]))}) = {_literal(bounds[0])}"
    return _compare(question.op, operand, [_literal(bound) for bound in bounds])


def _supposed_kind(question: Comparison) -> Kind:
    first = question.values[0]
    if isinstance(first, str) or question.op == "within_days":
        return Kind.TEXT
    return Kind.FLAG if isinstance(first, bool) else Kind.NUMBER


def _operand(name: str, reading: Reading, column: Column | None, now: datetime | None) -> str:
    """Return a column as it is read; one that may be text is spelt out as numbers, words or ISO dates."""
    if column is None or column.kind is not Kind.TEXT:
        return name
    if reading is Reading.FLAG:
        true, false = (", ".join(map(_literal, words)) for words in column.words())
        word = f"lower(trim({name}))"
        return f"CASE WHEN {word} IN ({true}) THEN TRUE WHEN {word} IN ({false}) THEN FALSE END"
    if reading is Reading.TEXT:
        return _shown(name, column)
    cells, more = column.respelt(reading, _SPELT)
    whens = [f"WHEN {name} = {_literal(c)} THEN {_spelt(value, now)}" for c, value in cells.items()]
    if more:
        whens.append(f"/* and {more} other writings */")
    if reading is Reading.NUMBER:
        # In SQLite text that looks like a number meets a REAL as one; any other is above every REAL.
        whens.append(f"WHEN {name} <= CAST(9e999 AS REAL) THEN CAST({name} AS NUMERIC)")
        return f"CASE {' '.join(whens)} END"
    return f"CASE {' '.join(whens)} ELSE {name} END" if cells else name


def _shown(name: str, column: Column) -> str:
    """A column of text as people see it; a cell that shows nothing is NULL."""
    trimmed = _trimmed(name, *column.stray())
    return f"nullif({trimmed}, '')" if column.blanks else trimmed


def _trimmed(name: str, signs: str, blanks: str) -> str:
    for sign in signs:
        name = f"replace({name}, char({ord(sign)}), '')"
    chars = ", ".join(str(ord(blank)) for blank in blanks)
    return f"trim({name}, char({chars}))" if blanks else name


def _spelt(value: Bound | None, now: datetime | None) -> str:
    return "NULL" if value is None else _literal(_wall(value, now))


def _compare(op: str, operand: str, literals: Sequence[str]) -> str:
    if op == "between":
        return f"{operand} BETWEEN {literals[0]} AND {literals[1]}"
    if op in LISTS:
        return f"{operand} {_OPS[op]} ({', '.join(literals)})"
    return f"{operand} {_OPS.get(op, op)} {literals[0]}"


# --- dates and times


def _moments(op: str, name: str, bounds: Sequence[Bound], now: datetime | None) -> str:
    # date() and datetime() give NULL for text that is no date, as the mask does.
    pairs = [
        (f"{'datetime' if isinstance(bound, datetime) else 'date'}({name})", _literal(_wall(bound, now)))
        for bound in bounds
    ]
    if op == "between":
        (low_operand, low), (high_operand, high) = pairs
        return f"({low_operand} >= {low} AND {high_operand} <= {high})"
    if op not in LISTS:
        return _compare(op, pairs[0][0], [pairs[0][1]])
    either = " OR ".join(f"{operand} = {literal}" for operand, literal in pairs)
    return f"NOT ({either})" if op == "not_in" else f"({either})"


def _within_days(name: str, days: int, now: datetime | None) -> str:
    if now is None:
        raise InputError("to_sql: `within_days` needs `now`")
    today = now.date()
    since = now.astimezone(UTC) - timedelta(days=days)
    dates = f"{_literal(first_day(today, days))} AND {_literal(today)}"
    times = f"{_literal(_wall(since, now))} AND {_literal(_wall(now, now))}"
    return (
        f"CASE WHEN length({name}) <= 10 THEN date({name}) BETWEEN {dates}"
        f" ELSE datetime({name}) BETWEEN {times} END"
    )


def _wall(bound: Bound, now: datetime | None) -> Bound:
    """Return a time as the clock in the zone of *now* shows it, to the second; a date as it is."""
    if not isinstance(bound, datetime):
        return bound
    if bound.tzinfo is not None:
        if now is None:
            raise InputError(
                "to_sql: {value} has a zone, and needs `now` to tell the column's", value=show(bound)
            )
        bound = bound.astimezone(now.tzinfo)
    return bound.replace(tzinfo=None, microsecond=0)


# --- quoting


def _literal(value: Bound) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return repr(value)
    return _quote(iso(value) if isinstance(value, date) else value, "'")


def _quote(text: str, mark: str) -> str:
    return mark + text.replace(mark, mark * 2) + mark
