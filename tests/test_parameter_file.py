"""A parameter file read as it stands: text stays text, what cannot be is one line with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smskit.errors import SpecError
from smskit.planning.parameter_file import parse, read_file, write
from smskit.planning.spec import CampaignSpec
from tests.test_cli import Run, run  # noqa: F401 - a fixture

REQUIRED = "campaign: c-1\nsegment: people.csv\n"


PLAIN = [
    "2026.10",
    "2026.1",
    "0012",
    "2026_11",
    "12:30",
    "0x1F",
    "0o17",
    "0b1",
    "1e3",
    "1.50",
    "+5",
    "010",
    "yes",
    "NO",
    "true",
    "2026-11-31",
    "2026-11-30",
    ".5",
    ".inf",
    "-0",
    "1_000.5",
    "20261123",
    "007",
]


def file_of(folder: Path, text: str) -> Path:
    path = folder / "campaign.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("text", PLAIN)
@pytest.mark.parametrize("name", ["series", "template_id", "signature", "consent", "plan_hash"])
def test_text_is_the_text_as_it_stands(tmp_path: Path, name: str, text: str) -> None:
    """A text parameter given without quotes is what a person sees in the file, as with quotes."""
    bare = CampaignSpec.from_yaml(file_of(tmp_path, f"{REQUIRED}{name}: {text}\n"))
    quoted = CampaignSpec.from_yaml(file_of(tmp_path, f"{REQUIRED}{name}: '{text}'\n"))

    assert getattr(bare, name) == text
    assert bare == quoted


def test_october_is_not_january(tmp_path: Path) -> None:
    """Ids that are numbers to YAML stay apart: 2026.10 is another campaign than 2026.1."""
    ids = ["2026.1", "2026.10", "2026.100", "0012", "12", "2026_11", "202611", "12:30", "750", "0x1F", "31"]
    read = [
        CampaignSpec.from_yaml(file_of(tmp_path, f"campaign: {text}\nsegment: s.csv\n")).campaign
        for text in ids
    ]

    assert read == ids


@pytest.mark.parametrize(
    ("text", "expected"),
    [("010", 10), ("1_000", 1000), ("0", 0), ("1000", 1000), ("1000.0", 1000), ("'010'", 10)]
    + [(text, None) for text in ("0x1F", "0o10", "0b1", "0b_", "12:30", "true", "1e3", "10.5", "2026-11-23")],
)
def test_a_whole_number_is_decimal_or_refused(tmp_path: Path, text: str, expected: int | None) -> None:
    """``max_recipients: 010`` is ten people, never eight; what is no number is refused by its line."""
    file = file_of(tmp_path, f"{REQUIRED}max_recipients: {text}\n")
    if expected is None:
        with pytest.raises(SpecError, match=r"campaign\.yaml:3: parameter `max_recipients`: must be a whole"):
            CampaignSpec.from_yaml(file)
    else:
        assert CampaignSpec.from_yaml(file).max_recipients == expected


@pytest.mark.parametrize("text", ["true", "yes", "0x1", "1:30"])
def test_a_share_is_a_number(tmp_path: Path, text: str) -> None:
    """``holdout: true`` is not everybody."""
    with pytest.raises(SpecError, match="`holdout`: must be a number"):
        CampaignSpec.from_yaml(file_of(tmp_path, f"{REQUIRED}holdout: {text}\n"))


@pytest.mark.parametrize("name", ["campaign", "signature", "template_id", "plan_hash", "send_window"])
def test_a_float_is_no_text(name: str) -> None:
    """A float given for a text has lost what was typed and is refused; a whole number is taken."""
    data: dict[str, Any] = {"campaign": "c-1", "segment": "s.csv"}
    with pytest.raises(SpecError, match=f"`{name}`: is text .* put it in quotes"):
        CampaignSpec.from_data(data | {name: 2026.10})
    assert CampaignSpec.from_data(data | {"template_id": 5349}).template_id == "5349"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{value: 99.90}", "99.90"),
        ("{value: 007}", "007"),
        ("{value: 100}", 100),
        ("{value: 2.5}", 2.5),
        ("{value: 12:30}", "12:30"),
        ("{value: yes}", "yes"),
        ("{value: 1_000}", "1_000"),
        ("{value: 2026-11-30}", "2026-11-30"),
        ("{value: 2026-11-30 10:00:00}", "2026-11-30 10:00:00"),
        ("{column: c, default: 0.50}", "0.50"),
    ],
)
def test_a_literal_is_written_as_it_stands(tmp_path: Path, text: str, expected: object) -> None:
    """What a message says is what the file says: 99.90 yuan are not 99.9, a time keeps its hour."""
    data = read_file(file_of(tmp_path, f"{REQUIRED}variables: {{x: {text}}}\n"))
    binding = data["variables"]["x"]

    assert binding.get("value", binding.get("default")) == expected


def test_names_of_variables_stay(tmp_path: Path) -> None:
    """``1: code`` binds the variable 1, and ``01`` is another one."""
    spec = CampaignSpec.from_yaml(file_of(tmp_path, f"{REQUIRED}variables: {{1: a, 01: b, 1.10: c}}\n"))

    assert spec.variables == {"1": "a", "01": "b", "1.10": "c"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *[("5", 5), ("99.90", 99.9), ("-1.5e+3", -1500.0), ("true", True), ("'5'", "5"), ("上海", "上海")],
        *[(text, text) for text in ("007", "2026_11", "0x1F", "12:30", "1e3", "-.5", "0b_", "0o17")],
    ],
)
def test_values_of_rules(text: str, expected: object) -> None:
    """A rule's value is a number only where people would write it so; 007 is text."""
    found = parse(f"rules: {{column: a, op: =, value: {text}}}", file="c")["rules"]

    assert found == {"column": "a", "op": "=", "value": expected}
    assert type(found["value"]) is type(expected)


