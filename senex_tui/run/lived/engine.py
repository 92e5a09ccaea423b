"""Lives days: the real engine on a simulated broker in one process, in virtual time, with records on the loop."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from core.config.settings import Settings
from core.domain.market.sessions import Session
from core.domain.operation.account_settings import AccountField
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import Command, CommandKind
from core.domain.orders.identifiers import maker_of
from core.domain.orders.orders import IntentKind
from core.domain.reporting.cash_sum import CashSum
from core.engine.engine import Engine
from core.engine.parts import EngineParts
from core.market.calendar import SessionCalendar
from core.records.records import Records
from core.records.store.sqlite_on_loop import OnLoop, force_to_disk
from core.runtime.clock import EXCHANGE_ZONE
from core.runtime.ids import SeededIds
from core.runtime.intervals import Intervals
from core.runtime.virtual_time import VirtualClock, run_virtual
from core.simulator.exchange.accounts import AccountSetup
from core.simulator.exchange.exchange import Exchange
from core.simulator.exchange.saved import SavedExchange, read_state, restored_market, write_state
from core.simulator.in_process.attention import unwatched_s
from core.simulator.in_process.broker import InProcessBroker
from core.simulator.market.market import Market
from core.snapshot import Mode
from senex_tui.run.lived.earned import earned
from senex_tui.run.lived.order import Lived, LivedDay, LivedOrder

NOON = time(12)
LOGIN = "main"
LEAD_S = 1.0
"""Seconds before a slot, or before a check whether the feed is live, from which on the feed sends every price."""
IDLE_S = 4.0
"""Seconds between two reads of the market while no option is watched."""
FOLLOWED_S = 14.0
"""Likewise while an entry is priced or a trident is closed: a price may be 30 s old, the feed 15 s silent."""
NIGHT_S = 3600.0
"""The longest wait of feed and alerts while nothing can happen."""
OPERATOR = "operator (lived)"
"""Who carries out what a halt of an account needs, in days that no operator sees; the journal names it so."""
BEFORE_OPEN = timedelta(minutes=5)
"""How long before the first open the engine starts."""
AFTER_CLOSE = timedelta(minutes=40)
"""How long after a close a session has been lived: its orders have ended and its digest is written."""
BOOKED = time(22, 45)
"""When on the last date before a demo the broker has posted all of it, and all of it is read."""
MORNING = timedelta(minutes=10)
"""How long before an open the operator looks at what was halted."""

SETTLED = frozenset({BreakerKind.MISMATCH, BreakerKind.ASSIGNED})
"""The halts out of which only an operator's word leads, and which happen on such days."""
MOST_RESETS = 40
"""As many tridents as the account may hold."""
ANSWERED_S = 3.0
"""Seconds in which a command is carried out."""


def live(order: LivedOrder, say: Callable[[LivedDay], None]) -> Lived:
    """Lives the days, says each as it ends, and writes records and state durably.

    Raises CalendarError, OSError, RecordsError, StateRefused, and what ends an engine.
    """
    saved = None if order.state is None else read_state(order.state, order.code)
    plan = _planned(order, saved)

    async def main(clock: VirtualClock) -> Lived:
        return await _World(order, plan, saved, clock).live(say)

    lived = run_virtual(main, plan.start)
    force_to_disk(order.records)
    return lived


@dataclass(frozen=True, slots=True)
class _Plan:
    start: datetime
    until: datetime
    sessions: tuple[Session, ...]
    """Those that end before `until`."""
    opens: date
    """The session that is open at `until`, or the next one."""
    calendar: SessionCalendar


def _planned(order: LivedOrder, saved: SavedExchange | None) -> _Plan:
    """Raises CalendarError."""
    if saved is not None and order.until is not None:
        calendar = SessionCalendar(saved.at)
        start, until = saved.at, order.until
        day = calendar.sessions_back(start.date(), 1)
        sessions = [s for s in calendar.between(day, until.date()) if start < s.close + AFTER_CLOSE <= until]
    elif order.opens_on is not None:
        calendar = SessionCalendar(datetime.combine(order.opens_on, NOON, EXCHANGE_ZONE))
        opening = calendar.on(order.opens_on) or calendar.next_after(order.opens_on)
        first = calendar.sessions_back(opening.day, order.sessions)
        sessions = list(calendar.between(first, opening.day - timedelta(days=1)))
        start = sessions[0].open - BEFORE_OPEN
        until = datetime.combine(sessions[-1].day, BOOKED, EXCHANGE_ZONE).astimezone(UTC)
    else:
        raise ValueError("days to live need a state and an end, or a day on which a demo opens")
    ahead = calendar.on(until.date())
    opens = ahead if ahead is not None and until < ahead.close else calendar.next_after(until.date())
    return _Plan(start, until, tuple(sessions), opens.day, calendar)


