"""A trader that publishes, without an engine: the real publisher, with a quote store and a snapshot that a test
sets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from core.domain.market.quotes import Quote
from core.domain.market.sessions import SlotTimes
from core.domain.operation.events import Severity
from core.domain.trident.trident import Trident
from core.remote.check import TO_PUBLISH, TO_WATCH
from core.remote.follower import Follower
from core.remote.kept_day import KeptDay
from core.remote.keys import RedisKeys
from core.remote.link import RedisLink, RedisTrouble
from core.remote.published_store import PublishedQuoteStore
from core.remote.publisher import Publisher
from core.remote.quote_hashes import QuoteReader
from core.runtime.clock import SystemClock
from core.snapshot import Snapshot
from tests.support.console.scenes import calm

KEYS = RedisKeys("senex", "demo")


async def _nobody_trades() -> bool:
    return False


KEPT_DAY = KeptDay(SlotTimes(), _nobody_trades, Path("no such file"), sends=True)
"""What a watcher reads from its records while nothing is published."""
WATCHER = tuple(f"+{command}" for command in TO_WATCH)
PUBLISHER = tuple(f"+{command}" for command in TO_PUBLISH)
"""The documented rights of a watcher's and of a trader's user, as rules of Redis."""
WITHIN_S = 10.0


class Trader:
    """Another `epoch` means a restart. `said` has the lines shown to the operator."""

    def __init__(self, url: str, epoch: str = "1@2026-03-02T14:44:30+00:00", step_s: float = 0.3) -> None:
        self.clock = SystemClock()
        self.store = PublishedQuoteStore()
        self.shown: Snapshot | None = calm()
        self.trident: Trident | None = None
        self.said: list[tuple[Severity, str]] = []
        self.link = RedisLink(url, step_s)
        self.publisher = Publisher(
            link=self.link,
            keys=KEYS,
            store=self.store,
            snapshot=lambda: self.shown,
            spread=lambda: self.trident,
            clock=self.clock,
            epoch=epoch,
            note=lambda severity, source, text: self.said.append((severity, text)),
        )

    def quote(self, symbol: str, bid: str, ask: str | None = None) -> None:
        now = self.clock.monotonic()
        self.store.put_quotes([Quote(symbol, Decimal(bid), Decimal(ask or bid), now, now)])

    def show(self, detail: str) -> None:
        assert self.shown is not None
        self.shown = replace(self.shown, status=replace(self.shown.status, automation_detail=detail))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.publisher.run())
        try:
            yield
            assert not task.done()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@dataclass
class Reading:
    """A watcher's follower, which a test polls."""

    link: RedisLink
    follower: Follower

    @classmethod
    def of(cls, url: str) -> Reading:
        return cls(RedisLink(url, 2.0), Follower(KEYS))

    async def poll(self) -> Snapshot | None:
        reader = QuoteReader(self.link, KEYS, SystemClock())

        def queue(pipeline: object) -> None:
            self.follower.queue(pipeline)
            reader.queue(pipeline, ())

        screen, *rest = await self.link.exchange(queue)
        self.follower.take(screen, reader.seen(rest, (), SystemClock().monotonic()).trader)
        return self.follower.snapshot

    async def until(self, detail: str) -> Snapshot:
        """Polls until the status is as wanted."""

        async def said() -> bool:
            with suppress(RedisTrouble):
                await self.poll()
            shown = self.follower.snapshot
            return shown is not None and shown.status.automation_detail == detail

        await until(said)
        assert self.follower.snapshot is not None
        return self.follower.snapshot


async def until(true: Callable[[], Awaitable[bool]], within_s: float = WITHIN_S) -> None:
    async with asyncio.timeout(within_s):
        while not await true():  # noqa: ASYNC110 - what is waited for is in another process
            await asyncio.sleep(0.02)
