"""The simulated broker: the accounts of several logins, and the orders, fills and positions of each.

Nothing here reads a clock. Calls name their instant, an aware datetime of market time, and first bring the exchange up
to it. A read without an instant shows the state at the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from core.runtime.clock import exchange_time
from core.simulator.exchange.acceptance import Acceptance
from core.simulator.exchange.accounts import AccountSetup, SimAccount, SimTradingStatus
from core.simulator.exchange.back_office import BackOffice
from core.simulator.exchange.clearing import Clearing, PostingTrouble
from core.simulator.exchange.complex_orders import ComplexOrders
from core.simulator.exchange.effects import opened_at_fill
from core.simulator.exchange.fills import FilledLeg
from core.simulator.exchange.habits import Habits
from core.simulator.exchange.handling import AS_ASKED, Handling
from core.simulator.exchange.known_orders import KnownOrders
from core.simulator.exchange.ledger import Ledger
from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.nights import Nights
from core.simulator.exchange.notices import Notices
from core.simulator.exchange.order_book import OrderBook
from core.simulator.exchange.order_placement import OrderPlacement
from core.simulator.exchange.orders import (
    NOT_FOUND,
    DryRun,
    Notice,
    OrderChanges,
    OrderError,
    OrderRefused,
    OrderRequest,
    SimBalances,
    SimOrder,
    SimPosition,
)
from core.simulator.exchange.preflight import Preflight
from core.simulator.exchange.risk_desk import RiskDesk
from core.simulator.exchange.saved import (
    SavedExchange,
    restore_ledger,
    restore_orders,
    saved_account,
    saved_book,
    saved_market,
)
from core.simulator.exchange.schedule import Due, DueKind, Schedule
from core.simulator.exchange.timeline import Timeline
from core.simulator.exchange.transactions import ALL, SimTransaction, TransactionIds, Wanted
from core.simulator.market.market import Market

OPENED = timedelta(days=700)
_EPOCH = 1_700_000_000
_FIRST_TRANSACTION = 500_000_000


class Exchange:
    """One simulated broker.

    Every call about an account or an order that does not exist raises OrderRefused (`record_not_found`).
    """

    def __init__(self, market: Market, seed: int, accounts: Sequence[AccountSetup]) -> None:
        self.habits = Habits()
        self.opened_by_close: list[tuple[int, str]] = []
        """The order id and the symbol of each fill of a leg that asked to close a position and opened one."""
        self._market = market
        # Ids depend on the start, so that the records of two demos never hold the same one.
        self._ids = TransactionIds((int(market.start.timestamp()) - _EPOCH) * 1000 + _FIRST_TRANSACTION)
        self._ledgers = {setup.number: Ledger(setup, market, self._ids) for setup in accounts}
        self._orders = KnownOrders()
        self.notices = Notices(self._ledger, self._balances)
        self._book = OrderBook(
            market,
            seed,
            self._changed,
            self._filled,
            habits=lambda: self.habits,
            held=lambda number: self._ledger(number).held(),
        )
        self._preflight = Preflight(market, self._ledgers, self._book.working, lambda: self.habits)
        self._acceptance = Acceptance(market, self._book, self._preflight, self._orders)
        self._schedule = Schedule(self.notices.moved)
        self._clearing = Clearing(self._ledgers, seed, lambda: self.speed, self.notices.posted)
        self._placement = OrderPlacement(
            market,
            self._book,
            self._preflight,
            self._acceptance,
            self._schedule,
            account=self._ledger,
            order=self.order,
            advance=self._advance_to,
            changed=self._changed,
            replaced=lambda order: self.complex_orders.replaced(order),
        )
        desk = RiskDesk(self._book, self.submit)
        self.back_office = BackOffice(
            market,
            self._ledgers,
            self._acceptance,
            self._clearing,
            desk,
            self._schedule,
            lambda: self.habits,
            self.order,
            self._advance_to,
            self.notices.positions,
        )
        nights = Nights(market, self._ledgers, self._clearing, desk, lambda: self.habits, seed)
        self._timeline = Timeline(self._book, self._clearing, nights, self._schedule, self.back_office.do, market.start)
        self.complex_orders = ComplexOrders(
            self._book,
            self._orders,
            self._placement.check,
            self._placement.accept,
            self._placement.user,
            self._advance_to,
            last_id=(int(market.start.timestamp()) - _EPOCH) * 1000,
        )
        self._started = market.start

    # Its state

    def saved(self, at: datetime) -> SavedExchange:
        """Everything about this broker at an instant that is not before its last one. Notices not read are left out.

        The values are its own: write them before it goes on.
        """
        self._advance_to(at)
        return SavedExchange(
            at=at,
            seed=self._book.seed,
            market=saved_market(self._market),
            habits=self.habits,
            accounts=tuple(saved_account(ledger) for ledger in self._ledgers.values()),
            last_transaction=self._ids.last,
            orders=self._orders.all(),
            book=saved_book(self._book),
            due=self._schedule.all(),
            revived_after=self._placement.revived_after,
            complex_orders=tuple(self.complex_orders.groups.values()),
            last_complex_order=self.complex_orders.last_id,
            last_order_id=self._acceptance.last_id,
            daily_order_ids=dict(self._acceptance.daily_ids),
            settled_to=self._timeline.settled_to,
            opened_by_close=tuple(self.opened_by_close),
        )

    @classmethod
    def restored(cls, saved: SavedExchange, market: Market) -> Exchange:
        """The broker that was saved, on the market that was saved with it: it goes on as if it had never ended.

        Raises StateRefused for positions that this market cannot list.
        """
        exchange = cls(market, saved.seed, [account.setup for account in saved.accounts])
        exchange.habits = saved.habits
        exchange.opened_by_close += saved.opened_by_close
        exchange._ids.last = saved.last_transaction
        for account in saved.accounts:
            restore_ledger(exchange._ledgers[account.setup.number], account)
        for order in saved.orders:
            exchange._orders.put(order)
            exchange._preflight.know(leg.symbol for leg in order.legs)
        restore_orders(exchange._book, saved.book)
        for due in saved.due:
            exchange._schedule.add(due)
        exchange._placement.revived_after.update(saved.revived_after)
        exchange.complex_orders.groups.update((group.id, group) for group in saved.complex_orders)
        exchange.complex_orders.last_id = saved.last_complex_order
        exchange._acceptance.last_id = saved.last_order_id
        exchange._acceptance.daily_ids.update(saved.daily_order_ids)
        exchange._timeline.settled_to, exchange._timeline.now = saved.settled_to, saved.at
        return exchange

    # Settings that may change while it runs

    @property
    def speed(self) -> float:
        """Market seconds per wall second. Routing delays are wall time and are scaled by it."""
        return self._book.speed

    @speed.setter
    def speed(self, value: float) -> None:
        self._book.speed = value
        self._decide_anew()

    @property
    def fill_plan(self) -> str:
        """The plan of accounts without one of their own: the value of a FillPlan."""
        return self._book.fill_plan.value

    @fill_plan.setter
    def fill_plan(self, value: str) -> None:
        """Raises ValueError for an unknown plan."""
        self._book.fill_plan = FillPlan(value)
        self._decide_anew()

    def set_fill_plan(self, number: str, plan: str | None) -> None:
        """Sets the plan of one account; None gives it the common plan again. Raises ValueError for an unknown plan."""
        self._ledger(number)
        if plan is None:
            self._book.account_plans.pop(number, None)
        else:
            self._book.account_plans[number] = FillPlan(plan)
        self._decide_anew()

    def restrict(
        self,
        number: str,
        *,
        is_closed: bool | None = None,
        is_frozen: bool | None = None,
        is_closing_only: bool | None = None,
        is_in_margin_call: bool | None = None,
    ) -> None:
        """Changes the restrictions of an account. None leaves one as it is."""
        ledger = self._ledger(number)
        setup = ledger.setup
        ledger.call_by_hand = ledger.call_by_hand or is_in_margin_call is not None
        ledger.setup = replace(
            setup,
            is_closed=setup.is_closed if is_closed is None else is_closed,
            is_frozen=setup.is_frozen if is_frozen is None else is_frozen,
            is_closing_only=setup.is_closing_only if is_closing_only is None else is_closing_only,
            is_in_margin_call=setup.is_in_margin_call if is_in_margin_call is None else is_in_margin_call,
        )

    # Orders

    def validate(self, number: str, order: OrderRequest, now: datetime) -> list[OrderError]:
        """The errors of the preflight, none for an order the broker would accept. Ticks are not checked."""
        return self._placement.check(number, order, now).errors

    def dry_run(self, number: str, order: OrderRequest, now: datetime) -> DryRun:
        """The effect, fees, warnings and errors of an order, without placing it. Raises nothing for a refused order."""
        return self._placement.dry_run(number, order, now)

    def submit(
        self, number: str, order: OrderRequest, now: datetime, *, by: str = "", handling: Handling = AS_ASKED
    ) -> SimOrder:
        """Accepts an order with status Received. `by` is the login that places it, by default the account's own.

        Raises OrderRefused: `validation_error` for a malformed order, `preflight_check_failure` for a forbidden one.
        """
        return self._placement.place(number, order, now, by, handling)

    def submit_late(self, number: str, order: OrderRequest, at: datetime, *, by: str = "") -> None:
        """Takes on an order at this instant of market time: one that was long on its way. A refusal is told nobody."""
        self._ledger(number)
        self._schedule.add(Due(at, DueKind.SUBMIT, number, request=order, by=by))

    def replace(
        self,
        number: str,
        order_id: int,
        changes: OrderChanges,
        now: datetime,
        *,
        by: str = "",
        keeps_identifier: bool = True,
    ) -> SimOrder:
        """Asks to replace an order. Returns the new order, which stays Contingent until the old one is cancelled.

        `by` is the login that asks. Unless `keeps_identifier`, the new order has only the identifier that it brings.

        Raises OrderRefused: `cannot_update_order` when the old order has ended, is partly filled or may not change, and
        what `submit` raises for the new one.
        """
        return self._placement.replace(number, order_id, changes, now, by, keeps_identifier=keeps_identifier)

    def can_fill(self, number: str, order_id: int, now: datetime) -> bool:
        """Whether the order is live in a market that is open and not halted."""
        self._advance_to(now)
        self.order(number, order_id)
        entry = self._book.entry(order_id)
        return entry is not None and self._book.can_fill(entry, now)

    def cancel(self, number: str, order_id: int, now: datetime, *, by: str = "", fills: bool = False) -> SimOrder:
        """Asks to cancel an order, which may still fill, and with `fills` does, before the cancel arrives.

        `by` is the login that asks, by default the account's own.

        Raises OrderRefused (`cannot_update_order`) after its end.
        """
        return self._placement.cancel(number, order_id, now, by, fills=fills)

    def trouble(self, trouble: PostingTrouble) -> None:
        """Has the postings of all accounts ask whether something goes wrong with them."""
        self._clearing.troubles.append(trouble)

    def advance(self, now: datetime) -> list[Notice]:
        """Brings the exchange up to the instant. Returns the notices since the last call, oldest first."""
        self._advance_to(now)
        return self.notices.take()

    def next_event_at(self) -> datetime | None:
        """When an order or a position next changes by itself, or may do so; None if nothing is due."""
        event = self._timeline.next()
        return None if event is None else event[0]

    # Reads

    def accounts_of(self, login: str) -> list[SimAccount]:
        """The accounts that a login reaches, closed ones included, in the order of the settings."""
        setups = (ledger.setup for ledger in self._ledgers.values())
        return [self._account(setup) for setup in setups if login in (setup.login, *setup.also)]

    def account(self, number: str) -> SimAccount:
        """One account, as the broker lists it."""
        return self._account(self._ledger(number).setup)

    def order(self, number: str, order_id: int) -> SimOrder:
        """The order, as of the last instant the exchange was brought up to."""
        order = self._orders.get(order_id)
        if order is None or order.account_number != self._ledger(number).setup.number:
            raise OrderRefused(NOT_FOUND, f"Order {order_id} was not found.")
        return order

    def live_orders(self, number: str, now: datetime) -> list[SimOrder]:
        """The orders that still work, and those that ended on the exchange date of `now`; newest first."""
        self._advance_to(now)
        today = exchange_time(now).date()
        self._ledger(number)
        return self._orders.of_today(number, today)

    def orders(self, number: str, start: datetime | None = None, end: datetime | None = None) -> list[SimOrder]:
        """The orders received at start <= t < end, in any status, newest first. None as a bound means no bound."""
        self._ledger(number)
        return [order for order in self._orders.of(number, start) if end is None or order.received_at < end]

    def balances(self, number: str, now: datetime) -> SimBalances:
        self._advance_to(now)
        return self._balances(number, now)

    def positions(self, number: str, now: datetime, *, closed: bool = False) -> list[SimPosition]:
        """The open positions, sorted by symbol; with `closed` also those closed on the exchange date of `now`."""
        self._advance_to(now)
        ledger, today = self._ledger(number), exchange_time(now).date()
        shown = ledger.shown.holdings.items() if closed else ()
        ended = {symbol for symbol, h in shown if not h.quantity and exchange_time(h.updated_at).date() == today}
        return [ledger.position(symbol, now) for symbol in sorted({*ledger.shown.held(), *ended})]

    def transactions(self, number: str, now: datetime, wanted: Wanted = ALL) -> list[SimTransaction]:
        """The posted transactions asked for, oldest first."""
        self._advance_to(now)
        return self._ledger(number).log.rows(wanted)

    def trading_status(self, number: str) -> SimTradingStatus:
        setup = self._ledger(number).setup
        return SimTradingStatus(
            account_number=number,
            options_level=setup.options_level,
            is_closed=setup.is_closed,
            is_frozen=setup.is_frozen,
            is_closing_only=setup.is_closing_only,
            is_in_margin_call=setup.is_in_margin_call,
            updated_at=self._started,
        )

    # Internals

    def _ledger(self, number: str) -> Ledger:
        ledger = self._ledgers.get(number)
        if ledger is None:
            raise OrderRefused(NOT_FOUND, f"Account {number} was not found.")
        return ledger

    def _account(self, setup: AccountSetup) -> SimAccount:
        opened = self._started - OPENED
        return SimAccount(setup.number, setup.nickname, setup.login, setup.margin_or_cash, setup.is_closed, opened)

    def _balances(self, number: str, at: datetime) -> SimBalances:
        return self._ledger(number).balances(at, self._preflight.reserved(number, at))

    def _advance_to(self, now: datetime) -> None:
        self._timeline.advance(now)

    def _decide_anew(self) -> None:
        self._book.decide_anew(self._timeline.now)
        self.notices.moved()

    def _changed(self, order: SimOrder, at: datetime) -> None:
        self._orders.put(order)
        self.notices.order(order, at)
        if order.status == "Cancelled" and (after := self._placement.revived_after.pop(order.id, None)) is not None:
            self._schedule.add(Due(at + after, DueKind.REVIVE, order.account_number, order.id))
        self.complex_orders.changed(order, at)

    def _filled(self, order: SimOrder, filled: list[FilledLeg], at: datetime) -> None:
        opened = opened_at_fill(order, filled, self._ledger(order.account_number).held())
        self.opened_by_close += [(order.id, symbol) for symbol in opened]
        self._clearing.fill(order, filled, self.habits, at)
        self.complex_orders.filled(order, at)
        self.notices.balance(order.account_number, at)
