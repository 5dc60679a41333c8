"""
Stable 64-bit keys of persons, and finding rows that are copies of one another.

Two rows are copies when they have the same phone or the same person. Keys are
SipHash (``pandas.util.hash_array``): the same person always has the same key,
on any machine, whoever else is in the column. Working by slices and by sorting
keeps a million persons within a few megabytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_SLICE = 50_000


def keys(persons: pa.Array, *, salt: str = "") -> NDArray[np.uint64]:
    """
    The key of each person.

    Args:
        persons: n texts, no nulls.
        salt: Other salt, other keys.

    Returns:
        n keys, in the order of *persons*.
    """
    # SipHash takes a key of 16 bytes.
    secret = hashlib.sha256(salt.encode()).hexdigest()[:16]
    made = np.empty(len(persons), np.uint64)
    for first in range(0, len(persons), _SLICE):
        text = persons[first : first + _SLICE].to_numpy(zero_copy_only=False)
        made[first : first + _SLICE] = pd.util.hash_array(text, hash_key=secret, categorize=False)
    return made


def distinct(keys: NDArray[Any]) -> NDArray[Any]:
    """The different ones of *keys* (of any length), ascending."""
    # np.unique hashes, which takes five times as long for a million keys.
    ascending = np.sort(keys)
    return ascending[np.append(True, ascending[1:] != ascending[:-1])] if len(keys) else ascending


def among(values: NDArray[Any], ascending: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of n *values* are in *ascending*, which is sorted and may be of any length."""
    if not len(ascending):
        return np.zeros(len(values), np.bool_)
    at = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    return np.asarray(ascending[at] == values)


