"""The one source of identifiers and random numbers, so that a simulation can repeat them."""

from __future__ import annotations

import random
import uuid
from typing import Protocol


class Ids(Protocol):
    """Where identifiers and jitter come from."""

    def new(self) -> str:
        """A new opaque identifier: 32 hexadecimal characters."""
        ...

    def fraction(self) -> float:
        """A number in [0, 1), for jitter."""
        ...


class RandomIds:
    """Identifiers and jitter from the operating system's random source."""

    def new(self) -> str:
        return uuid.uuid4().hex

    def fraction(self) -> float:
        return random.SystemRandom().random()


class SeededIds:
    """Identifiers and jitter that are the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatability is the point

    def new(self) -> str:
        return uuid.UUID(int=self._random.getrandbits(128), version=4).hex

    def fraction(self) -> float:
        return self._random.random()
