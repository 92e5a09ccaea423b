"""Keys reach the engine as commands; the short way never does anything dangerous."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from textual.events import AppBlur
from textual.widgets import Input

from core.domain.operation.amounts import credit, price
from core.domain.operation.commands import CommandKind, CommandState
from core.snapshot import Automation, EngineState, ExitsView
from senex_tui.console.keys import KEYS
from senex_tui.console.screens.dashboard import Dashboard
from senex_tui.console.screens.dialogs import Question, TypedQuestion
from senex_tui.console.screens.help import HelpScreen
from tests.support.console import parts, scenes
from tests.support.console.driver import driven
from tests.support.console.scenes import FixedEngine
from widgets.key_line import KeyLine


async def test_p_pauses_at_once_and_says_so_until_the_engine_answers() -> None:
    async with driven() as console:
        await console.press("p")
        assert console.engine.sent == [CommandKind.PAUSE]
        assert "PAUSING…" in console.text
        await console.press("p")
        assert console.engine.sent == [CommandKind.PAUSE]
        console.engine.status(automation=Automation.PAUSED)
        console.engine.settle(CommandState.DONE, "paused by operator")
        await console.pull()
        assert "PAUSED" in console.text
        assert "PAUSING" not in console.text
        assert console.toasts == ["paused by operator"]


async def test_p_asks_before_it_resumes() -> None:
    async with driven(scenes.paused(), size=(80, 24)) as console:
        for answer in ("n", "q"):
            await console.press("p", "enter")
            assert "Slots missed while" in console.text
            await console.press(answer)
            assert console.engine.sent == []
        await console.press("p", "y")
        assert console.engine.sent == [CommandKind.RESUME]


async def test_force_in_the_demo_shows_the_facts_and_needs_y() -> None:
    async with driven() as console:
        await console.press("f")
        qqq, _ = parts.quotes()
        quoted, working = f"QQQ {price(parts.middle(qqq))}", f"an order works: working {credit(parts.order().limit)}"
        for fact in ("Force a cycle", "DEMO", quoted, working, "simulated broker"):
            assert fact in console.text
        await console.press("enter")
        assert console.engine.sent == []
        await console.press("y")
        assert console.engine.sent == [CommandKind.FORCE]
        assert "FORCING…" in console.text


async def test_force_is_cancelled_by_n_q_ctrl_g_and_escape() -> None:
    async with driven(size=(80, 24)) as console:
        for key in ("n", "q", "ctrl+g", "escape"):
            await console.press("f")
            assert isinstance(console.app.screen, Question)
            await console.press(key)
            assert isinstance(console.app.screen, Dashboard)
        assert console.engine.sent == []


async def test_force_in_live_needs_the_word_typed_out() -> None:
    async with driven(scenes.live()) as console:
        await console.press("f")
        assert isinstance(console.app.screen, TypedQuestion)
        assert "REAL MONEY" in console.text
        await console.press("y", "enter")
        assert console.engine.sent == []
        await console.press("backspace", "enter")
        assert console.engine.sent == []
        await console.press(*"force")
        assert console.engine.sent == []
        await console.press("enter")
        assert console.engine.sent == [CommandKind.FORCE]


async def test_force_in_live_is_cancelled_by_q_ctrl_g_and_escape() -> None:
    async with driven(scenes.live(), size=(80, 24)) as console:
        for key in ("q", "ctrl+g", "escape"):
            await console.press("f", "o")
            assert isinstance(console.app.screen, TypedQuestion)
            await console.press(key)
            assert isinstance(console.app.screen, Dashboard)
        assert console.engine.sent == []


async def test_force_is_greyed_out_and_says_why() -> None:
    reasons = {
        "retrying": "cycle 3 is running",
        "paused": "automation is paused",
        "closed": "the market is closed",
        "starting": "the engine is starting",
        "failed": "the engine is not running",
    }
    async with driven(size=(80, 24)) as console:
        for scene, reason in reasons.items():
            console.engine.current = scenes.SCENES[scene]()
            await console.pull()
            assert console.app.check_action("force", ()) is None
            assert console.app.why_not("force") == reason
            await console.press("f")
            assert isinstance(console.app.screen, Dashboard)


async def test_a_greyed_key_answers_with_the_reason() -> None:
    async with driven(scenes.paused(), size=(80, 24)) as console:
        await console.press("f")
        assert console.engine.sent == []
        assert console.bottom == "force: not now, automation is paused"
        console.engine.status(automation=Automation.ACTIVE)
        await console.pull()
        assert "f Force" in console.bottom, "what is no longer so is not said"
        assert console.toasts == []


async def test_force_says_what_comes_next_for_each_account() -> None:
    shown = scenes.two_accounts()
    accounts = parts.account_by_word(shown)
    [filled] = [credit(parts.credit_of_fills(order)) for order in shown.orders if order.fills]
    async with driven(shown, size=(80, 24)) as console:
        await console.press("f")
        assert f"{accounts['filled']}  done today (filled {filled})" in console.text
        assert f"{accounts['rejected']}  free to enter at 10:45" in console.text
        assert "in 13:19" not in console.text.split("Force a cycle")[1]


async def test_resume_says_which_slot_may_enter_then() -> None:
    async with driven(scenes.paused(), size=(80, 24)) as console:
        await console.press("p")
        words = " ".join(console.text.replace("┃", " ").split())
        assert "paused by the operator (ada at the console since" in words
        assert "…0001 may enter at 10:30" in words


async def test_the_footer_shows_the_keys_without_the_terminals_focus() -> None:
    async with driven(size=(80, 24)) as console:
        console.app.screen.query_one(KeyLine).show(None)
        console.app.post_message(AppBlur())
        await console.pilot.pause()
        assert not console.app.app_focus
        console.engine.status(automation=Automation.PAUSED)
        for _ in range(4):  # without the focus every fourth pull counts
            await console.pull()
        await console.pilot.pause()
        assert "p Resume" in console.text.splitlines()[-1]


async def test_force_is_not_sent_when_a_cycle_began_meanwhile() -> None:
    async with driven() as console:
        await console.press("f")
        began = parts.cycle(number=4, running=True)
        console.engine.current = replace(console.engine.current, cycle=began)
        await console.press("y")
        assert console.engine.sent == []
        assert console.toasts == [
            "Force a cycle: nothing was sent. No cycle can be forced by this: cycle 4 began while you were answering."
        ]


async def test_a_refused_command_is_told_with_its_reason() -> None:
    engine = FixedEngine(scenes.calm(), answers=CommandState.REFUSED, answer="another cycle is running")
    async with driven(engine=engine) as console:
        await console.press("f", "y")
        assert console.toasts == ["force refused: another cycle is running"]
        assert console.app.pending == ()


async def test_an_answered_command_is_told_once() -> None:
    engine = FixedEngine(scenes.calm(), answers=CommandState.DONE, answer="paused")
    async with driven(engine=engine) as console:
        await console.press("p")
        for _ in range(3):
            await console.pull()
        assert console.toasts == ["paused"]


async def test_quit_says_what_stops_and_waits_for_the_engine() -> None:
    stopped: list[str] = []

    async def stop_engine() -> None:
        stopped.append("engine")

    async with driven(stop_engine=stop_engine) as console:
        await console.press("q")
        assert "Quit stops the engine: no more cycles today." in console.text
        assert "1 order working at the broker stays there, unwatched." in console.text
        await console.press("enter")
        assert stopped == []
        assert isinstance(console.app.screen, Question)
        await console.press("y")
        await console.pilot.pause()
    assert stopped == ["engine"]
    assert console.app.engine_stopped
    assert console.app.return_code == 0


async def test_the_quit_question_is_left_without_quitting() -> None:
    async with driven(size=(80, 24)) as console:
        for key in ("n", "q", "ctrl+g", "escape"):
            await console.press("ctrl+q", "ctrl+q", "enter")
            assert isinstance(console.app.screen, Question)
            await console.press(key)
            assert isinstance(console.app.screen, Dashboard)
        assert not console.app.quitting.leaving


async def test_ctrl_c_asks_and_a_second_one_quits() -> None:
    stopped: list[str] = []

    async def stop_engine() -> None:
        stopped.append("engine")

    async with driven(stop_engine=stop_engine) as console:
        await console.press("ctrl+c")
        assert isinstance(console.app.screen, Question)
        await console.press("ctrl+c")
        await console.pilot.pause()
    assert stopped == ["engine"]


async def test_ctrl_c_asks_from_inside_another_question() -> None:
    async with driven(scenes.live()) as console:
        await console.press("f", "ctrl+c")
        assert "Quit stops the engine" in console.text
        await console.press("n")
        assert isinstance(console.app.screen, TypedQuestion)


async def test_an_engine_that_does_not_stop_in_order_still_lets_the_console_end() -> None:
    async def stop_engine() -> None:
        raise RuntimeError("records locked")

    async with driven(stop_engine=stop_engine) as console:
        await console.press("q", "y")
        await console.pilot.pause()
    assert not console.app.engine_stopped
    assert console.app.return_code == 1


async def test_a_signal_stops_without_asking() -> None:
    stopped: list[str] = []

    async def stop_engine() -> None:
        stopped.append("engine")

    async with driven(stop_engine=stop_engine) as console:
        console.app.quitting.unasked("SIGHUP")
        console.app.quitting.unasked("SIGTERM")
        await console.pilot.pause()
    assert stopped == ["engine"]


async def test_number_keys_open_one_panel_at_80_columns() -> None:
    async with driven(size=(80, 24)) as console:
        for key, name in (("2", "attempts"), ("3", "orders"), ("4", "schedule"), ("6", "judgement"), ("1", "spread")):
            await console.press(key)
            assert console.app.screen.query_one(f"#{name}").region.height > 5
            assert console.app.focused is console.app.screen.query_one(f"#{name}")
            assert console.app.screen.query_one("#messages").region.height == 4
        await console.press("5")
        assert console.app.screen.query_one("#messages").region.height > 10
        assert not console.app.screen.query_one("#spread").display


async def test_z_zooms_the_focused_panel_and_back() -> None:
    async with driven() as console:
        await console.press("4", "z")
        schedule = console.app.screen.query_one("#schedule")
        assert schedule.region.size == (120, 37)
        assert "14:45" in console.text
        await console.press("6")
        assert console.app.screen.query_one("#judgement").region.size == (120, 37)
        await console.press("ctrl+g")
        assert console.app.screen.query_one("#spread").region.height == 12


async def test_space_freezes_the_view_only_and_it_thaws_by_itself() -> None:
    async with driven() as console:
        await console.press("space")
        console.ticker.now += 12
        later = parts.NOW + timedelta(seconds=12)
        console.engine.current = replace(scenes.filled(), status=parts.status(automation=Automation.PAUSED, now=later))
        await console.pull()
        assert "VIEW FROZEN 00:12" in console.text
        assert "0 of 6 filled" in console.text
        assert "PAUSED" in console.text
        console.ticker.now += 108
        await console.pull()
        assert "VIEW FROZEN" not in console.text
        assert "6 of 6 filled" in console.text


async def test_help_lists_every_key_and_searches() -> None:
    """Those of exits too, as soon as there is a trident to take to its end (`test_exits.py`)."""
    shown = scenes.calm()
    held = replace(shown, status=replace(shown.status, exits=ExitsView("on")))
    async with driven(held, size=(120, 90)) as console:
        await console.press("question_mark")
        text = console.text
        for key in KEYS:
            here = key.where in Dashboard.PLACES
            assert (key.help in text) is here or key.action.startswith("show_panel")
        assert "an order of which only the broker knows" in text
        await console.press("slash", *"freeze")
        assert "freeze the view" in console.text
        assert "quit; asks" not in console.text
        await console.press("enter", "q", "q")
        assert isinstance(console.app.screen, Dashboard)
        assert console.engine.sent == []


async def test_the_palette_runs_the_same_commands() -> None:
    async with driven() as console:
        await console.press("ctrl+p", *"help")
        await console.app.workers.wait_for_complete()
        await console.press("enter", "enter")
        assert isinstance(console.app.screen, HelpScreen)


async def test_the_palette_says_why_a_command_is_not_possible() -> None:
    async with driven(scenes.retrying()) as console:
        await console.press("ctrl+p", *"force")
        await console.app.workers.wait_for_complete()
        await console.pilot.pause()
        assert "not now: cycle 3 is running" in console.text
        await console.press("ctrl+g")
        assert isinstance(console.app.screen, Dashboard)


async def test_no_cursor_blinks() -> None:
    async with driven(scenes.live(), size=(80, 24)) as console:
        for keys, close in ((["f"], "ctrl+g"), (["ctrl+p"], "ctrl+g"), (["question_mark", "slash"], "escape")):
            await console.press(*keys)
            await console.pilot.pause()
            fields = list(console.app.screen.query(Input))
            assert fields
            assert not any(field.cursor_blink for field in fields)
            await console.press(close)


async def test_the_footer_offers_no_force_that_would_be_refused_and_swaps_pause_for_resume() -> None:
    async with driven(scenes.paused()) as console:
        active = console.app.screen.active_bindings
        assert active["p"].binding.action == "resume"
        assert active["f"].enabled is False
        assert "Force" not in console.bottom
        console.engine.status(automation=Automation.ACTIVE)
        await console.pull()
        active = console.app.screen.active_bindings
        assert active["p"].binding.action == "pause"
        assert active["f"].enabled is True
        assert "f Force" in console.bottom


async def test_a_failed_engine_is_said_and_the_console_lives() -> None:
    async with driven() as console:
        console.engine.status(engine=EngineState.FAILED, failure="disk full")
        await console.pull()
        assert "ENGINE FAILED" in console.text
        assert "No cycle will run; q quits. disk full" in console.text
        assert console.toasts == [], "the banner says it"
        assert len(console.bells) == 1
        await console.press("question_mark")
        assert isinstance(console.app.screen, HelpScreen)
