"""Starts processes of `senex` or of a test module quickly, by forking one that has the slow imports done."""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import IO

ROOT = Path(__file__).parents[2]
SENEX = str(Path(sys.executable).parent / "senex")
PID_BYTES, STATUS_BYTES = 10, 6
_one_at_a_time = threading.Lock()
AT_STARTUP = ("PYTHONHASHSEED", "PYTHONOPTIMIZE", "PYTHONDEVMODE", "PYTHONWARNINGS", "PYTHONASYNCIODEBUG")
"""Variables that Python reads before it runs any code: a forked process cannot honour them."""


class ForkedProcess:
    """Stands in for subprocess.Popen with text streams: same names and same meaning, as far as tests need them.

    `arguments` are those of `senex`, or of `python -m module` when a module is given.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        env: Mapping[str, str],
        cwd: Path,
        *,
        module: str | None = None,
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.DEVNULL,
        stderr: int | None = None,
        start_new_session: bool = False,
    ) -> None:
        cold = [name for name in AT_STARTUP if name in env]
        if cold:
            raise ValueError(f"a warm process cannot take {cold[0]}; start it with subprocess")
        self.returncode: int | None = None
        self.stdout: IO[str] | None = None
        self.stderr: IO[str] | None = None
        theirs: list[int] = []
        if stdin == subprocess.PIPE:
            raise ValueError("a warm process has no pipe for its input")
        theirs.append(_null() if stdin == subprocess.DEVNULL else os.dup(stdin))
        for name, wanted, number in (("stdout", stdout, 1), ("stderr", stderr, 2)):
            if wanted == subprocess.PIPE:
                ours, end = os.pipe()
                setattr(self, name, open(ours, encoding="utf-8"))  # noqa: SIM115 - closed by communicate or with self
            elif wanted == subprocess.DEVNULL:
                end = _null()
            else:
                end = os.dup(number if wanted is None else wanted)
            theirs.append(end)
        job = {
            "module": module,
            "arguments": [SENEX if module is None else module, *arguments],
            "environ": dict(env),
            "folder": str(cwd),
            "session": start_new_session,
        }
        self._answers, answers = socket.socketpair()
        try:
            with _one_at_a_time:
                socket.send_fds(_parent(), [json.dumps(job).encode() + b"\n"], [*theirs, answers.fileno()])
                self.pid = int(self._answers.recv(PID_BYTES))
        finally:
            answers.close()
            for fd in theirs:
                os.close(fd)

    def __enter__(self) -> ForkedProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._close_streams()
        self.wait()

    def poll(self) -> int | None:
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            self._answers.settimeout(timeout)
            try:
                said = self._answers.recv(STATUS_BYTES)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired("senex", timeout or 0) from None
            if not said:
                raise RuntimeError("the process all others are forked from has ended")
            self.returncode = int(said)
            self._answers.close()
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Waits for the end; returns what was not read yet of stdout and stderr. Raises subprocess.TimeoutExpired."""
        said: dict[str, str] = {}

        def read(name: str, stream: IO[str]) -> None:
            said[name] = stream.read()

        streams = {
            name: s for name, s in (("out", self.stdout), ("err", self.stderr)) if s is not None and not s.closed
        }
        readers = [threading.Thread(target=read, args=item, daemon=True) for item in streams.items()]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join()
        self._close_streams()
        return said.get("out", ""), said.get("err", "")

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _close_streams(self) -> None:
        for stream in (self.stdout, self.stderr):
            if stream is not None:
                stream.close()


def run(
    arguments: Sequence[str], env: Mapping[str, str], cwd: Path, timeout: float, *, module: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Like subprocess.run with empty input and captured output. Raises subprocess.TimeoutExpired."""
    process = ForkedProcess(arguments, env, cwd, module=module, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        out, err = process.communicate(timeout)
    finally:
        process.kill()
    return subprocess.CompletedProcess([SENEX, *arguments], process.wait(), out, err)


def _null() -> int:
    return os.open(os.devnull, os.O_RDWR)


@lru_cache(maxsize=1)
def _parent() -> socket.socket:
    """The socket of the process all others are forked from; started once per test process, at the first use."""
    ours, theirs = socket.socketpair()
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join((str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")]))),
        "LC_ALL": "C.UTF-8",
        "HOME": "/nonexistent",
    }
    with theirs:
        parent = subprocess.Popen(
            [sys.executable, "-m", "tests.support.forkserver", str(theirs.fileno())],
            env=environ,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )

    def end() -> None:
        ours.close()
        parent.wait()

    atexit.register(end)
    return ours
