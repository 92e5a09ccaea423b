"""The real engine on the simulator in virtual time: records in a temporary folder, and a broker in the same process."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from core.config.settings import ScheduleSettings, Settings, TradingSettings
from core.domain.market.chain import OptionChain
from core.domain.operation.commands import Command, CommandKind
from core.domain.operation.events import Event
from core.domain.orders.orders import Entry
from core.domain.positions.tridents import ExitMode
from core.engine.engine import Engine
from core.engine.parts import EngineParts
from core.market.calendar import SessionCalendar
from core.notify.mailer import Mailer
from core.records.records import Records
from core.records.repositories.rows import CommandRecord, CycleRecord, SlotRecord
from core.records.store.database import Database
from core.runtime.clock import EXCHANGE_ZONE, exchange_time
from core.runtime.ids import SeededIds
from core.runtime.intervals import Intervals
from core.runtime.virtual_time import VirtualClock, run_virtual
from core.simulator.exchange.accounts import AccountSetup
from core.simulator.exchange.exchange import Exchange
from core.simulator.in_process.broker import InProcessBroker
from core.simulator.market.market import Market
from core.snapshot import Mode, Snapshot
from tests.support.empty_records import copy_empty_records
from tests.support.record_samples import KEPT_IN_POSTGRES, url_of
from tests.support.sqlite_on_the_loop import Disk, on_disk

T = TypeVar("T")

SEED = 7
ACCOUNT = "5WT00001"
LOGIN = "main"
MONDAY = "2026-03-02"
"""A full session on which QQQ passes the judgement, far from holidays and changes of the clocks."""


def account(number: str = ACCOUNT, cash: str = "25000.00") -> AccountSetup:
    return AccountSetup(number, "Demo", LOGIN, Decimal(cash))


def et(day: str, at: str = "00:00") -> datetime:
    """An exchange date and time as an instant in UTC."""
    return datetime.fromisoformat(f"{day}T{at}").replace(tzinfo=EXCHANGE_ZONE).astimezone(UTC)


class SuspendableClock(VirtualClock):
    """The clock of a machine that can be suspended: market time goes on, the monotonic clock stands still. It can also
    be set; `elsewhere` is the clock of another machine, which is not."""

    def suspend(self, seconds: float) -> None:
        self._anchor += timedelta(seconds=seconds)
        self._true_s = -1.0
        self._slept_s += seconds

    def set_by(self, seconds: float) -> None:
        """Sets the clock ahead, or back by a negative number."""
        self._set_by += timedelta(seconds=seconds)

    def elsewhere(self) -> ClockElsewhere:
        return ClockElsewhere(self)

    def true_now(self) -> datetime:
        at_s = self._loop.time()
        if at_s != self._true_s:  # time stands still for thousands of calls
            self._true, self._true_s = self._anchor + timedelta(seconds=(at_s - self._since_s) * self.speed), at_s
        return self._true

    def boottime(self) -> float:
        return self._loop.time() + self._slept_s

    def run_at(self, speed: float) -> None:
        """From now on market time passes `speed` times as fast as the monotonic clock."""
        self._anchor = self.true_now()
        self._since_s = self._loop.time()
        self.speed = speed

    def now(self) -> datetime:
        return self.true_now() + self._set_by if self._set_by else self.true_now()

    _true = datetime.min.replace(tzinfo=UTC)
    _true_s = -1.0
    """The second at which `_true` was the true time; negative where none is known."""
    _since_s = 0.0
    _slept_s = 0.0
    _set_by = timedelta()


class ClockElsewhere:
    """A clock that shows the true time, whatever this machine's clock is set to."""

    def __init__(self, here: SuspendableClock) -> None:
        self._here = here

    @property
    def speed(self) -> float:
        return self._here.speed

    def now(self) -> datetime:
        return self._here.true_now()

    def monotonic(self) -> float:
        return self._here.monotonic()

    def boottime(self) -> float:
        return self._here.boottime()

    async def sleep(self, seconds: float) -> None:
        await self._here.sleep(seconds)


@lru_cache(maxsize=16)
def calendar_around(year: int) -> SessionCalendar:
    return SessionCalendar(datetime(year, 7, 1, tzinfo=UTC))


@lru_cache(maxsize=16)
def chains_of(seed: int, start: datetime) -> dict[tuple[str, date], OptionChain]:
    """The option chains of every world with this seed and start, so that they are built once."""
    return {}


@dataclass
class StoreCalls:
    """Counts the records' calls that run in threads, so that virtual time waits for them, and runs one at a time.

    One at a time, because two calls in two threads would end in an order that differs from run to run.
    """

    under_way: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def count(self) -> int:
        return self.under_way

    def one_at_a_time(self, database: Database) -> None:
        for name in ("read", "write"):
            setattr(database, name, self._in_turn(getattr(database, name)))

    def _in_turn(
        self, connect: Callable[[], AbstractAsyncContextManager[Any]]
    ) -> Callable[[], AbstractAsyncContextManager[Any]]:
        @asynccontextmanager
        async def in_turn() -> AsyncIterator[Any]:
            async with self.turn:
                self.under_way += 1
                try:
                    async with connect() as connection:
                        yield connection
                finally:
                    self.under_way -= 1

        return in_turn


