"""The explore panel clicked through without a browser: load, look, filter, people, compare, save."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as w
import pandas as pd
import pytest

from smskit.audience import segment
from smskit.audience.explore.profile import profile_of
from smskit.audience.explore.tables import profile_table
from smskit.audience.rules import RuleCache
from smskit.errors import InputError, RuleError
from smskit.i18n import Language
from smskit.message.variables import lacking
from smskit.notebook import ExploreNotebook
from smskit.notebook.host import Host
from smskit.notebook.panels.explore import ExplorePanel
from smskit.notebook.panels.page import Page
from smskit.notebook.segment_model import SegmentModel
from smskit.planning.draft import Draft
from smskit.planning.spec import CampaignSpec
from tests.clicking import named, names, parts, told
from tests.explore.test_desk import NOW, PEOPLE

Open = Callable[..., ExplorePanel]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two segments."""
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "people.csv").write_text(PEOPLE, encoding="utf-8")
    (tmp_path / "other.csv").write_text("user_id,phone,level\nu1,13800138001,gold\nu9,13800138111,gold\n")
    return tmp_path


@pytest.fixture
def panel(project: Path) -> Open:
    """Open the panel in English over a draft."""

    def open_(frame: pd.DataFrame | None = None, **data: Any) -> ExplorePanel:
        draft = Draft({"campaign": "c-1", "segment": "people.csv"} | data, frame=frame)
        page = Page(draft, language=Language("en"), host=Host.LAB)
        made = ExplorePanel(page, SegmentModel(draft, project=project, clock=lambda: NOW))
        made.draw()
        page.wait()
        return made

    return open_


def says(panel: ExplorePanel) -> str:
    """Everything the panel tells when all its work is done."""
    while not panel.page.wait():  # what was waited for may have started more
        pass
    return told(panel.widget)


def click(panel: ExplorePanel, name: str) -> None:
    named(panel.widget, name).click()
    says(panel)


def click_of(panel: ExplorePanel, name: str, which: int) -> None:
    """Click one of several buttons of that name, from the top, from 0."""
    [each for each in parts(panel.widget) if name in names(each)][which].click()
    says(panel)


def put(panel: ExplorePanel, name: str, value: Any) -> None:
    named(panel.widget, name).value = value
    says(panel)


# --- load


def test_opened_over_a_draft(panel: Open) -> None:
    """The segment the parameters name is read at once, and its people are in the table, phones masked."""
    opened = panel()
    shown = says(opened)

    assert "people.csv: 6 rows, 7 columns" in shown
    assert "1 to 6 of 6 rows" in shown
    assert "138****8001" in shown
    assert "13800138001" not in shown


def test_what_is_chosen_while_something_is_shown_counts(panel: Open, project: Path) -> None:
    """A file is chosen in the moment in which the panel shows what it has read: the choice is taken."""
    (project / "segments").mkdir(exist_ok=True)
    (project / "segments/mine.csv").write_text("user_id,phone\nu1,13800138001\n", encoding="utf-8")
    opened = panel()
    says(opened)
    files = opened.load._offers
    chooses = threading.Thread(target=lambda: setattr(files, "value", "segments/mine.csv"))
    with opened.page.turn:
        chooses.start()
        while files.value != "segments/mine.csv":  # what follows from it waits for its turn
            chooses.join(0.01)
        opened.load.show_named()
    chooses.join()

    assert "segments/mine.csv: 1 row, 2 columns" in says(opened)


def test_a_file_that_was_copied_in_is_listed(panel: Open, project: Path) -> None:
    """A click looks again which files there are; what is chosen stays."""
    opened = panel()
    (project / "segments").mkdir()
    (project / "people.csv").rename(project / "segments" / "copied.csv")
    before = dict(opened.load._offers.options)
    click(opened, "Refresh")
    after = dict(opened.load._offers.options)

    assert "copied.csv" not in before
    assert after["copied.csv"] == "segments/copied.csv"
    assert opened.model.draft["segment"] == "people.csv"


def test_paths_and_queries_are_folded_away(panel: Open, project: Path) -> None:
    """Whoever chooses from the files there sees no path and no SQL; a segment named by its path shows it."""
    (project / "segments").mkdir()
    (project / "people.csv").rename(project / "segments" / "people.csv")
    offered = panel(segment="segments/people.csv")
    typed = panel(segment="sqlite:///crm.db", segment_query="select 1")

    assert not offered.load._typing.is_open
    assert typed.load._typing.is_open


@pytest.mark.parametrize(
    ("source", "query", "words"),
    [
        pytest.param("gone.csv", "", "no such file", id="not-there"),
        pytest.param("broken.csv", "", "quote is opened", id="broken"),
        pytest.param("env:NOBODY_SET_THIS", "", "environment variable is not set", id="variable"),
        pytest.param("sqlite:///crm.db", "select", "no such file", id="no-database"),
        pytest.param("sqlite://", "select * from people", "no such table: people", id="query-fails"),
        pytest.param("sqlite://", "", "a database needs a query", id="no-query"),
    ],
)
def test_what_cannot_be_loaded(panel: Open, project: Path, source: str, query: str, words: str) -> None:
    """What is wrong is said in the panel, and what was loaded before is still there."""
    (project / "broken.csv").write_text('a,b\n"1,2\n', encoding="utf-8")
    opened = panel()
    put(opened, "Path or URL", source)
    opened.load._query.value = query
    click(opened, "Load")
    shown = says(opened)

    assert words in shown
    assert "1 to 6 of 6 rows" in shown


