"""
Checking the digests of both schemes, from what arrived and nothing else.

Written apart from the client's, so that one mistake is not made twice.

Sources: the project's Aliyun dossier, sections 2 and 3.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote

from smskit.simulator.dialect import Refusal

SCHEME = "ACS3-HMAC-SHA256"

_AUTHORIZATION = re.compile(
    rf"{SCHEME}\s+Credential=(?P<key>[^,]+),\s*SignedHeaders=(?P<names>[^,]+),\s*Signature=(?P<digest>[0-9a-f]{{64}})"
)


class Claim(NamedTuple):
    """What an ``Authorization`` header says."""

    key_id: str
    names: tuple[str, ...]  # of the headers that were signed
    digest: str


def encoded(text: str) -> str:
    """Return text with everything but letters, digits and ``-_.~`` as ``%XX``."""
    return quote(text, safe="-_.~")


def canonical_query(fields: Mapping[str, str]) -> str:
    """Return decoded fields, encoded anew and by name."""
    return "&".join(f"{encoded(name)}={encoded(fields[name])}" for name in sorted(fields))


def claim_in(authorization: str) -> Claim:
    """Return what the header claims; raises `Refusal` when it is not of the documented form."""
    match = _AUTHORIZATION.fullmatch(authorization.strip())
    if match is None:
        raise Refusal("IncompleteSignature")
    return Claim(match["key"], tuple(match["names"].split(";")), match["digest"])


def acs3_text(
    method: str,
    path: str,
    fields: Mapping[str, str],
    headers: Mapping[str, Sequence[str]],
    names: Sequence[str],
    payload_hash: str,
) -> str:
    """Return the string to sign, rebuilt from the headers *names* lists, whichever they are."""
    lines = "".join(f"{name}:{','.join(sorted(v.strip() for v in headers[name]))}\n" for name in names)
    request = "\n".join([method, path, canonical_query(fields), lines, ";".join(names), payload_hash])
    return f"{SCHEME}\n{hashlib.sha256(request.encode()).hexdigest()}"


def acs3_digest(text: str, secret: str) -> str:
    """Return the digest of a string to sign; the secret is the key as it is."""
    return hmac.digest(secret.encode(), text.encode(), "sha256").hex()


def rpc_text(method: str, fields: Mapping[str, str]) -> str:
    """Return the string to sign over all fields but ``Signature``."""
    signed = {name: value for name, value in fields.items() if name != "Signature"}
    query = canonical_query(signed)
    # Encoded once more; of what an encoded query holds, only these three are not safe already.
    for sign in "%=&":
        query = query.replace(sign, encoded(sign))
    return f"{method}&{encoded('/')}&{query}"


def rpc_digest(text: str, secret: str) -> str:
    """Return the digest of a string to sign; the key is the secret and one ``&``."""
    return base64.b64encode(hmac.digest(f"{secret}&".encode(), text.encode(), "sha1")).decode()


def equal(ours: str, theirs: str) -> bool:
    """Whether two digests are the same."""
    return hmac.compare_digest(ours.encode(), theirs.encode())
