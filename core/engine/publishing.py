"""Publishes the engine's snapshot and quotes to Redis, and says how that goes (rules 10)."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.config.redis import RedisSettings
from core.engine.parts import EngineParts
from core.engine.snapshot_builder import SnapshotBuilder
from core.market.quote_store import MemoryQuoteStore, QuoteStore
from core.remote.keys import RedisKeys
from core.remote.link import RedisLink
from core.remote.published_store import PublishedQuoteStore
from core.remote.publisher import Publisher, epoch_of
from core.snapshot import Health, PartHealth


def store_for(settings: RedisSettings) -> MemoryQuoteStore:
    """The quote store of a trader: plain memory, or with Redis one that also knows what has to be published."""
    return MemoryQuoteStore() if settings.url is None else PublishedQuoteStore()


@dataclass(eq=False, repr=False, slots=True)
class Publishing:
    """Publishes one engine. It is off without the setting `redis.url`."""

    parts: EngineParts
    quotes: QuoteStore
    builder: SnapshotBuilder
    _publisher: Publisher | None = field(init=False, default=None)

    @property
    def is_on(self) -> bool:
        return self.parts.settings.redis.url is not None

    @property
    def health(self) -> PartHealth | None:
        """How publishing goes, for the status bar. None when it is off."""
        if not self.is_on:
            return None
        return PartHealth(Health.STARTING) if self._publisher is None else self._publisher.health

    async def run(self) -> None:
        """Publishes until cancelled, under an epoch that no other run has. Raises RecordsError."""
        parts, builder, settings = self.parts, self.builder, self.parts.settings.redis
        started = await parts.records.journal.newest_of(("engine.started",))
        if settings.url is None or started is None or not isinstance(self.quotes, PublishedQuoteStore):
            raise RuntimeError("an engine that publishes has started, and has a store for it")
        self._publisher = Publisher(
            link=RedisLink(settings.url),
            keys=RedisKeys(settings.name, parts.mode.value),
            store=self.quotes,
            snapshot=lambda: builder.snapshot,
            spread=lambda: None if builder.spread is None else builder.spread.trident,
            clock=parts.clock,
            epoch=epoch_of(parts.records.epoch, started.at),
            note=builder.note,
        )
        await self._publisher.run()
