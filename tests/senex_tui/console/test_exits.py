"""Exits on the screen: the word in the status bar, the rows of a trident, the closing orders, the keys X and x (rules
15)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from textual.screen import Screen

from core.domain.operation.commands import CommandKind
from core.snapshot import Mode
from core.snapshot.codec import decode, encode
from senex_tui.console.actions.exits import wrong_words
from senex_tui.console.screens.dialogs import TypedQuestion
from senex_tui.console.screens.entry import EntryPage
from senex_tui.console.screens.list_page import ListPage
from senex_tui.console.screens.trident import ExitPage, TridentPage
from senex_tui.run.plain import StatusChanges, staying_line
from tests.support.console import parts, scenes
from tests.support.console.driver import Driven, driven
from tests.support.console.exit_views import EXITS, WORKS, held
from tests.support.console.parts import holding, near


def words(console: Driven) -> str:
    """The words of an open dialog, without what stands beside it, else those of the screen."""
    rows = console.text.splitlines()
    boxed = [row.split("┃")[1] for row in rows if row.count("┃") > 1]
    return " ".join(" ".join(boxed or rows).split())


def test_what_is_shown_of_exits_survives_its_text_form_and_is_none_in_older_ones() -> None:
    assert decode(encode(held())) == held()
    calm = scenes.calm()
    assert (calm.status.exits, calm.exits) == (None, ())


async def test_the_status_bar_and_the_tridents_page_tell_how_each_is_taken_to_its_end() -> None:
    async with driven(held("blocked", "the file HALT-ALL halts all entries and exits"), size=(200, 50)) as console:
        assert "exits BLOCKED" in console.text
        await console.press("t")
        await console.pilot.pause()
        text = words(console)
        for told in (
            "put-1 closed at 0.72 on Wed 3 Dec by a target",
            "call whole, target at 1.02 (order 73)",
            "TARGETS RESTING",
            "gross +48.00 $",
            "worst case +38.00 $",
            "next: time exit Fri 12 Dec 10:00",
        ):
            assert told in text, told


async def test_the_orders_page_lists_closing_orders_the_unknown_first() -> None:
    async with driven(held(), size=(140, 40)) as console:
        await console.press("o")
        await console.pilot.pause()
        text = words(console)
        assert text.index("UNKNOWN …0001 QQQ target of call") < text.index("WORKING …0001 QQQ target of put-2")


async def test_X_holds_at_once_and_asks_before_exits_go_on() -> None:
    async with driven(held(), size=(100, 30)) as console:
        await console.press("X")
        assert (console.engine.sent, console.engine.about) == ([CommandKind.EXITS], [("", "hold")])
    async with driven(held("held", "by anna"), size=(100, 30)) as console:
        await console.press("X")
        assert console.engine.sent == []
        assert "2 closing orders rest at the broker (72, 73) and stay" in words(console)
        await console.press("y")
        assert (console.engine.sent, console.engine.about) == ([CommandKind.EXITS], [("", "on")])


async def test_what_was_not_cancelled_with_the_hold_is_cancelled_while_held() -> None:
    """The question after the hold says how, and the same key offers it again."""
    async with driven(held(), size=(100, 40)) as console:
        await console.press("X")
        await console.pilot.pause()
        assert "With n they stay; `senex exits cancel` cancels them later" in words(console)
    async with driven(held("held", "by anna"), size=(100, 40)) as console:
        await console.press("X")
        assert "Let exits go on? y/n, or c to cancel what rests" in words(console)
        await console.press("c")
        await console.pilot.pause()
        assert "With n they stay; X and c, or `senex exits cancel` cancels them later" in words(console)
        assert console.engine.sent == []
        await console.press("y")
        assert (console.engine.sent, console.engine.about) == ([CommandKind.EXITS], [("", "cancel")])


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)], ids=lambda s: f"{s[0]}x{s[1]}")
async def test_the_warnings_of_a_cancel_are_in_sight_at_once_however_many_orders_rest(size: tuple[int, int]) -> None:
    many = tuple(replace(WORKS, exit_id=f"x{number}", order_id=str(100 + number)) for number in range(27))
    shown = replace(held("held", "by anna"), exits=many)
    async with driven(shown, size=size) as console:
        await console.press("X", "c")
        await console.pilot.pause()
        text = words(console)
        for told in (
            "No target that is cancelled here is placed again",
            "`senex retarget` neither",
            "With n they stay",
        ):
            assert told in text, told


async def test_x_asks_for_a_limit_or_a_walk_with_the_facts() -> None:
    async with driven(held(), size=(100, 40)) as console:
        await console.press("x")
        await console.pilot.pause()
        text = words(console)
        for told in ("Buy to Close 1 622P", "mid 2.45", "natural 2.62", "orders 72, 73", "walk, or a limit"):
            assert told in text, told
        await console.press(*"put-1", "space", *"market", "enter")
        assert console.engine.sent == []
        assert "was typed" in words(console)
        await console.press(*["backspace"] * 6, *"0.70", "enter")
        assert console.engine.sent == [CommandKind.CLOSE]
        assert console.engine.about == [(parts.position().entry_id, "unit=put-1 limit=0.7")]


async def test_the_close_first_says_which_trident_it_is() -> None:
    async with driven(held(), size=(100, 40)) as console:
        await console.press("x")
        await console.pilot.pause()
        view, text = parts.position(), words(console)
        which = f"trident {view.account} expires Jan 2, 43 days id {view.entry_id[:8]}"
        assert text.index(which) < text.index("put-1 closed at")


ELSEWHERE: dict[str, Callable[[], Screen[object]]] = {
    "a trident that has ended": lambda: TridentPage("gone"),
    "an entry that was cancelled": lambda: EntryPage(parts.order(entry_id="gone", state="cancelled")),
    "a closing order of an ended trident": lambda: ExitPage(replace(WORKS, exit_id="x1", trident_id="gone")),
}


@pytest.mark.parametrize("page", ELSEWHERE.values(), ids=ELSEWHERE.keys())
async def test_on_a_page_about_one_that_cannot_be_closed_x_means_no_other(page: Callable[[], Screen[object]]) -> None:
    view = parts.position()
    async with driven(held(), size=(100, 40)) as console:
        await console.app.push_screen(page())
        await console.press("x")
        await console.pilot.pause()
        assert not console.app.is_asking
        assert console.toasts[-1] == (
            "Close which trident? Not the chosen one, of which no unit can be closed; "
            f"choose {view.underlying} {view.strikes} of {view.account}"
        )


@pytest.mark.parametrize("key", ["t", "o"])
async def test_in_a_list_x_means_the_chosen_row_alone(key: str) -> None:
    """One of two tridents can be closed; each row means its own trident."""
    other = near(exits=None)
    works = replace(WORKS, exit_id="x7", trident_id=other.entry_id)
    shown = replace(held(), positions=holding(other, parts.position(exits=EXITS)).positions, exits=(WORKS, works))
    rows = {parts.position().entry_id: True, other.entry_id: False} if key == "t" else {"x8": True, "x7": False}
    async with driven(shown, size=(100, 40)) as console:
        await console.press(key)
        for row, asks in rows.items():
            page = console.app.screen
            assert isinstance(page, ListPage)
            page.list.choose_key(row)
            await console.press("x")
            await console.pilot.pause()
            assert console.app.is_asking is asks, row
            await console.press(*["escape"] * asks)
        assert console.toasts[-1].startswith("Close which trident? Not the chosen one")


async def test_in_live_a_close_is_typed() -> None:
    async with driven(held(mode=Mode.LIVE), size=(100, 40)) as console:
        await console.press("x")
        await console.pilot.pause()
        await console.press(*"walk", "enter")
        await console.pilot.pause()
        assert isinstance(console.app.screen, TypedQuestion)
        assert console.engine.sent == []
        await console.press(*"CLOSE", "enter")
        assert console.engine.about == [(parts.position().entry_id, "unit=all walk")]


async def test_without_a_trident_neither_key_does_or_tells_anything() -> None:
    async with driven(scenes.calm(), size=(100, 40)) as console:
        await console.press("X", "x")
        assert console.engine.sent == []
        await console.press("question_mark")
        await console.pilot.pause()
        assert "hold exits at once" not in words(console)
    async with driven(held(), size=(100, 60)) as console:
        await console.press("question_mark")
        await console.pilot.pause()
        assert "hold exits at once" in words(console)


async def test_the_quit_question_and_the_last_line_name_what_rests() -> None:
    left = "2 closing orders rest at the broker (72, 73) and go on without a console"
    async with driven(held(), size=(100, 40)) as console:
        await console.press("q")
        await console.pilot.pause()
        assert left in words(console)
    assert left in staying_line(held())
    assert staying_line(scenes.calm()) == ""
    assert any("exits held (by anna)" in line for line in StatusChanges().lines(held("held", "by anna")))


def test_what_is_typed_for_a_close_is_read_or_refused() -> None:
    assert wrong_words("walk") == wrong_words("puts 3.70") == wrong_words("0.05") == ""
    assert all("was typed" in wrong_words(typed) for typed in ("market", "put-3 walk", "all", "0.7 0.8", "call walk 1"))
