"""Several logins as one broker over the real wire: own and shared accounts, alerts, and a feed that another login takes
over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from core.broker.multi_login import LoginPorts, LoginsBroker
from core.broker.port import BrokerError, BrokerFault, StreamState
from core.broker.tastytrade import Login, TastytradeBroker
from core.domain.orders.orders import OrderLeg, OrderRequest, SendClass
from core.domain.trident.trident import Action
from core.runtime.clock import ShiftedClock
from core.runtime.ids import SeededIds
from core.simulator.exchange.accounts import AccountSetup
from core.simulator.exchange.faults import Fault, FaultKind
from core.simulator.wire.server import Simulator
from core.simulator.wire.settings import Login as SimulatedLogin
from core.simulator.wire.settings import SimulatorSettings
from tests.core.broker.simulated_streams import MONDAY_TEN, QUICK, AlertReceiver, Receiver, running, until
from tests.support.record_samples import request

PATIENT = replace(QUICK, connect=10.0, read=10.0, order=10.0, enter_stream=10.0, socket_silence=60.0)
"""A busy machine is no silence: only what a test ends is lost."""
OWN, SHARED, OTHER = "5WT00001", "5WT00002", "5WT00003"
CASH = Decimal("25000.00")
ACCOUNTS = (
    AccountSetup(OWN, "Own", "main", CASH),
    AccountSetup(SHARED, "Shared", "main", CASH, also=("second",)),
    AccountSetup(OTHER, "Other", "second", CASH),
)
LOGINS = (SimulatedLogin("secret-1", "refresh-1", "main"), SimulatedLogin("secret-2", "refresh-2", "second"))


@dataclass
class TwoLogins:
    simulator: Simulator
    broker: LoginsBroker
    clock: ShiftedClock

    async def connect_all(self) -> None:
        """Logs in with each login that the broker accepts, and reads which accounts it reaches."""
        for login in self.broker.each:
            await login.connect()
            await login.accounts()

    def revoke(self, number: int) -> None:
        """The broker ends this login's tokens and refuses new ones."""
        self.simulator.tokens.revoke_grant(f"refresh-{number}")
        self.simulator.tokens.revoke_access(LOGINS[number - 1].name)


@asynccontextmanager
async def _two() -> AsyncIterator[TwoLogins]:
    clock = ShiftedClock(MONDAY_TEN)
    simulator = Simulator(SimulatorSettings(logins=LOGINS, accounts=ACCOUNTS), clock, SeededIds(3))
    url = f"http://127.0.0.1:{await simulator.start()}"
    ports = []
    for index, login in enumerate(LOGINS):
        adapter = TastytradeBroker(
            Login(login.name, login.client_secret, login.refresh_token),
            clock,
            SeededIds(index),
            base_url=url,
            timings=PATIENT,
        )
        ports.append(LoginPorts(adapter, adapter.market_data, adapter.alerts))
    broker = LoginsBroker(ports, clock, patience_s=1.0)
    try:
        yield TwoLogins(simulator, broker, clock)
    finally:
        await broker.close()
        await simulator.stop()


@pytest.fixture
async def two() -> AsyncIterator[TwoLogins]:
    async with _two() as found:
        yield found


async def _order(two: TwoLogins, identifier: str) -> OrderRequest:
    """Sends a trident far above its value, so that it stays working."""
    chain = await two.broker.chain("QQQ")
    expiration = next(e for e in chain.expirations if 30 <= (e.day - two.clock.now().date()).days <= 50)
    put, call, wing = (expiration.strikes[Decimal(strike)] for strike in (624, 624, 621))
    legs = (
        OrderLeg(put.put.occ, Action.SELL_TO_OPEN, 2),
        OrderLeg(wing.put.occ, Action.BUY_TO_OPEN, 2),
        OrderLeg(call.call.occ, Action.SELL_TO_OPEN, 1),
        OrderLeg(expiration.strikes[Decimal(627)].call.occ, Action.BUY_TO_OPEN, 1),
    )
    return OrderRequest("QQQ", legs, Decimal("5.90"), identifier)


