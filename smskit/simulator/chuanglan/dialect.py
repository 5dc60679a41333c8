"""
What all Chuanglan methods share: who is calling, how a refusal looks, numbers, times.

Order of checks: dossier section 10, as far as 103; the rest is each method's own.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import orjson

from smskit.simulator.accounts import Account
from smskit.simulator.core import World
from smskit.simulator.dialect import Call as AnyCall
from smskit.simulator.dialect import Dialect, Nonces, Refusal, show_time, words
from smskit.simulator.wire import HTML, Answer, Request, json_object

PROVIDER = "chuanglan"

# Of the template API only some codes are known. Whatever else is wrong needs a code too; this one is the
# simulator's own, and like any unknown code it must be taken for an unknown outcome.
UNDOCUMENTED = "101999"

_ACCOUNT = re.compile(r"[0-9A-Za-z_]{4,64}")
_NONCE = re.compile(r"[0-9A-Za-z]{32}")
_TIMESTAMP = re.compile(r"[0-9]{10}")
_SKEW_S = 300.0  # the real tolerance is not known


class Call(AnyCall):
    """One call that was let in; a field that is missing or no text has its family's code."""

    def __init__(
        self, world: World, request: Request, account: Account, fields: dict[str, Any], code: str
    ) -> None:
        super().__init__(world, request, account, fields)
        self.code = code

    def need(self, name: str) -> str:
        """A text field that must be there and not be empty."""
        return _need(self.fields, name, self.code)

    def missing(self, name: str) -> Refusal:
        return _missing(name, self.code)

    def optional(self, name: str) -> str:
        """A text field, or ""."""
        value = self.fields.get(name)
        if value is not None and not isinstance(value, str):
            raise Refusal(self.code, f"{name} 须为字符串")
        return value or ""

    def wants_report(self) -> bool:
        """Whether status reports are asked for; they are not, unless somebody says so."""
        value = self.fields.get("report", False)
        if value in (True, False, "true", "false", ""):
            return value in (True, "true")
        raise Refusal(self.code, "report 须为 true 或 false")

    def switch(self, name: str, default: Any) -> Any:
        """Return a switch only Chuanglan has; see the package."""
        return self.account.profile.get(name, default)


Handler = Callable[[Call], Answer]


class Chuanglan(Dialect[Call]):
    """Lets calls in and words refusals; a subclass for each other shape of answer."""

    provider: ClassVar[str] = PROVIDER
    too_fast: ClassVar[str] = "103"
    json_code: ClassVar[str] = "129"
    missing_code: ClassVar[str] = "130"

    def refused(self, refusal: Refusal) -> Answer:
        """The HTTP status of errors is not documented; 200 is what clients expect."""
        return said(refusal.code, self.world.clock(), errorMsg=message_of(refusal))

    def size(self, request: Request) -> int:
        """Return how many numbers a call names."""
        fields = json_object(request.body)
        for name, separator in (("phone", ","), ("params", ";"), ("phoneNumbers", ",")):
            if isinstance(value := fields.get(name), str) and value:
                return value.strip(separator).count(separator) + 1
        return 0

    def admit(self, request: Request, name: str) -> Call:
        """Who is calling: the account and its password stand in the body."""
        if request.method != "POST" or request.query:
            raise Refusal(self.json_code, "只支持POST方式，参数须在请求体中")
        if request.media_type != "application/json":
            raise Refusal(self.json_code, "Content-Type 须为 application/json")
        fields = json_object(request.body)
        if not fields:
            raise Refusal(self.json_code)
        account = self._identify(request, fields)
        self._permit(request, account, name)
        return Call(self.world, request, account, fields, self.missing_code)

    def _identify(self, request: Request, fields: dict[str, Any]) -> Account:
        name = _need(fields, "account", self.missing_code)
        password = _need(fields, "password", self.missing_code)
        account = self.world.account(PROVIDER, name, plausible=bool(_ACCOUNT.fullmatch(name)))
        if account is None:
            raise Refusal("101")
        if not knows(account, password):
            raise Refusal("102")
        return account

    def _permit(self, request: Request, account: Account, name: str) -> None:
        self.permit(request, account, name, address="117", denied="118")
        if account.profile.get("expired"):
            raise Refusal("119")
        self.permit(request, account, name, fast=self.too_fast)


