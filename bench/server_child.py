"""A server in a process of its own. Its first line of output names its port; it ends with its standard input."""

from __future__ import annotations

import os
import subprocess
import sys
from types import TracebackType
from typing import IO

READY = "ready port="
STOP_TIMEOUT_S = 10.0


class ServerChild:
    """Runs `python -m MODULE WORDS` within a `with` block. `port` is set from its start on."""

    def __init__(self, module: str, *words: str) -> None:
        self._module = module
        self._words = words
        self.port = 0

    def __enter__(self) -> ServerChild:
        self._process = subprocess.Popen(
            [sys.executable, "-m", self._module, *self._words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        line = self.output.readline()
        if not line.startswith(READY):
            raise RuntimeError(f"{self._module} did not start: {line!r}")
        self.port = int(line.removeprefix(READY))
        return self

    @property
    def output(self) -> IO[str]:
        """The standard output of the server."""
        if self._process.stdout is None:
            raise RuntimeError("the server has no output")
        return self._process.stdout

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.output.close()


def pin(core: int) -> None:
    """Keeps this process on one core, if the platform can do so and there are several."""
    if hasattr(os, "sched_setaffinity") and len(allowed := sorted(os.sched_getaffinity(0))) > 1:
        os.sched_setaffinity(0, {allowed[core]})
