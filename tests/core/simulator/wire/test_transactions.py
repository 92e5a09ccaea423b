"""Transactions through the unmodified SDK over real sockets, and in the forms of other clients' queries."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
from tastytrade import Account, Session
from tastytrade.account import Transaction
from tastytrade.order import InstrumentType, OrderStatus, PlacedOrder
from tastytrade.utils import TastytradeError

from core.simulator.exchange.faults import FaultKind
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

DAY = MONDAY_TEN.date()
PATH = f"/accounts/{ACCOUNT}/transactions"


async def history(account: Account, session: Session, **wanted: Any) -> list[Transaction]:
    """All pages."""
    return await account.get_history(session, page_offset=None, **wanted)


async def filled_spread(server: SimulatedServer, session: Session, account: Account) -> PlacedOrder:
    """A put credit spread of one contract, filled and posted."""
    server.simulator.exchange.fill_plan = "immediate"
    before = len(await history(account, session))
    placed = (await account.place_order(session, await qqq_spread(session, "1.20"), dry_run=False)).order
    filled = await status_of(account, session, placed.id, OrderStatus.FILLED)
    await read_until(lambda: history(account, session), lambda rows: len(rows) == before + 2)
    return filled


async def test_each_leg_of_a_fill_is_a_row() -> None:
    async with broker() as server, server.session() as session:
        account = await only_account(session)
        assert await history(account, session) == []
        assert (await account.get_total_fees(session, DAY)).total_fees == 0
        order = await filled_spread(server, session, account)
        rows = await history(account, session)
        assert [row.id for row in rows] == sorted((row.id for row in rows), reverse=True)
        fills = {leg.symbol: leg.fills[0] for leg in order.legs if leg.fills}
        cash = (await account.get_balances(session)).cash_balance
        assert cash == Decimal(25_000) + sum((row.net_value for row in rows), Decimal(0))
        for row in rows:
            fill = fills[row.symbol or ""]
            leg = next(leg for leg in order.legs if leg.symbol == row.symbol)
            assert (row.transaction_type, row.transaction_sub_type) == ("Trade", leg.action.value)
            assert (row.action, row.quantity, row.price) == (leg.action, fill.quantity, fill.fill_price)
            sign = 1 if leg.action.value.startswith("Sell") else -1
            assert row.value == sign * fill.fill_price * 100
            assert (row.order_id, row.exec_id, row.leg_count) == (order.id, fill.fill_id, 2)
            assert row.executed_at == fill.filled_at
            assert (row.transaction_date, row.is_estimated_fee) == (DAY, True)
            assert (row.instrument_type, row.underlying_symbol) == (InstrumentType.EQUITY_OPTION, "QQQ")
            assert await account.get_transaction(session, row.id) == row
        fees = sum((row.value - row.net_value for row in rows), Decimal(0))
        assert (await account.get_total_fees(session, DAY)).total_fees == -fees
        assert (await account.get_total_fees(session, DAY - timedelta(days=1))).total_fees == 0
        with pytest.raises(TastytradeError, match="record_not_found"):
            await account.get_transaction(session, 1)


async def test_pages_add_up_and_filters_leave_out() -> None:
    async with broker() as server, server.session() as session:
        account = await only_account(session)
        for _ in range(2):
            order = await filled_spread(server, session, account)
        whole = await history(account, session)
        assert len(whole) == 4
        assert await history(account, session, per_page=3) == whole
        assert await history(account, session, sort="Asc") == whole[::-1]
        assert await account.get_history(session, per_page=3, page_offset=1) == whole[3:]
        sold = [row for row in whole if row.transaction_sub_type == "Sell to Open"]
        short = order.legs[0].symbol
        day = timedelta(days=1)
        for wanted, left in (
            ({"type": "Trade"}, whole),
            ({"type": "Receive Deliver"}, []),
            ({"types": ["Money Movement", "Trade"]}, whole),
            ({"sub_types": ["Sell to Open", "Expiration"]}, sold),
            ({"action": "Sell to Open"}, sold),
            ({"symbol": short}, [row for row in whole if row.symbol == short]),
            ({"underlying_symbol": "SPX"}, []),
            ({"instrument_type": InstrumentType.EQUITY_OPTION}, whole),
            ({"instrument_type": InstrumentType.EQUITY}, []),
            ({"start_date": DAY, "end_date": DAY}, whole),
            ({"start_date": DAY + day}, []),
            ({"end_date": DAY - day}, []),
            ({"start_at": whole[0].executed_at}, [r for r in whole if r.executed_at >= whole[0].executed_at]),
            ({"end_at": MONDAY_TEN}, []),
            ({"partition_key": "main"}, whole),
        ):
            assert await history(account, session, **wanted) == left, wanted  # type: ignore[arg-type]
        with pytest.raises(TastytradeError, match="mutually exclusive"):
            await history(account, session, type="Trade", types=["Trade"])


async def test_the_forms_of_other_clients_are_taken() -> None:
    """The broker's JavaScript client writes lists with brackets, others repeat the key or use commas."""
    async with broker() as server, server.session() as session:
        account = await only_account(session)
        order = await filled_spread(server, session, account)
        token = await server.token()
        bought = quote("Buy to Open")
        for query, status, count in (
            ("", 200, 2),
            (f"sub-type[]={bought}", 200, 1),
            (f"sub-type%5B%5D={bought}&sub-type%5B%5D=Expiration", 200, 1),
            (f"sub-type={bought},Expiration", 200, 1),
            ("types[]=Trade&types[]=Receive%20Deliver", 200, 2),
            ("types=Trade", 200, 2),
            (f"symbol={quote(order.legs[0].symbol)}", 200, 1),
            ("start-date=2026-11-23T00:00:00Z", 200, 2),
            ("per-page=1&page-offset=1", 200, 1),
            ("per-page=100000", 200, 2),
            ("nobody-knows=this", 200, 2),
            ("type=Trade&types[]=Trade", 400, 0),
            ("per-page=x", 400, 0),
            ("start-date=soon", 400, 0),
        ):
            answered, body, _ = await server.get(f"{PATH}?{query}", token)
            assert answered == status, query
            assert len(body.get("data", {"items": []})["items"]) == count, query
        _, body, _ = await server.get(f"{PATH}?per-page=1&page-offset=1", token)
        assert body["pagination"] == {
            "per-page": 1,
            "page-offset": 1,
            "item-offset": 1,
            "total-items": 2,
            "total-pages": 2,
            "current-item-count": 1,
            "previous-link": None,
            "next-link": None,
            "paging-link-template": None,
        }
        assert body["context"] == PATH
        status, body, _ = await server.get(f"{PATH}/total-fees", token)
        assert (status, body["data"]["total-fees-effect"]) == (200, "Debit")
        assert (await server.get(f"{PATH}/latest", token))[0] == 404


