"""Rows 3, 5, 19, 20, 23, 26 and 27 of the security table: queries, parameters, ``.env``, hooks, keyrings."""

from __future__ import annotations

import json
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from smskit import allowed
from smskit.audience import segment
from smskit.errors import InputError, SegmentError, SettingsError, SpecError
from smskit.ledger.opening import open_ledger
from smskit.models import Mode
from smskit.notebook import accounts
from smskit.notebook.base import draft_of
from smskit.notebook.host import Host
from smskit.notebook.send import Notebook
from smskit.planning.draft import Draft
from smskit.planning.phones_for_tests import numbers_of
from smskit.planning.spec import CampaignSpec
from smskit.providers import credentials, get_provider
from smskit.providers.credentials import Store
from smskit.sending.notify import hook_of
from smskit.sending.origin import Origin
from smskit.sending.rehearsal import as_set_up, provider_for
from smskit.sending.session import open_campaign
from smskit.settings import Environment, Source
from tests.postgres import Server
from tests.test_cli import Desk, Run
from tests.test_credentials import Keys, keys  # noqa: F401

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
KEY = "0f" * 16
PHONE = "13912345678"
BARE = {"campaign": "c", "segment": "people.csv", "signature": "云片", "template": "您好，拒收请回复R"}


# -- row 3: queries --------------------------------------------------------------------------


@pytest.fixture
def people(postgres: Server) -> Iterator[Server]:
    """A server with a table of five."""
    with postgres.connect() as session:
        session.execute(
            "CREATE TABLE u AS SELECT 13800138000 + n AS phone, 'a%' AS name FROM generate_series(0, 4) n"
        )
        yield postgres
        session.execute("DROP TABLE u")


def count(server: Server) -> int:
    with server.connect() as session:
        found = session.execute("SELECT count(*) FROM u").fetchone()
    assert found is not None
    return int(found[0])


@pytest.mark.parametrize(
    "query",
    [
        "COMMIT; DELETE FROM u; SELECT 1 AS phone",
        "SELECT 1 AS phone; COMMIT; SET default_transaction_read_only = off; DELETE FROM u",
        "ROLLBACK; DELETE FROM u",
        "DELETE FROM u RETURNING phone",
        "WITH gone AS (DELETE FROM u RETURNING phone) SELECT phone FROM gone",
        "COPY (SELECT 1) TO PROGRAM 'touch {server}/rce'",
        "COMMIT; COPY (SELECT 1) TO PROGRAM 'touch {server}/rce'; SELECT 1 AS phone",
        "DROP TABLE u",
        "DO $$BEGIN DELETE FROM u; END$$",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "$$; DELETE FROM u; --",
        "'); DELETE FROM u; --",
    ],
)
def test_row_03_postgresql_takes_one_select(people: Server, query: str) -> None:
    """Whatever else a query says is refused by the server, and nothing of it happens."""
    with pytest.raises(SegmentError, match="the query failed"):
        segment.load(people.url(), query=query.format(server=people.folder))

    assert count(people) == 5
    assert not (people.folder / "rce").exists()


@pytest.mark.parametrize("end", ["", ";", " -- all of them", "\n"])
def test_row_03_postgresql_select_reads(people: Server, end: str) -> None:
    """A SELECT is answered with its types; percent signs, colons and quotes reach the server as they are."""
    query = (
        "WITH x AS (SELECT * FROM u) "
        "SELECT phone, phone % 2 = 0 AS even, ':x' AS c FROM x WHERE name LIKE 'a%'"
    )
    found = segment.load(people.url(), query=f"{query} ORDER BY phone DESC{end}")

    assert list(found["phone"]) == [str(13800138004 - n) for n in range(5)]
    assert list(found["even"]) == [True, False, True, False, True]
    assert set(found["c"]) == {":x"}
    assert segment.load(people.url(), query="SELECT phone FROM u WHERE false").empty


@pytest.mark.parametrize("backend", ["mysql+pymysql", "mssql+pyodbc", "oracle+oracledb"])
@pytest.mark.parametrize("role", ["", "read-only"])
def test_row_03_other_databases_need_a_word(monkeypatch: pytest.MonkeyPatch, backend: str, role: str) -> None:
    """Where nothing keeps a query from writing, a person has to say that its role does."""
    import sqlalchemy as sa

    made = sa.create_mock_engine(sa.make_url("sqlite://"), lambda *_: None)
    monkeypatch.setattr(sa, "create_engine", lambda *_, **__: made)
    with pytest.raises(SegmentError) as refused:
        segment.load(
            f"{backend}://reader@127.0.0.1/x", query="SELECT 1", environ={"SMSKIT_SEGMENT_ROLE": role}
        )

    asked = f"cannot keep a query of {backend.partition('+')[0]} from writing" in str(refused.value)
    assert asked is (not role)


