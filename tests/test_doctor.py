"""The template doctor: what each provider would not pass, with its rule and source, and never a crash."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from typer.testing import CliRunner

from smskit.cli.commands import app
from smskit.errors import SmskitError, SpecError, TemplateError
from smskit.message.lint import Kind, LintIssue, TemplateRule, find_issues, lint, notices_of_text
from smskit.message.template import Form, Template
from smskit.models import MessageClass
from smskit.notebook import Notebook
from smskit.planning.draft import Draft
from smskit.providers import provider_class, provider_names
from tests import live

MARKETING, NOTIFICATION = MessageClass.MARKETING, MessageClass.NOTIFICATION
PROVIDERS = ("aliyun", "chuanglan", "tencent", "yunpian")
END = "，拒收请回复R"


def issues(provider: str, text: str, message_class: MessageClass = MARKETING) -> list[LintIssue]:
    """What *provider* says to a text with a good signature."""
    found = lint(text, provider_class(provider), signature="示例", message_class=message_class)
    return list(found.issues)


def severe(provider: str, text: str, message_class: MessageClass = MARKETING) -> list[str]:
    """What it would not pass."""
    return [c.what for c in issues(provider, text, message_class) if c.severe]


def notes(provider: str, text: str, message_class: MessageClass = MARKETING) -> list[str]:
    """What it may pass, and somebody should know."""
    return [c.what for c in issues(provider, text, message_class) if not c.severe]


# -- tables --------------------------------------------------------------------------

DOUBLED = "【示例】 stands in the text once more; take it out there"
NO_OPT_OUT = "the text ends with `你好{…}`, not with 拒收请回复R"
LONG = "长" * 495 + END  # with 【示例】 506 characters
LONGER = "a message has at least 537 characters"
LONGEST = "a message has at least 506 characters"


def by(providers: str, *what: str) -> dict[str, list[str]]:
    """The same said by several providers."""
    return {provider: list(what) for provider in providers.split()}


REFUSED: list[tuple[str, str, MessageClass, dict[str, list[str]]]] = [
    (
        "doubled-signature",
        "【示例】【示例】你好{name}" + END,
        MARKETING,
        by("aliyun chuanglan yunpian", DOUBLED),
    ),
    (
        "brackets-in-body",
        "你好{name}，【限时】优惠" + END,
        MARKETING,
        by("aliyun yunpian", "the text holds `【限时】`"),
    ),
    (
        "signature-at-the-end",
        "你好{name}" + END + "【示例】",
        NOTIFICATION,
        {"aliyun": [DOUBLED, "the text holds `拒收请回复R`"], "chuanglan": [DOUBLED], "yunpian": [DOUBLED]},
    ),
    (
        "no-opt-out",
        "你好{name}",
        MARKETING,
        by("aliyun chuanglan tencent", NO_OPT_OUT),
    ),
    (
        "old-opt-out",
        "你好{name}，回T退订",
        MARKETING,
        by("aliyun chuanglan tencent", "the text ends with `你好{…}，回T退订`, not with 拒收请回复R"),
    ),
    (
        "small-r",
        "你好{name}，拒收请回复r",
        MARKETING,
        by("aliyun chuanglan tencent", "the text ends with `你好{…}，拒收请回复r`, not with 拒收请回复R"),
    ),
    (
        "opt-out-in-a-notification",
        "你好{name}" + END,
        NOTIFICATION,
        {"aliyun": ["the text holds `拒收请回复R`"]},
    ),
    (
        "mobile-number-in-a-notification",
        "{name}请联系13800000000",
        NOTIFICATION,
        {"aliyun": ["the text holds `13800000000`"]},
    ),
    (
        "longer-than-500",
        LONG,
        MARKETING,
        by("tencent yunpian", LONGEST) | by("aliyun", "the template has 502 characters", LONGEST),
    ),
    (
        "longer-than-536",
        "长" * 31 + LONG,
        MARKETING,
        by("chuanglan tencent yunpian", LONGER) | by("aliyun", "the template has 533 characters", LONGER),
    ),
    (
        "long-only-as-written",
        f"{{{'n' * 60}}}" * 2 + "长" * 400 + END,
        MARKETING,
        {
            "aliyun": [
                "the template has 533 characters",
                f"{{{'n' * 60}}} occurs 2 times",
                f"nothing is between {{{'n' * 60}}} and {{{'n' * 60}}}",
            ]
        },
    ),
    (
        "adjacent-variables",
        "你好{a}{b}" + END,
        MARKETING,
        {"aliyun": ["nothing is between {a} and {b}"]},
    ),
    (
        "repeated-variable",
        "你好{a}，{a}" + END,
        MARKETING,
        {"aliyun": ["{a} occurs 2 times"]},
    ),
    (
        "all-variables",
        "{a}，{b}！",
        NOTIFICATION,
        {"aliyun": ["the template has no words of its own"]},
    ),
    (
        "symbols",
        "①你好{a}★★🎉" + END,
        MARKETING,
        {"aliyun": ["the text holds `①` `★★🎉`"]},
    ),
    (
        "square-brackets-at-the-ends",
        "[重要]你好{name}[完]",
        NOTIFICATION,
        {"aliyun": ["the text holds `[` `]`"]},
    ),
    (
        "hashtag-beside-braces",
        "#双11#来了，{name}" + END,
        MARKETING,
        {
            "yunpian": [
                "`#双11#` is literal text here, but YUNPIAN would read it as a variable; word it differently"
            ]
        },
    ),
    (
        "another-providers-variable",
        "价格{{$}}起，{name}" + END,
        MARKETING,
        {},
    ),
    (
        "literal-aliyun-variable",
        "{$}{{x}}，{name}" + END,
        MARKETING,
        {
            "aliyun": [
                "`${x}` is literal text here, but ALIYUN would read it as a variable; word it differently"
            ]
        },
    ),
]


@pytest.mark.parametrize(
    ("provider", "text", "message_class", "wanted"),
    [
        pytest.param(provider, text, kind, wanted.get(provider, []), id=f"{name}-{provider}")
        for name, text, kind, wanted in REFUSED
        for provider in PROVIDERS
    ],
)
def test_what_would_not_pass(
    provider: str, text: str, message_class: MessageClass, wanted: list[str]
) -> None:
    """Each text breaks exactly these rules of each provider."""
    assert severe(provider, text, message_class) == wanted


NOTES: list[tuple[str, str, str, MessageClass, list[str]]] = [
    ("tencent-variables", "tencent", "你好{a}，{b}" + END, MARKETING, ["the template has 2 variables"]),
    ("tencent-doubled", "tencent", "你好【示例】" + END, MARKETING, [DOUBLED]),
    ("yunpian-no-opt-out", "yunpian", "你好", MARKETING, ["not with 拒收请回复R or 回T退订 or 回TD退订"]),
    ("yunpian-old-opt-out", "yunpian", "你好，回T退订", MARKETING, []),
    ("yunpian-over-400", "yunpian", "长" * 400, NOTIFICATION, ["at least 404 characters"]),
    ("chuanglan-brackets", "chuanglan", "你好【限时】" + END, MARKETING, ["the text holds `【限时】`"]),
    (
        "chuanglan-21-places",
        "chuanglan",
        "，".join(["{x}"] * 21) + END,
        MARKETING,
        ["the template has 21 variables"],
    ),
    (
        "aliyun-link",
        "aliyun",
        "点s.example.cn/a?b=1领取" + END,
        MARKETING,
        ["the link `s.example.cn/a?b=1`"],
    ),
    ("aliyun-traditional", "aliyun", "您的優惠券" + END, MARKETING, ["the text holds `優`"]),
    (
        "aliyun-code",
        "aliyun",
        "验证码{code}，{n}分钟内有效",
        NOTIFICATION,
        ["the template has 2 variables", "reads like a verification code with {code}, {n}"],
    ),
    (
        "tencent-code",
        "tencent",
        "验证码{code}，见https://e.cn",
        NOTIFICATION,
        [
            "the template has 1 variable",
            "reads like a verification code with {code}",
            "the link `https://e.cn`",
        ],
    ),
]


@pytest.mark.parametrize(
    ("provider", "text", "message_class", "wanted"), [pytest.param(*row[1:], id=row[0]) for row in NOTES]
)
def test_what_somebody_should_know(
    provider: str, text: str, message_class: MessageClass, wanted: list[str]
) -> None:
    """What may pass all the same is a note, and breaks nothing."""
    found = notes(provider, text, message_class)

    assert severe(provider, text, message_class) == []
    assert len(found) == len(wanted)
    assert all(part in note for part, note in zip(wanted, found, strict=True))


@pytest.mark.parametrize(
    ("provider", "signature", "words"),
    [
        *[(p, "", "there is no signature") for p in PROVIDERS],
        *[(p, "示", "has 1 character") for p in ("aliyun", "tencent", "yunpian")],
        *[(p, "示" * 13, "has 13 characters") for p in ("aliyun", "tencent")],
        *[(p, "示例 Ltd.", "holds ` ` `.`") for p in ("aliyun", "tencent")],
        ("yunpian", "示" * 21, "has 21 characters"),
        ("yunpian", "云片网络", "holds `云片网`"),
        ("aliyun", "测试", "holds `测试`"),
        ("aliyun", "TEST", "holds `TEST`"),
    ],
)
def test_signatures(provider: str, signature: str, words: str) -> None:
    """A signature that no provider would approve is named."""
    cls = provider_class(provider)
    found = lint("你好" + END, cls, signature=signature, message_class=MARKETING).issues

    assert [words in c.what for c in found if c.severe] == [True]


@pytest.mark.parametrize(("provider", "signature"), [("yunpian", "示例 Ltd."), ("aliyun", "阿里云短信测试")])
def test_signatures_that_pass(provider: str, signature: str) -> None:
    """What the documents allow is not complained about."""
    cls = provider_class(provider)

    assert lint("你好" + END, cls, signature=signature, message_class=MARKETING).issues == ()


@pytest.mark.parametrize("provider", provider_names())
@pytest.mark.parametrize(
    ("text", "message_class"),
    [("好友周年庆，全场八折" + END, MARKETING), ("您预约的服务明天10点开始，请准时到店", NOTIFICATION)],
)
def test_a_clean_template(provider: str, text: str, message_class: MessageClass) -> None:
    """A plain text passes everywhere without a word."""
    cls = provider_class(provider)

    assert lint(text, cls, signature="示例", message_class=message_class).issues == ()


@pytest.mark.parametrize("provider", provider_names())
def test_the_sample_passes(provider: str) -> None:
    """The campaign all tests send breaks no provider's rule."""
    assert severe(provider, live.TEMPLATE) == []


