"""
Chuanglan 创蓝 (253.com), domestic messages: the full-text API "v1" and the template API "v2".

How people are cut into calls, what goes on the wire, what an answer says, the
check. One id stands for a whole call, and nothing but a report ever tells about
a single number.

Sources: 253云通讯PaaS短信云接口说明（JSON版）rev. 1.2.0; doc.chuanglan.com
(HAQYSZKH9HT5Z50L, W89EY1H130AX6W6M, 3AOM4WYZSXUGXRHS, PA4N31T5HDWA1768); the
vendor's PHP, Python, Go and Java demos; public clients of the template API; read
2026-11. Where they contradict each other the safe reading is taken and is a
setting below.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import quote, urlsplit

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import Field, SecretStr, field_validator

from smskit.audience.phones import national, words
from smskit.errors import AccountProblem, NotAccepted, OutcomeUnknown, TemplateError
from smskit.i18n import Message, mark
from smskit.message.template import Form, Template, Var
from smskit.models import Code, CodeClass, Finding, Receipt, Reply, Slice, Submission
from smskit.providers.base import Feature, Provider, not_given
from smskit.providers.calls import Call, Job, Limits, runs
from smskit.providers.chuanglan import reports
from smskit.providers.codes import code_tables
from smskit.providers.encoding import JSON_UNSAFE, Bodies, ColumnEncoder, First, Joined, Rows, json_escaped
from smskit.providers.http import Answer
from smskit.providers.pushes import Acknowledgement, Pushed
from smskit.providers.reading import Fields, decoded
from smskit.settings import ProviderSettings, is_loopback

if TYPE_CHECKING:
    import httpx

_HEADERS = {"accept": "application/json", "content-type": "application/json; charset=utf-8"}
_PAGE = 100  # most rows of a pull
_MOST_NUMBERS = 1000  # in one call
MOST_VARIABLES = 20  # in one text with {$var}; of the rules, too
_TPL_URL = "https://smssh.253.com"

_PATHS = {"send": "msg/v1/send/json", "variable": "msg/variable/json", "tpl": "msg/sms/v2/tpl/send"}

# No escape is documented: either sign inside a value shifts all that follow, and a `{$` could be filled.
_SHIFTS = r"[,;]|\{\$"
_FULL_WIDTH = ((",", "，"), (";", "；"))
_PERCENT_SENSITIVE = "[%+]"  # what a server that url-decodes would change

_NO_SIGNATURES = mark("signatures cannot be asked about; judged when sending")
_NO_TEMPLATES = mark("templates cannot be asked about; judged when sending")
_NEEDS_TEMPLATE = mark("family v2 sends by template id: give parameter `template_id`")
_OLD_ENDING = re.compile(r"(?:退订回?T[DN]?|回T[DN]?退订)\s*$")  # opt-out wordings no longer taken


def _is_here(url: str) -> bool:
    return is_loopback(urlsplit(url).hostname or "")


class ChuanglanSettings(ProviderSettings):
    """Chuanglan's settings; each is ``SMSKIT_CHUANGLAN_<NAME>``."""

    account: SecretStr
    password: SecretStr
    base_url: str = Field(
        default="https://smssh1.253.com",
        description=mark("The console names the host to use; this is the one most accounts are given."),
    )
    tpl_base_url: str = Field(
        default="",
        description=mark(
            'Where v2 sends go; "" is the vendor\'s own host, or base_url where that is this machine.'
        ),
    )
    family: Literal["v1", "v2"] = Field(
        default="v1", description=mark("v1: the whole text. v2: an approved template's id and its values.")
    )
    auth: Literal["password", "hmac"] = Field(
        default="password",
        description=mark("How a v2 send proves who it is: the password itself, or a digest made with it."),
    )
    replace_separators: bool = Field(
        default=False,
        description=mark(
            "Send , and ; inside a value as ，and ；instead of leaving the person out. v1 only."
        ),
    )
    encode_msg: bool = Field(
        default=True,
        description=mark(
            "v1 url-decodes `msg`: the vendor's PHP, Go and Python demos encode it, its Java demo does not."
        ),
    )
    encode_variable_msg: bool | None = Field(
        default=None,
        description=mark(
            "Whether the call for different values decodes too is not settled. Unset: whoever's message a "
            "decoding could change (% or +) is sent alone, as whole text. Set once the vendor has told."
        ),
    )
    timeout_s: float = Field(
        default=30.0,
        gt=0,
        description=mark("A call without an answer cannot be asked about later, so waiting is cheap."),
    )
    requests_per_second: float = Field(
        default=40.0, ge=0, description=mark("The rate of an account is in its contract and not published.")
    )
    concurrency: int = Field(default=4, ge=1, le=256)
    batch_size: int = Field(default=_MOST_NUMBERS, ge=1, le=_MOST_NUMBERS)
    text_units: int = Field(default=536, ge=1, description=mark("Signature included; 8 billed parts of 67."))

    @field_validator("tpl_base_url")
    @classmethod
    def _as_base_url(cls, value: str) -> str:
        return cls._no_trailing_slash(value)

    @field_validator("base_url", "tpl_base_url")
    @classmethod
    def _not_in_clear(cls, value: str) -> str:
        if value.startswith("http://") and (urlsplit(value).hostname or "").endswith(".253.com"):
            raise ValueError(Message("must start with https://, since the password travels in the request"))
        return value

    @property
    def tpl_url(self) -> str:
        """Where v2 sends go."""
        if self.tpl_base_url:
            return self.tpl_base_url
        return self.base_url if _is_here(self.base_url) else _TPL_URL


