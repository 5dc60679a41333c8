"""Dependencies: what is imported is declared, each has a reason, the lists made from it are current."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from tests.conftest import ROOT
from tools import lists

# Folders and modules that an extra is for; the rest of the package has to do with the core.
EXTRAS = {
    "audience/segment/files": ("large",),
    "i18n": ("dev",),  # Babel, until the compiled catalogue is in the repository
    "large": ("large",),
    "measuring/statistics": ("measure",),
    "notebook/app": ("notebook", "app"),
    "notebook/panels": ("notebook",),
    "reporting/charts": ("notebook",),
    "sending/fan_out": ("large",),
    "testing": ("dev",),
}
PACKAGE = ROOT / "smskit"
TABLES = {
    "README.md": ("What it stands on", ("notebook", "app", "large", "measure", "postgres")),
    "README.zh.md": ("依赖", ("notebook", "app", "large", "measure", "postgres")),
    "CONTRIBUTING.md": ("Tools", ("docs", "dev")),
}


def imported(path: Path) -> Iterator[str]:
    """Top-level names of what a file imports from elsewhere, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


@cache
def distributions() -> dict[str, set[str]]:
    """Name to import -> normal names of the distributions that bring it."""
    return {module: set(map(lists.normal, names)) for module, names in packages_distributions().items()}


def names(*extras: str) -> set[str]:
    """Normal names of what the core and *extras* declare."""
    return {lists.normal(wanted.name) for wanted in lists.declared(*extras)}


def test_what_is_imported_is_declared() -> None:
    """Each import of the package is declared by the core, or by the extra its folder is for."""
    lost = set()
    for path in PACKAGE.rglob("*.py"):
        inside = path.relative_to(PACKAGE).with_suffix("").as_posix()
        extras = next((e for place, e in EXTRAS.items() if f"{inside}/".startswith(f"{place}/")), ())
        for module in set(imported(path)) - sys.stdlib_module_names - {"smskit"}:
            if not distributions().get(module, {module}) & names(*extras):
                lost.add((inside, module))

    assert sorted(lost) == []


def test_what_is_declared_is_used() -> None:
    """Each library of the core, of notebooks and of the app is imported, or started as a program."""
    # `make lab`; the kernel; by uvicorn; by SQLAlchemy, from an address
    started = {"jupyterlab", "ipykernel", "httptools", "psycopg"}
    used = {d for path in PACKAGE.rglob("*.py") for m in imported(path) for d in distributions().get(m, ())}

    assert names("notebook", "app", "large", "measure", "postgres") - started - used == set()


@pytest.mark.parametrize("page", TABLES)
def test_each_has_its_reason(page: str) -> None:
    """The table names each dependency once, with a reason, and nothing that is not declared."""
    heading, extras = TABLES[page]
    text = (ROOT / page).read_text("utf-8")
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (?!-)(?:`\[\w+\]` )?(.*?) \| (.+) \|$", section, re.MULTILINE)[1:]
    found = [lists.normal(name) for cell, _ in rows for name in cell.split(", ")]
    wanted = names(*extras) - (names() if page == "CONTRIBUTING.md" else set())

    assert sorted(found) == sorted(wanted)


def test_all_is_all() -> None:
    """``[all]`` brings everything to use, ``[dev]`` that and everything to work on it."""
    extras = lists.project()["optional-dependencies"]
    own = {
        name: {e for r in map(Requirement, extras[name]) if r.name == "smskit" for e in r.extras}
        for name in extras
    }

    assert own == {
        "notebook": set(),
        "app": {"notebook"},
        "large": set(),
        "measure": set(),
        "postgres": set(),
        "all": {"app", "large", "measure", "postgres"},
        "docs": set(),
        "dev": {"all", "docs"},
    }


def test_lists_are_current() -> None:
    """environment.yml says what pyproject.toml says."""
    assert (ROOT / "environment.yml").read_text("utf-8") == lists.environment(), "run `make lists`"


def test_constraints_hold_what_is_installed() -> None:
    """Whatever the tests need is pinned, in the version they run with, and pins fit what is declared."""
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pinned = {lists.normal(name): version for name, _, version in (li.partition("==") for li in lines[1:])}
    here = {name: one.version for name, one in lists.installed("smskit", {"dev"}).items() if name != "smskit"}
    declared = lists.declared(*lists.project()["optional-dependencies"])

    assert {name: v for name, v in here.items() if pinned.get(name) != v} == {}, "run `make lists`"
    assert [str(r) for r in declared if not r.specifier.contains(pinned[lists.normal(r.name)])] == []


@pytest.mark.parametrize(
    "name", ["pyproject.toml", "constraints.txt", "environment.yml", "Makefile", ".ci/run"]
)
def test_no_index_is_named(name: str) -> None:
    """Where packages come from is the machine's to say."""
    text = (ROOT / name).read_text("utf-8")

    assert re.findall(r"https?://|--index-url|--extra-index-url|--find-links", text) == []


def test_hooks_use_the_pinned_versions() -> None:
    """What a commit is checked with is what `make check` and CI check with."""
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"][0]["hooks"]
    pins = [pin for hook in hooks for pin in hook.get("additional_dependencies", ())]
    known = (ROOT / "constraints.txt").read_text("utf-8").splitlines()

    assert len(pins) == 3
    assert [pin for pin in pins if pin not in known] == []
