"""One ledger for one project: found from the parameter file, never made by a live run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from smskit.errors import NoLedger
from smskit.ledger import Ledger
from smskit.ledger.opening import open_ledger
from smskit.models import Mode
from smskit.sending.session import open_campaign
from smskit.settings import Environment
from smskit.settings.places import ledger_place
from smskit.simulator import Simulator
from tests.live import SINGLES, data, segment

SMSKIT = [sys.executable, "-c", "from smskit.cli.commands import main; main()"]


class Site:
    """Folders, a live parameter file and its simulator; commands run in processes of their own."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self.folder, self.simulator = folder, simulator
        self.environ = SINGLES.environ(simulator.url, folder)
        del self.environ["SMSKIT_DATABASE_URL"]

    def file(self, at: str = "project/campaigns/live.yaml", people: int = 2) -> Path:
        """Write the parameter file, its segment named by an absolute path."""
        path = self.folder / at
        path.parent.mkdir(parents=True, exist_ok=True)
        source = segment(self.folder / "people.csv", people)
        path.write_text(yaml.safe_dump(data(SINGLES, source), allow_unicode=True), encoding="utf-8")
        return path

    def smskit(self, *words: str | Path, at: str, **more: str) -> subprocess.CompletedProcess[str]:
        """One command, started in folder *at*."""
        place = self.folder / at
        place.mkdir(parents=True, exist_ok=True)
        root = str(Path(__file__).parents[1])
        environ = {k: v for k, v in os.environ.items() if not k.startswith("SMSKIT_")} | self.environ
        environ |= {"PYTHONPATH": root, "SMSKIT_KEYRING": "0"} | more
        command = [*SMSKIT, *map(str, words)]
        return subprocess.run(
            command, cwd=place, env=environ, capture_output=True, text=True, check=False, timeout=180
        )

    def ledgers(self) -> list[str]:
        """Every ledger below this site."""
        return sorted(str(p.relative_to(self.folder)) for p in self.folder.rglob("*.db"))

    def sent(self) -> tuple[int, int]:
        """Messages the simulator accepted, and how many of them a person got twice."""
        return self.simulator.world.accepted(), len(self.simulator.world.doubled())


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site whose simulator ends with the test."""
    with Simulator() as simulator:
        yield Site(tmp_path, simulator)


@pytest.mark.long
def test_b01_nobody_is_messaged_twice_from_another_folder(site: Site) -> None:
    """B01: the same file run from two folders: refused without a ledger, then sent once, doubled 0."""
    file = site.file()
    (site.folder / "project" / "pyproject.toml").touch()
    refused = site.smskit("run", file, at="a")
    assert refused.returncode == 3, refused.stderr
    assert str(site.folder / "project" / "smskit.db") in refused.stderr
    assert site.ledgers() == []

    planned = site.smskit("plan", file, at="b")
    assert planned.returncode == 0, planned.stderr
    assert f"new ledger {site.folder / 'project' / 'smskit.db'}" in planned.stderr

    for at in ("a", "b", "home"):
        done = site.smskit("run", file, at=at)
        assert done.returncode == 0, done.stderr
        assert "new ledger" not in done.stderr
    assert site.sent() == (2, 0)
    assert site.ledgers() == ["project/smskit.db"]
    books = site.smskit("status", "live-1", "--json", at="project/campaigns")
    assert json.loads(books.stdout)["accepted"] == 2


@pytest.mark.long
def test_a_campaign_that_began_in_the_working_folders_ledger(site: Site) -> None:
    """What an older smskit sent by the working folder's ledger is not sent again by the file's own."""
    file = site.file()
    for folder in ("project", "desk"):
        (site.folder / folder).mkdir(exist_ok=True)
        (site.folder / folder / "pyproject.toml").touch()
    older = {"SMSKIT_DATABASE_URL": f"sqlite:///{site.folder / 'desk' / 'smskit.db'}"}
    began = site.smskit("run", file, at="desk", **older)
    assert began.returncode == 0, began.stderr
    assert site.smskit("plan", file, at="home").returncode == 0
    assert site.ledgers() == ["desk/smskit.db", "project/smskit.db"]

    again = site.smskit("run", file, at="desk")

    assert again.returncode == 3
    assert all(str(site.folder / f / "smskit.db") in again.stderr for f in ("project", "desk"))
    assert site.sent() == (2, 0)
    assert site.smskit("run", file, at="desk", **older).returncode == 0
    assert site.sent() == (2, 0)


def test_reading_makes_no_ledger_and_init_does(site: Site) -> None:
    """`status` in an empty folder says where it looked, exit 3; `init` makes the ledger, once."""
    read = site.smskit("status", at="empty")
    assert (read.returncode, site.ledgers()) == (3, [])
    assert str(site.folder / "empty" / "smskit.db") in read.stderr

    made, again = (site.smskit("init", at="empty") for _ in range(2))
    assert (made.returncode, again.returncode) == (0, 0)
    assert "new ledger" in made.stderr
    assert "it was there" in again.stdout
    assert site.ledgers() == ["empty/smskit.db"]
    assert site.smskit("status", "--json", at="empty/below").stdout.strip() == "[]"


FILES = {  # marks and ledgers that are there, the parameter file, the working folder -> the ledger
    "a scheduler in $HOME": (["p/pyproject.toml"], "p/c.yaml", "home", "p/smskit.db"),
    "deep in a project": (["p/.git", "p/smskit.db"], "p/x/y/c.yaml", "p/x", "p/smskit.db"),
    "another project's ledger is there": (
        ["p/.git", "q/.git", "q/smskit.db"],
        "p/c.yaml",
        "q",
        "p/smskit.db",
    ),
    "no mark: the ledger is one": (["p/smskit.db"], "p/x/c.yaml", "home", "p/smskit.db"),
    "no mark: the nearest": (["p/smskit.db", "p/x/smskit.db"], "p/x/c.yaml", "p", "p/x/smskit.db"),
    "no mark, the working folder's": (["q/smskit.db"], "p/c.yaml", "q", "q/smskit.db"),
    "no mark, the working folder's project": (["q/.git"], "p/c.yaml", "q/x", "q/smskit.db"),
    "nothing anywhere": ([], "p/c.yaml", "home", "p/smskit.db"),
    "no file, in a sub folder": (["p/smskit.db"], "", "p/x", "p/smskit.db"),
    "no file, nothing": ([], "", "home", "home/smskit.db"),
}


@pytest.mark.parametrize(("there", "file", "at", "expected"), FILES.values(), ids=FILES)
def test_where_the_ledger_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: list[str], file: str, at: str, expected: str
) -> None:
    """The file's project, else a ledger at or above it, else the working folder's."""
    for path in [*there, f"{at}/x", *([file] if file else [])]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        if not (tmp_path / path).is_dir():
            (tmp_path / path).write_text("an empty file is no ledger")
    monkeypatch.delenv("SMSKIT_DATABASE_URL")
    monkeypatch.chdir(tmp_path / at if (tmp_path / at).is_dir() else (tmp_path / at).parent)
    place = Environment(parameter_file=Path(tmp_path / file) if file else None).ledger_place
    assert place.url == f"sqlite:///{tmp_path / expected}"
    assert place.missing == (expected not in there)
    assert not place.named


def test_root_folder_of_a_container() -> None:
    """A file in `/`, where nothing marks a root, means the ledger there."""
    place = ledger_place("sqlite:///none-such.db", [Path("/")])
    assert (place.url, place.looked_at) == ("sqlite:////none-such.db", (Path("/none-such.db"),))


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "postgresql+psycopg://bi@db/sms"])
def test_what_is_no_file_is_never_missing(url: str) -> None:
    """A server's database and one in memory are named, and there is no file to look for."""
    place = ledger_place(url, [Path("/")])
    assert (place.named, place.file, place.missing) == (True, None, False)


