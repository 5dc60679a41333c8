"""What commands print: sentences, counts, runs, plain data, and a bar while something is sent."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from smskit.i18n import Language, mark, shows_any_letter
from smskit.i18n.figures import moment, money, share
from smskit.models import REASONS
from smskit.settings import Environment, is_loopback

if TYPE_CHECKING:
    import pandas as pd

    from smskit.ledger import Ledger, RunRow
    from smskit.models import CheckResult
    from smskit.planning.plan import Plan
    from smskit.reporting.delivery import Overview
    from smskit.sending.receipts import Fetched
    from smskit.sending.receive import Listening, PathSecret
    from smskit.sending.reconcile import Settled

__all__ = [
    "language",
    "print_all",
    "print_approval",
    "print_check",
    "print_counts",
    "print_fetched",
    "print_json",
    "print_lines",
    "print_listening",
    "print_notices",
    "print_overview",
    "print_plan",
    "print_problem",
    "print_received",
    "print_rendered",
    "print_runs",
    "print_undecided",
    "print_unread",
    "progress_bar",
    "say",
    "t",
]

# Counts of a campaign, by the names programs have for them.
_COUNTS = (
    *(mark("waiting"), mark("submitting"), mark("accepted"), mark("refused"), mark("unknown")),
    *(mark("delivered"), mark("undelivered"), mark("awaiting")),
)
# What a round of folding may come to.
_RECEIVED = {
    "delivered": mark("delivered"),
    "undelivered": mark("undelivered"),
    "found": mark("unknown ones found accepted"),
    "repeated": mark("had a report already"),
    "stray": mark("of no message known yet"),
    "replies": mark("replies"),
    "opt_outs": mark("opt-outs"),
}
_OVERVIEW = [
    *("campaign", "mode", "state", "provider", "planned", "waiting", "accepted", "refused", "unknown"),
    *("delivered", "undelivered", "awaiting", "delivery_rate", "opt_out_rate", "cost", "cost_per_delivered"),
    *("started", "series"),
]


def language() -> Language:
    """What commands say things in: the one of ``SMSKIT_LANG``, English where that is not set."""
    environment = Environment()
    return Language(environment.language if environment.get("SMSKIT_LANG") else "en")


def t(text: str, /, **values: Any) -> str:
    """*text*, or a message, in that language."""
    return language()(text, **values)


def say(text: str, /, **values: Any) -> None:
    """Print one sentence."""
    print(t(text, **values))


def print_problem(what: str | BaseException) -> None:
    """Print what went wrong on standard error: a message, or an error."""
    words = language().error(what) if isinstance(what, BaseException) else t(what)
    print(f"smskit: {words}", file=sys.stderr)


def print_remarks(messages: Iterable[str]) -> None:
    """Print what to know besides on standard error, a line each."""
    for message in messages:
        print_problem(message)


def print_lines(messages: Iterable[str]) -> None:
    """Print messages, a line each."""
    for message in messages:
        print(t(message))


class Printable(Protocol):
    """What can be read by people and by programs."""

    def render(self, t: Language) -> str: ...

    def to_data(self) -> dict[str, Any]: ...


def print_rendered(found: Printable) -> None:
    """Print it in the reader's language."""
    print(found.render(language()))


def print_all(found: Sequence[Printable], as_json: bool) -> None:
    """Print all of *found*, as one list of data or one after the other."""
    if as_json:
        print_json([each.to_data() for each in found])
    for each in () if as_json else found:
        print_rendered(each)


def print_runs(ledger: Ledger, rows: Sequence[RunRow], as_json: bool) -> None:
    """Print the records of runs, a line each; times on the clock of the campaign."""
    from smskit.reporting.run_page import time_of
    from smskit.sending.run_record import as_data

    found = [as_data(row) for row in rows]
    if as_json:
        print_json(found)
    for row, run in () if as_json else zip(rows, found, strict=True):
        books = run["books"] or {}
        counts = [f"{t(name)} {books[name]:,}" for name in ("accepted", "waiting", "unknown") if books]
        began = moment(time_of(ledger, row))
        words = [began, t(run["state"]), run["campaign"] or "?", f"({t(run['mode'])})", *counts]
        told = t("hook: {why}", why=run["told"]) if run["told"] else ""
        by = t("by {who}", who=f"{run['user']}@{run['host']}" if run["user"] else run["host"])
        message = language().render(run["message"])
        print("  ".join(w for w in (*words, by, Path(run["file"]).name, message, told) if w))
    if not found and not as_json:
        say("no run yet")


