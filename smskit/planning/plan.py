"""
The plan: one row per segment row, with one state, one reason, and what it would say.

Pure: the segment, the clock and all history are handed in. Everything is done
by column; texts are rendered only when they are shown, since a million
of them would be most of the memory. The hash says whether two plans are the same
plan: same provider, signature, template, people and texts, whatever the mode,
the clock, or the order of the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from smskit.audience import phones as phones_module
from smskit.audience import rules as rules_module
from smskit.audience.noticed import messages_of
from smskit.audience.persons import Copies
from smskit.errors import SegmentError, suggest
from smskit.i18n import Joined, Language, Message
from smskit.i18n.figures import money
from smskit.message import parts as parts_module
from smskit.message.template import Template
from smskit.message.variables import Binding, check_bindings
from smskit.models import ORDER, VALUE, Reason
from smskit.planning.exclusions import History, reasons_of
from smskit.planning.fingerprint import plan_hash
from smskit.planning.odd_values import odd_values
from smskit.planning.partition import Part, Question, billed
from smskit.planning.persons import notices_of_copies
from smskit.planning.policy import held_back
from smskit.planning.recipients import ProviderLimits, units_of_texts
from smskit.planning.ruled_out import RuledOutRows
from smskit.planning.spec import CampaignSpec
from smskit.settings import Environment

__all__ = [
    "History",
    "Plan",
    "ProviderLimits",
    "build",
    "columns_read",
    "demand_columns",
    "grouped",
    "misnamed",
]


@dataclass(frozen=True)
class Plan:
    """
    Who gets what, and who does not and why. A notebook shows it as counts and the waterfall.

    >>> import pandas as pd, smskit
    >>> people = pd.DataFrame({"user_id": ["u1", "u2", "u3"], "name": ["张三", None, "王五"],
    ...                        "phone": ["13800138000", "13800138001", "12345"]})
    >>> plan = smskit.open_campaign(campaign="hello", frame=people, signature="GrowingIO",
    ...                             template="你好{name}，拒收请回复R", variables={"name": "name"}).plan()
    >>> plan.planned, plan.total_parts, str(plan.cost), plan.excluded
    (1, 1, '0.05', {'bad_phone': 1, 'missing_variable': 1})
    >>> plan.waterfall()
                   step  left_out  left
    0              read         0     3
    1         bad_phone         1     2
    2  missing_variable         1     1
    3           planned         0     1
    >>> plan.frame()[["user_id", "phone", "state", "text"]].iloc[0].tolist()
    ['u1', '138****8000', 'planned', '【GrowingIO】你好张三，拒收请回复R']

    Arrays have one entry per segment row, in segment order. ``reasons`` holds
    ``Reason`` numbers (0 = planned), ``parts`` is 0 for excluded rows.
    """

    spec: CampaignSpec
    template: Template
    persons: pa.Array
    phones: NDArray[np.int64]
    no_phones: pd.Series = field(repr=False)  # cells of the rows without one, in order; shown masked
    reasons: NDArray[np.int8]
    parts: NDArray[np.int16]
    variables: Mapping[str, pa.Array] = field(repr=False)
    steps: Sequence[rules_module.Step]
    read: int  # rows read before the rules
    at: datetime  # aware; when they were read
    ruled_out: RuledOutRows = field(repr=False)
    hash: str
    order: NDArray[np.int64] = field(repr=False)  # planned rows, in send order
    unfit_words: str = ""  # what makes a value a bad_variable for this provider
    coverage: Mapping[str, float] = field(default_factory=dict)  # see `drift.Footprint`
    notices: Sequence[str] = ()  # what the plan's reader should know
    appended: str = ""  # what the provider puts behind every message itself
    kept: Mapping[str, pa.Array] = field(default_factory=dict, repr=False)  # columns of `keep`, as text

    def __len__(self) -> int:
        return len(self.reasons)

    def __repr__(self) -> str:
        return f"Plan({self.spec.campaign}, {len(self.order)} planned of {len(self)}, {self.hash})"

    def _repr_html_(self) -> str:
        """What a notebook shows of a plan: its counts in a sentence, and the waterfall; no people."""
        t = Language(Environment().language)
        words = "{n:,} people, {parts:,} parts, about {cost}. Plan hash: {hash}"
        counts = t(words, n=self.planned, parts=self.total_parts, cost=money(self.cost), hash=self.hash)
        names = {"step": t("step"), "left_out": t("left out"), "left": t("left")}
        table = self.waterfall().rename(columns=names).to_html(index=False, border=0)
        return f"<p><b>{escape(self.spec.campaign)}</b>: {escape(counts)}</p>{table}"

    @property
    def looked_at(self) -> Message | None:
        """Of which rows previews are, where they are not of all."""
        return None

    @property
    def planned(self) -> int:
        """How many people are to be messaged."""
        return len(self.order)

    @property
    def ruled_out_rows(self) -> int:
        """How many rows of the segment the rules left out."""
        return len(self.ruled_out)

    @cached_property
    def excluded(self) -> dict[str, int]:
        """Reason -> rows left out for it, in order of the reasons; only those that occur."""
        counts = np.bincount(self.reasons, minlength=len(Reason))
        return {r.label: int(counts[r]) for r in ORDER if counts[r]}

    @cached_property
    def units(self) -> NDArray[np.int32]:
        """Length of each row's whole text in UTF-16 units, with what the provider appends; not rendered."""
        return units_of_texts(self.template, self.variables, len(self.reasons)) + parts_module.units_of(
            self.appended
        )

    @cached_property
    def total_parts(self) -> int:
        """Billed parts of all planned messages together."""
        return int(self.parts.sum())

    @property
    def cost(self) -> Decimal:
        """Estimated cost in yuan."""
        return self.total_parts * self.spec.price_per_part

    def summary(self) -> dict[str, Any]:
        """The plan's books as plain data, as the ledger keeps and ``status`` prints them."""
        return {
            "segment": len(self),
            "read": self.read,
            "read_at": self.at.isoformat(),
            "ruled_out": self.ruled_out_rows,
            "excluded": self.excluded,
            "planned": self.planned,
            "parts": self.total_parts,
            "cost": str(self.cost),
            "signature": self.template.signature,
            "template": self.template.text,
            "coverage": dict(self.coverage),
            "unfit_words": self.unfit_words,
            "notices": list(self.notices),
            "steps": [{"rule": s.label, "alone": s.alone, "kept": s.kept} for s in self.steps],
        }

    def waterfall(self) -> pd.DataFrame:
        """From rows read to people planned: one row a step, with how many it took and how many are left."""
        rows: list[tuple[str, int, int]] = [("read", 0, self.read)]
        left = self.read
        for step in self.steps:
            rows.append((step.label, left - step.kept, step.kept))
            left = step.kept
        for reason, count in self.excluded.items():
            left -= count
            rows.append((reason, count, left))
        rows.append(("planned", 0, left))
        made = pd.DataFrame(rows, columns=["step", "left_out", "left"])
        # As objects: a rule's line can be read in either language.
        return made.assign(step=pd.Series([step for step, _, _ in rows], dtype=object))

    def texts(self, rows: NDArray[np.int64]) -> pa.Array:
        """The whole texts of those rows; null where a variable is missing."""
        take = pa.array(rows)
        values = {name: column.take(take) for name, column in self.variables.items()}
        return self.template.render_column(values, len(rows))

    def frame(self, rows: NDArray[np.int64] | None = None) -> pd.DataFrame:
        """
        Rows as people may see them: user_id, masked phone, state, reason, text, parts, then the variables.

        Args:
            rows: Which, by position; None = all (renders every text).
        """
        index = np.arange(len(self)) if rows is None else np.asarray(rows, np.int64)
        take = pa.array(index)
        reasons = self.reasons[index]
        labels = np.array([r.label for r in Reason], object)
        # A variable may be bound to the phone column; it is masked where it is shown, not where it is sent.
        values = {n: phones_module.hide_column(column.take(take)) for n, column in self.variables.items()}
        columns: dict[str, Any] = {
            "user_id": phones_module.hide_column(self.persons.take(take)),
            "phone": self._shown(index),
            "state": np.where(reasons == 0, "planned", "excluded"),
            "reason": np.where(reasons == 0, "", labels[reasons]),
            "text": pc.fill_null(self.template.render_column(values, len(index)), ""),
            "parts": self.parts[index],
        }
        columns |= {name: column for name, column in values.items() if name not in columns}
        texts = (pa.Array, pa.ChunkedArray)  # of which a column without any would be of objects
        made = {n: pd.Series(c, dtype="str" if isinstance(c, texts) else None) for n, c in columns.items()}
        return pd.DataFrame(made).set_axis(index)

    def _shown(self, rows: NDArray[np.int64]) -> pa.Array:
        numbers = self.phones[rows]
        at = np.searchsorted(np.flatnonzero(self.phones == 0), rows[numbers == 0])
        return phones_module.shown_column(self.no_phones.iloc[at], numbers)

    def preview(self, count: int = 5) -> pd.DataFrame:
        """The first planned messages, the longest one, and one row for each reason."""
        wanted = list(self.order[:count])
        if self.planned:
            wanted.append(int(np.argmax(self.parts)))
        wanted += [int(np.argmax(self.reasons == r)) for r in ORDER if (self.reasons == r).any()]
        return self.frame(np.array(list(dict.fromkeys(int(w) for w in wanted)), np.int64))

    def left_out(self) -> pa.Table:
        """
        The excluded people, for the ledger: person, phone (0 = none), shown, reason.

        Also would_hold, whether the holdout has them whatever the reason, and the columns of `keep`.
        """
        rows = np.flatnonzero(self.reasons != Reason.NONE)
        take, reasons = pa.array(rows), self.reasons[rows]
        persons = self.persons.take(take)
        kept = {VALUE + name: column.take(take) for name, column in self.kept.items()}
        return pa.table(
            {
                "person": persons,
                "phone": self.phones[rows],
                "shown": self._shown(rows),
                "reason": reasons,
                "would_hold": held_back(persons, self.spec.holdout, key=self.spec.series_name),
                **kept,
            }
        )


