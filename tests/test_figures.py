"""Figures on terminals; what money, shares and moments look like stands in their examples."""

from __future__ import annotations

import pytest

import smskit.i18n.figures  # noqa: F401 - registers the handler


@pytest.mark.parametrize(
    ("encoding", "shown"), [("gbk", "￥5 \\U0001f600"), ("utf-8", "¥5 😀"), ("ascii", "\\xa55 \\U0001f600")]
)
def test_a_terminal_shows_its_own_sign_of_money(encoding: str, shown: str) -> None:
    """GBK lacks the sign that Unicode has, and has another; what a terminal has no letter for is escaped."""
    assert "¥5 😀".encode(encoding, "smskit.shown").decode(encoding) == shown
