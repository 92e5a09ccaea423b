"""The orders in the book by id and by account, and which of them something happens to next."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from datetime import datetime

from core.simulator.exchange.lifecycle import BookEntry


class EventQueue:
    """Every order in the book, with its next event. `requeue` must follow each change of an instant of an entry."""

    def __init__(self) -> None:
        self._entries: dict[int, BookEntry] = {}
        self._of_account: dict[str, dict[int, BookEntry]] = {}
        self._heap: list[tuple[datetime, int, int, BookEntry]] = []
        """Instant, order id, and the entry with the ticket that it had when it was queued."""
        self._tickets = 0

    def add(self, entry: BookEntry) -> None:
        self._entries[entry.order.id] = entry
        self._of_account.setdefault(entry.order.account_number, {})[entry.order.id] = entry
        self.requeue(entry)

    def drop(self, entry: BookEntry) -> None:
        """Takes an order out. Raises KeyError for one that is not here."""
        del self._entries[entry.order.id]
        del self._of_account[entry.order.account_number][entry.order.id]
        entry.ticket = 0

    def get(self, order_id: int) -> BookEntry | None:
        return self._entries.get(order_id)

    def all(self) -> Iterable[BookEntry]:
        return self._entries.values()

    def of(self, account_number: str) -> Iterable[BookEntry]:
        """The entries of an account, oldest first."""
        return self._of_account.get(account_number, {}).values()

    def requeue(self, entry: BookEntry) -> None:
        """Queues the next event of an entry, in place of the one queued before. One that has left stays out."""
        if self._entries.get(entry.order.id) is not entry:
            return
        self._tickets += 1
        entry.ticket = self._tickets
        event = entry.next_event()
        if event is not None:
            heapq.heappush(self._heap, (event[0], entry.order.id, entry.ticket, entry))

    def next_at(self) -> datetime | None:
        """The instant of the earliest event, or None."""
        return self._heap[0][0] if self.next() is not None else None

    def next(self) -> BookEntry | None:
        """The entry whose event is the earliest; of those at one instant, that with the lowest id."""
        while self._heap:
            _, _, ticket, entry = self._heap[0]
            if entry.ticket == ticket:
                return entry
            heapq.heappop(self._heap)
        return None
