"""
Reports, replies and records as Yunpian writes them -> ours; pure.

Source: yunpian.com/official/document, pull_status, pull_reply, domestic_sms_record,
domestic_push_report, domestic_push_reply; read 2026-11.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from urllib.parse import unquote_plus

from smskit.models import Receipt, Record, Reply
from smskit.providers.china import in_china
from smskit.providers.pushes import Forged, Pushed, form_in, one_or_all, pushed_page
from smskit.providers.reading import Fields, Rows, decoded, page_of, rows_in

_FORM = "%Y-%m-%d %H:%M:%S"


def receipts(body: bytes) -> Rows[Receipt]:
    """A page of ``pull_status``."""
    return page_of(body, rows_in, lambda row: _named_receipt(Fields.of(row)))


def replies(body: bytes) -> Rows[Reply]:
    """A page of ``pull_reply``."""
    return page_of(body, rows_in, lambda row: _reply(Fields.of(row)))


def pushed(body: bytes, key: str) -> Pushed:
    """
    A push: a form whose field ``sms_status`` holds reports, or ``sms_reply`` a signed reply.

    Args:
        key: The account's, which replies are signed with; reports are not signed.

    Raises:
        ValueError: it has neither field.
        Forged: a reply is signed with another key.
    """
    form = form_in(body)
    text = form.get("sms_status") or form.get("sms_reply") or ""
    if text.lstrip()[:1] not in ("[", "{"):
        text = unquote_plus(text)  # some accounts see the value encoded once more
    page = pushed_page(
        text.encode(), one_or_all, lambda row: _reply(row) if row.has("text") else _named_receipt(row)
    )
    signed = one_or_all(decoded(text.encode(), as_written=True)) if page.replies else []
    if not all(_is_signed(Fields.of(row), key) for row in signed):
        raise Forged
    return page


def _is_signed(row: Fields, key: str) -> bool:
    """Whether its ``_sign`` is the MD5 over the values, in the order of their names, and the key."""
    values = [value for name, value in sorted(row.data.items()) if name != "_sign"]
    # How a null is written into it is not documented.
    for null in ([""], ["null"], []):
        told = [part for value in values for part in (null if value is None else [str(value)])]
        digest = hashlib.md5(",".join([*told, key]).encode(), usedforsecurity=False).hexdigest()
        if hmac.compare_digest(digest.encode(), row.text("_sign").strip().lower().encode()):
            return True
    return False


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
