"""
A sentence for people: an English msgid and values, translated when somebody reads it.

A `Message` is a string, its English, so whatever prints, logs or compares it needs to know nothing of
languages; `Language.render` says the same in another one. `dumps` and `loads` are how the ledger stores it.
"""

from __future__ import annotations

import json
import numbers
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Self

from smskit.i18n.plural import in_english

__all__ = ["Joined", "Message", "Quoted", "as_message", "dumps", "dumps_data", "loads", "loads_data", "mark"]

Value = str | int | float


def mark(text: str) -> str:
    """*text* as it is: tells the extraction that a table's words are translated where they are shown."""
    return text


class Message(str):
    """
    One sentence with its values.

    Args:
        msgid: The English sentence with ``{names}`` for its values; a literal, or the extraction misses it.
        values: Numbers, names, or other messages; what else there is becomes its ``str``.

    Without values, *msgid* stands as it is, braces and all.

    >>> why = Message("{n:,} requests in a row did not get through", n=1200)
    >>> why, Message("stopped: {why}", why=why).values["why"].msgid
    ('1,200 requests in a row did not get through', '{n:,} requests in a row did not get through')
    """

    msgid: str
    values: Mapping[str, Value]

    def __new__(cls, msgid: str, /, **values: object) -> Self:
        plain = {name: _plain(value) for name, value in values.items()}
        self = super().__new__(cls, in_english(msgid, plain) if plain else msgid)
        self.msgid, self.values = msgid, plain
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Value]]:
        return (self.msgid,), dict(self.values)

    def map(self, change: Callable[[str], str]) -> Message:
        """The same sentence with *change* made to each plain text among its values, however deep."""
        return Message(self.msgid, **{n: _map(v, change) for n, v in self.values.items()})


def as_message(text: str) -> Message:
    """*text* itself where it is a message, else the message without values that says it."""
    return text if isinstance(text, Message) else Message(text)


class Joined(Message):
    """
    Several messages as one.

    Args:
        parts: What reads as empty is left out.
        between: What stands between them in English: ``"; "``, ``". "``, ``", "``, ``" "`` or a line break.

    >>> Joined([Message("no signature"), Message("no template")])
    'no signature; no template'
    """

    parts: tuple[str, ...]

    def __new__(cls, parts: Iterable[str], /, between: str = "; ") -> Self:
        kept = tuple(part for part in parts if part)
        self = str.__new__(cls, between.join(kept))
        self.msgid, self.values, self.parts = between, {}, kept
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[Any], dict[str, Value]]:
        return (self.parts,), {"between": self.msgid}

    def map(self, change: Callable[[str], str]) -> Joined:
        """Each part with *change* made to it; see `Message.map`."""
        return Joined([_map(part, change) for part in self.parts], self.msgid)


class Quoted(str):
    """
    Somebody else's own words, a provider's or a driver's, never translated.

    A phrase stands in quotes; names, codes and single words need none.

    >>> Quoted("账户余额不足"), Quoted("DELIVRD"), Quoted("账户余额不足").words
    ('“账户余额不足”', 'DELIVRD', '账户余额不足')
    """

    words: str

    def __new__(cls, words: str, /) -> Self:
        own = words.words if isinstance(words, Quoted) else words
        self = super().__new__(cls, f"“{own}”" if is_phrase(own) else own)
        self.words = own
        return self

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Value]]:
        return (self.words,), {}

    def map(self, change: Callable[[str], str]) -> Quoted:
        """With *change* made to the words."""
        return Quoted(change(self.words))


_CHINESE: Final = re.compile("[\u4e00-\u9fff]")
_NAMED: Final = re.compile("【[^】]*】|“[^”]*”")  # names, and what stands in quotes already


def is_chinese(text: str) -> bool:
    """Whether there is Chinese in *text*, outside of names."""
    return _CHINESE.search(_NAMED.sub("", text)) is not None


def is_phrase(text: str) -> bool:
    """Whether *text* reads as a phrase: Chinese, or two words of it in a row."""
    return is_chinese(text) or re.search(r"[A-Za-z]{2,},? [A-Za-z]{2,}", _NAMED.sub("", text)) is not None


# -- as the ledger stores it ---------------------------------------------------------------

_STARTS: Final = ('{"msgid":', '{"join":', '{"quoted":')
_KEYS: Final = {"msgid", "join", "quoted"}


def dumps(text: str) -> str:
    """
    As JSON; a plain string as it is.

    >>> dumps(Message("{n} left", n=3)), dumps("plain")
    ('{"msgid":"{n} left","values":{"n":3}}', 'plain')
    """
    data = _data(text)
    return text if data == text else json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def loads(stored: str) -> str:
    """
    What `dumps` made; a plain string, and what is no message, as it is.

    >>> loads(dumps(Message("{n} left", n=3))).msgid
    '{n} left'
    """
    if not stored.startswith(_STARTS):
        return stored
    try:
        read: str = _read(json.loads(stored))
        return read
    except (ValueError, TypeError, LookupError, AttributeError):
        return stored


def dumps_data(data: Any) -> str:
    """
    JSON of *data*, with the messages anywhere in it as `dumps` has them.

    >>> dumps_data({"notices": [Message("{n} left", n=3)]})
    '{"notices": [{"msgid": "{n} left", "values": {"n": 3}}]}'
    """
    return json.dumps(_data(data), ensure_ascii=False, default=str)


def loads_data(stored: str) -> Any:
    """What `dumps_data` made."""
    return json.loads(stored, object_hook=_read_within)


def _read_within(data: dict[str, Any]) -> Any:
    try:
        return _read(data) if data.keys() & _KEYS else data
    except (ValueError, TypeError, LookupError, AttributeError):
        return data


def _data(text: Any) -> Any:
    match text:
        case dict():
            return {name: _data(value) for name, value in text.items()}
        case list() | tuple():
            return [_data(value) for value in text]
        case Joined():
            return {"join": text.msgid, "parts": [_data(part) for part in text.parts]}
        case Message():
            values = {n: _data(v) if isinstance(v, str) else v for n, v in text.values.items()}
            return {"msgid": text.msgid, "values": values}
        case Quoted():
            return {"quoted": text.words}
    return text


def _read(data: Any) -> Any:
    match data:
        case Message() | Quoted():
            return data
        case {"msgid": str(msgid), "values": dict(values)}:
            return Message(msgid, **{n: _read(v) for n, v in values.items()})
        case {"join": str(between), "parts": list(parts)}:
            return Joined([_read(part) for part in parts], between=between)
        case {"quoted": str(words)}:
            return Quoted(words)
        case str() | int() | float():
            return data
    raise ValueError("not a message")


def _map(value: Any, change: Callable[[str], str]) -> Any:
    match value:
        case Message() | Quoted():
            return value.map(change)
        case str():
            return change(value)
    return value


def _plain(value: object) -> Value:
    match value:
        case Message() | Quoted():
            return value
        case bool():
            return str(value)
        case numbers.Integral():
            return int(value)
        case numbers.Real():
            return float(value)
    return str(value)
