"""How a console without a screen is ended: by a signal, and at a terminal with the offer to cancel first what rests."""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from types import FrameType
from typing import TYPE_CHECKING

from core.domain.operation.commands import CommandKind, CommandState
from core.domain.orders.order_states import OrderState
from core.domain.positions.trident_commands import ExitsWord, ExitsWords, leaving_words, resting_words

if TYPE_CHECKING:
    from core.engine.host import EngineHost
    from core.snapshot import Snapshot

STDIN, STDOUT = 0, 1
_QUESTION = (
    "cancel before the end? Exits are then held until `senex exits on`. Type y or n and press enter; ctrl+c again ends "
    "without"
)
_NOT_DONE = frozenset({CommandState.REFUSED, CommandState.EXPIRED})


def leaving_of(snapshot: Snapshot) -> str:
    """What is said of the closing orders that go on at the broker without the console; empty for none."""
    exits = snapshot.status.exits
    return "" if exits is None else leaving_words(exits.resting)


class _Offer(Enum):
    NONE = auto()
    ASKED = auto()
    CANCELLING = auto()


@dataclass(eq=False)
class Ending:
    """Ends an engine in order on SIGINT, SIGTERM and SIGHUP; one more SIGINT ends the process at once.

    A signal that was ignored when the process began, as by nohup, stays so. A first SIGINT with closing orders at work
    at the broker asks whoever sits at the terminal whether they are cancelled first; the engine runs on meanwhile.
    Nobody is asked where input or output is no terminal of ours, and no other signal waits: both end at once.
    With `broker_ends` the broker is that of a demo, and nothing stays there. `say` takes a sentence. Made and
    used on the main thread.
    """

    host: EngineHost
    say: Callable[[str], None]
    broker_ends: bool = False
    _offer: _Offer = field(init=False, default=_Offer.NONE)
    _command: str = field(init=False, default="")
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
                self._answered(answer)

    def _caught(self, number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        if self._asked_to_end:
            if number == signal.SIGINT:
                signal.signal(signal.SIGINT, signal.SIG_DFL)
                os.kill(os.getpid(), signal.SIGINT)
        elif number == signal.SIGINT and self._offer is _Offer.NONE and self._may_ask():
            self._offer = _Offer.ASKED
            self.say(f"{name}: {resting_words(_working(self.host.snapshot()))}; {_QUESTION}")
        else:
            self._end(name)

    def _end(self, why: str) -> None:
        self._asked_to_end = True
        self.host.ask_to_stop()
        self.say(f"{why}: ending in order; ctrl+c again ends at once")

    def _may_ask(self) -> bool:
        return not self.broker_ends and bool(_working(self.host.snapshot())) and _has_somebody()

    def _answered(self, answer: str) -> None:
        if answer in ("y", "yes"):
            # Held first: a walk would send its next order, and that one would be left alone.
            self.host.send(CommandKind.EXITS, note=ExitsWords(ExitsWord.HOLD, "the console ends").note())
            self._command = self.host.send(CommandKind.EXITS, note=ExitsWords(ExitsWord.CANCEL).note())
            self._offer = _Offer.CANCELLING
            self.say(
                "exits are held until `senex exits on`; the console ends when none of them works any more; ctrl+c ends "
                "it now"
            )
        elif answer in ("n", "no", ""):
            self._end("left at the broker")
        else:
            self.say(_QUESTION)

    def _see_them_cancelled(self, snapshot: Snapshot) -> None:
        answer = next((one for one in snapshot.commands if one.id == self._command), None)
        if not _working(snapshot):
            self._end("no closing order works any more")
        elif answer is not None and answer.state in _NOT_DONE:
            self._offer = _Offer.ASKED
            self.say(f"{answer.text}; {_QUESTION}")

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


def _working(snapshot: Snapshot) -> tuple[str, ...]:
    """The ids of the closing orders that work at the broker."""
    return tuple(one.order_id or "no id" for one in snapshot.exits if one.state == OrderState.WORKING.value)


def _has_somebody() -> bool:
    """Whether somebody sees the question and can answer it: at a terminal that this process is in the foreground of."""
    with suppress(OSError):
        return os.isatty(STDIN) and os.isatty(STDOUT) and os.tcgetpgrp(STDIN) == os.getpgrp()
    return False
