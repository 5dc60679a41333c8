"""The parameters as a file: what a panel's choices come to, saved for papermill and read back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

import ipywidgets as w

from smskit.i18n import Language
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import button, card, details, field, html, row
from smskit.planning.draft import Draft, from_project

__all__ = ["ParametersPanel"]


class ParametersPanel(Panel):
    """
    The draft as YAML, with a path to save it to and to open another from.

    Args:
        path: Where it is saved unless a person says otherwise.
        ready: Asked before saving; raises when what the page shows is not what the draft holds.
    """

    def __init__(
        self, page: Page, *, path: str = "campaign.yaml", ready: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(page)
        self.path, self._ready = path, ready
        self._yaml = html("")
        page.follow(lambda _: self._show())

    def build(self) -> Sequence[w.Widget]:
        place = field(w.Text, self.t("Parameter file"), value=self.path)
        place.observe(self.attempt(lambda: setattr(self, "path", place.value)), "value")
        save, open_ = (
            button(self.t("Save parameters")),
            button(self.t("Open")),
        )
        save.on_click(self.attempt(self.save))
        open_.on_click(self.attempt(self.open))
        self._show()
        return [card(row(place, save, open_), self._yaml)]

    def save(self) -> None:
        """Write the file and say how papermill runs it."""
        self._ready()
        saved = self.page.draft.save(self.path)
        shown = from_project(saved)
        names = ", ".join(f"`{name}`" for name in self.page.draft.missing)
        command = f"papermill notebooks/03_send_campaign.ipynb runs/out.ipynb -f {shown}"

        def words(t: Language) -> str:
            then = (
                t("Still to be chosen: {names}", names=names)
                if names
                else f"{t('Run it tomorrow:')} {command}"
            )
            return f"{t('Saved to {path}', path=shown)}\n{then}"

        self.tell(words, "ok")

    def open(self) -> None:
        """Take over what a file holds, instead of everything chosen so far."""
        read = Draft.read(self.path).to_data()
        gone = dict.fromkeys(set(self.page.draft.to_data()) - set(read))
        self.page.draft.set(**(gone | read))

    def _show(self) -> None:
        text = escape(self.page.draft.to_yaml())
        self._yaml.value = details(self.t("Parameters as a file"), f"<pre>{text}</pre>")
