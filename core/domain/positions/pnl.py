"""What a trident earned: realized by its fills, the broker's fees and settlements, and unrealized by its quotes (rules
15.6). Amounts in $."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal

from core.domain.market.quotes import Quote
from core.domain.orders.fills import filled_by_symbol
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry, Fill, Intent, OrderLeg
from core.domain.positions.close_prices import spread_prices
from core.domain.positions.closing import fills_once
from core.domain.positions.exits import Exit
from core.domain.positions.fees import estimated_fees
from core.domain.positions.matching import DELIVERED, Match, Role, is_row_of, parts_by_unit, split
from core.domain.positions.units import Unit, UnitName, UnitState, in_order, left_of
from core.domain.trident.trident import SHARES_PER_CONTRACT, Action

_NONE = Decimal(0)
_SALES = (Action.SELL_TO_OPEN, Action.SELL_TO_CLOSE)


@dataclass(frozen=True, slots=True)
class OfficialClose:
    """The official close of an underlying, per share. `at` is the session's close, aware UTC."""

    at: datetime
    price: Decimal


@dataclass(frozen=True, slots=True)
class Realized:
    """Cash of closed units, and all fees. `estimated`: a fee is not the broker's last word. `unexplained` are the units
    that ended without anything that says for how much: their cash is left out.

    `gross` is the cash of trades alone, of which the opening `received` a part. `opening_fees` are a part of the fees.
    `difference` is how much more the broker's rows say of the whole trident: its word counts.
    """

    gross: Decimal
    settlement: Decimal
    fees: Decimal
    estimated: bool
    unexplained: tuple[UnitName, ...] = ()
    received: Decimal = _NONE
    opening_fees: Decimal = _NONE
    difference: Decimal = _NONE

    @property
    def paid(self) -> Decimal:
        """What the closing cost."""
        return self.received - self.gross

    @property
    def net(self) -> Decimal:
        return self.gross + self.settlement - self.fees + self.difference


@dataclass(slots=True)
class _Account:
    """What one unit has brought and cost."""

    received: Decimal = _NONE
    paid: Decimal = _NONE
    settlement: Decimal = _NONE
    fees: Decimal = _NONE
    opening_fees: Decimal = _NONE
    estimated: bool = False
    out: dict[str, Decimal] = field(default_factory=dict)
    awaited: Decimal = _NONE
    """Shares that the rows of assignments and exercises still lack; cash counts as 100 a contract."""
    unvalued: bool = False

    def leaves(self, symbol: str, quantity: Decimal) -> None:
        self.out[symbol] = self.out.get(symbol, _NONE) + quantity

    def explains(self, unit: Unit) -> bool:
        """Whether both contracts are known to have left, and for how much."""
        all_out = all(self.out.get(symbol, _NONE) >= 1 for symbol in (unit.short, unit.long))
        return all_out and not self.unvalued and self.awaited == 0


def realized(
    entry: Entry,
    units: Sequence[Unit],
    exits: Iterable[Exit],
    matches: Iterable[Match],
    closes: Sequence[OfficialClose] = (),
    *,
    cash_settled: bool,
    final_before: date,
    attested: Mapping[UnitName, Decimal] = {},
) -> Mapping[UnitName, Realized]:
    """What each unit of a trident has realized.

    Prices are those of the fills, fees those of the broker's rows; until these are all there, the fees are estimates.
    `units` are as they are now. A unit that has not ended has realized its fees alone. `closes` are the underlying's,
    ascending: shares of an assignment count at the first close after it. Fees of rows charged before `final_before`
    count as the broker's last word. `attested` is the cash that the end of a unit brought, by an operator's word: it
    counts where nothing else says so.
    """
    mine = [one for one in matches if one.trident_id == entry.id]
    accounts = {unit.name: _Account() for unit in units}
    _open(entry, units, [m for m in mine if m.role is Role.OPEN], accounts, cash_settled, final_before)
    for one in exits:
        of_exit = [m for m in mine if m.role is Role.CLOSE and m.row.order_id == one.order_id and is_row_of(m.row, one)]
        _close(one, units, of_exit, accounts, cash_settled, final_before)
    for left in mine:
        if left.unit is not None and left.role not in (Role.OPEN, Role.CLOSE):
            _leave(left, accounts[left.unit], closes, final_before)
    return {unit.name: _realized(unit, accounts[unit.name], attested.get(unit.name)) for unit in in_order(units)}


def total(units: Iterable[Realized]) -> Realized:
    """What they realized together."""
    all_units = tuple(units)
    return Realized(
        gross=sum((one.gross for one in all_units), _NONE),
        settlement=sum((one.settlement for one in all_units), _NONE),
        fees=sum((one.fees for one in all_units), _NONE),
        estimated=any(one.estimated for one in all_units),
        unexplained=tuple(name for one in all_units for name in one.unexplained),
        received=sum((one.received for one in all_units), _NONE),
        opening_fees=sum((one.opening_fees for one in all_units), _NONE),
    )


