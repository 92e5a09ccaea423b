"""The real engine on the simulator's server, over real sockets and in real time, at a time of the market that a test
chooses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from core.broker.tastytrade import Login, TastytradeBroker
from core.broker.tastytrade.timings import Timings
from core.config.settings import Settings, TradingSettings
from core.cycle.account_cycle import AccountResult
from core.domain.operation.reasons import Refusal
from core.domain.orders.orders import Entry
from core.domain.positions.tridents import ExitMode
from core.engine.engine import Engine
from core.engine.parts import EngineParts
from core.records.records import Records
from core.runtime.clock import ShiftedClock
from core.runtime.ids import SeededIds
from core.simulator.exchange.faults import Fault, FaultKind
from core.simulator.wire.server import Simulator
from core.simulator.wire.settings import DEFAULT_LOGIN, SimulatorSettings
from core.snapshot import Mode
from tests.support.record_samples import url_of
from tests.support.world import LOGIN, MONDAY, SEED, calendar_around, et

ACCOUNT = "5WT00001"
TEN = et(MONDAY, "10:00")
PATIENCE_S = 30.0


class SetClock(ShiftedClock):
    """The clock of a machine that somebody can set. The monotonic counter does not notice."""

    def set_by(self, seconds: float) -> None:
        self._anchor += timedelta(seconds=seconds)


@dataclass(eq=False)
class WireWorld:
    """A simulated broker at its true time, and a trader at its own."""

    simulator: Simulator
    engine: Engine
    clock: SetClock
    """The trader's."""
    running: asyncio.Task[None]

    def arm(self, kind: FaultKind, **fault: Any) -> None:
        true = self.simulator.clock
        self.simulator.faults.arm(Fault(kind, **fault), true.now(), true.monotonic())

    def at_the_broker(self) -> int:
        """How many orders the broker has of the account."""
        return len(self.simulator.exchange.orders(ACCOUNT))

    async def until(self, holds: Callable[[], object], what: str) -> None:
        """Waits until `holds` is true; fails with `what` did not happen, or with what ended the engine."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not holds():
                    if self.running.done():
                        await self.running
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"did not happen: {what}") from None

    async def until_ready(self) -> None:
        """Waits until nothing bars entries and quotes come."""
        gate, engine = self.engine.gate, self.engine
        await self.until(
            lambda: (
                engine.ready.is_set()
                and gate.account_refusal(ACCOUNT, LOGIN) is None
                and engine.feed.is_live(self.clock.monotonic())
            ),
            "ready to enter",
        )

    async def enter(self) -> tuple[AccountResult, ...] | Refusal:
        """Runs one cycle now."""
        return await self.engine.force("operator")

    async def entries(self) -> tuple[Entry, ...]:
        return await self.engine.parts.records.entries.of_day(self.engine.study.today())


@asynccontextmanager
async def on_the_wire(
    folder: Path,
    *,
    start: datetime = TEN,
    off_s: float = 0.0,
    real_time: bool = False,
    preflight: bool = False,
    timings: Timings | None = None,
    faults: tuple[Fault, ...] = (),
) -> AsyncIterator[WireWorld]:
    """A simulator and an engine that trades QQQ there, which runs no slots. The clock of the trader's machine is
    `off_s` seconds ahead of the broker's. `faults` are armed before the engine starts."""
    true, clock = ShiftedClock(start), SetClock(start + timedelta(seconds=off_s))
    simulator = Simulator(SimulatorSettings(seed=SEED), true, SeededIds(3))
    for fault in faults:
        simulator.faults.arm(fault, true.now(), true.monotonic())
    port = await simulator.start()
    login = Login("main", DEFAULT_LOGIN.client_secret, DEFAULT_LOGIN.refresh_token)
    ids = SeededIds(1)
    broker = TastytradeBroker(login, clock, ids, base_url=f"http://127.0.0.1:{port}", timings=timings or Timings())
    engine = Engine(
        EngineParts(
            mode=Mode.DEMO,
            settings=Settings(trading=TradingSettings(underlyings=("QQQ",), stabilization_seconds=0.2)),
            clock=clock,
            ids=ids,
            calendar=calendar_around(start.year),
            broker=broker,
            market_data=broker.market_data,
            alerts=broker.alerts,
            records=await Records.open(url_of(folder / "records.sqlite3")),
            sends=True,
            real_time=real_time,
            preflight=preflight,
            enable_new_accounts=True,
            kill_file=folder / "HALT",
            exits=ExitMode.OFF,
        )
    )
    running = asyncio.create_task(engine.run(scheduled=False), name="engine")
    try:
        yield WireWorld(simulator, engine, clock, running)
    finally:
        engine.stop()
        await asyncio.gather(running, return_exceptions=True)
        await simulator.stop()
