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
from collections.abc import Callable
from typing import Any, TypeVar

from smskit.models import Receipt, Record, Reply
from smskit.providers.pushes import Pushed, one_or_all, pushed_page
from smskit.providers.reading import Fields, Rows, page_of

_Row = TypeVar("_Row")

OK = "Ok"  # the one code of success; its spelling is Tencent's

# FAIL is final whatever the code beside it: that is Tencent's word, and the carriers' codes change.
_DELIVERED = {"SUCCESS": True, "FAIL": False}


def receipts(body: bytes) -> Rows[Receipt]:
    """A page of ``PullSmsSendStatus``."""
    return _read(body, "PullSmsSendStatusSet", _named_receipt)


def replies(body: bytes) -> Rows[Reply]:
    """A page of ``PullSmsReplyStatus``."""
    return _read(body, "PullSmsReplyStatusSet", _reply)


def pushed(body: bytes) -> Pushed:
    """A callback: an array of reports, or one reply alone."""
    return pushed_page(body, one_or_all, lambda row: _reply(row) if row.has("text") else _named_receipt(row))


def record(row: Fields) -> Record:
    """One row of ``PullSmsSendStatusByPhoneNumber``; only what was accepted has one."""
    receipt = _receipt(row)
    return Record(
        message_id=receipt.message_id,
        phone=receipt.phone,
        text="",
        reference=row.text("SessionContext"),
        code=OK,
        receipt=receipt if receipt.delivered is not None else None,
    )


def _read(body: bytes, key: str, read: Callable[[Fields], _Row | None]) -> Rows[_Row]:
    def rows(page: Any) -> list[Any] | None:
        return Fields.of(page).within("Response").rows(key)

    return page_of(body, rows, lambda row: read(Fields.of(row)))


def _named_receipt(row: Fields) -> Receipt | None:
    receipt = _pushed_receipt(row) if row.has("sid") else _receipt(row)
    return receipt if receipt.message_id and receipt.phone else None


def _joined(row: Fields, country: str, number: str) -> str:
    """A number that is told in two fields, in E.164."""
    digits = row.code(number)
    return Fields({"": f"+{row.code(country) or 86}{digits}"}).phone("") if digits else ""


def _receipt(row: Fields) -> Receipt:
    status = row.word("ReportStatus")
    return Receipt(
        message_id=row.id("SerialNo"),
        phone=row.phone("PhoneNumber") or _joined(row, "CountryCode", "SubscriberNumber"),
        delivered=_DELIVERED.get(status),
        code=row.text("Description") or status,
        at=row.epoch("UserReceiveTime"),
        reference=row.text("SessionContext"),  # where it is switched on
    )


def _pushed_receipt(row: Fields) -> Receipt:
    """Here the carrier's code is the ``errmsg``; in a pulled row it is the ``Description``."""
    status = row.word("report_status")
    return Receipt(
        message_id=row.id("sid"),
        phone=_joined(row, "nationcode", "mobile"),
        delivered=_DELIVERED.get(status),
        code=row.text("errmsg") or status,
        detail=row.words("description"),
        at=row.time("user_receive_time", "%Y-%m-%d %H:%M:%S"),
    )


def _reply(row: Fields) -> Reply | None:
    phone = row.phone("PhoneNumber") or _joined(row, "nationcode", "mobile")
    if not phone:
        return None
    said, at = row.text("ReplyContent", "text"), row.epoch("ReplyTime") or row.epoch("time")
    # Replies have no id of their own; who said what when tells them apart, however they came.
    when = row.code("ReplyTime", "time") or None
    digest = hashlib.sha256(f"{phone}\n{when}\n{said}".encode()).hexdigest()
    return Reply(digest[:32], phone, said, at)
