"""The console over a recorded day: the same screen, with keys that move through the day and no commands."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from core.domain.operation.times import stamp
from core.recording.day_file import DayUnreadable
from core.recording.highlights import Highlight, cycles_of, trades_of
from core.recording.playback import NOTHING_SENT, RecordedDay, ReplayClient, ReplayState
from senex_tui.console.attention import CommandsOnly
from senex_tui.console.keys import COMMANDING, KEYS, Where, bindings
from senex_tui.console.screens.dashboard import Dashboard
from senex_tui.console.viewer_app import ViewerApp, ViewOptions
from widgets.alarms import alarms
from widgets.timeline import Timeline, TimelineView

if TYPE_CHECKING:
    from core.snapshot import Snapshot
    from widgets.banner import Alarm

log = logging.getLogger(__name__)


class ReplayDashboard(Dashboard):
    """The dashboard with the keys of a replay, and above them its timeline."""

    PLACES = (*Dashboard.PLACES, Where.REPLAY)
    BINDINGS: ClassVar[list[BindingType]] = list(bindings(Where.REPLAY))

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield Timeline(id="timeline")


class ReplayApp(ViewerApp):
    """A replay sends no command. A key that would send one says why it does not."""

    def __init__(self, replay: ReplayClient, **options: Unpack[ViewOptions]) -> None:
        super().__init__(replay, **options)
        self._replay = replay
        self.display_settings = replace(self.display_settings, bell="off")
        self._attention = CommandsOnly()
        self._trades: tuple[Highlight, ...] = ()
        self._marks = _placed(replay.day, cycles_of(replay.day))
        self._searched: float | None = 0.0
        self._trouble = ""

    def _look_file(self) -> Path | None:
        """A day that is played is no look at the present."""
        return None

    def get_default_screen(self) -> Screen[Any]:
        return ReplayDashboard(self._monotonic)

    def on_mount(self) -> None:
        self.run_worker(self._look_through, thread=True, exit_on_error=False)

    def pull(self) -> None:
        super().pull()
        for timeline in self.screen_stack[0].query(Timeline) if self.screen_stack else ():
            timeline.show(self._timeline())

    def _timeline(self) -> TimelineView:
        day = self._replay.day
        first, last = day.time(0), day.time(len(day) - 1)
        return TimelineView(first, last, self._replay.state.share, self._marks, self._searched, self._trouble)

    def _look_through(self) -> None:
        """Finds fills and exits on a thread of its own; the day can be played meanwhile."""
        day = self._replay.day.again()
        try:
            trades = trades_of(day, self._has_searched)
        except Exception as error:  # the day is played all the same
            log.exception("fills and exits were not found")
            self.call_from_thread(self._found, (), "fills not found" if isinstance(error, DayUnreadable) else "error")
        else:
            self.call_from_thread(self._found, trades, "")

    def _has_searched(self, share: float) -> None:
        self._searched = share  # the next pull shows it

    def _found(self, trades: tuple[Highlight, ...], trouble: str) -> None:
        self._trades, self._searched, self._trouble = trades, None, trouble
        self._marks += _placed(self._replay.day, trades)
        self.pull()

    def on_timeline_jump(self, jump: Timeline.Jump) -> None:
        self._replay.to_share(jump.share)
        self.pull()

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

    def action_highlight(self, direction: int) -> None:
        frames = [each.frame for each in self._trades]
        if self._searched is not None:
            self.say(f"still looking for fills and exits: {int(100 * self._searched)} %", "information")
        elif not self._replay.to_one_of(frames, direction):
            self.say(f"no fill and no exit {'after' if direction > 0 else 'before'} this", "information")
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


def _placed(day: RecordedDay, found: Sequence[Highlight]) -> tuple[tuple[float, str], ...]:
    return tuple((day.share(each.frame), each.mark.value) for each in found)


def replay_words(state: ReplayState) -> str:
    """`REPLAY of demo 2026-11-20 10:31:41 ET x4: nothing here is live`; `held` or `at its end` in place of a speed."""
    pace = "at its end" if state.ended else f"x{state.speed:g}" if state.playing else "held"
    return f"REPLAY of {state.mode.value} {stamp(state.at)} {pace}: nothing here is live"