def print_json(data: Any) -> None:
    """Print plain data."""
    print(json.dumps(data, ensure_ascii=not shows_any_letter(sys.stdout), indent=2, default=str))


def print_counts(status: dict[str, Any]) -> None:
    """Print a status as the sums that always balance."""
    from smskit.models import ORDER

    print(f"{status['campaign']} ({t(status['mode'])}, {status['provider']}): {t(status['state'])}")
    left_out = sum(status["excluded"].values())
    if status["read"] is not None:
        words = mark("read {read:,} = ruled out {ruled_out:,} + segment {segment:,}")
        print("  " + t(words, **{name: status[name] for name in ("read", "ruled_out", "segment")}))
    print(
        "  "
        + t(
            "segment {segment:,} = excluded {out:,} + planned {planned:,}",
            segment=status["segment"],
            out=left_out,
            planned=status["planned"],
        )
    )
    for reason in ORDER:  # as they are judged; what was stored as JSON has lost its order
        if count := status["excluded"].get(reason.label):
            print(f"    {_reason(reason.label)} {count:,}")
    print(f"  {t('planned')} = " + _sum(status, _COUNTS[:5], status["planned"]))
    for reason, count in status["stopped"].items():
        print("    " + t("refused, {reason} since the plan {n:,}", reason=_reason(reason), n=count))
    print(f"  {t('accepted')} = " + _sum(status, _COUNTS[5:], status["accepted"]))
    words = mark("{parts:,} parts, about {cost}; plan {hash}")
    print("  " + t(words, parts=status["parts"], cost=money(status["cost"]), hash=status["plan_hash"]))
    approval = status["approval"]
    if approval and (approval["approved_at"] or Environment().get("SMSKIT_REQUIRE_APPROVAL")):
        print("  ", end="")
        print_approval(approval)
    if status["note"]:
        print(f"  {language().render(status['note'])}")


def _reason(name: str) -> str:
    """A reason in words, and the name programs have for it; other steps of a plan as they are."""
    return f"{t(REASONS[name])} ({name})" if name in REASONS else t(name)


def print_approval(approval: Mapping[str, Any]) -> None:
    """Print who planned a plan, and who else has said yes to it."""
    from smskit.reporting.audit import approval_in_words

    print_lines([approval_in_words(approval)])


def _sum(status: Mapping[str, Any], names: Iterable[str], whole: int) -> str:
    def said(n: int) -> str:
        return f"{n:,} ({share(n, whole)})" if n else "0"

    return " + ".join(f"{t(name)} {said(status[name])}" for name in names)


def print_overview(found: Overview, ledger: Ledger, runs: list[RunRow], *, archived: bool) -> None:
    """Print all campaigns as a table, also those that are *archived* where they are wanted, and *runs*."""
    if archived:
        found = found.with_archived
    if found.campaigns:
        print(_overview_table(found).to_string(index=False))
    elif not found.damaged and not found.archived:
        say("no campaign yet; `smskit demo` rehearses one")
        return
    if found.tests:
        say("{n} test sends are left out: `--tests`", n=found.tests)
    if found.archived:
        say("{n} archived campaigns are left out: `--archived`", n=len(found.archived))
    if runs:
        print()
        say("last runs (all: `smskit status --runs`)")
        print_runs(ledger, runs, as_json=False)


def _overview_table(found: Overview) -> pd.DataFrame:
    shown = found.frame[_OVERVIEW]
    written = {name: shown[name].map(share) for name in ("delivery_rate", "opt_out_rate")}
    written |= {name: shown[name].map(money) for name in ("cost", "cost_per_delivered")}
    written |= {str(name): shown[name].map("{:,}".format) for name in shown.select_dtypes("int")}
    written["state"] = shown["state"].where(~found.frame["archived"], shown["state"] + ", archived")
    return shown.assign(**written, started=shown["started"].map("{:%Y-%m-%d %H:%M}".format))


def print_plan(plan: Plan, guards: Sequence[str]) -> None:
    """Print the waterfall of a plan, its cost, and why a run would be refused."""
    steps = plan.waterfall()
    print(steps.assign(step=[_reason(step) for step in steps["step"]]).to_string(index=False), end="\n\n")
    words = mark("{n:,} people, {parts:,} parts, about {cost}; plan hash {hash}")
    say(words, n=plan.planned, parts=plan.total_parts, cost=money(plan.cost), hash=plan.hash)
    print_notices(plan.notices)
    for problem in guards:
        say("a run would be refused: {why}", why=problem)


