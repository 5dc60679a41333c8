"""
Plays a script: one simulator, one ledger on disk, one clock, and processes that are killed.

Writes down what it did and when, and what the simulator took, for the oracle. The
order of things is the script's; how far a run is when it is killed is the machine's.
"""

from __future__ import annotations

import csv
import heapq
import itertools
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from smskit.audience.phones import normalise_one, to_e164
from smskit.errors import SmskitError
from smskit.ledger import CampaignRow, Event, Ledger
from smskit.message.template import Template
from smskit.models import Mode, State
from smskit.planning.spec import CampaignSpec
from smskit.providers import Job
from smskit.providers.tencent import Tencent
from smskit.reporting import frames, report
from smskit.sending.patience import Patience
from smskit.sending.receipts import fetch
from smskit.sending.session import open_campaign
from smskit.sending.unknowns import settle_by_hand
from smskit.settings import Environment
from smskit.simulator import FaultPlan, Simulator, World
from tests import live
from tests.month.clock import SharedClock
from tests.month.diary import Account, Diary, Doubt, OptOut, Run, Taken, Unclear
from tests.month.script import (
    DAYS,
    HOUR,
    NEWS,
    SIGNATURE,
    SILENT,
    Attempt,
    Occurrence,
    Script,
    Trouble,
    at,
)

WAYS = {"bill": live.CHUANGLAN, "weekly-vip": live.SINGLES, "promo": live.MULTI, "news": live.TENCENT}
LATENCY_S = 0.04
TIMEOUT_S = 6.0  # longer than a shared machine stalls: an answer that is merely late is unknown, too
RICH = Decimal(1_000_000)
RECEIPTS = {"delay_s": (60.0, 3600.0), "fail_rate": 0.06, "double_rate": 0.05, "shuffle": True}
PATIENCE = Patience(failures_in_a_row=3, unknown_in_a_row=4)
LONGEST_RUN_S = 90.0
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        *live.PRELOAD,
        "smskit.reporting.report",
        "smskit.providers.chuanglan",
        "smskit.providers.tencent",
        __name__,
    ]
)


def _send(
    parameters: dict[str, Any], environ: dict[str, str], ledger: Ledger, clock: SharedClock
) -> tuple[int, str]:
    campaign = open_campaign(
        CampaignSpec.from_data(parameters),
        environment=Environment(environ),
        ledger=ledger,
        sleep=clock.sleep,
        patience=PATIENCE,
    )
    try:
        outcome = campaign.send()
    except SmskitError as error:
        return error.exit_code, f"{type(error).__name__}: {error}"
    return 0, outcome.note


def _child(parameters: dict[str, Any], environ: dict[str, str], clock: SharedClock) -> None:
    try:
        ledger = Ledger(environ["SMSKIT_DATABASE_URL"], clock=clock.time)
        code, said = _send(parameters, environ, ledger, clock)
    except SmskitError as error:
        code, said = error.exit_code, str(error)
    if code not in (0, 3, 4):
        print(said, file=sys.stderr, flush=True)
    os._exit(code)


def _evidence(event: Event, place: int) -> str:
    facts = event.facts_of(place)
    return " ".join([event.kind, *(facts[name] for name in ("reason", "codes", "details") if facts[name])])


@dataclass
class _Here:
    """A run in a thread of this process; looks like a process that cannot be killed."""

    work: Callable[[], tuple[int, str]]
    exitcode: int | None = None
    said: str = ""

    def start(self) -> None:
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        try:
            code, self.said = self.work()
        except BaseException as error:
            code, self.said = 1, repr(error)
        self.exitcode = code


@dataclass
class _Started:
    occurrence: Occurrence
    attempt: Attempt
    start: float
    taken_before: int
    processes: list[Any] = field(default_factory=list)
    kill_at: float = 0.0  # monotonic
    happened: bool = False

    @property
    def running(self) -> bool:
        return any(process.exitcode is None for process in self.processes)


