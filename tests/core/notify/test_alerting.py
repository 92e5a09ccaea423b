"""Figures and alerts of the running engine: recorded with the cycle, opened, acknowledged, closed (rules 12)."""

from __future__ import annotations

from datetime import date, time, timedelta
from pathlib import Path

from core.config.settings import ScheduleSettings
from core.domain.operation.commands import Command, CommandKind
from core.domain.operation.events import Severity
from core.domain.operation.outcomes import Outcome
from core.domain.orders.order_states import OrderState
from core.domain.reporting.account_days import DayKind
from core.domain.reporting.alerts import AlertKind, DueAlert, subject_of, subject_words
from core.domain.reporting.figures import AccountRun
from core.records.repositories.rows import CommandRecord
from core.simulator.exchange.faults import FaultKind
from tests.support.world import ACCOUNT, World, account, et, in_world

MONDAY = date(2026, 3, 2)
OTHER = "5WT00002"
UNDERLYINGS = ("QQQ", "SPX")


async def acknowledge(world: World, target: str) -> CommandRecord:
    command = Command(world.ids.new(), CommandKind.ACKNOWLEDGE, "anna", world.clock.now(), target=target)
    world.engine.accept(command)
    await world.clock.sleep(1)
    record = await world.records.inbox.get(command.id)
    assert record is not None
    return record


