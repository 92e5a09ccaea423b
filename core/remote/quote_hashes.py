"""Quotes in Redis: one hash for each symbol, read back as a store like the trader's own.

Times in the hashes are seconds of the writer's monotonic clock. The trader's own hash has the newest reading of that
clock, and its remaining lifetime tells how long ago that was, by the server's clock. So the machines need not agree on
the time. What is read is converted to the reader's clock. An age is then too old by one exchange at most, and too young
by no more than the writer's exchange.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from core.domain.market.quotes import DaySummary, Quote, Trade
from core.remote.keys import RedisKeys
from core.remote.link import RedisLink
from core.remote.published_store import PublishedQuoteStore
from core.runtime.clock import Clock

TRADER_LIFETIME_MS = 30_000
"""A trader that was away this long has no quote that could still be a price (rules 6)."""
QUOTE_LIFETIME_MS = 120_000
RENEW_S = 30.0
"""All quotes are written again after this many seconds, so that they do not expire while the trader lives."""

Fields = dict[str, str]


class QuotesUnreadable(Exception):
    """What is in Redis was not written by this version of senex."""


def fields_of(store: PublishedQuoteStore, symbol: str, connection: str) -> Fields:
    """The hash of a symbol: all that is known of it, or nothing. `connection` marks what is still a price."""
    fields: Fields = {}
    quote, trade = store.last_known_quote(symbol), store.last_known_trade(symbol)
    if quote is not None:
        fields |= {
            "bid": _amount(quote.bid),
            "ask": _amount(quote.ask),
            "bid_size": _amount(quote.bid_size),
            "ask_size": _amount(quote.ask_size),
            "received": repr(quote.received),
            "as_of": repr(quote.as_of),
            "count": str(store.mark(symbol)),
            "connection": connection if store.quote(symbol) is not None else "",
        }
    if trade is not None:
        fields |= {
            "trade": _amount(trade.price),
            "trade_volume": _amount(trade.day_volume),
            "trade_received": repr(trade.received),
            "trade_as_of": repr(trade.as_of),
            "trade_connection": connection if store.trade(symbol) is not None else "",
        }
    summary, halt = store.summary(symbol), store.halt_of(symbol)
    if summary is not None:
        fields |= {
            "previous_close": _amount(summary.previous_close),
            "day_open": _amount(summary.day_open),
            "day_high": _amount(summary.day_high),
            "day_low": _amount(summary.day_low),
            "summary_received": repr(summary.received),
            "summary_day": "" if summary.day is None else summary.day.isoformat(),
        }
    if halt is not None:
        fields |= {"halted": "yes" if halt.halted else "no", "halt_received": repr(halt.received)}
    if quote is not None or trade is not None:
        fields["moved"] = connection if store.moved(symbol) else ""
    return fields


def _amount(value: Decimal | None) -> str:
    return "" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class TraderSeen:
    """The trader's hash as it was read."""

    fields: Mapping[str, str]
    shift: float
    """Added to a monotonic second of the writer, it gives that of the reader."""
    unseen_s: float
    """Seconds since the hash was renewed."""

    @property
    def connection(self) -> str:
        return self.fields.get("connection", "")


class QuotesSeen:
    """What one read found, on the reader's clock. It answers like a quote store and never changes."""

    def __init__(self, trader: TraderSeen | None, found: Mapping[str, Mapping[str, str]]) -> None:
        """`found` has the hash of each symbol. Without a trader nothing in them is a price, but it can still be shown.
        Raises QuotesUnreadable."""
        self.trader = trader
        self._connection = "" if trader is None else trader.connection
        self._shift = 0.0 if trader is None else trader.shift
        self._found = found
        try:
            self._quotes = {s: _quote(s, f, self._shift) for s, f in found.items() if "received" in f}
            self._trades = {s: _trade(s, f, self._shift) for s, f in found.items() if "trade_received" in f}
            self._summaries = {s: _summary(s, f, self._shift) for s, f in found.items() if "summary_received" in f}
            self._counts = {s: int(f["count"]) for s, f in found.items() if "count" in f}
            newest = "" if trader is None else trader.fields.get("last_event", "")
            self._last_event_at = float(newest) + self._shift if newest else None
        except (KeyError, ValueError, InvalidOperation) as error:
            raise QuotesUnreadable("a quote in Redis cannot be read") from error

    def quote(self, symbol: str) -> Quote | None:
        return self._quotes.get(symbol) if self._is_of_now(symbol, "connection") else None

    def quotes(self, symbols: Iterable[str]) -> dict[str, Quote]:
        found = ((symbol, self.quote(symbol)) for symbol in symbols)
        return {symbol: quote for symbol, quote in found if quote is not None}

    def trade(self, symbol: str) -> Trade | None:
        return self._trades.get(symbol) if self._is_of_now(symbol, "trade_connection") else None

    def last_known_quote(self, symbol: str) -> Quote | None:
        return self._quotes.get(symbol)

    def last_known_trade(self, symbol: str) -> Trade | None:
        return self._trades.get(symbol)

    def summary(self, symbol: str) -> DaySummary | None:
        return self._summaries.get(symbol)

    def halted(self, symbol: str) -> bool:
        return self._found.get(symbol, {}).get("halted") == "yes"

    def mark(self, symbol: str) -> int:
        return self._counts.get(symbol, 0)

    def events_since(self, symbol: str, mark: int) -> int:
        return self.mark(symbol) - mark

    def moved(self, symbol: str) -> bool:
        return self._is_of_now(symbol, "moved")

    @property
    def last_event_at(self) -> float | None:
        return self._last_event_at

    def _is_of_now(self, symbol: str, field: str) -> bool:
        return bool(self._connection) and self._found.get(symbol, {}).get(field) == self._connection


