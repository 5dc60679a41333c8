"""
Whom a campaign would message of the rows that some rules keep, and what that would cost.

The same reading and judging as the plan's, so the figures are its figures; only texts and hash are left
out. What does not change from one rule to the next is read once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from smskit.audience.cells import word
from smskit.audience.persons import Copies
from smskit.errors import SegmentError, TemplateError
from smskit.i18n import Joined, Message
from smskit.ledger.opening import open_ledger
from smskit.message.opt_out import with_wording
from smskit.message.parts import parts
from smskit.message.template import Template
from smskit.message.values import format_column
from smskit.message.variables import Binding, check_bindings, parse_bindings, rebound
from smskit.models import ORDER, Mode, Reason
from smskit.planning.exclusions import Candidates, Facts, History, reasons_of
from smskit.planning.persons import notices_of_copies
from smskit.planning.plan import misnamed
from smskit.planning.recipients import ProviderLimits, Recipients
from smskit.planning.spec import CampaignSpec
from smskit.sending.access import ProviderFacts
from smskit.sending.clock import clock_of
from smskit.sending.planner import history_of, limits_of
from smskit.sending.rehearsal import as_set_up, others_of
from smskit.settings import Environment

__all__ = ["Reach", "Reaching"]

Mask = NDArray[np.bool_]
_CALLED = frozenset(("name", "user_name", "username", "姓名", "名字", "称呼", "昵称", "客户姓名", "会员姓名"))


@dataclass(frozen=True, repr=False)
class Reach:
    """
    What becomes of *n* rows of a segment.

    Attributes:
        keep: n; which rows the rules keep.
        reasons: n `Reason` numbers; 0 also for rows that the rules do not keep.
        parts: Billed parts of all messages together; one each where there is no text yet.
        price: Of a part, in yuan.
        lacks: Why texts were not counted, None where they were.
        notices: What to know of copies that disagree.
    """

    keep: Mask
    reasons: NDArray[np.int8]
    parts: int
    price: Decimal
    lacks: Message | None
    notices: Sequence[Message] = ()

    def __repr__(self) -> str:
        return f"Reach({self.reachable} of {self.kept})"

    @cached_property
    def kept(self) -> int:
        """Rows that the rules keep."""
        return int(np.count_nonzero(self.keep))

    @cached_property
    def excluded(self) -> dict[Reason, int]:
        """Why and how many of the rows kept get no message, in the order of the reasons; only what occurs."""
        counts = np.bincount(self.reasons, minlength=len(Reason))
        return {reason: int(counts[reason]) for reason in ORDER if counts[reason]}

    @property
    def reachable(self) -> int:
        """People who would be messaged."""
        return self.kept - sum(self.excluded.values())

    @property
    def cost(self) -> Decimal:
        """Estimated cost in yuan."""
        return self.parts * self.price

    def rows(self, reason: Reason) -> Mask:
        """The rows left out for *reason*, or with ``NONE`` those that would be messaged; n entries."""
        return np.asarray(self.keep & (self.reasons == reason))


class Reaching:
    """
    Counts whom a campaign reaches, again after every edit. Safe to be used from several threads.

    Args:
        environment: Makes a fresh look at settings.
    """

    def __init__(self, environment: Callable[[], Environment] = Environment) -> None:
        self._environment = environment
        self._lock = threading.Lock()
        self._read: tuple[pd.DataFrame, Any, Recipients] | None = None

    def reach(self, spec: CampaignSpec, frame: pd.DataFrame, keep: Mask) -> Reach:
        """
        What becomes of the rows of *frame*.

        Args:
            frame: The segment before its rules; not changed, and not to be changed between calls.
            keep: Which of its rows the rules keep.

        Raises:
            SegmentError: a column that names people or consent is not there.
        """
        if problems := misnamed(spec, [str(name) for name in frame.columns]):
            raise SegmentError(Joined(text for _, text in problems))
        environment = self._environment()
        facts = ProviderFacts.of(as_set_up(spec.provider, environment))
        fit = limits_of(spec, facts, others_of(spec, environment))
        template, bindings, lacks = _text(spec, facts, frame)
        rows = self._rows(spec, frame, template, bindings, fit).keeping(keep)
        salt = environment.get("SMSKIT_HOLDOUT_KEY")
        people = Candidates(spec, rows, fit, _past(spec, environment), salt)
        copies = Copies.of(rows.phones, rows.persons, rows.keys)
        reasons = reasons_of(Facts.of(people), copies)
        planned = reasons == Reason.NONE
        billed = parts(rows.units[planned]).sum() if template is not None else planned.sum()
        of_all = np.zeros(len(frame), np.int8)
        of_all[keep] = reasons
        copied = np.isin(reasons, (Reason.DUPLICATE_PHONE, Reason.DUPLICATE_USER))
        values = rows.values if template is not None else _names(frame, keep, copied)
        notices = notices_of_copies(copies, rows.phones, values, planned, copied)
        return Reach(keep, of_all, int(billed), spec.price_per_part, lacks, tuple(notices))

    def _rows(
        self,
        spec: CampaignSpec,
        frame: pd.DataFrame,
        template: Template | None,
        bindings: dict[str, Binding],
        fit: ProviderLimits,
    ) -> Recipients:
        """All rows of *frame* as the campaign reads them; as they were read before where nothing changed."""
        text = (template.text, template.signature) if template is not None else None
        key = (spec.phone, spec.user_id, spec.consent, spec.message_class, spec.timezone, text, bindings, fit)
        with self._lock:
            if self._read is None or self._read[0] is not frame or self._read[1] != key:
                self._read = frame, key, Recipients.read(spec, frame, template, bindings, fit)
            return self._read[2]


def _text(
    spec: CampaignSpec, facts: ProviderFacts, frame: pd.DataFrame
) -> tuple[Template | None, dict[str, Binding], Message | None]:
    """The text as far as it is chosen, what fills it, and why it does not count where it does not."""
    if not spec.template:
        return None, {}, Message("no text is chosen yet")
    try:
        template = with_wording(
            Template.parse(spec.template, signature=spec.signature),
            spec.opt_out_wording,
            facts.opt_out,
            message_class=spec.message_class,
            template_id=spec.template_id,
        )
        columns = list(map(str, frame.columns))
        bindings = parse_bindings(rebound(template, spec.variables, columns))  # as 03 binds what is not bound
    except TemplateError as error:
        return None, {}, error.message
    try:
        check_bindings(template, bindings, columns)
    except TemplateError:  # 03 says which
        return None, {}, Message("what fills the variables of its text is not chosen yet, 03 does that")
    return template, bindings, None


def _names(frame: pd.DataFrame, keep: Mask, copied: Mask) -> dict[str, pa.Array]:
    """What people are called, while no text says what of them goes out; nothing where nobody is a copy."""
    found = [str(name) for name in frame.columns if word(str(name)) in _CALLED][: int(copied.any())]
    return {name: format_column(frame.loc[keep, name]) for name in found}


def _past(spec: CampaignSpec, environment: Environment) -> History:
    """What the project's ledger knows; nothing where there is none, which looking does not make."""
    if environment.ledger_place.missing:
        return History()
    ledger = open_ledger(environment, create=False)
    # Rehearsals keep nobody from being messaged: what was sent to people is what counts.
    return history_of(spec, ledger, clock_of(ledger, zone=spec.zone), Mode.LIVE)
