"""Who reads 中文 meets no English sentence of ours: panels, plain steps and reports of real campaigns."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from smskit.errors import SmskitError
from smskit.i18n import Language
from smskit.models import Mode
from smskit.notebook import ConnectNotebook, ExploreNotebook, Notebook, TrackNotebook
from smskit.notebook.host import Host
from smskit.notebook.panels.connect import ConnectPanel
from smskit.notebook.panels.explore import ExplorePanel
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.send import SendPanel
from smskit.notebook.panels.track import TrackPanel
from smskit.notebook.segment_model import SegmentModel as ExploreDesk
from smskit.notebook.send_model import SendModel
from smskit.notebook.tracker import Tracker
from smskit.planning.draft import Draft
from smskit.planning.preview import find
from smskit.planning.spec import CampaignSpec
from smskit.providers import provider_class, provider_names
from smskit.providers.declared import settings_of
from smskit.reporting import report
from smskit.reporting import run_page as page
from smskit.sending.patience import Patience
from smskit.sending.receipts import fetch
from smskit.sending.session import open_campaign
from smskit.settings import Environment
from smskit.simulator import FaultPlan, Simulator
from tests import live
from tests.chinese import english, read, shown

ZH, EN = Language("zh"), Language("en")
PEOPLE = 60
FIRST = 13811100000
SINGLE = {"rate": 1.0, "skip": 4, "endpoint": "single_send"}
STOPS: dict[str, dict[str, Any]] = {
    "no money": {"kind": "code", "code": 3} | SINGLE,
    "bad words": {"kind": "code", "code": 4} | SINGLE,
    "busy": {"kind": "code", "code": -5} | SINGLE,
    "unclear": {"kind": "drop_after_accept"} | SINGLE,
    "garbled": {"kind": "non_json_after_accept"} | SINGLE,
}
MIXED: dict[str, Any] = {
    "seed": 7,
    "faults": [
        {"kind": "drop_after_accept", "rate": 0.08},
        {"kind": "http_error_after_accept", "rate": 0.05},
        {"kind": "code", "code": 15, "scope": "item", "rate": 0.1},
        {"kind": "code", "code": 4, "scope": "item", "rate": 0.05},
    ],
    "receipts": {"delay_s": [0, 0], "fail_rate": 0.3},
    "replies": {"rate": 0.3, "delay_s": [0, 0]},
}


class Room:
    """An account at a simulator, a ledger, and pages in 中文."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        (folder / "environment.yml").touch()
        self.folder, self.simulator = folder, simulator
        live.approve(simulator, live.SINGLES)
        self.environ = live.SINGLES.environ(simulator.url, folder) | {"SMSKIT_YUNPIAN_CONCURRENCY": "1"}
        self.data = live.data(live.SINGLES, live.segment(folder / "people.csv", PEOPLE, first=FIRST))
        self.tracker = Tracker(environment=self.environment, folder=folder)

    def environment(self) -> Environment:
        return Environment(self.environ)

    def faults(self, **plan: Any) -> None:
        self.simulator.world.set_faults(FaultPlan.model_validate(plan))

    def send(self, **more: Any) -> SmskitError | None:
        """Send, with little patience; the error it ended with. Then follow it."""
        campaign = open_campaign(
            CampaignSpec.from_data(self.data | more),
            environment=self.environment(),
            patience=Patience(failures_in_a_row=2, unknown_in_a_row=3, refused_in_a_row=3),
        )
        try:
            campaign.send()
        except SmskitError as error:
            return error
        finally:
            self.tracker.choose()
        return None

    def reports(self) -> list[str]:
        """What the reports of all runs say."""
        return [read(page.page(self.tracker.ledger, run, ZH)) for run in self.tracker.ledger.runs.find()]

    def stories(self) -> list[report.Fate]:
        """What became of everybody."""
        people = (f"u{n:06d}" for n in range(PEOPLE))
        return [f for who in people for f in report.fates(self.tracker.ledger, self.tracker.row, who)]

    def page(self, draft: Draft) -> Page:
        return Page(draft, language=ZH, host=Host.LAB, environment=self.environment)


