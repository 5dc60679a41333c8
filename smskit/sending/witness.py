"""
What this machine was told by a ledger: one that knows less today is a restored backup, and is not sent from.

Such a ledger, or a standby that lacked the last commits, has people as waiting who were sent to. What was
told last is a number in a file of this person's own, beside all projects; nothing about people is in it.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from smskit.allowed import config_folder
from smskit.errors import GuardRefused, InputError
from smskit.files import write_private
from smskit.i18n import UNSENT, Message
from smskit.ledger import Ledger

__all__ = ["demand_current", "remember"]


def demand_current(ledger: Ledger) -> None:
    """
    Refuse a ledger that has forgotten what it had told.

    Raises:
        GuardRefused: it is older than what was sent from it.
    """
    file = _file(ledger)
    if file is None or ledger.witness.last() >= _read(file):
        return
    why = Message(
        "the ledger is older than what was sent from it: a backup was restored, or a standby lacked the last "
        "commits, and people read as waiting in it who were sent to. docs/postgres.md says what to do first; "
        "after that delete {file}, and run again",
        file=file,
    )
    raise GuardRefused(Message(UNSENT, why=why))


def remember(ledger: Ledger) -> None:
    """Note how far the ledger is; where that cannot be written there is no witness."""
    file = _file(ledger)
    if file is not None:
        last = ledger.witness.last()
        with suppress(InputError):
            if last > _read(file):
                write_private(file, str(last))


def _file(ledger: Ledger) -> Path | None:
    name = ledger.witness.name()
    return config_folder() / "ledgers" / name if name else None


def _read(file: Path) -> int:
    with suppress(OSError, ValueError):
        return int(file.read_text("ascii"))
    return 0
