"""
The processes that send what visitors start, as children of the server: closing a page ends none.

Takes campaign parameters and nothing else, from this app's own kernels, over a socket in a folder that
this user alone can open. What they may name is looked at once more in the process, which works within
the limits of a kernel (`smskit.workspace`) and with the operator's settings.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import shutil
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from smskit.errors import GuardRefused, InputError, SmskitError
from smskit.i18n import UNSENT, Message
from smskit.models import Mode
from smskit.planning.spec import CampaignSpec
from smskit.sending.handover import STOP, as_answer

__all__ = ["Senders"]

END_TIMEOUT_S = 60  # longer than any request takes, shorter than systemd waits
_LONGEST = 1 << 20  # bytes of parameters; rules and bindings are a few thousand
_log = logging.getLogger("smskit")


class _Visitor(NamedTuple):
    """Whose kernel it is that has a ticket."""

    environ: Mapping[str, str]
    folder: str


class Senders:
    """
    Args:
        most: How many may send at once.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._folder = Path(tempfile.mkdtemp(prefix="smskit-"))  # 0700
        self._visitors: dict[str, _Visitor] = {}
        self._running: set[asyncio.subprocess.Process] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Server | None = None
        self._ending = False

    def __repr__(self) -> str:
        return f"Senders({len(self._running)} of {self._most})"

    async def listen(self) -> None:
        """Take what kernels hand over, as long as the loop runs."""
        self._listening = await asyncio.start_unix_server(self._serve, self._place, limit=_LONGEST)

    def ticket(self, environ: Mapping[str, str], folder: str) -> str:
        """
        What a kernel needs to hand something over, for its environment.

        Args:
            environ, folder: Those of the processes that then send: as the kernel's own.
        """
        made = secrets.token_urlsafe(24)
        self._visitors[made] = _Visitor(environ, folder)
        return f"{made}@{self._place}"

    def end(self) -> None:
        """Have every process end cleanly, and wait for it: who was not sent to yet stays waiting."""
        self._ending = True
        left = []
        for process in self._running:
            with suppress(ProcessLookupError, psutil.NoSuchProcess):
                left.append(psutil.Process(process.pid))
                process.terminate()
        if left:
            _log.warning("smskit: waiting for %s sends to end; `smskit resume` goes on with them", len(left))
        for late in psutil.wait_procs(left, END_TIMEOUT_S)[1]:
            late.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    # -- inside --------------------------------------------------------------------------

    @property
    def _place(self) -> str:
        return str(self._folder / "send")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Of its own: the page that asked may go at any time, and takes its connection along.
        task = asyncio.ensure_future(self._take(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answer = await self._sent(await reader.readline(), reader)
        except (SmskitError, OSError, ValueError) as error:  # ValueError: a line that is too long
            answer = json.dumps(as_answer(error)).encode()
        with suppress(OSError):
            writer.write(answer + b"\n")
            await writer.drain()
        writer.close()

    async def _sent(self, request: bytes, reader: asyncio.StreamReader) -> bytes:
        visitor, spec = self._understood(request)
        if self._ending or len(self._running) >= self._most:
            why = Message("too many campaigns are being sent at once; wait until one has ended")
            raise GuardRefused(Message(UNSENT, why=why))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "smskit.sending.handed_over"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**visitor.environ, "PYTHONUNBUFFERED": "1"},
            cwd=visitor.folder,
            limit=_LONGEST,
            start_new_session=True,  # Ctrl-C is for the server, which then ends it cleanly
        )
        self._running.add(process)
        listening = asyncio.ensure_future(_stopped(reader, process))
        try:
            told, _ = await process.communicate(json.dumps(spec.model_dump(mode="json")).encode())
        finally:
            listening.cancel()
            self._running.discard(process)
        lines = told.splitlines()
        if process.returncode or not lines:
            raise SmskitError("the process that sends has ended without a word")
        return lines[-1]

    def _understood(self, request: bytes) -> tuple[_Visitor, CampaignSpec]:
        """
        Raises:
            SmskitError: it comes from no kernel of ours, or its parameters are none.
        """
        try:
            asked: dict[str, Any] = json.loads(request)
            visitor, parameters = self._visitors[asked["ticket"]], asked["parameters"]
        except (ValueError, LookupError, TypeError):
            raise InputError("this was not asked by a page of the app") from None
        spec = CampaignSpec.from_data(parameters)
        if spec.mode is Mode.PLAN or not spec.plan_hash:
            raise InputError("only what was confirmed by its plan hash is sent")
        return visitor, spec


async def _stopped(reader: asyncio.StreamReader, process: asyncio.subprocess.Process) -> None:
    """End *process* cleanly when that is asked for; a page that is gone asks for nothing."""
    with suppress(OSError, ProcessLookupError):
        if await reader.readline() == STOP:
            process.terminate()
