"""
Notebook 04: what became of a campaign, as plain steps and as a panel.

Shows and asks, decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from smskit import charts, delivery
from smskit.carriers import AS_OF, PORTABILITY
from smskit.delivery import Group
from smskit.draft import Draft
from smskit.errors import SpecError
from smskit.follow_up import FollowUp
from smskit.host import Host, host_of
from smskit.ledger import CampaignRow
from smskit.models import Mode
from smskit.notebook.base import Base, draft_of
from smskit.notebook.shown import books_table, say, show_data, show_frame, show_svg, show_widget
from smskit.report import REASON_WORDS
from smskit.spec import check_names, injected_parameters
from smskit.tracking import Seen, Tracker

__all__ = ["TrackNotebook", "open_track"]


def open_track(namespace: Mapping[str, Any]) -> TrackNotebook:
    """
    Start the notebook from its parameters; the first call after the parameters cell.

    Without a campaign it follows the newest one there is: of the parameter file
    another notebook left, where a person sits, else of the ledger.

    Args:
        namespace: ``globals()`` of the notebook; of it ``campaign`` and ``mode`` are read.

    Raises:
        SpecError: a parameter is unknown or out of range.
        LedgerError: there is no campaign of that name.
    """
    host = host_of()
    check_names(injected_parameters(namespace))
    campaign, mode = str(namespace.get("campaign") or ""), str(namespace.get("mode") or "")
    if mode and mode not in list(Mode):
        raise SpecError(f"mode must be one of {', '.join(Mode)}, not `{mode}`")
    tracker = Tracker()
    draft = Draft({"campaign": campaign}) if campaign else draft_of({}, host)
    left = "" if campaign else draft["campaign"]
    # A campaign that was only drafted so far is no reason to show nothing.
    known = {row.name for row in tracker.ledger.campaigns(name=left)} if left else set()
    tracker.choose(campaign or (left if left in known else ""), mode or None)
    return TrackNotebook(draft, host=host, tracker=tracker)


class TrackNotebook(Base):
    """
    A campaign followed, with every step shown.

    Args:
        tracker: The same object serves the panel.
    """

    def __init__(self, draft: Draft, *, host: Host | None = None, tracker: Tracker | None = None) -> None:
        super().__init__(draft, host=host)
        self.tracker = tracker or Tracker()

    # -- which and what -----------------------------------------------------------------

    def panel(self) -> None:
        """Show the panel, where somebody can click."""
        from smskit.widgets.track import TrackPanel

        if self.host.is_person:
            show_widget(TrackPanel(self.page, self.tracker))

    def campaigns(self) -> None:
        """Show the campaigns there are, newest first; test sends are marked."""
        found = self.tracker.campaigns()
        if len(found):
            show_frame(self._headed(found))
        else:
            say(self.t("There is no campaign yet. Rehearse one in notebook 03; nobody is messaged by that."))

    def choose(self, campaign: str = "", mode: str = "") -> None:
        """Follow another campaign; "" = the newest."""
        self.tracker.choose(campaign, mode or None)
        self.books()

    def books(self) -> None:
        """Show the books, which balance, also as data for programs."""
        if self._row() is not None:
            show_data(self.tracker.status(), self.t)

    def receipts(self) -> None:
        """Fetch receipts and replies once, settle unknowns, and show the books."""
        row = self._row()
        if row is None:
            return
        if row.mode is Mode.PLAN:
            say(self.t("Nothing was sent, so there are no receipts."))
            return
        fetched = self.tracker.fetch()
        self.tracker.seen = None
        show_frame(books_table(self.tracker.status(), self.t))
        for problem in fetched.settled.problems:
            say(self.t.words(problem))

    # -- from every side -------------------------------------------------------------------

    def over_time(self, unit: str = "") -> None:
        """Show receipts over time; *unit* is second, minute, hour or day, "" = what fits."""
        if (seen := self._seen()) is None:
            return
        table = seen.survey.over_time(unit)
        if not len(table):
            say(self.t("Nothing was accepted yet."))
            return
        zone = str(seen.survey.zone)
        show_svg(charts.over_time(table, self.t, unit=unit or seen.survey.unit, zone=zone))
        show_frame(self._headed(table))

    def failures(self) -> None:
        """Show failures by stage and raw code, in words, with what to do next."""
        if (seen := self._seen()) is None:
            return
        found = seen.survey.failures
        if not len(found):
            say(self.t("No failure so far."))
            return
        words = {name: [self.t.said(v) for v in found[name]] for name in ("meaning", "said")}
        words["next_step"] = [self.t.words(v) for v in found["next_step"]]
        show_frame(self._headed(found.assign(**words, share=[f"{s:.1%}" for s in found["share"]])))

    def carriers(self) -> None:
        """Show delivery by carrier, told from the number's segment."""
        if (seen := self._seen()) is None or not len(seen.survey.carriers):
            return
        show_svg(charts.carriers(seen.survey.carriers, self.t))
        table = seen.survey.carriers
        rates = ["" if pd.isna(r) else f"{r:.1%}" for r in table["rate"]]
        show_frame(self._headed(table.assign(carrier=[self.t(c) for c in table["carrier"]], rate=rates)))
        say(self.t(PORTABILITY, date=AS_OF))

    def batches(self) -> None:
        """Show the requests that were made: when, how many people, where they are now."""
        if (seen := self._seen()) is None:
            return
        found = seen.survey.batches
        at = pd.to_datetime(found["at"], unit="s", utc=True).dt.tz_convert(seen.survey.zone)
        show_frame(self._headed(found.assign(at=at.dt.strftime("%Y-%m-%d %H:%M:%S"))))

    def unknowns(self) -> None:
        """Show what is unknown and what can settle it."""
        if (seen := self._seen()) is None:
            return
        if not len(seen.survey.unknown):
            say(self.t("Nothing is unknown."))
            return
        now = {n: pd.to_datetime(seen.survey.unknown[n], unit="s", utc=True) for n in ("oldest", "newest")}
        at = {n: t.dt.tz_convert(seen.survey.zone).dt.strftime("%m-%d %H:%M:%S") for n, t in now.items()}
        show_frame(self._headed(seen.survey.unknown.assign(**at)))
        say(self.t("An unknown message may have been sent. It is never sent again by itself."))

    def replies(self) -> None:
        """Show what came back (上行), opt-outs marked."""
        if (seen := self._seen()) is None:
            return
        if len(seen.replies):
            show_frame(self._headed(seen.replies))
        else:
            say(self.t("No reply so far."))

    def left_out(self) -> None:
        """Show who was never messaged, by reason: before sending, and when it was their turn."""
        if self._row() is None:
            return
        status = self.tracker.status()
        words = {reason.label: said for reason, said in REASON_WORDS.items()}
        rows = [
            (r, self.t(words.get(r, r)), n, self.t("before sending")) for r, n in status["excluded"].items()
        ]
        rows += [
            (r, self.t(words.get(r, r)), n, self.t("when it was their turn"))
            for r, n in status["stopped"].items()
        ]
        if rows:
            columns = [self.t("reason"), self.t("meaning"), self.t("people"), self.t("when")]
            show_frame(pd.DataFrame(rows, columns=columns))
        else:
            say(self.t("Nobody was left out."))

    # -- one person, and what goes out ------------------------------------------------------

    def why(self, person: str) -> None:
        """Show why *person* (a user id or a phone) did or did not get it."""
        if self._row() is None:
            return
        story = self.tracker.why(person)
        say(story.told(self.t))
        if len(story.steps):
            show_frame(
                self._headed(story.steps.assign(meaning=[self.t.said(m) for m in story.steps["meaning"]]))
            )

    def people(self, *groups: Group | str, code: str = "", first: int = 0, size: int = 50) -> pd.DataFrame:
        """A page of people, of all groups unless some are named: ``nb.people("undelivered")``."""
        return self.tracker.people([Group(group) for group in groups], code=code, first=first, size=size)

    def export(self, kind: str, path: str | Path = "", *, reveal: bool = False) -> Path:
        """Write one row per person; phones masked unless *reveal*. See ``Tracker.export``."""
        place = self.tracker.export(kind, path, reveal=reveal)
        say(self.t("Saved to {path}", path=place))
        return place

    def follow_up(self, *groups: Group | str, **options: Any) -> FollowUp:
        """
        Write some of its people as a new segment with its parameters: ``nb.follow_up("undelivered")``.

        Those who may have got it need ``may_arrive_twice=True``; see ``follow_up.follow_up``.
        """
        made = self.tracker.follow_up(groups, **options)
        told = "{n:,} people in {segment}. Campaign {name}, mode rehearse, parameters in {file}"
        say(self.t(told, n=made.people, segment=made.segment, name=made.campaign, file=made.parameters))
        return made

    def settle(self, *, resend: bool, count: int) -> int:
        """A person's word on what stayed unknown; *count* is how many it is about. See ``Tracker.settle``."""
        done = self.tracker.settle(resend=resend, count=count)
        self.tracker.seen = None
        return done

    # -- small -----------------------------------------------------------------------------

    def _row(self) -> CampaignRow | None:
        if self.tracker.chosen is None:
            say(self.t("There is no campaign yet. Rehearse one in notebook 03; nobody is messaged by that."))
            return None
        return self.tracker.row

    def _seen(self) -> Seen | None:
        """Counted once for all steps; ``receipts`` has it counted anew."""
        if self.tracker.chosen is None:
            return None
        return self.tracker.seen or self.tracker.look()

    def _headed(self, table: pd.DataFrame) -> pd.DataFrame:
        return table.rename(columns={name: self.t(words) for name, words in delivery.HEADINGS.items()})