def test_dotenv_of_the_parameter_file_names_its_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The `.env` of the file's project goes before the working folder's, the process before both."""
    for name in ("p", "q"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".git").touch()
        (tmp_path / name / ".env").write_text(f"SMSKIT_DATABASE_URL=sqlite:///{name}-own.db\n")
    monkeypatch.delenv("SMSKIT_DATABASE_URL")
    monkeypatch.chdir(tmp_path / "q")
    file = tmp_path / "p" / "c.yaml"
    assert Environment(parameter_file=file).database_url == f"sqlite:///{tmp_path}/p/p-own.db"
    assert Environment().database_url == f"sqlite:///{tmp_path}/q/q-own.db"
    monkeypatch.setenv("SMSKIT_DATABASE_URL", "sqlite:////elsewhere/a.db")
    assert Environment(parameter_file=file).database_url == "sqlite:////elsewhere/a.db"


def test_python_calls_meet_in_the_same_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """`open_campaign(path)`: live is refused without a ledger; a rehearsal makes it and says so, once."""
    file = tmp_path / "p" / "c.yaml"
    file.parent.mkdir()
    (file.parent / ".git").touch()
    parameters = data(SINGLES, segment(tmp_path / "people.csv", 2))
    file.write_text(yaml.safe_dump(parameters, allow_unicode=True), encoding="utf-8")
    monkeypatch.delenv("SMSKIT_DATABASE_URL")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NoLedger, match=str(file.parent / "smskit.db")):
        open_campaign(file)
    with pytest.raises(NoLedger):
        open_ledger(file=file, create=False)

    file.write_text(yaml.safe_dump(parameters | {"mode": "rehearse"}, allow_unicode=True), encoding="utf-8")
    open_campaign(file).send()
    open_campaign(file)
    assert caplog.text.count("new ledger") == 1
    assert Ledger(f"sqlite:///{file.parent / 'smskit.db'}").campaigns.get("live-1", Mode.REHEARSE)
