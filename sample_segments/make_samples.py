"""
Make the sample segments: invented people with invented numbers, the same on every run.

Run ``python sample_segments/make_samples.py``; it writes beside itself. Nothing
here is read by smskit. Numbers are from 1380000xxxx and 139000xxxxx, names are
put together from lists. What each file is for: ``README.md``.
"""

from __future__ import annotations

import csv
import io
import random
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

SEED = 20261122
TODAY = date(2026, 11, 22)
LARGE_ROWS = 100_000

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
GIVEN = [
    "子轩",
    "梓涵",
    "浩然",
    "欣怡",
    "宇航",
    "诗涵",
    "俊杰",
    "雨桐",
    "思远",
    "佳琪",
    "明哲",
    "若曦",
    "天佑",
    "静怡",
    "文博",
    "可馨",
    "志强",
    "丽娜",
    "伟",
    "芳",
]
CITIES = ["北京", "上海", "广州", "深圳", "杭州", "成都", "武汉", "西安", "南京", "重庆"]
GOODS = ["护肤", "彩妆", "母婴", "数码", "家电", "女装", "男装", "运动", "食品", "图书"]
LEVELS = ("gold", "platinum", "silver", "normal")
LEVEL_WEIGHTS = (20, 5, 30, 45)

# What `expected` in messy.csv assumes; see README.md.
TEXT = "【GrowingIO】你好{name}，恭喜你获得{coupon}元VIP优惠券，请于3天内在App使用。拒收请回复R"
MAX_UNITS = 500


class Messy(NamedTuple):
    """One row of messy.csv that is there for a reason."""

    user_id: str
    phone: str
    expected: str
    note: str
    name: str | None = None  # None: any ordinary one
    coupon: str = "100"
    consent: str = "true"


def person(rng: random.Random) -> str:
    """Return an invented name."""
    return rng.choice(SURNAMES) + rng.choice(GIVEN)


def level(rng: random.Random) -> str:
    """Return a membership level."""
    return rng.choices(LEVELS, LEVEL_WEIGHTS)[0]


def profile(rng: random.Random) -> tuple[str, str, str]:
    """Return level, city and spend."""
    return level(rng), rng.choice(CITIES), f"{rng.lognormvariate(6, 1):.2f}"


def clean_rows() -> list[list[str]]:
    """Return clean.csv: 200 people as an analytics export has them."""
    rng = random.Random(SEED)
    phones = rng.sample(range(13800001000, 13800002000), 200)
    header = [
        "user_id",
        "phone",
        "name",
        "level",
        "city",
        "spend_90d",
        "last_active",
        "consent",
        "会员到期日",
        "最近购买品类",
    ]
    rows = [
        [
            f"u{10001 + n}",
            str(phone),
            person(rng),
            *profile(rng),
            str(TODAY - timedelta(days=min(int(rng.expovariate(1 / 20)), 80))),
            "true" if rng.random() < 0.95 else "false",
            str(TODAY + timedelta(days=rng.randrange(10, 700))),
            rng.choice(GOODS),
        ]
        for n, phone in enumerate(phones)
    ]
    return [header, *rows]


def name_for(units: int) -> str:
    """Return a name that makes the whole text *units* UTF-16 units long, with coupon 100."""
    return "长" * (units - len(TEXT.format(name="", coupon="100")))


OPTED_OUT = ("13800002901", "+8613800002902", "86 138 0000 2903", "138-0000-2904", "13800002999")

