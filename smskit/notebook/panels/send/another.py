"""``AnotherTextPanel``: half of the people get another text, as two campaigns that 05 compares."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

import ipywidgets as w

from smskit.i18n import Language, mark
from smskit.notebook.host import Host
from smskit.notebook.panels.fold import Fold
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.parts import card, field, html, row, soft_line
from smskit.notebook.panels.send.base import SendPart
from smskit.notebook.send_model import SendModel
from smskit.settings.places import from_project
from smskit.workspace import May

__all__ = ["AnotherTextPanel"]

_ABOUT: Final = mark(
    "Half of the people, drawn by a stable hash, get the text above, the others this one. Two parameter "
    "files are written, alike in everything that decides who may be messaged; send both, then compare them."
)


class AnotherTextPanel(SendPart):
    """The other text, and a button that writes both parameter files."""

    def __init__(self, page: Page, model: SendModel) -> None:
        super().__init__(page, model)
        self.text, self.template_id, self._is_open = "", "", False
        self._next = html("")

    def build(self) -> Sequence[w.Widget]:
        t = self.t
        text = field(w.Textarea, t("Other text"), value=self.text)
        text.layout.width, text.layout.max_width, text.rows = "640px", "100%", 3
        text.observe(self.attempt(lambda: setattr(self, "text", text.value)), "value")
        inner: list[w.Widget] = [soft_line(t(_ABOUT)), text]
        if self.page.draft["template_id"]:
            template = field(w.Text, t("Its template id"), value=self.template_id)
            template.observe(self.attempt(lambda: setattr(self, "template_id", template.value)), "value")
            inner.append(template)
        write = self.button(t("Write both parameter files"), self.write)
        self.only_for(May.PLAN, write)
        self._next = html("")
        fold = Fold(t("Try another text"), w.VBox([*inner, row(write), self._next]), is_open=self._is_open)
        return [card(fold.widget)]

    def write(self) -> None:
        """Write the two campaigns beside the parameter file, and say how both are sent."""
        self._is_open = True
        changes: dict[str, Any] = {"template": self.text.strip()} if self.text.strip() else {}
        if self.page.draft["template_id"] and self.template_id.strip():
            changes["template_id"] = self.template_id.strip()
        files = self.model.try_another(changes)
        names = [from_project(file) for file in files]

        def told(t: Language) -> str:
            words = mark("Written: {one} and {other}. Each is opened here and sent like any other.")
            return t(words, one=names[0], other=names[1])

        self.tell(told, "ok")
        if self.page.host is not Host.VOILA:  # whose visitors have no command line
            ids = [Path(name).stem for name in names]
            lines = [*(f"smskit run {name}" for name in names), f"smskit compare {' '.join(ids)}"]
            self._next.value = f"<pre>{escape(chr(10).join(lines))}</pre>"
