"""The entries of the day: prepared before sending, changed only as the table of states allows, never lost (SPEC 9).

The rule of the day is a unique index of the database; nothing here merely looks before it writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, exists, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.order_states import FREES_DAY, OPEN_STATES, TERMINAL_STATES, EntryState, may_become
from core.domain.orders import Entry, Fill, OrderRequest
from core.records.breakers import barred
from core.records.database import Database
from core.records.entry_rows import (
    count_failed_sends,
    entry_values,
    note_change,
    note_evidence,
    read_changes,
    read_entries,
    read_entry,
    read_evidence,
)
from core.records.errors import IllegalTransition, RecordsError, StateConflict
from core.records.rows import DayHeld, EntryChange, EvidenceKind, EvidenceRecord
from core.records.tables import ONLY_ROW, engine, entries, fills, trading_state

_FREED_BY_PROOF = frozenset({EntryState.CANCELLED, EntryState.EXPIRED})
# These two are reached by doors of their own, which check what `become` cannot.
_OWN_DOOR = frozenset({EntryState.SENT, EntryState.PREPARED})


class Entries:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def prepare(self, entry: Entry) -> Entry | DayHeld:
        """Records the intent, or says which entry holds the account's day.

        Raises ValueError for an entry that is not prepared and holding its day, RecordsError when its id or
        identifier is already recorded.
        """
        if entry.state is not EntryState.PREPARED or not entry.holds_day or entry.fills:
            raise ValueError("a new entry is prepared, holds its day and has no fills")
        async with self._database.write() as connection:
            try:
                async with connection.begin_nested():
                    await connection.execute(insert(entries).values(entry_values(entry)))
            except IntegrityError:
                holder = await _holder(connection, entry.account, entry.session_day)
                if holder is not None:
                    return DayHeld(holder)
                raise RecordsError(
                    f"an entry with the identifier {entry.identifier} is already recorded; give each its own"
                ) from None
            await note_change(connection, entry, entry.prepared_at, prepared=True)
        return entry

    async def prepare_again(self, entry_id: str, request: OrderRequest, at: datetime) -> Entry | DayHeld:
        """Makes the intent of which nothing left ready to be sent again, under the same identifier (SPEC 9).

        Raises IllegalTransition unless it is not_sent, ValueError for a request with another identifier.
        """
        async with self._database.write() as connection:
            old = await _known(connection, entry_id)
            if old.state is not EntryState.NOT_SENT:
                raise IllegalTransition(entry_id, old.state, EntryState.PREPARED)
            if request.identifier != old.identifier:
                raise ValueError("the same intent is sent again under the same identifier")
            new = replace(
                old,
                state=EntryState.PREPARED,
                holds_day=True,
                request=request,
                limit=request.credit,
                prepared_at=at,
                sent_at=None,
                terminal_at=None,
                broker_status=None,
                detail="",
            )
            holder = await _store(connection, new)
            if holder is not None:
                return DayHeld(holder)
            await note_change(connection, new, at, prepared=True)
        return new

    async def mark_sent(self, entry_id: str, at: datetime, *, epoch: int) -> bool:
        """The last durable word before the wire: True only for a prepared entry that nobody asked to cancel, while
        active, with no open breaker over its account, by the newest epoch."""
        async with self._database.write() as connection:
            # With many writers a pause must not commit between this statement's view and its commit.
            await connection.execute(select(trading_state.c.state).with_for_update(read=True))
            await connection.execute(select(engine.c.epoch).with_for_update(read=True))
            active = exists().where(trading_state.c.id == ONLY_ROW, trading_state.c.state == "active")
            newest = exists().where(engine.c.id == ONLY_ROW, engine.c.epoch == epoch)
            sent = await connection.execute(
                update(entries)
                .where(
                    entries.c.id == entry_id,
                    entries.c.state == EntryState.PREPARED.value,
                    entries.c.cancel_requested_by == "",
                    active,
                    newest,
                    ~barred(entries.c.account),
                )
                .values(state=EntryState.SENT.value, sent_at=at)
            )
            if sent.rowcount != 1:
                return False
            await note_change(connection, await _known(connection, entry_id), at)
        return True

    async def become(
        self,
        entry_id: str,
        state: EntryState,
        *,
        at: datetime,
        order_id: str | None = None,
        broker_status: str | None = None,
        detail: str = "",
    ) -> Entry:
        """Records what the entry became, and returns it as recorded; what is not given keeps its value.

        An entry that would hold a day another one holds becomes an incident without the day: late news from the
        broker is kept, and nothing is entered twice unseen (SPEC 9). Raises IllegalTransition, also for `sent` and
        `prepared`, which only `mark_sent` and `prepare_again` reach.
        """
        async with self._database.write() as connection:
            old = await _known(connection, entry_id)
            moves = state is not old.state
            if not may_become(old.state, state) or (moves and state in _OWN_DOOR):
                raise IllegalTransition(entry_id, old.state, state)
            new = replace(
                old,
                state=state,
                holds_day=state not in FREES_DAY if moves else old.holds_day,
                order_id=old.order_id if order_id is None else order_id,
                broker_status=old.broker_status if broker_status is None else broker_status,
                terminal_at=_terminal_at(old, state, at) if moves else old.terminal_at,
                detail=detail or old.detail,
            )
            holder = await _store(connection, new)
            if holder is not None:
                new = _collided(new, holder, at)
                await _store(connection, new)
            await note_change(connection, new, at)
        return new

    async def note_status(self, entry_id: str, broker_status: str, at: datetime) -> None:
        """Records a new word from the broker that changes no state of ours."""
        async with self._database.write() as connection:
            old = await _known(connection, entry_id)
            if old.broker_status == broker_status:
                return
            new = replace(old, broker_status=broker_status)
            await _store(connection, new)
            await note_change(connection, new, at)

    async def note_cancel_request(self, entry_id: str, who: str, at: datetime) -> Entry:
        """Records, before the broker is asked, that an operator wants the entry cancelled; the first stays on record.

        Whatever the entry becomes, its day is then not freed without "allow re-entry" (SPEC 9). Not for a cancel of
        the engine's own (the N minutes of SPEC 9). Raises ValueError for an empty `who`.
        """
        if not who:
            raise ValueError("a cancel is asked for by somebody")
        async with self._database.write() as connection:
            old = await _known(connection, entry_id)
            if old.cancel_requested_by:
                return old
            await _store(connection, replace(old, cancel_requested_by=who))
            new = await _known(connection, entry_id)
            # The history says when; the entry's own detail stays what the broker or the guards said.
            await note_change(connection, replace(new, detail=f"{new.cancel_requested_by} asked to cancel it"), at)
        return new

    async def free_day(self, entry_id: str, proof: str, at: datetime, *, allow_reentry: bool = False) -> Entry:
        """Frees the day of a cancelled or expired entry; `proof` says which complete reads showed no fill (SPEC 9).

        Raises StateConflict for another state, when a fill is recorded, or when an operator asked to cancel it and
        `allow_reentry`, the operator's word that another entry may follow, is not given.
        """
        async with self._database.write() as connection:
            old = await _known(connection, entry_id)
            if old.state not in _FREED_BY_PROOF or old.fills:
                raise StateConflict(
                    f"entry {entry_id} is {old.state.value} with {len(old.fills)} fills; its day is not free"
                )
            if not old.holds_day:
                return old
            if old.cancel_requested_by and not allow_reentry:
                raise StateConflict(
                    f"{old.cancel_requested_by} asked to cancel entry {entry_id}; its day is free only when an "
                    "operator allows re-entry"
                )
            new = replace(old, holds_day=False, detail=proof)
            await _store(connection, new)
            await note_change(connection, new, at)
        return new

    async def add_fills(self, entry_id: str, new_fills: Sequence[Fill]) -> int:
        """Records the fills not recorded before, whatever the entry's state; how many were new."""
        added = 0
        async with self._database.write() as connection:
            entry = await _known(connection, entry_id)
            for fill in new_fills:
                known = await connection.execute(
                    select(fills.c.seq).where(fills.c.account == entry.account, fills.c.fill_id == fill.fill_id)
                )
                if known.first() is not None:
                    continue
                await connection.execute(
                    insert(fills).values(
                        entry_id=entry.id,
                        account=entry.account,
                        fill_id=fill.fill_id,
                        symbol=fill.symbol,
                        quantity=fill.quantity,
                        price=fill.price,
                        at=fill.at,
                    )
                )
                added += 1
        return added

    async def add_evidence(
        self,
        entry_id: str,
        kind: EvidenceKind,
        *,
        who: str,
        complete: bool,
        detail: Mapping[str, object],
        at: datetime,
    ) -> None:
        """Records what was seen of the entry, whatever its state; it decides nothing by itself (SPEC 9).

        Raises StateConflict for an entry not recorded, TypeError or ValueError for a detail that
        `core.records.json_text` cannot keep.
        """
        async with self._database.write() as connection:
            await _known(connection, entry_id)
            await note_evidence(connection, entry_id, EvidenceRecord(kind, who, complete, detail, at))

    async def evidence(self, entry_id: str) -> tuple[EvidenceRecord, ...]:
        """Everything seen of the entry, oldest first."""
        async with self._database.read() as connection:
            return await read_evidence(connection, entry_id)

    async def holding(self, account: str, day: date) -> Entry | None:
        """The entry that holds the account's session day."""
        async with self._database.read() as connection:
            return await _holder(connection, account, day)

    async def get(self, entry_id: str) -> Entry:
        """The entry with our id. Raises StateConflict when none is recorded."""
        found = await self._one(entries.c.id == entry_id)
        if found is None:
            raise _unrecorded(entry_id)
        return found

    async def by_identifier(self, identifier: str) -> Entry | None:
        """The entry whose order carries our identifier."""
        return await self._one(entries.c.identifier == identifier)

    async def by_order(self, order_id: str, account: str) -> Entry | None:
        """The newest entry of the account with this broker order id."""
        return await self._one(and_(entries.c.order_id == order_id, entries.c.account == account))

    async def open(self) -> tuple[Entry, ...]:
        """Every entry whose order may still change, or whose sending is under way, of any day."""
        return await self._all(entries.c.state.in_([state.value for state in OPEN_STATES]))

    async def unknown(self) -> tuple[Entry, ...]:
        """Every entry that waits for evidence, of all accounts and days, oldest first."""
        return await self._all(entries.c.state == EntryState.UNKNOWN.value)

    async def incidents(self, account: str) -> tuple[Entry, ...]:
        """Every incident of the account, oldest first."""
        return await self._all((entries.c.account == account) & (entries.c.state == EntryState.INCIDENT.value))

    async def settling(self, day: date) -> tuple[Entry, ...]:
        """The cancelled and expired entries of the session day that hold it without a fill: proof may free it, but
        for those an operator cancelled (SPEC 9)."""
        return await self._all(
            and_(
                entries.c.session_day == day,
                entries.c.holds_day,
                entries.c.state.in_([state.value for state in _FREED_BY_PROOF]),
                ~exists().where(fills.c.entry_id == entries.c.id),
            )
        )

    async def failed_sends(self, account: str, day: date) -> int:
        """How many sends of the account's session day ended rejected, unknown or not sent, each counted once.

        Only what was really tried counts: an intent refused by the guards before it was sent does not.
        """
        async with self._database.read() as connection:
            return await count_failed_sends(connection, account, day)

    async def of_day(self, day: date) -> tuple[Entry, ...]:
        return await self._all(entries.c.session_day == day)

    async def filled_open(self, account: str, today: date) -> tuple[Entry, ...]:
        """The account's filled entries that expire today or later, with incidents that have fills: they too are
        positions at risk (SPEC 7)."""
        filled = entries.c.state == EntryState.FILLED.value
        incident = and_(entries.c.state == EntryState.INCIDENT.value, exists().where(fills.c.entry_id == entries.c.id))
        return await self._all(and_(entries.c.account == account, entries.c.expiration >= today, or_(filled, incident)))

    async def history(self, entry_id: str) -> tuple[EntryChange, ...]:
        """Every state the entry went through, oldest first."""
        async with self._database.read() as connection:
            return await read_changes(connection, entry_id)

    async def _one(self, condition: ColumnElement[bool]) -> Entry | None:
        found = await self._all(condition)
        return found[-1] if found else None

    async def _all(self, condition: ColumnElement[bool]) -> tuple[Entry, ...]:
        async with self._database.read() as connection:
            return await read_entries(connection, condition)


