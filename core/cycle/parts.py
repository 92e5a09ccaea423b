"""The parts that cycles and previews work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.broker.port import AccountReads, Broker
from core.config.loader import Settings
from core.domain.market.underlying import Underlying
from core.guards.gate import TradingGate
from core.market.calendar import SessionCalendar
from core.market.feed import Feed
from core.market.quote_store import QuoteStore
from core.market.study import MarketStudy
from core.orders.entry_desk import EntryDesk
from core.orders.leg_subscriptions import LegSubscriptions
from core.records.records import Records
from core.runtime.bus import Bus
from core.runtime.clock import Clock
from core.runtime.ids import Ids


@dataclass(frozen=True, slots=True)
class CycleParts:
    """The parts a cycle works with. They are the same for every cycle of an engine.

    `judges` says of an account whether what leaves its tridents is kept on record, unit by unit. `note_reads` is given
    each read of an account.
    """

    broker: Broker
    study: MarketStudy
    feed: Feed
    quotes: QuoteStore
    desk: EntryDesk
    gate: TradingGate
    legs: LegSubscriptions
    records: Records
    bus: Bus
    clock: Clock
    ids: Ids
    calendar: SessionCalendar
    settings: Settings
    underlyings: tuple[Underlying, ...]
    judges: Callable[[str], bool]
    note_reads: Callable[[AccountReads], None] = lambda _: None
