"""Whose contracts left without an order of ours, and why (rules 15.5)."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.domain.market.chain import Right
from core.domain.market.sessions import EXCHANGE_ZONE
from core.domain.orders.orders import OrderReport
from core.domain.orders.transactions import Transaction
from core.domain.positions.units import Ended, Unit, UnitName, in_order
from core.domain.trident.occ import read_occ
from core.domain.trident.sides import Direction, LegSide, closed_side, side_of, taken_side
from core.domain.trident.trident import SHARES_PER_CONTRACT, Action

_NONE = Decimal(0)
_ACTIONS = {action.value: action for action in Action}
_ROWS = {
    "Assignment": Ended.ASSIGNED,
    "Cash Settled Assignment": Ended.ASSIGNED,
    "Exercise": Ended.EXERCISED,
    "Cash Settled Exercise": Ended.EXERCISED,
    "Expiration": Ended.EXPIRED,
    "Forward Split": Ended.SPLIT,
    "Reverse Split": Ended.SPLIT,
    "Symbol Change": Ended.SPLIT,
}
"""What the broker's rows without an order say of a contract that they take out (broker 2.7)."""


@dataclass(frozen=True, slots=True)
class ForeignFill:
    """A fill of an option by an order that is not ours. `leg` is the side that it opened or closed; `key` tells it from
    all others of the account, so that each is used once: ids may begin again on another day. `at` is aware UTC."""

    key: tuple[str, str]
    leg: LegSide
    quantity: Decimal
    opens: bool
    at: datetime

    @property
    def order_id(self) -> str:
        return self.key[0]


@dataclass(frozen=True, slots=True)
class Loss:
    """Contracts of a leg that left, and are not foreign. `order_id` is that of the foreign order that closed them,
    empty where none did."""

    leg: LegSide
    quantity: Decimal
    order_id: str = ""


@dataclass(frozen=True, slots=True)
class TridentUnits:
    """A trident with its units as they are. `opened_at` is aware UTC."""

    id: str
    opened_at: datetime
    units: Sequence[Unit]


@dataclass(frozen=True, slots=True)
class UnitLoss:
    """The contracts, one of each leg, that a unit has lost. `whole`: nothing of the unit is left. `order_ids` are those
    of the foreign orders that closed them."""

    trident_id: str
    unit: UnitName
    legs: tuple[LegSide, ...]
    whole: bool
    order_ids: tuple[str, ...] = ()


def foreign_fills(
    orders: Iterable[OrderReport], ours: Container[str], used: Container[tuple[str, str]]
) -> tuple[ForeignFill, ...]:
    """The fills of options by orders whose ids are not `ours`, oldest first, without those `used` already. An action
    that is not one of ours says nothing of a side, and is left out: the positions tell it."""
    found: dict[tuple[str, str], ForeignFill] = {}
    for order in orders:
        if order.order_id in ours:
            continue
        for leg in order.legs:
            action = _ACTIONS.get(leg.action)
            if action is None or read_occ(leg.symbol) is None:
                continue
            side = side_of(action) if action.opens else closed_side(action)
            for fill in leg.fills:
                key = (order.order_id, f"{fill.fill_id} {fill.at.astimezone(EXCHANGE_ZONE).date()}")
                if key not in used:
                    found[key] = ForeignFill(key, (leg.symbol, side), fill.quantity, action.opens, fill.at)
    return tuple(sorted(found.values(), key=lambda fill: (fill.at, fill.key)))


def closing_legs(order: OrderReport) -> frozenset[LegSide]:
    """The legs of which an order takes contracts, where the account holds some."""
    actions = ((leg.symbol, _ACTIONS.get(leg.action)) for leg in order.legs)
    return frozenset((symbol, taken_side(action)) for symbol, action in actions if action)


def after_foreign(
    foreign: Mapping[LegSide, Decimal], fills: Iterable[ForeignFill], ours: Mapping[LegSide, Decimal] = {}
) -> tuple[Mapping[LegSide, Decimal], tuple[Loss, ...]]:
    """The foreign contracts after these fills, which are used up first, and what the fills closed of ours.

    An account holds a contract on one side alone: what opens the other side closes what is there, whatever the broker
    calls it. `ours` are the contracts of our units.
    """
    left, held, lost = dict(foreign), dict(ours), []
    for fill in fills:
        symbol, side = fill.leg
        closes = (symbol, side.other) if fill.opens else fill.leg
        taken = min(left.get(closes, _NONE), fill.quantity)
        left[closes] = left.get(closes, _NONE) - taken
        rest = fill.quantity - taken
        of_ours = min(held.get(closes, _NONE), rest) if fill.opens else rest
        if of_ours > 0:
            held[closes] = held.get(closes, _NONE) - of_ours
            lost.append(Loss(closes, of_ours, fill.order_id))
        if rest > of_ours:
            left[fill.leg] = left.get(fill.leg, _NONE) + rest - of_ours
    return {leg: quantity for leg, quantity in left.items() if quantity > 0}, tuple(lost)


