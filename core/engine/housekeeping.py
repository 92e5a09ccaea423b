"""Everything the engine does by the clock: the slots, and the periodic checks (rules 3)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from core.accounts.logins import Logins
from core.commands.inbox import CommandDesk
from core.cycle.runner import CycleRunner
from core.cycle.slots import SlotBook
from core.cycle.timetable import Timetable
from core.domain.operation.breakers import BreakerKind
from core.engine.sleep_detector import SleepDetector
from core.guards.breakers import Breakers
from core.guards.broker_check import BrokerCheck
from core.guards.watchdog import Watchdog
from core.locks.folder_lock import LockUnconfirmed, OneTrader
from core.market.study import MarketStudy
from core.notify.alerting import Alerting
from core.notify.mail_queue import MailQueue
from core.orders.late_cancel import LateCancel
from core.orders.leg_subscriptions import LegSubscriptions
from core.orders.polls import OrderPolls
from core.orders.reconciler import Reconciler
from core.orders.reconciliation import Reconciliation
from core.orders.settlement import Settlement
from core.runtime.clock import Clock
from core.runtime.intervals import Intervals


@dataclass(slots=True)
class Housekeeping:
    """Runs whatever is due, until cancelled. Every check is a job of its own, so that none waits for another."""

    clock: Clock
    intervals: Intervals
    slots: SlotBook
    runner: CycleRunner
    polls: OrderPolls
    settlement: Settlement
    legs: LegSubscriptions
    late_cancel: LateCancel
    watchdog: Watchdog
    alerting: Alerting
    broker_check: BrokerCheck
    breakers: Breakers
    logins: Logins
    mail: MailQueue
    commands: CommandDesk
    locks: OneTrader
    reconciler: Reconciler
    reconciliation: Reconciliation
    study: MarketStudy
    spawn: Callable[[Coroutine[Any, Any, None]], None]
    _day: date = field(init=False)
    _settling: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self._day = self.study.today()

    async def run(self, *, scheduled: bool) -> None:
        """Runs the timetable until cancelled. With `scheduled` the slots run too, otherwise only the checks."""
        timetable = Timetable(self.clock)
        if scheduled:
            timetable.at_slots(self.slots.times, lambda slot: self.spawn(self.runner.on_slot(slot)))
            self.spawn(self.runner.take_up_passed())
        intervals = self.intervals
        timetable.every(intervals.orders_s, self.polls.turn)
        timetable.every(intervals.settlement_s, lambda: self.spawn(self._settle()))
        timetable.every(intervals.settlement_s, lambda: self.spawn(self.late_cancel.check()))
        timetable.every(intervals.health_s, lambda: self.spawn(self.look_after()))
        timetable.every(intervals.health_s, lambda: self.spawn(self.alerting.look_again()))
        timetable.every(intervals.broker_s, lambda: self.spawn(self.broker_check.check()))
        timetable.every(intervals.logins_s, lambda: self.spawn(self._look_at_logins()))
        timetable.every(intervals.digests_s, lambda: self.spawn(self.mail.digest()))
        timetable.every(intervals.commands_s, self.commands.check)
        timetable.every(intervals.locks_s, self._verify_locks)
        timetable.every(intervals.locks_s, self._follow_clock)
        suspension = SleepDetector(self.clock, intervals.max_sleep_s)
        while True:
            timetable.run_due()
            await self.clock.sleep(timetable.wall_seconds_to_next(intervals.max_sleep_s))
            jump = suspension.check()
            if jump:
                self.reconciliation.want(jump)
                self.spawn(self._miss_passed())

    def _verify_locks(self) -> None:
        """Checks the locks. While one is in doubt nothing is sent; the task that keeps it finds out whether it is
        lost."""
        with suppress(LockUnconfirmed):
            self.locks.verify()

    def _follow_clock(self) -> None:
        """Records at once that the clock went wrong or right, so that nobody counts down to a slot for half a minute
        which the gate will refuse."""
        if self.watchdog.clock_has_turned():
            self.spawn(self.watchdog.follow_clock())

    async def look_after(self) -> None:
        """Checks what the breakers depend on, and the logins when one needs a check before the next regular one."""
        await self.watchdog.check(self.runner.accounts)
        if self.logins.overdue:
            await self._look_at_logins()

    async def _settle(self) -> None:
        """Settles what only the passing of time can prove. An account stopped by an unsettled entry of an earlier date
        may enter again once that entry is settled."""
        if self._day != self.study.today():
            self._day = self.study.today()
            self.reconciliation.want("a new day")
        if self._settling:
            return
        self._settling = True
        try:
            await self.settlement.check()
            await self.legs.take_up()
        finally:
            self._settling = False
        for account in self.runner.accounts:
            if self.breakers.is_open(BreakerKind.EARLIER_ENTRY, account.number):
                await self.reconciler.judge_earlier(account.number, self.study.today())

    async def _miss_passed(self) -> None:
        """Records the slots that passed while the machine slept as missed. One that is still within its grace may
        run."""
        await self.slots.miss_passed()

    async def _look_at_logins(self) -> None:
        """Reads which accounts the logins reach. A newly reached account is reconciled before it trades, as every
        account is at the start."""
        more = await self.logins.check()
        self.runner.accounts = await self.logins.accounts()
        if more:
            self.reconciliation.want("a login reaches more accounts")
