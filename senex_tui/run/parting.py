"""The line that a console prints when it has ended: what works on at the broker, what waits, how to come back."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from core.domain.operation.amounts import counted
from core.domain.operation.times import when
from core.domain.positions.resting import leaving_words
from core.runtime.clock import exchange_time
from core.snapshot import Automation, EngineState, Mode
from core.snapshot.fates import ReadingState

if TYPE_CHECKING:
    from core.snapshot import OrderView, Snapshot


def command_typed() -> str:
    """The command that started this process, as it would be typed again."""
    return shlex.join(["senex", *sys.argv[1:]])


def parting_line(snapshot: Snapshot, command: str, *, broker_ends: bool = False) -> str:
    """The line of a console that traded. `snapshot` is the last one, `command` starts it again. With `broker_ends` the
    broker is that of a demo, and nothing stays there."""
    back = f"`{command}` opens it again"
    if broker_ends:
        kept = "`senex demo --list` has what it recorded"
        return f"The demo has ended, and its broker with it: nothing works on. {kept}; `{command}` begins another."
    told = [*_at_the_broker(snapshot), *_waits(snapshot), back]
    return f"The console has ended: {told[0]}. {' '.join(f'{_begun(one)}.' for one in told[1:])}"


def watcher_line(command: str) -> str:
    """The line of a console that watched another's trader."""
    return f"This console has ended; the trader that it watched goes on without it. `{command}` watches it again."


def _at_the_broker(snapshot: Snapshot) -> list[str]:
    """What works on at the broker, each a sentence; what nobody knows is never told as nothing."""
    status = snapshot.status
    if status.engine is EngineState.FAILED or snapshot.reading.state is ReadingState.READING:
        live = " --live" if status.mode is Mode.LIVE else ""
        return [f"what works at the broker is not known here; `senex{live} status` reads the records for it"]
    unsettled = [order for order in snapshot.orders if order.fate is not None and not order.fate.is_over]
    unknown = [order for order in unsettled if order.state == "unknown"]
    working = [order for order in unsettled if order.state != "unknown"]
    told = []
    if working:
        works = "entry works" if len(working) == 1 else "entries work"
        told.append(f"{len(working)} {works} on at the broker, unwatched ({'; '.join(map(_named, working))})")
    if status.exits is not None and status.exits.resting:
        told.append(leaving_words(status.exits.rests))
    if unknown:
        named = "; ".join(map(_named, unknown))
        told.append(f"nobody knows yet whether the broker has {named}: the next start finds out")
    return told or ["nothing of it works at the broker"]


def _waits(snapshot: Snapshot) -> list[str]:
    """What is not done until a console runs again: the exits of what is held, and the entries."""
    status, told = snapshot.status, []
    held = snapshot.positions.open
    if held:
        stays = f"{counted(len(held), 'trident')} {'stays' if len(held) == 1 else 'stay'} open"
        times = [view.exits.next_exit_at for view in held if view.exits is not None and view.exits.next_exit_at]
        today = None if status.now is None else exchange_time(status.now).date()
        told.append(f"{stays}; the next time exit, {when(min(times), today)}, waits for a console" if times else stays)
    if status.automation in (Automation.PAUSED, Automation.HALTED):
        told.append(f"entries stay {status.automation.value.lower()}")
    return told


def _named(order: OrderView) -> str:
    named = f"{order.underlying} {order.strikes}"
    return f"{named}, order {order.order_id}" if order.order_id else named


def _begun(sentence: str) -> str:
    return sentence if sentence.startswith("`") else sentence[:1].upper() + sentence[1:]