async def test_overlapping_pages_show_a_row_twice() -> None:
    async with broker() as server, server.session() as session:
        account = await only_account(session)
        for _ in range(2):
            await filled_spread(server, session, account)
        whole = [row.id for row in await history(account, session)]
        server.arm(FaultKind.TRANSACTIONS_OVERLAPPING_PAGES)
        assert [row.id for row in await history(account, session)] == [*whole[:2], *whole[1:3]]


SPX_FRIDAY = datetime(2026, 11, 27, 17, 30, tzinfo=UTC)
"""12:30 at the exchange on a half day: SPXW stops at 13:00."""


async def test_a_cash_settlement_is_two_rows_the_next_morning() -> None:
    async with broker(at=SPX_FRIDAY) as server, server.session() as session:
        account, exchange = await only_account(session), server.simulator.exchange
        price = server.simulator.market.trade("SPX", server.clock.now())
        assert price is not None
        strikes = server.simulator.market.chain("SPX", SPX_FRIDAY.date())
        listed = next(root for root in strikes if root.root == "SPXW").expirations[0]
        assert listed.day == SPX_FRIDAY.date()
        above = min((s for s in listed.strikes if s.strike > price.price + 100), key=lambda s: s.strike)
        below = max((s for s in listed.strikes if s.strike < price.price - 100), key=lambda s: s.strike)
        exchange.back_office.give(ACCOUNT, {above.put_occ: -2, below.put_occ: 2}, server.clock.now())
        before = (await account.get_balances(session)).cash_balance
        server.clock.jump_to(SPX_FRIDAY + timedelta(hours=18))
        rows = await history(account, session, sort="Asc")
        kinds = [(row.transaction_sub_type, row.symbol) for row in rows]
        assert sorted(kinds) == sorted(
            [
                ("Cash Settled Assignment", above.put_occ),
                ("Assignment", above.put_occ),
                ("Expiration", below.put_occ),
            ]
        )
        cash, removal, expired = sorted(rows, key=lambda row: row.value)
        assert {row.transaction_type for row in rows} == {"Receive Deliver"}
        assert (cash.price, cash.quantity, cash.clearing_fees) == (above.strike, 2, -5)
        settled = server.simulator.market.settlement_price(server.simulator.market.option(above.put_occ))  # type: ignore[arg-type]
        assert cash.value == (settled - above.strike) * 200
        assert cash.net_value == cash.value - 5
        assert cash.executed_at == datetime(2026, 11, 28, 3, 0, tzinfo=UTC)
        for row in rows:
            assert (row.transaction_date, row.order_id, row.action) == (date(2026, 11, 27), None, None)
        for row in (removal, expired):
            assert (row.value, row.net_value, row.price, row.quantity) == (0, 0, None, 2)
        assert await account.get_positions(session) == []
        assert (await account.get_balances(session)).cash_balance == before + cash.net_value


async def test_shares_get_their_dividend_on_the_day_of_its_payment() -> None:
    """The ex-date is Monday 2026-12-21; it is paid on the last session of the year."""
    async with broker() as server, server.session() as session:
        account = await only_account(session)
        server.simulator.exchange.back_office.give(ACCOUNT, {"QQQ": 100}, server.clock.now())
        server.clock.jump_to(datetime(2026, 12, 31, 10, 0, tzinfo=UTC))
        assert await history(account, session, sub_types=["Dividend"]) == []
        server.clock.jump_to(datetime(2026, 12, 31, 13, 0, tzinfo=UTC))
        (row,) = await history(account, session, sub_types=["Dividend"])
        assert (row.transaction_type, row.symbol, row.quantity) == ("Money Movement", "QQQ", None)
        assert row.value == row.net_value == Decimal("79.41")
        assert (row.transaction_date, row.order_id) == (date(2026, 12, 31), None)
        assert (await account.get_balances(session)).cash_balance == Decimal("25079.41")
