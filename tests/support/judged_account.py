"""An account with one filled trident whose complete reads are judged, one after the other."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from core.broker.port import Position
from core.domain.operation.events import Event, Severity
from core.domain.orders.orders import Fill, OrderReport, ReportedLeg
from core.domain.positions.units import Ended, UnitName, UnitState
from core.domain.trident.sides import Direction, LegSide
from core.domain.trident.trident import Action
from core.guards.breakers import Breakers
from core.market.calendar import SessionCalendar
from core.positions.changes import BELIEVED_S, Changes
from core.positions.complete_reads import CompleteRead
from core.records.records import Records
from core.runtime.bus import Bus
from core.runtime.clock import SystemClock
from tests.support.empty_records import copy_empty_records
from tests.support.exit_samples import LONG_CALL, LONG_PUT, SHORT_CALL, SHORT_PUT, filled
from tests.support.record_samples import ACCOUNT, after, url_of

P1, P2, CALL = UnitName
WHOLE: Mapping[LegSide, int] = {
    (SHORT_PUT, Direction.SHORT): 2,
    (LONG_PUT, Direction.LONG): 2,
    (SHORT_CALL, Direction.SHORT): 1,
    (LONG_CALL, Direction.LONG): 1,
}
SHORT: LegSide = (SHORT_PUT, Direction.SHORT)
LONG: LegSide = (LONG_PUT, Direction.LONG)
OTHER: LegSide = ("QQQ   260417P00500000", Direction.LONG)


class LaterClock(SystemClock):
    """It is a minute after the samples, or later."""

    at = after(60)

    def now(self) -> datetime:
        return self.at


def less(**contracts: int) -> dict[LegSide, int]:
    """The whole trident with so many contracts fewer of `short` and `long` puts."""
    return {**WHOLE, SHORT: 2 - contracts.get("short", 0), LONG: 2 - contracts.get("long", 0)}


def closed_by_hand(*symbols: str, order_id: str = "900", user: str = "") -> OrderReport:
    """A filled order of somebody else that closed a contract of each; `user` placed it."""
    actions = {SHORT_PUT: Action.BUY_TO_CLOSE, LONG_PUT: Action.SELL_TO_CLOSE}
    legs = tuple(
        ReportedLeg(
            symbol,
            actions[symbol].value,
            Decimal(1),
            Decimal(0),
            (Fill(f"{order_id}-{symbol}", symbol, Decimal(1), Decimal("1.00"), after(40)),),
        )
        for symbol in symbols
    )
    return OrderReport(
        order_id, ACCOUNT, "Filled", None, "QQQ", Decimal("-1.00"), legs, after(35), after(40), after(40), user=user
    )


@dataclass
class Account:
    """An account with one trident, filled a short while ago, whose reads are judged. `told` are the events."""

    records: Records
    clock: LaterClock = field(default_factory=LaterClock)
    told: list[Event] = field(default_factory=list)
    changes: Changes = field(init=False)
    breakers: Breakers = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Another process takes over."""
        bus = Bus(self.records.journal.append, self.clock)
        bus.listen(self.told.append)
        self.breakers = Breakers(self.records, bus, self.clock)
        self.changes = Changes(self.records, self.breakers, bus, self.clock, SessionCalendar(self.clock.now()))

    async def sees(
        self, at_s: float, held: Mapping[LegSide, int] = WHOLE, *orders: OrderReport, shares: int = 0
    ) -> None:
        """A complete read that began at this second."""
        positions = [
            Position(symbol, "QQQ", Decimal(count), side.value, None, None, "Equity Option")
            for (symbol, side), count in held.items()
            if count
        ]
        if shares:
            positions.append(
                Position("QQQ", "QQQ", Decimal(abs(shares)), "Long" if shares > 0 else "Short", None, None, "Equity")
            )
        await self.changes.look(CompleteRead(ACCOUNT, tuple(positions), orders, at_s, after(60)))

    async def first_reads(self, held: Mapping[LegSide, int] = WHOLE) -> None:
        """The account is known: seconds before 0."""
        await self.sees(-BELIEVED_S - 1, held)
        await self.sees(-1, held)
        await self.sees(-0.5, held)

    async def units(self) -> dict[UnitName, tuple[UnitState, Ended | None]]:
        trident = (await self.records.tridents.get("one")).trident
        return {unit.name: (unit.state, unit.how) for unit in trident.units}

    async def agrees(self) -> bool:
        return self.changes.agrees(ACCOUNT, (await self.records.tridents.get("one")).trident.units)

    def kinds(self) -> list[tuple[str, Severity]]:
        return [(event.kind, event.severity) for event in self.told]


def working(order: OrderReport) -> OrderReport:
    """The order before anything of it has filled."""
    legs = tuple(replace(leg, remaining=leg.quantity, fills=()) for leg in order.legs)
    return replace(order, status="Live", legs=legs, terminal_at=None)


@asynccontextmanager
async def judged(folder: Path) -> AsyncIterator[Account]:
    """The account in records of its own, with its trident."""
    path = folder / "data" / "senex.db"
    copy_empty_records(path)
    records = await Records.open(url_of(path))
    try:
        await filled(records)
        yield Account(records)
    finally:
        await records.close()
