"""``smskit.sending.run_record`` and its rows: every run is written down, how it ended, and what it leaves."""

from __future__ import annotations

import dataclasses
import platform
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from smskit.cli.printing import print_runs
from smskit.errors import CampaignPaused, GuardRefused, LedgerLocked, NotUsable, SmskitError, SpecError
from smskit.ledger import Ledger, RunRow
from smskit.ledger.runs import ELSEWHERE_S
from smskit.ledger.schema import RUN, SENDER
from smskit.models import Mode
from smskit.planning.spec import CampaignSpec
from smskit.sending.campaign import Campaign
from smskit.sending.receipts import fetch
from smskit.sending.run_record import KEYS, Finisher, RunRecord, as_data, verdict_on
from smskit.settings import Environment
from smskit.simulator import FaultPlan, Simulator
from tests import live
from tests.test_report import frozen

PEOPLE = 12
NO_MONEY = {"kind": "code", "code": 3, "skip": 2, "rate": 1.0, "endpoint": "single_send"}
BAD_NUMBER = {"kind": "code", "code": 2, "scope": "item", "count": 2}


@dataclasses.dataclass
class Desk:
    """Campaigns of one segment, and the ledger they are in."""

    ledger: Ledger
    simulator: Simulator
    folder: Path

    def __post_init__(self) -> None:
        self.source = live.segment(self.folder / "people.csv", PEOPLE)
        self.environ = live.SINGLES.environ(self.simulator.url, self.folder)
        live.approve(self.simulator, live.SINGLES)

    def campaign(self, **more: Any) -> Campaign:
        return live.campaign(live.data(live.SINGLES, self.source, **more), self.environ)

    def faults(self, *faults: dict[str, Any]) -> None:
        self.simulator.world.set_faults(FaultPlan.model_validate({"faults": list(faults)}))


@pytest.fixture
def desk(ledger: Ledger, simulator: Simulator, tmp_path: Path) -> Desk:
    """A desk whose provider is the simulator."""
    return Desk(ledger, simulator, tmp_path)


def grey(code: str) -> str:
    """A code beside its words, as a report has it."""
    return f'<span class="code">{code}</span>'


class Heard:
    """Takes the place of a hook."""

    def __init__(self) -> None:
        self.data: list[Any] = []

    def __call__(self, data: Any) -> str:
        self.data.append(data)
        return "heard"


def spec(**more: Any) -> CampaignSpec:
    """A campaign that nothing is sent for here."""
    return CampaignSpec.from_data(
        {"campaign": "vip-2026-W47", "series": "vip", "segment": "x.csv", "mode": "live"} | more
    )


def leave(ledger: Ledger, **values: Any) -> RunRow:
    """A run that stays as running, with these fields."""
    row = ledger.runs.begin(
        campaign="vip-2026-W46", mode="live", series="vip", provider="yunpian", user="u", **values
    )
    return row


def put(ledger: Ledger, row: RunRow, **values: Any) -> None:
    """Make a row look as if another process had written it."""
    with ledger.database.write() as conn:
        conn.execute(sa.update(RUN).where(RUN.c.id == row.id).values(**values))


@pytest.mark.parametrize(
    ("error", "state", "code", "message"),
    [
        pytest.param(None, "finished", 0, "", id="finished"),
        pytest.param(CampaignPaused("3 wait"), "paused", 4, "3 wait", id="paused"),
        pytest.param(KeyboardInterrupt(), "paused", 4, "stopped by hand", id="by-hand"),
        pytest.param(GuardRefused("no"), "refused", 3, "no", id="guard"),
        pytest.param(NotUsable("no"), "refused", 3, "no", id="not-usable"),
        pytest.param(LedgerLocked("taken"), "refused", 4, "taken", id="locked"),
        pytest.param(SpecError("bad"), "failed", 2, "bad", id="usage"),
        pytest.param(SmskitError("to 13800100000"), "failed", 1, "to 138****0000", id="phone"),
        pytest.param(RuntimeError("key k1"), "failed", 1, "RuntimeError", id="foreign"),
    ],
)
def test_verdict(error: BaseException | None, state: str, code: int, message: str) -> None:
    """How a run ended follows from its error; what others say about theirs is not repeated."""
    assert verdict_on(error) == (state, code, message)


def test_a_run_that_finished(desk: Desk) -> None:
    """A sent campaign leaves a row with who, plan and books, and a report of its own."""
    campaign = desk.campaign(campaign="vip-2026-W47", series="vip")
    campaign.send()
    (row,) = desk.ledger.runs.find()
    data = as_data(row)

    assert campaign.record.row == row
    assert (row.state, row.exit_code, row.series) == ("finished", 0, "vip")
    assert row.plan_hash == campaign.plan().hash
    assert list(data) == list(KEYS)
    assert data["books"]["accepted"] == data["books"]["planned"] == PEOPLE
    assert data["versions"].keys() >= {"python", "smskit", "pandas", "provider smskit.providers.yunpian"}
    assert row.ended_at is not None
    assert row.ended_at >= row.started_at
    assert Path(row.report).parent == desk.folder / "runs"


