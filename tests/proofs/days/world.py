"""The world of simulated days: the engine's process dies and comes back in it, and every commit is checked."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sqlite3
from collections.abc import Callable, Coroutine, Iterable
from contextlib import closing, suppress
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from core.broker.port import BrokerError
from core.config.settings import ScheduleSettings, TradingSettings
from core.domain.operation.commands import Command
from core.domain.positions.tridents import ExitMode
from core.engine.engine import Engine
from core.records.records import Records
from core.records.store.errors import RecordsError
from core.runtime.intervals import Intervals
from core.runtime.virtual_time import VirtualClock
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.saved import decoded, encoded, restored_market
from core.simulator.in_process.attention import QUARTER_S, unwatched_s
from core.simulator.in_process.broker import InProcessBroker, Posted
from core.simulator.in_process.market_data import SAMPLE_S
from tests.core.notify.mail_without_engine import mail_settings
from tests.proofs.days.broker_side import BrokerSide
from tests.proofs.days.plan import Plan
from tests.support.empty_records import copy_empty_records
from tests.support.memory_mail_server import MemoryMailServer
from tests.support.sqlite_on_the_loop import Disk
from tests.support.world import StoreCalls, SuspendableClock, World, account

T = TypeVar("T")

START_AGAIN_S = 20.0
"""Seconds after which a console that could not start, or ended by itself, is started again, as a supervisor does."""
CLOCK_RIGHT_AFTER_S = 5400.0
"""Seconds after which a clock that is off at the start is set right."""
log = logging.getLogger(__name__)


class TraderClock(SuspendableClock):
    """The clock of the trader's machine. It is suspended with the world, and unlike the exchange's clock it can be
    wrong."""

    def __init__(self, world: SuspendableClock, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(world.now(), loop)
        self._world = world
        self._off = timedelta()

    def set_off(self, by: timedelta) -> None:
        self._off = by

    def suspend(self, seconds: float) -> None:
        self._world.suspend(seconds)

    def now(self) -> datetime:
        return self._world.now() + self._off if self._off else self._world.now()

    def boottime(self) -> float:
        return self._world.boottime()


class Posts(list[Posted]):
    """The orders sent; each is passed on as it is sent."""

    def __init__(self, on_post: Callable[[Posted], None]) -> None:
        super().__init__()
        self._on_post = on_post

    def append(self, posted: Posted) -> None:
        super().append(posted)
        self._on_post(posted)


class DayWorld(World):
    """The world of one seed. `process` counts the engine's processes; `ends` has the reasons of those that ended by
    themselves."""

    def __init__(self, plan: Plan, clock: VirtualClock, folder: Path) -> None:
        exchange_clock = SuspendableClock(clock.now(), asyncio.get_running_loop())
        super().__init__(
            exchange_clock,
            StoreCalls(),
            folder,
            seed=plan.market,
            accounts=[account(f"5WT{n:05d}", str(cash)) for n, cash in enumerate(plan.cash, 1)],
            trading=TradingSettings(minimum_score=Decimal(plan.minimum_score), position_limit=plan.position_limit),
            schedule=ScheduleSettings(),
            preflight=plan.preflight,
            intervals=_intervals(plan),
        )
        self.plan = plan
        self.settings = self.settings.model_copy(update={"mail": mail_settings()})
        self.mail_server = self.mailer = MemoryMailServer(exchange_clock)
        self.exchange_clock = exchange_clock
        self.clock: TraderClock = TraderClock(exchange_clock, asyncio.get_running_loop())
        self.real_time = plan.real_time
        self.exits = None if plan.exits else ExitMode.OFF
        if plan.clock_off_s:
            self.clock.set_off(timedelta(seconds=plan.clock_off_s))
            self.later(CLOCK_RIGHT_AFTER_S, lambda: self.clock.set_off(timedelta()))
        self.exchange.fill_plan = plan.fill_plan
        self.exchange.habits = plan.habits
        self.newest_event: Callable[[], int] = lambda: 0
        self.broker_side = BrokerSide(lambda: self.newest_event())
        self._connect()
        self.on_commit: Callable[[], None] = lambda: None
        self.on_records_lost: Callable[[], None] = lambda: None
        self.at_next_order: Callable[[str], object] | None = None
        """Called once with the account when our next order is sent."""
        self.on_start: Callable[[Engine], None] = lambda engine: None
        self.disk = Disk(self._died, self._committed)
        self.full = False
        self.slow_s = 0.0
        self.process = 0
        self.stops_asked: list[tuple[int, Command]] = []
        """Every stop that was asked, and the engine's process that was asked."""
        self.ends: list[str] = []
        self.attention_until = 0.0
        self.back_after_s = START_AGAIN_S
        self._own: set[asyncio.Task[Any]] = set()
        self._ended = asyncio.Event()
        self._up = False

    def _connect(self) -> None:
        """Connects the trader's side to the broker."""
        self.broker.market_data.idle_s, self.broker.market_data.followed_s = 2.0, SAMPLE_S
        self.broker.market_data.closed_s = self.broker.alerts.max_wait_s = QUARTER_S
        self.broker.market_data.client_clock = self.clock
        self.broker.market_data.unwatched_s = self._unwatched_s
        self.broker.market_data.newest_only = True
        self.broker_side.watch(self.broker)

    def restore_exchange(self) -> None:
        """Saves the simulated broker, and goes on with the one that is restored from that. No engine may run."""
        saved = decoded(encoded(self.exchange.saved(self.exchange_clock.now())))
        before, self.market = self.broker, restored_market(saved.market)
        self.exchange = Exchange.restored(saved, self.market)
        self.broker = InProcessBroker(
            self.exchange, self.market, self.exchange_clock.elsewhere(), before.login, before.faults
        )
        self.broker.posted, self.broker.chains = before.posted, before.chains
        self._connect()

    # Tasks of the world, not of the engine's process

    def own(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Starts a task that outlives the engine's process."""
        task = asyncio.create_task(work)
        self._own.add(task)
        task.add_done_callback(self._own.discard)
        return task

    def keep(self, task: asyncio.Task[Any]) -> None:
        """Marks a task as not belonging to the engine's process."""
        self._own.add(task)

    def later(self, seconds: float, work: Callable[[], object]) -> None:
        """Runs the work in so many seconds, whatever happens to the process."""
        asyncio.get_running_loop().call_later(seconds, work)

    async def sleep_until(self, at: datetime) -> None:
        """Waits for an instant of the exchange's clock; a suspension may make it late."""
        while (left := (at - self.exchange_clock.now()).total_seconds()) > 0:
            await self.exchange_clock.sleep(left)

    # Processes

    @property
    def is_up(self) -> bool:
        return self._up and self._engine is not None and self._engine.ready.is_set()

    async def bring_up(self) -> None:
        """Starts the engine, and tries again until it runs."""
        while True:
            try:
                await self._start_process()
                return
            except (BrokerError, RecordsError) as error:
                log.info("not started: %s", error)
            except asyncio.CancelledError:
                if asyncio.current_task().cancelling():  # type: ignore[union-attr]
                    raise
            await self.exchange_clock.sleep(START_AGAIN_S)

    async def _start_process(self) -> None:
        self.process += 1
        self.broker_side.bar()
        self.disk = Disk(self._died, self._committed)
        self.disk.full, self.disk.slow_s = self.full, self.slow_s
        self._ended.clear()
        self._engine = None
        starting = asyncio.create_task(self.start(), name="start")
        try:
            await asyncio.wait({starting})
        except asyncio.CancelledError:
            starting.cancel()
            raise
        await starting
        self._up = True
        if self.running is not None:
            self.running.add_done_callback(self._process_ended)
        self.on_start(self.engine)

    def _process_ended(self, running: asyncio.Task[None]) -> None:
        if running is not self.running or not self._up:
            return
        self._up = False
        error = None if running.cancelled() else running.exception()
        self.ends.append(f"{type(error).__name__}: {error}" if error is not None else "ended by itself")
        self.own(self._start_again(START_AGAIN_S))

    async def _start_again(self, seconds: float) -> None:
        await self.exchange_clock.sleep(seconds)
        if not self._up:
            await self.bring_up()

    async def quit(self) -> None:
        """Ends the engine in order; one that has not ended after a minute is killed."""
        if not self._up or self.running is None:
            return
        self._up = False
        self.engine.stop()
        done, _ = await asyncio.wait({self.running}, timeout=60.0)
        if not done:
            await self.kill()
        else:
            with suppress(BrokerError, RecordsError, ExceptionGroup):
                await self.running

    async def kill(self) -> None:
        """Kills the process: nothing of it runs any more, and what was not committed is lost."""
        self._up = False
        self.disk.kill()
        await self._end_process_tasks()

    def _died(self) -> None:
        """The disk has killed the process at a commit."""
        self._up = False
        for task in self._process_tasks():
            task.cancel()
        self.own(self.come_back(self.back_after_s))

    async def _end_process_tasks(self) -> None:
        for _ in range(200):
            tasks = self._process_tasks()
            if not tasks:
                return
            for task in tasks:
                task.cancel()
            await asyncio.sleep(0)
        raise AssertionError(f"tasks of a killed process go on: {self._process_tasks()}")

    def _process_tasks(self) -> list[asyncio.Task[Any]]:
        found: Iterable[asyncio.Task[Any]] = asyncio.all_tasks() - self._own - {asyncio.current_task()}
        return sorted(found, key=lambda task: task.get_name())

    async def end(self) -> None:
        """Ends the world: no task goes on."""
        for task in self._own - {asyncio.current_task()}:
            task.cancel()
        await self.kill()

    def mend(self) -> None:
        """Ends all faults, except that listings lag as long as planned."""
        broker = self.broker
        broker.faults.clear()
        self.mail_server.mend()
        broker.unreachable = False
        broker.no_connection = broker.refuse_orders = broker.fail_after_accept = 0
        self.fill_disk(False)
        self.slow_disk(0.0)
        self.disk.die_at_commit = 0
        self.clock.set_off(timedelta())
        self.at_next_order = None
        self.kill_file.unlink(missing_ok=True)

    async def come_back(self, seconds: float) -> None:
        """Ends what is left of a killed process and starts the engine again so many seconds later."""
        await self._end_process_tasks()
        await self._start_again(seconds)

    # The store

    async def open_records(self, *, trader: bool = True) -> Records:
        return await Records.open(f"sqlite+aiosqlite:///{self.records_file}", trader=trader)

    def _committed(self) -> None:
        self.on_commit()

    def fill_disk(self, full: bool) -> None:
        self.full = self.disk.full = full

    def slow_disk(self, seconds: float) -> None:
        self.slow_s = self.disk.slow_s = seconds

    @property
    def _older_records(self) -> Path:
        return self.folder / "older.sqlite3"

    def keep_records(self) -> None:
        """Copies the records as they are, for a day on which they are put back."""
        with closing(sqlite3.connect(self.records_file)) as now, closing(sqlite3.connect(self._older_records)) as kept:
            now.backup(kept)

    async def lose_records(self, *, older: bool) -> None:
        """Kills the process, and replaces its records by an older copy, or by new ones."""
        await self.kill()
        for leftover in self.folder.glob(f"{self.records_file.name}-*"):
            leftover.unlink()
        self.records_file.unlink()  # another file comes in its place: a check still has this one open, and writes it
        if older:
            shutil.copy(self._older_records, self.records_file)
        else:
            copy_empty_records(self.records_file)
        self.on_records_lost()

    # What the feed may leave out

    def _unwatched_s(self) -> float:
        """For how many seconds no engine looks at prices: none while a cycle runs or is about to begin."""
        engine = self._engine
        if engine is None or not self._up:
            return QUARTER_S
        looks = engine.runner.in_cycle or engine.exits.watches_prices
        watched = looks or self.exchange_clock.monotonic() < self.attention_until
        return unwatched_s(self.clock.now(), watched=watched)


def _intervals(plan: Plan) -> Intervals:
    """Long ones, which are quicker. In real time the broker is asked as often as in the product, because its answers
    prove the clock."""
    if plan.lived:
        return Intervals.for_lived_days()
    return Intervals(
        orders_s=plan.poll_s,
        settlement_s=plan.poll_s,
        health_s=1800,
        broker_s=30 if plan.real_time else 1800,
        positions_s=None,
        logins_s=24 * 3600,
        commands_s=1800,
        locks_s=1800,
        max_sleep_s=300.0,
        snapshot_s=1e9,
        mail_s=300.0,
        digests_s=1800,
    )
