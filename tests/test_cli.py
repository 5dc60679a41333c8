"""``smskit.cli.commands``: what commands print and exit with; ``python -m smskit``."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest
import yaml

from smskit.cli import commands as cli
from smskit.cli.help import helped, translated_command
from smskit.errors import CampaignPaused
from smskit.ledger import Ledger
from smskit.ledger.opening import open_ledger
from smskit.models import Mode
from smskit.planning.spec import CampaignSpec
from smskit.sending.access import ProviderAccess, ProviderFacts
from smskit.sending.campaign import Campaign
from smskit.sending.clock import Clock
from smskit.sending.rehearsal import limits_of, provider_for
from smskit.settings import Environment
from smskit.simulator import FaultPlan, Simulator
from tests import live
from tests.messages import foreign
from tests.test_report import STATUS_KEYS

PEOPLE = 6
FIRST = 8613800100000


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Done]
BROKE = {"kind": "code", "code": 3, "skip": 2, "rate": 1.0, "endpoint": "single_send"}  # no money left


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in this process, which is quicker than a child."""

    def command(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["smskit", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return Done(int(ended.value.code or 0), *capsys.readouterr())

    return command


class Desk:
    """A folder with a segment, a parameter file and an account with the simulator."""

    def __init__(self, simulator: Simulator, folder: Path) -> None:
        self.folder, self.world = folder, simulator.world
        self.environ = live.SINGLES.environ(simulator.url, folder)
        self.source = live.segment(folder / "people.csv", PEOPLE)
        live.approve(simulator, live.SINGLES)

    def file(self, **more: Any) -> Path:
        """A parameter file of a live campaign."""
        path = self.folder / "campaign.yaml"
        path.write_text(yaml.safe_dump(live.data(live.SINGLES, self.source, **more), allow_unicode=True))
        return path

    def send(self, **more: Any) -> None:
        """A live campaign, from start to end."""
        live.send(live.data(live.SINGLES, self.source, **more), self.environ)

    def faults(self, *faults: dict[str, Any]) -> None:
        """Let these things go wrong from now on; none = nothing."""
        self.world.set_faults(FaultPlan.model_validate({"faults": list(faults)}))

    def pause(self, **more: Any) -> None:
        """A live campaign that ran out of money after some people."""
        self.faults(BROKE)
        with pytest.raises(CampaignPaused):
            self.send(**more)
        self.faults()

    def child(self, *arguments: object, **environ: str) -> Done:
        """Run ``python -m smskit`` with exactly this desk's environment."""
        command = [sys.executable, "-m", "smskit", *map(str, arguments)]
        env = self.environ | {"PATH": "/usr/bin:/bin"} | environ
        done = subprocess.run(
            command, env=env, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False
        )
        return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def desk(simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk whose settings this process has too."""
    made = Desk(simulator, tmp_path)
    for name, value in made.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return made


# -- exit codes, through the door people use --------------------------------------------------


def test_exit_0_when_done(desk: Desk) -> None:
    """A plan, and a resumed campaign that finishes, exit 0."""
    planned = desk.child("plan", desk.file())
    desk.pause()
    resumed = desk.child("resume", "live-1")

    assert (planned.code, planned.err.splitlines()) == (
        0,
        [f"smskit: new ledger {desk.folder / 'ledger.db'}"],
    )
    assert "6 people, 6 parts, about ¥0.30; plan hash q" in planned.out
    assert resumed.code == 0
    assert "live-1 (live, yunpian): finished" in resumed.out
    assert desk.world.accepted() == desk.world.phones() == PEOPLE


def test_exit_2_for_usage(desk: Desk) -> None:
    """A misspelt parameter exits 2 with one line that helps, and no traceback."""
    file = desk.file(max_recipient=5)
    at = next(n for n, line in enumerate(file.read_text("utf-8").splitlines(), 1) if "max_recipient:" in line)
    why = "unknown parameter `max_recipient`; did you mean `max_recipients`?"

    assert desk.child("plan", file) == Done(2, "", f"smskit: {file}:{at}: {why}\n")


def test_exit_3_when_not_usable_or_refused(desk: Desk) -> None:
    """A provider that says no exits 3, whether it was only asked or something was to be sent."""
    desk.pause()
    sent = desk.world.accepted()
    checked = desk.child("check", "yunpian", "--signature", "别的")
    desk.world.register("yunpian", live.YUNPIAN_KEY, signatures=["别的"])
    not_usable = desk.child("resume", "live-1")

    assert (checked.code, not_usable.code) == (3, 3)
    assert "NOT signature: 15 【别的】 “签名不匹配”" in checked.out
    assert "yunpian is not usable as set up" in not_usable.err
    assert desk.world.accepted() == sent


def test_exit_4_when_incomplete(desk: Desk) -> None:
    """A run that stops with people waiting exits 4 and says how to go on."""
    desk.pause()
    desk.faults({"kind": "code", "code": 3, "rate": 1.0, "endpoint": "single_send"})
    done = desk.child("resume", "live-1")

    assert done.code == 4
    assert "`smskit resume live-1`" in done.err
    assert "Traceback" not in done.err


def test_script_and_module_are_the_same(desk: Desk) -> None:
    """``smskit`` is ``python -m smskit``."""
    script = subprocess.run(
        [Path(sys.executable).parent / "smskit", "opt-out"], capture_output=True, text=True, check=False
    )
    module = desk.child("opt-out")

    assert module.out.replace("python -m smskit", "smskit").split() == script.stdout.split()
    assert script.returncode == module.code == 2


# -- the same, in this process -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        pytest.param(["plna"], 2, id="no-such-command"),
        pytest.param(["plan"], 2, id="plan-of-what"),
        pytest.param(["plan", "missing.yaml"], 2, id="no-parameter-file"),
        pytest.param(["status", "nobody"], 2, id="no-such-campaign"),
        pytest.param(["status", "--mode", "real"], 2, id="no-such-mode"),
        pytest.param(["messages", "live-1", "--format", "xml"], 2, id="no-such-format"),
        pytest.param(["messages", "live-1", "--format", "parquet"], 2, id="parquet-without-file"),
        pytest.param(["why", "live-1", "nobody"], 2, id="nobody"),
        pytest.param(["settle", "live-1"], 2, id="settle-how"),
        pytest.param(["settle", "live-1", "--resend", "--give-up"], 2, id="settle-both"),
        pytest.param(["opt-out", "add", "12345"], 2, id="no-phone"),
        pytest.param(["opt-out", "import", "missing.csv"], 2, id="no-file"),
        pytest.param(["forget", "live-1", "--mode", "live"], 2, id="forget-live"),
        pytest.param(["check", "yunpain"], 2, id="no-such-provider"),
        pytest.param(["resume", "planned", "--mode", "plan"], 3, id="resume-a-plan"),
    ],
)
def test_what_is_refused(desk: Desk, run: Run, arguments: list[str], code: int) -> None:
    """What cannot be meant is refused with one line on standard error and nothing on standard output."""
    desk.send()
    run("plan", desk.file(campaign="planned"))
    done = run(*arguments)

    assert done.code == code
    assert done.out == ""
    assert done.err.count("\n") == 1 or "Usage:" in done.err


# -- plan ------------------------------------------------------------------------------------------


def test_plan_tells_what_the_text_lacks(desk: Desk, run: Run) -> None:
    """A marketing text without a way to opt out is noticed, for people and for programs, and not refused."""
    bare = desk.file(template="你好{name}，送你{coupon}元。")
    told, data = run("plan", bare), run("plan", bare, "--json").data

    assert told.code == 0
    assert "\nnotice: the text does not say how to opt out" in told.out
    assert len(data["notices"]) == 1
    assert data["guards"] == []
    assert run("plan", desk.file(), "--json").data["notices"] == []


def test_plan_prints_data_for_programs(desk: Desk, run: Run) -> None:
    """``plan --json`` prints the status of the plan, its steps and what a run would be refused for."""
    rules = [{"column": "coupon", "op": "<", "value": 200}]
    done = run("plan", desk.file(rules=rules, max_recipients=1, plan_hash="p1"), "--json")
    by_status = run("status", "live-1", "--mode", "plan", "--json")

    assert done.code == 0
    assert list(done.data) == [*STATUS_KEYS, "guards", "steps", "notices"]
    assert {k: done.data[k] for k in STATUS_KEYS} == by_status.data
    assert (done.data["mode"], done.data["segment"], done.data["planned"]) == ("plan", 4, 4)
    assert [step["kept"] for step in done.data["steps"]] == [4]
    assert [word in g for word, g in zip(["plan_hash", "max_recipients"], done.data["guards"], strict=True)]
    assert desk.world.accepted() == 0


def test_plan_prints_a_waterfall_for_people(desk: Desk, run: Run) -> None:
    """Without ``--json`` the waterfall, the cost, the hash and the guards are shown."""
    done = run("plan", desk.file(max_cost="0.29"))
    wanted = run("status", "live-1", "--mode", "plan", "--json").data["plan_hash"]

    assert [line.split() for line in done.out.splitlines()[:3]] == [
        ["step", "left_out", "left"],
        ["read", "0", "6"],
        ["planned", "0", "6"],
    ]
    assert f"about ¥0.30; plan hash {wanted}" in done.out
    assert "a run would be refused: about ¥0.30 are more than `max_cost` (¥0.29)" in done.out


# -- books --------------------------------------------------------------------------------------------


def test_status_of_one_and_of_all(desk: Desk, run: Run) -> None:
    """With an id one object, the live campaign first; without one a list, in the order they were made."""
    nothing = run("status"), run("status", "--json")
    run("plan", desk.file())
    desk.send()
    one, listed = run("status", "live-1", "--json"), run("status", "--json")
    plans = run("status", "--mode", "plan", "--json")

    assert "no campaign yet" in nothing[0].out
    assert nothing[1].data == []
    assert list(one.data) == STATUS_KEYS
    assert (one.data["mode"], one.data["accepted"], one.data["state"]) == ("live", PEOPLE, "finished")
    assert [(row["campaign"], row["mode"]) for row in listed.data] == [("live-1", "plan"), ("live-1", "live")]
    assert listed.data[1] == one.data
    assert [row["mode"] for row in plans.data] == ["plan"]
    assert "did you mean `live-1`?" in run("status", "live").err


def test_books_are_printed_as_sums(desk: Desk, run: Run) -> None:
    """The printed books are the sums of DESIGN promise 2."""
    frame = pd.read_csv(desk.source, dtype=str)
    frame.loc[0, "phone"], frame.loc[1, "phone"] = "", frame.loc[2, "phone"]
    frame.to_csv(desk.source, index=False)
    desk.send()
    lines = [line.strip() for line in run("status", "live-1").out.splitlines()]
    table = run("status").out.splitlines()

    assert lines[0] == "live-1 (live, yunpian): finished"
    assert lines[1] == "read 6 = ruled out 0 + segment 6"
    assert lines[2] == "segment 6 = excluded 2 + planned 4"
    assert lines[3:5] == ["no phone (no_phone) 1", "duplicate number (duplicate_phone) 1"]
    assert lines[5] == "planned = waiting 0 + submitting 0 + accepted 4 (100.0%) + refused 0 + unknown 0"
    assert lines[6] == "accepted = delivered 0 + undelivered 0 + awaiting 4 (100.0%)"
    assert lines[7].startswith("4 parts, about ¥0.20; plan q")
    assert table[0].split()[:4] == ["campaign", "mode", "state", "provider"]
    assert table[1].split()[:4] == ["live-1", "live", "finished", "yunpian"]


# -- people -------------------------------------------------------------------------------------------


def test_messages(desk: Desk, run: Run) -> None:
    """One line a person, masked unless revealed, to standard output or to a file."""
    desk.send()
    as_csv = run("messages", "live-1")
    lines = [json.loads(line) for line in run("messages", "live-1", "--format", "jsonl").out.splitlines()]
    revealed = run("messages", "live-1", "--format", "jsonl", "--reveal")
    to_file = run("messages", "live-1", "--format", "parquet", "-o", desk.folder / "m.parquet")
    phones = {line.phone for line in desk.world.messages()}

    assert as_csv.out.splitlines()[0].startswith("user_id,phone,state,reason,text,parts")
    assert "8001000" not in as_csv.out
    assert [line["phone"] for line in lines] == [f"138****{n:04d}" for n in range(PEOPLE)]
    assert {json.loads(line)["phone"] for line in revealed.out.splitlines()} == phones
    assert to_file == Done(0, "", "")
    assert pd.read_parquet(desk.folder / "m.parquet")["state"].tolist() == ["accepted"] * PEOPLE


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("m.xlsx", b"PK"),
        ("M.PARQUET", b"PAR1"),
        ("m.jsonl", b"{"),
        ("m.csv", b"\xef\xbb\xbf"),
        ("m.txt", b"\xef\xbb\xbf"),
    ],
)
def test_messages_are_what_their_ending_says(desk: Desk, run: Run, name: str, begins: bytes) -> None:
    desk.send()
    assert run("messages", "live-1", "-o", desk.folder / name).code == 0
    assert (desk.folder / name).read_bytes().startswith(begins)


@pytest.mark.parametrize(
    ("name", "given", "kind"),
    [
        ("q.csv", "json", "json"),
        ("q.JSON", "csv", "csv"),
        ("q.xlsx", "parquet", "parquet"),
        ("q.jsonl", "json", "json"),
        ("q.xls", "xlsx", "xlsx"),
        ("q.tsv", "", "csv"),
        ("q.xls", "", "csv"),
    ],
)
def test_messages_that_are_not_what_their_name_says(
    desk: Desk, run: Run, name: str, given: str, kind: str
) -> None:
    """They are written as they were asked for, and it is said."""
    desk.send()
    done = run("messages", "live-1", *(["--format", given] if given else []), "-o", desk.folder / name)
    run("messages", "live-1", "--format", kind, "-o", desk.folder / f"same.{kind}")

    assert (done.code, done.err) == (0, f"smskit: `{name}` is {kind}, which its name does not say\n")
    if kind != "xlsx":  # whose parts have the time in them
        assert (desk.folder / name).read_bytes() == (desk.folder / f"same.{kind}").read_bytes()


def test_why(desk: Desk, run: Run) -> None:
    """One line with the evidence, by user id or by phone."""
    desk.send()
    by_id, by_phone = run("why", "live-1", "u000002"), run("why", "live-1", "13800100002")

    assert by_id == by_phone
    assert by_id.out.count("\n") == 1
    assert by_id.out.startswith("u000002 (138****0002): accepted; ")


@pytest.mark.parametrize("format_", ["%m月%d日", None], ids=["format", "no-format"])
def test_why_of_a_value_that_cannot_be_sent(desk: Desk, run: Run, format_: str | None) -> None:
    """All that may be wrong with it is told, in both languages; a format only where there is one."""
    pd.read_csv(desk.source, dtype=str).assign(name="46000\x07").to_csv(desk.source, index=False)
    binding = {"column": "name", "format": format_} if format_ else "name"
    run("plan", desk.file(variables={"name": binding, "coupon": "coupon"}))
    told = run("why", "live-1", "u000000").out
    chinese = desk.child("why", "live-1", "u000000", SMSKIT_LANG="zh").out

    assert told.startswith("u000000 (138****0000): excluded, variable not allowed (bad_variable): ")
    assert "second pair of brackets" in told
    assert "a control character, a lost letter" in told
    assert ("no date or time that its `format`" in told) == (format_ is not None)
    assert "含控制字符、乱码字" in chinese
    assert "holds" not in chinese


def test_why_of_somebody_a_rule_left_out(desk: Desk, run: Run) -> None:
    """The rule and the value are told by user id and by phone, in both languages, when the file is gone."""
    people = pd.read_csv(desk.source, dtype=str).head(3)
    people.assign(会员等级=["普通会员", "金卡", None]).to_csv(desk.source, index=False)
    rules = {"all": [{"column": "会员等级", "op": "in", "value": ["金卡", "铂金"]}]}
    run("plan", desk.file(rules=rules))
    desk.source.unlink()
    by_id, by_phone = run("why", "live-1", "u000000"), run("why", "live-1", "13800100000")
    missing = run("why", "live-1", "u000002")
    nobody = run("why", "live-1", "13999999999")
    chinese = desk.child("why", "live-1", "u000000", SMSKIT_LANG="zh")
    status = run("status", "live-1", "--json").data

    assert by_id == by_phone
    assert by_id == Done(
        0,
        'u000000 (138****0000): ruled out by rule 1 (`会员等级` is one of "金卡", "铂金"): '
        '`会员等级` is "普通会员"\n',
        "",
    )
    assert missing.out.endswith('"金卡", "铂金"): `会员等级`: value missing\n')
    assert chinese.out == (
        'u000000 (138****0000)：被规则 1 筛除，要求 `会员等级` 属于 "金卡", "铂金"：'
        '`会员等级` 为 "普通会员"\n'
    )
    assert nobody.code == 2
    assert "139****9999 is not in the file that was read at 20" in nobody.err
    assert (status["read"], status["ruled_out"], status["segment"]) == (3, 2, 1)
    assert "read 3 = ruled out 2 + segment 1\n" in run("status", "live-1").out


# -- afterwards ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["--give-up", "--resend"])
def test_settle(desk: Desk, run: Run, word: str) -> None:
    """What stayed unknown is given up as refused, or waits to be sent again, as a person says."""
    desk.faults({"kind": "drop_before_accept", "rate": 1.0})
    desk.send()
    unknown = run("status", "live-1", "--json").data["unknown"]
    desk.faults()
    settled = run("settle", "live-1", word)
    after = run("status", "live-1", "--json").data
    resumed = run("resume", "live-1")

    assert unknown == PEOPLE
    assert settled.code == resumed.code == 0
    assert after["unknown"] == 0
    if word == "--give-up":
        assert settled.out == "6 given up\n"
        assert (after["refused"], after["state"]) == (PEOPLE, "finished")
        assert desk.world.accepted() == 0
        assert "given_up" in run("why", "live-1", "u000000").out
    else:
        assert "6 wait to be sent again: `smskit resume live-1`" in settled.out
        assert (after["waiting"], after["state"]) == (PEOPLE, "paused")
        assert desk.world.accepted() == PEOPLE


def test_receipts(desk: Desk, run: Run) -> None:
    """Fetching receipts tells what came, and the books know it."""
    desk.world.set_faults(FaultPlan.model_validate({"receipts": {"delay_s": [0, 0]}}))
    desk.send()
    done = run("receipts", "live-1", "--watch")
    status = run("status", "live-1", "--json").data

    assert done.code == 0
    assert "6 delivered, 0 undelivered, 0 awaiting" in done.out
    assert (status["delivered"], status["awaiting"]) == (PEOPLE, 0)


def test_stop_and_forget(desk: Desk, run: Run) -> None:
    """A stop is asked for; a plan can be forgotten, a live campaign never."""
    run("plan", desk.file())
    desk.pause()
    stopped = run("stop", "live-1")
    forgotten = run("forget", "live-1", "--mode", "plan")
    ledger = Ledger(desk.environ["SMSKIT_DATABASE_URL"])
    row, plan = ledger.campaigns.get("live-1", Mode.LIVE), ledger.campaigns.get("live-1", Mode.PLAN)
    ledger.close()

    assert stopped.code == forgotten.code == 0
    assert row is not None
    assert row.stop_requested
    assert plan is None
    assert "never forgotten" in run("forget", "live-1", "--mode", "live").err


def test_guards_are_for_the_run_that_goes_on(desk: Desk, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A campaign past its ``not_after`` is not resumed, and nothing is without a credential: exit 3."""
    environment = Environment(desk.environ)
    then = Campaign(
        CampaignSpec.from_data(live.data(live.SINGLES, desk.source, not_after="2020-01-02")),
        open_ledger(environment),
        ProviderAccess(
            ProviderFacts(limits_of("yunpian", environment)),
            lambda mode, job: provider_for("yunpian", mode, environment),
        ),
        clock=Clock(lambda: datetime(2020, 1, 2, 2, tzinfo=UTC)),
    )
    desk.faults(BROKE)
    with pytest.raises(CampaignPaused):
        then.send()
    sent = desk.world.accepted()
    too_late = run("resume", "live-1")
    monkeypatch.delenv("SMSKIT_YUNPIAN_API_KEY")
    no_key = run("check", "yunpian")

    assert (no_key.code, too_late.code) == (3, 3)
    assert "SMSKIT_YUNPIAN_API_KEY is missing" in no_key.err
    assert "`not_after`" in too_late.err
    assert desk.world.accepted() == sent


def test_check(desk: Desk, run: Run) -> None:
    """A usable provider exits 0, in its own words or as data."""
    shown = run("check", "yunpian", "--signature", "【GrowingIO】")
    data = run("check", "yunpian", "--json").data

    assert shown.code == 0
    assert shown.out.splitlines()[0] == "ok  credential: 0 OK"
    assert shown.out.splitlines()[-1] == "usable"
    assert (data["usable"], data["findings"][0]["what"]) == (True, "credential")


# -- opt-outs ---------------------------------------------------------------------------------------------


def test_opt_outs(run: Run, tmp_path: Path) -> None:
    """Numbers are added however they are written, listed masked, imported from a file, and taken off."""
    file = tmp_path / "out.csv"
    file.write_text("mobile\n138 0000 0001\n13800000002\n\nnone of yours\n+85291234567\n13800000002\n")
    added = run("opt-out", "add", "13800000000", "+86 138-0000-0000", "13800000001", "--note", "phoned")
    again = run("opt-out", "add", "13800000000")
    imported = run("opt-out", "import", file, "--column", "mobile")
    listed = run("opt-out", "list")
    revealed = {row["phone"]: row for row in run("opt-out", "list", "--json", "--reveal").data}
    removed = [run("opt-out", "remove", "138-0000-0001") for _ in range(2)]

    assert added.out == "2 added, 0 were there\n"
    assert again.out == "0 added, 1 were there\n"
    assert (imported.code, imported.out.splitlines()) == (
        4,
        [
            "1 added, 1 were there, 2 cells hold no mobile number",
            "line 5: none of yours",
            "line 6: +85******567",
        ],
    )
    assert {line.split()[0] for line in listed.out.splitlines()} == {f"138****000{n}" for n in range(3)}
    assert set(revealed) == {f"+861380000000{n}" for n in range(3)}
    assert revealed["+8613800000000"]["note"] == "phoned"
    assert revealed["+8613800000002"]["source"] == "import:out.csv"
    assert [done.out for done in removed] == ["138****0001 removed\n", "138****0001 was not on the list\n"]
    assert len(run("opt-out", "list", "--json").data) == 2


def test_an_imported_list_says_what_it_could_not_read(run: Run, tmp_path: Path) -> None:
    """As data for programs, too; a list that was read wholly exits 0."""
    file = tmp_path / "out.txt"
    file.write_bytes("\n13800000023\n13800000024;\n手机13800000025\n1380000002\n".encode("utf-16"))
    some = run("opt-out", "import", file, "--json")
    file.write_text("13800000023\n+86 13800000026")
    all_of_it = run("opt-out", "import", file, "--json")

    assert (some.code, some.data) == (
        4,
        {"added": 3, "there": 0, "unread": [{"line": 5, "value": "13*****002"}], "hidden": 0},
    )
    assert (all_of_it.code, all_of_it.data) == (0, {"added": 1, "there": 1, "unread": [], "hidden": 0})


def test_a_doubtful_reply_is_decided(desk: Desk, run: Run) -> None:
    """It leaves somebody out and is said, until a person decides; `why` says which reply it was."""
    desk.world.set_faults(
        FaultPlan.model_validate({"replies": {"rate": 1, "texts": ["烦死了"], "delay_s": [0, 0]}})
    )
    desk.send()
    fetched, shown = run("receipts"), run("opt-out", "doubtful")
    waiting = run("opt-out", "doubtful", "--json").data
    planned = run("plan", desk.file(campaign="live-2"), "--json").data
    why = run("why", "live-2", "u000000")
    overview, decided = run("status"), run("opt-out", "decide", waiting[0]["id"], "--stays")
    others = [run("opt-out", "decide", row["id"], "--opted-out").code for row in waiting[1:]]

    assert f"{PEOPLE} doubtful replies count as opt-outs" in fetched.out
    assert "doubtful replies" in overview.out
    assert len(shown.out.splitlines()) == PEOPLE + 1
    assert {row["text"] for row in waiting} == {"烦死了"}
    assert planned["excluded"] == {"opted_out": PEOPLE}
    assert "replied `烦死了` on 2" in why.out
    assert decided.out == "1 decided: not an opt-out\n"
    assert len(run("opt-out", "list", "--json").data) == PEOPLE - 1 == len(others)
    assert run("opt-out", "doubtful", "--json").data == []
    assert run("opt-out", "decide", waiting[0]["id"], "--stays").code == 2
    assert run("opt-out", "decide", "13800000000").code == 2


def test_opt_outs_are_left_out_of_plans(desk: Desk, run: Run) -> None:
    """Who is on the list is excluded from the next plan, for that reason."""
    run("opt-out", "add", str(FIRST)[2:])

    assert run("plan", desk.file(), "--json").data["excluded"] == {"opted_out": 1}


def test_commands_speak_the_language_that_is_set(
    desk: Desk, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chinese by ``SMSKIT_LANG`` and English without; exit codes and data for programs are the same."""
    desk.pause()
    file = desk.file()
    words = {
        name: command
        for name, *command in (
            ("plan", "plan", file),
            ("validate", "validate", file),
            ("explain", "explain", file),
            ("diff", "diff", file, file),
            ("check", "check", "yunpian"),
            ("lint", "doctor", file),
            ("all", "status"),
            ("one", "status", "live-1"),
            ("runs", "status", "--runs"),
            ("why", "why", "live-1", "u5"),
            ("refused", "settle", "live-1", "--resend", "--give-up"),
            ("unknown", "status", "nope"),
        )
    }
    data = [["status", "live-1", "--json"], ["status", "--runs", "--json"], ["explain", file, "--json"]]
    english = {name: run(*command) for name, command in words.items()}
    plain = [run(*command).data for command in data]
    monkeypatch.setenv("SMSKIT_LANG", "zh")
    chinese = {name: run(*command) for name, command in words.items()}

    assert {n: found for n, d in english.items() if (found := foreign(d.out + d.err, "en"))} == {}
    assert {n: found for n, d in chinese.items() if (found := foreign(d.out + d.err, "zh"))} == {}
    assert [n for n in words if english[n].code != chinese[n].code] == []
    assert [n for n in words if english[n][1:] == chinese[n][1:]] == []
    assert [run(*command).data for command in data] == plain


def test_help_is_in_the_language_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command, argument and option that has help has it in Chinese, too."""
    english = [each.help for each in helped(translated_command(cli.app))]
    monkeypatch.setenv("SMSKIT_LANG", "zh")
    chinese = [each.help for each in helped(translated_command(cli.app))]

    assert len(english) > 60
    assert [text for text in english if foreign(text, "en")] == []
    assert [text for text in chinese if not re.search("[\u4e00-\u9fff]", text)] == []
