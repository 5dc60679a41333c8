"""
A parameter file as text: YAML with ``name: value`` lines, read and written.

Knows no parameter. What a name or a value means is for ``spec``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from smskit.errors import SpecError
from smskit.i18n import Message, mark, os_words

__all__ = ["OF_FILE", "lines", "read_file", "write"]


OF_FILE: Final = mark("{file} {why}")  # msgid of what is wrong with the text of a file


def read_file(path: str | Path) -> dict[str, Any]:
    """
    The plain data of a parameter file.

    Raises:
        SpecError: it cannot be read or is not ``name: value`` lines; nothing of its text is repeated.
    """
    problem: Message | None = None
    data: object = None
    try:
        data = yaml.load(Path(path).read_text(encoding="utf-8"), Loader=_Loader)
    except OSError as error:
        problem = Message("cannot read parameter file {file}: {why}", file=path, why=os_words(error))
    except UnicodeDecodeError:
        problem = Message("parameter file {file} must be UTF-8; save it so", file=path)
    except _GivenTwice as error:
        twice = Message("gives a name twice, again at line {n}; which of the two is meant?", n=error.args[0])
        problem = _of_file(path, twice)
    except yaml.YAMLError as error:
        at = getattr(error, "problem_mark", None)
        placed = Message("is not valid YAML at line {n}", n=at.line + 1) if at else None
        problem = _of_file(path, placed or Message("is not valid YAML"))
    if problem:
        # Raised out here: these errors hold the file's text, and would travel along as context.
        raise SpecError(problem)
    if not isinstance(data, dict):
        raise SpecError(_of_file(path, Message("must hold `name: value` lines")))
    return data


def write(data: Mapping[str, Any]) -> str:
    """*data* as the text of a parameter file; ``read_file`` reads the same data."""
    return yaml.dump(data, Dumper=_Dumper, allow_unicode=True, sort_keys=False)


def lines(text: str) -> dict[str, int]:
    """Top-level name -> its line, from 1, in the text of a parameter file; empty where that is no mapping."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {str(key.value): key.start_mark.line + 1 for key, _ in node.value}


def _of_file(path: str | Path, why: Message) -> Message:
    return Message(OF_FILE, file=path, why=why)


class _Dumper(yaml.SafeDumper):
    """Quotes text with a rare line separator, which reads back as a blank otherwise."""

    def represent_str(self, data: str) -> yaml.ScalarNode:
        style = '"' if re.search("[\x85\u2028\u2029]", data) else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _Dumper.represent_str)


class _Loader(yaml.SafeLoader):
    """Refuses a name that is given twice, of which YAML silently takes the last."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    raise _GivenTwice(key.start_mark.line + 1)
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


class _GivenTwice(yaml.YAMLError):
    """Carries the line; the name may be anything, even a key in the wrong place."""
