"""
Several senders of one campaign at once: processes of this machine, or tasks of a Dask cluster.

Each does what ``smskit resume`` does, and takes its people from the ledger: nothing has to be told when one
is lost. Credentials come from the environment of whoever sends, so none is in what a scheduler is told.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack, suppress
from signal import SIGTERM
from typing import Any, NamedTuple

from smskit.errors import CampaignPaused, LedgerLocked, SmskitError, needs_extra
from smskit.i18n import Message
from smskit.ledger import CampaignRow, Ledger
from smskit.models import Mode
from smskit.sending.engine import Progress
from smskit.sending.signals import heard

__all__ = ["Ended", "send_by", "send_share"]

_LOOKS_EVERY_S = 1.0
_PATIENCE_S = 10.0  # with a scheduler that says nothing


class Ended(NamedTuple):
    """How one sender ended; a negative code is the signal that killed it."""

    exit_code: int
    said: str


def send_by(
    ledger: Ledger,
    row: CampaignRow,
    count: int,
    *,
    cluster: str = "",
    progress: Callable[[Progress], None] = lambda _: None,
) -> list[Ended]:
    """
    Have *count* senders send a live campaign, and wait for them.

    SIGTERM and Ctrl-C are handed on to processes; tasks go on without whoever asked for them.

    Args:
        cluster: Address of a Dask scheduler; "" = processes of this machine.

    Raises:
        LedgerLocked: the campaign cannot be shared.
        MissingExtra: Dask is not installed.
    """
    if count > 1 and not (row.mode is Mode.LIVE and ledger.senders.may_share):
        raise LedgerLocked(
            "several senders share a live campaign on a PostgreSQL ledger only; leave out --senders"
        )
    return _by_tasks(cluster, row.name, count) if cluster else _by_processes(ledger, row, count, progress)


def send_share(campaign: str) -> Ended:
    """
    Send a live campaign as one of several, in this process.

    Its ledger and its keys are those of this process's environment.
    """
    from smskit.ledger.opening import open_ledger
    from smskit.sending.session import reopen_campaign

    try:
        ledger = open_ledger(create=False)
        row = ledger.campaigns.get(campaign, Mode.LIVE)
        if row is None:
            return Ended(1, f"campaign {campaign} was never started")
        return Ended(0, str(reopen_campaign(row, ledger=ledger).resume().note))
    except SmskitError as error:
        return Ended(error.exit_code, str(error))


def _by_processes(
    ledger: Ledger, row: CampaignRow, count: int, progress: Callable[[Progress], None]
) -> list[Ended]:
    command = [sys.executable, "-m", "smskit", "resume", row.name, "--mode", str(row.mode)]
    with ExitStack() as stack:
        words = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(count)]
        quiet: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
        senders = [subprocess.Popen(command, stderr=said, **quiet) for said in words]

        def end(*_: Any) -> None:
            for sender in senders:
                sender.send_signal(SIGTERM)

        stack.enter_context(heard(end, SIGTERM))
        for sender in senders:
            while sender.poll() is None:
                try:
                    _wait(sender)
                except KeyboardInterrupt:
                    end()
                counts = ledger.patiently(lambda: ledger.audience.counts(row.id))
                left = counts.waiting + counts.submitting
                progress(Progress(counts.accepted, counts.refused, counts.unknown, left))
        return [Ended(sender.returncode, _last(said)) for sender, said in zip(senders, words, strict=True)]


def _wait(sender: subprocess.Popen[bytes]) -> None:
    with suppress(subprocess.TimeoutExpired):
        sender.wait(_LOOKS_EVERY_S)


def _last(said: Any) -> str:
    said.seek(0)
    lines = said.read().decode(errors="replace").splitlines()
    return next((line for line in reversed(lines) if line.strip()), "")


def _by_tasks(address: str, campaign: str, count: int) -> list[Ended]:
    with needs_extra("large"):
        from distributed import Client
    for name in ("distributed", "distributed.client", "asyncio"):  # what is lost is said below, in a sentence
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    with Client(address) as client:  # type: ignore[no-untyped-call]
        # Not pure, each with a key of its own: the same campaign is sent by several, and again another day.
        keys = [f"smskit-{campaign}-{n}-{uuid.uuid4().hex}" for n in range(count)]
        tasks = [client.submit(send_share, campaign, key=key, pure=False) for key in keys]
        silent_s = 0.0  # the tasks of a scheduler that is lost go on, but nobody hears of them any more
        while silent_s < _PATIENCE_S and not all(task.done() for task in tasks):
            time.sleep(_LOOKS_EVERY_S)
            silent_s = 0.0 if client.status == "running" else silent_s + _LOOKS_EVERY_S
        lost = Ended(CampaignPaused.exit_code, Message("a worker or the scheduler was lost; run it again"))
        return [task.result() if task.status == "finished" else lost for task in tasks]
