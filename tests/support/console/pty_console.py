"""The scripted console on a pseudo terminal of its own, which can stall, change its size and hang up."""

from __future__ import annotations

import os
import pty
import re
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSCTTY, TIOCSWINSZ

ROOT = Path(__file__).parents[3]
DEADLINE_S = 40.0
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_SEQUENCES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07")


class PtyConsole:
    """Use it in a `with` block. `words` are those of tests.support.console.scripted after the record's file.

    Without `controlling` the terminal sends the process no SIGHUP when it goes, as under setsid.
    """

    def __init__(
        self, folder: Path, *words: str, scene: str = "calm", controlling: bool = True, ignoring_hangup: bool = False
    ) -> None:
        self.record = folder / "record"
        self._ours, theirs = pty.openpty()
        self.resize(120, 40)

        def prepare() -> None:
            if controlling:
                ioctl(0, TIOCSCTTY, 0)
            if ignoring_hangup:
                signal.signal(signal.SIGHUP, signal.SIG_IGN)

        environ = {name: value for name, value in os.environ.items() if name not in ("TMUX", "COLUMNS", "LINES")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.console.scripted", scene, str(self.record), *words],
            env=environ | {"TERM": "xterm-256color", "LC_ALL": "C.UTF-8"},
            cwd=ROOT,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=prepare,
        )
        os.close(theirs)
        os.set_blocking(self._ours, False)
        self._painted = bytearray()

    def __enter__(self) -> PtyConsole:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.hang_up()

    @property
    def text(self) -> str:
        """The words painted since the last `forget`, without sequences: not a screen, but what came to it."""
        return _SEQUENCES.sub("", self._painted.decode(errors="replace"))

    @property
    def painted(self) -> bytes:
        """Every byte since the last `forget`."""
        return bytes(self._painted)

    def forget(self) -> None:
        self._painted.clear()

    def until(self, true: Callable[[], bool], what: str, within_s: float = DEADLINE_S) -> None:
        """Reads until it is true; raises AssertionError after the deadline."""
        deadline = time.monotonic() + within_s
        while not true():
            assert time.monotonic() < deadline, f"{what} did not come; painted was {self.text[-1500:]!r}"
            self._read()

    def until_painted(self, *words: str) -> None:
        self.until(lambda: all(word in self.text for word in words), repr(words))

    def until_gone(self, within_s: float = DEADLINE_S) -> int:
        """The exit code. The process must end by itself within so many seconds."""
        self.until(lambda: self.process.poll() is not None, "the end", within_s)
        return self.process.returncode

    def press(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def resize(self, columns: int, rows: int) -> None:
        ioctl(self._ours, TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def stall(self) -> None:
        """Reads nothing more; returns once a busy console stands still, because it can paint nothing more."""
        used, since, deadline = -1.0, time.monotonic(), time.monotonic() + DEADLINE_S
        while time.monotonic() - since < 3.0:
            now = self.cpu_s()
            if now > used:
                used, since = now, time.monotonic()
            assert time.monotonic() < deadline, "the console still paints"
            time.sleep(0.05)

    def hang_up(self) -> None:
        """Closes our end: the terminal is gone."""
        if self._ours >= 0:
            os.close(self._ours)
            self._ours = -1

    def is_stopped(self) -> bool:
        return self._stat()[0] == "T"

    def threads(self) -> int:
        return int(self._stat()[17])

    def cpu_s(self) -> float:
        user, system = self._stat()[11:13]
        return (int(user) + int(system)) / TICKS_PER_S

    def recorded(self) -> list[str]:
        return self.record.read_text().split() if self.record.exists() else []

    def _stat(self) -> list[str]:
        """The fields of /proc/PID/stat from the third, the state, on."""
        return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(") ")[2].split()

    def _read(self) -> None:
        if self._ours < 0:
            time.sleep(0.05)
            return
        with suppress(OSError):  # nothing there now, or the other end is closed
            self._painted += os.read(self._ours, 65_536)
            return
        time.sleep(0.02)
