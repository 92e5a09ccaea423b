"""The figures over the whole screen, and the alerts: seen, acknowledged, counted on the dashboard."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.domain.commands import CommandKind, CommandState
from core.domain.figures import figures_of
from senex_tui.screens.dashboard import Dashboard
from senex_tui.screens.figures import FiguresScreen
from tests.console import double
from tests.console.driving import driven


async def test_a_number_acknowledges_its_alert_and_enter_does_nothing() -> None:
    async with driven(double.alerted(), size=(80, 24)) as console:
        await console.press("a", "enter", "2", "3", "9")
        assert isinstance(console.app.screen, FiguresScreen)
        assert console.engine.sent == [], "nothing is sent for an alert that was acknowledged or is not there"
        await console.press("1")
        assert console.engine.sent == [CommandKind.ACKNOWLEDGE]
        assert console.engine.about == [("7", "")]
        seen = replace(double.alert(), seen_by="ada at the console")
        console.engine.current = replace(console.engine.current, alerts=(seen,))
        console.engine.settle(CommandState.DONE, "alert 7 acknowledged")
        await console.pull()
        assert console.toasts == ["alert 7 acknowledged"]
        screen = console.app.screen
        assert isinstance(screen, FiguresScreen)
        screen.follow()
        await console.pilot.pause()
        assert "Alerts  1 open, all acknowledged" in console.text
        assert "acknowledged by ada at the console" in console.text


@pytest.mark.parametrize("key", ["q", "a", "escape", "ctrl+g"])
async def test_it_is_left_by_the_keys_that_leave(key: str) -> None:
    async with driven(double.alerted(), size=(80, 24)) as console:
        await console.press("a", key)
        assert isinstance(console.app.screen, Dashboard)
        assert console.engine.sent == []


async def test_it_scrolls_to_the_oldest_day() -> None:
    async with driven(double.alerted(), size=(80, 24)) as console:
        await console.press("a")
        assert "Oct 23" not in console.text
        await console.press("G")
        assert "Oct 23" in console.text


async def test_without_records_it_says_so_and_follows_what_comes() -> None:
    async with driven(replace(double.calm(), figures=figures_of((), (), (), {})), size=(80, 24)) as console:
        await console.press("a")
        assert "none is open" in console.text
        assert "no session is recorded yet" in console.text
        console.engine.current = double.alerted()
        screen = console.app.screen
        assert isinstance(screen, FiguresScreen)
        screen.follow()
        await console.pilot.pause()
        assert "20 sessions, 2025-10-23 to 2025-11-19" in console.text


async def test_the_dashboard_counts_open_alerts_and_says_the_unseen_critical_one() -> None:
    async with driven(double.alerted(), size=(80, 24)) as console:
        assert "▲ 2" in console.text.splitlines()[0]
        assert "ALERT: …4021: no trade in 5 sessions" in console.text.splitlines()[1]
        seen = replace(double.alert(), seen_by="ada")
        console.engine.current = replace(double.alerted(), alerts=(seen,))
        await console.pull()
        await console.pilot.pause()
        assert "ALERT" not in console.text
        console.engine.current = double.calm()
        await console.pull()
        assert "▲ 2" not in console.text.splitlines()[0]
