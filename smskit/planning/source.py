"""
The segment that parameters name, read: by the plan, by those who only look whether it fits, by panels.

One place, so that the same file is read wherever a run is started and whoever asks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from smskit.audience import segment
from smskit.audience.segment.database import READ_ONLY, ROLE
from smskit.audience.segment.files import Files
from smskit.audience.segment.location import is_url, without_scheme
from smskit.audience.segment.names import Alike, Wanted, matched
from smskit.errors import InputError, suggest
from smskit.i18n import Message, mark
from smskit.planning.spec import CampaignSpec
from smskit.settings import LargeSettings

__all__ = [
    "NO_COLUMN",
    "all_columns",
    "asks_database",
    "load_segment",
    "notes_of_query",
    "notes_of_role",
    "segment_frames",
    "segment_names",
    "segment_or_files",
]

NO_COLUMN: Final = mark("the segment has no column `{name}`")


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
        sample: Of more rows than ``SMSKIT_FRAME_ROWS`` some do, and it is said: of parquet whole parts from
            all over it, of a query the first ones.

    Raises:
        SegmentError: it cannot be read.
    """
    most = LargeSettings.of(environ).frame_rows if sample else None
    return segment.load(spec.segment, **_options(spec, environ, file, columns), most=most)


def all_columns(asked: Iterable[str]) -> Wanted:
    """All columns of a segment; those that *asked* names are spelt as there, see `names.matched`."""
    named = set(asked)

    def all_(names: Sequence[str]) -> list[str]:
        as_asked = {name: each for each, name in matched(names, named).items()}
        return [as_asked.get(name, name) for name in names]

    return all_


def segment_or_files(
    spec: CampaignSpec,
    *,
    environ: Mapping[str, str],
    file: Path | None,
    columns: Wanted = None,
) -> pd.DataFrame | Files:
    """
    What `load_segment` returns, or files, where the segment is read in parts: see `segment.load_or_divide`.

    Raises:
        SegmentError: it cannot be read.
    """
    if spec.engine == "memory":
        return load_segment(spec, environ=environ, file=file, columns=columns)
    most = LargeSettings.of(environ).frame_rows if spec.engine == "auto" else -1
    return segment.load_or_divide(spec.segment, **_options(spec, environ, file, columns), most=most)


def _options(
    spec: CampaignSpec, environ: Mapping[str, str], file: Path | None, columns: Wanted
) -> dict[str, Any]:
    """How a campaign reads its segment."""
    return {
        "query": spec.segment_query,
        "sheet": spec.sheet,
        "heading_row": spec.heading_row,
        "text_columns": {spec.phone, spec.user_id} - {""},
        "columns": columns,
        "environ": environ,
        "parameter_file": file,
    }


def segment_frames(
    spec: CampaignSpec, names: Sequence[str] | None, *, environ: Mapping[str, str], file: Path | None
) -> Iterator[pd.DataFrame]:
    """
    All rows of the segment, some after another where they are many.

    Args:
        names: Of the columns, beside those that tell who somebody is; None = all.

    Raises:
        SegmentError: it cannot be read.
        InputError: it has no such column.
    """
    texts = {spec.phone, spec.user_id} - {""}
    asked, there = texts | set(names or ()), list[str]()

    def some(all_: Sequence[str]) -> Collection[str]:
        there.extend(() if there else all_)  # asked again, of what was read
        return (set(matched(all_, asked)) if names is not None else None) or all_

    found = segment_or_files(spec, environ=environ, file=file, columns=some)
    for frame in found.frames(some, Alike(texts)) if isinstance(found, Files) else (found,):
        for name in asked - set(frame.columns):
            raise InputError(suggest(Message(NO_COLUMN, name=name), name, there))
        yield frame


def segment_names(spec: CampaignSpec, *, environ: Mapping[str, str], file: Path | None) -> list[str]:
    """
    The names of the segment's columns.

    Raises:
        SegmentError: it cannot be read.
    """
    about: dict[str, Any] = {"query": spec.segment_query, "environ": environ, "parameter_file": file}
    found = segment.parquet_files(spec.segment, **about)
    if found is not None:
        return found.names
    about |= {"sheet": spec.sheet, "heading_row": spec.heading_row}
    return list(map(str, segment.load(spec.segment, most=1, **about).columns))


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
