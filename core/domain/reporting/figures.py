"""The figures of rules 12, computed from the records; pure and exact. What counts as what is in `account_days`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from core.domain.operation import amounts
from core.domain.operation.outcomes import Outcome
from core.domain.operation.reasons import Reason
from core.domain.operation.runs import AccountRun as AccountRun
from core.domain.orders.orders import Entry
from core.domain.reporting.account_days import (
    RISK_REASONS,
    AccountDay,
    AccountPart,
    DayKind,
    Joined,
    account_days,
    has_failed,
    is_open,
    joined,
)
from core.domain.reporting.told import Told

CHANCES = "chances to trade"
"""What a run is called before a person: one account in one cycle, asked to trade."""
SESSIONS = 20
"""Rates are over this many sessions (rules 12)."""

PRICING_REASONS = frozenset(
    reason.code
    for reason in (
        Reason.LEG_MISSING,
        Reason.LEG_UNUSABLE,
        Reason.LEG_CROSSED,
        Reason.LEG_AHEAD,
        Reason.LEG_STALE,
        Reason.PUT_CREDIT_NOT_POSITIVE,
        Reason.CALL_CREDIT_NOT_POSITIVE,
        Reason.PACKAGE_CREDIT_NOT_POSITIVE,
        Reason.CREDIT_ABOVE_WIDTH,
    )
)
"""The reasons for which pricing refuses (rules 6)."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share: `count` of `of`."""

    count: int
    of: int

    @property
    def percent(self) -> Decimal | None:
        """The percentage to one decimal place, half to even; None when `of` is 0."""
        if self.of == 0:
            return None
        return (Decimal(100 * self.count) / self.of).quantize(Decimal("0.1"), ROUND_HALF_EVEN)

    def told(self, of_what: str) -> tuple[str, str]:
        """The share in words, and of how many: `35.0 %` and `7 of 20 priced cycles`. None of them is told without a
        zero, and so is none at all."""
        if self.of == 0:
            return amounts.NONE, f"no {of_what} yet"
        if self.count == 0:
            return "none", f"in {self.of} {of_what}"
        return f"{self.percent} %", f"{self.count} of {self.of} {of_what}"

    def above(self, percent: int) -> bool:
        """Whether the exact share is more than this percentage. False when `of` is 0."""
        return self.of > 0 and 100 * self.count > percent * self.of


@dataclass(frozen=True, slots=True)
class ReasonShare:
    """How often a run ended with this reason, of all runs that were asked to trade."""

    reason: str
    outcome: Outcome
    share: Share


@dataclass(frozen=True, slots=True)
class SessionFigures:
    """The figures of some sessions. Milliseconds are wall time; slippage is per share.

    success: account-days traded, of those that were traded or an error.
    retry: cycles that needed more than one attempt, of the cycles that reached pricing.
    skipped, failed, reasons: runs that came to it (unknown counts as failed), of all that were asked to trade.
    risk: runs that risk refused, of the runs that were priced.
    pricing_rejections: for each session with any, the count of the account that had most: accounts share quotes.
    median_ms and p95_ms: nearest-rank over every acknowledgement.
    """

    sessions: tuple[date, ...]
    days: tuple[AccountDay, ...]
    success: Share
    retry: Share
    skipped: Share
    failed: Share
    risk: Share
    reasons: tuple[ReasonShare, ...]
    executions: int
    median_ms: int | None
    p95_ms: int | None
    pricing_rejections: tuple[tuple[date, int], ...]
    fills: int
    mean_slippage: Decimal | None
    worst_slippage: Decimal | None

    def count(self, kind: DayKind) -> int:
        """How many account-days are of this kind."""
        return sum(day.kind is kind for day in self.days)


def figures_of(
    sessions: Iterable[date],
    runs: Sequence[AccountRun],
    entries: Sequence[Entry],
    expected: Mapping[str, date],
    missed: Mapping[date, Mapping[str, int]] = {},
    running: date | None = None,
    *,
    has_slot_left: bool = False,
    known: Joined | None = None,
) -> SessionFigures:
    """The figures of these sessions, from everything recorded on them.

    `expected` has the accounts that the automation trades, each with the day since when. `missed` counts the reasons
    for which the slots of a day did not run. `running` is the day of the session that is not over, if any;
    `has_slot_left`: a slot of it is to come or may still start. `known` is what `joined` makes of these runs and
    entries, where the caller has it.
    """
    chosen = tuple(sorted(set(sessions)))
    parts, recorded = joined(runs, entries) if known is None else known
    may_enter = {(running, account) for account in expected} if running is not None and has_slot_left else set()
    days = account_days(chosen, recorded, expected, missed, running, may_enter)
    counted = Counter(day.kind for day in days)
    traded, errors = counted[DayKind.TRADED], counted[DayKind.ERROR]
    asked = [part.told for part in parts if part.was_asked and not part.was_off and not is_open(part, running)]
    times = sorted(run.acknowledged_ms for run in runs if run.acknowledged_ms is not None)
    slippages = [day.slippage for day in days if day.slippage is not None]
    priced = [part.told for part in parts if _was_priced(part)]
    return SessionFigures(
        sessions=chosen,
        days=days,
        success=Share(traded, traded + errors),
        retry=_retry(runs),
        skipped=Share(sum(told.outcome is Outcome.SKIPPED for told in asked), len(asked)),
        failed=Share(sum(has_failed(told) for told in asked), len(asked)),
        risk=Share(sum(told.reason in RISK_REASONS for told in priced), len(priced)),
        reasons=_reasons(asked),
        executions=len(times),
        median_ms=_nearest_rank(times, 50),
        p95_ms=_nearest_rank(times, 95),
        pricing_rejections=_rejections(days),
        fills=len(slippages),
        mean_slippage=sum(slippages, Decimal(0)) / len(slippages) if slippages else None,
        worst_slippage=min(slippages, default=None),
    )


def _was_priced(part: AccountPart) -> bool:
    return part.run is not None and part.run.reached_pricing and part.told.reason not in PRICING_REASONS


def _retry(runs: Iterable[AccountRun]) -> Share:
    attempts: dict[int, int] = {}
    for run in runs:
        if run.reached_pricing:
            attempts[run.cycle] = max(run.attempts, attempts.get(run.cycle, 0))
    return Share(sum(most > 1 for most in attempts.values()), len(attempts))


def _reasons(asked: Sequence[Told]) -> tuple[ReasonShare, ...]:
    """The shares of all reasons, most frequent first, then by code."""
    counted = Counter((told.reason, told.outcome) for told in asked if told.reason and told.outcome is not None)
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return tuple(ReasonShare(reason, outcome, Share(count, len(asked))) for (reason, outcome), count in ordered)


def _rejections(days: Iterable[AccountDay]) -> tuple[tuple[date, int], ...]:
    """The pricing rejections of each session that had any, counted for the account that had most."""
    most: dict[date, int] = {}
    for day in days:
        if day.pricing_rejections:
            most[day.day] = max(day.pricing_rejections, most.get(day.day, 0))
    return tuple(sorted(most.items()))


def _nearest_rank(ordered: Sequence[int], percent: int) -> int | None:
    """The smallest value with at least this percentage of all values at or below it."""
    return ordered[-(-percent * len(ordered) // 100) - 1] if ordered else None