class Pulling(Chuanglan):
    """The two pull methods, whose answers have ``ret`` and ``error`` in place of a code."""

    def refused(self, refusal: Refusal) -> Answer:
        """Any ``ret`` but 0 is a failure."""
        return Answer(orjson.dumps({"ret": 1, "error": message_of(refusal)}))


class ByTemplate(Chuanglan):
    """The template API, with a digest in place of the password and codes of its own."""

    json_code = missing_code = UNDOCUMENTED

    def throttled(self) -> Answer:
        """No code for this is known, so something in front of the API says it."""
        return Answer(b"<h1>503 Service Unavailable</h1>", 503, content_type=HTML)

    def _identify(self, request: Request, fields: dict[str, Any]) -> Account:
        name = _need(fields, "account", self.missing_code)
        timestamp = _need(fields, "timestamp", self.missing_code)
        nonce = _need(fields, "nonce", self.missing_code)
        if not _TIMESTAMP.fullmatch(timestamp) or not _NONCE.fullmatch(nonce):
            raise Refusal(self.missing_code, "timestamp 须为10位数字，nonce 须为32位字母或数字")
        account = self.world.account(PROVIDER, name, plausible=bool(_ACCOUNT.fullmatch(name)))
        if account is None:
            raise Refusal("101200")
        digest = request.headers.get("x-qa-hmac-signature", "")
        if digest:
            self._verify(account, digest, timestamp, nonce)
        elif not knows(account, _need(fields, "password", self.missing_code)):
            raise Refusal("101200")
        return account

    def _verify(self, account: Account, digest: str, timestamp: str, nonce: str) -> None:
        now = self.world.clock()
        right = not account.settings.secret or hmac.compare_digest(
            digest.encode(), sign(account.settings.secret, timestamp, nonce).encode()
        )
        if not right or not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise Refusal("101200", "签名错误")
        if account.profile.get("check_time", True) and abs(now - int(timestamp)) > _SKEW_S:
            raise Refusal("101200", "timestamp 已失效")
        nonces: Nonces = account.memo.setdefault("nonces", Nonces(2 * _SKEW_S))
        if not nonces.spend(nonce, now):
            raise Refusal("101200", "nonce 重复")

    def _permit(self, request: Request, account: Account, name: str) -> None:
        self.permit(request, account, name, address="101203", denied=UNDOCUMENTED)
        if account.profile.get("expired"):
            raise Refusal(UNDOCUMENTED)


def message_of(refusal: Refusal) -> str:
    """What stands beside the code of a refusal."""
    return refusal.message or words(PROVIDER, refusal.code, f"错误{refusal.code}")


def sign(password: str, timestamp: str, nonce: str) -> str:
    """Return the ``X-QA-Hmac-Signature``: dossier section 3, steps 1 to 3."""
    key = hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()
    text = "".join("".join(sorted([key, timestamp, nonce])).split())
    return hmac.new(key.encode(), text.encode(), "sha256").hexdigest()


def knows(account: Account, password: str) -> bool:
    """Whether that is the account's password; one registered without a secret does not check it."""
    secret = account.settings.secret
    return not secret or hmac.compare_digest(secret.encode(), password.encode())


def said(code: str | int, now: float, **fields: object) -> Answer:
    """Return an answer with a code, an id (empty unless given) and the time."""
    head = {"code": code, "msgId": "", "time": show_time(now, "%Y%m%d%H%M%S"), "errorMsg": ""}
    return Answer(orjson.dumps(head | fields))


def call_id(first_sid: int) -> str:
    """Return the id all numbers of a call share: 32 digits, which no number type keeps whole."""
    return f"{first_sid:032d}"


def _need(fields: Mapping[str, Any], name: str, code: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise _missing(name, code)
    return value


def _missing(name: str, code: str) -> Refusal:
    return Refusal(code, f"缺少参数 {name}")
