"""The machinery that follows entries at the broker follows exits too: many weeks, and never as entries (rules 15.4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.broker.port import BrokerError, BrokerFault
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import CommandKind
from core.domain.operation.events import Severity
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry, OrderReport
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.units import UnitName, UnitState
from core.orders.cancels import Answer
from core.simulator.exchange.faults import FaultKind
from core.simulator.exchange.orders import OrderChanges
from core.simulator.in_process.values import order_body
from tests.support.exit_sending import Close, close, exit_for
from tests.support.world import ACCOUNT, World, account, in_world

ORDERS = f"/accounts/{ACCOUNT}/orders"
PUT_1, PUT_2, CALL = UnitName
FAR = "0.05"
"""A debit at which nobody sells the spread."""


async def opened(world: World) -> Entry:
    """The entry of this morning, filled. From here on orders rest until the test says otherwise."""
    await world.start()
    await world.until("09:46")
    entry = await world.entry()
    assert entry.state is OrderState.FILLED
    world.exchange.fill_plan = "never"
    return entry


async def units(world: World, entry: Entry) -> tuple[UnitState, ...]:
    return tuple(unit.state for unit in (await world.records.tridents.get(entry.id)).trident.units)


async def now(world: World, exit: Exit) -> Exit:
    return await world.records.exits.get(exit.id)


@pytest.mark.parametrize("seen", ["alert", "look"])
def test_a_target_rests_and_its_fill_closes_its_unit(tmp_path: Path, seen: str) -> None:
    async def day(world: World) -> None:
        entry = await opened(world)
        if seen == "look":
            world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        target = await close(world, entry, [PUT_1], FAR)
        assert (target.state, target.order_id is not None) == (OrderState.WORKING, True)
        await world.until("09:50")
        assert (await now(world, target)).state is OrderState.WORKING
        world.exchange.fill_plan = "immediate"
        await world.until("09:53")
        filled = await now(world, target)
        assert (filled.state, sum(fill.quantity for fill in filled.fills)) == (OrderState.FILLED, 2)
        assert await units(world, entry) == (UnitState.CLOSED, UnitState.WHOLE, UnitState.WHOLE)
        assert (await world.entry()).id == entry.id, "an exit is no entry of the day"
        told = {event.kind: event for event in await world.records.journal.newest(200)}
        assert f"target of put-1: order {filled.order_id} is filled at" in told["exit.filled"].text
        assert dict(told["exit.filled"].figures)["trident"] == entry.id
        await world.stop()

    in_world(day, tmp_path)


def test_a_target_of_many_sessions_is_followed_without_its_history(tmp_path: Path) -> None:
    """It fills while the console is off: no listing from a session that is followed shows it, its id does."""

    async def days(world: World) -> None:
        entry = await opened(world)
        target = await close(world, entry, [PUT_1], FAR)
        first = world.day
        await world.until("09:50")
        await world.crash()
        await world.until("09:40", "2026-03-24")
        listed: list[date] = []
        read = world.broker.orders_since

        async def counted(number: str, first_day: date) -> tuple[OrderReport, ...]:
            listed.append(first_day)
            return await read(number, first_day)

        setattr(world.broker, "orders_since", counted)  # noqa: B010 - a method of this one instance
        await world.start()
        await world.until("09:43")
        assert (await now(world, target)).state is OrderState.WORKING
        await world.crash()
        world.exchange.fill_plan = "immediate"
        await world.until("15:50")
        await world.broker.orders_since(ACCOUNT, world.day)  # it fills now: the exchange goes on when it is asked
        world.exchange.fill_plan = "never"
        await world.until("09:40", "2026-03-25")
        await world.start()
        await world.until("09:43")
        assert (await now(world, target)).state is OrderState.FILLED
        assert listed
        assert min(listed) > first + timedelta(days=7), "its first session is read no more"
        await world.stop()

    in_world(days, tmp_path, poll_s=30)


def test_a_target_that_the_broker_no_longer_knows_is_looked_for_since_it_was_sent(tmp_path: Path) -> None:
    async def days(world: World) -> None:
        entry = await opened(world)
        target = await close(world, entry, [PUT_1], FAR)
        first = world.day
        await world.crash()
        world.exchange.back_office.forget(ACCOUNT, int(target.order_id or ""), world.clock.now())
        await world.until("09:40", "2026-03-24")
        listed: list[date] = []
        read = world.broker.orders_since

        async def counted(number: str, first_day: date) -> tuple[OrderReport, ...]:
            listed.append(first_day)
            return await read(number, first_day)

        setattr(world.broker, "orders_since", counted)  # noqa: B010 - a method of this one instance
        await world.start()
        await world.until("09:44")
        lost = await now(world, target)
        assert (lost.state, lost.released_at) == (OrderState.UNKNOWN, None)
        assert f"the broker no longer knows order {target.order_id}" in lost.detail
        missed = [one for one in await world.records.exits.evidence(target.id) if one.kind == "missing"]
        assert len(missed) == listed.count(first) >= 3, "once for each look that is recorded"
        assert len(listed) > 2 * len(missed)
        await world.stop()

    in_world(days, tmp_path, poll_s=10)


@pytest.mark.parametrize("then", ["its legs are held", "a contract is missing", "it answers by id again"])
def test_a_target_that_the_broker_knew_is_absent_only_when_both_listings_and_its_id_say_so(
    tmp_path: Path, then: str
) -> None:
    """The broker's own word that it knows no such order, twice, with the listings and the positions, frees the unit: 45
    minutes after that was seen. An order that is answered for again works on."""

    async def day(world: World) -> None:
        entry = await opened(world)
        target = await close(world, entry, [PUT_1], FAR)
        await world.until("09:50")
        order, listed = world.broker.order, world.broker.orders_since

        async def by_id(number: str, order_id: str) -> OrderReport:
            if order_id == target.order_id and (then != "it answers by id again" or world.clock.now() < answers):
                raise BrokerError(BrokerFault.NOT_FOUND, "order: no such order")
            return await order(number, order_id)

        async def since(number: str, first_day: date) -> tuple[OrderReport, ...]:
            return tuple(one for one in await listed(number, first_day) if one.order_id != target.order_id)

        answers = world.clock.now() + timedelta(minutes=47)
        setattr(world.broker, "order", by_id)  # noqa: B010 - methods of this one instance
        setattr(world.broker, "orders_since", since)  # noqa: B010
        await world.until("09:54")
        lost = await now(world, target)
        assert (lost.state, lost.order_id, lost.released_at) == (OrderState.UNKNOWN, target.order_id, None)
        became = next(one.at for one in await world.records.exits.history(target.id) if one.state is lost.state)
        if then == "a contract is missing":
            leg = target.request.legs[0]
            world.exchange.back_office.give(ACCOUNT, {leg.symbol: 1}, world.clock.now())
        await world.until("10:36")
        assert (await now(world, target)).state is OrderState.UNKNOWN
        assert world.clock.now() - became < timedelta(minutes=45)
        await world.until("10:45")
        found = await now(world, target)
        if then == "its legs are held":
            assert (found.state, found.released_at is not None) == (OrderState.ABSENT, True)
            assert f"the broker knows no order {target.order_id}" in found.detail
            seen = [one for one in await world.records.exits.evidence(target.id) if one.kind == "listing"]
            assert len(seen) == 2
            assert seen[1].at - seen[0].at >= timedelta(seconds=30)
            assert seen[0].at - became >= timedelta(minutes=45)
        elif then == "a contract is missing":
            assert (found.state, found.released_at) == (OrderState.UNKNOWN, None), "it may have closed it"
        else:
            assert (found.state, found.released_at) == (OrderState.WORKING, None)
        await world.stop()

    in_world(day, tmp_path, poll_s=30)


@pytest.mark.parametrize("knows_the_first", [True, False])
def test_a_forgotten_order_that_had_replaced_another_is_absent_though_the_broker_shows_the_other(
    tmp_path: Path, knows_the_first: bool
) -> None:
    """An order of the chain that ended unfilled, as it was replaced, says nothing of the one that followed it."""

    async def day(world: World) -> None:
        entry = await opened(world)
        target = await close(world, entry, [PUT_1], FAR)
        await world.until("09:50")
        first, changes = int(target.order_id or ""), OrderChanges("GTC", "Limit", Decimal(FAR), "Debit")
        second = world.exchange.replace(ACCOUNT, first, changes, world.clock.now(), by="bert").id
        await world.until("09:52")
        followed = await now(world, target)
        assert (followed.state, followed.order_id) == (OrderState.WORKING, str(second))
        for one in (second,) if knows_the_first else (second, first):
            world.exchange.back_office.forget(ACCOUNT, one, world.clock.now())
        await world.until("09:56")
        assert (await now(world, target)).state is OrderState.UNKNOWN
        await world.until("10:50")
        found = await now(world, target)
        assert (found.state, found.released_at is not None) == (OrderState.ABSENT, True)
        assert f"the broker knows no order {second}" in found.detail
        assert target.id not in {one.id for one in await world.records.exits.open_of(ACCOUNT)}
        seen = [one for one in await world.records.exits.evidence(target.id) if one.kind == "listing"]
        assert [one.detail["found"] for one in seen] == [False, False]
        await world.stop()

    in_world(day, tmp_path, poll_s=30)


def test_a_stuck_exit_is_not_read_about_all_the_time(tmp_path: Path) -> None:
    """Nothing is proved while its contracts are missing. It is looked for all the same, each half minute at most."""

    async def day(world: World) -> None:
        entry = await opened(world)
        exits = [await close(world, entry, [unit], FAR) for unit in UnitName]
        for exit in exits:
            await world.records.exits.become(
                exit.id, OrderState.UNKNOWN, at=world.clock.now(), detail="the test says so"
            )
            world.exchange.back_office.forget(ACCOUNT, int(exit.order_id or ""), world.clock.now())
        world.exchange.back_office.give(
            ACCOUNT, {leg.symbol: 1 for exit in exits for leg in exit.request.legs[:1]}, world.clock.now()
        )
        await world.until("10:40")
        read: list[float] = []
        reads = world.broker.account_reads

        async def counted(number: str) -> Any:
            read.append(world.clock.monotonic())
            return await reads(number)

        setattr(world.broker, "account_reads", counted)  # noqa: B010 - a method of this one instance
        for _ in range(60):
            await world.engine.settlement.check()
            await world.clock.sleep(5)
        assert {(await now(world, exit)).state for exit in exits} == {OrderState.UNKNOWN}
        assert 8 <= len(read) <= 22, "one read of the account for all three, each half minute"
        await world.stop()

    in_world(day, tmp_path, poll_s=30)


@pytest.mark.parametrize("reached", ["nothing", "the exchange"])
def test_an_unknown_exit_is_absent_only_after_45_minutes_with_its_legs_held(tmp_path: Path, reached: str) -> None:
    """Its order never arrived, or it arrived and filled, and neither alerts nor listings tell of it."""

    async def day(world: World) -> None:
        entry = await opened(world)
        kind = FaultKind.REST_DROP_REQUEST if reached == "nothing" else FaultKind.REST_DROP_RESPONSE
        world.broker.arm(kind, method="POST", path=ORDERS)
        if reached != "nothing":
            world.exchange.fill_plan = "immediate"
            world.broker.arm(FaultKind.ORDERS_LISTING_LAG, seconds=80_000.0)
            world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        exit = await close(world, entry, [PUT_1], FAR, ExitKind.TIME)
        assert exit.state is OrderState.UNKNOWN
        await world.until("10:28")
        assert (await now(world, exit)).state is OrderState.UNKNOWN, "45 minutes have not passed"
        await world.until("10:40")
        found = await now(world, exit)
        assert await units(world, entry) == (UnitState.WHOLE,) * 3
        if reached == "nothing":
            assert (found.state, found.released_at is not None) == (OrderState.ABSENT, True)
        else:
            assert (found.state, found.released_at) == (OrderState.UNKNOWN, None)
        await world.stop()

    in_world(day, tmp_path, poll_s=30)


def test_an_order_under_an_exits_identifier_without_a_record_stops_entries(tmp_path: Path) -> None:
    """Another console closes our legs: that is no entry of ours, and nothing to adopt as one."""

    async def day(world: World) -> None:
        entry = await opened(world)
        target = await close(world, entry, [PUT_1], FAR)
        body = replace(order_body(target.request), external_identifier="senexit-of-another-console")
        order_id = str(world.exchange.submit(ACCOUNT, body, world.clock.now(), by="rival").id)
        await world.clock.sleep(2)
        [why] = [b.why for b in world.engine.breakers.open_now if b.kind is BreakerKind.MISMATCH]
        assert f"order {order_id} at the broker closes {target.request.legs[0].symbol}" in why
        assert f"`senex attest {order_id}` adopts it where it closes whole units" in why
        assert world.engine.gate.foreign.of(ACCOUNT) == (), "it holds no day"
        await world.stop()

    in_world(day, tmp_path)


def test_a_listing_that_says_nothing_new_is_not_given_again(tmp_path: Path) -> None:
    """Every write anywhere has the accounts judged anew. What their orders rest at is not folded anew with it."""

    async def day(world: World) -> None:
        entry = await opened(world)
        targets = [await close(world, entry, [unit], FAR) for unit in UnitName]
        await world.until("09:50")
        given: list[str] = []
        apply = world.engine.tracker.apply

        async def counted(intent: Any, report: OrderReport, **more: Any) -> Any:
            given.append(report.order_id)
            return await apply(intent, report, **more)

        setattr(world.engine.tracker, "apply", counted)  # noqa: B010 - a method of this one instance
        look = world.engine.polls.look
        for _ in range(3):
            await world.records.exits.add_evidence(
                targets[0].id, "listing", who="engine", complete=True, detail={}, at=world.clock.now()
            )
            await world.records.exits.note_cancel_request(targets[2].id, "operator", world.clock.now())
            assert await look.look(ACCOUNT, world.day) == ""
        assert given == [targets[2].order_id], "the one that was written, once"
        world.exchange.set_fill_plan(ACCOUNT, "immediate")
        await world.clock.sleep(90)
        assert {(await now(world, target)).state for target in targets} == {OrderState.FILLED}
        await world.stop()

    in_world(day, tmp_path)


def test_resting_targets_are_read_once_a_minute_and_other_exits_in_every_turn(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry = await opened(world)
        await close(world, entry, [PUT_1], FAR)
        await world.until("09:50")
        listed: list[float] = []
        read = world.broker.orders_since

        async def counted(*asked: Any) -> Any:
            listed.append(world.clock.monotonic())
            return await read(*asked)

        setattr(world.broker, "orders_since", counted)  # noqa: B010 - a method of this one instance
        await world.until("09:55")
        resting = len(listed)
        assert 4 <= resting <= 6
        await close(world, entry, [CALL], FAR, ExitKind.TIME)
        await world.until("10:00")
        assert len(listed) - resting >= 28
        await world.stop()

    in_world(day, tmp_path)


def test_a_refused_exit_bars_no_entry_and_frees_its_unit(tmp_path: Path) -> None:
    """The broker refuses it at once, and nobody listened meanwhile: an entry refused so would bar another one."""

    async def day(world: World) -> None:
        entry = await opened(world)
        world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        world.exchange.restrict(ACCOUNT, is_frozen=True)
        exit = await close(world, entry, [PUT_1], FAR)
        assert (exit.state, exit.order_id) == (OrderState.REJECTED, None)
        assert exit.released_at is not None
        assert world.engine.gate.refused.refusal(ACCOUNT) is None
        await world.stop()

    in_world(day, tmp_path)


def test_the_debit_of_a_fill_is_that_of_the_orders_own_price(tmp_path: Path) -> None:
    """Two put spreads are one order of two: its price is of one spread."""

    async def day(world: World) -> None:
        entry = await opened(world)
        world.exchange.fill_plan = "immediate"
        exit = await close(world, entry, [PUT_1, PUT_2], "3.00", ExitKind.TIME)
        await world.until("09:48")
        filled = await now(world, exit)
        assert filled.state is OrderState.FILLED
        bought, sold = (leg.symbol for leg in exit.request.legs)
        paid = {symbol: sum(f.price for f in filled.fills if f.symbol == symbol) for symbol in (bought, sold)}
        assert {fill.quantity for fill in filled.fills} == {Decimal(1)}
        told = next(e for e in await world.records.journal.newest(200) if e.kind in ("exit.filled", "exit.fills_known"))
        assert dict(told.figures)["fill_debit"] == (paid[bought] - paid[sold]) / 2 <= Decimal(3)
        await world.stop()

    in_world(day, tmp_path)


@pytest.mark.parametrize("by", ["the console", "the operator"])
def test_the_cancel_of_a_target_is_on_record_with_its_reason_first(tmp_path: Path, by: str) -> None:
    async def day(world: World) -> None:
        entry = await opened(world)
        target = await close(world, entry, [PUT_1], FAR)
        cancel, seen = world.broker.cancel, []

        async def looked(number: str, order_id: str) -> None:
            seen.append(await now(world, target))
            await cancel(number, order_id)

        setattr(world.broker, "cancel", looked)  # noqa: B010 - a method of this one instance
        if by == "the console":
            asked = await world.engine.canceller.for_console(target, "the time exit starts")
        else:
            asked = await world.engine.canceller.for_operator(target, "operator")
        assert asked.answer is Answer.TAKEN
        await world.until("09:48")
        ended = await now(world, target)
        assert (ended.state, ended.cancelled_by, ended.released_at) == (OrderState.CANCELLED, "", None)
        [before] = seen
        if by == "the console":
            assert (before.cancel_why, before.cancel_requested_by) == ("the time exit starts", "")
            assert ended.engine_cancel_at == before.cancel_asked_at is not None
        else:
            assert (before.cancel_why, before.cancel_requested_by) == ("", "operator")
        told = [e for e in await world.records.journal.newest(200) if e.kind == "exit.cancelled"]
        assert [event.severity for event in told] == [Severity.INFO], "it was asked for here"
        await world.stop()

    in_world(day, tmp_path)


def test_a_day_order_that_works_on_is_told_once_and_an_older_target_never(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry = await opened(world)
        friday = date(2026, 2, 27)
        await close(world, entry, [PUT_1], FAR, day=friday)
        late = await close(world, entry, [CALL], FAR, ExitKind.TIME, day=friday)
        for _ in range(2):
            assert (await world.answer(CommandKind.RECONCILE)).startswith("done")
            await world.clock.sleep(60)
        told = [e for e in await world.records.journal.newest(200) if e.kind == "exit.outlives_its_day"]
        assert [dict(event.figures)["exit"] for event in told] == [late.id]
        assert told[0].severity is Severity.CRITICAL
        assert (await now(world, late)).state is OrderState.WORKING
        assert all(b.kind is not BreakerKind.EARLIER_ENTRY for b in world.engine.breakers.open_now)
        await world.stop()

    in_world(day, tmp_path)


def test_a_restart_settles_what_did_not_leave_and_what_has_no_answer(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry = await opened(world)
        prepared = exit_for(world, entry, [PUT_1], FAR)
        sent = exit_for(world, entry, [CALL], FAR)
        for exit in (prepared, sent):
            assert await world.records.exits.prepare(exit) == exit
        assert await Close(world, sent).mark_sent(sent)
        await world.crash()
        await world.start()
        assert (await now(world, prepared)).state is OrderState.NOT_SENT
        assert (await now(world, sent)).state is OrderState.UNKNOWN
        held = [one.unit for one in await world.records.exits.claims_of(entry.id) if one.released_at is None]
        assert held == [CALL], "nobody knows whether it left"
        again = await close(world, entry, [PUT_1], FAR)
        assert again.state is OrderState.WORKING
        await world.stop()

    in_world(day, tmp_path)


def test_an_exit_whose_answer_was_lost_is_found_by_its_identifier(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry = await opened(world)
        world.broker.arm(FaultKind.ALERTS_LOST, count=None)
        world.broker.arm(FaultKind.REST_DROP_RESPONSE, method="POST", path=ORDERS)
        world.broker.arm(FaultKind.ORDERS_LISTING_LAG, seconds=40.0)
        exit = await close(world, entry, list(UnitName), FAR, ExitKind.TIME)
        assert (exit.state, exit.order_id) == (OrderState.UNKNOWN, None)
        await world.clock.sleep(60)
        found = await now(world, exit)
        assert (found.state, found.order_id is not None) == (OrderState.WORKING, True)
        assert len(world.broker.posted) == 2, "the entry and this one: nothing was sent again"
        await world.stop()

    in_world(day, tmp_path)


def test_an_exit_has_its_own_account_looked_at_in_its_turn_and_at_once_when_an_operator_cancels_it(
    tmp_path: Path,
) -> None:
    """Fifty accounts that walk at the same time must not be read fifty times for each order, nor each at every order:
    they have five requests a second together."""

    async def day(world: World) -> None:
        await world.start()
        await world.until("09:50")
        mine = next(one for one in await world.entries() if one.account == ACCOUNT)
        listed: list[str] = []
        read = world.broker.orders_since

        async def counted(number: str, first_day: date) -> tuple[OrderReport, ...]:
            listed.append(number)
            return await read(number, first_day)

        setattr(world.broker, "orders_since", counted)  # noqa: B010 - a method of this one instance
        world.exchange.fill_plan = "never"
        while "5WT00002" not in listed:
            await world.clock.sleep(1)
        listed.clear()  # the other one is due again in a minute
        target = await close(world, mine, [PUT_1], FAR)
        await world.clock.sleep(1)
        assert listed == [], "the guards have just read what closes its legs"
        await world.clock.sleep(10)
        assert set(listed) == {ACCOUNT}, "it is seen in its turn"
        listed.clear()
        await world.engine.canceller.for_operator(target, "ana")
        await world.clock.sleep(1)
        assert set(listed) == {ACCOUNT}, "an operator waits for its end"
        await world.stop()

    in_world(day, tmp_path, accounts=(account(), account("5WT00002")))


def test_a_cancel_that_the_broker_does_not_carry_out_is_noticed_although_nothing_changes(tmp_path: Path) -> None:
    """The same listing says nothing after 2 s, and after 10 s that the order works on."""

    async def day(world: World) -> None:
        entry = await opened(world)
        world.broker.arm(FaultKind.ORDERS_CANCEL_IGNORED)
        target = await close(world, entry, [PUT_1], FAR)
        await world.until("09:48")
        await world.engine.canceller.for_console(target, "the time exit starts")
        assert (await now(world, target)).engine_cancel_at is not None
        await world.clock.sleep(30)
        works = await now(world, target)
        assert (works.state, works.engine_cancel_at) == (OrderState.WORKING, None)
        assert works.cancel_asked_at is not None
        await world.stop()

    in_world(day, tmp_path)
