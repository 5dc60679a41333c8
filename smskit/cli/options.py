"""Options that many commands have."""

from __future__ import annotations

from typing import Annotated

import typer

from smskit.models import Mode

__all__ = ["AsJson", "InMode", "Reveal"]

AsJson = Annotated[bool, typer.Option("--json", help="Print data for programs.")]
Reveal = Annotated[bool, typer.Option("--reveal", help="Full phone numbers (E.164).")]
InMode = Annotated[Mode | None, typer.Option("--mode", help="Default: live, else rehearse, else plan.")]
