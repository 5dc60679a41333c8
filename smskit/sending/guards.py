"""
What keeps a run from sending: before the first message, and between two of them.

The ``demand_...`` functions raise before anything is sent; `Guards` is what the
engine goes by while it sends. Sizes, costs, dates and hashes are ``planning.policy``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from smskit.audience.phones import redact
from smskit.errors import CampaignPaused, GuardRefused, NotUsable, PlanMismatch
from smskit.i18n import UNSENT, Joined, Message, as_message, quote
from smskit.ledger import ApprovalRow, CampaignRow, Frozen, Ledger, as_written, damage
from smskit.message.template import Template
from smskit.message.windows import FrequencyCap, effective_window
from smskit.models import CheckResult, Finding, Mode
from smskit.planning.fingerprint import former_hash, hash_in_parts, is_former
from smskit.planning.policy import Guard
from smskit.planning.spec import DEFINITION, CampaignSpec
from smskit.sending.access import ProviderFacts
from smskit.sending.clock import Clock

__all__ = [
    "Guards",
    "Window",
    "demand_intact",
    "demand_none",
    "demand_open",
    "demand_same",
    "demand_usable",
    "hash_of",
    "lack_of_approval",
]


class Window(Protocol):
    """When messages may leave: ``spec.SendWindow``, or that within a provider's hours (``marketing``)."""

    def is_open(self, at: datetime) -> bool:
        """Whether *at*, in the campaign's zone, is inside."""

    def next_opening(self, at: datetime) -> datetime | None:
        """The first instant at or after *at* that is inside; None = never."""


@dataclass(frozen=True)
class Guards:
    """
    What a run goes by between two messages.

    Args:
        window: When messages may leave; None = always.
        cap: Most messages a phone may get from all live campaigns; None = any number.
        deadline: A wait that would go past it stops the run instead; aware, None = none.
        waits: Whether a run outside the window waits for it to open; else it stops.
    """

    window: Window | None = None
    cap: FrequencyCap | None = None
    deadline: datetime | None = None
    waits: bool = False

    @classmethod
    def of(cls, spec: CampaignSpec, facts: ProviderFacts) -> Guards:
        """Those of a campaign. A rehearsal messages nobody, so it may run at night."""
        window = effective_window(spec.window, facts.marketing) if spec.mode is Mode.LIVE else None
        return cls(window, spec.cap, spec.deadline, spec.outside_window == "wait")

    def opens_at(self, clock: Clock) -> datetime | None:
        """When the window opens, in the campaign's zone; None while it is open or there is none."""
        now = clock.local()
        return None if self.window is None or self.window.is_open(now) else self.window.next_opening(now)


def demand_none(problems: Sequence[Guard]) -> None:
    """
    Refuse where there is a problem.

    Raises:
        GuardRefused: with all of them.
    """
    if problems:
        raise GuardRefused(Message(UNSENT, why=Joined(problem.text for problem in problems)))


def demand_open(guards: Guards, clock: Clock, *, zone: str) -> None:
    """
    Refuse or pause a run that comes outside its window, unless it is to wait.

    Args:
        zone: What the campaign's zone is called.

    Raises:
        GuardRefused: the window never opens, or later than the deadline.
        CampaignPaused: it opens later; run again then.
    """
    window = guards.window
    if window is None or window.is_open(clock.local()):
        return
    opening = window.next_opening(clock.local())
    if opening is None:
        why = Message("the send window never opens: it is {why}", why=window)
        raise GuardRefused(Message(UNSENT, why=why))
    if not guards.waits:
        why = Message(
            "marketing may leave {why} ({zone}), and it is {now} there. Run again then, or change "
            "parameter `send_window`",
            why=window,
            zone=zone,
            now=f"{clock.local():%H:%M}",
        )
        raise CampaignPaused(Message(UNSENT, why=why))
    # Waiting is the engine's, once the run owns the campaign: a second one started now goes away.
    if guards.deadline and opening.astimezone(UTC) > guards.deadline.astimezone(UTC):
        why = Message(
            "the send window opens at {at} ({zone}), later than `not_after` ({deadline})",
            at=f"{opening:%Y-%m-%d %H:%M}",
            zone=zone,
            deadline=guards.deadline.isoformat(),
        )
        raise GuardRefused(Message(UNSENT, why=why))


