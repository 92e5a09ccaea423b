"""Orders and account alerts through the unmodified SDK: dry run, place, fill, replace, cancel, listings."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal

import pytest
from tastytrade import Account, AlertStreamer
from tastytrade.account import AccountBalance, CurrentPosition
from tastytrade.order import (
    AdvancedInstructions,
    InstrumentType,
    Leg,
    LimitOrder,
    OrderAction,
    OrderStatus,
    OrderTimeInForce,
    PlacedOrder,
)
from tastytrade.utils import TastytradeError

from core.simulator.exchange.accounts import AccountSetup
from core.simulator.wire.payloads_orders import BodyInvalid, order_changes, order_request
from core.simulator.wire.settings import DEFAULT_ACCOUNT, DEFAULT_LOGIN, Login
from tests.core.simulator.wire.simulated_server import ACCOUNT, MONDAY_TEN, broker, only_account, qqq_spread, status_of


async def test_a_dry_run_shows_effect_fees_and_no_id() -> None:
    async with broker() as server, server.session() as session:
        account = await only_account(session)
        response = await account.place_order(session, await qqq_spread(session, "1.20"), dry_run=True)
        assert not hasattr(response.order, "id")
        assert response.order.price == Decimal("1.20")
        effect = response.buying_power_effect
        assert effect.is_spread
        assert effect.change_in_buying_power < 0
        assert response.fee_calculation is not None
        assert response.fee_calculation.total_fees < 0
        assert response.warnings == []
        alone = await account.get_order_buying_power_effect(session, await qqq_spread(session, "1.20"))
        assert alone.new_buying_power == effect.new_buying_power
        assert await account.get_live_orders(session) == []


async def test_an_order_fills_and_the_account_hears_of_it() -> None:
    async with broker() as server, server.session() as session:
        server.simulator.exchange.fill_plan = "immediate"
        account = await only_account(session)
        order = await qqq_spread(session, "1.20", "senex-1")
        async with AlertStreamer(session) as alerts:
            await alerts.subscribe_accounts([account])
            placed = (await account.place_order(session, order, dry_run=False)).order
            assert placed.status is OrderStatus.RECEIVED
            assert placed.external_identifier == "senex-1"
            seen: list[OrderStatus] = []
            async with asyncio.timeout(10):
                async for update in alerts.listen(PlacedOrder):
                    assert update.id == placed.id
                    seen.append(update.status)
                    if update.status is OrderStatus.FILLED:
                        filled = update
                        break
                balance = await anext(alerts.listen(AccountBalance))
                position = await anext(alerts.listen(CurrentPosition))
        assert seen[:3] == [OrderStatus.RECEIVED, OrderStatus.ROUTED, OrderStatus.IN_FLIGHT]
        assert all(leg.remaining_quantity == 0 for leg in filled.legs)
        assert filled.average_fill_price() <= -Decimal("1.20")
        assert balance.cash_balance != Decimal(25_000)
        assert position.underlying_symbol == "QQQ"
        held = {
            each.symbol: each.quantity_direction for each in await account.get_positions(session, include_marks=True)
        }
        assert held == {order.legs[0].symbol: "Short", order.legs[1].symbol: "Long"}
        assert len(await account.get_positions(session, symbol=order.legs[0].symbol)) == 1
        assert await account.get_positions(session, underlying_symbols=["SPX"]) == []
        (listed,) = await account.get_live_orders(session)
        assert listed.status is OrderStatus.FILLED
        assert {fill.fill_id for leg in listed.legs for fill in leg.fills or []} == {
            fill.fill_id for leg in filled.legs for fill in leg.fills or []
        }


async def test_a_replacement_has_a_new_id_and_a_cancel_ends_it() -> None:
    async with broker() as server, server.session() as session:
        server.simulator.exchange.fill_plan = "never"
        account = await only_account(session)
        order = await qqq_spread(session, "1.20")
        placed = (await account.place_order(session, order, dry_run=False)).order
        await status_of(account, session, placed.id, OrderStatus.LIVE)
        changed = LimitOrder(time_in_force=order.time_in_force, legs=order.legs, price=Decimal("1.25"))
        replacement = await account.replace_order(session, placed.id, changed)
        assert replacement.id != placed.id
        assert replacement.replaces_order_id == placed.id
        await status_of(account, session, placed.id, OrderStatus.CANCELLED)
        live = await status_of(account, session, replacement.id, OrderStatus.LIVE)
        assert live.price == Decimal("1.25")
        await account.delete_order(session, replacement.id)
        ended = await status_of(account, session, replacement.id, OrderStatus.CANCELLED)
        assert ended.terminal_at is not None
        with pytest.raises(TastytradeError, match="cannot_update_order"):
            await account.delete_order(session, replacement.id)
        with pytest.raises(TastytradeError, match="record_not_found"):
            await account.get_order(session, 1)


async def test_an_off_tick_order_is_accepted_and_then_rejected() -> None:
    async with broker() as server, server.session() as session:
        account = await only_account(session)
        placed = (await account.place_order(session, await qqq_spread(session, "1.205"), dry_run=False)).order
        rejected = await status_of(account, session, placed.id, OrderStatus.REJECTED)
        assert rejected.reject_reason


async def test_refusals_name_their_preflight_error() -> None:
    poor = AccountSetup(ACCOUNT, "Poor", "main", Decimal(100))
    async with broker(accounts=(poor,)) as server, server.session() as session:
        account = await only_account(session)
        order = await qqq_spread(session, "1.20")
        for dry_run in (True, False):
            with pytest.raises(TastytradeError, match="margin_check_failed"):
                await account.place_order(session, order, dry_run=dry_run)
        with pytest.raises(KeyError):
            await account.get_order_buying_power_effect(session, order)
        unlisted = order.model_copy(deep=True)
        unlisted.legs[0].symbol = "QQQ   270101P00000001"
        with pytest.raises(TastytradeError, match="validation_error"):
            await account.place_order(session, unlisted, dry_run=False)


async def test_history_is_paged_newest_first_and_filtered() -> None:
    async with broker() as server, server.session() as session:
        server.simulator.exchange.fill_plan = "never"
        account = await only_account(session)
        order = await qqq_spread(session, "1.20")
        placed = [(await account.place_order(session, order, dry_run=False)).order.id for _ in range(5)]
        day = MONDAY_TEN.date()
        first = await account.get_order_history(session, per_page=2, start_date=day)
        assert [each.id for each in first] == placed[:2:-1]
        whole = await account.get_order_history(session, per_page=2, page_offset=None, start_date=day)
        assert [each.id for each in whole] == placed[::-1]
        oldest = await account.get_order_history(session, per_page=2, start_date=day, sort="Asc")
        assert [each.id for each in oldest] == placed[:2]
        assert await account.get_order_history(session, start_date=day, statuses=[OrderStatus.FILLED]) == []
        assert await account.get_order_history(session, end_date=day.replace(day=20)) == []
        assert len(await account.get_order_history(session, start_at=MONDAY_TEN, underlying_symbol="QQQ")) == 5


async def test_another_login_cannot_trade_the_account() -> None:
    other = Login("secret-two", "refresh-two", "second")
    accounts = (DEFAULT_ACCOUNT, AccountSetup("5WT00002", "Other", "second", Decimal(60_000)))
    async with (
        broker(logins=(DEFAULT_LOGIN, other), accounts=accounts) as server,
        server.session() as mine,
        server.session(other) as theirs,
    ):
        account = await only_account(mine)
        order = await qqq_spread(mine, "1.20")
        with pytest.raises(TastytradeError, match="not_permitted"):
            await account.place_order(theirs, order, dry_run=False)
        assert await account.get_live_orders(mine) == []
        async with AlertStreamer(theirs) as alerts:
            with pytest.raises(ExceptionGroup):
                async with AlertStreamer(theirs) as refused:
                    await refused.subscribe_accounts([account])
            await alerts.subscribe_accounts(await Account.get(theirs))
            await account.place_order(mine, order, dry_run=False)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.6):
                    await anext(alerts.listen(PlacedOrder))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"legs": []}, "legs is missing"),
        ({"legs": [7]}, "not an object"),
        ({"price": "x"}, "price 'x' is not a number"),
        ({"price": "NaN"}, "not a number"),
        ({"price": "-1"}, "negative"),
        ({"price": "1E+999999"}, "out of range"),
        ({"price-effect": None}, "price-effect is missing"),
        ({"order-type": "Fancy"}, "order-type 'Fancy'"),
        ({"time-in-force": None}, "time-in-force None"),
        ({"gtc-date": "soon"}, "gtc-date 'soon'"),
        ({"advanced-instructions": True}, "advanced-instructions is not an object"),
        ({"advanced-instructions": {"strict-position-effect-validation": "yes"}}, "neither true nor false"),
    ],
)
def test_unreadable_bodies_name_the_field(change: dict[str, object], text: str) -> None:
    leg = {"instrument-type": "Equity Option", "symbol": "X", "action": "Buy to Open", "quantity": 1}
    body = {"time-in-force": "Day", "order-type": "Limit", "price": "1", "price-effect": "Debit", "legs": [leg]}
    with pytest.raises(BodyInvalid, match=text):
        order_request({**body, **change})


def test_a_price_of_zero_needs_no_effect() -> None:
    assert order_changes({"time-in-force": "Day", "order-type": "Limit", "price": "0"}).price == 0


@pytest.mark.parametrize("strict", [True, False, None])
def test_the_flag_for_position_effects_is_read_from_what_the_sdk_sends(strict: bool | None) -> None:
    instructions = None if strict is None else AdvancedInstructions(strict_position_effect_validation=strict)
    leg = Leg(
        instrument_type=InstrumentType.EQUITY_OPTION,
        symbol="QQQ   270108P00622000",
        action=OrderAction.BUY_TO_CLOSE,
        quantity=1,
    )
    order = LimitOrder(
        time_in_force=OrderTimeInForce.GTC,
        legs=[leg],
        price=Decimal("-0.73"),
        advanced_instructions=instructions,
    )
    request = order_request(json.loads(order.model_dump_json(exclude_none=True, by_alias=True)))
    assert request.strict is (strict is True)
    assert (request.time_in_force, request.price, request.price_effect) == ("GTC", Decimal("0.73"), "Debit")
