"""
Who is calling, and which action: what stands before all of Aliyun's actions.

Order of checks: dossier section 18, item 1; digests: sections 2 and 3. One path
serves everything; the action is named in a header (ACS3) or in a field (RPC,
the older scheme). Digests are made anew from what arrived; that they are right,
the vendor's own client says, whose requests must pass.
"""

from __future__ import annotations

import hmac
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any, ClassVar
from xml.sax.saxutils import escape

import orjson

from smskit.providers.aliyun.signing import ACS3, canonical, hashed, pair, sign_acs3, sign_rpc
from smskit.simulator.accounts import Account, Limits
from smskit.simulator.core import World
from smskit.simulator.dialect import (
    Call,
    Dialect,
    Nonces,
    NumberCodes,
    Refusal,
    Wording,
    answers,
    read_time,
    refuse,
    words,
)
from smskit.simulator.wire import FORM, Answer, Request, form, json_answer

PROVIDER = "aliyun"
KEY_ID = "LTAI5tSimulatorKey000001"
SECRET = "SimulatorSecret000000000000001"  # noqa: S105 - made up, and printed for whoever wants to try

VERSION = "2017-05-25"
_CLOCK_OFF_S = 900.0
_NONCE_KEPT_S = 2 * _CLOCK_OFF_S  # a request may be that old when it comes the first time
_KEY_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
_RETRY_AFTER_MS = b"1000"
_CLAIM = re.compile(
    rf"{ACS3}\s+Credential=(?P<key>[^,]+),\s*SignedHeaders=(?P<names>[^,]+),\s*"
    r"Signature=(?P<digest>[0-9a-f]{64})"
)

# The arrays of SendBatchSms are the only fields of the newer scheme that travel in the body.
_IN_FORM = frozenset({"PhoneNumberJson", "SignNameJson", "TemplateParamJson", "SmsUpExtendCodeJson"})


