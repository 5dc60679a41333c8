"""The panel of notebook 03, clicked without a browser: it changes the draft, plans, and sends once."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import ipywidgets as w
import pandas as pd
import pytest
import yaml
from papermill.iorw import read_yaml_file

from smskit.i18n import Language
from smskit.ledger import Ledger
from smskit.message.lint import find_issues
from smskit.message.template import Template
from smskit.models import Kind, MessageClass, Mode
from smskit.notebook import Notebook
from smskit.notebook.handover import TRACK, Wanted
from smskit.notebook.host import Host
from smskit.notebook.panels import doorway
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.send import SendPanel
from smskit.notebook.send_model import Columns, SendModel
from smskit.planning.draft import Draft
from smskit.providers import Feature, provider_class
from smskit.providers.yunpian import Yunpian
from smskit.sending.background import Phase
from smskit.settings import Environment
from smskit.simulator import FaultPlan, Simulator
from tests import live
from tests.cells import run_cells
from tests.clicking import parts, told
from tests.conftest import ROOT

NOTEBOOK = ROOT / "notebooks" / "03_send_campaign.ipynb"
PEOPLE = 30
FIRST = 13926354700


class Clicker:
    """A person at the panel: finds things by their labels, and waits for what happens in the background."""

    def __init__(self, draft: Draft, environ: dict[str, str], language: str = "en") -> None:
        def environment() -> Environment:
            return Environment(environ)

        page = Page(draft, language=Language(language), host=Host.LAB, environment=environment)
        self.page, self.draft = page, draft
        self.panel = SendPanel(page, SendModel(draft, environment=environment))
        self.panel.draw()
        self.wait()

    def wait(self) -> None:
        assert self.panel.wait()

    def find(self, label: str, kind: type[Any] = w.Widget) -> Any:
        found = [
            x
            for x in parts(self.panel.widget)
            if getattr(x, "description", None) == label and isinstance(x, kind)
        ]
        assert found, f"there is no {label!r}"
        return found[0]

    def has(self, label: str) -> bool:
        return any(getattr(x, "description", None) == label for x in parts(self.panel.widget))

    def doing(self, method: str) -> list[w.Button]:
        """The button that does this, whatever number of people its words name; empty without one."""
        return [
            x for x in parts(self.panel.widget) if f"smskit-do-{method}" in getattr(x, "_dom_classes", ())
        ]

    def do(self, method: str, times: int = 1) -> None:
        """Click it."""
        self._press(self.doing(method)[0], times)

    def click(self, label: str, times: int = 1) -> None:
        self._press(self.find(label, w.Button), times)

    def _press(self, button: w.Button, times: int) -> None:
        assert not button.disabled, f"{button.description!r} is disabled"
        for _ in range(times):
            button.click()
        self.wait()

    def enter(self, label: str, value: Any) -> None:
        self.find(label).value = value
        self.wait()

    @property
    def told(self) -> str:
        """All text there is to read."""
        return told(self.panel.widget)

    def state(self) -> str:
        """Everything that is saved with a notebook that keeps its widgets' state."""
        return json.dumps(w.Widget.get_manager_state()["state"], default=str, ensure_ascii=False)


class Room:
    """A live account over the simulator, and a segment."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self.folder, self.simulator = folder, simulator
        self.source = live.segment(folder / "people.csv", PEOPLE, first=FIRST)
        live.approve(simulator, live.SINGLES)
        self.environ = live.SINGLES.environ(simulator.url, folder)

    def sit_down(self, language: str = "en", **more: Any) -> Clicker:
        """Open the panel on a complete campaign, with *more* parameters."""
        data = live.data(live.SINGLES, self.source, **({"mode": "rehearse"} | more))
        return Clicker(Draft(data), self.environ, language)


@pytest.fixture
def room(tmp_path: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Room:
    """Where somebody sits down."""
    monkeypatch.chdir(tmp_path)
    return Room(tmp_path, simulator)


def test_a_copy_takes_the_next_number_of_its_parent(room: Room) -> None:
    """The number behind a copy's id is counted for its parent; digits of other ids mean nothing."""
    draft = Draft(live.data(live.SINGLES, room.source, campaign="sale", mode="plan"))
    desk = SendModel(draft, environment=lambda: Environment(room.environ))
    names = [desk.rename(), desk.rename()]
    made = desk.ledger.campaigns.made_ids()
    draft.set(campaign="vip-2")

    assert names == ["sale-2", "sale-3"]
    assert [made[name] for name in names] == [(Kind.COPY, "sale")] * 2
    assert desk.rename() == "vip-2-2"


