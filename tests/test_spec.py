"""``smskit.planning.spec``: names, types and ranges; what is refused, what is never repeated."""

from __future__ import annotations

import math
import string
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from smskit.errors import SmskitError, SpecError
from smskit.message.variables import parse_bindings
from smskit.message.windows import FrequencyCap, SendWindow
from smskit.models import MessageClass, Mode
from smskit.notebook.base import draft_of
from smskit.notebook.host import Host
from smskit.planning.parameter_file import parse
from smskit.planning.spec import CampaignSpec
from tests.profiles import examples

REQUIRED = {"campaign": "weekly-vip-2026-W47", "segment": "people.csv"}
KEY = "5ec2e7c0ffee5ec2e7c0ffee5ec2e7c0"


def spec(**more: Any) -> CampaignSpec:
    return CampaignSpec.from_data(REQUIRED | more)


def whole_chain(error: BaseException | None) -> str:
    """Everything an exception and those behind it would show, shown or suppressed."""
    told = ""
    while error is not None:
        told += f"{error} {error!r} {error.args} {getattr(error, '__notes__', '')}"
        error = error.__cause__ or error.__context__
    return told


def refusal(make: Callable[[], object]) -> SpecError:
    with pytest.raises(SpecError) as caught:
        make()
    return caught.value


# -- what there is ------------------------------------------------------------------


def test_defaults_are_those_of_the_design() -> None:
    """Every parameter of DESIGN section 4, no other, with its default."""
    expected = {
        "campaign": "weekly-vip-2026-W47",
        "series": "",
        "segment": "people.csv",
        "engine": "auto",
        "segment_query": "",
        "sheet": "",
        "heading_row": 0,
        "rules": None,
        "user_id": "user_id",
        "phone": "phone",
        "provider": "yunpian",
        "signature": "",
        "template_id": "",
        "template": "",
        "variables": {},
        "message_class": MessageClass.MARKETING,
        "mode": Mode.REHEARSE,
        "max_recipients": 1000,
        "max_cost": None,
        "price_per_part": Decimal("0.05"),
        "plan_hash": "",
        "opt_out_wording": "",
        "consent": "",
        "send_window": "08:00-20:00",
        "outside_window": "stop",
        "timezone": "Asia/Shanghai",
        "not_after": None,
        "frequency_cap": "",
        "holdout": 0.0,
        "global_holdout": 0.0,
        "keep": [],
        "arm": None,
        "fits": [],
        "canary": 0.0,
        "canary_wait": "1h",
        "canary_max_failure": 0.1,
        "canary_max_opt_out": 0.01,
        "drift": "stop",
        "drift_factor": 2.0,
        "test_phones": [],
    }

    assert spec().model_dump() == expected
    assert list(CampaignSpec.model_fields) == list(expected)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param({"max_recipient": 5}, "did you mean `max_recipients`?", id="misspelt"),
        pytest.param({"Campaign": "x"}, "did you mean `campaign`?", id="case"),
        pytest.param({"sendwindow": ""}, "did you mean `send_window`?", id="joined"),
        pytest.param({"zzz": 1}, "unknown parameter `zzz`", id="nothing-near"),
        pytest.param({1: "x"}, "unknown parameter `1`", id="not-a-name"),
    ],
)
def test_unknown_names_are_refused(data: dict[Any, Any], words: str) -> None:
    """A name that is no parameter stops everything and shows the nearest one."""
    error = refusal(lambda: CampaignSpec.from_data(REQUIRED | data))

    assert words in str(error)
    assert error.exit_code == 2


def test_the_class_itself_takes_no_other_names() -> None:
    """Built by hand too, a spec refuses a name it does not know, without repeating its value."""
    error = refusal(lambda: CampaignSpec(**REQUIRED, api_key="sesame-open", max_recipient=5))

    assert "did you mean `max_recipients`?" in str(error)
    assert "sesame-open" not in whole_chain(error)


