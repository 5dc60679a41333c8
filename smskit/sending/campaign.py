"""
The order of things: plan, check, send, fetch receipts, settle.

``Campaign`` joins the pure parts with the two doors to the world. It decides
nothing a lower floor can decide, and prints nothing.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from smskit.audience import rules as rules_module
from smskit.audience import segment as segment_module
from smskit.audience.phones import normalise_one, redact
from smskit.errors import (
    CampaignPaused,
    GuardRefused,
    InputError,
    LedgerError,
    NotUsable,
    PlanMismatch,
    SettingsError,
    SmskitError,
    TemplateError,
)
from smskit.i18n import UNSENT, Joined, Message, quote
from smskit.ledger import CampaignRow, Frozen, Ledger, Tally
from smskit.message.opt_out import OptOutRule, lack_of, notice_of, with_wording
from smskit.message.template import Template
from smskit.message.variables import parse_bindings
from smskit.message.windows import MarketingLimits, effective_window, notice_of_hours
from smskit.models import CheckResult, Finding, Kind, MessageClass, Mode
from smskit.planning.drift import Footprint, drifted
from smskit.planning.plan import History, Plan, ProviderLimits, build, columns_read
from smskit.planning.policy import Guard, guard_problems
from smskit.planning.preview import masked
from smskit.planning.spec import DEFINITION, CampaignSpec
from smskit.providers.base import Feature, Job, Limits, Provider
from smskit.reporting import report
from smskit.sending.canary import Wait, size_of, try_first
from smskit.sending.engine import Ended, Engine, Patience, Progress, Window
from smskit.sending.receipts import Fetched, fetch_from
from smskit.sending.reconcile import job_of, reference_of
from smskit.sending.run_record import RunRecord
from smskit.sending.signals import heard
from smskit.sending.threads import run_in_thread
from smskit.sending.unknowns import settle_by_asking, settle_by_hand

# mode, spec -> a provider for it: the real one, or one that talks to a rehearsal.
Connect = Callable[[Mode, "Job | None"], AbstractContextManager[Provider]]


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    campaign: str
    mode: Mode
    state: str
    books: Tally
    note: str = ""


class Campaign:
    """
    One campaign, from its parameters to what became of every message; made by `open_campaign`.

    `plan` and `check` send nothing; `send` sends once to everybody, however often it is called; `status`,
    `messages`, `why`, `receipts` and `settle` tell what came of it. Phones are masked unless revealed.

    >>> import pandas as pd, smskit
    >>> people = pd.DataFrame({"user_id": ["u1", "u2", "u3"], "name": ["张三", "李四", "王五"],
    ...                        "phone": ["13800138000", "138 0013 8001", "12345"]})
    >>> campaign = smskit.open_campaign(campaign="hello", frame=people, signature="GrowingIO",
    ...                                 template="你好{name}，拒收请回复R", variables={"name": "name"})
    >>> campaign.plan()
    Plan(hello, 2 planned of 3, p7985babab4f8c776517777c6)
    >>> campaign.send().state  # the mode is `rehearse`: to the built-in simulator
    'finished'
    >>> campaign.messages()[["user_id", "text", "phone", "state"]]
      user_id                    text        phone     state
    0      u1  【GrowingIO】你好张三，拒收请回复R  138****8000  accepted
    1      u2  【GrowingIO】你好李四，拒收请回复R  138****8001  accepted
    2      u3                                ***45  excluded
    >>> campaign.why("u3")["reason"].tolist(), campaign.why("13800138000")["state"].tolist()
    (['bad_phone'], ['submitting', 'accepted'])
    >>> fetched = campaign.receipts()  # who got it, once the provider knows
    >>> campaign.settle(give_up=True)  # nothing stayed unknown
    0

    Args:
        connect: Gives a provider for a mode; see ``session.open_campaign``.
        limits: What the provider can carry, known without an account.
        opt_out: What it says about the opt-out wording.
        marketing: What it states about the hours of marketing.
        reports: Whether it hands out receipts; without them there is no canary.
        frame: A segment that is in memory already; else it is loaded from the spec.
        variables: Where ``env:NAME`` is looked up.
        holdout_salt: Of ``global_holdout``; see ``plan.build``.
        now: The time, aware; None = as the ledger's clock has it, so that both are always of one mind.
        sleep: How a wait passes the time, for the send window or until records may be believed.
        record: Writes its runs down; see ``session.open_campaign``.
    """

    def __init__(
        self,
        spec: CampaignSpec,
        *,
        ledger: Ledger,
        connect: Connect,
        limits: Limits,
        opt_out: OptOutRule = OptOutRule(),  # noqa: B008 - frozen
        marketing: MarketingLimits = MarketingLimits(),  # noqa: B008 - frozen
        reports: bool = True,
        frame: pd.DataFrame | None = None,
        variables: Mapping[str, str] | None = None,
        holdout_salt: str = "",
        now: Callable[[], datetime] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        patience: Patience = Patience(),  # noqa: B008 - frozen
        record: RunRecord | None = None,
    ) -> None:
        self.spec = spec
        self.ledger = ledger
        self.record = record or RunRecord(ledger, spec)
        self._connect, self._limits, self._opt_out, self._marketing = connect, limits, opt_out, marketing
        self._variables = {} if variables is None else variables
        self._holdout_salt = holdout_salt
        self._frame, self._patience = frame, patience
        self._now = now or (lambda: datetime.fromtimestamp(ledger.clock(), UTC))
        self._sleep = sleep
        self._reports = reports
        self._plan: Plan | None = None
        self._planning = threading.Lock()  # a panel and a cell may ask at once
        self._recorded = False
        self._held = threading.Event()
        self._running: list[Engine | Wait] = []  # what sends or waits now comes last
        self._told = ""  # why this run is to end, once it was told to
        self._template: Template | None = None

    def __repr__(self) -> str:
        return f"Campaign({self.spec.campaign}, {self.spec.mode}, {self.spec.provider})"

    # -- plan ---------------------------------------------------------------------

    def plan(self, *, record: bool = True) -> Plan:
        """
        Who gets what, and who does not. In mode ``plan`` it is recorded in the ledger.

        Asked again, the same plan comes back: what was previewed is what is sent.

        Args:
            record: False where a person is still choosing, and this is one of many plans.
        """
        with self._planning:
            if self._plan is None:
                self._plan = self._build()
                if self.spec.drift == "allow" and (drift := self._drift_of(self._plan)):
                    allowed = [Message("allowed by `drift: allow`: {why}", why=change) for change in drift]
                    self._plan = replace(self._plan, notices=[*self._plan.notices, *allowed])
            if record and self.spec.mode is Mode.PLAN and not self._recorded:
                self._freeze(Mode.PLAN, self._plan)
                self._recorded = True
            return self._plan

    def lost(self, step: int, *, count: int = 50) -> pd.DataFrame:
        """
        The first rows a rule leaves out that passed those before it, to look at; reads the segment again.

        Args:
            step: Number of the rule among ``Plan.steps``.

        Returns:
            The person, the masked phone, and the columns the rules read.
        """
        spec, rule = self.spec, rules_module.parse(self.spec.rules)
        columns = dict.fromkeys([*filter(None, (spec.user_id, spec.phone)), *sorted(rule.columns())])
        frame = self._load(set(columns))
        rows = np.flatnonzero(rule.lost(frame, step, now=self._local_now()))[:count]
        return masked(frame.loc[rows, list(columns)], phone=spec.phone)

    def drift(self) -> list[str]:
        """How the plan is unlike earlier runs of its series, one line each; see ``drift.drifted``."""
        return self._drift_of(self.plan(record=False))

    def _drift_of(self, plan: Plan) -> list[str]:
        spec = self.spec
        past = [
            Footprint.of(
                row.name,
                row.summary,
                provider=row.provider,
                template_id=row.spec.get("template_id", ""),
                at=row.finished_at or 0.0,
            )
            for row in self.ledger.campaigns.find(mode=self._sending_mode(), series=spec.series_name)
            if row.state == "finished" and row.name != spec.campaign
        ]
        now = Footprint.of(
            spec.campaign, plan.summary(), provider=spec.provider, template_id=spec.template_id
        )
        return drifted(now, past, factor=spec.drift_factor)

    def started(self) -> CampaignRow | None:
        """The campaign as an earlier run froze it in this mode, or None."""
        return (
            None
            if self.spec.mode is Mode.PLAN
            else self.ledger.campaigns.get(self.spec.campaign, self.spec.mode)
        )

    def guards(self) -> list[Guard]:
        """Why this plan would be refused in a run; empty when it would not."""
        plan = self.plan()
        return self._problems(
            plan.planned, plan.cost, plan.hash, lack=self._of_wording(lack_of), drift=self.drift()
        )

    def opens_at(self) -> datetime | None:
        """When the send window opens, in the campaign's zone; None while it is open or there is none."""
        window, now = self._window(), self._local_now()
        opening: datetime | None = None if not window or window.is_open(now) else window.next_opening(now)
        return opening

    def template(self) -> Template:
        """
        The text all messages share: from the parameters, else from the provider.

        Raises:
            TemplateError: there is none, or it contradicts the signature.
        """
        if self._template is None:
            self._template = with_wording(
                self._find_template(),
                self.spec.opt_out_wording,
                self._opt_out,
                message_class=self.spec.message_class,
                template_id=self.spec.template_id,
            )
        return self._template

    def _of_wording(self, what: Callable[..., str]) -> str:
        spec = self.spec
        return what(
            self.template(),
            self._opt_out,
            provider=spec.provider,
            message_class=spec.message_class,
            template_id=spec.template_id,
        )

    def _find_template(self) -> Template:
        if self.spec.template:
            return Template.parse(self.spec.template, signature=self.spec.signature)
        if not self.spec.template_id:
            raise TemplateError(
                Message("give the text as parameter `template`, or the provider's `template_id`")
            )
        try:
            with self._connect(Mode.LIVE, None) as provider:
                text = self._wait(lambda: _closing(provider, provider.template_text(self.spec.template_id)))
            return Template.parse(text, signature=self.spec.signature, form=provider.form)
        except SettingsError as error:
            raise TemplateError(
                Message(
                    "the text of template {code} has to be fetched from the provider, but {why} "
                    "Or give the text as parameter `template`.",
                    code=self.spec.template_id,
                    why=error.message,
                )
            ) from None

    def _build(self) -> Plan:
        spec = self.spec
        bindings = parse_bindings(spec.variables)
        frame = self._load(columns_read(spec, bindings))
        limits = self._limits
        fit = ProviderLimits(
            text_units=limits.text_units,
            value_units=limits.value_units,
            unfit_value=limits.unfit_value,
            unfit_words=limits.unfit_words,
            replace=limits.replace,
            group_equal=limits.same > limits.different,
            appended=self._opt_out.appended if spec.message_class is MessageClass.MARKETING else "",
        )
        notice, hours = self._of_wording(notice_of), ""
        if spec.message_class is MessageClass.MARKETING:
            hours = notice_of_hours(
                spec.window, self._marketing, provider=spec.provider, now=self._local_now()
            )
        return build(
            spec,
            frame,
            self.template(),
            bindings,
            fit=fit,
            past=self._past(),
            now=self._local_now(),
            holdout_salt=self._holdout_salt,
            notices=[text for text in (notice, hours) if text],
        )

    def _load(self, columns: set[str]) -> pd.DataFrame:
        if self._frame is not None:
            return segment_module.from_frame(self._frame)
        spec = self.spec
        return segment_module.load(
            spec.segment,
            query=spec.segment_query,
            text_columns={spec.phone, spec.user_id} - {""},
            columns=columns,
            environ=self._variables,
        )

    def _past(self) -> History:
        spec, ledger = self.spec, self.ledger
        # A plan looks at what the live campaign of this id has done; a run starts from nothing.
        phones, persons = ledger.audience.submitted(
            spec.campaign, Mode.LIVE if spec.mode is Mode.PLAN else spec.mode
        )
        recent = np.empty(0, np.int64)
        if spec.cap:
            since = self._now() - spec.cap.window
            recent = ledger.caps.accepted_since(since.timestamp(), but_not=spec.campaign)
        return History(phones, persons, ledger.opt_outs.phones(), recent)

    def _freeze(self, mode: Mode, plan: Plan) -> CampaignRow:
        frozen = Frozen(
            phones=plan.phones,
            persons=plan.persons,
            variables=plan.variables,
            parts=plan.parts,
            excluded=plan.left_out(),
            order=plan.order,
        )
        return self.ledger.campaigns.freeze(
            name=self.spec.campaign,
            series=self.spec.series_name,
            mode=mode,
            provider=self.spec.provider,
            plan_hash=plan.hash,
            spec=self.spec.model_dump(mode="json", exclude={"test_phones"}),
            summary=plan.summary(),
            frozen=frozen,
        )

    # -- check ----------------------------------------------------------------------

    def check(self) -> CheckResult:
        """Ask the provider whether this set-up is usable; sends nothing."""
        template = self.template()
        with self._connect(self._sending_mode(), self._job(template)) as provider:
            check = provider.check(
                signature=template.signature, template_id=self.spec.template_id, template=template
            )
            result = self._wait(lambda: _closing(provider, check))
        assert isinstance(result, CheckResult)
        return result

    def _sending_mode(self) -> Mode:
        return Mode.LIVE if self.spec.mode is Mode.PLAN else self.spec.mode

    def _job(self, template: Template) -> Job:
        reference = reference_of(self.spec.campaign, self._sending_mode())
        return Job(template, self.spec.template_id, self.spec.message_class, reference=reference)

    # -- send -----------------------------------------------------------------------

    def send(self, *, progress: Callable[[Progress], None] = lambda _: None) -> Outcome:
        """
        Send to everybody planned who was not submitted yet, once. Blocks until done.

        The first call freezes the audience. Later calls, from whatever process,
        go on with it, or say that it is finished. Ctrl-C, and in the main thread
        SIGTERM, end it cleanly.

        Raises:
            GuardRefused, NotUsable, PlanMismatch: nothing was sent by this call.
            LedgerLocked: another run is at it.
            CampaignPaused: it stopped with people still waiting; call again.
        """
        if self.spec.mode is Mode.PLAN:
            raise GuardRefused(Message("mode `plan` sends nothing; use mode `rehearse` or `live`"))
        self._told = ""
        # Until the end is written down: it may be told so more than once.
        listening = heard(lambda s: self._end(Message("told to end ({name})", name=s.name)), signal.SIGTERM)
        with listening, self.record.sending(self.planned):
            return self._send(progress)

    def planned(self) -> dict[str, Any] | None:
        """What the plan adds up to, with its hash; None while there is none."""
        return None if self._plan is None else self._plan.summary() | {"plan_hash": self._plan.hash}

    def _send(self, progress: Callable[[Progress], None]) -> Outcome:
        row = self.ledger.campaigns.get(self.spec.campaign, self.spec.mode)
        if row is None:
            plan = self.plan()
            lack = self._of_wording(lack_of)
            self._guard(plan.planned, plan.cost, plan.hash, lack=lack, drift=self.drift())
            self._demand_window()
            self._demand_usable()
            row = self._freeze(self.spec.mode, plan)
            if row.plan_hash == plan.hash:
                return self._run(row, progress)
        self._demand_same(row)
        books = self.ledger.audience.counts(row.id)
        if row.state == "finished" and not books.unknown and not books.waiting:
            note = Message("finished before; nothing was sent again")
            return Outcome(row.name, row.mode, row.state, books, note)
        self._guard(books.planned, Decimal(row.summary["cost"]), row.plan_hash)
        self._demand_window()
        self._demand_usable()
        return self._run(row, progress)

    def resume(self, *, progress: Callable[[Progress], None] = lambda _: None) -> Outcome:
        """
        Go on with this campaign as it was frozen.

        Raises:
            LedgerError: there is nothing to go on with.
        """
        self._row()
        return self.send(progress=progress)

    def stop(self) -> None:
        """Ask the run that owns this campaign, in whatever process, to stop cleanly."""
        row = self.ledger.campaigns.get(self.spec.campaign, self.spec.mode)
        if row is not None:
            self.ledger.campaigns.request_stop(row.id)

    def _end(self, why: str) -> None:
        """Let the run of this object end cleanly, whether it sends, waits or has not begun to."""
        self._told = self._told or why
        for running in self._running[-1:]:
            running.stop(why)

    async def _pass(self, seconds: float) -> None:
        """Pass the time, a second at a time, unless the run is told to end."""
        end = self._now() + timedelta(seconds=seconds)
        while seconds > 0 and self._now() < end and not self._told:
            await self._sleep(min(seconds, 1.0))
            seconds -= 1.0

    def hold(self) -> None:
        """Let the run of this object send nothing more until ``go_on``; it stays the campaign's owner."""
        self._held.set()

    def go_on(self) -> None:
        """End ``hold``."""
        self._held.clear()

    def _problems(self, planned: int, cost: Decimal, plan_hash: str, **found: Any) -> list[Guard]:
        spec, canary = self.spec, self.spec.canary
        blind = bool(canary) and size_of(planned, canary) < planned and not self._reports
        return guard_problems(
            spec, planned=planned, cost=cost, plan_hash=plan_hash, now=self._now(), blind=blind, **found
        )

    def _guard(self, planned: int, cost: Decimal, plan_hash: str, **found: Any) -> None:
        problems = self._problems(planned, cost, plan_hash, **found)
        if problems:
            raise GuardRefused(Message(UNSENT, why=Joined(guard.text for guard in problems)))

    def _demand_window(self) -> None:
        window = self._window()
        if not window or window.is_open(self._local_now()):
            return
        opening, deadline = window.next_opening(self._local_now()), self.spec.deadline
        if opening is None:
            why = Message("the send window never opens: it is {why}", why=window)
            raise GuardRefused(Message(UNSENT, why=why))
        if self.spec.outside_window == "wait":
            # Waiting is the engine's, once the run owns the campaign: a second one started now goes away.
            if deadline and opening.astimezone(UTC) > deadline.astimezone(UTC):
                why = Message(
                    "the send window opens at {at} ({zone}), later than `not_after` ({deadline})",
                    at=f"{opening:%Y-%m-%d %H:%M}",
                    zone=self.spec.timezone,
                    deadline=deadline.isoformat(),
                )
                raise GuardRefused(Message(UNSENT, why=why))
        else:
            why = Message(
                "marketing may leave {why} ({zone}), and it is {now} there. Run again then, or change "
                "parameter `send_window`",
                why=window,
                zone=self.spec.timezone,
                now=f"{self._local_now():%H:%M}",
            )
            raise CampaignPaused(Message(UNSENT, why=why))

    def _window(self) -> Window | None:
        # A rehearsal messages nobody, so it may run at night.
        return effective_window(self.spec.window, self._marketing) if self.spec.mode is Mode.LIVE else None

    def _demand_usable(self) -> None:
        result = self.check()
        if not result.usable:
            found = Joined(_in_words(finding) for finding in result.findings if not finding.ok)
            why = Message("{provider} is not usable as set up: {why}", provider=result.provider, why=found)
            raise NotUsable(Message(UNSENT, why=why))

    def _demand_same(self, row: CampaignRow) -> None:
        now = self.spec.definition()
        # A parameter that is younger than the campaign had its default then.
        then = {name: row.spec.get(name, CampaignSpec.model_fields[name].default) for name in DEFINITION}
        # Where none is named it stays the one that was frozen: papermill is given an id without its series.
        then["series"] = row.series if now["series"] else ""
        differs = [name for name in DEFINITION if now[name] != then[name]]
        if self.spec.plan_hash and self.spec.plan_hash != row.plan_hash:
            why = Message(
                "campaign {campaign} was started with plan {hash}, not {wanted} as parameter `plan_hash` "
                "demands",
                campaign=row.name,
                hash=row.plan_hash,
                wanted=self.spec.plan_hash,
            )
            raise GuardRefused(Message(UNSENT, why=why))
        if differs:
            changes = Joined(
                Message("{code} was {then}, is {now}", code=n, then=_short(then[n]), now=_short(now[n]))
                for n in differs
            )
            raise PlanMismatch(
                Message(
                    "campaign {campaign} ({mode}) was started with something else: {why}. Give the new "
                    "campaign an id of its own, or go on with the old parameters",
                    campaign=row.name,
                    mode=row.mode,
                    why=changes,
                )
            )

    def _run(self, row: CampaignRow, progress: Callable[[Progress], None]) -> Outcome:
        job = job_of(row)
        with self.ledger.leases.hold(row.id) as token:
            inherited = (
                self.ledger.changes.interrupt(row.id, token=token)
                + self.ledger.audience.counts(row.id).unknown
            )
            self.ledger.campaigns.mark(row.id, "running")
            self._running = []

            async def work() -> Ended:
                with self._connect(row.mode, job) as provider:
                    async with provider:
                        ended = await self._canary(row, provider, job, token, progress)
                        if not ended.stopped:
                            ended = await self._engine(row, provider, job, token, progress)
                        if inherited and not ended.stopped and Feature.RECORDS in provider.features:
                            # Only those of earlier runs: what became unknown now has not had time to show.
                            await settle_by_asking(
                                self.ledger, row, provider, job, wait=True, sleep=self._pass
                            )
                            if self.ledger.audience.counts(row.id).waiting:
                                ended = await self._engine(row, provider, job, token, progress)
                        return ended

            try:
                ended = run_in_thread(work, on_interrupt=lambda: self._end(Message("stopped by hand")))
            except BaseException as error:
                self.ledger.campaigns.mark(row.id, "paused", note=_note_of(error))
                raise
            return self._close(row, ended)

    async def _canary(
        self,
        row: CampaignRow,
        provider: Provider,
        job: Job,
        token: str,
        progress: Callable[[Progress], None],
    ) -> Ended:
        wait = Wait(self.ledger, row.id, token, now=self._now, sleep=self._pass, deadline=self.spec.deadline)

        async def send(among: Mapping[int, NDArray[np.bool_]]) -> Ended:
            ended = await self._engine(row, provider, job, token, progress, among)
            self._begin(wait)
            return ended

        self._begin(wait)
        return Ended(await try_first(self.ledger, row, self.spec, provider, job, send=send, wait=wait))

    async def _engine(
        self,
        row: CampaignRow,
        provider: Provider,
        job: Job,
        token: str,
        progress: Callable[[Progress], None],
        among: Mapping[int, NDArray[np.bool_]] | None = None,
    ) -> Ended:
        engine = Engine(
            self.ledger,
            row.id,
            provider,
            job,
            token=token,
            among=among,
            window=self._window(),
            waits=self.spec.outside_window == "wait",
            deadline=self.spec.deadline,
            sleep=self._sleep,
            cap=self.spec.cap,
            local_now=self._local_now,
            progress=progress,
            held=self._held.is_set,
            patience=self._patience,
        )
        self._begin(engine)
        return await engine.run()

    def _begin(self, running: Engine | Wait) -> None:
        self._running.append(running)
        if self._told:
            running.stop(self._told)

    def _close(self, row: CampaignRow, ended: Ended) -> Outcome:
        books = self.ledger.audience.counts(row.id)
        if books.waiting or books.submitting:
            why = ended.stopped or Message("some were not taken for now")
            self.ledger.campaigns.mark(row.id, "paused", note=why)
            raise CampaignPaused(
                Message(
                    "campaign {campaign} ({mode}) stopped with {n} people still waiting: {why}. Run it "
                    "again, or `smskit resume {campaign}`, to go on",
                    campaign=row.name,
                    mode=row.mode,
                    n=books.waiting,
                    why=why,
                )
            )
        canary = self.ledger.canaries.get(row.id)
        told = canary.told if canary else ""
        self.ledger.campaigns.mark(row.id, "finished", note=told)
        note = (
            Message(
                "{n} outcomes are unknown; `smskit receipts {campaign}` settles them",
                n=books.unknown,
                campaign=row.name,
            )
            if books.unknown
            else told
        )
        return Outcome(row.name, row.mode, "finished", books, note)

    # -- test send --------------------------------------------------------------------

    def test_send(self, *, row: int | None = None) -> Outcome:
        """
        Send what one planned person would get to each of ``test_phones``.

        A campaign of its own in the ledger (``<id>.test-<time>``), so the plan
        and its hash stay what they are.

        Args:
            row: Whose values to use, by position in the plan; None = the first planned.
        """
        plan = self.plan()
        if not self.spec.test_phones:
            raise InputError(Message("parameter `test_phones` is empty: there is nobody to send a test to"))
        if not plan.planned:
            raise InputError(Message("nobody is planned, so there is nothing to test with"))
        source = int(plan.order[0]) if row is None else row
        phones = list(dict.fromkeys(normalise_one(p) for p in self.spec.test_phones))
        values = {name: column[source].as_py() for name, column in plan.variables.items()}
        name = f"{self.spec.campaign[:90]}.test-{self._now():%Y%m%dT%H%M%S}"
        self.ledger.campaigns.make_id(name, kind=Kind.TEST, parent=self.spec.campaign)
        spec = self.spec.model_copy(
            update={
                "campaign": name,
                "series": "",
                "rules": None,
                "user_id": "",
                "phone": "phone",
                "consent": "",
                "frequency_cap": "",
                "canary": 0.0,
                "drift": "allow",
                "holdout": 0.0,
                "global_holdout": 0.0,
                "plan_hash": "",
                "variables": {name: {"value": value} for name, value in values.items()},
            }
        )
        frame = pd.DataFrame({"phone": [str(p) for p in phones]}, dtype="str")
        test = Campaign(
            spec,
            ledger=self.ledger,
            connect=self._connect,
            limits=self._limits,
            opt_out=self._opt_out,
            marketing=self._marketing,
            frame=frame,
            now=self._now,
            sleep=self._sleep,
            patience=self._patience,
        )
        return test.send()

    # -- what came of it ----------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """
        The counts of the campaign as the ledger has it, which always balance; as ``smskit status --json``.

        Returns:
            ``campaign mode state provider segment excluded planned waiting submitting accepted refused
            unknown delivered undelivered awaiting stopped parts cost plan_hash started_at finished_at note``;
            people, parts, yuan (text) and ISO times in UTC. ``excluded`` maps reasons to rows.

        Raises:
            LedgerError: it was never started.
        """
        return report.status(self.ledger, self._row())

    def messages(self, *, reveal: bool = False) -> pd.DataFrame:
        """
        One row per person of the segment, planned ones first: what was sent, and what became of it.

        Args:
            reveal: Phones, and user ids that are phones, in E.164 (``+8613800138000``) instead of masked.

        Returns:
            Columns ``report.COLUMNS``: ``user_id phone state reason text parts provider_message_id
            provider_code provider_detail submitted_at receipt_code receipt_at``; times are aware UTC. It
            renders every text: `report.messages` gives a large campaign piece by piece.

        Raises:
            LedgerError: it was never started.
        """
        return report.messages_frame(self.ledger, self._row(), reveal=reveal)

    def why(self, person: str, *, reveal: bool = False) -> pd.DataFrame:
        """
        What became of one person, with the evidence: one row per thing that happened, oldest first.

        Args:
            person: A user id, or a phone in any form.
            reveal: The phone in E.164 instead of masked.

        Returns:
            Columns ``report.WHY``: ``user_id phone state reason at provider_code provider_detail
            provider_message_id``. ``at`` is aware, in the campaign's zone. Who was left out has one row, of
            state ``excluded``; who waits and was not submitted yet one of state ``waiting``.

        Raises:
            InputError: the segment has nobody like that.
            LedgerError: it was never started.
        """
        return report.why_frame(self.ledger, self._row(), person, reveal=reveal)

    def receipts(self, *, wait: bool = False) -> Fetched:
        """
        Fetch receipts and replies and settle unknowns by asking the provider; as ``smskit receipts``.

        Args:
            wait: Wait until "no record" may be believed of every unknown.

        Returns:
            What was learned, in messages, and what is still unknown or awaiting its receipt. A provider that
            could not be asked is among ``settled.problems``, not an error.

        Raises:
            LedgerError: it was never started.
        """
        row = self._row()
        return fetch_from(self.ledger, [row], lambda row: self._connect(row.mode, job_of(row)), wait=wait)

    def settle(self, *, resend: bool = False, give_up: bool = False) -> int:
        """
        A person's word on whoever stayed unknown after `receipts`; returns how many that were.

        Args:
            resend: Send to them again by the next `send`; some may get the message twice.
            give_up: Count them as refused.

        Raises:
            InputError: neither or both were said.
            LedgerError: it was never started.
        """
        if resend == give_up:
            raise InputError(Message("say either `resend=True` or `give_up=True`"))
        row = self._row()
        count = settle_by_hand(self.ledger, row, resend=resend)
        if resend and count:
            note = Message("people who stayed unknown are to be sent again")
            self.ledger.campaigns.mark(row.id, "paused", note=note)
        return count

    def _row(self) -> CampaignRow:
        row = self.ledger.campaigns.get(self.spec.campaign, self.spec.mode)
        if row is None:
            raise LedgerError(
                Message(
                    "campaign {campaign} ({mode}) was never started",
                    campaign=self.spec.campaign,
                    mode=self.spec.mode,
                )
            )
        return row

    # -- small ------------------------------------------------------------------------

    def _local_now(self) -> datetime:
        return self._now().astimezone(self.spec.zone)

    @staticmethod
    def _wait(work: Callable[[], Any]) -> Any:
        return run_in_thread(work)


async def _closing(provider: Provider, answer: Any) -> Any:
    async with provider:
        return await answer


def _in_words(finding: Finding) -> Message:
    """One thing that a check found wrong."""
    what, said = Message(finding.what), quote(finding.meaning)
    if finding.code:
        said = Message("{said} (code {code})", said=said, code=finding.code)
    if not finding.next_step:
        return Message("{what}: {said}.", what=what, said=said)
    return Message("{what}: {said}. {step}", what=what, said=said, step=Message(finding.next_step))


def _note_of(error: BaseException) -> Message:
    """Why a run ended by *error*."""
    if isinstance(error, SmskitError):
        return Message("{kind}: {why}", kind=Message(error.headline), why=error.message)
    return Message("{kind}: {why}", kind=type(error).__name__, why=str(error))


def _short(value: object) -> str:
    text = redact(str(value))
    return f"`{text}`" if len(text) <= 60 else f"`{text[:57]}…`"
