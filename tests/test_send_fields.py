"""The fields of notebook 03's panel: every parameter has a place, goes into the draft, is shown from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ipywidgets as w
import pytest
import yaml

from smskit.i18n import Language
from smskit.notebook.host import Host
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.send import SendPanel
from smskit.notebook.panels.send.fields import Field
from smskit.notebook.panels.send.form import CAMPAIGN, LIMITS, RULES
from smskit.notebook.send_model import SendModel
from smskit.planning.draft import Draft
from smskit.planning.spec import CampaignSpec
from smskit.settings import Environment
from tests.clicking import named, parts, told

TABLE = {about.name: about for about in (*CAMPAIGN, *LIMITS, *(a for group in RULES.values() for a in group))}
ELSEWHERE = {
    "provider": "the card Message, with the button that fetches its lists",
    "signature": "the card Message, from the provider's list",
    "template_id": "the card Message, from the provider's list",
    "template": "the card Message: a text of several lines",
    "variables": "the card Message, one line for each variable of the template",
    "engine": "the parameter file alone: it is about the machine, not about the campaign",
    "rules": "notebook 02: they are built beside the rows they keep",
    "keep": "the parameter file: what is kept is not what is sent",
    "fits": "the parameter files of an experiment, which are made together",
    "arm": "the parameter files of an experiment, which are made together",
    "test_phones": "the card Test send: full phones stand in no field and in no file",
}
# What is typed, what the file then holds, and what a field shows of that.
SAMPLES: dict[str, tuple[str, Any, str]] = {
    "campaign": ("vip-2026-12", "vip-2026-12", "vip-2026-12"),
    "segment": (" people.csv ", "people.csv", "people.csv"),
    "mode": ("live", "live", "live"),
    "message_class": ("notification", "notification", "notification"),
    "max_recipients": ("12,000", 12000, "12,000"),
    "max_cost": ("1，009.50", "1009.50", "1009.50"),
    "price_per_part": ("0.04", "0.04", "0.04"),
    "segment_query": ("select * from vip", "select * from vip", "select * from vip"),
    "sheet": ("Sheet1", "Sheet1", "Sheet1"),
    "heading_row": ("3", 3, "3"),
    "user_id": ("", "", ""),
    "phone": ("mobile", "mobile", "mobile"),
    "consent": ("agreed", "agreed", "agreed"),
    "opt_out_wording": ("demand", "demand", "demand"),
    "send_window": ("", "", ""),
    "outside_window": ("wait", "wait", "wait"),
    "timezone": ("UTC", "UTC", "UTC"),
    "not_after": ("2026-12-24", "2026-12-24T23:59:59.999999", "2026-12-24"),
    "frequency_cap": ("2/7d", "2/7d", "2/7d"),
    "plan_hash": ("p0123456789", "p0123456789", "p0123456789"),
    "series": ("vip", "vip", "vip"),
    "holdout": ("5%", 0.05, "5%"),
    "global_holdout": ("0.1", 0.1, "10%"),
    "canary": ("20％", 0.2, "20%"),
    "canary_wait": ("30m", "30m", "30m"),
    "canary_max_failure": ("15 %", 0.15, "15%"),
    "canary_max_opt_out": ("0.1%", 0.001, "0.1%"),
    "drift": ("allow", "allow", "allow"),
    "drift_factor": ("3", 3.0, "3"),
}


class Sat:
    """Somebody before the panel of notebook 03."""

    def __init__(self, draft: Draft, environ: dict[str, str]) -> None:
        self.draft = draft
        self.page = Page(draft, language=Language("en"), host=Host.LAB)
        desk = SendModel(draft, environment=lambda: Environment(environ))
        desk.planning._patience_s = 0.0  # nobody here types on
        self.panel = SendPanel(self.page, desk)
        self.panel.draw()

    def field(self, name: str) -> Field:
        made = self.panel.message.campaign.made | self.panel.limits.fields.made
        return made[name]

    def shows(self, name: str) -> str:
        """What stands in the field; it is there to be seen, too."""
        field = self.field(name)
        assert field.input in parts(self.panel.widget)
        return str(field.input.value)

    def type(self, name: str, text: str) -> None:
        self.field(name).input.value = text

    def beside(self, name: str) -> str:
        """The hint, or what is wrong."""
        return told(self.field(name).widget)


@pytest.fixture
def sit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Sat]]:
    """Opens the panel on parameters."""
    monkeypatch.chdir(tmp_path)
    opened: list[Sat] = []

    def open_(draft: Draft | None = None) -> Sat:
        made = Sat(draft or Draft(), {"SMSKIT_DATABASE_URL": f"sqlite:///{tmp_path / 'ledger.db'}"})
        opened.append(made)
        return made

    yield open_
    for each in opened:
        assert each.panel.wait()


def test_every_parameter_has_one_place() -> None:
    """A parameter that is new in the spec has to be given a field, or a reason to have none."""
    assert set(CampaignSpec.model_fields) == set(TABLE) | set(ELSEWHERE)
    assert set(TABLE) & set(ELSEWHERE) == set()
    assert set(TABLE) == set(SAMPLES)


def test_what_is_typed_is_in_the_draft_and_the_file(sit: Callable[..., Sat]) -> None:
    """A value goes into the draft at once, into the file, and the field shows what was understood."""
    at = sit()
    hints = {name: at.beside(name) for name in TABLE}
    for name in TABLE:
        at.type(name, SAMPLES[name][0])
    kept = {name: SAMPLES[name][1] for name in TABLE}
    changed = [name for name in TABLE if "default: " in at.beside(name)]

    assert at.draft.to_data() == kept
    assert yaml.safe_load(at.draft.to_yaml()) == kept
    assert {name: at.shows(name) for name in TABLE} == {name: SAMPLES[name][2] for name in TABLE}
    assert [name for name, hint in hints.items() if "default: " in hint] == []
    assert changed == [name for name, about in TABLE.items() if about not in CAMPAIGN]


def test_a_file_is_shown(sit: Callable[..., Sat], tmp_path: Path) -> None:
    """What a parameter file holds stands in the field, whether it is there at first or opened later."""
    file = tmp_path / "given.yaml"
    kept = {name: SAMPLES[name][1] for name in TABLE}
    file.write_text(yaml.safe_dump(kept, allow_unicode=True), encoding="utf-8")
    first, later = sit(Draft.read(file)), sit()
    empty = {name: later.shows(name) for name in TABLE}
    named(later.panel.parameters.widget, "Parameter file").value = str(file)
    named(later.panel.parameters.widget, "Open").click()
    shown = {name: SAMPLES[name][2] for name in TABLE}

    assert {name: first.shows(name) for name in TABLE} == shown
    assert {name: later.shows(name) for name in TABLE} == shown
    assert [name for name in TABLE if empty[name] == shown[name]] == []
    assert later.draft.to_data() == kept


def test_cleared_is_the_default(sit: Callable[..., Sat]) -> None:
    """An emptied field is the default again, or what empty means where that is a choice of its own."""
    at = sit(Draft({name: SAMPLES[name][1] for name in TABLE}))
    for name in TABLE:
        choice = isinstance(at.field(name).input, w.Dropdown)
        at.type(name, str(Draft()[name]) if choice else "")

    assert at.draft.to_data() == {"user_id": "", "send_window": ""}


@pytest.mark.parametrize(
    ("name", "typed", "en", "zh"),
    [
        pytest.param("campaign", "a b", "must be an id", "须为 1~120 个字母", id="id"),
        pytest.param(
            "campaign", "weekly-{wek}", "a placeholder {wek}; known", "占位符 {wek}", id="placeholder"
        ),
        pytest.param("segment", "db://me:secret@host/x", "like a credential", "像是密钥", id="credential"),
        pytest.param("max_recipients", "many", "must be a whole number", "须为整数", id="no-number"),
        pytest.param("max_recipients", "-1", "must be at least 0", "不能小于 0", id="too-few"),
        pytest.param("max_cost", "cheap", "must be a number", "须为数字", id="no-money"),
        pytest.param("send_window", "9 to 5", "must read like", "写法如 08:00-20:00", id="window"),
        pytest.param("send_window", "09:00-09:00", "starts when it ends", "开始与结束相同", id="no-window"),
        pytest.param("send_window", "25:00-26:00", "does not exist", "不存在的时间", id="no-time"),
        pytest.param("timezone", "Peking", "not a time zone", "不是时区名", id="zone"),
        pytest.param("not_after", "tomorrow", "must be a date", "须为日期", id="date"),
        pytest.param("not_after", "2026-02-30", "must be a date", "须为日期", id="no-such-day"),
        pytest.param("frequency_cap", "often", "must read like 2/7d", "写法如 2/7d", id="cap"),
        pytest.param("holdout", "110%", "must be at most 1", "不能大于 1", id="share"),
        pytest.param("canary", "a few %", "must be a number", "须为数字", id="no-share"),
        pytest.param("canary", "1e9999999999999999999%", "must be", "须", id="a-huge-share"),
        pytest.param("canary_wait", "soon", "must read like 30m", "写法如 30m", id="wait"),
        pytest.param("drift_factor", "1", "must be more than 1", "须大于 1", id="factor"),
        pytest.param("drift_factor", "inf", "must be a number", "须为数字", id="endless"),
        pytest.param(
            "opt_out_wording", "demnad", "must be add, demand", "须为 `add`、`demand`", id="wording"
        ),
    ],
)
def test_a_wrong_value_is_told_at_its_field(
    sit: Callable[..., Sat], name: str, typed: str, en: str, zh: str
) -> None:
    """Nothing is taken; what was typed stays, with the reason in the page's language, until it is right."""
    kept = {name: SAMPLES[name][1]}
    at = sit(Draft(kept))
    at.type(name, typed)
    english = at.beside(name)
    at.page.speak("zh")
    chinese, still = at.beside(name), at.shows(name)
    at.type(name, SAMPLES[name][2])

    assert en in english
    assert zh in chinese
    assert still == typed
    assert at.draft.to_data() == kept
    assert 'role="alert"' in chinese
    assert 'role="alert"' not in at.beside(name)


