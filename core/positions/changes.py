"""What changes behind our back: believed after two reads, attributed to the tridents, and recorded (rules 15.4,
15.5)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from core.domain.operation.breakers import BreakerKind
from core.domain.operation.events import Severity
from core.domain.orders.order_states import OrderState, state_for
from core.domain.orders.orders import Entry, OrderReport
from core.domain.orders.way_out import SHORT_ID
from core.domain.positions.attribution import (
    ForeignFill,
    TridentUnits,
    UnitLoss,
    closing_legs,
    foreign_fills,
    found_again,
    unit_losses,
)
from core.domain.positions.closing import Gone
from core.domain.positions.exits import Exit
from core.domain.positions.holdings import HeldTrident
from core.domain.positions.tridents import HandsOff
from core.domain.positions.units import Ended, Unit, UnitName, UnitState, legs_of, names_with
from core.domain.trident.sides import LegSide
from core.guards.breakers import Breakers
from core.market.calendar import SessionCalendar
from core.positions.causes import Causes, Known
from core.positions.change_events import ChangeEvents, closes_words
from core.positions.complete_reads import CompleteRead
from core.positions.read_changes import AccountOnRecord, Change, change_of, differing_at_first, foreign_at_first
from core.records.records import GoneRecord, Records
from core.records.repositories.trident_rows import TridentRecord
from core.records.store import tables
from core.records.store.read_cache import ReadCache
from core.runtime.bus import Bus
from core.runtime.clock import Clock, exchange_time
from core.runtime.keyed_locks import KeyedLocks

BELIEVED_S = 30.0
"""Wall seconds between the first of two reads that show the same difference and the second, which is believed."""
SHOWN_WITHIN_S = 900.0
"""Wall seconds from the fill of a trident for which contracts that no read has shown yet are awaited, and not lost:
positions follow a fill, mostly by seconds."""
_TABLES = tuple(table.name for table in (tables.tridents, tables.fills, tables.entries))
_NONE = Decimal(0)
ENGINE = "engine"


@dataclass(eq=False, repr=False)
class Changes:
    """Judges complete reads, one of an account at a time. Give it each read after its orders were given to their
    intents: what an order of ours closed is no change."""

    records: Records
    breakers: Breakers
    bus: Bus
    clock: Clock
    calendar: SessionCalendar
    # What is not believed yet of each account, and the second at which the first read that shows it began.
    _doubts: dict[str, tuple[object, float]] = field(init=False, default_factory=dict)
    # The accounts whose last read shows fills of others that are not believed yet.
    _traded: set[str] = field(init=False, default_factory=set)
    _differing: dict[str, frozenset[LegSide]] = field(init=False, default_factory=dict)
    _causes: Causes = field(init=False)
    # The second since which every read shows no foreign close on the legs of a trident that is left alone.
    _clear_s: dict[str, float] = field(init=False, default_factory=dict)
    _events: ChangeEvents = field(init=False)
    # The tridents that a read has shown whole.
    _shown: set[str] = field(init=False, default_factory=set)
    _turns: KeyedLocks = field(init=False, default_factory=KeyedLocks)
    # The entries of each account that are no tridents: between two reads most often nothing was written of them.
    _recorded: ReadCache = field(init=False)

    def __post_init__(self) -> None:
        self._causes, self._events = Causes(self.records), ChangeEvents(self.bus)
        self._recorded = ReadCache(self.records.database, *_TABLES)

    def differing(self, account: str) -> frozenset[LegSide] | None:
        """The legs of ours of which the account's last read shows other than it may: nothing is sent for their units.
        None before the first read, and while nobody knows what is foreign."""
        return self._differing.get(account)

    def in_doubt(self, account: str) -> bool:
        """Whether the account's last read shows what only a second one makes believed, also a close that is not
        ours."""
        return account in self._doubts

    def others_traded(self, account: str) -> bool:
        """Whether the account's last read shows fills of orders that are not ours, and they are not believed yet."""
        return account in self._traded

    def agrees(self, account: str, units: Sequence[Unit]) -> bool:
        """Whether the last read shows the legs of these units as it may."""
        differing = self.differing(account)
        own = {(symbol, unit.side(symbol)) for unit in units for symbol in (unit.short, unit.long)}
        return differing is not None and not own & differing

    async def look(self, read: CompleteRead) -> None:
        """Takes one read. What two of them show, 30 s apart, is believed: it is attributed and recorded. Raises
        RecordsError."""
        async with self._turns.of(read.account):
            others = await self._causes.others(read)
            await self._follow_foreign_closes(read, others)
            account = await self._account(read)
            await self._follow_assignment(account)
            foreign = await self.records.foreign.positions(read.account)
            fills = await self._foreign_fills(read.account, others)
            if foreign is None:
                await self._first(read, account, fills)
                return
            change = change_of(account, read, foreign, fills, self._not_shown(account))
            differing = frozenset(one.leg for one in (*change.found, *change.awaited))
            self._differing[read.account] = differing
            self._shown |= {one.id for one in account.records if not differing & legs_of(one.trident.units).keys()}
            if change.fills:
                self._traded.add(read.account)
            else:
                self._traded.discard(read.account)
            if not change.fills and not change.found:
                self._doubts.pop(read.account, None)
                self._causes.note_agreed(read)
            elif self._is_believed(read, change.sign):
                await self._believe(read, others, account, change)

    def _not_shown(self, account: AccountOnRecord) -> Mapping[LegSide, Decimal]:
        """The contracts that a read need not show yet: those of tridents that filled a short while ago, and that none
        has shown."""
        found: dict[LegSide, Decimal] = {}
        for one in account.records:
            age_s = (self.clock.now() - one.trident.filled_at).total_seconds() / self.clock.speed
            if one.id not in self._shown and age_s < SHOWN_WITHIN_S:
                for leg, quantity in legs_of(one.trident.units).items():
                    found[leg] = found.get(leg, _NONE) + quantity
        return found

    def _is_believed(self, read: CompleteRead, sign: object) -> bool:
        known, since_s = self._doubts.get(read.account, (None, 0.0))
        if known != sign:
            self._doubts[read.account] = sign, read.began_s
            return False
        return read.began_s - since_s >= BELIEVED_S

    async def _account(self, read: CompleteRead) -> AccountOnRecord:
        """What is on record. An order of ours that the read shows at work has taken no more than is on record: what is
        missing beside it left otherwise. A fill between both halves of the read is no change that a second one shows,
        too."""
        at_work = {order.order_id for order in read.orders if state_for(order.status) is OrderState.WORKING}
        number, today = read.account, self._today()
        tridents = await self.records.tridents_on_record.held_of(number)
        entries = await self._recorded.ask(number, today, lambda: self._entries_left(number, today))
        # An exit is sent only after a read has shown the trident, also by an earlier process.
        self._shown |= {one.id for one in tridents if any(sent.sent_at is not None for sent in one.exits)}
        held = tuple(
            HeldTrident(one.record.trident.units, [sent for sent in one.exits if _may_have_taken(sent, at_work)])
            for one in tridents
        )
        return AccountOnRecord(tuple(one.record for one in tridents), held, entries)

    async def _entries_left(self, number: str, today: date) -> tuple[Entry, ...]:
        """The account's entries that are no tridents."""
        filled = await self.records.entries.filled_open(number, today)
        working = [entry for entry in await self.records.entries.open() if entry.account == number]
        opened = {entry.id: entry for entry in (*filled, *working)}
        # Also those that have ended: their units are closed, whatever their entry filled.
        known = {one.id for one in await self.records.tridents.these(list(opened))}
        return tuple(entry for entry in opened.values() if entry.id not in known)

    async def _foreign_fills(self, account: str, others: Sequence[OrderReport]) -> tuple[ForeignFill, ...]:
        """The fills of orders that are not ours and were not used."""
        filled = [order for order in others if any(leg.fills for leg in order.legs)]
        used = await self.records.foreign.used(account, [order.order_id for order in filled])
        return foreign_fills(filled, (), used)

    async def _follow_foreign_closes(self, read: CompleteRead, others: Sequence[OrderReport]) -> None:
        """Leaves the tridents alone on whose legs a close works that is not ours, at once, and takes them up again when
        reads 30 s apart show none any more: that an order is not listed once proves nothing."""
        closes = [order for order in others if state_for(order.status) in (OrderState.WORKING, None)]
        for known in await self.records.tridents_on_record.held_of(read.account):
            record = known.record
            legs = legs_of(record.trident.units).keys()
            on_it = [order for order in closes if closing_legs(order) & legs]
            off = self._off(record)
            if on_it:
                self._clear_s.pop(record.id, None)
                if off is HandsOff.NONE:
                    await self._hand_off(record, HandsOff.FOREIGN_CLOSE, closes_words(on_it), Severity.CRITICAL)
            elif off is HandsOff.FOREIGN_CLOSE and self._is_clear(record.id, read.began_s):
                await self._hand_off(record, HandsOff.NONE, "no foreign order closes its legs any more")

    def _off(self, record: TridentRecord) -> HandsOff:
        """Why the trident is left alone today: the broker's desk has one for a day."""
        off = record.trident.hands_off
        return HandsOff.NONE if off is HandsOff.DESK and record.desk_day != self._today() else off

    def _today(self) -> date:
        return exchange_time(self.clock.now()).date()

    def _is_clear(self, trident_id: str, now_s: float) -> bool:
        return now_s - self._clear_s.setdefault(trident_id, now_s) >= BELIEVED_S

    async def _hand_off(
        self,
        record: TridentRecord,
        hands_off: HandsOff,
        what: str,
        severity: Severity = Severity.INFO,
        day: date | None = None,
    ) -> None:
        await self.records.tridents.hand_off(record.id, hands_off, what, day)
        await self._events.handed_off(record, hands_off, what, severity)

    async def _first(self, read: CompleteRead, account: AccountOnRecord, fills: tuple[ForeignFill, ...]) -> None:
        """Takes what is not ours at the first complete read of the account: what is there beyond all that ours may be.
        Not while an entry of ours may fill: its contracts are not to be taken for foreign ones."""
        foreign = foreign_at_first(account, read)
        sign = frozenset(read.options().items()), frozenset(fill.key for fill in fills)
        if account.entry_may_fill or not self._is_believed(read, sign):
            return
        now = self.clock.now()
        await self.records.foreign.take_baseline(read.account, foreign, now)
        await self.records.foreign.use(read.account, fills, foreign, now)  # they are in the positions already
        del self._doubts[read.account]
        self._differing[read.account] = differing_at_first(account, read, foreign)
        self._causes.note_agreed(read)

    async def _believe(
        self, read: CompleteRead, others: Sequence[OrderReport], account: AccountOnRecord, change: Change
    ) -> None:
        tridents = [TridentUnits(one.id, one.opened_at, one.trident.units) for one in account.records]
        # What is missing after the session may have expired: the broker's rows tell, or a read of the next session.
        is_open = self.calendar.is_open(self.clock.now())
        losses = unit_losses(tridents, change.lost if is_open else change.closed)
        known = await self._causes.known(read, others, account.records if losses else ())
        gone = [record for loss in losses for record in self._gone(account.records, loss, known)]
        now = self.clock.now()
        surplus = {one.leg: one.surplus for one in change.found if one.surplus}
        again = await self._found_again(tridents, surplus)
        gone += [
            GoneRecord(one.trident_id, Gone(one.unit, symbol, None, now), ENGINE, quantity=0)
            for one in again
            for symbol, _ in one.legs
        ]
        units: Mapping[str, tuple[Unit, ...]] = {}
        if change.fills:
            units = await self.records.foreign.use(read.account, change.fills, change.left, now, gone)
        elif gone:
            units = await self.records.tridents.note_gone(gone)
        del self._doubts[read.account]
        self._traded.discard(read.account)
        causes = {loss: [r.gone.cause for r in gone if _is_of(r, loss)] for loss in losses}
        for loss in losses:
            await self._events.lost(read.account, loss, units[loss.trident_id], causes[loss])
        await self._leave_alone(account.records, losses, causes)
        await self._follow_assignment(await self._account(read))
        for one in again:
            await self._events.found_again(read.account, one)
            for leg in one.legs:
                surplus[leg] -= 1
        await self._events.surplus(read.account, [one for one in change.found if surplus.get(one.leg)])

    async def _found_again(
        self, tridents: Sequence[TridentUnits], surplus: Mapping[LegSide, Decimal]
    ) -> tuple[UnitLoss, ...]:
        """The contracts that were missed, that nothing has explained, and that the broker shows all the same: its
        listing was not whole. Nothing else would ever take them up again, and no order would close them."""
        if not surplus:
            return ()
        missed = {
            (one.trident_id, one.gone.unit, one.gone.symbol): one.gone.cause
            for of_one in (await self.records.tridents.gone_of([one.id for one in tridents])).values()
            for one in of_one
        }
        return found_again(tridents, {key for key, why in missed.items() if why is None}, surplus)

    def _gone(self, records: Collection[TridentRecord], loss: UnitLoss, known: Known) -> Iterator[GoneRecord]:
        """The contracts that a unit has lost, with their causes."""
        underlying = next(one.trident.underlying for one in records if one.id == loss.trident_id)
        for leg in loss.legs:
            shares = known.shares.get(underlying, _NONE)
            why, row_id = known.cause_of(leg, loss.order_ids, underlying)
            detail: dict[str, object] = {"orders": list(loss.order_ids)} if loss.order_ids else {}
            if why in (Ended.ASSIGNED, Ended.EXERCISED) and shares:
                detail["shares"] = str(shares)
            gone = Gone(loss.unit, leg[0], why, self.clock.now())
            yield GoneRecord(loss.trident_id, gone, ENGINE, transaction_id=row_id, detail=detail)

    async def _leave_alone(
        self,
        records: Collection[TridentRecord],
        losses: Sequence[UnitLoss],
        causes: Mapping[UnitLoss, Collection[Ended | None]],
    ) -> None:
        """Leaves alone, for the day, tridents that the broker's desk has closed legs of; for good those of which a
        corporate action has made other contracts."""
        for record in records:
            of_one = [loss for loss in losses if loss.trident_id == record.id]
            why = {one for loss in of_one for one in causes[loss]}
            if Ended.SPLIT in why and record.trident.hands_off not in (HandsOff.ADJUSTED, HandsOff.RELEASED):
                what = "a corporate action has made other contracts of its legs; close it at the broker"
                await self._hand_off(record, HandsOff.ADJUSTED, what, Severity.CRITICAL)
            elif Ended.DESK in why and self._off(record) in (HandsOff.NONE, HandsOff.FOREIGN_CLOSE):
                orders = ", ".join(dict.fromkeys(order for loss in of_one for order in loss.order_ids))
                who = "of another user, as the broker's desk is,"
                what = f"order {orders} {who} closed legs of it; no order is sent for it today"
                await self._hand_off(record, HandsOff.DESK, what, Severity.CRITICAL, self._today())

    async def _follow_assignment(self, account: AccountOnRecord) -> None:
        """Stops the account's entries until its operator has settled what an assignment left, however it became known:
        by shares, or by the broker's row later."""
        found = [(record, names) for record in account.records if (names := _assigned(record))]
        if not found:
            return
        first = found[0][0]
        units = "; ".join(f"{names_with(names, 'of', 'of')} {record.id[:SHORT_ID]}" for record, names in found)
        why = f"the short {first.trident.underlying} contract of {units} was assigned"
        if not await self.records.breakers.settled(BreakerKind.ASSIGNED, first.account, why):
            await self.breakers.open(BreakerKind.ASSIGNED, first.account, why)


def _assigned(record: TridentRecord) -> tuple[UnitName, ...]:
    """The units of a trident whose short contract was assigned, and whose long one is left."""
    units = record.trident.units
    return tuple(unit.name for unit in units if unit.state is UnitState.BROKEN and unit.how is Ended.ASSIGNED)


def _may_have_taken(sent: Exit, at_work: Collection[str | None]) -> bool:
    """Whether it may have closed more than is on record, beside a read that shows these orders at work."""
    return sent.state is not OrderState.WORKING or sent.order_id not in at_work


def _is_of(record: GoneRecord, loss: UnitLoss) -> bool:
    return (record.trident_id, record.gone.unit) == (loss.trident_id, loss.unit)
