"""A screen ends itself and once, at any speed of the keys."""

from __future__ import annotations

from core.domain.operation.commands import CommandKind
from senex_tui.console.palette import Palette
from senex_tui.console.screens.dashboard import Dashboard
from senex_tui.console.screens.dialogs import Question, Stopping
from senex_tui.console.screens.orders import OrdersPage
from tests.support.console.driver import Driven, driven

NOBODY_ANSWERED = "Force a cycle: no answer in 30 s, nothing was sent"


async def asked(console: Driven) -> Question:
    await console.press("f")
    question = console.app.screen
    assert isinstance(question, Question)
    return question


async def test_a_question_that_runs_out_under_the_palette_takes_it_along() -> None:
    async with driven() as console:
        question = await asked(console)
        await console.press("ctrl+p")
        assert isinstance(console.app.screen, Palette)
        for key in "re":  # a search is under way
            console.app.simulate_key(key)
        question._expire()
        await console.pilot.pause()
        assert isinstance(console.app.screen, Dashboard)
        assert console.toasts == [NOBODY_ANSWERED]
        assert len(console.app.screen_stack) == 1
        assert console.engine.sent == []
        await asked(console)
        await console.press("y")
        assert console.engine.sent == [CommandKind.FORCE]


async def test_an_answer_given_twice_is_given_once_and_closes_nothing_else() -> None:
    async with driven() as console:
        await console.press("o")
        page = console.app.screen
        assert isinstance(page, OrdersPage)
        console.app.push_screen(Question("Sure", list, "y/n"))
        await console.pilot.pause()
        question = console.app.screen
        assert isinstance(question, Question)
        question.action_answer(True)
        question.action_answer(True)
        await console.pilot.pause()
        assert console.app.screen is page
        assert not console.toasts


async def test_an_expiring_question_below_leaves_the_stopping_dialog_open() -> None:
    async with driven() as console:
        question = await asked(console)
        console.app.push_screen(Stopping())
        await console.pilot.pause()
        question._expire()
        await console.pilot.pause()
        assert isinstance(console.app.screen, Stopping)
        assert console.toasts == [NOBODY_ANSWERED]


async def test_the_palette_opens_again_while_the_last_one_closes() -> None:
    async with driven() as console:
        for key in ("ctrl+p", "escape") * 5 + ("ctrl+p",):
            console.app.simulate_key(key)
        await console.pilot.pause()
        assert len(console.app.screen_stack) <= 2
        await console.press("ctrl+g", "ctrl+p")
        assert isinstance(console.app.screen, Palette)
        assert not console.toasts