def test_every_account_has_its_outcome_with_the_cycle(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.records.accounts.set_enabled(OTHER, False, world.clock.now())
        await world.until("10:01")
        first, *later = (await world.records.results.recorded(MONDAY, MONDAY)).runs
        assert (first.cycle, first.account, first.outcome, first.reason) == (1, ACCOUNT, Outcome.SUCCEEDED, "")
        assert (first.attempts, first.reached_pricing, first.pricing_refusals) == (1, True, 0)
        assert first.acknowledged_ms is not None
        assert 3_000 <= first.acknowledged_ms < 15_000, "from the slot, waiting for quotes included"
        assert [(r.cycle, r.account, r.reason) for r in later] == [
            (1, OTHER, "account_disabled"),
            (2, ACCOUNT, "entry_today"),
            (2, OTHER, "account_disabled"),
        ]
        figures = world.engine.alerting.figures
        assert figures is not None
        assert [(d.account, d.kind) for d in figures.days] == [(ACCOUNT, DayKind.TRADED), (OTHER, DayKind.RULE)]
        assert figures.median_ms == first.acknowledged_ms
        await world.stop()

    in_world(day, tmp_path, accounts=(account(), account(OTHER)), poll_s=60)


def test_alerts_open_are_acknowledged_and_close_by_themselves(tmp_path: Path) -> None:
    async def days(world: World) -> None:
        await world.start()
        world.broker.arm(FaultKind.MARKET_CROSSED, symbol=".*", seconds=1_000)
        await world.until("10:02")
        [run, *_] = (await world.records.results.recorded(MONDAY, MONDAY)).runs
        refused = {step[:2] for step in await world.steps(run.cycle) if step[3] == "leg_crossed"}
        assert refused == {(n, s) for n in (1, 2, 3) for s in UNDERLYINGS}
        assert (run.attempts, run.reached_pricing) == (3, True)
        assert run.pricing_refusals == 3, "one an attempt, though two underlyings were tried in each"
        assert {a.kind for a in world.engine.alerting.open_now} == {AlertKind.PRICING_REJECTIONS}
        told = [e for e in await world.records.journal.newest(400) if e.kind == "alert.opened"]
        assert {e.severity for e in told} == {Severity.CRITICAL}

        [critical] = [a for a in world.engine.alerting.open_now if a.severity is Severity.CRITICAL]
        assert (await acknowledge(world, "0")).text == "there is no open alert '0'"
        assert (await acknowledge(world, str(critical.id))).state == "done"
        await world.crash()
        await world.start()
        [kept] = [a for a in world.engine.alerting.open_now if a.id == critical.id]
        assert (kept.acknowledged_by, kept.text) == ("anna", critical.text)

        world.broker.faults.clear()
        await world.until("09:50", "2026-03-03")
        assert world.engine.alerting.open_now == (), "of the newest day, and one retried cycle is no rate"
        closed = [a for a in await world.records.alerts.newest(9) if a.closed_at is not None]
        assert critical.id in {a.id for a in closed}
        await world.stop()

    in_world(days, tmp_path, schedule=ScheduleSettings(last=time(10)), poll_s=900)


async def failed_before(world: World, *days: date) -> None:
    """Records a failed cycle of the account on each of these days."""
    records = await world.open_records()
    for number, day in enumerate(days, 1):
        failed = AccountRun(number, ACCOUNT, day, Outcome.FAILED, "feed_down", "the feed", 3, False, 0)
        assert await records.cycles.begin(day, None, True, world.clock.now()) == number
        await records.cycles.end(number, "failed", "feed_down", "the feed", {}, world.clock.now(), (failed,))
    await records.close()


def test_a_fifth_session_without_a_trade_counts_at_its_close(tmp_path: Path) -> None:
    async def friday(world: World) -> None:
        await failed_before(world, *(MONDAY + timedelta(days=n) for n in range(4)))
        world.broker.refuse_orders = 1
        await world.start()
        await world.until("15:59")
        assert [run.reason for run in (await world.records.results.recorded(world.day, world.day)).runs] == ["rejected"]
        assert AlertKind.NO_TRADE not in {a.kind for a in world.engine.alerting.open_now}
        await world.until("16:31")
        [alert] = [a for a in world.engine.alerting.open_now if a.kind is AlertKind.NO_TRADE]
        assert alert.subject == ACCOUNT
        figures = world.engine.alerting.figures
        assert figures is not None
        assert (figures.success.count, figures.success.of) == (0, 5)
        await world.stop()

    in_world(friday, tmp_path, start=et("2026-03-06", "14:44:30"), poll_s=300)


def counted(world: World) -> list[tuple[str, DayKind, str]]:
    figures = world.engine.alerting.figures
    assert figures is not None
    return [(d.account, d.kind, d.reason) for d in figures.days]


def test_an_order_rejected_after_the_broker_took_it_is_an_error_not_a_trade(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "reject"
        await world.start()
        await world.until("09:47")
        [run] = (await world.records.results.recorded(MONDAY, MONDAY)).runs
        assert run.outcome is Outcome.SUCCEEDED, "the cycle recorded what it did"
        assert (await world.entry()).state is OrderState.REJECTED
        assert counted(world) == [(ACCOUNT, DayKind.OPEN, "rejected")], "seen without another cycle; it may enter again"
        figures = world.engine.alerting.figures
        assert figures is not None
        assert (figures.success.of, figures.days[0].failed) == (0, 1)
        await world.until("10:17")
        assert {entry.state for entry in await world.entries()} == {OrderState.REJECTED}
        assert len(await world.entries()) == 3
        assert AlertKind.ALL_FAILED in {alert.kind for alert in world.engine.alerting.open_now}
        await world.until("14:45:59")
        assert counted(world) == [(ACCOUNT, DayKind.OPEN, "rejected")]
        await world.until("14:53")
        assert counted(world) == [(ACCOUNT, DayKind.ERROR, "rejected")], "no slot is left, seen without another change"
        figures = world.engine.alerting.figures
        assert figures is not None
        assert (figures.success.count, figures.success.of) == (0, 1)
        await world.stop()

    in_world(day, tmp_path, poll_s=60)


def test_a_day_is_open_while_its_order_works_and_traded_once_it_is_filled(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.start()
        await world.until("10:02")
        assert (await world.entry()).state is OrderState.WORKING
        assert counted(world) == [(ACCOUNT, DayKind.OPEN, "")]
        world.exchange.fill_plan = "normal"
        await world.until("10:08")
        assert (await world.entry()).state is OrderState.FILLED
        assert counted(world) == [(ACCOUNT, DayKind.TRADED, "")], "seen without another cycle"
        await world.stop()

    in_world(day, tmp_path, poll_s=60)


def test_a_console_that_was_away_has_missed_the_day(tmp_path: Path) -> None:
    async def days(world: World) -> None:
        await world.start()
        await world.until("09:50")
        await world.stop()
        await world.until("15:50", "2026-03-03")
        await world.start()
        figures = world.engine.alerting.figures
        assert figures is not None
        assert [(d.day.day, d.kind) for d in figures.days] == [(2, DayKind.TRADED), (3, DayKind.ERROR)]
        assert figures.days[-1].reason == "process_down"
        assert (figures.success.count, figures.success.of) == (1, 2)
        await world.stop()

    in_world(days, tmp_path, poll_s=300)


def test_alerts_about_exits_open_and_close_with_their_cause(tmp_path: Path) -> None:
    """One a trident, and while nobody knows how they stand those that are open stay."""

    async def day(world: World) -> None:
        due: tuple[DueAlert, ...] | None = ()
        await world.start()
        alerting = world.engine.alerting
        alerting.exit_alerts = lambda: due

        def broken(trident: str) -> DueAlert:
            return DueAlert(AlertKind.UNIT_BROKEN, subject_of(ACCOUNT, trident), f"{trident}: put-2 is broken")

        async def after_a_look() -> set[tuple[AlertKind, str]]:
            await world.clock.sleep(150)  # two looks at least
            return {(alert.kind, alert.subject) for alert in alerting.open_now}

        due = (broken("first-1"), broken("second-2"))
        assert await after_a_look() == {(one.kind, one.subject) for one in due}
        told = [event for event in await world.records.journal.newest(50) if event.kind == "alert.opened"]
        assert {event.account for event in told} == {ACCOUNT}
        due = None
        assert len(await after_a_look()) == len(told)
        due = (broken("second-2"),)
        assert await after_a_look() == {(one.kind, one.subject) for one in due}
        [closed] = [event for event in await world.records.journal.newest(50) if event.kind == "alert.closed"]
        assert closed.account == ACCOUNT
        whom = subject_words(subject_of(ACCOUNT, "first-1"))
        assert closed.text == f"{whom}: the alert about legs out of proportion is over"
        await world.stop()

    in_world(day, tmp_path, poll_s=60)


def test_an_alert_that_rings_is_told_again_though_it_was_seen(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        rings_at = world.clock.now()
        await world.start()
        alerting = world.engine.alerting
        alerting.exit_alerts = lambda: (DueAlert(AlertKind.MUST_CLOSE, ACCOUNT, "it is held", rings_at),)

        async def told() -> list[str]:
            await world.clock.sleep(150)  # two looks at least
            (alert,) = alerting.open_now
            await acknowledge(world, str(alert.id))
            assert alerting.open_now[0].acknowledged_by == "anna"
            return [event.kind for event in reversed(await world.records.journal.newest(80)) if "alert" in event.kind]

        assert await told() == ["alert.opened"]
        assert await told() == ["alert.opened"], "once a ring"
        rings_at = world.clock.now()
        await told()
        assert await told() == ["alert.opened"] * 2
        newest = await world.records.alerts.newest(9)
        assert [(one.acknowledged_by, one.closed_at is None) for one in newest] == [("anna", True), ("anna", False)]
        alerting.exit_alerts = tuple
        await world.clock.sleep(150)
        assert alerting.open_now == ()
        await world.stop()

    in_world(day, tmp_path, poll_s=60)
