"""What an operator asks of a trident that cannot be done, and bad days: one clear sentence each, and nothing is sent
that could open a position (rules 15.9)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from core.domain.operation.commands import CommandKind
from core.domain.orders.transactions import Transaction
from core.domain.positions.tridents import Phase
from core.domain.positions.units import Ended, UnitState
from core.domain.reporting.alerts import AlertKind
from tests.support.trident_world import (
    CALL,
    EARLY,
    PUT_1,
    PUT_2,
    close_by_hand,
    closes_sent,
    fill,
    nothing_opened,
    off_until,
    targets_placed,
    targets_rest,
    trident,
    until,
    working,
)
from tests.support.world import ACCOUNT, World, in_world

CLOSE, SET = CommandKind.CLOSE, CommandKind.SET_ACCOUNT


async def unmoved(world: World, kind: CommandKind, target: str, note: str = "") -> str:
    """The answer to a command after which nothing has left, and the same orders work."""
    sent, before = closes_sent(world), await working(world)
    answer = await world.answer(kind, target, note)
    await world.clock.sleep(20)
    assert closes_sent(world) == sent
    assert {name: one.id for name, one in (await working(world)).items()} == {n: one.id for n, one in before.items()}
    return answer


def test_bad_words_about_a_trident_are_told_in_a_sentence_each(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        targets = await targets_placed(world)
        short = (await trident(world)).id[:8]
        fill(world, targets[PUT_2])
        await targets_rest(world, (PUT_1, CALL))
        accepted = "`senex close --unit` takes one of put-1, put-2, puts, call, all"
        no_trident = "there is no trident 'deadbeef'; `senex tridents` lists them"
        percent = "must be a whole number from 1 to 95, off or default"
        for kind, target, note, told in (
            (CLOSE, short, "unit=put-2 walk", f"nothing is closed: put-2 of {short} was closed at 0.81 on Mon 2 Mar"),
            (CLOSE, short, "unit=puts limit=99", "nothing is closed: a close of put-1 is worth at most 5.00"),
            (CLOSE, short, "unit=all limit=5.01", "nothing is closed: a close of put-1, call is worth at most 5.00"),
            (CLOSE, short, "unit=put-1 limit=0", "nothing is closed: a limit must be above 0; 0 was given"),
            (CLOSE, short, "unit=put-1 limit=0.005", "nothing is closed: its ticks are 0.01: 0.01; 0.005 was given"),
            (CLOSE, short, "unit=put-3 walk", f"{accepted}; 'put-3' was given"),
            (CLOSE, "deadbeef", "unit=all walk", no_trident),
            (CommandKind.RETARGET, "deadbeef", "", no_trident),
            (CommandKind.RELEASE, "deadbeef", "", no_trident),
            (SET, ACCOUNT, "target-put-1 0", f"target-put-1 {percent}; '0' was given"),
            (SET, ACCOUNT, "target-put-1 100", f"target-put-1 {percent}; '100' was given"),
            (SET, ACCOUNT, "target-call 96", f"target-call {percent}; '96' was given"),
            (SET, ACCOUNT, "exit-dte 31", "exit-dte must be a whole number from 1 to 30, or default; '31' was given"),
            (SET, ACCOUNT, "exits maybe", "exits must be off, targets, all or default; 'maybe' was given"),
        ):
            answer = await unmoved(world, kind, target, note)
            assert answer.startswith(f"refused: {told}"), (note, answer)
        assert nothing_opened(world)
        await world.stop()

    in_world(day, tmp_path, start=EARLY)


def test_new_targets_say_where_none_is_placed_again(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        targets = await targets_placed(world)
        await world.answer(CommandKind.CANCEL, targets[PUT_2].id)
        before = await targets_rest(world, (PUT_1, CALL))
        answer = await world.answer(CommandKind.RETARGET, (await trident(world)).id)
        assert "it has the targets of its account's settings now" in answer
        assert "no target is placed again for put-2, where an operator cancelled it" in answer

        async def anew() -> bool:
            now = await working(world)
            return set(now) == {PUT_1, CALL} and not {one.id for one in now.values()} & {
                one.id for one in before.values()
            }

        await until(world, anew)
        await world.clock.sleep(90)
        assert await anew(), "the targets that were placed anew rest alone"
        await world.stop()

    in_world(day, tmp_path, start=EARLY)


def test_exits_switched_off_name_what_rests_and_send_nothing_more(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        targets = await targets_placed(world)
        orders = ", ".join(str(targets[name].order_id) for name in (PUT_1, PUT_2, CALL))
        rests = f"3 closing orders rest at the broker ({orders}) and stay; `senex exits cancel 0001` cancels them"
        assert await unmoved(world, SET, ACCOUNT, "exits off") == f"done: …0001: exits default -> off; {rests}"
        assert await unmoved(world, SET, ACCOUNT, "exits off") == f"done: …0001: exits off already; {rests}"
        fill(world, targets[CALL])
        await targets_rest(world, (PUT_1, PUT_2))
        assert await unmoved(world, SET, ACCOUNT, "exits all") == "done: …0001: exits off -> all"
        assert nothing_opened(world)
        await world.stop()

    in_world(day, tmp_path, start=EARLY)


@pytest.mark.parametrize("words", ["limit=0.02", "walk"])
def test_a_close_asked_right_after_somebody_closed_it_all_sends_nothing_that_opens(tmp_path: Path, words: str) -> None:
    """No read has shown it yet: the word is taken, and what it would close is looked at before anything leaves."""

    async def day(world: World) -> None:
        await targets_placed(world)
        sent = closes_sent(world)
        close_by_hand(world, "PC")
        close_by_hand(world, "P")
        answer = await world.answer(CLOSE, (await trident(world)).id[:8], f"unit=all {words}")
        assert answer.startswith(("done: ", "refused: nothing is closed: "))

        async def ended() -> bool:
            return (await trident(world)).trident.phase is Phase.ENDED

        await until(world, ended)
        units = (await trident(world)).trident.units
        assert [(unit.state, unit.how) for unit in units] == [(UnitState.GONE, Ended.HAND)] * 3
        assert await world.records.exits.open_of(ACCOUNT) == ()
        assert closes_sent(world) == sent
        assert nothing_opened(world)
        await world.stop()

    in_world(day, tmp_path, start=EARLY)


def test_rows_that_never_come_leave_a_unit_unexplained_until_its_operator_says_what_it_brought(tmp_path: Path) -> None:
    async def days(world: World) -> None:
        async def no_rows(number: str, since: date) -> tuple[Transaction, ...]:
            return ()

        setattr(world.broker, "transactions", no_rows)  # noqa: B010 - of this one broker
        targets = await targets_placed(world)
        await world.stop()
        close_by_hand(world, "C")  # its order is of a day that nobody reads any more

        async def gone() -> bool:
            (call,) = [unit for unit in (await trident(world)).trident.units if unit.name is CALL]
            return (call.state, call.how) == (UnitState.GONE, None)

        async def alerts() -> list[str]:
            return [one.text for one in await world.records.alerts.open_now() if one.kind is AlertKind.GONE_UNEXPLAINED]

        await world.until("10:00", "2026-03-03")
        await world.start()
        await until(world, gone)
        rest = await targets_rest(world, (PUT_1, PUT_2))
        assert {one.id for one in rest.values()} == {targets[name].id for name in (PUT_1, PUT_2)}
        assert await alerts() == []
        await off_until(world, "10:00", "2026-03-06")

        async def told() -> bool:
            return bool(await alerts())

        await until(world, told)
        [text] = await alerts()
        assert "call left 3 sessions ago and nothing explains it; `senex attest gone` says for how much" in text
        short = (await trident(world)).id[:8]
        assert (await world.answer(CommandKind.ATTEST, short, "gone call -9700")).startswith("done: ")

        async def over() -> bool:
            return not await alerts()

        await until(world, over)
        (call,) = [unit for unit in (await trident(world)).trident.units if unit.name is CALL]
        assert (call.state, call.how) == (UnitState.GONE, Ended.ATTESTED)
        assert nothing_opened(world)
        await world.stop()

    in_world(days, tmp_path, start=EARLY)
