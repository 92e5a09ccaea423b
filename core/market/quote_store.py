"""The newest market data by symbol, and what may still be called a price.

After a disconnect nothing kept is a price until its symbol has had a new event; it can still be shown. The first
event of a symbol after a subscription is its snapshot, which may be hours old: it proves nothing about the feed being
alive (SPEC 4.3).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Protocol

from core.domain.market.quotes import DaySummary, Quote, Trade, TradingHalt


class QuoteReads(Protocol):
    """What is asked of a store: of the trader's memory, or of what a watcher has read. All monotonic seconds are the
    asker's clock's."""

    def quote(self, symbol: str) -> Quote | None:
        """The newest quote of this connection, None without one."""
        ...

    def quotes(self, symbols: Iterable[str]) -> dict[str, Quote]:
        """The newest quotes of this connection; symbols without one are left out."""
        ...

    def trade(self, symbol: str) -> Trade | None:
        """The newest trade of this connection, None without one."""
        ...

    def last_known_quote(self, symbol: str) -> Quote | None:
        """For display only: also from before a disconnect."""
        ...

    def last_known_trade(self, symbol: str) -> Trade | None:
        """For display only: also from before a disconnect."""
        ...

    def summary(self, symbol: str) -> DaySummary | None: ...

    def halted(self, symbol: str) -> bool:
        """Whether the exchange last reported the symbol halted; this outlives a disconnect."""
        ...

    def mark(self, symbol: str) -> int:
        """A point in the symbol's events, for `events_since`."""
        ...

    def events_since(self, symbol: str, mark: int) -> int:
        """How many quotes of the symbol came after the mark."""
        ...

    def moved(self, symbol: str) -> bool:
        """Whether the symbol has had an event after its snapshot on this connection."""
        ...

    @property
    def last_event_at(self) -> float | None:
        """The monotonic second of the newest event that was not a snapshot, on this connection."""
        ...


class QuoteStore(QuoteReads, Protocol):
    """Written by the feed, read by everyone."""

    def put_quotes(self, quotes: Sequence[Quote]) -> None: ...

    def put_trades(self, trades: Sequence[Trade]) -> None: ...

    def put_summaries(self, summaries: Sequence[DaySummary]) -> None: ...

    def put_halts(self, halts: Sequence[TradingHalt]) -> None: ...

    def invalidate(self) -> None:
        """The connection is gone: nothing kept is a price any more, and the next event of each symbol is a snapshot."""
        ...

    def expect_snapshot(self, symbols: Iterable[str]) -> None:
        """A subscription of these symbols begins afresh: their next event is a snapshot."""
        ...


class _Kind(Enum):
    QUOTE = "quote"
    TRADE = "trade"


class MemoryQuoteStore:
    """A QuoteStore in this process's memory: the one the trader prices from (SPEC 6)."""

    def __init__(self) -> None:
        self._quotes: dict[str, Quote] = {}
        self._trades: dict[str, Trade] = {}
        self._summaries: dict[str, DaySummary] = {}
        self._halts: dict[str, TradingHalt] = {}
        self._current: set[tuple[_Kind, str]] = set()
        self._snapshotted: set[tuple[_Kind, str]] = set()
        self._moved: set[str] = set()
        self._quote_counts: dict[str, int] = {}
        self._last_event_at: float | None = None

    def put_quotes(self, quotes: Sequence[Quote]) -> None:
        for quote in quotes:
            self._quotes[quote.symbol] = quote
            self._quote_counts[quote.symbol] = self._quote_counts.get(quote.symbol, 0) + 1
            self._note(_Kind.QUOTE, quote.symbol, quote.received)

    def put_trades(self, trades: Sequence[Trade]) -> None:
        for trade in trades:
            self._trades[trade.symbol] = trade
            self._note(_Kind.TRADE, trade.symbol, trade.received)

    def put_summaries(self, summaries: Sequence[DaySummary]) -> None:
        """Figures of the day: they come without the market moving, so they prove no life."""
        self._summaries.update((summary.symbol, summary) for summary in summaries)

    def put_halts(self, halts: Sequence[TradingHalt]) -> None:
        self._halts.update((halt.symbol, halt) for halt in halts)

    def quote(self, symbol: str) -> Quote | None:
        return self._quotes.get(symbol) if (_Kind.QUOTE, symbol) in self._current else None

    def quotes(self, symbols: Iterable[str]) -> dict[str, Quote]:
        found = ((symbol, self.quote(symbol)) for symbol in symbols)
        return {symbol: quote for symbol, quote in found if quote is not None}

    def trade(self, symbol: str) -> Trade | None:
        return self._trades.get(symbol) if (_Kind.TRADE, symbol) in self._current else None

    def last_known_quote(self, symbol: str) -> Quote | None:
        return self._quotes.get(symbol)

    def last_known_trade(self, symbol: str) -> Trade | None:
        return self._trades.get(symbol)

    def summary(self, symbol: str) -> DaySummary | None:
        return self._summaries.get(symbol)

    def halted(self, symbol: str) -> bool:
        halt = self._halts.get(symbol)
        return halt is not None and halt.halted

    def invalidate(self) -> None:
        self._current.clear()
        self._snapshotted.clear()
        self._moved.clear()
        self._last_event_at = None

    def expect_snapshot(self, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            self._moved.discard(symbol)
            for kind in _Kind:
                self._snapshotted.discard((kind, symbol))

    def mark(self, symbol: str) -> int:
        return self._quote_counts.get(symbol, 0)

    def events_since(self, symbol: str, mark: int) -> int:
        return self._quote_counts.get(symbol, 0) - mark

    def moved(self, symbol: str) -> bool:
        return symbol in self._moved

    @property
    def last_event_at(self) -> float | None:
        return self._last_event_at

    def _note(self, kind: _Kind, symbol: str, received: float) -> None:
        self._current.add((kind, symbol))
        if (kind, symbol) not in self._snapshotted:
            self._snapshotted.add((kind, symbol))
            return
        self._moved.add(symbol)
        self._last_event_at = received if self._last_event_at is None else max(self._last_event_at, received)
