"""How a campaign's figures are written: in plain steps, in the panel, on the app's first page."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import pandas as pd

from smskit.i18n import Language, mark
from smskit.i18n.figures import money, share
from smskit.models import Mode
from smskit.reporting.delivery import MODES, STATES, Figures, Overview

__all__ = [
    "ARCHIVED",
    "HEADS",
    "LISTED",
    "NONE",
    "NO_CAMPAIGN",
    "UNARCHIVED",
    "difference",
    "figure",
    "line_of",
    "listed",
    "state_of",
]

_MINUS: Final = "−"
NO_CAMPAIGN: Final = mark(
    "There is no campaign yet. Rehearse one in notebook 03; nobody is messaged by that."
)
ARCHIVED: Final = mark("{campaign} is archived: lists leave it out, and nothing else changes.")
UNARCHIVED: Final = mark("{campaign} is in the lists again.")
HEADS: Final = {
    "campaign": mark("Campaign"),
    "state": mark("state"),
    "planned": mark("planned"),
    "accepted": mark("accepted"),
    "delivered": mark("delivered"),
    "delivery_rate": mark("delivery rate"),
    "opted_out": mark("opted out"),
    "opt_out_rate": mark("opt-out rate"),
    "refused": mark("refused"),
    "unknown": mark("unknown"),
    "cost": mark("cost"),
    "cost_per_delivered": mark("per delivered"),
    "started": mark("begun"),
    "series": mark("series"),
}
# What stands of each in the list of all.
LISTED: Final = (
    *("planned", "accepted", "delivery_rate", "opt_out_rate", "unknown", "cost", "cost_per_delivered"),
)
# Digits behind the point of a column of amounts.
NONE: Final = "—"  # in place of a figure that there is not, such as a rate before the first receipt
_MONEY: Final = {"cost": 2, "cost_per_delivered": 4}
_RATES: Final = ("delivery_rate", "opt_out_rate")


def figure(each: Figures, name: str) -> str:
    """One figure of a campaign; of what no message was sent for there are none."""
    if each.row.mode is Mode.PLAN and name not in ("planned", "cost"):
        return ""
    if name in _RATES:
        return share(getattr(each, name))
    if name in _MONEY:
        return money(getattr(each, name), digits=_MONEY[name])
    value: int = each.opted_out if name == "opted_out" else getattr(each.tally, name)
    return f"{value:,}"


def line_of(each: Figures, t: Language) -> str:
    """One campaign in a word or four, for lists to choose from."""
    return f"{each.row.name} · {t(MODES[each.row.mode])} · {each.started:%Y-%m-%d %H:%M}"


def state_of(each: Figures, t: Language) -> str:
    """Where a campaign is, and whether it is archived."""
    words = [t(STATES.get(each.state, each.state)), *([t("archived")] if each.is_archived else [])]
    return " · ".join(words)


def listed(seen: Overview, t: Language) -> pd.DataFrame:
    """All campaigns as a table, one row each."""
    frame = seen.frame
    columns = {
        t(HEADS["campaign"]): frame["campaign"],
        t("mode"): [t(MODES[mode]) for mode in frame["mode"]],
        t(HEADS["state"]): [state_of(each, t) for each in seen.campaigns],
    }
    columns |= {t(HEADS[n]): [figure(each, n) for each in seen.campaigns] for n in LISTED}
    columns[t(HEADS["started"])] = [f"{at:%Y-%m-%d %H:%M}" for at in frame["started"]]
    columns[t(HEADS["series"])] = frame["series"]
    return pd.DataFrame(columns)


def difference(one: Figures, other: Figures, name: str, t: Language) -> str:
    """How much more *one* has than *other*; "" where either has none."""
    if not figure(one, name) or not figure(other, name):
        return ""
    if name.endswith("_rate"):
        apart = round(100 * (getattr(one, name) - getattr(other, name)), 1)
        return t("{points:+.1f} points", points=apart).replace("-", _MINUS) if apart else "0"
    if name.startswith("cost"):
        more: Decimal = getattr(one, name) - getattr(other, name)
        return f"{_MINUS if more < 0 else '+'}{money(abs(more), digits=_MONEY[name])}" if more else "0"
    of = (one, other) if name == "opted_out" else (one.tally, other.tally)
    apart = getattr(of[0], name) - getattr(of[1], name)
    return f"{apart:+,}".replace("-", _MINUS) if apart else "0"
