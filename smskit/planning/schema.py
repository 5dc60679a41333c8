"""
The parameter file from outside: its JSON Schema for editors, its table for the
reference, where each parameter stands, and what tells two of them apart.

Pure. All of it is read from the fields of ``CampaignSpec``, so that there is one
source. Leaves to others what a parameter means for a campaign (``explain``) and
whether it fits a segment (``validate``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from smskit.audience.phones import redact
from smskit.audience.rules import OPS
from smskit.i18n import Joined, Message
from smskit.models import Mode
from smskit.planning.spec import DEFINITION, CampaignSpec

__all__ = ["Difference", "default_of", "differences", "markdown", "schema", "shown", "verdict"]

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_NULL_OPS = ("is_null", "not_null")
_SCALAR = {"type": ["string", "number", "boolean"]}


def default_of(name: str) -> Any:
    """What a parameter is when nobody says so, as plain data; None for one that is required."""
    field = CampaignSpec.model_fields[name]
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    return str(default) if isinstance(default, Decimal) else default


def shown(value: object, most: int = 60) -> str:
    """A value on one line, with every phone masked."""
    if value is None:
        return "none"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = redact(text).replace("\n", "⏎")
    return text if len(text) <= most else text[: most - 1] + "…"


# -- schema and table ------------------------------------------------------------------------


def schema() -> dict[str, Any]:
    """
    The JSON Schema (2020-12) of a parameter file: every parameter, its default and its meaning.

    What an editor can know: names, types, ranges, the shape of rules and variables.
    Whether they fit a segment is for ``smskit validate``.
    """
    made = CampaignSpec.model_json_schema()
    properties: dict[str, Any] = {}
    for name, found in made["properties"].items():
        found = {key: value for key, value in found.items() if key != "title"}
        if found.get("type") == "string":
            found["type"] = ["string", "number"]  # YAML reads 20261123 as a number; it is taken as its digits
        properties[name] = found
    properties["rules"] = _kept(properties["rules"]) | {
        "anyOf": [
            {"$ref": "#/$defs/rule"},
            {"type": "array", "items": {"$ref": "#/$defs/rule"}},
            {"type": "null"},
        ]
    }
    properties["variables"]["additionalProperties"] = {"$ref": "#/$defs/binding"}
    # A bare date is one too, and an editor that checks formats would complain about it.
    properties["not_after"] = _kept(properties["not_after"]) | {"type": ["string", "null"]}
    properties["arm"] = _kept(properties["arm"]) | {"anyOf": [_arm_schema(), {"type": "null"}]}
    properties["test_phones"] |= {"type": ["array", "string"], "items": {"type": ["string", "integer"]}}
    return {
        "$schema": _DRAFT,
        "title": "smskit campaign",
        "description": "Parameters of an SMS campaign, for `smskit plan FILE` and `papermill -f FILE`.",
        "type": "object",
        "required": made["required"],
        "additionalProperties": False,
        "properties": properties,
        "$defs": made["$defs"] | {"rule": _rule_schema(), "binding": _binding_schema()},
    }


def _kept(found: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key in ("description", "default", "examples")}


def _rule_schema() -> dict[str, Any]:
    several = {"type": "array", "items": {"$ref": "#/$defs/rule"}}
    ops = [op for op in OPS if op not in _NULL_OPS]
    leaf = {"column": {"type": "string", "description": "a column of the segment"}}
    value = {"anyOf": [_SCALAR, {"type": "array", "items": _SCALAR}]}
    return {
        "description": "rules that must all hold, or any of them, one that must not, or one comparison",
        "anyOf": [
            *(
                {
                    "type": "object",
                    "required": [joiner],
                    "additionalProperties": False,
                    "properties": {joiner: several if joiner != "not" else {"$ref": "#/$defs/rule"}},
                }
                for joiner in ("all", "any", "not")
            ),
            {
                "type": "object",
                "required": ["column", "op", "value"],
                "additionalProperties": False,
                # Other spellings of ops that are understood when pasted.
                "properties": leaf | {"op": {"enum": [*ops, "=", "<>", "=>", "=<"]}, "value": value},
            },
            {
                "type": "object",
                "required": ["column", "op"],
                "additionalProperties": False,
                "properties": leaf | {"op": {"enum": list(_NULL_OPS)}, "value": {"type": "null"}},
            },
        ],
    }


def _arm_schema() -> dict[str, Any]:
    share, name = {"type": "number", "minimum": 0, "maximum": 1}, {"type": ["string", "number"]}
    return {
        "type": "object",
        "required": ["experiment", "name", "from", "to"],
        "additionalProperties": False,
        "properties": {"experiment": name, "name": name, "from": share, "to": share},
    }


def _binding_schema() -> dict[str, Any]:
    column = {"type": "string", "description": "a column of the segment"}
    pattern = {"type": "string", "description": "how a date is written, such as %m月%d日"}
    several = {
        "column": column,
        "default": _SCALAR | {"description": "where the cell is empty"},
        "format": pattern,
    }
    return {
        "description": "what a variable says: a column, a column with a fallback, or a literal",
        "anyOf": [
            {"type": ["string", "number"]},
            {"type": "object", "required": ["column"], "additionalProperties": False, "properties": several},
            {
                "type": "object",
                "required": ["value"],
                "additionalProperties": False,
                "properties": {"value": _SCALAR, "format": pattern},
            },
        ],
    }


def markdown() -> str:
    """The table of parameters as docs/reference.md has it."""
    rows = ["| name | default | meaning |", "| --- | --- | --- |"]
    for name, field in CampaignSpec.model_fields.items():
        default = default_of(name)
        cell = "required" if field.is_required() else "none" if default is None else f"`{shown(default)}`"
        rows.append(f"| `{name}` | {'' if default == '' else cell} | {field.description} |")
    return "\n".join(rows) + "\n"


# -- two files compared -------------------------------------------------------------------------


class Difference(NamedTuple):
    """One place in which two campaigns differ."""

    place: str  # "max_cost", "rules.all[1].value"
    before: Any  # None where it is not there
    after: Any
    defines: bool  # whether it is part of what a campaign is; see `spec.DEFINITION`

    def to_data(self) -> dict[str, Any]:
        """Plain data for programs, phones masked."""
        sides = {"before": shown(self.before, 500), "after": shown(self.after, 500)}
        return {"place": self.place, **sides, "defines": self.defines}

    def __str__(self) -> str:
        return f"{self.place}: {shown(self.before)} -> {shown(self.after)}"


def differences(before: CampaignSpec, after: CampaignSpec) -> list[Difference]:
    """Every place in which two campaigns differ, in the order of the parameters; nested ones by place."""
    one, other = before.model_dump(mode="json"), after.model_dump(mode="json")
    return [
        Difference(place, was, now, name in DEFINITION)
        for name in CampaignSpec.model_fields
        for place, was, now in _between(name, one[name], other[name])
    ]


def verdict(before: CampaignSpec, after: CampaignSpec) -> Message:
    """What the differences mean for a campaign that was started with *before*."""
    found = differences(before, after)
    names = ", ".join(sorted({d.place.split(".")[0].split("[")[0] for d in found if d.defines}))
    if not found:
        return Message("The same parameters.")
    meaning: list[Message] = []
    if before.campaign != after.campaign:
        series = before.series_name
        meaning.append(
            Message(
                "Different ids: two occurrences of the series `{series}`, each with its own audience and "
                "books.",
                series=series,
            )
            if series == after.series_name
            else Message("Different ids: two campaigns, each with its own audience and books.")
        )
        if names:
            meaning.append(Message("They are not defined alike: {names}.", names=names))
    elif names:
        anew = Message(
            "A new definition under the same id ({names}): once `{campaign}` was started with the first, a "
            "run with the second is refused. Give it an id of its own.",
            names=names,
            campaign=before.campaign,
        )
        meaning.append(anew)
    else:
        meaning.append(
            Message("The same campaign: one that was started with the first goes on with the second.")
        )
    if before.mode is not after.mode:
        modes = {"one": before.mode, "two": after.mode}
        meaning.append(Message("Other mode: {one} and {two} have books of their own.", **modes))
        if after.mode is Mode.LIVE:
            meaning.append(Message("The second sends for real."))
    return Joined(meaning, " ")


def _between(place: str, was: Any, now: Any) -> Iterator[tuple[str, Any, Any]]:
    if was == now:
        return
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for key in {**was, **now}:
            yield from _between(f"{place}.{key}", was.get(key), now.get(key))
    elif isinstance(was, Sequence) and isinstance(now, Sequence) and _of_parts(was) and _of_parts(now):
        yield from _between_lists(place, was, now)
    else:
        yield place, was, now


def _of_parts(value: Any) -> bool:
    """Whether a list holds rules, rather than the plain values of one."""
    return isinstance(value, list) and any(isinstance(item, Mapping) for item in value)


def _between_lists(place: str, was: Sequence[Any], now: Sequence[Any]) -> Iterator[tuple[str, Any, Any]]:
    # One that was put in moves those behind it, which did not change for that.
    one, other = ([json.dumps(item, sort_keys=True, default=str) for item in side] for side in (was, now))
    moves = SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    for _, a, b, c, d in (move for move in moves if move[0] != "equal"):
        both = min(b - a, d - c)
        for k in range(both):
            yield from _between(f"{place}[{a + k}]", was[a + k], now[c + k])
        for k in range(a + both, b):
            yield f"{place}[{k}]", was[k], None
        for k in range(c + both, d):
            yield f"{place}[{k}]", None, now[k]
