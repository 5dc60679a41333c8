"""``smskit.sending.newcomers``: a finished campaign says who has come into its segment since."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytest

from smskit.sending.campaign import Outcome
from smskit.sending.session import open_campaign
from smskit.settings import Environment

FIRST = 13800138000
Run = Callable[..., Outcome]


def by_one_ledger(folder: Path) -> Environment:
    """Settings of all projects in *folder*."""
    return Environment({"SMSKIT_DATABASE_URL": f"sqlite:///{folder / 'one.db'}", "SMSKIT_KEYRING": "0"})


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Rehearses a project's campaign; parameters and ledger are the same for all projects."""
    environment = by_one_ledger(tmp_path)

    def rehearse(project: str, people: Sequence[object], kind: str = "csv") -> Outcome:
        folder = tmp_path / project
        folder.mkdir(exist_ok=True)
        cities = ["北京", "上海"] * (len(people) // 2)
        frame = pd.DataFrame({"phone": [str(each) for each in people], "city": cities})
        if kind == "csv":
            frame.to_csv(folder / "people.csv", index=False)
        else:
            (folder / "people.csv").mkdir()
            frame.to_parquet(folder / "people.csv" / "1.parquet")
        file = folder / "campaign.yaml"
        file.write_text(
            "campaign: hello\nsegment: people.csv\nuser_id: ''\nsignature: GrowingIO\n"
            "template: 大家好，拒收请回复R\nrules: {column: city, op: ==, value: 北京}\n",
            encoding="utf-8",
        )
        return open_campaign(file, environment=environment).send()

    return rehearse


def test_another_project_with_the_same_words(run: Run) -> None:
    """Its people are not those that were sent to: so many are new, and they are told how to be sent to."""
    first = run("a", range(FIRST, FIRST + 10))
    second = run("b", range(FIRST + 4, FIRST + 16))  # of the six who are new, the rules keep every other

    assert first.note == ""
    assert second.books == first.books
    assert second.note.startswith("had finished before on ")
    assert "new people in it: 3. Under another id everybody" in second.note


@pytest.mark.parametrize(
    "people",
    [
        pytest.param(range(FIRST, FIRST + 10), id="the-same-file"),
        pytest.param([*range(FIRST + 9, FIRST - 1, -1)], id="another-order"),
        pytest.param(range(FIRST + 4, FIRST + 8), id="fewer"),
        pytest.param([*range(FIRST, FIRST + 8), "none", ""], id="no-phones"),
    ],
)
def test_nobody_is_new(run: Run, people: Sequence[object]) -> None:
    """A scheduler that runs the same campaign again is told that it had finished, and nothing else."""
    run("a", range(FIRST, FIRST + 10))
    again = run("a", people)

    assert again.note.startswith("had finished before on ")
    assert again.note.endswith("nothing was sent")


def test_a_folder_of_files(run: Run) -> None:
    """The people of all its files count."""
    run("a", range(FIRST, FIRST + 4))

    assert "new people in it: 2." in run("b", range(FIRST + 2, FIRST + 8), "parquet").note


def test_a_segment_that_is_gone(run: Run, tmp_path: Path) -> None:
    """The run had nothing to do with it any more, and says that nobody looked; no folder is named."""
    run("a", range(FIRST, FIRST + 4))
    (tmp_path / "a" / "people.csv").unlink()
    environment = by_one_ledger(tmp_path)
    again = open_campaign(tmp_path / "a" / "campaign.yaml", environment=environment).send()
    (tmp_path / "a" / "people.csv").write_text("city\n北京\n", encoding="utf-8")
    unlike = open_campaign(tmp_path / "a" / "campaign.yaml", environment=environment).send()

    assert again.note.endswith(
        "nothing was sent. Its segment cannot be read now, so whether it has new people is not known"
    )
    assert unlike.note == again.note
    assert str(tmp_path) not in again.note


def test_a_frame_is_not_compared(tmp_path: Path) -> None:
    """As a query is not: that nobody looked is said."""
    frame = pd.DataFrame({"phone": [str(FIRST)], "city": ["北京"]})
    data = {"campaign": "hello", "user_id": "", "signature": "GrowingIO", "template": "大家好，拒收请回复R"}
    notes = [open_campaign(data, environment=by_one_ledger(tmp_path), frame=frame).send().note for _ in "12"]

    assert notes[0] == ""
    assert notes[1].endswith("Its segment is no file, so whether it has new people now is not known")


def test_who_has_another_phone_is_nobody_new(tmp_path: Path) -> None:
    """The campaign is once per person, so a new segment of them would send to somebody twice."""
    file = tmp_path / "campaign.yaml"
    file.write_text(
        "campaign: hello\nsegment: people.csv\nsignature: GrowingIO\ntemplate: 大家好，拒收请回复R\n",
        encoding="utf-8",
    )
    people = {"user_id": ["u1", "u2", "u3"], "phone": [FIRST, FIRST + 1, "none"]}
    pd.DataFrame(people).to_csv(tmp_path / "people.csv", index=False)
    open_campaign(file, environment=by_one_ledger(tmp_path)).send()
    now = {"user_id": ["u1", "u3", "u4", "u4"], "phone": [FIRST + 7, FIRST + 8, FIRST + 9, FIRST + 9]}
    pd.DataFrame(now).to_csv(tmp_path / "people.csv", index=False)

    # u3 had no phone, and was not sent to.
    assert "new people in it: 2." in open_campaign(file, environment=by_one_ledger(tmp_path)).send().note
