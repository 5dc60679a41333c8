"""The way to a provider: what it declares, known without an account, and a client for a mode."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TypeVar

from smskit.i18n import Message
from smskit.message.opt_out import OptOutRule
from smskit.message.windows import MarketingLimits
from smskit.models import Mode
from smskit.providers.base import Feature, Provider
from smskit.providers.calls import Job, Limits
from smskit.sending.threads import run_in_thread

__all__ = ["Connect", "ProviderAccess", "ProviderFacts", "ask"]

T = TypeVar("T")

# mode, what is sent -> a provider for it: the real one, or one that talks to a rehearsal.
Connect = Callable[[Mode, Job | None], AbstractContextManager[Provider]]


@dataclass(frozen=True)
class ProviderFacts:
    """
    What a provider declares, whether or not there is an account.

    Args:
        limits: What it can carry.
        opt_out: What it states about the opt-out wording.
        marketing: What it states about the hours of marketing.
        in_clear: What a plan says where requests go over the network unencrypted.
        reports: Whether it hands out receipts; without them there is no canary.
    """

    limits: Limits
    opt_out: OptOutRule = field(default_factory=OptOutRule)
    marketing: MarketingLimits = field(default_factory=MarketingLimits)
    reports: bool = True
    in_clear: tuple[Message, ...] = ()

    @classmethod
    def of(cls, provider: Provider) -> ProviderFacts:
        """What *provider* declares under its settings."""
        receipts = {Feature.RECEIPTS, Feature.RECEIPTS_BY_QUERY}
        reports = bool(provider.features & receipts) or provider.acknowledges is not None
        return cls(provider.limits, provider.opt_out, provider.marketing, reports, provider.in_clear)


@dataclass(frozen=True)
class ProviderAccess:
    """What a provider declares, how to get a client of it, and what other providers of `fits` declare."""

    facts: ProviderFacts
    connect: Connect
    others: Callable[[], tuple[ProviderFacts, ...]] = tuple  # asked for plans alone

    def ask(self, mode: Mode, job: Job | None, question: Callable[[Provider], Awaitable[T]]) -> T:
        """
        The answer to one question; blocks until it is there.

        Raises:
            SettingsError: the account is not set up.
            ProviderError: it could not be asked.
        """
        with self.connect(mode, job) as provider:
            return ask(provider, question)


def ask(provider: Provider, question: Callable[[Provider], Awaitable[T]]) -> T:
    """The answer of *provider* to one question; blocks until it is there, and closes the provider."""

    async def closing() -> T:
        async with provider:
            return await question(provider)

    answer: T = run_in_thread(closing)
    return answer
