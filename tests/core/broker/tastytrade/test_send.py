"""Sending an order: the class of every outcome follows from evidence alone (rules 9)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest
from aiohttp import web

from core.broker.tastytrade import TastytradeBroker
from core.domain.operation.reasons import Reason, Refusal, refuse
from core.domain.orders.orders import OrderLeg, OrderRequest, SendClass, SendOutcome, TimeInForce
from core.domain.trident.trident import Action
from core.simulator.in_process.values import order_body
from core.simulator.wire.payloads_orders import order_request
from tests.core.broker.raw_broker import (
    ACCOUNT,
    IDENTIFIER,
    ORDERS,
    Answer,
    RawBroker,
    dropped,
    json_answer,
    placed_json,
    refusal,
    text_answer,
    trident_request,
)


def allow() -> Refusal | None:
    return None


async def send(broker: TastytradeBroker) -> SendOutcome:
    return await broker.send(ACCOUNT, trident_request(), allow)


async def never(_: web.Request) -> web.StreamResponse:
    await asyncio.sleep(5)
    return web.Response()


def cut_short(status: int) -> Answer:
    """Announces a body and closes the connection in the middle of it."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=status, headers={"Content-Length": "500"})
        await response.prepare(request)
        await response.write(b'{"error": {"code": "margin_check_failed", "message": "no"}')
        assert request.transport is not None
        request.transport.close()
        return response

    return answer


async def test_an_acknowledged_order_carries_its_report(server: RawBroker, broker: TastytradeBroker) -> None:
    server.on("POST", ORDERS, json_answer(placed_json(), 201))
    outcome = await send(broker)
    assert outcome.kind is SendClass.ACKNOWLEDGED
    assert outcome.left
    assert outcome.status == 201
    assert outcome.report is not None
    assert outcome.report.order_id == "1010"
    assert outcome.report.identifier == IDENTIFIER


ODD: dict[str, dict[str, object]] = {
    "a number for the user": {"user-id": 123},
    "an unknown type": {"order-type": "Iceberg", "time-in-force": "Until Full Moon"},
    "no time": {"updated-at": None, "cancellable": None, "underlying-instrument-type": None},
}


@pytest.mark.parametrize("row", ODD)
async def test_what_is_odd_and_not_used_leaves_an_order_acknowledged(
    server: RawBroker, broker: TastytradeBroker, row: str
) -> None:
    placed = placed_json(**ODD[row])
    placed["data"]["buying-power-effect"] = {"impact": {}}
    placed["data"]["fee-calculation"] = None
    placed["data"]["warnings"] = "none"
    server.on("POST", ORDERS, json_answer(placed, 201))
    outcome = await send(broker)
    assert outcome.kind is SendClass.ACKNOWLEDGED, outcome
    assert outcome.report is not None
    assert outcome.report.status == "Received"


async def test_the_order_on_the_wire_is_a_limit_day_credit_of_four_legs(
    server: RawBroker, broker: TastytradeBroker
) -> None:
    server.on("POST", ORDERS, json_answer(placed_json(), 201))
    await send(broker)
    body = server.bodies[-1]
    assert (body["order-type"], body["time-in-force"]) == ("Limit", "Day")
    assert (body["price"], body["price-effect"]) == ("4.06", "Credit")
    assert body["external-identifier"] == IDENTIFIER
    assert [(leg["action"], leg["quantity"], leg["symbol"][-9:]) for leg in body["legs"]] == [
        ("Sell to Open", 2, "P00622000"),
        ("Buy to Open", 2, "P00619000"),
        ("Sell to Open", 1, "C00622000"),
        ("Buy to Open", 1, "C00625000"),
    ]


