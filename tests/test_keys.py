"""Keys as people copy them, and ``.env`` files as editors save them."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smskit.errors import SettingsError
from smskit.providers import credentials, provider_class, provider_names
from smskit.settings import Environment, trimmed, variable_of

KEY = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"
NAME = "SMSKIT_YUNPIAN_API_KEY"
AROUND = {
    "blanks": "  {}  ",
    "line-end": "{}\n",
    "windows": "{}\r\n",
    "tab": "\t{}\t",
    "no-break": "\u00a0{}\u202f",
    "full-width": "\u3000{}\u3000",
    "mark": "\ufeff{}",
    "no-width": "\u200b{}\u200b",
    "quotes": '"{}"',
    "curly": "“{}”",
    "all": " \u201c\ufeff{}\u201d\r\n",
}


def key_of(environment: Environment) -> str:
    """The key a request would carry."""
    settings = environment.provider("yunpian", provider_class("yunpian").Settings)
    found: str = settings.api_key.get_secret_value()  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize("form", AROUND.values(), ids=AROUND)
def test_what_is_around_a_key(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the environment, the panel and the keyring a key comes without what was copied along."""
    typed = form.format(KEY)
    credentials.save({NAME: typed}, credentials.Store.DOTENV, secrets=[NAME], folder=tmp_path)
    monkeypatch.setattr("smskit.settings._from_keyring", lambda name: typed if name == NAME else "")

    assert key_of(Environment({NAME: typed})) == KEY
    assert key_of(Environment({}, folder=tmp_path, keyring=False)) == KEY
    assert (tmp_path / ".env").read_text("utf-8") == f"{NAME}={KEY}\n"
    assert key_of(Environment({"SMSKIT_KEYRING": "1"})) == KEY


@given(st.text("\u00a0\u200b\ufeff \n\t'\"“”", max_size=4), st.text("\u3000\u200b \r\n'\"", max_size=4))
def test_any_blanks_around(before: str, after: str) -> None:
    """Whatever blanks and quotes stand around a key are not it; the key itself stays whole."""
    assert trimmed(before + KEY + after) == KEY
    assert trimmed(before + after) == ""


@pytest.mark.parametrize("blank", [" ", "\n", "\u00a0", "\u200b", "\u3000"])
@pytest.mark.parametrize("name", [n for n in provider_names() if n != "http"])
def test_a_blank_in_a_key(name: str, blank: str) -> None:
    """A key in two pieces is refused for every provider, by its variable; nothing of it is repeated."""
    model = provider_class(name).Settings
    fields = model.secret_fields()
    environ = {variable_of(name, field): f"half1{blank}half2" for field in fields}
    with pytest.raises(SettingsError, match="a blank or a line end in the middle") as caught:
        Environment(environ).provider(name, model)

    assert all(variable_of(name, field) in str(caught.value) for field in fields)
    assert "half" not in repr((caught.value, caught.value.__cause__))


def test_a_gateway_of_ones_own_may_have_blanks() -> None:
    """What a configured gateway takes for a credential may be ``Bearer …``."""
    model = provider_class("http").Settings
    (field, *_) = model.secret_fields()
    found = Environment({variable_of("http", field): " Bearer abc\n"}).provider("http", model)

    assert getattr(found, field).get_secret_value() == "Bearer abc"


ENCODINGS = {
    "utf-8": lambda text: text.encode(),
    "utf-8-mark": lambda text: codecs.BOM_UTF8 + text.encode(),
    "utf-16-le": lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
    "utf-16-be": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "gb18030": lambda text: text.encode("gb18030"),
}


@pytest.mark.parametrize("line", ["\n", "\r\n"], ids=["unix", "windows"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_dotenv_in_any_encoding(encoding: str, line: str, tmp_path: Path) -> None:
    """The first line, a comment and a value in 中文 are read; the panel adds a line, keeping them."""
    text = line.join([f"{NAME}={KEY}", "# 云片的密钥", "SMSKIT_NOTE=中文备注", ""])
    (tmp_path / ".env").write_bytes(ENCODINGS[encoding](text))
    before = Environment({}, folder=tmp_path, keyring=False)
    credentials.save({"SMSKIT_LANG": "en"}, credentials.Store.DOTENV, folder=tmp_path)
    after = Environment({}, folder=tmp_path, keyring=False)

    assert [e.get("SMSKIT_NOTE") for e in (before, after)] == ["中文备注"] * 2
    assert [key_of(e) for e in (before, after)] == [KEY] * 2
    assert after.get("SMSKIT_LANG") == "en"
    assert "# 云片的密钥" in (tmp_path / ".env").read_text("utf-8")


UNREADABLE = {
    "none": b"\xff\xff\xff\n",
    "half": codecs.BOM_UTF16_LE + b"a",
    "utf-16-without-mark": f"{NAME}={KEY}\n".encode("utf-16-le"),
    "utf-32": f"{NAME}={KEY}\n".encode("utf-32"),
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
def test_dotenv_in_no_encoding(content: bytes, tmp_path: Path) -> None:
    """A file that is none of them is refused by name, without what it holds."""
    (tmp_path / ".env").write_bytes(content)
    with pytest.raises(SettingsError, match=r"\.env cannot be read: it is neither UTF-8 nor GB18030"):
        Environment({}, folder=tmp_path)
