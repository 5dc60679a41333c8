"""
Filter as data: a tree of rules that says which rows of a frame are kept.

Owns reading a rule (`parse`), what each operator means on each type of column,
and a rule's other forms: plain data, counts per step, SQL text. A value is
only ever compared, never evaluated. Reading segments and showing rules is
left to others; the clock is handed in.

A row is true, false or, where a null is compared, unknown, as in SQL. Only
true rows are kept. What a leaf means depends on its own value and on the
column's dtype, never on other rows, so any partition of a frame gives the
same answer as the whole.
"""

from __future__ import annotations

import enum
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import cached_property, reduce
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from smskit.errors import InputError, RuleError, nearest

__all__ = ["OPS", "All", "Any_", "Leaf", "Not", "Rule", "Step", "parse"]

Mask: TypeAlias = npt.NDArray[np.bool_]
Ints: TypeAlias = npt.NDArray[np.int64]
Scalar: TypeAlias = str | int | float | bool  # dates travel as ISO text
Bound: TypeAlias = Scalar | date  # a value, read the way its column asks for

_EQUALS = ("==", "!=")
_ORDERS = ("<", "<=", ">", ">=")
_LISTS = ("in", "not_in")
_TEXTS = ("contains", "starts_with")
_NULLS = ("is_null", "not_null")
_DATES = ("before", "after")

OPS = (*_EQUALS, *_ORDERS, *_LISTS, "between", *_TEXTS, *_NULLS, *_DATES, "within_days")
"""Every operator, in the order a person would look for it."""

_KEYS = ("all", "any", "not", "column", "op", "value")
_SPELLINGS = {"=": "==", "<>": "!=", "=>": ">=", "=<": "<="}  # too short for `nearest` to tell apart
_SQL_OPS = {"==": "=", "!=": "<>", "before": "<", "after": ">", "in": "IN", "not_in": "NOT IN"}

_MAX_DEPTH = 50  # a YAML anchor can make a rule that contains itself
_MAX_DAYS = 36_500
_LIMIT = 10**38  # numbers at and beyond this are refused; whole ones below are compared exactly

_TRUE_WORDS = ("true", "1", "yes", "是")
_FALSE_WORDS = ("false", "0", "no", "否")

# Both are read by Python's `re` and by Arrow's RE2, and so keep to what the two share.
_WHOLE = r"^[+-]?[0-9]{1,38}$"
_REAL = r"^[+-]?([0-9]{1,38}\.?[0-9]{0,38}|\.[0-9]{1,38})([eE][+-]?[0-9]{1,2})?$"
_COMPACT = r"^ *([0-9]{4})([0-9]{2})([0-9]{2})( |T|$)"
_MOMENT = (
    r"^ *(?P<year>[0-9]{4})[-/.年](?P<month>[0-9]{1,2})[-/.月](?P<day>[0-9]{1,2})日?"
    r"(?:[T ] *(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
    r" *(?P<zone>Z|(?P<sign>[+-])(?P<zone_hour>[0-9]{2}):?(?P<zone_minute>[0-9]{2})?)?)? *$"
)
_PHONE = re.compile(r"(?<![0-9])((?:86)?1[3-9][0-9])[0-9]{4}(?=[0-9]{4}(?![0-9]))")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_US = 86_400_000_000
# Zones with summer time are computed by Python's datetime, which knows these years only.
_FIRST_US = -62_135_596_800_000_000  # 0001-01-01
_LAST_US = 253_402_300_799_999_999  # 9999-12-31


class Step(NamedTuple):
    """What one part of a rule keeps, by itself and together with the parts before it."""

    path: str  # "rules.all[0]"
    label: str  # one line to read: level in ("gold", "platinum")
    alone: int  # rows
    kept: int  # rows, after this and all earlier steps


class Rule:
    """
    A filter: frozen, comparable, made by `parse`.

    Leaves are evaluated once each, and a column is read once however many
    leaves ask for it. The order of rules never changes the answer, nor which
    frames are refused.
    """

    def columns(self) -> frozenset[str]:
        """Return the names of the columns this rule reads."""
        return frozenset(leaf.column for leaf in self._leaves())

    def mask(self, frame: pd.DataFrame, *, now: datetime) -> Mask:
        """
        Return a boolean per row of *frame*, true where the row is kept.

        Args:
            frame: Any number of rows; not changed. Its index plays no part.
            now: Aware. Ends the span of ``within_days``; its zone is the one
                in which times without a zone are understood.

        Raises:
            RuleError: a column is missing, or its dtype cannot meet the value.
            InputError: *now* has no time zone.
        """
        return self._truth(_Source(frame, now), "rules").yes

    def steps(self, frame: pd.DataFrame, *, now: datetime) -> list[Step]:
        """
        Count the rows kept at each step: one per child of a top-level ``all``.

        Any other rule is one step; the rule that keeps everything has none.
        Arguments and errors are those of `mask`.
        """
        return self.sift(frame, now=now)[1]

    def sift(self, frame: pd.DataFrame, *, now: datetime) -> tuple[Mask, list[Step]]:
        """Return what `mask` and `steps` do, for the work of one."""
        source = _Source(frame, now)
        so_far = np.ones(len(frame), dtype=np.bool_)
        steps = []
        for path, rule in self._parts():
            yes = rule._truth(source, path).yes
            so_far = so_far & yes
            steps.append(Step(path, rule.label, int(yes.sum()), int(so_far.sum())))
        return so_far, steps

    def to_sql(self, *, now: datetime | None = None, frame: pd.DataFrame | None = None) -> str:
        """
        Return the condition of a SQL ``WHERE``, to read; SQLite runs it.

        SQLite then keeps the same rows as `mask`, where times are ISO text in
        the zone of *now*; they are compared to the second. Values are quoted,
        not masked.

        Args:
            now: Aware; needed for ``within_days`` and for times with a zone.
            frame: Only its dtypes are read. Without it every column is taken
                to have the type of its rule's value; with it, a number beside
                a text column, say, is spelt out.

        Raises:
            RuleError: as in `mask`, when *frame* is given.
            InputError: *now* is needed and missing, or has no time zone.
        """
        if now is not None:
            _check_aware(now)
        return self._sql(_SqlContext(now, frame), "rules")

    def to_data(self) -> dict[str, Any] | None:
        """Return plain data (JSON types only) that `parse` reads back to an equal rule."""
        raise NotImplementedError

    @property
    def label(self) -> str:
        """One line to read; long lists are cut short and phones masked."""
        raise NotImplementedError

    def __repr__(self) -> str:
        text = self.label
        return f"<rule: {text if len(text) <= 80 else text[:79] + '…'}>"

    def _parts(self) -> list[tuple[str, Rule]]:
        return [("rules", self)]

    def _leaves(self) -> Iterable[Leaf]:
        raise NotImplementedError

    def _truth(self, source: _Source, where: str) -> _Truth:
        raise NotImplementedError

    def _sql(self, context: _SqlContext, where: str) -> str:
        raise NotImplementedError