def test_a_campaign_is_clicked_together(room: Room) -> None:
    """From nothing: segment, provider's lists, template, variables: what is chosen is a draft, and a plan."""
    at = Clicker(Draft(), room.environ)
    at.enter("Campaign id", "clicked-1")
    at.enter("Segment", str(room.source))
    at.enter("Maximum recipients", "100")
    at.click("Fetch signatures and templates")
    at.enter("Template id", at.find("Template id").options[0])
    at.enter("{coupon}", "\0literal")
    at.enter("Text of coupon", "50")
    at.enter("{name}", "name")
    at.enter("Fallback for name", "朋友")

    assert at.find("Signature").options == ("GrowingIO",)
    assert at.draft["signature"] == "GrowingIO"
    assert at.draft["template"] == live.TEMPLATE
    assert at.draft["variables"] == {"name": {"column": "name", "default": "朋友"}, "coupon": {"value": "50"}}
    assert f"{PEOPLE} people" in at.told
    assert "用户0，恭喜你获得50元" in at.told


def test_clicked_and_papermill_give_one_hash(room: Room) -> None:
    """What was clicked, saved and read as papermill reads it is the plan whose hash the panel showed."""
    at = Clicker(Draft(), room.environ)
    at.enter("Campaign id", "clicked-2")
    at.enter("Segment", str(room.source))
    at.enter("Maximum recipients", "100")
    at.click("Fetch signatures and templates")
    at.enter("Template id", at.find("Template id").options[0])
    at.enter("{coupon}", "coupon")
    at.enter("{name}", "name")
    at.enter("Fallback for name", "朋友")
    at.click("Save parameters")
    shown = set(re.findall(r"q[0-9a-f]{24}", at.told))
    parameters = read_yaml_file(str(room.folder / "campaign.yaml")) | {"mode": "plan"}
    run_cells(NOTEBOOK, parameters, environ=room.environ, folder=room.folder)
    ledger = Ledger(room.environ["SMSKIT_DATABASE_URL"])
    row = ledger.campaigns.get("clicked-2", Mode.PLAN)
    ledger.close()

    assert row is not None
    assert shown == {row.plan_hash}


@pytest.mark.parametrize(("language", "words"), [("en", "looks like a variable"), ("zh", "看起来像变量")])
def test_a_placeholder_of_another_tool_is_pointed_at(room: Room, language: str, words: str) -> None:
    """Once, as soon as the plan is there, in the language of the panel."""
    at = room.sit_down(language)
    at.enter(Language(language)("Template"), "{name}您好，券码{{code}}今日到期。拒收请回复R")

    assert at.told.count(words) == 1
    assert "{code}" in at.told


def test_variables_follow_the_template(room: Room) -> None:
    """Another text keeps what its variables are bound to, suggests columns for new ones, drops the rest."""
    at = room.sit_down()
    at.enter("{name}", "user_id")
    at.enter("Template", "{name}：{Coupon}元，{nothing_like_it}")

    assert at.draft["variables"] == {"name": "user_id", "Coupon": "coupon"}
    assert "nothing_like_it" in at.told


def test_what_is_shown(room: Room) -> None:
    """Bubbles, costs and the waterfall say what the plan says, masked; a step shows its rows and why."""
    frame = pd.read_csv(room.source, dtype="str")
    frame.loc[3, "phone"] = "12345"
    frame.loc[4, "name"] = "很长的名字" * 5
    frame.to_csv(room.source, index=False)
    at = room.sit_down(rules=[{"column": "coupon", "op": "!=", "value": "200"}])
    (longest,) = (
        each
        for each in parts(at.panel.widget)
        if isinstance(each, w.ToggleButtons) and "longest" in [value for _, value in each.options]
    )
    longest.value = "longest"
    at.wait()
    shown_longest = at.told
    at.enter("User id or phone", str(FIRST + 6))
    shown_chosen = at.told
    at.click("invalid number")
    bad = at.told
    at.click('coupon != "200"')

    assert re.search(r'class="smskit-tile hash"><b title="(q[0-9a-f]{24})">\1</b>', shown_longest)
    assert "很长的名字很长的名字" in shown_longest
    assert "u000006" in shown_chosen
    assert "139****4706" in shown_chosen
    assert "invalid number" in bad
    assert "u000002" in at.told
    assert "characters shorter" in at.told
    assert not re.search("|".join(str(FIRST + i) for i in range(PEOPLE)), at.told)


def test_a_double_click_sends_once(room: Room) -> None:
    """What asks and what sends, clicked twice and thrice: one message each, by the simulator's count."""
    at = room.sit_down(mode="live")
    at.do("ask", times=2)
    at.enter("Number of people", str(PEOPLE))
    at.do("send", times=3)
    run = at.panel.model.run
    at.click("Refresh")

    assert run is not None
    assert run.look().phase is Phase.FINISHED
    assert room.simulator.world.accepted() == room.simulator.world.phones() == PEOPLE
    assert "finished" in at.told
    assert not at.doing("ask")


@pytest.mark.parametrize("typed", [str(PEOPLE + 1), "yes"])
def test_live_wants_the_number(room: Room, typed: str) -> None:
    """In live mode nothing is sent until the number of people was typed; a wrong one says what is right."""
    at = room.sit_down(mode="live")
    at.do("ask")
    disabled = at.doing("send")[0].disabled
    at.enter("Number of people", typed)
    at.do("send")

    assert disabled
    assert "type that number to confirm" in at.told
    assert room.simulator.world.accepted() == 0


