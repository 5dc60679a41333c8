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
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from smskit.errors import InputError
from smskit.simulator.book import Book, Shelf
from smskit.simulator.faults import Seconds, problems_of

OPEN_BALANCE = Decimal(1_000_000)
ANY_CREDENTIAL = "*"  # stands for whatever plausible credential somebody brings


class Review(StrEnum):
    """Where a signature or template is in the provider's review; each dialect has its own words for these."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int) else value


Text = Annotated[str, BeforeValidator(_text)]  # or a whole number


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=True)


class _Reviewed(_Strict):
    state: Review = Review.APPROVED
    remark: str = ""  # the reviewer's reason
    at: float = 0.0  # submitted for review, epoch seconds
    extra: dict[str, Any] = {}  # what only one provider keeps


class Signature(_Reviewed):
    """A signature (签名), without brackets, and its review."""

    name: str = Field(min_length=1)


class Template(_Reviewed):
    """A template (模板) in the provider's own placeholder form, and its review."""

    id: Text = Field(min_length=1)
    content: str = Field(min_length=1)
    kind: Literal["verification", "notification", "marketing"] = "notification"
    region: Literal["domestic", "abroad", "global"] = "domestic"


E = TypeVar("E", Signature, Template)


def approved(entries: Mapping[str, E] | None, key: str) -> E | None:
    """The signature or template of that name or id, if it passed its review."""
    entry = (entries or {}).get(key)
    return entry if entry is not None and entry.state is Review.APPROVED else None


Most = Annotated[int, Field(ge=0)] | None


class Limits(_Strict):
    """
    Messages one phone may get, over rolling windows; None leaves the provider's default, 0 switches off.

    "code" means verification codes; "same" means the identical text.
    """

    same_30s: Most = None
    same_5min: Most = None
    same_day: Most = None
    code_30s: Most = None
    code_hour: Most = None
    code_day: Most = None
    any_minute: Most = None
    any_hour: Most = None
    any_day: Most = None

    def over(self, defaults: Limits) -> Limits:
        """Return these limits, with *defaults* where this says nothing."""
        return Limits.model_validate(defaults.model_dump() | self.model_dump(exclude_none=True))


def _signature(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class AccountSettings(_Strict):
    """What one account is; the fields of ``POST /_simulator/account``."""

    secret: str = Field(default="", repr=False)  # the second half of a credential, where a provider has one
    app_id: str = ""  # the application, where a provider has one
    balance: Decimal = OPEN_BALANCE
    price: Decimal = Decimal("0.05")  # yuan for one part
    signatures: list[Annotated[Signature, BeforeValidator(_signature)]] | None = None  # None: not checked
    templates: list[Template] | None = None  # likewise
    allowed_ips: list[str] = []  # source addresses that may call; empty means all
    black_words: list[str] = []  # a text holding one is refused
    black_numbers: list[str] = []  # phones that are refused, in any usual form
    number_codes: dict[str, Text] = {}  # phone suffix -> the provider's code such a number is refused with
    denied: list[str] = []  # endpoints this account may not use
    multi_send: bool = True  # whether one call may carry different texts (Yunpian: else code -6)
    requests_per_second: int = Field(default=0, ge=0)  # more get the provider's rate code; 0 is no limit
    limits: Limits = Limits()
    pull: bool = True  # whether receipts and replies wait to be fetched
    receipt_url: str = ""  # where they are pushed instead; loopback only
    reply_url: str = ""
    push_encoded_twice: bool = False  # url-encoded once more than needed, as some accounts see pushes
    echo_uid: bool = False  # whether the caller's own id comes back in receipts and records
    record_lag_s: Seconds = 0.0  # an accepted message shows in records only after this long
    review_s: Seconds = 0.0  # what is submitted for review is approved after this long
    abroad: bool = True  # whether phones outside the mainland are served
    send_hours: tuple[int, int] | None = None  # [from, to) in which messages are accepted; None is always
    block_opt_outs: bool = False  # whether a reply with opt-out wording puts the phone on the black list
    profile: dict[str, Any] = {}  # what the account page says, in the provider's own field names

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
    return int(f"86{text}" if len(text) == 11 and not text.startswith("+") else text)


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
        self.black_numbers = set(map(digits_of, settings.black_numbers))
        self.profile = dict(settings.profile)
        self.memo.clear()

    @property
    def book(self) -> Book:
        return self.shelf.book

    @property
    def ref(self) -> str:
        """What stands for this account where its key must not be written."""
        return reference(self.credential)

    def black_word_in(self, texts: Iterable[str]) -> str:
        """The first word of the black list that one of *texts* holds; "" when none does."""
        words = self.settings.black_words
        return next((word for text in texts for word in words if word in text), "")

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
        for entry in (*(self.signatures or {}).values(), *(self.templates or {}).values()):
            if entry.state is Review.PENDING and now >= entry.at + self.settings.review_s:
                entry.state = Review.APPROVED
                self.memo.clear()
