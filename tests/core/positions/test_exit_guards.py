"""Every last guard of an exit: what it refuses does not leave, frees its units, and goes once the cause is gone (rules
15.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.broker.pace import Work
from core.broker.port import BrokerError, BrokerFault, DryRunAnswer, MarketState
from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import CommandKind
from core.domain.operation.reasons import Reason, Refusal
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Entry, OrderRequest
from core.domain.positions.actions import PlaceClose, PlaceTargets
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.plans import close_plan, request_of
from core.domain.positions.trident_view import ManualClose
from core.domain.positions.tridents import ExitMode, HandsOff
from core.domain.positions.units import UnitName, UnitState
from core.positions.complete_reads import FRESH_S, CompleteRead
from core.positions.exit_guards import NO_POSITION
from core.simulator.exchange.faults import FaultKind
from core.simulator.in_process.values import order_body
from tests.support.exit_room import CALL, FAR, LIVE_AFTER_S, PUT_1, PUT_2, Room, time_exit, with_a_trident
from tests.support.world import ACCOUNT, World, in_world

ORDERS = f"/accounts/{ACCOUNT}/orders"
POSITIONS = f"/accounts/{ACCOUNT}/positions"
PUTS = (PUT_1, PUT_2)
Change = Callable[[World, Room, Entry], Awaitable[None]]


@dataclass(frozen=True)
class Guard:
    """What keeps a time exit of both puts from leaving, how it comes and goes, and the reason it gives. `recorded`: an
    intent was prepared first, and is not sent."""

    reason: Reason
    comes: Change
    goes: Change
    recorded: bool = True


def _arms(kind: FaultKind, path: str = "", symbol: str | None = None) -> Change:
    async def comes(world: World, room: Room, entry: Entry) -> None:
        world.broker.arm(kind, count=None, path=path or None, symbol=symbol)
        await world.clock.sleep(FRESH_S + 1)  # the read that was there is too old by now

    return comes


async def _disarm(world: World, room: Room, entry: Entry) -> None:
    world.broker.faults.clear()


def _dry_run(*warnings: tuple[str, str], refused: bool = False) -> Change:
    async def comes(world: World, room: Room, entry: Entry) -> None:
        room.guards.preflight = True

        async def answers(number: str, request: OrderRequest) -> DryRunAnswer:
            if refused:
                raise BrokerError(BrokerFault.REFUSED, "dry run: margin_check_failed: no", "margin_check_failed")
            return DryRunAnswer(Decimal(0), Decimal(0), None, warnings)

        world.broker.dry_run = answers  # type: ignore[method-assign]

    return comes


async def _no_dry_run(world: World, room: Room, entry: Entry) -> None:
    room.guards.preflight = False


async def _foreign_close(world: World, room: Room, entry: Entry) -> None:
    """An order of the account's own user that is not ours closes one of its legs; the reads that follow show it."""
    units = (await room.view(entry)).trident.units[:1]
    request = request_of(time_exit(units), entry.underlying, "by-hand")
    body = replace(order_body(request), external_identifier=None)
    world.exchange.submit(ACCOUNT, body, world.clock.now())
    await world.clock.sleep(FRESH_S + 1)


async def _foreign_ended(world: World, room: Room, entry: Entry) -> None:
    now = world.clock.now()
    for order in world.exchange.live_orders(ACCOUNT, now):
        if order.external_identifier is None and not order.terminal:
            world.exchange.cancel(ACCOUNT, order.id, now)
    await world.clock.sleep(LIVE_AFTER_S)
    await room.reads.within(ACCOUNT, 0)
    await world.clock.sleep(31)
    await room.reads.within(ACCOUNT, 0)


async def _contract_left(world: World, room: Room, entry: Entry) -> None:
    """A contract more than is ours is there, which no order explains."""
    world.exchange.back_office.give(ACCOUNT, {entry.request.legs[0].symbol: -1}, world.clock.now())
    await world.clock.sleep(FRESH_S + 1)


