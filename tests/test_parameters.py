"""Parameter files: validated, explained, compared, and their schema; the commands over them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given

from smskit.errors import SmskitError
from smskit.notebook import headless
from smskit.notebook.sample import campaign_data
from smskit.planning.explain import explain
from smskit.planning.parameter_file import read_file
from smskit.planning.schema import differences, markdown, schema, verdict
from smskit.planning.spec import CampaignSpec
from smskit.planning.validate import Validated, validate
from tests.conftest import ROOT
from tests.test_cli import Run, run  # noqa: F401 - a fixture
from tests.test_spec import SPECS

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
KEY = "5ec2e7c0ffee5ec2e7c0ffee5ec2e7c0"
GOOD: dict[str, Any] = {
    "campaign": "weekly-vip-2026-W47",
    "segment": str(ROOT / "sample_segments" / "clean.csv"),
    "rules": {"all": [{"column": "level", "op": "in", "value": ["gold", "platinum"]}]},
    "signature": "GrowingIO",
    "template": "你好{name}，拒收请回复R",
    "variables": {"name": "name"},
}
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a parameter file: the good one, with other values; None leaves a parameter out."""

    def file(name: str = "campaign.yaml", **more: Any) -> Path:
        path = tmp_path / name
        data = {k: v for k, v in (GOOD | more).items() if v is not None}
        path.write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")
        return path

    return file


def look(path: Path, **more: Any) -> Validated:
    return validate(path, now=NOW, environ={}, **more)


# -- validate -------------------------------------------------------------------------------------


def test_a_good_file(write: Write) -> None:
    """Nothing is wrong with it, and it says how many rows the rules keep."""
    found = look(write())

    assert found.good
    assert re.search(r"has \d+ rows, of which the rules keep [1-9]\d*", str(found))


def test_rules_that_do_not_read_keep_nobody(write: Write) -> None:
    """Where the rules are wrong it is not said how many rows they keep; where something else is, it is."""
    wrong_rule = look(write(rules=[{"column": "name", "op": "is", "value": 1}]))
    wrong_else = look(write(phone="phon"))

    assert "of which the rules keep" not in str(wrong_rule)
    assert "of which the rules keep" in str(wrong_else)


@pytest.mark.parametrize(
    ("zone", "kept"), [("Asia/Shanghai", 1), ("UTC", 2), ("America/New_York", 2), ("Pacific/Auckland", 1)]
)
def test_days_are_counted_in_the_campaigns_zone(write: Write, tmp_path: Path, zone: str, kept: int) -> None:
    """At 17:00 UTC it is tomorrow already in Shanghai, where one of the days is too long ago."""
    people = tmp_path / "people.csv"
    people.write_text("user_id,phone,name,seen\n1,13800000001,A,2026-11-21\n2,13800000002,B,2026-11-22\n")
    path = write(
        segment=str(people), timezone=zone, rules={"column": "seen", "op": "within_days", "value": 2}
    )
    found = validate(path, now=datetime(2026, 11, 23, 17, tzinfo=UTC), environ={})

    assert found.good, str(found)
    assert f"the segment has 2 rows, of which the rules keep {kept}" in str(found)


def test_everything_is_told_at_once(tmp_path: Path) -> None:
    """Unknown names, credentials and values out of range come together, in the order of their lines."""
    file = tmp_path / "campaign.yaml"
    file.write_text(
        f"campaign: x\nsegmnt: people.csv\napi_key: {KEY}\nmode: real\nholdout: 2\nsignature: {KEY}\n"
    )
    found = look(file)

    assert [(p.line, p.parameter) for p in found.problems] == [
        (0, "segment"),
        (2, "segmnt"),
        (3, "api_key"),
        (4, "mode"),
        (5, "holdout"),
        (6, "signature"),
    ]
    assert "did you mean `segment`?" in str(found)
    assert KEY not in str(found) + json.dumps(found.to_data())