def test_what_is_being_typed_survives_a_load(panel: Open) -> None:
    """A load that ends and a switch of language leave a half-typed path alone; a new segment replaces it."""
    opened = panel()
    field = named(opened.widget, "Path or URL")
    field.value = "oth"
    opened.reload()
    says(opened)
    after_load = named(opened.widget, "Path or URL")
    opened.page.speak("zh")
    after_switch = named(opened.widget, "路径或 URL").value
    opened.page.draft.set(segment="other.csv")
    says(opened)

    assert (after_load, after_load.value) == (field, "oth")
    assert after_switch == "oth"
    assert named(opened.widget, "路径或 URL").value == "other.csv"


def upload(within: Any, name: str, file: Path) -> None:
    """As a person who uploads *file*, which is called *name* where they have it."""
    content = file.read_bytes()
    named(within, "Upload a file")._told(None, {"name": name, "size": len(content)}, [content])


def test_an_upload_becomes_the_segment(panel: Open, project: Path) -> None:
    """An uploaded file is kept in the project and loaded; the parameters name it, so papermill finds it."""
    opened = panel()
    upload(opened.load.widget, "new.csv", project / "other.csv")
    shown = says(opened)

    assert "segments/new.csv: 2 rows, 3 columns" in shown
    assert opened.page.draft["segment"] == "segments/new.csv"
    assert os.stat(project / "segments/new.csv").st_mode & 0o777 == 0o600


def test_a_file_that_no_browser_hands_over(panel: Open, project: Path) -> None:
    """Above what the page's connection takes, which would break, nothing is sent and it is said."""
    opened = panel()
    before = says(opened)
    button = named(opened.load.widget, "Upload a file")
    button._told(None, {"name": "million.csv", "size": 71_000_000}, [])

    assert "million.csv has 71 MB; a browser hands over 10 MB at most" in says(opened)
    assert "million" not in before
    assert button.most < 10 << 20
    assert not (project / "segments").exists()


def test_columns_that_are_called_otherwise(panel: Open, project: Path) -> None:
    """A missing phone column is said with the one that looks like phones, and chosen from a list."""
    (project / "odd.csv").write_text("uid,mobile\nu1,13800138001\n", encoding="utf-8")
    opened = panel(segment="odd.csv")
    before = says(opened)
    put(opened, "Phone column", "mobile")
    put(opened, "Person column", "uid")
    after = says(opened)

    assert "no column `phone`" in before
    assert "`mobile` looks like phones." in before
    assert "no column" not in after
    assert (opened.page.draft["phone"], opened.page.draft["user_id"]) == ("mobile", "uid")


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
def test_columns_of_a_new_segment_are_recognised(panel: Open, project: Path, kind: str) -> None:
    """Chosen by a person, its phone, person and consent columns are; it is said, and they can be changed."""
    rows = [(10000000001 + n, 13800138001 + n, "是" if n % 3 else "否") for n in range(6)]
    frame = pd.DataFrame(rows, columns=["会员号", "手机号", "同意营销"])
    name = f"new.{kind}"
    {"csv": frame.to_csv, "xlsx": frame.to_excel, "parquet": frame.to_parquet}[kind](
        project / name, index=False
    )
    opened = panel(message_class="marketing")
    put(opened, "Path or URL", name)
    click(opened, "Load")
    shown, draft = says(opened), opened.page.draft
    chosen = {role: draft[role] for role in ("phone", "user_id", "consent")}
    put(opened, "Consent column", "")
    after = says(opened)

    assert chosen == {"phone": "手机号", "user_id": "会员号", "consent": "同意营销"}
    assert "Recognised, can be changed: " in shown
    assert "Consent column 同意营销" in shown.replace("`", "")
    assert "no column" not in shown
    assert "13800138001" not in shown
    assert draft["consent"] == ""
    assert "column 同意营销 looks like consent, and 2 of its 6 rows do not say yes" in after.replace("`", "")
    assert "Recognised" not in after


def test_columns_of_parameters_stay(panel: Open, project: Path) -> None:
    """What a parameter file says is left as it says, and so is a column that the new segment has."""
    (project / "new.csv").write_text(
        "user_id,phone,同意营销,手机号\nu1,13800138001,是,13800138009\n", "utf-8"
    )
    opened = panel(segment="new.csv")
    given = dict(opened.page.draft.to_data())
    put(opened, "Path or URL", "other.csv")
    click(opened, "Load")
    put(opened, "Path or URL", "new.csv")
    click(opened, "Load")
    draft = opened.page.draft

    assert "consent" not in given
    assert [draft[role] for role in ("phone", "user_id", "consent")] == ["phone", "user_id", "同意营销"]


def test_an_empty_segment(panel: Open, project: Path) -> None:
    """A segment without rows says so and what to do, and nothing breaks."""
    (project / "empty.csv").write_text("user_id,phone\n", encoding="utf-8")
    shown = says(panel(segment="empty.csv"))

    assert "The segment has no rows; load another one." in shown
    assert "0 of 0 rows kept" in shown


