"""``smskit.planning.plan``: who is left out and why, what it costs, and what the hash stands for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import phonenumbers
import pyarrow as pa
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from smskit.audience.cells import UNSEEN, escaped
from smskit.audience.persons import Copies, later_copies
from smskit.audience.phones import normalise_one
from smskit.errors import InputError, SegmentError, TemplateError
from smskit.message.template import Template
from smskit.message.variables import parse_bindings
from smskit.models import ORDER, Reason
from smskit.planning.exclusions import EXCLUSIONS
from smskit.planning.plan import History, Plan, ProviderLimits, build, columns_read
from smskit.planning.policy import global_key, held_back
from smskit.planning.spec import CampaignSpec
from smskit.planning.validate import validate
from tests.profiles import examples

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
TEMPLATE = "【云片】你好{name}，{coupon}元券。拒收请回复R"
DATA: dict[str, Any] = {
    "campaign": "c",
    "segment": "memory",
    "signature": "云片",
    "template": TEMPLATE,
    "variables": {"name": "name", "coupon": {"column": "coupon", "default": 10}},
}


def phones_of(*numbers: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array(sorted(numbers), np.int64)


def planned(
    frame: pd.DataFrame,
    *,
    fit: ProviderLimits = ProviderLimits(),  # noqa: B008
    past: History = History(),  # noqa: B008
    holdout_salt: str = "",
    **more: Any,
) -> Plan:
    """Plan *frame* with the parameters of ``DATA`` and *more*."""
    spec = CampaignSpec.from_data(DATA | more)
    template = Template.parse(spec.template, signature=spec.signature)
    bindings = parse_bindings(spec.variables)
    return build(spec, frame, template, bindings, fit=fit, past=past, now=NOW, holdout_salt=holdout_salt)


def people(count: int, **columns: Any) -> pd.DataFrame:
    """A segment of *count* good rows; *columns* replace whole columns."""
    good = {
        "user_id": [f"u{n}" for n in range(count)],
        "phone": [str(13800000000 + n) for n in range(count)],
        "name": [f"用户{n}" for n in range(count)],
        "coupon": [50 + n % 3 for n in range(count)],
    }
    return pd.DataFrame(good | columns)


def labels(plan: Plan) -> list[str]:
    return [Reason(r).label if r else "" for r in plan.reasons.tolist()]


# -- one reason at a time ------------------------------------------------------------------

FIRST, SECOND = 8613800000000, 8613800000001


class Case(NamedTuple):
    """A segment of two rows of which the second is left out for one reason."""

    reason: str
    columns: dict[str, list[Any]]
    parameters: dict[str, Any] = {}  # noqa: RUF012
    past: History = History()
    fit: ProviderLimits = ProviderLimits()


def sent(*persons: str) -> pa.Array:
    return pa.array(persons, pa.large_string())


CASES = {
    "null-phone": Case("no_phone", {"phone": ["13800000000", None]}),
    "word-for-no-phone": Case("no_phone", {"phone": ["13800000000", "暂无"]}),
    "landline": Case("bad_phone", {"phone": ["13800000000", "010-12345678"]}),
    "too-short": Case("bad_phone", {"phone": ["13800000000", "1380000000"]}),
    "hong-kong": Case("unsupported_region", {"phone": ["13800000000", "+85291234567"]}),
    "sent-to-phone": Case("already_sent", {}, past=History(sent_phones=phones_of(SECOND))),
    "sent-to-person": Case("already_sent", {}, past=History(sent_persons=sent("u1", "x"))),
    "opted-out": Case("opted_out", {}, past=History(opted_out=phones_of(1, SECOND, 8619999999999))),
    "no-consent": Case("no_consent", {"ok": ["true", "false"]}, {"consent": "ok"}),
    "unclear-consent": Case("no_consent", {"ok": ["true", None]}, {"consent": "ok"}),
    "frequency-cap": Case(
        "frequency_cap", {}, {"frequency_cap": "2/7d"}, History(recent=phones_of(FIRST, SECOND, SECOND))
    ),
    "null-variable": Case("missing_variable", {"name": ["a", None]}),
    "blank-variable": Case("missing_variable", {"name": ["a", " \u3000"]}),
    "control-character": Case("bad_variable", {"name": ["a\nb\tc", "a\x00b"]}),
    "escape-character": Case("bad_variable", {"name": ["a", "a\x1b[1m"]}),
    "lost-letter": Case("bad_variable", {"name": ["张三", "张\ufffd"]}),
    "only-lost-letters": Case("bad_variable", {"name": ["张三", "\ufffd\ufffd"]}),
    "private-use": Case("bad_variable", {"name": ["𠮷野", "\ue5e5三"]}),
    "private-use-last": Case("bad_variable", {"name": ["豈", "\uf8ff"]}),
    "lost-letter-misread": Case("bad_variable", {"name": ["锟", "张锟斤拷"]}),
    "lost-letter-misread-as-latin": Case("bad_variable", {"name": ["Zoï", "ï¿½三"]}),
    "private-use-plane": Case("bad_variable", {"name": ["😀", "\U000f0001"]}),
    "no-character": Case("bad_variable", {"name": ["（张）", "张\uffff"]}),
    "high-control": Case("bad_variable", {"name": ["Zoë", "Zo\x80"]}),
    "html-number": Case("bad_variable", {"name": ["&#张;", "&#24352;三"]}),
    "json-escape": Case("bad_variable", {"name": ["a\\b", "\\u5f20三"]}),
    "workbook-escape": Case("bad_variable", {"name": ["a_x1_", "张_x000D_三"]}),
    "database-null": Case("missing_variable", {"name": ["N", r"\N"]}),
    **{
        f"formula-{word}": Case("missing_variable", {"name": ["李四", word]})
        for word in (
            *(
                "#N/A",
                "#REF!",
                "#VALUE!",
                "#NAME?",
                "#DIV/0!",
                "#NUM!",
                "#NULL!",
                "#SPILL!",
                "#CALC!",
                "#FIELD!",
            ),
            *(
                "#GETTING_DATA",
                "#BUSY!",
                "#BLOCKED!",
                "#CONNECT!",
                "#UNKNOWN!",
                "#PYTHON!",
                "#ERROR!",
                "Err:502",
                "#n/a",
                "#########",
            ),
            *("N/A", "(null)", "[NULL]"),
        )
    },
    "unfit-for-provider": Case(
        "bad_variable", {"name": ["a[", "a【b"]}, fit=ProviderLimits(unfit_value="[【】]")
    ),
    "value-too-long": Case("bad_variable", {"name": ["a" * 5, "a😀bcd"]}, fit=ProviderLimits(value_units=5)),
    "text-too-long": Case("text_too_long", {"name": ["a", "a" * 600]}),
    "same-phone": Case("duplicate_phone", {"phone": ["13800000000", "+86 138-0000-0000"]}),
    "same-person": Case("duplicate_user", {"user_id": ["u", "u"]}),
    "same-person-as-number": Case("duplicate_user", {"user_id": [7, 7]}),
    "other-arm": Case(
        "other_arm",
        {"user_id": ["u0", "u2"]},
        {"arm": {"experiment": "texts", "name": "a", "from": 0.0, "to": 0.5}},
    ),
    "global-holdout": Case("global_holdout", {"user_id": ["u2", "u0"]}, {"global_holdout": 0.5}),
    "holdout": Case("holdout", {"user_id": ["u5", "u0"]}, {"holdout": 0.5}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_reason(case: Case) -> None:
    """One row is planned; the other, which differs in one thing, is left out for exactly that reason."""
    plan = planned(people(2, **case.columns), past=case.past, fit=case.fit, **case.parameters)

    assert labels(plan) == ["", case.reason]
    assert plan.excluded == {case.reason: 1}
    assert plan.planned == 1
    assert plan.parts.tolist() == [1, 0]


HELD, FREE = "u1", "u2"  # on either side of a holdout of 0.3 of campaign "c"


def test_every_reason_has_a_case() -> None:
    """The table above knows every reason of DESIGN section 6, in that order."""
    order = list(dict.fromkeys(case.reason for case in CASES.values()))

    assert order == [reason.label for reason in ORDER]
    assert set(ORDER) == set(Reason) - {Reason.NONE}
    assert [reason for reason, _ in EXCLUSIONS] == list(ORDER[3:])


def test_the_first_reason_counts() -> None:
    """A row to which everything applies is told the first reason, and mended one by one, each in turn."""
    row: dict[str, Any] = {"user_id": "u0", "name": None, "coupon": 1, "ok": "no"}
    past = History(
        sent_persons=sent("u-sent"),
        opted_out=phones_of(8613800000009),
        recent=phones_of(8613800000009, 8613800000008),
    )
    steps: list[tuple[str, dict[str, Any]]] = [
        ("no_phone", {"phone": ""}),
        ("bad_phone", {"phone": "1380"}),
        ("unsupported_region", {"phone": "+85291234567"}),
        ("already_sent", {"user_id": "u-sent", "phone": "13800000009"}),
        ("opted_out", {"user_id": "u0"}),
        ("no_consent", {"phone": "13800000008"}),
        ("frequency_cap", {"ok": "yes"}),
        ("missing_variable", {"phone": "13800000000"}),
        ("bad_variable", {"name": "\x00" + "x" * 600}),
        ("text_too_long", {"name": "x" * 600}),
        ("duplicate_phone", {"name": "x"}),
        ("duplicate_user", {"phone": "13800000007"}),
        ("holdout", {"user_id": HELD}),
        ("", {"user_id": FREE}),
    ]
    told = []
    for _, mended in steps:
        row |= mended
        frame = pd.concat([people(1, ok=["yes"], user_id=["u0"]), pd.DataFrame([row])], ignore_index=True)
        plan = planned(frame, past=past, consent="ok", frequency_cap="1/7d", holdout=0.3)
        told.append(labels(plan)[1])

    assert told == [reason for reason, _ in steps]


@pytest.mark.parametrize(
    ("columns", "parameters", "past", "expected"),
    [
        pytest.param(
            {"phone": ["1380", "1380", None]},
            {},
            History(),
            ["bad_phone", "bad_phone", "no_phone"],
            id="rows-without-phone-are-no-copies",
        ),
        pytest.param(
            {"user_id": ["u", "u", "v"], "phone": ["1380", "13800000001", "13800000002"]},
            {},
            History(),
            ["bad_phone", "", ""],
            id="a-person-whose-first-phone-is-bad",
        ),
        pytest.param(
            {"user_id": ["u", "v", "v"], "phone": ["13800000001", "13800000001", "13800000002"]},
            {},
            History(),
            ["", "duplicate_phone", ""],
            id="a-person-left-out-by-phone-is-no-earlier-row",
        ),
        pytest.param(
            {"user_id": ["u", "v", "w"], "phone": ["13800000001"] * 3},
            {},
            History(opted_out=phones_of(8613800000001)),
            ["opted_out", "opted_out", "opted_out"],
            id="copies-of-somebody-opted-out",
        ),
        pytest.param(
            {"user_id": ["u1", "u1", "u2"], "phone": ["13800000001", "13800000002", "13800000002"]},
            {},
            History(),
            ["", "duplicate_user", ""],
            id="a-chain",
        ),
        pytest.param(
            {"user_id": ["u1", "u2", "u3"], "phone": ["13800000001"] * 3, "name": [None, "a", "b"]},
            {},
            History(),
            ["missing_variable", "", "duplicate_phone"],
            id="incomplete-first",
        ),
        pytest.param(
            {"user_id": ["u", "u", "u"], "name": [None, "a", "b"]},
            {},
            History(),
            ["missing_variable", "", "duplicate_user"],
            id="the-same-person-incomplete-first",
        ),
        pytest.param(
            {"phone": ["13800000001"] * 3, "name": ["a\x07", "b" * 600, "c"]},
            {},
            History(),
            ["bad_variable", "text_too_long", ""],
            id="values-and-length-of-the-first-copies",
        ),
        pytest.param(
            {"user_id": ["u1", "u2", "u2"], "phone": ["13800000001", "13800000001", "13800000002"]},
            {"holdout": 1},
            History(),
            ["holdout", "duplicate_phone", "holdout"],
            id="copies-of-somebody-kept-back",
        ),
        pytest.param(
            {"user_id": ["u", "u", "v"], "ok": ["yes", "no", "yes"]},
            {"consent": "ok"},
            History(),
            ["no_consent", "no_consent", ""],
            id="a-later-row-of-the-person-says-no",
        ),
        pytest.param(
            {"phone": ["13800000001"] * 2 + ["13800000002"], "ok": ["yes", None, "yes"]},
            {"consent": "ok"},
            History(),
            ["no_consent", "no_consent", ""],
            id="a-later-row-of-the-phone-does-not-say-yes",
        ),
        pytest.param(
            {"user_id": ["u", "u"], "phone": ["1380", "13800000001"], "ok": ["no", "yes"]},
            {"consent": "ok"},
            History(),
            ["bad_phone", "no_consent"],
            id="a-no-in-a-row-without-a-good-phone",
        ),
        pytest.param(
            {"user_id": ["u", "u", "v"], "phone": ["13800000001", "13800000002", "13800000003"]},
            {},
            History(opted_out=phones_of(8613800000002)),
            ["opted_out", "opted_out", ""],
            id="opted-out-on-the-second-phone",
        ),
        pytest.param(
            {"user_id": ["u", "u", "v"], "phone": ["13800000001", "13800000002", "13800000003"]},
            {"frequency_cap": "1/7d"},
            History(recent=phones_of(8613800000002)),
            ["frequency_cap", "frequency_cap", ""],
            id="capped-on-the-second-phone",
        ),
        pytest.param(
            {"user_id": ["u", "u", "v"], "phone": ["13800000001", "13800000002", "13800000003"]},
            {},
            History(sent_phones=phones_of(8613800000002)),
            ["already_sent", "already_sent", ""],
            id="sent-to-the-second-phone",
        ),
        pytest.param(
            {"user_id": ["u", "u", "v"], "phone": ["13800000001", "13800000002", "13800000002"]},
            {},
            History(opted_out=phones_of(8613800000001)),
            ["opted_out", "opted_out", ""],
            id="a-no-goes-to-the-rows-of-its-row-and-no-further",
        ),
        pytest.param(
            {"user_id": [None, None, "u"], "phone": ["", "无", "13800000001"], "ok": ["no", "yes", "yes"]},
            {"consent": "ok"},
            History(),
            ["no_phone", "no_phone", ""],
            id="nobody-is-no-copy",
        ),
        pytest.param(
            {"user_id": [None, None, "u"]}, {}, History(), ["", "", ""], id="people-without-id-are-different"
        ),
        pytest.param(
            {"user_id": [None, "8613800000000", "u"]},
            {},
            History(),
            ["", "duplicate_user", ""],
            id="somebody-without-id-is-their-phone",
        ),
    ],
)
def test_who_is_a_copy_of_whom(
    columns: dict[str, list[Any]], parameters: dict[str, Any], past: History, expected: list[str]
) -> None:
    """Rows are copies of an earlier row that gets something or is kept back; a no holds for all copies."""
    assert labels(planned(people(len(expected), **columns), past=past, **parameters)) == expected


@pytest.mark.parametrize(
    ("parameters", "past"),
    [
        pytest.param({"message_class": "notification", "consent": "name"}, History(), id="consent"),
        pytest.param({}, History(recent=phones_of(FIRST, FIRST, SECOND)), id="no-cap"),
        pytest.param({"frequency_cap": "3/7d"}, History(recent=phones_of(FIRST, FIRST)), id="below-cap"),
        pytest.param({"consent": ""}, History(), id="consented-segment"),
        pytest.param({"holdout": 0}, History(), id="no-holdout"),
    ],
)
def test_what_does_not_apply(parameters: dict[str, Any], past: History) -> None:
    """Consent is for marketing, and what was not asked for leaves nobody out."""
    assert planned(people(2), past=past, **parameters).excluded == {}


# -- against a slow reference ---------------------------------------------------------------


def slow_phone(cell: object) -> tuple[int, str]:
    """One cell, straight from the `phonenumbers` library."""
    if cell is None or cell in ("", "null", "无"):
        return 0, "no_phone"
    try:
        number = phonenumbers.parse(str(cell), "CN")
    except phonenumbers.NumberParseException:
        return 0, "bad_phone"
    if number.country_code != 86:
        return 0, "unsupported_region"
    if phonenumbers.number_type(number) != phonenumbers.PhoneNumberType.MOBILE:
        return 0, "bad_phone"
    return int(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]), ""


def slow_text(row: dict[str, Any]) -> str | None:
    name, coupon = row["name"], row["coupon"]
    if name is None or not name.strip():
        return None
    coupon = 10 if coupon is None else int(coupon) if coupon == int(coupon) else coupon
    return f"【云片】你好{name.strip()}，{coupon}元券。拒收请回复R"


def slow_parts(text: str) -> int:
    units = len(text.encode("utf-16-le")) // 2
    return 1 if units <= 70 else ceil(units / 67)


ODD = {
    "signs as HTML writes them": ["A&amp;B", "&lt;b&gt;", "刘&nbsp;明"],
    "a spreadsheet shortened": ["2.02611E+16", "1E+05", "-1.5e+8"],
    "lost their letters": ["???", "？", "å¼ ä¸‰", "æŽå››", "Ã©mile", "ÕÅÈý", "ÀîËÄ VIP", "寮犱笁", "鐜嬩簲?"],
    "another tool to fill in": [
        *("{name}", "{{ first_name }}", "${姓名}", "%s", "%name%", "#name#", "*|FNAME|*", "[[name]]"),
        *("<%= name %>", "$name", "%%name%%", "[object Object]"),
    ],
    "hold signs that nobody sees": [
        "张\u200b三",
        "\u202d李四\u202c",
        "王\u200e五",
        "A\u200dB",
        "赵\u200c",
        "a\u00adb",
        "张\u3164",
    ],
    "are numbers of many places": ["0.30000000000000004", "99.99999999999999", "-1.123456789"],
    "hold line breaks or tabs": ["张\n三", "张\t三", "A\r\nB", "张\u2028三"],
}
FINE = ["A&B; 张", "&", "A+B", "100%", "C#", "#1", "[VIP]", "你好？", "Émile", "João", "Zoë", "É", "1.5E3"]
FINE += [
    "138××××0000",
    "····",
    "José·García",
    "Nescafé®",
    "“兰蔻Café”",
    "#双十一#",
    "US$",
    "[VIP]",
    "100%棉",
    "A|B",
    "1.5",
    "31.230416",
    "v1.0.12345678",
    "👨\u200d👩\u200d👧",
    "❤\ufe0f",
    "张\u3000三",
    "Ana\xa0Ruiz",
]


EVENING: Final = datetime(2026, 1, 5, 18, 30)
MOMENTS: Final[dict[str, tuple[Any, list[str]]]] = {  # cells -> those whose hour nobody reads
    "moments": (pd.Series([EVENING, None, datetime(2026, 1, 6)]), ["2026-01-05 18:30"]),
    "by zone": (pd.Series([EVENING, datetime(2026, 1, 5, 16)]).dt.tz_localize("UTC"), ["2026-01-06 02:30"]),
    "seconds": (pd.Series([datetime(2026, 1, 5, 0, 0, 7)]), ["2026-01-05 00:00"]),
    "objects": ([date(2026, 1, 5), EVENING, "2026-01-05 18:31"], ["2026-01-05 18:30"]),
    "arrow": (pd.Series([EVENING], dtype=pd.ArrowDtype(pa.timestamp("us"))), ["2026-01-05 18:30"]),
    "categories": (pd.Series([EVENING, EVENING]).astype("category"), ["2026-01-05 18:30"] * 2),
    "midnights": (pd.Series([datetime(2026, 1, 6)]), []),
    "days": (pd.Series([date(2026, 1, 6)], dtype=pd.ArrowDtype(pa.date32())), []),
    "text": (["2026-01-05 18:30:00"], []),
    "numbers": ([5], []),
}


@pytest.mark.parametrize("kind", MOMENTS)
def test_an_hour_that_no_message_shows_is_noticed(kind: str) -> None:
    """A moment goes out as its day; the plan and `validate` say so, unless the variable has a `format`."""
    cells, lost = MOMENTS[kind]
    frame = people(len(cells), name=cells)
    plan = planned(frame)
    found = [notice for notice in plan.notices if "time of day" in notice]

    assert len(found) == bool(lost)
    assert all(notice.startswith(f"{len(lost)} value") and lost[0] in notice for notice in found)
    if kind not in ("objects", "numbers"):
        formatted = {"name": {"column": "name", "format": "%Y-%m-%d"}}
        assert not planned(frame, variables=DATA["variables"] | formatted).notices


@pytest.mark.parametrize("kind", ["parquet", "xlsx"])
def test_validate_says_whose_hour_no_message_shows(kind: str, tmp_path: Path) -> None:
    """As the plan does, whatever the kind of file."""
    frame = people(2, name=[EVENING, datetime(2026, 1, 6)])
    path = tmp_path / f"a.{kind}"
    if kind == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_excel(path, index=False)
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(DATA | {"segment": str(path)}), encoding="utf-8")
    (note,) = [note for note in validate(tmp_path / "a.yaml", now=NOW).notes if "time of day" in note]

    assert note.startswith("1 value of `name` has a time of day, such as 2026-01-05 18:30")


@pytest.mark.parametrize("told", ODD)
def test_odd_values_are_noticed(told: str) -> None:
    """What another program spoilt goes out as it stands, and the plan says so of those it sends to."""
    names = [*ODD[told], *FINE, ODD[told][0]]
    phones = [*(str(13800000000 + n) for n in range(len(names) - 1)), None]
    plan = planned(people(len(names), name=names, phone=phones))
    (notice,) = plan.notices

    assert labels(plan) == [""] * (len(names) - 1) + ["no_phone"]
    assert notice.startswith(f"{len(ODD[told])} values of `name`")
    assert told in notice
    assert escaped(json.dumps(ODD[told][0], ensure_ascii=False)) in notice
    assert not re.search(f"{UNSEEN}|[\n\t]", notice)


def test_values_that_are_none_the_odder_are_not_noticed() -> None:
    assert planned(people(len(FINE), name=FINE)).notices == []


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        (
            ["是", "否", "愿意", "ok", "", None],
            '2 cells of the consent column `ok` say neither yes nor no, such as "愿意", "ok"',
        ),
        ([1, 0, 2, None, 1, 0], "1 cell of the consent column `ok` says neither yes nor no"),
        (["Y", "n", 13800000000, "  ", "N", "TRUE"], '"138****0000"'),
        ([True, False, None, True, True, False], ""),
        ([1.0, 0.0, 1.0, 1.0, 0.0, None], ""),
    ],
)
def test_unclear_consent_is_a_no_and_is_told(cells: list[Any], told: str) -> None:
    plan = planned(people(6, ok=cells), consent="ok")
    yes = ["" if cell in (True, "是", "Y", "TRUE") else "no_consent" for cell in cells]
    assert labels(plan) == yes
    assert len(plan.notices) == bool(told)
    assert all(told in notice and "they count as no" in notice for notice in plan.notices)
    assert planned(people(6, ok=cells), consent="ok", message_class="notification").notices == []


def slow_plan(
    rows: list[dict[str, Any]], past: History, data: dict[str, Any], fit: ProviderLimits
) -> list[tuple[str, int]]:
    """(reason, parts) of every row that the rule keeps, row by row in the order of DESIGN section 6."""
    rows = [row for row in rows if row["level"] == "gold"]
    found = [slow_phone(row["phone"]) for row in rows]
    phone, reason = [p for p, _ in found], [r for _, r in found]
    if data["user_id"]:
        person = [row["user_id"] or str(p or "") for row, p in zip(rows, phone, strict=True)]
    else:
        person = [str(p or "") for p in phone]
    text = [slow_text(row) for row in rows]

    def alike(n: int) -> list[int]:
        """The rows with the phone or the person of row n, itself too."""
        rows = range(len(phone))
        return [m for m in rows if phone[m] == phone[n] != 0 or person[m] == person[n] != ""]

    def copy_of(of: list[Any]) -> Callable[[int], bool]:
        """Whether an earlier row that is no copy has the same of that; asked when all else is judged."""
        return lambda n: any(m < n and not reason[m] and of[m] == of[n] for m in range(n))

    recent, cap = past.recent.tolist(), int(data["frequency_cap"][0])
    opted_out, sent_phones = set(past.opted_out.tolist()), set(past.sent_phones.tolist())
    sent_persons = set(past.sent_persons.to_pylist())
    a_no: list[tuple[str, Callable[[int], bool]]] = [
        ("already_sent", lambda n: phone[n] in sent_phones or person[n] in sent_persons),
        ("opted_out", lambda n: phone[n] in opted_out),
        ("no_consent", lambda n: rows[n]["ok"] not in ("true", "是")),
        ("frequency_cap", lambda n: recent.count(phone[n]) >= cap),
    ]
    of_the_row: list[tuple[str, Callable[[int], bool]]] = [
        ("missing_variable", lambda n: text[n] is None),
        ("bad_variable", lambda n: re.search("[\x00-\x08]|【", text[n][4:]) is not None),
        ("text_too_long", lambda n: len(text[n].encode("utf-16-le")) // 2 > fit.text_units),
    ]
    for label, out in a_no:
        for n in range(len(rows)):
            if not reason[n] and any(out(m) for m in alike(n)):
                reason[n] = label
    for label, out in of_the_row:
        for n in range(len(rows)):
            if not reason[n] and out(n):
                reason[n] = label
    same_phone, same_person = copy_of(phone), copy_of(person)
    for n in range(len(rows)):
        if not reason[n]:
            reason[n] = "duplicate_phone" if same_phone(n) else "duplicate_user" if same_person(n) else ""
    for label, share, key in (
        ("global_holdout", data["global_holdout"], global_key()),
        ("holdout", data["holdout"], data["campaign"]),
    ):
        for n in range(len(rows)):
            if not reason[n] and held_back(sent(person[n]), share, key=key)[0]:
                reason[n] = label
    return [(r, 0 if r else slow_parts(t or "")) for r, t in zip(reason, text, strict=True)]


def slow_copies(phones: NDArray[np.int64], persons: list[str]) -> list[str]:
    """Who is a copy by what, row by row; none of these rows has another reason."""
    seen_phones: set[int] = set()
    seen_persons: set[str] = set()
    found = []
    for phone, person in zip(phones.tolist(), persons, strict=True):
        copy = "phone" if phone in seen_phones else "person" if person in seen_persons else ""
        if not copy:
            seen_phones.add(phone)
            seen_persons.add(person)
        found.append(copy)
    return found


@pytest.mark.parametrize("kind", ["chain", "star", "random", "nothing repeats"])
def test_copies_of_a_long_file(kind: str) -> None:
    """Over 120,000 rows, whose slices a chain of copies crosses, it is what a plain loop says."""
    n, rng = 120_000, np.random.default_rng(7)
    at = np.arange(n)
    phone, person = {
        "chain": ((at + 1) // 2, at // 2),
        "star": (at % 3, at),
        "random": (rng.integers(0, n // 2, n), rng.integers(0, n // 2, n)),
        "nothing repeats": (at, at),
    }[kind]
    phones, persons = phone + 8613800000000, [f"u{number}" for number in person]
    copies = Copies.of(phones, sent(*persons))
    by_phone = copies.same_phone(np.ones(n, bool))
    by_person = later_copies(sent(*persons), np.flatnonzero(~by_phone))
    found = np.where(by_phone, "phone", "").astype(object)
    found[by_person] = "person"

    assert found.tolist() == slow_copies(phones, persons)


CELLS = st.sampled_from(
    [
        *("13800000001", "+86 138 0000 0001", "86-13800000001", "13800000002", "0086 13800000002"),
        *("13800000003", "13800000004", "13800000005", "19900000006", "17000000007"),
        *(None, "", "null", "无", "1380000000", "12345", "abc", "010-12345678", "138000000011", "4001234567"),
        *("+85291234567", "+12025550123", "+886912345678"),
    ]
)
ROWS = st.fixed_dictionaries(
    {
        "user_id": st.sampled_from(["u1", "u2", "u3", "u4", "用户5", "8613800000001", None]),
        "phone": CELLS,
        "name": st.sampled_from(
            ["张三", "李😀四", " Ann ", None, "", "x\x01", "【王】", "x" * 60, "长" * 120]
        ),
        "coupon": st.sampled_from([50, 50.5, 100.0, None]),
        "ok": st.sampled_from(["true", "true", "是", "false", None]),
        "level": st.sampled_from(["gold", "gold", "gold", "silver", None]),
    }
)
NUMBERS = st.lists(st.sampled_from([8613800000000 + n for n in range(1, 6)]), max_size=3)
PASTS = st.builds(
    lambda phones, persons, out, recent: History(
        np.array(phones, np.int64), sent(*persons), phones_of(*out), np.array(recent, np.int64)
    ),
    NUMBERS,
    st.lists(st.sampled_from(["u1", "u3", "8613800000004"]), max_size=2),
    NUMBERS,
    NUMBERS,
)
FITS = ProviderLimits(text_units=100, unfit_value="【")


@settings(max_examples=examples(150))
@given(
    st.lists(ROWS, max_size=12),
    PASTS,
    st.sampled_from(["user_id", ""]),
    st.sampled_from([0.0, 0.4]),
    st.sampled_from([0.0, 0.3]),
)
def test_a_plan_is_what_a_slow_one_says(
    rows: list[dict[str, Any]], past: History, user_id: str, holdout: float, global_holdout: float
) -> None:
    """By column or row by row: the same reasons, parts and totals for any segment and any past."""
    data = {
        "campaign": "c",
        "user_id": user_id,
        "holdout": holdout,
        "global_holdout": global_holdout,
        "consent": "ok",
        "frequency_cap": "2/7d",
        "rules": {"column": "level", "op": "==", "value": "gold"},
    }
    frame = pd.DataFrame(rows, columns=["user_id", "phone", "name", "coupon", "ok", "level"], dtype=object)
    plan = planned(frame, past=past, fit=FITS, **data)
    expected = slow_plan(rows, past, data, FITS)
    kept = [row for row in rows if row["level"] == "gold"]
    shown = plan.frame()

    assert list(zip(labels(plan), plan.parts.tolist(), strict=True)) == expected
    assert plan.read == len(rows)
    assert len(plan) == len(expected) == plan.planned + sum(plan.excluded.values())
    assert plan.order.tolist() == [n for n, (reason, _) in enumerate(expected) if not reason]
    assert plan.total_parts == sum(parts for _, parts in expected)
    assert plan.cost == plan.total_parts * Decimal("0.05")
    assert [shown["text"][n] for n in plan.order] == [slow_text(kept[n]) for n in plan.order]
    assert plan.waterfall()["left"].tolist()[-1] == plan.planned


# -- parts and cost -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("units", "parts"),
    [(69, 1), (70, 1), (71, 2), (134, 2), (135, 3), (201, 3), (202, 4), (268, 4), (269, 5), (500, 8)],
)
@pytest.mark.parametrize("letter", ["长", "a", "😀"], ids=["chinese", "ascii", "emoji"])
def test_parts_and_cost(units: int, parts: int, letter: str) -> None:
    """Parts change exactly at 70/71, 134/135 and so on, in UTF-16 units of text and signature together."""
    literal = len("【云片】你好，拒收请回复R")
    value = letter * ((units - literal) // (2 if letter == "😀" else 1))
    value += "a" * ((units - literal) % 2 if letter == "😀" else 0)
    plan = planned(
        people(3, name=[value] * 3),
        template="你好{name}，拒收请回复R",
        variables={"name": "name"},
        price_per_part="0.045",
    )

    assert plan.parts.tolist() == [parts] * 3
    assert plan.total_parts == 3 * parts
    assert plan.cost == 3 * parts * Decimal("0.045")
    assert plan.summary()["cost"] == str(plan.cost)


def test_a_repeated_variable_counts_each_time() -> None:
    """A variable that stands in the text twice is counted and rendered twice."""
    plan = planned(
        people(1, name=["长" * 34]), template="{name}{name}", variables={"name": "name"}, signature=""
    )
    longer = planned(
        people(1, name=["长" * 36]), template="{name}{name}", variables={"name": "name"}, signature=""
    )

    assert plan.frame()["text"][0] == "长" * 68
    assert (plan.total_parts, longer.total_parts) == (1, 2)


# -- the hash ------------------------------------------------------------------------------------


def test_the_hash_reads_as_text() -> None:
    """A hash begins with a letter, so that YAML never reads it as a number."""
    assert re.fullmatch("q[0-9a-f]{24}", planned(people(3)).hash)


@given(st.permutations(range(8)))
def test_order_does_not_change_the_hash(order: list[int]) -> None:
    """The order in which a source hands out its rows is no part of the plan."""
    frame = people(8)

    assert planned(frame.iloc[order]).hash == planned(frame).hash


@pytest.mark.parametrize(
    "more",
    [
        {"mode": "plan"},
        {"mode": "live"},
        {"campaign": "another"},
        {"plan_hash": "p0"},
        {"max_recipients": 1},
        {"max_cost": "0.01"},
        {"price_per_part": "1"},
        {"not_after": "2020-01-01"},
        {"send_window": ""},
        {"timezone": "UTC"},
        {"test_phones": ["13800138000"]},
        {"message_class": "notification"},
        {"segment": "elsewhere.csv"},
        {"template": TEMPLATE.removeprefix("【云片】")},
        {"variables": {"name": "name", "coupon": "coupon"}},
    ],
    ids=lambda more: next(iter(more)),
)
def test_what_does_not_change_the_hash(more: dict[str, Any]) -> None:
    """Mode, guards and money are no part of the plan, nor is where the same people and texts come from."""
    assert planned(people(3), **more).hash == planned(people(3)).hash


def test_unread_columns_and_left_out_rows_do_not_change_the_hash() -> None:
    """Columns nobody looks at and rows nobody is sent are no part of the plan."""
    more = pd.concat([people(3), people(2, phone=["1380", None], name=["x", "y"])], ignore_index=True)

    assert planned(people(3, extra=[1, 2, 3])).hash == planned(people(3)).hash
    assert planned(more).hash == planned(people(3)).hash


@pytest.mark.parametrize(
    ("columns", "more"),
    [
        pytest.param({}, {"provider": "chuanglan"}, id="provider"),
        pytest.param(
            {}, {"signature": "别的", "template": "你好{name}，{coupon}元券。拒收请回复R"}, id="signature"
        ),
        pytest.param({}, {"template_id": "1400006"}, id="template-id"),
        pytest.param({}, {"template": TEMPLATE + "。"}, id="template"),
        pytest.param({"name": ["用户0", "用户1", "用户3"]}, {}, id="one-text"),
        pytest.param({"coupon": [50, 51, 53]}, {}, id="one-number"),
        pytest.param({"phone": ["13800000000", "13800000001", "13800000009"]}, {}, id="one-phone"),
        pytest.param({"user_id": ["u0", "u1", "u9"]}, {}, id="one-person"),
        pytest.param({"name": ["用户1", "用户0", "用户2"]}, {}, id="two-names-swapped"),
        pytest.param({"user_id": ["u1", "u0", "u2"]}, {}, id="two-persons-swapped"),
        pytest.param({"name": ["用户0", "用户1", None]}, {}, id="one-fewer"),
        pytest.param({}, {"user_id": ""}, id="persons-by-phone"),
    ],
)
def test_what_changes_the_hash(columns: dict[str, list[Any]], more: dict[str, Any]) -> None:
    """Another provider, signature, template, person, phone or text is another plan."""
    assert planned(people(3, **columns), **more).hash != planned(people(3)).hash


def test_values_cannot_slide_into_each_other() -> None:
    """Where one value ends and the next begins is part of the hash."""
    parameters = {"template": "{a}{b}", "variables": {"a": "a", "b": "b"}}
    first = planned(people(2, a=["xy", "x"], b=["z", "yz"]), **parameters)
    second = planned(people(2, a=["x", "xy"], b=["yz", "z"]), **parameters)

    assert first.texts(first.order).to_pylist() == second.texts(second.order).to_pylist()
    assert first.hash != second.hash


def test_plans_made_before_keep_their_hash() -> None:
    """A hash that was noted down before there were global holdouts still names the same plan."""
    drawn = planned(people(50), holdout=0.3, frequency_cap="2/7d")

    assert planned(people(3)).hash == "q25816fcf64ee1cb9293e6372"
    assert drawn.hash == "q29a33c15e63837c9e7210bd8"


# -- holdout ---------------------------------------------------------------------------------------


def kept_back(reason: str, **more: Any) -> set[str]:
    """Who of 400 people is left out for *reason*."""
    plan = planned(people(400), **more)
    return {f"u{n}" for n, label in enumerate(labels(plan)) if label == reason}


def test_a_series_keeps_the_same_people_back_each_time() -> None:
    """Each occurrence of a repeating campaign draws the same people, another series draws others."""
    weekly = [kept_back("holdout", series="weekly", campaign=f"w{week}", holdout=0.2) for week in (46, 47)]
    other = kept_back("holdout", series="monthly", campaign="w46", holdout=0.2)
    own = [kept_back("holdout", campaign=name, holdout=0.2) for name in ("weekly", "weekly-2026-03")]

    assert weekly[0] == weekly[1]
    assert 40 < len(weekly[0]) < 120
    assert other != weekly[0] == own[0] != own[1]


def test_all_marketing_keeps_the_same_people_back() -> None:
    """Whatever the campaign, the same people are left out; another salt draws others; no salt is none."""
    some, others = (kept_back("global_holdout", campaign=c, global_holdout=0.2) for c in ("a", "b-2026-11"))
    salted = planned(people(400), global_holdout=0.2, holdout_salt="pepper")

    assert some == others
    assert 40 < len(some) < 120
    assert {f"u{n}" for n, label in enumerate(labels(salted)) if label} != some


def test_both_holdouts_are_told_apart() -> None:
    """Of all marketing comes first, so the campaign's own is drawn from those it could have messaged."""
    plan = planned(people(400), global_holdout=0.2, holdout=0.5)
    everywhere = kept_back("global_holdout", global_holdout=0.2)
    own = kept_back("holdout", holdout=0.5)

    assert {f"u{n}" for n, label in enumerate(labels(plan)) if label == "global_holdout"} == everywhere
    assert {f"u{n}" for n, label in enumerate(labels(plan)) if label == "holdout"} == own - everywhere
    assert own & everywhere
    assert plan.summary()["excluded"] == plan.excluded
    assert sum(plan.excluded.values()) + plan.planned == 400


