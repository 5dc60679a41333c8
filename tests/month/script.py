"""
What happens in the simulated month, drawn from a seed: people, campaigns, troubles.

Plain data for the runner, which plays it, and the oracle, which judges what came
of it. Knows nothing of how smskit works.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
FIRST = date(2026, 11, 2)  # a Monday
DAYS = 30
PEOPLE = 260
HOUR = 3600.0
SIGNATURE = "GrowingIO"

Row = dict[str, str]  # a line of a segment file


def at(day: int, hour: float) -> float:
    """Epoch seconds of a local hour of the month's day *day*, counted from 0."""
    midnight = datetime.combine(FIRST + timedelta(days=day), datetime.min.time(), ZONE)
    return midnight.timestamp() + hour * HOUR


@dataclass(frozen=True)
class Series:
    """A repeating campaign, as its owner would describe it."""

    name: str
    provider: str
    marketing: bool
    text: str  # {name}, {value} and {day}, of which {day} is filled in for each occurrence
    every_days: int
    hour: float
    cap: tuple[int, float]  # most messages in that many hours
    window: tuple[float, float] | None  # local hours
    waits: bool = False  # for the window, instead of stopping
    holdout: float = 0.0
    global_holdout: float = 0.0
    canary: float = 0.0  # the share that is sent to first
    canary_wait_hours: float = 2.0  # longer than any receipt takes
    canary_limits: tuple[float, float] = (0.09, 0.07)  # most that may fail, most that may opt out
    template_id: str = ""  # where the provider knows the text, in which the day is one more variable
    lasts_hours: float = 36.0  # from midnight of its day on; a run that starts later is refused

    @property
    def moves_the_clock(self) -> bool:
        """Whether its runs wait for hours, which others that run at the same time would feel as a leap."""
        return self.waits or self.canary > 0

    def takes(self, row: Row, day: int) -> bool:
        """Whether the campaign's rules keep a line."""
        if self.name == "bill":
            return row["due"] == f"d{day % 5}"
        return row["level"] in ("gold", "platinum") if self.name == "weekly-vip" else True


BILL = Series(
    "bill", "chuanglan", False, "{name}，{day}账单{value}元已出，请及时查看", 1, 10.3, (4, 7 * 24.0), None
)
WEEKLY = Series(
    "weekly-vip",
    "yunpian",
    True,
    "{name}，{day}会员周礼遇{value}元已到账。拒收请回复R",
    7,
    10.2,
    (3, 7 * 24.0),
    (9.0, 20.0),
    waits=True,
    holdout=0.2,
    global_holdout=0.1,
)
PROMO = Series(
    "promo",
    "yunpian",
    True,
    "{name}，{day}限时券{value}元，今日可用。拒收请回复R",
    3,
    10.05,
    (2, 96.0),
    (10.0, 19.5),
    holdout=0.15,
    global_holdout=0.1,
)
NEWS = Series(
    "news",
    "tencent",
    True,
    "{name}，{day}新品预售，到店立减{value}元。拒收请回复R",
    4,
    10.4,
    (4, 7 * 24.0),
    (10.0, 19.5),
    global_holdout=0.1,
    canary=0.2,
    template_id="1000001",
)
SERIES = (BILL, WEEKLY, PROMO, NEWS)
SILENT = ("chuanglan", "tencent")  # whose silence about a message does not prove that it was not taken