async def test_a_closing_order_on_the_wire_is_a_strict_debit_until_cancelled(
    server: RawBroker, broker: TastytradeBroker
) -> None:
    server.on("POST", ORDERS, json_answer(placed_json(), 201))
    opening = trident_request()
    spread = (
        OrderLeg(opening.legs[0].symbol, Action.BUY_TO_CLOSE, 1),
        OrderLeg(opening.legs[1].symbol, Action.SELL_TO_CLOSE, 1),
    )
    request = OrderRequest("QQQ", spread, Decimal("-0.73"), "senexit-1", TimeInForce.GTC, strict=True)
    assert (request.debit, request.closes, opening.closes) == (Decimal("0.73"), True, False)
    await broker.send(ACCOUNT, request, allow)
    body = server.bodies[-1]
    assert (body["order-type"], body["time-in-force"]) == ("Limit", "GTC")
    assert (body["price"], body["price-effect"]) == ("0.73", "Debit")
    assert body["advanced-instructions"] == {"strict-position-effect-validation": True}
    assert [leg["action"] for leg in body["legs"]] == ["Buy to Close", "Sell to Close"]
    sent = order_request(body)
    assert order_body(request) == replace(sent, source=None), "the broker in process takes the same order"


@pytest.mark.parametrize("status", [400, 401, 403, 422])
async def test_a_definite_refusal_is_rejected(server: RawBroker, broker: TastytradeBroker, status: int) -> None:
    body = {
        "error": {
            "code": "preflight_check_failure",
            "message": "One or more preflight checks failed",
            "errors": [{"code": "margin_check_failed", "message": f"Account {ACCOUNT} does not have enough"}],
        }
    }
    server.on("POST", ORDERS, json_answer(body, status))
    outcome = await send(broker)
    assert (outcome.kind, outcome.status, outcome.code) == (SendClass.REJECTED, status, "margin_check_failed")
    assert "margin_check_failed" in outcome.detail
    assert ACCOUNT not in outcome.detail
    assert "…0001" in outcome.detail


UNPROVED: dict[str, Answer] = {
    "400 without an error body": json_answer({"message": "bad"}, 400),
    "422 with html": text_answer("<html>gateway</html>", 422),
    "422 whose body was cut": cut_short(422),
    "302": text_answer("", 302),
    "404": refusal("record_not_found", 404),
    "409": refusal("conflict", 409),
    "429": refusal("rate_limited", 429),
    "500": refusal("internal", 500),
    "502 html": text_answer("<html>Bad Gateway</html>", 502),
    "503": text_answer("", 503),
    "2xx html": text_answer("<html>ok</html>", 201),
    "2xx cut JSON": text_answer('{"data": {"order": {"id": 10', 201, "application/json"),
    "2xx list": json_answer([1], 201),
    "2xx without data": json_answer({"data": None}, 201),
    "2xx whose body was cut": cut_short(201),
    "2xx without an id": json_answer(placed_json(id=None), 201),
    "2xx without a price": json_answer(placed_json(price=None), 201),
    "2xx whose price has no sign": json_answer(placed_json(**{"price-effect": None}), 201),
    "2xx with odd errors": json_answer({"data": {**placed_json()["data"], "errors": {"code": "odd"}}}, 201),
    "2xx with an unknown status": json_answer(placed_json(status="Dead"), 201),
    "2xx of another order": json_answer(placed_json(**{"external-identifier": "somebody-else"}), 201),
    "2xx of another account": json_answer(placed_json(**{"account-number": "5WT00002"}), 201),
    "2xx with errors": json_answer(
        {"data": {**placed_json()["data"], "errors": [{"code": "odd", "message": "odd"}]}}, 201
    ),
    "no answer in time": never,
    "connection dropped": dropped,
}


@pytest.mark.parametrize("row", UNPROVED)
async def test_whatever_is_not_proved_is_unknown_and_sent_once(
    server: RawBroker, broker: TastytradeBroker, row: str
) -> None:
    server.on("POST", ORDERS, UNPROVED[row])
    outcome = await send(broker)
    assert outcome.kind is SendClass.UNKNOWN, outcome
    assert outcome.left
    assert outcome.report is None
    assert server.count("POST", ORDERS) == 1