@dataclass(frozen=True, repr=False)
class Leaf(Rule):
    """One comparison of one column. *value* is a tuple for lists, None where the operator takes none."""

    column: str
    op: str
    value: Scalar | tuple[Scalar, ...] | None = None

    def to_data(self) -> dict[str, Any]:
        data: dict[str, Any] = {"column": self.column, "op": self.op}
        if self.op not in _NULLS:
            data["value"] = list(self.value) if isinstance(self.value, tuple) else self.value
        return data

    @property
    def label(self) -> str:
        name = self.column if self.column.isidentifier() else _show(self.column)
        if self.op in _NULLS:
            return f"{name} {self.op}"
        if self.op == "between":
            low, high = self._values
            return f"{name} between {_show(low)} and {_show(high)}"
        if self.op in _LISTS:
            return f"{name} {self.op} ({_show_list(self._values)})"
        return f"{name} {self.op} {_show(self._values[0])}"

    @property
    def _values(self) -> tuple[Scalar, ...]:
        if self.value is None:
            return ()
        return self.value if isinstance(self.value, tuple) else (self.value,)

    def _leaves(self) -> Iterable[Leaf]:
        yield self

    def _truth(self, source: _Source, where: str) -> _Truth:
        return source.column(self.column, where).judge(self, where)

    def _sql(self, context: _SqlContext, where: str) -> str:
        return _leaf_sql(self, context, where)


@dataclass(frozen=True, repr=False)
class All(Rule):
    """True where every rule is. Empty only as the rule that keeps everything."""

    rules: tuple[Rule, ...]

    def to_data(self) -> dict[str, Any] | None:
        return {"all": [rule.to_data() for rule in self.rules]} if self.rules else None

    @property
    def label(self) -> str:
        return _join(self.rules, [rule.label for rule in self.rules], "and") or "every row"

    def _parts(self) -> list[tuple[str, Rule]]:
        return [(f"rules.all[{i}]", rule) for i, rule in enumerate(self.rules)]

    def _leaves(self) -> Iterable[Leaf]:
        return (leaf for rule in self.rules for leaf in rule._leaves())

    def _truth(self, source: _Source, where: str) -> _Truth:
        truths = [rule._truth(source, f"{where}.all[{i}]") for i, rule in enumerate(self.rules)]
        every = np.ones(source.rows, dtype=np.bool_)
        return reduce(lambda a, b: _Truth(a.yes & b.yes, a.no | b.no), truths, _Truth(every, ~every))

    def _sql(self, context: _SqlContext, where: str) -> str:
        texts = [rule._sql(context, f"{where}.all[{i}]") for i, rule in enumerate(self.rules)]
        return _join(self.rules, texts, "AND") or "TRUE"


@dataclass(frozen=True, repr=False)
class Any_(Rule):
    """True where at least one rule is."""

    rules: tuple[Rule, ...]

    def to_data(self) -> dict[str, Any]:
        return {"any": [rule.to_data() for rule in self.rules]}

    @property
    def label(self) -> str:
        return _join(self.rules, [rule.label for rule in self.rules], "or")

    def _leaves(self) -> Iterable[Leaf]:
        return (leaf for rule in self.rules for leaf in rule._leaves())

    def _truth(self, source: _Source, where: str) -> _Truth:
        truths = [rule._truth(source, f"{where}.any[{i}]") for i, rule in enumerate(self.rules)]
        return reduce(lambda a, b: _Truth(a.yes | b.yes, a.no & b.no), truths)

    def _sql(self, context: _SqlContext, where: str) -> str:
        texts = [rule._sql(context, f"{where}.any[{i}]") for i, rule in enumerate(self.rules)]
        return _join(self.rules, texts, "OR")


@dataclass(frozen=True, repr=False)
class Not(Rule):
    """True where the rule is false; unknown stays unknown."""

    rule: Rule

    def to_data(self) -> dict[str, Any]:
        return {"not": self.rule.to_data()}

    @property
    def label(self) -> str:
        return f"not ({self.rule.label})"

    def _leaves(self) -> Iterable[Leaf]:
        return self.rule._leaves()

    def _truth(self, source: _Source, where: str) -> _Truth:
        truth = self.rule._truth(source, f"{where}.not")
        return _Truth(yes=truth.no, no=truth.yes)

    def _sql(self, context: _SqlContext, where: str) -> str:
        return f"NOT ({self.rule._sql(context, f'{where}.not')})"


