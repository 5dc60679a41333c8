"""Whom the rules left out: the ledger says of every row which rule did it, and by which value."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from smskit.audience.rules import parse
from smskit.errors import InputError
from smskit.i18n import Language
from smskit.ledger import CampaignRow, Ledger
from smskit.ledger.schema import RULED_OUT
from smskit.models import Mode
from smskit.reporting import frames, report
from tests.test_report import frozen

EN = Language("en")


# -- an oracle in plain loops -------------------------------------------------------------------------


def _some(rules: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(rules, min_size=1, max_size=3)


TEXTS = ["p", "q", "r", None]
NUMBERS = [1.0, 2.0, 3.0, None]
LEAVES = st.one_of(
    st.builds(
        lambda op, value: {"column": "level", "op": op, "value": value},
        st.sampled_from(["==", "!="]),
        st.sampled_from(TEXTS[:3]),
    ),
    st.builds(
        lambda op, values: {"column": "level", "op": op, "value": values},
        st.sampled_from(["in", "not_in"]),
        st.lists(st.sampled_from(TEXTS[:3]), min_size=1, max_size=2, unique=True),
    ),
    st.builds(
        lambda op, value: {"column": "spend", "op": op, "value": value},
        st.sampled_from(["<", ">=", "=="]),
        st.sampled_from([1, 2, 3]),
    ),
    st.builds(
        lambda column, op: {"column": column, "op": op},
        st.sampled_from(["level", "spend"]),
        st.sampled_from(["is_null", "not_null"]),
    ),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda rule: {"not": rule}, inner),
        st.builds(lambda key, rules: {key: rules}, st.sampled_from(["all", "any"]), _some(inner)),
    ),
    max_leaves=5,
)


def answer(rule: dict[str, Any], row: dict[str, Any]) -> bool | None:
    """What *rule* says of one row, as SQL does; None = unknown."""
    if "not" in rule:
        inner = answer(rule["not"], row)
        return None if inner is None else not inner
    for key, decides in (("all", False), ("any", True)):
        if key in rule:
            said = [answer(part, row) for part in rule[key]]
            return decides if decides in said else None if None in said else not decides
    cell, op, value = row[rule["column"]], rule["op"], rule.get("value")
    if op in ("is_null", "not_null"):
        return (cell is None) == (op == "is_null")
    if cell is None:
        return None
    return bool(
        {
            "==": lambda: cell == value,
            "!=": lambda: cell != value,
            "in": lambda: cell in value,
            "not_in": lambda: cell not in value,
            "<": lambda: cell < value,
            ">=": lambda: cell >= value,
        }[op]()
    )


def columns_of(rule: dict[str, Any]) -> list[str]:
    """The columns a rule reads, each once, in order."""
    parts = rule.get("all") or rule.get("any") or ([rule["not"]] if "not" in rule else ())
    found = [name for part in parts for name in columns_of(part)] or [rule.get("column", "")]
    return list(dict.fromkeys(found))


def evidence(rule: dict[str, Any], row: dict[str, Any]) -> str:
    """What is to be said of the values of one row."""
    cells = [(name, row[name]) for name in columns_of(rule)]
    said = [
        f"`{name}`: value missing"
        if cell is None
        else f'`{name}` is "{cell:.0f}"'
        if isinstance(cell, float)
        else f'`{name}` is "{cell}"'
        for name, cell in cells
    ]
    return ", ".join(said)


ROWS = st.lists(
    st.fixed_dictionaries(
        {"level": st.sampled_from(TEXTS), "spend": st.sampled_from(NUMBERS), "phone": st.integers(0, 4)}
    ),
    min_size=1,
    max_size=12,
)


@given(rows=ROWS, rules=_some(TREES))
def test_every_row_is_answered_by_the_first_rule_that_fails(
    rows: list[dict[str, Any]], rules: list[dict[str, Any]]
) -> None:
    """Asked by id every row has one answer; by phone all rows of it have; and the books balance."""
    frame = pd.DataFrame(
        {
            "user_id": [f"u{n}" for n in range(len(rows))],
            "phone": [f"1380013800{row['phone']}" for row in rows],
            "name": "名",
            "level": pd.Series([row["level"] for row in rows], dtype="str"),
            "spend": pd.Series([row["spend"] for row in rows], dtype="float64"),
        }
    )
    ledger = Ledger("sqlite://")
    campaign = frozen(ledger, frame, rules={"all": rules})
    status = report.status(ledger, campaign)

    ruled_out = 0
    for n, row in enumerate(rows):
        (fate,) = report.fates(ledger, campaign, f"u{n}")
        first = next((i for i, rule in enumerate(rules) if answer(rule, row) is not True), None)
        if first is None:
            assert fate.rule == 0
            continue
        ruled_out += 1
        assert (fate.rule, fate.state, fate.phone) == (first + 1, None, f"138****800{row['phone']}")
        assert fate.evidence == evidence(rules[first], row)
    assert (status["read"], status["ruled_out"]) == (len(rows), ruled_out)
    assert status["read"] == status["ruled_out"] + status["segment"]
    assert status["segment"] == status["planned"] + sum(status["excluded"].values())
    for phone in {row["phone"] for row in rows}:
        people = {fate.person for fate in report.fates(ledger, campaign, f"+86 138 0013 800{phone}")}
        assert people == {f"u{n}" for n, row in enumerate(rows) if row["phone"] == phone}
    ledger.close()


# -- which value, in words ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "rule", "told"),
    [
        pytest.param(
            ["5,000", "abc", "12"],
            {"column": "x", "op": ">=", "value": 1000},
            [None, '`x` is "abc", which the rule cannot read', '`x` is "12"'],
            id="numbers-as-written",
        ),
        pytest.param(
            [*["1"] * 18, "abc", " "],
            {"column": "x", "op": ">=", "value": 1},
            [*[None] * 18, '`x` is "abc", which the rule cannot read', "`x`: value missing"],
            id="unreadable",
        ),
        pytest.param(
            pd.to_datetime(["2026-01-02 03:04", None]),
            {"column": "x", "op": "before", "value": "2020-01-01"},
            ['`x` is "2026-01-02 03:04:00"', "`x`: value missing"],
            id="dates",
        ),
        pytest.param(
            pd.Categorical(["a", None, "b"]),
            {"column": "x", "op": "==", "value": "b"},
            ['`x` is "a"', "`x`: value missing", None],
            id="categories",
        ),
        pytest.param(
            [True, False], {"column": "x", "op": "==", "value": False}, ['`x` is "是"', None], id="yes-and-no"
        ),
        pytest.param(
            [0.5, float("nan")],
            {"column": "x", "op": ">", "value": 1},
            ['`x` is "0.5"', "`x`: value missing"],
            id="floats",
        ),
        pytest.param(
            ["长" * 70, "b"],
            {"column": "x", "op": "==", "value": "b"},
            [f'`x` is "{"长" * 59}…"', None],
            id="long",
        ),
        pytest.param(
            ["13912345678", "b"],
            {"column": "x", "op": "==", "value": "b"},
            ['`x` is "139****5678"', None],
            id="a-phone",
        ),
        pytest.param([[1], None], {"column": "x", "op": "is_null"}, ['`x` is "[1]"', None], id="lists"),
    ],
)
def test_values_are_told_as_they_stand(
    ledger: Ledger, cells: Any, rule: dict[str, Any], told: list[str | None]
) -> None:
    """Of whatever type a column is; None = the row is not ruled out."""
    n = len(cells)
    phones = [str(13800000000 + i) for i in range(n)]
    frame = pd.DataFrame({"user_id": [f"u{i}" for i in range(n)], "phone": phones, "name": "名", "x": cells})
    row = frozen(ledger, frame, rules={"all": [rule]})
    found = [report.fates(ledger, row, f"u{i}")[0] for i in range(n)]

    assert [str(fate.evidence) if fate.rule else None for fate in found] == told


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"column": "a", "op": "between", "value": [1, 2]}, "`a` is between 1 and 2"),
        ({"column": "a", "op": "within_days", "value": 30}, "`a` is in the last 30 days"),
        ({"not": {"column": "a", "op": "is_null"}}, "not (`a` is empty)"),
        (
            {"any": [{"column": "a", "op": "==", "value": "x"}, {"column": "b c", "op": "not_null"}]},
            'at least one of (`a` is "x"; `b c` is not empty)',
        ),
        (
            {"any": [{"all": [{"column": "a", "op": "<", "value": 1}, {"column": "b", "op": "not_null"}]}]},
            "all of (`a` is less than 1; `b` is not empty)",
        ),
        (None, "every row"),
    ],
)
def test_a_rule_in_words(rules: dict[str, Any] | None, words: str) -> None:
    """A group is told as a whole, with what it holds."""
    assert parse(rules).words == words


# -- where it is kept ---------------------------------------------------------------------------------

SMALL = {"column": "level", "op": "==", "value": "gold"}


def small(ledger: Ledger, mode: Mode = Mode.LIVE, rows: int = 2, **more: Any) -> CampaignRow:
    """A campaign whose only rule leaves out all of *rows* but the first; all have one phone."""
    frame = pd.DataFrame(
        {
            "user_id": [f"u{n}" for n in range(rows)],
            "phone": "13800000001",
            "name": "名",
            "level": ["gold", *["tin"] * (rows - 1)],
        }
    )
    return frozen(ledger, frame, mode, rules=more.pop("rules", SMALL), **more)


@pytest.mark.parametrize("mode", [Mode.PLAN, Mode.REHEARSE])
def test_forgetting_a_campaign_forgets_them(ledger: Ledger, mode: Mode) -> None:
    """Nothing of them stays in the file; a plan that replaces another keeps its own alone."""
    small(ledger, mode)
    row = small(ledger, mode)
    with ledger.database.read() as conn:
        kept = conn.execute(sa.select(RULED_OUT.c.campaign_id)).scalars().all()
    ledger.campaigns.forget(row.id)
    with ledger.database.read() as conn:
        left = conn.execute(sa.select(RULED_OUT)).all()

    assert (kept, left) == ([row.id], [])


def test_phones_are_masked_unless_revealed(ledger: Ledger) -> None:
    """In the phone, an id that is one, the values and the rule; without ids the phone is the person."""
    rule = {"column": "phone", "op": "==", "value": "13900000000"}
    row = small(ledger, rows=1, rules=rule, user_id="")
    shown, full = (report.fates(ledger, row, "138 0000 0001", reveal=reveal)[0] for reveal in (False, True))

    assert shown.told(EN) == (
        '138****0001 (138****0001): ruled out by rule 1 (`phone` is "139****0000"): `phone` is "138****0001"'
    )
    assert (full.person, full.phone) == ("8613800000001", "+8613800000001")
    assert full.evidence == '`phone` is "13800000001"'
    frame = frames.why_frame(ledger, row, "13800000001")
    assert frame[["state", "reason"]].to_numpy().tolist() == [["ruled_out", "rule 1"]]
    assert "13800000001" not in frame.to_csv()


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("12345", "***45: excluded, invalid number (bad_phone)"),
        ("010-88886666", '01*-*****666: ruled out by rule 1 (`level` is "gold"): `level` is "tin"'),
        ("abc", "abc: excluded, invalid number (bad_phone)"),
        ("１２３４５６", "1***56: excluded, invalid number (bad_phone)"),
    ],
)
def test_a_row_whose_phone_is_none_answers_to_its_cell(ledger: Ledger, asked: str, told: str) -> None:
    """Also without a user id, which names nobody here; the cell is kept, and shown, masked."""
    cells = ["12345", "010-88886666", "abc", "13800000001", "１２３４５６"]
    levels = ["gold", "tin", "gold", "gold", "gold"]
    frame = pd.DataFrame({"user_id": ["", "", "-", "u", ""], "phone": cells, "name": "名", "level": levels})
    row = frozen(ledger, frame, Mode.LIVE, rules=SMALL)
    (fate,) = report.fates(ledger, row, asked)

    assert fate.told(EN).startswith(told)
    with pytest.raises(InputError, match="is not in the file"):
        report.fates(ledger, row, "99")


def test_of_very_many_rows_the_first_are_told(ledger: Ledger) -> None:
    """A phone that stands in thousands of rows is told of some, planned ones first, with how many more."""
    row = small(ledger, rows=12_000)
    found = report.fates(ledger, row, "13800000001")

    assert [fate.person for fate in found] == [f"u{n}" for n in range(report.MOST_ROWS)]
    assert [fate.rule for fate in found] == [0, *[1] * (report.MOST_ROWS - 1)]
    assert found[-1].told(EN).endswith("\nand 11,950 more rows")
