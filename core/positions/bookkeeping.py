"""Keeps the books of all accounts: the broker's history, official closes, what was earned, each session's end (rules
15.6)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import time

from core.broker.pace import Pace
from core.broker.port import Broker
from core.domain.market.quotes import DaySummary
from core.domain.orders.transactions import Transaction
from core.domain.positions.pnl import OpenMark
from core.market.calendar import SessionCalendar
from core.positions.account_closes import AccountCloses
from core.positions.earnings import Earnings
from core.positions.official_closes import OfficialCloses
from core.positions.transactions import EVENING, MORNING, TransactionReads
from core.records.records import Records
from core.runtime.bus import Bus
from core.runtime.clock import Clock

TIMES = (MORNING, time(12, 59), time(13, 30), time(15, 59), time(16, 30), EVENING)
"""The times of day at the exchange at which something may be due: a minute before the close and half an hour after it,
those of a half day too."""


@dataclass(eq=False, repr=False)
class Bookkeeping:
    """Does what is due, turn by turn: at the start, at `TIMES`, and again while a turn says that something failed.

    `login_of` names the login that reaches an account. `underlyings` are those that are traded; `summary` tells the
    newest summary of one, None without one. `open_marks` tells what is open of the tridents of an account by the quotes
    of the moment.
    """

    broker: Broker
    records: Records
    bus: Bus
    clock: Clock
    calendar: SessionCalendar
    pace: Pace
    login_of: Callable[[str], str]
    underlyings: tuple[str, ...]
    summary: Callable[[str], DaySummary | None]
    open_marks: Callable[[str], Awaitable[Mapping[str, OpenMark]]]
    reads: TransactionReads = field(init=False)
    earnings: Earnings = field(init=False)
    _official: OfficialCloses = field(init=False)
    _closes: AccountCloses = field(init=False)

    def __post_init__(self) -> None:
        self.earnings = Earnings(self.records, self.bus, self.clock, self.calendar)
        self.reads = TransactionReads(
            self.broker,
            self.records,
            self.bus,
            self.clock,
            self.calendar,
            self.pace,
            self.login_of,
            self.records.pnl_rows.first_trident,
            self._on_read,
        )
        self._official = OfficialCloses(self.records, self.calendar)
        self._closes = AccountCloses(
            self.broker, self.records, self.clock, self.calendar, self.pace, self.login_of, self.open_marks
        )

    async def turn(self, accounts: Iterable[str]) -> bool:
        """Does what is due for these accounts. False when the broker did not tell all of it: the next turn asks again.
        Without anything due it asks nobody. Raises RecordsError."""
        numbers = tuple(accounts)
        await self._closes.mark_due(numbers)
        noted = 0
        for symbol in self.underlyings:
            summary = self.summary(symbol)
            noted += await self._official.note(symbol, () if summary is None else (summary,))
        complete = await self.reads.read_due(numbers)
        if noted:
            for number in numbers:
                await self.earnings.count_shares(number)
        return await self._closes.keep_due(numbers) and complete

    async def _on_read(self, account: str, changed: tuple[Transaction, ...]) -> None:
        await self.earnings.work_out(account)
