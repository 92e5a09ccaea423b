"""Complex orders through the unmodified SDK: placed, read in every listing, told by alerts, cancelled."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from tastytrade import Account, AlertStreamer, Session
from tastytrade.order import (
    ComplexOrderType,
    LimitOrder,
    NewComplexOrder,
    NewOrder,
    OrderAction,
    OrderStatus,
    OrderTimeInForce,
    OrderType,
    OTOOrder,
    PlacedComplexOrder,
)
from tastytrade.utils import TastytradeError

from core.simulator.wire.payloads_complex import complex_request
from core.simulator.wire.payloads_orders import BodyInvalid
from tests.core.simulator.wire.simulated_server import (
    ACCOUNT,
    MONDAY_TEN,
    broker,
    only_account,
    qqq_spread,
    read_until,
    status_of,
)

pytestmark = pytest.mark.filterwarnings("ignore:`New(Complex)?Order` is deprecated:DeprecationWarning")
CLOSES = {OrderAction.SELL_TO_OPEN: OrderAction.BUY_TO_CLOSE, OrderAction.BUY_TO_OPEN: OrderAction.SELL_TO_CLOSE}


def back(opening: LimitOrder, price: str) -> LimitOrder:
    """The order that buys the spread back for this debit, good till cancelled."""
    legs = [leg.model_copy(update={"action": CLOSES[leg.action]}) for leg in opening.legs]
    return LimitOrder(time_in_force=OrderTimeInForce.GTC, legs=legs, price=-Decimal(price))


def group(kind: ComplexOrderType, orders: list[LimitOrder], trigger: LimitOrder | None = None) -> NewComplexOrder:
    """The SDK's own helpers for OCO want a stop order, which the simulator does not take."""

    def plain(order: LimitOrder) -> NewOrder:
        return NewOrder(
            order_type=OrderType.LIMIT, time_in_force=order.time_in_force, legs=order.legs, price=order.price
        )

    first = None if trigger is None else plain(trigger)
    return NewComplexOrder(orders=[plain(order) for order in orders], trigger_order=first, type=kind)


async def placed(account: Account, session: Session, order: Any) -> PlacedComplexOrder:
    answer = await account.place_complex_order(session, order, dry_run=False)
    assert answer.buying_power_effect.is_spread
    assert answer.fee_calculation is not None
    found: PlacedComplexOrder = answer.complex_order
    return found


async def test_a_trigger_releases_its_order_and_every_listing_shows_both() -> None:
    async with broker() as server, server.session() as session:
        server.simulator.exchange.fill_plan = "never"
        account = await only_account(session)
        opening = await qqq_spread(session, "1.20")
        new = await placed(account, session, OTOOrder(trigger_order=opening, orders=[back(opening, "0.50")]))
        assert new.trigger_order is not None
        waiting = new.orders[0]
        assert (new.type, new.terminal_at, new.related_orders) == (ComplexOrderType.OTO, None, [])
        assert (waiting.status, waiting.contingent_status) == (OrderStatus.CONTINGENT, "Pending Order")
        await status_of(account, session, new.trigger_order.id, OrderStatus.LIVE)
        found = await account.get_complex_order(session, new.id)
        assert [order.id for order in await account.get_live_complex_orders(session)] == [new.id]
        assert [order.id for order in await account.get_complex_order_history(session, page_offset=None)] == [new.id]
        assert found.trigger_order is not None
        assert found.trigger_order.status is OrderStatus.LIVE
        singles = {order.id: order for order in await account.get_live_orders(session)}
        assert set(singles) == {new.trigger_order.id, waiting.id}
        for order in singles.values():
            assert int(order.complex_order_id or 0) == new.id
        assert singles[new.trigger_order.id].complex_order_tag == "OTO::trigger-order"
        server.simulator.exchange.fill_plan = "immediate"
        other = await placed(account, session, OTOOrder(trigger_order=opening, orders=[back(opening, "0.05")]))
        assert other.trigger_order is not None
        await status_of(account, session, other.trigger_order.id, OrderStatus.FILLED)
        await read_until(
            lambda: account.get_order(session, other.orders[0].id),
            lambda order: order.status in (OrderStatus.LIVE, OrderStatus.FILLED),
        )


