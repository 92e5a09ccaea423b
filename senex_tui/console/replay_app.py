"""The console over a recorded day: the same screen, with keys that move through the day and no commands."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from textual.binding import BindingType
from textual.screen import Screen

from core.domain.operation.times import stamp
from core.recording.playback import NOTHING_SENT, ReplayClient, ReplayState
from senex_tui.console.attention import CommandsOnly
from senex_tui.console.keys import COMMANDING, KEYS, Where, bindings
from senex_tui.console.screens.dashboard import Dashboard
from senex_tui.console.viewer_app import ViewerApp, ViewOptions
from widgets.alarms import alarms

if TYPE_CHECKING:
    from core.snapshot import Snapshot
    from widgets.banner import Alarm


class ReplayDashboard(Dashboard):
    """The dashboard with the keys of a replay."""

    PLACES = (*Dashboard.PLACES, Where.REPLAY)
    BINDINGS: ClassVar[list[BindingType]] = list(bindings(Where.REPLAY))


class ReplayApp(ViewerApp):
    """A replay sends no command. A key that would send one says why it does not."""

    def __init__(self, replay: ReplayClient, **options: Unpack[ViewOptions]) -> None:
        super().__init__(replay, **options)
        self._replay = replay
        self.display_settings = replace(self.display_settings, bell="off")
        self._attention = CommandsOnly()

    def get_default_screen(self) -> Screen[Any]:
        return ReplayDashboard(self._monotonic)

    def alarms_of(self, snapshot: Snapshot) -> tuple[Alarm, ...]:
        """Says first that this is a replay, then what the recorded console said."""
        return ((replay_words(self._replay.state), False), *self.failure_of(snapshot), *alarms(snapshot))

    def why_not(self, action: str) -> str | None:
        """Commands are not possible in a replay; every other action is."""
        name = action.partition("(")[0]
        return NOTHING_SENT if any(key.action == name for key in KEYS if key.group in COMMANDING) else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Hides the commands. The keys that move the replay are bound by its dashboard and work there only."""
        return self.why_not(action) is None

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
        """Holds the replay, or lets it go on: the key that freezes the view of the live console."""
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


def replay_words(state: ReplayState) -> str:
    """`REPLAY of demo 2026-11-20 10:31:41 ET x4: nothing here is live`; `held` or `at its end` in place of a speed."""
    pace = "at its end" if state.ended else f"x{state.speed:g}" if state.playing else "held"
    return f"REPLAY of {state.mode.value} {stamp(state.at)} {pace}: nothing here is live"
