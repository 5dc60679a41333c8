"""
``Draft``: the parameters of a campaign while a person is still choosing them.

Every panel reads and changes one draft, so that what is clicked in one is seen
in the next, and all of it is written back as the file papermill takes. A draft
may be incomplete; ``spec()`` is the moment it has to be whole.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from smskit.audience import rules
from smskit.errors import InputError, RuleError, SpecError, TemplateError, suggest
from smskit.i18n import Message, os_words
from smskit.message.variables import parse_bindings
from smskit.planning.occurrence import with_occurrence
from smskit.planning.parameter_file import parse, read_file
from smskit.planning.spec import CampaignSpec
from smskit.workspace import PARAMETER_KINDS, Folder, Workspace

__all__ = ["Draft", "ProviderChange"]

# Stand in for what is required and not chosen yet, while the rest is validated.
_MISSING = {"campaign": "not-named-yet", "segment": "not-chosen-yet"}
_OF_ACCOUNT = ("signature", "template_id", "template")  # what an account at a provider has approved
_DEFAULTS = CampaignSpec.from_data(_MISSING).model_dump() | {"campaign": "", "segment": ""}


@dataclass(frozen=True)
class ProviderChange:
    """
    Another provider, and what that meant for the parameters of the account.

    Args:
        before, now: ``provider`` and the parameters of its account, by name.
    """

    before: Mapping[str, str]
    now: Mapping[str, str]

    @property
    def dropped(self) -> tuple[str, ...]:
        """Parameters taken out, until the provider before is chosen again."""
        return tuple(n for n in _OF_ACCOUNT if self.before[n] and not self.now[n])

    @property
    def restored(self) -> tuple[str, ...]:
        """Parameters that are as they were chosen for this provider before."""
        return tuple(n for n in _OF_ACCOUNT if self.now[n] and self.now[n] != self.before[n])

    @property
    def kept(self) -> tuple[str, ...]:
        """Parameters as they were."""
        return tuple(n for n in _OF_ACCOUNT if self.now[n] and self.now[n] == self.before[n])


class Draft:
    """
    Campaign parameters by name, defaults included; changed by ``set`` alone.

    Args:
        data: As a parameter file holds them; may lack what is required.
        frame: A segment that is in memory; ``segment`` then only names it.

    Raises:
        SpecError: a name is unknown or a value out of range.
    """

    def __init__(self, data: Mapping[str, Any] | None = None, *, frame: pd.DataFrame | None = None) -> None:
        self._data: dict[str, Any] = {}
        self._listeners: list[Callable[[frozenset[str]], None]] = []
        self._chosen: dict[str, dict[str, Any]] = {}  # provider -> what was chosen when it was left
        self.frame = frame
        if data:
            self.set(**{str(name): value for name, value in data.items()})

    def __repr__(self) -> str:
        return f"Draft({self['campaign'] or 'not named yet'})"

    def __getitem__(self, name: str) -> Any:
        if name not in _DEFAULTS:
            raise KeyError(name)
        return self._data.get(name, _DEFAULTS[name])

    def set(self, **values: Any) -> None:
        """
        Take these values, all or none, and call the listeners with the names that changed.

        None and a value that equals the default mean: not set. Of ``campaign`` and
        ``segment`` so does "".

        Raises:
            SpecError: an unknown name, or a value out of range; nothing was taken.
        """
        unknown = [name for name in values if name not in _DEFAULTS]
        if unknown:
            what = Message("unknown parameter `{name}`", name=unknown[0])
            raise SpecError(suggest(what, unknown[0], _DEFAULTS))
        joined = (self._data | values).items()
        wanted = {n: v for n, v in joined if v is not None and not (n in _MISSING and v == "")}
        whole = _validated(_MISSING | wanted)
        kept = {n: v for n, v in whole.to_data().items() if n in wanted}
        if "campaign" in kept:
            kept["campaign"] = wanted["campaign"]  # `weekly-vip-{week}` stays a repeating campaign
        changed = frozenset(n for n in {*kept, *self._data} if kept.get(n) != self._data.get(n))
        self._data = kept
        if changed:
            for listener in list(self._listeners):
                listener(changed)

    def change_provider(self, name: str) -> ProviderChange:
        """
        Take another provider, with what was chosen for it before in this draft.

        A template's id, and the text that came with it, belong to the account at the provider
        that is left: they go, and come back when it is chosen again. A signature, and a text
        without an id, are one's own: they stay, unless another was chosen for that provider.
        """
        before = {n: self[n] for n in ("provider", *_OF_ACCOUNT, "variables")}
        if name != before["provider"]:
            self._chosen[before["provider"]] = before
            self.set(provider=name, **_with_provider(before, self._chosen.get(name, {})))
        return ProviderChange(before, {n: self[n] for n in before})

    def replace(self, other: Draft) -> None:
        """Take over what *other* holds, instead of everything chosen so far."""
        given = other.to_data()
        self.set(**(dict.fromkeys(set(self.to_data()) - set(given)) | given))

    @property
    def columns(self) -> frozenset[str]:
        """The columns of the segment that are named so far, as they are spelt here."""
        named = {self["phone"], self["user_id"], self["consent"], *self["keep"]}
        with suppress(TemplateError):  # which is told where variables are
            named |= {each.column or "" for each in parse_bindings(self["variables"]).values()}
        with suppress(RuleError):
            named |= rules.parse(self["rules"]).columns()
        return frozenset(named - {""})

    def on_change(self, listener: Callable[[frozenset[str]], None]) -> None:
        """Call *listener* with the names that changed, after each change."""
        self._listeners.append(listener)

    def spec(self) -> CampaignSpec:
        """
        The campaign as it stands; of a repeating one, this moment's occurrence.

        Raises:
            SpecError: something required is missing.
        """
        return _validated(self._data)

    def spec_so_far(self) -> CampaignSpec:
        """The same with something in place of what is missing, to look at what is chosen; not to be sent."""
        return _validated(_MISSING | self._data)

    @property
    def campaign(self) -> str:
        """The campaign's id, of a repeating one this moment's occurrence; "" while it has none."""
        named = {"campaign": self["campaign"], "timezone": self["timezone"]}
        return str(with_occurrence(named, now=datetime.now(UTC))["campaign"])

    # -- as a file ---------------------------------------------------------------------

    def to_data(self) -> dict[str, Any]:
        """What was chosen, as plain data; defaults are left out."""
        return dict(self._data)

    def to_yaml(self) -> str:
        """The text of the parameter file papermill takes with ``-f``; holds no numbers, see ``save``."""
        shown = self._data
        # As they are written: an occurrence is filled in when the file is run.
        written = {"campaign": shown.get("campaign", _MISSING["campaign"]), "series": shown.get("series", "")}
        whole = _validated(_MISSING | shown).model_copy(update=written).to_yaml()
        # What stands in for a missing name is nothing to save.
        lines = whole.splitlines(keepends=True)
        return "".join(x for x in lines if x.strip() not in {f"{n}: {v}" for n, v in _MISSING.items()})

    def save(self, path: str | Path) -> Path:
        """
        Write the parameter file; returns where it lies. A relative path is one from the project's root;
        where a person may write, see ``workspace``.

        What is still missing can be chosen in the next notebook; papermill, which
        nobody can ask, refuses the file until then (see ``missing``). Test phones
        given as numbers stay out of it: full numbers go into no file but the ledger.

        Raises:
            InputError: the file cannot be written, or not there.
        """
        place = Workspace.here().to_write(path, Folder.PARAMETERS, PARAMETER_KINDS)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(self._as_text(place.suffix.lower()), encoding="utf-8")
        except OSError as error:
            raise InputError(
                "cannot write parameter file {file}: {why}", file=path, why=os_words(error)
            ) from None
        return place

    def _as_text(self, ending: str) -> str:
        text = self.to_yaml() or "{}\n"
        if ending != ".json":
            return text
        return json.dumps(parse(text, file=""), ensure_ascii=False, indent=2, default=str) + "\n"

    @property
    def missing(self) -> tuple[str, ...]:
        """What has to be chosen before this can be run."""
        return tuple(name for name in _MISSING if not self[name])

    @classmethod
    def read(cls, path: str | Path) -> Draft:
        """
        The draft a parameter file holds, whole or not.

        Raises:
            SpecError: it cannot be read or holds something unknown.
            InputError: the app reads none there.
        """
        return cls(read_file(Workspace.here().to_read(path, Folder.PARAMETERS)))


def _with_provider(left: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters that change with the provider: *left* is what there is, *chosen* what it had before."""
    values: dict[str, Any] = {}
    if left["template_id"]:
        values |= {"template_id": None, "template": None}
    if chosen.get("signature"):
        values["signature"] = chosen["signature"]
    if chosen.get("template_id") or (chosen.get("template") and left["template_id"]):
        # Who bound a variable anew meanwhile meant the newer binding.
        newer = {name: given for name, given in left["variables"].items() if name in chosen["variables"]}
        values |= {"template_id": chosen["template_id"], "template": chosen["template"]}
        values["variables"] = chosen["variables"] | newer
    return values


def _validated(data: Mapping[str, Any]) -> CampaignSpec:
    return CampaignSpec.from_data(with_occurrence(data, now=datetime.now(UTC)))
