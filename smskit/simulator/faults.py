"""
What goes wrong, when, and how often: the fault plan and the dice it is thrown with.

A plan is data (YAML or JSON) with a seed. Call-level faults are drawn by the
running number of the matching call, so the same calls in the same order meet
the same faults; what happens to one person's message (refusal of an item,
receipt, reply) is drawn from the phone, so it does not depend on order at all.
What each kind of fault does to a call is `Exchange.suffer`'s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from smskit.errors import InputError
from smskit.i18n import Joined, Message, os_words
from smskit.i18n.validation import what_is_wrong

ANY_ENDPOINT = "*"

_MASK = (1 << 64) - 1


def draw(seed: int, salt: int, number: int) -> float:
    """
    Return a reproducible number in [0, 1) for these three; equal inputs, equal answer.

    The mixing steps are those of SplitMix64, which spreads neighbouring phones well.
    """
    x = (seed * 0x9E3779B97F4A7C15 + salt * 0xD1B54A32D192ED03 + number * 0x8CB92BA72F3D8DD7) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((x ^ (x >> 31)) >> 11) / (1 << 53)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def problems_of(error: ValidationError, whole: str = "") -> Joined:
    """
    What pydantic refuses, field by field.

    Args:
        whole: How to call the value itself where no single field is wrong.
    """
    return Joined(
        Message("{place}: {why}", place=".".join(map(str, each["loc"])) or whole, why=what_is_wrong(each))
        for each in error.errors(include_url=False)
    )


Seconds = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Phone = Annotated[str, Field(pattern="^[0-9]{11}$")]


class _Fault(_Strict):
    """When a fault strikes."""

    kind: str
    rate: Share | None = None  # of the matching calls (of items, for a code with scope item)
    count: int | None = Field(default=None, ge=1)  # at most this many; alone, the first that many
    skip: int = Field(default=0, ge=0)  # let this many matching calls pass first
    provider: str = ""  # only this one; "" is every one
    # Only this one, as the provider names it; "" is every one that submits messages, "*" is every one.
    endpoint: str = ""
    # Only calls that hold one of these numbers, written as their last 11 digits; alone, all such, for ever.
    phones: tuple[Phone, ...] = ()

    @model_validator(mode="after")
    def _has_a_measure(self) -> _Fault:
        if self.rate is None and self.count is None and not self.phones:
            raise ValueError("give rate or count")
        return self


class Plain(_Fault):
    """
    The connection is closed without an answer; the provider's own code for calling too fast; or the call is
    accepted, and HTTP 200 comes with a body that is not JSON, or only half of it.
    """

    kind: Literal[
        "drop_before_accept",
        "drop_after_accept",
        "throttle",
        "non_json_after_accept",
        "truncated_json_after_accept",
    ]


class Hang(_Fault):
    """The call is accepted, and the answer comes only after *seconds*, if the caller is still there."""

    kind: Literal["hang_after_accept"]
    seconds: float = Field(default=60.0, gt=0)


class Slow(_Fault):
    """The call waits *seconds* before it is looked at; adds to whatever follows."""

    kind: Literal["slow"]
    seconds: float = Field(default=1.0, gt=0)


class HttpError(_Fault):
    """An HTML page from something in front of the provider, instead of its answer."""

    kind: Literal["http_error", "http_error_after_accept"]
    status: int = Field(default=502, ge=400, le=599)
    body: str = ""


class Coded(_Fault):
    """The provider's own refusal *code*, for the whole call or for single numbers in it."""

    kind: Literal["code"]
    code: str | int
    scope: Literal["call", "item"] = "call"


Fault = Annotated[Plain | Hang | Slow | HttpError | Coded, Field(discriminator="kind")]


def _ordered(low_high: tuple[float, float]) -> tuple[float, float]:
    if low_high[0] > low_high[1]:
        raise ValueError("delay_s is [low, high], low first")
    return low_high


Delay = Annotated[tuple[Seconds, Seconds], AfterValidator(_ordered)]


class Outcome(NamedTuple):
    """What becomes of one accepted message in the end."""

    at: float  # epoch seconds
    delivered: bool
    code: str


class _Drawn(_Strict):
    """What is drawn from the phone: the same seed picks the same people in every run."""

    delay_s: Delay  # lowest and highest after acceptance
    seed: int = Field(default=0, exclude=True)  # that of the whole plan

    def _pick(self, salt: int, phone: int, choice: tuple[str, ...]) -> str:
        return choice[int(draw(self.seed, salt, phone) * len(choice))]

    def _at(self, salt: int, phone: int, accepted_at: float) -> float:
        low, high = self.delay_s
        return accepted_at + low + (high - low) * draw(self.seed, salt, phone)


