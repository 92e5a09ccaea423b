"""The simulator's odd answers, read by the adapter over real sockets."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from core.broker.port import BrokerError, BrokerFault
from core.domain.orders.comparison import difference
from core.domain.orders.orders import OrderLeg, OrderReport, OrderRequest, SendClass
from core.domain.trident.trident import Action
from core.simulator.exchange.faults import FOREIGN_ID, FaultKind, FaultMatch
from core.simulator.exchange.orders import OrderChanges
from core.simulator.in_process import values
from tests.core.broker.simulated_streams import ACCOUNT, SimulatedStreams, simulated


async def resting(streams: SimulatedStreams) -> OrderRequest:
    """An order that does not fill: its credit is far above the market."""
    chain = await streams.broker.chain("QQQ")
    expiration = next(e for e in chain.expirations if 30 <= (e.day - streams.clock.now().date()).days <= 50)
    strikes = expiration.strikes
    legs = (
        OrderLeg(strikes[Decimal(622)].put.occ, Action.SELL_TO_OPEN, 2),
        OrderLeg(strikes[Decimal(619)].put.occ, Action.BUY_TO_OPEN, 2),
        OrderLeg(strikes[Decimal(622)].call.occ, Action.SELL_TO_OPEN, 1),
        OrderLeg(strikes[Decimal(625)].call.occ, Action.BUY_TO_OPEN, 1),
    )
    return OrderRequest("QQQ", legs, Decimal("5.90"), "senex-1")


async def placed(streams: SimulatedStreams) -> OrderReport:
    """The acknowledgement of an order that rests."""
    outcome = await streams.broker.send(ACCOUNT, await resting(streams), lambda: None)
    assert outcome.kind is SendClass.ACKNOWLEDGED, outcome
    assert outcome.report is not None
    return outcome.report


async def test_items_of_an_unknown_kind_lose_nothing_but_themselves() -> None:
    async with simulated() as streams:
        ours = await placed(streams)
        streams.arm(FaultKind.REST_FOREIGN_ITEM, match=FaultMatch(method="GET"), count=None)
        day = streams.clock.now().date()
        listed = {report.order_id: report for report in await streams.broker.orders_since(ACCOUNT, day)}
        assert set(listed) == {ours.order_id, str(FOREIGN_ID)}
        assert listed[str(FOREIGN_ID)] == values.foreign_order(ACCOUNT)
        assert (await streams.broker.account_reads(ACCOUNT)).positions == ()
        assert streams.broker.remarks() == ("a position in BTC/USD is left out: it cannot be read (quantity)",)
        assert [account.is_closed for account in await streams.broker.accounts()] == [False, True]


@pytest.mark.parametrize("field", ["underlying-instrument-type", "order-type", "cancellable", "impact", "commission"])
@pytest.mark.parametrize("value", [123, None, {}, "odd"])
async def test_an_order_is_acknowledged_and_listed_whatever_its_other_fields_are(field: str, value: Any) -> None:
    async with simulated() as streams:
        streams.arm(FaultKind.REST_ODD_FIELD, match=FaultMatch(field=field), count=None, value=value)
        ours = await placed(streams)
        (listed,) = await streams.broker.orders_since(ACCOUNT, streams.clock.now().date())
        assert (listed.order_id, listed.identifier, listed.credit) == (ours.order_id, "senex-1", Decimal("5.90"))


@pytest.mark.parametrize(
    ("kind", "field", "says"),
    [
        (FaultKind.ORDERS_CHANGED_PRICE, "3.50", "asked 5.90 credit, the broker shows 3.50 credit"),
        (FaultKind.ORDERS_CHANGED_QUANTITY, "2", "the broker shows Sell to Open 4"),
        (FaultKind.ORDERS_LEG_MISSING, "4", "the broker shows no such leg"),
    ],
)
async def test_an_order_that_is_not_as_asked_differs_in_the_answer_the_listing_and_the_read(
    kind: FaultKind, field: str, says: str
) -> None:
    async with simulated() as streams:
        asked = await resting(streams)
        streams.arm(kind, match=FaultMatch(field=field))
        answer = await placed(streams)
        (listed,) = await streams.broker.orders_since(ACCOUNT, streams.clock.now().date())
        read = await streams.broker.order(ACCOUNT, answer.order_id)
        for shown in (answer, listed, read):
            assert says in difference(asked, ACCOUNT, shown)


async def test_a_history_whose_pages_overlap_is_unreadable_until_they_do_not() -> None:
    async with simulated() as streams:
        orders = {(await placed(streams)).order_id for _ in range(3)}
        day = streams.clock.now().date()
        streams.arm(FaultKind.ORDERS_OVERLAPPING_PAGES, count=None)
        with pytest.raises(BrokerError) as caught:
            await streams.broker.orders_since(ACCOUNT, day)
        assert caught.value.fault is BrokerFault.UNREADABLE
        streams.simulator.faults.clear()
        assert {report.order_id for report in await streams.broker.orders_since(ACCOUNT, day)} == orders


async def test_a_replaced_order_and_its_replacement_name_each_other_as_in_process() -> None:
    async with simulated() as streams:
        old = await placed(streams)
        changes = OrderChanges("Day", "Limit", Decimal("5.80"), "Credit", external_identifier="senex-1")
        streams.simulator.exchange.replace(ACCOUNT, int(old.order_id), changes, streams.clock.now())
        reports = await streams.broker.orders_since(ACCOUNT, streams.clock.now().date())
        before, after = reports
        assert (before.order_id, before.replaced_by, before.replaces) == (old.order_id, after.order_id, "")
        assert (after.replaces, after.replaced_by, after.cancelled_by) == (old.order_id, "", "")
        exchanges = sorted(streams.simulator.exchange.orders(ACCOUNT), key=lambda order: order.id)
        in_process = [values.order_report(order) for order in exchanges]
        assert [_unchanging(report) for report in reports] == [_unchanging(report) for report in in_process]


def _unchanging(report: OrderReport) -> OrderReport:
    """Without what changes from one moment to the next: its status and its instants."""
    return replace(report, status="", received_at=None, updated_at=None, terminal_at=None)
