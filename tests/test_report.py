"""``smskit.reporting.report`` and ``smskit.reporting.export``: counts, one row a person, why; masked."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from smskit.errors import InputError
from smskit.ledger import CampaignRow, Change, Facts, Frozen, Ledger
from smskit.message.template import Template
from smskit.message.variables import parse_bindings
from smskit.models import Mode, Reason, State
from smskit.planning.plan import History, ProviderLimits, build
from smskit.planning.spec import CampaignSpec
from smskit.reporting import export, frames, report

T0 = datetime(2026, 11, 23, 2, 0, tzinfo=UTC).timestamp()
W, S, A, R, U, D, X = State
# fmt: off
STATUS_KEYS = [
    "campaign", "mode", "state", "provider", "read", "ruled_out", "segment", "excluded", "planned",
    "waiting", "submitting", "accepted", "refused", "unknown", "delivered", "undelivered", "awaiting",
    "stopped", "parts", "cost", "plan_hash", "approval", "started_at", "finished_at", "archived_at",
    "senders", "note",
]
COLUMNS = [
    "user_id", "phone", "state", "reason", "text", "parts", "provider_message_id", "provider_code",
    "provider_detail", "submitted_at", "receipt_code", "receipt_at",
]
# fmt: on

# One person for each end, and four who are left out.
PEOPLE = pd.DataFrame(
    {
        "user_id": [*(f"u{n}" for n in range(7)), "13900000009", "x0", "x1", "x2", "x3", None],
        "phone": [
            *(str(13800000000 + n) for n in range(7)),
            *("13900000009", "", "13800-0000", "138 0000 0000", "+852 9123 4567", "13800000020"),
        ],
        "name": [*"一二三四五六七", '八"，\r\n,八', *"九十百千", "13800000020"],
    }
)


def frozen(ledger: Ledger, frame: pd.DataFrame = PEOPLE, mode: Mode = Mode.LIVE, **more: Any) -> CampaignRow:
    """A campaign over *frame* as a run freezes it; phone 13800000005 has opted out."""
    data = {
        "campaign": "c",
        "segment": "s",
        "template": "【云片】你好{name}",
        "signature": "云片",
        "variables": {"name": "name"},
    }
    spec = CampaignSpec.as_started(data | more)  # with a phone in a rule, by an older version
    plan = build(
        spec,
        frame,
        Template.parse(spec.template, signature=spec.signature),
        parse_bindings(spec.variables),
        fit=ProviderLimits(),
        past=History(),
        now=datetime.now(UTC),
    )
    left_out, ruled_out = plan.left_out(), list(plan.ruled_out.groups())
    stored = Frozen(
        plan.phones, plan.persons, plan.variables, plan.parts, left_out, plan.order, ruled_out=ruled_out
    )
    return ledger.campaigns.freeze(
        name="c",
        mode=mode,
        provider="acme",
        plan_hash=plan.hash,
        spec=spec.model_dump(mode="json"),
        summary=plan.summary(),
        frozen=stored,
    )


@pytest.fixture
def timed(tmp_path: Path) -> Iterator[tuple[Ledger, list[float]]]:
    """A ledger and the clock it goes by."""
    now = [T0]
    made = Ledger(f"sqlite:///{tmp_path / 'timed.db'}", clock=lambda: now[0])
    yield made, now
    made.close()


@pytest.fixture
def told(timed: tuple[Ledger, list[float]]) -> tuple[Ledger, CampaignRow]:
    """A campaign in which every state and reason occurs."""
    ledger, now = timed
    row = frozen(ledger)
    steps: list[tuple[float, str, list[int], list[State], Facts]] = [
        (1.0, "claim", [0, 1, 2, 3, 4, 5, 6], [S] * 7, Facts()),
        (
            2.5,
            "outcome",
            [0, 1, 2, 3, 4, 5, 6],
            [A, A, A, R, U, W, W],
            Facts(
                reason=["", "", "", "refused", "no_answer", "not_taken", "not_taken"],
                ids=["m0", "m1", "m2", "", "", "", ""],
                codes=["0", "0", "0", "15", "", "8", "8"],
                details=["", "", "", "黑名单", "", "太快", "太快"],
            ),
        ),
        (3.0, "claim", [6], [S], Facts()),
        (
            60.0,
            "receipt",
            [0, 1],
            [D, X],
            Facts(codes=["DELIVRD", "MK:0001"], details=["送达", "空号"], times=[T0 + 30.25, T0 + 31]),
        ),
        (61.0, "opt_out", [8], [R], Facts(reason="opted_out")),
    ]
    for at, kind, positions, states, facts in steps:
        now[0] = T0 + at
        change = Change(kind, 0, np.array(positions, np.uint16), np.array(states, np.uint8), facts)  # type: ignore[arg-type]
        ledger.changes.apply(row.id, [change], token=None)
    ledger.campaigns.mark(row.id, "paused", note="out of money")
    return ledger, ledger.campaigns.find()[0]


def table(told: tuple[Ledger, CampaignRow], *, reveal: bool = False) -> pd.DataFrame:
    return pd.concat(frames.messages(*told, reveal=reveal), ignore_index=True)


# -- books ------------------------------------------------------------------------------------


def test_status_is_what_the_design_lists(told: tuple[Ledger, CampaignRow]) -> None:
    """The status has the keys of DESIGN section 9 and a note, in that order, as data JSON can hold."""
    status = report.status(*told)

    assert list(status) == STATUS_KEYS
    assert json.loads(json.dumps(status)) == status
    assert status == {
        "campaign": "c",
        "mode": "live",
        "state": "paused",
        "provider": "acme",
        "read": 13,
        "ruled_out": 0,
        "segment": 13,
        "excluded": {"no_phone": 1, "bad_phone": 1, "unsupported_region": 1, "duplicate_phone": 1},
        "planned": 9,
        "waiting": 2,
        "submitting": 1,
        "accepted": 3,
        "refused": 2,
        "unknown": 1,
        "delivered": 1,
        "undelivered": 1,
        "awaiting": 1,
        "stopped": {"opted_out": 1},
        "parts": 9,
        "cost": "0.45",
        "plan_hash": told[1].plan_hash,
        "approval": None,
        "started_at": "2026-11-23T02:00:00+00:00",
        "finished_at": None,
        "archived_at": None,
        "senders": [],
        "note": "out of money",
    }


def test_status_of_a_plan(ledger: Ledger) -> None:
    """A plan has books too: everybody waits, and it never started."""
    status = report.status(ledger, frozen(ledger, mode=Mode.PLAN, price_per_part="0.045"))

    assert (status["mode"], status["state"], status["started_at"]) == ("plan", "planned", None)
    assert status["planned"] == status["waiting"] == 9
    assert Decimal(status["cost"]) == 9 * Decimal("0.045")


# -- messages ----------------------------------------------------------------------------------


def test_messages_have_the_columns_of_the_design(told: tuple[Ledger, CampaignRow]) -> None:
    """One row per person of the segment, planned ones first, with exactly the columns of DESIGN section 9."""
    shown = table(told)

    assert list(shown.columns) == frames.COLUMNS == COLUMNS
    assert len(shown) == len(PEOPLE)
    assert shown["user_id"].tolist() == [
        *(f"u{n}" for n in range(7)),
        *("139****0009", "138****0020", "x0", "x1", "x2", "x3"),
    ]
    assert shown["state"].tolist() == [
        *("delivered", "undelivered", "accepted", "refused", "unknown", "waiting", "submitting", "waiting"),
        *("refused", "excluded", "excluded", "excluded", "excluded"),
    ]
    assert shown["reason"].tolist() == [
        *("", "", "", "refused", "no_answer", "not_taken", "", "", "opted_out"),
        *("no_phone", "bad_phone", "duplicate_phone", "unsupported_region"),
    ]
    assert shown["text"].tolist()[:2] + shown["text"].tolist()[-1:] == [
        "【云片】你好一",
        "【云片】你好二",
        "",
    ]
    assert shown["parts"].tolist() == [1] * 9 + [0] * 4


def test_evidence_of_each_message(told: tuple[Ledger, CampaignRow]) -> None:
    """Ids, codes, details and times are those the provider gave, in UTC."""
    first, second, third, fourth = table(told).iloc[:4].to_dict("records")

    assert (first["provider_message_id"], first["provider_code"]) == ("m0", "0")
    assert (first["receipt_code"], first["provider_detail"]) == ("DELIVRD", "送达")
    assert first["submitted_at"] == pd.Timestamp("2026-11-23T02:00:01Z")
    assert first["receipt_at"] == pd.Timestamp("2026-11-23T02:00:30.250Z")
    assert (second["receipt_code"], second["provider_detail"]) == ("MK:0001", "空号")
    assert pd.isna(third["receipt_at"])
    assert (fourth["provider_message_id"], fourth["provider_code"]) == ("", "15")
    assert fourth["provider_detail"] == "黑名单"


def test_phones_are_masked_unless_revealed(told: tuple[Ledger, CampaignRow]) -> None:
    """Phones, and ids and values that are phones, are masked; revealed they are E.164 where there is one."""
    masked, revealed = table(told), table(told, reveal=True)

    assert masked["phone"].tolist() == [
        *(f"138****000{n}" for n in range(7)),
        *("139****0009", "138****0020", "", "1****-*000", "138****0000", "+85* **** *567"),
    ]
    assert re.findall(r"\d{8,}", masked.to_csv().replace("00:00", "")) == []
    assert revealed["phone"].tolist()[:9] == [
        *(f"+8613800000{n:03d}" for n in range(7)),
        *("+8613900000009", "+8613800000020"),
    ]
    assert revealed["phone"].tolist()[9:] == ["", "1****-*000", "+8613800000000", "+85* **** *567"]
    assert (masked["text"][8], revealed["text"][8]) == ("【云片】你好138****0020", "【云片】你好13800000020")
    assert revealed["user_id"].tolist()[7:9] == ["13900000009", "8613800000020"]


# -- files ------------------------------------------------------------------------------------------


def texts(frame: pd.DataFrame) -> list[list[str]]:
    """Every cell as text, times by the second, nothing as the empty text."""
    return [
        ["" if pd.isna(v) else f"{v:%FT%T}" if isinstance(v, pd.Timestamp) else str(v) for v in row]
        for row in frame.astype(object).itertuples(index=False)
    ]


@pytest.mark.parametrize("reveal", [False, True], ids=["masked", "revealed"])
def test_files_agree(told: tuple[Ledger, CampaignRow], tmp_path: Path, reveal: bool) -> None:
    """csv, jsonl and parquet hold the same cells in the same order, whatever a cell holds."""
    for kind in ("csv", "jsonl", "parquet"):
        export.write_messages(*told, kind, tmp_path / f"m.{kind}", reveal=reveal)
    with (tmp_path / "m.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = [json.loads(line) for line in (tmp_path / "m.jsonl").read_text(encoding="utf-8").splitlines()]
    stored = pq.read_table(tmp_path / "m.parquet")
    times = ["submitted_at", "receipt_at"]
    expected = texts(table(told, reveal=reveal))

    def read(records: list[dict[str, Any]]) -> list[list[str]]:
        frame = pd.DataFrame(records, columns=COLUMNS)
        return texts(frame.assign(**{t: pd.to_datetime(frame[t], format="ISO8601", utc=True) for t in times}))

    assert (tmp_path / "m.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert list(rows[0]) == list(lines[0]) == stored.column_names == COLUMNS
    assert read(rows) == expected
    assert read(lines) == expected
    assert texts(stored.to_pandas()) == expected
    assert [str(stored.schema.field(t).type) for t in times] == ["timestamp[ms, tz=UTC]"] * 2


def test_standard_output(told: tuple[Ledger, CampaignRow], capsys: pytest.CaptureFixture[str]) -> None:
    """Text formats go to standard output where no file is named, without a mark; parquet needs a file."""
    export.write_messages(*told, "csv", None, reveal=False)
    as_csv = capsys.readouterr().out
    export.write_messages(*told, "jsonl", None, reveal=False)
    as_lines = capsys.readouterr().out
    with pytest.raises(InputError, match="--output"):
        export.write_messages(*told, "parquet", None, reveal=False)

    assert as_csv.startswith("user_id,phone,state")
    assert len(list(csv.reader(io.StringIO(as_csv)))) == 14
    assert len(as_lines.splitlines()) == 13
    assert json.loads(as_lines.splitlines()[0])["phone"] == "138****0000"


def test_many_chunks_have_one_header(ledger: Ledger, tmp_path: Path) -> None:
    """A campaign of several chunks is one file with one header, and every person once, in order."""
    n = 21_000
    frame = pd.DataFrame(
        {"user_id": [f"u{i}" for i in range(n)], "phone": np.arange(n) + 13800000000, "name": "x"}
    )
    row = frozen(ledger, frame)
    for kind in ("csv", "parquet"):
        export.write_messages(ledger, row, kind, tmp_path / f"m.{kind}", reveal=True)
    with (tmp_path / "m.csv").open(encoding="utf-8-sig") as file:
        users = [line.split(",", 1)[0] for line in file]

    assert [len(f) for f in frames.messages(ledger, row)] == [1000] * 21
    assert users == ["user_id", *frame["user_id"]]
    assert pq.read_table(tmp_path / "m.parquet")["user_id"].to_pylist() == users[1:]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_nobody(ledger: Ledger, tmp_path: Path, kind: str) -> None:
    """A campaign for nobody is a file without rows, with its header where the format has one."""
    file = tmp_path / f"m.{kind}"
    export.write_messages(ledger, frozen(ledger, PEOPLE.iloc[:0]), kind, file, reveal=False)

    if kind == "parquet":
        assert pq.read_table(file).column_names == COLUMNS
        assert pq.read_table(file).num_rows == 0
    else:
        assert file.read_text(encoding="utf-8-sig") == ("" if kind == "jsonl" else ",".join(COLUMNS) + "\n")


# -- why ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("person", "expected"),
    [
        pytest.param(
            "u0",
            "u0 (138****0000): delivered; 2026-11-23 10:00:01 submitting; "
            "2026-11-23 10:00:02 accepted, code 0, id m0; "
            "2026-11-23 10:01:00 delivered, “送达”, code DELIVRD (Asia/Shanghai)",
            id="delivered",
        ),
        pytest.param(
            "u3",
            "u3 (138****0003): refused; 2026-11-23 10:00:01 submitting; "
            "2026-11-23 10:00:02 refused, “黑名单”, code 15 (Asia/Shanghai)",
            id="refused",
        ),
        pytest.param(
            "u4",
            "u4 (138****0004): unknown; 2026-11-23 10:00:01 submitting; "
            "2026-11-23 10:00:02 unknown, no_answer (Asia/Shanghai)",
            id="unknown",
        ),
        pytest.param(
            "u5",
            "u5 (138****0005): waiting; 2026-11-23 10:00:01 submitting; "
            "2026-11-23 10:00:02 waiting, not_taken, “太快”, code 8 (Asia/Shanghai)",
            id="not-taken",
        ),
        pytest.param("13900000009", "139****0009 (139****0009): waiting; not submitted yet", id="waiting"),
        pytest.param(
            "+86 138 0000 0020",
            "138****0020 (138****0020): refused; 2026-11-23 10:01:01 refused, opted_out, "
            "not on the opt-out list any more (Asia/Shanghai)",
            id="opted-out-by-phone",
        ),
        pytest.param("x0", "x0 (no phone): excluded, no phone (no_phone)", id="no-phone"),
        pytest.param(
            "x1",
            "x1 (1****-*000): excluded, invalid number (bad_phone)",
            id="bad-phone",
        ),
        pytest.param(
            "x2",
            "x2 (138****0000): excluded, duplicate number (duplicate_phone): u0 (138****0000)",
            id="duplicate",
        ),
    ],
)
def test_why(told: tuple[Ledger, CampaignRow], person: str, expected: str) -> None:
    """One line says what became of somebody, with every step, in the campaign's own time zone."""
    assert report.why(*told, person) == expected


