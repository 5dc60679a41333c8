"""
Where segments are kept as files: what is offered, what a person uploads, and rows that were kept.

Such files hold full phones: they go into the project's folder ``segments``,
which git ignores, readable by their owner alone.
"""

from __future__ import annotations

import re
import tempfile
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

import pandas as pd

from smskit.audience import segment
from smskit.audience.segment.names import are_names
from smskit.errors import InputError, SegmentError
from smskit.files import passing_folder, private_file, private_text, spilling
from smskit.i18n import os_words
from smskit.workspace import Folder, May, Workspace

__all__ = ["FOLDER", "Offer", "folder_of", "keep_upload", "offered", "write_frames", "write_segment"]

FOLDER: Final = "segments"
KINDS: Final = (".csv", ".tsv", ".txt", ".parquet", ".xlsx")
_SAMPLES: Final = "sample_segments"
_NO_SEGMENT: Final = frozenset({"opt_out.csv"})


class Offer(NamedTuple):
    """A file that is there to be loaded."""

    path: str  # as the parameter `segment` says it, relative to the project
    sample: bool  # invented people


def offered(project: Path) -> list[Offer]:
    """The project's own segments, then the samples, each by name."""
    made = []
    for folder in (FOLDER, _SAMPLES):
        files = sorted(p for p in (project / folder).glob("*") if p.suffix.lower() in KINDS)
        made += [Offer(f"{folder}/{p.name}", folder == _SAMPLES) for p in files if p.name not in _NO_SEGMENT]
    return made


def keep_upload(name: str, content: bytes, project: Path) -> str:
    """
    Keep a file that somebody uploaded, and say what `segment` is then.

    It is read first: what is no segment is not kept. The same content again is
    the same file; another content under a name that is taken gets a number.

    Raises:
        SegmentError: It cannot be read.
        InputError: It cannot be written.
        GuardRefused: in the app, the visitor may look alone.
    """
    Workspace.here().demand(May.PLAN)
    wanted = _plain(name)
    folder = folder_of(project)
    stem, suffix = Path(wanted).stem, Path(wanted).suffix
    for number in range(1, 1000):
        place = folder / (wanted if number == 1 else f"{stem}-{number}{suffix}")
        if place.exists() and place.read_bytes() == content:
            return _parameter(place, project)
        if not place.exists():
            with private_file(place) as file:
                file.write(content)
            try:
                _demand_readable(str(place))
            except SegmentError as error:
                place.unlink()
                # The person knows the file by its own name.
                why = error.message.values["why"]
                raise SegmentError("{file}: {why}", file=name, why=why) from None
            return _parameter(place, project)
    raise InputError(
        "there are too many files called {file}; remove some from {folder}/", file=wanted, folder=FOLDER
    )


def _demand_readable(place: str) -> None:
    """
    Which of several sheets is meant, and which row names the columns, can be said later.

    Raises:
        SegmentError: it cannot be read, whichever is meant.
    """
    sheets = segment.sheets(place)
    sheet = sheets[0] if sheets else ""
    try:
        segment.load(place, sheet=sheet)
    except SegmentError:
        rows = segment.first_rows(place, sheet=sheet)[1:]
        if not any(_is_headed(place, sheet, n) for n, _ in rows):
            raise


def _is_headed(place: str, sheet: str, row: int) -> bool:
    """Whether words of that row name the columns, of rows below."""
    try:
        frame = segment.load(place, sheet=sheet, heading_row=row)
    except SegmentError:
        return False
    return len(frame) > 0 and are_names(frame.columns)


def write_frames(frames: Iterable[pd.DataFrame], place: Path) -> None:
    """
    Write rows that come some after another (one frame at least) as one parquet file, for its owner alone.

    A column is of the type that holds it in all frames, which is known when the last has come: until then
    they lie aside in a file without a name.

    Raises:
        InputError: it cannot be written.
        SmskitError: there is no room for what lies aside.
    """
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    schemas, starts = [], []
    with spilling(), tempfile.TemporaryFile(dir=passing_folder()) as aside:
        for frame in frames:
            table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
            schemas.append(table.schema)
            starts.append(aside.tell())
            with pa.ipc.new_stream(aside, table.schema) as stream:
                stream.write_table(table)
        schema = pa.unify_schemas(schemas, promote_options="permissive")
        with private_file(place) as file, ParquetWriter(file, schema) as writer:
            for start in starts:
                aside.seek(start)
                writer.write_table(pa.ipc.open_stream(aside).read_all().cast(schema))


def write_segment(frame: pd.DataFrame, path: str, project: Path, *, overwrite: bool = False) -> str:
    """
    Write rows as a segment of their own, full phones and all, and say what `segment` is then.

    Args:
        path: Ends in .csv (every value as text; with a mark, so that Excel reads it) or .parquet (types
            stay). A bare name goes to the folder ``segments``.

    Raises:
        InputError: another ending, a file that is there already, or a place that cannot be written.
    """
    wanted = Path(path).expanduser()
    if wanted.suffix.lower() not in (".csv", ".parquet"):
        raise InputError("{file}: a segment is saved as .csv or .parquet", file=path)
    here = Workspace.here().of(project)
    if wanted.parent == Path():
        wanted = folder_of(project) / wanted
    place = here.to_write(wanted, Folder.SEGMENTS, (".csv", ".parquet"))
    if place.exists() and not overwrite:
        raise InputError(
            "{file} is there already; choose another name, or say that it may be replaced", file=path
        )
    if wanted.suffix.lower() == ".csv":
        with private_text(place, "utf-8-sig") as file:
            frame.to_csv(file, index=False, lineterminator="\n")
    else:
        with private_file(place) as file:
            frame.to_parquet(file, index=False)
    return _parameter(place, project)


def _plain(name: str) -> str:
    """A file name without folders and without what shells and systems stumble over."""
    base = unicodedata.normalize("NFC", re.split(r"[/\\]", name)[-1])
    plain = re.sub(r"[^\w.\-]+", "_", base).lstrip(".")
    if Path(plain).suffix.lower() not in KINDS or not Path(plain).stem:
        kinds = ", ".join(KINDS)
        raise SegmentError("{file}: a segment is one of {kinds}", file=name, kinds=kinds)
    return plain


def folder_of(project: Path) -> Path:
    """
    The project's folder of segments, made where it is not there; git ignores what is in it.

    Raises:
        InputError: it cannot be made.
    """
    folder = project / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise InputError("cannot write to {folder}/: {why}", folder=FOLDER, why=os_words(error)) from None
    return folder


def _parameter(place: Path, project: Path) -> str:
    inside = place.is_relative_to(project)
    return place.relative_to(project).as_posix() if inside else str(place)
