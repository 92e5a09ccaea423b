"""Orders that no record here explains stop their account, and each is settled by a command of its own (rules 9)."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import CommandKind
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import OrderReport, OrderRequest
from core.runtime.ids import SeededIds
from core.simulator.exchange.faults import FaultKind
from core.simulator.in_process.broker import InProcessBroker
from core.simulator.in_process.values import order_body
from core.snapshot import Mode
from tests.support.empty_records import copy_empty_records
from tests.support.world import ACCOUNT, LOGIN, SEED, World, chains_of, in_world

MISMATCH, INCIDENT = BreakerKind.MISMATCH, BreakerKind.INCIDENT


def open_kinds(world: World) -> set[BreakerKind]:
    return {breaker.kind for breaker in world.engine.breakers.open_now}


def place(world: World, request: OrderRequest, identifier: str | None) -> str:
    """Somebody else places an order in our account. Returns its id."""
    body = replace(order_body(request), external_identifier=identifier)
    return str(world.exchange.submit(ACCOUNT, body, world.clock.now(), by="rival").id)


async def a_request(world: World) -> OrderRequest:
    """The order of an entry that was filled this morning."""
    await world.until("09:46")
    entry = await world.entry()
    assert entry.state is OrderState.FILLED
    return entry.request


@pytest.mark.parametrize("seen", ["alert", "look"])
def test_an_order_under_our_prefix_that_no_record_knows_stops_the_account_at_once(tmp_path: Path, seen: str) -> None:
    async def day(world: World) -> None:
        await world.start()
        request = await a_request(world)
        spread = replace(request, legs=request.legs[:2], credit=Decimal("1.00"))
        world.exchange.fill_plan = "never"
        if seen == "look":
            world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        order_id = place(world, spread, "senex-of-another-console")
        await world.clock.sleep(2 if seen == "alert" else 70)
        [breaker] = world.engine.breakers.open_now
        assert (breaker.kind, breaker.subject) == (MISMATCH, ACCOUNT)
        assert f"order {order_id} at the broker carries our identifier" in breaker.why
        assert f"`senex attest {order_id}` adopts it" in breaker.why
        await world.stop()

    in_world(day, tmp_path)


def test_each_stranger_is_settled_by_a_reset_of_its_own_and_then_stays_settled(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        request = await a_request(world)
        spread = replace(request, legs=request.legs[:2], credit=Decimal("1.00"))
        world.exchange.fill_plan = "never"
        first, second = (place(world, spread, f"senex-{name}") for name in ("a", "b"))
        for order_id in (first, second):
            await world.clock.sleep(70)
            [breaker] = world.engine.breakers.open_now
            assert f"order {order_id} " in breaker.why, "the oldest that is not settled"
            assert (await world.answer(CommandKind.RESET, "mismatch")).startswith("done")
        await world.until("10:05")
        assert world.engine.breakers.open_now == ()
        await world.crash()
        await world.start()
        await world.clock.sleep(10)
        assert world.engine.breakers.open_now == (), "also in the next process"
        await world.stop()

    in_world(day, tmp_path)


def test_a_stranger_that_is_a_trident_is_adopted_by_the_command_that_the_breaker_names(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        await world.start()
        request = await a_request(world)
        order_id = place(world, request, "senex-of-another-console")
        await world.clock.sleep(70)
        assert open_kinds(world) == {MISMATCH, INCIDENT}
        assert (await world.answer(CommandKind.ATTEST, "", order_id)).startswith("done")
        assert (await world.answer(CommandKind.RESET, "incident")).startswith("done")
        await world.clock.sleep(70)
        assert world.engine.breakers.open_now == ()
        filled = await world.records.entries.filled_open(ACCOUNT, world.day)
        assert [(entry.state, entry.origin) for entry in filled] == [
            (OrderState.FILLED, ""),
            (OrderState.FILLED, "adopted"),
        ]
        await world.stop()

    in_world(day, tmp_path)


def test_in_dry_run_a_stranger_is_told_and_stops_nothing(tmp_path: Path) -> None:
    """The records of the live mode are another file, so that its orders look like strangers."""

    async def day(world: World) -> None:
        await world.start()
        request = await a_request(world)
        await world.stop()
        world.mode, world.sends = Mode.DRY_RUN, False
        world.records_file = tmp_path / "dry-run.sqlite3"
        copy_empty_records(world.records_file)
        await world.start()
        place(world, request, "senex-of-live")
        await world.clock.sleep(70)
        assert world.engine.breakers.open_now == ()
        told = [e.text for e in await world.records.journal.newest(100) if e.kind == "reconcile.foreign"]
        held, *orders = sorted(told, key=lambda text: "positions" not in text)
        assert "that no record of this mode explains" in held
        assert len(orders) == 2, "the order of this morning, and the new one"
        assert all("no record of this mode knows it" in text for text in orders)
        await world.stop()

    in_world(day, tmp_path)


@pytest.mark.parametrize("unknown", [False, True], ids=["ours is filled", "ours is unknown"])
def test_an_alert_that_names_nobody_waits_only_where_it_may_be_of_an_order_of_ours(
    tmp_path: Path, unknown: bool
) -> None:
    """An order of ours whose outcome is not known may be the one; it is a minute's wait, and no more."""

    async def day(world: World) -> None:
        await world.start()
        if unknown:
            world.broker.arm(FaultKind.REST_DROP_REQUEST, method="POST", path=f"/accounts/{ACCOUNT}/orders")
        await world.until("09:46")
        entry = await world.entry()
        assert entry.state is (OrderState.UNKNOWN if unknown else OrderState.FILLED)
        spread = replace(entry.request, legs=entry.request.legs[:2], credit=Decimal("1.00"))
        world.exchange.fill_plan = "never"
        world.broker.arm(FaultKind.ORDERS_PARTIAL_PAGE, count=None)  # only the alerts tell
        order_id = place(world, spread, None)

        async def told() -> list[str]:
            newest = await world.records.journal.newest(100)
            return [e.text for e in newest if e.kind == "reconcile.foreign"]

        await world.clock.sleep(2)
        assert len(await told()) == (0 if unknown else 1)
        await world.clock.sleep(48)
        assert len(await told()) == (0 if unknown else 1)
        await world.clock.sleep(40)
        [text] = await told()
        assert f"order {order_id} " in text
        assert world.engine.breakers.open_now == ()
        await world.stop()

    in_world(day, tmp_path)


