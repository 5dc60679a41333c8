"""Aliyun: this message -> exactly this on the wire; this answer -> this result or error."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import httpx
import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smskit.errors import (
    AccountProblem,
    BatchNotAllowed,
    OutcomeUnknown,
    ProviderError,
    RateLimited,
    Refused,
    SettingsError,
    Unreachable,
)
from smskit.message.template import Form, Template
from smskit.models import About, CodeClass, MessageClass, Receipt, Slice, Submission
from smskit.providers import Call, Job, provider_class
from smskit.providers.aliyun import Aliyun, AliyunSettings, parse_push
from smskit.providers.aliyun.reports import out_id, record_id, reference_in
from smskit.providers.aliyun.signing import (
    authorization,
    canonical,
    hashed,
    pair,
    percent,
    sign_acs3,
    sign_rpc,
)
from smskit.providers.aliyun.wire import build_request
from smskit.settings import Environment

DATA = Path(__file__).parents[1] / "data" / "aliyun"
VECTORS = json.loads((DATA / "signature_vectors.json").read_text("utf-8"))
ANSWERS = json.loads((DATA / "answers.json").read_text("utf-8"))

KEY_ID, SECRET = "testAccessKeyId", "testAccessKeySecret"
AT = datetime(2025, 6, 1, 8, 0, tzinfo=UTC)
BIZ_ID = "900619746936498440^0"

TEMPLATE = Template.parse("${name}您好，您的券${coupon}已到账。拒收请回复R", signature="阿里云")
JOB = Job(TEMPLATE, "SMS_123456789", reference="spring-sale")
PLAIN = Job(Template.parse("您的订单已发货", signature="阿里云"), "SMS_1", reference="spring-sale")

run: Callable[[Awaitable[Any]], Any] = asyncio.run  # type: ignore[assignment]


def settings(**fields: Any) -> AliyunSettings:
    return AliyunSettings(access_key_id=KEY_ID, access_key_secret=SECRET, **fields)


def people(rows: Sequence[tuple[str, str]], *, first: int = 8615300000001) -> Slice:
    """One person a row, with a name and a coupon."""
    names, coupons = zip(*rows, strict=True)
    return Slice(
        0,
        np.arange(len(rows), dtype=np.uint16),
        np.arange(first, first + len(rows), dtype=np.int64),
        {"name": pa.array(names, pa.large_string()), "coupon": pa.array(coupons, pa.large_string())},
    )


DIFFERENT = people([("张 三", "A1"), ('李"四\\', "B+2")])
EQUAL = people([("会员", "A1")] * 3)


class Wired:
    """An Aliyun whose requests are kept and answered from a list, the last answer again and again."""

    def __init__(
        self, *answers: object, status: int = 200, headers: dict[str, str] | None = None, **fields: Any
    ):
        self.requests: list[httpx.Request] = []
        self._answers = answers or (ANSWERS["sent"],)
        self._status, self._headers = status, headers
        numbers = itertools.count(1)
        self.aliyun = Aliyun(
            settings(**fields),
            transport=httpx.MockTransport(self._answer),
            nonce=lambda: f"{next(numbers):016x}" * 2,
        )
        self.aliyun.clock = AT.timestamp

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers[min(len(self.requests), len(self._answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        body = answer if isinstance(answer, bytes) else orjson.dumps(answer)
        return httpx.Response(self._status, content=body, headers=self._headers)

    def calls(self, slice_: Slice, job: Job = JOB) -> list[Call]:
        return list(self.aliyun.calls(job, slice_))

    def submit(self, slice_: Slice, job: Job = JOB) -> list[Submission]:
        (call,) = self.calls(slice_, job)
        return run(self.aliyun.submit(call))  # type: ignore[no-any-return]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.requests[-1].url.query.decode(), keep_blank_values=True))

    @property
    def form(self) -> dict[str, Any]:
        return {k: json.loads(v) for k, v in parse_qsl(self.requests[-1].content.decode())}

    @property
    def action(self) -> str:
        return self.requests[-1].headers.get("x-acs-action", "")


def ids(rows: Iterable[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in rows]


# -- digests ---------------------------------------------------------------------------


@pytest.mark.parametrize("row", VECTORS["percent_encoding"], ids=lambda row: row["encoded"])
def test_percent_encoding(row: dict[str, str]) -> None:
    """Text is encoded as the vendor's own packages do it."""
    assert percent(row["raw"]) == row["encoded"]


@pytest.mark.parametrize("vector", VECTORS["acs3_hmac_sha256"], ids=ids(VECTORS["acs3_hmac_sha256"]))
def test_acs3_vectors(vector: dict[str, Any]) -> None:
    """Every step of ACS3 equals what the vendor's packages compute."""
    query = canonical(pair(k, v) for k, v in vector["query"].items())
    headers = vector["headers_signed"]
    signed = sign_acs3(vector["method"], vector["path"], query, headers, secret=vector["access_key_secret"])

    assert query == vector.get("canonical_query_string", query)
    assert hashed(vector["body"].encode()) == vector["hashed_request_payload"]
    assert signed == (vector["canonical_request"], vector["string_to_sign"], vector["signature"])
    assert authorization(vector["access_key_id"], headers, signed.signature) == vector["authorization"]


@pytest.mark.parametrize("vector", VECTORS["rpc_v1"], ids=ids(VECTORS["rpc_v1"]))
def test_rpc_vectors(vector: dict[str, Any]) -> None:
    """Every step of the older RPC scheme equals what the vendor's packages compute."""
    query = canonical(pair(k, v) for k, v in vector["params"].items())
    signed = sign_rpc(vector["method"], query, secret=vector["access_key_secret"])

    assert signed == (vector["canonicalized_query_string"], vector["string_to_sign"], vector["signature"])


