"""``smskit.providers.credentials``: what is saved is read back, lies in one place, and the rest stays."""

from __future__ import annotations

import io
import os
import stat
import string
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import keyring
import pytest
from dotenv import dotenv_values
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keyring.backend import KeyringBackend
from keyring.backends import fail

from smskit.errors import SettingsError
from smskit.providers import credentials
from smskit.providers.credentials import Store, forget, is_exposed, keyring_problem, rewrite, save
from smskit.settings import Environment, Source

KEY, SECRET = "SMSKIT_ACME_API_KEY", "canary-5ec2e7c0ffee"
BEFORE = """# the ledger
SMSKIT_DATABASE_URL=sqlite:///mine.db

export OTHER="a b"  # theirs
"""


class Keys(KeyringBackend):
    """A keyring that keeps what it is given."""

    priority = 1.0  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[str, str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.held.get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.held[username]


class Locked(Keys):
    """A keyring that says, with what it was given, that it will not."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise RuntimeError(f"no room for {password}")


class Forgetful(Keys):
    """A keyring that takes everything and keeps nothing."""

    def set_password(self, service: str, username: str, password: str) -> None:
        pass


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder to work in, with nothing of ours in it."""
    (tmp_path / "environment.yml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[Keys]:
    """A working keyring, and the one that was there again afterwards."""
    before, held = keyring.get_keyring(), Keys()
    monkeypatch.delenv("SMSKIT_KEYRING")
    keyring.set_keyring(held)
    yield held
    keyring.set_keyring(before)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# -- the file ------------------------------------------------------------------------------


def test_the_file_is_its_owners_and_the_rest_stays(folder: Path) -> None:
    """A key is added to a ``.env`` that others wrote, changed and taken out; only its own line moves."""
    file = folder / ".env"
    file.write_text(BEFORE)
    file.chmod(0o644)
    added = save({KEY: SECRET}, Store.DOTENV, secrets=[KEY])
    first = (file.read_text(), mode_of(file), Environment().secret(KEY))
    save({KEY: "other-key"}, Store.DOTENV, secrets=[KEY])
    second = file.read_text()
    forget([KEY])

    assert added.file == file
    assert first == (f"{BEFORE}{KEY}={SECRET}\n", 0o600, SECRET)
    assert second == f"{BEFORE}{KEY}=other-key\n"
    assert file.read_text() == BEFORE
    assert [p.name for p in folder.iterdir() if p.name.startswith(".env")] == [".env"]


def test_one_file_for_a_project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the notebooks' folder the key goes into the project's root, where everything reads it."""
    (folder / "notebooks").mkdir()
    monkeypatch.chdir(folder / "notebooks")
    written = save({KEY: SECRET}, Store.DOTENV, secrets=[KEY])
    monkeypatch.chdir(folder)

    assert written.file == folder / ".env"
    assert Environment().secret(KEY) == SECRET


VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.dictionaries(st.sampled_from(["SMSKIT_A_KEY", "SMSKIT_A_PASSWORD", "OTHER"]), VALUES))
def test_whatever_is_written_is_read_back(folder: Path, values: dict[str, str]) -> None:
    """Each value is read back as it was given, or refused by name while the file stays as it was."""
    file = folder / ".env"
    file.write_text(BEFORE)
    if any("${" in value for value in values.values()):  # what .env files may expand
        with suppress(SettingsError):
            rewrite(file, values)
            assert values.items() <= dotenv_values(stream=io.StringIO(file.read_text())).items()
        return
    rewrite(file, values)
    found = dotenv_values(stream=io.StringIO(file.read_text()))

    assert {name: found[name] for name in values} == values
    assert found["SMSKIT_DATABASE_URL"] == "sqlite:///mine.db"


def test_a_value_the_file_would_change_is_refused(folder: Path) -> None:
    """``${HOME}`` in a password would be read back as a folder; it is refused, the value is not repeated."""
    with pytest.raises(SettingsError, match=KEY) as caught:
        save({KEY: f"{SECRET}${{HOME}}"}, Store.DOTENV, secrets=[KEY])

    assert SECRET not in str(caught.value)
    assert not (folder / ".env").exists()


def test_a_file_that_cannot_be_written(folder: Path) -> None:
    """A ``.env`` that is a folder is named, and no key with it."""
    (folder / "sub").mkdir()
    with pytest.raises(SettingsError, match="cannot be") as caught:
        rewrite(folder / "sub", {KEY: SECRET})

    assert SECRET not in str(caught.value)


def test_a_killed_write_leaves_the_old_file(folder: Path) -> None:
    """The process is ended while the new file is being made: the old one is whole."""
    file = folder / ".env"
    file.write_text(BEFORE)
    code = (
        "import os; from pathlib import Path; from smskit.providers import credentials\n"
        "os.fsync = lambda number: os._exit(9)\n"
        f"credentials.rewrite(Path({str(file)!r}), {{{KEY!r}: {SECRET!r}}})"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)
    left = [p for p in folder.iterdir() if p.name.startswith(".env-")]

    assert done.returncode == 9
    assert file.read_text() == BEFORE
    assert [mode_of(p) for p in left] == [0o600], "what was left half-written is its owner's only"


@pytest.mark.parametrize(
    ("ignored", "exposed"), [("", True), (".env\n", False)], ids=["not-ignored", "ignored"]
)
def test_git_would_take_it(folder: Path, ignored: str, exposed: bool) -> None:
    """In a repository whose .gitignore does not name ``.env`` it is said that git would take the keys."""
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    (folder / ".gitignore").write_text(ignored)
    written = save({KEY: SECRET}, Store.DOTENV, secrets=[KEY])

    assert written.exposed is exposed
    assert is_exposed(folder / ".env") is exposed


def test_no_repository_takes_nothing(folder: Path) -> None:
    """Outside of a repository nothing can be committed."""
    assert not is_exposed(folder / ".env")


# -- the keyring ---------------------------------------------------------------------------


def test_the_keyring_holds_secrets_only(folder: Path, keys: Keys) -> None:
    """A key goes into the keyring, a plain setting beside it into the file; both are found."""
    written = save({KEY: SECRET, "SMSKIT_ACME_REGION": "north"}, Store.KEYRING, secrets=[KEY])
    found = Environment()

    assert keys.held == {KEY: SECRET}
    assert (folder / ".env").read_text() == "SMSKIT_ACME_REGION=north\n"
    assert written.file == folder / ".env"
    assert (found.secret(KEY), found.source(KEY)) == (SECRET, Source.KEYRING)
    assert found.source("SMSKIT_ACME_REGION") is Source.DOTENV


def test_a_key_lives_in_one_place(folder: Path, keys: Keys) -> None:
    """Saved elsewhere it leaves where it was, so that no old key is found again later."""
    save({KEY: "one"}, Store.DOTENV, secrets=[KEY])
    save({KEY: "two"}, Store.KEYRING, secrets=[KEY])
    moved = ((folder / ".env").read_text(), dict(keys.held), Environment().secret(KEY))
    save({KEY: "three"}, Store.DOTENV, secrets=[KEY])

    assert moved == ("", {KEY: "two"}, "two")
    assert keys.held == {}
    assert Environment().secret(KEY) == "three"
    assert forget([KEY]) == ()
    assert Environment().source(KEY) is Source.NOWHERE


def test_forgetting_empties_the_keyring(folder: Path, keys: Keys) -> None:
    """What is forgotten is in no place any more; forgetting twice is no error."""
    save({KEY: SECRET}, Store.KEYRING, secrets=[KEY])
    forget([KEY])
    forget([KEY])

    assert keys.held == {}


@pytest.mark.parametrize(
    ("backend", "words"),
    [
        pytest.param(fail.Keyring, "this machine has no keyring service", id="none"),
        pytest.param(Locked, r"the keyring refused \(RuntimeError\)", id="refuses"),
        pytest.param(Forgetful, "did not keep", id="forgets"),
    ],
)
def test_without_a_keyring_the_file_is_offered(
    folder: Path, keys: Keys, backend: type[KeyringBackend], words: str
) -> None:
    """A keyring that does not work is said in words that offer ``.env`` and do not repeat the key."""
    keyring.set_keyring(backend())
    with pytest.raises(SettingsError, match=words) as caught:
        save({KEY: SECRET}, Store.KEYRING, secrets=[KEY])

    assert "choose the .env file instead" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert not (folder / ".env").exists()


def test_a_keyring_that_is_switched_off(folder: Path) -> None:
    """``SMSKIT_KEYRING=0`` (as in all tests) is said, and nothing is asked."""
    assert "SMSKIT_KEYRING=0" in keyring_problem()


# -- what is hidden ------------------------------------------------------------------------


def test_the_process_comes_first(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of the process's environment hides what is saved, which is told; it cannot be deleted here."""
    monkeypatch.setenv(KEY, "from-outside")
    written = save({KEY: SECRET}, Store.DOTENV, secrets=[KEY])

    assert written.hidden == (KEY,)
    assert Environment().source(KEY) is Source.PROCESS
    assert forget([KEY]) == (KEY,)


def test_nothing_shows_a_value(folder: Path) -> None:
    """What saving answers names variables and files only."""
    written = save({KEY: SECRET}, Store.DOTENV, secrets=[KEY])

    assert SECRET not in repr(written)
    assert set(credentials.__all__) <= set(dir(credentials))
    assert set(KEY) <= set(string.ascii_uppercase + "_")
    assert os.environ.get(KEY) is None
