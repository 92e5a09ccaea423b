"""The values of a search in the records: kinds, filters, marks between pages, rows."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import StrEnum

from core.domain.operation.commands import CommandState
from core.domain.operation.events import StepResult
from core.domain.operation.figures import Figures
from core.domain.operation.outcomes import RANKED
from core.domain.orders.fate import FateKind
from core.domain.orders.order_states import OrderState
from core.domain.positions.tridents import Phase
from core.domain.reporting.told import HELD, INTERRUPTED, MISSED, RUNNING, VALIDATED

PRICED, REFUSED = "priced", "refused"
"""Suggestions beside those validated by a dry run: with an entry price; refused before they had one."""


class HistoryKind(StrEnum):
    """The kinds of things that can be searched for."""

    CYCLES = "cycles"
    ATTEMPTS = "attempts"
    SUGGESTIONS = "suggestions"
    ORDERS = "orders"
    FILLS = "fills"
    COMMANDS = "commands"
    EXITS = "exits"
    TRIDENTS = "tridents"


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """The conditions of a search. A condition that is None or empty is not applied; all others must hold.

    Days are days of the exchange, both included. `account` is the full number. `text` may be in any text of the row;
    upper and lower case are the same, and no character is special. A cycle's and an order's `outcome`, `reason` and
    `text` are those that they are told to have, by the fate of the entry (rules 4.4): of a cycle as a whole, or a word
    like `filled` of one of its accounts. A cycle also has an account, an underlying, a reason or a text when one of its
    steps has it. `-` and `_` in `outcome` stand for a space.
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
    """Where a page ended. The next page has what is older."""

    at: datetime
    tie: int | str


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One row found. `at` is market time, UTC. `account` is the full number: mask it wherever it leaves the records.

    `cycle` is None for a missed slot, a command, an exit and a trident. `reason` is a stable code or empty, `text` its
    sentence. The names in `figures` and their order are the same for all rows of a kind; for an attempt, those of its
    event follow.
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


_FATES = tuple(kind.value for kind in FateKind)
_RUN_OUTCOMES = tuple(outcome.value for outcome in RANKED)
OUTCOMES: dict[HistoryKind, tuple[str, ...]] = {
    HistoryKind.CYCLES: tuple(dict.fromkeys((*_RUN_OUTCOMES, MISSED, RUNNING, *_FATES, VALIDATED, HELD, INTERRUPTED))),
    HistoryKind.ATTEMPTS: (StepResult.PASSED.value, StepResult.REFUSED.value),
    HistoryKind.SUGGESTIONS: (VALIDATED, PRICED, REFUSED),
    HistoryKind.ORDERS: tuple(dict.fromkeys((*_FATES, OrderState.PREPARED.value, OrderState.SENT.value))),
    HistoryKind.FILLS: (),
    HistoryKind.COMMANDS: tuple(state.value for state in CommandState),
    HistoryKind.EXITS: tuple(state.words for state in OrderState),
    HistoryKind.TRIDENTS: tuple(phase.value for phase in Phase),
}
"""The values that `outcome` may have, by kind."""


def outcome_word(typed: str) -> str:
    """A value of `outcome` as it is compared: `not_sent` and `not-sent` are `not sent`."""
    return typed.replace("_", " ").replace("-", " ")


_NOT_OF: dict[HistoryKind, frozenset[str]] = {
    HistoryKind.CYCLES: frozenset(),
    HistoryKind.ATTEMPTS: frozenset(),
    HistoryKind.SUGGESTIONS: frozenset({"reason"}),
    HistoryKind.ORDERS: frozenset({"reason"}),
    HistoryKind.FILLS: frozenset({"outcome", "reason"}),
    HistoryKind.COMMANDS: frozenset({"account", "reason", "underlying"}),
    HistoryKind.EXITS: frozenset({"reason"}),
    HistoryKind.TRIDENTS: frozenset({"reason"}),
}


def not_of(kind: HistoryKind, wanted: HistoryFilter) -> tuple[str, ...]:
    """The names of the conditions in the filter that no row of this kind can meet, because it lacks what they ask
    for.
    """
    return tuple(f.name for f in fields(wanted) if f.name in _NOT_OF[kind] and getattr(wanted, f.name))
