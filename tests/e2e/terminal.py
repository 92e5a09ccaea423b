"""A real terminal (tmux) in which a test runs a command, types and reads."""

from __future__ import annotations

import subprocess
import time

from core.runtime.ids import RandomIds


class Terminal:
    """One tmux server with one window; each wait polls until a deadline."""

    def __init__(self, environment: dict[str, str], columns: int, rows: int) -> None:
        self._socket = f"senex-test-{RandomIds().new()[:8]}"
        self._environment = environment
        self._size = (str(columns), str(rows))

    def tmux(self, *words: str) -> str:
        done = subprocess.run(
            ["tmux", "-L", self._socket, "-f", "/dev/null", *words],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=10,
        )
        return done.stdout

    def open(self, command: str) -> None:
        columns, rows = self._size
        self.tmux("new-session", "-d", "-x", columns, "-y", rows, f"{command}; echo ended with $?; sleep 60")
        self.tmux("set-option", "-g", "status", "off")

    def press(self, key: str) -> None:
        self.tmux("send-keys", key)

    def shown(self) -> str:
        return self.tmux("capture-pane", "-p")

    def wait_for(self, text: str, within_s: float = 60) -> str:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            shown = self.shown()
            if text in shown:
                return shown
            time.sleep(0.05)
        raise AssertionError(f"{text!r} did not appear within {within_s:g} s:\n{self.shown()}")

    def wait_until_gone(self, text: str, within_s: float = 60) -> None:
        deadline = time.monotonic() + within_s
        while text in self.shown():
            assert time.monotonic() < deadline, f"{text!r} did not go within {within_s:g} s:\n{self.shown()}"
            time.sleep(0.05)

    def close(self) -> None:
        self.tmux("kill-server")
