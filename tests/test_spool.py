"""``smskit.audience.segment.spool``: a query of any length is read once, and some rows after another."""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from smskit.audience import segment
from smskit.audience.segment import database as database_module
from smskit.audience.segment import spool
from smskit.audience.segment.cells import frame_of
from smskit.audience.segment.files import Files
from smskit.audience.segment.spool import Spool
from smskit.errors import SegmentError, SmskitError
from tests.postgres import Server

# What each part, read by itself, would take for something else than the whole is.
COLUMNS: dict[str, list[Any]] = {
    "whole": [1, 2, 3, 4, 5, 6],
    "missing later": [1, 2, 3, None, 5, None],
    "first nothing": [None, None, None, None, 5, 6],
    "nothing": [None] * 6,
    "numbers": [1, 2, 3, 4.5, 5, 6],
    "exact numbers": [1, 2, Decimal("3.10"), 4, 5, None],
    "text at the end": [1, 2, 3, 4, 5, "six"],
    "exact numbers and text": [Decimal("1.10"), Decimal(2), 3, 4.0, "five", None],
    "an id": [1, 2, 3, 4, 5, 2**64],
    "an id beside a share": [1, 2, 3, 4, 5.5, 2**64],
    "no number any more": [1, 2, 3, 4.5, 5, 10**400],
    "flags": [True, False, True, True, None, False],
    "flags and numbers": [True, False, True, 1, 0, 2],
    "days": [date(2026, 11, 1), None, date(2026, 11, 3), date(2026, 11, 4), date(2026, 11, 5), None],
    "days and times": [date(2026, 11, 1), None, date(2026, 11, 3), datetime(2026, 11, 4, 5), None, None],
    "zones": [datetime(2026, 11, 1), None, None, None, datetime(2026, 11, 5, tzinfo=UTC), None],
    "days and words": [date(2026, 11, 1), datetime(2026, 11, 2, 3), None, None, None, "soon"],
}


@pytest.fixture(autouse=True)
def short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows a file."""
    monkeypatch.setattr(spool, "PART_ROWS", 2)


@pytest.mark.parametrize("texts", [(), COLUMNS], ids=["as they are", "as text"])
def test_a_column_is_of_the_kind_that_all_of_it_is(texts: Any) -> None:
    """In parts as in memory, whatever kinds of cells stand in which part."""
    rows = list(zip(*COLUMNS.values(), strict=True))
    made = Spool(list(COLUMNS), [rows[:2], rows[2:4], rows[4:]], most=0)
    files = made.files(texts)
    whole = frame_of(COLUMNS, COLUMNS, texts)

    assert len(files) == 3
    assert_frame_equal(_in_one_unit(files.read_all(None, texts)), _in_one_unit(whole))
    assert_frame_equal(Spool(list(COLUMNS), [rows], most=6).frame(None, texts), whole)


def _in_one_unit(frame: pd.DataFrame) -> pd.DataFrame:
    """With all times in microseconds: parquet has none in whole seconds."""
    times = frame.select_dtypes(["datetime", "datetimetz"])
    return frame.assign(**{name: times[name].dt.as_unit("us") for name in times})


@pytest.fixture
def database(tmp_path: Path) -> str:
    """A table of seven people."""
    with closing(sqlite3.connect(tmp_path / "crm.db")) as file:
        file.execute("create table people (phone integer, name text)")
        people = [(13800000000 + n, f"用户{n}") for n in range(7)]
        file.executemany("insert into people values (?, ?)", people)
        file.commit()
    return f"sqlite:///{tmp_path / 'crm.db'}"


QUERY = "select phone, name from people order by phone desc"


def test_many_rows_are_files_and_few_a_frame(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of the query, its people as text; the files are private, and go with the answer."""
    monkeypatch.setattr(database_module, "_AT_ONCE", 2)
    loaded = segment.load(database, query=QUERY)
    few = segment.load_or_divide(database, query=QUERY, most=7)
    many = segment.load_or_divide(database, query=QUERY, most=6)
    assert isinstance(few, pd.DataFrame)
    assert isinstance(many, Files)
    folder = Path(many.paths[0]).parent
    names, mode = sorted(each.name for each in folder.iterdir()), folder.stat().st_mode & 0o777
    read = many.read_all(None, {"phone"})
    del many
    gc.collect()

    assert few.equals(loaded)
    assert read.equals(loaded)
    assert loaded.phone.tolist()[:2] == ["13800000006", "13800000005"]
    assert mode == 0o700
    assert names == [f"part-{n:06}.parquet" for n in range(4)]
    assert not folder.exists()


def test_nothing_is_written_before_there_are_too_many_rows(
    database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A query that is planned in memory needs no disk; with one row more than that all go into files."""
    monkeypatch.setattr(database_module, "_AT_ONCE", 3)
    monkeypatch.setattr(spool, "passing_folder", lambda: tmp_path / "no folder")
    few = segment.load_or_divide(database, query=QUERY, most=7)
    monkeypatch.setattr(spool, "passing_folder", lambda: tmp_path)
    many = segment.load_or_divide(database, query=QUERY, most=6)
    assert isinstance(few, pd.DataFrame)
    assert isinstance(many, Files)

    assert len(few) == 7
    assert [Path(path).stem for path in many.paths] == [f"part-{n:06}" for n in range(4)]
    assert many.read_all(None, {"phone"}).equals(few)


@pytest.mark.parametrize("step", ["rows", "parquet"])
def test_a_full_disk_is_not_blamed_on_the_database(
    database: str, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The sentence says what cannot be written and why, whether rows or the files made of them."""
    owner, name = (spool, "_written") if step == "parquet" else (Spool, "_put_aside")
    written = getattr(owner, name)

    def on_a_full_disk(*given: Any) -> Any:
        with no_room():
            return written(*given)

    monkeypatch.setattr(owner, name, on_a_full_disk)
    with pytest.raises(SmskitError, match=r"^cannot write /.*: File too large$") as caught:
        segment.load_or_divide(database, query=QUERY, most=2)

    assert not isinstance(caught.value, SegmentError)


@contextmanager
def no_room() -> Iterator[None]:
    """Within, files cannot grow."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_who_only_looks_gets_the_first_rows_and_is_told(database: str) -> None:
    """A sample of a query is its beginning; the rest is not fetched."""
    some = segment.load(database, query=QUERY, most=3)
    all_ = segment.load(database, query=QUERY, most=7)

    assert len(some) == 3
    assert str(segment.notices(some)[0]).startswith("the query has more than 3 rows; here its first 3 are")
    assert len(all_) == 7
    assert segment.notices(all_) == []


@pytest.fixture
def warehouse(postgres: Server) -> Iterator[str]:
    """An address without a table."""
    with postgres.schema() as url:
        yield url


def test_a_server_hands_rows_out_piece_by_piece(warehouse: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its own cursor: more rows than are asked for at once, of one moment, in their order."""
    monkeypatch.setattr(spool, "PART_ROWS", 8_000)
    query = "select 13800000000 + n as phone, n::numeric / 4 as share from generate_series(1, 25001) n"
    environ = {"CRM": warehouse}
    found = segment.load_or_divide("env:CRM", query=query, most=25_000, environ=environ)
    nobody = segment.load("env:CRM", query=f"{query} where false", environ=environ)
    assert isinstance(found, Files)
    loaded = segment.load("env:CRM", query=query, environ=environ)

    assert found.rows == 25_001
    assert loaded.equals(found.read_all(None, {"phone"}))
    assert loaded.phone.iloc[-1] == "13800025001"
    assert loaded.share.iloc[0] == 0.25
    assert nobody.shape == (0, 2)
