"""
What a comparison stands on: both arms, what their people did, whether the split is the one that was drawn,
and what the messages cost. Of one campaign, or of several.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from zoneinfo import ZoneInfo

from smskit.errors import InputError
from smskit.i18n import Message
from smskit.ledger import CampaignRow, Ledger
from smskit.measuring.arms import Arms, follow_ups, parts_of
from smskit.measuring.asking import Asked
from smskit.measuring.effects import arms_of, rows_of
from smskit.measuring.outcomes import Outcomes, Table, read_outcomes
from smskit.measuring.refusing import refusal
from smskit.measuring.result import Coded, Cost, Measured, Srm, Window, yuan_of
from smskit.models import Mode

__all__ = ["Evidence", "cost_of", "table_of"]


@dataclass(frozen=True, repr=False)
class Evidence:
    """
    Both arms and what is known of them, before anything is compared.

    Attributes:
        zone: Of the times that are shown.
        as_of: When the table is read; aware.
        alarm: About the split, where it is not the one that was drawn.
    """

    asked: Asked
    zone: ZoneInfo
    as_of: datetime
    arms: Arms
    found: Outcomes
    srm: Srm | None
    alarm: Message | None
    cost: Cost

    @cached_property
    def refused(self) -> Coded | None:
        """Why there is no answer; None = there is one."""
        return refusal(self.arms, self.found, self.asked, alarm=self.alarm, as_of=self.as_of)

    def window(self, start: datetime, end: datetime, length: str, *, complete: bool) -> Window | None:
        """The stretch that is looked at; None of a table of flags, which has no times."""
        if not self.asked.time:
            return None
        until = self.found.data_until
        return Window(
            start.astimezone(self.zone).isoformat(),
            end.astimezone(self.zone).isoformat(),
            until.astimezone(self.zone).isoformat() if until else None,
            length,
            complete,
        )

    def measured(self, name: str, series: str, mode: Mode) -> Measured:
        """The answer as far as this goes: nothing is compared, and nothing noticed."""
        return Measured(
            campaign=name,
            mode=str(mode),
            series=series,
            as_of=self.as_of.isoformat(),
            refused=self.refused,
            notices=(),
            outcomes=rows_of(self.found, events=bool(self.asked.time), zone=str(self.zone)),
            window=None,
            arms=arms_of(self.arms),
            srm=self.srm,
            cost=self.cost,
            named=self.found.named_of(self.arms.treated),
        )


def table_of(rows: Sequence[CampaignRow], asked: Asked, zone: ZoneInfo) -> Table:
    """
    The table that is asked about, of persons as these campaigns know theirs.

    Raises:
        InputError: some of the campaigns know people by id and some by phone; or the table cannot be used.
    """
    by_phone = {not row.spec.get("user_id", "user_id") for row in rows}
    if len(by_phone) > 1:
        raise InputError("some of the campaigns know people by id and some by phone")
    return read_outcomes(
        asked.outcomes,
        asked.columns,
        by_phone=by_phone == {True},
        zone=zone,
        query=asked.query,
        environ=asked.environ,
        file=asked.file,
    )


def cost_of(ledger: Ledger, rows: Sequence[CampaignRow], arms: Arms, asked: Asked) -> Cost:
    """What the treated of *arms* were sent cost, follow-ups included, at the price of the last of *rows*."""
    price = asked.price_or(Decimal(str(rows[-1].spec.get("price_per_part", "0.05"))) if rows else Decimal(0))
    again = [other for row in rows for other in follow_ups(ledger, row)]
    return yuan_of([parts_of(ledger, row, arms) for row in (*rows, *again)], price)
