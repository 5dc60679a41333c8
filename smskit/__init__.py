"""
Send SMS campaigns to user segments through Chinese SMS providers, and account for every message.

    spec = smskit.CampaignSpec.from_yaml("campaign.yaml")
    campaign = smskit.open_campaign(spec)
    campaign.plan()      # who gets what, who does not and why, what it costs
    campaign.check()     # is the provider usable as set up
    campaign.send()      # once to everybody, however often it is called

Names are loaded when they are first used, so importing smskit costs little.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smskit.errors import SmskitError
    from smskit.ledger import Ledger
    from smskit.message.template import Template
    from smskit.models import Mode, Reason, State
    from smskit.notebook import Notebook, open_connect, open_explore, open_notebook, open_track
    from smskit.planning.draft import Draft
    from smskit.planning.plan import Plan
    from smskit.planning.spec import CampaignSpec
    from smskit.sending.campaign import Campaign, Outcome
    from smskit.sending.session import open_campaign, open_ledger
    from smskit.settings import Environment

__version__ = "0.2.0"  # the only place; pyproject.toml reads it here

_HOME = {
    "Campaign": "sending.campaign",
    "CampaignSpec": "planning.spec",
    "Draft": "planning.draft",
    "Environment": "settings",
    "Ledger": "ledger",
    "Mode": "models",
    "Notebook": "notebook",
    "Outcome": "sending.campaign",
    "Plan": "planning.plan",
    "Reason": "models",
    "SmskitError": "errors",
    "State": "models",
    "Template": "message.template",
    "open_campaign": "sending.session",
    "open_connect": "notebook",
    "open_explore": "notebook",
    "open_ledger": "sending.session",
    "open_notebook": "notebook",
    "open_track": "notebook",
}

__all__ = [
    "Campaign",
    "CampaignSpec",
    "Draft",
    "Environment",
    "Ledger",
    "Mode",
    "Notebook",
    "Outcome",
    "Plan",
    "Reason",
    "SmskitError",
    "State",
    "Template",
    "__version__",
    "open_campaign",
    "open_connect",
    "open_explore",
    "open_ledger",
    "open_notebook",
    "open_track",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'smskit' has no attribute {name!r}")
    value = getattr(import_module(f"smskit.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
