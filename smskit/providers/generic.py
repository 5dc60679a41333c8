"""
Any SSP with an HTTP interface, described by a configuration file instead of code.

The file says what a request looks like (placeholders such as ``{phones}``),
where its answer holds code and id, and which codes mean what; docs/own_ssp.md
explains it with a complete example. Every code and every HTTP status that the
file does not list is unknown, never guessed. What cannot be said in the file
(XML, different texts in one request, signing over sorted fields) is a plug-in's.

A file is read and judged once; everything wrong with it is named by its key.
It never holds credentials: those are settings, and placeholders in the file.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple
from urllib.parse import quote, quote_plus, urlsplit
from zoneinfo import ZoneInfo

import httpx
import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from smskit.errors import (
    AccountProblem,
    InputError,
    OutcomeUnknown,
    ProviderError,
    RateLimited,
    Refused,
    SettingsError,
    UnsupportedFeature,
    nearest,
)
from smskit.models import About, CheckResult, Code, CodeClass, Finding, Receipt, Record, Submission
from smskit.phones import normalise_one, redact, to_e164
from smskit.providers.base import Call, Feature, Limits, Provider
from smskit.providers.http import Answer
from smskit.settings import ProviderSettings, project_root, variable_of
from smskit.template import Template

__all__ = ["PLACEHOLDERS", "GenericHttp", "GenericSettings", "HttpConfig", "load_config"]

# Every placeholder and what fills it. ``var.NAME`` stands for any template variable.
PLACEHOLDERS: Mapping[str, str] = {
    "phone": "the number, +8613800000000",
    "national": "the number, 13800000000",
    "phones": "all numbers of the request, written as `batching.numbers` says",
    "text": "the whole text, signature in front",
    "body": "the text without the signature",
    "signature": "the signature, without brackets",
    "template_id": "parameter `template_id`",
    "variables": "all template variables: a JSON object",
    "var.NAME": "one template variable",
    "reference": "the campaign's id, at most 60 characters",
    "since": "where a search of records begins, as `time_format` says",
    "until": "where it ends",
    "account": "the credential SMSKIT_HTTP_ACCOUNT",
    "secret": "the credential SMSKIT_HTTP_SECRET",
    "token": "the credential SMSKIT_HTTP_TOKEN",
    "basic": "account and secret as HTTP basic authentication writes them",
    "timestamp": "seconds since 1970",
    "timestamp_ms": "milliseconds since 1970",
    "time": "the time, as `time_format` and `timezone` say",
    "nonce": "32 random hex digits, new for every request",
    "sign": "what `signing` makes",
    "raw_body": "the body exactly as sent; only in `signing.over`",
}
_ALWAYS = frozenset(
    {"account", "secret", "token", "basic", "timestamp", "timestamp_ms", "time", "nonce", "sign"}
)
_NUMBERS = frozenset({"phone", "national", "phones"})
_CONTENT = frozenset({"text", "body", "template_id", "variables", "var.NAME"})
_CREDENTIALS: Mapping[str, tuple[str, ...]] = {
    "account": ("account",),
    "secret": ("secret",),
    "token": ("token",),
    "basic": ("account", "secret"),
}
_LOOKS_SECRET = re.compile(
    r"secret|passw|pwd|token|(api|access)[-_]?key|authorization|credential", re.IGNORECASE
)

Value = str | list[str] | dict[str, str]


# -- texts with placeholders ---------------------------------------------------------


class Place(NamedTuple):
    """Where a value goes; as a *number*, not as text, where JSON tells them apart."""

    name: str
    number: bool = False

    @property
    def known_as(self) -> str:
        """Its name in the table of placeholders."""
        return "var.NAME" if self.name.startswith("var.") else self.name


_PLACE = re.compile(
    r"(?P<double>\{\{|\}\})|\{(?P<name>var\.[\w-]+|\w+)(?P<number>:number)?\}|(?P<stray>[{}])"
)


@dataclass(frozen=True, slots=True)
class Pattern:
    """
    A text with placeholders, read once; ``{{`` and ``}}`` are literal braces.

    It is filled in one pass: a value is copied, never read again, so a value
    that holds braces or the name of a placeholder arrives as it is.
    """

    pieces: tuple[str | Place, ...]

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Read *text*; ValueError names a brace that belongs to nothing."""
        pieces: list[str | Place] = []
        end = 0
        for mark in _PLACE.finditer(text):
            if mark["stray"]:
                raise ValueError(
                    f"has a brace without a partner at character {mark.start() + 1}; write {{{{ or }}}}"
                )
            pieces.append(text[end : mark.start()])
            pieces.append(mark["double"][0] if mark["double"] else Place(mark["name"], bool(mark["number"])))
            end = mark.end()
        pieces.append(text[end:])
        return cls(tuple(piece for piece in pieces if piece))

    @property
    def places(self) -> tuple[Place, ...]:
        """Its placeholders, in order."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Place))

    def fill(self, values: Mapping[str, Value], quoted: Callable[[str], str] = str) -> str:
        """The text with every value put in, each through *quoted*."""
        return "".join(p if isinstance(p, str) else quoted(_as_text(values[p.name])) for p in self.pieces)

    def fill_json(self, values: Mapping[str, Value]) -> Any:
        """For a JSON value: a lone placeholder gives its value as it is, a list or an object too."""
        if len(self.pieces) == 1 and isinstance(place := self.pieces[0], Place):
            value = values[place.name]
            return _as_number(place, value) if place.number else value
        return self.fill(values)


def _as_text(value: Value) -> str:
    if isinstance(value, list):
        return ",".join(value)
    return value if isinstance(value, str) else _to_json(value)


def _as_number(place: Place, value: Value) -> int:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]+", value):
        return int(value)
    raise ValueError(f"{{{place.name}:number}} is filled with something that is no whole number")


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


# A piece of a body: patterns instead of texts, else as the file has it.
Tree = Any


def _compiled(value: Any, place: str = "") -> Tree:
    """*value* with every text in it read as a pattern."""
    if isinstance(value, dict):
        return {str(name): _compiled(v, f"{place}.{name}") for name, v in value.items()}
    if isinstance(value, list):
        return [_compiled(v, f"{place}.{i}") for i, v in enumerate(value)]
    try:
        return Pattern.parse(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ValueError(f"{place[1:]} {error}".strip()) from None


def _patterns(tree: Tree, place: str) -> Iterator[tuple[str, Pattern]]:
    if isinstance(tree, Pattern):
        yield place, tree
    children = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for name, child in children:
        yield from _patterns(child, f"{place}.{name}")


def _json_of(tree: Tree, values: Mapping[str, Value]) -> Any:
    if isinstance(tree, dict):
        return {name: _json_of(child, values) for name, child in tree.items()}
    if isinstance(tree, list):
        return [_json_of(child, values) for child in tree]
    return tree.fill_json(values) if isinstance(tree, Pattern) else tree


def _text_of(tree: Tree, values: Mapping[str, Value]) -> str:
    """For a field that only holds text: whatever is more than that goes in as JSON."""
    if isinstance(tree, Pattern):
        return tree.fill(values)
    return "" if tree is None else _to_json(_json_of(tree, values))


# -- the configuration ---------------------------------------------------------------


def _word(value: Any) -> Any:
    """A code as text, also where the file has it as a number or as true and false."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else value


