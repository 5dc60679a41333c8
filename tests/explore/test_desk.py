"""Loading, looking, comparing and keeping segments: what the explore panel stands on."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smskit.audience import segment
from smskit.audience.explore import compare, keep_upload, offered, write_segment
from smskit.audience.explore.operators import typed, written
from smskit.audience.explore.profile import distribution
from smskit.audience.rules import parse
from smskit.audience.rules.fit import Reading
from smskit.audience.segment import IN_MEMORY
from smskit.errors import InputError, RuleError, SegmentError
from smskit.notebook.segment_model import SegmentModel
from smskit.notebook.send_model import SendModel
from smskit.planning.draft import Draft
from smskit.settings import Environment
from tests.conftest import ROOT

NOW = datetime(2026, 1, 31, 10, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
PEOPLE = """user_id,phone,level,spend,last_active,vip,note
u1,13800138001,gold,100,2026-01-30,true,call 13800138009
u2,138-0013-8002,silver,20.5,2026-01-01,false,
u3,13800138001,gold,,2025/12/31,true,x
u4,+1 202 555 0123,gold,n/a,2026-01-02,,x
u5,12345,normal,7,2026-01-03,true,x
u6,,normal,8,2026-01-04,true,x
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one segment of six people."""
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "people.csv").write_text(PEOPLE, encoding="utf-8")
    return tmp_path


def desk(project: Path, **more: object) -> SegmentModel:
    draft = Draft({"campaign": "c", "segment": "people.csv", **more})
    return SegmentModel(draft, project=project, clock=lambda: NOW)


# --- load


def test_a_missing_or_broken_file_is_said(project: Path) -> None:
    """What cannot be read says so with its name, and what was loaded before stays."""
    at = desk(project)
    before = at.load()
    (project / "broken.csv").write_text('a,b\n"1,2\n', encoding="utf-8")

    for name, words in [("gone.csv", "no such file"), ("broken.csv", "quote"), ("", "no segment given")]:
        at.choose(name)
        with pytest.raises(SegmentError, match=words):
            at.read()
    assert at.loaded is before


def test_columns_are_spelt_as_the_parameters_spell_them(project: Path) -> None:
    """A blank or an accent that the file writes otherwise is the same column on both pages, as in a plan."""
    (project / "file.csv").write_text(
        "手机\u00a0号,cafe\u0301,level\n13800138001,王,gold\n", encoding="utf-8"
    )
    at = desk(
        project,
        segment="file.csv",
        phone="手机 号",
        variables={"name": {"column": "caf\u00e9", "default": "x"}, "level": "level", "gift": {"value": 100}},
        rules={"column": "caf\u00e9", "op": "==", "value": "x"},
    )
    at.choose("file.csv")
    sending = SendModel(at.draft, environment=lambda: Environment({}, parameter_file=project / "c.yaml"))

    assert at.read().frame.columns.tolist() == ["手机 号", "caf\u00e9", "level"]
    assert sending.columns().lacking.keys() >= {"手机 号", "caf\u00e9"}


def test_a_query_and_one_that_fails(project: Path) -> None:
    """A database is asked with one SELECT; a failing one says what the database said."""
    with sqlite3.connect(project / "crm.db") as connection:
        connection.execute("create table people (user_id text, phone text)")
        connection.execute("insert into people values ('u1', '13800138001')")
    at = desk(project)
    at.choose("sqlite:///crm.db", "select * from people")
    rows = len(at.load().frame)
    at.choose("sqlite:///crm.db", "select * from persons")

    assert rows == 1
    with pytest.raises(SegmentError, match="no such table"):
        at.read()


def test_a_frame_of_the_notebook(project: Path) -> None:
    """A frame from any cell is a segment, and the parameters say that no file holds it."""
    at = desk(project)
    at.use(pd.DataFrame({"phone": ["13800138001"]}))
    rows, alone = len(at.load().frame), at.only_in_memory()
    at.choose("people.csv")

    assert (rows, alone, at.only_in_memory()) == (1, True, False)
    assert IN_MEMORY not in at.draft.to_yaml()


# --- look


def test_columns_are_read_as_people_read_them(project: Path) -> None:
    """Numbers, dates and yes-or-no are seen in text, missing and unreadable values counted."""
    look = desk(project).load().profile
    kinds = {c.name: c.reading for c in look.columns.values()}
    spend = look.columns["spend"]

    assert kinds == {
        "user_id": Reading.TEXT,
        "phone": Reading.TEXT,
        "level": Reading.TEXT,
        "spend": Reading.TEXT,  # one in five is no number, and text it is
        "last_active": Reading.MOMENT,
        "vip": Reading.FLAG,
        "note": Reading.TEXT,
    }
    assert (spend.nulls, spend.distinct) == (1, 5)
    assert look.columns["level"].top == (("gold", 3), ("normal", 2), ("silver", 1))
    assert look.columns["last_active"].low == "2025-12-31"


@pytest.mark.parametrize("unit", ["s", "us", "ns"])
def test_days_are_listed_as_days(project: Path, unit: str) -> None:
    """A day of any precision is offered as a date, without its midnight."""
    at = desk(project)
    days = pd.to_datetime(pd.Series(["2026-01-01", "2026-01-02"])).astype(f"datetime64[{unit}]")
    at.use(pd.DataFrame({"user_id": ["a", "b"], "phone": ["", ""], "day": days}))

    assert at.load().profile.columns["day"].top == (("2026-01-01", 1), ("2026-01-02", 1))


def test_who_can_be_reached(project: Path) -> None:
    """Every row is counted once, by what its phone is."""
    look = desk(project).load().profile

    assert look.coverage == {
        "valid": 2,
        "duplicate_phone": 1,
        "no_phone": 1,
        "bad_phone": 1,
        "unsupported_region": 1,
    }
    assert sum(look.coverage.values()) == look.rows


def test_no_phone_is_shown_or_suggested(project: Path) -> None:
    """Neither the phones' own column nor a note with a phone in it gives anything away."""
    look = desk(project).load().profile

    assert look.columns["phone"].top == ()
    assert "13800138009" not in str(look)
    assert "13800138001" not in look.table().to_csv()


