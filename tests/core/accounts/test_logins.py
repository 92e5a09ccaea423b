"""Several logins used as one broker, in the whole engine: own and shared accounts, and a refused login."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pytest

from core.broker.multi_login import LoginPorts, LoginsBroker
from core.broker.port import BrokerError
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import CommandKind
from core.domain.operation.events import Event
from core.records.records import LoginRecord
from core.simulator.exchange.accounts import AccountSetup
from core.simulator.exchange.faults import FaultKind
from core.simulator.in_process.broker import InProcessBroker
from tests.support.world import MONDAY, World, et, in_world

OWN, SHARED, OTHER = "5WT00001", "5WT00002", "5WT00003"
CASH = Decimal("25000.00")
ACCOUNTS = (
    AccountSetup(OWN, "Own", "main", CASH),
    AccountSetup(SHARED, "Shared", "main", CASH, also=("second",)),
    AccountSetup(OTHER, "Other", "second", CASH),
)


@dataclass
class TwoLogins:
    """Two logins of one world; the engines of the world use them as one broker."""

    world: World
    main: InProcessBroker
    second: InProcessBroker

    @classmethod
    def of(cls, world: World, logins_s: int = 24 * 3600) -> TwoLogins:
        main, second = world.broker, InProcessBroker(world.exchange, world.market, world.clock, "second")
        second.chains = main.chains
        second.market_data.idle_s = 5.0
        ports = [LoginPorts(broker, broker.market_data, broker.alerts) for broker in (main, second)]
        setattr(world, "broker", LoginsBroker(ports, world.clock))  # noqa: B010 - another broker than the world's own
        world.intervals = replace(world.intervals, logins_s=logins_s, health_s=20)
        return cls(world, main, second)

    def revoke(self, broker: InProcessBroker) -> None:
        """The broker refuses this login's token from now on."""
        broker.arm(FaultKind.REST_TOKEN_INVALID, count=None)

    def posted(self) -> dict[str, list[str]]:
        """The accounts of the orders sent, by login."""
        return {b.name: sorted(posted.account for posted in b.posted) for b in (self.main, self.second)}

    async def logins(self) -> tuple[LoginRecord, ...]:
        return await self.world.records.logins.all()

    async def told(self, *kinds: str) -> Sequence[str]:
        """The kinds of these events, oldest first."""
        newest = await self.world.records.journal.newest(500)
        return [event.kind for event in reversed(newest) if event.kind in kinds]