COPIES = pd.DataFrame(
    {
        "user_id": ["u1", "u2", "u1", "u3", "无", "13800000009"],
        "phone": [f"1380000000{n}" for n in (1, 1, 2, 2, 1, 1)],
        "name": [None, *"一二三四五"],
    }
)


@pytest.mark.parametrize(
    ("person", "parameters", "earlier"),
    [
        # u1's first row has no name, so u2 gets it; u1's second row gets it, so u3 does not.
        pytest.param("u3", {}, "u1 (138****0002)", id="planned"),
        pytest.param("13800000009", {}, "u2 (138****0001)", id="an-id-that-is-a-phone"),
        pytest.param("u3", {"holdout": 1}, "u1 (138****0002)", id="kept-back"),
        pytest.param("u3", {"global_holdout": 1}, "u1 (138****0002)", id="kept-back-from-all"),
    ],
)
def test_why_names_the_row_a_copy_is_a_copy_of(
    ledger: Ledger, person: str, parameters: dict[str, Any], earlier: str
) -> None:
    """It is the row that is planned or kept back, with its id and phone masked."""
    row = frozen(ledger, COPIES, **parameters)
    told = report.why(ledger, row, person)

    assert told.endswith(f": excluded, duplicate number (duplicate_phone): {earlier}")
    assert frames.why_frame(ledger, row, person)["provider_detail"].tolist() == [earlier]


