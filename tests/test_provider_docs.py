"""What is written about providers is what they declare: the reference's table, pages, index."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from smskit.cli.commands import app
from smskit.cli.provider_pages import PLACES, _does, builtin_names, files, markdown, overview, page, plain
from smskit.errors import SmskitError
from smskit.i18n import Language
from smskit.models import About, Code, CodeClass
from smskit.providers import Feature, provider_class, provider_names
from smskit.providers.declared import settings_of
from smskit.sending.rehearsal import limits_of
from smskit.settings import Environment, variable_of
from tests.conftest import ROOT

LANGUAGES = sorted(PLACES)


@pytest.fixture(scope="module")
def wanted() -> dict[Path, str]:
    """Every generated file as it should read."""
    return files(ROOT)


def test_files_are_current(wanted: dict[Path, str]) -> None:
    """Reference and pages are what is declared; `python -m smskit.cli.provider_pages` writes them anew."""
    stale = [path.name for path, text in wanted.items() if not path.exists() or path.read_text() != text]

    assert stale == [], "run `python -m smskit.cli.provider_pages`"


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_is_left_over(wanted: dict[Path, str], language: str) -> None:
    """A page whose provider is gone, or one that the index does not link, shows; in both languages."""
    pages = ROOT / PLACES[language]
    index = (pages / "README.md").read_text("utf-8")
    there = {path.name for path in pages.glob("*.md")} - {"README.md"}

    assert there == {path.name for path in wanted if path.parent == pages}
    assert there == {f"{name}.md" for name in builtin_names()}
    assert [name for name in there if f"]({name})" not in index] == []


@pytest.mark.parametrize(
    "path",
    [
        "docs/reference.md",
        "docs/providers/README.md",
        "docs/providers/http.md",
        "docs/zh/providers/README.md",
        "docs/zh/providers/http.md",
    ],
)
def test_links_lead_somewhere(path: str) -> None:
    """Every relative link points at a file of the checkout."""
    text = (ROOT / path).read_text("utf-8")
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", text)

    assert links
    assert [link for link in links if not ((ROOT / path).parent / link).exists()] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", provider_names())
def test_page_holds_everything_declared(name: str, language: str) -> None:
    """Every setting, code, rule and step a provider declares stands on its page, in the page's language."""
    cls, text, words = provider_class(name), page(name, language), Language(language).render
    codes = {code for table in cls.code_tables().values() for code in table} | set(cls.receipt_codes)
    meanings = [code.meaning for table in cls.code_tables().values() for code in table.values()]
    steps = [words(code.next_step) for table in cls.code_tables().values() for code in table.values()]
    english = {"en": True, "zh": False}[language]
    rules = [
        part
        for rule in cls.template_rules
        for part in (rule.zh, rule.source, *([rule.en] if english else []))
    ]
    console = map(words, cls.console_steps)
    fields = [f"`{variable_of(name, field)}`" for field in cls.Settings.model_fields]
    missing = [part for part in (*fields, *meanings, *steps, *rules, *console) if part not in text]

    assert missing == []
    assert [code for code in codes if f"| `{code}` |" not in text] == []
    assert (
        cls.codes.items()
        <= {code: row for table in cls.code_tables().values() for code, row in table.items()}.items()
    )
    assert cls.title in text
    assert cls.console_url in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", provider_names())
def test_tables_are_tables(name: str, language: str) -> None:
    """Each row of a page has as many cells as its head: a | in a word is escaped."""
    for block in re.split(r"\n\n+", page(name, language)):
        rows = [line for line in block.splitlines() if line.startswith("|")]

        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) <= 1


@pytest.mark.parametrize("name", builtin_names())
def test_console_steps_are_there(name: str) -> None:
    """Somebody without an account is told how to come by one."""
    assert len(provider_class(name).console_steps) >= 3


def test_table_is_what_is_declared() -> None:
    """Capabilities and limits in the table are the classes' own."""
    rows = {row.name: row for row in overview(provider_names())}

    assert list(rows) == provider_names()
    for name, row in rows.items():
        cls = provider_class(name)
        for feature in (Feature.REPLIES, Feature.BALANCE, Feature.TEMPLATES, Feature.SIGNATURES):
            assert (getattr(row, feature.value) == "yes") is (feature in cls.features)
        assert (row.receipts == "one by one") is (Feature.RECEIPTS_BY_QUERY in cls.features)
        if row.same is not None:
            limits = limits_of(name, Environment({}))
            assert (row.same, row.different) == (limits.same, limits.different)
    assert rows["tencent"].records == "accepted only"
    assert rows["yunpian"].records == "yes"
    assert rows["chuanglan"].records == "no"
    assert rows["http"].receipts == "if configured"
    assert (rows["yunpian"].same, rows["yunpian"].most_same, rows["yunpian"].most_different) == (200, 1000, 1)
    assert (rows["aliyun"].most_same, rows["aliyun"].most_different) == (1000, 100)
    assert rows["yunpian"].credentials == ("SMSKIT_YUNPIAN_API_KEY",)
    assert rows["tencent"].credentials[-1] == "SMSKIT_TENCENT_APP_ID"
    assert rows["http"].credentials == ("SMSKIT_HTTP_CONFIG",)


