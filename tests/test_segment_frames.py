"""Who reads a whole segment again reads a large one some rows after another, and finds the same."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from smskit.audience import persons as persons_module
from smskit.audience.explore.files import write_frames
from smskit.audience.persons import Places
from smskit.audience.segment import database, spool
from smskit.audience.segment import files as files_module
from smskit.errors import InputError
from smskit.measuring.asking import Asked
from smskit.measuring.by_segment import cells_of
from smskit.planning.source import load_segment, segment_frames, segment_names
from smskit.planning.spec import CampaignSpec
from smskit.reporting.columns import SegmentColumns
from tests.test_files import written
from tests.test_plan_hashes import BASE
from tests.test_plan_hashes import segment as people_of_every_kind

SMALL = {"SMSKIT_FRAME_ROWS": "50"}  # everything is large


@pytest.fixture(autouse=True)
def short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of parquet and of queries."""
    monkeypatch.setattr(files_module, "PART_ROWS", 37)
    monkeypatch.setattr(spool, "PART_ROWS", 31)
    monkeypatch.setattr(database, "_AT_ONCE", 17)


@pytest.fixture(params=["files", "query"])
def spec(request: pytest.FixtureRequest, tmp_path: Path) -> CampaignSpec:
    """A campaign over 240 people, in four files or in a table."""
    people = people_of_every_kind().drop(columns="expires")
    more: dict[str, Any] = {"variables": {"name": "name"}, "template": "你好{name}，拒收请回复R"}
    if request.param == "files":
        return CampaignSpec.from_data(BASE | more | {"segment": str(written(people, tmp_path / "data"))})
    with closing(sqlite3.connect(tmp_path / "crm.db")) as crm:
        people.to_sql("people", crm, index=False)
    place = {"segment": f"sqlite:///{tmp_path / 'crm.db'}", "segment_query": "select * from people"}
    return CampaignSpec.from_data(BASE | more | place)


def test_all_rows_come_in_their_order(spec: CampaignSpec) -> None:
    """With the columns that are asked for, or all of them."""
    whole = load_segment(spec, environ={}, file=None)
    some = list(segment_frames(spec, ["level"], environ=SMALL, file=None))
    all_ = list(segment_frames(spec, None, environ=SMALL, file=None))

    assert len(all_) > 4
    assert {"user_id", "phone", "level"} <= set(some[0].columns)
    assert pd.concat(some, ignore_index=True)["level"].equals(whole["level"])
    assert pd.concat(all_, ignore_index=True).equals(whole)
    assert segment_names(spec, environ=SMALL, file=None) == list(whole.columns)
    with pytest.raises(InputError, match="no column `levle`; did you mean `level`"):
        list(segment_frames(spec, ["levle"], environ=SMALL, file=None))


def test_columns_beside_messages_are_the_same(spec: CampaignSpec) -> None:
    """Of several rows of one person the first speaks, in whichever part; who is not there has nothing."""
    row: Any = SimpleNamespace(spec=spec.model_dump(mode="json", exclude={"test_phones"}))
    wanted = pa.array([f"u{n}" for n in range(194, -1, -7)] + ["nobody"], pa.large_string())
    found = [
        SegmentColumns(row, ["level", "coupon"], environ=environ).beside(wanted, reveal=True)
        for environ in ({}, SMALL)
    ]
    people = people_of_every_kind().drop_duplicates("user_id").set_index("user_id")

    assert found[0].equals(found[1])
    assert found[1]["level"].tolist() == [*people.level[wanted.to_pylist()[:-1]], ""]


def test_effects_by_segment_read_the_same_cells(spec: CampaignSpec) -> None:
    """For people in any order, some of whom the segment does not have any more."""
    row: Any = SimpleNamespace(spec=spec.model_dump(mode="json", exclude={"test_phones"}))
    arms: Any = SimpleNamespace(kept={}, persons=pa.array(["u9", "gone", "u3", "u150"], pa.large_string()))
    read = [
        cells_of(row, arms, ["level", "coupon"], Asked("orders.csv", time="at", environ=environ))
        for environ in ({}, SMALL)
    ]

    assert read[0] == read[1]
    assert read[1]["level"].to_pylist() == ["gold", None, "gold", "gold"]


@pytest.mark.parametrize("alike", [False, True], ids=["keys", "equal keys"])
def test_the_first_place_of_everybody(monkeypatch: pytest.MonkeyPatch, alike: bool) -> None:
    """As a look through the column finds it, also where keys are equal by chance."""
    if alike:
        keys = persons_module.keys
        monkeypatch.setattr(persons_module, "keys", lambda persons: keys(persons) % np.uint64(50))
    dice = np.random.default_rng(3)
    persons = pa.array([f"u{n}" for n in dice.integers(0, 300, 500)], pa.large_string())
    wanted = pa.array([f"u{n}" for n in dice.integers(0, 400, 200)], pa.large_string())

    assert Places(persons).of(wanted).to_pylist() == pc.index_in(wanted, persons).to_pylist()
    assert Places(persons[:0]).of(wanted).null_count == 200


def test_frames_are_one_file(tmp_path: Path) -> None:
    """A part in which no cell is missing, or each, is of the same types as the first."""
    parts = [pd.DataFrame({"n": n, "s": s}) for n, s in (([1, 2], ["a", "b"]), ([3], [None]))]
    write_frames(iter(parts), tmp_path / "all.parquet")

    assert pd.read_parquet(tmp_path / "all.parquet").equals(
        pd.DataFrame({"n": [1, 2, 3], "s": pd.Series(["a", "b", None], dtype="str")})
    )
    assert (tmp_path / "all.parquet").stat().st_mode & 0o777 == 0o600


def test_frames_of_other_types_are_one_file(tmp_path: Path) -> None:
    """A column's type holds it in all parts: the first may have no cell in it, or fewer categories."""
    many = [f"c{n}" for n in range(300)]
    parts = [
        pd.DataFrame({"at": [None, None], "level": pd.Categorical(["gold", "gold"]), "n": [1, 2]}),
        pd.DataFrame({"at": [time(9)] * 300, "level": pd.Categorical(many), "n": [0.5] * 300}),
    ]
    write_frames(iter(parts), tmp_path / "all.parquet")
    found = pd.read_parquet(tmp_path / "all.parquet")

    assert found["at"].tolist() == [None, None, *[time(9)] * 300]
    assert found["level"].tolist() == ["gold", "gold", *many]
    assert found["n"].tolist() == [1, 2, *[0.5] * 300]
