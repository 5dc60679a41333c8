"""
Every exception smskit raises on purpose.

    SmskitError
      SettingsError            missing or contradictory settings; before any request
      InputError               what a person gave us cannot be used; also a ValueError
        SpecError              a campaign parameter; names it and the nearest known one
        SegmentError           a segment file or query; names file, row and reason
        RuleError              a filter rule; names its place in the tree
        TemplateError          a template or its variables; names them
        UnsupportedFeature     this provider has no way to do that
      GuardRefused             a guard said no (plan hash, size, cost, date); nothing was sent
        NotArchived            the campaign is not over yet; nothing was changed
      NotUsable                the provider's check said no; nothing was sent
      MissingExtra             a library of an extra is not installed; names the extra
      ProviderError            provider, code, detail, request_id, http_status
        NotAccepted            known: nothing of this request was sent
          Unreachable          could not connect: may be resent
          RateLimited          may be resent after retry_after_s
          Refused              content, template, signature, number: resending is pointless
          BatchNotAllowed      not this many at once: cut the same people smaller
          AccountProblem       key, balance, allow-list: stop the campaign
        OutcomeUnknown         may have arrived: never resent by itself
      LedgerError
        UnsupportedLedger      a ledger on a database that smskit cannot keep one in
        LedgerDamaged          a campaign in it is not as it was written; the others are
        LedgerLocked           another run holds the campaign
        LedgerUnavailable      locked, full, not reached: run again once that is put right
        PlanMismatch           the campaign was started with something else
      CampaignPaused           stopped with people still waiting; run again to go on

The second level under ProviderError answers the engine's only question: may
this be sent again? Messages name the thing, the masked value and the next
step; keys and full phone numbers never enter them.

>>> import smskit
>>> try:
...     smskit.get_provider("yunpain")
... except smskit.errors.SpecError as error:
...     print(str(error).split(" (")[0], error.exit_code)
unknown provider `yunpain`; did you mean `yunpian`? 2
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from smskit.i18n import Message, mark

if TYPE_CHECKING:
    from smskit.models import Code


class SmskitError(Exception):
    """
    Base of all smskit errors: whatever smskit raises on purpose is one.

    >>> import smskit
    >>> try:
    ...     smskit.open_campaign(campaign="hello", segment="people.csv", max_recipient=5)
    ... except smskit.SmskitError as error:
    ...     print(error, error.exit_code, sep=" -> exit code ")
    unknown parameter `max_recipient`; did you mean `max_recipients`? -> exit code 2

    Args:
        message: What happened: a message, or a sentence as `Message` takes it, which the *values* go into.

    Attributes:
        message: The same as a message; `Language.error` says it in another language.
        exit_code: What the command line exits with.
        headline: What kind of error it is, for languages in which errors have one.
    """

    exit_code: ClassVar[int] = 1
    headline: ClassVar[str] = mark("failed")

    def __init__(self, message: str = "", /, **values: object) -> None:
        self.message = message if isinstance(message, Message) else Message(message, **values)
        super().__init__(self.message)


class SettingsError(SmskitError):
    """Settings are missing or contradict each other; raised before any request."""

    headline = mark("settings are incomplete")
    exit_code = 3


class InputError(SmskitError, ValueError):
    """Something a person gave us cannot be used as it is."""

    headline = mark("what was given cannot be used")
    exit_code = 2


class SpecError(InputError):
    """
    A campaign parameter is unknown, missing or out of range.

    Args:
        problems: Each as (parameter, sentence), where all of a set of parameters were looked at.
    """

    headline = mark("a parameter is wrong")

    def __init__(
        self, message: str = "", /, *, problems: Sequence[tuple[str, Message]] = (), **values: object
    ) -> None:
        super().__init__(message, **values)
        self.problems = list(problems)


class SegmentError(InputError):
    """A segment cannot be read; says where and why."""

    headline = mark("the segment cannot be read")


class RuleError(InputError):
    """A filter rule is malformed; says which one."""

    headline = mark("a filter rule is wrong")


class TemplateError(InputError):
    """A template and its variables do not fit together."""

    headline = mark("the template is wrong")


class UnsupportedFeature(InputError):
    """The provider has no way to do what was asked."""

    headline = mark("this provider cannot do that")


class GuardRefused(SmskitError):
    """
    A guard refused the run before the first submission: nothing was sent.

    >>> import pandas as pd, smskit
    >>> people = pd.DataFrame({"phone": ["13800138000", "13800138001"]})
    >>> campaign = smskit.open_campaign(campaign="hello", frame=people, user_id="", signature="GrowingIO",
    ...                                 template="大家好，拒收请回复R", max_recipients=1)
    >>> try:
    ...     campaign.send()
    ... except smskit.GuardRefused as error:
    ...     print(error)
    nothing was sent: 2 people are more than `max_recipients` (1)
    """

    headline = mark("refused by a guard, nothing was sent")
    exit_code = 3


class NotArchived(GuardRefused):
    """A campaign that somebody still has to go on with stays in the lists; nothing was changed."""

    headline = mark("not archived")


class NotUsable(SmskitError):
    """The check found the set-up not usable; carries the provider's own words."""

    headline = mark("the provider is not usable, nothing was sent")
    exit_code = 3


