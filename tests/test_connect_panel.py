"""Notebook 01's panel without a browser: clicks save, ask and choose; no key stays in a widget."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as w
import pytest
import yaml

from smskit.errors import SettingsError
from smskit.i18n import LANGUAGES, Language
from smskit.notebook import ConnectNotebook, open_connect
from smskit.notebook.accounts import AccountStatus
from smskit.notebook.host import Host
from smskit.notebook.panels.connect import ConnectPanel
from smskit.notebook.panels.connect.credentials import LABELS, in_fields
from smskit.notebook.sample import SIGNATURE
from smskit.providers.credentials import Store
from smskit.simulator import Simulator
from tests import live
from tests.clicking import named, told

WAYS = {way.provider: way for way in (live.SINGLES, live.ALIYUN, live.CHUANGLAN, live.TENCENT)}
EACH = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
# As the simulator's accounts have it, with the unit where the provider states one.
BALANCES = {
    "yunpian": "1,000,000 yuan or messages",
    "aliyun": "",
    "chuanglan": " billed messages",
    "tencent": " billed messages",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder, where notebooks speak English."""
    (tmp_path / "environment.yml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SMSKIT_LANG", "en")
    return tmp_path


@pytest.fixture
def opened(folder: Path) -> Callable[..., tuple[ConnectNotebook, ConnectPanel]]:
    """Opens notebook 01 with parameters, as after a kernel's start, and draws its panel."""

    def open_(**parameters: Any) -> tuple[ConnectNotebook, ConnectPanel]:
        notebook = open_connect(parameters)
        panel = notebook.panel()
        panel.draw()
        return notebook, panel

    return open_


def click(notebook: ConnectNotebook, panel: ConnectPanel, name: str) -> None:
    named(panel.widget, name).click()
    while not notebook.page.wait():
        pass  # an answer may ask for more


def enter(panel: ConnectPanel, way: live.Way, url: str, **other: str) -> None:
    """Type an account's keys and the simulator's address into the form."""
    for name, value in (way.credentials | {n.upper(): v for n, v in other.items()}).items():
        named(panel.widget, f"{LABELS.get(name.lower(), name)} *").value = value
    named(panel.widget, "Address").value = url
    named(panel.widget, "Save").click()


def state() -> str:
    """All that a saved notebook would hold of every widget there is."""
    return json.dumps(w.Widget.get_manager_state(), default=str)


@EACH
def test_enter_save_check(
    opened: Callable[..., Any], simulator: Simulator, folder: Path, way: live.Way
) -> None:
    """Keys typed and saved, the check is green, the glance says verified; the keys are in ``.env`` alone."""
    live.approve(simulator, way)
    notebook, panel = opened(provider=way.provider)
    enter(panel, way, simulator.url)
    saved = told(panel.overview.widget)

    assert "saved" in saved
    assert "Saved. Now click" in told(panel.credentials.widget)
    click(notebook, panel, "Check")
    saved_state = state()
    secrets = [value for name, value in way.credentials.items() if name != "APP_ID"]

    assert "Saved. Now click" not in told(panel.credentials.widget), "it was checked meanwhile"
    assert "Usable" in told(panel.check.widget)
    assert "verified" in told(panel.overview.widget)
    assert BALANCES[way.provider] in told(panel.overview.widget)
    assert BALANCES[way.provider] in told(panel.check.widget)
    assert [secret for secret in secrets if secret in saved_state] == []
    assert all(secret in (folder / ".env").read_text() for secret in secrets)


def test_a_typed_key_leaves_its_field(opened: Callable[..., Any], folder: Path) -> None:
    """Before anything is saved the key is out of the widget, and drawing anew does not bring it back."""
    notebook, panel = opened()
    field = named(panel.widget, "API key *")
    field.value = live.YUNPIAN_KEY
    after = (field.value, field.placeholder)
    notebook.page.speak("zh")
    saved_state = state()
    notebook.page.speak("en")
    named(panel.widget, "Save").click()

    assert after == ("", "leave empty to keep it")
    assert live.YUNPIAN_KEY not in saved_state
    assert (folder / ".env").read_text() == f"SMSKIT_YUNPIAN_API_KEY={live.YUNPIAN_KEY}\n"


def test_a_key_typed_for_one_provider_is_not_anothers(opened: Callable[..., Any], folder: Path) -> None:
    """Chosen another provider, what was typed and not saved is gone."""
    _, panel = opened()
    named(panel.widget, "API key *").value = live.YUNPIAN_KEY
    named(panel.widget, "Provider").value = "aliyun"
    named(panel.widget, "Provider").value = "yunpian"
    named(panel.widget, "Save").click()

    assert "SMSKIT_YUNPIAN_API_KEY is missing" in told(panel.credentials.widget)
    assert not (folder / ".env").exists()


