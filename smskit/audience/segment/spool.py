"""
The rows of a query as they come: in memory while they are few, then in files that are a segment of parquet.

A column has the kind that all of its cells are of, so it is made once the last row has come; until then rows
lie aside as the driver gave them. Those files hold people: their folder is the owner's alone, and ends with
the process at the latest.
"""

from __future__ import annotations

import pickle
import shutil
import tempfile
import weakref
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from smskit.audience.segment.cells import Kinds, frame_of_rows
from smskit.audience.segment.files import PART_ROWS, Files
from smskit.audience.segment.names import Wanted
from smskit.files import passing_folder, spilling

__all__ = ["Spool"]


class Spool:
    """
    The rows of a query.

    Args:
        names: Of its columns.
        most: Rows that are held in memory; of more, all are put into files as they come.

    Raises:
        SmskitError: those files cannot be written, as on a full disk.
    """

    def __init__(self, names: Sequence[str], batches: Iterable[Sequence[Sequence[Any]]], most: int) -> None:
        self.names = list(names)
        self.rows = 0
        self._held: list[Sequence[Any]] = []
        self._kinds = [Kinds() for _ in names]
        self._folder: Path | None = None
        self._aside: list[Path] = []
        for batch in batches:
            self._held += batch
            self.rows += len(batch)
            while self.rows > most and len(self._held) >= PART_ROWS:
                self._put_aside()

    def __repr__(self) -> str:
        return f"Spool({self.rows} rows)"

    def frame(self, wanted: Wanted, text_columns: Collection[str]) -> pd.DataFrame:
        """All rows; errors are those of `names.pick`."""
        rows = [row for part in self._parts() for row in part]
        self._remove()
        return frame_of_rows(self.names, rows, wanted, text_columns)

    def files(self, text_columns: Collection[str]) -> Files:
        """The same as parquet files, which go with the last who holds this object; raises as `Spool` does."""
        while self._held or not self._aside:
            self._put_aside()
        kinds = dict(zip(self.names, self._kinds, strict=True))
        folder = self._home()
        paths = []
        for n, rows in enumerate(self._parts()):
            frame = frame_of_rows(self.names, rows, None, text_columns, kinds=kinds)
            table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
            paths.append(_written(table, folder / f"part-{n:06}.parquet"))
            self._aside[n].unlink()
        found = Files("", tuple(paths))
        weakref.finalize(found, shutil.rmtree, folder, ignore_errors=True)
        return found

    def _home(self) -> Path:
        if self._folder is None:
            with spilling():
                self._folder = Path(tempfile.mkdtemp(dir=passing_folder(), prefix="query-"))
        return self._folder

    def _put_aside(self) -> None:
        rows, self._held = self._held[:PART_ROWS], self._held[PART_ROWS:]
        for n, kinds in enumerate(self._kinds):
            kinds.add(row[n] for row in rows)
        place = self._home() / f"rows-{len(self._aside):06}"
        with spilling(), place.open("wb") as file:
            pickle.dump([tuple(row) for row in rows], file, pickle.HIGHEST_PROTOCOL)
        self._aside.append(place)

    def _parts(self) -> Iterator[Sequence[Sequence[Any]]]:
        for place in self._aside:
            with place.open("rb") as file:
                yield pickle.load(file)  # what this process put there
        if self._held:
            yield self._held

    def _remove(self) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def _written(table: pa.Table, place: Path) -> str:
    from pyarrow.parquet import write_table

    with spilling(), place.open("wb") as file:  # a file of Python's, whose errors are the system's own
        write_table(table, file)
    return str(place)
