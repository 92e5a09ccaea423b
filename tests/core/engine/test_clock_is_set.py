"""The machine's clock is set back or ahead: entries wait until it is confirmed, no slot is missed whose time has not
passed, and what counts minutes is not deceived (rules 3, 9, 14)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from core.config.settings import TradingSettings
from core.domain.operation.commands import Command, CommandKind
from core.domain.operation.events import Event, Severity
from core.domain.operation.mail_preference import MailPreference
from core.domain.operation.reasons import Reason
from core.domain.orders.order_states import OrderState
from core.runtime.intervals import Intervals
from core.simulator.exchange.faults import FaultKind
from core.snapshot import Automation
from core.views.standing_reads import clock_doubt
from tests.core.notify.mail_without_engine import mail_settings
from tests.support.invariants import assert_nothing_forbidden_happened
from tests.support.memory_mail_server import MemoryMailServer
from tests.support.world import ACCOUNT, LOGIN, MONDAY, World, et, in_world

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
QUARTER_S = 900.0
TUESDAY = "2026-03-03"
believed = pytest.mark.parametrize("real_time", [False, True], ids=["simulated", "confirmed by the broker"])


async def start(world: World, *, real_time: bool = False, looks_every_s: float = 1.0) -> None:
    """Starts an engine that looks at its clock every second, and asks the broker as often, as the product does."""
    world.real_time = real_time
    world.intervals = replace(world.intervals, max_sleep_s=looks_every_s)
    if real_time:
        often = Intervals()
        world.intervals = replace(world.intervals, broker_s=often.broker_s, locks_s=often.locks_s)
    await world.start()


async def recorded(world: World) -> Counter[tuple[str, str]]:
    return Counter((slot.state, slot.reason_code if slot.state == "missed" else "") for slot in await world.slots())


async def said(world: World, kind: str) -> list[Event]:
    return [event for event in reversed(await world.records.journal.newest(1_000)) if event.kind == kind]


def barred(world: World) -> Reason | None:
    refusal = world.engine.gate.refusal()
    return None if refusal is None else refusal.reason


@believed
def test_entries_are_barred_from_the_moment_the_clock_was_set_until_it_is_confirmed(
    tmp_path: Path, real_time: bool
) -> None:
    async def day(world: World) -> None:
        await start(world, real_time=real_time)
        await world.until("09:50")
        world.clock.set_by(-HOUR_S)
        gate = world.engine.gate
        reason = Reason.CLOCK_OFF if real_time else Reason.CLOCK_IN_DOUBT
        assert barred(world) is reason, "it bars before the timetable looks"
        assert gate.automation is Automation.RECONCILING
        assert gate.automation_detail.startswith("the machine's clock was set back by 1:00:00; entries wait")
        await world.clock.sleep(30)
        (told,) = await said(world, "clock.set")
        assert told.severity is Severity.CRITICAL
        assert told.text == (
            "the machine's clock was set back by 1:00:00; entries wait until it is confirmed; the next slot is 09:45"
        )
        reconciling = await world.records.journal.newest_of(("reconcile.started", "reconcile.done"))
        assert reconciling is not None, "a shell learns it from the records"
        assert reconciling.text == "reconciling with the broker (the machine's clock was set back by 1:00:00)"
        refused = await world.answer(CommandKind.FORCE)
        assert refused.startswith("refused: ")
        assert "clock" in refused, "09:45 has not passed by this clock alone: the clock is the reason"
        await world.clock.sleep(45)
        if real_time:
            assert barred(world) is reason, "an hour behind the broker is never confirmed"
            world.clock.set_by(HOUR_S)
            await world.clock.sleep(5)
        assert barred(world) is None
        assert len(await said(world, "clock.confirmed")) == 1
        assert not world.engine.gate.not_reconciled()
        await world.stop()

    in_world(day, tmp_path)


def test_after_an_hour_back_every_later_slot_runs_once(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await start(world)
        await world.until("09:50")
        assert await recorded(world) == {("done", ""): 1}
        world.clock.set_by(-HOUR_S)
        await world.until("09:59")
        assert await recorded(world) == {("done", ""): 1}, "09:45 comes again and is not run again"
        await world.until("10:16")
        assert await recorded(world) == {("done", ""): 3}
        assert len(world.broker.posted) == 1
        await world.stop()

    in_world(day, tmp_path)


def test_after_a_day_back_the_slots_of_that_day_run(tmp_path: Path) -> None:
    async def days(world: World) -> None:
        await start(world)
        await world.until("10:06")
        world.clock.set_by(-DAY_S)
        await world.until("10:31", MONDAY)
        assert [(slot.state, slot.slot) for slot in await world.slots()] == [
            ("missed", et(MONDAY, "09:45")),
            ("missed", et(MONDAY, "10:00")),
            ("done", et(MONDAY, "10:15")),
            ("done", et(MONDAY, "10:30")),
        ]
        await world.stop()

    in_world(days, tmp_path, start=et(TUESDAY, "10:05"))


def test_a_day_back_that_the_broker_does_not_confirm_enters_nothing_under_the_other_date(tmp_path: Path) -> None:
    async def days(world: World) -> None:
        await start(world, real_time=True)
        await world.until("10:06")
        world.clock.set_by(-DAY_S)
        await world.until("10:20", MONDAY)
        assert (await world.slots(), world.broker.posted) == ((), [])
        world.clock.set_by(DAY_S)
        await world.until("10:31", TUESDAY)
        assert await recorded(world) == {
            ("missed", "process_down"): 2,
            ("missed", "clock_set"): 1,
            ("done", ""): 1,
        }
        assert await world.records.slots.of_day(et(MONDAY).date()) == ()
        assert len(world.broker.posted) == 1
        await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(days, tmp_path, start=et(TUESDAY, "10:05"))


@believed
def test_four_hours_ahead_for_four_seconds_miss_no_slot(tmp_path: Path, real_time: bool) -> None:
    async def day(world: World) -> None:
        await start(world, real_time=real_time)
        await world.until("09:50")
        world.clock.set_by(4 * HOUR_S)
        await world.clock.sleep(4)
        world.clock.set_by(-4 * HOUR_S)
        await world.until("09:52")
        assert await recorded(world) == {("done", ""): 1}
        await world.until("14:46")
        assert await recorded(world) == {("done", ""): 21}
        assert await said(world, "slot.missed") == []
        assert len(await said(world, "clock.set")) == 2
        await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(day, tmp_path, poll_s=60)


def test_a_quarter_of_an_hour_ahead_for_good_misses_the_one_slot_it_passed_over(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await start(world)
        await world.until("09:50")
        world.clock.set_by(QUARTER_S)
        await world.until("10:16")
        assert await recorded(world) == {("done", ""): 2, ("missed", "clock_set"): 1}
        (missed,) = [slot for slot in await world.slots() if slot.state == "missed"]
        assert missed.slot == et(MONDAY, "10:00")
        (told,) = await said(world, "slot.missed")
        assert told.text == "1 slot passed while the clock was set or in doubt"
        await world.stop()

    in_world(day, tmp_path)


def test_a_slot_within_its_grace_when_the_clock_is_confirmed_still_runs(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await start(world, real_time=True)
        await world.until("09:50")
        world.clock.set_by(-1 * QUARTER_S)
        await world.clock.sleep(600 + 30)
        assert world.clock.true_now() == et(MONDAY, "10:00:30")
        world.clock.set_by(QUARTER_S)
        await world.until("10:01")
        assert await recorded(world) == {("done", ""): 2}
        await world.stop()

    in_world(day, tmp_path)


def test_a_start_with_a_wrong_clock_misses_nothing_until_it_is_right(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.clock.set_by(-QUARTER_S)
        await start(world, real_time=True)
        assert barred(world) is not None
        (told,) = await said(world, "clock.doubt")
        assert told.severity is Severity.CRITICAL
        doubt = "the machine's clock does not agree with the broker's; entries wait until the clock is confirmed"
        assert await clock_doubt(world.records) == doubt, "a shell knows only the records"
        assert world.engine.gate.waits_for(ACCOUNT) == doubt
        await world.until("09:45:30")
        assert barred(world) is Reason.CLOCK_OFF
        assert (await world.slots(), world.broker.posted) == ((), [])
        world.clock.set_by(QUARTER_S)
        await world.until("10:16")
        assert await clock_doubt(world.records) == ""
        assert [(slot.state, slot.reason_code) for slot in await world.slots()][:1] == [("missed", "process_down")]
        assert await recorded(world) == {("missed", "process_down"): 1, ("done", ""): 2}
        assert len(world.broker.posted) == 1
        await world.stop()

    in_world(day, tmp_path, start=et(MONDAY, "09:59"))


@pytest.mark.parametrize("hour_s", [0.0, HOUR_S, -HOUR_S], ids=["right", "an hour ahead", "an hour back"])
def test_the_slots_of_a_monday_after_the_clocks_changed_run_at_the_exchanges_time(
    tmp_path: Path, hour_s: float
) -> None:
    """New York sets its clocks ahead on Sunday 2026-03-08; somebody sets the machine's by hand too, and corrects it."""

    async def days(world: World) -> None:
        await start(world, looks_every_s=60.0)
        await world.until("03:30", "2026-03-08")
        world.clock.set_by(hour_s)
        await world.until("12:00", "2026-03-08")
        world.clock.set_by(-hour_s)
        await world.until("09:46", "2026-03-09")
        assert [(slot.state, slot.slot.isoformat()) for slot in await world.slots()] == [
            ("done", "2026-03-09T13:45:00+00:00")
        ]
        assert len(world.broker.posted) == 1
        assert len(await said(world, "clock.set")) == (2 if hour_s else 0)
        await world.stop()

    in_world(days, tmp_path, start=et("2026-03-07", "12:00"), poll_s=600)


