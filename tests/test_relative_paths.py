"""A relative segment is the same file wherever a command is started: beside its parameter file, or near."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from smskit.cli.commands import app
from smskit.errors import SegmentError
from smskit.ledger import Ledger
from smskit.notebook.segment_model import SegmentModel
from smskit.notebook.send_model import SendModel
from smskit.planning.draft import Draft
from smskit.planning.validate import validate
from smskit.sending.session import open_campaign
from smskit.settings import Environment

# Folders of one project (its root first), of another project, and of none.
PROJECT = ["work", "work/campaigns", "work/campaigns/weekly", "work/notebooks"]
OTHERS = ["other", "other/data", "loose", "loose/deep"]
PARAMETERS = {
    "campaign": "c",
    "signature": "S",
    "template": "你好，拒收请回复R",
    "provider": "yunpian",
    "mode": "plan",
    "user_id": "",
    "send_window": "",
    "rules": [{"column": "phone", "op": "not_null"}],
}
NOW = datetime(2026, 11, 28, tzinfo=UTC)


@contextmanager
def started_in(folder: Path) -> Iterator[None]:
    """The process works in that folder."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


class Tree:
    """Folders with files called the same."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in PROJECT + OTHERS:
            (root / name / "data").mkdir(parents=True, exist_ok=True)
        for name in ("work", "other"):
            (root / name / "pyproject.toml").touch()

    def file(self, folder: str, segment: str, *, query: str = "", **more: Any) -> Path:
        """A parameter file that names *segment*."""
        path = self.root / folder / "c.yaml"
        given = PARAMETERS | {"segment": segment, "segment_query": query} | more
        path.write_text(yaml.safe_dump(given, allow_unicode=True), encoding="utf-8")
        return path

    def people(self, folder: str, segment: str, first: int) -> None:
        """Two people, others in each folder."""
        lines = "".join(f"{13800000000 + first + i}\n" for i in range(2))
        (self.root / folder / segment).write_text(f"phone\n{lines}", encoding="utf-8")

    def clear(self) -> None:
        """No segment is left."""
        for file in self.root.rglob("*.csv"):
            file.unlink()


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def plan_hash(ledger: Ledger, file: Path, folder: Path) -> str:
    """The hash of the plan of *file*, asked for from *folder*."""
    with started_in(folder):
        return open_campaign(file, ledger=ledger).plan(record=False).hash


HIDDEN = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@HIDDEN
@given(
    at=st.sampled_from(PROJECT),
    segment=st.sampled_from(["people.csv", "data/people.csv"]),
    where=st.lists(st.sampled_from(PROJECT + OTHERS), unique=True, min_size=1),
    starts=st.lists(st.sampled_from(PROJECT + OTHERS), unique=True, min_size=2),
)
def test_one_plan_wherever_it_is_started(
    tree: Tree, ledger: Ledger, at: str, segment: str, where: list[str], starts: list[str]
) -> None:
    """
    Where the file's own project has the segment, every start gives the plan of the nearest one, or refuses.

    It refuses only where the working folder has another one, and none is beside the parameter file.
    """
    tree.clear()
    file = tree.file(at, segment)
    for number, folder in enumerate(where):
        tree.people(folder, segment, 10 * number)
    nearest = next((f for f in [at, *map(str, Path(at).parents)] if f in where), None)
    if nearest is None:
        return
    right = plan_hash(ledger, file, file.parent)

    for start in starts:
        if nearest != at and start in where and start != nearest:
            with pytest.raises(SegmentError, match="the working folder has it"):
                plan_hash(ledger, file, tree.root / start)
        else:
            assert plan_hash(ledger, file, tree.root / start) == right


@pytest.mark.parametrize(
    ("at", "start", "there", "finds"),
    [
        pytest.param("work/campaigns", "loose", "work/campaigns", True, id="beside the file"),
        pytest.param("work/campaigns", "loose", "loose", True, id="in the working folder"),
        pytest.param("work/campaigns/weekly", "loose", "work", True, id="above the file"),
        pytest.param("loose", "other/data", "other", True, id="above the working folder"),
        pytest.param("loose/deep", "loose/deep", "loose", False, id="above, in no project"),
        pytest.param("work/campaigns", "loose", "work/notebooks", False, id="in another folder"),
    ],
)
@pytest.mark.parametrize("segment", ["people.csv", "env:PEOPLE", "sqlite:///people.db"])
def test_everybody_who_asks_finds_the_same(
    tree: Tree, monkeypatch: pytest.MonkeyPatch, segment: str, at: str, start: str, there: str, finds: bool
) -> None:
    """Plan, validate, explain, both panels and the command line: all find it, or none does."""
    tree.people(there, "people.csv", 0)
    with closing(sqlite3.connect(tree.root / there / "people.db")) as connection:
        connection.executescript("create table p (phone text); insert into p values ('13800000000');")
    monkeypatch.setenv("PEOPLE", "people.csv")
    file = tree.file(at, segment, query="select phone from p" if "sqlite" in segment else "")
    with started_in(tree.root / start):
        environment, draft = Environment(parameter_file=file), Draft.read(file)
        asked: dict[str, Callable[[], Any]] = {
            "plan": lambda: open_campaign(file).plan(record=False),
            "send panel": lambda: SendModel(draft, environment=lambda: environment).columns(),
            "explore panel": lambda: SegmentModel(draft, parameter_file=file).read(),
        }
        found = {name: _finds(ask) for name, ask in asked.items()}
        found["plan FILE"] = CliRunner().invoke(app, ["plan", str(file)]).exit_code == 0
        for command in ("validate", "explain"):
            said = CliRunner().invoke(app, [command, str(file), "--query"]).output
            found[command] = "not looked at" not in said and "no such file" not in said

    assert found == dict.fromkeys(found, finds)


def _finds(ask: Callable[[], Any]) -> bool:
    with suppress(SegmentError):
        ask()
        return True
    return False


@pytest.mark.parametrize(
    ("segment", "valid", "words"),
    [
        pytest.param("nobody.csv", False, ": nobody.csv: no such file in", id="missing"),
        pytest.param("data", False, "no such file", id="folder"),
        pytest.param("file:///no/people.csv", False, "no such file", id="file-url"),
        pytest.param("https://files.example/people.csv", False, "another machine", id="elsewhere"),
        pytest.param("env:NOT_SET", True, "was not looked at: env:NOT_SET: that environment", id="variable"),
        pytest.param("postgresql://db.invalid/x", True, "was not looked at", id="database"),
    ],
)
def test_validate_and_a_segment_that_is_not_there(tree: Tree, segment: str, valid: bool, words: str) -> None:
    """A missing file is wrong; what only another machine may reach is noted; `--no-segment` reads none."""
    query = "select 1" if "postgresql" in segment else ""
    file = tree.file("work", segment, query=query)
    found = validate(file, now=NOW)

    assert (found.good, words in str(found)) == (valid, True), str(found)
    assert validate(file, now=NOW, with_segment=False).good


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize("hour", [0, 4, 12, 23])
def test_validate_counts_by_the_campaigns_clock(tree: Tree, ledger: Ledger, zone: str, hour: int) -> None:
    """`within_days` keeps the same rows in `validate` and in the plan, at any hour and in any zone."""
    now = datetime(2026, 11, 28, hour, 30, tzinfo=UTC)
    moments = [f"2026-11-{day} {h:02}:00:00" for day in (25, 26, 27, 28, 29) for h in range(0, 24, 3)]
    lines = "".join(f"{13800000000 + i},{at}\n" for i, at in enumerate(moments))
    (tree.root / "work" / "people.csv").write_text(f"phone,seen\n{lines}", encoding="utf-8")
    rules = [{"column": "seen", "op": "within_days", "value": 2}]
    file = tree.file("work", "people.csv", rules=rules, timezone=zone)
    ledger.database.clock = now.timestamp
    kept = len(open_campaign(file, ledger=ledger).plan(record=False))

    assert 0 < kept < len(moments)
    assert f"of which the rules keep {kept}" in str(validate(file, now=now))
