"""
Notebook 04: what became of a campaign, as plain steps and as a panel.

Shows and asks, decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from smskit.audience.carriers import AS_OF, PORTABILITY
from smskit.errors import needs_extra
from smskit.i18n import Language, mark
from smskit.i18n.figures import share
from smskit.ledger import CampaignRow
from smskit.models import Mode
from smskit.notebook.base import Base, draft_of, parameters_given, step
from smskit.notebook.display import books_table, show_data, show_widget
from smskit.notebook.handover import TRACK, asked_for
from smskit.notebook.host import Host, host_of
from smskit.notebook.mistakes import opens
from smskit.notebook.tracker import CampaignSnapshot, Tracker
from smskit.notebook.words import NO_CAMPAIGN, listed
from smskit.planning.draft import Draft
from smskit.planning.spec import check_names
from smskit.reporting import charts
from smskit.reporting.audit import HEADINGS as DONE
from smskit.reporting.audit import approval_in_words, trail
from smskit.reporting.delivery import HEADINGS, STAGES, Group
from smskit.reporting.follow_up import FollowUp

__all__ = ["TrackNotebook", "open_track"]


@opens
def open_track(namespace: Mapping[str, Any]) -> TrackNotebook:
    """
    Start the notebook from its parameters; the first call after the parameters cell.

    Without a campaign it follows the newest live one of the ledger; where nothing was sent live, the one
    of the parameter file another notebook left, where a person sits, else the newest.

    Args:
        namespace: ``globals()`` of the notebook; of it ``campaign`` and ``mode`` are read.

    Raises:
        SpecError: a parameter is unknown or out of range.
        LedgerError: there is no campaign of that name.
    """
    host = host_of()
    values = dict(namespace) | dict(check_names(parameters_given(namespace)))
    campaign, mode = asked_for(values, TRACK, is_person=host.is_person)
    tracker = Tracker()
    draft = Draft({"campaign": campaign}) if campaign else draft_of({}, host)
    found = tracker.choose(campaign, mode or None)
    live = found is not None and found.mode is Mode.LIVE
    left = "" if campaign or mode or live else draft.campaign
    # A campaign that was only drafted so far is no reason to show nothing.
    if left and tracker.ledger.campaigns.find(name=left):
        tracker.choose(left)
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

    @needs_extra("notebook")
    def panel(self) -> None:
        """Show the panel, where somebody can click."""
        self.panel_shown = True
        from smskit.notebook.panels.track import TrackPanel

        if self.host.is_person:
            show_widget(TrackPanel(self.page, self.tracker))

    @step
    def campaigns(self) -> None:
        """Show the campaigns there are, newest live one first, test sends too."""
        found = self.tracker.campaigns()
        if found.campaigns:
            self.show_frame(lambda t: listed(found, t), found.frame)
        else:
            self.say(NO_CAMPAIGN)

    @step
    def choose(self, campaign: str = "", mode: str = "") -> None:
        """Follow another campaign; "" = the newest."""
        if self.tracker.choose(campaign, mode or None) is not None:
            self.tracker.count()
        self._books()

    @step
    def books(self) -> None:
        """Show the books, which balance, also as data for programs."""
        self._books()

    def _books(self) -> None:
        if self._row() is not None:
            show_data(self.t, self.tracker.status())

    @step
    def receipts(self) -> None:
        """Fetch receipts and replies once, settle unknowns, and show the books."""
        row = self._row()
        if row is None:
            return
        if row.mode is Mode.PLAN:
            self.say("Nothing was sent, so there are no receipts.")
            return
        fetched = self.tracker.fetch()
        status = self.tracker.count().status
        self.show_frame(lambda t: books_table(status, t))
        for problem in fetched.settled.problems:
            self.repeat(problem)

    # -- from every side -------------------------------------------------------------------

    @step
    def over_time(self, unit: str = "") -> None:
        """Show receipts over time; *unit* is second, minute, hour or day, "" = what fits."""
        if (seen := self._seen()) is None:
            return
        table = seen.survey.over_time.table(unit)
        if not len(table):
            self.say("Nothing was accepted yet.")
            return
        zone, fitting = str(seen.survey.zone), unit or seen.survey.over_time.unit
        self.show_svg(lambda t: charts.over_time(table, t, unit=fitting, zone=zone))
        self.show_frame(lambda t: _headed(table, t), table)

    @step
    def failures(self) -> None:
        """Show failures by stage and raw code, in words, with what to do next."""
        if (seen := self._seen()) is None:
            return
        found = seen.survey.failures
        if not len(found):
            self.say("No failure so far.")
            return

        def table(t: Language) -> pd.DataFrame:
            words = {
                "stage": [t(STAGES.get(s, s)) for s in found["stage"]],
                "meaning": [t.said(text) for text in found["meaning"]],
                "said": [t.said(text) for text in found["said"]],
                "next_step": [t.render(text) for text in found["next_step"]],
                "share": [share(part) for part in found["share"]],
            }
            return _headed(found.assign(**words), t)

        self.show_frame(table, found)

    @step
    def carriers(self) -> None:
        """Show delivery by carrier, told from the number's segment."""
        if (seen := self._seen()) is None or not len(seen.survey.carriers):
            return
        found = seen.survey.carriers
        rates = [share(rate) for rate in found["rate"]]
        self.show_svg(lambda t: charts.carriers(found, t))
        self.show_frame(
            lambda t: _headed(found.assign(carrier=[t(c) for c in found["carrier"]], rate=rates), t), found
        )
        self.say(PORTABILITY, date=AS_OF)

    @step
    def batches(self) -> None:
        """Show the requests that were made: when, how many people, where they are now."""
        if (seen := self._seen()) is None:
            return
        found = seen.survey.batches
        at = pd.to_datetime(found["at"], unit="s", utc=True).dt.tz_convert(seen.survey.zone)
        shown = found.assign(at=at.dt.strftime("%Y-%m-%d %H:%M:%S"))
        self.show_frame(lambda t: _headed(shown, t), found)

    @step
    def unknowns(self) -> None:
        """Show what is unknown and what can settle it."""
        if (seen := self._seen()) is None:
            return
        if not len(seen.survey.unknown):
            self.say("Nothing is unknown.")
            return
        found = seen.survey.unknown
        now = {n: pd.to_datetime(found[n], unit="s", utc=True) for n in ("oldest", "newest")}
        at = {n: s.dt.tz_convert(seen.survey.zone).dt.strftime("%m-%d %H:%M:%S") for n, s in now.items()}
        self.show_frame(
            lambda t: _headed(found.assign(**at, detail=[t.said(d) for d in found["detail"]]), t), found
        )
        self.say("An unknown message may have been sent. It is never sent again by itself.")
        if n := self.tracker.likely:
            told = mark(
                "{n:,} were likely accepted: a report for the number has an id that is not ours. If "
                "nothing else sends through the account, it is theirs."
            )
            self.say(told, n=n)

    @step
    def replies(self) -> None:
        """Show what came back (上行), opt-outs marked."""
        if (seen := self._seen()) is None:
            return
        if len(seen.replies):
            came = seen.replies
            self.show_frame(lambda t: _headed(came, t), came)
        else:
            self.say("No reply so far.")

    def doubtful(self) -> pd.DataFrame:
        """Replies that may ask to be left alone: each counts as an opt-out until `decide` is called on it."""
        return self.tracker.doubtful()

    def decide(self, which: str, *, opted_out: bool) -> int:
        """A person's word on a doubtful reply, by its id, or on all of a phone. See ``opt_outs.decide``."""
        done = self.tracker.decide(which, opted_out=opted_out)
        self.tracker.count()
        return done

    @step
    def audit(self) -> None:
        """Show who did what to the campaign, last first, and whether the trail is whole."""
        if self._row() is not None:
            found = trail(self.tracker.ledger, self.tracker.row.name)
            self.show_frame(lambda t: found.frame(t).rename(columns={n: t(w) for n, w in DONE.items()}))
            self.repeat(found.verdict)

    def approve(self, plan_hash: str) -> None:
        """Say yes to a plan that somebody else has made; see ``Tracker.approve``."""
        self.repeat(approval_in_words(self.tracker.approve(plan_hash).to_data()))

    def import_opt_outs(self, path: str | Path) -> None:
        """Put every number of a list on the opt-out list, and say which lines could not be read."""
        for line in self.tracker.import_opt_outs(path).told():
            self.repeat(line)

    @step
    def left_out(self) -> None:
        """Show who was never messaged, by reason: before sending, and when it was their turn."""
        if self._row() is None:
            return
        status = self.tracker.status()
        if not len(found := self.tracker.left_out(status, self.t)):
            self.say("Nobody was left out.")
            return
        self.show_frame(lambda _: found)

    # -- one person, and what goes out ------------------------------------------------------

    @step
    def why(self, person: str) -> None:
        """Show why *person* (a user id or a phone) did or did not get it."""
        if self._row() is None:
            return
        story = self.tracker.why(person)
        self.say(story.told)
        if len(steps := story.steps):
            self.show_frame(
                lambda t: _headed(steps.assign(meaning=[t.said(m) for m in steps["meaning"]]), t), steps
            )

    def people(self, *groups: Group | str, first: int = 0, size: int = 50) -> pd.DataFrame:
        """A page of people, of all groups unless some are named: ``nb.people("undelivered:MK:0001")``."""
        return self.tracker.people(groups, first=first, size=size)

    def export(self, kind: str, path: str | Path = "", *, reveal: bool = False) -> Path:
        """Write one row per person; phones masked unless *reveal*. See ``Tracker.export``."""
        place = self.tracker.export(kind, path, reveal=reveal)
        self.say("Saved to {path}", path=place)
        return place

    def follow_up(self, *groups: Group | str, **options: Any) -> FollowUp:
        """
        Write some of its people as a new segment with its parameters: ``nb.follow_up("undelivered")``.

        Those who may have got it need ``may_arrive_twice=True``; see ``follow_up.follow_up``.
        """
        made = self.tracker.follow_up(groups, **options)
        told = mark("{n:,} people in {segment}. Campaign {name}, mode rehearse, parameters in {file}")
        self.say(told, n=made.people, segment=made.segment, name=made.campaign, file=made.parameters)
        return made

    def settle(self, *, resend: bool, count: int) -> int:
        """A person's word on what stayed unknown; *count* is how many it is about. See ``Tracker.settle``."""
        done = self.tracker.settle(resend=resend, count=count)
        self.tracker.count()
        return done

    # -- small -----------------------------------------------------------------------------

    def _row(self) -> CampaignRow | None:
        if self.tracker.chosen is None:
            self.say(NO_CAMPAIGN)
            return None
        return self.tracker.row

    def _seen(self) -> CampaignSnapshot | None:
        """Counted once for all steps; ``receipts`` has it counted anew."""
        if self.tracker.chosen is None:
            return None
        return self.tracker.seen or self.tracker.count()


def _headed(table: pd.DataFrame, t: Language) -> pd.DataFrame:
    return table.rename(columns={name: t(words) for name, words in HEADINGS.items()})
