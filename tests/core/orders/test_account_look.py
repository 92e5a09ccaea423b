"""One look at an account finds every order whose end was not shown, whoever lost sight of it (rules 9)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import CommandKind
from core.domain.orders.order_states import OrderState
from core.domain.orders.packages import risk_of
from core.simulator.exchange.faults import FaultKind
from core.simulator.exchange.handling import Handling
from core.simulator.exchange.orders import OrderChanges
from core.simulator.in_process.values import order_body
from tests.support.empty_records import copy_empty_records
from tests.support.invariants import assert_nothing_forbidden_happened
from tests.support.world import ACCOUNT, World, in_world

ORDERS = f"/accounts/{ACCOUNT}/orders"
TUESDAY = "2026-03-03"
ALL_DAY_S = 80_000.0


def only_posts(world: World) -> int:
    return len(world.broker.posted)


async def next_day(world: World) -> None:
    """The process dies, and another one starts in the next session."""
    await world.crash()
    await world.until("09:40", TUESDAY)
    await world.start()
    await world.until("09:40:10")


def test_an_absent_order_that_fills_later_is_found_in_the_next_session(tmp_path: Path) -> None:
    """The broker lists it only a day later: two complete reads and no position proved it absent."""

    async def days(world: World) -> None:
        world.exchange.fill_plan = "never"
        world.broker.arm(FaultKind.REST_DROP_RESPONSE, method="POST", path=ORDERS)
        world.broker.arm(FaultKind.ORDERS_LISTING_LAG, seconds=ALL_DAY_S)
        world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        await world.start()
        await world.until("09:50")
        entry = await world.entry()
        assert (entry.state, entry.order_id) == (OrderState.ABSENT, None)
        world.exchange.fill_plan = "immediate"
        await next_day(world)
        found = await world.records.entries.get(entry.id)
        assert (found.state, found.holds_day, found.order_id is not None) == (OrderState.FILLED, True, True)
        assert (risk_of(found) or 0) > 0
        await world.until("09:46")
        assert only_posts(world) == 2, "the next session is another day"
        await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(days, tmp_path, poll_s=30)


def test_an_order_that_was_refused_and_yet_accepted_is_an_incident_and_its_fills_are_kept(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        world.broker.arm(FaultKind.REST_REFUSED_AFTER, method="POST", path=ORDERS)
        world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        await world.start()
        await world.until("09:47")
        entry = await world.entry()
        assert entry.state is OrderState.INCIDENT
        assert "recorded as rejected, and yet order" in entry.detail
        world.exchange.fill_plan = "immediate"
        await world.until("10:20")
        filled = await world.entry()
        assert sum(fill.quantity for fill in filled.fills) == 6
        assert only_posts(world) == 1
        assert (await world.answer(CommandKind.ATTEST, entry.id, filled.order_id or "")).startswith("done")
        assert (await world.entry()).state is OrderState.FILLED
        await world.stop()

    in_world(day, tmp_path)


def test_a_replacement_at_the_broker_without_our_identifier_is_followed(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        assert entry.order_id is not None
        world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        now = world.clock.now()
        changes = OrderChanges("Day", "Limit", entry.limit, "Credit")
        new = world.exchange.replace(ACCOUNT, int(entry.order_id), changes, now, keeps_identifier=False)
        assert new.external_identifier is None
        await world.until("09:47")
        followed = await world.entry()
        assert (followed.state, followed.order_id) == (OrderState.WORKING, str(new.id))
        world.exchange.fill_plan = "immediate"
        await world.until("09:48")
        filled = await world.entry()
        assert (filled.state, {fill.order_id for fill in filled.fills}) == (OrderState.FILLED, {str(new.id)})
        assert only_posts(world) == 1
        await world.stop()

    in_world(day, tmp_path)


@pytest.mark.parametrize("records", ["lost", "restored"])
def test_an_order_that_no_record_knows_any_more_bars_its_account_until_it_is_adopted(
    tmp_path: Path, records: str
) -> None:
    """The records file is gone, or an older copy of it came back. The next session looks back all the same."""

    async def days(world: World) -> None:
        copy_empty_records(tmp_path / "older.sqlite3")
        await world.start()
        await world.until("09:46")
        order_id = (await world.entry()).order_id
        assert order_id is not None
        await world.crash()
        world.records_file = tmp_path / "older.sqlite3"
        if records == "restored":
            await world.start()  # a file with a past of its own
            await world.crash()
        await world.until("09:40", TUESDAY)
        await world.start()
        await world.until("09:46")
        [breaker] = world.engine.breakers.open_now
        assert (breaker.kind, breaker.subject) == (BreakerKind.MISMATCH, ACCOUNT)
        assert f"`senex attest {order_id}` adopts it" in breaker.why
        assert only_posts(world) == 1, "nothing was entered beside it"
        assert (await world.answer(CommandKind.ATTEST, "", order_id)).startswith("done")
        await world.until("09:50")
        assert world.engine.breakers.open_now == ()
        [adopted] = await world.records.entries.filled_open(ACCOUNT, world.day)
        assert (adopted.state, (risk_of(adopted) or 0) > 0) == (OrderState.FILLED, True)
        await world.stop()

    in_world(days, tmp_path, poll_s=30)


def test_a_look_follows_each_acknowledgement_within_seconds(tmp_path: Path) -> None:
    """Another console may have sent an order at the same moment."""

    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        await world.start()
        await world.until("09:44:59")
        listed: list[float] = []
        read = world.broker.orders_since

        async def counted(*asked: Any) -> Any:
            if world.broker.posted:
                listed.append(world.clock.monotonic())
            return await read(*asked)

        setattr(world.broker, "orders_since", counted)  # noqa: B010 - a method of this one instance
        await world.until("09:45:30")
        assert (await world.entry()).state is OrderState.WORKING
        assert listed, "no look followed"
        posted = world.broker.posted[0].at
        assert listed[0] - (world.clock.monotonic() - (world.clock.now() - posted).total_seconds()) < 2
        await world.stop()

    in_world(day, tmp_path, poll_s=600)


def test_ids_that_begin_again_mix_no_two_entries_up(tmp_path: Path) -> None:
    """Each session the broker counts its orders and fills from 1: ours of today has the id of yesterday's."""

    async def days(world: World) -> None:
        for kind in (FaultKind.ORDER_IDS_BEGIN_AGAIN, FaultKind.FILL_IDS_BEGIN_AGAIN):
            world.broker.arm(kind, count=None)
        await world.start()
        await world.until("09:46")
        first = await world.entry()
        await next_day(world)
        await world.until("09:46")
        second = await world.entry()
        first = await world.records.entries.get(first.id)
        assert first.order_id == second.order_id
        assert {fill.fill_id for fill in first.fills} & {fill.fill_id for fill in second.fills}
        for entry in (first, second):
            assert (entry.state, sum(fill.quantity for fill in entry.fills)) == (OrderState.FILLED, 6)
        assert world.engine.breakers.open_now == ()
        await world.stop()

    in_world(days, tmp_path, poll_s=30)


def test_an_order_with_the_id_of_a_forgotten_one_is_not_taken_for_it(tmp_path: Path) -> None:
    async def days(world: World) -> None:
        world.exchange.fill_plan = "never"
        world.broker.arm(FaultKind.ORDER_IDS_BEGIN_AGAIN, count=None)
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        await world.crash()
        world.exchange.back_office.wipe(ACCOUNT, world.clock.now())
        await world.until("09:40", TUESDAY)
        spread = replace(entry.request, legs=entry.request.legs[:2], credit=Decimal("1.00"), identifier="another-tool")
        handling = Handling(order_ids_begin_again=True)
        theirs = world.exchange.submit(ACCOUNT, order_body(spread), world.clock.now(), handling=handling)
        assert str(theirs.id) == entry.order_id
        await world.start()
        await world.until("09:44")
        lost = await world.records.entries.get(entry.id)
        assert (lost.state, lost.fills) == (OrderState.UNKNOWN, ())
        assert f"the broker no longer knows order {entry.order_id}" in lost.detail
        await world.stop()

    in_world(days, tmp_path)