async def test_every_account_is_read_by_a_login_that_may_read_it(two: TwoLogins) -> None:
    await two.broker.connect()
    assert [account.number for account in await two.broker.accounts()] == [OWN, SHARED, OTHER]
    for number in (OWN, SHARED, OTHER):
        assert (await two.broker.account_reads(number)).number == number
    with pytest.raises(BrokerError, match="no login reaches this account") as refused:
        await two.broker.account_reads("5WT99999")
    assert refused.value.fault is BrokerFault.REFUSED
    nobody = await two.broker.send("5WT99999", request("senex-1"), lambda: None)
    assert (nobody.kind, nobody.left) == (SendClass.NOT_SENT, False)


async def test_a_revoked_login_leaves_the_shared_account_and_the_market_to_the_other(two: TwoLogins) -> None:
    await two.connect_all()
    two.revoke(1)
    assert (await two.broker.market_state()).is_open
    assert two.broker.name == "second"
    assert (await two.broker.account_reads(SHARED)).number == SHARED
    assert await two.broker.transactions(SHARED, two.clock.now().date()) == ()
    with pytest.raises(BrokerError) as refused:
        await two.broker.account_reads(OWN)
    assert refused.value.fault is BrokerFault.LOGIN_REFUSED
    assert (await two.broker.account_reads(OTHER)).number == OTHER


async def test_a_market_read_that_fails_is_asked_of_the_next_login(two: TwoLogins) -> None:
    await two.connect_all()
    fault = Fault(FaultKind.REST_HTML, count=1)
    two.simulator.faults.arm(fault, two.clock.now(), two.clock.monotonic())
    assert (await two.broker.market_state()).is_open
    assert two.broker.name == "second", "preferred from then on"


async def test_each_login_tells_of_the_orders_of_its_accounts(two: TwoLogins) -> None:
    await two.connect_all()
    receiver = AlertReceiver()
    async with running(two.broker.alerts.run((OWN, SHARED, OTHER), receiver)):
        await until(lambda: two.simulator.alerts.connections == 2, "both logins listen")
        await until(lambda: receiver.connections == 2, "both connections are counted")
        assert receiver.statuses[-1].state is StreamState.CONNECTED
        for number in (OWN, OTHER):
            sent = await two.broker.send(number, await _order(two, f"senex-{number}"), lambda: None)
            assert sent.kind is SendClass.ACKNOWLEDGED, sent
        await until(lambda: {report.account for report in receiver.reports} == {OWN, OTHER}, "alerts of both accounts")
        fault = Fault(FaultKind.ALERTS_CLOSE, count=1)
        two.simulator.faults.arm(fault, two.clock.now(), two.clock.monotonic())
        await until(lambda: receiver.connections == 3, "the lost one is connected again")
        states = [status.state for status in receiver.statuses]
        assert StreamState.WAITING in states, "one that is lost is not all connected"
        await until(lambda: receiver.statuses[-1].state is StreamState.CONNECTED, "all are connected again")


async def test_the_next_login_feeds_the_market_when_the_first_is_refused(two: TwoLogins) -> None:
    await two.connect_all()
    receiver = Receiver()
    await two.broker.market_data.subscribe({"QQQ"}, frozenset())
    async with running(two.broker.market_data.run(receiver)):
        await until(lambda: "QQQ" in receiver.quotes, "the first login's feed")
        before = receiver.connections
        two.revoke(1)
        two.simulator.tokens.revoke_quote_tokens()
        fault = Fault(FaultKind.DXLINK_CLOSE, count=1)
        two.simulator.faults.arm(fault, two.clock.now(), two.clock.monotonic())
        await until(lambda: two.broker.market_data.feeding == "second", "the second login takes over")
        await until(lambda: "QQQ" in receiver.quotes, "the second login's feed")
        assert receiver.connections > before
        assert "login main feeds no quotes; login second takes over" in receiver.losses


def test_two_logins_of_one_name_are_refused() -> None:
    adapter = TastytradeBroker(Login("main", "s", "r"), ShiftedClock(MONDAY_TEN), SeededIds(1), base_url="http://[::1]")
    ports = LoginPorts(adapter, adapter.market_data, adapter.alerts)
    with pytest.raises(ValueError, match="each its own"):
        LoginsBroker([ports, ports], ShiftedClock(MONDAY_TEN))