class Chuanglan(Provider, facts="chuanglan"):
    """Chuanglan 创蓝. Credentials: the API account and its password, not the console login."""

    name: ClassVar[str] = "chuanglan"
    title: ClassVar[str] = Message("Chuanglan 创蓝")
    spoken: ClassVar[str] = Message("Chuanglan")
    console_url: ClassVar[str] = "https://zz.253.com"
    Settings: ClassVar[type[ProviderSettings]] = ChuanglanSettings
    # There is no query about single messages, templates or signatures.
    features: ClassVar[frozenset[Feature]] = frozenset({Feature.RECEIPTS, Feature.REPLIES, Feature.BALANCE})
    tables: ClassVar[Mapping[str, Mapping[str, Code]]] = {
        family: code_tables("chuanglan")[family] for family in ("v1", "v2")
    }
    codes: ClassVar[Mapping[str, Code]] = tables["v1"]
    form: ClassVar[Form] = Form.CHUANGLAN
    acknowledges: ClassVar[Acknowledgement] = Acknowledgement(b'{"clcode":"000000"}')
    page_size: ClassVar[int] = _PAGE
    pulls_at_once: ClassVar[int] = 1  # "one puller per account"
    rehearsal: ClassVar[Mapping[str, Any]] = {
        "account": "0123456789abcdef",
        "password": "0123456789abcdef0123456789abcdef",
    }

    settings: ChuanglanSettings

    def __init__(
        self, settings: ProviderSettings, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        super().__init__(settings, transport=transport)
        self._percent = ColumnEncoder(lambda value: quote(value, safe=""))
        self._json = ColumnEncoder(json_escaped, JSON_UNSAFE)
        self._json_twice = ColumnEncoder(lambda value: json_escaped(json_escaped(value)), JSON_UNSAFE)

    @property
    def limits(self) -> Limits:
        """v1 carries different values as well as equal ones; v2 one set of values a call."""
        size = self.settings.batch_size
        if self.settings.family == "v2":
            words = Message("it holds 【 or 】, by which the signature is found")
            return Limits(size, 1, self.settings.text_units, unfit_value="[【】]", unfit_words=words)
        replace = _FULL_WIDTH if self.settings.replace_separators else ()
        unfit = (
            mark("it holds one of 【 】 , ; or {place}, which Chuanglan would take for something else")
            if replace
            else mark(
                "it holds one of 【 】 , ; or {place}, which Chuanglan would take for something else "
                "({code}=true sends , ; as ， ；)"
            )
        )
        return Limits(
            size,
            size,
            self.settings.text_units,
            # The signature is found by its brackets, so a second pair within the text is not risked.
            unfit_value=r"[【】]|\{\$" if replace else rf"[【】]|{_SHIFTS}",
            unfit_words=Message(unfit, place="{$", code="SMSKIT_CHUANGLAN_REPLACE_SEPARATORS"),
            replace=replace,
        )

    @classmethod
    def code_tables(cls) -> Mapping[str, Mapping[str, Code]]:
        """One table a family."""
        return {f"family {family}": table for family, table in cls.tables.items()}

    def code(self, code: str) -> Code:
        """What *code* means in the family messages are sent by; the other's numbers mean nothing here."""
        return self._meaning(self.settings.family, code)

    def _meaning(self, family: str, code: str) -> Code:
        return self.tables[family].get(code) or Code(
            CodeClass.UNKNOWN, "", mark("This code is not documented; ask Chuanglan what it means.")
        )

    # -- sending -----------------------------------------------------------------

    def calls(self, job: Job, people: Slice) -> Iterator[Call]:
        """Equal values: one text for many; different: values by number where safe, else one by one."""
        for first, last, equal in runs(people, self.limits):
            rows = np.arange(first, last)
            if self.settings.family == "v2":
                yield from self._cut("tpl", job, people, rows, self.limits.same if equal else 1)
            elif equal:
                yield from self._cut("send", job, people, rows, self.limits.same)
            else:
                alone = self._alone(job.template, people.take(rows))
                yield from self._cut("variable", job, people, rows[~alone], self.limits.different)
                yield from self._cut("send", job, people, rows[alone], 1)

    def _cut(
        self, method: str, job: Job, people: Slice, rows: NDArray[np.int64], size: int
    ) -> Iterator[Call]:
        if len(rows):
            write = self._writer(method, job, people.take(rows))
            for start in range(0, len(rows), size):
                end = min(start + size, len(rows))
                yield Call(job, people, rows[start:end], method, write(start, end))

    def _alone(self, template: Template, people: Slice) -> NDArray[np.bool_]:
        """
        Whose message the call for different values might not carry as it is.

        The plan leaves people with separators in their values out. Whoever was
        planned under other settings goes alone, since a shifted value would
        reach the wrong person.
        """
        alone = np.zeros(len(people.positions), bool)
        unsettled = self.settings.encode_variable_msg is None
        literals = "".join(piece for piece in template.pieces if isinstance(piece, str))
        try:
            template.write(Form.CHUANGLAN, with_signature=True)
            writable = True
        except TemplateError:  # a literal {$…} would be filled
            writable = False
        many = len(template.positions()) > MOST_VARIABLES
        if many or not writable or (unsettled and re.search(_PERCENT_SENSITIVE, literals)):
            return ~alone
        pattern = f"{_SHIFTS}|{_PERCENT_SENSITIVE}" if unsettled else _SHIFTS
        for column in people.variables.values():
            alone |= np.asarray(pc.match_substring_regex(column, pattern))
        return alone

    def _writer(self, method: str, job: Job, people: Slice) -> Bodies:
        """JSON bodies, without the credentials, for rows of *people*."""
        n = len(people.positions)
        mobiles = pa.array(national(people.phones)).cast(pa.large_string())
        phones, template = Joined([mobiles], ",", n), job.template
        if method == "variable":
            groups: list[str | pa.Array] = [mobiles]
            for name in template.positions():
                groups += [",", self._json(people.variables[name])]
            return _bodies(job, {"msg": self._with_marks(template), "params": Joined(groups, ";", n)})
        if method == "send":
            text = (self._percent if self.settings.encode_msg else self._json).text(template, people)
            return _bodies(job, {"msg": First(Joined(text, "", n)), "phone": phones})
        fields: dict[str, str | Rows] = {"phoneNumbers": phones, "templateId": job.template_id}
        values: list[str | pa.Array] = []
        for number, name in enumerate(template.positions(), 1):
            opening = ("," if values else "") + json_escaped(f'"param{number}":"')
            values += [opening, self._json_twice(people.variables[name]), json_escaped('"')]
        if values:
            fields["templateParamJson"] = First(Joined(["[{", *values, "}]"], "", n))
        if template.signature:
            fields["signature"] = f"【{template.signature}】"
        return _bodies(job, fields)

    def _with_marks(self, template: Template) -> str:
        """The text with ``{$var}``, which stays bare: it is found before a decoding as well as after."""
        if not self.settings.encode_variable_msg:
            return template.write(Form.CHUANGLAN, with_signature=True)
        head = f"【{template.signature}】" if template.signature else ""
        pieces = [head, *template.pieces]
        return "".join("{$var}" if isinstance(p, Var) else quote(p, safe="") for p in pieces)

    async def submit(self, call: Call) -> list[Submission]:
        """Send one call; see the contract."""
        if call.method == "tpl" and not call.job.template_id:
            needs = Message(_NEEDS_TEMPLATE)
            told = Message("{provider}: {why}", provider=self.called, why=needs)
            raise AccountProblem(told, provider=self.name, detail=needs)
        body = call.body or self._writer(call.method, call.job, call.people.take(call.rows))(0, len(call))
        try:
            return self.parse_submission(await self._post(_PATHS[call.method], body), call)
        except OutcomeUnknown as error:
            # A report names our own id too, which is then the only thing known of this call.
            error.request_id = orjson.loads(body)["uid"]
            raise

    def parse_submission(self, answer: Answer, call: Call) -> list[Submission]:
        """
        What the answer says of everybody in the call; pure.

        With any number failed it does not say which: all are unknown until
        reports tell, under the call's id.
        """
        family = "v2" if call.method == "tpl" else "v1"
        data = self.parse_answer(answer, family=family)
        message_id = data.id("msgId", "msgid")
        if not message_id:
            raise self.unclear(Message("an answer without msgId"), answer)
        code = data.code("code")
        failed, taken = data.data.get("failNum"), data.data.get("successNum")
        if _count(data, "failNum", 0) == 0 and _count(data, "successNum", len(call)) >= len(call):
            return [Submission(CodeClass.ACCEPTED, message_id, code)] * len(call)
        detail = Message(
            "failNum {failed}, successNum {taken} of {n}: only reports tell who",
            failed=words(str(failed)),
            taken=words(str(taken)),
            n=len(call),
        )
        return [Submission(CodeClass.UNKNOWN, message_id, code, detail)] * len(call)

    def parse_answer(self, answer: Answer, *, family: str = "v1") -> Fields:
        """
        Tell a good answer from a bad one; pure. The body decides, whatever the status.

        Raises:
            ProviderError: the subclass the code stands for in that family.
        """
        whole = decoded(answer.content)
        if not isinstance(whole, dict):
            raise self.unclear(Message("HTTP {n} with no JSON object", n=answer.status), answer)
        data = Fields(whole)
        if not (code := data.code("code")):
            raise self.unclear(Message("HTTP {n} with an incomplete answer", n=answer.status), answer)
        known = self._meaning(family, code)
        if known.kind is not CodeClass.ACCEPTED:
            detail = data.text("errorMsg", "msg") or known.meaning
            raise self.error(code, detail, answer, known=known)
        if not 200 <= answer.status < 300:
            raise self.unclear(Message("HTTP {n} with code {code}", n=answer.status, code=code), answer)
        return data

    async def _post(self, path: str, body: bytes) -> Answer:
        """POST *body* with the credentials put in front, as its family wants them."""
        account, password = (
            secret.get_secret_value() for secret in (self.settings.account, self.settings.password)
        )
        headers, base = _HEADERS, self.settings.base_url
        who = {"account": account, "password": password}
        if path == _PATHS["tpl"]:
            base = self.settings.tpl_url
            timestamp, nonce = str(int(self.clock())), secrets.token_hex(16)
            who |= {"timestamp": timestamp, "nonce": nonce}
            if self.settings.auth == "hmac":
                del who["password"]
                headers = {**_HEADERS, "x-qa-hmac-signature": request_digest(password, timestamp, nonce)}
        content = orjson.dumps(who)[:-1] + (b"," + body[1:] if body != b"{}" else b"}")
        return await self.door.send("POST", f"{base}/{path}", headers=headers, content=content)

    # -- the account -----------------------------------------------------------------

    async def balance(self) -> str:
        """``msg/balance/json``: billed parts (条) left, as Chuanglan writes them."""
        answer = await self._post("msg/balance/json", b"{}")
        data = self.parse_answer(answer)
        if data.amount("balance") is None:
            raise self.unclear(Message("a balance answer without a balance"), answer)
        return data.text("balance").strip()

    async def check_account(self) -> tuple[list[Finding], str]:
        """Credential, allow-list and balance by asking for the balance."""
        balance = await self.balance()
        return [self._check_credential(), self._check_balance(balance)], f"{balance} 条"

    def _check_credential(self) -> Finding:
        return Finding("credential", True, "0", "OK")

    def _check_balance(self, balance: str) -> Finding:
        # What the figure means for a sub-account, billed on its main one, is not documented.
        sub_account = "_" in self.settings.account.get_secret_value()
        empty = not sub_account and bool(re.fullmatch(r"-\d+|0+(\.0*)?", balance))
        code = {"v1": "109", "v2": "101207"}[self.settings.family] if empty else "0"
        step = self.code(code).next_step if empty else ""
        return Finding("balance", not empty, code, f"{balance} 条", step)

    async def check_signature(self, name: str) -> Finding:
        """Signatures cannot be asked about; what can be told without asking is said here."""
        if name:
            return Finding("signature", True, "", Message(_NO_SIGNATURES))
        if self.settings.family == "v2":
            return Finding(
                "signature",
                True,
                "",
                Message("no signature: the template has to bring one; judged when sending"),
            )
        known = self.code("116")
        return Finding("signature", False, "116", known.meaning, Message("Give parameter `signature`."))

    async def check_template(self, template_id: str, template: Template | None) -> tuple[Finding | None, str]:
        """Templates cannot be asked about; what can be told without asking is said here."""
        return self._template_finding(template_id, template), ""

    def _template_finding(self, template_id: str, template: Template | None) -> Finding:
        if self.settings.family == "v2":
            if not template_id:
                return not_given("template", "", "templateId", Message(_NEEDS_TEMPLATE))
            return Finding("template", True, "", Message(_NO_TEMPLATES))
        step = ""
        if template is not None and _OLD_ENDING.search(template.text):
            step = Message("Chuanglan now takes only 拒收请回复R as the last words of a marketing message.")
        return Finding("template", True, "", Message(_NO_TEMPLATES), step)

    def approved_form(self, job: Job) -> dict[str, str]:
        """As the console holds it: the body with ``{$var}``, the signature filed apart."""
        content = job.template.write(Form.CHUANGLAN, with_signature=False)
        return {"id": job.template_id or "1", "content": content}

    # -- afterwards --------------------------------------------------------------------

    async def pull_receipts(self) -> bytes | None:
        """``msg/pull/report``: what was read is deleted there, so the page is returned as it came."""
        return await self._pull("msg/pull/report")

    async def pull_replies(self) -> bytes | None:
        """``msg/pull/mo``: likewise."""
        return await self._pull("msg/pull/mo")

    async def _pull(self, path: str) -> bytes | None:
        answer = await self._post(path, orjson.dumps({"count": str(_PAGE)}))
        data = Fields.of(decoded(answer.content))
        if data.code("ret") == "0":
            return answer.content if data.data.get("result") else None
        if data.code("ret"):
            detail = data.words("error")
            message = Message(
                "{provider}: {path}: {said}. Ask Chuanglan to set the account to pull (拉取) mode.",
                provider=self.called,
                path=path,
                said=detail,
            )
            raise NotAccepted(message, provider=self.name, code=data.code("ret"), detail=detail)
        if b'"mobile"' in answer.content:
            # Cut short on the way: the rows are deleted there, so what came is kept.
            return answer.content
        raise self.unclear(Message("HTTP {n} with no page of {name}", n=answer.status, name=path), answer)

    def parse_receipts(self, body: bytes) -> list[Receipt]:
        """A page of ``pull/report``, even one that was cut short."""
        return reports.receipts(body)

    def parse_replies(self, body: bytes) -> list[Reply]:
        """A page of ``pull/mo``, even one that was cut short."""
        return reports.replies(body)

    def parse_push(self, body: bytes) -> Pushed:
        """One report or reply, from the query of a GET."""
        return reports.pushed(body)


def request_digest(password: str, timestamp: str, nonce: str) -> str:
    """
    The ``X-QA-Hmac-Signature`` of a v2 send; it does not cover the body.

    >>> request_digest("FakePass123", "1717171717", "0123456789abcdef0123456789abcdef")
    '96c084781392e22cb60984b282fa9170f9b15699f6aaaa261faa64dc17deb08e'
    """
    key = hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()
    signed = re.sub(r"\s", "", "".join(sorted((key, timestamp, nonce))))
    return hmac.new(key.encode(), signed.encode(), hashlib.sha256).hexdigest()


class _OwnId:
    """An id of our own for each call, which reports will name."""

    def __init__(self, reference: str) -> None:
        self._campaign = re.sub(r"[^A-Za-z0-9_.-]", "", reference)[:40]

    def __getitem__(self, rows: slice) -> bytes:
        return f"{self._campaign}-{secrets.token_hex(8)}".lstrip("-").encode()


def _bodies(job: Job, fields: Mapping[str, str | Rows]) -> Bodies:
    """A JSON object of *fields*, in which `Rows` are texts that are escaped already."""
    every = {**fields, "report": "true", "uid": _OwnId(job.reference), **job.extra}
    pieces: list[bytes | Rows] = []
    for name, value in every.items():
        pieces.append((b"," if pieces else b"{") + orjson.dumps(name) + b":")
        pieces += [b'"', value, b'"'] if isinstance(value, (Joined, First, _OwnId)) else [orjson.dumps(value)]
    return Bodies(*pieces, b"}")


def _count(data: Fields, name: str, absent: int) -> int:
    """A count, mostly written as text; -1, which fits nothing, when it is no count."""
    if data.data.get(name) in (None, ""):
        return absent
    count = data.whole(name)
    return -1 if count is None else count
