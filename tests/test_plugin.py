"""The example plug-in, installed as a customer's would be: its own tests, and a campaign through it."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PLUGIN = ROOT / "examples" / "plugin"
APP, SECRET = "app-0001", "made-up-0123456789"

CAMPAIGN = """
import json, sys
from smskit.models import Mode
from smskit.providers import provider_names
from smskit.sending.receipts import fetch
from smskit.ledger.opening import open_ledger
from smskit.sending.session import open_campaign
from smskit.planning.spec import CampaignSpec

spec = CampaignSpec.from_yaml(sys.argv[1])
campaign = open_campaign(spec)
plan, checked = campaign.plan(), campaign.check()
outcome = campaign.send()
row = open_ledger().campaigns.get(spec.campaign, Mode.LIVE)
fetched = fetch(open_ledger(), [row])
books = open_ledger().audience.counts(row.id)
print(json.dumps({
    "names": provider_names(),
    "planned": plan.planned,
    "usable": checked.usable,
    "state": outcome.state,
    "problems": fetched.settled.problems,
    "books": [books.delivered, books.undelivered, books.refused, books.unknown, books.waiting],
}))
"""


class ExampleServer(ThreadingHTTPServer):
    """The SSP of the example: checks every digest, and counts what it accepted."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.accepted: list[dict[str, str]] = []
        self.requests: list[str] = []
        self.reported = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: ExampleServer

    def do_POST(self) -> None:
        """All its methods."""
        data = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.requests.append(self.path)
        answers = {"/account": self._account, "/send": self._send, "/reports": self._reports}
        content = json.dumps(answers[self.path](data) if self._signed(data) else {"code": "A02"}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _signed(self, data: dict[str, Any]) -> bool:
        sign = data.pop("sign")
        fields = "&".join(f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in sorted(data.items()))
        return data["app"] == APP and sign == hashlib.sha256(f"{fields}&{SECRET}".encode()).hexdigest()

    def _account(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"code": "OK", "left": 100}

    def _send(self, data: dict[str, Any]) -> dict[str, Any]:
        rows = []
        for message in data["messages"]:
            if message["to"].endswith("3"):
                rows.append({"to": message["to"], "code": "N01", "why": "空号"})
                continue
            self.server.accepted.append(message)
            rows.append({"to": message["to"], "code": "OK", "id": f"e{len(self.server.accepted)}"})
        return {"code": "OK", "results": rows[::-1]}

    def _reports(self, _: dict[str, Any]) -> dict[str, Any]:
        rows = [
            {"id": f"e{i}", "to": m["to"], "state": "arrived"} for i, m in enumerate(self.server.accepted, 1)
        ]
        fresh, self.server.reported = [] if self.server.reported else rows, True
        return {"code": "OK", "reports": fresh}

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[ExampleServer]:
    """A running SSP."""
    made = ExampleServer()
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nothing but the plug-in installed in it."""
    folder = tmp_path_factory.mktemp("site")
    if importlib.util.find_spec("hatchling"):
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
        options = ["--no-deps", "--no-build-isolation", "--target", str(folder)]
        subprocess.run([*pip, *options, str(PLUGIN)], check=True, capture_output=True)
    else:
        _unpack(folder)
    return folder


def _unpack(folder: Path) -> None:
    """What pip would leave there, for a machine without the plug-in's build tool."""
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text("utf-8"))["project"]
    (module,) = PLUGIN.glob("*.py")
    (folder / module.name).write_bytes(module.read_bytes())
    info = folder / f"{module.stem}-{project['version']}.dist-info"
    info.mkdir()
    name, version = project["name"], project["version"]
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = [
        f"[{group}]\n" + "".join(f"{point} = {target}\n" for point, target in points.items())
        for group, points in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))


def _python(site: Path, folder: Path, *arguments: str, **environment: str) -> str:
    """Run Python with the plug-in on its path; returns what it printed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"} | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_campaign_through_the_plugin(site: Path, tmp_path: Path, server: ExampleServer) -> None:
    """Installed and named in the parameters is all it takes: plan, check, send, receipts."""
    (tmp_path / "people.csv").write_text(
        "phone,name\n" + "".join(f"1380000000{i},客户{i}\n" for i in range(5)), "utf-8"
    )
    (tmp_path / "campaign.yaml").write_text(
        "{campaign: own, segment: people.csv, user_id: '', provider: example, mode: live, signature: 示例,"
        " template: '您好{name}', variables: {name: name}, message_class: notification}",
        "utf-8",
    )
    printed = _python(
        site,
        tmp_path,
        "-c",
        CAMPAIGN,
        "campaign.yaml",
        SMSKIT_EXAMPLE_APP_ID=APP,
        SMSKIT_EXAMPLE_SECRET=SECRET,
        SMSKIT_EXAMPLE_BASE_URL=server.url,
    )
    said = json.loads(printed.splitlines()[-1])

    assert "example" in said["names"]
    assert (said["planned"], said["usable"], said["state"]) == (5, True, "finished")
    assert said["problems"] == []
    assert said["books"] == [4, 0, 1, 0, 0]
    assert server.requests.count("/send") == 1, "different texts share a request"
    assert sorted((m["to"], m["text"]) for m in server.accepted) == [
        (f"+861380000000{i}", f"【示例】您好客户{i}") for i in (0, 1, 2, 4)
    ]


def test_the_plugins_own_tests(site: Path, tmp_path: Path) -> None:
    """The contract is one command for whoever writes a plug-in, outside of smskit's own source."""
    arguments = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--doctest-modules", str(PLUGIN))
    printed = _python(site, tmp_path, *arguments, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")

    passed = re.search(r"(\d+) passed", printed)

    assert passed
    assert int(passed[1]) > 50


def test_nobody_has_it_by_accident() -> None:
    """Without being installed the example is not registered."""
    from smskit.providers import provider_names

    assert "example" not in provider_names()
