"""
Recorded plans: the same specs and segments give the same hash, reasons, parts and order today.

`6335d87.json` has the plans of that commit, `copies.json` those since a row is a copy only of an
earlier row that gets something or is kept back, and a no holds for all copies. Where copies do not
decide who is planned, the hashes of both are equal.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from smskit.message.template import Template
from smskit.message.variables import parse_bindings
from smskit.models import ORDER, Reason
from smskit.planning.exclusions import History
from smskit.planning.fingerprint import former_hash
from smskit.planning.plan import Plan, build
from smskit.planning.recipients import ProviderLimits
from smskit.planning.spec import CampaignSpec

PLANS = Path(__file__).parent / "data" / "plans"
BEFORE, RECORDED = PLANS / "6335d87.json", PLANS / "copies.json"
NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
ROWS = 240


def segment() -> pd.DataFrame:
    """
    ROWS invented people of every kind: good, doubled, without phone, unreachable, with odd values.

    Columns: user_id, phone, name, coupon, expires, level, agreed, note.
    """
    phones = [str(13800000000 + n % 200) for n in range(ROWS)]
    for row, cell in {3: "", 5: "12345", 7: "+85291234567", 9: "+86 138-0000-0150", 11: "无"}.items():
        phones[row] = cell
    names = [f"用户{n % 9}" for n in range(ROWS)]
    for row, cell in {13: "", 17: "NULL", 19: "甲\x07乙", 23: "赵" * 60, 29: "【王】", 31: " 李 "}.items():
        names[row] = cell
    ids: list[str | None] = [f"u{n % 195}" for n in range(ROWS)]
    ids[37] = ids[41] = None
    return pd.DataFrame(
        {
            "user_id": ids,
            "phone": phones,
            "name": names,
            "coupon": [None if n % 25 == 0 else n % 4 * 10.5 for n in range(ROWS)],
            "expires": pd.Timestamp("2026-12-01") + pd.to_timedelta(np.arange(ROWS) % 40, unit="D"),
            "level": [("gold", "silver", "新")[n % 3] for n in range(ROWS)],
            "agreed": [("yes", "true", "no", None)[n % 4] for n in range(ROWS)],
            "note": [f"{n}".zfill(n % 90) for n in range(ROWS)],
        }
    )


BASE: dict[str, Any] = {
    "campaign": "welcome",
    "segment": "memory",
    "signature": "云片",
    "template": "你好{name}，{coupon}元券请于{until}前使用。拒收请回复R",
    "variables": {
        "name": "name",
        "coupon": {"column": "coupon", "default": 10},
        "until": {"column": "expires", "format": "%m月%d日"},
    },
}
GOLD = {"column": "level", "op": "in", "value": ["gold", "新"]}
SOON = {"column": "expires", "op": "before", "value": "2026-12-20"}
HISTORY = History(
    sent_phones=np.array([8613800000100, 8613800000020], np.int64),
    sent_persons=pa.array(["u50", "u51"], pa.large_string()),
    opted_out=np.arange(8613800000060, 8613800000070, dtype=np.int64),
    recent=np.repeat(np.arange(8613800000080, 8613800000086, dtype=np.int64), [1, 2, 3, 1, 2, 3]),
)
STRICT = ProviderLimits(
    text_units=60, value_units=20, unfit_value="[【】]", replace=(("用户", "会员"),), group_equal=True
)
# name -> parameters beside BASE, and what `build` is told
CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "plain": ({}, {}),
    "rules": ({"rules": {"all": [GOLD, {"not": SOON}]}}, {}),
    "any rule": ({"rules": {"any": [SOON, {"column": "coupon", "op": ">", "value": 20}]}}, {}),
    "consent": ({"consent": "agreed"}, {}),
    "consent of a notification": ({"consent": "agreed", "message_class": "notification"}, {}),
    "history": ({"frequency_cap": "2/7d"}, {"past": HISTORY}),
    "no cap": ({}, {"past": HISTORY}),
    "holdout": ({"holdout": 0.3}, {}),
    "both holdouts": ({"holdout": 0.2, "global_holdout": 0.25}, {"holdout_salt": "pepper"}),
    "nobody": ({"holdout": 1.0}, {}),
    "a strict provider": ({}, {"fit": STRICT}),
    "what a provider appends": ({}, {"fit": ProviderLimits(text_units=45, appended="拒收请回复R")}),
    "phones are persons": ({"user_id": ""}, {}),
    "a template id": ({"template_id": "SMS_1", "provider": "aliyun"}, {}),
    "no variables": ({"template": "你好，回T退订", "variables": {}}, {}),
    "a long note": ({"template": "{note}，回T退订", "variables": {"note": "note"}}, {"fit": STRICT}),
    "a literal": ({"variables": BASE["variables"] | {"name": {"value": "朋友"}}}, {}),
    "everything": (
        {
            "rules": [GOLD],
            "consent": "agreed",
            "frequency_cap": "1/24h",
            "holdout": 0.1,
            "global_holdout": 0.1,
            "provider": "tencent",
        },
        {"past": HISTORY, "fit": STRICT},
    ),
}


def plan_of(name: str) -> Plan:
    """Plan the case called *name*."""
    more, known = CASES[name]
    spec = CampaignSpec.from_data(BASE | more)
    template = Template.parse(spec.template, signature=spec.signature)
    given: dict[str, Any] = {"fit": ProviderLimits(), "past": History()} | known
    return build(spec, segment(), template, parse_bindings(spec.variables), now=NOW, **given)


def seen(plan: Plan) -> dict[str, Any]:
    """What is compared: the hash as it was made then, and all that is decided for each row."""
    return {
        "hash": former_hash(
            plan.spec.provider,
            plan.spec.template_id,
            plan.template,
            plan.order,
            plan.phones,
            plan.persons,
            plan.variables,
        ),
        "read": plan.read,
        "reasons": plan.reasons.tolist(),
        "parts": plan.parts.tolist(),
        "order": plan.order.tolist(),
    }


@pytest.mark.parametrize("name", CASES)
def test_a_plan_is_the_same_as_before(name: str) -> None:
    """The recorded hash, reason of each row, parts and order of sending come out again."""
    assert seen(plan_of(name)) == json.loads(RECORDED.read_text(encoding="utf-8"))[name]


# Cases in which the mended rule plans other people, as copies in the segment disagree.
OTHER_PEOPLE = {"any rule", "consent", "history", "no cap", "phones are persons", "everything"}


@pytest.mark.parametrize("name", CASES)
def test_only_copies_changed_the_plans(name: str) -> None:
    """Against 6335d87, hashes are equal but where copies decide, and only rows that have a copy differ."""
    before, now = (json.loads(file.read_text(encoding="utf-8"))[name] for file in (BEFORE, RECORDED))
    plan = plan_of(name)
    people = pd.DataFrame({"phone": plan.phones, "person": plan.persons.to_pandas()})
    has_copy = people["phone"].duplicated(keep=False) | people["person"].duplicated(keep=False)
    differs = (np.array(before["reasons"]) == 0) != (np.array(now["reasons"]) == 0)

    assert (before["hash"] != now["hash"]) == differs.any() == (name in OTHER_PEOPLE)
    assert has_copy[differs].all()


def test_every_reason_is_among_them() -> None:
    """The recorded plans leave people out for every reason there is."""
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))

    seen = {reason for plan in recorded.values() for reason in plan["reasons"]}
    assert seen == set(map(int, Reason)) - {Reason.OTHER_ARM}  # which is younger than the records


def test_the_order_of_the_reasons_is_the_policy() -> None:
    """DESIGN section 6: what a row lacks itself, then whose copy it is, then who is kept back."""
    assert [reason.label for reason in ORDER] == [
        *("no_phone", "bad_phone", "unsupported_region"),
        *("already_sent", "opted_out", "no_consent", "frequency_cap"),
        *("missing_variable", "bad_variable", "text_too_long"),
        *("duplicate_phone", "duplicate_user", "other_arm", "global_holdout", "holdout"),
    ]
