"""The report of a run: nothing in it is taken for HTML, and long lists end."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from smskit.i18n import Language
from smskit.ledger import Ledger, RunRow
from smskit.reporting import run_page

ROGUE = "<script>alert('x')</script> & co"
PHONE = "13800138000"


EMPTY = RunRow(
    id=1,
    token="",
    campaign="",
    mode="rehearse",
    series="",
    provider="yunpian",
    state="refused",
    exit_code=3,
    message="",
    user="",
    host="here",
    pid=1,
    process_started=0.0,
    started_at=0.0,
    ended_at=None,
    file="",
    notebook="",
    executed="",
    plan_hash="",
    plan=None,
    books=None,
    versions={},
    report="",
    told="",
)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger("sqlite://")


@pytest.mark.parametrize(
    "values",
    [
        {"campaign": ROGUE},
        {"provider": ROGUE},
        {"message": f"{ROGUE} {PHONE}"},
        {"series": ROGUE},
        {"file": ROGUE, "user": ROGUE},
        {"versions": {ROGUE: ROGUE}},
        {
            "plan": {
                "read": 2,
                "steps": [{"rule": f"name == {ROGUE} {PHONE}", "kept": 1}],
                "excluded": {"no_phone": 1},
            }
        },
    ],
    ids=lambda values: next(iter(values)),
)
def test_nothing_becomes_html(ledger: Ledger, values: dict[str, Any]) -> None:
    """Whatever a name, a message or a rule holds is shown as it is, without phones."""
    page = run_page.page(ledger, EMPTY._replace(**values), Language("en"))

    assert "<script" not in page
    assert PHONE not in page
    assert "alert('x')" in unescape(page)


def test_a_time_in_a_name_is_no_phone(ledger: Ledger) -> None:
    """Series and files named by their time stand whole; a phone in one is masked all the same."""
    run = EMPTY._replace(series="demo-20261129-150417", executed=f"runs/20261129-150417-{PHONE}.ipynb")
    page = run_page.page(ledger, run, Language("en"))

    assert "demo-20261129-150417" in page
    assert "20261129-150417-138****8000.ipynb" in page


def test_a_waterfall_ends_with_who_is_planned(ledger: Ledger) -> None:
    """Each step shows whom it left out and who is left, and its bar is a share of the rows read."""
    plan = {"read": 200, "steps": [{"rule": "a == 1", "kept": 150}], "excluded": {"no_phone": 100}}
    page = run_page.page(ledger, EMPTY._replace(plan=plan), Language("en"))
    rows = re.findall(r"<td>(.*?)</td><td class=n>([^<]*)</td><td class=n>([^<]*)</td>", page)

    assert rows == [
        ("rows read", "0", "200"),
        ("a == 1", "50", "150"),
        ('no phone <span class="code">no_phone</span>', "100", "50"),
        ("planned", "0", "50"),
    ]
    assert 'style="width:75.0%"' in page


@pytest.mark.parametrize("kept", [True, False])
def test_the_books_begin_with_what_was_read(ledger: Ledger, kept: bool) -> None:
    """How many rows were read and ruled out stands above the segment, where the ledger has kept it."""
    counts = dict.fromkeys(("planned", "waiting", "submitting", "accepted", "refused", "unknown"), 3)
    counts |= dict.fromkeys(("delivered", "undelivered", "awaiting", "parts"), 0)
    books = {**counts, "segment": 3, "excluded": {}, "stopped": {}, "cost": "0"}
    books |= {"read": 10, "ruled_out": 7} if kept else {"read": None, "ruled_out": None}
    page = run_page.page(ledger, EMPTY._replace(books=books), Language("en"))
    table = re.findall(r"<t[dh][^>]*>([^<]*)</t[dh]><td class=n>([^<]*)</td>", page)

    begins = [("rows read", "10"), ("— ruled out", "7")] if kept else []
    assert table[: len(begins) + 1] == [*begins, ("segment", "3")]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("demo-20261128-165927.ipynb", "demo-20261128-165927.ipynb"),
        ("demo-20261128-1659.ipynb", "demo-20261128-1659.ipynb"),
        ("13800138000-20261128-165927.ipynb", "138****8000-20261128-165927.ipynb"),
        ("20261328-165927.ipynb", None),
    ],
)
def test_the_time_in_a_file_name_is_no_phone(ledger: Ledger, name: str, shown: str | None) -> None:
    """The time a notebook was run at stays readable; a phone in a name does not."""
    page = run_page.page(ledger, EMPTY._replace(executed=f"/x/{name}"), Language("en"))

    assert (f"<td>{shown or name}</td>" in page) == (shown is not None)


def test_a_page_speaks_one_language(ledger: Ledger) -> None:
    """The report is in the language it was made in."""
    made = {code: run_page.page(ledger, EMPTY, Language(code)) for code in ("zh", "en")}

    assert ('lang="zh"' in made["zh"], 'lang="en"' in made["en"]) == (True, True)
    assert re.search("[\u4e00-\u9fff]", re.sub("<style>.*?</style>", "", made["en"], flags=re.DOTALL)) is None
