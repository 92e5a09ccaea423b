"""How state reaches the screen: pulled, compared, and never painted under a dialog."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from textual.geometry import Region

from core.domain.operation.amounts import price
from core.domain.operation.commands import CommandKind
from core.snapshot import Level, MessageView, Snapshot
from senex_tui.console.screens.too_small import TooSmall
from tests.support.console import parts, scenes
from tests.support.console.driver import Driven, driven
from widgets.base.panel import LinePanel


def watch_repaints(console: Driven) -> list[tuple[str, Region]]:
    repaints: list[tuple[str, Region]] = []
    for panel in console.app.screen.query(LinePanel):

        def refresh(*regions: Region, _panel: LinePanel[object] = panel, **how: bool) -> LinePanel[object]:
            repaints.extend((_panel.id or "", region) for region in regions or (Region(),))
            return type(_panel).refresh(_panel, *regions, **how)

        panel.refresh = refresh  # type: ignore[method-assign]
    return repaints


def critical(snapshot: Snapshot, number: int, text: str = "margin call") -> Snapshot:
    message = MessageView(number, parts.NOW, Level.CRITICAL, "broker", text)
    return replace(snapshot, messages=(*snapshot.messages, message))


async def test_an_equal_snapshot_repaints_nothing() -> None:
    async with driven() as console:
        repaints = watch_repaints(console)
        console.engine.current = scenes.calm()
        for _ in range(3):
            await console.pull()
        assert repaints == []


async def test_a_changed_quote_repaints_only_its_rows() -> None:
    async with driven(size=(80, 24)) as console:
        repaints = watch_repaints(console)
        qqq, spx = parts.quotes()
        console.engine.current = replace(console.engine.current, quotes=(qqq, replace(spx, price=Decimal("6858.06"))))
        await console.pull()
        assert repaints == [("quote-2", Region(0, 0, 38, 1))]


async def test_nothing_is_painted_under_a_dialog_but_a_critical_message_still_rings() -> None:
    async with driven() as console:
        repaints = watch_repaints(console)
        await console.press("q")
        repaints.clear()
        console.engine.current = critical(scenes.filled(), 99)
        await console.pull()
        assert repaints == []
        assert console.toasts == ["broker: margin call"]
        assert len(console.bells) == 1
        assert "margin call" not in console.text.splitlines()[-4], "no toast over a dialog"
        assert console.bottom == "broker: margin call", "its bottom row says it"
        await console.press("n")
        await console.pull()
        assert "6 of 6 filled" in console.text


async def test_the_bell_rings_at_most_once_in_30_seconds() -> None:
    async with driven() as console:
        for number, wait in ((110, 0), (111, 5), (112, 26)):
            console.ticker.now += wait
            console.engine.current = critical(console.engine.current, number)
            await console.pull()
        assert len(console.bells) == 2


async def test_messages_from_before_the_console_opened_do_not_ring() -> None:
    async with driven(critical(scenes.calm(), 99)) as console:
        assert console.bells == []
        assert console.toasts == []


async def test_messages_read_back_after_a_restart_do_not_ring() -> None:
    """The first snapshot of a start has no messages; those of before the start come with numbers up to 0."""
    async with driven(replace(scenes.calm(), messages=())) as console:
        console.engine.current = critical(console.engine.current, 0, "the order is unknown")
        await console.pull()
        assert (console.bells, console.toasts) == ([], [])
        console.engine.current = critical(console.engine.current, 1, "margin call")
        await console.pull()
        assert len(console.bells) == 1


async def test_toasts_are_three_at_most_and_equal_ones_are_counted() -> None:
    async with driven() as console:
        for text in ("one", "two", "two", "three", "four"):
            console.app.say(text, "warning")
            await console.pilot.pause()
        assert console.toasts == ["two  (x2)", "three", "four"]
        console.ticker.now += 60
        console.app.say("five", "warning")
        await console.pilot.pause()
        assert console.toasts == ["five"]


async def test_an_engine_that_stands_still_is_said() -> None:
    async with driven(size=(80, 24)) as console:
        console.ticker.now += 9
        await console.pull()
        assert "has not moved" not in console.text
        console.ticker.now += 3
        await console.pull()
        assert "The engine has not moved for 12 s: what you see is old." in console.text
        console.engine.status(now=parts.NOW + timedelta(seconds=1))
        await console.pull()
        assert "has not moved" not in console.text


async def test_a_blurred_console_pulls_once_a_second() -> None:
    async with driven() as console:
        console.app.app_focus = False
        before = console.engine.snapshots
        for _ in range(8):
            console.app.pull()
        blurred = console.engine.snapshots - before
        console.app.app_focus = True
        for _ in range(8):
            console.app.pull()
        focused = console.engine.snapshots - before - blurred
        assert blurred * 4 == focused


async def test_the_chart_is_drawn_at_most_every_five_seconds_and_only_in_sight() -> None:
    async with driven(size=(200, 55)) as console:
        repaints = watch_repaints(console)
        qqq, spx = parts.quotes()
        for step, painted in ((1.0, False), (1.0, False), (5.0, True)):
            console.ticker.now += step
            qqq = replace(qqq, day_path=(*qqq.day_path, (qqq.day_path[-1][0] + 15, 624.0)))
            console.engine.current = replace(console.engine.current, quotes=(qqq, spx))
            repaints.clear()
            await console.pull()
            assert any(name == "chart" for name, _ in repaints) is painted
        await console.pilot.resize_terminal(120, 40)
        await console.pilot.pause()
        assert not console.app.screen.query_one("#chart").display


async def test_a_small_terminal_gets_a_sentence_until_it_grows() -> None:
    async with driven(size=(59, 20)) as console:
        assert isinstance(console.app.screen, TooSmall)
        assert "needs 60 columns and 20 rows" in " ".join(console.text.split())
        for columns, rows in ((40, 10), (14, 4), (10, 3)):
            await console.pilot.resize_terminal(columns, rows)
            await console.pilot.pause()
            assert "DEMO" in console.text
            assert "● ON" in console.text
            assert "60x20" in console.text or "60 columns" in console.text
        await console.pilot.resize_terminal(60, 20)
        await console.pilot.pause()
        await console.pull()
        assert price(parts.middle(parts.quotes()[0])) in console.text
        await console.pilot.resize_terminal(80, 19)
        await console.pilot.pause()
        assert isinstance(console.app.screen, TooSmall)
        assert console.app.is_running


async def test_on_a_small_terminal_nothing_is_asked_and_a_pause_works() -> None:
    async with driven(scenes.unknown(), size=(10, 3)) as console:
        await console.press("f", "y", "R", "u", "c", "t", "s", "question_mark", "ctrl+p")
        assert isinstance(console.app.screen, TooSmall)
        assert console.engine.sent == []
        await console.press("p")
        assert console.engine.sent == [CommandKind.PAUSE]
        assert "PAUSING" in console.text
