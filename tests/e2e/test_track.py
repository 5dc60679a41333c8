"""Notebook 04 in a real JupyterLab: who got it, who did not and why, and a follow-up, in both languages."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest
from playwright.sync_api import expect

from smskit.sending.receipts import fetch
from smskit.settings import Environment
from smskit.simulator import FaultPlan, Simulator, World
from tests import live
from tests.e2e.lab import Lab, Sheet
from tests.e2e.walk import ENGLISH

pytestmark = pytest.mark.browser

FIRST = 13822200000
PEOPLE = 200
WORDS = {
    "en": (
        "Failures",
        "More",
        "Carriers",
        "One person",
        "Follow-up",
        "User id or phone",
        "Why?",
        "Download xlsx",
    ),
    "zh": ("失败原因", "更多", "运营商", "查一个人", "后续活动", "用户 ID 或手机号", "为什么？", "下载 xlsx"),
}


@pytest.fixture(scope="module")
def tracked(start_lab: Callable[..., Lab]) -> Lab:
    """A JupyterLab whose ledger holds a campaign in which much went wrong."""
    lab = start_lab()
    with Simulator(world=World()) as simulator:
        live.approve(simulator, live.SINGLES)
        environ = live.SINGLES.environ(simulator.url, lab.root)
        environ["SMSKIT_DATABASE_URL"] = f"sqlite:///{lab.root / 'smskit.db'}"
        faults = [{"kind": "code", "code": 5, "scope": "item", "rate": 0.1}]
        receipts = {"delay_s": [0, 0.1], "fail_rate": 0.2}
        plan = {"seed": 5, "faults": faults, "receipts": receipts}
        simulator.world.set_faults(FaultPlan.model_validate(plan))
        source = live.segment(lab.root / "people.csv", PEOPLE, first=FIRST)
        campaign = live.campaign(live.data(live.SINGLES, source, campaign="vip-2026-W47"), environ)
        campaign.send()
        row = campaign.started()
        assert row is not None
        time.sleep(0.3)
        fetch(campaign.ledger, [row], environment=Environment(environ))
    return lab


@pytest.mark.parametrize("language", ENGLISH)
def test_a_walk(tracked: Lab, sheet: Callable[..., Sheet], language: str) -> None:
    """Books, failures, carriers, one person, a follow-up and a file by a click; phones stay masked."""
    opened = sheet(tracked, "notebooks/04_track_delivery.ipynb")
    assert opened.run_all()
    opened.speak(language)
    panel = opened.panel
    failures, more, carriers, person, follow_up, who, why, xlsx = WORDS[language]

    def tab(name: str) -> None:
        panel.get_by_role("tab", name=name, exact=True).click()

    expect(panel.locator(".smskit-tile").first).to_be_visible()
    panel.locator(".smskit-books-key [data-press=undelivered]").click()
    undelivered = panel.locator(".smskit-books-key [data-press=undelivered] b").inner_text()
    expect(
        panel.get_by_text(re.compile(f"^1 to 25 of {undelivered} people|第 1 至 25 人，共 {undelivered}"))
    ).to_be_visible()
    tab(failures)
    expect(panel.locator(f"table[aria-label='{failures}']")).to_contain_text("MK:0001")
    tab(more)
    panel.get_by_role("button", name=carriers, exact=True).click()
    expect(panel.locator(f"table[aria-label='{carriers}']").first).to_be_visible()
    panel.get_by_label(who, exact=True).fill("u000007")
    panel.get_by_role("button", name=why, exact=True).click()
    expect(panel.locator(f"table[aria-label='{person}']")).to_contain_text(re.compile("20[0-9]{2}-"))
    panel.get_by_role("button", name=follow_up, exact=True).click()
    before = set(Path(tracked.root).glob("segments/*.parquet"))
    write = {"en": "Save as a segment", "zh": "保存为分群"}[language]
    panel.get_by_role("button", name=write, exact=True).click()
    expect(panel.locator("a.smskit-door[href='03_send_campaign.ipynb']").last).to_contain_text("again-")
    with opened.page.expect_download() as saved:
        panel.get_by_role("button", name=xlsx, exact=True).click()
    book = openpyxl.load_workbook(BytesIO(saved.value.path().read_bytes()))

    assert len(set(Path(tracked.root).glob("segments/*.parquet")) - before) == 1
    assert str(FIRST)[:8] not in panel.inner_text()
    assert saved.value.suggested_filename == "vip-2026-W47-live-messages.xlsx"
    assert book["messages"].max_row == PEOPLE + 1
