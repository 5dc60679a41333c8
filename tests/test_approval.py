"""``SMSKIT_REQUIRE_APPROVAL``: nothing is sent live until somebody else has approved that very plan."""

from __future__ import annotations

import contextlib
import getpass
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from smskit.cli import commands
from smskit.errors import CampaignPaused, GuardRefused, InputError, SettingsError
from smskit.i18n import Language
from smskit.ledger import ApprovalRow, Ledger
from smskit.ledger.approvals import is_same
from smskit.ledger.opening import open_ledger
from smskit.models import Mode
from smskit.notebook import open_notebook
from smskit.notebook.handover import Wanted
from smskit.notebook.host import Host
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.track import TrackPanel
from smskit.notebook.send_model import SendModel
from smskit.notebook.tracker import Tracker
from smskit.planning.draft import Draft
from smskit.planning.occurrence import as_occurrence
from smskit.reporting import report
from smskit.reporting.run_page import page
from smskit.sending.campaign import Campaign
from smskit.settings import Environment
from smskit.simulator import FaultPlan, Simulator
from tests import live
from tests.clicking import named
from tests.profiles import examples
from tests.test_send_panel import Clicker
from tests.test_tracking import idle

PEOPLE = 6
BROKE = {"kind": "code", "code": 3, "skip": 2, "rate": 1.0, "endpoint": "single_send"}  # no money left


class Office:
    """A live account over the simulator, where live runs need a second person, and people who work there."""

    def __init__(
        self, folder: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, ledger: str
    ) -> None:
        self.folder, self.world, self._patch = folder, simulator.world, monkeypatch
        live.approve(simulator, live.SINGLES, **live.SAME_TEXT_AGAIN)
        source = live.segment(folder / "people.csv", PEOPLE)
        self.data = live.data(live.SINGLES, source)
        self.environ = live.SINGLES.environ(simulator.url, folder, ledger)
        self.environ["SMSKIT_REQUIRE_APPROVAL"] = "live"

    def of(self, who: str) -> dict[str, str]:
        return self.environ | {"SMSKIT_USER": who}

    def campaign(self, who: str, **more: Any) -> Campaign:
        return live.campaign(self.data | more, self.of(who))

    def refused(self, who: str, **more: Any) -> str:
        """The plan of a live run that is refused for want of an approval."""
        campaign = self.campaign(who, **more)
        with pytest.raises(GuardRefused, match="needs the approval of somebody else") as caught:
            campaign.send()
        assert caught.value.exit_code == 3
        return campaign.plan().hash

    def command(self, who: str, *arguments: str) -> int:
        """What a command exits with."""
        for name, value in self.of(who).items():
            self._patch.setenv(name, value)
        self._patch.setattr(sys, "argv", ["smskit", *arguments])
        with pytest.raises(SystemExit) as ended:
            commands.main()
        return int(ended.value.code or 0)

    def model(self, who: str, **more: Any) -> SendModel:
        made = SendModel(Draft(self.data | more), environment=lambda: Environment(self.of(who)))
        made.planning.want()
        assert made.planning.wait()
        return made

    def tracker(self, who: str, mode: Mode = Mode.PLAN) -> Tracker:
        made = Tracker(environment=lambda: Environment(self.of(who)), folder=self.folder)
        made.choose("live-1", mode)
        return made

    @property
    def ledger(self) -> Ledger:
        return open_ledger(Environment(self.environ))

    def approval(self, plan_hash: str) -> ApprovalRow:
        found = self.ledger.approvals.get("live-1", plan_hash)
        assert found is not None
        return found


