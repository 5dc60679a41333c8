"""
``SegmentModel``: one segment being looked at and filtered, and the draft that hears of it.

Reading is apart from taking over, so that a panel can read in the background.
Everything a panel or a cell of notebook 02 does goes through here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import pandas as pd
import yaml

from smskit.audience import segment
from smskit.audience.explore.compare import Comparison, compare
from smskit.audience.explore.files import keep_upload, write_segment
from smskit.audience.explore.pictures import Picture, picture_of
from smskit.audience.explore.profile import Profile, profile_of
from smskit.audience.explore.rule_editor import Counts, RuleEditor
from smskit.audience.explore.saved import KEPT, read_saved, save_segment, saved_segments
from smskit.audience.paging import FrameRows
from smskit.audience.phones import redact
from smskit.audience.roles import roles_of
from smskit.audience.rules import RuleCache
from smskit.audience.rules.fit import Reading
from smskit.audience.rules.pandas_text import to_pandas
from smskit.audience.rules.typed import Mask
from smskit.errors import InputError, RuleError, SegmentError
from smskit.i18n import Message
from smskit.planning.draft import Draft
from smskit.planning.policy import notice_of_consent
from smskit.planning.source import all_columns
from smskit.sending.reach import Reach, Reaching
from smskit.settings import Environment, LargeSettings
from smskit.settings.places import project_root, start_folder

__all__ = ["Loaded", "SegmentModel"]

_OFFERED_ROWS: Final = 10  # from which the one that names the columns is chosen
_SHOWN: Final = 60  # letters of such a row
# Whoever changes one of these in the draft: what was read is not what it names any more.
_READ_BY = frozenset({"segment", "segment_query", "sheet", "heading_row", "phone", "user_id", "timezone"})


class Loaded(NamedTuple):
    """A segment that was read."""

    name: str  # what the draft calls it
    frame: pd.DataFrame
    cache: RuleCache
    rows: FrameRows
    profile: Profile
    recognised: Mapping[str, str] = MappingProxyType({})  # parameter -> the column chosen for it
    wish: int = 0  # of the model that read it, see there

    @property
    def notices(self) -> list[Message]:
        """What there is to know of how it was read."""
        return segment.notices(self.frame)

    def __repr__(self) -> str:
        return f"Loaded({self.name}, {len(self.frame)} rows)"


class SegmentModel:
    """
    A segment, its rule and its draft.

    Rules that somebody else puts into the draft become the rule here; a segment
    they name is read when it is next asked for.

    Args:
        draft: Read for what to load, and told of what is chosen.
        project: Where relative paths and new files belong.
        parameter_file: Beside which a relative segment is looked for first; None = there is none.
        clock: Now, aware; the parameter `timezone`'s by default.
        sample: Parameters that only suit the sample segment the draft names for want of another; those
            that still stand when another segment is chosen are taken out.
    """

    def __init__(
        self,
        draft: Draft,
        *,
        project: Path | None = None,
        parameter_file: Path | None = None,
        clock: Callable[[], datetime] | None = None,
        sample: Mapping[str, Any] | None = None,
    ) -> None:
        self.draft = draft
        self._sample = dict(sample or {})
        self._file = parameter_file
        self.project = project or project_root(start_folder()) or start_folder()
        self._clock = clock or (lambda: datetime.now(ZoneInfo(self.draft["timezone"])))
        self.loaded: Loaded | None = None
        self.editor = RuleEditor(draft["rules"])
        self._reaching = Reaching(lambda: Environment(parameter_file=parameter_file))
        self._drawing = threading.Lock()
        self._pictures: tuple[pd.DataFrame | None, dict[str, Picture | None]] = None, {}
        self._writing = self._newly_chosen = False
        # A panel and the cells that follow it want the same segment at once: one reads, the other takes that.
        self._reading = threading.Lock()
        self._just_read: Loaded | None = None
        self._wish = self._taken = 0  # counts what is wished for; which of them `loaded` is
        self._adopted: frozenset[str] = frozenset()  # what the draft is just told as it was read
        draft.on_change(self._heard)

    def __repr__(self) -> str:
        return f"SegmentModel({self.loaded!r})"

    def _heard(self, names: frozenset[str]) -> None:
        """Somebody changed the draft."""
        self._wish += bool(names & _READ_BY - self._adopted)
        if "rules" in names and not self._writing:
            self.editor = RuleEditor(self.draft["rules"])

    # -- the segment -------------------------------------------------------------------

    def read(self) -> Loaded:
        """
        Read and look at the segment the draft names, all columns.

        Raises:
            SegmentError: there is none, or it cannot be read.
        """
        with self._reading:
            self._just_read = self._read(self._wish)
            return self._just_read

    def _read(self, wish: int) -> Loaded:
        name, ids = self.draft["segment"], (self.draft["phone"], self.draft["user_id"])
        if self.draft.frame is not None:
            return self._profiled(name or segment.IN_MEMORY, segment.from_frame(self.draft.frame), wish=wish)
        if not name:
            raise SegmentError("no segment given: name a file, a database URL or env:NAME")
        query, rows = self.draft["segment_query"], (self.draft["sheet"], self.draft["heading_row"])
        frame = self._load(name, query, ids, *rows)
        recognised = self._recognised(frame) if self._newly_chosen else {}
        if recognised.keys() & {"phone", "user_id"}:  # which are read as text
            ids = (*ids, *recognised.values())
            frame = self._load(name, query, ids, *rows)
        return self._profiled(name, frame, recognised=recognised, wish=wish)

    def _load(
        self, source: str, query: str, ids: Sequence[str], sheet: str = "", heading_row: int = 0
    ) -> pd.DataFrame:
        return segment.load(
            source,
            query=query,
            sheet=sheet,
            heading_row=heading_row,
            columns=all_columns({*ids, *self.draft.columns}),
            text_columns=ids,
            environ=Environment().variables,
            working_folder=self._start(),
            parameter_file=self._file,
            most=LargeSettings.of(Environment().variables).frame_rows,
        )

    def _recognised(self, frame: pd.DataFrame) -> dict[str, str]:
        """For parameters that name no column of a segment just chosen: the column that looks like it."""
        like, names = roles_of(frame), {"", *map(str, frame.columns)}
        open_ = {role for role in like._fields if self.draft[role] not in names}
        if not self.draft["consent"]:
            open_.add("consent")
        return {role: found[0] for role, found in like._asdict().items() if role in open_ and found}

    def read_other(self, source: str, query: str = "") -> pd.DataFrame:
        """
        Read another segment, to compare with; where it calls phones or people otherwise, they are recognised.

        Raises:
            SegmentError: it cannot be read.
        """
        frame = self._load(source, query, (self.draft["phone"], self.draft["user_id"]))
        like = roles_of(frame)._asdict()
        lacking = [r for r in ("phone", "user_id") if self.draft[r] and self.draft[r] not in frame.columns]
        called = {like[role][0]: self.draft[role] for role in lacking if like[role]}
        if called:  # and read as text
            frame = self._load(source, query, tuple(called)).rename(columns=called)
        return frame

    def sheets(self, source: str) -> list[str]:
        """The visible sheets of a workbook; none of what is no workbook, or cannot be read."""
        try:
            return segment.sheets(source, working_folder=self._start())
        except SegmentError:
            return []

    def first_rows(self, source: str, sheet: str) -> list[tuple[int, str]]:
        """
        The first rows of a workbook or text file, number and text, phones masked; of others none.

        One of them may be chosen to name the columns, also where the file cannot be read without that.
        """
        try:
            found = segment.first_rows(source, sheet=sheet, n=_OFFERED_ROWS, working_folder=self._start())
        except SegmentError:
            return []
        shown = ((n, redact(" · ".join(cells))) for n, cells in found)
        return [(n, text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…") for n, text in shown]

    def version(self, source: str) -> tuple[int, int]:
        """What tells a file from the one that had its name before; nothing in it of what is no file here."""
        try:
            there = segment.find(source, self._start()).stat()
        except (SegmentError, OSError):
            return 0, 0
        return there.st_mtime_ns, there.st_size

    def _start(self) -> Path:
        """Where a relative path is looked for first: as papermill will, from within the project."""
        here = start_folder()
        return here if here.is_relative_to(self.project) else self.project

    def take(self, loaded: Loaded) -> None:
        """Go on with a segment that was read, its columns as they were recognised; the rule stays."""
        self.loaded, self._just_read, self._taken = loaded, None, loaded.wish
        if self.is_current:
            self._newly_chosen = False
            self._adopted = frozenset(loaded.recognised)
            self.draft.set(**loaded.recognised)
            self._adopted = frozenset()

    def load(self) -> Loaded:
        """``read``, unless another thread has just done that, and ``take``."""
        with self._reading:
            ready = self._just_read
            loaded = ready if ready and ready.wish == self._wish else self._read(self._wish)
        self.take(loaded)  # tells others, who may be waiting for what this thread holds
        return loaded

    def choose(self, source: str, query: str = "", sheet: str = "", heading_row: int = 0) -> None:
        """Let the draft name another file, query, sheet or heading row; its columns are recognised later."""
        self._newly_chosen = True
        self._switch(source.strip(), query.strip(), sheet.strip(), heading_row)

    def _switch(self, source: str, query: str = "", sheet: str = "", heading_row: int = 0) -> None:
        self.draft.frame = None
        self._name(source, query, sheet, heading_row)

    def use(self, frame: pd.DataFrame) -> None:
        """
        Let a frame of the notebook be the segment; nothing is looked at yet.

        Raises:
            SegmentError: it is no segment.
        """
        self.draft.frame = segment.from_frame(frame)
        self._wish += 1
        self._name(segment.IN_MEMORY)

    def _name(self, source: str, query: str = "", sheet: str = "", heading_row: int = 0) -> None:
        left = dict.fromkeys(name for name, value in self._sample.items() if self.draft[name] == value)
        self._sample = {}
        self.draft.set(**left, segment=source, segment_query=query, sheet=sheet, heading_row=heading_row)

    def upload(self, name: str, content: bytes) -> str:
        """Keep an uploaded file and let the draft name it; errors are those of ``keep_upload``."""
        kept = keep_upload(name, content, self.project)
        self.choose(kept)
        return kept

    def roles(self, *, user_id: str, phone: str, consent: str) -> Loaded | None:
        """Let the draft say which columns these are; the segment looked at again, if one is loaded."""
        self.draft.set(user_id=user_id, phone=phone, consent=consent)
        if self.loaded is None:
            return None
        self.take(self._profiled(self.loaded.name, self.loaded.frame, self.loaded.cache, wish=self._wish))
        return self.loaded

    def missing_roles(self) -> dict[str, str]:
        """Parameters that name a column the segment lacks, and a column that may be meant, or ""."""
        if self.loaded is None:
            return {}
        names = self.loaded.frame.columns
        wanted = {role: self.draft[role] for role in ("phone", "user_id", "consent")}
        like = next(iter(self.loaded.profile.phone_like), "")
        return {
            role: like if role == "phone" else ""
            for role, name in wanted.items()
            if name and name not in names
        }

    def unasked_consent(self) -> Message | None:
        """What to know where marketing asks for no consent while a column of the segment looks like it."""
        if self.loaded is None:
            return None
        return notice_of_consent(
            self.loaded.frame, consent=self.draft["consent"], message_class=self.draft["message_class"]
        )

    def _profiled(
        self,
        name: str,
        frame: pd.DataFrame,
        cache: RuleCache | None = None,
        *,
        wish: int,
        recognised: Mapping[str, str] = MappingProxyType({}),
    ) -> Loaded:
        cache = cache or RuleCache(frame, self._clock())
        phone, user_id = (recognised.get(role, self.draft[role]) for role in ("phone", "user_id"))
        profile = profile_of(frame, cache, phone=phone, user_id=user_id)
        hidden = [phone, *profile.phone_like] if phone in frame.columns else list(profile.phone_like)
        rows = FrameRows(frame, phone=hidden, zone=cache.now.tzinfo)
        return Loaded(name, frame, cache, rows, profile, recognised, wish)

    @property
    def is_current(self) -> bool:
        """Whether the segment that was read is the one the draft names."""
        return self._taken == self._wish

    def current(self) -> Loaded:
        """
        The segment the draft names, read now if it was not yet.

        Raises:
            SegmentError: it cannot be read.
        """
        return self._at_hand() if self.is_current else self.load()

    def _at_hand(self) -> Loaded:
        """What was read last: it stays in use while another is being read, or cannot be."""
        return self.loaded or self.load()

    # -- the rule ----------------------------------------------------------------------

    def counts(self) -> Counts:
        """Count the rule as it stands over the segment."""
        return self.editor.counts(self._at_hand().cache)

    def pictures(self, names: Sequence[str], keep: Mask) -> dict[str, tuple[Picture, list[int]]]:
        """The pictures of those of these columns that have one, and how many rows in *keep* each bar has."""
        loaded = self._at_hand()
        with self._drawing:
            if self._pictures[0] is not loaded.frame:
                self._pictures = loaded.frame, {}
            known, made = self._pictures[1], {}
            for name in names:
                if name not in known and name in loaded.profile.columns:
                    known[name] = picture_of(loaded.frame, loaded.cache, loaded.profile.columns[name])
                if len(keep) == loaded.profile.rows and (found := known.get(name)) is not None:
                    made[name] = found, found.kept(keep)
            return made

    def unread(self, column: str) -> Mask:
        """The rows whose cell of that column is filled and cannot be read; one entry a row."""
        loaded = self._at_hand()
        reading = loaded.profile.columns[column].reading
        return loaded.cache.column(column, "rules").lost(reading or Reading.TEXT)

    def reach(self, keep: Mask) -> Reach | None:
        """
        Whom the campaign would message of the rows in *keep* (one entry a row), as in its plan.

        None while a column that names people or consent is still to be chosen.
        """
        loaded = self._at_hand()
        try:
            return self._reaching.reach(self.draft.spec_so_far(), loaded.frame, keep)
        except SegmentError:
            return None

    def put_rules(self) -> bool:
        """
        Let the draft have the rule.

        Whether it has: while a part is incomplete the draft keeps the last whole one.
        """
        if self._unfinished():
            return False
        self._writing = True
        try:
            self.draft.set(rules=self.editor.to_data())
        finally:
            self._writing = False
        return True

    def _unfinished(self) -> dict[int, RuleError]:
        return self.editor.problems(self.loaded.cache if self.loaded else None)

    def check_rules(self) -> None:
        """
        See that the draft has the rule as it stands here.

        Raises:
            RuleError: a part is incomplete, so that the draft kept an older one.
        """
        for problem in self._unfinished().values():
            raise RuleError("nothing was saved, a rule is not finished: {why}", why=problem.message)

    def as_code(self, kind: str) -> str:
        """
        The rule to be pasted elsewhere: as ``pandas``, ``SQL`` or ``YAML``.

        Raises:
            RuleError: a part is incomplete or does not fit the segment.
        """
        if kind == "SQL":
            return self.sql()
        loaded = self._at_hand()
        if kind == "pandas":
            return to_pandas(self.editor.rule(), loaded.cache, loaded.cache.now)
        data = yaml.safe_dump({"rules": self.editor.to_data()}, allow_unicode=True, sort_keys=False)
        return str(data)

    def sql(self) -> str:
        """
        The rule as the condition of a SQL WHERE.

        Raises:
            RuleError: a part is incomplete or does not fit the segment.
        """
        loaded = self._at_hand()
        return self.editor.rule().to_sql(now=loaded.cache.now, frame=loaded.cache)

    def frame(self) -> pd.DataFrame:
        """
        The rows that are kept, all columns, numbered from 0.

        Raises:
            RuleError: a part of the rule is incomplete or does not fit; nothing is guessed.
        """
        loaded = self._at_hand()
        counts = self.counts()
        for problem in (*self.editor.problems().values(), *counts.problems.values()):
            raise problem
        return loaded.frame[counts.mask].reset_index(drop=True)

    # -- beside others, and on disk ------------------------------------------------------

    def compare(self, other: pd.DataFrame) -> Comparison:
        """
        Compare the rows that are kept with another segment.

        Raises:
            InputError: nothing names people in both.
        """
        return compare(self.frame(), other, user_id=self.draft["user_id"], phone=self.draft["phone"])

    def save_as(self, name: str) -> None:
        """
        Save file, columns and rules as a segment of that name.

        Raises:
            InputError: it cannot be saved; a frame in memory cannot.
        """
        if self.only_in_memory():
            raise InputError("a frame in memory cannot be saved by name; save its rows as a file first")
        self.check_rules()
        save_segment(name, {parameter: self.draft[parameter] for parameter in KEPT}, self.project)

    def saved(self) -> list[str]:
        """The names of the segments that were saved."""
        return saved_segments(self.project)

    def take_saved(self, name: str) -> None:
        """
        Let the draft name a saved segment, with its columns and rules; it is read later.

        Raises:
            InputError: there is none of that name.
        """
        given = read_saved(name, self.project)
        self._sample, self.draft.frame = {}, None
        self.draft.set(**given)

    def save_rows(self, path: str, *, overwrite: bool = False, switch: bool = False) -> str:
        """
        Write the rows that are kept as a segment of their own, with full phones.

        Args:
            switch: Let the draft name that file from now on, without rules: they were applied.

        Raises:
            InputError: it cannot be written.
            RuleError: the rule is not complete.
        """
        saved = write_segment(self.frame(), path, self.project, overwrite=overwrite)
        if switch:
            self._switch(saved)
            self.editor = RuleEditor()
            self.put_rules()
        return saved

    def only_in_memory(self) -> bool:
        """Whether papermill could not read this segment tomorrow."""
        return self.draft.frame is not None
