"""``smskit.message.opt_out``: wording each provider takes, its cost, and which replies opt out."""

from __future__ import annotations

import csv
import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smskit.errors import SpecError
from smskit.message.opt_out import (
    OPT_OUT_REPLIES,
    Answer,
    OptOutRule,
    Place,
    answer_of,
    lack_of,
    notice_of,
    with_wording,
)
from smskit.message.template import Template
from smskit.message.variables import parse_bindings
from smskit.models import MessageClass
from smskit.planning.plan import History, ProviderLimits, build
from smskit.planning.policy import guard_problems
from smskit.planning.spec import CampaignSpec
from smskit.providers import provider_class, provider_names

OWN = "拒收请回复R"
APPENDING = OptOutRule(place=Place.PROVIDER, wording="回T退订", source="a contract")
PLAIN, GOOD, OLD = "您好，限时优惠。", f"您好，限时优惠。{OWN}", "您好，限时优惠。回T退订"


def rule_of(provider: str) -> OptOutRule:
    return APPENDING if provider == "appending" else provider_class(provider).opt_out


def sent(provider: str, text: str, parameter: str, **more: Any) -> Template:
    """What the template becomes."""
    known: dict[str, Any] = {"message_class": MessageClass.MARKETING, "template_id": ""} | more
    return with_wording(Template.parse(text, signature="云片"), parameter, rule_of(provider), **known)


def lack(provider: str, text: str, **more: Any) -> str:
    known: dict[str, Any] = {"message_class": MessageClass.MARKETING, "template_id": ""} | more
    return lack_of(Template.parse(text), rule_of(provider), provider=provider, **known)


# -- what each provider says ---------------------------------------------------------------


@pytest.mark.parametrize("name", [*provider_names()])
def test_every_rule_is_dated_and_has_its_source(name: str) -> None:
    """A rule says where it stands and when that was read; its own wording is one it takes."""
    rule = provider_class(name).opt_out

    assert rule.source
    assert date(2026, 1, 1) <= rule.read_on <= date(2026, 12, 31)
    assert not rule.taken or rule.wording in rule.taken
    assert lack(name, f"您好。{rule.wording}") == ""


@pytest.mark.parametrize(
    ("provider", "text", "parameter", "template_id", "becomes", "lacking"),
    [
        # Yunpian: the text is ours, any wording will do.
        ("yunpian", PLAIN, "", "", PLAIN, True),
        ("yunpian", PLAIN, "demand", "", PLAIN, True),
        ("yunpian", PLAIN, "add", "", GOOD, False),
        ("yunpian", GOOD, "add", "", GOOD, False),
        ("yunpian", OLD, "add", "", OLD, False),
        ("yunpian", PLAIN, "add", "77", PLAIN, True),  # by template: the text is Yunpian's
        ("yunpian", PLAIN, "回TD退订", "", f"{PLAIN}回TD退订", False),
        # Chuanglan: the text is ours, only 拒收请回复R at its very end.
        ("chuanglan", PLAIN, "", "", PLAIN, True),
        ("chuanglan", PLAIN, "add", "", GOOD, False),
        ("chuanglan", GOOD, "add", "", GOOD, False),
        ("chuanglan", f"{GOOD}。", "", "", f"{GOOD}。", True),
        ("chuanglan", OLD, "add", "", OLD, True),  # two wordings would be worse than the wrong one
        ("chuanglan", "您好，拒收请回复r", "", "", "您好，拒收请回复r", True),
        ("chuanglan", PLAIN, "回T退订", "", f"{PLAIN}回T退订", True),
        ("chuanglan", PLAIN, "add", "9", PLAIN, True),
        # Aliyun, Tencent: what counts is the approved template.
        ("aliyun", PLAIN, "add", "SMS_1", PLAIN, True),
        ("aliyun", GOOD, "", "SMS_1", GOOD, False),
        ("aliyun", OLD, "", "SMS_1", OLD, True),
        ("aliyun", PLAIN, OWN, "SMS_1", GOOD, False),
        ("tencent", PLAIN, "add", "1", PLAIN, True),
        ("tencent", GOOD, "demand", "1", GOOD, False),
        ("tencent", OLD, "", "1", OLD, True),
        # An SSP of one's own: nothing is known, so any wording will do.
        ("http", PLAIN, "", "", PLAIN, True),
        ("http", PLAIN, "add", "", GOOD, False),
        ("http", OLD, "add", "", OLD, False),
        # One that appends it itself.
        ("appending", PLAIN, "", "", PLAIN, False),
        ("appending", PLAIN, "add", "", PLAIN, False),
        ("appending", PLAIN, OWN, "", GOOD, False),
    ],
)
def test_wordings(
    provider: str, text: str, parameter: str, template_id: str, becomes: str, lacking: bool
) -> None:
    """What a text becomes under each parameter, and whether a way to opt out is missing afterwards."""
    template = sent(provider, text, parameter, template_id=template_id)

    assert template == Template.parse(becomes, signature="云片")
    assert bool(lack(provider, template.text, template_id=template_id)) is lacking