@pytest.mark.parametrize("command", ["validate", "explain"])
def test_row_03_looking_at_a_file_runs_no_query(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Looking at a file runs its query only when asked to, and says so."""
    asked: list[str] = []

    def load(source: str, *, query: str, **_: Any) -> Any:
        asked.append(query)
        raise SegmentError("not here")

    monkeypatch.setattr(segment, "load", load)
    monkeypatch.setenv("SMSKIT_SEGMENT_ROLE", "read-only")
    monkeypatch.setenv("SMSKIT_LANG", "en")
    file = tmp_path / "c.yaml"
    rules = [{"column": "n", "op": ">", "value": 1}]
    file.write_text(yaml.safe_dump(BARE | {"segment": "env:DB", "segment_query": "SELECT 1", "rules": rules}))

    quiet, loud = run(command, file), run(command, file, "--query")

    assert "its query is run with --query only" in quiet.out
    assert asked == ["SELECT 1"]
    assert "not here" in loud.out
    assert all("SMSKIT_SEGMENT_ROLE=read-only" in done.out for done in (quiet, loud))


def test_row_03_a_check_shows_the_word(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks whether all is set up reads that queries are run on somebody's word."""
    monkeypatch.setenv("SMSKIT_SEGMENT_ROLE", "read-only")

    assert "SMSKIT_SEGMENT_ROLE=read-only" in run("check", "yunpian").err


# -- rows 5 and 19: parameters ------------------------------------------------------------------


def test_row_05_test_phones_are_elsewhere(tmp_path: Path) -> None:
    """A variable or a file of the owner's alone holds the numbers; they are read where they are needed."""
    file = tmp_path / "phones.txt"
    file.write_text(f"{PHONE}\n+86 13800138000".replace(" ", ""), encoding="utf-8")
    file.chmod(0o600)
    entries = ["env:TEST", "file:phones.txt", "13800138001"]

    found = numbers_of(entries, {"TEST": "139-1234-5678，13700137000"}, tmp_path / "campaign.yaml")

    assert found == [8613912345678, 8613700137000, 8613800138000, 8613800138001]
    assert CampaignSpec(**BARE, test_phones="env:TEST").test_phones == ["env:TEST"]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("file:open.txt", "other users can read"),
        ("file:gone.txt", "cannot be read"),
        ("env:NOBODY", "holds no number"),
        ("env:KEY", "no mobile number"),
    ],
)
def test_row_05_what_test_phones_refuse(tmp_path: Path, entry: str, words: str) -> None:
    """A file that others can read is refused, and nothing of what stands in a place is repeated."""
    (tmp_path / "open.txt").write_text(PHONE)
    (tmp_path / "open.txt").chmod(0o644)

    with pytest.raises(InputError, match=words) as refused:
        numbers_of([entry], {"KEY": KEY}, tmp_path / "campaign.yaml")

    assert not any(secret in str(refused.value) for secret in (KEY[:6], PHONE))


def test_row_05_the_app_reads_no_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A visitor cannot have a variable or a file of the server read as test phones."""
    monkeypatch.setenv("SMSKIT_APP_WORKSPACE", str(tmp_path))
    with pytest.raises(InputError, match="in the app"):
        numbers_of(["env:TEST"], {"TEST": PHONE}, None)


def test_row_05_numbers_go_into_no_file(tmp_path: Path) -> None:
    """Numbers given in the open are left out of what is written, references stay."""
    spec = CampaignSpec(**BARE, test_phones=[PHONE, "env:TEST"])
    file = tmp_path / "c.yaml"
    Draft(spec.to_data()).save(file)

    assert PHONE not in spec.to_yaml() + repr(spec) + file.read_text()
    assert (
        CampaignSpec.from_yaml(file).test_phones
        == yaml.safe_load(spec.to_yaml())["test_phones"]
        == ["env:TEST"]
    )


@pytest.mark.kernel
def test_row_05_run_hands_numbers_over(desk: Desk, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test goes to the number, which the executed notebook does not hold, nor any file afterwards."""
    monkeypatch.chdir(desk.folder)
    done = run(
        "run", desk.file(mode="rehearse", test_phones=[PHONE]), "--folder", desk.folder / "runs", "--json"
    )
    assert done.code == 0, done.err
    tests = [row for row in open_ledger().campaigns.find() if ".test-" in row.name]
    notebook = Path(done.data["executed"])
    files = [
        f
        for f in desk.folder.rglob("*")
        if f.is_file() and "ledger" not in f.name and f.name != "campaign.yaml"
    ]

    assert len(tests) == 1
    assert "file:" in notebook.read_text("utf-8")
    assert notebook in files
    assert not [f for f in files if PHONE in f.read_text("utf-8", errors="replace")]
    assert not list(Path(tempfile.gettempdir()).glob("smskit-*/test_phones.txt"))


