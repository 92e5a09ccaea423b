"""One account's part in one cycle, as recorded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from core.domain.operation.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class AccountRun:
    """One account's part in one cycle, as recorded when the cycle ended.

    `outcome` is what the cycle did; where it made an entry, that entry's fate says what became of it. `reason` is the
    stable code, empty when the run succeeded. `reached_pricing` says whether an attempt got as far as pricing (rules
    6), `pricing_refusals` in how many attempts pricing refused. `acknowledged_ms` is wall milliseconds from the slot,
    or from the start of a forced cycle, to the broker's acknowledgement; None without one.
    """

    cycle: int
    account: str
    day: date
    outcome: Outcome
    reason: str
    reason_text: str
    attempts: int
    reached_pricing: bool
    pricing_refusals: int
    acknowledged_ms: int | None = None
