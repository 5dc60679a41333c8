"""Visitors of the app read sentences without the operator's settings and the server's paths."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smskit.errors import LedgerError, SettingsError
from smskit.i18n import LANGUAGES, Joined, Language, Message
from smskit.notebook import open_connect, open_effect, open_explore, open_start, open_track
from smskit.notebook.host import Host
from smskit.notebook.panels.panel import Panel
from smskit.notebook.visitors import language_for
from smskit.settings.places import APP_WORKSPACE
from tests.messages import translated


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one of an app, whose kernel this process is."""
    monkeypatch.setenv(APP_WORKSPACE, str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("code", LANGUAGES)
def test_no_sentence_names_a_setting_of_the_operator(workspace: Path, code: str) -> None:
    """Of all that can be said none holds the name of a variable, by itself or as an error."""
    t = language_for(Host.VOILA, code)
    sentences = [str(m.id) for m in translated() if m.id and "SMSKIT_" in f"{m.id}{m.string}"]
    errors = [LedgerError(Message(sentence)) for sentence in sentences]

    assert len(sentences) > 10
    assert [said for said in map(t, sentences) if "SMSKIT_" in said] == []
    assert [said for said in map(t.error, errors) if "SMSKIT_" in said or not said] == []


def test_what_is_for_the_operator_says_so(workspace: Path) -> None:
    """An error keeps its kind, and a remark in brackets goes without a word."""
    t = language_for(Host.VOILA, "zh")
    words = Message("the ledger cannot be opened ({kind}); look at SMSKIT_DATABASE_URL", kind="x")
    approval = Message(
        "plan {hash} needs the approval of somebody else than who plans it (SMSKIT_REQUIRE_APPROVAL): "
        "`smskit approve {campaign} {hash}`, or a click in notebook 03 or 04",
        hash="p1",
        campaign="c",
    )

    assert t.error(SettingsError(words)) == "设置不完整：请联系应用的管理员处理。"
    assert "03" in t.render(approval)
    assert "SMSKIT" not in t.render(Joined([approval]))


def test_paths_count_from_the_workspace(workspace: Path) -> None:
    """A place on the server is named as a visitor names it."""
    t = language_for(Host.VOILA, "en")
    saved = Message("Saved to {path}", path=workspace / "parameters/a.yaml")

    assert t.render(saved) == "Saved to parameters/a.yaml"


def test_others_read_it_in_full() -> None:
    """Where people run code, nothing is left out."""
    assert type(language_for(Host.LAB, "en")) is Language
    assert type(language_for(Host.VOILA, "en")) is Language  # a Voilà of somebody's own


@pytest.mark.parametrize("opened", [open_start, open_connect, open_explore, open_track, open_effect])
def test_a_page_is_finished_before_it_is_shown(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, opened: Callable[[dict[str, Any]], Any]
) -> None:
    """What is displayed is the panel, which waits for what it does in the background, not its bare widget."""
    seen: list[object] = []
    monkeypatch.setattr("IPython.display.display", seen.append)
    monkeypatch.setenv("VOILA_KERNEL_ID", "1")
    monkeypatch.chdir(workspace)
    last = opened({}).panel()  # what ends a cell is displayed, too

    assert [isinstance(each, Panel) for each in [*seen, last] if each is not None] == [True]
