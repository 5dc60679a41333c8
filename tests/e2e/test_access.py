"""For everybody: axe-core finds nothing serious, Tab reaches everything, a kernel that is gone is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from smskit.sending.session import open_campaign
from tests.app import TOKEN, served
from tests.conftest import ROOT
from tests.e2e.lab import Lab, Sheet, project_copy, window

pytestmark = pytest.mark.browser

NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("0*.ipynb"))
CONNECT = "01_connect_provider.ipynb"
SERIOUS = {"serious", "critical"}
# As JupyterLab's menu does it.
_RESTART = "() => window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.restart()"


# Words that do not fit where they stand.
_CUT = """() => [...document.querySelectorAll(".smskit :is(.widget-label, button, .lm-TabBar-tabLabel, th)")]
  .filter((e) => e.offsetParent && !e.closest(".smskit-quiet") && getComputedStyle(e).overflow !== "visible")
  .filter((e) => e.scrollWidth > e.clientWidth + 2).map((e) => e.textContent)"""


def wrong(page: Page, *within: str) -> list[str]:
    """What axe-core finds serious or worse: its rule, and where."""
    found: Any = Axe().run(page, context={"include": [list(within)]} if within else None).response
    return [
        f"{each['id']}: {node['html'][:160]} {node['failureSummary'][-200:]}"
        for each in found["violations"]
        if each["impact"] in SERIOUS
        for node in each["nodes"][:3]
    ]


def test_what_is_wrong_is_found(browser: Browser) -> None:
    """A button without a name and words nobody can read are told, so that silence means something."""
    context = window(browser)
    page = context.new_page()
    page.set_content(
        '<html lang="en"><title>t</title><main class="smskit"><button></button>'
        '<p style="color: #bbb; background: #fff">pale</p></main></html>'
    )
    found = wrong(page, ".smskit")
    context.close()

    assert [each.partition(":")[0] for each in found] == ["button-name", "color-contrast"]


@pytest.fixture(scope="module")
def rehearsed(start_lab: Callable[..., Lab]) -> Lab:
    """A JupyterLab over a project in which a campaign was rehearsed, for pages to show."""
    lab = start_lab(SMSKIT_LANG="en")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(lab.root)
        patch.setenv("SMSKIT_DATABASE_URL", f"sqlite:///{lab.root}/smskit.db")
        campaign = open_campaign(
            {
                "campaign": "for-everybody",
                "segment": "sample_segments/messy.csv",
                "signature": "GrowingIO",
                "template": "你好{name}，拒收请回复R",
                "variables": {"name": "name"},
            }
        )
        campaign.plan()
        campaign.send()
    return lab


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_no_panel_has_a_serious_violation(rehearsed: Lab, sheet: Callable[..., Sheet], name: str) -> None:
    """Each panel as Run All leaves it, in both themes: names, roles, contrast, order. Nothing is cut."""
    opened = sheet(rehearsed, f"notebooks/{name}")
    assert opened.run_all()
    expect(opened.panel.locator(".smskit-card").first).to_be_visible()
    opened.page.wait_for_timeout(4000)  # what counts and plans comes to its end
    found = {}
    for dark in (False, True):
        opened.theme(dark)
        opened.page.wait_for_timeout(500)
        found[dark] = wrong(opened.page, ".jp-NotebookPanel:not(.lm-mod-hidden) .smskit")
    opened.theme(dark=False)
    folded = opened.panel.locator(".smskit-fold:not(.smskit-open):visible")
    for _ in range(folded.count()):
        folded.first.click()  # one that is opened is none of them any more
    opened.page.wait_for_timeout(500)

    assert found == {False: [], True: []}
    assert opened.page.evaluate(_CUT) == []


def test_what_is_folded_opens_by_the_keyboard(rehearsed: Lab, sheet: Callable[..., Sheet]) -> None:
    """Tab comes to the head of what is folded, Enter opens it, and what is in it can be reached."""
    opened = sheet(rehearsed, f"notebooks/{CONNECT}")
    assert opened.run_all()
    head = opened.panel.get_by_role("button", name="More settings", exact=True)
    inside = opened.panel.get_by_label("Concurrent requests", exact=True)
    expect(inside).to_be_hidden()
    head.focus()
    opened.page.keyboard.press("Shift+Tab")
    opened.page.keyboard.press("Tab")
    expect(head).to_be_focused()
    opened.page.keyboard.press("Enter")
    expect(inside).to_be_visible()
    for _ in range(12):
        opened.page.keyboard.press("Tab")
        if inside.evaluate("e => e === document.activeElement"):
            return
    pytest.fail("Tab does not come to what was unfolded")


def test_a_restarted_kernel_is_told_in_one_line(rehearsed: Lab, sheet: Callable[..., Sheet]) -> None:
    """One sentence says what to do, and no broken link stands at every widget."""
    opened = sheet(rehearsed, f"notebooks/{CONNECT}")
    assert opened.run_all()
    told = opened.panel.get_by_text("The kernel was restarted: run all cells.")
    expect(told).to_be_hidden()
    opened.page.evaluate(_RESTART)
    expect(told).to_be_visible()
    broken = opened.panel.locator(".smskit .jupyter-widgets-disconnected").evaluate_all(
        "all => all.filter(e => getComputedStyle(e, '::before').display !== 'none').length"
    )

    assert broken == 0


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """``smskit app`` over a copy of the project; its address."""
    with served(project_copy(tmp_path_factory.mktemp("app"))) as running:
        yield running.base


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_of_the_app_has_a_serious_violation(app: str, browser: Browser, scheme: Any) -> None:
    """The login, the landing page and a panel's, as light or dark as the visitor's computer is."""
    context = window(browser)
    page = context.new_page()
    page.emulate_media(color_scheme=scheme)
    page.goto(app)
    found = {"login": wrong(page)}
    page.goto(f"{app}/?token={TOKEN}")
    found["home"] = wrong(page)
    page.goto(f"{app}/voila/render/{NOTEBOOKS[0]}", wait_until="domcontentloaded", timeout=240_000)
    expect(page.locator("#rendered_cells .smskit-card").first).to_be_visible(timeout=180_000)
    expect(page.get_by_text("Counting")).to_have_count(0)
    found["panel"] = wrong(page, "#rendered_cells")
    light = page.evaluate("() => getComputedStyle(document.body).getPropertyValue('--jp-layout-color0')")
    context.close()

    assert found == {"login": [], "home": [], "panel": []}
    assert (light.strip() in ("white", "#fff", "#ffffff")) is (scheme == "light")
