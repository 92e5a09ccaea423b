"""Builds what takes tridents to their end from an engine's parts (rules 15)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.domain.positions.tridents import ExitMode
from core.engine.parts import EngineParts
from core.guards.breakers import Breakers
from core.guards.gate import TradingGate
from core.guards.stops import Stops
from core.market.feed import Feed
from core.market.quote_store import QuoteReads
from core.market.study import MarketStudy
from core.orders.cancels import Canceller
from core.orders.desk import OrderDesk
from core.orders.sending import SendingRules
from core.orders.tracker import OrderTracker
from core.positions.room import TridentRoom
from core.records.repositories.rows import AccountRecord
from core.runtime.bus import Bus


def trident_room(
    parts: EngineParts,
    bus: Bus,
    gate: TradingGate,
    breakers: Breakers,
    stops: Stops,
    feed: Feed,
    quotes: QuoteReads,
    study: MarketStudy,
    orders: OrderDesk,
    tracker: OrderTracker,
    canceller: Canceller,
    accounts: Callable[[], Sequence[AccountRecord]],
) -> TridentRoom:
    """The room of an engine. Where its parts say that no exit is ever sent, nothing of it runs."""
    return TridentRoom(
        on=parts.exits is not ExitMode.OFF,
        broker=parts.broker,
        records=parts.records,
        bus=bus,
        clock=parts.clock,
        ids=parts.ids,
        calendar=parts.calendar,
        intervals=parts.intervals,
        locks=parts.locks,
        rules=SendingRules(parts.preflight, parts.sends),
        gate=gate,
        breakers=breakers,
        stops=stops,
        kill_file=parts.kill_file,
        feed=feed,
        quotes=quotes,
        orders=orders,
        tracker=tracker,
        canceller=canceller,
        accounts=accounts,
        chain=study.chain,
        underlyings=tuple(one.symbol for one in parts.settings.preferred_underlyings),
    )