def test_all_problems_are_told_at_once() -> None:
    """Several wrong values and missing parameters come in one message."""
    error = refusal(lambda: CampaignSpec.from_data({"mode": "real", "max_recipients": -1, "holdout": 2}))

    assert "`campaign` is required" in str(error)
    assert "`segment` is required" in str(error)
    assert "'plan', 'rehearse' or 'live'" in str(error)
    assert "`max_recipients`" in str(error)
    assert "`holdout`" in str(error)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("campaign", ""),
        ("campaign", "a b"),
        ("campaign", "a/b"),
        ("campaign", "a\n"),
        ("campaign", "x" * 121),
        ("segment", ""),
        ("phone", ""),
        ("mode", "LIVE"),
        ("message_class", "advert"),
        ("max_recipients", -1),
        ("max_recipients", 1.5),
        ("max_cost", "-0.01"),
        ("max_cost", math.nan),
        ("max_cost", math.inf),
        ("max_cost", "cheap"),
        ("price_per_part", -1),
        ("outside_window", "skip"),
        ("holdout", -0.1),
        ("holdout", 1.1),
        ("holdout", math.nan),
        ("global_holdout", 1.1),
        ("drift", "ask"),
        ("drift_factor", 1),
        ("canary", 1.1),
        ("canary_wait", "2"),
        ("canary_wait", "two hours"),
        ("canary_max_failure", -0.1),
        ("canary_max_opt_out", 2),
        ("timezone", ""),
        ("timezone", "Peking"),
        ("timezone", "../etc/passwd"),
        ("not_after", "tomorrow"),
        ("not_after", 20261122),
        ("rules", "level == 'gold'"),
        ("variables", ["name"]),
        ("variables", {"name": {"column": "name", "defalt": "x"}}),
        ("test_phones", "13800000000"),
    ],
)
def test_values_out_of_range_are_refused(name: str, value: object) -> None:
    """A value that cannot be meant is refused, naming its parameter."""
    error = refusal(lambda: spec(**{name: value}))

    assert f"`{name}" in str(error)


@pytest.mark.parametrize("name", ["weekly-vip-2026-W47", "双11_第1波", "a.b:c+d", "x" * 120, "0"])
def test_campaign_ids(name: str) -> None:
    """Ids may be of any script, with dots, dashes, colons and plus signs."""
    assert spec(campaign=name).campaign == name


# -- credentials ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "secret"),
    [
        pytest.param({"api_key": "sesame-open"}, "sesame-open", id="api_key"),
        pytest.param({"yunpian_apikey": "sesame-open"}, "sesame-open", id="apikey"),
        pytest.param({"AccessKeySecret": "sesame-open"}, "sesame-open", id="secret"),
        pytest.param({"password": 12345678}, "12345678", id="password-number"),
        pytest.param({"token": ["sesame-open"]}, "sesame-open", id="token-list"),
        pytest.param({"signature": KEY}, KEY, id="yunpian-key-as-signature"),
        pytest.param({"template": f"您好{{name}}{KEY}"}, KEY, id="within-text"),
        pytest.param({"variables": {"x": {"value": KEY}}}, KEY, id="within-variables"),
        pytest.param({"template_id": "LTAI5tAbCdEfGhIjKlMn"}, "LTAI5tAbCdEfGhIjKlMn", id="aliyun-id"),
        pytest.param({"consent": "AKIDz8krbsJ5yKBZQpn74"}, "AKIDz8krbsJ5yKBZQpn74", id="tencent-id"),
        pytest.param({"segment": "mysql+pymysql://bi:s3same@db/crm"}, "s3same", id="url"),
        pytest.param({"segment": "postgresql://bi:s3s/ame@db/crm"}, "s3s/ame", id="url-with-slash"),
        pytest.param({"segment": "postgresql://:s3same@db/crm"}, "s3same", id="url-without-user"),
        pytest.param(
            {"rules": [{"column": "a", "op": "==", "value": "mysql://bi:s3same@db"}]},
            "s3same",
            id="url-in-rule",
        ),
    ],
)
def test_credentials_are_refused_and_never_repeated(data: dict[str, Any], secret: str) -> None:
    """What looks like a credential, by name or by value, is refused, and no error in the chain holds it."""
    error = refusal(lambda: CampaignSpec.from_data(REQUIRED | {"max_recipients": -1} | data))

    assert f"`{next(iter(data))}` looks like a credential" in str(error)
    assert secret not in whole_chain(error)


