"""``smskit.audience.segment.kinds`` and ``encoding``: what a file is, whatever it is called, or a refusal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from smskit.audience import segment
from smskit.errors import SegmentError

PEOPLE = "user_id,phone,name\n"


def saved(folder: Path, content: bytes, name: str = "people.csv") -> str:
    (folder / name).write_bytes(content)
    return str(folder / name)


def people(*names: str) -> str:
    return PEOPLE + "".join(f"u{n},1380000000{n},{name}\n" for n, name in enumerate(names))


# --- encodings

OTHER_ENCODINGS = {
    "Big5": ("big5", people("陳怡君", "林志明")),
    "Big5, headings too": ("big5", "編號,手機,姓名\nu1,13800000001,黃淑芬\n"),
    "Big5, a sentence": ("cp950", people("王小明，您好", "訂單已送達")),
    "Shift-JIS": ("shift_jis", people("田中", "佐藤さくら")),
    "Shift-JIS, katakana": ("cp932", people("タナカ")),
    "Shift-JIS, half width": ("cp932", people("ﾀﾅｶﾏ", "ｻﾄｼｹ", "ﾋﾛﾐｽ", "ﾔﾏｸﾞ", "ﾜﾀﾅﾍﾞﾕ", "ｵｶﾓﾄ")),
    "EUC-JP": ("euc_jp", people("田中さくら", "ヒロシ")),
    "EUC-KR": ("euc_kr", people("김민수", "이영희")),
    "EUC-KR, headings too": ("cp949", "번호,전화,이름\nu1,13800000001,최지우\n"),
    "Latin-1": ("latin-1", people("Hélène", "Müller")),
    "Latin-1, capital": ("cp1252", people("Élodie")),
    "Windows-1251": ("cp1251", people("Иван", "Анна")),
    "Greek, many": ("cp1253", people("αβγδεζηθικλμνξοπρστυφχψω".upper() * 2, "ΑΓΕΗΚΝΠΣΥΨΒΔΖΘΛΞΟΡΤΦΧΩΑΒ")),
}


@pytest.mark.parametrize(("encoding", "text"), OTHER_ENCODINGS.values(), ids=OTHER_ENCODINGS)
def test_other_encodings_are_refused(tmp_path: Path, encoding: str, text: str) -> None:
    """A file whose bytes are letters in GB18030 only by chance is refused, not read as those letters."""
    assert text.encode(encoding).decode("gb18030") != text
    with pytest.raises(SegmentError, match=r"people\.csv: .*save it as UTF-8"):
        segment.load(saved(tmp_path, text.encode(encoding)))


RARE_NAMES = {
    "beyond two bytes": people("𠮷田", "㐂", "䶮"),
    **{f"only {name}": people(name) for name in ("𠮷", "㐂", "䶮", "镕", "涛", "闫旸", "覃塱", "陶喆")},
    "several": people("郝堃", "仝卓", "冼玥"),
    "traditional": people("張偉", "陳國強", "劉曉燕"),
    "foreign beside": people("Иван", "李华", "黄金会员"),
    "marks": people("【会员】，您好！", "￥１００"),
    "euro sign": people("王€"),
}


@pytest.mark.parametrize("text", RARE_NAMES.values(), ids=RARE_NAMES)
@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-8-sig", "utf-16"])
def test_rare_names_are_read(tmp_path: Path, text: str, encoding: str) -> None:
    """Rare letters alone do not make a file suspicious."""
    frame = segment.load(saved(tmp_path, text.encode(encoding)))

    assert PEOPLE + frame.to_csv(index=False, header=False, lineterminator="\n") == text


def test_all_letters_of_gb18030(tmp_path: Path) -> None:
    """A large file holds many rare letters; how it begins decides."""
    letters = "".join(map(chr, range(0x4E00, 0x9FA5)))
    text = people("姓名手机会员城市消费金额备注") + people(letters).removeprefix(PEOPLE)

    assert segment.load(saved(tmp_path, text.encode("gb18030")))["name"][1] == letters


# --- kinds

ROWS = pd.DataFrame({"phone": ["13800000001"], "name": ["张三"]})


def _workbook(folder: Path) -> bytes:
    ROWS.to_excel(folder / "made.xlsx", index=False)
    return (folder / "made.xlsx").read_bytes()


def _parquet(folder: Path) -> bytes:
    ROWS.to_parquet(folder / "made.parquet")
    return (folder / "made.parquet").read_bytes()


def _text(folder: Path) -> bytes:
    return ROWS.to_csv(index=False).encode()


def _tabs(folder: Path) -> bytes:
    return ROWS.to_csv(index=False, sep="\t").encode("utf-16")


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (_workbook, "a.csv"),
        (_workbook, "a.txt"),
        (_workbook, "a.parquet"),
        (_parquet, "a.csv"),
        (_parquet, "a.xlsx"),
        (_text, "a.xlsx"),
        (_tabs, "a.xlsx"),
        (_tabs, "a.csv"),
    ],
)
def test_content_tells_the_kind(tmp_path: Path, make: Callable[[Path], bytes], name: str) -> None:
    """A file under another kind's name is read as what it is."""
    frame = segment.load(saved(tmp_path, make(tmp_path), name))

    assert frame.to_dict("records") == ROWS.to_dict("records")


OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
REFUSED = {
    "old workbook": (OLD, "a.xls", "is an old workbook"),
    "old workbook called xlsx": (OLD, "a.xlsx", "is an old workbook"),
    "old workbook called csv": (OLD, "a.csv", "is an old workbook"),
    "text called xls": (b"phone\n1\n", "a.xls", "`.xls` is no kind of segment"),
    "web page": (b"<html><body><table>", "a.xlsx", "is a web page"),
    "web page called csv": (b"\xef\xbb\xbf\n<!DOCTYPE html>", "a.csv", "is a web page"),
    "old xml": (b'<?xml version="1.0"?><Workbook>', "a.xlsx", "is a web page"),
    "text called parquet": (b"phone\n1\n", "a.parquet", "cannot be read as parquet"),
    "junk called xlsx": (b"\0\1\2", "a.xlsx", "cannot be read as xlsx"),
    "nothing called xlsx": (b"", "a.xlsx", "cannot be read as xlsx"),
    "other zip": (b"PK\5\6" + bytes(18), "a.csv", "cannot be read as xlsx"),
    "half a workbook": (b"PK\3\4" + bytes(90), "a.xlsx", "cannot be read as xlsx"),
    "half a parquet": (b"PAR1" + bytes(90), "a.csv", "cannot be read as parquet"),
}


@pytest.mark.parametrize(("content", "name", "says"), REFUSED.values(), ids=REFUSED)
def test_other_kinds_are_refused(tmp_path: Path, content: bytes, name: str, says: str) -> None:
    """What is of no kind that is read is refused in one sentence that says what it is."""
    with pytest.raises(SegmentError, match=f"{name}: {says}") as caught:
        segment.load(saved(tmp_path, content, name))

    assert "\n" not in str(caught.value)


# --- addresses


@pytest.mark.parametrize("host", ["", "localhost", "LOCALHOST"])
def test_file_urls(tmp_path: Path, host: str) -> None:
    """A ``file://`` URL is the path in it."""
    source = saved(tmp_path, people("张三").encode(), "my people.csv")

    assert len(segment.load(f"file://{host}{source.replace(' ', '%20')}")) == 1
    assert len(segment.load("file://my people.csv", working_folder=tmp_path)) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/people.csv",
        "http://example.com/",
        "HTTPS://x/y",
        "s3://bucket/a.csv",
        "ftp://h/a",
    ],
)
@pytest.mark.parametrize("query", ["", "select 1"])
def test_addresses_elsewhere_are_refused(url: str, query: str) -> None:
    """The address of a file on another machine is refused in one sentence, asking nobody."""
    with pytest.raises(SegmentError, match="the address of a file on another machine; download") as caught:
        segment.load(url, query=query)

    assert "example.com" not in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "odd"),
    [
        ([("u1", "张三", "utf-8"), ("u2", "李四", "gb18030")], 2),
        ([("u1", "李四", "gb18030"), ("u2", "王芳", "utf-8")], 3),
        ([("u1", "李四，北京上海", "gb18030"), ("u2", "Bob", "utf-8"), ("u3", "赵六", "utf-8")], 4),
    ],
)
def test_rows_of_two_encodings_are_refused(
    tmp_path: Path, rows: list[tuple[str, str, str]], odd: int
) -> None:
    """Two files put end to end: the rows in UTF-8 would be other names; the first is told."""
    lines = [f"{user},13800000001,{name}".encode(encoding) for user, name, encoding in rows]
    file = tmp_path / "people.csv"
    file.write_bytes(b"\n".join([b"user_id,phone,name", *lines]))
    with pytest.raises(SegmentError, match=f"row {odd} is UTF-8, and others are GB18030"):
        segment.load(str(file))
