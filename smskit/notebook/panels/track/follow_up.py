"""The page about a follow-up: people of this campaign, by why they failed, as the segment of another."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import PurePath

import ipywidgets as w

from smskit.i18n import mark
from smskit.models import REASONS
from smskit.notebook.panels.page import Page
from smskit.notebook.panels.parts import door, html, notice, row, soft_line
from smskit.notebook.panels.track.base import Tab
from smskit.notebook.panels.track.counts import stage_name
from smskit.notebook.tracker import Tracker
from smskit.reporting.delivery import MAY_ARRIVE, NEVER_AGAIN, Group, Whom
from smskit.reporting.follow_up import FollowUp
from smskit.workspace import May

__all__ = ["FollowUpTab"]

_SEND = "03_send_campaign.ipynb"
_BY_REASON = (Group.UNDELIVERED, Group.REFUSED)


class FollowUpTab(Tab):
    """
    Whom to write to again, and where that goes on.

    Chosen at first: everybody it did not reach, but dead numbers.
    """

    heading = mark("Follow-up")

    def __init__(self, page: Page, tracker: Tracker) -> None:
        self.chosen: dict[Whom, bool] = {}  # what a person has ticked, or taken out
        self.only_repliers = self.certain = False
        self.goes_on = True  # whether 03 opens with it
        self._done: FollowUp | None = None
        self._warning = html("")
        super().__init__(page, tracker)

    # -- who can be chosen ------------------------------------------------------------------

    def choices(self) -> dict[Whom, tuple[str, int, bool]]:
        """Whom -> what they are called, how many they are, and whether their numbers are dead."""
        if self.seen is None:
            return {}
        t, survey = self.t, self.seen.survey
        found: dict[Whom, tuple[str, int, bool]] = {}
        for line in survey.failures.to_dict("records"):
            stage, code = str(line["stage"]), str(line["code"])
            if stage in _BY_REASON:
                words = t.said(line["meaning"]) or t(REASONS.get(line["reason"], line["reason"]))
                name = f"{stage_name(stage, t)} · {words}" + (f" · {code}" if code else "")
                key = Whom(Group(stage), code)
                n = found[key][1] if key in found else 0
                found[key] = (name, n + int(line["people"]), bool(line["dead"]))
        for group in Group:
            if group not in (*_BY_REASON, *NEVER_AGAIN) and (n := survey.groups[group]):
                words = t("delivered, as a reminder") if group is Group.DELIVERED else stage_name(group, t)
                found[Whom(group)] = (words, n, False)
        return found

    def is_chosen(self, whom: Whom) -> bool:
        """Whether it goes to them as it stands."""
        dead = self.choices().get(whom, ("", 0, True))[2]
        return self.chosen.get(whom, whom.group not in MAY_ARRIVE and not dead)

    def choose(self, whom: Whom, wanted: bool) -> None:
        """Take some in, or leave them out."""
        self.chosen[whom] = wanted
        self._warn()

    def only(self, whom: Whom) -> None:
        """Those alone."""
        choices = self.choices()
        self.chosen = dict.fromkeys(choices, False) | {whom if whom in choices else Whom(whom.group): True}
        self.draw()

    # -- drawing ----------------------------------------------------------------------------

    def build(self) -> Sequence[w.Widget]:
        if self.seen is None:
            return [soft_line(self.t("Counting …"))]
        t, choices = self.t, self.choices()
        usual = [whom for whom in choices if whom.group not in MAY_ARRIVE]
        risky = [whom for whom in choices if whom.group in MAY_ARRIVE]
        self._warning = html("")
        self._warn()
        write = self.button(t("Save as a segment"), self.write, style="primary")
        self.only_for(May.PLAN, write)
        hint = t(
            "They get the same text, unless you change it in 03. Opt-outs and the frequency cap are "
            "checked again. The segment holds full phones: only you can read it."
        )
        nobody = [soft_line(t("Nobody failed."))] if not usual else []
        return [
            soft_line(hint),
            *nobody,
            w.VBox([self._box(whom, *choices[whom]) for whom in usual]),
            soft_line(t("These people may have received it, or still may:")),
            w.VBox([self._box(whom, *choices[whom]) for whom in risky]),
            self._tick(mark("Only those of them who replied"), "only_repliers"),
            self._warning,
            self._tick(mark("I know that some may get two messages"), "certain"),
            self._tick(mark("Go on with it in 03"), "goes_on"),
            row(write),
            *([self._link(self._done)] if self._done else []),
        ]

    def _box(self, whom: Whom, name: str, people: int, dead: bool) -> w.Checkbox:
        told = f"{name} ({people:,})" + (f" · {self.t('dead numbers')}" if dead else "")
        return self.tick(told, self.is_chosen(whom), partial(self.choose, whom))

    def _tick(self, words: str, attribute: str) -> w.Checkbox:
        return self.tick(self.t(words), getattr(self, attribute), partial(setattr, self, attribute))

    def _warn(self) -> None:
        chosen = {whom: name for whom, (name, *_) in self.choices().items() if self.is_chosen(whom)}
        risky = [name for whom, name in chosen.items() if whom.group in MAY_ARRIVE]
        told = self.t("Some of these may get a second message: {groups}.", groups=self.t(", ").join(risky))
        self._warning.value = notice(told, "warn") if risky else ""

    # -- doing ------------------------------------------------------------------------------

    def write(self) -> None:
        """Write segment and parameters in the background, and lead to 03."""
        whom = [str(each) for each in self.choices() if self.is_chosen(each)]
        twice, repliers, goes_on = self.certain, self.only_repliers, self.goes_on

        def work() -> FollowUp:
            made = self.tracker.follow_up(whom, may_arrive_twice=twice, only_repliers=repliers)
            if goes_on:
                self.tracker.go_on_with(made)
            return made

        self.tell(lambda t: t("Writing …"))
        self.start("write", work, self._written)

    def _written(self, made: FollowUp) -> None:
        self._done = made if self.goes_on else None
        self.draw()
        name = PurePath(made.segment).name
        words = mark(
            "{n:,} people are the segment {segment} now. Campaign {name} to them is a rehearsal yet."
        )
        self.tell(lambda t: t(words, n=made.people, segment=name, name=made.campaign), "ok")

    def _link(self, made: FollowUp) -> w.HTML:
        return html(door(_SEND, self.t("Open {name} in 03 →", name=made.campaign)))
