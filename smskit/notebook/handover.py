"""
Which campaign another notebook is to open with: asked for by a click in 00 or 04, taken by 03, 04 or 05 once.

In a lab it is a small file of the person's own, since the two notebooks are two processes; in the app it is
in the page's address, and `smskit app` hands it to the page's kernel.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, urlencode

from smskit.allowed import config_folder
from smskit.errors import InputError, SpecError
from smskit.files import write_private
from smskit.ledger import CampaignRow
from smskit.models import Mode
from smskit.settings import OPEN_WITH
from smskit.settings.places import project_root, start_folder

__all__ = [
    "EFFECT",
    "SEND",
    "TRACK",
    "Wanted",
    "asked_for",
    "demand_mode",
    "hand_over",
    "in_address",
    "taken",
]

# The notebooks that can be opened so.
SEND, TRACK, EFFECT = "03_send_campaign.ipynb", "04_track_delivery.ipynb", "05_measure_effect.ipynb"
_FILE: Final = "open_with.json"
_GOOD_FOR_S: Final = 600.0
_LONGEST: Final = 120  # characters of a campaign's id, as in the ledger


class Wanted(NamedTuple):
    """The campaign to open."""

    campaign: str
    mode: Mode

    @classmethod
    def of(cls, row: CampaignRow) -> Wanted:
        """That of the ledger."""
        return cls(row.name, row.mode)

    @property
    def query(self) -> str:
        """The same as the query of an address."""
        return urlencode(self._asdict())


def hand_over(wanted: Wanted, notebook: str) -> None:
    """Let *notebook* (its file's name) of this project open with that campaign, if it is run soon."""
    note = wanted._asdict() | {"notebook": notebook, "project": _project(), "at": time.time()}
    with suppress(InputError):  # it opens without, and lists what is unfinished
        write_private(config_folder() / _FILE, json.dumps(note))


def taken(notebook: str) -> Wanted | None:
    """What *notebook* was asked to open with, None where nobody asked; asked for once."""
    if given := os.environ.get(OPEN_WITH):
        return in_address(given)
    file = config_folder() / _FILE
    try:
        found = json.loads(file.read_text("utf-8"))
        if (found["notebook"], found["project"]) != (notebook, _project()):
            return None
        file.unlink()
        fresh = time.time() - float(found["at"]) < _GOOD_FOR_S
        return Wanted(str(found["campaign"]), Mode(found["mode"])) if fresh else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def asked_for(values: Mapping[str, Any], notebook: str, *, is_person: bool) -> tuple[str, str]:
    """
    The campaign and the mode that parameters name, else those *notebook* was asked to open with; "" = any.

    Raises:
        SpecError: there is no such mode.
    """
    campaign, mode = str(values.get("campaign") or ""), str(values.get("mode") or "")
    demand_mode(mode)
    if not (campaign or mode) and is_person and (wanted := taken(notebook)) is not None:
        return wanted.campaign, str(wanted.mode)
    return campaign, mode


def demand_mode(mode: str) -> None:
    """
    Raises:
        SpecError: there is no such mode; "" is none.
    """
    if mode and mode not in list(Mode):
        raise SpecError("mode must be one of {modes}, not `{name}`", modes=", ".join(Mode), name=mode)


def in_address(query: str) -> Wanted | None:
    """What a query asks for; None where it is nothing that could be a campaign."""
    given = parse_qs(query)
    name, mode = (given.get(key, [""])[0] for key in ("campaign", "mode"))
    return Wanted(name, Mode(mode)) if 0 < len(name) <= _LONGEST and mode in list(Mode) else None


def _project() -> str:
    here = start_folder()
    return str(project_root(here) or here)