def test_every_form_is_told_in_each_providers_own() -> None:
    """Whatever provider's form was pasted, each sees its own."""
    shown = {
        name: {
            lint(
                Template.parse("你好{1}，{2}元", signature="示例").write(form, with_signature=True),
                provider_class(name),
                signature="",
                message_class=NOTIFICATION,
            ).text
            for form in (Form.BRACES, Form.YUNPIAN, Form.ALIYUN, Form.TENCENT)
        }
        for name in PROVIDERS
    }

    assert shown == {
        "aliyun": {"你好${1}，${2}元"},
        "chuanglan": {"你好{$var}，{$var}元"},
        "tencent": {"你好{1}，{2}元"},
        "yunpian": {"【示例】你好#1#，#2#元"},
    }


# -- rules as data -------------------------------------------------------------------


@pytest.mark.parametrize("provider", provider_names())
def test_rules_are_whole(provider: str) -> None:
    """Every declared rule is in both languages, names where it is written, and has what its kind needs."""
    needs = {
        "least": {Kind.SIGNATURE_LENGTH},
        "pattern": {Kind.SIGNATURE_CHARSET, Kind.SYMBOLS_REFUSED},
        "texts": {Kind.MUST_END_WITH},
        "most": {Kind.SIGNATURE_LENGTH, Kind.LONGEST_TEXT, Kind.LONGEST_TEMPLATE},
    }
    for rule in provider_class(provider).template_rules:
        re.compile(rule.pattern)
        re.compile(rule.when)

        assert rule.en
        assert re.search("[一-鿿]", rule.zh)
        assert rule.source
        assert all(getattr(rule, field) for field, kinds in needs.items() if rule.kind in kinds)
        assert rule.kind is not Kind.MUST_NOT_HOLD or rule.texts or rule.pattern


