"""
The rule tree: leaves that compare one column, joined by all, any and not.

Owns how the answers, labels and SQL of parts become those of the whole.
Making a tree from plain data is for `parsing`; judging a single leaf for
`columns`, its SQL for `sql`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from typing import Any, ClassVar, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.compute as pc

from smskit.audience.noticed import Noticed
from smskit.audience.rules.columns import Source
from smskit.audience.rules.comparison import NULLS, ORDERS, Comparison
from smskit.audience.rules.fit import Kind, Reading
from smskit.audience.rules.moments import zone_of
from smskit.audience.rules.reads import Whole
from smskit.audience.rules.sql import SqlContext, condition
from smskit.audience.rules.typed import Answer, Mask, everywhere, yes
from smskit.audience.rules.values import read_moment, read_number, show_cell
from smskit.i18n import Joined, Message, mark

_ANY_MOMENT: Final = datetime(1970, 1, 1, tzinfo=UTC)  # how a column reads does not depend on it
_NEARLY: Final = {
    Reading.NUMBER: mark(
        "most cells of `{name}` are numbers, but {n} are none, such as {examples}: it is compared as text"
    ),
    Reading.MOMENT: mark(
        "most cells of `{name}` are dates, but {n} are none, such as {examples}: it is compared as text"
    ),
    Reading.FLAG: mark(
        "most cells of `{name}` say yes or no, but {n} do not, such as {examples}: it is compared as text"
    ),
}
_UNREAD: Final = {
    Reading.NUMBER: mark(
        "{n} cells of `{name}` are no numbers, such as {examples}: no comparison with a number keeps them"
    ),
    Reading.MOMENT: mark(
        "{n} cells of `{name}` are no dates, such as {examples}: no comparison with a date keeps them; "
        "a date is written 2026-01-31"
    ),
    Reading.FLAG: mark(
        "{n} cells of `{name}` say neither yes nor no, such as {examples}: "
        "no comparison with yes or no keeps them"
    ),
}

_BLANK: Final = mark(
    "{n:,} cells of `{name}` hold an empty text or nothing but blanks; they are empty to a rule, "
    "as an empty cell of a csv is"
)
_BY_LETTER: Final = mark(
    "`{name}` reads as text, so {rule} goes letter by letter, and 9 comes after 10; a value without quotes "
    "is compared as a number, `after` and `before` compare dates"
)


class Step(NamedTuple):
    """What one part of a rule keeps, by itself and together with the parts before it."""

    path: str  # "rules.all[0]"
    label: Message  # one line to read: level in ("gold", "platinum")
    alone: int  # rows
    kept: int  # rows, after this and all earlier steps


class Verdict(NamedTuple):
    """What the parts of a rule say of the n rows of a frame."""

    steps: list[Step]
    first: npt.NDArray[np.int16]  # n numbers of the first part that is not true there; -1 = all are
    unknown: Mask  # n: that part is not false there but unknown, as a value is missing or unreadable

    @property
    def keep(self) -> Mask:
        """Which rows are kept."""
        return np.asarray(self.first < 0)


class Rule(ABC):
    """
    A filter: frozen, comparable, made by `parse`.

    A row is true, false or, where a null is compared, unknown, as in SQL; only
    true rows are kept. What a leaf means depends on its own value, the column's
    dtype and, for text, how the whole column reads (`reads`); with that at hand
    any partition of a frame gives the same answer as the whole.

    Leaves are evaluated once each, and a column is read once however many
    leaves ask for it. The order of rules never changes the answer, nor which
    frames are refused.
    """

    def columns(self) -> frozenset[str]:
        """Return the names of the columns this rule reads."""
        return frozenset(self.columns_in_order())

    def columns_in_order(self) -> list[str]:
        """Return the same, each once, as they come in the rule."""
        return list(dict.fromkeys(leaf.column for leaf in self._leaves()))

    def reads(self, frame: pd.DataFrame, *, now: datetime) -> dict[str, Whole]:
        """Return how this rule's columns read; `mask` of a part of *frame* takes it."""
        return Source(frame, now).reads(self.columns())

    def mask(self, frame: pd.DataFrame, *, now: datetime, reads: Mapping[str, Whole] | None = None) -> Mask:
        """
        Return a boolean per row of *frame*, true where the row is kept.

        Args:
            frame: Any number of rows; not changed. Its index plays no part.
            now: Aware. Ends the span of ``within_days``; its zone is the one
                in which times without a zone are understood.
            reads: What `reads` gives for the whole, where *frame* is a part of it.

        Raises:
            RuleError: a column is missing, or what it holds cannot meet the value.
            InputError: *now* has no time zone.
        """
        return yes(self._answer(Source(frame, now, reads), "rules"))

    def steps(self, frame: pd.DataFrame, *, now: datetime) -> list[Step]:
        """
        Count the rows kept at each step: one per child of a top-level ``all``.

        Any other rule is one step; the rule that keeps everything has none.
        Arguments and errors are those of `mask`.
        """
        return self.filter(frame, now=now)[1]

    def filter(self, frame: pd.DataFrame, *, now: datetime) -> tuple[Mask, list[Step]]:
        """Return what `mask` and `steps` do, for the work of one."""
        return self.filter_source(Source(frame, now))

    def filter_source(self, source: Source) -> tuple[Mask, list[Step]]:
        """Return what `filter` does; a `RuleCache` as *source* asks nothing of its frame a second time."""
        verdict = self.judge(source)
        return verdict.keep, verdict.steps

    def judge(self, source: Source) -> Verdict:
        """
        Return for every row of *source* which part left it out first, with the counts of `steps`.

        Arguments and errors are those of `filter_source`.
        """
        first = np.full(source.rows, -1, np.int16)
        unknown, so_far = np.zeros(source.rows, np.bool_), np.ones(source.rows, np.bool_)
        steps = []
        for number, (path, rule) in enumerate(self._parts()):
            answer = rule._answer(source, path)
            passed = yes(answer)
            out = so_far & ~passed
            first[out] = number
            if answer.null_count:
                unknown |= out & answer.is_null().to_numpy(zero_copy_only=False)
            so_far &= passed
            steps.append(Step(path, rule.label, answer.true_count, int(so_far.sum())))
        return Verdict(steps, first, unknown)

    def unread(self, source: Source) -> list[Noticed]:
        """
        Say which cells of *source* this rule compares and cannot read: how many, and a few of them.

        Such cells are unknown to the rule, as empty ones are. Also said is which cells keep a column from
        being compared as numbers, dates or yes and no, where most others are such, and how many hold a text
        that shows nothing. Phones are masked.
        """
        asked: dict[tuple[str, Reading], None] = {}
        for leaf in self._leaves():
            if leaf.op not in NULLS:
                asked[leaf.column, source.column(leaf.column, "rules").fit(leaf, "rules")[0]] = None
        said = []
        for name, reading in asked:
            column, words = source.column(name, "rules"), _UNREAD
            if reading is Reading.TEXT and column.nearly:
                reading, words = column.nearly, _NEARLY
            if reading is Reading.TEXT:
                continue
            count, examples = column.unread(reading)
            said.append(Noticed(words[reading], count, tuple(map(show_cell, examples)), name))
        blanks = ((name, source.column(name, "rules").blanks) for name in self.columns_in_order())
        said += [Noticed(_BLANK, n, name=name) for name, n in blanks]
        return said + self._by_letter(source)

    def _by_letter(self, source: Source) -> list[Noticed]:
        """Say which comparisons order text by values that are numbers or dates, and was not said above."""
        said = []
        for leaf in self._leaves():
            if leaf.op not in (*ORDERS, "between"):
                continue
            column = source.column(leaf.column, "rules")
            as_text = column.kind is Kind.TEXT and column.fit(leaf, "rules")[0] is Reading.TEXT
            if as_text and not column.nearly and all(map(_counts, leaf.values)):
                said.append(Noticed(_BY_LETTER, name=leaf.column, rule=leaf.label))
        return said

    def count_source(self, source: Source) -> int:
        """Count the rows that `filter_source` keeps."""
        return int(self._answer(source, "rules").true_count)

    def lost(self, frame: pd.DataFrame, step: int, *, now: datetime) -> Mask:
        """Return which rows pass every step before number *step* of `steps`, and not that one."""
        return np.asarray(self.judge(Source(frame, now)).first == step)

    @property
    def parts(self) -> tuple[Rule, ...]:
        """The rules that `steps` counts, in that order."""
        return tuple(rule for _, rule in self._parts())

    def to_sql(self, *, now: datetime | None = None, frame: pd.DataFrame | Source | None = None) -> str:
        """
        Return the condition of a SQL ``WHERE``, to read; SQLite runs it.

        SQLite then keeps the same rows as `mask`, where times are ISO text in
        the zone of *now*; they are compared to the second. Values are quoted,
        not masked.

        Args:
            now: Aware; needed for ``within_days`` and for times with a zone.
            frame: Or the `Source` of one. Without it every column is taken to have the type of its rule's
                value; with it, a number beside a text column, say, is spelt out,
                and so are cells written as SQLite would not read them.

        Raises:
            RuleError: as in `mask`, when *frame* is given.
            InputError: *now* is needed and missing, or has no time zone.
        """
        if now is not None:
            zone_of(now)
        source = Source(frame, now or _ANY_MOMENT) if isinstance(frame, pd.DataFrame) else frame
        return self._sql(SqlContext(now, source), "rules")

    @abstractmethod
    def to_data(self) -> dict[str, Any] | None:
        """Return plain data (JSON types only) that `parse` reads back to an equal rule."""

    @property
    @abstractmethod
    def label(self) -> Message:
        """One line to read; long lists are cut short and phones masked."""

    @property
    @abstractmethod
    def words(self) -> Message:
        """The same as a sentence, in either language."""

    def __repr__(self) -> str:
        text = self.label
        return f"<rule: {text if len(text) <= 80 else text[:79] + '…'}>"

    @property
    def _needs_brackets(self) -> bool:
        """Whether it reads as several parts, which need brackets among others."""
        return False

    def _parts(self) -> list[tuple[str, Rule]]:
        return [("rules", self)]

    @abstractmethod
    def _leaves(self) -> Iterable[Leaf]: ...

    @abstractmethod
    def _answer(self, source: Source, where: str) -> Answer: ...

    @abstractmethod
    def _sql(self, context: SqlContext, where: str) -> str: ...


