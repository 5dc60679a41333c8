"""What papermill made numbers of is read again as it was typed, or refused."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from papermill.cli import _resolve_type
from papermill.iorw import read_yaml_file
from papermill.translators import PythonTranslator

from smskit.errors import SpecError
from smskit.notebook.as_typed import as_typed, check_cells
from smskit.planning.spec import CampaignSpec
from tests.conftest import ROOT

TYPED = [
    "2026.10",
    "2026_11",
    "0012",
    "012345",
    "12:30",
    "0x1F",
    "007",
    "20261123",
    "1e5",
    "True",
    "nan",
    "+5",
    "5",
]
NOTEBOOK = ["papermill", "in.ipynb", "out.ipynb"]


def injected(data: dict[str, Any]) -> dict[str, Any]:
    """What the cell that papermill writes gives."""
    found: dict[str, Any] = {}
    exec(PythonTranslator.codify(data), {}, found)
    return found


def as_file(folder: Path, text: str, name: str = "c.yaml") -> dict[str, Any]:
    """What papermill injects of a parameter file, which is left in *folder*."""
    (folder / name).write_text(text, encoding="utf-8")
    return injected(read_yaml_file(str(folder / name)))


@pytest.mark.parametrize("text", TYPED)
@pytest.mark.parametrize(
    "option", [["-p", "template_id"], ["--parameters", "template_id"], ["-ptemplate_id"]]
)
def test_p(text: str, option: list[str]) -> None:
    """``-p`` guesses a type; the text stands on the command line."""
    data = injected({"template_id": _resolve_type(text)})

    assert as_typed(data, [*NOTEBOOK, *option, text], Path()) == {"template_id": text}


@pytest.mark.parametrize("text", TYPED)
def test_f(tmp_path: Path, text: str) -> None:
    """``-f`` reads YAML 1.1; the file is read again, and gives what `smskit run` takes from it."""
    data = as_file(tmp_path, f"campaign: c-1\nsegment: s.csv\ntemplate_id: {text}\n")
    typed = as_typed(data, [*NOTEBOOK, "-f", "c.yaml"], tmp_path)

    assert str(typed["template_id"]) == text
    assert CampaignSpec.from_data(typed) == CampaignSpec.from_yaml(tmp_path / "c.yaml")


def test_f_reads_everything_alike(tmp_path: Path) -> None:
    """Numbers, rules and literals too are what `smskit run` takes: ten people, not eight; 007, not 7."""
    text = (
        "campaign: c-1\nsegment: s.csv\nmax_recipients: 010\nrules: {column: a, op: in, value: [007, 1:30]}\n"
        "variables: {1: a, 02: {value: 99.90}, d: {value: 2026-11-30}}\nholdout: 0.1\nmax_cost: 0.50\n"
    )
    typed = as_typed(as_file(tmp_path, text), [*NOTEBOOK, "-f", "c.yaml"], tmp_path)

    assert CampaignSpec.from_data(typed) == CampaignSpec.from_yaml(tmp_path / "c.yaml")
    assert CampaignSpec.from_data(typed).max_recipients == 10


def test_what_papermill_overlooks(tmp_path: Path) -> None:
    """A name given twice, a day that does not exist: refused as by `smskit run`, by file and line."""
    for text, words in (
        ("campaign: a\ncampaign: b\n", "twice, again at line 2"),
        ("campaign: a\nvariables: {d: {value: 2026-02-30}}\n", "at line 2 that does not exist"),
    ):
        data = as_file(tmp_path, text)
        with pytest.raises(SpecError, match=f"c.yaml .*{words}"):
            as_typed(data, [*NOTEBOOK, "-f", "c.yaml"], tmp_path)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["-f", "c.yaml", "-p", "campaign", "2026.1"], "2026.1"),
        (["-p", "campaign", "2026.1", "-f", "c.yaml"], "2026.1"),
        (["-r", "campaign", "2026.100", "-p", "campaign", "2026.1"], "2026.100"),
        (["-f", "c.yaml", "-f", "d.yaml"], "2026_12"),
        (["-f", "d.yaml", "-f", "c.yaml"], "2026.10"),
        (["-y", "campaign: 0012", "-f", "c.yaml"], "0012"),
        (["-b", base64.b64encode(b"campaign: 0012").decode(), "-f", "c.yaml"], "2026.10"),
        (["-fc.yaml"], "2026.10"),
        (["-f", "c.yaml", "-f", "empty.yaml"], "2026.10"),
        (["--parameters_file=c.yaml", "--log-output"], "2026.10"),
    ],
)
def test_the_last_word_counts(tmp_path: Path, options: list[str], expected: str) -> None:
    """Options are taken in papermill's order, whatever theirs on the command line."""
    as_file(tmp_path, "campaign: 2026.10\nsegment: s.csv\n")
    as_file(tmp_path, "campaign: 2026_12\n", "d.yaml")
    (tmp_path / "empty.yaml").write_text("# nothing yet\n")
    value = {"2026.1": 2026.1, "2026.10": 2026.1, "2026_12": 202612, "0012": 10}.get(expected, expected)

    assert as_typed({"campaign": value}, ["python", *NOTEBOOK, *options], tmp_path) == {"campaign": expected}


