"""In ``smskit app`` a send is a process of the server: pages come and go, and it goes on or ends cleanly."""

from __future__ import annotations

import html
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pandas as pd
import pytest

from smskit.errors import CampaignPaused, GuardRefused, InputError, ProviderError, SmskitError
from smskit.i18n import Message
from smskit.ledger import CampaignRow, Ledger, Tally
from smskit.models import Mode
from smskit.sending.handover import _told, as_answer
from tests.app import TOKEN, App, served
from tests.e2e.lab import project_copy

PEOPLE = 30_000  # some seconds of sending
PARAMETERS: dict[str, Any] = {
    "segment": "segments/people.csv",
    "signature": "GrowingIO",
    "template": "你好，拒收请回复R",
    "max_recipients": PEOPLE,
}
_PAGE = "import json, os; print('PAGE' + json.dumps(dict(os.environ)) + 'END')"
# What “Rehearse” does in a page's kernel, as a process that may be killed at any time.
_CLICK = """
import json, sys, time
from smskit.notebook.send_model import SendModel
from smskit.planning.draft import Draft
model = SendModel(Draft(json.loads(sys.argv[1])))
model.planning.want()
model.planning.wait()
model.send(model.confirmation())
while (seen := model.run.look()).phase.is_active:
    print(seen.phase, flush=True)
    time.sleep(0.2)
print(seen.phase, seen.error, flush=True)
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One over a segment of some thousand invented people, with a page that shows its environment."""
    folder = project_copy(tmp_path_factory.mktemp("app") / "project")
    (folder / "segments").mkdir()
    people = {"user_id": range(PEOPLE), "phone": [f"138{n:08}" for n in range(PEOPLE)]}
    pd.DataFrame(people).to_csv(folder / "segments/people.csv", index=False)
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    page = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(_PAGE)], metadata={"kernelspec": kernel})
    nbformat.write(page, folder / "notebooks" / "page.ipynb")
    with served(folder) as running:
        yield running


def kernel_of_a_page(app: App) -> dict[str, str]:
    """The environment that a page's kernel has."""
    with httpx.Client(base_url=app.base, timeout=120, follow_redirects=True) as visitor:
        page = visitor.get("/voila/render/page.ipynb", params={"token": TOKEN})
    found = re.search("PAGE(.*)END", html.unescape(page.text))
    assert found, app.log
    environ: dict[str, str] = json.loads(found[1])
    return environ


def click(environ: dict[str, str], name: str) -> subprocess.Popen[str]:
    """Somebody confirms in a page's kernel."""
    given = json.dumps(PARAMETERS | {"campaign": name})
    return subprocess.Popen(
        [sys.executable, "-c", _CLICK, given], env=environ, stdout=subprocess.PIPE, text=True
    )


def until(true: Callable[[], Any], app: App, *, within_s: float = 120) -> Any:
    """Wait until something is so; what it then is."""
    end = time.monotonic() + within_s
    while not (found := true()):
        assert time.monotonic() < end, app.log
        time.sleep(0.1)
    return found


@cache
def ledger_of(app: App) -> Ledger:
    return Ledger(f"sqlite:///{app.folder / 'smskit.db'}")


def campaign(app: App, name: str) -> CampaignRow | None:
    return ledger_of(app).campaigns.get(name, Mode.REHEARSE)


def counts(app: App, name: str) -> Tally:
    row = campaign(app, name)
    assert row is not None
    return ledger_of(app).audience.counts(row.id)


def is_sending(app: App, name: str) -> bool:
    """Whether some were sent to, and others wait."""
    return campaign(app, name) is not None and 0 < counts(app, name).accepted < PEOPLE


@pytest.mark.kernel
def test_a_send_outlives_its_page(app: App) -> None:
    """The page is closed in the middle: everybody is sent to all the same, and the run is written down."""
    page = click(kernel_of_a_page(app), "closed")
    until(lambda: is_sending(app, "closed"), app)
    page.kill()
    page.communicate()
    until(lambda: (row := campaign(app, "closed")) and row.state == "finished", app)

    assert counts(app, "closed").accepted == PEOPLE
    assert until(
        lambda: [run.state for run in ledger_of(app).runs.find(campaign="closed")] == ["finished"], app
    )


