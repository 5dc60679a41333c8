"""
What all Tencent actions share: who is calling, fields and their types, numbers, the envelope.

An account registered without a ``secret`` has its SecretId as SecretKey, so
that signatures are checked there too. What an account shows in the console is
its ``profile``: ``parameter_length`` (longest value of a variable),
``app_day`` (messages a day), ``content_type`` (that of its answers).
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import orjson

from smskit.simulator.accounts import Account
from smskit.simulator.book import is_mainland
from smskit.simulator.core import World
from smskit.simulator.tencent import signing
from smskit.simulator.tencent.codes import Refusal
from smskit.simulator.wire import Answer, Request, as_text

VERSION = "2021-01-11"

# The official SDK looks for an error only behind exactly this.
JSON = "application/json"

# Days and times without a zone are Beijing's. A fixed offset: China has had no summer time since 1991.
BEIJING = timezone(timedelta(hours=8))

_SECRET_ID = re.compile(r"[0-9A-Za-z_-]{8,128}")
_REGION = re.compile(r"[a-z]{2,3}-[a-z]+(-[a-z0-9]+)*")
_MAINLAND = re.compile(r"(?:\+86|0086|86)?(1[3-9][0-9]{9})")
_ABROAD = re.compile(r"(?:\+|00)([1-9][0-9]{6,14})")

_TYPES: dict[str, Callable[[Any], bool]] = {
    "text": lambda v: isinstance(v, str),
    "whole": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "texts": lambda v: isinstance(v, list) and all(isinstance(i, str) for i in v),
    "wholes": lambda v: isinstance(v, list) and all(isinstance(i, int) and i >= 0 for i in v),
    "objects": lambda v: isinstance(v, list) and all(isinstance(i, dict) for i in v),
}


class Call:
    """
    One call that got past the door: its account and its fields.

    Raises:
        Refusal: From every method that reads a field, when it is missing or out of range.
    """

    __slots__ = ("account", "fields", "request", "world")

    def __init__(self, world: World, request: Request, account: Account, fields: dict[str, Any]) -> None:
        self.world = world
        self.request = request
        self.account = account
        self.fields = fields

    def need(self, name: str) -> Any:
        """Return a field that must be there and not be an empty text."""
        value = self.fields.get(name)
        if value is None or value == "":
            raise Refusal("MissingParameter", f"{name} is missing")
        return value

    def number(self, name: str, low: int, high: int) -> int:
        """Return a Limit or Offset that must be there and within its range."""
        value = int(self.need(name))
        if not low <= value <= high:
            raise Refusal(f"InvalidParameterValue.{name}VerifyFail")
        return value

    def app(self) -> str:
        """Return the SmsSdkAppId, which must be the account's where it has one."""
        value = str(self.need("SmsSdkAppId"))
        if self.account.settings.app_id not in ("", value):
            raise Refusal("UnauthorizedOperation.SmsSdkAppIdVerifyFail")
        return value


Handler = Callable[[Call], Answer]
Fields = Mapping[str, str]  # name -> key of `_TYPES`


