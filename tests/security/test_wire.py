"""The wire, a test for each row of the table of threats: what a provider, a proxy, a neighbour may do."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pandas as pd
import pytest

from smskit.errors import (
    AccountProblem,
    OutcomeUnknown,
    ProviderError,
    RateLimited,
    SettingsError,
    Unreachable,
)
from smskit.ledger import Ledger
from smskit.ledger.opening import open_ledger
from smskit.message.template import Template
from smskit.models import CodeClass, Mode
from smskit.planning.validate import validate
from smskit.providers import get_provider, provider_class, provider_names
from smskit.providers.base import MOST_PAGES, Provider
from smskit.providers.calls import Job
from smskit.providers.generic import load_config
from smskit.providers.http import MOST_BYTES, proxy_for
from smskit.sending.campaign import Campaign
from smskit.sending.notify import Hook
from smskit.sending.reconcile import fetch_receipts, fetch_replies
from smskit.sending.rehearsal import provider_for
from smskit.sending.session import open_campaign
from smskit.settings import Environment, variable_of
from smskit.simulator import Simulator
from smskit.testing import Transport, audience
from tests import test_engine as engine
from tests.conftest import ROOT
from tests.control import control_of
from tests.providers.test_http import Talk, answers, closing, door, post, saying, serving

pytestmark = pytest.mark.timeout(20)


# -- row 7: a simulator on a machine that others use ---------------------------------------------------

YUN = {"data": {"apikey": "0" * 32, "mobile": "13800138000", "text": "【示例】你好"}}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", path) for path in ("", "messages", "doubled", "codes", "nothing")),
        *(("POST", path) for path in ("account", "replies", "reset")),
        ("PUT", "faults"),
    ],
)
def test_row_07_control_routes_want_the_token(simulator: Simulator, method: str, path: str) -> None:
    """Without the token, or with another, no control route says or does anything."""
    url = f"{simulator.url}/_simulator/{path}"
    httpx.post(f"{simulator.url}/v2/sms/single_send.json", **YUN)
    answers = [
        httpx.request(method, url),
        httpx.request(method, url, headers={"x-smskit-token": simulator.token[:-1]}),
        httpx.request(method, url, headers={"x-smskit-token": ""}),
        httpx.request(method, url, headers={"authorization": "Bearer " + simulator.token.lower()}),
        httpx.request(method, url, params={"token": "é"}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 5
    assert not any("138" in answer.text or simulator.token in answer.text for answer in answers)
    assert simulator.world.accepted() == 1


def test_row_07_the_token_opens_them(simulator: Simulator) -> None:
    """As either header, or in the address where a person pastes it, the token is taken."""
    url = f"{simulator.url}/_simulator/"
    with control_of(simulator) as control:
        answers = [
            control.get("/"),
            httpx.get(url, headers={"authorization": f"Bearer {simulator.token}"}),
            httpx.get(url, params={"token": simulator.token}),
        ]

    assert [answer.status_code for answer in answers] == [200] * 3


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize(
    "header",
    [
        {"host": "evil.example"},
        {"host": "evil.example:80"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "[::1"},
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:8888"},
    ],
)
def test_row_07_no_web_page_is_obeyed(header: dict[str, str], private: bool) -> None:
    """A page that leads its own name here, or posts across, reads and changes nothing even with the token."""
    with Simulator(private=private) as simulator:
        headers = simulator.headers | header
        posted = httpx.post(f"{simulator.url}/v2/sms/single_send.json", headers=headers, **YUN)
        reset = httpx.post(f"{simulator.url}/_simulator/reset", headers=headers, content="x")
        read = httpx.get(f"{simulator.url}/_simulator/messages", headers=headers)

        refused = [answer.status_code == 403 for answer in (posted, reset, read)]
        # Signatures are made with the provider's own name, so its methods are called by it.
        assert refused == [private or "origin" in header, True, True]
        assert simulator.world.accepted() == 1 - refused[0]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"])
def test_row_07_loopback_names_are_served(simulator: Simulator, host: str) -> None:
    """Whatever name of this machine a client uses, with a port or without, it is served."""
    port = simulator.url.rpartition(":")[2]
    for name in (host, f"{host}:{port}"):
        answer = httpx.post(
            f"{simulator.url}/v2/user/get.json", headers={"host": name}, data={"apikey": "0" * 32}
        )
        assert answer.status_code == 200


def test_row_07_a_rehearsal_is_its_own(tmp_path: Path) -> None:
    """Nobody else reads a rehearsal, by control routes or by its account; its port closes with it."""
    environment = Environment({"SMSKIT_DATABASE_URL": f"sqlite:///{tmp_path / 'ledger.db'}"})
    with provider_for("yunpian", Mode.REHEARSE, environment, campaign="weekly") as provider:
        url = provider.settings.base_url
        key = {
            "apikey": provider.settings.api_key.get_secret_value()
        }  # to be computed from the campaign's id
        from_outside = [
            httpx.get(f"{url}/_simulator/messages"),
            httpx.post(f"{url}/_simulator/reset"),
            httpx.post(f"{url}/v2/sms/pull_status.json", data=key),
            httpx.post(f"{url}/v2/sms/get_record.json", data=key),
            httpx.post(f"{url}/"),
        ]
        with_token = httpx.get(f"{url}/_simulator/messages", headers=dict(provider.door.more_headers))
        with provider_for("aliyun", Mode.REHEARSE, environment, campaign="other") as other:
            assert other.settings.base_url == url
        assert asyncio.run(_checks(provider))

    assert [answer.status_code for answer in from_outside] == [403] * 5
    assert with_token.status_code == 404
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


async def _checks(provider: Provider) -> bool:
    async with provider:
        return (await provider.check()).usable


# -- row 8: live over plain HTTP -----------------------------------------------------------------------

ELSEWHERE = [
    "http://sms.example.com",
    "http://10.0.0.7:8080/gateway",
    "http://127.0.0.1.example.com",
    "http://[fe80::1]",
]
BASE_URLS = sorted(
    variable_of(name, field)
    for name in provider_names()
    for field in provider_class(name).Settings.address_fields()
)


def _environ(name: str, **more: str) -> dict[str, str]:
    return {variable_of(name, field): value for field, value in ACCOUNTS[name].items()} | more


def _plan(environ: dict[str, str], folder: Path) -> Campaign:
    """A campaign that is planned with this environment."""
    made = Environment({"SMSKIT_DATABASE_URL": f"sqlite:///{folder / 'ledger.db'}", **environ})
    people = pd.DataFrame({"phone": ["13800138000"]})
    text = {"signature": "示例", "template": "大家好，拒收请回复R", "user_id": "", "mode": "plan"}
    return open_campaign(campaign="c", frame=people, environment=made, ledger=open_ledger(made), **text)


@pytest.mark.parametrize("url", ELSEWHERE)
@pytest.mark.parametrize("variable", BASE_URLS)
def test_row_08_plain_http_is_refused(variable: str, url: str, tmp_path: Path) -> None:
    """An address of any provider that is plain HTTP to another machine is refused, with both ways out."""
    name = variable.split("_")[1].lower()
    environ = _environ(name, **{variable: url})
    allow = variable_of(name, "plain_http")
    with pytest.raises(SettingsError) as refused:
        get_provider(name, Environment(environ))
    assert f"{variable} is http:// to another machine" in str(refused.value)
    assert f"{allow}=allow" in str(refused.value)

    provider = get_provider(name, Environment(environ | {allow: "allow"}))
    assert [what.values["variable"] for what in provider.in_clear] == [allow]
    for here in ("http://127.0.0.1:1", "http://localhost", "http://[::1]:1", "https://sms.example.com"):
        assert get_provider(name, Environment(environ | {variable: here})).in_clear == ()


def test_row_08_validate_and_plan_refuse_it(tmp_path: Path) -> None:
    """Neither a plan nor the validation of a file passes over such an address; allowed, both go on."""
    file = tmp_path / "c.yaml"
    file.write_text("campaign: c\nsegment: s.csv\nsignature: 示例\ntemplate: 大家好，拒收请回复R\n", "utf-8")
    environ = _environ("yunpian", SMSKIT_YUNPIAN_BASE_URL=ELSEWHERE[0])
    look = partial(validate, file, now=datetime.now(UTC), with_segment=False)
    with pytest.raises(SettingsError, match="SMSKIT_YUNPIAN_BASE_URL is http://"):
        _plan(environ, tmp_path).plan()

    assert "SMSKIT_YUNPIAN_BASE_URL is http://" in str(look(environ=environ))
    assert look(environ=environ | {"SMSKIT_YUNPIAN_PLAIN_HTTP": "allow"}).good
    assert look(environ={}).good


def test_row_08_what_is_allowed_is_shown(tmp_path: Path) -> None:
    """With the setting, the plan's notices and the check's findings say where anybody can read."""
    environ = _environ("yunpian", SMSKIT_YUNPIAN_BASE_URL=ELSEWHERE[0], SMSKIT_YUNPIAN_PLAIN_HTTP="allow")
    plan = _plan(environ, tmp_path).plan()
    network = Transport(lambda _: httpx.Response(200, json={"balance": 9}))
    result = asyncio.run(get_provider("yunpian", Environment(environ), transport=network).check())
    told = "requests go to sms.example.com over http://, as SMSKIT_YUNPIAN_PLAIN_HTTP=allow has it"

    assert [text for text in plan.notices if text.startswith(told)]
    assert [(f.what, f.ok) for f in result.findings if f.meaning.startswith(told)] == [("address", True)]
    assert result.usable


@pytest.mark.parametrize(
    "where",
    [{"base_url": "http://ssp.example"}, {"url": "http://ssp.example/{account}/send", "base_url": ""}],
)
def test_row_08_addresses_of_a_file(where: dict[str, str], tmp_path: Path) -> None:
    """The file of one's own SSP is judged as the settings are; a setting may replace its address."""
    file = tmp_path / "ssp.yaml"
    whole = {"url": "/send"} | where
    file.write_text(
        _SSP.format(url=json.dumps(whole["url"]), base=f"base_url: {json.dumps(whole['base_url'])}\n")
    )
    environ = _environ("http", SMSKIT_HTTP_CONFIG=str(file))
    with pytest.raises(SettingsError, match=r"SMSKIT_HTTP_CONFIG \((base_url|submit\.url)\) is http://"):
        get_provider("http", Environment(environ))

    assert get_provider("http", Environment(environ | {"SMSKIT_HTTP_PLAIN_HTTP": "allow"})).in_clear
    if "url" not in where:
        get_provider("http", Environment(environ | {"SMSKIT_HTTP_BASE_URL": "https://ssp.example"}))


