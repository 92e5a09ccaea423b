"""Invariant 4: every closing order as rules 15.2 to 15.4 have it, read from the order that the exchange got."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import ROUND_FLOOR, Decimal

from core.simulator.exchange.orders import SimOrder
from core.simulator.market.market_data import TickSize
from tests.proofs.exits.facts import ExitRow, Facts, TridentRow, UnitRow, last_day

_ZERO = Decimal(0)
_FRACTIONS = {7: Decimal(0), 6: Decimal("0.7"), 5: Decimal("0.8"), 4: Decimal("0.9")}
_LEAST_CASH_SETTLED = Decimal("0.9")


def order_as_the_rules_say(facts: Facts) -> Iterator[str]:
    """Every close is a strict limit at a debit on the tick, of the legs that are left, and no dearer than allowed."""
    for order in facts.closes:
        row = facts.row_of(order)
        if row is not None and not row.origin:
            yield from (f"order {order.id}: {wrong}" for wrong in _wrong(facts, order, row))


def _wrong(facts: Facts, order: SimOrder, row: ExitRow) -> Iterator[str]:
    trident, units = facts.tridents[row.trident], facts.units[row.trident]
    claimed = [units[name] for name in row.units]
    yield from _form(order, row)
    legs = {leg.symbol: (leg.action, leg.quantity) for leg in order.legs}
    asked = _legs_of(claimed)
    # A relabelled leg says what became of it; what was asked for is what counts here.
    if {symbol: count for symbol, (_, count) in legs.items()} != {
        symbol: count for symbol, (_, count) in asked.items()
    }:
        yield f"its legs are {legs}, and those of {', '.join(row.units)} are {asked}"
    if order.price is None or order.price >= 0:
        yield f"its price is {order.price}, and a close is a debit"
        return
    debit = -order.price
    ticks = _ticks(facts, claimed[0])
    if debit % _tick(ticks, debit):
        yield f"{debit} is off tick"
    per = 1 if any(unit.name == "call" for unit in claimed) else len(claimed)
    most = _most(claimed, trident.width) / per
    if debit > most:
        yield f"{debit} is more than {most}, the most that it can be worth"
    left = facts.held_units(row.trident, row.prepared_at)
    if not {unit.name for unit in claimed} <= {unit.name for unit in left}:
        yield f"it closes {', '.join(row.units)}, and {', '.join(unit.name for unit in left)} were left"
    if row.kind == "target":
        is_newest = not any(
            other.kind == "target" and other.units == row.units and other.prepared_at > row.prepared_at
            for other in facts.exits_of[row.trident]
        )
        yield from _target(trident, claimed, debit, ticks, is_newest=is_newest)
    elif row.kind == "time":
        yield from _time(facts, order, row, trident, claimed, left, debit, per, ticks)


def _form(order: SimOrder, row: ExitRow) -> Iterator[str]:
    if order.order_type != "Limit":
        yield f"it is a {order.order_type} order"
    if not order.strict:
        yield "it is not strict"
    wanted = "GTC" if row.kind == "target" else "Day"
    if order.time_in_force != wanted:
        yield f"it is {order.time_in_force}, and a {row.kind} is {wanted}"
    for leg in order.legs:
        if leg.opens and leg.symbol not in order.relabelled:
            yield f"{leg.action} {leg.symbol}"


def _legs_of(units: Sequence[UnitRow]) -> dict[str, tuple[str, int]]:
    legs: dict[str, tuple[str, int]] = {}
    for unit in units:
        for symbol, action in ((unit.short, "Buy to Close"), (unit.long, "Sell to Close")):
            legs[symbol] = (action, legs.get(symbol, ("", 0))[1] + 1)
    return legs


def _most(units: Sequence[UnitRow], width: Decimal) -> Decimal:
    calls = sum(unit.name == "call" for unit in units)
    return width * max(calls, len(units) - calls)


def _target(
    trident: TridentRow, claimed: Sequence[UnitRow], debit: Decimal, ticks: Sequence[TickSize], *, is_newest: bool
) -> Iterator[str]:
    """A new set of targets has other percents: that of an earlier target is any that may be set."""
    unit = claimed[0]
    if len(claimed) != 1:
        yield f"a target of {len(claimed)} units"
    if unit.credit is None:
        yield "a target without a unit credit"
        return
    asked = trident.targets.get(unit.name)
    percents = range(1, 96) if not is_newest else () if asked is None else (asked,)
    allowed = {_down(unit.credit * (100 - percent) / 100, ticks) for percent in percents}
    if debit not in allowed:
        yield f"a target at {debit} of a credit of {unit.credit}, at {asked} percent"


def _time(
    facts: Facts,
    order: SimOrder,
    row: ExitRow,
    trident: TridentRow,
    claimed: Sequence[UnitRow],
    left: Sequence[UnitRow],
    debit: Decimal,
    per: int,
    ticks: Sequence[TickSize],
) -> Iterator[str]:
    pays = _is_before_ex_date(facts, order, trident)
    if row.units == ("call",) and pays:
        return  # its cap is of another rule: the most that it can be worth bounds it
    free = [unit for unit in left if unit.name not in _claimed_otherwise(facts, row)]
    side = {unit.name for unit in free if (unit.name == "call") is (claimed[0].name == "call")}
    is_side = (trident.split or pays) and len({unit.name == "call" for unit in claimed}) == 1
    expected = side if is_side else {unit.name for unit in free}
    if set(row.units) != expected:
        yield f"it closes {', '.join(row.units)}, and {', '.join(sorted(expected))} are to be closed"
    highest = _cap(facts, order, trident, claimed, per, ticks)
    if highest is not None and debit > highest:
        yield f"{debit} is over the cap of {highest}"


def _is_before_ex_date(facts: Facts, order: SimOrder, trident: TridentRow) -> bool:
    """Whether the order came in the last session before its underlying goes ex a dividend."""
    market = facts.world.market
    following = market.session_day(order.received_at) + timedelta(days=1)
    while market.session(following) is None:
        following += timedelta(days=1)
    dividend = market.next_dividend(trident.underlying, following)
    return not trident.cash_settled and dividend is not None and dividend.ex == following


def _claimed_otherwise(facts: Facts, row: ExitRow) -> set[str]:
    """The units that other exits held as this one was prepared: an operator's, or one of which nothing was known."""
    return {
        claim.unit
        for claim in facts.claims
        if claim.trident == row.trident
        and claim.exit != row.id
        and claim.claimed_at <= row.prepared_at
        and (claim.released_at is None or claim.released_at > row.prepared_at)
    }