def _words(value: Any) -> Any:
    return [_word(v) for v in value] if isinstance(value, list) else value


def _words_or_others(value: Any) -> list[str] | None:
    words = _words(value)
    if value == "others":
        return None
    if not isinstance(words, list) or not all(isinstance(w, str) for w in words):
        raise ValueError("must be a list of values, or the word `others`")
    return words


def _entries(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {
        _word(code): {"meaning": entry} if isinstance(entry, str) else entry for code, entry in value.items()
    }


def _path(value: str) -> str:
    if not re.fullmatch(r"\.|[^.\s]+(\.[^.\s]+)*", value):
        raise ValueError("must be a path such as data.results, or . for the whole answer")
    return value


def _time_form(value: str) -> str:
    if value not in ("unix", "unix_ms", "iso") and "%" not in value:
        raise ValueError("must be `unix`, `unix_ms`, `iso` or a pattern such as %Y-%m-%d %H:%M:%S")
    return value


_Path = Annotated[str, AfterValidator(_path)]
_TimeForm = Annotated[str, AfterValidator(_time_form)]
_Pattern = Annotated[Pattern, PlainValidator(lambda v: _pattern(v))]
_Fields = Annotated[dict[str, Any], AfterValidator(_compiled)]
_Words = Annotated[list[str], BeforeValidator(_words)]


def _pattern(value: Any) -> Pattern:
    if not isinstance(value, str):
        raise ValueError("must be text")
    return Pattern.parse(value)


class _Part(BaseModel):
    """A block of the file: nothing converted, nothing unknown let through."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True
    )

    @model_validator(mode="before")
    @classmethod
    def _knows_its_keys(cls, data: Any) -> Any:
        known = [field.alias or name for name, field in cls.model_fields.items()]
        for key in data if isinstance(data, dict) else ():
            if key not in known:
                raise ValueError(f"has no key `{key}`{nearest(str(key), known)}")
        return data


class Entry(_Part):
    """One code of the SSP."""

    meaning: str = Field(min_length=1)
    next_step: str = ""
    about: Literal["number", "text", "request"] = "number"
    retry_after_s: float | None = Field(default=None, ge=0)


_Entries = Annotated[dict[str, Entry], BeforeValidator(_entries)]


class Codes(_Part):
    """What the SSP's codes mean, by class; all others are unknown."""

    accepted: _Entries = {}
    refused: _Entries = {}
    later: _Entries = {}
    retry: _Entries = {}
    account: _Entries = {}
    unknown: _Entries = {}

    def table(self, prefix: str = "") -> dict[str, Code]:
        """Code -> meaning, as the contract wants it; ValueError names a code that stands in two classes."""
        table: dict[str, Code] = {}
        for kind in CodeClass:
            for code, entry in getattr(self, kind.value).items():
                if prefix + code in table:
                    raise ValueError(f"`{code}` stands under {table[prefix + code].kind} and under {kind}")
                if entry.retry_after_s is not None and kind not in (CodeClass.LATER, CodeClass.RETRY):
                    raise ValueError(f"`{kind}.{code}`: only `later` and `retry` can have retry_after_s")
                table[prefix + code] = Code(
                    kind, entry.meaning, entry.next_step, entry.retry_after_s, About(entry.about)
                )
        return table

    @model_validator(mode="after")
    def _says_each_once(self) -> Codes:
        self.table()
        return self


class Batching(_Part):
    """How many numbers go into one request, and how they are written there."""

    same: int = Field(default=1, ge=1)
    numbers: Literal["e164", "national", "digits"] = "e164"
    join: str | None = None  # None: a JSON list, and a comma where only text can stand


class TextLimits(_Part):
    """What the SSP says about texts and values."""

    text_units: int = Field(default=500, ge=1)
    value_units: int | None = Field(default=None, ge=1)
    unfit_value: str = ""

    @field_validator("unfit_value")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error:
            raise ValueError("is not a regular expression") from None
        return value


class Signing(_Part):
    """How ``{sign}`` is made: a keyed or plain digest over a text."""

    algorithm: Literal["hmac-sha256", "hmac-sha1", "hmac-md5", "sha256", "sha1", "md5"]
    over: _Pattern
    key: _Pattern = Pattern((Place("secret"),))
    encoding: Literal["hex", "HEX", "base64"] = "hex"

    @property
    def covers_body(self) -> bool:
        """Whether the body has to be written before it can be signed."""
        return any(place.name == "raw_body" for place in self.over.places)

    def sign(self, values: Mapping[str, Value]) -> str:
        """The digest over these values; pure."""
        content = self.over.fill(values).encode()
        name = self.algorithm.removeprefix("hmac-")
        if self.algorithm.startswith("hmac-"):
            digest = hmac.digest(self.key.fill(values).encode(), content, name)
        else:
            digest = hashlib.new(name, content).digest()
        if self.encoding == "base64":
            return base64.b64encode(digest).decode()
        return digest.hex().upper() if self.encoding == "HEX" else digest.hex()


class Reading(_Part):
    """Where an answer says how it went. Paths are dotted; numbers count as text, as written."""

    code: _Path = ""
    detail: _Path = ""
    codes: Codes = Codes()  # on top of the general ones


class SubmitRow(_Part):
    """One number's part of an answer."""

    phone: _Path = ""  # "": rows are in the order of the numbers
    code: _Path = ""  # "": whoever is listed was accepted
    id: _Path = ""
    detail: _Path = ""


class SubmitReading(Reading):
    """An answer to a submission."""

    id: _Path = ""
    rows: _Path = ""
    row: SubmitRow = SubmitRow()


class CheckReading(Reading):
    """An answer about the account."""

    balance: _Path = ""


class ReportRow(_Part):
    """One delivery report."""

    id: _Path
    phone: _Path
    status: _Path
    detail: _Path = ""
    at: _Path = ""


class ReportReading(Reading):
    """
    A page of delivery reports.

    ``undelivered`` is a list or the word ``others``; a status that is in no
    list is not final, as is one in ``pending``.
    """

    rows: _Path
    row: ReportRow
    delivered: _Words = Field(min_length=1)
    undelivered: Annotated[list[str] | None, PlainValidator(_words_or_others)]
    pending: _Words = []
    time_format: _TimeForm | None = None


class RecordRow(_Part):
    """What the SSP remembers of one submission; its text or our reference is how it is recognised."""

    id: _Path
    phone: _Path = ""  # "": only the number that was asked about
    text: _Path = ""
    reference: _Path = ""
    status: _Path = ""


class RecordReading(Reading):
    """Records of one number."""

    rows: _Path
    row: RecordRow
    refused: _Words = []
    page_size: int = Field(ge=1)  # a full page may hide the record that matters


class Request(_Part):
    """A request: where it goes and what is in it."""

    places_allowed: ClassVar[frozenset[str]] = _ALWAYS

    url: _Pattern
    method: Literal["GET", "POST", "PUT"] = "POST"
    headers: _Fields = {}
    query: _Fields = {}
    json_: Annotated[Any, AfterValidator(_compiled)] = Field(default=None, alias="json")
    form: _Fields | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Request:
        if self.json_ is not None and self.form is not None:
            raise ValueError("has both `json` and `form`; a body is one of them")
        if self.method == "GET" and (self.json_ is not None or self.form is not None):
            raise ValueError("is a GET, which has no body; use `query`")
        start = self.url.pieces[0] if self.url.pieces else ""
        if not isinstance(start, str) or not start.startswith(("/", "http://", "https://")):
            raise ValueError("`url` must start with / or with https://")
        host = urlsplit(start).netloc
        if "@" in host or (start.startswith("http") and not host):
            raise ValueError("`url` must name its host, without a user or password")
        if any("?" in piece or "#" in piece for piece in self.url.pieces if isinstance(piece, str)):
            raise ValueError("`url` has a query; write it under `query`")
        for name, value in self.headers.items():
            if isinstance(value, dict | list) or not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name):
                raise ValueError(f"`headers.{name}` is not a header")
        for place, pattern in self.patterns():
            if _LOOKS_SECRET.search(place.rsplit(".", 1)[-1]) and pattern.pieces and not pattern.places:
                raise ValueError(
                    f"`{place}` holds a credential; set SMSKIT_HTTP_SECRET and write {{secret}} here"
                )
        return self

    def patterns(self) -> Iterator[tuple[str, Pattern]]:
        """Every text that may hold placeholders, with its key."""
        yield "url", self.url
        for name in ("headers", "query", "json_", "form"):
            yield from _patterns(getattr(self, name), name.rstrip("_"))

    @property
    def names(self) -> frozenset[str]:
        """The placeholders in it."""
        return frozenset(place.name for _, pattern in self.patterns() for place in pattern.places)


