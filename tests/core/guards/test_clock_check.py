"""A machine's clock that is not proved to agree with the broker's enters nothing, on the wire (rules 9, 13.4, 14).

The trader's quotes are dated by the exchange. A clock that is behind would show old ones as new.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.broker.port import BrokerTime, WireGuard
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.reasons import Reason, Refusal
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import OrderRequest, SendOutcome
from core.guards.clock_check import MAX_TOLD_AGE_S, ClockCheck
from core.runtime.clock import ShiftedClock
from core.simulator.exchange.faults import Fault, FaultKind
from tests.support.wire_world import ACCOUNT, WireWorld, on_the_wire
from tests.support.world import LOGIN

OFF = [-895.0, -180.0, -3.5, 3.5, 180.0]
NO_DATE = Fault(FaultKind.DATE_MISSING, count=None)


def barred_by(world: WireWorld) -> Reason | None:
    refusal = world.engine.gate.account_refusal(ACCOUNT, LOGIN)
    return None if refusal is None else refusal.reason


async def until_clean(world: WireWorld) -> None:
    """Waits until nothing bars entries but, it may be, the clock."""
    gate = world.engine.gate
    await world.until(
        lambda: (
            world.engine.ready.is_set()
            and not gate.not_reconciled(ACCOUNT)
            and world.engine.feed.is_live(world.clock.monotonic())
        ),
        "reconciled, with quotes",
    )


@asynccontextmanager
async def trader(folder: Path, off_s: float | None) -> AsyncIterator[WireWorld]:
    """A trader whose clock is so many seconds ahead of the broker's; None where the broker tells no time."""
    faults = (NO_DATE,) if off_s is None else ()
    async with on_the_wire(folder, off_s=off_s or 0.0, real_time=True, faults=faults) as world:
        yield world


@pytest.mark.parametrize("off_s", [*OFF, None])
async def test_a_clock_that_is_not_proved_enters_nothing(tmp_path: Path, off_s: float | None) -> None:
    """From the first moment on: a slot 15 s after the start finds the gate closed, and so does one much later."""
    expected = Reason.CLOCK_UNPROVED if off_s is None else Reason.CLOCK_OFF
    async with trader(tmp_path, off_s) as world:
        let_in: list[bool] = []

        def notice() -> bool:
            let_in.append(barred_by(world) is None)
            return world.engine.ready.is_set() and not world.engine.gate.not_reconciled(ACCOUNT)

        await world.until(notice, "reconciled")
        assert not any(let_in), "the gate was open before the clock was proved"
        assert barred_by(world) is expected
        await until_clean(world)
        refused = await world.enter()
        assert isinstance(refused, Refusal)
        assert refused.reason is expected
        await world.until(lambda: world.engine.breakers.is_open(BreakerKind.CLOCK), "the breaker for the clock")
        if off_s is not None:
            assert f"{off_s:+.0f}"[0] in refused.sentence(), "ahead is +, behind is -"
        assert world.at_the_broker() == 0


@pytest.mark.parametrize("off_s", [-1.0, 0.0, 1.0])
async def test_a_clock_within_two_seconds_enters(tmp_path: Path, off_s: float) -> None:
    async with trader(tmp_path, off_s) as world:
        await world.until_ready()
        await world.enter()
        [entry] = await world.entries()
        assert entry.state in (OrderState.WORKING, OrderState.FILLED)


@pytest.mark.parametrize("off_s", OFF)
async def test_a_clock_set_between_guard_and_wire_lets_nothing_leave(tmp_path: Path, off_s: float) -> None:
    """No answer of the broker has to come for it: the process's own counter shows the step at once."""
    async with trader(tmp_path, 0.0) as world:
        await world.until_ready()
        broker = world.engine.parts.broker
        send = broker.send

        async def late(number: str, request: OrderRequest, guard: WireGuard) -> SendOutcome:
            world.clock.set_by(off_s)
            return await send(number, request, guard)

        setattr(broker, "send", late)  # noqa: B010 - the way to this one broker
        await world.enter()
        [entry] = await world.entries()
        assert entry.state is OrderState.NOT_SENT, entry
        assert world.at_the_broker() == 0


async def test_a_clock_that_is_right_again_lets_entries_go_on(tmp_path: Path) -> None:
    async with trader(tmp_path, 0.0) as world:
        await world.until_ready()
        world.clock.set_by(-180.0)
        assert barred_by(world) is Reason.CLOCK_OFF
        await world.until(lambda: world.engine.breakers.is_open(BreakerKind.CLOCK), "the breaker for the clock")
        world.clock.set_by(180.0)
        await world.until_ready()


async def test_old_quotes_stay_old_whatever_the_clock_shows(tmp_path: Path) -> None:
    """Even without the comparison of clocks: quotes two hours old are not new to a clock that is two hours behind."""
    stale = Fault(FaultKind.MARKET_STALE_SNAPSHOT)
    async with on_the_wire(tmp_path, off_s=-7200.0, faults=(stale,)) as world:
        await world.until(lambda: world.engine.quotes.last_known_quote("QQQ") is not None, "a quote")
        quote = world.engine.quotes.last_known_quote("QQQ")
        assert quote is not None
        age_s = quote.age(world.clock.monotonic())
        assert age_s is not None
        assert age_s > 7000


# Without a server


class Told:
    """A broker of which only the time is asked."""

    def __init__(self, time: BrokerTime | None) -> None:
        self.time = time


START = datetime(2026, 3, 2, 15, tzinfo=UTC)


def check(told: BrokerTime | None, now: float, *, real_time: bool = True) -> ClockCheck:
    return ClockCheck(Told(told), ShiftedClock(START, monotonic=lambda: now), real_time)  # type: ignore[arg-type]


def told(least_s: float, most_s: float, at: float = 0.0) -> BrokerTime:
    return BrokerTime(START + timedelta(seconds=least_s), START + timedelta(seconds=most_s), at)


@pytest.mark.parametrize(
    ("least_s", "most_s", "off"),
    [(0, 1, ""), (2, 3, ""), (-3, -2, ""), (-9, 9, ""), (2.1, 3.1, "-2.6"), (-4, -2.5, "+3.2"), (895, 896, "-895.5")],
)
def test_it_is_off_when_all_that_it_may_be_is_more_than_two_seconds(least_s: float, most_s: float, off: str) -> None:
    refusal = check(told(least_s, most_s), 0.0).refusal()
    assert ("" if refusal is None else refusal.sentence()) == (
        "" if not off else f"this machine's clock is {off} s off the broker's"
    )


def test_what_was_told_counts_for_a_minute_and_a_half() -> None:
    now = [0.0]
    asked = ClockCheck(Told(told(0, 1)), ShiftedClock(START, monotonic=lambda: now[0]), True)  # type: ignore[arg-type]
    now[0] = MAX_TOLD_AGE_S
    assert asked.refusal() is None
    now[0] += 0.1
    refusal = asked.refusal()
    assert refusal is not None
    assert refusal.reason is Reason.CLOCK_UNPROVED


def test_a_simulated_time_is_compared_with_nothing() -> None:
    assert check(None, 0.0, real_time=False).refusal() is None
    assert check(told(900, 901), 0.0, real_time=False).refusal() is None


@pytest.mark.parametrize(("in_session", "opens"), [(True, True), (False, False)])
def test_a_silent_broker_is_news_in_the_session_alone(in_session: bool, opens: bool) -> None:
    assert (check(None, 0.0).trouble(in_session=in_session) is not None) is opens
    assert check(told(900, 901), 0.0).trouble(in_session=in_session) is not None
