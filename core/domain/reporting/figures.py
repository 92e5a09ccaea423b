"""The figures of rules 12, computed from the records; pure and exact.

A *run* is one account's part in one cycle. An *account-day* is one account on one session. It has one of five kinds:

* traded: the broker acknowledged an entry of that day (in dry-run mode: validated its order);
* error, blocked by risk, or no trade by rule: the kind of most runs of the day; of two equally frequent kinds, the
  worse. A run is an error when it failed, when its outcome is unknown, or when a breaker stopped it. A run refused
  because the day already had its entry does not count: it was not asked to trade;
* missed: no cycle ran for the account, because no console was running or every slot was missed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum

from core.domain.operation.outcomes import Outcome
from core.domain.operation.reasons import Reason
from core.domain.orders.fills import fill_credit
from core.domain.orders.order_states import EntryState
from core.domain.orders.orders import Entry

SESSIONS = 20
"""Rates are over this many sessions (rules 12)."""

PRICING_REASONS = frozenset(
    reason.code
    for reason in (
        Reason.LEG_MISSING,
        Reason.LEG_UNUSABLE,
        Reason.LEG_CROSSED,
        Reason.LEG_STALE,
        Reason.PUT_CREDIT_NOT_POSITIVE,
        Reason.CALL_CREDIT_NOT_POSITIVE,
        Reason.PACKAGE_CREDIT_NOT_POSITIVE,
        Reason.CREDIT_ABOVE_WIDTH,
    )
)
"""The reasons for which pricing refuses (rules 6)."""
RISK_REASONS = frozenset(
    reason.code
    for reason in (
        Reason.RISK_INPUT_MISSING,
        Reason.RISK_NOT_POSITIVE,
        Reason.RISK_ABOVE_BUDGET,
        Reason.RISK_ABOVE_BUYING_POWER,
        Reason.POSITION_LIMIT,
        Reason.OPPOSITE_SIDE,
    )
)
"""The reasons for which risk refuses (rules 7)."""
_MET_THE_ENTRY = frozenset(
    reason.code for reason in (Reason.ENTRY_TODAY, Reason.VALIDATED_TODAY, Reason.ALREADY_AT_BROKER)
)
# Reasons of skipped runs that no rule about the trade gave: something was broken.
_BROKEN = frozenset(reason.code for reason in (Reason.BREAKER_OPEN, Reason.LOCK_LOST))
_ACKNOWLEDGED = frozenset(
    {EntryState.WORKING, EntryState.FILLED, EntryState.CANCELLED, EntryState.EXPIRED, EntryState.INCIDENT}
)


@dataclass(frozen=True, slots=True)
class AccountRun:
    """One account's part in one cycle, as recorded.

    `reason` is the stable code, empty when the run succeeded. `reached_pricing` says whether an attempt got as far as
    pricing (rules 6), `pricing_refusals` how many attempts pricing refused. `acknowledged_ms` is wall milliseconds from
    the slot, or from the start of a forced cycle, to the broker's acknowledgement; None without one.
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


class DayKind(StrEnum):
    """The five kinds of account-days."""

    TRADED = "traded"
    RULE = "no trade by rule"
    RISK = "blocked by risk"
    ERROR = "error"
    MISSED = "missed"


_WORSE_FIRST = (DayKind.ERROR, DayKind.RISK, DayKind.RULE)


@dataclass(frozen=True, slots=True)
class AccountDay:
    """One account on one session. `reason` is the code with which most runs of that kind ended; empty when traded.

    `execution_ms` is the slowest acknowledgement of the day, in wall milliseconds. `slippage` is the credit of the
    fills less the mid at the decision, per share: negative is worse than the mid.
    """

    account: str
    day: date
    kind: DayKind
    reason: str
    runs: int
    failed: int
    attempts: int
    pricing_rejections: int
    execution_ms: int | None
    slippage: Decimal | None


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

    def above(self, percent: int) -> bool:
        """Whether the exact share is more than this percentage. False when `of` is 0."""
        return self.of > 0 and 100 * self.count > percent * self.of


@dataclass(frozen=True, slots=True)
class ReasonShare:
    """How often a run ended with this reason, of all runs."""

    reason: str
    outcome: Outcome
    share: Share