@pytest.mark.parametrize("provider", ["yunpian", "chuanglan", "aliyun", "appending"])
@pytest.mark.parametrize("parameter", ["", "add", "demand", OWN])
def test_notifications_are_left_alone(provider: str, parameter: str) -> None:
    """A notification needs no wording, gets none, and lacks none."""
    template = sent(provider, PLAIN, parameter, message_class=MessageClass.NOTIFICATION)
    known: dict[str, Any] = {"message_class": MessageClass.NOTIFICATION, "template_id": ""}

    assert template == Template.parse(PLAIN, signature="云片")
    assert notice_of(template, rule_of(provider), provider=provider, **known) == ""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        *((f"限时优惠{wording}", True) for wording in ("拒收请回复R", "回T退订", "退订回TD", "回复TD退订")),
        *(
            (f"限时优惠，{wording}。", True)
            for wording in ("退订请回复N", "回复“T”退订", "TD退订", "退订回Ｔ")
        ),
        ("Reply STOP to opt out", True),
        ("点击t.cn/abc，回T退订 ", True),
        ("限时优惠", False),
        ("本店支持无理由退订", False),
        ("回复1参加活动", False),
        ("订单可随时取消，请回家查看", False),
    ],
)
def test_wordings_are_recognised(text: str, found: bool) -> None:
    """Where no letter is prescribed, the usual wordings are known, and what merely looks alike is not one."""
    assert (lack("yunpian", text) == "") is found


@pytest.mark.parametrize(
    ("provider", "text", "more", "words"),
    [
        ("chuanglan", PLAIN, {}, ["chuanglan takes `拒收请回复R`", "or set `opt_out_wording: add`"]),
        ("chuanglan", OLD, {}, ["takes only `拒收请回复R` as its last words: write it into the text."]),
        ("aliyun", PLAIN, {"template_id": "SMS_1"}, ["put it into the template at the provider"]),
        ("yunpian", PLAIN, {}, ["as with `拒收请回复R`", "Source: yunpian.com"]),
        ("http", PLAIN, {}, ["通信短信息服务管理规定"]),
    ],
)
def test_a_lack_says_what_to_do(provider: str, text: str, more: dict[str, str], words: list[str]) -> None:
    """What is missing is told with what the provider takes, the next step and the source."""
    told = lack(provider, text, **more)

    assert [word for word in words if word not in told] == []


def test_the_text_goes_on_literally() -> None:
    """A wording with braces or hash signs is text, and a variable at the end stays one."""
    template = sent("yunpian", "您好{name}", "退订回{T}#1#")

    assert template.names == ("name",)
    assert template.render({"name": "李"}) == "【云片】您好李退订回{T}#1#"
    assert Template.parse(template.text) == template


# -- the parameter -----------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["", "add", "demand", OWN, " 回T退订 ", "Reply STOP to opt out"])
def test_values_of_the_parameter(value: str) -> None:
    """Nothing, two words, or a wording."""
    spec = CampaignSpec.from_data({"campaign": "c", "segment": "s", "opt_out_wording": value})

    assert spec.opt_out_wording == value.strip()


@pytest.mark.parametrize("value", ["demnad", "Add", "yes", "R"])
def test_a_slip_is_not_sent_to_everybody(value: str) -> None:
    """A text that says nothing of opting out is no wording, and is refused."""
    with pytest.raises(SpecError, match="`opt_out_wording`"):
        CampaignSpec.from_data({"campaign": "c", "segment": "s", "opt_out_wording": value})


@pytest.mark.parametrize(
    ("parameter", "lack", "refused"),
    [("demand", "there is none", True), ("demand", "", False), ("", "there is none", False)],
)
def test_the_guard_refuses_only_when_told_to(parameter: str, lack: str, refused: bool) -> None:
    """A lack stops a run only under ``demand``: campaigns that work go on working."""
    spec = CampaignSpec.from_data({"campaign": "c", "segment": "s", "opt_out_wording": parameter})
    now = datetime(2026, 11, 23, tzinfo=UTC)
    found = guard_problems(spec, planned=1, cost=Decimal(1), plan_hash="p", now=now, lack=lack)

    assert [guard.text.startswith("`opt_out_wording` demands it") for guard in found] == [True] * refused


# -- what it costs --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("letters", "appended", "parts"),
    [(60, "", 1), (62, "拒收请回复R", 2), (59, "拒收请回复R", 1), (62, "", 1)],
)
def test_what_a_provider_appends_is_counted(letters: int, appended: str, parts: int) -> None:
    """Seven characters a provider puts behind the text itself are billed: 【云】 and 60 more fit one part."""
    spec = CampaignSpec.from_data({"campaign": "c", "segment": "s"})
    frame = pd.DataFrame({"user_id": ["u"], "phone": ["13800000000"]})
    template = Template.parse("x" * letters, signature="云")
    plan = build(
        spec,
        frame,
        template,
        parse_bindings({}),
        fit=ProviderLimits(appended=appended),
        past=History(),
        now=datetime(2026, 11, 23, tzinfo=UTC),
        notices=["look"],
    )

    assert plan.total_parts == parts
    assert plan.summary()["notices"] == ["look"]


