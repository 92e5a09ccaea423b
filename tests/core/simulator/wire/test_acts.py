"""POST /simulator/act: what it does is in test_wire_and_in_process; here, what it refuses and whom it tells."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tastytrade import AlertStreamer
from tastytrade.order import OrderStatus, PlacedOrder

from tests.core.simulator.wire.simulated_server import ACCOUNT, broker, only_account, qqq_spread, status_of

PUT = "QQQ   270108P00622000"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            {},
            "act None is not known; use one of assign, cancel, close, desk, fill, forget, give, halt, place, remove, ",
        ),
        ({"act": "wipe", "account": 7}, "account 7 is not text"),
        ({"act": "wipe", "account": ACCOUNT, "id": 1}, "field 'id' is not known; use account, act"),
        ({"act": "wipe", "account": "5WT99999"}, "Account 5WT99999 was not found"),
        ({"act": "cancel", "account": ACCOUNT}, "id None is not a whole number"),
        ({"act": "cancel", "account": ACCOUNT, "id": 1}, "Order 1 was not found"),
        ({"act": "cancel", "account": ACCOUNT, "id": 1, "by": 2}, "by 2 is not text"),
        ({"act": "remove", "account": ACCOUNT, "id": True}, "id True is not a whole number"),
        ({"act": "replace", "account": ACCOUNT, "id": 1, "price": "x"}, "price 'x' is not a number"),
        ({"act": "place", "account": ACCOUNT, "order": []}, "order [] is not an object"),
        ({"act": "place", "account": ACCOUNT, "order": {}}, "legs is missing"),
        ({"act": "give", "account": ACCOUNT, "contracts": {"QQQ": "2"}}, "is not an object of whole numbers"),
        ({"act": "give", "account": ACCOUNT, "contracts": {"SPX": 2}}, "symbol SPX does not exist"),
        ({"act": "fill", "account": ACCOUNT, "id": 7, "packages": 0}, "packages 0 is not a whole number above 0"),
        ({"act": "fill", "account": ACCOUNT, "id": 7}, "Order 7 was not found"),
        ({"act": "assign", "account": ACCOUNT, "symbol": PUT}, f"1 {PUT}: the account is short 0"),
        ({"act": "assign", "account": ACCOUNT, "symbol": PUT, "quantity": "2"}, "quantity '2' is not a whole number"),
        ({"act": "assign", "account": ACCOUNT, "symbol": PUT, "now": 1}, "now 1 is neither true nor false"),
        ({"act": "assign", "symbol": PUT}, "account None is not text"),
        ({"act": "desk", "account": ACCOUNT}, "nothing that delivers shares"),
        ({"act": "halt", "symbol": "ZZZ", "seconds": 5}, "symbol 'ZZZ' is no underlying; use QQQ, SPX"),
        ({"act": "split", "symbol": "SPX", "ratio": "2"}, "SPX has no shares to split"),
        ({"act": "split", "symbol": "QQQ", "ratio": "two"}, "ratio 'two' is not a number; give 2"),
        ({"act": "split", "symbol": "QQQ", "ratio": "2", "date": "soon"}, "date 'soon' is no date"),
        ({"act": "split", "symbol": "QQQ", "ratio": "2", "date": "2026-11-23"}, "is not after the first session"),
        ({"act": "halt", "symbol": "QQQ", "seconds": -1}, "seconds -1 is outside 0..86400"),
        ({"act": "close", "account": ACCOUNT, "symbols": "QQQ"}, "symbols 'QQQ' is not a list"),
        ({"act": "close", "account": ACCOUNT}, "Request validation failed"),
    ],
)
async def test_a_body_that_is_wrong_says_why(body: dict[str, Any], text: str) -> None:
    async with broker() as server:
        status, said = await server.post("/simulator/act", body)
        assert status == 400
        assert text in said["error"]["message"]


@pytest.mark.parametrize(("more", "text"), [({"plan": "soon"}, "plan 'soon'"), ({"seconds": -1}, "seconds -1")])
async def test_a_placed_order_has_a_plan_and_a_time_that_exist(more: dict[str, Any], text: str) -> None:
    leg = {"instrument-type": "Equity Option", "symbol": "X", "action": "Buy to Open", "quantity": 1}
    order = {"time-in-force": "Day", "order-type": "Limit", "price": "1", "price-effect": "Debit", "legs": [leg]}
    async with broker() as server:
        status, said = await server.post("/simulator/act", {"act": "place", "account": ACCOUNT, "order": order, **more})
        assert status == 400
        assert text in said["error"]["message"]


async def test_alerts_tell_what_others_do() -> None:
    async with broker() as server, server.session() as session:
        server.simulator.exchange.fill_plan = "never"
        account, order = await only_account(session), await qqq_spread(session, "1.20")
        ours = (await account.place_order(session, order, dry_run=False)).order
        await status_of(account, session, ours.id, OrderStatus.LIVE)
        async with AlertStreamer(session) as alerts:
            await alerts.subscribe_accounts([account])
            body = {"act": "replace", "account": ACCOUNT, "id": ours.id, "price": "1.25", "keeps-identifier": False}
            status, said = await server.post("/simulator/act", {**body, "by": "rival"})
            assert status == 200
            async with asyncio.timeout(10):
                async for told in alerts.listen(PlacedOrder):
                    if told.id == said["data"]["id"] and told.status is OrderStatus.LIVE:
                        break
        old = await account.get_order(session, ours.id)
    assert (told.replaces_order_id, told.external_identifier, told.username) == (ours.id, None, "rival")
    assert (old.status, old.replacing_order_id) == (OrderStatus.CANCELLED, told.id)
