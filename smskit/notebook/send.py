"""
Notebook 03: plan, preview, check, test, send, receipts, as plain steps and as a panel.

Shows and asks, decides nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pandas as pd

from smskit.errors import CampaignPaused, GuardRefused, LedgerError, SmskitError, SpecError, needs_extra
from smskit.i18n import UNSENT, Language, Message, mark
from smskit.i18n.figures import money
from smskit.ledger import CampaignRow
from smskit.ledger.opening import open_ledger
from smskit.message.lint import LintIssue, find_issues
from smskit.models import TIMEZONE, Mode
from smskit.notebook.base import Base, draft_called, draft_of, parameters_given, step
from smskit.notebook.display import books_table, findings_table, show_data
from smskit.notebook.handover import SEND, Wanted, taken
from smskit.notebook.host import Host, host_of, may_send
from smskit.notebook.mistakes import opens
from smskit.notebook.sample import campaign_data
from smskit.notebook.send_model import SendModel
from smskit.planning.draft import Draft
from smskit.planning.phones_for_tests import in_the_open, told
from smskit.planning.plan import Plan
from smskit.planning.spec import CampaignSpec
from smskit.providers import provider_class
from smskit.reporting import charts, report
from smskit.reporting.audit import approval_in_words
from smskit.reporting.delivery import HEADINGS
from smskit.sending.campaign import Campaign, Outcome
from smskit.sending.engine import Progress
from smskit.sending.origin import Origin, origin_of
from smskit.sending.publishing import record_refusal
from smskit.sending.receipts import Fetched, fetch
from smskit.settings import Environment

if TYPE_CHECKING:
    from smskit.notebook.panels.send import SendPanel

_FETCH_WAIT_S = 20.0


@opens
def open_notebook(namespace: Mapping[str, Any]) -> Notebook:
    """
    Start notebook 03 from its parameters; the first call after the parameters cell.

    Without any parameter it rehearses the sample segment, which messages nobody. Where a person asked in 00
    to go on with a campaign, it opens with that one.

    Args:
        namespace: ``globals()`` of the notebook.

    Raises:
        SpecError: a parameter is unknown, missing or out of range; nothing was read or sent.
    """
    host = host_of()
    origin = origin_of(Environment(), namespace)
    try:
        draft = draft_of(namespace, host)
        if not draft.to_data():
            draft = Draft(campaign_data(f"sample-{datetime.now(ZoneInfo(TIMEZONE)):%Y%m%d-%H%M%S}"))
        opened = Notebook(draft, may_send=may_send(namespace, host), host=host, origin=origin)
        if not host.is_person:
            opened.campaign.record.begin(whole=True)  # nobody is there: all of it is a run
        elif not parameters_given(namespace) and (wanted := taken(SEND)) is not None:
            opened.take_over(wanted)
    except SmskitError as error:
        if not host.is_person and not isinstance(error, LedgerError):
            with suppress(LedgerError):  # there is nowhere to write it then
                ledger = open_ledger(file=origin.file or None, create=False)
                record_refusal(ledger, error, namespace, Environment(), origin)
        raise
    return opened


def _is_of(draft: Draft, plan: CampaignRow) -> bool:
    """Whether that plan was made from these parameters."""
    with suppress(SpecError):
        return draft.spec().definition() == CampaignSpec.from_data(plan.spec).definition()
    return False


class Notebook(Base):
    """
    A campaign with every step shown.

    Args:
        may_send: Whether ``send()`` sends in live mode without being told to:
            true under papermill, false where a person runs the cells.
    """

    def __init__(
        self, draft: Draft, *, may_send: bool, host: Host | None = None, origin: Origin | None = None
    ) -> None:
        super().__init__(draft, host=host)
        self._origin = origin
        self._may_send = may_send

    def _while_doing(self) -> AbstractContextManager[None]:
        """A step's failure is how the run ended, where nobody sits before it."""
        return self.campaign.record.step()

    @cached_property
    def model(self) -> SendModel:
        """What the panel clicks and cells call; see ``smskit.notebook.send_model``."""
        file = Path(self._origin.file) if self._origin and self._origin.file else None
        return SendModel(
            self.draft,
            environment=lambda: Environment(parameter_file=file),
            origin=self._origin,
            attended=self.host.is_person,
        )

    def take_over(self, wanted: Wanted) -> None:
        """
        Go on with a campaign of the ledger, as it was frozen, if it is still there; sends nothing.

        One that was not begun, but waits for an approval, opens with the parameters of that plan where the
        ledger has them, else as a parameter file of the project has it.
        """
        ledger = self.model.ledger
        row, plans = ledger.campaigns.get(*wanted), ledger.approvals.of(wanted.campaign)
        plan, kept = ledger.campaigns.get(wanted.campaign, Mode.PLAN), draft_called(wanted.campaign)
        waits = plan is not None and bool(plans) and plans[0].plan_hash == plan.plan_hash
        if row is not None:
            self.model.take_over(row)
        elif plan is not None and waits and (kept is None or not _is_of(kept, plan)):
            self.model.take_over(plan._replace(spec=plan.spec | {"mode": str(wanted.mode)}))
        elif kept is not None:
            self.draft.replace(kept)

    @cached_property
    def _panel(self) -> SendPanel:
        from smskit.notebook.panels.send import SendPanel

        return SendPanel(self.page, self.model)

    @needs_extra("notebook")
    def panel(self) -> SendPanel | None:
        """
        The whole of this notebook to click through; shown when it is the last thing of a cell.

        Where nobody can click nothing is built and nothing is planned.
        """
        self.panel_shown = True
        if not self.host.is_person:
            self.say("The panel is for a person to click; nobody is here.")
            return None
        return self._panel

    @property
    def campaign(self) -> Campaign:
        """
        The campaign of the parameters as they are now; the same one while they stay.

        What the panel binds by itself is waited for, so that a cell below it sees the same campaign.

        Raises:
            SpecError: something required is missing.
        """
        if "_panel" in self.__dict__:
            self._panel.message.wait()
        return self.model.open(self.draft.spec())

    @step
    def parameters(self) -> None:
        """Show the parameters as they were understood."""
        spec = self.campaign.spec
        rows = {k: v for k, v in spec.to_data().items() if k != "test_phones"}
        rows |= {"mode": str(spec.mode)}

        def table(t: Language) -> pd.DataFrame:
            values = [*map(str, rows.values()), t.render(told(spec.test_phones))]
            return pd.DataFrame({t("parameter"): [*rows, "test_phones"], t("value"): values})

        self.show_frame(table)
        if in_the_open(spec.test_phones) and self._origin and self._origin.executed:
            self.say(
                "The numbers of `test_phones` now stand in {file}: `smskit run` keeps them out of it, and so "
                "do `env:NAME` and `file:PATH`.",
                file=self._origin.executed,
            )

    @step
    def plan(self) -> Plan | None:
        """
        Show who gets what: the waterfall, the cost, the hash, and what a run would refuse.

        When an earlier run has frozen the audience, that is shown instead: it
        is what this run goes on with.
        """
        row = self.campaign.started()
        if row is not None:
            self._books(row)
            started = mark("Started before: plan {hash}, state {state}. This run goes on with it.")
            self.say(started, hash=row.plan_hash, state=row.state)
            return None
        plan = self.campaign.plan()
        waterfall = plan.waterfall()

        def steps(t: Language) -> pd.DataFrame:
            words = {"read": t("rows read"), "planned": t("planned")}
            return waterfall.assign(step=[words.get(step) or t.render(step) for step in waterfall["step"]])

        self.show_frame(
            lambda t: steps(t).rename(columns={n: t(str(n).replace("_", " ")) for n in waterfall}), waterfall
        )
        self.show_svg(lambda t: charts.waterfall(steps(t), t))
        told = mark("{n:,} people, {parts:,} parts, about {cost}. Plan hash: {hash}")
        self.say(told, n=plan.planned, parts=plan.total_parts, cost=money(plan.cost), hash=plan.hash)
        for notice in plan.notices:
            self.repeat(notice, after=mark("Notice"))
        for guard in self.campaign.guards():
            self.repeat(guard.text, after=mark("A run would be refused"))
        self._complain(plan)
        return plan

    def _books(self, row: CampaignRow) -> None:
        status = report.status(self.campaign.ledger, row)
        self.show_frame(lambda t: books_table(status, t))

    def _complain(self, plan: Plan) -> None:
        """One line for each thing in the template that the provider refuses, with its rule."""
        spec, provider = self.campaign.spec, provider_class(self.campaign.spec.provider)
        found = find_issues(plan.template, spec.message_class, provider.template_rules, form=provider.form)

        def line(complaint: LintIssue, t: Language) -> str:
            return f"{t('{provider} would not pass', provider=provider.title)}: {complaint.render(t)}"

        for complaint in (c for c in found if c.severe):
            self.say(partial(line, complaint))

    @step
    def preview(self, count: int = 5) -> None:
        """Show the first messages, the longest one, and one row for each reason to be left out."""
        if self.campaign.started() is None:
            plan = self.campaign.plan()
            rows = plan.preview(count)[["user_id", "phone", "state", "reason", "text", "parts"]]
            if plan.looked_at is not None:
                self.repeat(plan.looked_at, after=mark("Notice"))

            def table(t: Language) -> pd.DataFrame:
                said = rows.assign(state=[t(state) for state in rows["state"]])
                return said.rename(columns={name: t(HEADINGS[name]) for name in rows.columns})

            self.show_frame(table, rows)

    @step
    def check(self) -> None:
        """
        Ask the provider whether this set-up is usable; in mode ``plan`` nobody is asked.

        Not usable is shown here and refused by ``send``.
        """
        if self.campaign.spec.mode is Mode.PLAN:
            self.say("Mode plan: the provider is not asked.")
            return
        result = self.campaign.check()
        self.show_frame(lambda t: findings_table(result, t))
        self.say("Usable" if result.usable else "NOT usable")

    @step
    def send(self, *, confirm: str = "") -> None:
        """
        Send, once, and show the books. In mode ``plan`` nothing is sent.

        Under papermill it sends. Where a person runs the cells it is sent only
        when ``confirm`` repeats the plan hash, or by a click in the panel.

        Raises:
            SmskitError: refused, or stopped with people still waiting; the cell fails.
        """
        spec = self.campaign.spec
        if spec.mode is Mode.PLAN:
            self.say("Mode plan: nothing is sent.")
            self.campaign.record.end_unsent(plan=self.campaign.planner.summary())
            return
        if self._asks_first(spec) and not self._confirmed(confirm, "send"):
            why = Message(UNSENT, why=Message("nobody confirmed it"))
            self.campaign.record.end_unsent(why)
            return
        try:
            outcome = self._send_with_bar()
        finally:
            self._panel_again()
        row = self.campaign.started()
        if row is not None:
            self._books(row)
        if outcome.note:
            self.repeat(outcome.note)

    @step
    def approve(self, plan_hash: str) -> None:
        """
        Say yes to a plan that somebody else has made, where live runs need it; sends nothing.

        Raises:
            GuardRefused: who asks is who planned it.
        """
        self.repeat(approval_in_words(self.campaign.approve(plan_hash).to_data()))

    @step
    def test(self, *, confirm: str = "") -> None:
        """
        Send the first planned message to each of ``test_phones``; nothing where there are none.

        Only before the campaign itself starts, so that a run that goes on does not test again.
        ``confirm`` is needed where ``send`` needs it.
        """
        spec = self.campaign.spec
        if spec.mode is Mode.PLAN or not spec.test_phones or self.campaign.started() is not None:
            self.say("No test send.")
            return
        if self._asks_first(spec) and not self._confirmed(confirm, "test"):
            return
        outcome = self.campaign.test_send()
        row = self.campaign.ledger.campaigns.get(outcome.campaign, outcome.mode)
        if row is not None:
            self._books(row)

    def _asks_first(self, spec: CampaignSpec) -> bool:
        # A person's "run all cells" is no word for sending, not even to the simulator: the panel above
        # may be about to change the campaign.
        return self.host.is_person or (spec.mode is Mode.LIVE and not self._may_send)

    def _confirmed(self, confirm: str, called: str) -> bool:
        row = self.campaign.started()
        wanted = row.plan_hash if row is not None else self.campaign.plan().hash
        if confirm == wanted:
            return True
        if confirm:
            why = Message("the plan is {hash}, not {wanted}", hash=wanted, wanted=confirm)
            raise GuardRefused(Message(UNSENT, why=why))
        call = f'nb.{called}(confirm="{wanted}")'
        self.say("Not sent. Send from the panel, or with {call}", call=call)
        return False

    def _panel_again(self) -> None:
        """Let the panel show what a cell has changed."""
        if "_panel" in self.__dict__:
            self.model.planning.want()

    def _send_with_bar(self) -> Outcome:
        from tqdm.auto import tqdm

        bar: Any = None

        def progress(now: Progress) -> None:
            nonlocal bar
            done = now.accepted + now.refused + now.unknown
            if bar is None:
                bar = tqdm(
                    total=done + now.left, unit="msg", desc=self.campaign.spec.campaign, file=sys.stdout
                )
            bar.n = done
            bar.set_postfix(refused=now.refused, unknown=now.unknown)

        try:
            return self.campaign.send(progress=progress)
        finally:
            if bar is not None:
                bar.close()

    @step
    def receipts(self, *, wait_s: float = _FETCH_WAIT_S) -> None:
        """
        Fetch receipts and replies, settle unknowns, and show the books.

        Args:
            wait_s: In a rehearsal, how long to wait for the last receipts; a live
                campaign is asked once, since carriers take minutes and days.
        """
        import time

        row = self.campaign.started()
        if row is None:
            self.say("Nothing was sent, so there are no receipts.")
            return
        end = time.monotonic() + (wait_s if row.mode is Mode.REHEARSE else 0.0)
        while True:
            fetched: Fetched = fetch(self.campaign.ledger, [row])
            if not fetched.awaiting or time.monotonic() >= end:
                break
            time.sleep(0.5)
        self._books(row)
        for problem in fetched.settled.problems:
            self.repeat(problem)
        self._panel_again()
        self.campaign.record.refresh()

    @step
    def summary(self) -> None:
        """
        Show the result, also as data for programs, and fail when it is incomplete.

        Raises:
            CampaignPaused: people are still waiting.
        """
        ledger, spec = self.campaign.ledger, self.campaign.spec
        row = self.campaign.started() or ledger.campaigns.get(spec.campaign, Mode.PLAN)
        if row is None:
            self.say("Nothing was sent.")
            return
        status = report.status(ledger, row)
        show_data(self.t, status)
        self.campaign.record.refresh()
        if row.mode is not Mode.PLAN and (status["waiting"] or status["submitting"]):
            raise CampaignPaused(
                "campaign {campaign} is not complete: {n} people are still waiting",
                campaign=row.name,
                n=status["waiting"],
            )
