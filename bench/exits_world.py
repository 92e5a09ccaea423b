"""Many accounts of one login with tridents that are held: lived once by the real engine, then copied.

On the next morning an engine starts on them in virtual time, with the intervals of the product and its records on the
loop, so that a step of the loop has the time of its statements too. The simulated broker counts what it is asked.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from bench.figure import Figure
from bench.many_exits import copied_exchange, copy_records
from core.broker.port import AccountReads, WireGuard
from core.config.settings import Settings
from core.domain.market.sessions import EXCHANGE_ZONE
from core.domain.orders.orders import OrderReport, OrderRequest, SendOutcome
from core.engine.engine import Engine
from core.engine.parts import EngineParts
from core.market.calendar import SessionCalendar
from core.records.records import Records
from core.records.store.sqlite_on_loop import OnLoop
from core.runtime.ids import SeededIds
from core.runtime.virtual_time import VirtualClock
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.saved import SavedExchange, read_state, restored_market
from core.simulator.in_process.broker import InProcessBroker
from core.snapshot import Mode
from senex_tui.run.lived.before import traded_by
from senex_tui.run.lived.engine import LOGIN
from senex_tui.run.lived.order import LivedOrder
from senex_tui.run.lived.process import live_in_child

SEED = 7
ACCOUNT, OPENS = "5WT00007", date(2026, 11, 30)
STARTS = datetime.combine(OPENS, datetime.min.time(), EXCHANGE_ZONE) + timedelta(hours=9, minutes=29)
FAR = 95
"""Percent of the credit at which targets rest: hardly any is filled."""
REQUESTS_AIM = 5
"""Requests a second of one login."""
T = TypeVar("T")


def live_accounts(folder: Path, *, accounts: int, sessions: int, position_limit: int) -> LivedOrder:
    """Lives so many sessions with one account, and copies its records to so many accounts in all."""
    far = Settings.model_validate({"exits": {"target_put_1": FAR, "target_put_2": FAR, "target_call": FAR}})
    order = LivedOrder(
        records=folder / "records.sqlite3",
        save_to=folder / "simulator.json",
        code="bench",
        settings=traded_by(far),
        halt_file=folder / "HALT",
        seed=SEED,
        account=ACCOUNT,
        cash=Decimal("100000.00"),
        sessions=sessions,
        opens_on=OPENS,
        position_limit=position_limit,
    )
    live_in_child(order, lambda day: None)
    copy_records(order.records, ACCOUNT, accounts - 1)
    return order


class CountingBroker(InProcessBroker):
    """Keeps the monotonic second of its clock at which each request leaves, ascending: as many as the adapter of the
    real broker sends for the same question (broker 2.2), where that is more than one."""

    asked: list[float]

    async def _call(self, path: str, process: Callable[[datetime], T], method: str = "GET") -> T:
        self._leaves()
        return await super()._call(path, process, method)

    async def account_reads(self, number: str) -> AccountReads:
        self._leaves(2)  # positions and trading status, beside the balances
        return await super().account_reads(number)

    async def orders_since(self, number: str, first_day: date) -> tuple[OrderReport, ...]:
        found = await super().orders_since(number, first_day)
        self._leaves()  # the history, after the live orders
        return found

    async def send(self, number: str, request: OrderRequest, guard: WireGuard) -> SendOutcome:
        self._leaves()
        return await super().send(number, request, guard)

    def _leaves(self, requests: int = 1) -> None:
        self.asked.extend([self.clock.monotonic()] * requests)


@dataclass(frozen=True, slots=True)
class Morning:
    """An engine at work on the lived accounts, and the broker it asks. `began_s` is the monotonic second of its
    start."""

    engine: Engine
    broker: CountingBroker
    exchange: Exchange
    numbers: Sequence[str]
    began_s: float


@asynccontextmanager
async def morning(order: LivedOrder, accounts: int, clock: VirtualClock) -> AsyncIterator[Morning]:
    """Starts the engine on the lived accounts, which have to be copied before; ends it on the way out."""
    saved: SavedExchange = copied_exchange(read_state(order.save_to, order.code), accounts - 1)
    market = restored_market(saved.market)
    exchange = Exchange.restored(saved, market)
    broker = CountingBroker(exchange, market, clock, LOGIN)
    broker.asked = []
    engine = Engine(
        EngineParts(
            mode=Mode.DEMO,
            settings=Settings.model_validate(json.loads(order.settings, parse_float=Decimal)),
            clock=clock,
            ids=SeededIds(SEED),
            calendar=SessionCalendar(clock.now()),
            broker=broker,
            market_data=broker.market_data,
            alerts=broker.alerts,
            records=await Records.open(f"sqlite+aiosqlite:///{order.records}", on_loop=OnLoop()),
            sends=True,
            preflight=False,
            enable_new_accounts=True,
            kill_file=order.halt_file,
        )
    )
    numbers = [account.setup.number for account in saved.accounts]
    began_s = clock.monotonic()
    running = asyncio.create_task(engine.run(), name="engine")
    try:
        await engine.ready.wait()
        yield Morning(engine, broker, exchange, numbers, began_s)
    finally:
        engine.stop()
        await running


def most_in_a_second(instants: Sequence[float]) -> int:
    """The most of these ascending instants, in seconds, that lie within less than one second, wherever it begins."""
    most, last = 0, deque[float]()
    for instant in instants:
        last.append(instant)
        while instant - last[0] >= 1.0:
            last.popleft()
        most = max(most, len(last))
    return most


def busiest_second(most: int, mean: float, name: str = "most requests of their login in a second") -> Figure:
    """The figure of the requests a second of a login: the most, beside the mean."""
    return Figure(
        name,
        str(most),
        f"mean {mean:.2f}",
        most / mean,
        f"<= {REQUESTS_AIM}",
        most <= REQUESTS_AIM,
    )
