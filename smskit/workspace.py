"""
What a person may do: all in a lab, where people run code anyway; in the app, what its operator lets them.

The one policy of it: whoever reads or writes a file of a name that a person typed asks here first, and
whoever changes or sends something. ``smskit app`` sets ``SMSKIT_APP_WORKSPACE`` and ``SMSKIT_APP_MAY`` for
its kernels. Leaves to others what is in a file, and who may read it.
"""

from __future__ import annotations

import enum
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from smskit.errors import GuardRefused, InputError, SegmentError, SettingsError
from smskit.i18n import Message, os_words
from smskit.models import Mode
from smskit.settings import APP_MAY, PACKAGE, Environment
from smskit.settings.places import APP_WORKSPACE, project_root, start_folder

__all__ = ["PARAMETER_KINDS", "Folder", "May", "Workspace", "may_send_in"]

PARAMETER_KINDS: Final = (".yaml", ".yml", ".json")
_WRITTEN: Final = ".written-by-smskit"  # names, one a line, of what may be replaced in its folder
_NAME: Final = re.compile(r"[\w()+-][\w()+ .-]*")
_LONGEST: Final = 200  # bytes of a name; systems take 255, and a partial file's is longer
_SAMPLES: Final = "sample_segments"


class Folder(enum.StrEnum):
    """The app's folders in its workspace, one for each kind of file."""

    PARAMETERS = "parameters"
    EXPORTS = "exports"
    SEGMENTS = "segments"


class May(enum.StrEnum):
    """What a visitor of the app may do, each also what those before it may."""

    LOOK = "look"  # see figures, and people by masked phones
    PLAN = "plan"  # choose people and texts, keep files, see full phones, rehearse
    SEND = "send"  # message real people, approve that, and decide what cannot be taken back

    def includes(self, other: May) -> bool:
        """Whether who may do this may do *other*."""
        return list(May).index(self) >= list(May).index(other)


def may_send_in(mode: Mode) -> May:
    """What it takes to send, go on with or stop a campaign of that mode."""
    return May.SEND if mode is Mode.LIVE else May.PLAN


# What a visitor who may do less than everything is told.
_LIMITS: Final = {
    May.LOOK: Message(
        "You may look at everything here. Saving, rehearsing and sending are for others; whoever runs this "
        "app can let you."
    ),
    May.PLAN: Message(
        "You may plan and rehearse here. Sending to real people, approving and deciding about opt-outs are "
        "for others; whoever runs this app can let you."
    ),
}


