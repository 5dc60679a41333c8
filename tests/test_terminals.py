"""Terminals that cannot show a letter, and outputs that cannot be written: escapes, and one sentence."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from smskit.cli.commands import main
from smskit.errors import InputError
from smskit.files import made_folder
from smskit.ledger.opening import open_ledger
from smskit.sending.session import open_campaign
from tests.conftest import ROOT

PARAMETERS: dict[str, Any] = {
    "campaign": "双十一-é",
    "signature": "GrowingIO",
    "template": "你好{name}😀é，拒收请回复R",
    "variables": {"name": "name"},
    "user_id": "user_id",
    "send_window": "",
    "provider": "yunpian",
}
ENCODINGS = ["gbk", "latin-1", "ascii", "cp1252", "utf-8"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A parameter file with letters that few encodings have, and its plan in the ledger."""
    rows = "user_id,phone,name\n用户1😀,13800000001,张é\nü2,13800000002,王😀\n"
    (tmp_path / "人群.csv").write_text(rows, encoding="utf-8")
    path = tmp_path / "活动.yaml"
    given = PARAMETERS | {"segment": str(tmp_path / "人群.csv"), "mode": "plan"}
    path.write_text(yaml.safe_dump(given, allow_unicode=True), encoding="utf-8")
    open_campaign(path, ledger=open_ledger()).plan()
    return path


def commands(file: Path) -> dict[str, list[str]]:
    """Every command that prints and ends by itself without a provider, with letters in what it prints."""
    name, path = PARAMETERS["campaign"], str(file)
    return {
        "plan": ["plan", path],
        "plan --json": ["plan", path, "--json"],
        "validate": ["validate", path],
        "validate, wrong": ["validate", str(file.with_name("没有😀.yaml"))],
        "explain": ["explain", path],
        "explain --json": ["explain", path, "--json"],
        "diff": ["diff", path, path, "--json"],
        "schema": ["schema"],
        "schema --markdown": ["schema", "--markdown"],
        "doctor": ["doctor", path],
        "providers": ["providers"],
        "providers --json": ["providers", "--json"],
        "status": ["status"],
        "status ID": ["status", name],
        "status --json": ["status", name, "--json"],
        "status --runs": ["status", "--runs", "--json"],
        "messages": ["messages", name],
        "messages jsonl": ["messages", name, "--format", "jsonl"],
        "why": ["why", name, "用户1😀"],
        "why, nobody": ["why", name, "没有😀"],
        "stop": ["stop", name],
        "init": ["init", path],
        "opt-out list": ["opt-out", "list", "--json"],
        "no campaign": ["status", "没有😀"],
        "forget": ["forget", name, "--mode", "plan"],
        "no command": ["没有😀"],
        "help": ["--help"],
    }


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_command_on_every_terminal(
    encoding: str, lang: str, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No letter stops a command; data stays the same data, and people get an escape for what is not there."""
    monkeypatch.setenv("SMSKIT_LANG", lang)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    for name, words in commands(file).items():
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True) for _ in range(2))
        with monkeypatch.context() as patched:
            patched.setattr(sys, "argv", ["smskit", *words])
            patched.setattr(sys, "stdout", out)
            patched.setattr(sys, "stderr", err)
            with pytest.raises(SystemExit) as ended:
                main()
        said = out.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]
        shown = said + err.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined]

        assert ended.value.code in (None, 0, 2, 3), (name, shown)
        assert shown or name in ("forget", "diff"), name
        if words[-1] == "--json" or name == "schema":
            json.loads(said)
        if name == "messages jsonl":
            assert json.loads(said.splitlines()[0])["text"] == "【GrowingIO】你好张é😀é，拒收请回复R"


@pytest.mark.parametrize("encoding", ["gbk", "ascii", "latin-1:strict"])
def test_a_process_of_its_own(encoding: str, file: Path) -> None:
    """As it is started in a terminal: an emoji is its escape, and the exit code is that of the command."""
    environ = os.environ | {"PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "smskit", "messages", PARAMETERS["campaign"]]
    done = subprocess.run(command, env=environ, cwd=file.parent, capture_output=True, check=False, timeout=60)

    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\\U0001f600" in done.stdout


@pytest.mark.parametrize("words", [["messages"], ["status", "--json"], ["schema"], ["--help"]])
def test_output_that_cannot_be_written_is_told(words: list[str], file: Path) -> None:
    """As on a full disk: it ends in a sentence, also where it is so little that only the end writes it."""
    name = [PARAMETERS["campaign"]] if words[0] in ("messages", "status") else []
    command = [sys.executable, "-m", "smskit", words[0], *name, *words[1:]]
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    with file.open("rb") as only_read:
        done = subprocess.run(
            command, env=environ, cwd=file.parent, stdout=only_read, stderr=subprocess.PIPE, timeout=60
        )

    assert done.returncode == 1
    assert b"could not be written: Bad file descriptor" in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


# -- outputs ------------------------------------------------------------------------------


def outputs(place: str) -> dict[str, list[str]]:
    """Commands that write *place*."""
    name = PARAMETERS["campaign"]
    return {
        "csv": ["messages", name, "-o", place],
        "jsonl": ["messages", name, "--format", "jsonl", "-o", place],
        "parquet": ["messages", name, "--format", "parquet", "-o", place],
        "opt-outs": ["opt-out", "export", "--provider", "yunpian", "--reveal", "-o", place],
    }


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "opt-outs"])
@pytest.mark.parametrize(
    ("place", "why"),
    [
        pytest.param("new/deep/out.csv", "", id="new-folder"),
        pytest.param("folder.csv", "Is a directory|IsADirectoryError|is a directory", id="folder"),
        pytest.param("a-file/out.csv", "Not a directory|File exists", id="below-a-file"),
        pytest.param("/proc/smskit/out.csv", "No such file or directory", id="no-right"),
        pytest.param("x" * 300 + ".csv", "File name too long", id="long"),
    ],
)
def test_outputs(
    kind: str,
    place: str,
    why: str,
    file: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A folder that is not there is made; what cannot be written is one sentence with the file, exit 2."""
    monkeypatch.chdir(file.parent)
    Path("folder.csv").mkdir()
    Path("a-file").touch()
    monkeypatch.setattr(sys, "argv", ["smskit", *outputs(place)[kind]])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err

    if not why:
        assert (ended.value.code or 0, Path(place).is_file()) == (0, True)
        return
    assert ended.value.code == 2
    assert said.startswith(f"smskit: cannot write {place}: ")
    assert len(said.splitlines()) == 1


def test_the_report_of_a_run_has_its_place_before_anything_is_sent(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the folder of reports cannot be made, a run ends in words before its first message."""
    (file.parent / "taken").touch()
    monkeypatch.setenv("SMSKIT_RUNS_FOLDER", str(file.parent / "taken"))
    campaign = open_campaign(file, mode="rehearse")
    with pytest.raises(InputError, match="taken"):
        campaign.send()
    row = campaign.record.row

    assert campaign.started() is None
    assert row is not None
    assert (row.state, row.exit_code) == ("failed", 2)


def test_a_folder_that_is_made(tmp_path: Path) -> None:
    """Made with those above it; a file in its way is named."""
    assert made_folder(tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot write .*file"):
        made_folder(tmp_path / "file")
