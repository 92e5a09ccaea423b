"""Ends a child together with the bench that started it, also when that is killed."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import threading

_PR_SET_PDEATHSIG = 1


def parent() -> None:
    """The kernel kills this process when its parent ends. Call it between fork and exec."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def process(pid: int) -> None:
    """Ends this process when that one ends: for what tmux started, whose parent is the tmux server."""
    watched = os.pidfd_open(pid)

    def wait() -> None:
        select.select([watched], [], [])
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True).start()
