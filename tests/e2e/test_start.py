"""Notebook 00 in a real browser: one click to go on, in the same JupyterLab, and links from each to all."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from smskit.ledger import Ledger
from smskit.models import Mode
from tests.e2e.lab import Lab, Sheet
from tests.e2e.walk import CHINESE, Walk
from tests.test_start import Book

pytestmark = pytest.mark.browser

SPEC = {
    "segment": "sample_segments/clean.csv",
    "signature": "GrowingIO",
    "template": "你好",
    "mode": "rehearse",
}


@pytest.mark.parametrize("language", CHINESE)
def test_one_click_to_go_on(
    start_lab: Callable[..., Lab], sheet: Callable[..., Sheet], language: str
) -> None:
    """A click on what is unfinished opens 03 in the same window with that campaign; nothing is sent."""
    lab = start_lab(SMSKIT_LANG=language)
    book = Book(Ledger(f"sqlite:///{lab.root / 'smskit.db'}"))
    row = book.campaign("金卡召回", Mode.REHEARSE, people=20, accepted=8, state="running", spec=SPEC)
    book.campaign("newest", Mode.REHEARSE, people=5, accepted=5, delivered=4)
    before = book.ledger.audience.counts(row.id)
    walk = Walk(sheet(lab, "notebooks/00_start.ipynb"), language)
    assert walk.sheet.run_all()
    expect(walk.panel.locator(".smskit-unfinished")).to_contain_text(walk.t("interrupted"))
    switch = walk.panel.locator(".smskit-language").bounding_box()
    expect(walk.panel.get_by_role("table", name=walk.t("Campaigns"), exact=True)).to_contain_text("80.0%")
    walk.panel.locator(".smskit-unfinished").get_by_role("button").click()
    walk.sheet.turned_to("03_send_campaign.ipynb")
    assert walk.sheet.run_all()
    expect(walk.panel.locator(".smskit-strip-line")).to_contain_text("金卡召回")
    expect(walk.doing("rehearse")).to_contain_text("12")
    after = book.ledger.audience.counts(row.id)
    walk.door("00")
    walk.sheet.turned_to("00_start.ipynb")
    book.ledger.close()

    assert switch is not None
    assert switch["y"] < 200, "running all cells ends at the panel"
    assert after == before
