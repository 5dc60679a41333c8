"""
Who is calling, and which action: what stands before all of Aliyun's actions.

Order of checks: dossier section 18, item 1. One path serves everything; the
action is named in a header (ACS3) or in a field (RPC, the older scheme).
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from xml.sax.saxutils import escape

import orjson

from smskit.simulator.accounts import Account
from smskit.simulator.aliyun.codes import Refusal
from smskit.simulator.aliyun.signing import (
    SCHEME,
    Claim,
    acs3_digest,
    acs3_text,
    claim_in,
    equal,
    rpc_digest,
    rpc_text,
)
from smskit.simulator.book import is_mainland
from smskit.simulator.core import World
from smskit.simulator.wire import Answer, Form, Request, Scope, as_text, unquote_form

PROVIDER = "aliyun"
KEY_ID = "LTAI5tSimulatorKey000001"
SECRET = "SimulatorSecret000000000000001"  # noqa: S105 - made up, and printed for whoever wants to try

# A fixed offset, since China has kept no summer time since 1991.
BEIJING = timezone(timedelta(hours=8))

VERSION = "2017-05-25"
_CLOCK_OFF_S = 900.0
_NONCE_KEPT_S = 2 * _CLOCK_OFF_S  # a request may be that old when it comes the first time
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_KEY_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
_FORM_TYPE = b"application/x-www-form-urlencoded"
_XML = b"text/xml;charset=utf-8"
_HOST = "dysmsapi.aliyuncs.com"
_RETRY_AFTER_MS = b"1000"

# The arrays of SendBatchSms are the only fields of the newer scheme that travel in the body.
_IN_FORM = frozenset({"PhoneNumberJson", "SignNameJson", "TemplateParamJson", "SmsUpExtendCodeJson"})


class Call:
    """
    One call that got past the door: its account and its fields.

    Raises:
        Refusal: From `need` and `number`, when a field is missing or malformed.
    """

    __slots__ = ("account", "fields", "request", "world")

    def __init__(self, world: World, request: Request, account: Account, fields: Mapping[str, str]) -> None:
        self.world = world
        self.request = request
        self.account = account
        self.fields = fields

    def need(self, name: str) -> str:
        """Return a field that must be there and not be empty."""
        value = self.fields.get(name, "")
        if not value:
            raise Refusal(f"Missing{name}", f"{name} is mandatory for this action.")
        return value

    def optional(self, name: str) -> str:
        """Return a field, or ""."""
        return self.fields.get(name, "")

    def number(self, name: str, *, low: int, high: int, default: int | None = None) -> int:
        """Return a whole number within its range; without a default it must be there."""
        value = self.optional(name) if default is not None else self.need(name)
        if not value and default is not None:
            return default
        if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
            raise Refusal("isv.INVALID_PARAMETERS", f"参数 {name} 不合法")
        return int(value)


Handler = Callable[[Call], Answer]


class Aliyun:
    """The dialect: checks who is calling, and words every answer."""

    provider = PROVIDER

    def __init__(self, world: World) -> None:
        self._world = world
        self._nonces: dict[tuple[str, str], float] = {}
        self._nonce_times: deque[tuple[float, tuple[str, str]]] = deque()

    # -- what the transport asks -----------------------------------------------------

    def answer(self, request: Request, action: str, handler: Handler) -> Answer:
        """Return what *handler* answers, or the refusal it, or the door, raised."""
        try:
            answer = handler(self._admit(request, action))
        except Refusal as refusal:
            answer = _refused(refusal)
        return _in_xml(answer, action) if _wants_xml(request) else answer

    def refuse(self, code: str) -> Answer:
        """Return the refusal of a whole call with *code*."""
        return _refused(Refusal(code))

    def throttled(self) -> Answer:
        """Return ``Throttling.User`` with the wait Aliyun may tell; an account's own limit comes without."""
        return self.refuse("Throttling.User")._replace(headers=((b"x-acs-retry-after", _RETRY_AFTER_MS),))

    def size(self, request: Request) -> int:
        """Return how many numbers a call names."""
        query, form = Form(request.scope["query_string"]), Form(_form_body(request))
        numbers = query.data("PhoneNumbers") or form.data("PhoneNumbers")
        if numbers:
            return numbers.count(b",") + 1
        array = form.data("PhoneNumberJson") or query.data("PhoneNumberJson")
        return array.count(b",") + 1 if array else 0

    # -- the door --------------------------------------------------------------------

    def _admit(self, request: Request, action: str) -> Call:
        if request.scope["method"] not in ("GET", "POST"):
            raise Refusal("UnsupportedHTTPMethod")
        headers: dict[str, list[str]] = {}
        for name, value in request.scope["headers"]:
            headers.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
        query, form = _texts(request.scope["query_string"]), _texts(_form_body(request))
        authorization = headers.get("authorization", [""])[0]
        # The SDK names the action in a header with either scheme; only this tells them apart.
        if authorization.startswith(SCHEME):
            account, nonce = self._check_acs3(request, headers, query, claim_in(authorization))
            fields = query | {name: value for name, value in form.items() if name in _IN_FORM}
        else:
            fields = query | form
            account, nonce = self._check_rpc(request, fields)
        self._spend(account, nonce)
        self._permit(account, request, action)
        account.review(self._world.clock())
        return Call(self._world, request, account, fields)

    def _check_acs3(
        self, request: Request, headers: Mapping[str, list[str]], query: Mapping[str, str], claim: Claim
    ) -> tuple[Account, str]:
        def header(name: str) -> str:
            return headers.get(name, [""])[0]

        if header("x-acs-version") != VERSION:
            raise Refusal("InvalidVersion")
        self._check_time(header("x-acs-date"))
        nonce = header("x-acs-signature-nonce")
        must = {name for name in headers if name.startswith("x-acs-")} | {"host"}
        must |= {"content-type"} & headers.keys()
        must |= {"x-acs-signature-nonce", "x-acs-content-sha256"}
        if not must <= set(claim.names) <= headers.keys() or list(claim.names) != sorted(claim.names):
            raise Refusal("IncompleteSignature")
        account = self._account(claim.key_id)
        hashed = hashlib.sha256(request.body).hexdigest()
        if header("x-acs-content-sha256") != hashed:
            raise Refusal("SignatureDoesNotMatch", "Specified x-acs-content-sha256 is not that of the body.")
        secret = _secret(account)
        if secret:
            path = request.scope["path"]
            text = acs3_text(request.scope["method"], path, query, headers, claim.names, hashed)
            if not equal(acs3_digest(text, secret), claim.digest):
                raise Refusal("SignatureDoesNotMatch", "Specified signature does not match our calculation.")
        _check_token(account, header("x-acs-security-token"))
        return account, nonce

    def _check_rpc(self, request: Request, fields: Mapping[str, str]) -> tuple[Account, str]:
        if fields.get("Version") != VERSION:
            raise Refusal("InvalidVersion" if fields.get("Version") else "MissingVersion")
        for name in ("AccessKeyId", "Timestamp", "SignatureNonce", "SignatureMethod", "Signature"):
            if not fields.get(name):
                raise Refusal(f"Missing{name}", f"{name} is mandatory for this action.")
        if fields.get("Format", "XML").upper() not in ("JSON", "XML"):
            raise Refusal("InvalidParameter.Format")
        if fields["SignatureMethod"] != "HMAC-SHA1" or fields.get("SignatureVersion") != "1.0":
            raise Refusal("InvalidSignatureMethod")
        self._check_time(fields["Timestamp"])
        account = self._account(fields["AccessKeyId"])
        secret = _secret(account)
        if secret:
            text = rpc_text(request.scope["method"], fields)
            if not equal(rpc_digest(text, secret), fields["Signature"]):
                words = "Specified signature is not matched with our calculation. server string to sign is:"
                raise Refusal("SignatureDoesNotMatch", words + text)
        _check_token(account, fields.get("SecurityToken", ""))
        return account, fields["SignatureNonce"]

    def _check_time(self, stamp: str) -> None:
        try:
            at = datetime.strptime(stamp, _TIME).replace(tzinfo=UTC).timestamp()
        except ValueError:
            raise Refusal("InvalidTimeStamp.Format") from None
        if abs(self._world.clock() - at) > _CLOCK_OFF_S:
            raise Refusal("InvalidTimeStamp.Expired")

    def _account(self, key_id: str) -> Account:
        account = self._world.account(PROVIDER, key_id, plausible=_KEY_ID.fullmatch(key_id) is not None)
        if account is None:
            raise Refusal("InvalidAccessKeyId.NotFound")
        return account

    def _spend(self, account: Account, nonce: str) -> None:
        """Take note of a nonce, only after a good signature, so that nobody can use up another's."""
        if not nonce:
            raise Refusal("MissingSignatureNonce", "SignatureNonce is mandatory for this action.")
        now = self._world.clock()
        while self._nonce_times and self._nonce_times[0][0] < now - _NONCE_KEPT_S:
            self._nonces.pop(self._nonce_times.popleft()[1], None)
        key = (account.credential, nonce)
        if key in self._nonces:
            raise Refusal("SignatureNonceUsed")
        self._nonces[key] = now
        self._nonce_times.append((now, key))

    def _permit(self, account: Account, request: Request, action: str) -> None:
        settings = account.settings
        if action in settings.denied:
            raise Refusal("Forbidden.RAM")
        if account.too_fast(self._world.clock()):
            raise Refusal("Throttling.User")
        if settings.allowed_ips and request.client not in settings.allowed_ips:
            raise Refusal("isv.DENY_IP_RANGE")