def test_wrong_vectors_are_not_ours() -> None:
    """None of the usual mistakes gives the digest we compute."""
    wrong = dict(VECTORS["rpc_v1_wrong_signatures"])
    name = wrong.pop("vector")
    vector = next(v for v in VECTORS["rpc_v1"] if v["id"] == name)
    query = canonical(pair(k, v) for k, v in vector["params"].items())
    ours = sign_rpc(vector["method"], query, secret=vector["access_key_secret"]).signature

    assert ours == wrong.pop("right")
    assert ours not in wrong.values()


@pytest.mark.parametrize(
    ("name", "action"),
    [
        ("acs3-sendsms-post-ascii", "SendSms"),
        ("acs3-sendsms-post-special", "SendSms"),
        ("acs3-sendbatchsms-form", "SendBatchSms"),
        ("acs3-querysenddetails", "QuerySendDetails"),
        ("acs3-sendsms-sts", "SendSms"),
    ],
)
def test_acs3_requests_are_the_vectors(name: str, action: str) -> None:
    """What the client builds for the vectors' calls carries exactly their ``Authorization``."""
    vector = next(v for v in VECTORS["acs3_hmac_sha256"] if v["id"] == name)
    headers = vector["headers_signed"]
    wire = build_request(
        settings(security_token=headers.get("x-acs-security-token", "")),
        action,
        [pair(k, v) for k, v in vector["query"].items()],
        vector["body"].encode(),
        at=AT,
        nonce=headers["x-acs-signature-nonce"],
    )

    assert wire.url == f"https://dysmsapi.aliyuncs.com/?{vector['canonical_query_string']}"
    assert wire.headers == headers | {"accept": "application/json", "authorization": vector["authorization"]}
    assert wire.body == vector["body"].encode()
    assert wire.string_to_sign == vector["string_to_sign"]


@pytest.mark.parametrize(
    ("name", "action"),
    [("rpc-sendsms-post-special", "SendSms"), ("rpc-sendbatchsms-post-form", "SendBatchSms")],
)
def test_rpc_requests_are_the_vectors(name: str, action: str) -> None:
    """With the older scheme the signed fields are exactly the vectors', and arrays travel in the form."""
    vector = next(v for v in VECTORS["rpc_v1"] if v["id"] == name)
    common = {"Action", "Version", "Format", "AccessKeyId", "Timestamp", "SecurityToken"}
    in_form = vector.get("params_sent_in_form_body", [])
    own = [
        pair(k, v) for k, v in vector["params"].items() if k not in common and not k.startswith("Signature")
    ]
    form = "&".join(p for p in own if p.partition("=")[0] in in_form).encode()
    query = [p for p in own if p.partition("=")[0] not in in_form]
    nonce = vector["params"]["SignatureNonce"]
    wire = build_request(settings(signature_version="rpc"), action, query, form, at=AT, nonce=nonce)
    sent = dict(parse_qsl(wire.url.partition("?")[2], keep_blank_values=True))

    assert wire.string_to_sign == vector["string_to_sign"]
    assert sent.pop("Signature") == vector["signature"]
    assert sent | dict(parse_qsl(form.decode())) == vector["params"]
    assert ("content-type" in wire.headers) is bool(form)


def test_sts_with_rpc_signs_the_token() -> None:
    """With temporary credentials the older scheme sends and signs the token as a field."""
    wire = build_request(
        settings(signature_version="rpc", security_token="CAIS+Test/Token=="), "SendSms", [], at=AT, nonce="n"
    )

    assert "SecurityToken=CAIS%2BTest%2FToken%3D%3D&" in wire.url
    assert "SecurityToken%3DCAIS%252BTest" in wire.string_to_sign


