"""A row of the inbox that is no command of ours is refused alone; if it may be a stop, it stops all (rules 10)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from core.domain.operation.commands import CommandKind, CommandState
from core.domain.operation.reasons import Reason
from core.records.search.history import HistoryFilter, HistoryKind
from tests.support.asked_stops import (
    STOPS,
    Asked,
    bar,
    command_of,
    recorded,
)
from tests.support.world import ACCOUNT, World, in_world

BAD_ROWS = {
    "of a newer version": {"kind": "hold"},
    "with a zero byte": {"kind": "for\0ce"},
    "without an instant": {"kind": "force", "at": "yesterday"},
    "with an instant without a zone": {"kind": "force", "at": "2026-03-02T14:44:30"},
    "whose sender is no text": {"kind": "force", "who": "CAST(X'61ff' AS TEXT)"},
    "whose target is bytes": {"kind": "cancel", "target": "X'00ff'"},
    "whose id is bytes": {"kind": "force", "id": "X'00ff'"},
    "with a word for a number": {"kind": "force", "saw_cycle": "three"},
    "whose setting stops nothing": {"kind": "set_account", "note": "width 5", "at": ""},
}
BAD_STOPS = {
    "a pause without an instant": ({"kind": "pause", "at": "yesterday"}, Reason.PAUSED),
    "a pause of a sender who is no text": ({"kind": "pause", "who": "CAST(X'ff' AS TEXT)"}, Reason.PAUSED),
    "a halt with bytes for a reason": ({"kind": "halt", "note": "X'ff'"}, Reason.HALTED),
    "a skip without an instant": ({"kind": "set_account", "note": "skip today", "at": "0"}, Reason.PAUSED),
    "a setting that cannot be read": ({"kind": "set_account", "note": "CAST(X'ff' AS TEXT)"}, Reason.PAUSED),
}


def insert(world: World, **columns: str) -> int:
    """Writes a row as another program would; a value that begins with X' or CAST is SQL. Returns its number."""
    row = {"id": world.ids.new(), "who": "mallory", "at": "2026-03-02T14:44:30.000000Z", "target": "", "note": ""}
    row |= {"state": "pending", "text": ""} | columns
    literals = [value if value.startswith(("X'", "CAST")) else "?" for value in row.values()]
    values = [value for value in row.values() if not value.startswith(("X'", "CAST"))]
    with closing(sqlite3.connect(world.records_file)) as aside, aside:
        cursor = aside.execute(f"INSERT INTO commands ({', '.join(row)}) VALUES ({', '.join(literals)})", values)
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def answers(world: World) -> dict[int, tuple[str, str]]:
    with closing(sqlite3.connect(world.records_file)) as aside:
        return {seq: (state, text) for seq, state, text in aside.execute("SELECT seq, state, text FROM commands")}


@pytest.mark.parametrize("row", BAD_ROWS)
@pytest.mark.parametrize("asked", STOPS, ids=str)
def test_a_row_that_cannot_be_read_is_refused_alone(tmp_path: Path, row: str, asked: Asked) -> None:
    async def day(world: World) -> None:
        await world.start()
        before = insert(world, **BAD_ROWS[row])
        world.engine.accept(command_of(world, asked))
        after = insert(world, **BAD_ROWS[row] | ({"id": "X'01ff'"} if "id" in BAD_ROWS[row] else {}))
        world.engine.commands.check()
        await world.clock.sleep(2.0)
        assert bar(world) is asked.reason
        assert await recorded(world) is asked.reason
        told = answers(world)
        assert {told.pop(before)[0], told.pop(after)[0]} == {"refused"}
        assert [state for state, _ in told.values()] == ["done"]
        said = [e.text for e in await world.records.journal.newest(50) if e.kind == "command.unreadable.refused"]
        assert len(said) == 2
        assert all("nothing was done" in text for text in said)
        if BAD_ROWS[row] == {"kind": "hold"}:
            assert 'this version cannot do "hold": a newer senex posted it; nothing was done' in said[0]
        await world.until("10:01")
        assert world.broker.posted == []
        kinds = {record.command.kind for record in await world.records.inbox.newest(9)}
        assert asked.kind in kinds
        page = await world.records.history.page(HistoryKind.COMMANDS, HistoryFilter(), 9)
        assert len(page) == 3, "the history shows every row"
        await world.stop()

    in_world(day, tmp_path)


BAD_HOLDS = {
    "a hold without an instant": {"kind": "exits", "note": "hold because lunch", "at": "yesterday"},
    "a hold of a sender who is no text": {"kind": "exits", "note": "hold", "who": "CAST(X'ff' AS TEXT)"},
    "of exits, with words that cannot be read": {"kind": "exits", "note": "CAST(X'ff' AS TEXT)"},
}


@pytest.mark.parametrize("row", BAD_HOLDS)
def test_a_hold_whose_row_cannot_be_read_holds_all_exits_until_they_go_on(tmp_path: Path, row: str) -> None:
    async def day(world: World) -> None:
        await world.start()
        number = insert(world, **BAD_HOLDS[row])
        world.engine.commands.check()
        await world.clock.sleep(2.0)
        gate = world.engine.exits.exit_gate
        state, text = answers(world)[number]
        assert (state, "taken as a hold of all exits: exits are held" in text) == ("done", True), text
        assert gate.held(ACCOUNT) is not None, "also once it is answered"
        assert (bar(world), await recorded(world)) == (None, None), "entries go on"
        assert (await world.command(CommandKind.EXITS, note="on")).state is CommandState.DONE
        assert gate.held(ACCOUNT) is None
        await world.stop()

    in_world(day, tmp_path)


def test_exits_that_go_on_by_a_row_that_cannot_be_read_stay_held(tmp_path: Path) -> None:
    async def day(world: World) -> None:
        await world.start()
        await world.answer(CommandKind.EXITS, "", "hold")
        number = insert(world, kind="exits", note="on", at="yesterday")
        world.engine.commands.check()
        await world.clock.sleep(2.0)
        assert answers(world)[number][0] == "refused"
        assert world.engine.exits.exit_gate.held(ACCOUNT) is not None
        await world.stop()

    in_world(day, tmp_path)


@pytest.mark.parametrize("row", BAD_STOPS)
def test_a_stop_whose_row_cannot_be_read_stops_all(tmp_path: Path, row: str) -> None:
    columns, reason = BAD_STOPS[row]

    async def day(world: World) -> None:
        await world.start()
        number = insert(world, **columns)
        world.engine.commands.check()
        await world.clock.sleep(2.0)
        assert bar(world) is reason
        assert await recorded(world) is reason
        state, text = answers(world)[number]
        assert (state, "taken as a" in text) == ("done", True), text
        if reason is Reason.PAUSED:
            assert (await world.command(CommandKind.RESUME)).state is CommandState.DONE
            assert bar(world) is None
        await world.stop()

    in_world(day, tmp_path)
