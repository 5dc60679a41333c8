"""
Reports, replies and records as Yunpian writes them -> ours; pure.

Source: yunpian.com/official/document, pull_status, pull_reply, domestic_sms_record; read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from smskit.audience.phones import redact
from smskit.models import Receipt, Record, Reply
from smskit.providers.china import e164_of, from_china, in_china

_FORM = "%Y-%m-%d %H:%M:%S"


def receipts(body: bytes) -> list[Receipt]:
    """A page of ``pull_status`` (or the array of a push)."""
    return [_receipt(row, row.get("report_status")) for row in orjson.loads(body)]


def replies(body: bytes) -> list[Reply]:
    """A page of ``pull_reply``."""
    return [
        Reply(
            str(row["id"]),
            e164_of(row["mobile"]),
            str(row.get("text") or ""),
            from_china(row.get("reply_time"), _FORM),
        )
        for row in orjson.loads(body)
    ]


def record(row: Mapping[str, Any]) -> Record:
    """A row of ``get_record``."""
    receipt = _receipt(row, row.get("report_status"))
    status = str(row.get("send_status") or "SUCCESS")
    return Record(
        message_id=receipt.message_id,
        phone=receipt.phone,
        text=str(row.get("text") or ""),
        reference=str(row.get("uid") or ""),
        accepted=status != "FAIL",
        code=status,
        receipt=receipt if receipt.delivered is not None else None,
    )


def message_id(sid: object) -> str:
    """A 64-bit number in some answers, a text in others; what is neither is no id."""
    return str(sid) if isinstance(sid, int | str) else ""


def stamp(at: datetime) -> str:
    """An instant as Yunpian writes it."""
    return in_china(at, _FORM)


def _receipt(row: Mapping[str, Any], status: object) -> Receipt:
    return Receipt(
        message_id=message_id(row.get("sid")),
        phone=e164_of(row["mobile"]),
        delivered={"SUCCESS": True, "FAIL": False}.get(str(status)),
        code=str(row.get("error_msg") or status or ""),
        detail=redact(str(row.get("error_detail") or "")),
        at=from_china(row.get("user_receive_time"), _FORM),
    )
