"""Everything the engine does by the clock: the slots, and the periodic checks (rules 3)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime

from core.accounts.logins import Logins
from core.commands.inbox import CommandDesk
from core.cycle.passed_slots import PassedSlots
from core.cycle.runner import CycleRunner
from core.cycle.slots import SlotBook
from core.cycle.timetable import Timetable
from core.domain.operation import times
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.events import Severity
from core.engine.parts import EngineParts
from core.engine.tasks import Jobs, Service
from core.guards.breakers import Breakers
from core.guards.broker_check import BrokerCheck
from core.guards.clock_doubt import ClockDoubt
from core.guards.watchdog import Watchdog
from core.locks.folder_lock import LockUnconfirmed
from core.market.calendar import CalendarError
from core.market.feed import Feed
from core.market.study import MarketStudy
from core.notify.alerting import Alerting
from core.notify.mail_queue import MailQueue
from core.orders.cancels import Canceller
from core.orders.following_ends import FollowingEnds
from core.orders.late_cancel import LateCancel
from core.orders.leg_subscriptions import LegSubscriptions
from core.orders.polls import OrderPolls
from core.orders.reconciler import Reconciler
from core.orders.reconciliation import Reconciliation
from core.orders.settlement import Settlement
from core.runtime.bus import Bus
from core.runtime.clock_jumps import Jump, JumpKind
from core.runtime.last_alive import LastAlive


@dataclass(slots=True)
class Housekeeping:
    """Runs whatever is due, until cancelled. Every check is a job of its own, so that none waits for another."""

    parts: EngineParts
    slots: SlotBook
    runner: CycleRunner
    canceller: Canceller
    polls: OrderPolls
    settlement: Settlement
    legs: LegSubscriptions
    feed: Feed
    alerting: Alerting
    broker_check: BrokerCheck
    breakers: Breakers
    logins: Logins
    mail: MailQueue
    commands: CommandDesk
    reconciler: Reconciler
    reconciliation: Reconciliation
    study: MarketStudy
    jobs: Jobs
    bus: Bus
    passed: PassedSlots
    clock_doubt: ClockDoubt
    alive: LastAlive | None
    _late_cancel: LateCancel = field(init=False)
    _watchdog: Watchdog = field(init=False)
    _scheduled: bool = field(init=False, default=False)
    _day: date = field(init=False)
    _following_ends: FollowingEnds = field(init=False)
    _following_checked: date | None = field(init=False, default=None)
    _settling: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        parts = self.parts
        self._day = self.study.today()
        self.clock_doubt.when_set = self.reconciliation.want
        self.clock_doubt.when_slept = self._slept
        self._late_cancel = LateCancel(
            parts.records,
            self.canceller,
            parts.clock,
            parts.settings.trading.cancel_after_minutes,
            self.clock_doubt.age_s,
        )
        self._following_ends = FollowingEnds(
            parts.records, self.bus, parts.calendar, parts.settings.trading.follow_sessions
        )
        self._watchdog = Watchdog(
            breakers=self.breakers,
            clock_check=self.clock_doubt.clock_check,
            feed=self.feed,
            records=parts.records,
            clock=parts.clock,
            in_session=lambda: parts.calendar.is_open(parts.clock.now()),
        )

    async def run(self, *, scheduled: bool) -> None:
        """Runs the timetable until cancelled. With `scheduled` the slots run too, otherwise only the checks."""
        timetable = Timetable(self.parts.clock)
        self._scheduled = scheduled
        self.clock_doubt.started()
        if scheduled:
            self._note_alive()
            timetable.every(self.parts.intervals.health_s, self._note_alive)
            timetable.at_slots(self.slots.times, self._on_slot)
            self.jobs.until_done("the look at the slots before the start", self.runner.take_up_passed)
        intervals = self.parts.intervals
        timetable.every(intervals.orders_s, self.polls.turn)
        self._by_the_clock(timetable, intervals.settlement_s, "the settlement of entries", self._settle)
        self._by_the_clock(timetable, intervals.settlement_s, "the cancel of late entries", self._late_cancel.check)
        self._every(timetable, intervals.health_s, "the check of feed, clock and records", self.check_health)
        self._by_the_clock(timetable, intervals.health_s, "the look at the figures", self.alerting.look_again)
        self._every(timetable, intervals.broker_s, "the check of the broker", self.broker_check.check)
        self._every(timetable, intervals.logins_s, "the check of the logins", self._look_at_logins)
        self._by_the_clock(timetable, intervals.digests_s, "the writing of digests", self.mail.digest)
        timetable.every(intervals.commands_s, self.commands.check)
        timetable.every(intervals.locks_s, self._verify_locks)
        timetable.every(intervals.locks_s, self._follow_clock)
        while True:
            self._look_at_clock(timetable)
            timetable.run_due()
            at_most = self.clock_doubt.sleep_s(intervals.max_sleep_s)
            await self.parts.clock.sleep(timetable.wall_seconds_to_next(at_most))

    def _look_at_clock(self, timetable: Timetable) -> None:
        """Takes note of every jump of the clock before anything runs by it."""
        for jump in self.clock_doubt.take_jumps():
            if jump.kind is JumpKind.SET:
                timetable.anew()
                self.jobs.spawn(self._say_set(jump), "the word about the clock")
                self.jobs.spawn(self.broker_check.check(), "the check of the broker")
            elif self.clock_doubt.refusal() is None:
                if jump.kind is not JumpKind.SLEPT:  # of a sleep that is wanted already
                    self.reconciliation.want(jump.words)
                self.jobs.until_done("the record of the slots that passed", self.passed.after_sleep)
        if self.clock_doubt.confirm():
            self.reconciliation.want("the clock is confirmed")
            self.jobs.spawn(self.bus.say("clock.confirmed", "the clock is confirmed"), "the word about the clock")
            self.jobs.until_done("the record of the slots that passed", self._after_doubt)

    def _slept(self, words: str) -> None:
        """Bars what is sent from the moment in which anybody notices that the machine slept: nothing that was read
        before counts, and by the monotonic clock its quotes look as new as they were."""
        self.feed.slept()
        self.reconciliation.want(words)

    async def _say_set(self, jump: Jump) -> None:
        text = f"{jump.words}; entries wait until it is confirmed"
        with suppress(CalendarError):  # it may be set to a year that the calendar does not know
            text += f"; the next slot is {times.when(self.slots.next(), self.study.today())}"
        await self.bus.say("clock.set", text, Severity.CRITICAL, figures=(("what", jump.words),))

    async def _after_doubt(self) -> None:
        """Records the slots whose time has passed. One that is still within its grace may run, so what the wrong clock
        had stopped goes on first."""
        await self._watchdog.check(self.runner.accounts)
        await self.passed.after_doubt()
        if self._scheduled:
            await self.runner.take_up_passed()

    def _every(self, timetable: Timetable, wall_seconds: int, name: str, work: Service) -> None:
        timetable.every(wall_seconds, self.jobs.periodic(name, work, wall_seconds))

    def _by_the_clock(self, timetable: Timetable, wall_seconds: int, name: str, work: Service) -> None:
        """Like `_every`, for a job that acts on market time: it waits while the clock is in doubt."""
        start = self.jobs.periodic(name, work, wall_seconds)
        timetable.every(wall_seconds, lambda: None if self.clock_doubt.refusal() else start())

    def _on_slot(self, slot: datetime) -> None:
        self.jobs.spawn(self.runner.on_slot(slot), f"slot {times.minute(slot)}")

    async def end(self) -> None:
        """Records what could not be recorded before, when the engine ends. Raises RecordsError."""
        self._note_alive()
        if self.alive is not None:
            self.alive.close()
        await self.runner.unrecorded.record()

    def _note_alive(self) -> None:
        """Notes that the trader is alive. One that runs no slots leaves the file to those that do."""
        if self._scheduled and self.alive is not None and self.clock_doubt.refusal() is None:
            self.alive.write(self.parts.clock.now())

    def _verify_locks(self) -> None:
        """Checks the locks. While one is in doubt nothing is sent; the task that keeps it finds out whether it is
        lost."""
        with suppress(LockUnconfirmed):
            self.parts.locks.verify()

    def _follow_clock(self) -> None:
        """Records at once that the clock went wrong or right, so that nobody counts down to a slot for half a minute
        which the gate will refuse."""
        if self._watchdog.clock_has_turned():
            self.jobs.spawn(self._watchdog.follow_clock(), "the record of the clock's breaker")

    async def check_health(self) -> None:
        """Checks what the breakers depend on, and the logins when one needs a check before the next regular one.
        Records what could not be recorded before."""
        await self._watchdog.check(self.runner.accounts)
        if not self.breakers.is_open(BreakerKind.STORE, ""):
            await self.runner.unrecorded.record()
        if self.logins.overdue:
            await self._look_at_logins()

    async def prepare_study(self) -> None:
        """Reads candles and chains before the first slot, and says what is incomplete: it is read when needed."""
        for refusal in await self.study.prepare({u.symbol: u for u in self.parts.settings.preferred_underlyings}):
            await self.bus.say("study.incomplete", refusal.sentence(), Severity.WARNING)

    async def _settle(self) -> None:
        """Settles what only the passing of time can prove. An account stopped by an unsettled entry of an earlier date
        may enter again once that entry is settled."""
        if self._day != self.study.today():
            self._day = self.study.today()
            self.reconciliation.want("a new day")
        if self._following_checked != self._day:
            await self._following_ends.check(self._day)
            self._following_checked = self._day
        if self._settling:
            return
        self._settling = True
        try:
            await self.settlement.check()
            await self.legs.subscribe_open()
        finally:
            self._settling = False
        for account in self.runner.accounts:
            if self.breakers.is_open(BreakerKind.EARLIER_ENTRY, account.number):
                await self.reconciler.judge_earlier(account.number, self.study.today())

    async def _look_at_logins(self) -> None:
        """Reads which accounts the logins reach. A newly reached account is reconciled before it trades, as every
        account is at the start."""
        more = await self.logins.check()
        self.runner.accounts = await self.logins.accounts()
        if more:
            self.reconciliation.want("a login reaches more accounts")