def test_a_wrong_value_is_not_repeated() -> None:
    """An error names the parameter, never what it held, since that may be a key in the wrong place."""
    error = refusal(lambda: spec(mode="sesame-open", send_window="sesame-open", max_cost="sesame-open"))

    assert "sesame-open" not in whole_chain(error)


def test_a_broken_file_is_not_repeated(tmp_path: Path) -> None:
    """A file that is no YAML is refused by its line, and the line's text is nowhere."""
    file = tmp_path / "campaign.yaml"
    file.write_text("campaign: x\napi_key: 'sesame-open\n")
    error = refusal(lambda: CampaignSpec.from_yaml(file))

    assert "is not valid YAML at line" in str(error)
    assert "sesame-open" not in whole_chain(error)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"plan_hash": "p0123456789abcdef01234567"}, id="plan-hash"),
        pytest.param({"campaign": "0123456789abcdef0123456789abcdef"}, id="campaign"),
        pytest.param({"segment": "postgresql://bi@db:5432/crm"}, id="url-without-password"),
        pytest.param({"segment": "env:CRM_URL"}, id="url-by-name"),
        pytest.param({"template": "点击https://t.cn/A6abc@13:05领取"}, id="link"),
    ],
)
def test_what_is_no_credential_passes(data: dict[str, Any]) -> None:
    """Plan hashes, ids and URLs without a password are not taken for credentials."""
    (name,) = data

    assert getattr(spec(**data), name) == data[name]


def test_repr_shows_no_test_phone() -> None:
    """Neither repr nor str of a spec shows a test phone."""
    made = spec(test_phones=["13800138000"])

    assert made.test_phones == ["13800138000"]
    assert "13800138000" not in repr(made) + str(made)


# -- how values are read ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.05", "0.05"),
        ("0.1", "0.1"),
        ("0.045", "0.045"),
        ("'0.050'", "0.050"),
        ("100", "100"),
        ("1234567.89", "1234567.89"),
        ("1e2", "1e2"),
    ],
)
def test_money_from_yaml_is_exact(tmp_path: Path, text: str, expected: str) -> None:
    """A price typed in YAML, quoted or not, is the decimal that was typed."""
    file = tmp_path / "campaign.yaml"
    file.write_text(f"campaign: x\nsegment: y\nmax_cost: {text}\nprice_per_part: {text}\n")
    read = CampaignSpec.from_yaml(file)

    assert read.max_cost == read.price_per_part == Decimal(expected)


def test_blank_limits_are_none() -> None:
    """An empty ``max_cost`` or ``not_after``, as a form leaves it, is none."""
    made = spec(max_cost="", not_after="")

    assert made.max_cost is None
    assert made.not_after is None
    assert made.deadline is None


