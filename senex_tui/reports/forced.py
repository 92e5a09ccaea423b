"""`senex force --wait`: what a forced cycle came to, read from the records (rules 4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.domain.operation.commands import COMMAND, CYCLE, CommandKind, CommandState
from core.domain.operation.events import masked
from core.domain.operation.outcomes import Outcome
from core.runtime.clock import SystemClock
from senex_tui.support.report import EXIT_CODES, Answer
from senex_tui.support.text import safe
from senex_tui.trader.place import Place, with_records
from senex_tui.trader.send_command import DONE, send

if TYPE_CHECKING:
    from core.records.records import Records
    from core.records.search.told_cycles import CycleTold

LOOK_EVERY_S = 0.2


async def force(place: Place, account: str, wait_s: float | None) -> Answer:
    """Forces a cycle in the console that trades there, for one account or for all.

    With `wait_s` it is followed for so many wall seconds at most, its orders too; the exit code is then that of what it
    came to. Raises Refused before the first start, RecordsError.
    """
    answer = await send(place, CommandKind.FORCE, target=account)
    if answer.exit_code != DONE or wait_s is None:
        return answer
    return await with_records(place, lambda records: _followed(records, answer, wait_s))


async def _followed(records: Records, answer: Answer, wait_s: float) -> Answer:
    wall = SystemClock()
    until = wall.monotonic() + wait_s
    number: int | None = None
    told: CycleTold | None = None
    while True:
        if number is None:
            number = await _number(records, answer.command)
        if number is not None:
            told = await _told(records, number)
        if told is not None and _is_over(told):
            break
        if wall.monotonic() >= until:
            break
        await wall.sleep(LOOK_EVERY_S)
    return _answer(answer, number, told, wait_s)


async def _number(records: Records, command: str) -> int | None:
    """The number of the cycle that the command began. The event with it is written just after the answer."""
    kind = f"command.{CommandKind.FORCE.value}.{CommandState.DONE.value}"
    event = await records.journal.newest_with(kind, (COMMAND, command))
    found = None if event is None else dict(event.figures).get(CYCLE)
    return found if isinstance(found, int) else None


async def _told(records: Records, number: int) -> CycleTold | None:
    cycle = await records.cycles.get(number)
    return None if cycle is None else (await records.told_cycles.of_day(cycle.day)).get(number)


def _is_over(told: CycleTold) -> bool:
    """Whether the cycle has ended, and every order that it made."""
    made = [each.fate for each in told.accounts.values() if each.fate is not None]
    return told.told.outcome is not None and all(fate.is_over for fate in made)


def _answer(answer: Answer, number: int | None, told: CycleTold | None, wait_s: float) -> Answer:
    if number is None or told is None or told.told.outcome is None:
        text = f"{answer.text}\nit has not ended within {wait_s:g} s; `senex explain {number or 'last'}` tells it."
        return Answer(EXIT_CODES[Outcome.UNKNOWN.value], text, answer.command)
    lines = [f"cycle {number}: {safe(told.told.words)}"]
    lines += [
        f"  account {masked(account)}: {safe(one.words)}"
        for account, one in told.accounts.items()
        if len(told.accounts) > 1 or one.words != told.told.words
    ]
    return Answer(EXIT_CODES[told.told.outcome.value], "\n".join(lines), answer.command)
