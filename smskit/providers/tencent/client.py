"""
The client: how people are cut into calls, what goes on the wire, what answers mean.

Sources: cloud.tencent.com document/product/382 (SendSms, Describe*List, limits)
and document/api/382/38780, the official Python SDK (common 3.1.195, sms
3.1.153); read 2026-11. Where they are silent or contradict each other the safe
reading is taken, and is a setting below where accounts differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import orjson
import pyarrow as pa
from pydantic import Field, SecretStr

from smskit.audience.phones import e164_column
from smskit.errors import BatchNotAllowed, ProviderError, Refused, TemplateError
from smskit.i18n import Joined as Sentences
from smskit.i18n import Message, Quoted, as_message, mark
from smskit.message.template import Form, Piece, Template
from smskit.models import CheckResult, Code, Finding, Offer, Receipt, Record, Reply, Slice, Submission
from smskit.providers.base import Feature, Provider, not_given, unread_balance, with_remark
from smskit.providers.calls import Call, Job, Limits, runs
from smskit.providers.china import in_china
from smskit.providers.encoding import JSON_UNSAFE, Bodies, ColumnEncoder, First, Joined, json_escaped
from smskit.providers.http import Answer
from smskit.providers.pushes import Acknowledgement, Pushed
from smskit.providers.reading import UNREADABLE, Fields, decoded
from smskit.providers.tencent import reports
from smskit.providers.tencent.reports import OK
from smskit.providers.tencent.signing import authorization
from smskit.settings import ProviderSettings

if TYPE_CHECKING:
    import httpx

TOO_MANY = "LimitExceeded.PhoneNumberCountLimit"
NO_BALANCE = "FailedOperation.InsufficientBalanceInSmsPackage"
NO_SIGNATURE = "FailedOperation.SignatureIncorrectOrUnapproved"
NO_TEMPLATE = "FailedOperation.TemplateIdNotExist"
OTHER_TEMPLATE = "FailedOperation.TemplateIncorrectOrUnapproved"
MISSING = "MissingParameter"
EXPIRED = "AuthFailure.SignatureExpire"

# Families whose every member says the same: refused before anything was looked at. The words after the dot
# only say why, so a member that is not in the table is understood, too.
FAMILIES = frozenset({"AuthFailure", "RequestLimitExceeded", "UnauthorizedOperation"})

# The key is good, but may not ask this: personal accounts, sub-accounts, keys that may only send.
MAY_NOT_ASK = frozenset(
    {
        "AuthFailure.UnauthorizedOperation",
        "FailedOperation.NotEnterpriseCertification",
        "FailedOperation.ProhibitSubAccountUse",
        "UnauthorizedOperation",
        "UnauthorizedOperation.RequestPermissionDeny",
    }
)

_VERSION = "2021-01-11"
_JSON = "application/json"
_PAGE = 100  # most rows of a page, whatever is asked for
_MOST_NUMBERS = 200  # in one call
_MOST_CONTEXT = 511  # bytes of SessionContext: "less than 512"
_MEMORY = timedelta(days=7)  # how far back reports can be asked for

# A URL in a value is refused. What counts as one is not documented; these two always do.
_URL = r"(?i:https?://|\bwww\.)"

_STATUS = {0: "可用", 1: "审核中", 2: "审核通过待生效", -1: "未通过或不可用"}  # of signatures and templates


class TencentSettings(ProviderSettings):
    """Tencent's settings; each is ``SMSKIT_TENCENT_<NAME>``."""

    secret_id: SecretStr
    secret_key: SecretStr
    app_id: str = Field(min_length=1, description=mark('SmsSdkAppId, "1400006666"'))
    token: SecretStr = Field(default=SecretStr(""), description=mark("with temporary keys only"))
    region: str = Field(default="ap-guangzhou", min_length=1)
    base_url: str = "https://sms.tencentcloudapi.com"
    concurrency: int = Field(default=16, ge=1, le=256)
    requests_per_second: float = Field(
        default=1000.0,
        ge=0,
        description=mark(
            "Tencent allows an account 3000 calls a second; a third leaves room for its other users."
        ),
    )
    batch_size: int = Field(default=_MOST_NUMBERS, ge=1, le=_MOST_NUMBERS)
    parameter_length: int | None = Field(
        default=None,
        ge=1,
        description=mark(
            "The longest value of one variable. Tencent's pages say 6 (accounts since 2024-01-25), or 12, "
            'or "as the console shows"; a wrong guess would leave people out who could be written to. So '
            "nothing is assumed, the check says so, and Tencent refuses the longer ones without sending "
            "them."
        ),
    )
    record_lag_s: float = Field(
        default=60.0,
        ge=0,
        description=mark(
            "What became of a message can be asked for once its carrier has answered; how soon that is, "
            "nobody says."
        ),
    )
    postpaid: bool = Field(
        default=False, description=mark("Billed after the month: an empty package is no obstacle then.")
    )