class Submit(Request):
    """The request that sends."""

    places_allowed = _ALWAYS | _NUMBERS | _CONTENT | {"signature", "reference"}
    answer: SubmitReading


class Check(Request):
    """A request that shows whether the account works, and sends nothing."""

    answer: CheckReading


class Receipts(Request):
    """The request that takes delivery reports, until there are none."""

    answer: ReportReading


class Records(Request):
    """The request that asks what became of one number."""

    places_allowed = _ALWAYS | {"phone", "national", "since", "until"}
    answer: RecordReading
    lag_s: float = Field(default=60.0, ge=0)


class HttpConfig(_Part):
    """The whole file."""

    title: str = Field(min_length=1)
    console_url: str = ""
    base_url: str = ""
    time_format: _TimeForm = "%Y-%m-%d %H:%M:%S"
    timezone: str = "Asia/Shanghai"
    batching: Batching = Batching()
    limits: TextLimits = TextLimits()
    signing: Signing | None = None
    submit: Submit
    codes: Codes = Codes()
    statuses: Codes = Codes()  # HTTP statuses that decide by themselves
    check: Check | None = None
    receipts: Receipts | None = None
    records: Records | None = None

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError("is not a time zone name such as Asia/Shanghai") from None
        return value

    @model_validator(mode="after")
    def _makes_sense(self) -> HttpConfig:
        problems = [*self._placeholder_problems(), *self._submit_problems(), *self._answer_problems()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The SSP's time zone."""
        return ZoneInfo(self.timezone)

    def requests(self) -> dict[str, Request]:
        """The requests it describes, by key."""
        named = {
            "submit": self.submit,
            "check": self.check,
            "receipts": self.receipts,
            "records": self.records,
        }
        return {name: request for name, request in named.items() if request is not None}

    def table(self) -> dict[str, Code]:
        """Every code, and every HTTP status as ``HTTP 429``."""
        return self.statuses.table("HTTP ") | self.codes.table()

    def _placeholder_problems(self) -> Iterator[str]:
        for name, request in self.requests().items():
            for place, pattern in request.patterns():
                yield from _unknown_places(f"{name}.{place}", pattern, request.places_allowed)
            if self.signing and "sign" in request.names:
                yield from _unknown_places(
                    f"signing.over (for {name})",
                    self.signing.over,
                    (request.places_allowed - {"sign"}) | {"raw_body"},
                )
                yield from _unknown_places("signing.key", self.signing.key, _ALWAYS - {"sign"})
        signed = [name for name, request in self.requests().items() if "sign" in request.names]
        if signed and not self.signing:
            yield f"`{signed[0]}` uses {{sign}}, and there is no `signing`"
        if self.signing and not signed:
            yield "`signing` is given, and no request uses {sign}"
        if self.signing and self.signing.covers_body:
            for name, request in self.requests().items():
                body = [*_patterns(request.json_, "json"), *_patterns(request.form, "form")]
                if any(place.name == "sign" for _, pattern in body for place in pattern.places):
                    yield f"`{name}` has {{sign}} in the body that `signing.over` signs"

    def _submit_problems(self) -> Iterator[str]:
        known_as = {place.known_as for _, pattern in self.submit.patterns() for place in pattern.places}
        if not known_as & _NUMBERS:
            yield "`submit` says nowhere whom to send to; use {phone}, {national} or {phones}"
        if not known_as & _CONTENT:
            yield "`submit` says nowhere what to send; use {text}, {body}, {template_id}, {variables} or {var.NAME}"
        if self.batching.same > 1 and "phones" not in known_as:
            yield f"`batching.same` is {self.batching.same}, so `submit` must use {{phones}}"
        if self.batching.same > 1 and (one := sorted(known_as & {"phone", "national"})):
            yield f"`submit` uses {{{one[0]}}}, one number, while `batching.same` is {self.batching.same}"
        answer = self.submit.answer
        if answer.row != SubmitRow() and not answer.rows:
            yield "`submit.answer.row` is given without `submit.answer.rows`"
        if answer.rows and self.batching.same > 1 and not answer.row.phone:
            yield "`submit.answer.row.phone` is missing: it says which row is about whom"

    def _answer_problems(self) -> Iterator[str]:
        by_row = bool(self.submit.answer.row.code)
        for name, request in self.requests().items():
            answer: Reading = getattr(request, "answer")  # noqa: B009 - every kind of request has its own
            if not answer.code and not self.statuses.accepted and not (name == "submit" and by_row):
                yield f"`{name}.answer.code` is missing, and `statuses.accepted` names no HTTP status either"
            if (answer.code or (name == "submit" and by_row)) and not (
                self.codes.accepted or answer.codes.accepted
            ):
                yield "`codes.accepted` is empty: no answer could mean that it went well"
        for status in self.statuses.table():
            if not re.fullmatch(r"[1-5][0-9]{2}", status):
                yield f"`statuses`: `{status}` is not an HTTP status"
        for status in self.statuses.accepted:
            if not status.startswith("2"):
                yield f"`statuses.accepted.{status}`: only a status of 200 to 299 can mean accepted"
        if self.records and not (row := self.records.answer.row).text:
            if not row.reference:
                yield "`records.answer.row` needs `text` or `reference`, or no record could be recognised"
            elif "reference" not in self.submit.names:
                yield "`records.answer.row.reference` is read, but `submit` sends no {reference}"


def _unknown_places(key: str, pattern: Pattern, allowed: frozenset[str]) -> Iterator[str]:
    for place in pattern.places:
        if place.known_as in allowed:
            continue
        if place.known_as in PLACEHOLDERS:
            yield f"`{key}`: {{{place.name}}} means nothing here"
        else:
            hint = nearest(place.name, PLACEHOLDERS).replace("`", "")
            yield f"`{key}`: there is no placeholder {{{place.name}}}{hint}"


def load_config(source: str, *, folder: Path | None = None) -> HttpConfig:
    """
    Read a configuration: a path, or the YAML or JSON itself when it starts with a brace.

    Args:
        folder: Where a relative path starts, upwards to the project's root; the
            working folder by default.

    Raises:
        SettingsError: it cannot be read, or something in it is wrong; names every key.
    """
    inline = source.lstrip().startswith("{")
    label = "the configuration" if inline else source
    try:
        data = yaml.load(source if inline else _find(source, folder).read_text("utf-8"), _Plain)
    except OSError as error:
        raise SettingsError(f"{label}: {error.strerror or 'cannot be read'}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{label}: is not UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = (
            getattr(error, "problem", None) if isinstance(error, yaml.constructor.ConstructorError) else None
        )
        where = f" at line {mark.line + 1}" if mark else ""
        raise SettingsError(f"{label}: {what or 'is not valid YAML or JSON'}{where}") from None
    if not isinstance(data, dict):
        raise SettingsError(f"{label}: must hold `name: value` lines")
    try:
        return HttpConfig(**data)
    except ValidationError as error:
        problems = (_problem(e) for e in error.errors(include_input=False, include_url=False))
        raise SettingsError(f"{label}: " + "; ".join(problems)) from None


def _problem(error: Mapping[str, Any]) -> str:
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] == "missing":
        return f"`{place}` is missing"
    words = str(error["msg"]).removeprefix("Value error, ")
    return f"`{place}` {words[0].lower()}{words[1:]}" if place else words