def test_every_kind_looks_for_something() -> None:
    """No kind is forgotten: each can be examined, and finds nothing in a harmless text with harmless data."""
    template = Template.parse("你好{name}。", signature="示例")
    for kind in Kind:
        texts = ("。",) if kind is Kind.MUST_END_WITH else ("§",)
        rule = TemplateRule(
            kind=kind, en="e", zh="z", source="s", most=99, pattern="§", texts=texts, when="你好"
        )

        assert [c.what for c in find_issues(template, NOTIFICATION, [rule])] == (
            ["this reads like a verification code with {name}"] if kind is Kind.VERIFICATION_VALUES else []
        )


@given(st.text(), st.text(max_size=30), st.sampled_from(MessageClass))
@example("{}", "", MARKETING)
@example("{a", "", MARKETING)
@example("【a】{a}#b#", "b", NOTIFICATION)
@example("${a}{b}", "【】", MARKETING)
@example("\ufffc{a}{$}\ud7ff優①", "x", NOTIFICATION)
@example("{$}{{v}}#x#{{1}}{n}", "【示例】", MARKETING)
def test_never_raises(text: str, signature: str, message_class: MessageClass) -> None:
    """Whatever the text, each provider gives an answer; one that cannot be parsed is a severe complaint."""
    try:
        template = Template.parse(text, signature=signature)
    except TemplateError:
        template = None
    for name in provider_names():
        cls = provider_class(name)
        found = lint(text, cls, signature=signature, message_class=message_class)

        assert all(c.what and c.rule and c.source for c in found.issues)
        assert str(found)
        assert json.dumps(found.to_data())
        if template is None:
            assert not found.passes
        else:
            assert found.text or not found.passes
            of_provider = found.issues[len(notices_of_text(template)) :]  # they come first
            assert find_issues(template, message_class, cls.template_rules, form=cls.form) == list(
                of_provider
            )


