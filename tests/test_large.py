"""``smskit.large``: a plan made in parts, by workers that may die, is the plan made in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from smskit.audience import segment as segment_module
from smskit.errors import InputError, RuleError, SettingsError
from smskit.large.cluster import client_of
from smskit.large.freezing import freeze_in_parts
from smskit.large.planning import LargePlan, plan_in_parts
from smskit.ledger import CampaignRow, Frozen, Ledger
from smskit.message.template import Template
from smskit.message.variables import parse_bindings
from smskit.models import Mode
from smskit.planning.exclusions import History
from smskit.planning.partition import Question
from smskit.planning.plan import Plan, build, columns_read
from smskit.planning.recipients import ProviderLimits
from smskit.planning.spec import CampaignSpec
from smskit.settings import LargeSettings
from tests.test_campaign import Desk
from tests.test_campaign import desk as desk
from tests.test_files import written
from tests.test_plan_hashes import BASE, CASES, HISTORY, NOW, STRICT
from tests.test_plan_hashes import segment as people_of_every_kind

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("dask")]

WORKERS = LargeSettings(workers=2)


@pytest.fixture(scope="session")
def client() -> Any:
    """Of two workers, which all tests here share; they end with the session."""
    return client_of(WORKERS)


def both(
    client: Any, folder: Path, more: dict[str, Any], known: dict[str, Any], part_rows: int = 37
) -> tuple[Plan, LargePlan]:
    """The plan of a campaign in memory and in parts."""
    spec = CampaignSpec.from_data(BASE | more)
    template = Template.parse(spec.template, signature=spec.signature)
    bindings = parse_bindings(spec.variables)
    columns = columns_read(spec, bindings)
    fit, past = known.get("fit", ProviderLimits()), known.get("past", History())
    salt = known.get("holdout_salt", "")
    texts = {spec.phone, spec.user_id} - {""}
    frame = segment_module.load(str(folder), text_columns=texts, columns=columns)
    files = segment_module.parquet_files(str(folder))
    assert files is not None
    made = plan_in_parts(
        Question(spec, template, bindings, fit, NOW, salt),
        files,
        client,
        columns=columns,
        past=past,
        part_rows=part_rows,
    )
    return build(spec, frame, template, bindings, fit=fit, past=past, now=NOW, holdout_salt=salt), made


def same(memory: Plan, parts: LargePlan) -> bool:
    """Whether all that is told of them is the same, and rows from anywhere."""
    assert parts.summary() == memory.summary()
    assert parts.hash == memory.hash
    assert parts.waterfall().equals(memory.waterfall())
    rows = np.array([len(memory) - 1, len(memory) // 2, 0] if len(memory) else [], np.int64)
    assert parts.frame(rows).equals(memory.frame(rows))
    return len(parts) == len(memory)


def test_every_kind_of_plan(client: Any, tmp_path: Path) -> None:
    """Hash, books, steps, coverage, notices and rows, whatever reasons, caps and holdouts there are."""
    folder = written(people_of_every_kind(), tmp_path / "data")
    for name, (more, known) in CASES.items():
        assert same(*both(client, folder, more, known)), name


def test_copies_that_stand_far_apart(client: Any, tmp_path: Path) -> None:
    """Chains of copies across parts, ids that name nobody, and a no of one row for the copies in others."""
    rng, n = np.random.default_rng(5), 2_000
    frame = people_of_every_kind().iloc[rng.integers(0, 240, n)].reset_index(drop=True)
    frame["phone"] = [str(13800000000 + k) for k in rng.integers(0, 900, n)]
    frame["user_id"] = [("-", "无", f"u{k}")[min(2, k % 40)] for k in rng.integers(0, 900, n)]
    frame["name"] = [f"用户{k}" for k in rng.integers(0, 9, n)]
    folder = written(frame, tmp_path / "data", files=7)
    more = {"consent": "agreed", "holdout": 0.1, "frequency_cap": "2/7d"}
    memory, parts = both(client, folder, more, {"past": HISTORY}, part_rows=101)

    assert same(memory, parts)
    assert {"duplicate_phone", "duplicate_user", "opted_out"} <= set(parts.excluded)
    assert any("Left out as copies" in notice for notice in parts.notices)


def test_days_by_the_campaigns_clock(client: Any, tmp_path: Path) -> None:
    """Zoned cells are told by the clock of the campaign in parts, too, by its rules and its messages."""
    frame = people_of_every_kind().assign(due=pd.Timestamp("2026-12-09T16:00Z"))
    more = {
        "template": "{due}前有效。拒收请回复R",
        "variables": {"due": {"column": "due", "format": "%m月%d日"}},
        "rules": {"column": "due", "op": "after", "value": "2026-12-09"},
    }
    memory, parts = both(client, written(frame, tmp_path / "data"), more, {})

    assert same(memory, parts)
    assert set(parts.frame(np.arange(3))["text"]) == {"【云片】12月10日前有效。拒收请回复R"}


# Text columns whose first part, read alone, would read as something else than the whole.
NUMBERS = ["1,000", "￥500", "12", "7", "-"] * 48
DATES = ["2026-11-01", "2026/11/2", "11", "soon"] * 60
FLAGS = ["1", "0", "是", "否"] * 60
CODES = ["12"] * 200 + ["007"] * 40
RULES: dict[str, Any] = {
    "numbers": {"column": "x", "op": ">", "value": 100},
    "numbers, a few of which are none": {"column": "nearly", "op": "==", "value": "12"},
    "dates": {"column": "x", "op": "before", "value": "2026-11-02"},
    "yes and no": {"column": "x", "op": "==", "value": "是"},
    "yes and no as numbers": {"column": "x", "op": ">", "value": 0},
    "codes": {"column": "x", "op": "<", "value": "1"},
    "a list in one text": {"column": "x", "op": "==", "value": "上海|北京"},
}


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        (NUMBERS, "numbers"),
        (sorted(NUMBERS), "numbers"),
        (DATES, "dates"),
        (FLAGS, "yes and no"),
        (sorted(FLAGS), "yes and no as numbers"),
        (CODES, "codes"),
        (["上海|北京"] + ["上海", "北京"] * 119 + ["深圳"], "a list in one text"),
        (["上海", "北京"] * 119 + ["深圳", "上海|北京"], "a list in one text"),
    ],
)
def test_text_reads_as_the_whole_does(client: Any, tmp_path: Path, cells: list[str], rule: str) -> None:
    """How a rule reads a text column is decided over all parts, and so is what it says of cells unread."""
    frame = people_of_every_kind().assign(x=cells)
    folder = written(frame, tmp_path / "data")

    assert same(*both(client, folder, {"rules": RULES[rule]}, {}))


def test_a_list_of_cells_is_refused_in_parts_too(client: Any, tmp_path: Path) -> None:
    """The error is the one that the whole would give."""
    folder = written(people_of_every_kind().assign(x=["上海", "北京"] * 120), tmp_path / "data")
    with pytest.raises(RuleError, match="no cell of `x` reads") as parts:
        both_or_none(client, folder, RULES["a list in one text"])
    with pytest.raises(InputError, match="no column `levle`"):
        both_or_none(client, folder, {"column": "levle", "op": "==", "value": "gold"})

    assert "several values are a list" in str(parts.value)


def both_or_none(client: Any, folder: Path, rule: dict[str, Any]) -> None:
    """Plan in parts alone, which fails."""
    spec = CampaignSpec.from_data(BASE | {"rules": rule})
    template, bindings = Template.parse(spec.template, signature="云片"), parse_bindings(spec.variables)
    files = segment_module.parquet_files(str(folder))
    assert files is not None
    asked = Question(spec, template, bindings, ProviderLimits(), NOW)
    plan_in_parts(asked, files, client, columns=columns_read(spec, bindings), past=History(), part_rows=37)


def frozen(ledger: Ledger, plan: Plan, name: str) -> CampaignRow:
    """The plan's campaign, stored the one way or the other."""
    planned: dict[str, Any] = {
        "name": name,
        "mode": Mode.LIVE,
        "provider": "acme",
        "plan_hash": plan.hash,
        "spec": {"campaign": name},
        "summary": plan.summary(),
        "by": "",
    }
    if isinstance(plan, LargePlan):
        return freeze_in_parts(plan, ledger, **planned)
    return ledger.campaigns.freeze(frozen=Frozen.of(plan), **planned)


