"""Records a snapshot each wall second on a thread of its own, so that a slow or full disk delays nobody."""

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
    """Records from `start` until `stop`."""

    def __init__(
        self,
        snapshot: Callable[[], Snapshot],
        folder: Path,
        keep_days: int,
        say: Callable[[str], None],
        others: list[Path] | None = None,
    ) -> None:
        """Records into `folder` what `snapshot` returns; `say` tells the operator of trouble.

        Files older than `keep_days` are removed at the start, also those in `others`, such as the folders of earlier
        demos. With `keep_days` 0 nothing is recorded and nothing is removed.
        """
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
        """Records a last snapshot and waits until it is written, 5 s at most."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        # Here and not above: importing the codec takes some milliseconds, and the first paint need not wait for them.
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
