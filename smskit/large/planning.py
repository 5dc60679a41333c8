"""
The plan of a segment in parts: every part judged by itself, copies looked for in all, then put together.

Parts stay with the workers, who spill what does not fit; here come sums, digests, and the rows that share a
phone or a person with another one. A worker that is lost takes nothing along: its parts are read again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from smskit.audience import rules as rules_module
from smskit.audience.cells import first_filled
from smskit.audience.noticed import messages_of
from smskit.audience.roles import roles_of
from smskit.audience.rules.reads import SAMPLE
from smskit.audience.rules.whole import Tally, settle, text_columns, wanted
from smskit.audience.segment.files import PART_ROWS, Files, Piece
from smskit.audience.segment.names import Wanted
from smskit.errors import InputError, LedgerError
from smskit.i18n import Message
from smskit.large import stages
from smskit.large.cluster import answers
from smskit.large.stages import Answer, Finished, Source, Twice
from smskit.message.template import Template
from smskit.models import ORDER, MessageClass, Reason
from smskit.planning.exclusions import History
from smskit.planning.fingerprint import combined
from smskit.planning.partition import Question, Sums, billed
from smskit.planning.persons import notices_of_copies
from smskit.planning.plan import Plan, demand_columns, grouped
from smskit.planning.policy import UNASKED
from smskit.planning.spec import CampaignSpec

__all__ = ["LargePlan", "plan_in_parts"]

_VALUES_TOGETHER: Final = 4_000_000  # phones that are sorted at once
_PEOPLE_TOGETHER: Final = 500_000  # whose content is digested at once
_HEAD: Final = 2_000


@dataclass(frozen=True, repr=False)
class LargePlan(Plan):
    """
    A plan whose rows are with the workers; counts, cost and hash are of all of them.

    What has an entry per row has those of the first part alone, in which previews look; `frame` reads others.
    """

    group_equal: bool = field(kw_only=True)  # people with equal values are neighbours within a part
    parts_of_segment: Parts = field(kw_only=True)
    sums: Sums = field(kw_only=True)
    done: Finished = field(kw_only=True)

    def __len__(self) -> int:
        return self.sums.kept

    def __repr__(self) -> str:
        return f"LargePlan({self.spec.campaign}, {self.planned} planned of {len(self)}, {self.hash})"

    @property
    def planned(self) -> int:
        """How many people are to be messaged."""
        return int(self.done.reasons[Reason.NONE])

    @cached_property
    def excluded(self) -> dict[str, int]:
        """Reason -> rows left out for it, in order of the reasons; only those that occur."""
        return {r.label: int(self.done.reasons[r]) for r in ORDER if self.done.reasons[r]}

    @cached_property
    def total_parts(self) -> int:
        """Billed parts of all planned messages together."""
        return self.done.parts

    @property
    def ruled_out_rows(self) -> int:
        """How many rows of the segment the rules left out."""
        return self.read - self.sums.kept

    @property
    def looked_at(self) -> Message | None:
        """Of which rows previews are."""
        n = len(self.reasons)
        return Message(
            "the segment is large: previews look in its first {n:,} rows of {m:,}", n=n, m=len(self)
        )

    def frame(self, rows: NDArray[np.int64] | None = None) -> pd.DataFrame:
        """
        Rows as people may see them; see `Plan.frame`. The parts they are in are asked for.

        Raises:
            InputError: *rows* is None: all of them do not fit into memory.
        """
        if rows is None:
            raise InputError("the plan has {n:,} rows, which are too many at once; name rows", n=len(self))
        index = np.asarray(rows, np.int64)
        if not len(index) or index.max() < len(self.reasons):
            return super().frame(index)
        starts = self.parts_of_segment.starts
        wanted = np.unique(index)
        numbers = np.searchsorted(starts, wanted, "right") - 1
        found = []
        for number in np.unique(numbers):
            here = wanted[numbers == number]
            part = self.parts_of_segment.plan_of(int(number), self)
            found.append(Plan.frame(part, here - starts[number]).set_axis(here))
        return pd.concat(found).loc[index]


@dataclass(frozen=True, eq=False, repr=False)
class Parts:
    """
    The parts as the workers hold them.

    Attributes:
        judged: Futures of `stages.Judged`.
        answers: What is known of rows that repeat.
        files: The segment; those of a query are gone when nobody holds this.
        starts: The first row of each part, among those that the rules keep.
        done: What each part came to.
    """

    client: Any
    judged: Sequence[Any]
    answers: Sequence[Answer]
    files: Files
    starts: NDArray[np.int64]
    done: Sequence[Finished]

    def plan_of(self, number: int, like: LargePlan) -> Plan:
        """The part of that number, as a plan of its own."""
        [judged] = answers(self.client, [self.judged[number]])
        return plan_of_part(judged, self.answers[number], About.of(like))


class About(NamedTuple):
    """What a plan and its parts have in common."""

    spec: CampaignSpec
    template: Template
    at: datetime
    hash: str
    unfit_words: str
    appended: str
    group_equal: bool  # within a part

    @classmethod
    def of_question(cls, asked: Question, *, planned: int, digests: Mapping[int, bytes]) -> About:
        """That of the plan that is made of *asked*; digests of its people by bucket."""
        spec, template, fit = asked.spec, asked.template, asked.fit
        made = combined(spec.provider, spec.template_id, template, planned, digests)
        return cls(spec, template, asked.now, made, fit.unfit_words, fit.appended, fit.group_equal)

    @classmethod
    def of(cls, plan: LargePlan) -> About:
        """That of a plan."""
        return cls(*(getattr(plan, name) for name in cls._fields))


def plan_of_part(judged: stages.Judged, answer: Answer, about: About) -> Plan:
    """One part as a plan of its own."""
    part, reasons = judged.part, stages.reasons_in(judged, answer)
    planned = np.flatnonzero(reasons == Reason.NONE)
    return Plan(
        spec=about.spec,
        template=about.template,
        persons=part.rows.persons,
        phones=part.rows.phones,
        no_phones=part.rows.no_phones,
        reasons=reasons,
        parts=billed(part.rows, planned),
        variables=part.rows.values,
        kept=part.kept,
        steps=part.sums.steps,
        read=part.sums.read,
        at=about.at,
        ruled_out=part.ruled_out,
        hash=about.hash,
        order=grouped(planned, part.rows.values) if about.group_equal else planned,
        unfit_words=about.unfit_words,
        appended=about.appended,
    )


def plan_in_parts(
    asked: Question,
    files: Files,
    client: Any,
    *,
    columns: Wanted,
    past: History,
    notices: Sequence[str] = (),
    part_rows: int = PART_ROWS,
) -> LargePlan:
    """
    Plan a campaign over *files*: the plan that `planning.plan.build` makes of them in memory.

    Args:
        client: Of the cluster that does it.
        columns: Which to read; see `segment.load`.

    Raises:
        InputError: a column is missing, a rule or a variable does not fit.
    """
    spec = asked.spec
    source = _source(files, spec, columns)
    head = source.read(_first_rows(files.parts(_HEAD)[:1] or [[]], _HEAD))
    demand_columns(spec, asked.template, asked.bindings, [str(name) for name in head.columns])
    pieces = files.parts(part_rows) or [[]]
    asked = _with_reads(asked, source, pieces, head, client)
    unasked = _unasked(asked, head)

    judged = _judged(client, source, pieces, asked, past, unasked)
    sums, lack = zip(*answers(client, [client.submit(stages.sums_of, j) for j in judged]), strict=True)
    whole = Sums.together(sums)
    known_of, of_copies = _of_repeats(client, judged, whole.kept)
    parts, digests = _finish(client, judged, known_of, asked, whole.kept)
    done = Finished.together(parts)

    about = About.of_question(asked, planned=int(done.reasons[Reason.NONE]), digests=digests)
    [of_first] = answers(client, judged[:1])
    first = plan_of_part(of_first, known_of[0], about)
    starts = np.cumsum([0, *(part.kept for part in sums)])[:-1]
    of_whole: dict[str, Any] = {
        "steps": whole.steps,
        "read": whole.read,
        "coverage": whole.coverage,
        "notices": [
            *notices,
            *([Message(UNASKED, column=unasked, n=sum(lack), m=whole.read)] if unasked else ()),
            *messages_of(whole.unread),
            *messages_of(whole.of_cells),
            *of_copies,
            *messages_of(done.odd),
        ],
    }
    return LargePlan(
        **{each.name: getattr(first, each.name) for each in fields(Plan)} | of_whole,
        group_equal=about.group_equal,
        parts_of_segment=Parts(client, judged, known_of, files, starts, parts),
        sums=whole,
        done=done,
    )


def _source(files: Files, spec: CampaignSpec, columns: Wanted) -> Source:
    chosen = columns(files.names) if callable(columns) else columns
    return Source(files, sorted(chosen or files.names), frozenset({spec.phone, spec.user_id} - {""}))


def _with_reads(
    asked: Question, source: Source, pieces: Sequence[list[Piece]], head: pd.DataFrame, client: Any
) -> Question:
    """*asked*, with how the text columns that rules compare read as a whole."""
    rule = rules_module.parse(asked.spec.rules)
    heads = _heads(source, pieces, text_columns(rule, head, asked.now))
    needed = {
        name: each for name, each in wanted(rule, heads, asked.now).items() if each.readings or each.texts
    }
    tallies: dict[str, Tally] = {}
    if needed:
        there = client.submit(_itself, source, pure=False)
        found = answers(
            client, [client.submit(stages.counted, there, p, needed, asked, pure=False) for p in pieces]
        )
        tallies = {name: Tally.together([part[name] for part in found]) for name in needed}
    return replace(asked, reads=settle(rule, heads, tallies, asked.now))


def _heads(source: Source, pieces: Sequence[list[Piece]], names: Sequence[str]) -> dict[str, pd.Series]:
    """The first `SAMPLE` cells of each column that show anything."""
    found: dict[str, list[pd.Series]] = {name: [] for name in names}
    for part in pieces:
        short = [n for n, cells in found.items() if sum(map(len, cells)) < SAMPLE]
        if not short:
            break
        frame = source.read(part, short)
        for name in short:
            found[name].append(first_filled(frame[name], SAMPLE))
    return {name: pd.concat(cells).head(SAMPLE) for name, cells in found.items()}


def _first_rows(parts: Sequence[list[Piece]], most: int) -> list[Piece]:
    found: list[Piece] = []
    for piece in (piece for part in parts for piece in part):
        room = most - sum(each.rows for each in found)
        if room > 0:
            found.append(piece._replace(rows=min(room, piece.rows)))
    return found


def _unasked(asked: Question, head: pd.DataFrame) -> str:
    """The column that looks like consent, where marketing asks for none; "" = none."""
    if asked.spec.consent or asked.spec.message_class is not MessageClass.MARKETING:
        return ""
    return next(iter(roles_of(head).consent), "")


def _judged(
    client: Any,
    source: Source,
    pieces: Sequence[list[Piece]],
    asked: Question,
    past: History,
    unasked: str,
) -> list[Any]:
    """Futures of `stages.Judged`, one a part."""
    there, question, known = (client.submit(_itself, value, pure=False) for value in (source, asked, past))
    return [
        client.submit(stages.judged, there, part, question, known, unasked, pure=False) for part in pieces
    ]


def _of_repeats(client: Any, judged: Sequence[Any], rows: int) -> tuple[list[Answer], list[Message]]:
    """What is known of rows that repeat, by part, and what to say of copies."""
    parts = _repeats(client, judged, rows)
    repeated, copies, reasons = stages.repeated(parts)
    ends = np.cumsum([len(part.at) for part in parts])[:-1]
    known_of = [Answer(part.at, some) for part, some in zip(parts, np.split(reasons, ends), strict=True)]
    copied = np.isin(reasons, (Reason.DUPLICATE_PHONE, Reason.DUPLICATE_USER))
    notices = list(
        notices_of_copies(copies, repeated.phones, repeated.values, reasons == Reason.NONE, copied)
    )
    return known_of, notices


def _repeats(client: Any, judged: Sequence[Any], rows: int) -> list[stages.Repeats]:
    """The rows of each part that share a phone or a person with another row."""
    ways = max(1, -(-rows // _VALUES_TOGETHER))
    spread = [client.submit(stages.spread, each, ways) for each in judged]
    found = [
        client.submit(stages.twice_in, *(client.submit(_item, each, n) for each in spread))
        for n in range(2 * ways)
    ]
    del spread
    values = answers(client, found)
    twice = Twice(np.sort(np.concatenate(values[:ways])), np.sort(np.concatenate(values[ways:])))
    known = client.submit(_itself, twice, pure=False)
    return answers(client, [client.submit(stages.repeats, each, known) for each in judged])


def _finish(
    client: Any, judged: Sequence[Any], known_of: Sequence[Answer], asked: Question, rows: int
) -> tuple[list[Finished], dict[int, bytes]]:
    ways = max(1, -(-rows // _PEOPLE_TOGETHER))
    names = asked.template.names
    made = [
        client.submit(stages.finished, each, answer, names, ways, pure=False)
        for each, answer in zip(judged, known_of, strict=True)
    ]
    done = [client.submit(_item, each, 0) for each in made]
    digests = [
        client.submit(stages.digested, *(client.submit(_item, each, n) for each in made))
        for n in range(1, ways + 1)
    ]
    del made
    found: dict[int, bytes] = {}
    for part in answers(client, digests):
        if part is None:
            raise LedgerError("the plan holds a phone twice; nothing was stored")
        found |= part
    return answers(client, done), found


def _itself(value: Any) -> Any:
    """As a task, what is handed to many is sent once, and again where it was lost."""
    return value


def _item(values: Sequence[Any], n: int) -> Any:
    return values[n]
