"""
Reports, replies and records as Yunpian writes them -> ours; pure.

Source: yunpian.com/official/document, pull_status, pull_reply, domestic_sms_record; read 2026-11.
"""

from __future__ import annotations

from datetime import datetime

from smskit.models import Receipt, Record, Reply
from smskit.providers.china import in_china
from smskit.providers.reading import Fields, Rows, page_of, rows_in

_FORM = "%Y-%m-%d %H:%M:%S"


def receipts(body: bytes) -> Rows[Receipt]:
    """A page of ``pull_status`` (or the array of a push)."""
    return page_of(body, rows_in, lambda row: _named_receipt(Fields.of(row)))


def replies(body: bytes) -> Rows[Reply]:
    """A page of ``pull_reply``."""
    return page_of(body, rows_in, lambda row: _reply(Fields.of(row)))


def record(row: Fields) -> Record:
    """A row of ``get_record``."""
    receipt = _receipt(row)
    status = row.text("send_status") or "SUCCESS"
    return Record(
        message_id=receipt.message_id,
        phone=receipt.phone,
        text=row.text("text"),
        reference=row.text("uid"),
        accepted=status != "FAIL",
        code=status,
        receipt=receipt if receipt.delivered is not None else None,
    )


def stamp(at: datetime) -> str:
    """An instant as Yunpian writes it."""
    return in_china(at, _FORM)


def _named_receipt(row: Fields) -> Receipt | None:
    return _receipt(row) if row.id("sid") and row.phone("mobile") else None


def _receipt(row: Fields) -> Receipt:
    status = row.text("report_status")
    return Receipt(
        message_id=row.id("sid"),  # a 64-bit number in some answers, a text in others
        phone=row.phone("mobile"),
        delivered={"SUCCESS": True, "FAIL": False}.get(status),
        code=row.text("error_msg") or status,
        detail=row.words("error_detail"),
        at=row.time("user_receive_time", _FORM),
    )


def _reply(row: Fields) -> Reply | None:
    number, phone = row.id("id"), row.phone("mobile")
    return Reply(number, phone, row.text("text"), row.time("reply_time", _FORM)) if number and phone else None
