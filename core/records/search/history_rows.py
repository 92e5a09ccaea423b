"""What a search of the records asks and finds: kinds, filters, pages and rows."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum

from core.domain.operation.commands import CommandState
from core.domain.operation.events import StepResult
from core.domain.operation.outcomes import Outcome
from core.domain.operation.reasons import Figures
from core.domain.orders.order_states import EntryState

MISSED, RUNNING = "missed", "running"
VALIDATED, PRICED, REFUSED = "validated", "priced", "refused"
"""A suggestion a dry run validated, one that had an entry price, one that was refused before."""


class HistoryKind(StrEnum):
    CYCLES = "cycles"
    ATTEMPTS = "attempts"
    SUGGESTIONS = "suggestions"
    ORDERS = "orders"
    FILLS = "fills"
    COMMANDS = "commands"


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """What to look for; what is None or empty does not matter, and all the rest must hold.

    Days are exchange days, both included. `account` is the full number. `text` is looked for in every word the thing
    carries, literally but for the case of its letters. A cycle has an account, an underlying or a reason when one of
    its steps has it.
    """

    since: date | None = None
    until: date | None = None
    account: str = ""
    outcome: str = ""
    reason: str = ""
    underlying: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a page ended: the next one holds what is older."""

    at: datetime
    tie: int | str


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One thing found. `at` is market time, UTC; `account` the full number, masked wherever it leaves the records.

    `cycle` is None for a missed slot and a command. `reason` is a stable code or empty, `text` the sentence with it.
    `figures` are those of `FIGURES` for this kind, in that order, and for an attempt its event's own.
    """

    at: datetime
    cycle: int | None
    account: str
    underlying: str
    outcome: str
    reason: str
    text: str
    figures: Figures
    mark: Mark


OUTCOMES: dict[HistoryKind, tuple[str, ...]] = {
    HistoryKind.CYCLES: (*(o.value for o in Outcome), MISSED, RUNNING),
    HistoryKind.ATTEMPTS: (StepResult.PASSED.value, StepResult.REFUSED.value),
    HistoryKind.SUGGESTIONS: (VALIDATED, PRICED, REFUSED),
    HistoryKind.ORDERS: tuple(state.value for state in EntryState),
    HistoryKind.FILLS: (),
    HistoryKind.COMMANDS: tuple(state.value for state in CommandState),
}
"""The words `outcome` may be for each kind."""

_NOT_OF: dict[HistoryKind, frozenset[str]] = {
    HistoryKind.CYCLES: frozenset(),
    HistoryKind.ATTEMPTS: frozenset(),
    HistoryKind.SUGGESTIONS: frozenset({"reason"}),
    HistoryKind.ORDERS: frozenset({"reason"}),
    HistoryKind.FILLS: frozenset({"outcome", "reason"}),
    HistoryKind.COMMANDS: frozenset({"account", "reason", "underlying"}),
}


def not_of(kind: HistoryKind, wanted: HistoryFilter) -> tuple[str, ...]:
    """The names of what was asked for that things of this kind do not have."""
    return tuple(f.name for f in fields(wanted) if f.name in _NOT_OF[kind] and getattr(wanted, f.name))
