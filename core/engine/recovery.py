"""Takes up what an earlier process left, before anything is started (rules 3, 9, 10)."""

from __future__ import annotations

from dataclasses import dataclass

from core.accounts.logins import Logins
from core.commands.inbox import CommandDesk
from core.cycle.passed_slots import PassedSlots
from core.cycle.runner import CycleRunner
from core.domain.operation.events import Severity
from core.domain.operation.reasons import Reason, refuse
from core.engine import start_progress
from core.engine.snapshot_builder import SnapshotBuilder
from core.engine.start_progress import StartProgress
from core.guards.breakers import Breakers
from core.guards.broker_check import BrokerCheck
from core.guards.clock_doubt import ClockDoubt
from core.guards.gate import TradingGate
from core.notify.alerting import Alerting
from core.orders.leg_subscriptions import LegSubscriptions
from core.orders.tracker import OrderTracker
from core.positions.room import TridentRoom
from core.records.records import Records
from core.runtime.bus import Bus
from core.runtime.clock import Clock
from core.views.standing_reads import clock_doubt


@dataclass(slots=True, kw_only=True)
class Recovery:
    """The parts that take up the state of an earlier process."""

    records: Records
    clock: Clock
    bus: Bus
    breakers: Breakers
    builder: SnapshotBuilder
    logins: Logins
    runner: CycleRunner
    tracker: OrderTracker
    exits: TridentRoom
    legs: LegSubscriptions
    gate: TradingGate
    commands: CommandDesk
    broker_check: BrokerCheck
    alerting: Alerting
    passed: PassedSlots
    clock_doubt: ClockDoubt

    async def run(self, starting: StartProgress) -> None:
        """Logs in and takes everything up. Raises BrokerError, LockRefused and RecordsError."""
        starting.begin(start_progress.RECORDS)
        await self.breakers.load()
        await self.builder.load()  # before the first event: otherwise it would be shown twice
        starting.then(start_progress.RECORDS, start_progress.LOGIN)
        await self.logins.start()
        starting.then(start_progress.LOGIN, start_progress.ACCOUNTS)
        self.runner.accounts = await self.logins.accounts()
        for number in await self.records.cycles.interrupt_unfinished(self.clock.now()):
            await self.bus.say(
                "cycle.interrupted", f"cycle {number} was interrupted when the process ended", cycle=number
            )
        await self.tracker.recover()
        await self.exits.recover()
        await self.legs.subscribe_open()
        wrong = self.clock_doubt.clock_check.refusal()
        if wrong is not None:
            off = wrong.reason is Reason.CLOCK_OFF
            why = f"the machine's clock {'does not agree' if off else 'could not be compared'} with the broker's"
            self.clock_doubt.begin(why)
            text = refuse(Reason.CLOCK_IN_DOUBT, what=why).sentence()
            await self.bus.say("clock.doubt", text, Severity.CRITICAL, figures=(("what", why),))
        elif await clock_doubt(self.records):  # of an earlier process
            await self.bus.say("clock.confirmed", "the clock is confirmed")
        await self.passed.since_last_process(clock_in_doubt=self.clock_doubt.refusal() is not None)
        self.runner.newest = await self.records.cycles.newest()
        await self.gate.read()
        await self.commands.read()
        starting.then(start_progress.ACCOUNTS, start_progress.MARKET)
        await self.broker_check.check()
        await self.alerting.load()
        starting.then(start_progress.MARKET, start_progress.FEED, start_progress.RECONCILE)
