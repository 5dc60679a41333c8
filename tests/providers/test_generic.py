"""The generic provider: what its file may say, what goes on the wire, what answers come to."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from smskit.errors import (
    AccountProblem,
    OutcomeUnknown,
    ProviderError,
    RateLimited,
    Refused,
    SettingsError,
    UnsupportedFeature,
)
from smskit.ledger.opening import open_ledger
from smskit.message.template import Template
from smskit.models import CodeClass, Mode
from smskit.planning.spec import CampaignSpec
from smskit.providers.base import Feature
from smskit.providers.calls import Call, Job, Limits
from smskit.providers.generic import PLACEHOLDERS, GenericHttp, GenericSettings, load_config
from smskit.providers.generic.config import Signing
from smskit.providers.generic.pattern import Pattern
from smskit.providers.generic.wire import build_request
from smskit.providers.http import Answer
from smskit.sending.receipts import fetch
from smskit.sending.rehearsal import limits_of
from smskit.sending.session import open_campaign
from smskit.settings import Environment
from smskit.testing import Transport, audience
from tests.profiles import examples

ROOT = Path(__file__).parents[2]
LANTERN = ROOT / "examples" / "generic_http" / "lantern.yaml"
ACCOUNT, SECRET = "lantern-account-01", "lantern-secret-0123456789"


def config(**changes: Any) -> dict[str, Any]:
    """A small configuration that is in order; *changes* replace whole blocks."""
    whole: dict[str, Any] = {
        "title": "Small",
        "base_url": "https://ssp.example",
        "batching": {"same": 3, "numbers": "national"},
        "submit": {
            "url": "/send",
            "json": {"to": "{phones}", "text": "{text}"},
            "answer": {"code": "code", "id": "data.id", "detail": "msg"},
        },
        "codes": {
            "accepted": {"0": "OK"},
            "refused": {"11": {"meaning": "blocked word", "about": "text", "next_step": "Reword it."}},
            "later": {"12": {"meaning": "too often", "retry_after_s": 30}},
            "retry": {"13": {"meaning": "busy", "retry_after_s": 2}},
            "account": {"14": "no money"},
        },
    }
    return {name: block for name, block in (whole | changes).items() if block is not None}


def submit(**changes: Any) -> dict[str, Any]:
    """The small configuration with another `submit`."""
    block = config()["submit"] | changes
    return config(submit={name: value for name, value in block.items() if value is not None})


def provider(data: dict[str, Any], transport: Transport | None = None) -> GenericHttp:
    """A provider of that configuration, given inline."""
    made_up: dict[str, Any] = {"account": ACCOUNT, "secret": SECRET, "token": "made-up-token"}
    return GenericHttp(GenericSettings(config=json.dumps(data), **made_up), transport=transport)


def call(size: int = 1, text: str = "您好{name}", **job: Any) -> Call:
    """A call about people who all get the same."""
    template = Template.parse(text, signature="示例")
    people = audience("equal", size, template.names)
    return next(GenericHttp.calls(_Wide(), Job(template, **job), people))


class _Wide(GenericHttp):
    """Only there to cut calls as large as a test wants them."""

    def __init__(self) -> None:
        pass

    limits = Limits(same=1000, different=1)  # type: ignore[assignment]


def answer(data: Any, status: int = 200, **headers: str) -> Answer:
    """An answer with JSON in it."""
    return Answer(
        status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(data).encode()
    )


# -- the file --------------------------------------------------------------------------


def test_the_example_reads() -> None:
    """The worked example is a good file, and says what its provider can do."""
    made = GenericHttp(GenericSettings(config=str(LANTERN), account=ACCOUNT, secret=SECRET))

    assert made.title == "Lantern SMS 灯笼短信"
    assert made.features == {Feature.RECEIPTS, Feature.RECORDS, Feature.BALANCE}
    assert made.limits == Limits(same=500, different=1, text_units=500)
    assert made.code("HTTP 429").kind is CodeClass.RETRY


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (config(submit=None), "`submit` is missing"),
        (config(codez={}), "has no key `codez`; did you mean `codes`?"),
        (submit(answr={}), "`submit`: has no key `answr`; did you mean `answer`?"),
        (config(codes={"acepted": {}}), "`codes`: has no key `acepted`; did you mean `accepted`?"),
        (
            config(codes={"accepted": {"0": "OK"}, "refused": {"0": "no"}}),
            "`0` stands under `accepted` and `refused`",
        ),
        (config(codes={"refused": {"1": "no"}}), "`codes.accepted` is empty"),
        (config(codes={"accepted": {"0": ""}}), "`codes.accepted.0.meaning`"),
        (
            config(codes={"accepted": {"0": {"meaning": "OK", "retry_after_s": 1}}}),
            "only `later` and `retry`",
        ),
        (config(statuses={"accepted": {"500": "OK"}}), "`statuses.accepted.500`: only 200 to 299"),
        (config(statuses={"retry": {"slow": "busy"}}), "`slow` is not an HTTP status"),
        (config(batching={"same": "3"}), "`batching.same`"),
        (config(timezone="Mars/Base"), "`timezone`: is not a time zone name"),
        (config(time_format="HH:MM"), "`time_format`: must be"),
        (config(limits={"unfit_value": "["}), "`limits.unfit_value`: is not a regular expression"),
        (
            submit(json={"to": "{phons}", "text": "{text}"}),
            "`submit.json.to`: there is no placeholder {phons}; did you mean `phone",
        ),
        (
            submit(json={"a": [{"b": "{since} {phones} {text}"}]}),
            "`submit.json.a.0.b`: {since} means nothing here",
        ),
        (submit(json={"to": "{phones", "text": "x"}), "`submit.json`: to has a brace without a partner"),
        (submit(json={"to": "+{phones:number}"}), "beside other text"),
        (submit(json={"text": "{text}"}), "does not say whom to send to"),
        (submit(json={"to": "{phones}"}), "does not say what to send"),
        (submit(json={"to": "{phone}", "text": "{text}"}), "so `submit` must use {phones}"),
        (submit(form={"a": "b"}), "has both `json` and `form`"),
        (submit(method="GET"), "is a GET, which has no body"),
        (submit(method="post"), "`submit.method`"),
        (submit(url="send"), "`url` must start with"),
        (submit(url="https://user:pass@ssp.example/"), "without user and password"),
        (submit(url="https://{account}.ssp.example/"), "`url` must name its host"),
        (submit(url="/send?key=1"), "`url` holds a query"),
        (submit(headers={"X Key": "1"}), "`headers.X Key` is not a header"),
        (submit(headers={"Authorization": "Bearer abc"}), "`headers.Authorization` holds a credential"),
        (submit(query={"api_key": "abc"}), "`query.api_key` holds a credential"),
        (submit(headers={"X": "{sign}"}), "uses {sign}, and there is no `signing`"),
        (submit(answer={"code": "a..b"}), "`submit.answer.code`: must be a path"),
        (submit(answer={"id": "id"}), "`submit.answer.code` is missing"),
        (submit(answer={"code": "c", "row": {"id": "id"}}), "given without `submit.answer.rows`"),
        (submit(answer={"code": "c", "rows": "r"}), "`submit.answer.row.phone` is missing"),
        (config(signing={"algorithm": "md5", "over": "{text}"}), "no request uses {sign}"),
        (
            submit(json={"to": "{phones}", "text": "{text}", "s": "{sign}"})
            | {"signing": {"algorithm": "md5", "over": "{raw_body}"}},
            "has {sign} in the very body",
        ),
        (
            submit(headers={"S": "{sign}"}) | {"signing": {"algorithm": "crc32", "over": "{txt}"}},
            "`signing.algorithm`",
        ),
        (
            submit(headers={"S": "{sign}"}) | {"signing": {"algorithm": "md5", "over": "{txt}"}},
            "`signing.over` for `submit`: there is no placeholder {txt}",
        ),
        (
            config(
                receipts={
                    "url": "/r",
                    "answer": {
                        "code": "c",
                        "rows": ".",
                        "row": {"id": "i", "phone": "p", "status": "s"},
                        "delivered": ["1"],
                    },
                }
            ),
            "`receipts.answer.undelivered` is missing",
        ),
        (
            config(
                records={
                    "url": "/r",
                    "answer": {"code": "c", "rows": ".", "row": {"id": "i"}, "page_size": 5},
                }
            ),
            "needs `text` or `reference`",
        ),
        (
            config(
                records={
                    "url": "/r",
                    "answer": {
                        "code": "c",
                        "rows": ".",
                        "row": {"id": "i", "reference": "tag"},
                        "page_size": 5,
                    },
                }
            ),
            "`submit` sends no {reference}",
        ),
    ],
)
def test_what_is_wrong_is_named_by_its_key(data: dict[str, Any], words: str) -> None:
    """A file with a mistake is refused before any request, and the message names the place."""
    with pytest.raises(SettingsError) as refused:
        load_config(json.dumps(data))

    assert words in str(refused.value)


def test_all_mistakes_are_named_at_once() -> None:
    """Whoever writes the file sees every mistake, not the first one."""
    with pytest.raises(SettingsError) as refused:
        load_config(json.dumps(config(titel="x", timezone="Mars/Base") | {"codes": {"x": {}}}))
    with pytest.raises(SettingsError) as inner:
        load_config(json.dumps(submit(json={"a": "{x} {y}"})))

    assert "`titel`" in str(refused.value)
    assert "{x}" in str(inner.value)
    assert "{y}" in str(inner.value)


def test_yaml_words_stay_words(tmp_path: Path) -> None:
    """A code 000000 is not the number 0, `on` is not true and 12:30 is not 750."""
    text = yaml.safe_dump(config(codes=None), allow_unicode=True)
    text += "codes:\n  accepted: {000000: OK, true: ja, 7: sieben}\n  refused: {on: an, 12:30: halb}\n"
    (tmp_path / "ssp.yaml").write_text(text, "utf-8")
    codes = load_config(str(tmp_path / "ssp.yaml")).codes

    assert set(codes.accepted) == {"000000", "true", "7"}
    assert set(codes.refused) == {"on", "12:30"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title: a\ntitle: b\n", "`title` is given twice at line 2"),
        ("title: [", "at line 1"),
        ("- a\n", "must hold `name: value` lines"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, text: str, words: str) -> None:
    """What is no file of names and values says where."""
    (tmp_path / "ssp.yaml").write_text(text)

    with pytest.raises(SettingsError, match=re.escape(words)):
        load_config("ssp.yaml", folder=tmp_path)


def test_a_relative_path_is_looked_for_upwards(tmp_path: Path) -> None:
    """A notebook in a sub-folder finds the file beside the project's root, and none above it."""
    below = tmp_path / "project" / "notebooks"
    below.mkdir(parents=True)
    (tmp_path / "project" / "pyproject.toml").touch()
    (tmp_path / "outside.json").write_text(json.dumps(config()))
    (tmp_path / "project" / "ssp.json").write_text(json.dumps(config()))

    assert load_config("ssp.json", folder=below).title == "Small"
    with pytest.raises(SettingsError, match="No such file"):
        load_config("outside.json", folder=below)


