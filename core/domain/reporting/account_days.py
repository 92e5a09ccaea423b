"""What each account came to on each session, from its runs, its entries and its missed slots (rules 12); pure.

A *run* is one account's part in one cycle, and came to what the fate of its entry says, where it made one: the outcome
that the cycle recorded is not asked then. An *account-day* is one account on one session, and is, the first that fits:

* traded: at least one contract was filled (in dry-run mode: the broker validated the order);
* open: the session is not over, and an order of it still works or is unknown, or a slot is left at which the account
  may still enter: the automation trades it and no entry holds its day for good. Such a day is in no rate;
* error: an order was rejected, is not at the broker, stayed unknown or ended unfilled. When an operator here
  cancelled it, that was a decision: no trade by rule. One that the broker refused beside a closing order decides only
  as the run that made it;
* error, blocked by risk, or no trade by rule: what most of the day's runs came to, a tie going to the worse. A run is
  an error when it failed, when its outcome is unknown, or when a breaker stopped it;
* without a run: what most of its missed slots were missed for. A pause is a rule; a console that was down, halted or
  late is an error, and so is a day of which nothing is recorded.

A run that only met the entry of the day was not asked to trade, nor was an account that was switched off, or when a
cycle was forced for others. None of these counts in the shares of runs.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from core.domain.operation.outcomes import Outcome
from core.domain.operation.reasons import Reason
from core.domain.operation.runs import AccountRun
from core.domain.orders.fate import Fate, FateKind, fate_of
from core.domain.orders.orders import Entry
from core.domain.reporting.told import VALIDATED, Told, told_run

RISK_REASONS = frozenset(
    reason.code
    for reason in (
        Reason.RISK_INPUT_MISSING,
        Reason.RISK_NOT_POSITIVE,
        Reason.RISK_ABOVE_BUDGET,
        Reason.RISK_ABOVE_BUYING_POWER,
        Reason.POSITION_LIMIT,
        Reason.OPEN_RISK_UNKNOWN,
        Reason.OPPOSITE_SIDE,
    )
)
"""The reasons for which risk refuses (rules 7)."""
_MET_THE_ENTRY = frozenset(
    reason.code for reason in (Reason.ENTRY_TODAY, Reason.VALIDATED_TODAY, Reason.ALREADY_AT_BROKER)
)
# Reasons of skipped runs that no rule about the trade gave: something was broken.
_BROKEN = frozenset(reason.code for reason in (Reason.BREAKER_OPEN, Reason.LOCK_LOST, Reason.REFUSED_UNHEARD))
# Reasons of missed slots that an operator gave. All others are faults: the console was down, late or halted.
_DECIDED = frozenset(reason.code for reason in (Reason.PAUSED, Reason.SKIP_TODAY, Reason.ACCOUNT_DISABLED))
_NOT_OVER = frozenset({FateKind.SENDING, FateKind.WORKING, FateKind.PARTLY, FateKind.UNKNOWN})


class DayKind(StrEnum):
    """The kinds of account-days. Open is only today's, while an order of it works or is unknown, or it may enter."""

    TRADED = "traded"
    RULE = "no trade by rule"
    RISK = "blocked by risk"
    ERROR = "error"
    OPEN = "not over"

    @classmethod
    def _missing_(cls, value: object) -> DayKind | None:
        """A day on which no cycle ran is an error. Days recorded earlier call it missed."""
        return cls.ERROR if value == "missed" else None


_WORSE_FIRST = (DayKind.ERROR, DayKind.RISK, DayKind.RULE)


