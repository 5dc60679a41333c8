"""``smskit.audience.segment.files``: parquet files that are one segment, whole or in parts."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pandas as pd
import pytest

from smskit.audience import segment
from smskit.audience.segment.files import Files
from smskit.errors import SegmentError, SpecError
from smskit.planning.occurrence import with_occurrence
from smskit.settings.places import APP_WORKSPACE

N = 1_000
PEOPLE = pd.DataFrame(
    {
        "user_id": [f"u{n}" for n in range(N)],
        "phone": [13800000000 + n for n in range(N)],
        "spend": [None if n % 7 == 0 else n for n in range(N)],
        "vip": [n % 3 == 0 for n in range(N)],
        "day": pd.Timestamp("2026-11-01") + pd.to_timedelta(np.arange(N) % 30, unit="D"),
    }
).astype({"spend": "Int64"})


def write(folder: Path, parts: int = 3, **options: Any) -> Path:
    """PEOPLE, divided into that many files; their names sort in the order of the rows."""
    folder.mkdir(parents=True, exist_ok=True)
    for n, rows in enumerate(np.array_split(np.arange(N), parts)):
        PEOPLE.iloc[rows].to_parquet(folder / f"part-{n:02}.parquet", **options)
    return folder


def written(frame: pd.DataFrame, folder: Path, files: int = 4) -> Path:
    """The frame as that many files, in groups of 23 rows."""
    folder.mkdir()
    for n, rows in enumerate(np.array_split(np.arange(len(frame)), files)):
        frame.iloc[rows].to_parquet(folder / f"part-{n}.parquet", row_group_size=23)
    return folder


def whole(source: str | Path) -> pd.DataFrame:
    """The segment, all rows."""
    return segment.load(str(source))


@pytest.mark.parametrize("groups", [50, 10_000])
def test_a_folder_and_a_pattern_are_their_files(tmp_path: Path, groups: int) -> None:
    """All rows in the order of the names; what writers leave beside the data is no data."""
    write(tmp_path / "data", row_group_size=groups)
    (tmp_path / "data" / "_SUCCESS").write_text("")
    (tmp_path / "data" / ".part-00.parquet.crc").write_text("no data")
    (tmp_path / "data" / "_old.parquet").write_text("no data")
    (tmp_path / "data" / "notes.txt").write_text("no data")
    one = tmp_path / "one.parquet"
    PEOPLE.to_parquet(one)
    wanted = segment.load(str(one))

    for source in ("data", "data/", "data/*.parquet", "**/part-*.parquet", "d*/part-0[0-2].parquet"):
        pd.testing.assert_frame_equal(segment.load(source, working_folder=tmp_path), wanted)
    assert wanted["phone"].tolist() == PEOPLE["phone"].astype(str).tolist()


@pytest.mark.parametrize("most", [1, 37, 250, 10_000])
def test_parts_are_the_rows_in_their_order(tmp_path: Path, most: int) -> None:
    """However rows are cut, every one is in one part, and no part has more than it may."""
    files = segment.parquet_files(str(write(tmp_path, 4, row_group_size=90)))
    assert files is not None
    columns = ["user_id", "spend"]
    parts = files.parts(most if most > 1 else 30)
    frames = [files.read(pieces, columns, {"user_id"}) for pieces in parts]

    assert max(map(len, frames)) <= max(most, 30)
    assert pd.concat(frames)["user_id"].tolist() == PEOPLE["user_id"].tolist()
    assert pd.concat(frames)["spend"].astype("Int64").tolist() == PEOPLE["spend"].tolist()


def test_types_that_go_together(tmp_path: Path) -> None:
    """A number of 32 bits in one file is the one of 64 in another, and a column that is empty is any."""
    pd.DataFrame({"phone": ["1"], "n": pd.Series([1], dtype="int32"), "t": [None]}).to_parquet(
        tmp_path / "a.parquet"
    )
    pd.DataFrame({"t": ["x"], "n": [2**40], "phone": ["2"]}).to_parquet(tmp_path / "b.parquet")
    frame = whole(tmp_path)

    assert frame.columns.tolist() == ["phone", "n", "t"]
    assert frame["n"].tolist() == [1, 2**40]
    assert frame["t"].iloc[1] == "x"


@pytest.mark.parametrize(
    ("other", "words"),
    [
        pytest.param({"phone": ["2"], "m": [2]}, "`m` is in one of them only", id="columns"),
        pytest.param(
            {"phone": ["2"], "n": ["x"]}, "column `n` is int64, .*string in different files", id="type"
        ),
    ],
)
def test_files_that_do_not_fit_together_are_refused(
    tmp_path: Path, other: dict[str, Any], words: str
) -> None:
    """The file or the column is named."""
    pd.DataFrame({"phone": ["1"], "n": [1]}).to_parquet(tmp_path / "a.parquet")
    pd.DataFrame(other).to_parquet(tmp_path / "b.parquet")
    with pytest.raises(SegmentError, match=words):
        whole(tmp_path)


def test_where_there_is_nothing_to_read(tmp_path: Path) -> None:
    """A folder of csv files, a pattern of none, a file that is no parquet: each is said in a sentence."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("phone\n1\n")
    with pytest.raises(SegmentError, match="no parquet files there"):
        segment.load("data", working_folder=tmp_path)
    with pytest.raises(SegmentError, match="no such file"):
        segment.load("data/*.parquet", working_folder=tmp_path)
    (tmp_path / "data" / "a.parquet").write_text("no parquet")
    with pytest.raises(SegmentError, match="cannot be read as parquet"):
        segment.load("data", working_folder=tmp_path)


