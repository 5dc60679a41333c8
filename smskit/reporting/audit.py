"""Who did what, and who approved which plan, for people and programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd

from smskit.i18n import Language, Message, mark
from smskit.ledger import Action, Chain, Entry, Ledger
from smskit.models import TIMEZONE
from smskit.reporting.delivery.labels import MODES

__all__ = ["HEADINGS", "Trail", "approval_in_words", "trail"]

_ZONE: Final = ZoneInfo(TIMEZONE)

HEADINGS: Final = {
    "at": mark("time"),
    "who": mark("who"),
    "place": mark("from where"),
    "what": mark("what"),
    "about": mark("about"),
}
_DONE: Final = {
    Action.PLAN: mark("planned"),
    Action.APPROVE: mark("approved"),
    Action.SEND: mark("began to send"),
    Action.RESUME: mark("went on sending"),
    Action.STOP: mark("asked to stop"),
    Action.SETTLE: mark("decided about unknowns"),
    Action.REVEAL: mark("looked at full phones"),
    Action.EXPORT: mark("wrote full phones to a file"),
    Action.OPT_OUT_ADD: mark("added opt-outs"),
    Action.OPT_OUT_REMOVE: mark("removed an opt-out"),
    Action.OPT_OUT_DECIDE: mark("decided about doubtful replies"),
    Action.CREDENTIALS: mark("changed credentials"),
    Action.ARCHIVE: mark("archived the campaign"),
    Action.UNARCHIVE: mark("took the campaign out of the archive"),
    Action.FORGET: mark("deleted a rehearsal or plan"),
    Action.ERASE: mark("erased a person"),
}

# Names and values of facts.
_WORDS: Final = frozenset(
    (
        *(mark("people"), mark("file"), mark("format"), mark("source"), mark("provider"), mark("phone")),
        *(mark("person"), mark("settings"), mark("place"), mark("word"), mark("what"), mark("decided")),
        *(mark("replies"), mark("planned by"), mark("messages"), mark("one person"), mark("opt-outs")),
        *(mark("a page of people"), mark("a follow-up"), mark("doubtful replies"), mark("saved")),
        *(mark("deleted"), mark("resend"), mark("give up"), mark("accept"), mark("by hand")),
    )
)


@dataclass(frozen=True)
class Trail:
    """What was done, newest first, and whether the whole trail is as it was written."""

    entries: tuple[Entry, ...]
    chain: Chain

    def __repr__(self) -> str:
        return f"Trail({len(self.entries)} of {self.chain.entries})"

    def frame(self, t: Language, zone: tzinfo = _ZONE) -> pd.DataFrame:
        """A row for each, newest first: columns ``HEADINGS``, in words."""
        rows = [
            (
                f"{datetime.fromtimestamp(entry.at, zone):%Y-%m-%d %H:%M:%S %Z}",
                entry.who,
                entry.place,
                t(_DONE[entry.action]),
                _about(entry, t),
            )
            for entry in self.entries
        ]
        return pd.DataFrame(rows, columns=list(HEADINGS))

    @property
    def verdict(self) -> Message:
        """Whether the trail is whole, in words."""
        if self.chain.holds:
            return Message("the trail is whole: {n} entries", n=self.chain.entries)
        return Message(
            "the trail is not whole from entry {n} on: {why}", n=self.chain.broken_at or 0, why=self.chain.why
        )

    def render(self, t: Language) -> str:
        """A line for each, oldest first, then whether the trail is whole."""
        rows = reversed(self.frame(t).to_numpy().tolist())
        return "\n".join([*("  ".join(filter(None, row)) for row in rows), t.render(self.verdict)])

    def to_data(self) -> dict[str, Any]:
        """The same for programs, oldest first."""
        chain = self.chain._asdict() | {"holds": self.chain.holds, "why": str(self.chain.why)}
        return {"entries": [entry.to_data() for entry in reversed(self.entries)], "chain": chain}


def trail(ledger: Ledger, campaign: str = "", *, last: int | None = None) -> Trail:
    """What was done to *campaign* in any mode, "" = at all; the whole trail is verified."""
    return Trail(tuple(ledger.audit.entries(campaign, last=last)), ledger.audit.verify())


def approval_in_words(approval: Mapping[str, Any], *, with_places: bool = True) -> Message:
    """
    Who planned a plan and who approved it.

    Args:
        approval: As ``status`` has it.
        with_places: Also from where; in the app all come from its server.
    """

    def did(what: str) -> str:
        at = datetime.fromisoformat(approval[f"{what}_at"]).astimezone(_ZONE)
        place = f", {approval[f'{what}_from']}" if with_places else ""
        return f"{approval[f'{what}_by']} ({at:%Y-%m-%d %H:%M %Z}{place})"

    values = {"hash": approval["plan_hash"], "who": did("planned")}
    if approval["approved_at"] is None:
        return Message("plan {hash}: planned by {who}; nobody else has approved it yet", **values)
    return Message("plan {hash}: planned by {who}, approved by {other}", **values, other=did("approved"))


def _about(entry: Entry, t: Language) -> str:
    def said(text: str) -> str:
        return t(text) if text in _WORDS else text

    mode = MODES.get(entry.mode)
    facts = [f"{said(name.replace('_', ' '))} {said(str(value))}" for name, value in entry.facts.items()]
    return ", ".join(filter(None, [entry.campaign, mode and t(mode), entry.plan_hash, *facts]))
