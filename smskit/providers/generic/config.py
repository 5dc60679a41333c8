"""
The configuration file: what it may say, judged as a whole.

Nothing is converted and nothing unknown let through; every problem is named by
its key. The file never holds credentials, only placeholders for them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import AfterValidator, Field, field_validator, model_validator

from smskit.errors import suggest
from smskit.i18n import Joined, Message
from smskit.models import TIMEZONE, Code
from smskit.providers.generic.answers import (
    Block,
    CheckReading,
    Codes,
    OnePattern,
    Patterns,
    Pushes,
    Reading,
    RecordReading,
    ReportReading,
    SubmitReading,
    SubmitRow,
    TimeForm,
)
from smskit.providers.generic.pattern import PLACEHOLDERS, Pattern, Place, Values, compiled, patterns

_CREDENTIALS = frozenset({"account", "secret", "token", "basic"})
_OURS = _CREDENTIALS | {"timestamp", "timestamp_ms", "time", "nonce", "sign"}
_NUMBERS = frozenset({"phone", "national", "phones"})
_CONTENT = frozenset({"text", "body", "template_id", "variables", "var.NAME"})
_LOOKS_SECRET = re.compile(
    r"secret|passw|pwd|token|(api|access)[-_]?key|authorization|credential", re.IGNORECASE
)
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError(Message("is not a time zone name such as Asia/Shanghai")) from None
    return value


def _expression(value: str) -> str:
    try:
        pc.match_substring_regex(pa.array([""]), value)  # by RE2, as the plan will
    except ValueError:
        raise ValueError(Message("is not a regular expression (RE2)")) from None
    return value


# -- requests ------------------------------------------------------------------------


class Request(Block):
    """A request: where it goes and what is in it."""

    allowed: ClassVar[frozenset[str]] = _OURS

    url: OnePattern
    method: Literal["GET", "POST", "PUT"] = "POST"
    headers: Patterns = Field(default_factory=dict)
    query: Patterns = Field(default_factory=dict)
    json_: Annotated[Any, AfterValidator(compiled)] = Field(default=None, alias="json")
    form: Patterns | None = None

    @field_validator("url")
    @classmethod
    def _names_its_host(cls, url: Pattern) -> Pattern:
        # Whoever fills a placeholder of the host, a cell for one, decides where the credentials go.
        start = url.pieces[0] if url.pieces else ""
        parts = urlsplit(start) if isinstance(start, str) else None
        if url.places and parts and parts.netloc and not parts.path:
            place = f"{{{url.places[0].name}}}"
            raise ValueError(
                Message("has {place} in the host; write placeholders after its first /", place=place)
            )
        return url

    @model_validator(mode="after")
    def _fits_together(self) -> Request:
        if self.json_ is not None and self.form is not None:
            raise ValueError(Message("has both `json` and `form`; a body is one of them"))
        if self.method == "GET" and (self.json_ is not None or self.form is not None):
            raise ValueError(Message("is a GET, which has no body; use `query`"))
        self._check_url()
        for name, value in self.headers.items():
            if isinstance(value, dict | list) or not _HEADER.fullmatch(name):
                raise ValueError(Message("`{name}` is not a header", name=f"headers.{name}"))
        for key, pattern in self.patterns():
            if _LOOKS_SECRET.search(key.rsplit(".", 1)[-1]) and pattern.pieces and not pattern.places:
                raise ValueError(
                    Message(
                        "`{name}` holds a credential; set SMSKIT_HTTP_SECRET and write {{secret}} here",
                        name=key,
                    )
                )
        return self

    def _check_url(self) -> None:
        start = self.url.pieces[0] if self.url.pieces else ""
        if not isinstance(start, str) or not start.startswith(("/", "http://", "https://")):
            raise ValueError(Message("`url` must start with / or with https://"))
        host = urlsplit(start).netloc
        if "@" in host or (not self.is_relative and not host):
            raise ValueError(Message("`url` must name its host, without user and password"))
        if any(mark in piece for piece in self.url.pieces if isinstance(piece, str) for mark in "?#"):
            raise ValueError(Message("`url` holds a query; write it under `query`"))

    def patterns(self) -> Iterator[tuple[str, Pattern]]:
        """Every text that may hold placeholders, with its key."""
        yield "url", self.url
        yield from patterns(self.headers, "headers")
        yield from patterns(self.query, "query")
        yield from self.body_patterns()

    def body_patterns(self) -> Iterator[tuple[str, Pattern]]:
        """Those of the body."""
        yield from patterns(self.json_, "json")
        yield from patterns(self.form, "form")

    @property
    def is_relative(self) -> bool:
        """Does it need a base address?"""
        return str(self.url.pieces[0]).startswith("/")

    @cached_property
    def names(self) -> frozenset[str]:
        """The placeholders in it."""
        return frozenset(place.name for _, pattern in self.patterns() for place in pattern.places)


class Submit(Request):
    """The request that sends."""

    allowed = _OURS | _NUMBERS | _CONTENT | {"signature", "reference"}
    answer: SubmitReading


class Check(Request):
    """A request that shows whether the account works, and sends nothing."""

    answer: CheckReading


class Receipts(Request):
    """The request that takes delivery reports; asked again until there are none."""

    answer: ReportReading


class Records(Request):
    """The request that asks what became of one number."""

    allowed = _OURS | {"phone", "national", "since", "until"}
    answer: RecordReading
    lag_s: float = Field(default=60.0, ge=0)


class Signing(Block):
    """How ``{sign}`` is made: a keyed or plain digest over a text."""

    algorithm: Literal["hmac-sha256", "hmac-sha1", "hmac-md5", "sha256", "sha1", "md5"]
    over: OnePattern
    key: OnePattern = Pattern((Place("secret"),))
    encoding: Literal["hex", "HEX", "base64"] = "hex"

    @cached_property
    def names(self) -> frozenset[str]:
        """The placeholders it needs."""
        key = self.key.places if self.algorithm.startswith("hmac-") else ()
        return frozenset(place.name for place in (*self.over.places, *key))

    def sign(self, values: Values) -> str:
        """The digest over these values."""
        content = self.over.fill(values).encode()
        name = self.algorithm.removeprefix("hmac-")
        if self.algorithm.startswith("hmac-"):
            digest = hmac.digest(self.key.fill(values).encode(), content, name)
        else:
            digest = hashlib.new(name, content).digest()
        if self.encoding == "base64":
            return base64.b64encode(digest).decode()
        return digest.hex().upper() if self.encoding == "HEX" else digest.hex()


class Batching(Block):
    """How many numbers go into one request, and how they are written there."""

    same: int = Field(default=1, ge=1)
    numbers: Literal["e164", "national", "digits"] = "e164"
    join: str | None = None  # None: a JSON list, and a comma where only text can stand


class TextLimits(Block):
    """What the SSP says about texts and values; see ``Limits``."""

    text_units: int = Field(default=500, ge=1)
    value_units: int | None = Field(default=None, ge=1)
    unfit_value: Annotated[str, AfterValidator(_expression)] = ""


# -- the whole file --------------------------------------------------------------------


class HttpConfig(Block):
    """The whole file."""

    title: str = Field(min_length=1)
    console_url: str = ""
    base_url: str = ""
    time_format: TimeForm = "%Y-%m-%d %H:%M:%S"
    timezone: Annotated[str, AfterValidator(_zone)] = TIMEZONE
    batching: Batching = Batching()
    limits: TextLimits = TextLimits()
    signing: Signing | None = None
    submit: Submit
    codes: Codes = Codes()
    statuses: Codes = Codes()  # HTTP statuses that decide by themselves
    check: Check | None = None
    receipts: Receipts | None = None
    records: Records | None = None
    pushes: Pushes | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> HttpConfig:
        problems = [
            *self._placeholder_problems(),
            *self._signing_problems(),
            *self._submit_problems(),
            *self._answer_problems(),
        ]
        if problems:
            raise ValueError(Joined(dict.fromkeys(problems)))
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The SSP's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def requests(self) -> dict[str, Request]:
        """The requests it describes, by key."""
        all_ = {
            "submit": self.submit,
            "check": self.check,
            "receipts": self.receipts,
            "records": self.records,
        }
        return {name: request for name, request in all_.items() if request is not None}

    @property
    def addresses(self) -> dict[str, str]:
        """Where requests go, by key: the beginning at least, with the host."""
        absolute = {
            f"{name}.url": str(r.url.pieces[0]) for name, r in self.requests.items() if not r.is_relative
        }
        return {"base_url": self.base_url, **absolute}

    @property
    def names(self) -> frozenset[str]:
        """Every placeholder it uses."""
        used: frozenset[str] = self.signing.names if self.signing else frozenset()
        return used.union(*(request.names for request in self.requests.values()))

    def table(self) -> dict[str, Code]:
        """What codes mean in an answer to a submission, HTTP statuses as ``HTTP 429``."""
        return self.statuses.table("HTTP ") | self.codes.table() | self.submit.answer.codes.table()

    def _placeholder_problems(self) -> Iterator[Message]:
        for name, request in self.requests.items():
            for key, pattern in request.patterns():
                yield from _unknown_places(f"{name}.{key}", pattern, request.allowed)
            if self.signing and "sign" in request.names:
                allowed = request.allowed - {"sign"} | {"raw_body"}
                yield from _unknown_places(f"signing.over` for `{name}", self.signing.over, allowed)
                yield from _unknown_places("signing.key", self.signing.key, _OURS - {"sign"})

    def _signing_problems(self) -> Iterator[Message]:
        signed = [name for name, request in self.requests.items() if "sign" in request.names]
        if signed and not self.signing:
            yield Message("`{name}` uses {{sign}}, and there is no `signing`", name=signed[0])
        if self.signing and not signed:
            yield Message("`signing` is given, and no request uses {sign}")
        for name, request in (
            self.requests.items() if self.signing and "raw_body" in self.signing.names else ()
        ):
            if any(
                place.name == "sign" for _, pattern in request.body_patterns() for place in pattern.places
            ):
                yield Message("`{name}` has {{sign}} in the very body that `signing.over` covers", name=name)

    def _submit_problems(self) -> Iterator[Message]:
        used = {place.known_as for _, pattern in self.submit.patterns() for place in pattern.places}
        same, answer = self.batching.same, self.submit.answer
        if not used & _NUMBERS:
            yield Message("`submit` does not say whom to send to; use {phone}, {national} or {phones}")
        if not used & _CONTENT:
            yield Message(
                "`submit` does not say what to send; use {text}, {body}, {template_id} or {var.NAME}"
            )
        if same > 1 and "phones" not in used:
            yield Message("`batching.same` is {n}, so `submit` must use {{phones}}", n=same)
        if same > 1 and (one := sorted(used & {"phone", "national"})):
            yield Message(
                "`submit` uses {place}, a single number, while `batching.same` is {n}",
                place=f"{{{one[0]}}}",
                n=same,
            )
        if answer.row != SubmitRow() and not answer.rows:
            yield Message("`submit.answer.row` is given without `submit.answer.rows`")
        if same > 1 and answer.rows and not answer.row.phone:
            yield Message("`submit.answer.row.phone` is missing: it says which row is about whom")

    def _answer_problems(self) -> Iterator[Message]:
        for name, request in self.requests.items():
            answer: Reading = getattr(request, "answer")  # noqa: B009 - each kind of request has its own
            has_code = bool(answer.code) or (name == "submit" and bool(self.submit.answer.row.code))
            if not has_code and not self.statuses.accepted:
                yield Message(
                    "`{name}` is missing, and no HTTP status is in `statuses.accepted`",
                    name=f"{name}.answer.code",
                )
            if has_code and not (self.codes.accepted or answer.codes.accepted):
                yield Message("`codes.accepted` is empty, so no answer could mean that it went well")
        for status in self.statuses.table():
            if not re.fullmatch(r"[1-5][0-9]{2}", status):
                yield Message("`statuses`: `{name}` is not an HTTP status", name=status)
        for status in self.statuses.accepted:
            if not status.startswith("2"):
                yield Message(
                    "`{name}`: only 200 to 299 can mean accepted", name=f"statuses.accepted.{status}"
                )
        if self.records and not (row := self.records.answer.row).text:
            if not row.reference:
                yield Message("`records.answer.row` needs `text` or `reference`, to recognise a record by")
            elif "reference" not in self.submit.names:
                yield Message("`records.answer.row.reference` is read, but `submit` sends no {reference}")


def _unknown_places(key: str, pattern: Pattern, allowed: frozenset[str]) -> Iterator[Message]:
    for place in pattern.places:
        if place.known_as in PLACEHOLDERS:
            if place.known_as not in allowed:
                yield Message("`{name}`: {place} means nothing here", name=key, place=f"{{{place.name}}}")
        else:
            why = Message("`{name}`: there is no placeholder {place}", name=key, place=f"{{{place.name}}}")
            yield suggest(why, place.name, PLACEHOLDERS)
