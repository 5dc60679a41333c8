"""
Reading the configuration file, as YAML or JSON; what is wrong with it is told with its key and line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from smskit.errors import SettingsError
from smskit.i18n import Joined, Message, os_words
from smskit.i18n.validation import what_is_wrong
from smskit.providers.generic.config import HttpConfig
from smskit.settings.places import project_root, start_folder

# -- reading it --------------------------------------------------------------------------


def load_config(source: str, *, folder: Path | None = None) -> HttpConfig:
    """
    Read a configuration: a path, or YAML or JSON itself when it starts with a brace.

    Args:
        folder: Where a relative path starts, upwards to the project's root; the
            working folder by default.

    Raises:
        SettingsError: it cannot be read, or something in it is wrong; names every key.
    """
    inline = source.lstrip().startswith("{")
    label = Message("the configuration") if inline else source

    def refused(why: str) -> SettingsError:
        return SettingsError("{file}: {why}", file=label, why=why)

    try:
        text = source if inline else _find(source, folder).read_text("utf-8-sig")
        data = yaml.load(text, _Plain)
        lines = None if inline else yaml.compose(text, _Plain)
    except OSError as error:
        raise refused(os_words(error)) from None
    except UnicodeDecodeError:
        raise refused(Message("is not UTF-8")) from None
    except yaml.MarkedYAMLError as error:
        why = error.problem if isinstance(error.problem, Message) else Message("is not valid YAML")
        if error.problem_mark:
            why = Message("{why} at line {n}", why=why, n=error.problem_mark.line + 1)
        raise refused(why) from None
    except yaml.YAMLError:
        raise refused(Message("is not valid YAML or JSON")) from None
    if not isinstance(data, dict):
        raise refused(Message("must hold `name: value` lines"))
    try:
        return HttpConfig(**{str(key): value for key, value in data.items()})
    except ValidationError as error:
        problems = (_problem(e, lines) for e in error.errors(include_input=False, include_url=False))
        raise refused(Joined(problems)) from None


def _problem(error: Mapping[str, Any], lines: yaml.Node | None) -> Message:
    way = ["json" if part == "json_" else str(part) for part in error["loc"]]
    place = ".".join(way)
    if error["type"] == "missing":
        return Message("`{name}` is missing", name=place)
    why = what_is_wrong(error)
    if not place:
        return why
    line = _line(lines, way)
    if line is None:
        return Message("`{name}`: {why}", name=place, why=why)
    return Message("`{name}`: {why} (line {n})", name=place, why=why, n=line)


def _line(node: yaml.Node | None, way: Sequence[str]) -> int | None:
    """The line of the key at the end of *way*, or of as much of it as the file writes; None = of none."""
    line = None
    for part in way:
        pairs = node.value if isinstance(node, yaml.MappingNode) else ()
        found = next(((key, value) for key, value in pairs if key.value == part), None)
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line


def _find(path: str, folder: Path | None) -> Path:
    """Where *path* is: in the folder, or in one above it up to the project's root."""
    start = folder or start_folder()
    root = project_root(start) or start
    for place in (start, *start.parents):
        found = place / Path(path).expanduser()
        if found.is_file() or place == root:
            break
    return found if found.is_file() else start / path


class _Plain(yaml.SafeLoader):
    """YAML with only the obvious conversions: ``000000``, ``on`` and ``12:30`` stay text; no key twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """A mapping as it stands: the last of two equal keys does not win, it is an error."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                problem = Message("`{name}` is given twice", name=key.value)
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Plain.yaml_implicit_resolvers = {}
for _kind, _spelling, _starts in (
    ("bool", "true|false", ["t", "f"]),
    ("null", "null|~|", ["n", "~", ""]),
    ("int", "-?(0|[1-9][0-9]*)", list("-0123456789")),
    ("float", r"-?(0|[1-9][0-9]*)\.[0-9]+", list("-0123456789")),
    ("merge", "<<", ["<"]),
):
    _Plain.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"^(?:{_spelling})$"), _starts)