@pytest.mark.parametrize(
    ("more", "parameter", "words"),
    [
        pytest.param({"phone": "phon"}, "phone", "did you mean `phone`?", id="phone"),
        pytest.param({"user_id": "id_of_user"}, "user_id", "names column `id_of_user`", id="user-id"),
        pytest.param({"consent": "consnt"}, "consent", "did you mean `consent`?", id="consent"),
        pytest.param(
            {"rules": [{"column": "levl", "op": "==", "value": "gold"}]},
            "rules",
            "did you mean `level`?",
            id="column",
        ),
        pytest.param(
            {"rules": [{"column": "level", "op": "~", "value": 1}]}, "rules", "rules[0].op", id="op"
        ),
        pytest.param(
            {"variables": {"name": "nam"}}, "variables", "bound to the column `nam`", id="bound-elsewhere"
        ),
        pytest.param({"variables": {}}, "variables", "bound to nothing", id="unbound"),
        pytest.param({"template": None}, "template", "give the text", id="no-text"),
        pytest.param({"template": "你好{name"}, "template", "", id="broken-text"),
        pytest.param({"provider": "yunpan"}, "provider", "did you mean `yunpian`?", id="provider"),
        pytest.param({"fits": ["yunpian", "nope"]}, "fits", "`fits`: unknown provider `nope`", id="fits"),
        pytest.param({"fits": [""]}, "fits", "`fits`: unknown provider ``", id="fits-nobody"),
        pytest.param({"segment": str(ROOT / "pyproject.toml")}, "segment", "no kind of segment", id="kind"),
    ],
)
def test_what_does_not_fit(write: Write, more: dict[str, Any], parameter: str, words: str) -> None:
    """What names, types and ranges cannot tell is found beside the segment and the provider."""
    found = look(write(**more))

    assert [p.parameter for p in found.problems] == [parameter]
    assert words in found.problems[0].text


def test_columns_that_look_the_same_fit(
    write: Write,
    tmp_path: Path,
    run: Run,  # noqa: F811
) -> None:
    """Headings that differ from the parameters only in blanks or composition are those, as for the plan."""
    segment, columns = (
        tmp_path / "people.csv",
        ("编\xa0号", "手机\xa0号", "name\u0301", "同\u200b意", "级  别"),
    )
    segment.write_text(f"{','.join(columns)}\nu1,13800000001,张三,是,gold\n", encoding="utf-8")
    asked = {"user_id": "编 号", "phone": "手机 号", "consent": "同意", "keep": ["级 别"]}
    asked |= {"rules": {"column": "级 别", "op": "==", "value": "gold"}, "variables": {"name": "nam\xe9"}}
    file = write(segment=str(segment), **asked)

    assert str(look(file)) == f"{file}: note: the segment has 1 row, of which the rules keep 1\n{file}: valid"
    assert "\"级 别\" = 'gold'" in run("explain", file).out


def test_several_misfits_at_once(write: Write) -> None:
    """Wrong columns of every kind are told together."""
    rules = [{"column": c, "op": "is_null"} for c in ("one", "two")]
    found = look(write(phone="phon", consent="consnt", rules=rules, variables={"name": "nam"}))

    assert sorted(p.parameter for p in found.problems) == ["consent", "phone", "rules", "rules", "variables"]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"segment": "env:CRM_URL"}, "the segment was not looked at"),
        ({"template": None, "template_id": "SMS_1", "provider": "aliyun"}, "the provider's to tell"),
        ({"not_after": "2026-11-22"}, "has passed"),
    ],
    ids=["no-variable", "text-elsewhere", "too-late"],
)
def test_what_cannot_be_told_here_is_a_note(write: Write, more: dict[str, Any], words: str) -> None:
    """Data out of reach makes a file no worse; it is said that it was not looked at."""
    found = look(write(**more))

    assert found.good, str(found)
    assert any(words in note for note in found.notes)


def test_a_name_given_twice(tmp_path: Path) -> None:
    """A parameter that stands there twice is refused by its line, since YAML would silently take the last."""
    file = tmp_path / "campaign.yaml"
    file.write_text("campaign: x\nsegment: y\nmax_recipients: 10\nmax_recipients: 100000\n")
    found = look(file)

    assert [p.text for p in found.problems] == [
        "gives a name twice, again at line 4; which of the two is meant?"
    ]
    with pytest.raises(SmskitError, match="twice, again at line 4"):
        CampaignSpec.from_yaml(file)


def test_validate_exits(write: Write, run: Run) -> None:  # noqa: F811
    """0 when all files are good, 2 when one is not; data for programs on demand."""
    good, bad = write("good.yaml"), write("bad.yaml", mode="real")
    done, data = run("validate", good, bad), run("validate", good, bad, "--json").data

    assert run("validate", good).code == 0
    assert done.code == 2
    assert re.search(r"bad.yaml:\d+: parameter `mode`", done.out)
    assert [one["valid"] for one in data] == [True, False]


# -- explain ----------------------------------------------------------------------------------------


