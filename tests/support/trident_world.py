"""A world in which exits are sent: an entry fills, and what closes it is followed to its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal

from core.domain.operation.account_settings import AccountField
from core.domain.operation.commands import CommandKind
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.tridents import ManagedTrident
from core.domain.positions.units import UnitName
from core.records.records import TridentRecord
from tests.support.world import ACCOUNT, World

PUT_1, PUT_2, CALL = UnitName


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


def fill(world: World, one: Exit, at: str | None = None) -> None:
    """Has the exchange fill an order whole, at this debit instead of its own."""
    assert one.order_id is not None
    now = world.clock.now()
    world.exchange.advance(now)
    book = world.exchange._book
    entry = book.entry(int(one.order_id))
    assert entry is not None, "it works at the exchange"
    book.fill(entry, now, None if at is None else -Decimal(at))


async def set_account(world: World, field: AccountField, value: object) -> None:
    """Changes a setting of the account as its operator does."""
    answer = await world.answer(CommandKind.SET_ACCOUNT, ACCOUNT, f"{field.value} {value}")
    assert answer.startswith("done"), answer


def percent_of(of: ManagedTrident, name: UnitName, percent: int) -> Decimal:
    """The target by hand: the unit's credit less the percent, down to the cent."""
    credit = next(unit.credit for unit in of.units if unit.name is name)
    assert credit is not None
    return (credit * (100 - percent) / 100).quantize(Decimal("0.01"), rounding="ROUND_DOWN")