def test_why_of_a_second_phone_names_the_first(ledger: Ledger) -> None:
    """Asked by a phone that is left out as the person's second, the answer names the phone that is not."""
    people = pd.DataFrame(
        {"user_id": ["u1", "u1"], "phone": ["13800000001", "13800000002"], "name": ["一", "二"]}
    )
    row = frozen(ledger, people)

    assert report.why(ledger, row, "13800000002") == (
        "u1 (138****0002): excluded, duplicate user (duplicate_user): u1 (138****0001)"
    )
    assert frames.why_frame(ledger, row, "13800000002", reveal=True)["provider_detail"].tolist() == [
        "u1 (+8613800000001)"
    ]


def test_why_by_phone_is_why_by_id(told: tuple[Ledger, CampaignRow]) -> None:
    """Somebody is found by id, or by phone however it is written."""
    lines = {report.why(*told, who) for who in ("u1", "13800000001", "+8613800000001", "138-0000-0001")}

    assert len(lines) == 1
    assert "MK:0001" in lines.pop()


@pytest.mark.parametrize("person", ["u99", "13800099999", "138-0009-9999", "1"])
def test_why_of_nobody(told: tuple[Ledger, CampaignRow], person: str) -> None:
    """Somebody who is nowhere in the file is said to be so, masked, with when it was read."""
    said = r"is not in the file that was read at 20\d\d-\d\d-\d\d \d\d:\d\d for campaign c \(live\)"
    with pytest.raises(InputError, match=said) as caught:
        report.why(*told, person)

    assert "0009" not in str(caught.value)


@pytest.mark.parametrize("person", ["", " ", "无", "-", "N/A", "０", "null"])
def test_why_of_what_is_no_id(told: tuple[Ledger, CampaignRow], person: str) -> None:
    """What is written where there is no id is nobody's, whether or not the file has it."""
    with pytest.raises(InputError, match="names nobody: give a user id, or a phone"):
        report.why(*told, person)


@pytest.mark.parametrize("person", ["138****0001", " １３８****0001"])
def test_why_of_a_phone_as_it_is_shown(told: tuple[Ledger, CampaignRow], person: str) -> None:
    """A masked phone is many people's: it is said what to give instead, not that nobody is there."""
    with pytest.raises(InputError, match="give the whole number, or the user id"):
        report.why(*told, person)


def test_every_reason_has_words() -> None:
    """Each reason is explained in words of its own."""
    words = [reason.words for reason in Reason if reason]

    assert all(words)
    assert len(set(words)) == len(Reason) - 1
