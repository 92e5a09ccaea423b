"""What an entry, a run or a slot came to, and what comes next, as a screen is told it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from core.domain.operation.outcomes import Outcome
from core.domain.orders.fate import Fate, FateKind, day_words, fate_words
from core.domain.orders.next_step import NextStep
from core.domain.reporting.told import Told


@dataclass(frozen=True, slots=True)
class FateView:
    """The fate of an entry. Credits are per share, `max_risk` is in $ for all packages; see `Fate` for each figure.

    `words` tells it in a line, `day_words` what it means for the rest of its account's day.
    """

    kind: FateKind
    words: str
    day_words: str
    filled: int
    contracts: int
    limit: Decimal
    credit: Decimal | None
    max_risk: Decimal | None
    slippage: Decimal | None
    is_over: bool
    traded: bool
    why: str = ""

    @classmethod
    def of(cls, fate: Fate, *, reentry_allowed: bool = False, today: date | None = None) -> FateView:
        """The fate as a screen is told it on the exchange's date `today`, None for any day. `reentry_allowed`: an
        operator allowed another entry after its cancel."""
        return cls(
            kind=fate.kind,
            words=fate_words(fate),
            day_words=day_words(fate, reentry_allowed=reentry_allowed, today=today),
            filled=fate.filled,
            contracts=fate.contracts,
            limit=fate.limit,
            credit=fate.credit,
            max_risk=fate.max_risk,
            slippage=fate.slippage,
            is_over=fate.is_over,
            traded=fate.traded,
            why=fate.why,
        )


@dataclass(frozen=True, slots=True)
class ToldView:
    """What a run, a cycle or a slot is told to have come to; see `Told`. `fate` is the kind of fate that decided."""

    outcome: Outcome | None
    word: str
    words: str
    reason: str = ""
    fate: FateKind | None = None

    @classmethod
    def of(cls, told: Told) -> ToldView:
        """What was told, as a screen is told it."""
        fate = None if told.fate is None else told.fate.kind
        return cls(told.outcome, told.word, told.words, told.reason, fate)


@dataclass(frozen=True, slots=True)
class AccountTold:
    """What one account's part in a cycle came to. `account` is masked."""

    account: str
    told: ToldView


@dataclass(frozen=True, slots=True)
class NextStepView:
    """What comes next for one account. `account` is masked."""

    account: str
    step: NextStep


class ReadingState(StrEnum):
    """Whether today's records are known: still being read, known, or known as of an earlier moment."""

    READING = "reading"
    KNOWN = "known"
    OLD = "old"


@dataclass(frozen=True, slots=True)
class Reading:
    """How far today's records are read. `at` is when they were, None before; `why` says why they are not newer."""

    state: ReadingState = ReadingState.READING
    at: datetime | None = None
    why: str = ""


class StartState(StrEnum):
    """Where one step of a start stands."""

    TODO = "to come"
    NOW = "now"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StartStep:
    """One step of a start: records, login, accounts, market, feed or reconcile. `seconds` are whole wall seconds."""

    name: str
    state: StartState
    seconds: int = 0
    detail: str = ""
