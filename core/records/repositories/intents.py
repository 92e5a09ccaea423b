"""What is recorded of anything that is sent as an order: before sending, changed only as the table of states allows,
never lost (rules 9).

An intent's row is in the table of its kind. Its fills, states, evidence and orders are in tables of all intents.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar, Generic

from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.orders.order_states import ATTESTED, TERMINAL_STATES, OrderState, may_become
from core.domain.orders.orders import AnyIntent, Fill, IntentKind, OrderRequest
from core.records.repositories.intent_orders import note_new_order
from core.records.repositories.intent_rows import note_change, note_evidence, note_fills, read_changes, read_evidence
from core.records.repositories.outbox import Outbox
from core.records.repositories.rows import EvidenceKind, EvidenceRecord, IntentChange
from core.records.store.database import Database
from core.records.store.errors import IllegalTransition, StateConflict


class IntentReads(ABC, Generic[AnyIntent]):
    """Reads intents of one kind. Each raises RecordsError when the store fails."""

    kind: ClassVar[IntentKind]

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, intent_id: str) -> AnyIntent:
        """The intent with our id. Raises StateConflict when there is none."""
        async with self._database.read() as connection:
            return await self._known(connection, intent_id)

    async def evidence(self, intent_id: str) -> tuple[EvidenceRecord, ...]:
        """Everything that was seen of the intent, oldest first."""
        async with self._database.read() as connection:
            return await read_evidence(connection, intent_id)

    async def newest_evidence(self, intent_id: str) -> tuple[EvidenceRecord, ...]:
        """The newest complete evidence of each kind about the intent, oldest first: as much as a screen has room
        for."""
        async with self._database.read() as connection:
            return await read_evidence(connection, intent_id, newest=True)

    async def history(self, intent_id: str) -> tuple[IntentChange, ...]:
        """Every state that the intent went through, oldest first."""
        async with self._database.read() as connection:
            return await read_changes(connection, intent_id)

    @abstractmethod
    async def _read(self, connection: AsyncConnection, intent_id: str) -> AnyIntent | None:
        """The recorded intent with its fills; None when there is none."""

    async def _known(self, connection: AsyncConnection, intent_id: str) -> AnyIntent:
        """The recorded intent. Raises StateConflict when there is none."""
        intent = await self._read(connection, intent_id)
        if intent is None:
            raise StateConflict(f"no {self.kind} {intent_id} is recorded")
        return intent


class Intents(IntentReads[AnyIntent]):
    """Changes intents of one kind; each change is one commit. What is the kind's own is in the methods it overrides."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        super().__init__(database)
        self._outbox = outbox

    async def become(
        self,
        intent_id: str,
        state: OrderState,
        *,
        at: datetime,
        order_id: str | None = None,
        broker_status: str | None = None,
        detail: str = "",
        cancelled_by: str = "",
        attested_by: str = "",
        taken: OrderRequest | None = None,
    ) -> AnyIntent:
        """Changes the state of an intent, and returns it as recorded. What is not given keeps its value; but the detail
        is of its state, so that a new state without one has none. The history keeps the old one. An order id that was
        not known is recorded among the intent's orders.

        `attested_by` is an operator on whose word this rests, which must be among the evidence: it allows the changes
        of `ATTESTED` too, and only with it may `taken` be given.

        Raises IllegalTransition, also for `sent`, which only the last commit before the order leaves may set;
        StateConflict for a word that nobody has given; ValueError for `taken` without one, and for an attested change
        without a detail, which has to say why.
        """
        if (taken is not None and not attested_by) or (attested_by and not detail):
            raise ValueError("an order is taken on an operator's word, and an attested change says why")
        async with self._database.write() as connection:
            old = await self._known(connection, intent_id)
            moves = state is not old.state
            allowed = may_become(old.state, state)
            if attested_by:
                await self._require_attestation(connection, intent_id, attested_by)
                allowed = allowed or state in ATTESTED.get(old.state, ())
            # Only the kind's own `mark_sent` may set `sent`: it makes checks that are not made here.
            if not allowed or (moves and state is OrderState.SENT):
                raise IllegalTransition(old.KIND, intent_id, old.state, state)
            wanted = replace(
                old,
                state=state,
                order_id=old.order_id if order_id is None else order_id,
                broker_status=old.broker_status if broker_status is None else broker_status,
                terminal_at=_terminal_at(state, at) if moves else old.terminal_at,
                detail=detail or ("" if moves else old.detail),
                cancelled_by=cancelled_by or old.cancelled_by,
                taken=old.taken if taken is None else taken,
            )
            new = await self._changed(connection, old, wanted, at, attested=bool(attested_by))
            if order_id is not None:
                await note_new_order(connection, new, at)
            await note_change(connection, new, at)
            if new.state is not old.state:
                await self._told(connection, new, at)
        return new

    async def note_status(self, intent_id: str, broker_status: str, at: datetime) -> None:
        """Records a new status word of the broker that does not change our state."""
        async with self._database.write() as connection:
            old = await self._known(connection, intent_id)
            if old.broker_status == broker_status:
                return
            new = replace(old, broker_status=broker_status)
            await self._store(connection, new)
            await note_change(connection, new, at)

    async def note_cancel_request(self, intent_id: str, who: str, at: datetime) -> AnyIntent:
        """Records that an operator wants the order cancelled, before the broker is asked.

        The first request stays on record. It is not for a cancel by the engine itself (the N minutes of rules 9).
        Raises ValueError for an empty `who`.
        """
        if not who:
            raise ValueError("a cancel is asked for by somebody")
        async with self._database.write() as connection:
            old = await self._known(connection, intent_id)
            if old.cancel_requested_by:
                return old
            await self._store(connection, replace(old, cancel_requested_by=who))
            new = await self._known(connection, intent_id)
            # Only the history says so; the intent's own detail stays what the broker or the guards said.
            await note_change(connection, replace(new, detail=f"{new.cancel_requested_by} asked to cancel it"), at)
        return new

    async def note_engine_cancel(self, intent_id: str, at: datetime) -> None:
        """Records that the broker took the engine's own cancel, asked for at `at`. The newest one counts."""
        async with self._database.write() as connection:
            old = await self._known(connection, intent_id)
            if old.engine_cancel_at == at:
                return
            new = replace(old, engine_cancel_at=at)
            await self._store(connection, new)
            await note_change(connection, replace(new, detail="the broker took this console's own cancel"), at)

    async def void_engine_cancel(self, intent_id: str, at: datetime) -> None:
        """Records that the broker did not carry out the engine's own cancel: a later end is somebody else's."""
        async with self._database.write() as connection:
            old = await self._known(connection, intent_id)
            if old.engine_cancel_at is None:
                return
            new = replace(old, engine_cancel_at=None)
            await self._store(connection, new)
            detail = "the broker did not carry out this console's own cancel"
            await note_change(connection, replace(new, detail=detail), at)

    async def add_fills(
        self, intent_id: str, new_fills: Sequence[Fill], at: datetime | None = None, *, rest_is_open: bool = True
    ) -> int:
        """Records the fills that are not recorded yet, in any state of the intent. Returns how many were new.

        `at` is when we learned of them; when left out, the time of the last fill. `rest_is_open` says whether the
        broker still works what is not filled; without it a part is not told as one.
        """
        async with self._database.write() as connection:
            added = await note_fills(connection, await self._known(connection, intent_id), new_fills)
            if added:
                await self._filled(connection, intent_id, at or new_fills[-1].at, rest_is_open=rest_is_open)
        return added

    async def add_evidence(
        self,
        intent_id: str,
        kind: EvidenceKind,
        *,
        who: str,
        complete: bool,
        detail: Mapping[str, object],
        at: datetime,
    ) -> None:
        """Records what was seen of the intent, in any state. It decides nothing by itself (rules 9).

        Raises StateConflict for an intent that is not recorded, TypeError or ValueError for a detail that
        `core.records.store.json_text` cannot write.
        """
        async with self._database.write() as connection:
            await self._known(connection, intent_id)
            await note_evidence(connection, intent_id, EvidenceRecord(kind, who, complete, detail, at))

    # What each kind does within the commit

    @abstractmethod
    async def _store(self, connection: AsyncConnection, intent: AnyIntent) -> None:
        """Writes the intent's row in place of the recorded one."""

    @abstractmethod
    async def _changed(
        self, connection: AsyncConnection, old: AnyIntent, wanted: AnyIntent, at: datetime, *, attested: bool
    ) -> AnyIntent:
        """Writes a change of state that the table of states allows, with what follows from it for this kind. Returns
        the intent as it is now, which may be in another state than the wanted one. `attested`: it rests on an
        operator's word."""

    @abstractmethod
    async def _told(self, connection: AsyncConnection, intent: AnyIntent, at: datetime) -> None:
        """Adds the mails about the intent's new state."""

    @abstractmethod
    async def _filled(self, connection: AsyncConnection, intent_id: str, at: datetime, *, rest_is_open: bool) -> None:
        """Adds what follows from fills just recorded, as for `add_fills`."""

    async def _require_attestation(self, connection: AsyncConnection, intent_id: str, who: str) -> None:
        """Raises StateConflict unless this operator's word about the intent is among the evidence."""
        seen = await read_evidence(connection, intent_id)
        if not any(one.kind == "attestation" and one.who == who and "seen" in one.detail for one in seen):
            raise StateConflict(f"{who} has said nothing about {self.kind} {intent_id} that is on record")


def _terminal_at(state: OrderState, at: datetime) -> datetime | None:
    return at if state in TERMINAL_STATES else None