@pytest.mark.parametrize(
    ("given_settings", "words"),
    [
        ({}, "SMSKIT_HTTP_CONFIG is missing"),
        ({"config": "nowhere.yaml"}, "SMSKIT_HTTP_CONFIG: nowhere.yaml"),
        ({"config": str(LANTERN)}, "SMSKIT_HTTP_ACCOUNT is missing"),
        ({"config": str(LANTERN), "account": "a"}, "SMSKIT_HTTP_SECRET is missing"),
        ({"config": json.dumps(config(base_url=None))}, "`base_url` is missing; or set SMSKIT_HTTP_BASE_URL"),
    ],
)
def test_missing_settings_name_their_variable(given_settings: dict[str, Any], words: str) -> None:
    """What the file needs and the environment does not have is said before any request."""
    with pytest.raises(SettingsError, match=re.escape(words)):
        GenericHttp(GenericSettings(**given_settings))


def test_limits_are_known_without_credentials() -> None:
    """A plan can be made before there is an account."""
    limits = limits_of("http", Environment({"SMSKIT_HTTP_CONFIG": str(LANTERN), "SMSKIT_KEYRING": "0"}))

    assert limits.same == 500


def test_an_ssp_of_its_own_by_subclass() -> None:
    """A subclass with a name and a file is a provider of its own, beside `http`."""

    class LanternSettings(GenericSettings):
        config: str = str(LANTERN)

    class Lantern(GenericHttp):
        name: ClassVar[str] = "lantern"
        Settings = LanternSettings

    environment = Environment(
        {"SMSKIT_LANTERN_ACCOUNT": "a", "SMSKIT_LANTERN_SECRET": "b", "SMSKIT_KEYRING": "0"}
    )

    assert Lantern(environment.provider("lantern", Lantern.Settings)).title == "Lantern SMS 灯笼短信"
    with pytest.raises(SettingsError, match="SMSKIT_LANTERN_ACCOUNT is missing"):
        Lantern(LanternSettings())


