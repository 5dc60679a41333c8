"""
``smskit run FILE``: notebook 03 through papermill, for a scheduler that can call a command.

Plain papermill can only say 1; here the kernel's outcome reaches the exit code, taken from
the run's record. Leaves the executed notebook and, written by the kernel, its report. Told to
end (SIGTERM, Ctrl-C), it has the kernel end cleanly, where papermill would be gone at once.
"""

from __future__ import annotations

import logging
import os
import signal
import tempfile
import threading
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psutil

from smskit.errors import LedgerError, SmskitError
from smskit.files import create_private, made_folder, write_private
from smskit.i18n import Message, mark
from smskit.lean import import_jsonschema
from smskit.ledger import Ledger, RunRow
from smskit.ledger.opening import open_ledger
from smskit.ledger.processes import lives
from smskit.notebook.sample import project
from smskit.planning.occurrence import with_occurrence
from smskit.planning.parameter_file import read_file
from smskit.planning.phones_for_tests import in_the_open, references
from smskit.planning.spec import CampaignSpec
from smskit.sending.origin import Origin, origin_of
from smskit.sending.publishing import mark_interrupted, record_refusal
from smskit.sending.session import ledger_of
from smskit.sending.signals import heard
from smskit.settings import Environment
from smskit.settings.places import project_root, start_folder

__all__ = ["execute", "run_file"]

START_TIMEOUT_S = 300  # a busy machine takes its time to start a kernel
END_TIMEOUT_S = 60  # longer than any request takes, shorter than systemd waits

_log = logging.getLogger("smskit")


def run_file(
    file: Path,
    *,
    folder: Path | None = None,
    occurrence: str = "",
    overrides: Mapping[str, Any] | None = None,
) -> RunRow:
    """
    Run a parameter file to its end; returns the run as it was written down, with its exit code.

    Whatever goes wrong after the parameters were understood is in the record, not raised.
    In the main thread SIGTERM and Ctrl-C end the run cleanly, a second one this process at once.

    Args:
        folder: Where the executed notebook and the report go; None = ``runs`` in the project's root.
        occurrence: Of a repeating campaign; "" = this moment's, where the file has a placeholder.
        overrides: Parameters that stand instead of the file's.

    Raises:
        SpecError: the file or an override is refused; nothing was started.
    """
    environment, now = Environment(parameter_file=file.absolute()), datetime.now(UTC)
    origin = Origin(user=origin_of(environment).user, file=str(file.absolute()))
    data: dict[str, Any] = {}
    try:
        data = read_file(file) | dict(overrides or {})
        data = with_occurrence(data, now=now, occurrence=occurrence)
        spec = CampaignSpec.from_data(data, file=None if overrides else file)
    except SmskitError as error:
        # CampaignSnapshot like any other failed run, by whoever looks at the runs on Tuesday.
        _note(error, data, environment, origin)
        raise
    ledger = ledger_of(spec, environment)
    source = project() / "notebooks" / "03_send_campaign.ipynb"
    target = _target(spec, folder, now)
    create_private(target)  # papermill writes into it what people get
    token = uuid.uuid4().hex
    origin = Origin(origin.user, origin.file, str(source), str(target), token)
    failed: BaseException | None = None
    with (
        _announced(origin, ledger_url=environment.database_url),
        _ended_cleanly(ledger, origin.token) as asked,
        _without_numbers(data, spec) as handed,
    ):
        try:
            execute(source, target, handed)
        except SmskitError as error:
            failed = error
    return _outcome(ledger, spec, origin, failed, environment, stopped_by=asked[0] if asked else "")


def execute(source: Path, target: Path, parameters: dict[str, Any]) -> None:
    """
    Run a notebook through papermill.

    Raises:
        SmskitError: a cell failed, or the kernel died or did not start; in one line, without a traceback.
    """
    import_jsonschema()
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError
    from traitlets.config import Config

    config = Config()
    # Files instead of TCP ports between us and the kernel: nothing to warn about.
    config.KernelManager.transport = config.AsyncKernelManager.transport = "ipc"
    try:
        # In a folder of its own: by default they lie in the working folder under the same names for
        # every kernel, and two runs that start together would talk to each other's.
        with tempfile.TemporaryDirectory(prefix="smskit-", ignore_cleanup_errors=True) as sockets:
            config.KernelManager.ip = config.AsyncKernelManager.ip = str(Path(sockets) / "k")
            papermill.execute_notebook(
                str(source),
                str(target),
                parameters=parameters,
                kernel_name="python3",
                progress_bar=False,
                config=config,
                start_timeout=START_TIMEOUT_S,
            )
    except PapermillExecutionError as error:
        words = mark("the notebook failed: {kind}: {why}; look at {file}")
        raise SmskitError(Message(words, kind=error.ename, why=error.evalue, file=target)) from None
    except DeadKernelError:
        raise SmskitError("the notebook's kernel died; look at {file}", file=target) from None
    except (RuntimeError, OSError) as error:  # a kernel that does not start, a full disk
        words = mark("the notebook could not be run: {kind}: {why}")
        raise SmskitError(Message(words, kind=type(error).__name__, why=error)) from None


