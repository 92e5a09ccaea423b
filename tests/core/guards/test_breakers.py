"""Breakers are rows that survive a restart, and each says how it is reset (rules 9)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.broker.port import BrokerError, BrokerFault
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import CommandKind
from core.domain.operation.events import Event
from core.guards.breakers import Breakers
from core.records.records import Records
from core.runtime.bus import Bus
from core.runtime.clock import SystemClock
from core.simulator.exchange.faults import FaultKind
from core.snapshot import Automation
from tests.support.record_samples import url_of
from tests.support.world import ACCOUNT, World, in_world

pytestmark = pytest.mark.usefixtures("store")

ORDERS = f"/accounts/{ACCOUNT}/orders"


def kinds(world: World) -> list[BreakerKind]:
    return [breaker.kind for breaker in world.engine.breakers.open_now]


def test_three_failed_sends_stop_the_account_until_the_next_session(tmp_path: Path) -> None:
    async def days(world: World) -> None:
        world.broker.refuse_orders = 3
        await world.start()
        await world.until("10:17")
        assert kinds(world) == [BreakerKind.SENDS]
        await world.until("10:31")
        assert [s.reason_code for s in await world.slots()][-1] == "breaker_open"
        await world.crash()
        await world.start()
        assert kinds(world) == [BreakerKind.SENDS], "a breaker did not survive the restart"
        await world.until("09:46", "2026-03-03")
        assert kinds(world) == []
        assert (await world.entry()).holds_day
        await world.stop()

    in_world(days, tmp_path, poll_s=120)


def test_a_silent_feed_stops_entries_and_lets_them_go_by_itself(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:47")
        world.broker.arm(FaultKind.DXLINK_SILENCE, count=10_000, seconds=120)
        await world.until("09:51")
        found = [e.kind for e in await world.records.journal.newest(50)]
        assert "breaker.opened" in found
        world.broker.faults.clear()
        await world.until("09:57")
        assert kinds(world) == []
        assert world.engine.gate.automation is Automation.ACTIVE
        await world.stop()

    in_world(day, tmp_path)


def test_a_login_refused_twice_is_not_tried_a_third_time_until_reset(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        tried = 0

        async def refused() -> None:
            nonlocal tried
            tried += 1
            raise BrokerError(BrokerFault.LOGIN_REFUSED, "Grant revoked")

        accepted, world.broker.connect = world.broker.connect, refused  # type: ignore[method-assign]
        for _ in range(3):
            with pytest.raises(BrokerError):
                await world.start()
        assert tried == 2
        world.broker.connect = accepted  # type: ignore[method-assign]
        with pytest.raises(BrokerError, match="senex reset login"):
            await world.start()

    in_world(day, tmp_path)


def test_without_a_halt_a_reset_ends_none_and_claims_no_pause(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.clock.sleep(5)
        assert await world.answer(CommandKind.RESET, "halt") == "refused: there is no halt"
        assert world.engine.gate.automation is Automation.ACTIVE
        await world.stop()

    in_world(day, tmp_path)


def test_a_halt_ends_with_a_reset_and_leaves_entries_paused(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.clock.sleep(5)
        assert (await world.answer(CommandKind.HALT, note="something looks wrong")).startswith("done")
        assert world.engine.gate.automation is Automation.HALTED
        assert "something looks wrong" in world.engine.gate.automation_detail
        await world.until("09:46")
        assert [s.reason_code for s in await world.slots()] == ["halted"]
        assert (await world.answer(CommandKind.RESUME)).startswith("refused")
        assert (await world.answer(CommandKind.RESET, "halt")).startswith("done")
        assert world.engine.gate.automation is Automation.PAUSED
        assert (await world.answer(CommandKind.RESUME)).startswith("done")
        await world.until("10:01")
        assert (await world.entry()).holds_day
        await world.stop()

    in_world(day, tmp_path)


def test_records_that_cannot_be_written_stop_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def day(world: World) -> None:
        from core.records.store.errors import RecordsError

        await world.start()
        await world.clock.sleep(5)

        async def full() -> None:
            raise RecordsError("the disk is full")

        probe, world.records.probe = world.records.probe, full  # type: ignore[method-assign]
        await world.until("09:46")
        assert kinds(world) == [BreakerKind.STORE]
        assert world.engine.gate.automation is Automation.HALTED
        assert await world.entries() == ()
        world.records.probe = probe  # type: ignore[method-assign]
        await world.until("10:01")
        assert kinds(world) == []
        assert (await world.entry()).holds_day
        await world.stop()

    in_world(day, tmp_path, poll_s=2)


async def test_breakers_that_open_at_once_are_each_told_once(tmp_path: Path) -> None:
    """Entries of two accounts may become incidents in the same moment."""
    records, clock = await Records.open(url_of(tmp_path / "records.sqlite3")), SystemClock()
    told: list[Event] = []
    bus = Bus(records.journal.append, clock)
    bus.listen(told.append)
    breakers = Breakers(records, bus, clock)
    accounts = [f"5WT0000{number}" for number in range(4)]
    await asyncio.gather(*(breakers.open(BreakerKind.INCIDENT, account, "two orders") for account in accounts))
    assert sorted(event.account or "" for event in told) == accounts
    assert {one.subject for one in await records.breakers.open_now()} == set(accounts)
    await records.close()
