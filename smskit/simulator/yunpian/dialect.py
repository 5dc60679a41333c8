"""
What all Yunpian methods share: who is calling, errors, numbers, times, paging.

Order of checks: dossier section 17, steps 1 to 3; the rest is each method's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import ClassVar

import orjson

from smskit.simulator.book import is_mainland
from smskit.simulator.dialect import Dialect, FormCall, Refusal, answers, e164_of, read_time, words
from smskit.simulator.wire import FORM, Answer, Request, form

PROVIDER = "yunpian"

_APIKEY = re.compile(r"[0-9a-fA-F]{32}")
_ACCEPTABLE = ("*/*", "application/json", "application/*")


class Call(FormCall):
    """One call that was let in; a field that is missing is code 1, a malformed one code 2."""

    def missing(self, name: str) -> Refusal:
        return Refusal(1, f"参数 {name} 必须传入")

    def malformed(self, name: str, value: str) -> Refusal:
        return malformed(name, value)

    def time(self, name: str) -> float:
        """A time field, which must be there, as epoch seconds."""
        value = self.need(name)
        at = read_time(value, "%Y-%m-%d %H:%M:%S")
        if at is None:
            raise malformed(name, value)
        return at


Handler = Callable[[Call], Answer]


class Yunpian(Dialect[Call]):
    """Lets a call in, and words every refusal."""

    provider: ClassVar[str] = PROVIDER
    too_fast: ClassVar[str] = "-5"

    def refused(self, refusal: Refusal) -> Answer:
        """The error object of a refused call; HTTP 400 for every documented failure."""
        status = refusal.status or 400
        return Answer(orjson.dumps({"http_status_code": status, **entry(refusal)}), status)

    def size(self, request: Request) -> int:
        mobiles = form(request.body).get("mobile")
        return mobiles.count(",") + 1 if mobiles else 0

    def admit(self, request: Request, name: str) -> Call:
        if request.method != "POST":
            raise Refusal(11, "接口不支持GET方式调用", status=405)
        if request.media_type != FORM:
            raise Refusal(-7, f"Content-Type 须为 {FORM}", status=415)
        accept = request.headers.get("accept", "")
        if accept and not any(kind in accept for kind in _ACCEPTABLE):
            raise Refusal(-7, "Accept 须为 application/json", status=406)

        fields = form(request.body)
        apikey = fields.get("apikey")
        if not apikey:
            raise Refusal(1, "参数 apikey 必须传入")
        account = self.world.account(PROVIDER, apikey, plausible=_APIKEY.fullmatch(apikey) is not None)
        if account is None:
            raise Refusal(-1)
        address = f"IP {request.client}未加入白名单,可在后台‘系统设置->IP白名单设置’里添加"
        self.permit(request, account, name, address=Refusal(-3, address), denied="-2", fast="-5")
        return Call(self.world, request, account, fields)


def entry(refusal: Refusal) -> dict[str, object]:
    """A refusal as it stands in an error object, and in the ``data`` of a batch."""
    known = answers(PROVIDER).get(refusal.code)
    msg = words(PROVIDER, refusal.code, f"错误{refusal.code}")
    detail = refusal.message or (known.answer_detail if known else "") or msg
    return {"code": int(refusal.code), "msg": msg, "detail": detail}


def malformed(name: str, value: str) -> Refusal:
    """The refusal of a call whose field *name* holds *value*."""
    return Refusal(2, f"参数 {name} 格式不正确，{name}:{value}")


def phone_in(mobile: str) -> int | None:
    """
    A number as E.164 digits, or None when Yunpian does not take it for one.

    Without ``+`` it is a mainland number of 11 digits; so a bare 86 prefix is
    malformed, while ``+86`` is fine.
    """
    return e164_of(mobile[1:] if mobile.startswith("+") else "86" + mobile)


def show_phone(phone: int) -> str:
    """A number as Yunpian prints it: mainland without prefix, others with ``+``."""
    return str(phone)[2:] if is_mainland(phone) else f"+{phone}"


def answer(value: object) -> Answer:
    """A successful answer holding *value*."""
    return Answer(orjson.dumps(value))
