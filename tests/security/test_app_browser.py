"""Rows 1 and 2 of the security table as they were tried: in Chromium, by a visitor of ``smskit app``."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.app import TOKEN, App, served
from tests.e2e.lab import chromium, project_copy, window

pytestmark = pytest.mark.browser

KEY = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"
CODE = "__import__('os').system('id>RCE')"
PAGES = ("02_explore_segment.ipynb", "03_send_campaign.ipynb")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A running Chromium."""
    with chromium() as running:
        yield running


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose operator has keys in ``.env``."""
    folder = project_copy(tmp_path / "project")
    (folder / ".env").write_text(f"SMSKIT_YUNPIAN_API_KEY={KEY}\n")
    return folder


def opened(browser: Browser, app: App, name: str) -> Page:
    """A page of the app, as somebody sees it who has the token."""
    page = window(browser).new_page()
    page.set_default_navigation_timeout(240_000)  # a page comes when its cells have run
    page.goto(f"{app.base}/voila/render/{name}?token={TOKEN}", wait_until="domcontentloaded")
    expect(page.locator("#rendered_cells")).to_be_visible(timeout=180_000)
    return page


def fill(page: Page, label: str, text: str) -> None:
    field = page.get_by_label(label, exact=True).first
    field.fill(text)
    field.press("Tab")


def save(page: Page, file: str, answer: Locator) -> None:
    """
    Save under that name until the page gives its *answer*.

    On a busy machine a click may reach the kernel before the name that was typed.
    """
    fill(page, "Parameter file", file)
    for _ in range(4):
        page.get_by_role("button", name="Save parameters", exact=True).first.click()
        with suppress(AssertionError):
            expect(answer).to_be_visible(timeout=10_000)
            return
    expect(answer).to_be_visible()


def files(folder: Path) -> set[str]:
    return {
        str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and p.name[:9] != "smskit.db"
    }


def test_row_01_a_visitor_writes_no_code(browser: Browser, project: Path) -> None:
    """Parameters that are Python are saved as no module anywhere; the next page does not run them either."""
    with served(project) as app:
        page = opened(browser, app, PAGES[1])
        fill(page, "Campaign id", "int")
        fill(page, "Segment", CODE)
        before = files(project)
        for name in ("pandas.py", "notebooks/pandas.py", str(project / "pandas.yaml"), "../pandas.yaml"):
            refused = page.get_by_role("alert").filter(has_text=re.compile("has to end in|without folders"))
            shown = name.removeprefix(f"{project}/")  # no visitor is told where the project lies
            save(page, name, refused.filter(has_text=shown).first)
        assert files(project) == before
        save(page, "pandas.yaml", page.get_by_text("Saved to").first)
        written = files(project) - before
        again = opened(browser, app, PAGES[0])
        text = again.locator("body").inner_text()

    assert written == {"parameters/pandas.yaml", "parameters/.written-by-smskit"}
    assert "There was an error when executing cell" not in text
    assert list(project.parent.rglob("RCE")) == []


def test_row_02_a_visitor_sets_no_address(browser: Browser, project: Path) -> None:
    """Page 01 has no field for keys and addresses, and says what is set without saying it."""
    with served(project) as app:
        page = opened(browser, app, "01_connect_provider.ipynb")
        page.get_by_label("Provider", exact=True).first.select_option(label="Yunpian 云片")
        expect(page.get_by_role("row", name="API key is set")).to_be_visible()

        assert page.get_by_label("Address", exact=True).count() == 0
        assert page.locator("input[type=password]").count() == 0
        assert KEY not in page.content()


def test_row_02_a_key_reaches_no_other_server(browser: Browser, project: Path) -> None:
    """Where visitors may edit, an address of their own is not saved with the operator's key, nor asked."""
    heard: list[bytes] = []

    class Thief(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self.send_error(500)

        do_GET = do_POST

        def log_message(self, *_: object) -> None:
            pass

    thief = HTTPServer(("127.0.0.1", 0), Thief)
    threading.Thread(target=thief.serve_forever, daemon=True).start()
    try:
        with served(project, SMSKIT_APP_CREDENTIALS="edit", HTTPS_PROXY="http://127.0.0.1:9") as app:
            page = opened(browser, app, "01_connect_provider.ipynb")
            page.get_by_label("Provider", exact=True).first.select_option(label="Yunpian 云片")
            page.get_by_text("More settings", exact=True).click()
            fill(page, "Address", f"http://127.0.0.1:{thief.server_port}")
            page.get_by_role("button", name="Save", exact=True).click()
            expect(page.get_by_role("alert").first).to_contain_text("type the key again")
            page.get_by_role("button", name="Check", exact=True).click()
            expect(page.get_by_text(re.compile("NOT usable|could not|cannot|reach")).first).to_be_visible(
                timeout=60_000
            )
    finally:
        thief.shutdown()
        thief.server_close()

    assert heard == []
    assert "BASE_URL" not in (project / ".env").read_text()
