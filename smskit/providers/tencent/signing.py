"""
The request digest TC3-HMAC-SHA256; pure.

Source: "签名方法 v3", cloud.tencent.com/document/api/382/38768, and the official
SDK's ``sign.py`` (common 3.1.195), whose output the tests compare with; read 2026-11.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

ALGORITHM = "TC3-HMAC-SHA256"


def authorization(
    secret_id: str,
    secret_key: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    timestamp: int,
    service: str = "sms",
) -> str:
    """
    Return the ``Authorization`` header of a POST to ``/`` (TC3-HMAC-SHA256).

    Args:
        headers: Those to sign, lower-case names, exactly as they will be sent;
            ``content-type`` and ``host`` are the least.
        body: The bytes that will be sent; equal JSON in other bytes has another signature.
        timestamp: Epoch seconds, as in ``X-TC-Timestamp``. The date signed is
            that of UTC: before 08:00 in Beijing it is yesterday.
    """
    names = sorted(headers)
    lines = "".join(f"{name}:{headers[name].strip().lower()}\n" for name in names)
    signed = ";".join(names)
    canonical = f"POST\n/\n\n{lines}\n{signed}\n{hashlib.sha256(body).hexdigest()}"
    date = datetime.fromtimestamp(timestamp, UTC).date().isoformat()
    scope = f"{date}/{service}/tc3_request"
    what = f"{ALGORITHM}\n{timestamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"TC3{secret_key}".encode()
    for part in (date, service, "tc3_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, what.encode(), "sha256").hex()
    return f"{ALGORITHM} Credential={secret_id}/{scope}, SignedHeaders={signed}, Signature={signature}"
