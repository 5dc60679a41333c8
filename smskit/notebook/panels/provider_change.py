"""What choosing another provider did to signature and template, in words; panels 01 and 03 say it alike."""

from __future__ import annotations

from smskit.i18n import Language, mark
from smskit.planning.draft import Moved
from smskit.providers import provider_class

__all__ = ["what_moved"]


def what_moved(moved: Moved, t: Language) -> str:
    """A line each for what went, came back and stayed; "" when there is nothing to say."""
    left, now = provider_class(moved.left).title, provider_class(moved.now).title
    lines = [
        (moved.gone, t(_GONE, names=_names(moved.gone), provider=left)),
        (moved.back, t(_BACK, names=_names(moved.back), provider=now)),
        (moved.kept, t(_KEPT, names=_names(moved.kept), provider=now)),
    ]
    return "\n".join(line for names, line in lines if names)


_GONE = mark("Taken out: {names}. It belongs to the account at {provider} and comes back with it.")
_BACK = mark("As chosen for {provider} before: {names}.")
_KEPT = mark("Kept: {names}. {provider} has to have approved it too; its check says whether it has.")


def _names(parameters: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in parameters)