# In the order of the file: who comes first among duplicates matters.
MESSY = (
    # Phones as people and programs write them.
    Messy("m001", "+8613800002001", "planned", "plus 86"),
    Messy("m002", "008613800002002", "planned", "00 86"),
    Messy("m003", "8613800002003", "planned", "86 without plus"),
    Messy("m004", "+86 138 0000 2004", "planned", "blanks"),
    Messy("m005", "138-0000-2005", "planned", "dashes"),
    Messy("m006", "(+86)138 0000 2006", "planned", "brackets"),
    Messy("m007", "'13800002007", "planned", "Excel's apostrophe"),
    Messy("m008", '="13800002008"', "planned", "Excel's text formula"),
    Messy("m009", "13800002009.0", "planned", "decimal tail"),
    Messy("m010", "1.3800002010E+10", "planned", "scientific, all digits kept"),
    Messy("m011", "１３８００００２０１１", "planned", "full-width digits"),
    Messy("m012", "＋８６ １３８ ００００ ２０１２", "planned", "full-width with prefix"),
    Messy("m013", " 13800002013 ", "planned", "blanks around"),
    Messy("m014", "13800002014\u200b", "planned", "zero-width blank behind"),
    Messy("m015", "138\u00a00000\u00a02015", "planned", "no-break blanks"),
    # No phone.
    Messy("m101", "", "no_phone", "empty"),
    Messy("m102", "   ", "no_phone", "blanks only"),
    Messy("m103", "无", "no_phone", "a word for none"),
    Messy("m104", "null", "no_phone", "a program's word for none"),
    # Not a phone.
    Messy("m111", "1380000", "bad_phone", "too short"),
    Messy("m112", "138000021120", "bad_phone", "too long"),
    Messy("m113", "12800002113", "bad_phone", "prefix nobody has"),
    Messy("m114", "10086", "bad_phone", "service number"),
    Messy("m115", "1.38E+10", "bad_phone", "scientific, digits lost: anybody's number"),
    Messy("m116", "请联系店长", "bad_phone", "words"),
    Messy("m117", "13800002117/13800002118", "bad_phone", "two numbers"),
    Messy("m118", "010-12345678", "bad_phone", "landline"),
    # Abroad: numbers kept free for films and books.
    Messy("m121", "+1 202 555 0123", "unsupported_region", "United States"),
    Messy("m122", "+1 (202) 555-0147", "unsupported_region", "United States"),
    Messy("m123", "+61 491 570 156", "unsupported_region", "Australia"),
    Messy("m124", "0061491570157", "unsupported_region", "Australia, 00 for plus"),
    # The same phone again, written differently: the first row wins.
    Messy("m131", "+86 138-0000-2001", "duplicate_phone", "phone of m001"),
    Messy("m132", "１３８００００２００２", "duplicate_phone", "phone of m002"),
    Messy("m133", "13800002009", "duplicate_phone", "phone of m009"),
    Messy("m134", "1.3800002005e10", "duplicate_phone", "phone of m005"),
    Messy("m001", "13800002001", "duplicate_phone", "m001 twice, phone is judged first"),
    # The same person again with another phone: the first row that is left wins.
    Messy("m003", "13800002141", "duplicate_user", "second phone of m003"),
    Messy("m004", "13800002142", "duplicate_user", "second phone of m004"),
    Messy("m004", "13800002143", "duplicate_user", "third phone of m004"),
    Messy("m111", "13800002144", "planned", "m111's first row had a bad phone"),
    Messy("m101", "13800002145", "planned", "m101's first row had none"),
    Messy("m131", "13800002146", "planned", "m131's first row was a duplicate phone"),
    Messy("m101", "13800002147", "duplicate_user", "m101 for the second time that counts"),
    # Opted out: listed in opt_out.csv.
    Messy("m201", "13800002901", "opted_out", "as listed"),
    Messy("m202", "138 0000 2902", "opted_out", "listed with +86"),
    Messy("m203", "+86-138-0000-2903", "opted_out", "listed with blanks"),
    Messy(
        "m204", "13800002904", "opted_out", "also without consent: opt-out is judged first", consent="false"
    ),
    # No consent.
    Messy("m211", "13800002211", "no_consent", "false", consent="false"),
    Messy("m212", "13800002212", "no_consent", "FALSE, as Excel writes it", consent="FALSE"),
    Messy("m213", "13800002213", "no_consent", "unknown is not yes", consent=""),
    Messy(
        "m214", "13800002214", "no_consent", "also without name: consent is judged first", "", consent="False"
    ),
    Messy("m215", "13800002215", "planned", "TRUE, as Excel writes it", consent="TRUE"),
    Messy("m216", "13800002216", "planned", "True, as Python writes it", consent="True"),
    # A variable without a value.
    Messy("m221", "13800002221", "missing_variable", "no name", ""),
    Messy("m222", "13800002222", "missing_variable", "a program's word for none", "nan"),
    Messy("m223", "13800002223", "missing_variable", "a program's word for none", "None"),
    Messy("m224", "13800002224", "missing_variable", "blanks only", "   "),
    Messy("m225", "13800002225", "missing_variable", "no coupon", coupon=""),
    # A value no provider takes: a second signature.
    Messy("m231", "13800002231", "bad_variable", "both brackets", "【会员】李诗涵"),
    Messy("m232", "13800002232", "bad_variable", "opening bracket", "【张伟"),
    Messy("m233", "13800002233", "bad_variable", "closing bracket", "张伟】"),
    Messy("m234", "13800002234", "bad_variable", "in the other variable", coupon="【100】"),
    Messy(
        "m235", "13800002235", "bad_variable", "also too long: the value is judged first", "【" + "长" * 600
    ),
    # Texts around the limit.
    Messy("m241", "13800002241", "text_too_long", "520 characters", "长" * 520),
    Messy("m242", "13800002242", "text_too_long", "one unit too many", name_for(MAX_UNITS + 1)),
    Messy("m243", "13800002243", "text_too_long", "260 emoji are 520 units", "😀" * 260),
    Messy("m244", "13800002244", "planned", "exactly at the limit", name_for(MAX_UNITS)),
    # Values that look dangerous and are a person's own.
    Messy("m301", "13800002301", "planned", "our variable", "{name}"),
    Messy("m302", "13800002302", "planned", "the other variable", "张{coupon}三"),
    Messy("m303", "13800002303", "planned", "Yunpian's variable", "#name#"),
    Messy("m304", "13800002304", "planned", "Aliyun's variable", "${name}"),
    Messy("m305", "13800002305", "planned", "Chuanglan's variable", "{$var}"),
    Messy("m306", "13800002306", "planned", "Tencent's variable", "{1}"),
    Messy("m307", "13800002307", "planned", "braces that do not pair", "}王{"),
    Messy("m308", "13800002308", "planned", "percent", "100%正品%s"),
    Messy("m309", "13800002309", "planned", "percent-encoded already", "%E4%BD%A0%2B"),
    Messy("m310", "13800002310", "planned", "ampersand and equals sign", "A&B=C"),
    Messy("m311", "13800002311", "planned", "plus", "王+李"),
    Messy("m312", "13800002312", "planned", "comma", "逗,号"),
    Messy("m313", "13800002313", "planned", "semicolon", "分;号"),
    Messy("m314", "13800002314", "planned", "double quotes", '外号"老王"'),
    Messy("m315", "13800002315", "planned", "single quote", "O'Neil"),
    Messy("m316", "13800002316", "planned", "line break", "第一行\n第二行"),
    Messy("m317", "13800002317", "planned", "tab", "左\t右"),
    Messy("m318", "13800002318", "planned", "emoji", "💎钻石会员😀"),
    Messy("m319", "13800002319", "planned", "emoji of several characters", "👨‍👩‍👧家🇨🇳"),
    Messy("m320", "13800002320", "planned", "character outside the basic plane", "𠮷野"),
    Messy("m321", "13800002321", "planned", "markup", "<b>粗</b>&amp;"),
    Messy("m322", "13800002322", "planned", "a spreadsheet formula", "=1+1"),
    Messy("m323", "13800002323", "planned", "backslash", "路径\\n"),
    Messy("m324", "13800002324", "planned", "Latin letters with accents", "Zoë Müller"),
    Messy("m325", "13800002325", "planned", "middle dot", "阿依古丽·买买提"),
    # Numbers as programs write them.
    Messy("m331", "13800002331", "planned", "decimal tail", coupon="100.0"),
    Messy("m332", "13800002332", "planned", "two decimals", coupon="49.50"),
    Messy("m333", "13800002333", "planned", "zero is a value", coupon="0"),
    Messy("m334", "13800002334", "planned", "thousands", coupon="1,000"),
)