@pytest.mark.parametrize(
    "transport", [None, Transport(lambda _: httpx.Response(200))], ids=["aiohttp", "httpx"]
)
async def test_row_08_the_door_is_shut_in_any_case(transport: Transport | None) -> None:
    """Whatever address a provider's module comes to, plain HTTP does not leave this machine."""
    async with closing(door(transport, plain_http=False)) as client:
        with pytest.raises(AccountProblem, match="nothing was sent"):
            await post(client, "http://sms.example.com/send")

    assert transport is None or transport.requests == []


def test_row_08_a_rehearsal_goes_nowhere_else(tmp_path: Path) -> None:
    """All addresses of a provider that has several lead to the simulator in a rehearsal."""
    environ = {
        "SMSKIT_DATABASE_URL": f"sqlite:///{tmp_path / 'ledger.db'}",
        "SMSKIT_CHUANGLAN_TPL_BASE_URL": "https://smssh.253.com",
    }
    with provider_for("chuanglan", Mode.REHEARSE, Environment(environ)) as provider:
        assert len(set(provider.addresses)) == 1
        assert provider.addresses[0].startswith("http://127.0.0.1:")


# -- row 9: credentials of other programs ------------------------------------------------------------


async def test_row_09_no_netrc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A name and password of ``~/.netrc`` go to no provider, though the environment's proxy is used."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    async with serving(answers) as proxy, closing(door()) as client:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/send"))
        await post(client, "http://sms.example.invalid/send")
        await post(client, proxy.url)

    assert [r.split(b" ")[1] for r in proxy.requests] == [b"http://sms.example.invalid/send", b"/send"]
    assert not any(b"authorization" in request.lower() for request in proxy.requests)


