"""
The configuration file on answers: where each says how it went, and what its codes mean.

Also the kinds of values that all of the file is made of.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    model_validator,
)

from smskit.errors import suggest
from smskit.i18n import Joined, Message
from smskit.models import About, Code, CodeClass
from smskit.providers.generic.pattern import Pattern, compiled


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
TimeForm = Annotated[str, AfterValidator(_time_form)]
OnePattern = Annotated[Pattern, PlainValidator(_pattern)]
Patterns = Annotated[dict[str, Any], AfterValidator(compiled)]
_Words = Annotated[list[str], BeforeValidator(_words)]


class Block(BaseModel):
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


class Entry(Block):
    """One code of the SSP. The file may give the meaning alone."""

    meaning: str = Field(min_length=1)
    next_step: str = ""
    about: Literal["number", "text", "request"] = "number"
    retry_after_s: float | None = Field(default=None, ge=0)


_Entries = Annotated[dict[str, Entry], BeforeValidator(_entries)]


class Codes(Block):
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


class Reading(Block):
    """Where an answer says how it went. Paths are dotted; a number counts as the text it is written as."""

    code: _Path = ""
    detail: _Path = ""
    codes: Codes = Codes()  # before the general ones


class SubmitRow(Block):
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


class ReportRow(Block):
    """One delivery report."""

    id: _Path
    phone: _Path
    status: _Path
    detail: _Path = ""
    at: _Path = ""


class Reports(Block):
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
    time_format: TimeForm | None = None


class ReportReading(Reports, Reading):
    """A page of delivery reports that was asked for."""


class PushedReports(Reports):
    """A page of delivery reports that is pushed: a list, or one report alone."""

    rows: _Path = "."


class ReplyRow(Block):
    """One reply; without an id of its own it is known by who wrote what, and when."""

    phone: _Path
    text: _Path
    id: _Path = ""
    at: _Path = ""


class PushedReplies(Block):
    """A page of replies that is pushed: a list, or one reply alone."""

    rows: _Path = "."
    row: ReplyRow
    time_format: TimeForm | None = None


class Pushes(Block):
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


class RecordRow(Block):
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
