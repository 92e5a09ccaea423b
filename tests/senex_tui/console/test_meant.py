"""No key about orders or tridents means anything but what the page in front shows (keys c, u, r and x)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from textual.screen import Screen

from core.snapshot import Reentry, Snapshot
from senex_tui.console.screens.account import AccountPage
from senex_tui.console.screens.dialogs import Question
from senex_tui.console.screens.entries import Choice
from senex_tui.console.screens.entry import EntryPage
from senex_tui.console.screens.orders import OrdersPage
from senex_tui.console.screens.page import AboutAnEntry
from senex_tui.console.screens.positions import PositionsPage
from senex_tui.console.screens.story import StoryPage
from senex_tui.console.screens.trident import ExitPage, TridentPage
from tests.support.console import parts
from tests.support.console.driver import driven
from tests.support.console.exit_views import EXITS, UNKNOWN, WORKS, held
from widgets.banner import Banner
from widgets.base.list_panel import ListPanel
from widgets.order_list import order_listing

OTHERS = "…9999"
SHOWN = "shown"


def everything_elsewhere() -> Snapshot:
    """Entries and closing orders in every state that a key is for, all of another account, cycle and trident."""
    entries = (
        parts.order(entry_id="e-works", account=OTHERS, cycle=99),
        parts.unknown_order(entry_id="e-unknown", account=OTHERS, cycle=99),
        parts.order(entry_id="e-cancelled", account=OTHERS, cycle=99, state="cancelled", reentry=Reentry.CLOSED),
    )
    exits = tuple(replace(one, trident_id="elsewhere", account=OTHERS) for one in (WORKS, UNKNOWN))
    view = parts.position(entry_id="elsewhere", account=OTHERS, exits=EXITS)
    return replace(held(), orders=entries, exits=exits, positions=parts.holding(view).positions)


PAGES: dict[str, Callable[[], Screen[object]]] = {
    "a trident": lambda: TridentPage(SHOWN),
    "an entry": lambda: EntryPage(parts.order(entry_id=SHOWN, state="filled")),
    "a closing order": lambda: ExitPage(replace(WORKS, exit_id="x1", trident_id=SHOWN, state="filled")),
    "an account": lambda: AccountPage(parts.account()),
    "a cycle": lambda: StoryPage.of_cycle(7),
}
SAID = {"c": "Cancel which ", "u": "Decide on which ", "r": "Allow re-entry after which ", "x": "Close which "}
ABOUT_NO_TRIDENT = {"a cycle"}
"""Pages on which x asks about any trident: they show none."""


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())
async def test_a_key_on_a_page_asks_about_nothing_that_the_page_does_not_show(
    page: Callable[[], Screen[object]], request: pytest.FixtureRequest
) -> None:
    shown = everything_elsewhere()
    assert parts.account().account != OTHERS
    keys = ("c", "u", "r") if request.node.callspec.id in ABOUT_NO_TRIDENT else ("c", "u", "r", "x")
    async with driven(shown, size=(100, 40)) as console:
        await console.app.push_screen(page())
        for key in keys:
            await console.press(key)
            await console.pilot.pause()
            assert not console.app.is_asking, f"{key}: {console.text}"
            assert console.toasts[-1].startswith(SAID[key]), f"{key} says nothing"
        assert console.engine.sent == []


@pytest.mark.parametrize("key", SAID)
async def test_on_the_page_of_an_account_that_another_is_shown_like_a_key_means_neither(key: str) -> None:
    """Orders and tridents name their account masked, and the mask of two is the same."""
    here = parts.account()
    shown = everything_elsewhere()
    shown = replace(
        shown,
        orders=tuple(replace(one, account=here.account) for one in shown.orders),
        exits=tuple(replace(one, account=here.account) for one in shown.exits),
        positions=parts.holding(parts.position(account=here.account, exits=EXITS)).positions,
    )
    alike = replace(here, target=f"9{here.target}")
    async with driven(shown, size=(100, 40)) as console:
        await console.app.push_screen(AccountPage(here))
        await console.press(key)
        await console.pilot.pause()
        assert console.app.is_asking, "while it is alone, the key asks"
    async with driven(replace(shown, accounts=(alike,)), size=(100, 40)) as console:
        await console.app.push_screen(AccountPage(alike))
        await console.press(key)
        await console.pilot.pause()
        assert not console.app.is_asking
        assert console.toasts[-1].startswith(SAID[key])
        assert f"Another account is shown as {here.account} too" in console.toasts[-1]
        assert console.engine.sent == []


async def test_on_the_page_of_a_trident_a_key_means_its_orders_and_of_several_it_asks_which() -> None:
    ours = replace(WORKS, exit_id="x1", trident_id=SHOWN, name="target of put-1")
    also = replace(WORKS, exit_id="x2", trident_id=SHOWN, name="target of call")
    elsewhere = everything_elsewhere()
    for exits, then in (((*elsewhere.exits, ours), ()), ((*elsewhere.exits, also, ours), ("2",))):
        async with driven(replace(elsewhere, exits=exits), size=(100, 40)) as console:
            await console.app.push_screen(TridentPage(SHOWN))
            await console.press("c")
            assert isinstance(console.app.screen, Choice if then else Question)
            await console.press(*then, "y")
            assert console.engine.about == [("x1", "")]


async def test_in_the_list_of_tridents_a_key_means_an_order_of_the_chosen_one() -> None:
    mine = parts.near(exits=EXITS)
    shown = replace(
        held(),
        orders=(),
        positions=parts.holding(mine, parts.position(exits=EXITS)).positions,
        exits=(WORKS, replace(WORKS, exit_id="x1", trident_id=mine.entry_id)),
    )
    async with driven(shown, size=(100, 40)) as console:
        await console.press("t")
        for trident, order in ((mine.entry_id, "x1"), (parts.position().entry_id, "x8")):
            page = console.app.screen
            assert isinstance(page, PositionsPage)
            page.list.choose_key(trident)
            await console.press("c", "y")
            await console.pilot.pause()
            assert console.engine.about[-1] == (order, "")


def test_a_page_about_an_order_means_that_one_whatever_else_it_is_made_of() -> None:
    def pages(of: type[AboutAnEntry]) -> set[type[AboutAnEntry]]:
        return {page for one in of.__subclasses__() for page in ({one} | pages(one))}

    assert {OrdersPage, EntryPage, ExitPage} <= pages(AboutAnEntry)
    for page in pages(AboutAnEntry):
        assert page.meant is AboutAnEntry.meant, page


async def test_a_list_whose_filter_keeps_no_row_means_nothing() -> None:
    async with driven(everything_elsewhere(), size=(100, 40)) as console:
        await console.press("o", "slash", *"nowhere", "enter", "c", "u", "x")
        await console.pilot.pause()
        assert not console.app.is_asking
        assert console.engine.sent == []


# What is chosen when a list opens, and how its rows name their trident


def test_the_first_row_stays_chosen_until_a_list_is_whole_or_a_row_is_chosen_by_hand() -> None:
    late = order_listing([parts.order(entry_id="late")], None)
    both = order_listing([parts.order(entry_id="late")], None, exits=[UNKNOWN])
    for by_hand in (False, True):
        panel = ListPanel()
        panel.show(late, is_whole=False)
        if by_hand:
            panel.action_choose(1)
        panel.show(both, is_whole=False)
        assert panel.chosen is not None
        assert panel.chosen.key == ("late" if by_hand else UNKNOWN.exit_id)
        panel.show(both)
        panel.show(order_listing([parts.order(entry_id="late")], None, exits=[UNKNOWN, replace(UNKNOWN, exit_id="xx")]))
        assert panel.chosen.key == ("late" if by_hand else UNKNOWN.exit_id), "once it is whole, no row moves the choice"


async def test_the_orders_open_at_what_asks_or_works_and_name_each_orders_trident() -> None:
    ended = replace(WORKS, exit_id="x0", state="filled", claims=False)
    orders = (parts.filled_order(), parts.order(entry_id="e9"))
    rows = order_listing(orders, None, exits=(ended, WORKS, UNKNOWN)).rows
    assert [row.key for row in rows] == ["x9", "e9", "x8", "x0", parts.filled_order().entry_id]
    trident = parts.position().entry_id[:8]
    async with driven(replace(held(), orders=orders), size=(60, 20)) as console:
        await console.press("o")
        page = console.app.screen
        assert isinstance(page, OrdersPage)
        assert page.list.chosen is not None
        assert page.list.chosen.key == "x9"
        [row] = [line for line in console.text.splitlines() if "target of put-2" in line]
        assert trident in row


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 55)], ids=str)
async def test_the_choice_of_a_close_and_the_page_of_tridents_name_one_by_the_same_id(size: tuple[int, int]) -> None:
    near = parts.near(exits=EXITS)
    views = (near, parts.position(exits=EXITS))
    async with driven(replace(held(), positions=parts.holding(*views).positions), size=size) as console:
        await console.press("x")
        assert isinstance(console.app.screen, Choice)
        for view in views:
            assert await console.shows(view.entry_id[:8])
        await console.press("escape", "t")
        page = console.app.screen
        assert isinstance(page, PositionsPage)
        for view in views:
            page.list.choose_key(view.entry_id)
            assert await console.shows(view.entry_id[:8])


async def test_a_banner_behind_a_dialog_is_not_shown_twice_and_comes_back() -> None:
    async with driven(everything_elsewhere(), size=(60, 20)) as console:
        banner = next(iter(console.app.screen.query(Banner)))
        last = banner.text.splitlines()[-1].strip()
        assert console.text.count(last) == 1
        await console.press("question_mark")
        await console.pull()
        assert console.text.count(last) <= 1
        await console.press("escape", "x")
        await console.pull()
        assert console.app.is_asking
        assert console.text.count(last) == 1
        await console.press("escape")
        await console.pilot.pause()
        assert console.text.count(last) == 1
        assert banner.visible