@dataclass(frozen=True)
class Workspace:
    """
    Args:
        folder: Where relative paths start.
        locked: For visitors of the app: names only, in `Folder`, never over what smskit did not write.
        may: What the visitor may do.
    """

    folder: Path
    locked: bool = False
    may: May = May.SEND

    @classmethod
    def here(cls) -> Workspace:
        """The one of this process."""
        here = start_folder()
        locked = bool(os.environ.get(APP_WORKSPACE))
        may = May(os.environ.get(APP_MAY) or May.SEND) if locked else May.SEND
        return cls(here if locked else project_root(here) or here, locked, may)

    def of(self, folder: Path) -> Workspace:
        """The same for the same person, where relative paths start in another folder."""
        return replace(self, folder=folder)

    # -- what ----------------------------------------------------------------------------

    @property
    def may_plan(self) -> bool:
        """Whether a person may keep and change anything."""
        return self.may.includes(May.PLAN)

    @property
    def may_send(self) -> bool:
        """Whether a person may message real people."""
        return self.may.includes(May.SEND)

    @property
    def limit(self) -> Message | None:
        """What a person may not do, in words; None = there is nothing."""
        return _LIMITS.get(self.may)

    def demand(self, wanted: May) -> None:
        """
        Raises:
            GuardRefused: in the app, its operator does not let this visitor.
        """
        limit = self.limit
        if limit is not None and not self.may.includes(wanted):
            raise GuardRefused(limit)

    def demand_mode(self, mode: Mode) -> None:
        """
        Ask whether a campaign may be sent in *mode*.

        Raises:
            GuardRefused: in the app, its operator does not let this visitor.
        """
        self.demand(may_send_in(mode))

    # -- which -------------------------------------------------------------------------

    def home(self, kind: Folder, lab: Path) -> Path:
        """Where files of a kind go unless a person says otherwise; *lab* is where they do in a lab."""
        return self.folder / kind if self.locked else lab

    def to_write(self, path: str | Path, kind: Folder, endings: tuple[str, ...]) -> Path:
        """
        Where a file that a person named *path* is written.

        Raises:
            InputError: another ending; in the app also another folder, or a file that smskit did not write.
            GuardRefused: in the app, the visitor may look alone.
        """
        self.demand(May.PLAN)
        wanted = self._typed(path)
        if wanted.suffix.lower() not in endings:
            known = ", ".join(endings)
            raise InputError("{file}: its name has to end in {endings}", file=path, endings=known)
        if not self.locked:
            return wanted if wanted.is_absolute() or wanted.exists() else self.folder / wanted
        return self._own(self._named(wanted, kind))

    def to_read(self, path: str | Path, kind: Folder) -> Path:
        """
        Where the file is that a person named *path*.

        Raises:
            InputError: in the app, it names another folder.
        """
        wanted = self._typed(path)
        if not self.locked:
            return wanted if wanted.is_absolute() or wanted.exists() else self.folder / wanted
        return self._named(wanted, kind)

    def demand_segment_file(self, path: str | Path, *, inside: bool = False) -> None:
        """
        Args:
            inside: It may be such a folder itself, or anywhere in one, as files of a folder are.

        Raises:
            SegmentError: in the app, it is no file of the folder for segments and no sample.
        """
        if not self.locked:
            return
        place = (self.folder / path).resolve()
        samples = [base / _SAMPLES for base in (self.folder, PACKAGE.parent, PACKAGE / "_project")]
        allowed = [f.resolve() for f in (self.folder / Folder.SEGMENTS, *samples)]
        if not (any(map(place.is_relative_to, allowed)) if inside else place.parent in allowed):
            raise SegmentError(
                "the app reads segments from its folder {folder}/ alone", folder=Folder.SEGMENTS
            )

    # -- what else ---------------------------------------------------------------------

    @property
    def may_query(self) -> bool:
        """Whether a person may type a database's URL and a query."""
        return not self.locked or Environment().get("SMSKIT_APP_QUERIES") == "allow"

    def demand_query(self) -> None:
        """
        Raises:
            SegmentError: in the app, unless its operator allows it.
        """
        if not self.may_query:
            raise SegmentError("the app reads files alone; databases and queries are for whoever runs it")

    @property
    def may_set_up(self) -> bool:
        """Whether a person may change credentials and addresses."""
        edits = Environment().get("SMSKIT_APP_CREDENTIALS") == "edit" and self.may_send
        return edits or not self.locked

    def demand_set_up(self) -> None:
        """
        Raises:
            SettingsError: in the app, unless its operator allows it.
        """
        if not self.may_set_up:
            raise SettingsError("credentials and addresses are set by whoever runs this app")

    # -- inside ------------------------------------------------------------------------

    def _typed(self, path: str | Path) -> Path:
        return Path(path) if self.locked else Path(path).expanduser()

    def _named(self, wanted: Path, kind: Folder) -> Path:
        home = self.folder / kind
        named = _NAME.fullmatch(wanted.name) and len(wanted.name.encode()) <= _LONGEST
        if wanted.parent not in (Path(), Path(kind), home) or not named:
            raise InputError(
                "{file}: give a name without folders; in the app it is one of {folder}/",
                file=wanted,
                folder=kind,
            )
        place = home / wanted.name
        if place.is_symlink():
            raise InputError("{file} is a link, which the app does not follow", file=wanted.name)
        return place

    def _own(self, place: Path) -> Path:
        """*place*, noted as written here, so that it may be replaced later."""
        notes = place.parent / _WRITTEN
        try:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            ours = notes.read_text("utf-8").splitlines() if notes.exists() else []
            if place.name not in ours and place.exists():
                raise InputError(
                    "{file} is there already and was not written by the app; choose another name",
                    file=place.name,
                )
            ignore = place.parent / ".gitignore"
            if place.parent.name == Folder.EXPORTS and not ignore.exists():
                ignore.write_text("*\n", encoding="utf-8")
            if place.name not in ours:
                with os.fdopen(os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as file:
                    file.write(f"{place.name}\n")
        except OSError as error:
            raise InputError("cannot write {file}: {why}", file=place.name, why=os_words(error)) from None
        return place
