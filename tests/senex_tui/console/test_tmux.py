"""The console in a real terminal: tmux as the screen, keys typed, signals sent."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

import pytest

ROOT = Path(__file__).parents[3]
DEADLINE_S = 20.0
QUIET_S = 0.3

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Terminal:
    """One tmux server with one pane running the scripted console."""

    def __init__(self, tmp_path: Path, scene: str, columns: int, rows: int) -> None:
        self.socket = f"senex-test-{uuid.uuid4().hex[:12]}"
        self.record = tmp_path / "record"
        self.pid_file = tmp_path / "pid"
        env = {k: v for k, v in os.environ.items() if k not in ("TMUX", "TMUX_PANE")}
        # A shell's COLUMNS and LINES must not freeze the size: the console drops them itself.
        env |= {"COLUMNS": "33", "LINES": "11", "LANG": "C.UTF-8"}
        self.env = env
        console = f"{sys.executable} -m tests.support.console.scripted {scene} {self.record}"
        shell = f"cd {ROOT}; echo $$ > {self.pid_file}; exec {console}"
        self.tmux(
            "-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows), "sh", "-c", shell,
            ";", "set", "-g", "status", "off", ";", "set", "-g", "remain-on-exit", "on",
        )  # fmt: skip

    def tmux(self, *arguments: str) -> str:
        command = ["tmux", "-L", self.socket, *arguments]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        return done.stdout

    def screen(self) -> str:
        return self.tmux("capture-pane", "-p")

    def keys(self, *keys: str) -> None:
        self.tmux("send-keys", *keys)

    def value(self, name: str) -> str:
        return self.tmux("display-message", "-p", f"#{{{name}}}").strip()

    def recorded(self) -> list[str]:
        return self.record.read_text().split() if self.record.exists() else []

    @property
    def pid(self) -> int:
        return int(self.pid_file.read_text())

    def until(self, true: Callable[[], bool], what: str) -> None:
        """Waits until it is true; fails with the screen after the deadline."""
        deadline = time.monotonic() + DEADLINE_S
        while not true():
            if time.monotonic() > deadline:
                pytest.fail(f"{what} did not come; the screen was:\n{self.screen()}")
            time.sleep(0.05)

    def until_shown(self, *texts: str) -> None:
        self.until(lambda: all(text in self.screen() for text in texts), repr(texts))


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    running = Terminal(tmp_path, "calm", 80, 24)
    try:
        running.until_shown("621.935", "max risk $", "q Quit")
        yield running
    finally:
        running.tmux("kill-server")


def alive(pid: int) -> bool:
    """Whether the process runs. One that ended but was not yet collected is gone too."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2]
    except (FileNotFoundError, ProcessLookupError):  # it may go while its file is read
        return False
    return not state.startswith(("Z", "X"))


def test_keys_resizes_and_quitting(terminal: Terminal) -> None:
    terminal.until(lambda: terminal.value("pane_title") == "senex DEMO ON an order works", "the pane title")
    terminal.keys("p")
    terminal.until_shown("PAUSED", "p Resume")
    assert terminal.recorded() == ["pause"]
    terminal.until(lambda: terminal.value("pane_title") == "senex DEMO PAUSED an order works", "the pane title")

    terminal.tmux("resize-window", "-x", "200", "-y", "55")
    terminal.until_shown("QQQ today (ET)", "Judgement", "Schedule (ET)", "┤")
    terminal.tmux("resize-window", "-x", "60", "-y", "20")
    terminal.until_shown("QQQ 621.935", "[1 Trade]", "max risk $", "? Help", "q Quit")
    terminal.tmux("resize-window", "-x", "40", "-y", "12")
    terminal.until_shown("DEMO", "PAUSED", "needs 60 columns and 20")
    terminal.tmux("resize-window", "-x", "10", "-y", "3")
    terminal.until_shown("PAUSED", "60x20")
    terminal.tmux("resize-window", "-x", "120", "-y", "40")
    terminal.until_shown("Judgement", "Messages", "q Quit")

    terminal.keys("q")
    terminal.until_shown("Quit stops the engine", "1 order working")
    assert terminal.value("alternate_on") == "1"
    terminal.keys("y")
    terminal.until_shown("back at the shell")
    assert terminal.value("alternate_on") == "0"
    assert terminal.recorded() == ["pause", "stopped"]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_a_signal_ends_it_in_order(terminal: Terminal, name: str) -> None:
    pid = terminal.pid
    os.kill(pid, getattr(signal, name))
    terminal.until(lambda: not alive(pid), "the end of the process")
    assert terminal.recorded() == ["stopped"]


