"""Sorting pushed pages into the books, in a thread beside the server, at a pace that leaves senders room."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from smskit.errors import SettingsError, SmskitError
from smskit.ledger import Ledger
from smskit.models import Mode
from smskit.providers import get_provider
from smskit.providers.base import Provider
from smskit.sending.likely import settle_exclusive
from smskit.sending.publishing import renew_reports
from smskit.sending.reconcile import Settled, fold_pushed
from smskit.settings import Environment

__all__ = ["Folder"]

_REST_S = 0.5  # at least, between two rounds; and as long as the last one took
_IDLE_S = 15.0  # after which early reports are looked at again, where somebody sent meanwhile
_RENEW_S = 60.0  # between two renewals of the reports of runs
_log = logging.getLogger(__name__)


class Folder:
    """
    Folds what was kept: at its start, whenever `kept` is set, and once more as it stops.

    A provider whose credentials are not here has its pages kept, for ``smskit receipts`` where they are.

    Args:
        names: The providers that push here.
        told: Takes what each round came to.

    Attributes:
        names: Those of them whose credentials are here.
    """

    def __init__(
        self,
        ledger: Ledger,
        environment: Environment,
        names: Iterable[str],
        told: Callable[[Settled], None] = lambda _: None,
    ) -> None:
        self.kept = threading.Event()
        self._ledger, self._environment, self._told = ledger, environment, told
        self._problems: set[str] = set()
        self._providers = [provider for name in names if (provider := self._provider(name))]
        self.names = tuple(provider.name for provider in self._providers)
        self._folded = dict.fromkeys((p.name for p in self._providers), 0)  # up to which page
        self._seen = (-1, -1)
        self._campaigns: set[int] = set()
        self._renewed = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="receive-fold", daemon=True)

    def start(self) -> None:
        """Begin with what an earlier receiver kept and did not fold."""
        self._thread.start()

    def stop(self) -> None:
        """Fold what is left, and end."""
        self._stop.set()
        self.kept.set()
        self._thread.join()

    def _provider(self, name: str) -> Provider | None:
        with suppress(SettingsError):
            return get_provider(name, self._environment, clock=self._ledger.clock)
        return None

    def _run(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            self._round()
            self._stop.wait(max(_REST_S, time.monotonic() - began))
            self.kept.wait(_IDLE_S)
            self.kept.clear()
        self._round()
        self._renew()

    def _round(self) -> None:
        result = Settled()
        try:
            now = self._ledger.raw_reports.newest(), self._ledger.changes.last_event()
            if now == self._seen:
                return
            for provider in self._providers:
                result.add(self._fold(provider, now[0]))
            self._seen = now
        except SmskitError as error:
            result.problems.append(error.message)
        except Exception as error:
            # Its words may hold a page, and so people.
            _log.error("smskit: folding failed (%s); the pages are kept", type(error).__name__)
        result.problems = [problem for problem in result.problems if problem not in self._problems]
        self._problems.update(result.problems)
        self._campaigns |= result.campaigns
        if result.any or result.problems:
            self._told(result)
        if time.monotonic() - self._renewed > _RENEW_S:
            self._renew()

    def _fold(self, provider: Provider, newest: int) -> Settled:
        result = fold_pushed(self._ledger, provider, Mode.LIVE, after=self._folded[provider.name])
        result.add(settle_exclusive(self._ledger, provider, Mode.LIVE))
        self._folded[provider.name] = newest
        return result

    def _renew(self) -> None:
        """Bring the reports of runs up to date that receipts came for."""
        self._renewed = time.monotonic()
        rows = [row for row in self._ledger.campaigns.find(mode=Mode.LIVE) if row.id in self._campaigns]
        self._campaigns.clear()
        try:
            renew_reports(self._ledger, rows, self._environment)
        except SmskitError as error:
            self._told(Settled(problems=[error.message]))
