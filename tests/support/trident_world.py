"""A world in which exits are sent: an entry fills, and what closes it is followed to its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from core.domain.operation.account_settings import AccountField
from core.domain.operation.commands import CommandKind
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.orders.identifiers import identifier_for
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry, Intent
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.tridents import ManagedTrident
from core.domain.positions.units import UnitName
from core.records.records import TridentRecord
from core.simulator.exchange.handling import Handling
from core.simulator.exchange.lifecycle import FillPlan
from core.simulator.exchange.orders import closing_order
from tests.support.world import ACCOUNT, MONDAY, World, et

PUT_1, PUT_2, CALL = UnitName
EARLY = et(MONDAY, "09:43:30")
"""A minute before the first slot of a session."""


async def held(world: World, *, running: bool = False) -> Entry:
    """Starts the console with exits on, unless it is `running`, and lets the entry of the first slot fill. From then on
    nothing fills by chance."""
    if not running:
        world.exits = None
        await world.start()
    await world.until("09:45:20")
    await until(world, lambda: _is_filled(world))
    world.exchange.fill_plan = "never"
    return await world.entry()


async def targets_placed(world: World) -> dict[str, Exit]:
    """Starts the console with exits on and waits until the three targets of its first entry rest. From then on nothing
    fills by chance."""
    await held(world)
    return await targets_rest(world)


async def off_until(world: World, time: str, day: str) -> None:
    """Ends the console, and starts it again at this exchange time."""
    await world.stop()
    await world.until(time, day)
    await world.start()


async def _is_filled(world: World) -> bool:
    return [entry.state for entry in await world.entries()] == [OrderState.FILLED]


async def until(world: World, holds: Callable[[], Awaitable[bool]], within_s: float = 300.0) -> None:
    """Waits for a state of the records, in virtual seconds."""
    for _ in range(int(within_s)):
        if await holds():
            return
        await world.clock.sleep(1.0)
    raise AssertionError(f"not within {within_s:g} s: {await told(world)}")


async def told(world: World) -> list[str]:
    """How the exits and the tridents stand, for a failure."""
    records = await world.records.tridents.newest(10)
    exits = [one for record in records for one in await exits_of(world, record.id)]
    states = [f"{one.kind} {'+'.join(one.units)} {one.state.value} {one.debit} {one.detail}" for one in exits]
    words = [
        f"{one.view.trident.phase.value} {one.action}"
        for record in records
        for one in world.engine.exits.turns.standings(record.account)
    ]
    return [*states, *words]


async def trident(world: World) -> TridentRecord:
    """The only trident."""
    (found,) = await world.records.tridents.newest(10)
    return found


async def exits_of(world: World, trident_id: str) -> tuple[Exit, ...]:
    return (await world.records.exits.of_tridents([trident_id]))[trident_id]


async def working(world: World, kind: ExitKind | None = None) -> dict[str, Exit]:
    """The exits that work, by the names of their units."""
    found = await world.records.exits.open_of(ACCOUNT)
    return {"+".join(one.units): one for one in found if one.state is OrderState.WORKING and kind in (None, one.kind)}


async def targets_rest(world: World, names: tuple[UnitName, ...] = (PUT_1, PUT_2, CALL)) -> dict[str, Exit]:
    """Waits until a target of each of these units works, and nothing else."""

    async def they_rest() -> bool:
        return set(await working(world)) == set(names)

    await until(world, they_rest)
    return await working(world, ExitKind.TARGET)


def fill(world: World, one: Intent, at: str | None = None) -> None:
    """Has the exchange fill an order whole, at this debit instead of its own."""
    assert one.order_id is not None
    now = world.clock.now()
    world.exchange.advance(now)
    world.exchange.back_office.fill(one.account, int(one.order_id), now, None if at is None else -Decimal(at))


async def set_account(world: World, field: AccountField, value: object) -> None:
    """Changes a setting of the account as its operator does."""
    answer = await world.answer(CommandKind.SET_ACCOUNT, ACCOUNT, f"{field.value} {value}")
    assert answer.startswith("done"), answer


def percent_of(of: ManagedTrident, name: UnitName, percent: int) -> Decimal:
    """The target by hand: the unit's credit less the percent, down to the cent."""
    credit = next(unit.credit for unit in of.units if unit.name is name)
    assert credit is not None
    return (credit * (100 - percent) / 100).quantize(Decimal("0.01"), rounding="ROUND_DOWN")


@dataclass(frozen=True)
class _Again:
    """Opens the trident of an entry once more, of another session day (`core.orders.sending.Sending`)."""

    world: World
    entry: Entry
    sender = "the test"

    @property
    def intent_id(self) -> str:
        return self.entry.id

    async def prepare(self) -> Entry | Refusal:
        prepared = await self.world.records.entries.prepare(self.entry)
        assert isinstance(prepared, Entry)
        return prepared

    async def guards(self, intent: Entry) -> Refusal | None:
        return None

    def barred(self) -> Refusal | None:
        return None

    async def mark_sent(self, intent: Entry) -> bool:
        now = self.world.clock.now()
        epoch, closes = self.world.records.epoch, now + timedelta(hours=1)
        return await self.world.records.entries.mark_sent(intent.id, now, epoch=epoch, closes=closes)

    async def why_not_sent(self, intent: Entry) -> Refusal:
        return refuse(Reason.NOT_SENT, detail="the records refused it")


async def opened_again(world: World, entry: Entry) -> Entry:
    """A second trident of the same legs in the same account, as if of the session before."""
    new_id = world.ids.new()
    identifier = identifier_for(new_id)
    again = replace(
        entry,
        id=new_id,
        session_day=entry.session_day - timedelta(days=3),
        identifier=identifier,
        request=replace(entry.request, identifier=identifier),
        state=OrderState.PREPARED,
        prepared_at=world.clock.now(),
        sent_at=None,
        order_id=None,
        broker_status=None,
        terminal_at=None,
        detail="",
        fills=(),
    )
    placed = await world.engine.desk.desk.place(_Again(world, again))
    assert isinstance(placed, Entry)
    await world.clock.sleep(5)  # it is live by then
    fill(world, placed)

    async def is_filled() -> bool:
        return (await world.records.entries.get(new_id)).state is OrderState.FILLED

    await until(world, is_filled)
    return await world.records.entries.get(new_id)


def close_by_hand(world: World, rights: Collection[str]) -> None:
    """Closes one contract of each leg of these rights (P, C) by an order that is not ours, at once."""
    now = world.clock.now()
    world.exchange.advance(now)
    found = [replace(one, quantity=1) for one in world.exchange.positions(ACCOUNT, now) if one.symbol[12] in rights]
    at_once = Handling(plan=FillPlan.IMMEDIATE)
    world.exchange.submit(ACCOUNT, closing_order(found), now, handling=at_once)


def closes_sent(world: World) -> int:
    """How many closing orders have left."""
    return sum(posted.request.closes for posted in world.broker.posted)


def nothing_opened(world: World) -> bool:
    """Whether no order that asked to close has opened a position at the broker."""
    world.exchange.advance(world.clock.now())
    return world.exchange.opened_by_close == []
