"""``smskit.settings``: where a setting is looked for, and that no error or repr shows what it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from pydantic import Field, SecretStr

from smskit.errors import SettingsError
from smskit.ledger import resolve_url
from smskit.settings import DEFAULT_DATABASE_URL, Environment, ProviderSettings, variable_of
from smskit.settings.places import project_root


class AcmeSettings(ProviderSettings):
    """Settings of a provider made for the purpose."""

    api_key: SecretStr
    region: str = ""
    lag_s: float = Field(default=1.0, ge=0)


class Keys(KeyringBackend):
    """A keyring that holds what a test puts in, and remembers what it was asked."""

    priority = 1.0  # type: ignore[assignment]

    def __init__(self, **held: str) -> None:
        super().__init__()
        self.held = held
        self.asked: list[tuple[str, str]] = []

    def get_password(self, service: str, username: str) -> str | None:
        self.asked.append((service, username))
        return self.held.get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        raise AssertionError("smskit only reads the keyring")


@pytest.fixture
def use_keyring() -> Iterator[Callable[[KeyringBackend], None]]:
    """Hands a keyring in, and puts back whatever was there."""
    before = keyring.get_keyring()
    yield keyring.set_keyring
    keyring.set_keyring(before)


def key_of(environment: Environment) -> str:
    return environment.provider("acme", AcmeSettings).api_key.get_secret_value()


# -- where ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "dotenv", "held", "expected"),
    [
        pytest.param("from-env", "from-file", "from-keyring", "from-env", id="environment-first"),
        pytest.param("", "from-file", "from-keyring", "from-file", id="empty-is-absent"),
        pytest.param(None, "from-file", "from-keyring", "from-file", id="file-before-keyring"),
        pytest.param(None, None, "from-keyring", "from-keyring", id="keyring-last"),
    ],
)
def test_order_of_places(
    tmp_path: Path,
    use_keyring: Callable[[KeyringBackend], None],
    environ: str | None,
    dotenv: str | None,
    held: str,
    expected: str,
) -> None:
    """The process environment wins over ``.env``, which wins over the keyring."""
    name = "SMSKIT_ACME_API_KEY"
    keys = Keys(**{name: held})
    use_keyring(keys)
    if dotenv:
        (tmp_path / ".env").write_text(f"{name}={dotenv}\n")
    environment = Environment({} if environ is None else {name: environ}, folder=tmp_path)

    assert key_of(environment) == expected
    assert (("smskit", name) in keys.asked) is (expected == "from-keyring")


def test_keyring_is_for_credentials_and_addresses(
    tmp_path: Path, use_keyring: Callable[[KeyringBackend], None]
) -> None:
    """Plain settings are not looked for in the keyring, and it can be switched off."""
    keys = Keys(SMSKIT_ACME_API_KEY="k", SMSKIT_ACME_REGION="cn", SMSKIT_DATABASE_URL="sqlite:///other.db")
    use_keyring(keys)
    on, off = Environment({}), Environment({"SMSKIT_KEYRING": "0"})

    assert on.provider("acme", AcmeSettings).region == ""
    assert on.database_url == resolve_url(DEFAULT_DATABASE_URL), "not the keyring's"
    assert off.secret("SMSKIT_ACME_API_KEY") == ""
    assert Environment({}, keyring=False).secret("SMSKIT_ACME_API_KEY") == ""
    assert set(keys.asked) == {("smskit", f"SMSKIT_ACME_{name}") for name in ("API_KEY", "BASE_URL")}


def test_a_machine_without_keyring(use_keyring: Callable[[KeyringBackend], None]) -> None:
    """Where there is no keyring service the credential is simply missing."""

    class Broken(Keys):
        def get_password(self, service: str, username: str) -> str | None:
            raise RuntimeError("no D-Bus here")

    use_keyring(Broken())

    with pytest.raises(SettingsError, match="SMSKIT_ACME_API_KEY is missing"):
        key_of(Environment({}))


def test_dotenv_is_looked_for_upwards_to_the_root(tmp_path: Path) -> None:
    """The nearest ``.env`` counts, up to the project's root and not above it."""
    root = tmp_path / "project"
    (root / "notebooks" / "deep").mkdir(parents=True)
    (root / "pyproject.toml").touch()
    (tmp_path / ".env").write_text("SMSKIT_LANG=en\nSMSKIT_ABOVE=1\n")
    above = Environment({}, folder=root / "notebooks")
    (root / ".env").write_text("SMSKIT_LANG=en\n")
    at_root = Environment({}, folder=root / "notebooks" / "deep")
    (root / "notebooks" / ".env").write_text("SMSKIT_LANG=zh\n")
    nearer = Environment({}, folder=root / "notebooks" / "deep")

    assert above.get("SMSKIT_ABOVE") == ""
    assert at_root.language == "en"
    assert nearer.language == "zh"


def test_an_environment_handed_in_is_all_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With an environment handed in, neither the process's own nor a ``.env`` is read."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("SMSKIT_LANG=en\n")
    monkeypatch.setenv("SMSKIT_ACME_API_KEY", "from-process")

    assert Environment().language == "en"
    assert Environment().get("SMSKIT_ACME_API_KEY") == "from-process"
    assert Environment({}).language == "zh"
    assert Environment({}).get("SMSKIT_ACME_API_KEY") == ""


