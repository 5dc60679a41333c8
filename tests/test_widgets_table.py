"""The table as a person uses it: pages, search, sort, columns, phones on purpose, and both languages."""

from __future__ import annotations

import pandas as pd
import pytest

from smskit.audience.paging import FrameRows
from smskit.i18n import Language
from smskit.notebook.host import Host
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.table import TablePanel
from smskit.planning.draft import Draft
from tests.clicking import named, told

PEOPLE = pd.DataFrame(
    {
        "user_id": [f"u{i}" for i in range(60)],
        "phone": [str(13800138000 + i) for i in range(60)],
        "name": ["<i>王</i>", *["李"] * 59],
    }
)


@pytest.fixture
def table() -> TablePanel:
    """A table of sixty people, drawn in English."""
    made = TablePanel(
        Page(Draft(), language=Language("en"), host=Host.LAB), FrameRows(PEOPLE, phone=["phone"])
    )
    made.draw()
    made.page.wait()
    return made


def shown(table: TablePanel) -> str:
    table.page.wait()
    return told(table.widget)


def test_pages(table: TablePanel) -> None:
    """Buttons go from page to page, and at either end there is no further."""
    first = shown(table)
    named(table.widget, "Next page").click()
    second = shown(table)
    named(table.widget, "Last page").click()
    last = shown(table)

    assert "1 to 25 of 60 rows" in first
    assert "26 to 50 of 60 rows" in second
    assert "51 to 60 of 60 rows" in last
    assert named(table.widget, "Next page").disabled
    assert not named(table.widget, "First page").disabled


def test_search_and_sort(table: TablePanel) -> None:
    """A search goes back to the first page, and a sort applies to all rows, not to the page."""
    named(table.widget, "Next page").click()
    for _ in range(2):
        table._table.press("sort:user_id")
        table.page.wait()
    ordered = shown(table)
    named(table.widget, "Search").value = "no such thing"
    nothing = shown(table)

    assert "<td>u9</td>" in ordered
    assert "No row found." in nothing


def test_cells_are_text(table: TablePanel) -> None:
    """Markup in a cell is shown, not run."""
    assert "&lt;i&gt;王&lt;/i&gt;" in shown(table)


def test_phones_on_purpose(table: TablePanel) -> None:
    """No full phone stands in the page until the button is pressed, and none after it is released."""
    before = shown(table)
    named(table.widget, "Show full phones").value = True
    asked = shown(table)
    named(table.widget, "Show full phones").value = False
    after = shown(table)

    assert "13800138000" not in before + after
    assert "13800138000" in asked


def test_the_language_changes_and_nothing_is_lost(table: TablePanel) -> None:
    """In the other language the same page, search and columns are shown."""
    named(table.widget, "Columns").value = ("name", "user_id")
    named(table.widget, "Search").value = "李"
    named(table.widget, "Next page").click()
    table.page.speak("zh")
    now = shown(table)

    assert "第 26 至 50 行，共 59 行" in now
    assert named(table.widget, "搜索").value == "李"
    assert "phone" not in now


def test_other_rows(table: TablePanel) -> None:
    """Rows that replace others start at their first page; where there are none, that is said."""
    named(table.widget, "Last page").click()
    table.page.wait()
    table.show(FrameRows(PEOPLE.head(3)))
    few = shown(table)
    table.show(None)

    assert "1 to 3 of 3 rows" in few
    assert "Nothing to show yet." in shown(table)
