"""When the orders of each account are looked at between reconciliations (rules 9)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date, datetime

from core.orders.account_look import AccountLook
from core.orders.tracker import EVERY_ACCOUNT, OrderTracker
from core.records.records import Records
from core.runtime.clock import Clock

NEWS_S = 60.0
"""Wall seconds after the last change of an intent in which its account is looked at in every turn."""
SELDOM_S = 60.0
"""Wall seconds between two looks at an account where nothing is open and nothing has changed lately."""
log = logging.getLogger(__name__)


@dataclass(eq=False, repr=False)
class OrderPolls:
    """Looks at every account that has an entry of today, or an intent whose end at the broker was not shown, or a
    trident of somebody else that holds its day.

    In every turn while an intent there may change by itself or has just changed, otherwise once a minute: targets that
    rest, and what an order that nobody follows here does to our account, are seen then too. `today` is the exchange's
    date. `age_s` has the wall seconds since an instant, at least, also when the clock was set meanwhile.
    """

    look: AccountLook
    tracker: OrderTracker
    records: Records
    clock: Clock
    today: Callable[[], date]
    age_s: Callable[[datetime], float]
    _looked: dict[str, float] = field(init=False, default_factory=dict)

    def turn(self) -> None:
        """Has `run` look at the accounts that are due."""
        self.tracker.poll_wanted.set()

    async def run(self) -> None:
        """Polls when asked, until cancelled. It runs beside the alerts, so that slow reads hold up none of them. Raises
        RecordsError."""
        while True:
            await self.tracker.poll_wanted.wait()
            self.tracker.poll_wanted.clear()
            urgent, self.tracker.poll_urgent = self.tracker.poll_urgent, set()
            try:
                await self.poll(urgent)
            except BaseException:
                self.tracker.poll_urgent |= urgent
                raise

    async def poll(self, urgent: Collection[str] = (EVERY_ACCOUNT,)) -> None:
        """Looks once at the accounts that are due, and at those of the watched ones that are `urgent`. A failed look
        proves nothing. Raises RecordsError."""
        await self.tracker.settle_lost()
        await self.tracker.drop_unclaimed()
        today = self.today()
        watched = dict.fromkeys(self.look.strangers.foreign.accounts, False)
        for one in await self.records.intents.watched(self.look.since(today), today):
            has_news = one.may_change or any(self.age_s(at) < NEWS_S for at in one.newest)
            watched[one.account] = watched.get(one.account, False) or has_news
        for account, has_news in watched.items():
            last = self._looked.get(account)
            is_urgent = account in urgent or EVERY_ACCOUNT in urgent
            if is_urgent or has_news or last is None or self.clock.monotonic() - last >= SELDOM_S:
                self._looked[account] = self.clock.monotonic()
                trouble = await self.look.look(account, today)
                if trouble:
                    log.warning("the orders could not all be read: %s", trouble)
