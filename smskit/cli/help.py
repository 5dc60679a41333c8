"""What ``--help`` prints: docstrings and the words of options, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Protocol, cast

import typer
from typer.core import TyperCommand, TyperGroup

from smskit.cli.printing import language
from smskit.i18n import Language, mark

__all__ = ["helped", "translated_command"]

# What Typer itself prints around our words, by its name for it.
_HEADINGS = {
    "ARGUMENTS_PANEL_TITLE": mark("Arguments"),
    "OPTIONS_PANEL_TITLE": mark("Options"),
    "COMMANDS_PANEL_TITLE": mark("Commands"),
    "ERRORS_PANEL_TITLE": mark("Error"),
    "REQUIRED_LONG_STRING": mark("[required]"),
    "DEFAULT_STRING": mark("[default: {}]"),
    "RICH_HELP": mark("Try [blue]'{command_path} {help_option}'[/] for help."),
}
_HELP = mark("Show this message and exit.")


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
    return _translated(app, language().code)


@cache
def _translated(app: typer.Typer, code: str) -> TyperGroup:
    t = Language(code)
    command = cast("TyperGroup", typer.main.get_command(app))
    for each in helped(command):
        each.help = t(each.help)
    if code != "en":
        import typer.rich_utils as around

        for name, words in _HEADINGS.items():
            setattr(around, name, t(words))
        for below in (command, *_below(command)):
            option = below.get_help_option(typer.Context(below))
            if option is not None:
                option.help = t(_HELP)
    return command


def _below(group: TyperGroup) -> Iterator[TyperCommand]:
    for each in group.commands.values():
        yield cast("TyperCommand", each)
        if isinstance(each, TyperGroup):
            yield from _below(each)
