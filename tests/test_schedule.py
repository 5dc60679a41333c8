"""When a campaign is to run: the next times, and text for schedulers that means exactly those."""

from __future__ import annotations

import ast
import re
import shlex
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from smskit.errors import InputError
from smskit.i18n import Language
from smskit.planning.schedule import SCHEDULERS, Command, Schedule, text_for

SHANGHAI = "Asia/Shanghai"
ENGLISH = Language("en")
NOW = datetime(2026, 11, 29, 9, 0, tzinfo=UTC)  # a Sunday, 17:00 in Shanghai
COMMAND = Command("/srv/it's 100%/bin/smskit", '/srv/a "b" {{c}} $d', "双十二 'x'.yaml")
SCHEDULES = {
    "monday": Schedule(time(10, 0), SHANGHAI, frozenset({1})),
    "sunday": Schedule(time(17, 30), SHANGHAI, frozenset({7})),
    "weekend": Schedule(time(0, 5), "Europe/Paris", frozenset({6, 7})),
    "daily": Schedule(time(8, 0), "UTC", frozenset(range(1, 8))),
    "once": Schedule(time(10, 0), SHANGHAI, on=date(2026, 12, 12)),
}


def by_cron(fields: str, zone: str, count: int) -> list[datetime]:
    """The next times of five cron fields, minute after minute, as a cron of our own reads them."""

    def fits(field: str, value: int) -> bool:
        return field == "*" or str(value) in field.split(",")

    minute, hour, day, month, weekday = fields.split()
    at, found = NOW, []
    while len(found) < count:
        at += timedelta(minutes=1)
        here = at.astimezone(ZoneInfo(zone))
        parts = (minute, here.minute), (hour, here.hour), (day, here.day), (month, here.month)
        if all(fits(f, v) for f, v in parts) and fits(weekday, here.isoweekday() % 7):
            found.append(here)
    return found


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
def test_cron_means_the_runs_that_are_shown(schedule: Schedule) -> None:
    """What cron makes of the five fields are the next runs a person was shown, in the campaign's zone."""
    runs = schedule.next_runs(NOW)

    assert runs == by_cron(schedule.cron, schedule.zone, len(runs))
    assert len(runs) == (1 if schedule.on else 3)
    assert all(run.utcoffset() == run.astimezone(ZoneInfo(schedule.zone)).utcoffset() for run in runs)


def test_a_day_that_is_over_has_no_run() -> None:
    """Of a date in the past there is nothing to come."""
    assert Schedule(time(10, 0), SHANGHAI, on=date(2026, 11, 29)).next_runs(NOW) == []


@pytest.mark.parametrize("wrong", [{}, {"days": frozenset({1}), "on": date(2026, 12, 12)}, {"days": {8}}])
def test_once_or_weekly(wrong: dict[str, object]) -> None:
    """A schedule has one day or days of the week, not neither, not both."""
    with pytest.raises(InputError):
        Schedule(time(10, 0), SHANGHAI, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
@pytest.mark.parametrize("scheduler", ["Airflow", "Prefect"])
def test_python_for_schedulers(scheduler: str, schedule: Schedule) -> None:
    """Airflow's and Prefect's text is Python, and names program, folder and file whatever they hold."""
    text = text_for(scheduler, schedule, COMMAND, name="双十二 vip-{week}'", t=ENGLISH)
    strings = [
        n.value for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    ]
    command = next(s for s in strings if COMMAND.program in s or "run " in s)

    assert schedule.cron in strings
    assert schedule.zone in strings
    assert "smskit_vip_week" in text
    if scheduler == "Airflow":
        shell = command.removeprefix("{% raw %}").removesuffix("{% endraw %}")
        assert shlex.split(shell) == ["cd", COMMAND.folder, "&&", COMMAND.program, "run", COMMAND.file]
    else:
        assert {COMMAND.program, COMMAND.folder, COMMAND.file} <= set(strings)


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
def test_crontab(schedule: Schedule) -> None:
    """A crontab's line: five fields, then a command whose percent signs cron does not take for newlines."""
    line = text_for("cron", schedule, COMMAND, name="vip", t=ENGLISH).splitlines()[-1]
    fields, rest = line.split(" ", 5)[:5], line.split(" ", 5)[5]
    words = shlex.split(rest.replace(r"\%", "%"))

    assert " ".join(fields) == schedule.cron
    assert not re.search(r"(?<!\\)%", rest)
    assert words[-6:] == ["cd", COMMAND.folder, "&&", COMMAND.program, "run", COMMAND.file]
    assert ("2026-12-12" in rest) == (schedule.on is not None)


def test_systemd_timer() -> None:
    """A service and a timer; the calendar has the campaign's zone, percent and dollar signs are doubled."""
    text = text_for("systemd", SCHEDULES["monday"], COMMAND, name="vip", t=ENGLISH)
    once = text_for("systemd", SCHEDULES["once"], COMMAND, name="vip", t=ENGLISH)

    assert "OnCalendar=Mon *-*-* 10:00:00 Asia/Shanghai" in text
    assert "OnCalendar=2026-12-12 10:00:00 Asia/Shanghai" in once
    assert 'ExecStart="/srv/it\'s 100%%/bin/smskit" run "双十二 \'x\'.yaml"' in text
    assert 'WorkingDirectory=/srv/a "b" {{c}} $d' in text


def test_every_scheduler_has_a_text() -> None:
    """None of those offered is forgotten, and its comments are in the reader's language."""
    english, chinese = (
        [text_for(each, SCHEDULES["daily"], COMMAND, name="x", t=t) for each in SCHEDULERS]
        for t in (ENGLISH, Language("zh"))
    )

    assert all(english)
    assert "elsewhere the machine's clock" in english[0]
    assert not [text for text in chinese if re.search(r"# [A-Z][a-z]+ [a-z]+ ", text)]
