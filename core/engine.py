"""The engine: recover, run slots, supervise. The one object the console builds (ARCHITECTURE 2)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from typing import Any

from core.alerting import Alerting
from core.breakers import Breakers
from core.broker.port import BrokerError
from core.broker_check import BrokerCheck
from core.bus import Bus
from core.cancel_late import LateCancel
from core.commands import CommandDesk
from core.cycle import AccountResult, CycleParts
from core.cycle_runner import CycleRunner
from core.domain.breakers import BreakerKind
from core.domain.commands import Command, CommandKind
from core.domain.events import Event, Severity
from core.domain.orders import Entry
from core.domain.reasons import Reason, Refusal, refuse
from core.engine_parts import EngineParts
from core.event_log import log_event
from core.feed import Feed
from core.gate import TradingGate
from core.health import Health as HealthWatch
from core.legs_kept import LegsKept
from core.lock import LockLost, LockUnconfirmed
from core.logins import Logins
from core.market_study import MarketStudy
from core.metrics import MetricsEndpoint
from core.notifications import Notifications
from core.open_tridents import OpenTridents
from core.operator import Operator
from core.orders import OrderDesk, SendingRules
from core.ping import SignOfLife
from core.progress import CycleProgress
from core.quotes.store import MemoryQuoteStore
from core.reconcile import Reconciler
from core.reconciliation import Reconciliation
from core.records.errors import FencedOff, RecordsError
from core.records.rows import AccountRecord
from core.scheduler import Timetable
from core.settle import Settlement
from core.show.board import Board
from core.slots_today import SlotBook
from core.snapshot import EngineState
from core.suspension import Suspension
from core.watch import EntryWatch

RESTART_AFTER_S = 5.0
log = logging.getLogger(__name__)


class Engine:
    """Runs until `stop`; then ends in order: no new cycles, outcomes awaited, records closed."""

    def __init__(self, parts: EngineParts, only_account: str | None = None) -> None:
        self.parts = parts
        clock, records, settings = parts.clock, parts.records, parts.settings
        self.state = EngineState.STARTING
        self.bus = Bus(records.journal.append)
        self.mail = Notifications(
            parts.mailer, settings.mail, parts.mode.value, records, self.bus, clock, parts.calendar, parts.rhythm
        )
        self.breakers = Breakers(records, self.bus, clock)
        self.logins = Logins(
            parts.broker, self.breakers, records, self.bus, clock, parts.locks, enable_new=parts.enable_new_accounts
        )
        self.gate = TradingGate(records, self.breakers, parts.kill_file)
        self.underlyings = settings.preferred_underlyings
        self.quotes = MemoryQuoteStore()
        self.feed = Feed(parts.market_data, self.quotes, clock, self.underlyings, self._in_session, self._on_lost)
        self.legs = LegsKept(self.feed, records)
        self.watch = EntryWatch(
            parts.broker,
            records,
            self.bus,
            clock,
            self._on_closed,
            self._on_incident,
            self._on_alerts_connected,
            self._on_lost,
        )
        self.study = MarketStudy(
            parts.broker, parts.market_data, self.feed, self.quotes, clock, settings.trading.minimum_score
        )
        self.slots = SlotBook(parts.calendar, settings.schedule.slot_times, records, clock)
        self.broker_check = BrokerCheck(parts.broker, self.bus, clock)
        desk = OrderDesk(
            broker=parts.broker,
            records=records,
            watch=self.watch,
            bus=self.bus,
            clock=clock,
            ids=parts.ids,
            calendar=parts.calendar,
            gate=self.gate,
            locks=parts.locks,
            rules=SendingRules(parts.preflight, parts.sends),
        )
        cycle_parts = CycleParts(
            broker=parts.broker,
            study=self.study,
            feed=self.feed,
            quotes=self.quotes,
            desk=desk,
            gate=self.gate,
            legs=self.legs,
            records=records,
            bus=self.bus,
            clock=clock,
            ids=parts.ids,
            calendar=parts.calendar,
            settings=settings,
            underlyings=self.underlyings,
        )
        self.runner = CycleRunner(cycle_parts, self.slots, self.gate, self.bus, only_account, self._after_cycle)
        self.alerting = Alerting(records, self.bus, clock, parts.calendar)
        self._reconciler = Reconciler(parts.broker, records, self.watch, self.breakers, self.bus, clock)
        self.reconciliation = Reconciliation(
            self._reconciler,
            self.gate,
            self.bus,
            clock,
            lambda: self.accounts,
            self.study.today,
        )
        self.settlement = Settlement(parts.broker, records, self.watch, self.bus, clock, parts.settle)
        self.tridents = OpenTridents(
            parts.broker, records, self.feed, clock, lambda: self.accounts, self.study.today, self._cycle_runs
        )
        self._late_cancel = LateCancel(
            parts.broker, records, self.watch, self.bus, clock, settings.trading.cancel_after_minutes
        )
        self._health = HealthWatch(
            breakers=self.breakers,
            broker=parts.broker,
            feed=self.feed,
            records=records,
            clock=clock,
            real_time=parts.real_time,
            in_session=lambda: self._in_session(clock.now()),
        )
        self._operator = Operator(
            records=records,
            broker=parts.broker,
            gate=self.gate,
            breakers=self.breakers,
            watch=self.watch,
            reconciliation=self.reconciliation,
            runner=self.runner,
            alerting=self.alerting,
            logins=self.logins,
            clock=clock,
            spawn=self._spawn,
        )
        self.commands = CommandDesk(records, self.bus, clock, self._operator.handlers, self._spawn)
        self.board = Board(self)
        self.bus.listen(self.board.heard)
        self.bus.listen(log_event)
        self._group: asyncio.TaskGroup | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._day = self.study.today()
        self._settling = False
        self._stop = asyncio.Event()
        self.ready = asyncio.Event()

    # Life

    async def run(self, *, scheduled: bool = True) -> None:
        """Starts, runs until `stop`, ends in order.

        Raises BrokerError, LockRefused or RecordsError when it cannot start; FencedOff or LockLost, alone or in a
        group, at once when another trader could be there.
        """
        try:
            try:
                await self._start()
            except BrokerError:
                await self.mail.flush()  # a login turned bad is told, though nothing runs
                raise
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
            self.parts.locks.release()
            self.state = EngineState.STOPPED

    def accept(self, command: Command) -> None:
        """Takes a command to the inbox; call on the engine's loop."""
        self.board.pending(command)
        self._spawn(self._post(command))

    async def _post(self, command: Command) -> None:
        """A stop that cannot be recorded still stops this process; it says that it will not outlive it."""
        try:
            await self.commands.post(command)
        except RecordsError as error:
            stops = command.kind in (CommandKind.PAUSE, CommandKind.HALT)
            if stops:
                self.gate.stop_here(f"{command.kind.value} by {command.who}")
            text = "entries are stopped until this console ends" if stops else "nothing was done"
            self.board.not_recorded(command, f"{text}; it could not be recorded: {error}")

    def stop(self) -> None:
        """Asks the engine to end in order; call on its own loop."""
        self._stop.set()

    async def force(self, who: str) -> tuple[AccountResult, ...] | Refusal:
        """One cycle now, asked for through the inbox like every command; every rule but the waiting applies (SPEC 3).
        Raises what broke the cycle; waits for ever when the engine ends first."""
        command = Command(self.parts.ids.new(), CommandKind.FORCE, who, self.parts.clock.now())
        results = self._operator.results_of(command.id)
        answer = await self.commands.post_and_do(command)
        return answer if isinstance(answer, Refusal) else await results

    async def _start(self) -> None:
        records, clock = self.parts.records, self.parts.clock
        await self.breakers.load()
        await self.board.load()  # before anything is said: what is said from here on is heard once
        await self.logins.start()
        self.runner.accounts = await self.logins.accounts()
        for number in await records.cycles.interrupt_unfinished(clock.now()):
            await self._tell("cycle.interrupted", f"cycle {number} was interrupted when the process ended", number)
        await self.watch.recover()
        await self.legs.take_up()
        missed = await self.slots.miss_passed(refuse(Reason.PROCESS_DOWN))
        if missed:
            passed = "1 slot" if missed == 1 else f"{missed} slots"
            await self._tell("slot.missed", f"{passed} passed while the console was not running")
        self.runner.newest = await records.cycles.newest()
        await self.gate.read()
        await self.broker_check.look()
        await self.alerting.load()
        await self._tell("engine.started", f"engine started in {self.parts.mode.value} mode")

    def _supervise(self, scheduled: bool) -> None:
        numbers = [account.number for account in self.accounts]
        services: dict[str, Callable[[], Awaitable[None]]] = {
            "reconciliation": self.reconciliation.run,
            "quote feed": self.feed.run,
            "alerts": lambda: self.parts.alerts.run(numbers, self.watch),
            "order watch": self.watch.run,
            "order polls": self.watch.run_polls,
            "commands": self.commands.run,
            "board": self.board.run,
            "board records": self.board.follow_records,
            "mail": self.mail.run,
            "timetable": lambda: self._keep_time(scheduled),
        }
        ping = self.parts.settings.ping
        if ping.url is not None:
            services["ping"] = SignOfLife(ping.url, ping.interval_seconds, self.parts.clock, self.board.note).run
        every_s = self.parts.rhythm.positions_s
        if every_s is not None:
            services["open tridents"] = lambda: self.tridents.run(every_s)
        port = self.parts.settings.metrics.port
        if port is not None:
            services["metrics"] = MetricsEndpoint(port, lambda: self.board.snapshot, self.board.warn).run
        self.reconciliation.want("start")
        for name, work in services.items():
            self._own(self._kept_alive(name, work), name)
        self._own(self.parts.records.until_fenced_off(), "fence")
        self._own(self.parts.locks.keep(), "locks")
        self._spawn(self._prepare_study())

    async def _kept_alive(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """Runs a part for as long as the engine lives; a part that breaks says so and starts again."""
        while True:
            try:
                await work()
            except (asyncio.CancelledError, FencedOff, LockLost):
                raise
            except Exception as error:
                log.exception("%s failed", name)
                self.board.note(
                    Severity.CRITICAL, "engine", f"{name} failed and starts again: {type(error).__name__}: {error}"
                )
            await self.parts.clock.sleep(RESTART_AFTER_S)

    async def _wind_down(self) -> None:
        self.state = EngineState.STOPPING
        await self.runner.close()
        await self._tell("engine.stopped", "engine stopped in order")
        await self.mail.flush()
        for task in tuple(self._tasks):
            task.cancel()

    async def _prepare_study(self) -> None:
        for refusal in await self.study.prepare({u.symbol: u for u in self.underlyings}):
            await self._tell("study.incomplete", refusal.sentence(), severity=Severity.WARNING)

    async def _keep_time(self, scheduled: bool) -> None:
        timetable = Timetable(self.parts.clock)
        if scheduled:
            timetable.at_slots(self.slots.times, lambda slot: self._spawn(self.runner.on_slot(slot)))
            self._spawn(self.runner.take_up_passed())
        rhythm = self.parts.rhythm
        timetable.every(rhythm.orders_s, self.watch.poll_soon)
        timetable.every(rhythm.settlement_s, lambda: self._spawn(self._settle()))
        timetable.every(rhythm.settlement_s, lambda: self._spawn(self._late_cancel.look()))
        timetable.every(rhythm.health_s, lambda: self._spawn(self._look_after()))
        timetable.every(rhythm.health_s, lambda: self._spawn(self.alerting.look_at_the_close()))
        timetable.every(rhythm.broker_s, lambda: self._spawn(self.broker_check.look()))
        timetable.every(rhythm.logins_s, lambda: self._spawn(self._look_at_logins()))
        timetable.every(rhythm.digests_s, lambda: self._spawn(self.mail.digest()))
        timetable.every(rhythm.commands_s, self.commands.look)
        timetable.every(rhythm.locks_s, self._verify_locks)
        suspension = Suspension(self.parts.clock, rhythm.longest_nap_s)
        while True:
            timetable.run_due()
            await self.parts.clock.sleep(timetable.wall_seconds_to_next(rhythm.longest_nap_s))
            jump = suspension.look()
            if jump:
                self.reconciliation.want(jump)
                self._spawn(self._miss_passed())

    def _verify_locks(self) -> None:
        """Nothing is sent while a lock is in doubt; whether it is lost, the one who keeps it finds out."""
        with suppress(LockUnconfirmed):
            self.parts.locks.verify()

    async def _settle(self) -> None:
        """What only time settles; an entry of an earlier date that was settled lets its account go on."""
        if self._day != self.study.today():
            self._day = self.study.today()
            self.reconciliation.want("a new day")
        if self._settling:
            return
        self._settling = True
        try:
            await self.settlement.look()
            await self.legs.take_up()
        finally:
            self._settling = False
        for account in self.accounts:
            if self.breakers.is_open(BreakerKind.EARLIER_ENTRY, account.number):
                await self._reconciler.judge_earlier(account.number, self.study.today())

    async def _miss_passed(self) -> None:
        """Slots that went by while the machine slept; one within its grace may still run."""
        await self.slots.miss_passed()

    async def _look_after(self) -> None:
        await self._health.look(self.accounts)
        if self.logins.overdue:
            await self._look_at_logins()

    async def _look_at_logins(self) -> None:
        """An account that is reached only now is reconciled before it trades, like every other at the start."""
        more = await self.logins.look()
        self.runner.accounts = await self.logins.accounts()
        if more:
            self.reconciliation.want("a login reaches more accounts")

    async def _on_closed(self, entry_id: str) -> None:
        """An entry came to its end: its legs are let go, and its fill counts in the figures."""
        await self.legs.release(entry_id)
        self._spawn(self.alerting.look())

    async def _after_cycle(self) -> None:
        self._spawn(self.alerting.look())
        await self._look_after()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        if self._group is None or self.state is EngineState.STOPPING:
            work.close()
            return
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
        except FencedOff:
            raise
        except Exception as error:
            log.exception("a periodic job failed")
            self.board.note(Severity.CRITICAL, "engine", f"a periodic job failed: {type(error).__name__}: {error}")

    # What the parts call, and what the board asks

    def _on_alerts_connected(self) -> None:
        """Nothing is replayed after a reconnect: read everything again (reference 4, 6)."""
        self.reconciliation.want("the alert stream connected")

    def _on_lost(self) -> None:
        """A stream is lost: whether the broker still answers is asked now, not at the next look."""
        self._spawn(self.broker_check.look())

    async def _on_incident(self, entry: Entry, detail: str) -> None:
        await self.breakers.open(BreakerKind.INCIDENT, entry.account, f"order {entry.order_id}: {detail}")

    @property
    def accounts(self) -> tuple[AccountRecord, ...]:
        return self.runner.accounts

    @property
    def progress(self) -> CycleProgress | None:
        return self.runner.progress

    def _cycle_runs(self) -> bool:
        return self.progress is not None and self.progress.ended is None

    def _in_session(self, now: datetime) -> bool:
        session = self.parts.calendar.today(now)
        return session is not None and session.is_open(now)

    async def _tell(
        self, kind: str, text: str, cycle: int | None = None, *, severity: Severity = Severity.INFO
    ) -> None:
        await self.bus.publish(Event(self.parts.clock.now(), kind, text, severity, cycle))
