"""Works out what tridents earned from their fills and the broker's history, and keeps it (rules 15.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from core.domain.operation import amounts
from core.domain.orders.orders import Entry, Intent
from core.domain.positions.earned import (
    FEES_FINAL_AFTER,
    MISMATCH_AFTER,
    Explained,
    Left,
    earned_day,
    explained,
    lots_of,
)
from core.domain.positions.exits import Exit
from core.domain.positions.matching import Lot, Match, Role, match
from core.domain.positions.pnl import OfficialClose, by_broker, realized, total
from core.market.calendar import SessionCalendar
from core.records.records import GoneRecord, Records, TridentRecord
from core.records.repositories.pnl_rows import Earned, EarnedOnRecord
from core.records.store.tables import (
    entries,
    exits,
    fills,
    gone,
    intent_orders,
    intents,
    official_closes,
    transactions,
    tridents,
)
from core.runtime.bus import Bus
from core.runtime.clock import Clock, exchange_time
from core.runtime.keyed_locks import KeyedLocks

RECENT = timedelta(days=60)
"""For how long after its end the broker's rows of a trident are looked at again."""
_FOUND_BY = "the broker's history"
# What is written from them is not among these. A unit changes only together with its exits, or what left it.
_ON_RECORD = (tridents, entries, exits, intents, intent_orders, fills, gone, transactions, official_closes)
_TABLES = tuple(table.name for table in _ON_RECORD)
_LEFT = _TABLES.index(gone.name)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is on record of the tridents of an account: those to work out, and the others of that time, whose rows
    must not be taken for those of nobody."""

    tridents: tuple[TridentRecord, ...]
    others: tuple[TridentRecord, ...]
    entries: Mapping[str, Entry]
    exits: Mapping[str, tuple[Exit, ...]]
    left: Mapping[str, tuple[GoneRecord, ...]]
    orders: Mapping[str, Sequence[Intent]]


@dataclass(frozen=True, slots=True)
class ByDate:
    """What the calendar alone will change of what was worked out on an exchange date, None for nothing: the next
    expiration, the first day whose fees the broker calls estimates, the first end of which it may not have told all.
    `shares`: shares of an assignment are in it, which wait for the official close at which they count."""

    day: date
    expires: date | None = None
    estimated: date | None = None
    ended: date | None = None
    shares: bool = False

    def stands(self, today: date, calendar: SessionCalendar) -> bool:
        """Whether nothing of it has changed by today."""
        return (
            self.day <= today
            and (self.expires is None or today < self.expires)
            and (self.estimated is None or calendar.sessions_back(today, FEES_FINAL_AFTER) <= self.estimated)
            and (self.ended is None or calendar.sessions_back(today, MISMATCH_AFTER) < self.ended)
        )


@dataclass(eq=False, repr=False)
class Earnings:
    """Gives an account's rows to its tridents, takes what they explain into the records, and writes what each unit
    earned. Each write is a commit of its own: whatever a crash leaves undone, the next turn does."""

    records: Records
    bus: Bus
    clock: Clock
    calendar: SessionCalendar
    _turns: KeyedLocks = field(init=False, default_factory=KeyedLocks)
    # Of each account the version of the tables from which it was worked out, and what the calendar will change.
    _done: dict[str, tuple[tuple[int, ...], ByDate]] = field(init=False, default_factory=dict)

    async def work_out(self, account: str) -> None:
        """Does it all for one account, from everything on record; nothing where nothing can have changed. Raises
        RecordsError."""
        async with self._turns.of(account):
            await self._work_out_if_due(account)

    async def _work_out_if_due(self, account: str) -> None:
        today, before = exchange_time(self.clock.now()).date(), self.records.version(*_TABLES)
        version, by_date = self._done.get(account, (None, None))
        if before is not None and version == before and by_date is not None and by_date.stands(today, self.calendar):
            return
        self._done.pop(account, None)
        by_date = await self._work_out(account)
        if before is not None and before == self.records.version(*_TABLES):
            self._done[account] = before, by_date

    async def count_shares(self, account: str) -> None:
        """Does the same after an official close where shares wait for one, or a contract has left meanwhile, which may
        be shares then. Raises RecordsError."""
        version, by_date = self._done.get(account, (None, None))
        now = self.records.version(*_TABLES)
        left = version is None or now is None or version[_LEFT] != now[_LEFT]
        if left or by_date is None or by_date.shares:
            await self.work_out(account)

    async def _work_out(self, account: str) -> ByDate:
        now = self.clock.now()
        known = await self._known(account, now - RECENT)
        if not known.tridents:
            return ByDate(exchange_time(now).date())
        found = await self._match(account, known, now)
        explains = explained(found, [_left(one) for of_one in known.left.values() for one in of_one])
        if explains:
            await self.records.tridents.note_gone([_explaining(one) for one in explains])
            known = await self._known(account, now - RECENT)
            found = await self._match(account, known, now)
        await self.records.transactions.note_matches(found, now)
        closes: dict[str, Sequence[OfficialClose]] = {}
        before = await self.records.pnl_rows.earned_of([one.id for one in known.tridents])
        for record in known.tridents:
            symbol = record.trident.underlying
            if symbol not in closes:
                first = min(exchange_time(one.opened_at).date() for one in known.tridents)
                closes[symbol] = await self.records.pnl_rows.closes(symbol, first)
            of_one = [one for one in found if one.trident_id == record.id]
            await self._write(record, known, of_one, closes[symbol], before[record.id], now)
        return self._by_date(known, found, closes, exchange_time(now).date())

    def _by_date(
        self, known: _Known, found: Sequence[Match], closes: Mapping[str, Sequence[OfficialClose]], today: date
    ) -> ByDate:
        final_before = self.calendar.sessions_back(today, FEES_FINAL_AFTER)
        expirations = [one.trident.expiration for one in (*known.tridents, *known.others)]
        charged = [one.row.day for one in found if one.row.fees_estimated]
        ended = [one.ended_at for one in known.tridents if one.ended_at is not None and not self._is_told(one, today)]
        return ByDate(
            today,
            expires=min((day for day in expirations if day > today), default=None),
            estimated=min((day for day in charged if day >= final_before), default=None),
            ended=None if not ended else exchange_time(min(ended)).date(),
            shares=any(one.role is Role.SHARES and not _has_close_after(one, closes) for one in found),
        )

    async def _known(self, account: str, since: datetime) -> _Known:
        tridents = await self.records.pnl_rows.tridents(account, since)
        before = min((one.opened_at for one in tridents), default=since)
        others = await self.records.pnl_rows.ended_between(account, before, since)
        ids = [one.id for one in (*tridents, *others)]
        entries = await self.records.entries.these(ids)
        exits = await self.records.exits.of_tridents(ids)
        intents: list[Intent] = [*entries, *(one for of_one in exits.values() for one in of_one)]
        orders: dict[str, list[Intent]] = {}
        had = await self.records.intent_orders.of_all([intent.id for intent in intents])
        for intent in intents:
            of_intent = (intent.order_id, *(order.order_id for order in had.get(intent.id, ())))
            for order_id in dict.fromkeys(one for one in of_intent if one is not None):
                orders.setdefault(order_id, []).append(intent)
        gone = await self.records.tridents.gone_of(ids)
        return _Known(tridents, others, {entry.id: entry for entry in entries}, exits, gone, orders)

    async def _match(self, account: str, known: _Known, now: datetime) -> tuple[Match, ...]:
        today = exchange_time(now).date()
        oldest = min(one.opened_at for one in known.tridents) - timedelta(days=1)
        rows = await self.records.transactions.since(account, oldest)
        lots: list[Lot] = []
        tridents = sorted((*known.tridents, *known.others), key=lambda one: (one.opened_at, one.id))
        for record in tridents:
            left = [_left(one) for one in known.left[record.id]]
            expired = record.trident.expiration <= today
            lots += lots_of(record.id, record.trident.units, left, record.opened_at, expired=expired)
        return match(rows, known.orders, {one.id: one.trident.units for one in tridents}, lots)

    async def _write(
        self,
        record: TridentRecord,
        known: _Known,
        found: Sequence[Match],
        closes: Sequence[OfficialClose],
        before: EarnedOnRecord,
        now: datetime,
    ) -> None:
        """Works out one trident, and writes what is not on record so."""
        trident, today = record.trident, exchange_time(now).date()
        entry = known.entries[record.id]
        attested = {one.gone.unit: one.figure for one in known.left[record.id] if one.figure is not None}
        units = realized(
            entry,
            trident.units,
            known.exits[record.id],
            found,
            closes,
            cash_settled=trident.cash_settled,
            final_before=self.calendar.sessions_back(today, FEES_FINAL_AFTER),
            attested=attested,
        )
        earned = {
            unit.name: Earned(units[unit.name], earned_day(unit, found, before.ended_on.get(unit.name)))
            for unit in trident.units
        }
        together = total(units.values())
        broker = by_broker(entry, found, closes)
        difference = None
        if broker is not None and not attested and not together.unexplained and self._is_told(record, today):
            difference = broker - together.net
        if before.is_of(earned, difference):
            return
        if await self.records.pnl_rows.note_earned(record.id, earned, difference) and difference:
            ours, theirs = amounts.signed_dollars(together.net), amounts.signed_dollars(broker)
            await self.bus.say(
                "trident.mismatch",
                f"trident {record.id[:8]} realized {ours} by its fills and fees and {theirs} by the broker's rows",
                account=record.account,
                underlying=trident.underlying,
                figures=(("trident", record.id), ("difference", difference)),
            )

    def _is_told(self, record: TridentRecord, today: date) -> bool:
        """Whether the trident ended so long ago that the broker has told all of it."""
        if record.ended_at is None:
            return False
        return exchange_time(record.ended_at).date() <= self.calendar.sessions_back(today, MISMATCH_AFTER)


def _has_close_after(one: Match, closes: Mapping[str, Sequence[OfficialClose]]) -> bool:
    return any(close.at > one.at for close in closes.get(one.row.underlying, ()))


def _explaining(one: Explained) -> GoneRecord:
    orders: dict[str, object] = {"orders": [one.order_id]} if one.order_id else {}
    return GoneRecord(one.trident_id, one.gone, _FOUND_BY, transaction_id=one.transaction_id, detail=orders)


def _left(record: GoneRecord) -> Left:
    return Left(record.trident_id, record.gone, record.order_ids)