def by_broker(entry: Entry, matches: Iterable[Match], closes: Sequence[OfficialClose] = ()) -> Decimal | None:
    """What the broker's rows say that an ended trident has realized: their net values, and the shares of assignments at
    the first close after them. None while such a close is not there."""
    found = _NONE
    for one in matches:
        if one.trident_id != entry.id:
            continue
        found += one.net_value
        if one.role is Role.SHARES:
            worth = _worth_of_shares(one, closes)
            if worth is None:
                return None
            found += worth
    return found


@dataclass(frozen=True, slots=True)
class Unrealized:
    """What the units left would realize now, in $ before fees, at their mids and at once."""

    mid: Decimal
    natural: Decimal


@dataclass(frozen=True, slots=True)
class OpenMark:
    """What each unit left of a trident would realize at some moment: None without fresh quotes. Of a trident with a
    broken unit nobody can say what is open."""

    units: Mapping[Unit, Unrealized | None]
    is_broken: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether each of its units has a mark."""
        return None not in self.units.values()

    def of(self, left: Iterable[Unit]) -> Unrealized | None:
        """What these of its units would realize; None where one was not left then, or has no mark."""
        return None if self.is_broken else unrealized_of(self.units.get(unit) for unit in left)


def open_mark(units: Iterable[Unit], quotes: Mapping[str, Quote], now: float) -> OpenMark:
    """What is open of a trident by quotes as `unrealized` takes them."""
    every = tuple(units)
    is_broken = any(unit.state is UnitState.BROKEN for unit in every)
    return OpenMark({unit: unrealized([unit], quotes, now) for unit in left_of(every)}, is_broken)


def unrealized_of(parts: Iterable[Unrealized | None]) -> Unrealized | None:
    """The sum of the parts; None where one is not known."""
    mid = natural = _NONE
    for part in parts:
        if part is None:
            return None
        mid += part.mid
        natural += part.natural
    return Unrealized(mid, natural)


def unrealized(units: Iterable[Unit], quotes: Mapping[str, Quote], now: float) -> Unrealized | None:
    """The unit credits less what closing costs. `quotes` are by OCC symbol, `now` is the monotonic second. None when a
    credit is not known, or a quote is missing, crossed or older than 30 s."""
    mid = natural = _NONE
    for unit in left_of(units):
        prices = spread_prices(quotes.get(unit.short), quotes.get(unit.long), now)
        if unit.credit is None or prices is None:
            return None
        mid += SHARES_PER_CONTRACT * (unit.credit - prices.mid)
        natural += SHARES_PER_CONTRACT * (unit.credit - prices.natural)
    return Unrealized(mid, natural)


def _open(
    entry: Entry,
    units: Sequence[Unit],
    rows: Sequence[Match],
    accounts: Mapping[UnitName, _Account],
    cash_settled: bool,
    final_before: date,
) -> None:
    """The cash of the opening by the unit credits, so that units and trident tell one figure; its fees by contracts."""
    fills = fills_once(entry.fills)
    filled = _is_recorded(entry, fills)
    cash = sum((_cash(entry, fill) for fill in fills), _NONE) if filled else sum((m.value for m in rows), _NONE)
    posted = _is_posted(entry, rows)
    fees = sum((m.fees for m in rows), _NONE) if posted else _estimate(entry, fills, cash_settled)
    credits = [unit.credit for unit in units]
    weights = [credit for credit in credits if credit is not None and credit > 0]
    weights = weights if len(weights) == len(credits) else [Decimal(1)] * len(credits)
    shares = split(cash, weights), split(fees, [Decimal(1)] * len(credits))
    for unit, received, fee in zip(units, *shares, strict=True):
        account = accounts[unit.name]
        account.received += received
        account.fees += fee
        account.opening_fees += fee
        account.estimated |= not posted or _is_estimated(rows, final_before)
        account.unvalued |= not (filled or posted)


def _close(
    exit: Exit,
    units: Sequence[Unit],
    rows: Sequence[Match],
    accounts: Mapping[UnitName, _Account],
    cash_settled: bool,
    final_before: date,
) -> None:
    fills = fills_once(exit.fills)
    if not fills and not rows:
        return
    recorded, posted = _is_recorded(exit, fills), _is_posted(exit, rows)
    by_fill = parts_by_unit(exit, units, [(fill.symbol, fill.quantity) for fill in fills])
    contracts: dict[UnitName, Decimal] = {}
    if recorded:
        for fill, parts in zip(fills, by_fill, strict=True):
            for (name, quantity), value in zip(parts, split(_cash(exit, fill), [q for _, q in parts]), strict=True):
                accounts[name].paid -= value
                accounts[name].leaves(fill.symbol, quantity)
                contracts[name] = contracts.get(name, _NONE) + quantity
    else:
        for one in rows:
            if one.unit is not None:
                accounts[one.unit].paid -= one.value
                accounts[one.unit].leaves(one.row.symbol, one.quantity)
    if posted:
        for one in rows:
            if one.unit is not None:
                accounts[one.unit].fees += one.fees
                accounts[one.unit].estimated |= _is_estimated([one], final_before)
    else:
        contracts = contracts or dict.fromkeys(exit.units, Decimal(1))
        fees = split(_estimate(exit, fills, cash_settled), list(contracts.values()))
        for name, fee in zip(contracts, fees, strict=True):
            accounts[name].fees += fee
            accounts[name].estimated = True


def _leave(one: Match, account: _Account, closes: Sequence[OfficialClose], final_before: date) -> None:
    """A row of a contract that left without an order of ours."""
    account.fees += one.fees
    account.estimated |= _is_estimated([one], final_before)
    symbol = one.row.symbol
    match one.role:
        case Role.HAND | Role.REMOVAL:
            account.paid -= one.value
            account.leaves(symbol, one.quantity)
            if one.role is Role.REMOVAL and one.row.sub_kind in DELIVERED:
                account.awaited += SHARES_PER_CONTRACT * one.quantity
        case Role.CASH:
            account.settlement += one.value
            account.awaited -= SHARES_PER_CONTRACT * one.quantity
        case Role.SHARES:
            worth = _worth_of_shares(one, closes)
            account.settlement += one.value + (worth or _NONE)
            account.unvalued |= worth is None
            account.awaited -= one.quantity


def _worth_of_shares(one: Match, closes: Sequence[OfficialClose]) -> Decimal | None:
    """The shares of an assignment at the first official close after it, negative where they were sold."""
    after = next((close for close in closes if close.at > one.at), None)
    if after is None:
        return None
    return (one.quantity if one.row.action.startswith("Buy") else -one.quantity) * after.price


def _realized(unit: Unit, account: _Account, attested: Decimal | None) -> Realized:
    fees_alone = Realized(_NONE, _NONE, account.fees, account.estimated, opening_fees=account.opening_fees)
    if unit.state not in (UnitState.CLOSED, UnitState.GONE):
        return fees_alone
    received = account.received
    if account.explains(unit):
        gross = received - account.paid
        return replace(fees_alone, gross=gross, received=received, settlement=account.settlement)
    if attested is not None:
        return replace(fees_alone, gross=received, received=received, settlement=attested)
    return replace(fees_alone, unexplained=(unit.name,))


def _cash(order: Intent, fill: Fill) -> Decimal:
    sells = {leg.symbol: leg.action in _SALES for leg in order.terms.legs}
    return (1 if sells.get(fill.symbol) else -1) * SHARES_PER_CONTRACT * fill.quantity * fill.price


def _wanted(order: Intent, fills: Sequence[Fill]) -> Mapping[str, Decimal]:
    """The contracts of each leg that the order has filled: by its fills, and all of an order that is filled."""
    filled = filled_by_symbol(fills)
    if order.state is OrderState.FILLED:
        for leg in order.terms.legs:
            filled[leg.symbol] = max(filled.get(leg.symbol, _NONE), Decimal(leg.quantity))
    return filled


def _is_recorded(order: Intent, fills: Sequence[Fill]) -> bool:
    """Whether all fills are here."""
    return filled_by_symbol(fills) == _wanted(order, fills)


def _is_posted(order: Intent, rows: Sequence[Match]) -> bool:
    """Whether the broker's rows are here for all that is filled."""
    posted: dict[str, Decimal] = {}
    for one in rows:
        posted[one.row.symbol] = posted.get(one.row.symbol, _NONE) + one.quantity
    wanted = _wanted(order, fills_once(order.fills))
    return bool(rows) and all(posted.get(symbol, _NONE) >= quantity for symbol, quantity in wanted.items())


def _estimate(order: Intent, fills: Sequence[Fill], cash_settled: bool) -> Decimal:
    actions = {leg.symbol: leg.action for leg in order.terms.legs}
    filled = _wanted(order, fills)
    legs = [OrderLeg(symbol, actions[symbol], int(count)) for symbol, count in filled.items() if symbol in actions]
    return estimated_fees(legs, cash_settled=cash_settled)


def _is_estimated(rows: Iterable[Match], final_before: date) -> bool:
    return any(one.row.fees_estimated and one.row.day >= final_before for one in rows)
