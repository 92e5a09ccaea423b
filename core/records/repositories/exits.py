"""The exits of tridents: each claims its units in the commit that records it, and frees them only by its fills or by
proof (rules 15.4).

A unique index of the database lets at most one exit hold a unit: nothing here merely checks before it writes.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Boolean, bindparam, exists, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.market.sessions import EXCHANGE_ZONE
from core.domain.orders.order_states import TERMINAL_STATES, OrderState
from core.domain.orders.orders import ADOPTED
from core.domain.positions.closing import closed_by
from core.domain.positions.exits import Exit
from core.domain.positions.trident_view import TridentView
from core.domain.positions.tridents import HandsOff
from core.domain.positions.units import UnitState
from core.domain.reporting.exit_notices import AboutTrident
from core.records.repositories.breakers import bars_exits
from core.records.repositories.exit_reads import ExitReads
from core.records.repositories.exit_rows import (
    add_exit,
    claim_again,
    let_go,
    read_exits_of,
    read_holders,
    store_exit,
)
from core.records.repositories.intent_orders import note_new_order
from core.records.repositories.intent_rows import note_change, note_evidence
from core.records.repositories.intents import Intents
from core.records.repositories.resting import note_resting, rests
from core.records.repositories.rows import Claimed, EvidenceRecord
from core.records.repositories.trident_reads import known_trident
from core.records.repositories.unit_rows import read_gone, read_units, recount
from core.records.store.errors import RecordsError, StateConflict
from core.records.store.tables import ONLY_ROW, engine, exit_switch, exits, tridents

_FREES_AT_ONCE = frozenset({OrderState.FILLED, OrderState.NOT_SENT, OrderState.ABSENT})
"""States in which an exit holds nothing any more, without a proof of its own: what it was to close is closed, or its
order is shown not to be at the broker."""
_TRIDENT = select(tridents.c.hands_off, tridents.c.hands_off_why, tridents.c.desk_day).where(
    tridents.c.id == bindparam("id")
)
_held = exists().where(exit_switch.c.held, or_(exit_switch.c.account == "", exit_switch.c.account == exits.c.account))
_newest = exists().where(engine.c.id == ONLY_ROW, engine.c.epoch == bindparam("of_epoch"))
_MARK_SENT = (
    update(exits)
    .where(
        exits.c.id == bindparam("the_id"),
        exits.c.state == OrderState.PREPARED.value,
        exits.c.cancel_requested_by == "",
        exits.c.cancel_asked_at.is_(None),
        bindparam("is_open", type_=Boolean),
        _newest,
        ~_held,
        ~bars_exits(exits.c.account),
    )
    .values(state=OrderState.SENT.value, sent_at=bindparam("at"))
)


class Exits(Intents[Exit], ExitReads):
    """Changes exits; `ExitReads` reads them. What any intent has is in `Intents`; here are the claims.

    The fills of an exit, the units that they close and the claims that end with them are one commit, and so are a state
    and its mail. An exit whose
    order ended without being filled keeps its claims until `release`. One whose order is alive after all claims its
    units again; where another exit holds one by now, it becomes an incident, so that two closes of one unit never go
    unnoticed.
    """

    async def prepare(self, exit: Exit) -> Exit | Claimed:
        """Records the intent to close units, with the claims on them, in one commit. Returns it, or the unit that may
        get no exit now: another one holds it, it is not whole, or nothing may be sent for its trident.

        Raises ValueError for an exit that is not prepared, is released, has fills or no units, or whose order could
        open a position, and RecordsError when its id or identifier is already recorded.
        """
        if exit.state is not OrderState.PREPARED or exit.fills or not exit.units or exit.released_at is not None:
            raise ValueError("a new exit is prepared, claims units and has no fills")
        if not exit.request.closes or not exit.request.strict:
            raise ValueError("an exit closes strictly: no leg of it may open a position")
        async with self._database.write() as connection:
            refused = await _may_not_close(connection, exit) or await self._added(connection, exit)
            if refused is not None:
                return refused
            await note_change(connection, exit, exit.prepared_at, prepared=True)
        return exit

    async def adopt(self, exit: Exit, status: str, who: str, at: datetime) -> Exit | Claimed:
        """Records a closing order of the broker's that no record explains as an exit, on an operator's word, in one
        commit with that word and its claims. Its fills and its state are folded afterwards.

        Raises ValueError unless it is unknown, of the origin ADOPTED, without fills and with its order's id, and
        RecordsError when its identifier is already recorded.
        """
        fits = exit.state is OrderState.UNKNOWN and exit.origin == ADOPTED and exit.order_id and not exit.fills
        if not fits or not who:
            raise ValueError("an order is adopted as an unknown exit with its id, by somebody")
        new = replace(exit, broker_status=status)
        async with self._database.write() as connection:
            refused = await self._added(connection, new)
            if refused is not None:
                return refused
            await note_change(connection, new, at, prepared=True)
            await note_new_order(connection, new, at)
            seen = EvidenceRecord("attestation", who, True, {"seen": exit.order_id}, at)
            await note_evidence(connection, new.id, seen)
            await note_resting(connection)
        return new

    async def mark_sent(self, exit_id: str, at: datetime, *, epoch: int, closes: datetime) -> bool:
        """Records that the exit is sent: the last durable commit before the order leaves.

        False means that it must not leave.

        True only for a prepared exit whose cancel nobody asked for, by the newest epoch, before its session closes at
        `closes`, while exits are not held, and with no open breaker of the clock, of the records or of its login. A
        pause, a halt and the other breakers stop entries alone.
        """
        async with self._database.write() as connection:
            values = {"the_id": exit_id, "of_epoch": epoch, "is_open": at < closes, "at": at}
            if (await connection.execute(_MARK_SENT, values)).rowcount != 1:
                return False
            await note_change(connection, await self._known(connection, exit_id), at)
        return True

    async def ask_cancel(self, exit_id: str, who: str, why: str, at: datetime) -> Exit:
        """Records that this console is going to cancel the exit's order, before the broker is asked. `who` decided it.

        The first time stays on record. Raises ValueError when nobody asks, or for no reason.
        """
        if not who or not why:
            raise ValueError("a cancel is asked for by somebody, for a reason")
        async with self._database.write() as connection:
            old = await self._known(connection, exit_id)
            if old.cancel_asked_at is not None:
                return old
            await self._store(connection, replace(old, cancel_asked_at=at, cancel_why=why))
            new = await self._known(connection, exit_id)
            await note_change(connection, replace(new, detail=f"{who} asked to cancel it: {new.cancel_why}"), at)
        return new

    async def release(self, exit_id: str, proof: EvidenceRecord) -> Exit:
        """Frees the units of an exit that ended, with the proof that it closed no more than is on record.

        An exit that is released already stays as it is. Raises StateConflict unless its order has ended and the proof
        is complete.
        """
        async with self._database.write() as connection:
            old = await self._known(connection, exit_id)
            if old.state not in TERMINAL_STATES or old.state is OrderState.INCIDENT:
                raise StateConflict(f"exit {exit_id} is {old.state.words}: its order may still fill")
            if not proof.complete:
                raise StateConflict(f"what was seen of exit {exit_id} is not complete: it keeps its units")
            if old.released_at is not None:
                return old
            await note_evidence(connection, exit_id, proof)
            new = replace(old, released_at=proof.at)
            await self._store(connection, new)
            await let_go(connection, exit_id, new.units, proof.at, "proved over")
            await note_change(connection, replace(new, detail="it is proved over, and holds no unit"), proof.at)
        return new

    async def _added(self, connection: AsyncConnection, exit: Exit) -> Claimed | None:
        """Adds the exit with its claims; or the exit that holds one of its units, and then nothing is added."""
        try:
            await add_exit(connection, exit)
        except IntegrityError:
            holders = await read_holders(connection, exit.trident_id)
            held = next((unit for unit in exit.units if unit in holders), None)
            if held is None:
                raise RecordsError(
                    f"an exit with the identifier {exit.identifier} is already recorded; give each its own"
                ) from None
            holder = await self._known(connection, holders[held])
            return Claimed(held, holder, f"exit {holder.id} ({holder.state.words}) holds {held}")
        return None

    async def _store(self, connection: AsyncConnection, intent: Exit) -> None:
        await store_exit(connection, intent)

    async def _changed(
        self, connection: AsyncConnection, old: Exit, wanted: Exit, at: datetime, *, attested: bool
    ) -> Exit:
        new = wanted
        if new.may_fill and old.released_at is not None:
            new = await _alive_again(connection, new, at)
        await store_exit(connection, new)
        if rests(old) != rests(new):
            await note_resting(connection)
        return await _settled(connection, new, at)

    async def _told(self, connection: AsyncConnection, intent: Exit, at: datetime) -> None:
        if self._outbox.is_open:
            await self._outbox.tell_exit(connection, intent, await _about(connection, intent, at), at)

    async def _filled(self, connection: AsyncConnection, intent_id: str, at: datetime, *, rest_is_open: bool) -> None:
        await _settled(connection, await self._known(connection, intent_id), at)


async def _about(connection: AsyncConnection, exit: Exit, at: datetime) -> AboutTrident:
    """The exit's trident as it is within this commit."""
    record = await known_trident(connection, exit.trident_id)
    gone = await read_gone(connection, [exit.trident_id])
    view = TridentView(
        record.trident,
        exits=await read_exits_of(connection, [exit.trident_id]),
        gone=tuple(one.gone for one in gone),
        asked=record.asked,
    )
    return AboutTrident(record.account, view, at.astimezone(EXCHANGE_ZONE).date())