@pytest.fixture
def room(tmp_path: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    """Where campaigns are sent and looked at."""
    made = Room(tmp_path, simulator)
    for name, value in made.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    yield made
    made.tracker.ledger.close()


def settled(shared: Page) -> None:
    while not shared.wait():
        pass


def refusal(work: Callable[[], object]) -> str:
    """How what was refused is told."""
    with pytest.raises(SmskitError) as raised:
        work()
    assert ZH.render(raised.value.message) != str(raised.value)
    return ZH.error(raised.value)


# -- runs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STOPS)
def test_why_a_run_stopped(room: Room, name: str) -> None:
    """The error, the note in the ledger, the report, and what became of everybody."""
    room.faults(faults=[STOPS[name]])
    error = room.send()
    assert error is not None
    row = room.tracker.row
    told = [fate.told(ZH) for fate in room.stories()]

    assert ZH.render(row.note) != row.note
    assert english(ZH.error(error), ZH.render(row.note), *told, *room.reports()) == []


def test_one_persons_story(room: Room) -> None:
    """An event kept in English is told in 中文, and in English as it is; the provider's words are marked."""
    second_call = {"skip": 1, "count": 1, "endpoint": "single_send"}
    faults = [{"kind": "drop_after_accept", "count": 1}, {"kind": "code", "code": 4} | second_call]
    room.faults(faults=faults)
    room.send()
    first, second, *_ = room.stories()

    assert "应答前连接中断" in first.told(ZH)
    assert "connection broke before the answer" in first.told(EN)
    assert "“" in second.told(EN)


def test_what_fetching_meets(room: Room) -> None:
    """Problems of fetching: pages nobody can read, numbers from abroad, nobody there, keys gone."""
    room.faults(faults=[{"kind": "drop_after_accept", "rate": 0.2}])
    room.send()
    ledger, row = room.tracker.ledger, room.tracker.row
    ledger.raw_reports.keep("yunpian", Mode.LIVE, "receipts", b"[1]")
    ledger.raw_reports.keep("yunpian", Mode.LIVE, "replies", b"[{}]")
    ledger.raw_reports.keep("yunpian", Mode.LIVE, "replies", b'[{"id": "1", "mobile": "110", "text": "TD"}]')
    said = list(fetch(ledger, [row], environment=room.environment()).settled.problems)
    for name, value in (("BASE_URL", "http://127.0.0.1:1"), ("API_KEY", "")):
        environment = Environment(room.environ | {f"SMSKIT_YUNPIAN_{name}": value})
        said += fetch(ledger, [row], environment=environment).settled.problems

    assert len(said) >= 5
    assert english(*map(ZH.render, said)) == []
    assert [text for text in said if ZH.render(text) == text] == []


def test_in_english_a_providers_words_are_marked(room: Room) -> None:
    """Failures and the check show Chinese words of the provider in quotes, beside its code."""
    room.faults(**MIXED)
    room.send()
    room.tracker.fetch()
    shared = Page(Draft(room.data), language=EN, host=Host.LAB, environment=room.environment)
    track, connect = TrackPanel(shared, room.tracker), ConnectPanel(shared, ConnectNotebook(shared.draft))
    track.draw()
    connect.draw()
    settled(shared)
    connect.check.ask(simulator=False)
    settled(shared)
    said = [*shown(track.failures.widget), *shown(connect.check.widget)]
    chinese = [re.sub("“[^”]*”|【[^】]*】|云片", "", text) for text in said]

    assert any("“" in text for text in said)
    assert [text for text in chinese if re.search("[\u4e00-\u9fff]", text)] == []


# -- panels ------------------------------------------------------------------------------------------


def test_the_track_panel(room: Room) -> None:
    """Every tab over a campaign that met everything, before and after fetching; what the tracker refuses."""
    room.faults(**MIXED)
    room.send()
    tracker, panel = room.tracker, TrackPanel(room.page(Draft(room.data)), room.tracker)
    panel.draw()
    settled(panel.page)
    said = shown(panel.widget)
    for n in range(PEOPLE):
        panel.why.ask(f"u{n:06d}")
        settled(panel.page)
        said += shown(panel.why.widget)
    panel.fetch()
    settled(panel.page)
    said += [*shown(panel.widget), *room.reports()]
    said += map(
        refusal,
        (
            lambda: tracker.settle(resend=True, count=999),
            lambda: tracker.export("pdf"),
            lambda: tracker.export("csv", "people.csv/x.csv"),
            lambda: tracker.why(" "),
            lambda: tracker.why("u99"),
            lambda: tracker.follow_up([]),
            lambda: tracker.follow_up(["opted_out"]),
            lambda: tracker.follow_up(["delivered"]),
            lambda: tracker.follow_up(["submitting"], may_arrive_twice=True),
            lambda: tracker.follow_up(["nobody"]),
            lambda: tracker.choose("live-2"),
            lambda: Tracker(environment=room.environment, folder=room.folder).row,
        ),
    )

    assert any("Yunpian" in text or "同一手机号" in text for text in said)
    assert english(*said) == []


def test_the_send_panel(room: Room) -> None:
    """Complaints, notices, guards, check, what is refused, and a campaign that has stopped."""
    template = "{name}{coupon}★【x】" + "好" * 30
    draft = Draft(room.data | {"max_recipients": 1, "opt_out_wording": "demand", "template": template})
    panel = SendPanel(room.page(draft), SendModel(draft, environment=room.environment))
    panel.draw()
    assert panel.wait()
    said = shown(panel.widget)
    for work in (panel.sending.ask, panel.test_send.check, panel.test_send.test, panel.message.fetch):
        panel.message.attempt(work)(None)
        assert panel.wait()
        said += shown(panel.widget)
    draft.set(template=live.TEMPLATE, max_recipients=None, opt_out_wording=None)
    assert panel.wait()
    said.append(refusal(lambda: panel.model.confirmation().demand("7")))
    plan = panel.model.planning.plan
    assert plan is not None
    said.append(refusal(lambda: find(plan, "u99")))
    room.faults(faults=[STOPS["no money"]])
    room.send()
    panel.sending.refresh()
    assert panel.wait()
    said += shown(panel.widget)

    assert any("超过最多人数" in text for text in said)
    assert any("账户余额不足" in text for text in said)
    assert english(*said) == []


def test_the_connect_panel(room: Room) -> None:
    """Each provider's form, steps and settings, its check, what it offers, and what is missing to save."""
    draft = Draft(room.data)
    panel = ConnectPanel(room.page(draft), ConnectNotebook(draft, environment=room.environment))
    panel.draw()
    said = []
    for name in provider_names():
        panel.notebook.choose(name)
        panel.check.ask(simulator=True)
        panel.offers.attempt(panel.offers.ask)(None)
        panel.credentials.attempt(panel.credentials.save)(None)
        settled(panel.page)
        said += shown(panel.widget)
    names = {s.name.replace("_", " ") for name in provider_names() for s in settings_of(provider_class(name))}

    assert any("可用" in text for text in said)
    assert english(*(text for text in said if text.removesuffix(" *") not in names)) == []


def test_the_explore_panel(room: Room) -> None:
    """A segment looked at, filtered by a rule that is not whole, and compared."""
    draft = Draft({"campaign": "c", "segment": str(room.folder / "people.csv"), "phone": "phon"})
    desk = ExploreDesk(draft, project=room.folder)
    panel = ExplorePanel(room.page(draft), desk)
    panel.draw()
    settled(panel.page)
    said = shown(panel.widget)
    desk.editor.add(desk.editor.root.id, "levl", "==", "x")
    desk.editor.add(desk.editor.root.id)
    panel.rules.draw()
    panel.rules.recount()
    panel.compare.compare(str(room.folder / "people.csv"))
    settled(panel.page)
    said += shown(panel.widget)

    assert any("请选择列" in text for text in said)
    assert english(*said) == []


# -- plain steps ----------------------------------------------------------------------------------------


def test_plain_steps(room: Room, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every step of every notebook, as a program's log or a terminal has it."""
    monkeypatch.setenv("SMSKIT_LANG", "zh")
    bad = {"template": "{name}{coupon}★", "max_recipients": 1, "opt_out_wording": "demand"}
    look = ExploreNotebook(Draft(room.data), host=Host.PROGRAM)
    connect = ConnectNotebook(Draft(room.data), host=Host.PROGRAM)
    for step in (look.look, look.rules, look.steps, lambda: look.look("coupon")):
        print(step())
    print(look.compare(str(room.folder / "people.csv")))
    for ask in (connect.providers, connect.steps, connect.settings, connect.check, connect.summary):
        print(ask())
    print(connect.templates(), connect.signatures())
    refused = Notebook(Draft(room.data | bad), may_send=True, host=Host.PROGRAM)
    print(refused.plan())
    room.faults(**MIXED)
    run = Notebook(Draft(room.data), may_send=True, host=Host.PROGRAM)
    for do in (run.parameters, run.plan, run.preview, run.check, run.test, run.send, run.receipts):
        print(do())
    print(run.summary())
    track = TrackNotebook(Draft(room.data), host=Host.PROGRAM, tracker=room.tracker)
    room.tracker.choose()
    for see in (track.campaigns, track.receipts, track.over_time, track.failures, track.carriers):
        print(see())
    for see in (track.batches, track.left_out, track.unknowns, track.replies, track.books):
        print(see())
    print(track.why("u000001"))
    track.export("csv")
    track.follow_up("undelivered")
    said = capsys.readouterr().out
    for name in provider_names():
        said = said.replace(provider_class(name).title, "·")

    assert len(said.splitlines()) > 150
    assert english(*said.splitlines()) == []