def test_explain_tells_everything_in_words(write: Write, run: Run) -> None:  # noqa: F811
    """Who, what, through whom, when, limits, what stops it; each parameter with where it came from."""
    file = write(
        rules={
            "all": [
                {"column": "level", "op": "in", "value": ["gold"]},
                {"not": {"column": "city", "op": "==", "value": "上海"}},
                {"column": "user_id", "op": "!=", "value": "vip13800138000"},
            ]
        },
        series="weekly-vip",
        frequency_cap="2/7d",
        holdout=0.1,
        not_after="2026-11-23T20:00",
        max_cost=12.5,
        test_phones=["13800138000"],
    )
    told = run("explain", file)
    data = run("explain", file, "--json").data

    for words in (
        "2 messages within 7d",
        "10% of them",
        "`weekly-vip`",
        "【GrowingIO】你好{name}",
        "nobody gets anything",
        "08:00-20:00 (Asia/Shanghai)",
        "2026-11-23T20:00:00+08:00",
        "At most ¥12.50",
        'level in ("gold")',
        "\"level\" IN ('gold')",
        "1 number",
    ):
        assert words in told.out
    sources = {p["name"]: p["source"] for p in data["parameters"]}
    assert list(sources) == list(CampaignSpec.model_fields)
    assert {name for name, source in sources.items() if source == "file"} == set(read_file(file))
    assert "13800138000" not in told.out + json.dumps(data)


@given(SPECS)
def test_everything_can_be_explained(data: dict[str, Any]) -> None:
    """Whatever the parameters are, they have words, and every parameter is among them."""
    try:
        rules = {"not": {"any": [{"column": "级别", "op": "in", "value": ["金", "1"]}]}}
        spec = CampaignSpec.from_data(
            data | {"provider": "yunpian"} | ({"rules": rules} if "rules" in data else {})
        )
    except SmskitError:
        return
    told = explain(spec, list(data), now=NOW)

    assert [p.name for p in told.parameters] == list(CampaignSpec.model_fields)
    assert str(told)


# -- diff ----------------------------------------------------------------------------------------------


def rules(*leaves: tuple[str, Any]) -> dict[str, Any]:
    return {"all": [{"column": column, "op": "==", "value": value} for column, value in leaves]}


@pytest.mark.parametrize(
    ("before", "after", "places", "meaning"),
    [
        pytest.param({}, {}, [], "The same parameters.", id="same"),
        pytest.param({}, {"max_recipients": 5}, ["max_recipients"], "The same campaign", id="a-limit"),
        pytest.param(
            {}, {"template": "再见{name}"}, ["template"], "A new definition under the same id", id="text"
        ),
        pytest.param(
            {"series": "weekly-vip"},
            {"series": "weekly-vip", "campaign": "weekly-vip-2026-W48"},
            ["campaign"],
            "two occurrences of the series",
            id="series",
        ),
        pytest.param({}, {"campaign": "weekly-vip-2026-W48"}, ["campaign"], "two campaigns", id="alike-ids"),
        pytest.param({}, {"series": "vip"}, ["series"], "A new definition", id="another-series"),
        pytest.param(
            {}, {"campaign": "other", "holdout": 0.1}, ["campaign", "holdout"], "two campaigns", id="ids"
        ),
        pytest.param({}, {"mode": "live"}, ["mode"], "sends for real", id="live"),
        pytest.param(
            {"rules": rules(("a", 1), ("b", 2))},
            {"rules": rules(("a", 1), ("b", 3))},
            ["rules.all[1].value"],
            "A new definition",
            id="a-value-within-a-rule",
        ),
        pytest.param(
            {"rules": rules(("a", 1), ("b", 2))},
            {"rules": rules(("z", 0), ("a", 1), ("b", 2))},
            ["rules.all[0]"],
            "A new definition",
            id="a-rule-put-in-front",
        ),
        pytest.param(
            {"rules": rules(("a", 1), ("b", 2))},
            {"rules": rules(("b", 2))},
            ["rules.all[0]"],
            "",
            id="a-rule-less",
        ),
        pytest.param(
            {}, {"variables": {"name": "nick"}}, ["variables.name"], "A new definition", id="variable"
        ),
    ],
)
def test_differences(before: dict[str, Any], after: dict[str, Any], places: list[str], meaning: str) -> None:
    """Differences are found by place, within rules too, with what they mean for the campaign."""
    one, other = CampaignSpec.from_data(GOOD | before), CampaignSpec.from_data(GOOD | after)

    assert [d.place for d in differences(one, other)] == places
    assert meaning in verdict(one, other)