def claims(scope: Scope) -> bool:
    """Whether a call to ``/`` is Aliyun's: Tencent's name their action in a header of their own."""
    for name, value in scope["headers"]:
        if name == b"x-tc-action" or (name == b"authorization" and value.startswith(b"TC3-")):
            return False
    return True


def _secret(account: Account) -> str:
    """Return what the account signs with; "" when nobody said, and then digests are not compared."""
    return account.settings.secret or (SECRET if account.credential == KEY_ID else "")


def _check_token(account: Account, token: str) -> None:
    """Compare a temporary credential's token, where the account's profile has one (``SecurityToken``)."""
    expected = account.profile.get("SecurityToken", "")
    if expected and token != expected:
        raise Refusal("InvalidSecurityToken.MismatchWithAccessKey")


def _form_body(request: Request) -> bytes:
    kind = (request.header(b"content-type") or b"").partition(b";")[0].strip().lower()
    return request.body if kind == _FORM_TYPE else b""


def _texts(raw: bytes) -> dict[str, str]:
    """Return all fields of a query or form, decoded; ``+`` and ``%20`` are both a space."""
    pairs = (piece.partition(b"=") for piece in raw.split(b"&") if piece)
    return {as_text(unquote_form(name)): as_text(unquote_form(value)) for name, _, value in pairs}


