"""The entries of the day: recorded before sending, changed only as the table of states allows, never lost (rules 9).

An entry holds its day while it forbids another entry of its account on that session day. A unique index of the database
enforces that: nothing here merely checks before it writes.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import Boolean, bindparam, exists, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.orders.fate import needs_operators_word
from core.domain.orders.order_states import FREES_DAY, OPEN_STATES, OrderState
from core.domain.orders.orders import ADOPTED, Entry
from core.records.repositories.breakers import barred
from core.records.repositories.entry_reads import HOLDER, EntryReads
from core.records.repositories.entry_rows import (
    FREED_BY_PROOF,
    REENTRY_ALLOWED,
    add_entry,
    entry_values,
    is_reentry_allowed,
    read_entries,
)
from core.records.repositories.intent_orders import note_new_order
from core.records.repositories.intent_rows import note_change, note_evidence
from core.records.repositories.intents import Intents
from core.records.repositories.outbox import Outbox
from core.records.repositories.rows import DayHeld, EvidenceRecord
from core.records.repositories.trident_rows import note_credits, take_in
from core.records.repositories.tridents import Tridents
from core.records.store.database import Database
from core.records.store.errors import RecordsError, StateConflict
from core.records.store.tables import ONLY_ROW, engine, entries, trading_state

_STORE = update(entries).where(entries.c.id == bindparam("the_id"))

MARK_SENT = (
    update(entries)
    .where(
        entries.c.id == bindparam("the_id"),
        entries.c.state == OrderState.PREPARED.value,
        entries.c.cancel_requested_by == "",
        bindparam("is_open", type_=Boolean),
        exists().where(trading_state.c.id == ONLY_ROW, trading_state.c.state == "active"),
        exists().where(engine.c.id == ONLY_ROW, engine.c.epoch == bindparam("of_epoch")),
        ~barred(entries.c.account),
    )
    .values(state=OrderState.SENT.value, sent_at=bindparam("at"))
)


class Entries(Intents[Entry], EntryReads):
    """Changes entries; `EntryReads` reads them. What any intent has is in `Intents`; here is the rule of the day.

    An entry that would hold a day that another one holds becomes an incident and does not hold it. So late news from
    the broker is kept, and a second entry never goes unnoticed. An operator's word never makes an entry hold its day,
    nor frees it. Once an operator has asked to cancel it, its day is not freed before one allows re-entry, whatever it
    becomes; the engine's own cancel needs no such word.

    The commit in which an entry of one package becomes filled adds its trident with its units (rules 15.1).
    """

    def __init__(self, database: Database, outbox: Outbox, tridents: Tridents) -> None:
        super().__init__(database, outbox)
        self._tridents = tridents

    async def prepare(self, entry: Entry) -> Entry | DayHeld:
        """Records the intent to place an entry. Returns it, or the entry that holds the account's day.

        Raises ValueError for an entry that is not prepared, does not hold its day or has fills, and RecordsError when
        its id or identifier is already recorded.
        """
        if entry.state is not OrderState.PREPARED or not entry.holds_day or entry.fills:
            raise ValueError("a new entry is prepared, holds its day and has no fills")
        async with self._database.write() as connection:
            try:
                await add_entry(connection, entry)
            except IntegrityError:
                holder = await _holder(connection, entry.account, entry.session_day)
                if holder is not None:
                    return DayHeld(holder)
                raise RecordsError(
                    f"an entry with the identifier {entry.identifier} is already recorded; give each its own"
                ) from None
            await note_change(connection, entry, entry.prepared_at, prepared=True)
        return entry

    async def mark_sent(self, entry_id: str, at: datetime, *, epoch: int, closes: datetime) -> bool:
        """Records that the entry is sent: the last durable commit before the order leaves.

        False means that it must not leave.

        True only for a prepared entry that nobody asked to cancel, while entries are active, with no open breaker over
        its account, by the newest epoch, and before its session closes at `closes`.
        """
        async with self._database.write() as connection:
            values = {"the_id": entry_id, "of_epoch": epoch, "is_open": at < closes, "at": at}
            sent = await connection.execute(MARK_SENT, values)
            if sent.rowcount != 1:
                return False
            await note_change(connection, await self._known(connection, entry_id), at)
        return True

    async def adopt(self, entry: Entry, status: str, who: str, at: datetime) -> Entry:
        """Records an order of the broker's that no record explains as an entry, on an operator's word, in one commit
        with that word. Its fills and its state are folded afterwards.

        The entry holds its session day when that is free. Raises ValueError unless it is unknown, of the origin
        ADOPTED, without fills and with its order's id, and RecordsError when its identifier is already recorded.
        """
        fits = entry.state is OrderState.UNKNOWN and entry.origin == ADOPTED and entry.order_id and not entry.fills
        if not fits or not who:
            raise ValueError("an order is adopted as an unknown entry with its id, by somebody")
        async with self._database.write() as connection:
            held = await _holder(connection, entry.account, entry.session_day)
            new = replace(entry, holds_day=held is None, broker_status=status)
            try:
                await add_entry(connection, new)
            except IntegrityError:
                raise RecordsError(f"an entry with the identifier {entry.identifier} is already recorded") from None
            await note_change(connection, new, at, prepared=True)
            await note_new_order(connection, new, at)
            seen = EvidenceRecord("attestation", who, True, {"seen": entry.order_id}, at)
            await note_evidence(connection, new.id, seen)
        return new

    async def allow_reentry(self, entry_id: str, who: str, at: datetime) -> None:
        """Records, as evidence, that an operator allows another entry after a cancel that frees no day by itself.

        It frees nothing by itself: `free_day` still needs its proof (rules 9). Raises ValueError for an empty `who`,
        StateConflict unless the entry is cancelled or expired, without a fill.
        """
        if not who:
            raise ValueError("re-entry is allowed by somebody")
        async with self._database.write() as connection:
            _may_be_freed(await self._known(connection, entry_id))
            await note_evidence(connection, entry_id, EvidenceRecord("attestation", who, True, REENTRY_ALLOWED, at))

    async def free_day(self, entry_id: str, proof: str, at: datetime) -> Entry:
        """Frees the day of a cancelled or expired entry. `proof` says which complete reads showed no fill (rules 9).

        Raises StateConflict in another state, when a fill is recorded, and when the entry ended in a way that needs an
        operator's word and none has allowed re-entry since.
        """
        async with self._database.write() as connection:
            old = await self._known(connection, entry_id)
            _may_be_freed(old)
            if not old.holds_day:
                return old
            if needs_operators_word(old) and not await is_reentry_allowed(connection, entry_id):
                by = old.cancel_requested_by
                ended = f"{by} asked to cancel entry {entry_id}" if by else f"entry {entry_id} was cancelled elsewhere"
                raise StateConflict(f"{ended}; its day is free only when an operator allows re-entry")
            new = replace(old, holds_day=False, detail=proof)
            await self._store(connection, new)
            await note_change(connection, new, at)
        return new

    async def _store(self, connection: AsyncConnection, intent: Entry) -> None:
        holder = await _stored_unless_held(connection, intent)
        if holder is not None:
            raise StateConflict(f"entry {holder.id} holds the day of entry {intent.id}")

    async def _changed(
        self, connection: AsyncConnection, old: Entry, wanted: Entry, at: datetime, *, attested: bool
    ) -> Entry:
        moves = wanted.state is not old.state
        # An open entry that does not hold its day was attested or adopted beside the one that does.
        keeps_day = not moves or attested or (old.state in OPEN_STATES and not old.holds_day)
        new = replace(wanted, holds_day=old.holds_day if keeps_day else wanted.state not in FREES_DAY)
        holder = await _stored_unless_held(connection, new)
        if holder is None:
            if moves and new.state is OrderState.FILLED:
                await take_in(connection, new, self._tridents.default_rules, at, manage=True)
            return new
        collided = _collided(new, holder, at)
        await self._store(connection, collided)
        return collided

    async def _told(self, connection: AsyncConnection, intent: Entry, at: datetime) -> None:
        await self._outbox.tell_entry(connection, intent, at)

    async def _filled(self, connection: AsyncConnection, intent_id: str, at: datetime, *, rest_is_open: bool) -> None:
        entry = await self._known(connection, intent_id)
        await note_credits(connection, entry)
        if self._outbox.is_open:
            await self._outbox.tell_fills(connection, entry, at, rest_is_open=rest_is_open)


def _may_be_freed(entry: Entry) -> None:
    """Raises StateConflict unless the entry is in a state that proof may free, without a fill."""
    if entry.state not in FREED_BY_PROOF or entry.fills:
        raise StateConflict(
            f"entry {entry.id} is {entry.state.words} with {len(entry.fills)} fills; its day is not free"
        )


async def _holder(connection: AsyncConnection, account: str, day: date) -> Entry | None:
    """The entry that holds the account's day."""
    found = await read_entries(connection, HOLDER, {"account": account, "session_day": day})
    return found[0] if found else None


async def _stored_unless_held(connection: AsyncConnection, entry: Entry) -> Entry | None:
    """Writes the entry. When another one holds its day, writes nothing and returns that one."""
    try:
        async with connection.begin_nested():
            values = entry_values(entry)
            await connection.execute(_STORE, {"the_id": values.pop("id"), **values})
    except IntegrityError:
        holder = await _holder(connection, entry.account, entry.session_day)
        if holder is None or holder.id == entry.id:
            raise
        return holder
    return None


def _collided(wanted: Entry, holder: Entry, at: datetime) -> Entry:
    """The entry as an incident. Its detail says what it would have become, and which entry holds the day."""
    said = f"{wanted.state.words}, but entry {holder.id} ({holder.state.words}) holds the day"
    return replace(
        wanted,
        state=OrderState.INCIDENT,
        holds_day=False,
        terminal_at=at,
        detail=f"{said}; {wanted.detail}" if wanted.detail else said,
    )
