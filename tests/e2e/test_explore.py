"""Notebook 02 as a person uses it, in both languages: load, filter, find, save; and a million rows."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import nbformat
import pytest
from playwright.sync_api import Locator, expect

from smskit.planning.spec import CampaignSpec
from tests.e2e.lab import Lab, Sheet
from tests.e2e.walk import CHINESE, ENGLISH, Walk

pytestmark = pytest.mark.browser

WORDS = {
    "zh": ["筛选", "添加条件", "列 1", "条件 1", "搜索", "保存", "活动编号", "保存参数"],
    "en": [
        *("Filter", "Add rule", "Column 1", "Condition 1", "Search", "Save"),
        *("Campaign id", "Save parameters"),
    ],
}
MILLION = """import smskit
from bench.segments import frame
nb = smskit.open_explore({})
nb.language()
nb.panel(frame=frame(1_000_000))"""


def tab(sheet: Sheet, name: str) -> None:
    sheet.panel.locator(".widget-tab").get_by_role("tab", name=name, exact=True).click()


def button(sheet: Sheet, name: str) -> Locator:
    return sheet.panel.get_by_role("button", name=name, exact=True)


@pytest.mark.parametrize("language", CHINESE)
def test_from_a_file_to_parameters(lab: Lab, sheet: Callable[..., Sheet], language: str) -> None:
    """A file is chosen, a rule clicked together and counted, a person found, and the parameters saved."""
    filter_, add, column, condition, search, save, campaign, save_it = WORDS[language]
    opened = sheet(lab, "notebooks/02_explore_segment.ipynb")
    assert opened.run_all()
    opened.speak(language)
    panel = opened.panel
    files = {"zh": "已有文件", "en": "Files here"}[language]
    panel.get_by_label(files, exact=True).first.select_option(index=0)
    panel.get_by_label(files, exact=True).first.select_option(
        label={"zh": "示例：", "en": "sample: "}[language] + "vip_users.xlsx"
    )
    expect(panel.locator(".smskit-notice.ok").first).to_contain_text("vip_users.xlsx")
    tab(opened, filter_)
    button(opened, {"zh": "全部删除", "en": "Remove all"}[language]).click()
    first = panel.get_by_label(column, exact=True)
    expect(first).to_have_count(0)
    button(opened, add).first.click()
    expect(first).to_have_count(1)
    first.select_option("user_id")
    panel.get_by_label(condition, exact=True).select_option(
        label={"zh": "不为空", "en": "is not empty"}[language]
    )
    expect(panel.locator(".smskit-chip.ok").first).to_contain_text("100.0%")
    field = panel.get_by_label(search, exact=True).first
    field.fill("no such person")
    field.press("Enter")
    expect(panel.get_by_text({"zh": "没有找到任何行。", "en": "No row found."}[language])).to_be_visible()
    tab(opened, save)
    panel.get_by_label(campaign, exact=True).fill(f"walk-{language}")
    panel.get_by_label(campaign, exact=True).press("Tab")
    button(opened, save_it).click()
    expect(panel.locator(".smskit-notice.ok").last).to_contain_text("campaign.yaml")
    spec = CampaignSpec.from_yaml(lab.root / "campaign.yaml")

    assert spec.campaign == f"walk-{language}"
    assert spec.segment == "sample_segments/vip_users.xlsx"
    assert spec.rules == {"all": [{"column": "user_id", "op": "not_null"}]}


@pytest.mark.parametrize("language", ENGLISH)
def test_an_empty_segment(lab: Lab, sheet: Callable[..., Sheet], language: str) -> None:
    """A file of no rows is said to be empty; nothing breaks, and another file goes on from there."""
    (lab.root / "segments").mkdir(exist_ok=True)
    (lab.root / "segments" / "nobody.csv").write_text("user_id,phone,name\n", encoding="utf-8")
    walk = Walk(sheet(lab, "notebooks/02_explore_segment.ipynb"), language)
    assert walk.sheet.run_all()
    walk.sheet.speak(language)
    walk.click("Path, URL or query")
    walk.fill("Path or URL", "segments/nobody.csv")
    walk.click("Load")
    warned = walk.panel.get_by_text(walk.t("The segment has no rows; load another one."))
    expect(warned).to_be_visible()
    walk.click("Add rule")
    walk.panel.get_by_label(f"{walk.t('Column')} 1", exact=True).select_option("name")
    for name in ("Overview", "Compare", "Save", "Filter"):
        walk.tab(name)
        expect(walk.panel.locator(".smskit-notice.error:not(.smskit-gone)")).to_have_count(0)
    walk.fill("Path or URL", "sample_segments/clean.csv")
    walk.click("Load")
    expect(walk.panel.locator(".smskit-notice.ok").first).to_contain_text("200")
    expect(walk.panel.get_by_label(f"{walk.t('Column')} 1", exact=True)).to_have_value("name")


def test_a_million_rows(lab: Lab, sheet: Callable[..., Sheet]) -> None:
    """Over a million rows each edit is counted at once; the median is printed, not asserted."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(MILLION)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(notebook, lab.root / "notebooks" / "million.ipynb")
    opened = sheet(lab, "notebooks/million.ipynb")
    assert opened.run_all()
    opened.speak("en")
    panel = opened.panel
    button(opened, "Add rule").first.click()
    panel.get_by_label("Column 1", exact=True).select_option("spend")
    panel.get_by_label("Condition 1", exact=True).select_option(label="is at least")
    chip = panel.locator(".smskit-chip.ok").first
    expect(chip).to_contain_text("1,050,000 of 1,050,000 rows kept", timeout=120_000)
    field, took, seen = panel.get_by_label("Value 1", exact=True), [], [chip.inner_text()]
    for amount in (200, 400, 600, 800, 1000, 1200, 1400):
        field.fill(str(amount))
        begun = time.monotonic()
        field.press("Enter")
        expect(chip).not_to_have_text(seen[-1])
        took.append(time.monotonic() - begun)
        seen.append(chip.inner_text())
    expect(panel.get_by_text("1 to 25 of")).to_be_visible()
    median, longest = statistics.median(took), max(took)
    print(f"\nfilter step over 1,050,000 rows: median {median:.2f} s, longest {longest:.2f} s")

    assert len(set(seen)) == len(seen)
