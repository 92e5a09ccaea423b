"""A toast stands over no dialog, repeats nothing that is on the screen, and goes when it is no longer so."""

from __future__ import annotations

from dataclasses import replace

from core.snapshot import Level, MessageView, Snapshot
from senex_tui.console.app import SenexApp
from tests.support.console import scenes
from tests.support.console.driver import driven
from tests.support.console.scenes import FixedEngine


def critical(shown: Snapshot, text: str) -> Snapshot:
    at = shown.status.now
    assert at is not None
    number = max(message.number for message in shown.messages) + 1
    return replace(shown, messages=(*shown.messages, MessageView(number, at, Level.CRITICAL, "broker", text)))


async def test_what_the_messages_say_is_no_toast_and_what_no_panel_says_is_one() -> None:
    async with driven(size=(120, 40)) as console:
        console.engine.current = critical(console.engine.current, "margin call")
        await console.pull()
        assert "margin call" in console.text
        assert console.toasts == []
        assert len(console.bells) == 1
        await console.press("h")
        console.engine.current = critical(console.engine.current, "the order is unknown")
        await console.pull()
        assert console.toasts == ["broker: the order is unknown"]


async def test_a_toast_is_hidden_while_a_dialog_is_open_and_its_row_says_it() -> None:
    app = SenexApp(FixedEngine(scenes.calm()))
    async with app.run_test(size=(120, 40), notifications=True) as pilot:

        def lines() -> list[str]:
            return [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]

        await pilot.press("q")
        app.say("the file was written", "information")
        await pilot.pause(0.2)
        assert ["the file was written" in line for line in lines()] == [False] * 39 + [True]
        await pilot.press("n")
        await pilot.pause(0.2)
        assert any("the file was written" in line for line in lines()[:-1]), "it has the rest of its time"
    assert app._exception is None


async def test_a_toast_goes_when_it_is_no_longer_so() -> None:
    """A sentence that does not fit the bottom row is a toast."""
    async with driven() as console:
        so = [True]
        console.app.answer("it waits " * 30, lambda: so[0])
        console.app.say("written", "information")
        await console.pilot.pause()
        assert len(console.toasts) == 2
        so[0] = False
        await console.pull()
        assert console.toasts == ["written"]


async def test_what_is_said_while_the_console_ends_harms_nothing() -> None:
    """A pull may come when the last screen is gone already."""
    app = SenexApp(FixedEngine(scenes.calm()))
    async with app.run_test():
        pass
    assert not app.screen_stack
    app.pull()
    app.say("the last word", "warning")
    app.answer("not now", lambda: True)
    assert app._exception is None
