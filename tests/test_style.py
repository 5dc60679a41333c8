"""The panels' style sheet, of which one brace too few would silently drop all the rest."""

from __future__ import annotations

import re

from smskit.notebook.panels.style import css


def test_every_rule_is_closed() -> None:
    """No rule stands inside another one, but in an ``@media`` or the like, and each that opens closes."""
    within: list[str] = []
    for head, brace in re.findall(r"([^{}]*)([{}])", re.sub(r"/\*.*?\*/", "", css(), flags=re.S)):
        if brace == "{":
            assert all(outer.startswith("@") for outer in within), head
            within.append(head.split(";")[-1].strip())
        else:
            within.pop()

    assert within == []