# -- replies ----------------------------------------------------------------------------------------

NO = [
    "I want the TD bank card",
    "不要退订",
    "我不想退订",
    "不需要退订，谢谢",
    "没想退订",
    "别退订",
    "T恤多少钱",
    "R18可以吗",
    "取消订单",
    "不要发货",
    "谢谢",
    "好的",
    "1",
    "00",
    "000000",
    "TDX",
    "N95口罩有吗",
    "tomorrow",
    "ok",
    "",
    "。。。",
    "stop by tomorrow",
]


def test_replies_that_are_none() -> None:
    """A question, an order, thanks, and whoever says that they want to stay, are not taken for a refusal."""
    assert [said for said in NO if answer_of(said) is not Answer.NOT] == []


YES = [
    *OPT_OUT_REPLIES,
    *(
        "ＴＤ",
        "ｔｄ",
        "T D",
        " t ",
        "t.d",
        "“R”",
        "Ｒ。",
        "回复TD",
        "回R",
        "我要T",
        "TD谢谢",
        "RRR",
        "TDTD",
    ),
    *(
        "我要退订",
        "怎么退订",
        "退 订",
        "退訂！",
        "不要，退订",
        "不要再发了，退订",
        "不能退订吗",
        "无法退订",
    ),
    *("为什么退订不了", "拒收！！", "别再发了！", "退订\n", "不要退订！哦不，退订"),
]


def test_replies_that_ask_to_be_left_alone() -> None:
    """Every word of the table however typed, and a wish to opt out in a sentence."""
    assert [said for said in YES if answer_of(said) is Answer.NOT] == []


def full_width(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


@given(
    st.sampled_from(sorted(OPT_OUT_REPLIES)),
    st.sampled_from(["", " ", "\u3000", ".", "。"]),
    st.sampled_from([str.upper, str.lower, str.title, full_width]),
)
def test_however_a_word_is_typed(word: str, between: str, typed: Any) -> None:
    """Case, width, blanks and full stops between the letters change nothing."""
    said = typed(between.join(word) if between not in (".", "。") else word + between)

    assert answer_of(said) is not Answer.NOT
    assert unicodedata.normalize("NFKC", said).strip()


def test_every_word_has_its_reason() -> None:
    """The table says for each word why it is in it."""
    assert all(reason for reason in OPT_OUT_REPLIES.values())
    assert {"R", "T", "TD", "N", "0000", "退订", "取消"} <= set(OPT_OUT_REPLIES)


@pytest.mark.parametrize(
    ("text", "parted"),
    [
        pytest.param("礼品已到店，详情 https://t.cn/abc", True, id="link"),
        pytest.param("详情https://t.cn/abc?a=1&b=2", True, id="link-after-chinese"),
        pytest.param("详情 t.cn/abc", True, id="without-scheme"),
        pytest.param("详情 www.example.com", True, id="name-of-a-site"),
        pytest.param("详情 https://t.cn/{code}", True, id="link-ends-in-a-variable"),
        pytest.param("详情 {link}", True, id="variable-that-is-a-link"),
        pytest.param("详情 https://t.cn/abc，", False, id="closed-by-a-comma"),
        pytest.param("详情 https://t.cn/abc 见店内", False, id="link-in-the-middle"),
        pytest.param("您的礼品已到店。", False, id="no-link"),
        pytest.param("满100.50", False, id="a-price"),
        pytest.param("你好{name}", False, id="another-variable"),
    ],
)
@pytest.mark.parametrize("parameter", ["add", "拒收请回复R"])
def test_wording_does_not_stick_to_a_link(text: str, parted: bool, parameter: str) -> None:
    """A blank parts the wording from a link before it, and from nothing else."""
    template = Template.parse(text, signature="云片")
    rule = OptOutRule(place=Place.TEXT, wording="拒收请回复R", source="")
    made = with_wording(
        template, parameter, rule, message_class=MessageClass.MARKETING, template_id=""
    ).pieces

    assert made == template.ending_with(" 拒收请回复R" if parted else "拒收请回复R").pieces


def corpus() -> list[dict[str, str]]:
    with (Path(__file__).parent / "data" / "replies.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_corpus_of_replies() -> None:
    """Every reply of the corpus, Chinese in both scripts and English, gets the answer noted there."""
    rows = corpus()

    assert len({row["reply"] for row in rows}) == len(rows) >= 400
    assert [
        (r["reply"], r["answer"], a) for r in rows if (a := answer_of(r["reply"]).value) != r["answer"]
    ] == []


@pytest.mark.parametrize("frame", ["你好，{}", "{}！谢谢", "{}？", "  {}  ", "{}。{}"])
def test_no_wish_is_lost_in_politeness(frame: str) -> None:
    """A reply that counts as a no goes on to with a greeting, thanks or a question mark around it."""
    said = [frame.format(*[row["reply"]] * 2) for row in corpus() if row["answer"] != "not"]

    assert [text for text in said if answer_of(text) is Answer.NOT] == []