def test_a_run_that_was_refused_keeps_its_plan(desk: Desk) -> None:
    """Nothing is frozen, but what was planned and why it was refused can be read."""
    with pytest.raises(GuardRefused):
        desk.campaign(max_recipients=3).send()
    (row,) = desk.ledger.runs.find()
    page = Path(row.report).read_text("utf-8")

    assert (row.state, row.exit_code, row.books) == ("refused", 3, None)
    assert "max_recipients" in row.message
    assert row.plan is not None
    assert row.plan["planned"] == PEOPLE
    assert row.plan_hash in page
    assert "max_recipients" in page


def test_each_call_is_a_run(desk: Desk) -> None:
    """A paused run and the one that goes on are two rows; a second send of a finished one a third."""
    campaign = desk.campaign()
    desk.faults(NO_MONEY)
    with pytest.raises(CampaignPaused):
        campaign.send()
    desk.faults()
    campaign.resume()
    campaign.send()

    runs = desk.ledger.runs.find()

    assert [row.state for row in runs] == ["paused", "finished", "finished"]
    assert [row.message[:22] for row in runs[1:]] == ["", "had finished before on"]


@pytest.mark.parametrize(
    ("language", "told"), [("zh", "此前已于 20"), ("en", "had finished before on 20")], ids=["zh", "en"]
)
def test_a_second_run_says_that_nothing_was_sent(
    desk: Desk, language: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends well, and its row, its page and `status --runs` say when the campaign had finished."""
    desk.environ["SMSKIT_LANG"] = language
    monkeypatch.setenv("SMSKIT_LANG", language)
    for _ in range(2):
        desk.campaign().send()
    first, second = desk.ledger.runs.find()
    print_runs(desk.ledger, [first, second], as_json=False)
    lines = capsys.readouterr().out.splitlines()
    began = datetime.fromtimestamp(second.started_at, ZoneInfo("Asia/Shanghai"))

    assert (second.state, second.exit_code) == ("finished", 0)
    assert [told in Path(run.report).read_text("utf-8") for run in (first, second)] == [False, True]
    assert [told in line for line in lines] == [False, True]
    said = {"zh": "已完成", "en": "finished"}[language]
    assert lines[1].startswith(f"{began:%Y-%m-%d %H:%M:%S} Asia/Shanghai  {said}")
    assert f"{began:%Y%m%d-%H%M%S}" in second.report


@pytest.mark.parametrize("how", ["campaign", "ledger"])
def test_receipts_renew_the_report(desk: Desk, how: str) -> None:
    """The report of the campaign's last run says what receipts brought, whoever fetched them."""
    desk.environ["SMSKIT_LANG"] = "en"
    at_once = {"delay_s": [0, 0], "fail_rate": 0, "double_rate": 0}
    desk.simulator.world.set_faults(FaultPlan.model_validate({"receipts": at_once}))
    campaign = desk.campaign()
    campaign.send()
    (row,) = desk.ledger.campaigns.find()
    if how == "campaign":
        campaign.receipts()
    else:
        fetch(desk.ledger, [row], environment=Environment(desk.environ))
    (run,) = desk.ledger.runs.find()
    page = Path(run.report).read_text("utf-8")

    assert run.books is not None
    assert run.books["delivered"] == PEOPLE
    assert f"<td>——— delivered</td><td class=n>{PEOPLE}</td>" in page
    assert "Delivery over time" in page


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            "zh",
            [
                *("— 已受理", f"对照组 {grey('holdout')}", f"已退订 {grey('opted_out')}"),
                *(">被拒<", 'lang="zh"', "<td>user_id != ", "【", "people.csv"),
            ],
        ),
        (
            "en",
            [
                *("— accepted", ">holdout<", f"opted out {grey('opted_out')}"),
                *(">refused<", 'lang="en"', "<td>user_id != ", "【", "people.csv"),
            ],
        ),
    ],
)
def test_report(desk: Desk, language: str, told: list[str]) -> None:
    """The report accounts for everybody, in one language, with the provider's codes and nothing secret."""
    desk.environ["SMSKIT_LANG"] = language
    desk.ledger.opt_outs.add([8613800100000], source="test")
    desk.faults(BAD_NUMBER)
    desk.campaign(holdout=0.5, rules=[{"column": "user_id", "op": "!=", "value": "vip13800100011"}]).send()
    (row,) = desk.ledger.runs.find()
    page = Path(row.report).read_text("utf-8")
    books = as_data(row)["books"]

    assert books["refused"] > 0
    assert books["excluded"]["holdout"] > 0
    assert [words for words in (*told, "prefers-color-scheme") if words not in page] == []
    assert page.count("【") == 1, "one signature"
    assert grey("2") in page, "the provider's own code"
    assert not re.search(r"13800100\d{3}|<script|https?://", page)
    assert live.YUNPIAN_KEY not in page


def test_reports_can_be_off(desk: Desk) -> None:
    """``SMSKIT_RUNS_FOLDER=off`` leaves the row and no file."""
    desk.environ["SMSKIT_RUNS_FOLDER"] = "off"
    desk.campaign().send()

    assert [row.report for row in desk.ledger.runs.find()] == [""]
    assert not (desk.folder / "runs").exists()