@EACH
def test_bad_credentials(opened: Callable[..., Any], simulator: Simulator, way: live.Way) -> None:
    """Not usable, with the provider's own code, and its next step in the language of the page."""
    live.approve(simulator, way)
    notebook, panel = opened(provider=way.provider)
    enter(panel, way, simulator.url, **{name.lower(): "0" * 20 for name in way.credentials})
    click(notebook, panel, "Check")
    failed = next(f for f in notebook.result.findings if not f.ok)
    shown = {}
    for code in LANGUAGES:
        notebook.page.speak(code)
        shown[code] = told(panel.check.widget)

    assert "NOT usable" in shown["en"]
    assert "不可用" in shown["zh"]
    for code in LANGUAGES:
        assert f">{failed.code}</code>" in shown[code]
        assert in_fields(Language(code).render(failed.next_step), way.provider, Language(code)) in shown[code]
        assert "SMSKIT_" not in shown[code]
    assert "failing" in told(panel.overview.widget)


def test_no_network_is_said_plainly(opened: Callable[..., Any]) -> None:
    """Nobody answered, so nobody is said to have; why, and what to do, stand in plain words."""
    notebook, panel = opened(provider="yunpian")
    enter(panel, live.SINGLES, "https://no.such.name.invalid")
    click(notebook, panel, "Check")
    shown = told(panel.check.widget) + told(panel.overview.widget)

    assert "NOT usable" in shown
    assert "nobody knows this name; is this computer on the network?" in shown
    assert "Look at the network of this computer, then at “Address”." in shown
    assert [word for word in ("according to", "ClientConnector", "SMSKIT_") if word in shown] == []


def test_the_only_one_is_chosen(opened: Callable[..., Any]) -> None:
    """Once an account is usable its signatures and templates are listed; the only one of each is chosen."""
    notebook, panel = opened(provider="yunpian")
    click(notebook, panel, "Try with the simulator")
    mine, theirs = opened(provider="yunpian", signature="另一个")
    click(mine, theirs, "Try with the simulator")

    assert notebook.draft["signature"] == named(panel.widget, "Signature").value == SIGNATURE
    assert notebook.draft["template_id"]
    assert mine.draft["signature"] == "另一个"


def test_after_a_restart_the_states_are_still_known(opened: Callable[..., Any], simulator: Simulator) -> None:
    """A new notebook on the same project shows what the provider said and when, asking nobody."""
    live.approve(simulator, live.SINGLES)
    notebook, panel = opened()
    enter(panel, live.SINGLES, simulator.url)
    click(notebook, panel, "Check")
    asked = simulator.world.summary()
    again, fresh = opened()

    assert again.account.status is AccountStatus.VERIFIED
    assert "balance" in told(fresh.overview.widget)
    assert simulator.world.summary() == asked


@EACH
def test_without_an_account(opened: Callable[..., Any], way: live.Way) -> None:
    """The simulator stands in: usable, and where the provider lists them a signature can be chosen."""
    notebook, panel = opened(provider=way.provider)
    check = named(panel.widget, "Check")
    click(notebook, panel, "Try with the simulator")

    assert check.disabled
    assert "Usable" in told(panel.check.widget)
    assert "the simulator" in told(panel.check.widget)
    if way.provider == "chuanglan":
        assert named(panel.widget, "List those of the simulator").disabled
        return
    click(notebook, panel, "List those of the simulator")
    named(panel.widget, "Signature").value = SIGNATURE
    named(panel.widget, "Template").value = 0
    assert notebook.draft["signature"] == SIGNATURE
    assert notebook.draft["template"]
    click(notebook, panel, "Try with the simulator")
    assert {f.what for f in notebook.result.findings} >= {"credential", "signature"}
    assert notebook.result.usable


def test_one_choice_leaves_the_other_list_alone(opened: Callable[..., Any]) -> None:
    """Choosing a signature does not take the list of templates from under a hand that opens it."""
    notebook, panel = opened(provider="yunpian")
    click(notebook, panel, "List those of the simulator")
    lists = [named(panel.widget, name) for name in ("Signature", "Template", "Phone column")]
    lists[0].value = lists[0].options[1][1]
    lists[1].value = 0
    after = [named(panel.widget, name) for name in ("Signature", "Template", "Phone column")]

    assert after == lists
    assert notebook.draft["signature"] == lists[0].value
    assert notebook.draft["template_id"]


def test_typed_in_signatures_and_templates(opened: Callable[..., Any], folder: Path) -> None:
    """Where nothing can be listed they are typed in, chosen, remembered, and written into the parameters."""
    _, panel = opened(provider="chuanglan")
    for text in ("【GrowingIO】", "增长"):
        named(panel.widget, "Another signature").value = text
        named(panel.widget, "Add signature").click()
    named(panel.widget, "Its text").value = "您好{$var}，您有{$var}张券。拒收请回复R"
    named(panel.widget, "Add template").click()
    named(panel.widget, "Signature").value = "GrowingIO"
    named(panel.widget, "Phone column").value = "mobile"
    named(panel.widget, "Save parameters").click()
    _, fresh = opened(provider="chuanglan")
    names = [value for _, value in named(fresh.widget, "Signature").options]

    assert names == ["", "GrowingIO", "增长"]
    assert yaml.safe_load((folder / "campaign.yaml").read_text()) == {
        "phone": "mobile",
        "provider": "chuanglan",
        "signature": "GrowingIO",
        "template": "您好{$var}，您有{$var}张券。拒收请回复R",
    }
    assert "campaign" in told(panel.parameters.widget)


