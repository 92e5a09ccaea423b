"""Adds up the outcomes of many days, and shrinks a violation to the shortest plan that shows it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from core.runtime.clock import exchange_time
from tests.proofs.days.day import SeedResult, run_plan
from tests.proofs.days.plan import Plan, draw
from tests.proofs.days.trouble import Trouble

AFTER_LAST = timedelta(minutes=30)


@dataclass
class Totals:
    """The figures of many seeds."""

    seeds: int = 0
    days: int = 0
    steps: int = 0
    processes: int = 0
    special: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    entries: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def add(self, result: SeedResult) -> None:
        self.seeds += 1
        self.days += result.days
        self.steps += result.steps
        self.processes += result.processes
        self.special[result.plan.special] += result.days
        self.troubles += result.troubles
        self.entries += result.entries
        self.missed += result.missed

    def lines(self) -> Iterator[str]:
        yield f"days {self.days} from {self.seeds} seeds ({_words(self.special)})"
        yield f"steps asserted {self.steps}, engine processes {self.processes}"
        yield f"faults and commands {self.troubles.total()}: {_words(self.troubles)}"
        yield f"account-days with an entry {self.entries.total()}: {_words(self.entries)}"
        yield f"account-days missed {self.missed.total()}: {_words(self.missed)}"
        yield f"violations {len(self.violations)}"


def seeds_for(days: int, first: int, sessions: int = 0) -> Iterator[int]:
    """Seeds from `first` on whose plans have at least `days` days together; with `sessions` each has so many."""
    while days > 0:
        yield first
        days -= sessions or len(draw(first).days)
        first += 1


@dataclass(frozen=True)
class Prefix:
    """The smallest plan found that shows a violation."""

    plan: Plan
    until: datetime
    violations: list[str]

    def lines(self) -> Iterator[str]:
        day = exchange_time(self.until)
        yield f"SEED={self.plan.seed}: {self.violations[0]}"
        yield (
            f"shown by {len(self.plan.troubles)} faults, until {day:%Y-%m-%d %H:%M:%S} ET "
            f"({round((self.until - self.plan.start).total_seconds() / 60)} minutes from the start)"
        )
        for trouble in self.plan.troubles:
            yield f"  {_sentence(trouble)}"


def shrink(plan: Plan, run: Callable[[Plan, datetime | None], SeedResult] | None = None) -> Prefix:
    """Shrinks a plan that shows a violation: first to fewer faults, then to an earlier end."""
    rerun = run or (lambda tried, until: run_plan(tried, until=until))
    best = plan
    violations = rerun(plan, None).violations
    low, high = 0, len(plan.troubles)
    while low < high:
        half = (low + high) // 2
        tried = replace(plan, troubles=plan.troubles[:half])
        found = rerun(tried, None).violations
        if found:
            best, high, violations = tried, half, found
        else:
            low = half + 1
    index = 0
    while index < len(best.troubles):  # a fault in the middle that changes nothing
        tried = replace(best, troubles=best.troubles[:index] + best.troubles[index + 1 :])
        found = rerun(tried, None).violations
        if found:
            best, violations = tried, found
        else:
            index += 1
    end = _last_moment(best)
    first, last = int(best.start.timestamp()), int(end.timestamp())
    while last - first > 1:
        middle = (first + last) // 2
        found = rerun(best, _at(best, middle)).violations
        if found:
            last, violations = middle, found
        else:
            first = middle
    return Prefix(best, _at(best, last), violations)


def _at(plan: Plan, seconds: int) -> datetime:
    return plan.start + timedelta(seconds=seconds - int(plan.start.timestamp()))


def _last_moment(plan: Plan) -> datetime:
    return plan.start + timedelta(days=(plan.days[-1] - plan.days[0]).days, hours=8)


def _sentence(trouble: Trouble) -> str:
    at = exchange_time(trouble.at)
    return (
        f"{at:%Y-%m-%d %H:%M:%S.%f} ET  {trouble.kind} {trouble.seconds:g} s x{trouble.count} {trouble.word}".rstrip()
    )


def _words(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common()) or "none"
