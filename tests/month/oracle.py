"""
The judge of the month: plain loops over days, people and messages, written from the promises.

It shares no code with smskit. From the script's inputs, the runner's notes and the
simulator's own record of accepted messages it says, for each line of each segment of
each occurrence, the one end there may be, or the few where an instant decides that
nobody can know (a kill, an opt-out while a plan is made). `verdict` lists whatever
is otherwise; an empty list is agreement on every message sent and not sent.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.month.diary import Account, Diary, OptOut, Run, Taken
from tests.month.script import HOUR, SIGNATURE, ZONE, Occurrence, Row

# How long a claimed message may be on its way, in simulated seconds: a stall of this machine.
ON_ITS_WAY_S = 240.0
# From the look at the window to the claim.
TO_THE_CLAIM_S = 60.0
EPS_S = 0.002
RECEIPTS_OUT_S = 3600.0  # after which every message has its receipt
LEAST_CANARY = 20

End = tuple[str, str]  # state and reason, as `messages` has them
TAKEN = ("delivered", "undelivered")
STANDING = {
    ("planned", ""),
    ("excluded", "global_holdout"),
    ("excluded", "holdout"),
}  # whose copies are copies


def e164(phone: str) -> str:
    """What a cell of a segment means, "" when it is no mainland mobile."""
    digits = re.sub(r"[ +-]", "", phone)
    digits = digits if len(digits) == 13 else f"86{digits}"
    return f"+{digits}" if re.fullmatch(r"861[3-9]\d{9}", digits) else ""


def keys_of(row: Row) -> list[str]:
    """What makes other lines copies of this one: its user and, where it is one, its phone."""
    phone = e164(row["phone"])
    return [f"user {row['user_id']}", *([f"phone {phone}"] if phone else [])]


def said(occurrence: Occurrence, row: Row) -> str:
    """What a line's message says."""
    body = occurrence.series.text.replace("{day}", occurrence.said_day)
    return f"【{SIGNATURE}】" + body.replace("{name}", row["name"]).replace("{value}", row["value"])


