"""How a console without a screen is ended: by a signal, and at a terminal with the offer to cancel first what rests."""

from __future__ import annotations

import logging
import os
import select
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from types import FrameType
from typing import TYPE_CHECKING

from core.domain.operation.commands import CommandKind, CommandState
from core.domain.operation.events import masked
from core.domain.orders.order_states import OrderState
from core.domain.orders.orders import Intent
from core.domain.positions.exit_fate import KIND_WORDS, exit_fate
from core.domain.positions.exits import Exit, ExitKind
from core.domain.positions.resting import Resting, leaving_words, resting_words
from core.domain.positions.trident_commands import (
    CANCEL_WAITS_S,
    ExitsWord,
    ExitsWords,
)
from core.runtime.clock import Clock, SystemClock
from core.snapshot import Automation

if TYPE_CHECKING:
    from core.engine.host import EngineHost
    from core.records.records import Records
    from core.snapshot import Snapshot

log = logging.getLogger(__name__)
STDIN, STDOUT = 0, 1
WAITS_S = 2 * CANCEL_WAITS_S
"""Wall seconds for which the end waits, from the answer on, for orders of which nobody knows whether they work."""
_WHY = "the console ends"
_QUESTION = (
    "cancel before the end? Exits are then held until `senex exits on` and entries paused until `senex resume`. Type y "
    "or n and press enter; ctrl+c again ends without"
)
_NOT_DONE = frozenset({CommandState.REFUSED, CommandState.EXPIRED})


def leaving_of(snapshot: Snapshot) -> str:
    """What is said of the closing orders that go on at the broker without the console; empty for none."""
    exits = snapshot.status.exits
    return "" if exits is None else leaving_words(exits.rests)


class _Offer(Enum):
    NONE = auto()
    ASKED = auto()
    CANCELLING = auto()


