"""What every notebook stands on, in a real JupyterLab: language switch, themes, parameter file."""

from __future__ import annotations

from collections.abc import Callable

import nbformat
import pytest
from playwright.sync_api import expect

from tests.e2e.lab import Lab, Sheet

MARKDOWN = """<div class="smskit-zh">

**说明** 一段文字

</div>
<div class="smskit-en">

**About** a paragraph

</div>"""
CELLS = """import smskit
from smskit.notebook.base import Base
from smskit.widgets.parameters import ParametersPanel
nb = Base(smskit.Draft({"campaign": "c-1", "segment": "clean.csv", "signature": "GrowingIO"}))
nb.language()
ParametersPanel(nb.page, path="mine.yaml")"""


@pytest.fixture
def ground(lab: Lab, sheet: Callable[..., Sheet]) -> Sheet:
    """A notebook of two cells, run."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell(MARKDOWN), nbformat.v4.new_code_cell(CELLS)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(notebook, lab.root / "notebooks" / "ground.ipynb")
    opened = sheet(lab, "notebooks/ground.ipynb")
    assert opened.run_all()
    return opened


def test_one_language_at_a_time(ground: Sheet) -> None:
    """The switch changes panels and the texts around them, and back."""
    zh, en = (ground.panel.locator(f"div.smskit-{code}") for code in ("zh", "en"))
    save = ground.panel.get_by_role("button", name="Save parameters", exact=True)

    expect(zh).to_be_visible()
    expect(en).to_be_hidden()
    ground.speak("en")
    expect(save).to_be_visible()
    expect(zh).to_be_hidden()
    expect(en).to_be_visible()
    ground.speak("zh")
    expect(save).to_have_count(0)
    expect(zh).to_be_visible()


def test_parameters_are_saved_by_a_click(ground: Sheet) -> None:
    """The panel's button writes the file papermill reads, and says where it lies."""
    ground.speak("en")
    ground.panel.get_by_role("button", name="Save parameters", exact=True).click()
    expect(ground.panel.locator(".smskit-notice.ok")).to_contain_text("mine.yaml")

    saved = (ground.lab.root / "mine.yaml").read_text(encoding="utf-8")
    assert saved == "campaign: c-1\nsegment: clean.csv\nsignature: GrowingIO\n"


def test_panels_take_the_theme(ground: Sheet) -> None:
    """In the dark theme a panel's text is light on dark."""
    label = ground.panel.locator(".smskit .widget-label").first

    def brightness() -> int:
        found = label.evaluate("e => getComputedStyle(e).color.match(/[0-9]+/g).slice(0, 3).map(Number)")
        return int(sum(found))

    ground.theme(dark=True)
    dark = brightness()
    ground.theme(dark=False)

    assert dark > 450 > brightness()
