"""The base of the consoles that have no engine of their own: a replay, and a watcher of a trader elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from core.snapshot import EngineState
from senex_tui.console.app import SenexApp

if TYPE_CHECKING:
    from core.snapshot import Snapshot
    from senex_tui.console.machine_health import LookAtMachine
    from senex_tui.console.view_settings import ViewSettings
    from widgets.banner import Alarm


class ViewOptions(TypedDict, total=False):
    """The arguments of such a console besides its client; each has the meaning it has in `SenexApp`."""

    monotonic: Callable[[], float] | None
    view_settings: ViewSettings | None
    tell_crash: Callable[[BaseException], str]
    state_folder: Path | None
    look_at_machine: LookAtMachine | None


class ViewerApp(SenexApp):
    """Quitting asks nothing, for nothing stops."""

    def action_ask_quit(self) -> None:
        self.exit(return_code=0)

    def action_interrupt(self) -> None:
        self.exit(return_code=0)

    @staticmethod
    def failure_of(snapshot: Snapshot) -> tuple[Alarm, ...]:
        """That the engine of this snapshot has failed; nothing otherwise."""
        if snapshot.status.engine is not EngineState.FAILED:
            return ()
        return ((f"ENGINE FAILED: {snapshot.status.failure}", True),)
