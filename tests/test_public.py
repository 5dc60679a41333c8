"""``import smskit``: the names an analyst finds there, and what each tells about itself."""

from __future__ import annotations

import ast
import doctest
import inspect
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import smskit
from smskit.errors import InputError, LedgerError, SpecError
from smskit.reporting import frames
from tests.conftest import ROOT

NAMES = [name for name in smskit.__all__ if name != "__version__"]
PEOPLE = pd.DataFrame(
    {
        "user_id": ["u1", "u2", "u3"],
        "phone": ["13800138000", "138 0013 8001", "12345"],
        "name": ["张三", "李四", "王五"],
    }
)
HELLO: dict[str, Any] = {
    "campaign": "hello",
    "signature": "GrowingIO",
    "template": "你好{name}，拒收请回复R",
    "variables": {"name": "name"},
}


def typed_imports() -> Iterator[tuple[str, str]]:
    """(name, module) of what ``smskit/__init__.py`` imports for type checkers and editors."""
    tree = ast.parse(Path(smskit.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        yield from ((alias.name, node.module or "") for alias in node.names)


def test_at_most_some_twenty_names_are_shown() -> None:
    """``smskit.<TAB>`` shows a sorted list short enough to be read."""
    assert smskit.__all__ == sorted(smskit.__all__) == dir(smskit)
    assert len(NAMES) <= 26


def test_importing_leaves_garbage_to_whoever_collects_it() -> None:
    """Names are loaded without a search for garbage; afterwards it is searched for as before, or not."""
    code = "import gc; {} import smskit; smskit.Mode, smskit.Plan; print(gc.isenabled())"
    found = [
        subprocess.run([sys.executable, "-c", code.format(before)], capture_output=True, text=True).stdout
        for before in ("", "gc.disable();")
    ]

    assert found == ["True\n", "False\n"]


def test_every_name_is_there_and_nothing_else() -> None:
    """Each public name resolves to something of ours; a misspelt one is an AttributeError."""
    strangers = [
        name
        for name in NAMES
        for value in [getattr(smskit, name)]
        if (value.__name__ if inspect.ismodule(value) else value.__module__).split(".")[0] != "smskit"
    ]

    assert strangers == []
    with pytest.raises(AttributeError, match="'campain'"):
        _ = smskit.campain


def test_editors_know_what_is_loaded_late() -> None:
    """What is imported for type checkers is what is loaded by name, each from its own module."""
    typed = dict(typed_imports())
    late = smskit._HOME | smskit._ALSO

    assert {name for name, module in typed.items() if module == "smskit"} == set(smskit._MODULES)
    assert set(typed) == set(late)
    assert {n for n, m in typed.items() if m != "smskit" and m != f"smskit.{late[n]}"} == set()
    assert set(NAMES) == set(smskit._HOME)
    assert (ROOT / "smskit" / "py.typed").is_file()


def test_every_name_has_an_example() -> None:
    """Each public name has a docstring with an example that is run with the other tests."""
    finder = doctest.DocTestFinder(recurse=False)
    bare = [
        name
        for name in NAMES
        if not any(found.examples for found in finder.find(getattr(smskit, name), name))
    ]

    assert bare == []


def test_every_argument_is_typed() -> None:
    """Functions and public methods of classes say the type of each argument and of what they return."""
    functions = [
        (f"{name}.{label}".removesuffix("."), function)
        for name in NAMES
        for value in [getattr(smskit, name)]
        for label, function in (
            inspect.getmembers(value, inspect.isfunction) if inspect.isclass(value) else [("", value)]
        )
        if inspect.isfunction(function) and function.__module__.split(".")[0] == "smskit"
    ]
    untyped = [
        label
        for label, function in functions
        if not label.split(".")[-1].startswith("_")
        and {*inspect.signature(function).parameters, "return"} - {"self", "cls", *function.__annotations__}
    ]

    assert len(functions) > 60
    assert untyped == []


def test_modules_are_reached_by_name() -> None:
    """``smskit.errors`` and ``smskit.providers`` are there after ``import smskit`` alone."""
    code = """
import smskit
try:
    raise smskit.errors.CampaignPaused("half")
except smskit.CampaignPaused as paused:
    print(paused.exit_code, smskit.providers.provider_names()[0])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["4", "aliyun"]


# -- open_campaign ---------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["spec", "mapping", "path", "text path", "keywords", "mixed"])
def test_a_campaign_opens_from_whatever_parameters_are_in(way: str, tmp_path: Path) -> None:
    """A spec, a mapping, a file and keywords are the same campaign; beside a frame no segment is needed."""
    file, other = tmp_path / "campaign.yaml", HELLO | {"signature": "别的"}
    whole = smskit.CampaignSpec.from_data(HELLO | {"segment": "people.csv"})
    file.write_text(whole.to_yaml(), encoding="utf-8")
    campaign = {
        "spec": lambda: smskit.open_campaign(whole, frame=PEOPLE),
        "mapping": lambda: smskit.open_campaign(HELLO, frame=PEOPLE),
        "path": lambda: smskit.open_campaign(file, frame=PEOPLE),
        "text path": lambda: smskit.open_campaign(str(file), frame=PEOPLE),
        "keywords": lambda: smskit.open_campaign(frame=PEOPLE, **HELLO),
        "mixed": lambda: smskit.open_campaign(other, frame=PEOPLE, signature="GrowingIO"),
    }[way]()

    assert campaign.plan().hash == "qa3468f7e2f9d423bd7ef064e"


def test_keywords_replace_single_parameters() -> None:
    """Keywords beside a spec change that parameter alone, and the spec stays what it was."""
    spec = smskit.CampaignSpec.from_data(HELLO | {"segment": "people.csv"})
    changed = smskit.open_campaign(spec, frame=PEOPLE, max_recipients=7).spec

    assert changed == spec.model_copy(update={"max_recipients": 7})
    assert spec.max_recipients == 1000


def test_a_placeholder_is_filled_in() -> None:
    """A repeating campaign opens as this moment's occurrence, from a mapping as from a file."""
    spec = smskit.open_campaign(HELLO | {"campaign": "weekly-{week}"}, frame=PEOPLE).spec

    assert spec.campaign == f"weekly-{datetime.now(UTC).astimezone(spec.zone):%G-W%V}"
    assert spec.series_name == "weekly"


@pytest.mark.parametrize(
    ("given", "more", "words"),
    [
        pytest.param(None, {}, "parameter `campaign` is required; parameter `segment` is", id="nothing"),
        pytest.param(HELLO, {}, "parameter `segment` is required", id="no-segment"),
        pytest.param(HELLO, {"segmnet": "a.csv"}, "did you mean `segment`?", id="typo"),
        pytest.param(HELLO, {"segment": "a", "provider": "yunpain"}, "mean `yunpian`?", id="provider"),
        pytest.param("vip.yaml", {}, "cannot read parameter file vip.yaml", id="no-file"),
        pytest.param(["hello"], {}, "not from list", id="list"),
    ],
)
def test_what_is_no_campaign_is_said_in_a_sentence(given: Any, more: dict[str, Any], words: str) -> None:
    """Whatever cannot be a campaign ends in a SpecError, never in an error of Python's or pydantic's."""
    with pytest.raises(SpecError) as caught:
        smskit.open_campaign(given, **more)

    assert words in str(caught.value)


# -- what a campaign answers --------------------------------------------------------------------


@pytest.fixture
def sent() -> smskit.Campaign:
    """A rehearsal of three rows, two of which were sent to."""
    campaign = smskit.open_campaign(HELLO, frame=PEOPLE)
    campaign.send()
    return campaign


def test_what_never_started_says_so() -> None:
    """Before the first run each question ends in the same sentence."""
    campaign = smskit.open_campaign(HELLO, frame=PEOPLE)
    questions = [
        campaign.status,
        campaign.messages,
        lambda: campaign.why("u1"),
        campaign.receipts,
        lambda: campaign.settle(give_up=True),
    ]

    for ask in questions:
        with pytest.raises(LedgerError, match=r"^campaign hello \(rehearse\) was never started$"):
            ask()


def test_status_balances(sent: smskit.Campaign) -> None:
    """``status`` is the record the command prints."""
    status = sent.status()

    assert (status["segment"], status["excluded"], status["planned"]) == (3, {"bad_phone": 1}, 2)
    assert status["accepted"] == status["awaiting"] + status["delivered"] + status["undelivered"] == 2


def test_messages_are_a_frame_masked_unless_revealed(sent: smskit.Campaign) -> None:
    """One row per person in the documented columns; full numbers only when asked for."""
    masked, full = sent.messages(), sent.messages(reveal=True)

    assert list(masked.columns) == list(full.columns) == frames.COLUMNS
    assert masked["phone"].tolist() == ["138****8000", "138****8001", "***45"]
    assert full["phone"].tolist()[:2] == ["+8613800138000", "+8613800138001"]
    assert masked["state"].tolist() == ["accepted", "accepted", "excluded"]
    assert masked["text"].tolist()[0] == "【GrowingIO】你好张三，拒收请回复R"


def test_messages_of_nobody_keep_their_columns() -> None:
    """A segment without rows gives a frame without rows."""
    campaign = smskit.open_campaign(HELLO, frame=PEOPLE.iloc[:0], mode="plan")
    campaign.plan()

    assert list(campaign.messages().columns) == frames.COLUMNS
    assert len(campaign.messages()) == 0


def test_why_shows_the_way_of_one_person(sent: smskit.Campaign) -> None:
    """One row per thing that happened, by user id or by phone, on the clock of the campaign's zone."""
    way = sent.why("138-0013-8001")

    assert list(way.columns) == frames.WHY
    assert way["state"].tolist() == ["submitting", "accepted"]
    assert set(way["user_id"]) == {"u2"}
    assert set(way["phone"]) == {"138****8001"}
    assert str(way["at"].dt.tz) == "Asia/Shanghai"
    assert set(sent.why("u2", reveal=True)["phone"]) == {"+8613800138001"}


def test_why_tells_of_those_left_out_and_of_those_unknown(sent: smskit.Campaign) -> None:
    """Who was left out has one row with the reason; nobody of the file is an InputError, masked."""
    left_out = sent.why("u3")

    assert left_out[["state", "reason", "phone"]].to_numpy().tolist() == [["excluded", "bad_phone", "***45"]]
    assert left_out["at"].isna().all()
    with pytest.raises(InputError, match=r"138\*\*\*\*9999 is not in the file that was read at"):
        sent.why("13800139999")


def test_receipts_are_fetched_and_counted(sent: smskit.Campaign) -> None:
    """``receipts`` asks the campaign's own provider, and says what is still open."""
    patience = time.monotonic() + 120
    while (fetched := sent.receipts()).awaiting and time.monotonic() < patience:
        time.sleep(0.2)

    assert (fetched.unknown, fetched.settled.problems) == (0, [])
    assert sent.status()["delivered"] + sent.status()["undelivered"] == 2


@pytest.mark.parametrize("words", [{}, {"resend": True, "give_up": True}])
def test_settling_needs_one_word(sent: smskit.Campaign, words: dict[str, bool]) -> None:
    """Neither or both are refused."""
    with pytest.raises(InputError, match="one of `resend=True`, `give_up=True`"):
        sent.settle(**words)


# -- a plan as a notebook shows it ----------------------------------------------------------------


def test_a_plan_shows_counts_and_waterfall_and_no_person(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rich display is a sentence and a small table in the reader's language, without phones or names."""
    plan = smskit.open_campaign(HELLO | {"campaign": "a.b"}, frame=PEOPLE).plan()
    monkeypatch.setenv("SMSKIT_LANG", "en")
    english = plan._repr_html_()
    monkeypatch.setenv("SMSKIT_LANG", "zh")
    chinese = plan._repr_html_()

    assert f"2 people, 2 parts, about ¥0.10. Plan hash: {plan.hash}" in english
    assert "<td>bad_phone</td>" in english
    assert "左" not in english
    assert plan.hash in chinese
    assert "people" not in chinese
    assert not any(word in english + chinese for word in ("138", "张三", "u1"))


# -- frames -------------------------------------------------------------------------------------------


def test_phones_of_a_frame_keep_its_index() -> None:
    """Normalised phones stand beside the rows they came from, masked unless revealed."""
    cells = pd.Series(["13800138000", "无"], index=[7, 9])

    assert smskit.normalise_phones(cells).index.tolist() == [7, 9]
    assert smskit.normalise_phones(cells)["phone"].tolist()[0] == "138****8000"
    assert smskit.normalise_phones(cells, reveal=True)["phone"].tolist()[0] == "+8613800138000"
    assert smskit.normalise_phones([])["phone"].tolist() == []
    with pytest.raises(InputError, match="one column, not as DataFrame"):
        smskit.normalise_phones(PEOPLE)


def test_a_filtered_frame_is_what_a_campaign_plans_over() -> None:
    """Rules on a frame keep the rows that parameter ``rules`` keeps."""
    rules = {"not": {"column": "name", "op": "==", "value": "李四"}}
    kept = smskit.filter_segment(PEOPLE, rules)
    planned = smskit.open_campaign(HELLO | {"rules": rules}, frame=PEOPLE, mode="plan").plan()

    assert kept.index.tolist() == [0, 2]
    assert planned.frame()["user_id"].tolist() == kept["user_id"].tolist()