# -- on the wire -----------------------------------------------------------------------

VALUES: dict[str, Any] = {
    "phone": "+8613800000000",
    "national": "13800000000",
    "phones": ["13800000000", "13800000001"],
    "text": '【示例】"50%" & {secret}\r\nX-Evil: 1',
    "variables": {"name": "张三", "code": "{text}"},
    "var.name": "张三",
    "reference": "weekly",
    "account": "acc",
    "secret": "s&cret",
    "timestamp": "1717171717",
    "nonce": "00ff",
}


def wire(signing: dict[str, Any] | None = None, **request: Any) -> Any:
    """The request of a `submit` with these keys, filled with `VALUES`."""
    data = submit(**({"json": None} | request)) | {"batching": {"same": 1}}
    made = load_config(json.dumps(data | ({"signing": signing} if signing else {})))
    return build_request(made.submit, "https://ssp.example", made.signing, VALUES)


def test_json_body() -> None:
    """Values are JSON: text escaped, lists and objects as such, numbers where asked for, the rest kept."""
    made = wire(
        json={
            "to": "{phones}",
            "text": "{text}",
            "vars": "{variables}",
            "first": "{var.name}",
            "at": "{timestamp:number}",
            "number": "{national:number}",
            "note": "{{not}} {account}/{reference}",
            "joined": "to {phones}",
            "report": True,
            "nothing": None,
            "deep": [{"n": 5, "who": "{phone}"}],
        }
    )

    assert made.headers["content-type"] == "application/json; charset=utf-8"
    assert json.loads(made.content) == {
        "to": ["13800000000", "13800000001"],
        "text": VALUES["text"],
        "vars": {"name": "张三", "code": "{text}"},
        "first": "张三",
        "at": 1717171717,
        "number": 13800000000,
        "note": "{not} acc/weekly",
        "joined": "to 13800000000,13800000001",
        "report": True,
        "nothing": None,
        "deep": [{"n": 5, "who": "+8613800000000"}],
    }


def test_form_body() -> None:
    """Forms are percent-encoded, and more than text goes in as JSON."""
    made = wire(
        form={"m&": "{national}", "text": "{text}", "p": {"name": "{var.name}"}, "v": 2, "y": True, "z": None}
    )

    assert made.headers["content-type"] == "application/x-www-form-urlencoded; charset=utf-8"
    assert parse_qs(made.content.decode(), keep_blank_values=True) == {
        "m&": ["13800000000"],
        "text": [VALUES["text"]],
        "p": ['{"name":"张三"}'],
        "v": ["2"],
        "y": ["true"],
        "z": [""],
    }


def test_query_and_path() -> None:
    """A value in an address cannot leave its place in it."""
    made = wire(url="/u/{secret}/send", method="GET", query={"to": "{national}", "text": "{text}"})
    parts = urlsplit(made.url)

    assert parts.path == "/u/s%26cret/send"
    assert parse_qs(parts.query) == {"to": ["13800000000"], "text": [VALUES["text"]]}
    assert made.content == b""


def test_headers() -> None:
    """A value in a header cannot start another one, and what is not plain ASCII is percent-encoded."""
    made = wire(form={"to": "{phone}"}, headers={"X-Text": "{text}", "Content-Type": "application/x-form"})

    assert made.headers["x-text"] == '%E3%80%90%E7%A4%BA%E4%BE%8B%E3%80%91"50%" & {secret}%0D%0AX-Evil: 1'
    assert made.headers["content-type"] == "application/x-form"


def test_a_number_that_is_none() -> None:
    """A value that must be a number and is none stops the request before it leaves."""
    with pytest.raises(ValueError, match="no whole number"):
        wire(json={"to": "{phone}", "n": "{var.name:number}"})


@pytest.mark.parametrize(
    ("algorithm", "encoding", "digest"),
    [
        ("hmac-sha256", "hex", "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"),
        ("hmac-sha1", "hex", "de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9"),
        ("hmac-md5", "HEX", "80070713463E7749B90C2DC24911E275"),
        ("hmac-sha1", "base64", "3nybhbi3iqa8ino29wqQcBydtNk="),
        ("sha256", "hex", "d7a8fbb307d7809469ca9abcb0082e4f8d5651e46d3cdb762d02d0bf37c9e592"),
        ("sha1", "hex", "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"),
        ("md5", "hex", "9e107d9d372bb6826bd81d3542a419d6"),
    ],
)
def test_digests(algorithm: Any, encoding: Any, digest: str) -> None:
    """Digests are the ones everybody computes over the quick brown fox with the key "key"."""
    fox = Pattern.parse("The quick brown {account} jumps over the lazy dog")
    signing = Signing(algorithm=algorithm, encoding=encoding, over="").model_copy(update={"over": fox})

    assert signing.sign({"account": "fox", "secret": "key"}) == digest


def test_sign_covers_the_exact_body() -> None:
    """A digest over the body is over the very bytes that leave."""
    made = wire(
        {"algorithm": "hmac-sha256", "over": "{timestamp}.{raw_body}", "encoding": "hex"},
        json={"to": "{phones}", "text": "{text}"},
        headers={"X-Sign": "{sign}"},
    )
    expected = hmac.digest(b"s&cret", b"1717171717." + made.content, "sha256").hex()

    assert made.headers["x-sign"] == expected


def test_sign_in_the_body() -> None:
    """A digest over values can stand in the body itself."""
    made = wire(
        {"algorithm": "md5", "over": "{account}{secret}{timestamp}"},
        form={"to": "{phone}", "text": "{text}", "sign": "{sign}"},
    )

    assert parse_qs(made.content.decode())["sign"] == [hashlib.md5(b"accs&cret1717171717").hexdigest()]


