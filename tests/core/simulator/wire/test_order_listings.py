"""Which listing shows an order on which day, through the unmodified SDK and through the adapter (broker 2.2)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from tastytrade import Account, Session
from tastytrade.order import OrderStatus, OrderTimeInForce, PlacedOrder

from core.broker.tastytrade import Login as AdapterLogin
from core.broker.tastytrade import TastytradeBroker
from core.runtime.ids import SeededIds
from core.simulator.wire.settings import DEFAULT_LOGIN
from tests.core.broker.simulated_streams import QUICK
from tests.core.simulator.wire.simulated_server import ACCOUNT, MONDAY_TEN, broker, only_account, qqq_spread, status_of

MONDAY, TUESDAY = MONDAY_TEN.date(), MONDAY_TEN.date() + timedelta(days=1)
TUESDAY_TEN = MONDAY_TEN + timedelta(days=1)
MONDAY_EVENING = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
"""21:00 at the exchange: the session is over, and in UTC it is the next day."""


async def working(account: Account, session: Session, in_force: OrderTimeInForce, price: str) -> PlacedOrder:
    order = await qqq_spread(session, price)
    placed = await account.place_order(session, order.model_copy(update={"time_in_force": in_force}), dry_run=False)
    return await status_of(account, session, placed.order.id, OrderStatus.LIVE)


async def listed(account: Account, session: Session, **wanted: Any) -> dict[int, OrderStatus]:
    found = await account.get_order_history(session, page_offset=None, **wanted)
    return {order.id: order.status for order in found}


async def live(account: Account, session: Session) -> dict[int, OrderStatus]:
    return {order.id: order.status for order in await account.get_live_orders(session)}


async def received_since(day: date, url: str, clock: Any) -> dict[str, str]:
    """What the adapter lists."""
    login = AdapterLogin("main", DEFAULT_LOGIN.client_secret, DEFAULT_LOGIN.refresh_token)
    adapter = TastytradeBroker(login, clock, SeededIds(1), base_url=url, timings=QUICK)
    try:
        await adapter.connect()
        await adapter.accounts()
        return {report.order_id: report.status for report in await adapter.orders_since(ACCOUNT, day)}
    finally:
        await adapter.close()


async def test_a_good_till_cancelled_order_is_live_the_next_day_and_a_day_order_is_not() -> None:
    async with broker() as server, server.session() as session:
        server.simulator.exchange.fill_plan = "never"
        account = await only_account(session)
        gtc = await working(account, session, OrderTimeInForce.GTC, "2.40")
        day = await working(account, session, OrderTimeInForce.DAY, "2.50")
        LIVE, EXPIRED = OrderStatus.LIVE, OrderStatus.EXPIRED
        assert await live(account, session) == {gtc.id: LIVE, day.id: LIVE}
        server.clock.jump_to(MONDAY_EVENING)
        assert await live(account, session) == {gtc.id: LIVE, day.id: EXPIRED}
        server.clock.jump_to(TUESDAY_TEN)
        assert await live(account, session) == {gtc.id: LIVE}
        # The history goes by the day of receipt: Tuesday's has neither.
        assert await listed(account, session, start_date=TUESDAY) == {}
        assert await listed(account, session, start_date=MONDAY) == {gtc.id: LIVE, day.id: EXPIRED}
        assert await listed(account, session, start_date=MONDAY, statuses=[EXPIRED]) == {day.id: EXPIRED}
        assert await listed(account, session, end_date=MONDAY) == {gtc.id: LIVE, day.id: EXPIRED}
        assert await listed(account, session) == {gtc.id: LIVE, day.id: EXPIRED}, "a start date may be missing"
        kept = await account.get_order(session, gtc.id)
        assert (kept.status, kept.price, kept.received_at) == (LIVE, gtc.price, gtc.received_at)
        assert await received_since(TUESDAY, server.url, server.clock) == {str(gtc.id): "Live"}
        assert set(await received_since(MONDAY, server.url, server.clock)) == {str(gtc.id), str(day.id)}


async def test_an_order_of_an_earlier_day_is_in_the_live_listing_on_the_day_of_its_end() -> None:
    async with broker() as server, server.session() as session:
        server.simulator.exchange.fill_plan = "never"
        account = await only_account(session)
        gtc = await working(account, session, OrderTimeInForce.GTC, "2.40")
        server.clock.jump_to(TUESDAY_TEN)
        await account.delete_order(session, gtc.id)
        await status_of(account, session, gtc.id, OrderStatus.CANCELLED)
        assert await live(account, session) == {gtc.id: OrderStatus.CANCELLED}
        assert await received_since(TUESDAY, server.url, server.clock) == {str(gtc.id): "Cancelled"}
        server.clock.jump_to(TUESDAY_TEN + timedelta(days=1))
        assert await live(account, session) == {}
        assert (await account.get_order(session, gtc.id)).status is OrderStatus.CANCELLED


async def test_a_cancel_at_night_is_done_at_once() -> None:
    async with broker() as server, server.session() as session:
        server.simulator.exchange.fill_plan = "never"
        account = await only_account(session)
        gtc = await working(account, session, OrderTimeInForce.GTC, "2.40")
        server.clock.jump_to(MONDAY_EVENING)
        assert (await account.get_order(session, gtc.id)).cancellable
        await account.delete_order(session, gtc.id)
        ended = await status_of(account, session, gtc.id, OrderStatus.CANCELLED)
        assert ended.cancelled_at is not None
        assert ended.cancelled_at - MONDAY_EVENING < timedelta(minutes=1)
