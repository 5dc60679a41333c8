"""
Jobs that measure what a campaign brought: arms in a ledger, and a table of what people did.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from bench.measure import peak_mib, settle_memory, timed

_SHARE = 0.05
_SENT = 1_795_400_000.0


def measure(people: int, buyers: int, rows: int, folder: str, rounds: int) -> dict[str, list[float]]:
    """
    Seconds to measure a campaign with a holdout of 5 %, and MiB above what was there before.

    Args:
        buyers: People with rows in the table; each has a row at least, and an amount.
        rows: Of the table.
    """
    import smskit
    from smskit.ledger import Frozen, Ledger
    from smskit.measuring.statistics import Counts, equal_odds, newcombe, srm_p
    from smskit.models import Mode, Reason
    from smskit.planning.policy import held_back

    persons = pa.array([f"user-{n:07d}" for n in range(people)], pa.large_string())
    phones = 8613000000000 + np.arange(people, dtype=np.int64)
    back = held_back(persons, _SHARE, key="bench")
    out = np.flatnonzero(back)
    excluded = pa.table(
        {
            "person": persons.take(pa.array(out)),
            "phone": phones[out],
            "shown": pa.array([""] * len(out), pa.large_string()),
            "reason": np.full(len(out), Reason.HOLDOUT, np.int8),
        }
    )
    ledger = Ledger(f"sqlite:///{Path(folder) / 'ledger.db'}", clock=lambda: _SENT)
    ledger.campaigns.freeze(
        name="bench",
        mode=Mode.LIVE,
        provider="yunpian",
        plan_hash="p",
        spec={"campaign": "bench", "segment": "x.csv", "holdout": _SHARE},
        summary={"excluded": {}},
        frozen=Frozen(phones, persons, {}, np.ones(people, np.int16), excluded, np.flatnonzero(~back)),
    )
    rng = np.random.default_rng(1)
    who = np.concatenate([np.arange(buyers), rng.integers(0, buyers, rows - buyers)])
    ids = np.asarray(persons)[rng.permutation(people)[:buyers]][who]
    at = pd.to_datetime(_SENT + rng.uniform(0, 13 * 86_400, rows), unit="s", utc=True)
    table = Path(folder) / "orders.parquet"
    pd.DataFrame({"user_id": ids, "at": at, "yuan": rng.lognormal(3, 1, rows)}).to_parquet(table)
    # What is imported late is imported before the clock starts.
    newcombe(Counts(1, 10, 1, 10)), srm_p(5, 100, 0.05), equal_odds([Counts(1, 10, 1, 10)] * 2)
    before, took = settle_memory(), list[float]()
    for _ in range(rounds):
        seconds, found = timed(
            lambda: smskit.measure(
                "bench", table, time="at", amount="yuan", as_of="2027-06-01", ledger=ledger
            )
        )
        assert found.effects, found.refused
        took.append(seconds)
    return {"total_s": took, "peak_mib": [peak_mib() - before]}
