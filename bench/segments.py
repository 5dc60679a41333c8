"""
Invented people: segments of any size, the text they get, and phones as files really hold them.

Seeded, so that every run measures the same people.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow.parquet import write_table

SIGNATURE = "GrowingIO"
TEMPLATE = "你好{name}，你在{city}获得{amount}元优惠券，请于3天内在App使用。拒收请回复R"
VARIABLES = {"name": "name", "city": "city", "amount": "amount"}
# One row in twenty fails it, so that filtering is more than looking.
RULES = {"all": [{"column": "level", "op": "in", "value": ["gold", "silver"]}]}
LEVELS = ("gold", "silver")

_FIRST_PHONE = 13800000000
_FAMILY = list("王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕")
_GIVEN = list("子轩欣怡浩敏磊静伟芳涛丽强洁军艳杰娜超秀明霞刚兰平玉辉英")
_CITIES = ["上海", "北京", "杭州", "广州", "深圳", "成都", "武汉", "南京", "西安", "苏州", "天津", "重庆"]


def frame(people: int) -> pd.DataFrame:
    """
    A segment of which *people* rows pass ``RULES``; all their phones are good and different.

    Columns: user_id, phone, name (some 30,000 different), city, amount (whole yuan), level, spend, active.
    """
    n = people + people // 20
    dice = np.random.default_rng(1)
    phones = _FIRST_PHONE + dice.permutation(n)
    family, first, second = (np.array(part, object) for part in (_FAMILY, _GIVEN, _GIVEN))
    names = family[dice.integers(0, len(family), n)] + first[dice.integers(0, len(first), n)]
    level = np.array(LEVELS, object)[dice.integers(0, len(LEVELS), n)]
    level[dice.permutation(n)[people:]] = "bronze"
    return pd.DataFrame(
        {
            "user_id": pd.Series([f"u{i:08d}" for i in range(n)], dtype="str"),
            "phone": pd.Series(phones.astype(str), dtype="str"),
            "name": pd.Series(names + second[dice.integers(0, len(second), n)], dtype="str"),
            "city": pd.Series(np.array(_CITIES, object)[dice.integers(0, len(_CITIES), n)], dtype="str"),
            "amount": dice.integers(1, 1000, n),
            "level": pd.Series(level, dtype="str"),
            "spend": dice.gamma(2.0, 300.0, n).round(2),
            "active": pd.Timestamp("2026-11-01") + pd.to_timedelta(dice.integers(-90, 0, n), unit="D"),
        }
    )


def write(*, people: int, path: str) -> None:
    """Write `frame` as Parquet."""
    frame(people).to_parquet(Path(path), index=False)


LARGE_TEMPLATE = "你好{name}，获得{amount}元优惠券，请于3天内在App使用。拒收请回复R"
_FILE_ROWS = 1_000_000
_STEP = 48_271  # a prime: numbers in a row end up far apart, and none comes twice


def large_phones(rows: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    """The phones of those rows of a segment of up to 100,000,000, but for those that repeat another's."""
    return _FIRST_PHONE + np.asarray(rows, np.int64) * _STEP % 10**8


def write_large(*, rows: int, folder: str) -> None:
    """
    A segment as files of a million rows, written one after another.

    Two thirds pass ``RULES``, 3 % have the phone of another row and 1 % its user id. Columns: user_id, phone,
    name, amount, level.
    """
    into = Path(folder)
    into.mkdir()
    family, given = pa.array(_FAMILY), pa.array(_GIVEN)
    levels = pa.array([*LEVELS, "bronze"])
    for first in range(0, rows, _FILE_ROWS):
        here = np.arange(first, min(first + _FILE_ROWS, rows))
        dice = np.random.default_rng(first)
        n, other = len(here), dice.integers(0, rows, len(here))
        kind = dice.random(n)
        phones = large_phones(np.where(kind < 0.03, other, here))
        ids = pc.utf8_lpad(pa.array(np.where(kind > 0.99, other, here)).cast(pa.string()), 9, "0")
        names = [part.take(pa.array(dice.integers(0, len(part), n))) for part in (family, given, given)]
        table = pa.table(
            {
                "user_id": pc.binary_join_element_wise("u", ids, ""),
                "phone": pa.array(phones).cast(pa.string()),
                "name": pc.binary_join_element_wise(*names, ""),
                "amount": dice.integers(1, 1000, n),
                "level": levels.take(pa.array(dice.integers(0, 3, n))),
            }
        )
        write_table(table, into / f"part-{first // _FILE_ROWS:04}.parquet")


def messy_phones(n: int) -> pd.Series:
    """
    *n* phone cells as exports hold them.

    8 % with a country code, 5 % with separators, 1 % ending in ".0", 0.5 %
    full-width, 1.7 % no mobile at all, 3 % a repeated number; the rest plain.
    """
    dice = np.random.default_rng(2)
    cells = (_FIRST_PHONE + dice.permutation(n)).astype(str).astype(object)
    cells[dice.integers(0, n, n * 3 // 100)] = cells[dice.integers(0, n, n * 3 // 100)]
    rows = iter(np.split(dice.permutation(n), (np.array([8, 13, 14, 14.5, 16.2]) * n / 100).astype(int)))
    wide = str.maketrans("0123456789", "０１２３４５６７８９")
    for i in next(rows):
        cells[i] = ("+86", "86", "0086", "+86 ")[i % 4] + cells[i]
    for i in next(rows):
        cell = cells[i]
        cells[i] = f"{cell[:3]}-{cell[3:7]}-{cell[7:]}" if i % 2 else f"{cell[:3]} {cell[3:7]} {cell[7:]}"
    for i in next(rows):
        cells[i] += ".0"
    for i in next(rows):
        cells[i] = cells[i].translate(wide)
    for i in next(rows):
        cells[i] = ("", "无", "02161234567", cells[i][:10], f"{cells[i]}1", "12345678901")[i % 6]
    return pd.Series(cells, dtype="str")
