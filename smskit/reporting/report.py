"""
Ledger rows -> what people and programs read: the books of a campaign, one person's story.

Phones are masked here unless a caller reveals them on purpose. `smskit status` and `smskit why` answer
from here without pandas, whose import takes longer than they do; what comes as a frame is in ``frames``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow.compute as pc

from smskit.audience import phones
from smskit.errors import InputError, RuleError
from smskit.i18n import Joined, Language, Message, as_message, mark
from smskit.i18n.figures import moment
from smskit.ledger import Action, CampaignRow, Event, Ledger, as_written
from smskit.models import ORDER, Mode, Reason, State, find_left_out, one_text
from smskit.reporting import opt_outs

if TYPE_CHECKING:
    from smskit.audience.rules import Rule

MOST_ROWS = 50  # of one person, that are told


def status(ledger: Ledger, row: CampaignRow) -> dict[str, Any]:
    """A campaign's books as plain data; they always balance. Times are ISO, UTC."""
    with ledger.database.picture():
        books = ledger.audience.counts(row.id)
        stopped = ledger.audience.stopped(row.id) if books.refused else {}
        senders = ledger.senders.find(row.id)
        approval = ledger.approvals.get(row.name, row.plan_hash) if row.mode is not Mode.REHEARSE else None
    summary = row.summary
    return {
        "campaign": row.name,
        "mode": str(row.mode),
        "state": row.state_now(owned=bool(senders)),
        "provider": row.provider,
        # Campaigns of an older ledger have kept neither whom the rules left out nor, for sure, how many.
        "read": summary["read"] if "ruled_out" in summary else None,
        "ruled_out": summary.get("ruled_out"),
        "segment": summary["segment"],
        "excluded": {r.label: n for r in ORDER if (n := summary["excluded"].get(r.label))},
        "planned": books.planned,
        "waiting": books.waiting,
        "submitting": books.submitting,
        "accepted": books.accepted,
        "refused": books.refused,
        "unknown": books.unknown,
        "delivered": books.delivered,
        "undelivered": books.undelivered,
        "awaiting": books.awaiting,
        "stopped": stopped,  # of the refused: by ourselves, at the last moment
        "parts": summary["parts"],
        "cost": summary["cost"],
        "plan_hash": row.plan_hash,
        "approval": approval and approval.to_data(),  # who planned it, and who else has said yes
        "started_at": _iso(row.started_at),
        "finished_at": _iso(row.finished_at),
        "archived_at": _iso(row.archived_at),
        "senders": [
            {"host": each.host, "pid": each.pid, "since": _iso(each.since), "chunks": each.chunks}
            for each in senders
        ],
        "note": row.note,
    }


def note_reveal(ledger: Ledger, row: CampaignRow, what: str, **facts: Any) -> None:
    """Put into the audit trail that somebody is about to see full phones of a campaign."""
    about = {"campaign": row.name, "mode": row.mode, "plan_hash": row.plan_hash, "what": what}
    ledger.audit.note(Action.REVEAL, **about, **facts)


class Step(NamedTuple):
    """One thing that happened to a planned person."""

    at: datetime  # aware, in the campaign's time zone
    state: State
    reason: str  # the event's own word, such as ``no_answer``; "" where the state says it all
    detail: str  # the provider's words, or what we noted in their place
    code: str
    message_id: str


