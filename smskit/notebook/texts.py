"""What there is to choose from for a message's text, and what a click puts into it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from smskit.errors import TemplateError
from smskit.i18n import Language
from smskit.ledger import CampaignRow
from smskit.message.opt_out import OptOutRule
from smskit.message.template import Form, Template, Var
from smskit.models import Kind, Offer

__all__ = ["TemplateChoice", "choices", "ending_with", "placeholder", "review_of"]

_MOST_USED = 20  # of the ledger's campaigns, the newest
_NAME = re.compile(r"[\w-]+")
_STOPS = "，。、；：！？,.;:!? \n"


class TemplateChoice(NamedTuple):
    """
    A template to be taken over.

    Args:
        used_in: The last campaign that was sent with it; "" = it is of the account, listed or typed in.
        signature: What that campaign signed with.
    """

    offer: Offer
    used_in: str = ""
    signature: str = ""


def choices(offered: Iterable[Offer], rows: Iterable[CampaignRow]) -> list[TemplateChoice]:
    """
    The account's templates, usable ones first, then what campaigns were sent with, newest first.

    Args:
        rows: Campaigns of the same provider, oldest first.
    """
    own = sorted(offered, key=lambda offer: not offer.usable)
    found = {(o.id or o.text): TemplateChoice(o) for o in own}
    used: dict[str, TemplateChoice] = {}
    for row in reversed(list(rows)):
        spec = row.spec
        offer = Offer(spec.get("template_id") or "", spec.get("template") or "", True, "")
        key = offer.id or offer.text
        if key and key not in found and row.kind is not Kind.TEST and len(used) < _MOST_USED:
            used.setdefault(key, TemplateChoice(offer, row.name, spec.get("signature") or ""))
    return [*found.values(), *used.values()]


def review_of(offer: Offer, t: Language) -> str:
    """The provider's word on a signature or template."""
    if not offer.review:
        return t("typed in")
    return f"{t('approved') if offer.usable else t('not approved')} ({t.said(offer.review)})"


def placeholder(column: str, text: str, form: Form) -> str:
    """
    How a variable called *column* is written in *text*: as those that are there, else as the provider does.

    "" where a column's name cannot be a variable's.
    """
    if not _NAME.fullmatch(column):
        return ""
    try:
        read = Template.parse(text) if text.strip() else None
    except TemplateError:
        read = None
    if read is not None and read.names:
        form = read.form
    if form in (Form.CHUANGLAN, Form.TENCENT):  # theirs has no names
        form = Form.BRACES
    return Template("", (Var(column),), form).write(form, with_signature=False)


def ending_with(text: str, rule: OptOutRule) -> str:
    """*text* with the provider's opt-out wording behind it."""
    text = text.rstrip()
    wording = rule.taken[0] if rule.taken else rule.wording
    return f"{text}{'' if not text or text[-1] in _STOPS else '，'}{wording}"
