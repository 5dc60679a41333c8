"""Tabs that write something: a follow-up campaign, an export."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as w

from smskit.i18n import Language, mark
from smskit.notebook.panels.parts import button, field, html, notice, row, soft_line
from smskit.notebook.panels.track.base import Tab
from smskit.notebook.panels.track.counts import stage_name
from smskit.notebook.tracker import FORMATS, CampaignSnapshot
from smskit.reporting.delivery import MAY_ARRIVE, NEVER_AGAIN, Group

__all__ = ["ExportTab", "FollowUpTab"]

_SEND = "papermill notebooks/03_send_campaign.ipynb runs/follow-up.ipynb -f {file}"


class FollowUpTab(Tab):
    """People of this campaign as the segment of another."""

    heading = mark("Follow-up")

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.groups: set[Group] = {Group.UNDELIVERED}
        self.certain = False  # a person's word that some may get two

    def build(self) -> Sequence[w.Widget]:
        if self.seen is None:
            return [soft_line(self.t("Counting …"))]
        counts = self.seen.survey.groups
        usual = [g for g in Group if g not in MAY_ARRIVE | NEVER_AGAIN]
        risky = [g for g in Group if g in MAY_ARRIVE and g is not Group.DELIVERED]
        boxes = {g: self._box(g, counts[g]) for g in (*usual, *risky)}
        self._warning = html("")
        sure = w.Checkbox(
            self.certain, description=self.t("I know that some may get two messages"), indent=False
        )
        sure.layout.width = "auto"
        sure.observe(self.attempt(lambda: setattr(self, "certain", sure.value)), "value")
        write = button(self.t("Write the segment and its parameters"), style="primary")
        write.on_click(self.attempt(self.write))
        hint = self.t(
            "They get the text they were meant to get. The file holds full phones: only you can read it, and "
            "it stays out of git. Opt-outs and the frequency cap are looked at again."
        )
        self._warn()
        return [
            soft_line(hint),
            row(*(boxes[g] for g in usual)),
            soft_line(self.t("These may have got the message, or may get it yet:")),
            row(*(boxes[g] for g in risky)),
            self._warning,
            row(write, sure),
        ]

    def _box(self, group: Group, n: int) -> w.Checkbox:
        told = f"{stage_name(group, self.t)} ({n:,})"
        box = w.Checkbox(group in self.groups and n > 0, description=told, indent=False, disabled=not n)
        box.layout.width = "auto"
        box.observe(self.attempt(lambda: self.choose(group, box.value)), "value")
        return box

    def choose(self, group: Group, wanted: bool) -> None:
        """Take a group in, or leave it out."""
        (self.groups.add if wanted else self.groups.discard)(group)
        self._warn()

    def _warn(self) -> None:
        risky = sorted(stage_name(g, self.t) for g in self.groups & MAY_ARRIVE)
        told = self.t("Some of these may get a second message: {groups}.", groups="、".join(risky))
        self._warning.value = notice(told, "warn") if risky else ""

    def write(self) -> None:
        """Write segment and parameters, and say how they are sent."""
        made = self.tracker.follow_up(sorted(self.groups), may_arrive_twice=self.certain)
        command = _SEND.format(file=made.parameters)

        def words(t: Language) -> str:
            written = t(
                "{n:,} people in {segment}. Campaign {name}, mode rehearse, parameters in {file}",
                n=made.people,
                segment=made.segment,
                name=made.campaign,
                file=made.parameters,
            )
            return f"{written}\n{t('Open them in notebook 03, or run it tomorrow:')} {command}"

        self.tell(words, "ok")


class ExportTab(Tab):
    """One row per person as a file."""

    heading = mark("Export")
    kind = FORMATS[0]
    path = ""
    reveal = False

    def show(self, seen: CampaignSnapshot) -> None:
        self.seen = seen

    def build(self) -> Sequence[w.Widget]:
        kind = field(w.Dropdown, self.t("Format"), options=FORMATS, value=self.kind)
        kind.observe(self.attempt(lambda: setattr(self, "kind", kind.value)), "value")
        path = field(w.Text, self.t("File"), value=self.path)
        path.placeholder = "runs/…-messages.csv"
        path.observe(self.attempt(lambda: setattr(self, "path", path.value)), "value")
        reveal = w.Checkbox(self.reveal, description=self.t("Full phones in the file"), indent=False)
        reveal.layout.width = "auto"
        reveal.observe(self.attempt(lambda: setattr(self, "reveal", reveal.value)), "value")
        write = button(self.t("Write the file"), style="primary")
        write.on_click(self.attempt(self.write))
        hint = self.t("One row per person of the segment. Phones are masked unless you ask for them.")
        return [soft_line(hint), row(kind, path), row(reveal, write)]

    def write(self) -> None:
        """Write the file in the background."""
        self.tell(lambda t: t("Writing …"))
        kind, path, reveal = self.kind, self.path, self.reveal
        self.start(
            "export",
            lambda: self.tracker.export(kind, path, reveal=reveal),
            lambda place: self.tell(lambda t: t("Saved to {path}", path=place), "ok"),
        )
