"""Carries out what an operator asks of one trident: to close units, to give it new targets, to release it (rules
15.9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.commands.inbox import Done, Handler
from core.domain.operation.commands import Command, CommandKind
from core.domain.operation.reasons import Refusal
from core.domain.positions.trident_commands import close_words
from core.positions.book import TridentBook

TRIDENT, UNITS, LIMIT, CANCELLED = "trident", "units", "limit", "cancelled"
"""Figures of the answer to a close: the trident's id, the names of the units, the debit per share of the order's price,
None for a walk, and the ids of the orders that are cancelled first; several are parted by blanks."""


@dataclass(frozen=True, slots=True)
class TridentCommands:
    """The handlers of these commands. What they ask is recorded before they are answered."""

    book: TridentBook

    @property
    def handlers(self) -> Mapping[CommandKind, Handler]:
        return {
            CommandKind.CLOSE: self._close,
            CommandKind.RETARGET: self._retarget,
            CommandKind.RELEASE: self._release,
        }

    async def _close(self, command: Command) -> Done | Refusal:
        words = close_words(command.note)
        if isinstance(words, Refusal):
            return words
        taken = await self.book.close(command.target, words, command.who)
        if isinstance(taken, Refusal):
            return taken
        figures = (
            (TRIDENT, taken.trident_id),
            (UNITS, " ".join(taken.asked.units)),
            (LIMIT, taken.asked.limit),
            (CANCELLED, " ".join(taken.cancelled)),
        )
        return Done(taken.text, figures)

    async def _retarget(self, command: Command) -> Done | Refusal:
        return _answer(await self.book.retarget(command.target, command.who))

    async def _release(self, command: Command) -> Done | Refusal:
        return _answer(await self.book.release(command.target, command.who))


def _answer(told: str | Refusal) -> Done | Refusal:
    return told if isinstance(told, Refusal) else Done(told)
