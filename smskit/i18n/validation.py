"""
What pydantic finds wrong with a value, as a message.

A validator of ours raises ``ValueError(Message(…))`` or an error of smskit, and says it in its own words;
what pydantic itself checks is listed here, letter for letter as pydantic words it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from smskit.i18n.message import Message, mark

__all__ = ["what_is_wrong"]

# pydantic's type of error -> its message template, for the types that settings and parameters can raise.
_WORDS: Final[Mapping[str, str]] = {
    "bool_parsing": mark("Input should be a valid boolean, unable to interpret input"),
    "bool_type": mark("Input should be a valid boolean"),
    "decimal_parsing": mark("Input should be a valid decimal"),
    "decimal_type": mark("Decimal input should be an integer, float, string or Decimal object"),
    "dict_type": mark("Input should be a valid dictionary"),
    "enum": mark("Input should be {expected}"),
    "extra_forbidden": mark("Extra inputs are not permitted"),
    "finite_number": mark("Input should be a finite number"),
    "float_parsing": mark("Input should be a valid number, unable to parse string as a number"),
    "float_type": mark("Input should be a valid number"),
    "greater_than": mark("Input should be greater than {gt}"),
    "greater_than_equal": mark("Input should be greater than or equal to {ge}"),
    "int_from_float": mark("Input should be a valid integer, got a number with a fractional part"),
    "int_parsing": mark("Input should be a valid integer, unable to parse string as an integer"),
    "int_type": mark("Input should be a valid integer"),
    "less_than": mark("Input should be less than {lt}"),
    "less_than_equal": mark("Input should be less than or equal to {le}"),
    "list_type": mark("Input should be a valid list"),
    "literal_error": mark("Input should be {expected}"),
    "missing": mark("Field required"),
    "string_pattern_mismatch": mark("String should match pattern '{pattern}'"),
    "string_too_long": mark("String should have at most {max_length} characters"),
    "string_too_short": mark("String should have at least {min_length} characters"),
    "string_type": mark("Input should be a valid string"),
    "too_short": mark(
        "{field_type} should have at least {min_length} item after validation, not {actual_length}"
    ),
}


_SINGULAR: Final[Mapping[str, str]] = {
    "string_too_short": mark("String should have at least {min_length} character"),
}


def what_is_wrong(error: Mapping[str, Any]) -> Message:
    """
    The problem in one of ``ValidationError.errors()``, without the name of the field.

    >>> what_is_wrong({"type": "greater_than", "msg": "Input should be greater than 0", "ctx": {"gt": 0}})
    'Input should be greater than 0'
    """
    context = error.get("ctx", {})
    if "error" in context:
        raised = context["error"]
        said = getattr(raised, "message", None) or (raised.args[0] if raised.args else "")
        return said if isinstance(said, Message) else Message(str(said))
    values = {name: f"{v:g}" if isinstance(v, float) else v for name, v in context.items()}
    for words in (_WORDS.get(error["type"], ""), _SINGULAR.get(error["type"], "")):
        if words and words.format(**values) == error["msg"]:
            return Message(words, **{name: v for name, v in values.items() if f"{{{name}}}" in words})
    return Message(error["msg"])
