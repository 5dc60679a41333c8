"""
The Aliyun provider: how people are cut into calls, what goes on the wire, what the answers mean.

One call has one fate: Aliyun answers one ``Code`` and one ``BizId`` for all its
people, and no result a number. What became of each shows later, in a pushed
report or by asking number by number (``QuerySendDetails``).

Sources: help.aliyun.com 55284, 66041, 419274 (sending), 419276, 419277, 419279,
419288, 2807431 (queries, signatures, templates), package
alibabacloud-dysmsapi20170525 4.6.0; read 2026-11. Where the documents are
silent the safe reading is taken, and is a setting where it could be wrong.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import orjson

from smskit.errors import (
    AccountProblem,
    BatchNotAllowed,
    NotAccepted,
    ProviderError,
    RateLimited,
    Refused,
    TemplateError,
)
from smskit.i18n import Message
from smskit.message.template import Form, Template
from smskit.models import CodeClass, Finding, MessageClass, Offer, Receipt, Record, Slice, Submission
from smskit.providers.aliyun.reports import (
    is_biz_id,
    out_id,
    out_id_in,
    parse_push,
    receipt_of,
    record_of,
    rows_of,
    time_in,
)
from smskit.providers.aliyun.signing import pair
from smskit.providers.aliyun.wire import (
    MOST_DIFFERENT,
    AliyunSettings,
    Wire,
    build_request,
    json_percent,
    write_different,
    write_same,
)
from smskit.providers.base import LONGEST_WAIT_S, Feature, Provider, not_given
from smskit.providers.calls import Call, Job, Limits, runs
from smskit.providers.china import CHINA, national_of
from smskit.providers.encoding import Bodies, ColumnEncoder
from smskit.providers.http import Answer
from smskit.providers.pacing import Pacer
from smskit.providers.pushes import Acknowledgement, Pushed
from smskit.providers.reading import Fields, decoded, seconds_in
from smskit.settings import ProviderSettings

if TYPE_CHECKING:
    import httpx

_TEXT_UNITS = 500
_VALUE_UNITS = 35
_PAGE = 50  # most rows of a page of send details
_RECORD_DAYS = 30  # send details are kept that long

# What isv.UNSUPPORTED_CONTENT and isv.PARAM_NOT_SUPPORT_URL name and a pattern can tell: 【】, the symbols
# of the template rules, emoji, links. Traditional Chinese is named too, but people have such names.
_UNFIT_VALUE = r"[【】★※→•①-⑳\x{2600}-\x{27BF}\x{1F000}-\x{1FAFF}]|(?i:https?://|www\.)"

_NO_SUCH_ACTION = frozenset({"InvalidAction.NotFound", "InvalidApi.NotFound", "isv.INTERFACE_OFFLINE"})
_NOT_ALLOWED = frozenset({"Forbidden.RAM", "NoPermission", "isp.RAM_PERMISSION_DENY"})

_REVIEW = {"0": "审核中", "1": "审核通过", "2": "审核未通过", "10": "已取消审核"}
_FILING = {"3": "已报备", "1": "已报备", "-1": "报备中", "0": "报备失败", "2": "报备失效", "-2": "未报备"}
_CARRIERS = {"mobile": "移动", "unicom": "联通", "telecom": "电信"}


def _nonce() -> str:
    return secrets.token_hex(16)


class Aliyun(Provider, facts="aliyun"):
    """
    Aliyun 阿里云. Credential: the AccessKey of a RAM user that may use SMS.

    Args:
        nonce: Gives 32 hexadecimal digits, never the same twice.
    """

    name: ClassVar[str] = "aliyun"
    title: ClassVar[str] = Message("Aliyun 阿里云")
    spoken: ClassVar[str] = Message("Aliyun")
    console_url: ClassVar[str] = "https://dysms.console.aliyun.com"
    Settings: ClassVar[type[ProviderSettings]] = AliyunSettings
    features: ClassVar[frozenset[Feature]] = frozenset(
        {Feature.RECEIPTS_BY_QUERY, Feature.RECORDS, Feature.TEMPLATES, Feature.SIGNATURES}
    )
    form: ClassVar[Form] = Form.ALIYUN
    acknowledges: ClassVar[Acknowledgement] = Acknowledgement('{"code":0,"msg":"接收成功"}'.encode())
    rehearsal: ClassVar[Mapping[str, Any]] = {
        "access_key_id": "LTAI5tRehearsalKey000001",
        "access_key_secret": "RehearsalSecret000000000000001",
        "security_token": "",  # a person's own temporary one must not leak into a rehearsal
    }

    settings: AliyunSettings

    def __init__(
        self,
        settings: ProviderSettings,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        nonce: Callable[[], str] = _nonce,
    ) -> None:
        super().__init__(settings, transport=transport)
        self.record_lag_s = self.settings.record_lag_s
        self._nonce = nonce
        self._most = self.settings.batch_size
        self._encode = ColumnEncoder(json_percent)

    @property
    def limits(self) -> Limits:
        """Equal values up to ``batch_size``; different ones a hundred."""
        return Limits(
            same=self._most,
            different=min(self._most, MOST_DIFFERENT),
            text_units=_TEXT_UNITS,
            value_units=_VALUE_UNITS,
            unfit_value=_UNFIT_VALUE,
            unfit_words=Message(
                "it has more than {n} characters, or holds 【】, an emoji, a link or a symbol such as ★, "
                "which Aliyun refuses",
                n=_VALUE_UNITS,
            ),
        )

    # -- sending -----------------------------------------------------------------

    def calls(self, job: Job, people: Slice) -> Iterator[Call]:
        """Equal values: SendSms; different: SendBatchSms; each prepared by column."""
        for first, last, equal in runs(people, self.limits):
            method = "SendSms" if equal else "SendBatchSms"
            size = self.limits.same if equal else self.limits.different
            part = people if last - first == len(people.positions) else people.take(np.arange(first, last))
            write = self._writer(method, job, part)
            for start in range(0, last - first, size):
                end = min(start + size, last - first)
                yield Call(job, part, np.arange(start, end), method, write(start, end))

    async def submit(self, call: Call) -> list[Submission]:
        """Send one call; see the contract."""
        job = call.job
        fields = {"TemplateCode": job.template_id, "SignName": job.template.signature}
        for field, name in (("TemplateCode", "`template_id`"), ("SignName", "`signature`")):
            if not fields[field]:
                told = Message(
                    "{provider}: parameter {field} is empty; Aliyun sends nothing without it",
                    provider=self.called,
                    field=name,
                )
                raise Refused(told, provider=self.name, code=f"Missing{field}")
        method = call.method or _method_for(call)
        body = call.body or self._writer(method, job, call.people.take(call.rows))(0, len(call))
        query = [pair("OutId", out_id(job.reference, self._nonce()))]
        if method == "SendBatchSms":
            answer = await self._post(method, [*query, pair("TemplateCode", job.template_id)], body)
        else:
            answer = await self._post(method, [*query, *body.decode().split("&")])
        return self.parse_submission(answer, call)

    def _writer(self, method: str, job: Job, people: Slice) -> Bodies:
        """Encoded fields, without OutId, for rows of *people*."""
        write = write_different if method == "SendBatchSms" else write_same
        return write(job, people, self._encode, extend_code=self.settings.extend_code)

    def parse_submission(self, answer: Answer, call: Call) -> list[Submission]:
        """
        Judge a whole call by its one code; pure but for the size of later calls.

        Raises:
            ProviderError: the call was about more than one person, or not about this person at all.
        """
        try:
            data = self.parse_answer(answer, keys=("BizId",))
        except Refused as error:
            if len(call) == 1:
                return [Submission(self._kind(error), "", error.code, error.detail, error.known)]
            if error.code == "isv.MOBILE_COUNT_OVER_LIMIT":
                self._most = max(1, min(self._most, len(call) // 2))
                raise BatchNotAllowed(error.message, provider=self.name, code=error.code) from None
            raise
        return [self.submission("OK", message_id=Fields(data).id("BizId"))] * len(call)

    def _kind(self, error: Refused) -> CodeClass:
        """
        What a refusal means for the one number it was about.

        A number limited for the hour or the day is refused with Aliyun's words:
        the table's window is the minute's, and asking again each minute would be hammering.
        """
        known = self.code(error.code)
        window = known.retry_after_s or 0.0
        too_long = known.kind is CodeClass.LATER and limit_window_s(error.detail) > window
        return CodeClass.REFUSED if too_long else known.kind

    def parse_answer(self, answer: Answer, *, keys: Sequence[str] = ()) -> dict[str, Any]:
        """
        Tell a good answer from a bad one; pure. ``Code`` decides, whatever the HTTP status.

        Raises:
            ProviderError: the subclass the code stands for.
        """
        data = self.json_of(answer)
        if not isinstance(data, dict):
            raise self.unclear(Message("an answer of an unknown shape"), answer)
        code = Fields(data).code("Code", "code")
        if not code:
            raise self.unclear(Message("HTTP {n} without a code", n=answer.status), answer)
        if code != "OK":
            raise self._refusal(code, Fields(data), answer)
        if not 200 <= answer.status < 300 or any(not data.get(key) for key in keys):
            raise self.unclear(Message("HTTP {n} with an incomplete answer", n=answer.status), answer)
        return dict(data)

    def _refusal(self, code: str, data: Fields, answer: Answer) -> ProviderError:
        return self.error(
            code,
            _explain(data.text("Message", "message")),
            answer,
            request_id=data.id("RequestId", "requestId"),
            # The header counts milliseconds (as its SDK reads it).
            retry_after_s=seconds_in(answer.headers.get("x-acs-retry-after", ""), 1 / 1000),
        )

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    async def _post(self, action: str, query: Sequence[str], form: bytes = b"") -> Answer:
        wire = build_request(self.settings, action, query, form, at=self._now(), nonce=self._nonce())
        answer = await self.door.send("POST", wire.url, headers=wire.headers, content=wire.body)
        if b"SignatureDoesNotMatch" in answer.content:
            self._diagnose(answer, wire)
        return answer

    def _diagnose(self, answer: Answer, wire: Wire) -> None:
        """
        Say whose fault a wrong signature is: Aliyun may echo what it signed itself.

        Raises:
            AccountProblem: the echo equals ours, so only the secret can differ.
        """
        told = Fields.of(decoded(answer.content)).text("Message")
        echoed = told.partition("server string to sign is:")[2].strip()
        ours = self.door.without_secrets(wire.string_to_sign.encode()).decode()
        if echoed and echoed == ours:
            raise AccountProblem(
                Message(
                    "{provider}: SignatureDoesNotMatch, and Aliyun signed the very same text: "
                    "SMSKIT_ALIYUN_ACCESS_KEY_SECRET is not the secret of this AccessKeyId",
                    provider=self.called,
                ),
                provider=self.name,
                code="SignatureDoesNotMatch",
                detail=Message("the AccessKey secret is wrong"),
                http_status=answer.status,
            )

    async def ask(self, action: str, *, keys: Sequence[str] = (), **fields: Any) -> dict[str, Any]:
        """
        Call any action, e.g. ``ask("GetSmsTemplate", TemplateCode="SMS_1")``; answers the decoded body.

        Args:
            keys: Names a good answer must hold.
            fields: The action's fields; None is left out, mappings and lists become JSON.
        """
        query = [pair(name, _field(value)) for name, value in fields.items() if value is not None]
        return self.parse_answer(await self._post(action, query), keys=keys)

    # -- signatures and templates ----------------------------------------------------

    async def signature(self, name: str) -> dict[str, Any]:
        """``GetSmsSign``, or the older ``QuerySmsSign`` where the account has not got it."""
        return await self._newer_or_older("GetSmsSign", "QuerySmsSign", SignName=name)

    async def template(self, template_id: str) -> dict[str, Any]:
        """``GetSmsTemplate``, or the older ``QuerySmsTemplate`` where the account has not got it."""
        return await self._newer_or_older("GetSmsTemplate", "QuerySmsTemplate", TemplateCode=template_id)

    async def _newer_or_older(self, newer: str, older: str, **fields: Any) -> dict[str, Any]:
        try:
            return await self.ask(newer, **fields)
        except NotAccepted as error:
            # A RAM policy written before the new action existed names only the old one.
            if error.code not in _NO_SUCH_ACTION | _NOT_ALLOWED:
                raise
        return await self.ask(older, **fields)

    async def signatures(self) -> list[dict[str, Any]]:
        """``QuerySmsSignList``: all signatures of the account."""
        return await self._pages("QuerySmsSignList", "SmsSignList")

    async def templates(self) -> list[dict[str, Any]]:
        """``QuerySmsTemplateList``: all templates; the numbers of its ``TemplateType`` mean other kinds."""
        return await self._pages("QuerySmsTemplateList", "SmsTemplateList")

    async def _pages(self, action: str, key: str) -> list[dict[str, Any]]:
        async def page_of(number: int) -> list[dict[str, Any]]:
            return Fields(await self.ask(action, PageIndex=number, PageSize=_PAGE)).rows(key) or []

        return [row for row in await self.all_pages(page_of, _PAGE) if isinstance(row, dict)]

    # -- check -----------------------------------------------------------------------

    async def check_account(self) -> tuple[list[Finding], str]:
        """Any question that takes the credential; Aliyun tells no balance."""
        await self.ask("QuerySmsTemplateList", PageIndex=1, PageSize=1)
        return [Finding("credential", True, "OK", "OK")], ""

    async def check_signature(self, name: str) -> Finding:
        """The review of the signature, and its filing with the carriers, in Aliyun's own words."""
        if not name:
            needs = Message("Aliyun needs an approved signature: give parameter `signature`.")
            return not_given("signature", "MissingSignName", "SignName", needs)
        data = Fields(await self.signature(name))
        state = data.code("SignStatus")
        words = f"【{name}】 {_reviewed(state)}"
        if state != "1":
            code = "isv.SMS_SIGNATURE_ILLEGAL"
            return Finding(
                "signature", False, code, words, _reviewers_words(data) or self.code(code).next_step
            )
        filing = {
            row.code("OperatorCode"): row.code("RegisterStatus")
            for row in map(Fields.of, data.rows("SignIspRegisterDetailList") or ())
        }
        open_ = [_CARRIERS.get(c, c) for c, status in filing.items() if status not in ("1", "3")]
        if filing:
            filed = " ".join(f"{_CARRIERS.get(c, c)}{_FILING.get(s, s)}" for c, s in filing.items())
            words += f", “{filed}”"
        # Sending works before the carriers' filing is done, but they may block what is sent.
        names = " ".join(open_)
        step = Message("Carriers without filing may block messages: {names}.", names=names) if open_ else ""
        return Finding("signature", True, "OK", words, step)

    async def check_template(self, template_id: str, template: Template | None) -> tuple[Finding | None, str]:
        """The review of the template, in Aliyun's own words."""
        if not template_id:
            needs = Message(
                "Aliyun needs the id of an approved template (SMS_…): give parameter `template_id`."
            )
            return not_given("template", "MissingTemplateCode", "TemplateCode", needs), ""
        data = Fields(await self.template(template_id))
        text, state = data.text("TemplateContent"), data.code("TemplateStatus")
        words = f"template {template_id}: {_reviewed(state)}"
        code = "isv.SMS_TEMPLATE_ILLEGAL"
        if state != "1":
            step = _reviewers_words(data) or self.code(code).next_step
            return Finding("template", False, code, words, step), text
        try:
            theirs = Template.parse(text, form=self.form)
        except TemplateError as error:
            return Finding(
                "template", False, code, Message("the approved text cannot be read"), error.message
            ), text
        if template is not None and theirs.pieces != template.pieces:
            return self.another_text(code, text), text
        return Finding("template", True, "OK", words), text

    def approved_form(self, job: Job) -> dict[str, str]:
        """As the console would hold it: Aliyun keeps the text without the signature."""
        return {
            "id": job.template_id or "SMS_000000000",
            "content": job.template.write(self.form, with_signature=False),
            "kind": "marketing" if job.message_class is MessageClass.MARKETING else "notification",
        }

    async def template_text(self, template_id: str) -> str:
        """The text of one template, without the signature, variables as ``${name}``."""
        text = Fields(await self.template(template_id)).text("TemplateContent")
        if not text:
            told = Message("{provider}: template {code} has no text", provider=self.called, code=template_id)
            raise Refused(told, provider=self.name, code="isv.SMS_TEMPLATE_ILLEGAL")
        return text

    async def offered_signatures(self) -> list[Offer]:
        """``QuerySmsSignList``."""
        rows = map(Fields, await self.signatures())
        return [Offer(name, "", *_audited(row)) for row in rows if (name := row.text("SignName"))]

    async def offered_templates(self) -> list[Offer]:
        """``QuerySmsTemplateList``."""
        rows = map(Fields, await self.templates())
        return [
            Offer(code, row.text("TemplateContent"), *_audited(row))
            for row in rows
            if (code := row.code("TemplateCode"))
        ]

    # -- afterwards --------------------------------------------------------------------

    def parse_push(self, body: bytes) -> Pushed:
        """SmsReport and SmsUp."""
        return parse_push(body)

    async def records(self, phone: str, since: datetime, until: datetime) -> list[Record]:
        """``QuerySendDetails`` for one number, for every China day the time touches."""
        return [
            record_of(row)
            for day in _days(since, until, now=self._now())
            for row in await self._details(phone, day)
            if _within(time_in(row, "SendDate"), since, until)
        ]

    async def receipts_for(self, messages: Sequence[tuple[str, str, datetime]]) -> list[Receipt]:
        """
        Ask for the receipts of single messages; the way to them where nothing is pushed.

        One request a message and day, paced and as many at once as the settings
        say. Messages without a final word yet are left out.

        Args:
            messages: ``(message_id, phone, submitted_at)``: the id as `submit` or
                `records` gave it, the phone as E.164, the time aware.

        Raises:
            ProviderError: nothing could be asked; with some answers there, the rest is left for another time.
        """
        pacer = Pacer(self.settings.requests_per_second * 0.98)
        found: list[Receipt] = []
        problems: list[ProviderError] = []
        answered = 0
        waiting = iter(messages)

        async def work() -> None:
            nonlocal answered
            for message_id, phone, at in waiting:
                await asyncio.sleep(pacer.reserve(time.monotonic()))
                try:
                    found.extend(await self._receipts_of(message_id, phone, at))
                    answered += 1
                except RateLimited as error:
                    problems.append(error)
                    if (pause_s := error.retry_after_s or 1.0) > LONGEST_WAIT_S:
                        return
                    pacer.hold(time.monotonic(), pause_s)
                except Refused as error:
                    problems.append(error)  # about this number; the next may be answered
                except ProviderError as error:
                    problems.append(error)
                    return

        await asyncio.gather(*(work() for _ in range(self.settings.concurrency)))
        if problems and not answered:
            raise problems[0]
        return found

    async def _receipts_of(self, message_id: str, phone: str, at: datetime) -> list[Receipt]:
        biz_id = message_id if is_biz_id(message_id) else ""
        found: list[Receipt] = []
        for day in _days(at - _CLOCK_SKEW, at + _CLOCK_SKEW, now=self._now()):
            for row in await self._details(phone, day, biz_id=biz_id):
                if biz_id or row.text("OutId") == out_id_in(message_id):
                    receipt = receipt_of(row, message_id)
                    found += [receipt] if receipt.delivered is not None else []
        return found

    async def _details(self, phone: str, day: date, *, biz_id: str = "") -> list[Fields]:
        async def page_of(number: int) -> list[Fields]:
            data = await self.ask(
                "QuerySendDetails",
                PhoneNumber=national_of(phone),
                SendDate=day.strftime("%Y%m%d"),
                PageSize=_PAGE,
                CurrentPage=number,
                BizId=biz_id or None,
            )
            if (rows := rows_of(Fields(data))) is None:
                # What is not read would count as "no record", and the person get a second message.
                raise self.unclear(Message("an answer of an unknown shape"))
            return rows

        return await self.all_pages(page_of, _PAGE)