@pytest.mark.parametrize(
    ("value", "options"),
    [
        (202611, ["-f", "s3://bucket/c.yaml"]),
        (202611, ["-f", "gone.yaml"]),
        (2026.1, ["-f", "gone.yaml"]),
        (202611, ["-p", "campaign", "2026_12"]),
        (True, ["-f", "gone.yaml"]),
        (5, ["-f", "-", "-k", "python3"]),
    ],
)
def test_what_is_not_known_is_refused(tmp_path: Path, value: Any, options: list[str]) -> None:
    """A number whose text is not to be found, or not any more, is refused in one sentence."""
    with pytest.raises(SpecError, match=r"`campaign` is text but was given as a number.* quotes.* -r"):
        as_typed({"campaign": value}, [*NOTEBOOK, *options], tmp_path)


def test_a_program_means_its_numbers() -> None:
    """A whole number a program injects is its digits; a float has lost them."""
    data = as_typed({"template_id": 5349, "campaign": "c-1", "segment": "s"}, ["python", "job.py"], Path())

    assert CampaignSpec.from_data(data).template_id == "5349"
    with pytest.raises(SpecError, match="put it in quotes"):
        CampaignSpec.from_data(data | as_typed({"campaign": 2026.1}, ["python", "job.py"], Path()))


@pytest.mark.parametrize(
    ("cell", "refused"),
    [
        ("campaign = 2026_11", True),
        ("campaign: str = 0x1F  # id", True),
        ("campaign = 2026.10", True),
        ("campaign = 20261123", False),
        ("campaign = '2026_11'", False),
        ("max_recipients = 1_000", False),
        ("campaign = int('12')", False),
        ("campaign = 2026_11\ncampaign = 'c-1'", False),
        ("%matplotlib inline", False),
    ],
)
def test_a_cell_by_hand(cell: str, refused: bool) -> None:
    """A text that Python reads as another number is refused; a plain whole number is its digits."""
    found: dict[str, Any] = {"In": ["", cell]}
    if not cell.startswith("%"):
        exec(cell, {}, found)
    if refused:
        with pytest.raises(SpecError, match="`campaign` is text"):
            check_cells(found)
    else:
        check_cells(found)


@pytest.mark.kernel
def test_papermill_itself(tmp_path: Path) -> None:
    """By the papermill command October's campaign is its own, from ``-f`` and from ``-p``."""
    (tmp_path / "people.csv").write_text("user_id,phone,name\nu1,13800000001,张三\n", encoding="utf-8")
    text = "campaign: 2026.10\nsegment: people.csv\nsignature: 007\ntemplate: 您好，拒收请回复R\nmode: plan\n"
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    environ = os.environ | {"SMSKIT_DATABASE_URL": f"sqlite:///{tmp_path}/smskit.db"}
    for options in (["-f", "c.yaml"], ["-f", "c.yaml", "-p", "campaign", "2026_11"]):
        command = [
            sys.executable,
            "-m",
            "papermill",
            str(ROOT / "notebooks" / "03_send_campaign.ipynb"),
            "o.ipynb",
        ]
        done = subprocess.run([*command, *options], cwd=tmp_path, env=environ, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    told = subprocess.run(
        [sys.executable, "-m", "smskit", "status"], cwd=tmp_path, env=environ, capture_output=True, text=True
    )

    assert "2026.10" in told.stdout
    assert "2026_11" in told.stdout
