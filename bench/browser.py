"""
What somebody waits for in JupyterLab: from Run All to the panel, and from a click to its answer.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.table import Row, row
from tests.e2e.lab import PATIENCE_MS, Lab, Sheet, chromium, project_copy, window

_LABEL = {"zh": "活动编号", "en": "Campaign id"}  # of the first field of page 03


def waits(rounds: int) -> Iterator[Row]:
    """
    Each notebook opened in a fresh kernel and run whole, *rounds* times.

    Raises:
        FileNotFoundError: there is no Chromium.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="smskit-bench-")))
        state = folder / "state"
        state.mkdir()
        project = project_copy(folder / "project")
        lab = stack.enter_context(Lab(project, state, {"SMSKIT_LANG": "en"}))
        browser = stack.enter_context(chromium())
        clicks: list[float] = []
        for notebook in sorted(path.name for path in (project / "notebooks").glob("0*.ipynb")):
            took: list[float] = []
            for _ in range(rounds):
                with window(browser) as context:
                    sheet = Sheet(lab, context.new_page()).open(f"notebooks/{notebook}")
                    took.append(_to_the_panel(sheet))
                    if notebook.startswith("03"):
                        clicks += [_to_the_answer(sheet, language) for language in ("zh", "en")]
                    sheet.close()
            yield row(f"Run All to panel, {notebook[:2]}", took, "s", at_most=2.5)
        yield row("click to answer: all of page 03 in the other language", clicks, "s", at_most=1.0)


def _to_the_panel(sheet: Sheet) -> float:
    started = time.perf_counter()
    if not sheet.run_all():
        raise RuntimeError("a cell failed")
    sheet.panel.locator(".smskit").last.wait_for(timeout=PATIENCE_MS)
    return time.perf_counter() - started


def _to_the_answer(sheet: Sheet, language: str) -> float:
    started = time.perf_counter()
    sheet.speak(language)
    sheet.panel.get_by_label(_LABEL[language], exact=True).first.wait_for(timeout=PATIENCE_MS)
    return time.perf_counter() - started