class _World:
    """One exchange, one engine and the operator who looks in every morning."""

    def __init__(self, order: LivedOrder, plan: _Plan, saved: SavedExchange | None, clock: VirtualClock) -> None:
        self._order, self._plan, self._clock = order, plan, clock
        if saved is not None:
            self._market = restored_market(saved.market)
            self._exchange = Exchange.restored(saved, self._market)
        else:
            self._market = Market(order.seed, plan.start)
            setup = AccountSetup(order.account, "Demo", LOGIN, order.cash)
            self._exchange = Exchange(self._market, order.seed, [setup])
            self._exchange.habits = replace(self._exchange.habits, hand_sells_shares=True)
        self._account = order.account
        self._ids = SeededIds(_number_of(order.seed, plan.start))
        self._broker = InProcessBroker(self._exchange, self._market, clock, LOGIN)
        feed, alerts = self._broker.market_data, self._broker.alerts
        feed.unwatched_s = self._unwatched_s
        feed.followed_s = FOLLOWED_S
        feed.idle_s, feed.heartbeat_s, feed.closed_s, alerts.max_wait_s = IDLE_S, NIGHT_S, NIGHT_S, NIGHT_S
        self._engine: Engine | None = None
        self._intervals = Intervals.for_lived_days()
        self._started_s = 0.0
        """Monotonic second from which on the engine counts its intervals."""

    async def live(self, say: Callable[[LivedDay], None]) -> Lived:
        self._engine = engine = Engine(await self._parts())
        self._started_s = self._clock.monotonic()
        running = asyncio.create_task(engine.run(), name="engine")
        living = asyncio.create_task(self._days(engine, say), name="days")
        try:
            await asyncio.wait({running, living}, return_when=asyncio.FIRST_COMPLETED)
            if not living.done():
                await running  # raises what ended it
                raise RuntimeError("the engine ended before its days did")
            await living
            found = await self._earned(engine)
        finally:
            living.cancel()
            engine.stop()
            await asyncio.wait({running})
        await running
        at = self._clock.now()
        write_state(self._order.save_to, self._exchange.saved(at), self._order.code)
        return Lived(at, self._plan.opens, found)

    async def _earned(self, engine: Engine) -> CashSum | None:
        """What the days before a demo earned; None where no trident is taken to its end, and for days that go on."""
        if self._order.state is not None or not engine.exits.on:
            return None
        cash = self._exchange.balances(self._account, self._clock.now()).cash_balance
        return await earned(engine.parts.records, self._account, self._order.cash, cash)

    async def _parts(self) -> EngineParts:
        return EngineParts(
            mode=Mode.DEMO,
            settings=Settings.model_validate(json.loads(self._order.settings, parse_float=Decimal)),
            clock=self._clock,
            ids=self._ids,
            calendar=self._plan.calendar,
            broker=self._broker,
            market_data=self._broker.market_data,
            alerts=self._broker.alerts,
            records=await Records.open(f"sqlite+aiosqlite:///{self._order.records}", on_loop=OnLoop()),
            sends=True,
            preflight=False,
            enable_new_accounts=True,
            kill_file=self._order.halt_file,
            intervals=self._intervals,
        )

    async def _days(self, engine: Engine, say: Callable[[LivedDay], None]) -> None:
        plan = self._plan
        await engine.ready.wait()
        if self._order.position_limit is not None:
            note = f"{AccountField.POSITION_LIMIT.value} {self._order.position_limit}"
            self._command(engine, CommandKind.SET_ACCOUNT, self._account, note)
        for number, session in enumerate(plan.sessions, 1):
            await self._until(session.open - MORNING)
            await self._settle_halts(engine)
            await self._until(session.close + AFTER_CLOSE)
            say(self._told(session.day, number))
        await self._until(plan.until)

    async def _settle_halts(self, engine: Engine) -> None:
        """Resets what a difference with the broker or an assignment has halted, as an operator would who has looked at
        it: the shares of an assignment were sold at 10:00 of its morning.

        A reset settles the quantities of one trident, and the next comparison tells of the next one.
        """
        for _ in range(MOST_RESETS):
            halted = [b for b in engine.breakers.open_now if b.kind in SETTLED]
            for breaker in halted:
                self._command(engine, CommandKind.RESET, ":".join(filter(None, (breaker.kind.code, breaker.subject))))
            if not halted:
                return
            await self._clock.sleep(ANSWERED_S)
            self._command(engine, CommandKind.RECONCILE)
            await self._clock.sleep(ANSWERED_S)
            while engine.gate.not_reconciled():
                await self._clock.sleep(ANSWERED_S)

    def _command(self, engine: Engine, kind: CommandKind, target: str = "", note: str = "") -> None:
        engine.accept(Command(self._ids.new(), kind, OPERATOR, self._clock.now(), None, target, note))

    async def _until(self, at: datetime) -> None:
        left = (at - self._clock.now()).total_seconds()
        if left > 0:
            await self._clock.sleep(left)

    def _told(self, day: date, number: int) -> LivedDay:
        now = self._clock.now()
        orders = self._exchange.orders(self._account)  # the desk's and the hand's are no entries
        entries = [order for order in orders if maker_of(order.external_identifier) is IntentKind.ENTRY]
        filled = sum(order.status == "Filled" for order in entries)
        cash = self._exchange.balances(self._account, now).cash_balance
        return LivedDay(day, number, len(self._plan.sessions), filled, cash)

    def _unwatched_s(self) -> float:
        engine = self._engine
        watched = engine is not None and (engine.runner.in_cycle or engine.exits.watches_prices)
        since_check = (self._clock.monotonic() - self._started_s) % self._intervals.health_s
        to_check = self._intervals.health_s - LEAD_S - since_check
        return max(0.0, min(to_check, unwatched_s(self._clock.now(), watched=watched, lead_s=LEAD_S)))


def _number_of(seed: int, start: datetime) -> int:
    """The seed of the identifiers: days that begin at another instant of a world have others."""
    return int.from_bytes(hashlib.sha256(f"{seed} {start.isoformat()}".encode()).digest()[:8])
