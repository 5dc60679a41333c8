"""
The report of one run: one HTML file that needs nothing else, in 中文 or English, light or dark.

No code, no key, no phone: counts, reasons and the providers' own codes. Reads the
run's record and the ledger; whether and where it is written is decided above.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from smskit.audience.phones import redact
from smskit.i18n import Language, mark
from smskit.ledger import CampaignRow, Ledger, RunRow
from smskit.models import TIMEZONE, Mode, State
from smskit.reporting.report import REASON_WORDS

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = ["Failure", "failures", "page", "place_of"]

MOST_FAILURES = 50
_NOT_SENT = (State.REFUSED, State.UNKNOWN, State.UNDELIVERED)
_TAKEN = (State.ACCEPTED, State.DELIVERED, State.UNDELIVERED)
Failure = tuple[str, str, str, str]  # state, reason, the provider's code, its words


def place_of(run: RunRow, folder: Path) -> Path:
    """Where a run's report goes: beside the executed notebook when there is one here, else into *folder*."""
    executed = Path(run.executed)
    if run.executed.endswith(".ipynb") and executed.parent.is_dir():
        return executed.with_suffix(".html")
    at = datetime.fromtimestamp(run.started_at, ZoneInfo("UTC"))
    # What was refused may be no id but a path.
    name = run.campaign if re.fullmatch(r"[\w.:+-]{1,120}", run.campaign) else "run"
    return folder / f"{name}-{run.mode}-{at:%Y%m%d-%H%M%S}-{run.id}.html"


def failures(ledger: Ledger, row: CampaignRow) -> Counter[Failure]:
    """Planned people who did not get it, or of whom it is not known: how many of each kind."""
    found: Counter[Failure] = Counter()
    for chunk, states in ledger.audience.states(row.id).items():
        rows = np.flatnonzero(np.isin(states, _NOT_SENT))
        if not len(rows):
            continue
        h = ledger.audience.history(row.id, chunk)
        undelivered = states == State.UNDELIVERED
        codes = np.where(undelivered, h.receipt_code, h.code)
        reasons = np.where(undelivered, "", h.reason)
        columns = (states[rows].tolist(), reasons[rows], codes[rows], h.detail[rows])
        counted = Counter(zip(*columns, strict=True))
        for (state, reason, code, detail), n in counted.items():
            found[State(state).label, str(reason), str(code), redact(detail)] += n
    return found


class Table(NamedTuple):
    """A table of the page; *numbers*: its last column, unless it is the only one, holds figures."""

    title: str
    rows: Sequence[Sequence[Any]]
    head: Sequence[str] = ()
    numbers: bool = False


class Step(NamedTuple):
    """One step of the waterfall: people it left out, and people who are left after it."""

    name: str
    out: int
    left: int


def page(ledger: Ledger, run: RunRow, t: Language) -> str:
    """The report of *run* as the text of an HTML file."""
    row = ledger.campaigns.get(run.campaign, Mode(run.mode)) if run.campaign else None
    zone = row.zone if row else ZoneInfo(TIMEZONE)
    tables = [_facts(run, zone, t)]
    if run.books:
        tables += [_counts(run.books, t), _held_out(run.books, t), _cost(ledger, row, run.books, t)]
    return _template().render(
        t=t,
        run=run,
        state=_named(run.state, _STATES, t),
        mode=_named(run.mode, _MODES, t),
        message=t.render(redact(run.message)),
        tables=tables,
        steps=_waterfall(run.plan, t) if run.plan else [],
        failures=_failures(failures(ledger, row), t) if row is not None and run.books else None,
        versions=Table(t("Versions"), sorted(run.versions.items()) if run.versions else []),
    )


@cache
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # takes its time

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"cell": _cell, "share": _share}
    return environment.get_template("run.html")


def _cell(value: Any) -> str:
    return redact(f"{value:,}" if isinstance(value, int) else str(value))


def _share(n: int, most: int) -> str:
    return f"{100 * n / most if most else 0:.2f}%"


def _named(name: str, words: Mapping[str, str], t: Language) -> str:
    """A name as programs have it, and its words where these say something else."""
    known = t(words[name]) if name in words else ""
    return name if known in ("", name) else f"{name} {known}"


