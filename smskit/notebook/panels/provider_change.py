"""What choosing another provider did to signature and template, in words; panels 01 and 03 say it alike."""

from __future__ import annotations

from smskit.i18n import Language, mark
from smskit.planning.draft import ProviderChange
from smskit.providers import provider_class

__all__ = ["what_moved"]


def what_moved(change: ProviderChange, t: Language) -> str:
    """A line each for what was dropped, restored and kept; "" when there is nothing to say."""
    before, now = (provider_class(side["provider"]).title for side in (change.before, change.now))
    lines = [
        (change.dropped, t(_DROPPED, names=_names(change.dropped), provider=before)),
        (change.restored, t(_RESTORED, names=_names(change.restored), provider=now)),
        (change.kept, t(_KEPT, names=_names(change.kept), provider=now)),
    ]
    same = change.before["provider"] == change.now["provider"]
    return "" if same else "\n".join(line for names, line in lines if names)


_DROPPED = mark("Taken out: {names}. It belongs to the account at {provider} and comes back with it.")
_RESTORED = mark("As chosen for {provider} before: {names}.")
_KEPT = mark("Kept: {names}. {provider} has to have approved it too; its check says whether it has.")


def _names(parameters: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in parameters)