def _find(path: str, folder: Path | None) -> Path:
    start = folder or Path.cwd()
    root = project_root(start) or start
    for place in (start, *start.parents):
        if (found := place / Path(path).expanduser()).is_file() or place == root:
            return found
    return start / path


class _Plain(yaml.SafeLoader):
    """YAML with only the obvious conversions: ``000000``, ``on`` and ``12:30`` stay text, no key twice."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """As any mapping, but a key given twice is an error instead of the last one winning."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(
                    None, None, f"`{key.value}` is given twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


for _tag, _spelling, _first in (
    ("bool", r"true|false", "tf"),
    ("null", r"null|~|", "n~\0"),
    ("int", r"-?(0|[1-9][0-9]*)", "-0123456789"),
    ("float", r"-?(0|[1-9][0-9]*)\.[0-9]+", "-0123456789"),
    ("merge", r"<<", "<"),
):
    _Plain.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_spelling})$"), [c.strip("\0") for c in _first]
    )


# -- requests and answers, pure ------------------------------------------------------


class Wire(NamedTuple):
    """A request as it goes out."""

    method: str
    url: str
    headers: dict[str, str]
    content: bytes


def build_request(
    request: Request, base_url: str, signing: Signing | None, values: Mapping[str, Value]
) -> Wire:
    """
    Fill a request; pure.

    Values are quoted for where they stand: JSON by its own rules, forms and
    URLs by percent-encoding, headers by percent-encoding whatever is not plain ASCII.

    Raises:
        ValueError: a value does not fit where it should go.
    """
    signs = signing if signing and "sign" in request.names else None
    if signs and not signs.covers_body:
        values = {**values, "sign": signs.sign(values)}
    headers = {"accept": "application/json"}
    content = b""
    if request.json_ is not None:
        content = _to_json(_json_of(request.json_, values)).encode()
        headers["content-type"] = "application/json; charset=utf-8"
    elif request.form is not None:
        content = _joined(request.form, values, quote_plus).encode()
        headers["content-type"] = "application/x-www-form-urlencoded; charset=utf-8"
    if signs and signs.covers_body:
        values = {**values, "sign": signs.sign({**values, "raw_body": content.decode()})}
    url = request.url.fill(values, lambda text: quote(text, safe=""))
    url = base_url + url if url.startswith("/") else url
    if request.query:
        url += "?" + _joined(request.query, values, lambda text: quote(text, safe=""))
    for name, value in request.headers.items():
        # A line break in a value would start a header of its own.
        headers[name.lower()] = re.sub(r"[^ -~]", lambda found: quote(found[0]), _text_of(value, values))
    return Wire(request.method, url, headers, content)


