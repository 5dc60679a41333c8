"""
Finding the ledger of a project and opening it, once in a process.

What a command needs that only reads, and no more: neither parameters nor providers.
"""

from __future__ import annotations

import logging
import sys
from functools import cache
from pathlib import Path

from smskit.errors import NoLedger
from smskit.i18n import Language, mark
from smskit.ledger import Ledger
from smskit.settings import Environment
from smskit.settings.places import from_project

__all__ = ["ledger_there", "open_ledger"]

_log = logging.getLogger(__name__)


def open_ledger(
    environment: Environment | None = None, *, file: str | Path | None = None, create: bool = True
) -> Ledger:
    """
    The ledger of a project: ``SMSKIT_DATABASE_URL``, else ``smskit.db`` in the project's root.

    >>> import smskit
    >>> ledger = smskit.open_ledger()
    >>> ledger.campaigns.find()  # one row each, oldest first
    []

    Args:
        file: The parameter file whose project is meant; None = the working folder's.
        create: Make one that is not there yet, and say so. What only reads, and a live run, does not: a new
            ledger knows of nobody who was messaged before. One that somebody named exactly is always made.

    Raises:
        NoLedger: there is none, and *create* is False.
        LedgerError: the database cannot be opened.
    """
    environment = environment or Environment()
    if file is not None:
        environment = environment.of_file(Path(file))
    place = environment.ledger_place
    missing = place.missing
    if missing and not place.named and not create:
        raise NoLedger(
            "no ledger was found; looked for {places}. Start where the campaign belongs, name its ledger "
            "in SMSKIT_DATABASE_URL, or make a new one with `smskit init`",
            places=", ".join(map(str, place.looked_at)),
        )
    ledger = _ledger(place.url, environment.ledger_patience_s)
    if missing and place.file is not None:
        language = Language(environment.language if environment.get("SMSKIT_LANG") else "en")
        words = mark("smskit: new ledger {file}")
        # A notebook would show what is logged in red; it is nothing bad.
        if _in_a_kernel():
            print(language(words, file=from_project(place.file)))
        else:
            _log.warning("%s", language(words, file=place.file))
    return ledger


def ledger_there(environment: Environment) -> Ledger | None:
    """The project's ledger; None where there is none yet."""
    try:
        return open_ledger(environment, create=False)
    except NoLedger:
        return None


def _in_a_kernel() -> bool:
    """Whether a notebook's cells run here; a library that imports ipykernel does not make it so."""
    app = sys.modules.get("ipykernel.kernelapp")
    return app is not None and bool(app.IPKernelApp.initialized())


@cache
def _ledger(url: str, patience_s: float) -> Ledger:
    return Ledger(url, patience_s=patience_s)