async def _contract_back(world: World, room: Room, entry: Entry) -> None:
    world.exchange.back_office.give(ACCOUNT, {entry.request.legs[0].symbol: 1}, world.clock.now())


async def _halt_all(world: World, room: Room, entry: Entry) -> None:
    (world.folder / "HALT-ALL").touch()


async def _no_halt_all(world: World, room: Room, entry: Entry) -> None:
    (world.folder / "HALT-ALL").unlink()


async def _off(world: World, room: Room, entry: Entry) -> None:
    room.mode = ExitMode.OFF


async def _on(world: World, room: Room, entry: Entry) -> None:
    room.mode = ExitMode.ALL


async def _held(world: World, room: Room, entry: Entry) -> None:
    """Another process holds exits: only the records know of it."""
    await world.records.exit_switch.hold("", "ana", "a storm", world.clock.now())


async def _resumed(world: World, room: Room, entry: Entry) -> None:
    await world.records.exit_switch.resume("", "ana", "over", world.clock.now())
    await room.gate.read()


async def _clock_breaker(world: World, room: Room, entry: Entry) -> None:
    await world.engine.breakers.open(BreakerKind.CLOCK, "", "it is 9 s off")


async def _clock_right(world: World, room: Room, entry: Entry) -> None:
    await world.engine.breakers.close(BreakerKind.CLOCK, "", "ana", "right again")


async def _handed_off(world: World, room: Room, entry: Entry) -> None:
    await world.records.tridents.hand_off(entry.id, HandsOff.FOREIGN_CLOSE, "somebody closes it")


async def _taken_back(world: World, room: Room, entry: Entry) -> None:
    await world.records.tridents.hand_off(entry.id, HandsOff.NONE, "")


GUARDS = {
    "dry run without a position": Guard(Reason.CLOSES_NOTHING, _dry_run((NO_POSITION, "none")), _no_dry_run),
    "dry run refuses": Guard(Reason.DRY_RUN_REFUSED, _dry_run(refused=True), _no_dry_run),
    "broker's session": Guard(Reason.MARKET_CLOSED, _arms(FaultKind.SESSION_CLOSED), _disarm),
    "session unreadable": Guard(Reason.SESSION_UNREADABLE, _arms(FaultKind.REST_5XX_HTML, "/market-time"), _disarm),
    "positions unreadable": Guard(
        Reason.ACCOUNT_UNREADABLE, _arms(FaultKind.REST_5XX_HTML, POSITIONS), _disarm, recorded=False
    ),
    "a contract too many": Guard(Reason.HOLDINGS_DIFFER, _contract_left, _contract_back),
    "closed by somebody else": Guard(Reason.NOT_CLAIMED, _foreign_close, _foreign_ended),
    "quotes": Guard(Reason.LEGS_UNQUOTED, _arms(FaultKind.MARKET_NAN, symbol="*"), _disarm),
    "HALT-ALL": Guard(Reason.HALT_ALL_FILE, _halt_all, _no_halt_all, recorded=False),
    "exits off": Guard(Reason.EXITS_OFF, _off, _on, recorded=False),
    "held by another process": Guard(Reason.EXITS_HELD, _held, _resumed),
    "clock breaker": Guard(Reason.BREAKER_OPEN, _clock_breaker, _clock_right, recorded=False),
    "left alone": Guard(Reason.NOT_CLAIMED, _handed_off, _taken_back, recorded=False),
}
ON_THE_WIRE = {name: GUARDS[name] for name in ("HALT-ALL", "exits off", "clock breaker")}


def closes(world: World) -> int:
    return sum(posted.request.closes for posted in world.broker.posted)


