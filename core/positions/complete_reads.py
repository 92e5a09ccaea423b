"""Reads an account's positions and live orders together: the ground on which every exit stands (rules 15.4; broker
2.8)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from core.broker.pace import Pace, Turn, Work
from core.broker.port import Broker, BrokerError, Position
from core.domain.orders.orders import OrderReport
from core.domain.trident.occ import read_occ
from core.domain.trident.sides import Direction, LegSide
from core.runtime.clock import Clock
from core.runtime.task_groups import task_group

READ_EVERY_S = 60.0
"""Wall seconds between two reads of an account in session while it has exits."""
FRESH_S = 10.0
"""Wall seconds that a read may be old where an order is sent on it."""
RETRY_S = 10.0
"""Wall seconds from a read that failed to the next routine one."""
LEAST_S = 0.01
"""The shortest sleep, in wall seconds: a remainder of a second that no clock shows is no wait."""
REQUESTS = 2


@dataclass(frozen=True, slots=True)
class CompleteRead:
    """What both reads of an account have shown. They began at the second `began_s` of `Clock.boottime`, which counts
    what the machine slept, so that no read looks fresh after a sleep; `at`, aware UTC, is when both had come. The
    positions of options and shares are all here; an order that is missing may be there all the same."""

    account: str
    positions: tuple[Position, ...]
    orders: tuple[OrderReport, ...]
    began_s: float
    at: datetime

    def options(self) -> Mapping[LegSide, Decimal]:
        """The contracts held, by leg and side."""
        held: dict[LegSide, Decimal] = {}
        for position in self.positions:
            if read_occ(position.symbol) is not None:
                leg = (position.symbol, Direction(position.direction))
                held[leg] = held.get(leg, Decimal(0)) + position.quantity
        return held

    def shares(self) -> Mapping[str, Decimal]:
        """The shares held, by symbol; what is sold short is negative."""
        held: dict[str, Decimal] = {}
        for position in self.positions:
            if position.instrument_type == SHARES:
                sign = -1 if Direction(position.direction) is Direction.SHORT else 1
                held[position.symbol] = held.get(position.symbol, Decimal(0)) + sign * position.quantity
        return held


SHARES = "Equity"
"""The broker's word for the kind of a position in shares."""


class Stamps(Protocol):
    """Takes note that an account was read completely: the gate of exits."""

    def note_complete(self, account: str, began_s: float) -> None:
        """The account was read and given to the records, by reads that began at this second of `Clock.boottime`."""
        ...


@dataclass(eq=False)
class _UnderWay:
    """A read that is on its way, and its place in the line until it leaves."""

    turn: Turn
    task: asyncio.Task[CompleteRead]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """That a read is wanted which began at this second of `Clock.boottime` or later, and what it is for."""

    since_s: float
    work: Work


