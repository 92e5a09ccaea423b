"""Caches what every poll reads, until the tables it was read from are written again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

from core.records.store.database import Database

Answer = TypeVar("Answer")


class ReadCache:
    """Caches reads of the named tables for the one process that writes them.

    A cached answer is what a read at this moment would find (`Database.version`). It is for polls. A rule that guards a
    send reads the store itself.
    """

    def __init__(self, database: Database, *tables: str) -> None:
        self._database = database
        self._tables = tables
        self._held: dict[Hashable, tuple[tuple[int, ...], Hashable, Any]] = {}

    async def ask(self, question: Hashable, values: Hashable, read: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer of `read` to the question with these values, cached or read now. Raises what `read` raises.

        One answer is kept for each question.
        """
        version = self._database.version(*self._tables)
        held = self._held.get(question)
        if version is not None and held is not None and held[:2] == (version, values):
            answer: Answer = held[2]
            return answer
        answer = await read()
        if version is not None:
            self._held[question] = (version, values, answer)
        return answer
