"""Opt-outs for people: why somebody is one, lists of them, and doubtful replies that a person decides on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from smskit.audience import phones
from smskit.errors import InputError
from smskit.i18n import Message, mark
from smskit.ledger import Action, Ledger, OptOutRow, ReplyRow
from smskit.models import Answer, Mode

if TYPE_CHECKING:
    import pandas as pd

    from smskit.audience.number_list import UnreadLine

__all__ = [
    "DOUBTFUL",
    "Imported",
    "decide",
    "doubtful",
    "evidence",
    "import_list",
    "listed",
    "notice_undecided",
]

DOUBTFUL = ["id", "at", "provider", "phone", "text"]


def doubtful(
    ledger: Ledger, mode: Mode = Mode.LIVE, *, zone: tzinfo = UTC, reveal: bool = False
) -> pd.DataFrame:
    """
    The doubtful replies that nobody has decided about, newest first.

    Returns:
        Columns ``DOUBTFUL``; ``at`` aware in *zone*; phones masked unless *reveal*, in the text always.
    """
    import pandas as pd  # the one thing here that needs it

    if reveal:
        ledger.audit.note(Action.REVEAL, mode=mode, what="doubtful replies")
    rows = [
        (
            reply.id,
            _time(reply.at or reply.kept_at, zone),
            reply.provider,
            phones.to_e164(reply.phone) if reveal else phones.mask(phones.to_e164(reply.phone)),
            phones.redact(reply.text),
        )
        for reply in ledger.replies.undecided(mode)
    ]
    return pd.DataFrame(rows, columns=DOUBTFUL)


def decide(ledger: Ledger, which: str, *, opted_out: bool, by: str, mode: Mode = Mode.LIVE) -> int:
    """
    A person's word on one doubtful reply, or on all of a phone; returns how many that were.

    Not an opt-out lifts what the reply did, and nothing else: whoever is on the list, or wrote another
    doubtful reply, is still not messaged.

    Args:
        which: The id of a reply, as `doubtful` has it, or a phone.

    Raises:
        InputError: there is no such reply that is undecided.
    """
    waiting = ledger.replies.undecided(mode)
    found = [reply for reply in waiting if reply.id == which.strip().lower()]
    if not found:
        phone = _phone(which)
        found = [reply for reply in waiting if reply.phone == phone]
    done = ledger.replies.decide(found, opted_out=opted_out, by=by) if found else 0
    if not done:
        shown = phones.mask(which)
        raise InputError("{who}: no doubtful reply waits for a decision", who=shown)
    return done


def listed(ledger: Ledger, *, reveal: bool = False) -> list[dict[str, str]]:
    """Who is on the list, newest first: ``phone since source note``; times ISO, UTC."""
    if reveal:
        ledger.audit.note(Action.REVEAL, what="opt-outs")
    return [
        {
            "phone": phones.to_e164(phone) if reveal else phones.mask(phones.to_e164(phone)),
            "since": datetime.fromtimestamp(since, UTC).isoformat(timespec="seconds"),
            "source": source,
            "note": note,
        }
        for phone, since, source, note in ledger.opt_outs.rows()
    ]


def notice_undecided(n: int) -> Message:
    """What to do about *n* doubtful replies."""
    return Message(
        "{n} doubtful replies count as opt-outs: decide in notebook 04 or by `smskit opt-out doubtful`", n=n
    )


def evidence(ledger: Ledger, numbers: Iterable[int], zone: tzinfo) -> str:
    """
    Why whoever has *numbers* is not messaged: by which reply, list or hand, and since when.

    Args:
        numbers: Their own first, then others of the same person.
    """
    own, *others = dict.fromkeys(numbers)
    for phone in (own, *others):
        if found := ledger.opt_outs.rows(phone):
            why = _why(ledger, found[0], zone)
            shown = phones.mask(phones.to_e164(phone))
            return why if phone == own else Message("{phone} of the same person: {why}", phone=shown, why=why)
    return Message("not on the opt-out list any more")


def _why(ledger: Ledger, row: OptOutRow, zone: tzinfo) -> Message:
    kind, _, name = row.source.partition(":")
    at = _clock(row.since, zone)
    match kind:
        case "reply" | "doubtful":
            said = [r for r in ledger.replies.of_phone(row.phone) if r.provider == name and r.opted_out]
            caused = [r for r in said if r.kept_at is None or r.kept_at <= row.since]
            return _by_reply(caused[0], zone) if caused else Message("replied on {at}", at=at)
        case "import":
            return Message("on the list {file}, imported {at}", file=name, at=at)
        case "by hand" if row.note:
            return Message("added by hand {at}: {note}", at=at, note=phones.redact(row.note))
        case "by hand":
            return Message("added by hand {at}", at=at)
    return Message("added {at}, source {source}", at=at, source=row.source)


def _by_reply(reply: ReplyRow, zone: tzinfo) -> Message:
    values = {"text": phones.redact(reply.text), "at": _clock(reply.at or reply.kept_at, zone)}
    if reply.undecided:
        return Message("replied `{text}` on {at}: doubtful, a no until somebody decides", **values)
    if reply.answer is Answer.DOUBTFUL:
        return Message(
            "replied `{text}` on {at}: doubtful, decided to be an opt-out by {who} on {when}",
            **values,
            who=reply.decided_by,
            when=_clock(reply.decided_at, zone),
        )
    return Message("replied `{text}` on {at}", **values)


def _phone(text: str) -> int:
    return int(phones.normalise(pa.array([text], pa.large_string())).e164[0]) or -1


def _time(seconds: float | None, zone: tzinfo) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, zone)


def _clock(seconds: float | None, zone: tzinfo) -> str:
    return f"{_time(seconds, zone):%Y-%m-%d %H:%M:%S}" if seconds is not None else "?"


@dataclass(frozen=True)
class Imported:
    """What importing a list came to."""

    added: int
    there: int
    unread: list[UnreadLine]
    hidden: int = 0  # rows of a sheet

    def told(self, most: int | None = None) -> list[Message]:
        """A line on what was done, then one for each line that could not be read, *most* of them at most."""
        words = mark("{n} added, {m} were there, {bad} cells hold no mobile number")
        counts = Message(words, n=self.added, m=self.there, bad=len(self.unread))
        lines = [Message("line {n}: {value}", n=line.line, value=line.value) for line in self.unread[:most]]
        words = mark("{n} of the rows are hidden in the sheet, and were read all the same")
        return [counts, *([Message(words, n=self.hidden)] if self.hidden else []), *lines]

    def to_data(self) -> dict[str, Any]:
        """The same for programs."""
        return {**vars(self), "unread": [line._asdict() for line in self.unread]}


def import_list(ledger: Ledger, path: Path, column: str = "phone") -> Imported:
    """Put every number of a file on the opt-out list; see `read_numbers`."""
    from smskit.audience.number_list import read_numbers  # by pandas

    found = read_numbers(path, column)
    new = ledger.opt_outs.add(found.phones, source=f"import:{path.name}")
    return Imported(new, len(found.phones) - new, found.unread, found.hidden)
