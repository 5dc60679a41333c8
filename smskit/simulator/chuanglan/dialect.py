"""
What all Chuanglan methods share: who is calling, how a refusal looks.

Order of checks: dossier section 10, as far as 103; the rest is each method's own.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Any, ClassVar

from smskit.simulator.accounts import Account
from smskit.simulator.dialect import Call, Dialect, Nonces, Refusal, Wording, refuse, show_time, words
from smskit.simulator.wire import HTML, Answer, Request, json_answer, json_object

PROVIDER = "chuanglan"

# Of the template API only some codes are known. Whatever else is wrong needs a code too; this one is the
# simulator's own, and like any unknown code it must be taken for an unknown outcome.
UNDOCUMENTED = "101999"

_ACCOUNT = re.compile(r"[0-9A-Za-z_]{4,64}")
_NONCE = re.compile(r"[0-9A-Za-z]{32}")
_TIMESTAMP = re.compile(r"[0-9]{10}")
_SKEW_S = 300.0  # the real tolerance is not known


class Chuanglan(Dialect):
    """Lets calls in and words refusals; a subclass for each other shape of answer."""

    provider: ClassVar[str] = PROVIDER
    too_fast: ClassVar[str] = "103"
    json_code: ClassVar[str] = "129"
    missing: ClassVar[Wording] = Wording("130", "缺少参数 {name}")
    malformed: ClassVar[Wording] = Wording("130", "参数 {name} 不正确")

    def refused(self, refusal: Refusal) -> Answer:
        """The HTTP status of errors is not documented; 200 is what clients expect."""
        return said(refusal.code, self.world.clock(), errorMsg=message_of(refusal))

    def admit(self, request: Request, name: str) -> Call:
        """Who is calling: the account and its password stand in the body."""
        fields, code = json_object(request.body), self.json_code
        refuse(
            (request.method != "POST" or request.query, Refusal(code, "只支持POST方式，参数须在请求体中")),
            (request.media_type != "application/json", Refusal(code, "Content-Type 须为 application/json")),
            (not fields, code),
        )
        account = self._identify(request, fields)
        self._permit(request, account, name)
        return Call(self, request, account, fields)

    def _identify(self, request: Request, fields: dict[str, Any]) -> Account:
        name, password = self._texts(fields, "account", "password")
        account = self.account(name, _ACCOUNT, "101")
        refuse((not _knows(account, password), "102"))
        return account

    def _texts(self, fields: dict[str, Any], *names: str) -> list[str]:
        for name in names:
            if not isinstance(fields.get(name), str) or not fields[name]:
                raise self.missing.refusal(name)
        return [fields[name] for name in names]

    def _permit(self, request: Request, account: Account, name: str) -> None:
        self.permit(request, account, name, address="117", denied="118")
        refuse((account.profile.get("expired"), "119"))
        self.permit(request, account, name, fast=self.too_fast)


class Pulling(Chuanglan):
    """The two pull methods, whose answers have ``ret`` and ``error`` in place of a code."""

    def refused(self, refusal: Refusal) -> Answer:
        """Any ``ret`` but 0 is a failure."""
        return json_answer({"ret": 1, "error": message_of(refusal)})


class ByTemplate(Chuanglan):
    """The template API, with a digest in place of the password and codes of its own."""

    json_code = UNDOCUMENTED
    missing = Wording(UNDOCUMENTED, "缺少参数 {name}")
    malformed = Wording(UNDOCUMENTED, "参数 {name} 不正确")

    def throttled(self) -> Answer:
        """No code for this is known, so something in front of the API says it."""
        return Answer(b"<h1>503 Service Unavailable</h1>", 503, content_type=HTML)

    def _identify(self, request: Request, fields: dict[str, Any]) -> Account:
        name, timestamp, nonce = self._texts(fields, "account", "timestamp", "nonce")
        fits = _TIMESTAMP.fullmatch(timestamp) and _NONCE.fullmatch(nonce)
        refuse((not fits, self.malformed.refusal("timestamp 或 nonce")))
        account = self.account(name, _ACCOUNT, "101200")
        digest = request.headers.get("x-qa-hmac-signature", "")
        if digest:
            self._verify(account, digest, timestamp, nonce)
        elif not _knows(account, *self._texts(fields, "password")):
            raise Refusal("101200")
        return account

    def _verify(self, account: Account, digest: str, timestamp: str, nonce: str) -> None:
        now, secret = self.world.clock(), account.settings.secret
        right = not secret or _same(digest, sign(secret, timestamp, nonce))
        old = account.profile.get("check_time", True) and abs(now - int(timestamp)) > _SKEW_S
        refuse(
            (not right or not re.fullmatch(r"[0-9a-f]{64}", digest), Refusal("101200", "签名错误")),
            (old, Refusal("101200", "timestamp 已失效")),
        )
        nonces: Nonces = account.memo.setdefault("nonces", Nonces(2 * _SKEW_S))
        refuse((not nonces.spend(nonce, now), Refusal("101200", "nonce 重复")))

    def _permit(self, request: Request, account: Account, name: str) -> None:
        self.permit(request, account, name, address="101203", denied=UNDOCUMENTED)
        refuse((account.profile.get("expired"), UNDOCUMENTED))


def message_of(refusal: Refusal) -> str:
    """What stands beside the code of a refusal."""
    return refusal.message or words(PROVIDER, refusal.code, f"错误{refusal.code}")


def sign(password: str, timestamp: str, nonce: str) -> str:
    """Return the ``X-QA-Hmac-Signature``: dossier section 3, steps 1 to 3."""
    key = hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()
    text = "".join("".join(sorted([key, timestamp, nonce])).split())
    return hmac.new(key.encode(), text.encode(), "sha256").hexdigest()


def _knows(account: Account, password: str) -> bool:
    """Whether that is the account's password; one registered without a secret does not check it."""
    return not account.settings.secret or _same(account.settings.secret, password)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def said(code: str | int, now: float, **fields: object) -> Answer:
    """Return an answer with a code, an id (empty unless given) and the time."""
    head = {"code": code, "msgId": "", "time": show_time(now, "%Y%m%d%H%M%S"), "errorMsg": ""}
    return json_answer(head | fields)


def call_id(first_sid: int) -> str:
    """Return the id all numbers of a call share: 32 digits, which no number type keeps whole."""
    return f"{first_sid:032d}"