async def _known(connection: AsyncConnection, entry_id: str) -> Entry:
    entry = await read_entry(connection, entry_id, lock=True)
    if entry is None:
        raise _unrecorded(entry_id)
    return entry


def _unrecorded(entry_id: str) -> StateConflict:
    return StateConflict(f"no entry {entry_id} is recorded")


async def _holder(connection: AsyncConnection, account: str, day: date) -> Entry | None:
    found = await read_entries(
        connection, entries.c.account == account, entries.c.session_day == day, entries.c.holds_day
    )
    return found[0] if found else None


async def _store(connection: AsyncConnection, entry: Entry) -> Entry | None:
    """Writes the entry, or leaves it and returns the one that holds its day."""
    try:
        async with connection.begin_nested():
            await connection.execute(update(entries).where(entries.c.id == entry.id).values(entry_values(entry)))
    except IntegrityError:
        holder = await _holder(connection, entry.account, entry.session_day)
        if holder is None or holder.id == entry.id:
            raise
        return holder
    return None


def _terminal_at(old: Entry, state: EntryState, at: datetime) -> datetime | None:
    return at if state in TERMINAL_STATES else None


def _collided(wanted: Entry, holder: Entry, at: datetime) -> Entry:
    """The entry as an incident: what it wanted to become, and which entry has the day."""
    said = f"{wanted.state.value}, but entry {holder.id} ({holder.state.value}) holds the day"
    return replace(
        wanted,
        state=EntryState.INCIDENT,
        holds_day=False,
        terminal_at=at,
        detail=f"{said}; {wanted.detail}" if wanted.detail else said,
    )
