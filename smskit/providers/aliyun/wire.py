"""
What goes to Aliyun: settings, fields encoded by column, signed requests. Pure.

In both schemes the fields of an action travel in the query; only the arrays of
SendBatchSms travel in a form body, as Aliyun's own SDK sends them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

import pyarrow as pa
from pydantic import Field, SecretStr

from smskit.audience.phones import national
from smskit.i18n import mark
from smskit.message.template import Template
from smskit.models import Slice
from smskit.providers.aliyun.signing import (
    authorization,
    canonical,
    hashed,
    pair,
    percent,
    sign_acs3,
    sign_rpc,
)
from smskit.providers.calls import Job
from smskit.providers.encoding import Bodies, ColumnEncoder, First, Joined, Rows, json_escaped
from smskit.settings import ProviderSettings

VERSION = "2017-05-25"
MOST_SAME = 1000  # numbers of SendSms
MOST_DIFFERENT = 100  # numbers of SendBatchSms

_FORM = "application/x-www-form-urlencoded"


class AliyunSettings(ProviderSettings):
    """Aliyun's settings; each is ``SMSKIT_ALIYUN_<NAME>``."""

    access_key_id: SecretStr
    access_key_secret: SecretStr
    security_token: SecretStr = Field(
        default=SecretStr(""), description=mark("With temporary (STS) credentials only.")
    )
    base_url: str = "https://dysmsapi.aliyuncs.com"
    signature_version: Literal["acs3", "rpc"] = Field(
        default="acs3",
        description=mark(
            '"acs3" is what Aliyun\'s own SDKs send today, "rpc" what they sent before; the service takes '
            "both."
        ),
    )
    batch_size: int = Field(
        default=MOST_SAME,
        ge=1,
        le=MOST_SAME,
        description=mark("People in one SendSms; a SendBatchSms never has more than 100 of them."),
    )
    extend_code: str = Field(
        default="",
        pattern=r"^[0-9]*$",
        description=mark("Extension digits replies come back on; one code must not serve two signatures."),
    )
    record_lag_s: float = Field(
        default=120.0,
        ge=0,
        description=mark(
            "How soon a send shows in QuerySendDetails is not documented; receipts are there within 30 "
            "seconds."
        ),
    )


# -- fields by column ----------------------------------------------------------------


def write_same(job: Job, people: Slice, encode: ColumnEncoder, *, extend_code: str = "") -> Bodies:
    """The fields of SendSms, but for OutId; all rows have equal values, so the first one's are written."""
    n = len(people.positions)
    fields = [pair("SignName", job.template.signature), pair("TemplateCode", job.template_id)]
    if extend_code:
        fields.append(pair("SmsUpExtendCode", extend_code))
    tail = "".join(f"&{field}" for field in fields).encode()
    common: list[bytes | Rows] = [b"PhoneNumbers=", Joined([_mobiles(people)], "%2C", n), tail]
    if not job.template.names:
        return Bodies(*common)
    param = Joined(_template_params(job.template, people, encode), "", n)
    return Bodies(*common, b"&TemplateParam=", First(param))


def write_different(job: Job, people: Slice, encode: ColumnEncoder, *, extend_code: str = "") -> Bodies:
    """The form of SendBatchSms: arrays with one entry a row."""
    n = len(people.positions)
    comma = percent('","')
    mobiles = Joined([_mobiles(people)], comma, n)
    signs = Joined([json_percent(job.template.signature)], comma, n)
    params = Joined(_template_params(job.template, people, encode), "%2C", n)
    pieces = [*_texts("PhoneNumberJson", mobiles), *_texts("&SignNameJson", signs)]
    pieces += [b"&TemplateParamJson=%5B", params, b"%5D"]
    if extend_code:
        pieces += _texts("&SmsUpExtendCodeJson", Joined([extend_code], comma, n))
    return Bodies(*pieces)


