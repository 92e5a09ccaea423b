"""Runs the days of one seed, from the first morning to the last evening, and collects the outcome."""

from __future__ import annotations

import asyncio
import gc
import logging
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path

from core.broker.port import BrokerError
from core.domain.operation.commands import Command, CommandKind
from core.records.store.errors import RecordsError
from core.runtime.clock import exchange_time
from core.runtime.virtual_time import VirtualClock, run_virtual
from core.simulator.exchange.orders import Notice, SimOrder
from core.simulator.in_process.broker import Posted
from tests.proofs.days.fault_injector import FaultInjector
from tests.proofs.days.invariant_checker import InvariantChecker
from tests.proofs.days.night_checks import check_books
from tests.proofs.days.odd_legs import close_odd_legs
from tests.proofs.days.outcome_counts import count_day
from tests.proofs.days.plan import OPENS_BEFORE, Plan, draw
from tests.proofs.days.world import DayWorld, Posts
from tests.proofs.truth.day_watch import TruthWatch
from tests.support.empty_records import copy_empty_records
from tests.support.sqlite_on_the_loop import on_disk
from tests.support.world import calendar_around

MEMORY = Path("/dev/shm")
"""Where the records files are, if it exists: commits are real, and no time is spent waiting for a disk."""
EVENING = timedelta(minutes=21)
"""From the close until the orders of the day have ended: options trade for 15 minutes more."""
BY_HAND = timedelta(minutes=2)
"""How long after the open the operator closes odd legs."""
LONGEST_EVENING_S = 1800.0
LONGEST_AWAY_S = 3600.0
"""A restart that was begun before the evening may take so long."""
SETTLED_AFTER_S = 5.0
MOST_ROUNDS = 40
"""How often the operator settles what stopped an account: a reset is for one order, and the next is told after it."""
OF_ORDERS = ("mismatch", "incident", "earlier_entry", "assigned")
"""The breakers out of which only an operator's word leads."""
FORGOTTEN_WITHIN_S = 240.0
"""In three minutes, and a poll later, an order that the broker no longer knows has made its entry unknown (rules 9)."""
AFTER_COPY = ""
"""SQL run on the empty records of every world; set only by a test that expects a violation."""


@dataclass
class SeedResult:
    """The outcome of a seed. `journal` has every row of every table, when asked for, and is the same in every run."""

    plan: Plan
    days: int = 0
    steps: int = 0
    processes: int = 0
    troubles: Counter[str] = field(default_factory=Counter)
    entries: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)
    journal: bytes = b""


def run_seed(
    seed: int, *, troubles: int | None = None, until: datetime | None = None, journal: bool = False
) -> SeedResult:
    """Runs the seed's days; with `troubles` only the first so many, with `until` only to this instant."""
    plan = draw(seed)
    if troubles is not None:
        plan = replace(plan, troubles=plan.troubles[:troubles])
    return run_plan(plan, until=until, journal=journal)


def run_plan(
    plan: Plan,
    *,
    until: datetime | None = None,
    journal: bool = False,
    days: Callable[[DayWorld, datetime | None], Days] | None = None,
) -> SeedResult:
    """Runs a plan's days, in the way of `days`."""
    run_days = days or Days
    folder = Path(tempfile.mkdtemp(prefix="senex-days-", dir=MEMORY if MEMORY.is_dir() else None))
    was_collecting = gc.isenabled()
    gc.disable()  # earlier runs must not change when garbage is collected
    worlds: list[DayWorld] = []

    async def main(clock: VirtualClock) -> SeedResult:
        worlds.append(DayWorld(plan, clock, folder))
        return await run_days(worlds[0], until).run(journal)

    try:
        copy_empty_records(folder / "records.sqlite3")
        if AFTER_COPY:
            with closing(sqlite3.connect(folder / "records.sqlite3")) as records:
                records.execute(AFTER_COPY)
        with on_disk(lambda: worlds[0].disk), _errors() as errors:
            result = run_virtual(main, plan.start)
        result.violations += errors
        return result
    finally:
        shutil.rmtree(folder)
        if was_collecting:
            gc.enable()


