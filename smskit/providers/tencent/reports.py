"""
Reports, replies and records as Tencent writes them -> ours; pure.

A report reaches us pulled (``PullSmsSendStatus``), asked for by number, or
pushed to a callback, and the pushed one has its fields named and used otherwise.

Sources: cloud.tencent.com document/product/382 (PullSmsSendStatus,
PullSmsReplyStatus), tencentcloud.com document/product/382/43547 and /43548
(callbacks), the official SDK's ``models.py``; read 2026-11.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from smskit.audience.phones import redact
from smskit.models import Receipt, Record, Reply
from smskit.providers.china import e164_of, from_china

OK = "Ok"  # the one code of success; its spelling is Tencent's

# FAIL is final whatever the code beside it: that is Tencent's word, and the carriers' codes change.
_DELIVERED = {"SUCCESS": True, "FAIL": False}


def receipts(body: bytes) -> list[Receipt]:
    """A page of ``PullSmsSendStatus``, or the array of a callback."""
    page = orjson.loads(body)
    if isinstance(page, list):
        return [_pushed_receipt(row) for row in page]
    return [_receipt(row) for row in page["Response"]["PullSmsSendStatusSet"] or []]


def replies(body: bytes) -> list[Reply]:
    """A page of ``PullSmsReplyStatus``, or the object of a callback."""
    page = orjson.loads(body)
    if "Response" not in page:
        return [_reply(_joined(page.get("nationcode"), page["mobile"]), page.get("text"), page.get("time"))]
    return [
        _reply(e164_of(row.get("PhoneNumber")), row.get("ReplyContent"), row.get("ReplyTime"))
        for row in page["Response"]["PullSmsReplyStatusSet"] or []
    ]


def record(row: Mapping[str, Any]) -> Record:
    """One row of ``PullSmsSendStatusByPhoneNumber``; only what was accepted has one."""
    receipt = _receipt(row)
    return Record(
        message_id=receipt.message_id,
        phone=receipt.phone,
        text="",
        reference=str(row.get("SessionContext") or ""),
        code=OK,
        receipt=receipt if receipt.delivered is not None else None,
    )


def _joined(country: object, number: object) -> str:
    return f"+{country or 86}{number}"


def _receipt(row: Mapping[str, Any]) -> Receipt:
    status = str(row.get("ReportStatus") or "")
    phone = row.get("PhoneNumber")
    return Receipt(
        message_id=str(row.get("SerialNo") or ""),
        phone=e164_of(phone) if phone else _joined(row.get("CountryCode"), row.get("SubscriberNumber")),
        delivered=_DELIVERED.get(status),
        code=str(row.get("Description") or status),
        at=_epoch(row.get("UserReceiveTime")),
    )


def _pushed_receipt(row: Mapping[str, Any]) -> Receipt:
    """Here the carrier's code is the ``errmsg``; in a pulled row it is the ``Description``."""
    status = str(row.get("report_status") or "")
    return Receipt(
        message_id=str(row.get("sid") or ""),
        phone=_joined(row.get("nationcode"), row.get("mobile")),
        delivered=_DELIVERED.get(status),
        code=str(row.get("errmsg") or status),
        detail=redact(str(row.get("description") or "")),
        at=from_china(row.get("user_receive_time"), "%Y-%m-%d %H:%M:%S"),
    )


def _reply(phone: str, text: object, at: object) -> Reply:
    # Replies have no id of their own; who said what when tells them apart, however they came.
    said = str(text or "")
    digest = hashlib.sha256(f"{phone}\n{at}\n{said}".encode()).hexdigest()
    return Reply(digest[:32], phone, said, _epoch(at))


def _epoch(at: object) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(str(at)), UTC)
    except (ValueError, OverflowError, OSError):
        return None
