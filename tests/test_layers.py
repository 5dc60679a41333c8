"""The layers of the package and which folder may use which library, by reading every import."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import ROOT

# Lowest first. A folder, or a file at the root, imports only from itself and from those before it.
LAYERS = [
    "i18n",
    "models",
    "errors",
    "files",
    "lean",
    "allowed",
    "settings",
    "workspace",
    "audience",
    "message",
    "providers",
    "planning",
    "ledger",
    "large",
    "reporting",
    "simulator",
    "sending",
    "measuring",
    "notebook",
    "cli",
    "testing",
]
# An outside library that is used in few places, and those places.
DOORS = {
    "alembic": {"ledger"},
    "aiohttp": {"providers"},
    "altair": {"reporting.charts"},
    "anywidget": {"notebook.panels"},
    "dask": {"large.cluster"},
    "distributed": {"large.cluster", "sending.fan_out"},
    "fsspec": {"audience.segment"},
    "httpx": {"sending.notify", "providers", "simulator.push", "testing"},
    "ipywidgets": {"notebook.panels"},
    "IPython": {"notebook"},
    "jupyter_server": {"notebook.app"},
    "keyring": {"providers.credentials", "settings"},
    "nbclient": {"notebook.headless"},
    "papermill": {"notebook.headless"},
    "scipy": {"measuring.statistics"},
    "sqlalchemy": {"ledger", "audience.segment", "simulator"},
    "starlette": {"sending.receive", "simulator"},
    "statsmodels": {"measuring.statistics"},
    "tornado": {"notebook.app"},
    "typer": {"cli"},
    "uvicorn": {"sending.receive", "simulator"},
    "voila": {"notebook.app"},
    "vl_convert": {"reporting.charts"},
}
PACKAGE = ROOT / "smskit"


def module_of(path: Path) -> str:
    """The dotted name of a file of the package, without the package's own."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> Iterator[str]:
    """Dotted names of everything a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


FOUND = [
    (path, name)
    for path in PACKAGE.rglob("*.py")
    if path.parent != PACKAGE or not path.stem.startswith("__")
    for name in imports(path)
]


def test_imports_go_down() -> None:
    """No folder imports from one above it in the list, inside functions and for types neither."""
    upward = sorted(
        f"{path.relative_to(ROOT)}: {name}"
        for path, name in FOUND
        if name.startswith("smskit.")
        and LAYERS.index(name.split(".")[1]) > LAYERS.index(module_of(path).split(".")[0])
    )

    assert {module_of(path).split(".")[0] for path, _ in FOUND} <= set(LAYERS), "every folder has its place"
    assert upward == []


def test_libraries_have_their_doors() -> None:
    """Each outside library is imported in its own place, so that it can be exchanged there."""
    strangers = sorted(
        f"{path.relative_to(ROOT)}: {name}"
        for path, name in FOUND
        for allowed in [DOORS.get(name.split(".")[0])]
        if allowed is not None and not any(f"{module_of(path)}.".startswith(f"{place}.") for place in allowed)
    )

    assert strangers == []


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
        "scipy",
        "statsmodels",
    }
    loaded = set(done.stdout.split())

    assert {name for name in loaded if name.split(".")[0] == "smskit"} == {"smskit"}
    assert loaded & heavy == set()
