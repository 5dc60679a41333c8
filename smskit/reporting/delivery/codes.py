"""
What a stored code means, in words, and what to do next: for counts of failures and for one person's timeline.

Its provider's tables (`smskit.providers.codes`) say so; here is only what to say where no table does.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from smskit.audience.phones import redact
from smskit.errors import SpecError
from smskit.i18n import Message, as_message, mark
from smskit.models import About
from smskit.providers import provider_class

__all__ = ["Explained", "explain_code"]

_ASK: Final = mark("No table explains this code: ask the provider, with the message id.")


class Explained(NamedTuple):
    """A code in words: a `Message`, or what a provider said as plain text."""

    meaning: str  # from a table of the provider's, or of the carriers' families; else what was said; or ""
    next_step: str
    dead: bool = False  # the number is: nothing will ever reach it


def explain_code(provider: str, code: str, *, receipt: bool, detail: str = "") -> Explained:
    """
    What *code* of that provider means.

    Args:
        receipt: Whether it came in a receipt, or in the answer to a submission.
        detail: What the provider said with it; stands in where no table has a meaning.
    """
    said = redact(detail)
    if not code:
        return Explained(said, "")
    try:
        known = provider_class(provider).describe(code, receipt=receipt)
    except SpecError:  # a plug-in that is not installed here
        return Explained(said, Message(_ASK))
    if known is None:
        return Explained(said if said != code else "", Message(_ASK))
    meaning = Message(known.meaning_en) or known.meaning or said
    return Explained(meaning, as_message(known.next_step), known.about is About.DEAD)