def stored(ledger: Ledger, row: CampaignRow) -> list[Any]:
    """Everybody of a campaign as the ledger hands them out."""
    whole = Frozen.joined(ledger.audience.everybody(row.id))
    return [
        whole.phones.tolist(),
        whole.persons.to_pylist(),
        whole.parts.tolist(),
        {name: column.to_pylist() for name, column in whole.variables.items()},
        [person for table in ledger.audience.excluded(row.id) for person in table.to_pylist()],
        sorted(
            (group.rule, group.unknown, str(person))
            for group in ledger.audience.all_ruled_out(row.id)
            for person in group.people.to_pylist()
        ),
    ]


@pytest.mark.parametrize("name", ["everything", "a strict provider", "nobody"])
def test_the_audience_is_the_same(client: Any, tmp_path: Path, ledger: Ledger, name: str) -> None:
    """Who is planned, excluded and ruled out, in the order of the segment, with texts and parts."""
    more, known = CASES[name]
    if known.get("fit") is STRICT:  # neighbours within a part only
        known = known | {"fit": STRICT._replace(group_equal=False)}
    memory, parts = both(client, written(people_of_every_kind(), tmp_path / "data"), more, known)

    assert stored(ledger, frozen(ledger, parts, "parts")) == stored(ledger, frozen(ledger, memory, "memory"))


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch, client: Any) -> None:
    """Every segment is large, and its parts are small."""
    monkeypatch.setitem(plan_in_parts.__kwdefaults__ or {}, "part_rows", 37)
    monkeypatch.setattr("smskit.large.cluster.client_of", lambda _: client)


