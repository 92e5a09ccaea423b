"""Measures what 1,500 resting GTC orders cost the simulated broker: a look at their account, and a session.

A look is what a trader asks for at each reconciliation: balances, positions, the orders of today and their history. Its
base is a look at an account without orders, at the same instant of the same market. The sessions are those after the
first, which tries each new order some dozens of times.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

from bench.figure import Figure
from core.simulator.exchange.accounts import AccountSetup
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.orders import OrderLeg, OrderRequest
from core.simulator.market.market import Market

ORDERS, SESSIONS, LOOKS = 1_500, 5, 50
LOOK_AIM_MS, SESSION_AIM_S = 20.0, 1.0
BUSY, IDLE = "5WT00001", "5WT00002"
START = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def measure() -> list[Figure]:
    market = Market(7, START)
    broker = Exchange(market, 7, [AccountSetup(number, number, "main", Decimal(10_000_000)) for number in (BUSY, IDLE)])
    for index in range(ORDERS):
        broker.submit(BUSY, _far_away(600 + index % 40), START)
    broker.advance(START + DAY)
    end = START + DAY
    sessions: list[float] = []
    while len(sessions) < SESSIONS:
        end += DAY
        took = _seconds(partial(broker.advance, end))
        if market.session(end.date()) is not None:
            sessions.append(took)
    working = sum(order.status == "Live" for order in broker.live_orders(BUSY, end))
    if working != ORDERS:
        raise RuntimeError(f"{working} orders rest instead of {ORDERS}")
    looks = {number: [_seconds(partial(_look, broker, number, end)) for _ in range(LOOKS)] for number in (BUSY, IDLE)}
    busy, idle = (statistics.median(looks[number]) * 1000 for number in (BUSY, IDLE))
    session = statistics.median(sessions)
    return [
        Figure(
            f"a look at {ORDERS:,} resting orders",
            f"{busy:.2f} ms",
            f"at none {idle:.2f} ms",
            busy / idle,
            f"<= {LOOK_AIM_MS:.0f} ms",
            busy <= LOOK_AIM_MS,
        ),
        Figure(
            f"a session of {ORDERS:,} resting orders",
            f"{session:.2f} s",
            f"{SESSION_AIM_S:.0f} s",
            session / SESSION_AIM_S,
            f"<= {SESSION_AIM_S:.0f} s",
            session <= SESSION_AIM_S,
        ),
    ]


def _look(broker: Exchange, number: str, at: datetime) -> None:
    broker.balances(number, at)
    broker.positions(number, at)
    broker.live_orders(number, at)
    broker.orders(number, START)
    broker.next_event_at()


def _far_away(body: int) -> OrderRequest:
    """A trident at a credit that nobody pays."""
    legs = ((body, "P", "Sell", 2), (body - 3, "P", "Buy", 2), (body, "C", "Sell", 1), (body + 3, "C", "Buy", 1))
    return OrderRequest(
        "GTC",
        "Limit",
        tuple(
            OrderLeg("Equity Option", f"QQQ   270108{right}{strike * 1000:08d}", f"{way} to Open", Decimal(count))
            for strike, right, way, count in legs
        ),
        Decimal("90.00"),
        "Credit",
    )


def _seconds(step: Callable[[], object]) -> float:
    began = time.perf_counter()
    step()
    return time.perf_counter() - began
