"""Steps of the notebooks: what plain cells call, when each is done, what it returns, where it is shown."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from papermill.iorw import load_notebook_node

import smskit
from smskit.errors import SmskitError
from smskit.notebook.base import Base
from smskit.notebook.display import Output, Shown
from smskit.notebook.host import Host
from smskit.notebook.opening import track
from smskit.sending.session import open_campaign
from tests.conftest import ROOT

OPEN = {
    "00_start": smskit.open_start,
    "01_connect_provider": smskit.open_connect,
    "02_explore_segment": smskit.open_explore,
    "03_send_campaign": smskit.open_notebook,
    "04_track_delivery": smskit.open_track,
    "05_measure_effect": smskit.open_effect,
}
# The plain cells of every notebook, between the one that opens it and the panel.
STEPS = {
    "00_start": ["campaigns", "unfinished", "series", "providers", "upcoming"],
    "01_connect_provider": ["providers", "steps", "settings", "check", "signatures", "templates", "summary"],
    "02_explore_segment": ["look", "rules", "steps"],
    "03_send_campaign": [
        *("parameters", "plan", "preview", "check", "test", "send", "receipts", "summary"),
    ],
    "04_track_delivery": [
        *("campaigns", "receipts", "over_time", "failures", "carriers", "batches", "left_out"),
        *("unknowns", "replies", "books"),
    ],
    "05_measure_effect": [
        *("campaigns", "arms", "effects", "interim", "segments", "earlier", "compare", "next_holdout"),
    ],
}
FRAMES = {
    "00_start": {"campaigns"},
    "01_connect_provider": {"providers", "steps", "settings", "check", "signatures", "templates"},
    "02_explore_segment": {"look", "steps"},
    "03_send_campaign": {"parameters", "plan", "preview", "check"},
    "04_track_delivery": {"campaigns", "receipts", "over_time", "carriers", "batches", "books"},
    "05_measure_effect": {"campaigns", "arms"},
}
SENT = {
    "campaign": "steps-1",
    "segment": "sample_segments/clean.csv",
    "signature": "GrowingIO",
    "template": "你好{name}，拒收请回复R",
    "variables": {"name": "name"},
    "max_recipients": 1000,
}


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What came to stand on the page."""
    found: list[Any] = []
    monkeypatch.setattr("IPython.display.display", lambda made, **_: found.append(made))
    return found


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the samples, in which one campaign was rehearsed."""
    (tmp_path / "sample_segments").symlink_to(ROOT / "sample_segments")
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SMSKIT_LANG", "en")
    return tmp_path


@pytest.fixture
def opened(project: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Base]:
    """Open a notebook by its name, as its own cell does it, with somebody there or nobody."""

    def open_(name: str, *, attended: bool, **parameters: Any) -> Base:
        monkeypatch.setenv("SMSKIT_INTERACTIVE", str(int(attended)))
        made: Base = OPEN[name](parameters)
        return made

    return open_


def cells(name: str) -> list[str]:
    """The code of a notebook."""
    found = load_notebook_node(str(ROOT / "notebooks" / f"{name}.ipynb")).cells
    return [str(cell.source) for cell in found if cell.cell_type == "code"]


@pytest.mark.parametrize("name", OPEN)
def test_the_panel_is_the_last_cell(name: str) -> None:
    """Parameters and the panel are collapsed, each plain cell is one call, and Run All ends at the panel."""
    notebook = load_notebook_node(str(ROOT / "notebooks" / f"{name}.ipynb"))
    hidden = [c.id for c in notebook.cells if c.metadata.get("jupyter", {}).get("source_hidden")]
    _, _, *plain, last = cells(name)
    calls = [ast.unparse(ast.parse(source)) for source in plain]

    assert hidden == ["parameters", "panel"] == [notebook.cells[1].id, notebook.cells[-1].id]
    assert last == "nb.language()\nnb.panel()"
    assert calls == [f"nb.{step}()" for step in STEPS[name]]


@pytest.mark.parametrize("name", OPEN)
def test_run_all_costs_nothing_and_points_to_the_panel(
    name: str, opened: Callable[..., Base], shown: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a person runs all cells no step is done on the way down, and one line says where the panel is."""
    if name == "04_track_delivery":
        open_campaign(SENT).plan()
    nb = opened(name, attended=True)
    done: list[str] = []
    monkeypatch.setattr(Shown, "do", lambda self: done.append(str(self)))
    for step in STEPS[name]:
        getattr(nb, step)()._ipython_display_()

    assert done == []
    assert [repr(output) for output in shown] == [
        f"The panel is below. nb.{STEPS[name][0]}(), run by itself after that, shows its part here."
    ]


