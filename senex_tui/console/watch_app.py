"""The console of a watcher: the trader's screen, with what is old said first, and no engine to stop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from core.domain.operation.commands import WATCHER_COMMANDS
from core.remote.watch_client import FOREIGN, NOT_FROM_HERE, READS_ONLY, UNSEEN_S, WatchClient, WatchState
from core.snapshot import EngineState, Watching
from senex_tui.console.app import SenexApp
from senex_tui.console.crash_screen import in_the_log
from senex_tui.console.keys import AUTOMATION, KEYS
from widgets.alarms import alarms

if TYPE_CHECKING:
    from core.snapshot import Snapshot
    from senex_tui.console.view_settings import ViewSettings
    from widgets.banner import Alarm

_COMMANDS = frozenset(key.action for key in KEYS if key.group == AUTOMATION)
_ALLOWED = frozenset(kind.value for kind in WATCHER_COMMANDS)


class WatchApp(SenexApp):
    """Quitting asks nothing, for the trader goes on."""

    CSS_PATH = Path(__file__).with_name("senex.tcss")

    def __init__(
        self,
        client: WatchClient,
        watching: Watching,
        *,
        monotonic: Callable[[], float] | None = None,
        view_settings: ViewSettings | None = None,
        tell_crash: Callable[[BaseException], str] = in_the_log,
        state_folder: Path | None = None,
    ) -> None:
        super().__init__(
            client,
            monotonic=monotonic,
            view_settings=view_settings,
            tell_crash=tell_crash,
            state_folder=state_folder,
        )
        self._watched = client
        self._watching = watching

    def alarms_of(self, snapshot: Snapshot) -> tuple[Alarm, ...]:
        """What is old, before what the trader says; that its engine stands still is then no news."""
        state = self._watched.state
        old = watching_alarms(state)
        if old and not state.lives:
            failed = snapshot.status.engine is EngineState.FAILED
            then: tuple[Alarm, ...] = ((f"ENGINE FAILED: {snapshot.status.failure}", True),) if failed else ()
            return (*old, *then, *alarms(snapshot))
        return (*old, *super().alarms_of(snapshot))

    def why_not(self, action: str) -> str | None:
        """A watcher only looks; with the operator's role some commands are possible when they are for the trader."""
        if action in _COMMANDS and self._watching is not Watching.OPERATOR:
            return READS_ONLY
        if action in _COMMANDS - _ALLOWED:
            return NOT_FROM_HERE
        return super().why_not(action)

    def action_ask_quit(self) -> None:
        self.exit(return_code=0)

    def action_interrupt(self) -> None:
        self.exit(return_code=0)


def watching_alarms(state: WatchState) -> tuple[Alarm, ...]:
    """Nothing while the trader was seen within the last seconds and all is well."""
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
