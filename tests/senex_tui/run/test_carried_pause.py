"""A new demo starts paused when the one before it was left paused, also by a pause that was not recorded yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.domain.operation.commands import Command, CommandKind
from core.guards.stop_files import FOLDER, StopFiles
from core.records.records import Records
from senex_tui.run.demo import carry_pause
from tests.support.record_samples import AT


async def world(folder: Path) -> Records:
    return await Records.open(f"sqlite+aiosqlite:///{folder / 'records.sqlite3'}")


@pytest.mark.parametrize("recorded", [True, False])
async def test_the_pause_of_the_demo_before_is_carried_over(tmp_path: Path, recorded: bool) -> None:
    before = await world(tmp_path / "one")
    if recorded:
        await before.trading.pause("anna", "lunch", AT)
    else:
        stop = Command("c1", CommandKind.PAUSE, "anna", AT, note="lunch")
        StopFiles(tmp_path / "one" / FOLDER).write(stop)
    await before.close()
    new = await world(tmp_path / "two")
    await carry_pause(tmp_path / "two", new)
    found = await new.trading.read()
    assert (found.state, found.who, found.why, found.at) == ("paused", "anna", "lunch", AT)
    await new.close()


async def test_a_halt_and_a_switched_off_account_are_left_in_their_demo(tmp_path: Path) -> None:
    before = await world(tmp_path / "one")
    await before.trading.halt("anna", "odd", AT)
    off = Command("c1", CommandKind.SET_ACCOUNT, "anna", AT, target="0001", note="automation off")
    StopFiles(tmp_path / "one" / FOLDER).write(off)
    await before.close()
    new = await world(tmp_path / "two")
    await carry_pause(tmp_path / "two", new)
    assert (await new.trading.read()).state == "active"
    await new.close()
