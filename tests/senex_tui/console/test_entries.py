"""Cancelling, unknown entries and reconciling: facts first, an explicit answer, and the short way does nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.operation.amounts import credit
from core.domain.operation.commands import CommandKind, CommandState
from core.snapshot import EngineState, Mode, Reentry, Snapshot
from senex_tui.console.screens.dashboard import Dashboard
from senex_tui.console.screens.dialogs import NOT_ASKED, Question, TypedQuestion
from senex_tui.console.screens.entries import Choice, OrderIdQuestion, UnknownOrder
from tests.support.console import parts, scenes
from tests.support.console.driver import Driven, driven
from widgets.alarms import alarms
from widgets.orders import OrdersPanel

SIZES = ((80, 24), (200, 55))


def in_live(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, status=replace(snapshot.status, mode=Mode.LIVE))


FILLED = (
    f"The entry is FILLED {credit(parts.credit_of_fills(scenes.followed().orders[0]))}. "
    "There is nothing left to be cancelled."
)


def nothing_sent(console: Driven) -> bool:
    return console.engine.sent == [] and isinstance(console.app.screen, Dashboard)


def words(console: Driven) -> str:
    """The screen's words without the dialog's borders, so that a sentence may go on in the next row."""
    return " ".join(console.text.replace("┃", " ").split())


# c: the working entry


async def test_c_asks_with_the_facts_and_cancels_on_y() -> None:
    async with driven(size=(80, 24)) as console:
        await console.press("c", "enter")
        for fact in (
            "Cancel the working entry",
            "…0001",
            "63649060001",
            "0 of 6 contracts",
            "stays closed",
            "until the broker",
        ):
            assert fact in console.text
        assert console.engine.sent == []
        await console.press("y")
        assert console.engine.sent == [CommandKind.CANCEL]
        assert console.engine.about == [(parts.order().entry_id, "")]
        assert "CANCELLING…" in console.text
        console.engine.settle(CommandState.DONE, "cancel of order 63649060001 asked")
        await console.pull()
        assert console.toasts == ["cancel of order 63649060001 asked"]


async def test_the_short_way_cancels_nothing() -> None:
    async with driven(size=(80, 24)) as console:
        for keys in (("c", "enter", "n"), ("c", "c", "q"), ("c", "space", "ctrl+g"), ("c", "enter", "escape")):
            await console.press(*keys)
            assert nothing_sent(console), keys


async def test_in_live_the_word_is_typed() -> None:
    async with driven(scenes.live(), size=(80, 24)) as console:
        await console.press("c")
        assert isinstance(console.app.screen, TypedQuestion)
        await console.press("y", "enter", "backspace", "enter", *"cancel")
        assert console.engine.sent == []
        await console.press("enter")
        assert console.engine.sent == [CommandKind.CANCEL]


async def test_without_a_working_entry_c_does_nothing_and_is_not_shown() -> None:
    for scene in ("filled", "unknown", "failed"):
        async with driven(scenes.SCENES[scene](), size=(80, 24)) as console:
            await console.press("c", "y")
            assert nothing_sent(console), scene
            assert "c Cancel" not in console.text


async def test_an_entry_that_filled_meanwhile_is_not_cancelled() -> None:
    [filled] = scenes.followed().orders
    async with driven() as console:
        await console.press("c")
        console.engine.current = replace(console.engine.current, orders=(filled,))
        await console.press("y")
        assert console.engine.sent == []
        assert console.toasts == [f"Cancel the working entry: nothing was sent. {FILLED}"]


async def test_a_question_about_an_entry_that_filled_meanwhile_says_so() -> None:
    [filled] = scenes.followed().orders
    async with driven(size=(80, 24)) as console:
        await console.press("c")
        console.engine.current = replace(console.engine.current, orders=(filled,))
        question = console.app.screen
        assert isinstance(question, Question)
        question.refresh_facts()
        await console.pull()
        shown = words(console)
        assert FILLED in shown
        assert NOT_ASKED in shown
        assert "y/n" not in shown
        assert "Asks the broker" not in shown
        await console.press("y")
        assert not isinstance(console.app.screen, Question)
        assert nothing_sent(console)
        assert console.toasts == [f"Cancel the working entry: nothing was sent. {FILLED}"]


@pytest.mark.parametrize(("scene", "key"), [("calm", "c"), ("unknown", "u"), ("paused", "p"), ("filled", "f")])
async def test_no_question_is_asked_of_an_engine_that_has_ended(scene: str, key: str) -> None:
    shown = scenes.scene(scene)
    open_accounts = tuple(replace(account, automation=True) for account in shown.accounts)
    async with driven(replace(shown, accounts=open_accounts), size=(80, 24)) as console:
        await console.press(key)
        question = console.app.screen
        assert isinstance(question, Question | UnknownOrder)
        question.refresh_facts()
        assert not question.is_over
        console.engine.status(engine=EngineState.FAILED, failure="the records were taken over")
        question.refresh_facts()
        await console.pull()
        assert question.is_over
        assert NOT_ASKED in words(console)
        await console.press("l" if key == "u" else "y")
        assert isinstance(console.app.screen, Dashboard)
        assert nothing_sent(console)


async def test_a_question_that_nobody_answered_says_that_nothing_was_sent() -> None:
    async with driven(size=(80, 24)) as console:
        await console.press("c")
        question = console.app.screen
        assert isinstance(question, Question)
        question._expire()
        await console.pull()
        assert nothing_sent(console)
        assert console.toasts == ["Cancel the working entry: no answer in 30 s, nothing was sent"]


async def test_of_several_entries_the_number_chooses() -> None:
    two = (parts.order(), parts.order(entry_id="e2", account="…7788", order_id="63649060002"))
    async with driven(replace(scenes.calm(), orders=two), size=(80, 24)) as console:
        await console.press("c", "enter", "9", "y")
        assert isinstance(console.app.screen, Choice)
        await console.press("q")
        assert nothing_sent(console)
        await console.press("c", "2")
        assert isinstance(console.app.screen, Question)
        assert "63649060002" in console.text
        await console.press("y")
        assert console.engine.about == [("e2", "")]


# a: another entry after a cancel


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
async def test_r_asks_before_it_allows_another_entry(size: tuple[int, int]) -> None:
    [closing] = scenes.day_closed().orders
    async with driven(scenes.day_closed(), size=size) as console:
        await console.press("3")
        await console.pilot.pause()
        panel = " ".join(console.app.screen.query_one(OrdersPanel).text.split())
        assert "Press r to allow another entry" in panel
        await console.press("r", "enter", "n")
        assert console.engine.sent == []
        await console.press("r")
        for fact in ("Allow re-entry", "The cancel closed the day", "two complete reads", "63652300001"):
            assert fact in words(console)
        await console.press("y")
        assert (console.engine.sent, console.engine.about) == ([CommandKind.ALLOW_REENTRY], [(closing.entry_id, "")])
        assert "ALLOWING RE-ENTRY…" in console.text


async def test_in_live_re_entry_takes_the_typed_word() -> None:
    async with driven(in_live(scenes.day_closed()), size=(80, 24)) as console:
        await console.press("r", "y", "enter", "backspace", *"allow")
        assert console.engine.sent == []
        await console.press("enter")
        assert console.engine.sent == [CommandKind.ALLOW_REENTRY]


async def test_r_does_nothing_without_a_day_closed_by_a_cancel_or_once_it_was_allowed() -> None:
    [closing] = scenes.day_closed().orders
    allowed = replace(scenes.day_closed(), orders=(replace(closing, reentry=Reentry.ALLOWED),))
    for snapshot in (scenes.calm(), scenes.unknown(), allowed):
        async with driven(snapshot, size=(80, 24)) as console:
            await console.press("r", "y")
            assert nothing_sent(console)


# u: the unknown entry


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
async def test_an_unknown_entry_is_loud_at_every_size(size: tuple[int, int]) -> None:
    async with driven(scenes.unknown(), size=size) as console:
        banner = words(console)
        for text in (
            "UNKNOWN: the broker may have QQQ",
            "Press u. First complete read at 10:32:10",
            "u Unknown",
        ):
            assert text in banner
        await console.press("3")
        await console.pilot.pause()
        panel = " ".join(console.app.screen.query_one(OrdersPanel).text.split())
        assert "UNKNOWN QQQ" in panel
        assert "Press u to look again" in panel


async def test_u_tells_what_is_known_and_enter_does_nothing() -> None:
    async with driven(scenes.unknown(), size=(80, 24)) as console:
        await console.press("u", "enter", "y", "space")
        assert isinstance(console.app.screen, UnknownOrder)
        for fact in (
            "senex-1e2feb89414c443c9027c4d1c386bbc4",
            "10:30:03 ET",
            "no answer within 10 s",
            "second complete read due in 00:24",
            "look again",
        ):
            assert fact in words(console)
        for key in ("q", "n", "escape", "ctrl+g"):
            await console.press(key)
            assert nothing_sent(console)
            await console.press("u")


async def test_the_dialog_fits_at_80x24_with_long_words_of_the_broker() -> None:
    long = parts.unknown_order(
        detail="no answer " * 60, evidence="looked here and there " * 40, identifier="senex-" + "a" * 32
    )
    async with driven(replace(scenes.unknown(), orders=(long,)), size=(80, 24)) as console:
        await console.press("u")
        for text in ("q leaves", "l  look again", "q  leave it"):
            assert text in console.text


async def test_looking_again_reconciles() -> None:
    async with driven(scenes.unknown(), size=(80, 24)) as console:
        await console.press("u", "l")
        assert console.engine.sent == [CommandKind.RECONCILE]
        assert "RECONCILING…" in console.text


@pytest.mark.parametrize("mode", [Mode.DEMO, Mode.LIVE])
async def test_attesting_absent_takes_the_typed_word_in_every_mode(mode: Mode) -> None:
    snapshot = scenes.unknown()
    async with driven(replace(snapshot, status=replace(snapshot.status, mode=mode)), size=(80, 24)) as console:
        await console.press("u", "a", "enter", "y", "enter")
        assert isinstance(console.app.screen, TypedQuestion)
        assert "recorded as your word" in words(console)
        assert console.engine.sent == []
        await console.press("backspace", *"absent")
        assert console.engine.sent == []
        await console.press("enter")
        entry = parts.unknown_order().entry_id
        assert (console.engine.sent, console.engine.about) == ([CommandKind.ATTEST], [(entry, "absent")])


async def test_an_order_id_is_named_in_digits_only() -> None:
    async with driven(scenes.unknown(), size=(80, 24)) as console:
        await console.press("u", "o", "enter", "x", "enter")
        assert isinstance(console.app.screen, OrderIdQuestion)
        assert console.engine.sent == []
        await console.press(*"4471", "q")
        assert nothing_sent(console)
        await console.press("u", "o", *"4471", "enter")
        entry = parts.unknown_order().entry_id
        assert (console.engine.sent, console.engine.about) == ([CommandKind.ATTEST], [(entry, "4471")])


async def test_an_entry_found_meanwhile_is_not_attested() -> None:
    async with driven(scenes.unknown()) as console:
        await console.press("u", "a", *"absent")
        found = replace(parts.unknown_order(), state="working", order_id="4471", broker_status="Live", evidence="")
        found = replace(found, fate=parts.order().fate)
        console.engine.current = replace(console.engine.current, orders=(found,))
        await console.press("enter")
        assert console.engine.sent == []
        [said] = console.toasts
        assert said.startswith("Attest it absent: nothing was sent. The entry is WORKING ")


async def test_without_an_unknown_entry_u_does_nothing() -> None:
    async with driven(size=(80, 24)) as console:
        await console.press("u", "l", "x")
        assert nothing_sent(console)
        assert "u Unknown" not in console.text


# R, and what bars entries


async def test_shift_r_reconciles_once_until_it_is_answered() -> None:
    async with driven(size=(80, 24)) as console:
        await console.press("R", "R")
        assert console.engine.sent == [CommandKind.RECONCILE]
        assert "RECONCILING…" in console.text
        console.engine.settle(CommandState.DONE, "reconciliation starts; entries wait for it")
        await console.pull()
        await console.press("R")
        assert console.engine.sent == [CommandKind.RECONCILE] * 2


async def test_r_needs_a_running_engine() -> None:
    async with driven(scenes.failed(), size=(80, 24)) as console:
        await console.press("R")
        assert nothing_sent(console)
        assert console.app.why_not("reconcile") == "the engine is not running"


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
async def test_what_bars_entries_says_why_and_how_it_ends(size: tuple[int, int]) -> None:
    expected = {
        "halted": (
            "✖ HALTED",
            "margin call",
            "`senex reset halt` ends it",
            "3 sends failed today",
            "`senex reset sends`",
        ),
        "clock": ("✖ HALTED", "+3.1 s off the broker's", "resets by itself"),
        "reconciling": ("○ RECONCILING", "asked by ada", "it ends by itself"),
    }
    async with driven(size=size) as console:
        for scene, told in expected.items():
            console.engine.current = scenes.SCENES[scene]()
            await console.pull()
            await console.pilot.pause()
            for text in told:
                assert text in words(console), (scene, text)


async def test_a_breaker_is_said_once_and_the_banner_goes_when_it_is_over() -> None:
    assert len(alarms(scenes.stopped_by_clock())) == 1
    async with driven(scenes.stopped_by_clock(), size=(80, 24)) as console:
        console.engine.current = scenes.calm()
        await console.pull()
        await console.pilot.pause()
        assert "HALTED" not in console.text
        assert console.text.splitlines()[2].startswith("─ QQQ")


async def test_many_alarms_leave_the_dashboard_in_sight() -> None:
    many = tuple(parts.breaker(code="sends", whom=f"…00{n:02}", why="3 sends failed today " * 4) for n in range(12))
    async with driven(replace(scenes.unknown(), breakers=many), size=(80, 24)) as console:
        assert "UNKNOWN" in console.text
        assert "─ QQQ" in console.text.splitlines()[6]
        assert "3 Orders" in console.text


def test_alarms_are_of_a_day_that_is_told_as_it_stands() -> None:
    for state in EngineState:
        unknown = scenes.unknown()
        told = alarms(replace(unknown, status=replace(unknown.status, engine=state)))
        assert bool(told) is state.tells_day
