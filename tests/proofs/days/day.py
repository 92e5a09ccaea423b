"""One seed's days from the first morning to the last evening, and what came of them."""

from __future__ import annotations

import asyncio
import gc
import logging
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path

from core.broker.port import BrokerError
from core.domain.operation.commands import Command, CommandKind
from core.records.store.errors import RecordsError
from core.runtime.clock import exchange_time
from core.runtime.virtual_time import VirtualClock, run_virtual
from core.simulator.exchange.orders import SimOrder
from tests.proofs.days.plan import OPENS_BEFORE, Plan, draw
from tests.proofs.days.saboteur import Saboteur
from tests.proofs.days.tally import tally_day
from tests.proofs.days.watchman import Watchman
from tests.proofs.days.world import DayWorld, Posts
from tests.support.empty_records import copy_empty_records
from tests.support.sqlite_on_the_loop import on_disk
from tests.support.world import calendar_around

MEMORY = Path("/dev/shm")
"""Where the records files are, when there is such a place: commits are real, the disk's own waiting is left out."""
EVENING = timedelta(minutes=6)
LONGEST_EVENING_S = 1800.0
SETTLED_AFTER_S = 5.0
AFTER_COPY = ""
"""SQL run on the empty records of every world; only a test that must turn red has any."""


@dataclass
class Lived:
    """What came of a seed. `journal` is every table, row by row, when asked for."""

    plan: Plan
    days: int = 0
    steps: int = 0
    processes: int = 0
    troubles: Counter[str] = field(default_factory=Counter)
    entries: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    journal: bytes = b""


def live(seed: int, *, troubles: int | None = None, until: datetime | None = None, journal: bool = False) -> Lived:
    """Lives the seed's days, with only the first so many troubles, and to this instant, when they are given."""
    plan = draw(seed)
    if troubles is not None:
        plan = replace(plan, troubles=plan.troubles[:troubles])
    return live_plan(plan, until=until, journal=journal)


def live_plan(plan: Plan, *, until: datetime | None = None, journal: bool = False) -> Lived:
    """Lives a plan's days."""
    folder = Path(tempfile.mkdtemp(prefix="senex-days-", dir=MEMORY if MEMORY.is_dir() else None))
    was_collecting = gc.isenabled()
    gc.disable()  # what is collected when must not depend on what was lived before
    worlds: list[DayWorld] = []

    async def main(clock: VirtualClock) -> Lived:
        worlds.append(DayWorld(plan, clock, folder))
        return await _Days(worlds[0], until).live(journal)

    try:
        copy_empty_records(folder / "records.sqlite3")
        if AFTER_COPY:
            with closing(sqlite3.connect(folder / "records.sqlite3")) as records:
                records.execute(AFTER_COPY)
        with on_disk(lambda: worlds[0].disk), _errors() as errors:
            lived = run_virtual(main, plan.start)
        lived.violations += errors
        return lived
    finally:
        shutil.rmtree(folder)
        if was_collecting:
            gc.enable()