@dataclass(frozen=True, slots=True)
class SessionFigures:
    """The figures of some sessions. Milliseconds are wall time; slippage is per share.

    success: account-days traded, of those that were traded or an error.
    retry: cycles that needed more than one attempt, of the cycles that reached pricing.
    skipped, failed: runs that ended so (unknown counts as failed), of all runs.
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
    sessions: Iterable[date], runs: Sequence[AccountRun], entries: Sequence[Entry], expected: Mapping[str, date]
) -> SessionFigures:
    """The figures of these sessions, from everything recorded on them.

    `expected` has the accounts that the automation trades, each with the day since when. A session from that day on
    without a run of the account was missed.
    """
    chosen = tuple(sorted(set(sessions)))
    days = _account_days(chosen, runs, entries, expected)
    counted = Counter(day.kind for day in days)
    traded, errors = counted[DayKind.TRADED], counted[DayKind.ERROR]
    times = sorted(run.acknowledged_ms for run in runs if run.acknowledged_ms is not None)
    slippages = [day.slippage for day in days if day.slippage is not None]
    priced = [run for run in runs if run.reached_pricing and run.reason not in PRICING_REASONS]
    return SessionFigures(
        sessions=chosen,
        days=days,
        success=Share(traded, traded + errors),
        retry=_retry(runs),
        skipped=Share(sum(run.outcome is Outcome.SKIPPED for run in runs), len(runs)),
        failed=Share(sum(run.outcome in (Outcome.FAILED, Outcome.UNKNOWN) for run in runs), len(runs)),
        risk=Share(sum(run.reason in RISK_REASONS for run in priced), len(priced)),
        reasons=_reasons(runs),
        executions=len(times),
        median_ms=_nearest_rank(times, 50),
        p95_ms=_nearest_rank(times, 95),
        pricing_rejections=_rejections(days),
        fills=len(slippages),
        mean_slippage=sum(slippages, Decimal(0)) / len(slippages) if slippages else None,
        worst_slippage=min(slippages, default=None),
    )


def _account_days(
    sessions: Sequence[date], runs: Iterable[AccountRun], entries: Iterable[Entry], expected: Mapping[str, date]
) -> tuple[AccountDay, ...]:
    """Every account-day, ordered by session and then by account."""
    runs_of: dict[tuple[date, str], list[AccountRun]] = defaultdict(list)
    entries_of: dict[tuple[date, str], list[Entry]] = defaultdict(list)
    for run in runs:
        runs_of[run.day, run.account].append(run)
    for entry in entries:
        entries_of[entry.session_day, entry.account].append(entry)
    missed = {(day, account) for day in sessions for account, since in expected.items() if since <= day}
    asked_for = set(sessions)
    known = sorted(key for key in missed | runs_of.keys() | entries_of.keys() if key[0] in asked_for)
    return tuple(
        _account_day(day, account, runs_of.get((day, account), []), entries_of.get((day, account), []))
        for day, account in known
    )


def _account_day(day: date, account: str, runs: Sequence[AccountRun], entries: Sequence[Entry]) -> AccountDay:
    kind, reason = _judged(runs, entries)
    times = [run.acknowledged_ms for run in runs if run.acknowledged_ms is not None]
    credits = [(fill_credit(entry.request, entry.fills), entry.mid) for entry in entries]
    return AccountDay(
        account=account,
        day=day,
        kind=kind,
        reason=reason,
        runs=len(runs),
        failed=sum(run.outcome in (Outcome.FAILED, Outcome.UNKNOWN) for run in runs),
        attempts=sum(run.attempts for run in runs),
        pricing_rejections=sum(run.pricing_refusals for run in runs),
        execution_ms=max(times, default=None),
        slippage=next((credit - mid for credit, mid in credits if credit is not None), None),
    )


def _judged(runs: Sequence[AccountRun], entries: Sequence[Entry]) -> tuple[DayKind, str]:
    """The kind of the account-day, and the code of the reason for it."""
    if any(run.outcome is Outcome.SUCCEEDED for run in runs) or any(e.state in _ACKNOWLEDGED for e in entries):
        return DayKind.TRADED, ""
    asked = [run for run in runs if run.reason not in _MET_THE_ENTRY]
    if not asked:
        # An entry without a run comes from a cycle that was interrupted; the figures do not know how the run ended.
        return (DayKind.ERROR, Reason.INTERRUPTED.code) if runs or entries else (DayKind.MISSED, "")
    kinds = Counter(_kind_of(run) for run in asked)
    kind = max(_WORSE_FIRST, key=lambda each: kinds[each])  # `max` takes the first of equals: the worse
    reasons = Counter(run.reason for run in asked if _kind_of(run) is kind)
    return kind, reasons.most_common(1)[0][0]


def _kind_of(run: AccountRun) -> DayKind:
    if run.outcome in (Outcome.FAILED, Outcome.UNKNOWN) or run.reason in _BROKEN:
        return DayKind.ERROR
    return DayKind.RISK if run.reason in RISK_REASONS else DayKind.RULE


def _retry(runs: Iterable[AccountRun]) -> Share:
    attempts: dict[int, int] = {}
    for run in runs:
        if run.reached_pricing:
            attempts[run.cycle] = max(run.attempts, attempts.get(run.cycle, 0))
    return Share(sum(most > 1 for most in attempts.values()), len(attempts))


def _reasons(runs: Sequence[AccountRun]) -> tuple[ReasonShare, ...]:
    """The shares of all reasons, most frequent first, then by code."""
    counted = Counter((run.reason, run.outcome) for run in runs if run.reason)
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return tuple(ReasonShare(reason, outcome, Share(count, len(runs))) for (reason, outcome), count in ordered)


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