def test_a_segment_without_the_phone_column(project: Path) -> None:
    """The missing column is named with one that may be meant."""
    (project / "other.csv").write_text("uid,mobile\nu1,13800138001\n", encoding="utf-8")
    at = desk(project)
    at.draft.set(segment="other.csv")
    at.load()
    missing = at.missing_roles()
    at.roles(user_id="uid", phone="mobile", consent="")

    assert missing == {"phone": "mobile", "user_id": ""}
    assert at.missing_roles() == {}
    assert at.loaded is not None
    assert at.loaded.profile.coverage["valid"] == 1


def test_an_empty_segment(project: Path) -> None:
    """A segment without rows can be looked at, filtered and drawn."""
    (project / "empty.csv").write_text("user_id,phone,level\n", encoding="utf-8")
    at = desk(project, rules=[{"column": "level", "op": "==", "value": "gold"}])
    at.choose("empty.csv")
    loaded = at.load()
    drawn = distribution(loaded.frame, loaded.cache, loaded.profile.columns["level"])

    assert at.counts().kept == 0
    assert loaded.profile.rows == 0
    assert drawn is not None
    assert len(drawn.bars) == 0


@pytest.mark.parametrize("column", ["spend", "last_active", "level", "vip"])
def test_a_distribution_counts_every_row(column: str) -> None:
    """Bars, others and empty cells add up to the rows of the segment, whatever is drawn."""
    dice = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "spend": dice.gamma(2, 300, 500).round(2),
            "last_active": pd.Timestamp("2026-01-01") + pd.to_timedelta(dice.integers(0, 90, 500), unit="D"),
            "level": dice.choice([f"l{i}" for i in range(20)], 500),
            "vip": dice.choice([True, False], 500),
        }
    )
    frame.loc[:9, "spend"] = np.nan
    at = SegmentModel(Draft(frame=frame), clock=lambda: NOW)
    loaded = at.load()
    keep = np.arange(500) < 100
    drawn = distribution(loaded.frame, loaded.cache, loaded.profile.columns[column], keep)

    assert drawn is not None
    assert int(drawn.bars["rows"].sum()) + drawn.others + drawn.empty == 500
    assert (drawn.bars["kept"] <= drawn.bars["rows"]).all()