class Leaf(Comparison, Rule):
    """One comparison of one column, where a branch ends."""

    def _leaves(self) -> Iterable[Leaf]:
        yield self

    def _answer(self, source: Source, where: str) -> Answer:
        return source.answer(self, where)

    def _sql(self, context: SqlContext, where: str) -> str:
        return condition(self, context, where)


@dataclass(frozen=True, repr=False)
class Not(Rule):
    """True where the rule is false; unknown stays unknown."""

    rule: Rule

    def to_data(self) -> dict[str, Any]:
        return {"not": self.rule.to_data()}

    @property
    def label(self) -> Message:
        return Message("not ({rule})", rule=self.rule.label)

    @property
    def words(self) -> Message:
        return Message("not ({rule})", rule=self.rule.words)

    def _leaves(self) -> Iterable[Leaf]:
        return self.rule._leaves()

    def _answer(self, source: Source, where: str) -> Answer:
        return pc.invert(self.rule._answer(source, f"{where}.not"))

    def _sql(self, context: SqlContext, where: str) -> str:
        return f"NOT ({self.rule._sql(context, f'{where}.not')})"


@dataclass(frozen=True, repr=False)
class _Several(Rule):
    """What `All` and `Any_` share: everything but how answers are joined."""

    rules: tuple[Rule, ...]

    _key: ClassVar[str]  # in plain data and in places: rules.all[0]
    _word: ClassVar[str]  # in SQL
    _label: ClassVar[str]  # of two rules
    _words: ClassVar[str]  # in sentences

    def to_data(self) -> dict[str, Any] | None:
        return {self._key: [rule.to_data() for rule in self.rules]}

    @property
    def label(self) -> Message:
        if len(self.rules) == 1:
            return self.rules[0].label
        labels = [
            Message("({rule})", rule=rule.label) if rule._needs_brackets else rule.label
            for rule in self.rules
        ]
        return reduce(lambda one, other: Message(self._label, one=one, other=other), labels)

    @property
    def words(self) -> Message:
        if len(self.rules) == 1:
            return self.rules[0].words
        return Message(self._words, rules=Joined([rule.words for rule in self.rules]))

    @property
    def _needs_brackets(self) -> bool:
        # One rule alone reads as that rule, which may itself be several.
        return len(self.rules) > 1 or any(rule._needs_brackets for rule in self.rules)

    def _joined(self, texts: Sequence[str], word: str) -> str:
        if len(texts) > 1:
            pairs = zip(self.rules, texts, strict=True)
            texts = [f"({text})" if rule._needs_brackets else text for rule, text in pairs]
        return f" {word} ".join(texts)

    def _placed(self, where: str) -> list[tuple[str, Rule]]:
        return [(f"{where}.{self._key}[{i}]", rule) for i, rule in enumerate(self.rules)]

    def _leaves(self) -> Iterable[Leaf]:
        return (leaf for rule in self.rules for leaf in rule._leaves())

    def _answers(self, source: Source, where: str) -> list[Answer]:
        return [rule._answer(source, place) for place, rule in self._placed(where)]

    def _sql(self, context: SqlContext, where: str) -> str:
        texts = [rule._sql(context, place) for place, rule in self._placed(where)]
        return self._joined(texts, self._word)


