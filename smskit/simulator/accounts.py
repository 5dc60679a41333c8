"""
The accounts a simulated provider knows: credentials, money, signatures, templates, switches.

An account where no signatures (or no templates) are registered does not check
them; registering the first one makes that check strict, as the real one is.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from smskit.errors import InputError
from smskit.simulator.book import Book, Shelf
from smskit.simulator.faults import problems_of

OPEN_BALANCE = Decimal(1_000_000)
ANY_CREDENTIAL = "*"  # stands for whatever plausible credential somebody brings


class Review(StrEnum):
    """Where a signature or template is in the provider's review; each dialect has its own words for these."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"


E = TypeVar("E", "Signature", "Template")


def approved(entries: Mapping[str, E] | None, key: str) -> E | None:
    """The signature or template of that name or id, if it passed its review."""
    entry = (entries or {}).get(key)
    return entry if entry is not None and entry.state is Review.APPROVED else None


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=True)


class Signature(_Strict):
    """A signature (签名), without brackets, and its review."""

    name: str = Field(min_length=1)
    state: Review = Review.APPROVED
    remark: str = ""  # the reviewer's reason
    at: float = 0.0  # submitted for review, epoch seconds
    extra: dict[str, Any] = Field(default_factory=dict)  # what only one provider keeps


class Template(_Strict):
    """A template (模板) in the provider's own placeholder form, and its review."""

    id: str = Field(min_length=1)
    content: str = Field(min_length=1)
    state: Review = Review.APPROVED
    kind: Literal["verification", "notification", "marketing"] = "notification"
    region: Literal["domestic", "abroad", "global"] = "domestic"
    remark: str = ""
    at: float = 0.0
    extra: dict[str, Any] = Field(default_factory=dict)

    @field_validator("id", mode="before")
    @classmethod
    def _id_as_text(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) else value


class Limits(_Strict):
    """
    Messages one phone may get, over rolling windows; None leaves the provider's default, 0 switches off.

    "code" means verification codes; "same" means the identical text.
    """

    same_30s: int | None = Field(default=None, ge=0)
    same_5min: int | None = Field(default=None, ge=0)
    same_day: int | None = Field(default=None, ge=0)
    code_30s: int | None = Field(default=None, ge=0)
    code_hour: int | None = Field(default=None, ge=0)
    code_day: int | None = Field(default=None, ge=0)
    any_minute: int | None = Field(default=None, ge=0)
    any_hour: int | None = Field(default=None, ge=0)
    any_day: int | None = Field(default=None, ge=0)

    def over(self, defaults: Limits) -> Limits:
        """Return these limits, with *defaults* where this says nothing."""
        return Limits.model_validate(defaults.model_dump() | self.model_dump(exclude_none=True))


