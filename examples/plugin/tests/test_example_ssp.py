"""The plug-in keeps smskit's contract, and says on the wire what its SSP expects."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import httpx
from smskit_example_ssp import ExampleSettings, ExampleSsp, request_digest

from smskit.testing import ProviderContract, Transport, audience


class TestExampleSsp(ProviderContract):
    """Runs every test of the contract."""

    name = "example"
    settings: ClassVar[dict[str, Any]] = {"app_id": "app-0001", "secret": "made-up-0123456789"}
    refused_code = "T01"
    account_code = "A01"
    busy_code = "S01"
    receipts_page = json.dumps(
        {
            "code": "OK",
            "reports": [
                {"id": "e1", "to": "+8613800000000", "state": "arrived", "at": 1780000000},
                {"id": "e2", "to": "+8613800000001", "state": "failed", "why": "空号"},
            ],
        }
    ).encode()

    def sends(self, request: httpx.Request) -> bool:
        """Only one path does."""
        return request.url.path == "/send"

    def numbers(self, request: httpx.Request) -> list[str]:
        """One a message."""
        return [message["to"] for message in json.loads(request.content)["messages"]]

    def accepted(self, request: httpx.Request) -> httpx.Response:
        """Results come in any order."""
        return self._results(request, refused="", code="")

    def refused(self, request: httpx.Request, code: str) -> httpx.Response:
        """A code in place of results."""
        return httpx.Response(200, json={"code": code, "why": "不行"})

    def one_refused(self, request: httpx.Request, number: str, code: str) -> httpx.Response | None:
        """A code for each message."""
        return self._results(request, refused=number, code=code)

    def in_order(self, request: httpx.Request) -> httpx.Response:
        """Credit is there, reports are not."""
        return httpx.Response(200, json={"code": "OK", "left": 100, "reports": []})

    def _results(self, request: httpx.Request, refused: str, code: str) -> httpx.Response:
        rows = [
            {"to": n, "code": code, "why": "不行"}
            if n == refused
            else {"to": n, "code": "OK", "id": f"e{n[-4:]}"}
            for n in reversed(self.numbers(request))
        ]
        return httpx.Response(200, json={"code": "OK", "results": rows})


def test_the_request_on_the_wire() -> None:
    """Different texts travel together, under a digest over all fields."""
    import asyncio

    from smskit.message.template import Template
    from smskit.providers import Job

    network = Transport(lambda _: httpx.Response(200, json={"code": "OK", "results": []}))
    settings = ExampleSettings(app_id="app-0001", secret="made-up-0123456789")  # noqa: S106
    provider = ExampleSsp(settings, transport=network)
    job = Job(Template.parse("您好{name}", signature="示例"), reference="weekly")
    (call,) = provider.calls(job, audience("different", 2, ["name"]))
    asyncio.run(provider.submit(call))
    body = json.loads(network.requests[0].content)

    assert body["messages"] == [
        {"to": "+8613800000000", "text": "【示例】您好值0"},
        {"to": "+8613800000001", "text": "【示例】您好值1"},
    ]
    assert body.pop("sign") == request_digest(body, "made-up-0123456789")
