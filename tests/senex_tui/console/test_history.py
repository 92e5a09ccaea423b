"""The history's page over real records of a day: walked, filtered, asked, and opened into a cycle's story."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import fields, replace
from datetime import date
from pathlib import Path

import pytest

from core.records.records import Records
from core.records.search.history_rows import HistoryFilter
from senex_tui.console.screens import history
from senex_tui.console.screens.dashboard import Dashboard
from senex_tui.console.screens.history import HistoryPage, asked_for
from senex_tui.console.screens.story import StoryPage
from senex_tui.support.refusals import Refused
from tests.support.console import parts, scenes
from tests.support.console.driver import Driven, driven
from tests.support.console.scenes import FixedEngine
from widgets.base.list_panel import ListPanel

SCREENS = Path(__file__).parent / "screens"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, records_of: Callable[[str], Path]) -> Path:
    """An entry at 09:45, paused over 10:00, and forced in vain."""
    folder = tmp_path_factory.mktemp("records")
    shutil.copy(records_of("history"), folder)
    return folder


@asynccontextmanager
async def over(folder: Path, size: tuple[int, int] = (80, 24), state: Path | None = None) -> AsyncIterator[Driven]:
    records = await Records.open(f"sqlite+aiosqlite:///{folder / 'records.sqlite3'}", trader=False)
    try:
        engine = FixedEngine(scenes.SCENES["history"](), records=records)
        async with driven(engine=engine, size=size, state_folder=state) as console:
            yield console
    finally:
        await records.close()


async def settled(console: Driven) -> str:
    """Waits until every question has its answer, and returns the screen."""
    await console.app.workers.wait_for_complete()
    await console.pull()
    return console.text


def reviewed(console: Driven, name: str) -> None:
    file = SCREENS / f"{name}.txt"
    if os.environ.get("SENEX_WRITE_SCREENS"):
        file.write_text(console.text + "\n")
    assert console.text + "\n" == file.read_text()


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 55)], ids=lambda s: f"{s[0]}x{s[1]}")
async def test_the_pages_are_as_reviewed(data: Path, size: tuple[int, int]) -> None:
    async with over(data, size) as console:
        await console.press("h")
        await settled(console)
        reviewed(console, f"history-{size[0]}x{size[1]}")
        await console.press("G", "enter")
        await settled(console)
        reviewed(console, f"story-{size[0]}x{size[1]}")


async def test_in_a_narrow_terminal_what_something_came_to_is_readable(data: Path) -> None:
    """Of `why` seven cells were left."""
    async with over(data, (60, 20)) as console:
        await console.press("h")
        for kind in ("cycles", "attempts", "suggestions", "orders", "fills", "commands"):
            assert f"History  {kind}" in await settled(console)
            listing = console.app.screen.query_one(ListPanel).listing
            assert listing is not None
            assert listing.rows, kind
            title = listing.columns[-1].title[:4]
            [head] = [line for line in console.text.splitlines() if line.startswith("   ") and f"  {title}" in line]
            assert 59 - head.rindex(title) >= 20, (kind, head)
            await console.press("tab")
        await settled(console)
        assert "automation is paused" in console.text
        await console.pilot.resize_terminal(120, 40)
        await settled(console)
        assert "cycle  session" in console.text


async def test_every_kind_is_shown_in_turn(data: Path) -> None:
    async with over(data) as console:
        await console.press("h")
        for kind in ("cycles", "attempts", "suggestions", "orders", "fills", "commands", "cycles"):
            assert f"History  {kind}" in await settled(console)
            await console.press("tab")
        await console.press("shift+tab", "shift+tab")
        assert "commands" in await settled(console)
        await console.press("enter")
        assert "pause" in await settled(console), "a command has no cycle; it is told in full itself"


async def test_a_key_about_an_order_means_that_of_the_chosen_row_whatever_is_listed(data: Path) -> None:
    async with over(data, (100, 40)) as console:
        elsewhere = (parts.order(entry_id="works", cycle=99), parts.unknown_order(entry_id="unknown", cycle=99))
        console.engine.current = replace(console.engine.current, orders=elsewhere)
        await console.pull()
        await console.press("h")
        page = console.app.screen
        assert isinstance(page, HistoryPage)
        for _ in range(6):
            await settled(console)
            for key, said in (("c", "Cancel which"), ("u", "Decide on which")):
                await console.press(key)
                await console.pilot.pause()
                assert not console.app.is_asking, console.text
                assert console.toasts[-1].startswith(said)
            await console.press("tab")
        await settled(console)
        await console.press("G")
        cycle = page.meant.cycle
        assert cycle
        console.engine.current = replace(console.engine.current, orders=(parts.order(entry_id="works", cycle=cycle),))
        await console.pull()
        await console.press("c")
        await console.pilot.pause()
        assert console.app.is_asking, "an entry of the chosen cycle is meant"


async def test_words_are_filtered_here_and_named_ones_asked_of_the_records(data: Path) -> None:
    async with over(data) as console:
        await console.press("h")
        await settled(console)
        await console.press("slash", *"outcome:missed PAUSED", "enter")
        text = await settled(console)
        assert "outcome:missed" in text
        assert "10:00" in text
        assert "09:45" not in text
        await console.press("q")
        assert "outcome:missed" in await settled(console), "first the words are left"
        await console.press("q")
        assert "09:45" in await settled(console)
        await console.press("q")
        assert isinstance(console.app.screen, Dashboard)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("day:yesterday", "'day:yesterday' names no day; write it like day:2026-03-02"),
        ("reason:low_scor", "reason: 'low_scor' is not a reason's code; the nearest are low_score"),
        ("from:2026-03-03 to:2026-03-02", "from: 2026-03-03 is later than to: 2026-03-02"),
        ("outcome:lost", "outcome: 'lost' is none of"),
        ("account:", "account: has no value; write it right after the colon, like account:4021"),
        ("underlying:SPY", "underlying: 'SPY' is none of"),
    ],
)
async def test_what_cannot_be_asked_is_refused_in_words_and_nothing_is_lost(data: Path, typed: str, said: str) -> None:
    async with over(data) as console:
        await console.press("h")
        await settled(console)
        await console.press("slash", *typed, "enter")
        assert said in console.toasts[-1]
        assert "09:45" in await settled(console)
        assert isinstance(console.app.screen, HistoryPage)


async def test_an_unknown_account_is_said_in_the_list(data: Path) -> None:
    async with over(data) as console:
        await console.press("h")
        await settled(console)
        await console.press("slash", *"account:9999", "enter")
        assert "names no known account" in await settled(console)


async def test_pages_come_as_the_list_is_walked_down(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "PAGE", 1)
    monkeypatch.setattr(history, "NEAR_THE_END", 1)
    async with over(data) as console:
        await console.press("h")
        await settled(console)
        page = console.app.screen
        assert isinstance(page, HistoryPage)
        for _ in range(3):
            await console.press("G")
            await settled(console)
        keys = [row.key for row in page.list.rows]
        assert len(keys) == len(set(keys)) > 1
        assert "09:45" in console.text


async def test_cycles_that_end_meanwhile_are_added_on_top_and_the_chosen_row_stays(data: Path) -> None:
    async with over(data) as console:
        await console.press("h")
        await settled(console)
        await console.press("G")
        page = console.app.screen
        assert isinstance(page, HistoryPage)
        chosen = page.list.chosen
        ended = console.engine.current.cycle
        assert ended is not None
        console.engine.current = replace(console.engine.current, cycle=replace(ended, newest=ended.newest + 1))
        await console.pull()
        await settled(console)
        assert page.list.chosen == chosen


async def test_a_story_folds_walks_copies_and_exports(data: Path, tmp_path: Path) -> None:
    async with over(data, (80, 40), tmp_path) as console:
        await console.press("h")
        await settled(console)
        await console.press("G", "enter")
        text = await settled(console)
        page = console.app.screen
        assert isinstance(page, StoryPage)
        for told in ("Cycle 1, slot 09:45", "attempt 1, QQQ", "start", "score"):
            assert told in page.panel.whole
        await console.press("enter")
        folded = await settled(console)
        assert "lines, enter opens" in folded
        assert page.panel.whole.count("\n") > 30, "what is folded is still copied"
        await console.press("enter")
        assert await settled(console) == text
        await console.press("n", "n", "N", "y", "e")
        await settled(console)
        (file,) = (tmp_path / "exports").iterdir()
        assert file.name.startswith("cycle-1-")
        assert file.read_text() == (tmp_path / "clip.txt").read_text()
        assert "5WT00001" not in file.read_text(), "account numbers are masked"
        await console.press("q", "q")
        assert isinstance(console.app.screen, Dashboard)


async def test_words_are_found_in_a_story_also_in_what_is_folded(data: Path) -> None:
    async with over(data, (80, 24)) as console:
        await console.press("h")
        await settled(console)
        await console.press("G", "enter")
        await settled(console)
        page = console.app.screen
        assert isinstance(page, StoryPage)
        page.panel.fold()
        await console.press("slash", *"risk", "enter")
        text = await settled(console)
        found = re.search(r"/risk 1 of (\d+)", text)
        assert found is not None, text
        hits = int(found[1])
        assert hits > 1
        await console.press("n")
        assert f"2 of {hits}" in await settled(console)
        rows = [list(page.panel.render_line(y)) for y in range(page.panel.content_size.height)]
        assert any(part.style and part.style.reverse for row in rows for part in row), "the place is in sight"
        await console.press("N", "N")
        assert f"{hits} of {hits}" in await settled(console), "from the first to the last"
        await console.press("slash", *" nowhere", "enter")
        assert "not found" in await settled(console)
        await console.press("q")
        assert isinstance(console.app.screen, StoryPage), "the search ends first"
        assert "/risk" not in await settled(console)
        await console.press("q", "q")
        assert isinstance(console.app.screen, Dashboard)


async def test_the_story_of_a_running_cycle_is_read_again_with_its_steps(data: Path) -> None:
    async with over(data) as console:
        running = parts.cycle(number=1, running=True, newest=1)
        console.engine.current = replace(scenes.calm(), cycle=running)
        await console.pull()
        console.app.screen.query_one("#cycle").focus()
        await console.press("enter")
        await settled(console)
        page = console.app.screen
        assert isinstance(page, StoryPage)
        asked: list[int] = []
        look_up = console.engine.look_up
        console.engine.look_up = lambda question: (asked.append(1), look_up(question))[1]  # type: ignore[method-assign]
        console.engine.current = replace(scenes.calm(), cycle=replace(running, attempt=running.attempt + 1))
        await console.pull()
        await settled(console)
        console.engine.current = replace(
            scenes.calm(), cycle=replace(running, attempt=running.attempt + 1, elapsed_s=99)
        )
        await console.pull()
        await settled(console)
        assert asked == [1], "a second more is no step"


async def test_a_missed_slot_tells_why(data: Path) -> None:
    async with over(data) as console:
        await console.press("h")
        await settled(console)
        await console.press("slash", *"missed", "enter", "enter")
        assert "MISSED" in await settled(console)


async def test_without_an_engine_the_page_says_so() -> None:
    async with driven(size=(80, 24)) as console:
        await console.press("h")
        assert "there is nobody to ask: the engine is not running" in await settled(console)
        await console.press("q", "enter")
        assert "there is nobody to ask" in await settled(console)


async def test_without_a_cycle_there_is_no_story_to_open() -> None:
    async with driven(scenes.closed(), size=(80, 24)) as console:
        await console.press("enter")
        assert console.toasts == ["no cycle has run yet"]


async def test_records_that_fail_are_said_and_asked_again_on_return(data: Path) -> None:
    async with over(data) as console:
        assert console.engine.records is not None
        await console.engine.records.close()
        file = data / "records.sqlite3"
        away = file.rename(data / "away")
        try:
            await console.press("h")
            assert "the records did not answer" in " ".join((await settled(console)).split())
        finally:
            away.rename(file)


async def test_the_panel_in_focus_is_copied(tmp_path: Path) -> None:
    async with driven(size=(80, 24), state_folder=tmp_path) as console:
        await console.press("y")
        assert "choose a panel first" in console.toasts[-1]
        await console.press("1", "y")
        await console.pilot.pause()
        assert "WORKING" in (tmp_path / "clip.txt").read_text()


def test_every_field_of_the_filter_can_be_asked_for() -> None:
    assert {f.name for f in fields(HistoryFilter)} == {field for name, field in history._NAMED.items() if name != "day"}
    wanted = asked_for(
        "from:2026-03-02 to:2026-03-04 account:4021 outcome:failed reason:low_score underlying:qqq text:x y"
    )
    assert wanted == HistoryFilter(date(2026, 3, 2), date(2026, 3, 4), "4021", "failed", "low_score", "QQQ", "x")
    with pytest.raises(Refused):
        asked_for("day:2026-02-30")
