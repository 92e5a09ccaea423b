"""Keeps the legs of an entry quoted after its cycle, for as long as the entry works or may work (rules 4.5)."""

from __future__ import annotations

from typing import Any

from core.domain.orders.order_states import OPEN_STATES, EntryState
from core.domain.orders.orders import Entry
from core.market.feed import Feed, LegSubscription
from core.records.records import Records

_KEPT = (EntryState.WORKING, EntryState.UNKNOWN)


class LegSubscriptions:
    """The leg subscriptions by entry. Each is released when its entry ends."""

    def __init__(self, feed: Feed, records: Records) -> None:
        self._feed = feed
        self._records = records
        self._by_entry: dict[str, LegSubscription] = {}

    async def keep(self, entry_id: str, legs: LegSubscription) -> None:
        """Keeps these legs for the entry, unless it has ended meanwhile. Raises RecordsError."""
        await self.release(entry_id)
        self._by_entry[entry_id] = legs
        if (await self._records.entries.get(entry_id)).state not in OPEN_STATES:
            await self.release(entry_id)

    async def subscribe_open(self) -> None:
        """Subscribes the legs of every working or unknown entry that has no subscription: an earlier process sent it,
        or its cycle ended without an answer. The symbols are those its suggestion was priced on. Raises
        RecordsError."""
        for entry in await self._records.entries.open():
            if entry.state in _KEPT and not self.keeps(entry.id):
                symbols = await self._streamers(entry)
                if symbols:
                    await self.keep(entry.id, await self._feed.hold_legs(symbols))

    async def release(self, entry_id: str) -> None:
        legs = self._by_entry.pop(entry_id, None)
        if legs is not None:
            await self._feed.release(legs)

    def keeps(self, entry_id: str | None) -> bool:
        return entry_id in self._by_entry

    async def _streamers(self, entry: Entry) -> list[str]:
        """The streamer symbols as the chain gave them. None of them when the suggestion is not on record."""
        for suggestion in await self._records.journal.suggestions_of(entry.account, entry.session_day):
            if suggestion.id == entry.suggestion_id:
                evidence: Any = suggestion.evidence
                return [str(leg["streamer_symbol"]) for leg in evidence["pricing"]["legs"]]
        return []
