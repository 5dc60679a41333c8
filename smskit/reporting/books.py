"""The books of a campaign as people read them: one sentence, and parts that add up to the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from smskit.i18n import Language, mark
from smskit.i18n.figures import share
from smskit.models import REASONS

__all__ = ["books_frame", "headline", "parts_of"]

# Where a planned person can be, from the least to the best, which the bar ends with.
_PLACES: Final = ("waiting", "submitting", "refused", "unknown", "undelivered", "awaiting", "delivered")
_SAID: Final = {
    "undelivered": mark("{n:,} undelivered"),
    "awaiting": mark("{n:,} awaiting a receipt"),
    "refused": mark("{n:,} refused"),
    "unknown": mark("{n:,} unknown"),
    "submitting": mark("{n:,} being submitted"),
    "waiting": mark("{n:,} not sent yet"),
}


def parts_of(status: Mapping[str, Any]) -> list[tuple[str, int]]:
    """
    Part -> people, which add up to the rows of the file that was read.

    Args:
        status: See ``report.status``.

    Returns:
        ``ruled_out``, ``excluded:REASON`` for each reason, then those planned by where they are now.
    """
    out = [("ruled_out", status["ruled_out"] or 0)]  # an older ledger has not kept it
    out += [(f"excluded:{reason}", n) for reason, n in status["excluded"].items()]
    return out + [(place, status[place]) for place in _PLACES]


def headline(status: Mapping[str, Any], t: Language) -> str:
    """What became of those planned, in one sentence."""
    planned, delivered = status["planned"], status["delivered"]
    if status["mode"] == "plan":
        return t("{n:,} people planned; nothing was sent", n=planned)
    rest = {key: n for key in _SAID if (n := status[key])}
    if status["accepted"] and status["awaiting"] == status["accepted"]:
        n = rest.pop("awaiting")
        words = mark("{n:,} of {planned:,} people accepted ({share}), no receipt yet")
    else:
        n, words = delivered, mark("{n:,} of {planned:,} people delivered ({share})")
    first = t(words, n=n, planned=planned, share=share(n, planned) or share(0))
    return t(", ").join([first, *(t(_SAID[key], n=n) for key, n in rest.items())])


def books_frame(status: Mapping[str, Any], t: Language) -> pd.DataFrame:
    """The books in full, as sums that always balance: each line is the sum of those one step further in."""
    read = status["read"]
    rows: list[tuple[int, str, int | None]] = []
    if read is not None:  # older ledgers have not kept it
        rows = [(0, t("rows read"), read), (1, t("ruled out"), status["ruled_out"])]
    rows.append((1, t("segment"), status["segment"]))
    rows += [(2, t(REASONS.get(reason, reason)), n) for reason, n in status["excluded"].items()]
    rows.append((2, t("planned"), status["planned"]))
    rows += [(3, t(key), status[key]) for key in ("waiting", "submitting", "accepted")]
    places = {"delivered": t("delivered"), "undelivered": t("undelivered"), "awaiting": t("awaiting receipt")}
    rows += [(4, words, status[key]) for key, words in places.items()]
    rows.append((3, t("refused"), status["refused"]))
    stopped = status["stopped"].items()
    rows += [(4, t("{why}, when it was their turn", why=t(REASONS.get(r, r))), n) for r, n in stopped]
    rows.append((3, t("unknown"), status["unknown"]))
    whole = read if read is not None else status["segment"]
    return pd.DataFrame(
        {
            t("books"): [f"{'— ' * depth}{words}" for depth, words, _ in rows],
            t("people"): [n for _, _, n in rows],
            t("share"): [share(n or 0, whole) for _, _, n in rows],
        }
    )
