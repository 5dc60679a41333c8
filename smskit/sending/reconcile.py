"""
What happens after sending: receipts and replies, fetched and sorted into the ledger.

Nothing here submits. An unknown becomes accepted when there is a report of exactly
that message. Pages that the provider deletes on reading are stored before anybody
tries to understand them. Asking about unknowns is ``unknowns``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from smskit.audience.phones import normalise_one, to_e164
from smskit.errors import InputError, LedgerDamaged, ProviderError
from smskit.i18n import Message, mark
from smskit.ledger import CampaignRow, Change, Facts, History, Ledger
from smskit.message.opt_out import answer_of
from smskit.message.template import Template
from smskit.models import Answer, MessageClass, Mode, Receipt, Reply, State
from smskit.providers.base import Feature, Provider
from smskit.providers.calls import Job
from smskit.providers.pushes import PUSHED, Forged, Pushed
from smskit.providers.reading import Rows
from smskit.sending.pulling import pull_pages

# Clocks of two companies: how far a provider's may be from ours when its records are searched.
CLOCK_SKEW = timedelta(minutes=5)

# What a parser raises on a page unlike any before.
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
_FORGED = mark("pushed page {n} is not signed with this {provider} account's key: it is kept and not counted")
_NOT_READ = {
    PUSHED: mark("pushed page {n} cannot be read ({kind})"),
    "receipts": mark("page {n} of reports cannot be read ({kind})"),
    "replies": mark("page {n} of replies cannot be read ({kind})"),
}
_PARTLY_READ = {
    PUSHED: mark("{m} rows of pushed page {n} cannot be read; the page is kept as it came"),
    "receipts": mark("{m} rows of page {n} of reports cannot be read; the page is kept as it came"),
    "replies": mark("{m} rows of page {n} of replies cannot be read; the page is kept as it came"),
}
_SPARE = 1000  # reports that are fetched beyond those that are waited for
_MOST_UNREAD = 10  # pages in a row without a row that can be read
_AT_ONCE = 500  # pages that are sorted in together; some providers push a page for each report
_Row = TypeVar("_Row", Receipt, Reply)
_Page = TypeVar("_Page")


@dataclass
class Settled:
    """What fetching receipts and settling came to; counts of messages."""

    delivered: int = 0
    undelivered: int = 0
    repeated: int = 0  # reports about messages that had one already
    stray: int = 0  # reports about messages the ledger cannot name (yet)
    found: int = 0  # unknown -> accepted
    refused: int = 0  # unknown -> refused
    never_taken: int = 0  # unknown -> waiting: nothing was sent
    replies: int = 0
    opt_outs: int = 0
    campaigns: set[int] = field(default_factory=set)  # those that reports were about
    problems: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """The counts by name."""
        return {name: n for name, n in vars(self).items() if isinstance(n, int)}

    @property
    def any(self) -> bool:
        """Whether anything was learned."""
        return any(self.counts.values())

    def add(self, other: Settled) -> None:
        """Add the counts of *other*, and those of its problems that are new."""
        for name, n in other.counts.items():
            setattr(self, name, getattr(self, name) + n)
        self.campaigns |= other.campaigns
        self.problems += [problem for problem in other.problems if problem not in self.problems]


def reference_of(name: str, mode: Mode) -> str:
    """
    What stands for a campaign in requests, where a provider echoes a text of ours: short, no personal data.

    The same campaign always has the same; two campaigns never share the beginning.
    """
    return "s" + hashlib.sha256(f"{mode}:{name}".encode()).hexdigest()[:15]


def job_of(row: CampaignRow) -> Job:
    """What all messages of a frozen campaign have in common, whatever the parameters say today."""
    return Job(
        Template.parse(row.summary["template"], signature=row.summary["signature"]),
        row.spec.get("template_id", ""),
        MessageClass(row.spec.get("message_class", MessageClass.MARKETING)),
        reference=reference_of(row.name, row.mode),
    )


def notice_dead(ledger: Ledger, row: CampaignRow) -> int:
    """
    Turn what a dead run left as submitting into unknown, so that it can be settled; returns how many.

    The next run does so too, but there may be none: one that comes after ``not_after`` refuses.
    A run that is alive is left alone.
    """
    if not ledger.audience.counts(row.id).submitting:
        return 0
    return ledger.senders.reap(row.id)


# -- receipts ---------------------------------------------------------------------------


class _Waited:
    """
    Says when all has come that waited as a fetch began, though more keeps coming since somebody sends.

    What waited comes first. So it has come with a page of nothing old that is not full, or
    else with more such reports than could have waited. Old is what clocks that differ and
    times without seconds cannot make young. What is left then is for the next fetch, so to
    be told too early costs nothing but time.
    """

    def __init__(self, ledger: Ledger, provider: Provider, mode: Mode) -> None:
        self._ledger, self._provider, self._mode = ledger, provider, mode
        self._old = datetime.fromtimestamp(ledger.clock(), UTC) - CLOCK_SKEW
        self._seen = self._unread = 0

    def is_in(self, rows: Sequence[Receipt | Reply]) -> bool:
        """Whether the page that holds *rows* was the last that matters; asked for each page in turn."""
        self._seen += max(len(rows), 1)  # a page nobody can read counts too
        self._unread = 0 if rows else self._unread + 1
        if self._unread >= _MOST_UNREAD:
            return True
        if any(row.at is not None and row.at < self._old for row in rows):
            return False
        return 0 < len(rows) < self._provider.page_size or self._seen > self._most

    @cached_property
    def _most(self) -> int:
        rows = self._ledger.campaigns.find(provider=self._provider.name, mode=self._mode, damaged=[])
        books = []
        for row in rows:
            with suppress(LedgerDamaged):  # the index says so
                books.append(self._ledger.audience.counts(row.id))
        # A report may come twice, and some are about messages the ledger does not know.
        return 2 * sum(b.awaiting + b.unknown + b.submitting for b in books) + _SPARE


def _keep_pages(ledger: Ledger, provider: Provider, mode: Mode, kind: str, pages: Sequence[bytes]) -> None:
    rows = [(provider.name, kind, body) for body in pages]
    ledger.patiently(lambda: ledger.raw_reports.keep_all(mode, rows))


def _read(parse: Callable[[bytes], Sequence[_Row]], body: bytes) -> Sequence[_Row]:
    try:
        return parse(body)
    except _UNREADABLE:
        return []


def _pages(
    ledger: Ledger,
    provider: Provider,
    mode: Mode,
    kind: str,
    parse: Callable[[bytes], _Page],
    result: Settled,
    after: int = 0,
) -> Iterator[list[_Page]]:
    """
    What the stored pages hold, some pages at once; they are done with when the next are asked for.

    One that nobody can read is a problem and stays, so nothing is lost, and no other waits for it. Of one
    that can be read in part the rest is a problem, told once, and the page is kept.
    """
    last = after
    while stored := ledger.raw_reports.open(provider.name, mode, kind, after=last, most=_AT_ONCE):
        found: list[_Page] = []
        done: dict[bool, list[int]] = {False: [], True: []}  # whether to keep the page -> its number
        for last, body in stored:
            try:
                page = parse(body)
            except Forged:
                result.problems.append(Message(_FORGED, n=last, provider=provider.name))
                continue
            except _UNREADABLE as error:
                result.problems.append(Message(_NOT_READ[kind], n=last, kind=type(error).__name__))
                continue
            unread = page.unread if isinstance(page, Rows | Pushed) else 0
            if unread:
                result.problems.append(Message(_PARTLY_READ[kind], m=unread, n=last))
            found.append(page)
            done[bool(unread)].append(last)
        yield found
        for keep, numbers in done.items():
            ledger.raw_reports.close(*numbers, keep=keep)


async def fetch_receipts(ledger: Ledger, provider: Provider, mode: Mode) -> Settled:
    """
    Fetch every report that waits, store each page as it came, then sort it into the books.

    Ends though another process may go on sending; what comes meanwhile is for the next fetch.
    """
    result = Settled()
    waited = _Waited(ledger, provider, mode)
    index = _Index(ledger, provider.name, mode)
    result.add(_sort_in(ledger, index, provider, mode, unmatched=True))
    if Feature.RECEIPTS_BY_QUERY in provider.features:
        for row in index.rows:
            try:
                result.add(await _ask_for_receipts(ledger, row, provider))
            except LedgerDamaged as error:
                index.problems.append(error.message)
    if Feature.RECEIPTS in provider.features:

        def keep(pages: Sequence[bytes]) -> None:
            _keep_pages(ledger, provider, mode, "receipts", pages)

        def taken(pages: Sequence[bytes]) -> bool:
            result.add(_sort_in(ledger, index, provider, mode, unmatched=False))
            return any([waited.is_in(_read(provider.parse_receipts, body)) for body in pages])

        try:
            await pull_pages(provider, provider.pull_receipts, keep, taken)
        except ProviderError as error:
            result.problems.append(error.message)
    result.add(Settled(problems=index.problems))
    return result


async def _ask_for_receipts(ledger: Ledger, row: CampaignRow, provider: Provider) -> Settled:
    """Ask about every message that has no report yet; for providers with nothing to fetch pages from."""
    result = Settled()
    for chunk, states in ledger.audience.states(row.id).items():
        awaiting = np.flatnonzero(states == State.ACCEPTED)
        if not len(awaiting):
            continue
        history = ledger.audience.history(row.id, chunk)
        places = {
            (str(history.message_id[at]), to_e164(int(history.keys.phones[at]))): int(at) for at in awaiting
        }
        times = [datetime.fromtimestamp(float(history.submitted_at[at]), UTC) for at in awaiting]
        asked = [(*key, time) for key, time in zip(places, times, strict=True)]
        try:
            receipts = await provider.receipts_for(asked)
        except ProviderError as error:
            result.problems.append(error.message)
            return result
        known = [
            (chunk, places[r.message_id, r.phone], r) for r in receipts if (r.message_id, r.phone) in places
        ]
        result.add(apply_receipts(ledger, row, known))
    return result


def _sort_in(ledger: Ledger, index: _Index, provider: Provider, mode: Mode, *, unmatched: bool) -> Settled:
    result = Settled()
    if unmatched:
        kept = ledger.unmatched.find(provider.name, mode)
        matched, lost = index.match([receipt for _, receipt in kept])
        result.add(_apply_matched(ledger, matched))
        missing = {id(receipt) for receipt in lost}
        ledger.unmatched.drop([number for number, receipt in kept if id(receipt) not in missing])
    for pages in _pages(ledger, provider, mode, "receipts", provider.parse_receipts, result):
        _match(ledger, index, provider, mode, [row for page in pages for row in page], result)
    return result


def _match(
    ledger: Ledger,
    index: _Index,
    provider: Provider,
    mode: Mode,
    receipts: Sequence[Receipt],
    result: Settled,
) -> None:
    matched, lost = index.match(receipts)
    result.add(_apply_matched(ledger, matched))
    ledger.unmatched.keep(provider.name, mode, lost)
    result.stray += len(lost)


def fold_pushed(ledger: Ledger, provider: Provider, mode: Mode, *, after: int = 0) -> Settled:
    """
    Sort the pages that were pushed and kept into the books, as pulled ones are; nothing is asked.

    Reports that came before their message's id was known find it here too.

    Args:
        after: Only pages with a higher number.
    """
    result = Settled()
    index = _Index(ledger, provider.name, mode)
    result.add(_sort_in(ledger, index, provider, mode, unmatched=True))
    for pages in _pages(ledger, provider, mode, PUSHED, provider.parse_push, result, after):
        _match(ledger, index, provider, mode, [row for page in pages for row in page.receipts], result)
        _keep_replies(ledger, provider, mode, [row for page in pages for row in page.replies], result)
    return result


class _Place(NamedTuple):
    row: CampaignRow
    chunk: int
    position: int


class _Index:
    """
    Finds the message a report is about: by phone, then by the provider's id.

    A campaign that is damaged is one of the ``problems`` and has no message; the others are searched.
    """

    def __init__(self, ledger: Ledger, provider: str, mode: Mode) -> None:
        damaged: list[LedgerDamaged] = []
        self._ledger = ledger
        self.rows = ledger.campaigns.find(provider=provider, mode=mode, damaged=damaged)[::-1]
        self.problems: list[str] = [error.message for error in damaged]
        self._phones: dict[int, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}
        self._histories: dict[tuple[int, int], History] = {}

    def match(
        self, receipts: Iterable[Receipt]
    ) -> tuple[dict[int, tuple[CampaignRow, list[tuple[int, int, Receipt]]]], list[Receipt]]:
        """Receipts by campaign, each with its (chunk, position); and those nobody knows."""
        found: dict[int, tuple[CampaignRow, list[tuple[int, int, Receipt]]]] = {}
        lost = []
        for receipt in receipts:
            place = self._find(receipt)
            if place is None:
                lost.append(receipt)
            else:
                found.setdefault(place.row.id, (place.row, []))[1].append(
                    (place.chunk, place.position, receipt)
                )
        return found, lost

    def _find(self, receipt: Receipt) -> _Place | None:
        try:
            phone = normalise_one(receipt.phone)
        except InputError:
            return None
        for row in list(self.rows):
            try:
                if place := self._place_in(row, phone, receipt):
                    return place
            except LedgerDamaged as error:
                self.problems.append(error.message)
                self.rows.remove(row)
        return None

    def _place_in(self, row: CampaignRow, phone: int, receipt: Receipt) -> _Place | None:
        phones, places = self._sorted_phones(row)
        at = int(np.searchsorted(phones, phone))
        if at == len(phones) or phones[at] != phone:
            return None
        chunk, position = divmod(int(places[at]), 1 << 16)
        about = _is_about(receipt, row, self.history(row, chunk), position)
        return _Place(row, chunk, position) if about else None

    def _sorted_phones(self, row: CampaignRow) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        if row.id not in self._phones:
            chunks = [
                (c, self._ledger.audience.keys(row.id, c).phones)
                for c in self._ledger.audience.states(row.id)
            ]
            phones = np.concatenate([p for _, p in chunks]) if chunks else np.empty(0, np.int64)
            places = [np.arange(len(p), dtype=np.int64) + (c << 16) for c, p in chunks]
            order = np.argsort(phones)
            self._phones[row.id] = phones[order], (np.concatenate(places)[order] if places else phones)
        return self._phones[row.id]

    def history(self, row: CampaignRow, chunk: int) -> History:
        key = (row.id, chunk)
        if key not in self._histories:
            self._histories[key] = self._ledger.audience.history(row.id, chunk)
        return self._histories[key]


def _is_about(receipt: Receipt, row: CampaignRow, history: History, position: int) -> bool:
    """By the provider's id; where nobody knows that, by our own reference, which names the campaign."""
    if receipt.message_id and history.message_id[position] == receipt.message_id:
        return True
    ours = receipt.reference.startswith(reference_of(row.name, row.mode))
    return ours and history.keys.states[position] in (State.UNKNOWN, State.ACCEPTED)


