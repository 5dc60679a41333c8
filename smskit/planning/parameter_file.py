"""
A parameter file as text: YAML with ``name: value`` lines, read and written.

Knows no parameter. What a name or a value means is for ``spec``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from smskit.errors import SpecError
from smskit.i18n import Joined, Message, mark, os_words

__all__ = ["OF_FILE", "lines", "parse", "placed", "read_file", "write"]


OF_FILE: Final = mark("{file} {why}")  # msgid of what is wrong with the text of a file


def read_file(path: str | Path) -> dict[str, Any]:
    """
    The plain data of a parameter file.

    A value of its own (``campaign: 2026.10``) is the text as it stands, a whole number where it is
    one in its plainest form: `CampaignSpec` knows which parameters are numbers. Within ``variables``
    a number is one where it would be written as it stands. Elsewhere numbers, dates and yes or no
    are read as in YAML 1.1, but never in octal, hexadecimal, binary, by sixties or with ``_``: what
    looks so is text.

    Raises:
        SpecError: it cannot be read or is not ``name: value`` lines; nothing of its text is repeated.
    """
    problem: Message | None = None
    text = ""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        problem = Message("cannot read parameter file {file}: {why}", file=path, why=os_words(error))
    except UnicodeDecodeError:
        problem = Message("parameter file {file} must be UTF-8; save it so", file=path)
    if problem:
        # Raised out here: these errors hold the file's text, and would travel along as context.
        raise SpecError(problem)
    return parse(text, file=path)


def parse(text: str, *, file: str | Path) -> dict[str, Any]:
    """
    The data that *text* of a parameter file holds; see `read_file`.

    Args:
        file: What the text is called in an error.

    Raises:
        SpecError: it is not ``name: value`` lines; nothing of it is repeated.
    """
    why, data = Message("must hold `name: value` lines"), None
    try:
        data = yaml.load(text, Loader=_Loader)
    except _Refused as error:
        why = error.why
    except yaml.YAMLError as error:
        n = _line_of(error, text)
        why = Message("is not valid YAML at line {n}", n=n) if n else Message("is not valid YAML")
    if not isinstance(data, dict):
        raise SpecError(_of_file(file, why))
    return data


def _line_of(error: yaml.YAMLError, text: str) -> int:
    """The line of *text*, from 1, that *error* is about; 0 where it does not say."""
    match error:
        case yaml.MarkedYAMLError(problem_mark=yaml.Mark(line=line)):
            return int(line) + 1
        case yaml.reader.ReaderError(position=int(position)):
            return text.count("\n", 0, position) + 1
    return 0


def placed(problems: Sequence[tuple[str, Message]], path: str | Path) -> Message:
    """*problems*, each as (parameter, sentence), with the file and the line where the parameter stands."""
    at = lines(Path(path).read_text(encoding="utf-8"))
    return Joined(
        Message("{file}:{n}: {why}", file=path, n=at[name], why=why)
        if name in at
        else Message("{file}: {why}", file=path, why=why)
        for name, why in problems
    )


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


class _Refused(yaml.YAMLError):
    """Says why in words, with the line; the text there may be anything, even a key in the wrong place."""

    def __init__(self, words: str, node: yaml.Node) -> None:
        self.why = Message(words, n=node.start_mark.line + 1)
        super().__init__(str(self.why))


_TWICE: Final = mark("gives a name twice, again at line {n}; which of the two is meant?")
_NO_SUCH_TIME: Final = mark(
    "has a date or time at line {n} that does not exist; put it in quotes if it is text"
)
_NO_VALUE: Final = mark("has a value at line {n} that cannot be read; put it in quotes if it is text")
_ITSELF: Final = mark("has an alias at line {n} that stands for what it is in")
_REPEATS: Final = mark("repeats too much by aliases, at line {n}")
_DEEP: Final = mark("is nested too deep at line {n}")

_TAG: Final = "tag:yaml.org,2002:"
_EXACT: Final = "variables"  # whose numbers are copied into messages
_MOST_DEEP: Final = 100  # lists and mappings within each other
_MOST_REPEATED: Final = 100_000  # values that aliases stand for


class _Loader(yaml.SafeLoader):
    """YAML in which text stays text; see `read_file`. Refuses a name given twice and endless aliases."""

    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._depth: dict[yaml.Node, int] = {}  # of nodes that are whole
        self._size: dict[yaml.Node, int] = {}
        self._open = self._repeated = 0

    # -- nodes -------------------------------------------------------------------------

    def get_single_node(self) -> Any:
        """The root, in which plain values are text as they stand."""
        root = super().get_single_node()
        for key, value in root.value if isinstance(root, yaml.MappingNode) else ():
            if isinstance(value, yaml.ScalarNode):
                if _is_plain(value, "bool", "float", "timestamp") or not self._is_exact(value):
                    value.tag = f"{_TAG}str"
            elif key.value == _EXACT:
                self._keep_text(value, set())
        return root

    def compose_node(self, parent: Any, index: Any) -> Any:
        """One node, whose depth and size stay within limits whatever aliases stand in it."""
        alias = self.check_event(yaml.AliasEvent)
        self._open += 1
        if self._open > _MOST_DEEP:
            raise _Refused(_DEEP, parent)
        node: Any = super().compose_node(parent, index)
        self._open -= 1
        if alias:
            return self._aliased(node, parent)
        inner = [] if isinstance(node, yaml.ScalarNode) else node.value
        children = [child for pair in inner for child in (pair if isinstance(pair, tuple) else (pair,))]
        self._depth[node] = 1 + max((self._depth[child] for child in children), default=0)
        self._size[node] = 1 + sum(self._size[child] for child in children)
        if self._depth[node] > _MOST_DEEP:
            raise _Refused(_DEEP, node)
        return node

    def _aliased(self, node: Any, parent: Any) -> Any:
        if node not in self._depth:
            raise _Refused(_ITSELF, parent)
        self._repeated += self._size[node]
        if self._repeated > _MOST_REPEATED:
            raise _Refused(_REPEATS, parent)
        return node

    def _keep_text(self, node: Any, seen: set[yaml.Node]) -> None:
        """Within *node* leave as text what would be written in another way than it stands."""
        if node in seen:
            return
        seen.add(node)
        if isinstance(node, yaml.ScalarNode):
            if not self._is_exact(node) or _is_plain(node, "timestamp"):
                node.tag = f"{_TAG}str"
            return
        for pair in node.value:
            for child in pair if isinstance(pair, tuple) else (pair,):
                self._keep_text(child, seen)

    def _is_exact(self, node: yaml.ScalarNode) -> bool:
        """Whether the value of a plain scalar is written as it stands; True for all others."""
        if not _is_plain(node, "bool", "int", "float", "timestamp"):
            return True
        value = self.construct_object(node)
        del self.constructed_objects[node]
        return str(value).casefold() == str(node.value).casefold()

    # -- values ------------------------------------------------------------------------

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """One value; what Python cannot make of its text is refused by its line."""
        try:
            return super().construct_object(node, deep=deep)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError):
            refused = _NO_SUCH_TIME if node.tag == f"{_TAG}timestamp" else _NO_VALUE
        raise _Refused(refused, node)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Each name once: of two YAML silently takes the last."""
        seen: set[str] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode) and key.tag != f"{_TAG}merge":
                if key.value in seen:
                    raise _Refused(_TWICE, key)
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def _is_plain(node: yaml.ScalarNode, *kinds: str) -> bool:
    """Whether *node* stands without quotes and was taken for one of *kinds*."""
    return node.style is None and node.tag in {f"{_TAG}{kind}" for kind in kinds}


# As SafeLoader does it, but for `=`, which is an operator here, and numbers only as people write them.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in found if tag.removeprefix(_TAG) not in ("int", "float", "value")]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_WHOLE = "(?:0|[1-9][0-9]*)"
_FRACTION = rf"(?:[-+]?{_WHOLE}\.[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]+)?"
for _kind, _form in (
    ("int", f"[-+]?{_WHOLE}"),
    ("float", rf"{_FRACTION}|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"),
):
    _Loader.add_implicit_resolver(f"{_TAG}{_kind}", re.compile(f"^(?:{_form})$"), list("-+.0123456789"))
_KINDS = ("str", "int", "float", "bool", "null", "seq", "map", "timestamp")
_Loader.yaml_constructors = {
    tag: made
    for tag, made in yaml.SafeLoader.yaml_constructors.items()
    if tag is None or tag.removeprefix(_TAG) in _KINDS
}
