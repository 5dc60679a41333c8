"""Notebook 01 in a real browser: keys go into ``.env`` alone, bad ones are told, states survive."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from smskit.simulator import Simulator, World
from tests import live
from tests.e2e.lab import Lab, Sheet

pytestmark = pytest.mark.browser

NOTEBOOK = "notebooks/01_connect_provider.ipynb"
CANARY = live.YUNPIAN_KEY
SAVE_STATE = "@jupyter-widgets/jupyterlab-manager:saveWidgetState"


@pytest.fixture(scope="module")
def provider() -> Iterator[Simulator]:
    """What stands for Yunpian and Tencent: it knows one account of each, and nobody else."""
    with Simulator(world=World()) as running:
        live.approve(running, live.SINGLES)
        live.approve(running, live.TENCENT)
        yield running


@pytest.fixture(scope="module")
def desk(start_lab: Callable[..., Lab], provider: Simulator) -> Lab:
    """A JupyterLab whose providers are the simulator; without a credential."""
    names = {f"SMSKIT_{name}_BASE_URL": provider.url for name in ("YUNPIAN", "TENCENT")}
    return start_lab(**names)


def files_holding(folder: Path, text: str) -> set[str]:
    """Names of the files below *folder* that hold *text*."""
    return {f.name for f in folder.rglob("*") if f.is_file() and text.encode() in f.read_bytes()}


def speak(sheet: Sheet, language: str) -> None:
    """Switch the language and wait for it: a field typed into meanwhile would be drawn anew."""
    sheet.speak(language)
    label = {"en": "Phone column", "zh": "手机号列"}[language]
    expect(sheet.panel.get_by_label(label, exact=True)).to_be_visible()


def type_into(sheet: Sheet, label: str, text: str) -> Locator:
    field = sheet.panel.get_by_label(label, exact=True)
    field.fill(text)
    field.press("Tab")
    return field


def click(sheet: Sheet, name: str) -> None:
    sheet.panel.get_by_role("button", name=name, exact=True).click()


def state_of(sheet: Sheet, title: str) -> Locator:
    """The provider's line in the table of all."""
    return sheet.panel.locator(".smskit tr", has_text=title).first


def test_a_key_goes_into_one_file(desk: Lab, sheet: Callable[..., Sheet]) -> None:
    """Typed, saved, checked, and the notebook saved with its widgets: the key stands in ``.env`` alone.

    A fresh kernel still knows that the account was verified.
    """
    opened = sheet(desk, NOTEBOOK)
    assert opened.run_all()
    speak(opened, "en")
    field = type_into(opened, "API key *", CANARY)
    expect(field).to_have_value("")
    opened.command(SAVE_STATE)
    before_saving = opened.source()
    click(opened, "Save")
    expect(opened.panel.locator(".smskit-notice.ok")).to_contain_text("Saved.")
    click(opened, "Check")
    expect(opened.panel.locator(".smskit-verdict")).to_contain_text("Usable")
    expect(state_of(opened, "Yunpian")).to_contain_text("verified")
    saved = opened.source()
    fresh = sheet(desk, NOTEBOOK)
    assert fresh.run_all()
    expect(state_of(fresh, "Yunpian")).to_contain_text("已验证")

    assert "widgets" in saved["metadata"], "the widgets' state is saved, or this test shows nothing"
    assert CANARY not in str(before_saving)
    assert files_holding(desk.root, CANARY) == {".env"}
    assert files_holding(desk.state, CANARY) == set()
    assert (desk.root / ".env").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            ("Provider", "SecretId *", "SecretKey *", "SDKAppID *", "Save", "Check", "NOT usable", "Look at"),
        ),
        (
            "zh",
            ("供应商", "SecretId *", "SecretKey *", "SDKAppID *", "保存", "检查", "不可用", "检查 “"),
        ),
    ],
    ids=["en", "zh"],
)
def test_bad_credentials(
    desk: Lab, sheet: Callable[..., Sheet], language: str, words: tuple[str, ...]
) -> None:
    """Wrong keys are not usable: Tencent's own code, and what to do next in the language of the page."""
    provider, secret_id, secret_key, app_id, save, check, verdict, step = words
    opened = sheet(desk, NOTEBOOK)
    assert opened.run_all()
    speak(opened, language)
    opened.panel.get_by_label(provider, exact=True).select_option(
        {"en": "Tencent 腾讯云", "zh": "腾讯云 Tencent"}[language]
    )
    for label in (secret_id, secret_key):
        type_into(opened, label, "AKIDnobodyknowsthisone00000000000000")
    type_into(opened, app_id, "1400000009")
    click(opened, save)
    click(opened, check)
    expect(opened.panel.locator(".smskit-verdict")).to_contain_text(verdict)
    finding = opened.panel.locator("code.smskit-code").first

    expect(finding).to_contain_text("AuthFailure")
    expect(finding.locator("xpath=ancestor::tr")).to_contain_text(step)
    expect(state_of(opened, "Tencent")).to_contain_text({"en": "failing", "zh": "不可用"}[language])


def test_without_an_account(desk: Lab, sheet: Callable[..., Sheet]) -> None:
    """The simulator stands in: it is asked, offers a signature and a template, and they are saved."""
    opened = sheet(desk, NOTEBOOK)
    assert opened.run_all()
    speak(opened, "en")
    opened.panel.get_by_label("Provider", exact=True).select_option("Aliyun 阿里云")
    click(opened, "Try with the simulator")
    expect(opened.panel.locator(".smskit-verdict")).to_contain_text("Usable according to the simulator")
    click(opened, "List those of the simulator")
    expect(opened.panel.locator(".smskit-notice.ok").last).to_contain_text("1 signature and 1 template")
    opened.panel.get_by_label("Signature", exact=True).select_option(index=1)
    opened.panel.get_by_label("Template", exact=True).select_option(index=1)
    click(opened, "Save parameters")
    expect(opened.panel.locator(".smskit-notice.ok").last).to_contain_text("Still to be chosen")
    text = (desk.root / "campaign.yaml").read_text(encoding="utf-8")

    assert "provider: aliyun" in text
    assert "signature: GrowingIO" in text
    assert "template_id: SMS_" in text
