"""
A campaign in words: who, what, through whom, when, within which limits, and what stops it.

Reads parameters and what the provider declares, and where it can be read the
segment, for how its columns read; no account and no ledger. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from smskit.audience import rules as rules_module
from smskit.audience.noticed import messages_of
from smskit.audience.phones import redact
from smskit.audience.rules import Rule
from smskit.errors import RuleError, SegmentError, TemplateError
from smskit.i18n import Joined, Language, Message, mark
from smskit.i18n.figures import money
from smskit.message.lint import notices_of_text
from smskit.message.template import Template
from smskit.message.variables import Binding, parse_bindings
from smskit.models import MessageClass, Mode
from smskit.planning.phones_for_tests import told
from smskit.planning.policy import LEAST_CANARY
from smskit.planning.power import power_words
from smskit.planning.schema import shown
from smskit.planning.source import all_columns, asks_database, load_segment, notes_of_query
from smskit.planning.spec import CampaignSpec
from smskit.providers import provider_class

__all__ = ["Explained", "Parameter", "explain"]


class Parameter(NamedTuple):
    """One parameter with its value, and where that came from."""

    name: str
    value: str
    source: str  # "file" or "default"
    meaning: str


@dataclass(frozen=True)
class Explained:
    """A campaign in words."""

    campaign: str
    sentences: Mapping[str, Sequence[str]]  # heading -> sentences
    rules: str  # one line
    sql: str
    parameters: list[Parameter]
    notes: Sequence[Message] = ()  # what the rules cannot read, or why the segment was not looked at

    def to_data(self) -> dict[str, Any]:
        """Plain data for programs."""
        return {
            "campaign": self.campaign,
            "sentences": self.sentences,
            "rules": self.rules,
            "sql": self.sql,
            "parameters": [p._asdict() for p in self.parameters],
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        return self.render(Language("en"))

    def render(self, t: Language) -> str:
        """All of it as lines of text."""
        lines = [self.campaign]
        for heading, sentences in self.sentences.items():
            lines += ["", t(heading), *(f"  {t.render(sentence)}" for sentence in sentences)]
        lines += ["", t("Rules"), f"  {t.render(self.rules)}"]
        if self.sql:
            lines += [f"  {t('as SQL:')}", *(f"    {line}" for line in self.sql.splitlines())]
        lines += [f"  {t('note: {note}', note=note)}" for note in self.notes]
        width = max(len(p.name) for p in self.parameters)
        lines += ["", t("Parameters")]
        lines += [f"  {p.name:{width}}  {p.source:7}  {t.render(p.value)}".rstrip() for p in self.parameters]
        return "\n".join(lines)


def explain(
    spec: CampaignSpec,
    given: Collection[str],
    *,
    now: datetime,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
    with_query: bool = False,
) -> Explained:
    """
    *spec* in words.

    Args:
        given: Names that its file gives; all others are defaults.
        now: Aware; what ``within_days`` counts from in the SQL.
        environ: Where ``env:NAME`` of the segment is looked up; None: do not read the segment.
        file: The parameter file.
        with_query: Run the query of a segment that is a database; else such a segment is not looked at.

    Raises:
        InputError: the provider is not known, or a rule is malformed.
    """
    rule = rules_module.parse(spec.rules)
    everybody = spec.rules in (None, {}, [])
    readable = None if asks_database(spec) and not with_query else environ
    sql, notes = ("", []) if everybody else _sql(rule, spec, now.astimezone(spec.zone), readable, file)
    notes += notes_of_query(spec, environ, asked=with_query) if environ is not None else []
    return Explained(
        campaign=f"{spec.campaign} ({spec.mode})",
        sentences={
            mark("Who"): _who(spec),
            mark("What"): _what(spec),
            mark("Through whom"): _through(spec),
            mark("When"): list(_when(spec)),
            mark("Limits"): list(_limits(spec)),
            mark("What stops it"): list(_stops(spec)),
        },
        rules=Message("Everybody in the segment.") if everybody else redact(rule.label),
        sql=redact(sql),
        notes=notes,
        parameters=[
            Parameter(
                name,
                told(spec.test_phones) if name == "test_phones" else shown(value),
                "file" if name in given else "default",
                str(CampaignSpec.model_fields[name].description or ""),
            )
            for name, value in spec.model_dump(mode="json").items()
        ],
    )


def _sql(
    rule: Rule, spec: CampaignSpec, now: datetime, environ: Mapping[str, str] | None, file: Path | None
) -> tuple[str, list[Message]]:
    """The rule as SQL for the columns as they read, where the segment can be had, and what to note of it."""
    if environ is None:
        return rule.to_sql(now=now), []
    try:
        columns = all_columns(rule.columns())
        frame = load_segment(spec, environ=environ, file=file, columns=columns, sample=True)
        unread = rule.unread(rules_module.Source(frame, now))
        return rule.to_sql(now=now, frame=frame), messages_of(unread)
    except SegmentError as error:
        return rule.to_sql(now=now), [Message("the segment was not looked at: {why}", why=error.message)]
    except RuleError as error:
        return rule.to_sql(now=now), [error.message]


def _who(spec: CampaignSpec) -> list[Message]:
    people = Message("People in {segment}.", segment=spec.segment)
    chosen = Message("People in {segment}, those who pass the rules.", segment=spec.segment)
    by_id = Message(
        "A person is column `{user_id}`; phones are in column `{phone}`.",
        user_id=spec.user_id,
        phone=spec.phone,
    )
    by_phone = Message("A person is the phone itself; phones are in column `{phone}`.", phone=spec.phone)
    return [
        people if spec.rules in (None, {}, []) else chosen,
        by_id if spec.user_id else by_phone,
        Message("Left out: bad and doubled phones, doubled people, who opted out, who lacks a variable."),
        *_left_out(spec),
    ]


def _left_out(spec: CampaignSpec) -> Iterator[Message]:
    marketing = spec.message_class is MessageClass.MARKETING
    if marketing and spec.consent:
        yield Message("Left out: who has no plain yes in column `{name}`.", name=spec.consent)
    elif marketing:
        yield Message("Consent is taken for granted: no column is asked (`consent`).")
    if spec.cap:
        yield Message(
            "Left out: who had {times} from any live campaign; looked at again at each batch.",
            times=_times(spec),
        )
    if spec.arm:
        yield Message(
            "Left out: who is in another arm of experiment `{experiment}`; this one, `{name}`, has {from_} "
            "to {to} of it.",
            experiment=spec.arm["experiment"],
            name=spec.arm["name"],
            from_=_percent(spec.arm["from"]),
            to=_percent(spec.arm["to"]),
        )
    if spec.holdout:
        yield Message(
            "Kept back, never messaged: {share} of them, in every occurrence of `{series}` the same people.",
            share=_percent(spec.holdout),
            series=spec.series_name,
        )
        if lift := power_words(round(100_000 * (1 - spec.holdout)), round(100_000 * spec.holdout)):
            yield Message("Of 100,000 people, {lift}; `smskit power` says it of this file.", lift=lift)
    if marketing and spec.global_holdout:
        yield Message(
            "Kept back from all marketing: {share}, always the same people.",
            share=_percent(spec.global_holdout),
        )


def _what(spec: CampaignSpec) -> list[str]:
    marketing = spec.message_class is MessageClass.MARKETING
    if spec.template:
        signature = f"【{spec.signature}】" if spec.signature and not spec.template.startswith("【") else ""
        text: str = redact(f"{signature}{spec.template}")
    else:
        template_id = spec.template_id or Message("(none given)")
        text = Message("The text of the provider's template {code}.", code=template_id)
    bound = [
        Message("{place}: {what}.", place=f"{{{name}}}", what=_bound(binding))
        for name, binding in parse_bindings(spec.variables).items()
    ]
    kind = Message("It is marketing.") if marketing else Message("It is a notification.")
    return [text, *_of_text(spec), *bound, kind, *(_opting_out(spec) if marketing else ())]


def _of_text(spec: CampaignSpec) -> Iterator[Message]:
    try:
        notices = notices_of_text(Template.parse(spec.template, signature=spec.signature))
    except TemplateError:  # no text here, or one that `plan` refuses
        return
    yield from (Message("{why}.", why=notice) for notice in notices)


def _opting_out(spec: CampaignSpec) -> Iterator[Message]:
    rule = provider_class(spec.provider).opt_out
    match spec.opt_out_wording:
        case "":
            yield Message(
                "How to opt out: as the text says; a lack is shown in the plan, and does not stop it."
            )
        case "add":
            yield Message(
                "How to opt out: `{text}` is appended where our text has nothing.", text=rule.wording
            )
        case "demand":
            yield Message("How to opt out: a text that does not say so is refused.")
        case wording:
            yield Message("How to opt out: `{text}` is appended.", text=wording)
    if rule.appended:
        yield Message(
            "{provider} itself appends `{text}` to marketing.", provider=spec.provider, text=rule.appended
        )


def _bound(binding: Binding) -> Message:
    if binding.column is None:
        return Message("always `{value}`", value=shown(str(binding.value)))
    if binding.default is None:
        return Message("column `{name}`", name=binding.column)
    default = shown(str(binding.default))
    return Message("column `{name}`, `{value}` where it is empty", name=binding.column, value=default)


def _through(spec: CampaignSpec) -> list[Message]:
    title = provider_class(spec.provider).title
    match spec.mode:
        case Mode.LIVE:
            return [Message("{title}, for real: people get it.", title=title)]
        case Mode.REHEARSE:
            simulated = Message(
                "The built-in simulator, in the way of {title}: nobody gets anything (`mode: live` sends).",
                title=title,
            )
            return [simulated]
        case Mode.PLAN:
            return [Message("Nobody: mode `plan` only looks. It would be {title}.", title=title)]


def _when(spec: CampaignSpec) -> Iterator[Message]:
    yield Message("As soon as it is run.")
    if spec.window:
        hours = {"hours": spec.send_window, "zone": spec.timezone}
        waits = Message("Within {hours} ({zone}); outside these hours a run waits until they begin.", **hours)
        pauses = Message("Within {hours} ({zone}); outside these hours a run pauses (exit 4).", **hours)
        kept = Message("Only live runs keep to it.") if spec.mode is not Mode.LIVE else ""
        yield Joined([waits if spec.outside_window == "wait" else pauses, kept], " ")
    else:
        yield Message("At any hour.")
    taken = provider_class(spec.provider).marketing.hours
    if spec.message_class is MessageClass.MARKETING and taken is not None:
        yield Message(
            "{provider} takes marketing only {hours}; a send window is used as far as it lies within.",
            provider=spec.provider,
            hours=taken,
        )
    if spec.deadline:
        yield Message("Not after {at}.", at=spec.deadline.isoformat())


def _limits(spec: CampaignSpec) -> Iterator[Message]:
    yield Message("At most {n:,} people.", n=spec.max_recipients)
    price = money(spec.price_per_part)
    if spec.max_cost is not None:
        yield Message("At most {cost}, at {price} a part.", cost=money(spec.max_cost), price=price)
    else:
        yield Message("No limit of cost; {price} a part for the estimate.", price=price)
    if spec.cap:
        yield Message("Nobody gets more than {times}, from whatever live campaign.", times=_times(spec))


def _stops(spec: CampaignSpec) -> Iterator[Message]:
    yield Message(
        "Before the first message (exit 3): the provider's check fails, or a limit above is exceeded."
    )
    if spec.plan_hash:
        yield Message("Any plan but {hash}.", hash=spec.plan_hash)
    if spec.drift == "stop":
        yield Message(
            "It is far from the last finished runs of `{series}`: {factor} times as many or as few people, a "
            "column that lost half of its values, a template that says something else.",
            series=spec.series_name,
            factor=f"{spec.drift_factor:g}",
        )
    else:
        yield Message("A run far from its series' last ones is let go (`drift: allow`).")
    yield Message(
        "On the way (exit 4, run again to go on): `smskit stop`, no money, requests that do not get through, "
        "many unclear or refused in a row."
    )
    if spec.canary:
        yield from _canary(spec)


def _canary(spec: CampaignSpec) -> Iterator[Message]:
    yield Message(
        "First to {share} of them (at least {n} people); then it waits {wait} and looks at receipts and "
        "replies.",
        share=_percent(spec.canary),
        n=LEAST_CANARY,
        wait=spec.canary_wait,
    )
    yield Message(
        "It stops there (exit 4) when more than {failed} of them failed, more than {out} opted out, or less "
        "than half of them have a receipt.",
        failed=_percent(spec.canary_max_failure),
        out=_percent(spec.canary_max_opt_out),
    )


def _times(spec: CampaignSpec) -> Message:
    assert spec.cap is not None
    window = spec.frequency_cap.split("/")[1].strip()
    if spec.cap.most == 1:
        return Message("1 message within {window}", window=window)
    return Message("{n} messages within {window}", n=spec.cap.most, window=window)


def _percent(share: float) -> str:
    return f"{share * 100:.10g}%"