def test_notifications_reach_everybody() -> None:
    """An order's confirmation is no marketing: what is kept back from marketing still gets it."""
    plan = planned(people(40), global_holdout=1.0, message_class="notification")

    assert plan.planned == 40


# -- what people see ---------------------------------------------------------------------------


def test_frame_masks_phones() -> None:
    """No cell of the frame, nor of what is kept about people left out, holds a full phone."""
    frame = people(
        5,
        phone=["13800000000", "+86 138 0000 0001", "138000000023", "+852 9123 4567", None],
        user_id=["13800000000", "u1", "u2", "8613900000001", "u4"],
        mobile=["13800000000", "13800000001", "x", "y", "z"],
    )
    plan = planned(frame, template="尊敬的{mobile}用户{name}", variables={"mobile": "mobile", "name": "name"})
    shown = plan.frame()
    told = [shown.to_csv(), plan.preview().to_csv(), repr(plan), str(plan.left_out()["shown"])]

    assert shown["phone"].tolist()[:2] == ["138****0000", "138****0001"]
    assert shown["user_id"].tolist() == ["138****0000", "u1", "u2", "139****0001", "u4"]
    assert shown["text"][0] == "【云片】尊敬的138****0000用户用户0"
    assert [found for text in told if (found := re.findall(r"\d{8,}|\d{4} \d{4}", text))] == []
    assert plan.texts(np.array([0])).to_pylist() == ["【云片】尊敬的13800000000用户用户0"]


