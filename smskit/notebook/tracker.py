"""
``Tracker``: one campaign being followed, for a panel and for plain cells alike.

Joins what reads (``delivery``, ``report``) with what acts (fetching, settling,
exporting, following up) and keeps the last count, since a million people are
not counted twice for two pictures.
"""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from smskit.audience import phones
from smskit.audience.explore.files import write_frames
from smskit.errors import GuardRefused, InputError, LedgerError, SmskitError, SpecError
from smskit.i18n import Language, Message, mark
from smskit.ledger import Action, ApprovalRow, CampaignRow, Ledger
from smskit.ledger.opening import open_ledger
from smskit.models import REASONS, Mode
from smskit.notebook.base import PARAMETER_FILE
from smskit.planning.draft import Draft
from smskit.planning.source import segment_frames
from smskit.planning.spec import CampaignSpec
from smskit.providers import provider_class
from smskit.reporting import delivery, opt_outs, report
from smskit.reporting.audit import Trail, trail
from smskit.reporting.columns import SegmentColumns
from smskit.reporting.delivery import Figures, Group, Overview, Roster, Survey, Ways, Whom
from smskit.reporting.export import FORMATS, without_formulas, write_messages
from smskit.reporting.follow_up import FollowUp, follow_up
from smskit.reporting.report import Fate
from smskit.reporting.run_page import page
from smskit.sending.likely import accept_likely, likely
from smskit.sending.receipts import Fetched, fetch, fetch_while_open
from smskit.sending.unknowns import settle_by_hand
from smskit.settings import Environment
from smskit.settings.places import project_root, start_folder
from smskit.workspace import Folder, May, Workspace

__all__ = ["FORMATS", "LARGEST", "CampaignSnapshot", "Download", "Timeline", "Tracker"]

LARGEST = 20_000_000  # bytes of a file that a page is given
_MOST_ROWS = 100_000  # of one reason, in a file for a browser
_QUICK_S = 1.0
_MOST_DONE = 200  # of what was done, that a page shows


@dataclass(frozen=True)
class CampaignSnapshot:
    """A campaign as it was a moment ago."""

    row: CampaignRow
    status: dict[str, Any]  # the books, see ``report.status``
    survey: Survey
    replies: pd.DataFrame
    doubtful: pd.DataFrame  # of all campaigns of its mode; see ``opt_outs.doubtful``
    trail: Trail  # who did what to it, last first
    at: float  # epoch seconds
    figures: Figures  # its rates and its cost, as lists of campaigns show them
    roster: Roster  # every row of the file, to be looked through

    def __repr__(self) -> str:
        return f"CampaignSnapshot({self.row.name}, {self.row.mode})"


class Download(NamedTuple):
    """A file for a browser to save."""

    name: str
    data: bytes

    def __repr__(self) -> str:
        return f"Download({self.name}, {len(self.data):,} bytes)"


@dataclass(frozen=True)
class Timeline:
    """Why one person did or did not get it."""

    fates: tuple[Fate, ...]  # of each row of the file that is theirs
    steps: pd.DataFrame  # see ``delivery.timeline``; empty for somebody who was left out

    def told(self, t: Language) -> str:
        """In one line, or one for each."""
        return "\n".join(fate.told(t) for fate in self.fates)

    def __repr__(self) -> str:
        return f"Timeline(steps={len(self.steps)})"