def columns_read(spec: CampaignSpec, bindings: Mapping[str, Binding]) -> set[str]:
    """The columns of the segment this campaign reads; nothing else needs to be loaded."""
    needed = {spec.phone} | rules_module.parse(spec.rules).columns()
    needed |= {b.column for b in bindings.values() if b.column}
    return needed | {name for name in (spec.user_id, spec.consent, *spec.keep) if name}


def build(
    spec: CampaignSpec,
    frame: pd.DataFrame,
    template: Template,
    bindings: Mapping[str, Binding],
    *,
    fit: ProviderLimits,
    past: History,
    now: datetime,
    holdout_salt: str = "",
    notices: Sequence[str] = (),
) -> Plan:
    """
    Plan a campaign over *frame* (one row per person; read, never changed).

    Args:
        now: Aware; what ``within_days`` counts from.
        holdout_salt: Of the holdout of all marketing; other salt, other people.

    Raises:
        InputError: a column is missing, a rule or a variable does not fit.
    """
    demand_columns(spec, template, bindings, [str(c) for c in frame.columns])
    asked = Question(spec, template, bindings, fit, now, holdout_salt)
    plan = _judged(asked, frame, past, notices)
    # What was only needed to judge is gone by now: the hash takes memory of its own.
    people = plan.order, plan.phones, plan.persons, plan.variables
    return replace(plan, hash=plan_hash(spec.provider, spec.template_id, template, *people))


