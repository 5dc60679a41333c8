"""Notebook 05 in a real JupyterLab: a table chosen, a campaign measured, in both languages."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.lab import Lab, Sheet
from tests.e2e.walk import ENGLISH, Walk
from tests.two_arms import DAY, FIRST, World, stamp

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def measured(start_lab: Callable[..., Lab]) -> Lab:
    """A JupyterLab whose ledger holds a campaign with a holdout, and beside it a table of orders."""
    lab = start_lab()
    sent(Path(lab.root))
    return lab


def sent(root: Path) -> None:
    """A campaign with a holdout that brought something, and the table that says so."""
    begun = time.time() - 20 * DAY
    world = World(root, now=begun)
    row = world.campaign("spring", 20_000, holdout=0.1)
    treated, held = world.arms(row)
    who = [*treated[:420], *held[:24]]
    made = world.table(
        user_id=who,
        paid_at=[stamp(begun + (0.2 + 13 * ((37 * n) % 100 / 100) ** 1.5) * DAY) for n in range(len(who))],
        amount=[f"{60 + 7 * (n % 9)}.5" for n in range(len(who))],
    )
    (root / "segments").mkdir(exist_ok=True)
    made.rename(root / "segments" / "orders.csv")


@pytest.mark.parametrize("language", ENGLISH)
def test_a_walk(measured: Lab, sheet: Callable[..., Sheet], language: str) -> None:
    """The arms without a table; with one the sentence, pictures, and a report by a click."""
    opened = sheet(measured, "notebooks/05_measure_effect.ipynb")
    assert opened.run_all()
    opened.speak(language)
    walk = Walk(opened, language)
    panel, t = opened.panel, walk.t

    expect(panel.locator("svg[style]").first).to_be_visible()
    expect(panel.get_by_label(t("Path or URL"), exact=True)).to_be_hidden()
    walk.field("Files here").select_option("orders.csv")
    expect(panel.get_by_label(t("Time column"), exact=True)).to_have_value("paid_at")
    walk.click("Measure")
    expect(panel.get_by_role("heading", name=t("What it brought"), exact=True)).to_be_visible()
    expect(panel.locator(f"table[aria-label='{t('What it brought')}']")).to_contain_text(t("revenue"))
    with opened.page.expect_download() as saved:
        walk.click("Download the report")
    text = saved.value.path().read_text("utf-8")

    assert saved.value.suggested_filename == "spring-live-effect.html"
    assert f'lang="{language}"' in text
    assert text.count("<svg") >= 4
    assert str(FIRST)[2:9] not in text + panel.inner_text()
