"""Reads from the broker: retries, renewed tokens, refused logins, and the values they return."""

from __future__ import annotations

import asyncio
import logging
import traceback
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from core.broker.port import BrokerError, BrokerFault
from core.broker.tastytrade import Login, TastytradeBroker
from core.runtime.ids import SeededIds
from tests.core.broker.raw_broker import (
    ACCOUNT,
    ORDERS,
    REFRESH,
    SECRET,
    SESSIONS,
    InstantClock,
    RawBroker,
    dropped,
    json_answer,
    order_json,
    placed_json,
    refusal,
    session_json,
    text_answer,
    trident_request,
)

DAY = date(2026, 11, 23)


def metric_json(symbol: str, **changes: Any) -> dict[str, Any]:
    found = {
        "symbol": symbol,
        "market-cap": "0",
        "updated-at": datetime.now(UTC).isoformat(),
        "implied-volatility-index-rank": "0.31",
        "tos-implied-volatility-index-rank": "0.32",
        "tw-implied-volatility-index-rank": "0.99",
        "implied-volatility-percentile": "0.6",
        "implied-volatility-30-day": "18.4",
        "beta": "1.1",
    }
    found.update(changes)
    return {key: value for key, value in found.items() if value is not None}


def page(items: list[Any], **pagination: int) -> dict[str, Any]:
    return {"data": {"items": items}, "pagination": {key.replace("_", "-"): n for key, n in pagination.items()}}


async def test_a_401_renews_the_token_once_and_reads_again(server: RawBroker, broker: TastytradeBroker) -> None:
    server.on("GET", SESSIONS, refusal("token_invalid", 401), json_answer(session_json()))
    assert (await broker.market_state()).is_open
    assert server.tokens == 2


async def test_a_second_401_is_a_refused_login(server: RawBroker, broker: TastytradeBroker) -> None:
    server.on("GET", SESSIONS, refusal("token_invalid", 401))
    with pytest.raises(BrokerError) as caught:
        await broker.market_state()
    assert (caught.value.fault, caught.value.code) == (BrokerFault.LOGIN_REFUSED, "token_invalid")
    assert server.count("GET", SESSIONS) == 2
    assert server.tokens == 2