async def test_one_cancels_the_other() -> None:
    async with broker() as server, server.session() as session:
        exchange = server.simulator.exchange
        account = await only_account(session)
        opening = await qqq_spread(session, "1.20")
        exchange.back_office.give(ACCOUNT, {opening.legs[0].symbol: -1, opening.legs[1].symbol: 1}, MONDAY_TEN)
        exchange.fill_plan = "never"
        pair = [back(opening, "0.40"), back(opening, "0.30")]
        new = await placed(account, session, group(ComplexOrderType.OCO, pair))
        for order in new.orders:
            await status_of(account, session, order.id, OrderStatus.LIVE)
        restricted = [held.restricted_quantity for held in await account.get_positions(session)]
        assert restricted == [1, 1], "of two that cancel each other one counts"
        await account.delete_complex_order(session, new.id)
        ended = await read_until(
            lambda: account.get_complex_order(session, new.id), lambda order: order.terminal_at is not None
        )
        assert {order.status for order in ended.orders} == {OrderStatus.CANCELLED}
        with pytest.raises(TastytradeError, match="cannot_update_order"):
            await account.delete_complex_order(session, new.id)
        with pytest.raises(TastytradeError, match="record_not_found"):
            await account.get_complex_order(session, new.id + 1)
        assert [order.id for order in await account.get_live_complex_orders(session)] == [new.id], "it ended today"


async def test_a_replaced_order_is_told_among_the_related_ones() -> None:
    async with broker() as server, server.session() as session:
        exchange = server.simulator.exchange
        exchange.fill_plan = "never"
        account = await only_account(session)
        opening = await qqq_spread(session, "1.20")
        exchange.back_office.give(ACCOUNT, {opening.legs[0].symbol: -1, opening.legs[1].symbol: 1}, MONDAY_TEN)
        pair = [back(opening, "0.40"), back(opening, "0.30")]
        new = await placed(account, session, group(ComplexOrderType.OCO, pair))
        old = await status_of(account, session, new.orders[0].id, OrderStatus.LIVE)
        replacement = await account.replace_order(session, old.id, back(opening, "0.45"))
        await status_of(account, session, replacement.id, OrderStatus.LIVE)
        found = await account.get_complex_order(session, new.id)
        assert found.related_orders == [{"id": str(old.id), "complex-order-id": str(new.id), "status": "Cancelled"}]
        assert {order.id for order in found.orders} == {replacement.id, new.orders[1].id}


async def test_a_dry_run_places_nothing() -> None:
    async with broker() as server, server.session() as session:
        account = await only_account(session)
        opening = await qqq_spread(session, "1.20")
        wanted = group(ComplexOrderType.OTOCO, [back(opening, "0.50"), back(opening, "0.40")], opening)
        answer = await account.place_complex_order(session, wanted, dry_run=True)
        assert answer.complex_order.type is ComplexOrderType.OTOCO
        assert answer.complex_order.trigger_order is not None
        assert len(answer.complex_order.orders) == 2
        assert await account.get_live_complex_orders(session) == []
        assert await account.get_live_orders(session) == []
        single = group(ComplexOrderType.OCO, [back(opening, "0.50")])
        for dry_run in (True, False):
            with pytest.raises(TastytradeError, match="validation_error"):
                await account.place_complex_order(session, single, dry_run=dry_run)


async def test_alerts_tell_of_the_whole_complex_order() -> None:
    async with broker() as server, server.session() as session, AlertStreamer(session) as alerts:
        server.simulator.exchange.fill_plan = "never"
        account = await only_account(session)
        await alerts.subscribe_accounts([account])
        opening = await qqq_spread(session, "1.20")
        new = await placed(account, session, OTOOrder(trigger_order=opening, orders=[back(opening, "0.50")]))
        async with asyncio.timeout(10):
            async for told in alerts.listen(PlacedComplexOrder):
                assert (told.id, len(told.orders)) == (new.id, 1)
                if told.trigger_order is not None and told.trigger_order.status is OrderStatus.LIVE:
                    break


LEG = {"instrument-type": "Equity Option", "symbol": "X", "action": "Buy to Open", "quantity": 1}
SINGLE = {"time-in-force": "Day", "order-type": "Limit", "price": "1", "price-effect": "Debit", "legs": [LEG]}


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "type None does not have a valid value; give OCO, OTO, OTOCO"),
        ({"type": "PAIRS", "orders": [SINGLE]}, "type 'PAIRS'"),
        ({"type": "OCO"}, "orders is missing"),
        ({"type": "OCO", "orders": [7]}, "orders has something that is not an object"),
        ({"type": "OTO", "orders": [SINGLE], "trigger-order": []}, "trigger-order has something"),
        ({"type": "OCO", "orders": [{**SINGLE, "price": "x"}]}, "price 'x' is not a number"),
    ],
)
def test_a_body_that_is_wrong_says_why(body: dict[str, Any], text: str) -> None:
    with pytest.raises(BodyInvalid, match=text):
        complex_request(body)