def test_the_live_question_says_that_nobody_was_asked_for_consent(room: Room) -> None:
    """Marketing without `consent` over a file with such a column: the plan says so, and the question."""
    source = Path(room.source)
    rows = source.read_text(encoding="utf-8").splitlines()
    agreed = ["同意营销", *("否" if n < 4 else "是" for n in range(PEOPLE))]
    source.write_text("\n".join(map(",".join, zip(rows, agreed, strict=True))), encoding="utf-8")
    at = room.sit_down(mode="live", message_class="marketing", send_window="")
    warning = "column `同意营销` looks like consent, and 4 of its 30 rows do not say yes"
    before = at.told.count(warning)
    at.do("ask")
    asked = at.told.count(warning)
    at.enter("Number of people", str(PEOPLE))
    without = at.doing("send")[0].disabled
    at.enter("Yes, everybody here may get marketing, whatever that column says", True)

    assert (before, asked) == (1, 2)
    assert (without, at.doing("send")[0].disabled) == (True, False)


def test_rehearse_and_live_under_one_id(room: Room) -> None:
    """A rehearsal is one click, twice is once, and it leaves the live campaign of the same id to be sent."""
    at = room.sit_down()
    offered = at.doing("rehearse")[0].description
    at.do("rehearse", times=2)
    rehearsed, told = at.panel.model.run, at.told
    at.enter("Mode", "live")

    assert offered == f"Rehearse {PEOPLE} people"
    assert f"Rehearsed: {PEOPLE} of {PEOPLE} accepted by the simulator. Nobody got a message." in told
    assert at.doing("ask")[0].description == f"Send to {PEOPLE} people, live…"
    assert rehearsed is not None
    assert rehearsed.look().phase is Phase.FINISHED
    assert room.simulator.world.accepted() == 0
    assert at.doing("ask")[0].disabled is False


def test_a_repeating_campaign_is_followed(room: Room) -> None:
    """Of a campaign with a placeholder in its id, this week's occurrence is sent, shown, and finished."""
    at = room.sit_down(campaign="weekly-{week}")
    at.do("rehearse")
    row = at.panel.sending.seen.row

    assert row is not None
    assert re.fullmatch(r"weekly-20\d\d-W\d\d", row.name)
    assert at.panel.sending.seen.phase is Phase.FINISHED
    assert row.name in at.told
    assert not at.doing("ask")


def test_a_changed_segment_is_refused(room: Room) -> None:
    """What was confirmed is sent or nothing: a segment file that has changed since is refused."""
    at = room.sit_down(mode="live")
    at.do("ask")
    at.enter("Number of people", str(PEOPLE))
    live.segment(room.source, PEOPLE - 1, first=FIRST)
    at.do("send")

    assert "as parameter `plan_hash` demands" in at.told
    assert room.simulator.world.accepted() == 0


def test_a_confirmation_is_void_after_a_change(room: Room) -> None:
    """Whoever changes something between the question and the yes is asked again."""
    at = room.sit_down(mode="live")
    at.do("ask")
    at.enter("Template", live.TEMPLATE.replace("恭喜", "祝贺"))

    assert not at.doing("send")
    assert at.doing("ask")


def test_guards_are_shown_and_keep_the_button_off(room: Room) -> None:
    """A plan a run would refuse says so in both languages and cannot be sent."""
    at = room.sit_down(max_recipients=PEOPLE - 1)
    english, off = at.told, at.doing("rehearse")[0].disabled
    at.page.speak("zh")
    at.wait()

    assert f"{PEOPLE} people are more than `max_recipients` ({PEOPLE - 1})" in english
    assert off
    assert f"{PEOPLE} 人超过最多人数" in at.told


def test_a_reopened_page_resumes(room: Room) -> None:
    """Stopped half-way, a new panel finds the campaign in the ledger, opens it and serves the rest."""
    slow = room.environ | {"SMSKIT_YUNPIAN_REQUESTS_PER_SECOND": "30"}
    first = Clicker(Draft(live.data(live.SINGLES, room.source)), slow)
    first.doing("ask")[0].click()
    first.find("Number of people").value = str(PEOPLE)
    first.doing("send")[0].click()
    run = first.panel.model.run
    assert run is not None
    while run.look().done < 5:
        pass
    first.find("Stop").click()
    first.wait()
    stopped = run.look()
    at = Clicker(Draft(), room.environ)
    at.click("Open live-1 (live)")
    resumed = at.draft["campaign"], at.draft["mode"]
    at.do("ask")
    at.enter("Number of people", str(stopped.books.waiting if stopped.books else 0))
    at.do("send")

    assert stopped.phase is Phase.STOPPED
    assert resumed == ("live-1", Mode.LIVE)
    assert "finished" in at.told
    assert room.simulator.world.accepted() == room.simulator.world.phones() == PEOPLE


def test_check_in_words(room: Room) -> None:
    """The check shows the provider's own code, its meaning and next step; bad credentials are not usable."""
    at = room.sit_down(mode="live")
    at.click("Check")
    good = at.told
    room.environ["SMSKIT_YUNPIAN_API_KEY"] = "0badc0de"
    at.click("Check")

    assert ">Usable<" in good
    assert ">NOT usable<" in at.told
    assert "非法的apikey" in at.told