class _Truth(NamedTuple):
    """A three-valued answer per row; where neither is set the answer is unknown."""

    yes: Mask
    no: Mask


# --- from plain data -------------------------------------------------------------------------------


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


def _parse(data: object, where: str, depth: int) -> Rule:
    if depth > _MAX_DEPTH:
        raise RuleError(f"{where[:60]}…: rules are nested deeper than {_MAX_DEPTH}")
    if isinstance(data, list | tuple):
        return All(_parse_list(data, where, depth))
    if not isinstance(data, Mapping) or not data:
        raise RuleError(
            f"{where}: expected a rule such as {{column: level, op: ==, value: gold}}, got {_describe(data)}"
        )
    for key in data:
        if key not in _KEYS:
            raise RuleError(f"{where}.{key}: unknown key{nearest(str(key), _KEYS)}")
    joiners = [key for key in ("all", "any", "not") if key in data]
    if not joiners:
        return _parse_leaf(data, where)
    key = joiners[0]
    if len(data) > 1:
        others = ", ".join(f"`{other}`" for other in data if other != key)
        raise RuleError(f"{where}: `{key}` must stand alone, found beside {others}")
    if key == "not":
        return Not(_parse(data[key], f"{where}.not", depth + 1))
    rules = _parse_list(data[key], f"{where}.{key}", depth)
    return All(rules) if key == "all" else Any_(rules)


def _parse_list(data: object, where: str, depth: int) -> tuple[Rule, ...]:
    if not isinstance(data, list | tuple):
        raise RuleError(f"{where}: expected a list of rules, got {_describe(data)}")
    if not data:
        # SQL has no agreed meaning for an empty one, and "everybody" is the costly guess.
        raise RuleError(f"{where}: the list is empty; leave `rules` out to keep every row")
    return tuple(_parse(item, f"{where}[{i}]", depth + 1) for i, item in enumerate(data))


def _parse_leaf(data: Mapping[Any, object], where: str) -> Leaf:
    for key in ("column", "op"):
        if key not in data:
            raise RuleError(f"{where}: `{key}` is missing")
    column, op = data["column"], data["op"]
    if not isinstance(column, str) or not column:
        raise RuleError(f"{where}.column: expected a column name as text, got {_describe(column)}")
    _check_text(column, f"{where}.column")
    if not isinstance(op, str) or op not in OPS:
        name = str(op)
        hint = f"; did you mean `{_SPELLINGS[name]}`?" if name in _SPELLINGS else nearest(name, OPS)
        raise RuleError(f"{where}.op: unknown operator `{name}`{hint or '; one of ' + ', '.join(OPS)}")
    if op in _NULLS:
        if data.get("value") is not None:
            raise RuleError(f"{where}.value: `{op}` takes no value")
        return Leaf(str(column), op)
    if "value" not in data:
        raise RuleError(f"{where}: `value` is missing; `{op}` needs one")
    return Leaf(str(column), op, _parse_value(op, data["value"], f"{where}.value"))


def _parse_value(op: str, raw: object, where: str) -> Scalar | tuple[Scalar, ...]:
    if op in _LISTS or op == "between":
        return _parse_values(op, raw, where)
    value = _parse_scalar(raw, where)
    if op in _ORDERS and isinstance(value, bool):
        raise RuleError(f"{where}: `{op}` needs text or a number, not {_describe(value)}")
    if op in _TEXTS and (not isinstance(value, str) or not value):
        raise RuleError(f"{where}: `{op}` needs text, in quotes and not empty, got {_describe(raw)}")
    if op in _DATES:
        moment = _read_moment(value) if isinstance(value, str) else None
        if moment is None:
            raise RuleError(f"{where}: `{op}` needs a date such as 2026-01-31, got {_describe(raw)}")
        return _iso(moment)
    if op == "within_days" and (type(value) is not int or not 1 <= value <= _MAX_DAYS):
        raise RuleError(f"{where}: `{op}` needs whole days, 1 to {_MAX_DAYS}, got {_describe(raw)}")
    return value


def _parse_values(op: str, raw: object, where: str) -> tuple[Scalar, ...]:
    if not isinstance(raw, list | tuple) or not raw:
        raise RuleError(f"{where}: `{op}` needs a list of values, got {_describe(raw)}")
    values = tuple(_parse_scalar(item, f"{where}[{i}]") for i, item in enumerate(raw))
    families = sorted({_family(value) for value in values})
    if len(families) > 1:
        raise RuleError(f"{where}: {' and '.join(families)} are mixed; put all values in quotes, or none")
    if op == "between":
        if len(values) != 2:
            raise RuleError(f"{where}: `between` needs two values, [low, high], got {len(values)}")
        low, high = values
        if isinstance(low, bool):
            raise RuleError(f"{where}: `between` needs text or numbers, not {_describe(low)}")
        if not isinstance(low, str) and not isinstance(high, str) and low > high:
            raise RuleError(f"{where}: the low end {_show(low)} is above the high end {_show(high)}")
    return values


