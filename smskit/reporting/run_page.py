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
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from smskit.audience.phones import redact
from smskit.i18n import Joined, Language, mark
from smskit.i18n.figures import moment, money, share
from smskit.ledger import CampaignRow, Ledger, RunRow
from smskit.ledger.processes import host_name
from smskit.models import REASONS, TIMEZONE, Mode, State
from smskit.providers import provider_class, provider_names
from smskit.reporting.delivery.codes import explain_code
from smskit.reporting.delivery.moments import UNITS, over_time
from smskit.reporting.filling import templates_in

if TYPE_CHECKING:
    from jinja2 import Template

__all__ = [
    "Failure",
    "failures",
    "page",
    "place_of",
    "provider_in_words",
    "template",
    "time_of",
    "zone_of",
]

MOST_FAILURES = 50
MOST_STRETCHES = 24
_NOT_SENT = (State.REFUSED, State.UNKNOWN, State.UNDELIVERED)
_TAKEN = (State.ACCEPTED, State.DELIVERED, State.UNDELIVERED)
Failure = tuple[str, str, str, str]  # state, reason, the provider's code, its words


def zone_of(ledger: Ledger, run: RunRow) -> ZoneInfo:
    """On whose clock people read the times of *run*: its campaign's, where there is one."""
    # One that is damaged has none that can be believed, and its runs are listed all the same.
    rows = ledger.campaigns.find(name=run.campaign, mode=Mode(run.mode), damaged=[]) if run.campaign else []
    return rows[0].zone if rows else ZoneInfo(TIMEZONE)


def time_of(ledger: Ledger, run: RunRow) -> datetime:
    """When *run* began, on that clock."""
    return datetime.fromtimestamp(run.started_at, zone_of(ledger, run))


def place_of(run: RunRow, folder: Path, zone: ZoneInfo = ZoneInfo(TIMEZONE)) -> Path:  # noqa: B008
    """
    Where a run's report goes: beside the executed notebook when there is one here, else into *folder*.

    Args:
        zone: Of the time in its name, see `zone_of`.
    """
    executed = Path(run.executed)
    if run.executed.endswith(".ipynb") and executed.parent.is_dir():
        return executed.with_suffix(".html")
    at = datetime.fromtimestamp(run.started_at, zone)
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
    """A table of the page; *numbers*: how many of its last columns hold figures."""

    title: str
    rows: Sequence[Sequence[Any]]
    head: Sequence[str] = ()
    numbers: int = 0


class Coded(NamedTuple):
    """Words for people, and the name or code that stands for them elsewhere."""

    words: str
    code: str

    def __html__(self) -> str:
        """As a template puts it: the code in grey behind the words."""
        words, code = (escape(redact(text)) for text in self)
        if code == words:
            return words
        return f'{words} <span class="code">{code}</span>' if words and code else words or code


class Card(NamedTuple):
    """One of the figures on top."""

    words: str
    figure: str
    beside: str = ""
    mood: str = ""  # "good", "bad" or neither


class Stretch(NamedTuple):
    """Some time in which something happened, and what had become of those accepted by its end."""

    at: str
    delivered: int
    undelivered: int
    awaiting: int


class Step(NamedTuple):
    """One step of the waterfall: people it left out, and people who are left after it."""

    name: str | Coded
    out: int
    left: int


def page(ledger: Ledger, run: RunRow, t: Language) -> str:
    """The report of *run* as the text of an HTML file."""
    row = ledger.campaigns.get(run.campaign, Mode(run.mode)) if run.campaign else None
    zone = row.zone if row else ZoneInfo(TIMEZONE)
    tables = [_message(row, run.plan, t)] if row and run.plan and "template" in run.plan else []
    cards: list[Card] = []
    if run.books:
        cost = _cost(ledger, row, run.books)
        cards = _cards(run.books, cost, t)
        tables += [_counts(run.books, t), *_held_out(run.books, t), _costs(cost, t)]
    return template("run.html").render(
        t=t,
        run=run,
        state=t(_STATES.get(run.state, run.state)),
        mode=t(_MODES.get(run.mode, run.mode)),
        provider=provider_in_words(run.provider, t),
        clock=str(zone),
        cards=cards,
        message=t.render(redact(run.message)),
        tables=tables,
        stretches=_over_time(ledger, row) if row and run.books and run.books["accepted"] else [],
        facts=_facts(ledger, run, zone, t),
        steps=_waterfall(run.plan, t) if run.plan else [],
        failures=_failures(failures(ledger, row), row.provider, t) if row is not None and run.books else None,
        versions=Table(t("Versions"), sorted(run.versions.items()) if run.versions else []),
    )


@cache
def template(name: str) -> Template:
    """A page of that name, to be filled in; what is put into it is escaped."""
    environment = templates_in(Path(__file__).parent / "templates", escaped=True)
    environment.filters |= {"cell": _cell, "width": share}
    return environment.get_template(name)