def test_a_test_is_sent_once_to_ones_own_phones(room: Room) -> None:
    """Test phones are typed, masked at once and ticked; a double click tests once; no file holds them."""
    at = room.sit_down(mode="live")
    at.click("Send test")
    unticked = room.simulator.world.accepted()
    at.enter("Test phones", "13800138000，139-0013-9000")
    at.enter("Send to these numbers", True)
    at.find("Send test").click()
    at.find("Send test").click()
    at.wait()
    at.click("Save parameters")

    assert unticked == 0
    assert room.simulator.world.accepted() == 2
    assert "138****8000" in at.told
    assert "13800138000" not in at.state()
    assert "13900139000" not in (room.folder / "campaign.yaml").read_text(encoding="utf-8")


def test_an_empty_segment(room: Room) -> None:
    """Nobody to send to is said, not an error, and there is nothing to press."""
    room.source.write_text("user_id,phone,name,coupon\n", encoding="utf-8")
    at = room.sit_down()

    assert "Nobody is planned." in at.told
    assert at.doing("rehearse")[0].disabled


@pytest.mark.parametrize(
    ("change", "zh", "en"),
    [
        pytest.param({"segment": "gone.csv"}, "分群无法读取", "gone.csv", id="no-segment"),
        pytest.param({"template": "{xyz}"}, "模板有误", "bound to nothing", id="unbound"),
        pytest.param({"phone": "nope"}, "分群无法读取", "no column `nope`", id="no-column"),
    ],
)
def test_what_keeps_a_plan_from_being_made(room: Room, change: dict[str, Any], zh: str, en: str) -> None:
    """What is wrong with the choices stands in the panel, in the language of the page."""
    at = room.sit_down(**change)
    english = at.told
    at.page.speak("zh")
    at.wait()

    assert en in english
    assert zh in at.told


def test_nothing_secret_in_the_widgets(room: Room) -> None:
    """Neither a key nor a full phone is in any widget after everything was looked at, tested and sent."""
    at = room.sit_down(mode="live")
    at.enter("User id or phone", str(FIRST))
    at.enter("Test phones", str(FIRST + 1))
    at.click("Fetch signatures and templates")
    at.click("Check")
    at.click("planned")
    at.do("ask")
    at.enter("Number of people", str(PEOPLE))
    at.do("send")
    state = at.state()

    assert live.YUNPIAN_KEY not in state
    assert not re.search("|".join(str(FIRST + i) for i in range(PEOPLE)), state)
    assert "139****47" in state


def test_the_language_changes_and_nothing_is_lost(room: Room) -> None:
    """Switched to 中文 and back, choices, rows looked at and an open question are still there."""
    at = room.sit_down(mode="live")
    at.do("ask")
    at.enter("User id or phone", "u000007")
    at.page.speak("zh")
    at.wait()
    chinese = at.told
    at.page.speak("en")
    at.wait()

    assert "正式 · 真实发送" in chinese
    assert "u000007" in chinese
    assert bool(at.doing("send"))
    assert "u000007" in at.told


# -- a canary, and a run far from usual ------------------------------------------------------------

WITHOUT = "Go on without the canary: set canary: 0"
ANYWAY = "Send it all the same: set drift: allow"
CANARY = {"mode": "live", "canary": 0.1, "canary_wait": "1h"}  # of 30 people 20, the least


def receipts(room: Room, **more: Any) -> None:
    """How the simulator reports on what it accepts from now on."""
    plan = {"receipts": {"delay_s": [0.0, 0.0]} | more}
    room.simulator.world.set_faults(FaultPlan.model_validate(plan))


def until(seen: Callable[[], bool]) -> None:
    """Wait for what a panel shows while its run goes on."""
    deadline = time.monotonic() + 120
    while not seen():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_canary_is_waited_for(room: Room) -> None:
    """The question and the panel say who is first and until when; stopped, a click goes on without it."""
    receipts(room)
    at = room.sit_down(**CANARY)
    at.do("ask")
    asked = at.told
    at.enter("Number of people", str(PEOPLE))
    at.doing("send")[0].click()
    until(lambda: ">waits<" in at.told and not at.has("Pause"))
    waiting = at.told
    first = room.simulator.world.accepted()
    at.click("Stop")
    stopped = at.told
    at.click(WITHOUT)
    clicked, still = at.told, room.simulator.world.accepted()
    at.do("ask")
    asked_again = at.told
    at.enter("Number of people", str(PEOPLE - 20))
    at.do("send")

    assert "First to 20 of them. After 1h their receipts decide." in asked
    assert re.search(r">waits<.*waits until \S+ \S+ CST for receipts of the first 20 people", waiting, re.S)
    assert "Nobody else is sent to meanwhile. To go on at once: stop it, then set `canary: 0`." in waiting
    assert first == still == 20
    assert "while the canary of 20 people was waited for: a stop was requested" in stopped
    assert "“Most failures” and “Most opt-outs” can be raised before." in stopped
    assert "`canary: 0` is set, in the parameters too. Nothing was sent by that." in clicked
    assert at.draft["canary"] == 0
    assert "`canary: 0`: whatever became of the first 20, the others are sent to." in asked_again
    assert at.panel.sending.seen.phase is Phase.FINISHED
    assert room.simulator.world.accepted() == room.simulator.world.phones() == PEOPLE


