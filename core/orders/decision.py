"""The decision to enter, and the result of validating one without sending it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from core.domain.risk.risk import RiskAssessment
from core.domain.trident.entry_price import EntryPrice
from core.domain.trident.suggestion import Suggestion
from core.records.repositories.rows import SuggestionRecord


@dataclass(frozen=True, slots=True)
class Decision:
    """A suggestion with its risk and entry price: everything that is needed to enter."""

    account: str
    login: str
    session_day: date
    cycle: int
    suggestion: Suggestion
    risk: RiskAssessment
    price: EntryPrice


@dataclass(frozen=True, slots=True)
class Validated:
    """The result in dry-run mode: the broker validated the order and nothing was sent."""

    suggestion: SuggestionRecord