# --- the rule and the draft


def test_a_whole_rule_reaches_the_draft_and_a_partial_one_does_not(project: Path) -> None:
    """The draft has the last whole rule; saving rows with a partial one is refused rather than guessed."""
    at = desk(project)
    at.load()
    at.editor.add(at.editor.root.id, "level", "==", "gold")
    whole = at.put_rules()
    at.editor.add(at.editor.root.id, "level", "==")
    partial = at.put_rules()

    assert (whole, partial) == (True, False)
    assert at.draft["rules"] == {"all": [{"column": "level", "op": "==", "value": "gold"}]}
    with pytest.raises(RuleError, match="give a value"):
        at.frame()


def test_a_rule_on_a_column_that_is_gone(project: Path) -> None:
    """With another segment the rule stays, says which column it misses, and nothing is taken for kept."""
    at = desk(project, rules=[{"column": "level", "op": "==", "value": "gold"}])
    (project / "bare.csv").write_text("user_id,phone,levels\nu1,13800138001,gold\n", encoding="utf-8")
    at.choose("bare.csv")
    at.load()
    problems = [str(error) for error in at.counts().problems.values()]

    assert "no column `level`; did you mean `levels`?" in problems[0]
    assert at.draft["rules"] is not None
    with pytest.raises(RuleError, match="no column `level`"):
        at.frame()


def test_what_others_put_into_the_draft_is_followed(project: Path) -> None:
    """Rules set by a cell, another panel or a file replace the one being edited; no rules do too."""
    at = desk(project, rules=[{"column": "level", "op": "==", "value": "gold"}])
    at.draft.set(rules=[{"column": "level", "op": "is_null"}])
    others = at.editor.to_data()
    at.draft.set(rules=None)

    assert others == [{"column": "level", "op": "is_null"}]
    assert at.editor.to_data() is None


def test_own_changes_keep_what_can_be_taken_back(project: Path) -> None:
    """A rule that this desk itself puts into the draft goes on being edited, undo and all."""
    at = desk(project)
    editor = at.editor
    editor.add(editor.root.id, "level", "is_null")
    put = at.put_rules()

    assert put
    assert at.editor is editor
    assert editor.undo()


def test_another_segment_set_in_a_cell(project: Path) -> None:
    """The next look reads what the draft names by then, not what was read before."""
    at = desk(project)
    at.load()
    (project / "bare.csv").write_text("user_id,phone\nu1,13800138001\n", encoding="utf-8")
    at.draft.set(segment="bare.csv")

    assert at.current().profile.rows == 1
    assert at.current() is at.loaded


class Slow:
    """Reading that goes on when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.go, self.read = threading.Event(), threading.Event(), list[str]()
        whole = segment.load

        def load(source: str, **options: Any) -> pd.DataFrame:
            self.read.append(source)
            self.begun.set()
            assert self.go.wait(120)
            return whole(source, **options)

        monkeypatch.setattr(segment, "load", load)


def test_two_who_want_the_same_segment_read_it_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell that asks while the panel is reading waits for that."""
    slow, at = Slow(monkeypatch), desk(project)
    with ThreadPoolExecutor() as threads:
        panel = threads.submit(at.read)
        assert slow.begun.wait(120)
        cell = threads.submit(at.current)
        slow.go.set()

        assert cell.result(120) is panel.result(120) is at.loaded
    assert slow.read == ["people.csv"]