def test_a_bad_canary_says_why_and_higher_limits_go_on(room: Room) -> None:
    """What failed is said in both languages, on a page opened later too; a limit is a field to raise."""
    receipts(room, fail_rate=1.0)
    first = room.sit_down(**CANARY | {"canary_wait": "1s"})
    first.do("ask")
    first.enter("Number of people", str(PEOPLE))
    first.do("send")
    told = first.told
    at = room.sit_down("zh", **CANARY | {"canary_wait": "1s"})
    chinese = at.told
    at.page.speak("en")
    at.wait()
    reopened = at.told
    offered = at.has(WITHOUT)
    at.do("ask")
    asked = at.told
    at.enter("Number of people", str(PEOPLE - 20))
    at.do("send")
    same = room.simulator.world.accepted()
    at.enter("Most failures", "100%")
    at.do("ask")
    at.enter("Number of people", str(PEOPLE - 20))
    at.do("send")

    assert "20 of 20 failed (100.0%), more than `canary_max_failure` (10.0%)" in told
    assert "20 of 20 failed (100.0%), more than `canary_max_failure` (10.0%)" in reopened
    assert "灰度未通过：20 人中 20 人失败（100.0%），超过 `canary_max_failure`（10.0%）" in chinese
    assert offered
    assert "First the receipts of the canary are looked at; they decide." in asked
    assert same == 20
    assert at.panel.sending.seen.phase is Phase.FINISHED
    assert room.simulator.world.accepted() == room.simulator.world.phones() == PEOPLE


def test_a_confirmation_is_void_after_another_rule(room: Room) -> None:
    """Whoever lets go of the canary between the question and the yes is asked again, about that."""
    receipts(room, fail_rate=1.0)
    at = room.sit_down(**CANARY | {"canary_wait": "1s"})
    at.do("ask")
    at.enter("Number of people", str(PEOPLE))
    at.do("send")
    at.do("ask")
    asked = bool(at.doing("send"))
    at.enter("Canary share", "0%")
    void = not at.doing("send")
    at.do("ask")

    assert asked
    assert void
    assert "`canary: 0`: whatever became of the first 20, the others are sent to." in at.told
    assert room.simulator.world.accepted() == 20