@pytest.mark.parametrize(
    ("base_url", "host"),
    [
        ("https://dysmsapi.aliyuncs.com", "dysmsapi.aliyuncs.com"),
        ("https://dysmsapi.aliyuncs.com:443", "dysmsapi.aliyuncs.com"),
        ("http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("http://127.0.0.1:80", "127.0.0.1"),
    ],
)
def test_signed_host_is_the_one_sent(base_url: str, host: str) -> None:
    """The signed ``host`` has a port exactly where the sent one has."""
    wired = Wired(base_url=base_url)
    wired.submit(EQUAL)

    assert wired.requests[0].headers["host"] == host


# -- what goes on the wire ---------------------------------------------------------------


def test_equal_values_on_the_wire() -> None:
    """People with equal values share one SendSms: everything in the query, nothing in the body."""
    wired = Wired()
    wired.submit(EQUAL)
    (request,) = wired.requests

    assert (request.method, request.content) == ("POST", b"")
    assert request.url.query.decode() == (
        "OutId=spring-sale~0000000000000001"
        "&PhoneNumbers=15300000001%2C15300000002%2C15300000003"
        "&SignName=%E9%98%BF%E9%87%8C%E4%BA%91&TemplateCode=SMS_123456789"
        "&TemplateParam=%7B%22name%22%3A%22%E4%BC%9A%E5%91%98%22%2C%22coupon%22%3A%22A1%22%7D"
    )
    assert {k: v for k, v in request.headers.items() if k.startswith("x-acs-")} == {
        "x-acs-action": "SendSms",
        "x-acs-version": "2017-05-25",
        "x-acs-date": "2025-06-01T08:00:00Z",
        "x-acs-signature-nonce": f"{2:016x}" * 2,
        "x-acs-content-sha256": VECTORS["empty_payload_sha256"],
    }
    assert "content-type" not in request.headers
    assert request.headers["authorization"].startswith(
        f"ACS3-HMAC-SHA256 Credential={KEY_ID},SignedHeaders=host;x-acs-action;x-acs-content-sha256;"
    )


def test_different_values_on_the_wire() -> None:
    """People with values of their own share one SendBatchSms: arrays in the form, the rest in the query."""
    wired = Wired()
    wired.submit(DIFFERENT)
    (request,) = wired.requests

    assert request.url.query.decode() == "OutId=spring-sale~0000000000000001&TemplateCode=SMS_123456789"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert request.headers["x-acs-content-sha256"] == hashed(request.content)
    assert request.content.decode() == (
        "PhoneNumberJson=%5B%2215300000001%22%2C%2215300000002%22%5D"
        "&SignNameJson=%5B%22%E9%98%BF%E9%87%8C%E4%BA%91%22%2C%22%E9%98%BF%E9%87%8C%E4%BA%91%22%5D"
        "&TemplateParamJson=%5B%7B%22name%22%3A%22%E5%BC%A0%20%E4%B8%89%22%2C%22coupon%22%3A%22A1%22%7D%2C"
        "%7B%22name%22%3A%22%E6%9D%8E%5C%22%E5%9B%9B%5C%5C%22%2C%22coupon%22%3A%22B%2B2%22%7D%5D"
    )
    assert wired.form["TemplateParamJson"] == [
        {"name": "张 三", "coupon": "A1"},
        {"name": '李"四\\', "coupon": "B+2"},
    ]


def test_template_without_variables_sends_no_param() -> None:
    """A text without variables goes out by SendSms without ``TemplateParam``, whoever gets it."""
    wired = Wired()
    wired.submit(EQUAL._replace(variables={}), PLAIN)

    assert "TemplateParam" not in wired.query
    assert wired.query["TemplateCode"] == "SMS_1"


def test_the_older_scheme_on_the_wire() -> None:
    """With ``signature_version`` rpc the digest is a field of the query, and no header carries one."""
    wired = Wired(signature_version="rpc")
    wired.submit(EQUAL)
    sent = wired.query
    signature = sent.pop("Signature")
    expected = sign_rpc("POST", canonical(pair(k, v) for k, v in sent.items()), secret=SECRET).signature

    assert (sent["Action"], sent["Format"], sent["SignatureVersion"]) == ("SendSms", "JSON", "1.0")
    assert signature == expected
    assert not [name for name in wired.requests[0].headers if name.startswith(("x-acs", "authorization"))]


@pytest.mark.parametrize(
    ("slice_", "field", "value"),
    [(EQUAL, "SmsUpExtendCode", "90999"), (DIFFERENT, "SmsUpExtendCodeJson", ["90999", "90999"])],
    ids=["same", "different"],
)
def test_extend_code_travels_along(slice_: Slice, field: str, value: object) -> None:
    """The extension digits of the settings go with every call."""
    wired = Wired(extend_code="90999")
    wired.submit(slice_)

    assert (wired.form if slice_ is DIFFERENT else wired.query)[field] == value


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(st.lists(st.tuples(text, text), min_size=2, max_size=7))
def test_columns_are_encoded_as_single_values(rows: list[tuple[str, str]]) -> None:
    """Whatever the values hold, the form prepared by column reads back as one object a person."""
    job = Job(Template.parse("${name}和${a-1}", signature='甲"乙', form=Form.ALIYUN), "SMS_1")
    slice_ = people(rows)
    slice_ = slice_._replace(variables={"name": slice_.variables["name"], "a-1": slice_.variables["coupon"]})
    wired = Wired()
    for call in wired.aliyun.calls(job, slice_):
        if call.method == "SendBatchSms":
            form = dict(parse_qsl(call.body.decode(), strict_parsing=True))
            expected = [{"name": rows[i][0], "a-1": rows[i][1]} for i in call.rows]

            assert json.loads(form["TemplateParamJson"]) == expected
            assert json.loads(form["SignNameJson"]) == ['甲"乙'] * len(call)
            assert json.loads(form["PhoneNumberJson"]) == [phone[3:] for phone in call.phones]
        else:
            params = parse_qs(call.body.decode(), strict_parsing=True)

            assert json.loads(params["TemplateParam"][0]) == {"name": rows[0][0], "a-1": rows[0][1]}


@pytest.mark.parametrize(
    ("rows", "fields", "expected"),
    [
        ([("a", "1")] * 2500, {}, [("SendSms", 1000), ("SendSms", 1000), ("SendSms", 500)]),
        (
            [(str(i), "1") for i in range(250)],
            {},
            [("SendBatchSms", 100), ("SendBatchSms", 100), ("SendBatchSms", 50)],
        ),
        ([(str(i), "1") for i in range(3)] + [("x", "1")] * 101, {}, [("SendBatchSms", 3), ("SendSms", 101)]),
        ([("x", "1")] * 100 + [("y", "1")], {}, [("SendBatchSms", 100), ("SendBatchSms", 1)]),
        ([("a", "1")], {}, [("SendSms", 1)]),
        ([("a", "1")] * 5, {"batch_size": 2}, [("SendSms", 2), ("SendSms", 2), ("SendSms", 1)]),
        ([("a", "1"), ("b", "1"), ("c", "1")], {"batch_size": 2}, [("SendBatchSms", 2), ("SendBatchSms", 1)]),
    ],
    ids=["equal", "different", "mixed", "too-few-to-group", "one", "small-equal", "small-different"],
)
def test_people_are_cut_into_calls(
    rows: list[tuple[str, str]], fields: dict[str, Any], expected: list[tuple[str, int]]
) -> None:
    """Equal values up to 1,000 a call, different ones up to 100, everybody once and in order."""
    wired = Wired(**fields)
    calls = wired.calls(people(rows))
    phones = [phone for call in calls for phone in call.phones]

    assert [(call.method, len(call)) for call in calls] == expected
    assert phones == [f"+{8615300000001 + i}" for i in range(len(rows))]


@pytest.mark.parametrize("slice_", [EQUAL, DIFFERENT], ids=["same", "different"])
def test_a_part_is_prepared_anew(slice_: Slice) -> None:
    """A call cut in two sends the second half exactly as it stood in the whole."""
    wired = Wired()
    (call,) = wired.calls(slice_)
    run(wired.aliyun.submit(call.part(1, len(call))))
    fields = dict(parse_qsl(wired.requests[0].url.query.decode() + "&" + wired.requests[0].content.decode()))

    if slice_ is DIFFERENT:
        assert json.loads(fields["TemplateParamJson"]) == [{"name": '李"四\\', "coupon": "B+2"}]
        assert json.loads(fields["PhoneNumberJson"]) == ["15300000002"]
    else:
        assert fields["PhoneNumbers"] == "15300000002,15300000003"


@pytest.mark.parametrize(("slice_", "action"), [(EQUAL, "SendSms"), (DIFFERENT, "SendBatchSms")])
def test_a_call_without_a_method_finds_its_own(slice_: Slice, action: str) -> None:
    """A call made by hand goes out by what its values allow."""
    wired = Wired()
    run(wired.aliyun.submit(Call(JOB, slice_, np.arange(len(slice_.positions)))))

    assert wired.action == action


def test_every_request_has_its_own_reference_and_nonce() -> None:
    """Two submissions of one call differ in OutId and nonce, and both name the campaign."""
    wired = Wired()
    wired.submit(EQUAL)
    wired.submit(EQUAL)
    out_ids = [dict(parse_qsl(r.url.query.decode()))["OutId"] for r in wired.requests]
    nonces = [r.headers["x-acs-signature-nonce"] for r in wired.requests]

    assert len({*out_ids}) == len({*nonces}) == 2
    assert [reference_in(o) for o in out_ids] == ["spring-sale", "spring-sale"]


@pytest.mark.parametrize("reference", ["", "weekly-vip", "a~b", "双11大促", "x" * 60])
def test_reference_survives_the_round_trip(reference: str) -> None:
    """The job's reference is read back from its OutId, which stays below 256 characters."""
    mark = out_id(reference, "0123456789abcdef" * 2)

    assert reference_in(mark) == reference
    assert len(mark) < 256


@pytest.mark.parametrize(
    ("job", "code", "named"),
    [
        (Job(TEMPLATE, ""), "MissingTemplateCode", "template_id"),
        (Job(Template.parse("你好${name}"), "SMS_1"), "MissingSignName", "signature"),
    ],
    ids=["template", "signature"],
)
def test_what_aliyun_needs_is_demanded_before_sending(job: Job, code: str, named: str) -> None:
    """Without template id or signature nothing leaves, and the error names the parameter."""
    wired = Wired()

    with pytest.raises(Refused, match=named) as caught:
        wired.submit(EQUAL, job)

    assert caught.value.code == code
    assert wired.requests == []


# -- what comes back ---------------------------------------------------------------------


@pytest.mark.parametrize("slice_", [EQUAL, DIFFERENT], ids=["same", "different"])
def test_one_biz_id_stands_for_all(slice_: Slice) -> None:
    """An accepted call gives every person the call's BizId."""
    sent = Wired().submit(slice_)

    assert sent == [Submission(CodeClass.ACCEPTED, BIZ_ID, "OK")] * len(slice_.positions)


@pytest.mark.parametrize(
    ("body", "status", "error", "code"),
    [
        (ANSWERS["no-money"], 200, AccountProblem, "isv.AMOUNT_NOT_ENOUGH"),
        (ANSWERS["limited-minute"], 200, Refused, "isv.BUSINESS_LIMIT_CONTROL"),
        (ANSWERS["wrong-digest"], 400, AccountProblem, "SignatureDoesNotMatch"),
        (ANSWERS["small-letters"], 403, AccountProblem, "Forbidden.RAM"),
        ({"Code": "Throttling.User", "Message": "Request was denied"}, 400, RateLimited, "Throttling.User"),
        ({"Code": "ServiceUnavailable", "Message": "x"}, 503, RateLimited, "ServiceUnavailable"),
        ({"Code": "InternalError", "Message": "x"}, 500, OutcomeUnknown, "InternalError"),
        ({"Code": "isp.SYSTEM_ERROR", "Message": "x"}, 200, OutcomeUnknown, "isp.SYSTEM_ERROR"),
        ({"Code": "SignatureNonceUsed", "Message": "x"}, 400, OutcomeUnknown, "SignatureNonceUsed"),
        ({"Code": "isv.NEVER_HEARD_OF", "Message": "x"}, 200, OutcomeUnknown, "isv.NEVER_HEARD_OF"),
        ({"Code": "OK", "Message": "OK"}, 200, OutcomeUnknown, ""),
        ({"Code": "OK", "Message": "OK", "BizId": BIZ_ID}, 500, OutcomeUnknown, ""),
        ({"Message": "x"}, 200, OutcomeUnknown, ""),
        (["x"], 200, OutcomeUnknown, ""),
        (b"<html>502 Bad Gateway</html>", 502, OutcomeUnknown, ""),
        (b"<html>OK</html>", 200, OutcomeUnknown, ""),
        (b'{"Code":"OK","BizI', 200, OutcomeUnknown, ""),
        (b"", 200, OutcomeUnknown, ""),
    ],
    ids=lambda value: str(value)[:40] if not isinstance(value, type) else "",
)
def test_answers_to_a_whole_call(body: object, status: int, error: type[ProviderError], code: str) -> None:
    """The code decides, whatever the HTTP status; what cannot be read is unknown."""
    wired = Wired(body, status=status)

    with pytest.raises(ProviderError) as caught:
        wired.submit(EQUAL)

    assert type(caught.value) is error
    assert caught.value.code == code
    assert caught.value.http_status == status


_RAISED = {
    CodeClass.ACCOUNT: AccountProblem,
    CodeClass.RETRY: RateLimited,
    CodeClass.UNKNOWN: OutcomeUnknown,
    CodeClass.REFUSED: Refused,
    CodeClass.LATER: Refused,
}


@pytest.mark.parametrize("code", [c for c in Aliyun.codes if c not in ("OK", "isv.MOBILE_COUNT_OVER_LIMIT")])
def test_every_documented_code(code: str) -> None:
    """Each documented code raises its class for many people, and is one person's own result for one."""
    message = (
        "触发分钟级流控Permits:1" if code == "isv.BUSINESS_LIMIT_CONTROL" else Aliyun.codes[code].meaning
    )
    kind = Aliyun.codes[code].kind
    for slice_ in (EQUAL, EQUAL.take(np.array([0]))):
        wired = Wired({"Code": code, "Message": message})
        if len(slice_.positions) == 1 and _RAISED[kind] is Refused:
            assert wired.submit(slice_) == [Submission(kind, "", code, message)]
            continue
        with pytest.raises(ProviderError) as caught:
            wired.submit(slice_)

        assert type(caught.value) is _RAISED[kind]


def test_codes_speak() -> None:
    """Every code has a meaning, and whoever has to do something is told what."""
    assert [code for code, known in Aliyun.codes.items() if not known.meaning] == []
    silent = [c for c, k in Aliyun.codes.items() if k.kind is CodeClass.ACCOUNT and not k.next_step]
    assert silent == []


@pytest.mark.parametrize(
    ("sample", "kind"),
    [
        ("limited-minute", CodeClass.LATER),
        ("limited-hour", CodeClass.REFUSED),
        ("limited-day", CodeClass.REFUSED),
    ],
)
def test_a_limited_number_is_deferred_or_refused(sample: str, kind: CodeClass) -> None:
    """A minute's limit is waited for; a longer one is refused with Aliyun's words, not asked again."""
    (result,) = Wired(ANSWERS[sample]).submit(EQUAL.take(np.array([0])))

    assert result == Submission(kind, "", "isv.BUSINESS_LIMIT_CONTROL", ANSWERS[sample]["Message"])
    assert result.known is not None
    assert (result.known.retry_after_s, result.known.about) == (60.0, About.NUMBER)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"x-acs-retry-after": "2500"}, 2.5), ({}, 1.0), ({"x-acs-retry-after": "soon"}, 1.0)],
    ids=["told", "untold", "unreadable"],
)
def test_throttled(headers: dict[str, str], seconds: float) -> None:
    """Being too fast is told with Aliyun's own wait, milliseconds in a header, where it gives one."""
    wired = Wired(
        {"Code": "Throttling.User", "Message": "denied by flow control"}, status=400, headers=headers
    )

    with pytest.raises(RateLimited) as caught:
        wired.submit(EQUAL)

    assert caught.value.retry_after_s == seconds


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (httpx.ConnectError("no route"), Unreachable),
        (httpx.ConnectTimeout("slow"), Unreachable),
        (httpx.ReadTimeout("slow"), OutcomeUnknown),
        (httpx.RemoteProtocolError("gone"), OutcomeUnknown),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_network_failures(failure: Exception, error: type[ProviderError]) -> None:
    """Only a request that never left is known not to have been taken."""
    with pytest.raises(ProviderError) as caught:
        Wired(failure).submit(EQUAL)

    assert type(caught.value) is error


