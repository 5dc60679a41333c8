"""
What all Yunpian methods share: who is calling, errors, numbers.

Order of checks: dossier section 17, steps 1 to 3; the rest is each method's own.
"""

from __future__ import annotations

import re
from typing import ClassVar

import orjson

from smskit.simulator.accounts import Limits
from smskit.simulator.dialect import Call, Dialect, NumberCodes, Refusal, Wording, answers, words
from smskit.simulator.wire import FORM, Answer, Request, form

PROVIDER = "yunpian"

_APIKEY = re.compile(r"[0-9a-fA-F]{32}")
_ACCEPTABLE = ("*/*", "application/json", "application/*")


class Yunpian(Dialect):
    """Lets a call in, and words every refusal."""

    provider: ClassVar[str] = PROVIDER
    too_fast: ClassVar[str] = "-5"
    missing: ClassVar[Wording] = Wording("1", "参数 {name} 必须传入")
    malformed: ClassVar[Wording] = Wording("2", "参数 {name} 格式不正确，{name}:{value}")
    no_number: ClassVar[Wording] = malformed
    # Without "+" it is a mainland number; so a bare 86 prefix is malformed, while +86 is fine.
    home: ClassVar[re.Pattern[str]] = re.compile(r"(?:\+86)?(1[3-9][0-9]{9})")
    abroad: ClassVar[re.Pattern[str] | None] = re.compile(r"\+([1-9][0-9]{6,14})")
    numbers: ClassVar[NumberCodes] = NumberCodes("20", "23", "23", "10")
    # Dossier section 12. The window of code 53 is not documented, so it is off.
    limits: ClassVar[Limits] = Limits(
        same_30s=1,
        same_5min=3,
        same_day=5,
        code_30s=1,
        code_hour=3,
        code_day=10,
        any_minute=0,
        any_hour=0,
        any_day=30,
    )

    def refused(self, refusal: Refusal) -> Answer:
        """The error object of a refused call; HTTP 400 for every documented failure."""
        status = refusal.status or 400
        return Answer(orjson.dumps({"http_status_code": status, **entry(refusal)}), status)

    def admit(self, request: Request, name: str) -> Call:
        # One by one, since this is asked for every call, and refusals take their time to make.
        if request.method != "POST":
            raise Refusal(11, "接口不支持GET方式调用", status=405)
        if request.media_type != FORM:
            raise Refusal(-7, f"Content-Type 须为 {FORM}", status=415)
        accept = request.headers.get("accept", "")
        if accept and not any(kind in accept for kind in _ACCEPTABLE):
            raise Refusal(-7, "Accept 须为 application/json", status=406)
        fields = form(request.body)
        if not fields.get("apikey"):
            raise self.missing.refusal("apikey")
        account = self.account(fields["apikey"], _APIKEY, -1)
        address = f"IP {request.client}未加入白名单,可在后台‘系统设置->IP白名单设置’里添加"
        self.permit(request, account, name, address=Refusal(-3, address), denied="-2", fast="-5")
        return Call(self, request, account, fields)


def entry(refusal: Refusal) -> dict[str, object]:
    """A refusal as it stands in an error object, and in the ``data`` of a batch."""
    known = answers(PROVIDER).get(refusal.code)
    msg = words(PROVIDER, refusal.code, f"错误{refusal.code}")
    detail = refusal.message or (known.answer_detail if known else "") or msg
    return {"code": int(refusal.code), "msg": msg, "detail": detail}