def messy_rows() -> list[list[str]]:
    """Return messy.csv: the rows above, ordinary people among them."""
    rng, names = random.Random(SEED + 1), random.Random(SEED + 4)
    header = [
        "user_id",
        "phone",
        "name",
        "level",
        "city",
        "spend_90d",
        "coupon",
        "consent",
        "note",
        "expected",
    ]
    rows = [header]
    ordinary = 0
    for n, row in enumerate(MESSY, start=1):
        name = person(names) if row.name is None else row.name
        who = [row.user_id, row.phone, name, *profile(rng)]
        rows.append([*who, row.coupon, row.consent, row.note, row.expected])
        if n % 4 == 0:
            ordinary += 1
            who = [f"m{900 + ordinary}", str(13800002700 + ordinary), person(rng), *profile(rng)]
            rows.append([*who, rng.choice(("50", "100", "100.0")), "true", "ordinary", "planned"])
    return rows


def opt_out_rows() -> list[list[str]]:
    """Return opt_out.csv: four people of messy.csv, and one of no segment."""
    return [["phone"], *([phone] for phone in OPTED_OUT)]


def vip_rows() -> list[list[object]]:
    """Return vip_users.xlsx: numbers in cells that are numbers, as Excel leaves them."""
    rng = random.Random(SEED + 2)
    phones = rng.sample(range(13800005000, 13800006000), 50)
    header: list[object] = [
        "user_id",
        "phone",
        "name",
        "level",
        "spend_90d",
        "coupon",
        "last_active",
        "会员到期日",
    ]
    rows: list[list[object]] = [
        [
            900001 + n,
            # Some programs store every number as a double.
            float(phone) if n % 10 == 7 else phone,
            person(rng),
            rng.choice(("gold", "platinum")),
            round(rng.uniform(1000, 20000), 2),
            rng.choice((50, 100, 200)),
            datetime(2026, 11, 1, 8) + timedelta(minutes=rng.randrange(20 * 24 * 60)),
            datetime(2027, 1, 1) + timedelta(days=rng.randrange(365)),
        ]
        for n, phone in enumerate(phones)
    ]
    return [header, *rows]


