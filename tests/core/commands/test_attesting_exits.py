"""What an operator attests of closing orders and of what is held, and cancels, on the real engine and a simulated
broker (rules 15.4 to 15.6)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import CommandKind, may_watcher_send
from core.domain.operation.reasons import Refusal
from core.domain.orders.order_states import OrderState
from core.domain.positions.attest_words import ForeignWords, GoneWords, attest_words
from core.domain.positions.closing import Gone
from core.domain.positions.units import Ended, UnitName, UnitState
from core.domain.trident.sides import Direction
from core.records.records import GoneRecord
from core.simulator.exchange.faults import FaultKind
from core.simulator.in_process.values import order_body
from tests.support.exit_sending import close, exit_for
from tests.support.world import ACCOUNT, World, in_world

PUT_1, PUT_2, CALL = UnitName
FAR = "0.05"
"""A debit at which nobody sells the spread."""
ORDERS = f"/accounts/{ACCOUNT}/orders"


async def attest(world: World, seen: str, target: str = "") -> str:
    return await world.answer(CommandKind.ATTEST, target, seen)


def test_an_unknown_closing_order_is_attested_absent_and_its_unit_is_free(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        world.exchange.fill_plan = "never"
        world.broker.arm(FaultKind.REST_DROP_REQUEST, method="POST", path=ORDERS)
        lost = await close(world, entry, [PUT_1], FAR)
        assert lost.state is OrderState.UNKNOWN
        answer = await attest(world, "absent", lost.id[:8])
        assert answer == "done: …0001: the target of put-1 is closed as absent; its units may get another order"
        ended = await world.records.exits.get(lost.id)
        assert (ended.state, ended.released_at is not None) == (OrderState.ABSENT, True)
        again = await attest(world, "absent", lost.id)
        assert again == "refused: the target of put-1 is absent: only an unknown exit, or an incident without an " + (
            "order, can be absent"
        )
        other = await close(world, entry, [PUT_1], FAR)
        assert other.state is OrderState.WORKING, "its unit is free"
        taken = await attest(world, other.order_id or "", lost.id)
        assert f"order {other.order_id} does not carry this exit's identifier" in taken
        assert await attest(world, other.order_id or "") == (
            f"done: order {other.order_id} is the target of put-1; it is working"
        )
        await world.stop()

    in_world(day, tmp_path)


def test_a_closing_order_without_a_record_is_adopted_with_its_units(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        world.exchange.fill_plan = "never"
        there = exit_for(world, entry, [PUT_1, PUT_2], FAR)
        order_id = str(world.exchange.submit(ACCOUNT, order_body(there.request), world.clock.now()).id)
        answer = await attest(world, order_id)
        assert answer == f"done: …0001: order {order_id} is adopted as a manual close of put-1, put-2; it is working"
        [adopted] = await world.records.exits.open_of(ACCOUNT)
        assert (adopted.identifier, adopted.origin, adopted.units) == (there.identifier, "adopted", (PUT_1, PUT_2))
        body = order_body(exit_for(world, entry, [PUT_1], FAR).request)
        second = str(world.exchange.submit(ACCOUNT, replace(body, external_identifier=None), world.clock.now()).id)
        assert "not those of whole units of one trident that no other order closes" in await attest(world, second)
        dear = order_body(exit_for(world, entry, [CALL], str(entry.width + 1)).request)
        third = str(world.exchange.submit(ACCOUNT, dear, world.clock.now()).id)
        assert "and its units are worth at most" in await attest(world, third)
        await world.stop()

    in_world(day, tmp_path)


def test_a_closing_order_is_cancelled_by_its_id_and_its_state_is_told(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        assert "there is no working entry" in await world.answer(CommandKind.CANCEL)
        world.exchange.fill_plan = "never"
        target = await close(world, entry, [CALL], FAR)
        asked = await world.answer(CommandKind.CANCEL, target.id[:8])
        assert asked == f"done: cancel of order {target.order_id} asked; it works until the broker confirms"
        await world.clock.sleep(60)
        ended = await world.records.exits.get(target.id)
        assert (ended.state, ended.cancel_requested_by) == (OrderState.CANCELLED, "operator")
        again = await world.answer(CommandKind.CANCEL, target.order_id or "")
        assert again.startswith("refused: nothing is cancelled: the target of call is CANCELLED by operator"), again
        assert "no entry or closing order 'nothing'" in await world.answer(CommandKind.CANCEL, "nothing")
        await world.stop()

    in_world(day, tmp_path)


def test_the_end_of_a_unit_that_left_is_attested_in_cents(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.until("09:46")
        entry = await world.entry()
        [record] = await world.records.tridents.held_of(ACCOUNT)
        put = record.trident.units[0]
        whole = await attest(world, "gone put-1 -7300", entry.id[:8])
        assert whole == (f"refused: nothing is recorded: put-1 of {entry.id[:8]} is whole; `senex close` closes it")
        at = world.clock.now()
        left = [GoneRecord(entry.id, Gone(PUT_1, symbol, None, at), "a test") for symbol in (put.short, put.long)]
        await world.records.tridents.note_gone(left)
        brought = await attest(world, "gone put-1 -7300", entry.id[:8])
        assert brought == f"done: …0001: the end of put-1 of {entry.id[:8]} brought -73.00 $"
        [record] = await world.records.tridents.held_of(ACCOUNT)
        assert (record.trident.units[0].state, record.trident.units[0].how) == (UnitState.GONE, Ended.ATTESTED)
        assert put.credit is not None
        assert "'abcdefgh'" in await attest(world, "gone put-1 -7300", "abcdefgh")
        await world.stop()

    in_world(day, tmp_path)


def test_what_is_foreign_is_attested_by_leg_and_side(tmp_path: Path) -> None:
    symbol = "QQQ   260320P00600000"

    async def day(world: World) -> None:
        await world.start()
        await world.until("09:46")
        early = await attest(world, f"foreign {symbol} -2")
        assert early == (
            "refused: nothing is recorded: what is foreign in …0001 is not known yet; a console that runs reads it at "
            "its start"
        )
        await world.records.foreign.take_baseline(ACCOUNT, {}, world.clock.now())
        assert await attest(world, "foreign QQQ260320P00600000 -2") == (
            f"done: …0001: of 600P ({symbol}) 2 short at the broker is not ours"
        )
        assert await world.records.foreign.positions(ACCOUNT) == {(symbol, Direction.SHORT): Decimal(2)}
        assert "none at the broker is not ours" in await attest(world, f"foreign {symbol} 0", "0001")
        assert await world.records.foreign.positions(ACCOUNT) == {}
        await world.stop()

    in_world(day, tmp_path)


def test_an_assignment_stops_entries_until_it_is_reset(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.engine.breakers.open(BreakerKind.ASSIGNED, ACCOUNT, "the short QQQ contract of put-1 was assigned")
        await world.until("09:46")
        assert await world.entries() == (), "it stops entries"
        assert await world.answer(CommandKind.RESET, "assigned:0001") == "done: assigned reset"
        await world.until("10:16")
        assert (await world.entry()).state is OrderState.FILLED
        await world.stop()

    in_world(day, tmp_path)


@pytest.mark.parametrize(
    ("note", "words"),
    [
        ("gone put-2 -7300", GoneWords(PUT_2, -7300)),
        ("gone call +5", GoneWords(CALL, 5)),
        ("foreign QQQ251219P00622000 -2", ForeignWords("QQQ   251219P00622000", -2)),
        ("foreign QQQ   251219P00622000 1", ForeignWords("QQQ   251219P00622000", 1)),
        ("foreign SPXW251219C06850000 0", ForeignWords("SPXW  251219C06850000", 0)),
        ("4471", None),
        ("absent", None),
    ],
)
def test_the_words_of_an_attestation_are_read(note: str, words: object) -> None:
    assert attest_words(note) == words


@pytest.mark.parametrize(
    ("note", "accepted", "given"),
    [
        ("gone", "ID, UNIT (put-1, put-2, call) and CENTS (what", "gone"),
        ("gone puts -7300", "UNIT (put-1, put-2, call)", "puts"),
        ("gone put-1 -73.00", "CENTS (what", "-73.00"),
        ("gone put-1 all of it", "ID, UNIT (put-1, put-2, call) and CENTS (what", "gone put-1 all of it"),
        ("foreign", "SYMBOL (an option's", "foreign"),
        ("foreign QQQ 2", "SYMBOL (an option's", "QQQ"),
        ("foreign QQQ251319P00622000 2", "SYMBOL (an option's", "QQQ251319P00622000"),
        ("foreign QQQ251219P00622000 two", "N (contracts", "two"),
        ("foreign QQQ251219P00622000", "SYMBOL (an option's", "foreign QQQ251219P00622000"),
    ],
)
def test_words_that_are_not_understood_name_what_is_taken_and_what_was_given(
    note: str, accepted: str, given: str
) -> None:
    refusal = attest_words(note)
    assert isinstance(refusal, Refusal)
    assert refusal.sentence().startswith(f"`senex attest {note.split()[0]}` takes {accepted}")
    assert refusal.sentence().endswith(f"; '{given}' was given")


@pytest.mark.parametrize(
    ("kind", "note", "may"),
    [
        (CommandKind.EXITS, "hold because lunch", True),
        (CommandKind.EXITS, "on", False),
        (CommandKind.EXITS, "cancel", False),
        (CommandKind.PAUSE, "", True),
        (CommandKind.ATTEST, "absent", False),
        (CommandKind.CLOSE, "unit=all walk", False),
    ],
)
def test_a_watcher_holds_exits_and_does_nothing_else_of_them(kind: CommandKind, note: str, may: bool) -> None:
    assert may_watcher_send(kind, note) is may
