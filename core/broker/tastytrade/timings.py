"""How long the adapter waits, in wall seconds. The defaults are the product's; tests shorten them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timings:
    """For requests see broker 2.1, for streams broker 6."""

    connect: float = 5.0
    read: float = 15.0
    """A read as a whole, from its request to the last byte of its answer. A read is tried up to three times."""
    order: float = 10.0
    """Sending an order as a whole, with the token before it. After it nothing is known of an order that had left."""
    cancel: float = 10.0
    login: float = 20.0
    enter_stream: float = 15.0
    """Opening a stream, its login included. The SDK itself would wait, or ask again, for ever."""
    socket_silence: float = 75.0
    """Without a byte for this long, the connection is given up. The server promises something at least every 60 s."""
    data_silence: float = 60.0
    """Without any event in regular trading hours for this long, the connection is given up."""
    token_life: float = 23 * 3600.0
    """The stream is renewed after this long: a quote token expires after 24 h."""
    good_data: float = 5.0
    """A connection that stood for this long resets the back-off."""
    drain: float = 0.05
    """The pause between two deliveries to the sink; of the events in it only the latest of each symbol is delivered."""
    quote_aggregation: float = 0.2
    slow_aggregation: float = 0.5
    candle_quiet: float = 2.0
    """A snapshot without an end mark counts as complete after this long without a candle."""
    candles: float = 20.0
    marks_age: float = 10.0
    """An older mark is not a price (rules 2)."""
