"""
The parameters that notebook 03 sets by a field, and their words.

How a value is typed follows from the parameter's type in `CampaignSpec`. A parameter that is in
none of these tables has a place of its own, or none on purpose; `tests/test_send_fields.py` says
which and why.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import get_args

from smskit.i18n import mark
from smskit.models import TIMEZONE, MessageClass, Mode
from smskit.planning.spec import CampaignSpec

__all__ = ["CAMPAIGN", "LIMITS", "RULES", "About", "Kind"]


class Kind(enum.Enum):
    """How a value is typed."""

    TEXT = enum.auto()
    COLUMN = enum.auto()  # of the segment
    CHOICE = enum.auto()  # from a list
    SHARE = enum.auto()  # of 0 to 1, written as 5%
    TIME = enum.auto()
    WINDOW = enum.auto()  # two times
    CAP = enum.auto()  # so many in so many days


@dataclass(frozen=True)
class About:
    """
    One parameter in words.

    Args:
        hint: What it does, as the reference has it; shorter.
        empty: What an empty field means, where that is a choice of its own and not the default.
        options: Value -> words, of a choice.
        suggests: Values to be chosen beside typing another one.
    """

    name: str
    label: str
    hint: str = ""
    empty: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    suggests: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        """Follows from the parameter's type, except that a column is text to the spec."""
        parameter = CampaignSpec.model_fields[self.name]
        if self.options:
            return Kind.CHOICE
        if self.name in _COLUMNS:
            return Kind.COLUMN
        if self.name in _TWO:
            return _TWO[self.name]
        if datetime in get_args(parameter.annotation):
            return Kind.TIME
        at_most = [getattr(rule, "le", None) for rule in parameter.metadata]
        return Kind.SHARE if 1 in at_most else Kind.TEXT


_TWO = {"send_window": Kind.WINDOW, "frequency_cap": Kind.CAP}
_COLUMNS = frozenset({"user_id", "phone", "consent"})
CAMPAIGN = (
    About("campaign", mark("Campaign id")),
    About("segment", mark("Segment")),
    About(
        "mode",
        mark("Mode"),
        options={
            Mode.PLAN: mark("plan only"),
            Mode.REHEARSE: mark("rehearse (simulator)"),
            Mode.LIVE: mark("live"),
        },
    ),
    About(
        "message_class",
        mark("Message class"),
        options={
            MessageClass.MARKETING: mark("marketing"),
            MessageClass.NOTIFICATION: mark("notification"),
        },
    ),
)
LIMITS = (
    About("max_recipients", mark("Maximum recipients"), mark("who would get a message")),
    About(
        "max_cost",
        mark("Maximum cost (¥)"),
        mark("of the whole campaign, as estimated"),
        empty=mark("no limit"),
    ),
    About("price_per_part", mark("Price per part (¥)"), mark("for the estimate")),
)
# What is chosen once and rarely changed; folded away, by subject.
RULES = {
    mark("Segment and columns"): (
        About("segment_query", mark("SQL query"), mark("only for a database: one SELECT")),
        About("sheet", mark("Sheet"), mark("only for a workbook of which several sheets could be meant")),
        About(
            "heading_row",
            mark("Heading row"),
            mark("number of the row that names the columns; 0: found by itself"),
        ),
        About(
            "user_id",
            mark("Person column"),
            mark("names the person; empty: the phone is the person"),
            empty=mark("the phone is the person"),
        ),
        About("phone", mark("Phone column"), mark("holds the phone number")),
    ),
    mark("Consent and opt-out"): (
        About(
            "consent",
            mark("Consent column"),
            mark("must be true for marketing; empty: all have consented"),
            empty=mark("all have consented"),
        ),
        About(
            "opt_out_wording",
            mark("Opt-out wording"),
            mark(
                "`add` appends the provider's own where our text has none; `demand` refuses a text without "
                "one; other words are appended as they stand"
            ),
            empty=mark("the text stays as it is"),
            suggests=("add", "demand"),
        ),
    ),
    mark("Hours and limits"): (
        About(
            "send_window",
            mark("Send window"),
            mark("local hours in which live marketing may leave; empty: always"),
            empty=mark("always"),
        ),
        About(
            "outside_window",
            mark("Outside it"),
            mark("what a run does outside these hours"),
            options={"stop": mark("pause; run it again"), "wait": mark("wait until they begin")},
        ),
        About(
            "timezone",
            mark("Time zone"),
            mark("of the send window and the latest time"),
            suggests=(TIMEZONE, "Asia/Hong_Kong", "UTC"),
        ),
        About(
            "not_after",
            mark("Not after"),
            mark("date or date-time; a run that comes later is refused"),
            empty=mark("no limit"),
        ),
        About(
            "frequency_cap",
            mark("Frequency cap"),
            mark("at most so many messages per phone, over all live campaigns; hours as `24h`"),
            empty=mark("no limit"),
        ),
        About(
            "plan_hash",
            mark("Only this plan"),
            mark("a plan hash; any other plan is refused"),
            empty=mark("whatever is planned"),
        ),
    ),
    mark("Holdout"): (
        About(
            "series",
            mark("Series"),
            mark("the id without its occurrence; holdout and drift go by it"),
            empty=mark("the id without its placeholder"),
        ),
        About(
            "holdout",
            mark("Holdout share"),
            mark("kept back; the same people in every run of the series"),
        ),
        About(
            "global_holdout",
            mark("From all marketing"),
            mark("kept back whatever the campaign, always the same people"),
        ),
    ),
    mark("Canary: a share is sent to first"): (
        About("canary", mark("Canary share"), mark("sent to first, at least 20 people; 0%: none")),
        About(
            "canary_wait",
            mark("Canary wait"),
            mark("then its receipts and replies are looked at: `30m`, `2h`, `1d`"),
        ),
        About(
            "canary_max_failure",
            mark("Most failures"),
            mark("refused, undelivered or unclear, of those known; more stops it"),
        ),
        About(
            "canary_max_opt_out",
            mark("Most opt-outs"),
            mark("of those who were sent to; more stops it"),
        ),
    ),
    mark("Drift: far from what the series usually is"): (
        About(
            "drift",
            mark("A run far from usual"),
            mark("compared with the last finished runs of its series"),
            options={"stop": mark("is refused and says what changed"), "allow": mark("is let go")},
        ),
        About(
            "drift_factor",
            mark("Too far"),
            mark("so many times as many, or as few, people as usual"),
        ),
    ),
}