@contextmanager
def _ended_cleanly(ledger: Ledger, token: str) -> Iterator[list[str]]:
    """While the kernel works, pass a signal that asks us to end on to it; yields the words for it."""
    asked: list[str] = []
    ended = threading.Event()

    def on_signal(number: signal.Signals) -> None:
        if asked:
            os._exit(128 + number)  # the kernel ends itself when we are gone
        asked.append(Message("told to end ({name})", name=number.name))
        threading.Thread(target=_end_kernel, args=(ledger, token, ended, asked[0]), daemon=True).start()

    with heard(on_signal, signal.SIGTERM, signal.SIGINT):
        try:
            yield asked
        finally:
            ended.set()


def _end_kernel(ledger: Ledger, token: str, ended: threading.Event, why: str) -> None:
    """
    Have the kernel of a run end: cleanly while it sends, at once before that; in the end by force.

    Once its run is over the little that is left is waited for. It is known by its run,
    before which it does nothing that would have to be ended.
    """
    _log.warning("smskit: %s; requests on the way are finished first, a second signal ends it at once", why)
    while not ended.wait(0.2):
        with suppress(psutil.NoSuchProcess, LedgerError):  # just gone; just locked
            for row in ledger.runs.find(token=token):
                kernel = psutil.Process(row.pid)
                if row.state == "running":
                    kernel.terminate()
                if not ended.wait(END_TIMEOUT_S) and lives(row.pid, row.process_started):
                    kernel.kill()
                return


def _outcome(
    ledger: Ledger,
    spec: CampaignSpec,
    origin: Origin,
    failed: BaseException | None,
    environment: Environment,
    *,
    stopped_by: str,
) -> RunRow:
    found = ledger.runs.find(token=origin.token)
    if not found:
        error = failed or SmskitError("the notebook ended without a run")
        _note(error, spec.model_dump(mode="json"), environment, origin)
        return ledger.runs.find(token=origin.token)[-1]
    row = found[-1]
    if row.state in ("running", "died"):
        # The kernel is gone (or papermill gave up on it) and could not say so itself.
        return mark_interrupted(ledger, row, environment, told=stopped_by)
    if failed is not None and row.exit_code == 0 and not stopped_by:
        # Something after the sending went wrong that no step of ours saw.
        return ledger.runs.change(row.id, state="failed", exit_code=1, message=Message("a later cell failed"))
    return row


def _note(
    error: BaseException, parameters: Mapping[str, Any], environment: Environment, origin: Origin
) -> None:
    with suppress(LedgerError):  # there is nowhere to write it then; the error itself is what is told
        record_refusal(open_ledger(environment, create=False), error, parameters, environment, origin)


def _target(spec: CampaignSpec, folder: Path | None, now: datetime) -> Path:
    if folder is None:
        folder = (project_root(start_folder()) or start_folder()) / "runs"
    folder = made_folder(folder)
    # Two schedulers may fire in the same second: neither may write over the other's notebook.
    name = f"{spec.campaign}-{spec.mode}-{now.astimezone(spec.zone):%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:4]}"
    return folder.absolute() / f"{name}.ipynb"


@contextmanager
def _without_numbers(data: Mapping[str, Any], spec: CampaignSpec) -> Iterator[dict[str, Any]]:
    """
    *data* to be written into a notebook: dates as text, as papermill reads them, since a notebook is JSON;
    numbers of test phones are in a file meanwhile, and named.
    """
    data = _without_dates(data)
    numbers = in_the_open(spec.test_phones)
    if not numbers:
        yield dict(data)
        return
    with tempfile.TemporaryDirectory(prefix="smskit-", ignore_cleanup_errors=True) as folder:
        file = write_private(Path(folder) / "test_phones.txt", "\n".join(numbers))
        yield {**data, "test_phones": [*references(spec.test_phones), f"file:{file}"]}


def _without_dates(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_dates(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_dates(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value  # a datetime is a date, too


@contextmanager
def _announced(origin: Origin, *, ledger_url: str) -> Iterator[None]:
    """Tell the kernel, which inherits our environment, where it comes from and which ledger is ours."""
    variables = {
        "SMSKIT_DATABASE_URL": ledger_url,
        "SMSKIT_RUN_TOKEN": origin.token,
        "SMSKIT_RUN_FILE": origin.file,
        "SMSKIT_RUN_NOTEBOOK": origin.notebook,
        "SMSKIT_RUN_EXECUTED": origin.executed,
        # Whoever calls a command for it means it to send, also from a terminal in JupyterLab or VS Code.
        "SMSKIT_INTERACTIVE": "0",
    }
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
