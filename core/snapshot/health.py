"""How the parts do that a trading day needs: a row for each, with what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Finding(StrEnum):
    """What was found of a part. SKIP: it is not used here, or it cannot be known because of another row."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"
    SKIP = "SKIP"


@dataclass(frozen=True, slots=True)
class HealthRow:
    """A part and what was found of it.

    `todo` is what to do about it, empty when there is nothing to do. `since` is when it was first found so, None when
    nobody knows.
    """

    name: str
    finding: Finding
    found: str
    todo: str = ""
    since: datetime | None = None
