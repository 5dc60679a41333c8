"""
What fills a template's variables: columns of the segment, or literals.

Owns the binding of each variable, and the check that bindings, template and
segment fit. How a cell becomes text is ``values``, the text around the values
``template``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from smskit.audience.columns import Columns
from smskit.errors import TemplateError
from smskit.errors import suggest as did_you_mean
from smskit.i18n import Joined, Message
from smskit.message.values import check_pattern, clean_text, format_column, format_value, kind_of

__all__ = [
    "Binding",
    "bind",
    "check_bindings",
    "lacking",
    "parse_bindings",
    "rebound",
    "suggest",
    "to_data",
]

_KEYS = ("column", "default", "format", "value")  # of a binding
_TEXT = pa.large_string()


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
            if text is not None and clean_text(text) is None:
                raise TemplateError(
                    "`{name}` is empty or a word for a missing cell: {text}", name=key, text=repr(text)
                )
        if self.format is not None:
            check_pattern(self.format)


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
            "`variables` must be a mapping such as `name: column`, not {why}", why=kind_of(data)
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


def bind(
    frame: Columns, bindings: Mapping[str, Binding], names: Sequence[str], *, zone: tzinfo
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
            why=kind_of(given),
        )
    for key in given:
        if key not in _KEYS:
            raise TemplateError(_unknown_key(str(key)))
    column, pattern = given.get("column"), given.get("format")
    for key, name in (("column", column), ("format", pattern)):
        if name is not None and not isinstance(name, str):
            raise TemplateError("`{name}` must be text, not {why}", name=key, why=kind_of(name))
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
