"""The broker's check of an order before it accepts it: its terms, its account and the buying power it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.simulator.exchange.buying_power import effect_of
from core.simulator.exchange.buying_power import reserved as held_back
from core.simulator.exchange.effects import Resolved, resolve
from core.simulator.exchange.habits import Habits
from core.simulator.exchange.ledger import Ledger
from core.simulator.exchange.matching import package_quote
from core.simulator.exchange.orders import (
    BuyingPowerEffect,
    OrderError,
    OrderMessage,
    OrderRequest,
    SimLeg,
    SimOrder,
    package_size,
)
from core.simulator.exchange.validation import check_account, check_cover, check_sign, check_terms, read_legs
from core.simulator.market.market import Market
from core.simulator.market.market_data import ListedOption


@dataclass(frozen=True, slots=True)
class Checked:
    """An order as the broker would take it on, with its errors and warnings.

    With a `discard_reason` it would be accepted, routed, and then rejected for that reason.
    """

    order: SimOrder | None
    errors: list[OrderError]
    warnings: tuple[OrderMessage, ...] = ()
    discard_reason: str | None = None


class Preflight:
    """Checks orders against their accounts' ledgers. `working` returns the orders of an account that have not ended."""

    def __init__(
        self,
        market: Market,
        ledgers: Mapping[str, Ledger],
        working: Callable[[str], list[SimOrder]],
        habits: Callable[[], Habits],
    ) -> None:
        self.options: dict[str, ListedOption] = {}
        """Every contract that an order has named, by OCC symbol."""
        self._market = market
        self._ledgers = ledgers
        self._working = working
        self._habits = habits
        self._held_back: dict[str, tuple[dict[str, int], dict[int, _HeldBack]]] = {}
        """By account: the positions with which what its working orders hold was computed, and that by order."""

    def know(self, symbols: Iterable[str]) -> None:
        """Takes the contracts among these symbols, which orders have named before."""
        found = ((symbol, self._market.option(symbol)) for symbol in symbols)
        self.options.update((symbol, option) for symbol, option in found if option is not None)

    def check(
        self,
        number: str,
        request: OrderRequest,
        now: datetime,
        replacing: int | None = None,
        *,
        judged: bool = True,
    ) -> Checked:
        """The order with status Received and id 0, and what is said of it. No order when legs or terms are invalid.

        `replacing` is the id of the order that it replaces: the buying power and the positions that it takes are free.
        Unless `judged`, the position effect of its legs is left open until it fills.
        """
        ledger = self._ledgers[number]
        options, errors = read_legs(request, self._market, now)
        errors += check_terms(request.order_type, request.time_in_force, request.price, request.price_effect)
        if errors:
            return Checked(None, errors)
        self.options.update(options)
        others = _beside(self._working(number), replacing)
        draft = _draft(number, request, options, now)
        resolved = resolve(draft, ledger.shown.held(), others, self._habits()) if judged else Resolved(draft)
        draft = resolved.order
        errors = [*check_account(ledger.setup, draft), *resolved.errors, *check_sign(draft, options)]
        if judged and resolved.discard_reason is None:
            errors += check_cover(draft, ledger, options)
        is_open = any(leg.opens for leg in draft.legs)  # what only closes may be sent however little is left
        if judged and is_open and not errors and resolved.discard_reason is None:
            change = self.effect(draft, now, replacing)
            if change.change_in_buying_power < 0 and change.new_buying_power < 0:
                short = f"{-change.new_buying_power:.2f}"
                errors.append(OrderError("margin_check_failed", f"Insufficient buying power: {short} $ are missing."))
        return Checked(draft, errors, resolved.warnings, resolved.discard_reason)

    def net(self, order: SimOrder, now: datetime) -> Decimal:
        """The signed price by which buying power is computed: the limit, or the natural price of a market order."""
        if order.price is not None:
            return order.price
        streamers = {symbol: option.streamer for symbol, option in self.options.items()}
        package = package_quote(order.legs, lambda symbol: self._market.quote(streamers.get(symbol, symbol), now))
        return package.natural if package is not None else Decimal(0)

    def reserved(self, number: str, now: datetime, apart_from: int | None = None) -> Decimal:
        """The buying power in $ held by the account's working orders, without the order with the id `apart_from`.

        A contingent order holds none: the order that it replaces still does.
        """
        held = self._ledgers[number].held()
        before, known = self._held_back.get(number, ({}, {}))
        if before != held:
            known = {}
        kept: dict[int, _HeldBack] = {}
        for order in self._working(number):
            found = known.get(order.id)
            if found is None or found.order is not order or found.at not in (None, now):
                found = self._held_back_by(order, now)
            kept[order.id] = found
        self._held_back[number] = held, kept
        return sum(
            (f.amount for f in kept.values() if f.order.id != apart_from and f.order.status != "Contingent"), Decimal(0)
        )

    def _held_back_by(self, order: SimOrder, now: datetime) -> _HeldBack:
        ledger, asked = self._ledgers[order.account_number], order.price is None

        def price(symbol: str) -> Decimal:
            nonlocal asked
            asked = True
            return ledger.price(symbol, now)

        amount = held_back(order, ledger, self.options, self.net(order, now), price)
        return _HeldBack(order, amount, now if asked else None)

    def available(self, number: str, now: datetime, apart_from: int | None = None) -> Decimal:
        """The buying power in $ that is left. Below zero when positions and orders hold more than the cash."""
        ledger = self._ledgers[number]
        return ledger.free_cash(now) - self.reserved(number, now, apart_from)

    def effect(self, order: SimOrder, now: datetime, replacing: int | None = None) -> BuyingPowerEffect:
        """How the order changes the buying power of its account."""
        number = order.account_number
        available = self.available(number, now, replacing)
        return effect_of(order, self._ledgers[number], self.options, self.net(order, now), available, now)


@dataclass(frozen=True, slots=True)
class _HeldBack:
    """What a working order holds of its account's buying power in $. With prices it is so at `at` only."""

    order: SimOrder
    amount: Decimal
    at: datetime | None


def _beside(working: list[SimOrder], replacing: int | None) -> list[SimOrder]:
    """The working orders that count beside one that replaces `replacing`: not that one, nor those of its complex order,
    which it cancels by its fill."""
    replaced = next((order for order in working if order.id == replacing), None)
    if replaced is None:
        return working
    group = replaced.complex_order_id
    return [o for o in working if o is not replaced and (group is None or o.complex_order_id != group)]


def _draft(number: str, request: OrderRequest, options: Mapping[str, ListedOption], now: datetime) -> SimOrder:
    """The requested order with status Received and id 0."""
    underlying = next((option.underlying for option in options.values()), request.legs[0].symbol)
    price = request.price
    if price is not None and request.price_effect == "Debit":
        price = -price
    legs = tuple(
        SimLeg(leg.instrument_type, leg.symbol, leg.action, int(leg.quantity), int(leg.quantity))
        for leg in request.legs
    )
    return SimOrder(
        id=0,
        account_number=number,
        time_in_force=request.time_in_force,
        order_type=request.order_type,
        size=package_size(tuple(leg.quantity for leg in legs)),
        underlying_symbol=underlying,
        underlying_instrument_type="Index" if underlying == "SPX" else "Equity",
        price=price,
        status="Received",
        legs=legs,
        received_at=now,
        updated_at=now,
        source=request.source,
        external_identifier=request.external_identifier,
        preflight_id=request.preflight_id,
        gtc_date=request.gtc_date,
        stop_trigger=request.stop_trigger,
        value=request.value,
        strict=request.strict,
    )
