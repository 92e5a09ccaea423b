"""Records what the operator sees, once a wall second, on a thread of its own: never the engine's, never the screen's.

A slow or full disk therefore delays nobody.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from core.runtime.clock import SystemClock
from core.snapshot import Snapshot

EVERY_S = 1.0
log = logging.getLogger(__name__)


class Recording:
    """Takes a snapshot a second from `snapshot` until `stop`. `keep_days` 0 records nothing.

    `others` are folders of days that are to be pruned too, such as those of earlier demos.
    """

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        folder: Path,
        keep_days: int,
        say: Callable[[str], None],
        others: list[Path] | None = None,
    ) -> None:
        self._snapshot = snapshot
        self._say = say
        self._folders = [folder, *(others or [])]
        self._keep_days = keep_days
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)

    def start(self) -> None:
        if self._keep_days:
            self._thread.start()

    def stop(self) -> None:
        """Takes a last snapshot and waits for it, for a slow disk no longer than a few seconds."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        # Here and not above: the codec's forms take some milliseconds, which the first paint need not wait for.
        from core.recording.recorder import DayRecorder, prune

        try:
            recorder = DayRecorder(self._folders[0], self._say)
            prune(self._folders, self._keep_days, SystemClock().now())
            last = False
            while not last:
                last = self._stop.wait(EVERY_S)
                recorder.take(self._snapshot())
            recorder.close()
        except Exception:  # a defect of the recording is no reason to stop trading: said, and in the log
            log.exception("the recording ended")
            self._say("the day is no longer recorded: an error of the recording itself; the log has it")
