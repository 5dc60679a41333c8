"""
``RuleEditor``: a rule while a person builds it, part by part, and its counts at every step.

Parts may be incomplete: they are left out of the counts, and listed as problems. What a
part means and which rows it keeps is for `rules`.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, cast

import numpy as np

from smskit.audience.explore.operators import carried
from smskit.audience.noticed import messages_of
from smskit.audience.rules import All, Any_, Leaf, Not, Rule, RuleCache, parse
from smskit.audience.rules.comparison import NULLS
from smskit.audience.rules.fit import UnreadValueError
from smskit.audience.rules.typed import Mask
from smskit.errors import RuleError
from smskit.i18n import Message

__all__ = ["Counts", "Node", "RuleEditor"]

Kind = Literal["leaf", "all", "any", "not"]
_DEEPEST: Final = 12  # levels a person can still read
_UNDO: Final = 50
_CHOOSES: Final = frozenset({"in", "==", "between", ">=", "<"})  # what a click on a bar or a cell makes
_UNSET: Final[Any] = object()


@dataclass
class Node:
    """One part: a comparison, or several parts joined by all, any or not."""

    id: int
    kind: Kind
    column: str = ""
    op: str = ""
    value: Any = None
    parts: list[Node] = field(default_factory=list)

    def to_data(self) -> dict[str, Any]:
        """The part as a rule's plain data, complete or not."""
        if self.kind == "leaf":
            data: dict[str, Any] = {"column": self.column, "op": self.op}
            return data if self.op in NULLS else data | {"value": self.value}
        inner = [part.to_data() for part in self.parts]
        if self.kind == "not":
            return {"not": inner[0] if inner else None}
        return {self.kind: inner}

    def walk(self) -> Iterator[Node]:
        """This part and all within it."""
        yield self
        for part in self.parts:
            yield from part.walk()


class Counts(NamedTuple):
    """What a rule keeps, part by part."""

    rows: int
    kept: int
    mask: Mask
    alone: dict[int, int]  # id of a part -> rows it keeps by itself
    after: dict[int, int]  # id of a step of the whole -> rows kept after it and all before
    problems: dict[int, RuleError]  # id of a part that was not counted -> why
    unread: dict[int, list[Message]]  # id of a comparison -> cells it cannot read

    def __repr__(self) -> str:
        return f"Counts({self.kept} of {self.rows} rows)"


