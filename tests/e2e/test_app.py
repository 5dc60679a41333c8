"""The app: a landing page, a login, every notebook as a page without code, and no request to elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect

from smskit.ledger import Ledger
from smskit.models import Mode
from smskit.sending.session import open_campaign
from smskit.settings import Environment
from tests.app import TOKEN, served
from tests.conftest import ROOT
from tests.e2e.lab import project_copy
from tests.test_start import Book

pytestmark = pytest.mark.browser

# What is cut off at the right, or makes one scroll there; tables may scroll within themselves.
_TOO_WIDE = """() => ["html", "body", "#rendered_cells", ".smskit-card"]
  .flatMap((each) => [...document.querySelectorAll(each)])
  .filter((e) => e.scrollWidth > e.clientWidth + 1)
  .map((e) => `${e.tagName} ${e.id} ${e.className}: ${e.scrollWidth} > ${e.clientWidth}`)"""
NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("0*.ipynb"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project."""
    return project_copy(tmp_path_factory.mktemp("app"))


@pytest.fixture(scope="module")
def app(folder: Path) -> Iterator[str]:
    """``smskit app`` over it; its address."""
    with served(folder) as running:
        yield running.base
    assert TOKEN not in running.log


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Page]:
    """A window of its own, not logged in; nothing it asks of other hosts is answered."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    yield page
    context.close()


def test_strangers_see_a_login(app: str, visitor: Page) -> None:
    """Without the token every page is the login, in the language that is chosen; with it the page comes."""
    for path in ("/", "/voila/tree", f"/voila/render/{NOTEBOOKS[0]}"):
        visitor.goto(app + path)
        assert "/login" in visitor.url
    expect(visitor.get_by_text("Whoever runs this app gives you the token.")).to_be_visible()
    visitor.get_by_role("button", name="中文", exact=True).click()
    expect(visitor.get_by_text("令牌由管理员提供。")).to_be_visible()
    visitor.get_by_label("令牌").fill("not-the-right-token")
    visitor.get_by_role("button", name="登录").click()
    expect(visitor.get_by_role("alert")).to_have_text("令牌不正确。", use_inner_text=True)
    visitor.goto(f"{app}/login?next=/voila/tree")
    visitor.get_by_label("令牌").fill(TOKEN)
    visitor.keyboard.press("Enter")
    expect(visitor.get_by_text("跟踪送达")).to_be_visible()

    assert visitor.url == f"{app}/voila/tree"


def test_the_way_through_the_app(app: str, visitor: Page) -> None:
    """The landing page lists the steps; a click leads to a page that works, without code, in one language."""
    answered: list[str] = []
    visitor.on("response", lambda response: answered.append(response.url))
    visitor.goto(f"{app}/?token={TOKEN}")
    assert visitor.url == f"{app}/"
    cards = visitor.locator("main li a")
    expect(cards).to_have_count(len(NOTEBOOKS))
    visitor.get_by_role("button", name="中文", exact=True).click()
    expect(visitor.get_by_text("跟踪送达")).to_be_visible()
    expect(visitor.get_by_text("Track delivery")).to_be_hidden()
    visitor.get_by_role("link", name=re.compile("跟踪送达")).click()
    expect(visitor.get_by_text("还没有活动")).to_be_visible(timeout=120_000)
    nav = visitor.get_by_role("navigation")
    expect(nav.get_by_role("link", name="04 跟踪送达")).to_have_attribute("aria-current", "page")
    visitor.get_by_role("button", name="English", exact=True).click()
    expect(visitor.get_by_text("There is no campaign yet")).to_be_visible()
    expect(nav.get_by_role("link", name="04 Track delivery")).to_be_visible()
    text = visitor.locator("body").inner_text()
    nav.get_by_role("link", name="Home").click()
    expect(visitor.get_by_text("Track delivery")).to_be_visible()

    assert "smskit.open_track" not in text
    assert "papermill" not in text
    assert [url for url in answered if not url.startswith((app, "data:", "blob:"))] == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_notebook_is_a_page(app: str, visitor: Page, name: str) -> None:
    """Each renders without an error, without code and prose for those who write it, as wide as the window."""
    visitor.set_default_navigation_timeout(240_000)  # a page comes when its cells have run
    visitor.goto(f"{app}/voila/render/{name}?token={TOKEN}", wait_until="domcontentloaded")
    expect(visitor.locator("#rendered_cells .smskit").first).to_be_visible(timeout=180_000)
    expect(visitor.get_by_text("Counting")).to_have_count(0, timeout=60_000)
    text = visitor.locator("body").inner_text()

    assert visitor.locator(".smskit").count() > 1
    for never in ("This page could not be shown", "globals()", "papermill", "SMSKIT_", str(ROOT), "pandas"):
        assert never not in text
    for width, height in ((1366, 768), (820, 1180)):
        visitor.set_viewport_size({"width": width, "height": height})
        visitor.wait_for_timeout(500)
        assert visitor.evaluate(_TOO_WIDE) == []


def test_a_page_whose_widgets_got_lost_comes_again(app: str, visitor: Page) -> None:
    """It is opened once more by itself; where that does not help either, it says so."""
    loads: list[str] = []
    visitor.on("load", lambda page: loads.append(page.url))
    visitor.route_web_socket(re.compile("/channels"), lambda _: None)  # nobody answers there
    visitor.clock.install()
    visitor.goto(f"{app}/voila/render/01_connect_provider.ipynb?token={TOKEN}")
    lost = visitor.get_by_text("This page did not come whole")
    for _ in range(2):
        expect(lost).to_be_hidden()
        visitor.clock.run_for(35_000)
        visitor.wait_for_load_state()

    expect(lost).to_be_visible()
    assert len(loads) == 2


def test_the_first_page_leads_on(app: str, folder: Path, visitor: Page) -> None:
    """It lists campaigns as soon as they are counted; what is unfinished is one click from its page."""
    book = Book(Ledger(f"sqlite:///{folder / 'smskit.db'}"))
    spec = {"segment": "sample_segments/clean.csv", "signature": "S", "template": "你好", "mode": "rehearse"}
    book.campaign("金卡召回", Mode.REHEARSE, people=20, accepted=8, delivered=6, state="paused", spec=spec)
    book.ledger.close()
    visitor.goto(f"{app}/?token={TOKEN}")
    visitor.get_by_role("button", name="English", exact=True).click()
    expect(visitor.get_by_role("table", name="Campaigns")).to_contain_text("75.0%")
    visitor.get_by_role("link", name="Go on →").click()
    expect(visitor.locator(".smskit-strip-line")).to_contain_text("金卡召回", timeout=120_000)

    visitor.locator(".smskit-strip").hover()
    visitor.mouse.wheel(0, 600)
    between = "() => document.querySelector('.smskit-strip').getBoundingClientRect().top" + (
        " - document.querySelector('nav').getBoundingClientRect().bottom"
    )
    visitor.wait_for_function(f"() => Math.abs(({between})()) < 1")

    assert "campaign=" in visitor.url


def test_files_are_downloaded(app: str, folder: Path, visitor: Page) -> None:
    """What became of a campaign is a click away: the browser saves it, under the app's own policy."""
    ledger = Ledger(f"sqlite:///{folder / 'smskit.db'}")
    people = pd.DataFrame({"user_id": ["u1", "u2"], "phone": ["13800138000", "13800138001"]})
    about = {"signature": "GrowingIO", "template": "你好，拒收请回复R"}
    open_campaign(
        campaign="downloaded", frame=people, ledger=ledger, environment=Environment({}), **about
    ).send()
    visitor.set_default_navigation_timeout(240_000)
    visitor.goto(f"{app}/voila/render/04_track_delivery.ipynb?token={TOKEN}", wait_until="domcontentloaded")
    button = visitor.get_by_role("button", name="Download csv")
    expect(button).to_be_visible(timeout=180_000)
    with visitor.expect_download(timeout=60_000) as saved:
        button.click()
    text = saved.value.path().read_text(encoding="utf-8-sig")

    assert "downloaded" in saved.value.suggested_filename
    assert "138****8000" in text
    assert "13800138000" not in text