def _texts(field: str, column: Joined) -> list[bytes | Rows]:
    """A field that is a JSON array of texts, joined by what stands between two of them."""
    return [f"{field}=%5B%22".encode(), column, b"%22%5D"]


def json_percent(value: str) -> str:
    """A text as it stands between the quotes of a JSON string, encoded."""
    return percent(json_escaped(value))


def _mobiles(people: Slice) -> pa.Array:
    return pa.array(national(people.phones)).cast(pa.large_string())


def _template_params(template: Template, people: Slice, encode: ColumnEncoder) -> list[str | pa.Array]:
    """The pieces of one encoded JSON object a row: names once, values by column."""
    pieces: list[str | pa.Array] = []
    for name in template.names:
        opening = percent('","' if pieces else '{"')
        pieces += [opening + json_percent(name) + percent('":"'), encode(people.variables[name])]
    return [*pieces, percent('"}')] if pieces else [percent("{}")]


# -- signed requests -----------------------------------------------------------------


class Wire(NamedTuple):
    """One signed request, ready to be sent."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    string_to_sign: str

    def __repr__(self) -> str:
        return f"Wire({len(self.url)} + {len(self.body)} bytes)"


def build_request(
    settings: AliyunSettings,
    action: str,
    query: Sequence[str],
    form: bytes = b"",
    *,
    at: datetime,
    nonce: str,
) -> Wire:
    """
    Sign one call; pure.

    Args:
        query: The action's own fields, encoded ``name=value`` pairs.
        form: Fields that go in the body, encoded likewise.
        at: The time, aware.
        nonce: Never used before, and never again.
    """
    build = _build_acs3 if settings.signature_version == "acs3" else _build_rpc
    return build(settings, action, query, form, at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), nonce)


def _build_acs3(
    settings: AliyunSettings, action: str, query: Sequence[str], form: bytes, at: str, nonce: str
) -> Wire:
    key_id = settings.access_key_id.get_secret_value()
    host, path = _host_and_path(settings.base_url)
    signed = {
        "host": host,
        "x-acs-action": action,
        "x-acs-version": VERSION,
        "x-acs-date": at,
        "x-acs-signature-nonce": nonce,
        "x-acs-content-sha256": hashed(form),
    }
    if form:
        signed["content-type"] = _FORM
    if token := settings.security_token.get_secret_value():
        signed |= {"x-acs-accesskey-id": key_id, "x-acs-security-token": token}
    fields = canonical(query)
    digest = sign_acs3("POST", path, fields, signed, secret=settings.access_key_secret.get_secret_value())
    headers = signed | {
        "accept": "application/json",
        "authorization": authorization(key_id, signed, digest.signature),
    }
    return Wire(f"{settings.base_url}/?{fields}", headers, form, digest.string_to_sign)


def _build_rpc(
    settings: AliyunSettings, action: str, query: Sequence[str], form: bytes, at: str, nonce: str
) -> Wire:
    common = {
        "Action": action,
        "Version": VERSION,
        "Format": "JSON",
        "AccessKeyId": settings.access_key_id.get_secret_value(),
        "Timestamp": at,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": nonce,
    }
    if token := settings.security_token.get_secret_value():
        common["SecurityToken"] = token
    own = [*(pair(name, value) for name, value in common.items()), *query]
    every = canonical([*own, *form.decode().split("&")] if form else own)
    digest = sign_rpc("POST", every, secret=settings.access_key_secret.get_secret_value())
    url = f"{settings.base_url}/?{canonical(own)}&{pair('Signature', digest.signature)}"
    headers = {"host": _host_and_path(settings.base_url)[0], "accept": "application/json"}
    if form:
        headers["content-type"] = _FORM
    return Wire(url, headers, form, digest.string_to_sign)


def _host_and_path(base_url: str) -> tuple[str, str]:
    """What ``host`` says (a port only where it is not the usual one), and the path that is signed."""
    parts = urlsplit(base_url)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    host = parts.netloc if parts.port != usual else parts.netloc.rpartition(":")[0]
    return host, f"{parts.path}/"
