"""What the broker must show of our legs, and how much of a leg may still be closed (rules 15.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.domain.orders.fills import filled_by_symbol
from core.domain.orders.order_states import OPEN_STATES, OrderState
from core.domain.orders.orders import Entry
from core.domain.positions.closing import closed_by, fills_once
from core.domain.positions.exits import Exit
from core.domain.positions.units import Unit, legs_of
from core.domain.trident.sides import LegSide, closed_side, side_of

_NONE = Decimal(0)


@dataclass(frozen=True, slots=True)
class Range:
    """From how many contracts to how many of a leg a read may show."""

    low: Decimal
    high: Decimal

    def has(self, quantity: Decimal) -> bool:
        return self.low <= quantity <= self.high


@dataclass(frozen=True, slots=True)
class Difference:
    """A leg of which a read shows fewer or more contracts than it may."""

    leg: LegSide
    expected: Range
    seen: Decimal

    @property
    def lost(self) -> Decimal:
        """How many contracts are missing; 0 where there are too many."""
        return max(_NONE, self.expected.low - self.seen)

    @property
    def surplus(self) -> Decimal:
        """How many contracts there are too many; 0 where some are missing."""
        return max(_NONE, self.seen - self.expected.high)


@dataclass(frozen=True, slots=True)
class HeldTrident:
    """A trident of ours with contracts: its units as its exits' fills and what left have made them, and its exits."""

    units: Sequence[Unit]
    exits: Sequence[Exit] = ()


def expected(
    tridents: Iterable[HeldTrident], entries: Iterable[Entry], foreign: Mapping[LegSide, Decimal]
) -> Mapping[LegSide, Range]:
    """The contracts that a complete read may show, by leg and side, of every leg of ours.

    The units left and what is foreign are there. Of them, closing orders that may still fill may take what they have
    not taken; entries that may still fill may add what they have not added. `entries` are those that are not tridents
    yet: what they have filled is there.
    """
    low: dict[LegSide, Decimal] = {}
    high: dict[LegSide, Decimal] = {}
    for trident in tridents:
        # A leg whose units are all closed is still looked at: more of it than nothing is a difference.
        for unit in trident.units:
            for symbol in (unit.short, unit.long):
                _add(low, (symbol, unit.side(symbol)), _NONE)
        for leg, quantity in legs_of(trident.units).items():
            _add(low, leg, Decimal(quantity))
            _add(high, leg, Decimal(quantity))
        for leg, takes in working(trident.units, trident.exits).items():
            _add(low, leg, -takes)
    for entry in entries:
        for leg, (filled, most) in _of_entry(entry).items():
            _add(low, leg, filled)
            _add(high, leg, most)
    found = {}
    for leg, least in low.items():
        stays = foreign.get(leg, _NONE)
        found[leg] = Range(max(_NONE, least + stays), high.get(leg, _NONE) + stays)
    return found


def differences(ranges: Mapping[LegSide, Range], seen: Mapping[LegSide, Decimal]) -> tuple[Difference, ...]:
    """The legs of ours of which a complete read shows other than it may. A read without any agrees with the records."""
    return tuple(
        Difference(leg, allowed, seen.get(leg, _NONE))
        for leg, allowed in ranges.items()
        if not allowed.has(seen.get(leg, _NONE))
    )


def working(units: Sequence[Unit], exits: Iterable[Exit]) -> Mapping[LegSide, Decimal]:
    """The contracts that closing orders may still take of these units, by leg: those of orders that have not ended and
    of unknown ones, less what they have closed already."""
    found: dict[LegSide, Decimal] = {}
    for one in exits:
        if not one.may_fill:
            continue
        closed = closed_by(one, units)
        taken = [symbol for u in units if u.name in closed.units for symbol in (u.short, u.long)]
        taken += [symbol for _, symbol in closed.legs]
        for leg in one.terms.legs:
            rest = Decimal(leg.quantity - taken.count(leg.symbol))
            if rest > 0:
                _add(found, (leg.symbol, closed_side(leg.action)), rest)
    return found


def closable(left: Decimal, seen: Decimal, foreign: Decimal, in_orders: Decimal) -> Decimal:
    """The one closing quantity: how many contracts of a leg may be sent for closing, over an account.

    `left` are those of all units, `seen` what the last complete read shows, `foreign` what of it is not ours, and
    `in_orders` what our closing orders may still take.
    """
    return max(_NONE, min(left, seen - foreign) - in_orders)


def _of_entry(entry: Entry) -> Mapping[LegSide, tuple[Decimal, Decimal]]:
    """What an entry has filled, and the most that it may have."""
    filled = filled_by_symbol(fills_once(entry.fills))
    alive = entry.state in OPEN_STATES or entry.state is OrderState.INCIDENT
    found = {}
    for leg in entry.terms.legs:
        has = filled.get(leg.symbol, _NONE)
        ordered = Decimal(leg.quantity)
        if entry.state is OrderState.FILLED:
            has = max(has, ordered)
        found[leg.symbol, side_of(leg.action)] = (has, max(has, ordered) if alive else has)
    return found


def _add(to: dict[LegSide, Decimal], leg: LegSide, quantity: Decimal) -> None:
    to[leg] = to.get(leg, _NONE) + quantity