def _cap(
    facts: Facts, order: SimOrder, trident: TridentRow, claimed: Sequence[UnitRow], per: int, ticks: Sequence[TickSize]
) -> Decimal | None:
    credits = [unit.credit for unit in claimed if unit.credit is not None]
    if len(credits) < len(claimed):
        return None
    market = facts.world.market
    day = market.session_day(order.received_at)
    is_last = day >= last_day(market, trident.expiration)
    dte = (trident.expiration - day).days
    part = Decimal(1) if is_last or dte <= 3 else _FRACTIONS.get(dte, _ZERO)
    if trident.cash_settled:
        part = min(part, _LEAST_CASH_SETTLED)
    credit, most = sum(credits, _ZERO), _most(claimed, trident.width)
    price = _down(min(most, credit + part * (most - credit)) / per, ticks)
    return price or _tick(ticks, _ZERO)


def _tick(ticks: Sequence[TickSize], price: Decimal) -> Decimal:
    return next(band.value for band in ticks if band.threshold is None or price < band.threshold)


def _down(price: Decimal, ticks: Sequence[TickSize]) -> Decimal:
    """The highest price on a tick that is not above this one."""
    tick = _tick(ticks, price)
    return (price / tick).to_integral_value(ROUND_FLOOR) * tick


def _ticks(facts: Facts, unit: UnitRow) -> Sequence[TickSize]:
    option = facts.world.market.option(unit.short)
    assert option is not None, f"{unit.short} is no option"
    return facts.world.market.tick_sizes(option)
