"""Takes up what an earlier process left, before anything is started (rules 3, 9, 10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.accounts.logins import Logins
from core.commands.inbox import CommandDesk
from core.cycle.runner import CycleRunner
from core.domain.operation.amounts import counted
from core.domain.operation.events import Severity
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.engine import start_progress
from core.engine.snapshot_builder import SnapshotBuilder
from core.engine.start_progress import StartProgress
from core.guards.breakers import Breakers
from core.guards.broker_check import BrokerCheck
from core.guards.gate import TradingGate
from core.notify.alerting import Alerting
from core.orders.leg_subscriptions import LegSubscriptions
from core.orders.tracker import OrderTracker
from core.records.records import Records
from core.runtime.bus import Bus
from core.runtime.clock import Clock
from core.runtime.last_alive import LastAlive


@dataclass(slots=True, kw_only=True)
class Recovery:
    """The parts that take up the state of an earlier process. `alive` tells when that one was last alive; None where
    no file says so."""

    records: Records
    clock: Clock
    bus: Bus
    breakers: Breakers
    builder: SnapshotBuilder
    logins: Logins
    runner: CycleRunner
    tracker: OrderTracker
    legs: LegSubscriptions
    gate: TradingGate
    commands: CommandDesk
    broker_check: BrokerCheck
    alerting: Alerting
    alive: LastAlive | None

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
        await self.legs.take_up()
        await self._miss_passed()
        self.runner.newest = await self.records.cycles.newest()
        await self.gate.read()
        await self.commands.read()
        starting.then(start_progress.ACCOUNTS, start_progress.MARKET)
        await self.broker_check.check()
        await self.alerting.load()
        starting.then(start_progress.MARKET, start_progress.FEED, start_progress.RECONCILE)

    async def _miss_passed(self) -> None:
        """Records the slots that passed since the last recorded one as missed, and says how many."""
        was_alive = None if self.alive is None else self.alive.read()
        missed = await self.runner.slots.miss_passed(lambda slot: self._why_missed(slot, was_alive))
        down, lost = missed[Reason.PROCESS_DOWN], missed[Reason.NOT_RECORDED]
        if down:
            await self.bus.say("slot.missed", f"{counted(down, 'slot')} passed while the console was not running")
        if lost:
            text = f"{counted(lost, 'slot')} passed while the console was running and could not write its records"
            await self.bus.say("slot.missed", text, Severity.WARNING)

    def _why_missed(self, slot: datetime, was_alive: datetime | None) -> Refusal:
        """A process that was alive after the slot's grace would have recorded it, had it been able to."""
        if was_alive is not None and slot + self.runner.slots.grace() <= was_alive:
            return refuse(Reason.NOT_RECORDED, detail="the process of that time left no record")
        return refuse(Reason.PROCESS_DOWN)
