"""
The words and shapes everything else speaks in: states, reasons, records.

Nothing here does anything. States and reasons are small integers because the
ledger keeps one byte a person; their lower-case names are what people read.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from smskit.i18n import Language, mark
from smskit.i18n import Message as Sentence

TIMEZONE: Final = "Asia/Shanghai"  # of a campaign that names none, and of the hours a provider states


class Mode(enum.StrEnum):
    """
    How far a campaign goes; without a word about it, it is a rehearsal.

    >>> import smskit
    >>> smskit.Mode("live") is smskit.Mode.LIVE, [str(mode) for mode in smskit.Mode]
    (True, ['plan', 'rehearse', 'live'])
    """

    PLAN = "plan"  # nothing is submitted
    REHEARSE = "rehearse"  # submitted to the built-in simulator
    LIVE = "live"  # submitted to the provider

    @property
    def said(self) -> Sentence:
        """As sentences name it."""
        return Sentence(_SAID[self])


_SAID: Final = {Mode.PLAN: mark("plan"), Mode.REHEARSE: mark("rehearse"), Mode.LIVE: mark("live")}


class Kind(enum.StrEnum):
    """What made a campaign; all but the first have another campaign as their parent."""

    CAMPAIGN = "campaign"  # somebody named it
    TEST = "test"  # a test send of its parent
    FOLLOW_UP = "follow_up"  # to some people of its parent, once more
    COPY = "copy"  # the parent's parameters under a new id


class MessageClass(enum.StrEnum):
    """What kind of message this is, which decides the rules it obeys."""

    MARKETING = "marketing"  # consent, opt-out wording, send window
    NOTIFICATION = "notification"


class State(enum.IntEnum):
    """
    Where one planned message is. Stored as one byte; do not renumber.

    >>> import smskit
    >>> smskit.State.UNDELIVERED.label, [state.label for state in smskit.State][:3]
    ('undelivered', ['waiting', 'submitting', 'accepted'])
    """

    WAITING = 0  # not submitted, or known not to have been taken
    SUBMITTING = 1  # intent recorded, no outcome yet; after a kill this *is* unknown
    ACCEPTED = 2  # taken by the provider, no receipt yet ("awaiting")
    REFUSED = 3  # the provider, or a person, said no
    UNKNOWN = 4  # may have been taken; settled by asking, never by resending
    DELIVERED = 5  # accepted, and a receipt says the handset has it
    UNDELIVERED = 6  # accepted, and a receipt says it will not arrive

    @property
    def label(self) -> str:
        """The word people read."""
        return self.name.lower()


class Reason(enum.IntEnum):
    """
    Why a row of the segment is left out. Stored; do not renumber.

    The order in which reasons are judged, of which the first that applies is taken, is not that of the
    numbers but `ORDER`: copies are looked for among those who would get something,
    who belongs to another arm of an experiment before all who are kept back, and what is kept back from
    all marketing before a campaign's own holdout, which is then drawn from
    the same people as those it messages, so that the two can be compared.
    """

    NONE = 0  # planned
    NO_PHONE = 1
    BAD_PHONE = 2
    UNSUPPORTED_REGION = 3
    DUPLICATE_PHONE = 4
    DUPLICATE_USER = 5
    ALREADY_SENT = 6
    OPTED_OUT = 7
    NO_CONSENT = 8
    FREQUENCY_CAP = 9
    MISSING_VARIABLE = 10
    BAD_VARIABLE = 11
    TEXT_TOO_LONG = 12
    HOLDOUT = 13  # of this campaign, the same people in each of its occurrences
    GLOBAL_HOLDOUT = 14  # of all marketing
    OTHER_ARM = 15  # another campaign of the same experiment has them

    @property
    def label(self) -> str:
        """The name programs read."""
        return self.name.lower()

    @property
    def words(self) -> str:
        """What people read, a sentence of the catalogue; "" for none."""
        return REASONS.get(self.label, "")


# All reasons, in the order in which they are judged and shown.
ORDER: Final = (
    *(Reason.NO_PHONE, Reason.BAD_PHONE, Reason.UNSUPPORTED_REGION, Reason.ALREADY_SENT, Reason.OPTED_OUT),
    *(Reason.NO_CONSENT, Reason.FREQUENCY_CAP, Reason.MISSING_VARIABLE, Reason.BAD_VARIABLE),
    *(Reason.TEXT_TOO_LONG, Reason.DUPLICATE_PHONE, Reason.DUPLICATE_USER, Reason.OTHER_ARM),
    *(Reason.GLOBAL_HOLDOUT, Reason.HOLDOUT),
)

# Reason -> what people read; in pages and reports the name stands behind it in grey.
REASONS: Final = {
    "no_phone": mark("no phone"),
    "bad_phone": mark("invalid number"),
    "unsupported_region": mark("not a mainland number"),
    "duplicate_phone": mark("duplicate number"),
    "duplicate_user": mark("duplicate user"),
    "already_sent": mark("already sent"),
    "opted_out": mark("opted out"),
    "no_consent": mark("no marketing consent"),
    "frequency_cap": mark("frequency cap"),
    "missing_variable": mark("missing variable"),
    "bad_variable": mark("variable not allowed"),
    "text_too_long": mark("text too long"),
    "other_arm": mark("other arm of the experiment"),
    "holdout": mark("holdout"),
    "global_holdout": mark("global holdout"),
}


class CodeClass(enum.StrEnum):
    """What a provider's code means for the message it was said about."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # this number, text, template or request: final
    LATER = "later"  # this number may be tried again after a window; nothing was sent
    RETRY = "retry"  # the provider was too busy; nothing was sent
    ACCOUNT = "account"  # nothing can be sent with this account now: stop
    UNKNOWN = "unknown"  # may or may not have been sent


