"""
Parameter ``test_phones``: numbers in the open, ``env:NAME`` or ``file:PATH``.

A number in the open goes into no file but the ledger; a reference may stand anywhere.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from smskit.audience.phones import normalise_one
from smskit.errors import InputError
from smskit.i18n import Joined, Message, os_words
from smskit.settings.places import start_folder
from smskit.workspace import Workspace

__all__ = ["in_the_open", "is_reference", "numbers_of", "references", "split", "told"]

_ENV, _FILE = "env:", "file:"
_BETWEEN: Final = re.compile(r"[,，;；、\s]+")


def is_reference(entry: str) -> bool:
    """Whether *entry* says where numbers are, and is none itself."""
    return entry.startswith((_ENV, _FILE))


def references(entries: Iterable[str]) -> list[str]:
    """Those that may be shown and saved."""
    return [entry for entry in entries if is_reference(entry)]


def in_the_open(entries: Iterable[str]) -> list[str]:
    """Those that are numbers."""
    return [entry for entry in entries if not is_reference(entry)]


def split(text: str) -> list[str]:
    """The numbers in *text*, whatever stands between them."""
    return [part for part in _BETWEEN.split(text) if part]


def told(entries: Sequence[str]) -> Message:
    """What a table of parameters says of them: references as they are, of numbers how many."""
    places, n = references(entries), len(in_the_open(entries))
    count = [Message("{n} numbers", n=n)] if n or not places else []
    return Joined([*places, *count], ", ")


def numbers_of(entries: Iterable[str], environ: Mapping[str, str], parameter_file: Path | None) -> list[int]:
    """
    The phones that *entries* mean, E.164 digits, each once, in their order.

    Args:
        environ: Where ``env:NAME`` is looked up.
        parameter_file: Beside which a relative path is looked for first, then in the working folder.

    Raises:
        InputError: a variable or file is not there or holds nothing, others may read the file, or something
            is no mobile number.
    """
    found: dict[int, None] = {}
    for entry in entries:
        if is_reference(entry):
            found |= dict.fromkeys(_referred(entry, environ, parameter_file))
        else:
            found[normalise_one(entry)] = None
    return list(found)


def _referred(reference: str, environ: Mapping[str, str], parameter_file: Path | None) -> list[int]:
    texts = split(_text(reference, environ, parameter_file))
    if not texts:
        raise InputError("`test_phones`: {place} holds no number", place=reference)
    phones: list[int] = []
    with suppress(InputError):  # its words repeat what stands there, which may be a key
        phones = [normalise_one(text) for text in texts]
    if not phones:
        raise InputError("`test_phones`: {place} holds something that is no mobile number", place=reference)
    return phones


def _text(reference: str, environ: Mapping[str, str], parameter_file: Path | None) -> str:
    if Workspace.here().locked:
        raise InputError("`test_phones`: in the app, give numbers themselves")
    if reference.startswith(_ENV):
        return environ.get(reference.removeprefix(_ENV).strip(), "")
    path = Path(reference.removeprefix(_FILE).strip()).expanduser()
    folders = [parameter_file.expanduser().absolute().parent] if parameter_file else []
    places = [folder / path for folder in (*folders, start_folder())]
    place = next((place for place in places if place.is_file()), places[0])
    try:
        if os.name != "nt" and stat.S_IMODE(place.stat().st_mode) & 0o077:
            raise InputError(
                "`test_phones`: other users can read {file}; close it to them (chmod 600)", file=place
            )
        return place.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        why = Message("save it as UTF-8")
    except OSError as error:
        why = os_words(error)
    raise InputError("`test_phones`: {file} cannot be read: {why}", file=place, why=why)
