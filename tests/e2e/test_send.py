"""Notebook 03 in a real JupyterLab, clicked by a person: once, also on double clicks and after a restart."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Locator, expect

from smskit.i18n import Language, Message
from smskit.ledger import Ledger
from smskit.models import Mode
from smskit.simulator import Simulator, World
from tests import live
from tests.e2e.lab import Lab, Sheet
from tests.e2e.walk import CHINESE, ENGLISH

pytestmark = pytest.mark.browser

NOTEBOOK = "notebooks/03_send_campaign.ipynb"
PEOPLE = 30


@pytest.fixture(scope="module")
def world() -> Iterator[Simulator]:
    """The provider."""
    with Simulator(world=World()) as running:
        live.approve(running, live.SINGLES)
        yield running


@pytest.fixture(scope="module")
def slow_lab(
    start_lab: Callable[..., Lab], world: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Lab:
    """A JupyterLab whose kernels send ten messages a second."""
    environ = live.SINGLES.environ(world.url, tmp_path_factory.mktemp("ledger"))
    return start_lab(**(environ | {"SMSKIT_YUNPIAN_REQUESTS_PER_SECOND": "10"}))


class Desk:
    """A live campaign, and somebody before notebook 03 who speaks one language."""

    def __init__(self, lab: Lab, world: Simulator, name: str, language: str, *, first: int) -> None:
        self.lab, self.world, self.name, self.first = lab, world, name, first
        self.t = Language(language)
        self.source = live.segment(lab.root / f"{name}.csv", PEOPLE, first=first)
        data = live.data(live.SINGLES, Path(self.source.name), campaign=name)
        (lab.root / "campaign.yaml").write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
        self.before = world.world.accepted()

    def sit(self, sheet: Sheet) -> None:
        """Run the notebook and wait for the plan."""
        self.sheet = sheet
        assert sheet.run_all()
        sheet.speak(self.t.code)
        expect(self.doing("ask")).to_be_enabled()

    def button(self, words: str, **values: Any) -> Locator:
        name = self.t(words, **values)
        return self.sheet.panel.get_by_role("button", name=name, exact=True).first

    def doing(self, method: str) -> Locator:
        """The button that does this, whatever number of people its words name."""
        return self.sheet.panel.locator(f"button.smskit-do-{method}")

    def field(self, words: str) -> Locator:
        return self.sheet.panel.get_by_label(self.t(words), exact=True).first

    def fill(self, words: str, text: str) -> None:
        self.field(words).fill(text)
        self.field(words).press("Tab")

    def says(self, words: str) -> None:
        """The sending panel's chip reads so."""
        chip = self.sheet.panel.locator(".smskit-chip", has_text=re.compile(f"^{re.escape(self.t(words))}$"))
        expect(chip.first).to_be_visible()

    @property
    def accepted(self) -> int:
        """Messages of this campaign the provider took."""
        return self.world.world.accepted() - self.before

    def until_accepted(self, n: int) -> None:
        deadline = time.monotonic() + 60
        while self.accepted < n:
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def books(self) -> Any:
        ledger = Ledger(self.lab.environ["SMSKIT_DATABASE_URL"])
        try:
            row = ledger.campaigns.get(self.name, Mode.LIVE)
            assert row is not None
            return ledger.audience.counts(row.id)
        finally:
            ledger.close()


@pytest.mark.parametrize("language", CHINESE)
def test_the_whole_way(slow_lab: Lab, world: Simulator, sheet: Callable[..., Sheet], language: str) -> None:
    """Lists, preview, exclusions, check, test, and a double click on send: everybody gets one message."""
    desk = Desk(slow_lab, world, f"way-{language}", language, first=13926354700 + 100 * (language == "en"))
    desk.sit(sheet(slow_lab, NOTEBOOK))
    panel = desk.sheet.panel
    desk.button("Fetch signatures and templates").click()
    expect(panel.get_by_text(desk.t("{n} in the account", n=2))).to_be_visible()
    desk.button("longest").click()
    expect(panel.locator(".smskit-phone").first).to_contain_text(re.compile(r"用户\d\d，恭喜你获得[12]"))
    desk.fill("User id or phone", "u000007")
    expect(panel.locator(".smskit-phone")).to_have_count(1)
    expect(panel.locator(".smskit-phone")).to_contain_text("用户7")
    desk.button("planned").press("Enter")  # by keyboard
    expect(panel.get_by_label(desk.t("Rows of this step"))).to_contain_text("****")
    desk.button("Check").click()
    desk.says("Usable")
    desk.fill("Test phones", "13800138000")
    desk.field("Send to these numbers").check()
    desk.button("Send test").dblclick()
    expect(panel.get_by_label(desk.t("Test send"), exact=True)).to_contain_text(desk.t("accepted"))
    tested = desk.accepted
    desk.doing("ask").dblclick()
    desk.field("Number of people").fill(str(PEOPLE))
    desk.doing("send").dblclick()
    desk.says("finished")
    saved = json.dumps(desk.sheet.source(), ensure_ascii=False)

    assert tested == 1
    assert desk.accepted == PEOPLE + 1
    assert desk.books().accepted == PEOPLE
    assert live.YUNPIAN_KEY not in saved
    assert not re.search(f"13800138000|{str(desk.first)[:8]}[0-9]{{3}}", saved)


