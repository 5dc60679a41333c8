"""
Every row of the file a campaign read, by where it is now: searched, sorted, a page at a time.

Those planned, those left out of the segment for a reason, and those a rule left out, with why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from smskit.audience import phones
from smskit.audience.paging import FrameRows
from smskit.i18n import Message, mark
from smskit.ledger import CampaignRow, Ledger
from smskit.models import Reason, State
from smskit.planning.ruled_out import values_read
from smskit.reporting import frames, report
from smskit.reporting.books import parts_of
from smskit.reporting.delivery.codes import explain_code
from smskit.reporting.delivery.groups import REFUSED, Group, Whom
from smskit.reporting.delivery.people import members

__all__ = ["EVERYBODY", "EXCLUDED", "ROSTER", "RULED_OUT", "SORTS", "Roster", "RosterPage", "places"]

Row: TypeAlias = tuple[Any, ...]

EVERYBODY: Final = ""
EXCLUDED: Final = "excluded"  # of the segment; ``excluded:no_phone`` for one reason
RULED_OUT: Final = "ruled_out"
ROSTER: Final = ["user_id", "phone", "state", "reason", "why", "code", "text", "submitted_at", "receipt_at"]
SORTS: Final = ("user_id", "phone", "state", "reason", "code", "submitted_at", "receipt_at")
_REASONS: Final = np.array([reason.label for reason in Reason], object)


def places(status: Mapping[str, Any], groups: Mapping[Group, int]) -> dict[str, int]:
    """
    Place -> people, of every place somebody is in: "" is the whole file, then its parts, which add up to it.

    Args:
        status: See ``report.status``.
        groups: See ``Survey.groups``; those refused for several causes are parts of ``refused``.
    """
    parts = {part: n for part, n in parts_of(status) if n}
    found = {EVERYBODY: sum(parts.values())}
    refused = {f"refused:{group}": groups[group] for group in REFUSED if groups[group]}
    for part, n in parts.items():
        found |= {part: n, **(refused if part == "refused" and len(refused) > 1 else {})}
    return found


@dataclass(frozen=True)
class RosterPage:
    """
    Some rows.

    Args:
        frame: Columns `ROSTER`: phones masked unless revealed, ``why`` a message, times as the campaign's
            clock shows them.
        total: How many the search found, on all pages together.
    """

    frame: pd.DataFrame
    total: int


class Roster:
    """
    The rows of one campaign's file as they are now; made anew when they were counted anew.

    Reads each of them once for a place that is looked at; not to be made for every count.
    """

    def __init__(self, ledger: Ledger, row: CampaignRow) -> None:
        self._ledger, self._row = ledger, row
        self._index = lru_cache(maxsize=2)(self._indexed)

    def __repr__(self) -> str:
        return f"Roster({self._row.name})"

    def page(
        self,
        place: str = EVERYBODY,
        *,
        code: str = "",
        search: str = "",
        sort: str = "",
        descending: bool = False,
        first: int = 0,
        size: int = 25,
        reveal: bool = False,
    ) -> RosterPage:
        """
        *size* rows from the *first* on, of those in *place*.

        Args:
            place: One of `places`, or ``excluded`` for everybody who was left out of the segment.
            code: Only those whose failure has this raw code.
            search: In a user id, or a whole phone, or a code.
            sort: One of `SORTS`; "" = in send order, then those left out in the order of the file.

        Raises:
            InputError: there is no such column.
        """
        rows, where = self._index(place, code)
        asked = ["user_id", "phone", "code"]
        picked = rows.page(
            first, size, columns=asked, sort=sort, descending=descending, search=search, reveal=reveal
        )
        if reveal:
            report.note_reveal(self._ledger, self._row, "a page of people", first=first, size=size)
        found = where.iloc[picked.frame.index].reset_index(drop=True)
        made: dict[int, tuple[Any, ...]] = {}
        for (kind, piece), group in found.groupby(["kind", "piece"], sort=False):
            show = self._show_planned if kind == "planned" else self._show_left_out
            told = show(str(kind), int(str(piece)), group["at"].to_numpy(), reveal)
            made |= zip(group.index.tolist(), told, strict=True)
        shown = pd.DataFrame([made[n] for n in range(len(made))], columns=ROSTER, dtype=object)
        return RosterPage(shown, picked.total)

    # -- what there is ------------------------------------------------------------------------

    def _indexed(self, place: str, code: str) -> tuple[FrameRows, pd.DataFrame]:
        """What is searched and sorted by, and for each row the piece of the ledger it stands in."""
        pieces = list(self._pieces(place, code))
        columns = [*SORTS, "kind", "piece", "at"]
        table = pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=columns)
        return FrameRows(table[list(SORTS)], phone=("phone",)), table[["kind", "piece", "at"]]

    def _pieces(self, place: str, code: str) -> Iterator[pd.DataFrame]:
        name, _, reason = place.partition(":")
        if name not in (EXCLUDED, RULED_OUT):
            yield from self._planned([Whom(group, code or None) for group in _groups(name, reason)])
        if name in (EVERYBODY, EXCLUDED) and not code:
            yield from self._excluded(reason)
        if name in (EVERYBODY, RULED_OUT) and not code:
            yield from self._ruled_out()

    def _planned(self, whom: Sequence[Whom]) -> Iterator[pd.DataFrame]:
        zone = self._row.zone
        for chunk, positions, h in members(self._ledger, self._row, whom):
            undelivered = h.keys.states[positions] == State.UNDELIVERED
            times = {name: getattr(h, name)[positions] for name in ("submitted_at", "receipt_at")}
            clocks = {
                n: pd.to_datetime(pd.Series(s), unit="s", utc=True).dt.tz_convert(zone)
                for n, s in times.items()
            }
            yield pd.DataFrame(
                {
                    "user_id": pd.Series(h.keys.persons.take(pa.array(positions)), dtype="str"),
                    "phone": pd.Series(phones.e164_column(h.keys.phones[positions]), dtype="str"),
                    "state": pd.Series(frames.STATES[h.keys.states[positions]], dtype="str"),
                    "reason": pd.Series(frames.reasons(h)[positions], dtype="str"),
                    "code": pd.Series(
                        np.where(undelivered, h.receipt_code[positions], h.code[positions]), dtype="str"
                    ),
                    **clocks,
                    "kind": "planned",
                    "piece": np.int32(chunk),
                    "at": positions.astype(np.int32),
                }
            )

    def _excluded(self, reason: str) -> Iterator[pd.DataFrame]:
        for number, table in enumerate(self._ledger.audience.excluded(self._row.id)):
            reasons = _REASONS[np.asarray(table["reason"])]
            at = np.arange(len(reasons)) if not reason else np.flatnonzero(reasons == reason)
            if len(at):
                yield self._left_out(table, at, number, "excluded", reasons[at])

    def _ruled_out(self) -> Iterator[pd.DataFrame]:
        for number, group in enumerate(self._ledger.audience.all_ruled_out(self._row.id)):
            table = group.people.set_column(0, "person", group.persons())
            words = np.full(table.num_rows, f"rule {group.rule + 1}", object)
            yield self._left_out(table, np.arange(table.num_rows), number, "ruled_out", words)

    def _left_out(self, table: pa.Table, at: Any, number: int, kind: str, reasons: Any) -> pd.DataFrame:
        taken = table.take(pa.array(at))
        numbers = np.asarray(taken["phone"])
        known = pc.if_else(
            pa.array(numbers > 0), phones.e164_column(numbers), taken["shown"].combine_chunks()
        )
        nothing = pd.Series(pd.NaT, index=range(len(at)), dtype=pd.DatetimeTZDtype("ns", self._row.zone))
        return pd.DataFrame(
            {
                "user_id": pd.Series(taken["person"].combine_chunks(), dtype="str"),
                "phone": pd.Series(known, dtype="str"),
                "state": kind,
                "reason": pd.Series(reasons, dtype="str"),
                "code": "",
                "submitted_at": nothing,
                "receipt_at": nothing,
                "kind": kind,
                "piece": np.int32(number),
                "at": np.asarray(at, np.int32),
            }
        )

    # -- rows as people read them -----------------------------------------------------------------

    def _show_left_out(self, kind: str, piece: int, at: NDArray[np.int32], reveal: bool) -> Iterator[Row]:
        audience = self._ledger.audience
        if kind == "excluded":
            table = next(islice(audience.excluded(self._row.id), piece, None))
            for one in table.take(pa.array(at)).to_pylist():
                reason = Reason(one["reason"])
                yield *_who(one, reveal), kind, reason.label, Message(reason.words), "", "", "", ""
            return
        group = next(islice(audience.all_ruled_out(self._row.id), piece, None))
        people = group.people.set_column(0, "person", group.persons())
        rule, words = report.rule_of(self._row, group.rule)
        for one in people.take(pa.array(at)).to_pylist():
            told, why = mark("rule {n} ({rule}): {why}"), values_read(group, rule, one, reveal=reveal)
            said = Message(told, n=group.rule + 1, rule=words, why=why)
            yield *_who(one, reveal), kind, "", said, "", "", "", ""

    def _show_planned(self, _: str, chunk: int, at: NDArray[np.int32], reveal: bool) -> Iterator[Row]:
        ledger, row = self._ledger, self._row
        history = ledger.audience.history(row.id, chunk)
        order = np.argsort(at)  # as a chunk is read
        people = frames.people(ledger, row, chunk, history, at[order].astype(np.uint16), reveal=reveal)
        for one in people.iloc[np.argsort(order)].to_dict("records"):
            late = one["state"] == "undelivered"
            code = one["receipt_code"] if late else one["provider_code"]
            told = explain_code(row.provider, code, receipt=late, detail=one["provider_detail"])
            failed = one["state"] in _FAILED or (one["state"] == "waiting" and code)
            times = (
                "" if pd.isna(x) else f"{x.tz_convert(row.zone):{_CLOCK}}"
                for x in (one["submitted_at"], one["receipt_at"])
            )
            who = (one["user_id"], one["phone"], one["state"], one["reason"])
            yield *who, told.meaning if failed else "", code if failed else "", one["text"], *times


def _groups(place: str, group: str) -> frozenset[Group]:
    if group:
        return frozenset([Group(group)])
    if place == "refused":
        return REFUSED
    return frozenset([Group(place)] if place else Group)


_FAILED: Final = ("undelivered", "refused", "unknown")
_CLOCK: Final = "%Y-%m-%d %H:%M:%S"


def _who(one: Mapping[str, Any], reveal: bool) -> tuple[str, str]:
    """Person and phone of somebody left out, as they may be shown."""
    person, number = one["person"] or "", phones.to_e164(one["phone"]) if one["phone"] else ""
    phone = number if reveal else phones.mask(number)
    return (person if reveal else report.name_of(person)), phone or one["shown"] or ""
