"""Reads the broker's history of each account when something new may be in it, and keeps every row (rules 15.6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from core.broker.pace import Pace, Turn, Work
from core.broker.port import Broker, BrokerError
from core.domain.market.sessions import EXCHANGE_ZONE
from core.domain.operation import amounts
from core.domain.operation.events import Severity, masked_in
from core.domain.orders.transactions import Transaction
from core.domain.positions.matching import is_known
from core.market.calendar import SessionCalendar
from core.records.records import Records
from core.runtime.bus import Bus
from core.runtime.clock import Clock, exchange_time

MORNING, EVENING = time(8, 30), time(22, 30)
"""Every day, at the exchange: what was delivered for the day before is there, and what 22:00 posts."""
AFTER_CLOSE = timedelta(minutes=30)
ONCE_MORE = timedelta(days=7)
"""How far back a reading begins before the newest complete one: a row may come late, and be written again."""


@dataclass(eq=False, repr=False)
class TransactionReads:
    """Reads the history of accounts: at the start, at 08:30, half an hour after a session's close, and at 22:30.

    `first_trident` says of an account on which exchange date its first trident on record was opened: what is older is
    nobody's here. None while there is none: then nothing is read. `login_of` names the login that reaches an account: a
    reading waits for its turn there, for its first page. `on_read` is called after each complete reading with
    the account and the rows that are new or written again, also when there are none.
    """

    broker: Broker
    records: Records
    bus: Bus
    clock: Clock
    calendar: SessionCalendar
    pace: Pace
    login_of: Callable[[str], str]
    first_trident: Callable[[str], Awaitable[date | None]]
    on_read: Callable[[str, tuple[Transaction, ...]], Awaitable[None]]
    _read_at: dict[str, datetime] = field(init=False, default_factory=dict)
    """When this process read the account completely."""
    _failing: set[str] = field(init=False, default_factory=set)
    _unknown: dict[str, tuple[str, ...]] = field(init=False, default_factory=dict)

    def times(self, day: date) -> tuple[datetime, ...]:
        """When the history is read on an exchange date, ascending, aware UTC. Raises CalendarError far outside the
        calendar."""
        session = self.calendar.on(day)
        fixed = [datetime.combine(day, at, EXCHANGE_ZONE).astimezone(UTC) for at in (MORNING, EVENING)]
        return tuple(sorted([*fixed, *([] if session is None else [session.close + AFTER_CLOSE])]))

    def is_due(self, account: str) -> bool:
        """Whether the account was not read completely since its newest time, or since the start."""
        read_at = self._read_at.get(account)
        now = self.clock.now()
        if read_at is None or read_at > now:  # the clock was set back
            return True
        today = exchange_time(now).date()
        passed = [at for day in (today - timedelta(days=1), today) for at in self.times(day) if at <= now]
        return read_at < max(passed)

    async def read_due(self, accounts: Iterable[str]) -> bool:
        """Reads each account whose time has come, one after the other: the history is long, and nothing waits for it.
        False when one could not be read, which is said once; it stays due. Raises RecordsError."""
        complete = True
        for account in accounts:
            if self.is_due(account):
                complete &= await self.read(account)
        return complete

    async def read(self, account: str) -> bool:
        """Reads the account's history now, and keeps it. False when the broker gave no complete answer."""
        since = await self._since(account)
        if since is not None:
            await self.pace.take(Turn(self.login_of(account), account, Work.ROUTINE))
        now = self.clock.now()
        today = exchange_time(now).date()
        if since is None:
            self._read_at[account] = now
            return True
        try:
            rows = await self.broker.transactions(account, since)
        except BrokerError as error:
            await self._say_failed(account, error)
            return False
        changed = await self.records.transactions.keep(account, rows, through=today, at=now)
        self._read_at[account] = now
        self._unknown[account] = tuple(sorted({row.kind for row in rows if not is_known(row)}))
        await self._say_unknown(account, changed)
        if account in self._failing:
            self._failing.remove(account)
            await self.bus.say("transactions.read", "the broker's history is read again", account=account)
        await self.on_read(account, changed)
        return True

    def unknown_kinds(self, account: str) -> tuple[str, ...]:
        """The kinds of rows in the newest reading that nothing here knows: they may be about our contracts or cash."""
        return self._unknown.get(account, ())

    async def _since(self, account: str) -> date | None:
        first = await self.first_trident(account)
        if first is None:
            return None
        newest = await self.records.transactions.last_read(account)
        return first if newest is None else max(first, newest.through - ONCE_MORE)

    async def _say_failed(self, account: str, error: BrokerError) -> None:
        if account in self._failing:
            return
        self._failing.add(account)
        why = masked_in(error.detail, [account])
        text = f"the broker's history cannot be read: {why}; figures of money stay as they were"
        await self.bus.say("transactions.failed", text, Severity.WARNING, account=account)

    async def _say_unknown(self, account: str, rows: Iterable[Transaction]) -> None:
        """Says once of what kinds new rows are that nothing here reads. That it stays so is told by an alert."""
        unknown = Counter(row.kind for row in rows if not is_known(row))
        for kind, count in sorted(unknown.items()):
            await self.bus.say(
                "transactions.unknown",
                f"the broker's history has {amounts.counted(count, 'row')} of the unknown kind {kind!r}",
                account=account,
                figures=(("kind", kind), ("rows", count)),
            )
