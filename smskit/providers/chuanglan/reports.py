"""
Reports and replies as Chuanglan writes them, pulled or pushed -> ours; pure.

Sources: those of ``client``.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from smskit.models import Receipt, Reply
from smskit.providers.pushes import Pushed, form_in
from smskit.providers.reading import Fields, Rows, decoded, page_of


def receipts(body: bytes) -> Rows[Receipt]:
    """A page of ``pull/report``, even one that was cut short."""
    return page_of(body, _rows, lambda row: _receipt(_fields(row)))


def replies(body: bytes) -> Rows[Reply]:
    """A page of ``pull/mo``, even one that was cut short."""
    return page_of(body, _rows, lambda row: _reply(_fields(row)))


def pushed(body: bytes) -> Pushed:
    """
    A push: the query of a GET that is one report or one reply; a form or an object is read as well.

    Raises:
        ValueError: it is none of these.
    """
    form = form_in(body)
    row = _fields(form or decoded(body, as_written=True))
    receipt = _receipt(row)
    reply = _reply(row) if row.has("msg") or row.has("messageContent") else None
    if receipt is None and reply is None:
        raise ValueError("neither a report nor a reply")
    return Pushed([receipt] if receipt else [], [reply] if reply and not receipt else [])


def _rows(page: Any) -> list[Any] | None:
    return Fields.of(page).rows("result")


def _fields(row: Any) -> Fields:
    # The vendor's own sample has a blank in front of one name.
    return Fields({name.strip(): value for name, value in Fields.of(row).data.items()})


def _receipt(row: Fields) -> Receipt | None:
    message_id, phone = row.id("msgId", "msgid"), row.phone("mobile")
    if not message_id or not phone:
        return None
    status = row.word("status")
    return Receipt(
        message_id=message_id,
        phone=phone,
        # Only DELIVRD is success; UNKNOWN is neither; every other word, known or not, is a failure.
        delivered={"DELIVRD": True, "UNKNOWN": None, "": None}.get(status, False),
        code=status,
        detail=row.words("statusDesc"),
        at=_time(row, "reportTime") or _time(row, "notifyTime"),
        reference=row.word("uid"),
    )


def _reply(row: Fields) -> Reply | None:
    phone, text = row.phone("mobile"), row.text("messageContent", "msg").strip()
    if not phone:
        return None
    # A reply has no id. The same words from the same phone within a minute are one reply.
    which = row.code("destCode", "descCode", "destcode"), row.code("emshead")
    facts = (row.code("mobile"), row.code("moTime"), text, *which)
    reply_id = hashlib.sha256("\x1f".join(facts).encode()).hexdigest()[:32]
    return Reply(reply_id, phone, text, _time(row, "moTime"))


def _time(row: Fields, name: str) -> datetime | None:
    """``yyMMddHHmm`` or ``yyMMddHHmmss`` as an instant."""
    form = {10: "%y%m%d%H%M", 12: "%y%m%d%H%M%S"}.get(len(row.code(name)))
    return row.time(name, form) if form else None
