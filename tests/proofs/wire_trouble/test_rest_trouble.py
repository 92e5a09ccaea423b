"""Failures on the wire of requests, over real sockets. Which test shows which row of broker 5:

| server behaviour | read | order |
|---|---|---|
| 4xx/5xx, an error object | reads::a_read_that_fails_says_why | send::a_definite_refusal, send::UNPROVED |
| an error without code or message | here::an_error_without_words | here::an_error_without_words |
| 401 token_invalid | reads::a_401_renews_the_token_once | here::a_token_revoked |
| OAuth 400 to 403, a refusal | reads::a_refused_grant_counts_in_every_form | send::a_refused_login_is_not_sent |
| OAuth, any other answer | here::logins_a_minute_are_few | - |
| 429 | reads::a_passing_failure, here::a_storm_of_429 | send::UNPROVED, here::a_storm_of_429 |
| 502, 503, any status with HTML | here::html_in_place_of_json | here::html_in_place_of_json |
| 2xx with HTML, a list, empty data | reads::a_read_that_fails_says_why | send::UNPROVED |
| 2xx, a field missing, an unknown enum | reads::a_read_that_fails_says_why | send::UNPROVED |
| no answer | here::a_half_open_connection | send::UNPROVED, here::a_half_open_connection |
| refused | here::nobody_listens | send::no_connection_is_not_sent |
| RST before or inside the answer | here::a_reset_inside_the_answer | here::a_reset_inside_the_answer |
| an error of the dry run (SDK: KeyError) | reads::a_dry_run_refusal_carries_the_inner_code | - |
| the token ends between reads and order | - | here::a_token_that_ended, send::a_token_that_cannot |

`reads` and `send` are test_reads and test_send of tests/core/broker/tastytrade. The rows of streams are in
test_stream_trouble.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from aiohttp import web

from core.broker.port import BrokerError, BrokerFault
from core.broker.tastytrade import Login, TastytradeBroker
from core.domain.orders.orders import SendClass, SendOutcome
from core.runtime.ids import SeededIds
from tests.core.broker.raw_broker import (
    ACCOUNT,
    ORDERS,
    REFRESH,
    SECRET,
    SESSIONS,
    Answer,
    InstantClock,
    RawBroker,
    json_answer,
    placed_json,
    refusal,
    session_json,
    text_answer,
    trident_request,
)
from tests.core.broker.simulated_streams import QUICK
from tests.proofs.wire_trouble.proxy import BadProxy

ONE_TRY, READ_TRIES = 1, 3


async def send(broker: TastytradeBroker) -> SendOutcome:
    return await broker.send(ACCOUNT, trident_request(), lambda: None)


async def fault_of_a_read(broker: TastytradeBroker) -> BrokerFault:
    with pytest.raises(BrokerError) as caught:
        await broker.market_state()
    return caught.value.fault


@pytest.mark.parametrize("body", [{"error": {}}, {"error": {"errors": [{}]}}, {"error": "no"}, {}])
async def test_an_error_without_words(server: RawBroker, broker: TastytradeBroker, body: object) -> None:
    server.on("GET", SESSIONS, json_answer(body, 400))
    server.on("POST", ORDERS, json_answer(body, 422))
    assert await fault_of_a_read(broker) is BrokerFault.REFUSED
    assert (await send(broker)).kind is SendClass.UNKNOWN  # a refusal without code and message proves nothing
    assert server.count("POST", ORDERS) == ONE_TRY


async def test_a_storm_of_429(server: RawBroker, broker: TastytradeBroker, clock: InstantClock) -> None:
    storm = refusal("slow_down", 429)
    server.on("GET", SESSIONS, storm)
    server.on("POST", ORDERS, storm)
    reads = await asyncio.gather(*(broker.market_state() for _ in range(8)), return_exceptions=True)
    assert [r.fault for r in reads if isinstance(r, BrokerError)] == [BrokerFault.RATE_LIMITED] * 8
    assert server.count("GET", SESSIONS) == 8 * READ_TRIES
    assert len(clock.waits) == 8 * (READ_TRIES - 1)
    assert all(0.2 <= wait <= 0.8 for wait in clock.waits)
    assert len(set(clock.waits)) > len(clock.waits) / 2  # jitter: the retries do not come at the same moment
    outcome = await send(broker)
    assert (outcome.kind, outcome.status) == (SendClass.UNKNOWN, 429)
    assert server.count("POST", ORDERS) == ONE_TRY
    server.on("GET", SESSIONS, json_answer(session_json()))
    assert (await broker.market_state()).is_open  # after the storm calls succeed at once


@pytest.mark.parametrize("status", [200, 201, 400, 403, 429, 502, 503])
async def test_html_in_place_of_json(server: RawBroker, broker: TastytradeBroker, status: int) -> None:
    page = text_answer("<html><body>maintenance</body></html>", status)
    server.on("GET", SESSIONS, page)
    server.on("POST", ORDERS, page)
    expected = {200: BrokerFault.UNREADABLE, 201: BrokerFault.UNREADABLE, 429: BrokerFault.RATE_LIMITED}
    other = BrokerFault.UNREACHABLE if status >= 500 else BrokerFault.REFUSED
    assert await fault_of_a_read(broker) is expected.get(status, other)
    outcome = await send(broker)
    assert (outcome.kind, outcome.status, outcome.left) == (SendClass.UNKNOWN, status, True)
    assert server.count("POST", ORDERS) == ONE_TRY


async def test_a_half_open_connection(server: RawBroker, broker: TastytradeBroker, proxy: BadProxy) -> None:
    server.on("GET", SESSIONS, json_answer(session_json()))
    server.on("POST", ORDERS, json_answer(placed_json(), 201))
    assert (await broker.market_state()).is_open
    proxy.blackhole()
    outcome = await send(broker)
    assert (outcome.kind, outcome.left) == (SendClass.UNKNOWN, True)  # written to a connection that seemed to be open
    assert await fault_of_a_read(broker) is BrokerFault.UNREACHABLE
    proxy.heal()
    assert (await broker.market_state()).is_open
    assert server.count("POST", ORDERS) <= ONE_TRY  # it may arrive, once, when the network works again


async def test_nobody_listens(server: RawBroker, clock: InstantClock) -> None:
    login, address = Login("main", SECRET, REFRESH), f"http://127.0.0.1:{server.port}"
    broker = TastytradeBroker(login, clock, SeededIds(1), base_url=address, timings=QUICK)
    await broker.connect()
    await server.stop()
    assert await fault_of_a_read(broker) is BrokerFault.UNREACHABLE
    assert len(clock.waits) == READ_TRIES - 1
    await broker.close()


@pytest.mark.parametrize("after", [0, 12, 60, 300], ids=["before it", "in its status", "in its headers", "in its body"])
async def test_a_reset_inside_the_answer(
    server: RawBroker, broker: TastytradeBroker, proxy: BadProxy, after: int
) -> None:
    server.on("GET", SESSIONS, json_answer(session_json()))
    server.on("POST", ORDERS, json_answer(placed_json(), 201))
    proxy.reset_all()  # no connection is kept: the next ones are cut
    await asyncio.sleep(0.05)
    proxy.reset_answers_after = after
    outcome = await send(broker)
    assert (outcome.kind, outcome.left, outcome.report) == (SendClass.UNKNOWN, True, None)
    assert server.count("POST", ORDERS) == ONE_TRY
    if after < 200:  # a read's whole answer is longer than that
        assert await fault_of_a_read(broker) is BrokerFault.UNREACHABLE
        assert server.count("GET", SESSIONS) == READ_TRIES


class SteppedClock(InstantClock):
    """Its monotonic time passes only by sleeping."""

    second = 1000.0

    def monotonic(self) -> float:
        return self.second

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        self.second += seconds


REFUSED, TROUBLE, PAGE = 1, 8, "<html>maintenance</html>"


@pytest.mark.parametrize(
    ("answer", "at_most"),
    [
        pytest.param(json_answer({"error": "invalid_grant"}, 400), REFUSED, id="standard"),
        pytest.param(json_answer({"error": "invalid_client"}, 401), REFUSED, id="standard 401"),
        pytest.param(json_answer({"error_code": "invalid_grant"}, 400), REFUSED, id="tasty"),
        pytest.param(refusal("invalid_credentials", 403), REFUSED, id="error object"),
        pytest.param(text_answer(PAGE, 403), TROUBLE, id="page 403"),
        pytest.param(text_answer(PAGE, 502), TROUBLE, id="page 502"),
        pytest.param(text_answer(PAGE), TROUBLE, id="page 200"),
        pytest.param(json_answer({}), TROUBLE, id="no token"),
        pytest.param(json_answer([1], 400), TROUBLE, id="a list"),
        pytest.param(json_answer({"error": {}}, 400), TROUBLE, id="no words"),
        pytest.param(json_answer({"error": "temporarily_unavailable"}, 400), TROUBLE, id="unavailable"),
        pytest.param(refusal("slow_down", 429), TROUBLE, id="429"),
    ],
)
async def test_logins_a_minute_are_few(server: RawBroker, answer: Answer, at_most: int) -> None:
    """Ten minutes in which reads every 2 s and a stream need a new token: nobody hammers the login."""
    clock = SteppedClock()
    login, address = Login("main", SECRET, REFRESH), f"http://127.0.0.1:{server.port}"
    broker = TastytradeBroker(login, clock, SeededIds(1), base_url=address, timings=QUICK)
    server.on("GET", SESSIONS, json_answer(session_json()))
    await broker.connect()
    server.on("POST", "/oauth/token", answer)
    broker.connection.session.session_expiration = 0.0
    said: set[str] = set()
    while clock.second < 1600.0:
        with pytest.raises(BrokerError) as caught:
            await broker.market_state()
        said.add(caught.value.detail.partition(" for ")[0])
        with suppress(BrokerError):
            assert not await broker.connection.renew(broker.connection.session.session_token)
        await clock.sleep(2.0)
    assert 1 <= server.count("POST", "/oauth/token") - 1 <= at_most
    assert ("the login is not tried again" in said) is (at_most == TROUBLE)
    server.on("POST", "/oauth/token", server.grant_token)
    if at_most == TROUBLE:
        await clock.sleep(300.0)
        assert (await broker.market_state()).is_open
    else:
        await broker.connect()
    assert (await broker.market_state()).is_open
    await broker.close()


async def test_tokens_that_are_refused_as_soon_as_they_are_granted_are_few(server: RawBroker) -> None:
    clock = SteppedClock()
    login, address = Login("main", SECRET, REFRESH), f"http://127.0.0.1:{server.port}"
    broker = TastytradeBroker(login, clock, SeededIds(1), base_url=address, timings=QUICK)
    server.on("GET", SESSIONS, refusal("token_invalid", 401))
    await broker.connect()
    while clock.second < 1600.0:
        with pytest.raises(BrokerError) as caught:
            await broker.market_state()
        assert (caught.value.fault, caught.value.code) == (BrokerFault.LOGIN_REFUSED, "token_invalid")
        await clock.sleep(2.0)
    assert 2 <= server.tokens - 1 <= TROUBLE
    server.on("GET", SESSIONS, json_answer(session_json()))
    assert (await broker.market_state()).is_open  # the token itself was good
    await broker.close()


async def test_a_login_without_an_answer_makes_the_next_one_wait_for_nothing(
    server: RawBroker, broker: TastytradeBroker, proxy: BadProxy
) -> None:
    server.on("GET", SESSIONS, json_answer(session_json()))
    broker.connection.session.session_expiration = 0.0
    proxy.blackhole()
    for _ in range(3):
        assert await fault_of_a_read(broker) is BrokerFault.UNREACHABLE
    proxy.heal()
    assert (await broker.market_state()).is_open


def honours(token: str, answer: Answer) -> Answer:
    """Accepts only this access token, as the broker does once the earlier one has expired."""

    async def judge(request: web.Request) -> web.StreamResponse:
        if request.headers["Authorization"] != f"Bearer {token}":
            return web.json_response({"error": {"code": "token_invalid", "message": "expired"}}, status=401)
        return await answer(request)

    return judge


@pytest.mark.parametrize("left_s", [-1.0, 0.0, 30.0])
async def test_a_token_that_ended_between_the_reads_and_the_order_is_renewed_before_it(
    server: RawBroker, broker: TastytradeBroker, left_s: float
) -> None:
    server.on("GET", SESSIONS, honours("access-1", json_answer(session_json())))
    server.on("POST", ORDERS, honours("access-2", json_answer(placed_json(), 201)))
    assert (await broker.market_state()).is_open
    session = broker.connection.session
    session.session_expiration = session.session_expiration - 900 + left_s
    assert (await send(broker)).kind is SendClass.ACKNOWLEDGED
    assert server.tokens == 2
    order = server.requests.index(("POST", ORDERS))
    assert server.requests[order - 1] == ("POST", "/oauth/token")  # no renewal between the guard and the wire
    assert server.count("POST", ORDERS) == ONE_TRY


async def test_a_token_that_ends_while_the_broker_is_down_is_not_sent(
    server: RawBroker, broker: TastytradeBroker, proxy: BadProxy
) -> None:
    server.on("POST", ORDERS, json_answer(placed_json(), 201))
    broker.connection.session.session_expiration = 0.0
    proxy.blackhole()
    outcome = await send(broker)
    assert (outcome.kind, outcome.left) == (SendClass.NOT_SENT, False)
    proxy.heal()
    assert server.count("POST", ORDERS) == 0


async def test_a_token_revoked_before_the_order_is_a_definite_refusal_and_reads_mend_it(
    server: RawBroker, broker: TastytradeBroker
) -> None:
    server.on("GET", SESSIONS, honours("access-2", json_answer(session_json())))
    server.on("POST", ORDERS, honours("access-2", json_answer(placed_json(), 201)))
    outcome = await send(broker)
    assert (outcome.kind, outcome.status, outcome.code) == (SendClass.REJECTED, 401, "token_invalid")
    assert server.count("POST", ORDERS) == ONE_TRY  # nothing below us ever sends an order again
    assert (await broker.market_state()).is_open
    assert (await send(broker)).kind is SendClass.ACKNOWLEDGED
