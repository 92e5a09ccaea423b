"""The world of the exit paths: one trident in virtual time, a process that can be killed at any instant, and a broker
that goes on.

Time is virtual, so the waits of an hour that settle an unknown exit are the product's own. A killed process does
nothing any more: its tasks are cancelled where they stand and its disk is gone, with what it had not committed.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from core.config.settings import ScheduleSettings, TradingSettings
from core.domain.operation.commands import Command, CommandKind
from core.engine.engine import Engine
from core.records.records import Records
from core.runtime.clock import Clock
from core.runtime.ids import SeededIds
from core.runtime.virtual_time import VirtualClock, run_virtual
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.faults import Fault
from core.simulator.exchange.saved import decoded, encoded, restored_market
from core.simulator.in_process.broker import InProcessBroker
from core.simulator.market.market import Market
from tests.proofs.exits.invariants import ExitWorldFacts, Kept, Stop
from tests.proofs.kill.exit_points import place_exit_points
from tests.proofs.kill.kill_at import KillSwitch
from tests.support.sqlite_on_the_loop import Disk, on_disk
from tests.support.world import ACCOUNT, LOGIN, SEED, StoreCalls, SuspendableClock, World, account, seldom

T = TypeVar("T")
CASH = Decimal("25000.00")
NEXT_READ = timedelta(seconds=75)
"""How long a process that has just begun may take with what is due: until the complete read of the next minute."""
OTHER_IDS = SEED + 1
"""The seed of the ids: those of a template are used."""


@dataclass(frozen=True)
class Template:
    """A world as it was left: its records and its exchange at an instant, in files of this folder."""

    folder: Path
    name: str

    @property
    def records(self) -> Path:
        return self.folder / f"{self.name}.sqlite3"

    @property
    def exchange(self) -> Path:
        return self.folder / f"{self.name}.json"

    def save(self, world: World, at: datetime) -> None:
        """Keeps a world in which no engine runs."""
        with sqlite3.connect(world.records_file) as now, sqlite3.connect(self.records) as kept:
            now.backup(kept)
        self.exchange.write_bytes(encoded(world.exchange.saved(at)))


class KillsHere(KillSwitch):
    """Kills the process of a world instead of an operating system's."""

    on_death: Callable[[], None]
    is_dead = False

    def suspended(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        if not self.is_dead:
            super().suspended(coroutine)

    def passing(self, name: str) -> None:
        if not self.is_dead:
            super().passing(name)
            if self.is_dead:
                raise asyncio.CancelledError  # nothing after this point is done

    def _die(self, where_: str) -> None:
        self.is_dead = True
        self.place.write_text(where_, encoding="utf-8")
        self.on_death()


def _nothing() -> None:
    """The default callback: nothing to do."""


class ExitWorld(World):
    """One account with one trident. `stops` are the times in which no exit may be sent: those without a process, and
    those in which it is stopped. `on_commit` is called after each commit of its processes."""

    def __init__(self, clock: SuspendableClock, folder: Path, template: Template) -> None:
        super().__init__(
            clock,
            StoreCalls(),
            folder,
            seed=SEED,
            accounts=[account(cash=str(CASH))],
            trading=TradingSettings(),
            schedule=ScheduleSettings(),
            preflight=False,
            intervals=seldom(10),
        )
        shutil.copy(template.records, self.records_file)
        saved = decoded(template.exchange.read_bytes())
        market = restored_market(saved.market)
        exchange = Exchange.restored(saved, market)
        exchange.fill_plan = "never"
        self.exits = None
        self.ids = SeededIds(OTHER_IDS)
        self.kill_file.touch()  # entries are stopped: no exit may mind that
        self.entry_stops = (Stop(since=clock.now(), until=None, why="there was the file HALT"),)
        self.stops: list[Stop] = []
        self.free: list[tuple[datetime, datetime]] = []
        self._ready_since: datetime | None = None
        self.on_commit: Callable[[], None] = _nothing
        self.reader = sqlite3.connect(self.records_file, isolation_level=None)
        self.stopped("no process ran")
        self.disk = Disk()
        self.kept = Kept()
        self.cancels: list[tuple[str, str]] = []
        self._main = asyncio.current_task()
        self.connect(exchange, market)

    def connect(self, exchange: Exchange, market: Market) -> None:
        """Makes this the broker of the console, and takes note of what it cancels there."""
        true: Clock = self.clock.elsewhere()
        chains, self.exchange, self.market = self.broker.chains, exchange, market
        self.broker = InProcessBroker(exchange, market, true, LOGIN)
        self.broker.market_data.idle_s, self.broker.market_data.followed_s = 5.0, 2.0
        self.broker.chains = chains
        cancel = self.broker.cancel

        async def noted(number: str, order_id: str) -> None:
            self.cancels.append((number, order_id))
            await cancel(number, order_id)

        setattr(self.broker, "cancel", noted)  # noqa: B010 - a method of this one instance

    def arm(self, fault: Fault) -> None:
        self.broker.faults.arm(fault, self.clock.now(), self.clock.monotonic())

    async def open_records(self, *, trader: bool = True) -> Records:
        return await Records.open(f"sqlite+aiosqlite:///{self.records_file}", trader=trader)

    async def bring_up(self, switch: KillsHere, watch: Callable[[KillsHere, Engine], None]) -> None:
        """Starts a process; the switch may kill it as soon as its watched work begins."""
        self.lives()
        switch.on_death = self._died
        engine = await self.build()
        switch.install()
        place_exit_points(switch, engine)
        watch(switch, engine)
        self.running = asyncio.create_task(engine.run(), name="engine")

    # What stands in the way of exits

    def stopped(self, why: str) -> None:
        """From now on no exit may be sent, until `goes_on`."""
        self.stops.append(Stop(since=self.clock.now(), until=None, why=why))

    def goes_on(self, why: str) -> None:
        """Ends what was stopped so."""
        now = self.clock.now()
        self.stops = [replace(s, until=now) if s.why == why and s.until is None else s for s in self.stops]

    def lives(self) -> None:
        """A process begins."""
        self.goes_on("no process ran")
        self.disk = Disk(on_commit=lambda: self.on_commit())

    def is_ready(self) -> None:
        """The process works from now on, or does so already: nothing stands in the way of its exits."""
        if self._ready_since is None:
            self._ready_since = self.clock.now()

    def is_blocked(self) -> None:
        """Something stands in the way of the process's exits from now on, until it is ready again."""
        if self._ready_since is not None:
            self.free.append((self._ready_since, self.clock.now()))
            self._ready_since = None

    def is_left_alone(self) -> None:
        """The trident is in other hands: since the process is ready, nothing of it was due."""
        self._ready_since = None

    def is_over(self) -> None:
        """The process has ended, or was killed."""
        self.is_blocked()
        if not any(stop.why == "no process ran" and stop.until is None for stop in self.stops):
            self.stopped("no process ran")

    def _died(self) -> None:
        self.is_over()
        self.disk.kill()
        for task in self._process_tasks():
            task.cancel()

    def _process_tasks(self) -> set[asyncio.Task[Any]]:
        return asyncio.all_tasks() - {self._main}

    async def end(self) -> None:
        """Ends the process: in order where it lives, and whatever is left of it."""
        if not self.disk.gone:
            self.engine.stop()
            done, _ = await asyncio.wait({*filter(None, [self.running])}, timeout=120.0)
            assert done, "the console did not end within two minutes"
        self.is_over()
        self.disk.kill()
        for _ in range(200):
            tasks = self._process_tasks()
            if not tasks:
                break
            for task in tasks:
                task.cancel()
            await asyncio.sleep(0)
        assert not self._process_tasks(), "tasks of a killed process go on"

    def ask(self, kind: CommandKind, target: str = "", note: str = "") -> None:
        """Gives a command, and waits for nothing: its console may be killed before it answers."""
        self.engine.accept(Command(self.ids.new(), kind, "operator", self.clock.now(), None, target, note))

    def sql(self, query: str) -> list[Any]:
        """Rows of the committed records."""
        with sqlite3.connect(self.records_file) as reader:
            found = reader.execute(query).fetchall()
        reader.close()
        return found

    def trident(self) -> str:
        """The id of the only trident."""
        return str(self.sql("SELECT id FROM tridents")[0][0])

    def facts(self, *, at_rest: bool = False) -> ExitWorldFacts:
        now = self.clock.now()
        free = [*self.free, *([] if self._ready_since is None else [(self._ready_since, now)])]
        self.exchange.live_orders(ACCOUNT, now)  # brings the exchange up to now, and leaves its notices
        return ExitWorldFacts(
            reader=self.reader,
            exchange=self.exchange,
            market=self.market,
            now=now,
            posts=self.broker.posted,
            cancels=self.cancels,
            stops=self.stops,
            entry_stops=self.entry_stops,
            free=free,
            within=NEXT_READ,
            first_cash={ACCOUNT: CASH},
            at_rest=at_rest,
            kept=self.kept,
        )


def in_exit_world(template: Template, folder: Path, script: Callable[[ExitWorld], Coroutine[Any, Any, T]]) -> T:
    """Runs the script in the world of a template, in virtual time."""
    worlds: list[ExitWorld] = []

    async def main(clock: VirtualClock) -> T:
        world = ExitWorld(SuspendableClock(clock.now(), asyncio.get_running_loop()), folder, template)
        worlds.append(world)
        return await script(world)

    at = decoded(template.exchange.read_bytes()).at
    with on_disk(lambda: worlds[0].disk):
        return run_virtual(main, at, lambda: 0)
