"""Placeholders of other tools in a text are noticed wherever a campaign is looked at."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from smskit.message.lint import lookalikes, notices_of_text
from smskit.message.template import Template
from tests.test_cli import Run, run  # noqa: F401 - a fixture

END = "，礼品已到店。拒收请回复R"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("你好{{name}}", ["{name}"]),
        ("你好{{ user.name }}", ["{ user.name }"]),
        ("你好{{{{姓名}}}}", ["{{姓名}}"]),
        ("你好｛name｝和｛姓名｝", ["｛name｝", "｛姓名｝"]),
        ("你好＃name＃", ["＃name＃"]),
        ("你好%name%", ["%name%"]),
        ("你好%s，订单%d", ["%s", "%d"]),
        ("你好%%FirstName%%", ["%%FirstName%%"]),
        ("你好$name", ["$name"]),
        ("你好$name您的码", ["$name"]),
        ("你好$姓名", ["$姓名"]),
        ("你好[name]", ["[name]"]),
        ("你好[[name]]", ["[[name]]"]),
        ("你好[客户姓名]", ["[客户姓名]"]),
        ("你好［昵称］", ["［昵称］"]),
        ("你好<name>", ["<name>"]),
        ("你好*|FNAME|*", ["*|FNAME|*"]),
        ("你好<%= name %>", ["<%= name %>"]),
        ("你好[NAME]", ["[NAME]"]),
        ("{name}您好，券码{{code}}和{{code}}", ["{code}"]),
        ("{name}您好，#code#", ["#code#"]),
        ("#name#您好，$code", ["$code"]),
        ("点击https://t.cn/{{code}}", ["{code}"]),
    ],
)
def test_found(text: str, found: list[str]) -> None:
    """Each placeholder once, as it would go out, also where another variable is bound."""
    assert list(lookalikes(Template.parse(text + END))) == found


@pytest.mark.parametrize(
    "text",
    [
        *(
            "你好{name}",
            "你好#name#",
            "你好${name}",
            "你好{$var}",
            "你好{1}",
            "#双11# {name}您好",
            "[VIP]会员",
        ),
        *("【活动】[微笑]", "立减50%，满80%可用", "仅$100", "US$20起", "利率3%至5%", "A<B，C>D", "a@b.cn"),
        *("[1]号", "https://a.cn/%E4%BD%A0%E5%A5%BD", "减50%s", "https://a.cn/%da%de", "七五折%起"),
    ],
)
def test_not_found(text: str) -> None:
    """Variables themselves, hashtags, prices, shares, escapes in links and words in brackets are none."""
    assert lookalikes(Template.parse(text + END)) == ()


@pytest.mark.parametrize(
    "text", ["{{name}}", "｛name｝", "＃name＃", "%name%", "$name", "[name]", "{name}的{{code}}"]
)
def test_every_command_says_so(
    tmp_path: Path,
    run: Run,  # noqa: F811
    text: str,
) -> None:
    """plan, validate, explain and doctor name the placeholder; the campaign is not refused for it."""
    (tmp_path / "people.csv").write_text("user_id,phone,name\nu1,13800000001,张三\n", encoding="utf-8")
    data = {"campaign": "b09", "segment": str(tmp_path / "people.csv"), "signature": "示例", "mode": "plan"}
    data |= {
        "template": f"你好{text}{END}",
        "variables": {"name": "name"} if text.startswith("{name}") else {},
    }
    file = tmp_path / "campaign.yaml"
    file.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    placeholder = text.split("的")[-1]

    for command in ("plan", "validate", "explain", "doctor"):
        done = run(command, file)
        assert done.code == 0, done
        assert done.out.count(f"`{placeholder}` in the text looks like a variable") == 1, command


@pytest.mark.parametrize("sign", ["\u200b", "\u200e", "\u2060", "\ufeff", "\u3164"])
def test_signs_nobody_sees_in_the_text_are_said(sign: str) -> None:
    """A text that was pasted may hold them, and then is not the approved one; the notice shows which."""
    [said] = notices_of_text(Template.parse(f"你好{sign}，礼品已到店。拒收请回复R"))

    assert sign not in said
    assert f'such as "你好\\u{ord(sign):04x}，礼品已"' in said
    [beside] = notices_of_text(Template.parse(f"{{name}}{sign}，礼品已到店。拒收请回复R"))
    assert f'such as "{{…}}\\u{ord(sign):04x}，礼品已"' in beside
    assert notices_of_text(Template.parse("你好❤\ufe0f👨\u200d👩\u200d👧，礼品已到店。拒收请回复R")) == []
