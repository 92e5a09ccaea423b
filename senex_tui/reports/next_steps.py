"""What comes next, as `senex status` and `senex day` tell it: read, as values, and in words (rules 9)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.domain.market.sessions import SlotTimes
from core.domain.operation import times
from core.domain.operation.events import masked_in
from core.domain.orders.next_step import Next, NextStep, next_step, overall
from core.runtime.clock import Clock, SystemClock
from core.views.standing_reads import Reconciling, read_standings
from senex_tui.support.report import instant_text
from senex_tui.trader.place import Place

if TYPE_CHECKING:
    from core.locks.holder import Holder
    from core.market.calendar import SessionCalendar
    from core.records.records import Records

_BY_ITSELF = frozenset({Next.STARTING.value, Next.RECONCILING.value})


@dataclass(frozen=True, slots=True)
class NextSteps:
    """What comes next for the console, and for each account by its number."""

    overall: NextStep
    accounts: Mapping[str, NextStep]


async def calendar_around(now: datetime) -> SessionCalendar:
    """The exchange's calendar around an instant, loaded off the loop."""
    from core.market.calendar import SessionCalendar

    return await asyncio.to_thread(SessionCalendar, now)


async def read_next_steps(
    records: Records,
    place: Place,
    times: SlotTimes,
    calendar: SessionCalendar,
    clock: Clock,
    now: datetime,
    holder: Holder | None,
    only: str | None = None,
    reconciling: Reconciling | None = None,
) -> NextSteps:
    """What comes next at `now`, told from the records as the running console tells it. Raises RecordsError.

    `only` leaves one account, by its number. `reconciling` is what a caller has read already of the running console.
    """
    if place.demo and holder is None:
        finished = NextStep(Next.NO_CONSOLE, f"the demo {place.demo} is finished; nothing more enters")
        known = [account.number for account in await records.accounts.all()]
        return NextSteps(finished, {number: finished for number in known if only in (None, number)})
    standings = await read_standings(
        records,
        times,
        calendar,
        now,
        console=holder is not None,
        kill_file=place.halting_file,
        stopped_here=place.kept_stops(),
        sends=place.mode.sends,
        speed=clock.speed,
        began=holder.since if holder is not None and isinstance(clock, SystemClock) else None,
        reconciling=reconciling,
    )
    accounts = {standing.number: next_step(standing) for standing in standings if only in (None, standing.number)}
    if holder is None and not accounts:
        return NextSteps(NextStep(Next.NO_CONSOLE, "no console is running", ends="start one: `senex`"), {})
    return NextSteps(overall(list(accounts.values())), accounts)


def step_values(step: NextStep, now: datetime, numbers: Sequence[str]) -> dict[str, Any]:
    """What comes next as a report's values. `kind` is the stable word; `in_s` counts market seconds to `enters_at`.

    `reads` tells of the two reads at the broker that may free the day, None where none may. `numbers` are masked.
    """
    proof = step.settling
    return {
        "kind": step.kind.value,
        "words": masked_in(step.words, numbers),
        "enters_at": instant_text(step.enters_at),
        "in_s": None if step.enters_at is None else times.seconds_to(step.enters_at, now),
        "misses_at": instant_text(step.misses_at),
        "next_day": instant_text(step.next_day),
        "who": step.who,
        "since": instant_text(step.since),
        "why": masked_in(step.why, numbers),
        "ends": step.ends,
        "reads": None
        if proof is None
        else {
            "needs_word": proof.needs_word,
            "first_due": instant_text(proof.first_due),
            "first_read": instant_text(proof.first_read),
            "second_due": instant_text(proof.second_due),
            "due_in_s": None if proof.next_due is None else times.seconds_to(proof.next_due, now),
            "blocked": proof.blocked,
        },
    }


def step_words(step: Mapping[str, Any]) -> str:
    """The values in a sentence: what comes next, the countdown where there is one, and how what stops it ends."""
    words = str(step["words"])
    if step["in_s"] is not None:
        words += f", in {times.span(step['in_s'])}"
    reads = step["reads"]
    if reads is not None and reads["due_in_s"] is not None and not reads["blocked"]:
        words += f", in {times.span(reads['due_in_s'])}" if reads["due_in_s"] else ", now"
    ends = step["ends"]
    return words if not ends or ends in words or step["kind"] in _BY_ITSELF else f"{words}; to end it: {ends}"