@pytest.mark.parametrize("language", ENGLISH)
def test_nobody_to_send_to(
    slow_lab: Lab, world: Simulator, sheet: Callable[..., Sheet], language: str
) -> None:
    """A segment of no rows gives a plan of nobody, which is said, and cannot be sent."""
    desk = Desk(slow_lab, world, f"nobody-{language}", language, first=13926357700)
    desk.source.write_text(desk.source.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
    desk.sheet = sheet(slow_lab, NOTEBOOK)
    desk.sheet.run_all()  # plain steps that need somebody may say so by an error
    desk.sheet.speak(language)
    expect(desk.sheet.panel.get_by_text(desk.t("Nobody is planned."))).to_be_visible()
    expect(desk.doing("ask")).to_be_disabled()

    assert desk.accepted == 0


@pytest.mark.parametrize("language", ENGLISH)
def test_the_rules_for_sending(
    slow_lab: Lab, world: Simulator, sheet: Callable[..., Sheet], language: str
) -> None:
    """Typed wrong it is told beside the field, typed right it is saved; the hash is cut, and yet whole."""
    desk = Desk(slow_lab, world, f"rules-{language}", language, first=13926356700)
    desk.sit(sheet(slow_lab, NOTEBOOK))
    panel = desk.sheet.panel
    folded = desk.field("Canary share")
    expect(folded).to_be_hidden()
    panel.get_by_text(desk.t("Rules for sending"), exact=False).first.click()
    expect(folded).to_be_visible()
    desk.fill("Canary share", "120%")
    alert = panel.get_by_role("alert")
    expect(alert).to_contain_text(desk.t.render(Message("must be at most {most}", most=1)))
    desk.fill("Canary share", "20%")
    desk.fill("Canary wait", "30m")
    expect(alert).to_have_count(0)
    desk.button("Save parameters").click()
    expect(panel.locator(".smskit-notice.ok").last).to_contain_text("campaign.yaml")
    saved = yaml.safe_load((slow_lab.root / "campaign.yaml").read_text(encoding="utf-8"))
    tile = panel.locator(".smskit-tile.hash b")
    widths = "b => b.clientWidth && [b.clientWidth, b.scrollWidth]"  # drawn anew with each plan
    drawn = f"() => ({widths})(document.querySelector('.smskit-tile.hash b') ?? {{}})"
    shown, whole = desk.sheet.page.wait_for_function(drawn).json_value()

    assert (saved["canary"], saved["canary_wait"]) == (0.2, "30m")
    assert re.fullmatch(r"q[0-9a-f]{24}", tile.inner_text())
    assert 1.9 < whole / shown < 2.2  # 25 characters, of which 12 are seen


def test_restarted_in_mid_send(slow_lab: Lab, world: Simulator, sheet: Callable[..., Sheet]) -> None:
    """The kernel dies while sending; the reopened page resumes; nobody is missed or sent to twice."""
    desk = Desk(slow_lab, world, "restarted", "en", first=13926355700)
    desk.sit(sheet(slow_lab, NOTEBOOK))
    desk.doing("ask").click()
    desk.field("Number of people").fill(str(PEOPLE))
    desk.doing("send").click()
    desk.says("sending")
    desk.until_accepted(5)
    desk.sheet.restart()
    again = sheet(slow_lab, NOTEBOOK)
    desk.sheet = again
    again.run_all()  # its last cell fails: people are still waiting
    again.speak("en")
    desk.says("interrupted")
    left = desk.books()
    desk.doing("ask").click()
    desk.field("Number of people").fill(str(left.waiting + left.submitting))
    desk.doing("send").click()
    desk.says("finished")
    after = desk.books()

    assert left.waiting > 0
    assert after.waiting == after.submitting == 0
    assert live.balanced(after)
    assert desk.accepted == PEOPLE - after.unknown