def test_frame_columns() -> None:
    """The frame has one row per segment row, what DESIGN section 6 lists, and one column per variable."""
    frame = people(3, phone=["13800000000", "x", "13800000002"])
    shown = planned(frame).frame()

    assert list(shown.columns) == ["user_id", "phone", "state", "reason", "text", "parts", "name", "coupon"]
    assert shown["state"].tolist() == ["planned", "excluded", "planned"]
    assert shown["reason"].tolist() == ["", "bad_phone", ""]
    assert shown["text"][0] == "【云片】你好用户0，50元券。拒收请回复R"
    assert planned(frame).frame(np.array([2])).index.tolist() == [2]


def test_preview_shows_every_kind() -> None:
    """A preview holds the first ones, the longest text and one row for each reason."""
    frame = people(
        40,
        name=["x"] * 30 + ["长" * 80] + ["x"] * 9,
        phone=[str(13800000000 + n) if n != 35 else "?" for n in range(40)],
    )

    assert planned(frame).preview(3).index.tolist() == [0, 1, 2, 30, 35]


def test_waterfall_goes_from_read_to_planned() -> None:
    """Rules first, then reasons: each row takes from what the one before left."""
    frame = people(
        6, level=["a", "a", "a", "b", "a", "c"], phone=["13800000000"] * 2 + ["x"] + ["13800000003"] * 3
    )
    rules = {
        "all": [
            {"column": "level", "op": "in", "value": ["a", "b"]},
            {"column": "level", "op": "!=", "value": "b"},
        ]
    }
    plan = planned(frame, rules=rules)
    fall = plan.waterfall()

    assert fall["step"].tolist()[::5] == ["read", "planned"]
    assert fall["left_out"].tolist() == [0, 1, 1, 1, 1, 0]
    assert fall["left"].tolist() == [6, 5, 4, 3, 2, 2]
    assert plan.read == 6
    assert len(plan) == 4
    assert plan.excluded == {"bad_phone": 1, "duplicate_phone": 1}