@pytest.mark.parametrize(
    ("batching", "written"),
    [
        ({"same": 3}, ["+8613800000000", "+8613800000001"]),
        ({"same": 3, "numbers": "digits"}, ["8613800000000", "8613800000001"]),
        ({"same": 3, "numbers": "national", "join": ";"}, "13800000000;13800000001"),
    ],
)
def test_how_numbers_are_written(batching: dict[str, Any], written: Any) -> None:
    """As a list or joined, with or without country code."""
    network = Transport(lambda _: httpx.Response(200, json={"code": 0, "data": {"id": 1}}))
    asyncio.run(provider(config(batching=batching), network).submit(call(2)))

    assert json.loads(network.requests[0].content)["to"] == written


def test_every_placeholder_of_a_message_is_filled() -> None:
    """Nothing that may stand in `submit` is left without a value, and no two requests share a nonce."""
    names = [name for name in PLACEHOLDERS if name not in ("var.NAME", "since", "until", "raw_body")]
    body = {name: f"{{{name}}}" for name in names} | {"var": "{var.name}"}
    data = submit(json=body) | {"batching": {"same": 1}, "signing": {"algorithm": "sha1", "over": "{nonce}"}}
    network = Transport(lambda _: httpx.Response(200, json={"code": 0, "data": {"id": 1}}))
    made = provider(data, network)
    for _ in range(2):
        asyncio.run(made.submit(call(template_id="T1", reference="weekly")))
    first, second = (json.loads(request.content) for request in network.requests)

    assert all(first.values())
    assert first["text"] == "【示例】您好值0"
    assert first["body"] == "您好值0"
    assert first["variables"] == {"name": "值0"}
    assert first["basic"] == "bGFudGVybi1hY2NvdW50LTAxOmxhbnRlcm4tc2VjcmV0LTAxMjM0NTY3ODk="
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", first["time"])
    assert first["nonce"] != second["nonce"]


def test_a_variable_the_template_does_not_have_ends_the_run() -> None:
    """A file that wants another variable than the campaign has sends nothing and refuses nobody."""
    network = Transport(lambda _: httpx.Response(200))
    made = provider(submit(json={"to": "{phones}", "code": "{var.code}"}), network)

    with pytest.raises(AccountProblem, match=re.escape("{var.code}")):
        asyncio.run(made.submit(call()))
    assert network.requests == []


@settings(max_examples=examples(60))
@given(st.text(), st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text(), max_size=3))
def test_every_value_arrives_as_it_is(text: str, variables: dict[str, str]) -> None:
    """Braces, quotes, percent signs, line breaks: whatever a value holds, the SSP reads exactly that."""
    values: dict[str, Any] = {"phone": "+8613800000000", "text": text, "variables": variables}
    fields = {"to": "{phone}", "a": "<{text}>", "b": "{text}{text}", "c": {"v": "{variables}"}}
    as_json, as_form, as_query = (
        build_request(
            load_config(json.dumps(data | {"batching": {"same": 1}})).submit, "https://x", None, values
        )
        for data in (
            submit(json=fields),
            submit(json=None, form=fields),
            submit(json=None, method="GET", query=fields),
        )
    )
    expected = {"to": "+8613800000000", "a": f"<{text}>", "b": text + text}
    flat = {**expected, "c": {"v": variables}}

    assert json.loads(as_json.content) == flat
    for sent in (as_form.content.decode(), urlsplit(as_query.url).query):
        read = {
            name: found[0]
            for name, found in parse_qs(sent, keep_blank_values=True, strict_parsing=True).items()
        }
        assert json.loads(read.pop("c")) == flat["c"]
        assert read == expected


# -- answers -----------------------------------------------------------------------------

FATES: list[tuple[str, Answer, Any]] = [
    (
        "accepted",
        answer({"code": 0, "data": {"id": 90071992547409931234}}),
        (CodeClass.ACCEPTED, "90071992547409931234"),
    ),
    ("code as text", answer({"code": "0", "data": {"id": "a-1"}}), (CodeClass.ACCEPTED, "a-1")),
    ("refused", answer({"code": 11, "msg": "敏感词"}), (CodeClass.REFUSED, "")),
    ("later", answer({"code": 12}), (CodeClass.LATER, "")),
    ("busy", answer({"code": 13}), RateLimited),
    ("account", answer({"code": 14}), AccountProblem),
    ("not in the file", answer({"code": 15}), OutcomeUnknown),
    ("a code that only looks alike", answer({"code": 0.0, "data": {"id": 1}}), OutcomeUnknown),
    ("no code", answer({"data": {"id": 1}}), OutcomeUnknown),
    ("null for a code", answer({"code": None}), OutcomeUnknown),
    ("accepted without id", answer({"code": 0, "data": {}}), (CodeClass.UNKNOWN, "")),
    ("accepted with a list for an id", answer({"code": 0, "data": {"id": []}}), (CodeClass.UNKNOWN, "")),
    ("accepted, says the body of a 400", answer({"code": 0, "data": {"id": 1}}, 400), OutcomeUnknown),
    ("refused, says the body of a 400", answer({"code": 11}, 400), (CodeClass.REFUSED, "")),
    ("refused, says the body of a 500", answer({"code": 11}, 500), OutcomeUnknown),
    ("busy by status, not in the file", answer({}, 503), OutcomeUnknown),
    ("too many requests, not in the file", answer({}, 429), OutcomeUnknown),
    ("html", Answer(200, {}, b"<html>"), OutcomeUnknown),
    ("deep", Answer(200, {}, b"[" * 100_000), OutcomeUnknown),
]


def _fate(made: GenericHttp, came: Answer, size: int = 1) -> Any:
    try:
        return made.parse_submission(came, call(size))
    except ProviderError as error:
        return error


@pytest.mark.parametrize(("came", "fate"), [row[1:] for row in FATES], ids=[row[0] for row in FATES])
def test_what_an_answer_comes_to(came: Answer, fate: Any) -> None:
    """The file's codes decide; what it does not list is unknown."""
    result = _fate(provider(config()), came)
    if isinstance(fate, tuple):
        assert [(r.kind, r.message_id) for r in result] == [fate]
    else:
        assert type(result) is fate


def test_a_batch_refused_as_a_whole_is_not_pinned_on_anybody() -> None:
    """For several people a refusal is raised, so that the engine can find out whom it is about."""
    result = _fate(provider(config()), answer({"code": 11, "msg": "敏感词"}), size=3)

    assert type(result) is Refused
    assert (result.code, result.detail) == ("11", "敏感词")
    assert "Reword it." in str(result)