def test_a_frame_from_a_cell(panel: Open) -> None:
    """A frame is a segment like any other, and the panel says what papermill will need."""
    opened = panel(pd.DataFrame({"user_id": ["u1"], "phone": ["13800138001"]}), segment="")
    shown = says(opened)

    assert "1 to 1 of 1 row" in shown
    assert "a scheduled run cannot read" in shown


# --- filter


def test_a_rule_built_by_clicking(panel: Open) -> None:
    """Added, chosen and filled in, each part counts at once, and the parameters have the whole rule."""
    opened = panel()
    click(opened, "Add rule")
    unfinished = says(opened)
    put(opened, "Column 1", "level")
    put(opened, "Condition 1", "in")
    put(opened, "Value 1", ("gold",))
    first = says(opened)
    root = opened.model.editor.root
    opened.model.editor.add(root.id, "vip", "==", True)
    opened.rules.draw()
    opened.rules.recount()
    both = says(opened)

    assert "choose a column" in unfinished
    assert "3 of 6 rows kept (50.0%)" in first
    assert "2 of 6 rows kept (33.3%)" in both
    assert "3 left" in both
    assert "1 to 2 of 2 rows" in both, "the table follows"
    assert opened.page.draft["rules"] == {
        "all": [
            {"column": "level", "op": "in", "value": ["gold"]},
            {"column": "vip", "op": "==", "value": True},
        ]
    }


def test_conditions_suit_their_column(panel: Open) -> None:
    """A date column is asked about days, a yes-or-no column is not, and values come from the data."""
    opened = panel()
    click(opened, "Add rule")
    put(opened, "Column 1", "last_active")
    dates = [op for _, op in named(opened.widget, "Condition 1").options]
    put(opened, "Condition 1", "within_days")
    put(opened, "Value 1", 2)
    recent = says(opened)
    put(opened, "Column 1", "vip")
    flags = [op for _, op in named(opened.widget, "Condition 1").options]
    put(opened, "Column 1", "level")
    put(opened, "Condition 1", "not_in")
    levels = [value for _, value in named(opened.widget, "Value 1").options]

    assert {"before", "after", "within_days"} <= set(dates)
    assert "1 of 6 rows kept" in recent
    assert "==" in flags
    assert not {"within_days", "before", "<"} & set(flags)
    assert levels == ["gold", "normal", "silver"]


def test_parts_are_moved_negated_grouped_and_taken_back(panel: Open) -> None:
    """Buttons of a part turn it around, and undo brings back what was."""
    gold = {"column": "level", "op": "==", "value": "gold"}
    opened = panel(rules=[gold])
    for button, rules in [
        ("not", {"all": [{"not": gold}]}),
        ("Undo", [gold]),
        ("or…", {"all": [{"any": [gold]}]}),
        ("Ungroup", [gold]),
        ("✕", None),
        ("Undo", [gold]),
        ("Remove all", None),
    ]:
        click(opened, button)

        assert opened.page.draft["rules"] == rules, button


def test_a_change_leaves_what_is_next_to_it(panel: Open) -> None:
    """Rows that stay are the same widgets: nothing is taken from under what a person types or clicks."""
    opened = panel()
    click(opened, "Add rule")
    put(opened, "Column 1", "level")
    put(opened, "Value 1", "gold")
    stay = ("Column 1", "Condition 1", "Value 1", "✕", "Add rule", "Group")
    before = {name: named(opened.widget, name) for name in stay}
    click(opened, "Add rule")
    put(opened, "Column 2", "vip")
    labels = {f"{what} 1": named(opened.widget, f"{what} 1") for what in ("Column", "Condition", "Value")}
    put(opened, "Condition 1", "!=")
    kept = before["Column 1"], before["Condition 1"], before["✕"], before["Group"]
    click_of(opened, "✕", 1)
    alone = {name: named(opened.widget, name) for name in stay}

    assert labels == {name: before[name] for name in labels}
    assert (alone["Column 1"], alone["Condition 1"], alone["✕"], alone["Group"]) == kept
    assert alone["Value 1"].value == "gold"


def test_a_row_moved_up_takes_the_number_of_its_place(panel: Open) -> None:
    """Labels count from the top, whichever row stands there."""
    level, vip = {"column": "level", "op": "==", "value": "gold"}, {"column": "vip", "op": "not_null"}
    opened = panel(rules=[level, vip])
    click_of(opened, "↑", 1)

    assert named(opened.widget, "Column 1").value == "vip"
    assert named(opened.widget, "Value 2").value == "gold"
    assert opened.page.draft["rules"] == {"all": [vip, level]}


def test_taken_back_values_are_shown(panel: Open) -> None:
    """Undo of a value puts the old one into its widget."""
    opened = panel(rules=[{"column": "level", "op": "==", "value": "gold"}])
    put(opened, "Value 1", "silver")
    click(opened, "Undo")

    assert named(opened.widget, "Value 1").value == "gold"
    assert opened.page.draft["rules"] == [{"column": "level", "op": "==", "value": "gold"}]


def test_a_rule_on_a_column_that_is_gone(panel: Open) -> None:
    """With another segment the rule stays and says what it misses, where it misses it."""
    opened = panel(rules=[{"column": "spend", "op": "==", "value": "7"}])
    put(opened, "Path or URL", "other.csv")
    click(opened, "Load")
    shown = says(opened)

    assert "the segment has no column `spend`" in shown
    assert named(opened.widget, "Column 1").value == "spend"
    assert opened.page.draft["rules"] is not None


