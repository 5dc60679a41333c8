"""
Parameters as they were typed, where papermill or Python has made numbers of them.

``papermill -p campaign 2026.10`` injects 2026.1, ``-f`` reads a file as YAML 1.1 (010 is 8, 12:30 is 750).
What was typed still stands on papermill's command line and in the file it names. Source: papermill 2.7,
``cli.papermill``, ``cli._resolve_type`` and ``iorw.NoDatesSafeLoader``.
"""

from __future__ import annotations

import ast
import base64
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from smskit.errors import SpecError
from smskit.i18n import Joined, Message
from smskit.planning.parameter_file import parse
from smskit.planning.spec import TEXTS
from smskit.sending.origin import papermill_words

__all__ = ["as_typed", "check_cells"]


class _Layer(NamedTuple):
    """What one option of papermill's gives, by name; None: it cannot be read here."""

    injected: Mapping[str, Any] | None  # as papermill reads it
    typed: Mapping[str, Any] = {}


def as_typed(injected: Mapping[str, Any], command: Sequence[str], folder: Path) -> dict[str, Any]:
    """
    What papermill injected, each value as it was typed where that can be found out.

    A value that is not what the command gives (any more) stays as it is.

    Args:
        command: papermill's command line; anything else leaves all values as they are.
        folder: Where it was given.

    Raises:
        SpecError: the file cannot be read as parameters, or a text was made a number and what was typed is
            not known.
    """
    layers = list(_layers(papermill_words(command), folder))
    found, lost = dict(injected), []
    for name, value in injected.items():
        giving = next((x for x in layers[::-1] if x.injected is None or name in x.injected), None)
        if giving and giving.injected is not None and _alike(giving.injected[name], value):
            found[name] = giving.typed.get(name, value)
        elif layers and name in TEXTS and isinstance(value, bool | int | float):
            lost.append(name)
    if lost:
        raise SpecError(Joined(_lost(name) for name in lost))
    return found


def check_cells(namespace: Mapping[str, Any]) -> None:
    """
    Make sure that the parameters cell gives every text as it is: ``campaign = 2026_11`` is 202611 to Python.

    Args:
        namespace: ``globals()`` of the notebook, with the source of its cells in ``In``.

    Raises:
        SpecError: a text stands there as a number that Python writes in another way.
    """
    typed: dict[str, str | None] = {}
    for source in namespace.get("In", ()):
        typed |= _numbers(source)
    lost = [
        name
        for name, text in typed.items()
        if text is not None and name in TEXTS and _is_lost(namespace.get(name), text)
    ]
    if lost:
        raise SpecError(Joined(_lost(name) for name in lost))


def _is_lost(value: object, text: str) -> bool:
    return type(value) in (int, float) and str(value) != text


def _lost(name: str) -> Message:
    return Message(
        "parameter `{name}` is text but was given as a number, and what was typed is not known; put it in "
        "quotes, on papermill's command line use -r",
        name=name,
    )


def _numbers(source: str) -> dict[str, str | None]:
    """Name -> what it is given in a cell, as it stands there; None where that is no constant."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):  # a cell with IPython's own syntax
        return {}
    found: dict[str, str | None] = {}
    for node in body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            is_constant = isinstance(node.value, ast.Constant)
            text = ast.get_source_segment(source, node.value) if is_constant else None
            found |= {target.id: text for target in targets if isinstance(target, ast.Name)}
    return found


def _layers(words: Sequence[str], folder: Path) -> Iterator[_Layer]:
    """What papermill's options give, in the order in which it takes them."""
    given = _options(words)
    for (coded,) in given["-b"]:
        yield _of_text(base64.b64decode(coded).decode("utf-8"), "papermill -b")
    for (path,) in given["-f"]:
        file = folder / path
        is_here = "://" not in path and file.is_file()
        yield _of_text(file.read_text("utf-8"), str(file)) if is_here else _Layer(None)
    for (text,) in given["-y"]:
        yield _of_text(text, "papermill -y")
    for name, text in given["-p"]:
        value = _resolved(text)
        yield _Layer({name: value}, {name: text} if name in TEXTS and value is not None else {})
    for name, text in given["-r"]:
        yield _Layer({name: text})


_LONG = {
    "--parameters": "-p",
    "--parameters_raw": "-r",
    "--parameters_file": "-f",
    "--parameters_yaml": "-y",
    "--parameters_base64": "-b",
}
_TAKES = {"-p": 2, "-r": 2, "-f": 1, "-y": 1, "-b": 1}  # how many values


def _options(words: Sequence[str]) -> dict[str, list[tuple[str, ...]]]:
    """Option -> its values, each time it is given."""
    found: dict[str, list[tuple[str, ...]]] = {option: [] for option in _TAKES}
    left = list(words)
    while left:
        word = left.pop(0)
        option = _LONG.get(word, word[:2])
        if option not in _TAKES or (word.startswith("--") and word not in _LONG):
            continue
        if word not in _LONG and len(word) > 2:  # -fcampaign.yaml
            left.insert(0, word[2:])
        values, left = left[: _TAKES[option]], left[_TAKES[option] :]
        if len(values) == _TAKES[option]:
            found[option].append(tuple(values))
    return found


def _of_text(text: str, label: str) -> _Layer:
    injected = yaml.load(text, _AsPapermill)
    return (
        _Layer(injected, parse(text, file=label)) if injected else _Layer({})
    )  # papermill takes an empty file


def _resolved(text: str) -> Any:
    """What papermill makes of a value of ``-p``."""
    words = {"True": True, "False": False, "None": None}
    if text in words:
        return words[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _alike(one: Any, other: Any) -> bool:
    """Whether papermill's reading is what was injected: the keys of a mapping become text on the way."""
    return repr(_plain(one)) == repr(_plain(other))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


class _AsPapermill(yaml.SafeLoader):
    """YAML 1.1 without dates, as papermill's ``-f`` reads it."""


_AsPapermill.yaml_implicit_resolvers = {
    first: [pair for pair in found if not pair[0].endswith(":timestamp")]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