def print_notices(notices: Iterable[str]) -> None:
    """Print what the reader of a plan should know, a line each."""
    for notice in notices:
        say("notice: {why}", why=notice)


def print_check(result: CheckResult) -> None:
    """Print what a check found, a line each, and whether the account is usable."""
    for f in result.findings:
        good = t("ok ") if f.ok else t("NOT")
        print(f"{good} {t(f.what)}: {f.code} {f.told(language())} {t(f.next_step)}".rstrip())
    say("usable" if result.usable else "not usable")


def print_fetched(fetched: Fetched) -> None:
    """Print what receipts and replies brought."""
    s = fetched.settled
    say(
        "{delivered:,} delivered, {undelivered:,} undelivered, {awaiting:,} awaiting; unknown: {found:,} "
        "were accepted, {refused:,} refused, {never_taken:,} never taken, {unknown:,} still open; "
        "{replies:,} replies, {opt_outs:,} opt-outs",
        awaiting=fetched.awaiting,
        unknown=fetched.unknown,
        **s.counts,
    )
    if s.never_taken:
        say("those never taken wait to be sent: `smskit resume CAMPAIGN`")
    print_undecided(fetched.undecided)
    print_unread(fetched.unread)
    if fetched.likely:
        say(
            "{n} of the unknown were likely accepted: a report for the number has an id that is not ours. "
            "If nothing else sends through the account, say so: `smskit settle CAMPAIGN --accept`",
            n=fetched.likely,
        )
    for problem in s.problems:
        print_problem(problem)


def print_listening(listening: Listening, secret: PathSecret, as_json: bool) -> None:
    """Print where `receive` listens and what to enter at the providers' consoles; on one line as data."""
    if as_json:
        data = {"address": listening.address, "paths": listening.paths, "set_up": listening.set_up}
        print(json.dumps(data), flush=True)
        return
    say("listening on {address}; ends with Ctrl+C or SIGTERM", address=listening.address)
    if secret.file is not None:
        words = mark("the secret was made up, and is kept in {file}")
        say(words if secret.made else "the secret is that of {file}", file=secret.file)
    say("enter at each provider's console, behind the https:// address of your proxy:")
    for name in listening.set_up or listening.paths:
        for path in listening.paths[name].values():
            print(f"  {name}  {path}")
    for name in sorted(listening.paths.keys() - set(listening.set_up)) if listening.set_up else ():
        told = mark("{name} is not set up here: its pages are kept, and `smskit receipts` folds them")
        print("  " + t(told, name=name))
    if not is_loopback(urlsplit(listening.address).hostname or ""):
        say("this is HTTP, which others on the way can read: put a proxy with TLS in front")
    sys.stdout.flush()


def print_received(settled: Settled) -> None:
    """Print what a round of folding came to, with the time."""
    counts = settled.counts
    said = "  ".join(f"{t(words)} {counts[name]:,}" for name, words in _RECEIVED.items() if counts[name])
    if said:
        print(f"{moment(datetime.now().astimezone())}  {said}", file=sys.stderr, flush=True)
    for problem in settled.problems:
        print_problem(problem)


def print_unread(n: int) -> None:
    """Say that *n* pages of reports and replies wait for whoever can read them, if any do."""
    if n:
        say(
            "{n} pages of reports and replies are kept that could not be read: `smskit receipts` tries "
            "again, and says why",
            n=n,
        )


def print_undecided(n: int) -> None:
    """Say that *n* doubtful replies wait for a person, if any do."""
    if n:
        from smskit.reporting.opt_outs import notice_undecided

        print_lines([notice_undecided(n)])


def progress_bar(name: str) -> Any:
    """What shows how far a run is, on a terminal."""
    from tqdm import tqdm

    bar: list[Any] = []

    def show(now: Any) -> None:
        done = now.accepted + now.refused + now.unknown
        if not bar:
            bar.append(tqdm(total=done + now.left, unit="msg", desc=name, disable=not sys.stderr.isatty()))
        bar[0].n = done
        bar[0].refresh()
        if not now.left:
            bar[0].close()

    return show