@dataclass(eq=False, repr=False)
class CompleteReads:
    """Reads accounts when it is due, and whenever somebody needs it. One read is shared by all who wait for it.

    `login_of` names the login that reaches an account. `take` is given each read before anybody who waits for it: it
    gives the orders to their intents and judges the holdings, and may raise RecordsError; only then does the account
    count as completely read. `accounts` are those that are read regularly while `in_session` says so.
    """

    broker: Broker
    stamps: Stamps
    pace: Pace
    clock: Clock
    login_of: Callable[[str], str]
    take: Callable[[CompleteRead], Awaitable[None]]
    accounts: Callable[[], Iterable[str]]
    in_session: Callable[[], bool]
    every_s: float = READ_EVERY_S
    _newest: dict[str, CompleteRead] = field(init=False, default_factory=dict)
    _under_way: dict[str, _UnderWay] = field(init=False, default_factory=dict)
    _wanted: dict[str, _Wanted] = field(init=False, default_factory=dict)
    _hurried_s: dict[str, float] = field(init=False, default_factory=dict)
    _troubles: dict[str, tuple[str, float]] = field(init=False, default_factory=dict)
    _wake: asyncio.Event = field(init=False, default_factory=asyncio.Event)

    def newest(self, account: str) -> CompleteRead | None:
        """The newest complete read of the account by this process."""
        return self._newest.get(account)

    def trouble(self, account: str) -> str:
        """Why the last read of the account failed, empty when it did not."""
        detail, _ = self._troubles.get(account, ("", 0.0))
        return detail

    def want(self, account: str, work: Work) -> None:
        """Has `run` read the account before its time, whatever the hour, also where a read is already in the line. It
        is a proof where an exit waits for it, or where it is the first one after news. One an account every `FRESH_S`
        is; others are routine, because many accounts that are looked at again and again would hold up all targets.
        """
        now_s = self.clock.boottime()
        if work < Work.ROUTINE:
            if now_s - self._hurried_s.get(account, float("-inf")) < FRESH_S:
                work = Work.ROUTINE
            else:
                self._hurried_s[account] = now_s
        before = self._wanted.get(account)
        self._wanted[account] = _Wanted(now_s, work if before is None else min(work, before.work))
        under_way = self._under_way.get(account)
        if under_way is not None:
            self.pace.hurry(under_way.turn, work)
        self._wake.set()

    async def within(self, account: str, age_s: float = FRESH_S, *, work: Work = Work.ROUTINE) -> CompleteRead:
        """A read that began at most so many wall seconds ago. Raises BrokerError and RecordsError."""
        return await self.since(account, self.clock.boottime() - age_s, work=work)

    async def since(self, account: str, began_s: float, *, work: Work = Work.ROUTINE) -> CompleteRead:
        """A read that began at this second of `Clock.boottime` or later. Raises BrokerError and RecordsError."""
        while True:
            newest = self._newest.get(account)
            if newest is not None and newest.began_s >= began_s:
                return newest
            under_way = self._under_way.get(account)
            if under_way is None:
                under_way = self._start(account, work)
            self.pace.hurry(under_way.turn, work)
            await asyncio.shield(under_way.task)

    async def run(self) -> None:
        """Reads whatever is due, until cancelled. An account that fails delays no other. Raises RecordsError."""
        async with task_group() as group:
            reading: set[str] = set()
            while True:
                self._wake.clear()
                for account in self._due(reading):
                    reading.add(account)
                    group.create_task(self._routine(account, reading))
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._sleep_s(reading)):
                        await self._wake.wait()

    async def close(self) -> None:
        """Gives up the reads that are on their way, and waits until they are given up."""
        tasks = [one.task for one in self._under_way.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _routine(self, account: str, reading: set[str]) -> None:
        wanted = self._wanted.pop(account, None)
        try:
            if wanted is None:
                await self.within(account, 0.0)
            else:
                await self.since(account, wanted.since_s, work=wanted.work)
        except BrokerError:
            if wanted is not None:
                # It is still wanted: the next try is due in its time. An exit that waits for it asks for it again.
                self._wanted.setdefault(account, _Wanted(wanted.since_s, Work.ROUTINE))
        finally:
            reading.discard(account)
            self._wake.set()

    def _due(self, reading: set[str]) -> list[str]:
        return [account for account in self._looked_at() if account not in reading and self._due_in_s(account) <= 0]

    def _sleep_s(self, reading: set[str]) -> float:
        waits = [self._due_in_s(account) for account in self._looked_at() if account not in reading]
        return max(LEAST_S, min([*waits, self.every_s]))

    def _looked_at(self) -> list[str]:
        return list(dict.fromkeys([*self._wanted, *(self.accounts() if self.in_session() else ())]))

    def _due_in_s(self, account: str) -> float:
        """Wall seconds until the account is read next."""
        now_s = self.clock.boottime()
        failed = self._troubles.get(account)
        retry_s = 0.0 if failed is None else failed[1] + RETRY_S - now_s
        newest = self._newest.get(account)
        due_s = 0.0 if newest is None or account in self._wanted else newest.began_s + self.every_s - now_s
        return max(due_s, retry_s)

    def _start(self, account: str, work: Work) -> _UnderWay:
        turn = Turn(self.login_of(account), account, work, REQUESTS)
        task = asyncio.create_task(self._read(account, turn), name="a complete read")
        self._under_way[account] = under_way = _UnderWay(turn, task)
        task.add_done_callback(lambda done: self._ended(account, done))
        return under_way

    def _ended(self, account: str, done: asyncio.Task[CompleteRead]) -> None:
        del self._under_way[account]
        self._troubles.pop(account, None)
        failure = None if done.cancelled() else done.exception()  # taken here also when nobody waits any more
        if isinstance(failure, BrokerError):
            self._troubles[account] = failure.detail, self.clock.boottime()

    async def _read(self, account: str, turn: Turn) -> CompleteRead:
        await self.pace.take(turn)
        began_s = self.clock.boottime()
        positions, orders = await asyncio.gather(self.broker.positions(account), self.broker.live_orders(account))
        read = CompleteRead(account, positions, orders, began_s, self.clock.now())
        await self.take(read)
        self._newest[account] = read
        self.stamps.note_complete(account, began_s)
        return read
