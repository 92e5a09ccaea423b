"""A breaker of one account is reset by the last characters of its number; an ending of several accounts resets none."""

from __future__ import annotations

from pathlib import Path

from core.domain.operation.breakers import BreakerKind
from core.domain.operation.commands import CommandKind
from tests.support.world import World, account, in_world

FIRST, SECOND = "5WT00001", "6WT00001"


def test_an_ending_that_several_accounts_have_resets_none_of_them(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        for number in (FIRST, SECOND):
            await world.engine.breakers.open(BreakerKind.MISMATCH, number, "the positions differ")

        refused = await world.answer(CommandKind.RESET, "mismatch:0001")
        assert refused == "refused: '0001' names 2 accounts; give one of …5WT00001, …6WT00001"
        assert [b.subject for b in await world.records.breakers.open_now()] == [FIRST, SECOND]
        unknown = await world.answer(CommandKind.RESET, "mismatch:7777")
        assert unknown.startswith("refused: '7777' names no known account; give one of ")

        assert (await world.answer(CommandKind.RESET, "mismatch:…5WT00001")).startswith("done: mismatch reset")
        assert [b.subject for b in await world.records.breakers.open_now()] == [SECOND]
        none = await world.answer(CommandKind.RESET, f"mismatch:{FIRST}")
        assert none == "refused: there is no open breaker 'mismatch' of …0001"
        await world.stop()

    in_world(day, tmp_path, accounts=(account(FIRST), account(SECOND)))


def test_a_login_is_reset_by_its_whole_name(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.engine.breakers.open(BreakerKind.LOGIN, "main", "refused twice")
        assert (await world.answer(CommandKind.RESET, "login:ain")).startswith("refused: ")
        assert (await world.answer(CommandKind.RESET, "login:main")).startswith("done: login reset")
        await world.stop()

    in_world(day, tmp_path)
