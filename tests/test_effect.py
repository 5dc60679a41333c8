"""Notebook 05 and the report: what its steps show, its pictures, what is never shown; in both languages."""

from __future__ import annotations

import re
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from smskit.cli import commands as cli
from smskit.errors import GuardRefused, LedgerError, SpecError
from smskit.i18n import LANGUAGES, Language
from smskit.measuring.measure import measure
from smskit.measuring.page import page
from smskit.measuring.result import Effect, SegmentRow
from smskit.measuring.sections import Sections
from smskit.notebook.effect import EffectNotebook, open_effect
from smskit.notebook.host import Host
from smskit.notebook.measurer import Measurer
from smskit.notebook.panels.effect import EffectPanel
from smskit.notebook.panels.page import Page
from smskit.planning.draft import Draft
from smskit.planning.policy import experiment_key, held_back
from smskit.reporting.charts import effect as charts
from tests.clicking import named, names, parts, told
from tests.messages import foreign
from tests.two_arms import BEGUN, DAY, FIRST, World, texts

LATER = BEGUN + 20 * DAY


def moment(at: float) -> str:
    """As ``as_of`` takes it."""
    return datetime.fromtimestamp(at).astimezone().isoformat()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """The ledger of a project, the folder one works in."""
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SMSKIT_DATABASE_URL", f"sqlite:///{tmp_path / 'smskit.db'}")
    monkeypatch.setenv("SMSKIT_INTERACTIVE", "0")
    monkeypatch.setenv("SMSKIT_LANG", "en")
    return World(tmp_path)


def opened(world: World, **parameters: Any) -> EffectNotebook:
    """Notebook 05, opened after the window is over unless it says otherwise."""
    return open_effect({"as_of": moment(LATER), "time": "at"} | parameters, panel_below=False)


