"""Answers that come drop by drop: no call waits longer than its deadline, and the console ends while an order drips.

A limit for each read of the socket would never end these: something comes all the time (broker 2.1).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from core.broker.port import BrokerError, BrokerFault
from core.broker.tastytrade import TastytradeBroker
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import SendClass
from core.records.records import Records
from core.simulator.exchange.faults import FaultKind, FaultMatch
from tests.core.broker.raw_broker import trident_request
from tests.core.broker.simulated_streams import ACCOUNT, MONDAY_TEN, QUICK, simulated
from tests.support.record_samples import url_of
from tests.support.wire_world import on_the_wire

DROP_S = 0.2
DEADLINE_S = 0.3
SLOW = replace(QUICK, read=DEADLINE_S, order=DEADLINE_S, cancel=DEADLINE_S, login=DEADLINE_S)

CALLS: dict[str, Callable[[TastytradeBroker], Awaitable[object]]] = {
    "login": lambda b: b.connect(),
    "accounts": lambda b: b.accounts(),
    "account": lambda b: b.account_reads(ACCOUNT),
    "session": lambda b: b.market_state(),
    "metrics": lambda b: b.metrics(["QQQ"]),
    "chain": lambda b: b.chain("QQQ"),
    "marks": lambda b: b.marks(["QQQ"]),
    "dry run": lambda b: b.dry_run(ACCOUNT, trident_request()),
    "order": lambda b: b.order(ACCOUNT, "1"),
    "orders": lambda b: b.orders_since(ACCOUNT, MONDAY_TEN.date()),
    "cancel": lambda b: b.cancel(ACCOUNT, "1"),
}


@pytest.mark.parametrize("part", [None, "headers"], ids=["body", "headers"])
@pytest.mark.parametrize("call", CALLS)
async def test_no_answer_is_waited_for_longer_than_its_deadline(call: str, part: str | None) -> None:
    async with simulated(SLOW) as streams:
        streams.arm(FaultKind.REST_DRIP, count=None, seconds=DROP_S, match=FaultMatch(field=part))
        with pytest.raises(BrokerError) as caught:
            await CALLS[call](streams.broker)
    assert caught.value.fault is BrokerFault.UNREACHABLE
    assert caught.value.detail.endswith(f"no whole answer within {DEADLINE_S:g} s"), caught.value.detail


@pytest.mark.parametrize("part", [None, "headers"], ids=["body", "headers"])
async def test_an_order_whose_answer_drips_is_unknown_after_its_deadline(part: str | None) -> None:
    """Whatever the answer would say: without its end it proves neither that the order works nor that it does not."""
    async with simulated(SLOW) as streams:
        streams.arm(
            FaultKind.REST_DRIP, seconds=DROP_S, match=FaultMatch(method="POST", path_end="/orders", field=part)
        )
        outcome = await streams.broker.send(ACCOUNT, trident_request(), lambda: None)
    assert (outcome.kind, outcome.left, outcome.report) == (SendClass.UNKNOWN, True, None), outcome
    assert (outcome.status is None) == (part == "headers"), "the status may have come, and says nothing by itself"


async def test_an_order_whose_token_drips_has_not_left() -> None:
    async with simulated(SLOW) as streams:
        streams.broker.connection.session.session_expiration = 0.0
        streams.arm(FaultKind.REST_DRIP, seconds=DROP_S, match=FaultMatch(path="/oauth"))
        outcome = await streams.broker.send(ACCOUNT, trident_request(), lambda: None)
        posted = streams.simulator.exchange.orders(ACCOUNT)
    assert (outcome.kind, outcome.left, posted) == (SendClass.NOT_SENT, False, [])
    assert outcome.detail == "the order never left: no answer in time"


async def test_the_console_ends_while_an_order_drips(tmp_path: Path) -> None:
    async with on_the_wire(tmp_path, timings=replace(SLOW, order=2.0, read=15.0, login=15.0)) as world:
        await world.until_ready()
        world.simulator.exchange.fill_plan = "never"
        world.arm(FaultKind.REST_DRIP, seconds=DROP_S, match=FaultMatch(method="POST", path_end="/orders"))
        world.arm(FaultKind.ALERTS_LOST, count=None)  # neither an alert nor a read proves meanwhile that it works
        cycle = asyncio.create_task(world.enter())
        await world.until(world.at_the_broker, "an order at the broker")
        world.arm(FaultKind.REST_DROP_REQUEST, count=None, match=FaultMatch(method="GET"))
        world.engine.stop()
        await asyncio.wait({world.running}, timeout=20)
        assert world.running.done(), "the engine waits for the answer"
        cycle.cancel()
        records = await Records.open(url_of(tmp_path / "records.sqlite3"), trader=False)
        [entry] = await records.entries.of_day(world.engine.study.today())
        await records.close()
    assert entry.state is OrderState.UNKNOWN, entry