class AccountSettings(_Strict):
    """
    What one account is; the fields of ``POST /_simulator/account``.

    Args:
        secret: The second half of a credential, where a provider has one.
        app_id: The application, where a provider has one.
        price: Yuan for one part.
        signatures: Names, or entries with a state; None means not checked.
        templates: None means not checked.
        allowed_ips: Source addresses that may call; empty means all.
        black_words: A text holding one is refused.
        black_numbers: Phones that are refused, in any usual form.
        number_codes: Phone suffix -> the provider's code such a number is refused with.
        denied: Endpoints this account may not use.
        multi_send: Whether one call may carry different texts (Yunpian: else code -6).
        requests_per_second: More calls get the provider's rate code; 0 is no limit.
        pull: Whether receipts and replies wait to be fetched.
        receipt_url, reply_url: Where they are pushed instead; loopback only.
        push_encoded_twice: Pushed JSON is url-encoded once more than needed, as some accounts see it.
        echo_uid: Whether the caller's own id comes back in receipts and records.
        record_lag_s: An accepted message shows in records only after this long.
        review_s: What is submitted for review is approved after this long.
        abroad: Whether phones outside the mainland are served.
        send_hours: [from, to) in local hours outside which nothing is accepted; None is always.
        block_opt_outs: Whether a reply with opt-out wording puts the phone on the black list.
        profile: What the account page says, in the provider's own field names.
    """

    secret: str = Field(default="", repr=False)
    app_id: str = ""
    balance: Decimal = OPEN_BALANCE
    price: Decimal = Decimal("0.05")
    signatures: list[Signature] | None = None
    templates: list[Template] | None = None
    allowed_ips: list[str] = []
    black_words: list[str] = []
    black_numbers: list[str] = []
    number_codes: dict[str, str] = {}
    denied: list[str] = []
    multi_send: bool = True
    requests_per_second: int = Field(default=0, ge=0)
    limits: Limits = Limits()
    pull: bool = True
    receipt_url: str = ""
    reply_url: str = ""
    push_encoded_twice: bool = False
    echo_uid: bool = False
    record_lag_s: float = Field(default=0.0, ge=0)
    review_s: float = Field(default=0.0, ge=0)
    abroad: bool = True
    send_hours: tuple[int, int] | None = None
    block_opt_outs: bool = False
    profile: dict[str, Any] = {}

    @field_validator("signatures", mode="before")
    @classmethod
    def _names_alone(cls, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [{"name": v} if isinstance(v, str) else v for v in value]
        return value

    @field_validator("number_codes", mode="before")
    @classmethod
    def _codes_as_text(cls, value: Any) -> Any:
        return {k: str(v) for k, v in value.items()} if isinstance(value, dict) else value

    @classmethod
    def parse(cls, data: dict[str, Any]) -> AccountSettings:
        """Return the settings in *data*; raises InputError naming what is wrong."""
        try:
            return cls.model_validate(data)
        except ValidationError as exc:
            raise InputError("account: {why}", why=problems_of(exc)) from None


def reference(credential: str) -> str:
    """Return what stands for *credential* in files: a digest, since it may be a person's real key."""
    return hashlib.sha256(credential.encode()).hexdigest()[:16]


def digits_of(phone: str) -> int:
    """Return a phone as E.164 digits: ``13800000000``, ``+8613800000000`` -> 8613800000000."""
    text = phone.strip()
    if text.startswith("+"):
        return int(text[1:])
    number = int(text)
    return number if len(text) != 11 else 86_000_0000_0000 + number


@dataclass(eq=False)
class Account:
    """One account at work: its settings, what is registered on it, its money, what it accepted."""

    provider: str
    credential: str = field(repr=False)
    settings: AccountSettings
    shelf: Shelf
    balance: Decimal = field(init=False)
    signatures: dict[str, Signature] | None = field(init=False)
    templates: dict[str, Template] | None = field(init=False)
    black_numbers: set[int] = field(init=False)
    profile: dict[str, Any] = field(init=False)
    calls: deque[float] = field(default_factory=deque, repr=False)  # times of the last second's calls
    memo: dict[Any, Any] = field(default_factory=dict, repr=False)  # a dialect's derived values

    def __post_init__(self) -> None:
        self.configure(self.settings)

    def configure(self, settings: AccountSettings) -> None:
        """Take *settings* over; what was accepted so far stays."""
        self.settings = settings
        self.balance = settings.balance
        # Copies: reviews change while the simulator runs, the settings they came from must not.
        signatures, templates = settings.signatures, settings.templates
        self.signatures = None if signatures is None else {s.name: s.model_copy() for s in signatures}
        self.templates = None if templates is None else {t.id: t.model_copy() for t in templates}
        self.black_numbers = {digits_of(phone) for phone in settings.black_numbers}
        self.profile = dict(settings.profile)
        self.memo.clear()

    def black_word_in(self, texts: Iterable[str]) -> str:
        """The first word of the black list that one of *texts* holds; "" when none does."""
        words = self.settings.black_words
        return next((word for text in texts for word in words if word in text), "")

    @property
    def book(self) -> Book:
        """What it accepted."""
        return self.shelf.book

    @property
    def ref(self) -> str:
        """What stands for this account where its key must not be written."""
        return reference(self.credential)

    def too_fast(self, now: float) -> bool:
        """Count one call at *now*; whether it is more than the account's calls per second."""
        allowed = self.settings.requests_per_second
        if not allowed:
            return False
        while self.calls and self.calls[0] <= now - 1.0:
            self.calls.popleft()
        if len(self.calls) >= allowed:
            return True
        self.calls.append(now)
        return False

    def review(self, now: float) -> None:
        """Approve what has been under review long enough."""
        entries: list[Signature | Template] = [*(self.signatures or {}).values()]
        entries += (self.templates or {}).values()
        for entry in entries:
            if entry.state is Review.PENDING and now >= entry.at + self.settings.review_s:
                entry.state = Review.APPROVED
                self.memo.clear()