def test_statuses_count_only_where_the_file_lists_them() -> None:
    """A listed status decides by itself, and says how long to wait."""
    data = config(
        statuses={"retry": {"503": {"meaning": "slow down", "retry_after_s": 9}}, "account": {"401": "who?"}}
    )
    made = provider(data)
    hinted, unhinted = _fate(made, answer({}, 503, Retry_After="4")), _fate(made, Answer(503, {}, b"<html>"))

    assert isinstance(hinted, RateLimited)
    assert isinstance(unhinted, RateLimited)
    assert unhinted.retry_after_s == 9
    assert type(_fate(made, answer({"code": 0}, 401))) is AccountProblem
    assert made.code("HTTP 503").retry_after_s == 9


def test_an_ssp_that_speaks_by_status_alone() -> None:
    """Without a code in the answer, the listed statuses are the codes."""
    data = submit(answer={"id": "id"}) | {"statuses": {"accepted": {"202": "Accepted"}}}
    made = provider(data)

    assert _fate(made, answer({"id": "a"}, 202))[0].message_id == "a"
    assert _fate(made, Answer(202, {}, b""))[0].kind is CodeClass.UNKNOWN
    assert type(_fate(made, answer({"id": "a"}, 200))) is OutcomeUnknown


ROWS = submit(
    answer={
        "code": "code",
        "rows": "data",
        "row": {"phone": "to", "code": "status", "id": "id", "detail": "why"},
    }
)


def test_rows_are_matched_by_number() -> None:
    """Each person gets the result of their own row, in whatever order and spelling it comes."""
    rows = [
        {"to": "+86 138-0000-0002", "status": 0, "id": 3},
        {"to": "8613800000000", "status": 11, "why": "不行 13800000000"},
        {"to": "13900000000", "status": 0, "id": 9},
    ]
    first, second, third = _fate(provider(ROWS), answer({"code": 0, "data": rows}), size=3)

    assert (first.kind, first.code, first.detail) == (CodeClass.REFUSED, "11", "不行 138****0000")
    assert (second.kind, second.detail) == (CodeClass.UNKNOWN, "the answer does not mention this number")
    assert (third.kind, third.message_id) == (CodeClass.ACCEPTED, "3")


def test_two_words_about_one_number_are_none() -> None:
    """Rows that contradict each other leave the person unknown."""
    rows = [{"to": "13800000000", "status": 0, "id": 1}, {"to": "13800000000", "status": 11}]
    (result,) = _fate(provider(ROWS), answer({"code": 0, "data": rows}))

    assert result.kind is CodeClass.UNKNOWN


@pytest.mark.parametrize("data", [{"code": 0}, {"code": 0, "data": None}, {"code": 0, "data": {"x": 1}}])
def test_rows_that_are_missing(data: Any) -> None:
    """An accepted request without its rows says nothing about anybody."""
    assert type(_fate(provider(ROWS), answer(data), size=2)) is OutcomeUnknown


def test_rows_in_order() -> None:
    """Rows without numbers are taken in order, and only when there are as many as people."""
    data = submit(
        json={"to": "{phone}", "text": "{text}"}, answer={"rows": ".", "row": {"code": "ok", "id": "id"}}
    ) | {"batching": {"same": 1}, "codes": {"accepted": {True: "OK"}}}
    made = provider(json.loads(json.dumps(data)))

    assert _fate(made, answer([{"ok": True, "id": 5}]))[0].message_id == "5"
    assert _fate(made, answer([{"ok": False, "id": 5}]))[0].kind is CodeClass.UNKNOWN
    assert type(_fate(made, answer([]))) is OutcomeUnknown
    assert type(_fate(made, answer([{"ok": True, "id": 5}], 404))) is OutcomeUnknown


