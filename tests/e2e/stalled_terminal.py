"""A real console in a terminal whose other side can stop reading."""

from __future__ import annotations

import os
import pty
import struct
import subprocess
import time
from collections.abc import Mapping, Sequence
from fcntl import ioctl
from pathlib import Path
from termios import FIONREAD, TIOCSWINSZ

COLUMNS, ROWS = 200, 55
DEADLINE_S = 40.0
_STILL_S = 3.0


class StallingTerminal:
    """Reads what the console paints until `stall`; then the kernel's buffer fills and the console cannot write."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], folder: Path) -> None:
        self._ours, theirs = pty.openpty()
        ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.process = subprocess.Popen(
            list(command), env=dict(environ), cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs,
            start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        os.set_blocking(self._ours, False)
        self._shown = bytearray()

    def read_until(self, text: str) -> None:
        """Reads until the text was painted; raises AssertionError after the deadline."""
        deadline = time.monotonic() + DEADLINE_S
        while text.encode() not in self._shown:
            assert time.monotonic() < deadline, f"{text!r} did not come: {bytes(self._shown[-2000:])!r}"
            self._read()

    @property
    def shown(self) -> bytes:
        """Everything painted since the last `forget`."""
        return bytes(self._shown)

    def forget(self) -> None:
        """Forgets everything painted so far."""
        self._shown.clear()

    def press(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def stall(self) -> None:
        """Stops reading; returns once the console can write nothing more."""
        waiting, since = -1, time.monotonic()
        deadline = since + DEADLINE_S
        while time.monotonic() - since < _STILL_S:
            now = self.waiting
            if now != waiting:
                waiting, since = now, time.monotonic()
            assert time.monotonic() < deadline, f"the console still writes: {now} bytes wait"
            time.sleep(0.05)

    @property
    def waiting(self) -> int:
        """The number of painted bytes that nobody has read."""
        answer = ioctl(self._ours, FIONREAD, b"\0\0\0\0")
        return int(struct.unpack("i", answer)[0])

    def wait(self) -> int:
        """Reads on until the console has ended; returns its exit code."""
        deadline = time.monotonic() + DEADLINE_S
        while self.process.poll() is None:
            assert time.monotonic() < deadline, "the console did not end"
            self._read()
        while self.waiting:
            self._read()  # what it painted last
        return self.process.returncode

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)

    def _read(self) -> None:
        try:
            self._shown += os.read(self._ours, 65_536)
        except BlockingIOError:
            time.sleep(0.02)
        except OSError:  # Linux says so when the other end is closed
            time.sleep(0.02)
