"""``smskit.notebook.accounts``: what is set up, what it answers, what can be chosen; over real HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from smskit.errors import InputError, SettingsError, SpecError, TemplateError
from smskit.i18n import Language
from smskit.ledger import Ledger
from smskit.message.template import Template
from smskit.models import Mode, Offer
from smskit.notebook import accounts
from smskit.notebook.accounts import AccountStatus, CheckScope
from smskit.notebook.sample import SIGNATURE, TEMPLATE
from smskit.planning.spec import CampaignSpec
from smskit.providers import Feature, provider_class, provider_names
from smskit.providers.credentials import Store
from smskit.providers.declared import settings_of
from smskit.settings import Environment, Source
from smskit.simulator import Simulator
from tests import live

WAYS = {way.provider: way for way in (live.SINGLES, live.ALIYUN, live.CHUANGLAN, live.TENCENT)}
EACH = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder to work in."""
    (tmp_path / "environment.yml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fields(way: live.Way, url: str) -> dict[str, str]:
    """What a person types into the form."""
    return {name.lower(): value for name, value in way.credentials.items()} | {"base_url": url}


def enter(way: live.Way, url: str, **other: str) -> None:
    values = fields(way, url) | other
    accounts.save(way.provider, values, Store.DOTENV, environment=Environment())


@EACH
def test_from_nothing_to_verified(folder: Path, ledger: Ledger, simulator: Simulator, way: live.Way) -> None:
    """Not set up, saved, verified; a new ledger handle knows it still; another key counts as saved only."""
    live.approve(simulator, way)
    absent = accounts.account(way.provider, Environment(), ledger)
    enter(way, simulator.url)
    saved = accounts.account(way.provider, Environment(), ledger)
    result = accounts.check(way.provider, Environment(), ledger)
    verified = accounts.account(way.provider, Environment(), ledger)
    again = Ledger(Environment().database_url)
    later = accounts.account(way.provider, Environment(), again)
    again.close()
    last = list(fields(way, ""))[-2]
    enter(way, simulator.url, **{last: "9" * 16})
    changed = accounts.account(way.provider, Environment(), ledger)

    assert (absent.status, saved.status, verified.status) == (
        AccountStatus.ABSENT,
        AccountStatus.SAVED,
        AccountStatus.VERIFIED,
    )
    assert "is missing" in absent.problem
    assert result.usable
    assert verified.answer is not None
    assert verified.answer.ok
    assert verified.balance == result.balance
    assert later == verified
    assert (changed.status, changed.answer) == (AccountStatus.SAVED, None)


@EACH
def test_bad_credentials(folder: Path, ledger: Ledger, simulator: Simulator, way: live.Way) -> None:
    """A wrong key is failing, with the provider's own code and a next step in both languages."""
    live.approve(simulator, way)
    wrong = {name: ("0" * len(value)) for name, value in fields(way, "").items() if name != "base_url"}
    enter(way, simulator.url, **wrong)
    result = accounts.check(way.provider, Environment(), ledger)
    failing = accounts.account(way.provider, Environment(), ledger)
    assert failing.answer is not None
    step = failing.answer.next_step

    assert not result.usable
    assert failing.status is AccountStatus.FAILING
    assert failing.answer.code
    assert failing.answer.meaning
    assert step
    assert Language("en").render(step) == step
    assert Language("zh").render(step) != step


@EACH
def test_a_host_that_does_not_answer(folder: Path, ledger: Ledger, way: live.Way) -> None:
    """Nobody at the address: failing, said in Chinese too, with the setting to look at."""
    enter(way, "http://127.0.0.1:9")
    accounts.check(way.provider, Environment(), ledger)
    said = accounts.account(way.provider, Environment(), ledger).answer
    assert said is not None
    zh = Language("zh")

    assert not said.ok
    assert "BASE_URL" in said.next_step
    assert zh.render(said.next_step) != said.next_step
    assert "无法连接" in zh.render(said.meaning)


@EACH
def test_the_ledger_holds_no_credential(
    folder: Path, ledger: Ledger, simulator: Simulator, way: live.Way
) -> None:
    """After saving and checking, the keys stand in ``.env`` and in no other file, not even in the ledger."""
    live.approve(simulator, way)
    enter(way, simulator.url)
    accounts.check(way.provider, Environment(), ledger)
    secrets = [v.encode() for n, v in way.credentials.items() if n != "APP_ID"]
    holding = {p.name for p in folder.rglob("*") if p.is_file() for v in secrets if v in p.read_bytes()}

    assert holding == {".env"}


def test_a_fingerprint_tells_little(folder: Path, ledger: Ledger, simulator: Simulator) -> None:
    """It is salted and short: the same key gives another one, and four bytes of it are no key to guess by."""
    live.approve(simulator, live.SINGLES)
    enter(live.SINGLES, simulator.url)
    kept = []
    for _ in range(2):
        accounts.check("yunpian", Environment(), ledger)
        last = ledger.accounts.last_check("yunpian", Mode.LIVE)
        assert last is not None
        kept.append(last.fingerprint)

    assert kept[0] != kept[1]
    assert {len(fingerprint.partition(":")[2]) for fingerprint in kept} == {8}


def test_deleting(folder: Path, ledger: Ledger, simulator: Simulator) -> None:
    """Deleted, the account is not set up, and what it last said is gone with it."""
    live.approve(simulator, live.SINGLES)
    enter(live.SINGLES, simulator.url)
    accounts.check("yunpian", Environment(), ledger)
    left = accounts.forget("yunpian", ledger)

    assert left == ()
    assert accounts.account("yunpian", Environment(), ledger).status is AccountStatus.ABSENT
    assert ledger.accounts.last_check("yunpian", Mode.LIVE) is None
    assert (folder / ".env").read_text() == ""


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "SMSKIT_YUNPIAN_API_KEY is missing"),
        ({"api_key": "k" * 32, "batch_size": "5000"}, "SMSKIT_YUNPIAN_BATCH_SIZE"),
        ({"api_key": "k" * 32, "timeout_s": "soon"}, "SMSKIT_YUNPIAN_TIMEOUT_S"),
        ({"api_key": "k" * 32, "base_url": "sms.yunpian.com"}, "must start with http"),
    ],
    ids=["nothing", "too-large", "no-number", "no-url"],
)
def test_what_cannot_be_saved(folder: Path, values: dict[str, str], words: str) -> None:
    """A missing or impossible value is named, and nothing is written."""
    with pytest.raises(SettingsError, match=words) as caught:
        accounts.save("yunpian", values, Store.DOTENV, environment=Environment())

    assert "kkkk" not in str(caught.value)
    assert not (folder / ".env").exists()