# -- the command ---------------------------------------------------------------------


@pytest.fixture
def campaign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes a parameter file and gives its path; the working folder is empty."""
    monkeypatch.chdir(tmp_path)

    def write(**more: Any) -> str:
        data = {"campaign": "c", "segment": "not-there.csv", "signature": "示例", "template": "你好" + END}
        path = tmp_path / "campaign.yaml"
        path.write_text(yaml.safe_dump(data | more, allow_unicode=True), "utf-8")
        return str(path)

    return write


def run(*arguments: str) -> tuple[int, str]:
    """The command's exit code and output."""
    done = CliRunner().invoke(app, ["doctor", *arguments], catch_exceptions=True)
    if isinstance(done.exception, SmskitError):
        raise done.exception
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, done.stdout


def test_command_looks_at_the_campaigns_provider(campaign: Any, tmp_path: Path) -> None:
    """Without options it is the campaign's own provider; nothing is opened or written."""
    code, said = run(campaign())

    assert code == 0
    assert said == "Yunpian 云片: passes\n  【示例】你好，拒收请回复R\n"
    assert [p.name for p in tmp_path.iterdir()] == ["campaign.yaml"]


def test_command_exits_3(campaign: Any) -> None:
    """A severe complaint is shown with rule and source, and exits 3."""
    code, said = run(campaign(template="你好", provider="aliyun"))

    assert code == 3
    assert "Aliyun 阿里云: would not pass" in said
    assert "rule: A promotion ends with 拒收请回复R. 推广短信须以“拒收请回复R”结尾" in said
    assert "from: help.aliyun.com" in said


def test_command_for_all(campaign: Any) -> None:
    """`--all` asks every registered provider; one that refuses is enough to exit 3."""
    code, said = run(campaign(template="你好【特】" + END), "--all", "--json")
    data = {row["provider"]: row for row in json.loads(said)}

    assert code == 3
    assert sorted(data) == provider_names()
    assert {name for name, row in data.items() if not row["passes"]} == {"aliyun", "yunpian"}
    assert set(data["aliyun"]["complaints"][0]) == {"what", "rule", "source", "severe"}


def test_command_for_some(campaign: Any) -> None:
    """`--provider` may be given more than once, and instead of `--all`."""
    code, said = run(campaign(), "--provider", "tencent", "--provider", "aliyun")

    assert code == 0
    assert said.splitlines()[::2] == ["Tencent 腾讯云: passes", "Aliyun 阿里云: passes"]
    with pytest.raises(SmskitError, match="either"):
        run(campaign(), "--provider", "tencent", "--all")
    with pytest.raises(SpecError, match="did you mean `tencent`"):
        run(campaign(), "--provider", "tencnt")


def test_command_on_a_text_that_cannot_be_read(campaign: Any) -> None:
    """A contradicting signature or an unpaired brace is a complaint, not a crash."""
    contradicting = run(campaign(template="【别的】你好"))
    unpaired = run(campaign(template="你好{name"))

    assert contradicting[0] == unpaired[0] == 3
    assert "begins with the signature 【别的】" in contradicting[1]
    assert "has no partner" in unpaired[1]


def test_command_without_a_text(campaign: Any) -> None:
    """With a template id alone the text is the provider's; without credentials that is said."""
    with pytest.raises(TemplateError, match="SMSKIT_YUNPIAN_API_KEY is missing"):
        run(campaign(template="", template_id="1"))


# -- the notebook --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            "zh",
            "腾讯云 Tencent 不会通过: 内容以 `…，【{…}】元券等您领取` 结尾，而不是 拒收请回复R。"
            "营销模板须以“拒收请回复R”结尾，发送时不会自动添加",
        ),
        (
            "en",
            "Tencent 腾讯云 would not pass: the text ends with `…，【{…}】元券等您领取`, "
            "not with 拒收请回复R. "
            "A marketing template ends with 拒收请回复R; nothing is added when it is sent.",
        ),
    ],
)
def test_notebook_shows_what_is_severe(
    language: str,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`run.plan()` says in one line each what the chosen provider would not pass, and leaves notes out."""
    monkeypatch.setenv("SMSKIT_LANG", language)
    source = live.segment(tmp_path / "segment.csv", 3)
    data = live.data(live.TENCENT, source, mode="plan", template="你好{name}，【{coupon}】元券等您领取")
    print(Notebook(Draft(data), may_send=False).plan())

    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if "腾讯云" in line] == [told]