def test_what_the_ssp_repeats_of_ours_is_not_shown() -> None:
    """Credentials and numbers in the SSP's own words are hidden."""
    came = answer({"code": 14, "msg": f"account {ACCOUNT} key {SECRET} to 13800000000"})
    made = provider(config())
    error = _fate(made, came._replace(content=made.door.without_secrets(came.content)))

    assert str(error) == "Own SSP: 14 “account *** key *** to 138****0000”"
    assert error.detail == "account *** key *** to 138****0000"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("13800000000"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["code", "data", "rows", "to", "status", "id", "st"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@settings(max_examples=examples(150))
@given(ANYTHING)
def test_any_json_is_an_answer(data: Any) -> None:
    """Whatever JSON comes, every person gets a result or the request an outcome, and a page rows or none."""
    made = provider(ROWS | {"receipts": RECEIPTS})
    content = json.dumps(data).encode()
    fate = _fate(made, Answer(200, {}, content), size=2)

    assert isinstance(fate, ProviderError) or len(fate) == 2
    with contextlib.suppress(ValueError):  # a page of another shape, which is kept as it came
        assert all(receipt.message_id for receipt in made.parse_receipts(content))


# -- pushes ------------------------------------------------------------------------------

PUSHES: dict[str, Any] = {
    "answer": "OK",
    "receipts": {
        "row": {"id": "id", "phone": "to", "status": "status", "at": "at"},
        "delivered": ["DELIVRD"],
        "undelivered": "others",
    },
    "replies": {"row": {"phone": "from", "text": "text"}},
}
REPORT = {"id": "9", "to": "13800000000", "status": "DELIVRD", "at": "2026-11-01 08:00:00"}


@pytest.mark.parametrize(
    ("body", "reports", "texts", "unread"),
    [
        (json.dumps([REPORT, REPORT | {"status": "DEAD"}]), [True, False], [], 0),
        (json.dumps(REPORT), [True], [], 0),
        ("id=9&to=13800000000&status=DELIVRD", [True], [], 0),
        ("from=13800000000&text=TD%20%E9%80%80", [], ["TD 退"], 0),
        (json.dumps([{"from": "13800000000", "text": "TD"}, {"from": "1", "text": "TD"}, 7]), [], ["TD"], 2),
        (json.dumps([REPORT | {"to": ""}, REPORT]), [True], [], 1),
        ("<html>", [], [], 1),
        ("{}", [], [], 1),
    ],
)
def test_a_push_is_read_as_configured(body: str, reports: list[bool], texts: list[str], unread: int) -> None:
    """Reports and replies come as a list, alone, as a form or a query; what cannot be read is counted."""
    made = provider(config(pushes=PUSHES))
    page = made.parse_push(body.encode())

    assert [receipt.delivered for receipt in page.receipts] == reports
    assert [reply.text for reply in page.replies] == texts
    assert page.unread == unread
    assert page == made.parse_push(body.encode())


def test_rows_of_a_push_may_be_wrapped() -> None:
    """A form's field may hold the rows as JSON."""
    pushes = PUSHES | {"receipts": PUSHES["receipts"] | {"rows": "data.list"}}
    made = provider(config(pushes=pushes))
    page = made.parse_push(urlencode({"data": json.dumps({"list": [REPORT]})}).encode())

    assert [receipt.message_id for receipt in page.receipts] == ["9"]
    with pytest.raises(ValueError, match="rows"):
        provider(config(pushes={"answer": "OK", "receipts": pushes["receipts"]})).parse_push(b"a=1")


def test_only_a_file_with_pushes_has_an_acknowledgement() -> None:
    """What is not described is not listened for."""
    with_pushes = provider(config(pushes=PUSHES)).acknowledges

    assert with_pushes is not None
    assert with_pushes.body == b"OK"
    assert provider(config()).acknowledges is None
    with pytest.raises(SettingsError, match="neither"):
        provider(config(pushes={"answer": "OK"}))


# -- looking -----------------------------------------------------------------------------

CHECK = {"url": "/account", "method": "GET", "answer": {"code": "code", "balance": "left", "detail": "msg"}}


def _check(data: dict[str, Any], came: httpx.Response, **about: Any) -> Any:
    return asyncio.run(provider(data, Transport(lambda _: came)).check(**about))


@pytest.mark.parametrize(
    ("came", "usable", "code", "words"),
    [
        (httpx.Response(200, json={"code": 0, "left": "12.5"}), True, "", "12.5"),
        (httpx.Response(200, json={"code": 0, "left": 0}), False, "", "Top up"),
        (httpx.Response(200, json={"code": 0}), False, "", "no balance"),
        (httpx.Response(200, json={"code": 14, "msg": "欠费"}), False, "14", "欠费"),
        (httpx.Response(200, json={"code": 99}), False, "99", "not documented"),
        (httpx.Response(502, text="x"), False, "", "HTTP 502"),
    ],
)
def test_check_asks_the_ssp(came: httpx.Response, usable: bool, code: str, words: str) -> None:
    """Usable only when the SSP says so, in its own code."""
    result = _check(config(check=CHECK), came)

    assert result.usable is usable
    assert code in {finding.code for finding in result.findings}
    assert words in " ".join(f"{f.meaning} {f.next_step}" for f in result.findings)


def test_check_may_have_codes_of_its_own() -> None:
    """A question can have other codes than a submission; they come first."""
    check = CHECK | {
        "answer": {"code": "code", "codes": {"account": {"0": "closed"}, "accepted": {"200": "OK"}}}
    }

    assert _check(config(check=check), httpx.Response(200, json={"code": 200})).usable
    assert not _check(config(check=check), httpx.Response(200, json={"code": 0})).usable


def test_check_without_a_question_looks_at_the_campaign() -> None:
    """Where the SSP has nothing to ask, it is still seen whether a request could be filled."""
    data = submit(
        json={
            "to": "{phones}",
            "id": "{template_id}",
            "s": "{signature}",
            "a": "{var.name}",
            "b": "{var.nmae}",
        }
    )
    template = Template.parse("您好{name}")
    result = _check(data, httpx.Response(500), template=template)
    alone = _check(data, httpx.Response(500))

    assert not result.usable
    assert [f.what for f in result.findings if not f.ok] == ["template", "signature", "variables"]
    assert "did you mean `name`?" in " ".join(f.next_step for f in result.findings)
    assert alone.usable


# -- afterwards ----------------------------------------------------------------------------

RECEIPTS = {
    "url": "/reports",
    "answer": {
        "code": "code",
        "rows": "data.rows",
        "row": {"id": "id", "phone": "to", "status": "st", "detail": "why", "at": "at"},
        "delivered": ["DELIVRD", 0],
        "pending": ["ENROUTE"],
        "undelivered": "others",
    },
}


def _page(*rows: dict[str, Any]) -> bytes:
    return json.dumps({"code": 0, "data": {"rows": list(rows)}}).encode()


def test_receipts() -> None:
    """Statuses are final only as the file says, times are the SSP's, rows that name nobody are left out."""
    page = _page(
        {"id": 1, "to": "13800000000", "st": "DELIVRD", "at": "2026-01-05 22:55:23"},
        {"id": 2, "to": "8613800000001", "st": 0, "at": "soon"},
        {"id": 3, "to": "+8613800000002", "st": "MK:0001", "why": "空号 13800000002"},
        {"id": 4, "to": "13800000003", "st": "ENROUTE"},
        {"id": 5, "to": "13800000004"},
        {"id": 6, "to": "+14155552671", "st": "DELIVRD"},
        {"to": "13800000005", "st": "DELIVRD"},
    )
    found = provider(config(receipts=RECEIPTS)).parse_receipts(page)

    assert [(r.message_id, r.phone[-4:], r.delivered) for r in found] == [
        ("1", "0000", True),
        ("2", "0001", True),
        ("3", "0002", False),
        ("4", "0003", None),
        ("5", "0004", None),
    ]
    assert found[0].at == datetime(2026, 1, 5, 14, 55, 23, tzinfo=UTC)
    assert found[1].at is None
    assert (found[2].code, found[2].detail) == ("MK:0001", "空号 138****0002")


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("unix", 1767624923),
        ("unix_ms", "1767624923000"),
        ("iso", "2026-01-05T22:55:23+08:00"),
        ("iso", "2026-01-05T22:55:23"),
        ("%Y%m%d%H%M%S", "20260105225523"),
    ],
)
def test_times(form: str, text: Any) -> None:
    """Every way of writing the same moment."""
    receipts = {**RECEIPTS, "answer": RECEIPTS["answer"] | {"time_format": form}}
    page = _page({"id": 1, "to": "13800000000", "st": "DELIVRD", "at": text})
    (receipt,) = provider(config(receipts=receipts)).parse_receipts(page)

    assert receipt.at == datetime(2026, 1, 5, 14, 55, 23, tzinfo=UTC)


