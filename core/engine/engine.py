"""The engine of one trader. It recovers the state that an earlier process left, runs the slots and supervises its
services. It is the only object of the core that a console builds."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from core.accounts.balances import Balances
from core.accounts.logins import Logins
from core.broker.pace import Pace
from core.broker.port import AccountReads, BrokerError, StreamState
from core.cycle.parts import CycleParts
from core.cycle.passed_slots import PassedSlots
from core.cycle.preview import Previews
from core.cycle.progress import CycleProgress
from core.cycle.runner import CycleRunner
from core.cycle.slots import SlotBook
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.events import Event, Severity
from core.domain.operation.reasons import Refusal
from core.domain.orders.orders import Entry, Intent, OrderReport
from core.engine.assembly import account_look, command_desk, command_handlers, trident_room
from core.engine.command_intake import CommandIntake
from core.engine.health_rows import HealthRows
from core.engine.housekeeping import Housekeeping
from core.engine.parts import EngineParts
from core.engine.publishing import Publishing, store_for
from core.engine.recovery import Recovery
from core.engine.services import chosen_services
from core.engine.snapshot_builder import SnapshotBuilder
from core.engine.standings import recorded_next_steps
from core.engine.start_progress import StartProgress
from core.engine.tasks import Jobs, Service
from core.guards.breakers import Breakers
from core.guards.broker_check import BrokerCheck
from core.guards.clock_check import ClockCheck
from core.guards.clock_doubt import ClockDoubt
from core.guards.foreign_tridents import ForeignTridents
from core.guards.gate import TradingGate, switched_off
from core.guards.refused_orders import RefusedOrders
from core.guards.stop_files import StopFiles
from core.guards.stops import Stops
from core.market.feed import Feed
from core.market.study import MarketStudy
from core.notify.alerting import Alerting
from core.notify.event_log import log_event
from core.notify.mail_queue import MailQueue
from core.orders.cancels import Canceller
from core.orders.desk import OrderDesk
from core.orders.entry_desk import EntryDesk
from core.orders.kinds import product_kinds
from core.orders.leg_subscriptions import LegSubscriptions
from core.orders.open_tridents import OpenTridents
from core.orders.order_events import HAS_FILLS
from core.orders.polls import OrderPolls
from core.orders.positions import PositionComparison
from core.orders.reconciler import Reconciler
from core.orders.reconciliation import Reconciliation
from core.orders.sending import SendingRules
from core.orders.settlement import Settlement
from core.orders.strangers import Strangers
from core.orders.tracker import OrderTracker
from core.records.repositories.rows import AccountRecord
from core.records.store.errors import FencedOff, RecordsError
from core.runtime.bus import Bus
from core.runtime.clock_jumps import JumpDetector
from core.runtime.last_alive import LastAlive
from core.snapshot import EngineState


class Engine:
    """Builds every part of a trader and runs them until `stop`. It then ends in order: no new cycle starts, outcomes of
    orders are awaited, the records are closed."""

    def __init__(self, parts: EngineParts) -> None:
        self.parts = parts
        clock, records, settings = parts.clock, parts.records, parts.settings
        records.tridents.default_rules = parts.exit_rules
        self.state = EngineState.STARTING
        self.starting = StartProgress(clock)
        self._jobs = Jobs(clock, self._say)
        self.bus = Bus(records.journal.append, clock)
        clock_check = ClockCheck(parts.broker, clock, parts.real_time)
        self.clock_doubt = ClockDoubt(clock_check, JumpDetector(clock, parts.intervals.max_sleep_s))
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
            self.clock_doubt.age_s,
            lambda account: self.exits.views.unrealized(account),
            parts.phones,
        )
        self.breakers = Breakers(records, self.bus, clock)
        self.logins = Logins(
            parts.broker, self.breakers, records, self.bus, clock, parts.locks, enable_new=parts.enable_new_accounts
        )
        self.balances = Balances(clock)
        self.stops = Stops(None if parts.stops_folder is None else StopFiles(parts.stops_folder))
        foreign = ForeignTridents(lambda: self.study.today())
        refused = RefusedOrders(clock, self.clock_doubt.age_s, parts.settle.hidden_s)
        self.gate = TradingGate(
            records,
            self.breakers,
            parts.kill_file,
            foreign,
            refused,
            self.stops,
            self._switched_off,
            self.clock_doubt.refusal,
            clock_check.refusal,
        )
        self.underlyings = settings.preferred_underlyings
        self.quotes = store_for(settings.redis)
        self.feed = Feed(parts.market_data, self.quotes, clock, self.underlyings, parts.calendar.is_open, self._on_lost)
        self.legs = LegSubscriptions(
            self.feed,
            records,
            lambda: parts.calendar.sessions_back(self.study.today(), settings.trading.follow_sessions),
        )
        self._strangers = strangers = Strangers(records, self.breakers, self.bus, foreign, parts.sends)
        self.tracker = OrderTracker(
            records=records,
            kinds=product_kinds(
                records=records,
                bus=self.bus,
                clock=clock,
                sessions_back=parts.calendar.sessions_back,
                on_closed=self._on_closed,
                on_incident=self._on_incident,
                times=parts.settle,
            ),
            clock=clock,
            refused=refused,
            on_alerts_connected=self._on_alerts_connected,
            on_alerts_lost=self._on_lost,
            on_stranger=self._on_stranger,
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
        alive = None if parts.last_alive is None else LastAlive(parts.last_alive)
        self.slots = SlotBook(parts.calendar, settings.schedule.slot_times, records, clock)
        passed = PassedSlots(self.slots, self.bus, clock, alive)
        self.broker_check = BrokerCheck(parts.broker, self.bus, clock)
        self.canceller = Canceller(parts.broker, records, self.tracker, clock)
        orders = OrderDesk(
            broker=parts.broker, tracker=self.tracker, clock=clock, age_s=self.clock_doubt.age_s, locks=parts.locks
        )
        pace = Pace(clock)
        self.exits = trident_room(
            parts, pace, self.bus, self.gate, self.study, orders, self.canceller, lambda: self.accounts
        )
        self.desk = EntryDesk(
            desk=orders,
            broker=parts.broker,
            records=records,
            bus=self.bus,
            clock=clock,
            age_s=self.clock_doubt.age_s,
            ids=parts.ids,
            calendar=parts.calendar,
            gate=self.gate,
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
            judges=self.exits.judges,
            note_reads=self.balances.heard,
        )
        self.runner = CycleRunner(
            cycle_parts,
            self.slots,
            self.gate,
            self.bus,
            self._after_cycle,
            Previews(cycle_parts, self.slots),
            self._on_not_recorded,
        )
        self.alerting = Alerting(
            records, self.bus, clock, parts.calendar, settings.schedule.slot_times, self.exits.due_alerts
        )
        look = account_look(parts, self.tracker, strangers, self.clock_doubt)
        login_of = self.exits.login_of
        self.polls = OrderPolls(
            look, self.tracker, records, clock, pace, login_of, self.study.today, self.clock_doubt.age_s
        )
        positions = PositionComparison(records, self.breakers, strangers, self.bus, clock, self.exits.judges)
        reconciler = Reconciler(parts.broker, records, look, self.breakers, positions, self._note_reads)
        self.reconciliation = Reconciliation(
            reconciler, self.gate, self.bus, lambda: self.accounts, self.study.today, self.clock_doubt.until_believed
        )
        self.settlement = Settlement(parts.broker, records, self.tracker, self.bus, clock, self.clock_doubt.age_s)
        self.tridents = OpenTridents(
            parts.broker,
            records,
            positions,
            self.feed,
            clock,
            pace,
            login_of,
            lambda: self.accounts,
            self.study.today,
            lambda: self.runner.runs,
            self.exits.mode_of,
            self.balances.heard,
        )
        self._operator = command_handlers(
            parts,
            self.bus,
            self.gate,
            self.exits,
            self.canceller,
            self.reconciliation,
            self.runner,
            self.alerting,
            self.logins,
            self._jobs,
        )
        self.commands = command_desk(parts, self.bus, self.gate, self._operator, self._jobs, self._say_failed)
        self._housekeeping = Housekeeping(
            parts=parts,
            slots=self.slots,
            runner=self.runner,
            canceller=self.canceller,
            polls=self.polls,
            settlement=self.settlement,
            legs=self.legs,
            feed=self.feed,
            alerting=self.alerting,
            broker_check=self.broker_check,
            breakers=self.breakers,
            logins=self.logins,
            mail=self.mail,
            commands=self.commands,
            reconciler=reconciler,
            reconciliation=self.reconciliation,
            study=self.study,
            jobs=self._jobs,
            bus=self.bus,
            passed=passed,
            clock_doubt=self.clock_doubt,
            alive=alive,
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
            exits=self.exits,
            balances=self.balances,
            state=lambda: self.state,
            redis=lambda: self.publishing.health,
            start=lambda: self.starting.steps(
                feeds=self.feed.health().state is StreamState.CONNECTED, reconciled=not self.gate.not_reconciled()
            ),
            health=HealthRows(
                parts=parts,
                feed=self.feed,
                tracker=self.tracker,
                tridents=self.tridents,
                gate=self.gate,
                breakers=self.breakers,
                broker_check=self.broker_check,
                clock_check=clock_check,
                logins=self.logins,
                mail=self.mail,
                redis=lambda: self.publishing.health,
            ),
        )
        intake = CommandIntake(
            self.commands,
            self._operator,
            self.builder,
            self._jobs,
            parts.ids,
            clock,
            self._say_failed,
            lambda: self.state is EngineState.RUNNING,
        )
        self.accept, self.force, self.preview = intake.accept, intake.force, intake.preview
        self._recovery = Recovery(
            records=records,
            clock=clock,
            bus=self.bus,
            breakers=self.breakers,
            builder=self.builder,
            logins=self.logins,
            runner=self.runner,
            tracker=self.tracker,
            exits=self.exits,
            legs=self.legs,
            gate=self.gate,
            commands=self.commands,
            broker_check=self.broker_check,
            alerting=self.alerting,
            passed=passed,
            clock_doubt=self.clock_doubt,
        )
        self.publishing = Publishing(parts, self.quotes, self.builder)
        self.bus.listen(self.builder.heard)
        self.bus.listen(self._on_fills)
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
                await self._recovery.run(self.starting)
                await self.bus.say("engine.started", f"engine started in {self.parts.mode.value} mode")
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

    def _switched_off(self, number: str) -> Refusal | None:
        """Why the account makes no entries by its own settings."""
        account = next((account for account in self.accounts if account.number == number), None)
        return None if account is None else switched_off(account, self.study.today())

    def stop(self) -> None:
        """Asks the engine to end in order. Call it on the engine's loop. From here on no order leaves for the
        broker."""
        self.stops.end_here("the console is ending")
        self._stop.set()

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
            "timetable": lambda: self._housekeeping.run(scheduled=scheduled),
        }
        services |= {sender.channel: sender.run for sender in self.mail.senders}
        services |= chosen_services(self.parts, self.bus, self.builder, self.tridents) | self.exits.services()
        if self.publishing.is_on:
            services["redis"] = self.publishing.run
        self.reconciliation.want("start")
        for name, work in services.items():
            self._jobs.keep_alive(name, work)
        self._jobs.own(self.parts.records.until_fenced_off(), "fence")
        self._jobs.own(self.parts.locks.keep(), "locks")
        self._jobs.until_done("the first read of candles and chains", self._housekeeping.prepare_study)

    async def _wind_down(self) -> None:
        self.state = EngineState.STOPPING
        self._jobs.close()
        await self.exits.close()
        await self.runner.close()
        try:
            await self._housekeeping.end()
            await self.bus.say("engine.stopped", "engine stopped in order")
        except FencedOff:
            raise
        except RecordsError as error:
            self._say_failed(f"the end could not be recorded: {error}")
        await self.mail.flush()
        self._jobs.cancel()

    async def _on_closed(self, intent: Intent) -> None:
        """Called when an intent has ended: releases an entry's leg quotes and has the figures computed again."""
        if isinstance(intent, Entry):
            self._jobs.until_done("the release of leg quotes", lambda: self.legs.ended(intent.id))
        self._jobs.until_done("the computation of the figures", self.alerting.check)

    def _note_reads(self, reads: AccountReads) -> None:
        """Takes note of a complete read of an account."""
        self.exits.note_reads(reads)
        self.balances.heard(reads)

    def _on_fills(self, event: Event) -> None:
        """Shows what has filled as soon as the records have it, wherever the console counts it."""
        entry_id = dict(event.figures).get("entry")
        if event.kind in HAS_FILLS and event.account is not None and isinstance(entry_id, str):
            account = event.account
            self._jobs.until_done("the trident that has filled", lambda: self.tridents.filled(entry_id, account))

    async def _after_cycle(self) -> None:
        if not self.parts.intervals.after_cycles:
            return
        self._jobs.until_done("the computation of the figures", self.alerting.check)
        self._jobs.until_done("the checks after a cycle", self._housekeeping.check_health)

    # Called by the parts

    def _on_alerts_connected(self) -> None:
        """Reconciles with the broker, because nothing is replayed after a reconnect (broker 4, 6)."""
        self.reconciliation.want("the alert stream connected")

    async def _on_stranger(self, report: OrderReport) -> None:
        self.exits.stranger(report)
        await self._strangers.heard(report)

    def _on_lost(self) -> None:
        """Asks at once whether the broker still answers, because a stream was lost."""
        self._jobs.spawn(self.broker_check.check(), "the check of the broker")

    def _say(self, severity: Severity, text: str) -> None:
        self.builder.note(severity, "engine", text)

    def _say_failed(self, text: str) -> None:
        self._say(Severity.CRITICAL, text)

    def _on_not_recorded(self, text: str) -> None:
        self._say_failed(text)
        self._jobs.spawn(self.runner.unrecorded.until_recorded(), "the record of slots and cycles")

    async def _on_incident(self, intent: Intent, detail: str) -> None:
        await self.breakers.open(BreakerKind.INCIDENT, intent.account, f"order {intent.order_id}: {detail}")

    @property
    def accounts(self) -> tuple[AccountRecord, ...]:
        return self.runner.accounts

    @property
    def progress(self) -> CycleProgress | None:
        return self.runner.progress