class Days:
    """Runs the days of one world in order. `injector` has the troubles of the plan happen."""

    def __init__(self, world: DayWorld, until: datetime | None) -> None:
        self.world = world
        self._until = until
        self.checker = InvariantChecker(world)
        self.truth = TruthWatch(world, lambda: self.checker.reader, self.checker.add)
        self.injector = FaultInjector(world, self.checker.unknown)
        self._closed_by_hand: set[int] = set()
        """The orders whose odd legs the operator has closed."""
        self._watch()

    async def run(self, journal: bool) -> SeedResult:
        world, checker = self.world, self.checker
        result = SeedResult(world.plan)
        main = asyncio.current_task()
        if main is not None:
            world.keep(main)
        await world.own(self._all_days(result))
        await world.end()
        result.steps, result.processes, result.troubles = checker.steps, world.process, self.injector.done
        result.violations += checker.violations + [f"an engine ended by itself: {end}" for end in world.ends]
        if journal:
            result.journal = _rows(checker.reader, world.folder)
        checker.close()
        self.truth.close()
        return result

    def _watch(self) -> None:
        world, checker = self.world, self.checker
        world.on_commit = self.committed
        world.newest_event = checker.newest_event
        world.on_start = lambda engine: self.truth.started()
        world.broker.posted = Posts(self._posted)
        world.on_records_lost = self._records_lost
        world.exchange.notices.listen(self._at_exchange)

    def _records_lost(self) -> None:
        self.checker.records_lost()
        self.truth.records_lost()

    def _posted(self, posted: Posted) -> None:
        self.checker.posted(posted)
        meet, self.world.at_next_order = self.world.at_next_order, None
        if meet is not None:
            meet(posted.account)

    def _at_exchange(self, notice: Notice) -> None:
        if isinstance(notice.obj, SimOrder):
            self.checker.at_exchange(notice.obj)

    def committed(self) -> None:
        self.checker.committed()
        self.truth.committed()

    async def _all_days(self, result: SeedResult) -> None:
        world, plan = self.world, self.world.plan
        for day in plan.days:
            session = calendar_around(day.year).on(day)
            if session is None:
                raise ValueError(f"{day} is no session")
            await self.morning(session.open - OPENS_BEFORE)
            self._check_books()
            stop = session.close + EVENING
            await self._through(day, stop if self._until is None else min(stop, self._until))
            result.days += 1
            if self._until is not None and self._until < stop:
                return
            await self._evening()
            await self.truth.end_of_day()
            self.checker.end_of_day(is_last=day == plan.days[-1])
            await self.night(day)
            count_day(self.checker.reader, day, world.accounts, result.entries, result.missed)
            if self.checker.violations:
                return
            if plan.night == "quit":
                await world.quit()
                if plan.saves and not world.is_up:
                    world.restore_exchange()
                    world.exchange.notices.listen(self._at_exchange)

    async def night(self, day: date) -> None:
        """What is looked at in the night after a day, while the engine still runs."""

    def _check_books(self) -> None:
        world = self.world
        cash = dict(zip(world.accounts, world.plan.cash, strict=True))
        check_books(world.exchange, world.market, cash, world.exchange_clock.now(), self.checker.add)

    async def morning(self, at: datetime) -> None:
        """Starts the console, or wakes the suspended machine."""
        world = self.world
        if world.is_up:
            world.clock.suspend(max(0.0, (at - world.exchange_clock.now()).total_seconds()))
        await world.sleep_until(at)
        if any(trouble.kind == "records older" for trouble in world.plan.troubles):
            world.keep_records()
        if not world.is_up:
            await world.bring_up()

    async def _through(self, day: date, end: datetime) -> None:
        troubles = tuple(t for t in self.world.plan.troubles if exchange_time(t.at).date() == day and t.at < end)
        work = self.world.own(self.injector.inject_all(troubles))
        session = calendar_around(day.year).on(day)
        if self.world.plan.closes_odd_legs and session is not None and session.open + BY_HAND < end:
            await self.world.sleep_until(session.open + BY_HAND)
            close_odd_legs(self.world, self._closed_by_hand)
        await self.world.sleep_until(end)
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work

    async def _evening(self) -> None:
        """Ends all faults and waits until the engine has reconciled with the broker."""
        world = self.world
        world.mend()
        waited = 0.0
        while not world.is_up:
            await world.exchange_clock.sleep(1.0)
            waited += 1.0
            if waited > LONGEST_AWAY_S + LONGEST_EVENING_S:
                self.checker.add("0", "the engine does not come up again with nothing broken")
                return
        await self._reconciled()  # it recovers by itself, because no fault is left
        for kind, target in ((CommandKind.RESET, "halt"), (CommandKind.RESUME, ""), (CommandKind.RECONCILE, "")):
            self.command(kind, target)
        await world.exchange_clock.sleep(SETTLED_AFTER_S)
        await self._reconciled()
        await self._forgotten_orders_are_told()
        for _ in range(MOST_ROUNDS):
            await self.operator_settles()
            self.command(CommandKind.RECONCILE)
            await world.exchange_clock.sleep(SETTLED_AFTER_S)
            await self._reconciled()
            await world.exchange_clock.sleep(SETTLED_AFTER_S)
            if not self._stopped():
                return
        self.checker.add("0", f"no command leads out of {', '.join(self._stopped())}")

    def _stopped(self) -> list[str]:
        """The breakers of orders that are open, in words: the operator's commands have to lead out of them."""
        open_now = self.world.engine.breakers.open_now
        return [f"{b.kind.code} ({b.why})" for b in open_now if b.kind.code in OF_ORDERS]

    async def operator_settles(self) -> None:
        """The operator adopts what the records have lost, says what the broker does not have, and resets breakers."""
        for order_id in self.checker.unrecorded():
            self.command(CommandKind.ATTEST, note=order_id)
        for entry_id in self.checker.without_their_order():
            self.command(CommandKind.ATTEST, entry_id, "absent")
        await self.world.exchange_clock.sleep(SETTLED_AFTER_S)
        for breaker in self.world.engine.breakers.open_now:
            self.command(CommandKind.RESET, breaker.kind.code)

    def command(self, kind: CommandKind, target: str = "", note: str = "") -> None:
        world = self.world
        world.engine.accept(Command(world.ids.new(), kind, "operator", world.clock.now(), None, target, note))

    async def _forgotten_orders_are_told(self) -> None:
        """Waits until no entry works whose order the broker has forgotten: two complete looks tell (rules 9)."""
        waited = 0.0
        while self.checker.works_without_its_order() and waited < FORGOTTEN_WITHIN_S:
            await self.world.exchange_clock.sleep(10.0)
            waited += 10.0

    async def _reconciled(self) -> None:
        world, waited = self.world, 0.0
        while world.engine.gate.not_reconciled():
            await world.exchange_clock.sleep(5.0)
            waited += 5.0
            if waited > LONGEST_EVENING_S:
                self.checker.add("0", f"the engine does not get reconciled: {world.engine.gate.not_reconciled()}")
                return


def _rows(database: sqlite3.Connection, folder: Path) -> bytes:
    """Every row of every table. The folder of the run is left out of them: a sentence about a full disk or a HALT file
    names it, and no seed decides where it is."""
    names = sorted(r[0] for r in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'"))
    kept = [name for name in names if not name.startswith(("sqlite_", "alembic"))]
    rows = [(name, database.execute(f'SELECT * FROM "{name}" ORDER BY rowid').fetchall()) for name in kept]
    return repr(rows).replace(f"{folder}/", "").encode()


class _Errors(logging.Handler):
    """Collects errors the engine only logs. A broken part that is started again counts as a bug unless the world broke
    it."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("sqlalchemy"):  # a killed process leaves its connections open
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
