"""What the panels show of a day's cycles: which spread, which judgements, which attempts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from core.cycle.progress import CycleProgress, SpreadProgress
from core.domain.market.judgement import Judgement
from core.domain.reporting.told import HELD_BY
from core.snapshot import AttemptView, StepState


@dataclass(frozen=True, slots=True)
class DayPanels:
    """What is shown. `accounts` has the progress of each account in the newest cycle that did more than meet the day's
    entry, and `cycle` the one of them whose steps stand for it; None before the first.

    `spread` and the first of `judgements` are of one underlying, and of one account's run.
    """

    cycle: CycleProgress | None = None
    accounts: tuple[CycleProgress, ...] = ()
    spread: SpreadProgress | None = None
    judgements: tuple[Judgement, ...] = ()
    attempts: tuple[AttemptView, ...] = ()


def day_panels(cycles: Sequence[Sequence[CycleProgress]], holding: Collection[str]) -> DayPanels:
    """What is shown of these cycles, oldest first, each with the progress of its accounts.

    `holding` has the ids of the entries that traded or hold their day. While a cycle runs its spread is shown, else
    that of the newest such entry, else the newest.
    """
    if not cycles:
        return DayPanels()
    newest = _told(cycles)
    source = _source(cycles, holding)
    return DayPanels(
        cycle=_leading(newest, holding),
        accounts=tuple(newest),
        spread=None if source is None else source.spread,
        judgements=_judgements(cycles, source),
        attempts=tuple(attempt for progresses in cycles for attempt in _attempts(progresses)),
    )


def _told(cycles: Sequence[Sequence[CycleProgress]]) -> Sequence[CycleProgress]:
    """The cycle that is shown: the newest but for those that only met the day's entry. Once the day is held the cycle
    that holds it stays in sight."""
    return next((cycle for cycle in reversed(cycles) if not all(map(_met_entry, cycle))), cycles[-1])


def _met_entry(progress: CycleProgress) -> bool:
    return progress.ended is not None and progress.refusal is not None and progress.refusal.code in HELD_BY


def _source(cycles: Sequence[Sequence[CycleProgress]], holding: Collection[str]) -> CycleProgress | None:
    """The run whose spread is shown; without any spread, one that judged something; None when none did."""
    running = [progress for progress in cycles[-1] if progress.ended is None]
    for progress in running:
        if progress.spread is not None:
            return progress
    latest_first = [progress for progresses in reversed(cycles) for progress in progresses]
    for progress in latest_first:
        if _holds(progress, holding):
            return progress
    with_spread = (progress for progress in latest_first if progress.spread is not None)
    judged = (progress for progress in latest_first if progress.judgements)
    return next(with_spread, None) or next(judged, None)


def _leading(progresses: Sequence[CycleProgress], holding: Collection[str]) -> CycleProgress:
    """The account whose steps are shown: the first that still runs, else the one that holds its day, else the one that
    got furthest."""
    running = next((progress for progress in progresses if progress.ended is None), None)
    if running is not None:
        return running
    return max(progresses, key=lambda progress: (_holds(progress, holding), _reached(progress)))


def _holds(progress: CycleProgress, holding: Collection[str]) -> bool:
    return progress.spread is not None and progress.spread.entry_id in holding


def _reached(progress: CycleProgress) -> int:
    return sum(state is not StepState.TODO for state in progress.steps.values())


def _judgements(cycles: Sequence[Sequence[CycleProgress]], source: CycleProgress | None) -> tuple[Judgement, ...]:
    """The newest judgement of each underlying, those of the shown run before all others and its own underlying
    first."""
    if source is None:
        return ()
    first = source.shown_first if source.spread is None else source.spread.trident.underlying
    found = dict(sorted(source.judgements.items(), key=lambda item: item[0] != first))
    for progresses in reversed(cycles):
        for progress in progresses:
            for symbol, judgement in progress.judgements.items():
                found.setdefault(symbol, judgement)
    return tuple(found.values())


def _attempts(progresses: Sequence[CycleProgress]) -> Sequence[AttemptView]:
    """The attempts of a cycle in the order in which they were made, the accounts side by side."""
    if len(progresses) == 1:
        return progresses[0].attempts
    return sorted((attempt for progress in progresses for attempt in progress.attempts), key=lambda one: one.at)
