"""
The segment that parameters name, read: by the plan, by those who only look whether it fits, by panels.

One place, so that the same file is read wherever a run is started and whoever asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from smskit.audience import segment
from smskit.audience.segment.names import Wanted
from smskit.planning.spec import CampaignSpec

__all__ = ["load_segment"]


def load_segment(
    spec: CampaignSpec, *, environ: Mapping[str, str], file: Path | None, columns: Wanted = None
) -> pd.DataFrame:
    """
    The rows that *spec* is about, before its rules; see ``segment.load``.

    Args:
        environ: Where ``env:NAME`` is looked up.
        file: The parameter file, beside which a relative path is looked for first; None = there is none.
        columns: None = all.

    Raises:
        SegmentError: it cannot be read.
    """
    return segment.load(
        spec.segment,
        query=spec.segment_query,
        sheet=spec.sheet,
        text_columns={spec.phone, spec.user_id} - {""},
        columns=columns,
        environ=environ,
        parameter_file=file,
    )
