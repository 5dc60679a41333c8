"""
``Campaign``: plan, check, send, and what came of it, for one set of parameters.

A facade over parts that stand by themselves: ``planner`` makes and freezes the plan, ``guards`` refuses,
``campaign_run`` sends, ``receipts`` and ``unknowns`` fetch and settle, ``reporting.report`` reads back.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd

from smskit.errors import GuardRefused, InputError, LedgerError
from smskit.i18n import UNSENT, Message
from smskit.ledger import ApprovalRow, CampaignRow, Ledger
from smskit.models import CheckResult, Kind, Mode
from smskit.planning.plan import Plan
from smskit.planning.policy import Guard, guard_problems
from smskit.planning.spec import CampaignSpec
from smskit.providers.calls import Job
from smskit.reporting import frames, report
from smskit.sending.access import ProviderAccess
from smskit.sending.campaign_run import CampaignRun, Outcome
from smskit.sending.canary import size_of
from smskit.sending.clock import Clock, clock_of
from smskit.sending.engine import Progress
from smskit.sending.for_test_phones import campaign_for_test_phones
from smskit.sending.guards import (
    Guards,
    demand_intact,
    demand_none,
    demand_open,
    demand_same,
    demand_usable,
    lack_of_approval,
)
from smskit.sending.likely import accept_likely
from smskit.sending.newcomers import had_finished
from smskit.sending.patience import Patience
from smskit.sending.planner import Planner
from smskit.sending.receipts import Fetched, fetch_from
from smskit.sending.reconcile import job_of, reference_of
from smskit.sending.run_record import RunRecord
from smskit.sending.signals import heard
from smskit.sending.unknowns import settle_by_hand
from smskit.sending.witness import demand_current
from smskit.workspace import May, Workspace

__all__ = ["Campaign", "Outcome"]

_MOST_UNAPPROVED = 10  # test phones that are sent to before somebody else has approved the plan


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
    Plan(hello, 2 planned of 3, qa3468f7e2f9d423bd7ef064e)
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
        spec: Its parameters.
        provider: What its provider declares, and the way to a client of it.
        clock: The time it goes by; None = the ledger's.
        frame: A segment that is in memory already; else it is loaded from the spec.
        variables: Where ``env:NAME`` is looked up.
        parameter_file: Beside which a relative segment is looked for first; None = there is none.
        holdout_salt: Of ``global_holdout``; see ``plan.build``.
        patience: When a run gives up for now.
        record: Writes its runs down; see ``session.open_campaign``.
        needs_approval: A live run waits until somebody else than who planned it has approved its plan.

    Attributes:
        planner: Makes its plan; `Planner.template`, `Planner.drift` and `Planner.lost` tell more of it.
        run: What sends; `CampaignRun.pause` holds it, `CampaignRun.opens_at` tells when it may.
    """

    def __init__(
        self,
        spec: CampaignSpec,
        ledger: Ledger,
        provider: ProviderAccess,
        *,
        clock: Clock | None = None,
        frame: pd.DataFrame | None = None,
        variables: Mapping[str, str] | None = None,
        parameter_file: Path | None = None,
        holdout_salt: str = "",
        patience: Patience = Patience(),  # noqa: B008 - frozen
        record: RunRecord | None = None,
        needs_approval: bool = False,
    ) -> None:
        self.spec, self.ledger, self.provider = spec, ledger, provider
        self.clock = clock or clock_of(ledger, zone=spec.zone)
        self.record = record or RunRecord(ledger, spec)
        self.needs_approval = needs_approval
        by = self.record.user
        self.planner = Planner(
            spec,
            ledger,
            provider,
            self.clock,
            frame=frame,
            variables=variables,
            parameter_file=parameter_file,
            holdout_salt=holdout_salt,
            by=by,
        )
        guards = Guards.of(spec, provider.facts)
        self.run = CampaignRun(spec, ledger, provider, self.clock, guards=guards, patience=patience, by=by)
        self._patience = patience
        self._variables, self._file = variables or {}, parameter_file

    def __repr__(self) -> str:
        return f"Campaign({self.spec.campaign}, {self.spec.mode}, {self.spec.provider})"

    # -- before it is sent ----------------------------------------------------------------

    def plan(self, *, record: bool = True) -> Plan:
        """
        Who gets what, and who does not. In mode ``plan`` it is recorded in the ledger.

        Asked again, the same plan comes back: what was previewed is what is sent.

        Args:
            record: False where a person is still choosing, and this is one of many plans.

        Raises:
            InputError: the segment, a rule, a variable or the template does not fit; names it.
        """
        return self.planner.plan(record=record)

    def guards(self, *, approval: bool = True) -> list[Guard]:
        """
        Why this plan would be refused in a run; empty when it would not.

        Args:
            approval: False leaves out that it lacks somebody's approval; see `unapproved`.
        """
        plan = self.plan()
        lack, drift = self.planner.lack_of_wording(), self.planner.drift()
        found = self._problems(plan.planned, plan.cost, plan.hash, lack=lack, drift=drift)
        return [*found, *(self.unapproved(plan.hash) if approval else ())]

    def unapproved(self, plan_hash: str) -> list[Guard]:
        """That a live run of this plan needs an approval it does not have; empty where it needs none."""
        if not self.needs_approval or self.planner.sending_mode is not Mode.LIVE:
            return []
        found = self.ledger.approvals.get(self.spec.campaign, plan_hash)
        return [] if found and found.approved else [Guard(lack_of_approval(self.spec, plan_hash, found))]

    def approve(self, plan_hash: str) -> ApprovalRow:
        """
        Say yes to a plan that somebody else has made; a second yes changes nothing.

        Args:
            plan_hash: As it was looked at: of other people, another text or provider it is another one.

        Raises:
            InputError: nobody has planned that.
            GuardRefused: who asks is who planned it, or nobody knows who that is.
        """
        Workspace.here().demand(May.SEND)
        return self.ledger.approvals.approve(self.spec.campaign, plan_hash, by=self.record.user)

    def check(self) -> CheckResult:
        """
        Ask the provider whether this set-up is usable; sends nothing.

        Returns:
            ``usable``, and a finding for each thing looked at, with the provider's own code and words.

        Raises:
            SettingsError: the account is not set up.
            ProviderError: it could not be asked.
        """
        spec, template, mode = self.spec, self.planner.template(), self.planner.sending_mode
        reference = reference_of(spec.campaign, mode)
        job = Job(template, spec.template_id, spec.message_class, reference=reference)
        return self.provider.ask(
            mode,
            job,
            lambda provider: provider.check(
                signature=template.signature, template_id=spec.template_id, template=template
            ),
        )

    def started(self) -> CampaignRow | None:
        """The campaign as an earlier run froze it in this mode, or None."""
        if self.spec.mode is Mode.PLAN:
            return None
        return self.ledger.campaigns.get(self.spec.campaign, self.spec.mode)

    # -- sending --------------------------------------------------------------------------

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
            raise GuardRefused("mode `plan` sends nothing; use mode `rehearse` or `live`")
        Workspace.here().demand_mode(self.spec.mode)
        self.run.renew()
        # Until the end is written down: it may be told so more than once.
        listening = heard(
            lambda s: self.run.end(Message("told to end ({name})", name=s.name)), signal.SIGTERM
        )
        with listening, self.record.sending(self.planner.summary):
            return self._send(progress)

    def _send(self, progress: Callable[[Progress], None]) -> Outcome:
        begun = self.ledger.patiently(self._begin)
        return begun if isinstance(begun, Outcome) else self.run.run(begun, progress=progress)

    def _begin(self) -> CampaignRow | Outcome:
        """The campaign to be sent, frozen and looked at; or what came of one that is finished."""
        row = self.started()
        if row is None:
            plan = self.plan()
            self._demand(self.guards(approval=False), plan.hash)
            self._demand_ready()
            row = self.planner.freeze(self.spec.mode, plan)
            if row.plan_hash == plan.hash:
                return row
        demand_same(self.spec, row)
        counts = self.ledger.audience.counts(row.id)
        if row.state == "finished" and not counts.unknown and not counts.waiting:
            note = had_finished(self.ledger, row, self.spec, self._variables, self._file)
            self.record.note(note)
            return Outcome(row.name, row.mode, row.state, counts, note)
        problems = self._problems(counts.planned, Decimal(row.summary["cost"]), row.plan_hash)
        with ThreadPoolExecutor(1) as beside:  # it takes as long as asking the provider
            intact = beside.submit(demand_intact, self.ledger, row)
            try:
                self._demand(problems, row.plan_hash)
                self._demand_ready()
            finally:
                intact.result()  # that it is damaged is said first, whatever else was found
        return row

    def _demand(self, problems: list[Guard], plan_hash: str) -> None:
        unapproved = self.unapproved(plan_hash)
        if unapproved:
            # Who would have sent it has planned it, so that somebody else can say yes to it.
            self.ledger.approvals.plan(self.spec.campaign, plan_hash, by=self.record.user)
        demand_none([*problems, *unapproved])

    def _problems(self, planned: int, cost: Decimal, plan_hash: str, **found: Any) -> list[Guard]:
        spec, canary = self.spec, self.spec.canary
        blind = bool(canary) and size_of(planned, canary) < planned and not self.provider.facts.reports
        now = self.clock.now()
        return guard_problems(
            spec, planned=planned, cost=cost, plan_hash=plan_hash, now=now, blind=blind, **found
        )

    def _demand_ready(self) -> None:
        if self.planner.sending_mode is Mode.LIVE:
            demand_current(self.ledger)
        demand_open(self.run.guards, self.clock, zone=self.spec.timezone)
        demand_usable(self.check())

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

    def test_send(self, *, row: int | None = None) -> Outcome:
        """
        Send what one planned person would get to each of ``test_phones``.

        A campaign of its own in the ledger (``<id>.test-<time>``), so the plan
        and its hash stay what they are.

        Args:
            row: Whose values to use, by position in the plan; None = the first planned.

        Raises:
            InputError: there are no test phones, or nobody is planned.
            GuardRefused: there are so many that it is no test, where live runs need an approval.
        """
        spec, frame = campaign_for_test_phones(
            self.plan(), row=row, at=self.clock.now(), environ=self._variables, parameter_file=self._file
        )
        if len(frame) > _MOST_UNAPPROVED and self.needs_approval and spec.mode is Mode.LIVE:
            why = Message(
                "{n} test phones are more than {m}, which need nobody's approval (SMSKIT_REQUIRE_APPROVAL)",
                n=len(frame),
                m=_MOST_UNAPPROVED,
            )
            raise GuardRefused(Message(UNSENT, why=why))
        self.ledger.campaigns.make_id(spec.campaign, kind=Kind.TEST, parent=self.spec.campaign)
        test = Campaign(
            spec, self.ledger, self.provider, clock=self.clock, frame=frame, patience=self._patience
        )
        return test.send()

    # -- what came of it ----------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """
        The counts of the campaign as the ledger has it, which always balance; as ``smskit status --json``.

        Returns:
            ``campaign mode state provider read ruled_out segment excluded planned waiting submitting accepted
            refused unknown delivered undelivered awaiting stopped parts cost plan_hash started_at finished_at
            note``; people, parts, yuan (text) and ISO times in UTC. ``excluded`` maps reasons to rows;
            ``read`` and ``ruled_out`` are None of a campaign that an older smskit froze.

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
            Columns ``frames.COLUMNS``: ``user_id phone state reason text parts provider_message_id
            provider_code provider_detail submitted_at receipt_code receipt_at``; times are aware UTC. It
            renders every text: `frames.messages` gives a large campaign piece by piece.

        Raises:
            LedgerError: it was never started.
        """
        return frames.messages_frame(self.ledger, self._row(), reveal=reveal)

    def why(self, person: str, *, reveal: bool = False) -> pd.DataFrame:
        """
        What became of one person, with the evidence: one row per thing that happened, oldest first.

        Args:
            person: A user id, or a phone in any form.
            reveal: The phone in E.164 instead of masked.

        Returns:
            Columns ``frames.WHY``: ``user_id phone state reason at provider_code provider_detail
            provider_message_id``. ``at`` is aware, in the campaign's zone. Who was left out has one row, of
            state ``excluded``, or ``ruled_out`` where a rule did it; who waits and was not submitted yet one
            of state ``waiting``. All rows of the file that are theirs are in it.

        Raises:
            InputError: the file that was read has nobody like that.
            LedgerError: it was never started.
        """
        return frames.why_frame(self.ledger, self._row(), person, reveal=reveal)

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
        fetched = fetch_from(
            self.ledger, [row], lambda row: self.provider.connect(row.mode, job_of(row)), wait=wait
        )
        if fetched.settled.any:
            self.record.renew_report()
        return fetched

    def settle(self, *, resend: bool = False, give_up: bool = False, accept: bool = False) -> int:
        """
        A person's word on whoever stayed unknown after `receipts`; returns how many that were.

        Args:
            resend: Send to them again by the next `send`; some may get the message twice.
            give_up: Count them as refused.
            accept: Take the reports that are likely about them, though without our reference, as theirs;
                whoever has none stays unknown.

        Raises:
            InputError: none or several were said.
            LedgerError: it was never started.
        """
        if resend + give_up + accept != 1:
            raise InputError("say one of `resend=True`, `give_up=True` and `accept=True`")
        row = self._row()
        if accept:
            return accept_likely(self.ledger, row).found
        return settle_by_hand(self.ledger, row, resend=resend)

    def _row(self) -> CampaignRow:
        row = self.ledger.campaigns.get(self.spec.campaign, self.spec.mode)
        if row is None:
            raise LedgerError(
                "campaign {campaign} ({mode}) was never started",
                campaign=self.spec.campaign,
                mode=self.spec.mode.said,
            )
        return row