def test_another_value_from_elsewhere_replaces_a_wrong_one(sit: Callable[..., Sat]) -> None:
    """A value that comes from an opened file, or from another panel, is what the field shows."""
    at = sit()
    at.type("holdout", "lots")
    at.draft.set(holdout=0.25)

    assert at.shows("holdout") == "25%"
    assert "alert" not in at.beside("holdout")


def test_the_rules_are_folded_and_say_how_many_differ(sit: Callable[..., Sat]) -> None:
    """Folded at first; its title counts changes but columns, and what was unfolded stays so in 中文."""
    at = sit(Draft({"canary": 0.1, "max_recipients": 5, "phone": "mobile"}))
    fold = at.panel.limits.fold
    folded, one = fold.inner.layout.display, fold.head.description
    at.type("holdout", "5%")
    two = fold.head.description
    fold.head.click()
    at.page.speak("zh")
    again = at.panel.limits.fold

    assert folded == "none"
    assert (one, two) == ("Rules for sending (1 changed)", "Rules for sending (2 changed)")
    assert (again.inner.layout.display, again.head.description) == (None, "发送规则（已改 2 项）")


def test_columns_of_the_segment_are_offered(sit: Callable[..., Sat], tmp_path: Path) -> None:
    """Once the segment was read, its columns can be chosen."""
    (tmp_path / "people.csv").write_text("id,mobile\n1,13800138000\n", encoding="utf-8")
    at = sit()
    at.type("segment", "people.csv")
    assert at.panel.wait()

    assert at.field("phone").input.options == ("id", "mobile")


def test_a_window_and_a_cap_are_two_inputs(sit: Callable[..., Sat]) -> None:
    """
    Two times and so many in so many days, filled one after the other; emptied it is none.

    Their names are tips of the inputs: JupyterLab cannot draw a box that has one.
    """
    at = sit()
    window, cap = at.field("send_window").input, at.field("frequency_cap").input
    tips = [(each.tooltip, each.first.tooltip, each.second.tooltip) for each in (window, cap)]
    shown = window.first.value, window.second.value
    window.first.value = "09:30"
    one = at.draft["send_window"]
    window.second.value = "18:00"
    cap.first.value = "2"
    usual = at.draft["frequency_cap"], cap.second.value
    cap.second.value = "24h"
    hours = at.draft["frequency_cap"]
    cap.first.value = ""

    assert tips == [(None, name, name) for name in ("send_window", "frequency_cap")]
    assert shown == ("08:00", "20:00")
    assert (one, at.draft["send_window"]) == ("09:30-20:00", "09:30-18:00")
    assert usual == ("2/7d", "7")
    assert hours == "2/24h"
    assert (at.draft["frequency_cap"], cap.second.value) == ("", "")
