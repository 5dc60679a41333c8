"""
Parquet files that are one segment: a folder, a pattern, or the same in an object store.

Owns which files these are, in which order their rows stand, and what their footers tell before a row is
read: names, types and counts. A segment of files can be read in parts, in any order and on any machine; its
rows keep their places. A table's rows and columns are `parquet`'s.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from smskit.audience.segment.location import Around, carries_secret, is_pattern, is_store, locate_all
from smskit.audience.segment.names import Wanted, pick, spelt
from smskit.audience.segment.parquet import frame_of_table, read_columns, schema_of
from smskit.errors import SegmentError, needs_extra
from smskit.i18n import Message

__all__ = ["PART_ROWS", "Files", "Piece", "files_at"]

PART_ROWS: Final = 250_000

_HIDDEN: Final = ("_", ".")  # names that writers give to what is no part of the data
_USER: Final = re.compile(r"^[^/]*//[^/]*@")
_PARQUET: Final = ".parquet"


class Piece(NamedTuple):
    """Rows of one file that stand together."""

    file: int
    first: int
    rows: int


@dataclass(frozen=True)
class Files:
    """
    Parquet files in the order of their names, with the same columns.

    Args:
        store: Of an object store, as its addresses begin; "" = files of this machine.
        paths: Within that store.
    """

    store: str
    paths: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.paths)

    def __repr__(self) -> str:
        return f"Files({len(self)})"

    @cached_property
    def rows(self) -> int:
        """Rows of all files together, as their footers say."""
        return sum(map(sum, self._groups))

    @cached_property
    def names(self) -> list[str]:
        """
        The columns, in the order of the first file.

        Raises:
            SegmentError: a file cannot be read, or has not the columns of the others.
        """
        return list(self._schema.names)

    def pick(self, wanted: Wanted) -> list[str]:
        """The columns to read of those *wanted*; errors are those of `names.pick`."""
        return pick(self.names, wanted)

    def parts(self, most: int) -> list[list[Piece]]:
        """All rows, cut into parts of at most *most* rows; a file's group of rows is divided evenly."""
        found: list[list[Piece]] = []
        room = 0
        for piece in self._pieces(most):
            if piece.rows > room:
                found.append([])
                room = most
            found[-1].append(piece)
            room -= piece.rows
        return found

    def read(self, pieces: Sequence[Piece], columns: Wanted, text_columns: Collection[str]) -> pd.DataFrame:
        """
        Those rows as a frame, in the order of *pieces*; types are what all files together have.

        Args:
            text_columns: Read as text; names that do not occur are ignored.

        Raises:
            SegmentError: a file cannot be read, or would unpack to more than is read.
        """
        keep = self.pick(columns)
        target = pa.schema([self._schema.field(name) for name in keep])
        tables = [target.empty_table()]
        for piece in pieces:
            with self._open(piece.file) as file:
                tables.append(read_columns(file, keep, piece.first, piece.rows))
        try:
            table = pa.concat_tables(tables, promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            raise self._unlike(keep) from None
        table.validate(full=True)
        return frame_of_table(table, text_columns)

    def frames(self, columns: Wanted, text_columns: Collection[str]) -> Iterator[pd.DataFrame]:
        """All rows, some after another, as `read` has them; columns are spelt as they are asked for."""
        for pieces in self.parts(PART_ROWS) or [[]]:
            frame = self.read(pieces, columns, text_columns)
            yield frame.rename(columns=spelt(list(frame.columns), columns))

    def read_all(self, columns: Wanted, text_columns: Collection[str]) -> pd.DataFrame:
        """All rows; see `read`."""
        pieces = [Piece(n, 0, sum(groups)) for n, groups in enumerate(self._groups)]
        return self.read([piece for piece in pieces if piece.rows], columns, text_columns)

    def sample(self, most: int) -> list[Piece]:
        """Parts from all over the files, whole ones, of some *most* rows together."""
        parts = self.parts(max(1, min(most // 16, 1 << 18)))
        count = max(1, most * len(parts) // max(1, self.rows))
        chosen = np.unique(np.linspace(0, len(parts) - 1, min(count, len(parts))).astype(int))
        return [piece for n in chosen for piece in parts[n]] if parts else []

    # -- footers -------------------------------------------------------------------------

    @cached_property
    def _footers(self) -> list[tuple[pa.Schema, list[int]]]:
        found = []
        for n in range(len(self)):
            with self._open(n) as file:
                groups = [file.metadata.row_group(g).num_rows for g in range(file.metadata.num_row_groups)]
                found.append((schema_of(file), groups))
        return found

    @property
    def _groups(self) -> list[list[int]]:
        return [groups for _, groups in self._footers]

    @cached_property
    def _schema(self) -> pa.Schema:
        schemas = [schema for schema, _ in self._footers]
        first = schemas[0]
        for path, schema in zip(self.paths, schemas, strict=True):
            if set(schema.names) != set(first.names):
                odd = sorted(set(schema.names) ^ set(first.names))[0]
                raise SegmentError(
                    "{file} has not the columns of {first}: `{name}` is in one of them only; the files "
                    "of a segment have the same columns",
                    file=_name(path),
                    first=_name(self.paths[0]),
                    name=odd,
                )
        try:
            return pa.unify_schemas(schemas, promote_options="permissive")
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            raise self._unlike(first.names) from None

    def _unlike(self, names: Sequence[str]) -> SegmentError:
        """What to raise where a column is of types that do not go together."""
        schemas = [schema for schema, _ in self._footers]
        for name in names:
            kinds = list(dict.fromkeys(str(schema.field(name).type) for schema in schemas))
            try:
                pa.unify_schemas([pa.schema([s.field(name)]) for s in schemas], promote_options="permissive")
            except (pa.ArrowInvalid, pa.ArrowTypeError):
                return SegmentError(
                    "column `{name}` is {kinds} in different files; write them with one type",
                    name=name,
                    kinds=", ".join(kinds),
                )
        return SegmentError("the files do not fit together")

    def _pieces(self, most: int) -> Iterator[Piece]:
        for file, groups in enumerate(self._groups):
            first = 0
            for rows in groups:
                count = -(-rows // most)
                for part in np.array_split(np.arange(rows), count) if count else ():
                    yield Piece(file, first + int(part[0]), len(part))
                first += rows

    @contextmanager
    def _open(self, n: int) -> Iterator[Any]:
        from pyarrow.parquet import ParquetFile

        try:
            with _opened(self.store, self.paths[n]) as source, ParquetFile(source) as file:
                yield file
        except SegmentError:
            raise
        except Exception as error:  # arrow raises its own, stores theirs
            kind = type(error).__name__
            raise SegmentError(
                "{file} cannot be read as parquet ({kind})", file=_name(self.paths[n]), kind=kind
            ) from None


def files_at(place: str, around: Around) -> Files:
    """
    The files that a folder, a pattern or an address of an object store means, in the order of their names.

    Raises:
        SegmentError: there are none, or the address carries a secret.
        MissingExtra: what reads such an address is not installed.
    """
    if not is_store(place):
        files = locate_all(place, around)
        if files and not is_pattern(place):
            _demand_no_folders(each.name for each in files[0].parent.iterdir() if each.is_dir())
        return Files("", tuple(_some(_ordered(map(str, files)))))
    if carries_secret(place) or _USER.match(place):
        raise SegmentError(
            "its address carries a credential; leave it out: the store's own environment variables or "
            "configuration files hold it"
        )
    store, _, path = place.partition("://")
    system = _system(store)
    pattern = path if is_pattern(path) else f"{path.rstrip('/')}/*{_PARQUET}"
    try:
        one = not is_pattern(path) and system.isfile(path)
        found = _ordered([path] if one else map(str, system.glob(pattern)))
        beside = [] if one or is_pattern(path) or not found else system.ls(path, detail=True)
    except Exception as error:  # each store raises its own; what it says may hold credentials
        kind = type(error).__name__
        raise SegmentError(
            "cannot be listed ({kind}); check the address and the credentials", kind=kind
        ) from None
    _demand_no_folders(_base(each["name"].rstrip("/")) for each in beside if each["type"] == "directory")
    return Files(store, tuple(_some(found)))


def _demand_no_folders(names: Iterable[str]) -> None:
    """Refuse files beside folders, whose rows would be left out without a word."""
    for name in sorted(names):
        if not name.startswith(_HIDDEN):
            raise SegmentError(
                "beside its files the folder holds the folder `{name}`, which would be left out; say by a "
                "pattern what is meant: `*.parquet` for its own files, `**/*.parquet` for those of its "
                "folders too",
                name=name,
            )


def _some(paths: list[str]) -> list[str]:
    if not paths:
        raise SegmentError("no parquet files there; a folder or a pattern is read of parquet files alone")
    return paths


def _ordered(paths: Iterable[str]) -> list[str]:
    """Those that hold data, by name."""
    return sorted(p for p in paths if p.endswith(_PARQUET) and not _base(p).startswith(_HIDDEN))


def _base(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _name(path: str) -> str:
    return f"`{_base(path)}`"


def _system(store: str) -> Any:
    with needs_extra("large"):
        import fsspec
    try:
        return fsspec.filesystem(store)
    except (ImportError, ValueError) as error:
        name = getattr(error, "name", None)
        raise SegmentError(
            Message("the driver for {store}:// is not installed", store=store)
            if name is None
            else Message("the driver `{name}` is not installed", name=name)
        ) from None
    except Exception as error:
        kind = type(error).__name__
        raise SegmentError(
            "cannot be listed ({kind}); check the address and the credentials", kind=kind
        ) from None


@contextmanager
def _opened(store: str, path: str) -> Iterator[Any]:
    if not store:
        yield Path(path)
        return
    with _system(store).open(path, "rb") as file:
        yield file
