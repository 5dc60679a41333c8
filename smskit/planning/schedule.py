"""
When a campaign is to run by itself: its next runs, what would stop each, and the text schedulers take.

Pure. smskit schedules nothing: the text goes to whoever does, cron, systemd, Airflow or Prefect, and each
of them starts ``smskit run FILE``.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from smskit.errors import InputError
from smskit.i18n import Language, Message, mark
from smskit.planning.occurrence import with_occurrence
from smskit.planning.spec import CampaignSpec

__all__ = ["SCHEDULERS", "Coming", "Command", "Schedule", "coming", "text_for"]

_DAYS_AHEAD = 8  # within which a weekly run comes
_SYSTEMD_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SCHEDULERS: Final = ("cron", "systemd", "Airflow", "Prefect")
_AGAIN: Final = mark("Running again goes on where it stopped; nobody gets a second message.")


class Window(Protocol):
    """When messages may leave."""

    def is_open(self, at: datetime) -> bool: ...


@dataclass(frozen=True)
class Schedule:
    """
    Once, or every week.

    Args:
        at: On the clock of *zone*, to the minute.
        days: ISO weekdays, 1 = Monday; for each week.
        on: The one day instead.
        zone: The campaign's.

    Raises:
        InputError: neither a day nor weekdays, or both.
    """

    at: time
    zone: str
    days: frozenset[int] = frozenset()
    on: date | None = None

    def __post_init__(self) -> None:
        if bool(self.days) == (self.on is not None) or not self.days <= set(range(1, 8)):
            raise InputError("choose a date, or days of the week")

    def next_runs(self, now: datetime, count: int = 3) -> list[datetime]:
        """
        The next *count* starts after *now*, in the schedule's zone; fewer where there are no more.

        A time that a change of clocks skips is the first that follows it.
        """
        zone = ZoneInfo(self.zone)
        here = now.astimezone(zone)
        if self.on is not None:
            days = [self.on]
        else:
            ahead = range(_DAYS_AHEAD * count)
            days = [d for n in ahead if (d := here.date() + timedelta(n)).isoweekday() in self.days]
        starts = (datetime.combine(day, self.at, zone) for day in days)
        # By way of UTC, so that a wall time that does not exist becomes one that does.
        real = (start.astimezone(ZoneInfo("UTC")).astimezone(zone) for start in starts)
        return [start for start in real if start > now][:count]

    @property
    def cron(self) -> str:
        """Its five fields."""
        when = f"{self.at.minute} {self.at.hour}"
        if self.on is not None:
            return f"{when} {self.on.day} {self.on.month} *"
        return f"{when} * * {','.join(str(day % 7) for day in sorted(self.days))}"

    @property
    def on_calendar(self) -> str:
        """How systemd writes it."""
        when = f"{self.at:%H:%M}:00 {self.zone}"
        if self.on is not None:
            return f"{self.on:%Y-%m-%d} {when}"
        return f"{','.join(_SYSTEMD_DAYS[day - 1] for day in sorted(self.days))} *-*-* {when}"


class Coming(NamedTuple):
    """One run to come, under which id, and why it would send nothing; "" = nothing is known against it."""

    at: datetime
    campaign: str
    stopped: str


class Command(NamedTuple):
    """What a scheduler starts: ``smskit run FILE`` in a folder, by the program's whole path."""

    program: str
    folder: str
    file: str

    @property
    def shell(self) -> str:
        """For a shell, quoted."""
        return f"cd {shlex.quote(self.folder)} && {shlex.quote(self.program)} run {shlex.quote(self.file)}"


def coming(
    schedule: Schedule,
    data: Mapping[str, Any],
    now: datetime,
    *,
    window: Window | None,
    is_finished: Callable[[str], bool],
) -> list[Coming]:
    """
    The next runs, and what is known today to stop each of them.

    Args:
        data: Parameters of the campaign, its id with its placeholder.
        window: When its messages may leave; None = always.
        is_finished: Whether a campaign of that id was sent already.

    Raises:
        SpecError: the id has an unknown placeholder.
    """
    spec = CampaignSpec.from_data(with_occurrence(data, now=now))
    found: list[Coming] = []
    for at in schedule.next_runs(now):
        name = str(with_occurrence(data, now=at)["campaign"])
        stopped = ""
        if name in {run.campaign for run in found} or is_finished(name):
            stopped = Message("{campaign} is finished by then: nobody gets a second message", campaign=name)
        elif spec.deadline is not None and at > spec.deadline:
            stopped = Message("later than `not_after`, {at}", at=f"{spec.deadline:%Y-%m-%d %H:%M}")
        elif window is not None and not window.is_open(at):
            words = mark("outside the send window {window}: it waits until it opens")
            if spec.outside_window == "stop":
                words = mark("outside the send window {window}")
            stopped = Message(words, window=window)
        elif spec.plan_hash:
            stopped = Message(
                "people will have changed, and `plan_hash` wants the plan {hash}", hash=spec.plan_hash
            )
        found.append(Coming(at, name, stopped))
    return found