@pytest.mark.parametrize("name", OPEN)
def test_each_step_shows_its_part_once(name: str, opened: Callable[..., Base], shown: list[Any]) -> None:
    """Once the panel is there, a cell shows what its step does; never twice, and ``.frame`` shows nothing."""
    if name != "01_connect_provider":
        campaign = open_campaign(SENT)
        campaign.plan()
        if name in ("00_start", "04_track_delivery", "05_measure_effect"):
            campaign.send()
    nb = opened(name, attended=True, **({"campaign": "steps-1"} if name[1] == "4" else SENT))
    nb.panel_shown = True
    frames = set()
    for step in STEPS[name]:
        shown.clear()
        made = getattr(nb, step)()
        assert shown == [], f"{step} is shown by the cell it ends"
        assert isinstance(made.frame, pd.DataFrame)
        frames |= {step} if len(made.frame) else set()
        made._ipython_display_()

        assert [type(output) for output in shown] == [Output], step
        assert "text/html" in made._repr_mimebundle_()

    assert frames == FRAMES[name]


def test_a_frame_is_had_on_the_way_down(opened: Callable[..., Base], shown: list[Any]) -> None:
    """Who asks for a table gets it, also while all cells are run."""
    nb: Any = opened("02_explore_segment", attended=True)

    assert len(nb.steps().frame)
    assert shown == []


@pytest.mark.parametrize(("name", "step"), [("02_explore_segment", "look"), ("03_send_campaign", "plan")])
def test_unattended_a_step_raises_at_once(name: str, step: str, opened: Callable[..., Base]) -> None:
    """papermill's cell fails where a step does, whether or not anybody asks for what it shows."""
    nb = opened(name, attended=False, **SENT | {"segment": "nowhere.csv"})

    with pytest.raises(SmskitError, match="nowhere"):
        getattr(nb, step)()


def test_what_was_shown_before_a_mistake_stays(opened: Callable[..., Base], shown: list[Any]) -> None:
    """A step that fails half-way shows what it had, such as the counts of an incomplete campaign."""
    nb: Any = opened("03_send_campaign", attended=False, **SENT | {"max_recipients": 1})
    campaign = nb.campaign
    campaign.plan()
    nb.say("before")
    made = Shown(lambda: (nb.say("counted"), 1 / 0), print)
    with pytest.raises(ZeroDivisionError):
        made.do()

    assert [repr(output) for output in shown] == ["before", "counted"]


def test_in_ones_own_notebook_it_shows_itself(
    project: Path, shown: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``smskit.track().books()`` has no panel below it: it is done and shown."""
    monkeypatch.setenv("SMSKIT_INTERACTIVE", "1")
    open_campaign(SENT | {"mode": "plan"}).plan()
    track(campaign="steps-1").books()._ipython_display_()

    assert "planned" in repr(shown[-1])


def test_in_the_app_steps_show_nothing(
    project: Path, shown: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """There the panel is the whole of the page."""
    monkeypatch.setenv("VOILA_KERNEL", "1")
    nb: Any = smskit.open_explore({})
    nb.look("city")._ipython_display_()

    assert nb.host is Host.VOILA
    assert shown == []