class World:
    """One market, exchange, broker and records file, in which a test starts and ends engines."""

    def __init__(
        self,
        clock: SuspendableClock,
        calls: StoreCalls,
        folder: Path,
        *,
        seed: int,
        accounts: Sequence[AccountSetup],
        trading: TradingSettings,
        schedule: ScheduleSettings,
        preflight: bool,
        intervals: Intervals,
    ) -> None:
        self.intervals = intervals
        self.clock = clock
        self.folder = folder
        self.records_file = folder / "records.sqlite3"
        self.kill_file = folder / "HALT"
        self.stops_folder = folder / "stops"
        self.market = Market(seed, clock.now())
        self.exchange = Exchange(self.market, seed, accounts)
        self.accounts = tuple(setup.number for setup in accounts)
        self.ids = SeededIds(seed)
        self.settings = Settings(trading=trading, schedule=schedule)
        self.broker = InProcessBroker(self.exchange, self.market, clock.elsewhere(), LOGIN)
        feed = self.broker.market_data
        feed.idle_s, feed.followed_s = 5.0, 2.0  # 0.5 s, as in the product, took a third of the tests' time
        self.broker.chains = chains_of(seed, self.market.start)
        self.preflight = preflight
        self.mode, self.sends, self.real_time = Mode.DEMO, True, False
        self.mailer: Mailer | None = None
        self.exits: ExitMode | None = ExitMode.OFF
        self._calls = calls
        self.running: asyncio.Task[None] | None = None
        self._engine: Engine | None = None
        self._crashes = 0
        self._events_of: object = None
        self._events: tuple[Event, ...] = ()

    @property
    def engine(self) -> Engine:
        if self._engine is None:
            raise RuntimeError("no engine was started")
        return self._engine

    @property
    def records(self) -> Records:
        return self.engine.parts.records

    # Life of an engine

    async def build(self) -> Engine:
        """An engine on the records file, which does not run yet."""
        records = await self.open_records()
        self._engine = Engine(
            EngineParts(
                mode=self.mode,
                settings=self.settings,
                clock=self.clock,
                ids=self.ids,
                calendar=calendar_around(self.clock.now().year),
                broker=self.broker,
                market_data=self.broker.market_data,
                alerts=self.broker.alerts,
                records=records,
                sends=self.sends,
                real_time=self.real_time,
                preflight=self.preflight,
                enable_new_accounts=True,
                kill_file=self.kill_file,
                stops_folder=self.stops_folder,
                last_alive=self.folder / "last-alive",
                intervals=self.intervals,
                mailer=self.mailer,
                exits=self.exits,
            )
        )
        return self._engine

    async def start(self) -> Engine:
        """Starts an engine on the records file and waits until it runs."""
        engine = await self.build()
        self.running = asyncio.create_task(engine.run(), name="engine")
        ready = asyncio.create_task(engine.ready.wait())
        await asyncio.wait({self.running, ready}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if self.running.done():
            await self.running
        return engine

    async def stop(self) -> None:
        """Ends the engine in order."""
        self.engine.stop()
        if self.running is not None:
            await self.running

    async def ended(self) -> None:
        """Waits until the engine has ended by itself; raises what ended it."""
        if self.running is not None:
            await self.running

    async def crash(self) -> None:
        """Kills the process: committed records survive, and nothing the engine does later counts."""
        self._crashes += 1
        survived = self.folder / f"records-{self._crashes}.sqlite3"
        if not KEPT_IN_POSTGRES.survive(self.records_file, survived):
            with sqlite3.connect(self.records_file) as old, sqlite3.connect(survived) as new:
                old.backup(new)
        self.records_file = survived
        if self.running is not None:
            self.running.cancel()
            await asyncio.wait({self.running})

    async def reopened(self) -> Records:
        """Opens the records as a watcher does after the engine has ended; the caller closes them."""
        return await self.open_records(trader=False)

    async def open_records(self, *, trader: bool = True) -> Records:
        self._calls.under_way += 1
        try:
            records = await Records.open(url_of(self.records_file), trader=trader)
        finally:
            self._calls.under_way -= 1
        close = records.close
        self._calls.one_at_a_time(records.database)

        async def counted_close() -> None:
            self._calls.under_way += 1
            try:
                await close()
            finally:
                self._calls.under_way -= 1

        setattr(records, "close", counted_close)  # noqa: B010 - a method of this one instance
        return records

    # Time

    async def until(self, at: str, day: str | None = None) -> None:
        """Sleeps until this exchange time, today unless a day is given."""
        on = self.day.isoformat() if day is None else day
        await self.clock.sleep((et(on, at) - self.clock.now()).total_seconds() / self.clock.speed)

    def snapshot(self) -> Snapshot:
        """What the running engine shows now."""
        self.engine.builder.refresh()
        shown = self.engine.builder.snapshot
        assert shown is not None
        return shown

    # The operator

    async def command(
        self,
        kind: CommandKind,
        *,
        target: str = "",
        note: str = "",
        saw_cycle: int | None = None,
        older_by_s: float = 0.0,
        within_s: int = 10,
    ) -> CommandRecord:
        """Sends a command as the console does and waits for its answer; it was given `older_by_s` seconds ago."""
        at = datetime.fromtimestamp(self.clock.now().timestamp() - older_by_s, UTC)
        command = Command(self.ids.new(), kind, "operator", at, saw_cycle, target, note)
        self.engine.accept(command)
        for _ in range(10 * within_s):
            await self.clock.sleep(0.1)
            record = await self.records.inbox.get(command.id)
            if record is not None and record.finished_at is not None:
                return record
        raise AssertionError(f"{kind.value} was not answered within {within_s} s")

    async def answer(self, kind: CommandKind, target: str = "", note: str = "") -> str:
        """Sends a command and returns the engine's answer as one text: `done: ...` or `refused: ...`."""
        record = await self.command(kind, target=target, note=note)
        return f"{record.state.value}: {record.text}"

    # What is recorded

    @property
    def day(self) -> date:
        return exchange_time(self.clock.now()).date()

    async def slots(self) -> tuple[SlotRecord, ...]:
        return await self.records.slots.of_day(self.day)

    async def cycles(self) -> tuple[CycleRecord, ...]:
        return await self.records.cycles.of_day(self.day)

    async def entries(self) -> tuple[Entry, ...]:
        return await self.records.entries.of_day(self.day)

    async def entry(self) -> Entry:
        """Today's only entry."""
        found = await self.entries()
        assert len(found) == 1, [(e.state.value, e.detail) for e in found]
        return found[0]

    async def states(self, entry_id: str) -> list[str]:
        """The states an entry went through, in order, without repetitions."""
        states: list[str] = []
        for change in await self.records.entries.history(entry_id):
            if not states or states[-1] != change.state.value:
                states.append(change.state.value)
        return states

    async def steps(self, cycle: int) -> list[tuple[int | None, str | None, str, str]]:
        """The steps of a cycle in order: attempt, underlying, step, and reason code, which is empty for a passed
        step."""
        events = await self.records.journal.of_cycle(cycle)
        return [
            (e.attempt, e.underlying, e.step.value, "" if e.reason is None else e.reason.code)
            for e in events
            if e.step is not None
        ]

    async def events(self, cycle: int, kind: str) -> list[Event]:
        """The cycle's events of this kind. They are read anew only when events were written: tests ask often."""
        version = self.records.version("events")
        asked = (self.records, cycle, version)
        if asked != self._events_of or version is None:
            self._events_of, self._events = asked, await self.records.journal.of_cycle(cycle)
        return [e for e in self._events if e.kind == kind]


def in_world(
    script: Callable[[World], Coroutine[Any, Any, T]],
    folder: Path,
    *,
    start: datetime | None = None,
    seed: int = SEED,
    accounts: Sequence[AccountSetup] = (),
    trading: TradingSettings | None = None,
    schedule: ScheduleSettings | None = None,
    preflight: bool = False,
    poll_s: int = 10,
    in_threads: bool = False,
    disk: Disk | None = None,
) -> T:
    """Runs the script in a new world that begins at `start`, in virtual time.

    `poll_s` is how often the engine polls orders; a larger value is quicker over long stretches without orders. The
    records are a real file with real commits. With `in_threads` their calls run in threads, as in the product; without,
    on the loop, in the same order and for a third of the work, where all of them share `disk` when one is given.
    """
    calls = StoreCalls()

    async def main(clock: VirtualClock) -> T:
        world = World(
            SuspendableClock(clock.now(), asyncio.get_running_loop()),
            calls,
            folder,
            seed=seed,
            accounts=accounts or (account(),),
            trading=trading or TradingSettings(),
            schedule=schedule or ScheduleSettings(),
            preflight=preflight,
            intervals=seldom(poll_s),
        )
        return await script(world)

    copy_empty_records(folder / "records.sqlite3")
    with nullcontext() if in_threads else on_disk(Disk if disk is None else lambda: disk):
        return run_virtual(main, start or et(MONDAY, "09:44:30"), calls.count if disk is None else lambda: 0)


def seldom(poll_s: int) -> Intervals:
    """Long intervals: no test looks at the screen or posts commands from elsewhere, and fewer wakes are quicker."""
    return Intervals(
        orders_s=poll_s,
        settlement_s=poll_s,
        health_s=6 * poll_s,
        broker_s=6 * poll_s,
        positions_s=None,
        logins_s=24 * 3600,
        commands_s=6 * poll_s,
        locks_s=6 * poll_s,
        max_sleep_s=60.0,
        snapshot_s=3.0 * poll_s,
        mail_s=0.5 * poll_s,
        digests_s=6 * poll_s,
    )


def slot_times(slots: Sequence[SlotRecord]) -> list[time]:
    return [exchange_time(slot.slot).time() for slot in slots]
