"""The trader's store of quotes, which also knows what changed since it was last published (rules 6, 10)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.domain.market.quotes import DaySummary, Quote, Trade, TradingHalt
from core.market.quote_store import MemoryQuoteStore


class PublishedQuoteStore(MemoryQuoteStore):
    """A quote store that remembers which symbols changed. A symbol that changed several times is remembered once, so
    what waits to be published never outgrows the symbols."""

    def __init__(self) -> None:
        super().__init__()
        self._changed: set[str] = set()
        self.connection = 0
        """Rises by one each time when nothing in the store is a current price any longer."""

    def take_changed(self) -> frozenset[str]:
        """The symbols that changed since the last call."""
        taken = frozenset(self._changed)
        self._changed.clear()
        return taken

    def mark_changed(self, symbols: Iterable[str]) -> None:
        """Marks these symbols to be published again."""
        self._changed.update(symbols)

    def mark_all_changed(self) -> None:
        """Marks every known symbol to be published again, because what was published is lost."""
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