def test_folders_within_are_not_left_out_without_a_word(tmp_path: Path) -> None:
    """Files beside folders are refused, on this machine and in a store; a pattern says what is meant."""
    folder = write(tmp_path / "data")
    write(folder / "dt=2026-11-29")
    (folder / "_temporary").mkdir()
    store = fsspec.filesystem("memory")
    store.put(str(folder), "/bucket/data", recursive=True)
    try:
        for place in (str(folder), "memory://bucket/data"):
            with pytest.raises(SegmentError, match="holds the folder `dt=2026-11-29`"):
                whole(place)
            assert len(whole(f"{place}/*.parquet")) == N
            assert len(whole(f"{place}/**/*.parquet")) == 2 * N
    finally:
        store.rm("/bucket", recursive=True)


def test_a_file_of_a_patterns_name_is_that_file(tmp_path: Path) -> None:
    """Exports are called ``people[1].csv``, which is no pattern where there is such a file."""
    (tmp_path / "people[1].csv").write_text("phone\n13800000000\n")

    assert len(segment.load("people[1].csv", working_folder=tmp_path)) == 1


def test_an_object_store_is_read_as_a_folder_is(tmp_path: Path) -> None:
    """By fsspec, a file, a folder or a pattern, with the same rows."""
    store = fsspec.filesystem("memory")
    for file in write(tmp_path).iterdir():
        store.pipe(f"/bucket/data/{file.name}", file.read_bytes())
    try:
        for source in ("memory://bucket/data", "memory://bucket/data/part-*.parquet"):
            pd.testing.assert_frame_equal(whole(source), whole(tmp_path))
        assert len(whole("memory://bucket/data/part-00.parquet")) == 334
        with pytest.raises(SegmentError, match="no parquet files there"):
            whole("memory://bucket/other")
    finally:
        store.rm("/bucket", recursive=True)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("s3://KEY:5ecret@bucket/data/", "carries a credential"),
        ("s3://bucket/data/?aws_secret_access_key=5ecret", "carries a credential"),
        ("oss://bucket/data/", "the driver for oss:// is not installed|driver `ossfs` is not installed"),
    ],
)
def test_addresses_that_are_refused(address: str, words: str) -> None:
    """A credential in an address is refused without being repeated; so is a store nobody can read."""
    with pytest.raises(SegmentError, match=words) as caught:
        whole(address)

    assert "5ecret" not in str(caught.value)


def test_a_sample_is_of_whole_parts_and_says_so(tmp_path: Path) -> None:
    """Of more rows than are asked for some are read, from all over the files; fewer are read whole."""
    write(tmp_path, 20)
    some = segment.load(str(tmp_path), most=200)
    rows = some["user_id"].str[1:].astype(int)

    assert len(some) == 200
    assert (rows.min(), rows.max()) == (0, 999)
    assert [str(text) for text in segment.notices(some)] == [
        "the segment has 1,000 rows; here 200 of them are looked at, whole parts from all over it, and "
        "figures are of these alone"
    ]
    assert segment.notices(segment.load(str(tmp_path), most=1_000)) == []


def test_visitors_read_from_their_folder_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the app folders and patterns lie within the folder for segments, links too; addresses in no case."""
    write(tmp_path / "segments" / "vip")
    write(tmp_path / "private")
    (tmp_path / "segments" / "linked").mkdir()
    (tmp_path / "segments" / "linked" / "a.parquet").symlink_to(tmp_path / "private" / "part-00.parquet")
    monkeypatch.setenv(APP_WORKSPACE, str(tmp_path))
    monkeypatch.chdir(tmp_path)

    assert len(whole("segments/vip")) == len(whole("segments/vip/*.parquet")) == N
    for source in (
        *(
            "private",
            "private/*.parquet",
            "segments/../private/*.parquet",
            "*/part-*.parquet",
            "segments/linked",
        ),
        str(tmp_path / "private"),
    ):
        with pytest.raises(SegmentError, match="the app reads segments from its folder segments/ alone"):
            whole(source)
    for address in ("memory://bucket/data", "s3://bucket/data"):
        with pytest.raises(SegmentError, match="the app reads files alone"):
            whole(address)


def test_the_occurrence_is_filled_into_the_segment() -> None:
    """As into the campaign's id, in its zone; one that is given stands for it; a misspelt one is refused."""
    now = datetime(2026, 11, 29, 20, tzinfo=UTC)  # the 30th in Shanghai
    data = {"campaign": "vip-{day}", "segment": "export/{day}/{week}/*.parquet"}

    assert with_occurrence(data, now=now)["segment"] == "export/2026-11-30/2026-W49/*.parquet"
    assert with_occurrence(data, now=now, occurrence="x")["segment"] == "export/x/x/*.parquet"
    with pytest.raises(SpecError, match=r"parameter `segment` has a placeholder \{dya\}"):
        with_occurrence({"campaign": "vip", "segment": "{dya}.csv"}, now=now)


def test_footers_tell_how_many_rows_there_are(tmp_path: Path) -> None:
    """Without reading one; a file that is no parquet has none."""
    files = segment.parquet_files(str(write(tmp_path)))
    (tmp_path / "a.csv").write_text("phone\n1\n")

    assert isinstance(files, Files)
    assert (len(files), files.rows) == (3, N)
    assert segment.parquet_files(str(tmp_path / "a.csv")) is None
    assert segment.parquet_files("sqlite:///a.db", query="select 1") is None