class About(enum.StrEnum):
    """What a refusal is about, which tells whether the next message would fare better."""

    NUMBER = "number"  # this phone; others may pass
    DEAD = "dead"  # this phone, for good: it is none, or nobody's any more; others may pass
    TEXT = "text"  # this text, template or signature
    REQUEST = "request"  # how it was asked: a mistake on our side

    @property
    def is_one_number(self) -> bool:
        """Whether others may pass."""
        return self in (About.NUMBER, About.DEAD)


class Code(NamedTuple):
    """One documented code of a provider: its class, meaning and what to do next."""

    kind: CodeClass
    meaning: str  # the provider's own words, in Chinese where it speaks Chinese
    next_step: str = ""  # for a person, in plain words
    retry_after_s: float | None = None  # for LATER and RETRY, when documented
    about: About = About.NUMBER
    meaning_en: str = ""  # the meaning in English, where a table has it


def _masked(name: str, phone: str, **facts: object) -> str:
    """A repr without the full phone: records travel into tracebacks and notebooks."""
    shown = "".join(f", {key}={value!r}" for key, value in facts.items() if value not in ("", None))
    return f"{name}({phone[-11:-8]}****{phone[-4:]}{shown})"


class RuledOut(NamedTuple):
    """Rows of a segment that one rule left out, for one cause."""

    rule: int  # its number among the top-level rules, from 0
    unknown: bool  # the rule is not false of them, but cannot tell: a value is missing or unreadable
    people: pa.Table  # person (null = as its phone), phone (0 = none), shown, `VALUE` + column name

    def __repr__(self) -> str:
        return f"RuledOut(rule={self.rule}, people={self.people.num_rows})"

    def persons(self) -> pa.ChunkedArray:
        """Who each row is, the digits of its phone where it has no id."""
        return pc.coalesce(self.people["person"], self.people["phone"].cast(pa.large_string()))

    def find(self, person: str, phone: int, cell: str = "") -> pa.Array:
        """
        Rows, ascending, with that person id, that phone (0 = do not look by phone), or no phone but *cell*.

        Args:
            cell: As `shown` has it; needs that column.
        """
        return find_left_out(self.people.set_column(0, "person", self.persons()), person, phone, cell)


def find_left_out(people: pa.Table, person: str, phone: int, cell: str = "") -> pa.Array:
    """The same of any table of person, phone and shown."""
    hit = pc.equal(people["person"], one_text(person)[0])
    if phone:
        hit = pc.or_kleene(hit, pc.equal(people["phone"], one_number(phone)[0]))
    elif cell:
        no_phone = pc.equal(people["phone"], one_number(0)[0])
        hit = pc.or_kleene(hit, pc.and_kleene(no_phone, pc.equal(people["shown"], one_text(cell)[0])))
    return pc.indices_nonzero(hit)


def one_text(text: str) -> pa.Array:
    """
    An arrow array of one text, from its bytes.

    ``pa.array`` and ``pa.scalar`` import pandas to look whether they are given some of it, and so does
    whatever makes numpy of arrow; that takes longer than finding one person among a million.
    """
    data = text.encode(errors="replace")  # bytes of a command line that are no UTF-8 name nobody
    ends = np.array([0, len(data)], np.int64)
    return pa.LargeStringArray.from_buffers(1, pa.py_buffer(ends), pa.py_buffer(data))


def one_number(number: int) -> pa.Array:
    """An arrow array of one int64; see `one_text`."""
    return pa.Array.from_buffers(pa.int64(), 1, [None, pa.py_buffer(np.array([number], np.int64))])


VALUE: Final = "value:"  # before the name of a column that a rule reads


