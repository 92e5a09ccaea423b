"""Whether positions may be there, or gone, because an order has filled of which no fill is known (rules 9, 15.4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.broker.port import Position
from core.domain.orders.orders import Entry
from core.domain.positions.exits import Exit
from core.domain.positions.units import legs_of
from core.domain.risk.risk import HeldLeg
from core.domain.risk.unexplained import contracts_left
from core.domain.trident.sides import LegSide, closed_side, side_of
from core.orders.positions import held_legs
from core.records.records import Records
from core.runtime.clock import Clock, exchange_time

_Contracts = Mapping[LegSide, Decimal]


@dataclass(frozen=True, slots=True)
class UnseenFills:
    """Compares a complete read of positions with what the records explain. Each raises RecordsError."""

    records: Records
    clock: Clock

    async def of_entry(self, entry: Entry, positions: Sequence[Position]) -> bool:
        """Whether the account holds a contract of this entry's legs, on its side, that our filled tridents do not
        explain."""
        filled = await self._filled(entry.account)
        left_of = await self._left_of(filled)
        # As if what was closed since were held: the entries then explain just what they opened.
        closed = [
            HeldLeg(symbol, side, opened - left_of[one.id].get((symbol, side), Decimal(0)))
            for one in filled
            if one.id in left_of
            for (symbol, side), opened in _opened(one).items()
        ]
        left = contracts_left((*held_legs(positions), *closed), filled)
        return any(left.get((leg.symbol, leg.action), 0) > 0 for leg in entry.terms.legs)

    async def of_exit(self, one: Exit, positions: Sequence[Position]) -> bool:
        """Whether the account holds less of a leg of this exit, on its side, than the records say: its order may have
        closed the rest.

        By the records the units of all tridents are held, what is foreign, and all that other entries have opened or
        may have: as long as one of those is open, it may make up for what is missing.
        """
        filled = await self._filled(one.account)
        left_of = await self._left_of(filled)
        opening = [entry for entry in await self.records.entries.open() if entry.account == one.account]
        others = [entry for entry in (*filled, *opening) if entry.id not in left_of]
        foreign = await self.records.foreign.positions(one.account) or {}
        recorded = _sum((*left_of.values(), *(_opened(entry) for entry in others), foreign))
        seen = _sum({(leg.symbol, leg.direction): leg.quantity} for leg in held_legs(positions))
        legs = [(leg.symbol, closed_side(leg.action)) for leg in one.terms.legs]
        return any(seen[leg] < recorded[leg] for leg in legs)

    async def _filled(self, account: str) -> tuple[Entry, ...]:
        return await self.records.entries.filled_open(account, exchange_time(self.clock.now()).date())

    async def _left_of(self, filled: Sequence[Entry]) -> dict[str, _Contracts]:
        """What is left of each of these entries that is a trident: exits have closed units of it, or it lost some."""
        tridents = await self.records.tridents.these([entry.id for entry in filled])
        return {
            one.id: {leg: Decimal(number) for leg, number in legs_of(one.trident.units).items()} for one in tridents
        }


def _opened(entry: Entry) -> _Contracts:
    """What the entry's order opens in full."""
    return {(leg.symbol, side_of(leg.action)): Decimal(leg.quantity) for leg in entry.terms.legs}


def _sum(each: Iterable[_Contracts]) -> defaultdict[LegSide, Decimal]:
    total: defaultdict[LegSide, Decimal] = defaultdict(Decimal)
    for contracts in each:
        for leg, quantity in contracts.items():
            total[leg] += quantity
    return total
