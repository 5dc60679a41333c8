"""
What all dialects share: calls and their accounts, refusals and how they are worded, numbers, times, limits.

A dialect says who is calling (`Dialect.admit`), words refusals, and has a function from `Call` to `Answer`
for each of its methods. Codes and their words are those of the provider's ``codes.csv``, as in the client.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from functools import cache
from itertools import takewhile
from typing import Any, ClassVar, NamedTuple

from smskit.providers.china import CHINA
from smskit.providers.codes import RECEIPT, CodeRow, carriers_code, code_rows, code_tables
from smskit.simulator.accounts import Account, Limits, Review, Template
from smskit.simulator.book import ReceiptDue, ReplyDue, is_mainland
from smskit.simulator.core import World
from smskit.simulator.wire import Answer, Request

DAY = 86_400.0


@cache
def answers(provider: str) -> Mapping[str, CodeRow]:
    """The codes of a provider's answers."""
    return {row.code: row for row in code_rows(provider) if row.table != RECEIPT}


def words(provider: str, code: str, otherwise: str = "") -> str:
    """What stands beside *code* in an answer; of one nobody documented *otherwise*, or the code."""
    row = answers(provider).get(code)
    return (row.answer or row.meaning_zh) if row else otherwise or code


def receipt_words(provider: str, code: str, otherwise: str) -> str:
    """What stands in a receipt beside *code*, the provider's own or a carrier's."""
    known = code_tables(provider)[RECEIPT].get(code) or carriers_code(code)
    return known.meaning if known else otherwise


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


def refuse(*rules: tuple[object, str | int | Refusal]) -> None:
    """Raise the refusal of the first of *rules*, each (whether it is broken, what with), that is broken."""
    for broken, refusal in rules:
        if broken:
            raise refusal if isinstance(refusal, Refusal) else Refusal(refusal)


class Wording(NamedTuple):
    """How a provider refuses a field, whose {name} and {value} it may tell."""

    code: str
    message: str = ""

    def refusal(self, name: str, value: object = None) -> Refusal:
        return Refusal(*(part.format(name=name, value=value) for part in self))


class NumberCodes(NamedTuple):
    """What a provider refuses a number with."""

    not_served: str  # abroad, where the account sends home only
    home_only: str  # abroad, with a template for home
    abroad_only: str  # at home, with a template for abroad
    black: str


class Dialect(ABC):
    """
    One provider at the wire.

    Args:
        world: Where the accounts are.
    """

    provider: ClassVar[str]
    too_fast: ClassVar[str]  # the code for calling too fast
    not_there: ClassVar[str] = ""  # the code for a method that is not known, where no path tells
    missing: ClassVar[Wording]
    malformed: ClassVar[Wording]
    no_number: ClassVar[Wording]
    home: ClassVar[re.Pattern[str]] = re.compile(r"(1[3-9][0-9]{9})")  # mainland numbers
    abroad: ClassVar[re.Pattern[str] | None] = None  # others, with their country's code
    numbers: ClassVar[NumberCodes]
    limits: ClassVar[Limits]  # of accounts that say nothing else

    def __init__(self, world: World) -> None:
        self.world = world

    @abstractmethod
    def admit(self, request: Request, name: str) -> Call:
        """Who is calling, and with what; raises `Refusal`."""

    @abstractmethod
    def refused(self, refusal: Refusal) -> Answer:
        """The refusal of a whole call, in the provider's words."""

    def answer(self, request: Request, name: str, handler: Callable[[Call], Answer] | None) -> Answer:
        """What *handler* answers, or the refusal that was raised on the way."""
        if handler is None:
            return self.refused_with(self.not_there)
        try:
            return handler(self.admit(request, name))
        except Refusal as refusal:
            return self.refused(refusal)

    def refused_with(self, code: str) -> Answer:
        return self.refused(Refusal(code))

    def phone_in(self, text: str) -> int | None:
        """A number as E.164 digits, or None where the provider does not take it for one."""
        if found := self.home.fullmatch(text):
            return int("86" + found[1])
        found = self.abroad.fullmatch(text) if self.abroad else None
        return int(found[1]) if found and not found[1].startswith("86") else None

    def throttled(self) -> Answer:
        return self.refused_with(self.too_fast)

    def account(self, credential: str, plausible: re.Pattern[str], unknown: str | int) -> Account:
        """The account of a credential, *plausible* where anybody may come; else refused as *unknown*."""
        fits = plausible.fullmatch(credential) is not None
        account = self.world.account(self.provider, credential, plausible=fits)
        if account is None:
            raise Refusal(unknown)
        return account

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


