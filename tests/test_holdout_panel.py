"""03 before a send: how many to keep back, side by side with what that could show; half get another text."""

from __future__ import annotations

from pathlib import Path

import pytest

from smskit.i18n import LANGUAGES, Language
from smskit.notebook.host import Host
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.send.another import AnotherTextPanel
from smskit.notebook.panels.send.holdout import HoldoutPanel
from smskit.notebook.send_model import SendModel
from smskit.planning.draft import Draft
from smskit.planning.power import power_of
from tests.clicking import told
from tests.conftest import ROOT

CAMPAIGN = {
    "campaign": "spring",
    "segment": str(ROOT / "sample_segments" / "clean.csv"),
    "signature": "GrowingIO",
    "template": "你好{name}，拒收请回复R",
    "variables": {"name": "name"},
    "max_recipients": 1000,
    "holdout": 0.1,
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where somebody sits down."""
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SMSKIT_DATABASE_URL", f"sqlite:///{tmp_path / 'smskit.db'}")
    return tmp_path


def seated(language: str = "en") -> tuple[Page, SendModel]:
    """The page of 03 with a complete campaign."""
    draft = Draft(CAMPAIGN)
    return Page(draft, language=Language(language), host=Host.LAB), SendModel(draft)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_slider_tells_what_a_share_could_show(project: Path, language: str) -> None:
    """The plan's own figures first; moved, people and lift follow at once and the draft has the share."""
    page, model = seated(language)
    panel = HoldoutPanel(page, model)
    panel.draw()
    model.planning.want()
    assert model.planning.wait()
    plan = model.planning.plan
    assert plan is not None
    held = plan.excluded["holdout"]
    before = told(panel.widget)
    panel._share.value = 0.5
    after = told(panel.widget)
    lift = power_of(200, 100, 0.5, 0.02).smallest_relative

    assert f"<b>{plan.planned}</b>" in before
    assert f"<b>{held}</b>" in before
    assert page.draft["holdout"] == 0.5
    assert f"+{lift:.0%}" in after
    assert after.count("<b>100</b>") == 2
    assert model.planning.wait()


def test_the_slider_follows_the_field(project: Path) -> None:
    """A share that is none of the slider's own stands there once it is typed elsewhere."""
    page, model = seated()
    panel = HoldoutPanel(page, model)
    panel.draw()
    page.draft.set(holdout=0.07)
    assert model.planning.wait()

    assert panel._share.value == 0.07


def test_another_text_makes_two_campaigns(project: Path) -> None:
    """Half and half, alike in who may be messaged; asked again, nothing is written over."""
    page, model = seated()
    panel = AnotherTextPanel(page, model)
    panel.draw()
    panel.text = "{name}，春季新品八折，拒收请回复R"
    panel.write()
    one, other = (Draft.read(project / f"spring-{name}.yaml") for name in "ab")
    panel.attempt(panel.write)(None)

    assert [(arm["arm"]["from"], arm["arm"]["to"]) for arm in (one, other)] == [(0, 0.5), (0.5, 1)]
    assert (one["template"], other["template"]) == (CAMPAIGN["template"], panel.text)
    assert one["holdout"] == other["holdout"] == 0.1
    assert "smskit compare spring-a spring-b" in told(panel.widget)
    assert "is there already" in told(panel.widget)


def test_without_another_text_nothing_is_written(project: Path) -> None:
    """The sentence says what is missing."""
    page, model = seated()
    panel = AnotherTextPanel(page, model)
    panel.draw()
    panel.attempt(panel.write)(None)

    assert "say what the other half is to get" in told(panel.widget)
    assert list(project.glob("*.yaml")) == []
