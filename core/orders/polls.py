"""When the orders of each account are looked at between reconciliations (rules 9)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date, datetime

from core.broker.pace import Pace, Turn, Work
from core.domain.orders.orders import IntentKind
from core.orders.account_look import AccountLook
from core.orders.tracker import EVERY_ACCOUNT, OrderTracker
from core.records.records import Records
from core.runtime.clock import Clock
from core.runtime.task_groups import TurnGroup, turn_group

NEWS_S = 60.0
"""Wall seconds after the last change of an intent in which its account is looked at in every turn."""
SELDOM_S = 55.0
"""Wall seconds between two looks at an account where nothing is open and nothing has changed lately, at least: a minute
in all, as a look may leave some seconds after the turn in which it was due, and the turns are 10 s apart."""
REQUESTS = 2
"""The live orders and the history."""
log = logging.getLogger(__name__)


@dataclass(eq=False)
class _UnderWay:
    """A look that is on its way: its place in the line until it leaves, whether it is wanted once more because
    something was heard after it had left, and whether it has given what it saw to the intents."""

    turn: Turn
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    has_left: bool = False
    is_wanted_again: bool = False
    is_done: bool = False


@dataclass(eq=False, repr=False)
class OrderPolls:
    """Looks at every account that has an entry of today, or an intent whose end at the broker was not shown, or a
    trident of somebody else that holds its day.

    In every turn while an intent there may change by itself or has just changed, otherwise once a minute: targets that
    rest, and what an order that nobody follows here does to our account, are seen then too. `today` is the exchange's
    date. `age_s` has the wall seconds since an instant, at least, also when the clock was set meanwhile. `login_of`
    names the login that reaches an account.

    Looks are paced (broker 2.8): one that is asked for about one account leaves at once, the others when their turn
    comes, that at an entry which may change before others. So a look may be later than its time, and each account has
    one on its way.
    """

    look: AccountLook
    tracker: OrderTracker
    records: Records
    clock: Clock
    pace: Pace
    login_of: Callable[[str], str]
    today: Callable[[], date]
    age_s: Callable[[datetime], float]
    _looked: dict[str, float] = field(init=False, default_factory=dict)
    _under_way: dict[str, _UnderWay] = field(init=False, default_factory=dict)

    def turn(self) -> None:
        """Has `run` look at the accounts that are due."""
        self.tracker.poll_wanted.set()

    async def run(self) -> None:
        """Polls when asked, until cancelled. It runs beside the alerts, so that slow reads hold up none of them, and
        each look runs beside the others: the error of one is raised when those that have left are given to their
        intents. Raises RecordsError."""
        if self.tracker.poll_urgent:
            self.tracker.poll_wanted.set()
        async with turn_group() as group:
            while True:
                await self.tracker.poll_wanted.wait()
                self.tracker.poll_wanted.clear()
                urgent, self.tracker.poll_urgent = self.tracker.poll_urgent, set()
                try:
                    await self._begin(group, urgent)
                except BaseException:
                    self.tracker.poll_urgent |= urgent
                    raise

    async def poll(self, urgent: Collection[str] = (EVERY_ACCOUNT,)) -> None:
        """Looks once at the accounts that are due, and at those of the watched ones that are `urgent`; what `run` has
        on its way has ended before and afterwards. A failed look proves nothing. Raises RecordsError."""
        await self._until_ended()
        async with turn_group() as group:
            await self._begin(group, urgent)
        await self._until_ended()

    async def _until_ended(self) -> None:
        for one in tuple(self._under_way.values()):
            await one.ended.wait()

    async def _begin(self, group: TurnGroup, urgent: Collection[str]) -> None:
        """Begins the looks that are due."""
        await self.tracker.settle_lost()
        await self.tracker.drop_unclaimed()
        for account, work in (await self._watched()).items():
            is_urgent = account in urgent or EVERY_ACCOUNT in urgent
            wanted = Work.AT_ONCE if account in urgent else Work.ROUTINE if work is None else work
            under_way = self._under_way.get(account)
            if under_way is not None:
                under_way.is_wanted_again |= is_urgent and under_way.has_left
                self.pace.hurry(under_way.turn, wanted)
                continue
            last = self._looked.get(account)
            if is_urgent or work is not None or last is None or self.clock.monotonic() - last >= SELDOM_S:
                self._start(group, account, wanted)

    async def _watched(self) -> dict[str, Work | None]:
        """What a look at each watched account is for in every turn; None where it is due once a minute."""
        today = self.today()
        found: dict[str, Work | None] = dict.fromkeys(self.look.strangers.foreign.accounts)
        for one in await self.records.intents.watched(self.look.since(today), today):
            work = found.setdefault(one.account, None)
            if one.may_change or any(self.age_s(at) < NEWS_S for at in one.newest):
                news = Work.ENTRY if one.kind is IntentKind.ENTRY else Work.ROUTINE
                found[one.account] = news if work is None else min(work, news)
        return found

    def _start(self, group: TurnGroup, account: str, work: Work) -> None:
        one = _UnderWay(Turn(self.login_of(account), account, work, REQUESTS))
        task = group.begin(lambda: self.pace.take(one.turn), lambda: self._look(account, one), name="a look at orders")
        self._under_way[account] = one
        task.add_done_callback(lambda _: self._ended(account, one))

    async def _look(self, account: str, under_way: _UnderWay) -> None:
        under_way.has_left = True
        self._looked[account] = self.clock.monotonic()
        trouble = await self.look.look(account, self.today())
        under_way.is_done = True
        if trouble:
            log.warning("the orders could not all be read: %s", trouble)

    def _ended(self, account: str, under_way: _UnderWay) -> None:
        """Makes room for the next look at the account, however this one has ended: a task may be cancelled before its
        first step. One that failed is due again, and what was to be seen at once is still wanted: when `run` begins
        anew, because until then it would fail as fast as it is wanted."""
        del self._under_way[account]
        under_way.ended.set()
        if under_way.is_done:
            if under_way.is_wanted_again:
                self.tracker.poll_soon(account)
            return
        self._looked.pop(account, None)
        if under_way.is_wanted_again or under_way.turn.work is Work.AT_ONCE:
            self.tracker.poll_urgent.add(account)
