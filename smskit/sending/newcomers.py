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
from numpy.typing import NDArray

from smskit.audience import phones, rules, segment
from smskit.audience.pseudonyms import pseudonyms
from smskit.errors import SmskitError
from smskit.i18n import Message
from smskit.ledger import CampaignRow, Ledger
from smskit.planning.source import segment_frames
from smskit.planning.spec import CampaignSpec

__all__ = ["SEGMENT_DIGEST", "digest_of", "had_finished"]

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
    How many phones the rules keep of the segment now that are in no row of what *row* was planned from.

    Raises:
        SmskitError: the segment cannot be read any more.
    """
    if digest_of(spec, environ, file) == row.summary[SEGMENT_DIGEST]:
        return 0
    known = np.unique(np.concatenate([np.empty(0, np.int64), *_phones_of(ledger, row)]))
    key = ledger.erasing.key()
    new: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    rule = rules.parse(spec.rules)
    for frame in segment_frames(spec, sorted(rule.columns()), environ=environ, file=file):
        keep = rule.mask(frame, now=datetime.now(spec.zone))
        here = np.setdiff1d(phones.normalise(frame[spec.phone][keep]).e164, known)
        here = here[here > 0]
        new.append(here[~np.isin(pseudonyms(here, key), known)] if key else here)
    return len(np.unique(np.concatenate(new)))


def _phones_of(ledger: Ledger, row: CampaignRow) -> Iterator[NDArray[np.int64]]:
    """The phones of every row that was read; pseudonyms of who was erased."""
    for chunk in ledger.audience.states(row.id):
        yield ledger.audience.keys(row.id, chunk).phones
    for table in ledger.audience.excluded(row.id):
        yield np.asarray(table["phone"], np.int64)
    for group in ledger.audience.all_ruled_out(row.id):
        yield np.asarray(group.people["phone"], np.int64)
