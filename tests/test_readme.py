"""README and reference say what there is: the first campaign, every command, every setting."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from smskit.cli.commands import app
from smskit.providers import provider_class, provider_names
from smskit.settings import ProviderSettings, variable_of
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text("utf-8")
REFERENCE = (ROOT / "docs" / "reference.md").read_text("utf-8")
MOST_LINES = 120  # of a README: more is for the reference or the guide
# Between `smskit run` or `smskit app` and their own kernels.
INTERNAL = {"SMSKIT_RUN_TOKEN", "SMSKIT_APP_WORKSPACE", "SMSKIT_APP_SENDER", "SMSKIT_OPEN_WITH"}
INHERITED = {variable_of("<p>", name) for name in ProviderSettings.model_fields}


def section(name: str) -> str:
    """A section of the reference, down to the next heading of its level."""
    found = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", REFERENCE, re.DOTALL | re.MULTILINE)
    assert found is not None, name
    return found[1]


def spellings(command: Any) -> Iterator[set[str]]:
    """Of each option of a command, how it may be written; of a group, its commands and their options."""
    several = getattr(command, "commands", {})
    yield from ({name} for name in several)
    for one in (command, *several.values()):
        yield from ({*p.opts, *p.secondary_opts} for p in one.params if p.opts[0].startswith("-"))


def test_the_first_campaign_plans(tmp_path: Path) -> None:
    """The parameter file of the README plans somebody, from the folder the README is in."""
    found = re.search(r"`campaign.yaml`:\n\n```yaml\n(.*?)```", README, re.DOTALL)
    assert found is not None
    file = tmp_path / "campaign.yaml"
    file.write_text(found[1], encoding="utf-8")
    command = [sys.executable, "-m", "smskit", "plan", str(file)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    assert re.search(r"^[1-9]\d* people, ", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_readmes_stay_short(name: str) -> None:
    """A README is read in a few minutes."""
    assert len((ROOT / name).read_text("utf-8").splitlines()) <= MOST_LINES


def test_every_command_is_in_the_reference() -> None:
    """Each command stands in the table with each of its options, and no row names another one."""
    commands = get_command(app).commands  # type: ignore[attr-defined]
    there = {name: list(spellings(command)) for name, command in commands.items()}
    named: dict[str, set[str]] = defaultdict(set)
    for row in re.findall(r"^\| `smskit (.*?) \|", section("Commands"), re.MULTILINE):
        name, *words = re.findall(r"[a-z-]+", row)
        named[name].update(words)
    lost = [(name, ways) for name, several in there.items() for ways in several if not ways & named[name]]
    options = {word for words in named.values() for word in words if word.startswith("-")}

    assert set(named) == set(there)
    assert lost == []
    assert options <= {way for several in there.values() for ways in several for way in ways}


def test_every_setting_is_in_the_reference() -> None:
    """Each variable that the code reads stands in a table; a provider's own on its page."""
    text = section("Settings")
    rows = {name for row in re.findall(r"^\| (`.*?`) \|", text, re.M) for name in re.findall(r"`(.*?)`", row)}
    prefixes = tuple(f"SMSKIT_{name.upper()}_" for name in provider_names())
    read = {
        name
        for path in (ROOT / "smskit").rglob("*.py")
        for name in re.findall(r'"(SMSKIT_[A-Z_]+[A-Z])"', path.read_text("utf-8"))
        if not name.startswith(prefixes)
    }

    assert read - INTERNAL - rows == set()
    assert rows == read - INTERNAL | INHERITED | {n for n in rows if n.startswith("SMSKIT_RUN_")}


def test_every_credential_is_in_the_reference() -> None:
    """The table of providers names each credential."""
    text = section("Providers")
    wanted = [
        variable_of(name, field)
        for name in provider_names()
        for field in provider_class(name).Settings.secret_fields()
    ]

    assert wanted
    assert [name for name in wanted if f"`{name}`" not in text] == []