def _parse_scalar(raw: object, where: str) -> Scalar:
    value = raw.item() if isinstance(raw, np.generic) else raw
    if isinstance(value, str):
        _check_text(value, where)
        return str(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        if not math.isfinite(value) or abs(value) >= _LIMIT:
            raise RuleError(f"{where}: expected a finite number of at most 38 digits, got {_describe(value)}")
        return value
    if isinstance(value, date) and not pd.isna(value):  # NaT passes for a date
        return _iso(value)
    hint = "; use `op: is_null` to find rows without a value" if value is None else ""
    raise RuleError(f"{where}: expected text, a number, a date or true/false, got {_describe(raw)}{hint}")


def _check_text(text: str, where: str) -> None:
    # Neither Arrow's UTF-8 nor SQL text can hold these, so no column value equals them.
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise RuleError(f"{where}: NUL or half a surrogate pair, which no column can hold")


def _family(value: Scalar) -> str:
    if isinstance(value, bool):
        return "true/false"
    return "text" if isinstance(value, str) else "numbers"


# --- to read ---------------------------------------------------------------------------------------


def _show(value: object) -> str:
    # A person may filter on a phone column, and labels and errors end up in saved notebooks.
    return _PHONE.sub(r"\1****", json.dumps(value, ensure_ascii=False, default=str))


def _show_list(values: Sequence[Scalar], most: int = 6) -> str:
    shown = ", ".join(_show(value) for value in values[:most])
    return shown if len(values) <= most else f"{shown}, … {len(values) - most} more"


def _describe(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, list | tuple | Mapping):
        return f"a {'mapping' if isinstance(value, Mapping) else 'list'} of {len(value)}"
    if isinstance(value, str | bool | int | float | date):
        text = _show(value)
        return text if len(text) <= 60 else text[:59] + "…"
    return f"a {type(value).__name__}"


def _join(rules: Sequence[Rule], texts: Sequence[str], word: str) -> str:
    if len(texts) > 1:
        texts = [f"({t})" if _is_joined(rule) else t for rule, t in zip(rules, texts, strict=True)]
    return f" {word} ".join(texts)


def _is_joined(rule: Rule) -> bool:
    # An `all` of one rule reads as that rule, which may itself be joined.
    return isinstance(rule, All | Any_) and (len(rule.rules) > 1 or any(map(_is_joined, rule.rules)))


# --- what a value means beside a column ------------------------------------------------------------


class _Kind(enum.Enum):
    """What a column holds, told by its dtype alone."""

    TEXT = "text"  # also object columns: their values are compared as text
    WHOLE = "whole numbers"
    NUMBER = "numbers"
    FLAG = "true/false"
    TIME = "dates"
    OTHER = "values that rules cannot compare"


class _Reading(enum.Enum):
    """How a leaf reads its column."""

    TEXT = enum.auto()
    NUMBER = enum.auto()
    FLAG = enum.auto()
    MOMENT = enum.auto()


def _plain_dtype(dtype: Any) -> Any:
    """Return the dtype of what a category or dictionary holds, or *dtype* itself."""
    if isinstance(dtype, pd.CategoricalDtype):
        return dtype.categories.dtype if len(dtype.categories) else np.dtype(object)
    if isinstance(dtype, pd.ArrowDtype) and pa.types.is_dictionary(dtype.pyarrow_dtype):
        return pd.ArrowDtype(dtype.pyarrow_dtype.value_type)
    return dtype


def _kind(dtype: Any) -> _Kind:
    if isinstance(dtype, pd.ArrowDtype):
        return _arrow_kind(dtype.pyarrow_dtype)
    if isinstance(dtype, pd.StringDtype) or dtype == np.dtype(object):
        return _Kind.TEXT
    kinds = {"i": _Kind.WHOLE, "u": _Kind.WHOLE, "f": _Kind.NUMBER, "b": _Kind.FLAG, "M": _Kind.TIME}
    return kinds.get(dtype.kind, _Kind.OTHER)


def _arrow_kind(arrow: Any) -> _Kind:
    types = pa.types
    if types.is_integer(arrow):
        return _Kind.WHOLE
    if types.is_floating(arrow) or types.is_decimal(arrow):
        return _Kind.NUMBER
    if types.is_boolean(arrow):
        return _Kind.FLAG
    if types.is_date(arrow) or types.is_timestamp(arrow):
        return _Kind.TIME
    is_text = types.is_string(arrow) or types.is_large_string(arrow) or types.is_string_view(arrow)
    return _Kind.TEXT if is_text or types.is_null(arrow) else _Kind.OTHER


def _read_leaf(leaf: Leaf, kind: _Kind, dtype: object, where: str) -> tuple[_Reading, list[Bound]]:
    """Decide how *leaf* reads a column of that kind, and read its values the same way."""
    first = leaf._values[0]
    if leaf.op in _DATES or leaf.op == "within_days":
        _need(leaf, kind, dtype, where, _Kind.TEXT, _Kind.TIME)
        texts = [value for value in leaf._values if isinstance(value, str)]
        return _Reading.MOMENT, [_must_read(text, _Kind.TIME, leaf, dtype, where) for text in texts]
    if leaf.op in _TEXTS:
        _need(leaf, kind, dtype, where, _Kind.TEXT, _Kind.WHOLE)
        return _Reading.TEXT, [*leaf._values]
    if isinstance(first, str) and kind is not _Kind.TEXT:
        _need(leaf, kind, dtype, where, _Kind.WHOLE, _Kind.NUMBER, _Kind.FLAG, _Kind.TIME)
        readings = {_Kind.TIME: _Reading.MOMENT, _Kind.FLAG: _Reading.FLAG}
        values = [_must_read(str(value), kind, leaf, dtype, where) for value in leaf._values]
        return readings.get(kind, _Reading.NUMBER), values
    _need(leaf, kind, dtype, where, _Kind.TEXT, _Kind.WHOLE, _Kind.NUMBER, _Kind.FLAG)
    if isinstance(first, bool):
        return _Reading.FLAG, [*leaf._values]
    return (_Reading.TEXT if isinstance(first, str) else _Reading.NUMBER), [*leaf._values]


def _need(leaf: Leaf, kind: _Kind, dtype: object, where: str, *kinds: _Kind) -> None:
    if kind not in kinds:
        value = _describe(leaf.value if len(leaf._values) > 1 else leaf._values[0])
        raise RuleError(f"{where}: `{leaf.op}` {value} cannot be asked of `{leaf.column}`, which is {dtype}")


def _must_read(text: str, kind: _Kind, leaf: Leaf, dtype: object, where: str) -> Bound:
    readers: dict[_Kind, Callable[[str], Bound | None]] = {_Kind.TIME: _read_moment, _Kind.FLAG: _read_flag}
    value = readers.get(kind, _read_number)(text)
    if value is None:
        raise RuleError(f"{where}.value: {_describe(text)} does not fit `{leaf.column}`, which is {dtype}")
    return value


def _read_number(text: str) -> int | float | None:
    text = text.strip()
    if re.match(_WHOLE, text):
        return int(text)
    value = float(text) if re.match(_REAL, text) else math.inf
    return value if abs(value) < _LIMIT else None


def _read_flag(text: str) -> bool | None:
    word = text.strip().lower()
    return True if word in _TRUE_WORDS else False if word in _FALSE_WORDS else None


def _read_moment(text: str) -> date | None:
    """Return a date, or a datetime where *text* has a time of day; None where it is neither."""
    found = re.match(_MOMENT, re.sub(_COMPACT, r"\1-\2-\3\4", text))
    if found is None:
        return None
    part = {name: value or "0" for name, value in found.groupdict().items()}
    try:
        day = date(int(part["year"]), int(part["month"]), int(part["day"]))
        if found["hour"] is None:
            return day
        hour, minute, second = (int(part[name]) for name in ("hour", "minute", "second"))
        micros = int(part["fraction"].ljust(6, "0")[:6])
        return datetime.combine(day, time(hour, minute, second, micros, _read_zone(part)))
    except ValueError:
        return None


def _read_zone(part: Mapping[str, str]) -> tzinfo | None:
    if part["zone"] == "0":
        return None
    if int(part["zone_minute"]) > 59:
        raise ValueError("no such offset")
    offset = timedelta(hours=int(part["zone_hour"]), minutes=int(part["zone_minute"]))
    return timezone(-offset if part["sign"] == "-" else offset)


def _iso(moment: date) -> str:
    return moment.isoformat(sep=" ") if isinstance(moment, datetime) else moment.isoformat()


# --- over a column ---------------------------------------------------------------------------------


class _Source:
    """The frame a rule is asked of; hands out its columns, each read once."""

    def __init__(self, frame: pd.DataFrame, now: datetime) -> None:
        _check_aware(now)
        self.rows = len(frame)
        self._frame = frame
        self._now = now
        self._columns: dict[str, _Column] = {}

    def column(self, name: str, where: str) -> _Column:
        if name not in self._columns:
            self._columns[name] = _Column(_find(self._frame, name, where), self._now)
        return self._columns[name]


class _Column:
    """One column, in each of the forms that leaves ask for; a form is made when first asked for."""

    def __init__(self, series: pd.Series[Any], now: datetime) -> None:
        self._series = series
        self._now = now
        self._codes: npt.NDArray[np.integer[Any]] | None = None
        dtype = _plain_dtype(series.dtype)
        if isinstance(series.dtype, pd.CategoricalDtype):
            # Each category is compared once, and the answers handed out by code.
            self._codes = series.cat.codes.to_numpy()
            self._values = pd.Series(series.cat.categories, dtype=dtype)
        else:
            self._values = series if dtype is series.dtype else series.astype(dtype)
        self._kind = _kind(dtype)

    def judge(self, leaf: Leaf, where: str) -> _Truth:
        if leaf.op in _NULLS:
            null = self._null
            return _Truth(null, ~null) if leaf.op == "is_null" else _Truth(~null, null)
        reading, bounds = _read_leaf(leaf, self._kind, self._values.dtype, where)
        view = self._view(reading)
        if leaf.op == "within_days":
            hit = view.within_days(leaf._values[0], self._now)
        else:
            hit = view.test(leaf.op, bounds)
        truth = _Truth(view.known & hit, view.known & ~hit)
        if self._codes is None:
            return truth
        # Code -1 is a null, and picks the appended False.
        return _Truth(np.append(truth.yes, False)[self._codes], np.append(truth.no, False)[self._codes])

    def _view(self, reading: _Reading) -> _View:
        if reading is _Reading.TEXT:
            return self._texts
        if reading is _Reading.MOMENT:
            return self._moments
        return self._flags if reading is _Reading.FLAG and self._kind is _Kind.TEXT else self._numbers

    @cached_property
    def _null(self) -> Mask:
        if getattr(self._series.dtype, "kind", "") == "f":
            return ~self._numbers.known  # pandas does not count NaN inside an Arrow column
        return self._series.isna().to_numpy(dtype=np.bool_)

    @cached_property
    def _arrow_text(self) -> Any:
        values = self._values
        if values.dtype == np.dtype(object):
            values = values.astype("str")  # keeps nulls; a partition may hold fewer types than the whole
        return _one_chunk(pa.array(values, from_pandas=True)).cast(pa.large_string())

    @cached_property
    def _texts(self) -> _Texts:
        return _Texts(self._arrow_text)

    @cached_property
    def _numbers(self) -> _Numbers:
        values, dtype = self._values, self._values.dtype
        if self._kind is _Kind.TEXT or getattr(dtype, "kind", "O") == "O":  # "O": Arrow decimals
            return _numbers_of_text(self._arrow_text)
        known = values.notna().to_numpy(dtype=np.bool_)
        if dtype.kind == "f":
            reals = values.to_numpy(dtype=np.float64, na_value=np.nan)
            return _Numbers((reals, ~np.isnan(reals)))
        exact = {"i": np.int64, "u": np.uint64, "b": np.bool_}[dtype.kind]
        nothing = False if dtype.kind == "b" else 0
        numbers = values.to_numpy(exact) if known.all() else values.to_numpy(exact, na_value=nothing)
        return _Numbers((numbers.astype(np.int8) if dtype.kind == "b" else numbers, known))

    @cached_property
    def _flags(self) -> _Numbers:
        words = pc.utf8_lower(pc.utf8_trim_whitespace(self._arrow_text))
        true, false = (_bools(pc.is_in(words, pa.array(w, words.type))) for w in (_TRUE_WORDS, _FALSE_WORDS))
        return _Numbers((true.astype(np.int8), true | false))

    @cached_property
    def _moments(self) -> _Moments:
        zone = self._now.tzinfo
        assert zone is not None  # _Source saw to it
        if self._kind is _Kind.TEXT:
            return _moments_of_text(self._arrow_text, zone)
        return _moments_of_dates(self._values, zone)


class _View:
    """A column in one form: where its values are known, and how they lie to a bound."""

    known: Mask

    def below(self, bound: Any) -> Mask:
        raise NotImplementedError

    def one_of(self, bounds: Sequence[Any]) -> Mask:
        raise NotImplementedError

    def contains(self, op: str, part: str) -> Mask:
        raise NotImplementedError

    def within_days(self, days: Any, now: datetime) -> Mask:
        raise NotImplementedError

    def test(self, op: str, bounds: Sequence[Any]) -> Mask:
        """Apply *op*; rows that are not known may come out either way."""
        first, last = bounds[0], bounds[-1]
        match op:
            case "==" | "in":
                return self.one_of(bounds)
            case "!=" | "not_in":
                return ~self.one_of(bounds)
            case "<" | "before":
                return self.below(first)
            case ">=":
                return ~self.below(first)
            case "<=":
                return self.below(first) | self.one_of([first])
            case ">" | "after":
                return ~(self.below(first) | self.one_of([first]))
            case "between":
                return ~self.below(first) & (self.below(last) | self.one_of([last]))
            case _:
                return self.contains(op, first)


class _Texts(_View):
    """Text, ordered by its UTF-8 bytes, as in SQLite."""

    def __init__(self, values: Any) -> None:
        self._values = values
        self.known = _bools(values.is_valid())

    def below(self, bound: str) -> Mask:
        return _bools(pc.less(self._values, pa.scalar(bound, self._values.type)))

    def one_of(self, bounds: Sequence[str]) -> Mask:
        return _bools(pc.is_in(self._values, pa.array(bounds, self._values.type)))

    def contains(self, op: str, part: str) -> Mask:
        find = pc.starts_with if op == "starts_with" else pc.match_substring
        return _bools(find(self._values, part))


class _Numbers(_View):
    """
    Numbers, compared exactly: a large whole number never passes through a float.

    Each lane is ``(values, known)``, values being a numpy array of ints or
    floats or an Arrow array of whole decimals; a row is known in one lane at most.
    """

    def __init__(self, *lanes: tuple[Any, Mask]) -> None:
        self._lanes = lanes
        self.known = reduce(np.logical_or, (known for _, known in lanes))

    def below(self, bound: int | float) -> Mask:
        return reduce(np.logical_or, (known & _numbers_below(values, bound) for values, known in self._lanes))

    def one_of(self, bounds: Sequence[int | float]) -> Mask:
        return reduce(np.logical_or, (known & _numbers_in(values, bounds) for values, known in self._lanes))


class _Moments(_View):
    """
    Instants in microseconds since 1970 UTC; *day_only* marks values without a time of day.

    A bound is the span it names: a whole day in the zone, or one microsecond.
    "Before" ends where the span begins, "after" begins where it ends.
    """

    def __init__(self, at: Ints, known: Mask, day_only: Mask, zone: tzinfo) -> None:
        self._at = at
        self._day_only = day_only
        self._zone = zone
        self.known = known

    def below(self, bound: date) -> Mask:
        return self._at < _span(bound, self._zone)[0]

    def one_of(self, bounds: Sequence[date]) -> Mask:
        spans = (_span(bound, self._zone) for bound in bounds)
        return reduce(np.logical_or, ((self._at >= start) & (self._at < end) for start, end in spans))

    def within_days(self, days: int, now: datetime) -> Mask:
        # A date has no hour to count 24 back from, so dates are compared with dates.
        today, instant = now.date(), _micros(now)
        oldest = _first_day(today, days)
        by_day = (self._at >= _span(oldest, self._zone)[0]) & (self._at < _span(today, self._zone)[1])
        by_time = (self._at >= instant - days * _DAY_US) & (self._at <= instant)
        return np.where(self._day_only, by_day, by_time)


def _check_aware(now: datetime) -> None:
    if now.utcoffset() is None:
        raise InputError("now: expected a time with a zone, got one without")


def _find(frame: pd.DataFrame, name: str, where: str) -> pd.Series[Any]:
    count = list(frame.columns).count(name)
    if count == 0:
        hint = nearest(name, map(str, frame.columns))
        raise RuleError(f"{where}.column: the segment has no column `{name}`{hint}")
    if count > 1:
        raise RuleError(f"{where}.column: the segment has {count} columns called `{name}`")
    return frame[name]


def _one_chunk(array: Any) -> Any:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _bools(array: Any) -> Mask:
    values: Mask = pc.fill_null(array, False).to_numpy(zero_copy_only=False)
    return values


def _numbers_of_text(texts: Any) -> _Numbers:
    """Read text as numbers; text that is no number (also inf, nan, 0x10 and 1,200) is unknown."""
    texts = pc.ascii_trim_whitespace(texts)
    is_whole = _bools(pc.match_substring_regex(texts, _WHOLE))
    is_real = _bools(pc.match_substring_regex(texts, _REAL)) & ~is_whole
    lanes: list[tuple[Any, Mask]] = [(_only(texts, is_whole).cast(pa.decimal128(38, 0)), is_whole)]
    if is_real.any():
        reals = _only(texts, is_real).cast(pa.float64())
        lanes.append((reals.to_numpy(zero_copy_only=False), is_real))
    return _Numbers(*lanes)


def _only(texts: Any, keep: Mask) -> Any:
    return pc.if_else(pa.array(keep), texts, pa.scalar(None, texts.type))


def _numbers_below(values: Any, bound: int | float) -> Mask:
    if isinstance(values, pa.Array):
        return _bools(pc.less(values, pa.scalar(Decimal(math.ceil(bound)), values.type)))
    if values.dtype.kind != "f":
        return np.asarray(values < math.ceil(bound))
    near = float(bound)
    # No float lies between a whole number and the float nearest to it.
    return np.asarray(values <= near if near < bound else values < near)


def _numbers_in(values: Any, bounds: Sequence[int | float]) -> Mask:
    if not isinstance(values, pa.Array) and values.dtype.kind == "f":
        exact = [float(bound) for bound in bounds if float(bound) == bound]
        return np.isin(values, np.array(exact, np.float64))
    whole = [int(bound) for bound in bounds if bound == int(bound)]
    if isinstance(values, pa.Array):
        return _bools(pc.is_in(values, pa.array([Decimal(bound) for bound in whole], values.type)))
    limits = np.iinfo(values.dtype)
    return np.isin(values, np.array([b for b in whole if limits.min <= b <= limits.max], values.dtype))


def _moments_of_text(texts: Any, zone: tzinfo) -> _Moments:
    """Read text as dates and times; text that is neither is unknown."""
    # Dates repeat, and reading one is the dearest thing here: each distinct text is read once.
    encoded = texts.dictionary_encode()
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)
    part = pc.extract_regex(
        pc.replace_substring_regex(encoded.dictionary, pattern=_COMPACT, replacement=r"\1-\2-\3\4"), _MOMENT
    )

    def number(name: str, width: int = 0) -> Ints:
        digits = pc.struct_field(part, name)
        if width:
            digits = pc.utf8_slice_codeunits(pc.utf8_rpad(digits, width, "0"), 0, width)
        return _ints(pc.if_else(pc.equal(digits, ""), "0", digits).cast(pa.int64()))

    year, month, day = number("year"), number("month"), number("day")
    hour, minute, second = number("hour"), number("minute"), number("second")
    zone_hour, zone_minute = number("zone_hour"), number("zone_minute")
    first = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    days = first.astype("datetime64[D]") + (day - 1)
    known = _bools(part.is_valid()) & (year > 0) & (month > 0) & (month <= 12) & (day > 0)
    known &= days.astype("datetime64[M]") == first  # no 30th of February
    known &= (hour < 24) & (minute < 60) & (second < 60) & (zone_hour < 24) & (zone_minute < 60)

    seconds = (hour * 60 + minute) * 60 + second
    wall = days.astype("datetime64[us]").astype(np.int64) + seconds * 1_000_000 + number("fraction", width=6)
    offset = (zone_hour * 60 + zone_minute) * 60_000_000
    offset = np.where(_bools(pc.equal(pc.struct_field(part, "sign"), "-")), -offset, offset)
    zoned = _bools(pc.not_equal(pc.struct_field(part, "zone"), ""))
    at = np.where(zoned, wall - offset, _instants(wall, zone))
    day_only = _bools(pc.equal(pc.struct_field(part, "hour"), ""))
    # Code -1 is a null, and picks what is appended.
    at, known, day_only = np.append(at, 0), np.append(known, False), np.append(day_only, False)
    return _Moments(at[codes], known[codes], day_only[codes], zone)


