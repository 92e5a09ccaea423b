"""What an operator asks about closing orders in the console: c, u, enter, the offer to cancel what rests, and exits
switched on in live (rules 15)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D
from pathlib import Path

import pytest

from core.domain.operation.commands import CommandKind
from core.domain.orders.order_states import OrderState
from core.domain.positions.units import UnitName
from core.snapshot import EngineState, ExitsView, ExitView, Mode, Snapshot
from senex_tui.console.screens.account import AccountPage
from senex_tui.console.screens.dialogs import Question, TypedQuestion
from senex_tui.console.screens.entries import Choice, OrderIdQuestion, UnknownOrder
from senex_tui.console.screens.entry import EntryPage
from senex_tui.console.screens.orders import OrdersPage
from senex_tui.console.screens.trident import ExitPage, TridentPage
from tests.support.console import parts, scenes
from tests.support.console.driver import Driven, driven
from tests.support.console.exit_views import EXITS, UNKNOWN, WORKS, held
from tests.support.console.recorded import recorded
from tests.support.console.scenes import FixedEngine
from tests.support.exit_samples import exit_of, filled, sent
from tests.support.record_samples import DAY, after
from widgets.exit_order import ExitOrderPanel

PLANS = (
    "target of put-1 at 0.73 debit, GTC: Buy to Close 1 622P, Sell to Close 1 617P",
    "target of call at 1.02 debit, GTC: Buy to Close 1 622C, Sell to Close 1 627C",
)


def live(*, held_too: bool = True) -> Snapshot:
    """An account of real money whose exits are off, with what they would send now."""
    shown = scenes.reached()
    first = parts.account()
    exits = replace(EXITS, sends_targets=PLANS, sends_all=(*PLANS, "time exit of all"), resting=())
    view = parts.position(account=first.account, exits=exits)
    positions = parts.holding(view).positions if held_too else shown.positions
    status = replace(shown.status, mode=Mode.LIVE, exits=ExitsView("blocked", "exits are off for this account"))
    return replace(shown, status=status, accounts=(first,), positions=positions)


def words(console: Driven) -> str:
    return " ".join(console.text.replace("┃", " ").split())


async def change(console: Driven, setting: str, *keys: str) -> None:
    """Opens the page of the first account, chooses a setting and presses the keys."""
    await console.press("A", "enter")
    page = console.app.screen
    assert isinstance(page, AccountPage)
    page.list.choose_key(setting)
    await console.press(*keys)
    await console.pilot.pause()


async def at_the_chosen(console: Driven, *keys: str) -> None:
    """Opens the orders and presses the keys: the unknown closing order is the first row, the working one the second."""
    await console.press("o")
    await console.pilot.pause()
    await console.press(*keys)
    await console.pilot.pause()


async def test_c_cancels_the_chosen_closing_order() -> None:
    async with driven(held(), size=(100, 30)) as console:
        await at_the_chosen(console, "g", "j", "c")
        assert isinstance(console.app.screen, Question)
        for told in ("target of put-2", "order 72 0.48 debit", "No target that is cancelled here is placed again"):
            assert told in words(console), told
        await console.press("enter")
        assert console.engine.sent == []
        await console.press("y")
        assert (console.engine.sent, console.engine.about) == ([CommandKind.CANCEL], [("x8", "")])


async def test_in_live_a_closing_order_is_cancelled_by_the_typed_word_while_it_works() -> None:
    shown = held(mode=Mode.LIVE)
    async with driven(shown, size=(100, 30)) as console:
        await at_the_chosen(console, "g", "j", "c")
        assert isinstance(console.app.screen, TypedQuestion)
        await console.press(*"cancel")
        console.engine.current = replace(shown, exits=(UNKNOWN, replace(WORKS, state="filled", told="FILLED 0.48")))
        await console.press("enter")
        assert console.engine.sent == []
        assert "The order is FILLED 0.48. There is nothing left to be cancelled." in console.toasts[-1]


async def test_without_an_entry_that_works_c_means_the_closing_orders() -> None:
    two = (WORKS, replace(WORKS, exit_id="x7", order_id="73", name="target of call"))
    async with driven(replace(held(), orders=(), exits=two), size=(100, 30)) as console:
        await console.press("c")
        assert isinstance(console.app.screen, Choice)
        await console.press("2", "y")
        assert console.engine.about == [("x7", "")]
    async with driven(replace(held(), orders=(), exits=(WORKS,)), size=(100, 30)) as console:
        await console.press("c", "y")
        assert console.engine.about == [("x8", "")]


@pytest.mark.parametrize(
    ("key", "one", "title"),
    [("c", WORKS, "Cancel which closing order?"), ("u", UNKNOWN, "Decide on which closing order?")],
)
async def test_on_an_entry_that_is_over_no_key_means_a_closing_order(key: str, one: ExitView, title: str) -> None:
    """Neither in the list, where its row is chosen, nor on its own page."""
    entry = parts.filled_order()
    async with driven(replace(held(), orders=(entry,), exits=(one,)), size=(100, 30)) as console:
        await console.press("o")
        await console.pilot.pause()
        assert isinstance(console.app.screen, OrdersPage)
        console.app.screen.list.choose_key(entry.entry_id)
        said = f"{title} Not the chosen one; choose {one.name} of {one.account}"
        for page, told in ((OrdersPage, said), (EntryPage, f"{said}  (x2)")):
            assert isinstance(console.app.screen, page)
            await console.press(key)
            await console.pilot.pause()
            assert not console.app.is_asking
            assert console.toasts[-1] == told
            if page is OrdersPage:
                await console.press("enter")


async def test_u_decides_on_an_unknown_closing_order() -> None:
    async with driven(held(), size=(100, 34)) as console:
        await at_the_chosen(console, "g", "j", "u")
        assert console.engine.sent == []
        assert console.toasts[-1].startswith("Decide on which closing order? Not the chosen one, which is WORKING 0.48")
        await console.press("k", "u")
        assert isinstance(console.app.screen, UnknownOrder)
        assert "UNKNOWN closing order" in console.text
        await console.press("a", *"absent", "enter")
        await console.press("u", "o")
        assert isinstance(console.app.screen, OrderIdQuestion)
        await console.press(*"991", "enter")
        assert console.engine.sent == [CommandKind.ATTEST] * 2
        assert console.engine.about == [("x9", "absent"), ("x9", "991")]


async def test_enter_on_a_closing_order_tells_its_trident_whole_and_c_means_that_order_there(tmp_path: Path) -> None:
    async with recorded(tmp_path) as records:
        await filled(records)
        stored = await sent(records, exit_of([UnitName.PUT_1], "x1"), "71")
        [trident] = await records.tridents.held()
        row = replace(WORKS, exit_id=stored.id, trident_id=trident.id, order_id="71", name="target of put-1")
        shown = replace(held(), exits=(row,), positions=parts.holding(parts.position(entry_id=trident.id)).positions)
        async with driven(engine=FixedEngine(shown, records=records), size=(120, 60)) as console:
            await at_the_chosen(console, "g", "enter")
            await console.answered()
            assert isinstance(console.app.screen, ExitPage)
            for told in ("Closing order: target of put-1", "its way to its end", "target of put-1 at", "units"):
                assert await console.shows(told), told
            await console.press("c", "y")
            assert console.engine.about == [(stored.id, "")]
            await console.press("q", "t", "enter")
            await console.answered()
            assert type(console.app.screen) is TridentPage
            assert await console.shows("its way to its end")


async def test_a_hold_offers_to_cancel_what_rests() -> None:
    async with driven(held(), size=(72, 40)) as console:
        await console.press("X")
        assert console.engine.about == [("", "hold")], "it is held before anything is asked"
        assert isinstance(console.app.screen, Question)
        assert "72 target of put-2 at 0.48, …0001" in words(console)
        await console.press("y")
        assert console.engine.about == [("", "hold"), ("", "cancel")]
    async with driven(replace(held(), exits=()), size=(72, 40)) as console:
        await console.press("X")
        assert not console.app.is_asking


async def test_quitting_offers_to_cancel_first_what_goes_on_without_the_console() -> None:
    async with driven(held(), size=(72, 40)) as console:
        await console.press("q")
        assert "2 closing orders rest at the broker (72, 73) and go on without a console" in words(console)
        assert "c to cancel the closing orders first" in words(console)
        await console.press("c")
        await console.pilot.pause()
        assert "72 target of put-2 at 0.48, …0001" in words(console)
        await console.press("y")
        assert console.engine.about == [("", "cancel")]
        assert not console.app.quitting.leaving
    async with driven(size=(72, 40)) as console:
        await console.press("q")
        assert "c to cancel" not in words(console)
        await console.press("c")
        assert console.app.is_asking, "there is nothing to cancel"
        await console.press("y")
        assert console.app.quitting.leaving


async def test_live_exits_are_switched_on_by_typed_words_with_every_order_in_sight() -> None:
    async with driven(live(), size=(120, 44)) as console:
        await change(console, "exits", "enter", *"all", "enter")
        assert isinstance(console.app.screen, TypedQuestion)
        text = words(console)
        for told in (*PLANS, "time exit of all", "mode LIVE", "profit targets and time exits"):
            assert told in text, told
        await console.press(*"all", "enter")
        assert console.engine.sent == []
        await console.press(*["backspace"] * 3, *"EXITS", "space", *"0001", "enter")
        assert console.engine.sent == [CommandKind.SET_ACCOUNT]
        assert console.engine.about == [("0001", "exits all EXITS 0001")]


async def test_with_targets_alone_no_time_exit_is_listed_and_without_a_trident_the_first_set_waits() -> None:
    async with driven(live(), size=(120, 44)) as console:
        await change(console, "exits", "enter", *"targets", "enter")
        await console.pilot.pause()
        assert PLANS[0] in words(console)
        assert "time exit of all" not in words(console)
    async with driven(live(held_too=False), size=(120, 44)) as console:
        await change(console, "exits", "enter", *"all", "enter")
        await console.pilot.pause()
        assert "no trident is held: the first targets wait until exits are held and go on again" in words(console)


async def test_switching_exits_off_is_sent_at_once_and_offers_to_cancel_what_rests_of_that_account() -> None:
    other = replace(WORKS, exit_id="x7", order_id="99", account="…0002")
    shown = replace(scenes.reached(), exits=(WORKS, other), status=held().status)
    async with driven(shown, size=(120, 44)) as console:
        await change(console, "exits", "enter", *"off", "enter")
        await console.pilot.pause()
        assert console.engine.about == [("0001", "exits off")]
        assert isinstance(console.app.screen, Question)
        assert "1 closing order of …0001 at the broker" in words(console)
        assert "99" not in words(console).split("Cancel what rests")[1].split("mode")[0]
        await console.press("y")
        assert console.engine.about == [("0001", "exits off"), ("0001", "cancel")]


async def test_before_exits_go_on_the_question_lists_what_is_sent_at_once() -> None:
    shown = held("held", "by anna")
    [view] = shown.positions.open
    ready = replace(view, exits=replace(EXITS, sends_all=PLANS, sends_targets=PLANS))
    async with driven(replace(shown, positions=replace(shown.positions, open=(ready,))), size=(72, 40)) as console:
        await console.press("X")
        await console.pilot.pause()
        assert all(plan in words(console) for plan in PLANS)


async def test_the_tridents_page_tells_what_was_realized_before_and_after_fees() -> None:
    exits = replace(EXITS, realized_net=D("43.12"), net_estimated=True)
    async with driven(parts.holding(parts.position(exits=exits)), size=(120, 40)) as console:
        await console.press("t")
        await console.pilot.pause()
        assert "gross +48.00 $ realized ~+43.12 $" in words(console)


async def test_closing_orders_that_ended_today_stand_below_those_that_work_and_no_key_means_another(
    tmp_path: Path,
) -> None:
    """The snapshot has only those that hold units; the records tell of the others, the newest end first."""
    async with recorded(tmp_path) as records:
        await filled(records)
        for name, exit_id, order_id in ((UnitName.PUT_1, "x1", "71"), (UnitName.CALL, "x3", "73")):
            await sent(records, exit_of([name], exit_id), order_id)
        await sent(records, exit_of([UnitName.PUT_2], "x2"), None)
        await records.exits.become("x1", OrderState.FILLED, at=after(30))
        await records.exits.become("x2", OrderState.NOT_SENT, at=after(40), detail="the market closed for 5WT00001")
        await records.exits.become("x3", OrderState.FILLED, at=after(-86_400))
        shown = replace(held(), day=DAY, orders=())
        engine = FixedEngine(shown, records=records)
        async with driven(engine=engine, size=(190, 40)) as console:
            await console.press("o")
            await console.answered()
            page = console.app.screen
            assert isinstance(page, OrdersPage)
            assert [row.cells[0][0] for row in page.list.rows] == ["UNKNOWN", "WORKING", "NOT SENT", "FILLED", "FILLED"]
            assert [row.key for row in page.list.rows] == ["x9", "x8", "x2", "x1", "one"]
            assert "NOT SENT: the market closed for …0001" in words(console)
            page.list.choose_key("x1")
            await console.press("c")
            assert console.toasts[-1].startswith("Cancel which closing order? Not the chosen one, which is FILLED")
            await console.press("enter")
            assert isinstance(console.app.screen, ExitPage)
            await console.press("c", "u")
            assert console.toasts[-1].startswith("Decide on which closing order? Not the chosen one, which is FILLED")
            assert console.engine.sent == []
            await console.press("escape")
            engine.current = replace(shown, exits=(UNKNOWN,))
            await records.exits.become("x3", OrderState.INCIDENT, at=after(50))
            await console.pull()
            await console.answered()
            assert [row.key for row in page.list.rows] == ["x9", "x3", "x2", "x1", "one"], "read again as one has left"


@pytest.mark.parametrize(
    ("state", "detail", "word"),
    [(OrderState.FILLED, "", "FILLED"), (OrderState.NOT_SENT, "the market closed for 5WT00001", "NOT SENT")],
)
async def test_the_page_of_a_closing_order_tells_how_it_ended(
    tmp_path: Path, state: OrderState, detail: str, word: str
) -> None:
    """Also when nobody could be asked at first: it asks again once the engine runs."""
    async with recorded(tmp_path) as records:
        await filled(records)
        stored = await sent(records, exit_of([UnitName.PUT_1], "x1"), "71" if state is OrderState.FILLED else None)
        works = replace(WORKS, exit_id=stored.id, trident_id=stored.trident_id, order_id="71")
        shown = replace(held(), day=DAY, orders=(), exits=(works,))
        engine = FixedEngine(shown, records=records)
        async with driven(engine=engine, size=(120, 60)) as console:
            await console.app.push_screen(ExitPage(works))
            await console.answered()

            def panel() -> str:
                return " ".join(console.app.screen.query_one(ExitOrderPanel).whole.split())

            assert "WORKING 0.48, 0 of 2 filled" in panel()
            await records.exits.become(stored.id, state, at=after(30), detail=detail)
            engine.current = replace(shown, exits=(), status=replace(shown.status, engine=EngineState.STOPPED))
            engine.records = None
            await console.pull()
            await console.answered()
            assert "how it stands now is not read: the engine is not running" in panel()
            engine.records = records
            engine.current = replace(shown, exits=())
            await console.pull()
            await console.answered()
            assert "WORKING" not in panel()
            assert word in panel()
            assert "5WT00001" not in panel()
            await console.press("c")
            assert not console.app.is_asking