@dataclass(frozen=True)
class Occurrence:
    """One campaign of a series: what its file says, and the segment it is about."""

    series: Series
    day: int
    rows: tuple[Row, ...] = field(repr=False)  # the whole file, before rules

    @property
    def name(self) -> str:
        """The campaign's id."""
        on = FIRST + timedelta(days=self.day)
        week = f"{on:%G-W%V}"
        return f"{self.series.name}-{week if self.series.every_days == 7 else on.isoformat()}"

    @property
    def said_day(self) -> str:
        """How its text names the day, which no other occurrence of the series does."""
        return f"{FIRST + timedelta(days=self.day):%m月%d日}"

    @property
    def deadline(self) -> float:
        """Epoch seconds after which no run may start."""
        return at(self.day, self.series.lasts_hours)

    def parameters(self, segment: str) -> dict[str, Any]:
        """Its parameter file; *segment* is where its rows are."""
        series, (most, hours) = self.series, self.series.cap
        window = series.window or (0.0, 24.0)
        rules: dict[str, Any] = {
            "bill": {"all": [{"column": "due", "op": "==", "value": f"d{self.day % 5}"}]},
            "weekly-vip": {"all": [{"column": "level", "op": "in", "value": ["gold", "platinum"]}]},
        }
        known = bool(series.template_id)
        failure, opt_out = series.canary_limits
        variables: dict[str, Any] = {"name": "name", "value": "value"}
        return {
            "campaign": self.name,
            "segment": segment,
            "provider": series.provider,
            "signature": SIGNATURE,
            "template": series.text if known else series.text.replace("{day}", self.said_day),
            "template_id": series.template_id,
            "variables": variables | ({"day": {"value": self.said_day}} if known else {}),
            "rules": rules.get(series.name),
            "message_class": "marketing" if series.marketing else "notification",
            "mode": "live",
            "series": series.name,
            "consent": "consent" if series.marketing else "",
            "send_window": "-".join(f"{int(h):02}:{int(h % 1 * 60):02}" for h in window),
            "outside_window": "wait" if series.waits else "stop",
            "timezone": "Asia/Shanghai",
            "not_after": datetime.fromtimestamp(self.deadline, ZONE).isoformat(),
            "frequency_cap": f"{most}/{hours:.0f}h",
            "drift": "allow",  # its people opt out at a rate no real segment sees
            "holdout": series.holdout,
            "global_holdout": series.global_holdout,
            "canary": series.canary,
            "canary_wait": f"{series.canary_wait_hours:.0f}h",
            "canary_max_failure": failure,
            "canary_max_opt_out": opt_out,
        }


@dataclass(frozen=True)
class Trouble:
    """Something that is wrong at the providers for some hours."""

    start: float
    end: float
    kind: str  # "refused", "empty", or of the simulator's fault plan
    provider: str = ""
    rate: float = 1.0


@dataclass(frozen=True)
class Attempt:
    """How one start of an occurrence goes."""

    kind: str  # "here", "child", "killed", "doubled"
    after_accepted: int = 0  # something happens once so many messages of this run were taken
    then: str = ""  # "kill", "unplug", "empty", "reply"