@pytest.mark.parametrize(
    ("value", "language"), [("", "zh"), ("zh_CN", "zh"), ("en", "en"), ("EN-us", "en"), ("fr", "zh")]
)
def test_language(value: str, language: str) -> None:
    """Labels are Chinese unless English was asked for."""
    assert Environment({"SMSKIT_LANG": value}).language == language


# -- what a provider is told ---------------------------------------------------------------


def test_fields_come_from_their_variables() -> None:
    """Field ``x`` of provider ``p`` is ``SMSKIT_P_X``; what is not set has its default; overrides win."""
    environment = Environment(
        {
            "SMSKIT_ACME_API_KEY": "k",
            "SMSKIT_ACME_BASE_URL": "http://127.0.0.1:8765/",
            "SMSKIT_ACME_BATCH_SIZE": "50",
            "SMSKIT_ACME_REQUESTS_PER_SECOND": "0",
            "SMSKIT_ACME_CONCURRENCY": "3",
        }
    )
    made = environment.provider("acme", AcmeSettings, concurrency=9)

    assert variable_of("my-ssp", "base_url") == "SMSKIT_MY_SSP_BASE_URL"
    assert made.base_url == "http://127.0.0.1:8765"
    assert (made.batch_size, made.requests_per_second, made.concurrency) == (50, 0.0, 9)
    assert (made.timeout_s, made.lag_s) == (8.0, 1.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TIMEOUT_S", "-1"),
        ("TIMEOUT_S", "soon"),
        ("TIMEOUT_S", "nan"),
        ("REQUESTS_PER_SECOND", "-0.5"),
        ("CONCURRENCY", "0"),
        ("CONCURRENCY", "1.5"),
        ("CONCURRENCY", "10000"),
        ("BATCH_SIZE", "0"),
        ("BASE_URL", "sms.example.com/s3same"),
        ("LAG_S", "-3.25"),
    ],
)
def test_values_out_of_range_name_their_variable(name: str, value: str) -> None:
    """An impossible setting is refused by the name of its variable, without its value."""
    environ = {"SMSKIT_ACME_API_KEY": "k", f"SMSKIT_ACME_{name}": value}
    with pytest.raises(SettingsError) as caught:
        Environment(environ).provider("acme", AcmeSettings)

    assert f"SMSKIT_ACME_{name}: " in str(caught.value)
    assert value not in str(caught.value)
    assert caught.value.exit_code == 3


def test_everything_missing_is_named() -> None:
    """Missing credentials are named by their variables, all at once."""

    class Two(ProviderSettings):
        account: str
        password: SecretStr

    with pytest.raises(SettingsError) as caught:
        Environment({"SMSKIT_KEYRING": "0"}).provider("two", Two)

    assert "SMSKIT_TWO_ACCOUNT is missing" in str(caught.value)
    assert "SMSKIT_TWO_PASSWORD is missing" in str(caught.value)


# -- nothing secret ---------------------------------------------------------------------------


def test_secrets_are_not_shown() -> None:
    """Neither settings nor the environment show a credential in repr, str, dump or JSON."""
    environment = Environment({"SMSKIT_ACME_API_KEY": "sesame-open"})
    made = environment.provider("acme", AcmeSettings)
    shown = [repr(made), str(made), str(made.model_dump()), made.model_dump_json(), repr(environment)]

    assert made.api_key.get_secret_value() == "sesame-open"
    assert AcmeSettings.secret_fields() == ("api_key",)
    assert [text for text in shown if "sesame-open" in text] == []


def test_secrets_are_not_in_errors() -> None:
    """When another setting is wrong, the chain of errors holds no credential."""
    environ = {"SMSKIT_ACME_API_KEY": "sesame-open", "SMSKIT_ACME_TIMEOUT_S": "s3same"}
    with pytest.raises(SettingsError) as caught:
        Environment(environ).provider("acme", AcmeSettings)
    told, error = "", caught.value
    while error is not None:
        told += f"{error} {error!r} {error.args}"
        error = error.__cause__ or error.__context__  # type: ignore[assignment]

    assert "SMSKIT_ACME_TIMEOUT_S" in told
    assert "sesame-open" not in told
    assert "s3same" not in told


# -- where the ledger lies ---------------------------------------------------------------------


@pytest.mark.parametrize("start", [".", "notebooks", "notebooks/deep"])
def test_relative_database_is_in_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: str
) -> None:
    """A relative SQLite path means the same file from every folder of the project."""
    (tmp_path / "environment.yml").touch()
    (tmp_path / "notebooks" / "deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / start)

    assert project_root(Path.cwd()) == tmp_path
    assert resolve_url(DEFAULT_DATABASE_URL) == f"sqlite:///{tmp_path}/smskit.db"
    assert resolve_url("sqlite:///runs/a.db") == f"sqlite:///{tmp_path}/runs/a.db"


def test_without_a_project_the_working_folder_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside any project a relative SQLite path is taken from the working folder."""
    monkeypatch.chdir(tmp_path)
    assert project_root(tmp_path) is None, "a mark above the temporary folder would spoil this test"

    assert resolve_url("sqlite:///a.db") == f"sqlite:///{os.getcwd()}/a.db"


@pytest.mark.parametrize("url", ["sqlite:////var/lib/a.db", "postgresql+psycopg://bi:s3same@db:5432/sms"])
def test_other_urls_stay(url: str) -> None:
    """Absolute paths and other databases are left as they are, password included."""
    assert resolve_url(url) == url
