"""The lines of the daily and the weekly mail about exits: what was realized, and what comes next (rules 15.10)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from core.domain.operation.amounts import counted, realized, signed_dollars
from core.domain.operation.times import when
from core.domain.positions.pnl import Unrealized

SHOWN = 3
"""So many time exits that come next are named; the others are counted."""


@dataclass(frozen=True, slots=True)
class Earned:
    """What an account realized on a session day, in $ after fees. `estimated`: a fee is not the broker's last word.
    `ended` names each trident that ended that day, and how; `unexplained` the units that ended for nobody knows how
    much, which are left out."""

    realized: Decimal
    estimated: bool = False
    ended: tuple[str, ...] = ()
    unexplained: int = 0


@dataclass(frozen=True, slots=True)
class ExitsAhead:
    """How the exits of an account stand when the mail is written; `today` is the exchange's date. `resting` counts the
    closing orders at the broker; `stopped` says why none is sent, empty while they are on; `mark` is what its units
    left would realize now, None without fresh quotes. `time_exits` are those to come, by the trident's name, in any
    order; instants are aware UTC."""

    today: date
    resting: int = 0
    stopped: str = ""
    mark: Unrealized | None = None
    time_exits: tuple[tuple[datetime, str], ...] = ()


def earned_words(earned: Earned) -> str:
    """The result in a phrase: `realized ~+44.00 $`."""
    without = f" without {counted(earned.unexplained, 'unit')} that nothing explains" if earned.unexplained else ""
    return f"realized {realized(earned.realized, estimated=earned.estimated)}{without}"


def has_news(earned: Earned) -> bool:
    """Whether anything was realized or ended that day."""
    return bool(earned.realized or earned.ended or earned.unexplained)


def earned_lines(earned: Earned) -> tuple[str, ...]:
    """What the account realized, and which tridents ended; no line for a day on which nothing did."""
    if not has_news(earned):
        return ()
    words = earned_words(earned)
    return (f"{words[:1].upper()}{words[1:]}.", *(f"Ended: {one}." for one in earned.ended))


def total(days: Iterable[Earned]) -> Earned:
    """Several days as one."""
    several = tuple(days)
    return Earned(
        realized=sum((one.realized for one in several), Decimal(0)),
        estimated=any(one.estimated for one in several),
        ended=tuple(name for one in several for name in one.ended),
        unexplained=sum(one.unexplained for one in several),
    )


def ahead_lines(ahead: ExitsAhead) -> tuple[str, ...]:
    """What rests, what the open units are worth by their quotes, and the time exits that come next."""
    lines = []
    if ahead.stopped:
        lines.append(f"No closing order is sent: {ahead.stopped}.")
    if ahead.resting:
        rests = "rests" if ahead.resting == 1 else "rest"
        lines.append(f"{counted(ahead.resting, 'closing order')} {rests} at the broker.")
    if ahead.mark is not None:
        natural = f"{signed_dollars(ahead.mark.natural)} at natural"
        lines.append(f"Open by mark: {signed_dollars(ahead.mark.mid)}, {natural}, before fees.")
    if ahead.time_exits:
        exits = sorted(ahead.time_exits)
        named = "; ".join(f"{when(at, ahead.today)} {name}" for at, name in exits[:SHOWN])
        more = f"; and {len(exits) - SHOWN} more" if len(exits) > SHOWN else ""
        lines.append(f"Next time exits: {named}{more}.")
    return tuple(lines)
