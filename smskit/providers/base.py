"""
The contract between smskit and a provider.

A provider declares what it needs (``Settings``), what it can do (``features``),
how much fits in a request (``limits``), what its codes mean (``codes``) and what
its templates may not hold (``template_rules``). The settings form, the tables of
docs/reference.md, docs/providers, the template doctor and the contract tests read these
declarations.
Everything a provider knows stays in its own module; the engine sees only
``calls`` (cut some people into requests) and ``submit`` (send one of them).
"""

from __future__ import annotations

import enum
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar
from urllib.parse import urlsplit

import numpy as np

from smskit.audience.phones import hide, words
from smskit.errors import (
    AccountProblem,
    OutcomeUnknown,
    ProviderError,
    RateLimited,
    Refused,
    UnsupportedFeature,
)
from smskit.i18n import Joined, Message, Quoted, as_message, mark
from smskit.message.lint import TemplateRule
from smskit.message.opt_out import OptOutRule
from smskit.message.template import Form, Template
from smskit.message.windows import MarketingLimits
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
from smskit.providers.calls import Call, Job, Limits, runs
from smskit.providers.codes import ANSWER, RECEIPT, carriers_code, code_tables
from smskit.providers.console import console_of
from smskit.providers.http import Answer, Door
from smskit.providers.pushes import Acknowledgement, Pushed
from smskit.providers.reading import UNREADABLE, Fields, codes_in, decoded, ids_in
from smskit.settings import ProviderSettings, is_in_clear, variable_of

if TYPE_CHECKING:
    import httpx

_T = TypeVar("_T")

# A provider may ask for a pause, and for pages of what it knows to be fetched one by one; this is how far
# its word goes. Who asks for a longer pause is not asked again by itself.
LONGEST_WAIT_S = 60.0
MOST_PAGES = 200  # of one answer: 10,000 rows and more


class Feature(enum.StrEnum):
    """What a provider can do beyond submitting."""

    RECEIPTS = "receipts"  # fetch delivery reports, a page at a time
    RECEIPTS_BY_QUERY = "receipts_by_query"  # ask for the report of one message after the other
    REPLIES = "replies"  # fetch what recipients sent back
    RECORDS = "records"  # ask what became of one submission: settles unknowns
    BALANCE = "balance"
    TEMPLATES = "templates"  # read template texts and their approval
    SIGNATURES = "signatures"  # read signatures and their approval


# What becomes of a request that is refused as a whole. Any other answer leaves its outcome open.
ERRORS: Mapping[CodeClass, type[ProviderError]] = {
    CodeClass.ACCOUNT: AccountProblem,
    CodeClass.REFUSED: Refused,
    CodeClass.LATER: Refused,
}