async def test_row_09_a_proxy_s_own_name_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in the proxy's address is told to the proxy, and to nobody else."""
    async with serving(answers) as proxy, closing(door()) as client:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/send").replace("//", "//me:word@"))
        await post(client, "http://sms.example.invalid/send")

    (request,) = proxy.requests
    assert b"proxy-authorization: basic bwu6d29yza==" in request.lower()
    assert b"\r\nauthorization" not in request.lower()


@pytest.mark.parametrize(
    ("url", "no_proxy", "expected"),
    [
        ("https://sms.example.com", "", "http://secure.example:3128"),
        ("http://sms.example.com", "", "http://plain.example:3128"),
        ("https://sms.example.com", "example.com", None),
        ("https://sms.example.com", "example.com:8443", "http://secure.example:3128"),
        ("https://sms.example.com:8443", "sms.example.com:8443", None),
        ("https://sms.example.com", "*", None),
        ("https://127.0.0.1:1", "", None),
        ("http://localhost:1", "", None),
        ("http://[::1]:1", "", None),
    ],
)
def test_row_09_proxies_of_the_environment(
    url: str, no_proxy: str, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment says which proxy leads to an address; this machine is reached without."""
    monkeypatch.setenv("https_proxy", "http://secure.example:3128")
    monkeypatch.setenv("http_proxy", "http://plain.example:3128")
    monkeypatch.setenv("no_proxy", no_proxy)

    assert proxy_for(url) == expected


# -- row 14: answers that are bombs -------------------------------------------------------------------


def _endless(head: bytes, piece: bytes) -> Talk:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter, __: bytes) -> None:
        writer.write(head)
        try:
            while True:
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            writer.close()

    return talk


_CHUNK = b"10000\r\n" + b"x" * 65536 + b"\r\n"
_BOMB = gzip.compress(bytes(50_000_000))


@pytest.mark.parametrize("transport", [lambda: None, httpx.AsyncHTTPTransport], ids=["aiohttp", "httpx"])
@pytest.mark.parametrize(
    "talk",
    [
        pytest.param(
            saying(
                b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(_BOMB), _BOMB
            ),
            id="gzip",
        ),
        pytest.param(
            saying(b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\ncontent-length: 3\r\n\r\nabc"), id="brotli"
        ),
        pytest.param(_endless(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", _CHUNK), id="chunks"),
        pytest.param(
            _endless(b"HTTP/1.1 200 OK\r\ncontent-length: 1500000000\r\n\r\n", b"x" * 65536), id="long"
        ),
        pytest.param(_endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536), id="until-closed"),
    ],
)
async def test_row_14_an_answer_that_is_a_bomb(
    talk: Talk, transport: Callable[[], httpx.AsyncBaseTransport | None]
) -> None:
    """An answer nobody asked for like that is an open outcome, at once and in little memory."""
    tracemalloc.start()
    try:
        async with serving(talk) as server, closing(door(transport(), timeout_s=60)) as client:
            with pytest.raises(OutcomeUnknown, match=r"compressed|longer than 8 MB"):
                await post(client, server.url)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert most < 4 * MOST_BYTES
    assert len(server.requests) == 1


@pytest.mark.parametrize("transport", [lambda: None, httpx.AsyncHTTPTransport], ids=["aiohttp", "httpx"])
async def test_row_14_a_drip_ends_in_time(transport: Callable[[], httpx.AsyncBaseTransport | None]) -> None:
    """A byte now and then keeps nobody waiting beyond the limit, by whichever way the request went."""
    drip = saying(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n", *[b"x"] * 2000, pause_s=0.02)
    async with serving(drip) as server, closing(door(transport(), timeout_s=1)) as client:
        with pytest.raises(OutcomeUnknown, match="no answer within"):
            await post(client, server.url)


@pytest.mark.parametrize("transport", [lambda: None, httpx.AsyncHTTPTransport], ids=["aiohttp", "httpx"])
async def test_row_14_compression_is_not_asked_for(
    transport: Callable[[], httpx.AsyncBaseTransport | None],
) -> None:
    """No request invites a compressed answer; one of the longest size that is read arrives whole."""
    body = b"x" * MOST_BYTES
    long = saying(
        b"HTTP/1.1 200 OK\r\ncontent-encoding: identity\r\ncontent-length: %d\r\n\r\n" % MOST_BYTES, body
    )
    async with serving(long) as server, closing(door(transport(), timeout_s=60)) as client:
        assert await post(client, server.url) == body

    assert b"accept-encoding" not in server.requests[0].lower()


# -- row 16: waits and pages that a provider may impose -----------------------------------------------

SINCE = datetime(2026, 11, 1, tzinfo=UTC)
PHONE = "+8613800138000"
LANTERN = str(ROOT / "examples" / "generic_http" / "lantern.yaml")
ACCOUNTS: dict[str, dict[str, Any]] = {
    "yunpian": {"api_key": "5ec2e7c0ffee5ec2e7c0ffee5ec2e7c0"},
    "aliyun": {
        "access_key_id": "LTAI5tMadeUpForTests0001",
        "access_key_secret": "madeUp0000000000000000000001",
    },
    "tencent": {"secret_id": "AKIDmadeUp0001", "secret_key": "madeUp01", "app_id": "1400000001"},
    "chuanglan": {"account": "M0000001", "password": "MadeUpPassword01"},
    "http": {"account": "acc-0000001", "secret": "sec-0000001", "config": LANTERN},
}


def client(name: str, answer: Callable[[httpx.Request], httpx.Response]) -> tuple[Provider, Transport]:
    """A provider without pace, and the network it talks to."""
    network = Transport(answer)
    unpaced = {"requests_per_second": 0, **ACCOUNTS[name]}
    return get_provider(name, Environment({}), transport=network, **unpaced), network


def _yunpian(numbers: Iterator[int]) -> Any:
    return [
        {"mobile": "13800138000", "sid": next(numbers), "send_time": "2026-11-01 08:00:00"}
        for _ in range(100)
    ]


def _aliyun(numbers: Iterator[int]) -> Any:
    rows = [{"PhoneNum": "13800138000", "OutId": str(next(numbers)), "SendStatus": 3} for _ in range(50)]
    return {"Code": "OK", "TotalCount": 99_999, "SmsSendDetailDTOs": {"SmsSendDetailDTO": rows}}


def _tencent(numbers: Iterator[int]) -> Any:
    rows = [{"SignId": next(numbers), "SignName": "x", "StatusCode": 0} for _ in range(100)]
    return {"Response": {"DescribeSignListStatusSet": rows, "RequestId": "1"}}


@pytest.mark.parametrize("grows", [False, True], ids=["the-same-page", "ever-new-pages"])
@pytest.mark.parametrize(
    ("name", "page", "ask"),
    [
        ("yunpian", _yunpian, lambda p: p.records(PHONE, SINCE, SINCE + timedelta(minutes=1))),
        ("aliyun", _aliyun, lambda p: p._details(PHONE, SINCE.date())),
        ("tencent", _tencent, lambda p: p.signatures()),
    ],
)
async def test_row_16_pages_without_end(name: str, page: Any, ask: Any, grows: bool) -> None:
    """Pages that never end are an error and no list: what is not among them may yet be there."""
    numbers = count()

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=page(numbers if grows else iter(range(1000))))

    provider, network = client(name, answer)
    with pytest.raises(ProviderError, match="pages" if grows else "once more"):
        await ask(provider)

    assert len(network.requests) == (MOST_PAGES if grows else 2)


class Repeating(engine.Scripted):
    """Has the same page of reports and replies for ever, or ever new ones that nobody can read."""

    features = Provider.features | {"receipts", "replies"}

    def __init__(self, *, grows: bool) -> None:
        super().__init__(engine.everybody(engine.CodeClass.ACCEPTED))
        self.pulled, self._grows = 0, grows

    async def pull_receipts(self) -> bytes:
        self.pulled += 1
        return b"page %d" % (self.pulled if self._grows else 0)

    pull_replies = pull_receipts


@pytest.mark.parametrize(("grows", "pulls"), [(False, 2), (True, 10)])
@pytest.mark.parametrize("fetch", [fetch_receipts, fetch_replies])
async def test_row_16_reports_without_end(fetch: Any, grows: bool, pulls: int, ledger: Ledger) -> None:
    """A page that comes again is the last, and of pages that nobody can read only a few are taken."""
    provider = Repeating(grows=grows)
    await fetch(ledger, provider, Mode.LIVE)

    assert pulls <= provider.pulled < pulls + provider.pulls_at_once


def test_row_16_a_wait_of_years_pauses(ledger: Ledger) -> None:
    """A provider that asks for more than a minute has the run paused at once; everybody goes on waiting."""
    campaign = engine.freeze(ledger, 20)
    ended = engine.run(
        ledger, campaign, engine.Scripted(engine.failing(RateLimited("busy", retry_after_s=99_999_999.0)))
    )

    assert "a pause of 99,999,999 s" in ended.stopped
    assert ledger.audience.counts(campaign).waiting == 20


@pytest.mark.parametrize("hint", ["99999999", "9" * 400, "-1", "nan", "soon", "1e9"])
@pytest.mark.parametrize(("name", "header"), [("http", "retry-after"), ("aliyun", "x-acs-retry-after")])
async def test_row_16_whatever_the_hint_says(name: str, header: str, hint: str) -> None:
    """A hint is a number of seconds or none; no spelling of it breaks the reading of the answer."""
    throttled = {"http": {"code": "5001"}, "aliyun": {"Code": "Throttling.User"}}

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(429, json=throttled[name], headers={header: hint})

    provider, _ = client(name, answer)
    with pytest.raises(RateLimited) as caught:
        await provider.check_account()

    assert caught.value.retry_after_s is None or caught.value.retry_after_s > 0


async def test_row_16_receipts_asked_one_by_one() -> None:
    """Where reports are asked for message by message, a pause of years ends the asking, not the day."""
    provider, network = client(
        "aliyun",
        lambda _: httpx.Response(
            400, json={"Code": "Throttling.User"}, headers={"x-acs-retry-after": "9" * 12}
        ),
    )
    with pytest.raises(RateLimited):
        await provider.receipts_for([("900000000000000000^0", PHONE, datetime.now(UTC))] * 500)

    assert len(network.requests) <= provider.settings.concurrency


# -- row 28: the host of one's own SSP ----------------------------------------------------------------

_SSP = """title: Small
{base}submit:
  method: POST
  url: {url}
  json: {{to: "{{phone}}", text: "{{text}}"}}
  answer: {{code: code}}
codes: {{accepted: {{0: OK}}}}
"""


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://api{var.h}.example/x", "{var.h}"),
        ("https://api.example{var.h}/x", "{var.h}"),
        ("https://api.example:{var.h}/x", "{var.h}"),
        ("http://127.0.0.1{secret}", "{secret}"),
    ],
)
def test_row_28_no_cell_decides_on_the_host(url: str, place: str, tmp_path: Path) -> None:
    """A placeholder in front of the path is refused as the file is read, with its line."""
    file = tmp_path / "ssp.yaml"
    file.write_text(_SSP.format(url=json.dumps(url), base=""))

    with pytest.raises(SettingsError) as refused:
        load_config(str(file))
    assert "`submit.url`" in str(refused.value)
    assert place in str(refused.value)
    assert "(line 4)" in str(refused.value)


@pytest.mark.parametrize("url", ["https://api.example/{account}/send", "/{account}/send", "/{var.h}"])
def test_row_28_placeholders_in_the_path_stay(url: str, tmp_path: Path) -> None:
    """After the first slash of the path a placeholder is welcome, as before."""
    file = tmp_path / "ssp.yaml"
    file.write_text(_SSP.format(url=json.dumps(url), base="base_url: https://api.example\n"))

    assert load_config(str(file)).submit.url.places


# -- what held, and must go on to hold: redirects, certificates, malformed answers ---------------------

MALFORMED = {
    "html": b"<html>502 Bad Gateway</html>",
    "bad-utf8": b'{"code":0,"msg":"\xff\xfe\xc3\x28"',
    "half-a-million-brackets": b"[" * 500_000,
    "three-thousand-levels": b'{"code":' * 3000 + b"0" + b"}" * 3000,
    "number-of-300000-digits": b'{"code":' + b"9" * 300_000 + b"}",
    "nan": b'{"code":NaN,"Code":NaN,"Response":NaN}',
    "infinity": b'{"code":1e999,"Code":1e999,"Response":{"SendStatusSet":[{"Code":1e999}]}}',
    "lone-surrogate": b'{"code":"\\ud800","Code":"\\ud800","Response":{"Error":{"Code":"\\ud800"}}}',
    "nul": b'{"code":"\\u0000","Code":"\\u0000"}',
    "list-of-lists": b"[[[[]]]]",
}


@pytest.mark.parametrize("name", sorted(ACCOUNTS))
async def test_held_a_malformed_answer_is_unknown(name: str) -> None:
    """Whatever nonsense comes back to a submission, its outcome is unknown, in words and at once."""
    job = Job(
        Template.parse("您好{name}", signature="示例"), template_id={"aliyun": "SMS_1"}.get(name, "100001")
    )
    wrong: list[str] = []
    for what, content in MALFORMED.items():
        for status in (200, 400, 500):
            provider, _ = client(name, lambda _, c=content, s=status: httpx.Response(s, content=c))  # type: ignore[misc]
            call = next(provider.calls(job, audience("equal", 3, ["name"])))
            try:
                kinds = {result.kind for result in await provider.submit(call)}
            except OutcomeUnknown as error:
                kinds = {CodeClass.UNKNOWN} if str(error).startswith(provider.called) else set()
            if kinds != {CodeClass.UNKNOWN}:
                wrong.append(f"{what}, {status}")

    assert wrong == []


async def test_held_a_header_without_end_is_unknown() -> None:
    """A header of 200 KB, or of ever new lines, is an answer nobody reads."""
    long = saying(b"HTTP/1.1 200 OK\r\nx-long: " + b"x" * 200_000 + b"\r\ncontent-length: 2\r\n\r\nok")
    lines = _endless(b"HTTP/1.1 200 OK\r\n", b"x-line: 1\r\n" * 1000)
    for talk in (long, lines):
        async with serving(talk) as server, closing(door()) as one:
            with pytest.raises(OutcomeUnknown):
                await post(one, server.url)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_held_redirects_are_not_followed(status: int) -> None:
    """An answer that sends us elsewhere takes no credential there, nor does a webhook's."""
    async with serving(answers) as elsewhere:
        head = f"HTTP/1.1 {status} Go\r\nlocation: {elsewhere.url}\r\ncontent-length: 0\r\n\r\n"
        async with serving(saying(head.encode())) as server:
            for transport in (None, httpx.AsyncHTTPTransport()):
                async with closing(door(transport)) as one:
                    assert await post(one, server.url) == b""
            told = await asyncio.to_thread(Hook(url=server.url, sleep=lambda _: None).tell, b"{}")

    assert told == f"url: HTTP {status}"
    assert elsewhere.requests == []


@pytest.fixture
def certified(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for ``localhost`` alone, and a server's side of TLS with it."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - timedelta(days=1))
    builder = builder.not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    made = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    chain, both = tmp_path / "ca.pem", tmp_path / "server.pem"
    chain.write_bytes(made)
    both.write_bytes(made + key.private_bytes(serialization.Encoding.PEM, *plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return chain, context


async def test_held_certificates(
    certified: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a certificate for that very name, by somebody trusted, gets a request; no variable widens it."""
    chain, context = certified
    monkeypatch.setenv("SSL_CERT_FILE", str(chain))
    async with serving(answers, context) as server:
        here = server.url.replace("127.0.0.1", "localhost")
        async with closing(door()) as one:
            with pytest.raises(Unreachable, match="certificate is not trusted"):
                await post(one, here)
        monkeypatch.setattr("certifi.where", lambda: str(chain))
        async with closing(door()) as one:
            with pytest.raises(Unreachable, match="certificate is not trusted"):
                await post(one, server.url)
        assert server.requests == []
        async with closing(door()) as one:
            assert await post(one, here) == b"ok"
