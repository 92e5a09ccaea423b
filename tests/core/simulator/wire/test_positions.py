"""The positions of an account through the unmodified SDK, and as a raw client asks for them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
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
    MONDAY_TEN,
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


async def test_a_closed_position_is_there_for_the_day_and_says_what_it_earned() -> None:
    async with broker() as server, server.session() as session:
        account = await only_account(session)
        filled = await filled_spread(server, session, account)
        closed = await account.place_order(session, closing(filled, "2.00"), dry_run=False)
        ended = await status_of(account, session, closed.order.id, OrderStatus.FILLED)
        await read_until(lambda: account.get_positions(session), lambda held: held == [])
        shown = await account.get_positions(session, include_closed=True)
        earned = {}
        for opening, close in zip(filled.legs, ended.legs, strict=True):
            assert opening.fills is not None
            assert close.fills is not None
            gain = (close.fills[0].fill_price - opening.fills[0].fill_price) * 100
            earned[opening.symbol] = -gain if opening.action is OrderAction.SELL_TO_OPEN else gain
        assert {held.symbol: held.realized_today for held in shown} == earned
        # Both legs were opened today: the gain since the previous close is that since the opening.
        assert [held.realized_day_gain for held in shown] == [held.realized_today for held in shown]
        assert {(held.quantity, held.quantity_direction, held.cost_effect) for held in shown} == {(0, "Zero", "None")}
        assert {held.realized_today_date for held in shown} == {MONDAY_TEN.date()}
        server.clock.jump_to(MONDAY_TEN + timedelta(days=1))
        assert await account.get_positions(session, include_closed=True) == []


async def test_a_gain_of_the_evening_belongs_to_the_exchange_date() -> None:
    """At 22:00 at the exchange it is the next day in UTC already."""
    async with broker() as server, server.session() as session:
        account = await only_account(session)
        await filled_spread(server, session, account)
        server.clock.jump_to(datetime(2026, 11, 24, 3, 30, tzinfo=UTC))
        shown = await account.get_positions(session)
        assert {held.realized_today_date for held in shown} == {MONDAY_TEN.date()}


async def test_shares_are_positions_of_their_own_kind() -> None:
    async with broker() as server, server.session() as session:
        account = await only_account(session)
        exchange, now = server.simulator.exchange, server.clock.now()
        exchange.back_office.give(ACCOUNT, {"QQQ": -100}, now)
        (held,) = await account.get_positions(session, instrument_type=InstrumentType.EQUITY, include_marks=True)
        assert (held.symbol, held.quantity, held.quantity_direction, held.multiplier) == ("QQQ", 100, "Short", 1)
        assert held.expires_at is None
        assert held.mark is not None
        balances = await account.get_balances(session)
        assert balances.short_equity_value > 0
        assert balances.long_equity_value == 0
        _, body, _ = await server.get(f"/accounts/{ACCOUNT}/positions", await server.token())
        assert body["data"]["items"][0]["streamer-symbol"] == "QQQ"


async def test_an_adjusted_contract_says_what_it_delivers() -> None:
    async with broker() as server, server.session() as session:
        account = await only_account(session)
        exchange, now = server.simulator.exchange, server.clock.now()
        exchange.back_office.give(ACCOUNT, {"QQQ   270108P00622000": 1, "SPXW  270108P06850000": 1}, now)
        shown = await account.get_positions(session)
        assert {held.deliverable_type for held in shown} == {None}
        exchange.back_office.split("QQQ", Decimal(2), date(2026, 11, 24), now)
        server.clock.jump_to(datetime(2026, 11, 24, 15, 0, tzinfo=UTC))
        shown = await account.get_positions(session)
        assert {held.symbol: held.deliverable_type for held in shown} == {
            "QQQ1  270108P00622000": "Shares",
            "SPXW  270108P06850000": None,
        }