def test_an_unknown_setting(folder: Path) -> None:
    """A field the provider does not declare is refused."""
    with pytest.raises(SpecError, match="no setting `apikey`"):
        accounts.save("yunpian", {"apikey": "x"}, Store.DOTENV, environment=Environment())


def test_one_field_at_a_time(folder: Path) -> None:
    """What is saved already need not be typed again, and "" takes a setting back to its default."""
    environment = Environment
    accounts.save("yunpian", {"api_key": "k" * 32}, Store.DOTENV, environment=environment())
    accounts.save("yunpian", {"concurrency": "4"}, Store.DOTENV, environment=environment())
    four = environment().provider("yunpian", provider_class("yunpian").Settings).concurrency
    accounts.save("yunpian", {"concurrency": ""}, Store.DOTENV, environment=environment())
    shown = {g.setting.name: (g.source, g.shown) for g in accounts.given("yunpian", environment())}

    assert four == 4
    assert (folder / ".env").read_text() == f"SMSKIT_YUNPIAN_API_KEY={'k' * 32}\n"
    assert shown["api_key"] == (Source.DOTENV, "")
    assert shown["concurrency"] == (Source.NOWHERE, "")


@pytest.mark.parametrize("name", provider_names())
def test_forms_are_made_of_declarations(name: str) -> None:
    """Every declared setting is a field, secrets are secret, and what is needed comes first."""
    cls = provider_class(name)
    form = settings_of(cls)
    needed = [setting.required for setting in form]

    assert {s.name for s in form} == set(cls.Settings.model_fields)
    assert {s.name for s in form if s.secret} == set(cls.Settings.secret_fields())
    assert needed == sorted(needed, reverse=True)
    assert {s.kind for s in form} <= {"text", "whole", "number", "choice"}
    assert all(s.choices for s in form if s.kind == "choice")


def test_kinds_of_settings() -> None:
    """Numbers have bounds, switches and literals have choices, whatever was declared."""
    chuanglan = {s.name: s for s in settings_of(provider_class("chuanglan"))}

    assert (chuanglan["family"].kind, chuanglan["family"].choices) == ("choice", ("v1", "v2"))
    assert (chuanglan["encode_variable_msg"].kind, chuanglan["encode_variable_msg"].default) == ("choice", "")
    assert (chuanglan["encode_msg"].choices, chuanglan["encode_msg"].default) == (("true", "false"), "true")
    assert (chuanglan["concurrency"].kind, chuanglan["concurrency"].most) == ("whole", 256)
    assert (chuanglan["timeout_s"].kind, chuanglan["timeout_s"].default) == ("number", "30")