def test_an_opened_parameter_file_is_followed(panel: Open) -> None:
    """Rules and a segment that come from elsewhere are shown and counted."""
    opened = panel()
    opened.page.draft.set(segment="other.csv", rules=[{"column": "user_id", "op": "==", "value": "u9"}])
    shown = says(opened)

    assert "1 of 2 rows kept" in shown
    assert named(opened.widget, "Value 1").value == "u9"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        pytest.param(("", "", None), "请选择列", id="no-column"),
        pytest.param(("level", "", None), "请选择条件", id="no-condition"),
        pytest.param(("level", "==", None), "请填写值", id="no-value"),
        pytest.param(("levels", "==", "x"), "分群中没有列 `levels`，是否指 `level`？", id="near-column"),
        pytest.param(("zzz", "==", "x"), "分群中没有列 `zzz`", id="no-such-column"),
        pytest.param(("spend", "between", [2]), "“介于”需要两个值", id="one-end"),
        pytest.param(("spend", "between", [2, 1]), "下限 2 大于上限 1", id="ends-turned"),
    ],
)
def test_what_a_rule_lacks_in_chinese(panel: Open, rule: tuple[str, str, Any], words: str) -> None:
    """What a part lacks is said in 中文 beside it."""
    opened = panel()
    opened.page.speak("zh")
    opened.model.editor.add(opened.model.editor.root.id, *rule)
    opened.rules.draw()
    opened.rules.recount()

    assert words in says(opened)


@pytest.mark.parametrize(
    ("source", "query", "words"),
    [
        pytest.param("gone.csv", "", "gone.csv：找不到该文件", id="not-there"),
        pytest.param("broken.csv", "", "broken.csv：第 2 行的引号没有正确闭合", id="broken"),
        pytest.param("env:NOBODY_SET_THIS", "", "没有设置这个环境变量", id="variable"),
        pytest.param("sqlite://", "select * from people", "查询失败：“no such table", id="query-fails"),
        pytest.param("sqlite://", "", "数据库需要一条查询", id="no-query"),
        pytest.param("people.csv", "select 1", "文件请用规则筛选", id="query-on-a-file"),
    ],
)
def test_what_cannot_be_loaded_in_chinese(
    panel: Open, project: Path, source: str, query: str, words: str
) -> None:
    """What cannot be loaded is said in 中文 with the next step."""
    (project / "broken.csv").write_text('a,b\n"1,2\n', encoding="utf-8")
    opened = panel()
    opened.page.speak("zh")
    says(opened)
    put(opened, "路径或 URL", source)
    opened.load._query.value = query
    click(opened, "加载")

    assert words in says(opened)


# --- whom it reaches


def test_from_the_file_to_who_is_reached(panel: Open) -> None:
    """One line goes from the rows of the file to people and cost, and follows rules and parameters."""
    opened = panel(consent="vip", message_class="marketing")
    before = says(opened)
    opened.page.draft.set(rules=[{"column": "level", "op": "==", "value": "gold"}])
    ruled = says(opened)
    opened.page.draft.set(consent="")
    unasked = says(opened)

    line = '<span aria-hidden="true"> → </span>'
    assert line.join(["6 rows", "6 after the rules", "<b>1 reachable</b> · at least ¥0.05"]) in before
    assert line.join(["6 rows", "3 after the rules", "<b>1 reachable</b>"]) in ruled
    assert "Counted at one part each: no text is chosen yet" in ruled
    assert {"left out by the rules 3", "not a mainland number 1", "duplicate number 1"} <= {
        name for part in parts(opened.reach.widget) for name in names(part)
    }
    assert "1 reachable" in unasked


def test_a_part_of_the_bar_shows_its_rows(panel: Open) -> None:
    """Pressed, a part fills the table with its rows, after an edit too; empty, all come back."""
    opened = panel(rules=[{"column": "user_id", "op": "!=", "value": "u6"}])
    says(opened)
    click(opened, "invalid number 1")
    wrong = told(opened.table.widget)
    opened.page.draft.set(rules=[{"column": "level", "op": "!=", "value": "silver"}])
    still = says(opened), told(opened.table.widget)
    opened.page.draft.set(rules=[{"column": "level", "op": "==", "value": "gold"}])
    gone = says(opened), told(opened.table.widget)

    assert "1 to 1 of 1 row" in wrong
    assert ">u5</td>" in wrong
    assert ">u5</td>" in still[1]
    assert ">u5</td>" not in gone[1]
    assert "1 to 3 of 3 rows" in gone[1]


# --- compare and save


def test_an_upload_is_compared_with(panel: Open, project: Path) -> None:
    """A file uploaded beside the comparison is kept and compared with; the segment stays what it is."""
    opened = panel()
    upload(opened.compare.widget, "last.csv", project / "other.csv")
    compared = says(opened)

    assert '<td>person</td><td class="n">5</td><td class="n">1</td><td class="n">1</td>' in compared
    assert opened.compare.source == "segments/last.csv"
    assert opened.page.draft["segment"] == "people.csv"


