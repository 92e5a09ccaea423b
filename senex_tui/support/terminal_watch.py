"""Notices that the console has to end: a signal came, or its terminal is gone. It needs no event loop for that."""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

GONE = "terminal gone"
CHECK_S = 2.0
"""A hang-up wakes the watch at once where the system tells of it; else it is seen after so many wall seconds."""
_HANDLED = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)
_STOP = 0
"""In the pipe's bytes, which are numbers of signals otherwise."""

_FOCUS_LOST = b"\x1b[O"
"""For a thread that was told just before that there is something to read: without a byte it would wait for ever."""


class TerminalWatch:
    """Calls `ending(cause)` on a thread of its own: the name of a signal, or `GONE` for the terminal.

    A screen whose terminal takes nothing stands still with its event loop, in which asyncio's own handlers run. Here a
    handler writes a byte into a pipe, and this thread does the rest. The signals count whatever was done with them
    before: without its terminal a console ends, also under nohup.
    """

    def __init__(self, ending: Callable[[str], None]) -> None:
        self._ending = ending
        self._before: dict[int, Any] = {}
        self._wake, self._woken = -1, -1
        self._terminal = 0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Call it in the main thread; elsewhere it raises ValueError."""
        self._wake, self._woken = os.pipe()
        os.set_blocking(self._woken, False)
        self._terminal = os.fstat(0).st_rdev
        for number in _HANDLED:
            self._before[number] = signal.signal(number, self._caught)
        self._thread = threading.Thread(target=self._run, name="terminal-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Gives the signals back as they were. Call it in the main thread."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()
        self._write(_STOP)

    def _caught(self, number: int, frame: FrameType | None) -> None:
        self._write(number)

    def _write(self, number: int) -> None:
        with suppress(OSError):  # a full pipe: what it holds is enough
            os.write(self._woken, bytes([number]))

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._wake, select.POLLIN)
        poll.register(0, 0)  # a hang-up is told without being asked for; keys do not wake this
        while True:
            for descriptor, _ in poll.poll(CHECK_S * 1000):
                if descriptor == 0:
                    poll.unregister(0)
                    leave_to_nobody(self._terminal)
                    self._ending(GONE)
                    continue
                for number in os.read(self._wake, 100):
                    if number == _STOP:
                        os.close(self._wake)
                        os.close(self._woken)
                        return
                    self._ending(signal.Signals(number).name)


def takes_nothing() -> bool:
    """Whether the screen's terminal is full: nobody reads what was painted."""
    return not select.select([], [2], [], 0)[1]


def leave_to_nobody(terminal: int) -> None:
    """Puts quiet ends in the place of a terminal that has gone or takes nothing; `terminal` is its device number.

    A lost terminal reads as ended at once, again and again, and fails every write: a thread that waits for keys would
    spin. Standard input then tells that the focus is lost and never gives a byte again, and what is written to the
    terminal goes nowhere.
    """
    quiet, other = os.pipe()  # the other end stays open for the life of the process
    os.write(other, _FOCUS_LOST)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        with suppress(OSError):
            if os.fstat(descriptor).st_rdev == terminal:
                os.dup2(nowhere, descriptor)
    os.dup2(quiet, 0)
