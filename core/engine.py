"""The engine: recover, run slots, supervise. The one object the console builds (ARCHITECTURE 2)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from core.show.board import Board
from core.broker.port import Broker, BrokerError, MarketData, OrderAlerts
from core.bus import Bus
from core.calendar import SessionCalendar
from core.clock import Clock, exchange_time
from core.commands import CommandDesk, Done
from core.config import Settings
from core.cycle import AccountResult, CycleParts, run_cycle
from core.domain.commands import Command, CommandKind
from core.domain.events import Event, Severity, masked
from core.domain.orders import Entry
from core.domain.outcomes import Outcome, worst
from core.domain.reasons import Reason, Refusal, refuse
from core.domain.sessions import may_force
from core.feed import Feed
from core.ids import Ids
from core.legs_kept import LegsKept
from core.market_study import MarketStudy
from core.orders import OrderDesk, SendingRules
from core.progress import CycleProgress
from core.quotes.store import MemoryQuoteStore
from core.records.errors import StateConflict
from core.records.records import Records
from core.records.rows import AccountRecord
from core.scheduler import Timetable
from core.slots_today import SlotBook
from core.snapshot import Automation, EngineState, Health, Mode, PartHealth
from core.watch import EntryWatch

POLL_ORDERS_S = 10
CHECK_BROKER_S = 30
LOOK_FOR_COMMANDS_S = 1
RESTART_AFTER_S = 5.0
LONGEST_NAP_S = 1.0
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EngineParts:
    """What a mode's wiring hands the engine."""

    mode: Mode
    settings: Settings
    clock: Clock
    ids: Ids
    calendar: SessionCalendar
    broker: Broker
    market_data: MarketData
    alerts: OrderAlerts
    records: Records
    sends: bool
    preflight: bool
    enable_new_accounts: bool
    kill_file: Path


