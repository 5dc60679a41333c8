"""
Tencent 腾讯云短信, API 3.0, service ``sms``, version 2021-01-11.

Everything Tencent knows: how people are cut into calls, the TC3-HMAC-SHA256
signature, what goes on the wire, what answers and codes mean, how to read
reports and replies.

Sources: cloud.tencent.com document/product/382 (SendSms, PullSmsSendStatus,
Describe*List, callbacks, limits), document/api/382/59177 and /38780 (codes),
the official Python SDK (common 3.1.195, sms 3.1.153); read 2026-11. Where they
are silent or contradict each other the safe reading is taken, and is a setting
below where an account may differ.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar

import httpx
import numpy as np
import orjson
import pyarrow as pa
from pydantic import Field, SecretStr

from smskit.errors import (
    AccountProblem,
    BatchNotAllowed,
    OutcomeUnknown,
    ProviderError,
    RateLimited,
    Refused,
)
from smskit.models import (
    About,
    CheckResult,
    Code,
    CodeClass,
    Finding,
    Receipt,
    Record,
    Reply,
    Slice,
    Submission,
)
from smskit.phones import e164_column, redact
from smskit.providers.base import Call, Feature, Job, Limits, Provider, runs
from smskit.providers.encoding import ColumnEncoder, Joined
from smskit.providers.http import Answer
from smskit.settings import ProviderSettings
from smskit.template import Form, Piece, Template

_VERSION = "2021-01-11"
_JSON = "application/json"
_CHINA = timezone(timedelta(hours=8))  # times without a zone are taken as Beijing's
_PAGE = 100  # most rows of a page, whatever is asked for
_MOST_NUMBERS = 200  # in one call
_MOST_CONTEXT = 511  # bytes of SessionContext: "less than 512"
_MEMORY = timedelta(days=7)  # how far back reports can be asked for
_OK = "Ok"
_TOO_MANY = "LimitExceeded.PhoneNumberCountLimit"

# A URL in a value is refused. What counts as one is not documented; these two always do.
_URL = r"(?i:https?://|\bwww\.)"

# Families whose every member says the same: refused at the door, before anything was looked at. The
# words after the dot only say why, so one that is not in the list is no riddle.
_FAMILIES = frozenset({"AuthFailure", "RequestLimitExceeded", "UnauthorizedOperation"})

# The key is good, but may not ask this: personal accounts, sub-accounts, keys that may only send.
_MAY_NOT_ASK = frozenset(
    {
        "AuthFailure.UnauthorizedOperation",
        "FailedOperation.NotEnterpriseCertification",
        "FailedOperation.ProhibitSubAccountUse",
        "UnauthorizedOperation",
        "UnauthorizedOperation.RequestPermissionDeny",
    }
)

_STATUS = {0: "可用", 1: "审核中", 2: "审核通过待生效", -1: "未通过或不可用"}  # of signatures and templates


def _table() -> dict[str, Code]:
    """
    Every code of the documents, by what it means for a message.

    The documents do not say which codes stand at the top of an answer and which
    in the row of one number, so one table serves both.
    """
    number, text, request = About.NUMBER, About.TEXT, About.REQUEST
    refused, later, retry = CodeClass.REFUSED, CodeClass.LATER, CodeClass.RETRY
    account, unknown = CodeClass.ACCOUNT, CodeClass.UNKNOWN
    table = {_OK: Code(CodeClass.ACCEPTED, "发送成功")}

    def add(
        kind: CodeClass, about: About, step: str, codes: Mapping[str, str], *, after: float | None = None
    ) -> None:
        table.update({code: Code(kind, meaning, step, after, about) for code, meaning in codes.items()})

    # -- the account, or how this machine is set up: everybody waits until it is right
    add(
        account,
        request,
        "Look at SMSKIT_TENCENT_SECRET_ID and SMSKIT_TENCENT_SECRET_KEY (console: 访问管理 → API密钥管理).",
        {
            "AuthFailure": "鉴权失败",
            "AuthFailure.InvalidAuthorization": "请求头 Authorization 不合规范",
            "AuthFailure.InvalidSecretId": "密钥类型不对",
            "AuthFailure.MFAFailure": "MFA 错误",
            "AuthFailure.SecretIdNotFound": "密钥不存在",
            "AuthFailure.SignatureFailure": "签名错误",
            "AuthFailure.TokenFailure": "临时密钥的 token 错误",
        },
    )
    add(
        account,
        request,
        "Set this machine's clock; it must not differ by more than 5 minutes.",
        {"AuthFailure.SignatureExpire": "签名过期"},
    )
    add(
        account,
        request,
        "Allow the key to use SMS (console: 访问管理 → 策略).",
        {
            "AuthFailure.UnauthorizedOperation": "未授权",
            "UnauthorizedOperation": "未授权操作",
            "UnauthorizedOperation.RequestPermissionDeny": "请求没有权限",
        },
    )
    add(
        account,
        request,
        "Let this machine's address in (console: IP 白名单), or ask Tencent about it.",
        {
            "IpInBlacklist": "IP 在黑名单中",
            "IpNotInWhitelist": "IP 不在白名单中",
            "UnauthorizedOperation.RequestIpNotInWhitelist": "请求 IP 不在白名单中",
        },
    )
    add(account, request, "Look at SMSKIT_TENCENT_REGION.", {"UnsupportedRegion": "地域不支持"})
    add(
        account,
        request,
        "Look at SMSKIT_TENCENT_APP_ID; it must belong to the key's account (console: 应用管理).",
        {
            "InvalidParameter.AppidAndBizId": "账号与应用不匹配",
            "InvalidParameterValue.SdkAppIdNotExist": "SdkAppId 不存在",
            "UnauthorizedOperation.SdkAppIdIsDisabled": "SdkAppId 被停用",
            "UnauthorizedOperation.SmsSdkAppIdVerifyFail": "SmsSdkAppId 校验失败",
        },
    )
    add(
        account,
        request,
        "Pay in the Tencent console (套餐包, 费用中心), then run again.",
        {
            "FailedOperation.InsufficientBalanceInSmsPackage": "套餐包余量不足",
            "UnauthorizedOperation.ServiceSuspendDueToArrears": "欠费停服",
        },
    )
    add(
        account,
        request,
        "Raise the limit in the console (应用管理 → 基础配置), or run again tomorrow.",
        {
            "LimitExceeded": "超过配额",
            "LimitExceeded.AppCountryOrRegionDailyLimit": "国家或地区日发送量超限",
            "LimitExceeded.AppDailyLimit": "应用日发送量超限",
            "LimitExceeded.AppGlobalDailyLimit": "应用国际日发送量超限",
            "LimitExceeded.AppMainlandChinaDailyLimit": "应用国内日发送量超限",
            "LimitExceeded.DailyLimit": "日发送量超限",
        },
    )
    add(
        account,
        request,
        "Run again after 08:00; parameter `send_window` can keep a campaign to these hours.",
        {"FailedOperation.MarketingSendTimeConstraint": "营销短信限 8 点到 22 点发送"},
    )
    add(
        account,
        request,
        "This needs an account certified as a company, and a key of the main account.",
        {
            "FailedOperation.NotEnterpriseCertification": "非企业认证",
            "FailedOperation.ProhibitSubAccountUse": "子账号不可用",
            "UnauthorizedOperation.IndividualUserMarketingSmsPermissionDeny": "个人用户不能发营销短信",
        },
    )

    # -- too fast: nothing was taken
    add(
        retry,
        request,
        "",
        {
            "RequestLimitExceeded": "请求频率超限",
            "RequestLimitExceeded.GlobalRegionUinLimitExceeded": "账号在所有地域的请求频率超限",
            "RequestLimitExceeded.IPLimitExceeded": "来源 IP 请求频率超限",
            "RequestLimitExceeded.UinLimitExceeded": "账号请求频率超限",
        },
        after=1.0,
    )
    add(retry, number, "", {"LimitExceeded.GlobalSmsSendingRateLimit": "国际短信发送速率超限"}, after=1.0)

    # -- this number, for a while
    for code, meaning, window in (
        ("PhoneNumberThirtySecondLimit", "同一号码 30 秒内超限", 30.0),
        ("PhoneNumberOneHourLimit", "同一号码 1 小时内超限", 3600.0),
        ("PhoneNumberDailyLimit", "同一号码当日超限", 86400.0),
        ("PhoneNumberSameContentDailyLimit", "同一号码相同内容超限", 86400.0),
        # Which rule it was is not said. The shortest is 30 s; a longer one shows by being hit again.
        ("DeliveryFrequencyLimit", "命中频率限制策略", 60.0),
    ):
        add(later, number, "", {f"LimitExceeded.{code}": meaning}, after=window)

    # -- this number, for good
    add(
        refused,
        number,
        "This person unsubscribed, or the carrier shields the number; do not try again.",
        {"FailedOperation.PhoneNumberInBlacklist": "号码在免打扰名单中"},
    )
    add(
        refused,
        number,
        "",
        {
            "FailedOperation.PhoneNumberParseFail": "号码解析失败",
            "InvalidParameterValue.IncorrectPhoneNumber": "手机号格式错误",
            "LimitExceeded.AppCountryOrRegionInBlacklist": "国家或地区被应用设置禁发",
            "UnsupportedOperation.UnsupportedRegion": "不支持该地区",
        },
    )

    # -- what it says: template, signature, values
    add(
        refused,
        text,
        "Use a signature that is approved for this account, without brackets.",
        {
            "FailedOperation.SignIdNotExist": "签名不存在",
            "FailedOperation.SignatureIncorrectOrUnapproved": "签名未审批或格式错误",
        },
    )
    add(
        refused,
        text,
        "Look at the template, its kind and its state in the console (正文模板管理).",
        {
            "FailedOperation.TemplateIdNotExist": "模板 ID 不存在",
            "FailedOperation.TemplateIncorrectOrUnapproved": "模板未审批或内容不匹配",
            "FailedOperation.TemplateParamSetNotMatchApprovedTemplate": "模板参数个数不匹配",
            "FailedOperation.TemplateUnapprovedOrNotExist": "模板未审批或不存在",
            "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone": "国内模板不支持国际号码",
            "UnsupportedOperation.GlobalTemplateToChineseMainlandPhone": "国际模板不支持国内号码",
        },
    )
    add(
        refused,
        text,
        "Take the word out of the value or the template.",
        {
            "FailedOperation.ContainSensitiveWord": "内容含敏感词",
            "InvalidParameter.DirtyWordFound": "存在敏感词",
        },
    )
    add(
        refused,
        text,
        "Shorten the text; 500 characters are the most.",
        {"InvalidParameterValue.ContentLengthLimit": "短信内容太长"},
    )
    add(
        refused,
        text,
        "Put the link into the template itself.",
        {"InvalidParameterValue.ProhibitedUseUrlInTemplateParameter": "模板变量不能含 URL"},
    )
    add(
        refused,
        text,
        "A verification template takes at most six digits.",
        {"InvalidParameterValue.TemplateParameterFormatError": "验证码模板变量须为 0 到 6 位数字"},
    )
    add(
        refused,
        text,
        "Set SMSKIT_TENCENT_PARAMETER_LENGTH to what the console shows; the plan then says who has more.",
        {"InvalidParameterValue.TemplateParameterLengthLimit": "模板变量超长"},
    )

    # -- how it was asked
    add(
        refused,
        request,
        "A mistake in the request; please report it to the maintainers of smskit.",
        {
            "ActionOffline": "接口已下线",
            "DryRunOperation": "DryRun 操作",
            "FailedOperation": "操作失败",
            "FailedOperation.FailResolvePacket": "请求包解析失败",
            "FailedOperation.JsonParseFail": "请求体解析失败",
            "FailedOperation.OtherError": "其他错误",
            "FailedOperation.ParametersOtherError": "参数其他错误",
            "InvalidAction": "接口不存在",
            "InvalidParameter": "参数错误",
            "InvalidParameter.InvalidParameters": "参数有误",
            "InvalidParameterValue": "参数取值错误",
            "InvalidParameterValue.MultiSmsInfoSetEmpty": "MultiSmsInfoSet 为空",
            "InvalidRequest": "请求体格式错误",
            "MissingParameter": "缺少参数",
            "MissingParameter.EmptyPhoneNumberSet": "号码列表为空",
            "NoSuchProduct": "产品不存在",
            "NoSuchVersion": "接口版本不存在",
            "UnknownParameter": "未知参数",
            "UnsupportedOperation": "操作不支持",
            "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber": "国内与国际号码混发",
            "UnsupportedOperation.ContainDomesticPhoneNumber": "含国内号码",
            "UnsupportedProtocol": "协议不支持",
        },
    )
    add(refused, request, "Lower SMSKIT_TENCENT_BATCH_SIZE.", {_TOO_MANY: "单次号码超过 200 个"})

    # -- nobody knows. Some of Tencent's inner errors sound like a refusal, but something behind the door
    # said them: a message too many weighs more than a question too many. And of the three without
    # InternalError no document says that nothing was taken.
    add(
        unknown,
        request,
        "It may have been sent: look at the record in the Tencent console before sending again.",
        {
            "InternalError": "内部错误",
            "InternalError.JsonParseFail": "用户参数解析失败",
            "InternalError.OtherError": "内部其他错误",
            "InternalError.ParseBackendResponseFail": "运营商包解析失败",
            "InternalError.RequestTimeException": "请求时间不正常",
            "InternalError.RestApiInterfaceNotExist": "内部接口不存在",
            "InternalError.SendAndRecvFail": "收发包超时",
            "InternalError.SigFieldMissing": "后端签名缺失",
            "InternalError.SigVerificationFail": "后端签名校验失败",
            "InternalError.Timeout": "下发超时",
            "InternalError.UnknownError": "内部未知错误",
            "ResourceInsufficient": "资源不足",
            "ResourceUnavailable": "资源不可用",
            "ServiceUnavailable": "服务暂不可用",
        },
    )
    return table


class TencentSettings(ProviderSettings):
    """Tencent's settings; each is ``SMSKIT_TENCENT_<NAME>``."""

    secret_id: SecretStr
    secret_key: SecretStr
    app_id: str = Field(min_length=1)  # SmsSdkAppId, "1400006666"
    token: SecretStr = SecretStr("")  # with temporary keys only
    region: str = Field(default="ap-guangzhou", min_length=1)
    base_url: str = "https://sms.tencentcloudapi.com"
    concurrency: int = Field(default=16, ge=1, le=256)
    # Tencent allows an account 3000 calls a second; a third leaves room for its other users.
    requests_per_second: float = Field(default=1000.0, ge=0)
    batch_size: int = Field(default=_MOST_NUMBERS, ge=1, le=_MOST_NUMBERS)
    # The longest value of one variable. Tencent's pages say 6 (accounts since 2024-01-25), or 12, or "as the
    # console shows"; a wrong guess would leave people out who could be written to. So nothing is assumed,
    # the check says so, and Tencent refuses the longer ones without sending them.
    parameter_length: int | None = Field(default=None, ge=1)
    # Billed after the month: an empty package is no obstacle then.
    postpaid: bool = False


