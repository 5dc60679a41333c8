"""
The contract every provider keeps, as a test suite to inherit.

Built-in providers and plug-ins pass the same one. A subclass says how its SSP
answers; the suite hands those answers to the provider through its transport, so
no network is needed, and looks at what the engine would rely on::

    from smskit.testing import ProviderContract

    class TestExampleSsp(ProviderContract):
        name = "example"
        settings = {"api_key": "made-up-0123456789"}
        refused_code = "1001"

        def sends(self, request): return request.url.path == "/send"
        def numbers(self, request): return json.loads(request.content)["to"]
        def accepted(self, request): return httpx.Response(200, json={"code": 0, "id": "1"})
        def refused(self, request, code): return httpx.Response(200, json={"code": code})
        def in_order(self, request): return httpx.Response(200, json={"code": 0, "balance": 9})

Needs pytest and nothing else; docs/own_ssp.md walks through it.
"""

from __future__ import annotations

import asyncio
import json
import traceback
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import httpx
import numpy as np
import pyarrow as pa
import pytest

from smskit.audience.phones import normalise_one, to_e164
from smskit.errors import (
    AccountProblem,
    NotAccepted,
    OutcomeUnknown,
    ProviderError,
    RateLimited,
    Refused,
    Unreachable,
    UnsupportedFeature,
)
from smskit.message.template import Template
from smskit.models import CheckResult, CodeClass, Receipt, Reply, Slice, Submission
from smskit.providers import provider_class
from smskit.providers.base import Feature, Provider
from smskit.providers.calls import Call, Job

__all__ = ["ProviderContract", "Transport", "audience"]

Answering = Callable[[httpx.Request], "httpx.Response | Exception"]
Fate = list[Submission] | ProviderError

_MOST = 1000  # people in a test; more would only take time
_AUDIENCES = ("alone", "equal", "different", "runs")

_NOT_LEFT = {
    "connect_error": httpx.ConnectError("no route"),
    "connect_timeout": httpx.ConnectTimeout("no route"),
    "pool_timeout": httpx.PoolTimeout("no connection free"),
}
_LEFT = {
    "read_timeout": httpx.ReadTimeout("no answer"),
    "write_timeout": httpx.WriteTimeout("half of it written"),
    "read_error": httpx.ReadError("reset"),
    "dropped": httpx.RemoteProtocolError("server disconnected"),
}
_UNREADABLE = {
    "empty": httpx.Response(200),
    "html": httpx.Response(200, html="<html>502 Bad Gateway</html>"),
    "not_utf8": httpx.Response(200, content=b"\xff\xfe\xfa"),
    "half_json": httpx.Response(200, content=b'{"code":'),
    "null": httpx.Response(200, content=b"null"),
    "number": httpx.Response(200, content=b"0"),
    "text": httpx.Response(200, content=b'"OK"'),
    "list": httpx.Response(200, content=b"[]"),
    "object": httpx.Response(200, content=b"{}"),
    "server_error": httpx.Response(500, html="<html>Internal Server Error</html>"),
    "bad_gateway": httpx.Response(502, content=b""),
    "redirect": httpx.Response(302, headers={"location": "https://elsewhere.example/"}),
}


class Transport(httpx.AsyncBaseTransport):
    """Stands in for the network: keeps every request, and answers it with what *answer* gives or raises."""

    def __init__(self, answer: Answering) -> None:
        self.answer = answer
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        await request.aread()
        self.requests.append(request)
        answer = self.answer(request)
        if isinstance(answer, Exception):
            raise answer
        return answer


