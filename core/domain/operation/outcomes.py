"""How a cycle ends, for one account and in total (rules 4.4)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from core.domain.operation.reasons import Reason


class Outcome(StrEnum):
    """The outcomes from best to worst, as rules 4.4 ranks them: skipped, succeeded, failed, unknown.

    `not asked` is outside that order: the cycle was forced for other accounts. It counts nowhere.
    """

    SKIPPED = "skipped"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_ASKED = "not asked"


RANKED = (Outcome.SKIPPED, Outcome.SUCCEEDED, Outcome.FAILED, Outcome.UNKNOWN)
"""The outcomes of an account that was asked, best first."""

# Terminal reasons that count as failures: something broke, and no rule forbade the trade.
_FAILURES = frozenset(
    {
        Reason.TOKEN_INVALID,
        Reason.INTERRUPTED,
        Reason.NOT_RECORDED,
        Reason.CLOCK_UNPROVED,
        Reason.CLOCK_OFF,
        Reason.CLOCK_IN_DOUBT,
        Reason.CLOCK_SET,
        Reason.SESSION_UNREADABLE,
        Reason.DRY_RUN_REFUSED,
        Reason.DRY_RUN_WARNING,
        Reason.REJECTED,
        Reason.ENTRY_EXPIRED,
        Reason.ENTRY_CANCELLED,
        Reason.ENTRY_ABSENT,
        Reason.ENTRY_INCIDENT,
        Reason.RECORD_FAILED,
        Reason.NO_TICK,
        Reason.INTERNAL,
    }
)


def outcome_for(reason: Reason) -> Outcome:
    """The outcome of a run that ended with this reason.

    It is skipped when a rule refused, failed when data, the broker or the machine did.
    """
    if reason is Reason.OUTCOME_UNKNOWN:
        return Outcome.UNKNOWN
    if reason is Reason.NOT_ASKED:
        return Outcome.NOT_ASKED
    return Outcome.FAILED if reason.transient or reason in _FAILURES else Outcome.SKIPPED


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome of a cycle: the worst of the accounts that were asked; skipped when there are none."""
    asked = (outcome for outcome in outcomes if outcome is not Outcome.NOT_ASKED)
    return max(asked, key=RANKED.index, default=Outcome.SKIPPED)