def _apply_matched(
    ledger: Ledger, matched: dict[int, tuple[CampaignRow, list[tuple[int, int, Receipt]]]]
) -> Settled:
    result = Settled()
    for row, receipts in matched.values():
        result.add(apply_receipts(ledger, row, receipts))
    return result


def apply_receipts(ledger: Ledger, row: CampaignRow, receipts: Sequence[tuple[int, int, Receipt]]) -> Settled:
    """
    Move accepted messages to delivered or undelivered; the first final report of a message stands.

    A report about an unknown message settles it first: there is no report of what was not taken.
    """
    result = Settled()

    def changes(present: Mapping[int, NDArray[np.uint8]]) -> list[Change]:
        known: set[tuple[int, int]] = set()  # no longer unknown
        final: set[tuple[int, int]] = set()
        groups: dict[int, list[tuple[int, Receipt]]] = {}
        found: dict[int, list[tuple[int, Receipt]]] = {}
        for chunk, position, receipt in receipts:
            place, state = (chunk, position), present[chunk][position]
            if place in final or state not in (State.ACCEPTED, State.UNKNOWN):
                result.repeated += receipt.delivered is not None
                continue
            if state == State.UNKNOWN and place not in known:
                known.add(place)
                found.setdefault(chunk, []).append((position, receipt))
                result.found += 1
            if receipt.delivered is not None:
                final.add(place)
                groups.setdefault(chunk, []).append((position, receipt))
                result.delivered += receipt.delivered
                result.undelivered += not receipt.delivered
        settled = [_settled(chunk, group) for chunk, group in found.items()]
        return settled + [_reported(chunk, group, ledger.clock()) for chunk, group in groups.items()]

    if receipts:
        ledger.changes.apply_to_present(row.id, changes)
        result.campaigns.add(row.id)
    return result


