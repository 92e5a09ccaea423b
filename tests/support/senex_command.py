"""Runs the command `senex` with a home folder of its own."""

from __future__ import annotations

import os
import pty
import struct
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

from tests.support.forked_process import SENEX, ForkedProcess, run

__all__ = ["LONGEST_S", "SENEX", "Box", "running_simulator"]
LONGEST_S = 30


@dataclass(frozen=True)
class Box:
    """A home folder, and an environment without any setting of the machine the tests run on."""

    home: Path
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def config_file(self) -> Path:
        return self.home / ".config" / "senex" / "config.toml"

    @property
    def credentials_file(self) -> Path:
        return self.home / ".config" / "senex" / "credentials"

    def environment(self, **more: str) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),  # the code under test, also when another is installed
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            **self.environ,
            **more,
        }

    def write(self, path: Path, text: str, mode: int = 0o600) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return path

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Runs `senex` without a terminal; input is empty, stdout and stderr are captured."""
        return run(arguments, self.environment(**environ), self.home, LONGEST_S)

    def run_in_terminal(
        self, *arguments: str, columns: int = 120, rows: int = 40, typed: str = "", **environ: str
    ) -> tuple[int, str]:
        """Runs `senex` in a terminal of this size, where `typed` was typed; returns the exit code and everything
        shown."""
        ours, theirs = pty.openpty()
        ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        with ForkedProcess(
            arguments,
            self.environment(**environ),
            self.home,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        ) as process:
            os.close(theirs)
            os.write(ours, typed.encode())
            shown = bytearray()
            try:
                while part := _read(ours):
                    shown += part
                return process.wait(LONGEST_S), shown.decode(errors="replace").replace("\r\n", "\n")
            finally:
                process.kill()
                os.close(ours)


@contextmanager
def running_simulator(box: Box, start: str = "10:00:00") -> Iterator[int]:
    """Runs a simulated broker in a process and gives its port; its clock starts on a Monday at `start`, exchange
    time."""
    with ForkedProcess(
        ["simulator", "--port", "0", "--start", f"2026-03-02T{start}-05:00"],
        box.environment(),
        box.home,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline().rpartition("=")[2])
        finally:
            process.terminate()
            process.wait(10)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # Linux says so when the other end is closed
        return b""