def _cell(value: Any) -> str | Coded:
    if isinstance(value, Coded):
        return value
    if isinstance(value, FileName):
        return "".join(part if _STAMP.fullmatch(part) else redact(part) for part in _STAMP.split(value))
    return redact(f"{value:,}" if isinstance(value, int) else str(value))


class FileName(str):
    """The name of a file or a series, which may have a time in it that reads like a phone."""


_STAMP = re.compile(r"(?<!\d)(20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:-\d{4}(?:\d\d)?)?)(?!\d)")


def _message(row: CampaignRow, plan: Mapping[str, Any], t: Language) -> Table:
    """What was sent, and to whom."""
    signature = str(plan["signature"])
    text, sign = str(plan["template"]), f"【{signature}】" if signature else ""
    text = text if text.startswith(sign) else sign + text  # some providers put it there themselves
    rules = t.render(Joined([redact(rule["rule"]) for rule in plan["steps"]]))
    rows: list[tuple[str, Any]] = [
        (t("text"), text),
        (t("signature"), signature or "—"),
        (t("segment"), FileName(Path(str(row.spec.get("segment") or "")).name) or "—"),
        (t("rules"), rules or t("Everybody in the segment.")),
    ]
    return Table(t("Message"), rows)


def _over_time(ledger: Ledger, row: CampaignRow) -> list[Stretch]:
    """Delivery as it went, by the second, minute, hour or day, whichever gives few enough lines."""
    counted = over_time(ledger, row)
    for unit in UNITS:
        table = counted.table(unit)
        if len(table) <= MOST_STRETCHES:
            break
    figures = table.assign(
        at=table["at"].dt.strftime(_CLOCKS[unit]),
        delivered=table["delivered"].cumsum(),
        undelivered=table["undelivered"].cumsum(),
    ).tail(MOST_STRETCHES)
    columns = figures[[*Stretch._fields]].itertuples(index=False, name=None)
    return [Stretch(at, int(a), int(b), int(c)) for at, a, b, c in columns]


_CLOCKS = {
    "second": "%Y-%m-%d %H:%M:%S",
    "minute": "%Y-%m-%d %H:%M",
    "hour": "%Y-%m-%d %H:00",
    "day": "%Y-%m-%d",
}


def _facts(ledger: Ledger, run: RunRow, zone: ZoneInfo, t: Language) -> Table:
    def when(at: float | None) -> str:
        return "—" if at is None else moment(datetime.fromtimestamp(at, zone))

    host = host_name(run.host)
    rows = [
        (t("run"), f"{run.id}"),
        (t("series"), FileName(run.series)),
        (t("begun"), when(run.started_at)),
        (t("ended"), when(run.ended_at)),
        (t("exit code"), "—" if run.exit_code is None else str(run.exit_code)),
        (t("by whom"), f"{run.user}@{host}" if run.user else host),
        (t("parameter file"), FileName(Path(run.file).name) or "—"),
        (t("notebook"), FileName(Path(run.executed or run.notebook).name) or "—"),
        (t("plan hash"), run.plan_hash or "—"),
    ]
    found = ledger.approvals.get(run.campaign, run.plan_hash) if run.mode == Mode.LIVE else None
    if found is not None and found.approved:
        rows.append((t("planned by"), f"{found.planned_by}, {when(found.planned_at)}, {found.planned_from}"))
        approved = f"{found.approved_by}, {when(found.approved_at)}, {found.approved_from}"
        rows.append((t("approved by"), approved))
    return Table(t("Run"), rows)


def _counts(counts: Mapping[str, Any], t: Language) -> Table:
    read = []
    if counts.get("read") is not None:  # older ledgers have not kept it
        read = [(t("rows read"), counts["read"]), (f"— {t('ruled out')}", counts["ruled_out"])]
    planned, accepted = counts["planned"], counts["accepted"]
    rows: list[tuple[Any, ...]] = [
        *read,
        (t("segment"), counts["segment"]),
        (f"— {t('left out')}", sum(counts["excluded"].values())),
        (f"— {t('planned')}", counts["planned"]),
        (f"—— {t('waiting')}", counts["waiting"], planned),
        (f"—— {t('submitting')}", counts["submitting"], planned),
        (f"—— {t('accepted')}", accepted, planned),
        (f"——— {t('delivered')}", counts["delivered"], accepted),
        (f"——— {t('undelivered')}", counts["undelivered"], accepted),
        (f"——— {t('awaiting receipt')}", counts["awaiting"], accepted),
        (f"—— {t('refused')}", counts["refused"], planned),
        *((_since(_reason(reason, t), t), n, planned) for reason, n in counts["stopped"].items()),
        (f"—— {t('unknown')}", counts["unknown"], planned),
    ]
    # Each share is of the sum that the line is a part of.
    shown = [(words, n, share(n, whole[0]) if n and whole else "") for words, n, *whole in rows]
    return Table(t("Books"), shown, ("", t("people"), t("share")), numbers=2)


