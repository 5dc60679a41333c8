"""
Who has come into a segment since a campaign was frozen: a finished one does not send to them, and says so.

The segment is read again only where its files are others than they were.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from smskit.audience import phones, rules, segment
from smskit.audience.pseudonyms import pseudonyms
from smskit.errors import SmskitError
from smskit.i18n import Message
from smskit.ledger import CampaignRow, Ledger
from smskit.planning.persons import persons_of
from smskit.planning.source import segment_frames
from smskit.planning.spec import CampaignSpec

__all__ = ["SEGMENT_DIGEST", "digest_of", "had_finished"]

_TEXT: Final = pa.large_string()
SEGMENT_DIGEST: Final = "segment_digest"  # of a campaign's summary


def digest_of(spec: CampaignSpec, environ: Mapping[str, str], file: Path | None) -> str:
    """`segment.digest` of a campaign's segment."""
    return segment.digest(spec.segment, query=spec.segment_query, environ=environ, parameter_file=file)


def had_finished(
    ledger: Ledger, row: CampaignRow, spec: CampaignSpec, environ: Mapping[str, str], file: Path | None
) -> Message:
    """What a run says that finds its campaign finished."""
    at = datetime.fromtimestamp(row.finished_at or row.created_at, row.zone)
    note = Message("had finished before on {when}; nothing was sent", when=f"{at:%Y-%m-%d %H:%M}")
    if not row.summary.get(SEGMENT_DIGEST):
        return Message(
            "{note}. Its segment is no file, so whether it has new people now is not known", note=note
        )
    try:
        n = _count_newcomers(ledger, row, spec, environ, file)
    except SmskitError:  # its words may name folders, and the note is kept
        return Message(
            "{note}. Its segment cannot be read now, so whether it has new people is not known", note=note
        )
    if n:
        return Message(
            "{note}. The segment is another now, and the rules keep new people in it: {n:,}. Under another "
            "id everybody in it would be sent to, so make a segment of the new ones first",
            note=note,
            n=n,
        )
    return note


def _count_newcomers(
    ledger: Ledger, row: CampaignRow, spec: CampaignSpec, environ: Mapping[str, str], file: Path | None
) -> int:
    """
    How many people the rules keep of the segment now whose phone is in no row of what *row* was planned
    from, and who were not planned by another phone.

    Raises:
        SmskitError: the segment cannot be read any more.
    """
    if digest_of(spec, environ, file) == row.summary[SEGMENT_DIGEST]:
        return 0
    before = list(_people_of(ledger, row))
    known = np.unique(np.concatenate([np.empty(0, np.int64), *(phones for phones, _ in before)]))
    planned = pa.chunked_array([persons.cast(_TEXT) for _, persons in before], _TEXT).combine_chunks()
    key = ledger.erasing.key()
    new: list[pd.DataFrame] = []
    rule = rules.parse(spec.rules)
    for frame in segment_frames(spec, sorted(rule.columns()), environ=environ, file=file):
        here = frame[rule.mask(frame, now=datetime.now(spec.zone))]
        numbers = phones.normalise(here[spec.phone]).e164
        persons, _ = persons_of(spec, here, numbers)
        is_new = (numbers > 0) & ~np.isin(numbers, known)
        is_new &= ~np.asarray(pc.is_in(persons, planned))
        if key:
            is_new &= ~np.isin(pseudonyms(numbers, key), known)
        people = pd.DataFrame(
            {"person": persons.filter(pa.array(is_new)).to_pandas(), "phone": numbers[is_new]}
        )
        new.append(people.drop_duplicates("person"))
    return int(pd.concat(new).drop_duplicates("person")["phone"].nunique()) if new else 0


def _people_of(ledger: Ledger, row: CampaignRow) -> Iterator[tuple[NDArray[np.int64], pa.Array]]:
    """The phones of every row that was read, and who was planned; pseudonyms of who was erased."""
    for chunk in ledger.audience.states(row.id):
        keys = ledger.audience.keys(row.id, chunk)
        yield keys.phones, keys.persons
    for table in ledger.audience.excluded(row.id):
        yield np.asarray(table["phone"], np.int64), pa.array([], _TEXT)
    for group in ledger.audience.all_ruled_out(row.id):
        yield np.asarray(group.people["phone"], np.int64), pa.array([], _TEXT)