def test_what_cannot_be_written_changes_nothing(ledger: Ledger) -> None:
    """A report or hook that fails leaves the run as it ended."""

    def full(*_: object) -> str:
        raise OSError("no space left")

    record = RunRecord(ledger, spec(), finisher=Finisher(ledger, full, Heard()))
    with record.sending(lambda: None):
        pass

    assert record.row is not None
    assert (record.row.state, record.row.report, record.row.told) == ("finished", "", "heard")


def test_a_whole_notebook_is_one_run(ledger: Ledger) -> None:
    """What fails before or after sending is how it ended, told of once each time it changes."""
    heard = Heard()
    record = RunRecord(ledger, spec(), finisher=Finisher(ledger, tell=heard))
    record.begin(whole=True)
    with record.sending(lambda: None):
        pass
    for _ in range(2):
        with pytest.raises(CampaignPaused), record.step():
            raise CampaignPaused("2 wait")

    assert [(row.state, row.message) for row in ledger.runs.find()] == [("paused", "2 wait")]
    assert [data["state"] for data in heard.data] == ["finished", "paused"]


def test_a_person_before_a_notebook(ledger: Ledger) -> None:
    """Where somebody clicks, only sending is a run: a step that fails is seen by that person."""
    record = RunRecord(ledger, spec())
    with pytest.raises(SpecError), record.step():
        raise SpecError("look again")
    record.end_unsent("not confirmed")
    record.refresh()

    assert ledger.runs.find() == []


def test_the_dead_are_told_of_by_the_next(ledger: Ledger) -> None:
    """A run whose process is gone reads as died; the next of its series tells of it, once."""
    dead = leave(ledger)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    put(ledger, dead, pid=gone.pid)
    before = ledger.runs.find()
    heard = Heard()
    for week in (47, 48):
        finisher = Finisher(ledger, tell=heard)
        record = RunRecord(ledger, spec(campaign=f"vip-2026-W{week}"), finisher=finisher)
        with record.sending(lambda: None):
            pass

    assert [row.state for row in before] == ["died"]
    assert [(data["campaign"], data["state"]) for data in heard.data] == [
        ("vip-2026-W46", "died"),
        ("vip-2026-W47", "finished"),
        ("vip-2026-W48", "finished"),
    ]
    assert ledger.runs.find()[0].told == "heard"
    assert ledger.runs.find(state="died")[0].id == dead.id


NAMESAKE = f"{platform.node()}#another"


@pytest.mark.parametrize(
    ("change", "died"),
    [
        pytest.param({"user": "somebody"}, False, id="this-process"),
        pytest.param({"process_started": 1.0}, True, id="number-used-again"),
        pytest.param({"host": "elsewhere"}, False, id="elsewhere-young"),
        pytest.param(
            {"host": platform.node(), "process_started": 1.0}, True, id="as-an-older-smskit-noted-it"
        ),
        pytest.param({"host": NAMESAKE, "process_started": 1.0}, False, id="another-machine-of-this-name"),
        pytest.param({"host": "elsewhere", "started_at": 1.0}, True, id="elsewhere-without-lease"),
    ],
)
def test_who_died(ledger: Ledger, change: dict[str, Any], died: bool) -> None:
    """As senders are judged: this machine's processes are looked up; who never sent is dead in an hour."""
    assert ELSEWHERE_S == 3600
    put(ledger, leave(ledger), **change)
    (row,) = ledger.runs.find()

    assert (row.state == "died") is died
    assert ledger.runs.find(state="running") == ([] if died else [row])


@pytest.mark.parametrize("host", ["elsewhere", NAMESAKE])
def test_a_run_dies_with_its_sender(ledger: Ledger, host: str) -> None:
    """Of another machine, or of this one before it started anew: as soon as the sender counts as dead."""
    campaign = frozen(ledger).id
    row = leave(ledger)
    put(ledger, row, host=host, process_started=1.0, campaign="c")
    sender = {
        "token": "t",
        "campaign_id": campaign,
        "role": "alone",
        "host": host,
        "pid": row.pid,
        "since": 1.0,
    }
    states = []
    for until in (ledger.database.clock() + 60, ledger.database.clock() - 1):
        with ledger.database.write() as conn:
            conn.execute(SENDER.delete())
            conn.execute(SENDER.insert().values(**sender, process_started=1.0, until=until))
        states += [found.state for found in ledger.runs.find()]

    assert states == ["running", "died"]


def test_runs_are_found(ledger: Ledger) -> None:
    """By campaign, mode, series, token and the last so many, oldest first."""
    first, second = leave(ledger, token="t1"), leave(ledger, token="t2")

    assert ledger.runs.find(token="t2") == [second]
    assert ledger.runs.find(campaign="vip-2026-W46", mode=Mode.LIVE, series="vip") == [first, second]
    assert ledger.runs.find(mode=Mode.REHEARSE) == []
    assert ledger.runs.find(last=1) == [second]
