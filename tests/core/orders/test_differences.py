"""What the broker shows is compared with what was asked for, and a difference is an incident (rules 9, 13.2, 13.6)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import CommandKind
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import OrderReport
from core.simulator.exchange.faults import FaultKind
from core.simulator.exchange.orders import OrderChanges
from core.simulator.in_process.values import order_body
from tests.support.world import ACCOUNT, World, in_world

ORDERS = f"/accounts/{ACCOUNT}/orders"


def incidents(world: World) -> list[str]:
    return [b.why for b in world.engine.breakers.open_now if b.kind is BreakerKind.INCIDENT]


@pytest.mark.parametrize("plan", ["never", "immediate"])
@pytest.mark.parametrize("told", ["by everything", "by reads only"])
@pytest.mark.parametrize(
    ("kind", "named", "says"),
    [
        (FaultKind.ORDERS_CHANGED_PRICE, "3.50", "credit, the broker shows 3.50 credit"),
        (FaultKind.ORDERS_CHANGED_QUANTITY, "2", "the broker shows Sell to Open 4"),
        (FaultKind.ORDERS_LEG_MISSING, "4", "the broker shows no such leg"),
        (FaultKind.ORDERS_TWIN, None, "two orders under one identifier: "),
    ],
)
def test_an_order_that_is_not_as_asked_is_an_incident_and_its_fills_are_kept(
    tmp_path: Path, kind: FaultKind, named: str | None, says: str, told: str, plan: str
) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = plan
        world.broker.arm(kind, named=named)
        if told == "by reads only":
            world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        assert entry.state is OrderState.INCIDENT
        assert says in entry.detail
        [why] = incidents(world)
        assert says in why
        theirs = {f.fill_id for o in world.exchange.orders(ACCOUNT) for leg in o.legs for f in leg.fills}
        assert {fill.fill_id for fill in entry.fills} == theirs
        assert bool(theirs) is (plan == "immediate")
        await world.until("10:01")
        assert len(world.broker.posted) == 1
        await world.stop()

    in_world(day, tmp_path)


def test_a_price_changed_by_a_person_at_the_broker_is_an_incident_that_is_followed(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        changes = OrderChanges("Day", "Limit", entry.limit - Decimal("0.50"), "Credit")
        new = world.exchange.replace(ACCOUNT, int(entry.order_id or ""), changes, world.clock.now(), by="bert")
        await world.until("09:47")
        changed = await world.entry()
        assert (changed.state, changed.order_id, changed.holds_day) == (OrderState.INCIDENT, str(new.id), True)
        assert "credit, the broker shows" in changed.detail
        world.exchange.fill_plan = "immediate"
        await world.until("09:49")
        assert sum(fill.quantity for fill in (await world.entry()).fills) == 6
        assert (await world.answer(CommandKind.ATTEST, entry.id, str(new.id))).startswith("done")
        attested = await world.entry()
        assert (attested.state, attested.terms.credit) == (OrderState.FILLED, changes.price)
        await world.until("09:52")
        assert (await world.entry()).state is OrderState.FILLED, "told again, it is no difference any more"
        await world.stop()

    in_world(day, tmp_path)


@pytest.mark.parametrize("told", ["by everything", "by reads only"])
def test_an_order_that_is_live_again_after_its_cancel_is_an_incident(tmp_path: Path, told: str) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        world.broker.arm(FaultKind.ORDERS_REVIVED, seconds=90)
        if told == "by reads only":
            world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        world.exchange.cancel(ACCOUNT, int(entry.order_id or ""), world.clock.now())
        await world.until("09:47")
        assert (await world.entry()).state is OrderState.CANCELLED
        await world.until("09:49")
        revived = await world.entry()
        assert (revived.state, revived.holds_day) == (OrderState.INCIDENT, True)
        assert f"order {entry.order_id} was shown Cancelled at 2026-03-02 09:46:" in revived.detail
        assert "again at 2026-03-02 09:47:" in revived.detail
        world.exchange.fill_plan = "immediate"
        await world.until("09:51")
        assert sum(fill.quantity for fill in (await world.entry()).fills) == 6
        await world.stop()

    in_world(day, tmp_path)


def test_a_listing_that_leaves_out_a_leg_is_a_hint_and_the_order_is_read(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        listed = world.broker.orders_since

        async def short(number: str, first_day: date) -> tuple[OrderReport, ...]:
            return tuple(replace(report, legs=report.legs[:3]) for report in await listed(number, first_day))

        setattr(world.broker, "orders_since", short)  # noqa: B010 - a method of this one instance
        world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        assert (entry.state, incidents(world)) == (OrderState.FILLED, [])
        assert sum(fill.quantity for fill in entry.fills) == 6
        await world.stop()

    in_world(day, tmp_path)


def test_nothing_is_absent_while_an_order_of_its_shape_stands_unexplained(tmp_path: Path) -> None:
    """The broker may have taken the order and lost our identifier."""

    async def day(world: World) -> None:
        world.broker.arm(FaultKind.REST_DROP_REQUEST, method="POST", path=ORDERS)
        await world.start()
        await world.until("09:45:30")
        unknown = await world.entry()
        assert unknown.state is OrderState.UNKNOWN
        world.exchange.fill_plan = "never"
        body = replace(order_body(unknown.request), external_identifier=None)
        order = world.exchange.submit(ACCOUNT, body, world.clock.now())
        await world.until("09:55")
        assert (await world.entry()).state is OrderState.UNKNOWN
        assert (await world.answer(CommandKind.ATTEST, unknown.id, str(order.id))).startswith("done")
        assert (await world.entry()).state is OrderState.WORKING
        await world.stop()

    in_world(day, tmp_path)


@pytest.mark.parametrize(
    ("held", "state"),
    [
        ({0: -2, 1: 2, 2: -1, 3: 1}, OrderState.UNKNOWN),
        ({0: -1, 1: 1}, OrderState.UNKNOWN),
        ({0: 1}, OrderState.ABSENT),
    ],
    ids=["whole", "one spread", "other side"],
)
def test_positions_of_its_legs_stop_absent(tmp_path: Path, held: dict[int, int], state: OrderState) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.REST_DROP_REQUEST, method="POST", path=ORDERS)
        await world.start()
        await world.until("09:45:30")
        entry = await world.entry()
        assert entry.state is OrderState.UNKNOWN
        contracts = {leg.symbol: held[at] for at, leg in enumerate(_in_order(entry.request.legs)) if at in held}
        world.exchange.back_office.give(ACCOUNT, contracts, world.clock.now())
        await world.until("09:52")
        assert (await world.entry()).state is state
        await world.stop()

    in_world(day, tmp_path)


def _in_order(legs):  # type: ignore[no-untyped-def]
    """Short puts, long puts, short call, long call."""
    return sorted(legs, key=lambda leg: (-leg.quantity, leg.action.value != "Sell to Open"))