# -- edges ----------------------------------------------------------------------------------------


def test_the_phone_may_be_the_person() -> None:
    """With ``user_id: ""`` people are told apart by phone, and need no such column."""
    frame = people(3, phone=["13800000000", "138-0000-0000", "x"]).drop(columns="user_id")
    plan = planned(frame, user_id="")

    assert labels(plan) == ["", "duplicate_phone", "bad_phone"]
    assert plan.persons.to_pylist() == ["8613800000000", "8613800000000", ""]
    assert plan.frame()["user_id"].tolist() == ["138****0000", "138****0000", ""]


def test_people_without_an_id_are_their_phone() -> None:
    """A null user id is replaced by the phone, others stay as they are."""
    plan = planned(people(3, user_id=[None, "u1", None], phone=["13800000000", "13800000001", "x"]))

    assert plan.persons.to_pylist() == ["8613800000000", "u1", ""]


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(people(0), id="objects"),
        pytest.param(people(0).astype("str"), id="text"),
        pytest.param(people(2).iloc[:0], id="sliced"),
    ],
)
def test_empty_segment(frame: pd.DataFrame) -> None:
    """A segment without rows is a plan for nobody, which can be shown like any other."""
    plan = planned(
        frame, frequency_cap="1/7d", holdout=0.5, fit=ProviderLimits(value_units=5, group_equal=True)
    )

    assert (len(plan), plan.planned, plan.total_parts, plan.cost) == (0, 0, 0, Decimal(0))
    assert plan.excluded == {}
    assert plan.waterfall().to_dict("list") == {
        "step": ["read", "planned"],
        "left_out": [0, 0],
        "left": [0, 0],
    }
    assert len(plan.frame()) == len(plan.preview()) == plan.left_out().num_rows == 0