@given(SPECS, SPECS)
def test_no_difference_means_equal(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Two campaigns without a difference are equal, and the other way round; a new definition is told."""
    try:
        a, b = CampaignSpec.from_data(one), CampaignSpec.from_data(other)
    except SmskitError:
        return
    found = differences(a, b)

    assert not differences(a, a)
    assert bool(found) == (a.model_dump(mode="json") != b.model_dump(mode="json"))
    assert any(d.defines for d in found) == (a.definition() != b.definition())


def test_diff_exits_as_diff_does(write: Write, run: Run) -> None:  # noqa: F811
    """0 the same, 1 not, 2 a file that is not valid; phones are masked."""
    one = write("a.yaml", test_phones=["13800138000"])
    other = write("b.yaml", test_phones=["13900139000"])
    bad = write("c.yaml", mode="real")
    done = run("diff", one, other)

    assert [run("diff", one, one).code, done.code, run("diff", one, bad).code] == [0, 1, 2]
    assert "138****8000" in done.out
    assert "13800138000" not in done.out + run("diff", one, other, "--json").out


# -- schema -----------------------------------------------------------------------------------------------


def campaign_files() -> list[Any]:
    """Every parameter file of the repository, and those printed in README and reference."""
    files = [
        path
        for path in (ROOT / "examples").rglob("*.yaml")
        if re.search("^segment:", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    pages = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/reference.md")]
    printed = re.findall(r"```yaml\n(.*?)```", "\n".join(pages), re.DOTALL)
    texts = {str(p.relative_to(ROOT)): p.read_text(encoding="utf-8") for p in files}
    texts |= {f"page-{i}": t for i, t in enumerate(printed) if "\nsegment:" in t}
    return [pytest.param(yaml.load(t, yaml.BaseLoader), id=name) for name, t in texts.items()]


@pytest.mark.parametrize("data", [*campaign_files(), pytest.param(campaign_data("x"), id="sample")])
def test_our_own_files_pass_the_schema(data: dict[str, Any]) -> None:
    """Files we hand out are valid by the schema; a misspelt name in one of them is not."""
    numbers = {k: float(v) for k, v in data.items() if k in ("holdout", "global_holdout", "max_recipients")}
    checker = jsonschema.Draft202012Validator(schema())

    assert list(checker.iter_errors(data | numbers)) == []
    assert not checker.is_valid(data | {"max_recipient": 5})


def test_the_schema_is_one_and_describes_every_parameter() -> None:
    """It is a valid schema, closed, and every parameter has a meaning; its examples pass it."""
    made = schema()
    jsonschema.Draft202012Validator.check_schema(made)
    required = {"campaign": "x", "segment": "y"}

    assert list(made["properties"]) == list(CampaignSpec.model_fields)
    assert made["additionalProperties"] is False
    assert all(found["description"] for found in made["properties"].values())
    for name, found in made["properties"].items():
        for example in found.get("examples", ()):
            jsonschema.validate(required | {name: example}, made)
            CampaignSpec.from_data(required | {name: example})


@given(SPECS)
def test_what_is_valid_passes_the_schema(data: dict[str, Any]) -> None:
    """A file that was written by us is never underlined in an editor."""
    try:
        written = CampaignSpec.from_data(data).to_data()
    except SmskitError:
        return

    assert list(jsonschema.Draft202012Validator(schema()).iter_errors(written)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "real"},
        {"max_recipients": -1},
        {"holdout": 1.5},
        {"rules": {"all": [{"column": "a", "op": "~", "value": 1}]}},
        {"rules": {"al": []}},
        {"rules": [{"column": "a", "op": "=="}]},
        {"variables": {"name": {"column": "a", "defalt": 1}}},
        {"outside_window": "skip"},
    ],
    ids=lambda wrong: json.dumps(wrong)[:40],
)
def test_what_an_editor_underlines(wrong: dict[str, Any]) -> None:
    """Wrong names, values and rules are no valid file, for the schema as for us."""
    required = {"campaign": "x", "segment": "y"}

    assert not jsonschema.Draft202012Validator(schema()).is_valid(required | wrong)


def test_the_reference_has_the_table() -> None:
    """The reference's table of parameters is what ``smskit schema --markdown`` prints."""
    text = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- parameters -->\n\n(.*?)\n<!-- /parameters -->", text, re.DOTALL)

    assert found is not None
    assert found[1] == markdown()


def test_the_schema_is_printed(run: Run) -> None:  # noqa: F811
    """The command prints the same schema."""
    assert run("schema").data == schema()


def test_what_a_notebook_is_handed_is_json(tmp_path: Path) -> None:
    """Dates that YAML made of unquoted words, wherever they stand, and the same campaign as before."""
    (tmp_path / "c.yaml").write_text(
        "campaign: dates\nsegment: x.csv\nsignature: G\ntemplate: '{name}，{day}前有效'\n"
        "variables:\n  name: name\n  day: {value: 2026-12-09}\n"
        "rules:\n  all:\n    - {column: due, op: '>=', value: 2026-12-09}\n"
        "    - {column: due, op: between, value: [2026-01-01, 2026-12-09 10:00:00]}\n",
        "utf-8",
    )
    data = read_file(tmp_path / "c.yaml")
    spec = CampaignSpec.from_data(data)
    with headless._without_numbers(data, spec) as handed:
        again = CampaignSpec.from_data(json.loads(json.dumps(handed)))

    assert again.definition() == spec.definition()
