"""
What a provider's console wants: ``console.yaml`` beside its client, read once and checked.

The way to an account that can send (``steps``), what marketing must say and when it may go out (``opt_out``,
``marketing``), and the rules of signatures and templates, each with its source and the day it was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter

from smskit.message.lint import TemplateRule
from smskit.message.opt_out import OptOutRule
from smskit.message.windows import Frequency, Hours, MarketingLimits

__all__ = ["Console", "console_of", "read_console"]

_FOLDER = Path(__file__).parent
_T = TypeVar("_T")
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """One ``console.yaml``; ``steps`` in English, their Chinese is looked up like all texts'."""

    steps: tuple[str, ...]
    opt_out: OptOutRule
    marketing: MarketingLimits
    template_rules: tuple[TemplateRule, ...]


@cache
def console_of(provider: str) -> Console:
    """What the console of a built-in provider wants."""
    return read_console(_FOLDER / provider / "console.yaml")


def read_console(path: Path) -> Console:
    """
    Read a ``console.yaml``.

    Raises:
        ValueError: the file is not in order.
    """
    data = yaml.load(path.read_text("utf-8"), _Loader)
    marketing = data.get("marketing", {})
    return Console(
        steps=tuple(step["en"] for step in data["steps"]),
        opt_out=_record(OptOutRule, data.get("opt_out", {})),
        marketing=MarketingLimits(
            hours=_record(Hours, marketing["hours"]) if "hours" in marketing else None,
            often=tuple(_record(Frequency, row) for row in marketing.get("often", ())),
        ),
        template_rules=tuple(_record(TemplateRule, row) for row in data.get("template_rules", ())),
    )


def _record(kind: type[_T], row: Mapping[str, Any]) -> _T:
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    given = {name: value for name, value in row.items() if name != "source_zh"}
    if unknown := given.keys() - known:
        raise ValueError(f"{kind.__name__} has no {', '.join(sorted(unknown))}")
    return TypeAdapter(kind).validate_python(given)
