"""
What the columns of tables and the groups of people are called, to be looked up in a language.
"""

from __future__ import annotations

from typing import Final

from smskit.i18n import mark

__all__ = ["EVENTS", "HEADINGS", "MODES", "PERSON_STATES", "STAGES"]

HEADINGS: Final = {
    "at": mark("time"),
    "carrier": mark("carrier"),
    "prefix": mark("prefix"),
    "planned": mark("planned"),
    "people": mark("people"),
    "accepted": mark("accepted"),
    "delivered": mark("delivered"),
    "undelivered": mark("undelivered"),
    "awaiting": mark("awaiting receipt"),
    "refused": mark("refused"),
    "unknown": mark("unknown"),
    "waiting": mark("waiting"),
    "submitting": mark("submitting"),
    "later": mark("tried again"),
    "rate": mark("delivery rate"),
    "stage": mark("stage"),
    "reason": mark("reason"),
    "code": mark("code"),
    "meaning": mark("meaning"),
    "said": mark("the provider's words"),
    "next_step": mark("next step"),
    "share": mark("share"),
    "user_id": mark("user id"),
    "phone": mark("phone"),
    "state": mark("state"),
    "text": mark("text"),
    "parts": mark("parts"),
    "event": mark("event"),
    "message_id": mark("message id"),
    "reported_at": mark("carrier's time"),
    "submitted_at": mark("submitted"),
    "receipt_at": mark("receipt"),
    "why": mark("reason"),
    "opted_out": mark("opt-out"),
    "detail": mark("answer"),
    "campaign": mark("Campaign"),
    "mode": mark("mode"),
    "provider": mark("provider"),
    "oldest": mark("oldest"),
    "newest": mark("newest"),
}

MODES: Final = {"plan": mark("plan"), "rehearse": mark("rehearsal"), "live": mark("live")}

# Groups in words; see ``groups.Group``.
STAGES: Final = {
    "delivered": mark("delivered"),
    "undelivered": mark("undelivered, by receipt"),
    "awaiting": mark("awaiting receipt"),
    "refused": mark("refused at submission"),
    "opted_out": mark("stopped: opted out meanwhile"),
    "frequency_cap": mark("stopped: frequency cap"),
    "given_up": mark("given up by hand"),
    "unknown": mark("unknown"),
    "submitting": mark("submitting"),
    "waiting": mark("not reached yet"),
}

EVENTS: Final = {
    "claim": mark("handed over"),
    "outcome": mark("provider's answer"),
    "settled": mark("settled"),
    "receipt": mark("receipt"),
    "opt_out": mark("opt-out"),
    "frequency_cap": mark("frequency cap"),
    "interrupted": mark("run was interrupted"),
}

PERSON_STATES: Final = {
    "submitting": mark("submitting"),
    "accepted": mark("accepted"),
    "refused": mark("refused"),
    "unknown": mark("unknown"),
    "waiting": mark("waiting"),
    "delivered": mark("delivered"),
    "undelivered": mark("undelivered"),
    "excluded": mark("excluded"),
    "ruled_out": mark("ruled out"),
}
