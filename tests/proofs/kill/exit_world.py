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
from dataclasses import dataclass
from datetime import datetime
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
from tests.proofs.exits.invariants import ExitWorldFacts, Kept
from tests.proofs.kill.exit_points import place_exit_points
from tests.proofs.kill.kill_at import KillSwitch
from tests.support.sqlite_on_the_loop import Disk, on_disk
from tests.support.world import ACCOUNT, LOGIN, SEED, StoreCalls, SuspendableClock, World, account, seldom

T = TypeVar("T")
CASH = Decimal("25000.00")
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


class ExitWorld(World):
    """One account with one trident. `killed_at` is where its process was killed, empty while it lives."""

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
        self.market = restored_market(saved.market)
        self.exchange = Exchange.restored(saved, self.market)
        self.exchange.fill_plan = "never"
        true: Clock = clock.elsewhere()
        chains = self.broker.chains
        self.broker = InProcessBroker(self.exchange, self.market, true, LOGIN)
        self.broker.market_data.idle_s, self.broker.market_data.followed_s = 5.0, 2.0
        self.broker.chains = chains
        self.exits = None
        self.ids = SeededIds(OTHER_IDS)
        self.kill_file.touch()  # entries are stopped: no exit may mind that
        self.disk = Disk()
        self.kept = Kept()
        self.cancels: list[tuple[str, str]] = []
        self._main = asyncio.current_task()
        self._note_cancels()

    def _note_cancels(self) -> None:
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
        self.disk = Disk()
        switch.on_death = self._died
        engine = await self.build()
        switch.install()
        place_exit_points(switch, engine)
        watch(switch, engine)
        self.running = asyncio.create_task(engine.run(), name="engine")

    def _died(self) -> None:
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
        self.disk.kill()
        for _ in range(200):
            tasks = self._process_tasks()
            if not tasks:
                break
            for task in tasks:
                task.cancel()
            await asyncio.sleep(0)
        assert not self._process_tasks(), "tasks of a killed process go on"
        asyncio.get_running_loop().set_task_factory(None)

    def ask(self, kind: CommandKind, target: str = "", note: str = "") -> None:
        """Gives a command, and waits for nothing: its console may be killed before it answers."""
        self.engine.accept(Command(self.ids.new(), kind, "operator", self.clock.now(), None, target, note))

    def sql(self, query: str) -> list[Any]:
        """Rows of the committed records."""
        with sqlite3.connect(self.records_file) as reader:
            found = reader.execute(query).fetchall()
        reader.close()
        return found

    def facts(self, *, at_rest: bool = False) -> ExitWorldFacts:
        now = self.clock.now()
        self.exchange.live_orders(ACCOUNT, now)  # brings the exchange up to now, and leaves its notices
        return ExitWorldFacts(
            reader=sqlite3.connect(self.records_file),
            exchange=self.exchange,
            market=self.market,
            now=now,
            posts=self.broker.posted,
            cancels=self.cancels,
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