class Provider(ABC):
    """
    One SMS provider. Built-in ones and plug-ins come in by the same door.

    Args:
        settings: An instance of the class's own ``Settings``.
        transport: Stands in for the network in tests.
    """

    name: ClassVar[str]  # lower-case; also the settings prefix
    title: ClassVar[str]  # for people; a `Message` where it is another in 中文
    spoken: ClassVar[str] = ""  # the same within a sentence; "" = its name
    console_url: ClassVar[str] = ""  # where a person manages the account
    console_steps: ClassVar[tuple[str, ...]] = ()  # what a person obtains or switches on there, in order
    Settings: ClassVar[type[ProviderSettings]] = ProviderSettings
    features: ClassVar[frozenset[Feature]] = frozenset()
    configurable: ClassVar[frozenset[Feature]] = frozenset()  # what its configuration may add to them
    codes: ClassVar[Mapping[str, Code]] = {}
    receipt_codes: ClassVar[Mapping[str, Code]] = {}  # what codes in its receipts mean, where it says so
    form: ClassVar[Form] = Form.BRACES  # how this provider writes variables in its templates
    signature_in_template: ClassVar[bool] = False  # its templates begin with 【signature】
    template_rules: ClassVar[tuple[TemplateRule, ...]] = ()  # only what its documents say, with the source
    opt_out: ClassVar[OptOutRule] = OptOutRule()  # what it says about opt-out wording, with source and date
    marketing: ClassVar[MarketingLimits] = (
        MarketingLimits()
    )  # what it states about the hours and the frequency of marketing
    # Made-up credentials for rehearsals, where the simulator speaks this provider's protocol.
    rehearsal: ClassVar[Mapping[str, Any]] = {}
    # What it reads as "taken" when it pushes receipts and replies to us; None = it does not push.
    acknowledges: ClassVar[Acknowledgement | None] = None
    page_size: ClassVar[int] = 0  # most reports or replies of a page, where that is known; 0 = it is not
    # Pages that may be asked for at once. Each of them is lost where a process dies before it is kept.
    pulls_at_once: ClassVar[int] = 4
    # How long after a submission "no record of it" may be believed, in seconds.
    record_lag_s: float = 60.0
    # False: a provider that shows a message only once the carrier has answered. Finding it proves
    # that it was taken; not finding it proves nothing.
    records_prove_absence: ClassVar[bool] = True

    def __init_subclass__(cls, *, facts: str = "", **more: Any) -> None:
        """
        Declare a class.

        Args:
            facts: The folder whose ``codes.csv`` and ``console.yaml`` say what the class does not say itself.
        """
        super().__init_subclass__(**more)
        if not facts:
            return
        console, tables = console_of(facts), code_tables(facts)
        declared = {
            "console_steps": console.steps,
            "template_rules": console.template_rules,
            "opt_out": console.opt_out,
            "marketing": console.marketing,
            "codes": tables.get(ANSWER, {}),
            "receipt_codes": tables.get(RECEIPT, {}),
        }
        for name in declared.keys() - vars(cls).keys():
            setattr(cls, name, declared[name])

    def __init__(
        self, settings: ProviderSettings, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.settings = settings
        # Epoch seconds. What is signed and what is asked about goes by it, as the run that asks does.
        self.clock: Callable[[], float] = time.time
        self.door = Door(
            self.name,
            called=self.called,
            timeout_s=settings.timeout_s,
            connect_timeout_s=settings.connect_timeout_s,
            connections=settings.concurrency,
            secrets=[getattr(settings, name).get_secret_value() for name in settings.secret_fields()],
            plain_http=settings.plain_http == "allow",
            transport=transport,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.settings.base_url})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.door.close()

    @property
    def called(self) -> str:
        """What sentences call it."""
        return self.spoken or self.name

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where requests go."""
        return self.settings.addresses

    @property
    def in_clear(self) -> tuple[Message, ...]:
        """What is to be said where requests go over the network unencrypted; shown by each check and plan."""
        hosts = dict.fromkeys(urlsplit(url).hostname for url in self.addresses if is_in_clear(url))
        variable = variable_of(self.name, "plain_http")
        return tuple(
            Message(
                "requests go to {host} over http://, as {variable}=allow has it: keys and phones can be "
                "read on the way",
                host=host,
                variable=variable,
            )
            for host in hosts
        )

    @property
    @abstractmethod
    def limits(self) -> Limits:
        """What one request may hold, under these settings."""

    # -- sending -----------------------------------------------------------------

    def calls(self, job: Job, people: Slice) -> Iterator[Call]:
        """
        Cut *people* into requests: neighbours with equal values together, others as far as they fit.

        The engine keeps people with equal values next to each other when
        ``limits.same`` is larger than ``limits.different``.
        """
        for first, last, equal in runs(people, self.limits):
            size = self.limits.same if equal else self.limits.different
            for start in range(first, last, size):
                yield Call(job, people, np.arange(start, min(start + size, last)))

    @abstractmethod
    async def submit(self, call: Call) -> list[Submission]:
        """
        Send one request; one result a message, in order.

        Raises:
            NotAccepted: the request as a whole was refused; nobody was messaged.
            OutcomeUnknown: anybody in it may have been.
        """

    # -- looking -------------------------------------------------------------------

    async def check(
        self, *, signature: str = "", template_id: str = "", template: Template | None = None
    ) -> CheckResult:
        """
        Whether the account, and a campaign set up like this, could send; sends nothing.

        Asks the provider's own `check_account`, `check_signature` and `check_template`. Without a credential
        that is taken nothing else is asked.

        Args:
            signature: "" = do not look at signatures.
            template_id: "" = do not look at templates.
            template: What the campaign would send; compared with what the provider approved.
        """
        text = ""
        try:
            findings, balance = await self.check_account()
        except ProviderError as error:
            findings, balance = [self.failed("credential", error)], ""
        if findings[0].ok and (signature or template is not None):
            findings.append(await self._asked("signature", self.check_signature(signature)))
        if findings[0].ok and (template_id or template is not None):
            found = await self._asked("template", self.check_template(template_id, template))
            finding, text = (found, "") if isinstance(found, Finding) else found
            findings += [finding] if finding is not None else []
        findings += [Finding(mark("address"), True, "", told) for told in self.in_clear]
        return CheckResult(self.name, all(f.ok for f in findings), tuple(findings), text, balance)

    async def _asked(self, what: str, asking: Awaitable[_T]) -> _T | Finding:
        try:
            return await asking
        except ProviderError as error:
            return self.failed(what, error)

    async def check_account(self) -> tuple[list[Finding], str]:
        """What there is to say of the credential, which comes first, and of the balance; and the balance."""
        raise UnsupportedFeature("{who} has no check", who=self.title)

    async def check_signature(self, name: str) -> Finding:
        """Whether the signature can be sent with; "" = the campaign has none."""
        raise UnsupportedFeature("{who} has no check of signatures", who=self.title)

    async def check_template(self, template_id: str, template: Template | None) -> tuple[Finding | None, str]:
        """Whether the template can be sent with, and its approved text; "" = the campaign names none."""
        raise UnsupportedFeature("{who} has no check of templates", who=self.title)

    def failed(self, what: str, error: ProviderError) -> Finding:
        """The finding of a question that was not answered."""
        step: str = Message(
            "Look at the network of this computer, then at {variable}.",
            variable=variable_of(self.name, "base_url"),
        )
        if error.code:
            step = (error.known or self.code(error.code)).next_step
        return Finding(what, False, error.code, error.detail or error.message, step)

    def another_text(self, code: str, theirs: str) -> Finding:
        """The finding that the provider approved another text than the campaign's."""
        step = Message(
            "{title} has: {text}. Use this text, or leave `template` empty to take it over.",
            title=self.title.split()[0],
            text=theirs,
        )
        return Finding("template", False, code, Message("the approved text is another one"), step)

    def no_template(self, template_id: str, code: str) -> Refused:
        """There is none of that id."""
        told = Message("{provider}: there is no template {code}", provider=self.called, code=template_id)
        return Refused(told, provider=self.name, code=code)

    async def template_text(self, template_id: str) -> str:
        """The approved text of a template, in the provider's own form."""
        raise UnsupportedFeature(
            "{who} does not hand out template texts; give the text as parameter `template`", who=self.title
        )

    async def offered_signatures(self) -> list[Offer]:
        """All signatures of the account, approved or not; only with ``Feature.SIGNATURES``."""
        raise UnsupportedFeature("{who} does not list signatures; its console does", who=self.title)

    async def offered_templates(self) -> list[Offer]:
        """All templates of the account, approved or not; only with ``Feature.TEMPLATES``."""
        raise UnsupportedFeature("{who} does not list templates; its console does", who=self.title)

    # -- afterwards ------------------------------------------------------------------

    async def pull_receipts(self) -> bytes | None:
        """One page of delivery reports as it came, None when nothing waits. Reading may delete it there."""
        return None

    def parse_receipts(self, body: bytes) -> list[Receipt]:
        """What a page holds; pure, so that a stored page can be read again."""
        return []

    async def receipts_for(self, messages: Sequence[tuple[str, str, datetime]]) -> list[Receipt]:
        """
        Ask for the reports of messages, each (message id, E.164 phone, submitted at).

        Only for providers with ``Feature.RECEIPTS_BY_QUERY``; a message that has
        no report yet is left out.
        """
        raise UnsupportedFeature("{who} has no reports to ask for one by one", who=self.title)

    async def pull_replies(self) -> bytes | None:
        """One page of replies as it came, None when nothing waits. Reading may delete it there."""
        return None

    def parse_replies(self, body: bytes) -> list[Reply]:
        """What a page holds; pure."""
        return []

    def parse_push(self, body: bytes) -> Pushed:
        """
        What a push holds: the body of its request, or the query of one without a body; pure.

        Only for providers with ``acknowledges``.

        Raises:
            ValueError: nothing of it can be read.
            Forged: it is signed by somebody else.
        """
        raise UnsupportedFeature("{who} does not push", who=self.title)

    async def records(self, phone: str, since: datetime, until: datetime) -> Sequence[Record]:
        """
        What the provider remembers of submissions to *phone* in that time.

        Only for providers with ``Feature.RECORDS``: an empty answer is taken to
        mean that nothing was accepted, once ``record_lag_s`` have passed, unless
        ``records_prove_absence`` is False.
        """
        raise UnsupportedFeature("{who} cannot be asked about single messages", who=self.title)

    async def all_pages(self, page_of: Callable[[int], Awaitable[Sequence[_T]]], size: int) -> list[_T]:
        """
        The rows of all pages of one answer.

        Args:
            page_of: From the number of a page, the first is 1, to its rows.
            size: Rows of a full page; one that is not full is the last.

        Raises:
            OutcomeUnknown: the pages have no end, so whatever is not among them may yet be there.
        """
        found: list[_T] = []
        page: Sequence[_T] = ()
        for number in range(1, MOST_PAGES + 1):
            before, page = page, await page_of(number)
            if page and page == before:
                raise self.unclear(
                    Message("page {n} of an answer is page {m} once more", n=number, m=number - 1)
                )
            found += page
            if len(page) != size:
                return found
        raise self.unclear(Message("an answer of more than {n} pages", n=MOST_PAGES))

    def approved_form(self, job: Job) -> dict[str, str]:
        """The job's template as this provider's console holds it, for a rehearsal's simulated account."""
        raise UnsupportedFeature("the simulator does not speak {who}", who=self.title)

    @classmethod
    def required_settings(cls) -> tuple[str, ...]:
        """Names of the settings without which nothing can be sent."""
        return tuple(name for name, field in cls.Settings.model_fields.items() if field.is_required())

    @classmethod
    def code_tables(cls) -> Mapping[str, Mapping[str, Code]]:
        """All its tables of codes, by what to call them; most providers have one."""
        return {"": cls.codes}

    @classmethod
    def describe(cls, code: str, *, receipt: bool) -> Code | None:
        """
        What a stored code meant when it came; None where nobody documents it.

        Args:
            receipt: Whether it came in a delivery report. Reports may carry the carriers' own codes; a number
                among those is another number than that of an answer.
        """
        if receipt and code in cls.receipt_codes:
            return cls.receipt_codes[code]
        if not (receipt and code.lstrip("-").isdigit()):
            for table in (cls.codes, *cls.code_tables().values()):
                if code in table:
                    return table[code]
        return carriers_code(code) if receipt else None

    def in_words(self, code: str, said: str, next_step: str = "") -> Message:
        """An answer that was no success, as errors tell it: the provider's own words stand in quotes."""
        values = {"provider": self.called, "code": code, "said": said, "why": as_message(next_step)}
        match bool(said), bool(next_step):
            case True, True:
                return Message("{provider}: {code} “{said}”. {why}", **values)
            case True, False:
                return Message("{provider}: {code} “{said}”", **values)
            case False, True:
                return Message("{provider}: {code}. {why}", **values)
        return Message("{provider}: {code}", **values)

    def json_of(self, answer: Answer) -> Any:
        """
        What an answer's JSON holds.

        Raises:
            OutcomeUnknown: it is none.
        """
        data = decoded(answer.content)
        if data is UNREADABLE:
            raise self.unclear(Message("HTTP {n} without JSON", n=answer.status), answer)
        return data

    def unclear(self, why: str, answer: Answer | None = None) -> OutcomeUnknown:
        """An answer that leaves open whether anything was taken."""
        status = answer.status if answer else None
        told = Message("{provider}: {why}", provider=self.called, why=why)
        return OutcomeUnknown(told, provider=self.name, detail=why, http_status=status)

    def error(
        self,
        code: str,
        detail: str,
        answer: Answer,
        *,
        known: Code | None = None,
        next_step: str = "",
        request_id: str = "",
        retry_after_s: float | None = None,
    ) -> ProviderError:
        """
        The error that *code* at the top of an answer stands for.

        Args:
            detail: The provider's own words; phones are taken out here, keys were by the `Door`.
            known: What the code means, where not `code` tells it.
            next_step: In place of the table's.
            retry_after_s: What the answer itself says of it.
        """
        known, code, detail = known or self.code(code), hide(code), words(detail)
        told = self.in_words(code, detail, next_step or known.next_step)
        facts: dict[str, Any] = {
            "provider": self.name,
            "code": code,
            "detail": detail,
            "request_id": request_id,
            "http_status": answer.status,
            "known": known,
        }
        if known.kind is CodeClass.RETRY:
            after = known.retry_after_s if retry_after_s is None else retry_after_s
            return RateLimited(told, retry_after_s=after, **facts)
        return ERRORS.get(known.kind, OutcomeUnknown)(told, **facts)

    def submission(self, code: str, *, message_id: str = "", detail: str = "") -> Submission:
        """
        What *code* says of one message; the meaning of the code travels with it.

        Args:
            detail: What else the provider said.
        """
        known = self.code(code)
        if known.kind is not CodeClass.ACCEPTED:
            return Submission(known.kind, message_id, hide(code), words(detail), known)
        if message_id:
            return Submission(known.kind, message_id, code, known=known)
        # Cut short or garbled: without its id no receipt would ever match.
        return Submission(CodeClass.UNKNOWN, "", code, Message("the answer holds no message id"))

    def by_person(
        self,
        call: Call,
        rows: Sequence[Any] | None,
        *,
        phone: str,
        code: str,
        message_id: str,
        explain: Callable[[Fields], str],
    ) -> list[Submission]:
        """
        What the rows of an answer say of each person of a call; rows come in any order.

        Of two rows about one number the one that says it was taken counts, and next what is unclear.

        Args:
            rows: None = there are none.
            phone: The field that names the number; *code* and *message_id* likewise.
            explain: What a row says beside its code.

        Raises:
            OutcomeUnknown: no row can be read.
        """
        found = [row for row in rows or () if isinstance(row, dict)]
        if not found:
            raise self.unclear(Message("an answer of an unknown shape"))
        phones = call.phones
        codes, ids = codes_in(found, code), ids_in(found, message_id)
        known = {each: self.code(each) for each in set(codes)}
        written, as_sent = [row.get(phone) for row in found], [each.removeprefix("+86") for each in phones]
        taken = all(ids) and all(each.kind is CodeClass.ACCEPTED for each in known.values())
        if taken and written in (as_sent, phones) and len(set(phones)) == len(phones):
            # As nearly all are: everybody, in order.
            return [
                Submission(CodeClass.ACCEPTED, i, c, known=known[c]) for i, c in zip(ids, codes, strict=True)
            ]
        sent = dict(zip((*as_sent, *phones), (*phones, *phones), strict=True))
        whose = [
            _found(sent, number) or Fields(row).phone(phone)
            for number, row in zip(written, found, strict=True)
        ]
        told = [
            Submission(CodeClass.ACCEPTED, mine, said, known=known[said])
            if mine and known[said].kind is CodeClass.ACCEPTED
            else self.submission(said, message_id=mine, detail=explain(Fields(row)))
            for row, said, mine in zip(found, codes, ids, strict=True)
        ]
        best: dict[str, Submission] = {}
        for number, one in zip(whose, told, strict=True):
            if number not in best or _doubt(one) > _doubt(best[number]):
                best[number] = one
        nothing = Submission(CodeClass.UNKNOWN, detail=Message("the answer does not mention this number"))
        return [best.get(number, nothing) for number in phones]

    def code(self, code: str) -> Code:
        """What *code* means; one that is not documented is unknown, never guessed."""
        return self.codes.get(code) or Code(
            CodeClass.UNKNOWN, "", mark("This code is not documented; ask the provider what it means.")
        )


def _found(sent: Mapping[str, str], written: Any) -> str | None:
    return sent.get(written) if isinstance(written, str) else None


def _doubt(told: Submission) -> int:
    return {CodeClass.ACCEPTED: 2, CodeClass.UNKNOWN: 1}.get(told.kind, 0)


def not_given(what: str, code: str, field: str, step: str) -> Finding:
    """The finding of a campaign that has nothing for *field*, without which this provider sends nothing."""
    return Finding(what, False, code, Message("parameter {code} is missing", code=field), step)


def unread_balance() -> Finding:
    """The finding of a balance that is told in no form we know."""
    look = Message("Look at the balance in the console.")
    return Finding("balance", False, "", Message("the answer holds no balance"), look)


def with_remark(step: Message, remark: object) -> str:
    """What to do, and the reviewer's own words, if there are any."""
    return Joined([step, Quoted(str(remark))], " ") if remark else step
