"""
What fills a template's variables: columns of the segment, or literals.

Owns the binding of each variable, the check that bindings, template and
segment fit, and how a cell becomes text (`format_value` says it for one
value, `format_column` gives the same for a whole column). Leaves the text
around the values to ``template``.

A missing cell is a null, never a word: the planner leaves that person out.

A moment that names a zone is written on the campaign's clock, so that a message
says the day that its rules see; one without a zone is written as it stands.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import lib

from smskit.audience.rules.values import read_moment
from smskit.audience.segment.cells import clock_of
from smskit.errors import TemplateError
from smskit.errors import suggest as did_you_mean
from smskit.i18n import Joined, Message

__all__ = [
    "UNREADABLE",
    "Binding",
    "bind",
    "check_bindings",
    "format_column",
    "format_value",
    "lacking",
    "parse_bindings",
    "rebound",
    "suggest",
    "to_data",
]

_KEYS = ("column", "default", "format", "value")  # of a binding
_TEXT = pa.large_string()

# White space of every kind, and the two invisible signs that exports leave behind (BOM, zero-width
# space). Spelt out because arrow and Python disagree about some of these.
_BLANKS = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\u200b\ufeff"
)
# What other programs write for a missing cell. Exact, so that a person called Nan keeps her name.
_MISSING = (
    *("nan", "NaN", "NAN", "None", "NaT", "<NA>", "null", "NULL", "undefined"),
    *("N/A", "n/a", "#n/a", "(null)", "(NULL)", "[null]", "[NULL]", "<null>", "<NULL>"),
    "\\N",  # MySQL, and whatever copies a table out of a database
    # A formula that failed: Excel and WPS, then Google Sheets, then LibreOffice.
    *("#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#FIELD!"),
    *("#GETTING_DATA", "#BUSY!", "#BLOCKED!", "#CONNECT!", "#UNKNOWN!", "#PYTHON!", "#EXTERNAL!"),
    *("#TIMEOUT!", "#ERROR!", *(f"Err:{number}" for number in range(501, 541))),
    *("#" * width for width in range(3, 256)),  # what a spreadsheet shows in a column too narrow for it
)
_MISSING_CELLS = pa.array(["", *_MISSING], _TEXT)
_NO_VALUE = {type(None), type(pd.NA), type(pd.NaT)}
# A whole number that went through a float on its way into a text file. Two zeros are a price.
_SPREADSHEET_FRACTION = r"^(-?[0-9]+)\.0$"

_DATE = "%Y-%m-%d"
_TIME = "%H:%M"
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
# Our own strftime, because the platform's depends on its locale and knows `%-d` on some systems
# only: the same plan must give the same texts, and the same hash, everywhere.
_DIRECTIVES: dict[str, Callable[[datetime], str]] = {
    "Y": lambda at: f"{at.year:04d}",
    "y": lambda at: f"{at.year % 100:02d}",
    "m": lambda at: f"{at.month:02d}",
    "-m": lambda at: f"{at.month}",
    "d": lambda at: f"{at.day:02d}",
    "-d": lambda at: f"{at.day}",
    "H": lambda at: f"{at.hour:02d}",
    "-H": lambda at: f"{at.hour}",
    "I": lambda at: f"{at.hour % 12 or 12:02d}",
    "-I": lambda at: f"{at.hour % 12 or 12}",
    "p": lambda at: "AM" if at.hour < 12 else "PM",
    "M": lambda at: f"{at.minute:02d}",
    "-M": lambda at: f"{at.minute}",
    "S": lambda at: f"{at.second:02d}",
    "-S": lambda at: f"{at.second}",
    "B": lambda at: _MONTHS[at.month - 1],
    "b": lambda at: _MONTHS[at.month - 1][:3],
    "A": lambda at: _DAYS[at.weekday()],
    "a": lambda at: _DAYS[at.weekday()][:3],
    "%": lambda at: "%",
}
_DIRECTIVE = re.compile(r"%(-?.|$)", re.DOTALL)
_UNITS = {"H": "h", "I": "h", "p": "h", "M": "m", "S": "s"}  # the others tell something of the day
_WITHIN = {"h": "D", "m": "h", "s": "m"}


# Stands before a cell that a date format does not fit; the planner takes no value that holds it.
UNREADABLE = "\ufffd"
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]+)?)?")


class HasNames(Protocol):
    """What of a template is needed here: the names of its variables."""

    @property
    def names(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True)
class Binding:
    """
    Where one variable's value comes from: a column, or a literal for everybody.

    Args:
        column: Name of the segment's column; None for a literal.
        default: For people whose cell is missing; None leaves them out.
        format: How a date is written, as strftime: ``%Y %m %d %H %M %S`` and
            so on, ``%-m`` without leading zero. Names of days and months are
            English.
        value: The literal, taken as it is.

    Raises:
        TemplateError: Not exactly one of *column* and *value*, an option that
            does not go with it, an empty literal or default, or an unknown
            directive.
    """

    column: str | None = None
    default: str | None = None
    format: str | None = None
    value: str | None = None

    def __post_init__(self) -> None:
        if (self.column is None) == (self.value is None):
            raise TemplateError("needs exactly one of `column` and `value`")
        if self.value is not None and (self.default is not None or self.format is not None):
            raise TemplateError("`default` and `format` go with a `column`, not with a `value`")
        if self.column is not None and not self.column.strip():
            raise TemplateError("`{name}` is empty", name="column")
        for key, text in (("value", self.value), ("default", self.default)):
            if text is not None and _clean_text(text) is None:
                raise TemplateError(
                    "`{name}` is empty or a word for a missing cell: {text}", name=key, text=repr(text)
                )
        if self.format is not None:
            _check_pattern(self.format)


def parse_bindings(data: Mapping[str, Any]) -> dict[str, Binding]:
    """
    Read the campaign parameter ``variables``.

    A number as literal or default is written as in a column (100.0 gives
    "100"), a date by *format*; a text is taken as typed. A number as variable
    name (``1: code``, for Tencent's ``{1}``) is taken as its digits.

    Args:
        data: Variable -> column name, or ``{column:, default:, format:}``, or
            ``{value:}``.

    Raises:
        TemplateError: Names the variable, what is wrong, and the nearest known
            word.
    """
    if not isinstance(data, Mapping):
        raise TemplateError(
            "`variables` must be a mapping such as `name: column`, not {why}", why=_kind(data)
        )
    bindings: dict[str, Binding] = {}
    for key, given in data.items():
        # YAML reads `1: code` as an integer; whatever else is no name will not be in the template.
        name = str(key)
        if name in bindings:
            raise TemplateError("variable `{name}` is bound twice", name=name)
        try:
            bindings[name] = _parse_binding(given)
        except TemplateError as error:
            raise TemplateError("variable `{name}`: {why}", name=name, why=error.message) from None
    return bindings


def to_data(bindings: Mapping[str, Binding]) -> dict[str, Any]:
    """Return plain data that `parse_bindings` reads back as *bindings*."""
    data: dict[str, Any] = {}
    for name, binding in bindings.items():
        options = {key: getattr(binding, key) for key in _KEYS if getattr(binding, key) is not None}
        data[name] = binding.column if options.keys() == {"column"} else options
    return data


def check_bindings(template: HasNames, bindings: Mapping[str, Binding], columns: Sequence[str]) -> None:
    """
    Make sure every variable is bound to something that exists, and nothing is left over.

    Raises:
        TemplateError: Lists every problem, in the template's order.
    """
    problems: list[Message] = []
    for name in template.names:
        if name not in bindings:
            unbound = Message("`{name}` is in the template but bound to nothing", name=name)
            problems.append(_column_hint(unbound, name, columns))
    for name, binding in bindings.items():
        if name not in template.names:
            useless = Message("`{name}` is bound but not in the template", name=name)
            problems.append(_near(useless, name, [n for n in template.names if n not in bindings]))
        if binding.column is not None and binding.column not in columns:
            lacking = Message(
                "`{name}` is bound to the column `{column}`, which the segment does not have",
                name=name,
                column=binding.column,
            )
            problems.append(_near(lacking, binding.column, columns))
    if problems:
        lines = [Message("  - {why}", why=problem) for problem in problems]
        raise TemplateError(Joined([Message("variables do not fit:"), *lines], "\n"))


def suggest(name: str, columns: Sequence[str]) -> str:
    """The column that *name* most likely means: the same word, however written, or a near one; "" = none."""
    if name in columns:
        return name
    plain = {_plain(column): column for column in reversed(columns)}
    close = difflib.get_close_matches(_plain(name), plain, n=1, cutoff=0.75)
    return plain[close[0]] if close else ""


def rebound(template: HasNames, data: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """
    The parameter ``variables`` for another template: what it still has stays, what is new gets a suggestion.

    A variable nothing is suggested for stays unbound.
    """
    found = {name: data[name] if name in data else suggest(name, columns) for name in template.names}
    return {name: given for name, given in found.items() if given}


def lacking(frame: pd.DataFrame) -> dict[str, int]:
    """Column -> how many rows have no value there, as a message would need one."""
    return {str(name): _lacking(frame[name]) for name in frame.columns}


def _lacking(column: pd.Series[Any]) -> int:
    try:
        return int(format_column(column).null_count)
    except TemplateError:  # of a type no message can show
        return len(column)


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def format_value(value: object, pattern: str | None = None, zone: tzinfo | None = None) -> str | None:
    """
    Return how one cell is written in a message, or None where it is missing.

    =============  ==========================================================
    text           without blanks at its ends; ``100.0`` gives ``100`` (a
                   spreadsheet's trace), ``5.50`` and ``3.00`` stay as typed
    missing        None, NaN, infinity, a blank text, the exact words
                   nan NaN NAN None NaT <NA> null NULL undefined \\N, and what
                   a spreadsheet shows of a formula that failed (#N/A, #REF!)
    integer        digits only
    float          the shortest digits that mean it, never with an exponent;
                   no fraction when whole
    Decimal        as it is, never with an exponent; no fraction when whole
                   (``100.00`` gives ``100``, ``5.50`` stays)
    bool           是 or 否
    date           by *pattern*, else ``%Y-%m-%d``; a date-time that names a
                   zone by the clock of *zone*, with a *pattern* or without
                   (None: by that of its own), any other as it stands
    time of day    by *pattern*, else ``%H:%M``
    duration       as a time of day by *pattern*, else ``26:03:00``
    =============  ==========================================================

    With a *pattern*, texts and numbers that rules read as a date are written by
    it, on the clock of *zone* where a text ends in Z or an offset, and so is a
    text such as ``9:30``; without one a text stays a text. A cell that is no date, or a time where
    *pattern* shows the day, comes back behind `UNREADABLE`.

    Raises:
        TemplateError: Any other type, or an unknown directive in *pattern*.
    """
    if pattern is not None:
        _check_pattern(pattern)
    return _write(value, pattern, zone)


def format_column(
    column: pd.Series[Any], *, pattern: str | None = None, zone: tzinfo | None = None
) -> pa.Array:
    """
    Return a column as text, each cell as `format_value` writes it.

    Args:
        column: Of any type, mixed ones too; not changed.
        pattern: How dates are written.
        zone: On whose clock date-times that name a zone are written; None: on their own.

    Returns:
        One large_string a row, null where the cell is missing. Text that is
        clean already is handed on without a copy.

    Raises:
        TemplateError: Names the column.
    """
    try:
        if pattern is not None:
            _check_pattern(pattern)
        return _format_series(column, pattern, zone)
    except TemplateError as error:
        raise TemplateError("column `{name}`: {why}", name=column.name, why=error.message) from None


def bind(
    frame: pd.DataFrame, bindings: Mapping[str, Binding], names: Sequence[str], *, zone: tzinfo
) -> dict[str, pa.Array]:
    """
    Return the values of each variable.

    Args:
        frame: One row a person; only bound columns are read. Not changed.
        names: The template's variables.
        zone: The campaign's, on whose clock date-times that name a zone are written.

    Returns:
        Variable -> one large_string a row, defaults filled in, null where the
        person has no value.

    Raises:
        TemplateError: A variable has no binding, or its column is not there;
            `check_bindings` says so earlier and better.
    """
    formatted: dict[tuple[str, str | None], pa.Array] = {}  # two variables may show one column
    values: dict[str, pa.Array] = {}
    for name in names:
        if name not in bindings:
            unbound = Message("variable `{name}` is bound to nothing", name=name)
            raise TemplateError(_column_hint(unbound, name, frame.columns))
        binding = bindings[name]
        if binding.column is None:
            # A plain array, though a dictionary would be smaller: whoever checks the values can use
            # any arrow function on them. A million rows take 3 ms.
            values[name] = pa.repeat(pa.scalar(binding.value, _TEXT), len(frame))
            continue
        if binding.column not in frame.columns:
            lacking = Message("the segment has no column `{name}`", name=binding.column)
            hinted = _near(lacking, binding.column, frame.columns)
            raise TemplateError("variable `{name}`: {why}", name=name, why=hinted)
        key = (binding.column, binding.format)
        if key not in formatted:
            formatted[key] = format_column(frame[binding.column], pattern=binding.format, zone=zone)
        column = formatted[key]
        values[name] = column if binding.default is None else pc.fill_null(column, binding.default)
    return values


def _parse_binding(given: object) -> Binding:
    if isinstance(given, str):
        return Binding(column=given)
    if not isinstance(given, Mapping):
        raise TemplateError(
            "write the name of a column, or `{{value: …}}` for the same text for everybody, not {why}",
            why=_kind(given),
        )
    for key in given:
        if key not in _KEYS:
            raise TemplateError(_unknown_key(str(key)))
    column, pattern = given.get("column"), given.get("format")
    for key, name in (("column", column), ("format", pattern)):
        if name is not None and not isinstance(name, str):
            raise TemplateError("`{name}` must be text, not {why}", name=key, why=_kind(name))
    value, default = None, given.get("default")
    if default is not None:
        default = _parse_literal("default", default, pattern)
    if "value" in given and (column is None or given["value"] is not None):
        value = _parse_literal("value", given["value"], pattern)
        if not isinstance(given["value"], str):
            pattern = None  # it has done its work
    return Binding(column=column, default=default, format=pattern, value=value)


def _parse_literal(key: str, given: object, pattern: str | None) -> str:
    # YAML makes a bool of an unquoted yes, no, on and off, so nobody can tell what was meant.
    if isinstance(given, bool | np.bool_):
        raise TemplateError("`{name}` is {value}, not a text; put the word in quotes", name=key, value=given)
    text = given if isinstance(given, str) else format_value(given, pattern)
    if text is None:
        raise TemplateError("`{name}` is empty", name=key)
    return text


def _unknown_key(key: str) -> Message:
    unknown = Message("unknown key `{name}`", name=key)
    hinted = did_you_mean(unknown, key, _KEYS)
    if hinted is not unknown:
        return hinted
    names = ", ".join(f"`{word}`" for word in _KEYS)
    return Message("unknown key `{name}`; known are {names}", name=key, names=names)


def _kind(value: object) -> Message:
    """The type of *value* for an error; the value itself may be private."""
    return Message("a value of type {code}", code=type(value).__name__)


def _near(problem: Message, name: str, known: Iterable[object]) -> Message:
    """As `smskit.errors.suggest`, whatever the case: databases like to shout."""
    folded = {str(word).casefold(): str(word) for word in known}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return Message("{why}; did you mean `{near}`?", why=problem, near=folded[close[0]]) if close else problem


def _column_hint(problem: Message, name: str, columns: Iterable[object]) -> Message:
    words = [str(column) for column in columns]
    if name in words:
        same = Message(
            "the segment has a column of that name: write `{name}: {column}`", name=name, column=name
        )
        return Joined([problem, same])
    return _near(problem, name, words)


def _write(value: object, pattern: str | None, zone: tzinfo | None) -> str | None:
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    if isinstance(value, np.timedelta64):
        value = pd.Timedelta(value)
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    match value:
        case datetime():
            return _write_moment(_on_clock(value, zone), pattern or _DATE)
        case date():
            return _write_moment(datetime(value.year, value.month, value.day), pattern or _DATE)
        case time():
            return _write_time(value, pattern or _TIME)
    text = _write_plain(value)
    return text if text is None or pattern is None else _write_read(text, pattern, zone)


def _write_plain(value: object) -> str | None:
    """Write what is no date and no time of day."""
    match value:
        case str():
            return _clean_text(value)
        case bool() | np.bool_():
            return "是" if value else "否"
        case int() | np.integer():
            return str(int(value))
        case Decimal():
            return _write_decimal(value)
        case float() | np.floating():
            return _write_float(value)
        case timedelta():
            return clock_of(value)
    raise TemplateError(
        "{why} cannot be written in a message; make it text, a number or a date", why=_kind(value)
    )


def _clean_text(value: str) -> str | None:
    text = value.strip(_BLANKS)
    if not text or text in _MISSING:
        return None
    whole = re.fullmatch(_SPREADSHEET_FRACTION, text)
    return whole[1] if whole else text


def _write_decimal(value: Decimal) -> str | None:
    if not value.is_finite():
        return None
    whole, _, fraction = f"{value:f}".partition(".")
    if fraction.strip("0"):
        return f"{whole}.{fraction}"
    return "0" if whole == "-0" else whole


def _write_float(value: float | np.floating[Any]) -> str | None:
    if not np.isfinite(value):
        return None
    if value == np.trunc(value):
        return str(int(value))
    # Knows the shortest digits of a 32-bit float too, where repr(float(x)) shows its rounding.
    return np.format_float_positional(value, trim="-")


def _write_read(text: str, pattern: str, zone: tzinfo | None) -> str:
    """Write a date or a time that stands as text, by *pattern*."""
    if clock := _CLOCK.fullmatch(text):
        hour, minute, second = (int(part or 0) for part in clock.groups())
        if hour < 24 and minute < 60 and second < 60:
            return _write_time(time(hour, minute, second), pattern)
    match read_moment(text):
        case datetime() as at:
            return _write_moment(_on_clock(at, zone), pattern)
        case date() as day:
            return _write_moment(datetime(day.year, day.month, day.day), pattern)
    return UNREADABLE + text


def _write_time(at: time, pattern: str) -> str:
    if any(used[-1] not in _UNITS and used != "%" for used in _DIRECTIVE.findall(pattern)):
        return f"{UNREADABLE}{at:%H:%M:%S}"  # of no day
    return _write_moment(datetime.combine(date(1900, 1, 1), at), pattern)


def _on_clock(at: datetime, zone: tzinfo | None) -> datetime:
    """The same moment by the clock of *zone*; one that names no zone, as it stands."""
    # By pandas, whose years go on where those of `datetime` end: 9999-12-31T23:00Z is in many a file.
    # Its nanoseconds end too, at another moment that is written for "never".
    return at if zone is None or at.tzinfo is None else pd.Timestamp(at).as_unit("us").tz_convert(zone)


def _write_moment(at: datetime, pattern: str) -> str:
    return _DIRECTIVE.sub(lambda mark: _DIRECTIVES[mark[1]](at), pattern)


def _check_pattern(pattern: str) -> None:
    used = _DIRECTIVE.findall(pattern)
    for directive in used:
        if directive not in _DIRECTIVES:
            known = " ".join(f"%{word}" for word in _DIRECTIVES)
            raise TemplateError(
                "the date format {text}: `{name}` is not known; known are {names}",
                text=repr(pattern),
                name=f"%{directive}",
                names=known,
            )
    if not set(used) - {"%"}:
        raise TemplateError(
            "the date format {text} shows no part of a date; write e.g. `{name}`",
            text=repr(pattern),
            name=_DATE,
        )


def _format_series(column: pd.Series[Any], pattern: str | None, zone: tzinfo | None) -> pa.Array:
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.cat.codes.to_numpy()
        categories = _format_series(pd.Series(column.cat.categories), pattern, zone)
        return categories.take(pa.array(codes, mask=codes < 0))
    # Arrow brings other objects to one type first, which shows: 5.5 next to 5.50 becomes 5.50, and
    # a date-time among dates loses its hour.
    kinds = set(map(type, column.to_numpy())) - _NO_VALUE if column.dtype == object else set()
    if kinds == {Decimal}:
        return _read_again(_format_decimal_objects(column.to_numpy()), pattern, zone)
    if column.dtype != object or kinds in ({str}, {date}):
        try:
            array = pa.array(column, from_pandas=True)
        except pa.ArrowException:  # a type that arrow has no word for, such as a sparse one
            array = None
        if isinstance(array, pa.ChunkedArray):
            array = array.combine_chunks()
        formatted = None if array is None else _format_array(array, pattern, zone)
        if formatted is not None:
            return formatted if _is_temporal(array.type) else _read_again(formatted, pattern, zone)
    return _format_objects(column.to_numpy(dtype=object), pattern, zone)


def _is_temporal(kind: pa.DataType) -> bool:
    return bool(pa.types.is_temporal(kind.value_type if pa.types.is_dictionary(kind) else kind))


def _read_again(texts: pa.Array, pattern: str | None, zone: tzinfo | None) -> pa.Array:
    """Write by *pattern* what stands as text; each distinct text is read once."""
    if pattern is None:
        return texts
    encoded = texts.dictionary_encode()
    written = [_write_read(text, pattern, zone) for text in encoded.dictionary.to_pylist()]
    return pa.array(written, _TEXT).take(encoded.indices)


def _format_array(values: pa.Array, pattern: str | None, zone: tzinfo | None) -> pa.Array | None:
    """The column as text, or None for a type that is left to `format_value`."""
    kind = values.type
    match kind.id:
        case lib.Type_STRING | lib.Type_LARGE_STRING | lib.Type_STRING_VIEW:
            return _format_texts(values.cast(_TEXT))
        case lib.Type_NA:
            return pa.nulls(len(values), _TEXT)
        case lib.Type_BOOL:
            return pc.if_else(values, pa.scalar("是", _TEXT), pa.scalar("否", _TEXT))
        case lib.Type_FLOAT | lib.Type_DOUBLE:
            return _format_floats(values)
        case lib.Type_HALF_FLOAT:  # as a Python object it would show its rounding
            return _format_objects(_objects(values.to_numpy(zero_copy_only=False)))
        case lib.Type_DATE32 | lib.Type_DATE64:
            unit = "s" if kind == pa.date32() else "ms"
            return _format_moments(values.cast(pa.timestamp(unit)), pattern, zone)
        case lib.Type_TIMESTAMP:
            return _format_moments(values, pattern, zone)
        case lib.Type_DICTIONARY:
            distinct = _format_array(values.dictionary, pattern, zone)
            return None if distinct is None else distinct.take(values.indices)
        case _ if pa.types.is_integer(kind):
            return values.cast(_TEXT)
        case _ if pa.types.is_decimal(kind):
            return _format_decimals(values)
    return None


def _format_texts(texts: pa.Array) -> pa.Array:
    trimmed = pc.utf8_trim(texts, characters=_BLANKS)
    # Equal sizes mean that nothing was trimmed; the copy is dropped, the column's own text kept.
    if pc.sum(pc.binary_length(trimmed)) != pc.sum(pc.binary_length(texts)):
        texts = trimmed
    missing = pc.is_in(texts, value_set=_MISSING_CELLS)
    if pc.any(missing).as_py():
        texts = pc.if_else(missing, pa.scalar(None, _TEXT), texts)
    if pc.any(pc.ends_with(texts, ".0")).as_py():
        texts = pc.replace_substring_regex(texts, _SPREADSHEET_FRACTION, r"\1")
    return texts


def _format_floats(values: pa.Array) -> pa.Array:
    numbers = values.to_numpy(zero_copy_only=False)  # a null becomes NaN
    finite = np.isfinite(numbers)
    whole = finite & (np.trunc(numbers) == numbers) & (np.abs(numbers) < 2**63)
    integers = np.where(whole, numbers, 0).astype(np.int64)
    texts = pa.array(integers, mask=~whole).cast(_TEXT)
    rest = finite & ~whole
    if not rest.any():
        return texts
    fractions = pa.array(numbers, mask=~rest).cast(_TEXT)
    # Arrow writes the shortest digits as numpy does, but turns to exponents early.
    odd = pc.fill_null(pc.match_substring(fractions, "e"), False)
    if pc.any(odd).as_py():
        remaining = numbers[odd.to_numpy(zero_copy_only=False)]
        written = _format_objects(_objects(remaining))
        fractions = pc.replace_with_mask(fractions, odd, written)
    return pc.coalesce(texts, fractions)


def _format_decimals(values: pa.Array) -> pa.Array | None:
    texts = values.cast(_TEXT)
    exponents = pc.any(pc.match_substring(texts, "E")).as_py()
    return None if exponents else _drop_zero_fraction(texts)


def _format_decimal_objects(values: npt.NDArray[np.object_]) -> pa.Array:
    # What a database's NUMERIC arrives as, so worth not going through `_write` a row.
    texts = pa.array(_objects(map(str, values)), _TEXT)
    odd = pc.match_substring_regex(texts, "[A-Za-z]")  # 1E+5, Infinity, NaN, None
    rows = odd.to_numpy(zero_copy_only=False)
    return pc.replace_with_mask(_drop_zero_fraction(texts), odd, _format_objects(values[rows]))


def _drop_zero_fraction(texts: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(pc.replace_substring_regex(texts, r"\.0+$", ""), "^-0$", "0")


def _format_moments(values: pa.Array, pattern: str | None, zone: tzinfo | None) -> pa.Array:
    stamps = values.to_pandas()
    if values.type.tz is not None:
        if stamps.dt.unit == "ns":
            stamps = stamps.dt.as_unit("us")  # as in `_on_clock`
        stamps = (stamps if zone is None else stamps.dt.tz_convert(zone)).dt.tz_localize(None)
    moments = stamps.to_numpy()
    runs = [_format_run(moments, run, unit) for run, unit in _split_pattern(pattern or _DATE)]
    return runs[0] if len(runs) == 1 else pc.binary_join_element_wise(*runs, pa.scalar("", _TEXT))


def _split_pattern(pattern: str) -> list[tuple[str, str]]:
    """Cut where the unit changes: a million date-times have few days, and 60 minutes of the hour."""
    runs: list[tuple[str, str]] = []
    run, unit = "", ""
    for part in re.findall(r"%-?.|[^%]+", pattern, re.DOTALL):
        plain = part[0] != "%" or part == "%%"
        needed = unit if plain else _UNITS.get(part[-1], "D")
        if unit and needed != unit:
            runs.append((run, unit))
            run = ""
        run, unit = run + part, needed
    return [*runs, (run, unit)]


def _format_run(moments: npt.NDArray[np.datetime64], run: str, unit: str) -> pa.Array:
    shown = moments.astype(f"datetime64[{unit}]")
    if unit in _WITHIN:
        shown = np.zeros(1, shown.dtype) + (shown - moments.astype(f"datetime64[{_WITHIN[unit]}]"))
    codes, distinct = pd.factorize(shown)
    texts = pa.array([_write_moment(at, run) for at in pd.DatetimeIndex(distinct)], _TEXT)
    return texts.take(pa.array(codes, mask=codes < 0))


def _format_objects(
    values: npt.NDArray[np.object_], pattern: str | None = None, zone: tzinfo | None = None
) -> pa.Array:
    """
    Write each distinct value once.

    Distinct by type and by what `str` shows, since equal values may be written
    differently: True and 1, Decimal 5.5 and 5.50, one instant in two zones.
    """
    shown, _ = pd.factorize(_objects(map(str, values)))
    kinds, types = pd.factorize(_objects(map(type, values)))
    codes, distinct = pd.factorize(shown * len(types) + kinds)
    first = np.empty(len(distinct), dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]  # of several writes the last one stays
    return pa.array([_write(values[row], pattern, zone) for row in first], _TEXT).take(pa.array(codes))


def _objects(values: Iterable[object]) -> npt.NDArray[np.object_]:
    """The values as they are; numpy would make arrays of lists and one type of numbers."""
    return np.fromiter(values, dtype=object)
