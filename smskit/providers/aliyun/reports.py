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
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from smskit.audience.phones import redact
from smskit.models import Receipt, Record, Reply
from smskit.providers.china import e164_of, from_china
from smskit.providers.codes import RECEIPT, code_tables

_MARK = "~"  # between the job's reference and what makes a call's OutId unique
_MARK_DIGITS = 16
_PERSON = "#"  # between an OutId and the digest of a number
_BIZ_ID = re.compile(r"[0-9]+\^[0-9]+")

# Submitted, and the carrier never said more: neither delivered nor failed, whatever stands beside it.
_SILENT = "REQUEST_SUCCESS"


class Pushed(NamedTuple):
    """What one push holds; a push of any other kind holds nothing for us."""

    receipts: list[Receipt]
    replies: list[Reply]


def parse_push(body: bytes) -> Pushed:
    """
    Read the body of an HTTP push: an array of SmsReport or SmsUp, or one of them alone as the queue has it.

    Answer the push with HTTP 200 and ``{"code":0,"msg":"接收成功"}`` within 700 ms,
    so keep the body and read it later.
    """
    data = orjson.loads(body)
    items = [item for item in (data if isinstance(data, list) else [data]) if isinstance(item, dict)]
    receipts = [_pushed_receipt(item) for item in items if "biz_id" in item]
    return Pushed(receipts, [_pushed_reply(i) for i in items if "content" in i and "phone_number" in i])


def _pushed_receipt(item: Mapping[str, Any]) -> Receipt:
    code = str(item.get("err_code") or "")
    success = item.get("success")
    delivered = None if code == _SILENT or not isinstance(success, bool) else success
    return Receipt(
        message_id=str(item["biz_id"]),
        phone=e164_of(item["phone_number"]),
        delivered=delivered,
        code=code,
        detail=redact(str(item.get("err_msg") or _meaning(code))),
        at=time_of(item.get("report_time")),
        reference=str(item.get("out_id") or ""),
    )


def _meaning(code: str) -> str:
    known = code_tables("aliyun")[RECEIPT].get(code)
    return known.meaning if known else ""


def _pushed_reply(item: Mapping[str, Any]) -> Reply:
    at, text = item.get("send_time"), str(item.get("content") or "")
    number = item.get("sequence_id")
    # A push may come twice; without a number of its own a reply is told by what it says and when.
    digest = hashlib.sha256(orjson.dumps([str(item["phone_number"]), text, str(at)])).hexdigest()[:24]
    return Reply(str(number) if number else digest, e164_of(item["phone_number"]), text, time_of(at))


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


def record_of(row: Mapping[str, Any]) -> Record:
    """
    Read one row of send details.

    The row tells no BizId, so our ``OutId`` and the number make its id, which
    `Aliyun.receipts_for` takes as well. A row that carries our reference is
    matched by that alone, which cannot be mistaken as an equal text can; so its
    text is left out.
    """
    theirs = str(row.get("OutId") or "")
    reference = reference_in(theirs)
    message_id = record_id(theirs, e164_of(row.get("PhoneNum") or ""))
    receipt = receipt_of(row, message_id)
    return Record(
        message_id=message_id,
        phone=receipt.phone,
        text=str(row.get("Content") or "") if reference is None else "",
        reference=theirs if reference is None else reference,
        code=receipt.code,
        receipt=receipt if receipt.delivered is not None else None,
    )


def receipt_of(row: Mapping[str, Any], message_id: str) -> Receipt:
    """What a row of send details says about delivery; ``SendStatus`` 1 waits, 2 failed, 3 arrived."""
    code = str(row.get("ErrCode") or "")
    delivered = {"2": False, "3": True}.get(str(row.get("SendStatus")))
    return Receipt(
        message_id=message_id,
        phone=e164_of(row.get("PhoneNum") or ""),
        delivered=None if code == _SILENT else delivered,
        code=code,
        detail=_meaning(code),
        at=time_of(row.get("ReceiveDate")),
        reference=str(row.get("OutId") or ""),
    )


def rows_of(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The rows of a ``QuerySendDetails`` answer."""
    details = data.get("SmsSendDetailDTOs") or {}
    return list(details.get("SmsSendDetailDTO") or []) if isinstance(details, dict) else []


def time_of(text: object) -> datetime | None:
    """A naive China time as aware UTC; None when there is none, or it cannot be read."""
    return from_china(text, "%Y-%m-%d %H:%M:%S", "%Y%m%d%H%M%S")  # the second in old samples of SmsUp