@pytest.mark.parametrize(("entry", "said"), [(PHONE, True), ("env:TEST", False)])
def test_row_05_what_papermill_wrote_down_is_said(
    desk: Desk, capsys: pytest.CaptureFixture[str], entry: str, said: bool
) -> None:
    """Notebook 03 shows how many numbers there are, and says where papermill has left them in full."""
    spec = CampaignSpec.from_yaml(desk.file(mode="plan", test_phones=[entry]))
    origin = Origin(executed="/srv/runs/out.ipynb")
    print(Notebook(Draft(spec.to_data()), may_send=False, host=Host.PROGRAM, origin=origin).parameters())
    shown = capsys.readouterr().out

    assert ("/srv/runs/out.ipynb" in shown) is said
    assert ("env:TEST" in shown) is not said
    assert PHONE not in shown


@pytest.mark.parametrize(
    "value", ["13800138000", 13800138000, "+86 138 0013 8000", "１３８-００１３-８００３"]
)
@pytest.mark.parametrize("shape", ["{v}", "[{v}]"])
def test_row_05_rules_hold_no_phone(value: str | int, shape: str) -> None:
    """A phone as a rule's value is refused with what to do instead, wherever it stands, and not repeated."""
    inner = value if shape == "{v}" else ["a", value]
    rules = {
        "any": [
            {"column": "x", "op": ">", "value": 3},
            {"not": {"column": "phone", "op": "in", "value": inner}},
        ]
    }
    with pytest.raises(SpecError, match="choose people by their user id") as refused:
        CampaignSpec(**BARE, rules=rules)

    assert str(value) not in str(refused.value)


@pytest.mark.parametrize(
    "value", ["138", "2026-11-23", 1300013, "order 1380013800", 20261123101530, True, None]
)
def test_row_05_other_values_stay(value: Any) -> None:
    """Dates, amounts and ids that are no phone are values as before."""
    assert CampaignSpec(**BARE, rules=[{"column": "x", "op": "==", "value": value}]).rules


def test_row_05_what_was_started_goes_on(tmp_path: Path, desk: Desk) -> None:
    """A campaign that an older version started with such a rule can be gone on with from the ledger."""
    rules = [{"column": "phone", "op": "in", "value": [PHONE]}]
    spec = CampaignSpec.as_started({**BARE, "rules": rules})
    assert spec.rules == rules
    assert spec.definition()["rules"] == rules


@pytest.mark.parametrize(
    "place",
    [
        "postgresql://db/crm?sslpassword=S3same",
        "postgresql://db/crm?user=a&password=S3same",
        "mssql+pyodbc:///?odbc_connect=DRIVER%3Dx%3BPWD%3DS3same",
        "postgresql://me:S3same@db/crm",
        "snowflake://db/crm?token=S3same",
        "snowflake://me@db/crm?private_key=S3same",
        "bigquery://crm/people?credentials_base64=S3same",
    ],
)
def test_row_19_passwords_in_urls(tmp_path: Path, run: Run, place: str) -> None:
    """A password anywhere in a URL is refused before anything is written, and not repeated."""
    file = tmp_path / "c.yaml"
    file.write_text(yaml.safe_dump(BARE | {"segment": place, "segment_query": "SELECT 1"}))
    ended = [run(*command, file) for command in (["validate"], ["run", "--folder", tmp_path / "runs"])]

    assert [done.code for done in ended] == [2, 2]
    assert all("looks like a credential" in done.out + done.err for done in ended)
    assert not any("S3same" in done.out + done.err for done in ended)
    assert not list(tmp_path.rglob("*.ipynb"))


@pytest.mark.parametrize(
    "place", ["postgresql://db:5432/crm?sslmode=require&application_name=sms", "env:CRM_URL"]
)
def test_row_19_other_urls_stay(place: str) -> None:
    """Options that are no secret, and links in a text, are parameters as before."""
    text = "详情 https://a.example/x?token=1 拒收请回复R"
    assert CampaignSpec(**BARE | {"segment": place, "template": text}).segment == place