def test_rules_that_keep_nobody() -> None:
    """Nobody left after the rules is a plan for nobody."""
    plan = planned(people(3), rules=[{"column": "name", "op": "==", "value": "x"}])

    assert (plan.read, len(plan), plan.planned) == (3, 0, 0)
    assert plan.waterfall()["left"].tolist() == [3, 0, 0]


def test_a_template_without_variables() -> None:
    """One text for all needs no variable, and is grouped as it is."""
    plan = planned(people(3), template="大家好", variables={}, fit=ProviderLimits(group_equal=True))

    assert plan.frame()["text"].tolist() == ["【云片】大家好"] * 3
    assert plan.order.tolist() == [0, 1, 2]


def test_equal_values_are_neighbours_where_it_helps() -> None:
    """People with equal values stand together, otherwise in segment order; the hash stays."""
    frame = people(6, name=["b", "a", "b", "a", "b", "x"], coupon=[1, 1, 2, 1, 1, 1])
    grouped, plain = planned(frame, fit=ProviderLimits(group_equal=True)), planned(frame)
    values = [(grouped.frame()["name"][n], grouped.frame()["coupon"][n]) for n in grouped.order]
    runs = [pair for n, pair in enumerate(values) if n == 0 or values[n - 1] != pair]

    assert len(runs) == len(set(values)) == 4
    assert sorted(grouped.order) == plain.order.tolist()
    assert grouped.order.tolist().index(0) < grouped.order.tolist().index(4)
    assert grouped.hash == plain.hash