def unit_losses(tridents: Iterable[TridentUnits], lost: Iterable[Loss]) -> tuple[UnitLoss, ...]:
    """What our units have lost: the oldest trident first, because the broker closes the oldest lots first.

    In a trident the contract of a broken unit goes first, then `put-2` before `put-1`, so that legs lost together are
    those of one unit. What no unit has is not ours and is left out.
    """
    oldest = sorted(tridents, key=lambda one: (one.opened_at, one.id))
    held = {(one.id, unit.name): list(unit.held) for one in oldest for unit in one.units}
    taken: dict[tuple[str, UnitName], list[tuple[LegSide, str]]] = {}
    for loss in lost:
        symbol, side = loss.leg
        for _ in range(int(loss.quantity)):
            found = _first(oldest, held, symbol, side)
            if found is None:
                break
            held[found].remove(symbol)
            taken.setdefault(found, []).append((loss.leg, loss.order_id))
    return tuple(
        UnitLoss(
            one.id,
            unit.name,
            tuple(leg for leg, _ in legs),
            not held[one.id, unit.name],
            tuple(dict.fromkeys(order for _, order in legs if order)),
        )
        for one in oldest
        for unit in in_order(one.units)
        if (legs := taken.get((one.id, unit.name)))
    )


def found_again(
    tridents: Iterable[TridentUnits], missed: Container[tuple[str, UnitName, str]], surplus: Mapping[LegSide, Decimal]
) -> tuple[UnitLoss, ...]:
    """Whose contracts are there after all: the `surplus` of each leg beyond what ours may be goes to the units that
    miss a contract of it which nothing has explained, given as (trident, unit, symbol).

    In the opposite order of `unit_losses`, so that what stays missed is what would have left first. `whole` says that
    the unit has both contracts again.
    """
    newest, left, found = sorted(tridents, key=lambda one: (one.opened_at, one.id), reverse=True), dict(surplus), []
    for one in newest:
        for unit in in_order(one.units):
            legs = []
            for leg in ((symbol, unit.side(symbol)) for symbol in (unit.short, unit.long)):
                if (one.id, unit.name, leg[0]) in missed and leg[0] not in unit.held and left.get(leg, _NONE) >= 1:
                    left[leg] -= 1
                    legs.append(leg)
            if legs:
                found.append(UnitLoss(one.id, unit.name, tuple(legs), len(unit.held) + len(legs) == 2))
    return tuple(found)


def cause(
    leg: LegSide,
    order_ids: Sequence[str],
    *,
    shares: Decimal,
    rows: Iterable[Transaction],
    desk_orders: Container[str] = (),
) -> Ended | None:
    """Why a contract of this leg left; None while nothing explains it.

    `order_ids` are those of the foreign orders that closed it, of which `desk_orders` are the broker's own. `shares` is
    how many shares of the underlying came since the contract was last seen, negative where they left. `rows` are the
    transactions since then.
    """
    symbol, side = leg
    for order_id in order_ids:
        return Ended.DESK if order_id in desk_orders else Ended.HAND
    of_symbol = [row for row in rows if row.symbol == symbol]
    for row in of_symbol:
        if row.sub_kind in _ROWS:
            return _ROWS[row.sub_kind]
        action = _ACTIONS.get(row.action)
        if row.order_id and action is not None and taken_side(action) is side:
            return Ended.DESK if row.order_id in desk_orders else Ended.HAND
    option = read_occ(symbol)
    if option is None or abs(shares) < SHARES_PER_CONTRACT:
        return None
    buys_shares = (option.right is Right.PUT) is (side is Direction.SHORT)
    if (shares > 0) is not buys_shares:
        return None
    return Ended.ASSIGNED if side is Direction.SHORT else Ended.EXERCISED


def cause_of_row(row: Transaction) -> Ended | None:
    """Why a contract left that a row without an order takes out; None for a row that takes out none."""
    return _ROWS.get(row.sub_kind)


def is_adjusted_root(symbol: str, of: str) -> bool:
    """Whether a contract is what a corporate action has made of one of ours: the root has a number behind it, the right
    and the expiration are the same."""
    other, own = read_occ(symbol), read_occ(of)
    if other is None or own is None or (other.right, other.expiration) != (own.right, own.expiration):
        return False
    return other.root.startswith(own.root) and other.root.removeprefix(own.root).isdigit()


def _first(
    oldest: Sequence[TridentUnits], held: Mapping[tuple[str, UnitName], list[str]], symbol: str, side: Direction
) -> tuple[str, UnitName] | None:
    """The unit that loses the next contract of this leg."""
    for one in oldest:
        having = [
            unit for unit in in_order(one.units) if symbol in held[one.id, unit.name] and unit.side(symbol) is side
        ]
        if having:
            # The last of the names is put-2 before put-1; a unit with one contract goes before one with two.
            chosen = min(reversed(having), key=lambda unit: len(held[one.id, unit.name]))
            return one.id, chosen.name
    return None
