"""The demo's own world: a simulator in a process of its own, which ends when we do."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from core.ids import RandomIds
from senex_tui.refusals import Refused

if TYPE_CHECKING:
    from senex_tui.wiring import DemoSimulator

READY_WITHIN_S = 30.0
_READY = "simulator ready port="


class DemoWorld:
    """Starts the simulator at once, so that it loads while the screen does its first paint.

    Every demo has a new simulated account: the entry of an earlier demo holds that account's day, not this one's,
    and nothing recorded is lost.
    """

    def __init__(self, simulator: DemoSimulator) -> None:
        number = int(RandomIds().new(), 16) % 100_000
        self._order = {
            "seed": simulator.seed,
            "speed": simulator.speed,
            "start": None if simulator.start is None else simulator.start.isoformat(),
            "account": f"5WT{number:05d}",
        }
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Starts the process; it ends with our end of its standard input."""
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "core.simulator.child", json.dumps(self._order)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # ctrl-c and a closing terminal are for the console, which then ends this
        )

    def wait_ready(self) -> str:
        """The simulator's address once it listens; blocks, so call it off the loop. Raises Refused."""
        process = self._process
        if process is None or process.stdout is None or process.stderr is None:
            raise Refused("the simulated market was not started.")
        for line in process.stdout:
            if line.startswith(_READY):
                return f"http://127.0.0.1:{int(line.removeprefix(_READY))}"
        said = process.stderr.read().strip().splitlines()
        raise Refused(f"the simulated market did not start: {said[-1] if said else 'it said nothing'}.")

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