@dataclass(frozen=True)
class Fate:
    """What became of one row of the file a campaign read, and the evidence for it; masked unless revealed."""

    person: str
    phone: str  # "" where the row has none
    state: State | None  # None: was left out, for `excluded` or by `rule`
    excluded: Reason = Reason.NONE
    # What can make a value one that cannot be sent, which earlier row this is a copy of, or what a rule read.
    evidence: str = ""
    steps: tuple[Step, ...] = ()
    rule: int = 0  # number of the rule that left the row out, from 1; 0 = none did
    rule_words: str = ""
    more: int = 0  # rows that are an answer, too, and too many to tell; stands in the last

    def told(self, t: Language) -> str:
        """The same in one line."""
        line = self._told(t)
        return f"{line}\n{t('and {n:,} more rows', n=self.more)}" if self.more else line

    def _told(self, t: Language) -> str:
        phone = self.phone or t("no phone")
        who = f"{self.person} ({phone})" if self.person else phone
        if self.rule:
            rule, why = t.render(self.rule_words), t.render(self.evidence)
            words = mark("{who}: ruled out by rule {n} ({rule}): {why}")
            return t(words, who=who, n=self.rule, rule=rule, why=why)
        if self.state is None:
            why, reason = t(self.excluded.words), self.excluded.label
            line = t("{who}: excluded, {why} ({reason})", who=who, why=why, reason=reason)
            return f"{line}: {t.render(self.evidence)}" if self.evidence else line
        steps = t("; ").join(self._step(step, t) for step in self.steps) or t("not submitted yet")
        clock = f" ({self.steps[0].at.tzinfo})" if self.steps else ""
        return t("{who}: {state}; {steps}", who=who, state=t(self.state.label), steps=steps) + clock

    def _step(self, step: Step, t: Language) -> str:
        words = [
            t(step.reason),  # a name, put into words in 中文
            t.said(step.detail) if step.detail else "",
            t("code {code}", code=step.code) if step.code else "",
            t("id {id}", id=step.message_id) if step.message_id else "",
        ]
        return t(", ").join([f"{moment(step.at, named=False)} {t(step.state.label)}", *filter(None, words)])


def fates(ledger: Ledger, row: CampaignRow, person: str, *, reveal: bool = False) -> list[Fate]:
    """
    What became of *person*, a user id or a phone: of every row of the file that has it, at most `MOST_ROWS`.

    Planned rows come first, then those left out of the segment, then those a rule left out.

    Args:
        reveal: Show the phone in E.164 instead of masked.

    Raises:
        InputError: the file had nobody like that, or nobody knows any more.
    """
    person = person.strip()
    phone = as_phone(person)
    # What is no phone may be what stands in the phone's cell: it is kept as it may be shown.
    cell = "" if phone else phones.mask_raw_column(one_text(person))[0].as_py()
    found = [
        *_planned_fates(ledger, row, person, phone, reveal=reveal),
        *_excluded_fates(ledger, row, person, phone, cell, reveal=reveal),
        *_ruled_out_fates(ledger, row, person, phone, cell, reveal=reveal),
    ]
    if not found or not person:  # rows without id and phone are nobody's
        who = phones.mask(phones.to_e164(phone)) if phone else name_of(person)
        if person and (erased := ledger.erasing.when(person, phone)):
            at = f"{datetime.fromtimestamp(erased, row.zone):%Y-%m-%d %H:%M}"
            raise InputError("{who} was erased on {at}; counts are all that is left", who=who, at=at)
        if phones.is_masked(person):
            raise InputError(Message(phones.NOBODY_MASKED, who=person))
        from smskit.audience.identity import names_nobody

        if names_nobody(person):
            raise InputError("{who} names nobody: give a user id, or a phone", who=repr(person))
        raise InputError(_nowhere(row, who))
    if reveal:
        note_reveal(ledger, row, "one person", person=phones.mask(person))
    told = [make() for make in found[:MOST_ROWS]]
    if len(found) > MOST_ROWS:
        told[-1] = replace(told[-1], more=len(found) - MOST_ROWS)
    return told


def _nowhere(row: CampaignRow, who: str) -> Message:
    """What there is to say of somebody the ledger does not have."""
    campaign, mode = row.name, row.mode.said
    if "ruled_out" not in row.summary and row.summary.get("steps"):
        return Message(
            "{who} is not in the segment of campaign {campaign} ({mode}); whom its rules left out was not "
            "kept by this version of the ledger",
            who=who,
            campaign=campaign,
            mode=mode,
        )
    read = row.summary.get("read_at")
    at = datetime.fromisoformat(read) if read else datetime.fromtimestamp(row.created_at, UTC)
    return Message(
        "{who} is not in the file that was read at {at} for campaign {campaign} ({mode})",
        who=who,
        at=f"{at.astimezone(row.zone):%Y-%m-%d %H:%M}",
        campaign=campaign,
        mode=mode,
    )


