"""
The notebooks by one call each: ``smskit.start()``, ``connect``, ``explore``, ``send``, ``track``,
``effect``.

Parameters come as keywords; without any, those of the notebook's own parameters cell are read. What the
notebooks in ``notebooks/`` call, ``open_...(globals())``, is the same with the variables handed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smskit.notebook.connect import ConnectNotebook, open_connect
from smskit.notebook.effect import EffectNotebook, check_parameters, open_effect
from smskit.notebook.explore import ExploreNotebook, open_explore
from smskit.notebook.host import shell_here
from smskit.notebook.send import Notebook, open_notebook
from smskit.notebook.start import StartNotebook, open_start
from smskit.notebook.track import TrackNotebook, open_track
from smskit.planning.spec import check_names

__all__ = ["connect", "effect", "explore", "send", "start", "track"]


def start(**parameters: Any) -> StartNotebook:
    """
    Notebook 00: all campaigns with their rates and cost, what is unfinished, providers, what runs next.

    >>> import smskit
    >>> notebook = smskit.start()
    >>> len(notebook.campaigns().frame)  # one row each, newest live one first
    0

    Args:
        parameters: ``series``, the repeating campaign to show over its occurrences. None given: those of this
            notebook's own parameters cell, else the newest one.

    Raises:
        SpecError: a parameter is unknown or out of range.
    """
    return open_start(_namespace(parameters), panel_below=False)


def connect(**parameters: Any) -> ConnectNotebook:
    """
    Notebook 01: set up a provider's account, check it, see its signatures and templates.

    >>> import smskit
    >>> notebook = smskit.connect(provider="aliyun")
    >>> notebook
    ConnectNotebook(Draft(not named yet))

    Args:
        parameters: Of a campaign, as in a parameter file; ``provider`` is the one that counts here.
            None given: those of this notebook's own parameters cell.

    Raises:
        SpecError: a parameter is unknown or out of range.
    """
    return open_connect(_namespace(parameters), panel_below=False)


def explore(**parameters: Any) -> ExploreNotebook:
    """
    Notebook 02: read a segment, look at its columns, filter it by rules, save it.

    >>> import smskit
    >>> notebook = smskit.explore(segment="sample_segments/clean.csv")
    >>> kept = notebook.frame()
    >>> len(kept)
    200

    Args:
        parameters: Of a campaign, as in a parameter file; ``segment`` and ``rules`` count here.
            None given: those of this notebook's own parameters cell, else a sample segment.

    Raises:
        SpecError: a parameter is unknown or out of range.
    """
    return open_explore(_namespace(parameters), panel_below=False)


def send(**parameters: Any) -> Notebook:
    """
    Notebook 03: plan, preview, check, test, send and follow one campaign. Opening it sends nothing.

    Where a person sits, a live campaign leaves by a click in its panel or by
    ``send(confirm=PLAN_HASH)`` of what this returns; see `open_campaign` for programs.

    >>> import smskit
    >>> notebook = smskit.send(campaign="hello-1", segment="sample_segments/clean.csv",
    ...                        signature="GrowingIO", template="你好{name}，拒收请回复R",
    ...                        variables={"name": "name"})
    >>> notebook.campaign.plan().planned
    200

    Args:
        parameters: Of a campaign, as in a parameter file. None given: those of this notebook's own
            parameters cell, else a rehearsal of a sample segment.

    Raises:
        SpecError: a parameter is unknown, missing or out of range; nothing was read or sent.
    """
    return open_notebook(_namespace(parameters), panel_below=False)


def track(**parameters: Any) -> TrackNotebook:
    """
    Notebook 04: what became of a campaign: counts, failures by reason, people, receipts, unknowns.

    >>> import smskit
    >>> smskit.track()  # the newest campaign of the ledger, once there is one
    TrackNotebook(Draft(not named yet))

    Args:
        parameters: ``campaign``, its id, and ``mode``. None given: those of this notebook's own parameters
            cell, else the newest live campaign, else the newest.

    Raises:
        SpecError: a parameter is unknown or out of range.
        LedgerError: there is no campaign of that name.
    """
    return open_track(_namespace(parameters), panel_below=False)


def effect(**parameters: Any) -> EffectNotebook:
    """
    Notebook 05: what a campaign brought, against its holdout: arms, effects, over time, by segment.

    >>> import smskit
    >>> smskit.effect()  # the newest campaign with a holdout, once there is one
    EffectNotebook(no campaign)

    Args:
        parameters: ``campaign``, ``mode``, ``outcomes`` and the other options of ``smskit measure``, as
            `measure` takes them. None given: those of this notebook's own parameters cell.

    Raises:
        SpecError: a parameter is unknown or out of range.
        LedgerError: there is no campaign of that name.
    """
    given = check_parameters(parameters)
    return open_effect(given or _namespace({}), panel_below=False)


def _namespace(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """*parameters* by themselves; where there are none, the variables of the notebook that runs."""
    if parameters:
        return check_names(parameters)
    shell = shell_here()
    return shell.user_ns if shell is not None else {}