class Call:
    """
    One call that was let in: its account and its fields.

    Raises:
        Refusal: From every method that reads a field, when it is missing or malformed.
    """

    def __init__(
        self, dialect: Dialect, request: Request, account: Account, fields: Mapping[str, Any]
    ) -> None:
        self.dialect = dialect
        self.world = dialect.world
        self.request = request
        self.account = account
        self.fields = fields

    def need(self, name: str, kind: type = str) -> Any:
        """A field that must be there, not be empty, and of that *kind*."""
        value = self.fields.get(name)
        if value is None or value == "":
            raise self.dialect.missing.refusal(name)
        return value if isinstance(value, kind) else self._refuse(name)

    def optional(self, name: str) -> str:
        """A text field, or ""."""
        value = self.fields.get(name)
        return "" if value is None else value if isinstance(value, str) else self._refuse(name)

    def digits(self, name: str, code: str = "") -> str:
        """A text field of digits, or ""; another is refused with *code*, or as malformed."""
        value = self.optional(name)
        if value and not _is_number(value):
            raise Refusal(code) if code else self.dialect.malformed.refusal(name, value)
        return value

    def number(self, name: str, *, low: int, high: int, default: int | None = None) -> int:
        """A whole number within its range, written as digits; without a default it must be there."""
        value: str = self.need(name) if default is None else self.optional(name) or str(default)
        # Documents name a maximum and not what happens beyond it; a refusal is the louder choice.
        return int(value) if _is_number(value) and low <= int(value) <= high else int(self._refuse(name))

    def _refuse(self, name: str) -> Any:
        raise self.dialect.malformed.refusal(name, self.fields.get(name))

    def phone(self, text: str, name: str) -> int:
        """A number, from the field *name*, as E.164 digits."""
        phone = self.dialect.phone_in(text)
        if phone is None:
            raise self.dialect.no_number.refusal(name, text)
        return phone

    def refused(self, phone: int, template: Template | None) -> str:
        """The code a number is refused with, whatever it gets; "" for none."""
        account, codes, abroad = self.account, self.dialect.numbers, not is_mainland(phone)
        region = template.region if template else "global"
        rules = (
            (abroad and not account.settings.abroad, codes.not_served),
            (abroad and region == "domestic", codes.home_only),
            (not abroad and region == "abroad", codes.abroad_only),
            (phone in account.black_numbers, codes.black),
        )
        for broken, code in rules:
            if broken:
                return code
        for end, code in account.settings.number_codes.items():
            if str(phone).endswith(end):
                return code
        return (self.request.item_code and self.request.item_code(phone)) or ""

    def limits(self) -> Limits:
        memo, limits = self.account.memo, self.account.settings.limits
        found: Limits = memo.get("limits") or memo.setdefault("limits", limits.over(self.dialect.limits))
        return found

    def receipts(self, limit: int) -> list[ReceiptDue]:
        """Up to *limit* receipts that wait to be pulled; they are gone then."""
        return self.world.take(self.account, "receipts", limit)

    def replies(self, limit: int) -> list[ReplyDue]:
        """Up to *limit* replies that wait to be pulled; none where they are pushed."""
        return [] if self.account.settings.reply_url else self.world.take(self.account, "replies", limit)

    def is_open(self, hours: tuple[int, int] | None) -> bool:
        """Whether it is within *hours* of the day in Beijing; None is always."""
        return not hours or hours[0] <= china_time(self.world.clock()).hour < hours[1]

    def costs_too_much(self, parts: int) -> bool:
        return self.account.settings.price * parts > self.account.balance


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


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


def national(phone: int, abroad: str = "") -> str:
    """A number as providers print it: mainland without a prefix, others behind *abroad*."""
    return str(phone)[2:] if is_mainland(phone) else f"{abroad}{phone}"


def china_time(at: float) -> datetime:
    """Epoch seconds as a time in Beijing."""
    return datetime.fromtimestamp(at, CHINA)


def show_time(at: float, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """Epoch seconds as providers print times: Beijing's, without a zone."""
    return china_time(at).strftime(form)


def read_time(text: str, form: str, zone: tzinfo = CHINA) -> float | None:
    """A time without a zone as epoch seconds, None when it is not of that form."""
    try:
        return datetime.strptime(text, form).replace(tzinfo=zone).timestamp()
    except ValueError:
        return None


Rule = tuple[str, int | None, Sequence[float], float]


def first_reached(*rules: Rule) -> str:
    """
    The code of the first of *rules* that would be exceeded by one message more; "" for none.

    Args:
        rules: (code, most, times, since): at most so many of *times* may be later than *since*, in epoch
            seconds; 0 or None is no limit.
    """
    reached = (code for code, most, times, since in rules if most and sum(t > since for t in times) >= most)
    return next(reached, "")


def template_of(account: Account, text: str, state: Review, pattern: Callable[[str], str]) -> Template | None:
    """
    The first template in that *state* of review which *text* can be made from, or None.

    Args:
        pattern: Regular expression of a template's content.
    """
    known: Iterable[Template] = (account.templates or {}).values()
    if ("patterns", state) not in account.memo:
        account.memo["patterns", state] = [
            (re.compile(pattern(t.content), re.DOTALL), t) for t in known if t.state is state
        ]
    return next((t for form, t in account.memo["patterns", state] if form.fullmatch(text)), None)