@dataclass(eq=False)
class Ending:
    """Ends an engine in order on SIGINT, SIGTERM and SIGHUP; one more SIGINT ends the process at once.

    A signal that was ignored when the process began, as by nohup, stays so. A first SIGINT with closing orders at work
    at the broker asks whoever sits at the terminal whether they are cancelled first; the engine runs on meanwhile.
    Once they are to be cancelled, nothing more is sent, and entries that work are cancelled too. An order on its way is
    waited for, `WAITS_S` at most; one of which nobody knows by then is named.

    Nobody is asked where input or output is no terminal of ours, and no other signal waits: both end at once.
    With `broker_ends` the broker is that of a demo, and nothing stays there. `say` takes a sentence. Made and
    used on the main thread.
    """

    host: EngineHost
    say: Callable[[str], None]
    broker_ends: bool = False
    clock: Clock = field(default_factory=SystemClock)
    _offer: _Offer = field(init=False, default=_Offer.NONE)
    _command: str = field(init=False, default="")
    """The cancel of closing orders that is not answered yet."""
    _entries: set[str] = field(init=False, default_factory=set)
    """The entries whose cancel was sent."""
    _look: Future[tuple[Intent, ...]] | None = field(init=False, default=None)
    _until_s: float = field(init=False, default=0.0)
    _typed: bytes = field(init=False, default=b"")
    _asked_to_end: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) is not signal.SIG_IGN:
                    signal.signal(number, self._caught)

    def check(self, snapshot: Snapshot) -> None:
        """Takes an answer that was typed, and ends the engine once what was to be cancelled is."""
        if self._asked_to_end or self._offer is _Offer.NONE:
            return
        if self._offer is _Offer.CANCELLING:
            self._see_them_cancelled(snapshot)
            return
        for answer in self._typed_lines():
            if self._offer is _Offer.ASKED and not self._asked_to_end:
                self._answered(answer, snapshot)

    def _caught(self, number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if self._asked_to_end:
            if number == signal.SIGINT:
                signal.signal(signal.SIGINT, signal.SIG_DFL)
                os.kill(os.getpid(), signal.SIGINT)
        elif number == signal.SIGINT and self._offer is _Offer.NONE and self._may_ask():
            self._offer = _Offer.ASKED
            self.say(f"{name}: {_at_work(self.host.snapshot())}; {_QUESTION}")
        else:
            self._end(name)

    def _end(self, why: str) -> None:
        self._asked_to_end = True
        self.host.ask_to_stop()
        self.say(f"{why}: ending in order; ctrl+c again ends at once")

    def _may_ask(self) -> bool:
        return not self.broker_ends and bool(_working(self.host.snapshot()).orders) and _has_somebody()

    def _answered(self, answer: str, snapshot: Snapshot) -> None:
        if answer in ("y", "yes"):
            # Both are held first: a walk or a cycle would send its next order, and that one would be left alone.
            self.host.send(CommandKind.EXITS, note=ExitsWords(ExitsWord.HOLD, _WHY).note())
            if snapshot.status.automation not in (Automation.PAUSED, Automation.HALTED):
                self.host.send(CommandKind.PAUSE, note=_WHY)
            self._cancel_exits()
            self._offer, self._until_s = _Offer.CANCELLING, self.clock.monotonic() + WAITS_S
            self.say(
                "exits are held until `senex exits on`, entries are paused until `senex resume`; the console ends when "
                "no order works any more; ctrl+c ends it now"
            )
        elif answer in ("n", "no", ""):
            self._end("left at the broker")
        else:
            self.say(_QUESTION)

    def _cancel_exits(self) -> None:
        self._command = self.host.send(CommandKind.EXITS, note=ExitsWords(ExitsWord.CANCEL).note())

    def _see_them_cancelled(self, snapshot: Snapshot) -> None:
        if self._command:
            answer = next((one for one in snapshot.commands if one.id == self._command), None)
            if answer is None or answer.state is CommandState.PENDING:
                return
            self._command = ""
            if answer.state in _NOT_DONE:
                self._offer = _Offer.ASKED
                self.say(f"{answer.text}; {_QUESTION}")
                return
        if self._look is None:
            # The records know it first: the screen shows a trident as it stood at its last turn.
            self._look = self.host.look_up(_open_intents)
        elif self._look.done():
            look, self._look = self._look, None
            error = look.exception()
            if error is None:
                self._go_on(look.result())
            else:
                log.warning("what works cannot be read: %s", error)

    def _go_on(self, intents: Sequence[Intent]) -> None:
        """Has the orders cancelled that work by now, and ends once none does."""
        working = [one for one in intents if one.state is OrderState.WORKING]
        new = [one for one in working if not one.cancel_requested_by]
        if any(isinstance(one, Exit) for one in new):
            self._cancel_exits()
        for one in new:
            if not isinstance(one, Exit) and one.id not in self._entries:
                self._entries.add(one.id)
                self.host.send(CommandKind.CANCEL, target=one.id)
        if working or (intents and self.clock.monotonic() < self._until_s):
            return
        unknown = f"; nobody knows what becomes of {', '.join(map(_named, intents))}" if intents else ""
        self._end(f"no order works any more{unknown}")

    def _typed_lines(self) -> list[str]:
        """The lines that were typed since the last call, without waiting; an empty one where the input has ended."""
        with suppress(OSError):
            while select.select([STDIN], [], [], 0)[0]:
                read = os.read(STDIN, 4096)
                if not read:
                    return [""]
                self._typed += read
        *lines, self._typed = self._typed.split(b"\n")
        return [line.decode(errors="replace").strip().lower() for line in lines]


async def _open_intents(records: Records) -> tuple[Intent, ...]:
    """The orders that work, are on their way, or of which nobody knows."""
    return await records.intents.open()


def _named(intent: Intent) -> str:
    what = exit_fate(intent).name if isinstance(intent, Exit) else "entry"
    return f"{intent.underlying} {what} of {masked(intent.account)} ({intent.state.words})"


def _at_work(snapshot: Snapshot) -> str:
    """What works at the broker: the closing orders, and the entries where there are some."""
    entries = [one.order_id or "no id" for one in snapshot.orders if one.state == OrderState.WORKING.value]
    if not entries:
        return resting_words(_working(snapshot))
    works = "1 entry works" if len(entries) == 1 else f"{len(entries)} entries work"
    return f"{resting_words(_working(snapshot))}, {works} ({', '.join(entries)})"


def _working(snapshot: Snapshot) -> Resting:
    """The closing orders that work at the broker."""
    found = [one for one in snapshot.exits if one.state == OrderState.WORKING.value]
    targets = sum(one.name.startswith(KIND_WORDS[ExitKind.TARGET]) for one in found)
    return Resting(tuple(one.order_id or "no id" for one in found), targets, len({one.trident_id for one in found}))


def _has_somebody() -> bool:
    """Whether somebody sees the question and can answer it: at a terminal that this process is in the foreground of."""
    with suppress(OSError):
        return os.isatty(STDIN) and os.isatty(STDOUT) and os.tcgetpgrp(STDIN) == os.getpgrp()
    return False
