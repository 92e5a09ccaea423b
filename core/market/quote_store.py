"""The newest market data of each symbol, and whether it still counts as a price.

After a disconnect, stored data is no price until its symbol has had a new event; it can still be shown. The first event
of a symbol after a subscription is its snapshot. It may be hours old, so it does not prove that the feed is live
(rules 4.3).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Protocol

from core.domain.market.quotes import DaySummary, Quote, Trade, TradingHalt


class QuoteReads(Protocol):
    """The reading side of a store: the trader's own memory, or what a watcher has received.

    Monotonic seconds are those of the reader's clock.
    """

    def quote(self, symbol: str) -> Quote | None:
        """The newest quote of this connection; None without one."""
        ...

    def quotes(self, symbols: Iterable[str]) -> dict[str, Quote]:
        """The newest quotes of this connection; symbols without one are left out."""
        ...

    def trade(self, symbol: str) -> Trade | None:
        """The newest trade of this connection; None without one."""
        ...

    def last_known_quote(self, symbol: str) -> Quote | None:
        """The newest quote, also from before a disconnect. For display only."""
        ...

    def last_known_trade(self, symbol: str) -> Trade | None:
        """The newest trade, also from before a disconnect. For display only."""
        ...

    def summary(self, symbol: str) -> DaySummary | None: ...

    def halted(self, symbol: str) -> bool:
        """Whether the exchange last reported the symbol as halted. A disconnect does not change the answer."""
        ...

    def mark(self, symbol: str) -> int:
        """The symbol's count of quotes so far, for `events_since`."""
        ...

    def events_since(self, symbol: str, mark: int) -> int:
        """How many quotes of the symbol have come since the mark."""
        ...

    def moved(self, symbol: str) -> bool:
        """Whether the symbol has had an event after its snapshot on this connection."""
        ...

    @property
    def last_event_at(self) -> float | None:
        """The monotonic second of this connection's newest event that was not a snapshot; None before the first."""
        ...


class QuoteStore(QuoteReads, Protocol):
    """A store of market data. The feed writes it, everyone reads it."""

    def put_quotes(self, quotes: Sequence[Quote]) -> None: ...

    def put_trades(self, trades: Sequence[Trade]) -> None: ...

    def put_summaries(self, summaries: Sequence[DaySummary]) -> None: ...

    def put_halts(self, halts: Sequence[TradingHalt]) -> None: ...

    def invalidate(self) -> None:
        """Says that the connection is lost.

        No stored data is a price any more, and the next event of each symbol is a snapshot.
        """
        ...

    def expect_snapshot(self, symbols: Iterable[str]) -> None:
        """Says that these symbols are subscribed anew: the next event of each is a snapshot."""
        ...


class _Kind(Enum):
    QUOTE = "quote"
    TRADE = "trade"


class MemoryQuoteStore:
    """A QuoteStore in the memory of this process; the trader prices from it (rules 6)."""

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
        """Stores figures of the day.

        They come even when the market stands still, so they do not count as a sign of life.
        """
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
        """Counts an event.

        The first of its kind and symbol is the snapshot; every later one shows that the feed is live.
        """
        self._current.add((kind, symbol))
        if (kind, symbol) not in self._snapshotted:
            self._snapshotted.add((kind, symbol))
            return
        self._moved.add(symbol)
        self._last_event_at = received if self._last_event_at is None else max(self._last_event_at, received)