@pytest.mark.kernel
def test_the_panel_follows_and_a_stop_is_clean(app: App) -> None:
    """The page sees it elsewhere; by the ledger any page stops it; it can be gone on with."""
    environ = kernel_of_a_page(app)
    page = click(environ, "stopped")
    until(lambda: is_sending(app, "stopped"), app)
    row = campaign(app, "stopped")
    assert row is not None
    told: list[str] = []
    while "elsewhere" not in told:  # which it sees a moment later
        assert page.stdout is not None
        line = page.stdout.readline()
        assert line, told
        told.append(line.strip())
    ledger_of(app).campaigns.request_stop(row.id)
    told += page.communicate(timeout=60)[0].splitlines()
    left = counts(app, "stopped").waiting
    again = click(environ, "stopped").communicate(timeout=120)[0].splitlines()

    assert {"starting", "elsewhere"} <= set(told)
    assert told[-1].startswith("stopped ")
    assert left > 0
    assert again[-1] == "finished None"
    assert counts(app, "stopped").waiting == 0


@pytest.mark.kernel
def test_only_what_was_confirmed_is_sent(app: App) -> None:
    """Whoever has no ticket, no valid parameters or no plan's hash is refused; limits hold in the process."""
    environ = kernel_of_a_page(app)
    ticket, _, place = environ["SMSKIT_APP_SENDER"].partition("@")
    confirmed = PARAMETERS | {"campaign": "refused", "mode": "rehearse", "plan_hash": "q1"}

    def answer(request: Any) -> str:
        with socket.socket(socket.AF_UNIX) as asked:
            asked.connect(place)
            asked.sendall(json.dumps(request).encode() + b"\n")
            return asked.makefile().readline()

    def refused(**changed: Any) -> str:
        return answer({"ticket": ticket, "parameters": confirmed | changed})

    assert os.stat(Path(place).parent).st_mode & 0o077 == 0
    assert "not asked by a page" in answer({"parameters": confirmed})
    assert "not asked by a page" in answer({"ticket": "guessed", "parameters": confirmed})
    assert "not asked by a page" in answer(["no request"])
    assert "SpecError" in refused(environ={"PATH": "/tmp"})
    assert "plan hash" in refused(plan_hash="")
    assert "plan hash" in refused(mode="plan")
    assert "GuardRefused" in refused()  # another plan than that
    assert "the app reads segments" in refused(segment="/etc/passwd")
    assert campaign(app, "refused") is None


@pytest.mark.kernel
def test_the_end_of_the_server_ends_sends_cleanly(app: App) -> None:
    """Told to end, the server lets its sends end first: paused, nobody unknown, the page told so."""
    page = click(kernel_of_a_page(app), "ended")
    until(lambda: is_sending(app, "ended"), app)
    app.process.terminate()
    app.process.wait(60)
    told = page.communicate(timeout=60)[0].splitlines()
    row = campaign(app, "ended")

    assert row is not None
    assert row.state == "paused"
    assert told[-1].startswith("stopped ")
    assert counts(app, "ended").unknown == 0


@pytest.mark.parametrize(
    "error",
    [
        GuardRefused(Message("nobody is planned")),
        CampaignPaused(Message("stopped by hand")),
        InputError(Message("{file} is a link, which the app does not follow", file="x.csv")),
        ProviderError("not now", provider="yunpian"),
        ValueError("13800138000"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_how_a_run_ended_is_told_in_words(error: Exception) -> None:
    """An error of ours arrives as what it was, in messages; any other by its kind alone."""
    with pytest.raises(SmskitError) as told:
        _told(json.loads(json.dumps(as_answer(error))))

    if isinstance(error, SmskitError):
        assert told.value.message == error.message
        assert type(told.value) in (type(error), SmskitError)
    else:
        assert "ValueError" in str(told.value)
        assert "13800138000" not in str(told.value)
