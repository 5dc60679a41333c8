"""
What all dialects share: calls and their accounts, refusals and how they are worded, times, limits.

A dialect says who is calling (`Dialect.admit`), words refusals, and has a function from `Call` to `Answer`
for each of its methods. Codes and their words are those of the provider's ``codes.csv``, as in the client.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import takewhile
from typing import Any, ClassVar, Generic, TypeVar

from smskit.providers.china import CHINA
from smskit.providers.codes import RECEIPT, CodeRow, carriers_code, code_rows
from smskit.simulator.accounts import Account, Limits
from smskit.simulator.book import ReplyDue, is_mainland
from smskit.simulator.core import World
from smskit.simulator.wire import Answer, Request

DAY = 86_400.0
MOBILE = re.compile(r"1[3-9][0-9]{9}")


def e164_of(digits: str) -> int | None:
    """A number with its country's code in front; None where there is no mobile of such digits."""
    if not (digits.isascii() and digits.isdigit()) or digits[0] == "0":
        return None
    fits = is_mainland(int(digits)) if digits.startswith("86") else 7 <= len(digits) <= 15
    return int(digits) if fits else None


@cache
def answers(provider: str) -> Mapping[str, CodeRow]:
    """The codes of a provider's answers."""
    return {row.code: row for row in code_rows(provider) if row.table != RECEIPT}


def words(provider: str, code: str, otherwise: str = "") -> str:
    """What stands beside *code* in an answer; of one nobody documented *otherwise*, or the code."""
    row = answers(provider).get(code)
    return (row.answer or row.meaning_zh) if row else otherwise or code


@cache
def receipts(provider: str) -> Mapping[str, str]:
    """The codes of a provider's receipts, in its own words."""
    return {row.code: row.meaning_zh for row in code_rows(provider) if row.table == RECEIPT}


def receipt_words(provider: str, code: str, otherwise: str) -> str:
    """What stands in a receipt beside *code*, the provider's own or a carrier's."""
    known = carriers_code(code)
    return receipts(provider).get(code) or (known.meaning if known else otherwise)


class Refusal(Exception):
    """
    A provider says no to a call, or to one number of it.

    Args:
        code: One of `answers`, or one nobody has documented.
        message: The specific cause; "" takes the code's usual words.
        status: The HTTP status; 0 takes the code's usual one.
    """

    def __init__(self, code: str | int, message: str = "", *, status: int = 0) -> None:
        super().__init__(code, message)
        self.code = str(code)
        self.message = message
        self.status = status


def first_broken(*rules: tuple[object, str]) -> str:
    """The code of the first of *rules*, each (whether it is broken, code), that is broken; "" for none."""
    return next((code for broken, code in rules if broken), "")


class Call(ABC):
    """
    One call that was let in: its account and its fields.

    Raises:
        Refusal: From every method that reads a field, when it is missing or malformed.
    """

    def __init__(self, world: World, request: Request, account: Account, fields: Mapping[str, Any]) -> None:
        self.world = world
        self.request = request
        self.account = account
        self.fields = fields

    def need(self, name: str) -> Any:
        """A field that must be there and not be empty."""
        value = self.fields.get(name)
        if value is None or value == "":
            raise self.missing(name)
        return value

    def optional(self, name: str) -> str:
        """A text field, or ""."""
        return self.fields.get(name) or ""

    def digits(self, name: str, refusal: Refusal) -> str:
        """A text field of digits, or ""; another is refused with *refusal*."""
        value = self.optional(name)
        if value and not (value.isascii() and value.isdigit()):
            raise refusal
        return value

    @abstractmethod
    def missing(self, name: str) -> Refusal:
        """The refusal of a call without the field *name*."""

    def forced(self, phone: int) -> str:
        """The code that the account's settings, or a fault, refuse a number with; "" for none."""
        for suffix, code in self.account.settings.number_codes.items():
            if str(phone).endswith(suffix):
                return code
        return (self.request.item_code and self.request.item_code(phone)) or ""

    def limits(self, defaults: Limits) -> Limits:
        """The frequency limits of the account."""
        memo: Limits = self.account.memo.setdefault("limits", self.account.settings.limits.over(defaults))
        return memo

    def replies(self, limit: int) -> list[ReplyDue]:
        """Up to *limit* replies that wait to be pulled; none where they are pushed."""
        return [] if self.account.settings.reply_url else self.world.take_replies(self.account, limit)

    def is_open(self, hours: tuple[int, int] | None) -> bool:
        """Whether it is within *hours* of the day in Beijing; None is always."""
        return not hours or hours[0] <= china_time(self.world.clock()).hour < hours[1]

    def costs_too_much(self, parts: int) -> bool:
        """Whether the account cannot pay for *parts*."""
        return self.account.settings.price * parts > self.account.balance


