"""
What is wrong with parameters, as sentences: names nobody knows, credentials, and values pydantic refuses.

Each problem is (parameter, sentence). A value is never repeated: it may be a credential or a phone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, TypeAlias

import pyarrow as pa
from pydantic import ValidationError

from smskit.audience.phones import normalise
from smskit.audience.segment.location import carries_secret
from smskit.errors import suggest
from smskit.i18n import Message, mark
from smskit.i18n.validation import what_is_wrong

__all__ = ["NO_TEXT", "NO_TIME", "Problems", "of_credentials", "of_names", "of_people", "of_values"]

Problems: TypeAlias = list[tuple[str, Message]]

NO_TEXT: Final = mark("give the text as parameter `template`, or the provider's `template_id`")
NO_TIME: Final = mark("must be a date or date-time such as 2026-11-23 or 2026-11-23T20:00")

_CREDENTIAL_NAME: Final = re.compile(r"key|secret|passw|token|credential", re.IGNORECASE)
_CREDENTIAL_VALUE: Final = re.compile(
    r"LTAI[0-9A-Za-z]{12,}|AKID[0-9A-Za-z]{13,}|(?<![0-9A-Za-z])[0-9a-f]{32}(?![0-9A-Za-z])"
)
_URL_PASSWORD: Final = re.compile(r"://[^/\s:@]*:[^\s@]+@")

_LONG_ENOUGH: Final = re.compile(r"(\D*\d){10}")  # no phone of a segment has fewer digits

# pydantic's type of error -> our words, and the value of its that they repeat; its other words will do.
_WHOLE, _NUMBER = mark("must be a whole number"), mark("must be a number")
_ONE_OF = mark("must be {names}")
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "greater_than_equal": (mark("must be at least {least}"), "ge"),
    "greater_than": (mark("must be more than {least}"), "gt"),
    "less_than_equal": (mark("must be at most {most}"), "le"),
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float"), (_WHOLE, "")),
    **dict.fromkeys(("float_parsing", "float_type", "finite_number"), (_NUMBER, "")),
    **dict.fromkeys(("decimal_parsing", "decimal_type"), (_NUMBER, "")),
    **dict.fromkeys(("literal_error", "enum"), (_ONE_OF, "expected")),
    "string_too_short": (mark("must not be empty"), ""),
    "string_type": (mark("must be text; none at all is written ''"), ""),
    "list_type": (mark("must be a list, such as [a, b]"), ""),
    "dict_type": (mark("must be pairs, such as `name: column`"), ""),
}


def of_names(data: Mapping[str, Any], known: Collection[str]) -> Problems:
    """Names that are no parameter, each with the nearest one that is."""
    return [
        (str(name), suggest(Message("unknown parameter `{name}`", name=name), str(name), known))
        for name in data
        if name not in known and not _CREDENTIAL_NAME.search(str(name))
    ]


def of_credentials(data: Mapping[str, Any], known: Collection[str]) -> Problems:
    """Names and values that look like a key, a token or a password."""
    problems = []
    for name, value in data.items():
        named = name not in known and _CREDENTIAL_NAME.search(str(name))
        looks = name not in ("plan_hash", "campaign", "series") and _CREDENTIAL_VALUE.search(str(value))
        in_url = name != "template" and carries_secret(str(value))
        if named or looks or in_url or _URL_PASSWORD.search(str(value)):
            text = Message(
                "parameter `{name}` looks like a credential. Parameters are written into the executed "
                "notebook: put it in the environment, a .env file or the keyring instead",
                name=name,
            )
            problems.append((str(name), text))
    return problems


def of_people(data: Mapping[str, Any]) -> Problems:
    """Phones as values of rules: parameters are shown and saved in many places."""
    texts = [text for text in map(str, _values_in(data.get("rules"))) if _LONG_ENOUGH.match(text)]
    if not texts or not normalise(pa.array(texts, pa.large_string())).e164.any():
        return []
    what = Message(
        "parameter `rules` has phones as values, which would stand in full in notebooks and reports: choose "
        "people by their user id, or put them into a segment file of their own"
    )
    return [("rules", what)]


def _values_in(rules: Any) -> Iterator[Any]:
    """Every text and number in *rules*, at whatever depth."""
    match rules:
        case Mapping():
            for inner in rules.values():
                yield from _values_in(inner)
        case list() | tuple():
            for inner in rules:
                yield from _values_in(inner)
        case str() | int() | float():
            yield rules


def of_values(error: ValidationError) -> Problems:
    """What pydantic, or a validator of the spec, found."""
    found = error.errors(include_input=False, include_url=False)
    return [(str(e["loc"][0]) if e["loc"] else "", _sentence(e)) for e in found]


def _sentence(error: Mapping[str, Any]) -> Message:
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] == "missing":
        return Message("parameter `{name}` is required", name=place)
    if place == "campaign" and error["type"] != "value_error":
        return Message("parameter `campaign` must be an id of 1 to 120 letters, digits, and . : _ + -")
    if place == "series":
        return Message("parameter `series` must be at most 120 letters, digits, and . : _ + -")
    return Message("parameter `{name}`: {why}", name=place, why=_why(error))


def _why(error: Mapping[str, Any]) -> Message:
    if error["type"].startswith("datetime_"):
        return Message(NO_TIME)
    words, key = _WORDS.get(error["type"], ("", ""))
    if not words:
        return what_is_wrong(error)
    limit = error["ctx"][key] if key else ""
    shown = limit if isinstance(limit, str) else f"{limit:g}"
    return Message(words, least=shown, most=shown, names=shown) if key else Message(words)
