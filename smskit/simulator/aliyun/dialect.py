"""
Who is calling, and which action: what stands before all of Aliyun's actions.

Order of checks: dossier section 18, item 1. One path serves everything; the
action is named in a header (ACS3) or in a field (RPC, the older scheme).
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from xml.sax.saxutils import escape

import orjson

from smskit.simulator.accounts import Account
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
from smskit.simulator.dialect import Dialect, FormCall, Nonces, Refusal, answers, e164_of, read_utc, words
from smskit.simulator.wire import FORM, Answer, Request, form

PROVIDER = "aliyun"
KEY_ID = "LTAI5tSimulatorKey000001"
SECRET = "SimulatorSecret000000000000001"  # noqa: S105 - made up, and printed for whoever wants to try

VERSION = "2017-05-25"
_CLOCK_OFF_S = 900.0
_NONCE_KEPT_S = 2 * _CLOCK_OFF_S  # a request may be that old when it comes the first time
_TIME = "%Y-%m-%dT%H:%M:%SZ"
_KEY_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
_XML = b"text/xml;charset=utf-8"
_HOST = "dysmsapi.aliyuncs.com"
_RETRY_AFTER_MS = b"1000"

# The arrays of SendBatchSms are the only fields of the newer scheme that travel in the body.
_IN_FORM = frozenset({"PhoneNumberJson", "SignNameJson", "TemplateParamJson", "SmsUpExtendCodeJson"})


class Call(FormCall):
    """One call that was let in; what is missing has its name in the code."""

    def missing(self, name: str) -> Refusal:
        return missing(name)

    def malformed(self, name: str, value: str) -> Refusal:
        return Refusal("isv.INVALID_PARAMETERS", f"参数 {name} 不合法")


Handler = Callable[[Call], Answer]


class Aliyun(Dialect[Call]):
    """Checks who is calling, and words every answer."""

    provider: ClassVar[str] = PROVIDER
    too_fast: ClassVar[str] = "Throttling.User"
    not_there: ClassVar[str] = "InvalidAction.NotFound"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._nonces = Nonces(_NONCE_KEPT_S)

    # -- what the transport asks -----------------------------------------------------

    def answer(self, request: Request, name: str, handler: Handler) -> Answer:
        """What *handler* answers, or the refusal; in XML where the older scheme wants that."""
        answer = super().answer(request, name, handler)
        return _in_xml(answer, name) if _wants_xml(request) else answer

    def refused(self, refusal: Refusal) -> Answer:
        """The gateway says no with an HTTP status, the product with 200."""
        known = answers(PROVIDER).get(refusal.code)
        unlisted = "400" if refusal.code.startswith(("Missing", "Invalid")) else "200"
        status = int((known.http_status or "200") if known else unlisted)
        message = refusal.message or words(PROVIDER, refusal.code, "发生错误")
        body = {"RequestId": request_id(), "Code": refusal.code, "Message": message}
        if status != 200:
            link = f"https://api.aliyun.com/troubleshoot?q={refusal.code}&product=Dysmsapi"
            body |= {"HostId": _HOST, "Recommend": link}
        return Answer(orjson.dumps(body), status)

    def throttled(self) -> Answer:
        """``Throttling.User`` with the wait Aliyun may tell; an account's own limit comes without."""
        return super().throttled()._replace(headers=((b"x-acs-retry-after", _RETRY_AFTER_MS),))

    def size(self, request: Request) -> int:
        """How many numbers a call names."""
        fields = form(_form_body(request)) | form(request.query)
        numbers = fields.get("PhoneNumbers") or fields.get("PhoneNumberJson")
        return numbers.count(",") + 1 if numbers else 0

    # -- the door --------------------------------------------------------------------

    def admit(self, request: Request, name: str) -> Call:
        """Who is calling: by either scheme."""
        if request.method not in ("GET", "POST"):
            raise Refusal("UnsupportedHTTPMethod")
        headers: dict[str, list[str]] = {}
        for key, value in request.headers.items():
            headers.setdefault(key, []).append(value)
        query, in_form = form(request.query), form(_form_body(request))
        authorization = headers.get("authorization", [""])[0]
        # The SDK names the action in a header with either scheme; only this tells them apart.
        if authorization.startswith(SCHEME):
            account, nonce = self._check_acs3(request, headers, query, claim_in(authorization))
            fields = query | {key: value for key, value in in_form.items() if key in _IN_FORM}
        else:
            fields = query | in_form
            account, nonce = self._check_rpc(request, fields)
        # Spent only after a good signature, so that nobody can use up another's.
        if not nonce:
            raise missing("SignatureNonce")
        if not self._nonces.spend((account.credential, nonce), self.world.clock()):
            raise Refusal("SignatureNonceUsed")
        self.permit(
            request, account, name, denied="Forbidden.RAM", fast=self.too_fast, address="isv.DENY_IP_RANGE"
        )
        return Call(self.world, request, account, fields)

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
            path = request.path
            text = acs3_text(request.method, path, query, headers, claim.names, hashed)
            if not equal(acs3_digest(text, secret), claim.digest):
                raise Refusal("SignatureDoesNotMatch", "Specified signature does not match our calculation.")
        _check_token(account, header("x-acs-security-token"))
        return account, nonce

    def _check_rpc(self, request: Request, fields: Mapping[str, str]) -> tuple[Account, str]:
        if fields.get("Version") != VERSION:
            raise Refusal("InvalidVersion" if fields.get("Version") else "MissingVersion")
        for name in ("AccessKeyId", "Timestamp", "SignatureNonce", "SignatureMethod", "Signature"):
            if not fields.get(name):
                raise missing(name)
        if fields.get("Format", "XML").upper() not in ("JSON", "XML"):
            raise Refusal("InvalidParameter.Format")
        if fields["SignatureMethod"] != "HMAC-SHA1" or fields.get("SignatureVersion") != "1.0":
            raise Refusal("InvalidSignatureMethod")
        self._check_time(fields["Timestamp"])
        account = self._account(fields["AccessKeyId"])
        secret = _secret(account)
        if secret:
            text = rpc_text(request.method, fields)
            if not equal(rpc_digest(text, secret), fields["Signature"]):
                words = "Specified signature is not matched with our calculation. server string to sign is:"
                raise Refusal("SignatureDoesNotMatch", words + text)
        _check_token(account, fields.get("SecurityToken", ""))
        return account, fields["SignatureNonce"]

    def _check_time(self, stamp: str) -> None:
        at = read_utc(stamp, _TIME)
        if at is None:
            raise Refusal("InvalidTimeStamp.Format")
        if abs(self.world.clock() - at) > _CLOCK_OFF_S:
            raise Refusal("InvalidTimeStamp.Expired")

    def _account(self, key_id: str) -> Account:
        account = self.world.account(PROVIDER, key_id, plausible=_KEY_ID.fullmatch(key_id) is not None)
        if account is None:
            raise Refusal("InvalidAccessKeyId.NotFound")
        return account


