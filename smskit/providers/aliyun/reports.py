"""
Reading what Aliyun says after sending: pushed reports and replies, and send details. Pure.

Times without a zone are China's. One ``BizId`` stands for a whole call, so what
a report is about is told by (BizId, phone) together.

Sources: help.aliyun.com 101508, 101867 and "smsup-http" (pushes), 419277
(QuerySendDetails); read 2026-11.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import Any

import orjson

from smskit.models import Receipt, Record, Reply
from smskit.providers.codes import RECEIPT, code_tables
from smskit.providers.pushes import Pushed, one_or_all, pushed_page
from smskit.providers.reading import Fields

_REVIEWS = ("template_status", "sign_status")  # TemplateSmsReport, SignSmsReport
_MARK = "~"  # between the job's reference and what makes a call's OutId unique
_MARK_DIGITS = 16
_PERSON = "#"  # between an OutId and the digest of a number
_BIZ_ID = re.compile(r"[0-9]+\^[0-9]+")

# Submitted, and the carrier never said more: neither delivered nor failed, whatever stands beside it.
_SILENT = "REQUEST_SUCCESS"


_FORMS = ("%Y-%m-%d %H:%M:%S", "%Y%m%d%H%M%S")  # the second in old samples of SmsUp


def parse_push(body: bytes) -> Pushed:
    """
    Read the body of an HTTP push: an array of SmsReport or SmsUp, or one of them alone as the queue has it.

    A push about a review holds nothing for us.
    """

    def rows(data: Any) -> list[Any]:
        return [row for row in one_or_all(data) if not any(Fields.of(row).has(mark) for mark in _REVIEWS)]

    return pushed_page(body, rows, _pushed_row)


def _pushed_row(row: Fields) -> Receipt | Reply | None:
    return _pushed_receipt(row) if row.has("biz_id") else _pushed_reply(row)


def _pushed_receipt(item: Fields) -> Receipt | None:
    code = item.code("err_code")
    success = item.data.get("success")
    message_id, phone = item.id("biz_id"), item.phone("phone_number")
    if not (message_id and phone):
        return None
    return Receipt(
        message_id=message_id,
        phone=phone,
        delivered=None if code == _SILENT or not isinstance(success, bool) else success,
        code=code,
        detail=item.words("err_msg") or _meaning(code),
        at=time_in(item, "report_time"),
        reference=item.text("out_id"),
    )


def _meaning(code: str) -> str:
    known = code_tables("aliyun")[RECEIPT].get(code)
    return known.meaning if known else ""


def _pushed_reply(item: Fields) -> Reply | None:
    phone, text, at = item.phone("phone_number"), item.text("content"), item.text("send_time")
    if not phone or not item.has("content"):
        return None
    # A push may come twice; without a number of its own a reply is told by what it says and when.
    told = [item.text("phone_number"), text, at or "None"]
    digest = hashlib.sha256(orjson.dumps(told)).hexdigest()[:24]
    return Reply(item.id("sequence_id") or digest, phone, text, time_in(item, "send_time"))


# -- send details ------------------------------------------------------------------


def out_id(reference: str, unique: str) -> str:
    """
    Our own reference of one call, unique to it.

    Args:
        reference: The job's.
        unique: At least 16 hexadecimal digits, never the same twice.
    """
    return f"{reference}{_MARK}{unique[:_MARK_DIGITS]}"


def reference_in(out_id: str) -> str | None:
    """The job's reference in an ``OutId`` of ours, None when it is somebody else's."""
    reference, mark, unique = out_id.rpartition(_MARK)
    return reference if mark and len(unique) == _MARK_DIGITS else None


def record_id(out_id: str, phone: str) -> str:
    """
    What stands as the id of one person's message where its BizId is not known.

    Unlike an ``OutId`` it is no other person's, though they shared a call.
    """
    return f"{out_id}{_PERSON}{hashlib.sha256(phone.encode()).hexdigest()[:12]}"


def is_biz_id(message_id: str) -> bool:
    """Whether an id is Aliyun's own: digits, a caret, digits."""
    return _BIZ_ID.fullmatch(message_id) is not None


def out_id_in(record_id: str) -> str:
    """The ``OutId`` in what `record_id` made."""
    return record_id.rpartition(_PERSON)[0]


def record_of(row: Fields) -> Record:
    """
    Read one row of send details.

    The row tells no BizId, so our ``OutId`` and the number make its id, which
    `Aliyun.receipts_for` takes as well. A row that carries our reference is
    matched by that alone, which cannot be mistaken as an equal text can; so its
    text is left out.
    """
    theirs = row.text("OutId")
    reference = reference_in(theirs)
    message_id = record_id(theirs, row.phone("PhoneNum"))
    receipt = receipt_of(row, message_id)
    return Record(
        message_id=message_id,
        phone=receipt.phone,
        text=row.text("Content") if reference is None else "",
        reference=theirs if reference is None else reference,
        code=receipt.code,
        receipt=receipt if receipt.delivered is not None else None,
    )


def receipt_of(row: Fields, message_id: str) -> Receipt:
    """What a row of send details says about delivery; ``SendStatus`` 1 waits, 2 failed, 3 arrived."""
    code = row.code("ErrCode")
    delivered = {"2": False, "3": True}.get(row.code("SendStatus"))
    return Receipt(
        message_id=message_id,
        phone=row.phone("PhoneNum"),
        delivered=None if code == _SILENT else delivered,
        code=code,
        detail=_meaning(code),
        at=time_in(row, "ReceiveDate"),
        reference=row.text("OutId"),
    )


def rows_of(data: Fields) -> list[Fields] | None:
    """The rows of a ``QuerySendDetails`` answer; None where one cannot be read, or there are none to read."""
    if "SmsSendDetailDTOs" in data.data and not data.has("SmsSendDetailDTOs"):
        return []
    found = data.within("SmsSendDetailDTOs").rows("SmsSendDetailDTO")
    rows = [Fields.of(row) for row in found or ()]
    return rows if found is not None and all(row.phone("PhoneNum") for row in rows) else None


def time_in(row: Fields, name: str) -> datetime | None:
    """A naive China time as aware UTC; None when there is none, or it cannot be read."""
    return row.time(name, *_FORMS)