def test_another_provider_says_what_became_of_the_template(opened: Callable[..., Any]) -> None:
    """A listed template goes with its account, is said to, in either language, and comes back with it."""
    chosen = {"signature": "GrowingIO", "template_id": "77", "template": "你好{name}"}
    notebook, panel = opened(provider="yunpian", **chosen)
    click(notebook, panel, "Try with the simulator")
    named(panel.widget, "Provider").value = "aliyun"
    gone, parameters = told(panel.overview.widget), notebook.draft.to_data()
    answered = told(panel.check.widget)
    notebook.page.speak("zh")
    chinese = told(panel.overview.widget)
    notebook.page.speak("en")
    named(panel.widget, "Provider").value = "yunpian"

    assert "Taken out: `template_id`, `template`. It belongs to the account at Yunpian" in gone
    assert "Kept: `signature`. Aliyun 阿里云 has to have approved it too" in gone
    assert "已取出 `template_id`, `template`：属于云片 Yunpian 的账号，换回时恢复。" in chinese
    assert parameters == {"provider": "aliyun", "signature": "GrowingIO"}
    assert "Usable" not in answered  # it was the other provider's answer
    assert "As chosen for Yunpian 云片 before: `template_id`, `template`." in told(panel.overview.widget)
    assert notebook.draft.to_data() == chosen


def test_errors_are_told_in_the_panel(opened: Callable[..., Any]) -> None:
    """What cannot be saved, typed or chosen is said below its section, in the page's language."""
    notebook, panel = opened()
    named(panel.widget, "Save").click()
    english = told(panel.credentials.widget)
    notebook.page.speak("zh")
    named(panel.widget, "保存").click()
    chinese = told(panel.credentials.widget)
    named(panel.widget, "添加签名").click()

    assert "SMSKIT_YUNPIAN_API_KEY is missing" in english
    assert "供应商 `yunpian` 尚未设置：缺少 SMSKIT_YUNPIAN_API_KEY" in chinese
    assert "请按控制台所示填写签名" in told(panel.offers.widget)


def test_deleting_asks_first(opened: Callable[..., Any], folder: Path) -> None:
    """One click on delete asks, a second one takes the keys out of the file."""
    notebook, panel = opened()
    enter(panel, live.SINGLES, "http://127.0.0.1:9")
    named(panel.widget, "Delete").click()
    asked = (folder / ".env").read_text()
    named(panel.widget, "Delete it from this computer").click()

    assert live.YUNPIAN_KEY in asked
    assert (folder / ".env").read_text() == ""
    assert notebook.account.status is AccountStatus.ABSENT
    assert "Deleted." in told(panel.credentials.widget)


def test_without_a_keyring(opened: Callable[..., Any]) -> None:
    """A machine without a keyring keeps keys in ``.env`` unless told otherwise, and says why."""
    _, panel = opened()

    assert named(panel.widget, "Keep keys in").value is Store.DOTENV
    assert "SMSKIT_KEYRING=0" in told(panel.credentials.widget)


@pytest.mark.parametrize("code", LANGUAGES)
@EACH
def test_every_form_in_both_languages(opened: Callable[..., Any], way: live.Way, code: str) -> None:
    """Each provider's sections can be drawn in either language; what is chosen and open stays."""
    notebook, panel = opened(provider=way.provider, signature="GrowingIO")
    notebook.page.speak(code)

    assert named(panel.widget, Language(code)("Signature")).value == "GrowingIO"
    assert way.provider == notebook.provider
    assert Language(code).render(notebook.cls.console_steps[-1])[:12] in told(panel.credentials.widget)


# -- plain steps ---------------------------------------------------------------------------


def test_keys_without_widgets(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``nb.enter()`` asks for keys by prompt, takes other settings as words, and refuses a key as a word."""
    asked: list[str] = []
    monkeypatch.setattr("getpass.getpass", lambda prompt: asked.append(prompt) or live.YUNPIAN_KEY)
    person = ConnectNotebook(open_connect({}).draft, host=Host.LAB)
    person.enter(concurrency="4")
    written = (folder / ".env").read_text()

    assert asked == ["SMSKIT_YUNPIAN_API_KEY: "]
    assert f"SMSKIT_YUNPIAN_API_KEY={live.YUNPIAN_KEY}" in written
    assert "SMSKIT_YUNPIAN_CONCURRENCY=4" in written
    with pytest.raises(SettingsError, match="is a key"):
        person.enter(api_key="x" * 32)
    with pytest.raises(SettingsError, match="nobody is here"):
        ConnectNotebook(person.draft, host=Host.PROGRAM).enter()