def _joined(fields: Mapping[str, Tree], values: Mapping[str, Value], quoted: Callable[[str], str]) -> str:
    return "&".join(f"{quoted(name)}={quoted(_text_of(tree, values))}" for name, tree in fields.items())


_MISSING = object()


def _at(data: Any, path: str) -> Any:
    """What stands at a dotted path; None under a null, ``_MISSING`` where nothing is."""
    for step in () if path == "." else path.split("."):
        if data is None:
            return None
        if isinstance(data, dict) and step in data:
            data = data[step]
        elif isinstance(data, list) and step.isdecimal() and int(step) < len(data):
            data = data[int(step)]
        else:
            return _MISSING
    return data


def _word_at(data: Any, path: str) -> str:
    """The text, number or truth value at *path* as text; "" where there is none."""
    found = _word(_at(data, path)) if path else ""
    return found if isinstance(found, str) else ""


def _decode(content: bytes) -> Any:
    """JSON with its numbers as written: a code 0 is "0", and an id keeps all its digits."""
    return json.loads(content, parse_int=str, parse_float=str)


class Verdict(NamedTuple):
    """What an answer says about its request as a whole."""

    code: str
    meaning: Code
    detail: str
    data: Any


def judge(
    answer: Answer, reading: Reading, table: Mapping[str, Code], *, by_row: bool = False
) -> Verdict | str:
    """
    Read an answer; pure.

    Args:
        by_row: The rows have codes of their own, so the whole needs none.

    Returns:
        The verdict, or in words why there is none: the outcome is unknown then.
    """
    status = f"HTTP {answer.status}"
    listed = table.get(status)
    if listed and listed.kind is not CodeClass.ACCEPTED:
        return Verdict(status, listed, listed.meaning, None)
    if answer.status >= 500:
        return f"{status}, which may have come after the request was taken"
    try:
        data = _decode(answer.content) if answer.content or not listed else None
    except (ValueError, RecursionError):
        return f"{status} without readable JSON"
    good = 200 <= answer.status < 300
    if reading.code:
        code = _word_at(data, reading.code)
        meaning = (table | reading.codes.table()).get(code)
        detail = _word_at(data, reading.detail)
        if not code:
            return f"{status} without a code at `{reading.code}`"
        if meaning is None:
            return Verdict(code, Code(CodeClass.UNKNOWN, ""), detail, data)
        if meaning.kind is CodeClass.ACCEPTED and not good:
            return f"{status} with the code {code}, which contradict each other"
        return Verdict(code, meaning, detail, data)
    if listed:
        return Verdict(status, listed, _word_at(data, reading.detail), data)
    if by_row and good:
        return Verdict("", Code(CodeClass.ACCEPTED, ""), "", data)
    return f"{status}, which the configuration does not list"


def _tail(phone: str) -> str:
    """The 11 digits a number ends with, however it is decorated."""
    return re.sub(r"[^0-9]", "", phone)[-11:]