class All(_Several):
    """True where every rule is. Empty only as the rule that keeps everything."""

    _key = "all"
    _word = "AND"
    _label = mark("{one} and {other}")
    _words = mark("all of ({rules})")

    def to_data(self) -> dict[str, Any] | None:
        return super().to_data() if self.rules else None

    @property
    def label(self) -> Message:
        return super().label if self.rules else Message("every row")

    @property
    def words(self) -> Message:
        return super().words if self.rules else Message("every row")

    def _parts(self) -> list[tuple[str, Rule]]:
        return self._placed("rules")

    def _answer(self, source: Source, where: str) -> Answer:
        return reduce(pc.and_kleene, self._answers(source, where) or [everywhere(source.rows)])

    def _sql(self, context: SqlContext, where: str) -> str:
        return super()._sql(context, where) or "TRUE"


class Any_(_Several):
    """True where at least one rule is."""

    _key = "any"
    _word = "OR"
    _label = mark("{one} or {other}")
    _words = mark("at least one of ({rules})")

    def _answer(self, source: Source, where: str) -> Answer:
        return reduce(pc.or_kleene, self._answers(source, where))


def _counts(value: object) -> bool:
    """Whether a text says a number or a date."""
    text = str(value)
    return read_number(text) is not None or read_moment(text) is not None
