"""Closing orders without their position through the unmodified SDK, under each habit of the broker (broker 9, 14)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tastytrade import Session
from tastytrade.order import (
    AdvancedInstructions,
    InstrumentType,
    Leg,
    LimitOrder,
    OrderAction,
    OrderStatus,
    OrderTimeInForce,
)
from tastytrade.utils import TastytradeError

from tests.core.simulator.wire.simulated_server import (
    ACCOUNT,
    SimulatedServer,
    broker,
    only_account,
    read_until,
    status_of,
)

PUTS = ("QQQ   270108P00622000", "QQQ   270108P00619000")


def closing(strict: bool) -> LimitOrder:
    """The order that buys a put spread back."""
    actions = (OrderAction.BUY_TO_CLOSE, OrderAction.SELL_TO_CLOSE)
    legs = [
        Leg(instrument_type=InstrumentType.EQUITY_OPTION, symbol=symbol, action=action, quantity=1)
        for symbol, action in zip(PUTS, actions, strict=True)
    ]
    instructions = AdvancedInstructions(strict_position_effect_validation=True) if strict else None
    return LimitOrder(
        time_in_force=OrderTimeInForce.GTC, legs=legs, price=Decimal("-1.50"), advanced_instructions=instructions
    )


async def choose(server: SimulatedServer, **habits: object) -> None:
    body = {name.replace("_", "-"): value for name, value in habits.items()}
    assert (await server.post("/simulator/habits", body))[0] == 200


async def test_a_strict_close_without_its_position_is_taken_and_then_rejected() -> None:
    async with broker() as server, server.session() as session:
        account = await only_account(session)
        checked = await account.place_order(session, closing(strict=True), dry_run=True)
        assert {warning.code for warning in checked.warnings or []} == {"closing_with_no_position"}
        placed = (await account.place_order(session, closing(strict=True), dry_run=False)).order
        assert placed.status is OrderStatus.RECEIVED
        ended = await status_of(account, session, placed.id, OrderStatus.REJECTED)
        assert ended.reject_reason == "Order would not close a position"
        assert await account.get_positions(session) == []


async def test_a_close_without_its_position_becomes_an_opening_order() -> None:
    async with broker() as server, server.session() as session:
        server.simulator.exchange.fill_plan = "immediate"
        account = await only_account(session)
        placed = (await account.place_order(session, closing(strict=False), dry_run=False)).order
        assert [leg.action for leg in placed.legs] == [OrderAction.BUY_TO_OPEN, OrderAction.SELL_TO_OPEN]
        await status_of(account, session, placed.id, OrderStatus.FILLED)
        await read_until(lambda: account.get_positions(session), lambda held: len(held) == 2)
        assert server.simulator.exchange.opened_by_close == [(placed.id, symbol) for symbol in PUTS]


async def test_other_habits_refuse_it() -> None:
    async with broker() as server, server.session() as session:
        account = await only_account(session)
        await choose(server, strict_without_position="refuse", relabel=False, warns_no_position=False)
        with pytest.raises(TastytradeError, match="closing_with_no_position"):
            await account.place_order(session, closing(strict=True), dry_run=False)
        with pytest.raises(TastytradeError, match="validation_error"):
            await account.place_order(session, closing(strict=False), dry_run=False)
        assert await account.get_live_orders(session) == []


@pytest.mark.parametrize(("habit", "taken"), [("reserve", False), ("ignore", True)])
async def test_a_second_close_of_the_same_contracts(habit: str, taken: bool) -> None:
    async with broker() as server, server.session() as session:
        exchange = server.simulator.exchange
        exchange.fill_plan = "never"
        exchange.back_office.give(ACCOUNT, {PUTS[0]: -1, PUTS[1]: 1}, server.clock.now())
        await choose(server, working_closes=habit)
        account = await only_account(session)
        first = await works(session, server, closing(strict=True))
        second = (await account.place_order(session, closing(strict=True), dry_run=False)).order
        ended = await status_of(account, session, second.id, OrderStatus.LIVE if taken else OrderStatus.REJECTED)
        assert ended.id != first


async def works(session: Session, server: SimulatedServer, order: LimitOrder) -> int:
    """The id of the order, once it works."""
    account = await only_account(session)
    placed = (await account.place_order(session, order, dry_run=False)).order
    return (await status_of(account, session, placed.id, OrderStatus.LIVE)).id
