"""Listings in pages, read whole or not at all: a part of one proves nothing (rules 9)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from core.broker.port import BrokerError, BrokerFault
from core.broker.tastytrade.faults import envelope_of, items_of


async def all_pages(read: Callable[[int], Awaitable[bytes]], what: str) -> list[Any]:
    """The items of all pages; `read` reads the page of an offset, `what` names the items. Raises BrokerError.

    UNREADABLE when the pages do not hold as many different items as each announces.
    """
    pages = [await read(0)]
    while len(pages) < _page_count(pages[0], what):
        pages.append(await read(len(pages)))
    return complete_items(pages, what)


def complete_items(pages: list[bytes], what: str) -> list[Any]:
    """The items of all pages. Raises BrokerError(UNREADABLE) when they do not hold as many different items as each of
    them announces.

    An item that arrives while they are read moves the others by one: then a page begins with the last item of the page
    before, and another item is on none.
    """
    items: list[Any] = []
    totals: set[int | None] = set()
    for page in pages:
        envelope = envelope_of(page, what)
        found = items_of(envelope, what)
        items.extend(found)
        pagination = envelope.get("pagination")
        if isinstance(pagination, dict):
            totals.add(_count(pagination, "total-items", what))
            announced = _count(pagination, "current-item-count", what)
            if announced is not None and announced != len(found):
                raise BrokerError(BrokerFault.UNREADABLE, f"{what}: {len(found)} of {announced} on a page")
    if len(totals) > 1:
        raise BrokerError(BrokerFault.UNREADABLE, f"{what}: the pages announce different numbers")
    different = len({str(item.get("id")) if isinstance(item, dict) else "" for item in items})
    for total in totals - {None}:
        if total != different:
            raise BrokerError(BrokerFault.UNREADABLE, f"{what}: {different} different ones of {total}")
    return items


def _page_count(page: bytes, what: str) -> int:
    pagination = envelope_of(page, what).get("pagination")
    return (_count(pagination, "total-pages", what) or 1) if isinstance(pagination, dict) else 1


def _count(pagination: dict[str, Any], key: str, what: str) -> int | None:
    value = pagination.get(key)
    if value is not None and not isinstance(value, int):
        raise BrokerError(BrokerFault.UNREADABLE, f"{what}: {key} is not a number")
    return value
