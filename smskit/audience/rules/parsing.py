"""
From plain data to a rule: the only door, where everything about a rule is checked.

Owns which shapes a rule may have and which values an operator takes. Whether
a rule fits a frame depends on the frame's columns, and is left to `fit`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from smskit.audience.rules.comparison import DATES, LISTS, NULLS, OPS, ORDERS, PARTS
from smskit.audience.rules.fit import is_number
from smskit.audience.rules.tree import All, Any_, Leaf, Not, Rule
from smskit.audience.rules.values import LIMIT, Scalar, describe, iso, read_moment, read_number, show
from smskit.errors import RuleError, suggest
from smskit.i18n import Joined, Message, mark

_JOINERS = ("all", "any", "not")
_KEYS = (*_JOINERS, "column", "op", "value")
_SPELLINGS = {"=": "==", "<>": "!=", "=>": ">=", "=<": "<="}  # too short for a nearest word to be found

_NAME = re.compile(r"\s*0[0-9]")  # digits with a zero in front, as ids and codes are

_MAX_DEPTH = 50  # a YAML anchor can make a rule that contains itself
_MAX_DAYS = 36_500


def parse(data: object) -> Rule:
    """
    Return the rule that *data* describes; everything about it is checked.

    Data is None (keeps everything), ``{all: [...]}``, ``{any: [...]}``,
    ``{not: rule}``, a leaf ``{column, op, value}``, or a list, which means all.
    Date objects, which YAML makes, become ISO text, as papermill makes them.

    >>> rule = parse([{"column": "level", "op": "in", "value": ["gold", "platinum"]}])
    >>> rule
    <rule: level in ("gold", "platinum")>
    >>> print(rule.to_sql())
    "level" IN ('gold', 'platinum')

    Raises:
        RuleError: names the place, such as ``rules.all[1].any[0].op``.
    """
    return All(()) if data is None else _parse(data, "rules", 0)


# --- the tree


def _parse(data: object, where: str, depth: int) -> Rule:
    if depth > _MAX_DEPTH:
        place = f"{where[:60]}…"
        raise RuleError("{where}: rules are nested deeper than {n}", where=place, n=_MAX_DEPTH)
    if isinstance(data, list | tuple):
        return All(_parse_list(data, where, depth))
    if not isinstance(data, Mapping) or not data:
        raise RuleError(
            "{where}: expected a rule such as {{column: level, op: ==, value: gold}}, got {why}",
            where=where,
            why=describe(data),
        )
    for key in data:
        if key not in _KEYS:
            unknown = Message("{where}: unknown key", where=f"{where}.{key}")
            raise RuleError(suggest(unknown, str(key), _KEYS))
    joiner = next((key for key in _JOINERS if key in data), None)
    if joiner is None:
        return _parse_leaf(data, where)
    if len(data) > 1:
        raise RuleError(
            "{where}: `{name}` must stand alone, found beside {others}",
            where=where,
            name=joiner,
            others=", ".join(f"`{key}`" for key in data if key != joiner),
        )
    inner, where = data[joiner], f"{where}.{joiner}"
    if joiner == "not":
        return Not(_parse(inner, where, depth + 1))
    rules = _parse_list(inner, where, depth)
    return All(rules) if joiner == "all" else Any_(rules)


def _parse_list(data: object, where: str, depth: int) -> tuple[Rule, ...]:
    if not isinstance(data, list | tuple):
        raise RuleError("{where}: expected a list of rules, got {why}", where=where, why=describe(data))
    if not data:
        # SQL has no agreed meaning for an empty one, and "everybody" is the costly guess.
        raise RuleError("{where}: the list is empty; leave `rules` out to keep every row", where=where)
    return tuple(_parse(item, f"{where}[{i}]", depth + 1) for i, item in enumerate(data))


# --- a leaf


def _parse_leaf(data: Mapping[Any, object], where: str) -> Leaf:
    for key in ("column", "op"):
        if key not in data:
            raise RuleError("{where}: `{name}` is missing", where=where, name=key)
    column, op = data["column"], data["op"]
    if not isinstance(column, str) or not column:
        raise RuleError(
            "{where}.column: expected a column name as text, got {why}", where=where, why=describe(column)
        )
    _check_text(column, f"{where}.column")
    if not isinstance(op, str) or op not in OPS:
        raise RuleError(_unknown_operator(str(op), where))
    if op in NULLS:
        if data.get("value") is not None:
            raise RuleError("{where}.value: `{op}` takes no value", where=where, op=op)
        return Leaf(str(column), op)
    if "value" not in data:
        raise RuleError("{where}: `value` is missing; `{op}` needs one", where=where, op=op)
    parse_value = _parse_values if op in LISTS or op == "between" else _parse_value
    return Leaf(str(column), op, parse_value(op, data["value"], f"{where}.value"))


def _unknown_operator(name: str, where: str) -> Message:
    unknown = Message("{where}.op: unknown operator `{name}`", where=where, name=name)
    if name in _SPELLINGS:
        return Message("{why}; did you mean `{near}`?", why=unknown, near=_SPELLINGS[name])
    hinted = suggest(unknown, name, OPS)
    if hinted is not unknown:
        return hinted
    ops = ", ".join(OPS)
    return Message("{where}.op: unknown operator `{name}`; one of {ops}", where=where, name=name, ops=ops)


def _parse_value(op: str, raw: object, where: str) -> Scalar:
    value = _parse_scalar(raw, where)
    if lack := _lack(op, value):
        raise RuleError(Message(lack, where=where, op=op, n=_MAX_DAYS, why=describe(raw)))
    moment = _moment(value) if op in DATES else None
    return value if moment is None else iso(moment)


def _parse_values(op: str, raw: object, where: str) -> tuple[Scalar, ...]:
    if not isinstance(raw, list | tuple) or not raw:
        raise RuleError(
            "{where}: `{op}` needs a list of values, got {why}", where=where, op=op, why=describe(raw)
        )
    values = tuple(_parse_scalar(item, f"{where}[{i}]") for i, item in enumerate(raw))
    values = _as_numbers(values)
    families = sorted({_family(value) for value in values})
    if len(families) > 1:
        raise RuleError(
            "{where}: {kinds} are mixed; put all values in quotes, or none",
            where=where,
            kinds=Joined(map(Message, families), " and "),
        )
    if op == "between":
        _check_ends(values, where)
    return values


def _as_numbers(values: tuple[Scalar, ...]) -> tuple[Scalar, ...]:
    """8 and "1,000" as 8 and 1000, where each of *values* is a number; 007 is a name and stays text."""
    if {type(value) is str for value in values} != {True, False}:
        return values
    read = [read_number(v) if isinstance(v, str) and not _NAME.match(v) else v for v in values]
    numbers = [each for each in read if each is not None and is_number(each)]
    return tuple(numbers) if len(numbers) == len(values) else values


def _lack(op: str, value: Scalar) -> str:
    """What *op* needs and *value* is not; "" where they go together."""
    if op in ORDERS and isinstance(value, bool):
        return mark("{where}: `{op}` needs text or a number, not {why}")
    if op in PARTS and (not isinstance(value, str) or not value):
        return mark("{where}: `{op}` needs text, in quotes and not empty, got {why}")
    if op in DATES and _moment(value) is None:
        return mark("{where}: `{op}` needs a date such as 2026-01-31, got {why}")
    if op == "within_days" and (type(value) is not int or not 1 <= value <= _MAX_DAYS):
        return mark("{where}: `{op}` needs whole days, 1 to {n}, got {why}")
    return ""


def _moment(value: Scalar) -> date | None:
    return read_moment(value) if isinstance(value, str) else None


def _check_ends(values: tuple[Scalar, ...], where: str) -> None:
    if len(values) != 2:
        raise RuleError(
            "{where}: `between` needs two values, [low, high], got {n}", where=where, n=len(values)
        )
    low, high = values
    if isinstance(low, bool):
        raise RuleError("{where}: `between` needs text or numbers, not {why}", where=where, why=describe(low))
    # How text is ordered depends on the column: 9 is above 10 as text, and below as a number.
    if not isinstance(low, str) and not isinstance(high, str) and low > high:
        raise RuleError(
            "{where}: the low end {low} is above the high end {high}",
            where=where,
            low=show(low),
            high=show(high),
        )


def _parse_scalar(raw: object, where: str) -> Scalar:
    value = raw.item() if isinstance(raw, np.generic) else raw
    if isinstance(value, str):
        _check_text(value, where)
        return str(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        if not abs(value) < LIMIT:  # nor is nan
            raise RuleError(
                "{where}: expected a finite number of at most 38 digits, got {why}",
                where=where,
                why=describe(value),
            )
        return value
    if isinstance(value, date) and not pd.isna(value):  # NaT passes for a date
        return iso(value)
    what = Message(
        "{where}: expected text, a number, a date or true/false, got {why}", where=where, why=describe(raw)
    )
    hint = Message("use `op: is_null` to find rows without a value") if value is None else ""
    raise RuleError(Joined([what, hint]) if hint else what)


def _check_text(text: str, where: str) -> None:
    # Neither Arrow's UTF-8 nor SQL text can hold these, so no column value equals them.
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise RuleError("{where}: NUL or half a surrogate pair, which no column can hold", where=where)


def _family(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true/false"
    return mark("text") if isinstance(value, str) else mark("numbers")