class ReceiptPlan(_Drawn):
    """What becomes of accepted messages, and how their receipts arrive."""

    delay_s: Delay = (0.2, 2.0)
    fail_rate: Share = 0.0  # reported undelivered, with one of:
    fail_codes: tuple[str, ...] = Field(("UNDELIV", "EXPIRED", "REJECTD", "MK:0001", "YP:54"), min_length=1)
    missing_rate: Share = 0.0  # never gets a receipt
    double_rate: Share = 0.0  # its receipt comes twice
    shuffle: bool = False  # receipts that wait come in any order
    cut_after_pop: int = Field(default=0, ge=0)  # that many pull answers are cut off, their receipts deleted

    def outcome(self, phone: int, accepted_at: float) -> Outcome | None:
        """Return how the message to *phone* (E.164 digits) ends, or None when nobody ever says."""
        if self.missing_rate and draw(self.seed, 11, phone) < self.missing_rate:
            return None
        at = self._at(12, phone, accepted_at)
        if self.fail_rate and draw(self.seed, 13, phone) < self.fail_rate:
            return Outcome(at, False, self._pick(14, phone, self.fail_codes))
        return Outcome(at, True, "DELIVRD")

    def comes_twice(self, phone: int) -> bool:
        return bool(self.double_rate) and draw(self.seed, 15, phone) < self.double_rate


class ReplyPlan(_Drawn):
    """Recipients who answer: what share, with which texts, how long after acceptance."""

    rate: Share = 0.0
    texts: tuple[str, ...] = Field(default=("TD", "T", "退订", "收到"), min_length=1)
    delay_s: Delay = (1.0, 5.0)

    def reply(self, phone: int, accepted_at: float) -> tuple[float, str] | None:
        """Return when and what *phone* answers, or None when it stays silent."""
        if not self.rate or draw(self.seed, 21, phone) >= self.rate:
            return None
        return self._at(22, phone, accepted_at), self._pick(23, phone, self.texts)


class FaultPlan(_Strict):
    """
    Everything that is to go wrong; unknown keys are refused.

        seed: 7
        latency_s: 0.05
        faults:
          - {kind: drop_after_accept, rate: 0.01}
          - {kind: hang_after_accept, count: 1, skip: 3, seconds: 30}
          - {kind: http_error, status: 502, rate: 0.02, endpoint: single_send}
          - {kind: code, code: 10, scope: item, rate: 0.01}
        receipts: {delay_s: [0.5, 3], fail_rate: 0.05, double_rate: 0.01}
        replies: {rate: 0.01, texts: [TD, 退订]}
    """

    seed: int = 0
    latency_s: Seconds = 0.0  # added to every call of every provider
    faults: tuple[Fault, ...] = ()  # tried in this order; the first that strikes decides, but ``slow`` adds
    receipts: ReceiptPlan = ReceiptPlan()
    replies: ReplyPlan = ReplyPlan()

    @model_validator(mode="after")
    def _share_the_seed(self) -> FaultPlan:
        # Receipts and replies outlive the plan they were accepted under, so they carry its seed.
        object.__setattr__(self, "receipts", self.receipts.model_copy(update={"seed": self.seed}))
        object.__setattr__(self, "replies", self.replies.model_copy(update={"seed": self.seed}))
        return self

    @classmethod
    def parse(cls, data: Any) -> FaultPlan:
        """
        Return the plan that *data*, already read from JSON or YAML, describes.

        Raises:
            InputError: A key is unknown or a value out of range; says which.
        """
        try:
            return cls.model_validate({} if data is None else data)
        except ValidationError as exc:
            raise InputError("fault plan: {why}", why=problems_of(exc, "plan")) from None

    @classmethod
    def load(cls, path: str | Path) -> FaultPlan:
        """Return the plan in a YAML or JSON file; raises InputError naming the file and the key."""
        try:
            data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except OSError as exc:
            raise InputError("{file}: cannot be read: {why}", file=path, why=os_words(exc)) from None
        except yaml.YAMLError as exc:
            raise InputError("{file}: neither YAML nor JSON: {why}", file=path, why=exc) from None
        try:
            return cls.parse(data)
        except InputError as exc:
            raise InputError("{file}: {why}", file=path, why=exc.message) from None


