"""
The provider itself: settings, and the configuration's words put into the contract's.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, SecretStr

from smskit.audience.phones import normalise_one, to_e164, words
from smskit.errors import (
    AccountProblem,
    InputError,
    ProviderError,
    Refused,
    SettingsError,
    UnsupportedFeature,
    suggest,
)
from smskit.i18n import Message, mark
from smskit.message.template import Template
from smskit.models import CheckResult, CodeClass, Finding, Receipt, Record, Reply, Submission
from smskit.providers.base import Feature, Provider
from smskit.providers.calls import Call, Limits
from smskit.providers.china import national_of
from smskit.providers.console import console_of
from smskit.providers.generic.answers import PushedReplies, Reading, Reports
from smskit.providers.generic.config import HttpConfig, Request
from smskit.providers.generic.loading import load_config
from smskit.providers.generic.pattern import Value, Values
from smskit.providers.generic.wire import (
    MISSING,
    Verdict,
    at,
    build_request,
    decode,
    id_at,
    judge,
    parse_time,
    word_at,
    write_time,
)
from smskit.providers.http import Answer
from smskit.providers.pushes import Acknowledgement, Pushed, form_in, one_or_all
from smskit.providers.reading import Fields, page_of, rows_in, seconds_in
from smskit.settings import ProviderSettings, demand_https, variable_of

if TYPE_CHECKING:
    import httpx

# Which credentials a placeholder needs.
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "account": ("account",),
    "secret": ("secret",),
    "token": ("token",),
    "basic": ("account", "secret"),
}


class GenericSettings(ProviderSettings):
    """Settings of the generic provider; each is ``SMSKIT_HTTP_<NAME>``."""

    blanks_in_secrets = True  # such as "Bearer …"

    config: str = Field(
        default="",
        description=mark("A path, or the configuration itself. A subclass may have its own as default."),
    )
    account: SecretStr = SecretStr("")
    secret: SecretStr = SecretStr("")
    token: SecretStr = SecretStr("")
    batch_size: int = Field(
        default=10_000, ge=1, description=mark("Only to send fewer at a time than the configuration allows.")
    )


class GenericHttp(Provider):
    """
    An SSP described by a configuration file.

    Credentials: those of account, secret and token that the file has
    placeholders for. A subclass with a name and a file of its own is a provider
    of its own, so that several SSPs can be used side by side.
    """

    name: ClassVar[str] = "http"
    title: ClassVar[str] = Message("Own SSP 自有通道 (HTTP)")
    spoken: ClassVar[str] = Message("Own SSP")
    console_steps: ClassVar[tuple[str, ...]] = console_of("generic").steps
    Settings: ClassVar[type[ProviderSettings]] = GenericSettings
    configurable: ClassVar[frozenset[Feature]] = frozenset(
        {Feature.RECEIPTS, Feature.RECORDS, Feature.BALANCE}
    )

    settings: GenericSettings

    def __init__(
        self, settings: ProviderSettings, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        super().__init__(settings, transport=transport)
        self.config = self._load()
        self._base_url = self.settings.base_url or self.config.base_url.rstrip("/")
        self._last_page: list[Any] = []
        if self.config.records:
            self.record_lag_s = self.config.records.lag_s
        pushes = self.config.pushes
        # The contract declares these once for a class; here every file has its own.
        vars(self).update(
            title=self.config.title,
            console_url=self.config.console_url,
            codes=self.config.table(),
            features=self._features(),
            acknowledges=pushes and Acknowledgement(pushes.answer.encode(), pushes.content_type),
        )

    @classmethod
    def required_settings(cls) -> tuple[str, ...]:
        """The file, unless a subclass brings its own; which credentials it needs shows in it."""
        return () if cls.Settings.model_fields["config"].default else ("config",)

    def _load(self) -> HttpConfig:
        variable = variable_of(self.name, "config")
        if not self.settings.config:
            raise SettingsError(
                "provider `{name}` is not set up: {variable} is missing, the path of its configuration",
                name=self.name,
                variable=variable,
            )
        try:
            config = load_config(self.settings.config)
        except SettingsError as error:
            raise SettingsError("{name}: {why}", name=variable, why=error.message) from None
        for field in sorted({field for name in config.names for field in _NEEDS.get(name, ())}):
            if not getattr(self.settings, field).get_secret_value():
                raise SettingsError(
                    "provider `{name}` is not set up: {variable} is missing. Set it in the environment, "
                    "in a .env file beside the notebook, or in the OS keyring.",
                    name=self.name,
                    variable=variable_of(self.name, field),
                )
        relative = any(request.is_relative for request in config.requests.values())
        if relative and not (self.settings.base_url or config.base_url):
            why = Message(
                "`base_url` is missing; or set {variable}", variable=variable_of(self.name, "base_url")
            )
            raise SettingsError("{name}: {why}", name=variable, why=why)
        own = {f"{variable} ({name})": url for name, url in self._of_file(config).items()}
        demand_https(self.name, own, allowed=self.settings.plain_http == "allow")
        return config

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where requests go, by setting and by file."""
        return (*super().addresses, *self._of_file(self.config).values())

    def _of_file(self, config: HttpConfig) -> dict[str, str]:
        """The file's addresses, by key; its `base_url` is none where a setting replaces it."""
        replaced = {"base_url"} if self.settings.base_url else set()
        return {name: url for name, url in config.addresses.items() if name not in replaced}

    def _features(self) -> frozenset[Feature]:
        config = self.config
        offered = {
            Feature.RECEIPTS: config.receipts is not None,
            Feature.RECORDS: config.records is not None,
            Feature.BALANCE: config.check is not None and bool(config.check.answer.balance),
        }
        return frozenset(feature for feature, is_there in offered.items() if is_there)

    @property
    def limits(self) -> Limits:
        """Equal texts as far as the file allows; every other text is a request of its own."""
        texts = self.config.limits
        return Limits(
            same=min(self.config.batching.same, self.settings.batch_size),
            different=1,
            text_units=texts.text_units,
            value_units=texts.value_units,
            unfit_value=texts.unfit_value,
        )

    # -- sending ---------------------------------------------------------------------

    async def submit(self, call: Call) -> list[Submission]:
        """Send one call; see the contract."""
        values = self._message_values(call)
        for name in self._wanted_variables:
            if f"var.{name}" not in values:
                # Everybody would be refused for it, so it ends the run instead.
                raise AccountProblem(
                    Message(
                        "{provider}: `submit` wants {place}, and the template has no such variable",
                        provider=self.called,
                        place=f"{{var.{name}}}",
                    ),
                    provider=self.name,
                )
        answer = await self._send("submit", self.config.submit, values)
        return self.parse_submission(answer, call)

    def parse_submission(self, answer: Answer, call: Call) -> list[Submission]:
        """Judge each message, by a row of its own where the answer has rows; pure."""
        reading = self.config.submit.answer
        verdict = self._verdict(answer, reading, by_row=bool(reading.row.code))
        kind = verdict.meaning.kind
        if kind in (CodeClass.REFUSED, CodeClass.LATER) and len(call) == 1:
            return [Submission(kind, "", verdict.code, words(verdict.detail), verdict.meaning)]
        if kind is not CodeClass.ACCEPTED:
            raise self._error(verdict, answer)
        shared = id_at(verdict.data, reading.id)
        if not reading.rows:
            return [self._accepted(verdict.code, shared, expected=bool(reading.id))] * len(call)
        rows = at(verdict.data, reading.rows)
        if not isinstance(rows, list):
            raise self.unclear(Message("no list at `{name}`", name=reading.rows), answer)
        return [
            self._judge_rows(found, verdict.code, shared) for found in self._by_person(rows, call, answer)
        ]

    def _by_person(self, rows: list[Any], call: Call, answer: Answer) -> list[list[Any]]:
        """For each person the rows that are about them: one, when all is well."""
        path = self.config.submit.answer.row.phone
        if not path:
            if len(rows) != len(call):
                raise self.unclear(Message("{n} rows about {m} numbers", n=len(rows), m=len(call)), answer)
            return [[row] for row in rows]
        by_phone: dict[str, list[Any]] = {}
        for row in rows:
            by_phone.setdefault(_tail(word_at(row, path)), []).append(row)
        return [by_phone.get(_tail(phone), []) for phone in call.phones]

    def _judge_rows(self, found: Sequence[Any], code: str, shared: str) -> Submission:
        reading = self.config.submit.answer
        if not found:
            return Submission(CodeClass.UNKNOWN, detail=Message("the answer does not mention this number"))
        if len({word_at(row, reading.row.code) for row in found}) > 1:
            told = Message("the answer says two things about this number")
            return Submission(CodeClass.UNKNOWN, detail=told)
        if reading.row.code:
            code = word_at(found[0], reading.row.code)
        known = self.code(code)
        if known.kind is CodeClass.ACCEPTED:
            message_id = id_at(found[0], reading.row.id) if reading.row.id else shared
            return self._accepted(code, message_id, expected=bool(reading.row.id or reading.id))
        detail = words(word_at(found[0], reading.row.detail))
        return Submission(known.kind, "", code, detail, known)

    @staticmethod
    def _accepted(code: str, message_id: str, *, expected: bool) -> Submission:
        if expected and not message_id:
            # An answer cut short, or a wrong path in the file: without its id no receipt would ever match.
            return Submission(CodeClass.UNKNOWN, "", code, Message("the answer holds no message id"))
        return Submission(CodeClass.ACCEPTED, message_id, code)

    def _message_values(self, call: Call) -> dict[str, Value]:
        job, first = call.job, call.part(0, 1)
        text = first.texts[0]
        variables = {name: values[0] for name, values in first.variables.items()}
        batching = self.config.batching
        start = {"e164": 0, "digits": 1, "national": 3}[batching.numbers]
        phones = [phone[start:] for phone in call.phones]
        return {
            "phone": call.phones[0],
            "national": national_of(call.phones[0]),
            "phones": phones if batching.join is None else batching.join.join(phones),
            "text": text,
            "body": text.removeprefix(f"【{job.template.signature}】"),
            "signature": job.template.signature,
            "template_id": job.template_id,
            "variables": variables,
            "reference": job.reference,
            **{f"var.{name}": value for name, value in variables.items()},
        }

    @cached_property
    def _wanted_variables(self) -> list[str]:
        names = self.config.submit.names | (self.config.signing.names if self.config.signing else frozenset())
        return sorted(name.removeprefix("var.") for name in names if name.startswith("var."))

    # -- one request -------------------------------------------------------------------

    async def _send(self, key: str, request: Request, values: Values) -> Answer:
        try:
            wire = build_request(
                request, self._base_url, self.config.signing, {**self._own_values(), **values}
            )
        except ValueError as error:
            told = Message(
                "{provider}: `{name}`: {why}; nothing was sent",
                provider=self.called,
                name=key,
                why=error.args[0],
            )
            raise Refused(told, provider=self.name) from None
        return await self.door.send(wire.method, wire.url, headers=wire.headers, content=wire.content)

    def _own_values(self) -> dict[str, Value]:
        settings, now = self.settings, self.clock()
        account = settings.account.get_secret_value()
        secret = settings.secret.get_secret_value()
        moment = datetime.fromtimestamp(now, UTC)
        return {
            "account": account,
            "secret": secret,
            "token": settings.token.get_secret_value(),
            "basic": base64.b64encode(f"{account}:{secret}".encode()).decode(),
            "timestamp": str(int(now)),
            "timestamp_ms": str(int(now * 1000)),
            "time": write_time(moment, self.config.time_format, self.config.zone),
            "nonce": secrets.token_hex(16),
        }

    def _verdict(self, answer: Answer, reading: Reading, *, by_row: bool = False) -> Verdict:
        verdict = judge(answer, reading, self.codes, by_row=by_row)
        if isinstance(verdict, Message):
            raise self.unclear(verdict, answer)
        return verdict

    def _good(self, answer: Answer, reading: Reading) -> Verdict:
        """An answer that went well; every other is raised as the error it stands for."""
        verdict = self._verdict(answer, reading)
        if verdict.meaning.kind is not CodeClass.ACCEPTED:
            raise self._error(verdict, answer)
        return verdict

    def _error(self, verdict: Verdict, answer: Answer) -> ProviderError:
        detail = verdict.detail or verdict.meaning.meaning
        after = seconds_in(answer.headers.get("retry-after", ""))
        return self.error(verdict.code, detail, answer, known=verdict.meaning, retry_after_s=after)

    # -- looking -----------------------------------------------------------------------

    async def check(
        self, *, signature: str = "", template_id: str = "", template: Template | None = None
    ) -> CheckResult:
        """Whether a request can be filled, and what the SSP says of the account; sends nothing."""
        unfilled = tuple(self._unfilled(signature, template_id, template)) if template else ()
        account = await super().check()
        findings = unfilled + account.findings
        return account._replace(usable=all(f.ok for f in findings), findings=findings)

    async def check_account(self) -> tuple[list[Finding], str]:
        """What the configuration's ``check`` asks; without one, that no credential is missing."""
        if self.config.check is None:
            given = Message("given; the configuration has no `check` to try")
            return [Finding("credential", True, "", given)], ""
        reading = self.config.check.answer
        verdict = self._good(await self._send("check", self.config.check, {}), reading)
        findings = [Finding("credential", True, verdict.code, verdict.meaning.meaning)]
        balance = word_at(verdict.data, reading.balance) if reading.balance else ""
        if reading.balance:
            findings.append(_balance_finding(balance))
        return findings, balance

    def failed(self, what: str, error: ProviderError) -> Finding:
        """The finding of a question that was not answered."""
        look = Message("Look at the credentials and at {code}.", code=variable_of(self.name, "config"))
        step = (error.known and error.known.next_step) or ""
        if error.code and not step:
            step = self.code(error.code).next_step
        return Finding(what, False, error.code, error.detail or error.message, step or look)

    def _unfilled(self, signature: str, template_id: str, template: Template) -> Iterator[Finding]:
        """What the request has a place for and this campaign has nothing for."""
        names = self.config.submit.names
        if "template_id" in names and not template_id:
            wants = Message("the request wants {place}", place="{template_id}")
            yield Finding("template", False, "", wants, Message("Give parameter `template_id`."))
        if "signature" in names and not signature:
            wants = Message("the request wants {place}", place="{signature}")
            yield Finding("signature", False, "", wants, Message("Give parameter `signature`."))
        for name in self._wanted_variables:
            if name not in template.names:
                step = Message("Use `{name}` in the template", name=name)
                step = Message("{why}.", why=suggest(step, name, template.names))
                wants = Message("the request wants {place}", place=f"{{var.{name}}}")
                yield Finding("variables", False, "", wants, step)

    # -- afterwards ----------------------------------------------------------------------

    async def pull_receipts(self) -> bytes | None:
        """One page as it came; None when nothing waits, or when the same page comes again."""
        if self.config.receipts is None:
            return None
        reading = self.config.receipts.answer
        answer = await self._send("receipts", self.config.receipts, {})
        rows = self._rows(self._good(answer, reading).data, reading.rows, answer)
        # A page that comes again: reading does not delete there, and fetching would never end.
        if not rows or rows == self._last_page:
            return None
        self._last_page = rows
        return answer.content

    def _rows(self, data: Any, path: str, answer: Answer) -> list[Any]:
        """The list at *path*; a null is an empty one."""
        rows = at(data, path)
        if not isinstance(rows, list | None):
            raise self.unclear(Message("no list at `{name}`", name=path), answer)
        return rows or []

    def parse_receipts(self, body: bytes) -> list[Receipt]:
        """The reports of a page; a row without id or mainland number is nobody's."""
        if self.config.receipts is None:
            return []
        reading = self.config.receipts.answer
        return page_of(
            body,
            lambda page: rows_in(at(page, reading.rows)),
            lambda row: self._receipt(row, reading),
            as_written=True,
        )

    def parse_push(self, body: bytes) -> Pushed:
        """The reports and replies of a push, told apart by what each row holds."""
        reports, replies = (p.receipts, p.replies) if (p := self.config.pushes) else (None, None)
        form = form_in(body)
        data = {name: _unpacked(value) for name, value in form.items()} if form else decode(body)
        places = dict.fromkeys(reading.rows for reading in (reports, replies) if reading)
        found = [(path, row) for path in places for row in one_or_all(at(data, path)) if row is not MISSING]
        if not found:
            raise ValueError("nothing where rows should be")
        page = Pushed([], [])
        for path, row in found:
            if reports and reports.rows == path and word_at(row, reports.row.status):
                if receipt := self._receipt(row, reports):
                    page.receipts.append(receipt)
            elif replies and replies.rows == path and (reply := self._reply(row, replies)):
                page.replies.append(reply)
        return page._replace(unread=len(found) - len(page.receipts) - len(page.replies))

    def _reply(self, row: Any, reading: PushedReplies) -> Reply | None:
        where = reading.row
        phone = _phone_at(row, where.phone)
        if not phone or at(row, where.text) is MISSING:
            return None
        text, told = word_at(row, where.text), word_at(row, where.at)
        digest = hashlib.sha256("\n".join((phone, told, text)).encode()).hexdigest()
        moment = parse_time(told, reading.time_format or self.config.time_format, self.config.zone)
        return Reply(id_at(row, where.id) or digest[:32], phone, text, moment)

    def _receipt(self, row: Any, reading: Reports) -> Receipt | None:
        where = reading.row
        message_id, status = id_at(row, where.id), word_at(row, where.status)
        phone = _phone_at(row, where.phone)
        if not (message_id and phone):
            return None
        delivered: bool | None = None
        if status in reading.delivered:
            delivered = True
        elif status and status not in reading.pending:
            listed = reading.undelivered is None or status in reading.undelivered
            delivered = False if listed else None
        form = reading.time_format or self.config.time_format
        moment = parse_time(word_at(row, where.at), form, self.config.zone)
        return Receipt(message_id, phone, delivered, status, words(word_at(row, where.detail)), moment)

    async def records(self, phone: str, since: datetime, until: datetime) -> list[Record]:
        """
        What the SSP remembers of one number.

        Raises:
            OutcomeUnknown: a row cannot be read, or the page is full: the record
                that matters may be one that is not seen.
        """
        if self.config.records is None:
            raise UnsupportedFeature("{who} cannot be asked about single messages", who=self.config.title)
        reading, form, zone = self.config.records.answer, self.config.time_format, self.config.zone
        values: dict[str, Value] = {
            "phone": phone,
            "national": national_of(phone),
            "since": write_time(since, form, zone),
            "until": write_time(until, form, zone),
        }
        answer = await self._send("records", self.config.records, values)
        rows = self._rows(self._good(answer, reading).data, reading.rows, answer)
        if len(rows) >= reading.page_size:
            raise self.unclear(
                Message("{n} records, a full page; look for the number in the console", n=len(rows)), answer
            )
        return [self._record(row, phone, answer) for row in rows]

    def _record(self, row: Any, phone: str, answer: Answer) -> Record:
        assert self.config.records is not None
        reading = self.config.records.answer
        where = reading.row
        status = word_at(row, where.status)
        record = Record(
            message_id=id_at(row, where.id),
            phone=word_at(row, where.phone) if where.phone else phone,
            text=word_at(row, where.text),
            reference=word_at(row, where.reference),
            accepted=status not in reading.refused,
            code=status,
        )
        named = record.message_id or not record.accepted
        if not (named and record.phone and (record.text or record.reference)):
            # Not to be recognised, it would count as "no record", and the person get a second message.
            raise self.unclear(Message("a record without id, number or text"), answer)
        return record


def _phone_at(row: Any, path: str) -> str:
    """The number at *path* as E.164; "" where there is no mainland mobile."""
    try:
        return to_e164(normalise_one(word_at(row, path)))
    except InputError:
        return ""


def _tail(phone: str) -> str:
    """The 11 digits a number ends with, however it is decorated."""
    return re.sub(r"[^0-9]", "", phone)[-11:]


def _unpacked(value: str) -> Any:
    """A form's field: JSON where it is a list or an object, as some SSPs wrap them, else the text."""
    data = decode(value.encode()) if value.lstrip()[:1] in ("[", "{") else MISSING
    return value if data is MISSING else data


def _balance_finding(balance: str) -> Finding:
    if (left := Fields({"": balance}).amount("")) is None:
        return Finding(
            "balance",
            False,
            "",
            Message("the answer holds no balance"),
            Message("Look at `check.answer.balance`."),
        )
    return Finding(
        "balance", left > 0, "", balance, Message("Top up the account, then run again.") if left <= 0 else ""
    )