class Tencent:
    """The dialect: opens the door to a call, and words every refusal."""

    provider = "tencent"

    def __init__(self, world: World) -> None:
        self._world = world

    def answer(self, request: Request, action: str, handler: Handler, fields: Fields) -> Answer:
        """Return what *handler* answers, or the refusal it, or the door, raised."""
        content_type = JSON
        try:
            call = self._admit(request, action, fields)
            content_type = call.account.profile.get("content_type", JSON)
            answer = handler(call)
        except Refusal as refusal:
            answer = _refused(refusal)
        return answer._replace(content_type=content_type.encode())

    def refuse(self, code: str) -> Answer:
        """Return the error for *code*, as a whole call gets it."""
        return _refused(Refusal(code))

    def throttled(self) -> Answer:
        """Return the error for calling too fast."""
        return self.refuse("RequestLimitExceeded")

    def size(self, request: Request) -> int:
        """Return how many numbers a call names."""
        try:
            fields = orjson.loads(request.body)
            return len(fields.get("PhoneNumberSet") or fields.get("MultiSmsInfoSet") or ())
        except (orjson.JSONDecodeError, AttributeError, TypeError):
            return 0

    def _admit(self, request: Request, action: str, fields: Fields) -> Call:
        headers = {name.decode("latin-1"): as_text(value) for name, value in request.scope["headers"]}
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if request.scope["method"] != "POST" or kind != JSON:
            raise Refusal("UnsupportedProtocol")
        for name in ("x-tc-version", "x-tc-region"):
            if not headers.get(name):
                raise Refusal("MissingParameter", f"the header {name} is missing")
        if headers["x-tc-version"] != VERSION:
            raise Refusal("NoSuchVersion")
        if _REGION.fullmatch(headers["x-tc-region"]) is None:
            raise Refusal("UnsupportedRegion")
        account = self._signed_by(headers, request.body)
        settings = account.settings
        if settings.allowed_ips and request.client not in settings.allowed_ips:
            raise Refusal("UnauthorizedOperation.RequestIpNotInWhitelist")
        if action in settings.denied:
            raise Refusal("UnauthorizedOperation.RequestPermissionDeny")
        now = self._world.clock()
        if account.too_fast(now):
            raise Refusal("RequestLimitExceeded")
        account.review(now)
        return Call(self._world, request, account, read_fields(request.body, fields))

    def _signed_by(self, headers: Mapping[str, str], body: bytes) -> Account:
        claim = signing.read(headers.get("authorization"))
        plausible = _SECRET_ID.fullmatch(claim.secret_id) is not None
        account = self._world.account(self.provider, claim.secret_id, plausible=plausible)
        if account is None:
            raise Refusal("AuthFailure.SecretIdNotFound")
        date, key = account.memo.get("tc3", ("", b""))
        if date != claim.date:
            key = signing.key_of(account.settings.secret or account.credential, claim.date)
            account.memo["tc3"] = (claim.date, key)
        signing.verify(claim, headers, body, key=key, now=self._world.clock())
        return account


def read_fields(body: bytes, known: Fields) -> dict[str, Any]:
    """Return the fields of a body: a JSON object, every name known, every value of its type."""
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refusal("FailedOperation.JsonParseFail") from None
    if not isinstance(fields, dict):
        raise Refusal("FailedOperation.JsonParseFail")
    check_fields(fields, known)
    return fields


def check_fields(fields: Mapping[str, Any], known: Fields) -> None:
    """Refuse a name that is not known, or a value of another type."""
    for name, value in fields.items():
        kind = known.get(name)
        if kind is None:
            raise Refusal("UnknownParameter", f"{name} is not known")
        if value is not None and not _TYPES[kind](value):
            raise Refusal("InvalidParameter", f"{name} is of the wrong type")


def envelope(content: Mapping[str, Any]) -> bytes:
    """Return *content* as the body of an answer."""
    return orjson.dumps({"Response": {**content, "RequestId": request_id()}})


def request_id() -> str:
    """Return what identifies one answer."""
    return str(uuid.uuid4())


def answer(**content: Any) -> Answer:
    """Return a good answer holding *content*."""
    return Answer(envelope(content))


def _refused(refusal: Refusal) -> Answer:
    error = {"Code": refusal.code, "Message": refusal.message}
    return Answer(envelope({"Error": error}), content_type=JSON.encode())


def phone_in(text: str) -> int | None:
    """
    Return a number as E.164 digits, or None when Tencent does not take it for one.

    Mainland numbers may come with +86, 0086, 86 or nothing in front.
    """
    if match := _MAINLAND.fullmatch(text):
        return int("86" + match[1])
    match = _ABROAD.fullmatch(text)
    return int(match[1]) if match and not match[1].startswith("86") else None


def split_phone(phone: int) -> tuple[str, str]:
    """Return country code and the rest; abroad the code's length is not looked up, so all is the rest."""
    digits = str(phone)
    return (digits[:2], digits[2:]) if is_mainland(phone) else ("", digits)


def serial_no(sid: int) -> str:
    """Return a message's id as Tencent writes ids."""
    return f"2640:{sid}"


def day_start(at: float) -> float:
    """Return when the day of *at* began in Beijing, as epoch seconds."""
    return datetime.fromtimestamp(at, BEIJING).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
