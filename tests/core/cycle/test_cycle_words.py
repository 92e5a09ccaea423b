"""What a cycle says at its start and at its end (rules 4.4, 12)."""

from __future__ import annotations

from pathlib import Path

from core.config.settings import TradingSettings
from core.domain.operation.commands import CommandKind
from core.domain.operation.events import Severity
from core.domain.orders.fate import fate_of, fate_words
from core.simulator.exchange.faults import FaultKind
from tests.support.world import ACCOUNT, World, account, in_world

OTHER = "5WT00002"


async def _said(world: World, cycle: int = 1) -> tuple[str, str]:
    (started,) = await world.events(cycle, "cycle.started")
    (ended,) = await world.events(cycle, "cycle.ended")
    return started.text, ended.text


def test_the_start_names_the_accounts_and_their_offset_and_the_end_counts_what_they_came_to(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.start()
        await world.until("09:46")
        fates = [fate_of(entry) for entry in await world.entries()]
        assert len(fates) == 2
        assert await _said(world) == (
            "cycle 09:45, 2 accounts, offset 0.04",
            "cycle 09:45: 2 working (2 processed, 2 succeeded, 0 failed, 0 skipped)",
        )
        await world.stop()

    in_world(day, tmp_path, accounts=(account(), account(OTHER)), trading=TradingSettings(entry_offset_cents=4))


def test_offsets_that_differ_are_said_for_each_account(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.command(CommandKind.SET_ACCOUNT, target=OTHER, note="offset-cents 25")
        await world.command(CommandKind.SET_ACCOUNT, target=ACCOUNT, note="offset-cents 0")
        await world.until("09:46")
        started, _ = await _said(world)
        assert started == "cycle 09:45, 2 accounts, offset 0.00 for …0001, 0.25 for …0002"
        await world.stop()

    in_world(day, tmp_path, accounts=(account(), account(OTHER)))


def test_a_rejected_order_ends_its_cycle_as_failed(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.refuse_orders = 1
        await world.start()
        await world.until("09:46")
        (entry,) = await world.entries()
        started, ended = await _said(world)
        assert started == "cycle 09:45, 1 account, offset 0.00"
        words = fate_words(fate_of(entry))
        assert words.startswith("REJECTED: ")
        assert ended == f"cycle 09:45: {words} (1 processed, 0 succeeded, 1 failed, 0 skipped)"
        await world.stop()

    in_world(day, tmp_path)


def test_an_unknown_entry_is_counted_as_unknown_and_a_held_day_as_skipped(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.REST_DROP_RESPONSE, path=f"/accounts/{ACCOUNT}/orders", method="POST")
        world.broker.arm(FaultKind.ORDERS_LISTING_LAG, seconds=140)
        world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        await world.start()
        await world.until("09:45:20")
        _, ended = await _said(world)
        assert ended == (
            "cycle 09:45: UNKNOWN: the broker may have it or not "
            "(1 processed, 0 succeeded, 0 failed, 0 skipped, 1 unknown)"
        )
        (event,) = await world.events(1, "cycle.ended")
        assert event.severity is Severity.CRITICAL
        await world.until("10:01")
        (entry,) = await world.entries()
        _, ended = await _said(world, 2)
        assert ended == (
            f"cycle 10:00: day held: {fate_words(fate_of(entry))} (1 processed, 0 succeeded, 0 failed, 1 skipped)"
        )
        await world.stop()

    in_world(day, tmp_path)


def test_a_cycle_without_accounts_says_so(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.command(CommandKind.SET_ACCOUNT, target=ACCOUNT, note="automation off")
        await world.until("09:46")
        assert await _said(world) == (
            "cycle 09:45, 0 accounts",
            "cycle 09:45: automation is on for no account; `senex accounts` lists them "
            "(0 processed, 0 succeeded, 0 failed, 0 skipped)",
        )
        await world.stop()

    in_world(day, tmp_path)
