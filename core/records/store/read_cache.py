"""Answers to what is asked at every poll, held until what they were read from is written again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

from core.records.store.database import Database

Answer = TypeVar("Answer")


class ReadCache:
    """Of reads from the tables named, by one trader. What is held is what a read at this moment would find; see
    `Database.version`. It serves what polls look at: a rule that guards a send is asked of the store itself."""

    def __init__(self, database: Database, *tables: str) -> None:
        self._database = database
        self._tables = tables
        self._held: dict[Hashable, tuple[tuple[int, ...], Hashable, Any]] = {}

    async def ask(self, question: Hashable, values: Hashable, read: Callable[[], Awaitable[Answer]]) -> Answer:
        """What `read` finds for the question with these values; of each question one answer is held. Raises what
        `read` raises."""
        version = self._database.version(*self._tables)
        held = self._held.get(question)
        if version is not None and held is not None and held[:2] == (version, values):
            answer: Answer = held[2]
            return answer
        answer = await read()
        if version is not None:
            self._held[question] = (version, values, answer)
        return answer
