"""ctrl+c while one console of a demo has left the terminal and the next one has not taken it yet."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self


class HeldInterrupts:
    """Holds SIGINT back: what is under way ends in order, and what has begun is done whole. Only in the main thread."""

    def __init__(self) -> None:
        self._before: Any = None
        self._came = self._passes = False

    def hold(self) -> None:
        """From now on an interrupt ends nothing, until the block of this object is left."""
        if self._before is None:
            self._before = signal.signal(signal.SIGINT, self._caught)

    @contextmanager
    def passing(self) -> Iterator[None]:
        """What may be given up: an interrupt raises KeyboardInterrupt here, also one that was held back before."""
        self._passes = True
        try:
            if self._came:
                raise KeyboardInterrupt
            yield
        finally:
            self._passes = self._came = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _caught(self, number: int, frame: FrameType | None) -> None:
        self._came = True
        if self._passes:
            raise KeyboardInterrupt