def _planned_fates(
    ledger: Ledger, row: CampaignRow, person: str, phone: int, *, reveal: bool
) -> list[Callable[[], Fate]]:
    found = ledger.audience.find(row.id, person=person, phone=phone)
    return [partial(_planned, ledger, row, chunk, position, reveal=reveal) for chunk, position in found]


def _excluded_fates(
    ledger: Ledger, row: CampaignRow, person: str, phone: int, cell: str, *, reveal: bool
) -> Iterator[Callable[[], Fate]]:
    @cache  # of many copies, each is a copy of the same
    def earlier(reason: Reason, who: str, number: int) -> str:
        return _earlier(ledger, row, reason, who, number, reveal=reveal)

    def fate(who: str, number: int, shown: str, reason: Reason) -> Fate:
        if reason is Reason.BAD_VARIABLE:
            evidence = _unfit(row)
        elif reason is Reason.OPTED_OUT:
            evidence = opt_outs.evidence(ledger, [number, *_phones_of(ledger, row, who)], row.zone)
        else:
            evidence = earlier(reason, who, number)
        return _left_out_fate(who, number, shown, reveal, excluded=reason, evidence=evidence)

    for table in ledger.audience.excluded(row.id):
        for one in table.take(find_left_out(table, person, phone, cell)).to_pylist():
            yield partial(fate, one["person"], one["phone"], one["shown"] or "", Reason(one["reason"]))


def _unfit(row: CampaignRow) -> str:
    """What makes a value of this campaign one that cannot be sent; which of these it was is not kept."""
    bindings = row.spec.get("variables") or {}
    formats = any(isinstance(bound, dict) and bound.get("format") for bound in bindings.values())
    reasons = [
        as_message(row.summary.get("unfit_words", "")),
        Message("it is no date or time that its `format` could write") if formats else "",
        Message("it holds a control character, a lost letter or an escape of another program"),
    ]
    return Message("a value cannot be sent, for one of these reasons: {reasons}", reasons=Joined(reasons))


def _ruled_out_fates(
    ledger: Ledger, row: CampaignRow, person: str, phone: int, cell: str, *, reveal: bool
) -> Iterator[Callable[[], Fate]]:
    for group in ledger.audience.ruled_out(row.id, person=person, phone=phone, cell=cell):
        from smskit.planning.ruled_out import values_read

        rule, words = rule_of(row, group.rule)
        for one in group.people.to_pylist():
            shown = one["shown"] or phones.mask(phones.to_e164(one["phone"]))
            yield partial(
                _left_out_fate,
                one["person"],
                one["phone"],
                shown,
                reveal,
                rule=group.rule + 1,
                rule_words=words,
                evidence=values_read(group, rule, one, reveal=reveal),
            )


def rule_of(row: CampaignRow, number: int) -> tuple[Rule | None, str]:
    """The rule of that number, from 0, and its words; those the plan had where it cannot be read any more."""
    from smskit.audience import rules

    try:
        rule = rules.parse(row.spec.get("rules")).parts[number]
    except (RuleError, IndexError):
        with as_written(row.name, row.mode, "ruled_out.rule"):
            return None, str(row.summary["steps"][number]["rule"])
    return rule, rule.words


def _left_out_fate(person: str, phone: int, shown: str, reveal: bool, **why: Any) -> Fate:
    if reveal:
        shown = phones.to_e164(phone) or shown
    return Fate(person if reveal else name_of(person), shown, None, **why)


def _earlier(
    ledger: Ledger, row: CampaignRow, reason: Reason, person: str, phone: int, *, reveal: bool
) -> str:
    """The earlier row that a copy is a copy of, as "user (phone)": it is planned or kept back; else ""."""
    if reason not in (Reason.DUPLICATE_PHONE, Reason.DUPLICATE_USER):
        return ""
    same_phone = reason is Reason.DUPLICATE_PHONE
    who = _planned_like(ledger, row, person, phone if same_phone else 0, same_phone=same_phone)
    who = who or _kept_back_like(ledger, row, person, phone, same_phone=same_phone)
    if who is None:
        return ""
    user, number = who[0], phones.to_e164(who[1])
    return f"{user} ({number})" if reveal else f"{name_of(user)} ({phones.mask(number)})"


