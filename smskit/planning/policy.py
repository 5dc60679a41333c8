"""
Who may be messaged, and when: consent, frequency cap, holdout, guards, the window.

Pure: history and clock are handed in; masks come out, row for row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from smskit.audience.cells import as_texts, filled, says_yes
from smskit.audience.noticed import Noticed
from smskit.audience.persons import keys
from smskit.audience.roles import roles_of
from smskit.audience.rules.values import show_cell
from smskit.i18n import Joined, Message, mark
from smskit.i18n.figures import money
from smskit.models import MessageClass
from smskit.planning.spec import CampaignSpec

__all__ = [
    "LEAST_CANARY",
    "UNASKED",
    "Guard",
    "consented",
    "experiment_key",
    "fingerprint",
    "global_key",
    "guard_problems",
    "held_back",
    "notice_of_consent",
    "over_cap",
    "unclear_consent",
]

UNASKED: Final = mark(
    "parameter `consent` is empty, so everybody counts as having agreed to marketing; column `{column}` "
    "looks like consent, and {n} of its {m} rows do not say yes"
)
_UNCLEAR: Final = mark(
    "{n:,} cells of the consent column `{name}` say neither yes nor no, such as {examples}; they count as no"
)
LEAST_CANARY = 20  # people of a canary at least; fewer say nothing about the others


def consented(column: pd.Series) -> NDArray[np.bool_]:
    """Whether each of *n* cells plainly says yes (n entries); an empty or unclear one does not."""
    return np.asarray(pc.fill_null(_says_yes(column), False).to_numpy(zero_copy_only=False))


def unclear_consent(column: pd.Series) -> Noticed:
    """The cells of a consent *column* that say something, and neither yes nor no."""
    cells = _texts(column)
    unclear = cells.filter(pc.and_(filled(cells), pc.is_null(_says_yes(column))))
    return Noticed(
        _UNCLEAR, len(unclear), tuple(map(show_cell, unclear.unique()[:3].to_pylist())), str(column.name)
    )


def _says_yes(column: pd.Series) -> pa.Array:
    """Whether each of *n* cells says yes; null where it says neither that nor no."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(object)
    if pd.api.types.is_bool_dtype(column.dtype):
        return _whole(pa.array(column, pa.bool_(), from_pandas=True))
    if pd.api.types.is_numeric_dtype(column.dtype):
        said = pa.array(column.to_numpy(float, na_value=np.nan), from_pandas=True)
        return pc.if_else(
            pc.is_in(said, pa.array([0.0, 1.0])), pc.equal(said, 1.0), pa.scalar(None, pa.bool_())
        )
    return says_yes(_texts(column))


def _texts(column: pd.Series) -> pa.Array:
    return _whole(pa.array(as_texts(column), pa.large_string(), from_pandas=True))


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def notice_of_consent(
    frame: pd.DataFrame, *, consent: str, message_class: MessageClass | str
) -> Message | None:
    """What to know where marketing asks for no consent while a column of *frame* looks like it; else None."""
    if consent or message_class != MessageClass.MARKETING:
        return None
    like = roles_of(frame).consent
    if not like:
        return None
    return Message(
        UNASKED,
        column=like[0],
        n=int(np.count_nonzero(~consented(frame[like[0]]))),
        m=len(frame),
    )


def over_cap(phones: NDArray[np.int64], recent: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    """
    Whether one more message would exceed the cap, for each of *phones*.

    Args:
        phones: n E.164 numbers, in any order.
        recent: One entry for each message a phone got within the window, in any order.
        count: Most messages a phone may get in the window.

    Returns:
        n entries, in the order of *phones*.
    """
    ascending = np.sort(recent)
    had = np.searchsorted(ascending, phones, "right") - np.searchsorted(ascending, phones, "left")
    return np.asarray(had >= count)


def held_back(persons: pa.Array, share: float, *, key: str) -> NDArray[np.bool_]:
    """
    Whether each of n persons belongs to the share kept back; n entries.

    The same person under the same *key* is always on the same side, on any
    machine, whoever else is in the segment. A campaign's key is its series, so
    that a weekly campaign keeps the same people back each week; what all
    marketing keeps back has `global_key`.
    """
    if share >= 1:
        return np.ones(len(persons), bool)
    return np.asarray(keys(persons, salt=key) < np.uint64(share * (2**64 - 1)))


def global_key(salt: str = "") -> str:
    """The key of the holdout of all marketing: no series has it, since an id holds no blank."""
    return f"all marketing {salt}"


def experiment_key(name: str) -> str:
    """The key that arms of an experiment are cut by; no series has it, nor all marketing."""
    return f"experiment {name}"


def fingerprint(salt: str) -> str:
    """What tells one salt of the holdout of all marketing from another, and not what it is."""
    return hashlib.sha256(f"holdout key {salt}".encode()).hexdigest()[:12]


class Guard(NamedTuple):
    """
    Why a plan may not be sent.

    Args:
        text: A sentence for people.
        unless: The parameter, and its value, with which a person lets the plan go all the same.
    """

    text: Message
    unless: tuple[str, Any] | None = None


def guard_problems(
    spec: CampaignSpec,
    *,
    planned: int,
    cost: Decimal,
    plan_hash: str,
    now: datetime,
    lack: str = "",
    drift: Sequence[str] = (),
    blind: bool = False,
) -> list[Guard]:
    """
    Why this plan may not be sent; empty when it may.

    Args:
        now: Aware.
        lack: What is missing in the text for people to opt out.
        drift: How it is unlike earlier runs of its series.
        blind: Whether there would be no receipts to judge a canary by.
    """
    problems = []
    if spec.plan_hash and spec.plan_hash != plan_hash:
        text = Message(
            "the plan is {hash}, not {wanted} as parameter `plan_hash` demands: provider, signature, "
            "template, people or texts are not those that were looked at",
            hash=plan_hash,
            wanted=spec.plan_hash,
        )
        problems.append(Guard(text))
    if lack and spec.opt_out_wording == "demand":
        problems.append(Guard(Message("`opt_out_wording` demands it, but {why}", why=lack)))
    if drift and spec.drift == "stop":
        text = Message("it is not as usual: {why}. If that is meant, say `drift: allow`", why=Joined(drift))
        problems.append(Guard(text, ("drift", "allow")))
    if blind:
        text = Message(
            "{provider} has no receipts to fetch, so a canary cannot be looked at. Say `canary: 0`",
            provider=spec.provider,
        )
        problems.append(Guard(text, ("canary", 0.0)))
    if planned > spec.max_recipients:
        most = spec.max_recipients
        problems.append(
            Guard(Message("{n:,} people are more than `max_recipients` ({m:,})", n=planned, m=most))
        )
    if spec.max_cost is not None and cost > spec.max_cost:
        text = Message(
            "about {cost} are more than `max_cost` ({most})", cost=money(cost), most=money(spec.max_cost)
        )
        problems.append(Guard(text))
    if spec.deadline and now > spec.deadline:
        at = spec.deadline.isoformat()
        problems.append(Guard(Message("it is later than `not_after` ({at})", at=at)))
    return problems
