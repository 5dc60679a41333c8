"""
A measurement as one HTML file that needs nothing else: sentences, pictures, tables, in 中文 or English.

It holds counts and no person.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

from smskit.errors import InputError, needs_extra
from smskit.i18n import Language, mark, os_words
from smskit.i18n.figures import moment
from smskit.measuring.result import Measured
from smskit.measuring.sections import Sections, in_mode
from smskit.reporting.run_page import template

__all__ = ["page", "write_page"]

_METHOD: Final = mark(
    "Everybody counts in the arm they were assigned to, whether or not a message arrived. Intervals of rates "
    "are Newcombe's, of money re-randomised, both 95%; what may be looked at meanwhile holds at 99%."
)


def page(measured: Measured, t: Language) -> str:
    """The text of the file."""
    return template("measured.html").render(
        t=t,
        measured=measured,
        mode=in_mode(measured, t),
        at=moment(datetime.fromisoformat(measured.as_of), named=False),
        sections=list(Sections(measured)),
        method=t(_METHOD),
    )


def write_page(measured: Measured, place: Path, t: Language) -> None:
    """
    Write the file.

    Raises:
        InputError: it cannot be written, or its name does not end in .html.
        MissingExtra: what draws the pictures is not installed.
    """
    if place.suffix.lower() not in (".html", ".htm"):
        raise InputError("{file}: its name has to end in {endings}", file=place, endings=".html, .htm")
    with needs_extra("notebook"):
        text = page(measured, t)
    try:
        place.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError("cannot write {file}: {why}", file=place, why=os_words(error)) from None
