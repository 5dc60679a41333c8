"""Columns of a campaign's segment beside its messages: as they were kept, else as they are now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from smskit.audience import phones
from smskit.audience.paging import arrow_of, text_of
from smskit.audience.persons import Places
from smskit.errors import InputError
from smskit.ledger import CampaignRow, Ledger
from smskit.models import VALUE
from smskit.planning.persons import persons_of
from smskit.planning.source import segment_frames, segment_names
from smskit.planning.spec import CampaignSpec

__all__ = ["MESSAGE", "SegmentColumns"]

# What stands of each message, in this order.
MESSAGE: Final = (
    *("user_id", "phone", "state", "reason", "text", "parts", "provider_message_id", "provider_code"),
    *("provider_detail", "submitted_at", "receipt_code", "receipt_at"),
)


class SegmentColumns:
    """
    Some columns of the segment of *row*; nothing where no column is asked for.

    A campaign keeps who got which text, and of what else the segment said of them the columns of `keep`. For
    any other it is read again.

    Args:
        names: Which columns.
        environ: Where ``env:NAME`` is looked up.
        file: The parameter file, beside which a relative path is looked for; None = there is none.
        ledger: Where what was kept is; None = the segment is read.

    Raises:
        SegmentError: the segment cannot be read any more.
        InputError: it has no such column, or a message has one of that name.
    """

    def __init__(
        self,
        row: CampaignRow,
        names: Collection[str],
        *,
        environ: Mapping[str, str],
        file: Path | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self.names = list(dict.fromkeys(name for name in names if name))
        self._places = Places(pa.array([], pa.large_string()))
        self._cells = dict.fromkeys(self.names, pa.array([], pa.large_string()))
        if (
            ledger is not None
            and self.names
            and set(self.names) <= set(row.spec.get("keep", ())) - set(MESSAGE)
        ):
            self._kept(ledger, row)
        elif self.names:
            self._read(CampaignSpec.from_data(row.spec), environ, file)

    def __repr__(self) -> str:
        return f"SegmentColumns({self.names})"

    def _kept(self, ledger: Ledger, row: CampaignRow) -> None:
        persons, cells = list[pa.Array](), {name: list[pa.Array]() for name in self.names}
        for chunk in ledger.audience.states(row.id):
            persons.append(ledger.audience.keys(row.id, chunk).persons)
            kept = ledger.audience.kept(row.id, chunk)
            for name in self.names:
                cells[name].append(kept[name])
        for table in ledger.audience.excluded(row.id):
            persons += table["person"].chunks
            for name in self.names:
                cells[name] += table[VALUE + name].chunks
        self._hold(persons, cells)

    def _hold(self, persons: list[pa.Array], cells: Mapping[str, list[pa.Array]]) -> None:
        self._places = Places(_joined(persons))
        self._cells = {name: _joined(found) for name, found in cells.items()}

    @classmethod
    def there(cls, row: CampaignRow, *, environ: Mapping[str, str], file: Path | None = None) -> list[str]:
        """
        What columns the segment has now.

        Raises:
            SegmentError: it cannot be read any more.
        """
        spec = CampaignSpec.from_data(row.spec)
        names = segment_names(spec, environ=environ, file=file)
        return [name for name in names if name not in MESSAGE]

    def _read(self, spec: CampaignSpec, environ: Mapping[str, str], file: Path | None) -> None:
        for name in self.names:
            if name in MESSAGE:
                raise InputError("`{name}` is a column of the message already", name=name)
        persons, cells = list[pa.Array](), {name: list[pa.Array]() for name in self.names}
        # Of several rows of one person the first one speaks, as it is the one that is planned.
        for frame in segment_frames(spec, self.names, environ=environ, file=file):
            persons.append(persons_of(spec, frame, phones.normalise(frame[spec.phone]).e164)[0])
            for name in self.names:
                cells[name].append(text_of(arrow_of(frame[name])))
        self._hold(persons, cells)

    def beside(self, persons: pa.Array, *, reveal: bool) -> pd.DataFrame:
        """
        The columns for these n people, as text; "" for whoever is not in the segment any more.

        Args:
            reveal: Show phones among them in full.
        """
        at = self._places.of(persons)
        found = {name: pc.fill_null(cells.take(at), "") for name, cells in self._cells.items()}
        shown = {name: cells if reveal else phones.hide_column(cells) for name, cells in found.items()}
        return pd.DataFrame({name: pd.Series(cells, dtype="str") for name, cells in shown.items()})


def _joined(columns: list[pa.Array]) -> pa.Array:
    return pa.chunked_array(columns, pa.large_string()).combine_chunks()
