"""Keeps the legs of an entry quoted after its cycle, for as long as the entry works or may work (rules 4.5), and of an
incident for as long as it is followed (rules 9)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from core.domain.orders.order_states import OPEN_STATES, OrderState
from core.domain.orders.orders import Entry
from core.market.feed import Feed, LegSubscription
from core.records.records import Records

_SUBSCRIBED = (OrderState.WORKING, OrderState.UNKNOWN, OrderState.INCIDENT)


class LegSubscriptions:
    """The leg subscriptions by entry. Each is released when its entry ends, that of an incident when it is followed no
    more. `since` is the first session whose entries are followed."""

    def __init__(self, feed: Feed, records: Records, since: Callable[[], date]) -> None:
        self._feed = feed
        self._records = records
        self._since = since
        self._by_entry: dict[str, LegSubscription] = {}

    async def keep(self, entry_id: str, legs: LegSubscription) -> None:
        """Keeps these legs for the entry, unless it has ended meanwhile. Raises RecordsError."""
        await self.release(entry_id)
        self._by_entry[entry_id] = legs
        await self.ended(entry_id)

    async def ended(self, entry_id: str) -> None:
        """Releases the legs of an entry that has ended, unless they are kept. Raises RecordsError."""
        if all(entry.id != entry_id for entry in await self._kept()):
            await self.release(entry_id)

    async def subscribe_open(self) -> None:
        """Subscribes the legs of every entry whose legs are kept and that has no subscription: an earlier process sent
        it, or its cycle ended without an answer. The symbols are those its suggestion was priced on. Releases what is
        kept no more. Raises RecordsError."""
        kept = {entry.id: entry for entry in await self._kept()}
        for entry_id in [one for one in self._by_entry if one not in kept]:
            await self.release(entry_id)
        for entry in kept.values():
            if entry.state in _SUBSCRIBED and not self.keeps(entry.id):
                symbols = await self._streamers(entry)
                if symbols:
                    await self.keep(entry.id, await self._feed.hold_legs(symbols))

    async def release(self, entry_id: str) -> None:
        legs = self._by_entry.pop(entry_id, None)
        if legs is not None:
            await self._feed.release(legs)

    def keeps(self, entry_id: str | None) -> bool:
        return entry_id in self._by_entry

    async def _kept(self) -> list[Entry]:
        """The entries whose legs are kept: what may still change, and incidents that are followed."""
        found = await self._records.entries.open_or_followed(self._since())
        return [one for one in found if one.state in OPEN_STATES or one.state is OrderState.INCIDENT]

    async def _streamers(self, entry: Entry) -> list[str]:
        """The streamer symbols as the chain gave them. None of them when the suggestion is not on record."""
        for suggestion in await self._records.journal.suggestions_of(entry.account, entry.session_day):
            if suggestion.id == entry.suggestion_id:
                evidence: Any = suggestion.evidence
                return [str(leg["streamer_symbol"]) for leg in evidence["pricing"]["legs"]]
        return []
