"""
What all Tencent actions share: who is calling, fields and their types, numbers, the envelope.

An account registered without a ``secret`` has its SecretId as SecretKey, so
that signatures are checked there too. What an account shows in the console is
its ``profile``: ``parameter_length`` (longest value of a variable),
``app_day`` (messages a day), ``content_type`` (that of its answers).
"""

from __future__ import annotations

import hmac
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import orjson

from smskit.providers.tencent.signing import ALGORITHM, authorization
from smskit.simulator.accounts import Account, Limits
from smskit.simulator.book import is_mainland
from smskit.simulator.core import World
from smskit.simulator.dialect import Call, Dialect, NumberCodes, Refusal, Wording, refuse, words
from smskit.simulator.wire import Answer, Request, json_answer

PROVIDER = "tencent"
VERSION = "2021-01-11"
MOST_SKEW_S = 300

# The official SDK looks for an error only behind exactly this.
JSON = "application/json"

_SECRET_ID = re.compile(r"[0-9A-Za-z_-]{8,128}")
_REGION = re.compile(r"[a-z]{2,3}-[a-z]+(-[a-z0-9]+)*")
_UNSIGNED = "UNSIGNED-PAYLOAD"
_CLAIM = re.compile(
    rf"{ALGORITHM} Credential=([^/,\s]+)/(\d{{4}}-\d\d-\d\d)/sms/tc3_request, ?"
    r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)

_TYPES: dict[str, Callable[[Any], bool]] = {
    "text": lambda v: isinstance(v, str),
    "whole": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "texts": lambda v: isinstance(v, list) and all(isinstance(i, str) for i in v),
    "wholes": lambda v: isinstance(v, list) and all(isinstance(i, int) and i >= 0 for i in v),
}

Fields = Mapping[str, str]  # name -> key of `_TYPES`


def fields_of(**names: str) -> Fields:
    """The fields of an action, from their names (in one text) by type."""
    return {name: kind for kind, listed in names.items() for name in listed.split()}


class Tencent(Dialect):
    """
    Checks who is calling, and words every refusal.

    Args:
        actions: Action -> the fields it knows, and their types.
    """

    provider: ClassVar[str] = PROVIDER
    too_fast: ClassVar[str] = "RequestLimitExceeded"
    not_there: ClassVar[str] = "InvalidAction"
    missing: ClassVar[Wording] = Wording("MissingParameter", "{name} is missing")
    malformed: ClassVar[Wording] = Wording("InvalidParameter", "{name} is malformed")
    no_number: ClassVar[Wording] = Wording("InvalidParameterValue.IncorrectPhoneNumber")
    home: ClassVar[re.Pattern[str]] = re.compile(r"(?:\+86|0086|86)?(1[3-9][0-9]{9})")
    abroad: ClassVar[re.Pattern[str] | None] = re.compile(r"(?:\+|00)([1-9][0-9]{6,14})")
    numbers: ClassVar[NumberCodes] = NumberCodes(
        "UnsupportedOperation.UnsupportedRegion",
        "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone",
        "UnsupportedOperation.GlobalTemplateToChineseMainlandPhone",
        "FailedOperation.PhoneNumberInBlacklist",
    )
    # Dossier section 5. Hour, equal content and application are off until set in the console.
    limits: ClassVar[Limits] = Limits(same_30s=1, same_day=0, any_minute=0, any_hour=0, any_day=10)

    def __init__(self, world: World, actions: Mapping[str, Fields]) -> None:
        super().__init__(world)
        self._actions = actions

    def refused(self, refusal: Refusal) -> Answer:
        """The error at the top of an answer."""
        message = refusal.message or words(PROVIDER, refusal.code)
        return answer(Error={"Code": refusal.code, "Message": message})

    def admit(self, request: Request, name: str) -> Call:
        """Who is calling: whose signature it is."""
        headers = request.headers
        version, region = headers.get("x-tc-version", ""), headers.get("x-tc-region", "")
        refuse(
            (request.method != "POST" or request.media_type != JSON, "UnsupportedProtocol"),
            (not version, self.missing.refusal("the header X-TC-Version")),
            (not region, self.missing.refusal("the header X-TC-Region")),
            (version != VERSION, "NoSuchVersion"),
            (not _REGION.fullmatch(region), "UnsupportedRegion"),
        )
        account = self._signed_by(headers, request.body)
        self.permit(
            request,
            account,
            name,
            address="UnauthorizedOperation.RequestIpNotInWhitelist",
            denied="UnauthorizedOperation.RequestPermissionDeny",
            fast=self.too_fast,
        )
        return Call(self, request, account, read_fields(request.body, self._actions[name]))

    def answer(self, request: Request, name: str, handler: Callable[[Call], Answer] | None) -> Answer:
        """As any; an account may be shown another content type, as some gateways add a charset."""
        answer = super().answer(request, name, handler)
        claim = _CLAIM.fullmatch(request.headers.get("authorization", ""))
        account = self.world.account(PROVIDER, claim[1], plausible=False) if claim else None
        shown = account.profile.get("content_type", JSON) if account else JSON
        return answer._replace(content_type=shown.encode())

    def _signed_by(self, headers: Mapping[str, str], body: bytes) -> Account:
        claim = claim_in(headers)
        account = self.account(claim[1], _SECRET_ID, "AuthFailure.SecretIdNotFound")
        secret = account.settings.secret or account.credential
        verify(claim, headers, body, secret=secret, now=self.world.clock())
        return account


