"""
Send SMS campaigns to user segments through Chinese SMS providers, and account for every message.

    campaign = smskit.open_campaign("campaign.yaml")
    campaign.plan()      # who gets what, who does not and why, what it costs
    campaign.check()     # is the provider usable as set up
    campaign.send()      # once to everybody, however often it is called
    campaign.messages()  # one row per person: what was sent, and what became of it

Three groups of names:

* a campaign: `open_campaign`, `Campaign`, `CampaignSpec`, `Plan`, `Template`, `Mode`, `State`,
  `open_ledger`, `Ledger`; what it brought: `measure`;
* segments as frames: `read_segment`, `filter_segment`, `normalise_phones`;
* the notebooks, one call each: `start`, `connect`, `explore`, `send`, `track`, `effect`.

`get_provider` and `simulate` give a provider's client and a simulated provider; every error is a
`SmskitError` of `smskit.errors`. Names are loaded when they are first used, so importing smskit
costs little.
"""

from __future__ import annotations

import gc
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smskit import errors, providers
    from smskit.audience.frames import filter_segment, normalise_phones, read_segment
    from smskit.errors import CampaignPaused, GuardRefused, SmskitError
    from smskit.ledger import Ledger
    from smskit.ledger.opening import open_ledger
    from smskit.measuring.measure import measure
    from smskit.message.template import Template
    from smskit.models import Mode, State
    from smskit.models import Reason as Reason
    from smskit.notebook import Notebook as Notebook
    from smskit.notebook import open_connect as open_connect
    from smskit.notebook import open_effect as open_effect
    from smskit.notebook import open_explore as open_explore
    from smskit.notebook import open_notebook as open_notebook
    from smskit.notebook import open_start as open_start
    from smskit.notebook import open_track as open_track
    from smskit.notebook.opening import connect, effect, explore, send, start, track
    from smskit.planning.draft import Draft as Draft
    from smskit.planning.plan import Plan
    from smskit.planning.spec import CampaignSpec
    from smskit.providers import get_provider
    from smskit.sending.campaign import Campaign
    from smskit.sending.campaign import Outcome as Outcome
    from smskit.sending.rehearsal import simulate
    from smskit.sending.session import open_campaign
    from smskit.settings import Environment as Environment

__version__ = "0.2.0"  # the only place; pyproject.toml reads it here

# Name -> the module that has it, or is it. The first group is what a person looks for.
_HOME = {
    "Campaign": "sending.campaign",
    "CampaignPaused": "errors",
    "CampaignSpec": "planning.spec",
    "GuardRefused": "errors",
    "Ledger": "ledger",
    "Mode": "models",
    "Plan": "planning.plan",
    "SmskitError": "errors",
    "State": "models",
    "Template": "message.template",
    "connect": "notebook.opening",
    "effect": "notebook.opening",
    "errors": "errors",
    "explore": "notebook.opening",
    "filter_segment": "audience.frames",
    "get_provider": "providers",
    "measure": "measuring.measure",
    "normalise_phones": "audience.frames",
    "open_campaign": "sending.session",
    "open_ledger": "ledger.opening",
    "providers": "providers",
    "read_segment": "audience.frames",
    "send": "notebook.opening",
    "simulate": "sending.rehearsal",
    "start": "notebook.opening",
    "track": "notebook.opening",
}
_MODULES = ("errors", "providers")
# What notebooks and programs call by name, and nobody looks for by TAB.
_ALSO = {
    "Draft": "planning.draft",
    "Environment": "settings",
    "Notebook": "notebook",
    "Outcome": "sending.campaign",
    "Reason": "models",
    "open_connect": "notebook",
    "open_effect": "notebook",
    "open_explore": "notebook",
    "open_notebook": "notebook",
    "open_start": "notebook",
    "open_track": "notebook",
}

__all__ = [
    "Campaign",
    "CampaignPaused",
    "CampaignSpec",
    "GuardRefused",
    "Ledger",
    "Mode",
    "Plan",
    "SmskitError",
    "State",
    "Template",
    "__version__",
    "connect",
    "effect",
    "errors",
    "explore",
    "filter_segment",
    "get_provider",
    "measure",
    "normalise_phones",
    "open_campaign",
    "open_ledger",
    "providers",
    "read_segment",
    "send",
    "simulate",
    "start",
    "track",
]


def __getattr__(name: str) -> Any:
    home = (_HOME | _ALSO).get(name)
    if home is None:
        raise AttributeError(f"module 'smskit' has no attribute {name!r}")
    collecting = gc.isenabled()
    gc.disable()  # searching all that is imported again and again takes a fifth of the time and finds nothing
    try:
        module = import_module(f"smskit.{home}")
    finally:
        if collecting:
            gc.freeze()  # and straight to the oldest, or the next search would begin with all of it
            gc.unfreeze()
            gc.enable()
    value = module if name in _MODULES else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
