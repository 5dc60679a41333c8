"""What was found in a segment as people read it: values, and tables with headings in their language."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

import pandas as pd

from smskit.audience.cells import word
from smskit.audience.explore.compare import Comparison
from smskit.audience.explore.profile import ColumnProfile, Profile
from smskit.audience.roles import names_amount
from smskit.audience.rules.fit import Reading
from smskit.i18n import Language, mark

__all__ = ["compare_table", "missing_of", "profile_table", "shares_table", "shown_value"]

_PLAIN: Final = re.compile(r"(-?[1-9]\d{3,14})(\.\d+)?")

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
    table, columns = profile.table(), list(profile.columns.values())
    shown = pd.DataFrame(
        {
            t("column"): table["column"],
            t("kind"): [t(KINDS[kind]) for kind in table["kind"]],
            t("empty"): [
                t(", ").join(filter(None, [f"{n:,} ({share:.0%})", missing_of(column, t)]))
                for column, n, share in zip(columns, table["empty"], table["empty_share"], strict=True)
            ],
            t("distinct"): table["distinct"],
            t("not readable"): table["unread"],
            t("lowest"): [shown_value(column.low, column, t) for column in columns],
            t("highest"): [shown_value(column.high, column, t) for column in columns],
            t("most frequent"): [_most_frequent(column, t) for column in columns],
        }
    )
    return shown


def _most_frequent(column: ColumnProfile, t: Language) -> str:
    found: Counter[str] = Counter()  # several words of the file may be one of ours
    for value, n in column.top:
        found[shown_value(value, column, t)] += n
    return t(", ").join(f"{value} ({n:,})" for value, n in found.most_common(3))


def missing_of(column: ColumnProfile, t: Language) -> str:
    """How many cells hold text that a message takes for no value; "" for none. Rules see the text."""
    n = sum(rows for _, rows in column.missing)
    return t("{n:,} say {value} or the like", n=n, value=column.missing[0][0]) if n else ""


def shown_value(text: str, column: ColumnProfile, t: Language) -> str:
    """
    A value of a column as people read it: amounts with their thousands, yes and no in words.

    Years, codes and ids stay plain, and whatever word of its own a file has for yes or no.
    """
    if column.reading is Reading.FLAG:
        return {"true": t("Yes"), "false": t("No")}.get(word(text), text)
    if column.reading is Reading.NUMBER and names_amount(column.name) and (n := _PLAIN.fullmatch(text)):
        return f"{int(n[1]):,}{n[2] or ''}"
    return text


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
