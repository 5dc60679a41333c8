"""The whole way in one sitting, in both languages: connect, explore, preview, test, rehearse, track."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest
from playwright.sync_api import expect

from smskit.ledger import Ledger
from smskit.models import Mode
from smskit.planning.spec import CampaignSpec
from smskit.reporting import frames
from smskit.simulator import Simulator, World
from tests import live
from tests.e2e.lab import Lab, Sheet
from tests.e2e.walk import CHINESE, Walk
from tests.messy import messy

pytestmark = pytest.mark.browser

CAMPAIGN = "vip-walk"


@pytest.fixture
def provider() -> Iterator[Simulator]:
    """What stands for Yunpian: it knows one account and its templates."""
    with Simulator(world=World()) as running:
        live.approve(running, live.SINGLES)
        yield running


@pytest.mark.parametrize("language", ["zh", "en"])
def test_from_nothing_to_who_got_it(
    start_lab: Callable[..., Lab], provider: Simulator, sheet: Callable[..., Sheet], language: str
) -> None:
    """Each notebook goes on with what the one before saved; the last one tells of every single person."""
    lab = start_lab(SMSKIT_LANG=language, SMSKIT_YUNPIAN_BASE_URL=provider.url)
    saved: list[dict[str, Any]] = []

    def sit_down(notebook: str) -> Walk:
        opened = sheet(lab, f"notebooks/{notebook}.ipynb")
        assert opened.run_all()
        return Walk(opened, language)

    walk = sit_down("01_connect_provider")
    for key, verdict in (("0" * 32, "NOT usable"), (live.YUNPIAN_KEY, "Usable")):
        walk.fill("API key *", key)
        expect(walk.field("API key *")).to_have_value("")
        walk.click("Save")
        expect(walk.panel.locator(".smskit-notice.ok").last).to_be_visible()
        walk.click("Check")
        expect(walk.panel.locator(".smskit-verdict")).to_contain_text(walk.t(verdict))
    walk.click("List those of my account")
    for label in ("Signature", "Template"):
        expect(walk.field(label).locator("option")).not_to_have_count(1)
        walk.field(label).select_option(index=1)
    walk.click("Save parameters")
    expect(walk.panel.locator(".smskit-notice.ok").last).to_contain_text("campaign.yaml")
    saved.append(walk.sheet.source())

    walk = sit_down("02_explore_segment")
    walk.field("Files here").select_option(f"{walk.t('sample: ')}vip_users.xlsx")
    expect(walk.panel.locator(".smskit-notice.ok").first).to_contain_text("vip_users.xlsx")
    walk.tab("Filter")
    walk.click("Add rule")
    walk.panel.get_by_label(f"{walk.t('Column')} 1", exact=True).select_option("user_id")
    walk.panel.get_by_label(f"{walk.t('Condition')} 1", exact=True).select_option(walk.t("is not empty"))
    expect(walk.panel.locator(".smskit-chip.ok").first).to_contain_text("100.0%")
    walk.tab("Save")
    walk.fill("Campaign id", CAMPAIGN)
    walk.click("Save parameters")
    expect(walk.panel.locator(".smskit-notice.ok").last).to_contain_text("campaign.yaml")
    saved.append(walk.sheet.source())

    walk = sit_down("03_send_campaign")
    expect(walk.doing("rehearse")).to_be_enabled()
    expect(walk.panel.locator(".smskit-phone").first).to_be_visible()
    walk.card("Check").get_by_role("button").click()
    expect(walk.card("Check")).to_contain_text(walk.t("Usable"))
    walk.fill("Test phones", "13800000000")
    walk.field("Send to these numbers").check()
    walk.click("Send test")
    expect(walk.card("Test send").locator("table")).to_be_visible()
    walk.doing("rehearse").click()
    expect(walk.button("Plan another campaign")).to_be_visible()
    saved.append(walk.sheet.source())

    walk = sit_down("04_track_delivery")
    walk.click("Fetch receipts now")
    expect(walk.panel.locator(".smskit-notice.ok").last).to_be_visible()
    people = _people(lab)
    walk.fill("User id or phone", str(people["user_id"].iloc[0]))
    walk.click("Why?")
    told = walk.panel.locator(f"table[aria-label='{walk.t('One person')}']")
    expect(told).to_contain_text(re.compile("20[0-9]{2}-"))
    saved.append(walk.sheet.source())
    spec = CampaignSpec.from_yaml(lab.root / "campaign.yaml")
    texts = json.dumps(saved, ensure_ascii=False)

    assert (spec.campaign, spec.segment) == (CAMPAIGN, "sample_segments/vip_users.xlsx")
    assert spec.template_id
    assert set(people["state"]) <= {"accepted", "delivered", "undelivered"}
    assert len(people) > 0
    assert provider.world.accepted() == 0, "a rehearsal reaches no provider"
    assert live.YUNPIAN_KEY not in texts
    assert not [phone for phone in people["phone"] if phone in texts and "*" not in phone]


# What presses a mouse button in the page, whoever handles it.
_COUNTED = """window.clicked = 0;
document.addEventListener("pointerdown", (event) => { if (event.isTrusted) window.clicked += 1; }, true);"""
_CHOSEN_IN_A_DIALOG = 1  # the file, in the window of the operating system


@pytest.mark.parametrize("language", CHINESE)
def test_fifteen_clicks_from_a_messy_file_to_a_rehearsal(
    start_lab: Callable[..., Lab], sheet: Callable[..., Sheet], language: str
) -> None:
    """From an opened JupyterLab, with a file of 5,030 rows in GB18030 and no account; clicks are counted."""
    lab = start_lab(SMSKIT_LANG=language)
    file = messy(lab.state / "双十二召回人群_20261128.csv")
    walk = Walk(sheet(lab, "notebooks/00_start.ipynb"), language)
    walk.page.evaluate(_COUNTED)
    walk.door("02")
    walk.sheet.turned_to("02_explore_segment.ipynb")
    walk.run_by_menu()
    with walk.page.expect_file_chooser() as chooser:
        walk.panel.get_by_role("button", name=walk.t("Upload a file"), exact=True).click()
    chooser.value.set_files(file)
    expect(walk.panel.locator(".smskit-notice.ok").first).to_contain_text("5,030")
    walk.panel.locator("[data-press^='bar:'][aria-label*='白金卡']").first.click()
    expect(walk.panel.locator(".smskit-chip.ok").first).to_contain_text("%")
    walk.tab("Save")
    walk.field("Campaign id").click()
    walk.page.keyboard.type("双十二-白金卡")
    walk.click("Save parameters")
    expect(walk.panel.locator(".smskit-notice.ok").last).to_contain_text("campaign.yaml")
    walk.door("03")
    walk.sheet.turned_to("03_send_campaign.ipynb")
    walk.run_by_menu()
    walk.field("Signature").click()
    walk.page.keyboard.type("GrowingIO")
    walk.field("Template").click()
    walk.page.keyboard.type("{姓名}，您的专属礼券已到账，拒收请回复R")
    expect(walk.doing("rehearse")).to_be_enabled()
    walk.doing("rehearse").click()
    expect(walk.button("Plan another campaign")).to_be_visible()
    clicks = int(walk.page.evaluate("() => window.clicked")) + _CHOSEN_IN_A_DIALOG
    print(
        f"\nfrom an opened JupyterLab to a finished rehearsal of one's own file: {clicks} clicks ({language})"
    )
    people = _people(lab, "双十二-白金卡")

    assert clicks <= 15
    assert set(people["state"]) <= {"accepted", "delivered", "undelivered", "excluded"}
    assert 400 < people["state"].ne("excluded").sum() < 800


def _people(lab: Lab, campaign: str = CAMPAIGN) -> pd.DataFrame:
    """Everybody of the campaign as the ledger has them, with full phones."""
    ledger = Ledger(f"sqlite:///{lab.root / 'smskit.db'}")
    try:
        row = ledger.campaigns.get(campaign, Mode.REHEARSE)
        assert row is not None
        return pd.concat(list(frames.messages(ledger, row, reveal=True)))
    finally:
        ledger.close()
