"""
Yunpian 云片, SMS v2 HTTP API.

How people are cut into calls, what goes on the wire, what an answer says, the check.

Sources: yunpian.com/official/document (domestic_single_send, _batch_send,
_tpl_batch_send, _sms_record, pull_status, pull_reply, sign_*, tpl_*, account_get,
returnvalue_common), the official Java and Python SDKs; read 2026-11. Where the
documents are silent the safe reading is taken and is a setting below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar
from urllib.parse import quote_plus, urlencode

import httpx
import numpy as np
import orjson
import pyarrow as pa
from pydantic import Field, SecretStr

from smskit.audience.phones import national, redact
from smskit.errors import (
    AccountProblem,
    BatchNotAllowed,
    NotAccepted,
    OutcomeUnknown,
    ProviderError,
    RateLimited,
    Refused,
    TemplateError,
)
from smskit.message.lint import TemplateRule
from smskit.message.opt_out import OptOutRule
from smskit.message.template import Form, Template, Var
from smskit.models import (
    CheckResult,
    Code,
    CodeClass,
    Finding,
    Offer,
    Receipt,
    Record,
    Reply,
    Slice,
    Submission,
)
from smskit.providers.base import Call, Feature, Job, Limits, Provider, runs
from smskit.providers.codes import ANSWER, code_tables
from smskit.providers.console import console_of
from smskit.providers.encoding import ColumnEncoder, Joined, twice
from smskit.providers.http import Answer
from smskit.providers.yunpian import reports
from smskit.settings import ProviderSettings

_HEADERS = {
    "accept": "application/json;charset=utf-8",
    "content-type": "application/x-www-form-urlencoded;charset=utf-8",
}
_PAGE = 100  # most rows of a pull or record page
_MOST_NUMBERS = 1000  # in one batch request
# Codes that close one way of sending many at once, and not the account.
_CLOSED = {"multi_send": ("-6", "25", "-2", "-11", "55"), "batch_send": ("-6",)}


_CONSOLE = console_of("yunpian")


class YunpianSettings(ProviderSettings):
    """Yunpian's settings; each is ``SMSKIT_YUNPIAN_<NAME>``."""

    api_key: SecretStr
    base_url: str = "https://sms.yunpian.com"
    concurrency: int = Field(default=16, ge=1, le=256)
    # 1000 is the documented most, 200 what the documents recommend.
    batch_size: int = Field(default=200, ge=1, le=_MOST_NUMBERS)
    # multi_send (different texts in one request) is missing from newer documents.
    # Off: one request a person. On: used, and left as soon as Yunpian says it may not be.
    multi_send: bool = False
    # One page says 500 characters, the support desk 400.
    text_units: int = Field(default=500, ge=1)
    # How soon a send shows in get_record is not documented.
    record_lag_s: float = Field(default=60.0, ge=0)