def test_a_segment_that_calls_people_otherwise_is_compared(panel: Open, project: Path) -> None:
    """Columns of phones and people are recognised in the other file, too, whatever it calls them."""
    (project / "segments").mkdir(exist_ok=True)
    text = (
        (project / "other.csv")
        .read_text(encoding="utf-8")
        .replace("user_id", "会员号")
        .replace("phone", "手机")
    )
    (project / "segments/otherwise.csv").write_text(text, encoding="utf-8")
    opened = panel()
    opened.compare.compare("segments/otherwise.csv")
    compared = says(opened)

    assert '<td>person</td><td class="n">5</td><td class="n">1</td><td class="n">1</td>' in compared
    assert "<td>phone</td>" in compared


def test_two_segments_compared(panel: Open) -> None:
    """Who is only here, in both and only there is counted by person and phone, and shown as rows."""
    opened = panel()
    put(opened, "Other segment", "other.csv")
    named(opened.compare.widget, "Compare").click()
    compared = says(opened)
    put(opened, "Show rows", "only_b")
    rows = told(opened.compare.table.widget)

    assert '<td>person</td><td class="n">5</td><td class="n">1</td><td class="n">1</td>' in compared
    assert "level = gold" in compared
    assert "u9" in rows
    assert "1 to 1 of 1 row" in rows


def test_saved_as_parameters(panel: Open, project: Path) -> None:
    """The parameter file holds segment, rules and columns, and is what papermill takes."""
    opened = panel(rules=[{"column": "level", "op": "==", "value": "gold"}])
    put(opened, "Campaign id", "spring")
    click(opened, "Save parameters")
    spec = CampaignSpec.from_yaml(project / "campaign.yaml")

    assert (spec.campaign, spec.segment) == ("spring", "people.csv")
    assert spec.rules == [{"column": "level", "op": "==", "value": "gold"}]


def test_saved_as_a_file_that_is_the_segment_then(panel: Open, project: Path) -> None:
    """Kept rows are written on purpose, for their owner alone, and can be gone on with."""
    opened = panel(rules=[{"column": "level", "op": "==", "value": "gold"}])
    before = says(opened)
    put(opened, "File name", "gold")
    put(opened, "Go on with this file as the segment", True)
    click(opened, "Save rows with full phones")
    after = says(opened)
    put(opened, "File name", "gold")
    click(opened, "Save rows with full phones")

    assert "The file holds full phones." in before
    assert "segments/gold.csv: 3 rows" in after
    assert "3 of 3 rows kept" in after
    assert opened.page.draft["rules"] is None
    assert "is there already" in says(opened)
    assert os.stat(project / "segments/gold.csv").st_mode & 0o777 == 0o600


def test_an_unfinished_rule_saves_nothing(panel: Open, project: Path) -> None:
    """Rows are not saved by half a rule."""
    opened = panel()
    click(opened, "Add rule")
    click(opened, "Save rows with full phones")

    assert "choose a column" in says(opened)
    assert not (project / "segments").exists()


# --- languages


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "a rule is not finished: give a value"), ("zh", "未保存，有一条规则尚未填完：请填写值")],
)
def test_parameters_are_not_saved_with_an_older_rule(
    panel: Open, project: Path, language: str, words: str
) -> None:
    """While a rule is unfinished the file would hold another than the page shows: it is not written."""
    opened = panel()
    click(opened, "Add rule")
    put(opened, "Column 1", "level")
    opened.page.speak(language)
    click(opened, {"en": "Save parameters", "zh": "保存参数"}[language])

    assert words in says(opened)
    assert not (project / "campaign.yaml").exists()


def test_the_language_changes_and_nothing_is_lost(panel: Open) -> None:
    """In 中文 the same segment, rule, counts and comparison are there, without English buttons."""
    opened = panel(rules=[{"column": "level", "op": "in", "value": ["gold"]}])
    put(opened, "Other segment", "other.csv")
    named(opened.compare.widget, "Compare").click()
    says(opened)
    opened.page.speak("zh")
    shown = says(opened)
    labels = {getattr(p, "description", "") for p in parts(opened.widget)}

    assert "保留 3 / 6 行（50.0%）" in shown
    assert "第 1 至 3 行，共 3 行" in shown
    assert "仅另一个" in shown
    assert {"添加条件", "值 1", "保存参数"} <= labels
    assert not {"Add rule", "Value 1", "Load", "Undo"} & labels


def test_no_full_phone_anywhere(panel: Open) -> None:
    """Clicked through, no widget of the panel holds a full phone, until the button is pressed."""
    opened = panel(rules=[{"column": "phone", "op": "starts_with", "value": "138"}])
    put(opened, "Other segment", "other.csv")
    named(opened.compare.widget, "Compare").click()
    says(opened)
    state = str([p.get_state() for p in parts(opened.widget)])

    assert "13800138001" not in state
    assert "13800138111" not in state


def test_a_value_that_is_no_number_leaves_the_rule_unfinished(panel: Open) -> None:
    """Written with a comma it is the number; what is none is said, and the parameters keep the last rule."""
    amounts = ["900", "1,200", "¥1,299.00", *["30"] * 8, "面议"]
    phones = [f"138001380{i:02}" for i in range(12)]
    opened = panel(frame=pd.DataFrame({"user_id": phones, "phone": phones, "amount": amounts}))
    click(opened, "Add rule")
    put(opened, "Column 1", "amount")
    put(opened, "Condition 1", ">=")
    put(opened, "Value 1", "1,000")
    number = says(opened)
    rule = opened.page.draft["rules"]
    put(opened, "Value 1", "5百")
    word = says(opened)

    assert rule == {"all": [{"column": "amount", "op": ">=", "value": 1000}]}
    assert "2 of 12 rows kept" in number
    assert "1 cell of `amount` is no numbers, such as" in number
    assert "面议" in number
    assert "does not fit `amount`, which is read as numbers" in word
    assert "Not finished" in word
    assert opened.page.draft["rules"] == rule
    with pytest.raises(RuleError, match="nothing was saved"):
        opened.model.check_rules()


