"""What every notebook stands on, in a real JupyterLab: language switch, themes, parameter file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect

from tests.e2e.lab import Lab, Sheet

pytestmark = pytest.mark.browser

MARKDOWN = """<div class="smskit-zh">

**说明** 一段文字

</div>
<div class="smskit-en">

**About** a paragraph

</div>"""
CELLS = (
    """import smskit
from smskit.notebook import ConnectNotebook
from smskit.notebook.panels.parameters import ParametersPanel
nb = ConnectNotebook(smskit.Draft({"campaign": "c-1", "segment": "clean.csv", "signature": "GrowingIO"}))
nb.language()
ParametersPanel(nb.page, path="mine.yaml")""",
    "nb.steps()",
)
TEXT, STEP = {"zh": "说明 一段文字", "en": "About a paragraph"}, {"zh": "需要从", "en": "What to obtain from"}


@pytest.fixture
def written(lab: Lab) -> Path:
    """A notebook of a text, a panel and a plain step."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell(MARKDOWN), *map(nbformat.v4.new_code_cell, CELLS)],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    file = lab.root / "notebooks" / "ground.ipynb"
    nbformat.write(notebook, file)
    return file


@pytest.fixture
def ground(lab: Lab, sheet: Callable[..., Sheet], written: Path) -> Sheet:
    """It, run."""
    opened = sheet(lab, f"notebooks/{written.name}")
    assert opened.run_all()
    return opened


def speaks(sheet: Sheet, language: str) -> None:
    """Its text and what its plain step has shown are seen in *language* and in no other."""
    for code in ("zh", "en"):
        for words in (TEXT[code], STEP[code]):
            found = sheet.panel.locator(f"div.smskit-{code}").filter(has_text=words).first
            (expect(found).to_be_visible if code == language else expect(found).to_be_hidden)()


def test_one_language_at_a_time(ground: Sheet) -> None:
    """The switch changes panels, the texts around them and what plain steps showed before, and back."""
    save = ground.panel.get_by_role("button", name="Save parameters", exact=True)

    speaks(ground, "zh")
    ground.speak("en")
    expect(save).to_be_visible()
    speaks(ground, "en")
    ground.speak("zh")
    expect(save).to_have_count(0)
    speaks(ground, "zh")


def test_a_saved_notebook_speaks_the_language_of_its_run(
    lab: Lab, sheet: Callable[..., Sheet], ground: Sheet, written: Path
) -> None:
    """Opened again and not run, also by somebody whose JupyterLab does not trust its outputs."""
    saved = ground.source()
    ground.close()
    speaks(sheet(lab, f"notebooks/{written.name}"), "zh")
    strange = lab.root / "notebooks" / "strange.ipynb"
    saved["cells"][1]["source"] = "print('somebody else wrote this')"
    strange.write_text(json.dumps(saved), encoding="utf-8")
    step = sheet(lab, f"notebooks/{strange.name}").panel.locator(".jp-OutputArea div.smskit-en").first

    expect(step).to_have_count(1)
    expect(step).to_be_hidden()


def test_two_notebooks_speak_a_language_each(lab: Lab, ground: Sheet, written: Path) -> None:
    """What one of two open notebooks is switched to hides nothing in the other."""
    ground.speak("en")
    other = lab.root / "notebooks" / "other.ipynb"
    other.write_bytes(written.read_bytes())
    ground.command("docmanager:open", path=f"notebooks/{other.name}")
    ground.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.context?.path.endsWith('other.ipynb')"
    )
    ground.ready()
    assert ground.run_all()

    speaks(ground, "zh")
    ground.command("application:activate-previous-tab")
    speaks(ground, "en")


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
