"""The server: quick to start, clean to stop, loopback only; and its control routes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from smskit.errors import InputError, SettingsError
from smskit.simulator import Simulator, World, greeting, serve
from tests.control import control_of

A, TEXT = "13800000000", "【示例】你好"


def test_it_starts_at_once_and_stops_clean() -> None:
    """Up, down, and up again at the same address."""
    simulator = Simulator()
    with simulator:
        url = simulator.url
        with control_of(simulator) as control:
            assert control.get("/").status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(url + "/_simulator/")
    with simulator:
        assert simulator.url == url
        with control_of(simulator) as control:
            assert control.get("/").status_code == 200


@pytest.mark.timeout(300)  # the calls would take 600 s
def test_it_stops_while_calls_hang(world: World, plan: Callable[..., None]) -> None:
    """Hanging and slow calls are dropped on stop, and do not hold it up."""
    plan(
        faults=[
            {"kind": "hang_after_accept", "count": 1, "seconds": 600},
            {"kind": "slow", "count": 1, "seconds": 600, "endpoint": "user_get"},
        ]
    )
    simulator = Simulator(world=world).start()
    errors: list[Exception] = []

    def call(path: str, **fields: str) -> None:
        try:
            httpx.post(f"{simulator.url}/v2/{path}.json", data={"apikey": "0" * 32, **fields}, timeout=600)
        except httpx.HTTPError as exc:
            errors.append(exc)

    callers = [
        threading.Thread(target=call, args=("sms/single_send",), kwargs={"mobile": A, "text": TEXT}),
        threading.Thread(target=call, args=("user/get",)),
    ]
    for caller in callers:
        caller.start()
    while not world.accepted() or "slow" not in world.tally.as_dict():
        time.sleep(0.01)
    simulator.stop()
    for caller in callers:
        caller.join(60)

    assert [type(e) for e in errors] == [httpx.RemoteProtocolError] * 2
    assert world.accepted() == 1


@pytest.mark.parametrize("host", ["0.0.0.0", "10.0.0.1", "example.com", "::"])
def test_it_serves_this_machine_only(host: str) -> None:
    """Any address but loopback is refused."""
    with pytest.raises(SettingsError, match="this machine only"):
        Simulator(host=host)


def test_a_taken_port_is_named(simulator: Simulator) -> None:
    """The error names the port; asking for the address before the start is an error too."""
    port = int(simulator.url.rpartition(":")[2])

    with pytest.raises(SettingsError, match=str(port)):
        Simulator(port=port).start()
    with pytest.raises(SettingsError, match="not running"):
        _ = Simulator().url


def test_unknown_paths_are_404(simulator: Simulator) -> None:
    """What no provider serves is not found."""
    assert httpx.post(simulator.url + "/v2/sms/send.json").status_code == 404


def test_the_greeting_tells_the_environment() -> None:
    """Each provider's variables are printed with the address filled in."""
    lines = greeting("http://127.0.0.1:1", "abc")

    assert lines[0] == "simulator at http://127.0.0.1:1"
    assert {"SMSKIT_YUNPIAN_BASE_URL=http://127.0.0.1:1", "SMSKIT_SIMULATOR_TOKEN=abc"} <= set(lines)
    assert any(line.startswith("SMSKIT_YUNPIAN_API_KEY=") for line in lines)


def test_the_greeting_tells_the_key_that_is_accepted() -> None:
    """A credential of the environment becomes the simulator's, so it is said; addresses are its own."""
    known = {"SMSKIT_YUNPIAN_API_KEY": "f" * 32, "SMSKIT_YUNPIAN_BASE_URL": "https://elsewhere.example"}
    lines = greeting("http://127.0.0.1:1", "abc", known)

    assert f"SMSKIT_YUNPIAN_API_KEY={'f' * 32}" in lines
    assert "SMSKIT_YUNPIAN_BASE_URL=http://127.0.0.1:1" in lines


def test_serve_refuses_a_bad_fault_file(tmp_path: Path) -> None:
    """A fault file that cannot be used stops the start."""
    path = tmp_path / "faults.yaml"
    path.write_text("nonsense: 1", encoding="utf-8")

    with pytest.raises(InputError, match="nonsense"):
        serve(faults_file=path)


# -- control routes -------------------------------------------------------------------------------


@pytest.fixture
def control(simulator: Simulator) -> Any:
    with control_of(simulator) as client:
        yield client


def test_control_summary_messages_and_doubles(yun: Any, control: httpx.Client, world: World) -> None:
    """The judge's figures, every message as a line, and the doubled phones can be read."""
    yun.ok("sms/batch_send", mobile=f"{A},13800000001", text=TEXT)
    yun.single(A, TEXT + "二")

    lines = [json.loads(line) for line in control.get("/messages").text.splitlines()]

    assert control.get("/").json() == world.summary()
    assert [(m["provider"], m["phone"], m["text"]) for m in lines] == [
        ("yunpian", "+8613800000000", TEXT),
        ("yunpian", "+8613800000001", TEXT),
        ("yunpian", "+8613800000000", TEXT + "二"),
    ]
    assert control.get("/messages", params={"provider": "aliyun"}).text == ""
    assert control.get("/doubled").json() == [{"provider": "yunpian", "phone": "+8613800000000", "times": 2}]
    assert control.get("/doubled", params={"same_text": "1"}).json() == []


def test_control_faults(yun: Any, control: httpx.Client) -> None:
    """A plan can be replaced while running; a bad one is refused and the old stays."""
    answer = control.put("/faults", json={"faults": [{"kind": "code", "code": 3, "rate": 1}]})

    assert answer.json()["faults"][0]["code"] == 3
    assert yun.single(A, TEXT)[1]["code"] == 3
    refused = control.put("/faults", json={"fault": []})
    assert (refused.status_code, "fault" in refused.json()["error"]) == (422, True)
    assert control.put("/faults", content=b"{").status_code == 422
    assert yun.single(A, TEXT)[1]["code"] == 3


def test_control_account(yun: Any, control: httpx.Client) -> None:
    """An account can be registered with all its settings; unknown ones are refused."""
    account = {"provider": "yunpian", "credential": yun.apikey, "signatures": ["别家"], "balance": "5"}

    assert control.post("/account", json=account).json() == {"ok": True}
    assert yun.ok("user/get")["balance"] == 5
    assert yun.single(A, TEXT)[1]["code"] == 15
    assert control.post("/account", json=account | {"signs": []}).status_code == 422
    assert control.post("/account", json={"provider": "yunpian"}).status_code == 422


def test_control_replies_and_reset(yun: Any, control: httpx.Client) -> None:
    """Recipients can be made to reply, and the world reset."""
    yun.single(A, TEXT)

    assert control.post("/replies", json={"phone": A, "text": "TD"}).json() == {"reached": 1}
    assert control.post("/replies", json={"phone": "13900000000", "text": "TD"}).status_code == 422
    assert [r["text"] for r in yun.ok("sms/pull_reply")] == ["TD"]
    assert control.post("/reset").json() == {"ok": True}
    assert control.get("/").json()["accepted"] == 0
