"""
The Chinese of facts about providers, which stands with the facts: in their tables of codes and console files.

Columns ``x_en`` and ``x_zh`` of a row, and keys ``en`` and ``zh``, or ``x`` and ``x_zh``, of a mapping, are the
same text in both languages. Files are found by their place; no provider is imported.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["facts", "translations"]

_PROVIDERS = Path(__file__).parent.parent / "providers"


@cache
def facts() -> Mapping[str, str]:
    """English -> 中文; of two providers' words for the same the first stands for both."""
    found: dict[str, str] = {}
    for english, chinese in translations():
        found.setdefault(english, chinese)
    return found


def translations() -> Iterator[tuple[str, str]]:
    """Every text that stands in the data files in both languages."""
    import yaml  # English asks for none of them

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for path in sorted(_PROVIDERS.rglob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                yield from _pairs(row)
    for path in sorted(_PROVIDERS.rglob("console.yaml")):
        yield from _walk(yaml.load(path.read_text("utf-8"), loader))


def _walk(data: Any) -> Iterator[tuple[str, str]]:
    if isinstance(data, Mapping):
        yield from _pairs(data)
    for part in data.values() if isinstance(data, Mapping) else data if isinstance(data, list) else ():
        yield from _walk(part)


def _pairs(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, chinese in row.items():
        if name == "zh":
            yield row["en"], chinese
        elif name.endswith("_zh") and chinese:
            stem = name.removesuffix("_zh")
            yield row.get(f"{stem}_en") or row[stem], chinese
