"""Account alerts against the simulated broker."""

from __future__ import annotations

import inspect
from decimal import Decimal

import pytest
from tastytrade import AlertStreamer

from core.broker.port import StreamState
from core.domain.orders.orders import OrderLeg, OrderRequest, SendClass
from core.domain.trident.trident import Action
from core.simulator.exchange.faults import FaultKind, FaultMatch
from tests.core.broker.simulated_streams import ACCOUNT, AlertReceiver, SimulatedStreams, running, simulated, until


async def place(streams: SimulatedStreams, identifier: str = "senex-1") -> str:
    """Sends a trident far above its value, so that it stays working."""
    chain = await streams.broker.chain("QQQ")
    expiration = next(e for e in chain.expirations if 30 <= (e.day - streams.clock.now().date()).days <= 50)
    body = Decimal(2) * round(Decimal("623") / 2)
    strikes = expiration.strikes
    legs = (
        OrderLeg(strikes[body].put.occ, Action.SELL_TO_OPEN, 2),
        OrderLeg(strikes[body - 3].put.occ, Action.BUY_TO_OPEN, 2),
        OrderLeg(strikes[body].call.occ, Action.SELL_TO_OPEN, 1),
        OrderLeg(strikes[body + 3].call.occ, Action.BUY_TO_OPEN, 1),
    )
    request = OrderRequest("QQQ", legs, Decimal("5.90"), identifier)
    outcome = await streams.broker.send(ACCOUNT, request, lambda: None)
    assert outcome.kind is SendClass.ACKNOWLEDGED, outcome
    assert outcome.report is not None
    return outcome.report.order_id


async def test_an_orders_life_is_told_and_a_cancel_ends_it() -> None:
    async with simulated() as streams:
        receiver = AlertReceiver()
        async with running(streams.broker.alerts.run([ACCOUNT], receiver)):
            await until(lambda: receiver.connections == 1, "a connection")
            order_id = await place(streams)
            await until(lambda: "Live" in receiver.words(), "Live")
            await streams.broker.cancel(ACCOUNT, order_id)
            await until(lambda: "Cancelled" in receiver.words(), "Cancelled")
        assert {report.order_id for report in receiver.reports} == {order_id}
        assert {report.identifier for report in receiver.reports} == {"senex-1"}
        assert receiver.reports[-1].terminal_at is not None
        (listed,) = await streams.broker.orders_since(ACCOUNT, streams.clock.now().date())
        assert (listed.order_id, listed.status) == (order_id, "Cancelled")


@pytest.mark.parametrize(
    "kind", [FaultKind.ALERTS_UNKNOWN_STATUS, FaultKind.ALERTS_INVALID_OBJECT, FaultKind.ALERTS_ODD_FIELD]
)
async def test_an_alert_that_the_sdk_cannot_read_is_read_nevertheless(kind: FaultKind) -> None:
    """Of an order, a balance or a position: what is odd or missing there is nothing that is used."""
    async with simulated() as streams:
        receiver = AlertReceiver()
        async with running(streams.broker.alerts.run([ACCOUNT], receiver)):
            await until(lambda: receiver.connections == 1, "a connection")
            streams.arm(kind, count=None)
            order_id = await place(streams)
            await streams.broker.cancel(ACCOUNT, order_id)
            last = "Dead" if kind is FaultKind.ALERTS_UNKNOWN_STATUS else "Cancelled"
            await until(lambda: receiver.reports and receiver.reports[-1].terminal_at, "the order's end")
            assert receiver.words()[-1] == last
        assert (receiver.losses, receiver.unreadable) == ([], 0)


@pytest.mark.parametrize("field", ["id", "account-number", "status", "legs", "symbol", "external-identifier"])
async def test_an_order_alert_that_cannot_be_read_is_told_and_the_stream_goes_on(field: str) -> None:
    async with simulated() as streams:
        receiver = AlertReceiver()
        async with running(streams.broker.alerts.run([ACCOUNT], receiver)):
            await until(lambda: receiver.connections == 1, "a connection")
            streams.arm(FaultKind.ALERTS_ODD_FIELD, match=FaultMatch(field=field), count=1, value={})
            order_id = await place(streams)
            await until(lambda: receiver.unreadable == 1, "word of the alert")
            await streams.broker.cancel(ACCOUNT, order_id)
            await until(lambda: "Cancelled" in receiver.words(), "the alerts after it")
        assert receiver.losses == []


async def test_several_alerts_in_one_frame_all_arrive() -> None:
    async with simulated() as streams:
        receiver = AlertReceiver()
        async with running(streams.broker.alerts.run([ACCOUNT], receiver)):
            await until(lambda: receiver.connections == 1, "a connection")
            streams.arm(FaultKind.ALERTS_BATCHED, count=None)
            order_id = await place(streams)
            await until(lambda: "Live" in receiver.words(), "Live")
            await streams.broker.cancel(ACCOUNT, order_id)
            await until(lambda: "Cancelled" in receiver.words(), "Cancelled")


@pytest.mark.parametrize("name", ["_reader", "_websocket.receive_json", "_subscription_state.pop"])
def test_the_private_names_of_the_sdk_that_our_reader_rests_on_are_there(name: str) -> None:
    """A new version of the SDK may rename them, and would then read the alerts itself."""
    assert f"self.{name}" in inspect.getsource(AlertStreamer)


@pytest.mark.parametrize("kind", [FaultKind.ALERTS_CLOSE, FaultKind.ALERTS_CONNECT_REFUSED])
async def test_a_lost_or_refused_stream_comes_back(kind: FaultKind) -> None:
    async with simulated() as streams:
        receiver = AlertReceiver()
        if kind is FaultKind.ALERTS_CONNECT_REFUSED:
            streams.arm(kind)
        async with running(streams.broker.alerts.run([ACCOUNT], receiver)):
            if kind is FaultKind.ALERTS_CLOSE:
                await until(lambda: receiver.connections == 1, "a connection")
                streams.arm(kind)
            await until(lambda: receiver.losses, "the loss")
            refused = (
                kind is FaultKind.ALERTS_CONNECT_REFUSED
            )  # without a request id, for which the SDK would wait 10 s
            assert receiver.losses[0] == ("refused by the broker: failed" if refused else "closed by the broker (1001)")
            await until(lambda: receiver.statuses[-1].state is StreamState.CONNECTED, "a connection")
            await place(streams)
            await until(lambda: "Live" in receiver.words(), "alerts")


async def test_a_refused_order_says_why() -> None:
    async with simulated() as streams:
        request = OrderRequest(
            "QQQ", (OrderLeg("QQQ   991231P00001000", Action.SELL_TO_OPEN, 1),), Decimal(1), "senex-2"
        )
        outcome = await streams.broker.send(ACCOUNT, request, lambda: None)
        assert outcome.kind is SendClass.REJECTED
        assert outcome.code
        assert ACCOUNT not in outcome.detail


async def test_a_lost_answer_is_unknown_and_the_order_is_found_by_its_identifier() -> None:
    async with simulated() as streams:
        streams.arm(FaultKind.REST_DROP_RESPONSE, match=FaultMatch(method="POST", path=f"/accounts/{ACCOUNT}/orders"))
        with pytest.raises(AssertionError, match="unknown"):
            await place(streams, "senex-3")
        (found,) = await streams.broker.orders_since(ACCOUNT, streams.clock.now().date())
        assert found.identifier == "senex-3"