def test_too_many_numbers_makes_later_calls_smaller() -> None:
    """An account that takes fewer numbers than documented is served in smaller calls."""
    wired = Wired({"Code": "isv.MOBILE_COUNT_OVER_LIMIT", "Message": "x"})
    (call,) = wired.calls(people([("a", "1")] * 1000))

    with pytest.raises(BatchNotAllowed):
        run(wired.aliyun.submit(call))

    assert [len(c) for c in wired.calls(people([("a", "1")] * 1000))] == [500, 500]
    assert wired.aliyun.limits.different == 100


# -- nothing secret -------------------------------------------------------------------------


def test_nothing_secret_is_shown() -> None:
    """Neither keys nor numbers show in a repr or an error, even where Aliyun echoes what was signed."""
    wired = Wired(ANSWERS["wrong-digest"], status=400, security_token="CAIS+Test/Token==")
    with pytest.raises(AccountProblem) as caught:
        wired.submit(EQUAL)
    error = caught.value
    wire = build_request(wired.aliyun.settings, "SendSms", ["PhoneNumbers=15300000001"], at=AT, nonce="n")
    signed = sign_rpc("POST", "PhoneNumbers=15300000001", secret=SECRET)
    things = [wired.aliyun, wired.aliyun.settings, error, error.detail, wire, signed, *wired.calls(EQUAL)]
    shown = f"{error} {' '.join(map(repr, things))}"

    assert "Specified signature is not matched" in error.detail
    for secret in (KEY_ID, SECRET, "CAIS", "15300000001"):
        assert secret not in shown


