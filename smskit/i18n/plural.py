"""English for one of something: sentences are written in the plural, and Chinese has none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from numbers import Integral
from typing import Any, Final

__all__ = ["in_english"]

_ONE: Final = {"people": "person", "entries": "entry", "replies": "reply"}  # the others lose an s
_MANY: Final = (
    "archived campaigns|campaigns|cells|characters|columns|days|entries|follow-ups|formulas|merged cells"
    "|messages|numbers|opt-outs|pages|parts|people|records|replies|requests|rows|seconds|signatures|templates"
    "|test sends|values|variables"
)
_VERBS: Final = {
    "are": "is",
    "do": "does",
    "have": "has",
    "hold": "holds",
    "look": "looks",
    "say": "says",
    "stand": "stands",
    "wait": "waits",
    "were": "was",
}
# A number, what it counts, and where its verb follows, at once or after "of …" or "left out …", that.
_COUNTED: Final = re.compile(
    rf"(\{{(\w+)(?::,)?\}} )({_MANY})\b(?:((?: (?:of|left) [^,;:]*?)?(?: still)? )({'|'.join(_VERBS)})\b)?"
)


# Of a sentence that was put in where one ends; neither an ellipsis nor a folder above.
_TWO_STOPS: Final = re.compile(r"(?<=\w)\.\.(?= [A-Z]|$)")


def in_english(text: str, values: Mapping[str, Any]) -> str:
    """
    *text* with its ``{names}`` filled in; what is counted, and its verb, as they are said of one.

    >>> in_english("{n:,} people are in {m} rows", {"n": 1, "m": 21}), in_english("{n} of 1 rows", {"n": 1})
    ('1 person is in 21 rows', '1 of 1 rows')
    >>> in_english("it stopped: {why}. Run it again", {"why": "no money. Top up, then run again."})
    'it stopped: no money. Top up, then run again. Run it again'
    """
    if any(isinstance(value, Integral) and value == 1 for value in values.values()):
        text = _COUNTED.sub(lambda found: _of_one(found) if values.get(found[2]) == 1 else found[0], text)
    return _TWO_STOPS.sub(".", text.format(**values))


def _of_one(found: re.Match[str]) -> str:
    number, _, noun, between, verb = found.groups(default="")
    one = _ONE.get(noun, noun.removesuffix("s"))
    return number + one + (between + _VERBS[verb] if verb else "")
