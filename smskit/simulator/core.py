"""
The simulator's truth: accounts, accepted messages, receipts, replies, and the judge.

Every provider's dialect asks the one `World` for its account, hands over what
it accepts, and words the answers. Who got how many messages is counted here,
independently of what any client believes.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

from smskit.errors import InputError
from smskit.simulator.accounts import ANY_CREDENTIAL, Account, AccountSettings, digits_of, reference
from smskit.simulator.book import RETENTION_S, Book, Fetched, Note, ReplyDue, Row, Shelf, parts_of_all
from smskit.simulator.faults import FaultPlan, Faults, Tally

if TYPE_CHECKING:
    from smskit.simulator.store import Store

# Ids count microseconds since then: beyond 32 bits as the real ones, still exact in a JSON double, and a
# simulator started later never gives out an id that an earlier one gave.
_SID_EPOCH = 1_600_000_000
_LOWEST_SID = 1 << 33

_OPT_OUT = ("退订", "取消", "TD")
_OPT_OUT_ALONE = ("T", "R", "N")


class Accepted(NamedTuple):
    """The first of the ids given out, and a future that is done when they are on disk (None: no store)."""

    first_sid: int
    durable: Future[None] | None


class Doubled(NamedTuple):
    """A phone that got more than one message."""

    provider: str
    phone: str  # E.164, "+8613800000000"
    times: int


class Line(NamedTuple):
    """One accepted message as the judge lists it."""

    provider: str
    phone: str  # E.164
    text: str
    message_id: str
    at: float  # epoch seconds


class World:
    """
    What all simulated providers know. Thread-safe.

    A provider nobody registered an account for is open: any plausible
    credential gets an account of its own, rich and unchecked. Registering one
    closes it, except under the credential ``*``, which settles what anybody
    gets. In-process, its methods do what the routes under ``/_simulator/`` do.

    Args:
        clock: Returns epoch seconds; everything timed goes by it.
        faults: What is to go wrong.
        store_url: SQLAlchemy URL; accepted messages are kept there and read
            back, three days of them. "" keeps them in memory only.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        faults: FaultPlan | None = None,
        store_url: str = "",
    ) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.tally = Tally()
        self.faults = Faults(faults or FaultPlan(), self.tally)
        self._dice = random.Random(self.faults.plan.seed)
        self._accounts: dict[tuple[str, str], Account] = {}
        self._open: dict[str, AccountSettings] = {}
        self._closed: set[str] = set()
        self._shelves: dict[tuple[str, str], Shelf] = {}
        self._next_sid = max(_LOWEST_SID, int((self.clock() - _SID_EPOCH) * 1_000_000))
        self._store: Store | None = None
        if store_url:
            # Only here is the database needed; without one, starting need not wait for SQLAlchemy.
            from smskit.simulator import store

            self._store = store.Store(store_url)
            self._load(self._store)

    # -- accounts ---------------------------------------------------------------------------------

    def register(self, provider: str, credential: str, **settings: Any) -> Account | None:
        """
        Create an account, or settle an existing one anew; what it accepted stays.

        Args:
            credential: What the client sends; ``*`` sets what anybody gets.
            settings: Fields of `AccountSettings`.

        Returns:
            The account; None for ``*``.

        Raises:
            InputError: A setting is unknown or out of range.
        """
        parsed = AccountSettings.parse(settings)
        with self.lock:
            if credential == ANY_CREDENTIAL:
                self._open[provider] = parsed
                return None
            self._closed.add(provider)
            known = self._accounts.get((provider, credential))
            if known:
                known.configure(parsed)
                return known
            return self._open_account(provider, credential, parsed)

    def account(self, provider: str, credential: str, *, plausible: bool = True) -> Account | None:
        """
        Return the account of *credential*, or None when the provider does not know it.

        Args:
            plausible: Whether the credential looks like one, which is enough
                where the provider is open.
        """
        known = self._accounts.get((provider, credential))
        if known is not None or not plausible:
            return known
        with self.lock:
            anybody = self._open.get(provider)
            if anybody is None and provider in self._closed:
                return None
            return self._open_account(provider, credential, anybody or AccountSettings())

    def accounts(self, provider: str = "") -> list[Account]:
        """Return the accounts seen or registered so far."""
        with self.lock:
            return [a for a in self._accounts.values() if provider in ("", a.provider)]

    def _open_account(self, provider: str, credential: str, settings: AccountSettings) -> Account:
        account = Account(provider, credential, settings, self._shelf(provider, reference(credential)))
        account.balance -= settings.price * account.shelf.spent_parts
        self._accounts[provider, credential] = account
        return account

    def _shelf(self, provider: str, ref: str) -> Shelf:
        return self._shelves.setdefault((provider, ref), Shelf())

    # -- accepting --------------------------------------------------------------------------------

    def accept(
        self,
        account: Account,
        phones: Sequence[int],
        texts: str | Sequence[str],
        *,
        parts: int,
        receipt_url: str = "",
        **shared: Any,
    ) -> Accepted:
        """
        Take messages over: charge them, give them ids, plan their receipts.

        Checks nothing; that is the dialect's part.

        Args:
            phones: E.164 digits.
            texts: One for all, or one a phone in the same order.
            parts: Billed parts of all of them together.
            receipt_url: Where receipts are pushed; "" is where the account has them pushed, if anywhere.
            shared: Further fields of `Note`.
        """
        plan, url = self.faults.plan, receipt_url or account.settings.receipt_url
        note = Note(plan.receipts, plan.replies, receipt_url=url, **shared)
        kept = texts if isinstance(texts, str) else tuple(texts)
        with self.lock:
            now = self.clock()
            first_sid = self._next_sid
            self._next_sid += len(phones)
            account.book.add(now, first_sid, phones, kept, note)
            account.balance -= account.settings.price * parts
            if self._store is None:
                return Accepted(first_sid, None)
            row = Row(first_sid, account.provider, account.ref, now, phones, kept, _kept(note))
            return Accepted(first_sid, self._store.append(row))

    def _load(self, store: Store) -> None:
        plan = self.faults.plan
        for row in store.load(since=self.clock() - RETENTION_S):
            shelf = self._shelf(row.provider, row.account)
            # The plan in force now speaks for them: plans are not kept, and a rerun usually has the same.
            note = Note(plan.receipts, plan.replies, **row.note)
            shelf.book.add(row.at, row.first_sid, row.phones, row.texts, note)
            shelf.spent_parts += parts_of_all(row.texts, len(row.phones))
            self._next_sid = max(self._next_sid, row.first_sid + len(row.phones))
        for mark in store.fetched():
            shelf = self._shelf(mark.provider, mark.account)
            calls = shelf.book.first_sid
            done = next((n for n, sid in enumerate(calls) if sid >= mark.before_sid), len(calls))
            shelf.feeds[mark.feed].skip_to(done)

    # -- receipts and replies ---------------------------------------------------------------------

    def take(self, account: Account, name: str, limit: int) -> list[Any]:
        """
        Remove and return up to *limit* receipts or replies that are due.

        Args:
            name: ``receipts`` that wait to be fetched, ``pushes`` that go to an address, or ``replies``.
        """
        feed, book = account.shelf.feeds[name], account.book
        with self.lock:
            before = feed.handed_out
            dice = self._dice if self.faults.plan.receipts.shuffle else None
            taken = feed.take(limit, self.clock(), shuffle=dice)
            done = feed.handed_out
            if self._store and taken and done != before:
                before_sid = book.first_sid[done] if done < len(book.at) else self._next_sid
                # Not waited for: losing this note only hands receipts out again, which any client must bear.
                self._store.append(Fetched(account.provider, account.ref, name, before_sid))
        for due in taken if name == "replies" else ():
            self._obey(account, due.message.phone, due.text)
        return taken

    def reply(self, phone: str, text: str, *, provider: str = "") -> int:
        """
        Make a recipient reply now, to every account that ever sent to it.

        Returns:
            How many accounts got the reply.

        Raises:
            InputError: Nobody sent anything to that phone.
        """
        number = digits_of(phone)
        reached = 0
        with self.lock:
            for account in self.accounts(provider):
                messages = account.book.to(number)
                if not messages:
                    continue
                answer = ReplyDue(self.clock(), self._next_sid, messages[-1], text, -1)
                self._next_sid += 1
                account.shelf.feeds["replies"].add(answer)
                self._obey(account, number, text)
                reached += 1
        if not reached:
            raise InputError("nobody sent a message to this phone, so it cannot reply")
        return reached

    @staticmethod
    def _obey(account: Account, phone: int, text: str) -> None:
        said = text.strip().upper()
        if account.settings.block_opt_outs and (
            said in _OPT_OUT_ALONE or any(word in said for word in _OPT_OUT)
        ):
            account.black_numbers.add(phone)

    # -- the judge --------------------------------------------------------------------------------

    def accepted(self, provider: str = "") -> int:
        with self.lock:
            return sum(len(book) for _, book in self._books(provider))

    def phones(self, provider: str = "") -> int:
        """Return how many different phones were accepted, each counted once a provider."""
        with self.lock:
            return sum(
                len(set().union(*(book.known() for _, book in self._books(name))))
                for name in self._providers(provider)
            )

    def count(self, phone: str, provider: str = "") -> int:
        number = digits_of(phone)
        with self.lock:
            return sum(book.count(number) for _, book in self._books(provider))

    def doubled(self, provider: str = "", *, same_text: bool = False) -> list[Doubled]:
        """
        Return the phones that got more than one message of a provider, by phone.

        Args:
            same_text: Count only messages with the identical text, so that
                two campaigns to one person are no double.
        """
        found = []
        with self.lock:
            for name in self._providers(provider):
                books = [book for _, book in self._books(name)]
                for number in sorted(_again(books)):
                    count = sum(book.count(number) for book in books)
                    if same_text:
                        texts = [m.text for book in books for m in book.to(number)]
                        count = max(texts.count(text) for text in texts)
                    if count > 1:
                        found.append(Doubled(name, f"+{number}", count))
        return found

    def messages(self, provider: str = "") -> Iterator[Line]:
        """Yield every accepted message, by account and time; new ones may appear meanwhile."""
        for name, book in self._books(provider):
            for call in range(len(book.at)):
                with self.lock:
                    lines = [Line(name, f"+{m.phone}", m.text, str(m.sid), m.at) for m in book.messages(call)]
                yield from lines

    def summary(self) -> dict[str, Any]:
        """Return the judge's figures: in all, by provider, and the faults injected by kind."""
        with self.lock:
            providers = {
                name: {
                    "accepted": self.accepted(name),
                    "phones": self.phones(name),
                    "doubled": len(self.doubled(name)),
                    "spent": str(sum(a.settings.balance - a.balance for a in self.accounts(name))),
                }
                for name in self._providers()
            }
        return {
            "accepted": self.accepted(),
            "phones": self.phones(),
            "doubled": len(self.doubled()),
            "providers": providers,
            "injected": self.tally.as_dict(),
            "seed": self.faults.plan.seed,
        }

    def _providers(self, provider: str = "") -> list[str]:
        return sorted({name for name, _ in self._shelves if provider in ("", name)})

    def _books(self, provider: str = "") -> list[tuple[str, Book]]:
        return [(name, s.book) for (name, _), s in list(self._shelves.items()) if provider in ("", name)]

    # -- control ----------------------------------------------------------------------------------

    def set_faults(self, plan: FaultPlan) -> None:
        """Replace the fault plan; messages accepted before keep the receipts they were promised."""
        with self.lock:
            self.faults = Faults(plan, self.tally)
            self._dice = random.Random(plan.seed)

    def reset(self) -> None:
        """Forget accounts, messages and counts; the fault plan starts afresh."""
        with self.lock:
            self._accounts.clear()
            self._open.clear()
            self._closed.clear()
            self._shelves.clear()
            self.tally = Tally()
            self.set_faults(self.faults.plan)
            if self._store:
                self._store.clear()

    def close(self) -> None:
        """Let go of the store; without one there is nothing to do."""
        if self._store:
            self._store.close()
            self._store = None


def _kept(note: Note) -> dict[str, Any]:
    """Return what of *note* goes to disk: only what differs from the defaults."""
    return {
        name: value
        for name, value in note._asdict().items()
        if name not in ("receipts", "replies") and value != Note._field_defaults[name]
    }


def _again(books: Sequence[Book]) -> set[int]:
    """Return the phones counted more than once over *books* together."""
    again = set().union(*(book.again for book in books))
    for one, other in combinations(books, 2):
        again |= one.known() & other.known()
    return again