def bought(world: World, *, treated: int = 120, holdout: int = 20) -> Path:
    """A campaign with a holdout, and a table of who bought."""
    row = world.campaign("spring", 4_000, holdout=0.3, series="seasons")
    n = treated + holdout
    return world.events(row, treated, holdout, amount=[f"{20 + i % 7}.5" for i in range(n)])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_steps_say_what_the_command_says(
    world: World, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frames have the columns of the object; words are of one language."""
    monkeypatch.setenv("SMSKIT_LANG", language)
    table = bought(world)
    world.campaign("winter", 400, holdout=0.3, series="seasons")
    world.campaign("aside", 40, holdout=0)
    nb = opened(world, campaign="spring", outcomes=str(table), amount="amount")
    steps = ["campaigns", "arms", "effects", "interim", "segments", "earlier", "compare", "next_holdout"]
    shown = {name: getattr(nb, name)() for name in steps}
    told = {name: made._repr_mimebundle_()["text/html"] for name, made in shown.items()}
    direct = measure("spring", table, time="at", amount="amount", as_of=moment(LATER), ledger=world.ledger)

    assert list(shown["effects"].frame.columns) == list(Effect.__dataclass_fields__)
    assert shown["effects"].frame["difference"].tolist() == [e.difference for e in direct.effects]
    assert shown["campaigns"].frame["campaign"].tolist() == ["winter", "spring", "aside"]
    assert shown["arms"].frame["people"].sum() == 4_000
    assert len(shown["interim"].frame) == 15
    assert {name: found for name, html in told.items() if (found := foreign(html, language))} == {}
    assert [html.count("<svg") for html in told.values()] == [0, 1, 2, 1, 0, 0, 0, 1]


def test_by_segment_is_asked_for_in_the_cell(world: World) -> None:
    """``nb.segments("city")`` measures again by that column; its picture has those with an interval."""
    table = bought(world)
    world.table(
        "people.csv",
        user_id=[f"u{n}" for n in range(4_000)],
        phone=[str(FIRST + n)[2:] for n in range(4_000)],
        city=["北京", "上海"] * 2_000,
    )
    nb = opened(world, outcomes=str(table))
    made = nb.segments("city")

    assert list(made.frame.columns) == list(SegmentRow.__dataclass_fields__)
    assert set(made.frame["value"]) == {"北京", "上海"}


def test_before_the_end_there_is_no_interval_in_any_picture(world: World) -> None:
    """An open window shows its course and the interim, and draws no difference."""
    table = bought(world)
    nb = opened(world, outcomes=str(table), as_of=moment(BEGUN + 5 * DAY))
    found = Sections(nb.measure())

    assert found.effects.pictures == []
    assert found.over_time is not None
    assert [*found.over_time.frame["method"]] == ["beta-binomial"]  # type: ignore[index]
    assert "(95%)" not in repr(nb.effects().value)
    assert len(found.measured.days) == 6


def test_without_a_table_the_arms_are_shown(world: World) -> None:
    """Nothing is measured, nothing fails, and the cell says what is missing."""
    bought(world)
    nb = open_effect({}, panel_below=False)

    assert nb.arms().frame["people"].sum() == 4_000
    assert "outcomes" in repr(nb.effects())
    assert len(nb.effects().frame) == 0


def test_a_refusal_ends_an_unattended_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """papermill's cell fails as the command does; a person reads the sentence."""
    world.campaign("aside", 400, holdout=0)
    table = world.table(user_id=["u1"], at=["2026-11-03"])
    with pytest.raises(GuardRefused, match="kept nobody back"):
        opened(world, campaign="aside", outcomes=str(table)).effects()
    monkeypatch.setenv("SMSKIT_INTERACTIVE", "1")

    assert "kept nobody back" in repr(opened(world, campaign="aside", outcomes=str(table)).effects())


def test_parameters(world: World) -> None:
    """A campaign's own parameters are let be, a misspelt one is not, and a name is looked for."""
    bought(world)
    cell = "# Parameters\ncampaign = 'spring'\nsegment = 'people.csv'\nuser_id = ''\n"
    nb = open_effect({"In": [cell], "campaign": "spring", "segment": "people.csv", "user_id": ""})

    assert nb.measurer.row is not None
    assert nb.measurer.asked["user_id"] == "user_id"
    with pytest.raises(SpecError, match="outcomes"):
        open_effect({"In": ["# Parameters\noutcome = 'a.csv'\n"], "outcome": "a.csv"})
    with pytest.raises(LedgerError, match="summer"):
        open_effect({"campaign": "summer"})


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_report(world: World, language: str) -> None:
    """One page without a person: sentence first, then pictures and tables, in one language."""
    table = bought(world)
    found = measure("spring", table, time="at", amount="amount", as_of=moment(LATER), ledger=world.ledger)
    made = page(found, Language(language))

    assert made.count("<svg") == 5
    assert made.index("<p class=first>") < made.index("<svg")
    assert not re.search(r"\d{11}|u\d+\b", re.sub(r"<svg.*?</svg>", "", made, flags=re.S))
    assert foreign(made[made.index("<body") :], language) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_differences(language: str) -> None:
    """A label and a figure for each, the bounds beside it; where there is no interval the point alone."""
    rows = pd.DataFrame(
        {"label": ["a", "b"], "difference": [6.8, -1.0], "low": [5.0, None], "high": [8.6, None]}
    )
    words = " ".join(texts(charts.differences(rows, Language(language))))

    assert "+6.8" in words
    assert "+5.0" in words
    assert "−1.0" in words
    assert foreign(words, language) == []


@pytest.mark.parametrize(("observed", "colour"), [(1_000, "#2f8f78"), (1_300, "#c0564b")])
def test_split(observed: int, colour: str) -> None:
    """A split beyond the range stands out."""
    picture = charts.split(observed, 897, 1_105, Language("en"))

    assert f"{observed:,}" in texts(picture)
    assert colour in picture


@pytest.mark.parametrize("language", LANGUAGES)
def test_before_launch(language: str) -> None:
    """Each share has its lift and what is forgone."""
    choices = pd.DataFrame(
        {"holdout": [0.05, 0.1], "smallest_relative": [0.78, 0.53], "forgone": [15.6, 21.2]}
    ).assign(chosen=[True, False])
    words = texts(charts.before_launch(choices, Language(language)))

    assert {"5%", "10%", "+78%", "+53%", "16", "21"} <= set(words)
    assert foreign(" ".join(words), language) == []


def test_the_series_is_pooled_by_entry(world: World) -> None:
    """``nb.earlier()`` shows each occurrence by who entered with it, nobody twice."""
    world.campaign("first", 2_000, holdout=0.3, series="weekly")
    row = world.campaign("second", 4_000, holdout=0.3, series="weekly")
    table = world.events(row, 300, 60)
    made = opened(world, campaign="second", outcomes=str(table)).earlier().frame

    assert made["value"].tolist() == ["first", "second"]
    assert (made["treated_people"] + made["holdout_people"]).tolist() == [2_000, 2_000]


@pytest.mark.parametrize(("name", "code"), [("page.html", 0), ("page.pdf", 2)])
def test_the_command_writes_the_page(
    world: World, name: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``smskit measure --report FILE.html``; another ending is refused and nothing written."""
    table, place = bought(world), world.folder / name
    asked = ["measure", "spring", "--outcomes", str(table), "--time", "at", "--as-of", moment(LATER)]
    monkeypatch.setattr(sys, "argv", ["smskit", *asked, "--report", str(place)])
    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert (ended.value.code or 0) == code, capsys.readouterr()
    assert place.exists() == (not code)
    assert code or "<svg" in place.read_text("utf-8")


def experiment(world: World) -> list[str]:
    """Two arms, delivered, and a table of who bought; their names."""
    people = [f"u{n}" for n in range(4_000)]
    first = held_back(pa.array(people, pa.large_string()), 0.5, key=experiment_key("texts"))
    who = list[str]()
    for name, low, inside in (("a", 0.0, first), ("b", 0.5, ~first)):
        ids = [one for one, its in zip(people, inside, strict=True) if its]
        arm = {"experiment": "texts", "name": name, "from": low, "to": low + 0.5}
        row = world.campaign(f"spring-{name}", ids=ids, holdout=0.1, series="spring", arm=arm)
        world.deliver(row, 0.9)
        who += world.arms(row)[0][: 120 if name == "a" else 60]
    world.table(user_id=who, at=["2026-11-03 12:00"] * len(who))
    return ["spring-a", "spring-b"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_arms_of_an_experiment(world: World, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """``nb.compare()``: rates with intervals, in one language; what is no experiment is refused."""
    monkeypatch.setenv("SMSKIT_LANG", language)
    named = experiment(world)
    world.campaign("aside", 40, holdout=0)
    nb = opened(world, campaign="spring-a", outcomes=str(world.folder / "outcomes.csv"))
    made, by_name = nb.compare(), nb.compare(*named)
    html = made._repr_mimebundle_()["text/html"]

    assert made.frame["campaign"].tolist() == named
    assert made.frame["converted"].tolist() == [120, 60]
    assert by_name.frame.equals(made.frame)
    assert html.count("<svg") == 3
    assert foreign(html, language) == []
    with pytest.raises(GuardRefused):
        opened(world).compare("spring-a", "aside")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_panel_puts_arms_side_by_side(
    world: World, language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An arm has a button for it; measuring one campaign again, or choosing another, takes it away."""
    monkeypatch.setenv("SMSKIT_INTERACTIVE", "1")
    experiment(world)
    world.campaign("aside", 400, holdout=0.3)
    t = Language(language)
    measurer = Measurer({"outcomes": "outcomes.csv", "time": "at", "as_of": moment(LATER)})
    measurer.choose("spring-a")
    page = Page(Draft(), language=t, host=Host.LAB)
    shown = EffectPanel(page, measurer)
    shown.draw()
    assert page.wait()
    button = t("Arms side by side: {names}", names="a, b")
    named(shown.widget, button).click()
    assert page.wait()
    words = told(shown.widget)
    measurer.choose("aside")
    shown.draw()

    assert t("Live: the arms of an experiment") in words
    assert words.count("<svg") == 3
    assert foreign(re.sub("<[^>]*>", " ", words.replace("Asia/Shanghai", "")), language) == []
    assert button not in [name for part in parts(shown.widget) for name in names(part)]
    named(shown.widget, t("Measure")).click()
    assert page.wait()
    assert t("Live: the arms of an experiment") not in told(shown.widget)


def test_the_panel_asks_all_that_the_command_asks(world: World) -> None:
    """Every option of ``smskit measure`` about a table has a field, or a choice, that sets it."""
    bought(world)
    page = Page(Draft(), language=Language("en"), host=Host.LAB)
    measurer = Measurer({"outcomes": "outcomes.csv", "as_of": moment(LATER)})
    measurer.choose("spring")
    shown = EffectPanel(page, measurer)
    shown.draw()
    assert page.wait()
    for name, value in {
        "Adjust for": "level",
        "Window": "7d",
        "By segment": "city",
        "Time zone": "UTC",
        "Price per part (¥)": "0.04",
        "Segment file": "people.csv",
    }.items():
        named(shown.widget, name).value = value
    named(shown.widget, "Event id column").value = "user_id"

    asked = measurer.question()
    assert (asked.before, asked.window, asked.by, asked.event_id) == ("level", "7d", "city", "user_id")
    assert (asked.timezone, asked.price, asked.segments) == ("UTC", "0.04", "people.csv")