class Slice(NamedTuple):
    """Some people of an audience, by column; rows of all columns correspond."""

    chunk: int  # of the ledger
    positions: NDArray[np.uint16]  # within the chunk
    phones: NDArray[np.int64]  # E.164 digits
    variables: Mapping[str, pa.Array]  # template variable -> text, as rendered

    def __repr__(self) -> str:
        return f"Slice(chunk={self.chunk}, people={len(self.positions)})"

    def take(self, rows: NDArray[np.int64]) -> Slice:
        """Only those rows, in that order."""
        index = pa.array(rows)
        columns = {name: column.take(index) for name, column in self.variables.items()}
        return Slice(self.chunk, self.positions[rows], self.phones[rows], columns)


class Message(NamedTuple):
    """One message as a provider sees it."""

    phone: str  # E.164, "+8613800000000"
    text: str  # the whole text, signature in front
    variables: Mapping[str, str]  # template variable -> value, as rendered

    def __repr__(self) -> str:
        return _masked("Message", self.phone)


@dataclass(slots=True)
class Submission:
    """A provider's word on one message. Not frozen, since a million are made; nobody changes one."""

    kind: CodeClass
    message_id: str = ""  # the provider's id; "" unless accepted
    code: str = ""  # the provider's own code, as text
    detail: str = ""
    known: Code | None = field(default=None, compare=False, repr=False)  # what the code means, if it was said


class Receipt(NamedTuple):
    """A later report on one accepted message."""

    message_id: str
    phone: str  # E.164
    delivered: bool | None  # None: the carrier said nothing final
    code: str  # raw carrier or provider code
    detail: str = ""
    at: datetime | None = None  # aware UTC
    reference: str = ""  # our own reference, where the provider echoes one; starts with the job's

    def __repr__(self) -> str:
        return _masked(
            "Receipt", self.phone, message_id=self.message_id, delivered=self.delivered, code=self.code
        )


class Reply(NamedTuple):
    """A message a recipient sent back (上行)."""

    reply_id: str
    phone: str  # E.164
    text: str
    at: datetime | None = None  # aware UTC

    def __repr__(self) -> str:
        return _masked("Reply", self.phone, reply_id=self.reply_id)


class Answer(enum.StrEnum):
    """What a reply asks for."""

    OPT_OUT = "opt-out"
    NOT = "not"
    DOUBTFUL = "doubtful"


class Record(NamedTuple):
    """What a provider remembers of one submission, found by asking for it."""

    message_id: str
    phone: str  # E.164
    text: str  # the whole text as sent, or "" where the provider does not keep it
    reference: str = ""  # our own reference, where the provider echoes one
    accepted: bool = True  # False: the provider remembers refusing it
    code: str = ""
    receipt: Receipt | None = None

    def __repr__(self) -> str:
        return _masked("Record", self.phone, message_id=self.message_id, accepted=self.accepted)


class Offer(NamedTuple):
    """A signature or template of the account, as its provider lists it."""

    id: str  # of a signature its name, without brackets
    text: str  # of a template, in the provider's own form; "" for a signature
    usable: bool
    review: str  # the provider's own word on it


# What a check looks at, in the words it is shown by.
CHECKED: Final = (
    mark("credential"),
    mark("balance"),
    mark("signature"),
    mark("template"),
    mark("variables"),
)


class Finding(NamedTuple):
    """One line of a check: what was looked at and what came back."""

    what: str  # one of `CHECKED`
    ok: bool
    code: str  # the provider's own code
    meaning: str
    next_step: str = ""

    def told(self, t: Language) -> str:
        """The meaning as people read it."""
        return t.said(amount(self.meaning, t) if self.what == "balance" else self.meaning)


# What balances are in, as providers have it.
UNITS: Final = {
    "条": mark("billed messages"),
    "元": mark("yuan"),
    "元或条": mark("yuan or messages"),  # whichever the account is billed in
}


def amount(text: str, t: Language) -> str:
    """
    A balance as people read it; a unit behind the figure is said in their language, and none is made up.

    >>> en = Language("en")
    >>> amount("1000000.0", en), amount("812.35", en), amount("-12345 条", en), amount("没有套餐包", en)
    ('1,000,000', '812.35', '-12,345 billed messages', '没有套餐包')
    """
    found = re.match(r"-?(\d+)(\.\d+)?(?!\S)", text)
    if found is None:
        return text
    fraction = (found[2] or "").rstrip("0.") and found[2]
    unit = text[found.end() :].strip()
    figure = f"{text[: found.start(1)]}{int(found[1]):,}{fraction}"
    return f"{figure} {t(UNITS[unit])}" if unit in UNITS else figure + text[found.end() :]


class CheckResult(NamedTuple):
    """Whether a provider can be used as set up, in the provider's own words."""

    provider: str
    usable: bool
    findings: tuple[Finding, ...]
    template_text: str = ""  # as the provider has it, when it tells
    balance: str = ""  # with the unit, where the provider states one; shown by `amount`