@pytest.mark.parametrize("lag_s", [0.3, 3, 30])
def test_two_tridents_of_a_day_stop_both_consoles(tmp_path: Path, lag_s: float) -> None:
    """Two consoles with locks in different places, which the account's listings show late: both enter, and both
    notice."""

    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        rival = beside(world, tmp_path / "rival")
        for one, other in ((world, rival), (rival, world)):
            hides(one.broker, lag_s)
            one.broker.arm(FaultKind.ALERTS_LOST, count=None)
            assert one is not other
        await world.start()
        await rival.start()
        await world.until("09:45:05")
        assert [len(console.broker.posted) for console in (world, rival)] == [1, 1]
        await world.clock.sleep(lag_s + 12)
        for console in (world, rival):
            assert open_kinds(console) == {MISMATCH, INCIDENT}
            [why] = [b.why for b in console.engine.breakers.open_now if b.kind is INCIDENT]
            assert "are two tridents of 2026-03-02" in why
            assert (await console.entry()).state is OrderState.WORKING, "what the entry is, is not in doubt"
        await world.until("10:01")
        assert [len(console.broker.posted) for console in (world, rival)] == [1, 1]
        await rival.stop()
        await world.stop()

    in_world(day, tmp_path)


def beside(world: World, folder: Path) -> World:
    """Another console on the same account and exchange, with records and ids of its own."""
    folder.mkdir()
    other = copy.copy(world)
    other.folder, other.records_file, other.stops_folder = folder, folder / "records.sqlite3", folder / "stops"
    other.kill_file = folder / "HALT"
    copy_empty_records(other.records_file)
    other.ids = SeededIds(SEED + 1)
    other.broker = InProcessBroker(world.exchange, world.market, world.clock, LOGIN)
    other.broker.market_data.idle_s, other.broker.market_data.followed_s = 5.0, 2.0
    other.broker.chains = chains_of(SEED, world.market.start)
    return other


def hides(broker: InProcessBroker, lag_s: float) -> None:
    """Listings show an order only some time after the broker received it, whoever placed it."""
    read = broker.orders_since

    async def late(number: str, first_day: date) -> tuple[OrderReport, ...]:
        now = broker.clock.now()
        return tuple(
            report
            for report in await read(number, first_day)
            if report.received_at is None or (now - report.received_at).total_seconds() >= lag_s
        )

    setattr(broker, "orders_since", late)  # noqa: B010 - a method of this one instance
