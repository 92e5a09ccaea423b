"""A child process on a pseudo terminal of its own."""

from __future__ import annotations

import os
import pty
import select
import signal
import struct
import subprocess
import time
from collections.abc import Sequence
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSCTTY, TIOCSWINSZ
from types import TracebackType

from bench import end_with

COLUMNS, ROWS = 120, 40
STOP_TIMEOUT_S = 15.0


def _on_its_terminal() -> None:
    """Makes the pseudo terminal the child's own, so that it hears of its end; run between fork and exec."""
    ioctl(0, TIOCSCTTY, 0)
    end_with.parent()


class PtyChild:
    """Runs a command on a terminal of 120x40, from now to the end of the `with` block. `home` is its home folder."""

    def __init__(self, argv: Sequence[str], home: Path, pass_fds: Sequence[int] = ()) -> None:
        self.terminal, slave = pty.openpty()
        ioctl(slave, TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        environ = {
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "PATH": os.environ["PATH"],
            "TERM": "xterm-256color",
        }
        self.started = time.monotonic()
        self._process = subprocess.Popen(
            argv, stdin=slave, stdout=slave, stderr=slave, env=environ, pass_fds=pass_fds, start_new_session=True,
            preexec_fn=_on_its_terminal,
        )  # fmt: skip
        os.close(slave)

    def __enter__(self) -> PtyChild:
        return self

    def read(self, timeout_s: float) -> bytes:
        """The next output, empty if none came within `timeout_s`. Raises EOFError once the child has ended."""
        ready, _, _ = select.select([self.terminal], [], [], timeout_s)
        if not ready:
            return b""
        try:
            data = os.read(self.terminal, 65_536)
        except OSError:  # Linux: the last process on the terminal has ended
            data = b""
        if not data:
            raise EOFError("the child ended")
        return data

    def cpu_s(self) -> float:
        """The CPU seconds of all its threads so far."""
        tasks = Path(f"/proc/{self._process.pid}/task")
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the child. Reads its output meanwhile, because a child that cannot write does not end."""
        self._process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                self.read(0.05)
            except EOFError:
                time.sleep(0.02)
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self.terminal)
