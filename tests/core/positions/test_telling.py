"""The mails about a trident, each once, on the real engine with its loop and a simulated broker (rules 15.10)."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from core.domain.operation.amounts import signed_dollars
from core.domain.operation.mail_preference import MailPreference
from core.domain.positions.closing import Gone
from core.domain.positions.exits import ExitKind
from core.domain.positions.tridents import ExitMode, Phase
from core.domain.positions.units import Ended, UnitName
from core.domain.reporting.notices import Letterhead
from core.records.records import GoneRecord
from tests.support.world import ACCOUNT, World, in_world

PUT_1, PUT_2, CALL = UnitName
HEAD = Letterhead("demo", "https://broker.example/orders")


async def kinds(world: World) -> list[str]:
    """The kinds of the mails about tridents, the oldest first."""
    found = await world.records.outbox.newest(50)
    return [one.kind for one in reversed(found) if one.kind.startswith("exit.")]


def test_three_targets_are_one_mail_and_a_restart_writes_none_again(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exits = ExitMode.ALL
        await world.start()
        world.records.outbox.open(HEAD, MailPreference.IMMEDIATE)
        await world.until("09:46")
        world.exchange.fill_plan = "never"
        await world.until("09:52")
        entry = await world.entry()
        exits = (await world.records.exits.of_tridents([entry.id]))[entry.id]
        assert [one.units for one in exits] == [(PUT_1,), (PUT_2,), (CALL,)]
        assert await kinds(world) == ["exit.targets"]
        [mail] = [one for one in await world.records.outbox.newest(50) if one.kind == "exit.targets"]
        assert "3 targets placed" in mail.subject
        assert all(str(one.order_id) in mail.text for one in exits)
        await world.stop()
        await world.start()
        world.records.outbox.open(HEAD, MailPreference.IMMEDIATE)
        await world.clock.sleep(120)
        assert await kinds(world) == ["exit.targets"], "each once, also over a restart"
        await world.stop()

    in_world(day, tmp_path)


def test_an_assigned_unit_and_a_broken_one_are_told_whatever_the_preference(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exits = ExitMode.ALL
        await world.start()
        world.records.outbox.open(HEAD, MailPreference.NEVER)
        await world.until("09:46")
        world.exchange.fill_plan = "never"
        await world.until("09:52")
        assert await kinds(world) == []
        entry = await world.entry()
        record = await world.records.tridents.get(entry.id)
        _, put_2, call = record.trident.units
        at = world.clock.now()
        left = [
            GoneRecord(entry.id, Gone(PUT_2, put_2.short, Ended.ASSIGNED, at), "a test"),
            GoneRecord(entry.id, Gone(CALL, call.short, None, at), "a test"),
        ]
        await world.records.tridents.note_gone(left)
        world.engine.exits.turns.wake(ACCOUNT)
        await world.clock.sleep(30)
        assert sorted(await kinds(world)) == ["exit.assigned", "exit.broken"]
        [told] = [one for one in await world.records.outbox.newest(50) if one.kind == "exit.assigned"]
        assert "Sell 100 QQQ + Sell to Close 1" in told.text
        await world.stop()

    in_world(day, tmp_path)


def test_the_time_exit_and_the_end_are_told_with_the_result(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exits = ExitMode.ALL
        await world.start()
        world.records.outbox.open(HEAD, MailPreference.IMMEDIATE)
        await world.until("09:46")
        entry = await world.entry()
        world.exchange.fill_plan = "never"
        await world.until("09:52")
        await world.records.tridents.become(entry.id, Phase.CLOSING, world.clock.now())
        world.engine.exits.turns.wake(ACCOUNT)
        await world.until("10:10")
        assert [one.kind for one in await world.records.exits.open_of(ACCOUNT)] == [ExitKind.TIME]
        world.exchange.fill_plan = "immediate"
        await world.until("10:16")
        phase = (await world.records.tridents.get(entry.id)).trident.phase
        exits = (await world.records.exits.of_tridents([entry.id]))[entry.id]
        assert phase is Phase.ENDED, [(one.kind, one.state, one.debit, one.detail, one.cancel_why) for one in exits]
        told = await kinds(world)
        assert told.count("exit.closing") == told.count("exit.closed") == 1, told
        assert told.index("exit.targets") < told.index("exit.closing") < told.index("exit.closed"), told
        [end] = [one for one in await world.records.outbox.newest(50) if one.kind == "exit.closed"]
        earned = await world.records.pnl_rows.units(entry.id)
        net = sum((one.realized or Decimal(0) for one in earned.values()), Decimal(0))
        assert f"trident closed: ~{signed_dollars(net)}" in end.subject
        assert "time exit" in end.text
        await world.stop()

    in_world(day, tmp_path)