@pytest.mark.parametrize(
    ("typed", "zone", "expected"),
    [
        pytest.param("2026-11-23", "Asia/Shanghai", "2026-11-23T15:59:59.999999Z", id="date"),
        pytest.param(date(2026, 11, 23), "Asia/Shanghai", "2026-11-23T15:59:59.999999Z", id="yaml-date"),
        pytest.param("2026-11-23T10:00", "Asia/Shanghai", "2026-11-23T02:00Z", id="naive"),
        pytest.param(datetime(2026, 11, 23, 10), "Asia/Shanghai", "2026-11-23T02:00Z", id="yaml-naive"),
        pytest.param("2026-11-23 10:00:00", "UTC", "2026-11-23T10:00Z", id="other-zone"),
        pytest.param("2026-11-23T10:00:00+09:00", "Asia/Shanghai", "2026-11-23T01:00Z", id="aware"),
        pytest.param("2026-11-23T10:00:00Z", "Asia/Shanghai", "2026-11-23T10:00Z", id="utc"),
    ],
)
def test_deadline(typed: object, zone: str, expected: str) -> None:
    """A bare date means the end of that day, a bare time is in the campaign's zone, an aware one stays."""
    made = spec(not_after=typed, timezone=zone)

    assert made.deadline == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    ("window", "inside", "outside"),
    [
        pytest.param(
            "08:00-20:00", ["08:00", "12:00", "19:59:59.9"], ["07:59:59", "20:00", "00:00"], id="day"
        ),
        pytest.param("8:00-20:00", ["08:00"], ["20:00"], id="one-digit"),
        pytest.param(" 22:00 - 06:00 ", ["22:00", "23:59", "00:00", "05:59"], ["06:00", "12:00"], id="night"),
        pytest.param("18:00-24:00", ["18:00", "23:59:59.9"], ["17:59", "00:00"], id="to-midnight"),
        pytest.param("00:00-24:00", ["00:00", "23:59:59.9"], [], id="whole-day"),
        pytest.param("00:00-00:01", ["00:00:59"], ["00:01", "23:59"], id="a-minute"),
    ],
)
def test_send_window(window: str, inside: list[str], outside: list[str]) -> None:
    """The window is open from its start up to, not at, its end; it may cross midnight."""
    read = spec(send_window=window).window
    assert read is not None

    open_at = [
        clock
        for clock in (*inside, *outside)
        if read.is_open(datetime.combine(date(2026, 11, 23), time.fromisoformat(clock)))
    ]

    assert open_at == inside


@pytest.mark.parametrize(
    "text", ["8-20", "08:00", "24:00-08:00", "08:60-09:00", "08:00-24:01", "08:00-25:00", "08:00-08:00", "x"]
)
def test_windows_that_are_none(text: str) -> None:
    """A window that does not read or does not exist is refused."""
    assert "`send_window`" in str(refusal(lambda: spec(send_window=text)))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param({}, SendWindow(time(8), time(20)), id="marketing"),
        pytest.param({"message_class": "notification"}, None, id="notification"),
        pytest.param({"send_window": ""}, None, id="always"),
        pytest.param({"send_window": "  "}, None, id="blank"),
    ],
)
def test_only_marketing_has_a_window(data: dict[str, Any], expected: SendWindow | None) -> None:
    """Notifications, and marketing without a window, may leave at any time."""
    assert spec(**data).window == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("  ", None),
        ("2/7d", FrequencyCap(2, timedelta(days=7))),
        ("1/24h", FrequencyCap(1, timedelta(days=1))),
        (" 3 / 30 d ", FrequencyCap(3, timedelta(days=30))),
        ("0/1h", FrequencyCap(0, timedelta(hours=1))),
    ],
)
def test_frequency_cap(text: str, expected: FrequencyCap | None) -> None:
    """A cap reads as a count and a rolling window of days or hours."""
    assert spec(frequency_cap=text).cap == expected


@pytest.mark.parametrize("text", ["2", "2/7", "2/7w", "2/0d", "-1/7d", "1.5/7d", "7d", "1/99999999999d"])
def test_caps_that_are_none(text: str) -> None:
    """A cap that does not read, or whose window no calendar holds, is refused."""
    assert "`frequency_cap`" in str(refusal(lambda: spec(frequency_cap=text)))


def test_numbers_typed_in_yaml(tmp_path: Path) -> None:
    """A template id, phones and variable names that YAML reads as numbers are their digits."""
    file = tmp_path / "campaign.yaml"
    file.write_text(
        "campaign: 20261123\nsegment: y\ntemplate_id: 1400006\nsignature: 360\n"
        "test_phones: [13800138000, '+8613800138001']\nvariables: {1: code, 2: {value: 5}}\n"
    )
    read = CampaignSpec.from_yaml(file)

    assert read.campaign == "20261123"
    assert read.template_id == "1400006"
    assert read.signature == "360"
    assert read.test_phones == ["13800138000", "+8613800138001"]
    assert list(read.variables) == ["1", "2"]
    assert parse_bindings(read.variables)["1"].column == "code"


@pytest.mark.parametrize(
    "typed", ["云片", "【云片】", " 【云片】 ", "【 云片 】", "【【云片】】", "\u3000云片"]
)
def test_signature_without_brackets(typed: str) -> None:
    """Brackets and blanks around a signature are not part of it."""
    assert spec(signature=typed).signature == "云片"


