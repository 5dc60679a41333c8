"""Keeping what was chosen: as rules in the parameter file, or as a file of the kept rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import ipywidgets as w

from smskit.audience.explore.files import FOLDER
from smskit.errors import InputError, SpecError
from smskit.i18n import mark
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.panel import Panel
from smskit.notebook.panels.parameters import ParametersPanel
from smskit.notebook.panels.parts import html, in_words, notice, row, soft_line, title
from smskit.notebook.segment_model import SegmentModel
from smskit.settings.places import from_project
from smskit.workspace import Folder, May, Workspace

__all__ = ["SavePanel"]

_NEXT = "03_send_campaign.ipynb", mark("Go on to sending →")


class SavePanel(Panel):
    """Saving."""

    def __init__(self, page: Page, model: SegmentModel) -> None:
        super().__init__(page)
        self.model = model
        home = Workspace.here().home(Folder.PARAMETERS, model.project)
        path = from_project(home / "campaign.yaml")
        self.parameters = ParametersPanel(page, path=path, ready=self._check, then=_NEXT)
        self._wrong: SpecError | None = None  # why the campaign id that is typed was not taken
        self.name, self.kind, self.overwrite, self.switch = "kept", "csv", False, False
        self.called = ""  # the name of a segment to be saved
        self._kept: int | None = None
        self._count, self._save, self._why = html(""), w.Button(), html("")

    def wait(self, waits: bool) -> None:
        """Offer saving only while nothing is being counted."""
        self.parameters.wait(waits)
        self._save.disabled = waits
        self.only_for(May.PLAN, self._save)

    def _check(self) -> None:
        self._demand_counted()
        if self._wrong is not None:
            raise self._wrong
        self.model.check_rules()

    def _demand_counted(self) -> None:
        if self.parameters.waits:
            raise InputError("the figures are still being counted; save when they are there")

    def _call(self, campaign: str) -> None:
        try:
            self.model.draft.set(campaign=campaign.strip())
        except SpecError as error:
            self._wrong = error
        else:
            self._wrong = None
        self.parameters.tell("")  # what was saved, or not, had another id
        self._show_wrong()

    def _show_wrong(self) -> None:
        """Say beside the field what is wrong with the id, as long as it is."""
        why = "" if self._wrong is None else in_words(self.t.error(self._wrong), self.t)
        self._why.value = notice(why, "error")

    def build(self) -> Sequence[w.Widget]:
        if self.model.loaded is None:
            return [soft_line(self.t("Load a segment first."))]
        if not self.parameters.widget.children:
            self.parameters.draw()
        return [*self._as_rules(), *self._by_name(), *self._as_file()]

    def _as_rules(self) -> list[w.Widget]:
        hint = self.t("Segment, rules and columns, from which notebook 03 and scheduled runs start.")
        name = self.field(w.Text, self.t("Campaign id"), self._call, value=self.model.draft["campaign"])
        name.continuous_update = False
        warned = []
        if self.model.only_in_memory():
            told = mark(
                "This segment is a frame in memory, which a scheduled run cannot read: save it below."
            )
            warned = [html(notice(self.t(told), "warn"))]
        self._why = html("")
        self._show_wrong()
        return [title(self.t("As a campaign"), hint), *warned, row(name, self._why), self.parameters.widget]

    def _by_name(self) -> list[w.Widget]:
        hint = self.t("File, columns and rules under a name, to be chosen again in another campaign.")
        name = self.field(w.Text, self.t("Segment name"), partial(setattr, self, "called"), value=self.called)
        save = self.button(self.t("Save as a segment"), lambda: self._save_as(name.value))
        self.only_for(May.PLAN, save)
        return [title(self.t("As a segment to use again"), hint), row(name, save)]

    def _save_as(self, name: str) -> None:
        self._demand_counted()
        self.model.save_as(name)
        self.tell(lambda t: t("Saved as the segment {name}", name=name.strip()), "ok")

    def _as_file(self) -> list[w.Widget]:
        choose, kinds = self._choose, ["csv", "parquet"]
        name = self.field(w.Text, self.t("File name"), partial(choose, "name"), value=self.name)
        kind = self.field(w.Dropdown, self.t("Kind"), partial(choose, "kind"), options=kinds, value=self.kind)
        replace = self._tick(mark("Replace a file of that name"), "overwrite")
        switch = self._tick(mark("Go on with this file as the segment"), "switch")
        waits = self.parameters.waits
        save = self._save = self.button(
            self.t("Save rows with full phones"), self.save, style="warning", enabled=not waits
        )
        self.only_for(May.PLAN, save)
        told = mark(
            "The file holds full phones. It goes into {folder}/, readable by its owner alone "
            "and ignored by git."
        )
        self._count = html("")
        self._show_count()
        return [
            title(self.t("As a file")),
            html(notice(self.t(told, folder=FOLDER), "warn")),
            row(name, kind),
            row(replace, switch),
            row(save, self._count),
        ]

    def _tick(self, label: str, attribute: str) -> w.Checkbox:
        return self.tick(self.t(label), getattr(self, attribute), partial(self._choose, attribute))

    def _choose(self, attribute: str, value: Any) -> None:
        setattr(self, attribute, value)
        self.tell("")

    def kept(self, rows: int) -> None:
        """Show how many rows would be saved."""
        self._kept = rows
        self._show_count()

    def _show_count(self) -> None:
        if self._kept is not None:
            self._count.value = f'<span class="smskit-soft">{self.t("{n:,} rows", n=self._kept)}</span>'

    def save(self) -> None:
        """Write the kept rows, in the background."""
        self._demand_counted()
        path, overwrite, switch = f"{self.name.strip()}.{self.kind}", self.overwrite, self.switch
        self.start(
            "save", lambda: self.model.save_rows(path, overwrite=overwrite, switch=switch), self._saved
        )

    def _saved(self, path: str) -> None:
        self.tell(lambda t: t("Saved to {path}", path=path), "ok")