@dataclass(frozen=True, slots=True)
class AccountDay:
    """One account on one session. `reason` is the code of what decided; empty when traded. Of a day that is not over it
    is that of what the day came to so far; empty while an order of it works.

    `failed` counts the runs that are told to have failed, or whose outcome stayed unknown. `execution_ms` is the
    slowest acknowledgement of the day, in wall milliseconds. `slippage` is the credit of the fills less the mid at the
    decision, per share: negative is worse than the mid.
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

    @property
    def awaits_order(self) -> bool:
        """Whether it is not over because of an order that works or is unknown, or nothing is recorded of it yet."""
        return self.kind is DayKind.OPEN and self.reason in ("", Reason.OUTCOME_UNKNOWN.code)


@dataclass(frozen=True, slots=True)
class AccountPart:
    """One account's part in one cycle, and what it is told to have come to. `run` is None when it was interrupted."""

    account: str
    day: date
    run: AccountRun | None
    told: Told

    @property
    def was_asked(self) -> bool:
        """Whether it was asked to trade: the day had no entry yet."""
        return self.told.reason not in _MET_THE_ENTRY

    @property
    def was_off(self) -> bool:
        """Whether the account was switched off. It decides about the day, and is in no share of runs."""
        return self.told.reason == Reason.ACCOUNT_DISABLED.code


@dataclass(slots=True)
class RecordedDay:
    """What is recorded of one account-day."""

    parts: list[AccountPart] = field(default_factory=list)
    fates: list[Fate] = field(default_factory=list)


class Joined(NamedTuple):
    """Runs joined with the entries they made: every part with what it came to, and the same by day and account."""

    parts: Sequence[AccountPart]
    recorded: Mapping[tuple[date, str], RecordedDay]


def joined_days(since: date, *apart: Joined) -> Joined:
    """What was joined of different days, as one; without the days before `since`."""
    return Joined(
        [part for each in apart for part in each.parts if part.day >= since],
        {key: day for each in apart for key, day in each.recorded.items() if key[0] >= since},
    )


def joined(runs: Iterable[AccountRun], entries: Iterable[Entry]) -> Joined:
    """Every part with what it came to, and the same by day and account, with the fates of the day's entries.

    A run that succeeded without an entry validated its order in a dry run. An entry without a run comes from a cycle
    that was interrupted.
    """
    fates = {(entry.session_day, entry.cycle, entry.account): fate_of(entry) for entry in entries}
    parts = []
    interrupted = dict(fates)
    for run in runs:
        if run.outcome is Outcome.NOT_ASKED:
            continue
        fate = fates.get((run.day, run.cycle, run.account))
        interrupted.pop((run.day, run.cycle, run.account), None)
        validated = fate is None and run.outcome is Outcome.SUCCEEDED
        parts.append(AccountPart(run.account, run.day, run, told_run(run, fate, validated=validated)))
    for (day, _, account), fate in interrupted.items():
        if fate.outcome is not None:
            parts.append(AccountPart(account, day, None, told_run(None, fate)))
    recorded: dict[tuple[date, str], RecordedDay] = defaultdict(RecordedDay)
    for part in parts:
        recorded[part.day, part.account].parts.append(part)
    for (day, _, account), fate in fates.items():
        recorded[day, account].fates.append(fate)
    return Joined(parts, recorded)


def account_days(
    sessions: Sequence[date],
    recorded: Mapping[tuple[date, str], RecordedDay],
    expected: Mapping[str, date],
    missed: Mapping[date, Mapping[str, int]],
    running: date | None,
    may_enter: Collection[tuple[date, str]],
) -> tuple[AccountDay, ...]:
    """Every account-day, ordered by session and then by account. `may_enter` has those with a slot left."""
    awaited = {(day, account) for day in sessions for account, since in expected.items() if since <= day}
    asked_for = set(sessions)
    known = sorted(key for key in awaited | recorded.keys() if key[0] in asked_for)
    return tuple(
        _account_day(
            *key,
            recorded.get(key, RecordedDay()),
            missed.get(key[0], {}),
            running,
            may_enter=key in may_enter,
        )
        for key in known
    )


def _account_day(
    day: date,
    account: str,
    recorded: RecordedDay,
    missed: Mapping[str, int],
    running: date | None,
    *,
    may_enter: bool,
) -> AccountDay:
    kind, reason = _judged(recorded, missed, is_running=day == running)
    if may_enter and kind is not DayKind.TRADED and not any(_ends_day(fate) for fate in recorded.fates):
        kind = DayKind.OPEN
    runs = [part.run for part in recorded.parts if part.run is not None]
    times = [run.acknowledged_ms for run in runs if run.acknowledged_ms is not None]
    slippages = [fate.slippage for fate in recorded.fates if fate.slippage is not None]
    return AccountDay(
        account=account,
        day=day,
        kind=kind,
        reason=reason,
        runs=len(recorded.parts),
        failed=sum(has_failed(part.told) and not is_open(part, running) for part in recorded.parts),
        attempts=sum(run.attempts for run in runs),
        pricing_rejections=sum(run.pricing_refusals for run in runs),
        execution_ms=max(times, default=None),
        slippage=slippages[0] if slippages else None,
    )


