"""``upload_button``: a file of a person's own computer, of a kind that segments and tables have."""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets as w

from smskit.notebook.panels.panel import Panel
from smskit.workspace import May

__all__ = ["upload_button"]

_ACCEPTED = ".csv,.tsv,.txt,.parquet,.xlsx"


def upload_button(panel: Panel, take: Callable[[str, bytes], None], *, tip: str = "") -> w.FileUpload:
    """
    A button that asks for one file.

    Args:
        take: Called with its name and what is in it.
        tip: What is said where one points at it; "" = what stands on it.
    """
    made = w.FileUpload(accept=_ACCEPTED, multiple=False, description=panel.t("Upload a file"))
    made.layout.width = "auto"
    made.tooltip = tip or made.description

    def uploaded() -> None:
        for file in made.value:
            take(file["name"], bytes(file["content"]))

    made.observe(panel.attempt(uploaded), "value")
    panel.only_for(May.PLAN, made)
    return made
