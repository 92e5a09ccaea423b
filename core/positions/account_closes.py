"""Keeps each account as it is after a session's close: what is at risk, what it is worth, what was earned (rules
15.6)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from core.broker.pace import Pace, Turn, Work
from core.broker.port import Broker, BrokerError
from core.domain.positions.account_at_close import AccountAtClose
from core.domain.positions.left import open_risk, open_risk_of
from core.domain.positions.pnl import OpenMark, Unrealized, unrealized_of
from core.domain.positions.units import left_of
from core.domain.reporting.money import Period, money_of
from core.domain.risk.risk import capital
from core.market.calendar import SessionCalendar
from core.positions.transactions import AFTER_CLOSE
from core.records.records import Records, TridentRecord
from core.records.search.money import Money
from core.runtime.clock import Clock, exchange_time

MARKED_BEFORE = timedelta(minutes=1)
"""How long before a session's close what is open is marked."""
REQUESTS = 3
"""Balances, positions and trading status."""
log = logging.getLogger(__name__)
_NONE = Decimal(0)


@dataclass(eq=False, repr=False)
class AccountCloses:
    """Records every account once, from half an hour after a session's close to the end of its date.

    What is open is marked in the last minute of the session: afterwards no quote is fresh. `open_marks` tells it of the
    tridents of an account, by their ids and by the quotes of the moment.
    """

    broker: Broker
    records: Records
    clock: Clock
    calendar: SessionCalendar
    pace: Pace
    login_of: Callable[[str], str]
    open_marks: Callable[[str], Awaitable[Mapping[str, OpenMark]]]
    _kept: dict[str, date] = field(init=False, default_factory=dict)
    _marks: dict[str, tuple[date, Mapping[str, OpenMark]]] = field(init=False, default_factory=dict)

    async def mark_due(self, accounts: Iterable[str]) -> None:
        """Marks what is open in the accounts, in the last minute of a session. Raises RecordsError."""
        now = self.clock.now()
        session = self.calendar.today(now)
        if session is None or not session.close - MARKED_BEFORE <= now < session.close:
            return
        for account in accounts:
            before = self._of_day(account, session.day)
            held = {one.id for one in await self.records.tridents.held_of(account)}
            if before is None or not _all_marked(before, held):
                self._marks[account] = session.day, _newest(before or {}, await self.open_marks(account))

    async def keep_due(self, accounts: Iterable[str]) -> bool:
        """Records the accounts that are not recorded for today's session, once it is over. False when the broker did
        not tell of one: it is asked again at the next turn. Raises RecordsError."""
        now = self.clock.now()
        session = self.calendar.today(now)
        if session is None or now < session.close + AFTER_CLOSE:
            return True
        due = [account for account in accounts if self._kept.get(account) != session.day]
        if not due:
            return True
        found = await self.records.money.on(session.day)
        complete = True
        for account in due:
            complete &= await self._keep(account, session.day, found.of(account))
        return complete

    async def _keep(self, account: str, day: date, found: Money) -> bool:
        await self.pace.take(Turn(self.login_of(account), account, Work.ROUTINE, REQUESTS))
        now = self.clock.now()
        if exchange_time(now).date() != day:  # the broker was slow, and tells of another day
            return False
        try:
            reads = await self.broker.account_reads(account)
        except BrokerError as error:
            log.warning("the account %s at the close of %s is not known yet: %s", account[-4:], day, error.detail)
            return False
        held = await self.records.tridents.held_of(account)
        risk = sum((_at_risk(one) for one in held), _NONE)
        earned = money_of(found.units, found.tridents, (), Period.DAY, first=day, last=day).total
        await self.records.pnl_rows.add_day(
            AccountAtClose(
                account=account,
                day=day,
                open_risk=risk,
                capital=capital(reads.derivative_buying_power, risk),
                unrealized=_unrealized(self._of_day(account, day), held, day),
                realized=earned.realized,
                fees=earned.fees,
                at=now,
            )
        )
        self._kept[account] = day
        return True

    def _of_day(self, account: str, day: date) -> Mapping[str, OpenMark] | None:
        """What was marked in this session; None while nothing was."""
        marked_on, marks = self._marks.get(account, (None, None))
        return marks if marked_on == day else None


def _all_marked(marks: Mapping[str, OpenMark], held: Set[str]) -> bool:
    return held <= marks.keys() and all(one.is_whole for one in marks.values())


def _newest(before: Mapping[str, OpenMark], now: Mapping[str, OpenMark]) -> dict[str, OpenMark]:
    """The newest mark of each trident, but an earlier whole one where the newest has no fresh quotes."""
    whole = {id: one for id, one in before.items() if one.is_whole}
    return {id: one if one.is_whole else whole.get(id, one) for id, one in now.items()}


def _unrealized(marks: Mapping[str, OpenMark] | None, held: Iterable[TridentRecord], day: date) -> Unrealized | None:
    """What the tridents held over this close would realize. What expires on it is left out: its settlement counts for
    the same day. Of a trident of which a unit ended after the mark the units left count. None where one of them has no
    mark."""
    later = (record for record in held if record.trident.expiration > day)
    known = {} if marks is None else marks
    return unrealized_of(
        None if record.id not in known else known[record.id].of(left_of(record.trident.units)) for record in later
    )


def _at_risk(record: TridentRecord) -> Decimal:
    """What is left of a trident can lose; that of its entry where nobody can say."""
    by_credits = open_risk(record.trident.units, record.trident.width)
    found = open_risk_of(record.trident, record.max_risk if by_credits is None else by_credits)
    return record.max_risk if found is None else found
