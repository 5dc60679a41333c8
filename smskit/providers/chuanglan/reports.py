"""
Reports and replies as Chuanglan writes them, as they are pulled -> ours; pure.

Sources: those of ``client``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from smskit.audience.phones import redact
from smskit.models import Receipt, Reply
from smskit.providers.china import e164_of, from_china


def receipts(body: bytes) -> list[Receipt]:
    """A page of ``pull/report``, even one that was cut short."""
    return [receipt for row in _rows(body) if (receipt := _receipt(row)) is not None]


def replies(body: bytes) -> list[Reply]:
    """A page of ``pull/mo``, even one that was cut short."""
    return [reply for row in _rows(body) if (reply := _reply(row)) is not None]


def decoded(content: bytes) -> Any:
    """What the JSON holds, None when it is none."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None


def _rows(body: bytes) -> list[Mapping[str, Any]]:
    """The rows of a page; of one that was cut short, those that are whole."""
    data = decoded(body)
    if isinstance(data, dict):
        found = data.get("result") or []
    else:
        found, text, decoder = [], body.decode("utf-8", "replace"), json.JSONDecoder()
        at = text.find("{", text.find("["))
        while at >= 0:
            try:
                row, end = decoder.raw_decode(text, at)
            except ValueError:
                break
            found.append(row)
            at = text.find("{", end)
    return [row for row in found if isinstance(row, dict)]


def _receipt(row: Mapping[str, Any]) -> Receipt | None:
    message_id, mobile = _text(row, "msgId", "msgid"), _text(row, "mobile")
    if not message_id or not mobile:
        return None
    status = _text(row, "status")
    return Receipt(
        message_id=message_id,
        phone=e164_of(mobile),
        # Only DELIVRD is success; UNKNOWN is neither; every other word, known or not, is a failure.
        delivered={"DELIVRD": True, "UNKNOWN": None, "": None}.get(status, False),
        code=status,
        detail=redact(_text(row, "statusDesc")),
        at=_time(_text(row, "reportTime")) or _time(_text(row, "notifyTime")),
        reference=_text(row, "uid"),
    )


def _reply(row: Mapping[str, Any]) -> Reply | None:
    mobile, text = _text(row, "mobile"), _text(row, "messageContent")
    if not mobile:
        return None
    at = _text(row, "moTime")
    # A reply has no id. The same words from the same phone within a minute are one reply.
    facts = (mobile, at, text, _text(row, "destCode", "descCode"), _text(row, "emshead"))
    reply_id = hashlib.sha256("\x1f".join(facts).encode()).hexdigest()[:32]
    return Reply(reply_id, e164_of(mobile), text, _time(at))


def _text(row: Mapping[str, Any], *names: str) -> str:
    """The first of these that is there; the vendor's own sample has a blank in front of one."""
    return next((str(row[name]).strip() for name in names if row.get(name) not in (None, "")), "")


def _time(text: str) -> datetime | None:
    """``yyMMddHHmm`` or ``yyMMddHHmmss`` as an instant."""
    form = {10: "%y%m%d%H%M", 12: "%y%m%d%H%M%S"}.get(len(text))
    return from_china(text, form) if form else None
