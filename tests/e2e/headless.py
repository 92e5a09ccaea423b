"""Runs `senex run --headless` with records in PostgreSQL, as if on a machine of its own."""

from __future__ import annotations

import subprocess
import time
from contextlib import suppress

from tests.e2e.simulated_broker import SimulatedBroker
from tests.support.senex_command import SENEX, Box

WITHIN_S = 40.0


class Headless:
    """A headless trader with a home and locks of its own."""

    def __init__(self, box: Box, broker: SimulatedBroker, url: str, name: str, **environment: str) -> None:
        home = box.home / name
        home.mkdir()
        self._out = home / "out"
        with self._out.open("wb") as out:
            self.process = subprocess.Popen(
                [SENEX, "run", "--headless"],
                env=broker.environment(Box(home), SENEX_DATABASE__URL=url, **environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=home,
            )

    def said(self) -> str:
        return self._out.read_text(encoding="utf-8")

    def until(self, words: str) -> None:
        until = time.monotonic() + WITHIN_S
        while words not in self.said():
            assert time.monotonic() < until, f"never said {words!r}:\n{self.said()}"
            assert self.process.poll() is None, f"ended before it said {words!r}:\n{self.said()}"
            time.sleep(0.05)

    def end(self) -> None:
        with suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
