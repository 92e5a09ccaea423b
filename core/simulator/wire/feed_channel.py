"""One channel of a feed connection: its format, its subscriptions and the frames that are due (broker 3)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core.simulator.wire.feed_events import FIELDS, MIN_PERIOD, FeedEvents, Value

MAX_FRAME = 60_000
"""Characters of the values in one frame. Clients end the connection at frames of 65,536 bytes (broker 3)."""

MIN_AGGREGATION = 0.1
MAX_AGGREGATION = 60.0
"""Bounds of the aggregation period, in wall seconds."""

COMPACT = "COMPACT"
FULL = "FULL"


class MessageInvalid(ValueError):
    """A message from the client is invalid. The answer is ERROR INVALID_MESSAGE with this text."""


EVENT_TYPE = "eventType"
"""A field that every event has and that is none of FIELDS: the broker's JavaScript client asks for it."""


@dataclass(slots=True)
class Subscription:
    """A subscription of one symbol and event type (`kind`)."""

    kind: str
    symbol: str
    since: datetime | None = None
    """The first instant of a candle snapshot; None for other event types."""
    last: tuple[Value, ...] | None = None
    """The values that were sent last."""
    due: float = 0.0
    """Monotonic second at which the market is read next."""
    snapshot_sent: bool = False


class Channel:
    """An open channel of the service FEED. `full` selects the FULL format instead of COMPACT."""

    def __init__(self, number: int, full: bool) -> None:
        self.number = number
        self.full = full
        self.aggregation = MIN_AGGREGATION
        self._fields: dict[str, tuple[str, ...]] = {}
        self._places: dict[str, tuple[int, ...]] = {}
        self._announced: set[str] = set()
        self._subscriptions: dict[tuple[str, str], Subscription] = {}

    def set_up(self, message: Mapping[str, Any]) -> str:
        """Applies a FEED_SETUP and returns the FEED_CONFIG that answers it, as JSON. Raises MessageInvalid."""
        period = message.get("acceptAggregationPeriod", self.aggregation)
        if isinstance(period, bool) or not isinstance(period, int | float):
            raise MessageInvalid(f"acceptAggregationPeriod {period!r} is not a number of seconds")
        self.aggregation = min(max(float(period), MIN_AGGREGATION), MAX_AGGREGATION)
        asked = message.get("acceptDataFormat", COMPACT)
        if asked not in (COMPACT, FULL):
            raise MessageInvalid(f"acceptDataFormat {asked!r} is neither COMPACT nor FULL")
        self.full = self.full or asked == FULL
        accepted = message.get("acceptEventFields") or {}
        if not isinstance(accepted, dict):
            raise MessageInvalid("acceptEventFields is not an object")
        for kind, names in accepted.items():
            if kind in FIELDS and isinstance(names, list):
                self._choose(kind, tuple(name for name in names if name == EVENT_TYPE or name in FIELDS[kind]))
        return self.config()

    def config(self, kinds: tuple[str, ...] | None = None) -> str:
        """A FEED_CONFIG as JSON, for these event types or for all whose fields are known."""
        chosen = self._fields if kinds is None else {kind: self._fields[kind] for kind in kinds}
        message: dict[str, Any] = {
            "type": "FEED_CONFIG",
            "channel": self.number,
            "aggregationPeriod": self.aggregation,
            "dataFormat": FULL if self.full else COMPACT,
        }
        if chosen:
            message["eventFields"] = {kind: list(names) for kind, names in chosen.items()}
            self._announced.update(chosen)
        return json.dumps(message)

    def subscribe(self, message: Mapping[str, Any]) -> None:
        """Applies a FEED_SUBSCRIPTION. Unknown event types are ignored. Raises MessageInvalid."""
        if message.get("reset") is True:
            self._subscriptions.clear()
        for kind, symbol, _ in _entries(message, "remove"):
            self._subscriptions.pop((kind, symbol), None)
        for kind, symbol, from_time in _entries(message, "add"):
            if kind not in FIELDS:
                continue
            since = datetime.fromtimestamp(max(from_time, 0) / 1000, UTC) if kind == "Candle" else None
            self._subscriptions[kind, symbol] = Subscription(kind, symbol, since)

    @property
    def subscribed(self) -> int:
        """The number of subscriptions."""
        return len(self._subscriptions)

    def frames(self, events: FeedEvents, at: datetime, monotonic: float) -> Iterator[str]:
        """The frames that are due, as JSON. A new subscription sends its current values, an older one only changes.

        `at` is market time and `monotonic` the monotonic second at this moment.
        """
        batch: list[str] = []
        kind, size = "", 0
        for subscription in sorted(self._due(monotonic), key=lambda entry: entry.kind):
            for values in self._changes(subscription, events, at):
                text = self._encode(subscription.kind, values)
                if batch and (subscription.kind != kind or size + len(text) > MAX_FRAME):
                    yield from self._frame(kind, batch)
                    batch, size = [], 0
                kind = subscription.kind
                batch.append(text)
                size += len(text) + 1
            subscription.due = monotonic + max(self.aggregation, MIN_PERIOD[subscription.kind])
        if batch:
            yield from self._frame(kind, batch)

    def bad_arity(self) -> str | None:
        """A COMPACT frame with one value too few, made from the event sent last. None before the first event."""
        for subscription in self._subscriptions.values():
            if subscription.last is not None and not self.full:
                values = self._picked(subscription.kind, subscription.last)[:-1]
                message = {"type": "FEED_DATA", "channel": self.number, "data": [subscription.kind, values]}
                return json.dumps(message)
        return None

    def _due(self, monotonic: float) -> list[Subscription]:
        # A small tolerance: a read slightly too early must not skip a whole period.
        return [entry for entry in self._subscriptions.values() if entry.due <= monotonic + 0.01]

    def _changes(self, subscription: Subscription, events: FeedEvents, at: datetime) -> list[tuple[Value, ...]]:
        if subscription.kind == "Candle":
            if not subscription.snapshot_sent:
                subscription.snapshot_sent = True
                snapshot = events.candle_snapshot(subscription.symbol, subscription.since or at, at)
                subscription.last = (*snapshot[0][:2], 0, *snapshot[0][3:])
                return snapshot
            values = events.forming_candle(subscription.symbol, at)
        else:
            values = events.event(subscription.kind, subscription.symbol, at)
        if values is None or values == subscription.last:
            return []
        subscription.last = values
        return [values]

    def _choose(self, kind: str, names: tuple[str, ...]) -> None:
        self._fields[kind] = names
        self._places[kind] = tuple(-1 if name == EVENT_TYPE else FIELDS[kind].index(name) for name in names)

    def _picked(self, kind: str, values: tuple[Value, ...]) -> list[Value]:
        places = self._places.get(kind, range(len(values)))
        return [kind if place < 0 else values[place] for place in places]

    def _encode(self, kind: str, values: tuple[Value, ...]) -> str:
        if kind not in self._fields:
            self._choose(kind, FIELDS[kind])
        picked = self._picked(kind, values)
        if self.full:
            return json.dumps({"eventType": kind, **dict(zip(self._fields[kind], picked, strict=True))})
        return json.dumps(picked)[1:-1]

    def _frame(self, kind: str, batch: list[str]) -> Iterator[str]:
        """A data frame. Before the first one of an event type comes its FEED_CONFIG."""
        if kind not in self._announced:
            yield self.config((kind,))
        joined = ",".join(batch)
        data = f"[{joined}]" if self.full else f'["{kind}",[{joined}]]'
        yield f'{{"type":"FEED_DATA","channel":{self.number},"data":{data}}}'


def _entries(message: Mapping[str, Any], key: str) -> Iterator[tuple[str, str, float]]:
    listed = message.get(key) or []
    if not isinstance(listed, list):
        raise MessageInvalid(f"{key} is not a list")
    for entry in listed:
        if not isinstance(entry, dict):
            raise MessageInvalid(f"an entry of {key} is not an object")
        kind, symbol, from_time = entry.get("type"), entry.get("symbol"), entry.get("fromTime", 0)
        if not isinstance(kind, str) or not isinstance(symbol, str):
            raise MessageInvalid(f"an entry of {key} has no type or no symbol")
        if isinstance(from_time, bool) or not isinstance(from_time, int | float):
            raise MessageInvalid(f"fromTime {from_time!r} is not a number of milliseconds")
        yield kind, symbol, float(from_time)