def test_listed_failures_leave_the_rest_open() -> None:
    """With a list of failures, a status that is in no list decides nothing."""
    receipts = {**RECEIPTS, "answer": RECEIPTS["answer"] | {"undelivered": ["UNDELIV"]}}
    page = _page(*({"id": 1, "to": "13800000000", "st": status} for status in ("UNDELIV", "ODD", "DELIVRD")))
    found = provider(config(receipts=receipts)).parse_receipts(page)

    assert [r.delivered for r in found] == [False, None, True]


def test_pulling_ends() -> None:
    """Pages are returned as they came, until there is nothing, or nothing new."""
    pages = [_page({"id": 1}), _page({"id": 2}), _page({"id": 2}), b"never asked for"]
    came = iter(pages)
    made = provider(config(receipts=RECEIPTS), Transport(lambda _: httpx.Response(200, content=next(came))))

    assert [asyncio.run(made.pull_receipts()) for _ in range(3)] == [pages[0], pages[1], None]


@pytest.mark.parametrize("data", [{"rows": []}, {"rows": None}, None])
def test_nothing_waits(data: Any) -> None:
    """An empty list, and a null in its place, both mean that nothing waits."""
    network = Transport(lambda _: httpx.Response(200, json={"code": 0, "data": data}))

    assert asyncio.run(provider(config(receipts=RECEIPTS), network).pull_receipts()) is None


@pytest.mark.parametrize("data", [{}, {"rows": "none"}, {"rows": {"id": 1}}])
def test_a_page_of_another_shape_is_not_nothing(data: Any) -> None:
    """A path that leads nowhere is said, not taken for an empty page."""
    network = Transport(lambda _: httpx.Response(200, json={"code": 0, "data": data}))

    with pytest.raises(OutcomeUnknown, match=re.escape("no list at `data.rows`")):
        asyncio.run(provider(config(receipts=RECEIPTS), network).pull_receipts())


RECORDS = {
    "url": "/search",
    "method": "GET",
    "query": {"to": "{national}", "from": "{since}", "until": "{until}"},
    "answer": {
        "code": "code",
        "rows": "data",
        "row": {"id": "id", "text": "text", "status": "state"},
        "refused": ["REJECTED"],
        "page_size": 3,
    },
    "lag_s": 5,
}


def _records(rows: Any) -> Any:
    network = Transport(lambda _: httpx.Response(200, json={"code": 0, "data": rows}))
    made = provider(config(records=RECORDS), network)
    since, until = datetime(2026, 1, 5, 14, 0, tzinfo=UTC), datetime(2026, 1, 5, 15, 0, tzinfo=UTC)
    return made, network, asyncio.run(made.records("+8613800000000", since, until))


def test_records() -> None:
    """Asked for one number and a time in the SSP's own zone; accepted and refused ones are told apart."""
    rows = [{"id": 1, "text": "【示例】您好"}, {"text": "【示例】再见", "state": "REJECTED"}]
    made, network, found = _records(rows)

    assert dict(network.requests[0].url.params) == {
        "to": "13800000000",
        "from": "2026-01-05 22:00:00",
        "until": "2026-01-05 23:00:00",
    }
    assert [(r.message_id, r.phone, r.text, r.accepted) for r in found] == [
        ("1", "+8613800000000", "【示例】您好", True),
        ("", "+8613800000000", "【示例】再见", False),
    ]
    assert made.record_lag_s == 5
    assert _records(None)[2] == []


@pytest.mark.parametrize(
    "rows",
    [[{"id": i, "text": "x"} for i in range(3)], [{"id": 1}], [{"text": "x"}], [None], {"id": 1}],
    ids=["full page", "no text", "no id", "no row", "no list"],
)
def test_records_that_prove_nothing(rows: Any) -> None:
    """What could hide the record that matters is an error, never an empty answer."""
    with pytest.raises(OutcomeUnknown):
        _records(rows)


def test_no_records_no_promise() -> None:
    """Without a `records` block the provider says that it cannot be asked."""
    now = datetime.now(UTC)

    with pytest.raises(UnsupportedFeature):
        asyncio.run(provider(config()).records("+8613800000000", now, now))


# -- against a server ------------------------------------------------------------------------