async def _may_not_close(connection: AsyncConnection, exit: Exit) -> Claimed | None:
    """Why nothing may be sent for the exit's trident or units now, whoever holds them."""
    first = exit.units[0]
    trident = (await connection.execute(_TRIDENT, {"id": exit.trident_id})).one_or_none()
    if trident is None:
        return Claimed(first, None, f"no trident {exit.trident_id} is recorded")
    hands_off = HandsOff(trident.hands_off)
    if hands_off is HandsOff.DESK and trident.desk_day != exit.session_day:
        hands_off = HandsOff.NONE
    if hands_off is not HandsOff.NONE:
        why = f": {trident.hands_off_why}" if trident.hands_off_why else ""
        return Claimed(first, None, f"nothing is sent for trident {exit.trident_id} ({hands_off.value}{why})")
    units = {unit.name: unit for unit in (await read_units(connection, [exit.trident_id]))[exit.trident_id]}
    for name in exit.units:
        if units[name].state is not UnitState.WHOLE:
            return Claimed(name, None, f"{name} is {units[name].state.value}")
    return None


async def _alive_again(connection: AsyncConnection, exit: Exit, at: datetime) -> Exit:
    """The exit, which held nothing any more and may fill after all, with the units that it can still hold. It is an
    incident where another exit holds one."""
    units = (await read_units(connection, [exit.trident_id]))[exit.trident_id]
    others = await claim_again(connection, exit, closed_by(exit, units).rest)
    alive = replace(exit, released_at=None)
    if not others or exit.state is OrderState.INCIDENT:
        return alive
    said = f"{exit.state.words}, but exit {', '.join(others)} holds its units"
    return replace(
        alive,
        state=OrderState.INCIDENT,
        terminal_at=at,
        detail=f"{said}; {exit.detail}" if exit.detail else said,
    )


async def _settled(connection: AsyncConnection, exit: Exit, at: datetime) -> Exit:
    """The exit after its fills have closed units, whose claims end with that; and after it freed the others, where its
    state says that it holds nothing."""
    units = await recount(connection, exit.trident_id)
    await let_go(connection, exit.id, closed_by(exit, units).units, at, "filled")
    if not _frees_at_once(exit) or exit.released_at is not None:
        return exit
    await let_go(connection, exit.id, exit.units, at, exit.state.words)
    released = replace(exit, released_at=at)
    await store_exit(connection, released)
    return released


def _frees_at_once(exit: Exit) -> bool:
    # One that the broker refused has no order. One that it took first and rejected then has to be proved over.
    return exit.state in _FREES_AT_ONCE or (exit.state is OrderState.REJECTED and exit.order_id is None)
