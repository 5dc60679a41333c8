"""Columns of phones, persons and consent are recognised; consent that nobody asks for is noticed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from smskit.audience.roles import roles_of
from smskit.i18n import Message
from smskit.planning.policy import notice_of_consent
from smskit.planning.spec import CampaignSpec
from smskit.planning.validate import validate

NOW = datetime(2026, 11, 28, 2, tzinfo=UTC)
PHONES = [f"1380000000{n}" for n in range(4)]
IDS = ["a1", "a2", "a3", "a4"]
YES_NO = ["是", "否", "是", None]


def parameters(**more: Any) -> dict[str, Any]:
    """Of a marketing campaign that asks no column for consent."""
    base = {"campaign": "c", "segment": "people.csv", "signature": "云片", "template": "你好，拒收请回复R"}
    return base | {"phone": "手机号", "user_id": "会员号"} | more


def unasked(frame: pd.DataFrame, **more: Any) -> Message | None:
    """What those parameters would have noticed of *frame*."""
    spec = CampaignSpec.from_data(parameters(**more))
    return notice_of_consent(frame, consent=spec.consent, message_class=spec.message_class)


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        *(
            (name, YES_NO)
            for name in ("同意营销", "是否同意接收短信", "营销许可", "接收营销短信", "授权", "订阅")
        ),
        *((name, ["yes", "no", "Y", "N"]) for name in ("consent", "Opt-In", "opt_in", "marketing_allowed")),
        *((name, ["1", "0", "1", ""]) for name in ("agreed", "accepts_marketing", "is_subscribed")),
        ("同意", [True, False, True, True]),
        ("consent", [1, 0, 1, 1]),
        ("同意 营销", ["同意", "不同意", "同意", "未知"]),
        ("ＣＯＮＳＥＮＴ", ["√", "×", "√", "√"]),
    ],
)
def test_a_column_of_consent(name: str, cells: list[Any]) -> None:
    """A name that speaks of consent over cells that say yes and no is one, and a notice says so."""
    frame = pd.DataFrame({"会员号": IDS, "手机号": PHONES, name: cells})

    assert roles_of(frame) == (("手机号",), ("会员号",), (name,))
    notice = unasked(frame)
    assert notice is not None
    assert f"column `{name}` looks like consent" in notice


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        pytest.param("vip", YES_NO, id="another-name"),
        pytest.param("退订", YES_NO, id="a-refusal"),
        pytest.param("是否拒绝营销", YES_NO, id="a-refusal-in-words"),
        pytest.param("unsubscribed", YES_NO, id="unsubscribed"),
        pytest.param("opt_out", YES_NO, id="opt-out"),
        pytest.param("同意条款版本", ["2.1", "2.2", "3", "2.1"], id="no-yes-or-no"),
        pytest.param("营销活动", ["双十一", "年货节", "双十一", ""], id="words"),
        pytest.param("同意时间", ["2026-01-01", "2026-02-01", None, None], id="dates"),
        pytest.param("同意营销", [None, None, "", None], id="empty"),
    ],
)
def test_no_column_of_consent(name: str, cells: list[Any]) -> None:
    """Name and content both have to fit, and a yes must not mean no."""
    frame = pd.DataFrame({"会员号": IDS, "手机号": PHONES, name: cells})

    assert roles_of(frame).consent == ()
    assert unasked(frame) is None


@pytest.mark.parametrize(
    "more", [{"consent": "同意营销"}, {"message_class": "notification"}], ids=["asked", "notification"]
)
def test_consent_that_is_asked_or_not_needed_is_not_noticed(more: dict[str, Any]) -> None:
    """The notice is for marketing that asks nobody."""
    frame = pd.DataFrame({"手机号": PHONES, "同意营销": YES_NO})

    assert unasked(frame, **more) is None


@pytest.mark.parametrize(
    ("columns", "phone", "user_id"),
    [
        ({"紧急联系人手机": PHONES, "电话": PHONES[::-1]}, ("电话", "紧急联系人手机"), ()),
        ({"x": PHONES, "user_id": IDS}, ("x",), ("user_id",)),
        ({"phone": ["无", "-", "", None], "uid": IDS}, (), ("uid",)),
        ({"用户ID": IDS, "城市": IDS}, (), ("用户ID",)),
        ({"会员 编号": ["a", "a", "a", "a"]}, (), ()),
        ({"客户编号": [1, 2, 3, 4]}, (), ("客户编号",)),
        ({"Member-No": IDS, "orders": IDS}, (), ("Member-No",)),
        ({"openid": PHONES}, ("openid",), ()),
    ],
)
def test_phones_and_persons(
    columns: dict[str, Any], phone: tuple[str, ...], user_id: tuple[str, ...]
) -> None:
    """Phones go by content, their own name first; persons by a name for ids over cells that differ."""
    found = roles_of(pd.DataFrame(columns))

    assert (found.phone, found.user_id) == (phone, user_id)


def test_validate_names_the_columns(tmp_path: Path) -> None:
    """`validate` notes which columns look like the lacking ones, and consent that nobody asks for."""
    people = zip(IDS, PHONES, ["是", "否", "是", "是"], strict=True)
    rows = ["会员号,手机号,同意营销", *map(",".join, people)]
    (tmp_path / "people.csv").write_text("\n".join(rows), encoding="utf-8")
    lines = [f"{name}: {value}" for name, value in parameters(phone="phone", user_id="user_id").items()]
    lines[1] = f"segment: {tmp_path / 'people.csv'}"
    (tmp_path / "c.yaml").write_text("\n".join(lines), encoding="utf-8")
    found = validate(tmp_path / "c.yaml", now=NOW)

    assert [problem.parameter for problem in found.problems] == ["phone", "user_id"]
    assert list(map(str, found.notes[:3])) == [
        "column `手机号` looks like `phone`",
        "column `会员号` looks like `user_id`",
        "parameter `consent` is empty, so everybody counts as having agreed to marketing; column `同意营销` "
        "looks like consent, and 1 of its 4 rows do not say yes",
    ]


def test_validate_notices_ids_that_name_nobody(tmp_path: Path) -> None:
    """`validate` says of user ids what the plan says."""
    rows = ["会员号,手机号", *(f"无,{phone}" for phone in PHONES)]
    (tmp_path / "people.csv").write_text("\n".join(rows), encoding="utf-8")
    data = parameters(segment=str(tmp_path / "people.csv"))
    (tmp_path / "c.yaml").write_text("\n".join(f"{k}: {v}" for k, v in data.items()), encoding="utf-8")
    found = validate(tmp_path / "c.yaml", now=NOW)

    assert found.good
    assert "4 rows have a user id that names nobody (`无`): there the phone is the person" in found.notes
