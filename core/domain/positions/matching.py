"""Gives each row of an account's history to the units of the trident that it is about (rules 15.6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

from core.domain.market.sessions import EXCHANGE_ZONE
from core.domain.orders.orders import Entry, Intent
from core.domain.orders.transactions import Transaction
from core.domain.positions.exits import Exit
from core.domain.positions.units import Unit, UnitName, in_order
from core.domain.trident.occ import read_occ
from core.domain.trident.sides import taken_side
from core.domain.trident.trident import SHARES_PER_CONTRACT, Action

_TRADE = "Trade"
_DELIVERY = "Receive Deliver"
_KINDS = frozenset({_TRADE, _DELIVERY, "Money Movement", "Administrative Transfer"})
_CASH = frozenset({"Cash Settled Assignment", "Cash Settled Exercise"})
DELIVERED = frozenset({"Assignment", "Exercise"})
"""Removals beside which the cash or the shares come as a row of their own (broker 2.7)."""
_REMOVAL = DELIVERED | {"Expiration"}
_TOGETHER = timedelta(seconds=1)
"""Rows of an assignment and of its shares are no further apart."""
_ACTIONS = {action.value: action for action in Action}
_CENT = Decimal("0.01")
_NONE = Decimal(0)


class Role(StrEnum):
    """What a row is to a trident. `HAND`: a closing order that is not ours."""

    OPEN = "open"
    CLOSE = "close"
    HAND = "hand"
    REMOVAL = "removal"
    CASH = "cash"
    SHARES = "shares"
    NOT_OURS = "not ours"


@dataclass(frozen=True, slots=True)
class Match:
    """A part of a row, in $: `quantity` contracts or shares of it, negative where the row undoes another.

    `trident_id` is None where it is not ours; `unit` is None for the opening of a whole trident. `at`, aware UTC, is
    when it was executed, or what it undoes was.
    """

    row: Transaction
    role: Role
    at: datetime
    quantity: Decimal
    value: Decimal
    net_value: Decimal
    trident_id: str | None = None
    unit: UnitName | None = None

    @property
    def fees(self) -> Decimal:
        return self.value - self.net_value


@dataclass(frozen=True, slots=True)
class Lot:
    """A contract of ours that left without an order of ours, or that is held into its expiration.

    `order_ids` are those of the foreign orders of which one closed it, empty where none did. `unexplained`: it left and
    nobody knows why, so that any closing order that is not ours may have been its end. It was held from `opened` to
    `left`, both exchange dates, None where nobody knows: a broker begins its order ids again.
    """

    trident_id: str
    unit: UnitName
    symbol: str
    order_ids: tuple[str, ...] = ()
    unexplained: bool = False
    opened: date | None = None
    left: date | None = None

    def is_closed_by(self, row: Transaction) -> bool:
        """Whether the row is one of the foreign orders that closed it."""
        day = exchange_day(row.executed_at)
        held = (self.opened is None or self.opened <= day) and (self.left is None or day <= self.left)
        return held and row.order_id in self.order_ids


@dataclass(slots=True)
class _Slot:
    """What of a unit may still be given a row: contracts, or shares."""

    trident_id: str | None
    unit: UnitName | None
    left: Decimal


_Part = tuple[_Slot, Decimal]


def is_known(row: Transaction) -> bool:
    """Whether the kind of the row is one that is read here. Of another kind the operator is told."""
    return row.kind in _KINDS


def newest(rows: Iterable[Transaction]) -> tuple[Transaction, ...]:
    """Each row once, as it was last written, in the order of their time. `rows` are in the order of their reading."""
    by_id = {row.id: row for row in rows}
    return tuple(sorted(by_id.values(), key=lambda row: (row.executed_at, len(row.id), row.id)))


def match(
    rows: Iterable[Transaction],
    orders: Mapping[str, Sequence[Intent]],
    units: Mapping[str, Sequence[Unit]],
    lots: Sequence[Lot],
) -> tuple[Match, ...]:
    """Every row of one account, whole or in parts that add up to it to the cent.

    `orders` are our entries and exits by the broker's order ids, `units` those of each trident by its id, `lots` the
    contracts that left otherwise, the oldest trident's first. A row that undoes another is given to the same units.
    """
    matching = _Matching(orders, units, lots)
    ordered = newest(rows)
    # Shares are tied to the assignment beside them, whose row may come after theirs.
    for row in (*(r for r in ordered if not _is_shares(r)), *(r for r in ordered if _is_shares(r))):
        matching.take(row)
    return tuple(one for row in ordered for one in matching.made[row.id])


def is_row_of(row: Transaction, intent: Intent) -> bool:
    """Whether a row with the id of one of the intent's orders tells of it: the order has its symbol, and lived on its
    day. A broker may begin its ids again (broker 8)."""
    day = exchange_day(row.executed_at)
    ended = None if intent.terminal_at is None else exchange_day(intent.terminal_at)
    has_leg = any(leg.symbol == row.symbol for leg in intent.terms.legs)
    return has_leg and intent.session_day <= day and (ended is None or day <= ended)


def exchange_day(at: datetime) -> date:
    """The exchange's date of an instant."""
    return at.astimezone(EXCHANGE_ZONE).date()