# -- answers -------------------------------------------------------------------------


def request_id() -> str:
    """Return an id as Aliyun writes it."""
    return str(uuid.uuid4()).upper()


def answer(value: Mapping[str, Any]) -> Answer:
    """Return a successful answer holding *value*."""
    return Answer(orjson.dumps({"Code": "OK", "Message": "OK", "RequestId": request_id(), **value}))


def _refused(refusal: Refusal) -> Answer:
    body = {"RequestId": request_id(), "Code": refusal.code, "Message": refusal.message}
    if refusal.status != 200:
        link = f"https://api.aliyun.com/troubleshoot?q={refusal.code}&product=Dysmsapi"
        body |= {"HostId": _HOST, "Recommend": link}
    return Answer(orjson.dumps(body), refusal.status)


def _wants_xml(request: Request) -> bool:
    """Whether the older scheme answers XML, which it does unless told ``Format=JSON``."""
    if (request.header(b"authorization") or b"").startswith(SCHEME.encode()):
        return False
    asked = (Form(raw).text("Format") for raw in (request.scope["query_string"], _form_body(request)))
    return next(filter(None, asked), "XML").upper() != "JSON"


def _in_xml(answer: Answer, action: str) -> Answer:
    root = f"{action}Response" if answer.status == 200 else "Error"
    body = f"<?xml version='1.0' encoding='UTF-8'?><{root}>{_elements(orjson.loads(answer.body))}</{root}>"
    return answer._replace(body=body.encode(), content_type=_XML)


def _elements(data: Mapping[str, Any]) -> str:
    written = []
    for name, value in data.items():
        for one in value if isinstance(value, list) else [value]:
            inner = _elements(one) if isinstance(one, dict) else escape("" if one is None else str(one))
            written.append(f"<{name}>{inner}</{name}>")
    return "".join(written)


# -- numbers and times ---------------------------------------------------------------


def phone_in(number: str) -> int | None:
    """
    Return a number as E.164 digits, or None when Aliyun does not take it for one.

    Mainland: 11 digits, bare or behind ``+``, ``+86``, ``0086`` or ``86``. Others
    have their country code in front.
    """
    digits = number.removeprefix("+").removeprefix("00")
    if not digits.isascii() or not digits.isdigit() or digits[0] == "0":
        return None
    if len(digits) == 11 and digits[0] == "1":
        digits = "86" + digits
    phone = int(digits)
    if digits.startswith("86"):
        return phone if is_mainland(phone) else None
    return phone if 7 <= len(digits) <= 15 else None


def show_phone(phone: int) -> str:
    """Return a number as Aliyun prints it: mainland without a prefix, others with the bare country code."""
    return str(phone)[2:] if is_mainland(phone) else str(phone)


def show_time(at: float) -> str:
    """Return epoch seconds as Aliyun prints times."""
    return datetime.fromtimestamp(at, BEIJING).strftime("%Y-%m-%d %H:%M:%S")