def _settled(chunk: int, group: Sequence[tuple[int, Receipt]]) -> Change:
    return Change("settled", chunk, *_to(group, State.ACCEPTED), Facts(ids=[r.message_id for _, r in group]))


def _reported(chunk: int, group: Sequence[tuple[int, Receipt]], now: float) -> Change:
    return Change(
        "receipt",
        chunk,
        np.array([position for position, _ in group], np.uint16),
        np.array([State.DELIVERED if r.delivered else State.UNDELIVERED for _, r in group], np.uint8),
        Facts(
            codes=[r.code for _, r in group],
            details=[r.detail for _, r in group],
            times=[r.at.timestamp() if r.at else now for _, r in group],
        ),
    )


def _to(group: Sequence[tuple[int, Receipt]], state: State) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    positions = np.array([position for position, _ in group], np.uint16)
    return positions, np.full(len(positions), state, np.uint8)


# -- replies ------------------------------------------------------------------------------


async def fetch_replies(ledger: Ledger, provider: Provider, mode: Mode) -> Settled:
    """Fetch replies as reports; those that ask to be left alone become opt-outs (not in a rehearsal)."""
    result = Settled()
    waited = _Waited(ledger, provider, mode)
    if Feature.REPLIES not in provider.features:
        return result

    def keep(pages: Sequence[bytes]) -> None:
        _keep_pages(ledger, provider, mode, "replies", pages)

    def taken(pages: Sequence[bytes]) -> bool:
        result.add(_sort_replies(ledger, provider, mode))
        return any([waited.is_in(_read(provider.parse_replies, body)) for body in pages])

    try:
        await pull_pages(provider, provider.pull_replies, keep, taken)
    except ProviderError as error:
        result.problems.append(error.message)
    result.add(_sort_replies(ledger, provider, mode))
    return result


def _sort_replies(ledger: Ledger, provider: Provider, mode: Mode) -> Settled:
    result = Settled()
    for pages in _pages(ledger, provider, mode, "replies", provider.parse_replies, result):
        _keep_replies(ledger, provider, mode, [row for page in pages for row in page], result)
    return result


def _keep_replies(
    ledger: Ledger, provider: Provider, mode: Mode, replies: Sequence[Reply], result: Settled
) -> None:
    rows: list[tuple[Reply, int, Answer]] = []
    for reply in replies:
        try:
            rows.append((reply, normalise_one(reply.phone), answer_of(reply.text)))
        except InputError:
            result.problems.append(
                Message("a reply from a number that is not a domestic mobile was left out")
            )
    if not rows:
        return
    waiting = ledger.replies.count_undecided(mode)
    result.replies += ledger.replies.keep(provider.name, mode, rows)
    asked = [phone for _, phone, answer in rows if answer is Answer.OPT_OUT]
    if mode is Mode.LIVE:
        result.opt_outs += ledger.opt_outs.add(asked, source=f"reply:{provider.name}")
    else:
        result.opt_outs += len(asked)
    result.opt_outs += ledger.replies.count_undecided(mode) - waiting