def test_after_a_sleep_nothing_is_sent_by_what_was_known_before(tmp_path: Path) -> None:
    """Whoever asks first finds the gates closed and no price: the monotonic clock stood still, and tells no age."""

    async def day(world: World) -> None:
        world.exits = None
        await start(world, looks_every_s=60.0)
        await world.until("09:50")
        engine = world.engine
        assert barred(world) is None
        assert not engine.exits.exit_gate.refusals(ACCOUNT, LOGIN)
        assert engine.quotes.quote("QQQ") is not None
        world.clock.suspend(10 * 60)
        assert engine.exits.exit_gate.refusal(ACCOUNT, LOGIN) is not None
        assert Reason.RECONCILING in {one.reason for one in engine.exits.exit_gate.refusals(ACCOUNT, LOGIN)}
        assert barred(world) is Reason.RECONCILING
        assert engine.quotes.quote("QQQ") is None
        await world.clock.sleep(90)
        assert barred(world) is None
        assert engine.quotes.quote("QQQ") is not None
        done = [e.text for e in await world.records.journal.newest(200) if e.kind == "reconcile.done"]
        assert sum("the machine slept" in text for text in done) == 1
        await world.stop()

    in_world(day, tmp_path)


def test_a_machine_that_slept_has_no_clock_that_was_set(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await start(world, real_time=True)
        world.engine.bus.listen(lambda event: events.append(event.kind))
        events: list[str] = []
        await world.until("09:50")
        world.clock.suspend(30 * 60)
        await world.clock.sleep(30)
        assert await recorded(world) == {("done", ""): 1, ("missed", "suspended"): 2}
        assert "reconcile.done" in events
        assert not [kind for kind in events if kind.startswith(("clock.", "breaker."))]
        assert barred(world) is None
        await world.stop()

    in_world(day, tmp_path)


# What counts minutes by the clock


def test_a_clock_set_ahead_proves_no_order_absent(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.REST_DROP_REQUEST, method="POST", path="/accounts/5WT00001/orders")
        await start(world)
        await world.until("09:46")
        assert (await world.entry()).state is OrderState.UNKNOWN
        world.clock.set_by(QUARTER_S)
        await world.clock.sleep(115)
        assert (await world.entry()).state is OrderState.UNKNOWN
        assert barred(world) is None, "the clock is believed by now"
        await world.clock.sleep(120)
        assert (await world.entry()).state is OrderState.ABSENT
        await world.stop()

    in_world(day, tmp_path)


@pytest.mark.parametrize("seconds", [QUARTER_S, -QUARTER_S])
def test_a_clock_that_is_set_cancels_no_order_early_and_still_cancels_it(tmp_path: Path, seconds: float) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await start(world)
        await world.until("09:46")
        world.clock.set_by(seconds)
        await world.clock.sleep(9 * 60)
        assert (await world.entry()).state is OrderState.WORKING
        await world.clock.sleep(2 * 60)
        assert (await world.records.entries.of_day(et(MONDAY).date()))[0].state is OrderState.CANCELLED
        await world.stop()

    in_world(day, tmp_path, trading=TradingSettings(cancel_after_minutes=10))


def test_a_command_that_waits_while_the_clock_is_set_does_not_expire(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await start(world)
        await world.until("09:46")
        desk = world.engine.commands
        command = Command(world.ids.new(), CommandKind.RECONCILE, "another shell", world.clock.now())
        desk.take(command)
        await world.records.inbox.post(command)
        world.clock.set_by(4 * HOUR_S)
        desk.check()
        await world.clock.sleep(5)
        record = await world.records.inbox.get(command.id)
        assert record is not None
        assert record.state.value == "done", record.text
        await world.stop()

    in_world(day, tmp_path)


def test_no_digest_is_written_while_the_clock_is_in_doubt(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.settings = world.settings.model_copy(update={"mail": mail_settings(MailPreference.DAILY)})
        world.mailer = MemoryMailServer(world.clock)
        world.intervals = replace(world.intervals, digests_s=1)
        await start(world)
        await world.until("09:50")
        world.clock.set_by(8 * HOUR_S)
        await world.clock.sleep(20)
        world.clock.set_by(-8 * HOUR_S)
        await world.clock.sleep(120)
        assert [message.kind for message in await world.records.outbox.newest(50) if "daily" in message.kind] == []
        await world.stop()

    in_world(day, tmp_path)


def test_mail_waits_no_day_because_the_clock_was_a_day_ahead_and_is_not_given_up(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        server = MemoryMailServer(world.clock)
        world.settings = world.settings.model_copy(update={"mail": mail_settings()})
        world.mailer = server
        server.refuses = lambda mail: True
        await start(world)
        await world.until("09:45:30")
        world.clock.set_by(4 * DAY_S)
        await world.clock.sleep(20)
        world.clock.set_by(-4 * DAY_S)
        server.refuses = lambda mail: False
        await world.clock.sleep(60)
        counts = await world.records.outbox.counts()
        assert (counts.waiting, counts.given_up) == (0, 0)
        assert [mail.subject for mail in server.taken if "filled" in mail.subject] != []
        await world.stop()

    in_world(day, tmp_path)