def test_a_wrong_secret_is_told_from_a_wrong_digest() -> None:
    """Where Aliyun echoes the very text we signed, only the secret can be wrong, and the error says so."""

    def answer(request: httpx.Request) -> httpx.Response:
        fields = dict(parse_qsl(request.url.query.decode()))
        fields.pop("Signature")
        signed = sign_rpc("POST", canonical(pair(k, v) for k, v in fields.items()), secret="another")
        message = f"Specified signature ... server string to sign is:{signed.string_to_sign}"
        return httpx.Response(400, json={"Code": "SignatureDoesNotMatch", "Message": message})

    aliyun = Aliyun(settings(signature_version="rpc"), transport=httpx.MockTransport(answer))

    with pytest.raises(AccountProblem, match="ACCESS_KEY_SECRET is not the secret"):
        run(aliyun.ask("QuerySmsSign", SignName="阿里云"))


# -- settings and declarations ------------------------------------------------------------------


def test_settings_come_from_the_environment() -> None:
    """Every setting has its variable, and a missing credential is named."""
    environ = {"SMSKIT_ALIYUN_ACCESS_KEY_ID": KEY_ID, "SMSKIT_ALIYUN_BATCH_SIZE": "50"}
    found = Environment(environ | {"SMSKIT_ALIYUN_ACCESS_KEY_SECRET": SECRET}).provider(
        "aliyun", AliyunSettings
    )

    assert (found.batch_size, found.signature_version) == (50, "acs3")
    assert found.base_url == "https://dysmsapi.aliyuncs.com"
    with pytest.raises(SettingsError, match="SMSKIT_ALIYUN_ACCESS_KEY_SECRET is missing"):
        Environment(environ, keyring=False).provider("aliyun", AliyunSettings)


