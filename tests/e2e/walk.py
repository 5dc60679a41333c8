"""A person at one notebook, who reads one language and clicks what it says."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from smskit.i18n import Language
from tests.e2e.lab import Sheet

# `test_walk` goes through every notebook in both languages; of any other way the second one is for the night.
CHINESE = ["zh", pytest.param("en", marks=pytest.mark.nightly)]
ENGLISH = ["en", pytest.param("zh", marks=pytest.mark.nightly)]


class Walk:
    """
    One person at one notebook.

    Args:
        code: The language they read; labels are given in English and looked up.
    """

    def __init__(self, sheet: Sheet, code: str) -> None:
        self.sheet, self.code, self.t = sheet, code, Language(code)
        self.panel, self.page = sheet.panel, sheet.page

    def button(self, label: str, **values: Any) -> Locator:
        return self.panel.get_by_role("button", name=self.t(label, **values), exact=True)

    def doing(self, method: str) -> Locator:
        """The button of 03 that does this, whatever number of people its words name."""
        return self.panel.locator(f"button.smskit-do-{method}")

    def click(self, label: str, **values: Any) -> None:
        self.button(label, **values).first.click()

    def field(self, label: str, **values: Any) -> Locator:
        return self.panel.get_by_label(self.t(label, **values), exact=True).first

    def fill(self, label: str, text: str, **values: Any) -> None:
        """Type into a field and leave it."""
        self.field(label, **values).fill(text)
        self.field(label, **values).press("Tab")

    def door(self, number: str) -> None:
        """Click the link to another notebook, below the title."""
        self.panel.get_by_role("link", name=re.compile(f"^{number} ")).first.click()

    def run_by_menu(self) -> None:
        """Run all cells as a person does."""
        self.page.locator(".lm-MenuBar-item", has_text="Run").click()
        self.page.locator(".lm-Menu-item[data-command='runmenu:run-all']").click()
        self.sheet.ready()

    def tab(self, label: str) -> None:
        """Turn to a tab; some say a number after their name."""
        tab = self.tabs().get_by_role("tab", name=self.t(label)).first
        tab.click()
        expect(tab).to_have_attribute("aria-selected", "true")

    def tabs(self) -> Locator:
        return self.panel.locator(".widget-tab").first

    def pick(self, label: str, value: str) -> None:
        """Choose in a drop-down list whose label is given as it stands on the page."""
        self.panel.get_by_label(label, exact=True).select_option(value)
        self.rest()

    def tick(self, label: str) -> None:
        self.field(label).check()
        self.rest()

    def card(self, heading: str, **values: Any) -> Locator:
        """The framed box with this heading."""
        head = self.page.get_by_role("heading", name=self.t(heading, **values), exact=True)
        return self.panel.locator(".smskit-card", has=head).last

    def rest(self, ms: int = 800) -> None:
        """Let the last change reach the page."""
        self.page.wait_for_timeout(ms)
