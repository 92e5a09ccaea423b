"""Watches what entries depend on: feed, clock, records, sends. Each opens its breaker and closes it again (rules 9)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from core.domain.operation.breakers import BreakerKind
from core.guards.breakers import Breakers
from core.guards.clock_check import ClockCheck
from core.market.feed import Feed
from core.records.records import Records
from core.records.repositories.rows import AccountRecord
from core.records.store.errors import RecordsError
from core.runtime.clock import Clock, exchange_time

MAX_FAILED_SENDS = 3
STORE_STALL_S = 5.0
STORE_PROVED_S = 1.0
"""For so long after a commit that succeeded the records need no probe: after a cycle, which has just been recorded."""
FEED_PATIENCE_S = 20.0


@dataclass(eq=False, repr=False, kw_only=True)
class Watchdog:
    """Checks everything entries depend on."""

    breakers: Breakers
    clock_check: ClockCheck
    feed: Feed
    records: Records
    clock: Clock
    in_session: Callable[[], bool]
    _feed_fine_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._feed_fine_at = self.clock.monotonic()

    async def check(self, accounts: Sequence[AccountRecord]) -> None:
        """Checks everything once."""
        store_trouble = await self._store_trouble()
        await self.breakers.follow(BreakerKind.STORE, "", store_trouble)
        if store_trouble is None:
            await self.breakers.record_open()
        await self.breakers.follow(BreakerKind.FEED, "", self._feed_trouble())
        await self.follow_clock()
        await self._count_sends(accounts)

    def clock_has_turned(self) -> bool:
        """Whether the breaker for the clock is not as the clock is now."""
        return (self._clock_trouble() is not None) != self.breakers.is_open(BreakerKind.CLOCK)

    async def follow_clock(self) -> None:
        """Opens or closes the breaker for the clock. It is only the record: the gate asks the clock itself."""
        await self.breakers.follow(BreakerKind.CLOCK, "", self._clock_trouble())

    async def _count_sends(self, accounts: Sequence[AccountRecord]) -> None:
        """Stops an account after three failed sends in a session, until the next session. Each reset by the operator
        allows three more."""
        midnight = exchange_time(self.clock.now()).replace(hour=0, minute=0, second=0, microsecond=0)
        failed = await self.records.entries.failed_sends(midnight.date())
        resets = await self.records.breakers.resets(BreakerKind.SENDS, midnight) if failed else Counter[str]()
        for account in accounts:
            allowed = MAX_FAILED_SENDS * (1 + resets[account.number])
            count = failed[account.number]
            trouble = f"{count} sends failed today" if count >= allowed else None
            await self.breakers.follow(BreakerKind.SENDS, account.number, trouble)

    async def _store_trouble(self) -> str | None:
        stalled = self.records.oldest_call_s(self.clock.monotonic())
        if stalled > STORE_STALL_S:
            return f"the records have not answered for {stalled:.0f} s"
        if self.records.committed_within(STORE_PROVED_S):
            return None
        try:
            await self.records.probe()
        except RecordsError as error:
            return str(error)
        return None

    def _feed_trouble(self) -> str | None:
        now = self.clock.monotonic()
        if not self.in_session() or self.feed.is_live(now):
            self._feed_fine_at = now
            return None
        silent = now - self._feed_fine_at
        if silent <= FEED_PATIENCE_S:
            return None
        return f"the quote feed has not been live for {silent:.0f} s: {self.feed.why_not_live()}"

    def _clock_trouble(self) -> str | None:
        return self.clock_check.trouble(in_session=self.in_session())