def large_table() -> pa.Table:
    """Return large.parquet: 100,000 people, typed columns, about 1 % of phones awkward."""
    rng = np.random.default_rng(SEED + 3)
    count = LARGE_ROWS
    numbers = 13_900_000_000 + rng.permutation(count)
    phones = numbers.astype(str).tolist()
    shapes = ("+86{0}", "86{0}", "{0}.0", "'{0}", " {0}", "{0}0", "{0:.7}", "", "+1 202 555 01{1:02d}")
    for n, row in enumerate(rng.choice(count, count // 100, replace=False).tolist()):
        phones[row] = shapes[n % len(shapes)].format(phones[row], n % 100)
    names = [surname + given for surname in SURNAMES for given in GIVEN]
    idle_days = np.minimum(rng.exponential(25, count), 360).astype(int)
    joined_s = np.datetime64("2020-01-01T00:00:00", "s") + rng.integers(0, 6 * 365 * 86400, count)
    return pa.table(
        {
            "user_id": [f"u{1_000_001 + n}" for n in range(count)],
            "phone": phones,
            "name": pa.array(names).take(pa.array(rng.integers(0, len(names), count))),
            "level": words(LEVELS, rng.choice(4, count, p=np.array(LEVEL_WEIGHTS) / 100)),
            "city": words(CITIES, rng.integers(0, len(CITIES), count)),
            "spend_90d": np.round(rng.lognormal(5, 1.2, count), 2),
            "last_active": pa.array(np.datetime64(TODAY, "D") - idle_days, pa.date32()),
            "registered_at": pa.array(joined_s, pa.timestamp("s")).cast(pa.timestamp("ms")),
            "consent": rng.random(count) < 0.95,
            "最近购买品类": words(GOODS, rng.integers(0, len(GOODS), count)),
        }
    )


def words(of: Sequence[str], which: np.ndarray) -> pa.Array:
    """Return a dictionary column."""
    return pa.DictionaryArray.from_arrays(pa.array(which, pa.int8()), pa.array(of))


def write_csv(path: Path, rows: Iterable[Sequence[str]], *, encoding: str = "utf-8", end: str = "\n") -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, lineterminator=end).writerows(rows)


def write_xlsx(path: Path, rows: Iterable[Sequence[object]]) -> None:
    """Write one sheet, with the clock taken out, so that the same rows are the same bytes."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "会员"
    for row in rows:
        sheet.append(row)
    made = io.BytesIO()
    book.save(made)
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            data = re.sub(
                rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*", rb"\g<1>2026-11-22T00:00:00Z", old.read(name)
            )
            new.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)


def write_all(folder: Path) -> None:
    """Write every sample into *folder*."""
    write_csv(folder / "clean.csv", clean_rows())
    # As Excel saves "CSV UTF-8".
    write_csv(folder / "messy.csv", messy_rows(), encoding="utf-8-sig", end="\r\n")
    write_csv(folder / "opt_out.csv", opt_out_rows())
    write_xlsx(folder / "vip_users.xlsx", vip_rows())
    pq.write_table(large_table(), folder / "large.parquet", compression="zstd", compression_level=9)


if __name__ == "__main__":
    write_all(Path(__file__).parent)
