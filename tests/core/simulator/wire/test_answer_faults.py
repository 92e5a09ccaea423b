"""Answers that drip, lack their date, overlap or tell odd sessions, as raw clients and the unmodified SDK meet them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from tastytrade.market_sessions import ExchangeType, MarketStatus, get_market_sessions
from tastytrade.order import OrderStatus

from core.simulator.exchange.faults import Fault, FaultKind, FaultMatch
from tests.core.simulator.wire.simulated_server import (
    ACCOUNT,
    MONDAY_TEN,
    SimulatedServer,
    broker,
    only_account,
    qqq_spread,
    status_of,
)

PATH = "/market-time/sessions/current?instrument-collections=Equity"


async def _pieces(server: SimulatedServer, path: str) -> list[tuple[float, bytes]]:
    """What comes of an answer, piece by piece, each with the seconds since the request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    loop = asyncio.get_running_loop()
    token = await server.token()
    began = loop.time()
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: test\r\nAuthorization: Bearer {token}\r\n\r\n"
    writer.write(head.encode())
    pieces = []
    while piece := await reader.read(65_536):
        pieces.append((loop.time() - began, piece))
    writer.close()
    return pieces


@pytest.mark.parametrize("named", [None, "headers"])
async def test_an_answer_comes_in_drops(named: str | None) -> None:
    match = FaultMatch(path="/market-time", field=named)
    async with broker() as server:
        server.arm(FaultKind.REST_DRIP, seconds=0.02, match=match)
        pieces = await _pieces(server, PATH)
        head, _, body = b"".join(piece for _, piece in pieces).partition(b"\r\n\r\n")
        whole = (await server.get(PATH, await server.token()))[1]
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert body.startswith(b'{"data"')
    assert whole["data"]["items"][0]["state"] == "Open"
    slow = len(body) if named is None else len(head) + 4 + len(body)
    assert pieces[-1][0] > slow / 20 * 0.02 * 0.9
    assert (len(pieces[0][1]) <= 40) is (named == "headers")