class _Days:
    """The course of the days."""

    def __init__(self, world: DayWorld, until: datetime | None) -> None:
        self._world = world
        self._until = until
        self._watchman = Watchman(world)
        self._saboteur = Saboteur(world, self._watchman.unknown)
        self._watch()

    async def live(self, journal: bool) -> Lived:
        world, watchman = self._world, self._watchman
        lived = Lived(world.plan)
        main = asyncio.current_task()
        if main is not None:
            world.keep(main)
        await world.own(self._all_days(lived))
        await world.end()
        lived.steps, lived.processes, lived.troubles = watchman.steps, world.process, self._saboteur.done
        lived.violations += watchman.violations + [f"an engine ended by itself: {end}" for end in world.ends]
        if journal:
            lived.journal = _rows(watchman)
        watchman.close()
        return lived

    def _watch(self) -> None:
        world, watchman = self._world, self._watchman
        world.on_commit = watchman.committed
        world.broker.posted = Posts(watchman.posted)
        book = world.exchange._book
        tell = book.on_change

        def changed(order: SimOrder, at: datetime) -> None:
            tell(order, at)
            watchman.at_exchange(order)

        book.on_change = changed

    async def _all_days(self, lived: Lived) -> None:
        world, plan = self._world, self._world.plan
        for day in plan.days:
            session = calendar_around(day.year).on(day)
            if session is None:
                raise ValueError(f"{day} is no session")
            await self._morning(session.open - OPENS_BEFORE)
            stop = session.close + EVENING
            await self._through(day, stop if self._until is None else min(stop, self._until))
            lived.days += 1
            if self._until is not None and self._until < stop:
                return
            await self._evening()
            self._watchman.end_of_day()
            tally_day(self._watchman.reader, day, world.accounts, lived.entries, lived.missed)
            if self._watchman.violations:
                return
            if plan.night == "quit":
                await world.quit()

    async def _morning(self, at: datetime) -> None:
        """The console is started, or the laptop opened."""
        world = self._world
        if world.is_up:
            world.clock.suspend(max(0.0, (at - world.outside.now()).total_seconds()))
        await world.sleep_until(at)
        if not world.is_up:
            await world.bring_up()

    async def _through(self, day: date, end: datetime) -> None:
        troubles = tuple(t for t in self._world.plan.troubles if exchange_time(t.at).date() == day and t.at < end)
        work = self._world.own(self._saboteur.work_off(troubles))
        await self._world.sleep_until(end)
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work

    async def _evening(self) -> None:
        """Everything works again, and the engine has reconciled with the broker since."""
        world = self._world
        world.mend()
        waited = 0.0
        while not world.is_up:
            await world.outside.sleep(1.0)
            waited += 1.0
            if waited > LONGEST_EVENING_S:
                self._watchman.say("0", "the engine does not come up again with nothing broken")
                return
        await self._reconciled()  # by itself: whatever broke it is gone
        for kind, target in ((CommandKind.RESET, "halt"), (CommandKind.RESUME, ""), (CommandKind.RECONCILE, "")):
            world.engine.accept(Command(world.ids.new(), kind, "operator", world.clock.now(), None, target))
        await world.outside.sleep(SETTLED_AFTER_S)
        await self._reconciled()
        await world.outside.sleep(SETTLED_AFTER_S)

    async def _reconciled(self) -> None:
        world, waited = self._world, 0.0
        while world.engine.gate._reconciling:
            await world.outside.sleep(5.0)
            waited += 5.0
            if waited > LONGEST_EVENING_S:
                self._watchman.say("0", f"the engine does not get reconciled: {world.engine.gate._reconciling}")
                return


def _rows(watchman: Watchman) -> bytes:
    database = watchman.reader
    names = sorted(r[0] for r in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'"))
    kept = [name for name in names if not name.startswith(("sqlite_", "alembic"))]
    return repr(
        [(name, database.execute(f'SELECT * FROM "{name}" ORDER BY rowid').fetchall()) for name in kept]
    ).encode()


class _Errors(logging.Handler):
    """Errors the engine only logs: a broken part that starts again is a bug unless the world broke it."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("sqlalchemy"):  # a killed process leaves its connections lying
            return
        error = record.exc_info[1] if record.exc_info else None
        if error is None or any(not isinstance(leaf, BrokerError | RecordsError) for leaf in _leaves(error)):
            said = "" if error is None else f": {type(error).__name__}: {error}"
            self.found.append(f"logged by {record.name}: {record.getMessage()}{said}")


def _leaves(error: BaseException) -> list[BaseException]:
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for inner in error.exceptions for leaf in _leaves(inner)]


@contextmanager
def _errors() -> Iterator[list[str]]:
    handler = _Errors()
    loggers = [logging.getLogger(name) for name in ("core", "asyncio", "sqlalchemy")]
    before = [logger.propagate for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.propagate = False
    try:
        yield handler.found
    finally:
        for logger, propagates in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.propagate = propagates
