"""
``make lists``: environment.yml and constraints.txt, made from pyproject.toml.

pyproject.toml is the one list of what smskit needs. environment.yml says the same to
conda; constraints.txt holds the versions of the environment this runs in, which is the
one the tests were run in.
"""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
APP_EXTRAS = ("notebook", "app")  # what somebody who works with the notebooks needs

_ENVIRONMENT = """\
# Made by `make lists` from pyproject.toml, the one list of what smskit needs.
# conda env create -f environment.yml && conda activate smskit
name: smskit
channels:
  - conda-forge
dependencies:
  - python{python}
  - pip
{libraries}
  - pip:
      - --constraint constraints.txt
      - --editable .[all]
"""
_CONSTRAINTS = """\
# Made by `make lists`: the versions the tests were run with, for `pip install -c constraints.txt`.
{versions}
"""


def project(root: Path = ROOT) -> dict[str, Any]:
    """The ``[project]`` table of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    return table


def declared(*extras: str, root: Path = ROOT) -> list[Requirement]:
    """What the core and *extras* themselves name, smskit's own extras left out."""
    found = project(root)
    lines = [*found["dependencies"], *(r for extra in extras for r in found["optional-dependencies"][extra])]
    return [wanted for wanted in map(Requirement, lines) if wanted.name != "smskit"]


def normal(name: str) -> str:
    """A distribution's name as the index compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def environment() -> str:
    """environment.yml: core, notebooks and app. What only some platforms have is left to pip."""
    libraries = sorted(f"{r.name}{_range(r)}" for r in declared(*APP_EXTRAS) if r.marker is None)
    return _ENVIRONMENT.format(
        python=project()["requires-python"], libraries="\n".join(f"  - {library}" for library in libraries)
    )


def constraints() -> str:
    """constraints.txt: whatever ``smskit[dev]`` brings, in the versions that are installed here."""
    found = sorted(installed("smskit", {"dev"}).values(), key=lambda one: normal(one.name))
    versions = [f"{one.name}=={one.version}" for one in found if one.name != "smskit"]
    return _CONSTRAINTS.format(versions="\n".join(versions))


def installed(name: str, extras: set[str]) -> dict[str, Distribution]:
    """Normal name -> distribution, of *name* with *extras* and all it needs on this platform."""
    found: dict[str, Distribution] = {}
    done: set[tuple[str, str]] = set()
    waiting = [(name, extra) for extra in ("", *extras)]
    while waiting:
        name, extra = waiting.pop()
        if (normal(name), extra) in done:
            continue
        done.add((normal(name), extra))
        try:
            one = found.setdefault(normal(name), distribution(name))
        except PackageNotFoundError:
            raise SystemExit(f"{name} is not installed: make .venv/.installed") from None
        for wanted in map(Requirement, one.requires or ()):
            if wanted.marker is None or wanted.marker.evaluate({"extra": extra}):
                waiting += [(wanted.name, more) for more in ("", *wanted.extras)]
    return found


def _range(wanted: Requirement) -> str:
    """``>=6,<7``: lower bound first, as people write it."""
    return ",".join(sorted(map(str, wanted.specifier), key=lambda bound: bound.startswith("<")))


if __name__ == "__main__":
    (ROOT / "environment.yml").write_text(environment(), "utf-8")
    (ROOT / "constraints.txt").write_text(constraints(), "utf-8")