def test_each_order_goes_through_the_login_that_reaches_its_account(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        two = TwoLogins.of(world)
        await world.start()
        assert [(a.number, a.login) for a in await world.records.accounts.all()] == [
            (OWN, "main"),
            (SHARED, "main"),
            (OTHER, "second"),
        ]
        await world.until("09:46")
        assert two.posted() == {"main": [OWN, SHARED], "second": [OTHER]}
        assert sorted(entry.account for entry in await world.entries()) == [OWN, SHARED, OTHER]
        assert [(login.name, login.is_valid) for login in await two.logins()] == [("main", True), ("second", True)]
        await world.stop()

    in_world(day, tmp_path, accounts=ACCOUNTS)


def test_a_login_refused_at_the_start_keeps_no_other_from_trading_and_is_told_of_once(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        two = TwoLogins.of(world, logins_s=30)
        two.revoke(two.main)
        await world.start()
        await world.until("09:50")
        assert two.posted() == {"main": [], "second": [SHARED, OTHER]}
        assert await two.told("login.refused", "login.invalid") == ["login.refused", "login.invalid", "login.refused"]
        assert world.engine.breakers.is_open(BreakerKind.LOGIN, "main"), "refused twice, not tried a third time"
        two.main.faults.clear()
        assert (await world.answer(CommandKind.RESET, "login")).startswith("done")
        await world.until("10:02")
        assert two.posted() == {"main": [OWN], "second": [SHARED, OTHER]}, "its own account is traded again"
        assert (await two.told("login.valid")) == ["login.valid"]
        await world.stop()

    in_world(day, tmp_path, accounts=ACCOUNTS)


def test_a_refused_login_is_counted_however_much_else_happens(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        two = TwoLogins.of(world, logins_s=60)
        two.revoke(two.main)
        tried = 0
        connect = two.main.connect

        async def counted() -> None:
            nonlocal tried
            tried += 1
            await connect()

        two.main.connect = counted  # type: ignore[method-assign]
        await world.start()
        busy = [Event(world.clock.now(), "step.risk", "passed") for _ in range(150)]
        for _ in range(5):
            await world.records.journal.append(*busy)
            await world.clock.sleep(70)
        assert tried == 2
        await world.stop()

    in_world(day, tmp_path, accounts=ACCOUNTS)


def test_a_login_that_turns_bad_hands_the_shared_account_over_and_skips_its_own(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        two = TwoLogins.of(world)
        await world.start()
        await world.clock.sleep(5)
        two.revoke(two.main)
        await world.until("09:46")
        assert two.posted() == {"main": [], "second": [SHARED, OTHER]}
        [cycle] = await world.cycles()
        assert (cycle.totals["succeeded"], cycle.totals["processed"]) == (2, 3)
        refused = [e for e in await world.events(cycle.number, "step.account") if e.reason is not None]
        assert [(e.account, e.reason.code) for e in refused if e.reason] == [(OWN, "token_invalid")]
        assert world.broker.market_data.feeding == "second", "the feed goes on through the next login"
        await world.until("09:48")
        assert await two.told("login.invalid") == ["login.invalid"]
        assert {a.number: a.login for a in world.engine.accounts}[OWN] == "main"
        assert {a.number: a.login for a in await world.records.accounts.all()}[SHARED] == "second"
        main, second = await two.logins()
        assert (main.is_valid, second.is_valid) == (False, True)
        snapshot = world.snapshot()
        assert [(login.name, login.is_valid) for login in snapshot.logins] == [("main", False), ("second", True)]
        assert [(view.target, view.token_valid) for view in snapshot.accounts] == [
            ("0001", False),
            ("0002", True),
            ("0003", True),
        ]
        await world.stop()

    in_world(day, tmp_path, accounts=ACCOUNTS)


def test_the_market_is_fed_by_the_primary_accounts_login(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        TwoLogins.of(world)
        await world.start()
        await world.clock.sleep(5)
        assert world.broker.market_data.feeding == "main"
        assert (await world.answer(CommandKind.SET_ACCOUNT, OTHER, "primary on")).startswith("done")
        await world.clock.sleep(5)
        assert world.broker.market_data.feeding == "second"
        assert world.broker.name == "second"
        await world.until("09:46")
        assert len(await world.entries()) == 3
        await world.stop()

    in_world(day, tmp_path, accounts=ACCOUNTS)


def test_without_any_login_the_engine_does_not_start(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        two = TwoLogins.of(world)
        two.revoke(two.main)
        two.revoke(two.second)
        with pytest.raises(BrokerError, match="token_invalid"):
            await world.start()

    in_world(day, tmp_path, accounts=ACCOUNTS)


def test_one_hanging_account_delays_none(tmp_path: Path) -> None:
    """Its balances take nine seconds each time; the other accounts enter without waiting for them."""
    numbers = [f"5WT{n:05}" for n in range(1, 9)]

    async def day(world: World) -> None:
        await world.start()
        await world.clock.sleep(20)
        world.broker.arm(FaultKind.REST_DELAY_BEFORE, count=None, seconds=9.0, path=f"/accounts/{numbers[0]}/balances")
        await world.until("09:47")
        slot = et(MONDAY, "09:45")
        sent = {posted.account: (posted.at - slot).total_seconds() for posted in world.broker.posted}
        assert sorted(sent) == numbers
        hanging = sent.pop(numbers[0])
        assert max(sent.values()) < 6 < hanging, (sent, hanging)
        await world.stop()

    in_world(day, tmp_path, accounts=tuple(AccountSetup(n, "Own", "main", CASH) for n in numbers))
