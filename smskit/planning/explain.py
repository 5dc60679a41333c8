"""
A campaign in words: who, what, through whom, when, within which limits, and what stops it.

Reads parameters and what the provider declares; looks at no segment, account or
ledger, so it says the same wherever the file is read. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from smskit.audience import rules as rules_module
from smskit.audience.phones import redact
from smskit.message.variables import Binding, parse_bindings
from smskit.models import MessageClass, Mode
from smskit.planning.policy import LEAST_CANARY
from smskit.planning.schema import shown
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
    sentences: dict[str, list[str]]  # heading -> sentences
    rules: str
    sql: str
    parameters: list[Parameter]

    def to_data(self) -> dict[str, Any]:
        """Plain data for programs."""
        return {
            "campaign": self.campaign,
            "sentences": self.sentences,
            "rules": self.rules,
            "sql": self.sql,
            "parameters": [p._asdict() for p in self.parameters],
        }

    def __str__(self) -> str:
        told = [self.campaign]
        for heading, sentences in self.sentences.items():
            told += ["", heading, *(f"  {sentence}" for sentence in sentences)]
        told += ["", "Rules", f"  {self.rules}"]
        if self.sql:
            told += ["  as SQL:", *(f"    {line}" for line in self.sql.splitlines())]
        width = max(len(p.name) for p in self.parameters)
        told += ["", "Parameters"]
        told += [f"  {p.name:{width}}  {p.source:7}  {p.value}".rstrip() for p in self.parameters]
        return "\n".join(told)


def explain(spec: CampaignSpec, given: Collection[str], *, now: datetime) -> Explained:
    """
    *spec* in words.

    Args:
        given: Names that its file gives; all others are defaults.
        now: Aware; what ``within_days`` counts from in the SQL.

    Raises:
        InputError: the provider is not known, or a rule is malformed.
    """
    rule = rules_module.parse(spec.rules)
    everybody = spec.rules in (None, {}, [])
    return Explained(
        campaign=f"{spec.campaign} ({spec.mode})",
        sentences={
            "Who": _who(spec),
            "What": _what(spec),
            "Through whom": _through(spec),
            "When": _when(spec),
            "Limits": _limits(spec),
            "What stops it": _stops(spec),
        },
        rules="Everybody in the segment." if everybody else redact(rule.label),
        sql="" if everybody else redact(rule.to_sql(now=now.astimezone(spec.zone))),
        parameters=[
            Parameter(
                name,
                f"{len(spec.test_phones)} numbers" if name == "test_phones" else shown(value),
                "file" if name in given else "default",
                str(CampaignSpec.model_fields[name].description or ""),
            )
            for name, value in spec.model_dump(mode="json").items()
        ],
    )


def _who(spec: CampaignSpec) -> list[str]:
    chosen = "" if spec.rules in (None, {}, []) else ", those who pass the rules"
    person = f"column `{spec.user_id}`" if spec.user_id else "the phone itself"
    told = [
        f"People in {spec.segment}{chosen}.",
        f"A person is {person}; phones are in column `{spec.phone}`.",
    ]
    told.append("Left out: bad and doubled phones, doubled people, who opted out, who lacks a variable.")
    marketing = spec.message_class is MessageClass.MARKETING
    if marketing:
        told.append(
            f"Left out: who has no plain yes in column `{spec.consent}`."
            if spec.consent
            else "Consent is taken for granted: no column is asked (`consent`)."
        )
    if spec.cap:
        told.append(
            f"Left out: who had {_times(spec)} from any live campaign; looked at again at each batch."
        )
    if spec.holdout:
        told.append(
            f"Kept back, never messaged: {_percent(spec.holdout)} of them, in every occurrence of "
            f"`{spec.series_name}` the same people."
        )
    if marketing and spec.global_holdout:
        told.append(f"Kept back from all marketing: {_percent(spec.global_holdout)}, always the same people.")
    return told


def _what(spec: CampaignSpec) -> list[str]:
    told = []
    if spec.template:
        signature = f"【{spec.signature}】" if spec.signature and not spec.template.startswith("【") else ""
        told.append(redact(f"{signature}{spec.template}"))
    else:
        told.append(f"The text of the provider's template {spec.template_id or '(none given)'}.")
    told += [f"{{{name}}}: {_bound(binding)}." for name, binding in parse_bindings(spec.variables).items()]
    told.append(f"It is {'marketing' if spec.message_class is MessageClass.MARKETING else 'a notification'}.")
    rule = provider_class(spec.provider).opt_out
    if spec.message_class is MessageClass.MARKETING:
        told.append(
            {
                "": "How to opt out: as the text says; a lack is shown in the plan, and does not stop it.",
                "add": f"How to opt out: `{rule.wording}` is appended where our text has nothing.",
                "demand": "How to opt out: a text that does not say so is refused.",
            }.get(spec.opt_out_wording, f"How to opt out: `{spec.opt_out_wording}` is appended.")
        )
        if rule.appended:
            told.append(f"{spec.provider} itself appends `{rule.appended}` to marketing.")
    return told


def _bound(binding: Binding) -> str:
    if binding.column is None:
        return f"always `{shown(str(binding.value))}`"
    instead = f", `{shown(str(binding.default))}` where it is empty" if binding.default is not None else ""
    return f"column `{binding.column}`{instead}"


def _through(spec: CampaignSpec) -> list[str]:
    title = provider_class(spec.provider).title
    if spec.mode is Mode.LIVE:
        return [f"{title}, for real: people get it."]
    if spec.mode is Mode.REHEARSE:
        return [f"The built-in simulator, in the way of {title}: nobody gets anything (`mode: live` sends)."]
    return [f"Nobody: mode `plan` only looks. It would be {title}."]


def _when(spec: CampaignSpec) -> list[str]:
    told = ["As soon as it is run."]
    if spec.window:
        outside = "waits until they begin" if spec.outside_window == "wait" else "pauses (exit 4)"
        held = "" if spec.mode is Mode.LIVE else " Only live runs keep to it."
        told.append(
            f"Within {spec.send_window} ({spec.timezone}); outside these hours a run {outside}.{held}"
        )
    else:
        told.append("At any hour.")
    hours = provider_class(spec.provider).terms.hours
    if spec.message_class is MessageClass.MARKETING and hours is not None:
        told.append(
            f"{spec.provider} takes marketing only {hours}; a send window is used as far as it lies within."
        )
    if spec.deadline:
        told.append(f"Not after {spec.deadline.isoformat()}.")
    return told


def _limits(spec: CampaignSpec) -> list[str]:
    told = [f"At most {spec.max_recipients} people."]
    told.append(
        f"At most {spec.max_cost} yuan, at {spec.price_per_part} a part."
        if spec.max_cost is not None
        else f"No limit of cost; {spec.price_per_part} yuan a part for the estimate."
    )
    if spec.cap:
        told.append(f"Nobody gets more than {_times(spec)}, from whatever live campaign.")
    return told


def _canary(spec: CampaignSpec) -> list[str]:
    if not spec.canary:
        return []
    return [
        f"First to {_percent(spec.canary)} of them (at least {LEAST_CANARY} people); then it waits "
        f"{spec.canary_wait} and looks at receipts and replies.",
        f"It stops there (exit 4) when more than {_percent(spec.canary_max_failure)} of them failed, more "
        f"than {_percent(spec.canary_max_opt_out)} opted out, or less than half of them have a receipt.",
    ]


def _stops(spec: CampaignSpec) -> list[str]:
    told = ["Before the first message (exit 3): the provider's check fails, or a limit above is exceeded."]
    if spec.plan_hash:
        told.append(f"Any plan but {spec.plan_hash}.")
    told.append(
        f"It is far from the last finished runs of `{spec.series_name}`: {spec.drift_factor:g} times "
        "as many or as few people, a column that lost half of its values, "
        "a template that says something else."
        if spec.drift == "stop"
        else "A run far from its series' last ones is let go (`drift: allow`)."
    )
    told.append(
        "On the way (exit 4, run again to go on): `smskit stop`, no money, requests that do not get through, "
        "many unclear or refused in a row."
    )
    return told + _canary(spec)


def _times(spec: CampaignSpec) -> str:
    assert spec.cap is not None
    most, window = spec.cap.most, spec.frequency_cap.split("/")[1].strip()
    return f"{most} message{'s' if most != 1 else ''} within {window}"


def _percent(share: float) -> str:
    return f"{share * 100:.10g} %"
