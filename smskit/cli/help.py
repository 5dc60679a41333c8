"""What ``--help`` prints: docstrings and the words of options, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, cast

import typer
from typer.core import TyperGroup

from smskit.cli.printing import t

__all__ = ["helped", "translated_command"]


class Helped(Protocol):
    """A command, an argument or an option."""

    help: str


def helped(command: object) -> Iterator[Helped]:
    """*command*, what it takes and the commands below it, as far as each has a help text."""
    for each in (command, *getattr(command, "params", ())):
        if getattr(each, "help", None):
            yield cast("Helped", each)
    for below in command.commands.values() if isinstance(command, TyperGroup) else ():
        yield from helped(below)


def translated_command(app: typer.Typer) -> typer.core.TyperGroup:
    """The commands of *app*, whose help is in the language of commands."""
    command = cast("TyperGroup", typer.main.get_command(app))
    for each in helped(command):
        each.help = t(each.help)
    return command
