"""
A loopback server that says yes: the least a provider's answer can cost.

Speaks as much of Yunpian, Aliyun, Chuanglan and Tencent as a check and a send
need, checks nothing, and notes when each sending request came and for how many
people. ``Server`` runs it in a process of its own.

``GET /_bench`` tells the notes; ``POST /_bench`` clears them and sets the latency.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
import urllib.request
from array import array
from collections.abc import Callable
from itertools import count
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import unquote_plus

import orjson

from bench.child import ROOT
from bench.segments import SIGNATURE

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ACTION = re.compile(rb"\r\nx-(?:acs|tc)-action: *(\w+)", re.IGNORECASE)
_MOBILE = re.compile(rb"(?:^|&)mobile=([^&]*)")
_SIGN = re.compile(rb"(?:^|&)sign=([^&]*)")
_NUMBERS = re.compile(rb"PhoneNumbers=([^& ]*)")

_ids = count(10_000_000_000)


class Request(NamedTuple):
    """One request: its target, its head (request line included) and its body."""

    target: bytes
    head: bytes
    body: bytes


class Reply(NamedTuple):
    """An answer, and how many people it took over; 0 for everything but sends."""

    body: bytes
    people: int = 0


class Counts(NamedTuple):
    """What the server noted; times are epoch seconds."""

    requests: int
    people: int
    first_at: float
    last_at: float
    busiest: int  # most requests within any second, wherever it begins
    steady: float  # requests a second, from the first 35 % of them to the first 85 %


class Server:
    """
    The server in a child process, for the length of a ``with`` block.

    Args:
        template: The text that checks of templates are answered with, in the provider's own form.
    """

    def __init__(self, template: str = "") -> None:
        self._template = template

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "bench.server", self._template]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().decode().strip()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait()

    def reset(self, *, latency_s: float = 0.0) -> None:
        """Forget what came so far; answer everything *latency_s* late from now on."""
        data = json.dumps({"latency_s": latency_s}).encode()
        urllib.request.urlopen(f"{self.url}/_bench", data=data).read()

    def counts(self) -> Counts:
        """What came since the last reset."""
        return Counts(**json.load(urllib.request.urlopen(f"{self.url}/_bench")))


# -- what each provider is told --------------------------------------------------------


def _yunpian_batch(request: Request) -> Reply:
    mobiles = _field(_MOBILE, request.body).replace(b"%2C", b",").split(b",")
    entry = b'{"code":0,"count":1,"fee":0.05,"mobile":"%b","msg":"OK","sid":%d,"unit":"RMB"}'
    items = b",".join([entry % (mobile, next(_ids)) for mobile in mobiles])
    n = len(mobiles)
    body = b'{"total_count":%d,"total_fee":"%.4f","unit":"RMB","data":[%b]}' % (n, n * 0.05, items)
    return Reply(body, n)


def _yunpian_single(request: Request) -> Reply:
    mobile = _field(_MOBILE, request.body)
    entry = b'{"code":0,"msg":"OK","count":1,"fee":0.05,"unit":"RMB","mobile":"%b","sid":%d}'
    return Reply(entry % (mobile, next(_ids)), 1)


def _yunpian_sign(request: Request) -> Reply:
    sign = unquote_plus(_field(_SIGN, request.body).decode())
    return _say([{"sign": sign, "check_status": "SUCCESS"}])


def _aliyun_send(request: Request) -> Reply:
    if b"SendBatchSms" in request.head:
        people = request.body.partition(b"&SignNameJson")[0].count(b"%22%2C%22") + 1
    else:
        people = _field(_NUMBERS, request.target + request.body).count(b"%2C") + 1
    entry = {"Code": "OK", "Message": "OK", "BizId": f"{next(_ids)}^0", "RequestId": f"R{next(_ids)}"}
    return _say(entry, people)


def _tencent_send(request: Request) -> Reply:
    rows = [
        {
            "SerialNo": f"5000:{next(_ids)}",
            "PhoneNumber": phone,
            "Fee": 1,
            "SessionContext": "",
            "Code": "Ok",
            "Message": "send success",
            "IsoCode": "CN",
        }
        for phone in orjson.loads(request.body)["PhoneNumberSet"]
    ]
    return _say({"Response": {"SendStatusSet": rows, "RequestId": f"r{next(_ids)}"}}, len(rows))


def _chuanglan_send(request: Request) -> Reply:
    data = orjson.loads(request.body)
    people = data["params"].count(";") + 1 if "params" in data else data["phone"].count(",") + 1
    answer = {"code": "0", "msgId": str(next(_ids)), "time": "20261122100000", "errorMsg": ""}
    return _say(answer | {"failNum": "0", "successNum": str(people)}, people)


def _say(data: Any, people: int = 0) -> Reply:
    return Reply(orjson.dumps(data), people)


def _field(pattern: re.Pattern[bytes], text: bytes) -> bytes:
    found = pattern.search(text)
    return found[1] if found else b""


Answer = Callable[[Request], Reply]


def _always(data: Any) -> Answer:
    reply = _say(data)
    return lambda _request: reply


def _tencent(data: dict[str, Any]) -> Answer:
    return _always({"Response": data | {"RequestId": "r0"}})


def _table(template: str) -> dict[bytes, Answer]:
    """Path, or the action of a provider that has one path for all -> its answer."""
    ok = {"Code": "OK", "Message": "OK", "RequestId": "R0"}
    fine = {"StatusCode": 0, "ReviewReply": "", "International": 0}
    return {
        b"/v2/sms/multi_send.json": _yunpian_batch,
        b"/v2/sms/batch_send.json": _yunpian_batch,
        b"/v2/sms/single_send.json": _yunpian_single,
        b"/v2/user/get.json": _always({"nick": "bench", "balance": 100000.0}),
        b"/v2/sign/get.json": _yunpian_sign,
        b"SendSms": _aliyun_send,
        b"SendBatchSms": _aliyun_send,
        b"QuerySmsTemplateList": _always(ok | {"SmsTemplateList": []}),
        b"GetSmsSign": _always(ok | {"SignName": SIGNATURE, "SignStatus": 1}),
        b"GetSmsTemplate": _always(ok | {"TemplateStatus": "1", "TemplateContent": template}),
        b"tc:SendSms": _tencent_send,
        b"tc:SendStatusStatistics": _tencent({"SendStatusStatistics": {"FeeCount": 0, "RequestCount": 0}}),
        b"tc:SmsPackagesStatistics": _tencent({"SmsPackagesStatisticsSet": []}),
        b"tc:DescribeSmsSignList": _tencent({"DescribeSignListStatusSet": [fine | {"SignName": SIGNATURE}]}),
        b"tc:DescribeSmsTemplateList": _tencent(
            {"DescribeTemplateStatusSet": [fine | {"TemplateContent": template, "TemplateId": 1}]}
        ),
        b"/msg/variable/json": _chuanglan_send,
        b"/msg/v1/send/json": _chuanglan_send,
        b"/msg/balance/json": _always({"code": "0", "balance": "1000000", "errorMsg": ""}),
    }


# -- the wire ----------------------------------------------------------------------------


class _Notes:
    def __init__(self) -> None:
        self.latency_s = 0.0
        self.clear()

    def clear(self) -> None:
        self.at = array("d")
        self.people = 0

    def tell(self) -> bytes:
        first, last = (self.at[0], self.at[-1]) if self.at else (0.0, 0.0)
        counts = Counts(len(self.at), self.people, first, last, _busiest(self.at), _steady(self.at))
        return orjson.dumps(counts._asdict())


def _busiest(times: array[float]) -> int:
    most = start = 0
    for end, at in enumerate(times):
        while times[start] <= at - 1.0:
            start += 1
        most = max(most, end - start + 1)
    return most


def _steady(times: array[float]) -> float:
    begin, end = int(len(times) * 0.35), int(len(times) * 0.85)
    return (end - begin) / (times[end] - times[begin]) if end > begin else 0.0


class _Connection(asyncio.Protocol):
    """HTTP/1.1 with Content-Length, one request at a time."""

    def __init__(self, table: dict[bytes, Answer], notes: _Notes) -> None:
        self._table, self._notes = table, notes
        self._buffer = bytearray()
        self._need = 0  # bytes of the request being read, once its head is there

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._need:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            length = _LENGTH.search(self._buffer, 0, end)
            self._head = end + 4
            self._need = self._head + (int(length[1]) if length else 0)
        if len(self._buffer) < self._need:
            return
        head, body = bytes(self._buffer[: self._head]), bytes(self._buffer[self._head : self._need])
        del self._buffer[: self._need]
        self._need = 0
        self._handle(Request(head.split(b" ", 2)[1], head, body))

    def _handle(self, request: Request) -> None:
        notes = self._notes
        if request.target == b"/_bench":
            if request.body:
                notes.clear()
                notes.latency_s = orjson.loads(request.body)["latency_s"]
            self._write(notes.tell())
            return
        reply = self._answer(request)
        if reply.people:
            notes.at.append(time.time())
            notes.people += reply.people
        if notes.latency_s:
            asyncio.get_running_loop().call_later(notes.latency_s, self._write, reply.body)
        else:
            self._write(reply.body)

    def _answer(self, request: Request) -> Reply:
        path = request.target.partition(b"?")[0]
        if path == b"/":
            action = _field(_ACTION, request.head)
            path = b"tc:" + action if b"x-tc-" in request.head.lower() else action
        answer = self._table.get(path)
        return answer(request) if answer else _say({"code": -7, "msg": f"no {path.decode()} here"})

    def _write(self, body: bytes) -> None:
        if self._transport.is_closing():  # whoever asked was killed meanwhile
            return
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        self._transport.write(head + body)


async def _serve(template: str) -> None:
    table, notes = _table(template), _Notes()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(table, notes), "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def _main() -> None:
    try:
        import uvloop
    except ImportError:  # not made for Windows
        asyncio.run(_serve(sys.argv[1]))
    else:
        uvloop.run(_serve(sys.argv[1]))


if __name__ == "__main__":
    _main()