@pytest.mark.parametrize("known", [True, False])
def test_row_19_a_key_that_papermill_wrote_down(known: bool) -> None:
    """The refusal of a key says where it stands now, and what to do."""
    names = {"In": [f'# Parameters\nyunpian_api_key = "{KEY}"\n'], "yunpian_api_key": KEY}
    where = {"PAPERMILL_OUTPUT_PATH": "/srv/runs/out.ipynb"} if known else {}
    with pytest.raises(SpecError) as refused:
        draft_of(names | where, Host.PROGRAM)

    place = "/srv/runs/out.ipynb" if known else "the notebook that papermill writes"
    assert f"it now stands in {place}: delete that and change the key" in str(refused.value)
    assert KEY not in str(refused.value)


# -- row 20: a folder's .env -----------------------------------------------------------------------

HOSTILE = "SMSKIT_YUNPIAN_BASE_URL=http://127.0.0.1:9\nSMSKIT_ON_RUN_END_COMMAND=touch X\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Somebody else's project, with a ``.env``."""
    made = tmp_path / "theirs"
    made.mkdir()
    (made / "pyproject.toml").touch()
    (made / ".env").write_text(HOSTILE + f"SMSKIT_YUNPIAN_API_KEY={KEY}\n", encoding="utf-8")
    (made / ".env").chmod(0o600)
    monkeypatch.chdir(made)
    return made


def test_row_20_nothing_counts_until_allowed(folder: Path, run: Run) -> None:
    """Addresses and hooks of a folder's file are refused in words, then count, until the file is changed."""

    def refused() -> bool:
        with pytest.raises(SettingsError, match=r"\.env sets SMSKIT_.*smskit allow"):
            get_provider("yunpian", Environment())
        with pytest.raises(SettingsError, match="smskit allow"):
            hook_of(Environment(), live=True)
        return hook_of(Environment()).command == ""

    assert refused()
    done = run("allow")
    assert (done.code, "touch X" in done.out, KEY in done.out) == (0, True, False)
    assert get_provider("yunpian", Environment()).addresses == ("http://127.0.0.1:9",)
    assert hook_of(Environment(), live=True).command == "touch X"
    assert str(folder / ".env") in run("allow", "--list").out
    with (folder / ".env").open("a", encoding="utf-8") as file:
        file.write("SMSKIT_LANG=en\n")
    assert refused()
    assert "changed since" in run("allow", "--list").out
    run("allow"), run("allow", "--forget")
    assert refused()


def test_row_20_a_rehearsal_needs_neither(folder: Path) -> None:
    """A rehearsal goes on, runs no command, and its record says why nobody was told."""
    spec = {**BARE, "segment": str(folder / "people.csv"), "mode": "rehearse"}
    (folder / "people.csv").write_text("user_id,phone\nu1,13800138000\n", encoding="utf-8")
    campaign = open_campaign(spec)
    campaign.send()

    assert campaign.status()["accepted"] == 1
    assert not (folder / "X").exists()
    assert "smskit allow" in open_ledger().runs.find()[-1].told


def test_row_20_a_key_from_elsewhere_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of the environment meets no address of a folder's file, allowed or not."""
    monkeypatch.setenv("SMSKIT_YUNPIAN_API_KEY", KEY)
    allowed.allow(folder / ".env")
    with pytest.raises(SettingsError, match="does not say where other keys go"):
        get_provider("yunpian", Environment())

    assert as_set_up("yunpian", Environment()).addresses == ("https://sms.yunpian.com",)
    with provider_for("yunpian", Mode.REHEARSE, Environment()) as provider:
        assert "127.0.0.1" in provider.addresses[0]
    monkeypatch.setenv("SMSKIT_YUNPIAN_BASE_URL", "https://mine.example")
    assert get_provider("yunpian", Environment()).addresses == ("https://mine.example",)


def test_row_20_what_a_person_writes_is_allowed(folder: Path) -> None:
    """Page 01's own writing counts at once; in a file with what somebody else put there it does not."""
    values = {"SMSKIT_ALIYUN_BASE_URL": "https://mine.example", "SMSKIT_ALIYUN_ACCESS_KEY_ID": "a"}
    credentials.save(values, Store.DOTENV)
    assert not allowed.is_allowed(folder / ".env")

    (folder / ".env").unlink()
    credentials.save(values, Store.DOTENV)
    assert allowed.is_allowed(folder / ".env")
    credentials.save({"SMSKIT_LANG": "en"}, Store.DOTENV)
    assert Environment().get("SMSKIT_ALIYUN_BASE_URL") == "https://mine.example"
    assert Environment().source("SMSKIT_ALIYUN_BASE_URL") is Source.DOTENV
    store = Path(os.environ["SMSKIT_CONFIG_FOLDER"]) / "allowed.json"
    assert stat.S_IMODE(store.stat().st_mode) == 0o600