class Month:
    """One simulated month in *folder*; `play` it once."""

    def __init__(self, script: Script, folder: Path) -> None:
        self.script, self.folder = script, folder
        self.diary = Diary(script.occurrences, script.blocked)
        self.clock = SharedClock.make(folder / "clock", at(0, 6.0))
        self._plan = FaultPlan.model_validate(
            {"seed": script.seed, "latency_s": LATENCY_S, "receipts": RECEIPTS}
        )
        self.world = World(clock=self.clock.time, faults=self._plan)
        self.simulator = Simulator(world=self.world).start()
        self.url = self.simulator.url
        self.ledger = Ledger(f"sqlite:///{folder / 'ledger.db'}", clock=self.clock.time)
        self._accounts = self._open_accounts()
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._numbers = itertools.count()
        self._open_replies: dict[str, list[tuple[str, float]]] = {name: [] for name in self._accounts}
        self._wrong: dict[str, Trouble] = {}  # what is wrong now, by kind

    def close(self) -> None:
        """Give everything back."""
        self.simulator.stop()
        self.world.close()
        self.ledger.close()

    def play(self) -> Diary:
        """The whole month, to its last receipt."""
        for occurrence in self.script.occurrences:
            self._write_segment(occurrence)
            self._plan_for(self.script.starts[occurrence.name], self._begin, occurrence, 0)
        for when, how, phones in self.script.opt_outs:
            self._plan_for(when, self._opt_out, how, phones)
        for trouble in self.script.troubles:
            self._plan_for(
                trouble.start, self._break, trouble.kind, trouble.end - trouble.start, trouble.rate
            )
        for day, hour in itertools.product(range(DAYS), (8.5, 18.4)):
            self._plan_for(at(day, hour), self._fetch)
        while self._events:
            when, _, act, arguments = heapq.heappop(self._events)
            self.clock.advance_to(when)
            act(*arguments)
        self._finish()
        return self.diary

    def _plan_for(self, when: float, act: Callable[..., None], *arguments: Any) -> None:
        heapq.heappush(self._events, (when, next(self._numbers), act, arguments))

    # -- runs -----------------------------------------------------------------------

    def _begin(self, occurrence: Occurrence, tried: int) -> None:
        together = [(occurrence, tried)]
        if self._events:
            when, _, act, arguments = self._events[0]
            # Two campaigns at once, which may want the same people.
            near = act == self._begin and when < self.clock.time() + HOUR / 2
            if near and not any(o.series.moves_the_clock for o in (occurrence, arguments[0])):
                heapq.heappop(self._events)
                together.append(arguments)  # type: ignore[arg-type]
        runs = [self._start(each, self.script.attempt()) for each, _ in together]
        give_up = time.monotonic() + LONGEST_RUN_S
        while any(run.running for run in runs):
            for run in runs:
                self._meddle(run)
            assert time.monotonic() < give_up, f"a run does not end: {runs}"
            time.sleep(0.004)
        for run, (each, count) in zip(runs, together, strict=True):
            self._end(run, each, count)

    def _start(self, occurrence: Occurrence, attempt: Attempt) -> _Started:
        environ = self._environ(WAYS[occurrence.series.name])
        parameters = occurrence.parameters(str(self._segment(occurrence)))
        run = _Started(
            occurrence, attempt, self.clock.time(), self.world.accepted(occurrence.series.provider)
        )
        if attempt.kind == "here":
            run.processes = [_Here(lambda: _send(parameters, environ, self.ledger, self.clock))]
        else:
            arguments = (parameters, environ, self.clock)
            run.processes = [
                _FORKS.Process(target=_child, args=arguments, daemon=True)
                for _ in range(2 if attempt.kind == "doubled" else 1)
            ]
        if attempt.kind == "killed" and not attempt.after_accepted:
            run.kill_at = time.monotonic() + self.script.dice.uniform(0.05, 1.0)
        for process in run.processes:
            process.start()
        return run

    def _meddle(self, run: _Started) -> None:
        """Do to a run what its attempt says, once it is that far."""
        attempt = run.attempt
        if run.happened or not attempt.then or not run.running:
            return
        far = self.world.accepted(run.occurrence.series.provider) - run.taken_before
        due = far >= attempt.after_accepted if attempt.after_accepted else time.monotonic() > run.kill_at
        if not due:
            return
        run.happened = True
        if attempt.then == "kill":
            run.processes[0].kill()
        elif attempt.then == "unplug":
            self._break("refused", 1.5 * HOUR, 1.0)
        elif attempt.then == "empty":
            self._break("empty", 2 * HOUR, 1.0)
        else:
            self._reply(run.occurrence)

    def _end(self, run: _Started, occurrence: Occurrence, tried: int) -> None:
        for process in run.processes:
            if not isinstance(process, _Here):
                process.join()
        if run.happened and run.attempt.then == "kill":
            time.sleep(4 * LATENCY_S)  # what it had sent arrives before time goes on
        self.diary.runs.append(
            Run(
                occurrence.name,
                run.attempt.kind + (f" then {run.attempt.then}" if run.happened else ""),
                run.start,
                self.clock.time(),
                tuple(process.exitcode for process in run.processes),
                tuple(getattr(process, "said", "") for process in run.processes),
            )
        )
        books = self._books(occurrence)
        done = 0 in self.diary.runs[-1].exits and books is not None and not books.unknown
        if not done and books and books.waiting:
            rows = [r for r in occurrence.rows if occurrence.series.takes(r, occurrence.day)]
            phones = [r["phone"] for r in self.script.dice.sample(rows, 3) if len(r["phone"]) >= 11]
            self._opt_out("hand", phones)  # before they are reached, perhaps
        if not done and run.start <= occurrence.deadline and tried < 20:
            self._plan_for(
                self.clock.time() + self.script.dice.uniform(1.6, 3.0) * HOUR,
                self._again,
                occurrence,
                tried + 1,
            )

    def _again(self, occurrence: Occurrence, tried: int) -> None:
        row, books = self._row(occurrence), self._books(occurrence)
        # Every receipt is out after an hour: whoever has none was not taken, so a person may say: send again.
        if row and books.unknown and occurrence.series.provider in SILENT and not self._wrong:
            self._fetch()
            if not self._open_pages and self.script.dice.random() < 0.6:
                settle_by_hand(self.ledger, row, resend=True)
        self._begin(occurrence, tried)

    # -- what people and providers do ----------------------------------------------------

    def _opt_out(self, how: str, phones: list[str]) -> None:
        after = self.clock.time()
        self.ledger.opt_outs.add(sorted(normalise_one(p) for p in phones), source=how)
        self.diary.opt_outs += [OptOut(phone, after, self.clock.time()) for phone in phones]

    def _reply(self, occurrence: Occurrence) -> None:
        """Some whom the run has not reached yet answer an older message, and the replies are fetched."""
        account = self._accounts[occurrence.series.provider]
        rows = [r for r in occurrence.rows if occurrence.series.takes(r, occurrence.day)]
        known = []
        for row in self.script.dice.sample(rows, min(40, len(rows))):
            digits = row["phone"].replace(" ", "").removeprefix("+86")
            if len(digits) >= 11 and account.book.count(int(f"86{digits[-11:]}")):
                known.append(digits[-11:])
        for phone in known[:3]:
            self._open_replies[account.provider].append((phone, self.clock.time()))
            self.world.reply(
                phone, self.script.dice.choice(["TD", "T", "退订", " ｔｄ "]), provider=account.provider
            )
        if known:
            self._fetch(account.provider)

    def _fetch(self, provider: str = "") -> None:
        """As `smskit receipts`."""
        rows = [
            row
            for row in self.ledger.campaigns.find(mode=Mode.LIVE)
            if provider in ("", row.provider) and row.created_at > self.clock.time() - 5 * 24 * HOUR
        ]
        environ: dict[str, str] = {}
        for way in (live.SINGLES, live.CHUANGLAN, live.TENCENT):
            environ |= self._environ(way)
        done = fetch(self.ledger, rows, environment=Environment(environ)).settled
        self._open_pages = bool(done.problems)
        if not done.problems:
            for name in [provider] if provider else list(self._open_replies):
                self.diary.opt_outs += [
                    OptOut(phone, after, self.clock.time()) for phone, after in self._open_replies[name]
                ]
                self._open_replies[name].clear()

    _open_pages = False

    def _break(self, kind: str, lasts: float, rate: float) -> None:
        now = self.clock.time()
        self._mend(kind)
        trouble = self._wrong[kind] = Trouble(now, now + lasts, kind, rate=rate)
        self.diary.troubles.append(trouble)
        if kind == "refused":
            self.simulator.stop()
        elif kind == "empty":
            for account in self._accounts.values():
                account.balance = Decimal(0)
        else:
            more = {"seconds": 1.5 * TIMEOUT_S} if kind == "hang_after_accept" else {}
            faults = [{"kind": kind, "rate": rate, **more}]
            self.world.set_faults(FaultPlan.model_validate(self._plan.model_dump() | {"faults": faults}))
        self._plan_for(now + lasts, self._mend, kind, trouble)

    def _mend(self, kind: str, trouble: Trouble | None = None) -> None:
        current = self._wrong.get(kind)
        if current is None or trouble not in (None, current):
            return
        del self._wrong[kind]
        self.diary.troubles.remove(current)
        self.diary.troubles.append(Trouble(current.start, self.clock.time(), kind, rate=current.rate))
        if kind == "refused":
            port = int(self.url.rsplit(":", 1)[1])
            self.simulator = Simulator(world=self.world, port=port).start()
        elif kind == "empty":
            for account in self._accounts.values():
                account.balance = RICH
        else:
            self.world.set_faults(self._plan)

    # -- the end --------------------------------------------------------------------------

    def _finish(self) -> None:
        for kind in list(self._wrong):
            self._mend(kind)
        for _ in range(2):
            self.clock.advance(2 * HOUR)
            self._fetch()
        for occurrence in self.script.occurrences:
            row, books = self._row(occurrence), self._books(occurrence)
            if row and books.unknown and row.provider in SILENT:
                settle_by_hand(self.ledger, row, resend=False)
                self.diary.given_up.add(occurrence.name)
        receipts = self._plan.receipts
        for line in self.world.messages():
            fate = receipts.outcome(int(line.phone[1:]), line.at)
            assert fate is not None
            self.diary.taken.append(Taken(line.provider, line.phone, line.text, line.at, fate.delivered))
        for occurrence in self.script.occurrences:
            row = self._row(occurrence)
            if row is not None:
                self.diary.accounts[occurrence.name] = self._account_for(row)

    def _account_for(self, row: CampaignRow) -> Account:
        pages = [frame for frame in frames.messages(self.ledger, row, reveal=True) if len(frame)]
        people = pd.concat(pages).astype(object).to_dict("records") if pages else []
        assert row.started_at is not None
        account = Account(report.status(self.ledger, row), people, row.started_at)
        for person in self.script.dice.sample(people, min(5, len(people))):
            account.why[person["user_id"]] = report.why(self.ledger, row, person["user_id"])
        claims: dict[str, float] = {}
        for chunk in self.ledger.audience.states(row.id):
            phones = [to_e164(int(p)) for p in self.ledger.audience.keys(row.id, chunk).phones]
            self._doubts(row.name, chunk, row.id, phones, claims, account.first)
        for person in people:
            person["claimed"] = claims.get(person["phone"]) if person["state"] != "excluded" else None
        return account

    def _doubts(
        self,
        name: str,
        chunk: int,
        row: int,
        phones: list[str],
        claims: dict[str, float],
        first: dict[str, float],
    ) -> None:
        """Fold the ledger's events: when somebody was claimed, to no avail, or with an unknown outcome."""
        for event in self.ledger.audience.events(row, chunk):
            states = np.asarray(event.states)
            for place, (position, state) in enumerate(
                zip(event.positions.tolist(), states.tolist(), strict=True)
            ):
                phone = phones[position]
                if event.kind in ("claim", "opt_out", "frequency_cap"):
                    first.setdefault(phone, event.at)
                if event.kind == "claim":
                    claims[phone] = event.at
                elif state in (State.WAITING, State.REFUSED) and phone in claims:
                    self.diary.doubts.append(
                        Doubt(name, phone, claims.pop(phone), event.at, _evidence(event, place))
                    )
                elif state == State.UNKNOWN:
                    self.diary.unclear.append(Unclear(name, phone, event.at, _evidence(event, place)))

    # -- small ------------------------------------------------------------------------------

    def _open_accounts(self) -> dict[str, Any]:
        common: dict[str, Any] = {"signatures": [SIGNATURE], "echo_uid": True, "send_hours": (0, 24)}
        chuanglan, tencent = live.CHUANGLAN.credentials, live.TENCENT.credentials
        settings = Environment(self._environ(live.TENCENT)).provider("tencent", Tencent.Settings)
        job = Job(Template.parse(NEWS.text, signature=SIGNATURE), NEWS.template_id)
        return {
            "yunpian": self.world.register(
                "yunpian",
                live.YUNPIAN_KEY,
                black_numbers=sorted(self.script.blocked),
                record_lag_s=20.0,
                **common,
            ),
            "chuanglan": self.world.register(
                "chuanglan", chuanglan["ACCOUNT"], secret=chuanglan["PASSWORD"], **common
            ),
            "tencent": self.world.register(
                "tencent",
                tencent["SECRET_ID"],
                secret=tencent["SECRET_KEY"],
                app_id=tencent["APP_ID"],
                templates=[Tencent(settings).approved_form(job)],
                record_lag_s=20.0,
                **common,
            ),
        }

    def _environ(self, way: live.Way) -> dict[str, str]:
        prefix = f"SMSKIT_{way.provider.upper()}_"
        return way.environ(self.url, self.folder) | {
            f"{prefix}TIMEOUT_S": str(TIMEOUT_S),
            f"{prefix}CONCURRENCY": "4" if way is live.SINGLES else "1",
            f"{prefix}BATCH_SIZE": "12",
            f"{prefix}RECORD_LAG_S": "60",  # three times what the simulator needs
            "SMSKIT_HOLDOUT_KEY": "of the month",
            "SMSKIT_RUNS_FOLDER": "off",
        }

    def _segment(self, occurrence: Occurrence) -> Path:
        return self.folder / f"segment-{occurrence.day:02}.csv"

    def _write_segment(self, occurrence: Occurrence) -> None:
        with self._segment(occurrence).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, occurrence.rows[0].keys())
            writer.writeheader()
            writer.writerows(occurrence.rows)

    def _row(self, occurrence: Occurrence) -> CampaignRow | None:
        return self.ledger.campaigns.get(occurrence.name, Mode.LIVE)

    def _books(self, occurrence: Occurrence) -> Any:
        row = self._row(occurrence)
        return self.ledger.audience.counts(row.id) if row else None
