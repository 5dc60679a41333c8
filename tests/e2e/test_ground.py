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

CELLS = (
    """import smskit
from smskit.notebook import ConnectNotebook
from smskit.notebook.panels.parameters import ParametersPanel
nb = ConnectNotebook(smskit.Draft({"campaign": "c-1", "segment": "clean.csv", "signature": "GrowingIO"}))
nb.language()
ParametersPanel(nb.page, path="mine.yaml")""",
    "nb.steps()",
)
STEP = {"zh": "需要从", "en": "What to obtain from"}


@pytest.fixture
def written(lab: Lab) -> Path:
    """A notebook of a panel and a plain step."""
    notebook = nbformat.v4.new_notebook(
        cells=[*map(nbformat.v4.new_code_cell, CELLS)],
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


def shows(sheet: Sheet, language: str) -> None:
    """What its plain step has shown is in *language* and in no other."""
    for code, words in STEP.items():
        found = sheet.panel.locator(".jp-OutputArea p").filter(has_text=words)
        expect(found).to_have_count(1 if code == language else 0)


def test_panels_follow_the_switch_and_outputs_keep_their_language(ground: Sheet) -> None:
    """The switch changes panels at once; what a plain step showed before stays until it is run again."""
    save = ground.panel.get_by_role("button", name="Save parameters", exact=True)

    shows(ground, "zh")
    ground.speak("en")
    expect(save).to_be_visible()
    shows(ground, "zh")
    ground.speak("zh")
    expect(save).to_have_count(0)


def test_a_saved_notebook_shows_the_language_of_its_run(
    lab: Lab, sheet: Callable[..., Sheet], ground: Sheet, written: Path
) -> None:
    """Opened again and not run, also by somebody whose JupyterLab does not trust its outputs."""
    saved = ground.source()
    ground.close()
    shows(sheet(lab, f"notebooks/{written.name}"), "zh")
    strange = lab.root / "notebooks" / "strange.ipynb"
    saved["cells"][0]["source"] = "print('somebody else wrote this')"
    strange.write_text(json.dumps(saved), encoding="utf-8")

    shows(sheet(lab, f"notebooks/{strange.name}"), "zh")


def test_two_notebooks_speak_a_language_each(lab: Lab, ground: Sheet, written: Path) -> None:
    """What one of two open notebooks is switched to changes nothing in the other."""
    ground.speak("en")
    other = lab.root / "notebooks" / "other.ipynb"
    other.write_bytes(written.read_bytes())
    ground.command("docmanager:open", path=f"notebooks/{other.name}")
    ground.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.context?.path.endsWith('other.ipynb')"
    )
    ground.ready()
    assert ground.run_all()

    shows(ground, "zh")
    ground.command("application:activate-previous-tab")
    save = ground.panel.get_by_role("button", name="Save parameters", exact=True)
    expect(save).to_be_visible()


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