class Tencent(Provider, facts="tencent"):
    """
    Tencent 腾讯云短信. Credentials: SecretId and SecretKey of a CAM user, and the SmsSdkAppId.

    Sends by template id only; one call carries one set of values for up to 200
    numbers. New notice and marketing templates may not hold variables at all
    (code ``UnsupportedTemplateVariable``, met when the template is handed in).
    """

    name: ClassVar[str] = "tencent"
    title: ClassVar[str] = Message("Tencent 腾讯云")
    spoken: ClassVar[str] = Message("Tencent Cloud")
    console_url: ClassVar[str] = "https://console.cloud.tencent.com/smsv2"
    Settings: ClassVar[type[ProviderSettings]] = TencentSettings
    features: ClassVar[frozenset[Feature]] = frozenset(
        {
            Feature.RECEIPTS,
            Feature.REPLIES,
            Feature.RECORDS,
            Feature.BALANCE,
            Feature.TEMPLATES,
            Feature.SIGNATURES,
        }
    )
    records_prove_absence: ClassVar[bool] = False  # there is none before the carrier has answered
    form: ClassVar[Form] = Form.TENCENT
    acknowledges: ClassVar[Acknowledgement] = Acknowledgement(b'{"result":0,"errmsg":"OK"}')
    page_size: ClassVar[int] = _PAGE
    # Equal on purpose, in length too: cut from one digest they stay equal, and the simulator takes an
    # account's id as its key where it was told none.
    rehearsal: ClassVar[Mapping[str, Any]] = {
        "secret_id": "AKIDrehearsal00000000000000000000001",
        "secret_key": "AKIDrehearsal00000000000000000000001",
        "app_id": "1400000001",
        "token": "",
    }

    settings: TencentSettings

    def __init__(
        self, settings: ProviderSettings, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        super().__init__(settings, transport=transport)
        self.record_lag_s = self.settings.record_lag_s
        self._most = self.settings.batch_size
        # Signed, so it must be what leaves: with the port when that is not the usual one.
        import httpx  # as every request has its host: without a default port, in ASCII

        self._host = httpx.URL(self.settings.base_url).netloc.decode("ascii")
        self._escape = ColumnEncoder(json_escaped, JSON_UNSAFE)

    @property
    def limits(self) -> Limits:
        """Equal values up to ``batch_size``; different ones need a call each."""
        return Limits(
            same=self._most,
            different=1,
            text_units=500,
            value_units=self.settings.parameter_length,
            unfit_value=_URL,
            unfit_words=Message(
                "it holds a link or is longer than the console allows, which Tencent refuses"
            ),
        )

    def code(self, code: str) -> Code:
        """As documented; the members of `FAMILIES` mean what their family means."""
        known = self.codes.get(code)
        if known is None and (family := code.partition(".")[0]) in FAMILIES:
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
            raise BatchNotAllowed(
                Message("{provider}: one call carries one set of values", provider=self.called),
                provider=self.name,
            )
        return self._writer(call.job, call.people.take(call.rows))(0, len(call))

    def _writer(self, job: Job, people: Slice) -> Bodies:
        """Bodies for rows of *people*, all with the values of the first."""
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
            return Bodies(b'{"PhoneNumberSet":[', phones, rest + b"}")
        pieces: list[str | pa.Array] = []
        for name in job.template.numbering():
            pieces += ['","' if pieces else '"', self._escape(people.variables[name])]
        values = Joined([*pieces, '"'], "", n)
        return Bodies(b'{"PhoneNumberSet":[', phones, rest + b',"TemplateParamSet":[', First(values), b"]}")

    def parse_submission(self, answer: Answer, call: Call) -> list[Submission]:
        """
        Judge each number by its own row; pure but for remembering that calls were too large.

        A good answer may still refuse everybody. Rows say who by number; their
        order is not documented.
        """
        try:
            rows = Fields(self.parse_answer(answer, keys=("SendStatusSet",))).rows("SendStatusSet")
        except Refused as error:
            if len(call) == 1:
                return [self.submission(error.code, detail=error.detail)]
            if error.code == TOO_MANY:
                self._most = min(self._most, len(call) // 2)
                raise BatchNotAllowed(error.message, provider=self.name, code=error.code) from None
            raise
        return self.by_person(
            call,
            rows,
            phone="PhoneNumber",
            code="Code",
            message_id="SerialNo",
            explain=lambda row: row.text("Message"),
        )

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
        whole = Fields.of(decoded(answer.content))
        if "Response" not in whole.data:
            raise self.unclear(
                Message("HTTP {n} without an answer of Tencent's form", n=answer.status), answer
            )
        response = whole.within("Response")
        if answer.status != 200 or not response.data:
            raise self.unclear(Message("HTTP {n} with an unusual answer", n=answer.status), answer)
        if response.has("Error"):
            raise self._refusal(response.within("Error"), response, answer)
        if any(key not in response.data for key in keys):
            raise self.unclear(Message("an incomplete answer"), answer)
        return dict(response.data)

    def _refusal(self, error: Fields, response: Fields, answer: Answer) -> ProviderError:
        code = error.code("Code")
        known, skew = self.code(code), _skew(answer, self.clock()) if code == EXPIRED else ""
        return self.error(
            code,
            error.text("Message"),
            answer,
            known=known,
            next_step=Sentences([as_message(part) for part in (known.next_step, skew) if part], " "),
            request_id=response.id("RequestId"),
        )

    async def _post(self, action: str, body: bytes) -> Answer:
        settings, now = self.settings, int(self.clock())
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
        return dict(Fields(response).within("SendStatusStatistics").data)

    async def packages(self) -> list[dict[str, Any]]:
        """``SmsPackagesStatistics``: the packages bought or given in the last three years."""
        now = datetime.fromtimestamp(self.clock(), UTC)
        response = await self.ask(
            "SmsPackagesStatistics",
            keys=("SmsPackagesStatisticsSet",),
            SmsSdkAppId=self.settings.app_id,
            Limit=500,
            Offset=0,
            BeginTime=_hour(now - timedelta(days=3 * 365)),
            EndTime=_hour(now),
        )
        return self._objects(response, "SmsPackagesStatisticsSet")

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
        return self._objects(response, "DescribeTemplateStatusSet")

    def _objects(self, response: Mapping[str, Any], key: str) -> list[Any]:
        """The rows of an answer, which are objects."""
        rows = Fields(response).rows(key)
        if rows is None or not all(isinstance(row, dict) for row in rows):
            raise self.unclear(Message("an answer of an unknown shape"))
        return rows

    async def _list(self, action: str, key: str) -> list[dict[str, Any]]:
        async def page_of(number: int) -> list[dict[str, Any]]:
            # Without a Limit the template list comes back empty, not whole.
            offset = (number - 1) * _PAGE
            response = await self.ask(action, keys=(key,), International=0, Limit=_PAGE, Offset=offset)
            return self._objects(response, key)

        return await self.all_pages(page_of, _PAGE)

    # -- check -----------------------------------------------------------------------

    async def check(
        self, *, signature: str = "", template_id: str = "", template: Template | None = None
    ) -> CheckResult:
        """
        Key and app id, balance, signature, template, variables, in Tencent's words; sends nothing.

        What the key may not ask about is no obstacle: the finding says that it
        was not looked at, and Tencent itself refuses what is not approved.
        """
        result = await super().check(signature=signature, template_id=template_id, template=template)
        if not result.findings[0].ok or template is None or not template.names:
            return result
        return result._replace(findings=(*result.findings, self._check_variables(len(template.names))))

    async def check_account(self) -> tuple[list[Finding], str]:
        """``SendStatusStatistics``, which takes key and app id, and the packages."""
        now = datetime.fromtimestamp(self.clock(), UTC)
        credential = Finding("credential", True, OK, "OK")
        try:
            await self.statistics(now, now)
        except ProviderError as error:
            credential = self.failed("credential", error)
            if not credential.ok:
                return [credential], ""
        balance, finding = await self._check_balance()
        return [credential, finding], balance

    async def _check_balance(self) -> tuple[str, Finding]:
        try:
            packages = await self.packages()
        except ProviderError as error:
            return "", self.failed("balance", error)
        if not packages:
            # What an account that is billed afterwards looks like, too.
            step = Message("Without packages only an account that is billed afterwards (后付费) can send.")
            return "", Finding("balance", True, OK, Message("no package"), step)
        left = [self._left_in(Fields(package)) for package in packages]
        known = sum(n for n in left if n is not None)
        balance = f"{known} 条"
        if known > 0 or self.settings.postpaid:
            return balance, Finding("balance", True, OK, balance)
        if None in left:
            return "", unread_balance()
        postpaid = Message("If it is billed afterwards, set SMSKIT_TENCENT_POSTPAID=1.")
        step = Sentences([as_message(self.code(NO_BALANCE).next_step), postpaid], " ")
        return balance, Finding("balance", False, NO_BALANCE, balance, step)

    def _left_in(self, package: Fields) -> int | None:
        """Messages left in a package, 0 after its end; None where a figure cannot be read."""
        end, amount, used = map(package.whole, ("PackageExpiredTime", "PackageAmount", "CurrentUsage"))
        if end is not None and end <= self.clock():
            return 0
        return None if end is None or amount is None or used is None else amount - used

    async def check_signature(self, name: str) -> Finding:
        """``DescribeSmsSignList``."""
        if not name:
            step = Message("Mainland messages need one: give parameter `signature`.")
            return not_given("signature", MISSING, "SignName", step)
        same = [row for row in map(Fields, await self.signatures()) if row.text("SignName") == name]
        if not same:
            missing = Message("【{name}】 is not there", name=name)
            return Finding("signature", False, NO_SIGNATURE, missing, self.code(NO_SIGNATURE).next_step)
        # A name can be handed in again after a refusal; one usable entry is enough.
        row = next((row for row in same if row.whole("StatusCode") == 0), same[0])
        return _reviewed("signature", NO_SIGNATURE, f"【{name}】", row)

    async def check_template(self, template_id: str, template: Template | None) -> tuple[Finding | None, str]:
        """``DescribeSmsTemplateList``."""
        if not template_id:
            step = Message("Tencent sends by template id only: give parameter `template_id`.")
            return not_given("template", MISSING, "TemplateId", step), ""
        row = await self._template(template_id)
        if row is None:
            missing = Message("template {code} is not there", code=template_id)
            return Finding("template", False, NO_TEMPLATE, missing, self.code(NO_TEMPLATE).next_step), ""
        text = row.text("TemplateContent")
        finding = _reviewed("template", OTHER_TEMPLATE, f"template {template_id}:", row)
        if finding.ok and template is not None and not self._same_text(text, template):
            finding = self.another_text(OTHER_TEMPLATE, text)
        return finding, text

    def _same_text(self, theirs: str, ours: Template) -> bool:
        try:
            return _numbered(Template.parse(theirs, form=self.form)) == _numbered(ours)
        except TemplateError:
            return False

    async def _template(self, template_id: str) -> Fields | None:
        if not (template_id.isascii() and template_id.isdigit()):
            return None
        rows = map(Fields, await self.templates(template_id))
        return next((row for row in rows if row.code("TemplateId") == template_id), None)

    def _check_variables(self, count: int) -> Finding:
        if longest := self.settings.parameter_length:
            return Finding(
                "variables", True, OK, Message("{n} variables of at most {m} characters", n=count, m=longest)
            )
        step = Message(
            "Tencent takes 6 or 12 characters in each by default; the console shows your figure "
            "(正文模板管理 → 创建). Set SMSKIT_TENCENT_PARAMETER_LENGTH to see in the plan who has more."
        )
        return Finding(
            "variables",
            True,
            OK,
            Message("{n} variables; how long they may be, the console says", n=count),
            step,
        )

    def failed(self, what: str, error: ProviderError) -> Finding:
        """A key that may not ask, or a question Tencent did not like, says nothing against sending."""
        disliked = what in ("credential", "balance") and isinstance(error, Refused)
        if disliked or error.code in MAY_NOT_ASK:
            meaning = Message("not asked: {why}", why=Quoted(error.detail or self.code(error.code).meaning))
            step = Message("Look in the console, or ask with a key of a company's main account.")
            return Finding(what, True, error.code, meaning, step)
        return super().failed(what, error)

    def approved_form(self, job: Job) -> dict[str, str]:
        """As ``DescribeSmsTemplateList`` would tell it; the signature is no part of a template."""
        return {
            "id": job.template_id or "1",
            "content": job.template.write(self.form, with_signature=False),
            "kind": str(job.message_class),
        }

    async def template_text(self, template_id: str) -> str:
        """``DescribeSmsTemplateList``: the text of one template, with ``{1}``, ``{2}``."""
        row = await self._template(template_id)
        if row is None:
            raise self.no_template(template_id, NO_TEMPLATE)
        return row.text("TemplateContent")

    async def offered_signatures(self) -> list[Offer]:
        """``DescribeSmsSignList``."""
        rows = map(Fields, await self.signatures())
        return [Offer(name, "", *_review(row)) for row in rows if (name := row.text("SignName"))]

    async def offered_templates(self) -> list[Offer]:
        """``DescribeSmsTemplateList``."""
        rows = map(Fields, await self.templates())
        return [
            Offer(code, row.text("TemplateContent"), *_review(row))
            for row in rows
            if (code := row.code("TemplateId"))
        ]

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
        if decoded(answer.content) is UNREADABLE and b'"PhoneNumber"' in answer.content:
            # Cut short on the way: the rows may be gone there, so what came is kept.
            return answer.content
        return answer.content if self.parse_answer(answer, keys=(key,))[key] else None

    def parse_receipts(self, body: bytes) -> list[Receipt]:
        """A page of ``PullSmsSendStatus``, or the array of a callback."""
        return reports.receipts(body)

    def parse_replies(self, body: bytes) -> list[Reply]:
        """A page of ``PullSmsReplyStatus``, or the object of a callback."""
        return reports.replies(body)

    def parse_push(self, body: bytes) -> Pushed:
        """A callback."""
        return reports.pushed(body)

    async def records(self, phone: str, since: datetime, until: datetime) -> list[Record]:
        """
        ``PullSmsSendStatusByPhoneNumber``: the sends to one number that a carrier has answered.

        One that is found was accepted. One that is missing may still have been:
        the carrier has not said anything, or never will. Which send a record is
        about shows only in its ``SessionContext``, which is empty unless Tencent
        switched the echo on for the account; the text is not kept.
        """
        now = self.clock()
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
        rows = [reports.record(Fields(row)) for row in self._objects(response, "PullSmsSendStatusSet")]
        if not all(row.phone and row.message_id for row in rows):
            raise self.unclear(Message("an answer of an unknown shape"))
        return rows


def _skew(answer: Answer, now: float) -> str:
    try:
        theirs = parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError, OverflowError):
        return ""
    return Message("By Tencent's clock it is {s}.", s=f"{theirs - now:+.0f} s")


def _hour(at: datetime) -> str:
    return in_china(at, "%Y%m%d%H")


def _numbered(template: Template) -> list[Piece | int]:
    """The body with each variable as the number of its place in ``TemplateParamSet``."""
    places = {name: place for place, name in enumerate(template.numbering(), start=1)}
    return [piece if isinstance(piece, str) else places[piece.name] for piece in template.pieces]


def _review(row: Fields) -> tuple[bool, str]:
    status = row.whole("StatusCode")
    return status == 0, row.text("StatusCode") if status is None else _STATUS.get(status, str(status))


def _reviewed(what: str, code: str, name: str, row: Fields) -> Finding:
    """A finding on a signature or template row; only StatusCode 0 can be sent with."""
    usable, words = _review(row)
    meaning = f"{name} “{words}”"
    if usable:
        return Finding(what, True, OK, meaning)
    wait = Message("Wait for the review, or look in the console.")
    return Finding(what, False, code, meaning, with_remark(wait, row.text("ReviewReply")))
