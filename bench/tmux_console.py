"""A console in tmux, with an attached client that gets the bytes an SSH client would get."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from uuid import uuid4

from bench.counted_console import QuoteCounter
from bench.pty_child import COLUMNS, ROWS, PtyChild

TIMEOUT_S = 40.0
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
FOCUS_IN, FOCUS_OUT = b"\x1b[I", b"\x1b[O"


@dataclass(frozen=True, slots=True)
class Load:
    """The load of a console: `cpu` in % of one core, `rate` in bytes per second to the client, `quotes` per second."""

    cpu: float
    rate: float
    quotes: float


class TmuxConsole:
    """Runs a console on the broker at this port, within a `with` block. `home` is its home folder."""

    def __init__(self, kind: str, port: int, home: Path) -> None:
        self._socket = f"senex-bench-{uuid4().hex[:8]}"
        self._counts_file = home / "counts"
        self._counts = QuoteCounter(self._counts_file)
        self._kind = kind
        self._home = home
        self._environ = {
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "PATH": os.environ["PATH"],
            "TERM": "xterm-256color",
            "SENEX_BROKER__URL": f"http://127.0.0.1:{port}",
            "SENEX_TRADING__STABILIZATION_SECONDS": "0.5",
            "TT_SECRET": "secret-ok",
            "TT_REFRESH": "refresh-ok",
        }

    def __enter__(self) -> TmuxConsole:
        with ExitStack() as stack:
            stack.callback(self._tmux, "kill-server")
            words = (self._kind, str(self._counts_file), str(os.getpid()))
            command = shlex.join([sys.executable, "-m", "bench.counted_console", *words])
            size = ("-x", str(COLUMNS), "-y", str(ROWS))
            settings = ("set", "-g", "status", "off", ";", "set", "-g", "focus-events", "on", ";")
            self._tmux("start-server", ";", *settings, "new-session", "-d", *size, f"exec {command}")
            self.pid = int(self._tmux("display-message", "-p", "#{pane_pid}"))
            argv = ["tmux", "-L", self._socket, "-f", "/dev/null", "attach"]
            self._client = stack.enter_context(PtyChild(argv, self._home))
            self._open = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def _tmux(self, *words: str) -> str:
        argv = ["tmux", "-L", self._socket, "-f", "/dev/null", *words]
        done = subprocess.run(argv, env=self._environ, capture_output=True, text=True, timeout=10, check=False)
        return done.stdout

    def press(self, keys: bytes) -> None:
        """Types keys into the terminal of the client."""
        os.write(self._client.terminal, keys)

    def wait_for(self, words: str) -> None:
        """Waits until these words are on the screen. Raises RuntimeError after TIMEOUT_S."""
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            self.drain(0.1)
            shown = self._tmux("capture-pane", "-p")
            if words in shown:
                return
        raise RuntimeError(f"{words!r} did not appear:\n{shown}")

    def wait_gone(self, words: str) -> None:
        """Waits until these words are no longer on the screen. Raises RuntimeError after TIMEOUT_S."""
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            self.drain(0.02)
            if words not in self._tmux("capture-pane", "-p"):
                return
        raise RuntimeError(f"{words!r} did not go")

    def drain(self, seconds: float) -> int:
        """Reads the output to the client for so long. Returns the number of bytes."""
        deadline = time.monotonic() + seconds
        got = 0
        while (left := deadline - time.monotonic()) > 0:
            got += len(self._client.read(left))
        return got

    def load(self, seconds: float) -> Load:
        """The load of the console over so many seconds."""
        cpu, quotes, started = self._cpu_s(), self._counts.value, time.monotonic()
        got = self.drain(seconds)
        took = time.monotonic() - started
        return Load(100 * (self._cpu_s() - cpu) / took, got / took, (self._counts.value - quotes) / took)

    def paint_ms(self, keys: bytes, marker: bytes) -> float:
        """Milliseconds from these keys to the first bytes that show their effect."""
        self.drain(0.001)
        started = time.perf_counter()
        self.press(keys)
        seen = b""
        while marker not in seen:
            if time.perf_counter() - started > TIMEOUT_S:
                raise RuntimeError(f"{keys!r} was not answered by {marker!r}; {seen[-300:]!r}")
            seen = seen[-len(marker) :] + self._client.read(1.0)
        return (time.perf_counter() - started) * 1000

    def _cpu_s(self) -> float:
        """The CPU seconds of the console's process so far, from the 14th and 15th word of /proc/PID/stat."""
        line = Path(f"/proc/{self.pid}/stat").read_text()
        user, system = line.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / TICKS_PER_S