def audience(kind: str, size: int, names: Sequence[str]) -> Slice:
    """
    People to send to, the same ones every time.

    Args:
        kind: ``equal`` values for all, ``different`` ones for each, ``runs`` of
            equal ones between different ones; any other is as ``equal``.
        names: Template variables; without any, all texts are equal.
    """
    rows = np.arange(size)
    groups = {"different": rows, "runs": np.where(rows % 10 < 6, rows // 10 * 10, rows)}.get(kind, rows * 0)
    columns = {
        name: pa.array([f"值{group}" for group in groups.tolist()], pa.large_string()) for name in names
    }
    return Slice(0, rows.astype(np.uint16), 8613800000000 + rows.astype(np.int64), columns)


class ProviderContract(ABC):
    """
    Inherit, say how the SSP answers, and run it with pytest. What the SSP lacks is left at its default;
    the suite then sees that the provider does not claim it either.

    ``numbers``, ``accepted``, ``refused`` and ``one_refused`` are asked about
    requests that ``sends`` says yes to; ``in_order`` about all others.
    """

    name: ClassVar[str]  # as registered, or that of `provider_type`
    settings: ClassVar[Mapping[str, Any]]  # made up; each credential at least 8 characters
    text: ClassVar[str] = "您好{name}，您的{gift}已到店"
    signature: ClassVar[str] = "示例"
    template_id: ClassVar[str] = ""

    refused_code: ClassVar[str]  # one that refuses a message for good
    account_code: ClassVar[str] = ""  # one that stops the account; "" = there is none
    # One that says the same to a request that only looks, where those have codes of their own.
    check_account_code: ClassVar[str] = ""
    busy_code: ClassVar[str] = ""  # one that says: nothing taken, come again; "" = there is none
    undocumented_code: ClassVar[str] = "987654"

    receipts_page: ClassVar[bytes] = b""  # a page with at least one report, for Feature.RECEIPTS
    replies_page: ClassVar[bytes] = b""  # a page with at least one reply, for Feature.REPLIES

    # -- what a subclass says --------------------------------------------------------

    def provider_type(self) -> type[Provider]:
        """The class under test; by default the one registered under ``name``."""
        return provider_class(self.name)

    @abstractmethod
    def sends(self, request: httpx.Request) -> bool:
        """Would this request send messages?"""

    @abstractmethod
    def numbers(self, request: httpx.Request) -> list[str]:
        """Whom this request would message, as the SSP would read it."""

    @abstractmethod
    def accepted(self, request: httpx.Request) -> httpx.Response:
        """Everybody in it accepted."""

    @abstractmethod
    def refused(self, request: httpx.Request, code: str) -> httpx.Response:
        """Nobody in it accepted, for the reason *code*. Also asked about requests that only look."""

    def one_refused(self, request: httpx.Request, number: str, code: str) -> httpx.Response | None:
        """All but *number* accepted; None where the SSP gives a request one fate."""
        return None

    @abstractmethod
    def in_order(self, request: httpx.Request) -> httpx.Response:
        """To a request that only looks: all is well, template and signature approved, nothing waits."""

    # -- what a call is ---------------------------------------------------------------

    @pytest.mark.parametrize("with_variables", [True, False], ids=["variables", "fixed"])
    @pytest.mark.parametrize("kind", _AUDIENCES)
    def test_everybody_is_in_one_call_within_the_limits(self, kind: str, with_variables: bool) -> None:
        """Calls hold every person exactly once, never more than the declared limits."""
        provider, _ = self._provider(self.accepted)
        calls = self._calls(provider, kind, with_variables=with_variables)
        limits = provider.limits
        people = [phone for call in calls for phone in call.phones]

        assert Counter(people) == Counter(self._phones(provider, kind))
        for call in calls:
            equal = len({tuple(m.variables.items()) for m in call.messages}) == 1
            assert 1 <= len(call) <= (max(limits.same, limits.different) if equal else limits.different)

    def test_equal_values_share_requests(self) -> None:
        """People with equal values fill requests as far as ``limits.same`` goes."""
        provider, _ = self._provider(self.accepted)
        size = self._size(provider)

        assert len(self._calls(provider, "equal")) == -(-size // max(provider.limits.same, 1))

    @pytest.mark.parametrize("kind", _AUDIENCES)
    def test_one_request_and_one_result_a_message(self, kind: str) -> None:
        """Each call is one request about exactly its people, answered by one result for each."""
        provider, network = self._provider(self.accepted)
        for call in self._calls(provider, kind):
            results = self._submit(provider, network, call)

            assert isinstance(results, list)
            assert [r.kind for r in results] == [CodeClass.ACCEPTED] * len(call)
            assert self._asked(network) == call.phones
            if Feature.RECEIPTS in provider.features:
                assert all(r.message_id for r in results), "a receipt finds its message by this id"

    @pytest.mark.parametrize("kind", ["equal", "different", "runs"])
    def test_a_part_of_a_call_can_be_sent(self, kind: str) -> None:
        """The engine halves calls and leaves people out of them: only those kept are messaged."""
        provider, network = self._provider(self.accepted)
        call = max(self._calls(provider, kind), key=len)
        half = call.part(0, max(1, len(call) // 2))
        every_other = Call(call.job, call.people, call.rows[::2], call.method)
        for part in (half, every_other):
            results = self._submit(provider, network, part)

            assert isinstance(results, list)
            assert len(results) == len(part)
            assert self._asked(network) == part.phones

    def test_submitting_twice_gives_the_same(self) -> None:
        """Nothing is kept from one call to the next: the same people come out in the same order."""
        provider, network = self._provider(self.accepted)
        call = self._calls(provider, "equal")[0]
        first, second = (self._submit(provider, network, call) for _ in range(2))

        assert isinstance(first, list)
        assert isinstance(second, list)
        assert [r.kind for r in first] == [r.kind for r in second]

    # -- what an answer means -----------------------------------------------------------

    def test_a_refusal_is_about_its_person(self) -> None:
        """
        Of several people exactly the refused one is refused, wherever its row stands.

        Where the SSP gives a request one fate, everybody in it is refused, and nobody
        is taken for accepted: the engine asks again in halves.
        """
        provider, network = self._provider(self.accepted)
        call = max(self._calls(provider, "equal"), key=len)
        one_fate: list[bool] = []
        for index in sorted({0, len(call) // 2, len(call) - 1}):
            wanted = call.phones[index]

            def answer(request: httpx.Request, wanted: str = wanted) -> httpx.Response:
                number = next(n for n in self.numbers(request) if _e164(n) == wanted)
                mixed = self.one_refused(request, number, self.refused_code)
                one_fate.append(mixed is None)
                return mixed or self.refused(request, self.refused_code)

            network.answer = answer
            results = self._submit(provider, network, call)
            if any(one_fate):
                assert _kinds(results) == {CodeClass.REFUSED}
                continue
            expected = [CodeClass.ACCEPTED] * len(call)
            expected[index] = CodeClass.REFUSED
            if len(call) == 1 and isinstance(results, Refused):
                continue
            assert isinstance(results, list)
            assert [r.kind for r in results] == expected
            assert results[index].code == self.refused_code
            assert not results[index].message_id

    @pytest.mark.parametrize("kind", ["alone", "equal"])
    def test_refused(self, kind: str) -> None:
        """A documented refusal is one, with the SSP's own code."""
        provider, network = self._provider(lambda request: self.refused(request, self.refused_code))
        fate = self._submit(provider, network, self._calls(provider, kind)[0])

        assert _kinds(fate) == {CodeClass.REFUSED}
        assert _codes(fate) == {self.refused_code}
        assert provider.code(self.refused_code).kind is CodeClass.REFUSED

    @pytest.mark.parametrize("kind", ["alone", "equal"])
    def test_undocumented_code_is_unknown(self, kind: str) -> None:
        """A code nobody documented is neither accepted nor refused."""
        provider, network = self._provider(lambda request: self.refused(request, self.undocumented_code))
        fate = self._submit(provider, network, self._calls(provider, kind)[0])

        assert _kinds(fate) == {CodeClass.UNKNOWN}
        assert provider.code(self.undocumented_code).kind is CodeClass.UNKNOWN

    def test_account_problem_stops(self) -> None:
        """What is wrong with the account stops the campaign instead of refusing people one by one."""
        self._is_the_fate_of(self.account_code, CodeClass.ACCOUNT)

    def test_busy_may_come_again(self) -> None:
        """Being too fast loses nobody."""
        self._is_the_fate_of(self.busy_code, CodeClass.RETRY)

    def _is_the_fate_of(self, code: str, kind: CodeClass) -> None:
        """A message answered with *code* comes to *kind*; without one, the provider knows no such code."""
        provider, network = self._provider(lambda request: self.refused(request, code))
        if not code:
            assert self._codes_of(provider, kind) == []
            return
        fate = self._submit(provider, network, self._calls(provider, "alone")[0])

        assert _kinds(fate) == {kind}

    @staticmethod
    def _codes_of(provider: Provider, kind: CodeClass) -> list[str]:
        tables = (provider.codes, *provider.code_tables().values())
        return sorted({code for table in tables for code in table if provider.code(code).kind is kind})

    # -- no answer ----------------------------------------------------------------------

    @pytest.mark.parametrize("failure", _NOT_LEFT.values(), ids=_NOT_LEFT)
    def test_no_connection_sent_nothing(self, failure: Exception) -> None:
        """Without a connection nothing left, so it may go again; but not by itself."""
        provider, network = self._provider(lambda _: failure)
        fate = self._submit(provider, network, self._calls(provider, "equal")[0])

        assert isinstance(fate, Unreachable)

    @pytest.mark.parametrize("failure", _LEFT.values(), ids=_LEFT)
    def test_no_answer_is_unknown(self, failure: Exception) -> None:
        """Once the request may have left, no answer means unknown, and nothing is sent again."""
        provider, network = self._provider(lambda _: failure)
        fate = self._submit(provider, network, self._calls(provider, "equal")[0])

        assert isinstance(fate, OutcomeUnknown)

    @pytest.mark.parametrize("kind", ["alone", "equal"])
    @pytest.mark.parametrize("answer", _UNREADABLE.values(), ids=_UNREADABLE)
    def test_unreadable_answer_is_unknown(self, answer: httpx.Response, kind: str) -> None:
        """An answer that is not this SSP's says nothing about what became of the messages."""
        provider, network = self._provider(lambda _: answer)
        fate = self._submit(provider, network, self._calls(provider, kind)[0])

        assert _kinds(fate) == {CodeClass.UNKNOWN}

    @pytest.mark.parametrize("kind", ["alone", "equal"])
    def test_half_an_answer_is_unknown(self, kind: str) -> None:
        """A good answer cut off in the middle is not a good answer."""

        def half(request: httpx.Request) -> httpx.Response:
            whole = self.accepted(request).content
            return httpx.Response(200, content=whole[: len(whole) // 2])

        provider, network = self._provider(half)
        fate = self._submit(provider, network, self._calls(provider, kind)[0])

        assert _kinds(fate) == {CodeClass.UNKNOWN}

    @pytest.mark.parametrize("kind", ["alone", "equal"])
    @pytest.mark.parametrize(
        "instead", [None, 0, "", [], {}], ids=["null", "zero", "blank", "list", "object"]
    )
    def test_an_odd_answer_is_still_an_answer(self, kind: str, instead: Any) -> None:
        """Whatever stands where something else should, everybody gets a result or the call an outcome."""
        provider, network = self._provider(self.accepted)
        call = self._calls(provider, kind)[0]
        self._submit(provider, network, call)
        whole = json.loads(self.accepted(network.requests[0]).content)
        for path in list(_paths(whole))[:40]:
            network.answer = lambda _, path=path: httpx.Response(200, json=_with(whole, path, instead))  # type: ignore[misc]
            fate = self._submit(provider, network, call)
            assert isinstance(fate, ProviderError) or len(fate) == len(call)
            ids = {r.message_id for r in fate} if isinstance(fate, list) else set()
            assert not ids & {"None", "[]", "{}"}, "what is no id is none"

    # -- secrets --------------------------------------------------------------------------

    def test_nothing_secret_is_shown(self) -> None:
        """No credential and no full phone in a repr, an error, its facts or its traceback."""
        provider, network = self._provider(self.accepted)
        call = self._calls(provider, "equal")[0]
        shown = [repr(provider), str(provider), repr(provider.settings), str(provider.settings), repr(call)]
        echo = [lambda request, s=s: httpx.Response(s, content=request.content) for s in (200, 400)]
        bad = [lambda request, code=code: self.refused(request, code) for code in self._bad_codes()]
        answers: list[Any] = [*echo, *bad]
        answers += [lambda _, thing=thing: thing for thing in (*_LEFT.values(), *_NOT_LEFT.values())]
        answers += [lambda _, thing=thing: thing for thing in _UNREADABLE.values()]
        for answer in answers:
            network.answer = answer
            shown += _words_of(self._submit(provider, network, call))
        text = "\n".join(shown)

        for secret in self._secrets():
            assert secret not in text
        for phone in call.phones:
            assert phone[3:] not in text

    def test_secrets_of_the_suite_are_long_enough(self) -> None:
        """The made-up credentials are recognisable, so that finding none of them means something."""
        assert all(len(secret) >= 8 for secret in self._secrets())

    # -- what a provider declares -----------------------------------------------------------

    def test_declarations(self) -> None:
        """Name, title, settings and limits are there, the limits without an account."""
        cls = self.provider_type()
        nobody = {field: "not-set-up" for field in cls.Settings.secret_fields()}
        provider = cls(cls.Settings(**{**self.settings, **nobody}), transport=Transport(self.accepted))

        assert cls.name == self.name == self.name.lower()
        assert provider.title
        assert provider.limits.same >= 1
        assert provider.limits.different >= 1
        assert provider.limits.text_units >= 70

    def test_codes_are_documented(self) -> None:
        """The table knows what accepted looks like, and every code has a meaning."""
        provider, _ = self._provider(self.accepted)
        kinds = {code.kind for code in provider.codes.values()}

        assert CodeClass.ACCEPTED in kinds
        assert [code for code, known in provider.codes.items() if not known.meaning.strip()] == []
        assert [code for code in provider.codes if not isinstance(code, str) or not code] == []
        waits = {c: k for c, k in provider.codes.items() if k.retry_after_s is not None}
        assert [c for c, k in waits.items() if k.kind not in (CodeClass.LATER, CodeClass.RETRY)] == []

    # -- looking ------------------------------------------------------------------------------

    def test_check_says_usable_and_sends_nothing(self) -> None:
        """With everything in order the check says so, by requests that only look."""
        provider, network = self._provider(self.in_order)
        result = self._check(provider)

        assert isinstance(result, CheckResult)
        assert result.provider == self.name
        assert result.usable, result.findings
        assert result.findings
        assert [r.url.path for r in network.requests if self.sends(r)] == []

    def test_check_says_what_is_wrong(self) -> None:
        """
        An account that cannot send is not usable, in the SSP's own code and with a next step.

        A check that asks nothing says so, and no code that the SSP never said.
        """
        code = self.check_account_code or self.account_code
        provider, network = self._provider(lambda request: self.refused(request, code))
        result = self._check(provider)

        assert isinstance(result, CheckResult)
        if not network.requests:
            assert result.findings
            assert {finding.code for finding in result.findings} == {""}
            return
        if not code:
            assert self._codes_of(provider, CodeClass.ACCOUNT) == []
            return
        assert not result.usable
        bad = [finding for finding in result.findings if not finding.ok]
        assert code in {finding.code for finding in bad}
        assert all(finding.next_step for finding in bad)

    @pytest.mark.parametrize("failure", [*_NOT_LEFT.values(), *_LEFT.values()], ids=[*_NOT_LEFT, *_LEFT])
    def test_check_is_not_usable_by_silence(self, failure: Exception) -> None:
        """No answer to a question is not a yes."""
        provider, network = self._provider(lambda _: failure)
        result = self._check(provider)

        assert not network.requests or isinstance(result, ProviderError) or not result.usable

    @pytest.mark.parametrize("feature", [Feature.RECEIPTS, Feature.REPLIES])
    def test_nothing_waits(self, feature: Feature) -> None:
        """Fetching ends when nothing waits; a provider that cannot fetch asks nothing at all."""
        provider, network = self._provider(self.in_order)
        page = self._pull(provider, feature)

        assert page is None
        assert bool(network.requests) == (feature in provider.features)
        assert [r.url.path for r in network.requests if self.sends(r)] == []

    @pytest.mark.parametrize("feature", [Feature.RECEIPTS, Feature.REPLIES])
    def test_a_page_can_be_read_again(self, feature: Feature) -> None:
        """
        A fetched page is kept as it came, and reading it later, or twice, gives the same.

        A provider that does not offer them fetches none, and finds none in anything.
        """
        page = self.receipts_page if feature is Feature.RECEIPTS else self.replies_page
        provider, _ = self._provider(lambda _: httpx.Response(200, content=page))
        body = self._pull(provider, feature)
        if feature not in provider.features:
            assert body is None
            assert list(self._parse(provider, feature, page or b"{}")) == []
            return
        assert page, f"give the suite a page: {feature}_page"
        later, _ = self._provider(lambda _: httpx.ConnectError("reading needs no network"))

        assert body is not None
        once, twice, afresh = (self._parse(p, feature, body) for p in (provider, provider, later))
        assert once == twice == afresh
        assert once
        for row in once:
            assert row.phone == _e164(row.phone)
            assert row.at is None or row.at.utcoffset() == timedelta(0)
            assert row.message_id if isinstance(row, Receipt) else row.reply_id

    def test_records(self) -> None:
        """Asking what became of a number sends nothing; only a declared feature promises an answer."""
        provider, network = self._provider(self.in_order)
        now = datetime.now(UTC)
        ask = provider.records("+8613800000000", now - timedelta(minutes=10), now)
        try:
            found = list(asyncio.run(_awaited(ask)))
        except UnsupportedFeature:
            assert Feature.RECORDS not in provider.features
        else:
            assert found == []
            assert network.requests
        assert [r.url.path for r in network.requests if self.sends(r)] == []

    def test_records_are_not_empty_by_silence(self) -> None:
        """No answer, or none that can be read, is never taken for "no record": that would send again."""
        provider, network = self._provider(self.in_order)
        refused = ProviderError if Feature.RECORDS in provider.features else UnsupportedFeature
        now = datetime.now(UTC)
        for answer in (*_LEFT.values(), *_NOT_LEFT.values(), *_UNREADABLE.values()):
            if answer is _UNREADABLE["list"]:
                continue  # for some an empty list is the answer
            network.answer = lambda _, answer=answer: answer  # type: ignore[misc]
            with pytest.raises(refused):
                asyncio.run(_awaited(provider.records("+8613800000000", now - timedelta(minutes=10), now)))

    # -- how ----------------------------------------------------------------------------------

    def _provider(self, answer: Answering) -> tuple[Provider, Transport]:
        cls, network = self.provider_type(), Transport(answer)
        return cls(cls.Settings(**self.settings), transport=network), network

    def _size(self, provider: Provider) -> int:
        return min(_MOST, provider.limits.same * 2 + 1)

    def _audience(self, provider: Provider, kind: str, *, with_variables: bool = True) -> Slice:
        size = 1 if kind == "alone" else self._size(provider) if kind == "equal" else 25
        return audience(kind, size, self._template(with_variables=with_variables).names)

    def _phones(self, provider: Provider, kind: str) -> list[str]:
        return [to_e164(phone) for phone in self._audience(provider, kind).phones.tolist()]

    def _template(self, *, with_variables: bool = True) -> Template:
        text = self.text if with_variables else "您好，您的礼品已到店"
        return Template.parse(text, signature=self.signature)

    def _calls(self, provider: Provider, kind: str, *, with_variables: bool = True) -> list[Call]:
        job = Job(self._template(with_variables=with_variables), self.template_id, reference="contract")
        return list(provider.calls(job, self._audience(provider, kind, with_variables=with_variables)))

    def _submit(self, provider: Provider, network: Transport, call: Call) -> Fate:
        """What became of a call, which was exactly one request, whatever came of it."""
        network.requests.clear()
        try:
            results: Fate = asyncio.run(_awaited(provider.submit(call)))
        except ProviderError as error:
            results = error
        assert len(network.requests) == 1, "a call is one request; nothing is repeated by itself"
        assert self.sends(network.requests[0])
        return results

    def _asked(self, network: Transport) -> list[str]:
        return [_e164(number) for number in self.numbers(network.requests[-1])]

    def _check(self, provider: Provider) -> CheckResult | ProviderError:
        template = self._template()
        try:
            result: CheckResult = asyncio.run(
                _awaited(
                    provider.check(signature=self.signature, template_id=self.template_id, template=template)
                )
            )
        except ProviderError as error:
            return error
        return result

    def _pull(self, provider: Provider, feature: Feature) -> bytes | None:
        pull = provider.pull_receipts if feature is Feature.RECEIPTS else provider.pull_replies
        body: bytes | None = asyncio.run(_awaited(pull()))
        return body

    @staticmethod
    def _parse(provider: Provider, feature: Feature, body: bytes) -> Sequence[Receipt | Reply]:
        if feature is Feature.RECEIPTS:
            return provider.parse_receipts(body)
        return provider.parse_replies(body)

    def _secrets(self) -> list[str]:
        fields = self.provider_type().Settings.secret_fields()
        return [str(self.settings[field]) for field in fields if field in self.settings]

    def _bad_codes(self) -> list[str]:
        codes = (self.refused_code, self.account_code, self.busy_code, self.undocumented_code)
        return [code for code in codes if code]


def _paths(data: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where values stand in JSON data, outer ones first."""
    yield place
    children = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, child in children:
        yield from _paths(child, (*place, key))


def _with(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    """*data* with something else at *path*."""
    if not path:
        return value
    copy = dict(data) if isinstance(data, dict) else list(data)
    copy[path[0]] = _with(data[path[0]], path[1:], value)
    return copy


async def _awaited(answer: Any) -> Any:
    return await answer


def _e164(number: str) -> str:
    return to_e164(normalise_one(number))


def _kinds(fate: Fate) -> set[CodeClass]:
    """What a fate comes to for its messages, whichever way the provider said it."""
    if isinstance(fate, list):
        return {result.kind for result in fate}
    if isinstance(fate, OutcomeUnknown):
        return {CodeClass.UNKNOWN}
    if isinstance(fate, AccountProblem):
        return {CodeClass.ACCOUNT}
    if isinstance(fate, Refused):
        return {CodeClass.REFUSED}
    assert isinstance(fate, RateLimited | NotAccepted)
    return {CodeClass.RETRY}


def _codes(fate: Fate) -> set[str]:
    return {result.code for result in fate} if isinstance(fate, list) else {fate.code}


def _words_of(fate: Fate) -> list[str]:
    """Everything a person or a log could see of a fate."""
    if isinstance(fate, list):
        return [repr(fate)]
    return [str(fate), repr(fate), repr(vars(fate)), *traceback.format_exception(fate)]
