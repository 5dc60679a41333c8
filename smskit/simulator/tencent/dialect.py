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
from typing import Any, ClassVar

import orjson

from smskit.simulator.accounts import Account
from smskit.simulator.book import is_mainland
from smskit.simulator.core import World
from smskit.simulator.dialect import Call as AnyCall
from smskit.simulator.dialect import Dialect, Refusal, china_time, words
from smskit.simulator.tencent import signing
from smskit.simulator.wire import Answer, Request, json_object

PROVIDER = "tencent"
VERSION = "2021-01-11"

# The official SDK looks for an error only behind exactly this.
JSON = "application/json"

_SECRET_ID = re.compile(r"[0-9A-Za-z_-]{8,128}")
_REGION = re.compile(r"[a-z]{2,3}-[a-z]+(-[a-z0-9]+)*")
_MAINLAND = re.compile(r"(?:\+86|0086|86)?(1[3-9][0-9]{9})")
_ABROAD = re.compile(r"(?:\+|00)([1-9][0-9]{6,14})")

_TYPES: dict[str, Callable[[Any], bool]] = {
    "text": lambda v: isinstance(v, str),
    "whole": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "texts": lambda v: isinstance(v, list) and all(isinstance(i, str) for i in v),
    "wholes": lambda v: isinstance(v, list) and all(isinstance(i, int) and i >= 0 for i in v),
}


class Call(AnyCall):
    """One call that was let in."""

    def missing(self, name: str) -> Refusal:
        return Refusal("MissingParameter", f"{name} is missing")

    def within(self, name: str, low: int, high: int) -> int:
        """A Limit or Offset that must be there and within its range."""
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


def fields_of(**names: str) -> Fields:
    """The fields of an action, from their names (in one text) by type."""
    return {name: kind for kind, listed in names.items() for name in listed.split()}


class Tencent(Dialect[Call]):
    """
    Checks who is calling, and words every refusal.

    Args:
        actions: Action -> the fields it knows, and their types.
    """

    provider: ClassVar[str] = PROVIDER
    too_fast: ClassVar[str] = "RequestLimitExceeded"
    not_there: ClassVar[str] = "InvalidAction"

    def __init__(self, world: World, actions: Mapping[str, Fields]) -> None:
        super().__init__(world)
        self._actions = actions

    def refused(self, refusal: Refusal) -> Answer:
        """The error at the top of an answer."""
        message = refusal.message or words(PROVIDER, refusal.code)
        return answer(Error={"Code": refusal.code, "Message": message})

    def size(self, request: Request) -> int:
        """How many numbers a call names."""
        numbers = json_object(request.body).get("PhoneNumberSet")
        return len(numbers) if isinstance(numbers, list) else 0

    def admit(self, request: Request, name: str) -> Call:
        """Who is calling: whose signature it is."""
        headers = request.headers
        if request.method != "POST" or request.media_type != JSON:
            raise Refusal("UnsupportedProtocol")
        for header in ("x-tc-version", "x-tc-region"):
            if not headers.get(header):
                raise Refusal("MissingParameter", f"the header {header} is missing")
        if headers["x-tc-version"] != VERSION:
            raise Refusal("NoSuchVersion")
        if _REGION.fullmatch(headers["x-tc-region"]) is None:
            raise Refusal("UnsupportedRegion")
        account = self._signed_by(headers, request.body)
        self.permit(
            request,
            account,
            name,
            address="UnauthorizedOperation.RequestIpNotInWhitelist",
            denied="UnauthorizedOperation.RequestPermissionDeny",
            fast=self.too_fast,
        )
        return Call(self.world, request, account, read_fields(request.body, self._actions[name]))

    def answer(self, request: Request, name: str, handler: Handler) -> Answer:
        """As any; an account may be shown another content type, as some gateways add a charset."""
        kind = JSON

        def noting(call: Call) -> Answer:
            nonlocal kind
            kind = call.account.profile.get("content_type", JSON)
            return handler(call)

        return super().answer(request, name, noting)._replace(content_type=kind.encode())

    def _signed_by(self, headers: Mapping[str, str], body: bytes) -> Account:
        claim = signing.read(headers.get("authorization"))
        plausible = _SECRET_ID.fullmatch(claim.secret_id) is not None
        account = self.world.account(PROVIDER, claim.secret_id, plausible=plausible)
        if account is None:
            raise Refusal("AuthFailure.SecretIdNotFound")
        date, key = account.memo.get("tc3", ("", b""))
        if date != claim.date:
            key = signing.key_of(account.settings.secret or account.credential, claim.date)
            account.memo["tc3"] = (claim.date, key)
        signing.verify(claim, headers, body, key=key, now=self.world.clock())
        return account


def read_fields(body: bytes, known: Fields) -> dict[str, Any]:
    """The fields of a body: a JSON object, every name known, every value of its type."""
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refusal("FailedOperation.JsonParseFail") from None
    if not isinstance(fields, dict):
        raise Refusal("FailedOperation.JsonParseFail")
    for name, value in fields.items():
        if name not in known:
            raise Refusal("UnknownParameter", f"{name} is not known")
        if value is not None and not _TYPES[known[name]](value):
            raise Refusal("InvalidParameter", f"{name} is of the wrong type")
    return fields


def answer(**content: Any) -> Answer:
    """An answer holding *content*."""
    body = orjson.dumps({"Response": {**content, "RequestId": str(uuid.uuid4())}})
    return Answer(body, content_type=JSON.encode())


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
    return china_time(at).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
