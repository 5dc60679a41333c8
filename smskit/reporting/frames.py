"""
The messages of a campaign, and one person's story, as frames.

Phones are masked here unless a caller reveals them on purpose.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from smskit.audience import phones
from smskit.ledger import CampaignRow, History, Ledger
from smskit.message.template import Template
from smskit.models import Reason, State
from smskit.reporting.columns import MESSAGE, SegmentColumns
from smskit.reporting.report import Fate, fates, note_reveal

COLUMNS = list(MESSAGE)
WHY = [
    "user_id",
    "phone",
    "state",
    "reason",
    "at",
    "provider_code",
    "provider_detail",
    "provider_message_id",
]
STATES = np.array([state.label for state in State], object)
_REASONS = np.array([reason.label for reason in Reason], object)


def messages(
    ledger: Ledger, row: CampaignRow, *, reveal: bool = False, more: SegmentColumns | None = None
) -> Iterator[pd.DataFrame]:
    """
    One row per person of the segment, planned ones first, as frames of at most ``ledger.CHUNK`` rows.

    Columns are ``COLUMNS``; times are aware UTC. Phones (and user ids that are
    phones) are masked; with *reveal* they are E.164.

    Args:
        more: Columns of the segment, which stand behind.
    """

    def whole(frame: pd.DataFrame, persons: pa.Array) -> pd.DataFrame:
        return pd.concat([frame, more.beside(persons, reveal=reveal)], axis=1) if more else frame

    for chunk in ledger.audience.states(row.id):
        history = ledger.audience.history(row.id, chunk)
        yield whole(people(ledger, row, chunk, history, reveal=reveal), history.keys.persons)
    for table in ledger.audience.excluded(row.id):
        yield whole(_left_out(table, reveal=reveal), table["person"].combine_chunks())


def messages_frame(ledger: Ledger, row: CampaignRow, *, reveal: bool = False) -> pd.DataFrame:
    """All of `messages` in one frame, rows numbered from 0; every text is rendered."""
    if reveal:
        note_reveal(ledger, row, "messages")
    found = list(messages(ledger, row, reveal=reveal))
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=COLUMNS)


def people(
    ledger: Ledger,
    row: CampaignRow,
    chunk: int,
    history: History,
    positions: NDArray[np.uint16] | None = None,
    *,
    reveal: bool = False,
) -> pd.DataFrame:
    """The rows of ``messages`` for a chunk, or for some of it: everything known of it is *history*."""
    template = Template.parse(row.summary["template"], signature=row.summary["signature"])
    held = ledger.audience.people(row.id, chunk, positions)
    at, keys, values = held.positions, history.keys, held.variables
    persons = keys.persons.take(pa.array(at))
    if not reveal:  # a variable may be bound to the phone column
        values = {name: phones.hide_column(column) for name, column in values.items()}
    return pd.DataFrame(
        {
            "user_id": pd.Series(persons if reveal else phones.hide_column(persons)),
            "phone": pd.Series((phones.e164_column if reveal else phones.mask_column)(held.phones)),
            "state": STATES[keys.states[at]],
            "reason": reasons(history)[at],
            "text": pd.Series(template.render_column(values, len(at))),
            "parts": keys.parts[at],
            "provider_message_id": history.message_id[at],
            "provider_code": history.code[at],
            "provider_detail": pd.Series(history.detail[at], dtype=object),  # may hold messages
            "submitted_at": _times(history.submitted_at[at]),
            "receipt_code": history.receipt_code[at],
            "receipt_at": _times(history.receipt_at[at]),
        }
    )


def _left_out(table: pa.Table, *, reveal: bool) -> pd.DataFrame:
    n = table.num_rows
    phone = table["shown"].combine_chunks()
    if reveal:
        numbers = np.asarray(table["phone"])
        known = pa.array(numbers > 0)
        phone = pc.if_else(known, phones.e164_column(numbers), phone)
    persons = table["person"].combine_chunks()
    frame = pd.DataFrame({name: np.full(n, "", object) for name in COLUMNS})
    frame["user_id"] = pd.Series(persons if reveal else phones.hide_column(persons))
    frame["phone"] = pd.Series(phone)
    frame["state"] = "excluded"
    frame["reason"] = _REASONS[np.asarray(table["reason"])]
    frame["parts"] = np.zeros(n, np.int16)
    frame["submitted_at"] = frame["receipt_at"] = _times(np.full(n, np.nan))
    return frame


def reasons(history: History) -> Any:
    # A reason explains a state; what an earlier attempt met is history once the message was taken.
    explained = np.isin(history.keys.states, (State.REFUSED, State.UNKNOWN, State.WAITING))
    return np.where(explained, history.reason, "")


def why_frame(ledger: Ledger, row: CampaignRow, person: str, *, reveal: bool = False) -> pd.DataFrame:
    """
    What became of *person* as a frame with the columns `WHY`, one row per thing that happened, oldest first.

    ``at`` is aware, in the campaign's time zone. Somebody left out has one row of state ``excluded``, or
    ``ruled_out`` where a rule did it, and somebody not submitted yet one of state ``waiting``, all without a
    time. There are the steps of every row of the file that is *person*'s, see `fates`.

    Args:
        reveal: Show the phone in E.164 instead of masked.

    Raises:
        InputError: the file that was read has nobody like that.
    """
    rows: list[tuple[Any, ...]] = []
    for fate in fates(ledger, row, person, reveal=reveal):
        who = (fate.person, fate.phone)
        rows += [
            (*who, step.state.label, str(step.reason), step.at, step.code, str(step.detail), step.message_id)
            for step in fate.steps
        ]
        if not fate.steps:
            rows.append((*who, *_in_short(fate), ""))
    frame = pd.DataFrame(rows, columns=WHY)
    frame["at"] = pd.to_datetime(frame["at"], utc=True).dt.tz_convert(row.zone)
    return frame


def _in_short(fate: Fate) -> tuple[Any, ...]:
    """State, reason, time, code and detail of a fate without steps."""
    if fate.rule:
        detail = f"{fate.rule_words}: {fate.evidence}"
        return "ruled_out", f"rule {fate.rule}", pd.NaT, "", detail
    if fate.state is None:
        return "excluded", fate.excluded.label, pd.NaT, "", str(fate.evidence)
    return fate.state.label, "", pd.NaT, "", str(fate.evidence)


def _times(seconds: Any) -> pd.Series:
    return pd.to_datetime(pd.Series(seconds), unit="s", utc=True).dt.floor("ms")
