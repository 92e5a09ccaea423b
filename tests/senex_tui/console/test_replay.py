"""The console on a recorded day: the same screen, moved by keys, that can command nothing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from core.domain.operation.commands import CommandKind
from core.recording.day_file import DayUnreadable
from core.recording.highlights import Highlight, trades_of
from core.recording.playback import RecordedDay, ReplayClient
from core.snapshot import Level, Mode, Snapshot
from senex_tui.console import replay_app
from senex_tui.console.keys import AUTOMATION, KEYS, Where
from senex_tui.console.replay_app import ReplayApp
from senex_tui.console.screens.alerts import AlertsPage
from senex_tui.console.screens.dashboard import Dashboard
from tests.core.recording.days import moment, recorded, session, traded
from tests.support.console import scenes
from tests.support.console.driver import Ticker
from widgets.timeline import Timeline


@dataclass
class Replayed:
    app: ReplayApp
    replay: ReplayClient
    pilot: Pilot[None]
    ticker: Ticker

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def pass_s(self, seconds: float) -> None:
        self.ticker.now += seconds
        self.app.pull()
        await self.pilot.pause()

    @property
    def text(self) -> str:
        return "\n".join(strip.text.rstrip() for strip in self.app.screen._compositor.render_strips())

    @property
    def timeline(self) -> str:
        return self.text.splitlines()[-2]

    async def searched(self) -> None:
        """Waits until the day has been looked through for trades."""
        async with asyncio.timeout(20):
            while "looking for fills" in self.timeline:
                await self.pass_s(0)
                await self.pilot.pause(0.01)

    @property
    def toasts(self) -> list[str]:
        return [notification.message for notification in self.app._notifications]


@asynccontextmanager
async def replayed(
    folder: Path, moments: list[Snapshot] | None = None, *, speed: float = 1, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[Replayed]:
    ticker = Ticker()
    replay = ReplayClient(recorded(folder, moments), ticker, speed)
    app = ReplayApp(replay, monotonic=ticker)
    async with app.run_test(size=size) as pilot:
        console = Replayed(app, replay, pilot, ticker)
        await console.pass_s(0)
        yield console
    assert app._exception is None


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_replay_says_that_it_is_one_and_its_time_and_speed(tmp_path: Path, size: tuple[int, int]) -> None:
    async with replayed(tmp_path, speed=4, size=size) as console:
        assert "REPLAY of demo 2026-11-20 10:00:00 ET x4: nothing here is live" in console.text
        assert "REPLAY 4x" in console.text.splitlines()[0]
        assert " DEMO " not in console.text.splitlines()[0]
        await console.pass_s(5)
        assert "10:00:20 ET x4" in console.text
        await console.press("space")
        assert "10:00:20 ET held: nothing here is live" in console.text
        await console.pass_s(60)
        assert "10:00:20 ET held" in console.text
        assert "has not moved" not in console.text
        assert "VIEW FROZEN" not in console.text
        await console.press("dollar_sign")
        assert "11:00:00 ET at its end" in console.text


async def test_its_keys_move_through_the_day(tmp_path: Path) -> None:
    async with replayed(tmp_path) as console:
        for key, then in (
            ("right", "10:01:00"),
            ("shift+right", "10:16:00"),
            ("left", "10:15:00"),
            ("shift+left", "10:00:00"),
            ("n", "10:05:00"),
            ("n", "10:20:00"),
            ("b", "10:05:00"),
            ("full_stop", "10:05:10"),
            ("comma", "10:05:00"),
            ("dollar_sign", "11:00:00"),
            ("0", "10:00:00"),
        ):
            await console.press(key)
            assert f"{then} ET" in " ".join(console.text.splitlines()[1:3]), key
        await console.press("plus", "plus", "minus")
        assert "REPLAY 2x" in console.text


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (200, 55)], ids=lambda s: f"{s[0]}x{s[1]}")
async def test_its_timeline_shows_the_day_what_happened_and_where_it_stands(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with replayed(tmp_path, traded(), size=size) as console:
        await console.searched()
        row = console.timeline
        assert row.startswith(" 10:00 ▶")
        assert row.endswith(" 12:29")
        assert len(row) == size[0] - 1
        marks = [sign for sign in row if sign in "FX"]
        assert marks == ["F", "X", "X"]
        await console.press("dollar_sign")
        assert console.timeline[6:].replace("F", "━").replace("X", "━").startswith(" ━━━━━━━")
        assert console.timeline.endswith("▶ 12:29")


async def test_a_click_on_the_timeline_and_keys_go_to_what_happened(tmp_path: Path) -> None:
    async with replayed(tmp_path, traded()) as console:
        await console.searched()
        for key, then in ((">", "10:33:20"), (">", "11:23:30"), (">", "11:48:20"), ("<", "11:23:30")):
            await console.press("greater_than_sign" if key == ">" else "less_than_sign")
            assert f"{then} ET" in console.text.splitlines()[2], then
        place = console.timeline.index("F")
        await console.pilot.click(Timeline, offset=(place, 0))
        await console.pass_s(0)
        assert " 10:3" in console.text.splitlines()[2]
        await console.press("0", "less_than_sign")
        assert console.toasts[-1] == "no fill and no exit before this"


async def test_while_it_looks_through_the_day_it_says_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, goes_on = threading.Event(), threading.Event()

    def slowly(day: RecordedDay, told: Callable[[float], None]) -> tuple[Highlight, ...]:
        told(0.34)
        looked.set()
        assert goes_on.wait(10)
        return trades_of(day, told)

    monkeypatch.setattr(replay_app, "trades_of", slowly)
    async with replayed(tmp_path, traded()) as console:
        while not looked.is_set():
            await console.pilot.pause(0.01)
        await console.press("greater_than_sign")
        assert console.timeline.endswith("12:29  looking for fills 34 %")
        assert console.toasts[-1] == "still looking for fills and exits: 34 %"
        goes_on.set()
        await console.searched()
        assert "F" in console.timeline


async def test_a_day_that_cannot_be_read_to_its_end_is_played_without_its_trades(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(day: RecordedDay, told: Callable[[float], None]) -> tuple[Highlight, ...]:
        raise DayUnreadable("frame 7")

    monkeypatch.setattr(replay_app, "trades_of", damaged)
    async with replayed(tmp_path) as console:
        await console.searched()
        assert console.timeline.endswith("11:00  fills not found")
        await console.press("n")
        assert "10:05:00 ET" in console.text.splitlines()[2]


async def test_an_unchanged_timeline_is_not_painted_again(tmp_path: Path) -> None:
    async with replayed(tmp_path, traded()) as console:
        await console.searched()
        await console.press("space")
        timeline = console.app.screen.query_one(Timeline)
        painted: list[object] = []
        monkey = timeline.refresh
        timeline.refresh = lambda *regions, **more: painted.append(regions) or monkey(*regions, **more)  # type: ignore[method-assign,assignment]
        for _ in range(5):
            await console.pass_s(1)
        assert painted == []


async def test_it_says_when_there_is_no_further_cycle(tmp_path: Path) -> None:
    async with replayed(tmp_path) as console:
        await console.press("b")
        assert console.toasts == ["no cycle began before this"]


async def test_no_key_commands_anything_and_each_says_so(tmp_path: Path) -> None:
    async with replayed(tmp_path) as console:
        footer = console.text.splitlines()[-1]
        assert "Pause" not in footer
        assert "Next cycle" in footer
        for key in {key.key for key in KEYS if key.group == AUTOMATION}:
            await console.press(key)
            assert "nothing here is live, and nothing was sent" in console.text.splitlines()[-1]
        assert console.replay.snapshot().commands == ()
        console.app.send(CommandKind.ACKNOWLEDGE, target="7")
        await console.pass_s(0)
        assert "acknowledge refused: this is a replay" in console.toasts[-1]


async def test_a_day_of_live_trading_is_not_taken_for_live(tmp_path: Path) -> None:
    moments = [replace(m, status=replace(m.status, mode=Mode.LIVE)) for m in session(minutes=2)]
    async with replayed(tmp_path, moments) as console:
        assert "REPLAY of live 2026-11-20" in console.text
        assert " LIVE " not in console.text.splitlines()[0]
        assert not console.app.screen.has_class("-live")


async def test_critical_messages_of_the_recorded_day_ring_no_bell(tmp_path: Path) -> None:
    bad = replace(moment(0).messages[0], number=99, level=Level.CRITICAL, text="order lost")
    async with replayed(tmp_path, [moment(0), moment(10, messages=(bad,))]) as console:
        await console.press("right")
        assert console.toasts == []
        assert "order lost" in console.text


async def test_the_panels_dialogs_and_help_are_the_console_s_own(tmp_path: Path) -> None:
    alerted = [replace(scenes.alerted(), status=moment(s).status) for s in (0, 60)]
    async with replayed(tmp_path, alerted) as console:
        await console.press("a")
        assert isinstance(console.app.screen, AlertsPage)
        await console.press("right")
        assert console.replay.state.at.minute == 0, "in a dialog the arrows are the dialog's"
        await console.press("q", "question_mark", "slash", *"replay")
        assert "in a replay: to the start of the next cycle" in console.text
        await console.press("enter", "q", "q", "z", "z", "4", "q")
    assert console.app.return_code == 0, "and q leaves: nothing stops, so nothing is asked"


async def test_the_records_are_not_asked_and_their_page_says_so(tmp_path: Path) -> None:
    async with replayed(tmp_path) as console:
        await console.press("h")
        assert "this is a replay; it has no records to ask" in console.text


def test_no_key_of_a_replay_means_two_things() -> None:
    of_the_console = {key.key for key in KEYS if key.where in Dashboard.PLACES}
    assert of_the_console.isdisjoint(key.key for key in KEYS if key.where is Where.REPLAY)