DEEP = 3000
BOMB = "\n".join(f"- &a{i} [{', '.join([f'*a{i - 1}' if i else 'x'] * 9)}]" for i in range(12))
MERGED = "- &a0 {k: v}\n" + "\n".join(
    f"- &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}" for i in range(1, 12)
)
IMPOSSIBLE = [
    pytest.param("not_after: 2026-11-31", 3, id="november-31"),
    pytest.param("not_after: 2026-02-29", 3, id="february-29"),
    pytest.param("not_after: 2026-11-23 25:00:00", 3, id="hour-25"),
    pytest.param("max_cost: 0b_", 3, id="binary"),
    pytest.param("rules: {column: a, op: after, value: 2026-02-29}", 3, id="rule"),
    pytest.param("rules:\n- column: a\n  op: after\n  value: 2026-11-23 24:30:00", 6, id="rule-hour"),
    pytest.param("rules: {column: a, op: in, value: [2026-13-01]}", 3, id="rule-month"),
    pytest.param("variables: {d: {value: 2026-02-30}}", 3, id="literal"),
    pytest.param("variables:\n  d:\n    column: c\n    default: 2026-04-31", 6, id="default"),
    pytest.param("rules: {column: a, op: ==, value: 2026-11-23 10:00:00+99:00}", 3, id="offset"),
    pytest.param(f"rules: {'9' * 5000}", 3, id="digits"),
    pytest.param("rules: !!int abc", 3, id="int"),
    pytest.param("rules: [!!bool maybe]", 3, id="bool"),
    pytest.param("rules: [!!timestamp x]", 3, id="timestamp"),
    pytest.param("rules: !!map [a]", 3, id="map"),
    pytest.param("rules: !!set {a}", 3, id="set"),
    pytest.param("rules: !!python/object:os.system {}", 3, id="object"),
    pytest.param("rules: {? [a] : b}", 3, id="list-as-name"),
    pytest.param(f"rules: {'[' * DEEP}{']' * DEEP}", 3, id="deep"),
    pytest.param(f"rules: {'{not: ' * DEEP}x{'}' * DEEP}", 3, id="deep-rule"),
    pytest.param("rules: &a [*a]", 3, id="itself"),
    pytest.param("rules: &a {not: *a}", 3, id="rule-itself"),
    pytest.param(f"rules:\n{BOMB}", 9, id="bomb"),
    pytest.param(f"rules:\n{MERGED}", 9, id="merged-bomb"),
]


@pytest.mark.parametrize(("text", "line"), IMPOSSIBLE)
def test_what_cannot_be_is_one_line(
    tmp_path: Path,
    run: Run,  # noqa: F811
    text: str,
    line: int,
) -> None:
    """Every command says file and line of what does not exist or cannot be read, and exits 2."""
    file = file_of(tmp_path, f"{REQUIRED}{text}\n")
    for command in (["plan"], ["validate", "--no-segment"], ["explain"], ["run"], ["diff", file], ["doctor"]):
        done = run(*command, file)

        assert done.code == 2, command
        assert len(done.err.strip().splitlines() or done.out.strip().splitlines()) == 1, command
        assert "campaign.yaml" in done.err + done.out
        assert f"line {line}" in done.err + done.out or f"campaign.yaml:{line}:" in done.err + done.out


def test_aliases_that_people_write(tmp_path: Path) -> None:
    """An alias for a list or a mapping, and a merged one, are read as before."""
    text = (
        "rules:\n- {column: a, op: in, value: &cities [上海, 北京]}\n- {column: b, op: in, value: *cities}\n"
        "variables:\n  a: &v {column: a, default: x}\n  b: {<<: *v, column: b}\n"
    )
    data = read_file(file_of(tmp_path, REQUIRED + text))

    assert data["rules"][1]["value"] == ["上海", "北京"]
    assert data["variables"]["b"] == {"column": "b", "default": "x"}


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
TEXTS = st.from_regex(r"\A[-+0-9_.:eExob]{1,9}\Z") | st.sampled_from(
    ["yes", "=", "<<", "~", "", "2026-02-30"]
)


@given(st.recursive(SCALARS | TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner)))
def test_what_is_written_is_read_again(value: Any) -> None:
    """Data under a name comes back as it was, text that looks like numbers too."""
    assert parse(write({"rules": [value]}), file="c") == {"rules": [value]}


@given(st.text("[]{}&*a1:,-?!|>'\"\\ \n#%@`~.0x_é\u2028\x07\ufeff", max_size=60) | st.binary(max_size=60))
def test_whatever_stands_in_a_file(tmp_path_factory: pytest.TempPathFactory, text: str | bytes) -> None:
    """Any bytes are parameters or one sentence."""
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    try:
        found: dict[str, Any] | str = read_file(file)
    except SpecError as error:
        found = str(error)

    assert isinstance(found, dict) or "\n" not in found
