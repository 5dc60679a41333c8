"""
Provider name -> class. Built-in and third-party providers register the same way:
an entry point in the group ``smskit.providers``.

>>> import smskit
>>> smskit.providers.provider_names()
['aliyun', 'chuanglan', 'http', 'tencent', 'yunpian']
>>> smskit.providers.provider_class("aliyun").title
'Aliyun 阿里云'
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from smskit.errors import SpecError, suggest
from smskit.i18n import Message
from smskit.providers.base import Feature, Provider
from smskit.providers.calls import Call, Job, Limits
from smskit.settings import Environment

if TYPE_CHECKING:
    import httpx

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
            raise SpecError(
                "the plug-in registered as provider `{name}` is not a smskit Provider class", name=name
            )
        return loaded
    known = provider_names()
    why = suggest(Message("unknown provider `{name}`", name=name), name, known)
    raise SpecError("{why} (known: {names})", why=why, names=", ".join(known))


def get_provider(
    name: str,
    environment: Environment | None = None,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    clock: Callable[[], float] = time.time,
    **override: Any,
) -> Provider:
    """
    The client of provider *name*, set up from *environment*; its methods are coroutines.

    >>> import smskit
    >>> yunpian = smskit.get_provider("yunpian", api_key="0123456789abcdef", timeout_s=3)
    >>> yunpian.name, yunpian.limits.different, yunpian.settings.timeout_s
    ('yunpian', 1, 3.0)

    ``async with yunpian: result = await yunpian.check()`` asks whether the account is usable and sends
    nothing.

    Args:
        name: As registered; `providers.provider_names` lists them.
        environment: Where settings come from; None = the process's environment, ``.env`` and keyring.
        transport: Stands in for the network, as in tests; an httpx transport.
        clock: Epoch seconds; whose time it is to go by.
        override: Single settings of the provider, which replace those of the environment.

    Raises:
        SpecError: no such provider; names the nearest and all known ones.
        SettingsError: a credential is missing or a setting out of range; names the variable, never the value.
    """
    cls = provider_class(name)
    settings = (environment or Environment()).provider(name, cls.Settings, **override)
    provider = cls(settings, transport=transport)
    provider.clock = clock
    return provider