def test_settings_of_this_machine_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table is about providers, not about how one is set up here; no credential shows in it."""
    before = overview(provider_names())
    for name, value in {
        "SMSKIT_YUNPIAN_API_KEY": "5ec2e7c0ffee5ec2e7c0ffee5ec2e7c0",
        "SMSKIT_YUNPIAN_BATCH_SIZE": "3",
        "SMSKIT_YUNPIAN_MULTI_SEND": "true",
        "SMSKIT_HTTP_CONFIG": "nowhere.yaml",
    }.items():
        monkeypatch.setenv(name, value)

    assert overview(provider_names()) == before
    assert "5ec2e7c0" not in markdown(before) + page("yunpian")


def test_command() -> None:
    """`smskit providers` prints the table for people, programs and the reference, without any credential."""
    rows = overview(provider_names())
    printed = {
        option: CliRunner().invoke(app, ["providers", *option.split()], catch_exceptions=False).stdout
        for option in ("", "--json", "--markdown")
    }
    data: list[dict[str, Any]] = json.loads(printed["--json"])

    assert printed[""] == plain(rows) + "\n"
    assert printed["--markdown"] == markdown(rows) + "\n"
    assert [row["name"] for row in data] == provider_names()
    assert data == json.loads(json.dumps([row._asdict() for row in rows]))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (Code(CodeClass.ACCEPTED, ""), "counts the person as accepted"),
        (Code(CodeClass.REFUSED, ""), "refuses this person, goes on with the others"),
        (Code(CodeClass.REFUSED, "", about=About.TEXT), "refuses the message; pauses after 20 in a row"),
        (
            Code(CodeClass.LATER, "", "", 30.0),
            "tries this person again after 30 s; pauses after 20 such people in a row",
        ),
        (
            Code(CodeClass.LATER, "", "", 60.0),
            "tries this person again after 1 min; pauses after 20 such people in a row",
        ),
        (
            Code(CodeClass.LATER, "", "", 3600.0),
            "keeps this person waiting for a run after 1 h, and goes on with the others",
        ),
        (
            Code(CodeClass.RETRY, "", "", 2.0),
            "nobody was messaged: slows down and tries again; pauses after 6 requests in a row, about "
            "different people",
        ),
        (Code(CodeClass.ACCOUNT, ""), "pauses the campaign; who is left keeps waiting"),
        (Code(CodeClass.UNKNOWN, ""), "unknown: does not send again; `smskit receipts` settles it"),
    ],
)
def test_what_smskit_does(code: Code, words: str) -> None:
    """A code's class in words: what the engine makes of it."""
    assert _does(code, Language("en")) == words


def test_settings_are_described() -> None:
    """What a field says of itself comes first, then what is the same for all providers."""
    yunpian = {setting.name: setting.help for setting in settings_of(provider_class("yunpian"))}
    aliyun = {setting.name: setting.help for setting in settings_of(provider_class("aliyun"))}

    assert yunpian["text_units"] == "One page says 500 characters, the support desk 400."
    assert yunpian["timeout_s"] == "Longest wait for an answer, seconds."
    assert yunpian["api_key"] == "A key of the account."
    assert aliyun["batch_size"].startswith("People in one SendSms;")


def test_reference_without_its_markers(tmp_path: Path) -> None:
    """Lost markers are named instead of the table being put anywhere."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "reference.md").write_text("# Reference\n", "utf-8")

    with pytest.raises(SmskitError, match="needs the lines <!-- parameters -->"):
        files(tmp_path)


@pytest.mark.parametrize("name", builtin_names())
def test_everything_declared_has_its_chinese(name: str) -> None:
    """Steps, settings and limits of a provider are told in Chinese, but for names."""
    cls, zh = provider_class(name), Language("zh")
    steps = [code.next_step for table in cls.code_tables().values() for code in table.values()]
    said = {*steps, *cls.console_steps, *(s.help for s in settings_of(cls))} - {""}

    assert sorted(text for text in said if not re.search("[\u4e00-\u9fff]", zh.render(text))) == []
    assert sorted(text for text in said if zh.render(text) == text) == []
    assert zh.render(cls.opt_out.source)


def test_chinese_pages_are_chinese() -> None:
    """No sentence of ours is left in English on a Chinese page, but for names and sources."""
    left = {}
    for name in builtin_names():
        text = re.sub(r"`[^`]*`|<[^>]*>|\([^)]*\)|[\w-]+(?:\.[\w-]+)+[^|\n]*", "", page(name, "zh"))
        left[name] = re.findall(r"(?:[A-Za-z']+ ){5,}[A-Za-z']+", text)

    assert {name: runs for name, runs in left.items() if runs} == {}
