"""An answer of any shape is a finding, an unknown or a page put by; never an exception, never a yes or no."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smskit.errors import OutcomeUnknown, ProviderError, UnsupportedFeature
from smskit.ledger import Ledger
from smskit.message.template import Template
from smskit.models import CheckResult, CodeClass, Mode, Record
from smskit.providers.base import Feature, Provider
from smskit.providers.calls import Call, Job
from smskit.providers.reading import UNREADABLE, Fields, Rows, decoded, seconds_in
from smskit.sending.reconcile import fetch_receipts, fetch_replies
from smskit.testing import ProviderContract, Transport, audience
from tests.profiles import examples
from tests.providers import test_contract as contracts

CONTRACTS = [
    contract
    for name, contract in vars(contracts).items()
    if name.startswith("Test") and name not in ("TestYunpianByTemplate", "TestAliyunRpc")
]
each_provider = pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.__name__)

# What stands where something else should. None of it is a documented code, an id or a number of anybody.
ODD: list[Any] = [
    None, True, False, 0.0, -0.5, "", " ", "无", "Infinity", 1e308, 10**39, -(10**18), 987654321, [], {},
    [[]], [None], {"code": None}, ["x"], "2026-13-45 99:99:99", "0001-01-01 00:00:00", "9999-12-31 23:59:59",
    "\ud83d", "a\x00b", "1" * 5000, "x" * 300, "１２３",
]  # fmt: skip
DEEP = "[" * 5000 + "]" * 5000


def paths(data: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield place
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, child in inner:
        yield from paths(child, (*place, key))


def written(data: Any, at: tuple[Any, ...] | None, twice: str = "") -> str:
    """*data* as JSON, with the field at a place written *twice*, first as this text; "" = all fields once."""
    if isinstance(data, dict):
        fields = []
        for name, value in data.items():
            here = at[1:] if at and at[0] == name else None
            if twice and here == ():
                fields.append(f"{json.dumps(name)}:{twice}")
            fields.append(f"{json.dumps(name)}:{written(value, here, twice)}")
        return "{" + ",".join(fields) + "}"
    if isinstance(data, list):
        items = (written(v, at[1:] if at and at[0] == i else None, twice) for i, v in enumerate(data))
        return "[" + ",".join(items) + "]"
    return json.dumps(data)


class Mutation(NamedTuple):
    """One way to spoil any JSON answer; reproducible from its seed."""

    seed: int
    kinds: tuple[str, ...]

    def __call__(self, content: bytes) -> bytes:
        dice = random.Random(self.seed)
        for kind in self.kinds:
            content = self._spoilt(content, kind, dice)
        return content

    @staticmethod
    def _spoilt(content: bytes, kind: str, dice: random.Random) -> bytes:
        if kind in BYTES:
            return BYTES[kind](content, dice)
        try:
            data = json.loads(content)
        except (ValueError, RecursionError):
            return content
        place = dice.choice(list(paths(data)))
        if kind == "twice":
            return written(data, place, json.dumps(dice.choice(ODD))).encode()
        if kind == "deep":
            marker = "\x01deep\x01"
            return json.dumps(put(data, place, marker)).replace(json.dumps(marker), DEEP).encode()
        if kind == "listed":
            return json.dumps(put(data, place, [at(data, place)])).encode()
        if kind == "drop" and place:
            return json.dumps(put(data, place, KeyError)).encode()
        if kind == "huge":
            marker = "\x01huge\x01"
            return json.dumps(put(data, place, marker)).replace(json.dumps(marker), "9" * 6000).encode()
        return json.dumps(put(data, place, dice.choice(ODD))).encode()


def at(data: Any, place: tuple[Any, ...]) -> Any:
    for step in place:
        data = data[step]
    return data


def put(data: Any, place: tuple[Any, ...], value: Any) -> Any:
    """*data* with another value at a place; ``KeyError`` = with none."""
    if not place:
        return value
    copy = dict(data) if isinstance(data, dict) else list(data)
    if value is KeyError and len(place) == 1:
        del copy[place[0]]
    else:
        copy[place[0]] = put(data[place[0]], place[1:], value)
    return copy


def _cut(content: bytes, dice: random.Random) -> bytes:
    return content[: dice.randrange(len(content) + 1)]


def _broken(content: bytes, dice: random.Random) -> bytes:
    middle = dice.randrange(len(content) + 1)
    return content[:middle] + dice.choice([b"\xff", b"\xed\xa0\x80", b"\x00", b"\\ud800"]) + content[middle:]


BYTES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "cut": _cut,
    "broken": _broken,
    "nothing": lambda _, dice: dice.choice([b"", b" ", b"null", b"0", b'"OK"', b"[]", b"{}", b"NaN"]),
    "html": lambda *_: b"<html><body>OK</body></html>",
    "more": lambda content, _: content + b'{"code":0}',
    "gbk": lambda content, _: (
        content.decode("utf-8", "replace").encode("gbk", "replace") + "好".encode("gbk")
    ),
    "utf-16": lambda content, _: content.decode("utf-8", "replace").encode("utf-16"),
    "deepest": lambda *_: DEEP.encode(),
}
IN_JSON = ("odd", "odd", "odd", "drop", "twice", "listed", "deep", "huge")
MUTATIONS = st.builds(
    Mutation,
    st.integers(0, 1 << 32),
    st.lists(st.sampled_from([*IN_JSON, *IN_JSON, *BYTES]), min_size=1, max_size=3).map(tuple),
)
_DATES = [
    f"Mon, 01 Jan {year} 00:00:00{zone}" for year in ("0001", "9999") for zone in ("", " -0000", " +9999")
]
_HEADER = st.sampled_from(["", "x", "-1", "1" * 400, "1e9", "Mon, 99 Foo 2026", "text/html", *_DATES])
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "x-acs-retry-after", "date", "content-type"]), _HEADER, max_size=2
)


def spoilt(
    answer: httpx.Response, mutate: Mutation, headers: dict[str, str], status: int = 0
) -> httpx.Response:
    plain = {name: value.encode() for name, value in headers.items()}
    return httpx.Response(status or answer.status_code, headers=plain, content=mutate(answer.content))


def made(contract: type[ProviderContract], answer: Callable[[httpx.Request], httpx.Response]) -> Provider:
    cls = contract().provider_type()
    return cls(cls.Settings(**contract.settings), transport=Transport(answer))


def template_of(contract: type[ProviderContract]) -> Template:
    return Template.parse(contract.text, signature=contract.signature)


def call_of(contract: type[ProviderContract], provider: Provider, people: int) -> Call:
    template = template_of(contract)
    job = Job(template, contract.template_id, reference="contract")
    return next(iter(provider.calls(job, audience("equal", people, template.names))))


# -- sending ----------------------------------------------------------------------------


@each_provider
@settings(max_examples=examples(150))
@given(
    mutate=MUTATIONS,
    headers=HEADERS,
    people=st.sampled_from([1, 3]),
    status=st.sampled_from([0, 0, 200, 302, 500]),
    taken=st.booleans(),
)
def test_a_spoilt_answer_to_a_send(
    contract: type[ProviderContract],
    mutate: Mutation,
    headers: dict[str, str],
    people: int,
    status: int,
    taken: bool,
) -> None:
    """Of a spoilt yes nobody is refused, of a spoilt no nobody is accepted; without an id nobody ever is."""
    suite = contract()

    def answer(request: httpx.Request) -> httpx.Response:
        good = suite.accepted(request) if taken else suite.refused(request, suite.refused_code)
        return spoilt(good, mutate, headers, status)

    provider = made(contract, answer)
    call = call_of(contract, provider, people)
    fate: Any = asyncio.run(_fate(provider.submit(call)))
    kinds = {CodeClass.UNKNOWN} if isinstance(fate, OutcomeUnknown) else set()
    if isinstance(fate, list):
        assert len(fate) == len(call)
        assert all(r.message_id.strip() for r in fate if r.kind is CodeClass.ACCEPTED)
        orjson.dumps([[r.message_id, r.code, str(r.detail)] for r in fate])  # the ledger can keep it
        kinds = {r.kind for r in fate}

    if taken:
        assert kinds <= {CodeClass.ACCEPTED, CodeClass.UNKNOWN}
        assert kinds, "nothing says that nobody was messaged"
    else:
        assert CodeClass.ACCEPTED not in kinds


async def _fate(asking: Awaitable[Any]) -> Any:
    """What came of it: the answer, or the error the contract allows."""
    try:
        return await asking
    except (ProviderError, UnsupportedFeature) as error:
        return error


# -- looking ----------------------------------------------------------------------------


@each_provider
@settings(max_examples=examples(100))
@given(mutate=MUTATIONS, headers=HEADERS, which=st.integers(0, 4))
def test_a_spoilt_answer_to_a_check(
    contract: type[ProviderContract], mutate: Mutation, headers: dict[str, str], which: int
) -> None:
    """Whichever question is answered oddly, the check is made of findings, each with its words."""
    suite, asked = contract(), iter(range(1000))

    def answer(request: httpx.Request) -> httpx.Response:
        good = suite.in_order(request)
        return spoilt(good, mutate, headers) if next(asked) == which or which == 4 else good

    provider = made(contract, answer)
    template = template_of(contract)
    looked = provider.check(signature=suite.signature, template_id=suite.template_id, template=template)
    result = asyncio.run(looked)

    assert isinstance(result, CheckResult)
    assert result.findings
    assert all(f.meaning or f.code for f in result.findings)
    orjson.dumps([[f.what, f.code, str(f.meaning), str(f.next_step)] for f in result.findings])


@each_provider
@settings(max_examples=examples(60))
@given(mutate=MUTATIONS, headers=HEADERS)
def test_a_spoilt_list(contract: type[ProviderContract], mutate: Mutation, headers: dict[str, str]) -> None:
    """Signatures and templates are listed as far as they can be read, and what cannot be is no offer."""
    suite = contract()
    provider = made(contract, lambda request: spoilt(suite.in_order(request), mutate, headers))
    for asking in (provider.offered_signatures, provider.offered_templates):
        offers = asyncio.run(_fate(asking()))
        assert not isinstance(offers, list) or all(offer.id for offer in offers)


NOW = datetime(2026, 1, 5, 4, tzinfo=UTC)
RECORDS: dict[str, Any] = {
    "yunpian": [
        {"sid": 7, "mobile": "13800000000", "text": "t", "send_status": "SUCCESS", "report_status": "SUCCESS",
         "user_receive_time": "2026-01-05 12:00:00"},
    ],
    "aliyun": {"Code": "OK", "TotalCount": 1, "SmsSendDetailDTOs": {"SmsSendDetailDTO": [
        {"PhoneNum": "13800000000", "SendDate": "2026-01-05 12:00:00", "SendStatus": 3,
         "ErrCode": "DELIVERED", "ReceiveDate": "2026-01-05 12:00:01", "Content": "t", "OutId": "x"}]}},
    "tencent": {"Response": {"RequestId": "r", "PullSmsSendStatusSet": [
        {"PhoneNumber": "+8613800000000", "SerialNo": "2640:1", "ReportStatus": "SUCCESS",
         "UserReceiveTime": 1767585600, "SessionContext": ""}]}},
    "http": {"code": 0, "data": [{"id": 71, "to": "13800000000", "text": "t", "ref": "r", "status": "sent"}]},
}  # fmt: skip


@each_provider
@settings(max_examples=examples(100))
@given(mutate=MUTATIONS, headers=HEADERS)
def test_spoilt_records(contract: type[ProviderContract], mutate: Mutation, headers: dict[str, str]) -> None:
    """Records are read whole or not at all: one that is lost would look like a message never taken."""
    if contract.name not in RECORDS:
        return
    content = json.dumps(RECORDS[contract.name]).encode()
    provider = made(contract, lambda _: spoilt(httpx.Response(200, content=content), mutate, headers))
    provider.clock = lambda: NOW.timestamp() + 60
    if Feature.RECORDS not in provider.features:
        return
    asking = provider.records("+8613800000000", NOW - timedelta(hours=1), NOW + timedelta(minutes=1))
    records = asyncio.run(_fate(asking))

    for record in records if isinstance(records, list) else ():
        assert isinstance(record, Record)
        assert record.phone
        assert record.message_id or not record.accepted


# -- afterwards ---------------------------------------------------------------------------

WITH_PAGES = [
    (contract, feature)
    for contract in CONTRACTS
    for feature, page in (
        (Feature.RECEIPTS, contract.receipts_page),
        (Feature.REPLIES, contract.replies_page),
    )
    if page and contract is not contracts.TestGenericHttpOneByOne
]
each_page = pytest.mark.parametrize(
    ("contract", "feature"), WITH_PAGES, ids=lambda value: value if isinstance(value, str) else value.__name__
)


def page_with(contract: type[ProviderContract], feature: Feature) -> tuple[Any, tuple[Any, ...]]:
    """A page of three rows alike but for their numbers, and where its rows stand."""
    page = json.loads(contract.receipts_page if feature is Feature.RECEIPTS else contract.replies_page)
    place = next(p for p in paths(page) if isinstance(at(page, p), list))
    row = at(page, place)[0]
    rows = [json.loads(json.dumps(row).replace("1380000000", f"138000{n}000")) for n in (1, 2, 3)]
    return put(page, place, rows), place


def parsed(provider: Provider, feature: Feature, body: bytes) -> Any:
    return provider.parse_receipts(body) if feature is Feature.RECEIPTS else provider.parse_replies(body)


@each_page
@settings(max_examples=examples(100))
@given(mutate=MUTATIONS.filter(lambda m: not set(m.kinds) & {*BYTES, "deep"}))
def test_one_bad_row_loses_no_other(
    contract: type[ProviderContract], feature: Feature, mutate: Mutation
) -> None:
    """Whatever stands in one row of a page, its neighbours are read, and what was not is counted."""
    page, place = page_with(contract, feature)
    provider = made(contract, lambda _: httpx.Response(200))
    good = parsed(provider, feature, json.dumps(page).encode())
    middle = mutate(json.dumps(at(page, place)[1]).encode()).decode()
    body = json.dumps(put(page, (*place, 1), "\x01")).replace(json.dumps("\x01"), middle).encode()
    rows = parsed(provider, feature, body)

    assert len(good) == 3
    assert good[0] in rows
    assert good[2] in rows
    assert isinstance(rows, Rows)
    assert len(rows) + rows.unread >= 3 or middle.startswith("[") or not middle.startswith("{")


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    folder: Path = tmp_path_factory.mktemp("answers")
    opened = Ledger(f"sqlite:///{folder / 'answers.db'}")
    yield opened
    opened.close()


@each_page
@settings(max_examples=examples(40))
@given(mutate=MUTATIONS, headers=HEADERS)
def test_a_spoilt_page(
    ledger: Ledger,
    contract: type[ProviderContract],
    feature: Feature,
    mutate: Mutation,
    headers: dict[str, str],
) -> None:
    """A page of any shape goes through the ledger: its rows are kept, or the page, and the fetch ends."""
    page, _ = page_with(contract, feature)
    pages = [spoilt(httpx.Response(200, content=json.dumps(page).encode()), mutate, headers)]
    suite = contract()
    provider = made(contract, lambda request: pages.pop() if pages else suite.in_order(request))
    fetch = fetch_receipts if feature is Feature.RECEIPTS else fetch_replies
    result = asyncio.run(fetch(ledger, provider, Mode.LIVE))

    assert not pages
    assert all(str(problem) for problem in result.problems)
    for number, _ in ledger.raw_reports.open(provider.name, Mode.LIVE, str(feature)):
        ledger.raw_reports.close(number)


# -- the reader itself ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "field", "text", "code", "id_"),
    [
        ('{"a":"x y"}', "a", "x y", "x y", ""),
        ('{"a":7}', "a", "7", "7", "7"),
        ('{"a":7.5}', "a", "7.5", "", ""),
        ('{"a":true}', "a", "", "", ""),
        ('{"a":NaN}', "a", "", "", ""),
        ('{"a":1e999}', "a", "", "", ""),
        ('{"a":["x"]}', "a", "", "", ""),
        ('{"a":"x","a":"y"}', "a", "", "", ""),
        ('{"a":"x","a":"x"}', "a", "x", "x", "x"),
        ('{"a":"\\ud83d!"}', "a", "\ufffd!", "\ufffd!", ""),
        (f'{{"a":{"9" * 41}}}', "a", "", "", ""),
        ('["a"]', "a", "", "", ""),
    ],
)
def test_a_field_is_its_kind_or_nothing(content: str, field: str, text: str, code: str, id_: str) -> None:
    """A text, a code and an id are read from what they can stand in, and from nothing else."""
    fields = Fields.of(decoded(content.encode()))

    assert (fields.text(field), fields.code(field), fields.id(field)) == (text, code, id_)


def test_what_is_no_json() -> None:
    """No text, no JSON, too deep: nothing of it is believed."""
    for content in (b"", b"\xff{}", b"{", DEEP.encode() * 3, b"<html>"):
        assert decoded(content) is UNREADABLE


def test_how_long_to_wait() -> None:
    """A wait is a whole number, however long; anything else is none."""
    said = ["5", " 5 ", "0", "-1", "9" * 400, "1.5", "x", ""]

    assert [seconds_in(text) for text in said] == [5.0, 5.0, 0.0, None, 1e9, None, None, None]