class Script:
    """Everything that is drawn in advance; the runner draws what depends on how things go from `dice`."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.dice = random.Random(seed)
        self._people = [self._person(number) for number in range(PEOPLE)]
        self.blocked = {p["phone"] for p in self.dice.sample(self._people, 5)}  # refused by yunpian itself
        files = [self._segment(day) for day in range(DAYS)]
        self.occurrences = [
            Occurrence(series, day, files[day])
            for day in range(DAYS)
            for series in SERIES
            if day % series.every_days == 0
        ]
        self.starts = {o.name: o_start for o in self.occurrences for o_start in [self._start(o)]}
        self.troubles = self._troubles()
        # (when, how, phones): by hand one at a time, by import many at once.
        self.opt_outs = [
            (at(day, self.dice.uniform(7, 21)), how, self._some_phones(files[day], count))
            for day in range(DAYS)
            for how, count, odds in (("hand", 1, 0.7), ("import", 4, 0.12))
            if self.dice.random() < odds
        ]

    def attempt(self) -> Attempt:
        """Draw how the next start goes."""
        kind = self.dice.choices(["here", "child", "killed", "doubled"], [52, 8, 24, 16])[0]
        count = self.dice.randrange(1, 45)
        if kind == "killed":
            return Attempt(kind, count if self.dice.random() < 0.7 else 0, "kill")
        then = self.dice.choices(["", "unplug", "empty", "reply"], [64, 5, 8, 23])[0]
        return Attempt(kind, count if then else 0, then)

    # -- people ---------------------------------------------------------------------

    def _person(self, number: int) -> dict[str, Any]:
        dice = self.dice
        stays = dice.random() < 0.7
        joins = 0 if stays else dice.randrange(0, DAYS // 2)
        return {
            "user_id": f"u{number:04}",
            "phone": str(13800100000 + 7 * number),
            "name": f"用户{number}",
            "level": dice.choice(["gold", "platinum", "silver", "none"]),
            "due": f"d{dice.randrange(5)}",
            "joins": joins,
            "leaves": DAYS if stays else joins + dice.randrange(5, DAYS),
            "moves": dice.randrange(1, DAYS) if dice.random() < 0.08 else DAYS,  # to another phone
            "agrees": dice.random() < 0.9,
            "changes_mind": dice.randrange(1, DAYS) if dice.random() < 0.1 else DAYS,
            "odd": dice.choices(["", "no phone", "bad phone", "no name", "bracket"], [94, 1, 2, 2, 1])[0],
            "written": dice.choice(["{}", "{}", "+86 {}", "86{}"]),
        }

    def _segment(self, day: int) -> tuple[Row, ...]:
        rows = []
        for number, p in enumerate(self._people):
            if not p["joins"] <= day < p["leaves"]:
                continue
            phone = p["phone"] if day < p["moves"] else str(int(p["phone"]) + 3)
            name = {"no name": "", "bracket": "【贵宾】"}.get(p["odd"], p["name"])
            rows.append(
                {
                    "user_id": p["user_id"],
                    "phone": {"no phone": "", "bad phone": "12345"}.get(p["odd"], p["written"].format(phone)),
                    "name": name,
                    "value": str(50 + (number * 7 + day) % 40),
                    "level": p["level"],
                    "due": p["due"],
                    "consent": "yes" if p["agrees"] != (day >= p["changes_mind"]) else "no",
                }
            )
        self.dice.shuffle(rows)
        # Some stand twice: the same person with another phone, and the same phone with another person.
        for copy in self.dice.sample(rows, 4):
            rows.append(copy | {"phone": str(13900200000 + self.dice.randrange(10000))})
        for copy in self.dice.sample(rows, 4):
            rows.append(copy | {"user_id": f"v{copy['user_id']}"})
        return tuple(rows)

    def _some_phones(self, rows: tuple[Row, ...], count: int) -> list[str]:
        return [row["phone"] for row in self.dice.sample(rows, count) if len(row["phone"]) >= 11]

    # -- times ----------------------------------------------------------------------

    def _start(self, occurrence: Occurrence) -> float:
        """When its scheduler fires: on time, late, as the window closes, at night, or too late altogether."""
        series = occurrence.series
        late = self.dice.choices([0.0, self.dice.uniform(1, 5), 12.5, 26.5], [72, 14, 6, 4])[0]
        if series.window and self.dice.random() < 0.15:
            return at(occurrence.day, series.window[1]) - self.dice.uniform(5, 45)
        return at(occurrence.day, series.hour + late) + self.dice.uniform(0, 60)

    def _troubles(self) -> list[Trouble]:
        dice, made = self.dice, []
        kinds = ["refused", "empty", "http_error", "http_error_after_accept", "throttle"]
        kinds += ["drop_before_accept", "drop_after_accept", "hang_after_accept", "non_json_after_accept"]
        kinds += dice.choices(kinds, k=DAYS // 2 - len(kinds))
        dice.shuffle(kinds)
        for day, kind in zip(sorted(dice.sample(range(DAYS - 1), len(kinds))), kinds, strict=True):
            start = at(day, dice.uniform(8.5, 10.5))
            rate = dice.choice([0.08, 0.3, 1.0]) if kind != "hang_after_accept" else 0.1
            made.append(Trouble(start, start + dice.uniform(1, 4) * HOUR, kind, rate=rate))
        return made