class Tencent(Provider):
    """
    Tencent 腾讯云短信. Credentials: SecretId and SecretKey of a CAM user, and the SmsSdkAppId.

    Sends by template id only; one call carries one set of values for up to 200
    numbers. New notice and marketing templates may not hold variables at all
    (code ``UnsupportedTemplateVariable``, met when the template is handed in).
    """

    name: ClassVar[str] = "tencent"
    title: ClassVar[str] = "Tencent 腾讯云"
    console_url: ClassVar[str] = "https://console.cloud.tencent.com/smsv2"
    Settings: ClassVar[type[ProviderSettings]] = TencentSettings
    # Not RECORDS: what that promises, "no record, so nothing was sent", Tencent cannot say; see `records`.
    features: ClassVar[frozenset[Feature]] = frozenset(Feature) - {Feature.RECORDS}
    records_prove_absence: ClassVar[bool] = False
    codes: ClassVar[Mapping[str, Code]] = _table()
    rehearsal: ClassVar[Mapping[str, Any]] = {
        "secret_id": "AKID0123456789abcdef0123456789abcdef",
        "secret_key": "AKID0123456789abcdef0123456789ab",
        "app_id": "1400000001",
        "token": "",
    }

    settings: TencentSettings

    def __init__(
        self,
        settings: ProviderSettings,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(settings, transport=transport)
        self._clock = clock
        self._most = self.settings.batch_size
        # Signed, so it must be what leaves: with the port when that is not the usual one.
        self._host = httpx.URL(self.settings.base_url).netloc.decode("ascii")
        self._escape = ColumnEncoder(_escaped, r'["\\\x00-\x1f]')

    @property
    def limits(self) -> Limits:
        """Equal values up to ``batch_size``; different ones need a call each."""
        return Limits(
            same=self._most,
            different=1,
            text_units=500,
            value_units=self.settings.parameter_length,
            unfit_value=_URL,
        )

    def code(self, code: str) -> Code:
        """As documented; the members of `_FAMILIES` mean what their family means."""
        known = self.codes.get(code)
        if known is None and (family := code.partition(".")[0]) in _FAMILIES:
            return self.codes[family]
        return known or super().code(code)

    # -- sending -----------------------------------------------------------------

    def calls(self, job: Job, people: Slice) -> Iterator[Call]:
        """Neighbours with equal values together, everybody else alone; bodies are prepared by column."""
        write = self._writer(job, people)
        limits = self.limits
        for first, last, equal in runs(people, limits):
            size = limits.same if equal else limits.different
            for start in range(first, last, size):
                end = min(start + size, last)
                yield Call(job, people, np.arange(start, end), "SendSms", write(start, end))

    async def submit(self, call: Call) -> list[Submission]:
        """Send one call; see the contract."""
        answer = await self._post("SendSms", call.body or self._body(call))
        return self.parse_submission(answer, call)

    def _body(self, call: Call) -> bytes:
        """The body of a call that was not prepared, or was cut again since."""
        if any(len(set(values)) > 1 for values in call.variables.values()):
            raise BatchNotAllowed("tencent: one call carries one set of values", provider=self.name)
        return self._writer(call.job, call.people.take(call.rows))(0, len(call))

    def _writer(self, job: Job, people: Slice) -> Callable[[int, int], bytes]:
        """A function ``(first, last) -> body`` for rows of *people*, all with the values of the first."""
        n = len(people.positions)
        phones = Joined(['"', e164_column(people.phones), '"'], ",", n)
        fields: dict[str, Any] = {
            "SmsSdkAppId": self.settings.app_id,
            "TemplateId": job.template_id,
            "SignName": job.template.signature,
        }
        if job.reference:
            # Echoed in the answer, and in reports where the account has that switched on.
            fields["SessionContext"] = job.reference.encode()[:_MOST_CONTEXT].decode(errors="ignore")
        rest = b"]," + orjson.dumps(fields | dict(job.extra))[1:-1]
        if not job.template.names:
            return lambda a, b: b'{"PhoneNumberSet":[' + phones[a:b] + rest + b"}"
        pieces: list[str | pa.Array] = []
        for name in job.template.numbering():
            pieces += ['","' if pieces else '"', self._escape(people.variables[name])]
        values = Joined([*pieces, '"'], "", n)
        rest += b',"TemplateParamSet":['
        return lambda a, b: b'{"PhoneNumberSet":[' + phones[a:b] + rest + values[a : a + 1] + b"]}"

    def parse_submission(self, answer: Answer, call: Call) -> list[Submission]:
        """
        Judge each number by its own row; pure but for remembering that calls were too large.

        A good answer may still refuse everybody. Rows say who by number; their
        order is not documented.
        """
        try:
            rows = self.parse_answer(answer).get("SendStatusSet")
        except Refused as error:
            if len(call) == 1:
                return [Submission(self.code(error.code).kind, "", error.code, error.detail)]
            if error.code == _TOO_MANY:
                self._most = min(self._most, len(call) // 2)
                raise BatchNotAllowed(str(error), provider=self.name, code=error.code) from None
            raise
        if not isinstance(rows, list):
            raise self._unclear("an answer without SendStatusSet", answer)
        said: dict[str, Mapping[str, Any]] = {}
        for row in rows:
            phone = _e164(row.get("PhoneNumber"))
            # Of two rows about one number the one that says it was taken counts.
            if phone not in said or row.get("Code") == _OK:
                said[phone] = row
        return [self._row(said.get(phone)) for phone in call.phones]

    def _row(self, row: Mapping[str, Any] | None) -> Submission:
        if row is None:
            return Submission(CodeClass.UNKNOWN, detail="the answer does not mention this number")
        code = str(row.get("Code") or "")
        if code == _OK:
            return Submission(CodeClass.ACCEPTED, str(row.get("SerialNo") or ""), code)
        return Submission(self.code(code).kind, "", code, redact(str(row.get("Message") or "")))

    # -- the wire -------------------------------------------------------------------

    def parse_answer(self, answer: Answer, *, keys: Iterable[str] = ()) -> dict[str, Any]:
        """
        The ``Response`` of a good answer; pure.

        Args:
            keys: Names it must hold, be their value null.

        Raises:
            ProviderError: The subclass the code stands for. Refusals come with
                HTTP 200, so any other status leaves the outcome open.
        """
        try:
            response = orjson.loads(answer.content)["Response"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise self._unclear(f"HTTP {answer.status} without an answer of Tencent's form", answer) from None
        if not isinstance(response, dict) or answer.status != 200:
            raise self._unclear(f"HTTP {answer.status} with an unusual answer", answer)
        if error := response.get("Error"):
            raise self._error(error, response, answer)
        if any(key not in response for key in keys):
            raise self._unclear("an incomplete answer", answer)
        return response

    def _unclear(self, what: str, answer: Answer) -> OutcomeUnknown:
        return OutcomeUnknown(f"tencent: {what}", provider=self.name, detail=what, http_status=answer.status)

    def _error(self, error: Mapping[str, Any], response: Mapping[str, Any], answer: Answer) -> ProviderError:
        code, detail = str(error.get("Code")), redact(str(error.get("Message") or ""))
        known = self.code(code)
        step = known.next_step
        if code == "AuthFailure.SignatureExpire":
            step = f"{step} {_skew(answer, self._clock())}".strip()
        words = f"tencent: {code} {detail}".strip() + (f". {step}" if step else "")
        facts: dict[str, Any] = {
            "provider": self.name,
            "code": code,
            "detail": detail,
            "request_id": str(response.get("RequestId") or ""),
            "http_status": answer.status,
        }
        if known.kind is CodeClass.RETRY:
            return RateLimited(words, retry_after_s=known.retry_after_s, **facts)
        kinds: dict[CodeClass, type[ProviderError]] = {
            CodeClass.ACCOUNT: AccountProblem,
            CodeClass.REFUSED: Refused,
            CodeClass.LATER: Refused,
        }
        return kinds.get(known.kind, OutcomeUnknown)(words, **facts)

    async def _post(self, action: str, body: bytes) -> Answer:
        settings, now = self.settings, int(self._clock())
        headers = {
            "host": self._host,
            "content-type": _JSON,
            "x-tc-action": action,
            "x-tc-version": _VERSION,
            "x-tc-timestamp": str(now),
            "x-tc-region": settings.region,
            "x-tc-language": "zh-CN",
            "authorization": authorization(
                settings.secret_id.get_secret_value(),
                settings.secret_key.get_secret_value(),
                {"content-type": _JSON, "host": self._host},
                body,
                timestamp=now,
            ),
        }
        if token := settings.token.get_secret_value():
            headers["x-tc-token"] = token
        return await self.door.send("POST", f"{settings.base_url}/", headers=headers, content=body)

    async def ask(self, action: str, *, keys: Sequence[str] = (), **fields: Any) -> dict[str, Any]:
        """
        Call any action, e.g. ``ask("SendStatusStatistics", SmsSdkAppId=…)``; answers its ``Response``.

        Args:
            keys: Names a good answer must hold.
            fields: Of the request; None is left out.
        """
        body = orjson.dumps({name: value for name, value in fields.items() if value is not None})
        return self.parse_answer(await self._post(action, body), keys=keys)

    # -- the account, signatures, templates ---------------------------------------------

    async def statistics(self, since: datetime, until: datetime) -> dict[str, Any]:
        """``SendStatusStatistics``: FeeCount, RequestCount, RequestSuccessCount of whole hours."""
        response = await self.ask(
            "SendStatusStatistics",
            keys=("SendStatusStatistics",),
            BeginTime=_hour(since),
            EndTime=_hour(until),
            SmsSdkAppId=self.settings.app_id,
            Limit=0,
            Offset=0,
        )
        return dict(response["SendStatusStatistics"] or {})

    async def packages(self) -> list[dict[str, Any]]:
        """``SmsPackagesStatistics``: the packages bought or given in the last three years."""
        now = datetime.fromtimestamp(self._clock(), UTC)
        response = await self.ask(
            "SmsPackagesStatistics",
            keys=("SmsPackagesStatisticsSet",),
            SmsSdkAppId=self.settings.app_id,
            Limit=500,
            Offset=0,
            BeginTime=_hour(now - timedelta(days=3 * 365)),
            EndTime=_hour(now),
        )
        return list(response["SmsPackagesStatisticsSet"] or [])

    async def signatures(self) -> list[dict[str, Any]]:
        """``DescribeSmsSignList``: all signatures for the mainland."""
        return await self._list("DescribeSmsSignList", "DescribeSignListStatusSet")

    async def templates(self, template_id: str = "") -> list[dict[str, Any]]:
        """``DescribeSmsTemplateList``: all templates for the mainland, or one."""
        if not template_id:
            return await self._list("DescribeSmsTemplateList", "DescribeTemplateStatusSet")
        response = await self.ask(
            "DescribeSmsTemplateList",
            keys=("DescribeTemplateStatusSet",),
            International=0,
            TemplateIdSet=[int(template_id)],
        )
        return list(response["DescribeTemplateStatusSet"] or [])

    async def _list(self, action: str, key: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            # Without a Limit the template list comes back empty, not whole.
            response = await self.ask(action, keys=(key,), International=0, Limit=_PAGE, Offset=len(found))
            page = response[key] or []
            found += page
            if len(page) < _PAGE:
                return found

    # -- check -----------------------------------------------------------------------

    async def check(
        self, *, signature: str = "", template_id: str = "", template: Template | None = None
    ) -> CheckResult:
        """
        Key and app id, balance, signature, template, variables, in Tencent's words; sends nothing.

        What the key may not ask about is no obstacle: the finding says that it
        was not looked at, and Tencent itself refuses what is not approved.
        """
        now = datetime.fromtimestamp(self._clock(), UTC)
        findings: list[Finding] = []
        try:
            await self.statistics(now, now)
            findings.append(Finding("credential", True, _OK, "OK"))
        except ProviderError as error:
            findings.append(self._failed("credential", error))
            if not findings[0].ok:
                return CheckResult(self.name, False, tuple(findings))
        balance, finding = await self._check_balance()
        findings.append(finding)
        if signature:
            findings.append(await self._check_signature(signature))
        elif template is not None:
            step = "Mainland messages need one: give parameter `signature`."
            findings.append(Finding("signature", False, "MissingParameter", "缺少 SignName", step))
        text = ""
        if template_id:
            finding, text = await self._check_template(template_id, template)
            findings.append(finding)
        elif template is not None:
            step = "Tencent sends by template id only: give parameter `template_id`."
            findings.append(Finding("template", False, "MissingParameter", "缺少 TemplateId", step))
        if template is not None and template.names:
            findings.append(self._check_variables(len(template.names)))
        return CheckResult(self.name, all(f.ok for f in findings), tuple(findings), text, balance)

    async def _check_balance(self) -> tuple[str, Finding]:
        try:
            packages = await self.packages()
        except (Refused, AccountProblem) as error:
            # Only Tencent's word that nothing can be sent stops a campaign, not a question it did not like.
            finding = self._failed("balance", error)
            return "", finding._replace(ok=finding.ok or isinstance(error, Refused))
        except ProviderError as error:
            return "", self._failed("balance", error)
        if not packages:
            # Also what an account billed afterwards looks like.
            return "", Finding(
                "balance", True, _OK, "没有套餐包", "Make sure that the account is billed afterwards."
            )
        left = sum(
            int(p.get("PackageAmount") or 0) - int(p.get("CurrentUsage") or 0)
            for p in packages
            if int(p.get("PackageExpiredTime") or 0) > self._clock()
        )
        balance = f"{left} 条"
        if left > 0 or self.settings.postpaid:
            return balance, Finding("balance", True, _OK, balance)
        code = "FailedOperation.InsufficientBalanceInSmsPackage"
        step = f"{self.code(code).next_step} If it is billed afterwards, set SMSKIT_TENCENT_POSTPAID=1."
        return balance, Finding("balance", False, code, balance, step)

    async def _check_signature(self, name: str) -> Finding:
        try:
            found = await self.signatures()
        except ProviderError as error:
            return self._failed("signature", error)
        code = "FailedOperation.SignatureIncorrectOrUnapproved"
        same = [row for row in found if row.get("SignName") == name]
        if not same:
            return Finding("signature", False, code, f"【{name}】 不存在", self.code(code).next_step)
        # A name can be handed in again after a refusal; one usable entry is enough.
        row = next((row for row in same if row.get("StatusCode") == 0), same[0])
        return _reviewed("signature", code, f"【{name}】", row)

    async def _check_template(self, template_id: str, template: Template | None) -> tuple[Finding, str]:
        missing = "FailedOperation.TemplateIdNotExist"
        try:
            row = await self._template(template_id)
        except ProviderError as error:
            return self._failed("template", error), ""
        if row is None:
            meaning = f"模板 {template_id} 不存在"
            return Finding("template", False, missing, meaning, self.code(missing).next_step), ""
        text = str(row.get("TemplateContent") or "")
        code = "FailedOperation.TemplateIncorrectOrUnapproved"
        finding = _reviewed("template", code, f"模板 {template_id}", row)
        if finding.ok and template is not None:
            theirs = Template.parse(text, form=Form.TENCENT)
            if _numbered(theirs) != _numbered(template):
                step = f"Tencent has: {text}. Use this text, or leave `template` empty to take it over."
                finding = Finding("template", False, code, "模板内容不一致", step)
        return finding, text

    async def _template(self, template_id: str) -> Mapping[str, Any] | None:
        if not (template_id.isascii() and template_id.isdigit()):
            return None
        rows = await self.templates(template_id)
        return next((row for row in rows if str(row.get("TemplateId")) == template_id), None)

    def _check_variables(self, count: int) -> Finding:
        if longest := self.settings.parameter_length:
            return Finding("variables", True, _OK, f"{count} 个变量，每个最长 {longest} 字")
        step = (
            "Tencent takes 6 or 12 characters in each by default; the console shows your figure "
            "(正文模板管理 → 创建). Set SMSKIT_TENCENT_PARAMETER_LENGTH to see in the plan who has more."
        )
        return Finding("variables", True, _OK, f"{count} 个变量，最大长度以控制台为准", step)

    def _failed(self, what: str, error: ProviderError) -> Finding:
        if error.code in _MAY_NOT_ASK:
            meaning = f"未能查询：{error.detail or self.code(error.code).meaning}"
            step = "This key may not ask; look in the console, or use a key of a company's main account."
            return Finding(what, True, error.code, meaning, step)
        step = (
            self.code(error.code).next_step
            if error.code
            else "Look at SMSKIT_TENCENT_BASE_URL and the network."
        )
        return Finding(what, False, error.code, error.detail or str(error), step)

    def approved_form(self, job: Job) -> dict[str, str]:
        """As ``DescribeSmsTemplateList`` would tell it; the signature is no part of a template."""
        return {
            "id": job.template_id or "1",
            "content": job.template.write(Form.TENCENT, with_signature=False),
            "kind": str(job.message_class),
        }

    async def template_text(self, template_id: str) -> str:
        """``DescribeSmsTemplateList``: the text of one template, with ``{1}``, ``{2}``."""
        row = await self._template(template_id)
        if row is None:
            code = "FailedOperation.TemplateIdNotExist"
            raise Refused(f"tencent: there is no template {template_id}", provider=self.name, code=code)
        return str(row.get("TemplateContent") or "")

    # -- afterwards --------------------------------------------------------------------

    async def pull_receipts(self) -> bytes | None:
        """``PullSmsSendStatus``: what was read may be gone there, so the page is returned as it came."""
        return await self._pull("PullSmsSendStatus", "PullSmsSendStatusSet")

    async def pull_replies(self) -> bytes | None:
        """``PullSmsReplyStatus``: likewise."""
        return await self._pull("PullSmsReplyStatus", "PullSmsReplyStatusSet")

    async def _pull(self, action: str, key: str) -> bytes | None:
        body = orjson.dumps({"Limit": _PAGE, "SmsSdkAppId": self.settings.app_id})
        answer = await self._post(action, body)
        return answer.content if self.parse_answer(answer, keys=(key,))[key] else None

    def parse_receipts(self, body: bytes) -> list[Receipt]:
        """A page of ``PullSmsSendStatus``, or the array of a callback."""
        page = orjson.loads(body)
        if isinstance(page, list):
            return [_pushed_receipt(row) for row in page]
        return [_receipt(row) for row in page["Response"].get("PullSmsSendStatusSet") or []]

    def parse_replies(self, body: bytes) -> list[Reply]:
        """A page of ``PullSmsReplyStatus``, or the object of a callback."""
        page = orjson.loads(body)
        if "Response" not in page:
            phone = _joined(page.get("nationcode"), page.get("mobile"))
            return [_reply(phone, str(page.get("text") or ""), page.get("time"))]
        rows = page["Response"].get("PullSmsReplyStatusSet") or []
        return [
            _reply(_e164(row.get("PhoneNumber")), str(row.get("ReplyContent") or ""), row.get("ReplyTime"))
            for row in rows
        ]

    async def records(self, phone: str, since: datetime, until: datetime) -> list[Record]:
        """
        ``PullSmsSendStatusByPhoneNumber``: the sends to one number that a carrier has answered.

        One that is found was accepted. One that is missing may still have been:
        the carrier has not said anything, or never will. Which send a record is
        about shows only in its ``SessionContext``, which is empty unless Tencent
        switched the echo on for the account; the text is not kept.
        """
        now = self._clock()
        begin = max(since.timestamp(), now - _MEMORY.total_seconds() + 60)
        end = until.timestamp()
        if begin >= end:
            return []
        response = await self.ask(
            "PullSmsSendStatusByPhoneNumber",
            keys=("PullSmsSendStatusSet",),
            BeginTime=int(begin),
            # A time that is still to come is left out, which means now; it might be refused.
            EndTime=int(end) + 1 if end < now else None,
            Offset=0,
            Limit=_PAGE,
            PhoneNumber=phone,
            SmsSdkAppId=self.settings.app_id,
        )
        return [_record(row) for row in response["PullSmsSendStatusSet"] or []]


def authorization(
    secret_id: str,
    secret_key: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    timestamp: int,
    service: str = "sms",
) -> str:
    """
    Return the ``Authorization`` header of a POST to ``/`` (TC3-HMAC-SHA256).

    Args:
        headers: Those to sign, lower-case names, exactly as they will be sent;
            ``content-type`` and ``host`` are the least.
        body: The bytes that will be sent; equal JSON in other bytes has another signature.
        timestamp: Epoch seconds, as in ``X-TC-Timestamp``. The date signed is
            that of UTC: before 08:00 in Beijing it is yesterday.

    Source: "签名方法 v3", cloud.tencent.com/document/api/382/38768.
    """
    names = sorted(headers)
    lines = "".join(f"{name}:{headers[name].strip().lower()}\n" for name in names)
    signed = ";".join(names)
    canonical = f"POST\n/\n\n{lines}\n{signed}\n{hashlib.sha256(body).hexdigest()}"
    date = datetime.fromtimestamp(timestamp, UTC).date().isoformat()
    scope = f"{date}/{service}/tc3_request"
    what = f"TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"TC3{secret_key}".encode()
    for part in (date, service, "tc3_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, what.encode(), "sha256").hex()
    return f"TC3-HMAC-SHA256 Credential={secret_id}/{scope}, SignedHeaders={signed}, Signature={signature}"


def _escaped(value: str) -> str:
    """*value* as it stands between the quotes of a JSON string."""
    return orjson.dumps(value).decode()[1:-1]


def _skew(answer: Answer, now: float) -> str:
    try:
        theirs = parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return ""
    return f"By Tencent's clock it is {theirs - now:+.0f} s."


def _hour(at: datetime) -> str:
    return at.astimezone(_CHINA).strftime("%Y%m%d%H")


def _numbered(template: Template) -> list[Piece | int]:
    """The body with each variable as the number of its place in ``TemplateParamSet``."""
    places = {name: place for place, name in enumerate(template.numbering(), start=1)}
    return [piece if isinstance(piece, str) else places[piece.name] for piece in template.pieces]


def _reviewed(what: str, code: str, name: str, row: Mapping[str, Any]) -> Finding:
    """A finding on a signature or template row; only StatusCode 0 can be sent with."""
    status = row.get("StatusCode")
    meaning = f"{name} {_STATUS.get(status, status) if isinstance(status, int) else status}"
    if status == 0:
        return Finding(what, True, _OK, meaning)
    step = f"Wait for the review, or look in the console. {row.get('ReviewReply') or ''}".strip()
    return Finding(what, False, code, meaning, step)


def _e164(phone: object) -> str:
    """A number in any form Tencent takes for the mainland, or with a plus, as ``+8613800000000``."""
    digits = str(phone or "").removeprefix("+").removeprefix("00")
    return (
        f"+86{digits}"
        if len(digits) == 11 and digits[0] == "1" and not str(phone).startswith("+")
        else f"+{digits}"
    )


def _joined(country: object, number: object) -> str:
    return f"+{country or 86}{number}"


def _epoch(at: object) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(str(at)), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _beijing(text: object) -> datetime | None:
    try:
        return datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S").replace(tzinfo=_CHINA).astimezone(UTC)
    except ValueError:
        return None


# FAIL is final with whatever code: that is Tencent's word, and the carriers' codes change over time.
_DELIVERED = {"SUCCESS": True, "FAIL": False}


def _receipt(row: Mapping[str, Any]) -> Receipt:
    status = str(row.get("ReportStatus") or "")
    phone = row.get("PhoneNumber")
    return Receipt(
        message_id=str(row.get("SerialNo") or ""),
        phone=_e164(phone) if phone else _joined(row.get("CountryCode"), row.get("SubscriberNumber")),
        delivered=_DELIVERED.get(status),
        code=str(row.get("Description") or status),
        at=_epoch(row.get("UserReceiveTime")),
    )


def _pushed_receipt(row: Mapping[str, Any]) -> Receipt:
    """Here the carrier's code is the ``errmsg``; in a pulled row it is the ``Description``."""
    status = str(row.get("report_status") or "")
    return Receipt(
        message_id=str(row.get("sid") or ""),
        phone=_joined(row.get("nationcode"), row.get("mobile")),
        delivered=_DELIVERED.get(status),
        code=str(row.get("errmsg") or status),
        detail=redact(str(row.get("description") or "")),
        at=_beijing(row.get("user_receive_time")),
    )


def _reply(phone: str, text: str, at: object) -> Reply:
    # Replies have no id of their own; who said what when tells them apart, however they came.
    digest = hashlib.sha256(f"{phone}\n{at}\n{text}".encode()).hexdigest()
    return Reply(digest[:32], phone, text, _epoch(at))


def _record(row: Mapping[str, Any]) -> Record:
    receipt = _receipt(row)
    return Record(
        message_id=receipt.message_id,
        phone=receipt.phone,
        text="",
        reference=str(row.get("SessionContext") or ""),
        code=_OK,
        receipt=receipt if receipt.delivered is not None else None,
    )
