"""
Texts with placeholders: read once, filled in one pass.

A value is copied, never read again, so a value that holds braces or the name
of a placeholder arrives as it is. Quoting belongs to whoever fills.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from smskit.i18n import Message

# Every placeholder and what fills it. ``var.NAME`` stands for any template variable.
PLACEHOLDERS: Mapping[str, str] = {
    "phone": "the number, +8613800000000",
    "national": "the number, 13800000000",
    "phones": "all numbers of the request, written as `batching` says",
    "text": "the whole text, signature in front",
    "body": "the text without the signature",
    "signature": "the signature, without brackets",
    "template_id": "parameter `template_id`",
    "variables": "all template variables, a JSON object",
    "var.NAME": "one template variable",
    "reference": "the campaign's id, at most 60 characters",
    "since": "where a search of records begins, as `time_format` says",
    "until": "where it ends",
    "account": "the credential SMSKIT_HTTP_ACCOUNT",
    "secret": "the credential SMSKIT_HTTP_SECRET",
    "token": "the credential SMSKIT_HTTP_TOKEN",
    "basic": "account and secret as HTTP basic authentication writes them",
    "timestamp": "seconds since 1970",
    "timestamp_ms": "milliseconds since 1970",
    "time": "the time, as `time_format` and `timezone` say",
    "nonce": "32 random hex digits, new for every request",
    "sign": "what `signing` makes",
    "raw_body": "the body exactly as sent; only in `signing.over`",
}

Value = str | list[str] | dict[str, str]
Values = Mapping[str, Value]

# A body: patterns where the file has texts, everything else as the file has it.
Tree = Any


class Place(NamedTuple):
    """Where a value goes; as a *number* where JSON tells 5 from "5"."""

    name: str
    number: bool = False

    @property
    def known_as(self) -> str:
        """Its name in the table of placeholders."""
        return "var.NAME" if self.name.startswith("var.") else self.name


_PLACE = re.compile(
    r"(?P<double>\{\{|\}\})|\{(?P<name>var\.[\w-]+|\w+)(?P<number>:number)?\}|(?P<stray>[{}])"
)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text with placeholders; ``{{`` and ``}}`` are literal braces."""

    pieces: tuple[str | Place, ...]

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """
        Read *text*.

        Raises:
            ValueError: a brace belongs to nothing, or ``:number`` does not stand alone.
        """
        pieces: list[str | Place] = []
        end = 0
        for mark in _PLACE.finditer(text):
            if mark["stray"]:
                at = mark.start() + 1
                raise ValueError(
                    Message("has a brace without a partner at character {n}; write {{{{ or }}}}", n=at)
                )
            if mark["number"] and mark[0] != text:
                raise ValueError(
                    Message("has {place} beside other text; a number stands alone", place=mark[0])
                )
            pieces.append(text[end : mark.start()])
            pieces.append(mark["double"][0] if mark["double"] else Place(mark["name"], bool(mark["number"])))
            end = mark.end()
        pieces.append(text[end:])
        return cls(tuple(piece for piece in pieces if piece))

    @property
    def places(self) -> tuple[Place, ...]:
        """Its placeholders, in order."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Place))

    def fill(self, values: Values, quoted: Callable[[str], str] = str) -> str:
        """The text with every value put in, each through *quoted*."""
        return "".join(p if isinstance(p, str) else quoted(_as_text(values[p.name])) for p in self.pieces)

    def fill_json(self, values: Values) -> Any:
        """For a JSON value: a lone placeholder gives its value as it is, a list or an object too."""
        if len(self.pieces) == 1 and isinstance(place := self.pieces[0], Place):
            value = values[place.name]
            return _as_number(place, value) if place.number else value
        return self.fill(values)


def compiled(value: Any, place: str = "") -> Tree:
    """
    *value* with every text in it read as a pattern.

    Raises:
        ValueError: a text cannot be read; names its place.
    """
    if isinstance(value, dict):
        return {str(name): compiled(child, f"{place}.{name}") for name, child in value.items()}
    if isinstance(value, list):
        return [compiled(child, f"{place}.{i}") for i, child in enumerate(value)]
    try:
        return Pattern.parse(value) if isinstance(value, str) else value
    except ValueError as error:
        why = error.args[0]
        raise ValueError(Message("{key} {why}", key=place[1:], why=why) if place[1:] else why) from None


def patterns(tree: Tree, place: str) -> Iterator[tuple[str, Pattern]]:
    """Every pattern of a tree, with its key."""
    if isinstance(tree, Pattern):
        yield place, tree
    children = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for name, child in children:
        yield from patterns(child, f"{place}.{name}")


def filled_json(tree: Tree, values: Values) -> Any:
    """The tree as JSON data, every pattern filled."""
    if isinstance(tree, dict):
        return {name: filled_json(child, values) for name, child in tree.items()}
    if isinstance(tree, list):
        return [filled_json(child, values) for child in tree]
    return tree.fill_json(values) if isinstance(tree, Pattern) else tree


def filled_text(tree: Tree, values: Values) -> str:
    """The tree for a field that holds only text: whatever is more than that goes in as JSON."""
    if isinstance(tree, Pattern):
        return tree.fill(values)
    return "" if tree is None else to_json(filled_json(tree, values))


def to_json(value: Any) -> str:
    """Compact JSON, Chinese as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _as_text(value: Value) -> str:
    if isinstance(value, list):
        return ",".join(value)
    return value if isinstance(value, str) else to_json(value)


def _as_number(place: Place, value: Value) -> int:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]+", value):
        return int(value)
    raise ValueError(
        Message(
            "{place} would be filled with something that is no whole number", place=f"{{{place.name}:number}}"
        )
    )
