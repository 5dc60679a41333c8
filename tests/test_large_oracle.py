"""Plans of a large segment, in parts and in memory, against one that is made in plain loops."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from smskit.audience import segment
from smskit.audience.segment import database, spool
from smskit.audience.segment.files import Files
from smskit.large.planning import plan_in_parts
from smskit.message.template import Template
from smskit.message.variables import parse_bindings
from smskit.planning.exclusions import History
from smskit.planning.partition import Question
from smskit.planning.plan import build, columns_read
from smskit.planning.recipients import ProviderLimits
from smskit.planning.spec import CampaignSpec
from tests.test_files import written
from tests.test_large import both, same
from tests.test_large import client as client
from tests.test_plan_hashes import BASE, NOW
from tests.test_plan_hashes import segment as people_of_every_kind

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("dask")]

N = 600_000
RULES = {
    "rules": {"column": "level", "op": "in", "value": ["gold", "silver"]},
    "consent": "agreed",
    "template": "你好{name}，{coupon}元券请查收。拒收请回复R",
    "variables": {"name": "name", "coupon": "coupon"},
}


def people(rows: int) -> pd.DataFrame:
    """Invented people: some without phone, id, name or consent; phones and ids in several rows, far apart."""
    dice = np.random.default_rng(14)
    phones = np.array([str(13800000000 + n) for n in dice.integers(0, rows * 4, rows)], object)
    phones[dice.random(rows) < 0.01] = ""
    phones[dice.random(rows) < 0.01] = "12345"
    ids = np.array([f"u{n}" for n in dice.integers(0, rows * 9, rows)], object)
    ids[dice.random(rows) < 0.01] = None
    levels = np.array(["gold", "silver", "新"], object)
    names = np.array([f"用户{n}" for n in dice.integers(0, 5_000, rows)], object)
    names[dice.random(rows) < 0.01] = None
    return pd.DataFrame(
        {
            "user_id": pd.Series(ids, dtype="str"),
            "phone": pd.Series(phones, dtype="str"),
            "name": pd.Series(names, dtype="str"),
            "coupon": dice.integers(1, 100, rows),
            "level": pd.Series(levels[dice.integers(0, 3, rows)], dtype="str"),
            "agreed": pd.Series(np.where(dice.random(rows) < 0.02, "no", "yes"), dtype="str"),
        }
    )


def planned_in_loops(frame: pd.DataFrame, opted_out: set[int]) -> tuple[Counter[str], list[tuple[Any, ...]]]:
    """Rows left out by reason, and the phone, person, name and coupon of everybody planned."""
    rows = []
    for user_id, phone, name, coupon, level, agreed in frame.itertuples(index=False):
        if level in ("gold", "silver"):
            number = int(f"86{phone}") if len(phone) == 11 else 0
            person = user_id if isinstance(user_id, str) else str(number or "")
            rows.append((phone, number, person, name, coupon, agreed))
    nos: dict[str, tuple[set[int], set[str]]] = {"opted_out": (set(), set()), "no_consent": (set(), set())}
    for _, number, person, _, _, agreed in rows:
        for reason, applies in (("opted_out", number in opted_out), ("no_consent", agreed != "yes")):
            if applies:
                nos[reason][0].add(number)
                nos[reason][1].add(person)
    for numbers, persons in nos.values():
        numbers.discard(0)
        persons.discard("")
    counts: Counter[str] = Counter()
    planned, phones_seen, persons_seen = [], set[int](), set[str]()
    for phone, number, person, name, coupon, agreed in rows:
        if not phone:
            reason = "no_phone"
        elif not number:
            reason = "bad_phone"
        elif number in nos["opted_out"][0] or person in nos["opted_out"][1]:
            reason = "opted_out"
        elif number in nos["no_consent"][0] or person in nos["no_consent"][1] or agreed != "yes":
            reason = "no_consent"
        elif not isinstance(name, str):
            reason = "missing_variable"
        elif number in phones_seen:
            reason = "duplicate_phone"
        elif person in persons_seen:
            reason = "duplicate_user"
        else:
            phones_seen.add(number)
            persons_seen.add(person)
            planned.append((number, person, name, str(coupon)))
            continue
        counts[reason] += 1
    return counts, planned


def hash_in_loops(template: Template, planned: list[tuple[Any, ...]]) -> str:
    """The hash of a plan, as its contract says it in words."""
    buckets: dict[int, list[tuple[Any, ...]]] = {}
    for row in planned:
        buckets.setdefault(row[0] * 0x9E3779B97F4A7C15 % 2**64 >> 54, []).append(row)
    head = ["yunpian", template.signature, "", template.text, len(planned)]
    whole = hashlib.sha256(json.dumps(head, ensure_ascii=False).encode())
    for bucket in sorted(buckets):
        rows = sorted(buckets[bucket])
        digest = hashlib.sha256(b"".join(row[0].to_bytes(8, "little") for row in rows))
        for column in (1, 2, 3):
            texts = [row[column].encode() for row in rows]
            ends = np.cumsum([0, *map(len, texts)])
            digest.update(b"".join(int(end).to_bytes(8, "little") for end in ends) + b"".join(texts))
        whole.update(bucket.to_bytes(4, "little") + digest.digest())
    return f"q{whole.hexdigest()[:24]}"


def test_600_000_rows_by_two_engines_and_by_loops(client: Any, tmp_path: Path) -> None:
    """The same people, texts, hash and counts, in seven parts, in one, and row by row."""
    frame = people(N)
    opted_out = set(range(8613800000000, 8613800000000 + N * 4, 41))
    (tmp_path / "data").mkdir()
    for n, rows in enumerate(np.array_split(np.arange(N), 4)):
        frame.iloc[rows].to_parquet(tmp_path / "data" / f"{n}.parquet")
    past = History(opted_out=np.array(sorted(opted_out), np.int64))
    memory, parts = both(client, tmp_path / "data", RULES, {"past": past}, part_rows=90_000)
    counts, planned = planned_in_loops(frame, opted_out)

    assert same(memory, parts)
    assert parts.read == N
    assert parts.excluded == counts
    assert set(counts) >= {"no_phone", "bad_phone", "opted_out", "no_consent", "missing_variable"}
    assert min(counts["duplicate_phone"], counts["duplicate_user"]) > 1_000
    assert parts.planned == len(planned)
    assert parts.hash == hash_in_loops(parts.template, planned)


def test_two_orders_and_four_divisions_of_one_frame_have_one_hash(client: Any, tmp_path: Path) -> None:
    """Files, and parts of them, in any number; where nobody stands twice, rows in any order."""
    frame = people(2_000).drop_duplicates("phone").drop_duplicates("user_id")
    orders = {"forwards": frame, "shuffled": frame.sample(frac=1, random_state=7)}
    found = []
    for order, rows in orders.items():
        for files, part_rows in ((1, 5_000), (2, 700), (5, 101), (9, 37)):
            folder = written(rows, tmp_path / f"{order}-{files}", files=files)
            memory, parts = both(client, folder, RULES, {}, part_rows=part_rows)
            found.append((parts.hash, parts.excluded, parts.planned))
            found.append((memory.hash, memory.excluded, memory.planned))

    assert len(found) == 16
    assert all(each == found[0] for each in found)
    assert found[0][2] > 500


def test_a_query_is_planned_in_parts(client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a database hands out some rows after another comes to the plan of the whole."""
    monkeypatch.setattr(spool, "PART_ROWS", 31)
    monkeypatch.setattr(database, "_AT_ONCE", 17)
    frame = people_of_every_kind().drop(columns="expires")
    with closing(sqlite3.connect(tmp_path / "crm.db")) as crm:
        frame.to_sql("people", crm, index=False)
    more = {"segment": f"sqlite:///{tmp_path / 'crm.db'}", "segment_query": "select * from people"}
    spec = CampaignSpec.from_data(BASE | RULES | more)
    template, bindings = Template.parse(spec.template, signature="云片"), parse_bindings(spec.variables)
    columns, about = columns_read(spec, bindings), {"query": spec.segment_query, "columns": None}
    files = segment.load_or_divide(spec.segment, most=100, **about)
    assert isinstance(files, Files)
    question = Question(spec, template, bindings, ProviderLimits(), NOW)
    parts = plan_in_parts(question, files, client, columns=columns, past=History(), part_rows=37)
    whole = segment.load(spec.segment, query=spec.segment_query, columns=columns)
    memory = build(spec, whole, template, bindings, fit=ProviderLimits(), past=History(), now=NOW)

    assert same(memory, parts)
