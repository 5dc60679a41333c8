"""The cron example, run the way cron does: sh, hardly any environment, another folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.examples.conftest import Site, assert_rehearsed

SCRIPT = ROOT / "examples" / "cron" / "weekly_vip.sh"


def run(site: Site, *arguments: str) -> int:
    """Run the script in the folder cron would."""
    return site.run(["/bin/sh", str(SCRIPT), *arguments], cwd=Path("/")).returncode


@pytest.mark.kernel
def test_one_occurrence_is_one_campaign(site: Site) -> None:
    """However often it starts within a week, the occurrence is sent once."""
    first = run(site, "2099-11-16 10:00")  # a Monday to come, so that it is not too late
    second = run(site, "2099-11-22 23:59")

    assert (first, second) == (0, 0)
    assert len(site.executed()) == 2
    assert_rehearsed(site, "weekly-vip-2099-W47")


@pytest.mark.kernel
def test_a_late_run_is_refused(site: Site) -> None:
    """Past ``not_after`` the script exits 3, refused, and nobody is messaged."""
    code = run(site, "2026-11-16 10:00")

    assert code == 3
    assert site.campaigns() == set()


@pytest.mark.parametrize(
    ("at", "week", "not_after"),
    [
        pytest.param("2026-11-16 10:00", "2026-W47", "2026-11-16T12:00", id="on-time"),
        pytest.param("2026-11-16 09:59", "2026-W46", "2026-11-09T12:00", id="before-the-hour"),
        pytest.param("2026-11-16T02:00:00Z", "2026-W47", "2026-11-16T12:00", id="in-another-zone"),
        pytest.param("2026-11-23 09:00", "2026-W47", "2026-11-16T12:00", id="a-week-late"),
        pytest.param("2027-01-03 12:00", "2026-W53", "2026-12-28T12:00", id="week-53"),
        pytest.param("2025-12-29 10:00", "2026-W01", "2025-12-29T12:00", id="week-1-in-december"),
    ],
)
def test_the_week_is_the_one_that_is_due(site: Site, at: str, week: str, not_after: str) -> None:
    """The id is that of the latest Monday 10:00 in Shanghai, whatever the machine's zone."""
    site.environ["TZ"] = "America/New_York"
    told = site.folder / "told"
    fake = site.folder / "bin" / "smskit"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {told}\n')
    fake.chmod(0o755)
    site.environ["SMSKIT_BIN"] = str(fake.parent)
    code = run(site, at)
    arguments = told.read_text().splitlines()

    assert code == 0
    assert arguments[0] == "run"
    assert arguments[2:] == ["--occurrence", week, "--not-after", not_after]


@pytest.mark.kernel
def test_credentials_come_from_a_file(site: Site) -> None:
    """``SMSKIT_ENV_FILE`` is read before the run, and a wrong name stops it."""
    ledger = site.environ.pop("SMSKIT_DATABASE_URL")
    file = site.folder / "smskit.env"
    file.write_text(f"SMSKIT_DATABASE_URL={ledger}\n")
    site.environ["SMSKIT_ENV_FILE"] = str(file)
    good = run(site, "2099-11-16 10:00")
    site.environ["SMSKIT_ENV_FILE"] += ".not"
    bad = run(site, "2099-11-23 10:00")
    site.environ["SMSKIT_DATABASE_URL"] = ledger

    assert good == 0
    assert bad != 0
    assert_rehearsed(site, "weekly-vip-2099-W47")


def test_the_crontab_names_the_script() -> None:
    """The line to copy has five times, and runs the script that is there."""
    (line,) = [
        text
        for text in (SCRIPT.parent / "crontab").read_text("utf-8").splitlines()
        if text and text[0] not in "#" and "=" not in text.split()[0]
    ]

    assert line.split()[:5] == ["*/15", "10-12", "*", "*", "1"]
    assert line.split()[5].endswith("examples/cron/weekly_vip.sh")
    assert shutil.which(str(SCRIPT)), "it can be executed"


def test_the_shared_campaign_is_a_rehearsal() -> None:
    """Whoever copies the examples messages nobody before saying so."""
    shared = yaml.safe_load((ROOT / "examples" / "weekly_vip" / "campaign.yaml").read_text("utf-8"))

    assert shared["mode"] == "rehearse"
    assert shared["campaign"] == "weekly-vip", "without an occurrence, which a scheduler adds"