def later_copies(persons: pa.Array, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """
    Those of *rows* whose person stood in an earlier one of them.

    Args:
        persons: n texts, no nulls.
        rows: Places in *persons*, ascending; any number of them.
    """
    rows = rows[repeating(keys(persons)[rows])]
    # Only the few that repeat are compared as texts, which also settles keys equal by chance.
    return rows[pd.Series(_codes(persons, rows)).duplicated().to_numpy()]


def repeating(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of n *values* (numbers) stand there more than once; n entries."""
    ascending = np.sort(values)
    repeated = ascending[1:][ascending[1:] == ascending[:-1]]
    # Only the few that repeat go through a hash table; sorting the rest was enough.
    return np.isin(values, repeated) if len(repeated) else np.zeros(len(values), np.bool_)


class Places:
    """
    Where persons stand in a column, asked again and again.

    Args:
        persons: n texts, no nulls; of equal ones the first is found.
    """

    def __init__(self, persons: pa.Array) -> None:
        of = keys(persons)
        self._persons, self._order = persons, np.argsort(of, kind="stable")
        self._keys = of[self._order]

    def of(self, persons: pa.Array) -> pa.Array:
        """The place of each of k persons; null = not there."""
        if not len(self._keys) or not len(persons):
            return pa.nulls(len(persons), pa.int64())
        wanted = keys(persons)
        at = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        there, places = self._keys[at] == wanted, self._order[at]
        same = np.asarray(pc.equal(self._persons.take(pa.array(places)), persons))
        found = pa.array(places, mask=~(there & same))
        by_chance = there & ~same  # keys that are equal
        if by_chance.any():
            found = pc.if_else(pa.array(by_chance), pc.index_in(persons, self._persons), found)
        return found


@dataclass(frozen=True)
class Copies:
    """
    Which rows of a segment have a phone or a person that another row has, too.

    Only these *k* of the *n* rows are kept. Equal codes mean the same phone (the same person); 0 means one
    that no other row has.
    """

    rows: NDArray[np.int64]  # k; ascending
    phones: NDArray[np.int64]  # k codes
    persons: NDArray[np.int64]  # k codes

    @classmethod
    def of(cls, phones: NDArray[np.int64], persons: pa.Array, of: NDArray[np.uint64] | None = None) -> Copies:
        """
        The copies among n rows.

        Args:
            phones: n E.164 numbers; 0 = none, which is nobody's copy.
            persons: n texts, no nulls; "" = nobody.
            of: Their n `keys` where they are known.
        """
        same_phone = repeating(phones) & (phones != 0)
        same_person = repeating(keys(persons) if of is None else of)
        rows = np.flatnonzero(same_phone | same_person)
        phone_codes, person_codes = np.zeros(len(rows), np.int64), np.zeros(len(rows), np.int64)
        by_phone, by_person = same_phone[rows], same_person[rows]
        phone_codes[by_phone] = 1 + pd.factorize(phones[rows[by_phone]])[0]
        person_codes[by_person] = 1 + _codes(persons, rows[by_person])
        if len(rows):
            nobody = np.asarray(pc.equal(persons.take(pa.array(rows)), ""))
            person_codes[nobody] = 0
        return cls(rows, phone_codes, person_codes)

    def spread(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """*mask* (n entries), and every row that has the phone or the person of a row in it; n entries."""
        own = mask[self.rows]
        if not own.any():
            return mask
        spread = mask.copy()
        spread[self.rows] = own | _shared(self.phones, own) | _shared(self.persons, own)
        return spread

    def beside(
        self, kept: NDArray[np.bool_], left_out: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of *left_out* (n entries) whose phone or person one of *kept* has, and which one each."""
        ours, theirs = left_out[self.rows], kept[self.rows]
        of = np.full(int(np.count_nonzero(ours)), -1)
        for codes in (self.persons, self.phones):  # the phone comes first where both are found
            at = np.full(len(self.rows) + 1, -1)
            at[codes[theirs]] = self.rows[theirs]
            at[0] = -1
            of = np.where(at[codes[ours]] < 0, of, at[codes[ours]])
        return self.rows[ours][of >= 0], of[of >= 0]

    def same_phone(self, left: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """
        Rows *left* (n entries) whose phone an earlier row of them has that is no copy itself; n entries.

        Rows are taken in file order. One is a copy of an earlier row with its phone or its person, unless
        that row is a copy: who gets nothing takes nobody along. Those that are copies only by their person
        are not in the answer: among the rows that it leaves, they are those of `same_person`.
        """
        found = np.zeros(len(left), np.bool_)
        inside = left[self.rows]
        rows, phones, persons = self.rows[inside], self.phones[inside], self.persons[inside]
        # What one row is decides what the next is, so this is a loop; only rows that repeat are in it.
        phone_seen, person_seen = bytearray(len(self.rows) + 1), bytearray(len(self.rows) + 1)
        for first in range(0, len(rows), _SLICE):
            piece = slice(first, first + _SLICE)
            copies = []
            pairs = zip(phones[piece].tolist(), persons[piece].tolist(), strict=True)
            for at, (phone, person) in enumerate(pairs, first):
                if phone_seen[phone]:
                    copies.append(at)
                elif not person_seen[person]:
                    phone_seen[phone] = phone > 0
                    person_seen[person] = person > 0
            found[rows[copies]] = True
        return found

    def same_person(self, left: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Rows *left* (n entries) whose person an earlier row of them has; n entries."""
        found = np.zeros(len(left), np.bool_)
        inside = left[self.rows] & (self.persons > 0)
        found[self.rows[inside]] = pd.Series(self.persons[inside]).duplicated().to_numpy()
        return found


def _shared(codes: NDArray[np.int64], own: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which of k *codes* a row of *own* has (k entries each); code 0 is never shared."""
    flagged = np.zeros(len(codes) + 1, np.bool_)
    flagged[codes[own]] = True
    flagged[0] = False
    return np.asarray(flagged[codes])


def _codes(persons: pa.Array, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Equal numbers from 0 for equal persons at *rows*, below their count."""
    return np.asarray(pc.dictionary_encode(persons.take(pa.array(rows))).indices).astype(np.int64)