def split(amount: Decimal, weights: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """The amount in $ divided in proportion to the weights, to the cent; the parts add up to it."""
    total, parts, before, given = sum(weights, _NONE), [], _NONE, _NONE
    for weight in weights:
        before += weight
        upto = amount if before == total else (amount * before / total).quantize(_CENT, ROUND_HALF_EVEN)
        parts.append(upto - given)
        given = upto
    return tuple(parts)


def parts_by_unit(
    exit: Exit, units: Sequence[Unit], filled: Iterable[tuple[str, Decimal]]
) -> tuple[tuple[tuple[UnitName, Decimal], ...], ...]:
    """For each (OCC symbol, contracts) that an exit filled, in this order: how many of them each unit takes."""
    slots = {leg.symbol: _slots_of(exit, units, leg.symbol) for leg in exit.terms.legs}
    found = []
    for symbol, quantity in filled:
        parts = _take(slots.get(symbol, []), quantity)
        found.append(tuple((slot.unit, taken) for slot, taken in parts if slot.unit is not None))
    return tuple(found)


@dataclass(slots=True)
class _Matching:
    orders: Mapping[str, Sequence[Intent]]
    units: Mapping[str, Sequence[Unit]]
    lots: Sequence[Lot]
    made: dict[str, tuple[Match, ...]] = field(default_factory=dict)
    _parts: dict[str, tuple[Role, datetime, tuple[_Part, ...]]] = field(default_factory=dict)
    _slots: dict[tuple[str, ...], list[_Slot]] = field(default_factory=dict)
    _deliveries: list[tuple[Transaction, list[_Slot]]] = field(default_factory=list)

    def take(self, row: Transaction) -> None:
        if row.reverses:
            role, at, parts = self._parts.get(row.reverses, (Role.NOT_OURS, row.executed_at, ()))
            for slot, quantity in parts:
                slot.left += quantity
            parts = tuple((slot, -quantity) for slot, quantity in parts)
        else:
            at = row.executed_at
            role, slots = self._role(row)
            parts = _take(slots, row.quantity or _NONE)
            if row.sub_kind in DELIVERED and role is Role.REMOVAL:
                shares = [_Slot(s.trident_id, s.unit, SHARES_PER_CONTRACT * taken) for s, taken in parts]
                self._deliveries.append((row, shares))
        self._parts[row.id] = (role, at, parts)
        self.made[row.id] = _matches(row, role, at, parts)

    def _role(self, row: Transaction) -> tuple[Role, list[_Slot]]:
        order = self._order_of(row)
        if row.kind == _TRADE and isinstance(order, Entry):
            return Role.OPEN, self._of(("open", order.id, row.symbol), _opening(order, row.symbol))
        if row.kind == _TRADE and isinstance(order, Exit):
            slots = _slots_of(order, self.units[order.trident_id], row.symbol)
            return Role.CLOSE, self._of(("close", order.id, row.symbol), slots)
        if row.kind == _TRADE and row.order_id:
            return Role.HAND, self._by_hand(row)
        if row.kind == _DELIVERY and row.sub_kind in _CASH:
            return Role.CASH, self._left("cash", row.symbol)
        if row.kind == _DELIVERY and row.sub_kind in _REMOVAL:
            return Role.REMOVAL, self._left("removal", row.symbol)
        if _is_shares(row):
            return Role.SHARES, self._delivered(row)
        return Role.NOT_OURS, []

    def _order_of(self, row: Transaction) -> Intent | None:
        """The newest of our orders that the row tells of."""
        known = [one for one in self.orders.get(row.order_id, ()) if is_row_of(row, one)] if row.order_id else []
        return max(known, key=lambda one: (one.prepared_at, one.id), default=None)

    def _of(self, key: tuple[str, ...], slots: list[_Slot]) -> list[_Slot]:
        return self._slots.setdefault(key, slots)

    def _left(self, what: str, symbol: str) -> list[_Slot]:
        return [self._lot(what, n) for n, lot in enumerate(self.lots) if lot.symbol == symbol and not lot.order_ids]

    def _by_hand(self, row: Transaction) -> list[_Slot]:
        """The contracts that this order closed, then those of which nobody knows why they left."""
        of_symbol = [(n, lot) for n, lot in enumerate(self.lots) if lot.symbol == row.symbol]
        named = [n for n, lot in of_symbol if lot.is_closed_by(row)]
        return [self._lot("hand", n) for n in (*named, *(n for n, lot in of_symbol if self._may_close(lot, row)))]

    def _may_close(self, lot: Lot, row: Transaction) -> bool:
        unit = next(one for one in self.units[lot.trident_id] if one.name is lot.unit)
        action = _ACTIONS.get(row.action)
        closes = action is not None and taken_side(action) is unit.side(lot.symbol)
        return lot.unexplained and not lot.order_ids and closes

    def _lot(self, what: str, number: int) -> _Slot:
        """A contract leaves once, whatever row says so; its cash comes by another row."""
        lot = self.lots[number]
        [slot] = self._of((what, str(number)), [_Slot(lot.trident_id, lot.unit, Decimal(1))])
        return slot

    def _delivered(self, row: Transaction) -> list[_Slot]:
        """The shares that the assignments and exercises beside this row deliver at its price."""
        found = []
        for removal, slots in self._deliveries:
            option = read_occ(removal.symbol)
            beside = abs(removal.executed_at - row.executed_at) <= _TOGETHER and removal.underlying == row.underlying
            if beside and option is not None and option.strike == row.price:
                found += slots
        return found


def _is_shares(row: Transaction) -> bool:
    return row.kind == _DELIVERY and bool(row.action) and read_occ(row.symbol) is None


def _opening(entry: Entry, symbol: str) -> list[_Slot]:
    ordered = sum(leg.quantity for leg in entry.terms.legs if leg.symbol == symbol)
    return [_Slot(entry.id, None, Decimal(ordered))]


def _slots_of(exit: Exit, units: Sequence[Unit], symbol: str) -> list[_Slot]:
    """The contracts of this leg that an exit closes, one of each unit that it claims, in the order of their names."""
    claimed = [unit for unit in in_order(units) if unit.name in exit.units and symbol in (unit.short, unit.long)]
    return [_Slot(exit.trident_id, unit.name, Decimal(1)) for unit in claimed]


def _take(slots: Sequence[_Slot], quantity: Decimal) -> tuple[_Part, ...]:
    """The slots that these contracts fill, in their order; what none has room for is not ours."""
    parts = []
    for slot in slots:
        taken = min(slot.left, quantity)
        if taken > 0:
            slot.left -= taken
            quantity -= taken
            parts.append((slot, taken))
    if quantity > 0:
        parts.append((_Slot(None, None, _NONE), quantity))
    return tuple(parts)


def _matches(row: Transaction, role: Role, at: datetime, parts: Sequence[_Part]) -> tuple[Match, ...]:
    weights = [abs(quantity) for _, quantity in parts]
    if not sum(weights, _NONE):
        return (Match(row, Role.NOT_OURS, at, row.quantity or _NONE, row.value, row.net_value),)
    values, nets = split(row.value, weights), split(row.net_value, weights)
    return tuple(
        Match(row, role if slot.trident_id else Role.NOT_OURS, at, quantity, value, net, slot.trident_id, slot.unit)
        for (slot, quantity), value, net in zip(parts, values, nets, strict=True)
    )
