"""What a provider pushes to an address of ours: reports and replies, and the answer it waits for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from smskit.models import Receipt, Reply
from smskit.providers.reading import Fields, page_of

__all__ = ["PUSHED", "Acknowledgement", "Forged", "Pushed", "form_in", "one_or_all", "pushed_page"]

PUSHED = "pushed"  # the kind of such a page in the ledger, whatever it holds


class Acknowledgement(NamedTuple):
    """What a provider reads as "taken"; after any other answer, or none in time, it pushes the page again."""

    body: bytes
    content_type: str = "application/json; charset=utf-8"


class Forged(ValueError):
    """A page is signed, and not by the account it is said to be of."""


class Pushed(NamedTuple):
    """What one push holds; most hold one kind only."""

    receipts: list[Receipt]
    replies: list[Reply]
    unread: int = 0  # rows that could not be read


def pushed_page(
    body: bytes,
    rows: Callable[[Any], list[Any] | None],
    read: Callable[[Fields], Receipt | Reply | None],
) -> Pushed:
    """
    The reports and replies of a JSON page, told apart row by row: it may have come to either address.

    Args:
        rows: As `page_of` has it.
        read: One row; None = it cannot be read.

    Raises:
        ValueError: nothing of it can be read.
    """
    page = page_of(body, rows, lambda row: read(Fields.of(row)))
    receipts = [row for row in page if isinstance(row, Receipt)]
    replies = [row for row in page if isinstance(row, Reply)]
    return Pushed(receipts, replies, page.unread)


def one_or_all(data: Any) -> list[Any]:
    """The rows of a page that is an array, or one row alone."""
    return data if isinstance(data, list) else [data]


def form_in(body: bytes) -> dict[str, str]:
    """The fields of a form or a query, decoded once; empty where the page is JSON, or has none."""
    text = body.decode("utf-8", "replace").strip()
    return {} if text[:1] in ("[", "{") else dict(parse_qsl(text, keep_blank_values=True))
