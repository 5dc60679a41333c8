"""
The rows of a segment as a campaign reads them: phone, person, values of the text, consent.

Reading a row never depends on another one, so that what was read of a whole segment serves for whatever rows
some rules keep: a panel reads once and judges after every edit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from smskit.audience import phones as phones_module
from smskit.audience.columns import Columns
from smskit.audience.noticed import Noticed
from smskit.audience.persons import keys
from smskit.audience.searching import found_in
from smskit.message import parts as parts_module
from smskit.message.template import Template
from smskit.message.variables import Binding, bind
from smskit.models import MessageClass
from smskit.planning.odd_values import hours_left_out
from smskit.planning.persons import persons_of
from smskit.planning.policy import consented, unclear_consent
from smskit.planning.spec import CampaignSpec

__all__ = ["LONG", "UNFIT", "ProviderLimits", "Recipients", "units_of_texts"]

UNFIT: Final = np.uint8(1)  # a value
LONG: Final = np.uint8(2)  # the whole text


class ProviderLimits(NamedTuple):
    """What a provider can carry, as far as it decides who is planned; see ``providers.base.Limits``."""

    text_units: int = 500
    value_units: int | None = None
    unfit_value: str = ""
    unfit_words: str = ""
    replace: tuple[tuple[str, str], ...] = ()
    group_equal: bool = False  # order people so that equal values are neighbours
    appended: str = ""  # what the provider puts behind every message itself
    others: tuple[ProviderLimits, ...] = ()  # of parameter `fits`, whose rules count as well


@dataclass(frozen=True, repr=False)
class Recipients:
    """
    *n* rows, in segment order.

    Attributes:
        phones: n times E.164 digits, 0 = none.
        wrong: n `Reason` numbers, why a phone is none; 0 where it is one.
        no_phones: The cells of the rows without a phone, in their order.
        persons: n texts, "" = nobody.
        keys: n; of the persons, see ``persons.keys``.
        values: Variable -> n texts, null = missing.
        units: n; length of the whole text in UTF-16 units, with what the provider appends.
        consented: n; None where the campaign does not ask.
        elsewhere: n; `UNFIT` and `LONG`, what another provider of `fits` could not carry; None = no other.
        noticed: What to know about the user ids, bound moments and the consent.
    """

    phones: NDArray[np.int64]
    wrong: NDArray[np.int8]
    no_phones: pd.Series
    persons: pa.Array
    keys: NDArray[np.uint64]
    values: Mapping[str, pa.Array]
    units: NDArray[np.int32]
    consented: NDArray[np.bool_] | None
    noticed: Sequence[Noticed] = ()
    elsewhere: NDArray[np.uint8] | None = None

    @classmethod
    def read(
        cls,
        spec: CampaignSpec,
        frame: Columns,
        template: Template | None,
        bindings: Mapping[str, Binding],
        fit: ProviderLimits,
    ) -> Recipients:
        """
        The rows of *frame*, which has the columns that *spec* and *bindings* name.

        Args:
            template: None where there is none yet: nobody lacks a value then, and texts have no length.
        """
        phones, wrong, no_phones = _phones(frame[spec.phone])
        persons, noticed = persons_of(spec, frame, phones)
        values: dict[str, pa.Array] = {}
        units = np.zeros(len(frame), np.int32)
        elsewhere = None
        if template is not None:
            bound = bind(frame, bindings, template.names, zone=spec.zone)
            values = {name: _fitted(column, fit) for name, column in bound.items()}
            units = units_of_texts(template, values, len(frame)) + parts_module.units_of(fit.appended)
            elsewhere = _elsewhere(template, bound, fit.others, len(frame)) if fit.others else None
            noticed = [*noticed, *hours_left_out(frame, bindings, zone=spec.zone)]
        asked = spec.consent and spec.message_class is MessageClass.MARKETING
        yes = consented(frame[spec.consent]) if asked else None
        if asked:
            noticed = [*noticed, unclear_consent(frame[spec.consent])]
        return cls(phones, wrong, no_phones, persons, keys(persons), values, units, yes, noticed, elsewhere)

    def __len__(self) -> int:
        return len(self.phones)

    def __repr__(self) -> str:
        return f"Recipients({len(self)})"

    def keeping(self, keep: NDArray[np.bool_]) -> Recipients:
        """Those of the n rows that *keep* has (n entries)."""
        if keep.all():
            return self
        mask = pa.array(keep)
        return Recipients(
            self.phones[keep],
            self.wrong[keep],
            self.no_phones[keep[self.phones == 0]],
            self.persons.filter(mask),
            self.keys[keep],
            {name: column.filter(mask) for name, column in self.values.items()},
            self.units[keep],
            None if self.consented is None else self.consented[keep],
            elsewhere=None if self.elsewhere is None else self.elsewhere[keep],
        )


def _phones(cells: pd.Series) -> tuple[NDArray[np.int64], NDArray[np.int8], pd.Series]:
    phones, wrong = phones_module.normalise(cells)
    return phones, wrong, cells[phones == 0]


def units_of_texts(template: Template, values: Mapping[str, pa.Array], n: int) -> NDArray[np.int32]:
    """Length of each of *n* whole texts in UTF-16 units, without what a provider appends; not rendered."""
    # UTF-16 units add up, so nothing needs rendering to be counted.
    literal = template.render(dict.fromkeys(template.names, ""))
    total = np.full(n, parts_module.units_of(literal), np.int32)
    for name in template.positions():
        total += parts_module.units(values[name])
    return total


def _elsewhere(
    template: Template, bound: Mapping[str, pa.Array], others: Sequence[ProviderLimits], n: int
) -> NDArray[np.uint8]:
    """What of *n* rows other providers could not carry, each judged by what it would be handed."""
    found = np.zeros(n, np.uint8)
    for other in others:
        values = {name: _fitted(column, other) for name, column in bound.items()}
        for column in values.values():
            if other.unfit_value:
                found[found_in(column, other.unfit_value)] |= UNFIT
            if other.value_units is not None:
                found[parts_module.units(column) > other.value_units] |= UNFIT
        units = units_of_texts(template, values, n) + parts_module.units_of(other.appended)
        found[units > other.text_units] |= LONG
    return found


def _fitted(column: pa.Array, fit: ProviderLimits) -> pa.Array:
    for text, instead in fit.replace:
        column = pc.replace_substring(column, text, instead)
    return column
