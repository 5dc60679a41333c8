"""The picture of the floors, and of which library has which door, kept true by reading every import."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import smskit
from tests.conftest import ROOT

# A module imports from lower floors only, and from its own where `SIDEWAYS` says so. Folders are one entry.
FLOORS = [
    {"language"},
    {"errors", "models"},
    {
        "caps",
        "carriers",
        "charts",
        "credentials",
        "draft",
        "drift",
        "doctor",
        "explore",
        "pacing",
        "parts",
        "persons",
        "phones",
        "plan",
        "policy",
        "rows",
        "preview",
        "rules",
        "sample",
        "segment",
    }
    | {
        "host",
        "occurrence",
        "optout",
        "origin",
        "parameters",
        "settings",
        "signals",
        "spec",
        "template",
        "terms",
        "threads",
        "variables",
    },
    {"ledger", "providers"},
    {"recorder"},
    {"delivery", "engine", "hook", "page", "printed", "reconcile", "report", "runs", "validate"},
    {"campaign", "canary", "explain", "export", "follow_up"},
    {"session"},
    {"accounts", "connector", "desk", "planning", "runner", "scheduled", "tracking"},
    {"widgets"},
    {"app", "cli", "demo", "notebook", "providers_doc", "testing"},
]
SIDEWAYS = {
    "caps": {"spec"},
    "carriers": {"phones"},
    "delivery": {"report"},
    "explore": {"draft", "persons", "phones", "rows", "rules", "segment", "settings"},
    "connector": {"accounts"},
    "credentials": {"settings"},
    "draft": {"occurrence", "settings", "spec"},
    "host": {"settings", "spec"},
    "desk": {"planning", "runner"},
    "doctor": {"parts", "template"},
    "optout": {"template"},
    "printed": {"runs"},
    "origin": {"settings"},
    "parameters": {"phones", "rules", "spec"},
    "plan": {"parts", "persons", "phones", "policy", "rules", "spec", "template", "variables"},
    "policy": {"persons", "spec"},
    "rows": {"phones"},
    "preview": {"parts", "phones", "plan"},
    "page": {"report"},
    "runs": {"report"},
    "sample": {"settings"},
    "spec": {"occurrence", "origin", "variables"},
    "terms": {"spec"},
    "campaign": {"canary"},
    "cli": {"app", "demo", "providers_doc"},
    "drift": {"phones"},
    "explain": {"canary"},
    "demo": {"notebook"},
}
APART = {"simulator": {"errors", "language", "models", "parts"}}  # imported by the two uppermost floors only
DOORS = {
    "aiohttp": {"providers"},
    "altair": {"charts"},
    "httpx": {"hook", "providers", "testing"},
    "ipywidgets": {"widgets"},
    "IPython": {"notebook", "widgets"},
    "keyring": {"credentials", "settings"},
    "nbclient": {"scheduled"},
    "papermill": {"scheduled"},
    "sqlalchemy": {"ledger", "segment", "simulator"},
    "starlette": {"simulator"},
    "typer": {"cli"},
    "uvicorn": {"simulator"},
    "voila": {"app"},
    "vl_convert": {"charts"},
}
PACKAGE = ROOT / "smskit"


def module_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


MODULES = {module_of(p) for p in PACKAGE.rglob("*.py") if not p.stem.startswith("__") or p.parent != PACKAGE}


def imports(path: Path) -> Iterator[str]:
    """Dotted names of everything a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


FOUND = {
    (module_of(path), name)
    for path in PACKAGE.rglob("*.py")
    if module_of(path) in MODULES
    for name in imports(path)
}


def test_imports_go_down() -> None:
    """No module imports one of a higher floor, and on its own floor only those the table names."""
    floor = {module: number for number, modules in enumerate(FLOORS) for module in modules}
    upper = FLOORS[-1] | {"session"}

    def allowed(importer: str, imported: str) -> bool:
        if importer == imported:
            return True
        if importer in APART:
            return imported in APART[importer]
        if imported in APART:
            return importer in upper
        return floor[imported] < floor[importer] or imported in SIDEWAYS.get(importer, ())

    ours = {(a, b.split(".")[1]) for a, b in FOUND if b.startswith("smskit.")}

    assert set(floor) | set(APART) == MODULES, "every module has its floor"
    assert sorted(pair for pair in ours if not allowed(*pair)) == []
    assert {(a, b) for a, more in SIDEWAYS.items() for b in more} <= ours, "the table says more than there is"


def test_libraries_have_their_doors() -> None:
    """Each outside library is imported behind its own door, so that it can be exchanged in one place."""
    through = {(name.split(".")[0], module) for module, name in FOUND}

    assert sorted((lib, module) for lib, module in through if module not in DOORS.get(lib, {module})) == []


def test_public_names() -> None:
    """What smskit offers is this list, by hand and sorted, and every name of it is there."""
    names = [
        "Campaign",
        "CampaignSpec",
        "Draft",
        "Environment",
        "Ledger",
        "Mode",
        "Notebook",
        "Outcome",
        "Plan",
        "Reason",
        "SmskitError",
        "State",
        "Template",
        "__version__",
        "open_campaign",
        "open_connect",
        "open_explore",
        "open_ledger",
        "open_notebook",
        "open_track",
    ]

    assert smskit.__all__ == dir(smskit) == names
    assert [name for name in names if not hasattr(smskit, name)] == []
    assert [n for n in names if n[0] != "_" and getattr(smskit, n).__module__.split(".")[0] != "smskit"] == []
    assert not hasattr(smskit, "campain")


def test_importing_costs_little() -> None:
    """``import smskit`` loads no other module of ours and none of the libraries that take their time."""
    code = "import sys, smskit; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {
        "altair",
        "jupyter_core",
        "IPython",
        "papermill",
        "sqlalchemy",
        "httpx",
        "aiohttp",
        "pandas",
        "pyarrow",
    }
    loaded = set(done.stdout.split())

    assert {name for name in loaded if name.split(".")[0] == "smskit"} == {"smskit"}
    assert loaded & heavy == set()
