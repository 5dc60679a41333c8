"""
The configuration file: what it may say, read and judged once.

Nothing is converted and nothing unknown let through; every problem is named by
its key. The file never holds credentials, only placeholders for them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    field_validator,
    model_validator,
)

from smskit.errors import SettingsError, suggest
from smskit.i18n import Joined, Message, os_words
from smskit.i18n.validation import what_is_wrong
from smskit.models import TIMEZONE, About, Code, CodeClass
from smskit.providers.generic.pattern import PLACEHOLDERS, Pattern, Place, Values, compiled, patterns
from smskit.settings import project_root, start_folder

_CREDENTIALS = frozenset({"account", "secret", "token", "basic"})
_OURS = _CREDENTIALS | {"timestamp", "timestamp_ms", "time", "nonce", "sign"}
_NUMBERS = frozenset({"phone", "national", "phones"})
_CONTENT = frozenset({"text", "body", "template_id", "variables", "var.NAME"})
_LOOKS_SECRET = re.compile(
    r"secret|passw|pwd|token|(api|access)[-_]?key|authorization|credential", re.IGNORECASE
)
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def word(value: Any) -> Any:
    """A code as text, also where it is written as a number or as true and false."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else value


# -- kinds of values -----------------------------------------------------------------


def _pattern(value: Any) -> Pattern:
    if not isinstance(value, str):
        raise ValueError(Message("must be text"))
    return Pattern.parse(value)


def _path(value: str) -> str:
    if not re.fullmatch(r"\.|[^.\s]+(\.[^.\s]+)*", value):
        raise ValueError(Message("must be a path such as data.results, or . for the whole answer"))
    return value


def _time_form(value: str) -> str:
    if value not in ("unix", "unix_ms", "iso") and "%" not in value:
        raise ValueError(Message("must be `unix`, `unix_ms`, `iso` or a pattern such as %Y-%m-%d %H:%M:%S"))
    return value


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


def _words(value: Any) -> Any:
    return [word(v) for v in value] if isinstance(value, list) else value


def _words_or_others(value: Any) -> list[str] | None:
    words = _words(value)
    if value == "others":
        return None
    if not isinstance(words, list) or not all(isinstance(w, str) for w in words):
        raise ValueError(Message("must be a list of values, or the word `others`"))
    return words


