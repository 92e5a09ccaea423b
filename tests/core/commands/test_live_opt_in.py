"""Exits of a live account: off until its operator types the words, with what is then sent in sight (rules 15.9)."""

from __future__ import annotations

from pathlib import Path

from core.domain.operation.commands import CommandKind
from core.domain.positions.tridents import ExitMode
from core.snapshot import Mode, PositionView
from tests.support.world import World, in_world

SET = CommandKind.SET_ACCOUNT


async def shown(world: World) -> PositionView:
    await world.engine.tridents.check()
    snapshot = world.snapshot()
    [position] = snapshot.positions.open
    return position


def test_what_is_shown_before_the_words_is_what_is_sent_after_them(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.mode, world.exits = Mode.LIVE, None
        await world.start()
        await world.until("09:46")
        world.exchange.fill_plan = "never"
        entry = await world.entry()
        await world.until("10:05")
        account = entry.account
        assert await world.records.exits.open_of(account) == ()
        before = (await shown(world)).exits
        assert before is not None
        assert before.next == "blocked: exits are off for this account"
        assert [line.split(" at ")[0] for line in before.sends_all] == [
            "target of put-1",
            "target of put-2",
            "target of call",
        ]
        refused = await world.answer(SET, account, "exits all")
        assert refused.startswith("refused: live closing orders of an account are switched on by typing EXITS 0001")
        on = await world.answer(CommandKind.EXITS, "0001", "on")
        assert on.startswith("done: exits of …0001 are not held; off for …0001: `senex exits on 0001` lists")
        await world.until("10:06")
        assert await world.records.exits.open_of(account) == ()

        done = await world.answer(SET, account, "exits all EXITS 0001")
        assert done == f"done: …0001: exits default -> all; 1 trident adopted ({entry.id[:8]})"
        await world.until("10:12")
        sent = await world.records.exits.open_of(account)
        listed = [line.split(" at ")[1].split()[0] for line in before.sends_all]
        assert [str(one.debit) for one in sent] == listed
        after = (await shown(world)).exits
        assert after is not None
        assert (len(after.resting), after.sends_all) == (3, ())

        off = await world.answer(SET, account, "exits off")
        orders = ", ".join(str(one.order_id) for one in sent)
        assert off == (
            f"done: …0001: exits all -> off; 3 closing orders rest at the broker ({orders}) and stay; "
            "`senex exits cancel 0001` cancels them"
        )
        await world.stop()

    in_world(day, tmp_path)


def test_the_first_targets_of_an_account_that_held_nothing_wait_for_one_more_word(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        world.mode, world.exits = Mode.LIVE, None
        await world.start()
        done = await world.answer(SET, "0001", "exits all EXITS 0001")
        assert done.endswith("exits default -> all; its first targets wait for one more `senex exits on`")
        await world.until("09:46")
        world.exchange.fill_plan = "never"
        await world.until("10:05")
        exits = (await shown(world)).exits
        assert exits is not None
        assert exits.next == "its first targets wait for one more `senex exits on`"
        assert len(exits.sends_all) == 3
        entry = await world.entry()
        assert await world.records.exits.open_of(entry.account) == ()
        assert (await world.answer(CommandKind.EXITS, "0001", "on")) == "done: exits of …0001 are on"
        await world.until("10:12")
        assert len(await world.records.exits.open_of(entry.account)) == 3
        [account] = await world.records.accounts.all()
        assert (account.exits.mode, account.exits_first_wait) == (ExitMode.ALL, False)
        await world.stop()

    in_world(day, tmp_path)