def _judged(asked: Question, frame: pd.DataFrame, past: History, notices: Sequence[str]) -> Plan:
    """The plan without its hash."""
    spec, fit = asked.spec, asked.fit
    part = Part.of(asked, frame, past)
    rows, sums = part.rows, part.sums
    copies = Copies.of(rows.phones, rows.persons, rows.keys)
    reasons = reasons_of(part.facts, copies)

    copied = np.isin(reasons, (Reason.DUPLICATE_PHONE, Reason.DUPLICATE_USER))
    of_copies = notices_of_copies(copies, rows.phones, rows.values, reasons == Reason.NONE, copied)
    planned = np.flatnonzero(reasons == Reason.NONE)
    return Plan(
        spec=spec,
        template=asked.template,
        persons=rows.persons,
        phones=rows.phones,
        no_phones=rows.no_phones,
        reasons=reasons,
        parts=billed(rows, planned),
        variables=rows.values,
        steps=sums.steps,
        read=sums.read,
        at=asked.now,
        ruled_out=part.ruled_out,
        hash="",
        order=grouped(planned, rows.values) if fit.group_equal else planned,
        unfit_words=fit.unfit_words,
        coverage=sums.coverage,
        notices=[
            *notices,
            *messages_of(sums.unread),
            *messages_of(sums.of_cells),
            *of_copies,
            *messages_of(odd_values(rows.values, planned)),
        ],
        appended=fit.appended,
        kept=part.kept,
    )


def demand_columns(
    spec: CampaignSpec, template: Template, bindings: Mapping[str, Binding], columns: Sequence[str]
) -> None:
    """
    Refuse a segment of those *columns* where it lacks one that is asked for, or bindings do not fit.

    Raises:
        InputError: names all that is wrong.
    """
    if problems := misnamed(spec, columns):
        raise SegmentError(Joined(text for _, text in problems))
    check_bindings(template, bindings, columns)


def misnamed(spec: CampaignSpec, columns: Sequence[str]) -> list[tuple[str, Message]]:
    """Parameters that name a column the segment does not have, each with what to say about it."""
    roles = [("phone", spec.phone), ("user_id", spec.user_id), ("consent", spec.consent)]
    roles += [("keep", name) for name in spec.keep]
    known = f"{', '.join(columns[:12])}{', …' if len(columns) > 12 else ''}"
    return [
        (role, _no_column(role, name, columns, known)) for role, name in roles if name and name not in columns
    ]


def _no_column(role: str, name: str, columns: Sequence[str], known: str) -> Message:
    lacking = Message(
        "parameter `{role}` names column `{name}`, which the segment does not have", role=role, name=name
    )
    return Joined([suggest(lacking, name, columns), Message("(it has: {columns})", columns=known)], " ")


def grouped(planned: NDArray[np.int64], values: Mapping[str, pa.Array]) -> NDArray[np.int64]:
    """Planned rows with equal values next to each other, otherwise in segment order."""
    if not values:
        return planned
    codes = [np.asarray(column.dictionary_encode().indices)[planned] for column in values.values()]
    return planned[np.lexsort(codes[::-1])]