def _phones_of(ledger: Ledger, row: CampaignRow, person: str) -> list[int]:
    """The phones of all rows of *person* that were left out."""
    tables = ledger.audience.excluded(row.id)
    wanted = one_text(person)[0]
    found = [t["phone"].filter(pc.equal(t["person"], wanted)).to_pylist() for t in tables]
    return [phone for phones_there in found for phone in phones_there if phone]


def _planned_like(
    ledger: Ledger, row: CampaignRow, person: str, phone: int, *, same_phone: bool
) -> tuple[str, int] | None:
    for chunk, position in ledger.audience.find(row.id, person=person, phone=phone):
        keys = ledger.audience.keys(row.id, chunk)
        found = keys.persons[position].as_py(), int(keys.phones[position])
        if found[1] == phone if same_phone else found[0] == person:
            return found
    return None


def _kept_back_like(
    ledger: Ledger, row: CampaignRow, person: str, phone: int, *, same_phone: bool
) -> tuple[str, int] | None:
    kept_back = [int(Reason.HOLDOUT), int(Reason.GLOBAL_HOLDOUT)]
    for table in ledger.audience.excluded(row.id):
        same = np.asarray(table["phone"]) == phone if same_phone else pc.equal(table["person"], person)
        found = np.flatnonzero(np.asarray(same) & np.isin(np.asarray(table["reason"]), kept_back))
        if len(found):
            at = int(found[0])
            return table["person"][at].as_py(), int(table["phone"][at].as_py())
    return None


def why(ledger: Ledger, row: CampaignRow, person: str) -> str:
    """
    One line on what became of *person* (a user id, or a phone) and the evidence for it, in English.

    Raises:
        InputError: the file that was read has nobody like that.
    """
    return "\n".join(fate.told(Language("en")) for fate in fates(ledger, row, person))


def _planned(ledger: Ledger, row: CampaignRow, chunk: int, position: int, *, reveal: bool = False) -> Fate:
    zone = row.zone
    keys = ledger.audience.keys(row.id, chunk)
    steps = [
        _step_of(event, int(np.flatnonzero(event.positions == position)[0]), zone)
        for event in ledger.audience.events(row.id, chunk)
        if (event.positions == position).any()
    ]
    person = keys.persons[position].as_py()
    number = int(keys.phones[position])
    phone = phones.to_e164(number)
    if any(step.reason == Reason.OPTED_OUT.label for step in steps):
        why_not = opt_outs.evidence(ledger, [number], zone)
        steps = [s._replace(detail=why_not) if s.reason == Reason.OPTED_OUT.label else s for s in steps]
    return Fate(
        person if reveal else phones.hide(person),
        phone if reveal else phones.mask(phone),
        State(int(keys.states[position])),
        steps=tuple(steps),
    )


def _step_of(event: Event, at: int, zone: tzinfo) -> Step:
    facts, to = event.facts_of(at), State(int(event.states[at]))
    when = datetime.fromtimestamp(event.at, zone)
    reason = "" if facts["reason"] == to.label else facts["reason"]
    return Step(when, to, reason, facts["details"], facts["codes"], facts["ids"])


def name_of(person: str) -> str:
    """*person* as it may be shown: masked where it is a phone."""
    return phones.hide(person)


def as_phone(person: str) -> int:
    """E.164 digits when *person* is a phone, else 0."""
    if not phones.has_digits(person):
        return 0
    try:
        return phones.normalise_one(person)
    except InputError:
        return 0


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


# Why a message is in its state, as the ledger names it: shown by these names, in 中文 in words.
LEDGER_REASONS = (
    *(mark("account"), mark("excluded"), mark("frequency_cap"), mark("given_up"), mark("no_answer")),
    *(mark("no_record"), mark("not_taken"), mark("not_sent"), mark("opted_out"), mark("resend_ordered")),
    *(mark("exclusive"), mark("report_accepted")),
)