def _entries(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {word(code): {"meaning": said} if isinstance(said, str) else said for code, said in value.items()}


_Path = Annotated[str, AfterValidator(_path)]
_TimeForm = Annotated[str, AfterValidator(_time_form)]
_Pattern = Annotated[Pattern, PlainValidator(_pattern)]
_Fields = Annotated[dict[str, Any], AfterValidator(compiled)]
_Words = Annotated[list[str], BeforeValidator(_words)]


class _Part(BaseModel):
    """A block of the file."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True
    )

    @model_validator(mode="before")
    @classmethod
    def _knows_its_keys(cls, data: Any) -> Any:
        known = [field.alias or name for name, field in cls.model_fields.items()]
        unknown = [key for key in data if key not in known] if isinstance(data, dict) else []
        if unknown:
            raise ValueError(
                Joined(
                    (suggest(Message("has no key `{name}`", name=key), str(key), known) for key in unknown),
                    ", ",
                )
            )
        return data


# -- codes ---------------------------------------------------------------------------


class Entry(_Part):
    """One code of the SSP. The file may give the meaning alone."""

    meaning: str = Field(min_length=1)
    next_step: str = ""
    about: Literal["number", "text", "request"] = "number"
    retry_after_s: float | None = Field(default=None, ge=0)


_Entries = Annotated[dict[str, Entry], BeforeValidator(_entries)]


class Codes(_Part):
    """What codes mean, by class; all others are unknown."""

    accepted: _Entries = {}
    refused: _Entries = {}
    later: _Entries = {}
    retry: _Entries = {}
    account: _Entries = {}
    unknown: _Entries = {}

    @model_validator(mode="after")
    def _says_each_once(self) -> Codes:
        self.table()
        return self

    def table(self, prefix: str = "") -> dict[str, Code]:
        """
        Code -> meaning, as the provider contract has it.

        Raises:
            ValueError: a code stands in two classes, or has a window that is not looked at.
        """
        table: dict[str, Code] = {}
        for kind in CodeClass:
            entries: dict[str, Entry] = getattr(self, kind.value)
            for code, entry in entries.items():
                if prefix + code in table:
                    known = table[prefix + code].kind
                    raise ValueError(
                        Message("`{name}` stands under `{one}` and `{two}`", name=code, one=known, two=kind)
                    )
                if entry.retry_after_s is not None and kind not in (CodeClass.LATER, CodeClass.RETRY):
                    raise ValueError(
                        Message(
                            "`{name}`: only `later` and `retry` have retry_after_s", name=f"{kind}.{code}"
                        )
                    )
                about = About(entry.about)
                table[prefix + code] = Code(kind, entry.meaning, entry.next_step, entry.retry_after_s, about)
        return table


# -- answers -------------------------------------------------------------------------


class Reading(_Part):
    """Where an answer says how it went. Paths are dotted; a number counts as the text it is written as."""

    code: _Path = ""
    detail: _Path = ""
    codes: Codes = Codes()  # before the general ones


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


class Reports(_Part):
    """
    A page of delivery reports.

    A status that is in no list is not final, as is one in ``pending``;
    ``undelivered: others`` makes all of those in no list undelivered.
    """

    rows: _Path
    row: ReportRow
    delivered: _Words = Field(min_length=1)
    undelivered: Annotated[list[str] | None, PlainValidator(_words_or_others)]
    pending: _Words = []
    time_format: _TimeForm | None = None


class ReportReading(Reports, Reading):
    """A page of delivery reports that was asked for."""


class PushedReports(Reports):
    """A page of delivery reports that is pushed: a list, or one report alone."""

    rows: _Path = "."


class ReplyRow(_Part):
    """One reply; without an id of its own it is known by who wrote what, and when."""

    phone: _Path
    text: _Path
    id: _Path = ""
    at: _Path = ""


class PushedReplies(_Part):
    """A page of replies that is pushed: a list, or one reply alone."""

    rows: _Path = "."
    row: ReplyRow
    time_format: _TimeForm | None = None


class Pushes(_Part):
    """What the SSP pushes to an address of ours, as JSON, a form or a query, and the answer it waits for."""

    answer: str = Field(min_length=1)
    content_type: str = "text/plain; charset=utf-8"
    receipts: PushedReports | None = None
    replies: PushedReplies | None = None

    @model_validator(mode="after")
    def _holds_something(self) -> Pushes:
        if self.receipts is None and self.replies is None:
            raise ValueError(Message("has neither `receipts` nor `replies`"))
        return self


class RecordRow(_Part):
    """What the SSP remembers of one submission; recognised by its text or by our reference."""

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


# -- requests ------------------------------------------------------------------------


class Request(_Part):
    """A request: where it goes and what is in it."""

    allowed: ClassVar[frozenset[str]] = _OURS

    url: _Pattern
    method: Literal["GET", "POST", "PUT"] = "POST"
    headers: _Fields = {}
    query: _Fields = {}
    json_: Annotated[Any, AfterValidator(compiled)] = Field(default=None, alias="json")
    form: _Fields | None = None

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


class Signing(_Part):
    """How ``{sign}`` is made: a keyed or plain digest over a text."""

    algorithm: Literal["hmac-sha256", "hmac-sha1", "hmac-md5", "sha256", "sha1", "md5"]
    over: _Pattern
    key: _Pattern = Pattern((Place("secret"),))
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


class Batching(_Part):
    """How many numbers go into one request, and how they are written there."""

    same: int = Field(default=1, ge=1)
    numbers: Literal["e164", "national", "digits"] = "e164"
    join: str | None = None  # None: a JSON list, and a comma where only text can stand


class TextLimits(_Part):
    """What the SSP says about texts and values; see ``Limits``."""

    text_units: int = Field(default=500, ge=1)
    value_units: int | None = Field(default=None, ge=1)
    unfit_value: Annotated[str, AfterValidator(_expression)] = ""


# -- the whole file --------------------------------------------------------------------


class HttpConfig(_Part):
    """The whole file."""

    title: str = Field(min_length=1)
    console_url: str = ""
    base_url: str = ""
    time_format: _TimeForm = "%Y-%m-%d %H:%M:%S"
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


# -- reading it --------------------------------------------------------------------------


def load_config(source: str, *, folder: Path | None = None) -> HttpConfig:
    """
    Read a configuration: a path, or YAML or JSON itself when it starts with a brace.

    Args:
        folder: Where a relative path starts, upwards to the project's root; the
            working folder by default.

    Raises:
        SettingsError: it cannot be read, or something in it is wrong; names every key.
    """
    inline = source.lstrip().startswith("{")
    label = Message("the configuration") if inline else source

    def refused(why: str) -> SettingsError:
        return SettingsError("{file}: {why}", file=label, why=why)

    try:
        text = source if inline else _find(source, folder).read_text("utf-8-sig")
        data = yaml.load(text, _Plain)
        lines = None if inline else yaml.compose(text, _Plain)
    except OSError as error:
        raise refused(os_words(error)) from None
    except UnicodeDecodeError:
        raise refused(Message("is not UTF-8")) from None
    except yaml.MarkedYAMLError as error:
        why = error.problem if isinstance(error.problem, Message) else Message("is not valid YAML")
        if error.problem_mark:
            why = Message("{why} at line {n}", why=why, n=error.problem_mark.line + 1)
        raise refused(why) from None
    except yaml.YAMLError:
        raise refused(Message("is not valid YAML or JSON")) from None
    if not isinstance(data, dict):
        raise refused(Message("must hold `name: value` lines"))
    try:
        return HttpConfig(**{str(key): value for key, value in data.items()})
    except ValidationError as error:
        problems = (_problem(e, lines) for e in error.errors(include_input=False, include_url=False))
        raise refused(Joined(problems)) from None


def _problem(error: Mapping[str, Any], lines: yaml.Node | None) -> Message:
    way = ["json" if part == "json_" else str(part) for part in error["loc"]]
    place = ".".join(way)
    if error["type"] == "missing":
        return Message("`{name}` is missing", name=place)
    why = what_is_wrong(error)
    if not place:
        return why
    line = _line(lines, way)
    if line is None:
        return Message("`{name}`: {why}", name=place, why=why)
    return Message("`{name}`: {why} (line {n})", name=place, why=why, n=line)


def _line(node: yaml.Node | None, way: Sequence[str]) -> int | None:
    """The line of the key at the end of *way*, or of as much of it as the file writes; None = of none."""
    line = None
    for part in way:
        pairs = node.value if isinstance(node, yaml.MappingNode) else ()
        found = next(((key, value) for key, value in pairs if key.value == part), None)
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line


def _find(path: str, folder: Path | None) -> Path:
    """Where *path* is: in the folder, or in one above it up to the project's root."""
    start = folder or start_folder()
    root = project_root(start) or start
    for place in (start, *start.parents):
        found = place / Path(path).expanduser()
        if found.is_file() or place == root:
            break
    return found if found.is_file() else start / path


class _Plain(yaml.SafeLoader):
    """YAML with only the obvious conversions: ``000000``, ``on`` and ``12:30`` stay text; no key twice."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """A mapping as it stands: the last of two equal keys does not win, it is an error."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                problem = Message("`{name}` is given twice", name=key.value)
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Plain.yaml_implicit_resolvers = {}
for _kind, _spelling, _starts in (
    ("bool", "true|false", ["t", "f"]),
    ("null", "null|~|", ["n", "~", ""]),
    ("int", "-?(0|[1-9][0-9]*)", list("-0123456789")),
    ("float", r"-?(0|[1-9][0-9]*)\.[0-9]+", list("-0123456789")),
    ("merge", "<<", ["<"]),
):
    _Plain.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"^(?:{_spelling})$"), _starts)