def claim_in(headers: Mapping[str, str]) -> re.Match[str]:
    """What the Authorization header claims; refused when it is missing, malformed, or signs too little."""
    claim = _CLAIM.fullmatch(headers.get("authorization", ""))
    if claim is None or not {"content-type", "host"} <= set(claim[3].split(";")):
        raise Refusal("AuthFailure.InvalidAuthorization")
    return claim


def verify(claim: re.Match[str], headers: Mapping[str, str], body: bytes, *, secret: str, now: float) -> None:
    """
    Return if the request is what the owner of *secret* signed (TC3-HMAC-SHA256), and in time.

    The digest is made anew from the headers that are said to be signed and from
    what arrived, so whatever was changed on the way shows; that it is right, the
    official SDK says, whose requests must pass. Source: dossier section 2.

    Args:
        headers: As they came, names in lower case.
        now: Server time, epoch seconds.

    Raises:
        Refusal: Expired, or another request than the one signed. Which answers a date that is not the UTC
            date of the timestamp is not documented; here it is the second.
    """
    stamp = headers.get("x-tc-timestamp", "")
    if not (stamp.isascii() and stamp.isdigit()):
        raise Refusal("MissingParameter", "X-TC-Timestamp is missing or no number")
    if abs(now - int(stamp)) > MOST_SKEW_S:
        raise Refusal("AuthFailure.SignatureExpire")
    if headers.get("x-tc-content-sha256") == _UNSIGNED:  # the SDK can be told to leave the body out
        body = _UNSIGNED.encode()
    signed = {name: headers.get(name, "") for name in claim[3].split(";")}
    ours = authorization(claim[1], secret, signed, body, timestamp=int(stamp))
    if not hmac.compare_digest(ours.replace(", ", ","), claim[0].replace(", ", ",")):
        raise Refusal("AuthFailure.SignatureFailure")


def read_fields(body: bytes, known: Fields) -> dict[str, Any]:
    """The fields of a body: a JSON object, every name known, every value of its type."""
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        fields = None
    if not isinstance(fields, dict):
        raise Refusal("FailedOperation.JsonParseFail")
    for name, value in fields.items():
        if name not in known:
            raise Refusal("UnknownParameter", f"{name} is not known")
        if value is not None and not _TYPES[known[name]](value):
            raise Refusal("InvalidParameter", f"{name} is of the wrong type")
    return fields


def within(call: Call, name: str, low: int, high: int) -> int:
    """A Limit or Offset that must be there and within its range."""
    value = int(call.need(name, int))
    refuse((not low <= value <= high, f"InvalidParameterValue.{name}VerifyFail"))
    return value


def check_app(call: Call) -> None:
    """Refuse an SmsSdkAppId that is not the account's, where it has one."""
    known = call.account.settings.app_id in ("", call.need("SmsSdkAppId"))
    refuse((not known, "UnauthorizedOperation.SmsSdkAppIdVerifyFail"))


def answer(**content: Any) -> Answer:
    envelope = {"Response": {**content, "RequestId": str(uuid.uuid4())}}
    return json_answer(envelope, content_type=JSON.encode())


def split_phone(phone: int) -> tuple[str, str]:
    """Return country code and the rest; abroad the code's length is not looked up, so all is the rest."""
    digits = str(phone)
    return (digits[:2], digits[2:]) if is_mainland(phone) else ("", digits)


def serial_no(sid: int) -> str:
    return f"2640:{sid}"