def test_a_canary_nobody_could_look_at(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider without receipts is refused before anything is sent; a click does without the canary."""
    monkeypatch.setattr(Yunpian, "features", Yunpian.features - {Feature.RECEIPTS})
    monkeypatch.setattr(Yunpian, "acknowledges", None)
    at = room.sit_down(**CANARY)
    refused, off = at.told, at.doing("ask")[0].disabled
    at.click(WITHOUT)

    assert "yunpian has no receipts to fetch, so a canary cannot be looked at." in refused
    assert off
    assert at.draft["canary"] == 0
    assert not at.doing("ask")[0].disabled
    assert not at.has(WITHOUT)


def weeks(room: Room) -> None:
    """Three finished runs of a series, of 30 people each; others every week, as the provider has limits."""
    for week in (44, 45, 46):
        others = live.segment(room.folder / "others.csv", PEOPLE, first=FIRST + 100 * week)
        live.send(
            live.data(live.SINGLES, others, campaign=f"weekly-2026-W{week}", series="weekly"), room.environ
        )


def test_a_run_far_from_usual_is_let_go_by_a_click(room: Room) -> None:
    """The numbers are said and nothing can be sent; a click sets `drift: allow`, and sends nothing."""
    weeks(room)
    before = room.simulator.world.accepted()
    live.segment(room.source, 3 * PEOPLE, first=FIRST)
    at = room.sit_down(mode="live", campaign="weekly-2026-W47", series="weekly")
    refused, off = at.told, at.doing("ask")[0].disabled
    at.page.speak("zh")
    at.wait()
    chinese = at.told
    at.page.speak("en")
    at.click(ANYWAY)
    allowed, sent = at.told, room.simulator.world.accepted() - before

    assert "90 rows of the segment, more than 2 times 30, the median of 3 runs" in refused
    assert off
    assert "与往期不同：分群行数 90，超过最近 3 次中位数 30 的 2 倍" in chinese
    assert at.draft["drift"] == "allow"
    assert "`drift: allow` is set, in the parameters too. Nothing was sent by that." in allowed
    assert "allowed by `drift: allow`: 90 rows of the segment" in allowed
    assert sent == 0
    assert not at.doing("ask")[0].disabled
    assert not at.has(ANYWAY)


def test_a_run_that_finds_another_segment_shows_it(room: Room) -> None:
    """Refused because the file has changed, the panel plans anew, and says what is far from usual in it."""
    weeks(room)
    before = room.simulator.world.accepted()
    at = room.sit_down(mode="live", campaign="weekly-2026-W47", series="weekly")
    at.do("ask")
    at.enter("Number of people", str(PEOPLE))
    live.segment(room.source, 3 * PEOPLE, first=FIRST)
    at.do("send")
    refused = at.told
    at.click(ANYWAY)

    assert "as parameter `plan_hash` demands" in refused
    assert f"{3 * PEOPLE} people, " in refused
    assert "as parameter `plan_hash` demands" not in at.told  # it was answered
    assert not at.doing("ask")[0].disabled
    assert room.simulator.world.accepted() == before


def test_a_cell_waits_for_what_the_panel_binds(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the segment takes to be read, ``run.plan()`` waits for the variables it is to fill."""
    for name, value in room.environ.items():
        monkeypatch.setenv(name, value)
    draft = Draft(live.data(live.SINGLES, room.source, variables={}))
    notebook = Notebook(draft, may_send=False, host=Host.LAB)
    columns = notebook.model.columns

    def slowly() -> Columns:
        time.sleep(1.0)
        return columns()

    monkeypatch.setattr(notebook.model, "columns", slowly)
    panel = notebook.panel()
    assert panel is not None
    panel.draw()
    try:
        plan = notebook.plan().value
    finally:
        assert panel.wait()

    assert plan is not None
    assert plan.planned == PEOPLE
    assert draft["variables"] == {"name": "name", "coupon": "coupon"}


def test_a_send_asks_to_save_what_is_not_saved(room: Room) -> None:
    """Unsaved changes are marked, and the question before a send offers to save them, too."""
    at = room.sit_down(mode="live")
    marked = "unsaved changes" in at.told
    at.do("ask")
    offered = at.find("Save the parameters to campaign.yaml, too").value
    at.enter("Number of people", str(PEOPLE))
    at.do("send")
    saved = Draft.read(room.folder / "campaign.yaml")

    assert (marked, offered) == (True, True)
    assert saved.to_data() == at.draft.to_data()
    assert "unsaved changes" not in at.told


def test_the_order_of_a_file_is_no_change(room: Room) -> None:
    """A file that somebody wrote in another order holds the same: nothing in it is unsaved."""
    data = live.data(live.SINGLES, room.source, mode="rehearse")
    data["variables"] = dict(reversed(data["variables"].items()))
    (room.folder / "campaign.yaml").write_text(yaml.safe_dump(data, sort_keys=False), "utf-8")
    at = Clicker(Draft.read(room.folder / "campaign.yaml"), room.environ)

    assert "unsaved changes" not in at.told


def test_after_a_send_cost_and_those_left_out_are_still_there(room: Room) -> None:
    """Opened again, the page of a campaign that was sent shows its cost and who got none, by the ledger."""
    rules = [{"column": "user_id", "op": "!=", "value": "u000003"}]
    at = room.sit_down(rules=rules, holdout=0.2)
    figures = re.findall(r'smskit-tile \w*"><b[^>]*>[^<]*</b><span>[^<]*', at.panel.cost._figures.value)
    bars = [line.children[1].value for line in at.panel.exclusions._steps.children]
    bubble, first = at.panel.preview._bubble.value, at.panel.preview._where.value
    at.do("rehearse")
    again = room.sit_down(rules=rules, holdout=0.2)
    kept = re.findall(r'smskit-tile \w*"><b[^>]*>[^<]*</b><span>[^<]*', again.panel.cost._figures.value)

    assert len(figures) == 4
    assert kept == figures
    assert again.panel.preview._bubble.value == bubble
    assert again.panel.preview._where.value == first
    assert len(bars) >= 4
    assert [line.children[1].value for line in again.panel.exclusions._steps.children] == bars


def test_while_a_plan_is_made_the_old_one_is_dimmed(room: Room) -> None:
    """Figures of the choices before are dimmed and said to be counted, until the new ones are there."""
    at = room.sit_down()
    figures, gate, make = at.panel.cost._figures, threading.Event(), at.panel.model.planning._make

    def slowly() -> Any:
        gate.wait(120)
        return make()

    at.panel.model.planning._make = slowly  # type: ignore[method-assign]
    at.draft.set(holdout=0.5)
    deadline = time.monotonic() + 120
    while "smskit-stale" not in figures._dom_classes and time.monotonic() < deadline:
        time.sleep(0.01)
    meanwhile = figures._dom_classes, "Counting …" in at.told
    gate.set()
    at.wait()

    assert "smskit-stale" in meanwhile[0]
    assert meanwhile[1]
    assert "smskit-stale" not in figures._dom_classes
    assert "Counting …" not in at.told


def test_the_strip_says_whether_it_is_real(room: Room) -> None:
    """On top stands the mode, for how many, at what cost, saved or not; dimmed while it is counted anew."""
    at = room.sit_down()
    line = at.panel.strip._line
    rehearsed = line.value
    at.find("Save", w.Button).click()
    saved = line.value
    at.enter("Mode", "live")
    live_, gate, make = line.value, threading.Event(), at.panel.model.planning._make

    def slowly() -> Any:
        gate.wait(120)
        return make()

    at.panel.model.planning._make = slowly  # type: ignore[method-assign]
    at.draft.set(holdout=0.5)
    meanwhile = line.value
    gate.set()
    at.wait()

    assert 'rehearse" role="status"' in rehearsed
    for words in ("nobody gets a message", "live-1", f"{PEOPLE} people", "about ¥1.50", "unsaved changes"):
        assert words in rehearsed
    assert "unsaved" not in saved
    assert 'live" role="status"' in live_
    assert f"<i>{PEOPLE} people</i>" in meanwhile
    assert "counting…" in meanwhile
    assert "counting…" not in line.value
    assert "unsaved changes" in line.value


def test_what_is_unknown_is_settled_by_a_button(room: Room) -> None:
    """After a send that left some unknown, the next step asks the provider, here, and the figures follow."""
    room.environ["SMSKIT_YUNPIAN_RECORD_LAG_S"] = "0"
    faults = {"faults": [{"kind": "drop_after_accept", "rate": 0.2}], "seed": 5}
    room.simulator.world.set_faults(FaultPlan.model_validate(faults))
    at = room.sit_down(mode="live")
    at.do("ask")
    at.enter("Number of people", str(PEOPLE))
    at.do("send")
    books, offered = at.panel.sending.seen.books, at.doing("settle")
    room.simulator.world.set_faults(FaultPlan())
    at.do("settle")
    after = at.panel.sending.seen.books

    assert books is not None
    assert after is not None
    assert offered[0].description == f"Settle {books.unknown} unknown"
    assert books.unknown > 0
    assert after.unknown == 0
    assert not at.doing("settle")


def test_the_way_to_04_stays_while_the_next_is_planned(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once sent a button opens 04 with that campaign, also after the next one has its own id."""
    handed: list[tuple[Wanted, str]] = []
    monkeypatch.setattr(doorway, "hand_over", lambda *given: handed.append(given))
    at = room.sit_down()
    at.do("rehearse")
    name = at.draft["campaign"]
    at.click("See delivery →")
    at.do("renew")
    at.click(f"See delivery of {name} →")

    assert at.draft["campaign"] != name
    assert handed == [(Wanted(name, Mode.REHEARSE), TRACK)] * 2


def test_without_a_text_nothing_is_called_wrong(room: Room) -> None:
    """An opened page asks for the text, and does not say that a template is wrong."""
    at = room.sit_down(template="", template_id="", variables={})

    assert "Write the text of the message, or choose a template." in at.told
    assert "give the text as parameter" not in at.told


def test_one_leafs_through_the_messages(room: Room) -> None:
    """One bubble at a time: on and back, the longest first, who is left out; once sent, what was frozen."""
    at = room.sit_down(rules=[{"column": "user_id", "op": "!=", "value": "u000003"}], holdout=0.2)
    seen = [at.panel.preview._bubble.value]
    for label in ("▶", "◀", "◀"):
        at.click(label)
        seen.append(at.panel.preview._bubble.value)
    where = at.panel.preview._where.value
    at.panel.preview._samples.value = "problem"
    left_out = at.panel.preview._bubble.value

    assert seen[0] == seen[2]
    assert len(set(seen)) == 3
    assert where == f"{at.panel.model.planning.plan.planned} of {at.panel.model.planning.plan.planned}"  # type: ignore[union-attr]
    assert "No message" in left_out
    assert re.search("holdout", left_out)


# -- the text ---------------------------------------------------------------------------------------


def test_a_template_is_picked(room: Room) -> None:
    """What campaigns were sent with is there at once, the account's list once asked; a pick takes it all."""
    before = room.sit_down(template="老会员{name}专享，拒收请回复R", variables={"name": "name"})
    before.do("rehearse")
    at = room.sit_down(campaign="live-2", template="", variables={}, signature="")
    used = [label for label, _ in at.find("Choose a template").options]
    at.click("Fetch signatures and templates")
    listed = dict(at.find("Choose a template").options)
    at.enter("Choose a template", next(n for label, n in listed.items() if "恭喜" in label))
    of_account = at.draft["template_id"], at.draft["template"], at.draft["signature"]
    at.enter("Choose a template", next(n for label, n in listed.items() if "老会员" in label))

    assert used == ["choose…", "老会员{name}专享，拒收请回复R"]
    assert of_account[0] != ""
    assert of_account[1:] == (live.TEMPLATE, "GrowingIO")
    assert at.draft["template"] == "老会员{name}专享，拒收请回复R"
    assert at.draft["variables"]["name"] == "name"
    assert "last used in live-1" in at.told


def test_a_text_is_counted_while_it_is_typed(room: Room) -> None:
    """Characters and parts of the shortest and the longest message, of a text no plan was made of yet."""
    at = room.sit_down()
    gate, make = threading.Event(), at.panel.model.planning._make
    at.panel.model.planning._make = lambda: gate.wait(120) and make()  # type: ignore[method-assign]
    text = at.find("Template")
    text.value = "Hi {name}，拒收请回复R"
    first = at.panel.message._length.value
    text.value = "Hi {name，拒收请回复R"
    broken = at.panel.message._length.value
    text.value = "甲" * 71 + "，拒收请回复R"
    long = at.panel.message._length.value
    gate.set()
    at.wait()

    assert "24–25 characters · parts: 1 (signature and opt-out wording counted)" in first
    assert "smskit-wrong" in broken
    assert "89 characters · parts: 2" in long


def test_variables_and_opt_out_are_put_in_by_a_click(room: Room) -> None:
    """A variable goes where the caret stands, written as the text writes them; the wording to the end."""
    at = room.sit_down(template="你好#name#：恭喜")
    text = at.find("Template")
    text.caret = len("你好")
    column = next(label for label, name in at.panel.message._variable_names.options if name == "coupon")
    at.panel.message._variable_names.value = "coupon"
    at.click("Add “拒收请回复R”")

    assert column == "#coupon#"
    assert at.draft["template"] == "你好#coupon##name#：恭喜，拒收请回复R"
    assert at.draft["variables"] == {"coupon": "coupon", "name": "name"}
    assert at.find("Add “拒收请回复R”").layout.display == "none"


def test_a_text_that_does_not_read_is_never_sent_as_the_one_before(room: Room) -> None:
    """Broken, it is what the draft has: there is no plan of it, and nothing to press."""
    at = room.sit_down(mode="live")
    at.enter("Template", "你好{name，拒收请回复R")

    assert at.doing("ask")[0].disabled
    assert "no plan" in at.panel.strip._line.value


@pytest.mark.parametrize(
    ("provider", "words"),
    [("yunpian", "加微信"), ("aliyun", "加QQ群"), ("tencent", "加 微信"), ("chuanglan", "t.cn/A6")],
)
def test_words_that_reviews_refuse_are_noticed(provider: str, words: str) -> None:
    """Asking to add somebody on WeChat or QQ, and links of public shorteners, are warned of, not refused."""
    template = Template.parse(f"你好，{words}领取，拒收请回复R", signature="GrowingIO")
    cls = provider_class(provider)
    found = find_issues(template, MessageClass.MARKETING, cls.template_rules, form=cls.form)

    assert [issue for issue in found if words[:3] in str(issue.what) and not issue.severe]


# -- when it runs by itself ---------------------------------------------------------------------------


def test_a_weekly_run_is_scheduled(room: Room) -> None:
    """Day and time, an id for each run by a click, three next runs, and the text of whichever scheduler."""
    at = room.sit_down(mode="live")
    card = at.panel.schedule
    same = at.told.count("is finished by then: nobody gets a second message")
    at.find("Mon").value, at.find("Wed").value = False, True
    at.click("-{day}")
    told = card._told.value
    texts = []
    for scheduler in ("cron", "systemd", "Airflow", "Prefect"):
        at.enter("Text for", scheduler)
        texts.append(card._told.value)
    unsaved = "Save the parameters first" in told
    at.find("Save", w.Button).click()

    assert same == 2  # of three runs under one id
    assert at.draft["campaign"] == "live-1-{day}"
    assert len(re.findall(r"live-1-20\d\d-\d\d-\d\d", told)) == 3
    assert told.count("Wed") == 3
    assert "finished by then" not in told
    assert unsaved
    assert "Save the parameters first" not in card._told.value
    assert "0 10 * * 3" in texts[0]
    assert "OnCalendar=Wed" in texts[1]
    assert "CronTriggerTimetable" in texts[2]
    assert "from prefect import flow" in texts[3]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"not_after": "2026-01-01"}, "later than `not_after`"),
        ({"message_class": "marketing", "send_window": "11:00-12:00"}, "outside the send window 11:00-12:00"),
        ({"plan_hash": "p1"}, "`plan_hash` wants the plan p1"),
    ],
)
def test_what_would_stop_a_run_is_said(room: Room, change: dict[str, Any], words: str) -> None:
    """Beside each of the next runs stands why it would send nothing."""
    at = room.sit_down(**{"mode": "live", "campaign": "weekly-{day}"} | change)

    assert told(at.panel.schedule.widget).count(words) == 3


def test_a_rehearsal_that_is_scheduled_is_said(room: Room) -> None:
    """A schedule of a rehearsal messages nobody, which is said; a date that is over has no run."""
    at = room.sit_down()
    rehearsal = at.told
    at.panel.schedule.choose(weekly=False, on=date(2020, 1, 1))

    assert "these runs would send nobody a message" in rehearsal
    assert "That date is over." in at.told


def test_good_numbers_stay_beside_a_bad_one(room: Room) -> None:
    """One number that is none is named, masked; the others are taken. Whether an SMS comes is said before."""
    at = room.sit_down()
    before = at.told
    at.enter("Test phones", "13800138000, 1380013")
    at.enter("Mode", "live")

    assert at.draft["test_phones"] == ["8613800138000"]
    assert "138****8000" in at.told
    assert "Rehearsal: no SMS comes to any phone" in before
    assert "A real SMS comes to each number" in at.told
