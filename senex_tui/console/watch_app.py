"""The console of a watcher: it shows the screen of a trader elsewhere, and says first when that is old."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from core.domain.operation.commands import WATCHER_COMMANDS, CommandKind
from core.remote.watch_client import FOREIGN, NOT_FROM_HERE, READS_ONLY, UNSEEN_S, WatchClient, WatchState
from core.snapshot import Watching
from senex_tui.console.actions.exit_questions import HELD
from senex_tui.console.actions.permission import HELD_ELSEWHERE
from senex_tui.console.keys import COMMANDING, KEYS
from senex_tui.console.viewer_app import ViewerApp, ViewOptions
from widgets.alarms import alarms

if TYPE_CHECKING:
    from core.snapshot import Snapshot
    from widgets.banner import Alarm

_COMMANDS = frozenset(key.action for key in KEYS if key.group in COMMANDING)
_ALLOWED = frozenset(kind.value for kind in (*WATCHER_COMMANDS, CommandKind.EXITS))
"""The commanding actions that a watcher with the operator's role may use; each is named as its command. Exits it may
hold alone: that they go on is refused (`may_watcher_send`)."""


class WatchApp(ViewerApp):
    """`watching` says whether this watcher only looks or has the operator's role."""

    def __init__(self, client: WatchClient, watching: Watching, **options: Unpack[ViewOptions]) -> None:
        super().__init__(client, **options)
        self._watched = client
        self._watching = watching

    def alarms_of(self, snapshot: Snapshot) -> tuple[Alarm, ...]:
        """Says first what is old, then what the trader's own console says.

        While the trader is not seen, that its engine stands still is left out: it follows.
        """
        state = self._watched.state
        old = watching_alarms(state)
        if old and not state.lives:
            return (*old, *self.failure_of(snapshot), *alarms(snapshot))
        return (*old, *super().alarms_of(snapshot))

    def why_not(self, action: str) -> str | None:
        """A watcher sends no command. One with the operator's role may send some, when the trader's state allows."""
        if action in _COMMANDS and self._watching is not Watching.OPERATOR:
            return READS_ONLY
        if action in _COMMANDS - _ALLOWED:
            return NOT_FROM_HERE
        exits = self._watched.snapshot().status.exits
        if action == CommandKind.EXITS.value and exits is not None and exits.word == HELD:
            return HELD_ELSEWHERE
        return super().why_not(action)


def watching_alarms(state: WatchState) -> tuple[Alarm, ...]:
    """The alarms about the trader and the way to it; none while the trader is seen and all is well."""
    said: list[Alarm] = []
    old = ""
    if state.unseen_s is not None and not state.lives:
        old = f"The trader has not been seen for {_seconds(state.unseen_s)}: what you see is old."
    elif state.unseen_s is None and state.waited_s >= UNSEEN_S:
        old = "No trader has been seen yet: what you see is from the records. It needs redis.url too."
    if state.trouble:
        said.append((f"{state.trouble}. {old}".rstrip(), True))
    elif old:
        said.append((old, True))
    if state.foreign:
        said.append((f"NOT THESE RECORDS: {FOREIGN}", True))
    return tuple(said)


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
