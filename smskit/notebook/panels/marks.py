"""Where a campaign is and whether its messages were real, as a person sees it at a glance."""

from __future__ import annotations

from html import escape
from typing import Final

from smskit.i18n import Language
from smskit.models import Mode
from smskit.notebook.panels.parts import chip
from smskit.reporting.delivery import MODES, STATES, Figures

__all__ = ["badge", "state_chip"]

_KINDS: Final = {"running": "ok", "finished": "ok", "interrupted": "bad", "paused": "warn"}


def badge(mode: Mode, t: Language) -> str:
    """Whether messages were real: a word on red, green or grey."""
    return f'<span class="smskit-badge {mode}">{escape(t(MODES[mode]))}</span>'


def state_chip(each: Figures, t: Language) -> str:
    """Where a campaign is."""
    return chip(t(STATES.get(each.state, each.state)), _KINDS.get(each.state, ""))