class Engine:
    """Runs until `stop`; then ends in order: no new cycles, outcomes awaited, records closed."""

    def __init__(self, parts: EngineParts, only_account: str | None = None) -> None:
        self.parts = parts
        self._only_account = only_account
        clock, records, settings = parts.clock, parts.records, parts.settings
        self.bus = Bus(records.journal.append)
        self.underlyings = settings.preferred_underlyings
        self.quotes = MemoryQuoteStore()
        self.feed = Feed(parts.market_data, self.quotes, clock, self.underlyings, self._in_session)
        self.legs = LegsKept(self.feed, records)
        self.watch = EntryWatch(parts.broker, records, self.bus, clock, self.legs.release, self._on_incident)
        self.study = MarketStudy(
            parts.broker, parts.market_data, self.feed, self.quotes, clock, settings.trading.minimum_score
        )
        self.slots = SlotBook(
            parts.calendar,
            settings.schedule.slot_times,
            records,
            clock,
        )
        self.board = Board(self)
        self.bus.listen(self.board.heard)
        self.desk = OrderDesk(
            broker=parts.broker,
            records=records,
            watch=self.watch,
            bus=self.bus,
            clock=clock,
            ids=parts.ids,
            calendar=parts.calendar,
            rules=SendingRules(parts.preflight, parts.sends, parts.kill_file),
        )
        self._cycle_parts = CycleParts(
            broker=parts.broker,
            study=self.study,
            feed=self.feed,
            quotes=self.quotes,
            desk=self.desk,
            legs=self.legs,
            records=records,
            bus=self.bus,
            clock=clock,
            ids=parts.ids,
            calendar=parts.calendar,
            settings=settings,
            underlyings=self.underlyings,
        )
        self.commands = CommandDesk(
            records,
            self.bus,
            clock,
            {CommandKind.PAUSE: self._pause, CommandKind.RESUME: self._resume, CommandKind.FORCE: self._force},
        )
        self.state = EngineState.STARTING
        self.automation = Automation.RECONCILING
        self.automation_detail = "starting"
        self.broker_health = PartHealth(Health.STARTING)
        self.records_health = PartHealth(Health.OK)
        self.market_word = ""
        self.accounts: tuple[AccountRecord, ...] = ()
        self.progress: CycleProgress | None = None
        self.newest_cycle = 0
        self._cycle: asyncio.Task[Any] | None = None
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self.ready = asyncio.Event()

    # Life

    async def run(self, *, scheduled: bool = True) -> None:
        """Starts, runs until `stop`, ends in order. Raises BrokerError or RecordsError when it cannot start."""
        try:
            await self._start()
            async with asyncio.TaskGroup() as group:
                self._group = group
                self._supervise(scheduled)
                self.state = EngineState.RUNNING
                self.ready.set()
                await self._stop.wait()
                await self._wind_down()
        finally:
            self._group = None
            with suppress(BrokerError):
                await self.parts.broker.close()
            await self.parts.records.close()
            self.state = EngineState.STOPPED

    def accept(self, command: Command) -> None:
        """Takes a command to the inbox; call on the engine's loop."""
        self.board.pending(command)
        self._spawn(self.commands.post(command))

    def stop(self) -> None:
        """Asks the engine to end in order; call on its own loop."""
        self._stop.set()

    async def _start(self) -> None:
        records, clock = self.parts.records, self.parts.clock
        await self.parts.broker.connect()
        discovered = await self.parts.broker.accounts()
        await records.accounts.discover(
            self.parts.broker.name, discovered, enable_new=self.parts.enable_new_accounts, at=clock.now()
        )
        reached = {account.number for account in discovered}
        self.accounts = tuple(a for a in await records.accounts.all() if a.number in reached)
        self.broker_health = PartHealth(Health.OK)
        for number in await records.cycles.interrupt_unfinished(clock.now()):
            await self._tell("cycle.interrupted", f"cycle {number} was interrupted when the process ended", number)
        await self.watch.recover()
        missed = await self.slots.miss_passed(refuse(Reason.PROCESS_DOWN))
        if missed:
            await self._tell("slot.missed", f"{missed} slots passed while the console was not running")
        self.newest_cycle = await records.cycles.newest()
        await self._read_trading_state()
        await self._check_broker()
        await self.board.load()
        await self._tell("engine.started", f"engine started in {self.parts.mode.value} mode")

    def _supervise(self, scheduled: bool) -> None:
        numbers = [account.number for account in self.accounts]
        services: dict[str, Callable[[], Awaitable[None]]] = {
            "quote feed": self.feed.run,
            "alerts": lambda: self.parts.alerts.run(numbers, self.watch),
            "order watch": self.watch.run,
            "commands": self.commands.run,
            "board": self.board.run,
            "timetable": lambda: self._keep_time(scheduled),
        }
        for name, work in services.items():
            self._own(self._kept_alive(name, work), name)
        self._spawn(self._prepare_study())

    async def _kept_alive(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Runs a part for as long as the engine lives; a part that breaks says so and starts again."""
        while True:
            try:
                await work()
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.exception("%s failed", name)
                self.board.note(
                    Severity.CRITICAL, "engine", f"{name} failed and starts again: {type(error).__name__}: {error}"
                )
            await self.parts.clock.sleep(RESTART_AFTER_S)

    async def _wind_down(self) -> None:
        self.state = EngineState.STOPPING
        if self._cycle is not None and self._cycle is not asyncio.current_task():
            self._cycle.cancel()
            await asyncio.wait({self._cycle})
        await self._tell("engine.stopped", "engine stopped in order")
        for task in tuple(self._tasks):
            task.cancel()

    async def _prepare_study(self) -> None:
        for refusal in await self.study.prepare({u.symbol: u for u in self.underlyings}):
            await self._tell("study.incomplete", refusal.sentence(), severity=Severity.WARNING)

    async def _keep_time(self, scheduled: bool) -> None:
        timetable = Timetable(self.parts.clock)
        if scheduled:
            timetable.at_slots(self.slots.times, lambda slot: self._spawn(self._on_slot(slot)))
        timetable.every(POLL_ORDERS_S, self.watch.poll_soon)
        timetable.every(CHECK_BROKER_S, lambda: self._spawn(self._check_broker()))
        timetable.every(LOOK_FOR_COMMANDS_S, self.commands.look)
        while True:
            timetable.run_due()
            await self.parts.clock.sleep(timetable.wall_seconds_to_next(LONGEST_NAP_S))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._own(self._reported(work), "job")

    def _own(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Starts a task of the engine's own group; after the end it is not started."""
        if self._group is None or self.state is EngineState.STOPPING:
            work.close()
            return
        task = self._group.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reported(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            log.exception("a periodic job failed")
            self.board.note(Severity.CRITICAL, "engine", f"a periodic job failed: {type(error).__name__}: {error}")

    # Slots and cycles

    async def _on_slot(self, slot: datetime) -> None:
        if not self.slots.is_slot(slot):
            return
        refusal = self.slots.lateness(slot) or await self._entry_refusal()
        if refusal is None:
            if await self._run_cycle(slot) is not None:
                return
            refusal = refuse(Reason.CYCLE_RUNNING)
        if await self.slots.miss(slot, refusal):
            text = f"slot {exchange_time(slot):%H:%M} missed: {refusal.sentence()}"
            await self._tell("slot.missed", text, reason=refusal.reason)

    async def _entry_refusal(self) -> Refusal | None:
        """Whether a cycle may start at all: trading state, kill file, one cycle at a time (SPEC 3)."""
        if self.state is EngineState.STOPPING:
            return refuse(Reason.PROCESS_DOWN)
        await self._read_trading_state()
        if self.parts.kill_file.exists():
            return refuse(Reason.KILL_FILE, path=str(self.parts.kill_file))
        if self.automation is Automation.PAUSED:
            return refuse(Reason.PAUSED)
        if self.automation is Automation.HALTED:
            return refuse(Reason.HALTED)
        if self._cycle is not None:
            return refuse(Reason.CYCLE_RUNNING)
        return None

    async def force(self) -> tuple[AccountResult, ...] | Refusal:
        """One cycle now, outside the schedule; every rule but the waiting applies (SPEC 3)."""
        refusal = may_force(self.parts.clock.now(), self.slots.session(), self.slots.times)
        refusal = refusal or await self._entry_refusal()
        if refusal is not None:
            return refusal
        results = await self._run_cycle(None)
        return refuse(Reason.CYCLE_RUNNING) if results is None else results

    async def _run_cycle(self, slot: datetime | None) -> tuple[AccountResult, ...] | None:
        """Runs a cycle to its end and records it; None when one is running or the slot was taken meanwhile."""
        if self._cycle is not None:
            return None
        self._cycle = asyncio.current_task()
        try:
            return await self._recorded_cycle(slot)
        finally:
            self._cycle = None

    async def _recorded_cycle(self, slot: datetime | None) -> tuple[AccountResult, ...] | None:
        records, clock = self.parts.records, self.parts.clock
        number = await records.cycles.begin(self.study.today(), slot, slot is None, clock.now())
        if number is None:
            return None
        self.newest_cycle = number
        named = "forced cycle" if slot is None else f"cycle {exchange_time(slot):%H:%M}"
        await self._tell("cycle.started", f"{named} started", number)
        self.accounts = await self._refreshed_accounts()
        chosen = [a for a in self.accounts if a.enabled and self._only_account in (None, a.number)]
        progress = [CycleProgress(number, slot, slot is None, clock.monotonic()) for _ in chosen]
        self.progress = progress[0] if progress else CycleProgress(number, slot, slot is None, clock.monotonic())
        outcome, reason = Outcome.FAILED, refuse(Reason.INTERRUPTED)
        results: tuple[AccountResult, ...] = ()
        try:
            results = await run_cycle(self._cycle_parts, chosen, progress)
            outcome, reason_or_none = _total(results)
        except asyncio.CancelledError:
            self.progress.ended_with(outcome, reason, clock.monotonic())
            await self._end_cycle(number, named, outcome, reason, results)
            raise
        if not chosen:
            self.progress.ended_with(outcome, reason_or_none, clock.monotonic())
        await self._end_cycle(number, named, outcome, reason_or_none, results)
        return results

    async def _end_cycle(
        self,
        number: int,
        named: str,
        outcome: Outcome,
        refusal: Refusal | None,
        results: tuple[AccountResult, ...],
    ) -> None:
        totals = {"processed": len(results)} | {o.value: sum(r.outcome is o for r in results) for o in Outcome}
        code, text = (refusal.code, refusal.sentence()) if refusal is not None else ("", "")
        await self.parts.records.cycles.end(number, outcome.value, code, text, totals, self.parts.clock.now())
        severity = {Outcome.FAILED: Severity.WARNING, Outcome.UNKNOWN: Severity.CRITICAL}
        await self._tell(
            "cycle.ended",
            f"{named} {outcome.value}" + (f": {text}" if text else ""),
            number,
            severity=severity.get(outcome, Severity.INFO),
            reason=None if refusal is None else refusal.reason,
        )

    async def _refreshed_accounts(self) -> tuple[AccountRecord, ...]:
        reached = {account.number for account in self.accounts}
        return tuple(a for a in await self.parts.records.accounts.all() if a.number in reached)

    @property
    def cycle_running(self) -> bool:
        return self._cycle is not None

    # Commands

    async def _pause(self, command: Command) -> Done | Refusal:
        state = await self.parts.records.trading.pause(command.who, "paused by the operator", self.parts.clock.now())
        await self._read_trading_state()
        return refuse(Reason.HALTED) if state.state == "halted" else Done("automation paused; no entries")

    async def _resume(self, command: Command) -> Done | Refusal:
        try:
            await self.parts.records.trading.resume(command.who, "resumed by the operator", self.parts.clock.now())
        except StateConflict:
            return refuse(Reason.HALTED)
        await self._read_trading_state()
        return Done("automation resumed")

    async def _force(self, command: Command) -> Done | Refusal:
        if command.saw_cycle is not None and command.saw_cycle != self.newest_cycle:
            return refuse(Reason.COMMAND_OUTDATED)
        refusal = may_force(self.parts.clock.now(), self.slots.session(), self.slots.times)
        refusal = refusal or await self._entry_refusal()
        if refusal is not None:
            return refusal
        self._spawn(self._forced())
        return Done("a cycle starts now")

    async def _forced(self) -> None:
        if await self._run_cycle(None) is None:
            await self._tell("cycle.refused", "the forced cycle did not start: another cycle is running")

    # State kept for the screen

    async def _read_trading_state(self) -> None:
        trading = await self.parts.records.trading.read()
        self.automation = Automation(trading.state)
        since = "" if trading.at is None else f" since {exchange_time(trading.at):%H:%M} ET"
        self.automation_detail = "" if trading.state == "active" else f"{trading.why} ({trading.who}{since})"

    async def _check_broker(self) -> None:
        """Asks the broker for its market session: the answer is shown, and shows that the broker answers."""
        try:
            market = await self.parts.broker.market_state()
        except BrokerError as error:
            was_fine = self.broker_health.health is Health.OK
            self.broker_health = PartHealth(Health.DOWN, error.detail)
            if was_fine:
                await self._tell("broker.down", f"broker: {error.detail}", severity=Severity.WARNING)
            return
        if self.broker_health.health is Health.DOWN:
            await self._tell("broker.back", "broker answers again")
        self.broker_health = PartHealth(Health.OK)
        self.market_word = "open" if market.is_open else market.word.lower()

    async def _on_incident(self, entry: Entry, detail: str) -> None:
        why = f"incident with order {entry.order_id} of {masked(entry.account)}: {detail}"
        await self.parts.records.trading.halt("engine", why, self.parts.clock.now())
        await self._read_trading_state()

    async def _tell(
        self,
        kind: str,
        text: str,
        cycle: int | None = None,
        *,
        severity: Severity = Severity.INFO,
        reason: Reason | None = None,
    ) -> None:
        await self.bus.publish(Event(self.parts.clock.now(), kind, text, severity, cycle, reason=reason))

    def _in_session(self, now: datetime) -> bool:
        session = self.parts.calendar.today(now)
        return session is not None and session.is_open(now)

def _total(results: tuple[AccountResult, ...]) -> tuple[Outcome, Refusal | None]:
    """The cycle's outcome, and the reason of the account that decided it."""
    if not results:
        return Outcome.SKIPPED, refuse(Reason.NO_ACCOUNTS)
    outcome = worst(r.outcome for r in results)
    return outcome, next(r.refusal for r in results if r.outcome is outcome)