@pytest.fixture
def office(
    tmp_path: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> Office:
    """Where lily plans and wang looks."""
    monkeypatch.chdir(tmp_path)
    return Office(tmp_path, simulator, monkeypatch, database_url)


def by_command(office: Office, who: str, plan_hash: str) -> int:
    return office.command(who, "approve", "live-1", plan_hash)


def _code(act: Callable[[], object]) -> int:
    try:
        act()
    except (GuardRefused, InputError) as error:
        return error.exit_code
    return 0


def by_method(office: Office, who: str, plan_hash: str) -> int:
    return _code(lambda: office.campaign(who).approve(plan_hash))


def by_send_panel(office: Office, who: str, plan_hash: str) -> int:
    model = office.model(who)
    wanted = model.approval
    assert wanted is not None
    return _code(lambda: model.approve(wanted._replace(plan_hash=plan_hash)))


def by_track_panel(office: Office, who: str, plan_hash: str) -> int:
    office.campaign("lily", mode="plan").plan()
    return _code(lambda: office.tracker(who).approve(plan_hash))


DOORS = [by_command, by_method, by_send_panel, by_track_panel]


@pytest.mark.parametrize("door", DOORS)
def test_somebody_else_has_to_approve(office: Office, door: Callable[[Office, str, str], int]) -> None:
    """By every door: refused for who planned (3) and for what nobody planned (2); then it is sent, once."""
    plan_hash = office.refused("lily")
    codes = [door(office, "lily", plan_hash), door(office, "wang", "p0"), door(office, "wang", plan_hash)]
    accepted = office.world.accepted()
    office.campaign("lily").send()
    found = office.approval(plan_hash)
    row = office.ledger.campaigns.get("live-1", Mode.LIVE)
    assert row is not None

    assert codes == [3, 2, 0]
    assert (accepted, office.world.accepted()) == (0, PEOPLE)
    assert (found.planned_by, found.approved_by) == ("lily", "wang")
    assert found.approved_from.startswith(f"{getpass.getuser()}@")
    assert report.status(office.ledger, row)["approval"] == found.to_data()


@pytest.mark.parametrize("way", ["mode-plan", "command", "asked-in-03"])
def test_who_planned_is_written_down(office: Office, way: str) -> None:
    """A plan, by whatever door, names who made it; who plans it again, to look at it, may approve it."""
    if way == "command":
        file = office.folder / "campaign.yaml"
        file.write_text(yaml.safe_dump(office.data, allow_unicode=True))
        assert office.command("lily", "plan", str(file)) == 0
    elif way == "mode-plan":
        office.campaign("lily", mode="plan").plan()
    else:
        model = office.model("lily")
        assert model.approval is not None
        model.ask_approval(model.approval)
    plan_hash = office.campaign("wang", mode="plan").plan().hash

    assert office.approval(plan_hash).planned_by == "lily"
    assert by_method(office, "lily", plan_hash) == 3
    assert by_method(office, "wang", plan_hash) == 0


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"rules": {"column": "coupon", "op": "<", "value": 200}}, id="people"),
        pytest.param({"template": "你好{name}，送你{coupon}元。拒收请回复R"}, id="text"),
        pytest.param({"variables": {"name": "name", "coupon": {"value": "1"}}}, id="variables"),
        pytest.param({"signature": "Growing"}, id="signature"),
        pytest.param({"provider": "chuanglan"}, id="provider"),
        pytest.param({"campaign": "live-2"}, id="another-campaign"),
    ],
)
def test_an_approval_is_of_one_plan(office: Office, change: dict[str, Any]) -> None:
    """Other people, another text, provider or campaign need a new one."""
    approved = office.refused("lily")
    by_method(office, "wang", approved)
    other = office.refused("lily", **change)

    assert other != approved or "campaign" in change
    assert office.world.accepted() == 0


def test_a_file_that_changed_needs_a_new_one(office: Office) -> None:
    """The segment's file is read again by the run: one more person is another plan."""
    by_method(office, "wang", office.refused("lily"))
    live.segment(office.folder / "people.csv", PEOPLE + 1)

    office.refused("lily")
    assert office.world.accepted() == 0


NAMES = st.sampled_from(
    ["lily", "Lily", " lily ", "LILY", "ｌｉｌｙ", "li\u200bly", "lily\ufe0f", "wang", "Wang\t"]
)


@settings(max_examples=examples(100))
@given(steps=st.lists(st.tuples(st.sampled_from(["plan", "approve"]), NAMES), max_size=8))
def test_who_planned_never_approves(steps: list[tuple[str, str]]) -> None:
    """Whoever does what in whichever order and writing of a name: both are there, and two people."""
    ledger = Ledger("sqlite://")
    for act, who in steps:
        with contextlib.suppress(GuardRefused, InputError):
            getattr(ledger.approvals, act)("c", "p1", by=who)
    found = ledger.approvals.get("c", "p1")
    planners = [who for act, who in steps if act == "plan"]
    ledger.close()

    assert (found is not None) is bool(planners)
    if found is not None:
        others = [who for act, who in steps[steps.index(("plan", planners[0])) :] if act == "approve"]
        assert is_same(found.planned_by, planners[0])
        assert found.approved is any(not is_same(who, planners[0]) for who in others)
        assert not found.approved or not is_same(found.planned_by, found.approved_by)


