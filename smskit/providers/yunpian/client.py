"""
Yunpian 云片, SMS v2 HTTP API.

How people are cut into calls, what goes on the wire, what an answer says, the check.

Sources: yunpian.com/official/document (domestic_single_send, _batch_send,
_tpl_batch_send, _sms_record, pull_status, pull_reply, sign_*, tpl_*, account_get,
returnvalue_common), the official Java and Python SDKs; read 2026-11. Where the
documents are silent the safe reading is taken and is a setting below.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote_plus, urlencode

import numpy as np
import pyarrow as pa
from pydantic import Field, SecretStr

from smskit.audience.phones import national
from smskit.errors import BatchNotAllowed, NotAccepted, Refused, TemplateError
from smskit.i18n import Message, mark
from smskit.message.template import Form, Template
from smskit.models import Finding, Offer, Receipt, Record, Reply, Slice, Submission
from smskit.providers.base import Feature, Provider, unread_balance, with_remark
from smskit.providers.calls import Call, Job, Limits, runs
from smskit.providers.china import national_of
from smskit.providers.encoding import Bodies, ColumnEncoder, First, Joined, twice
from smskit.providers.http import Answer
from smskit.providers.pushes import Acknowledgement, Pushed
from smskit.providers.reading import UNREADABLE, Fields, decoded, rows_in
from smskit.providers.yunpian import reports
from smskit.settings import ProviderSettings

if TYPE_CHECKING:
    import httpx

_HEADERS = {
    "accept": "application/json;charset=utf-8",
    "content-type": "application/x-www-form-urlencoded;charset=utf-8",
}
_PAGE = 100  # most rows of a pull or record page
_MOST_NUMBERS = 1000  # in one batch request
# Codes that close one way of sending many at once, and not the account.
_CLOSED = {"multi_send": ("-6", "25", "-2", "-11", "55"), "batch_send": ("-6",)}


class YunpianSettings(ProviderSettings):
    """Yunpian's settings; each is ``SMSKIT_YUNPIAN_<NAME>``."""

    api_key: SecretStr
    base_url: str = "https://sms.yunpian.com"
    concurrency: int = Field(default=16, ge=1, le=256)
    batch_size: int = Field(
        default=200,
        ge=1,
        le=_MOST_NUMBERS,
        description=mark("1000 is the documented most, 200 what the documents recommend."),
    )
    multi_send: bool = Field(
        default=False,
        description=mark(
            "multi_send (different texts in one request) is missing from newer documents. Off: one request "
            "a person. On: used, and left as soon as Yunpian says it may not be."
        ),
    )
    text_units: int = Field(
        default=500, ge=1, description=mark("One page says 500 characters, the support desk 400.")
    )
    record_lag_s: float = Field(
        default=60.0, ge=0, description=mark("How soon a send shows in get_record is not documented.")
    )


