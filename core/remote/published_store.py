"""The trader's own memory, which also knows what has changed since it was last published (SPEC 6, 10)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.domain.market.quotes import DaySummary, Quote, Trade, TradingHalt
from core.market.quote_store import MemoryQuoteStore


class PublishedQuoteStore(MemoryQuoteStore):
    """A symbol that changed again before it is taken is taken once: what is kept for publishing never outgrows the
    symbols themselves."""

    def __init__(self) -> None:
        super().__init__()
        self._changed: set[str] = set()
        self.connection = 0
        """Rises when all that is kept ceases to be a price."""

    def take_changed(self) -> frozenset[str]:
        """The symbols with something new since the last call."""
        taken = frozenset(self._changed)
        self._changed.clear()
        return taken

    def mark_changed(self, symbols: Iterable[str]) -> None:
        """These have to be published again."""
        self._changed.update(symbols)

    def mark_all_changed(self) -> None:
        """Whoever reads what is published has lost it."""
        self._changed.update(self._quotes, self._trades, self._summaries, self._halts)

    def put_quotes(self, quotes: Sequence[Quote]) -> None:
        super().put_quotes(quotes)
        self._changed.update(quote.symbol for quote in quotes)

    def put_trades(self, trades: Sequence[Trade]) -> None:
        super().put_trades(trades)
        self._changed.update(trade.symbol for trade in trades)

    def put_summaries(self, summaries: Sequence[DaySummary]) -> None:
        super().put_summaries(summaries)
        self._changed.update(summary.symbol for summary in summaries)

    def put_halts(self, halts: Sequence[TradingHalt]) -> None:
        super().put_halts(halts)
        self._changed.update(halt.symbol for halt in halts)

    def invalidate(self) -> None:
        super().invalidate()
        self.connection += 1

    def expect_snapshot(self, symbols: Iterable[str]) -> None:
        afresh = tuple(symbols)
        super().expect_snapshot(afresh)
        self._changed.update(symbol for symbol in afresh if symbol in self._quotes or symbol in self._trades)

    def halt_of(self, symbol: str) -> TradingHalt | None:
        return self._halts.get(symbol)
