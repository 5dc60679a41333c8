"""
``SendModel``: everything the send notebook does, as plain calls; its panel and its cells share one.

Joins the draft, its plan, the lists of the provider and the run of the
campaign. What is confirmed is what is sent: a confirmation names the plan by
its hash, and a run that finds another plan sends nothing.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from smskit.audience import segment
from smskit.audience.phones import normalise_one
from smskit.errors import GuardRefused, InputError, LedgerError, TemplateError
from smskit.i18n import Joined, Message
from smskit.ledger import ApprovalRow, CampaignRow, Ledger
from smskit.ledger.opening import open_ledger
from smskit.message.lint import LintIssue, find_issues
from smskit.message.opt_out import Place, lack_of, with_wording
from smskit.message.parts import units_of
from smskit.message.template import Form, Template
from smskit.message.variables import lacking, rebound
from smskit.message.windows import effective_window
from smskit.models import CheckResult, Kind, MessageClass, Mode, Offer
from smskit.notebook import accounts
from smskit.notebook.accounts import Offered
from smskit.notebook.confirming import Approval, Confirmation, resuming, unsent
from smskit.notebook.planner import Planning
from smskit.notebook.texts import TemplateChoice, choices
from smskit.planning.draft import Draft
from smskit.planning.experiment import try_another
from smskit.planning.phones_for_tests import is_reference, split
from smskit.planning.preview import Bubble, lengths, units_over
from smskit.planning.schedule import Coming, Schedule, coming
from smskit.planning.source import all_columns
from smskit.planning.spec import CampaignSpec
from smskit.providers import Provider, provider_class
from smskit.reporting import frames
from smskit.sending.background import Phase, Run, Snapshot, run_of, unfinished
from smskit.sending.campaign import Campaign, Outcome
from smskit.sending.canary import size_of
from smskit.sending.guards import lack_of_approval
from smskit.sending.handover import handover_of
from smskit.sending.origin import Origin
from smskit.sending.receipts import Fetched, fetch
from smskit.sending.session import open_campaign
from smskit.settings import Environment
from smskit.workspace import Folder, May, Workspace

__all__ = ["Columns", "Length", "SendModel", "another_id"]


_SENDS_NOTHING = Message("mode `plan` sends nothing; use mode `rehearse` or `live`")


class Columns(NamedTuple):
    """What a segment offers to fill variables with."""

    rows: int
    lacking: dict[str, int]  # column -> rows without a value there


class Length(NamedTuple):
    """UTF-16 units of the shortest and the longest message of a text."""

    least: int
    most: int
    known: bool  # the values of its variables are counted, too


class SendModel:
    """
    Args:
        draft: The parameters, changed by whoever uses the model.
        environment: Makes a fresh look at settings and credentials.
        origin: Who runs its campaigns, from where; found out by default.
    """

    def __init__(
        self,
        draft: Draft,
        *,
        environment: Callable[[], Environment] = Environment,
        origin: Origin | None = None,
        attended: bool = True,
    ) -> None:
        self.draft, self.environment, self._origin, self._attended = draft, environment, origin, attended
        self._opened: Campaign | None = None
        self._lock = threading.Lock()
        self._columns: tuple[Any, Columns] | None = None
        self._offered: Offered | None = None
        self._frozen: tuple[int, list[Bubble]] | None = None  # by campaign
        draft.on_change(self._changed)
        self.planning = Planning(draft, self.open)

    def __repr__(self) -> str:
        return f"SendModel({self.draft!r})"

    @property
    def ledger(self) -> Ledger:
        """Where everything is kept."""
        # Where nobody sits, a live run makes no ledger: a new one knows of nobody who was messaged before.
        return open_ledger(self.environment(), create=self._attended or self.draft["mode"] != Mode.LIVE)

    def open(self, spec: CampaignSpec) -> Campaign:
        """The campaign of *spec*; the same one while the parameters stay, so that it is planned once."""
        with self._lock:
            if self._opened is None or self._opened.spec != spec:
                self._opened = self._fresh(spec)
            return self._opened

    def _fresh(self, spec: CampaignSpec) -> Campaign:
        return open_campaign(
            spec,
            frame=self.draft.frame,
            environment=self.environment(),
            origin=self._origin,
            ledger=self.ledger,
        )

    def plan_again(self) -> None:
        """Plan anew from the segment as it is now, although no parameter has changed."""
        with self._lock:
            self._opened = None
        self.planning.want()

    def _changed(self, names: frozenset[str]) -> None:
        if "provider" in names:
            self._offered = None  # another account's

    # -- choosing ------------------------------------------------------------------------

    def offers(self) -> Offered:
        """
        Ask for the signatures and templates of the provider's account, and add those typed in.

        Raises:
            SettingsError: the account is not set up.
            ProviderError: it could not be asked.
        """
        name = self.draft["provider"]
        found = accounts.offers(name, self.environment(), self.ledger)
        if name == self.draft["provider"]:  # which may be another one by now
            self._offered = found
        return found

    @property
    def offered(self) -> Offered:
        """What there is to choose from as far as it is known; asks nobody."""
        if self._offered is None:
            self._offered = accounts.typed(self.draft["provider"], self.ledger)
        return self._offered

    @property
    def is_account_known(self) -> bool:
        """Whether the provider's account was usable when it was last asked, so that its lists can be had."""
        checked = self.ledger.accounts.last_check(self.draft["provider"], Mode.LIVE)
        return checked is not None and checked.result.usable

    def templates(self) -> list[TemplateChoice]:
        """The account's templates, and what campaigns of this ledger were sent with."""
        return choices(self.offered.templates, self.ledger.campaigns.find(provider=self.draft["provider"]))

    @property
    def provider(self) -> type[Provider]:
        """The class of the chosen provider."""
        return provider_class(self.draft["provider"])

    @property
    def is_marketing(self) -> bool:
        """Whether the rules for marketing apply."""
        return bool(self.draft["message_class"] == MessageClass.MARKETING)

    def columns(self) -> Columns:
        """The segment's columns and how many rows lack a value; read once while the segment stays."""
        source, query, frame = self.draft["segment"], self.draft["segment_query"], self.draft.frame
        sheet, heading_row = self.draft["sheet"], self.draft["heading_row"]
        key = (source, query, sheet, heading_row, id(frame))
        if self._columns is None or self._columns[0] != key:
            if frame is None:
                at = self.environment()
                frame = segment.load(
                    source,
                    query=query,
                    sheet=sheet,
                    heading_row=heading_row,
                    columns=all_columns(self.draft.columns),
                    environ=at.variables,
                    parameter_file=at.parameter_file,
                    most=at.large.frame_rows,
                )
            self._columns = key, Columns(len(frame), lacking(frame))
        return self._columns[1]

    @property
    def known_columns(self) -> Columns:
        """The columns as far as they have been read; nothing is read now."""
        return self._columns[1] if self._columns else Columns(0, {})

    def template(self) -> Template | None:
        """The text of the draft as it reads, None while there is none or it does not read."""
        try:
            return Template.parse(self.draft["template"], signature=self.draft["signature"])
        except TemplateError:
            return None

    def write(self, text: str) -> None:
        """
        Take another text; its variables keep what they are bound to, new ones get a suggestion.

        One that does not read is taken, too, so that nothing else is sent in its place: no plan can be made
        of it, and the plan says why.
        """
        read = None
        with suppress(TemplateError):
            read = Template.parse(text) if text.strip() else None
        self._take(read, template=text)

    def named(self, template_id: str) -> None:
        """Take the template with this id, and its text where the provider lists it."""
        found = next((t for t in self.offered.templates if t.id == template_id), None)
        self.choose(TemplateChoice(found or Offer(template_id, "", True, "")))

    def choose(self, choice: TemplateChoice) -> None:
        """
        Take a template over: its id, its text in our form, and its signature where it has one.

        Raises:
            TemplateError: its text cannot be read.
        """
        offer = choice.offer
        more = {"signature": choice.signature} if choice.signature else {}
        if not offer.text:
            self.draft.set(template_id=offer.id, **more)
            return
        form = self.provider.form
        try:
            template = Template.parse(offer.text, form=None if choice.used_in else form)
        except TemplateError:  # typed in another provider's form, or ours
            template = Template.parse(offer.text)
        more |= {"signature": template.signature} if template.signature else {}
        text = template.write(Form.BRACES, with_signature=False)
        self._take(template, template=text, template_id=offer.id, **more)

    def measure(self, text: str) -> Length:
        """
        How long messages with *text* are, signature and opt-out wording included.

        Raises:
            TemplateError: it does not read.
        """
        draft, rule = self.draft, self.provider.opt_out
        template = with_wording(
            Template.parse(text, signature=draft["signature"]),
            draft["opt_out_wording"],
            rule,
            message_class=MessageClass(draft["message_class"]),
            template_id=draft["template_id"],
        )
        appended = units_of(self.appended)
        literal = units_of(template.render(dict.fromkeys(template.names, "")))
        plan = self.planning.now.plan if self.planning.now else None
        known = lengths(plan, template) if plan is not None else None
        least, most = known or (literal, literal)
        return Length(least + appended, most + appended, known is not None or not template.names)

    def issues(self) -> list[LintIssue]:
        """What the provider would not pass of the text as it is."""
        template = self.template()
        if template is None:
            return []
        message_class = MessageClass(self.draft["message_class"])
        return find_issues(template, message_class, self.provider.template_rules, form=self.provider.form)

    @property
    def lacks_opt_out(self) -> bool:
        """Whether the text is marketing, ours to change, and does not say how to opt out."""
        template, rule = self.template(), self.provider.opt_out
        if template is None or rule.place is Place.PROVIDER or self.draft["opt_out_wording"]:
            return False
        lack = lack_of(
            template,
            rule,
            provider=self.provider.name,
            message_class=MessageClass(self.draft["message_class"]),
            template_id="",
        )
        return bool(lack)

    def _take(self, read: Template | None, **values: Any) -> None:
        columns = list(self.known_columns.lacking)
        if read is not None:
            values["variables"] = rebound(read, self.draft["variables"], columns) or None
        self.draft.set(**values)

    def suggest_bindings(self) -> None:
        """Bind whatever is unbound to the column it most likely means."""
        template = self.template()
        if template is not None:
            self._take(template)

    def bind(self, variable: str, *, column: str = "", default: str = "", value: str = "") -> None:
        """
        Fill *variable* from a column, with a fallback, or with the same text for everybody; else unbind it.

        Raises:
            SpecError: that cannot be.
        """
        before = self.draft["variables"]
        kept = before.get(variable)
        pattern = {"format": kept["format"]} if isinstance(kept, dict) and kept.get("format") else {}
        given: Any = {"column": column} | pattern | ({"default": default} if default.strip() else {})
        if not column:
            given = {"value": value} if value.strip() else None
        bindings = {**before, variable: given}
        self.draft.set(variables={n: v for n, v in bindings.items() if v is not None} or None)

    # -- when it runs by itself --------------------------------------------------------------

    def coming(self, schedule: Schedule) -> list[Coming]:
        """
        The next runs by *schedule*, under which id, and what is known to stop each.

        Raises:
            SpecError: the parameters are not complete.
        """
        data = self.draft.to_data()
        spec = self.draft.spec()
        window = None
        if spec.mode is Mode.LIVE:
            window = effective_window(spec.window, self.provider.marketing)

        def is_finished(name: str) -> bool:
            row = self.ledger.campaigns.get(name, spec.mode)
            return row is not None and row.finished_at is not None

        return coming(schedule, data, datetime.now(UTC), window=window, is_finished=is_finished)

    # -- checking and testing --------------------------------------------------------------

    def check(self) -> CheckResult:
        """Ask the provider whether this set-up is usable; sends nothing."""
        return self._fresh(self.draft.spec()).check()

    def take_test_phones(self, typed: str) -> list[str]:
        """
        Numbers for a test send, from text with any separators; they are never written to a parameter file.

        Raises:
            InputError: one is no mobile number; the others were taken.
        """
        phones: list[str] = []
        wrong: list[InputError] = []
        for each in split(typed):
            try:
                phones.append(each if is_reference(each) else str(normalise_one(each)))
            except InputError as error:
                wrong.append(error)
        if phones or not wrong:
            self.draft.set(test_phones=list(dict.fromkeys(phones)) or None)
        if wrong:
            raise InputError(Joined([error.message for error in wrong], "; "))
        return phones

    def test(self, *, row: int | None = None) -> tuple[Outcome, CampaignRow]:
        """
        Send what one planned person would get to each test phone, and say where it is recorded.

        Args:
            row: Whose message, by position in the plan; None = the first.

        Raises:
            SmskitError: refused, or not all were sent.
        """
        spec = self.draft.spec()
        if spec.mode is Mode.PLAN:
            raise GuardRefused(_SENDS_NOTHING)
        Workspace.here().demand_mode(spec.mode)
        campaign = self.open(spec)
        outcome = campaign.test_send(row=row)
        found = self.ledger.campaigns.get(outcome.campaign, outcome.mode)
        if found is None:
            raise LedgerError("the test send is not in the ledger")
        return outcome, found

    # -- sending ---------------------------------------------------------------------------

    @property
    def run(self) -> Run | None:
        """The run of the draft's campaign and mode; None in mode ``plan``, or while it has no name."""
        name, mode = self.draft.campaign, Mode(self.draft["mode"])
        return None if not name or mode is Mode.PLAN else run_of(self.ledger, name, mode)

    @property
    def approval(self) -> Approval | None:
        """Of the plan as it is now; None while there is none, or where a run needs no second person."""
        name, now = self.draft.campaign, self.planning.now
        if self.draft["mode"] != Mode.LIVE or not name or now is None or not now.campaign.needs_approval:
            return None
        row, plan = self.ledger.campaigns.get(name, Mode.LIVE), self.planning.plan
        if row is None and plan is None:
            return None
        plan_hash = row.plan_hash if row else plan.hash if plan else ""
        return Approval(name, plan_hash, self.ledger.approvals.get(name, plan_hash), self.environment().user)

    def ask_approval(self, wanted: Approval) -> ApprovalRow:
        """Write down that this plan is to be sent, so that somebody else can say yes to it."""
        Workspace.here().demand(May.PLAN)
        return self.ledger.approvals.plan(wanted.campaign, wanted.plan_hash, by=self.environment().user)

    def approve(self, wanted: Approval) -> ApprovalRow:
        """
        Say yes to the plan that was looked at.

        Raises:
            GuardRefused: who asks is who planned it, or may not send.
        """
        Workspace.here().demand(May.SEND)
        return self.ledger.approvals.approve(wanted.campaign, wanted.plan_hash, by=self.environment().user)

    def confirmation(self) -> Confirmation:
        """
        What would be sent now, to be confirmed.

        Raises:
            GuardRefused: nothing can be sent, and why.
        """
        spec, run = self.draft.spec(), self.run
        if run is None:
            raise GuardRefused(_SENDS_NOTHING)
        seen = run.look()
        if seen.phase.is_active:
            raise GuardRefused("campaign {campaign} is being sent right now", campaign=spec.campaign)
        if seen.row is not None and seen.books is not None:
            confirmed = resuming(spec, seen.row, seen.books)
        else:
            confirmed = self._of_plan(spec)
        approval = self.approval
        if approval is not None and approval.lacks:
            raise unsent(lack_of_approval(spec, approval.plan_hash, approval.found))
        return confirmed

    def _of_plan(self, spec: CampaignSpec) -> Confirmation:
        planned, plan = self.planning.now, self.planning.plan
        if plan is None or planned is None or planned.spec != spec:
            raise unsent(Message("the plan is not ready; wait until it is shown"))
        if planned.guards:
            raise unsent(Joined(guard.text for guard in planned.guards))
        if not plan.planned:
            raise unsent(Message("nobody is planned"))
        first = size_of(plan.planned, spec.canary) if spec.canary else 0
        return Confirmation(
            spec.mode,
            spec.campaign,
            plan.planned,
            plan.total_parts,
            plan.cost,
            plan.hash,
            resumes=False,
            first=first if first < plan.planned else 0,
        )

    def send(self, confirmed: Confirmation, *, typed: str = "") -> bool:
        """
        Start sending in the background what was confirmed; False when that is under way here already.

        The run plans once more and refuses another plan than the one confirmed:
        a segment file that has changed, somebody who has opted out meanwhile.

        Args:
            typed: In live mode the number of people.

        Raises:
            GuardRefused: it is not what the draft says any more, or another number was typed.
        """
        Workspace.here().demand_mode(confirmed.mode)
        confirmed.demand(typed)
        spec, run = self.draft.spec(), self.run
        if run is None or (spec.campaign, spec.mode) != (confirmed.campaign, confirmed.mode):
            raise unsent(Message("the parameters were changed after the confirmation"))
        campaign = self._fresh(spec.model_copy(update={"plan_hash": confirmed.plan_hash}))
        # A frame is in the memory of this process alone.
        through = None if self.draft.frame is not None else handover_of(self.environment())
        return run.start(campaign, through=through)

    def may_join(self, seen: Snapshot) -> bool:
        """Whether the campaign is being sent elsewhere, and by several where they want."""
        live = seen.row is not None and seen.row.mode is Mode.LIVE
        return live and seen.phase is Phase.ELSEWHERE and self.ledger.senders.may_share

    def join(self) -> bool:
        """
        Send in the background, too, what another run is sending: they share who still waits.

        Nobody is asked anew: the plan is frozen, and was confirmed. False when it is sent here already.

        Raises:
            GuardRefused: nobody else sends it, or it cannot be shared.
        """
        spec, run = self.draft.spec(), self.run
        Workspace.here().demand_mode(spec.mode)
        seen = run.look() if run else None
        if run is None or seen is None or seen.row is None or not self.may_join(seen):
            raise unsent(Message("no other run is sending it that could be joined"))
        campaign = self._fresh(spec.model_copy(update={"plan_hash": seen.row.plan_hash}))
        return run.start(campaign, through=handover_of(self.environment()))

    def settle(self) -> Fetched:
        """Ask the provider what became of those that are unknown, and fetch receipts and replies."""
        run = self.run
        row = run.look().row if run else None
        return fetch(self.ledger, [row] if row else [], environment=self.environment())

    @property
    def appended(self) -> str:
        """What the provider puts behind every message itself."""
        return self.provider.opt_out.appended if self.is_marketing else ""

    def frozen(self, count: int = 50) -> list[Bubble]:
        """The first messages of a campaign that has started, as the ledger has them; none of another."""
        row = self.planning.now.started if self.planning.now else None
        if row is None:
            return []
        if self._frozen is None or self._frozen[0] != row.id:
            self._frozen = row.id, self._read_frozen(row, count)
        return self._frozen[1]

    def _read_frozen(self, row: CampaignRow, count: int) -> list[Bubble]:
        frame = next(frames.messages(self.ledger, row), None)
        if frame is None:
            return []
        first = frame[frame["reason"] == ""].head(count)
        units = [units_of(text + self.appended) for text in first["text"]]
        over = units_over(np.array(units, np.int64)).tolist() if units else []
        rows = zip(
            range(len(first)),
            first["user_id"],
            first["phone"],
            first["text"],
            units,
            first["parts"],
            over,
            strict=True,
        )
        return [Bubble(n, who or "", phone, text, "", u, int(p), o) for n, who, phone, text, u, p, o in rows]

    def unfinished(self) -> list[Snapshot]:
        """Other campaigns that are being sent or wait to be resumed, youngest first."""
        here = (self.draft.campaign, Mode(self.draft["mode"]))
        return [s for s in unfinished(self.ledger) if s.row and (s.row.name, s.row.mode) != here]

    def take_over(self, row: CampaignRow) -> None:
        """Take over the parameters of a campaign in the ledger, to go on with it."""
        data = CampaignSpec.from_data(row.spec | {"plan_hash": ""}).to_data()
        gone = dict.fromkeys(set(self.draft.to_data()) - set(data))
        self.draft.frame = None  # the audience is frozen; nothing is planned from it any more
        self.draft.set(**(gone | data))

    def try_another(self, changes: Mapping[str, Any]) -> tuple[Path, Path]:
        """
        Write two campaigns of this one, of which the second half of the people gets *changes*.

        Raises:
            InputError: nothing is changed, or who may be messaged is; or there is such a file already.
        """
        here, spec = Workspace.here(), self.draft.spec()
        both = try_another(spec, changes)
        names = [f"{one.campaign}.yaml" for one in both]
        for name in names:
            if (here.home(Folder.PARAMETERS, here.folder) / name).exists():
                raise InputError("{file} is there already", file=name)
        one, other = (Draft(arm.to_data()).save(name) for arm, name in zip(both, names, strict=True))
        return one, other

    def rename(self) -> str:
        """Give the campaign an id no campaign has had; returns it."""
        Workspace.here().demand(May.PLAN)
        before = self.draft["campaign"]
        kind, parent = self.ledger.campaigns.made_ids().get(before, (Kind.CAMPAIGN, ""))
        stem = parent if kind is Kind.COPY else before
        name = another_id(stem, {before, *self.ledger.campaigns.names()})
        self.ledger.campaigns.make_id(name, kind=Kind.COPY, parent=stem)
        self.draft.set(campaign=name)
        return name


def another_id(name: str, taken: Collection[str]) -> str:
    """*name* with the first number behind it that makes a new one: ``sale`` -> ``sale-2``."""
    if not name:
        raise InputError("give the campaign an id first")
    return next(made for n in itertools.count(2) if (made := f"{name[:114]}-{n}") not in taken)