def test_a_closed_terminal_leaves_no_process(terminal: Terminal) -> None:
    pid = terminal.pid
    terminal.tmux("kill-server")
    terminal.until(lambda: not alive(pid), "the end of the process")
    assert terminal.recorded() == ["stopped"]


def test_ctrl_c_asks_and_a_second_one_quits(terminal: Terminal) -> None:
    terminal.keys("C-c")
    terminal.until_shown("Quit stops the engine")
    terminal.keys("C-c")
    terminal.until_shown("back at the shell")
    assert terminal.recorded() == ["stopped"]


def test_detached_and_attached_at_another_size(terminal: Terminal) -> None:
    """Clients of other sizes come and go: the console is as large as each, and is lost by none."""
    terminal.tmux("set", "-g", "window-size", "latest")
    attached(terminal, 100, 30, "[1 Trade]")
    attached(terminal, 60, 20, "[1 Trade]")
    attached(terminal, 40, 10, "needs 60")
    attached(terminal, 120, 40, "Judgement")
    terminal.keys("p")
    terminal.until(lambda: terminal.recorded() == ["pause"], "the pause")


def attached(terminal: Terminal, columns: int, rows: int, told: str) -> None:
    """Attaches a client of this size, waits until it shows the text, and detaches it."""
    ours, theirs = pty.openpty()
    ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    client = subprocess.Popen(
        ["tmux", "-L", terminal.socket, "attach"],
        env=terminal.env | {"TERM": "xterm-256color"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        os.set_blocking(ours, False)
        # The text alone may still stand there from before: the window follows its newest client a moment later.
        terminal.until(
            lambda: drained(ours) and terminal.value("window_width") == str(columns) and told in terminal.screen(),
            f"{told!r} in {columns} columns",
        )
        terminal.tmux("detach-client")
        terminal.until(lambda: drained(ours) and client.poll() is not None, "the client's end")
    finally:
        client.kill()
        client.wait()
        os.close(ours)


def test_in_ascii_no_byte_above_127_is_written(tmp_path: Path) -> None:
    """All that the console writes from start to end, at three sizes, through dialogs, help and settings."""
    ours, theirs = pty.openpty()
    ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environ = {name: value for name, value in os.environ.items() if name not in ("TMUX", "COLUMNS", "LINES")}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.console.scripted", "unknown", str(tmp_path / "record"), "ascii"],
        env=environ | {"TERM": "xterm-256color"},
        cwd=ROOT,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as process:
        os.set_blocking(ours, False)
        written = bytearray()

        def until(text: bytes) -> None:
            deadline = time.monotonic() + DEADLINE_S
            start = len(written)
            while text not in written[start:]:
                if time.monotonic() > deadline or (process.poll() is not None and text != b"shell"):
                    pytest.fail(f"{text!r} did not come; the end was {bytes(written[-600:])!r}")
                written.extend(read(ours))
                time.sleep(0.02)

        def press(keys: bytes, told: bytes) -> None:
            """Types the keys once the screen before is painted whole: a late part of it must not pass for theirs."""
            quiet_since = time.monotonic()
            while time.monotonic() - quiet_since < QUIET_S:
                painted = read(ours)
                if painted:
                    written.extend(painted)
                    quiet_since = time.monotonic()
                time.sleep(0.02)
            os.write(ours, keys)
            until(told)

        try:
            until(b"Quit")
            for columns, rows in ((80, 24), (120, 40), (200, 55)):
                if columns > 80:
                    ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
                    os.killpg(process.pid, signal.SIGWINCH)
                    until(b"Judgement")
                for keys, told in (
                    (b"f", b"skips only"), (b"n", b"Quit"), (b"?", b"search"), (b"q", b"Quit"),
                    (b"s", b"console.theme"), (b"q", b"Quit"), (b"u", b"look again"), (b"q", b"Quit"),
                ):  # fmt: skip
                    press(keys, told)
            press(b"q", b"y/n")
            press(b"y", b"shell")
        finally:
            process.kill()
            os.close(theirs)
            os.close(ours)
    assert [byte for byte in written if byte > 127] == []


def read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # nothing there now, or the other end is closed
        return b""


def drained(descriptor: int) -> bool:
    """Reads the client's output: a client that nobody reads would stop."""
    while read(descriptor):
        pass
    return True
