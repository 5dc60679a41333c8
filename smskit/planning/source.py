"""
The segment that parameters name, read: by the plan, by those who only look whether it fits, by panels.

One place, so that the same file is read wherever a run is started and whoever asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from smskit.audience import segment
from smskit.audience.segment.database import READ_ONLY, ROLE
from smskit.audience.segment.files import Files
from smskit.audience.segment.location import is_url, without_scheme
from smskit.audience.segment.names import Wanted
from smskit.i18n import Message
from smskit.planning.spec import CampaignSpec
from smskit.settings import LargeSettings

__all__ = ["asks_database", "files_in_parts", "load_segment", "notes_of_query", "notes_of_role"]


def load_segment(
    spec: CampaignSpec,
    *,
    environ: Mapping[str, str],
    file: Path | None,
    columns: Wanted = None,
    sample: bool = False,
) -> pd.DataFrame:
    """
    The rows that *spec* is about, before its rules; see ``segment.load``.

    Args:
        environ: Where ``env:NAME`` is looked up.
        file: The parameter file, beside which a relative path is looked for first; None = there is none.
        columns: None = all.
        sample: Of parquet with more rows than ``SMSKIT_FRAME_ROWS`` some whole parts do, and it is said.

    Raises:
        SegmentError: it cannot be read.
    """
    return segment.load(
        spec.segment,
        query=spec.segment_query,
        sheet=spec.sheet,
        text_columns={spec.phone, spec.user_id} - {""},
        columns=columns,
        environ=environ,
        parameter_file=file,
        most=LargeSettings.of(environ).frame_rows if sample else None,
    )


def files_in_parts(spec: CampaignSpec, *, environ: Mapping[str, str], file: Path | None) -> Files | None:
    """
    The files of the segment, where it is planned in parts; None where in memory.

    Raises:
        SegmentError: they cannot be read.
    """
    if spec.engine == "memory":
        return None
    files = segment.parquet_files(
        spec.segment, query=spec.segment_query, environ=environ, parameter_file=file
    )
    if files is None or (spec.engine == "auto" and files.rows <= LargeSettings.of(environ).frame_rows):
        return None
    return files


def asks_database(spec: CampaignSpec) -> bool:
    """Whether reading the segment runs a query; a file with one is refused instead."""
    place = without_scheme(spec.segment)
    return bool(spec.segment_query) and (place.startswith("env:") or is_url(place))


def notes_of_query(spec: CampaignSpec, environ: Mapping[str, str], *, asked: bool) -> list[Message]:
    """
    What to know of the query of *spec*, where it asks a database.

    Args:
        asked: Whether it is to be run; looking at a file that somebody sent does not run what stands in it.
    """
    if not asks_database(spec):
        return []
    skipped = Message("the segment was not looked at: its query is run with --query only")
    return [*([] if asked else [skipped]), *notes_of_role(environ)]


def notes_of_role(environ: Mapping[str, str]) -> list[Message]:
    """That queries are run which smskit cannot keep from writing, where somebody said so."""
    said = Message(
        "where smskit cannot keep a query from writing, its role is said to read only ({variable}={value})",
        variable=ROLE,
        value=READ_ONLY,
    )
    return [said] if environ.get(ROLE) == READ_ONLY else []
