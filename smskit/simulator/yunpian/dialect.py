"""
What all Yunpian methods share: who is calling, errors, numbers, times, paging.

Order of checks: dossier section 17, steps 1 to 3; the rest is each method's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import orjson

from smskit.simulator.accounts import Account
from smskit.simulator.book import is_mainland
from smskit.simulator.core import World
from smskit.simulator.wire import Answer, Form, Request
from smskit.simulator.yunpian.codes import Refusal

# Naive times are Beijing's. A fixed offset, since China has kept no summer time since 1991.
BEIJING = timezone(timedelta(hours=8))

_TIME = "%Y-%m-%d %H:%M:%S"
_APIKEY = re.compile(r"[0-9a-fA-F]{32}")
_FORM_TYPE = b"application/x-www-form-urlencoded"
_ACCEPTABLE = (b"*/*", b"application/json", b"application/*")


class Call:
    """
    One call that got past the door: its account and its fields.

    Raises:
        Refusal: From every method that reads a field, when it is missing (1) or malformed (2).
    """

    __slots__ = ("account", "form", "request", "world")

    def __init__(self, world: World, request: Request, account: Account, form: Form) -> None:
        self.world = world
        self.request = request
        self.account = account
        self.form = form

    def need(self, name: str) -> str:
        """Return a field that must be there and not be empty."""
        value = self.form.text(name)
        if not value:
            raise missing(name)
        return value

    def optional(self, name: str) -> str:
        """Return a field, or ""."""
        return self.form.text(name) or ""

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a boolean field; ``true`` and ``false`` are its only values."""
        value = self.optional(name)
        if value not in ("", "true", "false"):
            raise malformed(name, value)
        return default if not value else value == "true"

    def number(self, name: str, *, default: int, low: int, high: int) -> int:
        """Return a whole number field within its range, or *default* when it is absent."""
        value = self.optional(name)
        if not value:
            return default
        # The documents name a maximum and not what happens beyond it; a refusal is the louder choice.
        if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
            raise malformed(name, value)
        return int(value)

    def time(self, name: str, default: float | None = None) -> float:
        """Return a time field as epoch seconds; without a default it must be there."""
        value = self.optional(name)
        if not value:
            if default is None:
                raise missing(name)
            return default
        return parse_time(name, value, _TIME)


Handler = Callable[[Call], Answer]


class Yunpian:
    """The dialect: opens the door to a call, and words every refusal."""

    provider = "yunpian"

    def __init__(self, world: World) -> None:
        self._world = world

    def answer(self, request: Request, name: str, handler: Handler) -> Answer:
        """Return what *handler* answers, or the refusal it, or the door, raised."""
        try:
            return handler(self._admit(request, name))
        except Refusal as refusal:
            return Answer(orjson.dumps(refusal.body()), refusal.status)

    def refuse(self, code: str) -> Answer:
        """Return the error object for *code*, as a whole call gets it."""
        refusal = Refusal(int(code))
        return Answer(orjson.dumps(refusal.body()), refusal.status)

    def throttled(self) -> Answer:
        """Return code -5, calls too fast."""
        return self.refuse("-5")

    def size(self, request: Request) -> int:
        """Return how many numbers a call names."""
        mobiles = Form(request.body).data("mobile")
        return mobiles.count(b",") + 1 if mobiles else 0

    def _admit(self, request: Request, name: str) -> Call:
        if request.scope["method"] != "POST":
            raise Refusal(11, "接口不支持GET方式调用", status=405)
        content_type = accept = b""
        for key, value in request.scope["headers"]:
            if key == b"content-type":
                content_type = value
            elif key == b"accept":
                accept = value
        if content_type.partition(b";")[0].strip().lower() != _FORM_TYPE:
            raise Refusal(-7, "Content-Type 须为 application/x-www-form-urlencoded", status=415)
        if accept and not any(kind in accept for kind in _ACCEPTABLE):
            raise Refusal(-7, "Accept 须为 application/json", status=406)

        form = Form(request.body)
        apikey = form.text("apikey")
        if not apikey:
            raise missing("apikey")
        world = self._world
        account = world.account(self.provider, apikey, plausible=_APIKEY.fullmatch(apikey) is not None)
        if account is None:
            raise Refusal(-1)
        settings = account.settings
        if settings.allowed_ips and request.client not in settings.allowed_ips:
            raise Refusal(-3, f"IP {request.client}未加入白名单,可在后台‘系统设置->IP白名单设置’里添加")
        if name in settings.denied:
            raise Refusal(-2)
        now = world.clock()
        if account.too_fast(now):
            raise Refusal(-5)
        account.review(now)
        return Call(world, request, account, form)


def missing(name: str) -> Refusal:
    """Return the refusal of a call without the field *name*."""
    return Refusal(1, f"参数 {name} 必须传入")


def malformed(name: str, value: str) -> Refusal:
    """Return the refusal of a call whose field *name* holds *value*."""
    return Refusal(2, f"参数 {name} 格式不正确，{name}:{value}")


def parse_time(name: str, value: str, form: str) -> float:
    """Return a Beijing time as epoch seconds."""
    try:
        return datetime.strptime(value, form).replace(tzinfo=BEIJING).timestamp()
    except ValueError:
        raise malformed(name, value) from None


def show_time(at: float) -> str:
    """Return epoch seconds as Yunpian prints times."""
    return datetime.fromtimestamp(at, BEIJING).strftime(_TIME)


def phone_in(mobile: str) -> int | None:
    """
    Return a number as E.164 digits, or None when Yunpian does not take it for one.

    Without ``+`` it is a mainland number of 11 digits; so a bare 86 prefix is
    malformed, while ``+86`` is fine.
    """
    digits = mobile[1:] if mobile.startswith("+") else "86" + mobile
    if not digits.isascii() or not digits.isdigit() or digits[0] == "0":
        return None
    number = int(digits)
    if digits.startswith("86"):
        return number if is_mainland(number) else None
    return number if mobile[0] == "+" and 7 <= len(digits) <= 15 else None


def show_phone(phone: int) -> str:
    """Return a number as Yunpian prints it: mainland without prefix, others with ``+``."""
    digits = str(phone)
    return digits[2:] if is_mainland(phone) else "+" + digits


def answer(value: object) -> Answer:
    """Return a successful answer holding *value*."""
    return Answer(orjson.dumps(value))