@pytest.mark.parametrize("fields", [{"batch_size": 1001}, {"signature_version": "v4"}, {"extend_code": "a1"}])
def test_settings_out_of_range(fields: dict[str, Any]) -> None:
    """A setting Aliyun could not follow is refused before any request."""
    environ = {"SMSKIT_ALIYUN_ACCESS_KEY_ID": KEY_ID, "SMSKIT_ALIYUN_ACCESS_KEY_SECRET": SECRET}

    with pytest.raises(SettingsError):
        Environment(environ).provider("aliyun", AliyunSettings, **fields)


def test_registered_by_its_name() -> None:
    """The entry point leads to the class, and credentials are known as such."""
    assert provider_class("aliyun") is Aliyun
    assert AliyunSettings.secret_fields() == ("access_key_id", "access_key_secret", "security_token")


@pytest.mark.parametrize(
    ("value", "unfit"),
    [
        ("张三", False),
        ("A+1 (元)/%&~*", False),
        ("第一行\n第二行", False),
        ("後藤", False),
        ("【甲】", True),
        ("看 https://a.example", True),
        ("WWW.example.com", True),
        ("新年快乐😀", True),
        ("★会员", True),
        ("①号", True),
    ],
)
def test_unfit_values(value: str, unfit: bool) -> None:
    """Only what the documents say is refused in a value is kept from being sent."""
    limits = Wired().aliyun.limits
    found = pc.match_substring_regex(pa.array([value]), limits.unfit_value)[0].as_py()

    assert found is unfit
    assert (limits.text_units, limits.value_units) == (500, 35)


# -- check ---------------------------------------------------------------------------------------


def check(*answers: object, **asked: Any) -> tuple[Any, Wired]:
    wired = Wired(ANSWERS["templates"], *answers)
    return run(wired.aliyun.check(**asked)), wired


def test_check_of_a_usable_set_up() -> None:
    """Credential, signature and template are asked for, and the template's text comes along."""
    result, wired = check(
        ANSWERS["sign"],
        ANSWERS["template"],
        signature="阿里云",
        template_id="SMS_123456789",
        template=TEMPLATE,
    )
    findings = {f.what: f for f in result.findings}

    assert result.usable
    assert list(findings) == ["credential", "signature", "template"]
    assert [r.headers["x-acs-action"] for r in wired.requests] == [
        "QuerySmsTemplateList",
        "GetSmsSign",
        "GetSmsTemplate",
    ]
    assert result.template_text == ANSWERS["template"]["TemplateContent"]
    assert "移动已报备 联通报备中 电信已报备" in findings["signature"].meaning
    assert "联通" in findings["signature"].next_step