def text_for(scheduler: str, schedule: Schedule, command: Command, *, name: str, t: Language) -> str:
    """
    What *scheduler* takes to start *command* by *schedule*.

    Args:
        scheduler: One of `SCHEDULERS`.
        name: Of the job; only letters, digits and underscores of it are used.
        t: The language of its comments.
    """
    job = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "campaign"
    makers = {"cron": _cron, "systemd": _systemd, "Airflow": _airflow, "Prefect": _prefect}
    return makers[scheduler](schedule, command, f"smskit_{job}", t)


def _cron(schedule: Schedule, command: Command, job: str, t: Language) -> str:
    guard = ""
    if schedule.on is not None:  # cron knows no year
        guard = f'[ "$(TZ={schedule.zone} date +%F)" = {schedule.on:%Y-%m-%d} ] && '
    line = f"{guard}{command.shell}".replace("%", r"\%")
    clock = t("CRON_TZ is cronie's; elsewhere the machine's clock has to be {zone}.", zone=schedule.zone)
    return f"# crontab -e\n# {clock}\nCRON_TZ={schedule.zone}\n{schedule.cron} {line}\n"


def _systemd(schedule: Schedule, command: Command, job: str, t: Language) -> str:
    def quoted(text: str) -> str:
        return (
            '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$") + '"'
        )

    start = " ".join([quoted(command.program), "run", quoted(command.file)])
    folder = command.folder.replace("%", "%%")
    return (
        f"# ~/.config/systemd/user/{job}.service\n"
        f"[Service]\nType=oneshot\nWorkingDirectory={folder}\nExecStart={start}\n\n"
        f"# ~/.config/systemd/user/{job}.timer\n# {t('then:')} systemctl --user enable --now {job}.timer\n"
        f"[Timer]\nOnCalendar={schedule.on_calendar}\nPersistent=false\n\n"
        "[Install]\nWantedBy=timers.target\n"
    )


def _airflow(schedule: Schedule, command: Command, job: str, t: Language) -> str:
    first = schedule.on or date(2026, 1, 1)
    end = "" if schedule.on is None else f"    end_date=pendulum.datetime({_day(first)}, 23, 59, tz=ZONE),\n"
    # Jinja reads a Bash command: what it would fill in is told to be text.
    shell = "{% raw %}" + command.shell + "{% endraw %}"
    return (
        "from datetime import timedelta\n\n"
        "import pendulum\n"
        "from airflow.providers.standard.operators.bash import BashOperator\n"
        "from airflow.sdk import DAG\n"
        "from airflow.timetables.trigger import CronTriggerTimetable\n\n"
        f"ZONE = {schedule.zone!r}\n\n"
        "with DAG(\n"
        f"    dag_id={job!r},\n"
        f"    schedule=CronTriggerTimetable({schedule.cron!r}, timezone=ZONE),\n"
        f"    start_date=pendulum.datetime({_day(first)}, tz=ZONE),\n"
        f"{end}"
        "    catchup=False,\n"
        "    max_active_runs=1,\n"
        "):\n"
        f"    # {t(_AGAIN)}\n"
        "    BashOperator(\n"
        '        task_id="send",\n'
        f"        bash_command={shell!r},\n"
        "        retries=5,\n"
        "        retry_delay=timedelta(minutes=15),\n"
        "    )\n"
    )


def _prefect(schedule: Schedule, command: Command, job: str, t: Language) -> str:
    guard = ""
    if schedule.on is not None:  # a cron schedule knows no year
        guard = f"    if datetime.now(ZoneInfo(ZONE)).date() != date({_day(schedule.on)}):\n        return\n"
    return (
        "import subprocess\n"
        "from datetime import date, datetime\n"
        "from zoneinfo import ZoneInfo\n\n"
        "from prefect import flow\n"
        "from prefect.schedules import Cron\n\n"
        f"ZONE = {schedule.zone!r}\n\n\n"
        f"# {t(_AGAIN)}\n"
        "@flow(retries=5, retry_delay_seconds=15 * 60)\n"
        f"def {job}() -> None:\n"
        f"{guard}"
        f"    command = [{command.program!r}, 'run', {command.file!r}]\n"
        f"    subprocess.run(command, cwd={command.folder!r}, check=True)\n\n\n"
        'if __name__ == "__main__":\n'
        f"    {job}.serve(name={job!r}, schedule=Cron({schedule.cron!r}, timezone=ZONE))\n"
    )


def _day(day: date) -> str:
    return f"{day.year}, {day.month}, {day.day}"
