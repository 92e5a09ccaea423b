"""Whole days in virtual time: the slots of a day, what happens at each, and nothing after the close (rules 3)."""

from __future__ import annotations

from datetime import UTC, time, timedelta
from decimal import Decimal
from pathlib import Path

from core.domain.orders.order_states import OrderState
from core.domain.positions.tridents import ExitMode
from core.runtime.clock import exchange_time
from core.simulator.exchange.orders import SimOrder
from tests.support.invariants import assert_nothing_forbidden_happened
from tests.support.world import MONDAY, World, et, in_world, slot_times

QUARTERS = [time(9 + (45 + 15 * i) // 60, (45 + 15 * i) % 60) for i in range(21)]


def test_a_whole_day_enters_once_and_skips_the_other_twenty_slots(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("16:30")
        slots, cycles = await world.slots(), await world.cycles()
        assert slot_times(slots) == QUARTERS
        assert {slot.state for slot in slots} == {"done"}
        assert [(c.number, c.slot, c.forced) for c in cycles] == [
            (n, slot.slot, False) for n, slot in enumerate(slots, 1)
        ]
        assert [(c.outcome, c.reason_code) for c in cycles] == [("succeeded", "")] + [("skipped", "entry_today")] * 20
        assert cycles[0].totals == {"processed": 1, "succeeded": 1, "skipped": 0, "failed": 0, "unknown": 0}
        entry = await world.entry()
        assert entry.state is OrderState.FILLED
        assert entry.underlying == "QQQ"
        assert sum(fill.quantity for fill in entry.fills) == 6
        orders: list[SimOrder] = world.exchange.orders(world.accounts[0])
        assert [str(order.id) for order in orders] == [entry.order_id]
        snapshot = world.engine.builder.snapshot
        assert snapshot is not None
        assert snapshot.status.market == "closed"
        after_close = et(MONDAY, "16:00")
        late = [e for e in await world.records.journal.newest(1000) if e.at >= after_close]
        assert late == []
        await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(day, tmp_path, start=et(MONDAY, "09:20"), poll_s=60)


def test_what_a_day_fills_is_a_trident_under_the_rules_of_the_settings(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exits = ExitMode.ALL
        engine = await world.start()
        await world.until("10:00")
        entry = await world.entry()
        assert entry.state is OrderState.FILLED
        [found] = await world.records.tridents.held_of(entry.account)
        assert (found.id, found.trident.rules) == (entry.id, engine.parts.exit_rules)
        assert found.trident.rules.mode is ExitMode.ALL
        assert found.managed_since == found.trident.filled_at >= found.opened_at
        assert found.credit == sum((unit.credit for unit in found.trident.units if unit.credit is not None), Decimal(0))
        assert found.trident.ticks.tick(Decimal(1)) is not None, "the chain's, by the suggestion"
        await world.stop()

    in_world(day, tmp_path, start=et(MONDAY, "09:40"), poll_s=60)


def test_each_slot_starts_within_a_second_of_its_moment(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("11:00:30")
        late = [c.began_at - c.slot for c in await world.cycles() if c.slot is not None]
        assert len(late) == 6
        assert all(timedelta(0) <= by < timedelta(seconds=1) for by in late)
        await world.stop()

    in_world(day, tmp_path)


def test_a_half_day_ends_at_a_quarter_to_one(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("16:30")
        assert slot_times(await world.slots()) == QUARTERS[:13]
        assert slot_times(await world.slots())[-1] == time(12, 45)
        await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(day, tmp_path, start=et("2026-11-27", "09:40"), poll_s=60)


def test_a_holiday_has_no_slots(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        engine = await world.start()
        await world.until("16:30")
        assert await world.slots() == ()
        assert await world.cycles() == ()
        assert world.broker.posted == []
        assert exchange_time(engine.slots.next()).isoformat() == "2026-01-20T09:45:00-05:00"
        await world.stop()

    in_world(day, tmp_path, start=et("2026-01-19", "09:00"), poll_s=300)


def test_slots_keep_exchange_time_over_the_change_to_summer_time(tmp_path: Path) -> None:
    async def weekend(world: World) -> None:
        await world.start()
        await world.until("14:46")
        assert (await world.slots())[-1].slot == et("2026-03-06", "14:45")
        await world.until("10:01", "2026-03-09")
        monday = await world.slots()
        assert [slot.slot.astimezone(UTC).time() for slot in monday] == [time(13, 45), time(14, 0)]
        assert [c.began_at.astimezone(UTC).hour for c in await world.cycles()] == [13, 14]
        assert {slot.state for slot in monday} == {"done"}
        await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(weekend, tmp_path, start=et("2026-03-06", "14:30"), poll_s=600)


def test_slots_keep_exchange_time_over_the_change_to_winter_time(tmp_path: Path) -> None:
    async def weekend(world: World) -> None:
        await world.start()
        await world.until("14:46")
        assert (await world.slots())[-1].slot.astimezone(UTC).time() == time(18, 45)
        await world.until("09:46", "2026-11-02")
        assert [slot.slot.astimezone(UTC).time() for slot in await world.slots()] == [time(14, 45)]
        await world.stop()

    in_world(weekend, tmp_path, start=et("2026-10-30", "14:30"), poll_s=600)


def test_slots_that_passed_while_the_machine_was_suspended_are_missed_and_the_next_runs(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.no_connection = 1
        await world.start()
        await world.until("09:50")
        world.clock.suspend(30 * 60)
        await world.until("10:31")
        assert [(s.state, s.outcome, s.reason_code) for s in await world.slots()] == [
            ("done", "failed", "not_sent"),
            ("missed", "", "suspended"),
            ("missed", "", "suspended"),
            ("done", "succeeded", ""),
        ]
        await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(day, tmp_path)