class FormCall(Call):
    """One whose fields are those of a form: texts, numbers as digits."""

    def number(self, name: str, *, low: int, high: int, default: int | None = None) -> int:
        """A whole number within its range, written as digits; without a default it must be there."""
        value = self.optional(name) if default is not None else self.need(name)
        if not value and default is not None:
            return default
        # Documents name a maximum and not what happens beyond it; a refusal is the louder choice.
        if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
            raise self.malformed(name, value)
        return int(value)

    @abstractmethod
    def malformed(self, name: str, value: str) -> Refusal:
        """The refusal of a call whose field *name* holds *value*."""


C = TypeVar("C", bound=Call)


class Dialect(ABC, Generic[C]):
    """
    One provider at the wire.

    Args:
        world: Where the accounts are.
    """

    provider: ClassVar[str]
    too_fast: ClassVar[str]  # the code for calling too fast
    not_there: ClassVar[str] = ""  # the code for a method that is not known, where no path tells

    def __init__(self, world: World) -> None:
        self.world = world

    @abstractmethod
    def admit(self, request: Request, name: str) -> C:
        """Who is calling, and with what; raises `Refusal`."""

    @abstractmethod
    def refused(self, refusal: Refusal) -> Answer:
        """The refusal of a whole call, in the provider's words."""

    @abstractmethod
    def size(self, request: Request) -> int:
        """How many messages a call asks for, as far as it can be told."""

    def answer(self, request: Request, name: str, handler: Callable[[C], Answer]) -> Answer:
        """What *handler* answers, or the refusal that was raised on the way."""
        try:
            return handler(self.admit(request, name))
        except Refusal as refusal:
            return self.refused(refusal)

    def refuse(self, code: str) -> Answer:
        """The refusal of a whole call with *code*."""
        return self.refused(Refusal(code))

    def throttled(self) -> Answer:
        """The answer to calling too fast."""
        return self.refuse(self.too_fast)

    def permit(self, request: Request, account: Account, name: str, **codes: str | Refusal) -> None:
        """
        Refuse a call for what its account may not do, and review what was handed in.

        Args:
            codes: In the order of the checks, ``address``, ``denied``, ``fast`` -> the refusal.
        """
        settings, now = account.settings, self.world.clock()
        breaks = {
            "address": lambda: bool(settings.allowed_ips) and request.client not in settings.allowed_ips,
            "denied": lambda: name in settings.denied,
            "fast": lambda: account.too_fast(now),
        }
        for check, code in codes.items():
            if breaks[check]():
                raise code if isinstance(code, Refusal) else Refusal(code)
        account.review(now)


class Nonces:
    """What was used once, and may not be used again for *kept_s* seconds."""

    def __init__(self, kept_s: float) -> None:
        self._kept_s = kept_s
        self._used: dict[Hashable, float] = {}  # -> epoch seconds, oldest first

    def spend(self, nonce: Hashable, now: float) -> bool:
        """Whether *nonce* was not used before; it is from now on."""
        for old in [*takewhile(lambda each: self._used[each] < now - self._kept_s, self._used)]:
            del self._used[old]
        if nonce in self._used:
            return False
        self._used[nonce] = now
        return True


def china_time(at: float) -> datetime:
    """Epoch seconds as a time in Beijing."""
    return datetime.fromtimestamp(at, CHINA)


def show_time(at: float, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """Epoch seconds as providers print times: Beijing's, without a zone."""
    return china_time(at).strftime(form)


def read_time(text: str, form: str) -> float | None:
    """A time of Beijing as epoch seconds, None when it is not of that form."""
    try:
        return datetime.strptime(text, form).replace(tzinfo=CHINA).timestamp()
    except ValueError:
        return None


def read_utc(text: str, form: str) -> float | None:
    """A time of UTC as epoch seconds, None when it is not of that form."""
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def first_reached(*rules: tuple[str, int | None, Sequence[float], float]) -> str:
    """
    The code of the first of *rules* that would be exceeded by one message more; "" for none.

    Args:
        rules: (code, most, times, since): at most so many of *times* may be later than *since*, in epoch
            seconds; 0 or None is no limit.
    """
    reached = (code for code, most, times, since in rules if most and sum(t > since for t in times) >= most)
    return next(reached, "")
