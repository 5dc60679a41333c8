"""
What all Chuanglan methods share: who is calling, how a refusal looks, numbers, times.

Order of checks: dossier section 10, as far as 103; the rest is each method's own.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import orjson

from smskit.simulator.accounts import Account
from smskit.simulator.chuanglan.codes import UNDOCUMENTED, Refusal
from smskit.simulator.core import World
from smskit.simulator.wire import HTML, Answer, Request

BEIJING = timezone(timedelta(hours=8))  # no summer time since 1991

_ACCOUNT = re.compile(r"[0-9A-Za-z_]{4,64}")
_NONCE = re.compile(r"[0-9A-Za-z]{32}")
_TIMESTAMP = re.compile(r"[0-9]{10}")
_SKEW_S = 300.0  # the real tolerance is not known


class Call:
    """
    One call that got past the door: its account and its fields.

    Raises:
        Refusal: From every method that reads a field which is missing or malformed.
    """

    __slots__ = ("account", "fields", "missing", "request", "world")

    def __init__(
        self, world: World, request: Request, account: Account, fields: dict[str, Any], missing: str
    ) -> None:
        self.world = world
        self.request = request
        self.account = account
        self.fields = fields
        self.missing = missing

    def need(self, name: str) -> str:
        """Return a text field that must be there and not be empty."""
        return _need(self.fields, name, self.missing)

    def optional(self, name: str) -> str:
        """Return a text field, or ""."""
        value = self.fields.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise Refusal(self.missing, f"{name} 须为字符串")
        return value

    def wants_report(self) -> bool:
        """Whether status reports are asked for; they are not, unless somebody says so."""
        value = self.fields.get("report", False)
        if value in (True, False, "true", "false", ""):
            return value in (True, "true")
        raise Refusal(self.missing, "report 须为 true 或 false")

    def switch(self, name: str, default: Any) -> Any:
        """Return a switch only Chuanglan has; see the package."""
        return self.account.profile.get(name, default)


Handler = Callable[[Call], Answer]


class Door:
    """
    Lets calls in and words refusals; one for each shape of answer.

    Args:
        world: Where the accounts are.
    """

    provider = "chuanglan"
    json_code = "129"
    missing_code = "130"

    def __init__(self, world: World) -> None:
        self._world = world

    def answer(self, request: Request, name: str, handler: Handler) -> Answer:
        """Return what *handler* answers, or the refusal it, or the door, raised."""
        try:
            return handler(self._admit(request, name))
        except Refusal as refusal:
            return self.refused(refusal)

    def refused(self, refusal: Refusal) -> Answer:
        """Word *refusal*. The HTTP status of errors is not documented; 200 is what clients expect."""
        return said(refusal.code, self._world.clock(), errorMsg=refusal.msg)

    def refuse(self, code: str) -> Answer:
        """Return the refusal of a whole call with *code*."""
        return self.refused(Refusal(code))

    def throttled(self) -> Answer:
        """Return code 103, calls too fast."""
        return self.refuse("103")

    def size(self, request: Request) -> int:
        """Return how many numbers a call names."""
        fields = _decoded(request.body)
        for name, separator in (("phone", ","), ("params", ";"), ("phoneNumbers", ",")):
            if isinstance(value := fields.get(name), str) and value:
                return value.strip(separator).count(separator) + 1
        return 0

    def _admit(self, request: Request, name: str) -> Call:
        content_type = request.header(b"content-type") or b""
        if request.scope["method"] != "POST" or request.scope.get("query_string"):
            raise Refusal(self.json_code, "只支持POST方式，参数须在请求体中")
        if content_type.partition(b";")[0].strip().lower() != b"application/json":
            raise Refusal(self.json_code, "Content-Type 须为 application/json")
        fields = _decoded(request.body)
        if not fields:
            raise Refusal(self.json_code)
        account = self._identify(request, fields)
        self._permit(request, account, name)
        return Call(self._world, request, account, fields, self.missing_code)

    def _identify(self, request: Request, fields: dict[str, Any]) -> Account:
        name = _need(fields, "account", self.missing_code)
        password = _need(fields, "password", self.missing_code)
        account = self._world.account(self.provider, name, plausible=bool(_ACCOUNT.fullmatch(name)))
        if account is None:
            raise Refusal("101")
        if not knows(account, password):
            raise Refusal("102")
        return account

    def _permit(self, request: Request, account: Account, name: str) -> None:
        settings = account.settings
        if settings.allowed_ips and request.client not in settings.allowed_ips:
            raise Refusal("117")
        if name in settings.denied:
            raise Refusal("118")
        if account.profile.get("expired"):
            raise Refusal("119")
        now = self._world.clock()
        if account.too_fast(now):
            raise Refusal("103")
        account.review(now)


class PullDoor(Door):
    """The two pull methods, whose answers have ``ret`` and ``error`` in place of a code."""

    def refused(self, refusal: Refusal) -> Answer:
        """Any ``ret`` but 0 is a failure."""
        return Answer(orjson.dumps({"ret": 1, "error": refusal.msg}))


class TemplateDoor(Door):
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
        account = self._world.account(self.provider, name, plausible=bool(_ACCOUNT.fullmatch(name)))
        if account is None:
            raise Refusal("101200")
        digest = (request.header(b"x-qa-hmac-signature") or b"").decode("latin-1")
        if digest:
            self._verify(account, digest, timestamp, nonce)
        elif not knows(account, _need(fields, "password", self.missing_code)):
            raise Refusal("101200")
        return account

    def _verify(self, account: Account, digest: str, timestamp: str, nonce: str) -> None:
        now = self._world.clock()
        right = not account.settings.secret or hmac.compare_digest(
            digest.encode(), sign(account.settings.secret, timestamp, nonce).encode()
        )
        if not right or not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise Refusal("101200", "签名错误")
        if account.profile.get("check_time", True) and abs(now - int(timestamp)) > _SKEW_S:
            raise Refusal("101200", "timestamp 已失效")
        if account.profile.get("check_nonce", True):
            seen: dict[str, float] = account.memo.setdefault("nonces", {})
            for old in [n for n, at in seen.items() if at < now - 2 * _SKEW_S]:
                del seen[old]
            if nonce in seen:
                raise Refusal("101200", "nonce 重复")
            seen[nonce] = now

    def _permit(self, request: Request, account: Account, name: str) -> None:
        settings = account.settings
        if settings.allowed_ips and request.client not in settings.allowed_ips:
            raise Refusal("101203")
        if name in settings.denied or account.profile.get("expired"):
            raise Refusal(UNDOCUMENTED)
        account.review(self._world.clock())


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
    head = {"code": code, "msgId": "", "time": show(now, "%Y%m%d%H%M%S"), "errorMsg": ""}
    return Answer(orjson.dumps(head | fields))


def show(at: float, form: str) -> str:
    """Return epoch seconds in Beijing's time, in one of Chuanglan's forms."""
    return datetime.fromtimestamp(at, BEIJING).strftime(form)


def call_id(first_sid: int) -> str:
    """Return the id all numbers of a call share: 32 digits, which no number type keeps whole."""
    return f"{first_sid:032d}"


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _need(fields: dict[str, Any], name: str, code: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise Refusal(code, f"缺少参数 {name}")
    return value
