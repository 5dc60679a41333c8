"""
A project's ``.env``: which one it is, in whichever encoding, and what of it counts.
"""

from __future__ import annotations

import codecs
import io
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from smskit.allowed import guarded, is_allowed
from smskit.errors import SettingsError
from smskit.i18n import Message, os_words
from smskit.settings.places import project_folders

__all__ = ["Dotenv", "dotenv_file", "dotenv_text", "dotenv_values", "read_dotenv"]

# What rules the app is its operator's: a file in the folder that visitors write into says nothing of it.
_APP = "SMSKIT_APP_"


class Dotenv(NamedTuple):
    """A ``.env`` as it was read."""

    file: Path | None = None
    values: Mapping[str, str] = {}
    held: tuple[str, ...] = ()  # names that are set there, and count only once it was allowed
    misplaced: tuple[str, ...] = ()  # names that are set there, and count from the process alone


def dotenv_file(folder: Path) -> Path | None:
    """The nearest ``.env`` at or above *folder*, up to the project's root; None = there is none."""
    places = (place / ".env" for place in project_folders(folder))
    return next((place for place in places if os.path.isfile(place)), None)


def read_dotenv(folder: Path) -> Dotenv:
    """The nearest ``.env``, and which of its names do not count."""
    file = dotenv_file(folder)
    if file is None:
        return Dotenv()
    values = dotenv_values(dotenv_text(file))
    misplaced = tuple(name for name in values if name.startswith(_APP))
    names = guarded(values)
    held = () if not names or is_allowed(file) else tuple(names)
    return Dotenv(file, {n: v for n, v in values.items() if n not in {*held, *misplaced}}, held, misplaced)


def dotenv_values(text: str) -> dict[str, str]:
    """What the *text* of a ``.env`` sets."""
    import dotenv

    return {k: v for k, v in dotenv.dotenv_values(stream=io.StringIO(text)).items() if v}


def dotenv_text(file: Path) -> str:
    """
    The text of a ``.env``, in whichever encoding an editor saved it: UTF-8, UTF-16 with its mark, GB18030.

    Raises:
        SettingsError: it cannot be read, or is in none of them.
    """
    why: Message | None = None
    try:
        raw = file.read_bytes()
        for encoding in _encodings(raw):
            with suppress(UnicodeDecodeError):
                text = raw.decode(encoding)
                if "\0" not in text:  # UTF-16 without its mark reads as UTF-8 with one behind each letter
                    return text
    except OSError as error:
        why = os_words(error)
    # Raised out here: an error of decoding holds the file's bytes, and would travel along.
    why = why or Message("it is neither UTF-8 nor GB18030; save it as UTF-8")
    raise SettingsError("{file} cannot be read: {why}", file=file, why=why)


def _encodings(raw: bytes) -> tuple[str, ...]:
    marked = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return ("utf-16",) if marked else ("utf-8-sig", "gb18030")