async def test_no_connection_is_not_sent(server: RawBroker, broker: TastytradeBroker) -> None:
    await server.stop()
    outcome = await send(broker)
    assert (outcome.kind, outcome.left) == (SendClass.NOT_SENT, False)


@pytest.mark.parametrize("answer", [text_answer("", 503), dropped, json_answer({"odd": 1})], ids=["503", "drop", "odd"])
async def test_a_token_that_cannot_be_refreshed_is_not_sent(
    server: RawBroker, broker: TastytradeBroker, answer: Answer
) -> None:
    broker.connection.session.session_expiration = 0.0
    server.on("POST", "/oauth/token", answer)
    outcome = await send(broker)
    assert (outcome.kind, outcome.left) == (SendClass.NOT_SENT, False)
    assert server.count("POST", ORDERS) == 0


async def test_a_refused_login_is_not_sent(server: RawBroker, broker: TastytradeBroker) -> None:
    broker.connection.session.session_expiration = 0.0
    server.on("POST", "/oauth/token", json_answer({"error_code": "invalid_grant", "error_description": "revoked"}, 400))
    outcome = await send(broker)
    assert (outcome.kind, outcome.left) == (SendClass.NOT_SENT, False)
    assert server.count("POST", ORDERS) == 0


@pytest.mark.parametrize("refusing_call", [1, 2], ids=["in the hook", "when the connection stands"])
async def test_a_guard_that_refuses_stops_the_order_before_the_wire(
    server: RawBroker, broker: TastytradeBroker, refusing_call: int
) -> None:
    server.on("POST", ORDERS, json_answer(placed_json(), 201))
    calls = 0

    def guard() -> Refusal | None:
        nonlocal calls
        calls += 1
        return refuse(Reason.SEND_LATE, late_s="3.1") if calls == refusing_call else None

    outcome = await broker.send(ACCOUNT, trident_request(), guard)
    assert (outcome.kind, outcome.left, outcome.code) == (SendClass.NOT_SENT, False, "send_late")
    assert "3.1 s passed" in outcome.detail
    assert calls == refusing_call
    assert server.count("POST", ORDERS) == 0
    assert (await send(broker)).kind is SendClass.ACKNOWLEDGED  # the refused call leaves the connection usable


@pytest.mark.parametrize("failing_call", [1, 2])
async def test_a_guard_that_fails_stops_the_order_too(
    server: RawBroker, broker: TastytradeBroker, failing_call: int
) -> None:
    server.on("POST", ORDERS, json_answer(placed_json(), 201))
    calls = 0

    def guard() -> Refusal | None:
        nonlocal calls
        calls += 1
        if calls == failing_call:
            raise OSError("the data folder is gone")
        return None

    outcome = await broker.send(ACCOUNT, trident_request(), guard)
    assert (outcome.kind, outcome.left) == (SendClass.NOT_SENT, False)
    assert server.count("POST", ORDERS) == 0


async def test_the_dry_run_is_not_guarded_and_not_an_order(server: RawBroker, broker: TastytradeBroker) -> None:
    server.on("POST", f"{ORDERS}/dry-run", json_answer(placed_json(id=None), 201))
    answer = await broker.dry_run(ACCOUNT, trident_request())
    assert str(answer.buying_power_change) == "-195.4"
    assert str(answer.fees) == "5.4"
    assert answer.warnings == (("tif_next_valid_sesssion", "next session"),)
    assert server.count("POST", ORDERS) == 0


async def test_a_cancelled_send_passes_the_cancellation_on(server: RawBroker, broker: TastytradeBroker) -> None:
    arrived = asyncio.Event()

    async def slow(_: web.Request) -> web.StreamResponse:
        arrived.set()
        await asyncio.sleep(5)
        return web.Response()

    server.on("POST", ORDERS, slow)
    task = asyncio.create_task(send(broker))
    await arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
