"""The dashboard tells the day as its records have it: what is known, and which cycle a panel is about."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from core.snapshot import OrderView, Reading, ReadingState, Snapshot
from core.snapshot.codec import decode, encode
from senex_tui.console.screens.orders import OrdersPage
from senex_tui.console.screens.story import StoryPage
from senex_tui.console.screens.trident import TridentPage
from tests.support.console import scenes
from tests.support.console.driver import driven

SINCE_FATES: dict[str, tuple[str, ...]] = {
    "": ("day", "next_steps", "overall", "reading"),
    "status": ("who", "since", "why", "start"),
    "cycle": ("day", "told", "accounts", "retry_in_s"),
    "spread": ("cycle", "account", "fate"),
    "schedule": ("told", "cycle"),
    "attempts": ("account", "day", "traded"),
    "orders": ("fate", "day", "cycle", "settling"),
}
"""The fields that a recording has only since fates are told, by slice."""


def as_recorded_before(shown: Snapshot) -> Snapshot:
    """The snapshot as a recording from before fates has it."""
    whole: dict[str, Any] = json.loads(encode(shown))["snapshot"]
    for name, fields in SINCE_FATES.items():
        found = whole if not name else whole[name]
        for each in found if isinstance(found, list) else [found]:
            for field in fields if each is not None else ():
                del each[field]
    for leg in [] if whole["spread"] is None else whole["spread"]["legs"]:
        del leg["crossed"]
    return decode(json.dumps({"version": 2, "snapshot": whole}).encode())


@pytest.mark.parametrize(("panel", "cycle"), [("2", 3), ("6", 3), ("cycle", 3)])
async def test_enter_opens_the_story_of_the_cycle_that_the_panel_shows(panel: str, cycle: int) -> None:
    async with driven(scenes.followed(), size=(80, 24)) as console:
        asked: list[int] = []
        look_up = console.engine.look_up

        def noted(question: Any) -> Any:
            asked.append(question.keywords["cycle"])
            return look_up(question)

        console.engine.look_up = noted  # type: ignore[method-assign]
        if panel == "cycle":
            console.app.screen.query_one("#cycle").focus()
        else:
            await console.press(panel)
        await console.press("enter")
        await console.answered()
        assert isinstance(console.app.screen, StoryPage)
        assert asked == [cycle]


async def test_enter_on_the_position_opens_the_story_of_its_trident() -> None:
    shown = scenes.SCENES["targets"]()
    newest, older = sorted(shown.positions.open, key=lambda view: view.newest_first)
    async with driven(shown, size=(80, 24)) as console:
        asked: list[str] = []
        look_up = console.engine.look_up

        def noted(question: Any) -> Any:
            asked.append(question.keywords["trident_id"])
            return look_up(question)

        console.engine.look_up = noted  # type: ignore[method-assign]
        for keys in (("1", "enter"), ("q", "right_square_bracket", "1", "enter")):
            await console.press(*keys)
            await console.answered()
            assert isinstance(console.app.screen, TridentPage)
        assert asked == [newest.entry_id, older.entry_id]


async def test_close_means_the_trident_that_is_looked_at_and_asks_which_of_several_else() -> None:
    shown = scenes.SCENES["targets"]()
    older = max(shown.positions.open, key=lambda view: view.newest_first)
    async with driven(shown) as console:
        await console.press("x")
        assert "Close which trident?" in console.text
        await console.press("escape", "right_square_bracket", "x")
        assert f"Close {older.underlying} {older.strikes}" in console.text


@pytest.mark.parametrize("size", [(120, 40), (200, 55)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_with_one_attempt_its_panel_gives_its_room_away_until_its_key_is_pressed(size: tuple[int, int]) -> None:
    async with driven(scenes.SCENES["targets"](), size=size) as console:
        panels = {name: console.app.screen.query_one(f"#{name}") for name in ("attempts", "spread", "judgement")}
        assert not panels["attempts"].display
        if size[0] < 170:
            assert panels["spread"].size.height > 1.5 * panels["judgement"].size.height
        await console.press("2")
        await console.pilot.pause()
        assert panels["attempts"].display
        await console.press("3")
        await console.pilot.pause()
        assert not panels["attempts"].display
        console.engine.current = scenes.retrying()
        await console.pull()
        await console.pilot.pause()
        assert panels["attempts"].display, "there is more than one"


async def test_enter_on_the_orders_opens_the_orders() -> None:
    async with driven(scenes.filled(), size=(80, 24)) as console:
        await console.press("3", "enter")
        assert isinstance(console.app.screen, OrdersPage)


async def test_a_panel_says_that_there_is_nothing_only_when_that_is_known() -> None:
    unread = replace(scenes.closed(), schedule=(), messages=(), reading=Reading())
    async with driven(unread, size=(200, 55)) as console:
        await console.press("2")  # without an attempt its panel gives its room away
        await console.pilot.pause()
        assert console.text.count("reading today's records") == 7
        for sentence in ("no order", "no slot", "no attempt yet", "no cycle yet", "no spread priced", "no underlying"):
            assert sentence not in console.text.replace("no slot is left", "")
        read = Reading(ReadingState.KNOWN, unread.status.now)
        console.engine.current = replace(unread, reading=read)
        await console.pull()
        assert "reading today's records" not in console.text
        for sentence in ("no order today", "no slot today", "no cycle yet today"):
            assert sentence in console.text
        failed = replace(read, state=ReadingState.OLD, why="the store does not answer")
        console.engine.current = replace(unread, reading=failed)
        await console.pull()
        assert console.text.count("as of 18:00:41") >= 6
        assert "OLD: today's records are as of 18:00:41: the store does not answer" in console.text


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 55)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_recording_from_before_fates_is_shown_with_what_it_has(size: tuple[int, int]) -> None:
    """Every scene, as an older recording has it: no panel fails, none says that it still reads."""
    names = [name for name in scenes.SCENES if name != "starting"]
    async with driven(as_recorded_before(scenes.calm()), size=size) as console:
        for name in names:
            old = as_recorded_before(scenes.SCENES[name]())
            assert (old.overall, old.day) == (None, None)
            console.engine.current = old
            await console.pull()
            text = console.text
            assert "panel error" not in text, name
            assert "reading today's records" not in text, name
            assert old.status.now is not None
            assert " in " not in text.splitlines()[0], "nothing is counted down without a next step"
            newest: OrderView | None = max(old.orders, key=lambda order: order.at, default=None)
            if newest is not None and size == (200, 55):
                assert newest.state.upper() in text, name
