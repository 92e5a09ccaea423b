"""What the fills of exits have made of a trident's units, and what left without an order of ours (rules 15.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from core.domain.operation import amounts
from core.domain.orders.fills import filled_by_symbol, is_known
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Fill
from core.domain.positions.exits import Exit
from core.domain.positions.units import Ended, Unit, UnitName, UnitState, in_order

_OVER = frozenset({OrderState.CANCELLED, OrderState.EXPIRED, OrderState.REJECTED, OrderState.INCIDENT})


@dataclass(frozen=True, slots=True)
class Gone:
    """A contract of a unit that left without an order of ours. `symbol` is its OCC symbol; `cause` is None while
    nothing explains it; `found_at` is aware UTC."""

    unit: UnitName
    symbol: str
    cause: Ended | None
    found_at: datetime


@dataclass(frozen=True, slots=True)
class Closed:
    """What an exit has closed: whole `units`, and the `rest` of those that it claims.

    `legs` are the single contracts by which its order ended out of proportion, as (unit, OCC symbol): these units of
    the rest are broken. `broken` says the same in words, empty where the legs are in proportion.
    """

    units: tuple[UnitName, ...]
    rest: tuple[UnitName, ...]
    legs: tuple[tuple[UnitName, str], ...] = ()
    broken: str = ""


def fills_once(fills: Iterable[Fill]) -> tuple[Fill, ...]:
    """The fills without those that are there already: the same order's fill of the same id (broker 8)."""
    once: list[Fill] = []
    for fill in fills:
        if not is_known(fill, once):
            once.append(fill)
    return tuple(once)


def closed_by(exit: Exit, units: Sequence[Unit]) -> Closed:
    """What the fills of an exit have closed of the trident's `units`.

    Of two puts the first of those that it claims is closed first. While its order may go on, contracts out of
    proportion count for nothing: their fellows' fills are under way. An order that is filled has closed all that it
    claims, also before its fill records are here.
    """
    claimed = [unit for unit in in_order(units) if unit.name in exit.units]
    if not exit.fills and exit.state is not OrderState.FILLED:
        return Closed((), tuple(unit.name for unit in claimed))
    filled = filled_by_symbol(fills_once(exit.fills))
    if exit.state is OrderState.FILLED:
        for leg in exit.terms.legs:
            filled[leg.symbol] = max(filled.get(leg.symbol, Decimal(0)), Decimal(leg.quantity))
    taken = _taken(claimed, filled)
    whole = tuple(unit.name for unit in claimed if len(taken[unit.name]) == 2)
    rest = tuple(unit.name for unit in claimed if unit.name not in whole)
    words = _words(claimed, filled)
    if not words or exit.state not in (_OVER | {OrderState.FILLED}):
        return Closed(whole, rest)
    return Closed(whole, rest, tuple((name, symbol) for name in rest for symbol in taken[name]), words)


def units_after(units: Sequence[Unit], exits: Iterable[Exit], gone: Iterable[Gone]) -> tuple[Unit, ...]:
    """The trident's units, in their order, after these exits and these contracts that left.

    `units` are as they were opened. A unit is closed when exits closed it, gone when its last contract left without
    one, and broken while it has one contract of two.
    """
    now = in_order(units)
    by_exits: dict[tuple[UnitName, str], Ended] = {}
    for one in exits:
        closed = closed_by(one, now)
        how = Ended(one.kind.value)
        legs = [(unit.name, symbol) for unit in now if unit.name in closed.units for symbol in (unit.short, unit.long)]
        by_exits.update(dict.fromkeys((*legs, *closed.legs), how))
    behind: dict[tuple[UnitName, str], Gone] = {(left.unit, left.symbol): left for left in gone}
    return tuple(_after(unit, by_exits, behind) for unit in now)


def closed_twice(units: Sequence[Unit], exits: Iterable[Exit]) -> tuple[UnitName, ...]:
    """The units that two exits have closed, by a fill after its cancel was proved: one of them has opened a position,
    and the operator has to see to it."""
    counts: dict[UnitName, int] = {}
    for one in exits:
        for name in closed_by(one, units).units:
            counts[name] = counts.get(name, 0) + 1
    return tuple(name for name in UnitName if counts.get(name, 0) > 1)


def _after(
    unit: Unit, by_exits: Mapping[tuple[UnitName, str], Ended], behind: Mapping[tuple[UnitName, str], Gone]
) -> Unit:
    symbols = (unit.short, unit.long)
    left = tuple(s for s in symbols if (unit.name, s) not in by_exits and (unit.name, s) not in behind)
    gone = [behind[unit.name, s] for s in symbols if (unit.name, s) in behind and (unit.name, s) not in by_exits]
    causes = [one.cause for one in gone if one.cause is not None]
    if len(left) == 2:
        return replace(unit, state=UnitState.WHOLE, how=None, remainder=())
    if left:
        return replace(unit, state=UnitState.BROKEN, how=causes[0] if causes else None, remainder=left)
    if not gone:
        return replace(unit, state=UnitState.CLOSED, how=by_exits[unit.name, unit.short], remainder=())
    how = None if len(causes) < len(gone) else causes[0]
    return replace(unit, state=UnitState.GONE, how=how, remainder=())


def _taken(claimed: Sequence[Unit], filled: Mapping[str, Decimal]) -> dict[UnitName, tuple[str, ...]]:
    """The contracts that the fills took of each unit: whole contracts, of the first unit first."""
    count = {symbol: int(quantity) for symbol, quantity in filled.items()}
    taken = {}
    for unit in claimed:
        legs = tuple(symbol for symbol in (unit.short, unit.long) if count.get(symbol, 0) > 0)
        for symbol in legs:
            count[symbol] -= 1
        taken[unit.name] = legs
    return taken


def _words(claimed: Sequence[Unit], filled: Mapping[str, Decimal]) -> str:
    """The legs out of proportion: each spread has as many contracts bought as sold, and no more than were ordered."""
    found = []
    pairs = {(unit.short, unit.long): sum(u.short == unit.short for u in claimed) for unit in claimed}
    for (short, long), ordered in pairs.items():
        bought, sold = filled.get(short, Decimal(0)), filled.get(long, Decimal(0))
        if bought != sold or bought > ordered or bought % 1:
            found.append(f"{amounts.quantity(bought)} of {ordered} {short}")
            found.append(f"{amounts.quantity(sold)} of {ordered} {long}")
    own = {symbol for pair in pairs for symbol in pair}
    found += [f"{amounts.quantity(count)} of 0 {symbol}" for symbol, count in filled.items() if symbol not in own]
    return ", ".join(found)
