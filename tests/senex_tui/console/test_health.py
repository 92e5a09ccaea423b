"""The page of health: the trader's parts as recorded, this machine as it is, and that nothing waits for a look."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from core.config.folders import folders
from core.config.loader import load_settings
from core.snapshot import EngineState, Health, Mode, PartHealth, Watching
from core.snapshot.health import Finding, HealthRow
from senex_tui.console.machine_health import MachineHealth
from senex_tui.console.screens.dashboard import Dashboard
from senex_tui.console.screens.health import HealthPage
from senex_tui.doctor.beside_console import rows_of_machine
from senex_tui.trader.place import Place
from tests.support.console import parts, scenes
from tests.support.console.driver import Driven, driven
from widgets.health import HealthPanel

SIZES = ((60, 20), (80, 24), (120, 40), (170, 48), (200, 55))
FULL = HealthRow("disk", Finding.FAIL, "0.0 GB free at /home/ada/senex", "make room: without it nothing is recorded")
WELL = HealthRow("calendar", Finding.OK, "Thu Nov 20: session until 16:00 ET")


def looks(console: Driven, look: Callable[[], tuple[HealthRow, ...]]) -> MachineHealth:
    """Gives the console a machine to look at."""
    machine = console.app.machine = MachineHealth(look, lambda: console.engine.current.status.now)
    return machine


async def looked(console: Driven, machine: MachineHealth) -> str:
    """The screen once the look that is under way is done."""
    for _ in range(500):
        if not machine.is_looking:
            break
        await console.pilot.pause(0.02)
    await console.pilot.pause()
    return console.text


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_each_part_is_told_at_every_size_and_nothing_is_cut(size: tuple[int, int], tmp_path: Path) -> None:
    here, started = folders(tmp_path), load_settings(None, {})
    place = Place(Mode.DRY_RUN, here.records("dry-run"), here.halt_file)
    async with driven(scenes.calm(), size=size) as console:
        machine = looks(console, lambda: rows_of_machine(started, here, place, own_simulator=False))
        await console.press("H")
        await looked(console, machine)
        panel = console.app.screen.query_one(HealthPanel)
        whole = panel.whole
        for name in [*(row.name for row in scenes.calm().health), *(row.name for row in machine.rows)]:
            assert name.split()[0] in whole, name
        words = " ".join(whole.split())
        for told in ("broker answers; market open", "feed", "events a second", "reconciled with the broker", "Trader"):
            assert told in words or size[0] >= 110, told
        assert "GB free at" in " ".join(
            line[len(line) // 2 :] if size[0] >= 110 else line for line in whole.splitlines()
        )
        assert "looked at 10:31:41 ET" in whole
        assert "…" not in whole.replace("…0001", "")
        await console.press("G")
        assert all(len(line) <= size[0] for line in console.text.splitlines())
        assert "panel error" not in console.text


async def test_what_needs_a_person_comes_first_and_says_what_to_do() -> None:
    snapshot = scenes.stale()
    async with driven(snapshot, size=(80, 24)) as console:
        machine = looks(console, lambda: (WELL, FULL))
        await console.press("H")
        text = await looked(console, machine)
        assert "Health  2 failed" in text
        lines = [line.split() for line in console.app.screen.query_one(HealthPanel).whole.splitlines() if line]
        trader, here = lines.index(["Trader"]), next(n for n, line in enumerate(lines) if line[0] == "This")
        assert lines[trader + 1][:3] == ["✖", "FAIL", "feed"]
        assert "-> resets by itself when the quote feed is live again" in " ".join(" ".join(line) for line in lines)
        assert lines[here + 1][:3] == ["✖", "FAIL", "disk"]
        assert lines[here + 2][:3] == ["->", "make", "room:"]


async def test_a_row_says_since_when_it_is_so_until_it_is_otherwise() -> None:
    found = [WELL]
    async with driven(scenes.calm()) as console:
        machine = looks(console, lambda: tuple(found))
        await console.press("H")
        await looked(console, machine)
        first = machine.rows[0].since
        assert first == scenes.calm().status.now
        later = datetime.fromisoformat("2025-11-20T16:05:00+00:00")
        console.engine.status(now=later)
        await console.press("enter")
        await looked(console, machine)
        assert machine.rows[0].since == first
        found[0] = replace(WELL, finding=Finding.WARN, todo="look there")
        await console.press("enter")
        await looked(console, machine)
        assert machine.rows[0].since == later
        assert "11:05" in console.text


@pytest.fixture
def held() -> Iterator[threading.Event]:
    """An event that a look waits for; set at the end, so that no thread stays behind."""
    event = threading.Event()
    yield event
    event.set()


async def test_nothing_waits_for_a_look_and_two_never_run_at_once(held: threading.Event) -> None:
    count: list[int] = []

    def slow() -> tuple[HealthRow, ...]:
        count.append(1)
        held.wait(60)
        return (WELL,)

    async with driven(scenes.calm()) as console:
        machine = looks(console, slow)
        await console.press("H")
        assert await console.shows("being looked at")
        await console.press("enter", "j", "k")
        await console.pull()
        assert await console.shows("answers; market open"), "the trader's rows are there at once"
        await console.press("q")
        assert isinstance(console.app.screen, Dashboard)
        await console.press("H", "enter")
        assert count == [1]
        held.set()
        assert "Thu Nov 20: session until 16:00" in await looked(console, machine)
        held.clear()
        await console.press("enter")
        await console.press("q")
        held.set()
        await looked(console, machine)
        assert isinstance(console.app.screen, Dashboard), "a look that ends after its page changes nothing"


async def test_a_look_that_fails_is_a_row() -> None:
    def fails() -> tuple[HealthRow, ...]:
        raise OSError("no such thing")

    async with driven(scenes.calm()) as console:
        machine = looks(console, fails)
        await console.press("H")
        assert "✖ FAIL machine" in await looked(console, machine)


async def test_a_closed_page_looks_at_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("senex_tui.console.screens.health.EVERY_S", 0.05)
    count: list[int] = []
    async with driven(scenes.calm()) as console:
        machine = looks(console, lambda: (count.append(1), (WELL,))[1])
        await console.press("H")
        while len(count) < 3:
            await console.pilot.pause(0.05)
        await console.press("question_mark")
        await looked(console, machine)
        seen = len(count)
        await console.pilot.pause(0.3)
        assert len(count) <= seen + 1, "under help nobody sees it"
        await console.press("q", "q")
        await looked(console, machine)
        seen = len(count)
        await console.pilot.pause(0.3)
        assert len(count) == seen


async def test_a_replay_and_a_watcher_say_what_they_can_tell() -> None:
    recorded = scenes.calm()
    async with driven(replace(recorded, status=parts.status(mode=Mode.REPLAY))) as console:
        await console.press("H")
        assert await console.shows("a replay looks at no machine")
        assert "as recorded" in console.text
        await console.press("enter")
        assert console.toasts[-1] == "a replay looks at no machine"
    lost = replace(
        recorded.status,
        watching=Watching.READ_ONLY,
        engine=EngineState.UNSEEN,
        redis=PartHealth(Health.TROUBLE, "no trader"),
    )
    async with driven(replace(recorded, status=lost)) as console:
        machine = looks(console, lambda: (WELL,))
        await console.press("H")
        text = await looked(console, machine)
        assert "▲ WARN link" in text
        assert "no trader" in text
        assert "as said last" in text
        assert "session until 16:00" in text
        console.engine.current = replace(console.engine.current, health=())
        await console.pull()
        assert await console.shows("not known: no engine has said anything yet")
        assert isinstance(console.app.screen, HealthPage)