def _instant(text: str, form: str, zone: ZoneInfo) -> datetime | None:
    """An aware UTC time; None for what is not one."""
    try:
        if form in ("unix", "unix_ms"):
            return datetime.fromtimestamp(float(text) / (1000 if form == "unix_ms" else 1), UTC)
        at = datetime.fromisoformat(text) if form == "iso" else datetime.strptime(text.strip(), form)
    except (ValueError, OverflowError, OSError):
        return None
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)


def _written(at: datetime, form: str, zone: ZoneInfo) -> str:
    if form in ("unix", "unix_ms"):
        return str(int(at.timestamp() * (1000 if form == "unix_ms" else 1)))
    local = at.astimezone(zone)
    return local.isoformat(timespec="seconds") if form == "iso" else local.strftime(form)


# -- the provider --------------------------------------------------------------------


class GenericSettings(ProviderSettings):
    """Settings of the generic provider; each is ``SMSKIT_HTTP_<NAME>``, or a subclass's own prefix."""

    # A path, or the configuration itself. Not required here: it may be a subclass's default.
    config: str = ""
    account: SecretStr = SecretStr("")
    secret: SecretStr = SecretStr("")
    token: SecretStr = SecretStr("")
    batch_size: int = Field(default=1000, ge=1)  # the configuration says what the SSP allows