def _cards(counts: Mapping[str, Any], cost: Cost, t: Language) -> list[Card]:
    """The figures whoever opens the page came for."""
    planned, accepted = counts["planned"], counts["accepted"]
    cards = [Card(t("planned"), f"{planned:,}")]
    if accepted:
        cards += [
            Card(t("accepted"), f"{accepted:,}", share(accepted, planned)),
            Card(t("delivered"), f"{counts['delivered']:,}", share(counts["delivered"], accepted), "good"),
            Card(t("undelivered"), f"{counts['undelivered']:,}", share(counts["undelivered"], accepted)),
        ]
        if counts["awaiting"]:
            awaiting = counts["awaiting"]
            cards.append(Card(t("awaiting receipt"), f"{awaiting:,}", share(awaiting, accepted)))
    for name in ("refused", "unknown"):
        if counts[name]:
            words = t(_STATES["unknown"]) if name == "unknown" else t("refused")
            cards.append(Card(words, f"{counts[name]:,}", share(counts[name], planned), "bad"))
    return [*cards, Card(t("cost"), money(cost.accepted if accepted else cost.planned))]


def _held_out(counts: Mapping[str, Any], t: Language) -> list[Table]:
    """Who was kept back, where anybody was."""
    reasons = [r for r in ("holdout", "global_holdout") if counts["excluded"].get(r)]
    rows = [(_reason(r, t), counts["excluded"][r]) for r in reasons]
    return [Table(t("Kept back"), rows, numbers=1)] if rows else []


def _reason(reason: str, t: Language) -> Coded:
    return Coded(t(REASONS[reason]) if reason in REASONS else "", reason)


def _since(reason: Coded, t: Language) -> Coded:
    return reason._replace(words=f"——— {t('since the plan')}: {reason.words}")


def provider_in_words(name: str, t: Language) -> str:
    """What a provider is called, in English without its Chinese name."""
    title = t.render(provider_class(name).title) if name in provider_names() else name
    return title if t.code == "zh" else re.sub(r"[^ -~]+", "", title).strip()


class Cost(NamedTuple):
    """Billed parts, and yuan by the campaign's own estimate."""

    planned_parts: int
    planned: Decimal
    accepted_parts: int
    accepted: Decimal


def _cost(ledger: Ledger, row: CampaignRow | None, counts: Mapping[str, Any]) -> Cost:
    parts, cost = int(counts["parts"]), Decimal(counts["cost"])
    taken = _parts_taken(ledger, row) if row is not None else 0
    return Cost(parts, cost, taken, cost / parts * taken if parts else Decimal(0))


def _costs(cost: Cost, t: Language) -> Table:
    rows = [
        (t("planned"), cost.planned_parts, money(cost.planned)),
        (t("accepted"), cost.accepted_parts, money(cost.accepted)),
    ]
    return Table(t("Cost"), rows, ("", t("parts"), t("cost")), numbers=2)


def _parts_taken(ledger: Ledger, row: CampaignRow) -> int:
    total = 0
    for chunk, states in ledger.audience.states(row.id).items():
        total += int(ledger.audience.parts(row.id, chunk)[np.isin(states, _TAKEN)].sum())
    return total


def _waterfall(plan: Mapping[str, Any], t: Language) -> list[Step]:
    left = int(plan["read"])
    steps = [Step(t("rows read"), 0, left)]
    for rule in plan["steps"]:
        steps.append(Step(t.render(redact(rule["rule"])), left - rule["kept"], rule["kept"]))
        left = rule["kept"]
    for reason, n in plan["excluded"].items():
        left -= n
        steps.append(Step(_reason(reason, t), n, left))
    return [*steps, Step(t("planned"), 0, left)]


def _failures(found: Counter[Failure], provider: str, t: Language) -> Table:
    # One line a state and code: some reports of a code come with words, and some without.
    counted: Counter[tuple[str, Coded]] = Counter()
    words: dict[tuple[str, Coded], str] = {}
    for (state, reason, code, detail), n in found.most_common():
        known = explain_code(provider, code, receipt=state == State.UNDELIVERED.label, detail=detail)
        line = t(_STATES.get(state, state)), Coded(t.render(known.meaning) or t(reason), code or reason)
        counted[line] += n
        words[line] = words.get(line) or ("" if known.meaning == detail else t.said(detail))
    whole = counted.total()
    lines = counted.most_common()
    rows = [(*line, words[line], n, share(n, whole)) for line, n in lines[:MOST_FAILURES]]
    if rest := sum(n for _, n in lines[MOST_FAILURES:]):
        rows.append((t("others"), Coded("", ""), "", rest, share(rest, whole)))
    head = (t("state"), t("reason"), t("the provider's words"), t("people"), t("share"))
    return Table(t("Failures"), rows, head, numbers=2)


_STATES = {
    "running": mark("running"),
    "finished": mark("finished"),
    "paused": mark("paused"),
    "refused": mark("refused"),
    "failed": mark("failed"),
    "died": mark("died"),
    "unknown": mark("unknown"),
    "undelivered": mark("undelivered"),
    "interrupted": mark("interrupted"),
}
_MODES = {"plan": mark("plan only"), "rehearse": mark("rehearsal"), "live": mark("live")}
