"""How the parts do that a trading day needs: a row for each, with what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from core.snapshot.status import Health


class Finding(StrEnum):
    """What was found of a part. SKIP: it is not used here, or it cannot be known because of another row."""

    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"
    SKIP = "SKIP"


FINDINGS = {
    Health.OK: Finding.OK,
    Health.STARTING: Finding.SKIP,
    Health.TROUBLE: Finding.WARN,
    Health.DOWN: Finding.FAIL,
}
"""What is found of a part in each state."""


@dataclass(frozen=True, slots=True)
class HealthRow:
    """A part and what was found of it.

    `todo` is what to do about it, empty when there is nothing to do; `{pause}` stands in it for the key of that action.
    `since` is when it was first found so, None when
    nobody knows.
    """

    name: str
    finding: Finding
    found: str
    todo: str = ""
    since: datetime | None = None


@dataclass(eq=False, repr=False, slots=True)
class FirstFound:
    """Remembers by its name since when each row was found so."""

    _since: dict[str, tuple[Finding, datetime | None]] = field(init=False, default_factory=dict)

    def dated(self, row: HealthRow, at: datetime | None) -> HealthRow:
        """The row, which is found so at `at`, with since when it is so; one that says that itself as it is."""
        known = self._since.get(row.name)
        if known is None or known[0] is not row.finding:
            known = self._since[row.name] = (row.finding, at)
        return row if row.since is not None else replace(row, since=known[1])
