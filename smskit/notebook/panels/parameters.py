"""The parameters as a file: what a panel's choices come to, saved for papermill and read back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import ipywidgets as w
import yaml

from smskit.errors import SmskitError
from smskit.i18n import Language
from smskit.notebook.host import Host
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parts import FIELDS, card, chip, details, door, html, row
from smskit.planning.draft import Draft
from smskit.settings.places import from_project
from smskit.workspace import May

__all__ = ["ParametersPanel"]


class ParametersPanel(Panel):
    """
    The draft as YAML, with a path to save it to and to open another from.

    Args:
        path: Where it is saved unless a person says otherwise.
        then: The notebook to go on with once it is saved, and the words of the link to it.
        ready: Asked before saving; raises when what the page shows is not what the draft holds.
    """

    def __init__(
        self,
        page: Page,
        *,
        path: str = "campaign.yaml",
        ready: Callable[[], None] = lambda: None,
        then: tuple[str, str] | None = None,
    ) -> None:
        super().__init__(page)
        self.path, self._ready = path, ready
        self._yaml, self._mark, self._save = html(""), html(""), w.Button()
        self._then, self._next = then, html("")
        self._saved = self._on_disk()  # what the file holds, whatever the order it stands there
        self.waits = False
        self.on_show: Callable[[], None] = lambda: None  # called when saved and unsaved may have changed
        page.follow(lambda _: self._changed())

    def build(self) -> Sequence[w.Widget]:
        place = self.field(w.Text, self.t("Parameter file"), self._placed, value=self.path)
        self._save = self.button(self.t("Save parameters"), self.save, enabled=not self.waits)
        self.only_for(May.PLAN, self._save)
        open_ = self.button(self.t("Open"), self.open)
        self._show()
        self._next = html("")
        return [card(row(place, self._save, open_, self._mark), self._next, self._yaml)]

    @property
    def is_unsaved(self) -> bool:
        """Whether the file does not hold what is chosen now."""
        return bool(_written(self.page.draft) != self._saved)

    def wait(self, waits: bool) -> None:
        """Offer saving only while *waits* is not set."""
        self.waits = self._save.disabled = waits
        self.only_for(May.PLAN, self._save)

    def _placed(self, path: str) -> None:
        self.path = path
        self.tell("")
        self._saved = self._on_disk()
        self._show()

    def _on_disk(self) -> Any:
        """What the file holds; nothing where it cannot be read."""
        try:
            return _written(Draft.read(self.path))
        except SmskitError:
            return None

    def _changed(self) -> None:
        self.tell("")  # what was said, wrong or saved, was about other parameters
        self._next.value = ""
        self._show()

    def save(self) -> None:
        """Write the file, and lead on to where it is used."""
        self._ready()
        saved = self.page.draft.save(self.path)
        self._saved = _written(self.page.draft)
        self._show()
        shown = from_project(saved)
        missing = self.page.draft.missing

        def words(t: Language) -> str:
            told = [t("Saved to {path}", path=shown)]
            if missing:
                told += [t("Still to be chosen: {names}", names=", ".join(t(FIELDS[n]) for n in missing))]
            return "\n".join(told)

        self.tell(words, "ok")
        onward = "" if self._then is None else door(self._then[0], self.t(self._then[1]))
        if not missing and self.page.host is not Host.VOILA:  # whose visitors have no command line
            run = f"<pre>{escape(f'smskit run {shown}')}</pre>"
            onward += details(self.t("Run it unattended"), run)
        self._next.value = onward

    def open(self) -> None:
        """Take over what a file holds, instead of everything chosen so far."""
        read = Draft.read(self.path)
        self._saved = _written(read)
        self.page.draft.replace(read)
        self._changed()

    def _show(self) -> None:
        text = self.page.draft.to_yaml()
        if self.page.host is not Host.VOILA:
            self._yaml.value = details(self.t("Parameters as a file"), f"<pre>{escape(text)}</pre>")
        self._mark.value = chip(self.t("unsaved changes"), "warn") if self.is_unsaved else ""
        self.on_show()


def _written(draft: Draft) -> Any:
    """What a file of *draft* holds, whatever the order in which it stands there."""
    return yaml.safe_load(draft.to_yaml())
