"""The world of one `senex demo`: a simulator in a process of its own, which ends with the demo."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.domain.operation.failures import failure_words
from core.domain.operation.mode import Mode
from core.runtime.children import child_environment, python_child
from core.runtime.ids import RandomIds
from senex_tui.support.refusals import Refused
from senex_tui.trader.place import Place

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from core.config.folders import Folders
    from core.records.records import Records
    from senex_tui.run.lived.kept import KeptDays

SAVED_WITHIN_S = 30.0
_READY = "simulator ready port="
DEMO_LOGIN = ("secret-ok", "refresh-ok")
"""The simulator's own credentials; they open nothing else."""


@dataclass(frozen=True, slots=True)
class DemoSimulator:
    """The simulated market a demo opens on; `start` None is 15 wall seconds before the 09:45 slot."""

    speed: float = 1.0
    start: datetime | None = None
    seed: int = 7
    past: KeptDays | None = None
    """The days before it, whose account and records it goes on with; None begins without a past."""


class DemoWorld:
    """The simulator's process, and where the records of this demo are.

    Every demo is a world of its own, with its own account and records: what happened in an earlier demo did not happen
    in this one, and nothing recorded is lost. Only a pause is carried over, because the operator asked for it.
    """

    def __init__(self, simulator: DemoSimulator) -> None:
        ids = RandomIds()
        self.name = ids.new()[:12]
        """The name of the world's folder. It is not the account number, which must stay in the records (rules 13.7)."""
        self._past = past = simulator.past
        self.seed, self.speed = simulator.seed, simulator.speed
        self.account = f"5WT{int(ids.new(), 16) % 100_000:05d}" if past is None else past.account
        self.code = self.name if past is None else past.code
        """What stands in its state files for the code that wrote them: no other run reads them."""
        self.state: Path | None = None
        """The file with the state that its simulator begins from, or was saved to."""
        self.was_opened = False
        """Whether a console was open on it already."""
        self._start = None if simulator.start is None else simulator.start.isoformat()
        self._save_to: Path | None = None
        self._port = 0
        self._process: subprocess.Popen[str] | None = None

    def place(self, folders: Folders) -> Place:
        """Where the world's records are: in a file of its own, whatever database.url says."""
        beside = folders.records(Mode.DEMO.value).parent / "worlds" / self.name
        return Place(Mode.DEMO, beside / "records.sqlite3", folders.halt_file, demo=self.name)

    def settle_in(self, folder: Path) -> None:
        """Brings the records and the state of its past into the world's folder, once. Raises OSError."""
        self._save_to = folder / "simulator.json"
        past, self._past = self._past, None
        if past is None:
            return
        shutil.copy2(past.records, folder / "records.sqlite3")
        shutil.copy2(past.state, self._save_to)
        self.state = self._save_to

    def start(self) -> None:
        """Starts the process. It ends when its standard input is closed, also when this process is killed."""
        order = {
            "seed": self.seed,
            "speed": self.speed,
            "start": self._start,
            "account": self.account,
            "code": self.code,
            "state": None if self.state is None else str(self.state),
            "save_to": None if self._save_to is None else str(self._save_to),
        }
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            python_child("core.simulator.wire.child", json.dumps(order)),
            env=child_environment(os.environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # ctrl+c and a hangup reach only the console, which then ends this
        )

    def wait_ready(self) -> str:
        """Waits until the simulator listens and returns its address. Blocks: call it on a thread. Raises Refused."""
        process = self._process
        if process is None or process.stdout is None or process.stderr is None:
            raise Refused("the simulated market was not started.")
        for line in process.stdout:
            if line.startswith(_READY):
                self._port = int(line.removeprefix(_READY))
                return f"http://127.0.0.1:{self._port}"
        said = process.stderr.read().strip().splitlines()
        raise Refused(f"the simulated market did not start: {said[-1] if said else 'it said nothing'}.")

    def save(self) -> None:
        """Has the simulator write its state, from which it begins the next time. Nothing may change it any more.

        Blocks. Raises Refused.
        """
        from http.client import HTTPConnection, HTTPException

        connection = HTTPConnection("127.0.0.1", self._port, timeout=SAVED_WITHIN_S)
        try:
            connection.request("POST", "/simulator/save", b"{}", {"Content-Type": "application/json"})
            self._start = str(json.load(connection.getresponse())["data"]["at"])
        except (OSError, HTTPException, ValueError, KeyError) as error:
            words = failure_words(error)
            raise Refused(f"the simulated market could not be saved ({words}); start another demo.") from None
        finally:
            connection.close()
        self.state = self._save_to

    def move_to(self, state: Path, at: datetime) -> None:
        """Begins the next time from this state, at this instant. Raises OSError."""
        if self._save_to is None:
            raise Refused("the world has no folder yet.")
        self.state, self._start = state.replace(self._save_to), at.isoformat()

    def stop(self) -> None:
        """Ends the process and waits for it."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


async def carry_pause(world: Path, records: Records) -> None:
    """Pauses a new world when the newest earlier one was left paused, with the who, when and why of that pause.

    `world` is the new world's folder. Earlier records that cannot be read, such as those of an older version, are
    passed over. Raises RecordsError when the pause cannot be recorded.
    """
    from core.domain.operation.commands import CommandKind
    from core.guards.stop_files import FOLDER, StopFiles
    from core.records.records import Records, RecordsError

    others = [path for path in world.parent.glob("*/records.sqlite3") if path.parent != world]
    if not others:
        return
    newest = max(others, key=lambda path: path.stat().st_mtime)
    try:
        before = await Records.open(f"sqlite+aiosqlite:///{newest}", trader=False)
    except RecordsError:
        return
    try:
        left = await before.trading.read()
    finally:
        await before.close()
    if left.state == "paused" and left.at is not None:
        await records.trading.pause(left.who, left.why, left.at)
    for kept in StopFiles(newest.parent / FOLDER).kept():  # asked, and not recorded before that demo ended
        if kept.command is not None and kept.command.kind is CommandKind.PAUSE:
            await records.trading.pause(kept.command.who, kept.command.note, kept.command.at)
