"""The result of a command: a report as plain values and as text, or an answer with its exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.domain.operation import amounts
from core.domain.operation.times import iso, stamp

EXIT_CODES = {"succeeded": 0, "skipped": 3, "failed": 4, "unknown": 5}
"""The exit code of a command that ends by what a cycle came to (rules 4.4)."""


@dataclass(frozen=True, slots=True)
class Report:
    """`values` is the object that --json prints. `write` makes the lines of text from nothing else, so that both say
    the same."""

    values: dict[str, Any]
    write: Callable[[dict[str, Any]], list[str]] = field(repr=False)

    def to_json(self) -> str:
        return json.dumps(self.values)

    def to_text(self) -> str:
        return "\n".join(self.write(self.values))


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request: a sentence, and the exit code that the command ends with.

    `command` is the id of the command that was posted for it; empty when none was.
    """

    exit_code: int
    text: str
    command: str = ""


def instant_text(at: datetime | None) -> str | None:
    """An aware instant as a report's value: ISO 8601, exchange time, to the second."""
    return None if at is None else iso(at)


def instant_shown(text: str | None) -> str:
    """The same value for a person, like `2026-03-02 10:20:00 ET`; `--` for None."""
    return "--" if text is None else stamp(datetime.fromisoformat(text))


def credit_shown(value: str | None) -> str:
    """A report's value in dollars per share for a person; `--` for None."""
    return amounts.credit(None if value is None else Decimal(value))


def dollars_shown(value: str | None) -> str:
    """A report's value in dollars of a package or an account for a person; `--` for None."""
    return amounts.dollars(None if value is None else Decimal(value))


def open_risk_shown(value: str | None) -> str:
    """A report's open risk with its name for a person; it says so when the risk is unknown."""
    return amounts.open_risk(None if value is None else Decimal(value))