class GenericHttp(Provider):
    """
    An SSP described by a configuration file.

    Credentials: whichever of account, secret and token the file has placeholders
    for. A subclass with a name, settings prefix and file of its own is a provider
    of its own, so that two SSPs can be used side by side.
    """

    name: ClassVar[str] = "http"
    title: ClassVar[str] = "Own SSP 自有通道 (HTTP)"
    Settings: ClassVar[type[ProviderSettings]] = GenericSettings

    settings: GenericSettings

    def __init__(
        self, settings: ProviderSettings, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        super().__init__(settings, transport=transport)
        self.config = self._load()
        self.base_url = self.settings.base_url or self.config.base_url.rstrip("/")
        self._table = self.config.table()
        self._taken: str | None = None
        if self.config.records:
            self.record_lag_s = self.config.records.lag_s
        # The contract declares these for a class; here every file makes its own.
        vars(self).update(
            title=self.config.title,
            console_url=self.config.console_url,
            codes=self._table,
            features=self._features(),
        )

    def _load(self) -> HttpConfig:
        variable = variable_of(self.name, "config")
        if not self.settings.config:
            raise SettingsError(
                f"provider `{self.name}` is not set up: {variable} is missing, the path of a file"
            )
        try:
            config = load_config(self.settings.config)
        except SettingsError as error:
            raise SettingsError(f"{variable}: {error}") from None
        used = {name for request in config.requests().values() for name in request.names}
        if config.signing:
            used |= {
                place.name for part in (config.signing.over, config.signing.key) for place in part.places
            }
        for name in sorted({field for place in used for field in _CREDENTIALS.get(place, ())}):
            if not getattr(self.settings, name).get_secret_value():
                raise SettingsError(
                    f"provider `{self.name}` is not set up: {variable_of(self.name, name)} is missing. "
                    "Set it in the environment, in a .env file beside the notebook, or in the OS keyring."
                )
        relative = any(
            request.url.fill(_Anything()).startswith("/") for request in config.requests().values()
        )
        if relative and not (self.settings.base_url or config.base_url):
            raise SettingsError(
                f"{variable}: `base_url` is missing; or set {variable_of(self.name, 'base_url')}"
            )
        return config

    def _features(self) -> frozenset[Feature]:
        config = self.config
        offered = {
            Feature.RECEIPTS: config.receipts is not None,
            Feature.RECORDS: config.records is not None,
            Feature.BALANCE: config.check is not None and bool(config.check.answer.balance),
        }
        return frozenset(feature for feature, is_there in offered.items() if is_there)

    @property
    def limits(self) -> Limits:
        """Equal texts as far as the file allows; every other text is a request of its own."""
        texts = self.config.limits
        return Limits(
            same=min(self.config.batching.same, self.settings.batch_size),
            different=1,
            text_units=texts.text_units,
            value_units=texts.value_units,
            unfit_value=texts.unfit_value,
        )

    # -- sending ---------------------------------------------------------------------

    async def submit(self, call: Call) -> list[Submission]:
        """Send one call; see the contract."""
        answer = await self._send("submit", self.config.submit, self._message_values(call))
        return self.parse_submission(answer, call)

    def parse_submission(self, answer: Answer, call: Call) -> list[Submission]:
        """Judge each message, by a row of its own where the answer has rows; pure."""
        reading = self.config.submit.answer
        verdict = self._verdict(answer, reading, by_row=bool(reading.row.code))
        kind = verdict.meaning.kind
        if kind in (CodeClass.REFUSED, CodeClass.LATER) and len(call) == 1:
            return [Submission(kind, "", verdict.code, self._clean(verdict.detail))]
        if kind is not CodeClass.ACCEPTED:
            raise self._error(verdict, answer)
        shared = _word_at(verdict.data, reading.id)
        if not reading.rows:
            return [self._accepted(verdict.code, shared, expected=bool(reading.id))] * len(call)
        rows = _at(verdict.data, reading.rows)
        if not isinstance(rows, list):
            raise self._unclear(f"no list at `{reading.rows}`", answer)
        return [self._row(found, verdict.code, shared) for found in self._rows_of(rows, call, answer)]

    def _rows_of(self, rows: list[Any], call: Call, answer: Answer) -> list[list[Any]]:
        """For each person the rows that are about them: one, when all is well."""
        path = self.config.submit.answer.row.phone
        if not path:
            if len(rows) != len(call):
                raise self._unclear(f"{len(rows)} rows about {len(call)} numbers", answer)
            return [[row] for row in rows]
        by_phone: dict[str, list[Any]] = {}
        for row in rows:
            by_phone.setdefault(_tail(_word_at(row, path)), []).append(row)
        return [by_phone.get(_tail(phone), []) for phone in call.phones]

    def _row(self, found: Sequence[Any], code: str, shared: str) -> Submission:
        reading = self.config.submit.answer
        if not found:
            return Submission(CodeClass.UNKNOWN, detail="the answer does not mention this number")
        if len({_word_at(row, reading.row.code) for row in found}) > 1:
            return Submission(CodeClass.UNKNOWN, detail="the answer says two things about this number")
        code = _word_at(found[0], reading.row.code) if reading.row.code else code
        kind = (self._table | reading.codes.table()).get(code, Code(CodeClass.UNKNOWN, "")).kind
        if kind is CodeClass.ACCEPTED:
            message_id = _word_at(found[0], reading.row.id) if reading.row.id else shared
            return self._accepted(code, message_id, expected=bool(reading.row.id or reading.id))
        return Submission(kind, "", code, self._clean(_word_at(found[0], reading.row.detail)))

    @staticmethod
    def _accepted(code: str, message_id: str, *, expected: bool) -> Submission:
        if expected and not message_id:
            # An answer cut short, or a wrong path in the file: without an id no receipt would ever match.
            return Submission(CodeClass.UNKNOWN, "", code, "the answer holds no message id")
        return Submission(CodeClass.ACCEPTED, message_id, code)

    def _message_values(self, call: Call) -> dict[str, Value]:
        job, first = call.job, call.part(0, 1)
        text = first.texts[0]
        variables = {name: values[0] for name, values in first.variables.items()}
        head = f"【{job.template.signature}】" if job.template.signature else ""
        batching = self.config.batching
        cut = {"e164": 0, "digits": 1, "national": 3}[batching.numbers]
        phones = [phone[cut:] for phone in call.phones]
        return {
            "phone": call.phones[0],
            "national": call.phones[0][3:],
            "phones": phones if batching.join is None else batching.join.join(phones),
            "text": text,
            "body": text.removeprefix(head),
            "signature": job.template.signature,
            "template_id": job.template_id,
            "variables": variables,
            "reference": job.reference,
            **{f"var.{name}": value for name, value in variables.items()},
        }

    # -- one request -------------------------------------------------------------------

    async def _send(self, key: str, request: Request, values: Mapping[str, Value]) -> Answer:
        own: dict[str, Value] = self._own_values()
        needed = request.names | {
            p.name for p in (self.config.signing.over.places if self.config.signing else ())
        }
        for name in sorted(needed - {"sign", "raw_body"}):
            if name.startswith("var.") and key == "submit" and name not in values:
                # Everybody would be refused for it, so it ends the run instead.
                raise AccountProblem(
                    f"{self.name}: `submit` wants {{{name}}}, a variable the template does not have"
                )
        try:
            wire = build_request(request, self.base_url, self.config.signing, own | dict(values))
        except ValueError as error:
            raise Refused(f"{self.name}: `{key}`: {error}; nothing was sent", provider=self.name) from None
        return await self.door.send(wire.method, wire.url, headers=wire.headers, content=wire.content)

    def _own_values(self) -> dict[str, Value]:
        account, secret, token = (
            field.get_secret_value()
            for field in (self.settings.account, self.settings.secret, self.settings.token)
        )
        now = time.time()
        return {
            "account": account,
            "secret": secret,
            "token": token,
            "basic": base64.b64encode(f"{account}:{secret}".encode()).decode(),
            "timestamp": str(int(now)),
            "timestamp_ms": str(int(now * 1000)),
            "time": _written(datetime.fromtimestamp(now, UTC), self.config.time_format, self.config.zone),
            "nonce": secrets.token_hex(16),
        }

    def _verdict(self, answer: Answer, reading: Reading, *, by_row: bool = False) -> Verdict:
        verdict = judge(answer, reading, self._table, by_row=by_row)
        if isinstance(verdict, str):
            raise self._unclear(verdict, answer)
        return verdict

    def _good(self, answer: Answer, reading: Reading) -> Any:
        """The body of an answer that went well; every other is raised as the error it stands for."""
        verdict = self._verdict(answer, reading)
        if verdict.meaning.kind is not CodeClass.ACCEPTED:
            raise self._error(verdict, answer)
        return verdict.data

    def _unclear(self, what: str, answer: Answer) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"{self.name}: {what}", provider=self.name, detail=what, http_status=answer.status
        )

    def _error(self, verdict: Verdict, answer: Answer) -> ProviderError:
        code, meaning = verdict.code, verdict.meaning
        detail = self._clean(verdict.detail or meaning.meaning)
        words = f"{self.name}: {code} {detail}".strip() + (
            f". {meaning.next_step}" if meaning.next_step else ""
        )
        facts: dict[str, Any] = {
            "provider": self.name,
            "code": code,
            "detail": detail,
            "http_status": answer.status,
        }
        if meaning.kind is CodeClass.RETRY:
            hint = answer.headers.get("retry-after", "")
            after = float(hint) if hint.isdecimal() else meaning.retry_after_s
            return RateLimited(words, retry_after_s=after, **facts)
        kinds: dict[CodeClass, type[ProviderError]] = {
            CodeClass.ACCOUNT: AccountProblem,
            CodeClass.REFUSED: Refused,
            CodeClass.LATER: Refused,
        }
        return kinds.get(meaning.kind, OutcomeUnknown)(words, **facts)

    def _clean(self, text: str) -> str:
        """Words of the SSP, without the credentials and numbers it may repeat in them."""
        for field in self.settings.secret_fields():
            secret = getattr(self.settings, field).get_secret_value()
            text = text.replace(secret, "***") if len(secret) > 3 else text
        return redact(text)[:300]

    # -- looking -----------------------------------------------------------------------

    async def check(
        self, *, signature: str = "", template_id: str = "", template: Template | None = None
    ) -> CheckResult:
        """Whether the request can be filled, and what the SSP says of the account; sends nothing."""
        findings = list(self._unfilled(signature, template_id, template)) if template is not None else []
        balance = ""
        if self.config.check is None:
            # The best there is to say: the file is in order and no credential is missing.
            findings.append(
                Finding("credential", True, "", "given; the configuration has no `check` to try them")
            )
        else:
            try:
                reading = self.config.check.answer
                data = self._good(await self._send("check", self.config.check, {}), reading)
                findings.append(Finding("credential", True, _word_at(data, reading.code), "OK"))
                if reading.balance:
                    balance = _word_at(data, reading.balance)
                    findings.append(_balance_finding(balance))
            except ProviderError as error:
                step = self.code(error.code).next_step if error.code else ""
                step = step or f"Look at the credentials and {variable_of(self.name, 'config')}."
                findings.append(Finding("credential", False, error.code, error.detail or str(error), step))
        return CheckResult(self.name, all(f.ok for f in findings), tuple(findings), "", balance)

    def _unfilled(self, signature: str, template_id: str, template: Template) -> Iterator[Finding]:
        names = self.config.submit.names
        if "template_id" in names and not template_id:
            yield Finding(
                "template", False, "", "the request wants {template_id}", "Give parameter `template_id`."
            )
        if "signature" in names and not signature:
            yield Finding(
                "signature", False, "", "the request wants {signature}", "Give parameter `signature`."
            )
        wanted = {name.removeprefix("var.") for name in names if name.startswith("var.")}
        for name in sorted(wanted - set(template.names)):
            step = f"Put {{{name}}} into the template{nearest(name, template.names)}."
            yield Finding("variables", False, "", f"the request wants {{var.{name}}}", step)

    # -- afterwards ----------------------------------------------------------------------

    async def pull_receipts(self) -> bytes | None:
        """One page as it came; None when nothing waits, or when the same page comes again."""
        if self.config.receipts is None:
            return None
        reading = self.config.receipts.answer
        answer = await self._send("receipts", self.config.receipts, {})
        rows = _at(self._good(answer, reading), reading.rows)
        if rows is None or rows == []:
            return None
        if not isinstance(rows, list):
            raise self._unclear(f"no list at `{reading.rows}`", answer)
        page = _to_json(rows)
        if page == self._taken:
            # Reading does not delete there: without this, fetching would never end.
            return None
        self._taken = page
        return answer.content

    def parse_receipts(self, body: bytes) -> list[Receipt]:
        """The reports of a page; a row without id or mainland number is nobody's and left out."""
        if self.config.receipts is None:
            return []
        rows = _at(_decode(body), self.config.receipts.answer.rows)
        found = [self._receipt(row) for row in rows or ()]
        return [receipt for receipt in found if receipt is not None]

    def _receipt(self, row: Any) -> Receipt | None:
        assert self.config.receipts is not None
        reading = self.config.receipts.answer
        at = reading.row
        message_id, status = _word_at(row, at.id), _word_at(row, at.status)
        try:
            phone = to_e164(normalise_one(_word_at(row, at.phone)))
        except InputError:
            return None
        if not message_id:
            return None
        delivered: bool | None = None
        if status in reading.delivered:
            delivered = True
        elif status and status not in reading.pending:
            listed = reading.undelivered is None or status in reading.undelivered
            delivered = False if listed else None
        form = reading.time_format or self.config.time_format
        moment = _instant(_word_at(row, at.at), form, self.config.zone)
        return Receipt(message_id, phone, delivered, status, self._clean(_word_at(row, at.detail)), moment)

    async def records(self, phone: str, since: datetime, until: datetime) -> list[Record]:
        """
        What the SSP remembers of one number.

        Raises:
            OutcomeUnknown: a row cannot be read, or the page is full: the record
                that matters may be the one that is not seen.
        """
        if self.config.records is None:
            raise UnsupportedFeature(f"{self.config.title} cannot be asked about single messages")
        reading, form, zone = self.config.records.answer, self.config.time_format, self.config.zone
        values: dict[str, Value] = {
            "phone": phone,
            "national": phone[3:],
            "since": _written(since, form, zone),
            "until": _written(until, form, zone),
        }
        answer = await self._send("records", self.config.records, values)
        rows = _at(self._good(answer, reading), reading.rows)
        if rows is None:
            return []
        if not isinstance(rows, list):
            raise self._unclear(f"no list at `{reading.rows}`", answer)
        if len(rows) >= reading.page_size:
            raise self._unclear(
                f"{len(rows)} records, a full page; look for this number in the console", answer
            )
        return [self._record(row, phone, answer) for row in rows]

    def _record(self, row: Any, phone: str, answer: Answer) -> Record:
        assert self.config.records is not None
        reading = self.config.records.answer
        at = reading.row
        record = Record(
            message_id=_word_at(row, at.id),
            phone=_word_at(row, at.phone) if at.phone else phone,
            text=_word_at(row, at.text),
            reference=_word_at(row, at.reference),
            accepted=_word_at(row, at.status) not in reading.refused,
            code=_word_at(row, at.status),
        )
        # A record that cannot be recognised would count as "no record", and the person get a second message.
        if (
            not record.phone
            or not (record.text or record.reference)
            or not (record.message_id or not record.accepted)
        ):
            raise self._unclear("a record without id, number or text", answer)
        return record


class _Anything(dict[str, Value]):
    """A value for every placeholder, to see what a text looks like."""

    def __missing__(self, _: str) -> str:
        return "0"


def _balance_finding(balance: str) -> Finding:
    try:
        empty = Decimal(balance) <= 0
    except InvalidOperation:
        return Finding("balance", False, "", "the answer holds no balance", "Look at `check.answer.balance`.")
    return Finding("balance", not empty, "", balance, "Top up the account, then run again." if empty else "")