@pytest.mark.parametrize("name", GUARDS)
def test_what_a_guard_refuses_never_leaves_and_goes_when_the_cause_is_gone(tmp_path: Path, name: str) -> None:
    guard = GUARDS[name]

    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        await room.closing(entry)
        await guard.comes(world, room, entry)
        refused = await room.place(entry, PUTS)
        assert isinstance(refused, Refusal), refused
        assert refused.reason is guard.reason, refused.sentence()
        assert closes(world) == 0
        found = (await room.view(entry)).exits
        recorded = guard.recorded and refused.reason is not Reason.NOT_CLAIMED
        assert [(one.state, one.released_at is not None) for one in found] == [(OrderState.NOT_SENT, True)] * recorded
        await guard.goes(world, room, entry)
        await world.clock.sleep(FRESH_S + 1)
        placed = await room.place(entry, PUTS)
        assert isinstance(placed, Exit), placed
        assert (placed.state, closes(world)) == (OrderState.WORKING, 1)
        await world.stop()

    in_world(day, tmp_path)


def test_the_broker_s_word_that_its_session_is_open_counts_as_long_as_a_complete_read(tmp_path: Path) -> None:
    """Many closing orders leave within seconds: each would ask the same question."""

    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        await room.closing(entry)
        asked_s: list[float] = []
        ask = world.broker.market_state

        async def noted() -> MarketState:
            asked_s.append(world.clock.monotonic())
            return await ask()

        setattr(world.broker, "market_state", noted)  # noqa: B010 - a method of this one instance
        for names in (PUTS, (CALL,)):
            placed = await room.place(entry, names)
            assert isinstance(placed, Exit), placed
        [opened_s] = asked_s
        assert world.clock.monotonic() - opened_s <= FRESH_S
        await room.cancelled(entry, placed)
        await world.clock.sleep(FRESH_S + 1)
        assert not (await room.proved(entry, placed)).why
        world.broker.arm(FaultKind.SESSION_CLOSED, count=None)
        refused = await room.place(entry, (CALL,))
        assert isinstance(refused, Refusal), refused
        assert refused.reason is Reason.MARKET_CLOSED
        assert len(asked_s) == 2
        await world.stop()

    in_world(day, tmp_path)


def test_a_newer_word_that_the_session_is_closed_ends_an_older_one_that_it_is_open(tmp_path: Path) -> None:
    """Also where the older answer comes last. The next order asks anew."""

    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        await room.closing(entry)
        answers, asked = iter([(True, 2.0), (False, 0.1), (False, 0.1), (True, 0.1)]), 0

        async def slowly() -> MarketState:
            nonlocal asked
            asked += 1
            is_open, after_s = next(answers)
            await world.clock.sleep(after_s)
            return MarketState(is_open, "its word", None, None)

        async def places(names: tuple[UnitName, ...], after_s: float) -> Exit | Refusal:
            await world.clock.sleep(after_s)
            return await room.place(entry, names)

        setattr(world.broker, "market_state", slowly)  # noqa: B010 - a method of this one instance
        for found in await asyncio.gather(places(PUTS, 0), places((CALL,), 1)):
            assert isinstance(found, Refusal), found
            assert found.reason is Reason.MARKET_CLOSED
        found = await room.place(entry, PUTS)
        assert isinstance(found, Refusal), "the older word that it is open is not shared"
        assert isinstance(await room.place(entry, PUTS), Exit), "it has opened"
        assert asked == 4
        await world.stop()

    in_world(day, tmp_path)


