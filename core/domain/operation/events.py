"""Events: what happened, one value each. Every step of a cycle leaves one (rules 4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.domain.operation.figures import Figures
from core.domain.operation.reasons import Reason


class Severity(StrEnum):
    """How urgent an event is; critical ones are alarms."""

    INFO = "info"
    WARNING = "warn"
    CRITICAL = "crit"


class Step(StrEnum):
    """The steps of a cycle for one account, in order (rules 4).

    The value is what records, log lines and JSON keep: two of them are older and shorter than the step's name. People
    read `word`.
    """

    GUARD = "guard"
    MARKET = "market"
    ACCOUNT = "account"
    JUDGEMENT = "judge"
    STRIKES = "strikes"
    QUOTES = "quotes"
    PRICING = "price"
    RISK = "risk"
    LIMIT = "limit"
    SEND = "send"

    @property
    def word(self) -> str:
        """The step's one name on screens, in stories and in documents."""
        return self.name.lower()

    @property
    def event_kind(self) -> str:
        """The kind of the event this step leaves, as the records keep it."""
        return f"step.{_OLDER_KINDS.get(self, self.word)}"


# Kinds that were recorded before the steps had their present names.
_OLDER_KINDS = {
    Step.GUARD: "entry_today",
    Step.MARKET: "market_open",
    Step.STRIKES: "structure",
    Step.LIMIT: "entry_price",
}


class StepResult(StrEnum):
    """The result of a step."""

    STARTED = "started"
    PASSED = "passed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `at` is market time, UTC; `duration_ms` is wall milliseconds.

    `kind` is a stable word like "cycle.started". `account` is the full number: mask it wherever it leaves the records.
    """

    at: datetime
    kind: str
    text: str
    severity: Severity = Severity.INFO
    cycle: int | None = None
    attempt: int | None = None
    account: str | None = None
    underlying: str | None = None
    step: Step | None = None
    result: StepResult | None = None
    reason: Reason | None = None
    figures: Figures = ()
    duration_ms: int | None = None


def masked(account: str) -> str:
    """An account number as it may be shown: its last four characters (rules 13.7)."""
    return f"…{account[-4:]}"


def masked_in(text: str, accounts: Iterable[str]) -> str:
    """The text with these account numbers masked. For text from outside, which may contain one."""
    for account in accounts:
        text = text.replace(account, masked(account))
    return text
