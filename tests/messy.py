"""
A segment as people have them: 5,030 invented people in GB18030, with all that goes wrong in such files.

Seeded, so that it is the same file each time. Names, ids and phones are drawn at random.
"""

from __future__ import annotations

import csv
import random
from pathlib import Path

__all__ = ["COLUMNS", "ROWS", "messy"]

COLUMNS = ["用户ID", "手机号", "姓名", "会员等级", "城市"]
COLUMNS += ["最近访问时间", "近30日登录次数", "消费金额", "同意营销"]
ROWS = 5030
_LEVELS = (("普通会员", 60), ("金卡", 20), ("白金卡", 14), ("钻石卡", 6))
_CITIES = ("上海", "北京", "杭州", "成都", "广州", "武汉", "西安", "")
_FAMILY, _GIVEN = "王李张刘陈杨赵黄周吴", "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平"


def messy(file: Path, *, rows: int = ROWS, seed: int = 20261128) -> Path:
    """Write it; returns *file*."""
    draw = random.Random(seed)
    lines: list[list[str]] = []
    for number in range(rows):
        if lines and draw.random() < 0.01:  # the same phone, or the same person, once more
            copy, fresh, one = [*draw.choice(lines)], _person(draw, number), draw.choice((0, 1))
            copy[one] = fresh[one]
            lines.append(copy)
        else:
            lines.append(_person(draw, number))
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="gb18030", newline="") as out:
        csv.writer(out, delimiter=";").writerows([COLUMNS, *lines])
    return file


def _person(draw: random.Random, number: int) -> list[str]:
    level = draw.choices([name for name, _ in _LEVELS], [share for _, share in _LEVELS])[0]
    name = draw.choice(_FAMILY) + draw.choice(_GIVEN) + (draw.choice(_GIVEN) if draw.random() < 0.5 else "")
    visited = f"2026-{draw.randint(1, 11):02}-{draw.randint(1, 28):02} {draw.randint(0, 23):02}:30:00"
    if draw.random() < 0.02:
        visited = "从未访问"
    spent = f"{draw.expovariate(1 / 600):.2f}"
    if draw.random() < 0.01:
        spent = f"¥{float(spent) + 1000:,.2f}"
    consent = draw.choices(("是", "否", ""), (96.7, 2.5, 0.8))[0]
    return [
        str(10000 + number),
        _phone(draw, number),
        "" if draw.random() < 0.01 else name,
        level,
        draw.choice(_CITIES),
        visited,
        str(draw.randint(0, 40)),
        "" if draw.random() < 0.02 else spent,
        consent,
    ]


def _phone(draw: random.Random, number: int) -> str:
    """A mainland mobile in one of the ways people write one, and now and then something else."""
    mobile = f"1{draw.choice(('38', '39', '59', '86', '77'))}{(number * 7919) % 10**8:08}"
    how = draw.random()
    if how < 0.90:
        return mobile
    if how < 0.93:
        return f"+86 {mobile[:3]} {mobile[3:7]} {mobile[7:]}"
    if how < 0.95:
        return f"{mobile}.0"
    if how < 0.965:
        return f"{int(mobile):.10E}"  # as Excel writes it, with all its digits
    if how < 0.975:
        return f"021-{50000000 + number}"
    if how < 0.985:
        return f"+852 6{number % 10**7:07}"
    if how < 0.992:
        return mobile[:-1]
    return ""