def test_a_spec_does_not_change() -> None:
    """A spec is frozen: what was looked at cannot become something else."""
    made = spec()
    with pytest.raises(ValueError, match="frozen"):
        made.mode = Mode.LIVE  # type: ignore[misc]

    assert made.mode is Mode.REHEARSE


# -- files ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "must hold `name: value` lines", id="empty"),
        pytest.param(b"- campaign", "must hold `name: value` lines", id="list"),
        pytest.param(b"campaign: [", "is not valid YAML", id="broken"),
        pytest.param(b"campaign: !!python/object:os.system x", "is not valid YAML", id="tag"),
        pytest.param("campaign: x\nsignature: 云片\n".encode("gbk"), "must be UTF-8", id="gbk"),
        pytest.param(None, "cannot read parameter file", id="missing"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, content: bytes | None, words: str) -> None:
    """A parameter file that is missing, no mapping or not UTF-8 is one line naming the file."""
    file = tmp_path / "campaign.yaml"
    if content is not None:
        file.write_bytes(content)
    error = refusal(lambda: CampaignSpec.from_yaml(file))

    assert words in str(error)
    assert "campaign.yaml" in str(error)


def test_only_what_differs_is_written() -> None:
    """A written file holds what was chosen, in the order of the parameters, and nothing else."""
    made = spec(signature="云片", mode="live", max_recipients=1000)

    assert (
        made.to_yaml() == "campaign: weekly-vip-2026-W47\nsegment: people.csv\nsignature: 云片\nmode: live\n"
    )


def test_dates_in_variables_survive_the_file() -> None:
    """A date as literal says the same after it was written and read back, as the ledger and YAML do."""
    literals = {
        "until": {"value": date(2026, 11, 30), "format": "%-m月%-d日"},
        "from": {"value": datetime(2026, 11, 1, 9, 30), "format": "%H:%M"},
        "day": {"value": date(2026, 11, 11)},
        "gift": {"column": "gift", "default": 100.0},
    }
    made = spec(variables=literals)
    again = CampaignSpec.from_data(yaml.safe_load(made.to_yaml()))
    bindings = parse_bindings(again.variables)

    assert bindings == parse_bindings(literals)
    assert {name: b.value for name, b in bindings.items()} == {
        "until": "11月30日",
        "from": "09:30",
        "day": "2026-11-11",
        "gift": None,
    }


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAMES = st.text(st.sampled_from(string.ascii_letters + string.digits + "姓名_-"), min_size=1, max_size=8)
MONEY = st.decimals(0, 10**6, places=3)
BINDINGS = st.one_of(
    NAMES,
    st.fixed_dictionaries({"column": NAMES}, optional={"default": st.integers() | NAMES}),
    st.fixed_dictionaries({"value": st.integers() | NAMES | st.dates()}),
)
SPECS = st.fixed_dictionaries(
    {"campaign": NAMES, "segment": TEXTS.filter(bool)},
    optional={
        "segment_query": TEXTS,
        "sheet": TEXTS,
        "rules": st.just({"all": [{"column": "level", "op": "in", "value": ["金", 1, True, "1.0"]}]}),
        "user_id": TEXTS,
        "phone": TEXTS.filter(bool),
        "provider": TEXTS,
        "signature": TEXTS,
        "template_id": st.integers(0, 10**12) | TEXTS,
        "template": TEXTS,
        "variables": st.dictionaries(NAMES, BINDINGS, max_size=3),
        "message_class": st.sampled_from(MessageClass),
        "mode": st.sampled_from(Mode),
        "max_recipients": st.integers(0, 10**9),
        "max_cost": st.none() | MONEY,
        "price_per_part": MONEY,
        "plan_hash": TEXTS,
        "opt_out_wording": st.sampled_from(["", "add", "demand", "回T退订"]),
        "consent": TEXTS,
        "send_window": st.sampled_from(["", "22:00-06:00"]),
        "outside_window": st.sampled_from(["stop", "wait"]),
        "timezone": st.sampled_from(["UTC", "Asia/Tokyo"]),
        "not_after": st.none()
        | st.datetimes(datetime(2000, 1, 1))
        | st.datetimes(datetime(2000, 1, 1), timezones=st.just(timezone(timedelta(hours=8))))
        | st.dates(date(2000, 1, 1)),
        "frequency_cap": st.sampled_from(["", "2/7d"]),
        "holdout": st.floats(0, 1),
        "global_holdout": st.floats(0, 1),
        "canary": st.floats(0, 1),
        "canary_wait": st.sampled_from(["90s", "2h", "1d"]),
        "canary_max_failure": st.floats(0, 1),
        "canary_max_opt_out": st.floats(0, 1),
        "drift": st.sampled_from(["stop", "allow"]),
        "drift_factor": st.floats(1, 1000, exclude_min=True),
        "test_phones": st.lists(st.integers(13000000000, 19999999999) | TEXTS, max_size=2),
    },
)


