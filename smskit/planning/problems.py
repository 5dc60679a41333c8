"""
What is wrong with parameters, as sentences: names nobody knows, credentials, and values pydantic refuses.

Each problem is (parameter, sentence). A value is never repeated: it may be a credential or a phone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final, TypeAlias

from pydantic import ValidationError

from smskit.errors import suggest
from smskit.i18n import Message, mark
from smskit.i18n.validation import what_is_wrong

__all__ = ["NO_TIME", "Problems", "of_credentials", "of_names", "of_values"]

Problems: TypeAlias = list[tuple[str, Message]]

NO_TIME: Final = mark("must be a date or date-time such as 2026-11-23 or 2026-11-23T20:00")

_CREDENTIAL_NAME: Final = re.compile(r"key|secret|passw|token|credential", re.IGNORECASE)
_CREDENTIAL_VALUE: Final = re.compile(
    r"LTAI[0-9A-Za-z]{12,}|AKID[0-9A-Za-z]{13,}|(?<![0-9A-Za-z])[0-9a-f]{32}(?![0-9A-Za-z])"
)
_URL_PASSWORD: Final = re.compile(r"://[^/\s:@]*:[^\s@]+@")

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
        if named or looks or _URL_PASSWORD.search(str(value)):
            text = Message(
                "parameter `{name}` looks like a credential. Parameters are written into the executed "
                "notebook: put it in the environment, a .env file or the keyring instead",
                name=name,
            )
            problems.append((str(name), text))
    return problems


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
