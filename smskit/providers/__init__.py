"""
Provider name -> class. Built-in and third-party providers register the same way:
an entry point in the group ``smskit.providers``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points
from typing import Any

import httpx

from smskit.errors import SpecError, nearest
from smskit.providers.base import Call, Feature, Job, Limits, Provider
from smskit.settings import Environment

GROUP = "smskit.providers"

__all__ = ["Call", "Feature", "Job", "Limits", "Provider", "get_provider", "provider_class", "provider_names"]


def provider_names() -> list[str]:
    """All registered names, sorted; nothing is imported."""
    return sorted({point.name for point in entry_points(group=GROUP)})


@cache
def provider_class(name: str) -> type[Provider]:
    """
    The class registered under *name*; imports only that provider's module.

    Raises:
        SpecError: no such provider; names the nearest and all known ones.
    """
    for point in entry_points(group=GROUP, name=name):
        loaded = point.load()
        if not (isinstance(loaded, type) and issubclass(loaded, Provider)):
            raise SpecError(f"the plug-in registered as provider `{name}` is not a smskit Provider class")
        return loaded
    known = provider_names()
    raise SpecError(f"unknown provider `{name}`{nearest(name, known)} (known: {', '.join(known)})")


def get_provider(
    name: str,
    environment: Environment,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Callable[[], float] = time.time,
    **override: Any,
) -> Provider:
    """
    A provider set up from *environment*; keyword arguments replace single settings.

    Args:
        clock: Epoch seconds; whose time it is to go by.

    Raises:
        SettingsError: a credential is missing; names the variable.
    """
    cls = provider_class(name)
    provider = cls(environment.provider(name, cls.Settings, **override), transport=transport)
    provider.clock = clock
    return provider
