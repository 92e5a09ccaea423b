"""The engine of one trader. It recovers the state that an earlier process left, runs the slots and supervises its
services. It is the only object of the core that a console builds."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from core.accounts.logins import Logins
from core.broker.port import BrokerError, StreamState
from core.commands.handlers import CommandHandlers
from core.commands.inbox import CommandDesk
from core.cycle.account_cycle import AccountResult
from core.cycle.parts import CycleParts
from core.cycle.preview import Previews
from core.cycle.progress import CycleProgress
from core.cycle.runner import CycleRunner
from core.cycle.slots import SlotBook
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import Command, CommandKind, stop_of
from core.domain.operation.events import Severity
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.orders.orders import Entry
from core.engine import start_progress
from core.engine.housekeeping import Housekeeping
from core.engine.parts import EngineParts
from core.engine.publishing import Publishing, store_for
from core.engine.snapshot_builder import SnapshotBuilder
from core.engine.standings import recorded_next_steps
from core.engine.start_progress import StartProgress
from core.engine.tasks import Jobs, Service
from core.guards.breakers import Breakers
from core.guards.broker_check import BrokerCheck
from core.guards.clock_check import ClockCheck
from core.guards.gate import TradingGate
from core.guards.stop_files import StopFiles
from core.guards.stops import Stops
from core.guards.watchdog import Watchdog
from core.market.feed import Feed
from core.market.study import MarketStudy
from core.notify.alerting import Alerting
from core.notify.event_log import log_event
from core.notify.heartbeat import Heartbeat
from core.notify.mail_queue import MailQueue
from core.notify.prometheus import MetricsEndpoint
from core.orders.account_look import AccountLook
from core.orders.desk import OrderDesk, SendingRules
from core.orders.late_cancel import LateCancel
from core.orders.leg_subscriptions import LegSubscriptions
from core.orders.open_tridents import OpenTridents
from core.orders.polls import OrderPolls
from core.orders.reconciler import Reconciler
from core.orders.reconciliation import Reconciliation
from core.orders.settlement import Settlement
from core.orders.strangers import Strangers
from core.orders.tracker import OrderTracker
from core.records.repositories.rows import AccountRecord
from core.records.store.errors import RecordsError
from core.runtime.bus import Bus
from core.snapshot import EngineState, StartStep


class Engine:
    """Builds every part of a trader and runs them until `stop`. It then ends in order: no new cycle starts, outcomes of
    orders are awaited, the records are closed."""

    def __init__(self, parts: EngineParts) -> None:
        self.parts = parts
        clock, records, settings = parts.clock, parts.records, parts.settings
        self.state = EngineState.STARTING
        self.starting = StartProgress(clock)
        self._jobs = Jobs(clock, self._say_failed)
        self.bus = Bus(records.journal.append, clock)
        self.mail = MailQueue(
            parts.mailer,
            settings.mail,
            parts.mode.value,
            records,
            self.bus,
            clock,
            parts.calendar,
            parts.intervals,
            lambda: recorded_next_steps(parts, self.gate.halting_file),
        )
        self.breakers = Breakers(records, self.bus, clock)
        self.logins = Logins(
            parts.broker, self.breakers, records, self.bus, clock, parts.locks, enable_new=parts.enable_new_accounts
        )
        self.stops = Stops(None if parts.stops_folder is None else StopFiles(parts.stops_folder))
        clock_check = ClockCheck(parts.broker, clock, parts.real_time)
        self.gate = TradingGate(
            records, self.breakers, parts.kill_file, self.stops, self._switched_off, clock_check.refusal
        )
        self.underlyings = settings.preferred_underlyings
        self.quotes = store_for(settings.redis)
        self.feed = Feed(parts.market_data, self.quotes, clock, self.underlyings, parts.calendar.is_open, self._on_lost)
        self.legs = LegSubscriptions(self.feed, records)
        strangers = Strangers(records, self.breakers, self.bus, parts.sends)
        self.tracker = OrderTracker(
            records,
            self.bus,
            clock,
            self._on_closed,
            self._on_incident,
            self._on_alerts_connected,
            self._on_lost,
            strangers.heard,
        )
        self.study = MarketStudy(
            parts.broker,
            parts.market_data,
            self.feed,
            self.quotes,
            clock,
            parts.calendar,
            settings.trading.minimum_score,
        )
        self.slots = SlotBook(parts.calendar, settings.schedule.slot_times, records, clock)
        self.broker_check = BrokerCheck(parts.broker, self.bus, clock)
        self.desk = OrderDesk(
            broker=parts.broker,
            records=records,
            tracker=self.tracker,
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
            desk=self.desk,
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
        self.runner = CycleRunner(
            cycle_parts,
            self.slots,
            self.gate,
            self.bus,
            self._after_cycle,
            Previews(cycle_parts, self.slots),
        )
        self.alerting = Alerting(records, self.bus, clock, parts.calendar)
        look = AccountLook(
            parts.broker,
            records,
            self.tracker,
            strangers,
            clock,
            lambda day: parts.calendar.sessions_back(day, settings.trading.follow_sessions),
            parts.settle,
        )
        self.polls = OrderPolls(look, self.tracker, records, clock, self.study.today)
        reconciler = Reconciler(parts.broker, records, look, self.breakers)
        self.reconciliation = Reconciliation(reconciler, self.gate, self.bus, lambda: self.accounts, self.study.today)
        self.settlement = Settlement(parts.broker, records, self.tracker, self.bus, clock, parts.settle)
        self.tridents = OpenTridents(
            parts.broker, records, self.feed, clock, lambda: self.accounts, self.study.today, lambda: self.runner.runs
        )
        self._operator = CommandHandlers(
            records=records,
            broker=parts.broker,
            gate=self.gate,
            breakers=self.breakers,
            tracker=self.tracker,
            reconciliation=self.reconciliation,
            runner=self.runner,
            alerting=self.alerting,
            logins=self.logins,
            bus=self.bus,
            clock=clock,
            ids=parts.ids,
            spawn=self._jobs.spawn,
        )
        self.commands = CommandDesk(
            records, self.bus, clock, self._operator.handlers, self.stops, self._jobs.spawn, self._say_failed
        )
        self._housekeeping = Housekeeping(
            clock=clock,
            intervals=parts.intervals,
            slots=self.slots,
            runner=self.runner,
            polls=self.polls,
            settlement=self.settlement,
            legs=self.legs,
            late_cancel=LateCancel(
                parts.broker, records, self.tracker, self.bus, clock, settings.trading.cancel_after_minutes
            ),
            watchdog=Watchdog(
                breakers=self.breakers,
                clock_check=clock_check,
                feed=self.feed,
                records=records,
                clock=clock,
                in_session=lambda: parts.calendar.is_open(clock.now()),
            ),
            alerting=self.alerting,
            broker_check=self.broker_check,
            breakers=self.breakers,
            logins=self.logins,
            mail=self.mail,
            commands=self.commands,
            locks=parts.locks,
            reconciler=reconciler,
            reconciliation=self.reconciliation,
            study=self.study,
            spawn=self._jobs.spawn,
        )
        self.builder = SnapshotBuilder(
            parts=parts,
            quotes=self.quotes,
            feed=self.feed,
            study=self.study,
            slots=self.slots,
            runner=self.runner,
            legs=self.legs,
            tridents=self.tridents,
            tracker=self.tracker,
            settlement=self.settlement,
            gate=self.gate,
            breakers=self.breakers,
            broker_check=self.broker_check,
            logins=self.logins,
            alerting=self.alerting,
            mail=self.mail,
            state=lambda: self.state,
            redis=lambda: self.publishing.health,
            start=self._start_steps,
        )
        self.publishing = Publishing(parts, self.quotes, self.builder)
        self.bus.listen(self.builder.heard)
        self.bus.listen(log_event)
        self._stop = asyncio.Event()
        self.ready = asyncio.Event()

    # Starting, running, ending

    async def run(self, *, scheduled: bool = True) -> None:
        """Starts, runs until `stop`, and ends in order.

        Raises BrokerError, LockRefused or RecordsError when it cannot start. Raises FencedOff or LockLost, alone or in
        an exception group, as soon as another trader could be at work.
        """
        try:
            try:
                await self._start()
            except BrokerError:
                await self.mail.flush()  # mail about a refused login goes out although nothing runs
                raise
            async with asyncio.TaskGroup() as group:
                self._jobs.open(group)
                self._supervise(scheduled)
                self.state = EngineState.RUNNING
                self.ready.set()
                await self._stop.wait()
                await self._wind_down()
        finally:
            self._jobs.close()
            with suppress(BrokerError):
                await self.parts.broker.close()
            await self.parts.records.close()
            self.parts.locks.release()
            self.state = EngineState.STOPPED

    def accept(self, command: Command) -> None:
        """Hands a command to the inbox, and bars at once what it stops. Call it on the engine's loop."""
        self.builder.pending(command)
        self.commands.take(command)
        if self.state is EngineState.RUNNING:
            self._jobs.spawn(self._post(command))
        else:  # the next engine records it, if this one does not
            self.commands.keep(command)

    async def _post(self, command: Command) -> None:
        """Records the command. A stop that cannot be recorded yet is in force all the same."""
        try:
            await self.commands.post(command)
        except RecordsError as error:
            if stop_of(command) is None:
                self.builder.not_recorded(command, f"nothing was done; it could not be recorded: {error}")
            else:
                self._say_failed(
                    f"{command.kind.words} by {command.who} is in force; it is recorded as soon as that is possible: "
                    f"{error}"
                )

    def _switched_off(self, number: str) -> Refusal | None:
        """Why the account makes no entries by its own settings."""
        account = next((account for account in self.accounts if account.number == number), None)
        if account is None:
            return None
        if not account.enabled:
            return refuse(Reason.ACCOUNT_DISABLED)
        return refuse(Reason.SKIP_TODAY) if account.skip_day == self.study.today() else None

    def stop(self) -> None:
        """Asks the engine to end in order. Call it on the engine's loop. From here on no order leaves for the
        broker."""
        self.stops.end_here("the console is ending")
        self._stop.set()

    async def force(self, who: str, account: str = "") -> tuple[AccountResult, ...] | Refusal:
        """Runs one cycle now. The command goes through the inbox like every other, and every rule applies except that
        it waits for no slot (rules 3). `account` is a number or its last characters; empty for every account that is
        enabled. Returns the accounts' results, or why no cycle started. Raises the error that broke the cycle. Never
        returns when the engine ends first.
        """
        command = Command(self.parts.ids.new(), CommandKind.FORCE, who, self.parts.clock.now(), target=account)
        results = self._operator.results_of(command.id)
        answer = await self.commands.post_and_do(command)
        return answer if isinstance(answer, Refusal) else await results

    async def preview(self, who: str, account: str = "") -> Command:
        """Has a preview made; the command goes through the inbox like every other. `account` is a number or its last
        characters, empty for every account that is enabled. Returns the command, once it is answered."""
        command = Command(self.parts.ids.new(), CommandKind.PREVIEW, who, self.parts.clock.now(), target=account)
        await self.commands.post_and_do(command)
        return command

    async def _start(self) -> None:
        records, clock, starting = self.parts.records, self.parts.clock, self.starting
        starting.begin(start_progress.RECORDS)
        await self.breakers.load()
        await self.builder.load()  # before the first event: otherwise it would be shown twice
        starting.then(start_progress.RECORDS, start_progress.LOGIN)
        await self.logins.start()
        starting.then(start_progress.LOGIN, start_progress.ACCOUNTS)
        self.runner.accounts = await self.logins.accounts()
        for number in await records.cycles.interrupt_unfinished(clock.now()):
            await self.bus.say(
                "cycle.interrupted", f"cycle {number} was interrupted when the process ended", cycle=number
            )
        await self.tracker.recover()
        await self.legs.take_up()
        missed = await self.slots.miss_passed(refuse(Reason.PROCESS_DOWN))
        if missed:
            passed = "1 slot" if missed == 1 else f"{missed} slots"
            await self.bus.say("slot.missed", f"{passed} passed while the console was not running")
        self.runner.newest = await records.cycles.newest()
        await self.gate.read()
        await self.commands.read()
        starting.then(start_progress.ACCOUNTS, start_progress.MARKET)
        await self.broker_check.check()
        await self.alerting.load()
        starting.then(start_progress.MARKET, start_progress.FEED, start_progress.RECONCILE)
        await self.bus.say("engine.started", f"engine started in {self.parts.mode.value} mode")

    def _start_steps(self) -> tuple[StartStep, ...]:
        """The steps of the start, empty once it is over. Feed and reconciliation end after the engine runs."""
        if self.feed.health().state is StreamState.CONNECTED:
            self.starting.done(start_progress.FEED)
        if not self.gate.not_reconciled():
            self.starting.done(start_progress.RECONCILE)
        return self.starting.steps()

    def _supervise(self, scheduled: bool) -> None:
        numbers = [account.number for account in self.accounts]
        services: dict[str, Service] = {
            "reconciliation": self.reconciliation.run,
            "quote feed": self.feed.run,
            "alerts": lambda: self.parts.alerts.run(numbers, self.tracker),
            "order watch": self.tracker.run,
            "order polls": self.polls.run,
            "commands": self.commands.run,
            "command work": self.commands.work,
            "snapshot": self.builder.run,
            "snapshot records": self.builder.follow_records,
            "mail": self.mail.run,
            "timetable": lambda: self._housekeeping.run(scheduled=scheduled),
        }
        ping = self.parts.settings.ping
        if ping.url is not None:
            services["ping"] = Heartbeat(ping.url, ping.interval_seconds, self.parts.clock, self.builder.note).run
        if self.parts.settings_watch is not None:
            services["settings"] = self.parts.settings_watch(self.bus, self.parts.clock).run
        every_s = self.parts.intervals.positions_s
        if every_s is not None:
            services["open tridents"] = lambda: self.tridents.run(every_s)
        port = self.parts.settings.metrics.port
        if port is not None:
            services["metrics"] = MetricsEndpoint(port, lambda: self.builder.snapshot, self.builder.warn).run
        if self.publishing.is_on:
            services["redis"] = self.publishing.run
        self.reconciliation.want("start")
        for name, work in services.items():
            self._jobs.keep_alive(name, work)
        self._jobs.own(self.parts.records.until_fenced_off(), "fence")
        self._jobs.own(self.parts.locks.keep(), "locks")
        self._jobs.spawn(self._prepare_study())

    async def _wind_down(self) -> None:
        self.state = EngineState.STOPPING
        self._jobs.close()
        await self.runner.close()
        await self.bus.say("engine.stopped", "engine stopped in order")
        await self.mail.flush()
        self._jobs.cancel()

    async def _prepare_study(self) -> None:
        for refusal in await self.study.prepare({u.symbol: u for u in self.underlyings}):
            await self.bus.say("study.incomplete", refusal.sentence(), Severity.WARNING)

    async def _on_closed(self, entry_id: str) -> None:
        """Called when an entry has ended: releases its leg quotes and has the figures computed again."""
        await self.legs.release(entry_id)
        self._jobs.spawn(self.alerting.check())

    async def _after_cycle(self) -> None:
        self._jobs.spawn(self.alerting.check())
        await self._housekeeping.look_after()

    # Called by the parts

    def _on_alerts_connected(self) -> None:
        """Reconciles with the broker, because nothing is replayed after a reconnect (broker 4, 6)."""
        self.reconciliation.want("the alert stream connected")

    def _on_lost(self) -> None:
        """Asks at once whether the broker still answers, because a stream was lost."""
        self._jobs.spawn(self.broker_check.check())

    def _say_failed(self, text: str) -> None:
        self.builder.note(Severity.CRITICAL, "engine", text)

    async def _on_incident(self, entry: Entry, detail: str) -> None:
        await self.breakers.open(BreakerKind.INCIDENT, entry.account, f"order {entry.order_id}: {detail}")

    @property
    def accounts(self) -> tuple[AccountRecord, ...]:
        return self.runner.accounts

    @property
    def progress(self) -> CycleProgress | None:
        return self.runner.progress