# --- the page and its cells never disagree


class Shown:
    """What stands in the output of a cell; stands in for IPython's display."""

    def __init__(self) -> None:
        self.now: list[str] = []

    def display(self, output: Any, **_: Any) -> Any:
        """Show it, as JupyterLab does: below what is there."""
        self.now.append(repr(output))
        shown, at = self.now, len(self.now) - 1

        class Handle:
            def update(self, output: Any) -> None:
                shown[at] = repr(output)

        return Handle()


def test_cells_follow_the_segment_that_is_chosen(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the cells below the panel told of one segment they tell of the next, once it is chosen."""
    shown = Shown()
    monkeypatch.setattr("IPython.display.display", shown.display)
    monkeypatch.chdir(project)
    notebook = ExploreNotebook(Draft({"segment": "people.csv"}), host=Host.LAB)
    for step in (notebook.look, notebook.rules, notebook.steps):
        step()._ipython_display_()
    before = list(shown.now)
    notebook.panel()
    notebook.page.wait()
    notebook.draft.set(segment="other.csv", rules=[{"column": "level", "op": "==", "value": "gold"}])
    while not notebook.page.wait():
        pass

    assert "spend" in before[0]
    assert "spend" not in shown.now[0]
    assert "level" not in before[1]
    assert "level" in shown.now[1]
    assert "2" in shown.now[2]
    assert "6" not in shown.now[2]


def test_saving_says_what_is_wrong_while_it_is(panel: Open, project: Path) -> None:
    """A bad id is told by the field's name, nothing is saved beside it, and the words go once it is right."""
    opened = panel()
    put(opened, "Campaign id", "two words")
    click(opened, "Save parameters")
    wrong = says(opened)
    there = (project / "campaign.yaml").exists()
    put(opened, "Campaign id", "one-word")
    right = says(opened)
    click(opened, "Save parameters")
    saved = says(opened)
    put(opened, "Campaign id", "another")

    assert "“Campaign id” must be an id" in wrong
    assert "Saved to" not in wrong
    assert not there
    assert "must be an id" not in right
    assert "unsaved changes" in right
    assert "Saved to" in saved
    assert "unsaved changes" not in saved
    assert "Saved to" not in says(opened)
    assert "unsaved changes" in says(opened)


def test_while_another_segment_is_read_the_old_figures_are_dimmed(
    panel: Open, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the new figures are there the old ones are dimmed, counting is told, and saving waits."""
    opened = panel()
    gate, read = threading.Event(), opened.model.read

    def slowly() -> Any:
        gate.wait(120)
        return read()

    monkeypatch.setattr(opened.model, "read", slowly)
    opened.page.draft.set(segment="other.csv")
    meanwhile = told(opened.widget), opened.reach.widget._dom_classes, opened.profile.widget._dom_classes
    waits = named(opened.widget, "Save parameters").disabled
    opened.save.attempt(opened.save.save)(None)
    refused = told(opened.widget)
    gate.set()
    after = says(opened)

    assert "Counting …" in meanwhile[0]
    assert "smskit-stale" in meanwhile[1]
    assert "smskit-stale" in meanwhile[2]
    assert waits
    assert "still being counted" in refused
    assert not (project / "segments").exists()
    assert "Counting …" not in after
    assert "smskit-stale" not in opened.reach.widget._dom_classes
    assert not named(opened.widget, "Save parameters").disabled


# --- values that are ticked


def test_values_are_ticked(panel: Open) -> None:
    """A list is opened, searched and ticked; each choice counts at once, and its chip takes it out again."""
    opened = panel(rules=[{"column": "level", "op": "in", "value": ["gold"]}])
    says(opened)
    click(opened, "Choose…")
    search, offered_ = named(opened.widget, "Search values"), "silver (1)"
    search.value = "SIL"
    found = [p.description for p in parts(opened.rules.widget) if isinstance(p, w.Checkbox)]
    named(opened.widget, offered_).value = True
    both = says(opened)
    click(opened, "Done")
    closed = [p for p in parts(opened.rules.widget) if isinstance(p, w.Checkbox)]
    click(opened, "gold ×")

    assert found == [offered_]
    assert "4 of 6 rows kept" in both
    assert closed == []
    assert opened.page.draft["rules"] == {"all": [{"column": "level", "op": "in", "value": ["silver"]}]}


def test_a_change_taken_back_can_be_made_again(panel: Open) -> None:
    """Redo follows undo until something else is changed; each is offered where it can do something."""
    gold, vip = {"column": "level", "op": "==", "value": "gold"}, {"column": "vip", "op": "not_null"}
    opened = panel(rules=[gold, vip])
    says(opened)
    before = named(opened.widget, "Undo").disabled, named(opened.widget, "Redo").disabled
    click_of(opened, "✕", 1)
    click(opened, "Undo")
    back = opened.page.draft["rules"], named(opened.widget, "Redo").disabled
    click(opened, "Redo")
    again = opened.page.draft["rules"]
    click(opened, "Undo")
    click_of(opened, "↑", 1)

    assert before == (True, True)
    assert back == ([gold, vip], False)
    assert again == {"all": [gold]}
    assert named(opened.widget, "Redo").disabled, "something else was changed"


# --- saved by name, sheets, copies, cells


def test_a_segment_saved_by_name(panel: Open, project: Path) -> None:
    """File, columns and rules saved under a name come back in another campaign; the file is private."""
    gold = {"column": "level", "op": "==", "value": "gold"}
    opened = panel(rules=[gold], consent="vip", message_class="marketing")
    says(opened)
    put(opened, "Segment name", "金卡召回")
    click(opened, "Save as a segment")
    told_ = says(opened)
    other = panel(campaign="c-2", segment="other.csv")
    says(other)
    put(other, "Saved segments", "金卡召回")
    shown, draft = says(other), other.page.draft

    assert "Saved as the segment 金卡召回" in told_
    assert os.stat(project / "segments" / "金卡召回.yaml").st_mode & 0o777 == 0o600
    assert "3 of 6 rows kept" in shown
    assert (draft["campaign"], draft["segment"], draft["consent"]) == ("c-2", "people.csv", "vip")
    assert draft["rules"] == [gold]
    for wrong in ("", "../there", ".hidden"):
        with pytest.raises(InputError):
            opened.model.save_as(wrong)


def test_a_sheet_is_chosen(panel: Open, project: Path) -> None:
    """Of a workbook several of whose sheets could be meant, one is chosen from a list."""
    with pd.ExcelWriter(project / "book.xlsx") as book:
        for name, rows in (("east", 2), ("west", 3)):
            people = {"user_id": [f"u{n}" for n in range(rows)], "phone": ["13800138001"] * rows}
            pd.DataFrame(people).to_excel(book, sheet_name=name, index=False)
    opened = panel()
    put(opened, "Path or URL", "book.xlsx")
    click(opened, "Load")
    asked = says(opened)
    offered_ = [value for _, value in named(opened.widget, "Sheet").options]
    put(opened, "Sheet", "west")
    shown = says(opened)

    assert "could be meant" in asked
    assert offered_ == ["", "east", "west"]
    assert "book.xlsx: 3 rows, 2 columns" in shown
    assert opened.page.draft["sheet"] == "west"


def test_a_heading_row_is_chosen(panel: Open, project: Path) -> None:
    """
    A file whose columns are named further down is kept at upload and says what is wrong.

    Its first rows are offered, phones masked; the one that is chosen names the columns.
    """
    rows = [
        "报表,用户运营",
        "口径,去重,近30日",
        "",
        "user_id,phone,city",
        "u1,13800138001,上海",
        "u2,13800138002,北京",
    ]
    opened = panel()
    opened.load._uploaded("报表.csv", "\n".join(rows).encode("gb18030"))
    asked, dimmed = says(opened), "smskit-stale" in opened.table.widget._dom_classes
    offered_ = named(opened.widget, "Heading row").options
    put(opened, "Heading row", 4)
    shown, still = says(opened), "smskit-stale" in opened.table.widget._dom_classes
    draft = opened.page.draft
    put(opened, "Heading row", 0)
    again = says(opened)

    assert "row 2 has 3 cells, and row 1 names 2 columns" in asked
    assert "If another row names the columns, choose it here." in asked
    assert (dimmed, still) == (True, False), "what stands below is of the file before"
    assert [value for _, value in offered_] == [0, 1, 2, 4, 5, 6]
    assert offered_[3][0] == "row 4: user_id · phone · city"
    assert "138****8001" in offered_[4][0]
    assert "报表.csv: 2 rows, 3 columns" in shown
    assert "choose it here" not in shown
    assert (draft["segment"], draft["heading_row"]) == ("segments/报表.csv", 0)
    assert "row 2 has 3 cells" in again


def test_first_rows_are_of_the_file_as_it_is(panel: Open, project: Path) -> None:
    """A file that was written anew since is offered with its new first rows, as soon as it is read again."""
    file = project / "report.csv"
    file.write_text("user_id,phone,city\nu1,13800138001,old\n", encoding="utf-8")
    opened = panel(segment="report.csv")
    says(opened)
    before = [label for label, _ in named(opened.widget, "Heading row").options]
    file.write_text("a report\nuser_id,phone,city\nu1,13800138001,new city\n", encoding="utf-8")
    opened.load.show_named()
    says(opened)
    after = [label for label, _ in named(opened.widget, "Heading row").options]

    assert before[1:] == ["row 1: user_id · phone · city", "row 2: u1 · 138****8001 · old"]
    assert after[1:] == [
        "row 1: a report",
        "row 2: user_id · phone · city",
        "row 3: u1 · 138****8001 · new city",
    ]


def test_rules_are_copied_as_code(panel: Open) -> None:
    """As pandas, SQL and YAML the rules stand on the page, each at a press, until they change."""
    opened = panel(rules=[{"column": "level", "op": "in", "value": ["gold"]}])
    says(opened)
    found = {}
    for kind in ("pandas", "SQL", "YAML"):
        click(opened, kind)
        found[kind] = opened.rules._code.value
    put(opened, "Condition 1", "not_in")

    assert "among(df[&#x27;level&#x27;]" in found["pandas"]
    assert "&quot;level&quot; IN (&#x27;gold&#x27;)" in found["SQL"]
    assert "- column: level" in found["YAML"]
    assert opened.rules._code.value == ""


def test_bars_and_cells_filter(panel: Open) -> None:
    """A bar in a head and a cell keep their rows, say so, and let them go again; phones cannot be pressed."""
    opened = panel()
    says(opened)
    table = opened.table._table
    gold = 'aria-label="level gold: 3 rows, 3 kept"'
    before = table.value
    at = before.index(gold)
    bar = before[before.rindex('data-press="', 0, at) + 12 :].split('"')[0]
    table.press(bar)
    says(opened)
    pressed, rules = table.value, opened.page.draft["rules"]
    table.press(bar)
    says(opened)
    table.press("cell:2:1")
    says(opened)

    assert gold in before
    assert 'aria-pressed="true" aria-label="level gold: 3 rows, 3 kept"' in pressed
    assert rules == {"all": [{"column": "level", "op": "in", "value": ["gold"]}]}
    assert opened.page.draft["rules"] == {"all": [{"column": "level", "op": "in", "value": ["silver"]}]}
    assert "cell:1:" not in before, "a phone"


def test_numbers_of_cells(panel: Open, project: Path) -> None:
    """How much and how many stand with thousands, and are pressed as they are; years and codes are plain."""
    rows = ["user_id,phone,消费金额,year,zip_code,orders", "90001,13800138001,12999.50,2026,200000,1200"]
    (project / "wide.csv").write_text("\n".join([*rows, "90002,13800138002,3,2025,200001,7"]))
    opened = panel(segment="wide.csv")
    says(opened)
    frame = pd.DataFrame({"phone": ["13800138001"], "spend": [12999], "year": [2026]})
    other = panel(frame=frame, segment="")
    says(other)
    shown, numbers = (
        re.findall(r"<td[^>]*>([^<]*)</td>", each.table._table.value) for each in (opened, other)
    )
    opened.table._table.press("cell:2:0")
    says(opened)

    assert shown[:7] == ["1", "90001", "138****8001", "12,999.50", "2026", "200000", "1,200"]
    assert numbers == ["1", "138****8001", "12,999", "2026"]
    assert opened.page.draft["rules"] == {"all": [{"column": "消费金额", "op": "in", "value": [12999.5]}]}


@pytest.mark.parametrize(("lang", "yes", "no"), [("en", "Yes", "No"), ("zh", "是", "否")])
def test_one_word_for_each_thing(tmp_path: Path, lang: str, yes: str, no: str) -> None:
    """The overview: amounts with thousands, years and codes without; yes and no in words; what is missing."""
    rows = ["phone,spend,year,order_no,agreed,name", "13800138001,1299.5,2026,90010001,true,NULL"]
    rows += ["13800138002,88,2025,90010002,false,nan", "13800138003,12000,2024,90010003,true,"]
    rows += ["13800138004,90,2025,90010002,FALSE,王小明"]
    (tmp_path / "wide.csv").write_text("\n".join(rows))
    frame = segment.load(str(tmp_path / "wide.csv"))
    found, t = profile_of(frame, RuleCache(frame, NOW), phone="phone"), Language(lang)
    shown = profile_table(found, t).set_index(t("column"))
    ends = shown[[t("lowest"), t("highest")]].T.to_dict("list")
    name = found.columns["name"]

    assert ends["spend"] == ["88", "12,000"]
    assert ends["year"] == ["2024", "2026"]
    assert ends["order_no"] == ["90010001", "90010003"]
    assert shown.at["agreed", t("most frequent")] == t(", ").join([f"{yes} (2)", f"{no} (2)"])
    assert shown.at["spend", t("most frequent")] == t(", ").join(["1,299.5 (1)", "88 (1)", "12,000 (1)"])
    assert str(shown.at["name", t("empty")]).startswith(f"1 (25%){t(', ')}2 ")
    assert name.nulls + sum(n for _, n in name.missing) == lacking(frame)["name"] == 3


def test_cells_of_yes_and_no(panel: Open) -> None:
    """A cell says what its head calls it, and is pressed as it is."""
    flags = {"agreed": ["true", "FALSE"], "vip": [True, False]}
    opened = panel(frame=pd.DataFrame({"phone": ["13800138001", "13800138002"], **flags}), segment="")
    says(opened)
    shown = re.findall(r"<td[^>]*>([^<]*)</td>", opened.table._table.value)
    opened.table._table.press("cell:1:0")
    says(opened)

    assert shown == ["1", "138****8001", "Yes", "Yes", "2", "138****8002", "No", "No"]
    assert opened.page.draft["rules"] == {"all": [{"column": "agreed", "op": "==", "value": True}]}


def test_unreadable_cells_are_shown(panel: Open) -> None:
    """What cannot be read among numbers is counted in the head; pressed, its rows are shown by number."""
    amounts = ["900", "1,200", *["30"] * 9, "面议 13800138009"]
    phones = [f"138001380{i:02}" for i in range(12)]
    opened = panel(
        frame=pd.DataFrame({"user_id": [f"u{i}" for i in range(12)], "phone": phones, "amount": amounts})
    )
    says(opened)
    opened.table._table.press("unread:2")
    shown = says(opened)

    assert "these cells cannot be read" in shown
    assert "1 to 1 of 1 row" in shown
    assert "<td>12</td>" in shown
    assert "13800138009" not in shown
