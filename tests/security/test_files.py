"""Files that hold people are their owner's alone, hold no formulas; packages hold what is listed."""

from __future__ import annotations

import logging
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import yaml

from smskit.errors import InputError, LedgerError
from smskit.files import create_private, private_text, write_private
from smskit.ledger import Ledger
from smskit.notebook.headless import run_file
from smskit.reporting.export import without_formulas
from tests import live
from tests.conftest import ROOT
from tests.test_cli import Desk, Run


def mode_of(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


@pytest.fixture(autouse=True)
def lax_umask() -> Iterator[None]:
    """As on most machines: what is not closed on purpose can be read by everybody."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_row_06_the_ledger_is_its_owners_alone(tmp_path: Path) -> None:
    """From its first byte on, with what SQLite lays beside it; one that others could read is tightened."""
    file = tmp_path / "smskit.db"
    made = Ledger(f"sqlite:///{file}")
    made.opt_outs.add([8613800138000], source="test")
    new = {path.name: mode_of(path) for path in tmp_path.iterdir()}
    for path in tmp_path.iterdir():
        path.chmod(0o664)
    Ledger(f"sqlite:///{file}").close()
    made.close()

    assert new == dict.fromkeys(("smskit.db", "smskit.db-wal", "smskit.db-shm"), 0o600)
    assert {mode_of(path) for path in tmp_path.iterdir()} == {0o600}


def test_row_06_a_readable_ledger_of_somebody_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be tightened is not opened, and the error says what its owner can do."""
    file = tmp_path / "smskit.db"
    Ledger(f"sqlite:///{file}").close()
    file.chmod(0o644)

    def not_ours(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", not_ours)
    with pytest.raises(LedgerError, match=r"can be read by others.*chmod 600"):
        Ledger(f"sqlite:///{file}")


def test_row_06_what_is_written_about_people(desk: Desk, run: Run) -> None:
    """Exports in every format and reports, also over a file that could be read before."""
    desk.send()
    (desk.folder / "m.csv").touch(mode=0o644)
    for kind in ("csv", "jsonl", "parquet"):
        assert run("messages", "live-1", "--format", kind, "--reveal", "-o", f"m.{kind}").code == 0
    run("opt-out", "add", "13800138000")
    assert run("opt-out", "export", "--provider", "yunpian", "--reveal", "-o", "o.csv").code == 0
    reports = list((desk.folder / "runs").glob("*.html"))

    assert len(reports) == 1
    files = [desk.folder / name for name in ("m.csv", "m.jsonl", "m.parquet", "o.csv")]
    assert {file.name: mode_of(file) for file in [*files, *reports]} == {
        file.name: 0o600 for file in [*files, *reports]
    }


@pytest.mark.kernel
def test_row_06_an_executed_notebook(desk: Desk) -> None:
    """It and its report hold names and texts."""
    run_file(desk.file(mode="rehearse"), folder=desk.folder / "out")
    files = {file.suffix: mode_of(file) for file in (desk.folder / "out").iterdir()}

    assert files == {".ipynb": 0o600, ".html": 0o600}


def test_a_private_file_is_whole_or_not_at_all(tmp_path: Path) -> None:
    """An error in the middle leaves what was there, and nothing beside it."""
    place = write_private(tmp_path / "new" / "list.txt", "before")

    def break_off() -> None:
        with private_text(place) as file:
            file.write("half")
            file.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()

    assert [p.name for p in place.parent.iterdir()] == ["list.txt"]
    assert place.read_text() == "before"


@pytest.mark.parametrize("write", [lambda p: write_private(p, "x"), create_private])
def test_a_place_that_cannot_be_written_is_said(tmp_path: Path, write: object) -> None:
    """A folder, a folder that is a file, a name that is too long: one sentence that names the place."""
    (tmp_path / "file").write_text("x")
    for place in (tmp_path, tmp_path / "file" / "below", tmp_path / ("n" * 300)):
        with pytest.raises(InputError, match="cannot write"):
            write(place)  # type: ignore[operator]
    assert write_private(Path(os.devnull), "a device stays one").is_char_device()


def test_row_29_no_rows_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """SQLAlchemy's own log, switched on to the full, holds nobody of the ledger."""
    for name in (None, "sqlalchemy", "sqlalchemy.engine"):
        caplog.set_level(logging.DEBUG, name)
    ledger = Ledger(f"sqlite:///{tmp_path / 'smskit.db'}")
    ledger.opt_outs.add([8613800138000], source="test")

    assert len(ledger.opt_outs.rows()) == 1
    assert "sqlalchemy" in caplog.text
    assert "13800138000" not in caplog.text


FORMULAS = ["=1+2", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3", "\t=1", '=HYPERLINK("http://x","y")']
FORMULAS += ["＝1+2", "＠SUM(A1)", "＋1"]


@pytest.mark.parametrize("text", ["\n=1+2", " =1+2", "\u200b=1+2", "\u3000＝1+2", "\r=1"])
def test_row_12_blanks_before_a_formula(text: str) -> None:
    """A formula is one behind blanks, in a provider's words as in a name."""
    frame = pd.DataFrame({"user_id": ["a =1"], "provider_detail": [text], "phone": ["+8613800100001"]})
    safe = without_formulas(frame)

    assert safe.iloc[0].tolist() == ["a =1", f"'{text}", "+8613800100001"]


def test_row_12_no_formula_in_a_file_for_excel(desk: Desk, run: Run) -> None:
    """A cell that Excel would compute begins with an apostrophe, unless --raw; phones stay numbers."""
    segment = desk.folder / "formulas.csv"
    rows = len(FORMULAS) + 1
    frame = pd.DataFrame({"user_id": [*FORMULAS, "a=1"], "name": "x", "coupon": 5})
    frame["phone"] = [f"1380010{n:04d}" for n in range(rows)]
    frame.to_csv(segment, index=False)
    live.send(live.data(live.SINGLES, segment), desk.environ)
    run("messages", "live-1", "--reveal", "-o", "safe.csv")
    run("messages", "live-1", "--raw", "-o", "raw.csv")
    run("messages", "live-1", "--format", "parquet", "-o", "raw.parquet")
    kept = [*(cell.strip() for cell in FORMULAS), "a=1"]
    safe = pd.read_csv("safe.csv", dtype=str)
    printed = run("messages", "live-1").out

    assert safe["user_id"].tolist() == [*(f"'{cell}" for cell in kept[:-1]), "a=1"]
    assert safe["phone"].tolist() == [f"+861380010{n:04d}" for n in range(rows)]
    assert pd.read_csv("raw.csv", dtype=str)["user_id"].tolist() == kept
    assert pd.read_parquet("raw.parquet")["user_id"].tolist() == kept
    assert "'=1+2" not in printed


@pytest.mark.parametrize("name", ["../../../../escaped/evil", "/tmp/smskit-escaped/evil", "a/b", "..\\..\\x"])
def test_row_13_a_report_stays_in_its_folder(desk: Desk, name: str) -> None:
    """The name of a report comes from a checked id; what was refused is called "run"."""
    file = desk.folder / "evil.yaml"
    file.write_text(yaml.safe_dump(live.data(live.SINGLES, desk.source) | {"campaign": name}))
    with pytest.raises(Exception, match="campaign"):
        run_file(file)
    reports = [path.relative_to(desk.folder).as_posix() for path in desk.folder.rglob("*.html")]

    assert len(reports) == 1
    assert reports[0].startswith("runs/run-")
    assert not Path("/tmp/smskit-escaped").exists()


STRAY = [
    *("notes-private.txt", "people.csv", "smskit/people.csv", "smskit/providers/people.csv"),
    *(
        "sample_segments/people.csv",
        "notebooks/mine.ipynb",
        "smskit/notes.md",
        "tests/people.csv",
        "x.py",
    ),
]


@pytest.mark.long
def test_row_31_packages_hold_what_is_listed(tmp_path: Path) -> None:
    """A stray file goes into neither package; all that the program reads is in both."""
    tree = tmp_path / "tree"
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.splitlines():
        if not name.startswith(("docs/", "tests/", "bench/")):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tree / name)
    for name in STRAY:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("13800138000")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(tmp_path / "dist")]
    subprocess.run(command, cwd=tree, check=True, capture_output=True)
    (wheel,), (sdist,) = (tmp_path / "dist").glob("*.whl"), (tmp_path / "dist").glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = {name for name in archive.namelist() if not name.split("/")[0].endswith(".dist-info")}
    with tarfile.open(sdist) as tar:
        in_sdist = {name.split("/", 1)[1] for name in tar.getnames() if "/" in name}
    package = {name for name in listed.splitlines() if name.startswith("smskit/")}
    project = {n for n in listed.splitlines() if n.startswith(("notebooks/", "sample_segments/"))}
    project -= {"sample_segments/make_samples.py"}

    assert in_wheel == package | {f"smskit/_project/{name}" for name in project}
    assert package | project <= in_sdist
    assert not {name for name in in_sdist if Path(name).name in {Path(stray).name for stray in STRAY}}