def missing(name: str) -> Refusal:
    """The refusal of a call without the field *name*."""
    return Refusal(f"Missing{name}", f"{name} is mandatory for this action.")


def _secret(account: Account) -> str:
    """Return what the account signs with; "" when nobody said, and then digests are not compared."""
    return account.settings.secret or (SECRET if account.credential == KEY_ID else "")


def _check_token(account: Account, token: str) -> None:
    """Compare a temporary credential's token, where the account's profile has one (``SecurityToken``)."""
    expected = account.profile.get("SecurityToken", "")
    if expected and token != expected:
        raise Refusal("InvalidSecurityToken.MismatchWithAccessKey")


def _form_body(request: Request) -> bytes:
    return request.body if request.media_type == FORM else b""


# -- answers -------------------------------------------------------------------------


def request_id() -> str:
    """Return an id as Aliyun writes it."""
    return str(uuid.uuid4()).upper()


def answer(value: Mapping[str, Any]) -> Answer:
    """Return a successful answer holding *value*."""
    return Answer(orjson.dumps({"Code": "OK", "Message": "OK", "RequestId": request_id(), **value}))


def _wants_xml(request: Request) -> bool:
    """Whether the older scheme answers XML, which it does unless told ``Format=JSON``."""
    if request.headers.get("authorization", "").startswith(SCHEME):
        return False
    asked = form(request.query).get("Format") or form(_form_body(request)).get("Format")
    return (asked or "XML").upper() != "JSON"


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


# -- numbers ---------------------------------------------------------------------------


def phone_in(number: str) -> int | None:
    """
    Return a number as E.164 digits, or None when Aliyun does not take it for one.

    Mainland: 11 digits, bare or behind ``+``, ``+86``, ``0086`` or ``86``. Others
    have their country code in front.
    """
    digits = number.removeprefix("+").removeprefix("00")
    return e164_of("86" + digits if len(digits) == 11 and digits[0] == "1" else digits)


def show_phone(phone: int) -> str:
    """Return a number as Aliyun prints it: mainland without a prefix, others with the bare country code."""
    return str(phone)[2:] if is_mainland(phone) else str(phone)