class Aliyun(Dialect):
    """Checks who is calling, and words every refusal."""

    provider: ClassVar[str] = PROVIDER
    too_fast: ClassVar[str] = "Throttling.User"
    not_there: ClassVar[str] = "InvalidAction.NotFound"
    missing: ClassVar[Wording] = Wording("Missing{name}", "{name} is mandatory for this action.")
    malformed: ClassVar[Wording] = Wording("isv.INVALID_PARAMETERS", "参数 {name} 不合法")
    no_number: ClassVar[Wording] = Wording("isv.MOBILE_NUMBER_ILLEGAL")
    # Eleven digits that begin with 1 are of the mainland, or none.
    home: ClassVar[re.Pattern[str]] = re.compile(r"\+?(?:00)?(?:86)?(1[3-9][0-9]{9})")
    abroad: ClassVar[re.Pattern[str] | None] = re.compile(r"\+?(?:00)?(?!1[0-9]{10}$)([1-9][0-9]{6,14})")
    numbers: ClassVar[NumberCodes] = NumberCodes(
        "isv.MOBILE_NUMBER_ILLEGAL",
        "isv.MOBILE_NUMBER_ILLEGAL",
        "isv.DOMESTIC_NUMBER_NOT_SUPPORTED",
        "isv.BLACK_KEY_CONTROL_LIMIT",
    )
    # Dossier section 10. ``code_30s`` is the shortest window for codes: Aliyun's is the clock minute.
    limits: ClassVar[Limits] = Limits(
        code_30s=1, code_hour=5, code_day=10, any_minute=0, any_hour=0, any_day=50
    )

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._nonces = Nonces(_NONCE_KEPT_S)

    def answer(self, request: Request, name: str, handler: Callable[[Call], Answer] | None) -> Answer:
        """As any; the older scheme answers XML, unless it is told ``Format=JSON``."""
        answer = super().answer(request, name, handler)
        if request.headers.get("authorization", "").startswith(ACS3):
            return answer
        asked = form(request.query).get("Format") or form(_form_body(request)).get("Format") or "XML"
        if asked.upper() == "JSON":
            return answer
        root = f"{name}Response" if answer.status == 200 else "Error"
        xml = f"<?xml version='1.0' encoding='UTF-8'?>{_xml(root, orjson.loads(answer.body))}"
        return answer._replace(body=xml.encode(), content_type=b"text/xml;charset=utf-8")

    def refused(self, refusal: Refusal) -> Answer:
        """The gateway says no with an HTTP status, the product with 200."""
        known = answers(PROVIDER).get(refusal.code)
        unlisted = "400" if refusal.code.startswith(("Missing", "Invalid")) else "200"
        status = int((known.http_status or "200") if known else unlisted)
        message = refusal.message or words(PROVIDER, refusal.code, "发生错误")
        body = {"RequestId": request_id(), "Code": refusal.code, "Message": message}
        if status != 200:
            link = f"https://api.aliyun.com/troubleshoot?q={refusal.code}&product=Dysmsapi"
            body |= {"HostId": "dysmsapi.aliyuncs.com", "Recommend": link}
        return json_answer(body, status=status)

    def throttled(self) -> Answer:
        """``Throttling.User`` with the wait Aliyun may tell; an account's own limit comes without."""
        return super().throttled()._replace(headers=((b"x-acs-retry-after", _RETRY_AFTER_MS),))

    def admit(self, request: Request, name: str) -> Call:
        """Who is calling: by either scheme."""
        refuse((request.method not in ("GET", "POST"), "UnsupportedHTTPMethod"))
        query, in_form = form(request.query), form(_form_body(request))
        # The SDK names the action in a header with either scheme; only this tells them apart.
        if request.headers.get("authorization", "").startswith(ACS3):
            account, nonce = self._check_acs3(request, query)
            fields = query | {key: value for key, value in in_form.items() if key in _IN_FORM}
        else:
            fields = query | in_form
            account, nonce = self._check_rpc(request, fields)
        # Spent only after a good signature, so that nobody can use up another's.
        refuse((not nonce, self.missing.refusal("SignatureNonce")))
        fresh = self._nonces.spend((account.credential, nonce), self.world.clock())
        refuse((not fresh, "SignatureNonceUsed"))
        self.permit(
            request, account, name, denied="Forbidden.RAM", fast=self.too_fast, address="isv.DENY_IP_RANGE"
        )
        return Call(self, request, account, fields)

    def _check_acs3(self, request: Request, query: Mapping[str, str]) -> tuple[Account, str]:
        headers = {
            name: ",".join(sorted(value.strip() for value in request.headers.getlist(name)))
            for name in request.headers
        }
        claim = _CLAIM.fullmatch(headers["authorization"])
        if claim is None:
            raise Refusal("IncompleteSignature")
        refuse((headers.get("x-acs-version") != VERSION, "InvalidVersion"))
        self._check_time(headers.get("x-acs-date", ""))
        names = claim["names"].split(";")
        must = {name for name in headers if name.startswith("x-acs-")} | {"host"}
        must |= {"content-type"} & headers.keys()
        must |= {"x-acs-signature-nonce", "x-acs-content-sha256"}
        signs = must <= set(names) <= headers.keys() and names == sorted(names)
        refuse((not signs, "IncompleteSignature"))
        account = self.account(claim["key"], _KEY_ID, "InvalidAccessKeyId.NotFound")
        other = Refusal("SignatureDoesNotMatch", "Specified x-acs-content-sha256 is not that of the body.")
        refuse((headers["x-acs-content-sha256"] != hashed(request.body), other))
        fields = canonical(pair(name, value) for name, value in query.items())
        signed = {name: headers[name] for name in names}
        secret = _secret(account)
        ours = sign_acs3(request.method, request.path, fields, signed, secret=secret).signature
        wrong = Refusal("SignatureDoesNotMatch", "Specified signature does not match our calculation.")
        refuse((secret and not hmac.compare_digest(ours, claim["digest"]), wrong))
        _check_token(account, headers.get("x-acs-security-token", ""))
        return account, headers["x-acs-signature-nonce"]

    def _check_rpc(self, request: Request, fields: Mapping[str, str]) -> tuple[Account, str]:
        version, needed = (
            fields.get("Version"),
            "AccessKeyId Timestamp SignatureNonce SignatureMethod Signature",
        )
        method = (fields.get("SignatureMethod"), fields.get("SignatureVersion"))
        refuse(
            (version != VERSION, "InvalidVersion" if version else "MissingVersion"),
            *((not fields.get(name), self.missing.refusal(name)) for name in needed.split()),
            (fields.get("Format", "XML").upper() not in ("JSON", "XML"), "InvalidParameter.Format"),
            (method != ("HMAC-SHA1", "1.0"), "InvalidSignatureMethod"),
        )
        self._check_time(fields["Timestamp"])
        account = self.account(fields["AccessKeyId"], _KEY_ID, "InvalidAccessKeyId.NotFound")
        query = canonical(pair(name, value) for name, value in fields.items() if name != "Signature")
        secret = _secret(account)
        ours = sign_rpc(request.method, query, secret=secret)
        if secret and not hmac.compare_digest(ours.signature.encode(), fields["Signature"].encode()):
            told = "Specified signature is not matched with our calculation. server string to sign is:"
            raise Refusal("SignatureDoesNotMatch", told + ours.string_to_sign)
        _check_token(account, fields.get("SecurityToken", ""))
        return account, fields["SignatureNonce"]

    def _check_time(self, stamp: str) -> None:
        at = read_time(stamp, "%Y-%m-%dT%H:%M:%SZ", UTC)
        off = self.world.clock() - (at or 0)
        refuse((at is None, "InvalidTimeStamp.Format"), (abs(off) > _CLOCK_OFF_S, "InvalidTimeStamp.Expired"))


def _secret(account: Account) -> str:
    """Return what the account signs with; "" when nobody said, and then digests are not compared."""
    return account.settings.secret or (SECRET if account.credential == KEY_ID else "")


def _check_token(account: Account, token: str) -> None:
    """Compare a temporary credential's token, where the account's profile has one (``SecurityToken``)."""
    expected = account.profile.get("SecurityToken", "")
    refuse((expected and token != expected, "InvalidSecurityToken.MismatchWithAccessKey"))


def _form_body(request: Request) -> bytes:
    return request.body if request.media_type == FORM else b""


def request_id() -> str:
    return str(uuid.uuid4()).upper()


def answer(value: Mapping[str, Any]) -> Answer:
    return json_answer({"Code": "OK", "Message": "OK", "RequestId": request_id(), **value})


def _xml(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_xml(name, each) for each in value)
    if isinstance(value, dict):
        inner = "".join(_xml(*member) for member in value.items())
    else:
        inner = escape("" if value is None else str(value))
    return f"<{name}>{inner}</{name}>"