def _judged(recorded: RecordedDay, missed: Mapping[str, int], *, is_running: bool) -> tuple[DayKind, str]:
    """The kind of the account-day, and the code of the reason for it."""
    parts, fates = recorded.parts, recorded.fates
    if any(_has_traded(fate) for fate in fates) or any(_validated(part.told) for part in parts):
        return DayKind.TRADED, ""
    if is_running and any(fate.kind in _NOT_OVER for fate in fates):
        unknown = any(fate.kind is FateKind.UNKNOWN for fate in fates)
        return DayKind.OPEN, Reason.OUTCOME_UNKNOWN.code if unknown else ""
    # An order refused beside one of ours that rests is no fault: what the runs came to decides, and it is one of them.
    left = [
        fate.reason or Reason.OUTCOME_UNKNOWN
        for fate in fates
        if fate.kind is not FateKind.NOT_SENT and fate.reason is not Reason.OPPOSING_ORDER
    ]
    if left:
        faults = Counter(reason.code for reason in left if reason is not Reason.CANCELLED_HERE)
        return (DayKind.ERROR, _most(faults)) if faults else (DayKind.RULE, Reason.CANCELLED_HERE.code)
    asked = [part.told for part in parts if part.was_asked]
    if asked:
        return _of_most(Counter((_kind_of(told), told.reason) for told in asked))
    if parts or fates:
        return DayKind.ERROR, Reason.INTERRUPTED.code  # the figures do not know how the run ended
    if missed:
        return _of_most(
            Counter({((DayKind.RULE if code in _DECIDED else DayKind.ERROR), code): n for code, n in missed.items()})
        )
    return (DayKind.OPEN, "") if is_running else (DayKind.ERROR, Reason.PROCESS_DOWN.code)


def _of_most(counted: Counter[tuple[DayKind, str]]) -> tuple[DayKind, str]:
    """The kind of most, the worse of equals, with the reason that most of that kind had."""
    kinds: Counter[DayKind] = Counter()
    for (kind, _), count in counted.items():
        kinds[kind] += count
    kind = max(_WORSE_FIRST, key=lambda each: kinds[each])  # `max` takes the first of equals: the worse
    return kind, _most(Counter({code: count for (each, code), count in counted.items() if each is kind}))


def _most(counted: Counter[str]) -> str:
    return counted.most_common(1)[0][0]


def _has_traded(fate: Fate) -> bool:
    """Whether a contract is filled, by a fill record or by the broker's word that the order is."""
    return fate.traded or fate.kind is FateKind.FILLED


def _ends_day(fate: Fate) -> bool:
    """Whether the account enters nothing more that day. A day that two reads may free without a person's word may still
    enter (rules 9)."""
    frees_itself = fate.kind in (FateKind.CANCELLED, FateKind.EXPIRED) and not fate.traded and not fate.needs_word
    return fate.holds_day and not frees_itself


def _validated(told: Told) -> bool:
    return told.word == VALIDATED or told.reason == Reason.VALIDATED_TODAY.code


def has_failed(told: Told) -> bool:
    """Whether a run failed, or its outcome is unknown."""
    return told.outcome in (Outcome.FAILED, Outcome.UNKNOWN)


def is_open(part: AccountPart, running: date | None) -> bool:
    """Whether its order is on its way right now, or may be at the broker: it has not come to anything yet."""
    fate = part.told.fate
    return part.day == running and fate is not None and fate.kind in (FateKind.SENDING, FateKind.UNKNOWN)


def _kind_of(told: Told) -> DayKind:
    if has_failed(told) or told.reason in _BROKEN:
        return DayKind.ERROR
    return DayKind.RISK if told.reason in RISK_REASONS else DayKind.RULE
