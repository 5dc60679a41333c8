"""``doorway``: the way to another notebook with a campaign in hand; a link in the app, a button in a lab."""

from __future__ import annotations

from functools import partial

import ipywidgets as w

from smskit.i18n import mark
from smskit.notebook.handover import Wanted, hand_over
from smskit.notebook.host import Host
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import button, door, html
from smskit.notebook.panels.pressable import Pressable

__all__ = ["doorway", "go_through"]


def doorway(panel: Panel, notebook: str, wanted: Wanted, text: str, *, style: str = "") -> w.Widget:
    """What opens *notebook*, a file's name, with that campaign; nothing is sent by that."""
    if panel.page.host is Host.VOILA:
        return html(door(f"{notebook}?{wanted.query}", text))
    opener = Pressable()
    tip = panel.t("Opens it in notebook {nn}; sends nothing", nn=notebook[:2])
    made = button(text, style=style, tip=tip)
    made.on_click(panel.attempt(partial(go_through, panel, opener, notebook, wanted)))
    return w.HBox([made, opener])


def go_through(panel: Panel, opener: Pressable, notebook: str, wanted: Wanted) -> None:
    """Open *notebook* beside this one, and say what it opens with."""
    hand_over(wanted, notebook)
    opener.show(notebook)
    told = mark("{notebook} opens with {campaign}: run all of its cells. Nothing is sent by that.")
    panel.tell(lambda t: t(told, notebook=notebook, campaign=wanted.campaign), "ok")
