"""Rows 1 and 2 of the security table without a browser: which files, keys and queries a visitor may name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import ipywidgets as w
import pandas as pd
import pytest
import yaml

from smskit.audience import segment
from smskit.audience.explore.files import keep_upload, write_segment
from smskit.errors import InputError, SegmentError, SettingsError
from smskit.i18n import Language
from smskit.models import Mode
from smskit.notebook import open_explore
from smskit.notebook.base import draft_of
from smskit.notebook.connect import ConnectNotebook
from smskit.notebook.host import Host
from smskit.notebook.panels.connect.credentials import CredentialsPanel
from smskit.notebook.panels.page import Page
from smskit.notebook.tracker import Tracker
from smskit.planning.draft import Draft
from smskit.providers.credentials import Store
from smskit.sending.session import open_campaign
from smskit.settings import Environment
from smskit.settings.places import APP_WORKSPACE
from smskit.workspace import Folder, Workspace
from tests.clicking import parts, told

ONE = pd.DataFrame({"user_id": ["u1"], "phone": ["13800138000"]})
# What the attack wrote: `name: expression` lines are annotations, which Python evaluates.
ATTACK = {"campaign": "int", "segment": "__import__('os').system('id>RCE')"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a segment, notebooks and a file of the operator's, and a process that works in it."""
    folder = tmp_path / "project"
    for name in ("notebooks", "segments", "parameters", "exports"):
        (folder / name).mkdir(parents=True)
    (folder / "environment.yml").touch()
    for place in ("segments/people.csv", "outside.csv", "parameters/people.csv"):
        ONE.to_csv(folder / place, index=False)
    (folder / "parameters" / "by-hand.yaml").write_text("campaign: by-hand\n")
    (folder / "exports" / "by-hand.csv").write_text("by hand\n")
    (folder / "segments" / "by-hand.csv").write_text("by hand\n")
    (folder / "parameters" / "link.yaml").symlink_to(folder / "outside.yaml")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def app(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same as a kernel of the app has it: its own folder is empty."""
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    monkeypatch.setenv(APP_WORKSPACE, str(project))
    return project


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def tracker(project: Path) -> Tracker:
    """One that follows a plan."""
    parameters = {"signature": "GrowingIO", "template": "你好，拒收请回复R", "mode": "plan"}
    campaign = open_campaign(campaign="shown", frame=ONE, **parameters)
    campaign.plan()
    made = Tracker(folder=project)
    made.choose("shown", Mode.PLAN)
    return made


NAMES = [
    "pandas.py",
    "notebooks/pandas.py",
    "../escaped{ending}",
    "notebooks/x{ending}",
    "parameters/../x{ending}",
    "/tmp/x{ending}",
    "~/x{ending}",
    ".hidden{ending}",
    "by-hand{ending}",
    "长" * 80 + "{ending}",
    "x{ending}\n",
    "",
]


@pytest.mark.parametrize("name", [*NAMES, "link{ending}"])
def test_row_01_parameter_files_stay_in_their_folder(app: Path, name: str) -> None:
    """A visitor's parameters go nowhere but into ``parameters/``, named as their kind is, over nothing."""
    before = everything(app.parent)
    with pytest.raises(InputError):
        Draft(ATTACK).save(name.format(ending=".yaml"))

    assert everything(app.parent) == before


@pytest.mark.parametrize("name", NAMES[:-1])
def test_row_01_exports_stay_in_their_folder(app: Path, name: str) -> None:
    """Nor do exports, whichever ending is typed."""
    followed = tracker(app)
    before = everything(app)
    with pytest.raises(InputError):
        followed.export("csv", name.format(ending=".csv"))

    assert everything(app) == before


@pytest.mark.parametrize("name", NAMES)
def test_row_01_segments_stay_in_their_folder(app: Path, name: str) -> None:
    """Nor do rows that are kept, even if they may replace a file of that name."""
    before = everything(app.parent)
    with pytest.raises(InputError):
        write_segment(ONE, name.format(ending=".csv"), app, overwrite=True)

    assert {k: v for k, v in everything(app.parent).items() if not k.endswith(".gitignore")} == before


@pytest.mark.parametrize("name", ["shown{}", "shown.2026-11{}", "每周会员{}", "{folder}/shown{}"])
def test_what_a_visitor_may_write(app: Path, name: str) -> None:
    """Names of their kind are written, and may be written again by whoever wrote them."""
    for _ in range(2):
        kept = Draft({"campaign": "kept"}).save(name.format(".yaml", folder=Folder.PARAMETERS))
        export = tracker(app).export("csv", name.format(".csv", folder=Folder.EXPORTS))
        rows = write_segment(ONE, name.format(".csv", folder=Folder.SEGMENTS), app, overwrite=True)

        assert Draft.read(kept.name)["campaign"] == "kept"
        assert (kept.parent, export.parent) == (app / "parameters", app / "exports")
        assert rows.startswith("segments/")
    assert tracker(app).export("jsonl").parent == app / "exports"


def test_the_next_page_finds_the_parameters(app: Path) -> None:
    """What page 02 saved is what page 03 opens; a segment it names is read from the workspace."""
    notebook = open_explore({"segment": "segments/people.csv"})
    notebook.draft.set(campaign="found")
    notebook.draft.save("campaign.yaml")
    found = draft_of({}, Host.VOILA)

    assert found["campaign"] == "found"
    assert len(segment.load(found["segment"])) == 1


def test_uploads_keep_their_names_to_themselves(app: Path) -> None:
    """An upload gets a name of its own beside what is there; no page may write over it afterwards."""
    kept = keep_upload("../by-hand.csv", ONE.to_csv(index=False).encode(), app)
    with pytest.raises(InputError):
        write_segment(ONE, kept, app, overwrite=True)

    assert kept == "segments/by-hand-2.csv"


@pytest.mark.parametrize(
    "source",
    [
        "outside.csv",
        "../project/outside.csv",
        "segments/../outside.csv",
        "parameters/people.csv",
        "{project}/outside.csv",
        "/etc/passwd",
        "sqlite:///segments/people.db",
        "postgresql://somewhere/people",
        "env:HOME",
    ],
)
def test_row_01_segments_come_from_their_folder(app: Path, source: str) -> None:
    """A visitor reads segments and samples, no other file, variable or database; there or not is not told."""
    with pytest.raises(SegmentError, match="the app reads"):
        segment.load(source.format(project=app))


@pytest.mark.parametrize(
    "source", ["outside.csv", "segments/../outside.csv", "{project}/outside.csv", "/etc/passwd"]
)
def test_row_01_lists_of_opt_outs_come_from_their_folder(app: Path, source: str) -> None:
    """A list a visitor imports is read from where segments are, too."""
    with pytest.raises(SegmentError, match="the app reads"):
        Tracker().import_opt_outs(source.format(project=app))


def test_row_01_links_out_of_the_folder(app: Path) -> None:
    """A link in the folder does not lead out of it."""
    (app / "segments" / "link.csv").symlink_to(app / "outside.csv")
    with pytest.raises(SegmentError, match="the app reads"):
        segment.load("segments/link.csv")


def test_row_03_typed_queries_are_the_operators(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A query is refused before anything is connected to, unless the operator said so."""
    query = {"query": "SELECT '13800138000' AS phone"}
    with pytest.raises(SegmentError, match="databases and queries are for whoever runs it"):
        segment.load("sqlite://", **query)
    monkeypatch.setenv("SMSKIT_APP_QUERIES", "allow")

    assert len(segment.load("sqlite://", **query)) == 1


@pytest.mark.parametrize("name", ["pandas.py", "notebooks/pandas.py", "x", "x.yaml.py", "x.txt"])
@pytest.mark.parametrize(
    "write",
    [
        lambda project, name: Draft(ATTACK).save(name),
        lambda project, name: tracker(project).export("csv", name),
        lambda project, name: write_segment(ONE, name, project),
    ],
    ids=["parameters", "export", "segment"],
)
def test_row_01_endings_in_the_lab(project: Path, name: str, write: Callable[[Path, str], object]) -> None:
    """Who may run code may write where they like, but each kind of file ends as its kind does."""
    with pytest.raises(InputError):
        write(project, name)

    assert not (project / name).exists()


def test_the_lab_writes_where_it_is_told(project: Path, tmp_path: Path) -> None:
    """Any folder, over what is there, and as JSON where the name says so."""
    place = Draft({"campaign": "elsewhere", "variables": {"n": "7"}}).save(tmp_path / "deep" / "x.json")
    Draft({"campaign": "mine"}).save("parameters/by-hand.yaml")

    assert json.loads(place.read_text())["campaign"] == "elsewhere"
    assert Draft.read(place).to_data() == {"campaign": "elsewhere", "variables": {"n": "7"}}
    assert yaml.safe_load((project / "parameters/by-hand.yaml").read_text())["campaign"] == "mine"


def test_relative_settings_start_in_the_workspace(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``.env`` and a ledger's relative path are the workspace's, although a kernel works elsewhere."""
    monkeypatch.delenv("SMSKIT_DATABASE_URL")
    (app / ".env").write_text("SMSKIT_HOLDOUT_KEY=of-the-workspace\n")
    environment = Environment()

    assert environment.get("SMSKIT_HOLDOUT_KEY") == "of-the-workspace"
    assert environment.ledger_place.file == app / "smskit.db"
    assert Workspace.here() == Workspace(app, locked=True)


# -- keys ---------------------------------------------------------------------------------

KEY = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"
ELSEWHERE = {"base_url": "https://elsewhere.example"}


def with_key(project: Path, monkeypatch: pytest.MonkeyPatch) -> ConnectNotebook:
    """Somebody connecting Yunpian, whose key is kept in ``.env``."""
    (project / ".env").write_text(f"SMSKIT_YUNPIAN_API_KEY={KEY}\n")
    monkeypatch.setenv("SMSKIT_LANG", "en")
    return ConnectNotebook(Draft({"provider": "yunpian"}))


@pytest.mark.parametrize("values", [{"concurrency": "4"}, {"api_key": "another"}, ELSEWHERE])
def test_row_02_visitors_save_no_settings(
    app: Path, monkeypatch: pytest.MonkeyPatch, values: dict[str, str]
) -> None:
    """In the app keys and addresses are its operator's: shown, not changed and not deleted."""
    connector = with_key(app, monkeypatch)
    before = (app / ".env").read_text()
    with pytest.raises(SettingsError, match="whoever runs this app"):
        connector.keep(values, Store.DOTENV)
    with pytest.raises(SettingsError, match="whoever runs this app"):
        connector.forget()
    page = Page(connector.draft, language=Language("en"), host=Host.VOILA)
    panel = CredentialsPanel(page, connector, changed=lambda: None)
    panel.draw()

    assert (app / ".env").read_text() == before
    assert [p for p in parts(panel.widget) if isinstance(p, w.Password | w.Text | w.Button)] == []
    assert "<td>API key</td><td>is set</td>" in told(panel.widget)
    assert KEY not in told(panel.widget)


def test_row_02_unless_the_operator_allows_it(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``SMSKIT_APP_CREDENTIALS=edit`` a visitor saves settings, as a person in the lab does."""
    monkeypatch.setenv("SMSKIT_APP_CREDENTIALS", "edit")
    with_key(app, monkeypatch).keep({"concurrency": "4"}, Store.DOTENV)

    assert "SMSKIT_YUNPIAN_CONCURRENCY=4" in (app / ".env").read_text()


@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere.example",
        "https://sms.yunpian.com:444",
        "http://sms.yunpian.com",
        "https://sms.yunpian.com.evil.example",
        "http://127.0.0.1:8000",
    ],
)
def test_row_02_a_key_stays_with_its_host(
    project: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    """A saved key does not go to another server: it is asked for anew, wherever somebody sits."""
    connector = with_key(project, monkeypatch)
    before = (project / ".env").read_text()
    with pytest.raises(SettingsError, match="type the key again"):
        connector.keep({"base_url": address}, Store.DOTENV)

    assert (project / ".env").read_text() == before


def test_row_02_a_key_typed_anew_goes_with_the_address(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Typed together they are saved; the same address again, or another path of it, needs no key."""
    connector = with_key(project, monkeypatch)
    connector.keep(ELSEWHERE | {"api_key": "for-elsewhere"}, Store.DOTENV)
    connector.keep({"base_url": "https://elsewhere.example/v3", "concurrency": "4"}, Store.DOTENV)
    kept = Environment()

    assert kept.get("SMSKIT_YUNPIAN_BASE_URL") == "https://elsewhere.example/v3"
    assert kept.secret("SMSKIT_YUNPIAN_API_KEY") == "for-elsewhere"


def test_row_02_a_key_of_the_environment_stays_there(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Typing another key does not help where the environment's own would be the one that is sent."""
    connector = with_key(project, monkeypatch)
    monkeypatch.setenv("SMSKIT_YUNPIAN_API_KEY", KEY)
    with pytest.raises(SettingsError, match="in the environment"):
        connector.keep(ELSEWHERE | {"api_key": "for-elsewhere"}, Store.DOTENV)
