"""The secret in the path that providers push to: most sign nothing, so who knows the path is believed."""

from __future__ import annotations

import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from smskit.errors import SettingsError
from smskit.files import tighten, writable
from smskit.settings import Environment

__all__ = ["PathSecret", "path_secret"]

_VARIABLE = "SMSKIT_RECEIVE_SECRET"
_LEAST = 16
_FIT = re.compile(rf"[A-Za-z0-9._~-]{{{_LEAST},}}")  # what no proxy and no console writes in another way


@dataclass(frozen=True)
class PathSecret:
    """
    The secret.

    Args:
        file: Where it is kept; None = the environment has it.
        made: It was made up just now.
    """

    value: str = field(repr=False)
    file: Path | None = None
    made: bool = False


def path_secret(environment: Environment, given: str = "") -> PathSecret:
    """
    The one that *given* or the environment names, else the ledger's own, which is made up once.

    Args:
        given: ``env:NAME``; the secret itself would stand in the list of processes.

    Raises:
        SettingsError: it is missing, easily guessed or cannot stand in a path.
    """
    if given and not given.startswith("env:"):
        raise SettingsError(
            "--path-secret takes env:NAME: others of this machine can read what stands in a command"
        )
    name = given.removeprefix("env:") or _VARIABLE
    value = environment.variables.get(name, "") if given else environment.secret(name)
    if value or given:
        return PathSecret(_fit(value, name))
    ledger = environment.ledger_place.file
    if ledger is None:
        raise SettingsError("{variable} is missing; no file lies beside this ledger", variable=name)
    file = ledger.with_name(f"{ledger.name}.receive-secret")
    made = False
    with writable(file):
        with suppress(FileExistsError):
            number = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(number, "w") as new:
                new.write(secrets.token_urlsafe(24))
            made = True
        tighten(file)
        return PathSecret(_fit(file.read_text().strip(), str(file)), file, made)


def _fit(value: str, name: str) -> str:
    if not _FIT.fullmatch(value):
        raise SettingsError("{name} has to be {n} or more letters, digits, - or _", name=name, n=_LEAST)
    return value