class Yunpian(Provider):
    """Yunpian 云片. Credential: the apikey (32 hex characters) of a sub-account."""

    name: ClassVar[str] = "yunpian"
    title: ClassVar[str] = "Yunpian 云片"
    console_url: ClassVar[str] = "https://www.yunpian.com/console"
    console_steps: ClassVar[tuple[str, ...]] = _CONSOLE.steps
    Settings: ClassVar[type[ProviderSettings]] = YunpianSettings
    features: ClassVar[frozenset[Feature]] = frozenset(Feature) - {Feature.RECEIPTS_BY_QUERY}
    codes: ClassVar[Mapping[str, Code]] = code_tables("yunpian")[ANSWER]
    form: ClassVar[Form] = Form.YUNPIAN
    signature_in_template: ClassVar[bool] = True
    template_rules: ClassVar[tuple[TemplateRule, ...]] = _CONSOLE.template_rules
    opt_out: ClassVar[OptOutRule] = _CONSOLE.opt_out
    page_size: ClassVar[int] = _PAGE
    rehearsal: ClassVar[Mapping[str, Any]] = {"api_key": "0123456789abcdef0123456789abcdef"}

    settings: YunpianSettings

    def __init__(
        self, settings: ProviderSettings, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        super().__init__(settings, transport=transport)
        self.record_lag_s = self.settings.record_lag_s
        self._batch = self.settings.batch_size > 1
        self._multi = self._batch and self.settings.multi_send
        self._once = ColumnEncoder(quote_plus)
        self._twice = ColumnEncoder(twice)

    @property
    def limits(self) -> Limits:
        """Equal texts up to ``batch_size``; different ones as many only by multi_send."""
        size = self.settings.batch_size
        return Limits(
            same=size if self._batch else 1,
            different=size if self._multi else 1,
            text_units=self.settings.text_units,
            unfit_value="[【】]",
            unfit_words="it holds 【 or 】, and a second pair of brackets is refused (code 16)",
        )

    # -- sending -----------------------------------------------------------------

    def calls(self, job: Job, people: Slice) -> Iterator[Call]:
        """Same text: batch; different: multi_send where allowed, else one by one; each prepared by column."""
        writers: dict[str, Callable[[int, int], bytes]] = {}
        for first, last, equal in runs(people, self.limits):
            start = first
            while start < last:
                # Asked for each call anew: Yunpian may have said meanwhile that a method is not open.
                method, size = self._method(job, last - start, equal=equal)
                if method not in writers:
                    writers[method] = self._writer(method, job, people)
                end = min(start + size, last)
                yield Call(job, people, np.arange(start, end), method, writers[method](start, end))
                start = end

    def _method(self, job: Job, left: int, *, equal: bool) -> tuple[str, int]:
        """The method for people of one run, *left* in number, and how many of them fit into a call."""
        tpl = "tpl_" if job.template_id else ""
        if equal and left > 1 and self._batch:
            return f"{tpl}batch_send", self.settings.batch_size
        if not equal and self._multi:
            # There is no template call for different values: Yunpian matches the full text.
            return "multi_send", self.settings.batch_size
        return f"{tpl}single_send", 1

    async def submit(self, call: Call) -> list[Submission]:
        """Send one call; see the contract."""
        body = call.body or self._writer(call.method, call.job, call.people.take(call.rows))(0, len(call))
        answer = await self._post(f"sms/{call.method}", body)
        return self.parse_submission(answer, call)

    def _writer(self, method: str, job: Job, people: Slice) -> Callable[[int, int], bytes]:
        """A function ``(first, last) -> form body`` (without the apikey) for rows of *people*."""
        n = len(people.positions)
        mobiles = Joined([pa.array(national(people.phones)).cast(pa.large_string())], "%2C", n)
        if method == "multi_send":
            texts = Joined(_encoded(job.template, people, twice, self._twice), "%2C", n)
            return lambda a, b: b"mobile=" + mobiles[a:b] + b"&text=" + texts[a:b]
        if method.startswith("tpl_"):
            values = Joined(_tpl_value(job.template, people, self._twice), "", n)
            tail = f"&tpl_id={quote_plus(job.template_id)}&tpl_value=".encode()
            return lambda a, b: b"mobile=" + mobiles[a:b] + tail + values[a : a + 1]
        texts = Joined(_encoded(job.template, people, quote_plus, self._once), "", n)
        return lambda a, b: b"mobile=" + mobiles[a:b] + b"&text=" + texts[a : a + 1]

    def parse_submission(self, answer: Answer, call: Call) -> list[Submission]:
        """
        Judge each message by its own code; pure.

        A batch answer has no code of its own, and says who by number, in any order.
        """
        try:
            data = self._read(answer, call)
        except Refused as error:
            if len(call) > 1:
                raise
            return [Submission(self.code(error.code).kind, "", error.code, error.detail)]
        if call.method.endswith("single_send"):
            return [Submission(CodeClass.ACCEPTED, reports.message_id(data["sid"]), "0")]
        found = data["data"]
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise self._unclear("an answer of an unknown shape", answer)
        asked = [str(number) for number in national(call.people.phones[call.rows]).tolist()]
        if [item.get("mobile") for item in found] == asked and all(item.get("code") == 0 for item in found):
            return [
                Submission(CodeClass.ACCEPTED, reports.message_id(item.get("sid")), "0") for item in found
            ]
        items = {str(item.get("mobile", "")).removeprefix("+86"): item for item in found}
        return [self._item(items.get(number)) for number in asked]

    def _item(self, item: Mapping[str, Any] | None) -> Submission:
        if item is None:
            return Submission(CodeClass.UNKNOWN, detail="the answer does not mention this number")
        code = str(item.get("code"))
        if code == "0":
            return Submission(CodeClass.ACCEPTED, reports.message_id(item.get("sid")), code)
        return Submission(self.code(code).kind, "", code, _explain(item))

    def _read(self, answer: Answer, call: Call) -> Any:
        """The body of a good answer; everything else as the error its code stands for."""
        single = call.method.endswith("single_send")
        try:
            return self.parse_answer(answer, keys=("sid",) if single else ("data",))
        except NotAccepted as error:
            if error.code not in _CLOSED.get(call.method.removeprefix("tpl_"), ()):
                raise
            # The method is closed to this account, or unknown to it, which is not the end of the account.
            self._multi = False
            self._batch = self._batch and call.method == "multi_send"
            raise BatchNotAllowed(
                str(error), provider=self.name, code=error.code, detail=error.detail
            ) from None

    def parse_answer(self, answer: Answer, *, keys: Sequence[str] = ()) -> Any:
        """
        Tell a good answer from a bad one; pure. The body decides, whatever the status.

        Raises:
            ProviderError: the subclass the code stands for.
        """
        try:
            data = orjson.loads(answer.content)
        except orjson.JSONDecodeError:
            raise self._unclear(f"HTTP {answer.status} without JSON", answer) from None
        if not isinstance(data, dict if keys else (dict, list)):
            raise self._unclear("an answer of an unknown shape", answer)
        if isinstance(data, dict) and data.get("code", 0) != 0:
            raise self._error(data, answer.status)
        if not 200 <= answer.status < 300 or any(key not in data for key in keys):
            raise self._unclear(f"HTTP {answer.status} with an incomplete answer", answer)
        return data

    def _unclear(self, what: str, answer: Answer) -> OutcomeUnknown:
        return OutcomeUnknown(f"yunpian: {what}", provider=self.name, detail=what, http_status=answer.status)

    def _error(self, data: Mapping[str, Any], status: int) -> ProviderError:
        code, detail = str(data["code"]), _explain(data)
        known = self.code(code)
        words = self.in_words(code, detail, known.next_step)
        facts: dict[str, Any] = {"provider": self.name, "code": code, "detail": detail, "http_status": status}
        if known.kind is CodeClass.RETRY:
            return RateLimited(words, retry_after_s=known.retry_after_s, **facts)
        kinds: dict[CodeClass, type[ProviderError]] = {
            CodeClass.ACCOUNT: AccountProblem,
            CodeClass.REFUSED: Refused,
            CodeClass.LATER: Refused,
        }
        return kinds.get(known.kind, OutcomeUnknown)(words, **facts)

    async def _post(self, path: str, body: bytes) -> Answer:
        key = quote_plus(self.settings.api_key.get_secret_value()).encode()
        url = f"{self.settings.base_url}/v2/{path}.json"
        form = b"apikey=" + key + (b"&" + body if body else b"")
        return await self.door.send("POST", url, headers=_HEADERS, content=form)

    async def ask(self, path: str, *, keys: Sequence[str] = (), **fields: Any) -> Any:
        """
        Call any v2 method, e.g. ``ask("tpl/get", tpl_id=1)``; answers the decoded body.

        Args:
            keys: Names a good answer, an object, must hold.
            fields: Form fields; None is left out, booleans become true/false, a list repeats the field.
        """
        form = {
            name: str(value).lower() if isinstance(value, bool) else value
            for name, value in fields.items()
            if value is not None
        }
        return self.parse_answer(await self._post(path, urlencode(form, doseq=True).encode()), keys=keys)

    # -- the account, signatures, templates, short links ---------------------------

    async def account(self) -> dict[str, Any]:
        """``user/get``: balance, allow-list and contacts."""
        return dict(await self.ask("user/get", keys=("balance",)))

    async def change_account(self, **fields: Any) -> dict[str, Any]:
        """``user/set``: emergency_contact, emergency_mobile, alarm_balance."""
        return dict(await self.ask("user/set", **fields))

    async def signatures(self, name: str = "") -> list[dict[str, Any]]:
        """``sign/get``: all signatures, or exactly 【name】."""
        data = await self.ask("sign/get", sign=f"【{name}】" if name else None)
        found = data.get("sign") if isinstance(data, dict) else data
        return [found] if isinstance(found, dict) else list(found or ())

    async def add_signature(self, name: str, **fields: Any) -> dict[str, Any]:
        """``sign/add``: hand a signature in for review."""
        return dict(await self.ask("sign/add", sign=name, **fields))

    async def change_signature(self, old: str, **fields: Any) -> dict[str, Any]:
        """``sign/update``: what is left out falls back to Yunpian's defaults."""
        return dict(await self.ask("sign/update", old_sign=old, **fields))

    async def templates(self, template_id: str = "", *, default: bool = False) -> list[dict[str, Any]]:
        """``tpl/get``, or ``tpl/get_default`` for Yunpian's own ones."""
        data = await self.ask("tpl/get_default" if default else "tpl/get", tpl_id=template_id or None)
        return [data] if isinstance(data, dict) else list(data)

    async def add_template(self, text: str, *, verification: bool = False, **fields: Any) -> dict[str, Any]:
        """``tpl/add``: hand a template in for review."""
        kind = int(verification)  # the documents spell the field both ways
        return dict(await self.ask("tpl/add", tpl_content=text, tplType=kind, tpl_type=kind, **fields))

    async def change_template(self, template_id: str, text: str, **fields: Any) -> dict[str, Any]:
        """``tpl/update``: goes back to review."""
        data = await self.ask("tpl/update", tpl_id=template_id, tpl_content=text, **fields)
        return dict(data.get("template", data))

    async def delete_template(self, template_id: str) -> dict[str, Any]:
        """``tpl/del``."""
        return dict(await self.ask("tpl/del", tpl_id=template_id))

    async def daily_total(self, day: datetime) -> dict[str, Any]:
        """``sms/get_total_fee``: counts and cost of a past day."""
        return dict(await self.ask("sms/get_total_fee", date=day.strftime("%Y-%m-%d")))

    async def registration_complete(self, mobile: str, time: str) -> dict[str, Any]:
        """``sms/reg_complete``: tell Yunpian that a registration succeeded."""
        return dict(await self.ask("sms/reg_complete", mobile=mobile, time=time))

    async def shorten(self, long_url: str, **fields: Any) -> dict[str, Any]:
        """``short_url/shorten``; Yunpian allows one a second."""
        return dict(await self.ask("short_url/shorten", long_url=long_url, **fields))

    async def clicks(self, sid: str, **fields: Any) -> dict[str, Any]:
        """``short_url/stat``: clicks in steps of ten minutes."""
        return dict(await self.ask("short_url/stat", sid=sid, **fields))

    # -- check -----------------------------------------------------------------------

    async def check(
        self, *, signature: str = "", template_id: str = "", template: Template | None = None
    ) -> CheckResult:
        """Credential and balance, signature, template: in Yunpian's own words; sends nothing."""
        findings: list[Finding] = []
        try:
            account = await self.account()
        except ProviderError as error:
            return CheckResult(self.name, False, (self._failed("credential", error),))
        balance = str(account["balance"])
        findings.append(Finding("credential", True, "0", "OK"))
        empty = not _is_positive(balance)
        step = self.code("3").next_step if empty else ""
        findings.append(Finding("balance", not empty, "3" if empty else "0", balance, step))
        if signature:
            findings.append(await self._check_signature(signature))
        elif template is not None:
            step = "Yunpian wants the signature in the text: give parameter `signature`."
            findings.append(Finding("signature", False, "2", "text短信内容头部需要加签名", step))
        text = ""
        if template_id:
            finding, text = await self._check_template(template_id, template)
            findings.append(finding)
        return CheckResult(self.name, all(f.ok for f in findings), tuple(findings), text, balance)

    async def _check_signature(self, name: str) -> Finding:
        try:
            found = await self.signatures(name)
        except ProviderError as error:
            return self._failed("signature", error)
        exact = [s for s in found if str(s.get("sign", "")).strip("【】") == name]
        if not exact:
            return Finding("signature", False, "15", f"【{name}】 “签名不匹配”", self.code("15").next_step)
        state = _sign_state(exact[0])
        ok = state in _SIGN_APPROVED
        step = "" if ok else f"Wait for the review in the console. {exact[0].get('remark') or ''}".strip()
        return Finding("signature", ok, "0" if ok else "15", f"【{name}】 {state}", step)

    async def _check_template(self, template_id: str, template: Template | None) -> tuple[Finding, str]:
        try:
            found = await self.templates(template_id)
        except ProviderError as error:
            return self._failed("template", error), ""
        row = next((t for t in found if str(t.get("tpl_id")) == template_id), None)
        if row is None:
            return Finding("template", False, "5", "未找到对应id的模板", self.code("5").next_step), ""
        text, state = str(row["tpl_content"]), str(row.get("check_status"))
        if state != "SUCCESS":
            reason = row.get("reason") or self.code("7").next_step
            return Finding("template", False, "7", f"template {template_id}: {state}", str(reason)), text
        if template is not None and not self._same_text(text, template):
            step = f"Yunpian has: {text}. Use this text, or leave `template` empty to take it over."
            return Finding("template", False, "5", "the approved text is another one", step), text
        return Finding("template", True, "0", f"template {template_id}: SUCCESS"), text

    def _same_text(self, theirs: str, ours: Template) -> bool:
        try:
            return Template.parse(theirs, form=self.form) == ours
        except TemplateError:  # a stock template such as 【#company#】…, which cannot be anybody's own
            return False

    def _failed(self, what: str, error: ProviderError) -> Finding:
        step = (
            self.code(error.code).next_step
            if error.code
            else "Look at SMSKIT_YUNPIAN_BASE_URL and the network."
        )
        return Finding(what, False, error.code, error.detail or str(error), step)

    def approved_form(self, job: Job) -> dict[str, str]:
        """As ``tpl/get`` would tell it."""
        return {
            "id": job.template_id or "1",
            "content": job.template.write(Form.YUNPIAN, with_signature=True),
        }

    async def template_text(self, template_id: str) -> str:
        """``tpl/get``: the text of one template."""
        for row in await self.templates(template_id):
            if str(row.get("tpl_id")) == template_id:
                return str(row["tpl_content"])
        raise Refused(f"yunpian: there is no template {template_id}", provider=self.name, code="5")

    async def offered_signatures(self) -> list[Offer]:
        """``sign/get``."""
        states = (
            (str(row.get("sign", "")).strip("【】"), _sign_state(row)) for row in await self.signatures()
        )
        return [Offer(name, "", state in _SIGN_APPROVED, state) for name, state in states]

    async def offered_templates(self) -> list[Offer]:
        """``tpl/get``."""
        return [
            Offer(
                str(row["tpl_id"]),
                str(row["tpl_content"]),
                row.get("check_status") == "SUCCESS",
                str(row.get("check_status")),
            )
            for row in await self.templates()
        ]

    # -- afterwards --------------------------------------------------------------------

    async def pull_receipts(self) -> bytes | None:
        """``sms/pull_status``: what was read is deleted there, so the page is returned as it came."""
        return await self._pull("sms/pull_status")

    async def pull_replies(self) -> bytes | None:
        """``sms/pull_reply``: likewise."""
        return await self._pull("sms/pull_reply")

    async def _pull(self, path: str) -> bytes | None:
        answer = await self._post(path, f"page_size={_PAGE}".encode())
        rows = self.parse_answer(answer)
        if not isinstance(rows, list):
            raise self._unclear("a page that is no list", answer)
        return answer.content if rows else None

    def parse_receipts(self, body: bytes) -> list[Receipt]:
        """A page of ``pull_status`` (or the array of a push)."""
        return reports.receipts(body)

    def parse_replies(self, body: bytes) -> list[Reply]:
        """A page of ``pull_reply``."""
        return reports.replies(body)

    async def records(self, phone: str, since: datetime, until: datetime) -> list[Record]:
        """``sms/get_record`` for one number; ``type=all``: some domestic ones are kept as international."""
        found: list[Record] = []
        page = 1
        while True:
            rows = await self.ask(
                "sms/get_record",
                mobile=phone.removeprefix("+86"),
                start_time=reports.stamp(since),
                end_time=reports.stamp(until),
                page_num=page,
                page_size=_PAGE,
                type="all",
            )
            if not isinstance(rows, list) or not all(isinstance(r, dict) and "mobile" in r for r in rows):
                raise OutcomeUnknown("yunpian: get_record answered no list of records", provider=self.name)
            found += [reports.record(row) for row in rows]
            if len(rows) < _PAGE:
                return found
            page += 1


# A signature that applies for a channel of its own is approved already.
_SIGN_APPROVED = ("SUCCESS", "APLLYING_VIP", "APPLYING_VIP")


def _sign_state(row: Mapping[str, Any]) -> str:
    return str(row.get("check_status", row.get("apply_state", "")))


def _encoded(template: Template, people: Slice, quote: Any, column: ColumnEncoder) -> list[str | pa.Array]:
    values = {name: column(values) for name, values in people.variables.items()}
    head = f"【{template.signature}】" if template.signature else ""
    pieces: list[str | pa.Array] = [quote(head)] if head else []
    return pieces + [values[p.name] if isinstance(p, Var) else quote(p) for p in template.pieces]


def _tpl_value(template: Template, people: Slice, column: ColumnEncoder) -> list[str | pa.Array]:
    pieces: list[str | pa.Array] = []
    for name in template.names:
        pair = quote_plus(quote_plus(f"#{name}#") + "=")
        pieces += [("%26" if pieces else "") + pair, column(people.variables[name])]
    return pieces or [""]


def _explain(data: Mapping[str, Any]) -> str:
    msg, detail = str(data.get("msg") or ""), str(data.get("detail") or "")
    return redact(detail if msg in detail else f"{msg} {detail}".strip())


def _is_positive(amount: str) -> bool:
    try:
        return Decimal(amount) > 0
    except InvalidOperation:
        return False
