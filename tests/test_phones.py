"""Phones: reading, refusing, hiding."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal

import numpy as np
import pandas as pd
import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smskit.audience import phones
from smskit.errors import InputError
from smskit.models import Reason

MOBILE = 8613800000000
FULL_WIDTH = str.maketrans("0123456789+-()", "０１２３４５６７８９＋－（）")

# Prefixes assigned to mobile operators, and any eight digits.
nationals = st.builds(
    "{}{:08d}".format,
    st.sampled_from([133, 138, 139, 147, 152, 166, 178, 186, 199]),
    st.integers(0, 10**8 - 1),
)


def read(*cells: object) -> list[int | str]:
    """Return the phone of each cell, or the label of the reason."""
    found = phones.normalise(pd.Series(list(cells), dtype=object))
    return [int(e164) or Reason(why).label for e164, why in zip(*found, strict=True)]


def asked(digits: str) -> int | str:
    """Return what `phonenumbers` says about one number written as digits with or without a plus."""
    try:
        number = phonenumbers.parse(digits, "CN")
    except phonenumbers.NumberParseException:
        return "bad_phone"
    if number.country_code != 86:
        abroad = digits.startswith(("+", "00")) and phonenumbers.is_possible_number(number)
        return "unsupported_region" if abroad else "bad_phone"
    mobile = phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE
    return (
        int(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
        if mobile
        else "bad_phone"
    )


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param("13800000000", id="plain"),
        pytest.param("8613800000000", id="86"),
        pytest.param("+8613800000000", id="plus 86"),
        pytest.param("008613800000000", id="0086"),
        pytest.param("(+86)138-0000-0000", id="brackets"),
        pytest.param("（＋８６）１３８－００００－００００", id="full width"),
        pytest.param("+86 (0)138 0000 0000", id="trunk zero in brackets"),
        pytest.param("013800000000", id="trunk zero"),
        pytest.param(" 138 0000\t0000\r\n", id="blanks"),
        pytest.param("\ufeff138\u00a00000\u200b0000\u3000\u202c", id="invisible characters"),
        pytest.param("138–0000—0000", id="dashes"),
        pytest.param("138−0000‑0000", id="minus and fixed hyphen"),
        pytest.param("138.0000.0000", id="dots, printed"),
        pytest.param("+86.13800000000", id="dot after 86"),
        pytest.param("+86.138.0000.0000", id="dots after 86"),
        pytest.param("'13800000000", id="apostrophe"),
        pytest.param("＇13800000000", id="full-width apostrophe"),
        pytest.param(" ‘13800000000", id="blank, curly apostrophe"),
        pytest.param('="13800000000"', id="Excel formula"),
        pytest.param("13800000000.0", id=".0"),
        pytest.param("13800000000.00", id=".00"),
        pytest.param("8613800000000.0", id="86 and .0"),
        pytest.param("1.3800000000E10", id="scientific, all digits"),
        pytest.param("1.38000000000e+010", id="scientific, more digits"),
        pytest.param("8.613800000000E+12", id="scientific with 86"),
    ],
)
def test_reads_what_people_write(cell: str) -> None:
    """One mobile is found in every way people and spreadsheets write it."""
    assert read(cell) == [MOBILE]


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param("12345678911", id="unassigned prefix"),
        pytest.param("16300000000", id="another unassigned prefix"),
        pytest.param("1380000000", id="too short"),
        pytest.param("138000000001", id="too long"),
        pytest.param("1380000000.0", id=".0 is no digit"),
        pytest.param("13800000000 13900000000", id="two numbers, blank"),
        pytest.param("13800000000/13900000000", id="two numbers, slash"),
        pytest.param("13800000000\n13900000000", id="two numbers, lines"),
        pytest.param("13800000000(13900000000)", id="two numbers, brackets"),
        pytest.param("13800000000,", id="comma"),
        pytest.param("13800000000-1", id="extension"),
        pytest.param("13800000000;ext=1", id="written extension"),
        pytest.param("手机13800000000", id="Chinese letters"),
        pytest.param("1380000000O", id="letter O"),
        pytest.param("abc", id="letters"),
        pytest.param("1.38E+10", id="scientific, digits lost"),
        pytest.param("1.380000000E+10", id="scientific, one digit lost"),
        pytest.param("1.3800000000E-10", id="scientific, small"),
        pytest.param("138.00000001", id="decimal"),
        pytest.param("-13800000000", id="negative"),
        pytest.param("++8613800000000", id="two pluses"),
        pytest.param("86+13800000000", id="plus inside"),
        pytest.param("010-12345678", id="landline"),
        pytest.param("+86 10 12345678", id="landline with country"),
        pytest.param("400-800-0000", id="service number"),
        pytest.param("10086", id="short number"),
        pytest.param("85291234567", id="abroad without plus"),
        pytest.param("+12", id="impossible abroad"),
        pytest.param("+999123456789", id="no such country"),
        pytest.param("0", id="zero"),
        pytest.param("+", id="plus alone"),
        pytest.param("٠١٣٨", id="Arabic digits"),
        pytest.param("\ud800", id="not Unicode"),
    ],
)
def test_refuses_what_is_no_mobile(cell: str) -> None:
    """What is not exactly one mainland mobile is a bad phone."""
    assert read(cell) == ["bad_phone"]


@pytest.mark.parametrize(
    "cell", ["+85291234567", "00852 9123 4567", "+853-66123456", "＋886 912345678", "+1 (202) 555-0123"]
)
def test_tells_abroad_from_bad(cell: str) -> None:
    """A possible number that names another country code is an unsupported region."""
    assert read(cell) == ["unsupported_region"]


# fmt: off
NOTHING = [
    None, float("nan"), pd.NA, pd.NaT, "", " \u3000\ufeff", "-", "——", "/", "'", '""', "无", "（无）", "暂无",
    "nan", "NaN", "None", "null", "NULL", "<NA>", "NaT", "N/A", "#N/A", "\\N",
]
# fmt: on


@pytest.mark.parametrize("cell", NOTHING, ids=repr)
def test_knows_how_nothing_is_written(cell: object) -> None:
    """Empty cells, and the words programs and people write for them, are no phone."""
    assert read(cell) == ["no_phone"]


TEXTS = ["13800000000", None, "138 0000 0000"]


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        pytest.param(pd.Series(TEXTS, dtype="str"), [MOBILE, 1, MOBILE], id="str"),
        pytest.param(pd.Series(TEXTS, dtype=object), [MOBILE, 1, MOBILE], id="object"),
        pytest.param(pd.Series(TEXTS, dtype="category"), [MOBILE, 1, MOBILE], id="category"),
        pytest.param(
            pd.Series(TEXTS, dtype=pd.ArrowDtype(pa.string())), [MOBILE, 1, MOBILE], id="arrow text"
        ),
        pytest.param(pa.array(TEXTS, pa.string_view()), [MOBILE, 1, MOBILE], id="string view"),
        pytest.param(pa.array(TEXTS).dictionary_encode(), [MOBILE, 1, MOBILE], id="dictionary"),
        pytest.param(pa.chunked_array([TEXTS[:1], [], TEXTS[1:]]), [MOBILE, 1, MOBILE], id="chunks"),
        pytest.param(pa.array([b"13800000000", b"\xff"]), [MOBILE, 2], id="bytes"),
        pytest.param(pd.Series([13800000000, 8613800000000, -13800000000]), [MOBILE, MOBILE, 2], id="int64"),
        pytest.param(pd.Series([13800000000, None], dtype="Int64"), [MOBILE, 1], id="nullable int"),
        pytest.param(
            pd.Series([13800000000.0, np.nan, 1.5, np.inf, -13800000000.0]),
            [MOBILE, 1, 2, 2, 2],
            id="float64",
        ),
        pytest.param(pa.array([13800000000.0, float("nan"), None]), [MOBILE, 1, 1], id="arrow float64"),
        pytest.param(pd.Series([13800000000.0], dtype="float32"), [2], id="float32 lost digits"),
        pytest.param(pd.Series([Decimal("13800000000.00"), None]), [MOBILE, 1], id="decimal"),
        pytest.param(
            pd.Series(
                [13800000000, "138-0000-0000", None, 13800000000.0, np.nan, True, b"13800000000", 10**30]
            ),
            [MOBILE, MOBILE, 1, MOBILE, 1, 2, MOBILE, 2],
            id="mixed objects",
        ),
        pytest.param(pd.Series([None, None]), [1, 1], id="all null"),
        pytest.param(pd.Series(pd.to_datetime(["2026-11-23"])), [2], id="dates"),
        pytest.param(pa.array([["13800000000"]]), [2], id="lists"),
        pytest.param(pd.Series([], dtype="str"), [], id="empty"),
        pytest.param(pa.chunked_array([], pa.string()), [], id="no chunks"),
    ],
)
def test_column_types(column: phones.Column, expected: list[int]) -> None:
    """The kind of column makes no difference, except where it has lost digits."""
    found = phones.normalise(column)

    assert np.where(found.reason, found.reason, found.e164).tolist() == expected
    assert (found.e164.dtype, found.reason.dtype) == (np.int64, np.int8)
    assert ((found.e164 == 0) == (found.reason != 0)).all()


@given(nationals)
def test_normalising_twice_changes_nothing(national: str) -> None:
    """The E.164 text of a phone normalises to that phone."""
    phone = phones.normalise_one(national)

    assert phone == int("86" + national)
    assert phones.normalise_one(phones.to_e164(phone)) == phone


@given(
    nationals,
    st.sampled_from(["", "86", "+86", "0086", "(+86)", "+86-", "86 ", "'"]),
    st.lists(
        st.sampled_from(["", " ", "-", "\u00a0", "\u200b", "–", "\t", "（", "）"]), min_size=11, max_size=11
    ),
    st.sampled_from(["", ".0", ".00", " ", "\u3000"]),
    st.booleans(),
)
def test_decoration_changes_nothing(
    national: str, prefix: str, gaps: list[str], end: str, wide: bool
) -> None:
    """Prefixes, separators, invisible characters and full-width forms leave the phone as it is."""
    text = prefix + "".join(digit + gap for digit, gap in zip(national, gaps, strict=True)) + end

    assert read(text.translate(FULL_WIDTH) if wide else text) == [int("86" + national)]


@given(
    st.builds(
        "".join,
        st.tuples(
            st.sampled_from(["", "86", "+86", "0086", "0", "17951", "+", "00", "+852", "001"]),
            st.one_of(
                nationals,
                st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True),
                st.from_regex("[0-9]{3,14}", fullmatch=True),
            ),
        ),
    )
)
@example("1795100852912345678")
@example("179510013800000000")
def test_agrees_with_phonenumbers(digits: str) -> None:
    """On digits the column reader and the library, asked row by row, say the same."""
    assert read(digits) == [asked(digits)]


@given(
    st.lists(
        st.sampled_from(
            [
                "13800000000",
                "+86 139-0000-0000",
                None,
                "x",
                "+85291234567",
                "１３８００００００００",
                "nan",
                "1.38E+10",
            ]
        )
    ),
    st.data(),
)
def test_partitions_agree_with_the_whole(cells: list[str | None], data: st.DataObject) -> None:
    """A row's answer does not depend on the rows around it, nor on how arrow stores them."""
    column = pa.array(cells, pa.string())
    cut = data.draw(st.integers(0, len(cells)))
    whole = phones.normalise(column)
    halves = [phones.normalise(column.slice(0, cut)), phones.normalise(column.slice(cut))]
    chunked = phones.normalise(pa.chunked_array([column.slice(0, cut), column.slice(cut)]))

    for name in phones.Phones._fields:
        expected = getattr(whole, name).tolist()
        assert np.concatenate([getattr(half, name) for half in halves]).tolist() == expected
        assert getattr(chunked, name).tolist() == expected