@settings(max_examples=examples(200))
@given(SPECS)
def test_yaml_round_trip(data: dict[str, Any]) -> None:
    """Written to YAML and read back, a spec is the same spec, but for the numbers of test phones."""
    try:
        made = CampaignSpec.from_data(data)
    except SmskitError:  # an accident: a text that reads like nan, or like a credential
        return
    text = made.to_yaml()
    for data in (parse(text, file="campaign.yaml"), yaml.safe_load(text)):
        again = CampaignSpec.from_data(data)

        assert again == made.model_copy(update={"test_phones": []})
        assert again.definition() == made.definition()


# -- notebooks ----------------------------------------------------------------------------


def notebook(injected: str = "", **cell: Any) -> dict[str, Any]:
    """The globals of a notebook: its parameters cell, then what papermill injected."""
    found = REQUIRED | {"mode": "rehearse", "max_recipients": 1000, "pd": object()} | cell
    sources = ["", "campaign: str = ''  # id\nmode: str = 'rehearse'"]
    if injected:
        exec(injected, {}, found)
        sources.append(f"# Parameters\n{injected}")
    return found | {"In": sources}


def from_notebook(namespace: dict[str, Any]) -> CampaignSpec:
    """The spec a notebook's parameters make, as notebook 03 reads them."""
    return CampaignSpec.from_data(draft_of(namespace, Host.PROGRAM).to_data())


def test_a_notebook_by_hand() -> None:
    """Clicked through, the parameters are the values of the cell; other names do not matter."""
    assert from_notebook(notebook(max_recipients=7)) == spec(max_recipients=7)


def test_a_notebook_by_papermill() -> None:
    """Injected values win, whatever their type, and give the spec the file would give."""
    injected = 'mode = "live"\nvariables = {"name": "name"}\nrules = None\nmax_cost = 12.5\n'

    assert from_notebook(notebook(injected)) == spec(mode="live", variables={"name": "name"}, max_cost="12.5")


def test_a_notebook_with_a_misspelt_parameter() -> None:
    """papermill only warns about a name the notebook does not have; here it stops the run."""
    error = refusal(lambda: from_notebook(notebook('max_recipient = 5\nmode = "live"\n')))

    assert "unknown parameter `max_recipient`; did you mean `max_recipients`?" in str(error)


@pytest.mark.parametrize(
    ("injected", "secret"),
    [
        pytest.param('yunpian_api_key = "sesame-open"\n', "sesame-open", id="by-name"),
        pytest.param(f'signature = "{KEY}"\n', KEY, id="by-value"),
    ],
)
def test_a_notebook_with_a_credential(injected: str, secret: str) -> None:
    """A credential among the injected parameters is refused without being repeated."""
    error = refusal(lambda: from_notebook(notebook(injected)))

    assert "looks like a credential" in str(error)
    assert secret not in whole_chain(error)


def test_a_cell_of_ones_own_is_not_injected() -> None:
    """Names assigned in other cells are the notebook's own affair."""
    cells = notebook() | {"In": ["", "max_recipient = 5", "#Parameters of mine\nfoo = 1"], "max_recipient": 5}

    assert from_notebook(cells) == spec()