class Tally:
    """How often each kind of fault was injected: calls, and messages that were accepted in them."""

    def __init__(self) -> None:
        self._calls: Counter[str] = Counter()
        self._messages: Counter[str] = Counter()

    def add(self, kind: str, *, calls: int = 0, messages: int = 0) -> None:
        """Count one injection of *kind*."""
        self._calls[kind] += calls
        self._messages[kind] += messages

    def as_dict(self) -> dict[str, dict[str, int]]:
        """Return ``{kind: {"calls": n, "messages": n}}``."""
        return {k: {"calls": n, "messages": self._messages[k]} for k, n in sorted(self._calls.items())}


class Target(NamedTuple):
    """A call, as far as faults choose by it."""

    provider: str
    endpoint: str
    submits: bool  # whether it takes messages over
    content: bytes = b""  # query and body, in which numbers are looked for


class _Armed:
    """One fault and how often it was met and struck."""

    def __init__(self, fault: Any, number: int, seed: int) -> None:
        self.fault = fault
        self._salt = 1000 + number
        self._seed = seed
        self._met = 0
        self._struck = 0

    def applies(self, call: Target) -> bool:
        fault = self.fault
        aimed = fault.endpoint in (ANY_ENDPOINT, call.endpoint) if fault.endpoint else call.submits
        held = not fault.phones or any(phone.encode() in call.content for phone in fault.phones)
        return aimed and held and fault.provider in ("", call.provider)

    def strikes(self, number: int | None = None) -> bool:
        """Throw the dice for the next match; *number* replaces its running number."""
        fault = self.fault
        met = self._met
        self._met += 1
        if met < fault.skip or (fault.count is not None and self._struck >= fault.count):
            return False
        thrown = met if number is None else number
        if fault.rate is not None and draw(self._seed, self._salt, thrown) >= fault.rate:
            return False
        self._struck += 1
        return True


ItemCode = Callable[[int], str | None]  # phone (E.164 digits) -> the code it is refused with


class Faults:
    """
    A plan at work: which call is struck by what. Not thread-safe; the server's loop owns it.

    Args:
        plan: What to inject.
        tally: Counts what was injected; outlives a change of plan.
    """

    def __init__(self, plan: FaultPlan, tally: Tally) -> None:
        self.plan = plan
        self.tally = tally
        armed = [_Armed(fault, number, plan.seed) for number, fault in enumerate(plan.faults)]
        self._items = [a for a in armed if isinstance(a.fault, Coded) and a.fault.scope == "item"]
        self._after = [a for a in armed if a.fault.kind.endswith("_after_accept")]
        self._before = [a for a in armed if a not in self._items and a not in self._after]
        self._tries: dict[int, int] = {}
        self._cuts_left = plan.receipts.cut_after_pop

    def before(self, call: Target) -> tuple[float, Any]:
        """Return seconds to wait first, and the fault that answers instead of the provider, or None."""
        wait = 0.0
        for armed in self._before:
            if armed.applies(call) and armed.strikes():
                if armed.fault.kind != "slow":
                    return wait, armed.fault
                wait += armed.fault.seconds
                self.tally.add("slow", calls=1)
        return wait, None

    def items(self, call: Target) -> ItemCode | None:
        """Return a function that says which numbers of this call are refused, or None when none can be."""
        active = [a for a in self._items if a.applies(call)]
        if not active:
            return None

        def code(phone: int) -> str | None:
            # The try is part of the draw: a number refused once may pass when it is tried again.
            attempt = self._tries.get(phone, 0)
            for armed in active:
                named = not armed.fault.phones or str(phone)[-11:] in armed.fault.phones
                if named and armed.strikes(phone + (attempt << 48)):
                    self._tries[phone] = attempt + 1
                    self.tally.add("code", messages=1)
                    return str(armed.fault.code)
            return None

        return code

    def after(self, call: Target, *, accepted: int) -> Any:
        """Return the fault that spoils the answer to a call that took *accepted* messages, or None."""
        for armed in self._after:
            # A call that accepted nothing is no match, so `count: 1` is one accepted call.
            if (accepted or not call.submits) and armed.applies(call) and armed.strikes():
                self.tally.add(armed.fault.kind, calls=1, messages=accepted)
                return armed.fault
        return None

    def cut(self, popped: int) -> bool:
        """Whether a pull answer that just deleted *popped* receipts is cut off."""
        if not popped or not self._cuts_left:
            return False
        self._cuts_left -= 1
        self.tally.add("cut_after_pop", calls=1, messages=popped)
        return True