def _quote(symbol: str, fields: Mapping[str, str], shift: float) -> Quote:
    return Quote(
        symbol,
        _value(fields["bid"]),
        _value(fields["ask"]),
        float(fields["received"]) + shift,
        float(fields["as_of"]) + shift,
        _value(fields["bid_size"]),
        _value(fields["ask_size"]),
    )


def _trade(symbol: str, fields: Mapping[str, str], shift: float) -> Trade:
    received, as_of = float(fields["trade_received"]) + shift, float(fields["trade_as_of"]) + shift
    return Trade(symbol, Decimal(fields["trade"]), received, as_of, _value(fields["trade_volume"]))


def _summary(symbol: str, fields: Mapping[str, str], shift: float) -> DaySummary:
    day = fields.get("summary_day", "")  # a trader of an earlier version does not write it
    return DaySummary(
        symbol,
        previous_close=_value(fields["previous_close"]),
        day_open=_value(fields["day_open"]),
        day_high=_value(fields["day_high"]),
        day_low=_value(fields["day_low"]),
        received=float(fields["summary_received"]) + shift,
        day=date.fromisoformat(day) if day else None,
    )


def _value(text: str) -> Decimal | None:
    return Decimal(text) if text else None


class QuoteWriter:
    """Puts what changed in the trader's store on a pipeline. After `failed` it counts as changed again."""

    def __init__(self, store: PublishedQuoteStore, keys: RedisKeys, epoch: str, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._epoch = epoch
        self._clock = clock
        self._renewed_at = clock.monotonic()
        self._taken: frozenset[str] = frozenset()

    def queue(self, pipeline: Any, about_trader: Mapping[str, str]) -> None:
        """Queues the symbols first and the trader's hash last, because what is newer than that hash is no price yet."""
        now = self._clock.monotonic()
        if now - self._renewed_at >= RENEW_S:
            self._renewed_at = now
            self._store.mark_all_changed()
        connection = f"{self._epoch}/{self._store.connection}"
        self._taken = self._store.take_changed()
        for symbol in sorted(self._taken):
            fields = fields_of(self._store, symbol, connection)
            if fields:
                pipeline.hset(self._keys.quote(symbol), mapping=fields)
                pipeline.pexpire(self._keys.quote(symbol), QUOTE_LIFETIME_MS)
        newest = self._store.last_event_at
        trader = {
            **about_trader,
            "epoch": self._epoch,
            "connection": connection,
            "mono": repr(now),
            "last_event": "" if newest is None else repr(newest),
        }
        pipeline.hset(self._keys.trader, mapping=trader)
        pipeline.pexpire(self._keys.trader, TRADER_LIFETIME_MS)

    def failed(self) -> None:
        """Marks what was queued last as changed again, because it may not have arrived."""
        self._store.mark_changed(self._taken)
        self._taken = frozenset()


class QuoteReader:
    """Reads the quotes of any number of symbols in one round trip."""

    def __init__(self, link: RedisLink, keys: RedisKeys, clock: Clock) -> None:
        self._link = link
        self._keys = keys
        self._clock = clock

    async def read(self, symbols: Sequence[str]) -> QuotesSeen:
        """Reads these symbols. Raises RedisTrouble, QuotesUnreadable."""
        before = self._clock.monotonic()
        answers = await self._link.exchange(lambda pipeline: self.queue(pipeline, symbols))
        return self.seen(answers, symbols, before)

    def queue(self, pipeline: Any, symbols: Sequence[str]) -> None:
        """Puts the commands of a read on the pipeline of another exchange; `seen` takes the answers."""
        pipeline.hgetall(self._keys.trader)
        pipeline.pttl(self._keys.trader)
        for symbol in symbols:
            pipeline.hgetall(self._keys.quote(symbol))

    def seen(self, answers: Sequence[Any], symbols: Sequence[str], asked_at: float) -> QuotesSeen:
        """What the answers say. `asked_at` is the reader's monotonic second before asking. Raises QuotesUnreadable."""
        fields, lifetime_ms, *found = answers
        trader = _trader(texts(fields), int(lifetime_ms), asked_at)
        each = {symbol: texts(of) for symbol, of in zip(symbols, found, strict=True)}
        return QuotesSeen(trader, {symbol: of for symbol, of in each.items() if of})


def _trader(fields: Mapping[str, str], lifetime_ms: int, asked_at: float) -> TraderSeen | None:
    if not fields or lifetime_ms <= 0:
        return None
    unseen_s = max(0.0, (TRADER_LIFETIME_MS - lifetime_ms) / 1000)
    try:
        return TraderSeen(fields, asked_at - float(fields["mono"]) - unseen_s, unseen_s)
    except (KeyError, ValueError):
        raise QuotesUnreadable("what the trader says of itself in Redis cannot be read") from None


def texts(fields: Mapping[bytes, bytes]) -> dict[str, str]:
    """A hash of Redis as text. Bytes that are no text become replacement marks, which no figure can be read from."""
    return {name.decode(errors="replace"): value.decode(errors="replace") for name, value in fields.items()}
