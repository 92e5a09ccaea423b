"""One working day of a client in one test, with the unmodified SDK."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest
from tastytrade import AlertStreamer, DXLinkStreamer, Session
from tastytrade.account import AccountBalance, CurrentPosition
from tastytrade.dxfeed import Candle, Event, Greeks, Quote, Summary, Trade, Underlying
from tastytrade.instruments import NestedOptionChain, Option, Strike, get_option_chain
from tastytrade.market_data import get_market_data_by_type
from tastytrade.market_sessions import ExchangeType, MarketStatus, get_market_holidays, get_market_sessions
from tastytrade.metrics import get_market_metrics
from tastytrade.order import InstrumentType, Leg, LimitOrder, OrderAction, OrderStatus, PlacedOrder

from tests.core.simulator.wire.simulated_server import MONDAY_TEN, broker, only_account, status_of

TRIDENT = (
    ("put", 0, OrderAction.SELL_TO_OPEN, 2),
    ("put", -5, OrderAction.BUY_TO_OPEN, 2),
    ("call", 0, OrderAction.SELL_TO_OPEN, 1),
    ("call", 5, OrderAction.BUY_TO_OPEN, 1),
)


async def strikes_to_trade(session: Session) -> dict[Decimal, Strike]:
    (chain,) = await NestedOptionChain.get(session, "QQQ")
    target = MONDAY_TEN.date() + timedelta(days=45)
    nearest = min(chain.expirations, key=lambda entry: abs(entry.expiration_date - target))
    assert nearest.expiration_date in await get_option_chain(session, "QQQ")
    return {strike.strike_price: strike for strike in nearest.strikes}


async def quotes_of(streamer: DXLinkStreamer, symbols: list[str]) -> dict[str, Quote]:
    await streamer.subscribe(Quote, symbols)
    found: dict[str, Quote] = {}
    async with asyncio.timeout(5):
        while not set(symbols) <= set(found):
            quote = await streamer.get_event(Quote)
            found[quote.event_symbol] = quote
    return found


@pytest.mark.parametrize("is_test", [False, True], ids=["production", "certification"])
async def test_a_trident_from_login_to_fill_and_a_second_one_replaced_and_cancelled(is_test: bool) -> None:
    async with broker() as server, server.session(is_test=is_test) as session:
        await session.refresh()
        assert await session.validate()
        account = await only_account(session)
        before = await account.get_balances(session)
        assert await account.get_positions(session) == []
        assert not (await account.get_trading_status(session)).is_frozen
        strikes = await strikes_to_trade(session)
        assert await get_market_metrics(session, ["QQQ", "SPX"])
        (qqq,) = await get_market_data_by_type(session, equities=["QQQ"])
        (current,) = await get_market_sessions(session, [ExchangeType.NYSE])
        assert current.status is MarketStatus.OPEN
        assert (await get_market_holidays(session)).holidays
        assert qqq.mark is not None
        body = 2 * round(qqq.mark / 2)
        chosen = [getattr(strikes[Decimal(body + offset)], right) for right, offset, _, _ in TRIDENT]
        names = [
            getattr(strikes[Decimal(body + offset)], f"{right}_streamer_symbol") for right, offset, _, _ in TRIDENT
        ]
        assert (await Option.get(session, chosen[0])).streamer_symbol == names[0]
        async with DXLinkStreamer(session) as streamer, AlertStreamer(session) as alerts:
            await alerts.subscribe_accounts([account])
            quotes = await quotes_of(streamer, ["QQQ", *names])
            others: list[tuple[type[Event], list[str]]] = [
                (Trade, ["SPX"]),
                (Summary, ["QQQ"]),
                (Underlying, ["QQQ"]),
                (Greeks, names),
            ]
            for kind, symbols in others:
                await streamer.subscribe(kind, symbols)
                async with asyncio.timeout(5):
                    assert (await streamer.get_event(kind)).event_symbol in symbols
            await streamer.subscribe_candle(["QQQ"], "1d", MONDAY_TEN - timedelta(days=365))
            async with asyncio.timeout(5):
                assert (await streamer.get_event(Candle)).close > 0
            mid = {name: (quotes[name].bid_price + quotes[name].ask_price) / 2 for name in names}
            credit = 2 * (mid[names[0]] - mid[names[1]]) + mid[names[2]] - mid[names[3]]
            price = credit.quantize(Decimal("0.01")) - Decimal("0.10")
            legs = [
                Leg(instrument_type=InstrumentType.EQUITY_OPTION, symbol=symbol, action=action, quantity=quantity)
                for symbol, (_, _, action, quantity) in zip(chosen, TRIDENT, strict=True)
            ]
            order = LimitOrder(legs=legs, price=price, external_identifier="senex-7")
            trial = await account.place_order(session, order, dry_run=True)
            assert trial.buying_power_effect.change_in_buying_power < 0
            server.simulator.exchange.fill_plan = "immediate"
            placed = (await account.place_order(session, order, dry_run=False)).order
            statuses: list[OrderStatus] = []
            async with asyncio.timeout(10):
                async for update in alerts.listen(PlacedOrder):
                    statuses.append(update.status)
                    if update.status is OrderStatus.FILLED:
                        break
                balance = await anext(alerts.listen(AccountBalance))
                shown: set[str] = set()
                async for position in alerts.listen(CurrentPosition):
                    shown.add(position.symbol)
                    if shown == set(chosen):
                        break
            assert statuses[:2] == [OrderStatus.RECEIVED, OrderStatus.ROUTED]
            assert -update.average_fill_price() >= price
            assert update.external_identifier == "senex-7"
            assert balance.cash_balance > before.cash_balance
            held = {each.symbol: each.quantity for each in await account.get_positions(session)}
            assert held == {symbol: quantity for symbol, (_, _, _, quantity) in zip(chosen, TRIDENT, strict=True)}
            after = await account.get_balances(session)
            assert after.derivative_buying_power < before.derivative_buying_power
            server.simulator.exchange.fill_plan = "never"
            second = (await account.place_order(session, order, dry_run=False)).order
            await status_of(account, session, second.id, OrderStatus.LIVE)
            changed = LimitOrder(legs=legs, price=price + Decimal("0.05"))
            third = await account.replace_order(session, second.id, changed)
            await status_of(account, session, third.id, OrderStatus.LIVE)
            await account.delete_order(session, third.id)
            await status_of(account, session, third.id, OrderStatus.CANCELLED)
        listed = {each.id: each.status for each in await account.get_live_orders(session)}
        assert listed == {
            placed.id: OrderStatus.FILLED,
            second.id: OrderStatus.CANCELLED,
            third.id: OrderStatus.CANCELLED,
        }
