"""Measures a trader with 1,500 resting closing orders: 50 accounts of one login, each with ten tridents or more.

One account lives some sessions with targets that hardly ever fill; records and broker are then copied. On the next
morning an engine starts on them, in virtual time, with the intervals of the product and its records on the loop, so
that a step of the loop has the time of its statements too. Counted are the requests that the broker gets; that nothing
is sent, and that all orders still rest, is asserted.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from bench.figure import Figure, percentile
from bench.many_exits import copied_exchange, copy_records
from core.config.settings import Settings
from core.domain.market.sessions import EXCHANGE_ZONE
from core.engine.engine import Engine
from core.engine.parts import EngineParts
from core.market.calendar import SessionCalendar
from core.records.records import Records
from core.records.store.sqlite_on_loop import OnLoop
from core.runtime.ids import SeededIds
from core.runtime.virtual_time import VirtualClock, run_virtual
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.saved import read_state, restored_market
from core.simulator.in_process.broker import InProcessBroker
from core.snapshot import Mode
from senex_tui.run.lived.before import traded_by
from senex_tui.run.lived.engine import LOGIN
from senex_tui.run.lived.order import LivedOrder
from senex_tui.run.lived.process import live_in_child

ACCOUNTS, TRIDENTS, SEED = 50, 10, 7
SESSIONS = 13
"""On some of them nothing is entered."""
ACCOUNT, OPENS = "5WT00007", date(2026, 11, 30)
MINUTES = 5
RECONCILED_AIM_S, STEP_AIM_MS, REQUESTS_AIM = 60.0, 20.0, 5.0
FAR = 95
T = TypeVar("T")


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        order = _order(Path(folder))
        live_in_child(order, lambda day: None)
        copy_records(order.records, ACCOUNT, ACCOUNTS - 1)
        start = datetime.combine(OPENS, datetime.min.time(), EXCHANGE_ZONE) + timedelta(hours=9, minutes=29)

        async def main(clock: VirtualClock) -> _Seen:
            return await _watched(order, clock)

        seen = run_virtual(main, start)
    step = percentile(seen.steps_s, 0.99) * 1000
    mean = _mean(seen.by_second)
    return [
        Figure(
            f"{ACCOUNTS} accounts with {seen.resting:,} exits reconciled",
            f"{seen.reconciled_s:.1f} s",
            f"{RECONCILED_AIM_S:.0f} s",
            seen.reconciled_s / RECONCILED_AIM_S,
            f"<= {RECONCILED_AIM_S:.0f} s",
            seen.reconciled_s <= RECONCILED_AIM_S,
        ),
        Figure(
            "a step of the loop beside them, p99",
            f"{step:.2f} ms",
            f"{STEP_AIM_MS:.0f} ms",
            step / STEP_AIM_MS,
            f"<= {STEP_AIM_MS:.0f} ms",
            step <= STEP_AIM_MS,
        ),
        Figure(
            "requests a second of their login",
            f"{mean:.2f}",
            f"{REQUESTS_AIM:.0f}",
            mean / REQUESTS_AIM,
            f"<= {REQUESTS_AIM:.0f}",
            mean <= REQUESTS_AIM,
        ),
    ]


def _mean(by_second: Counter[int]) -> float:
    """Requests a second over the watched minutes."""
    return sum(by_second.values()) / (60 * MINUTES)


@dataclass
class _Seen:
    """What the run came to. `by_second` counts requests by the second of the watched minutes."""

    resting: int = 0
    reconciled_s: float = 0.0
    steps_s: list[float] = field(default_factory=list)
    by_second: Counter[int] = field(default_factory=Counter)


class _CountingBroker(InProcessBroker):
    """Counts its requests in the second of its clock at which each leaves."""

    asked: Counter[int]

    async def _call(self, path: str, process: Callable[[datetime], T], method: str = "GET") -> T:
        self.asked[int(self.clock.monotonic())] += 1
        return await super()._call(path, process, method)


async def _watched(order: LivedOrder, clock: VirtualClock) -> _Seen:
    saved = copied_exchange(read_state(order.save_to, order.code), ACCOUNTS - 1)
    market = restored_market(saved.market)
    exchange = Exchange.restored(saved, market)
    broker = _CountingBroker(exchange, market, clock, LOGIN)
    broker.asked = Counter()
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
    seen, began_s = _Seen(), clock.monotonic()
    running = asyncio.create_task(engine.run(), name="engine")
    try:
        await engine.ready.wait()
        numbers = [account.setup.number for account in saved.accounts]
        while any(engine.gate.not_reconciled(number) for number in numbers):
            await clock.sleep(0.1)
        seen.reconciled_s = clock.monotonic() - began_s
        await clock.sleep(3 * 60)  # the open, and the first reads of all
        first_s = int(clock.monotonic())
        posted = len(broker.posted)
        with _timed(seen.steps_s):
            await clock.sleep(60 * MINUTES)
        seen.by_second = Counter({s: n for s, n in broker.asked.items() if first_s <= s < first_s + 60 * MINUTES})
        resting = [exchange.live_orders(number, clock.now()) for number in numbers]
        seen.resting = sum(one.status == "Live" and one.time_in_force == "GTC" for live in resting for one in live)
        wanted = await engine.parts.records.exits.open()
        assert len(broker.posted) == posted, "nothing is sent"
        assert seen.resting == len(wanted) >= ACCOUNTS * TRIDENTS * 3, f"{seen.resting} rest, {len(wanted)} should"
        for number in numbers:
            newest = engine.exits.reads.newest(number)
            assert len(engine.exits.turns.standings(number)) >= TRIDENTS, "all tridents of all accounts are followed"
            assert newest is not None, "each was read"
            assert clock.boottime() - newest.began_s <= 90, "each is read every minute"
    finally:
        engine.stop()
        await running
    return seen


class _timed:
    """Takes the time of each step of the loop, as its thread used it: a busy machine makes no step longer."""

    def __init__(self, taken: list[float]) -> None:
        self._taken, self._run = taken, asyncio.Handle._run

    def __enter__(self) -> None:
        taken, run = self._taken, self._run

        def step(handle: asyncio.Handle) -> None:
            began = time.thread_time()
            run(handle)
            taken.append(time.thread_time() - began)

        asyncio.Handle._run = step  # type: ignore[method-assign]

    def __exit__(self, *_: object) -> None:
        asyncio.Handle._run = self._run  # type: ignore[method-assign]


def _order(folder: Path) -> LivedOrder:
    far = Settings.model_validate({"exits": {"target_put_1": FAR, "target_put_2": FAR, "target_call": FAR}})
    return LivedOrder(
        records=folder / "records.sqlite3",
        save_to=folder / "simulator.json",
        code="bench",
        settings=traded_by(far),
        halt_file=folder / "HALT",
        seed=SEED,
        account=ACCOUNT,
        cash=Decimal("100000.00"),
        sessions=SESSIONS,
        opens_on=OPENS,
        position_limit=40,
    )