def _facts(run: RunRow, zone: ZoneInfo, t: Language) -> Table:
    def when(at: float | None) -> str:
        return "—" if at is None else datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M:%S %Z")

    rows = [
        (t("run"), f"{run.id}"),
        (t("series"), run.series),
        (t("begun"), when(run.started_at)),
        (t("ended"), when(run.ended_at)),
        (t("exit code"), "—" if run.exit_code is None else str(run.exit_code)),
        (t("by whom"), f"{run.user}@{run.host}" if run.user else run.host),
        (t("parameter file"), Path(run.file).name or "—"),
        (t("notebook"), Path(run.executed or run.notebook).name or "—"),
        (t("plan hash"), run.plan_hash or "—"),
    ]
    return Table(t("Run"), rows)


def _counts(counts: Mapping[str, Any], t: Language) -> Table:
    read = []
    if counts.get("read") is not None:  # older ledgers have not kept it
        read = [(t("rows read"), counts["read"]), (f"— {t('ruled out')}", counts["ruled_out"])]
    rows: list[tuple[str, Any]] = [
        *read,
        (t("segment"), counts["segment"]),
        (f"— {t('left out')}", sum(counts["excluded"].values())),
        (f"— {t('planned')}", counts["planned"]),
        (f"—— {t('waiting')}", counts["waiting"]),
        (f"—— {t('submitting')}", counts["submitting"]),
        (f"—— {t('accepted')}", counts["accepted"]),
        (f"——— {t('delivered')}", counts["delivered"]),
        (f"——— {t('undelivered')}", counts["undelivered"]),
        (f"——— {t('awaiting receipt')}", counts["awaiting"]),
        (f"—— {t('refused')}", counts["refused"]),
        *((f"——— {t('since the plan')}: {_reason(r, t)}", n) for r, n in counts["stopped"].items()),
        (f"—— {t('unknown')}", counts["unknown"]),
    ]
    return Table(t("Books"), rows, numbers=True)


def _held_out(counts: Mapping[str, Any], t: Language) -> Table:
    reasons = ("holdout", "global_holdout")
    return Table(t("Kept back"), [(_reason(r, t), counts["excluded"].get(r, 0)) for r in reasons])


def _reason(reason: str, t: Language) -> str:
    words = {r.label: words for r, words in REASON_WORDS.items()}.get(reason, "")
    return f"{reason}: {t(words)}" if words else reason


def _cost(ledger: Ledger, row: CampaignRow | None, counts: Mapping[str, Any], t: Language) -> Table:
    planned, cost = int(counts["parts"]), Decimal(counts["cost"])
    rows = [(t("planned"), f"{planned:,}", f"{cost}")]
    if row is not None:
        taken = _parts_taken(ledger, row)
        price = cost / planned if planned else Decimal(0)
        rows.append((t("accepted"), f"{taken:,}", f"{(price * taken).quantize(Decimal('0.01'))}"))
    return Table(t("Cost"), rows, ("", t("parts"), t("yuan")), numbers=True)


def _parts_taken(ledger: Ledger, row: CampaignRow) -> int:
    total = 0
    for chunk in ledger.audience.states(row.id):
        keys = ledger.audience.keys(row.id, chunk)
        total += int(keys.parts[np.isin(keys.states, _TAKEN)].sum())
    return total


def _waterfall(plan: Mapping[str, Any], t: Language) -> list[Step]:
    left = int(plan["read"])
    steps = [Step(t("rows read"), 0, left)]
    for rule in plan["steps"]:
        steps.append(Step(redact(str(rule["rule"])), left - rule["kept"], rule["kept"]))
        left = rule["kept"]
    for reason, n in plan["excluded"].items():
        left -= n
        steps.append(Step(_reason(reason, t), n, left))
    return [*steps, Step(t("planned"), 0, left)]


def _failures(found: Counter[Failure], t: Language) -> Table:
    rows = [
        (_named(state, _STATES, t), t(reason), code, t.said(detail), f"{n:,}")
        for (state, reason, code, detail), n in found.most_common()
    ]
    if len(rows) > MOST_FAILURES:
        rest = sum(n for _, n in found.most_common()[MOST_FAILURES:])
        rows = [*rows[:MOST_FAILURES], (t("others"), "", "", "", f"{rest:,}")]
    head = (t("state"), t("reason"), t("code"), t("the provider's words"), "n")
    return Table(t("Failures"), rows, head, numbers=True)


_STATES = {
    "running": mark("running"),
    "finished": mark("finished"),
    "paused": mark("paused"),
    "refused": mark("refused"),
    "failed": mark("failed"),
    "died": mark("died"),
    "unknown": mark("unknown"),
    "undelivered": mark("undelivered"),
}
_MODES = {"plan": mark("plan only"), "rehearse": mark("rehearsal"), "live": mark("live")}
