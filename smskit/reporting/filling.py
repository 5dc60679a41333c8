"""Templates of pages and documents: what one names and is not given is an error, lines of ours leave none."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["templates_in"]


def templates_in(folder: Path, *, escaped: bool) -> Environment:
    """The templates of a folder; *escaped*: HTML, in which whatever is put into it is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # takes its time

    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=escaped,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