def _ints(array: Any) -> Ints:
    values: Ints = pc.fill_null(array, 0).to_numpy(zero_copy_only=False)
    return values


def _moments_of_dates(values: pd.Series[Any], zone: tzinfo) -> _Moments:
    """Read a typed column; only Arrow dates have no time of day, a datetime64 at midnight is a time."""
    dtype = values.dtype
    arrow = dtype.pyarrow_dtype if isinstance(dtype, pd.ArrowDtype) else None
    day_only = arrow is not None and pa.types.is_date(arrow)
    stamps = _one_chunk(pa.array(values, from_pandas=True))
    zoned = getattr(stamps.type, "tz", None) is not None
    target = pa.timestamp("us", "UTC" if zoned else None)
    micros = _ints(stamps.cast(target, safe=False).cast(pa.int64()))
    at = micros if zoned else _instants(micros, zone)
    return _Moments(at, _bools(stamps.is_valid()), np.full(len(at), day_only), zone)


def _instants(wall: Ints, zone: tzinfo) -> Ints:
    """Turn clock times in *zone* into instants; a time that came twice is the first of the two."""
    clock = pd.DatetimeIndex(np.clip(wall, _FIRST_US, _LAST_US).view("datetime64[us]"))
    first = np.ones(len(clock), dtype=np.bool_)
    local = clock.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
    return local.tz_convert("UTC").to_numpy(dtype="datetime64[us]").view(np.int64)