@pytest.mark.parametrize("index", [None, [7, 7, 3, 1]], ids=["plain-index", "odd-index"])
def test_a_plan_never_changes_the_frame(index: list[int] | None) -> None:
    """The segment is read, never written, whatever is done with the plan."""
    frame = people(4, phone=["13800000000", "x", None, "13800000000"], ok=[True, False, None, True])
    frame.index = pd.Index(index) if index else frame.index
    before = frame.copy(deep=True)
    plan = planned(frame, consent="ok", rules=[{"column": "coupon", "op": "<", "value": 99}])
    plan.frame(), plan.preview(), plan.waterfall(), plan.left_out()

    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    ("more", "error", "words"),
    [
        pytest.param(
            {"phone": "phnoe"}, SegmentError, "`phone` names column `phnoe`.*did you mean `phone`", id="phone"
        ),
        pytest.param({"user_id": "uid"}, SegmentError, "`user_id` names column `uid`", id="user-id"),
        pytest.param({"consent": "ok"}, SegmentError, "`consent` names column `ok`", id="consent"),
        pytest.param(
            {"variables": {"name": "nmae", "coupon": "coupon"}},
            TemplateError,
            "did you mean `name`",
            id="variable",
        ),
        pytest.param({"variables": {"name": "name"}}, TemplateError, "`coupon`", id="unbound"),
        pytest.param({"rules": [{"column": "levl", "op": "is_null"}]}, InputError, "levl", id="rule"),
    ],
)
def test_columns_that_are_not_there(more: dict[str, Any], error: type[Exception], words: str) -> None:
    """A parameter that names a missing column is refused with the nearest one."""
    with pytest.raises(error, match=words):
        planned(people(2), **more)


