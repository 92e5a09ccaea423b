"""The console over a recorded day: the same screen, keys to move through the day, and no command that leaves it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import BindingType
from textual.events import Key
from textual.screen import Screen

from core.recording.playback import NOTHING_SENT, ReplayClient, ReplayState
from core.runtime.clock import exchange_time
from core.snapshot import EngineState
from senex_tui.console.app import SenexApp
from senex_tui.console.attention import CommandsOnly
from senex_tui.console.crash_screen import in_the_log
from senex_tui.console.key_map import shown_key
from senex_tui.console.keys import AUTOMATION, KEYS, Where, bindings
from senex_tui.console.screens.dashboard import Dashboard
from senex_tui.console.screens.page import Page
from widgets.alarms import alarms

if TYPE_CHECKING:
    from core.snapshot import Snapshot
    from senex_tui.console.view_settings import ViewSettings
    from widgets.banner import Alarm


class ReplayDashboard(Dashboard):
    """The dashboard with the keys of a replay."""

    PLACES = (*Dashboard.PLACES, Where.REPLAY)
    BINDINGS: ClassVar[list[BindingType]] = list(bindings(Where.REPLAY))


class ReplayApp(SenexApp):
    """A console without an engine: quitting asks nothing, for nothing stops."""

    CSS_PATH = Path(__file__).with_name("senex.tcss")

    def __init__(
        self,
        replay: ReplayClient,
        *,
        monotonic: Callable[[], float] | None = None,
        view_settings: ViewSettings | None = None,
        tell_crash: Callable[[BaseException], str] = in_the_log,
        state_folder: Path | None = None,
    ) -> None:
        super().__init__(
            replay,
            monotonic=monotonic,
            view_settings=view_settings,
            tell_crash=tell_crash,
            state_folder=state_folder,
        )
        self._replay = replay
        self.looks = replace(self.looks, bell="off")
        self._attention = CommandsOnly()

    def get_default_screen(self) -> Screen[Any]:
        return ReplayDashboard(self._monotonic)

    def alarms_of(self, snapshot: Snapshot) -> tuple[Alarm, ...]:
        """That this is a replay, before anything that was said then."""
        failed = snapshot.status.engine is EngineState.FAILED
        then: tuple[Alarm, ...] = ((f"ENGINE FAILED: {snapshot.status.failure}", True),) if failed else ()
        return ((replay_words(self._replay.state), False), *then, *alarms(snapshot))

    def why_not(self, action: str) -> str | None:
        """Commands are not possible in a replay; everything else is."""
        name = action.partition("(")[0]
        return NOTHING_SENT if any(key.action == name for key in KEYS if key.group == AUTOMATION) else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Commands are hidden; what moves the replay works on its dashboard only, by its own bindings."""
        return self.why_not(action) is None

    def on_key(self, event: Key) -> None:
        """A key that commands in the live console says why it does nothing here."""
        if isinstance(self.screen, Dashboard | Page):
            commands = [key for key in KEYS if key.group == AUTOMATION and key.display == shown_key(event.key)]
            if commands:
                self.say(f"{commands[0].label.lower()}: {NOTHING_SENT}", "warning")

    def action_step(self, seconds: int) -> None:
        self._replay.step(seconds)
        self.pull()

    def action_frame(self, count: int) -> None:
        self._replay.step_frames(count)
        self.pull()

    def action_cycle(self, direction: int) -> None:
        if not self._replay.to_cycle(direction):
            self.say(f"no cycle began {'after' if direction > 0 else 'before'} this", "information")
        self.pull()

    def action_freeze(self) -> None:
        """To freeze a replay is to hold it."""
        self._replay.play_or_hold()
        self.pull()

    def action_faster(self, steps: int) -> None:
        self._replay.faster(steps)
        self.pull()

    def action_to_start(self) -> None:
        self._replay.to_start()
        self.pull()

    def action_to_end(self) -> None:
        self._replay.to_end()
        self.pull()

    def action_ask_quit(self) -> None:
        self.exit(return_code=0)

    def action_interrupt(self) -> None:
        self.exit(return_code=0)


def replay_words(state: ReplayState) -> str:
    """`REPLAY of demo 2026-11-20 10:31:41 ET x4: nothing here is live`; instead of a speed, that it is held or over."""
    pace = "at its end" if state.ended else f"x{state.speed:g}" if state.playing else "held"
    return f"REPLAY of {state.mode.value} {exchange_time(state.at):%Y-%m-%d %H:%M:%S} ET {pace}: nothing here is live"