class Yunpian(Provider, facts="yunpian"):
    """Yunpian 云片. Credential: the apikey (32 hex characters) of a sub-account."""

    name: ClassVar[str] = "yunpian"
    title: ClassVar[str] = Message("Yunpian 云片")
    spoken: ClassVar[str] = Message("Yunpian")
    console_url: ClassVar[str] = "https://www.yunpian.com/console"
    Settings: ClassVar[type[ProviderSettings]] = YunpianSettings
    features: ClassVar[frozenset[Feature]] = frozenset(Feature) - {Feature.RECEIPTS_BY_QUERY}
    form: ClassVar[Form] = Form.YUNPIAN
    signature_in_template: ClassVar[bool] = True
    acknowledges: ClassVar[Acknowledgement] = Acknowledgement(b"SUCCESS", "text/plain; charset=utf-8")
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
            unfit_words=Message("it holds 【 or 】, and a second pair of brackets is refused (code 16)"),
        )

    # -- sending -----------------------------------------------------------------

    def calls(self, job: Job, people: Slice) -> Iterator[Call]:
        """Same text: batch; different: multi_send where allowed, else one by one; each prepared by column."""
        writers: dict[str, Bodies] = {}
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

    def _writer(self, method: str, job: Job, people: Slice) -> Bodies:
        """Form bodies (without the apikey) for rows of *people*."""
        n = len(people.positions)
        mobiles = Joined([pa.array(national(people.phones)).cast(pa.large_string())], "%2C", n)
        if method == "multi_send":
            texts = Joined(self._twice.text(job.template, people), "%2C", n)
            return Bodies(b"mobile=", mobiles, b"&text=", texts)
        if method.startswith("tpl_"):
            values = Joined(_tpl_value(job.template, people, self._twice), "", n)
            tail = f"&tpl_id={quote_plus(job.template_id)}&tpl_value=".encode()
            return Bodies(b"mobile=", mobiles, tail, First(values))
        texts = Joined(self._once.text(job.template, people), "", n)
        return Bodies(b"mobile=", mobiles, b"&text=", First(texts))

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
            return [self.submission(error.code, detail=error.detail)]
        if call.method.endswith("single_send"):
            return [self.submission("0", message_id=Fields.of(data).id("sid"))]
        rows = Fields.of(data).rows("data")
        return self.by_person(call, rows, phone="mobile", code="code", message_id="sid", explain=_explain)

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
                error.message, provider=self.name, code=error.code, detail=error.detail
            ) from None

    def parse_answer(self, answer: Answer, *, keys: Sequence[str] = ()) -> Any:
        """
        Tell a good answer from a bad one; pure. The body decides, whatever the status.

        Raises:
            ProviderError: the subclass the code stands for.
        """
        data = self.json_of(answer)
        if not isinstance(data, dict if keys else (dict, list)):
            raise self.unclear(Message("an answer of an unknown shape"), answer)
        if isinstance(data, dict) and "code" in data and (code := Fields(data).code("code")) != "0":
            raise self.error(code, _explain(Fields(data)), answer)
        if not 200 <= answer.status < 300 or any(key not in data for key in keys):
            raise self.unclear(Message("HTTP {n} with an incomplete answer", n=answer.status), answer)
        return data

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
            fields: Form fields; None is left out.
        """
        form = {name: value for name, value in fields.items() if value is not None}
        return self.parse_answer(await self._post(path, urlencode(form).encode()), keys=keys)

    # -- the account, signatures, templates ----------------------------------------

    async def account(self) -> dict[str, Any]:
        """``user/get``: balance, allow-list and contacts."""
        return dict(await self.ask("user/get", keys=("balance",)))

    async def signatures(self, name: str = "") -> list[dict[str, Any]]:
        """``sign/get``: all signatures, or exactly 【name】."""
        data = await self.ask("sign/get", sign=f"【{name}】" if name else None)
        return _objects(data.get("sign") if isinstance(data, dict) else data)

    async def templates(self, template_id: str = "") -> list[dict[str, Any]]:
        """``tpl/get``: all templates, or one."""
        return _objects(await self.ask("tpl/get", tpl_id=template_id or None))

    # -- check -----------------------------------------------------------------------

    async def check_account(self) -> tuple[list[Finding], str]:
        """``user/get``, in Yunpian's own words."""
        account, credential = Fields(await self.account()), Finding("credential", True, "0", "OK")
        if (left := account.amount("balance")) is None:
            return [credential, unread_balance()], ""
        # Yuan by today's page, messages in accounts that are billed by the message.
        balance, empty = f"{account.text('balance')} 元或条", left <= 0
        step = self.code("3").next_step if empty else ""
        return [credential, Finding("balance", not empty, "3" if empty else "0", balance, step)], balance

    async def check_signature(self, name: str) -> Finding:
        """``sign/get``."""
        if not name:
            step = Message("Yunpian wants the signature in the text: give parameter `signature`.")
            return Finding("signature", False, "2", "text短信内容头部需要加签名", step)
        exact = [s for s in map(Fields, await self.signatures(name)) if s.text("sign").strip("【】") == name]
        if not exact:
            return Finding("signature", False, "15", f"【{name}】 “签名不匹配”", self.code("15").next_step)
        state = _sign_state(exact[0])
        ok = state in _SIGN_APPROVED
        wait = Message("Wait for the review in the console.")
        todo = "" if ok else with_remark(wait, exact[0].text("remark"))
        return Finding("signature", ok, "0" if ok else "15", f"【{name}】 {state}", todo)

    async def check_template(self, template_id: str, template: Template | None) -> tuple[Finding | None, str]:
        """``tpl/get``; a text needs no template id."""
        if not template_id:
            return None, ""
        found = await self.templates(template_id)
        row = next((t for t in map(Fields, found) if t.code("tpl_id") == template_id), None)
        if row is None:
            return Finding("template", False, "5", "未找到对应id的模板", self.code("5").next_step), ""
        text, state = row.text("tpl_content"), row.text("check_status")
        if state != "SUCCESS":
            reason = row.text("reason") or self.code("7").next_step
            return Finding(
                "template",
                False,
                "7",
                Message("template {code}: {state}", code=template_id, state=state),
                reason,
            ), text
        if template is not None and not self._same_text(text, template):
            return self.another_text("5", text), text
        return Finding(
            "template", True, "0", Message("template {code}: {state}", code=template_id, state=state)
        ), text

    def _same_text(self, theirs: str, ours: Template) -> bool:
        try:
            return Template.parse(theirs, form=self.form) == ours
        except TemplateError:  # a stock template such as 【#company#】…, which cannot be anybody's own
            return False

    def approved_form(self, job: Job) -> dict[str, str]:
        """As ``tpl/get`` would tell it."""
        return {
            "id": job.template_id or "1",
            "content": job.template.write(Form.YUNPIAN, with_signature=True),
        }

    async def template_text(self, template_id: str) -> str:
        """``tpl/get``: the text of one template."""
        for row in map(Fields, await self.templates(template_id)):
            if row.code("tpl_id") == template_id and (text := row.text("tpl_content")):
                return text
        raise self.no_template(template_id, "5")

    async def offered_signatures(self) -> list[Offer]:
        """``sign/get``."""
        rows = map(Fields, await self.signatures())
        states = ((row.text("sign").strip("【】"), _sign_state(row)) for row in rows)
        return [Offer(name, "", state in _SIGN_APPROVED, state) for name, state in states if name]

    async def offered_templates(self) -> list[Offer]:
        """``tpl/get``."""
        return [
            Offer(row.code("tpl_id"), row.text("tpl_content"), state == "SUCCESS", state)
            for row in map(Fields, await self.templates())
            if row.code("tpl_id")
            for state in (row.text("check_status"),)
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
        if decoded(answer.content) is UNREADABLE and b'"mobile"' in answer.content:
            # Cut short on the way: the rows are deleted there, so what came is kept.
            return answer.content
        rows = self.parse_answer(answer)
        if not isinstance(rows, list):
            raise self.unclear(Message("a page that is no list"), answer)
        return answer.content if rows else None

    def parse_receipts(self, body: bytes) -> list[Receipt]:
        """A page of ``pull_status``."""
        return reports.receipts(body)

    def parse_replies(self, body: bytes) -> list[Reply]:
        """A page of ``pull_reply``."""
        return reports.replies(body)

    def parse_push(self, body: bytes) -> Pushed:
        """Reports, or a reply that this account's key has signed."""
        return reports.pushed(body, self.settings.api_key.get_secret_value())

    async def records(self, phone: str, since: datetime, until: datetime) -> list[Record]:
        """``sms/get_record`` for one number; ``type=all``: some domestic ones are kept as international."""

        async def page_of(number: int) -> list[Record]:
            found = await self.ask(
                "sms/get_record",
                mobile=national_of(phone),
                start_time=reports.stamp(since),
                end_time=reports.stamp(until),
                page_num=number,
                page_size=_PAGE,
                type="all",
            )
            rows = [reports.record(Fields.of(row)) for row in rows_in(found) or ()]
            if not isinstance(found, list) or not all(row.phone and row.message_id for row in rows):
                raise self.unclear(Message("get_record answered no list of records"))
            return rows

        return await self.all_pages(page_of, _PAGE)


# A signature that applies for a channel of its own is approved already.
_SIGN_APPROVED = ("SUCCESS", "APLLYING_VIP", "APPLYING_VIP")


def _sign_state(row: Fields) -> str:
    return row.text("check_status", "apply_state")


def _objects(found: Any) -> list[dict[str, Any]]:
    """One object alone, or those of a list."""
    return [row for row in (found if isinstance(found, list) else [found]) if isinstance(row, dict)]


def _tpl_value(template: Template, people: Slice, column: ColumnEncoder) -> list[str | pa.Array]:
    pieces: list[str | pa.Array] = []
    for name in template.names:
        pair = quote_plus(quote_plus(f"#{name}#") + "=")
        pieces += [("%26" if pieces else "") + pair, column(people.variables[name])]
    return pieces or [""]


def _explain(data: Fields) -> str:
    msg, detail = data.text("msg"), data.text("detail")
    return detail if msg in detail else f"{msg} {detail}".strip()
