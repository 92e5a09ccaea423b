"""Sends the close of units of a trident in a world's account, through the real desk and nothing before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.orders.identifiers import identifier_for
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry, IntentKind, OrderRequest, TimeInForce
from core.domain.positions.close_shape import close_shape
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.units import UnitName, units_of
from tests.support.world import World


@dataclass(frozen=True)
class Close:
    """Records the exit with its claims and sends it (`core.orders.sending.Sending`). The guards of rules 15.4 are not
    its matter."""

    world: World
    exit: Exit
    sender = "the test"

    @property
    def intent_id(self) -> str:
        return self.exit.id

    async def prepare(self) -> Exit | Refusal:
        prepared = await self.world.records.exits.prepare(self.exit)
        return prepared if isinstance(prepared, Exit) else refuse(Reason.NOT_SENT, detail=prepared.why)

    async def guards(self, intent: Exit) -> Refusal | None:
        return None

    def barred(self) -> Refusal | None:
        return None

    async def mark_sent(self, intent: Exit) -> bool:
        now = self.world.clock.now()
        epoch, closes = self.world.records.epoch, now + timedelta(hours=1)
        return await self.world.records.exits.mark_sent(intent.id, now, epoch=epoch, closes=closes)

    async def why_not_sent(self, intent: Exit) -> Refusal:
        return refuse(Reason.NOT_SENT, detail="the records refused it")


async def close(
    world: World,
    entry: Entry,
    units: Sequence[UnitName],
    debit: str,
    kind: ExitKind = ExitKind.TARGET,
    day: date | None = None,
) -> Exit:
    """Sends a close of these units of the entry's trident (`exit_for`). Returns it as recorded."""
    exit = exit_for(world, entry, units, debit, kind, day)
    await world.engine.desk.desk.place(Close(world, exit))
    return await world.records.exits.get(exit.id)


def exit_for(
    world: World,
    entry: Entry,
    units: Sequence[UnitName],
    debit: str,
    kind: ExitKind = ExitKind.TARGET,
    day: date | None = None,
) -> Exit:
    """A prepared close of these units of the entry's trident: a target until it is cancelled, anything else for the
    day. It is of this session day, today's without one."""
    shape = close_shape([unit for unit in units_of(entry.request) if unit.name in units])
    assert shape is not None
    exit_id = world.ids.new()
    identifier = identifier_for(exit_id, IntentKind.EXIT)
    time_in_force = TimeInForce.GTC if kind is ExitKind.TARGET else TimeInForce.DAY
    return Exit(
        id=exit_id,
        account=entry.account,
        session_day=day or world.day,
        underlying=entry.underlying,
        identifier=identifier,
        request=OrderRequest(entry.underlying, shape.legs, -Decimal(debit), identifier, time_in_force, strict=True),
        state=OrderState.PREPARED,
        prepared_at=world.clock.now(),
        sent_at=None,
        order_id=None,
        broker_status=None,
        terminal_at=None,
        detail="",
        trident_id=entry.id,
        kind=kind,
        units=tuple(units),
    )
