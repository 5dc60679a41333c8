"""
The plan of a campaign, from its parameters: template, segment and history looked up, then planned.

What a plan is, and who is in it, is ``planning.plan``, which is pure; here is where it gets its
segment, its template, the clock and the past from, and where it is frozen into the ledger.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from smskit.audience import rules as rules_module
from smskit.audience import segment as segment_module
from smskit.audience.roles import consent_names
from smskit.audience.segment.files import Files
from smskit.audience.segment.names import Wanted
from smskit.errors import SettingsError, TemplateError
from smskit.i18n import Message
from smskit.ledger import CampaignRow, Frozen, Ledger
from smskit.message.lint import notices_of_text
from smskit.message.opt_out import lack_of, notice_of, with_wording
from smskit.message.template import Form, Template
from smskit.message.variables import parse_bindings
from smskit.message.windows import notice_of_hours
from smskit.models import MessageClass, Mode, Reason
from smskit.planning.drift import Footprint, drifted
from smskit.planning.partition import Question
from smskit.planning.plan import History, Plan, ProviderLimits, build, columns_read
from smskit.planning.policy import fingerprint, notice_of_consent
from smskit.planning.power import power_words
from smskit.planning.preview import masked
from smskit.planning.problems import NO_TEXT
from smskit.planning.source import load_segment, segment_or_files
from smskit.planning.spec import CampaignSpec
from smskit.providers.base import Provider
from smskit.sending.access import ProviderAccess, ProviderFacts
from smskit.sending.clock import Clock
from smskit.sending.newcomers import SEGMENT_DIGEST, digest_of
from smskit.settings import LargeSettings

__all__ = ["Planner", "history_of", "limits_of"]


def _columns_to_plan(spec: CampaignSpec, read: set[str], names: Sequence[str]) -> set[str]:
    """The columns of *names* to load: what is *read*, and what may be consent where nobody asks for it."""
    asked = spec.consent or spec.message_class is not MessageClass.MARKETING
    return read if asked else read | set(consent_names(names))


def limits_of(
    spec: CampaignSpec, facts: ProviderFacts, others: Sequence[ProviderFacts] = ()
) -> ProviderLimits:
    """What decides, of all that a provider and the *others* of `fits` state, who can be messaged."""
    limits = facts.limits
    also = tuple(limits_of(spec, other) for other in others)
    words = dict.fromkeys((limits.unfit_words, *(other.unfit_words for other in also)))
    return ProviderLimits(
        others=also,
        text_units=limits.text_units,
        value_units=limits.value_units,
        unfit_value=limits.unfit_value,
        unfit_words=", ".join(filter(None, words)),
        replace=limits.replace,
        group_equal=limits.same > limits.different,
        appended=facts.opt_out.appended if spec.message_class is MessageClass.MARKETING else "",
    )


def history_of(spec: CampaignSpec, ledger: Ledger, clock: Clock, mode: Mode) -> History:
    """What the ledger knows of people, as far as it keeps them out of a campaign sent in *mode*."""
    # A plan looks at what the live campaign of this id has done; a run starts from nothing.
    phones, persons = ledger.audience.submitted(spec.campaign, mode)
    recent = np.empty(0, np.int64)
    if spec.cap:
        since = clock.now() - spec.cap.window
        recent = ledger.caps.accepted_since(since.timestamp(), but_not=spec.campaign)
    return History(phones, persons, ledger.opt_outs.phones(), recent, ledger.erasing.key())


class Planner:
    """
    Plans one campaign, once; asked again it gives the same plan. Safe to share between threads.

    Args:
        frame: A segment that is in memory already; else it is loaded from the spec.
        variables: Where ``env:NAME`` is looked up.
        parameter_file: Beside which a relative segment is looked for first; None = there is none.
        holdout_salt: Of ``global_holdout``; see ``plan.build``.
        by: Who plans; "" = whoever this process works for.
    """

    def __init__(
        self,
        spec: CampaignSpec,
        ledger: Ledger,
        provider: ProviderAccess,
        clock: Clock,
        *,
        frame: pd.DataFrame | None = None,
        variables: Mapping[str, str] | None = None,
        parameter_file: Path | None = None,
        holdout_salt: str = "",
        by: str = "",
    ) -> None:
        self.frame = frame
        self._spec, self._ledger, self._provider, self._clock = spec, ledger, provider, clock
        self._file, self._by = parameter_file, by
        self._variables = {} if variables is None else variables
        self._holdout_salt = holdout_salt
        self._plan: Plan | None = None
        self._template: Template | None = None
        self._recorded = False
        self._lock = threading.Lock()  # a panel and a cell may ask at once

    def __repr__(self) -> str:
        return f"Planner({self._spec.campaign})"

    @property
    def sending_mode(self) -> Mode:
        """The mode a run would have: that of a plan is live."""
        return Mode.LIVE if self._spec.mode is Mode.PLAN else self._spec.mode

    # -- the plan -----------------------------------------------------------------------

    def plan(self, *, record: bool = True) -> Plan:
        """
        The plan; the first call makes it, and in mode ``plan`` records it in the ledger.

        Args:
            record: False where a person is still choosing, and this is one of many plans.
        """
        with self._lock:
            if self._plan is None:
                self._plan = self._build()
                held = self._plan.excluded.get(Reason.HOLDOUT.label, 0)
                if lift := power_words(self._plan.planned, held):
                    self._plan = replace(self._plan, notices=[*self._plan.notices, lift])
                if self._spec.drift == "allow" and (drift := self._drift_of(self._plan)):
                    allowed = [Message("allowed by `drift: allow`: {why}", why=change) for change in drift]
                    self._plan = replace(self._plan, notices=[*self._plan.notices, *allowed])
            if record and self._spec.mode is Mode.PLAN and not self._recorded:
                self.freeze(Mode.PLAN, self._plan)
                self._recorded = True
            return self._plan

    def summary(self) -> dict[str, Any] | None:
        """What the plan adds up to, with its hash; None while there is none."""
        return None if self._plan is None else self._plan.summary() | {"plan_hash": self._plan.hash}

    def freeze(self, mode: Mode, plan: Plan) -> CampaignRow:
        """Write the audience into the ledger, unless another run was faster; returns what is there."""
        planned: dict[str, Any] = {
            "name": self._spec.campaign,
            "series": self._spec.series_name,
            "mode": mode,
            "provider": self._spec.provider,
            "plan_hash": plan.hash,
            "spec": self._spec.model_dump(mode="json", exclude={"test_phones"}),
            "summary": plan.summary() | {SEGMENT_DIGEST: digest_of(self._spec, self._variables, self._file)},
            "holdout_key": fingerprint(self._holdout_salt) if self._spec.global_holdout else "",
            "by": self._by,
        }
        if plan.looked_at is not None:
            from smskit.large.freezing import freeze_in_parts
            from smskit.large.planning import LargePlan

            assert isinstance(plan, LargePlan)
            return freeze_in_parts(plan, self._ledger, **planned)
        return self._ledger.campaigns.freeze(frozen=Frozen.of(plan), **planned)

    def lost(self, step: int, *, count: int = 50) -> pd.DataFrame:
        """
        The first rows a rule leaves out that passed those before it, to look at; reads the segment again.

        Args:
            step: Number of the rule among ``Plan.steps``.

        Returns:
            The person, the masked phone, and the columns the rules read.
        """
        spec, rule = self._spec, rules_module.parse(self._spec.rules)
        columns = dict.fromkeys([*filter(None, (spec.user_id, spec.phone)), *sorted(rule.columns())])
        frame = self._load(set(columns), sample=True)
        now = self._clock.now().astimezone(spec.zone)  # as a plan's rules see it
        rows = np.flatnonzero(rule.lost(frame, step, now=now))[:count]
        return masked(frame.loc[rows, list(columns)], phone=spec.phone)

    def drift(self) -> list[str]:
        """How the plan is unlike earlier runs of its series, one line each; see ``drift.drifted``."""
        return self._drift_of(self.plan(record=False))

    def _drift_of(self, plan: Plan) -> list[str]:
        spec = self._spec
        past = [
            Footprint.of(
                row.name,
                row.summary,
                provider=row.provider,
                template_id=row.spec.get("template_id", ""),
                at=row.finished_at or 0.0,
            )
            for row in self._ledger.campaigns.find(mode=self.sending_mode, series=spec.series_name)
            if row.state == "finished" and row.name != spec.campaign
        ]
        now = Footprint.of(
            spec.campaign, plan.summary(), provider=spec.provider, template_id=spec.template_id
        )
        return drifted(now, past, factor=spec.drift_factor)

    def _build(self) -> Plan:
        spec, now = self._spec, self._clock.local()
        bindings = parse_bindings(spec.variables)
        columns = partial(_columns_to_plan, spec, columns_read(spec, bindings))
        segment = self._segment(columns)
        template = self.template()
        notices = self._notices(template, now)
        fit = limits_of(spec, self._provider.facts, self._provider.others())
        past = history_of(spec, self._ledger, self._clock, self.sending_mode)
        if isinstance(segment, Files):
            from smskit.large.cluster import client_of
            from smskit.large.planning import plan_in_parts

            return plan_in_parts(
                Question(spec, template, bindings, fit, now, self._holdout_salt),
                segment,
                client_of(LargeSettings.of(self._variables)),
                columns=columns,
                past=past,
                notices=notices,
            )
        if spec.engine == "dask":
            notices.append(
                Message("only parquet and queries are planned in parts; this segment was read in memory")
            )
        unasked = notice_of_consent(segment, consent=spec.consent, message_class=spec.message_class)
        notices += filter(None, [unasked])
        return build(
            spec,
            segment,
            template,
            bindings,
            fit=fit,
            past=past,
            now=now,
            holdout_salt=self._holdout_salt,
            notices=[*segment_module.notices(segment), *notices],
        )

    def _notices(self, template: Template, now: datetime) -> list[str]:
        """What to know of the plan whoever is in the segment."""
        spec, facts = self._spec, self._provider.facts
        found: list[str | None] = [*facts.in_clear, self._of_wording(notice_of)]
        if spec.message_class is MessageClass.MARKETING:
            found.append(notice_of_hours(spec.window, facts.marketing, provider=spec.provider, now=now))
        return [text for text in (*found, *notices_of_text(template)) if text]

    def _segment(self, columns: Wanted) -> pd.DataFrame | Files:
        """The segment; files where it is planned in parts."""
        if self.frame is not None:
            return segment_module.from_frame(self.frame)
        return segment_or_files(self._spec, environ=self._variables, file=self._file, columns=columns)

    def _load(self, columns: Wanted, *, sample: bool = False) -> pd.DataFrame:
        if self.frame is not None:
            return segment_module.from_frame(self.frame)
        return load_segment(
            self._spec, environ=self._variables, file=self._file, columns=columns, sample=sample
        )

    # -- the template ---------------------------------------------------------------------

    def template(self) -> Template:
        """
        The text all messages share: from the parameters, else from the provider.

        Raises:
            TemplateError: there is none, or it contradicts the signature.
        """
        if self._template is None:
            self._template = with_wording(
                self._find_template(),
                self._spec.opt_out_wording,
                self._provider.facts.opt_out,
                message_class=self._spec.message_class,
                template_id=self._spec.template_id,
            )
        return self._template

    def lack_of_wording(self) -> str:
        """What keeps the template from being sent as marketing, for want of how to opt out; "" = nothing."""
        return self._of_wording(lack_of)

    def _of_wording(self, what: Callable[..., str]) -> str:
        spec = self._spec
        return what(
            self.template(),
            self._provider.facts.opt_out,
            provider=spec.provider,
            message_class=spec.message_class,
            template_id=spec.template_id,
        )

    def _find_template(self) -> Template:
        spec = self._spec
        if spec.template:
            return Template.parse(spec.template, signature=spec.signature)
        if not spec.template_id:
            raise TemplateError(NO_TEXT)
        try:
            text, form = self._provider.ask(Mode.LIVE, None, partial(_text_and_form, spec.template_id))
        except SettingsError as error:
            raise TemplateError(
                "the text of template {code} has to be fetched from the provider, but {why} "
                "Or give the text as parameter `template`.",
                code=spec.template_id,
                why=error.message,
            ) from None
        return Template.parse(text, signature=spec.signature, form=form)


async def _text_and_form(template_id: str, provider: Provider) -> tuple[str, Form]:
    return await provider.template_text(template_id), provider.form