def test_longer_than_a_slice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns of several slices are put together in order."""
    monkeypatch.setattr(phones, "SLICE_ROWS", 3)
    column = pd.Series([f"1380000000{i}" for i in range(10)] + ["x"], index=range(5, 16), dtype="str")
    found = phones.normalise(column)

    assert found.e164.tolist() == [MOBILE + i for i in range(10)] + [0]
    assert phones.mask_raw_column(column).to_pylist() == [f"13******00{i}" for i in range(10)] + ["x"]
    assert phones.mask_raw_column(column.astype("category")).equals(phones.mask_raw_column(column))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("12345678911", "'123****8911': bad_phone"),
        ("", "'': no_phone"),
        ("+85291234567", "unsupported_region"),
    ],
)
def test_one_says_why_not(text: str, said: str) -> None:
    """Normalising one names the masked value and the reason, never the number."""
    with pytest.raises(InputError, match=re.escape(said)) as caught:
        phones.normalise_one(text)

    assert not re.search(r"\d{8}", str(caught.value).replace("+86", ""))


def test_ways_out() -> None:
    """A phone is written for providers and people; none is written as nothing."""
    e164 = np.array([MOBILE, 0])

    assert [phones.to_e164(MOBILE), phones.to_e164(0)] == ["+8613800000000", ""]
    assert phones.e164_column(e164).to_pylist() == ["+8613800000000", None]
    assert phones.national(e164).tolist() == [13800000000, 0]
    assert phones.mask_column(e164).to_pylist() == ["138****0000", None]
    assert phones.mask_column(np.array([], np.int64)).to_pylist() == []


def test_shown_without_numbers() -> None:
    """A notebook that shows the result shows no phone."""
    assert repr(phones.normalise(pa.array(["13800000000", None]))) == "Phones(1 of 2 rows)"


def test_masks_fit_together() -> None:
    """Where a row has no phone, the masked cell can stand in."""
    raw = pa.array(["138 1234 5678", "12345678911", None])
    found = phones.normalise(raw)

    assert pc.coalesce(phones.mask_column(found.e164), phones.mask_raw_column(raw)).to_pylist() == [
        "138****5678",
        "12******911",
        None,
    ]


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("13800000000", "138****0000"),
        ("+8613800000000", "138****0000"),
        ("0086 138-0000-0000", "138****0000"),
        ("１３８００００００００", "138****0000"),
        ("12345678911", "123****8911"),
        ("138****0000", "138****0000"),
        ("+85291234567", "+852****4567"),
        ("手机13800000000", "手机138****0000"),
        ("12345678", "1****678"),
        ("1234", "**34"),
        ("1", "*"),
        ("", ""),
        ("无", "无"),
    ],
)
def test_mask(text: str, masked: str) -> None:
    """A mobile keeps 3 and 4 digits, anything shorter at most half of its own."""
    assert phones.mask(text) == masked


def count_digits(text: str) -> int:
    """Return how many digits of any script a person reads in *text*."""
    return sum(char.isdecimal() for char in unicodedata.normalize("NFKC", text))


texts_with_digits = st.one_of(st.text(), st.text("0123456789+- ()./１x", max_size=40))


@given(texts_with_digits)
def test_mask_never_shows_more_than_allowed(text: str) -> None:
    """At most 3 digits in front and 4 at the end stay, and below 11 digits at most half."""
    digits, shown = count_digits(text), count_digits(phones.mask(text))

    assert shown <= (7 if digits >= 11 else digits // 2)


@given(st.lists(st.one_of(st.none(), texts_with_digits)), st.data())
def test_mask_raw_column_never_shows_more_than_half(cells: list[str | None], data: st.DataObject) -> None:
    """Raw cells keep everything but digits, at most half of those, and never 8 in a row."""
    column = pa.array(cells, pa.string())
    start = data.draw(st.integers(0, len(cells)))
    masked = phones.mask_raw_column(column.slice(start)).to_pylist()

    assert [cell is None for cell in masked] == [cell is None for cell in cells[start:]]
    for before, after in zip(cells[start:], masked, strict=True):
        assert count_digits(after or "") <= min(count_digits(before or "") // 2, 7)


@given(st.lists(nationals, min_size=1))
def test_masks_agree(numbers: list[str]) -> None:
    """The mask of a column is the mask of each of its phones."""
    column = np.array(["86" + number for number in numbers]).astype(np.int64)

    assert phones.mask_column(column).to_pylist() == [phones.mask(number) for number in numbers]


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        pytest.param(
            "参数 mobile 格式不正确，mobile:12345678911",
            "参数 mobile 格式不正确，mobile:123****8911",
            id="yunpian",
        ),
        pytest.param("to +8613800000000,8613900000000", "to 138****0000,139****0000", id="list"),
        pytest.param("008613800000000 013800000000", "138****0000 138****0000", id="0086 and 0"),
        pytest.param("+86 138 0000 0000 / 138-0000-0000", "138****0000 / 138****0000", id="grouped"),
        pytest.param("手机号１３８００００００００有误", "手机号138****0000有误", id="full width"),
        pytest.param("tel13800000000x", "tel138****0000x", id="between letters"),
        pytest.param("+85291234567 91234567", "+852****4567 9****567", id="abroad"),
        pytest.param("id 900619746936498440^0", "id 900619746936498440^0", id="long id"),
        pytest.param(
            "5000:1045710669157053657849499619", "5000:1045710669157053657849499619", id="serial number"
        ),
        pytest.param(
            "F655A8D5-B967-440B-8683-138000000001", "F655A8D5-B967-440B-8683-138000000001", id="uuid"
        ),
        pytest.param("a12345678b", "a12345678b", id="id of letters and digits"),
        pytest.param("2026-11-23 10:00:00", "2026-11-23 10:00:00", id="date and time"),
        pytest.param("isv.MOBILE_NUMBER_ILLEGAL 22", "isv.MOBILE_NUMBER_ILLEGAL 22", id="code"),
        pytest.param("138****0000", "138****0000", id="already masked"),
        pytest.param("", "", id="empty"),
    ],
)
def test_redact(text: str, redacted: str) -> None:
    """Full phones in any text are masked; ids, dates and codes stay."""
    assert phones.redact(text) == redacted


@given(
    st.lists(
        st.one_of(
            nationals,
            nationals.map("+86{}".format),
            nationals.map("0086{}".format),
            st.from_regex("1[0-9]{10}", fullmatch=True),
            st.text("0123456789+-, x号", max_size=6),
        )
    )
)
def test_redact_leaves_no_phone(pieces: list[str]) -> None:
    """Whatever stands around it, no phone is left, and redacting again changes nothing."""
    redacted = phones.redact("".join(pieces))

    assert not re.search(r"(?<!\d)(?:(?:\+|00)?86)?1\d{10}(?!\d)", redacted)
    assert phones.redact(redacted) == redacted
