"""
Aliyun's two request digests. Pure: time and nonce come in as headers or fields.

``sign_acs3`` is the present one (ACS3-HMAC-SHA256), ``sign_rpc`` the older one
(HMAC-SHA1, "RPC", signature version 1.0). Both take text that is encoded
already, so a caller encodes what it sends exactly once.

Sources: Alibaba Cloud, "V3 request structure and signature" and "RPC request
mechanism"; both read 2026-11. The pages' own samples are among the test vectors.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import quote

ACS3 = "ACS3-HMAC-SHA256"


class Signed(NamedTuple):
    """A digest and what it was made of."""

    canonical: str  # the canonical request (ACS3) or query string (RPC)
    string_to_sign: str
    signature: str

    def __repr__(self) -> str:
        # The texts hold phone numbers and the key id.
        return "Signed()"


def percent(text: str) -> str:
    """
    Encode text as both schemes want it: letters, digits and ``-_.~`` stay, a space is ``%20``.

    >>> percent("1+1 *~/中")
    '1%2B1%20%2A~%2F%E4%B8%AD'
    """
    return quote(text, safe="~")


def pair(name: str, value: str) -> str:
    """One encoded ``name=value``."""
    return f"{percent(name)}={percent(value)}"


def canonical(pairs: Iterable[str]) -> str:
    """Encoded pairs by name, joined; an empty value stays, as ``OutId=``."""
    # By name alone: with its "=" a name would sort behind a longer one that goes on with a digit.
    return "&".join(sorted(pairs, key=lambda p: p.partition("=")[0]))


def hashed(body: bytes) -> str:
    """What ``x-acs-content-sha256`` says of a body."""
    return hashlib.sha256(body).hexdigest()


def sign_acs3(method: str, path: str, query: str, headers: Mapping[str, str], *, secret: str) -> Signed:
    """
    Sign a request the ACS3 way.

    Args:
        query: Canonical; "" when there is none.
        headers: Exactly those to be signed, by lower-case name, among them
            ``x-acs-content-sha256``.
    """
    names = sorted(headers)
    lines = [method, path, query]
    lines += [f"{name}:{headers[name].strip()}" for name in names]
    lines += ["", ";".join(names), headers["x-acs-content-sha256"]]
    request = "\n".join(lines)
    to_sign = f"{ACS3}\n{hashed(request.encode())}"
    return Signed(request, to_sign, hmac.new(secret.encode(), to_sign.encode(), hashlib.sha256).hexdigest())


def authorization(key_id: str, headers: Iterable[str], signature: str) -> str:
    """The ``Authorization`` header that goes with an ACS3 signature over *headers*."""
    return f"{ACS3} Credential={key_id},SignedHeaders={';'.join(sorted(headers))},Signature={signature}"


def sign_rpc(method: str, query: str, *, secret: str) -> Signed:
    """
    Sign a request the RPC way.

    Args:
        query: All fields of query and form body together, canonical, without ``Signature``.
    """
    # Encoding what is encoded already: nothing but these three signs can be left to change.
    twice = query.replace("%", "%25").replace("=", "%3D").replace("&", "%26")
    to_sign = f"{method}&%2F&{twice}"
    # The printed formula shows the bare secret; only secret and "&" give the printed sample value.
    digest = hmac.new(f"{secret}&".encode(), to_sign.encode(), hashlib.sha1).digest()
    return Signed(query, to_sign, base64.b64encode(digest).decode())
