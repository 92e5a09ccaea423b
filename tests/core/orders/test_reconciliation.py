"""Reconciliation and settlement: no entry before they are done, and nothing concluded without evidence (rules 9)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from core.broker.port import Position, StreamState
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import CommandKind
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Fill
from core.orders.positions import CONFIRMED_S
from core.simulator.exchange.faults import FaultKind
from core.simulator.in_process.values import order_body
from core.snapshot import Automation, Health, Reentry
from tests.support.invariants import assert_nothing_forbidden_happened
from tests.support.shown_positions import show_positions
from tests.support.world import ACCOUNT, World, account, et, in_world

pytestmark = pytest.mark.usefixtures("store")

ORDERS = f"/accounts/{ACCOUNT}/orders"


def test_no_entry_until_every_read_was_complete(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.ORDERS_PARTIAL_PAGE, count=10_000)
        world.broker.arm(FaultKind.REST_5XX_HTML, path=f"/accounts/{ACCOUNT}/balances", count=10_000)
        await world.start()
        await world.until("09:50")
        assert world.engine.gate.automation is Automation.RECONCILING
        assert [(s.state, s.reason_code) for s in await world.slots()] == [("missed", "reconciling")]
        world.broker.faults.clear()
        await world.until("10:01")
        assert world.engine.gate.automation is Automation.ACTIVE
        assert (await world.entry()).state is OrderState.FILLED
        await world.stop()

    in_world(day, tmp_path)


def test_an_unknown_order_that_never_arrived_is_absent_after_two_reads_and_holds_the_day(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.REST_DROP_REQUEST, method="POST", path=ORDERS)
        await world.start()
        await world.until("09:46:30")
        assert (await world.entry()).state is OrderState.UNKNOWN
        await world.until("09:49")
        entry = await world.entry()
        assert (entry.state, entry.holds_day) == (OrderState.ABSENT, True)
        reads = [e for e in await world.records.entries.evidence(entry.id) if e.kind == "listing"]
        assert len(reads) == 2
        assert (reads[1].at - reads[0].at).total_seconds() >= 30
        assert entry.sent_at is not None
        assert (reads[0].at - entry.sent_at).total_seconds() >= 120
        [told] = [e.text for e in await world.records.journal.newest(100) if e.kind == "order.absent"]
        assert "the order is absent: two complete reads" in told, "an order without an id is still called one"
        await world.until("10:01")
        assert len(await world.entries()) == 1
        await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(day, tmp_path)


def test_reads_over_different_alert_connections_prove_nothing_together(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.REST_DROP_REQUEST, method="POST", path=ORDERS)
        await world.start()
        await world.until("09:47:15")
        world.broker.arm(FaultKind.ALERTS_CLOSE)
        await world.until("09:47:40")
        assert (await world.entry()).state is OrderState.UNKNOWN
        await world.until("09:49")
        assert world.engine.tracker.alerts.state is StreamState.CONNECTED
        assert (await world.entry()).state is OrderState.ABSENT
        await world.stop()

    in_world(day, tmp_path)


def test_an_order_under_our_identifier_without_a_record_stops_the_account(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:46")
        filled = await world.entry()
        stray = replace(filled.request, identifier="senex-nobody")
        world.exchange.fill_plan = "never"
        world.exchange.submit(ACCOUNT, order_body(stray), world.clock.now())
        await world.until("09:47")
        assert {b.kind for b in world.engine.breakers.open_now} == {BreakerKind.MISMATCH, BreakerKind.INCIDENT}
        [mismatch] = [b for b in world.engine.breakers.open_now if b.kind is BreakerKind.MISMATCH]
        assert mismatch.subject == ACCOUNT
        assert "no record here knows it; `senex attest" in mismatch.why
        for kind in ("mismatch", "incident"):
            assert (await world.answer(CommandKind.RESET, kind)).startswith("done")
        await world.until("09:50")
        assert world.engine.breakers.open_now == (), "an operator has settled this very order, and this very pair"
        await world.stop()

    in_world(day, tmp_path)


def test_an_order_that_is_not_ours_is_told_once_and_left_alone(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:46")
        world.exchange.fill_plan = "never"
        ours = (await world.entry()).request
        theirs = replace(ours, legs=ours.legs[:2], credit=Decimal("1.00"), identifier="somebody-else")
        world.exchange.submit(ACCOUNT, order_body(theirs), world.clock.now())
        for _ in range(2):
            await world.answer(CommandKind.RECONCILE)
            await world.clock.sleep(5)
        told = [e for e in await world.records.journal.newest(100) if e.kind == "reconcile.foreign"]
        assert len(told) == 1
        assert world.engine.breakers.open_now == ()
        assert [o.status for o in world.exchange.orders(ACCOUNT) if o.external_identifier == "somebody-else"] == [
            "Live"
        ]
        await world.stop()

    in_world(day, tmp_path)


def test_an_unknown_entry_of_an_earlier_date_stops_the_account_until_it_is_attested(tmp_path: Path) -> None:
    async def days(world: World) -> None:
        world.broker.arm(FaultKind.REST_DROP_REQUEST, method="POST", path=ORDERS)
        await world.start()
        await world.until("09:45:30")
        assert (await world.entry()).state is OrderState.UNKNOWN
        await world.crash()
        await world.until("09:40", "2026-03-03")
        await world.start()
        await world.until("09:40:05")
        [breaker] = world.engine.breakers.open_now
        assert breaker.kind is BreakerKind.EARLIER_ENTRY
        [entry] = await world.records.entries.unknown()
        assert (await world.answer(CommandKind.ATTEST, entry.id, "absent")).startswith("done")
        assert (await world.records.entries.get(entry.id)).state is OrderState.ABSENT
        assert [e.kind for e in await world.records.entries.evidence(entry.id)][-1] == "attestation"
        await world.until("09:46")
        assert world.engine.breakers.open_now == ()
        assert (await world.entry()).state is OrderState.FILLED
        await world.stop()

    in_world(days, tmp_path)


def test_a_cancel_by_the_operator_closes_the_day(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.start()
        await world.until("09:46")
        assert (await world.answer(CommandKind.CANCEL)).startswith("done")
        await world.until("09:47")
        assert (await world.entry()).state is OrderState.CANCELLED
        await world.until("10:01")
        entry = await world.entry()
        assert entry.holds_day
        assert entry.cancel_requested_by == "operator"
        assert (await world.answer(CommandKind.CANCEL, entry.id)).startswith("refused")
        await world.stop()

    in_world(day, tmp_path)


def test_a_day_closed_by_a_cancel_is_opened_by_the_operators_word_and_the_proof(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        assert entry.order_id is not None
        assert "the entry is working" in await world.answer(CommandKind.ALLOW_REENTRY, entry.id)
        await world.answer(CommandKind.CANCEL)
        await world.until("09:46:30")
        assert "there is no entry of today 'nothing'" in await world.answer(CommandKind.ALLOW_REENTRY, "nothing")
        await world.until("09:47:05")
        assert world.engine.builder.snapshot is not None
        assert [o.reentry for o in world.engine.builder.snapshot.orders] == [Reentry.CLOSED]
        assert (await world.answer(CommandKind.ALLOW_REENTRY, entry.order_id)).startswith("done")
        assert (await world.entry()).holds_day, "the word frees nothing without the proof"
        await world.until("09:47:50")
        assert (await world.entry()).holds_day
        await world.until("09:50")
        freed = await world.entry()
        assert (freed.holds_day, freed.cancel_requested_by) == (False, "operator")
        assert "two complete reads" in freed.detail
        assert "does not hold the day" in await world.answer(CommandKind.ALLOW_REENTRY, entry.id)
        world.exchange.fill_plan = "immediate"
        await world.until("10:01")
        assert [e.state for e in await world.entries()] == [OrderState.CANCELLED, OrderState.FILLED]
        await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(day, tmp_path)


def test_allowed_reentry_survives_a_restart_and_a_late_fill_still_holds_the_day(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        await world.answer(CommandKind.CANCEL)
        await world.until("09:46:30")
        assert (await world.answer(CommandKind.ALLOW_REENTRY, entry.id)).startswith("done")
        await world.crash()
        await world.start()
        assert (
            world.engine.builder.snapshot is None or world.engine.builder.snapshot.orders[0].reentry is Reentry.ALLOWED
        )
        await world.records.entries.add_fills(
            entry.id, [Fill("late", entry.request.legs[0].symbol, Decimal(1), Decimal("3.00"), world.clock.now())]
        )
        await world.until("09:52")
        assert (await world.entry()).holds_day
        await world.stop()

    in_world(day, tmp_path)


def test_a_cancel_at_the_broker_frees_the_day_only_with_an_operators_word(tmp_path: Path) -> None:
    """A person cancelled it there, and means this account to be done for the day."""

    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        assert entry.order_id is not None
        world.exchange.cancel(ACCOUNT, int(entry.order_id), world.clock.now())
        world.exchange.fill_plan = "immediate"
        await world.until("10:20")
        held = await world.entry()
        assert (held.state, held.holds_day) == (OrderState.CANCELLED, True), "nothing was entered after it"
        assert (await world.answer(CommandKind.ALLOW_REENTRY, entry.id[:8])).startswith("done")
        await world.until("10:29")
        assert not (await world.entry()).holds_day
        await world.until("10:31")
        assert [e.state for e in await world.entries()] == [OrderState.CANCELLED, OrderState.FILLED]
        await assert_nothing_forbidden_happened(world, world.records)
        await world.stop()

    in_world(day, tmp_path)


def test_an_order_that_expired_frees_the_day_by_two_complete_reads_alone(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.exchange.fill_plan = "never"
        await world.start()
        await world.until("16:25")
        assert ((await world.entry()).state, (await world.entry()).holds_day) == (OrderState.EXPIRED, False)
        await world.stop()

    in_world(day, tmp_path, start=et("2026-03-02", "14:44"))


def test_positions_that_do_not_hold_the_whole_trident_stop_the_account_until_they_are_settled(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:46")
        legs = (await world.entry()).request.legs
        gone = [(legs[0].symbol, 1)]

        def partly_closed(held: tuple[Position, ...]) -> tuple[Position, ...]:
            lost = dict(gone)
            return tuple(replace(p, quantity=p.quantity - lost.get(p.symbol, 0)) for p in held)

        async def stopped_by() -> list[str]:
            await world.answer(CommandKind.RECONCILE)
            await world.clock.sleep(2 * CONFIRMED_S)
            return [b.why for b in world.engine.breakers.open_now if b.kind is BreakerKind.MISMATCH]

        show_positions(world.broker, partly_closed)
        [why] = await stopped_by()
        assert f"the broker holds 1 of 2 {legs[0].symbol}; a reset settles these quantities until they change" in why
        assert (await world.answer(CommandKind.RESET, "mismatch")).startswith("done")
        assert await stopped_by() == [], "the operator settled these very quantities"
        gone.append((legs[2].symbol, 1))
        [why] = await stopped_by()
        assert f"1 of 2 {legs[0].symbol}, 0 of 1 {legs[2].symbol}" in why
        assert (await world.answer(CommandKind.RESET, "mismatch")).startswith("done")
        gone[:] = [(leg.symbol, leg.quantity) for leg in legs]
        assert await stopped_by() == [], "a trident closed whole is no mismatch"
        await world.stop()

    in_world(day, tmp_path)


def test_the_legs_of_an_unknown_entry_stay_quoted_also_after_a_restart(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.broker.arm(FaultKind.REST_DROP_REQUEST, method="POST", path=ORDERS)
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        assert entry.state is OrderState.UNKNOWN
        assert world.engine.legs.keeps(entry.id)
        await world.crash()
        await world.start()
        assert world.engine.legs.keeps(entry.id)
        assert world.engine.feed.health().symbols == 6
        await world.answer(CommandKind.ATTEST, entry.id, "absent")
        assert not world.engine.legs.keeps(entry.id)
        assert world.engine.feed.health().symbols == 2
        await world.stop()

    in_world(day, tmp_path)


def test_a_lost_stream_makes_the_broker_be_asked_at_once(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:46:05")
        assert world.engine.broker_check.health.health is Health.OK
        world.broker.arm(FaultKind.REST_5XX_HTML, count=10_000)
        world.broker.arm(FaultKind.DXLINK_CLOSE)
        await world.clock.sleep(10)  # the feed in process looks every 5 s; the broker is asked every 60 s by itself
        assert world.engine.broker_check.health.health is Health.DOWN
        world.broker.faults.clear()
        await world.stop()

    in_world(day, tmp_path)


def test_a_suspended_machine_reconciles_before_it_trades_again(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:44:50")
        world.clock.suspend(1200)
        await world.until("10:06")
        told = [e.text for e in await world.records.journal.newest(200) if e.kind == "reconcile.done"]
        assert any("the machine slept" in text for text in told)
        await world.stop()

    in_world(day, tmp_path, start=et("2026-03-02", "09:44:00"))


def test_a_closed_account_whose_reads_fail_keeps_nothing_reconciling(tmp_path: Path) -> None:
    closed = "5WT00002"

    async def day(world: World) -> None:
        world.broker.arm(FaultKind.REST_5XX_HTML, path=f"/accounts/{closed}", count=None)
        await world.start()
        await world.until("09:46")
        assert not world.engine.gate.not_reconciled()
        assert world.engine.gate.automation is Automation.ACTIVE
        assert [entry.account for entry in await world.entries()] == [ACCOUNT]
        told = [e.text for e in await world.records.journal.newest(200) if e.kind == "reconcile.closed"]
        assert len(set(told)) == 1
        assert told[0].startswith("…0002 is closed at the broker and is left out: ")
        await world.stop()

    in_world(day, tmp_path, accounts=(account(), replace(account(closed), is_closed=True)))
