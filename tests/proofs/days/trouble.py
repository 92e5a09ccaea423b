"""One thing that goes wrong on a simulated day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that goes wrong, or that somebody does. `seconds` is how long or how late, `count` how often, `word`
    what exactly; the injector knows each kind's meaning."""

    at: datetime
    kind: str
    seconds: float = 0.0
    count: int = 1
    word: str = ""
