"""Following a campaign: the tracker and its panel, headless; a follow-up reaches whom it is for."""

from __future__ import annotations

import contextlib
import io
import json
import re
import stat
import threading
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import ipywidgets as w
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml

from smskit.errors import CampaignPaused, GuardRefused, InputError, LedgerError
from smskit.i18n import Language
from smskit.ledger import CampaignRow
from smskit.models import Kind, Receipt
from smskit.notebook import TrackNotebook, open_track
from smskit.notebook.host import Host
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.track import TrackPanel
from smskit.notebook.tracker import Tracker
from smskit.planning.draft import Draft
from smskit.planning.spec import CampaignSpec
from smskit.reporting import frames
from smskit.reporting.delivery import Group, Whom
from smskit.reporting.follow_up import next_id
from smskit.sending.session import open_campaign
from smskit.settings import Environment
from smskit.simulator import FaultPlan, Simulator
from tests import live
from tests.clicking import names, parts, told

PEOPLE = 120
FIRST = 13811100000
FAULTS = {
    "seed": 5,
    "faults": [
        {"kind": "drop_after_accept", "rate": 0.04},
        {"kind": "code", "code": 15, "scope": "item", "rate": 0.1},
    ],
    "receipts": {"delay_s": [0, 0.1], "fail_rate": 0.2},
    "replies": {"rate": 0.1, "delay_s": [0, 0.1]},
}


