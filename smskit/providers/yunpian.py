"""
Yunpian 云片, SMS v2 HTTP API.

Everything Yunpian knows: how people are cut into calls, what goes on the wire,
what its answers and codes mean, how to read reports, replies and records.

Sources: yunpian.com/official/document (domestic_single_send, _batch_send,
_tpl_batch_send, _sms_record, pull_status, pull_reply, sign_*, tpl_*, account_get,
returnvalue_common), the official Java and Python SDKs; read 2026-11. Where the
documents are silent the safe reading is taken and is a setting below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar
from urllib.parse import quote_plus, urlencode

import httpx
import numpy as np
import orjson
import pyarrow as pa
from pydantic import Field, SecretStr

from smskit.doctor import Kind, TemplateRule
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
from smskit.models import (
    About,
    CheckResult,
    Code,
    CodeClass,
    Finding,
    MessageClass,
    Offer,
    Receipt,
    Record,
    Reply,
    Slice,
    Submission,
)
from smskit.optout import OptOutRule, Place
from smskit.phones import national, redact
from smskit.providers.base import Call, Feature, Job, Limits, Provider, runs
from smskit.providers.encoding import ColumnEncoder, Joined, twice
from smskit.providers.http import Answer
from smskit.settings import ProviderSettings
from smskit.template import Form, Template, Var

_CHINA = timezone(timedelta(hours=8))  # Yunpian writes naive times; taken as Asia/Shanghai
_HEADERS = {
    "accept": "application/json;charset=utf-8",
    "content-type": "application/x-www-form-urlencoded;charset=utf-8",
}
_PAGE = 100  # most rows of a pull or record page
_MOST_NUMBERS = 1000  # in one batch request
# Codes that close one way of sending many at once, and not the account.
_CLOSED = {"multi_send": ("-6", "25", "-2", "-11", "55"), "batch_send": ("-6",)}


def _table() -> dict[str, Code]:
    number, text, request = About.NUMBER, About.TEXT, About.REQUEST
    refused, later, retry = CodeClass.REFUSED, CodeClass.LATER, CodeClass.RETRY
    account, unknown = CodeClass.ACCOUNT, CodeClass.UNKNOWN
    ours = "A mistake in the request; please report it to the maintainers of smskit."
    rows: list[tuple[int, CodeClass, About, str, str, float | None]] = [
        (0, CodeClass.ACCEPTED, number, "发送成功", "", None),
        (1, refused, request, "请求参数缺失", ours, None),
        (
            2,
            refused,
            number,
            "请求参数格式错误",
            "Look at the number, and that the text starts with 【签名】.",
            None,
        ),
        (
            3,
            account,
            request,
            "账户余额不足",
            "Top up the account in the Yunpian console, then run again.",
            None,
        ),
        (4, refused, text, "关键词屏蔽", "Take the blocked word out of the template or the value.", None),
        (
            5,
            refused,
            text,
            "未找到匹配的模板",
            "The text must match an approved template word for word.",
            None,
        ),
        (6, refused, request, "添加模板失败", ours, None),
        (
            7,
            refused,
            text,
            "模板不可用",
            "The template is in review or was rejected; look in the console.",
            None,
        ),
        (8, later, number, "同一手机号30秒内重复提交相同的内容", "", 30.0),
        (9, later, number, "同一手机号5分钟内重复提交相同的内容超过3次", "", 300.0),
        (
            10,
            refused,
            number,
            "手机号防骚扰名单过滤",
            "This person is on Yunpian's do-not-disturb list.",
            None,
        ),
        # 11 meant "no GET" in old lists; a client that only POSTs can meet only the newer meaning.
        (11, refused, number, "用户号码防骚扰", "", None),
        (12, refused, request, "接口不支持POST方式调用", ours, None),
        (
            13,
            account,
            text,
            "营销短信暂停发送",
            "Carriers hold marketing messages now; run again hours later.",
            None,
        ),
        (14, refused, request, "解码失败", ours, None),
        (15, refused, text, "签名不匹配", "Use a signature that is approved for this account.", None),
        (16, refused, text, "签名格式不正确", "Only one 【】 may be in the text, at its front.", None),
        (17, later, number, "24小时内同一手机号发送次数超过限制", "", 86400.0),
        (18, refused, text, "签名校验失败", "Look at the signature in the console.", None),
        (19, refused, request, "请求已失效", ours, None),
        (20, refused, number, "不支持的国家地区", "", None),
        (21, refused, request, "解密失败", ours, None),
        (22, later, number, "1小时内同一手机号发送次数超过限制", "", 3600.0),
        (23, refused, number, "号码归属地不在模板可发送的地区内", "", None),
        (24, refused, request, "添加告警设置失败", ours, None),
        (25, refused, request, "手机号和内容个数不匹配", ours, None),
        (26, refused, request, "流量包错误", ours, None),
        (27, account, request, "未开通金额计费", "Ask Yunpian to switch on billing by money.", None),
        (28, later, number, "运营商错误", "", 5.0),
        (33, later, number, "超过频率", "", 30.0),
        (34, refused, request, "签名创建失败", ours, None),
        (
            40,
            account,
            request,
            "未开启白名单",
            "Switch on the IP allow-list in the console (系统设置).",
            None,
        ),
        (43, later, number, "一天内同一手机号发送次数超过限制", "", 86400.0),
        (48, refused, text, "参数长度超过限制", "Shorten the text.", None),
        (52, refused, text, "关键词屏蔽", "Take the blocked word out of the template or the value.", None),
        # The window behind 53 is not documented; an hour is the safe reading.
        (53, later, number, "手机号接收超过频率限制", "", 3600.0),
        (55, account, request, "服务已下线", "Ask Yunpian; this service is not offered any more.", None),
        (56, refused, number, "手机号码格式不正确", "", None),
        (58, refused, text, "短信内容变量参数格式错误", "A value does not fit its variable's kind.", None),
        (60, refused, text, "模版已失效，请重新提交模版", "Submit the template again in the console.", None),
        (-1, account, request, "非法的apikey", "Look at SMSKIT_YUNPIAN_API_KEY (console: 账户设置).", None),
        (-2, account, request, "API没有权限", "Ask Yunpian to open this API for the account.", None),
        (-3, account, request, "IP没有权限", "Add this machine's address in 系统设置 → IP白名单设置.", None),
        (-4, retry, request, "访问次数超限", "", 60.0),
        (-5, retry, request, "访问频率超限", "", 2.0),
        (-6, refused, request, "不支持批量发送", "Batch sending is not open for this account.", None),
        (-7, refused, request, "HTTP请求错误", ours, None),
        (-8, refused, request, "不支持流量业务", ours, None),
        (-11, account, request, "用户未开启该功能", "Switch the function on in the Yunpian console.", None),
        # Said by Yunpian of itself, without a word on whether the message was taken.
        (-50, unknown, request, "未知异常", "", None),
        (-51, retry, request, "系统繁忙", "", 2.0),
        (-52, refused, request, "充值失败", ours, None),
        (-53, unknown, request, "提交短信失败", "", None),
        (-54, refused, request, "记录已存在", ours, None),
        (-55, refused, request, "记录不存在", ours, None),
        (-56, refused, request, "赠送失败", ours, None),
        (-57, account, text, "无可用签名", "Have a signature approved in the console first.", None),
        (-62, account, request, "无效资质信息", "Complete the company's papers in the console.", None),
    ]
    return {str(c): Code(kind, meaning, step, after, about) for c, kind, about, meaning, step, after in rows}


_DOCUMENT = "yunpian.com/official/document"
_OPT_OUT = OptOutRule(
    place=Place.TEXT,
    source="yunpian.com names no wording for text messages; usual ones end with 退订 or 拒收请回复R",
    read_on=date(2026, 11, 22),
)
_TEMPLATE_RULES = (
    TemplateRule(
        kind=Kind.SIGNATURE_MISSING,
        en="The text begins with 【signature】 (code 2).",
        zh="短信和模板开头须带【签名】",
        source=f"{_DOCUMENT}: domestic_tpl_get, returnvalue_example",
    ),
    TemplateRule(
        kind=Kind.SIGNATURE_LENGTH,
        least=2,
        most=20,
        en="A signature has 2 to 20 characters.",
        zh="签名为2~20个字符",
        source=f"{_DOCUMENT}: domestic_sign_add",
    ),
    TemplateRule(
        kind=Kind.SIGNATURE_CHARSET,
        pattern="云片网",
        en="A signature does not hold 云片网.",
        zh="签名不能含“云片网”",
        source=f"{_DOCUMENT}: domestic_sign_add",
    ),
    TemplateRule(
        kind=Kind.DOUBLED_SIGNATURE,
        en="The signature stands in the text once, at its front (code 16).",
        zh="签名在短信中只出现一次，且须在最前",
        source=f"{_DOCUMENT}: returnvalue_common",
    ),
    TemplateRule(
        kind=Kind.BRACKETS_IN_BODY,
        en="Only one 【】 is in the text, at its front (code 16).",
        zh="短信中只能有一个【】，且须在最前",
        source=f"{_DOCUMENT}: returnvalue_common",
    ),
    TemplateRule(
        kind=Kind.LONGEST_TEXT,
        most=500,
        en="A message has 500 characters at most, signature included (code 48).",
        zh="短信含签名不超过500个字符",
        source=f"{_DOCUMENT}: en/domestic_single_send",
    ),
    TemplateRule(
        kind=Kind.LONGEST_TEXT,
        most=400,
        en="Yunpian's support says that 400 characters are the most.",
        zh="云片客服称最长400个字符",
        source="Yunpian's support desk, about 2018",
        severe=False,
    ),
    TemplateRule(
        kind=Kind.MUST_END_WITH,
        texts=(_OPT_OUT.wording, "回T退订", "回TD退订"),
        message_class=MessageClass.MARKETING,
        en="Marketing messages usually end with a way to opt out; no page of Yunpian demands a wording.",
        zh="营销短信通常以退订方式结尾，云片文档未规定固定写法",
        source="usual wordings; developer.qiniu.com/sms/5814/template-specification",
        severe=False,
    ),
)


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
    console_steps: ClassVar[tuple[str, ...]] = (
        "For marketing a company account with a marketing sub-account 营销子账号; notices go through a "
        "system one 系统子账号. Each has its own apikey, signatures and templates.",
        "The apikey of that sub-account (账户设置).",
        "An approved signature 签名 and template 模板 in the same sub-account. A text is sent only when it "
        "matches a template word for word.",
        "This machine's address in 系统设置 → IP白名单设置, where that list is switched on.",
        "获取状态报告 and 获取回复短信 switched on: else nothing can be fetched. Both are kept for 72 h.",
    )
    Settings: ClassVar[type[ProviderSettings]] = YunpianSettings
    features: ClassVar[frozenset[Feature]] = frozenset(Feature) - {Feature.RECEIPTS_BY_QUERY}
    codes: ClassVar[Mapping[str, Code]] = _table()
    form: ClassVar[Form] = Form.YUNPIAN
    signature_in_template: ClassVar[bool] = True
    template_rules: ClassVar[tuple[TemplateRule, ...]] = _TEMPLATE_RULES
    opt_out: ClassVar[OptOutRule] = _OPT_OUT
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
            return [Submission(CodeClass.ACCEPTED, _id(data["sid"]), "0")]
        found = data["data"]
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise self._unclear("an answer of an unknown shape", answer)
        asked = [str(number) for number in national(call.people.phones[call.rows]).tolist()]
        if [item.get("mobile") for item in found] == asked and all(item.get("code") == 0 for item in found):
            return [Submission(CodeClass.ACCEPTED, _id(item.get("sid")), "0") for item in found]
        items = {str(item.get("mobile", "")).removeprefix("+86"): item for item in found}
        return [self._item(items.get(number)) for number in asked]

    def _item(self, item: Mapping[str, Any] | None) -> Submission:
        if item is None:
            return Submission(CodeClass.UNKNOWN, detail="the answer does not mention this number")
        code = str(item.get("code"))
        if code == "0":
            return Submission(CodeClass.ACCEPTED, _id(item.get("sid")), code)
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
        return [_receipt(row, row.get("report_status")) for row in orjson.loads(body)]

    def parse_replies(self, body: bytes) -> list[Reply]:
        """A page of ``pull_reply``."""
        return [
            Reply(
                str(row["id"]), _e164(row["mobile"]), str(row.get("text") or ""), _time(row.get("reply_time"))
            )
            for row in orjson.loads(body)
        ]

    async def records(self, phone: str, since: datetime, until: datetime) -> list[Record]:
        """``sms/get_record`` for one number; ``type=all``: some domestic ones are kept as international."""
        found: list[Record] = []
        page = 1
        while True:
            rows = await self.ask(
                "sms/get_record",
                mobile=phone.removeprefix("+86"),
                start_time=_stamp(since),
                end_time=_stamp(until),
                page_num=page,
                page_size=_PAGE,
                type="all",
            )
            if not isinstance(rows, list) or not all(isinstance(r, dict) and "mobile" in r for r in rows):
                raise OutcomeUnknown("yunpian: get_record answered no list of records", provider=self.name)
            found += [_record(row) for row in rows]
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


def _id(sid: object) -> str:
    """A 64-bit number in some answers, a text in others; what is neither is no id."""
    return str(sid) if isinstance(sid, int | str) else ""


def _is_positive(amount: str) -> bool:
    try:
        return Decimal(amount) > 0
    except InvalidOperation:
        return False


def _e164(mobile: object) -> str:
    text = str(mobile)
    return text if text.startswith("+") else f"+86{text}"


def _time(text: object) -> datetime | None:
    if not text:
        return None
    try:
        return (
            datetime.strptime(str(text).strip(), "%Y-%m-%d %H:%M:%S").replace(tzinfo=_CHINA).astimezone(UTC)
        )
    except ValueError:
        return None


def _stamp(at: datetime) -> str:
    return at.astimezone(_CHINA).strftime("%Y-%m-%d %H:%M:%S")


def _receipt(row: Mapping[str, Any], status: object) -> Receipt:
    return Receipt(
        message_id=_id(row.get("sid")),
        phone=_e164(row["mobile"]),
        delivered={"SUCCESS": True, "FAIL": False}.get(str(status)),
        code=str(row.get("error_msg") or status or ""),
        detail=redact(str(row.get("error_detail") or "")),
        at=_time(row.get("user_receive_time")),
    )


def _record(row: Mapping[str, Any]) -> Record:
    receipt = _receipt(row, row.get("report_status"))
    status = str(row.get("send_status") or "SUCCESS")
    return Record(
        message_id=receipt.message_id,
        phone=receipt.phone,
        text=str(row.get("text") or ""),
        reference=str(row.get("uid") or ""),
        accepted=status != "FAIL",
        code=status,
        receipt=receipt if receipt.delivered is not None else None,
    )
