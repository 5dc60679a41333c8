"""
Example SSP 示例通道, an invented one, as a plug-in for smskit.

It can do two things a configuration of the generic provider cannot say:
different texts travel in one request, and the request is signed over its
fields sorted by name. Copy this file, and change what your SSP does otherwise.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from smskit.audience.phones import redact
from smskit.message.template import Template
from smskit.models import About, Code, CodeClass, Finding, Receipt, Submission
from smskit.providers import Call, Feature, Limits, Provider
from smskit.providers.http import Answer
from smskit.settings import ProviderSettings

_HEADERS = {"content-type": "application/json", "accept": "application/json"}
_DELIVERED = {"arrived": True, "failed": False}  # "underway" is not final


class ExampleSettings(ProviderSettings):
    """Settings of the example; each is ``SMSKIT_EXAMPLE_<NAME>``."""

    app_id: str
    secret: SecretStr
    base_url: str = "https://sms.example-ssp.example"
    batch_size: int = Field(default=100, ge=1, le=100)


class ExampleSsp(Provider):
    """Example SSP 示例通道. Credentials: app id and secret."""

    name: ClassVar[str] = "example"
    title: ClassVar[str] = "Example SSP 示例通道"
    Settings: ClassVar[type[ProviderSettings]] = ExampleSettings
    features: ClassVar[frozenset[Feature]] = frozenset({Feature.RECEIPTS, Feature.BALANCE})
    page_size: ClassVar[int] = 100
    # Only what the SSP's document lists. Everything else is unknown, and never sent again by itself.
    codes: ClassVar[Mapping[str, Code]] = {
        "OK": Code(CodeClass.ACCEPTED, "已受理"),
        "N01": Code(CodeClass.REFUSED, "号码错误"),
        "T01": Code(CodeClass.REFUSED, "内容含敏感词", "Take the word out of the text.", about=About.TEXT),
        "N02": Code(CodeClass.LATER, "同一号码过频", retry_after_s=30.0),
        "S01": Code(CodeClass.RETRY, "系统繁忙", retry_after_s=2.0),
        "A01": Code(CodeClass.ACCOUNT, "余额不足", "Top up the account."),
        "A02": Code(CodeClass.ACCOUNT, "验签失败", "Look at SMSKIT_EXAMPLE_APP_ID and _SECRET."),
    }

    settings: ExampleSettings

    @property
    def limits(self) -> Limits:
        """A request carries a text for each number, so equal and different ones fit alike."""
        size = self.settings.batch_size
        return Limits(same=size, different=size, text_units=500)

    # -- sending ---------------------------------------------------------------------

    async def submit(self, call: Call) -> list[Submission]:
        """Send one call; see the contract."""
        messages = [{"to": m.phone, "text": m.text} for m in call.messages]
        answer = await self._post("/send", messages=messages, tag=call.job.reference)
        return self.parse_submission(answer, call)

    def parse_submission(self, answer: Answer, call: Call) -> list[Submission]:
        """Each message's own result, found by its number; pure."""
        data = self._good(answer)
        rows = data.get("results")
        if not isinstance(rows, list):
            raise self.unclear("an answer without results", answer)
        by_phone = {str(row.get("to")): row for row in rows if isinstance(row, dict)}
        return [self._result(by_phone.get(phone)) for phone in call.phones]

    def _result(self, row: Mapping[str, Any] | None) -> Submission:
        if row is None:
            return Submission(CodeClass.UNKNOWN, detail="the answer does not mention this number")
        message_id = row.get("id")  # accepted without one is unknown: no report would ever match
        return self.submission(
            str(row.get("code")),
            message_id=message_id if isinstance(message_id, str) else "",
            detail=str(row.get("why") or ""),
        )

    # -- one request -------------------------------------------------------------------

    async def _post(self, path: str, **fields: Any) -> Answer:
        body = {"app": self.settings.app_id, "time": int(time.time()), **fields}
        body["sign"] = request_digest(body, self.settings.secret.get_secret_value())
        content = json.dumps(body, ensure_ascii=False).encode()
        return await self.door.send("POST", self.settings.base_url + path, headers=_HEADERS, content=content)

    def _good(self, answer: Answer) -> dict[str, Any]:
        """The body of an answer with code OK; every other is raised as the error it stands for."""
        try:
            data = json.loads(answer.content)
        except (ValueError, RecursionError):
            raise self.unclear(f"HTTP {answer.status} without JSON", answer) from None
        if not isinstance(data, dict) or not isinstance(data.get("code"), str) or answer.status != 200:
            raise self.unclear(f"HTTP {answer.status} with an answer of another shape", answer)
        if data["code"] != "OK":
            raise self.error(data["code"], redact(str(data.get("why") or "")), answer)
        return data

    # -- looking, and afterwards -----------------------------------------------------------

    async def check_account(self) -> tuple[list[Finding], str]:
        """Credential and balance."""
        left = self._good(await self._post("/account")).get("left")
        enough = isinstance(left, int) and left > 0
        code, step = ("OK", "") if enough else ("A01", self.code("A01").next_step)
        money = Finding("balance", enough, code, f"{left} 条", step)
        return [Finding("credential", True, "OK", "OK"), money], str(left)

    async def check_signature(self, name: str) -> Finding:
        """Not to be asked about: judged when a message is sent."""
        return Finding("signature", True, "", "judged when sending")

    async def check_template(self, template_id: str, template: Template | None) -> tuple[Finding | None, str]:
        """There are none to ask about."""
        return None, ""

    async def pull_receipts(self) -> bytes | None:
        """A page as it came: what was read is gone there."""
        answer = await self._post("/reports", most=self.page_size)
        return answer.content if self._good(answer).get("reports") else None

    def parse_receipts(self, body: bytes) -> list[Receipt]:
        """What a page holds; pure. A row that names nobody is left out."""
        return [
            Receipt(
                message_id=str(row["id"]),
                phone=str(row["to"]),
                delivered=_DELIVERED.get(str(row.get("state"))),
                code=str(row.get("state")),
                detail=redact(str(row.get("why") or "")),
                at=datetime.fromtimestamp(row["at"], UTC) if isinstance(row.get("at"), int) else None,
            )
            for row in json.loads(body)["reports"]
            if isinstance(row, dict) and row.get("id") and row.get("to")
        ]


def request_digest(body: Mapping[str, Any], secret: str) -> str:
    """
    SHA-256 over ``name=value`` of all fields sorted by name, values as JSON, and the secret behind them.

    >>> request_digest({"time": 1780000000, "app": "app-0001"}, "made-up")[:16]
    'c4b3dad81647baa0'
    """
    fields = "&".join(f"{name}={json.dumps(body[name], ensure_ascii=False)}" for name in sorted(body))
    return hashlib.sha256(f"{fields}&{secret}".encode()).hexdigest()
