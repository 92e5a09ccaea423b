"""The entries of the day: recorded before sending, changed only as the table of states allows, never lost (rules 9).

An entry holds its day while it forbids another entry of its account on that session day. A unique index of the database
enforces that: nothing here merely checks before it writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import bindparam, exists, false, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.orders.fate import needs_operators_word
from core.domain.orders.order_states import (
    ATTESTED,
    FREES_DAY,
    OPEN_STATES,
    TERMINAL_STATES,
    OrderState,
    may_become,
)
from core.domain.orders.orders import ADOPTED, Entry, Fill, OrderRequest
from core.records.repositories.breakers import barred
from core.records.repositories.entry_reads import HOLDER, EntryReads, unrecorded
from core.records.repositories.entry_rows import (
    FREED_BY_PROOF,
    REENTRY_ALLOWED,
    add_entry,
    entry_values,
    is_reentry_allowed,
    read_entries,
    read_entry,
)
from core.records.repositories.intent_orders import note_new_order
from core.records.repositories.intent_rows import note_change, note_evidence, note_fills, read_evidence
from core.records.repositories.outbox import Outbox
from core.records.repositories.rows import DayHeld, EvidenceKind, EvidenceRecord
from core.records.store.database import Database
from core.records.store.errors import IllegalTransition, RecordsError, StateConflict
from core.records.store.tables import ONLY_ROW, engine, entries, trading_state

_STORE = update(entries).where(entries.c.id == bindparam("the_id"))


class Entries(EntryReads):
    """Changes entries; `EntryReads` reads them."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        super().__init__(database)
        self._outbox = outbox

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
            active = exists().where(trading_state.c.id == ONLY_ROW, trading_state.c.state == "active")
            newest = exists().where(engine.c.id == ONLY_ROW, engine.c.epoch == epoch)
            sent = await connection.execute(
                update(entries)
                .where(
                    entries.c.id == entry_id,
                    entries.c.state == OrderState.PREPARED.value,
                    entries.c.cancel_requested_by == "",
                    true() if at < closes else false(),
                    active,
                    newest,
                    ~barred(entries.c.account),
                )
                .values(state=OrderState.SENT.value, sent_at=at)
            )
            if sent.rowcount != 1:
                return False
            await note_change(connection, await _known(connection, entry_id), at)
        return True

    async def become(
        self,
        entry_id: str,
        state: OrderState,
        *,
        at: datetime,
        order_id: str | None = None,
        broker_status: str | None = None,
        detail: str = "",
        cancelled_by: str = "",
        attested_by: str = "",
        taken: OrderRequest | None = None,
    ) -> Entry:
        """Changes the state of an entry, and returns it as recorded. What is not given keeps its value; but the detail
        is of its state, so that a new state without one has none. The history keeps the old one. An order id that was
        not known is recorded among the entry's orders.

        `attested_by` is an operator on whose word this rests, which must be among the evidence: it allows the changes
        of `ATTESTED` too, and only with it may `taken` be given. It never makes the entry hold its day, nor frees it.

        An entry that would hold a day that another one holds becomes an incident and does not hold it. So late news
        from the broker is kept, and a second entry never goes unnoticed (rules 9). Raises IllegalTransition, also for
        `sent`, which only `mark_sent` may set; StateConflict for a word that nobody has given; ValueError for `taken`
        without one, and for an attested change without a detail, which has to say why.
        """
        if (taken is not None and not attested_by) or (attested_by and not detail):
            raise ValueError("an order is taken on an operator's word, and an attested change says why")
        async with self._database.write() as connection:
            old = await _known(connection, entry_id)
            moves = state is not old.state
            allowed = may_become(old.state, state)
            if attested_by:
                await _require_attestation(connection, entry_id, attested_by)
                allowed = allowed or state in ATTESTED.get(old.state, ())
            # Only `mark_sent` may set `sent`: it makes checks that are not made here.
            if not allowed or (moves and state is OrderState.SENT):
                raise IllegalTransition(entry_id, old.state, state)
            # An open entry that does not hold its day was attested or adopted beside the one that does.
            keeps_day = not moves or attested_by or (old.state in OPEN_STATES and not old.holds_day)
            new = replace(
                old,
                state=state,
                holds_day=old.holds_day if keeps_day else state not in FREES_DAY,
                order_id=old.order_id if order_id is None else order_id,
                broker_status=old.broker_status if broker_status is None else broker_status,
                terminal_at=_terminal_at(old, state, at) if moves else old.terminal_at,
                detail=detail or ("" if moves else old.detail),
                cancelled_by=cancelled_by or old.cancelled_by,
                taken=old.taken if taken is None else taken,
            )
            holder = await _store(connection, new)
            if holder is not None:
                new = _collided(new, holder, at)
                await _store(connection, new)
            if order_id is not None:
                await note_new_order(connection, new, at)
            await note_change(connection, new, at)
            if new.state is not old.state:
                await self._outbox.tell_entry(connection, new, at)
        return new

    async def note_status(self, entry_id: str, broker_status: str, at: datetime) -> None:
        """Records a new status word of the broker that does not change our state."""
        async with self._database.write() as connection:
            old = await _known(connection, entry_id)
            if old.broker_status == broker_status:
                return
            new = replace(old, broker_status=broker_status)
            await _store(connection, new)
            await note_change(connection, new, at)

    async def note_cancel_request(self, entry_id: str, who: str, at: datetime) -> Entry:
        """Records that an operator wants the entry cancelled, before the broker is asked.

        The first request stays on record.

        Whatever the entry becomes, its day is then not freed before an operator allows re-entry (rules 9). It is not
        for a cancel by the engine itself (the N minutes of rules 9). Raises ValueError for an empty `who`.
        """
        if not who:
            raise ValueError("a cancel is asked for by somebody")
        async with self._database.write() as connection:
            old = await _known(connection, entry_id)
            if old.cancel_requested_by:
                return old
            await _store(connection, replace(old, cancel_requested_by=who))
            new = await _known(connection, entry_id)
            # Only the history says so; the entry's own detail stays what the broker or the guards said.
            await note_change(connection, replace(new, detail=f"{new.cancel_requested_by} asked to cancel it"), at)
        return new

    async def note_engine_cancel(self, entry_id: str, at: datetime) -> None:
        """Records that the broker took the engine's own cancel, asked for at `at` (the N minutes of rules 9).

        Only an entry that ended by it frees its day without an operator's word. The newest one counts.
        """
        async with self._database.write() as connection:
            old = await _known(connection, entry_id)
            if old.engine_cancel_at == at:
                return
            new = replace(old, engine_cancel_at=at)
            await _store(connection, new)
            await note_change(connection, replace(new, detail="the broker took this console's own cancel"), at)

    async def void_engine_cancel(self, entry_id: str, at: datetime) -> None:
        """Records that the broker did not carry out the engine's own cancel: a later end is somebody else's."""
        async with self._database.write() as connection:
            old = await _known(connection, entry_id)
            if old.engine_cancel_at is None:
                return
            new = replace(old, engine_cancel_at=None)
            await _store(connection, new)
            detail = "the broker did not carry out this console's own cancel"
            await note_change(connection, replace(new, detail=detail), at)

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
            _may_be_freed(await _known(connection, entry_id))
            await note_evidence(connection, entry_id, EvidenceRecord("attestation", who, True, REENTRY_ALLOWED, at))

    async def free_day(self, entry_id: str, proof: str, at: datetime) -> Entry:
        """Frees the day of a cancelled or expired entry. `proof` says which complete reads showed no fill (rules 9).

        Raises StateConflict in another state, when a fill is recorded, and when the entry ended in a way that needs an
        operator's word and none has allowed re-entry since.
        """
        async with self._database.write() as connection:
            old = await _known(connection, entry_id)
            _may_be_freed(old)
            if not old.holds_day:
                return old
            if needs_operators_word(old) and not await is_reentry_allowed(connection, entry_id):
                by = old.cancel_requested_by
                ended = f"{by} asked to cancel entry {entry_id}" if by else f"entry {entry_id} was cancelled elsewhere"
                raise StateConflict(f"{ended}; its day is free only when an operator allows re-entry")
            new = replace(old, holds_day=False, detail=proof)
            await _store(connection, new)
            await note_change(connection, new, at)
        return new

    async def add_fills(
        self, entry_id: str, new_fills: Sequence[Fill], at: datetime | None = None, *, rest_is_open: bool = True
    ) -> int:
        """Records the fills that are not recorded yet, in any state of the entry. Returns how many were new.

        `at` is when we learned of them; when left out, the time of the last fill. `rest_is_open` says whether the
        broker still works what is not filled; without it a part is not told as one.
        """
        async with self._database.write() as connection:
            entry = await _known(connection, entry_id)
            added = await note_fills(connection, entry, new_fills)
            if added and self._outbox.is_open:
                known_now = await _known(connection, entry_id)
                await self._outbox.tell_fills(connection, known_now, at or new_fills[-1].at, rest_is_open=rest_is_open)
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
        """Records what was seen of the entry, in any state. It decides nothing by itself (rules 9).

        Raises StateConflict for an entry that is not recorded, TypeError or ValueError for a detail that
        `core.records.store.json_text` cannot write.
        """
        async with self._database.write() as connection:
            await _known(connection, entry_id)
            await note_evidence(connection, entry_id, EvidenceRecord(kind, who, complete, detail, at))


async def _known(connection: AsyncConnection, entry_id: str) -> Entry:
    """The recorded entry. Raises StateConflict when there is none."""
    entry = await read_entry(connection, entry_id)
    if entry is None:
        raise unrecorded(entry_id)
    return entry


async def _require_attestation(connection: AsyncConnection, entry_id: str, who: str) -> None:
    """Raises StateConflict unless this operator's word about the entry is among the evidence."""
    seen = await read_evidence(connection, entry_id)
    if not any(one.kind == "attestation" and one.who == who and "seen" in one.detail for one in seen):
        raise StateConflict(f"{who} has said nothing about entry {entry_id} that is on record")


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


async def _store(connection: AsyncConnection, entry: Entry) -> Entry | None:
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


def _terminal_at(old: Entry, state: OrderState, at: datetime) -> datetime | None:
    return at if state in TERMINAL_STATES else None


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
