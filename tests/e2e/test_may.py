"""Several people at one app: one looks, one plans and asks for an approval, one approves and sends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser, Locator, Page, expect

from smskit.i18n import Language
from smskit.simulator import Simulator, World
from smskit.workspace import May, Workspace
from tests import live
from tests.app import served
from tests.e2e.lab import project_copy
from tests.e2e.walk import CHINESE

pytestmark = pytest.mark.browser

PEOPLE = 6
TOKENS = {name: f"the-token-of-{name}" for name in ("lily", "wang", "zhao")}
MAY = {"lily": "look", "wang": "plan", "zhao": "send"}
SEND = "03_send_campaign.ipynb"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[tuple[str, World]]:
    """One over a live account, where live campaigns need a second person; and what the provider has got."""
    folder = project_copy(tmp_path)
    for name in ("segments", "parameters"):
        (folder / name).mkdir()
    live.segment(folder / "segments/people.csv", PEOPLE)
    data = live.data(live.SINGLES, Path("segments/people.csv"), campaign="双十二-金卡")
    (folder / "parameters/campaign.yaml").write_text(yaml.safe_dump(data, allow_unicode=True), "utf-8")
    users = ",".join(f"{name}:{token}:{MAY[name]}" for name, token in TOKENS.items())
    with Simulator(world=World()) as provider:
        live.approve(provider, live.SINGLES)
        environ = live.SINGLES.environ(provider.url, folder)
        environ |= {"SMSKIT_APP_TOKEN": "", "SMSKIT_APP_USERS": users, "SMSKIT_REQUIRE_APPROVAL": "live"}
        with served(folder, **environ) as running:
            yield running.base, provider.world


@pytest.fixture
def login(app: tuple[str, World], browser: Browser) -> Iterator[Callable[[str, str], Page]]:
    """A window in which somebody has logged in by their own token, and chosen a language."""
    with ExitStack() as stack:

        def log_in(name: str, language: str) -> Page:
            context = browser.new_context(viewport={"width": 1366, "height": 900})
            stack.callback(context.close)
            context.set_default_timeout(180_000)
            page = context.new_page()
            page.goto(f"{app[0]}/?token={TOKENS[name]}")
            page.get_by_role("button", name={"zh": "中文", "en": "English"}[language], exact=True).click()
            return page

        yield log_in


def _opened(page: Page) -> Locator:
    """Page 03 with its plan there; the button that sends."""
    expect(page.locator(".smskit-strip-line.live")).to_contain_text(f"{PEOPLE}", timeout=180_000)
    return page.locator("button.smskit-do-ask")


@pytest.mark.parametrize("language", CHINESE)
def test_a_plan_is_made_approved_and_sent_by_who_may(
    app: tuple[str, World], login: Callable[[str, str], Page], language: str
) -> None:
    """Nobody can press what they may not do, each page says so, and it takes two to send."""
    base, world = app
    t = Language(language)
    limit = ".smskit-limit .smskit-notice"
    wang = login("wang", language)
    wang.goto(f"{base}/voila/render/{SEND}", wait_until="domcontentloaded")
    expect(_opened(wang)).to_be_disabled()
    expect(wang.locator(limit)).to_have_text(t.render(str(Workspace(Path(), may=May.PLAN).limit)))
    wang.get_by_role("button", name=t("Ask for approval")).click()
    expect(wang.locator(".smskit-notice.ok").last).to_be_visible()

    lily = login("lily", language)
    lily.locator(".waits a:visible").click()
    expect(_opened(lily)).to_be_disabled()
    expect(lily.locator(limit)).to_be_visible()
    expect(lily.get_by_role("button", name=t("Approve this plan"))).to_be_disabled()
    expect(lily.get_by_role("button", name=t("Save parameters"))).to_be_disabled()
    expect(lily.get_by_role("button", name=t("Send test"))).to_be_disabled()

    zhao = login("zhao", language)
    expect(zhao.locator(".waits:visible")).to_contain_text("wang")
    zhao.locator(".waits a:visible").click()
    send = _opened(zhao)
    expect(send).to_be_disabled()
    expect(zhao.locator(limit)).to_have_count(0)
    zhao.get_by_role("button", name=t("Approve this plan")).click()
    expect(send).to_be_enabled()
    before = world.accepted()
    send.click()
    number = zhao.get_by_label(t("Number of people"), exact=True)
    number.fill(str(PEOPLE))
    number.press("Tab")
    zhao.locator("button.smskit-do-send").click()
    expect(zhao.get_by_text(t("See delivery →"))).to_be_visible()

    assert (before, world.accepted()) == (0, PEOPLE)
