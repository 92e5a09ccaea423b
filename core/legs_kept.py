"""Leg subscriptions that outlive their cycle: while an entry works its legs stay quoted (SPEC 4.5)."""

from __future__ import annotations

from core.domain.order_states import OPEN_STATES
from core.feed import Feed, LegSubscription
from core.records.records import Records


class LegsKept:
    """Subscriptions by entry; released when the entry ends."""

    def __init__(self, feed: Feed, records: Records) -> None:
        self._feed = feed
        self._records = records
        self._by_entry: dict[str, LegSubscription] = {}

    async def keep(self, entry_id: str, legs: LegSubscription) -> None:
        """Keeps the legs for this entry, unless it ended meanwhile."""
        self._by_entry[entry_id] = legs
        if (await self._records.entries.get(entry_id)).state not in OPEN_STATES:
            await self.release(entry_id)

    async def release(self, entry_id: str) -> None:
        legs = self._by_entry.pop(entry_id, None)
        if legs is not None:
            await self._feed.release(legs)

    def keeps(self, entry_id: str | None) -> bool:
        return entry_id in self._by_entry