@pytest.mark.parametrize(
    ("answers", "asked", "what", "code", "says"),
    [
        (
            ["sign"],
            {"template": TEMPLATE, "signature": "阿里云"},
            "template",
            "MissingTemplateCode",
            "template",
        ),
        (
            ["template"],
            {"template": TEMPLATE, "template_id": "SMS_1"},
            "signature",
            "MissingSignName",
            "signature",
        ),
        (
            ["no-such-action", "sign-old"],
            {"signature": "阿里云"},
            "signature",
            "isv.SMS_SIGNATURE_ILLEGAL",
            "审核中",
        ),
        (
            ["template-rejected"],
            {"template_id": "SMS_1"},
            "template",
            "isv.SMS_TEMPLATE_ILLEGAL",
            "变量属性不符",
        ),
        (
            ["template"],
            {"template_id": "SMS_1", "signature": "", "template": Template.parse("你好")},
            "template",
            "isv.SMS_TEMPLATE_ILLEGAL",
            "the approved text is another one",
        ),
        (["no-money"], {"template_id": "SMS_1"}, "template", "isv.AMOUNT_NOT_ENOUGH", "余额"),
    ],
    ids=["no-template", "no-signature", "sign-in-review", "rejected", "other-text", "refused"],
)
def test_check_of_an_unusable_set_up(
    answers: list[str], asked: dict[str, Any], what: str, code: str, says: str
) -> None:
    """What stands in the way is told with Aliyun's own code, its meaning and the next step."""
    result, _ = check(*(ANSWERS[a] for a in answers), **asked)
    finding = next(f for f in result.findings if f.what == what)

    assert not result.usable
    assert (finding.ok, finding.code) == (False, code)
    assert says in finding.meaning + finding.next_step
    assert finding.next_step


def test_check_without_a_working_key() -> None:
    """A key Aliyun does not know ends the check at once."""
    wired = Wired(
        {"Code": "InvalidAccessKeyId.NotFound", "Message": "Specified access key is not found."}, status=404
    )
    result = run(wired.aliyun.check(signature="阿里云"))

    assert not result.usable
    assert [(f.what, f.code) for f in result.findings] == [("credential", "InvalidAccessKeyId.NotFound")]
    assert "SMSKIT_ALIYUN_ACCESS_KEY_ID" in result.findings[0].next_step


@pytest.mark.parametrize("answers", [["template"], ["no-such-action", "template-old"]], ids=["new", "old"])
def test_template_text(answers: list[str]) -> None:
    """The approved text comes in Aliyun's form, from whichever action the account has."""
    wired = Wired(*(ANSWERS[a] for a in answers))
    found = run(wired.aliyun.template_text("SMS_123456789"))

    assert Template.parse(found, signature="阿里云", form=Aliyun.form) == TEMPLATE
    assert wired.query == {"TemplateCode": "SMS_123456789"}


def test_approved_form_is_what_the_check_accepts() -> None:
    """What a rehearsal registers has no signature in its text and Aliyun's variables."""
    job = Job(TEMPLATE, "SMS_1", MessageClass.NOTIFICATION)

    assert Wired().aliyun.approved_form(job) == {
        "id": "SMS_1",
        "content": "${name}您好，您的券${coupon}已到账。拒收请回复R",
        "kind": "notification",
    }


# -- records and receipts --------------------------------------------------------------------------


def test_records_of_a_number() -> None:
    """Every row becomes a record; our own reference identifies it, its text only where that is missing."""
    wired = Wired(ANSWERS["details"])
    records = run(
        wired.aliyun.records("+8615300000001", AT - timedelta(minutes=5), AT + timedelta(minutes=5))
    )
    ours, theirs, waiting = records

    assert wired.query == {
        "PhoneNumber": "15300000001",
        "SendDate": "20250601",
        "PageSize": "50",
        "CurrentPage": "1",
    }
    assert (ours.reference, ours.text) == ("spring-sale", "")
    assert ours.message_id == record_id("spring-sale~0123456789abcdef", "+8615300000001")
    assert ours.receipt == Receipt(
        message_id=ours.message_id,
        phone="+8615300000001",
        delivered=True,
        code="DELIVERED",
        detail="用户接收成功",
        at=AT + timedelta(seconds=5),
        reference="spring-sale~0123456789abcdef",
    )
    assert (theirs.reference, theirs.text) == ("order-1", "【阿里云】您的验证码为123456")
    assert theirs.receipt is not None
    assert (theirs.receipt.delivered, theirs.receipt.code) == (False, "MOBILE_IN_BLACK")
    assert (waiting.receipt, waiting.accepted) == (None, True)


@pytest.mark.parametrize(
    ("since", "until", "days"),
    [
        (AT, AT, ["20250601"]),
        (AT.replace(hour=15, minute=58), AT.replace(hour=16, minute=3), ["20250601", "20250602"]),
        (AT - timedelta(days=60), AT, [f"{date(2025, 5, 2) + timedelta(days=n):%Y%m%d}" for n in range(31)]),
    ],
    ids=["one-day", "midnight-in-china", "no-older-than-kept"],
)
def test_records_ask_for_every_day(since: datetime, until: datetime, days: list[str]) -> None:
    """Days are China's; around midnight both are asked for, and none that is not kept any more."""
    wired = Wired(ANSWERS["no-details"])
    run(wired.aliyun.records("+8615300000001", since, until))

    assert [dict(parse_qsl(r.url.query.decode()))["SendDate"] for r in wired.requests] == days


@pytest.mark.parametrize(
    ("sent_at", "found"),
    [
        ("2025-06-01 16:00:01", True),
        ("2025-06-01 08:00:01", True),  # if its times should be UTC after all
        ("2025-06-01 14:30:00", False),  # an earlier message of the same text
        ("", True),
    ],
)
def test_records_keep_to_their_time(sent_at: str, found: bool) -> None:
    """A record of another time is no evidence; one whose time may be meant otherwise is kept."""
    row = {"PhoneNum": "15300000001", "SendStatus": 1, "Content": "【阿里云】x", "SendDate": sent_at}
    wired = Wired(ANSWERS["no-details"] | {"SmsSendDetailDTOs": {"SmsSendDetailDTO": [row]}})
    records = run(
        wired.aliyun.records("+8615300000001", AT - timedelta(minutes=5), AT + timedelta(minutes=5))
    )

    assert bool(records) is found


