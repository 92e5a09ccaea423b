"""A year of a scripted trader: cash, positions and fees agree with the transactions to the cent, every night."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from core.simulator.exchange.accounts import AccountSetup
from core.simulator.exchange.clearing import Late
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.fees import fees_for
from core.simulator.exchange.habits import AssignmentFee, FeesFinal, Habits, TradesPosted
from core.simulator.exchange.handling import Handling
from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.money_rows import Correction
from core.simulator.exchange.orders import OrderLeg, OrderRefused, OrderRequest, closing_order
from core.simulator.exchange.transactions import SimTransaction
from core.simulator.market.market import Market
from core.simulator.market.market_data import ListedExpiration, TradingSession
from core.simulator.market.sessions import sessions_between
from tests.core.simulator.exchange.closing_prices import exchange_at, signed
from tests.support.held_by_rows import held_by_rows
from tests.support.proofs import ALL

START = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
NUMBERS = ("5WT00001", "5WT00002")
CASH = Decimal(150_000)
SESSIONS = 250 if ALL else 30
SEEDS = range(20) if ALL else range(7, 8)
"""The sample is a seed by which all of `HAPPENS` comes about within few sessions."""
CREDITS = {"QQQ": (3, "4.05"), "SPXW": (5, "6.80")}
HAPPENS = frozenset(
    {
        "Expiration",
        "Assignment",
        "Exercise",
        "Cash Settled Assignment",
        "Cash Settled Exercise",
        "Balance Adjustment",
        "target",
        "hand",
        "assign",
        "refused margin_check_failed",
    }
)
"""A year without one of these would prove less than it seems to."""


@dataclass
class Troubles:
    """Postings that are late and corrected now and then."""

    draw: random.Random

    def position_lag(self, number: str) -> timedelta | None:
        return timedelta(seconds=self.draw.uniform(0, 120)) if self.draw.random() < 0.1 else None

    def late(self, number: str) -> Late | None:
        if self.draw.random() >= 0.1:
            return None
        return Late(timedelta(hours=self.draw.uniform(0.1, 30)), self.draw.random() < 0.5)

    def correction(self, number: str) -> Correction | None:
        return self.draw.choice(list(Correction)) if self.draw.random() < 0.1 else None


def drawn_habits(draw: random.Random) -> Habits:
    """Habits of the money at random."""
    return Habits(
        position_lag_s=draw.choice([(0.0, 3.0), (0.0, 0.0), (60.0, 600.0)]),
        trades_posted=draw.choice(list(TradesPosted)),
        fees_final=draw.choice(list(FeesFinal)),
        assignment_fee=draw.choice(list(AssignmentFee)),
        desk=draw.random() < 0.5,
        pin_assignment=draw.choice([0.0, 0.5]),
    )


@dataclass
class Trader:
    """Opens tridents, lets targets rest over nights, closes by hand, and is assigned now and then."""

    broker: Exchange
    market: Market
    draw: random.Random
    seen: Counter[str] = field(default_factory=Counter)
    """What happened, by its word: a year without it would prove nothing."""

    def session(self, session: TradingSession) -> None:
        """One session of both accounts."""
        at = session.open + timedelta(minutes=30)
        for number in NUMBERS:
            self._open(number, at)
            if self.draw.random() < 0.3:
                self._close_by_hand(number, at + timedelta(minutes=60))
        self.broker.advance(session.close)
        evening = exchange_at(session.day, 18)
        for number in NUMBERS:
            if self.draw.random() < 0.03:
                self._assign(number, evening)

    def _open(self, number: str, at: datetime) -> None:
        root = "SPXW" if self.draw.random() < 0.4 else "QQQ"
        underlying = "SPX" if root == "SPXW" else "QQQ"
        width, price = CREDITS[root]
        roots = self.market.chain(underlying, at.date())
        listed = next(each.expirations for each in roots if each.root == root)
        expiry = self.draw.choice([each for each in listed if each.days_to_expiration <= 50])
        legs = self._trident(expiry, underlying, width, self.draw.choice((1, 1, 2)), at)
        request = OrderRequest("Day", "Limit", legs, Decimal(price), "Credit")
        plan = self.draw.choice((FillPlan.IMMEDIATE, FillPlan.IMMEDIATE, FillPlan.PARTIAL, FillPlan.DELAYED))
        order = self._place(number, request, at, plan)
        if order is None or self.draw.random() < 0.3:
            return
        self.broker.advance(at + timedelta(minutes=20))
        if self.broker.order(number, order).status == "Filled":
            target = Decimal(price) / 6
            for first in (0, 2):
                self._target(number, legs[first : first + 2], target, at + timedelta(minutes=20))

    def _target(self, number: str, legs: tuple[OrderLeg, ...], price: Decimal, at: datetime) -> None:
        """A GTC order that closes one spread at a profit."""
        closing = tuple(
            replace(g, action="Buy to Close" if g.action.startswith("Sell") else "Sell to Close", quantity=Decimal(1))
            for g in legs
        )
        tick = Decimal("0.05")
        request = OrderRequest("GTC", "Limit", closing, price // tick * tick, "Debit")
        if self._place(number, request, at, None) is not None:
            self.seen["target"] += 1

    def _close_by_hand(self, number: str, at: datetime) -> None:
        """Cancels what works, then closes some positions at the market."""
        for order in self.broker.live_orders(number, at):
            if order.cancellable:
                self.broker.cancel(number, order.id, at)
        at += timedelta(seconds=30)
        positions = [p for p in self.broker.positions(number, at) if p.instrument_type == "Equity Option"]
        chosen = [p for p in positions if p.underlying_symbol == "QQQ"][: self.draw.randint(1, 4)]
        if chosen and self._place(number, closing_order(chosen), at, FillPlan.IMMEDIATE) is not None:
            self.seen["hand"] += 1

    def _assign(self, number: str, at: datetime) -> None:
        for position in self.broker.positions(number, at):
            if position.quantity_direction == "Short" and position.underlying_symbol == "QQQ":
                try:
                    self.broker.back_office.assign(number, position.symbol, 1, at, at_once=self.draw.random() < 0.5)
                except OrderRefused:
                    continue
                self.seen["assign"] += 1
                return

    def _place(self, number: str, request: OrderRequest, at: datetime, plan: FillPlan | None) -> int | None:
        try:
            order = self.broker.submit(number, request, at, handling=Handling(plan=plan))
        except OrderRefused as refused:
            self.seen[f"refused {refused.errors[0].code if refused.errors else refused.code}"] += 1
            return None
        self.seen["placed"] += 1
        return order.id

    def _trident(
        self, expiry: ListedExpiration, underlying: str, width: int, count: int, at: datetime
    ) -> tuple[OrderLeg, ...]:
        trade = self.market.trade(underlying, at)
        assert trade is not None
        strikes = {strike.strike: strike for strike in expiry.strikes}
        possible = [s for s in strikes if s - width in strikes and s + width in strikes]
        body = min(possible, key=lambda strike: abs(strike - trade.price))
        put, call = strikes[body], strikes[body]
        return (
            OrderLeg("Equity Option", put.put_occ, "Sell to Open", Decimal(2 * count)),
            OrderLeg("Equity Option", strikes[body - width].put_occ, "Buy to Open", Decimal(2 * count)),
            OrderLeg("Equity Option", call.call_occ, "Sell to Open", Decimal(count)),
            OrderLeg("Equity Option", strikes[body + width].call_occ, "Buy to Open", Decimal(count)),
        )


@dataclass
class Auditor:
    """Counts an account again, from its transactions and the fills of its orders alone."""

    broker: Exchange

    def check(self, number: str, at: datetime, *, orders: bool) -> None:
        """Raises AssertionError where cash, positions and rows, or the rows and all orders, disagree in a night."""
        balances = self.broker.balances(number, at)
        rows = sorted(self.broker.transactions(number, at), key=lambda row: row.id)
        waiting = [p for p in self.broker.back_office.ledgers[number].postings if p.settled]
        unposted = [row for posting in waiting for row in posting.rows]
        moved = [posting for posting in waiting if posting.moves]
        all_rows = [*rows, *unposted]
        total = sum((row.net_value for row in all_rows), Decimal(0))
        assert balances.cash_balance == CASH + total
        assert balances.cash_balance == balances.cash_balance.quantize(Decimal("0.01"))
        assert len({row.id for row in rows}) == len(rows)
        for row in rows:
            fees = row.fees
            parts = (fees.regulatory_fees, fees.clearing_fees, fees.commission, fees.proprietary_index_option_fees)
            assert row.net_value == row.value - sum(parts)
            assert row.created_at >= row.executed_at
        shown = {p.symbol: signed(p) for p in self.broker.positions(number, at)}
        for posting in moved:  # changed already, and not shown yet
            for move in posting.moves:
                shown[move.symbol] = shown.get(move.symbol, 0) + move.change
        assert {s: n for s, n in shown.items() if n} == held_by_rows(all_rows)
        if orders:
            self._trades(number, [row for row in all_rows if row.kind == "Trade"])

    def _trades(self, number: str, rows: list[SimTransaction]) -> None:
        """Each fill of each order has its value in one row, and the fees of an order are rounded once."""
        value: defaultdict[int, Decimal] = defaultdict(Decimal)
        fees: defaultdict[int, Decimal] = defaultdict(Decimal)
        for row in rows:
            assert row.order_id is not None
            value[row.order_id] += row.value
            fees[row.order_id] += row.fees.total_fees
        for order in self.broker.orders(number):
            filled = [(g.action, g.quantity - g.remaining_quantity) for g in order.legs]
            paid = sum(
                ((1 if g.sells else -1) * f.quantity * f.fill_price * 100 for g in order.legs for f in g.fills),
                Decimal(0),
            )
            assert value[order.id] == paid
            assert fees[order.id] == fees_for(order.underlying_symbol, filled).total_fees


@pytest.mark.proof
@pytest.mark.timeout(3600 if ALL else 240)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_year_of_cash_agrees_with_its_transactions_every_night(seed: int) -> None:
    draw = random.Random(seed)
    market = Market(seed, START)
    broker = Exchange(market, seed, [AccountSetup(number, "", "main", CASH) for number in NUMBERS])
    broker.trouble(Troubles(random.Random(seed + 1000)))
    trader = Trader(broker, market, draw)
    auditor = Auditor(broker)
    for number, session in enumerate(sessions_between(date(2026, 11, 23), date(2028, 1, 31))[:SESSIONS]):
        if number % 20 == 0:
            broker.habits = drawn_habits(draw)
        trader.session(session)
        for at in (exchange_at(session.day, 23), exchange_at(session.day + timedelta(days=1), 7)):
            for account in NUMBERS:
                auditor.check(account, at, orders=number % 25 == 24)
    happened = {row.sub_kind for each in NUMBERS for row in broker.transactions(each, at)} | set(trader.seen)
    assert happened >= HAPPENS
