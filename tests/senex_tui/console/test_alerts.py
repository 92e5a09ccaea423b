"""The page of alerts and figures: alerts are listed, acknowledged and shown in full; closed ones are below, figures
beside."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.domain.operation.commands import CommandKind, CommandState
from core.domain.reporting.alerts import AlertKind, DueAlert
from core.domain.reporting.figures import figures_of
from senex_tui.console.screens.alert import AlertDialog
from senex_tui.console.screens.alerts import AlertsPage
from senex_tui.console.screens.dashboard import Dashboard
from tests.support.console import parts, scenes
from tests.support.console.driver import Driven, driven
from tests.support.console.recorded import DAY, recorded, some_days
from tests.support.console.scenes import FixedEngine
from tests.support.record_samples import ACCOUNT


def words(console: Driven) -> str:
    return " ".join(console.text.split())


async def test_space_acknowledges_the_chosen_alert_once_and_enter_tells_it_whole() -> None:
    async with driven(scenes.alerted(), size=(80, 24)) as console:
        await console.press("a", "enter")
        assert isinstance(console.app.screen, AlertDialog)
        assert await console.shows("the last on 2025-11-18: the account could not")
        assert await console.shows("seen by nobody")
        await console.press("enter", "space", "space")
        assert isinstance(console.app.screen, AlertsPage)
        assert (console.engine.sent, console.engine.about) == ([CommandKind.ACKNOWLEDGE], [("3", "")])
        assert await console.shows("✖ critical  sent…")
        seen = replace(parts.alert(), seen_by="ada at the console")
        console.engine.current = replace(console.engine.current, alerts=(seen,))
        console.engine.settle(CommandState.DONE, "alert 3 acknowledged")
        await console.pull()
        assert console.toasts == ["alert 3 acknowledged"]
        assert await console.shows("Alerts 1 open, all acknowledged")
        assert await console.shows("✖ critical  seen")
        await console.press("space")
        assert console.toasts[-1] == "acknowledged by ada at the console already"
        assert len(console.engine.sent) == 1


async def test_a_refused_acknowledgement_is_told_and_can_be_sent_again() -> None:
    async with driven(scenes.alerted(), size=(80, 24)) as console:
        await console.press("a", "space")
        console.engine.settle(CommandState.REFUSED, "there is no open alert '3'")
        await console.pull()
        assert "there is no open alert" in console.toasts[0]
        assert await console.shows("✖ critical  NEW")
        await console.press("space")
        assert len(console.engine.sent) == 2


async def test_alerts_closed_in_these_sessions_are_below_and_cannot_be_acknowledged(tmp_path: Path) -> None:
    async with recorded(tmp_path) as records:
        await some_days(records)
        long_ago = DueAlert(AlertKind.RETRY_RATE, "", "closed before the figures begin")
        await records.alerts.open(long_ago, parts.NOW - 50 * DAY)
        await records.alerts.close(2, parts.NOW - 40 * DAY)
        shown = scenes.alerted()
        # Its number follows those in these records.
        shown = replace(shown, alerts=tuple(replace(alert, id=alert.id + 6) for alert in shown.alerts))
        engine = FixedEngine(shown, records=records)
        async with driven(engine=engine, size=(200, 55)) as console:
            await console.press("a")
            await console.answered()
            assert await console.shows("2 open, 1 not acknowledged, 1 closed")
            assert await console.shows("51.3 s from slot to acknowledgement nobody Nov 17 10:31")
            assert "before the figures" not in console.text
            await console.press("G", "space")
            assert console.engine.sent == []
            assert console.toasts == ["this alert has closed: nothing to acknowledge"]
            # One that closes while the page is open moves below.
            await records.alerts.open(DueAlert(AlertKind.NO_TRADE, ACCOUNT, f"no trade in {ACCOUNT}"), parts.NOW)
            await records.alerts.close(3, parts.NOW + timedelta(seconds=1))
            engine.current = replace(engine.current, alerts=engine.current.alerts[:1])
            await console.pull()
            await console.answered()
            assert await console.shows("Alerts 1 open, all acknowledged, 2 closed")
            assert await console.shows("no trade in …0001")
            assert ACCOUNT not in console.text


async def test_tab_moves_to_the_figures_and_the_filter_is_of_the_alerts() -> None:
    async with driven(scenes.alerted(), size=(80, 24)) as console:
        await console.press("a")
        assert "Oct 23" not in console.text
        await console.press("tab", "G")
        assert await console.shows("Oct 23")
        await console.press("slash", *"retry", "enter")
        assert await console.shows("/retry 0 of 2")
        await console.press("q", "q")
        assert isinstance(console.app.screen, Dashboard)
        assert console.engine.sent == []


@pytest.mark.parametrize("key", ["a", "escape"])
async def test_it_is_left_by_the_keys_that_leave(key: str) -> None:
    async with driven(scenes.alerted(), size=(80, 24)) as console:
        await console.press("a", key)
        assert isinstance(console.app.screen, Dashboard)


async def test_without_alerts_or_figures_it_says_what_would_be_here_and_follows_what_comes() -> None:
    async with driven(replace(scenes.calm(), figures=figures_of((), (), (), {})), size=(80, 24)) as console:
        await console.press("a", "space", "enter")
        assert await console.shows("no alert is open and none closed lately")
        assert await console.shows("no session is recorded yet")
        hostile = parts.alert(text="[/x] [red]" + "very long " * 60 + "\x1b[2J", whom="")
        console.engine.current = replace(scenes.alerted(), alerts=(hostile,))
        await console.pull()
        assert await console.shows("20 sessions, 2025-10-23 to 2025-11-19")
        assert await console.shows("[/x] [red]very long")
        await console.press("enter")
        assert await console.shows("·[2J")


async def test_the_dashboard_counts_open_alerts_and_says_the_unseen_critical_one() -> None:
    async with driven(scenes.alerted(), size=(80, 24)) as console:
        assert "▲ 2" in console.text.splitlines()[0]
        assert "ALERT: …0001: nothing filled in 5 sessions" in console.text.splitlines()[3], "below the accounts"
        assert await console.shows("Press a.")
        seen = replace(parts.alert(), seen_by="ada")
        console.engine.current = replace(scenes.alerted(), alerts=(seen,))
        await console.pull()
        await console.pilot.pause()
        assert "ALERT" not in console.text
        console.engine.current = scenes.calm()
        await console.pull()
        assert "▲ 2" not in console.text.splitlines()[0]
