"""Rows about one person or phone that disagree: a no counts for all, other values are noticed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from smskit.audience import segment
from smskit.i18n import Language
from smskit.ledger import Ledger
from smskit.planning.plan import History, Plan
from smskit.planning.validate import validate
from smskit.reporting.opt_outs import import_list
from tests.test_plan import DATA, NOW, labels, planned
from tests.test_workbooks import saved

HEAD = ["user_id", "phone", "name", "consent"]
ROWS: list[list[Any]] = [
    ["u1", "13800000021", "张三", "true"],
    ["u1", "13800000022", "张三", "true"],  # the same person
    ["u2", "13800000021", "张三", "true"],  # the same phone
    ["u3", "13800000029", "李四", "true"],
]


TEXT: dict[str, Any] = {"template": "你好{name}。拒收请回复R", "variables": {"name": "name"}}


def plan_of(folder: Path, rows: list[list[Any]], **more: Any) -> Plan:
    """A plan of *rows* by way of a workbook."""
    return planned(segment.load(saved(folder, {"甲": [HEAD, *rows]})), **TEXT, **more)


@pytest.mark.parametrize("no", ["false", "否", "", None])
@pytest.mark.parametrize("row", [0, 1, 2])
def test_consent_that_one_row_does_not_give(tmp_path: Path, row: int, no: str | None) -> None:
    """Whoever says no in one row gets nothing in another with that person or phone."""
    rows = [list(cells) for cells in ROWS]
    rows[row][3] = no
    plan = plan_of(tmp_path, rows, consent="consent")
    left_out = {0: [0, 1, 2], 1: [0, 1], 2: [0, 2]}[row]

    assert [n for n, label in enumerate(labels(plan)) if label == "no_consent"] == left_out
    assert labels(plan)[3] == ""


@pytest.mark.parametrize("line", ["13800000021", "+86 138-0000-0021", "张三：13800000021"])
def test_opt_out_of_a_list_holds_for_all_rows(tmp_path: Path, ledger: Ledger, line: str) -> None:
    """So does a number of a list, imported from a file, for every row of its person."""
    (tmp_path / "list.txt").write_text(f"{line}\n", encoding="utf-8")
    import_list(ledger, tmp_path / "list.txt")
    plan = plan_of(tmp_path, ROWS, past=History(opted_out=ledger.opt_outs.phones()))

    assert labels(plan) == ["opted_out", "opted_out", "opted_out", ""]


NAMES = {
    "alike": (["张三", "张三", "张三"], 0, ""),
    "the person's other row": (["张三", "张珊", "张三"], 1, '"张珊" beside "张三"'),
    "the phone's other row": (["张三", "张三", "李四"], 1, '"李四" beside "张三"'),
    "both": (["张三", "张珊", "李四"], 2, '"张珊" beside "张三"'),
    "a phone as a name": (["张三", "13800000021", "张三"], 1, '"138****0021" beside "张三"'),
    "the first lacks one": ([None, "张珊", "李四"], 0, ""),
}


@pytest.mark.parametrize(("names", "n", "says"), NAMES.values(), ids=NAMES)
def test_values_that_differ_between_copies(
    tmp_path: Path, names: list[str | None], n: int, says: str
) -> None:
    """Copies left out whose value differs from the planned row's are counted, with an example, masked."""
    rows = [[*cells[:2], name, *cells[3:]] for cells, name in zip(ROWS, [*names, "王五"], strict=True)]
    plan = plan_of(tmp_path, rows)
    told = [text for text in plan.notices if "Left out as copies" in text]
    file = tmp_path / "one.yaml"
    file.write_text(yaml.safe_dump(DATA | TEXT | {"segment": "people.xlsx"}), encoding="utf-8")
    found = validate(file, now=NOW, environ={})

    assert [str(text) for text in told] == [str(text) for text in found.notes if "as copies" in str(text)]
    count = "Left out as copies, 1 row " if n == 1 else f"Left out as copies, {n} rows "
    assert [text.startswith(count) and says in text for text in told] == [True] * bool(n)
    assert all("13800000021" not in text and "重复" in Language("zh").render(text) for text in told)