def test_what_was_planned_in_parts_is_sent_once_each(desk: Desk, tmp_path: Path, small_parts: None) -> None:
    """By `engine: dask` the simulator gets the messages of `engine: memory`, and a second run knows it."""
    frame = pd.DataFrame(
        {
            "user_id": [f"u{n}" for n in range(120)],
            "phone": [str(13800000000 + n % 110) for n in range(120)],
            "name": [f"用户{n}" for n in range(120)],
            "coupon": [50 + n for n in range(120)],
        }
    )
    folder = written(frame, tmp_path / "data")
    campaign = desk.campaign(frame, segment=str(folder), engine="dask")
    campaign.planner.frame = None
    outcome = campaign.send()
    messages = campaign.messages(reveal=True)
    again = desk.campaign(frame, segment=str(folder), engine="memory")
    second = again.send()
    sent = desk.sent()

    assert isinstance(campaign.plan(), LargePlan)
    assert outcome.books.accepted == 110
    assert len(sent) == 110
    assert sorted(messages.loc[messages.state == "accepted", "phone"].str[1:]) == sorted(sent)
    assert "nothing was sent" in second.note


def test_previews_look_at_the_first_part_and_say_so(client: Any, tmp_path: Path) -> None:
    """Counts are of all; rows are asked for by number, and all at once are too many."""
    _, parts = both(client, written(people_of_every_kind(), tmp_path / "data"), {}, {})
    with pytest.raises(InputError, match="240 rows, which are too many at once"):
        parts.frame()

    assert str(parts.looked_at) == "the segment is large: previews look in its first 23 rows of 240"
    assert len(parts.preview()) > 5
    assert len(parts) == 240


def test_a_scheduler_that_does_not_answer_is_named() -> None:
    """The setting is, its address is not."""
    with pytest.raises(SettingsError, match="SMSKIT_DASK does not answer"):
        client_of(LargeSettings(scheduler="tcp://127.0.0.1:9"))
