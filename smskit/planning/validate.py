"""
Whether a parameter file can be run: everything that is wrong with it, at once.

Sends nothing, asks no provider, writes nothing. Also whether the segment's
columns, rules and variables fit, where the segment can be read here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from smskit.audience import rules as rules_module
from smskit.audience import segment as segment_module
from smskit.audience.identity import known_ids
from smskit.audience.noticed import messages_of
from smskit.audience.persons import Copies
from smskit.audience.phones import normalise
from smskit.audience.roles import roles_of
from smskit.audience.segment.location import is_elsewhere, is_url, without_scheme
from smskit.errors import InputError, SegmentError, SettingsError, SpecError, suggest
from smskit.i18n import Language, Message
from smskit.message.lint import notices_of_text
from smskit.message.template import Template
from smskit.message.values import format_column
from smskit.message.variables import bind, check_bindings, parse_bindings
from smskit.planning.occurrence import with_occurrence
from smskit.planning.odd_values import hours_left_out
from smskit.planning.parameter_file import OF_FILE, lines, read_file
from smskit.planning.persons import notices_of_copies, persons_of
from smskit.planning.plan import misnamed
from smskit.planning.policy import notice_of_consent
from smskit.planning.problems import NO_TEXT
from smskit.planning.source import all_columns, asks_database, load_segment, notes_of_query
from smskit.planning.spec import CampaignSpec
from smskit.providers import Provider, provider_class
from smskit.settings import demand_https, variable_of

__all__ = ["Problem", "Validated", "validate"]


class Problem(NamedTuple):
    """One thing that is wrong."""

    parameter: str  # "" = the file as a whole
    line: int  # 0 = no line of its own
    text: Message


@dataclass
class Validated:
    """What was found in one file."""

    file: str
    spec: CampaignSpec | None = None
    problems: list[Problem] = field(default_factory=list)
    notes: list[Message] = field(default_factory=list)  # what was not checked here, and what else to know
    lines: Mapping[str, int] = field(default_factory=dict, repr=False)  # parameter -> where it stands

    def wrong(self, parameter: str, text: Message) -> None:
        """Add a problem."""
        self.problems.append(Problem(parameter, self.lines.get(parameter, 0), text))

    @contextmanager
    def about(self, parameter: str) -> Iterator[None]:
        """What is refused within is a problem of *parameter*."""
        try:
            yield
        except (InputError, SettingsError) as error:
            self.wrong(parameter, error.message)

    @property
    def good(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.problems

    def to_data(self) -> dict[str, Any]:
        """Plain data for programs."""
        return {
            "file": self.file,
            "valid": self.good,
            "problems": [p._asdict() for p in self.problems],
            "notes": self.notes,
        }

    def __str__(self) -> str:
        return self.render(Language("en"))

    def render(self, t: Language) -> str:
        """A line for each problem and note, as compilers write them, then whether it is valid."""
        lines = [f"{self.file}{f':{p.line}' if p.line else ''}: {t.render(p.text)}" for p in self.problems]
        lines += [t("{file}: note: {note}", file=self.file, note=note) for note in self.notes]
        return "\n".join([*lines, t("{file}: valid", file=self.file)] if self.good else lines)


def validate(
    path: str | Path,
    *,
    now: datetime,
    environ: Mapping[str, str] = os.environ,
    with_segment: bool = True,
    with_query: bool = False,
) -> Validated:
    """
    Everything that is wrong with the parameter file at *path*, with lines.

    Args:
        now: Aware; what ``within_days`` counts from and ``not_after`` is compared with.
        environ: Where ``env:NAME`` is looked up.
        with_segment: False: do not read the segment.
        with_query: Run the query of a segment that is a database; else such a segment is not looked at.
    """
    found = Validated(str(path))
    try:
        data = with_occurrence(read_file(path), now=now)
    except SpecError as error:
        # The line begins with the file's name already.
        why = error.message.values.get("why")
        text = why if error.message.msgid == OF_FILE and isinstance(why, Message) else error.message
        found.wrong("", text)
        return found
    found.lines = lines(Path(path).read_text(encoding="utf-8"))
    found.spec, problems = CampaignSpec.read(data)
    for name, text in problems:
        found.wrong(name, text)
    if found.spec is not None:
        reads = with_segment and (with_query or not asks_database(found.spec))
        load = partial(load_segment, found.spec, environ=environ, file=Path(path), sample=True)
        if with_segment:
            found.notes += notes_of_query(found.spec, environ, asked=with_query)
        _look(found, found.spec, now, load if reads else None, environ)
    found.problems.sort(key=lambda p: p.line)
    return found


def _demand_https(cls: type[Provider], environ: Mapping[str, str]) -> None:
    variables = [variable_of(cls.name, field) for field in cls.Settings.address_fields()]
    allowed = environ.get(variable_of(cls.name, "plain_http")) == "allow"
    demand_https(cls.name, {name: environ.get(name, "") for name in variables}, allowed=allowed)


def _look(
    found: Validated,
    spec: CampaignSpec,
    now: datetime,
    load: Callable[..., pd.DataFrame] | None,
    environ: Mapping[str, str],
) -> None:
    """Whether the provider, the template and the segment fit what the parameters say of them."""
    with found.about("provider"):
        _demand_https(provider_class(spec.provider), environ)
    for name in dict.fromkeys(spec.fits):
        try:
            provider_class(name)
        except SpecError as error:
            found.wrong("fits", Message("`{name}`: {why}", name="fits", why=error.message))
    rule: rules_module.Rule | None = None
    with found.about("rules"):
        rule = rules_module.parse(spec.rules)
    template = _template(found, spec)
    if spec.deadline and now > spec.deadline:
        at = spec.deadline.isoformat()
        found.notes.append(Message("`not_after` ({at}) has passed: a run would be refused", at=at))
    asked = {spec.phone, spec.user_id, spec.consent, *spec.keep, *_supposed(spec)} - {""}
    asked |= rule.columns() if rule is not None else set()
    frame = _segment(found, spec, partial(load, columns=all_columns(asked))) if load else None
    if frame is not None:
        _look_at_people(found, spec, frame)
        if rule and not _unknown_columns(found, rule, frame):
            with found.about("rules"):
                _look_at_rule(found, spec, rule, frame, template, now)
    if template is not None:
        columns = list(frame.columns) if frame is not None else _supposed(spec)
        with found.about("variables"):
            check_bindings(template, parse_bindings(spec.variables), columns)


def _look_at_people(found: Validated, spec: CampaignSpec, frame: pd.DataFrame) -> None:
    """The columns of phone, person and consent: which are lacking, and what the plan would notice of them."""
    lacking = misnamed(spec, [str(c) for c in frame.columns])
    for name, text in lacking:
        found.wrong(name, text)
    found.notes += _likely(frame, [role for role, _ in lacking])
    unasked = notice_of_consent(frame, consent=spec.consent, message_class=spec.message_class)
    found.notes += filter(None, [unasked])
    if spec.user_id in frame.columns:
        with found.about("user_id"):
            ids = known_ids(frame[spec.user_id], format_column(frame[spec.user_id]))
            found.notes += messages_of(ids.noticed)


def _look_at_rule(
    found: Validated,
    spec: CampaignSpec,
    rule: rules_module.Rule,
    frame: pd.DataFrame,
    template: Template | None,
    now: datetime,
) -> None:
    """How many rows the rules keep, and which copies among them disagree."""
    source = rules_module.Source(frame, now.astimezone(spec.zone))
    keep, _ = rule.filter_source(source)
    found.notes += messages_of(rule.unread(source))
    found.notes.append(
        Message("the segment has {n} rows, of which the rules keep {m}", n=len(frame), m=keep.sum())
    )
    if template is not None and found.good:
        found.notes += _of_values(spec, frame[keep], template)


def _of_values(spec: CampaignSpec, frame: pd.DataFrame, template: Template) -> list[Message]:
    """What is said of moments without their hour, and of copies that disagree and could be sent to."""
    phones, _ = normalise(frame[spec.phone])
    try:
        persons, _ = persons_of(spec, frame, phones)
        bindings = parse_bindings(spec.variables)
        values = bind(frame, bindings, template.names, zone=spec.zone)
    except InputError:
        return []  # told where columns and variables are looked at
    usable = phones != 0
    for column in values.values():
        usable &= np.asarray(column.is_valid())
    copies = Copies.of(phones, persons)
    again = copies.same_phone(usable)
    again |= copies.same_person(usable & ~again)
    hours = messages_of(hours_left_out(frame, bindings, zone=spec.zone))
    return [*hours, *notices_of_copies(copies, phones, values, usable & ~again, again)]


def _likely(frame: pd.DataFrame, lacking: Sequence[str]) -> Iterator[Message]:
    """For each parameter that names no column of *frame*, the column that looks like it."""
    like = roles_of(frame)._asdict() if lacking else {}
    for role in lacking:
        if like[role]:
            yield Message("column `{column}` looks like `{role}`", column=like[role][0], role=role)


def _template(found: Validated, spec: CampaignSpec) -> Template | None:
    if spec.template:
        with found.about("template"):
            template = Template.parse(spec.template, signature=spec.signature)
            found.notes += notices_of_text(template)
            return template
    elif spec.template_id:
        note = Message(
            "the text of template {code} is the provider's to tell: `smskit plan` fetches it and looks "
            "whether the variables fit",
            code=spec.template_id,
        )
        found.notes.append(note)
    else:
        found.wrong("template", Message(NO_TEXT))
    return None


def _segment(found: Validated, spec: CampaignSpec, load: Callable[[], pd.DataFrame]) -> pd.DataFrame | None:
    try:
        frame = load()
        found.notes += segment_module.notices(frame)
        return frame
    except SegmentError as error:
        place = without_scheme(spec.segment)
        if place.startswith("env:") or (is_url(place) and not is_elsewhere(place)):
            # Where a parameter file is looked at, a database is often out of reach.
            found.notes.append(Message("the segment was not looked at: {why}", why=error.message))
        else:
            found.wrong("segment", error.message)
    return None


def _unknown_columns(found: Validated, rule: rules_module.Rule, frame: pd.DataFrame) -> bool:
    """Whether rules ask for columns that the segment does not have; each is a problem."""
    known = [str(c) for c in frame.columns]
    unknown = sorted(rule.columns() - set(known))
    for name in unknown:
        lacking = Message("a rule asks for the column `{name}`, which the segment does not have", name=name)
        found.wrong("rules", suggest(lacking, name, known))
    return bool(unknown)


def _supposed(spec: CampaignSpec) -> list[str]:
    """The columns the bindings name, where the segment cannot be asked."""
    return [b.column for b in parse_bindings(spec.variables).values() if b.column is not None]