def test_people_of_one_call_have_records_of_their_own() -> None:
    """Though they share an OutId, no two people's records share an id."""
    row = ANSWERS["details"]["SmsSendDetailDTOs"]["SmsSendDetailDTO"][0]
    ids = set()
    for number in ("15300000001", "15300000002"):
        answer = {"SmsSendDetailDTOs": {"SmsSendDetailDTO": [row | {"PhoneNum": number}]}}
        wired = Wired(ANSWERS["details"] | answer)
        ids |= {
            r.message_id for r in run(wired.aliyun.records(f"+86{number}", AT, AT + timedelta(minutes=5)))
        }

    assert len(ids) == 2
    assert not [i for i in ids if "1530000000" in i]


def test_details_are_read_page_by_page() -> None:
    """A full page is followed by the next one."""
    row = ANSWERS["details"]["SmsSendDetailDTOs"]["SmsSendDetailDTO"][0]
    full = ANSWERS["details"] | {"SmsSendDetailDTOs": {"SmsSendDetailDTO": [row] * 50}}
    wired = Wired(full, ANSWERS["details"])
    records = run(wired.aliyun.records("+8615300000001", AT, AT + timedelta(minutes=5)))

    assert len(records) == 53
    assert wired.query["CurrentPage"] == "2"


def test_receipts_are_asked_for_by_message() -> None:
    """An accepted message is asked for by BizId, a settled one by our reference; open ones are left out."""
    wired = Wired(ANSWERS["details"])
    phone = "+8615300000001"
    settled = record_id("spring-sale~0123456789abcdef", phone)
    receipts = run(wired.aliyun.receipts_for([(BIZ_ID, phone, AT), (settled, phone, AT)]))
    asked = [dict(parse_qsl(r.url.query.decode())).get("BizId") for r in wired.requests]

    assert sorted(asked, key=str) == [BIZ_ID, None]
    assert {r.message_id for r in receipts} == {BIZ_ID, settled}
    assert sum(r.message_id == BIZ_ID for r in receipts) == 2
    assert None not in {r.delivered for r in receipts}


def test_receipts_of_a_refused_number_do_not_hold_up_the_others() -> None:
    """What Aliyun says no to is left for another time; the others are still answered."""
    wired = Wired({"Code": "isv.MOBILE_NUMBER_ILLEGAL", "Message": "x"}, ANSWERS["details"], concurrency=1)
    receipts = run(wired.aliyun.receipts_for([("1^0", "+8615300000009", AT), (BIZ_ID, "+8615300000001", AT)]))

    assert {r.message_id for r in receipts} == {BIZ_ID}


def test_receipts_that_cannot_be_asked_for() -> None:
    """When nothing can be asked the reason is raised, and the account is not hammered."""
    wired = Wired(ANSWERS["small-letters"], status=403, concurrency=2)

    with pytest.raises(AccountProblem):
        run(wired.aliyun.receipts_for([(BIZ_ID, "+8615300000001", AT)] * 20))

    assert len(wired.requests) == 2


def test_pushed_reports() -> None:
    """A pushed report names the call and the number; without a carrier's word it is not final."""
    first, second, third = parse_push((DATA / "report.json").read_bytes()).receipts

    assert first == Receipt(
        BIZ_ID, "+8615300000001", True, "DELIVERED", "用户接收成功", AT + timedelta(seconds=5), "order-1"
    )
    assert (second.delivered, second.detail) == (False, "停机、空号、关机或不在服务区")
    assert (third.delivered, third.code) == (None, "REQUEST_SUCCESS")


def test_pushed_replies() -> None:
    """Replies are read in every documented shape; one without a number of its own gets a stable one."""
    body = (DATA / "reply.json").read_bytes()
    first, second, third = parse_push(body).replies

    assert first == ("1234567890", "+8615300000001", "R", AT + timedelta(hours=1))
    assert (second.reply_id, second.at) == ("1234567891", AT + timedelta(hours=1, seconds=1))
    assert third.reply_id == parse_push(body).replies[2].reply_id
    assert "15300000003" not in third.reply_id


def test_a_push_of_another_kind_holds_nothing() -> None:
    """Reports on reviews are passed over, and one report alone, as the queue has it, is read."""
    review = orjson.dumps([{"sign_name": "阿里云", "sign_status": "approved"}])
    alone = orjson.dumps(json.loads((DATA / "report.json").read_bytes())[0])

    assert parse_push(review) == ([], [], 0)
    assert len(parse_push(alone).receipts) == 1


# -- other actions --------------------------------------------------------------------------------


def test_any_action_can_be_asked() -> None:
    """Fields are written as the SDK writes them: JSON for what is nested, nothing for None."""
    wired = Wired({"Code": "OK"})
    run(wired.aliyun.ask("CreateSmsTemplate", TemplateRule={"name": "name"}, MoreData=["a"], Remark=None))

    assert wired.query == {"TemplateRule": '{"name":"name"}', "MoreData": '["a"]'}
    assert wired.action == "CreateSmsTemplate"


def test_lists_are_read_to_their_end() -> None:
    """All pages of signatures and templates are read."""
    wired = Wired({"Code": "OK", "SmsSignList": [{"SignName": "a"}] * 50}, {"Code": "OK", "SmsSignList": []})

    assert len(run(wired.aliyun.signatures())) == 50
    assert wired.query["PageIndex"] == "2"
