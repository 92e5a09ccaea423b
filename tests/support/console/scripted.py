"""The console over a stand-in for the engine, in a real terminal.

Run it as `python -m tests.support.console.scripted SCENE RECORD [ascii]`.

Every command and the end of the engine are written to the record file; a pause is answered with PAUSED.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from senex_tui.support.terminal import prepare_environment

prepare_environment(os.environ)

from core.domain.operation.commands import CommandKind, CommandState  # noqa: E402
from core.snapshot import Automation  # noqa: E402
from senex_tui.console.app import SenexApp  # noqa: E402
from senex_tui.console.view_settings import Looks, ViewSettings  # noqa: E402
from tests.support.console.scenes import SCENES, FixedEngine  # noqa: E402


class ScriptedEngine(FixedEngine):
    def __init__(self, scene: str, record: Path) -> None:
        super().__init__(SCENES[scene]())
        self.record = record

    def send(self, kind: CommandKind, *, target: str = "", note: str = "") -> str:
        number = super().send(kind, target=target, note=note)
        with self.record.open("a") as file:
            file.write(f"{kind.value}\n")
        if kind is CommandKind.PAUSE:
            self.status(automation=Automation.PAUSED)
            self.settle(CommandState.DONE, "paused by operator")
        return number

    async def stop(self) -> None:
        with self.record.open("a") as file:
            file.write("stopped\n")


if __name__ == "__main__":
    engine = ScriptedEngine(sys.argv[1], Path(sys.argv[2]))
    view = ViewSettings(None, Looks(ascii="ascii" in sys.argv[3:]))
    SenexApp(engine, stop_engine=engine.stop, view_settings=view).run(mouse=False)
    sys.stdout.write("back at the shell\n")
