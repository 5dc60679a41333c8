"""What was found in a segment as tables with headings in people's language, for panels and cells."""

from __future__ import annotations

import pandas as pd

from smskit.audience.explore.compare import Comparison
from smskit.audience.explore.profile import Profile
from smskit.i18n import Language, mark

__all__ = ["compare_table", "profile_table", "shares_table"]

KINDS = {
    "text": mark("plain text"),
    "number": mark("number"),
    "flag": mark("yes or no"),
    "moment": mark("date"),
    "phone": mark("phone"),
    "other": mark("other"),
}


def profile_table(profile: Profile, t: Language) -> pd.DataFrame:
    """The columns as people read them: headings and kinds in their language, shares in percent."""
    table = profile.table()
    shown = pd.DataFrame(
        {
            t("column"): table["column"],
            t("kind"): [t(KINDS[kind]) for kind in table["kind"]],
            t("empty"): [
                f"{n:,} ({share:.0%})" for n, share in zip(table["empty"], table["empty_share"], strict=True)
            ],
            t("distinct"): table["distinct"],
            t("not readable"): table["unread"],
            t("lowest"): table["lowest"],
            t("highest"): table["highest"],
            t("most frequent"): table["frequent"],
        }
    )
    return shown


def compare_table(found: Comparison, t: Language) -> pd.DataFrame:
    """Who is where, by person and by phone, headings in words."""
    by = {"person": t("person"), "phone": t("phone")}
    table = found.table()
    table["by"] = table["by"].map(by)
    table.columns = [t("by"), t("only here"), t("in both"), t("only there")]
    return table


def shares_table(found: Comparison, t: Language) -> pd.DataFrame:
    """Where the two differ, shares in percent of rows."""
    shares = found.shares.head(12).copy()
    for name in ("share_a", "share_b", "difference"):
        shares[name] = shares[name].astype(float).round(1)
    shares["value"] = shares["value"].replace("", t("(empty)"))
    shares.columns = [t("column"), t("value"), t("here, %"), t("there, %"), t("difference, points")]
    return shares