class RuleEditor:
    """
    A rule being edited.

    The outermost part is always a group. Every part has an id that stays with
    it. Each change can be taken back.

    Args:
        data: A rule as `rules.parse` reads it; None keeps every row.

    Raises:
        RuleError: *data* is no rule.
    """

    def __init__(self, data: Any = None) -> None:
        self._ids = itertools.count(1)
        self._past: list[Node] = []
        self._future: list[Node] = []  # what was taken back, the next to come again last
        self.root = self._read(data)
        self._as_read = (copy.deepcopy(self.root.to_data()), data)

    def __repr__(self) -> str:
        return f"RuleEditor({sum(n.kind == 'leaf' for n in self.root.walk())} comparisons)"

    # -- as data -----------------------------------------------------------------------

    def _read(self, data: Any) -> Node:
        rule = parse(data)
        node = self._node(rule)
        return Node(next(self._ids), "all", parts=[node]) if node.kind == "leaf" else node

    def _node(self, rule: Rule) -> Node:
        if isinstance(rule, Leaf):
            value = list(rule.value) if isinstance(rule.value, tuple) else rule.value
            return Node(next(self._ids), "leaf", rule.column, rule.op, value)
        if isinstance(rule, Not):
            return Node(next(self._ids), "not", parts=[self._node(rule.rule)])
        group = cast("All | Any_", rule)
        kind: Kind = "all" if isinstance(group, All) else "any"
        return Node(next(self._ids), kind, parts=[self._node(part) for part in group.rules])

    def problems(self, cache: RuleCache | None = None) -> dict[int, RuleError]:
        """
        Parts that are not complete, by id, each with what it lacks; columns are not looked for here.

        Args:
            cache: A segment whose columns the values have to fit, as far as it has them.
        """
        found: dict[int, RuleError] = {}
        self._rule(self.root, None, found)
        leaves = (n for n in self.root.walk() if n.kind == "leaf" and n.id not in found)
        for node in leaves if cache is not None else ():
            assert cache is not None
            try:
                _fit(node, cache)
            except UnreadValueError as error:
                found[node.id] = error
            except RuleError:
                continue
        return found

    def to_data(self) -> Any:
        """
        The rule as plain data; an unchanged one exactly as it was given.

        Raises:
            RuleError: A part is not complete; says what it lacks.
        """
        for problem in self.problems().values():
            raise problem
        tree = self.root.to_data()
        if tree == self._as_read[0]:
            return self._as_read[1]
        return tree if self.root.parts else None

    def rule(self) -> Rule:
        """
        The rule.

        Raises:
            RuleError: as ``to_data``.
        """
        return parse(self.to_data())

    # -- counts ------------------------------------------------------------------------

    def counts(self, cache: RuleCache) -> Counts:
        """
        Count what each complete part keeps; incomplete ones, and ones this frame cannot answer, are left out.

        Steps are those of `Rule.filter`: the parts of an outermost "all", or the whole.
        """
        problems: dict[int, RuleError] = {}
        whole = self._rule(self.root, cache, problems) or All(())
        mask, steps = cache.filter(whole)
        alone, unread = {}, {}
        for node in self.root.walk():
            part = self._rule(node, cache, {})
            if part is not None:
                alone[node.id] = cache.count(part)
                if isinstance(part, Leaf) and (lost := messages_of(part.unread(cache))):
                    unread[node.id] = lost
        counted = [n.id for n in self.root.parts if self._rule(n, cache, {}) is not None]
        counted = counted if self.root.kind == "all" else [self.root.id]
        after = {id_: step.kept for id_, step in zip(counted, steps, strict=False)}
        return Counts(cache.rows, int(np.count_nonzero(mask)), mask, alone, after, problems, unread)

    def _rule(self, node: Node, cache: RuleCache | None, problems: dict[int, RuleError]) -> Rule | None:
        """The complete parts of *node*; what is left out is noted in *problems*."""
        if node.kind == "leaf":
            try:
                return self._leaf(node, cache)
            except RuleError as error:
                problems[node.id] = error
                return None
        parts = tuple(r for r in (self._rule(p, cache, problems) for p in node.parts) if r is not None)
        if not node.parts and node is not self.root:
            problems[node.id] = RuleError("this group is empty; add a rule to it or remove it")
        if not parts:
            return None
        if node.kind == "not":
            return Not(parts[0])
        return All(parts) if node.kind == "all" else Any_(parts)

    @staticmethod
    def _leaf(node: Node, cache: RuleCache | None) -> Rule:
        if not node.column:
            raise RuleError("choose a column")
        if not node.op:
            raise RuleError("choose a condition")
        if node.op not in NULLS and node.value in (None, "", [], ()):
            raise RuleError("give a value")
        leaf = parse(node.to_data())
        assert isinstance(leaf, Leaf)
        if cache is not None:
            cache.answer(leaf, "rules")
        return leaf

    # -- changes -----------------------------------------------------------------------

    def find(self, id_: int) -> Node:
        """
        The part with that id.

        Raises:
            KeyError: there is none.
        """
        for node in self.root.walk():
            if node.id == id_:
                return node
        raise KeyError(id_)

    def add(self, group: int, column: str = "", op: str = "", value: Any = None) -> int:
        """Add a comparison at the end of a group; its id."""
        return self._append(group, "leaf", column=column, op=op, value=value)

    def add_group(self, group: int, kind: Kind = "any") -> int:
        """Add an empty group at the end of a group; its id."""
        return self._append(group, kind)

    def change(self, id_: int, *, column: str = _UNSET, op: str = _UNSET, value: Any = _UNSET) -> None:
        """Change a comparison; what is not given stays."""
        given = {"column": column, "op": op, "value": value}
        self._remember()
        for name, new in given.items():
            if new is not _UNSET:
                setattr(self.find(id_), name, new)

    def choose_column(self, id_: int, column: str, ops: Sequence[str]) -> None:
        """Let a comparison ask another column; its operator stays if that is one of *ops*, its value goes."""
        node = self.find(id_)
        self.change(id_, column=column, op=node.op if node.op in ops else ops[0], value=None)

    def choose_op(self, id_: int, op: str) -> None:
        """Let a comparison ask something else of its column; what fits of its value stays."""
        self.change(id_, op=op, value=carried(self.find(id_).value, op))

    def join(self, id_: int, kind: Kind) -> None:
        """Let a group join its parts by all, any or not; of several, "not" means: not all of them."""
        self._remember()
        node = self.find(id_)
        if kind == "not" and len(node.parts) > 1:
            inner: Kind = "all" if node.kind == "not" else node.kind
            node.parts = [Node(next(self._ids), inner, parts=node.parts)]
        node.kind = kind

    def wrap(self, id_: int, kind: Kind) -> int:
        """Put a part into a new group in its place; the group's id."""
        self._remember()
        node, parent = self.find(id_), self._parent(id_)
        self._check_depth(self._depth(node) + _height(node) + 1)
        group = Node(next(self._ids), kind, parts=[node])
        if parent is None:
            self.root = group
        else:
            parent.parts[parent.parts.index(node)] = group
        return group.id

    def unwrap(self, id_: int) -> None:
        """Put a group's parts in its place; an outermost group only where it holds one group."""
        self._remember()
        node, parent = self.find(id_), self._parent(id_)
        if parent is None:
            if len(node.parts) == 1 and node.parts[0].kind != "leaf":
                self.root = node.parts[0]
            return
        if parent.kind == "not" and len(node.parts) != 1:
            return
        at = parent.parts.index(node)
        parent.parts[at : at + 1] = node.parts

    def remove(self, id_: int) -> None:
        """Take a part away; of the outermost group, everything in it."""
        self._remember()
        node, parent = self.find(id_), self._parent(id_)
        if parent is None:
            self.root = Node(node.id, "all")
        else:
            parent.parts.remove(node)

    def move(self, id_: int, by: Literal[-1, 1]) -> None:
        """
        Move a part up (-1) or down (1), as in an outline.

        Past a comparison it changes places, into a group next to it it goes in,
        and from a group's end it comes out.
        """
        self._remember()
        node, parent = self.find(id_), self._parent(id_)
        if parent is None:
            return
        at = parent.parts.index(node)
        neighbour = parent.parts[at + by] if 0 <= at + by < len(parent.parts) else None
        if neighbour is None:
            self._leave(node, parent, by)
        elif neighbour.kind in ("all", "any"):
            self._check_depth(self._depth(neighbour) + 1 + _height(node))
            parent.parts.remove(node)
            neighbour.parts.insert(0 if by == 1 else len(neighbour.parts), node)
        else:
            parent.parts[at], parent.parts[at + by] = neighbour, node

    def _leave(self, node: Node, parent: Node, by: Literal[-1, 1]) -> None:
        outer = self._parent(parent.id)
        if outer is None or outer.kind == "not":
            return
        parent.parts.remove(node)
        outer.parts.insert(outer.parts.index(parent) + (by == 1), node)

    def toggle(self, rules: Sequence[Mapping[str, Any]]) -> None:
        """
        Keep only rows for which these comparisons of one column hold; the same ones again: take them away.

        They replace what was chosen of that column in this way before. Of single values, each is added to
        those that were chosen, or taken out of them.
        """
        self._remember()
        if self.root.kind != "all":
            self.root = Node(next(self._ids), "all", parts=[self.root] if self.root.parts else [])
        parts = self.root.parts
        mine = [p for p in parts if p.kind == "leaf" and p.column == rules[0]["column"] and p.op in _CHOOSES]
        if rules[0]["op"] == "in" and len(mine) == 1 and mine[0].op == "in":
            chosen, value = list(mine[0].value or []), rules[0]["value"][0]
            left = [v for v in chosen if v != value] if value in chosen else [*chosen, value]
            mine[0].value = left
            if not left:
                parts.remove(mine[0])
            return
        same = [part.to_data() for part in mine] == [dict(rule) for rule in rules]
        at = min((parts.index(part) for part in mine), default=len(parts))
        self.root.parts = [part for part in parts if part not in mine]
        if not same:
            made = [Node(next(self._ids), "leaf", r["column"], r["op"], copy.copy(r["value"])) for r in rules]
            self.root.parts[at:at] = made

    def holds(self, rules: Sequence[Mapping[str, Any]]) -> bool:
        """Whether `toggle` of these comparisons would take them away."""
        there = [p for p in self.root.parts if p.kind == "leaf"] if self.root.kind == "all" else []
        if rules[0]["op"] == "in":
            lists = [p.value for p in there if p.column == rules[0]["column"] and p.op == "in"]
            return any(rules[0]["value"][0] in (chosen or ()) for chosen in lists)
        data = [part.to_data() for part in there]
        return all(dict(rule) in data for rule in rules)

    def undo(self) -> bool:
        """Take the last change back; whether there was one."""
        return self._exchange(self._past, self._future)

    def redo(self) -> bool:
        """Make again the change that was taken back last; whether there was one."""
        return self._exchange(self._future, self._past)

    def _exchange(self, for_last: list[Node], into: list[Node]) -> bool:
        """Put the whole as it is into one list, and take the last one of the other; whether there was one."""
        if not for_last:
            return False
        into.append(self.root)
        self.root = for_last.pop()
        return True

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to take back."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is one to make again."""
        return bool(self._future)

    # -- within ------------------------------------------------------------------------

    def _append(self, group: int, kind: Kind, **more: Any) -> int:
        self._remember()
        node = self.find(group)
        self._check_depth(self._depth(node) + 1)
        made = Node(next(self._ids), kind, **more)
        if node.kind == "not" and node.parts:
            node.parts = [Node(next(self._ids), "all", parts=[*node.parts, made])]
        else:
            node.parts.append(made)
        return made.id

    def _remember(self) -> None:
        self._past = [*self._past[-_UNDO:], copy.deepcopy(self.root)]
        self._future = []

    def _parent(self, id_: int) -> Node | None:
        return next((n for n in self.root.walk() if any(part.id == id_ for part in n.parts)), None)

    def _depth(self, node: Node) -> int:
        parent = self._parent(node.id)
        return 0 if parent is None else 1 + self._depth(parent)

    def _check_depth(self, depth: int) -> None:
        if depth > _DEEPEST:
            self._past.pop()
            raise RuleError("rules are nested deeper than {n}", n=_DEEPEST)


def _fit(node: Node, cache: RuleCache) -> None:
    leaf = parse(node.to_data())
    if isinstance(leaf, Leaf) and leaf.op not in NULLS:
        cache.column(leaf.column, "rules").fit(leaf, "rules")


def _height(node: Node) -> int:
    return 1 + max(map(_height, node.parts), default=-1) if node.parts else 0