def test_what_was_read_for_an_earlier_wish_is_not_current(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another segment chosen while one is read: it is read next, by whoever asks, its columns found."""
    (project / "bare.csv").write_text("uid,mobile\nu1,13800138001\n", encoding="utf-8")
    slow, at = Slow(monkeypatch), desk(project)
    with ThreadPoolExecutor() as threads:
        reading = threads.submit(at.read)
        assert slow.begun.wait(120)
        at.choose("bare.csv")
        slow.go.set()
        at.take(reading.result(120))

    assert not at.is_current
    assert at.current().name == "bare.csv"
    assert at.is_current
    assert at.draft["phone"] == "mobile"
    assert at.current() is at.loaded


_TOGETHER = """
import sys, threading, time
from smskit.audience import segment

class Slow:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in {"openpyxl", "pyarrow", "sqlalchemy"}:
            time.sleep(0.003)

def read(after):
    time.sleep(after)
    try:
        segment.load(sys.argv[1], query=sys.argv[2])
    except Exception as error:
        print(type(error).__name__, error)

sys.meta_path.insert(0, Slow())
threads = [threading.Thread(target=read, args=(n / 20,)) for n in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


@pytest.mark.parametrize("kind", ["xlsx", "parquet", "sqlite"])
def test_threads_may_import_what_reads_a_file_at_the_same_time(tmp_path: Path, kind: str) -> None:
    """A panel and a cell that read the first file of a kind together both can."""
    people = pd.DataFrame({"user_id": ["u1"], "phone": ["13800138001"]})
    source, query = str(tmp_path / f"people.{kind}"), ""
    if kind == "xlsx":
        people.to_excel(source, index=False)
    elif kind == "parquet":
        people.to_parquet(source)
    else:
        people.to_sql("people", f"sqlite:///{source}")
        source, query = f"sqlite:///{source}", "SELECT * FROM people"
    done = subprocess.run(
        [sys.executable, "-c", _TOGETHER, source, query], capture_output=True, text=True, timeout=60
    )

    assert (done.stdout, done.stderr) == ("", "")


SAMPLE = {"rules": [{"column": "level", "op": "==", "value": "gold"}], "consent": "agreed"}


@pytest.mark.parametrize("how", ["file", "frame"])
def test_what_suits_the_sample_goes_with_it(project: Path, how: str) -> None:
    """Another segment starts without the sample's rules and columns."""
    draft = Draft({"segment": "people.csv"} | SAMPLE)
    at = SegmentModel(draft, project=project, clock=lambda: NOW, sample=SAMPLE)
    if how == "file":
        at.choose("other.csv")
    else:
        at.use(pd.DataFrame({"user_id": ["u1"], "phone": ["13800138001"]}))

    assert (draft["rules"], draft["consent"]) == (None, "")
    assert at.editor.to_data() is None


def test_what_was_chosen_stays(project: Path) -> None:
    """Rules that are a person's own, or set again after the sample went, stay with every other segment."""
    own = [{"column": "level", "op": "is_null"}]
    draft = Draft({"segment": "people.csv"} | SAMPLE)
    at = SegmentModel(draft, project=project, clock=lambda: NOW, sample=SAMPLE)
    draft.set(rules=own)
    at.choose("other.csv")
    first = draft["rules"], draft["consent"]
    draft.set(**SAMPLE)
    at.choose("people.csv")

    assert first == (own, "")
    assert {name: draft[name] for name in SAMPLE} == SAMPLE


def test_kept_rows_are_pandas_own(project: Path) -> None:
    """The frame that is handed out holds exactly the rows pandas would keep."""
    at = desk(project, rules=[{"column": "level", "op": "==", "value": "gold"}])
    whole = at.load().frame

    pd.testing.assert_frame_equal(at.frame(), whole[whole["level"] == "gold"].reset_index(drop=True))


# --- values as typed


@pytest.mark.parametrize(
    ("op", "reading", "text", "value"),
    [
        pytest.param("in", Reading.TEXT, "上海，北京、 广州,", ["上海", "北京", "广州"], id="chinese-commas"),
        pytest.param("between", Reading.NUMBER, "1, 2.5", [1, 2.5], id="numbers"),
        pytest.param(">=", Reading.NUMBER, " 500 ", 500, id="number"),
        pytest.param(">=", Reading.NUMBER, "many", "many", id="no-number-stays-text"),
        pytest.param("==", Reading.TEXT, "007", "007", id="text"),
        pytest.param("contains", Reading.NUMBER, "13", "13", id="part-of-a-number"),
        pytest.param("==", Reading.FLAG, "是", True, id="yes"),
        pytest.param("within_days", Reading.MOMENT, "30", 30, id="days"),
        pytest.param("before", Reading.MOMENT, "2026-01-31", "2026-01-31", id="date"),
        pytest.param("==", Reading.TEXT, "  ", None, id="blank"),
        pytest.param("is_null", Reading.TEXT, "x", None, id="takes-none"),
    ],
)
def test_typed_values(op: str, reading: Reading, text: str, value: object) -> None:
    """What somebody types means what a rule's data would say, and is shown as it can be typed again."""
    read = typed(op, reading, text)

    assert (read, type(read)) == (value, type(value))
    assert typed(op, reading, written(read)) == read


def test_every_offered_operator_is_taken(project: Path) -> None:
    """No operator is offered that the rules refuse for that column, and a null test always is."""
    at = desk(project)
    loaded = at.load()
    values = {
        Reading.TEXT: "x",
        Reading.NUMBER: 1,
        Reading.FLAG: True,
        Reading.MOMENT: "2026-01-01",
    }
    for column in loaded.profile.columns.values():
        assert {"is_null", "not_null"} <= set(column.ops)
        for op in column.ops:
            value: object = (
                "x" if op in ("contains", "starts_with") else values[column.reading or Reading.TEXT]
            )
            value = {"within_days": 1, "between": [value, value], "in": [value], "not_in": [value]}.get(
                op, value
            )
            data = {"column": column.name, "op": op} | ({} if "null" in op else {"value": value})
            assert len(loaded.cache.filter(parse(data))[0]) == loaded.profile.rows


# --- two segments

KEYS = st.lists(st.integers(0, 20), max_size=30)


@given(KEYS, KEYS)
def test_comparing_is_what_sets_say(a: list[int], b: list[int]) -> None:
    """Only in one, in both, only in the other: as with sets of people and of phones."""

    def frame(people: list[int]) -> pd.DataFrame:
        phone = [f"+86 1380013{8000 + p}" if p else "" for p in people]
        return pd.DataFrame({"user_id": [f"u{p}" for p in people], "phone": phone}, dtype="str")

    found = compare(frame(a), frame(b), user_id="user_id", phone="phone")
    phones_a, phones_b = set(a) - {0}, set(b) - {0}

    assert found.persons is not None
    assert found.phones is not None
    assert found.persons[:3] == (len({*a} - {*b}), len({*a} & {*b}), len({*b} - {*a}))
    assert found.phones[:3] == (
        len(phones_a - phones_b),
        len(phones_a & phones_b),
        len(phones_b - phones_a),
    )
    assert found.persons.in_b.tolist() == [p in b for p in a]
    assert found.phones.in_a.tolist() == [p in phones_a for p in b]


def test_where_two_segments_differ() -> None:
    """The largest difference in a column's shares comes first; columns of ids are no help and left out."""
    a = pd.DataFrame(
        {"phone": [str(13800138000 + i) for i in range(100)], "level": ["gold"] * 90 + ["silver"] * 10}
    )
    b = pd.DataFrame(
        {"phone": [str(13800138000 + i) for i in range(50)], "level": ["gold"] * 10 + [None] * 40}
    )
    found = compare(a, b, user_id="", phone="phone")

    assert found.persons is None
    assert found.shares.loc[0].tolist() == ["level", "", 0.0, 80.0, -80.0]
    assert set(found.shares["column"]) == {"level"}


def test_empty_texts_count_as_missing_when_segments_are_compared() -> None:
    """A column may hold both empty texts and none at all: one value, with one share."""
    a = pd.DataFrame({"phone": ["13800138000"] * 4, "level": ["gold", "", None, None]})
    b = pd.DataFrame({"phone": ["13800138000"] * 4, "level": ["gold", "gold", "gold", None]})
    shares = compare(a, b, user_id="", phone="phone").shares

    assert shares[["value", "share_a", "share_b"]].to_numpy().tolist() == [
        ["gold", 25.0, 75.0],
        ["", 75.0, 25.0],
    ]


def test_segments_that_share_no_key() -> None:
    """Without a column that names people in both, that is said."""
    with pytest.raises(InputError, match="share neither column `user_id` nor `phone`"):
        compare(
            pd.DataFrame({"phone": ["1"]}), pd.DataFrame({"mobile": ["1"]}), user_id="user_id", phone="phone"
        )


# --- files


def test_an_upload_is_kept_for_its_owner_alone(project: Path) -> None:
    """An uploaded file lies in the project, unreadable for others, ignored by git; again is the same."""
    content = PEOPLE.encode()
    first = keep_upload("../下载/my people.csv", content, project)
    again = keep_upload("my people.csv", content, project)
    other = keep_upload("my people.csv", content + b"u9,13800138009,gold,1,,,\n", project)

    assert (first, again, other) == (
        "segments/my_people.csv",
        "segments/my_people.csv",
        "segments/my_people-2.csv",
    )
    assert os.stat(project / first).st_mode & 0o777 == 0o600
    assert (project / "segments" / ".gitignore").read_text() == "*\n"
    assert len(segment.load(str(project / other))) == 7


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        pytest.param("people.csv", b'a,b\n"1,2\n', "^people.csv: row 2", id="broken"),
        pytest.param("people.xlsx", b"\0no sheet", "^people.xlsx", id="no-sheet"),
        pytest.param("people.exe", b"", "is one of", id="ending"),
        pytest.param(".csv", b"", "is one of", id="no-name"),
    ],
)
def test_what_is_no_segment_is_not_kept(project: Path, name: str, content: bytes, words: str) -> None:
    """An upload that cannot be read is refused under its own name and leaves nothing."""
    with pytest.raises(InputError, match=words):
        keep_upload(name, content, project)
    left = [p.name for p in (project / "segments").glob("*") if p.name != ".gitignore"]

    assert left == []


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_kept_rows_load_back(project: Path, ending: str) -> None:
    """Rows saved as a file are a segment of the same people, for its owner alone; nothing is replaced."""
    at = desk(project, rules=[{"column": "level", "op": "==", "value": "gold"}])
    at.load()
    kept = at.frame()
    saved = at.save_rows(f"gold.{ending}", switch=True)

    with pytest.raises(InputError, match="there already"):
        write_segment(kept, f"gold.{ending}", project)
    assert saved == f"segments/gold.{ending}"
    assert os.stat(project / saved).st_mode & 0o777 == 0o600
    assert (at.draft["segment"], at.draft["rules"]) == (saved, None)
    pd.testing.assert_frame_equal(at.load().frame, kept)


def test_samples_are_offered() -> None:
    """The sample segments can be chosen, the opt-out list, which is none, cannot."""
    names = {offer.path for offer in offered(ROOT) if offer.sample}

    assert "sample_segments/clean.csv" in names
    assert "sample_segments/opt_out.csv" not in names