def _span(bound: date, zone: tzinfo) -> tuple[int, int]:
    """Return the instants from which and up to which *bound* lasts."""
    if isinstance(bound, datetime) and bound.tzinfo is not None:
        return _micros(bound), _micros(bound) + 1
    if isinstance(bound, datetime):
        start = int(_instants(np.array([_micros(bound.replace(tzinfo=UTC))]), zone)[0])
        return start, start + 1
    midnight = _micros(datetime(bound.year, bound.month, bound.day, tzinfo=UTC))
    start, end = _instants(np.array([midnight, midnight + _DAY_US]), zone)
    return int(start), int(end)


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _first_day(today: date, days: int) -> date:
    return date.fromordinal(max(today.toordinal() - days, 1))


# --- as SQL ----------------------------------------------------------------------------------------


class _SqlContext(NamedTuple):
    """What the SQL text may know of: the clock, and the dtypes of a frame."""

    now: datetime | None
    frame: pd.DataFrame | None


def _leaf_sql(leaf: Leaf, context: _SqlContext, where: str) -> str:
    name = _quote(leaf.column, '"')
    dtype = None if context.frame is None else _plain_dtype(_find(context.frame, leaf.column, where).dtype)
    if leaf.op in _NULLS:
        return f"{name} IS {'NOT ' if leaf.op == 'not_null' else ''}NULL"
    kind = _supposed_kind(leaf) if dtype is None else _kind(dtype)
    reading, bounds = _read_leaf(leaf, kind, dtype, where)
    if leaf.op == "within_days":
        return _within_days_sql(name, leaf, context.now)
    if reading is _Reading.MOMENT:
        return _moments_sql(leaf.op, name, bounds, context.now)
    if leaf.op == "contains":
        return f"instr({name}, {_literal(bounds[0])}) > 0"
    if leaf.op == "starts_with":
        return f"substr({name}, 1, {len(str(bounds[0]))}) = {_literal(bounds[0])}"
    operand = name
    if kind is _Kind.TEXT and reading is _Reading.NUMBER:
        # In SQLite text that looks like a number meets a REAL as one; any other is above every REAL.
        operand = f"CASE WHEN {name} <= CAST(9e999 AS REAL) THEN CAST({name} AS NUMERIC) END"
    elif kind is _Kind.TEXT and reading is _Reading.FLAG:
        true, false = (", ".join(map(_literal, words)) for words in (_TRUE_WORDS, _FALSE_WORDS))
        word = f"lower(trim({name}))"
        operand = f"CASE WHEN {word} IN ({true}) THEN TRUE WHEN {word} IN ({false}) THEN FALSE END"
    return _compare_sql(leaf.op, operand, [_literal(bound) for bound in bounds])