async def test_a_client_that_leaves_a_dripping_answer_leaves_nothing_behind() -> None:
    async with broker() as server:
        server.arm(FaultKind.REST_DRIP, seconds=0.05, match=FaultMatch(path="/market-time"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await _pieces(server, PATH)
        assert (await server.get(PATH, await server.token()))[0] == 200


async def test_an_answer_may_lack_its_date() -> None:
    async with broker() as server:
        token = await server.token()
        server.arm(FaultKind.DATE_MISSING, match=FaultMatch(path="/customers"))
        without = await server.get("/customers/me/accounts", token)
        dated = await server.get("/customers/me/accounts", token)
    assert without[0] == dated[0] == 200
    assert "Date" not in without[2]
    assert abs(parsedate_to_datetime(dated[2]["Date"]) - MONDAY_TEN) < timedelta(seconds=30)


async def test_the_date_follows_the_brokers_clock_and_the_told_clock_does_not() -> None:
    async with broker() as server:
        server.arm(FaultKind.CLOCK_OFFSET, count=None, seconds=-895)
        _, _, headers = await server.get("/customers/me/accounts", await server.token())
        _, clock, _ = await server.get("/simulator/clock")
    off = parsedate_to_datetime(headers["Date"]) - datetime.fromisoformat(clock["data"]["market-time"])
    assert abs(off + timedelta(seconds=895)) < timedelta(seconds=3)


async def test_quotes_are_dated_by_the_brokers_clock() -> None:
    async with broker() as server:
        events, clock = server.simulator.feed.events, server.simulator.feed.clock
        bid_time = 4  # the place of bidTime among the fields of a quote
        true = events.event("Quote", "QQQ", clock.now())
        server.arm(FaultKind.CLOCK_OFFSET, count=None, seconds=180)
        shifted = events.event("Quote", "QQQ", clock.now())
    assert true is not None
    assert shifted is not None
    assert 175_000 < shifted[bid_time] - true[bid_time] < 190_000  # type: ignore[operator]


async def test_pages_may_overlap_and_count_as_announced() -> None:
    async with broker() as server, server.session() as session:
        server.simulator.exchange.fill_plan = "never"
        account, order = await only_account(session), await qqq_spread(session, "1.20")
        placed = [(await account.place_order(session, order, dry_run=False)).order.id for _ in range(5)]
        newest = placed[::-1]
        server.arm(FaultKind.ORDERS_OVERLAPPING_PAGES, count=None)
        token, path = await server.token(), f"/accounts/{ACCOUNT}/orders?start-date={MONDAY_TEN.date()}"
        pages = [(await server.get(f"{path}&page-offset={page}", token))[1] for page in range(3)]
        whole = await account.get_order_history(session, page_offset=None, start_date=MONDAY_TEN.date())
    listed = [[item["id"] for item in page["data"]["items"]] for page in pages]
    assert listed == [newest[0:2], newest[1:3], newest[3:4]]
    counts = [page["pagination"]["current-item-count"] for page in pages]
    assert counts == [2, 2, 1]
    assert {(page["pagination"]["total-items"], page["pagination"]["total-pages"]) for page in pages} == {(5, 3)}
    assert [each.id for each in whole] == [i for page in listed for i in page]


async def test_the_session_may_be_past_its_close_or_without_one() -> None:
    async with broker() as server, server.session() as session:
        server.arm(FaultKind.SESSION_PAST_CLOSE)
        (past,) = await get_market_sessions(session, [ExchangeType.NYSE])
        server.arm(FaultKind.SESSION_OPEN_WITHOUT_CLOSE)
        (without,) = await get_market_sessions(session, [ExchangeType.NYSE])
        (true,) = await get_market_sessions(session, [ExchangeType.NYSE])
    assert (past.status, without.status) == (MarketStatus.OPEN, MarketStatus.OPEN)
    assert past.close_at is not None
    assert past.close_at < MONDAY_TEN
    assert without.close_at is None
    assert true.close_at == datetime(2026, 11, 23, 21, 0, tzinfo=UTC)


async def test_an_order_names_who_placed_it_and_who_cancelled_it() -> None:
    async with broker() as server, server.session() as session:
        server.simulator.exchange.fill_plan = "never"
        account, order = await only_account(session), await qqq_spread(session, "1.20")
        mine, theirs = [(await account.place_order(session, order, dry_run=False)).order for _ in range(2)]
        await status_of(account, session, theirs.id, OrderStatus.LIVE)
        await account.delete_order(session, mine.id)
        body = {"act": "cancel", "account": ACCOUNT, "id": theirs.id, "by": "rival"}
        assert (await server.post("/simulator/act", body))[0] == 200
        mine = await status_of(account, session, mine.id, OrderStatus.CANCELLED)
        theirs = await status_of(account, session, theirs.id, OrderStatus.CANCELLED)
    assert (mine.username, mine.cancel_username) == ("main", "main")
    assert mine.user_id == mine.cancel_user_id is not None
    assert (theirs.username, theirs.cancel_username) == ("main", "rival")
    assert theirs.user_id == mine.user_id != theirs.cancel_user_id


@pytest.mark.parametrize(
    ("kind", "change", "text"),
    [
        (FaultKind.CLOCK_OFFSET, {}, "seconds None is no offset"),
        (FaultKind.CLOCK_OFFSET, {"seconds": 0.0}, "seconds 0.0 is no offset"),
        (FaultKind.CLOCK_OFFSET, {"seconds": -90_000.0}, "seconds -90000.0 is no offset"),
        (FaultKind.ORDERS_REVIVED, {"seconds": -5.0}, "seconds -5 is outside"),
        (FaultKind.REST_DRIP, {"match": FaultMatch(field="body")}, "'body' is not known"),
        (FaultKind.ORDERS_CHANGED_PRICE, {"match": FaultMatch(field="cheap")}, "'cheap' is no price"),
        (FaultKind.ORDERS_CHANGED_PRICE, {"match": FaultMatch(field="NaN")}, "'NaN' is no price"),
        (FaultKind.ORDERS_CHANGED_QUANTITY, {"match": FaultMatch(field="1")}, "no whole number of 2 to 100"),
        (FaultKind.ORDERS_LEG_MISSING, {"match": FaultMatch(field="5")}, "no whole number of 1 to 4"),
        (FaultKind.ORDERS_OVERLAPPING_PAGES, {"match": FaultMatch(field="two")}, "no whole number of 2 to 250"),
    ],
)
def test_what_a_kind_cannot_have_is_refused(kind: FaultKind, change: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Fault(kind, **change)
