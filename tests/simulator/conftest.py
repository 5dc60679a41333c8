"""A running simulator with a clock of our own, and a small client for its Yunpian side."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote_plus, urlsplit

import httpx
import pytest

from smskit.simulator import FaultPlan, Simulator, World
from tests.clock import Clock

KEY = "0123456789abcdef0123456789abcdef"
START = 1_767_225_600.0  # 2026-01-01 08:00:00 in Beijing


class Yun:
    """Posts forms to one simulator; answers ``(status, JSON)``."""

    def __init__(self, url: str, apikey: str = KEY) -> None:
        # No certificates to load for plain HTTP: that would take longer than the tests.
        self.http = httpx.Client(base_url=url, timeout=60, verify=False, trust_env=False)
        self.apikey = apikey

    def raw(self, method: str, **fields: Any) -> httpx.Response:
        return self.http.post(f"/v2/{method}.json", data={"apikey": self.apikey, **fields})

    def __call__(self, method: str, **fields: Any) -> tuple[int, Any]:
        answer = self.raw(method, **fields)
        return answer.status_code, answer.json()

    def ok(self, method: str, **fields: Any) -> Any:
        status, answer = self(method, **fields)
        assert status == 200, answer
        return answer

    def code(self, method: str, **fields: Any) -> int:
        """The code of a refused call."""
        status, answer = self(method, **fields)
        assert status == 400, answer
        assert answer["http_status_code"] == 400
        return int(answer["code"])

    def single(self, mobile: str, text: str, **fields: Any) -> tuple[int, Any]:
        return self("sms/single_send", mobile=mobile, text=text, **fields)

    def multi(self, pairs: dict[str, str], **fields: Any) -> Any:
        texts = ",".join(map(quote_plus, pairs.values()))
        return self.ok("sms/multi_send", mobile=",".join(pairs), text=texts, **fields)


class Receiver:
    """A small server of our own that pushes go to: keeps what comes, and answers what it is told."""

    def __init__(self, answer: bytes) -> None:
        self.status, self.answer = 200, answer
        self.bodies: list[bytes] = []
        self.queries: list[str] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.queries.append(urlsplit(self.path).query)
                receiver.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                self.send_response(receiver.status)
                self.end_headers()
                self.wfile.write(receiver.answer)

            do_GET = do_POST

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/secret-path"

    def __enter__(self) -> Receiver:
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def receiver(request: pytest.FixtureRequest) -> Iterator[Receiver]:
    """A receiver that answers ``TAKEN`` of the test's file."""
    with Receiver(request.module.TAKEN) as made:
        yield made


@pytest.fixture
def clock() -> Clock:
    return Clock(START)


@pytest.fixture
def world(clock: Clock) -> Iterator[World]:
    world = World(clock=clock)
    yield world
    world.close()


@pytest.fixture
def simulator(world: World) -> Iterator[Simulator]:
    with Simulator(world=world) as simulator:
        yield simulator


@pytest.fixture
def yun(simulator: Simulator) -> Iterator[Yun]:
    client = Yun(simulator.url)
    yield client
    client.http.close()


@pytest.fixture
def plan(world: World) -> Callable[..., None]:
    """Replace the fault plan: ``plan(faults=[...], receipts={...})``."""

    def replace(**keys: Any) -> None:
        world.set_faults(FaultPlan.parse(keys))

    return replace