def _supposed_kind(leaf: Leaf) -> _Kind:
    first = leaf._values[0]
    is_text = isinstance(first, str) or leaf.op == "within_days"
    return _Kind.TEXT if is_text else _Kind.FLAG if isinstance(first, bool) else _Kind.NUMBER


def _compare_sql(op: str, operand: str, literals: Sequence[str]) -> str:
    if op == "between":
        return f"{operand} BETWEEN {literals[0]} AND {literals[1]}"
    if op in _LISTS:
        return f"{operand} {_SQL_OPS[op]} ({', '.join(literals)})"
    return f"{operand} {_SQL_OPS.get(op, op)} {literals[0]}"


def _moments_sql(op: str, name: str, bounds: Sequence[Bound], now: datetime | None) -> str:
    # date() and datetime() give NULL for text that is no date, as the mask does.
    pairs = [(f"{_moment_function(bound)}({name})", _literal(_wall(bound, now))) for bound in bounds]
    if op == "between":
        (low_operand, low), (high_operand, high) = pairs
        return f"({low_operand} >= {low} AND {high_operand} <= {high})"
    if op not in _LISTS:
        return _compare_sql(op, pairs[0][0], [pairs[0][1]])
    either = " OR ".join(f"{operand} = {literal}" for operand, literal in pairs)
    return f"NOT ({either})" if op == "not_in" else f"({either})"