def test_nobody_is_not_somebody_else(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody knows who it is, it is not approved."""

    def unknown() -> str:
        raise KeyError("no such user")

    plan_hash = office.refused("lily")
    monkeypatch.setattr(getpass, "getuser", unknown)

    with pytest.raises(GuardRefused, match="set SMSKIT_USER"):
        office.ledger.approvals.approve("live-1", plan_hash)


def test_a_resume_needs_no_new_one(office: Office) -> None:
    """A campaign that was approved, frozen and interrupted goes on by whoever resumes it."""
    by_method(office, "wang", office.refused("lily"))
    office.world.set_faults(FaultPlan.model_validate({"faults": [BROKE]}))
    with pytest.raises(CampaignPaused):
        office.campaign("lily").send()
    office.world.set_faults(FaultPlan())
    office.campaign("cron").resume()

    assert office.world.accepted() == PEOPLE


def test_one_begun_before_the_setting_needs_it_to_go_on(office: Office) -> None:
    """What was frozen without an approval is refused like a new one, and goes on once it has one."""
    before = {n: v for n, v in office.of("lily").items() if n != "SMSKIT_REQUIRE_APPROVAL"}
    office.world.set_faults(FaultPlan.model_validate({"faults": [BROKE]}))
    with pytest.raises(CampaignPaused):
        live.send(office.data, before)
    office.world.set_faults(FaultPlan())
    sent = office.world.accepted()
    campaign = office.campaign("lily")
    with pytest.raises(GuardRefused, match="needs the approval"):
        campaign.resume()
    stayed = office.world.accepted()
    row = campaign.started()
    assert row is not None
    by_method(office, "wang", row.plan_hash)
    campaign.resume()

    assert (stayed, office.world.accepted()) == (sent, PEOPLE)


def test_row_18_an_erased_person_is_in_no_approval(office: Office) -> None:
    """A pseudonym stands there, an approval holds, and who planned still cannot approve."""
    wanted = office.refused("U000003")
    open_one = office.refused("u000003", template="{name}{coupon}，另一封，拒收请回复R")
    assert office.command("wang", "approve", "live-1", wanted) == 0
    assert office.command("wang", "erase", "u000003", "--yes") == 0
    closed, still_open = office.approval(wanted), office.approval(open_one)

    assert [a.planned_by.startswith("erased-") for a in (closed, still_open)] == [True, True]
    assert closed.planned_by == still_open.planned_by
    assert closed.planned_from == ""
    assert (closed.approved_by, closed.approved) == ("wang", True)
    assert office.command("u000003", "approve", "live-1", open_one) == 3
    assert not office.approval(open_one).approved
    office.campaign("lily").send()
    assert office.world.accepted() == PEOPLE


def test_row_18_whoever_approved_and_is_erased(office: Office) -> None:
    """The approval that somebody gave stays given, and a paused campaign goes on with it."""
    wanted = office.refused("lily")
    assert office.command("u000001", "approve", "live-1", wanted) == 0
    office.world.set_faults(FaultPlan.model_validate({"faults": [BROKE]}))
    with pytest.raises(CampaignPaused):
        office.campaign("lily").send()
    office.world.set_faults(FaultPlan())
    assert office.command("wang", "erase", "u000001", "--yes") == 0
    found = office.approval(wanted)

    assert (found.approved, found.approved_by.startswith("erased-"), found.approved_from) == (True, True, "")
    assert office.command("lily", "resume", "live-1") == 0


def test_a_rehearsal_and_a_test_need_none(office: Office) -> None:
    """Nobody is messaged by the one, and the other goes to one's own phones, to be looked at before."""
    assert office.campaign("lily", mode="rehearse").send().state == "finished"
    assert office.campaign("lily", test_phones=["13800100000"]).test_send().state == "finished"


def test_a_test_is_no_way_round_it(office: Office) -> None:
    """More test phones than one looks at a message on are no test."""
    phones = [str(13800100000 + n) for n in range(11)]
    with pytest.raises(GuardRefused, match="11 test phones are more than 10"):
        office.campaign("lily", test_phones=phones).test_send()

    assert office.world.accepted() == 0


@pytest.mark.parametrize("value", ["yes", "1", "rehearse", "livee"])
def test_a_misspelt_setting_is_no_way_round_it(office: Office, value: str) -> None:
    """Only `live` means something; anything else is refused, not taken for off."""
    with pytest.raises(SettingsError, match="SMSKIT_REQUIRE_APPROVAL has to be `live`"):
        live.campaign(office.data, office.of("lily") | {"SMSKIT_REQUIRE_APPROVAL": value})


@pytest.mark.parametrize(
    ("environ", "who"),
    [
        pytest.param({"SMSKIT_USER": " lily "}, "lily", id="named"),
        pytest.param({"SMSKIT_DATABASE_URL": "postgresql+psycopg://w%C3%A1ng:s@db/sms"}, "wáng", id="role"),
        pytest.param({"SMSKIT_DATABASE_URL": "postgresql://wang@db/x", "SMSKIT_USER": "li"}, "li", id="both"),
        pytest.param({}, getpass.getuser(), id="system"),
    ],
)
def test_who_somebody_is(environ: dict[str, str], who: str) -> None:
    """``SMSKIT_USER``, else the role of a PostgreSQL ledger, else the user of the system."""
    assert Environment(environ).user == who


def test_two_people_click_it(office: Office) -> None:
    """In 03 lily asks, and cannot say yes; wang is offered to, after which she can send."""
    lily = Clicker(Draft(office.data), office.of("lily"))
    first = lily.told
    lily.click("Ask for approval")
    asked = lily.doing("ask")[0].disabled, lily.has("Approve this plan")
    wang = Clicker(Draft(office.data), office.of("wang"))
    wang.click("Approve this plan")
    lily.click("Refresh")
    lily.do("ask")
    lily.enter("Number of people", str(PEOPLE))

    assert "A live run needs a second person" in first
    assert asked == (True, False)
    assert "planned by lily" in wang.told
    assert "approved by wang" in lily.told
    assert not lily.doing("send")[0].disabled


def test_it_is_clicked_in_04(office: Office) -> None:
    """The tab about who did what offers a plan to whoever has not planned it, and shows the end of it."""
    plan_hash = office.campaign("lily", mode="plan").plan().hash

    def panel(who: str) -> TrackPanel:
        page = Page(Draft(), language=Language("en"), host=Host.LAB)
        made = TrackPanel(page, office.tracker(who))
        made.draw()
        idle(page)
        return made

    hers, his = panel("lily"), panel("wang")
    disabled = named(hers.audit.widget, "Approve this plan").disabled
    named(his.audit.widget, "Approve this plan").click()
    idle(his.page)

    assert disabled
    assert office.approval(plan_hash).approved_by == "wang"
    seen = his.tracker.seen
    assert seen is not None
    assert [(e.who, str(e.action)) for e in seen.trail.entries] == [("wang", "approve"), ("lily", "plan")]


def test_the_page_of_a_run_names_both(office: Office) -> None:
    """Who planned and who approved, with when and from where."""
    by_method(office, "wang", office.refused("lily"))
    office.campaign("lily").send()
    told = page(office.ledger, office.ledger.runs.find()[-1], Language("en"))

    assert "planned by" in told
    assert "approved by" in told
    assert "lily, 20" in told
    assert "wang, 20" in told


def test_status_says_it(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    """For people in a line, before and after."""
    plan_hash = office.campaign("lily", mode="plan").plan().hash
    office.command("wang", "status", "live-1")
    before = capsys.readouterr().out
    by_method(office, "wang", plan_hash)
    capsys.readouterr()
    office.command("wang", "status", "live-1")
    after = capsys.readouterr().out

    assert f"plan {plan_hash}: planned by lily" in before
    assert "nobody else has approved it yet" in before
    assert "approved by wang" in after


def test_what_waits_opens_in_03(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Who is to approve a plan sees the parameters it was made from, also of a repeating campaign.

    A file that goes on as it was is opened, and repeats on; one that was changed since, and one of an earlier
    occurrence, are shown as they were planned.
    """
    (office.folder / "pyproject.toml").touch()
    file = office.folder / "weekly.yaml"
    monkeypatch.setenv("SMSKIT_INTERACTIVE", "1")
    for name, value in office.of("wang").items():
        monkeypatch.setenv(name, value)

    def opened(campaign: str) -> Draft:
        notebook = open_notebook({})
        notebook.take_over(Wanted(campaign, Mode.LIVE))
        return notebook.draft

    def written(**more: Any) -> str:
        file.write_text(yaml.safe_dump(office.data | {"campaign": "vip-{week}"} | more, allow_unicode=True))
        return Draft.read(file).campaign

    this_week = written()
    assert office.command("lily", "plan", str(file)) == 0
    same = opened(this_week)
    written(template="换了{name}，送你{coupon}元。拒收请回复R")
    changed = opened(this_week)
    earlier = opened("vip-2026-W07")

    assert (same["campaign"], same["template"]) == ("vip-{week}", office.data["template"])
    assert (changed["campaign"], changed["template"]) == (this_week, office.data["template"])
    assert (changed["mode"], changed["series"]) == ("live", "vip")
    assert (earlier["campaign"], earlier["template"][:2]) == ("vip-2026-W07", "换了")


@pytest.mark.parametrize(
    ("name", "campaign", "segment"),
    [
        ("vip-{week}", "vip-2026-W07", "2026-02.csv"),
        ("{day}-vip", "2026-02-09-vip", "2026-02.csv"),
        ("vip-{month}", "vip-2026-02", "2026-02.csv"),
        ("vip-{week}", "vip-2026-W77", None),
        ("vip-{week}", "other-2026-W07", None),
        ("vip-{year}", "vip-2026", None),
        ("vip", "vip", None),
    ],
)
def test_an_earlier_occurrence(name: str, campaign: str, segment: str | None) -> None:
    """Parameters as they were then, the segment of that time; None where it is no occurrence of theirs."""
    found = as_occurrence({"campaign": name, "segment": "{month}.csv"}, campaign)

    assert (found and (found["campaign"], found["segment"])) == (segment and (campaign, segment))