def test_columns_read() -> None:
    """Only the columns a campaign looks at need to be loaded."""
    spec = CampaignSpec.from_data(
        DATA | {"consent": "ok", "rules": {"not": {"column": "level", "op": "is_null"}}, "user_id": ""}
    )

    assert columns_read(spec, parse_bindings(spec.variables)) == {"phone", "ok", "level", "name", "coupon"}


def test_what_is_kept_of_people_left_out() -> None:
    """The ledger gets person, phone where there is one, masked cell, reason, whether it would hold them."""
    plan = planned(people(3, phone=["13800000000", "13800000000", "１３８00?"]))

    assert plan.left_out().to_pylist() == [
        {"person": "u1", "phone": 8613800000000, "shown": "138****0000"}
        | {"reason": Reason.DUPLICATE_PHONE, "would_hold": False},
        {"person": "u2", "phone": 0, "shown": "***00?", "reason": Reason.BAD_PHONE, "would_hold": False},
    ]


def test_phones_read_alike_everywhere() -> None:
    """The reference of this file and `normalise_one` agree on the good cells it is made of."""
    cells = ["13800000001", "+86 138 0000 0001", "86-13800000001", "0086 13800000002"]

    assert [slow_phone(cell) for cell in cells] == [(normalise_one(cell), "") for cell in cells]


# -- rules of another arm's provider --------------------------------------------------------


def test_what_another_arms_provider_could_not_carry() -> None:
    """Each judges by what it would be handed; both plans leave out the same people."""
    frame = people(6, name=["李雷", "a★", "a【b", "x" * 9, "y" * 40, None])
    one = ProviderLimits(unfit_value="★", text_units=50)
    other = ProviderLimits(unfit_value="【", value_units=8, replace=(("★", "*"),), appended="拒收请回复R")
    alone = [labels(planned(frame, fit=fit)) for fit in (one, other)]
    both = [
        labels(planned(frame, fit=fit))
        for fit in (one._replace(others=(other,)), other._replace(others=(one,)))
    ]

    assert alone == [
        ["", "bad_variable", "", "", "text_too_long", "missing_variable"],
        ["", "", "bad_variable", "bad_variable", "bad_variable", "missing_variable"],
    ]
    assert both == [["", *["bad_variable"] * 4, "missing_variable"]] * 2
