"""What stands for people who were erased: keyed hashes (SipHash), by column, made with a ledger's own key."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def hashes(texts: NDArray[Any], key: str) -> NDArray[np.int64]:
    """64 bits of each text (an array of str); key has 16 letters."""
    import pandas as pd  # few ledgers have erased anybody; its import would be half of `smskit status`

    return np.asarray(pd.util.hash_array(texts, hash_key=key, categorize=False), np.uint64).view(np.int64)


def pseudonym(text: str, key: str) -> str:
    """What stands for an id or a name."""
    (hashed,) = hashes(np.array([text], object), key).tolist()
    return f"erased-{hashed % 2**64:016x}"


def pseudonyms(phones: NDArray[np.int64], key: str) -> NDArray[np.int64]:
    """What stands for each phone, all negative; with the key of a ledger that erased nobody, "", all 0."""
    if not key or not len(phones):
        return np.zeros(len(phones), np.int64)
    return np.asarray(hashes(phones.astype(str).astype(object), key) | np.int64(-(2**63)), np.int64)
