"""
Between the configuration and the bytes: a request filled in, an answer judged. All pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from urllib.parse import quote, quote_plus
from zoneinfo import ZoneInfo

from smskit.i18n import Message
from smskit.models import Code, CodeClass
from smskit.providers.generic.answers import Reading, word
from smskit.providers.generic.config import Request, Signing
from smskit.providers.generic.pattern import Tree, Values, filled_json, filled_text, to_json
from smskit.providers.http import Answer
from smskit.providers.reading import UNREADABLE, Fields, decoded, meant


class Wire(NamedTuple):
    """A request as it goes out."""

    method: str
    url: str
    headers: dict[str, str]
    content: bytes


def build_request(request: Request, base_url: str, signing: Signing | None, values: Values) -> Wire:
    """
    Fill a request.

    Values are quoted for where they stand: JSON by its own rules, forms and URLs
    by percent-encoding, and in headers whatever is not plain ASCII.

    Raises:
        ValueError: a value does not fit where it should go.
    """
    signs = signing if signing is not None and "sign" in request.names else None
    if signs and "raw_body" not in signs.names:
        values = {**values, "sign": signs.sign(values)}
    headers = {"accept": "application/json"}
    content = b""
    if request.json_ is not None:
        content = to_json(filled_json(request.json_, values)).encode()
        headers["content-type"] = "application/json; charset=utf-8"
    elif request.form is not None:
        content = _joined(request.form, values, quote_plus).encode()
        headers["content-type"] = "application/x-www-form-urlencoded; charset=utf-8"
    if signs and "raw_body" in signs.names:
        values = {**values, "sign": signs.sign({**values, "raw_body": content.decode()})}
    url = request.url.fill(values, _quoted)
    if request.is_relative:
        url = base_url + url
    if request.query:
        url += "?" + _joined(request.query, values, _quoted)
    for name, tree in request.headers.items():
        # A line break in a value would start a header of its own.
        headers[name.lower()] = re.sub(r"[^ -~]", lambda found: quote(found[0]), filled_text(tree, values))
    return Wire(request.method, url, headers, content)


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _joined(fields: Mapping[str, Tree], values: Values, quoted: Callable[[str], str]) -> str:
    return "&".join(f"{quoted(name)}={quoted(filled_text(tree, values))}" for name, tree in fields.items())


# -- reading data ----------------------------------------------------------------------

MISSING: Final = UNREADABLE


def decode(content: bytes) -> Any:
    """
    JSON with its numbers as written: a code 0 is "0", and an id keeps all its digits.

    Nothing at all gives None, what is not JSON gives ``MISSING``.
    """
    return decoded(content, as_written=True) if content.strip() else None


def at(data: Any, path: str) -> Any:
    """What stands at a dotted path; None under a null, ``MISSING`` where nothing is."""
    for step in () if path == "." else path.split("."):
        if data is None:
            return None
        if isinstance(data, dict) and step in data:
            data = data[step]
        elif isinstance(data, list) and step.isdecimal() and int(step) < len(data):
            data = data[int(step)]
        else:
            return MISSING
    return data


def word_at(data: Any, path: str) -> str:
    """The text, number or truth value at *path*, as text; "" where there is none."""
    return Fields({path: word(at(data, path))}).text(path) if path else ""


def id_at(data: Any, path: str) -> str:
    """The id at *path*; "" where there is none."""
    return Fields({path: at(data, path)}).id(path) if path else ""


def parse_time(text: str, form: str, zone: ZoneInfo) -> datetime | None:
    """An aware UTC time; None for what is not one."""
    try:
        if form in ("unix", "unix_ms"):
            return meant(datetime.fromtimestamp(float(text) / (1000 if form == "unix_ms" else 1), UTC))
        read = datetime.fromisoformat(text) if form == "iso" else datetime.strptime(text.strip(), form)
        return meant((read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(UTC))
    except (ValueError, OverflowError, OSError):
        return None


def write_time(moment: datetime, form: str, zone: ZoneInfo) -> str:
    """The opposite of `parse_time`."""
    if form in ("unix", "unix_ms"):
        return str(int(moment.timestamp() * (1000 if form == "unix_ms" else 1)))
    local = moment.astimezone(zone)
    return local.isoformat(timespec="seconds") if form == "iso" else local.strftime(form)


# -- judging answers -------------------------------------------------------------------


class Verdict(NamedTuple):
    """What an answer says about its request as a whole."""

    code: str
    meaning: Code
    detail: str
    data: Any


def judge(
    answer: Answer, reading: Reading, table: Mapping[str, Code], *, by_row: bool = False
) -> Verdict | Message:
    """
    Read an answer as the configuration says.

    An HTTP status counts only where the file lists it; else a 5xx is unclear
    whatever its body says, and in all others the code decides.

    Args:
        by_row: The rows have codes of their own, so the whole needs none.

    Returns:
        The verdict, or in words why there is none: the outcome is unknown then.
    """
    status = f"HTTP {answer.status}"
    good = 200 <= answer.status < 300
    data = decode(answer.content)
    listed = table.get(status)
    if listed and (listed.kind is not CodeClass.ACCEPTED or not reading.code):
        return Verdict(status, listed, word_at(data, reading.detail), data)
    if answer.status >= 500:
        return Message("{code}, which may have come after the request was taken", code=status)
    if data is MISSING:
        return Message("{code} without readable JSON", code=status)
    if not reading.code:
        accepted = Verdict("", Code(CodeClass.ACCEPTED, ""), "", data)
        if by_row and good:
            return accepted
        return Message("{code}, which the configuration does not list", code=status)
    code = word_at(data, reading.code)
    if not code:
        return Message("{code} without a code at `{name}`", code=status, name=reading.code)
    meaning = reading.codes.table().get(code) or table.get(code) or Code(CodeClass.UNKNOWN, "")
    if meaning.kind is CodeClass.ACCEPTED and not good:
        return Message("{status} with the code {code}, which contradict each other", status=status, code=code)
    return Verdict(code, meaning, word_at(data, reading.detail), data)