def test_the_session_is_asked_for_once_more_where_what_comes_after_it_waited_in_the_line(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        await room.closing(entry)
        since, answers = room.reads.since, iter([True, False])

        async def late(account: str, began_s: float, *, work: Work = Work.ROUTINE) -> CompleteRead:
            await world.clock.sleep(FRESH_S + 1)
            return await since(account, began_s, work=work)

        async def asked() -> MarketState:
            return MarketState(next(answers), "its word", None, None)

        setattr(room.reads, "since", late)  # noqa: B010 - methods of these instances
        setattr(world.broker, "market_state", asked)  # noqa: B010
        refused = await room.place(entry, PUTS)
        assert isinstance(refused, Refusal), refused
        assert refused.reason is Reason.MARKET_CLOSED
        assert next(answers, None) is None
        await world.stop()

    in_world(day, tmp_path)


@pytest.mark.parametrize("name", ON_THE_WIRE)
def test_what_bars_exits_stops_the_bytes_that_are_about_to_leave(tmp_path: Path, name: str) -> None:
    """It comes after the last durable commit."""
    guard = GUARDS[name]

    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        await room.closing(entry)
        send = world.broker.send

        async def late(number: str, request: OrderRequest, wire_guard: Any) -> Any:
            await guard.comes(world, room, entry)
            return await send(number, request, wire_guard)

        world.broker.send = late  # type: ignore[method-assign]
        refused = await room.place(entry, PUTS)
        assert isinstance(refused, Refusal)
        assert refused.reason is guard.reason
        assert closes(world) == 0
        [one] = (await room.view(entry)).exits
        assert (one.state, one.released_at is not None) == (OrderState.NOT_SENT, True)
        await world.stop()

    in_world(day, tmp_path)


def test_what_stops_entries_stops_no_exit(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        assert (await world.answer(CommandKind.PAUSE)).startswith("done")
        (world.folder / "HALT").touch()
        for kind in (BreakerKind.MISMATCH, BreakerKind.INCIDENT, BreakerKind.SENDS):
            await world.engine.breakers.open(kind, ACCOUNT, "why it opened")
        world.exchange.restrict(ACCOUNT, is_closing_only=True)
        action = await room.due(entry)
        assert isinstance(action, PlaceTargets)
        await room.do(entry, action)
        assert closes(world) == 3
        await world.stop()

    in_world(day, tmp_path)


def test_a_halted_underlying_gets_no_walk_and_its_targets_rest(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        world.broker.arm(FaultKind.MARKET_HALTED, count=None, symbol="QQQ")
        while not room.quotes.halted("QQQ"):
            await world.clock.sleep(1)
        action = await room.due(entry)
        assert isinstance(action, PlaceTargets)
        await room.do(entry, PlaceTargets(action.plans[:2]))
        assert closes(world) == 2
        await room.closing(entry)
        refused = await room.place(entry, (CALL,))
        assert isinstance(refused, Refusal)
        assert refused.reason is Reason.TRADING_HALTED
        assert closes(world) == 2
        await world.stop()

    in_world(day, tmp_path)


def test_a_close_without_a_claim_here_that_comes_while_the_guards_are_asked_refuses(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        await room.closing(entry)
        market_state = world.broker.market_state

        async def meanwhile() -> Any:
            world.broker.market_state = market_state  # type: ignore[method-assign]
            await _foreign_close(world, room, entry)
            return await market_state()

        world.broker.market_state = meanwhile  # type: ignore[method-assign]
        refused = await room.place(entry, PUTS)
        assert isinstance(refused, Refusal)
        assert refused.reason is Reason.CLOSED_ELSEWHERE, refused.sentence()
        assert closes(world) == 0
        [one] = (await room.view(entry)).exits
        assert (one.state, one.released_at is not None) == (OrderState.NOT_SENT, True)
        await world.stop()

    in_world(day, tmp_path)


def test_no_more_of_a_leg_is_closed_than_is_held_and_left_over_the_account(tmp_path: Path) -> None:
    """The broker shows one put spread fewer than the records: while an order of ours may have taken it, the read
    agrees, and nothing more is sent for what is not there."""

    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        world.broker.arm(FaultKind.REST_DROP_REQUEST, method="POST", path=ORDERS)
        await room.closing(entry)
        lost = await room.place(entry, (PUT_1,))
        assert isinstance(lost, Refusal)
        assert lost.reason is Reason.OUTCOME_UNKNOWN
        short, long = (leg.symbol for leg in entry.request.legs[:2])
        world.exchange.back_office.give(ACCOUNT, {short: 1, long: -1}, world.clock.now())
        await world.clock.sleep(FRESH_S + 1)
        refused = await room.place(entry, (PUT_2,))
        assert isinstance(refused, Refusal)
        assert refused.reason is Reason.NOT_CLOSABLE_NOW, refused.sentence()
        assert dict(refused.figures) == {"ordered": 1, "symbol": short, "closable": Decimal(0)}
        assert closes(world) == 1
        await world.stop()

    in_world(day, tmp_path)


@pytest.mark.parametrize(
    ("names", "debit", "cap", "why"),
    [
        (PUTS, "0.505", "0.51", "not on the tick"),
        (PUTS, "0.51", "0.50", "above its cap"),
        (PUTS, "2.90", "2.95", "above the cap of today"),
        (PUTS, "20.00", "20.00", "above what the units can be worth"),
    ],
)
def test_an_order_that_is_not_by_its_rule_stays_here(
    tmp_path: Path, names: tuple[Any, ...], debit: str, cap: str, why: str
) -> None:
    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        await room.closing(entry)
        refused = await room.place(entry, names, debit=debit, cap=cap)
        assert isinstance(refused, Refusal)
        assert refused.reason is Reason.EXIT_NOT_BY_RULE
        assert why in refused.sentence()
        assert closes(world) == 0
        await world.stop()

    in_world(day, tmp_path)


def test_a_target_whose_units_have_changed_since_it_was_planned_stays_here(tmp_path: Path) -> None:
    """New settings came between the plan and the order: the next plan is the right one."""

    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        view, action = await room.view(entry), await room.due(entry)
        assert isinstance(action, PlaceTargets)
        rules = replace(view.trident.rules, targets={**view.trident.rules.targets, PUT_1: 55})
        await world.records.tridents.adopt(entry.id, rules, world.clock.now())
        done = await room.desk.do(view, action)
        assert "the target is" in done.why
        assert closes(world) == 0
        action = await room.due(entry)
        assert isinstance(action, PlaceTargets)
        await room.do(entry, action)
        assert closes(world) == 3
        await world.stop()

    in_world(day, tmp_path)


def test_a_warning_of_the_dry_run_stops_no_exit_and_is_kept(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        await room.closing(entry)
        await _dry_run(("tif_next_valid_sesssion", "It will begin working tomorrow."))(world, room, entry)
        placed = await room.place(entry, PUTS)
        assert isinstance(placed, Exit)
        kept = [seen.detail for seen in await world.records.exits.evidence(placed.id) if seen.kind == "answer"]
        assert len(kept) == 1
        assert "tif_next_valid_sesssion" in str(kept[0]["dry_run"])
        told = [event for event in await world.records.journal.newest(50) if event.kind == "exit.warning"]
        assert dict(told[0].figures)["exit"] == placed.id
        await world.stop()

    in_world(day, tmp_path)


def test_an_operators_limit_needs_no_quotes_and_a_walk_does(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        await _arms(FaultKind.MARKET_NAN, symbol="*")(world, room, entry)
        now = world.clock.now()
        walk, limit = ManualClose(PUTS, None, now), ManualClose(PUTS, Decimal("0.05"), now)
        for asked, leaves in ((walk, False), (limit, True)):
            view = await room.view(entry, asked)
            units = tuple(unit for unit in view.trident.units if unit.name in PUTS)
            plan = close_plan(ExitKind.MANUAL, units, Decimal("0.05"), Decimal("3.00"), FAR)
            done = await room.desk.do(view, PlaceClose(plan))
            assert (done.why == "") is leaves, done.why
        assert closes(world) == 1
        assert await room.units(entry) == (UnitState.WHOLE,) * 3
        await world.stop()

    in_world(day, tmp_path)


def test_a_dry_run_sends_no_exit(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        entry, room = await with_a_trident(world)
        await room.closing(entry)
        room.placing.sends = False
        refused = await room.place(entry, PUTS)
        assert isinstance(refused, Refusal)
        assert refused.reason is Reason.NOT_SENT
        assert (closes(world), (await room.view(entry)).exits) == (0, ())
        await world.stop()

    in_world(day, tmp_path)
