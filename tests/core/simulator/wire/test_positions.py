"""The positions of an account through the unmodified SDK, and as a raw client asks for them."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import quote

from tastytrade import Account, Session
from tastytrade.order import (
    InstrumentType,
    Leg,
    LimitOrder,
    OrderAction,
    OrderStatus,
    OrderTimeInForce,
    PlacedOrder,
)

from tests.core.simulator.wire.simulated_server import (
    ACCOUNT,
    SimulatedServer,
    broker,
    only_account,
    qqq_spread,
    read_until,
    status_of,
)


async def filled_spread(server: SimulatedServer, session: Session, account: Account) -> PlacedOrder:
    """A put credit spread of one contract, filled and among the positions."""
    server.simulator.exchange.fill_plan = "immediate"
    placed = (await account.place_order(session, await qqq_spread(session, "1.20"), dry_run=False)).order
    filled = await status_of(account, session, placed.id, OrderStatus.FILLED)
    await read_until(lambda: account.get_positions(session), lambda held: len(held) == len(filled.legs))
    return filled


def closing(filled: PlacedOrder, price: str) -> LimitOrder:
    """A good-till-cancelled order that buys the spread back for this debit."""
    actions = {"Sell to Open": OrderAction.BUY_TO_CLOSE, "Buy to Open": OrderAction.SELL_TO_CLOSE}
    legs = [
        Leg(instrument_type=leg.instrument_type, symbol=leg.symbol, action=actions[leg.action.value], quantity=1)
        for leg in filled.legs
    ]
    return LimitOrder(time_in_force=OrderTimeInForce.GTC, legs=legs, price=-Decimal(price))


async def test_marks_come_to_those_who_ask_for_them() -> None:
    async with broker() as server, server.session() as session:
        account = await only_account(session)
        filled = await filled_spread(server, session, account)
        bare = await account.get_positions(session)
        assert [(held.mark, held.mark_price) for held in bare] == [(None, None)] * 2
        for held in await account.get_positions(session, include_marks=True):
            assert held.mark_price is not None
            assert held.mark == held.mark_price * held.quantity * held.multiplier
            fills = next(leg.fills for leg in filled.legs if leg.symbol == held.symbol)
            assert fills is not None
            assert held.average_open_price == fills[0].fill_price
            assert held.multiplier == 100
            assert (held.realized_today, held.restricted_quantity) == (0, 0)


async def test_working_closes_restrict_the_quantity() -> None:
    async with broker() as server, server.session() as session:
        account = await only_account(session)
        filled = await filled_spread(server, session, account)
        server.simulator.exchange.fill_plan = "never"
        close = (await account.place_order(session, closing(filled, "0.10"), dry_run=False)).order
        await status_of(account, session, close.id, OrderStatus.LIVE)
        assert [held.restricted_quantity for held in await account.get_positions(session)] == [1, 1]
        await account.delete_order(session, close.id)
        await status_of(account, session, close.id, OrderStatus.CANCELLED)
        assert [held.restricted_quantity for held in await account.get_positions(session)] == [0, 0]


async def test_every_filter_is_taken_in_each_form() -> None:
    async with broker() as server, server.session() as session:
        account = await only_account(session)
        short, long = (leg.symbol for leg in (await filled_spread(server, session, account)).legs)
        asked = account.get_positions
        assert len(await asked(session, underlying_symbols=["QQQ", "SPX"], net_positions=True)) == 2
        assert await asked(session, underlying_symbols=["SPX"]) == []
        assert [held.symbol for held in await asked(session, symbol=short)] == [short]
        assert len(await asked(session, instrument_type=InstrumentType.EQUITY_OPTION, partition_keys=["main"])) == 2
        assert await asked(session, instrument_type=InstrumentType.EQUITY) == []
        token = await server.token()
        for query, wanted in (
            ("underlying-symbol[]=SPX&underlying-symbol[]=QQQ", 2),
            ("underlying-symbol=SPX,QQQ&something-new=1", 2),
            (f"symbol={quote(long)}&include-marks=True", 1),
        ):
            status, body, _ = await server.get(f"/accounts/{ACCOUNT}/positions?{query}", token)
            assert (status, len(body["data"]["items"])) == (200, wanted), query