def limit_window_s(message: str) -> float:
    """
    How long a number stays limited, told from the text beside ``isv.BUSINESS_LIMIT_CONTROL``.

    Minute and hour are clock windows, so this is the longest they can last. A
    text that names no window is read as the longest one.

    >>> [limit_window_s(f"触发{grade}级流控Permits:1") for grade in ("分钟", "小时", "天")]
    [60.0, 3600.0, 86400.0]
    """
    return 60.0 if "分钟" in message else 3600.0 if "小时" in message else 86400.0


# Two companies' clocks: a message of just before midnight may be theirs of the next day.
_CLOCK_SKEW = timedelta(minutes=5)


def _days(since: datetime, until: datetime, *, now: datetime) -> list[date]:
    """The China days between two times that Aliyun still answers for."""
    first, last = (at.astimezone(CHINA).date() for at in (since, until))
    oldest = (now.astimezone(CHINA) - timedelta(days=_RECORD_DAYS)).date()
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return [day for day in days if day >= oldest]


def _within(at: datetime | None, since: datetime, until: datetime) -> bool:
    """
    Whether a record's time can be one between the two.

    That its times are China's is not documented. Read wrongly, a record would be
    overlooked and its message sent again, so a time that fits as UTC counts too.
    """
    if at is None:
        return True
    as_utc = at.astimezone(CHINA).replace(tzinfo=UTC)
    # Records tell whole seconds.
    return any(since - timedelta(seconds=1) <= t <= until for t in (at, as_utc))


def _method_for(call: Call) -> str:
    values = zip(*call.variables.values(), strict=True)
    return "SendSms" if len(set(values)) <= 1 else "SendBatchSms"


def _field(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return orjson.dumps(value).decode()
    return str(value).lower() if isinstance(value, bool) else str(value)


def _audited(row: Fields) -> tuple[bool, str]:
    state = row.text("AuditStatus")
    return state == "AUDIT_STATE_PASS", state


def _reviewed(state: str) -> str:
    """Aliyun's word on a signature or template, with its number."""
    return f"“{_REVIEW[state]}” ({state})" if state in _REVIEW else f"({state})"


def _reviewers_words(data: Fields) -> str:
    return data.within("AuditInfo").text("RejectInfo") or data.text("Reason")


def _explain(message: str) -> str:
    """Aliyun's words without what they echo: the signed text holds every number."""
    return message.partition("server string to sign is")[0].rstrip(" :,.")