class Desk:
    """A campaign that was sent through the simulator with faults, and whoever follows it."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self.folder, self.simulator = folder, simulator
        self.environ = live.SINGLES.environ(simulator.url, folder)
        live.approve(simulator, live.SINGLES, **live.SAME_TEXT_AGAIN)
        self.data = live.data(live.SINGLES, live.segment(folder / "segment.csv", PEOPLE, first=FIRST))
        self.tracker = Tracker(environment=lambda: Environment(self.environ), folder=folder)

    def send(self, faults: dict[str, Any] | None = None, **more: Any) -> CampaignRow:
        """Send, and follow it."""
        self.simulator.world.set_faults(FaultPlan.model_validate(FAULTS if faults is None else faults))
        with contextlib.suppress(CampaignPaused):
            live.send(self.data | more, self.environ)
        self.simulator.world.set_faults(FaultPlan())
        row = self.tracker.choose(str((self.data | more)["campaign"]))
        assert row is not None
        return row

    def messages(self) -> pd.DataFrame:
        """Everybody, in full."""
        return pd.concat(
            frames.messages(self.tracker.ledger, self.tracker.row, reveal=True), ignore_index=True
        )

    def panel(self, language: str = "en") -> TrackPanel:
        """The panel over it, drawn and counted."""
        page = Page(Draft(), language=Language(language), host=Host.LAB)
        made = TrackPanel(page, self.tracker)
        made.draw()
        idle(page)
        return made


def idle(page: Page) -> None:
    """Wait for what runs in the background, and for what that started."""
    deadline = time.monotonic() + 60
    while not page.wait():
        assert time.monotonic() < deadline, "something in the background does not end"


@pytest.fixture
def desk(tmp_path: Path, simulator: Simulator) -> Desk:
    """A desk of its own."""
    (tmp_path / "environment.yml").touch()  # marks a project's root
    return Desk(tmp_path, simulator)


# -- acting ---------------------------------------------------------------------------------------------


def test_fetching_brings_the_receipts(desk: Desk) -> None:
    """Receipts come by real HTTP, unknowns are settled on the way, and the counts follow."""
    desk.send()
    before = desk.tracker.count().survey.groups
    time.sleep(0.3)
    fetched = desk.tracker.fetch()
    after = desk.tracker.count()

    assert before[Group.DELIVERED] == 0 < before[Group.UNKNOWN]
    assert after.survey.groups[Group.UNKNOWN] == 0
    assert after.survey.groups[Group.DELIVERED] == after.status["delivered"] == fetched.settled.delivered > 0
    assert len(after.replies) == fetched.settled.replies > 0


def test_watching_ends_by_itself_and_by_a_word(desk: Desk) -> None:
    """Watching goes on while a receipt is awaited; it ends when none is, or when somebody says so."""
    desk.send(FAULTS | {"receipts": {"delay_s": [0, 0.1], "missing_rate": 0.5}})
    stop, told = threading.Event(), []

    def once(fetched: object) -> None:
        told.append(fetched)
        if len(told) == 2:
            stop.set()

    stopped = desk.tracker.watch(stop=stop, told=once, every_s=0.05)
    desk.send({}, campaign="live-2")
    ended = desk.tracker.watch(stop=threading.Event(), told=told.append, every_s=0.2)

    assert stopped.awaiting > 0
    assert len(told) > 2
    assert ended.awaiting == ended.unknown == 0


def test_settling_by_hand_takes_the_right_number(desk: Desk) -> None:
    """Only with the number it is about; giving up leaves them, resending makes them wait."""
    desk.send()
    n = desk.tracker.status()["unknown"]
    with pytest.raises(GuardRefused, match=f"{n} are unknown now, and you confirmed {n + 1}"):
        desk.tracker.settle(resend=True, count=n + 1)
    untouched = desk.tracker.status()["unknown"]
    gave_up = desk.tracker.settle(resend=False, count=n)
    desk.send(campaign="live-2")
    m = desk.tracker.status()["unknown"]
    desk.tracker.settle(resend=True, count=m)
    status = desk.tracker.status()

    assert untouched == n == gave_up > 0
    assert (status["unknown"], status["waiting"], status["state"]) == (0, m, "paused")


def test_the_list_has_the_state_that_is_told(desk: Desk) -> None:
    """What was never taken waits again: the campaign is paused in the list, too, and stays chosen."""
    desk.send({"seed": 5, "faults": [{"kind": "drop_before_accept", "rate": 0.1}]}, campaign="other")
    row = desk.send({"seed": 5, "faults": [{"kind": "drop_before_accept", "rate": 0.1}]})
    panel = desk.panel()
    before = find(panel.widget, "Campaign").label
    desk.tracker.settle(resend=True, count=desk.tracker.status()["unknown"])
    panel.refresh()
    idle(panel.page)

    assert before.endswith("finished")
    assert find(panel.widget, "Campaign").label == before.removesuffix("finished") + "paused"
    assert desk.tracker.row.id == row.id


@pytest.mark.parametrize("kind", ["csv", "xlsx", "json", "jsonl", "parquet"])
def test_exports(desk: Desk, kind: str) -> None:
    """One row per person; masked unless asked for, and then readable by the owner alone."""
    desk.send()
    masked, full = desk.tracker.export(kind), desk.tracker.export(kind, reveal=True)
    read = {
        "csv": pd.read_csv,
        "xlsx": pd.read_excel,
        "json": pd.read_json,
        "jsonl": lambda p: pd.read_json(p, lines=True),
        "parquet": pd.read_parquet,
    }[kind]

    assert masked.parent == desk.folder / "runs"
    assert len(read(masked)) == len(read(full)) == PEOPLE
    assert str(FIRST)[:8] not in read(masked).to_csv()
    assert str(FIRST)[:8] in read(full).to_csv()
    assert stat.S_IMODE(full.stat().st_mode) == 0o600
    with pytest.raises(InputError, match="unknown format `xls`"):
        desk.tracker.export("xls")


# -- follow-up ------------------------------------------------------------------------------------------


def test_a_follow_up_reaches_exactly_those_people(desk: Desk) -> None:
    """Refused and undelivered people become a segment; sent as its parameters say it reaches them alone."""
    desk.send(FAULTS | {"replies": {}})  # whoever opts out meanwhile is left out
    time.sleep(0.3)
    desk.tracker.fetch()
    table = desk.messages()
    wanted = table[table["state"].isin(["refused", "undelivered"])]
    made = desk.tracker.follow_up(["refused", "undelivered"])
    parameters = yaml.safe_load(made.parameters.read_text(encoding="utf-8"))
    mode = stat.S_IMODE(made.segment.stat().st_mode)
    before = desk.simulator.world.accepted()
    really = {"mode": "live", "send_window": "", "segment": str(made.segment)}
    again = CampaignSpec.from_data(parameters | really)
    open_campaign(again, environment=Environment(desk.environ)).send()
    desk.tracker.choose(made.campaign)
    reached = desk.messages()

    assert made.people == len(wanted) > 0
    assert mode == 0o600
    assert parameters.get("mode", "rehearse") == "rehearse"
    assert parameters["segment"] == f"segments/{made.segment.name}"
    assert parameters["max_recipients"] == made.people
    assert str(FIRST)[:8] not in made.parameters.read_text(encoding="utf-8")
    assert desk.simulator.world.accepted() - before == made.people
    assert set(reached["phone"]) == set(wanted["phone"])
    assert dict(zip(reached["phone"], reached["text"], strict=True)) == dict(
        zip(wanted["phone"], wanted["text"], strict=True)
    )


@pytest.mark.parametrize("group", ["unknown", "awaiting", "given_up", "waiting", "submitting", "delivered"])
def test_who_may_have_got_it_needs_a_word(desk: Desk, group: str) -> None:
    """Whoever may have the message already, or get it yet, is followed up only on an explicit word."""
    desk.send()
    with pytest.raises(GuardRefused, match=f"{group} may have got the message"):
        desk.tracker.follow_up([group, "refused"])

    assert not list(desk.folder.glob("segments/*"))


def test_a_follow_up_of_unknown_ones_on_a_word(desk: Desk) -> None:
    """With the word they are written; opted-out ones never are; nobody is no segment and leaves no file."""
    desk.send()
    n = desk.tracker.status()["unknown"]
    made = desk.tracker.follow_up(["unknown"], may_arrive_twice=True)
    with pytest.raises(GuardRefused, match="asked not to be messaged"):
        desk.tracker.follow_up(["opted_out"], may_arrive_twice=True)
    with pytest.raises(InputError, match="nobody is in what you chose"):
        desk.tracker.follow_up(["frequency_cap"], campaign="other")
    with pytest.raises(InputError, match="unknown group `failed`"):
        desk.tracker.follow_up(["failed"])

    assert made.people == n > 0
    assert sorted(p.suffix for p in desk.folder.glob("segments/*")) == [".parquet", ".yaml"]


def test_a_follow_up_has_an_id_of_its_own(desk: Desk) -> None:
    """Each follow-up takes the first free number, and columns that would clash get another name."""
    row = desk.send(variables={"name": "name", "coupon": "coupon"})
    made = desk.tracker.follow_up(["refused"])
    second = desk.tracker.follow_up(["refused"]).campaign
    sent = desk.send(campaign=made.campaign)

    assert (made.campaign, second) == ("live-1.again-1", "live-1.again-2")
    assert (sent.kind, sent.parent, sent.series) == (Kind.FOLLOW_UP, "live-1", "live-1.again-1")
    assert next_id(desk.tracker.ledger, row) == "live-1.again-3"
    assert pq.read_schema(made.segment).names == ["user_id", "phone", "name", "coupon"]


def test_a_follow_up_by_reason_leaves_dead_numbers_out(desk: Desk) -> None:
    """Each reason can be chosen; numbers that are dead are not, until a person takes them in."""
    codes = ["MK:0001", "MK:0010"]
    desk.send({"seed": 5, "receipts": {"delay_s": [0, 0], "fail_rate": 0.5, "fail_codes": codes}})
    time.sleep(0.3)
    desk.tracker.fetch()
    panel = desk.panel()
    tab, failures = panel.follow_up, desk.tracker.count().survey.failures
    choices = tab.choices()
    dead = {whom for whom, (_, _, is_dead) in choices.items() if is_dead}
    chosen = {whom for whom in choices if tab.is_chosen(whom)}
    find(tab.widget, "Save as a segment").click()
    idle(panel.page)
    written = len(pq.read_table(next(desk.folder.glob("segments/*.parquet"))))
    panel.act("follow_up", next(f for f in panel.failures.failures if f.dead))
    alone = {whom for whom in choices if tab.is_chosen(whom)}
    panel.act("take_out", next(f for f in panel.failures.failures if f.dead))
    idle(panel.page)
    kept = pd.read_parquet(desk.folder / "segments" / "live-1-without-dead-numbers.parquet")

    assert {(str(w.group), w.code) for w in dead} == {("undelivered", "MK:0001")}
    assert {(str(w.group), w.code) for w in chosen} == {("undelivered", "MK:0010")}
    assert written == failures.loc[failures["code"] == "MK:0010", "people"].sum() > 0
    assert alone == dead
    assert len(kept) == PEOPLE - failures.loc[failures["code"] == "MK:0001", "people"].sum()
    assert len(pd.read_csv(desk.data["segment"])) == PEOPLE


def test_a_follow_up_to_whoever_replied(desk: Desk) -> None:
    """It reaches those who answered and did not opt out, and nobody else."""
    desk.send({"seed": 5, "replies": {"rate": 0.2, "texts": ["TD", "好的"], "delay_s": [0, 0]}})
    time.sleep(0.3)
    desk.tracker.fetch()
    came = desk.tracker.count().replies
    got = ["delivered", "undelivered", "awaiting"]
    made = desk.tracker.follow_up(got, only_repliers=True, may_arrive_twice=True)

    assert made.people == len(came) - came["opted_out"].sum() > 0
    assert came["opted_out"].any()


def test_what_the_browser_saves(desk: Desk) -> None:
    """A workbook with columns of the segment, phones as text, times on the campaign's clock; the report."""
    frame = pd.read_csv(desk.data["segment"], dtype=str)
    frame.assign(city=["=1+1", "上海"] * (PEOPLE // 2)).to_csv(desk.data["segment"], index=False)
    desk.send({})
    panel, saved = desk.panel(), {}
    panel.download.saving.send = lambda content, buffers: saved.update({content["save"]: buffers[0]})
    panel.download.columns = ("city",)
    for name in ("Download xlsx", "Download csv", "Download the report"):
        find(panel.widget, name).click()
        idle(panel.page)
    book = openpyxl.load_workbook(io.BytesIO(saved["live-1-live-messages.xlsx"]))["messages"]
    head, first, second = list(book.iter_rows(max_row=3))
    at = {cell.value: n for n, cell in enumerate(head)}
    told = saved["live-1-live-report.html"].decode()

    assert set(saved) == {"live-1-live-messages.xlsx", "live-1-live-messages.csv", "live-1-live-report.html"}
    assert book.max_row == PEOPLE + 1
    assert [first[at["city"]].value, second[at["city"]].value] == ["'=1+1", "上海"]
    assert first[at["phone"]].value == f"{FIRST}"[:3] + "****" + f"{FIRST}"[-4:]
    sent = first[at["submitted_at (Asia/Shanghai)"]].value
    zone = ZoneInfo("Asia/Shanghai")
    assert abs((datetime.now(zone).replace(tzinfo=None) - sent).total_seconds()) < 600
    assert "+08:00" in saved["live-1-live-messages.csv"].decode("utf-8-sig").splitlines()[1]
    assert "live-1" in told
    assert "<html" in told


# -- panel ----------------------------------------------------------------------------------------------


def html_of(widget: Any) -> str:
    """All HTML of a widget and what is in it."""
    inner = "".join(html_of(child) for child in getattr(widget, "children", ()))
    return inner + (str(widget.value) if type(widget).__name__ in ("HTML", "Label", "Pressable") else "")


def find(widget: Any, name: str) -> Any:
    """The button or input of that name."""
    if getattr(widget, "description", None) == name:
        return widget
    hits = (find(child, name) for child in getattr(widget, "children", ()))
    return next((hit for hit in hits if hit is not None), None)


def test_the_panel_says_when_there_is_nothing(desk: Desk) -> None:
    """Without any campaign the panel says so, and how to get one."""
    panel = desk.panel()

    assert "There is no campaign yet" in html_of(panel.widget)
    assert 'href="03_send_campaign.ipynb"' in html_of(panel.widget)
    assert [box for box in parts(panel.widget) if "smskit-card" in getattr(box, "_dom_classes", ())]
    with pytest.raises(LedgerError, match="no campaign to follow"):
        desk.tracker.status()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_panel_shows_every_side(desk: Desk, language: str) -> None:
    """Every tab is filled, in both languages, without a full phone; the switch redraws and loses nothing."""
    desk.send()
    panel = desk.panel(language)
    find(panel.widget, {"en": "Fetch receipts now", "zh": "立即取状态报告"}[language]).click()
    idle(panel.page)
    panel.why.ask("u000003")
    panel.open("")
    panel.page.speak({"en": "zh", "zh": "en"}[language])
    idle(panel.page)
    panel.page.speak(language)
    idle(panel.page)
    shown = html_of(panel.widget)
    status = desk.tracker.status()

    assert str(FIRST)[:8] not in shown
    assert bar(panel)["delivered"] == status["delivered"] > 0
    assert len([tab for tab in panel.tabs if not html_of(tab.widget)]) == 0
    for word in {"en": ("Counting", "went wrong"), "zh": ("正在统计", "意料之外")}[language]:
        assert word not in shown
    assert panel.why.person == "u000003"
    assert "u000003" in html_of(panel.why.widget)
    assert "<svg" in html_of(panel.time.widget)
    assert "<svg" in html_of(panel.carriers.widget)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_panel_denies_nobody(desk: Desk, language: str) -> None:
    """The answer before goes; whom a rule left out is told why, row by row; who is nowhere is denied."""
    people = pd.read_csv(desk.data["segment"], dtype=str)
    same = people.assign(phone=str(FIRST)).iloc[[1]]
    people = pd.concat([people.head(3), same.assign(user_id="twin")]).assign(level=["a", "b", "a", None])
    people.to_csv(desk.data["segment"], index=False)
    rules = {"all": [{"column": "level", "op": "==", "value": "a"}]}
    live.campaign(desk.data | {"mode": "plan", "rules": rules}, desk.environ).plan()
    desk.tracker.choose("live-1")
    panel = desk.panel(language)
    field = find(panel.why.widget, {"en": "User id or phone", "zh": "用户 ID 或手机号"}[language])
    shown = {}
    for who in ("u000000", "u000001", "nobody", str(FIRST)):
        field.value = who
        idle(panel.page)
        shown[who] = html_of(panel.why.widget)

    rule, denied = {
        "en": (
            "ruled out by rule 1 (<code>level</code> is &quot;a&quot;)",
            "nobody is not in the file that was read at",
        ),
        "zh": ("被规则 1 筛除", "读取的文件中没有 nobody"),
    }[language]
    assert "u000000 (" in shown["u000000"]
    assert rule in shown["u000001"]
    assert "u000000" not in shown["u000001"]
    assert denied in shown["nobody"]
    assert "u000001" not in shown["nobody"]
    assert all(who in shown[str(FIRST)] for who in ("u000000", "twin"))
    assert denied not in shown[str(FIRST)]
    assert bar(panel) == {"": 4, "ruled_out": 2, "waiting": 2}


def test_the_panel_offers_reports_that_are_likely_about_somebody(desk: Desk) -> None:
    """A report for an unknown number, with an id that is not ours, is offered for a person to accept."""
    row = desk.send()
    ledger, before = desk.tracker.ledger, desk.tracker.status()
    unknown = desk.messages().query("state == 'unknown'")
    report_of = Receipt("7f1", unknown["phone"].iloc[0], True, "DELIVRD", at=datetime.now(UTC))
    ledger.unmatched.keep(row.provider, row.mode, [report_of])
    panel = desk.panel()
    text = html_of(panel.unknown.widget)
    next(b for b in buttons(panel.unknown.widget) if "Accept 1" in b.description).click()
    idle(panel.page)
    after = desk.tracker.status()

    assert "1 were likely accepted" in text
    assert (after["unknown"], after["delivered"]) == (before["unknown"] - 1, before["delivered"] + 1)
    assert not any("Accept" in b.description for b in buttons(panel.unknown.widget))


def test_the_panel_acts_and_complains(desk: Desk) -> None:
    """A wrong number is refused in words, the right one settles; a follow-up says how it is sent."""
    desk.send()
    panel = desk.panel()
    tab = panel.unknown
    find(tab.widget, next(b.description for b in buttons(tab.widget) if "Give up" in b.description)).click()
    refused = html_of(tab.widget)
    find(tab.widget, "Repeat the number").value = desk.tracker.status()["unknown"]
    next(b for b in buttons(tab.widget) if "Give up" in b.description).click()
    idle(panel.page)
    (desk.folder / "campaign.yaml").write_text("campaign: live-1\n", encoding="utf-8")
    panel.follow_up.only(Whom(Group.GIVEN_UP))
    find(panel.follow_up.widget, "Save as a segment").click()
    idle(panel.page)
    unsure = html_of(panel.follow_up.widget)
    find(panel.follow_up.widget, "I know that some may get two messages").value = True
    find(panel.follow_up.widget, "Save as a segment").click()
    idle(panel.page)
    left = yaml.safe_load((desk.folder / "campaign.yaml").read_text(encoding="utf-8"))

    assert "nothing was changed" in refused
    assert "it needs your explicit word" in unsure
    assert desk.tracker.status()["unknown"] == 0
    assert 'href="03_send_campaign.ipynb"' in html_of(panel.follow_up.widget)
    assert str(desk.folder) not in html_of(panel.follow_up.widget)
    assert len(list(desk.folder.glob("segments/*.parquet"))) == 1
    assert left["campaign"] == "live-1.again-1"
    assert (desk.folder / "campaign-live-1.yaml").read_text(encoding="utf-8") == "campaign: live-1\n"


def test_what_is_typed_survives_counting(desk: Desk) -> None:
    """
    No count takes away a field in which somebody types, whatever it brought.

    A browser draws a widget anew when something before it in its box is another than before.
    """
    desk.send({"faults": [{"kind": "drop_after_accept", "rate": 1}], "receipts": {"fail_rate": 1}})
    panel = desk.panel()
    before = where_typed(panel.widget)
    for field in before:
        field.value = 7 if isinstance(field, w.IntText) else "typed"
    panel.refresh()
    idle(panel.page)

    assert [type(field).__name__ for field in before] == ["Text", "Text", "Text", "Text", "IntText", "Text"]
    assert where_typed(panel.widget) == before
    assert {field.value for field in before} == {7, "typed"}


def where_typed(box: Any, *above: Any) -> dict[Any, tuple[Any, ...]]:
    """Fields that are typed into, each with what stands before it in every box around it."""
    found = {box: above} if isinstance(box, w.Text | w.Textarea | w.IntText) else {}
    children = getattr(box, "children", ())
    for n, child in enumerate(children):
        found |= where_typed(child, *above, children[: n + 1])
    return found


def buttons(widget: Any) -> list[Any]:
    """All buttons in it."""
    own = [widget] if type(widget).__name__ == "Button" else []
    return own + [hit for child in getattr(widget, "children", ()) for hit in buttons(child)]


def test_people_page_by_page(desk: Desk) -> None:
    """The list of people goes on and back, and shows full phones only when asked."""
    desk.send({})
    panel = desk.panel()
    tab = panel.people
    panel.open("awaiting")
    idle(panel.page)
    first = html_of(tab.widget)
    next(b for b in buttons(tab.widget) if b.description == "Next page").click()
    idle(panel.page)
    second = html_of(tab.widget)
    find(tab.widget, "Show full phones").value = True
    idle(panel.page)

    assert f"1 to 25 of {PEOPLE} people" in first
    assert f"26 to 50 of {PEOPLE} people" in second
    assert str(FIRST)[:8] not in first + second
    assert str(FIRST)[:8] in html_of(tab.widget)


def test_what_comes_from_outside_is_escaped(desk: Desk) -> None:
    """A user id that is a script is shown as text."""
    frame = pd.read_csv(desk.data["segment"], dtype=str)
    frame.loc[0, "user_id"] = "<script>alert(1)</script>"
    frame.to_csv(desk.data["segment"], index=False)
    desk.send()
    panel = desk.panel()
    panel.why.ask("<script>alert(1)</script>")
    panel.open("")
    idle(panel.page)

    assert "&lt;script&gt;" in html_of(panel.people.widget)
    assert "<script>" not in html_of(panel.widget)


def test_doubtful_replies_are_decided_and_lists_imported(desk: Desk) -> None:
    """Each has its words, a masked phone and two buttons; a list says which lines it could not read."""
    doubtful = {"rate": 0.05, "texts": ["烦死了"], "delay_s": [0, 0]}
    desk.send({"seed": 5, "replies": doubtful})
    desk.tracker.fetch()
    panel = desk.panel()
    ledger, tab = desk.tracker.ledger, panel.replies.opt_outs
    n = len(ledger.opt_outs.phones())
    shown, name = html_of(tab.widget), panel.replies.name
    find(tab.widget, "opted out").click()
    idle(panel.page)
    find(tab.widget, "not an opt-out").click()
    idle(panel.page)
    left = len(ledger.opt_outs.phones()), ledger.replies.count_undecided()
    (desk.folder / "list.txt").write_text("手机13900000000\nnobody\n", encoding="utf-8")
    tab.take(str(desk.folder / "list.txt"))
    idle(panel.page)

    assert n > 1
    assert name == f"Replies ({n})"
    assert f"{n} doubtful replies" in shown
    assert shown.count("烦死了") == shown.count("138****") == n
    assert left == (n - 1, n - 2)
    assert "line 2: nobody" in html_of(tab.widget)
    assert len(ledger.opt_outs.phones()) == n


# fmt: off
STEPS = (
    "campaigns", "receipts", "over_time", "failures", "carriers", "batches", "left_out", "unknowns",
    "replies",
    "books",
)
# fmt: on
# -- plain steps ----------------------------------------------------------------------------------------


def test_plain_steps(desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Every step runs from a plain cell, follows the newest campaign, and a misspelt parameter is told."""
    monkeypatch.setenv("SMSKIT_LANG", "en")
    for name, value in desk.environ.items():
        monkeypatch.setenv(name, value)
    desk.send()
    monkeypatch.chdir(desk.folder)
    nb = open_track({"campaign": "", "mode": ""})
    for step in [
        "campaigns",
        "receipts",
        "over_time",
        "failures",
        "carriers",
        "batches",
        "left_out",
        "unknowns",
        "replies",
        "books",
    ]:
        getattr(nb, step)()
    nb.why("u000002")
    page = nb.people("refused", size=3)
    place = nb.export("csv")
    made = nb.follow_up("refused")
    with pytest.raises(LedgerError, match="did you mean `live-1`"):
        open_track({"campaign": "live-2"})

    assert nb.tracker.row.name == "live-1"
    assert set(page["state"]) == {"refused"}
    assert place.parent.parent == made.segment.parent.parent == desk.folder
    assert json.loads(json.dumps(nb.tracker.status()))["planned"] == PEOPLE


# -- panel and cells ------------------------------------------------------------------------------------


def bar(panel: TrackPanel) -> dict[str, int]:
    """The parts of the bar, by what is told when they are pressed; "" is the file."""
    found = re.findall(
        r'data-press="([^"]*)">[^/]*?(?:</i>[^<]*)?<b>([\d,]+)</b>', html_of(panel.books.widget)
    )
    return {part: int(n.replace(",", "")) for part, n in found}


def cards(panel: TrackPanel) -> dict[str, str]:
    """The figures on the cards, by what they are called."""
    found = re.findall(r"<b[^>]*>([^<]*)</b><span>([^<]*)</span>", told(panel.books.widget))
    return {label: figure for figure, label in found}


def test_a_cell_that_fetches_is_seen_in_the_panel(desk: Desk) -> None:
    """After receipts were fetched in a cell the panel shows the same books, and so after another choice."""
    desk.send()
    panel = desk.panel()
    before = bar(panel)
    time.sleep(0.3)
    notebook = TrackNotebook(Draft(), host=Host.LAB, tracker=desk.tracker)
    notebook.receipts()
    after, status = bar(panel), desk.tracker.status()
    desk.send({}, campaign="live-2")
    notebook.choose("live-2")

    assert "delivered" not in before
    assert after["delivered"] == status["delivered"] > 0
    assert bar(panel)["awaiting"] == desk.tracker.status()["awaiting"] != after.get("awaiting")


@pytest.mark.parametrize(
    ("mode", "banner", "label"),
    [
        ("live", "Live · real messages", "cost of the accepted"),
        ("rehearse", "Rehearsal · nobody gets a message", "would have cost"),
    ],
)
def test_the_head_adds_up(desk: Desk, mode: str, banner: str, label: str) -> None:
    """The bar adds up to the file, the sentence and the cards say the same, and the mode is not missed."""
    rules = [{"column": "user_id", "op": "!=", "value": "u000003"}]
    desk.send(mode=mode, rules=rules, holdout=0.1)
    panel = desk.panel()
    parts, status, people = bar(panel), desk.tracker.status(), desk.messages()
    accepted = people["state"].isin(["accepted", "delivered", "undelivered"])
    shown, total = told(panel.widget), parts.pop("")

    assert total == PEOPLE == sum(parts.values())
    assert parts["ruled_out"] == 1
    assert parts["excluded:holdout"] == (people["reason"] == "holdout").sum() > 0
    assert f"{parts['awaiting']} of {status['planned']} people accepted (" in shown
    assert "no receipt yet" in shown
    assert cards(panel)["delivery rate, of the accepted"] == "—"
    cost = Decimal("0.05") * int(people["parts"][accepted].sum())
    assert cards(panel)[label] == f"¥{cost:,.2f}"
    assert f">{banner}<" in shown


def test_a_part_of_the_bar_opens_its_people(desk: Desk) -> None:
    """Every part leads to as many people as it says, with why; the whole of it to everybody of the file."""
    rules = [{"column": "user_id", "op": "!=", "value": "u000003"}]
    desk.send(rules=rules, holdout=0.1)
    time.sleep(0.3)
    desk.tracker.fetch()
    panel = desk.panel()
    found = {}
    for part in bar(panel):
        panel.books._bar.press(part)
        idle(panel.page)
        found[part] = panel.people.pager.total
        shown = html_of(panel.people.widget)
        if part == "ruled_out":
            assert "rule 1 (<code>user_id</code> is not &quot;u000003&quot;)" in shown
        if part == "excluded:holdout":
            assert 'holdout <span class="code">holdout</span>' in shown
        assert str(FIRST)[:8] not in shown

    assert found == bar(panel)
    assert panel.tabs[panel._box.selected_index] is panel.people


def test_people_are_sorted_and_searched(desk: Desk) -> None:
    """A head sorts everybody of the place, pressed again the other way round; a search finds in all of it."""
    desk.send({})
    panel = desk.panel()
    tab = panel.people
    panel.open("")
    idle(panel.page)
    shown = []
    for _ in range(2):
        tab._table.press("sort:user_id")
        idle(panel.page)
        shown.append(re.findall(r"u\d{6}", html_of(tab.widget)))
    tab.find(f"+86{FIRST + 7}")
    idle(panel.page)
    by_phone = re.findall(r"u\d{6}", html_of(tab.widget))

    assert shown[0] == sorted(shown[0])
    assert shown[0][0] == "u000000"
    assert shown[1][0] == f"u{PEOPLE - 1:06d}"
    assert by_phone == ["u000007"]


def test_a_fetch_says_that_it_counts_since_the_last(desk: Desk) -> None:
    """What a fetch brought is told as new since last time, since the figures above it are of all."""
    desk.send({})
    panel = desk.panel()
    panel.fetch()
    idle(panel.page)

    assert "New on this account, test sends included: " in told(panel.widget)


def test_what_waits_has_a_way_to_go_on(desk: Desk) -> None:
    """A campaign that stopped with people waiting leads to 03; a finished one does not."""
    row = desk.send({})
    finished = {name for part in parts(desk.panel().widget) for name in names(part)}
    desk.tracker.ledger.campaigns.mark(row.id, "paused")
    paused = {name for part in parts(desk.panel().widget) for name in names(part)}

    assert f"Go on {row.name} →" not in finished
    assert f"Go on {row.name} →" in paused


def test_the_newest_live_campaign_is_opened(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rehearsal in campaign.yaml does not hide what was sent live since; asked for, it is shown."""
    for name, value in (desk.environ | {"SMSKIT_INTERACTIVE": "1"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(desk.folder)
    desk.send({}, mode="rehearse")
    (desk.folder / "campaign.yaml").write_text(yaml.safe_dump({"campaign": "live-1"}), encoding="utf-8")
    rehearsed = open_track({}).tracker.row
    desk.send({}, campaign="live-2")
    desk.send({}, campaign="trial-3", mode="rehearse")
    live_one, asked = open_track({}).tracker.row, open_track({"campaign": "live-1"}).tracker.row

    assert (rehearsed.name, rehearsed.mode) == ("live-1", "rehearse")
    assert (live_one.name, live_one.mode) == ("live-2", "live")
    assert asked.name == "live-1"