def demand_usable(result: CheckResult) -> None:
    """
    Refuse where the provider's check found something wrong.

    Raises:
        NotUsable: with the provider's words for all of it.
    """
    if not result.usable:
        found = Joined(_in_words(finding) for finding in result.findings if not finding.ok)
        why = Message("{provider} is not usable as set up: {why}", provider=result.provider, why=found)
        raise NotUsable(Message(UNSENT, why=why))


def demand_intact(ledger: Ledger, row: CampaignRow) -> None:
    """
    Refuse to send from what is not as it was frozen: checksums, states by their events, the plan's hash.

    Of a campaign that an older smskit froze, the hash is not looked at: it may have been made otherwise.

    Raises:
        LedgerError: damage, in words.
        SmskitError: there is no room for sorting its people.
    """
    with as_written(row.name, row.mode, "plan_hash"):
        parts = ledger.audience.everybody(row.id)
        if not row.frozen_hash:
            deque(parts, maxlen=0)  # each is looked at as it is read
        elif row.frozen_hash != hash_of(row, parts):
            raise damage(row.name, row.mode, "plan_hash")


def hash_of(row: CampaignRow, parts: Iterable[Frozen]) -> str:
    """The plan's hash of an audience as it is stored, made as it was when that was frozen."""
    template = Template.parse(row.summary["template"], signature=row.summary["signature"])
    about = row.provider, row.spec.get("template_id", ""), template
    if is_former(row.frozen_hash):
        whole = Frozen.joined(parts)
        return former_hash(*about, whole.order, whole.phones, whole.persons, whole.variables)
    people = ((part.phones, part.persons, part.variables) for part in parts)
    return hash_in_parts(*about, people, about=row.summary["planned"])


def demand_same(spec: CampaignSpec, row: CampaignRow) -> None:
    """
    Refuse to go on with a campaign by other parameters than it was started with.

    Raises:
        GuardRefused: `plan_hash` demands another plan.
        PlanMismatch: names what differs.
    """
    if spec.plan_hash and spec.plan_hash != row.plan_hash:
        why = Message(
            "campaign {campaign} was started with plan {hash}, not {wanted} as parameter `plan_hash` demands",
            campaign=row.name,
            hash=row.plan_hash,
            wanted=spec.plan_hash,
        )
        raise GuardRefused(Message(UNSENT, why=why))
    now = spec.definition()
    # A parameter that is younger than the campaign had its default then.
    then = {name: row.spec.get(name, CampaignSpec.model_fields[name].default) for name in DEFINITION}
    # Where none is named it stays the one that was frozen: papermill is given an id without its series.
    then["series"] = row.series if now["series"] else ""
    if differs := [name for name in DEFINITION if now[name] != then[name]]:
        changes = Joined(
            Message("{code} was {then}, is {now}", code=n, then=_short(then[n]), now=_short(now[n]))
            for n in differs
        )
        raise PlanMismatch(
            "campaign {campaign} ({mode}) was started with something else: {why}. Give the new "
            "campaign an id of its own, or go on with the old parameters",
            campaign=row.name,
            mode=row.mode.said,
            why=changes,
        )


def lack_of_approval(spec: CampaignSpec, plan_hash: str, found: ApprovalRow | None) -> Message:
    """Why a live run of this plan has to wait for somebody; *found* is what stands of its approval."""
    if found is None:
        return Message(
            "plan {hash} needs the approval of somebody else than who plans it "
            "(SMSKIT_REQUIRE_APPROVAL): `smskit approve {campaign} {hash}`, or a click in notebook 03 or 04",
            hash=plan_hash,
            campaign=spec.campaign,
        )
    return Message(
        "plan {hash} needs the approval of somebody else than {who}, who planned it "
        "(SMSKIT_REQUIRE_APPROVAL): `smskit approve {campaign} {hash}`, or a click in notebook 03 or 04",
        hash=plan_hash,
        who=found.planned_by,
        campaign=spec.campaign,
    )


def _in_words(finding: Finding) -> Message:
    """One thing that a check found wrong."""
    what, said = as_message(finding.what), quote(finding.meaning)
    if finding.code:
        said = Message("{said} (code {code})", said=said, code=finding.code)
    if not finding.next_step:
        return Message("{what}: {said}.", what=what, said=said)
    return Message("{what}: {said}. {step}", what=what, said=said, step=as_message(finding.next_step))


def _short(value: object) -> str:
    text = redact(str(value))
    return f"`{text}`" if len(text) <= 60 else f"`{text[:57]}…`"
