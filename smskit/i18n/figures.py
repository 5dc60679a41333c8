"""Figures as people read them, the same in both languages: money, shares, moments. Whole numbers: ``{n:,}``."""

from __future__ import annotations

import codecs
from contextlib import suppress
from datetime import datetime
from decimal import Decimal

__all__ = ["moment", "money", "share", "signed"]

_SMALL = 4  # digits behind the point of less than a yuan: prices of a part, costs of a delivered message


def _shown(error: UnicodeError) -> tuple[str | bytes, int]:
    """What stands for a letter that a terminal cannot show: GBK has another sign for yuan; else its escape."""
    if isinstance(error, UnicodeEncodeError) and error.object[error.start] == "¥":
        with suppress(UnicodeEncodeError):
            return "￥".encode(error.encoding), error.start + 1
    return codecs.backslashreplace_errors(error)


codecs.register_error("smskit.shown", _shown)


def money(yuan: Decimal | str | None, *, digits: int = 0) -> str:
    """
    An amount in yuan; "" for none.

    Args:
        digits: Behind the point, so that amounts below each other line up; 0 = as few as say it.

    >>> money("1044.4"), money(Decimal("0.05")), money("0.051172"), money("0.05", digits=4), money(None)
    ('¥1,044.40', '¥0.05', '¥0.0512', '¥0.0500', '')
    """
    if yuan is None:
        return ""
    amount = round(Decimal(yuan), digits or (_SMALL if abs(Decimal(yuan)) < 1 else 2))
    exponent = amount.normalize().as_tuple().exponent
    return f"¥{amount:,.{digits or max(2, -exponent if isinstance(exponent, int) else 2)}f}"


def signed(n: float, shown: str) -> str:
    """
    *shown*, a figure of *n* without its sign, behind one; what shows as zero has none.

    >>> signed(-0.25, "0.3"), signed(4, "4"), signed(-6.9e-18, "0.0")
    ('−0.3', '+4', '0.0')
    """
    sign = "\N{MINUS SIGN}" if n < 0 else "+"
    return f"{sign}{shown}" if any(digit in "123456789" for digit in shown) else shown


def share(n: float | None, whole: float = 1) -> str:
    """
    *n* of *whole* in percent; "" where there is no whole, or nothing to be shared.

    >>> share(3237, 3763), share(0.045), share(0, 0), share(float("nan")), share(None)
    ('86.0%', '4.5%', '', '', '')
    """
    return f"{n / whole:.1%}" if whole and n is not None and n == n else ""


def moment(at: datetime, *, named: bool = True) -> str:
    """
    A moment on its own clock, with the name of that.

    Args:
        named: With the name of the zone, where nothing around says it.

    >>> from zoneinfo import ZoneInfo
    >>> moment(datetime(2026, 11, 29, 16, 30, 46, tzinfo=ZoneInfo("Asia/Shanghai")))
    '2026-11-29 16:30:46 Asia/Shanghai'
    """
    clock = f"{at:%Y-%m-%d %H:%M:%S}"
    return f"{clock} {at.tzinfo}" if named and at.tzinfo else clock