# -- without an account --------------------------------------------------------------------


@EACH
def test_trying_with_the_simulator(folder: Path, ledger: Ledger, way: live.Way) -> None:
    """Without any account the check passes against the simulator; the account itself stays not set up."""
    wanted = CheckScope(SIGNATURE, way.template_id, TEMPLATE)
    result = accounts.check(way.provider, Environment(), ledger, mode=Mode.REHEARSE, campaign=wanted)
    tried = ledger.accounts.last_check(way.provider, Mode.REHEARSE)

    assert result.usable
    assert "signature" in {f.what for f in result.findings}
    assert tried is not None
    assert tried.result.usable
    assert accounts.account(way.provider, Environment(), ledger).status is AccountStatus.ABSENT


@EACH
def test_what_the_simulated_account_offers_can_be_chosen(folder: Path, ledger: Ledger, way: live.Way) -> None:
    """Where a provider lists them, a person without an account sees a signature and a template to choose."""
    found = accounts.offers(way.provider, Environment(), ledger, mode=Mode.REHEARSE)
    listed = bool(found.listed)

    assert listed is (Feature.SIGNATURES in provider_class(way.provider).features)
    assert [o.id for o in found.signatures] == ([SIGNATURE] if listed else [])
    assert [o.usable for o in found.templates] == ([True] if listed else [])


# -- choosing ------------------------------------------------------------------------------


@EACH
def test_a_chosen_template_passes_the_check(
    folder: Path, ledger: Ledger, simulator: Simulator, way: live.Way
) -> None:
    """What is chosen from the provider's list, or typed in as its console shows it, is what it approved."""
    live.approve(simulator, way)
    enter(way, simulator.url)
    accounts.type_signature(way.provider, "【GrowingIO】", ledger)
    if way.provider == "chuanglan":
        accounts.type_template(way.provider, "", live.TEMPLATE.replace("{", "{$"), ledger)
    found = accounts.offers(way.provider, Environment(), ledger)
    chosen = {"signature": found.signatures[0].id}
    chosen |= accounts.chosen_template(way.provider, found.templates[0], chosen["signature"])
    spec = CampaignSpec.from_data({"campaign": "x", "segment": "x", **chosen})
    result = accounts.check(
        way.provider,
        Environment(),
        ledger,
        campaign=CheckScope(spec.signature, spec.template_id, spec.template),
    )

    assert len(found.signatures) == len(found.templates) == 1
    assert spec.signature == "GrowingIO"
    assert len(Template.parse(spec.template, signature=spec.signature).names) == 2
    assert result.usable, result.findings


def test_typed_in_offers(folder: Path, ledger: Ledger) -> None:
    """Several are remembered, in order, each once; a template typed again has its new text."""
    for text in ("【GrowingIO】", "增长", " GrowingIO "):
        accounts.type_signature("chuanglan", text, ledger)
    accounts.type_template("chuanglan", "", "您好{$var}", ledger)
    accounts.type_template("chuanglan", "7", "您好", ledger)
    accounts.type_template("chuanglan", "7", "您好{$var}，欢迎", ledger)
    found = accounts.typed("chuanglan", ledger)

    assert [o.id for o in found.signatures] == ["增长", "GrowingIO"]
    assert [(o.id, o.text) for o in found.templates] == [("", "您好{$var}"), ("7", "您好{$var}，欢迎")]
    assert accounts.typed("yunpian", ledger).signatures == []


@pytest.mark.parametrize("text", ["", " ", "【】"])
def test_no_signature(ledger: Ledger, text: str) -> None:
    """An empty one is no signature."""
    with pytest.raises(InputError):
        accounts.type_signature("chuanglan", text, ledger)


def test_no_template(ledger: Ledger) -> None:
    """Neither id nor text, or a text that cannot be read, is no template."""
    with pytest.raises(InputError, match="id"):
        accounts.type_template("chuanglan", "", " ", ledger)
    with pytest.raises(TemplateError):
        accounts.type_template("chuanglan", "", "您好{name", ledger)


def test_a_template_of_another_signature(ledger: Ledger) -> None:
    """A text that begins with another signature than the chosen one is refused, not sent with two."""
    offer = Offer("1", "【别的】您好#name#", True, "")
    with pytest.raises(TemplateError, match="别的"):
        accounts.chosen_template("yunpian", offer, "GrowingIO")

    assert accounts.chosen_template("yunpian", offer, "")["signature"] == "别的"