class Tracker:
    """
    Args:
        environment: Makes a fresh look at settings, which a person may change meanwhile.
        folder: Where exports and follow-ups go unless said otherwise; the project's root by default.
    """

    def __init__(
        self, *, environment: Callable[[], Environment] = Environment, folder: Path | None = None
    ) -> None:
        self.environment = environment
        self.folder = folder or project_root(start_folder()) or start_folder()
        self.chosen: CampaignRow | None = None
        self.seen: CampaignSnapshot | None = None
        self._took_s = 0.0
        self._listeners: list[Callable[[], None]] = []
        self._begun, self._shown = itertools.count(1), 0
        self._turn = threading.Lock()

    def on_count(self, listener: Callable[[], None]) -> None:
        """Call *listener* when everything was counted anew, whoever asked for it: a panel or a cell."""
        self._listeners.append(listener)

    def __repr__(self) -> str:
        return f"Tracker({self.chosen.name if self.chosen else 'nothing chosen'})"

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger the environment names."""
        return open_ledger(self.environment())

    # -- which ----------------------------------------------------------------------------

    def campaigns(self) -> Overview:
        """All campaigns, newest live one first, test sends too; archived ones apart."""
        return delivery.overview(self.ledger, tests=True)

    def choose(self, campaign: str = "", mode: Mode | str | None = None) -> CampaignRow | None:
        """Follow another campaign; see ``delivery.choose``."""
        self.chosen = delivery.choose(self.ledger, campaign, Mode(mode) if mode else None)
        self.seen = None
        return self.chosen

    @property
    def row(self) -> CampaignRow:
        """
        The campaign that is followed, as it is now.

        Raises:
            LedgerError: there is none.
        """
        now = self.ledger.campaigns.get(self.chosen.name, self.chosen.mode) if self.chosen else None
        if now is None:
            raise LedgerError("there is no campaign to follow; send or rehearse one first")
        return now

    @property
    def console_url(self) -> str:
        """Where a person manages the provider's account; "" where there is none."""
        try:
            return provider_class(self.row.provider).console_url
        except SpecError:
            return ""

    @property
    def ways(self) -> Ways:
        """What can settle an unknown here."""
        return delivery.settled_by(self.row.provider)

    # -- looking ---------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """The books now."""
        return report.status(self.ledger, self.row)

    def count(self) -> CampaignSnapshot:
        """Count everything anew."""
        number = next(self._begun)
        row, started = self.row, time.monotonic()
        survey = delivery.survey(self.ledger, row)
        came, doubtful = delivery.replies(self.ledger, row), self.doubtful()
        self._took_s = time.monotonic() - started
        status = report.status(self.ledger, row)
        done = trail(self.ledger, row.name, last=_MOST_DONE)
        roster, figures = Roster(self.ledger, row), self._figures(row)
        seen = CampaignSnapshot(row, status, survey, came, doubtful, done, time.time(), figures, roster)
        with self._turn:
            chosen = self.chosen
            # Another may have been chosen, or counted later and faster, meanwhile.
            newest = number > self._shown and chosen is not None and chosen.id == row.id
            if newest:
                self._shown, self.seen = number, seen
        for listener in self._listeners if newest else ():
            listener()
        return seen

    def _figures(self, row: CampaignRow) -> Figures:
        found = delivery.overview(self.ledger, mode=row.mode, tests=True).everything
        return next(each for each in found if each.row.id == row.id)

    @staticmethod
    def left_out(status: Mapping[str, Any], t: Language) -> pd.DataFrame:
        """Who of the file was not messaged, as counts: by the rules, before sending, at the last moment."""
        words = {reason: t(said) for reason, said in REASONS.items()}
        before, late = t("before sending"), t("when it was their turn")
        rows = [("", t("left out by a rule of the segment"), n, before) if (n := status["ruled_out"]) else ()]
        rows += [(r, words.get(r, r), n, before) for r, n in status["excluded"].items()]
        rows += [(r, words.get(r, r), n, late) for r, n in status["stopped"].items()]
        columns = [t("reason"), t("meaning"), t("people"), t("when")]
        return pd.DataFrame([row for row in rows if row], columns=columns)

    @property
    def quick(self) -> bool:
        """Whether counting everything is quick enough to be done at each fetch."""
        return self._took_s < _QUICK_S

    def people(self, groups: Collection[Group | str] = (), **options: Any) -> pd.DataFrame:
        """A page of people; all groups unless some are named. See ``delivery.people_page``."""
        return delivery.people_page(self.ledger, self.row, groups or delivery.GROUPS, **options)

    def why(self, person: str) -> Timeline:
        """
        What became of *person*, a user id or a phone.

        Raises:
            InputError: nobody like that is in the file that was read.
        """
        person = person.strip()
        if not person:
            raise InputError("say whom: a user id or a phone")
        row = self.row
        fates = tuple(report.fates(self.ledger, row, person))
        planned = self.ledger.audience.find(row.id, person=person, phone=report.as_phone(person))
        nothing = pd.DataFrame(columns=delivery.TIMELINE)
        return Timeline(fates, delivery.timeline(self.ledger, row, person) if planned else nothing)

    def doubtful(self) -> pd.DataFrame:
        """Doubtful replies of all campaigns of this one's mode; see ``opt_outs.doubtful``."""
        row = self.row
        return opt_outs.doubtful(self.ledger, row.mode, zone=row.zone)

    @property
    def asks_approval(self) -> bool:
        """Whether live runs need somebody's approval."""
        return bool(self.environment().get("SMSKIT_REQUIRE_APPROVAL"))

    def unapproved(self) -> list[ApprovalRow]:
        """Plans of this campaign that nobody has approved, newest first, where live runs need it."""
        if not self.asks_approval:
            return []
        return [found for found in self.ledger.approvals.of(self.row.name) if not found.approved]

    # -- acting ----------------------------------------------------------------------------

    def approve(self, plan_hash: str) -> ApprovalRow:
        """
        Say yes to a plan of this campaign that somebody else has made.

        Raises:
            InputError: nobody has planned that.
            GuardRefused: who asks is who planned it, or may not send.
        """
        Workspace.here().demand(May.SEND)
        by = self.environment().user
        return self.ledger.approvals.approve(self.row.name, plan_hash, by=by)

    def fetch(self) -> Fetched:
        """Settle unknowns, then fetch receipts and replies, once."""
        self._demand_sent()
        return fetch(self.ledger, [self.row], environment=self.environment())

    def watch(
        self, *, stop: threading.Event, told: Callable[[Fetched], None], every_s: float = 3.0
    ) -> Fetched:
        """Fetch until nothing is awaited or unknown, or until *stop* is set."""
        self._demand_sent()
        return fetch_while_open(
            self.ledger, [self.row], environment=self.environment(), stop=stop, told=told, every_s=every_s
        )

    def settle(self, *, resend: bool, count: int) -> int:
        """
        A person's word on everybody who is still unknown: send again, or leave it there.

        Args:
            count: How many the person thinks it is about.

        Raises:
            GuardRefused: it is about another number of people by now; nothing was changed.
        """
        row = self.row
        Workspace.here().demand_mode(row.mode)
        now = self.ledger.audience.counts(row.id).unknown
        if count != now:
            words = mark("nothing was changed: {n} are unknown now, and you confirmed {m}")
            raise GuardRefused(Message(words, n=now, m=count))
        return settle_by_hand(self.ledger, row, resend=resend)

    def decide(self, which: str, *, opted_out: bool) -> int:
        """A person's word on a doubtful reply, by its id, or on all of a phone; see ``opt_outs.decide``."""
        Workspace.here().demand(May.SEND)
        by = self.environment().user
        return opt_outs.decide(self.ledger, which, opted_out=opted_out, by=by, mode=self.row.mode)

    def import_opt_outs(self, path: str | Path) -> opt_outs.Imported:
        """
        Put every number of a list on the opt-out list.

        Args:
            path: Looked for beside the notebook, then upwards to the project's root.
        """
        Workspace.here().demand(May.SEND)
        if not str(path).strip():
            raise InputError("say which file")
        return opt_outs.import_list(self.ledger, Path(path).expanduser())

    @property
    def likely(self) -> int:
        """How many of the unknown a report without our reference is likely about; see ``likely``."""
        row = self.row
        return sum(one.row.id == row.id for one in likely(self.ledger, row.provider, row.mode))

    def accept_likely(self) -> int:
        """A person's word that those reports are about them; returns how many are accepted by it."""
        Workspace.here().demand_mode(self.row.mode)
        return accept_likely(self.ledger, self.row).found

    def export(
        self, kind: str, path: str | Path = "", *, reveal: bool = False, columns: Collection[str] = ()
    ) -> Path:
        """
        Write one row per person of the segment to a file, readable by its owner alone.

        Args:
            kind: One of ``FORMATS``.
            path: Ends in the kind; "" = ``runs/<campaign>-messages.<kind>`` in the project.
            reveal: Full phones.
            columns: Of the segment, as it is now, behind those of the message.

        Raises:
            InputError: the kind is unknown, there is no such column, or it cannot be written, or not there.
        """
        row = self.row
        here = Workspace.here().of(self.folder)
        name = self.file_name(row, f"messages{'-full' if reveal else ''}", kind)
        wanted = path or here.home(Folder.EXPORTS, Path("runs")) / name
        place = here.to_write(wanted, Folder.EXPORTS, (f".{kind}",))
        self._write(row, kind, place, reveal, columns)
        return place

    def _write(
        self, row: CampaignRow, kind: str, place: Path, reveal: bool, columns: Collection[str]
    ) -> None:
        if reveal:
            Workspace.here().demand(May.PLAN)
        environment = self.environment()
        environ, file = environment.variables, environment.parameter_file
        more = SegmentColumns(row, columns, environ=environ, file=file, ledger=self.ledger)
        write_messages(self.ledger, row, kind, place, reveal=reveal, more=more)

    @staticmethod
    def file_name(row: CampaignRow, what: str, kind: str) -> str:
        """What a file about *row* is called."""
        return f"{row.name}-{row.mode}-{what}.{kind}"

    def download(self, kind: str, *, reveal: bool = False, columns: Collection[str] = ()) -> Download:
        """
        The same as `export`, to be saved by a browser; nothing stays on this machine.

        Raises:
            InputError: as `export` does, or it is larger than `LARGEST` bytes: then it is to be exported.
        """
        row = self.row
        with TemporaryDirectory(prefix="smskit-") as folder:
            place = Path(folder) / self.file_name(row, f"messages{'-full' if reveal else ''}", kind)
            self._write(row, kind, place, reveal, columns)
            if (size := place.stat().st_size) > LARGEST:
                words = mark("it has {n} MB, more than a browser is given at once: write it to a file")
                raise InputError(Message(words, n=size // 1_000_000))
            return Download(place.name, place.read_bytes())

    def columns(self) -> list[str]:
        """The columns of the segment as it is now; none where it cannot be read."""
        row, environment = self.row, self.environment()
        try:
            return SegmentColumns.there(row, environ=environment.variables, file=environment.parameter_file)
        except SmskitError:
            return []

    def people_of(self, place: str, code: str, t: Language) -> Download:
        """Those of one place, see ``delivery.Roster``, with one code, as a csv file for a browser; masked."""
        row, roster = self.row, Roster(self.ledger, self.row)
        frame = roster.page(place, code=code, size=_MOST_ROWS).frame
        plain = frame.assign(why=[t.said(why) for why in frame["why"]])
        name = self.file_name(row, re.sub(r"[^\w.-]+", "-", f"{place}-{code}").strip("-"), "csv")
        return Download(name, without_formulas(plain).to_csv(index=False).encode("utf-8-sig"))

    def report(self, t: Language) -> Download:
        """
        The report of its last run as it reads now, an HTML file for a browser.

        Raises:
            InputError: nobody kept a record of a run.
        """
        row = self.row
        runs = self.ledger.runs.find(campaign=row.name, mode=row.mode, last=1)
        if not runs:
            raise InputError("no run of this campaign is on record, so there is no report of it")
        run = runs[-1]._replace(books=report.status(self.ledger, row))
        return Download(self.file_name(row, "report", "html"), page(self.ledger, run, t).encode())

    def take_out(self, codes: Collection[str]) -> Path:
        """
        The segment without those whose number is dead: who failed with one of *codes*.

        Written as a new file into ``segments/``, full phones, readable by its owner alone; the segment
        itself stays as it is.

        Raises:
            InputError: nobody failed so.
            SegmentError: the segment cannot be read any more.
        """
        Workspace.here().demand(May.PLAN)
        row, environment = self.row, self.environment()
        whom = [Whom(group, code) for group in (Group.UNDELIVERED, Group.REFUSED) for code in codes]
        dead = [h.keys.phones[at] for _, at, h in delivery.members(self.ledger, row, whom)]
        if not dead:
            raise InputError("nobody failed so")
        spec = CampaignSpec.from_data(row.spec)
        gone = np.concatenate(dead)
        frames = segment_frames(spec, None, environ=environment.variables, file=environment.parameter_file)
        target = self.folder / "segments" / f"{row.name}-without-dead-numbers.parquet"
        about = {"campaign": row.name, "mode": row.mode, "plan_hash": row.plan_hash, "file": target.name}
        self.ledger.audit.note(Action.EXPORT, what="a segment without dead numbers", **about)
        write_frames((f[~np.isin(phones.normalise(f[spec.phone]).e164, gone)] for f in frames), target)
        return target

    def follow_up(self, groups: Collection[Group | str], **options: Any) -> FollowUp:
        """Some of its people as a new segment in ``segments/``; see ``follow_up.follow_up``."""
        Workspace.here().demand(May.PLAN)
        return follow_up(self.ledger, self.row, groups, folder=self.folder / "segments", **options)

    def go_on_with(self, made: FollowUp) -> Path:
        """
        Let notebook 03 open with the parameters of *made*: as the project's ``campaign.yaml``.

        What that held stays beside it, under the id of its campaign.
        """
        home = Workspace.here().home(Folder.PARAMETERS, self.folder)
        here = home / PARAMETER_FILE
        if here.is_file():
            before = Draft.read(here).campaign or "before"
            here.replace(home / f"campaign-{before}.yaml")
        return Draft.read(made.parameters).save(here)

    def _demand_sent(self) -> None:
        if self.row.mode is Mode.PLAN:
            raise GuardRefused("cannot fetch receipts of a plan: nothing was sent")