def test_row_20_a_key_and_its_address_stay_together(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    keys: Keys,  # noqa: F811
) -> None:
    """Page 01 keeps an address where the key is, so that the two meet."""
    monkeypatch.chdir(tmp_path)
    values = {"api_key": KEY, "base_url": "https://mine.example", "concurrency": "4"}
    accounts.save("yunpian", values, Store.KEYRING, environment=Environment())

    assert sorted(keys.held.values()) == [KEY, "https://mine.example"]
    assert get_provider("yunpian", Environment()).addresses == ("https://mine.example",)
    accounts.save("yunpian", values, Store.DOTENV, environment=Environment())
    assert keys.held == {}
    assert get_provider("yunpian", Environment()).addresses == ("https://mine.example",)


def test_row_20_a_readable_file_is_remarked(folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that look at the set-up say that other users can read the keys."""
    monkeypatch.setenv("SMSKIT_LANG", "en")
    file = folder / "c.yaml"
    file.write_text(yaml.safe_dump(BARE), encoding="utf-8")
    assert "other users" not in run("validate", file).err
    (folder / ".env").chmod(0o644)

    assert "other users of this machine can read" in run("validate", file).err
    assert "other users of this machine can read" in run("check", "yunpian").err


# -- row 23: aliases ------------------------------------------------------------------------------


@pytest.mark.timeout(30)
def test_row_23_aliases_without_end(tmp_path: Path, run: Run) -> None:
    """A file of 700 bytes that unfolds to nine to the power of eight is refused in no time."""
    lines = ['a0: &a0 ["x","x","x","x","x","x","x","x","x"]']
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    file = tmp_path / "c.yaml"
    file.write_text("\n".join([*(f"{k}: {v}" for k, v in BARE.items()), *lines, "rules: *a8", ""]), "utf-8")
    done = run("validate", file)

    assert done.code == 2
    assert "aliases" in done.out


# -- rows 26 and 27: hooks and keyrings ---------------------------------------------------------------


def test_row_26_a_hook_gets_a_short_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command gets what programs need, the documented names and those a person lists, and nothing else."""
    monkeypatch.setenv("SMSKIT_DATABASE_URL", "postgresql://me:S3same@db/sms")
    monkeypatch.setenv("CRM_URL", "postgresql://me:S3same@db/crm")
    monkeypatch.setenv("SMSKIT_YUNPIAN_API_KEY", KEY)
    monkeypatch.setenv("SMSKIT_RUN_FILE", "/srv/weekly.yaml")
    monkeypatch.setenv("MAIL_TO", "me@example")
    (tmp_path / "hook.py").write_text(
        "import json, os, sys\njson.dump(dict(os.environ), open(sys.argv[1], 'w'))", encoding="utf-8"
    )
    command = f"{sys.executable} {tmp_path / 'hook.py'} {tmp_path / 'env'}"
    names = {"SMSKIT_ON_RUN_END_COMMAND": command, "SMSKIT_ON_RUN_END_VARIABLES": "MAIL_TO, MAIL_FROM"}

    assert hook_of(Environment(names)).tell({"state": "finished"}) == "command: exit 0"
    found = json.loads((tmp_path / "env").read_text())
    assert {"PATH", "SMSKIT_RUN_FILE", "MAIL_TO"} <= found.keys()
    assert not {n for n in found if n.startswith("SMSKIT_")} - {"SMSKIT_RUN_FILE", "SMSKIT_LANG"}
    assert not any(secret in str(found) for secret in ("S3same", KEY))


@pytest.mark.parametrize("chained", [False, True])
def test_row_27_a_plain_text_keyring_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, chained: bool
) -> None:
    """No key is put into a keyring that encrypts nothing, and a person reads why."""
    import keyring
    from keyring.backends.chainer import ChainerBackend

    plain: Any = type("PlaintextKeyring", (), {"__module__": "keyrings.alt.file"})()
    chain = ChainerBackend()
    monkeypatch.setattr(ChainerBackend, "backends", [plain])
    monkeypatch.setattr(keyring, "get_keyring", lambda: chain if chained else plain)
    monkeypatch.setattr(keyring, "set_password", lambda *_: pytest.fail("was asked to keep a key"))
    monkeypatch.setenv("SMSKIT_KEYRING", "1")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SettingsError, match=r"a file in plain text; choose the \.env"):
        credentials.save({"SMSKIT_YUNPIAN_API_KEY": KEY}, Store.KEYRING, secrets=["SMSKIT_YUNPIAN_API_KEY"])
