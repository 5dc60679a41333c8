"""
A send that ``smskit app`` runs in a process of its own, so that it outlives the page it was started on.

A page's kernel hands the parameters over a socket that this user alone can open, and is told how it
ended. Leaves to others who listens there (``notebook.app.senders``) and what the process does.
"""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from smskit import errors
from smskit.errors import SmskitError
from smskit.i18n import Message, dumps, loads
from smskit.planning.spec import CampaignSpec
from smskit.settings import APP_SENDER, Environment

__all__ = ["STOP", "Handover", "as_answer", "handover_of"]

STOP = b"stop\n"
_CONNECT_S = 10.0


class Handover:
    """
    The way to the process that sends.

    Args:
        place: The socket.
        ticket: By which the app knows whose kernel this is.
    """

    def __init__(self, place: Path, ticket: str) -> None:
        self._place, self._ticket = place, ticket
        self._asked: socket.socket | None = None
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"Handover({self._place})"

    def send(self, spec: CampaignSpec) -> str:
        """
        Have it sent; blocks until it has ended, and returns what the run said at its end.

        Raises:
            SmskitError: as `Campaign.send` does in that process; or the app could not be asked.
        """
        # In full: what `to_data` leaves out as a default may differ in another process.
        request = {"ticket": self._ticket, "parameters": spec.model_dump(mode="json")}
        try:
            with socket.socket(socket.AF_UNIX) as asked:
                asked.settimeout(_CONNECT_S)
                asked.connect(str(self._place))
                asked.settimeout(None)
                asked.sendall(json.dumps(request).encode() + b"\n")
                self._asked = asked
                with asked.makefile("rb") as answer:
                    line = answer.readline()
        except OSError:
            line = b""
        finally:
            with self._lock:
                self._asked = None
        if not line:
            raise SmskitError(
                "the app has ended; look here again once it runs, and go on with whoever is waiting"
            )
        return _told(json.loads(line))

    def stop(self) -> None:
        """Let it end cleanly."""
        with self._lock, suppress(OSError):  # it has ended just now
            if self._asked is not None:
                self._asked.sendall(STOP)


def handover_of(environment: Environment) -> Handover | None:
    """The way to it, for a kernel of the app; None elsewhere."""
    ticket, _, place = environment.get(APP_SENDER).partition("@")
    return Handover(Path(place), ticket) if place else None


def as_answer(ended: str | BaseException) -> dict[str, Any]:
    """How a run ended, as it is told to whoever handed it over."""
    if not isinstance(ended, BaseException):
        return {"note": dumps(ended)}
    if isinstance(ended, SmskitError):
        return {"kind": type(ended).__name__, "message": dumps(ended.message)}
    # The text of any other error may hold anything.
    return {"kind": type(ended).__name__}


def _told(answer: dict[str, Any]) -> str:
    if "note" in answer:
        return loads(str(answer["note"]))
    kind = getattr(errors, str(answer["kind"]), None)
    if "message" not in answer:
        raise SmskitError(Message("Something went wrong that smskit did not expect ({kind}).", **answer))
    message = loads(str(answer["message"]))
    if isinstance(kind, type) and issubclass(kind, SmskitError):
        with suppress(TypeError):  # it takes more than words
            raise kind(message)
    raise SmskitError(message)
