"""One trouble of a simulated day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that goes wrong, or that somebody does, at `at`.

    `seconds` is how long or how late, `count` how often, `word` what exactly; the fault injector knows what they mean
    for each kind.
    """

    at: datetime
    kind: str
    seconds: float = 0.0
    count: int = 1
    word: str = ""