def _within_days_sql(name: str, leaf: Leaf, now: datetime | None) -> str:
    if now is None:
        raise InputError("to_sql: `within_days` needs `now`")
    days, today = int(leaf._values[0]), now.date()
    since = now.astimezone(UTC) - timedelta(days=days)
    dates = f"{_literal(_first_day(today, days))} AND {_literal(today)}"
    times = f"{_literal(_wall(since, now))} AND {_literal(_wall(now, now))}"
    return (
        f"CASE WHEN length({name}) <= 10 THEN date({name}) BETWEEN {dates}"
        f" ELSE datetime({name}) BETWEEN {times} END"
    )


def _moment_function(bound: Bound) -> str:
    return "datetime" if isinstance(bound, datetime) else "date"


def _wall(bound: Bound, now: datetime | None) -> Bound:
    if not isinstance(bound, datetime):
        return bound
    if bound.tzinfo is not None:
        if now is None:
            raise InputError(f"to_sql: {_show(bound)} has a zone, and needs `now` to tell the column's")
        bound = bound.astimezone(now.tzinfo)
    return bound.replace(tzinfo=None, microsecond=0)


def _literal(value: Bound) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return repr(value)
    return _quote(_iso(value) if isinstance(value, date) else value, "'")


def _quote(text: str, mark: str) -> str:
    return mark + text.replace(mark, mark * 2) + mark
