"""Fresh quotes for closing: from the feed, else from market data; and the halts after which no price is believed at
once (rules 15.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from core.broker.pace import Pace, Turn, Work
from core.broker.port import Broker, BrokerError
from core.domain.market.quotes import Quote
from core.domain.operation import amounts
from core.domain.positions.close_prices import spread_prices, unusable
from core.domain.positions.units import Unit, left_of
from core.domain.positions.walk import ClosePrices
from core.market.feed import Feed, LegSubscription
from core.market.quote_store import QuoteReads
from core.runtime.clock import Clock

LIVE_AFTER_HALT_S = 300.0
"""Wall seconds for which an underlying must be live again after a halt before a price is changed."""


@dataclass(frozen=True, slots=True)
class LegQuotes:
    """The quotes that may be closed on, by OCC symbol, at the monotonic second `at_s`. `missing` says which legs have
    none and why, empty when all have."""

    quotes: Mapping[str, Quote]
    at_s: float
    missing: str = ""

    def spread(self, unit: Unit) -> ClosePrices | None:
        """What closing one spread like this unit costs."""
        return spread_prices(self.quotes.get(unit.short), self.quotes.get(unit.long), self.at_s)

    def side(self, units: Iterable[Unit], *, puts: bool) -> ClosePrices | None:
        """What closing one of the puts, or the call, costs; None without a unit that is left there."""
        unit = next((one for one in left_of(units) if one.is_put is puts), None)
        return None if unit is None else self.spread(unit)


@dataclass(eq=False, repr=False)
class CloseQuotes:
    """Quotes of the legs that are to be closed. `login_of` names the login that reaches an account."""

    feed: Feed
    store: QuoteReads
    broker: Broker
    pace: Pace
    clock: Clock
    login_of: Callable[[str], str]
    _held: dict[str, tuple[frozenset[str], LegSubscription]] = field(init=False, default_factory=dict)
    _halted_s: dict[str, float] = field(init=False, default_factory=dict)

    @property
    def is_watching(self) -> bool:
        """Whether the legs of a trident are subscribed, because its close goes on."""
        return bool(self._held)

    async def hold(self, trident_id: str, streamers: Iterable[str]) -> None:
        """Keeps these legs of a trident subscribed, and no others of it any more. Those that are subscribed already are
        not subscribed anew."""
        wanted = frozenset(filter(None, streamers))
        held = self._held.get(trident_id)
        if held is not None and held[0] == wanted:
            return
        new = await self.feed.hold_legs(sorted(wanted))
        before = self._held.pop(trident_id, None)
        self._held[trident_id] = wanted, new
        if before is not None:
            await self.feed.release(before[1])

    async def release(self, trident_id: str) -> None:
        """Ends the subscriptions of a trident that is not closed any more."""
        held = self._held.pop(trident_id, None)
        if held is not None:
            await self.feed.release(held[1])

    async def of(self, account: str, legs: Mapping[str, str], work: Work = Work.STEP) -> LegQuotes:
        """Fresh quotes of these legs, given as OCC symbols with their streamer symbols.

        A leg without a usable quote of the feed is read from market data: one that is nearly worthless sends no event
        for minutes. What cannot be read there is missing.
        """
        now_s = self.clock.monotonic()
        found = {symbol: quote for symbol, streamer in legs.items() if (quote := self._quoted(streamer, now_s))}
        silent = [symbol for symbol in legs if symbol not in found]
        if not silent:
            return LegQuotes(found, now_s)
        await self.pace.take(Turn(self.login_of(account), account, work))
        try:
            read = await self.broker.option_quotes(silent)
        except BrokerError as error:
            words = f"market data of {amounts.counted(len(silent), 'leg')} could not be read: {error.detail}"
            return LegQuotes(found, self.clock.monotonic(), words)
        now_s = self.clock.monotonic()
        why = {symbol: unusable(read.get(symbol), now_s) for symbol in silent}
        found |= {symbol: read[symbol] for symbol, words in why.items() if not words}
        # The request may have taken long: what the feed had may be too old by now.
        why |= {symbol: unusable(quote, now_s) for symbol, quote in found.items()}
        fresh = {symbol: quote for symbol, quote in found.items() if not why[symbol]}
        return LegQuotes(fresh, now_s, ", ".join(f"{symbol} {words}" for symbol, words in why.items() if words))

    def look(self, underlyings: Iterable[str]) -> None:
        """Looks for halts. Called at least once in some seconds while something is closed."""
        now_s = self.clock.monotonic()
        for symbol in underlyings:
            after_halt = symbol in self._halted_s
            if self.store.halted(symbol) or (after_halt and not self.feed.is_live(now_s)):
                self._halted_s[symbol] = now_s
            elif after_halt and now_s - self._halted_s[symbol] >= LIVE_AFTER_HALT_S:
                del self._halted_s[symbol]

    def halted(self, underlying: str) -> str:
        """Why no price of this underlying's options is changed: it is halted, or was so lately. Empty when it may
        be."""
        self.look([underlying])
        since_s = self._halted_s.get(underlying)
        if since_s is None:
            return ""
        if self.store.halted(underlying):
            return f"{underlying} is halted"
        rest_s = LIVE_AFTER_HALT_S - (self.clock.monotonic() - since_s)
        return f"{underlying} was halted; prices change again after {rest_s:.0f} s without a halt"

    def _quoted(self, streamer: str, now_s: float) -> Quote | None:
        quote = self.store.quote(streamer) if streamer else None
        return quote if quote is not None and not unusable(quote, now_s) else None