@dataclass
class Oracle:
    """Judges one diary."""

    diary: Diary
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        diary = self.diary
        self.by_text: dict[tuple[str, str], Occurrence] = {}
        for occurrence in diary.occurrences:
            start = occurrence.series.text.split("{day}")[1].split("{value}")[0]
            self.by_text[occurrence.said_day, start] = occurrence
        self.sent: dict[tuple[str, str], list[Taken]] = defaultdict(list)
        for taken in diary.taken:
            self.sent[self._occurrence_of(taken.text).name, taken.phone].append(taken)
        self.runs: dict[str, list[Run]] = defaultdict(list)
        for run in diary.runs:
            self.runs[run.name].append(run)
        self.opt_outs: dict[str, list[OptOut]] = defaultdict(list)
        for opt_out in diary.opt_outs:
            self.opt_outs[e164(opt_out.phone)].append(opt_out)
        # What counts for a cap, by phone: (occurrence, claimed, until it was known to be nothing).
        self.claims: dict[str, list[tuple[str, float, float]]] = defaultdict(list)
        for name, account in diary.accounts.items():
            for person in account.people:
                if person["state"] in TAKEN:
                    self.claims[person["phone"]].append((name, person["claimed"], math.inf))
        self.doubts: dict[str, list[tuple[str, float, float]]] = defaultdict(list)
        for doubt in diary.doubts:
            self.doubts[doubt.phone].append((doubt.name, doubt.claimed, doubt.until))
        # Key of a holdout -> person -> whether kept back, as far as it shows.
        self.kept: dict[str, dict[str, bool]] = defaultdict(dict)
        self.canaries: Counter[str] = Counter()

    def verdict(self) -> list[str]:
        """What is not as it must be, a line each."""
        for occurrence in self.diary.occurrences:
            if occurrence.name in self.diary.accounts:
                self._judge(occurrence, self.diary.accounts[occurrence.name])
            elif any(name == occurrence.name for name, _ in self.sent):
                self._complain(occurrence, "", "the ledger does not know it, yet messages were taken")
            self._judge_runs(occurrence)
        self._judge_holdouts()
        self._judge_doubts()
        return self.problems

    def _complain(self, occurrence: Occurrence, who: str, what: str) -> None:
        self.problems.append(f"day {occurrence.day} {occurrence.name} {who}: {what}")

    def _occurrence_of(self, text: str) -> Occurrence:
        found = [o for (day, start), o in self.by_text.items() if f"，{day}{start}" in text]
        assert len(found) == 1, f"a message of no occurrence was taken: {text}"
        return found[0]

    # -- one occurrence -----------------------------------------------------------------

    def _judge(self, occurrence: Occurrence, account: Account) -> None:
        rows = [row for row in occurrence.rows if occurrence.series.takes(row, occurrence.day)]
        froze = [
            r for r in self.runs[occurrence.name] if r.start <= account.frozen_at <= r.end + ON_ITS_WAY_S
        ]
        if not froze:
            self._complain(occurrence, "", "was frozen while it did not run")
            return
        allowed = list(self._planned(occurrence, rows, froze[0].start, account.frozen_at))
        told: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for person in account.people:
            told[person["user_id"], _shown(person["phone"])].append(person)
        reached: set[str] = set()
        for row, ends in allowed:
            same = told[row["user_id"], _shown(e164(row["phone"]) or row["phone"])]
            if not same:
                self._complain(occurrence, row["user_id"], "is nowhere in the books")
                continue
            person = same.pop(0)
            self._judge_person(occurrence, row, person, ends)
            if person["state"] != "excluded":
                reached.add(e164(row["phone"]))
        for (user, _), left in told.items():
            if left:
                self._complain(occurrence, user, "is in the books but not in the segment")
        for name, phone in self.sent:
            if name == occurrence.name and phone not in reached:
                self._complain(occurrence, phone, "was messaged without being planned")
        self._judge_canary(occurrence, account)
        self._judge_books(occurrence, account, rows)

    def _planned(
        self, occurrence: Occurrence, rows: list[Row], start: float, frozen: float
    ) -> Iterator[tuple[Row, set[End]]]:
        """Each line with the ends a plan made between *start* and *frozen* allows; "planned" stays open."""
        alike: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            for key in keys_of(row):
                alike[key].append(row)
        # Phone or user -> whether an earlier line of it maybe (1) or surely (2) has an end of STANDING.
        stands: Counter[str] = Counter()
        for row in rows:
            if not e164(row["phone"]):
                yield row, {("excluded", "bad_phone" if row["phone"].strip() else "no_phone")}
                continue
            copies = [other for key in keys_of(row) for other in alike[key]]
            ends = self._ends_of_plan(occurrence, row, copies, start, frozen)
            if not ends & STANDING:
                yield row, ends
                continue
            user, phone = (stands[key] for key in keys_of(row))
            allowed = ends - STANDING
            here = 2 if not (allowed or phone or user) else 1 if max(phone, user) < 2 else 0
            if phone:
                allowed |= {("excluded", "duplicate_phone")}
            if user and phone < 2:
                allowed |= {("excluded", "duplicate_user")}
            for key in keys_of(row):
                stands[key] = max(stands[key], here)
            yield row, allowed | (ends & STANDING if here else set())

    def _ends_of_plan(
        self, occurrence: Occurrence, row: Row, copies: list[Row], start: float, frozen: float
    ) -> set[End]:
        """The ends of *row* but for being a copy; a no of any of *copies*, itself among them, is its own."""
        series = occurrence.series
        ends: set[End] = set()
        phones = {e164(copy["phone"]) for copy in copies} - {""}
        opt_outs = [opt_out for phone in phones for opt_out in self.opt_outs[phone]]
        if any(o.known <= start for o in opt_outs):
            return {("excluded", "opted_out")}
        if any(o.after <= frozen for o in opt_outs):
            ends.add(("excluded", "opted_out"))
        if series.marketing and any(copy["consent"] != "yes" for copy in copies):
            return ends | {("excluded", "no_consent")}
        had = [self._had(occurrence, phone, start, frozen) for phone in phones]
        if any(low >= series.cap[0] for low, _ in had):
            return ends | {("excluded", "frequency_cap")}
        if any(high >= series.cap[0] for _, high in had):
            ends.add(("excluded", "frequency_cap"))
        if not row["name"]:
            return ends | {("excluded", "missing_variable")}
        if "【" in row["name"] and not series.template_id:  # in a free text it would pass for a signature
            return ends | {("excluded", "bad_variable")}
        if series.global_holdout:
            ends.add(("excluded", "global_holdout"))
        if series.holdout:
            ends.add(("excluded", "holdout"))
        return ends | {("planned", "")}

    def _had(self, occurrence: Occurrence, phone: str, since: float, until: float) -> tuple[int, int]:
        """
        Fewest and most messages of others that count for a cap at some instant between the two times.

        A message counts from its claim on, if it was taken, or until it is known that it was not.
        """
        window = occurrence.series.cap[1] * HOUR
        low = high = 0
        for name, claimed, known in self.claims[phone] + self.doubts[phone]:
            if name == occurrence.name:
                continue
            low += until - window + EPS_S < claimed < since - EPS_S and known > until
            high += since - window - EPS_S < claimed < until + EPS_S and known > since - EPS_S
        return low, high

    # -- its canary --------------------------------------------------------------------------

    def _canary(self, occurrence: Occurrence, account: Account) -> tuple[list[str], float, float]:
        """
        Whose turn came first, as many as a canary is; when it had come for all of them, and for the next.

        There is none when it would be everybody, or when not everybody's turn came.
        """
        planned = sum(p["state"] != "excluded" for p in account.people)
        size = max(math.ceil(planned * occurrence.series.canary), LEAST_CANARY)
        turns = sorted((moment, phone) for phone, moment in account.first.items())
        if not occurrence.series.canary or size >= planned or len(turns) < size:
            return [], math.inf, math.inf
        after = turns[size][0] if len(turns) > size else math.inf
        return [phone for _, phone in turns[:size]], turns[size - 1][0], after

    def _judge_canary(self, occurrence: Occurrence, account: Account) -> None:
        """Nobody else's turn comes before its time, nor when too many of the canary failed or opted out."""
        phones, over, after = self._canary(occurrence, account)
        if not phones:
            return
        self.canaries["held back" if after == math.inf else "went on"] += 1
        if after == math.inf:
            return
        if after < over + occurrence.series.canary_wait_hours * HOUR - EPS_S:
            self._complain(occurrence, "", f"went on {(after - over) / 60:.0f} minutes after its canary")
        if self._is_bad(occurrence, account, after)[0]:
            self._complain(occurrence, "", f"went on at {_clock(after)} though its canary was bad")

    def _is_bad(self, occurrence: Occurrence, account: Account, look: float) -> tuple[bool, bool]:
        """
        Whether the canary was too bad to go on: certainly, at its first look and so at all, and perhaps.

        It may pass at a look of which nothing shows, such as one just before the window closes. What
        failed, or opted out, by the first stays so; *look* is the last.
        """
        phones, over, _ = self._canary(occurrence, account)
        first = over + occurrence.series.canary_wait_hours * HOUR
        states = {p["phone"]: (p["state"], p["reason"]) for p in account.people}
        began = min(account.first[p] for p in phones)
        failed = failed_perhaps = left = left_perhaps = stopped = 0
        for phone in phones:
            taken = [t for t in self.sent.get((occurrence.name, phone), []) if t.at < look]
            stopped += states[phone] in (("refused", "opted_out"), ("refused", "frequency_cap"))
            failed += any(not t.delivered and t.at + RECEIPTS_OUT_S + ON_ITS_WAY_S < first for t in taken)
            failed_perhaps += not any(
                t.delivered and t.at + RECEIPTS_OUT_S + ON_ITS_WAY_S < look for t in taken
            )
            asks = [o for o in self.opt_outs[phone] if o.after < look]
            # Whoever was not reached any more is no answer to the campaign.
            left += bool(taken and asks) and all(began <= o.after and o.known < first for o in asks)
            left_perhaps += bool(asks)
        failure, opt_out = occurrence.series.canary_limits
        if self._was_troubled(over, look):  # its receipts may not have been there to see
            failed, failed_perhaps = 0, len(phones)
        asked = len(phones) - stopped
        certain = failed > failure * len(phones) or left > opt_out * len(phones)
        return certain, failed_perhaps > failure * asked or left_perhaps > opt_out * asked

    def _was_troubled(self, start: float, end: float) -> bool:
        return any(t.start <= end and start <= t.end for t in self.diary.troubles)

    # -- one person ------------------------------------------------------------------------

    def _judge_person(self, occurrence: Occurrence, row: Row, person: dict[str, Any], ends: set[End]) -> None:
        phone, state, reason = e164(row["phone"]), person["state"], person["reason"]
        taken = self.sent.get((occurrence.name, phone), []) if state != "excluded" else []

        def complain(what: str) -> None:
            self._complain(occurrence, f"{row['user_id']} {phone} ({state} {reason})", what)

        planned = state != "excluded"
        if (("planned", "") if planned else (state, reason)) not in ends:
            complain(f"must be one of {sorted(ends)}")
            return
        self._note_holdouts(occurrence, row["user_id"], state, reason)
        if not planned:
            return
        if person["text"] != said(occurrence, row):
            complain("the books have another text")
        if len(taken) > 1:
            complain(f"was messaged {len(taken)} times")
        if (state in TAKEN) != (len(taken) == 1):
            complain(f"the simulator took {len(taken)}")
        elif taken:
            for problem in self._wrong_with_taken(occurrence, row, person, taken[0]):
                complain(problem)
        else:
            problem = self._wrong_with_not_taken(occurrence, row, state, reason)
            if problem:
                complain(problem)

    def _wrong_with_taken(
        self, occurrence: Occurrence, row: Row, person: dict[str, Any], taken: Taken
    ) -> Iterator[str]:
        series, phone, claimed = occurrence.series, taken.phone, person["claimed"]
        if taken.text != said(occurrence, row):
            yield "another text was sent than the plan says"
        if taken.provider != series.provider:
            yield f"went by {taken.provider}"
        if taken.delivered != (person["state"] == "delivered"):
            yield f"the receipt says delivered: {taken.delivered}"
        if not claimed - EPS_S <= taken.at <= claimed + ON_ITS_WAY_S:
            yield f"was claimed at {_clock(claimed)} and taken at {_clock(taken.at)}"
        runs = [r for r in self.runs[occurrence.name] if r.start <= claimed <= r.end]
        if not any(r.start <= occurrence.deadline for r in runs):
            yield f"was claimed at {_clock(claimed)}, when no run was allowed"
        if series.window and not _inside(series.window, claimed, TO_THE_CLAIM_S):
            yield f"was claimed at {_clock(claimed)}, outside the window"
        if series.window and not _inside(series.window, taken.at, ON_ITS_WAY_S):
            yield f"was taken at {_clock(taken.at)}, outside the window"
        if any(o.known < claimed - EPS_S for o in self.opt_outs[phone]):
            yield "had opted out before the claim"
        low, _ = self._had(occurrence, phone, claimed, claimed)
        if low >= series.cap[0]:
            yield f"had {low} messages within the cap's {series.cap[1]:g} hours before the claim"
        if series.provider == "yunpian" and self._is_blocked(phone):
            yield "is a number the provider refuses"

    def _wrong_with_not_taken(self, occurrence: Occurrence, row: Row, state: str, reason: str) -> str:
        phone, runs = e164(row["phone"]), self.runs[occurrence.name]
        last = runs[-1]
        if state == "waiting":
            too_late = last.start > occurrence.deadline and 0 not in last.exits
            return "" if too_late else "waits, though no deadline keeps a run from it"
        if state != "refused":
            return "is not settled"
        if reason == "opted_out":
            asked = any(o.after <= last.end for o in self.opt_outs[phone])
            return "" if asked else "did not opt out"
        if reason == "frequency_cap":
            full = any(
                self._had(occurrence, phone, run.start, run.end)[1] >= occurrence.series.cap[0]
                for run in runs
            )
            return "" if full else "is not at its cap"
        if reason == "given_up":
            return "" if occurrence.name in self.diary.given_up else "nobody gave up"
        if reason == "refused":
            blocked = occurrence.series.provider == "yunpian" and self._is_blocked(phone)
            return "" if blocked else "is no number the provider refuses"
        return "has no reason anybody knows"

    def _is_blocked(self, phone: str) -> bool:
        return phone in {e164(p) for p in self.diary.blocked}

    # -- books, runs ---------------------------------------------------------------------------

    def _judge_books(self, occurrence: Occurrence, account: Account, rows: list[Row]) -> None:
        count: dict[str, int] = defaultdict(int)
        excluded: dict[str, int] = defaultdict(int)
        for person in account.people:
            count[person["state"]] += 1
            if person["state"] == "excluded":
                excluded[person["reason"]] += 1
        told = account.status
        taken = sum(len(t) for (name, _), t in self.sent.items() if name == occurrence.name)
        expected = {
            "segment": len(rows),
            "excluded": dict(excluded),
            "planned": len(account.people) - count["excluded"],
            "waiting": count["waiting"],
            "submitting": 0,
            "accepted": taken,
            "refused": count["refused"],
            "unknown": 0,
            "delivered": count["delivered"],
            "undelivered": count["undelivered"],
            "awaiting": 0,
        }
        for name, value in expected.items():
            if told[name] != value:
                self._complain(occurrence, "", f"status says {name} {told[name]}, it is {value}")
        for user, line in account.why.items():
            states = [p for p in account.people if p["user_id"] == user]
            if not any(p["state"] in line and p["reason"] in line for p in states):
                self._complain(occurrence, user, f"`why` says {line}")

    def _judge_runs(self, occurrence: Occurrence) -> None:
        """A run with nothing in its way serves everybody; none ends in a way that is not foreseen."""
        series = occurrence.series
        for run in self.runs[occurrence.name]:
            if not set(run.exits) <= {0, 3, 4, -9}:
                self._complain(occurrence, "", f"a run ended with {run.exits}: {run.said}")
            late = run.start > occurrence.deadline
            if late and 0 in run.exits and self._left_after(occurrence, run):
                self._complain(occurrence, "", "a run later than `not_after` went ahead")
            troubled = self._was_troubled(run.start, run.end)
            closed = series.window and not (
                _inside(series.window, run.start, 0) and _inside(series.window, run.end, 0)
            )
            free = run.kind in ("here", "child", "doubled") and not (late or troubled or closed)
            account = self.diary.accounts.get(occurrence.name)
            if free and series.canary and account and self._canary(occurrence, account)[1] < run.end:
                free = not self._is_bad(occurrence, account, run.end)[1]
            if free and 0 not in run.exits:
                self._complain(occurrence, "", f"nothing was in the way, yet {run.exits}: {run.said}")

    def _left_after(self, occurrence: Occurrence, run: Run) -> bool:
        return any(
            taken.at >= run.start
            for (name, _), several in self.sent.items()
            if name == occurrence.name
            for taken in several
        )

    # -- holdouts ------------------------------------------------------------------------------

    def _note_holdouts(self, occurrence: Occurrence, user: str, state: str, reason: str) -> None:
        series = occurrence.series
        planned = state != "excluded"
        seen: dict[str, bool] = {}
        if series.global_holdout and (planned or reason in ("holdout", "global_holdout")):
            seen["everything"] = reason == "global_holdout"
        if series.holdout and (planned or reason == "holdout"):
            seen[series.name] = reason == "holdout"
        for key, kept in seen.items():
            if self.kept[key].setdefault(user, kept) != kept:
                self._complain(occurrence, user, f"is kept back from {key} at one time and not at another")

    def _judge_holdouts(self) -> None:
        """The same people each time, about the share that was asked for, others in each series."""
        shares = {s.name: s.holdout for o in self.diary.occurrences for s in [o.series] if s.holdout}
        shares["everything"] = max(o.series.global_holdout for o in self.diary.occurrences)
        for key, share in shares.items():
            people = self.kept[key]
            kept, spread = sum(people.values()), math.sqrt(len(people) * share * (1 - share))
            if abs(kept - share * len(people)) > 3.5 * spread:
                self.problems.append(f"{kept} of {len(people)} people are kept back from {key}, not {share}")
        promo, weekly = self.kept["promo"], self.kept["weekly-vip"]
        both = [user for user in weekly if user in promo]
        if both and all(promo[user] for user in both if weekly[user]):
            self.problems.append("the holdout of one series is part of another's")

    def _judge_doubts(self) -> None:
        """An outcome is unknown, or long in coming, only after a kill or while a provider was in trouble."""
        # (since, until): a request may have left just before the provider went away.
        doubts = [
            (d.name, d.phone, d.claimed, d.claimed + ON_ITS_WAY_S, f"known {_clock(d.until)}: {d.why}")
            for d in self.diary.doubts
            if d.until > d.claimed + ON_ITS_WAY_S
        ]
        for name, phone, since, until, why in doubts + [
            (u.name, u.phone, u.at, u.at, u.why) for u in self.diary.unclear
        ]:
            killed = any(-9 in run.exits and run.start <= until for run in self.runs[name])
            troubled = any(t.start <= until and since <= t.end + ON_ITS_WAY_S for t in self.diary.troubles)
            if not killed and not troubled:
                self.problems.append(f"{name} {phone}: unknown since {_clock(since)} without a cause ({why})")


def _shown(phone: str) -> str:
    return phone if phone.startswith("+") else ""


def _inside(window: tuple[float, float], moment: float, slack_s: float) -> bool:
    local = datetime.fromtimestamp(moment, ZONE)
    hour = local.hour + local.minute / 60 + local.second / 3600 + local.microsecond / 3.6e9
    return window[0] <= hour < window[1] + slack_s / HOUR


def _clock(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, ZONE):%m-%d %H:%M:%S}"