class LanternServer(ThreadingHTTPServer):
    """Lantern SMS on this machine: checks every signature, and counts what it accepted."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Lantern)
        self.accepted: list[dict[str, str]] = []
        self.refuse: dict[str, int] = {}  # number -> status
        self.busy: dict[str, int] = {}  # number -> code of every request that holds it
        self.drop: set[str] = set()  # accepted, but the answer is lost
        self.sizes: list[int] = []
        self.nonces: set[str] = set()
        self.taken = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Lantern(BaseHTTPRequestHandler):
    server: LanternServer

    def do_GET(self) -> None:
        """Account, and the search for messages."""
        if not self._signed(b""):
            return self._say({"code": 4002, "message": "验签失败"})
        parts = urlsplit(self.path)
        if parts.path == "/v1/account":
            return self._say({"code": 0, "message": "ok", "data": {"balance": "88.20"}})
        wanted = parse_qs(parts.query)["to"][0]
        found = [m | {"state": "ACCEPTED"} for m in self.server.accepted if m["to"] == wanted]
        return self._say({"code": 0, "message": "ok", "data": found})

    def do_POST(self) -> None:
        """Sending, and taking reports."""
        body = self.rfile.read(int(self.headers["content-length"]))
        if not self._signed(body):
            return self._say({"code": 4002, "message": "验签失败"})
        data = json.loads(body)
        with self.server.lock:
            if self.path == "/v1/reports/take":
                return self._say({"code": 0, "message": "ok", "data": self._reports(data["most"])})
            return self._send(data)

    def _send(self, data: dict[str, Any]) -> None:
        self.server.sizes.append(len(data["to"]))
        if code := next((self.server.busy[n] for n in data["to"] if n in self.server.busy), 0):
            return self._say({"code": code, "message": "系统繁忙"})
        results: list[dict[str, Any]] = []
        for number in reversed(data["to"]):
            if status := self.server.refuse.get(number):
                results.append({"to": number, "status": status, "reason": "不发"})
                continue
            message = {"to": number, "text": data["text"], "id": f"L{len(self.server.accepted):08}"}
            self.server.accepted.append(message)
            results.append({"to": number, "status": 0, "id": message["id"]})
        if self.server.drop & set(data["to"]):
            self.close_connection = True
            return None
        return self._say({"code": 0, "message": "ok", "data": {"results": results}})

    def _reports(self, most: int) -> list[dict[str, str]]:
        fresh = self.server.accepted[self.server.taken : self.server.taken + min(most, 2)]
        self.server.taken += len(fresh)
        at = "2026-01-05 22:55:23"
        return [{"id": m["id"], "to": m["to"], "status": "DELIVRD", "at": at, "reason": ""} for m in fresh]

    def _signed(self, body: bytes) -> bool:
        account, time, nonce = (self.headers[f"x-lantern-{name}"] for name in ("account", "time", "nonce"))
        with self.server.lock:
            fresh = nonce not in self.server.nonces
            self.server.nonces.add(nonce)
        signed = "\n".join((account, time, nonce)).encode() + b"\n" + body
        digest = hmac.digest(SECRET.encode(), signed, "sha256").hex()
        return fresh and account == ACCOUNT and hmac.compare_digest(digest, self.headers["x-lantern-sign"])

    def _say(self, data: dict[str, Any]) -> None:
        content = json.dumps(data).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def lantern(monkeypatch: pytest.MonkeyPatch) -> Iterator[LanternServer]:
    """A running Lantern SMS, and the environment of the worked example pointing at it."""
    server = LanternServer()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    monkeypatch.setenv("SMSKIT_HTTP_CONFIG", str(LANTERN))
    monkeypatch.setenv("SMSKIT_HTTP_ACCOUNT", ACCOUNT)
    monkeypatch.setenv("SMSKIT_HTTP_SECRET", SECRET)
    monkeypatch.setenv("SMSKIT_HTTP_BASE_URL", server.url)
    yield server
    server.shutdown()
    server.server_close()


def lantern_spec(tmp_path: Path, rows: list[str], **changes: Any) -> CampaignSpec:
    (tmp_path / "people.csv").write_text("\n".join(["user_id,phone,name", *rows]), "utf-8")
    data = {
        "campaign": "lantern-1",
        "segment": str(tmp_path / "people.csv"),
        "provider": "http",
        "signature": "示例",
        "template": "您好{name}，您的礼品已到店",
        "variables": {"name": "name"},
        "message_class": "notification",
        "mode": "live",
    }
    return CampaignSpec.from_data(data | changes)


def test_a_live_campaign(lantern: LanternServer, tmp_path: Path) -> None:
    """The worked example, whole: plan, check, send, receipts; the server's own count is the judge."""
    names = ["张三", "张三", "张三", "{secret}", "李四"]
    rows = [f"u{i},1380000000{i},{name}" for i, name in enumerate(names)]
    lantern.refuse["13800000004"] = 1002
    campaign = open_campaign(lantern_spec(tmp_path, rows))
    plan, checked, outcome = campaign.plan(), campaign.check(), campaign.send()
    row = open_ledger().campaigns.get("lantern-1", Mode.LIVE)
    assert row is not None
    fetched = fetch(open_ledger(), [row])
    books = open_ledger().audience.counts(row.id)

    assert plan.planned == 5
    assert (checked.usable, checked.balance) == (True, "88.20")
    assert outcome.state == "finished"
    assert sorted(lantern.sizes) == [1, 1, 3], "the three with equal texts share a request"
    assert {m["to"]: m["text"] for m in lantern.accepted} == {
        "13800000000": "【示例】您好张三，您的礼品已到店",
        "13800000001": "【示例】您好张三，您的礼品已到店",
        "13800000002": "【示例】您好张三，您的礼品已到店",
        "13800000003": "【示例】您好{secret}，您的礼品已到店",
    }
    assert len(lantern.accepted) == 4
    assert fetched.settled.problems == []
    assert (books.delivered, books.refused, books.unknown) == (4, 1, 0)


def test_an_answer_that_is_lost_is_found_by_asking(lantern: LanternServer, tmp_path: Path) -> None:
    """A dropped connection leaves unknowns; the SSP's records settle them, and nobody is messaged twice."""
    lantern.drop.add("13800000001")
    campaign = open_campaign(lantern_spec(tmp_path, [f"u{i},1380000000{i},张三" for i in range(3)]))
    campaign.send()
    row = open_ledger().campaigns.get("lantern-1", Mode.LIVE)
    assert row is not None
    before = open_ledger().audience.counts(row.id)
    fetched = fetch(open_ledger(), [row])
    after = open_ledger().audience.counts(row.id)

    assert before.unknown == 3
    assert fetched.settled.found == 3
    assert (after.unknown, after.delivered) == (0, 3)
    assert len(lantern.accepted) == 3


def test_a_wrong_secret_is_not_usable(
    lantern: LanternServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SSP refuses the signature; the check says so in its code, and nothing is sent."""
    monkeypatch.setenv("SMSKIT_HTTP_SECRET", "another-secret")
    result = open_campaign(lantern_spec(tmp_path, ["u1,13800000000,张三"])).check()

    assert not result.usable
    assert [(f.code, f.meaning) for f in result.findings] == [("4002", "验签失败")]
    assert "SMSKIT_HTTP_SECRET" in result.findings[0].next_step
    assert lantern.accepted == []


def test_a_rehearsal_says_that_it_cannot(lantern: LanternServer, tmp_path: Path) -> None:
    """The simulator does not speak a protocol it has never heard of."""
    with pytest.raises(UnsupportedFeature, match="simulator does not speak"):
        open_campaign(lantern_spec(tmp_path, ["u1,13800000000,张三"], mode="rehearse")).send()


# -- what is written about it ------------------------------------------------------------------


def test_the_documented_example_is_the_tested_one() -> None:
    """docs/own_ssp.md shows the file that the tests above send with."""
    page = (ROOT / "docs" / "own_ssp.md").read_text("utf-8")

    assert LANTERN.read_text("utf-8").strip() in page


def test_every_placeholder_is_documented() -> None:
    """docs/own_ssp.md lists every placeholder there is, and no other."""
    page = (ROOT / "docs" / "own_ssp.md").read_text("utf-8")

    assert dict(re.findall(r"^\| `\{([\w.]+)\}` \| (.+?) \|$", page, re.MULTILINE)) == dict(PLACEHOLDERS)
