"""REST and order faults as the unmodified SDK meets them, and the control endpoint that arms them."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from pydantic import ValidationError
from tastytrade import Account
from tastytrade.instruments import NestedOptionChain
from tastytrade.market_sessions import ExchangeType, MarketStatus, get_market_sessions
from tastytrade.utils import TastytradeError

from core.simulator.exchange.armed_faults import ArmedFaults
from core.simulator.exchange.fault_plan import PLANNED_KINDS, PlannedFault, random_plan
from core.simulator.exchange.faults import CONDITION_KINDS, Fault, FaultKind, FaultMatch
from core.simulator.wire.control import BodyRefused, parse_fault
from tests.core.simulator.wire.simulated_server import ACCOUNT, MONDAY_TEN, broker, only_account, qqq_spread, until

ORDERS = FaultMatch(method="POST", path=f"/accounts/{ACCOUNT}/orders")


@pytest.mark.parametrize(
    ("kind", "raised", "text"),
    [
        (FaultKind.REST_DROP_REQUEST, (httpx2.RemoteProtocolError, httpx2.ReadError), None),
        (FaultKind.REST_5XX_HTML, TastytradeError, "Couldn't parse response"),
        (FaultKind.REST_429, TastytradeError, "too_many_requests"),
        (FaultKind.REST_TOKEN_INVALID, TastytradeError, "token_invalid"),
    ],
)
async def test_what_fails_before_processing_places_no_order(kind: FaultKind, raised: Any, text: str | None) -> None:
    async with broker() as server, server.session() as session:
        account, order = await only_account(session), await qqq_spread(session, "1.20")
        server.arm(kind, match=ORDERS)
        with pytest.raises(raised, match=text):
            await account.place_order(session, order, dry_run=False)
        assert await account.get_live_orders(session) == []
        assert (await account.place_order(session, order, dry_run=False)).order.id


@pytest.mark.parametrize(
    ("kind", "raised"),
    [
        (FaultKind.REST_DROP_RESPONSE, (httpx2.RemoteProtocolError, httpx2.ReadError)),
        (FaultKind.REST_5XX_AFTER, TastytradeError),
        (FaultKind.REST_GARBAGE, json.JSONDecodeError),
        (FaultKind.REST_HTML, json.JSONDecodeError),
        (FaultKind.REST_JSON_LIST, AttributeError),
        (FaultKind.REST_MISSING_FIELD, ValidationError),
        (FaultKind.REST_UNKNOWN_ORDER_STATUS, ValidationError),
        (FaultKind.REST_ODD_FIELD, ValidationError),
    ],
)
async def test_what_fails_after_processing_leaves_the_order_at_the_broker(kind: FaultKind, raised: Any) -> None:
    async with broker() as server, server.session() as session:
        account, order = await only_account(session), await qqq_spread(session, "1.20", "senex-9")
        server.arm(kind, match=ORDERS)
        with pytest.raises(raised):
            await account.place_order(session, order, dry_run=False)
        (found,) = await account.get_live_orders(session)
        assert found.external_identifier == "senex-9"


async def test_an_order_taken_up_late_is_accepted_though_its_sender_has_given_up() -> None:
    late = FaultMatch(method="POST", path_end="/orders")
    async with broker() as server, server.session(timeout=0.2) as session:
        account, order = await only_account(session), await qqq_spread(session, "1.20", "senex-9")
        server.arm(FaultKind.REST_DELAY_BEFORE, seconds=0.4, match=late)
        await account.place_order(session, order, dry_run=True)
        with pytest.raises(httpx2.ReadTimeout):
            await account.place_order(session, order, dry_run=False)
        assert await account.get_live_orders(session) == []
        await until(lambda: bool(server.simulator.exchange.orders(ACCOUNT)))


async def test_a_named_field_can_be_left_out() -> None:
    async with broker() as server, server.session() as session:
        account = await only_account(session)
        server.arm(FaultKind.REST_MISSING_FIELD, match=FaultMatch(path="/accounts", field="derivative-buying-power"))
        with pytest.raises(ValidationError, match="derivative-buying-power"):
            await account.get_balances(session)
        assert await account.get_balances(session)


@pytest.mark.parametrize("value", [123, None, {}, "", []])
async def test_a_named_field_of_one_item_can_be_odd(value: Any) -> None:
    strike = "QQQ   261224P00621000"
    match = FaultMatch(path="/option-chains", field="put-streamer-symbol", having=strike)
    async with broker() as server:
        token = await server.token()
        path = "/option-chains/QQQ/nested"
        _, before, _ = await server.get(path, token)
        server.arm(FaultKind.REST_ODD_FIELD, match=match, value=value)
        _, odd, _ = await server.get(path, token)
        _, after, _ = await server.get(path, token)

    def names(body: Any) -> dict[str, Any]:
        expirations = [entry for item in body["data"]["items"] for entry in item["expirations"]]
        return {s["put"]: s["put-streamer-symbol"] for entry in expirations for s in entry["strikes"]}

    assert names(odd) == {**names(before), strike: value}
    assert names(before)[strike] == ".QQQ261224P621"
    assert before == after


async def test_an_odd_field_that_nobody_named_is_one_the_sdk_insists_on() -> None:
    async with broker() as server, server.session() as session:
        account = await only_account(session)
        for read in (
            lambda: Account.get(session),
            lambda: account.get_balances(session),
            lambda: account.get_trading_status(session),
            lambda: NestedOptionChain.get(session, "QQQ"),
            lambda: get_market_sessions(session, [ExchangeType.NYSE]),
        ):
            server.arm(FaultKind.REST_ODD_FIELD, match=FaultMatch(method="GET"), value={})
            with pytest.raises(ValidationError):
                await read()
            assert await read()


@pytest.mark.parametrize(
    "path",
    [
        "/customers/me/accounts",
        f"/accounts/{ACCOUNT}/positions",
        f"/accounts/{ACCOUNT}/orders/live",
        f"/accounts/{ACCOUNT}/orders?start-date={MONDAY_TEN.date()}",
        f"/accounts/{ACCOUNT}/orders?start-date={MONDAY_TEN.date()}&per-page=2&page-offset=0",
        f"/accounts/{ACCOUNT}/orders?start-date={MONDAY_TEN.date()}&per-page=2&page-offset=1",
    ],
)
async def test_a_listing_may_have_an_item_of_a_foreign_kind(path: str) -> None:
    async with broker() as server, server.session() as session:
        server.simulator.exchange.fill_plan = "never"
        account, order = await only_account(session), await qqq_spread(session, "1.20")
        for _ in range(3):
            await account.place_order(session, order, dry_run=False)
        token = await server.token()
        _, before, _ = await server.get(path, token)
        server.arm(FaultKind.REST_FOREIGN_ITEM, match=FaultMatch(method="GET"))
        _, foreign, _ = await server.get(path, token)
        shown, plain = foreign["data"]["items"], before["data"]["items"]
        last = "page-offset=0" not in path
        assert len(shown) == len(plain) + last
        pages, plain_pages = foreign.get("pagination"), before.get("pagination")
        assert (pages is None) == (plain_pages is None)
        if pages is not None:
            assert pages["total-items"] == plain_pages["total-items"] + 1
            assert pages["current-item-count"] == len(shown)
        again = await server.get(path, token)
        assert len(again[1]["data"]["items"]) == len(plain)


@pytest.mark.parametrize(
    ("field", "missing"),
    [
        (None, ["09", "10", "11", "12", "13", "16", "17", "18", "19", "20"]),
        ("2026-11-03..2026-11-05", ["03", "04", "05"]),
        ("2026-11-21..2026-11-30", ["23"]),  # the session that is forming
    ],
)
async def test_the_feed_may_lack_the_candles_of_some_sessions(field: str | None, missing: list[str]) -> None:
    async with broker() as server:
        view, at = server.simulator.view, MONDAY_TEN

        def days(symbol: str) -> set[str]:
            return {f"{candle.day:%d}" for candle in view.candles(symbol, datetime(2026, 11, 1, tzinfo=UTC), at)}

        before = days("QQQ")
        server.arm(FaultKind.MARKET_CANDLES_MISSING, match=FaultMatch(symbol="QQQ", field=field))
        assert days("SPX") == before
        assert sorted(before - days("QQQ")) == missing


@pytest.mark.parametrize(("kind", "placed"), [(FaultKind.REST_DELAY_BEFORE, 0), (FaultKind.REST_DELAY_AFTER, 1)])
async def test_delays_before_and_after_processing(kind: FaultKind, placed: int) -> None:
    async with broker() as server, server.session(timeout=0.3) as session:
        account, order = await only_account(session), await qqq_spread(session, "1.20")
        server.arm(kind, seconds=2.0, match=ORDERS)
        with pytest.raises(httpx2.ReadTimeout):
            await account.place_order(session, order, dry_run=False)
        assert len(await account.get_live_orders(session)) == placed


async def test_the_login_can_fail_too() -> None:
    async with broker() as server, server.session() as session:
        server.arm(FaultKind.REST_5XX_HTML, code=503, match=FaultMatch(path="/oauth/token"))
        with pytest.raises(TastytradeError, match="Couldn't parse"):
            await only_account(session)
        assert await only_account(session)


async def test_html_errors_have_their_status() -> None:
    async with broker() as server:
        token = await server.token()
        server.arm(FaultKind.REST_5XX_HTML, code=503)
        status, body, headers = await server.get("/customers/me/accounts", token)
        assert status == 503
        assert body.startswith("<html>")
        server.arm(FaultKind.REST_429)
        status, _, headers = await server.get("/customers/me/accounts", token)
        assert status == 429
        assert not [name for name in headers if "retry" in str(name).lower() or "rate" in str(name).lower()]


async def test_a_new_order_may_be_missing_from_listings_for_a_while() -> None:
    async with broker() as server, server.session() as session:
        server.simulator.exchange.fill_plan = "never"
        account, order = await only_account(session), await qqq_spread(session, "1.20")
        server.arm(FaultKind.ORDERS_LISTING_LAG, seconds=0.5)
        hidden = (await account.place_order(session, order, dry_run=False)).order.id
        shown = (await account.place_order(session, order, dry_run=False)).order.id
        start = MONDAY_TEN.date()
        assert [each.id for each in await account.get_live_orders(session)] == [shown]
        assert [each.id for each in await account.get_order_history(session, start_date=start)] == [shown]
        assert (await account.get_order(session, hidden)).id == hidden
        await asyncio.sleep(0.5)
        assert [each.id for each in await account.get_live_orders(session)] == [shown, hidden]


async def test_a_page_may_hold_less_than_it_announces() -> None:
    async with broker() as server, server.session() as session:
        server.simulator.exchange.fill_plan = "never"
        account, order = await only_account(session), await qqq_spread(session, "1.20")
        for _ in range(4):
            await account.place_order(session, order, dry_run=False)
        server.arm(FaultKind.ORDERS_PARTIAL_PAGE)
        path = f"/accounts/{ACCOUNT}/orders?start-date={MONDAY_TEN.date()}"
        _, body, _ = await server.get(path, await server.token())
        assert len(body["data"]["items"]) == 2
        assert body["pagination"]["total-items"] == 4
        assert len(await account.get_live_orders(session)) == 4


async def test_the_session_may_read_closed_or_not_at_all() -> None:
    async with broker() as server, server.session() as session:
        server.arm(FaultKind.SESSION_CLOSED)
        (closed,) = await get_market_sessions(session, [ExchangeType.NYSE])
        assert closed.status is MarketStatus.CLOSED
        server.arm(FaultKind.SESSION_UNREADABLE)
        with pytest.raises(ValidationError):
            await get_market_sessions(session, [ExchangeType.NYSE])
        (current,) = await get_market_sessions(session, [ExchangeType.NYSE])
        assert current.status is MarketStatus.OPEN


# The control endpoint


async def test_the_clock_is_told_to_anybody() -> None:
    async with broker(speed=30.0, seed=3) as server:
        status, body, _ = await server.get("/simulator/clock")
        assert status == 200
        assert body["data"]["speed"] == 30.0
        assert body["data"]["seed"] == 3
        assert body["data"]["market-time"] >= MONDAY_TEN.isoformat()


async def test_faults_are_armed_listed_and_removed_over_http() -> None:
    async with broker() as server, server.session() as session:
        wish = {"kind": "rest-429", "count": None, "match": {"method": "get", "path": "/customers"}}
        status, body = await server.post("/simulator/faults", wish)
        assert status == 201
        assert body["data"]["kind"] == "rest-429"
        for _ in range(2):
            with pytest.raises(TastytradeError, match="too_many_requests"):
                await only_account(session)
        _, listed, _ = await server.get("/simulator/faults")
        assert listed["data"]["items"][0]["match"] == {"method": "GET", "path": "/customers"}
        await server.post("/simulator/faults", None, method="DELETE")
        assert await only_account(session)
        assert (await server.get("/simulator/faults"))[1]["data"]["items"] == []


async def test_the_fill_plan_is_set_over_http() -> None:
    async with broker() as server:
        assert (await server.post("/simulator/fill-plan", {"plan": "never"}))[0] == 200
        assert server.simulator.exchange.fill_plan == "never"
        assert (await server.post("/simulator/fill-plan", {"plan": "reject", "account": ACCOUNT}))[0] == 200
        assert server.simulator.exchange.fill_plan == "never"
        status, body = await server.post("/simulator/fill-plan", {"plan": "sometimes"})
        assert status == 400
        assert "plan 'sometimes' is not known; use one of normal, never" in body["error"]["message"]
        status, body = await server.post("/simulator/fill-plan", {"plan": "never", "account": "5WT99999"})
        assert (status, "5WT99999" in body["error"]["message"]) == (400, True)


async def test_a_bad_control_body_is_a_400_that_says_why() -> None:
    async with broker() as server:
        status, body = await server.post("/simulator/faults", {"kind": "rest-flood"})
        assert status == 400
        assert "kind 'rest-flood' is not known; use one of alerts-batched" in body["error"]["message"]
        assert (await server.post("/simulator/faults", [1]))[0] == 400


CHANGES = [
    ("POST", "/simulator/faults", {"kind": "market-nan"}),
    ("DELETE", "/simulator/faults", None),
    ("POST", "/simulator/fill-plan", {"plan": "never"}),
    ("DELETE", "/simulator/tokens", None),
    ("POST", "/simulator/act", {"act": "wipe", "account": ACCOUNT}),
]


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
        ({"Origin": "http://127.0.0.1:8791"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "rebound.example.com:8791"}, 403),
        ({"Host": "10.0.0.7"}, 403),
        ({"Host": "[::1"}, 403),
        ({"Host": "localhost:8791"}, 200),
        ({"Host": "[::1]:8791"}, 200),
        ({"Content-Type": "application/json; charset=utf-8"}, 200),
    ],
)
async def test_a_web_page_changes_nothing(
    method: str, path: str, body: Any, headers: dict[str, str], status: int
) -> None:
    """A page in a browser here reaches this port too, but not with JSON, without an Origin, by a loopback name."""
    async with broker() as server:
        token = await server.token()
        server.arm(FaultKind.MARKET_CROSSED)
        plan = server.simulator.exchange.fill_plan
        answered, said = await server.post(path, body, method, **headers)
        assert answered in ({200, 201} if status == 200 else {status})
        if status != 200:
            armed = server.simulator.faults.listing(0.0)
            assert [each.fault.kind for each in armed] == [FaultKind.MARKET_CROSSED]
            assert server.simulator.exchange.fill_plan == plan
            assert (await server.get("/customers/me/accounts", token))[0] == 200
        if status == 415:
            assert said["error"]["message"] == "send it as application/json"


async def test_what_is_only_read_needs_no_type_but_a_loopback_name() -> None:
    async with broker() as server:
        assert (await server.get("/simulator/clock"))[0] == 200
        assert (await server.get("/simulator/faults", **{"Origin": "http://example.com"}))[0] == 403
        assert (await server.get("/simulator/clock", **{"Host": "rebound.example.com"}))[0] == 403


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"kind": None}, "kind None"),
        ({"count": 0}, "count 0 is below 1"),
        ({"count": 1.5}, "count 1.5"),
        ({"count": True}, "count True"),
        ({"seconds": "long"}, "seconds 'long'"),
        ({"seconds": -1}, "seconds -1"),
        ({"code": "502"}, "code '502'"),
        ({"code": 7}, "code 7"),
        ({"match": "all"}, "match 'all'"),
        ({"match": {"where": "x"}}, "match.where is not known"),
        ({"match": {"path": 7}}, "match.path 7"),
        ({"often": 3}, "field 'often' is not known"),
        ({"kind": "oauth-refused", "match": {"field": "xml"}}, "match.field 'xml' is not known"),
        ({"kind": "market-candles-missing", "match": {"field": "2026-11-02"}}, "match.field '2026-11-02' is no range"),
        ({"kind": "market-candles-missing", "match": {"field": "1..2"}}, "match.field '1..2' is no range"),
    ],
)
def test_every_field_of_a_fault_is_checked(change: dict[str, Any], text: str) -> None:
    with pytest.raises(BodyRefused, match=text):
        parse_fault({"kind": "rest-429", **change})


# The board and plans


def test_occurrences_wear_a_fault_out_and_conditions_do_not() -> None:
    board = ArmedFaults()
    board.arm(Fault(FaultKind.REST_429, count=2), MONDAY_TEN, 0.0)
    assert [board.take(FaultKind.REST_429, 0.0) is not None for _ in range(3)] == [True, True, False]
    board.arm(Fault(FaultKind.MARKET_NAN), MONDAY_TEN, 0.0)
    assert all(board.take(FaultKind.MARKET_NAN, 0.0) is not None for _ in range(5))


def test_a_fault_ends_after_its_seconds() -> None:
    board = ArmedFaults()
    board.arm(Fault(FaultKind.MARKET_FROZEN, seconds=5.0), MONDAY_TEN, 100.0)
    assert board.take(FaultKind.MARKET_FROZEN, 104.9) is not None
    assert board.take(FaultKind.MARKET_FROZEN, 105.0) is None
    assert board.listing(105.0) == ()


@pytest.mark.parametrize(
    ("match", "place", "applies"),
    [
        (FaultMatch(), {}, True),
        (FaultMatch(method="POST"), {"method": "GET"}, False),
        (FaultMatch(path="/accounts"), {"path": "/accounts/5/orders"}, True),
        (FaultMatch(path="/accounts"), {"path": "/market-data"}, False),
        (FaultMatch(symbol=".QQQ*"), {"symbol": ".QQQ261127P600"}, True),
        (FaultMatch(symbol="QQQ"), {"symbol": ".QQQ261127P600"}, False),
        (FaultMatch(symbol="*"), {"symbol": "SPX"}, True),
        (FaultMatch(account="A"), {"account": "B"}, False),
        (FaultMatch(account="A"), {}, False),
    ],
)
def test_where_a_fault_applies(match: FaultMatch, place: dict[str, str], applies: bool) -> None:
    board = ArmedFaults()
    board.arm(Fault(FaultKind.REST_429, match=match), MONDAY_TEN, 0.0)
    assert (board.take(FaultKind.REST_429, 0.0, **place) is not None) is applies


def test_a_random_plan_repeats_and_every_fault_of_it_ends() -> None:
    plan = random_plan(11, faults=60)
    assert plan == random_plan(11, faults=60)
    assert plan != random_plan(12, faults=60)
    assert [each.after for each in plan] == sorted(each.after for each in plan)
    assert {each.fault.kind for each in plan} <= set(PLANNED_KINDS)
    for each in plan:
        assert each.fault.seconds is not None
        assert (each.fault.count is None) == (each.fault.kind in CONDITION_KINDS)


async def test_a_planned_fault_arms_itself_in_market_time() -> None:
    planned = PlannedFault(timedelta(minutes=1), Fault(FaultKind.MARKET_NAN, count=None))
    async with broker(speed=60.0, plan=(planned,)) as server:
        assert server.simulator.faults.listing(0.0) == ()
        await until(lambda: len(server.simulator.faults.listing(0.0)) == 1, seconds=3)
        (armed,) = server.simulator.faults.listing(0.0)
        assert timedelta(minutes=1) <= armed.since - MONDAY_TEN < timedelta(minutes=2)
