"""
The report of one run: one HTML file that needs nothing else, in 中文 or English, light or dark.

No code, no key, no phone: counts, reasons and the providers' own codes. Reads the
run's record and the ledger; whether and where it is written is decided above.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from smskit.audience.phones import redact
from smskit.i18n import Language, mark
from smskit.ledger import CampaignRow, Ledger, RunRow
from smskit.models import Mode, State
from smskit.reporting.report import REASON_WORDS

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
    return folder / f"{run.campaign or 'run'}-{run.mode}-{at:%Y%m%d-%H%M%S}-{run.id}.html"


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


def page(ledger: Ledger, run: RunRow, t: Language) -> str:
    """The report of *run* as the text of an HTML file."""
    row = ledger.campaigns.get(run.campaign, Mode(run.mode)) if run.campaign else None
    zone = ZoneInfo((row.spec if row else {}).get("timezone", "Asia/Shanghai"))
    parts = [_head(run, t), _facts(run, zone, t)]
    if run.books:
        parts += [_books(run.books, t), _cost(ledger, row, run.books, t)]
    if run.plan:
        parts.append(_waterfall(run.plan, t))
    if row is not None and run.books:
        parts.append(_failures(failures(ledger, row), t))
    if run.versions:
        parts.append(_table(t("Versions"), sorted(run.versions.items())))
    title = escape(f"{run.campaign or t('run')} ({run.mode})")
    return (
        f'<!doctype html>\n<html lang="{t.code}">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title>\n<style>{_STYLE}</style></head>\n<body><main>\n"
        + "\n".join(parts)
        + "\n</main></body>\n</html>\n"
    )


def _head(run: RunRow, t: Language) -> str:
    good = "good" if run.state == "finished" else "bad"
    message = f"<p class={good}>{escape(t.render(redact(run.message)))}</p>" if run.message else ""
    return (
        f"<h1>{escape(run.campaign or '?')}</h1>\n"
        f'<p><b class="{good}">{_named(run.state, _STATES, t)}</b> · '
        f"{_named(run.mode, _MODES, t)} · {escape(run.provider)}</p>{message}"
    )


def _named(name: str, words: Mapping[str, str], t: Language) -> str:
    """A name as programs have it too, with its words beside it where these say something else."""
    said = t(words[name]) if name in words else ""
    return escape(name if said in ("", name) else f"{name} {said}")


def _facts(run: RunRow, zone: ZoneInfo, t: Language) -> str:
    def when(at: float | None) -> str:
        return "—" if at is None else datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M:%S %Z")

    who = f"{run.user}@{run.host}" if run.user else run.host
    rows = [
        (t("run"), f"{run.id}"),
        (t("series"), run.series),
        (t("begun"), when(run.started_at)),
        (t("ended"), when(run.ended_at)),
        (t("exit code"), "—" if run.exit_code is None else str(run.exit_code)),
        (t("by whom"), who),
        (t("parameter file"), Path(run.file).name or "—"),
        (t("notebook"), Path(run.executed or run.notebook).name or "—"),
        (t("plan hash"), run.plan_hash or "—"),
    ]
    return _table(t("Run"), rows)


def _books(books: Mapping[str, Any], t: Language) -> str:
    excluded = sum(books["excluded"].values())
    rows: list[tuple[str, Any]] = [
        (t("segment"), books["segment"]),
        (f"— {t('left out')}", excluded),
        (f"— {t('planned')}", books["planned"]),
        (f"—— {t('waiting')}", books["waiting"]),
        (f"—— {t('submitting')}", books["submitting"]),
        (f"—— {t('accepted')}", books["accepted"]),
        (f"——— {t('delivered')}", books["delivered"]),
        (f"——— {t('undelivered')}", books["undelivered"]),
        (f"——— {t('awaiting receipt')}", books["awaiting"]),
        (f"—— {t('refused')}", books["refused"]),
        *((f"——— {t('since the plan')}: {_reason(r, t)}", n) for r, n in books["stopped"].items()),
        (f"—— {t('unknown')}", books["unknown"]),
    ]
    held = [(reason, books["excluded"].get(reason, 0)) for reason in ("holdout", "global_holdout")]
    kept = _table(t("Kept back"), [(_reason(reason, t), n) for reason, n in held])
    return _table(t("Books"), rows, numbers=True) + kept


def _reason(reason: str, t: Language) -> str:
    words = {r.label: said for r, said in REASON_WORDS.items()}.get(reason, "")
    return f"{reason}: {t(words)}" if words else reason


def _cost(ledger: Ledger, row: CampaignRow | None, books: Mapping[str, Any], t: Language) -> str:
    planned, cost = int(books["parts"]), Decimal(books["cost"])
    rows = [(t("planned"), f"{planned:,}", f"{cost}")]
    if row is not None:
        taken = _parts_taken(ledger, row)
        price = cost / planned if planned else Decimal(0)
        rows.append((t("accepted"), f"{taken:,}", f"{(price * taken).quantize(Decimal('0.01'))}"))
    return _table(t("Cost"), rows, head=("", t("parts"), t("yuan")), numbers=True)


def _parts_taken(ledger: Ledger, row: CampaignRow) -> int:
    total = 0
    for chunk in ledger.audience.states(row.id):
        keys = ledger.audience.keys(row.id, chunk)
        total += int(keys.parts[np.isin(keys.states, _TAKEN)].sum())
    return total


def _waterfall(plan: Mapping[str, Any], t: Language) -> str:
    left = most = int(plan["read"])
    rows = [(t("rows read"), 0, left)]
    for step in plan["steps"]:
        rows.append((redact(str(step["rule"])), left - step["kept"], step["kept"]))
        left = step["kept"]
    for reason, n in plan["excluded"].items():
        left -= n
        rows.append((_reason(reason, t), n, left))
    rows.append((t("planned"), 0, left))
    lines = [
        f"<tr><td>{escape(name)}</td><td class=n>{out:,}</td><td class=n>{kept:,}</td>"
        f'<td class=bar><i style="width:{_share(kept, most)}"></i>'
        f'<i class=out style="width:{_share(out, most)}"></i></td></tr>'
        for name, out, kept in rows
    ]
    heads = "".join(f"<th>{escape(head)}</th>" for head in (t("step"), t("left out"), t("left"), ""))
    title = escape(t("Who gets no message, and why"))
    return f"<h2>{title}</h2><table><tr>{heads}</tr>{''.join(lines)}</table>"


def _share(n: int, most: int) -> str:
    return f"{100 * n / most if most else 0:.2f}%"


def _failures(found: Counter[Failure], t: Language) -> str:
    if not found:
        return f"<h2>{escape(t('Failures'))}</h2><p>{escape(t('No failure so far.'))}</p>"
    rows = [
        (_named(state, _STATES, t), t(reason), code, t.said(detail), f"{n:,}")
        for (state, reason, code, detail), n in found.most_common()
    ]
    if len(rows) > MOST_FAILURES:
        rest = sum(n for _, n in found.most_common()[MOST_FAILURES:])
        rows = [*rows[:MOST_FAILURES], (t("others"), "", "", "", f"{rest:,}")]
    head = (t("state"), t("reason"), t("code"), t("the provider's words"), "n")
    return _table(t("Failures"), rows, head=head, numbers=True)


def _table(
    title: str, rows: Iterable[Sequence[Any]], *, head: Sequence[str] = (), numbers: bool = False
) -> str:
    def cell(value: Any, last: bool) -> str:
        text = f"{value:,}" if isinstance(value, int) else str(value)
        return f"<td{' class=n' if numbers and last else ''}>{escape(redact(text))}</td>"

    top = f"<tr>{''.join(f'<th>{escape(h)}</th>' for h in head)}</tr>" if head else ""
    body = "".join(
        f"<tr>{''.join(cell(v, i > 0 and i == len(row) - 1) for i, v in enumerate(row))}</tr>" for row in rows
    )
    return f"<h2>{escape(title)}</h2><table>{top}{body}</table>"


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
_STYLE = """
:root { color-scheme: light dark; --ink: #1c2420; --soft: #5c6862; --line: #d9dfdb; --ground: #fff;
  --left: #2f7d6b; --out: #e0a458; --bad: #b3261e }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9e6; --soft: #9aa6a0; --line: #36403b;
  --ground: #151a18; --left: #57b39c; --out: #c98b3d; --bad: #ff8a80 } }
body { background: var(--ground); color: var(--ink); margin: 2rem 1rem;
  font: 15px/1.5 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif }
main { max-width: 60rem; margin: auto }
h2 { font-size: 1.05rem; margin: 2rem 0 .4rem } .good { color: var(--left) } .bad { color: var(--bad) }
table { border-collapse: collapse } td, th { padding: .2rem .9rem .2rem 0; text-align: left;
  border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere }
th { color: var(--soft); font-weight: 500 } .n { text-align: right; font-variant-numeric: tabular-nums }
.bar { width: 16rem; white-space: nowrap; font-size: 0 } .bar i { display: inline-block; height: .8rem;
  background: var(--left) } .bar i.out { background: var(--out) }
"""
