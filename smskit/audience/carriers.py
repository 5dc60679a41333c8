"""
Which carrier a Chinese mobile number was given out by, from its first digits.

Number segments (号段) as of ``AS_OF``. Since 2019-12-01 people may take their
number to another carrier (携号转网), so the segment tells who gave the number
out, not who carries it today; nobody but the carriers knows that.

Sources, read 2026-11-25: the segment tables of github.com/VincentSit/ChinaMobilePhoneNumberRegex
(README, after the allocations of 工业和信息化部) and the carrier data of libphonenumber
9.0 (Python package ``phonenumbers``), against which a test holds these.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from smskit.audience.phones import national
from smskit.i18n import mark

__all__ = ["AS_OF", "CARRIERS", "PORTABILITY", "carriers_of"]

AS_OF: Final = "2026-11-25"
CARRIERS: Final = (
    mark("China Mobile"),
    mark("China Unicom"),
    mark("China Telecom"),
    mark("China Broadnet"),
    mark("virtual operators"),
    mark("other segments"),
)
PORTABILITY: Final = mark(
    "By number segment, as of {date}: the carrier that gave the number out. Since 2019-12 people may take "
    "their number along (携号转网), so it may be with another one today."
)

_MOBILE, _UNICOM, _TELECOM, _BROADNET, _VIRTUAL, _OTHER = range(len(CARRIERS))
# Three digits or four; the four are looked at after the three they begin with.
_SEGMENTS: Final = {
    _MOBILE: "134 135 136 137 138 139 144 147 148 150 151 152 157 158 159 172 178 182 183 184 187 188 195 "
    "197 198",
    _UNICOM: "130 131 132 140 145 146 155 156 166 175 176 185 186 196",
    _TELECOM: "133 141 149 153 173 174 177 180 181 189 190 191 193 199",
    _BROADNET: "192",
    # Numbers that others rent from the carriers and sell under their own names (移动转售).
    _VIRTUAL: "162 165 167 170 171",
    _OTHER: "1349 1749",  # satellite
}


def _table() -> NDArray[np.uint8]:
    table = np.full(1000, _OTHER, np.uint8)  # of four digits, from 1000
    segments = [(digits, carrier) for carrier, line in _SEGMENTS.items() for digits in line.split()]
    for digits, carrier in sorted(segments, key=lambda pair: len(pair[0])):
        size = 10 ** (4 - len(digits))
        first = int(digits) * size - 1000
        table[first : first + size] = carrier
    return table


_TABLE = _table()


def carriers_of(e164: NDArray[np.int64]) -> NDArray[np.uint8]:
    """For each phone (E.164 digits) its place in ``CARRIERS``; foreign numbers are ``other segments``."""
    four = national(e164) // 10**7 - 1000
    known = (e164 // 10**11 == 86) & (four >= 0) & (four < len(_TABLE))
    return np.where(known, _TABLE[np.where(known, four, 0)], np.uint8(_OTHER)).astype(np.uint8)
