"""
The audience of a plan in parts, written into the ledger part by part and sealed at the end.

Workers put the chunks into the form they are stored in, which is nearly all of the work; this process alone
writes them. So there is one writer, whether the ledger is a file or a server, no worker needs a credential,
and a part that a worker made twice is the same part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, Final, TypeAlias

from smskit.large import stages
from smskit.large.cluster import answers
from smskit.large.planning import About, LargePlan, plan_of_part
from smskit.ledger import CampaignRow, Frozen, Ledger
from smskit.ledger.schema import CHUNK
from smskit.ledger.storing import First, audience_rows
from smskit.models import Mode, Reason

__all__ = ["freeze_in_parts"]

Rows: TypeAlias = list[tuple[str, dict[str, Any]]]  # of which table each, and its values
_AHEAD: Final = 4  # parts that are made while one is written


def freeze_in_parts(
    plan: LargePlan, ledger: Ledger, *, name: str, mode: Mode, by: str, **planned: Any
) -> CampaignRow:
    """
    Write the audience down; see ``ledger.staging``.

    Args:
        planned: As `Campaigns.freeze` has it.

    Raises:
        LedgerLocked: another process is at it.
    """
    held = plan.parts_of_segment
    firsts = _firsts(held.done)
    people = [_chunks(int(part.reasons[Reason.NONE])) for part in held.done]
    with ledger.staging.freeze(name=name, mode=mode, **planned) as staged:
        if staged is not None:
            for rows in _made(plan, staged.id, firsts):
                staged.put(rows)
            staged.seal(chunks=sum(people), planned=plan.planned, mode=mode, by=by)
    row = ledger.campaigns.get(name, mode)
    assert row is not None
    return row


def _made(plan: LargePlan, campaign_id: int, firsts: Sequence[First]) -> Iterator[Rows]:
    held, about = plan.parts_of_segment, About.of(plan)
    under_way: list[Any] = []
    for judged, answer, first in zip(held.judged, held.answers, firsts, strict=True):
        made = held.client.submit(rows_of_part, judged, answer, about, campaign_id, first, pure=False)
        under_way.append(made)
        if len(under_way) > _AHEAD:
            yield from answers(held.client, [under_way.pop(0)])
    while under_way:
        yield from answers(held.client, [under_way.pop(0)])


def rows_of_part(
    judged: stages.Judged,
    answer: stages.Answer,
    about: About,
    campaign_id: int,
    first: First,
) -> Rows:
    """The rows of the ledger that a part is stored as."""
    frozen = Frozen.of(plan_of_part(judged, answer, about))
    return list(audience_rows(campaign_id, frozen, size=CHUNK, first=first))


def _firsts(parts: Sequence[stages.Finished]) -> list[First]:
    """Where the chunks of each part begin: each has whole chunks of its own, the last of them a short one."""
    counts = [
        First(
            _chunks(int(part.reasons[Reason.NONE])),
            _chunks(int(part.reasons.sum() - part.reasons[Reason.NONE])),
            sum(map(_chunks, part.groups)),
        )
        for part in parts
    ]
    return list(accumulate(counts, lambda a, b: First(*map(sum, zip(a, b, strict=True))), initial=First()))[
        :-1
    ]


def _chunks(rows: int) -> int:
    return -(-rows // CHUNK)
