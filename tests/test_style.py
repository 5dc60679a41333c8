"""The panels' style sheet, of which one brace too few would silently drop all the rest."""

from __future__ import annotations

import re

from smskit.notebook.panels.style import css


def test_every_rule_is_closed() -> None:
    """No rule stands inside another one, and each that opens closes."""
    depths, depth = [], 0
    for brace in re.findall(r"[{}]", re.sub(r"/\*.*?\*/", "", css(), flags=re.S)):
        depth += 1 if brace == "{" else -1
        depths.append(depth)

    assert set(depths) == {0, 1}
    assert depth == 0
