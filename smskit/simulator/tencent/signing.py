"""
Checking TC3-HMAC-SHA256: is this request what the owner of the key signed?

The canonical request is built from the headers the caller says it signed and
from the bytes that arrived, so whatever was changed on the way shows.
Source: the project's Tencent dossier, section 2.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from smskit.simulator.dialect import Refusal

ALGORITHM = "TC3-HMAC-SHA256"
SERVICE = "sms"
MOST_SKEW_S = 300

_HEADER = re.compile(
    rf"{ALGORITHM} Credential=([^/,\s]+)/(\d{{4}}-\d\d-\d\d)/([a-z]+)/tc3_request, ?"
    r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)
_UNSIGNED = "UNSIGNED-PAYLOAD"


class Claim(NamedTuple):
    """What an Authorization header says."""

    secret_id: str
    date: str
    service: str
    signed: tuple[str, ...]  # names of headers
    signature: str


def read(header: str | None) -> Claim:
    """Return what *header* claims; refused when it is missing, malformed, or signs too little."""
    match = _HEADER.fullmatch(header or "")
    if match is None:
        raise Refusal("AuthFailure.InvalidAuthorization")
    secret_id, date, service, signed, signature = match.groups()
    names = tuple(signed.split(";"))
    if service != SERVICE or not {"content-type", "host"} <= set(names):
        raise Refusal("AuthFailure.InvalidAuthorization")
    return Claim(secret_id, date, service, names, signature)


def key_of(secret_key: str, date: str) -> bytes:
    """Return the key of one day, which does for all its requests."""
    key = f"TC3{secret_key}".encode()
    for part in (date, SERVICE, "tc3_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def verify(claim: Claim, headers: Mapping[str, str], body: bytes, *, key: bytes, now: float) -> None:
    """
    Return if the request is what was signed, and in time.

    Args:
        headers: As they came, names in lower case.
        key: That of the claimed date.
        now: Server time, epoch seconds.

    Raises:
        Refusal: Expired, or another request than the one signed. Which of the
            two answers a date that is not the UTC date of the timestamp is not
            documented; here it is the second.
    """
    stamp = headers.get("x-tc-timestamp", "")
    if not (stamp.isascii() and stamp.isdigit()):
        raise Refusal("MissingParameter", "X-TC-Timestamp is missing or no number")
    if abs(now - int(stamp)) > MOST_SKEW_S:
        raise Refusal("AuthFailure.SignatureExpire")
    if datetime.fromtimestamp(int(stamp), UTC).date().isoformat() != claim.date:
        raise Refusal("AuthFailure.SignatureFailure")
    payload = body
    if headers.get("x-tc-content-sha256") == _UNSIGNED:  # the SDK can be told to leave the body out
        payload = _UNSIGNED.encode()
    lines = "".join(f"{name}:{headers.get(name, '').strip().lower()}\n" for name in claim.signed)
    request = f"POST\n/\n\n{lines}\n{';'.join(claim.signed)}\n{hashlib.sha256(payload).hexdigest()}"
    digest = hashlib.sha256(request.encode()).hexdigest()
    what = f"{ALGORITHM}\n{stamp}\n{claim.date}/{claim.service}/tc3_request\n{digest}"
    if not hmac.compare_digest(hmac.digest(key, what.encode(), "sha256").hex(), claim.signature):
        raise Refusal("AuthFailure.SignatureFailure")
