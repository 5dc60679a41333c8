"""The readers of segments and of number lists: any bytes give rows or one sentence, in bounded time."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smskit.audience import segment
from smskit.audience.number_list import read_numbers
from smskit.errors import SegmentError
from tests.profiles import examples

ROWS: list[list[Any]] = [
    ["user_id", "phone", "name", "at", "share"],
    ["u1", 13800000021, "张三", pd.Timestamp("2026-11-29 08:00"), 0.15],
    ["u2", "138 0000 0022", "李,四", None, 7],
    ["u3", None, 'wáng "五"\n', pd.Timestamp("2026-12-01"), True],
]
ENDINGS = ("csv", "tsv", "txt", "xlsx", "parquet")


def _csv(encoding: str) -> bytes:
    text: str = pd.DataFrame(ROWS[1:], columns=ROWS[0]).to_csv(index=False)
    return text.encode(encoding)


def _parquet() -> bytes:
    frame = pd.DataFrame({name: [str(row[at]) for row in ROWS[1:]] * 9 for at, name in enumerate(ROWS[0])})
    file = io.BytesIO()
    frame.assign(n=range(27), share=0.5).to_parquet(file)
    return file.getvalue()


def _parts() -> dict[str, bytes]:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for row in ROWS:
        sheet.append(row)
    sheet["E2"].number_format = "0%"
    sheet["D2"].number_format = 'm"月"d"日" h:mm'
    sheet["B3"].number_format = "000000"
    sheet["F1"], sheet["F2"] = "sum", "=1+1"
    sheet.row_dimensions[4].hidden = True
    sheet.column_dimensions["C"].hidden = True
    book.create_sheet("旧").sheet_state = "hidden"
    file = io.BytesIO()
    book.save(file)
    with zipfile.ZipFile(file) as zipped:
        return {name: zipped.read(name) for name in zipped.namelist()}


def _zipped(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in parts.items():
            zipped.writestr(name, content)
    return file.getvalue()


PARTS = _parts()
SOUND = [_csv("utf-8"), _csv("utf-8-sig"), _csv("gb18030"), _csv("utf-16"), _parquet(), _zipped(PARTS)]

# What stands in files where a reader does not expect it; of XML, values that count, refer or repeat.
ODD = [
    *(b"", b"\0", b'"', b'""', b"\n", b"\r", b",", b";", b"\t", b"\xff\xfe", b"\xef\xbb\xbf", b"\x81"),
    *(b"-1", b"0", b"99999999999", b"9" * 400, b"1e999", b"1.5", b"nan", b"inf", b"true", b"xlsx", b"A0"),
    *(b"XFD1048576", b"AAAA1", b"A", b"#N/A", b"_xD800_", b"_x0000_", "张".encode(), b"\xf0\x9f\x98\x80"),
    *(b"<c/>", b"<row/>", b"<v>7</v>", b"</row>", b"<row>", b"<is><t>x</t></is>", b"<f>1</f>", b"<!-- -->"),
    *(b' t="s"', b' t="d"', b' t="b"', b' t="e"', b' t="str"', b' t="inlineStr"', b' s="99"', b' s="-1"'),
    *(b' hidden="1"', b"<!DOCTYPE x [<!ENTITY a 'b'>]>", b"&a;", b"&#0;", b"&#55296;", b"]]>", b"PAR1"),
]
changes = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 12), st.sampled_from(ODD) | st.binary(max_size=4)), max_size=4
)


def changed(content: bytes, edits: list[tuple[float, int, bytes]]) -> bytes:
    """*content* where at some places, given as shares of its length, some bytes are others."""
    for share, n, instead in edits:
        at = round(share * len(content))
        content = content[:at] + instead + content[at + n :]
    return content


@st.composite
def workbooks(draw: st.DrawFn) -> bytes:
    """A workbook with one or two parts changed, left out or named otherwise, in a zip that may be, too."""
    parts = dict(PARTS)
    for name in draw(st.lists(st.sampled_from(sorted(PARTS)), min_size=1, max_size=2, unique=True)):
        match draw(st.sampled_from(["changed"] * 8 + ["swapped", "gone", "renamed"])):
            case "changed":
                parts[name] = changed(parts[name], draw(changes))
            case "swapped":
                parts[name] = PARTS[draw(st.sampled_from(sorted(PARTS)))]
            case "gone":
                del parts[name]
            case "renamed":
                parts[name.upper()] = parts.pop(name)
    return changed(_zipped(parts), draw(changes) if draw(st.integers(0, 9)) == 0 else [])


contents = workbooks() | st.builds(changed, st.sampled_from(SOUND), changes)


def read(path: Path) -> None:
    """Read a file as a segment and as a list of numbers; what comes has to be of use, or one sentence."""
    said = []
    try:
        frame = segment.load(str(path))
        assert all(frame.columns)
        assert frame.columns.is_unique
        frame.astype(object).to_numpy().tolist()
        said += segment.notices(frame)
    except SegmentError as error:
        said.append(error.message)
    try:
        found = read_numbers(path)
        assert all(8610_000_000_000 < phone < 8620_000_000_000 for phone in found.phones)
    except SegmentError as error:
        said.append(error.message)
    assert all(said)
    assert "\n" not in "".join(said)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("content", SOUND, ids=["utf-8", "mark", "gb18030", "utf-16", "parquet", "xlsx"])
def test_sound_files_under_any_ending(tmp_path: Path, content: bytes, ending: str) -> None:
    """What the files below are changes of is read, or refused in words, under any name."""
    path = tmp_path / f"people.{ending}"
    path.write_bytes(content)
    read(path)


@settings(max_examples=examples(150), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=contents, ending=st.sampled_from(ENDINGS))
def test_any_change_gives_rows_or_one_sentence(tmp_path: Path, content: bytes, ending: str) -> None:
    """Whatever is changed in a file, no other exception comes out."""
    path = tmp_path / f"people.{ending}"
    path.write_bytes(content)
    read(path)


@contextmanager
def watched(seconds: int, megabytes: int) -> Iterator[None]:
    """Fail whatever takes longer, or asks for more memory than there is now and so much."""
    import resource
    import signal

    def stop(*_: object) -> None:
        raise TimeoutError(f"took more than {seconds} s")

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    previous = signal.signal(signal.SIGALRM, stop)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + (megabytes << 20), before[1]))
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
        resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.nightly
@settings(max_examples=50_000, suppress_health_check=list(HealthCheck))
@given(content=contents | st.binary(max_size=1000), ending=st.sampled_from(ENDINGS))
def test_any_change_for_hours(tmp_path: Path, content: bytes, ending: str) -> None:
    """The same by night, each file within 20 seconds and 2 GB."""
    path = tmp_path / f"people.{ending}"
    path.write_bytes(content)
    with watched(20, 2048):
        read(path)