@pytest.mark.parametrize("takes_s", [0.0, 0.2])
async def test_reads_meeting_one_401_share_one_new_token(
    server: RawBroker, broker: TastytradeBroker, takes_s: float
) -> None:
    async def slowly(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(takes_s)
        return await server.grant_token(request)

    async def by_token(request: web.Request) -> web.StreamResponse:
        if request.headers["Authorization"] == "Bearer access-1":
            return web.json_response({"error": {"code": "token_invalid", "message": "expired"}}, status=401)
        return web.json_response(session_json())

    server.on("POST", "/oauth/token", slowly)
    server.on("GET", SESSIONS, by_token)
    states = await asyncio.gather(*(broker.market_state() for _ in range(5)))
    assert all(state.is_open for state in states)
    assert server.tokens == 2


@pytest.mark.parametrize(
    "passing", [refusal("slow_down", 429), text_answer("<html>", 503), dropped], ids=["429", "503", "dropped"]
)
async def test_a_passing_failure_is_tried_again_with_back_off(
    server: RawBroker, broker: TastytradeBroker, clock: InstantClock, passing: Any
) -> None:
    server.on("GET", SESSIONS, passing, passing, json_answer(session_json("Closed")))
    state = await broker.market_state()
    assert (state.is_open, state.word) == (False, "Closed")
    assert len(clock.waits) == 2
    assert all(0.2 <= wait <= 0.8 for wait in clock.waits)


@pytest.mark.parametrize(
    ("answer", "fault", "tries"),
    [
        (refusal("slow_down", 429), BrokerFault.RATE_LIMITED, 3),
        (text_answer("<html>", 502), BrokerFault.UNREACHABLE, 3),
        (dropped, BrokerFault.UNREACHABLE, 3),
        (refusal("not_permitted", 403), BrokerFault.REFUSED, 1),
        (refusal("record_not_found", 404), BrokerFault.NOT_FOUND, 1),
        (text_answer("<html>", 404), BrokerFault.REFUSED, 1),
        (text_answer("<html>"), BrokerFault.UNREADABLE, 1),
        (json_answer([1]), BrokerFault.UNREADABLE, 1),
        (json_answer({"data": {}}), BrokerFault.UNREADABLE, 1),
        (json_answer({"data": {"items": [{"instrument-collection": "Equity"}]}}), BrokerFault.UNREADABLE, 1),
        (json_answer({"data": {"items": []}}), BrokerFault.UNREADABLE, 1),
        (json_answer(session_json("")), BrokerFault.UNREADABLE, 1),
    ],
)
async def test_a_read_that_fails_says_why(
    server: RawBroker, broker: TastytradeBroker, answer: Any, fault: BrokerFault, tries: int
) -> None:
    server.on("GET", SESSIONS, answer)
    with pytest.raises(BrokerError) as caught:
        await broker.market_state()
    assert caught.value.fault is fault
    assert server.count("GET", SESSIONS) == tries
    shown = "".join(traceback.format_exception(caught.value))
    assert "tastytrade.utils" not in shown  # it may quote an answer with a token in it


REFUSED_GRANTS: list[tuple[dict[str, Any], str, str]] = [
    ({"error": "invalid_grant"}, "invalid_grant", "invalid_grant"),
    (
        {"error": "invalid_grant", "error_description": "The grant is old"},
        "invalid_grant: The grant is old",
        "invalid_grant",
    ),
    ({"error": "invalid_client", "error_description": None}, "invalid_client", "invalid_client"),
    (
        {"error_code": "invalid_grant", "error_description": "Grant revoked"},
        "invalid_grant: Grant revoked",
        "invalid_grant",
    ),
    ({"error": {"code": "invalid_credentials"}}, "invalid_credentials", "invalid_credentials"),
    ({"error": {"message": "Nobody of that name"}}, "Nobody of that name", ""),
]


@pytest.mark.parametrize(("body", "words", "code"), REFUSED_GRANTS)
@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_refused_grant_counts_in_every_form(
    server: RawBroker, broker: TastytradeBroker, body: dict[str, Any], words: str, code: str, status: int
) -> None:
    """A refused login is presented again only by connect."""
    broker.connection.session.session_expiration = 0.0
    server.on("POST", "/oauth/token", json_answer(body, status))
    results = await asyncio.gather(*(broker.market_state() for _ in range(6)), return_exceptions=True)
    assert all(isinstance(r, BrokerError) and r.fault is BrokerFault.LOGIN_REFUSED for r in results)
    assert {(r.detail, r.code) for r in results if isinstance(r, BrokerError)} == {(words, code)}
    assert server.count("POST", "/oauth/token") == 2  # the first login and one refusal
    with pytest.raises(BrokerError):
        await broker.connect()
    assert server.count("POST", "/oauth/token") == 3


@pytest.mark.parametrize("code", ["temporarily_unavailable", "server_error", "slow_down"])
@pytest.mark.parametrize("key", ["error", "error_code"])
async def test_a_login_server_in_trouble_refuses_nothing(
    server: RawBroker, broker: TastytradeBroker, key: str, code: str
) -> None:
    server.on("POST", "/oauth/token", json_answer({key: code}, 400), server.grant_token)
    with pytest.raises(BrokerError) as caught:
        await broker.connect()
    assert caught.value.fault is not BrokerFault.LOGIN_REFUSED
    await broker.connect()


async def test_a_refusal_that_quotes_the_token_is_masked(server: RawBroker, broker: TastytradeBroker) -> None:
    broker.connection.session.session_expiration = 0.0
    said = {"error": "invalid_grant", "error_description": f"unknown {REFRESH}"}
    server.on("POST", "/oauth/token", json_answer(said, 400))
    for _ in range(2):
        with pytest.raises(BrokerError) as caught:
            await broker.market_state()
        assert caught.value.detail == "invalid_grant: unknown ***"


async def test_a_gateway_in_front_of_the_login_is_not_a_refusal(server: RawBroker, broker: TastytradeBroker) -> None:
    server.on("POST", "/oauth/token", text_answer("<html>blocked</html>", 403), server.grant_token)
    with pytest.raises(BrokerError) as caught:
        await broker.connect()
    assert caught.value.fault is not BrokerFault.LOGIN_REFUSED
    await broker.connect()


async def test_calls_before_connect_are_refused(clock: InstantClock) -> None:
    broker = TastytradeBroker(Login("main", SECRET, REFRESH), clock, SeededIds(1), base_url="http://127.0.0.1:9")
    with pytest.raises(BrokerError, match="not connected"):
        await broker.market_state()


@pytest.mark.parametrize(
    "address", ["https://127.0.0.1:8800", "http://api.example.com", "http://10.0.0.7:80", "http://127.0.0.1/x", "ftp:"]
)
def test_only_plain_http_on_this_machine_may_stand_in_for_the_broker(address: str, clock: InstantClock) -> None:
    with pytest.raises(ValueError, match="on this machine"):
        TastytradeBroker(Login("main", SECRET, REFRESH), clock, SeededIds(1), base_url=address)


def test_a_login_shows_no_secret_and_needs_both() -> None:
    shown = repr(Login("main", SECRET, REFRESH))
    assert SECRET not in shown
    assert REFRESH not in shown
    assert "main" in shown
    with pytest.raises(ValueError, match="lacks"):
        Login("main", "", REFRESH)


async def test_no_secret_reaches_a_log_or_an_error(
    server: RawBroker, broker: TastytradeBroker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.on("GET", SESSIONS, refusal("odd", 404, f"unknown token access-1 of {SECRET} {REFRESH}"))
    with pytest.raises(BrokerError) as caught:
        await broker.market_state()
    await broker.connect()
    for secret in (SECRET, REFRESH, "access-1", "access-2"):
        assert secret not in caplog.text
        assert secret not in str(caught.value)
        assert secret not in caught.value.detail


async def test_an_account_number_in_the_brokers_words_is_masked_though_no_read_named_it(
    server: RawBroker, broker: TastytradeBroker
) -> None:
    server.on("GET", SESSIONS, refusal("not_permitted", 403, "account 5WX77777 is closed, 5WT00001 is not"))
    with pytest.raises(BrokerError) as caught:
        await broker.market_state()
    assert "account …7777 is closed, …0001 is not" in caught.value.detail
    assert "5WX77777" not in str(caught.value)


@pytest.mark.parametrize(
    ("open_h", "close_h", "is_open", "word"),
    [
        (-1, 1, True, "Open"),
        (None, 1, True, "Open"),
        (-7, 0, False, "Closed"),
        (-7, -1, False, "Closed"),
        (1, 7, False, "Closed"),
    ],
)
async def test_an_open_session_that_has_closed_is_closed(
    server: RawBroker, broker: TastytradeBroker, open_h: int | None, close_h: int, is_open: bool, word: str
) -> None:
    """A broker's word for the session may stay behind the clock; its times do not."""
    item = session_json()["data"]["items"][0]
    now = datetime.now(UTC)
    item["close-at"] = (now + timedelta(hours=close_h)).isoformat()
    item["open-at"] = (now + timedelta(hours=open_h)).isoformat() if open_h is not None else None
    server.on("GET", SESSIONS, json_answer({"data": {"items": [{"instrument-collection": "CME"}, 7, item]}}))
    state = await broker.market_state()
    assert (state.is_open, state.word) == (is_open, word)


@pytest.mark.parametrize("behind_h", [-2, 2])
async def test_a_session_closes_by_the_brokers_time_and_not_by_this_machines(
    server: RawBroker, broker: TastytradeBroker, behind_h: int
) -> None:
    """This machine's clock is two hours behind the broker's, or ahead of it: it would open a closed session, or close
    an open one."""
    server.date = datetime.now(UTC) + timedelta(hours=behind_h)
    item = session_json()["data"]["items"][0]
    item["close-at"] = (datetime.now(UTC) + timedelta(hours=behind_h / 2)).isoformat()
    item["open-at"] = (datetime.now(UTC) - timedelta(hours=5)).isoformat()
    server.on("GET", SESSIONS, json_answer({"data": {"items": [item]}}))
    assert (await broker.market_state()).is_open is (behind_h < 0)


async def test_a_session_without_a_close_opens_nothing(server: RawBroker, broker: TastytradeBroker) -> None:
    item = {"instrument-collection": "Equity", "state": "Open"}
    server.on("GET", SESSIONS, json_answer(page([item])))
    with pytest.raises(BrokerError, match="close-at") as caught:
        await broker.market_state()
    assert caught.value.fault is BrokerFault.UNREADABLE
    server.on("GET", SESSIONS, json_answer(page([{**item, "state": "Holiday"}])))
    state = await broker.market_state()
    assert (state.is_open, state.word) == (False, "Holiday")


async def test_an_account_that_cannot_be_read_is_left_out_and_named_by_its_last_characters(
    server: RawBroker, broker: TastytradeBroker
) -> None:
    accounts = "/customers/me/accounts"
    good = {"account": {"account-number": ACCOUNT, "is-closed": False}}
    odd = {"account": {"account-number": "5WT04321", "is-closed": "no"}}
    server.on("GET", accounts, json_answer(page([odd, good, {}])))
    assert [account.number for account in await broker.accounts()] == [ACCOUNT]
    assert broker.remarks() == (
        "account …4321 is left out: it cannot be read (is-closed)",
        "an account is left out: it cannot be read (it is no object)",
    )
    server.on("GET", accounts, json_answer(page([odd])))
    with pytest.raises(BrokerError, match="is-closed") as caught:
        await broker.accounts()
    assert caught.value.fault is BrokerFault.UNREADABLE
    server.on("GET", accounts, json_answer(page([])))
    assert await broker.accounts() == ()


def answer_account(server: RawBroker, positions: list[Any]) -> None:
    money = {"derivative-buying-power": "20000.0", "net-liquidating-value": 25000}
    flags = dict.fromkeys(("is-closed", "is-frozen", "is-closing-only", "is-in-margin-call"), False)
    server.on("GET", f"/accounts/{ACCOUNT}/balances/USD", json_answer({"data": money}))
    server.on("GET", f"/accounts/{ACCOUNT}/trading-status", json_answer({"data": {**flags, "options-level": "Any"}}))
    server.on("GET", f"/accounts/{ACCOUNT}/positions", json_answer(page(positions)))


async def test_a_position_of_another_kind_may_be_left_out_and_one_in_options_or_shares_never(
    server: RawBroker, broker: TastytradeBroker
) -> None:
    option = {
        "instrument-type": "Equity Option",
        "symbol": "QQQ   261224P00622000",
        "quantity": 2,
        "quantity-direction": "Short",
    }
    coin = {"instrument-type": "Cryptocurrency", "symbol": "BTC/USD", "quantity": None, "quantity-direction": "Long"}
    closed = {**option, "symbol": "QQQ   261224C00622000", "quantity": "0.0", "quantity-direction": "Zero"}
    realized = {"realized-today": "48.0", "realized-today-effect": "Debit"}
    shares = {**option, **realized, "instrument-type": "Equity", "symbol": "QQQ", "quantity-direction": "Long"}
    answer_account(server, [coin, option, closed, shares])
    reads = await broker.account_reads(ACCOUNT)
    assert [(p.symbol, p.quantity, p.direction, p.mark, p.realized_today) for p in reads.positions] == [
        ("QQQ   261224P00622000", Decimal(2), "Short", None, None),
        ("QQQ", Decimal(2), "Long", None, Decimal(-48)),
    ]
    assert [p.instrument_type for p in reads.positions] == ["Equity Option", "Equity"]
    assert (reads.derivative_buying_power, reads.net_liquidating_value) == (Decimal("20000.0"), Decimal(25000))
    assert broker.remarks() == ("a position in BTC/USD is left out: it cannot be read (quantity)",)
    nameless = {key: value for key, value in option.items() if key != "instrument-type"}
    for odd in (
        {**option, "quantity": "many"},
        {**option, "quantity-direction": "Sideways"},
        {**nameless, "symbol": 7},
        {**shares, "quantity": None},
    ):
        answer_account(server, [shares, odd])
        with pytest.raises(BrokerError) as caught:
            await broker.account_reads(ACCOUNT)
        assert caught.value.fault is BrokerFault.UNREADABLE


async def test_metrics_are_normalized(server: RawBroker, broker: TastytradeBroker) -> None:
    earnings = {"estimated": True, "late-flag": 0, "visible": True, "expected-report-date": "2026-12-01"}
    server.on(
        "GET",
        "/market-metrics",
        json_answer(
            page(
                [
                    metric_json(
                        "QQQ",
                        **{
                            "dividend-ex-date": "2026-12-21",
                            "dividend-rate-per-share": "0.7941",
                            "earnings": earnings,
                        },
                    ),
                    metric_json("SPX", **{"tos-implied-volatility-index-rank": None, "dividend-rate-per-share": "NaN"}),
                    metric_json("BAD", **{"updated-at": None}),
                    metric_json("WORSE", **{"earnings": {"expected-report-date": "soon"}}),
                    metric_json(
                        "BARE",
                        **{
                            "tos-implied-volatility-index-rank": None,
                            "implied-volatility-index-rank": None,
                            "implied-volatility-30-day": None,
                            "implied-volatility-index": "0.2",
                        },
                    ),
                ]
            )
        ),
    )
    qqq, spx, bare = await broker.metrics(["QQQ", "SPX", "BAD", "WORSE", "BARE"])
    assert (qqq.iv_rank, qqq.iv30, qqq.iv_percentile) == (Decimal("32.00"), Decimal("0.184"), Decimal("60.0"))
    assert (qqq.ex_dividend, qqq.dividend, qqq.earnings) == (date(2026, 12, 21), Decimal("0.7941"), date(2026, 12, 1))
    assert (spx.dividend, bare.dividend) == (None, None)
    assert qqq.age_s is not None
    assert 0 <= qqq.age_s < 5
    assert spx.iv_rank == Decimal("31.00")  # the general rank stands in for the tos- one
    assert (bare.symbol, bare.iv_rank, bare.iv30) == ("BARE", None, None)
    assert server.queries[-1]["symbols"] == "QQQ,SPX,BAD,WORSE,BARE"
    assert broker.remarks() == (
        "BAD in the metrics is left out: it cannot be read (updated-at)",
        "WORSE in the metrics is left out: it cannot be read (expected-report-date)",
    )
    assert broker.remarks() == ()


async def test_metrics_of_which_none_is_readable_are_unreadable(server: RawBroker, broker: TastytradeBroker) -> None:
    server.on("GET", "/market-metrics", json_answer(page([metric_json("QQQ", **{"updated-at": None})])))
    with pytest.raises(BrokerError, match="updated-at") as caught:
        await broker.metrics(["QQQ"])
    assert caught.value.fault is BrokerFault.UNREADABLE


async def test_an_old_mark_is_no_mark(server: RawBroker, broker: TastytradeBroker) -> None:
    def mark(symbol: str, age_s: float) -> dict[str, Any]:
        return {
            "symbol": symbol,
            "instrument-type": "Index",
            "updated-at": (datetime.now(UTC) - timedelta(seconds=age_s)).isoformat(),
            "bid-size": "0",
            "ask-size": "0",
            "close-price-type": "Unknown",
            "summary-date": "2026-11-23",
            "prev-close-date": "2026-11-20",
            "prev-close-price-type": "Final",
            "halt-start-time": -1,
            "halt-end-time": -1,
            "mark": "6000.5",
        }

    server.on("GET", "/market-data/by-type", json_answer(page([mark("SPX", 1), mark("NDX", 60)])))
    assert await broker.marks(["SPX", "NDX", "QQQ"]) == {"SPX": Decimal("6000.5")}
    assert server.queries[-1]["equity"] == "QQQ"
    assert await broker.marks([]) == {}


async def test_the_orders_of_a_day_are_live_and_all_pages_merged(server: RawBroker, broker: TastytradeBroker) -> None:
    newer = order_json(id=2, status="Filled", **{"updated-at": 1795357900000})
    server.on("GET", f"{ORDERS}/live", json_answer({"data": {"items": [order_json(id=2), order_json(id=3)]}}))
    two = {"total_items": 3, "total_pages": 2}
    server.on(
        "GET",
        ORDERS,
        json_answer(page([order_json(id=1), newer], current_item_count=2, page_offset=0, **two)),
        json_answer(page([order_json(id=10, status="Dead")], current_item_count=1, page_offset=1, **two)),
    )
    reports = await broker.orders_since(ACCOUNT, DAY)
    assert [(report.order_id, report.status) for report in reports] == [
        ("1", "Received"),
        ("2", "Filled"),
        ("3", "Received"),
        ("10", "Dead"),  # a status the SDK does not know loses neither the order nor the listing
    ]
    assert reports[0].credit == Decimal("4.06")
    assert [query.get("page-offset") for query in server.queries[-2:]] == ["0", "1"]
    assert all(query["start-date"] == "2026-11-23" for query in server.queries[-2:])


@pytest.mark.parametrize(
    "listing",
    [
        page([order_json(id=1)], current_item_count=2, total_items=2, total_pages=1),
        page([order_json(id=1)], total_items=2, total_pages=1),
        page([order_json(id=1, legs=None)], total_items=1, total_pages=1),
        page([order_json(id=1, status=7)], total_items=1, total_pages=1),
        page([order_json(id=None)], total_items=1, total_pages=1),
        page(["odd"], total_items=1, total_pages=1),
        {"data": {"items": None}},
        {"data": {"items": []}, "pagination": {"total-pages": "two"}},
    ],
)
async def test_an_incomplete_listing_proves_nothing(
    server: RawBroker, broker: TastytradeBroker, listing: dict[str, Any]
) -> None:
    server.on("GET", f"{ORDERS}/live", json_answer(page([])))
    server.on("GET", ORDERS, json_answer(listing))
    with pytest.raises(BrokerError) as caught:
        await broker.orders_since(ACCOUNT, DAY)
    assert caught.value.fault is BrokerFault.UNREADABLE


@pytest.mark.parametrize(
    ("second", "total"),
    [([2], 3), ([3], 4), ([1, 2], 4)],
    ids=["it begins with the last order of the first", "it announces another total", "it is the first again"],
)
async def test_overlapping_pages_prove_nothing(
    server: RawBroker, broker: TastytradeBroker, second: list[int], total: int
) -> None:
    """An order that arrives between two pages moves the others by one: one of them is twice there, and one not."""

    def history(ids: list[int], count: int) -> dict[str, Any]:
        return page([order_json(id=i) for i in ids], current_item_count=len(ids), total_items=count, total_pages=2)

    server.on("GET", f"{ORDERS}/live", json_answer({"data": {"items": []}}))
    first_total = total if second == [1, 2] else 3
    server.on("GET", ORDERS, json_answer(history([1, 2], first_total)), json_answer(history(second, total)))
    with pytest.raises(BrokerError) as caught:
        await broker.orders_since(ACCOUNT, DAY)
    assert caught.value.fault is BrokerFault.UNREADABLE


async def test_an_answer_about_another_order_is_none(server: RawBroker, broker: TastytradeBroker) -> None:
    server.on("GET", f"{ORDERS}/7", json_answer({"data": order_json(id=8)}))
    with pytest.raises(BrokerError) as caught:
        await broker.order(ACCOUNT, "7")
    assert caught.value.fault is BrokerFault.UNREADABLE


FOREIGN = {
    "id": 77,
    "account-number": ACCOUNT,
    "status": "Live",
    "order-type": "Iceberg",
    "time-in-force": 5,
    "underlying-instrument-type": {},
    "user-id": 123,
    "price": "unpriced",
    "legs": [{"instrument-type": "Warrant", "symbol": "BTC/USD", "action": "Allocate", "quantity": None}],
}


async def test_an_order_of_an_unknown_kind_is_read_as_far_as_it_matters(
    server: RawBroker, broker: TastytradeBroker
) -> None:
    server.on("GET", f"{ORDERS}/live", json_answer(page([order_json(id=2), FOREIGN])))
    server.on("GET", ORDERS, json_answer(page([])))
    ours, foreign = await broker.orders_since(ACCOUNT, DAY)
    assert (ours.order_id, ours.credit, ours.order_type, ours.time_in_force) == ("2", Decimal("4.06"), "Limit", "Day")
    assert (foreign.order_id, foreign.credit, foreign.updated_at) == ("77", None, None)
    assert [(leg.symbol, leg.action, leg.quantity) for leg in foreign.legs] == [("BTC/USD", "Allocate", Decimal(0))]
    for strict in ({"legs": [{"symbol": "X", "action": 1}]}, {"status": None}, {"account-number": {}}, {"id": None}):
        server.on("GET", ORDERS, json_answer(page([{**FOREIGN, **strict}])))
        with pytest.raises(BrokerError) as caught:
            await broker.orders_since(ACCOUNT, DAY)
        assert caught.value.fault is BrokerFault.UNREADABLE


@pytest.mark.parametrize("of_live", [None, 1795357900000], ids=["neither", "live alone"])
@pytest.mark.parametrize("ended", ["live", "history"])
async def test_of_two_copies_without_a_time_the_one_that_ended_is_kept(
    server: RawBroker, broker: TastytradeBroker, of_live: int | None, ended: str
) -> None:
    live, history = order_json(**{"updated-at": of_live}), order_json(**{"updated-at": None})
    (live if ended == "live" else history)["status"] = "Cancelled"
    server.on("GET", f"{ORDERS}/live", json_answer(page([live])))
    server.on("GET", ORDERS, json_answer(page([history])))
    (report,) = await broker.orders_since(ACCOUNT, DAY)
    assert report.status == "Cancelled"


@pytest.mark.parametrize(
    ("users", "cancelled_by"),
    [
        ({}, ""),
        ({"user-id": 5, "cancel-user-id": "5", "cancel-username": "ann"}, ""),
        ({"username": "ann", "cancel-username": "ann"}, ""),
        ({"user-id": "5", "cancel-user-id": "6", "cancel-username": "bob"}, "bob"),
        ({"user-id": "5", "cancel-user-id": 6}, "6"),
        ({"cancel-user-id": "6"}, "6"),
        # One sign contradicts the other: it counts as another user's, or the day would be free.
        ({"user-id": "5", "username": "ann", "cancel-user-id": "6", "cancel-username": "ann"}, "6"),
        ({"user-id": "5", "username": "ann", "cancel-user-id": "5", "cancel-username": "bob"}, "bob"),
    ],
)
async def test_an_order_says_who_cancelled_and_replaced_it(
    server: RawBroker, broker: TastytradeBroker, users: dict[str, Any], cancelled_by: str
) -> None:
    replaced = {"replaces-order-id": 1009, "replacing-order-id": "1011"}
    server.on("GET", f"{ORDERS}/1010", json_answer({"data": order_json(**users, **replaced)}))
    report = await broker.order(ACCOUNT, "1010")
    assert (report.cancelled_by, report.replaces, report.replaced_by) == (cancelled_by, "1009", "1011")


async def test_one_order_is_read_with_its_fills(server: RawBroker, broker: TastytradeBroker) -> None:
    order = order_json(status="Dead", **{"price-effect": "Debit"})
    order["legs"][0]["fills"] = [
        {"fill-id": "24_1", "quantity": 2, "fill-price": "1.25", "filled-at": "2026-11-22T14:30:01.000+00:00"}
    ]
    server.on("GET", f"{ORDERS}/1010", json_answer({"data": order}))
    report = await broker.order(ACCOUNT, "1010")
    assert (report.status, report.credit) == ("Dead", Decimal("-4.06"))
    (fill,) = report.fills
    assert (fill.fill_id, fill.quantity, fill.price) == ("24_1", Decimal(2), Decimal("1.25"))
    assert fill.at == datetime(2026, 11, 22, 14, 30, 1, tzinfo=UTC)


async def test_a_dry_run_refusal_carries_the_inner_code(server: RawBroker, broker: TastytradeBroker) -> None:
    error = {"code": "preflight_check_failure", "message": "no", "errors": [{"code": "cant_buy_for_credit"}]}
    server.on("POST", f"{ORDERS}/dry-run", json_answer({"error": error}, 422))
    with pytest.raises(BrokerError) as caught:
        await broker.dry_run(ACCOUNT, trident_request())
    assert (caught.value.fault, caught.value.code) == (BrokerFault.REFUSED, "cant_buy_for_credit")


async def test_a_warning_without_a_code_is_no_known_warning(server: RawBroker, broker: TastytradeBroker) -> None:
    said = [{"code": "late", "message": "m"}, {"message": "m"}, 7]
    body = {"data": {**placed_json()["data"], "warnings": said}}
    server.on("POST", f"{ORDERS}/dry-run", json_answer(body, 201))
    answer = await broker.dry_run(ACCOUNT, trident_request())
    assert answer.warnings == (("late", "m"), ("unknown", "m"), ("unknown", ""))
    assert (answer.buying_power_change, answer.new_buying_power) == (Decimal("-195.4"), Decimal("24804.6"))
    assert answer.fees == Decimal("5.4")


async def test_a_dry_run_with_errors_in_its_answer_is_refused(server: RawBroker, broker: TastytradeBroker) -> None:
    body = {"data": {**placed_json()["data"], "errors": [{"code": "margin_check_failed", "message": "no"}]}}
    server.on("POST", f"{ORDERS}/dry-run", json_answer(body, 201))
    with pytest.raises(BrokerError, match="margin_check_failed: no") as caught:
        await broker.dry_run(ACCOUNT, trident_request())
    assert (caught.value.fault, caught.value.code) == (BrokerFault.REFUSED, "margin_check_failed")
    assert server.count("POST", f"{ORDERS}/dry-run") == 1


async def test_a_cancel_is_asked_once(server: RawBroker, broker: TastytradeBroker) -> None:
    server.on("DELETE", f"{ORDERS}/1010", text_answer("", 503))
    with pytest.raises(BrokerError):
        await broker.cancel(ACCOUNT, "1010")
    assert server.count("DELETE", f"{ORDERS}/1010") == 1


async def test_the_brokers_date_is_compared_with_ours(broker: TastytradeBroker, clock: InstantClock) -> None:
    assert broker.time is not None
    least, most = broker.time.offset(clock)
    assert most - least >= timedelta(seconds=1), "whole seconds, and the answer was on its way"
    assert abs(least + (most - least) / 2) < timedelta(seconds=2)


async def test_a_server_without_a_clock_gives_none(server: RawBroker, broker: TastytradeBroker) -> None:
    assert await broker.server_clock() is None
    now = datetime(2026, 11, 23, 15, tzinfo=UTC)
    server.on("GET", "/simulator/clock", json_answer({"data": {"market-time": now.isoformat(), "speed": 6}}))
    assert await broker.server_clock() == (now, 6.0)
    await server.stop()
    with pytest.raises(BrokerError):
        await broker.server_clock()
