"""What is followed after its end was not shown: how long, with its legs quoted, and that its end is said (rules 9)."""

from __future__ import annotations

from pathlib import Path

from core.domain.operation.commands import CommandKind
from core.domain.operation.events import Event, Severity
from core.domain.orders.order_states import OrderState
from core.simulator.exchange.faults import FaultKind
from tests.support.trident_world import until
from tests.support.world import ACCOUNT, World, et, in_world

ORDERS = f"/accounts/{ACCOUNT}/orders"


async def told(world: World) -> list[Event]:
    return [event for event in await world.records.journal.newest(200) if event.kind == "order.not_followed"]


async def start_at(world: World, day: str) -> None:
    await world.stop()
    await world.clock.sleep((et(day, "09:00") - world.clock.now()).total_seconds())
    await world.start()
    await world.clock.sleep(30)


def test_an_absent_entry_that_is_followed_no_more_is_told_once(tmp_path: Path) -> None:
    async def days(world: World) -> None:
        world.broker.arm(FaultKind.REST_DROP_REQUEST, method="POST", path=ORDERS)
        await world.start()
        await world.until("09:45:30")
        entry = await world.entry()
        assert (await world.answer(CommandKind.ATTEST, entry.id, "absent")).startswith("done")
        await start_at(world, "2026-03-09")  # the fifth session after it: still followed
        assert await told(world) == []
        for day in ("2026-03-10", "2026-03-11"):
            await start_at(world, day)
            [event] = await told(world)
            assert f"the absent entry of {entry.session_day} is followed no more after 5 sessions" in event.text
            assert f"`senex attest ORDER {entry.id[:8]}`" in event.text, "the way out is named"
            assert event.severity is Severity.WARNING
        await world.stop()

    in_world(days, tmp_path)


def test_an_absent_exit_that_is_followed_no_more_is_told_once(tmp_path: Path) -> None:
    async def days(world: World) -> None:
        world.exits = None
        await world.start()
        while not await world.records.tridents.held():
            await world.clock.sleep(0.25)
        world.exchange.fill_plan = "never"
        world.broker.arm(FaultKind.REST_DROP_REQUEST, method="POST", path=ORDERS)  # 5 s before the first target

        async def one_is_unknown_and_the_others_rest() -> bool:
            found = [one.state for one in await world.records.exits.open_of(ACCOUNT)]
            return sorted(found) == sorted([OrderState.UNKNOWN, OrderState.WORKING, OrderState.WORKING])

        await until(world, one_is_unknown_and_the_others_rest)
        (lost,) = [one for one in await world.records.exits.open_of(ACCOUNT) if one.state is OrderState.UNKNOWN]
        assert (await world.answer(CommandKind.ATTEST, lost.id, "absent")).startswith("done")
        await start_at(world, "2026-03-09")  # the fifth session after it: still followed
        assert await told(world) == []
        for day in ("2026-03-10", "2026-03-11"):
            await start_at(world, day)
            [event] = await told(world)
            what = f"the absent target of put-1 of {lost.session_day}"
            assert f"{what} is followed no more after 5 sessions" in event.text
            assert f"`senex attest ORDER {lost.id[:8]}`" in event.text, "the way out is named"
            assert dict(event.figures) == {"exit": lost.id, "trident": lost.trident_id}
            assert event.severity is Severity.WARNING
        await world.stop()

    in_world(days, tmp_path)


def test_an_incident_keeps_its_legs_quoted_while_it_is_followed(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        world.broker.arm(FaultKind.ORDERS_CHANGED_PRICE)
        await world.start()
        await world.until("09:50")
        entry = await world.entry()
        assert entry.state is OrderState.INCIDENT
        assert world.engine.legs.keeps(entry.id)
        await world.stop()
        await world.start()
        await world.clock.sleep(30)
        assert world.engine.legs.keeps(entry.id), "also after a restart"
        world.exchange.cancel(ACCOUNT, int(entry.order_id or ""), world.clock.now())
        await world.clock.sleep(60)
        assert not world.engine.legs.keeps(entry.id), "its end at the broker was shown"
        await world.stop()

    in_world(day, tmp_path)