class MissingExtra(SmskitError):
    """A library that one of smskit's extras brings is not installed."""

    headline = mark("something is not installed")


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """
    Say which extra to install where an import within fails; also a decorator.

    Args:
        extra: ``notebook`` or ``app``, as pyproject.toml has it.

    Raises:
        MissingExtra: a library is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        raise MissingExtra(
            '{library} is not installed: pip install "smskit[{extra}]"', library=library, extra=extra
        ) from None


class ProviderError(SmskitError):
    """
    A provider's answer, or the lack of one.

    Args:
        message: What happened, in words; holds no key and no full phone.
        provider: Registered name of the provider.
        code: The provider's own code, as text; "" when there was none.
        detail: The provider's own explanation.
        http_status: HTTP status, when an answer came.
        known: What the code means.
    """

    headline = mark("the provider's answer is an error")

    def __init__(
        self,
        message: str,
        *,
        provider: str = "",
        code: str = "",
        detail: str = "",
        request_id: str = "",
        http_status: int | None = None,
        known: Code | None = None,
    ) -> None:
        super().__init__(message)
        self.known = known
        self.provider = provider
        self.code = code
        self.detail = detail
        self.request_id = request_id
        self.http_status = http_status


class NotAccepted(ProviderError):
    """Nothing of this request was sent to anybody."""


class Unreachable(NotAccepted):
    """The connection could not be made, so the request never left."""

    exit_code = 4


class RateLimited(NotAccepted):
    """The provider asks us to slow down; ``retry_after_s`` is its hint, or None."""

    exit_code = 4

    def __init__(self, message: str, *, retry_after_s: float | None = None, **kw: object) -> None:
        super().__init__(message, **kw)  # type: ignore[arg-type]
        self.retry_after_s = retry_after_s


class Refused(NotAccepted):
    """Refused for what was asked; asking again is pointless."""


class BatchNotAllowed(NotAccepted):
    """The account may not send this many, or different texts, in one request; smaller ones may pass."""


class AccountProblem(NotAccepted):
    """The account itself cannot send: key, balance, allow-list, permission."""

    headline = mark("there is a problem with the account")
    exit_code = 3


class OutcomeUnknown(ProviderError):
    """The request left and no clear answer came back; it may have been accepted."""

    headline = mark("the outcome is unknown")
    exit_code = 4


class LedgerError(SmskitError):
    """The ledger cannot do what was asked."""

    headline = mark("the ledger failed")


class NoLedger(LedgerError):
    """There is no ledger where one was looked for, and this is not the moment to make one."""

    headline = mark("there is no ledger")
    exit_code = 3


class UnsupportedLedger(LedgerError):
    """On that database nobody could be kept from getting a message twice, or it is another program's file."""

    headline = mark("there can be no ledger there")
    exit_code = 3


class LedgerDamaged(LedgerError):
    """A campaign in the ledger is not as it was written: nothing is sent from it, nothing shown of it."""


class LedgerLocked(LedgerError):
    """Another run owns this campaign right now."""

    headline = mark("another run is working on this campaign")
    exit_code = 4


class LedgerUnavailable(LedgerError):
    """The ledger cannot be read or written for now; running again goes on, once that is put right."""

    headline = mark("the ledger cannot be used for now")
    exit_code = 4


class LedgerAway(LedgerUnavailable):
    """Its server could not be reached, or broke off; what was being written was not written."""


class LedgerOutOfReach(LedgerAway):
    """Its server could not be reached when it was to be opened: nothing has begun."""

    headline = mark("the ledger could not be opened")
    exit_code = 1


class PlanMismatch(LedgerError):
    """The campaign id was started with something else; names what differs."""

    headline = mark("not what the campaign was started with")
    exit_code = 3


class CampaignPaused(SmskitError):
    """
    The run stopped before everybody was served; running again goes on where it stopped.

    >>> import smskit
    >>> def send_all(campaign):
    ...     try:
    ...         return campaign.send().state
    ...     except smskit.CampaignPaused as paused:
    ...         return f"run again: {paused}"
    """

    headline = mark("paused, people are still waiting")
    exit_code = 4


def suggest(message: Message, name: str, known: Iterable[str]) -> Message:
    """*message*, and which of *known* was meant when one is near *name*."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return Message("{why}; did you mean `{near}`?", why=message, near=close[0]) if close else message
